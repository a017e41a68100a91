/* SendMessage and SendMessageBatch. */
#include "base/digest.h"
#include "base/text.h"
#include "svc/sqs/queue.h"

#define DELAY_MAX_S 900

/* What both operations know of one message. */
struct sending {
	struct str body;
	struct opt_i64 delay;
	const struct sqs_message_attribute_value_map *attributes;
	const struct sqs_message_system_attribute_value_map *system;
	struct str dedup, group;
	size_t size_bytes;
	struct sqs_stored_message_row row;
};

/* Twenty digits that grow, as AWS's do. */
struct str
sqs_sequence_text(struct arena *a, uint64_t seq)
{
	return arena_printf(
		a, "1%019llu", (unsigned long long)(8849496460467696128ull + seq * 256));
}

static int
content_check(struct call *c, const struct sqs_queue *q, struct sending *m)
{
	size_t attributes_bytes = 0;
	if (!m->body.len)
		return call_fail(c, &SQS_MissingParameter,
			"The request must contain the parameter MessageBody.");
	if (sqs_attributes_store(c, m->attributes, &m->row, &attributes_bytes) != CALL_OK ||
		sqs_system_attributes_store(c, m->system, &m->row) != CALL_OK)
		return CALL_FAILED;
	m->size_bytes = m->body.len + attributes_bytes;
	if (m->size_bytes > (size_t)q->row.MaxSize.v)
		return sqs_bad_value(c,
			"One or more parameters are invalid. Reason: Message must be shorter than %lld bytes.",
			(long long)q->row.MaxSize.v);
	if (!sqs_text_allowed(m->body))
		return call_fail(c, &SQS_InvalidMessageContents,
			"Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | "
			"#xE000 to #xFFFD | #x10000 to #x10FFFF");
	return CALL_OK;
}

static int
id_refused(struct call *c, const char *name, struct str id)
{
	return sqs_bad_value(c,
		"Value %.*s for parameter %s is invalid. Reason: %s can only include alphanumeric and "
		"punctuation characters. 1 to 128 in length.",
		STR_FMT(id), name, name);
}

static int
fifo_check(struct call *c, struct sqs_queue *q, struct sending *m)
{
	if (!m->group.len)
		return call_fail(c, &SQS_MissingParameter,
			"The request must contain the parameter MessageGroupId.");
	if (m->delay.set && m->delay.v != 0)
		return sqs_bad_value(c,
			"Value %lld for parameter DelaySeconds is invalid. Reason: The request include parameter "
			"that is not valid for this queue type.",
			(long long)m->delay.v);
	if (m->dedup.p && !sqs_id_valid(m->dedup))
		return id_refused(c, "MessageDeduplicationId", m->dedup);
	if (!m->dedup.p && !q->row.ContentDedup.v)
		return sqs_bad_value(c,
			"The queue should either have ContentBasedDeduplication enabled or "
			"MessageDeduplicationId provided explicitly");
	m->row.Dedup = m->dedup.p ? m->dedup : sqs_content_id(c->arena, m->body);
	return CALL_OK;
}

static int
place_check(struct call *c, struct sqs_queue *q, struct sending *m)
{
	if (m->delay.set && (m->delay.v < 0 || m->delay.v > DELAY_MAX_S))
		return sqs_bad_value(c,
			"Value %lld for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and "
			"<= 900.",
			(long long)m->delay.v);
	if (m->group.p && !sqs_id_valid(m->group))
		return id_refused(c, "MessageGroupId", m->group);
	m->row.Group = m->group;
	if (q->row.Fifo.v)
		return fifo_check(c, q, m);
	if (m->dedup.p)
		return sqs_bad_value(c,
			"Value %.*s for parameter MessageDeduplicationId is invalid. Reason: The request includes "
			"a parameter that is not valid for this queue type.",
			STR_FMT(m->dedup));
	return CALL_OK;
}

uint64_t
sqs_send_row(struct sqs_queue *q, struct sqs_stored_message_row *row)
{
	struct sqs_dedup_row before;
	if (q->row.Fifo.v && sqs_dedup_find(q, row, &before)) {
		row->Id = before.MessageId;
		return (uint64_t)before.Seq.v;
	}
	uint64_t seq = sqs_message_add(q, row);
	if (q->row.Fifo.v)
		sqs_dedup_put(q, row, seq);
	return seq;
}

static struct str
sender_id(const struct call *c)
{
	return c->who.anonymous     ? STR("anonymous")
	       : c->who.user_id.len ? c->who.user_id
				    : c->who.account;
}

/* CALL_FAILED: the queue's key cannot be used. */
static int
message_send(struct call *c, struct sqs_queue *q, struct sending *m, uint64_t *ret_seq)
{
	struct sqs_stored_message_row *row = &m->row;
	unsigned char hash[16];
	int64_t delay_s = m->delay.set && !q->row.Fifo.v ? m->delay.v : q->row.Delay.v;
	md5(m->body, hash);
	row->Id = call_uuid(c);
	row->Body = m->body;
	row->BodyMd5 = arena_dup(c->arena, str_of(hash, 16));
	row->Sent = OPT_TIME(c->now_ms);
	row->Sender = sender_id(c);
	if (delay_s)
		row->VisibleAt = OPT_TIME(c->now_ms + delay_s * 1000);
	if (q->row.KmsKey.len && sqs_kms_seal(c, q, row) != CALL_OK)
		return CALL_FAILED;
	*ret_seq = sqs_send_row(q, row);
	return CALL_OK;
}

int
sqs_send_message(
	struct call *c, const struct sqs_send_message_in *in, struct sqs_send_message_out *out)
{
	struct sqs_queue q;
	struct sending m = { .body = in->MessageBody,
		.delay = in->DelaySeconds,
		.attributes = &in->MessageAttributes,
		.system = &in->MessageSystemAttributes,
		.dedup = in->MessageDeduplicationId,
		.group = in->MessageGroupId };
	if (sqs_open(c, in->QueueUrl, "sqs:SendMessage", 0, &q) != CALL_OK ||
		content_check(c, &q, &m) != CALL_OK || place_check(c, &q, &m) != CALL_OK ||
		sqs_quota_check(c, &q, SQS_QUOTA_SEND) != CALL_OK)
		return CALL_FAILED;
	uint64_t seq;
	if (message_send(c, &q, &m, &seq) != CALL_OK)
		return CALL_FAILED;
	sqs_quota_use(&q, SQS_QUOTA_SEND);
	sqs_arm(&q);
	sqs_counts_save(&q);
	out->MessageId = m.row.Id;
	out->MD5OfMessageBody = sqs_md5_hex(c->arena, m.row.BodyMd5);
	out->MD5OfMessageAttributes = sqs_md5_hex(c->arena, m.row.AttributesMd5);
	out->MD5OfMessageSystemAttributes = sqs_md5_hex(c->arena, m.row.TraceMd5);
	if (q.row.Fifo.v)
		out->SequenceNumber = sqs_sequence_text(c->arena, seq);
	return CALL_OK;
}

static int
entry_send(struct call *c, struct sqs_queue *q,
	const struct sqs_send_message_batch_request_entry *e,
	struct sqs_send_message_batch_result_entry *out)
{
	struct sending m = { .body = e->MessageBody,
		.delay = e->DelaySeconds,
		.attributes = &e->MessageAttributes,
		.system = &e->MessageSystemAttributes,
		.dedup = e->MessageDeduplicationId,
		.group = e->MessageGroupId };
	uint64_t seq;
	if (content_check(c, q, &m) != CALL_OK || place_check(c, q, &m) != CALL_OK ||
		message_send(c, q, &m, &seq) != CALL_OK)
		return CALL_FAILED;
	*out = (struct sqs_send_message_batch_result_entry){ .Id = e->Id, .MessageId = m.row.Id,
		.MD5OfMessageBody = sqs_md5_hex(c->arena, m.row.BodyMd5),
		.MD5OfMessageAttributes = sqs_md5_hex(c->arena, m.row.AttributesMd5),
		.MD5OfMessageSystemAttributes = sqs_md5_hex(c->arena, m.row.TraceMd5) };
	if (q->row.Fifo.v)
		out->SequenceNumber = sqs_sequence_text(c->arena, seq);
	return CALL_OK;
}

static size_t
entry_bytes(const struct sqs_send_message_batch_request_entry *e)
{
	size_t n = e->MessageBody.len;
	for (uint32_t i = 0; i < e->MessageAttributes.n; i++) {
		const struct sqs_message_attribute_value_map_entry *a = &e->MessageAttributes.v[i];
		n += a->key.len + a->value.DataType.len + a->value.StringValue.len +
		     a->value.BinaryValue.len;
	}
	return n;
}

static int
batch_check(struct call *c, const struct sqs_send_message_batch_in *in)
{
	uint32_t n = in->Entries.n;
	struct str *ids = arena_array(c->arena, struct str, n);
	size_t bytes = 0;
	for (uint32_t i = 0; i < n; i++) {
		ids[i] = in->Entries.v[i].Id;
		bytes += entry_bytes(&in->Entries.v[i]);
	}
	if (sqs_batch_check(c, "SendMessageBatchRequestEntry", n, ids) != CALL_OK)
		return CALL_FAILED;
	if (bytes > SQS_MESSAGE_MAX)
		return call_fail(c, &SQS_BatchRequestTooLong,
			"Batch requests cannot be longer than %d bytes. You have sent %zu bytes.",
			SQS_MESSAGE_MAX, bytes);
	return CALL_OK;
}

int
sqs_send_message_batch(struct call *c, const struct sqs_send_message_batch_in *in,
	struct sqs_send_message_batch_out *out)
{
	struct sqs_queue q;
	if (sqs_open(c, in->QueueUrl, "sqs:SendMessage", 0, &q) != CALL_OK ||
		batch_check(c, in) != CALL_OK || sqs_quota_check(c, &q, SQS_QUOTA_SEND) != CALL_OK)
		return CALL_FAILED;
	uint32_t n = in->Entries.n;
	out->Successful.v = arena_array(c->arena, struct sqs_send_message_batch_result_entry, n);
	out->Failed.v = arena_array(c->arena, struct sqs_batch_result_error_entry, n);
	for (uint32_t i = 0; i < n; i++) {
		const struct sqs_send_message_batch_request_entry *e = &in->Entries.v[i];
		if (entry_send(c, &q, e, &out->Successful.v[out->Successful.n]) == CALL_OK)
			out->Successful.n++;
		else
			sqs_batch_failed(c, e->Id, &out->Failed);
	}
	out->Successful.set = out->Successful.n > 0;
	out->Failed.set = out->Failed.n > 0;
	if (out->Successful.n) {
		sqs_quota_use(&q, SQS_QUOTA_SEND);
		sqs_arm(&q);
		sqs_counts_save(&q);
	}
	return CALL_OK;
}
