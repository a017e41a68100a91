#include "svc/sqs/sqs_rig.h"

/* Whether the text stands in some row of the service. */
static bool
in_rows(struct rig *r, const char *text)
{
	struct store *s = cloud_store(r->cloud);
	struct tx *t = tx_begin_read(s);
	struct scan scan;
	bool found = false;
	scan_open(&scan, t, store_rows(s, "sqs"), STR(""), STR_NULL, false);
	while (scan_next(&scan))
		found |= str_find_str(scan.value, str_c(text)) >= 0;
	scan_done(&scan);
	tx_end(t);
	return found;
}

TEST(sqs_bodies_are_sealed_at_rest)
{
	struct rig r;
	rig_open(&r);
	rig_queue(&r, "q", "");
	rig_send(&r, "q", "in the dark", "");
	assert_false(in_rows(&r, "in the dark"));
	assert_string_equal(rig_receive(&r, "q", 1), "in the dark");
	rig_do(&r, "SetQueueAttributes",
		"{'QueueUrl':'" RIG_URL "q','Attributes':{'SqsManagedSseEnabled':'false'}}");
	rig_send(&r, "q", "in the open", "");
	assert_true(in_rows(&r, "in the open"));
	assert_string_equal(rig_receive(&r, "q", 1), "in the open");
	clock_advance(31000);
	/* Each as it was written. */
	assert_string_equal(rig_receive(&r, "q", 10), "in the dark,in the open");
	rig_close(&r);
}

TEST(sqs_dead_letters_are_sealed_for_their_new_queue)
{
	struct rig r;
	rig_open(&r);
	rig_queue(&r, "dead", "");
	rig_queue(&r, "q",
		"'VisibilityTimeout':'0','RedrivePolicy':'{\\'maxReceiveCount\\':1,\\'deadLetterTargetArn\\':"
		"\\'arn:aws:sqs:us-east-1:111122223333:dead\\'}'");
	rig_send(&r, "q", "in the dark", "");
	assert_string_equal(rig_receive(&r, "q", 1), "in the dark");
	assert_string_equal(rig_receive(&r, "q", 1), "");
	assert_false(in_rows(&r, "in the dark"));
	assert_string_equal(rig_receive(&r, "dead", 1), "in the dark");
	rig_close(&r);
}
