/*
 * What the clock brings about: waking receivers when a message becomes visible again, the end of
 * messages that were kept long enough, and of the rest of a deleted queue's name.
 */
#include "aws/due.h"
#include "base/clock.h"
#include "svc/sqs/queue.h"

#define EXPIRE_ONCE 500

/* The queue that a due row was armed for, unless it is gone or was purged since. */
static bool
due_queue(struct tx *t, struct store *s, struct arena *a, struct str id, struct str payload,
	struct sqs_queue *q)
{
	struct sqs_name n;
	struct str rest = str_slice(payload, 1, payload.len),
		   *piece[] = { &n.region, &n.account, &n.name };
	for (int i = 0; i < 3; i++) {
		char text[256];
		struct str p;
		if (!key_take(&rest, text, sizeof(text), &p))
			return false;
		*piece[i] = arena_dup(a, p);
	}
	if (!sqs_queue_load(t, s, a, &n, q) || q->store != sqs_key_u64(id, 1))
		return false;
	q->now_ms = clock_now_ms();
	return true;
}

static int
wake_run(struct tx *t, struct str id, int64_t due_ms, struct str payload, void *arg)
{
	struct arena a;
	struct sqs_queue q;
	(void)due_ms;
	arena_init(&a);
	if (due_queue(t, arg, &a, id, payload, &q)) {
		q.counts.wake_due = INT64_MAX;
		if (q.counts.wait_head <= q.now_ms)
			tx_touch(t, sqs_wait_key(&q));
		sqs_arm(&q);
		sqs_counts_save(&q);
	}
	arena_done(&a);
	return 0;
}

static void
expire(struct sqs_queue *q)
{
	struct sqs_key lo, hi;
	struct scan s;
	int n = 0;
	scan_open(&s, q->tx, q->rows, sqs_key2(&lo, 'M', q->store, q->counts.first_seq),
		sqs_key2(&hi, 'M', q->store, UINT64_MAX), false);
	while (scan_next(&s)) {
		struct sqs_stored_message_row row;
		uint64_t seq = sqs_key_u64(s.key, 9);
		q->counts.first_seq = seq;
		if (!sqs_message_get(q, seq, &row))
			continue;
		int64_t ends_ms = row.Sent.ms + q->row.Retention.v * 1000;
		if (ends_ms > q->now_ms || n++ == EXPIRE_ONCE) {
			sqs_expire_arm(q, ends_ms);
			break;
		}
		sqs_message_remove(q, seq, &row);
	}
	scan_done(&s);
}

static int
expire_run(struct tx *t, struct str id, int64_t due_ms, struct str payload, void *arg)
{
	struct arena a;
	struct sqs_queue q;
	(void)due_ms;
	arena_init(&a);
	if (due_queue(t, arg, &a, id, payload, &q)) {
		q.counts.expire_due = INT64_MAX;
		if (q.counts.messages)
			expire(&q);
		sqs_arm(&q);
		sqs_counts_save(&q);
	}
	arena_done(&a);
	return 0;
}

static int
name_run(struct tx *t, struct str id, int64_t due_ms, struct str payload, void *arg)
{
	struct rows *rows = store_rows(arg, "sqs");
	struct str v;
	(void)payload;
	/* Made and deleted again meanwhile: the later row has its own end. */
	if (tx_get(t, rows, id, &v) && (int64_t)sqs_key_u64(v, 0) < due_ms)
		tx_delete(t, rows, id);
	return 0;
}

void
sqs_due_register(struct store *s)
{
	due_handle("sqs.wake", wake_run, s);
	due_handle("sqs.expire", expire_run, s);
	due_handle("sqs.name", name_run, s);
}
