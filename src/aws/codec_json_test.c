/* json-1.0, json-1.1, rest-json and rpc-v2-cbor, both ways, with their errors. */
#include "aws/codec_impl.h"
#include "aws/errors.h"
#include "base/cbor.h"
#include "base/clock.h"
#include "base/json.h"
#include "unit.h"
#include "wire/http_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

struct attribute {
	struct str type, text;
};
struct attribute_entry {
	struct str key;
	struct attribute value;
};
struct map_attribute {
	struct attribute_entry *v;
	uint32_t n;
	bool set;
};
struct list_number {
	int64_t *v;
	uint32_t n;
	bool set;
};
struct send {
	struct str url, body, data;
	struct opt_i64 delay;
	struct opt_bool flag;
	struct opt_f64 ratio;
	struct opt_time at;
	struct map_attribute attributes;
	struct list_number numbers;
	struct json *document;
	struct send *inner;
};

static const struct shape text = { .name = "Text", .kind = SHAPE_STR };
static const struct shape blob = { .name = "Blob", .kind = SHAPE_BLOB };
static const struct shape number = { .name = "Number", .kind = SHAPE_INT };
static const struct shape real = { .name = "Real", .kind = SHAPE_DOUBLE };
static const struct shape when = { .name = "When", .kind = SHAPE_TIME };
static const struct shape flag = { .name = "Flag", .kind = SHAPE_BOOL };
static const struct shape document = { .name = "Doc", .kind = SHAPE_DOCUMENT };
static const struct shape numbers = {
	.name = "Numbers", .kind = SHAPE_LIST, .value = &number, .size = sizeof(int64_t)
};
static const struct field attribute_fields[] = {
	{ "DataType", "DataType", NULL, &text, 0, offsetof(struct attribute, type), 0, LOC_BODY },
	{ "StringValue", "StringValue", NULL, &text, 0, offsetof(struct attribute, text), 0,
		LOC_BODY },
};
static const struct shape attribute = { .name = "Attribute",
	.kind = SHAPE_STRUCT,
	.fields = attribute_fields,
	.fields_n = 2,
	.size = sizeof(struct attribute) };
static const struct shape attributes = { .name = "Attributes",
	.kind = SHAPE_MAP,
	.key = &text,
	.value = &attribute,
	.size = sizeof(struct attribute_entry),
	.value_offset = offsetof(struct attribute_entry, value) };
static const struct shape send_shape;
static const struct field send_fields[] = {
	{ "QueueUrl", "QueueUrl", NULL, &text, 0, offsetof(struct send, url), 0, LOC_BODY },
	{ "MessageBody", "MessageBody", NULL, &text, 0, offsetof(struct send, body), 0, LOC_BODY },
	{ "DelaySeconds", "DelaySeconds", NULL, &number, 0, offsetof(struct send, delay), 0,
		LOC_BODY },
	{ "Attributes", "Attributes", "Attribute", &attributes, FIELD_FLATTENED,
		offsetof(struct send, attributes), 0, LOC_BODY },
	{ "Data", "Data", NULL, &blob, 0, offsetof(struct send, data), 0, LOC_BODY },
	{ "Flag", "Flag", NULL, &flag, 0, offsetof(struct send, flag), 0, LOC_BODY },
	{ "Ratio", "Ratio", NULL, &real, 0, offsetof(struct send, ratio), 0, LOC_BODY },
	{ "At", "At", NULL, &when, 0, offsetof(struct send, at), 0, LOC_BODY },
	{ "Numbers", "Numbers", NULL, &numbers, 0, offsetof(struct send, numbers), 0, LOC_BODY },
	{ "Document", "Document", NULL, &document, 0, offsetof(struct send, document), 0,
		LOC_BODY },
	{ "Inner", "renamed", NULL, &send_shape, 0, offsetof(struct send, inner), 0, LOC_BODY },
};
static const struct shape send_shape = { .name = "Send",
	.kind = SHAPE_STRUCT,
	.fields = send_fields,
	.fields_n = 11,
	.size = sizeof(struct send) };
static const struct op send_op = {
	.name = "SendMessage", .in = &send_shape, .out = &send_shape, .uri = "/", .method = "POST"
};
static const struct service sqs = {
	.name = "sqs", .protocols = 1 << PROTO_JSON10 | 1 << PROTO_QUERY, .query_compatible = true
};

struct fixture {
	struct arena a;
	struct call c;
	struct send m;
	struct wire_reply reply;
};

static void
fixture_init(struct fixture *x, enum protocol p)
{
	memset(x, 0, sizeof(*x));
	arena_init(&x->a);
	x->c.arena = &x->a;
	x->c.protocol = (uint8_t)p;
	x->c.service = &sqs;
}

static void
fixture_done(struct fixture *x)
{
	wire_reply_done(&x->reply);
	arena_done(&x->a);
}

static int
decode(struct fixture *x, struct str body)
{
	struct wire_request r = { .body = body, .path = STR("/") };
	memset(&x->m, 0, sizeof(x->m));
	return codec_decode(&x->c, &send_op, &r, &x->m);
}

TEST(json_reads_members_of_every_kind)
{
	struct fixture x;
	fixture_init(&x, PROTO_JSON10);
	assert_int_equal(
		decode(&x, STR("{\"MessageBody\":\"h\\u00e9\",\"Unknown\":{\"a\":[1]},"
			       "\"DelaySeconds\":5.0,"
			       "\"QueueUrl\":null,\"Flag\":true,\"Ratio\":\"NaN\",\"At\":"
			       "1767323045.678,\"Data\":\"aGk=\","
			       "\"Attributes\":{\"a\":{\"DataType\":\"S\",\"__type\":\"x\"}},"
			       "\"Numbers\":[1,5e0,-3],"
			       "\"Document\":{\"k\":[null]},\"Inner\":{\"MessageBody\":\"in\"}}")),
		CALL_OK);
	assert_null(x.m.url.p);
	assert_str(x.m.body, "h\xc3\xa9");
	assert_int_equal(x.m.delay.v, 5);
	assert_true(x.m.flag.v);
	assert_true(x.m.ratio.set && x.m.ratio.v != x.m.ratio.v);
	assert_true(x.m.at.ms == 1767323045678);
	assert_str(x.m.data, "hi");
	assert_int_equal(x.m.attributes.n, 1);
	assert_str(x.m.attributes.v[0].value.type, "S");
	assert_int_equal(x.m.numbers.v[1], 5);
	assert_int_equal(x.m.document->kind, JSON_OBJECT);
	assert_str(x.m.inner->body, "in");
	assert_int_equal(decode(&x, STR("")), CALL_OK);
	assert_int_equal(decode(&x, STR("{\"At\":\"2026-01-02T03:04:05Z\"}")), CALL_OK);
	assert_true(x.m.at.ms == 1767323045000);
	fixture_done(&x);
}

TEST(json_refuses_what_does_not_fit)
{
	struct fixture x;
	fixture_init(&x, PROTO_JSON10);
	static const char *const bad[] = {
		"{",
		"[]",
		"7",
		"{\"MessageBody\":5}",
		"{\"DelaySeconds\":\"x\"}",
		"{\"DelaySeconds\":1.5}",
		"{\"DelaySeconds\":4294967296}",
		"{\"Flag\":\"perhaps\"}",
		"{\"At\":\"soon\"}",
		"{\"At\":true}",
		"{\"Data\":\"*\"}",
		"{\"Numbers\":{}}",
		"{\"Attributes\":[]}",
		"{\"Inner\":\"x\"}",
		"{\"MessageBody\":{}}",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(decode(&x, str_c(bad[i])), CALL_FAILED);
		assert_string_equal(x.c.error->code, "SerializationException");
		assert_int_equal(x.c.error->status, 400);
	}
	decode(&x, STR("{\"MessageBody\":5}"));
	assert_str(x.c.error_message, "NUMBER_VALUE cannot be converted to String");
	decode(&x, STR("{\"MessageBody\":{}}"));
	assert_str(x.c.error_message, "Start of structure or map found where not expected.");
	fixture_done(&x);
}

TEST(json_depth_and_memory_are_bounded)
{
	struct fixture x;
	fixture_init(&x, PROTO_JSON10);
	struct buf b = { 0 };
	for (int i = 0; i < 200; i++)
		buf_add_lit(&b, "{\"Inner\":");
	assert_int_equal(decode(&x, buf_str(&b)), CALL_FAILED);
	buf_clear(&b);
	/* Every empty entry costs the size of its struct: a large map must end in an error, not in
	 * memory. */
	buf_add_lit(&b, "{\"Attributes\":{");
	for (int i = 0; i < 1500000; i++)
		buf_printf(&b, "%s\"%d\":{}", i ? "," : "", i);
	buf_add_lit(&b, "}}");
	assert_int_equal(decode(&x, buf_str(&b)), CALL_FAILED);
	assert_int_equal(x.c.error->status, 413);
	buf_done(&b);
	fixture_done(&x);
}

TEST(json_body_may_be_gzip)
{
	struct fixture x;
	fixture_init(&x, PROTO_JSON10);
	const struct http_header h = { STR("Content-Encoding"), STR("gzip") };
	struct wire_request r = { .path = STR("/"), .headers = &h, .headers_n = 1 };
	unsigned char packed[200];
	z_stream z = { 0 };
	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (unsigned char *)"{\"MessageBody\":\"small\"}";
	z.avail_in = 23;
	z.next_out = packed;
	z.avail_out = sizeof(packed);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	r.body = str_of(packed, sizeof(packed) - z.avail_out);
	deflateEnd(&z);
	assert_int_equal(codec_decode(&x.c, &send_op, &r, &x.m), CALL_OK);
	assert_str(x.m.body, "small");
	r.body.len -= 4;
	assert_int_equal(codec_decode(&x.c, &send_op, &r, &x.m), CALL_FAILED);
	assert_string_equal(x.c.error->code, "SerializationException");
	fixture_done(&x);
}

static void
sample(struct send *m)
{
	static struct attribute_entry e[] = { { { "a", 1 }, { { "S", 1 }, { NULL, 0 } } } };
	static int64_t n[] = { 1, -2 };
	*m = (struct send){ .body = STR("q\"\n"),
		.delay = OPT_I64(7),
		.flag = OPT_BOOL(false),
		.ratio = OPT_F64(0.5),
		.at = OPT_TIME(1767323045678),
		.attributes = { e, 1, true },
		.numbers = { n, 2, true },
		.data = STR("hi") };
}

TEST(json_writes_what_is_set)
{
	struct fixture x;
	fixture_init(&x, PROTO_JSON11);
	sample(&x.m);
	codec_encode(&x.c, &send_op, &x.m, &x.reply);
	assert_string_equal(x.reply.content_type, "application/x-amz-json-1.1");
	assert_str(buf_str(&x.reply.body),
		"{\"MessageBody\":\"q\\\"\\n\",\"DelaySeconds\":7,\"Attributes\":{\"a\":{"
		"\"DataType\":\"S\"}},\"Data\":\"aGk=\","
		"\"Flag\":false,\"Ratio\":0.5,\"At\":1767323045.678,\"Numbers\":[1,-2]}");
	static const struct op empty = { .name = "DeleteMessage" };
	wire_reply_done(&x.reply);
	memset(&x.reply, 0, sizeof(x.reply));
	codec_encode(&x.c, &empty, NULL, &x.reply);
	assert_int_equal(x.reply.body.len, 0);
	fixture_done(&x);
}

TEST(json_renames_in_rest_json_only)
{
	struct fixture x;
	fixture_init(&x, PROTO_REST_JSON);
	assert_int_equal(decode(&x, STR("{\"renamed\":{\"MessageBody\":\"in\"}}")), CALL_OK);
	assert_str(x.m.inner->body, "in");
	codec_encode(&x.c, &send_op, &x.m, &x.reply);
	assert_string_equal(x.reply.content_type, "application/json");
	assert_str(buf_str(&x.reply.body), "{\"renamed\":{\"MessageBody\":\"in\"}}");
	fixture_done(&x);
}

static struct str
reply_header(const struct wire_reply *r, const char *name)
{
	for (unsigned i = 0; i < r->headers_n; i++)
		if (str_eq_nocase(r->headers[i][0], str_c(name)))
			return r->headers[i][1];
	return STR_NULL;
}

static const struct api_error gone = { "QueueDoesNotExist",
	"AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.", 400,
	false, NULL };

TEST(json_error_envelopes)
{
	struct fixture x;
	fixture_init(&x, PROTO_JSON10);
	call_fail(&x.c, &gone, NULL);
	codec_encode_error(&x.c, &x.reply);
	assert_str(buf_str(&x.reply.body), "{\"__type\":\"QueueDoesNotExist\",\"message\":\"The "
					   "specified queue does not exist.\"}");
	assert_str(reply_header(&x.reply, "x-amzn-query-error"),
		"AWS.SimpleQueueService.NonExistentQueue;Sender");
	fixture_done(&x);
	fixture_init(&x, PROTO_REST_JSON);
	static const struct field f[] = {
		{ "Message", "Message", NULL, &text, 0, 0, 0, LOC_BODY },
		{ "RetryAfter", "RetryAfter", NULL, &number, 0, 16, 0, LOC_BODY },
	};
	static const struct shape s = {
		.name = "E", .kind = SHAPE_STRUCT, .fields = f, .fields_n = 2, .size = 32
	};
	static const struct api_error e = { "TooMany", NULL, NULL, 429, false, &s };
	call_fail(&x.c, &e, "slow %d", 1);
	call_fail_field(&x.c, "RetryAfter", STR("7"));
	codec_encode_error(&x.c, &x.reply);
	assert_int_equal(x.reply.status, 429);
	assert_str(reply_header(&x.reply, "x-amzn-errortype"), "TooMany");
	assert_str(buf_str(&x.reply.body), "{\"Message\":\"slow 1\",\"RetryAfter\":7}");
	fixture_done(&x);
}

TEST(cbor_reads_what_it_writes)
{
	struct fixture x;
	fixture_init(&x, PROTO_CBOR);
	sample(&x.m);
	codec_encode(&x.c, &send_op, &x.m, &x.reply);
	assert_string_equal(x.reply.content_type, "application/cbor");
	assert_str(reply_header(&x.reply, "smithy-protocol"), "rpc-v2-cbor");
	assert_int_equal(decode(&x, buf_str(&x.reply.body)), CALL_OK);
	assert_str(x.m.body, "q\"\n");
	assert_str(x.m.data, "hi");
	assert_int_equal(x.m.delay.v, 7);
	assert_true(x.m.flag.set && !x.m.flag.v);
	assert_true(x.m.at.ms == 1767323045678);
	assert_int_equal(x.m.numbers.v[1], -2);
	assert_str(x.m.attributes.v[0].value.type, "S");
	assert_int_equal(decode(&x, STR("\xbf\x67Unknown\xf6\x64"
					"Flag\xf5\xff")),
		CALL_OK);
	assert_true(x.m.flag.v);
	fixture_done(&x);
}

TEST(cbor_refuses_what_does_not_fit)
{
	struct fixture x;
	fixture_init(&x, PROTO_CBOR);
	static const struct str bad[] = {
		{ "\x80", 1 },
		{ "\xa1", 1 },
		{ "\xa1\x64"
		  "Flag\x01",
			7 },
		{ "\xa1\x67Numbers\xa0", 10 },
		{ "\xa1\x6bMessageBody\x42hi", 16 },
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(decode(&x, bad[i]), CALL_FAILED);
		assert_string_equal(x.c.error->code, "SerializationException");
	}
	fixture_done(&x);
}

TEST(cbor_error_envelope)
{
	struct fixture x;
	fixture_init(&x, PROTO_CBOR);
	call_fail(&x.c, &gone, "no");
	codec_encode_error(&x.c, &x.reply);
	const struct cbor *v = cbor_parse(&x.a, buf_str(&x.reply.body), 0, NULL);
	assert_str(cbor_text(cbor_get(v, STR("__type"))), "QueueDoesNotExist");
	assert_str(cbor_text(cbor_get(v, STR("message"))), "no");
	assert_str(reply_header(&x.reply, "x-amzn-query-error"),
		"AWS.SimpleQueueService.NonExistentQueue;Sender");
	fixture_done(&x);
}

TEST(json_pieces_read_what_they_write)
{
	struct fixture x;
	fixture_init(&x, PROTO_QUERY);
	struct send in = { 0 };
	struct buf b = { 0 };
	sample(&x.m);
	codec_json_write(&b, &send_shape, &x.m);
	const struct json *j = json_parse(&x.a, buf_str(&b), 0, NULL);
	assert_int_equal(codec_json_read(&x.c, &send_shape, j, &in), CALL_OK);
	assert_str(in.body, "q\"\n");
	assert_int_equal(in.attributes.n, 1);
	buf_done(&b);
	fixture_done(&x);
}

/* HANEUL_MEASURE=1 prints what one SendMessage costs. */
TEST(json_send_message_speed)
{
	struct fixture x;
	struct str body = STR("{\"QueueUrl\":\"http://127.0.0.1:4566/000000000000/"
			      "my-queue\",\"MessageBody\":\"hello, world\","
			      "\"DelaySeconds\":0,\"Attributes\":{\"a\":{\"DataType\":\"String\","
			      "\"StringValue\":\"b\"}}}");
	if (!getenv("HANEUL_MEASURE"))
		test_skip("measures only when HANEUL_MEASURE is set");
	fixture_init(&x, PROTO_JSON10);
	uint64_t start = clock_mono_us();
	const int n = 200000;
	for (int i = 0; i < n; i++) {
		arena_reset(&x.a);
		assert_int_equal(decode(&x, body), CALL_OK);
	}
	uint64_t middle = clock_mono_us();
	for (int i = 0; i < n; i++) {
		buf_clear(&x.reply.body);
		codec_encode(&x.c, &send_op, &x.m, &x.reply);
	}
	print_message("decode %.3f us, encode %.3f us\n", (double)(middle - start) / n,
		(double)(clock_mono_us() - middle) / n);
	fixture_done(&x);
}
