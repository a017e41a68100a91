/* rest-xml and S3 as they look on the wire, both ways, without the public vectors. */
#include "aws/codec_impl.h"
#include "aws/errors.h"
#include "unit.h"
#include "wire/http_server.h"

struct grantee {
	struct str type, id;
};
struct part {
	struct opt_i64 number;
	struct str etag;
};
struct list_part {
	struct part *v;
	uint32_t n;
	bool set;
};
struct upload {
	struct list_part parts;
	struct grantee *owner;
	struct list_str tags;
	struct opt_time when;
	struct opt_bool quiet;
};
struct entry {
	struct str key, value;
};
struct map_text {
	struct entry *v;
	uint32_t n;
	bool set;
};
struct input {
	struct str bucket, key, prefix, upload_id;
	struct opt_i64 max;
	struct map_text metadata;
	struct opt_time since;
	struct list_str attributes;
	struct upload *upload;
};

static const struct shape text = { .name = "Text", .kind = SHAPE_STR };
static const struct shape number = { .name = "Number", .kind = SHAPE_INT };
static const struct shape when = { .name = "When", .kind = SHAPE_TIME };
static const struct shape flag = { .name = "Flag", .kind = SHAPE_BOOL };
static const struct field grantee_fields[] = {
	{ "Type", "xsi:type", NULL, &text, FIELD_XML_ATTRIBUTE, offsetof(struct grantee, type), 0,
		LOC_BODY },
	{ "ID", "ID", NULL, &text, 0, offsetof(struct grantee, id), 0, LOC_BODY },
};
static const struct shape grantee_shape = { .name = "Grantee",
	.kind = SHAPE_STRUCT,
	.fields = grantee_fields,
	.fields_n = 2,
	.size = sizeof(struct grantee),
	.xml_prefix = "xsi",
	.xml_namespace = "http://www.w3.org/2001/XMLSchema-instance" };
static const struct field part_fields[] = {
	{ "PartNumber", "PartNumber", NULL, &number, 0, offsetof(struct part, number), 0,
		LOC_BODY },
	{ "ETag", "ETag", NULL, &text, 0, offsetof(struct part, etag), 0, LOC_BODY },
};
static const struct shape part_shape = { .name = "Part",
	.kind = SHAPE_STRUCT,
	.fields = part_fields,
	.fields_n = 2,
	.size = sizeof(struct part) };
static const struct shape parts_shape = { .kind = SHAPE_LIST,
	.value = &part_shape,
	.size = sizeof(struct part),
	.flags = FIELD_FLATTENED };
static const struct shape tags_shape = {
	.kind = SHAPE_LIST, .value = &text, .value_wire = "Tag", .size = sizeof(struct str)
};
static const struct field upload_fields[] = {
	{ "Parts", "Part", NULL, &parts_shape, 0, offsetof(struct upload, parts), 0, LOC_BODY },
	{ "Owner", "Owner", NULL, &grantee_shape, 0, offsetof(struct upload, owner), 0, LOC_BODY },
	{ "Tags", "TagSet", NULL, &tags_shape, 0, offsetof(struct upload, tags), 0, LOC_BODY },
	{ "When", "When", NULL, &when, 0, offsetof(struct upload, when), 0, LOC_BODY },
	{ "Quiet", "Quiet", NULL, &flag, 0, offsetof(struct upload, quiet), 0, LOC_BODY },
};
static const struct shape upload_shape = { .name = "CompletedMultipartUpload",
	.kind = SHAPE_STRUCT,
	.fields = upload_fields,
	.fields_n = 5,
	.size = sizeof(struct upload) };
static const struct shape metadata_shape = { .kind = SHAPE_MAP,
	.key = &text,
	.value = &text,
	.size = sizeof(struct entry),
	.value_offset = offsetof(struct entry, value) };
static const struct shape attributes_shape = {
	.kind = SHAPE_LIST, .value = &text, .size = sizeof(struct str)
};
static const struct field input_fields[] = {
	{ "Bucket", "Bucket", NULL, &text, FIELD_REQUIRED, offsetof(struct input, bucket), 0,
		LOC_URI },
	{ "Key", "Key", NULL, &text, FIELD_REQUIRED, offsetof(struct input, key), 0,
		LOC_URI_GREEDY },
	{ "Prefix", "prefix", NULL, &text, 0, offsetof(struct input, prefix), 0, LOC_QUERY },
	{ "UploadId", "uploadId", NULL, &text, 0, offsetof(struct input, upload_id), 0, LOC_QUERY },
	{ "Max", "max-keys", NULL, &number, 0, offsetof(struct input, max), 0, LOC_QUERY },
	{ "Metadata", "x-amz-meta-", NULL, &metadata_shape, 0, offsetof(struct input, metadata), 0,
		LOC_HEADERS },
	{ "Since", "If-Modified-Since", NULL, &when, 0, offsetof(struct input, since), 0,
		LOC_HEADER },
	{ "Attributes", "x-amz-object-attributes", NULL, &attributes_shape, 0,
		offsetof(struct input, attributes), 0, LOC_HEADER },
	{ "Upload", "CompleteMultipartUpload", NULL, &upload_shape, 0,
		offsetof(struct input, upload), 0, LOC_PAYLOAD },
};
static const struct shape input_shape = { .name = "In",
	.kind = SHAPE_STRUCT,
	.fields = input_fields,
	.fields_n = 9,
	.size = sizeof(struct input) };
static const struct op complete = {
	.name = "Complete", .method = "POST", .uri = "/{Bucket}/{Key+}", .in = &input_shape
};
static const struct service s3 = { .name = "s3",
	.protocols = 1 << PROTO_REST_XML,
	.xml_namespace = "http://s3.amazonaws.com/doc/2006-03-01/" };

struct fixture {
	struct arena a;
	struct call c;
	struct input in;
	struct wire_request r;
	struct wire_reply reply;
};

static void
fixture_init(struct fixture *x)
{
	memset(x, 0, sizeof(*x));
	arena_init(&x->a);
	x->c.arena = &x->a;
	x->c.service = &s3;
	x->c.protocol = PROTO_REST_XML;
	x->c.request_id = STR("REQ");
	x->c.extended_id = STR("HOST");
	x->r.path = STR("/b/k");
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
	x->r.body = body;
	memset(&x->in, 0, sizeof(x->in));
	return codec_decode(&x->c, &complete, &x->r, &x->in);
}

TEST(rest_xml_reads_every_location)
{
	struct fixture x;
	fixture_init(&x);
	struct http_header h[] = {
		{ STR("X-Amz-Meta-Color"), STR("Blue") },
		{ STR("if-modified-since"), STR("Fri, 02 Jan 2026 03:04:05 GMT") },
		{ STR("x-amz-object-attributes"), STR("ETag, \"a,\\\"b\"") },
		{ STR("X-Amz-Object-Attributes"), STR("Checksum") },
	};
	x.r.headers = h;
	x.r.headers_n = 4;
	x.r.path = STR("/my-bucket/a%20b//../c%2Fd");
	x.r.query = STR("uploadId=a%2Bb&prefix=x+y&max-keys=5.0&unknown=1");
	assert_int_equal(
		decode(&x,
			STR("<?xml version=\"1.0\"?><CompleteMultipartUpload "
			    "xmlns=\"urn:x\"><Part><ETag>\"e1\"</ETag>"
			    "<PartNumber>1</PartNumber></Part><Unknown><Part/></"
			    "Unknown><Part><PartNumber> 2 </PartNumber>"
			    "<ETag>&quot;e2&quot;</ETag></Part><Quiet>True</Quiet>"
			    "<Owner xmlns:xsi=\"u\" xsi:type=\"CanonicalUser\"><ID>7</ID></Owner>"
			    "<TagSet><Tag>a</Tag><Tag/></TagSet><When>2026-01-02T03:04:05.678Z</"
			    "When>"
			    "</CompleteMultipartUpload>")),
		CALL_OK);
	assert_str(x.in.bucket, "my-bucket");
	assert_str(x.in.key, "a b//../c/d");
	assert_str(x.in.upload_id, "a+b");
	assert_str(x.in.prefix, "x y");
	assert_int_equal(x.in.max.v, 5);
	assert_int_equal(x.in.metadata.n, 1);
	assert_str(x.in.metadata.v[0].key, "color");
	assert_str(x.in.metadata.v[0].value, "Blue");
	assert_true(x.in.since.ms == 1767323045000);
	assert_int_equal(x.in.attributes.n, 3);
	assert_str(x.in.attributes.v[1], "a,\"b");
	assert_str(x.in.attributes.v[2], "Checksum");
	assert_int_equal(x.in.upload->parts.n, 2);
	assert_int_equal(x.in.upload->parts.v[1].number.v, 2);
	assert_str(x.in.upload->parts.v[1].etag, "\"e2\"");
	assert_true(x.in.upload->quiet.set && x.in.upload->quiet.v);
	assert_str(x.in.upload->owner->type, "CanonicalUser");
	assert_int_equal(x.in.upload->tags.n, 2);
	assert_str(x.in.upload->tags.v[1], "");
	assert_true(x.in.upload->when.ms == 1767323045678);
	fixture_done(&x);
}

TEST(rest_xml_refuses_malformed_bodies)
{
	struct fixture x;
	fixture_init(&x);
	static const char *const bad[] = {
		"<CompleteMultipartUpload>",
		"<Other/>",
		"plain",
		"<CompleteMultipartUpload><Part><PartNumber>x</PartNumber></Part>"
		"</CompleteMultipartUpload>",
		"<!DOCTYPE a [<!ENTITY b \"c\">]><CompleteMultipartUpload/>",
		"<CompleteMultipartUpload><Part><PartNumber>99999999999</PartNumber></Part></"
		"CompleteMultipartUpload>",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(decode(&x, str_c(bad[i])), CALL_FAILED);
		assert_string_equal(x.c.error->code, "MalformedXML");
		assert_true(str_starts(
			x.c.error_message, STR("The XML you provided was not well-formed")));
	}
	x.r.query = STR("max-keys=many");
	assert_int_equal(decode(&x, STR("")), CALL_FAILED);
	assert_string_equal(x.c.error->code, "InvalidArgument");
	assert_int_equal(x.c.error_fields_n, 2);
	x.r.query = STR("prefix=%zz");
	assert_int_equal(decode(&x, STR("")), CALL_FAILED);
	fixture_done(&x);
}

TEST(rest_xml_empty_body_leaves_payload_absent)
{
	struct fixture x;
	fixture_init(&x);
	assert_int_equal(decode(&x, STR("")), CALL_OK);
	assert_null(x.in.upload);
	assert_int_equal(decode(&x, STR("<CompleteMultipartUpload/>")), CALL_OK);
	assert_non_null(x.in.upload);
	assert_false(x.in.upload->parts.set);
	fixture_done(&x);
}

static void
encode(struct fixture *x, const struct op *op, const void *out)
{
	wire_reply_done(&x->reply);
	memset(&x->reply, 0, sizeof(x->reply));
	codec_encode(&x->c, op, out, &x->reply);
}

static struct str
reply_header(const struct wire_reply *r, const char *name)
{
	for (unsigned i = 0; i < r->headers_n; i++)
		if (str_eq_nocase(r->headers[i][0], str_c(name)))
			return r->headers[i][1];
	return STR_NULL;
}

TEST(rest_xml_writes_root_and_namespace)
{
	struct fixture x;
	fixture_init(&x);
	struct part parts[] = { { OPT_I64(1), STR("\"a&b\"") }, { OPT_I64(2), STR_NULL } };
	struct grantee owner = { STR("CanonicalUser"), STR("7") };
	struct upload out = { .parts = { parts, 2, true },
		.owner = &owner,
		.tags = { NULL, 0, true },
		.when = OPT_TIME(1767323045000) };
	static const struct op op = {
		.name = "L", .out = &upload_shape, .root = "ListPartsResult"
	};
	encode(&x, &op, &out);
	assert_int_equal(x.reply.status, 200);
	assert_string_equal(x.reply.content_type, "application/xml");
	assert_str(buf_str(&x.reply.body),
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<ListPartsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
		"<Part><PartNumber>1</PartNumber><ETag>&quot;a&amp;b&quot;</ETag></"
		"Part><Part><PartNumber>2</PartNumber></Part>"
		"<Owner xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
		"xsi:type=\"CanonicalUser\"><ID>7</ID></Owner>"
		"<TagSet></TagSet><When>2026-01-02T03:04:05.000Z</When></ListPartsResult>");
	fixture_done(&x);
}

TEST(rest_xml_unwrapped_output_is_its_member)
{
	struct fixture x;
	fixture_init(&x);
	struct {
		struct str location;
	} out = { STR("eu-west-1") }, none = { STR_NULL };
	static const struct field f[] = { { "LocationConstraint", "LocationConstraint", NULL, &text,
		0, 0, 0, LOC_BODY } };
	static const struct shape s = {
		.name = "O", .kind = SHAPE_STRUCT, .fields = f, .fields_n = 1, .size = 16
	};
	static const struct op op = { .name = "GetBucketLocation",
		.out = &s,
		.root = "LocationConstraint",
		.flags = OP_FLAG_UNWRAPPED };
	encode(&x, &op, &out);
	assert_true(str_ends(
		buf_str(&x.reply.body), STR("<LocationConstraint "
					    "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/"
					    "\">eu-west-1</LocationConstraint>")));
	encode(&x, &op, &none);
	assert_true(str_find_str(buf_str(&x.reply.body), STR("<LocationConstraint xmlns")) > 0);
	fixture_done(&x);
}

TEST(rest_xml_headers_cannot_end_their_line)
{
	struct fixture x;
	fixture_init(&x);
	struct entry meta[] = { { STR("ok"), STR("a\r\nb") }, { STR("bad name"), STR("x") } };
	struct input out = { .metadata = { meta, 2, true }, .since = OPT_TIME(1767323045000) };
	struct str attributes[] = { STR("a"), STR("b,c") };
	out.attributes = (struct list_str){ attributes, 2, true };
	static const struct op op = { .name = "Head", .out = &input_shape, .status = 206 };
	encode(&x, &op, &out);
	assert_int_equal(x.reply.status, 206);
	assert_str(reply_header(&x.reply, "x-amz-meta-ok"), "a  b");
	assert_null(reply_header(&x.reply, "x-amz-meta-bad name").p);
	assert_str(reply_header(&x.reply, "If-Modified-Since"), "Fri, 02 Jan 2026 03:04:05 GMT");
	assert_str(reply_header(&x.reply, "x-amz-object-attributes"), "a, \"b,c\"");
	fixture_done(&x);
}

TEST(rest_xml_streams_pass_the_body_on)
{
	struct fixture x;
	fixture_init(&x);
	static const struct shape body_shape = { .name = "Body", .kind = SHAPE_BODY };
	static const struct field f[] = { { "Body", "Body", NULL, &body_shape, 0, 0, 0,
		LOC_PAYLOAD } };
	static const struct shape s = {
		.name = "P", .kind = SHAPE_STRUCT, .fields = f, .fields_n = 1, .size = 8
	};
	static const struct op op = {
		.name = "P", .method = "PUT", .uri = "/{Bucket}", .in = &s, .out = &s
	};
	struct body body = { .size = 3 };
	struct body *got = NULL;
	x.r.stream = &body;
	assert_int_equal(codec_decode(&x.c, &op, &x.r, &got), CALL_OK);
	assert_ptr_equal(got, &body);
	encode(&x, &op, &got);
	assert_ptr_equal(x.reply.stream, &body);
	assert_int_equal(x.reply.body.len, 0);
	fixture_done(&x);
}

TEST(s3_error_envelope)
{
	struct fixture x;
	fixture_init(&x);
	static const struct api_error no_key = { "NoSuchKey", NULL,
		"The specified key does not exist.", 404, false, NULL };
	call_fail(&x.c, &no_key, NULL);
	call_fail_field(&x.c, "Key", STR("a<b"));
	codec_encode_error(&x.c, &x.reply);
	assert_int_equal(x.reply.status, 404);
	assert_string_equal(x.reply.content_type, "application/xml");
	assert_str(buf_str(&x.reply.body),
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchKey</Code>"
		"<Message>The specified key does not exist.</Message><Key>a&lt;b</Key>"
		"<RequestId>REQ</RequestId><HostId>HOST</HostId></Error>");
	wire_reply_done(&x.reply);
	memset(&x.reply, 0, sizeof(x.reply));
	x.c.method = STR("HEAD");
	codec_encode_error(&x.c, &x.reply);
	assert_int_equal(x.reply.body.len, 0);
	assert_null(x.reply.content_type);
	/* The reply had begun: 200 with an error inside. */
	x.c.method = STR("POST");
	x.c.status = 200;
	codec_encode_error(&x.c, &x.reply);
	assert_int_equal(x.reply.status, 200);
	assert_true(x.reply.body.len > 0);
	fixture_done(&x);
}

TEST(xml_pieces_read_what_they_write)
{
	struct fixture x;
	fixture_init(&x);
	struct part parts[] = { { OPT_I64(1), STR("e") } };
	struct upload out = { .parts = { parts, 1, true } }, in = { 0 };
	struct buf b = { 0 };
	codec_xml_write(&b, &upload_shape, "Doc", &out);
	assert_str(buf_str(&b), "<Doc><Part><PartNumber>1</PartNumber><ETag>e</ETag></Part></Doc>");
	assert_int_equal(codec_xml_read(&x.c, &upload_shape, buf_str(&b), &in), CALL_OK);
	assert_int_equal(in.parts.n, 1);
	buf_done(&b);
	fixture_done(&x);
}
