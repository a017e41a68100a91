/* What a FIFO queue remembers for five minutes: sends by deduplication id, receives by attempt
 * id. */
#include "base/buf.h"
#include "base/digest.h"
#include "base/text.h"
#include "svc/sqs/queue.h"

#define ID_MAX_LEN 128
#define CLEAN_MAX 4

bool
sqs_id_valid(struct str id)
{
	if (!id.len || id.len > ID_MAX_LEN)
		return false;
	for (size_t i = 0; i < id.len; i++)
		if (id.p[i] <= ' ' || id.p[i] >= 127)
			return false;
	return true;
}

struct str
sqs_content_id(struct arena *a, struct str body)
{
	unsigned char hash[32];
	sha256(body, hash);
	return hex_text(a, str_of(hash, sizeof(hash)));
}

static void
memory_key(struct key *k, struct sqs_queue *q, char space, struct str scope, struct str id)
{
	struct sqs_key head;
	key_begin(k);
	key_add_raw(k, sqs_key1(&head, space, q->store));
	key_add(k, scope);
	key_add(k, id);
}

static void
dedup_key(struct key *k, struct sqs_queue *q, const struct sqs_stored_message_row *row)
{
	bool by_group = str_is(q->row.DedupScope, "messageGroup");
	memory_key(k, q, 'D', by_group ? row->Group : STR(""), row->Dedup);
}

/* Each new memory lets a few old ones go, so there are never more than the window holds. */
static void
forget_ended(struct sqs_queue *q)
{
	struct sqs_key lo, hi;
	struct scan s;
	int n = 0;
	scan_open(&s, q->tx, q->rows, sqs_key2(&lo, 'E', q->store, (uint64_t)q->counts.ended_head),
		sqs_key2(&hi, 'E', q->store, (uint64_t)q->now_ms), false);
	while (n++ < CLEAN_MAX && scan_next(&s)) {
		q->counts.ended_head = (int64_t)sqs_key_u64(s.key, 9);
		tx_delete(q->tx, q->rows, str_slice(s.key, 17, s.key.len));
		tx_delete(q->tx, q->rows, s.key);
	}
	scan_done(&s);
}

static void
remember(struct sqs_queue *q, const struct key *k, const struct shape *shape, const void *row)
{
	struct buf b = { 0 };
	struct key end;
	struct sqs_key head;
	forget_ended(q);
	row_encode(shape, row, &b);
	tx_put(q->tx, q->rows, key_str(k), buf_str(&b));
	buf_done(&b);
	key_begin(&end);
	key_add_raw(&end, sqs_key2(&head, 'E', q->store, (uint64_t)(q->now_ms + SQS_DEDUP_MS)));
	key_add_raw(&end, key_str(k));
	tx_put(q->tx, q->rows, key_str(&end), STR(""));
	if (!q->counts.ended_head || q->now_ms + SQS_DEDUP_MS < q->counts.ended_head)
		q->counts.ended_head = q->now_ms + SQS_DEDUP_MS;
}

bool
sqs_dedup_find(
	struct sqs_queue *q, const struct sqs_stored_message_row *row, struct sqs_dedup_row *ret)
{
	struct key k;
	struct str v;
	memset(ret, 0, sizeof(*ret));
	dedup_key(&k, q, row);
	return tx_get(q->tx, q->rows, key_str(&k), &v) &&
	       row_decode(&sqs_dedup_row_shape, v, q->arena, ret) &&
	       ret->Sent.ms + SQS_DEDUP_MS > q->now_ms;
}

void
sqs_dedup_put(struct sqs_queue *q, const struct sqs_stored_message_row *row, uint64_t seq)
{
	struct key k;
	struct sqs_dedup_row d = {
		.Sent = OPT_TIME(q->now_ms), .MessageId = row->Id, .Seq = OPT_I64((int64_t)seq)
	};
	dedup_key(&k, q, row);
	remember(q, &k, &sqs_dedup_row_shape, &d);
}

bool
sqs_attempt_find(struct sqs_queue *q, struct str attempt, struct sqs_attempt_row *ret)
{
	struct key k;
	struct str v;
	memset(ret, 0, sizeof(*ret));
	memory_key(&k, q, 'A', STR(""), attempt);
	return tx_get(q->tx, q->rows, key_str(&k), &v) &&
	       row_decode(&sqs_attempt_row_shape, v, q->arena, ret) &&
	       ret->Made.ms + SQS_DEDUP_MS > q->now_ms;
}

void
sqs_attempt_put(struct sqs_queue *q, struct str attempt, const struct sqs_attempt_row *row)
{
	struct key k;
	memory_key(&k, q, 'A', STR(""), attempt);
	remember(q, &k, &sqs_attempt_row_shape, row);
}
