/* ChangeMessageVisibility and its batch. */
#include "svc/sqs/queue.h"

static int
timeout_check(struct call *c, int64_t timeout_s)
{
	if (timeout_s < 0 || timeout_s > SQS_VISIBILITY_MAX_S)
		return sqs_bad_value(c,
			"Value %lld for parameter VisibilityTimeout is invalid. Reason: VisibilityTimeout must be an "
			"integer between 0 and 43200.",
			(long long)timeout_s);
	return CALL_OK;
}

static int
no_message(struct call *c, struct str handle)
{
	return sqs_bad_value(c,
		"Value %.*s for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not "
		"available for visibility timeout change.",
		STR_FMT(handle));
}

static int
visibility_change(struct call *c, struct sqs_queue *q, struct str handle, int64_t timeout_s)
{
	struct sqs_receipt r;
	struct sqs_state s;
	struct sqs_stored_message_row row;
	int64_t until_ms = q->now_ms + timeout_s * 1000;
	if (timeout_check(c, timeout_s) != CALL_OK)
		return CALL_FAILED;
	if (!sqs_receipt_parse(c->arena, handle, &r) || r.queue != (uint64_t)q->row.Id.v)
		return call_fail(c, &SQS_ReceiptHandleIsInvalid,
			"The input receipt handle \"%.*s\" is not a valid receipt handle.",
			(int)(handle.len < 1024 ? handle.len : 1024), handle.p ? handle.p : "");
	if (r.store != q->store || !sqs_state_get(q, r.seq, &s) || !sqs_message_get(q, r.seq, &row))
		return no_message(c, handle);
	if (s.visible_ms <= q->now_ms || s.nonce != r.nonce)
		return call_fail(
			c, &SQS_MessageNotInflight, "The message referred to isn't in flight.");
	if (until_ms > s.first_ms + SQS_VISIBILITY_MAX_S * INT64_C(1000) && s.received == 1)
		return sqs_bad_value(c,
			"Value %lld for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for "
			"the message is beyond the limit [43200 seconds].",
			(long long)timeout_s);
	sqs_wait_remove(q, s.visible_ms, r.seq);
	s.visible_ms = until_ms;
	sqs_state_put(q, r.seq, &s);
	sqs_wait_add(q, until_ms, r.seq, 'i', row.Sent.ms);
	if (timeout_s == 0)
		tx_touch(q->tx, sqs_wait_key(q));
	return CALL_OK;
}

int
sqs_change_message_visibility(struct call *c, const struct sqs_change_message_visibility_in *in,
	struct sqs_change_message_visibility_out *out)
{
	struct sqs_queue q;
	(void)out;
	if (sqs_open(c, in->QueueUrl, "sqs:ChangeMessageVisibility", 0, &q) != CALL_OK ||
		visibility_change(c, &q, in->ReceiptHandle, in->VisibilityTimeout.v) != CALL_OK)
		return CALL_FAILED;
	sqs_arm(&q);
	sqs_counts_save(&q);
	return CALL_OK;
}

int
sqs_change_message_visibility_batch(struct call *c,
	const struct sqs_change_message_visibility_batch_in *in,
	struct sqs_change_message_visibility_batch_out *out)
{
	struct sqs_queue q;
	uint32_t n = in->Entries.n;
	struct str *ids = arena_array(c->arena, struct str, n);
	for (uint32_t i = 0; i < n; i++)
		ids[i] = in->Entries.v[i].Id;
	if (sqs_open(c, in->QueueUrl, "sqs:ChangeMessageVisibility", 0, &q) != CALL_OK ||
		sqs_batch_check(c, "ChangeMessageVisibilityBatchRequestEntry", n, ids) != CALL_OK)
		return CALL_FAILED;
	out->Successful.v =
		arena_array(c->arena, struct sqs_change_message_visibility_batch_result_entry, n);
	out->Failed.v = arena_array(c->arena, struct sqs_batch_result_error_entry, n);
	for (uint32_t i = 0; i < n; i++) {
		const struct sqs_change_message_visibility_batch_request_entry *e =
			&in->Entries.v[i];
		if (visibility_change(c, &q, e->ReceiptHandle, e->VisibilityTimeout.v) == CALL_OK)
			out->Successful.v[out->Successful.n++].Id = ids[i];
		else
			sqs_batch_failed(c, ids[i], &out->Failed);
	}
	out->Successful.set = out->Successful.n > 0;
	out->Failed.set = out->Failed.n > 0;
	sqs_arm(&q);
	sqs_counts_save(&q);
	return CALL_OK;
}
