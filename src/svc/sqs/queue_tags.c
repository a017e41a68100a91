/* Tags of queues. */
#include "svc/sqs/queue.h"

#define TAGS_MAX 50

static struct sqs_stored_tag *
tag_find(struct sqs_queue_row *row, struct str key)
{
	for (uint32_t i = 0; i < row->Tags.n; i++)
		if (str_eq(row->Tags.v[i].Key, key))
			return &row->Tags.v[i];
	return NULL;
}

int
sqs_tag_queue(struct call *c, const struct sqs_tag_queue_in *in, struct sqs_tag_queue_out *out)
{
	struct sqs_queue q;
	(void)out;
	if (sqs_open(c, in->QueueUrl, "sqs:TagQueue", SQS_OWNER_ONLY, &q) != CALL_OK)
		return CALL_FAILED;
	struct sqs_stored_tag *v =
		arena_array(c->arena, struct sqs_stored_tag, q.row.Tags.n + in->Tags.n);
	if (q.row.Tags.n)
		memcpy(v, q.row.Tags.v, q.row.Tags.n * sizeof(*v));
	q.row.Tags.v = v;
	for (uint32_t i = 0; i < in->Tags.n; i++) {
		const struct map_str_entry *e = &in->Tags.v[i];
		if (!e->key.len || str_utf8_count(e->key) > 128 || str_utf8_count(e->value) > 256)
			return sqs_bad_value(c,
				"Tag keys must be 1 to 128 and tag values 0 to 256 characters in length.");
		struct sqs_stored_tag *t = tag_find(&q.row, e->key);
		if (!t) {
			t = &v[q.row.Tags.n++];
			t->Key = e->key;
		}
		t->Value = e->value;
	}
	if (q.row.Tags.n > TAGS_MAX)
		return sqs_bad_value(c, "Too many tags added for queue %.*s.", STR_FMT(q.row.Name));
	q.row.Tags.set = true;
	sqs_queue_save(&q);
	return CALL_OK;
}

int
sqs_untag_queue(
	struct call *c, const struct sqs_untag_queue_in *in, struct sqs_untag_queue_out *out)
{
	struct sqs_queue q;
	(void)out;
	if (sqs_open(c, in->QueueUrl, "sqs:UntagQueue", SQS_OWNER_ONLY, &q) != CALL_OK)
		return CALL_FAILED;
	for (uint32_t i = 0; i < in->TagKeys.n; i++) {
		struct sqs_stored_tag *t = tag_find(&q.row, in->TagKeys.v[i]);
		if (t)
			*t = q.row.Tags.v[--q.row.Tags.n];
	}
	sqs_queue_save(&q);
	return CALL_OK;
}

int
sqs_list_queue_tags(struct call *c, const struct sqs_list_queue_tags_in *in,
	struct sqs_list_queue_tags_out *out)
{
	struct sqs_queue q;
	if (sqs_open(c, in->QueueUrl, "sqs:ListQueueTags", SQS_OWNER_ONLY, &q) != CALL_OK)
		return CALL_FAILED;
	out->Tags.v = arena_array(c->arena, struct map_str_entry, q.row.Tags.n);
	out->Tags.n = q.row.Tags.n;
	out->Tags.set = q.row.Tags.n > 0;
	for (uint32_t i = 0; i < q.row.Tags.n; i++)
		out->Tags.v[i] =
			(struct map_str_entry){ q.row.Tags.v[i].Key, q.row.Tags.v[i].Value };
	return CALL_OK;
}
