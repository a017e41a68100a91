#include "base/text.h"
#include "svc/sqs/sqs_rig.h"

#include <errno.h>

/* Fills with the first bytes of what it is told; "slow…" not at once, "never…" not at all. */
static unsigned slow_n;

static struct str
fill(struct store *s, struct arena *a, struct str about, bool at_once)
{
	(void)s;
	if (str_starts(about, STR("never")) || (at_once && str_starts(about, STR("slow"))))
		return STR_NULL;
	slow_n += !at_once;
	return arena_dup(a, str_slice(about, about.len - 4, about.len));
}

struct letter {
	struct rig *r;
	struct sqs_delivery d;
	int result;
};

static int
letter_unit(struct tx *t, void *arg)
{
	struct letter *l = arg;
	l->result = sqs_deliver(t, cloud_store(l->r->cloud), &l->r->arena, &l->d, NULL);
	return l->result;
}

static int
deliver(struct rig *r, const char *queue, struct str body, struct sqs_blank blank)
{
	struct sqs_delivery_attribute attribute = { STR("name"), STR("String"), STR("value") };
	struct letter l = { .r = r };
	l.d = (struct sqs_delivery){ .queue_arn = arena_printf(&r->arena,
					     "arn:aws:sqs:us-east-1:111122223333:%s", queue),
		.service = STR("sns.amazonaws.com"),
		.source_arn = STR("arn"),
		.source_account = STR(""),
		.body = body,
		.blank = &blank,
		.attributes = &attribute,
		.attributes_n = 1,
		.now_ms = clock_now_ms() };
	store_write(cloud_store(r->cloud), letter_unit, &l);
	return l.result;
}

static void
queue(struct rig *r, const char *name, const char *more)
{
	struct str attributes = arena_printf(&r->arena,
		"'Policy':'{\\'Version\\':\\'2012-10-17\\',\\'Statement\\':[{\\'Effect\\':\\'Allow\\',"
		"\\'Principal\\':{\\'Service\\':\\'sns.amazonaws.com\\'},\\'Action\\':\\'sqs:*\\',"
		"\\'Resource\\':\\'*\\'}]}'%s",
		more);
	rig_queue(r, name, arena_cstr(&r->arena, attributes));
}

static void
open_with_filler(struct rig *r)
{
	rig_open(r);
	sqs_filler_register("test.fill", fill);
	slow_n = 0;
}

#define BLANK(about) ((struct sqs_blank){ STR("test.fill"), STR(about), 4, 4 })

TEST(sqs_blanks_are_filled_when_received)
{
	struct rig r;
	open_with_filler(&r);
	queue(&r, "q", ",'VisibilityTimeout':'0'");
	assert_int_equal(deliver(&r, "q", STR("one=;"), BLANK("slow 1234")), 0);
	rig_send(&r, "q", "between", "");
	assert_int_equal(deliver(&r, "q", STR("two=;"), BLANK("quick 5678")), 0);
	assert_string_equal(rig_receive(&r, "q", 10), "one=1234;,between,two=5678;");
	assert_int_equal(slow_n, 1);
	struct json *m = rig_message(&r, 0);
	unsigned char hash[16];
	md5(STR("one=1234;"), hash);
	assert_str(json_get_text(m, STR("MD5OfBody")),
		arena_cstr(&r.arena, hex_text(&r.arena, str_of(hash, 16))));
	assert_non_null(json_get_lit(json_get_lit(m, "MessageAttributes"), "name"));
	assert_string_equal(
		rig_text(&r, json_get_lit(m, "Attributes"), "SenderId"), "sns.amazonaws.com");
	rig_close(&r);
}

TEST(sqs_blanks_go_where_the_message_goes)
{
	struct rig r;
	open_with_filler(&r);
	queue(&r, "dead", "");
	queue(&r, "q",
		",'VisibilityTimeout':'0','RedrivePolicy':'{\\'maxReceiveCount\\':1,"
		"\\'deadLetterTargetArn\\':\\'arn:aws:sqs:us-east-1:111122223333:dead\\'}'");
	deliver(&r, "q", STR("one=;"), BLANK("slow 1234"));
	assert_string_equal(rig_receive(&r, "q", 1), "one=1234;");
	assert_string_equal(rig_receive(&r, "q", 1), "");
	assert_string_equal(rig_receive(&r, "dead", 1), "one=1234;");
	rig_close(&r);
}

TEST(sqs_blanks_that_nobody_fills_hold_their_message_back)
{
	struct rig r;
	open_with_filler(&r);
	queue(&r, "q", "");
	deliver(&r, "q", STR("one=;"), BLANK("never"));
	rig_send(&r, "q", "other", "");
	assert_string_equal(rig_receive(&r, "q", 10), "other");
	assert_string_equal(rig_counts(&r, "q"), "0/2/0");
	rig_close(&r);
}

TEST(sqs_blanks_count_for_the_size)
{
	struct rig r;
	char body[1030];
	memset(body, 'x', sizeof(body));
	open_with_filler(&r);
	queue(&r, "q", ",'MaximumMessageSize':'1048'");
	/* With the attribute's 15 bytes and the blank's 4. */
	assert_int_equal(deliver(&r, "q", str_of(body, 1029), BLANK("quick 1234")), 0);
	assert_int_equal(deliver(&r, "q", str_of(body, 1030), BLANK("quick 1234")), -EMSGSIZE);
	rig_close(&r);
}

TEST(sqs_blanks_outside_the_body_are_refused)
{
	struct rig r;
	open_with_filler(&r);
	queue(&r, "q", "");
	struct sqs_blank b = BLANK("quick 1234");
	b.at = 6;
	assert_int_equal(deliver(&r, "q", STR("one=;"), b), -EINVAL);
	rig_close(&r);
}
