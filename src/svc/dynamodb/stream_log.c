#include "svc/dynamodb/stream_log.h"
#include "aws/due.h"
#include "base/clock.h"
#include "svc/dynamodb/trim.h"

#define VERSION 1
#define HEAD 15 /* version, event, by whom, i64 time, u32 size */

struct rows *
ddb_stream_rows(struct store *s)
{
	return store_rows(s, "dynamodbstreams");
}

void
ddb_stream_key(
	struct key *k, struct str account, struct str region, struct str table, struct str label)
{
	key_begin(k);
	key_add_raw(k, STR("S"));
	key_add(k, account);
	key_add(k, region);
	key_add(k, table);
	key_add_raw(k, label);
}

static void
tail_key(struct key *k, uint64_t stream)
{
	key_begin(k);
	key_add_raw(k, STR("Q"));
	key_add_u64(k, stream);
}

void
ddb_stream_record_key(struct key *k, uint64_t stream, uint64_t sequence)
{
	key_begin(k);
	key_add_raw(k, STR("R"));
	key_add_u64(k, stream);
	key_add_u64(k, sequence);
}

struct ddb_stream_tail
ddb_stream_tail(struct tx *tx, struct rows *r, uint64_t stream)
{
	struct key k;
	struct str v;
	struct ddb_stream_tail tail = { 0 };
	tail_key(&k, stream);
	if (tx_get(tx, r, key_str(&k), &v) && v.len == sizeof(tail))
		memcpy(&tail, v.p, sizeof(tail));
	return tail;
}

static void
tail_put(struct tx *tx, struct rows *r, uint64_t stream, const struct ddb_stream_tail *tail)
{
	struct key k;
	tail_key(&k, stream);
	tx_put(tx, r, key_str(&k), str_of(tail, sizeof(*tail)));
}

/* ---- a stream's life */

void
ddb_stream_open(struct call *c, struct ddb_table *t)
{
	struct rows *r = ddb_stream_rows(c->store);
	char text[TIME_TEXT_MAX];
	struct key k;
	struct str label, taken;
	int64_t at_ms = c->now_ms;
	/* One turned off and on within a millisecond is another stream. */
	do {
		label = time_format(at_ms++, TIME_ISO8601_MS, text);
		label = str_slice(label, 0, label.len - 1);
		ddb_stream_key(&k, c->account, c->region, t->row.Name, label);
	} while (tx_get(c->tx, r, key_str(&k), &taken));
	t->row.StreamLabel = arena_dup(c->arena, label);
	struct dynamodb_stream_row row = { .Id = t->row.StreamId,
		.Table = t->row.Name,
		.Label = t->row.StreamLabel,
		.View = t->row.Stream->StreamViewType,
		.KeySchema = t->row.KeySchema,
		.Created = OPT_TIME(at_ms - 1) };
	struct buf b = { 0 };
	row_encode(&dynamodb_stream_row_shape, &row, &b);
	tx_put(c->tx, r, key_str(&k), buf_str(&b));
	buf_done(&b);
}

void
ddb_stream_close(struct call *c, const struct ddb_table *t)
{
	struct rows *r = ddb_stream_rows(c->store);
	struct dynamodb_stream_row row = { 0 };
	struct key k;
	struct str value;
	unsigned char id[8];
	uint64_t stream = (uint64_t)t->row.StreamId.v;
	ddb_stream_key(&k, c->account, c->region, t->row.Name, t->row.StreamLabel);
	if (!t->row.Stream || !tx_get(c->tx, r, key_str(&k), &value) ||
		!row_decode(&dynamodb_stream_row_shape, value, c->arena, &row))
		return;
	row.Ended = OPT_TIME(c->now_ms);
	struct buf b = { 0 };
	row_encode(&dynamodb_stream_row_shape, &row, &b);
	tx_put(c->tx, r, key_str(&k), buf_str(&b));
	buf_done(&b);
	memcpy(id, &stream, sizeof(id));
	due_add(c->tx, STR("dynamodb.stream-end"), str_of(id, sizeof(id)),
		c->now_ms + DDB_STREAM_KEEP_MS, key_str(&k));
}

/* ---- records */

static void
add_row(struct buf *b, const struct ddb_val *map)
{
	size_t at = b->len;
	uint32_t len = 0;
	buf_add(b, &len, 4);
	if (!map)
		return;
	ddb_row_write(b, map, 0, 0);
	len = (uint32_t)(b->len - at - 4);
	memcpy(b->p + at, &len, 4);
}

static void
record_write(struct buf *b, const struct ddb_record *head, const struct ddb_val *keys,
	const struct ddb_val *now, const struct ddb_val *old)
{
	uint32_t size = ddb_size(keys) + (now ? ddb_size(now) : 0) + (old ? ddb_size(old) : 0);
	buf_add_c(b, VERSION);
	buf_add_c(b, (char)head->event);
	buf_add_c(b, head->by_service);
	buf_add(b, &head->at_ms, 8);
	buf_add(b, &size, 4);
	add_row(b, keys);
	add_row(b, now);
	add_row(b, old);
}

static bool
take_row(struct str *rest, struct str *ret)
{
	uint32_t len;
	if (rest->len < 4)
		return false;
	memcpy(&len, rest->p, 4);
	*rest = str_slice(*rest, 4, rest->len);
	if (len > rest->len)
		return false;
	*ret = str_slice(*rest, 0, len);
	*rest = str_slice(*rest, len, rest->len);
	return true;
}

bool
ddb_record_read(struct str row, struct ddb_record *ret)
{
	if (row.len < HEAD || row.p[0] != VERSION || (uint8_t)row.p[1] > DDB_EVENT_REMOVE)
		return false;
	ret->event = (uint8_t)row.p[1];
	ret->by_service = row.p[2];
	memcpy(&ret->at_ms, row.p + 3, 8);
	memcpy(&ret->size, row.p + 11, 4);
	row = str_slice(row, HEAD, row.len);
	return take_row(&row, &ret->keys) && take_row(&row, &ret->now) && take_row(&row, &ret->old);
}

static void
trim_later(struct tx *tx, uint64_t stream, int64_t due_ms)
{
	due_add(tx, STR("dynamodb.stream-trim"), str_of(&stream, sizeof(stream)), due_ms, STR(""));
}

void
ddb_stream_note(struct call *c, const struct ddb_table *t, const struct ddb_val *old,
	const struct ddb_val *item)
{
	if (!t->row.Stream || (!old && !item) || (old && item && ddb_equal(old, item)))
		return;
	struct rows *r = ddb_stream_rows(c->store);
	uint64_t stream = (uint64_t)t->row.StreamId.v;
	struct ddb_stream_tail tail = ddb_stream_tail(c->tx, r, stream);
	struct str view = t->row.Stream->StreamViewType;
	bool both = str_is(view, "NEW_AND_OLD_IMAGES");
	struct ddb_val keys = ddb_key_of(c, t, NULL, item ? item : old);
	struct buf b = { 0 };
	struct key k;
	tail.last++;
	tail.last_ms = c->now_ms > tail.last_ms ? c->now_ms : tail.last_ms;
	struct ddb_record head = { .event = !old   ? DDB_EVENT_INSERT
					    : item ? DDB_EVENT_MODIFY
						   : DDB_EVENT_REMOVE,
		.by_service = str_is(c->who.user_id, DDB_SERVICE_PRINCIPAL),
		.at_ms = tail.last_ms };
	record_write(&b, &head, &keys, both || str_is(view, "NEW_IMAGE") ? item : NULL,
		both || str_is(view, "OLD_IMAGE") ? old : NULL);
	ddb_stream_record_key(&k, stream, tail.last);
	tx_put(c->tx, r, key_str(&k), buf_str(&b));
	buf_done(&b);
	if (!tail.armed)
		trim_later(c->tx, stream, tail.last_ms + DDB_STREAM_KEEP_MS);
	tail.armed = 1;
	tail_put(c->tx, r, stream, &tail);
}

/* ---- going: each step is one bounded transaction */

static bool
time_of(struct str key, struct str value, int64_t *ret_ms)
{
	struct ddb_record record;
	(void)key;
	if (!ddb_record_read(value, &record))
		return false;
	*ret_ms = record.at_ms;
	return true;
}

static bool
trim(struct tx *tx, struct rows *r, uint64_t stream, int64_t until_ms, int64_t *ret_next_ms)
{
	struct key lo, hi;
	ddb_stream_record_key(&lo, stream, 0);
	ddb_stream_record_key(&hi, stream, UINT64_MAX);
	return ddb_trim(tx, r, &lo, &hi, until_ms, time_of, ret_next_ms);
}

static int
trim_due(struct tx *tx, struct str id, int64_t due_ms, struct str payload, void *arg)
{
	struct rows *r = ddb_stream_rows(arg);
	uint64_t stream;
	int64_t next_ms, least_ms = due_ms + DDB_TRIM_PAUSE_MS;
	(void)payload;
	if (id.len != sizeof(stream))
		return 0;
	memcpy(&stream, id.p, sizeof(stream));
	if (!trim(tx, r, stream, due_ms - DDB_STREAM_KEEP_MS, &next_ms)) {
		trim_later(tx, stream, due_ms);
		return 0;
	}
	if (next_ms >= 0) {
		next_ms += DDB_STREAM_KEEP_MS;
		trim_later(tx, stream, next_ms > least_ms ? next_ms : least_ms);
		return 0;
	}
	struct ddb_stream_tail tail = ddb_stream_tail(tx, r, stream);
	tail.armed = 0;
	tail_put(tx, r, stream, &tail);
	return 0;
}

static int
end_due(struct tx *tx, struct str id, int64_t due_ms, struct str payload, void *arg)
{
	struct rows *r = ddb_stream_rows(arg);
	uint64_t stream;
	int64_t next_ms;
	struct key k;
	if (id.len != sizeof(stream))
		return 0;
	memcpy(&stream, id.p, sizeof(stream));
	tx_delete(tx, r, payload);
	if (!trim(tx, r, stream, INT64_MAX, &next_ms)) {
		due_add(tx, STR("dynamodb.stream-end"), id, due_ms, payload);
		return 0;
	}
	due_cancel(tx, STR("dynamodb.stream-trim"), id);
	tail_key(&k, stream);
	tx_delete(tx, r, key_str(&k));
	return 0;
}

void
ddb_streams_register(struct store *s)
{
	ddb_stream_rows(s);
	due_handle("dynamodb.stream-trim", trim_due, s);
	due_handle("dynamodb.stream-end", end_due, s);
}
