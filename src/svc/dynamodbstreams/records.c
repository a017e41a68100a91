/*
 * Iterators and records. An iterator is the stream's ARN, '|', and in base64: version, then u64
 * stream id, next sequence (0: the oldest there is) and time of issue. It grants nothing: the
 * caller must be allowed to read the stream that it names, and every part is checked again.
 */
#include "base/digest.h"
#include "base/text.h"
#include "svc/dynamodbstreams/streams.h"

#define ITERATOR_VERSION 1
#define ITERATOR_BYTES 25
#define ITERATOR_LIFE_MS (INT64_C(15) * 60 * 1000)
#define RECORDS_MAX 1000
#define BYTES_MAX (1024 * 1024)

struct iterator {
	struct str arn;
	uint64_t stream, next;
	int64_t issued_ms;
};

static struct str
iterator_text(struct call *c, const struct stream *s, uint64_t next)
{
	char bytes[ITERATOR_BYTES] = { ITERATOR_VERSION };
	memcpy(bytes + 1, &s->id, 8);
	memcpy(bytes + 9, &next, 8);
	memcpy(bytes + 17, &c->now_ms, 8);
	return arena_printf(c->arena, "%.*s|%.*s", STR_FMT(s->arn),
		STR_FMT(base64_url_text(c->arena, str_of(bytes, sizeof(bytes)))));
}

struct str
stream_iterator_arn(struct str iterator)
{
	long at = str_find(iterator, '|');
	return at > 0 ? str_slice(iterator, 0, (size_t)at) : STR_NULL;
}

static int
iterator_read(struct call *c, struct str text, struct iterator *ret)
{
	ret->arn = stream_iterator_arn(text);
	struct str rest = ret->arn.p ? str_slice(text, ret->arn.len + 1, text.len) : STR("");
	struct str bytes = base64_bytes(c->arena, rest, BASE64_URL);
	if (!bytes.p || bytes.len != ITERATOR_BYTES || bytes.p[0] != ITERATOR_VERSION)
		return call_fail(
			c, &ERR_ValidationException, "Invalid ShardIterator: %.*s", STR_FMT(text));
	memcpy(&ret->stream, bytes.p + 1, 8);
	memcpy(&ret->next, bytes.p + 9, 8);
	memcpy(&ret->issued_ms, bytes.p + 17, 8);
	if (ret->issued_ms <= c->now_ms && ret->issued_ms > c->now_ms - ITERATOR_LIFE_MS)
		return CALL_OK;
	return call_fail(c, &DYNAMODBSTREAMS_ExpiredIteratorException,
		"The shard iterator has expired. It is good for 15 minutes.");
}

static bool
gone(struct call *c, const struct ddb_record *r)
{
	return r->at_ms <= c->now_ms - DDB_STREAM_KEEP_MS;
}

static int
fail_trimmed(struct call *c)
{
	return call_fail(c, &DYNAMODBSTREAMS_TrimmedDataAccessException,
		"The operation attempted to read past the oldest stream record in a shard.");
}

/* The record of that sequence was there, and is not any more. */
static bool
trimmed(struct call *c, const struct stream *s, uint64_t sequence)
{
	struct key k;
	struct str value;
	struct ddb_record r;
	if (sequence > s->tail.last)
		return false;
	ddb_stream_record_key(&k, s->id, sequence);
	return !tx_get(c->tx, ddb_stream_rows(c->store), key_str(&k), &value) ||
	       !ddb_record_read(value, &r) || gone(c, &r);
}

static int
sequence_wanted(struct call *c, const struct stream *s, struct str text, uint64_t *ret)
{
	if (!text.p)
		return call_fail(c, &ERR_ValidationException,
			"SequenceNumber must be specified when ShardIteratorType is "
			"AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER");
	if (!stream_sequence_read(text, ret) || !*ret || *ret > s->tail.last + 1)
		return call_fail(c, &ERR_ValidationException,
			"Invalid SequenceNumber: %.*s is not of this shard", STR_FMT(text));
	return trimmed(c, s, *ret) ? fail_trimmed(c) : CALL_OK;
}

int
dynamodbstreams_get_shard_iterator(struct call *c,
	const struct dynamodbstreams_get_shard_iterator_in *in,
	struct dynamodbstreams_get_shard_iterator_out *out)
{
	struct stream s;
	uint64_t next = 0;
	bool after = str_is(in->ShardIteratorType, "AFTER_SEQUENCE_NUMBER");
	bool by_number = after || str_is(in->ShardIteratorType, "AT_SEQUENCE_NUMBER");
	if (stream_find(c, in->StreamArn, &s))
		return CALL_FAILED;
	if (!str_eq(in->ShardId, stream_shard_id(c, &s)))
		return call_fail(c, &DYNAMODBSTREAMS_ResourceNotFoundException,
			"Requested resource not found: Shard: %.*s in stream: %.*s not found",
			STR_FMT(in->ShardId), STR_FMT(in->StreamArn));
	if (!by_number && in->SequenceNumber.p)
		return call_fail(c, &ERR_ValidationException,
			"SequenceNumber must not be specified when ShardIteratorType is %.*s",
			STR_FMT(in->ShardIteratorType));
	if (by_number && sequence_wanted(c, &s, in->SequenceNumber, &next))
		return CALL_FAILED;
	/* After a record that has not come yet: the same place as at it. */
	if (after && next <= s.tail.last)
		next++;
	if (str_is(in->ShardIteratorType, "LATEST"))
		next = s.tail.last + 1;
	out->ShardIterator = iterator_text(c, &s, next);
	return CALL_OK;
}

/* ---- GetRecords */

static struct json *
image(struct call *c, struct str row)
{
	if (!row.len)
		return NULL;
	struct buf b = { 0 };
	ddb_row_json(&b, row);
	struct json *j = ddb_json_raw(c, arena_dup(c->arena, buf_str(&b)));
	buf_done(&b);
	return j;
}

static struct str
event_id(struct call *c, const struct stream *s, uint64_t sequence)
{
	uint64_t what[2] = { s->id, sequence };
	unsigned char sum[32];
	sha256(str_of(what, sizeof(what)), sum);
	return hex_text(c->arena, str_of(sum, 16));
}

static void
record_fill(struct call *c, const struct stream *s, uint64_t sequence, const struct ddb_record *r,
	struct dynamodbstreams_record *ret)
{
	static const char *const names[] = { "INSERT", "MODIFY", "REMOVE" };
	struct dynamodbstreams_stream_record *d =
		arena_new(c->arena, struct dynamodbstreams_stream_record);
	*ret = (struct dynamodbstreams_record){ .eventID = event_id(c, s, sequence),
		.eventName = str_c(names[r->event]),
		.eventVersion = STR("1.1"),
		.eventSource = STR("aws:dynamodb"),
		.awsRegion = c->region,
		.dynamodb = d };
	/* AWS tells whole seconds. */
	d->ApproximateCreationDateTime = OPT_TIME(r->at_ms / 1000 * 1000);
	d->Keys = image(c, r->keys);
	d->NewImage = image(c, r->now);
	d->OldImage = image(c, r->old);
	d->SequenceNumber = stream_sequence_text(c, sequence);
	d->SizeBytes = OPT_I64(r->size);
	d->StreamViewType = s->row.View;
	if (!r->by_service)
		return;
	ret->userIdentity = arena_new(c->arena, struct dynamodbstreams_identity);
	ret->userIdentity->PrincipalId = STR(DDB_SERVICE_PRINCIPAL);
	ret->userIdentity->Type = STR("Service");
}

static bool
sequence_of(struct str key, uint64_t *ret)
{
	uint64_t stream;
	struct str rest = str_slice(key, 1, key.len);
	return key_take_u64(&rest, &stream) && key_take_u64(&rest, ret);
}

/* Records from *next on, which moves behind the last one taken. */
static void
records_take(struct call *c, const struct stream *s, uint32_t limit, uint64_t *next,
	struct dynamodbstreams_record_list *out)
{
	struct key lo, hi;
	struct scan walk;
	struct ddb_record r;
	uint64_t sequence;
	size_t bytes = 0;
	ddb_stream_record_key(&lo, s->id, *next);
	ddb_stream_record_key(&hi, s->id, UINT64_MAX);
	scan_open(&walk, c->tx, ddb_stream_rows(c->store), key_str(&lo), key_str(&hi), false);
	while (out->n < limit && scan_next(&walk)) {
		if (!sequence_of(walk.key, &sequence) || !ddb_record_read(walk.value, &r) ||
			gone(c, &r))
			continue;
		if (out->n && bytes + r.size > BYTES_MAX)
			break;
		bytes += r.size;
		record_fill(c, s, sequence, &r, &out->v[out->n++]);
		*next = sequence + 1;
	}
	scan_done(&walk);
}

int
dynamodbstreams_get_records(struct call *c, const struct dynamodbstreams_get_records_in *in,
	struct dynamodbstreams_get_records_out *out)
{
	struct iterator it;
	struct stream s;
	uint32_t limit = in->Limit.set ? (uint32_t)in->Limit.v : RECORDS_MAX;
	if (iterator_read(c, in->ShardIterator, &it) || stream_find(c, it.arn, &s))
		return CALL_FAILED;
	if (it.stream != s.id || it.next > s.tail.last + 1)
		return call_fail(c, &ERR_ValidationException, "Invalid ShardIterator: %.*s",
			STR_FMT(in->ShardIterator));
	if (it.next && trimmed(c, &s, it.next))
		return fail_trimmed(c);
	out->Records.v = arena_array(c->arena, struct dynamodbstreams_record, limit);
	out->Records.set = true;
	records_take(c, &s, limit, &it.next, &out->Records);
	/* Nothing is left of what was before: the end, not the oldest. */
	if (!it.next)
		it.next = s.tail.last + 1;
	if (!s.row.Ended.set || it.next <= s.tail.last)
		out->NextShardIterator = iterator_text(c, &s, it.next);
	return CALL_OK;
}
