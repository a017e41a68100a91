/* Where messages are: rows, indexes and counts. See queue.h for the keys. */
#include "aws/due.h"
#include "base/buf.h"
#include "base/ids.h"
#include "svc/sqs/queue.h"

#define STATE_N (sizeof(struct sqs_state) / 8)

static void
bytes_of(uint8_t *p, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (56 - 8 * i));
}

bool
sqs_message_get(struct sqs_queue *q, uint64_t seq, struct sqs_stored_message_row *ret)
{
	struct sqs_key k;
	struct str v;
	memset(ret, 0, sizeof(*ret));
	return tx_get(q->tx, q->rows, sqs_key2(&k, 'M', q->store, seq), &v) &&
	       row_decode(&sqs_stored_message_row_shape, v, q->arena, ret);
}

bool
sqs_state_get(struct sqs_queue *q, uint64_t seq, struct sqs_state *ret)
{
	struct sqs_key k;
	struct str v;
	memset(ret, 0, sizeof(*ret));
	if (!tx_get(q->tx, q->rows, sqs_key2(&k, 'S', q->store, seq), &v))
		return false;
	*ret = (struct sqs_state){ (int64_t)sqs_key_u64(v, 0), (int64_t)sqs_key_u64(v, 8),
		sqs_key_u64(v, 16), sqs_key_u64(v, 24) };
	return true;
}

void
sqs_state_put(struct sqs_queue *q, uint64_t seq, const struct sqs_state *s)
{
	struct sqs_key k;
	uint8_t v[STATE_N * 8];
	bytes_of(v, (uint64_t)s->visible_ms);
	bytes_of(v + 8, (uint64_t)s->first_ms);
	bytes_of(v + 16, s->received);
	bytes_of(v + 24, s->nonce);
	tx_put(q->tx, q->rows, sqs_key2(&k, 'S', q->store, seq), str_of(v, sizeof(v)));
}

bool
sqs_message_expired(const struct sqs_queue *q, int64_t sent_ms)
{
	return sent_ms + q->row.Retention.v * 1000 <= q->now_ms;
}

void
sqs_wait_add(struct sqs_queue *q, int64_t visible_ms, uint64_t seq, char kind, int64_t sent_ms)
{
	struct sqs_key k;
	uint8_t v[9] = { (uint8_t)kind };
	bytes_of(v + 1, (uint64_t)sent_ms);
	tx_put(q->tx, q->rows, sqs_key3(&k, 'W', q->store, (uint64_t)visible_ms, seq),
		str_of(v, sizeof(v)));
	*(kind == 'i' ? &q->counts.in_flight : &q->counts.delayed) += 1;
	if (visible_ms < q->counts.wait_head)
		q->counts.wait_head = visible_ms;
}

/* The first live time from `from_ms` on. Deleted rows that lie there are passed once: later heads
 * are behind them. */
static void
wait_head_find(struct sqs_queue *q, int64_t from_ms)
{
	struct sqs_key lo, hi;
	struct scan s;
	q->counts.wait_head = INT64_MAX;
	if (q->counts.in_flight + q->counts.delayed == 0)
		return;
	scan_open(&s, q->tx, q->rows, sqs_key2(&lo, 'W', q->store, (uint64_t)from_ms),
		sqs_key2(&hi, 'W', q->store, UINT64_MAX), false);
	if (scan_next(&s))
		q->counts.wait_head = (int64_t)sqs_key_u64(s.key, 9);
	scan_done(&s);
}

bool
sqs_wait_remove(struct sqs_queue *q, int64_t visible_ms, uint64_t seq)
{
	struct sqs_key k;
	struct str v;
	struct str key = sqs_key3(&k, 'W', q->store, (uint64_t)visible_ms, seq);
	if (!tx_get(q->tx, q->rows, key, &v))
		return false;
	uint64_t *n = v.p[0] == 'i' ? &q->counts.in_flight : &q->counts.delayed;
	tx_delete(q->tx, q->rows, key);
	if (*n)
		--*n;
	if (visible_ms <= q->counts.wait_head)
		wait_head_find(q, visible_ms);
	return true;
}

uint64_t
sqs_message_add(struct sqs_queue *q, struct sqs_stored_message_row *row)
{
	struct sqs_key k;
	struct buf b = { 0 };
	uint64_t seq = q->counts.next_seq++;
	bool delayed = row->VisibleAt.set && row->VisibleAt.ms > q->now_ms;
	if (!delayed)
		row->VisibleAt = (struct opt_time){ 0 };
	struct sqs_stored_message_row kept = *row;
	if (q->row.SqsSse.v && !kept.Sealed.p)
		sqs_message_seal(q, seq, &kept);
	row_encode(&sqs_stored_message_row_shape, &kept, &b);
	tx_put(q->tx, q->rows, sqs_key2(&k, 'M', q->store, seq), buf_str(&b));
	buf_done(&b);
	if (q->counts.messages++ == 0) {
		q->counts.first_seq = seq;
		q->counts.ready_head = seq;
	}
	if (delayed)
		sqs_wait_add(q, row->VisibleAt.ms, seq, 'd', row->Sent.ms);
	if (q->row.Fifo.v) {
		sqs_group_add(q, row->Group, seq, delayed ? row->VisibleAt.ms : 0);
	} else if (!delayed) {
		uint8_t sent[8];
		bytes_of(sent, (uint64_t)row->Sent.ms);
		tx_put(q->tx, q->rows, sqs_key2(&k, 'R', q->store, seq),
			str_of(sent, sizeof(sent)));
	}
	if (q->counts.expire_due == INT64_MAX)
		sqs_expire_arm(q, row->Sent.ms + q->row.Retention.v * 1000);
	if (!delayed)
		tx_touch(q->tx, sqs_wait_key(q));
	return seq;
}

/* Out of R or W, wherever it stands. */
static void
leave_place(struct sqs_queue *q, uint64_t seq, const struct sqs_stored_message_row *row,
	const struct sqs_state *s)
{
	struct sqs_key k;
	if (s->received)
		sqs_wait_remove(q, s->visible_ms, seq);
	else if (row->VisibleAt.set)
		sqs_wait_remove(q, row->VisibleAt.ms, seq);
	else if (!q->row.Fifo.v)
		tx_delete(q->tx, q->rows, sqs_key2(&k, 'R', q->store, seq));
}

void
sqs_message_remove(struct sqs_queue *q, uint64_t seq, const struct sqs_stored_message_row *row)
{
	struct sqs_state s;
	struct sqs_key k;
	bool received = sqs_state_get(q, seq, &s);
	leave_place(q, seq, row, &s);
	if (q->row.Fifo.v)
		sqs_group_remove(q, row->Group, seq, received && s.visible_ms != 0);
	if (received)
		tx_delete(q->tx, q->rows, sqs_key2(&k, 'S', q->store, seq));
	tx_delete(q->tx, q->rows, sqs_key2(&k, 'M', q->store, seq));
	if (q->counts.messages)
		q->counts.messages--;
}

void
sqs_message_fly(struct sqs_queue *q, uint64_t seq, const struct sqs_stored_message_row *row,
	struct sqs_state *s, int64_t visible_ms)
{
	leave_place(q, seq, row, s);
	if (q->row.Fifo.v)
		sqs_group_fly(q, row->Group, seq);
	if (!s->received++)
		s->first_ms = q->now_ms;
	s->visible_ms = visible_ms;
	s->nonce = random_u64();
	sqs_state_put(q, seq, s);
	sqs_wait_add(q, visible_ms, seq, 'i', row->Sent.ms);
}

void
sqs_wait_matured(struct sqs_queue *q, uint64_t max, uint64_t *ret_in_flight, uint64_t *ret_delayed)
{
	struct sqs_key lo, hi;
	struct scan s;
	*ret_in_flight = *ret_delayed = 0;
	if (q->counts.wait_head > q->now_ms)
		return;
	scan_open(&s, q->tx, q->rows, sqs_key2(&lo, 'W', q->store, (uint64_t)q->counts.wait_head),
		sqs_key2(&hi, 'W', q->store, (uint64_t)q->now_ms + 1), false);
	while (max-- > 0 && scan_next(&s))
		*(s.value.p[0] == 'i' ? ret_in_flight : ret_delayed) += 1;
	scan_done(&s);
}

bool
sqs_in_flight_full(struct sqs_queue *q)
{
	uint64_t limit = q->row.Fifo.v ? SQS_IN_FLIGHT_FIFO_MAX : SQS_IN_FLIGHT_MAX, flown, waited;
	if (q->counts.in_flight < limit)
		return false;
	sqs_wait_matured(q, q->counts.in_flight - limit + 1, &flown, &waited);
	return q->counts.in_flight - flown >= limit;
}

static struct str
due_id(struct sqs_queue *q)
{
	struct sqs_key *k = arena_new(q->arena, struct sqs_key);
	return sqs_key1(k, 'q', q->store);
}

/* The due handlers find the queue by its name again. */
static struct str
due_payload(struct sqs_queue *q)
{
	struct key k;
	struct sqs_name n = sqs_queue_name(q);
	sqs_text_key(&k, 'N', &n);
	return arena_dup(q->arena, key_str(&k));
}

/* While something in W is already there for the taking nobody sleeps on this queue. */
void
sqs_arm(struct sqs_queue *q)
{
	struct sqs_counts *n = &q->counts;
	if (n->wait_head == INT64_MAX || n->wait_head <= q->now_ms || n->wait_head >= n->wake_due)
		return;
	n->wake_due = n->wait_head;
	due_add(q->tx, STR("sqs.wake"), due_id(q), n->wake_due, due_payload(q));
}

void
sqs_expire_arm(struct sqs_queue *q, int64_t at_ms)
{
	if (at_ms >= q->counts.expire_due)
		return;
	q->counts.expire_due = at_ms;
	due_add(q->tx, STR("sqs.expire"), due_id(q), at_ms, due_payload(q));
}
