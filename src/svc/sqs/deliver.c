/* Messages from other services: see sqs.h. */
#include "svc/sqs/sqs.h"
#include "aws/policy.h"
#include "base/digest.h"
#include "base/ids.h"
#include "svc/sqs/queue.h"

#include <errno.h>

static bool
policy_allows(struct sqs_queue *q, const struct sqs_delivery *d)
{
	struct policy *p = q->row.Policy.len ? policy_cached(q->row.Policy, POLICY_RESOURCE) : NULL;
	struct policy_result r;
	struct policy_key keys[2] = { { STR("aws:SourceArn"), &d->source_arn, 1 },
		{ STR("aws:SourceAccount"), &d->source_account, 1 } };
	if (!p)
		return false;
	struct policy_context ctx = { .principal = { .kind = POLICY_SERVICE, .name = d->service },
		.action = STR("sqs:SendMessage"),
		.resource = sqs_queue_arn(q),
		.resource_account = q->account,
		.keys = keys,
		.keys_n = d->source_account.len ? 2 : 1,
		.now_ms = d->now_ms,
		.resource_policy = p };
	policy_evaluate(&ctx, &r);
	policy_unref(p);
	return r.decision == POLICY_ALLOWED;
}

static int
queue_for(struct tx *t, struct store *s, struct arena *a, const struct sqs_delivery *d,
	struct sqs_queue *q)
{
	struct sqs_name n;
	if (!sqs_arn_parse(d->queue_arn, &n))
		return -EINVAL;
	if (!sqs_queue_load(t, s, a, &n, q))
		return -ENOENT;
	q->now_ms = d->now_ms;
	return policy_allows(q, d) ? 0 : -EACCES;
}

int
sqs_deliver_allowed(struct tx *t, struct store *s, struct arena *a, const struct sqs_delivery *d)
{
	struct sqs_queue q;
	return queue_for(t, s, a, d, &q);
}

/* The size that counts; the attributes into the row. */
static size_t
attributes_fill(struct arena *a, const struct sqs_delivery *d, struct sqs_stored_message_row *row)
{
	size_t bytes = 0;
	row->Attributes.v = arena_array(a, struct sqs_stored_attribute, d->attributes_n);
	for (unsigned i = 0; i < d->attributes_n; i++) {
		const struct sqs_delivery_attribute *from = &d->attributes[i];
		bool binary = str_starts(from->type, STR("Binary"));
		row->Attributes.v[i] = (struct sqs_stored_attribute){ .Name = from->name,
			.Type = from->type,
			.Text = binary ? STR_NULL : from->value,
			.Binary = binary ? from->value : STR_NULL };
		bytes += from->name.len + from->type.len + from->value.len;
	}
	row->Attributes.n = d->attributes_n;
	row->Attributes.set = d->attributes_n > 0;
	row->AttributesMd5 = sqs_stored_attributes_md5(a, row->Attributes.v, row->Attributes.n);
	return bytes;
}

static int
fifo_fill(struct sqs_queue *q, const struct sqs_delivery *d, struct sqs_stored_message_row *row)
{
	if (!q->row.Fifo.v)
		return 0;
	row->Dedup = d->dedup_id.p           ? d->dedup_id
		     : q->row.ContentDedup.v ? sqs_content_id(q->arena, d->body)
					     : STR_NULL;
	return sqs_id_valid(row->Group) && row->Dedup.p && sqs_id_valid(row->Dedup) ? 0 : -EINVAL;
}

/* The body's MD5 is that of what the receiver gets. */
static void
blank_keep(const struct sqs_blank *b, struct sqs_stored_message_row *row)
{
	row->BlankKind = b->kind;
	row->BlankAbout = b->about;
	row->BlankAt = OPT_I64(b->at);
	row->BlankSize = OPT_I64(b->size);
}

int
sqs_deliver(struct tx *t, struct store *s, struct arena *a, const struct sqs_delivery *d,
	struct str *ret_message_id)
{
	struct sqs_queue q;
	unsigned char hash[16];
	int r = queue_for(t, s, a, d, &q);
	if (r)
		return r;
	struct sqs_stored_message_row row = { .Id = ids_uuid_text(a),
		.Body = d->body,
		.Sent = OPT_TIME(d->now_ms),
		.Sender = d->service,
		.TraceHeader = d->trace_header,
		.Group = d->group_id };
	if (d->blank && !sqs_blank_valid(d->blank, d->body))
		return -EINVAL;
	if (d->body.len + (d->blank ? d->blank->size : 0) + attributes_fill(a, d, &row) >
		(size_t)q.row.MaxSize.v)
		return -EMSGSIZE;
	if (!d->body.len || d->attributes_n > SQS_ATTRIBUTES_MAX || !sqs_text_allowed(d->body))
		return -EINVAL;
	r = fifo_fill(&q, d, &row);
	if (r)
		return r;
	if (d->blank) {
		blank_keep(d->blank, &row);
	} else {
		if (!d->body_md5)
			md5(d->body, hash);
		row.BodyMd5 = str_of(d->body_md5 ? d->body_md5 : hash, sizeof(hash));
	}
	if (q.row.KmsKey.len && (r = sqs_kms_seal_for(t, s, &q, d, &row)))
		return r;
	if (q.row.Delay.v)
		row.VisibleAt = OPT_TIME(d->now_ms + q.row.Delay.v * 1000);
	sqs_send_row(&q, &row);
	sqs_arm(&q);
	sqs_counts_save(&q);
	if (ret_message_id)
		*ret_message_id = row.Id;
	return 0;
}
