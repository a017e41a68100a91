/* Streams: found, listed, described; and which stream a call is about, for its authorisation. */
#include "svc/dynamodbstreams/streams.h"
#include "aws/authorize.h"
#include "base/digest.h"

#define LIST_MAX 100
/* Sequence numbers are at least 21 digits; as numbers they keep the order of their sequences. */
#define SEQUENCE_BASE "1"
#define SEQUENCE_DIGITS 20

struct str
stream_sequence_text(struct call *c, uint64_t sequence)
{
	return arena_printf(
		c->arena, SEQUENCE_BASE "%0*llu", SEQUENCE_DIGITS, (unsigned long long)sequence);
}

bool
stream_sequence_read(struct str text, uint64_t *ret)
{
	return text.len == 1 + SEQUENCE_DIGITS && text.p[0] == SEQUENCE_BASE[0] &&
	       str_to_u64(str_slice(text, 1, text.len), ret);
}

struct str
stream_arn(struct call *c, struct str table, struct str label)
{
	return arena_printf(c->arena, "arn:aws:dynamodb:%.*s:%.*s:table/%.*s/stream/%.*s",
		STR_FMT(c->region), STR_FMT(c->account), STR_FMT(table), STR_FMT(label));
}

struct str
stream_shard_id(struct call *c, const struct stream *s)
{
	unsigned char sum[32];
	sha256(s->arn, sum);
	return arena_printf(c->arena, "shardId-%020lld-%02x%02x%02x%02x",
		(long long)s->row.Created.ms, sum[0], sum[1], sum[2], sum[3]);
}

/* Table and label of a stream of this account in this region; false: another's, or none. */
static bool
arn_read(struct call *c, struct str arn, struct str *ret_table, struct str *ret_label)
{
	struct str prefix = arena_printf(c->arena, "arn:aws:dynamodb:%.*s:%.*s:table/",
		STR_FMT(c->region), STR_FMT(c->account));
	struct str rest = str_slice(arn, prefix.len, arn.len);
	long at = str_find_str(rest, STR("/stream/"));
	if (!str_starts(arn, prefix) || at <= 0)
		return false;
	*ret_table = str_slice(rest, 0, (size_t)at);
	*ret_label = str_slice(rest, (size_t)at + sizeof("/stream/") - 1, rest.len);
	return ret_table->len <= 255 && ret_label->len > 0 && ret_label->len < 64;
}

int
stream_find(struct call *c, struct str arn, struct stream *ret)
{
	struct rows *r = ddb_stream_rows(c->store);
	struct str table, label, value;
	struct key k;
	if (!str_starts(arn, STR("arn:aws:dynamodb:")))
		return call_fail(
			c, &ERR_ValidationException, "Invalid StreamArn: %.*s", STR_FMT(arn));
	memset(ret, 0, sizeof(*ret));
	bool found = arn_read(c, arn, &table, &label);
	if (found)
		ddb_stream_key(&k, c->account, c->region, table, label);
	if (!found || !tx_get(c->tx, r, key_str(&k), &value) ||
		!row_decode(&dynamodb_stream_row_shape, value, c->arena, &ret->row) ||
		(ret->row.Ended.set && c->now_ms - ret->row.Ended.ms >= DDB_STREAM_KEEP_MS))
		return call_fail(c, &DYNAMODBSTREAMS_ResourceNotFoundException,
			"Requested resource not found: Stream: %.*s not found", STR_FMT(arn));
	ret->arn = arn;
	ret->id = (uint64_t)ret->row.Id.v;
	ret->tail = ddb_stream_tail(c->tx, r, ret->id);
	return CALL_OK;
}

/* ---- ListStreams */

static struct str
list_from(struct call *c, const struct dynamodbstreams_list_streams_in *in, struct key *k)
{
	struct str table, label;
	if (!in->ExclusiveStartStreamArn.p)
		return key_str(k);
	if (!arn_read(c, in->ExclusiveStartStreamArn, &table, &label))
		return STR_NULL;
	struct key *after = arena_new(c->arena, struct key);
	ddb_stream_key(after, c->account, c->region, table, label);
	key_add_raw(after, str_of("\0", 1));
	return str_cmp(key_str(after), key_str(k)) > 0 ? key_str(after) : key_str(k);
}

static void
list_prefix(struct call *c, struct str table, struct key *k)
{
	key_begin(k);
	key_add_raw(k, STR("S"));
	key_add(k, c->account);
	key_add(k, c->region);
	if (table.p)
		key_add(k, table);
}

int
dynamodbstreams_list_streams(struct call *c, const struct dynamodbstreams_list_streams_in *in,
	struct dynamodbstreams_list_streams_out *out)
{
	struct key prefix, end;
	struct scan s;
	uint32_t limit = in->Limit.set ? (uint32_t)in->Limit.v : LIST_MAX;
	list_prefix(c, in->TableName, &prefix);
	struct str lo = list_from(c, in, &prefix), hi = key_after_prefix(&end, key_str(&prefix));
	if (!lo.p)
		return call_fail(c, &ERR_ValidationException,
			"Invalid ExclusiveStartStreamArn: %.*s",
			STR_FMT(in->ExclusiveStartStreamArn));
	out->Streams.v = arena_array(c->arena, struct dynamodbstreams_stream, limit);
	out->Streams.set = true;
	scan_open(&s, c->tx, ddb_stream_rows(c->store), lo, hi, false);
	while (scan_next(&s)) {
		struct dynamodb_stream_row row = { 0 };
		if (!row_decode(&dynamodb_stream_row_shape, s.value, c->arena, &row) ||
			(row.Ended.set && c->now_ms - row.Ended.ms >= DDB_STREAM_KEEP_MS))
			continue;
		if (out->Streams.n == limit) {
			out->LastEvaluatedStreamArn = out->Streams.v[limit - 1].StreamArn;
			break;
		}
		out->Streams.v[out->Streams.n++] =
			(struct dynamodbstreams_stream){ stream_arn(c, row.Table, row.Label),
				row.Table, row.Label };
	}
	scan_done(&s);
	return CALL_OK;
}

/* ---- DescribeStream */

static void
describe_shard(struct call *c, const struct stream *s, struct dynamodbstreams_shard *ret)
{
	uint64_t last = s->tail.last ? s->tail.last : 1;
	ret->ShardId = stream_shard_id(c, s);
	ret->SequenceNumberRange =
		arena_new(c->arena, struct dynamodbstreams_sequence_number_range);
	ret->SequenceNumberRange->StartingSequenceNumber = stream_sequence_text(c, 1);
	if (s->row.Ended.set)
		ret->SequenceNumberRange->EndingSequenceNumber = stream_sequence_text(c, last);
}

static void
describe_keys(struct call *c, const struct stream *s, struct dynamodbstreams_stream_description *d)
{
	uint32_t n = s->row.KeySchema.n;
	d->KeySchema.v = arena_array(c->arena, struct dynamodbstreams_key_schema_element, n);
	d->KeySchema.n = n;
	d->KeySchema.set = true;
	for (uint32_t i = 0; i < n; i++) {
		d->KeySchema.v[i].AttributeName = s->row.KeySchema.v[i].AttributeName;
		d->KeySchema.v[i].KeyType = s->row.KeySchema.v[i].KeyType;
	}
}

int
dynamodbstreams_describe_stream(struct call *c, const struct dynamodbstreams_describe_stream_in *in,
	struct dynamodbstreams_describe_stream_out *out)
{
	struct stream s;
	if (stream_find(c, in->StreamArn, &s))
		return CALL_FAILED;
	struct dynamodbstreams_stream_description *d =
		arena_new(c->arena, struct dynamodbstreams_stream_description);
	d->StreamArn = s.arn;
	d->StreamLabel = s.row.Label;
	d->StreamStatus = s.row.Ended.set ? STR("DISABLED") : STR("ENABLED");
	d->StreamViewType = s.row.View;
	d->CreationRequestDateTime = s.row.Created;
	d->TableName = s.row.Table;
	describe_keys(c, &s, d);
	d->Shards.v = arena_new(c->arena, struct dynamodbstreams_shard);
	d->Shards.set = true;
	describe_shard(c, &s, d->Shards.v);
	/* The one shard has no children, and nothing comes after it. */
	bool children = in->ShardFilter && str_is(in->ShardFilter->Type, "CHILD_SHARDS");
	d->Shards.n =
		!children && (!in->ExclusiveStartShardId.p ||
				     str_cmp(d->Shards.v->ShardId, in->ExclusiveStartShardId) > 0);
	out->StreamDescription = d;
	return CALL_OK;
}

/* ---- authorisation: the resource is the stream */

static int
permission(struct call *c, const void *in, struct authorize_question *q)
{
	struct str arn = STR_NULL;
	if (strcmp(c->op->name, "DescribeStream") == 0)
		arn = ((const struct dynamodbstreams_describe_stream_in *)in)->StreamArn;
	if (strcmp(c->op->name, "GetShardIterator") == 0)
		arn = ((const struct dynamodbstreams_get_shard_iterator_in *)in)->StreamArn;
	if (strcmp(c->op->name, "GetRecords") == 0)
		arn = stream_iterator_arn(
			((const struct dynamodbstreams_get_records_in *)in)->ShardIterator);
	if (arn.p)
		q->resource = arn;
	return CALL_OK;
}

const struct service_hooks dynamodbstreams_hooks = { .permission = permission };
