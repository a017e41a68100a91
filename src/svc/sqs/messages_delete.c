/* DeleteMessage and DeleteMessageBatch. */
#include "svc/sqs/queue.h"

/* An old receipt of a standard queue's message does nothing, and says nothing. */
static int
message_delete(struct call *c, struct sqs_queue *q, struct str handle)
{
	struct sqs_receipt r;
	struct sqs_state s;
	struct sqs_stored_message_row row;
	if (!sqs_receipt_parse(c->arena, handle, &r) || r.queue != (uint64_t)q->row.Id.v)
		return call_fail(c, &SQS_ReceiptHandleIsInvalid,
			"The input receipt handle \"%.*s\" is not a valid receipt handle.",
			(int)(handle.len < 1024 ? handle.len : 1024), handle.p ? handle.p : "");
	if (r.store != q->store || !sqs_state_get(q, r.seq, &s))
		return CALL_OK;
	bool current = s.nonce == r.nonce;
	if (q->row.Fifo.v && (!current || s.visible_ms <= q->now_ms))
		return sqs_bad_value(c,
			"Value %.*s for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.",
			STR_FMT(handle));
	if (current && sqs_message_get(q, r.seq, &row))
		sqs_message_remove(q, r.seq, &row);
	return CALL_OK;
}

int
sqs_delete_message(
	struct call *c, const struct sqs_delete_message_in *in, struct sqs_delete_message_out *out)
{
	struct sqs_queue q;
	(void)out;
	if (sqs_open(c, in->QueueUrl, "sqs:DeleteMessage", 0, &q) != CALL_OK ||
		sqs_quota_check(c, &q, SQS_QUOTA_DELETE) != CALL_OK ||
		message_delete(c, &q, in->ReceiptHandle) != CALL_OK)
		return CALL_FAILED;
	sqs_quota_use(&q, SQS_QUOTA_DELETE);
	sqs_arm(&q);
	sqs_counts_save(&q);
	return CALL_OK;
}

int
sqs_delete_message_batch(struct call *c, const struct sqs_delete_message_batch_in *in,
	struct sqs_delete_message_batch_out *out)
{
	struct sqs_queue q;
	uint32_t n = in->Entries.n;
	struct str *ids = arena_array(c->arena, struct str, n);
	for (uint32_t i = 0; i < n; i++)
		ids[i] = in->Entries.v[i].Id;
	if (sqs_open(c, in->QueueUrl, "sqs:DeleteMessage", 0, &q) != CALL_OK ||
		sqs_batch_check(c, "DeleteMessageBatchRequestEntry", n, ids) != CALL_OK ||
		sqs_quota_check(c, &q, SQS_QUOTA_DELETE) != CALL_OK)
		return CALL_FAILED;
	sqs_quota_use(&q, SQS_QUOTA_DELETE);
	out->Successful.v = arena_array(c->arena, struct sqs_delete_message_batch_result_entry, n);
	out->Failed.v = arena_array(c->arena, struct sqs_batch_result_error_entry, n);
	for (uint32_t i = 0; i < n; i++) {
		if (message_delete(c, &q, in->Entries.v[i].ReceiptHandle) == CALL_OK)
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
