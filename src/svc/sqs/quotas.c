/* As AWS counts: a batch is one call. What delivers for other services is not counted, nor is a
 * receive that finds nothing. */
#include "svc/sqs/queue.h"

static bool
is_limited(const struct sqs_queue *q)
{
	return q->row.Fifo.v && !str_is(q->row.ThroughputLimit, "perMessageGroupId");
}

int
sqs_quota_check(struct call *c, const struct sqs_queue *q, enum sqs_quota which)
{
	uint64_t used = q->counts.quota_used >> (16 * which) & 0xffff;
	if (!is_limited(q) || q->counts.quota_s != (uint64_t)q->now_ms / 1000 ||
		used < SQS_QUOTA_FIFO)
		return CALL_OK;
	return call_fail(c, &SQS_RequestThrottled,
		"Rate exceeded: a FIFO queue takes %d calls of one kind a second, unless FifoThroughputLimit is perMessageGroupId.",
		SQS_QUOTA_FIFO);
}

void
sqs_quota_use(struct sqs_queue *q, enum sqs_quota which)
{
	uint64_t now_s = (uint64_t)q->now_ms / 1000;
	if (!is_limited(q))
		return;
	if (q->counts.quota_s != now_s)
		q->counts.quota_used = 0;
	q->counts.quota_s = now_s;
	q->counts.quota_used += UINT64_C(1) << (16 * which);
}
