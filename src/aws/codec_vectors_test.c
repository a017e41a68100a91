/*
 * The public protocol vectors, run against the codecs: what a client sends must be understood, and
 * what is replied must be what a client reads. A reply need not equal the vector byte for byte, so
 * the same reader first proves itself on the vector's own reply, then reads ours.
 */
#include "aws/codec_impl.h"
#include "aws/codec_model_test.h"
#include "aws/codec_route.h"
#include "base/cbor.h"
#include "base/text.h"
#include "base/xml.h"
#include "unit.h"
#include "wire/http_server.h"

#include <stdio.h>

struct left_out {
	const char *id, *why;
};

/* Vectors that say nothing about a server, each with its reason. */
static const struct left_out left_out[] = {
#define COMPRESSES "the client compresses; the vector has no body to read"
	{ "SDKAppliedContentEncoding_ec2Query", COMPRESSES },
	{ "SDKAppendsGzipAndIgnoresHttpProvidedEncoding_ec2Query", COMPRESSES },
	{ "SDKAppliedContentEncoding_awsQuery", COMPRESSES },
	{ "SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsQuery", COMPRESSES },
	{ "SDKAppliedContentEncoding_awsJson1_0", COMPRESSES },
	{ "SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsJson1_0", COMPRESSES },
	{ "SDKAppliedContentEncoding_awsJson1_1", COMPRESSES },
	{ "SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsJson1_1", COMPRESSES },
	{ "SDKAppliedContentEncoding_restJson1", COMPRESSES },
	{ "SDKAppendedGzipAfterProvidedEncoding_restJson1", COMPRESSES },
	{ "SDKAppliedContentEncoding_restXml", COMPRESSES },
	{ "SDKAppendedGzipAfterProvidedEncoding_restXml", COMPRESSES },
	{ "RestJsonHostWithPath", "the path prefix is the client's own endpoint setting" },
	{ "RestJsonQueryPrecedence", "which of two values the client sends is its own affair" },
	{ "RestXmlQueryPrecedence", "which of two values the client sends is its own affair" },
	{ "RestJsonDeserializesDenseSetMapAndSkipsNull", "a null that this server never sends" },
	{ "RpcV2CborDeserializesDenseSetMapAndSkipsNull", "a null that this server never sends" },
	{ NULL, NULL },
};

static unsigned run_n, left_n, failed_n;

static bool
is_left_out(struct str id)
{
	for (const struct left_out *l = left_out; l->id; l++)
		if (str_eq(id, str_c(l->id))) {
			print_message("left out: %s: %s\n", l->id, l->why);
			return true;
		}
	return false;
}

struct vector {
	struct arena a;
	struct model m;
	struct service service;
	struct op op;
	struct call call;
	struct api_error error;
	const struct json *one; /* the case */
	struct str id;
	const char *file;
};

static void
vector_failed(struct vector *v, const char *what, const char *why)
{
	failed_n++;
	print_error("%s %.*s: %s: %s\n", v->file, STR_FMT(v->id), what, why);
}

static enum protocol
protocol_of(const struct json *metadata)
{
	struct str p = json_get_text(metadata, STR("protocol"));
	if (str_is(p, "query"))
		return PROTO_QUERY;
	if (str_is(p, "ec2"))
		return PROTO_EC2;
	if (str_is(p, "rest-json"))
		return PROTO_REST_JSON;
	if (str_is(p, "rest-xml"))
		return PROTO_REST_XML;
	if (str_is(p, "json"))
		return str_is(json_get_text(metadata, STR("jsonVersion")), "1.1") ? PROTO_JSON11
										  : PROTO_JSON10;
	assert_true(str_is(p, "smithy-rpc-v2-cbor"));
	return PROTO_CBOR;
}

static void
vector_init(struct vector *v, const char *file, const struct json *suite, const struct json *one)
{
	const struct json *metadata = json_get_lit(suite, "metadata"),
			  *given = json_get_lit(one, "given");
	const struct json *http = json_get_lit(given, "http");
	int64_t status;
	memset(v, 0, sizeof(*v));
	arena_init(&v->a);
	v->file = file;
	v->one = one;
	v->id = json_get_text(one, STR("id"));
	v->service.name = "vectors";
	v->service.protocol = (uint8_t)protocol_of(metadata);
	v->service.protocols = (uint8_t)(1 << v->service.protocol);
	v->service.query_compatible = json_get_lit(metadata, "awsQueryCompatible") != NULL;
	v->service.ops = &v->op;
	v->service.ops_n = 1;
	v->call.arena = &v->a;
	v->call.service = &v->service;
	v->call.op = &v->op;
	v->call.protocol = v->service.protocol;
	v->call.request_id = STR("request-id");
	v->m.a = &v->a;
	v->m.shapes = json_get_lit(suite, "shapes");
	v->m.call = &v->call;
	v->op.name = arena_cstr(&v->a, json_get_text(given, STR("name")));
	v->op.method = arena_cstr(&v->a, json_get_text(http, STR("method")));
	v->op.uri = arena_cstr(&v->a, json_get_text(http, STR("requestUri")));
	if (json_i64(json_get_lit(http, "responseCode"), &status))
		v->op.status = (uint16_t)status;
}

static const struct shape *
shape_for(struct vector *v, const char *direction)
{
	const struct json *ref = json_get(json_get_lit(v->one, "given"), str_c(direction));
	return ref ? model_shape(&v->m, json_get_text(ref, STR("shape"))) : NULL;
}

static struct str
body_of(struct vector *v, const struct json *j)
{
	struct str body = json_get_text(j, STR("body"));
	if (v->call.protocol == PROTO_CBOR && body.len)
		return base64_bytes(&v->a, body, BASE64_LENIENT);
	return body.p ? body : STR("");
}

static void
headers_of(struct vector *v, const struct json *j, struct wire_request *r)
{
	const struct json *h = json_get_lit(j, "headers");
	struct http_header *list = arena_array(&v->a, struct http_header, h ? h->n : 0);
	for (uint32_t i = 0; h && i < h->n; i++)
		list[i] =
			(struct http_header){ h->members[i].key, json_text(&h->members[i].value) };
	r->headers = list;
	r->headers_n = h ? h->n : 0;
}

static size_t
slot_bytes(const struct shape *s)
{
	return s->kind == SHAPE_STRUCT || s->kind == SHAPE_UNION || s->kind == SHAPE_DOCUMENT ? 8
											      : 16;
}

static bool
is_rest(const struct vector *v)
{
	return v->call.protocol == PROTO_REST_JSON || v->call.protocol == PROTO_REST_XML;
}

static void
input_run(struct vector *v)
{
	const struct json *sent = json_get_lit(v->one, "serialized"),
			  *params = json_get_lit(v->one, "params");
	struct wire_request r = { 0 };
	struct str uri = json_get_text(sent, STR("uri"));
	r.method = json_get_text(sent, STR("method"));
	r.path = str_cut(&uri, '?');
	r.query = uri;
	r.body = body_of(v, sent);
	headers_of(v, sent, &r);
	v->op.in = shape_for(v, "input");
	if (is_rest(v)) {
		struct route_table *t = route_table_new(&v->service);
		if (route_table_find(t, r.method, r.path, r.query) != &v->op)
			vector_failed(v, "route", "no operation found");
		route_table_free(t);
	}
	if (!v->op.in)
		return;
	void *in = arena_alloc(&v->a, v->op.in->size);
	if (codec_decode(&v->call, &v->op, &r, in) != CALL_OK) {
		vector_failed(v, "decode", arena_cstr(&v->a, v->call.error_message));
		return;
	}
	const char *why = model_differs(&v->m, v->op.in, params, in, false);
	if (why)
		vector_failed(v, "decode", why);
}

/* A client's reading of a reply: the request readers, turned round. NULL: malformed. */
static void *
reply_read(struct vector *v, const struct shape *s, const struct wire_request *r, int status)
{
	void *out = arena_alloc(&v->a, s->size);
	struct field wrapped = { .name = "r", .wire = "r", .shape = s, .location = LOC_BODY };
	struct shape wrapper = { .name = "wrapper",
		.kind = SHAPE_STRUCT,
		.fields = &wrapped,
		.fields_n = 1,
		.size = 8 };
	struct op turned = { .name = v->op.name, .in = s, .uri = "/" };
	struct codec d;
	if (is_rest(v)) {
		struct wire_request reply = *r;
		reply.path = STR("/");
		codec_init(&d, &v->call, v->call.protocol, NULL);
		d.reply = true;
		if (codec_rest_decode(&d, &turned, &reply, out) != CALL_OK)
			return NULL;
		for (uint16_t i = 0; i < s->fields_n; i++)
			if (s->fields[i].location == LOC_STATUS)
				slot_set_i64(slot_of(out, &s->fields[i]), SLOT_MEMBER, status);
		return out;
	}
	if (v->call.protocol == PROTO_CBOR || v->call.protocol == PROTO_JSON10 ||
		v->call.protocol == PROTO_JSON11)
		return codec_decode(&v->call, &turned, r, out) == CALL_OK ? out : NULL;
	codec_init(&d, &v->call, v->call.protocol, NULL);
	if (!r->body.len)
		return out;
	if (!v->op.result_wrapper || v->call.protocol == PROTO_EC2)
		return codec_xml_body(&d, s, NULL, r->body, out) == 0 ? out : NULL;
	wrapped.wire = v->op.result_wrapper;
	void *base = NULL;
	if (codec_xml_body(&d, &wrapper, NULL, r->body, &base))
		return NULL;
	return base ? base : out;
}

static struct wire_request
reply_as_request(struct vector *v, const struct wire_reply *reply)
{
	struct wire_request r = { .body = buf_str(&reply->body) };
	struct http_header *list = arena_array(&v->a, struct http_header, reply->headers_n);
	for (unsigned i = 0; i < reply->headers_n; i++)
		list[i] = (struct http_header){ reply->headers[i][0], reply->headers[i][1] };
	r.headers = list;
	r.headers_n = reply->headers_n;
	return r;
}

static const char *
reply_differs(struct vector *v, const struct shape *s, const struct json *want,
	const struct wire_request *r, int status)
{
	void *got = reply_read(v, s, r, status);
	if (!got)
		return arena_printf(&v->a, "unreadable: %.*s", STR_FMT(v->call.error_message)).p;
	return model_differs(&v->m, s, want, got, false);
}

static void
output_run(struct vector *v)
{
	const struct json *response = json_get_lit(v->one, "response"),
			  *result = json_get_lit(v->one, "result");
	struct wire_reply reply = { 0 };
	struct wire_request theirs = { .body = body_of(v, response) };
	int64_t status = 200;
	json_i64(json_get_lit(response, "status_code"), &status);
	headers_of(v, response, &theirs);
	v->op.out = shape_for(v, "output");
	/* The vectors do not say which replies are wrapped, but show it. */
	struct str wrapper = arena_printf(&v->a, "<%sResult", v->op.name);
	if (v->call.protocol == PROTO_QUERY && str_find_str(theirs.body, wrapper) >= 0)
		v->op.result_wrapper = wrapper.p + 1;
	if (!v->op.out) {
		codec_encode(&v->call, &v->op, NULL, &reply);
		if (reply.status != status)
			vector_failed(v, "encode", "other status");
		wire_reply_done(&reply);
		return;
	}
	const char *why = reply_differs(v, v->op.out, result, &theirs, (int)status);
	if (why)
		vector_failed(v, "reading the vector", why);
	void *out = arena_alloc(&v->a, v->op.out->size);
	model_fill(&v->m, v->op.out, result, out, false);
	codec_encode(&v->call, &v->op, out, &reply);
	struct wire_request ours = reply_as_request(v, &reply);
	why = reply_differs(v, v->op.out, result, &ours, reply.status);
	if (why) {
		vector_failed(v, "reading our reply", why);
		print_error("  %.*s\n", STR_FMT(ours.body));
	}
	if (reply.status != status)
		vector_failed(v, "encode", "other status");
	wire_reply_done(&reply);
}

/* The code that a client makes of an error reply, as the SDKs do. */
static struct str
error_code_read(struct vector *v, const struct wire_request *r)
{
	struct str code = STR_NULL;
	for (unsigned i = 0; i < r->headers_n; i++) {
		struct str value = r->headers[i].value;
		if (str_eq_nocase(r->headers[i].name, STR("x-amzn-query-error")))
			return str_cut(&value, ';');
		if (str_eq_nocase(r->headers[i].name, STR("x-amzn-errortype")))
			code = value;
	}
	if (v->call.protocol == PROTO_CBOR) {
		code = cbor_text(cbor_get(cbor_parse(&v->a, r->body, 0, NULL), STR("__type")));
	} else if (v->call.protocol == PROTO_QUERY || v->call.protocol == PROTO_EC2 ||
		   v->call.protocol == PROTO_REST_XML) {
		const struct xml *x = xml_parse(&v->a, r->body, 0, NULL);
		const struct xml *errors = xml_child(x, STR("Errors"));
		code = xml_child_text(xml_child(errors ? errors : x, STR("Error")), STR("Code"));
	} else if (!code.p) {
		const struct json *j = json_parse(&v->a, r->body, 0, NULL);
		code = json_get_text(j, STR("__type"));
		if (!code.p)
			code = json_get_text(j, STR("code"));
	}
	long hash = str_find(code, '#');
	if (hash >= 0)
		code = str_slice(code, (size_t)hash + 1, code.len);
	return str_cut(&code, ':');
}

/* The members of an error: inside <Error> in the XML forms, at the top in the others. */
static const char *
error_differs(struct vector *v, const struct shape *s, const struct json *want,
	const struct wire_request *r)
{
	struct wire_request whole = *r;
	struct field inner = { .name = "Error", .wire = "Error", .shape = s, .location = LOC_BODY };
	struct shape error = {
		.name = "e", .kind = SHAPE_STRUCT, .fields = &inner, .fields_n = 1, .size = 8
	};
	struct field outer = {
		.name = "Errors", .wire = "Errors", .shape = &error, .location = LOC_BODY
	};
	struct shape errors = {
		.name = "es", .kind = SHAPE_STRUCT, .fields = &outer, .fields_n = 1, .size = 8
	};
	void *out = NULL;
	struct codec d;
	codec_init(&d, &v->call, v->call.protocol, NULL);
	switch (v->call.protocol) {
	case PROTO_EC2:
		if (codec_xml_body(&d, &errors, NULL, r->body, &out))
			return "unreadable";
		out = *(void **)out;
		break;
	case PROTO_QUERY:
		if (codec_xml_body(&d, &error, NULL, r->body, &out))
			return "unreadable";
		break;
	case PROTO_REST_XML: {
		/* Headers from the reply, members from inside <Error>. */
		void *body = NULL;
		d.rest = false;
		if (codec_xml_body(&d, &error, NULL, r->body, &body))
			return "unreadable";
		whole.body = STR("");
		out = reply_read(v, s, &whole, 0);
		for (uint16_t i = 0; out && i < s->fields_n; i++)
			if (s->fields[i].location == LOC_BODY)
				memcpy(slot_of(out, &s->fields[i]), slot_of(body, &s->fields[i]),
					slot_bytes(s->fields[i].shape));
		break;
	}
	default:
		out = reply_read(v, s, r, 0);
	}
	return out ? model_differs(&v->m, s, want, out, false) : "unreadable";
}

static void
error_shape_find(struct vector *v)
{
	const struct json *ref = json_at(json_get_lit(json_get_lit(v->one, "given"), "errors"), 0);
	struct str name = json_get_text(ref, STR("shape"));
	const struct json *more = json_get_lit(json_get(v->m.shapes, name), "error");
	int64_t status;
	bool fault = false;
	assert_true(
		json_i64(json_get_lit(json_get_lit(v->one, "response"), "status_code"), &status));
	json_bool(json_get_lit(json_get(v->m.shapes, name), "fault"), &fault);
	v->error.shape = model_shape(&v->m, name);
	v->error.code = v->error.shape->name;
	v->error.query_code = json_get_lit(more, "code")
				      ? arena_cstr(&v->a, json_get_text(more, STR("code")))
				      : NULL;
	v->error.status = (uint16_t)status;
	v->error.receiver = fault;
}

static void
error_run(struct vector *v)
{
	const struct json *response = json_get_lit(v->one, "response"),
			  *want = json_get_lit(v->one, "error");
	struct wire_request theirs = { .body = body_of(v, response) };
	struct wire_reply reply = { 0 };
	struct str code = json_get_text(v->one, STR("errorCode")),
		   message = json_get_text(v->one, STR("errorMessage"));
	headers_of(v, response, &theirs);
	error_shape_find(v);
	if (!str_eq(error_code_read(v, &theirs), code))
		vector_failed(v, "reading the vector's code",
			arena_cstr(&v->a, error_code_read(v, &theirs)));
	void *detail = arena_alloc(&v->a, v->error.shape->size);
	model_fill(&v->m, v->error.shape, want, detail, false);
	if (message.p)
		call_fail(&v->call, &v->error, "%.*s", STR_FMT(message));
	else
		call_fail(&v->call, &v->error, NULL);
	v->call.error_detail = detail;
	codec_encode_error(&v->call, &reply);
	struct wire_request ours = reply_as_request(v, &reply);
	const char *why = error_differs(v, v->error.shape, want, &ours);
	if (!str_eq(error_code_read(v, &ours), code))
		vector_failed(v, "code", arena_cstr(&v->a, error_code_read(v, &ours)));
	if (why)
		vector_failed(v, "reading our error", why);
	if (reply.status != v->error.status)
		vector_failed(v, "error", "other status");
	wire_reply_done(&reply);
}

static void
print_totals(const char *what)
{
	print_message("vectors: %u run, %u left out (%s)\n", run_n, left_n, what);
	assert_int_equal(failed_n, 0);
}

static struct str
file_read(struct arena *a, const char *path)
{
	FILE *f = fopen(path, "rb");
	if (!f)
		return STR_NULL;
	fseek(f, 0, SEEK_END);
	size_t n = (size_t)ftell(f);
	rewind(f);
	char *p = arena_alloc_raw(a, n + 1);
	n = fread(p, 1, n, f);
	fclose(f);
	return str_of(p, n);
}

static void
file_run(const char *direction, const char *name)
{
	struct arena a;
	arena_init(&a);
	char path[400];
	snprintf(
		path, sizeof(path), "%s/protocols/%s/%s.json", unit_vectors_dir(), direction, name);
	struct str text = file_read(&a, path);
	assert_non_null(text.p);
	const struct json *suites = json_parse(&a, text, 0, NULL);
	assert_non_null(suites);
	for (uint32_t i = 0; i < suites->n; i++) {
		const struct json *cases = json_get_lit(&suites->items[i], "cases");
		for (uint32_t k = 0; k < cases->n; k++) {
			struct vector v;
			vector_init(&v, name, &suites->items[i], &cases->items[k]);
			if (is_left_out(v.id)) {
				left_n++;
			} else {
				run_n++;
				if (strcmp(direction, "input") == 0)
					input_run(&v);
				else if (json_get_lit(v.one, "error"))
					error_run(&v);
				else
					output_run(&v);
			}
			arena_done(&v.a);
		}
	}
	arena_done(&a);
}

static const char *const files[] = {
	"ec2",
	"json",
	"json_1_0-query-compatible",
	"json_1_0",
	"query",
	"rest-json",
	"rest-xml",
	"smithy-rpc-v2-cbor-non-query-compatible",
	"smithy-rpc-v2-cbor-query-compatible",
	"smithy-rpc-v2-cbor",
};

static void
direction_run(const char *direction)
{
	if (!unit_vectors_dir())
		test_skip("the folder of public vectors is not there");
	run_n = left_n = failed_n = 0;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		file_run(direction, files[i]);
	print_totals(direction);
}

TEST(protocol_vectors_input)
{
	direction_run("input");
}

TEST(protocol_vectors_output)
{
	direction_run("output");
}
