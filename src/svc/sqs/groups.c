/*
 * Groups of FIFO queues. A group is free when none of its messages is in flight and its first one
 * is not delayed; then, and only then, it stands in R under the number of that first message. A
 * group's row knows its first message exactly, so no walk passes what was deleted before.
 */
#include "svc/sqs/queue.h"

#define SETTLE_MAX 10000

void
sqs_group_key(struct key *k, char space, uint64_t store, struct str group)
{
	struct sqs_key head;
	key_begin(k);
	key_add_raw(k, sqs_key1(&head, space, store));
	key_add(k, group);
}

bool
sqs_group_get(struct sqs_queue *q, struct str group, struct sqs_group *ret)
{
	struct key k;
	struct str v;
	memset(ret, 0, sizeof(*ret));
	sqs_group_key(&k, 'L', q->store, group);
	if (!tx_get(q->tx, q->rows, key_str(&k), &v))
		return false;
	*ret = (struct sqs_group){ sqs_key_u64(v, 0), sqs_key_u64(v, 8), sqs_key_u64(v, 16) };
	return true;
}

static void
group_put(struct sqs_queue *q, struct str group, const struct sqs_group *g)
{
	struct key k;
	sqs_group_key(&k, 'L', q->store, group);
	if (g->messages == 0) {
		tx_delete(q->tx, q->rows, key_str(&k));
		return;
	}
	struct key v;
	key_begin(&v);
	key_add_u64(&v, g->messages);
	key_add_u64(&v, g->in_flight);
	key_add_u64(&v, g->head);
	tx_put(q->tx, q->rows, key_str(&k), key_str(&v));
}

static struct str
message_key(struct key *k, struct sqs_queue *q, struct str group, uint64_t seq)
{
	sqs_group_key(k, 'F', q->store, group);
	key_add_u64(k, seq);
	return key_str(k);
}

static void
leave_ready(struct sqs_queue *q, const struct sqs_group *g)
{
	struct sqs_key k;
	tx_delete(q->tx, q->rows, sqs_key2(&k, 'R', q->store, g->head));
}

/* Into R, when it is free. */
static void
enter_ready(struct sqs_queue *q, struct str group, const struct sqs_group *g)
{
	struct key k;
	struct sqs_key r;
	struct str v;
	if (g->messages == 0 || g->in_flight ||
		!tx_get(q->tx, q->rows, message_key(&k, q, group, g->head), &v) ||
		(int64_t)sqs_key_u64(v, 0) > q->now_ms)
		return;
	tx_put(q->tx, q->rows, sqs_key2(&r, 'R', q->store, g->head), group);
	if (g->head < q->counts.ready_head)
		q->counts.ready_head = g->head;
	tx_touch(q->tx, sqs_wait_key(q));
}

void
sqs_group_add(struct sqs_queue *q, struct str group, uint64_t seq, int64_t delayed_until_ms)
{
	struct sqs_group g;
	struct key k, v;
	key_begin(&v);
	key_add_u64(&v, (uint64_t)delayed_until_ms);
	tx_put(q->tx, q->rows, message_key(&k, q, group, seq), key_str(&v));
	sqs_group_get(q, group, &g);
	bool first = g.messages++ == 0;
	if (first)
		g.head = seq;
	group_put(q, group, &g);
	if (first)
		enter_ready(q, group, &g);
}

static uint64_t
first_from(struct sqs_queue *q, struct str group, uint64_t seq)
{
	struct key lo, hi;
	struct scan s;
	uint64_t found = seq;
	sqs_group_key(&hi, 'F', q->store, group);
	struct key prefix = hi;
	scan_open(&s, q->tx, q->rows, message_key(&lo, q, group, seq),
		key_after_prefix(&hi, key_str(&prefix)), false);
	if (scan_next(&s))
		found = sqs_key_u64(s.key, s.key.len - 8);
	scan_done(&s);
	return found;
}

void
sqs_group_remove(struct sqs_queue *q, struct str group, uint64_t seq, bool was_in_flight)
{
	struct sqs_group g;
	struct key k;
	if (!sqs_group_get(q, group, &g))
		return;
	leave_ready(q, &g);
	tx_delete(q->tx, q->rows, message_key(&k, q, group, seq));
	g.messages--;
	if (was_in_flight && g.in_flight)
		g.in_flight--;
	if (g.messages && seq == g.head)
		g.head = first_from(q, group, seq + 1);
	group_put(q, group, &g);
	enter_ready(q, group, &g);
}

void
sqs_group_fly(struct sqs_queue *q, struct str group, uint64_t seq)
{
	struct sqs_group g;
	(void)seq;
	if (!sqs_group_get(q, group, &g))
		return;
	leave_ready(q, &g);
	g.in_flight++;
	group_put(q, group, &g);
}

void
sqs_group_land(struct sqs_queue *q, struct str group, bool was_in_flight)
{
	struct sqs_group g;
	if (!sqs_group_get(q, group, &g))
		return;
	if (was_in_flight && g.in_flight)
		g.in_flight--;
	group_put(q, group, &g);
	enter_ready(q, group, &g);
}

static void
settle_one(struct sqs_queue *q, int64_t visible_ms, uint64_t seq, bool in_flight)
{
	struct sqs_stored_message_row row;
	struct sqs_state s;
	sqs_wait_remove(q, visible_ms, seq);
	if (!sqs_message_get(q, seq, &row))
		return;
	if (in_flight && sqs_state_get(q, seq, &s)) {
		s.visible_ms = 0;
		sqs_state_put(q, seq, &s);
	}
	sqs_group_land(q, row.Group, in_flight);
}

void
sqs_groups_settle(struct sqs_queue *q)
{
	struct sqs_key lo, hi;
	struct scan s;
	if (q->counts.wait_head > q->now_ms)
		return;
	scan_open(&s, q->tx, q->rows, sqs_key2(&lo, 'W', q->store, (uint64_t)q->counts.wait_head),
		sqs_key2(&hi, 'W', q->store, (uint64_t)q->now_ms + 1), false);
	for (int i = 0; i < SETTLE_MAX && scan_next(&s); i++)
		settle_one(q, (int64_t)sqs_key_u64(s.key, 9), sqs_key_u64(s.key, 17),
			s.value.p[0] == 'i');
	scan_done(&s);
}
