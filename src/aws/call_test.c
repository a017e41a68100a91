#include "aws/call.h"
#include "aws/errors.h"
#include "unit.h"
#include "wire/http_server.h"

static const struct service s3 = { .name = "s3" }, sqs = { .name = "sqs" },
			    cdn = { .name = "cloudfront" };

static const char *
code_for(enum protocol p, const struct service *s, const struct api_error *e, int *ret_status)
{
	struct call c = { .protocol = p, .service = s };
	const struct api_error *v = error_variant(&c, e);
	*ret_status = v->status;
	return v->code;
}

TEST(error_variant_follows_protocol_and_service)
{
	static const struct {
		enum protocol p;
		const struct service *s;
		const struct api_error *e;
		const char *code;
		int status;
	} t[] = {
		{ PROTO_QUERY, &sqs, &ERR_SignatureDoesNotMatch, "SignatureDoesNotMatch", 403 },
		{ PROTO_EC2, NULL, &ERR_SignatureDoesNotMatch, "AuthFailure", 401 },
		{ PROTO_JSON10, &sqs, &ERR_SignatureDoesNotMatch, "InvalidSignatureException",
			400 },
		{ PROTO_CBOR, NULL, &ERR_SignatureDoesNotMatch, "InvalidSignatureException", 400 },
		{ PROTO_REST_JSON, NULL, &ERR_SignatureDoesNotMatch, "InvalidSignatureException",
			403 },
		{ PROTO_REST_XML, &s3, &ERR_SignatureDoesNotMatch, "SignatureDoesNotMatch", 403 },
		{ PROTO_REST_XML, &s3, &ERR_InvalidClientTokenId, "InvalidAccessKeyId", 403 },
		{ PROTO_REST_XML, &cdn, &ERR_InvalidClientTokenId, "InvalidClientTokenId", 403 },
		{ PROTO_JSON11, NULL, &ERR_InvalidClientTokenId, "UnrecognizedClientException",
			400 },
		{ PROTO_REST_XML, &s3, &ERR_SerializationException, "MalformedXML", 400 },
		{ PROTO_QUERY, NULL, &ERR_SerializationException, "MalformedQueryString", 400 },
		{ PROTO_JSON10, NULL, &ERR_AccessDenied, "AccessDeniedException", 400 },
		{ PROTO_EC2, NULL, &ERR_AccessDenied, "UnauthorizedOperation", 403 },
		{ PROTO_REST_XML, NULL, &ERR_Throttling, "SlowDown", 503 },
	};
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		int status;
		assert_string_equal(code_for(t[i].p, t[i].s, t[i].e, &status), t[i].code);
		assert_int_equal(status, t[i].status);
	}
	struct api_error own = { .code = "Own" };
	struct call c = { .protocol = PROTO_EC2 };
	assert_ptr_equal(error_variant(&c, &own), &own);
}

TEST(call_fail_takes_variant_and_sentence)
{
	struct arena a;
	arena_init(&a);
	struct call c = { .arena = &a, .protocol = PROTO_REST_XML, .service = &s3 };
	assert_int_equal(call_fail(&c, &ERR_SignatureDoesNotMatch, NULL), CALL_FAILED);
	assert_true(str_starts(c.error_message, STR("The request signature we calculated")));
	assert_int_equal(call_fail(&c, &ERR_AccessDenied, "no %s", "way"), CALL_FAILED);
	assert_str(c.error_message, "no way");
	assert_int_equal(call_fail_field(&c, "BucketName", STR("b")), CALL_FAILED);
	assert_int_equal(c.error_fields_n, 1);
	assert_str(c.error_fields[0][1], "b");
	arena_done(&a);
}

TEST(call_header_cleans_and_replaces)
{
	struct arena a;
	arena_init(&a);
	struct call c = { .arena = &a };
	call_header(&c, "x-a", STR("1"));
	call_header(&c, "X-A", STR("2\r\nset-cookie: x"));
	assert_int_equal(c.reply_headers_n, 1);
	assert_str(c.reply_headers[0][1], "2  set-cookie: x");
	arena_done(&a);
}

TEST(call_looks_up_headers_and_parameters)
{
	struct arena a;
	arena_init(&a);
	struct http_header h[] = { { STR("X-Amz-Date"), STR("d") } };
	struct call c = { .arena = &a, .headers = h, .headers_n = 1 };
	assert_str(call_request_header(&c, STR("x-amz-date")), "d");
	assert_null(call_request_header(&c, STR("x-amz-dat")).p);
	assert_null(call_query_param(&c, STR("a")).p);
	c.query = STR("acl&pre%66ix=a%2Fb+c&x=1=2");
	assert_str(call_query_param(&c, STR("acl")), "");
	assert_str(call_query_param(&c, STR("prefix")), "a/b c");
	assert_str(call_query_param(&c, STR("x")), "1=2");
	assert_null(call_query_param(&c, STR("p")).p);
	arena_done(&a);
}
