/* PurgeQueue, and the task that sweeps away the rows of purged and deleted queues. */
#include "aws/tasks.h"
#include "base/clock.h"
#include "svc/sqs/queue.h"

#define PURGE_REST_MS 60000
#define SWEEP_ONCE 2000
#define SPACES "CMSRWFLDAEH"
#define SWEEP_KIND "sqs.sweep"

int
sqs_purge_queue(
	struct call *c, const struct sqs_purge_queue_in *in, struct sqs_purge_queue_out *out)
{
	struct sqs_queue q;
	(void)out;
	if (sqs_open(c, in->QueueUrl, "sqs:PurgeQueue", 0, &q) != CALL_OK)
		return CALL_FAILED;
	if (q.row.Purged.set && q.row.Purged.ms + PURGE_REST_MS > c->now_ms)
		return call_fail(c, &SQS_PurgeQueueInProgress,
			"Only one PurgeQueue operation on %.*s is allowed every 60 seconds.",
			STR_FMT(q.row.Name));
	sqs_sweep(c->tx, q.store);
	uint64_t next_seq = q.counts.next_seq;
	q.row.Purged = OPT_TIME(c->now_ms);
	q.store = sqs_new_store();
	q.row.Store = OPT_I64((int64_t)q.store);
	sqs_queue_save(&q);
	sqs_counts_load(&q);
	q.counts.next_seq = next_seq;
	sqs_counts_save(&q);
	return CALL_OK;
}

void
sqs_sweep(struct tx *t, uint64_t store)
{
	struct sqs_key k;
	task_add(t, SWEEP_KIND, sqs_key1(&k, '0', store), clock_now_ms());
}

/* The payload: which space it is at, the store, and the last key that it deleted. */
static int
sweep_run(struct tx *t, const struct task *task, void *arg)
{
	struct rows *rows = store_rows(arg, "sqs");
	uint64_t store = sqs_key_u64(task->payload, 1);
	size_t space = task->payload.len ? (size_t)(task->payload.p[0] - '0') : 0;
	struct str from = str_slice(task->payload, 9, task->payload.len);
	int n = 0;
	for (; space < sizeof(SPACES) - 1; space++, from = STR("")) {
		struct sqs_key k;
		struct key hi, last;
		struct scan s;
		struct str prefix = sqs_key1(&k, SPACES[space], store);
		scan_open(&s, t, rows, from.len ? from : prefix, key_after_prefix(&hi, prefix),
			false);
		while (scan_next(&s)) {
			if (n++ == SWEEP_ONCE) {
				key_begin(&last);
				key_add_raw(&last, sqs_key1(&k, (char)('0' + space), store));
				key_add_raw(&last, s.key);
				task_add(t, SWEEP_KIND, key_str(&last), task->due_ms);
				scan_done(&s);
				return 0;
			}
			tx_delete(t, rows, s.key);
		}
		scan_done(&s);
	}
	return 0;
}

void
sqs_sweep_register(struct store *s)
{
	static struct task_kind kind = { .name = SWEEP_KIND, .concurrency = 1, .run = sweep_run };
	kind.arg = s;
	tasks_register(&kind);
}
