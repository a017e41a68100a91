/* A message that was received too often goes to the dead-letter queue instead of to one more
 * receiver. */
#include "svc/sqs/queue.h"

bool
sqs_dead_letter(struct sqs_queue *q, struct store *s, uint64_t seq,
	struct sqs_stored_message_row *row, const struct sqs_state *state)
{
	struct sqs_name n;
	struct sqs_queue dlq;
	if (!sqs_arn_parse(q->row.DeadLetterArn, &n) ||
		!sqs_queue_load(q->tx, s, q->arena, &n, &dlq) || dlq.row.Id.v == q->row.Id.v ||
		!sqs_message_open(q, seq, row))
		return false;
	dlq.now_ms = q->now_ms;
	struct sqs_stored_message_row moved = *row;
	moved.SourceArn = sqs_queue_arn(q);
	moved.VisibleAt = (struct opt_time){ 0 };
	moved.PriorReceives = OPT_I64(row->PriorReceives.v + (int64_t)state->received);
	if (!row->FirstReceived.set)
		moved.FirstReceived = OPT_TIME(state->first_ms);
	/* Standard queues keep counting the retention from when the message was first sent. */
	if (q->row.Fifo.v)
		moved.Sent = OPT_TIME(q->now_ms);
	sqs_message_add(&dlq, &moved);
	sqs_arm(&dlq);
	sqs_counts_save(&dlq);
	sqs_message_remove(q, seq, row);
	return true;
}
