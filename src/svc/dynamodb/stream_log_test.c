#include "svc/dynamodb/dynamodb_rig.h"

static struct json *
ask(struct rig *r, const char *op, const char *fmt, ...)
{
	struct loopback_reply reply;
	va_list ap;
	va_start(ap, fmt);
	struct str in = arena_vprintf(&r->arena, fmt, ap);
	va_end(ap);
	char *text = arena_cstr(&r->arena, in);
	for (char *p = text; *p; p++)
		if (*p == '\'')
			*p = '"';
	struct str headers = arena_printf(&r->arena,
		"x-amz-target: DynamoDBStreams_20120810.%s\ncontent-type: "
		"application/x-amz-json-1.0",
		op);
	loopback_call(r->cloud, &r->arena, "111122223333", "dynamodb", "POST", "/",
		arena_cstr(&r->arena, headers), str_of(text, in.len), &reply);
	r->status = reply.status;
	r->body = reply.body;
	r->out = json_parse(&r->arena, reply.body, 0, NULL);
	return r->out;
}
#define ask_ok(r, ...) (ask((r), __VA_ARGS__), rig_ok(r))

static const char *
out_text(struct rig *r, struct json *j, const char *name)
{
	struct str s = json_get_text(j, str_c(name));
	return s.p ? arena_cstr(&r->arena, s) : NULL;
}

/* A table with a stream; its ARN. */
static const char *
table_make(struct rig *r, const char *view)
{
	rig_do(r, "CreateTable",
		"{'TableName':'tab','KeySchema':[{'AttributeName':'h','KeyType':'HASH'}],"
		"'AttributeDefinitions':[{'AttributeName':'h','AttributeType':'S'}],'BillingMode':"
		"'PAY_PER_REQUEST','StreamSpecification':{'StreamEnabled':true,'StreamViewType':"
		"'%s'}}",
		view);
	return out_text(r, json_get_lit(r->out, "TableDescription"), "LatestStreamArn");
}

static void
put(struct rig *r, const char *h, int v)
{
	rig_do(r, "PutItem", "{'TableName':'tab','Item':{'h':{'S':'%s'},'v':{'N':'%d'}}}", h, v);
}

static struct json *
shard(struct rig *r, const char *arn)
{
	ask_ok(r, "DescribeStream", "{'StreamArn':'%s'}", arn);
	struct json *d = json_get_lit(r->out, "StreamDescription");
	return json_at(json_get_lit(d, "Shards"), 0);
}

static const char *
iterator(struct rig *r, const char *arn, const char *type, const char *more)
{
	const char *id = out_text(r, shard(r, arn), "ShardId");
	ask(r, "GetShardIterator", "{'StreamArn':'%s','ShardId':'%s','ShardIteratorType':'%s'%s}",
		arn, id, type, more);
	return r->status == 200 ? out_text(r, r->out, "ShardIterator") : NULL;
}

/* How many; -1: it failed. */
static int
records(struct rig *r, const char *from, const char *more)
{
	ask(r, "GetRecords", "{'ShardIterator':'%s'%s}", from, more);
	return r->status == 200 ? (int)json_get_lit(r->out, "Records")->n : -1;
}

static struct json *
record(struct rig *r, uint32_t at)
{
	return json_at(json_get_lit(r->out, "Records"), at);
}

static const struct {
	const char *view;
	bool now, old;
} views[] = { { "KEYS_ONLY", false, false }, { "NEW_IMAGE", true, false },
	{ "OLD_IMAGE", false, true }, { "NEW_AND_OLD_IMAGES", true, true } };

TEST(dynamodb_streams_views_show_what_they_say)
{
	static const char *const names[] = { "INSERT", "MODIFY", "REMOVE" };
	for (unsigned i = 0; i < 4; i++) {
		struct rig r;
		rig_open(&r);
		const char *arn = table_make(&r, views[i].view);
		put(&r, "a", 1);
		put(&r, "a", 1);
		put(&r, "a", 2);
		rig_do(&r, "DeleteItem", "{'TableName':'tab','Key':{'h':{'S':'a'}}}");
		rig_do(&r, "DeleteItem", "{'TableName':'tab','Key':{'h':{'S':'a'}}}");
		assert_int_equal(records(&r, iterator(&r, arn, "TRIM_HORIZON", ""), ""), 3);
		for (uint32_t n = 0; n < 3; n++) {
			struct json *d = json_get_lit(record(&r, n), "dynamodb");
			assert_string_equal(out_text(&r, record(&r, n), "eventName"), names[n]);
			assert_string_equal(out_text(&r, d, "StreamViewType"), views[i].view);
			assert_non_null(json_get_lit(d, "Keys"));
			assert_null(json_get_lit(record(&r, n), "userIdentity"));
			assert_int_equal(
				json_get_lit(d, "NewImage") != NULL, views[i].now && n < 2);
			assert_int_equal(
				json_get_lit(d, "OldImage") != NULL, views[i].old && n > 0);
		}
		rig_close(&r);
	}
}

TEST(dynamodb_streams_iterators_begin_where_asked)
{
	struct rig r;
	rig_open(&r);
	const char *arn = table_make(&r, "KEYS_ONLY");
	const char *before = iterator(&r, arn, "LATEST", "");
	for (int i = 0; i < 5; i++)
		put(&r, "a", i);
	assert_int_equal(records(&r, before, ""), 5);
	const char *third = out_text(&r, json_get_lit(record(&r, 2), "dynamodb"), "SequenceNumber");
	const char *at =
		arena_cstr(&r.arena, arena_printf(&r.arena, ",'SequenceNumber':'%s'", third));
	assert_int_equal(records(&r, iterator(&r, arn, "AT_SEQUENCE_NUMBER", at), ""), 3);
	assert_int_equal(records(&r, iterator(&r, arn, "AFTER_SEQUENCE_NUMBER", at), ""), 2);
	assert_int_equal(records(&r, iterator(&r, arn, "LATEST", ""), ""), 0);
	assert_int_equal(records(&r, iterator(&r, arn, "TRIM_HORIZON", ""), ",'Limit':2"), 2);
	assert_int_equal(records(&r, out_text(&r, r.out, "NextShardIterator"), ""), 3);
	assert_null(iterator(&r, arn, "AT_SEQUENCE_NUMBER", ""));
	assert_null(iterator(
		&r, arn, "AT_SEQUENCE_NUMBER", ",'SequenceNumber':'100000000000000000009'"));
	assert_int_equal(records(&r, before, ",'Limit':1001"), -1);
	assert_int_equal(records(&r, "arn|AAAA", ""), -1);
	clock_advance(15 * 60 * 1000);
	assert_int_equal(records(&r, before, ""), -1);
	assert_non_null(strstr(rig_body(&r), "ExpiredIteratorException"));
	rig_close(&r);
}

TEST(dynamodb_streams_records_go_after_a_day)
{
	struct rig r;
	rig_open(&r);
	const char *arn = table_make(&r, "NEW_IMAGE");
	const char *first = ",'SequenceNumber':'100000000000000000001'";
	put(&r, "a", 1);
	clock_advance(23 * 3600 * 1000);
	put(&r, "a", 2);
	const char *old = iterator(&r, arn, "AT_SEQUENCE_NUMBER", first);
	assert_int_equal(records(&r, old, ""), 2);
	clock_advance(3600 * 1000 - 1);
	old = iterator(&r, arn, "AT_SEQUENCE_NUMBER", first);
	assert_int_equal(records(&r, old, ""), 2);
	clock_advance(1);
	assert_int_equal(records(&r, old, ""), -1);
	assert_non_null(strstr(rig_body(&r), "TrimmedDataAccessException"));
	assert_null(iterator(&r, arn, "AT_SEQUENCE_NUMBER", first));
	assert_int_equal(records(&r, iterator(&r, arn, "TRIM_HORIZON", ""), ""), 1);
	rig_close(&r);
}

TEST(dynamodb_streams_a_closed_stream_stays_for_a_day)
{
	struct rig r;
	rig_open(&r);
	const char *arn = table_make(&r, "NEW_IMAGE");
	put(&r, "a", 1);
	put(&r, "b", 1);
	rig_do(&r, "UpdateTable",
		"{'TableName':'tab','StreamSpecification':{'StreamEnabled':false}}");
	put(&r, "c", 1);
	rig_do(&r, "UpdateTable",
		"{'TableName':'tab','StreamSpecification':{'StreamEnabled':true,'StreamViewType':"
		"'KEYS_ONLY'}}");
	const char *second =
		out_text(&r, json_get_lit(r.out, "TableDescription"), "LatestStreamArn");
	assert_string_not_equal(arn, second);
	rig_do(&r, "DeleteTable", "{'TableName':'tab'}");
	assert_string_equal(out_text(&r, json_get_lit(shard(&r, arn), "SequenceNumberRange"),
				    "EndingSequenceNumber"),
		"100000000000000000002");
	assert_int_equal(records(&r, iterator(&r, arn, "TRIM_HORIZON", ""), ",'Limit':1"), 1);
	assert_int_equal(records(&r, out_text(&r, r.out, "NextShardIterator"), ""), 1);
	assert_null(json_get_lit(r.out, "NextShardIterator"));
	ask_ok(&r, "ListStreams", "{'TableName':'tab','Limit':1}");
	assert_string_equal(out_text(&r, r.out, "LastEvaluatedStreamArn"), arn);
	ask_ok(&r, "ListStreams", "{'ExclusiveStartStreamArn':'%s'}", arn);
	assert_int_equal(json_get_lit(r.out, "Streams")->n, 1);
	clock_advance(24 * 3600 * 1000);
	ask(&r, "DescribeStream", "{'StreamArn':'%s'}", arn);
	assert_non_null(strstr(rig_body(&r), "ResourceNotFoundException"));
	ask_ok(&r, "ListStreams", "{}");
	assert_int_equal(json_get_lit(r.out, "Streams")->n, 0);
	rig_close(&r);
}

TEST(dynamodb_streams_pages_end_at_a_megabyte)
{
	struct rig r;
	rig_open(&r);
	const char *arn = table_make(&r, "NEW_IMAGE");
	char *big = arena_alloc(&r.arena, 300001);
	memset(big, 'x', 300000);
	for (int i = 0; i < 5; i++)
		rig_do(&r, "PutItem", "{'TableName':'tab','Item':{'h':{'S':'k%d'},'v':{'S':'%s'}}}",
			i, big);
	assert_int_equal(records(&r, iterator(&r, arn, "TRIM_HORIZON", ""), ""), 3);
	assert_int_equal(records(&r, out_text(&r, r.out, "NextShardIterator"), ""), 2);
	rig_close(&r);
}
