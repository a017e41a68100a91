/* Query and ec2 as they look on the wire, both ways. */
#include "aws/codec_impl.h"
#include "aws/errors.h"
#include "unit.h"

struct tag {
	struct str key, value;
};
struct list_tag {
	struct tag *v;
	uint32_t n;
	bool set;
};
struct map_text {
	struct tag *v;
	uint32_t n;
	bool set;
};
struct message {
	struct str name;
	struct opt_i64 count;
	struct opt_bool dry;
	struct opt_time at;
	struct list_str names;
	struct list_tag tags;
	struct map_text attributes;
	struct tag *one;
	struct str data;
};

static const struct shape text = { .name = "Text", .kind = SHAPE_STR };
static const struct shape blob = { .name = "Blob", .kind = SHAPE_BLOB };
static const struct shape number = { .name = "Number", .kind = SHAPE_INT };
static const struct shape when = { .name = "When", .kind = SHAPE_TIME };
static const struct shape flag = { .name = "Flag", .kind = SHAPE_BOOL };
static const struct field tag_fields[] = {
	{ "Key", "key", "Key", &text, 0, offsetof(struct tag, key), 0, LOC_BODY },
	{ "Value", "value", "Value", &text, 0, offsetof(struct tag, value), 0, LOC_BODY },
};
static const struct shape tag_shape = { .name = "Tag",
	.kind = SHAPE_STRUCT,
	.fields = tag_fields,
	.fields_n = 2,
	.size = sizeof(struct tag) };
static const struct shape names = {
	.kind = SHAPE_LIST, .value = &text, .size = sizeof(struct str)
};
static const struct shape tags = {
	.kind = SHAPE_LIST, .value = &tag_shape, .value_wire = "item", .size = sizeof(struct tag)
};
static const struct shape map = { .kind = SHAPE_MAP,
	.key = &text,
	.value = &text,
	.key_wire = "Name",
	.value_wire = "Value",
	.size = sizeof(struct tag),
	.value_offset = offsetof(struct tag, value) };
static const struct field fields[] = {
	{ "Name", "name", NULL, &text, 0, offsetof(struct message, name), 0, LOC_BODY },
	{ "Count", "count", NULL, &number, 0, offsetof(struct message, count), 0, LOC_BODY },
	{ "DryRun", "dryRun", NULL, &flag, 0, offsetof(struct message, dry), 0, LOC_BODY },
	{ "At", "at", NULL, &when, 0, offsetof(struct message, at), 0, LOC_BODY },
	{ "Names", "nameSet", "Name.Own", &names, 0, offsetof(struct message, names), 0, LOC_BODY },
	{ "Tags", "tagSet", "Tag", &tags, 0, offsetof(struct message, tags), 0, LOC_BODY },
	{ "Attributes", "Attributes", "Attribute", &map, FIELD_FLATTENED,
		offsetof(struct message, attributes), 0, LOC_BODY },
	{ "One", "one", NULL, &tag_shape, 0, offsetof(struct message, one), 0, LOC_BODY },
	{ "Data", "data", NULL, &blob, 0, offsetof(struct message, data), 0, LOC_BODY },
};
static const struct shape ec2_shape = { .name = "M",
	.kind = SHAPE_STRUCT,
	.fields = fields,
	.fields_n = 9,
	.size = sizeof(struct message) };

/* The same, as a query service spells it. */
static const struct field query_tag_fields[] = {
	{ "Key", "Key", NULL, &text, 0, offsetof(struct tag, key), 0, LOC_BODY },
	{ "Value", "Value", NULL, &text, 0, offsetof(struct tag, value), 0, LOC_BODY },
};
static const struct shape query_tag = { .name = "Tag",
	.kind = SHAPE_STRUCT,
	.fields = query_tag_fields,
	.fields_n = 2,
	.size = sizeof(struct tag) };
static const struct shape query_tags = {
	.kind = SHAPE_LIST, .value = &query_tag, .value_wire = "Tag", .size = sizeof(struct tag)
};
static const struct field query_fields[] = {
	{ "Name", "Name", NULL, &text, 0, offsetof(struct message, name), 0, LOC_BODY },
	{ "Count", "Count", NULL, &number, 0, offsetof(struct message, count), 0, LOC_BODY },
	{ "DryRun", "DryRun", NULL, &flag, 0, offsetof(struct message, dry), 0, LOC_BODY },
	{ "At", "At", NULL, &when, 0, offsetof(struct message, at), 0, LOC_BODY },
	{ "Names", "Names", NULL, &names, 0, offsetof(struct message, names), 0, LOC_BODY },
	{ "Tags", "Tags", NULL, &query_tags, 0, offsetof(struct message, tags), 0, LOC_BODY },
	{ "Attributes", "Attributes", "Attribute", &map, FIELD_FLATTENED,
		offsetof(struct message, attributes), 0, LOC_BODY },
	{ "One", "One", NULL, &query_tag, 0, offsetof(struct message, one), 0, LOC_BODY },
	{ "Data", "Data", NULL, &blob, 0, offsetof(struct message, data), 0, LOC_BODY },
};
static const struct shape query_shape = { .name = "M",
	.kind = SHAPE_STRUCT,
	.fields = query_fields,
	.fields_n = 9,
	.size = sizeof(struct message) };
static const struct op query_op = {
	.name = "Send", .in = &query_shape, .out = &query_shape, .result_wrapper = "SendResult"
};
static const struct op ec2_op = { .name = "RunThem", .in = &ec2_shape, .out = &ec2_shape };
static const struct service query_service = {
	.name = "q", .protocols = 1 << PROTO_QUERY, .xml_namespace = "urn:q"
};
static const struct service ec2_service = {
	.name = "ec2", .protocols = 1 << PROTO_EC2, .xml_namespace = "urn:e"
};

struct fixture {
	struct arena a;
	struct call c;
	struct message m;
	struct wire_reply reply;
};

static void
fixture_init(struct fixture *x, enum protocol p)
{
	memset(x, 0, sizeof(*x));
	arena_init(&x->a);
	x->c.arena = &x->a;
	x->c.protocol = (uint8_t)p;
	x->c.service = p == PROTO_EC2 ? &ec2_service : &query_service;
	x->c.request_id = STR("REQ");
}

static void
fixture_done(struct fixture *x)
{
	wire_reply_done(&x->reply);
	arena_done(&x->a);
}

static int
decode(struct fixture *x, struct str form)
{
	struct wire_request r = { .body = form };
	memset(&x->m, 0, sizeof(x->m));
	return codec_decode(&x->c, x->c.protocol == PROTO_EC2 ? &ec2_op : &query_op, &r, &x->m);
}

TEST(query_reads_lists_maps_and_structs)
{
	struct fixture x;
	fixture_init(&x, PROTO_QUERY);
	assert_int_equal(decode(&x, STR("Action=Send&Version=1&Name=a+b%26&Count=5e0&DryRun=True&"
					"At=2026-01-02T03:04:05Z"
					"&Names.member.10=ten&Names.member.2=two&Names.member.1=one"
					"&Tags.Tag.1.Key=k1&Tags.Tag.1.Value=v1&Tags.Tag.3.Key=k3"
					"&Attribute.1.Name=A&Attribute.1.Value=1&Attribute.2.Name="
					"B&Attribute.2.Value="
					"&One.Key=x&One.Unknown.7=y&Data=aGk%3D&Other.member.1=z")),
		CALL_OK);
	assert_str(x.m.name, "a b&");
	assert_int_equal(x.m.count.v, 5);
	assert_true(x.m.dry.set && x.m.dry.v);
	assert_true(x.m.at.ms == 1767323045000);
	assert_int_equal(x.m.names.n, 3);
	assert_str(x.m.names.v[0], "one");
	assert_str(x.m.names.v[2], "ten");
	assert_int_equal(x.m.tags.n, 2);
	assert_str(x.m.tags.v[1].key, "k3");
	assert_null(x.m.tags.v[1].value.p);
	assert_int_equal(x.m.attributes.n, 2);
	assert_str(x.m.attributes.v[1].key, "B");
	assert_str(x.m.attributes.v[1].value, "");
	assert_str(x.m.one->key, "x");
	assert_str(x.m.data, "hi");
	fixture_done(&x);
}

TEST(query_empty_list_is_set)
{
	struct fixture x;
	fixture_init(&x, PROTO_QUERY);
	assert_int_equal(decode(&x, STR("Names=&Attribute=")), CALL_OK);
	assert_true(x.m.names.set && x.m.names.n == 0);
	assert_true(x.m.attributes.set);
	assert_false(x.m.tags.set);
	fixture_done(&x);
}

TEST(query_indices_are_bounded)
{
	struct fixture x;
	fixture_init(&x, PROTO_QUERY);
	assert_int_equal(decode(&x, STR("Names.member.1=a&Names.member.999999999=b")), CALL_OK);
	assert_int_equal(x.m.names.n, 2);
	assert_int_equal(decode(&x, STR("Names.member.99999999999999999999=b")), CALL_FAILED);
	assert_string_equal(x.c.error->code, "MalformedQueryString");
	struct buf b = { 0 };
	for (int i = 0; i <= CODEC_LIST_MAX; i++)
		buf_printf(&b, "Names.member.%d=x&", i);
	assert_int_equal(decode(&x, buf_str(&b)), CALL_FAILED);
	buf_clear(&b);
	for (int i = 0; i < 30000; i++)
		buf_printf(&b, "u%d&", i);
	assert_int_equal(decode(&x, buf_str(&b)), CALL_FAILED);
	buf_done(&b);
	fixture_done(&x);
}

TEST(query_refuses_bad_values)
{
	struct fixture x;
	fixture_init(&x, PROTO_QUERY);
	static const struct {
		const char *form, *code;
	} t[] = {
		{ "Count=many", "InvalidParameterValue" },
		{ "Count=1.5", "InvalidParameterValue" },
		{ "Count=4294967296", "InvalidParameterValue" },
		{ "DryRun=maybe", "InvalidParameterValue" },
		{ "At=yesterday", "InvalidParameterValue" },
		{ "Name=%zz", "MalformedQueryString" },
		{ "Name=%ff", "MalformedQueryString" },
		{ "Attribute.1.Value=x", "MalformedQueryString" },
		{ "Names=x", "MalformedQueryString" },
	};
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(decode(&x, str_c(t[i].form)), CALL_FAILED);
		assert_string_equal(x.c.error->code, t[i].code);
	}
	fixture_done(&x);
}

TEST(ec2_reads_flat_lists_and_capital_names)
{
	struct fixture x;
	fixture_init(&x, PROTO_EC2);
	assert_int_equal(decode(&x, STR("Name=n&Count=2&DryRun=1&Tag.2.Key=b&Tag.1.Key=a&Tag.1."
					"Value=v&One.Value=o")),
		CALL_OK);
	assert_str(x.m.name, "n");
	assert_int_equal(x.m.tags.n, 2);
	assert_str(x.m.tags.v[0].key, "a");
	assert_str(x.m.tags.v[1].key, "b");
	assert_str(x.m.one->value, "o");
	assert_true(x.m.dry.v);
	/* The names of replies are not those of requests. */
	assert_int_equal(decode(&x, STR("name=n&tagSet.1.key=a")), CALL_OK);
	assert_null(x.m.name.p);
	assert_false(x.m.tags.set);
	fixture_done(&x);
}

static void
sample(struct message *m)
{
	static struct tag t[] = { { { "k", 1 }, { "v&", 2 } } };
	static struct str n[] = { { "x", 1 }, { "y", 1 } };
	*m = (struct message){ .name = STR("n"),
		.count = OPT_I64(3),
		.at = OPT_TIME(1767323045000),
		.names = { n, 2, true },
		.tags = { t, 1, true },
		.attributes = { t, 1, true } };
}

TEST(query_reply_is_wrapped)
{
	struct fixture x;
	fixture_init(&x, PROTO_QUERY);
	sample(&x.m);
	codec_encode(&x.c, &query_op, &x.m, &x.reply);
	assert_string_equal(x.reply.content_type, "text/xml");
	assert_str(buf_str(&x.reply.body),
		"<SendResponse "
		"xmlns=\"urn:q\"><SendResult><Name>n</Name><Count>3</"
		"Count><At>2026-01-02T03:04:05Z</At>"
		"<Names><member>x</member><member>y</member></Names><Tags><Tag><Key>k</"
		"Key><Value>v&amp;</Value></Tag></Tags>"
		"<Attribute><Name>k</Name><Value>v&amp;</Value></Attribute></SendResult>"
		"<ResponseMetadata><RequestId>REQ</RequestId></ResponseMetadata></SendResponse>");
	fixture_done(&x);
}

TEST(ec2_reply_has_sets_and_items)
{
	struct fixture x;
	fixture_init(&x, PROTO_EC2);
	sample(&x.m);
	x.m.names.set = x.m.attributes.set = false;
	x.m.names.n = x.m.attributes.n = 0;
	codec_encode(&x.c, &ec2_op, &x.m, &x.reply);
	assert_str(buf_str(&x.reply.body),
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<RunThemResponse "
		"xmlns=\"urn:e\"><requestId>REQ</requestId>"
		"<name>n</name><count>3</count><at>2026-01-02T03:04:05.000Z</at>"
		"<tagSet><item><key>k</key><value>v&amp;</value></item></tagSet></"
		"RunThemResponse>");
	fixture_done(&x);
}

TEST(query_and_ec2_error_envelopes)
{
	struct fixture x;
	fixture_init(&x, PROTO_QUERY);
	static const struct api_error gone = { "QueueDoesNotExist",
		"AWS.SimpleQueueService.NonExistentQueue", "No queue.", 400, false, NULL };
	call_fail(&x.c, &gone, NULL);
	codec_encode_error(&x.c, &x.reply);
	assert_str(buf_str(&x.reply.body),
		"<ErrorResponse xmlns=\"urn:q\"><Error><Type>Sender</Type>"
		"<Code>AWS.SimpleQueueService.NonExistentQueue</Code><Message>No "
		"queue.</Message></Error>"
		"<RequestId>REQ</RequestId></ErrorResponse>");
	fixture_done(&x);
	fixture_init(&x, PROTO_EC2);
	call_fail(&x.c, &ERR_InternalFailure, NULL);
	codec_encode_error(&x.c, &x.reply);
	assert_int_equal(x.reply.status, 500);
	assert_str(buf_str(&x.reply.body),
		"<?xml version=\"1.0\" "
		"encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>InternalError</Code>"
		"<Message>An internal error has "
		"occurred</Message></Error></Errors><RequestID>REQ</RequestID></Response>");
	fixture_done(&x);
}
