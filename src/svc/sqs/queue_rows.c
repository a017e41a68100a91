/* Queue rows, counts, and the keys of everything else. */
#include "base/buf.h"
#include "base/ids.h"
#include "svc/sqs/queue.h"

#define COUNTS_N (sizeof(struct sqs_counts) / 8)
#define COUNTS_FIRST_N 10 /* of the first build */

void
sqs_text_key(struct key *k, char space, const struct sqs_name *n)
{
	key_begin(k);
	key_add_raw(k, str_of(&space, 1));
	key_add(k, n->region);
	key_add(k, n->account);
	key_add(k, n->name);
}

static void
key_u64(struct sqs_key *k, uint64_t v)
{
	for (int i = 56; i >= 0; i -= 8)
		k->bytes[k->len++] = (uint8_t)(v >> i);
}

struct str
sqs_key1(struct sqs_key *k, char space, uint64_t store)
{
	k->bytes[0] = (uint8_t)space;
	k->len = 1;
	key_u64(k, store);
	return str_of(k->bytes, k->len);
}

struct str
sqs_key2(struct sqs_key *k, char space, uint64_t store, uint64_t x)
{
	sqs_key1(k, space, store);
	key_u64(k, x);
	return str_of(k->bytes, k->len);
}

struct str
sqs_key3(struct sqs_key *k, char space, uint64_t store, uint64_t x, uint64_t y)
{
	sqs_key2(k, space, store, x);
	key_u64(k, y);
	return str_of(k->bytes, k->len);
}

uint64_t
sqs_key_u64(struct str key, size_t at)
{
	uint64_t v = 0;
	for (size_t i = at; i < at + 8; i++)
		v = v << 8 | (i < key.len ? (uint8_t)key.p[i] : 0);
	return v;
}

bool
sqs_queue_load(struct tx *t, struct store *s, struct arena *a, const struct sqs_name *n,
	struct sqs_queue *ret)
{
	struct key k;
	struct str value;
	memset(ret, 0, sizeof(*ret));
	ret->tx = t;
	ret->rows = store_rows(s, "sqs");
	ret->arena = a;
	ret->region = n->region;
	ret->account = n->account;
	sqs_text_key(&k, 'N', n);
	if (!tx_get(t, ret->rows, key_str(&k), &value) ||
		!row_decode(&sqs_queue_row_shape, value, a, &ret->row))
		return false;
	ret->store = (uint64_t)ret->row.Store.v;
	sqs_counts_load(ret);
	return true;
}

void
sqs_queue_save(struct sqs_queue *q)
{
	struct key k;
	struct buf b = { 0 };
	struct sqs_name n = sqs_queue_name(q);
	sqs_text_key(&k, 'N', &n);
	row_encode(&sqs_queue_row_shape, &q->row, &b);
	tx_put(q->tx, q->rows, key_str(&k), buf_str(&b));
	buf_done(&b);
}

/* Eight bytes each, little endian; rows of older builds are shorter, those of newer ones have a
 * tail. */
void
sqs_counts_load(struct sqs_queue *q)
{
	struct sqs_key k;
	struct str v = STR("");
	uint64_t n[COUNTS_N] = { 0 };
	q->counts = (struct sqs_counts){ .next_seq = 1,
		.wait_head = INT64_MAX,
		.wake_due = INT64_MAX,
		.expire_due = INT64_MAX };
	if (!tx_get(q->tx, q->rows, sqs_key1(&k, 'C', q->store), &v) || v.len < COUNTS_FIRST_N * 8)
		return;
	for (size_t i = 0; i < sizeof(n) && i < v.len; i++)
		n[i / 8] |= (uint64_t)(uint8_t)v.p[i] << (8 * (i % 8));
	memcpy(&q->counts, n, sizeof(n));
}

void
sqs_counts_save(struct sqs_queue *q)
{
	struct sqs_key k;
	uint64_t n[COUNTS_N];
	uint8_t bytes[sizeof(n)];
	memcpy(n, &q->counts, sizeof(n));
	for (size_t i = 0; i < sizeof(n); i++)
		bytes[i] = (uint8_t)(n[i / 8] >> (8 * (i % 8)));
	tx_put(q->tx, q->rows, sqs_key1(&k, 'C', q->store), str_of(bytes, sizeof(bytes)));
}

uint64_t
sqs_new_store(void)
{
	return random_u64() >> 1;
}

struct str
sqs_wait_key(const struct sqs_queue *q)
{
	struct sqs_key *k = arena_new(q->arena, struct sqs_key);
	return sqs_key1(k, 'q', (uint64_t)q->row.Id.v);
}
