#include "aws/sigv4_internal.h"
#include "base/digest.h"
#include "unit.h"

#include <stdio.h>

#define SECRET STR("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
#define DOC_MS 1369353600000 /* 20130524T000000Z */
#define DAY_MS 86400000

/* A request, verified with the secret of AWS's documentation; what varies is set before `check`. */
struct bench {
	struct arena a;
	struct http_header headers[16];
	struct sigv4_request r;
	struct credential c;
	struct sigv4_expect e;
	enum sigv4_style style;
	struct sigv4_auth auth;
	struct sigv4_failure f;
};

static void
bench_init(struct bench *b, const char *method, const char *path, const char *query)
{
	memset(b, 0, sizeof(*b));
	arena_init(&b->a);
	b->r = (struct sigv4_request){ str_c(method), str_c(path), query ? str_c(query) : STR_NULL,
		b->headers, 0 };
	b->c = (struct credential){ .access_key = STR("AKIAIOSFODNN7EXAMPLE"),
		.secret = SECRET,
		.account = STR("123456789012") };
	b->e = (struct sigv4_expect){ .real_ms = DOC_MS, .virtual_ms = DOC_MS };
}

static void
header(struct bench *b, const char *name, const char *value)
{
	b->headers[b->r.headers_n++] = (struct http_header){ str_c(name), str_c(value) };
}

static int
check(struct bench *b)
{
	int r = sigv4_parse(&b->r, b->style, &b->a, &b->auth, &b->f);
	return r ? r : sigv4_verify(&b->r, &b->auth, &b->c, &b->e, &b->a, &b->f);
}

static struct str
field(const struct bench *b, const char *name)
{
	for (unsigned i = 0; i < b->f.fields_n; i++)
		if (str_eq(b->f.fields[i][0], str_c(name)))
			return b->f.fields[i][1];
	return STR_NULL;
}

/* A signed S3 GET that is good; the tests spoil one thing. */
static void
good_get(struct bench *b)
{
	bench_init(b, "GET", "/test.txt", NULL);
	header(b, "Host", "examplebucket.s3.amazonaws.com");
	header(b, "Range", "bytes=0-9");
	header(b, "x-amz-content-sha256", SIGV4_EMPTY_SHA256);
	header(b, "x-amz-date", "20130524T000000Z");
	header(b, "Authorization",
		"AWS4-HMAC-SHA256 "
		"Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
		"SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
		"Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

static const char presigned[] = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="
				"AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-"
				"Amz-Date=20130524T000000Z"
				"&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature="
				"aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";

static void
good_presigned(struct bench *b)
{
	bench_init(b, "GET", "/test.txt", presigned);
	header(b, "Host", "examplebucket.s3.amazonaws.com");
}

TEST(sigv4_documented_get)
{
	struct bench b;
	good_get(&b);
	assert_int_equal(check(&b), 0);
	assert_int_equal(b.auth.form, SIGV4_HEADER);
	assert_int_equal(b.auth.payload, SIGV4_PAYLOAD_HASH);
	assert_str(b.auth.access_key, "AKIAIOSFODNN7EXAMPLE");
	assert_str(b.auth.region, "us-east-1");
	assert_str(b.auth.service, "s3");
	unsigned char hash[32];
	sha256(STR(""), hash);
	assert_int_equal(sigv4_body_matches(&b.auth, hash, &b.a, &b.f), 0);
	sha256(STR("x"), hash);
	assert_int_not_equal(sigv4_body_matches(&b.auth, hash, &b.a, &b.f), 0);
	assert_string_equal(b.f.error->code, "XAmzContentSHA256Mismatch");
	assert_str(field(&b, "ClientComputedContentSHA256"), SIGV4_EMPTY_SHA256);
	arena_done(&b.a);
}

/* A Date header instead of x-amz-date, a path with '$', encoded by the client or not. */
TEST(sigv4_documented_put)
{
	static const char *const paths[] = { "/test$file.text", "/test%24file.text" };
	for (int i = 0; i < 2; i++) {
		struct bench b;
		bench_init(&b, "PUT", paths[i], NULL);
		header(&b, "Host", "examplebucket.s3.amazonaws.com");
		header(&b, "Date", "Fri, 24 May 2013 00:00:00 GMT");
		header(&b, "x-amz-storage-class", "REDUCED_REDUNDANCY");
		header(&b, "x-amz-content-sha256",
			"44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072");
		header(&b, "x-amz-date", "20130524T000000Z");
		header(&b, "Authorization",
			"AWS4-HMAC-SHA256 "
			"Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
			"SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-"
			"class, "
			"Signature="
			"98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
		assert_int_equal(check(&b), 0);
		arena_done(&b.a);
	}
}

TEST(sigv4_documented_lists)
{
	struct bench b;
	bench_init(&b, "GET", "/", "max-keys=2&prefix=J");
	header(&b, "Host", "examplebucket.s3.amazonaws.com");
	header(&b, "x-amz-content-sha256", SIGV4_EMPTY_SHA256);
	header(&b, "x-amz-date", "20130524T000000Z");
	header(&b, "Authorization",
		"AWS4-HMAC-SHA256 "
		"Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
		"SignedHeaders=host;x-amz-content-sha256;x-amz-date,"
		"Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
	assert_int_equal(check(&b), 0);
	b.r.query = STR("prefix=J&max-keys=2");
	assert_int_equal(check(&b), 0);
	b.r.query = STR("prefix=K&max-keys=2");
	assert_int_not_equal(check(&b), 0);
	arena_done(&b.a);
}

TEST(sigv4_documented_presigned)
{
	struct bench b;
	good_presigned(&b);
	assert_int_equal(check(&b), 0);
	assert_int_equal(b.auth.form, SIGV4_QUERY);
	assert_int_equal(b.auth.payload, SIGV4_PAYLOAD_UNSIGNED);
	assert_int_equal(b.auth.expires_s, 86400);
	b.e.real_ms = b.e.virtual_ms = DOC_MS + DAY_MS;
	assert_int_equal(check(&b), 0);
	b.e.real_ms = b.e.virtual_ms = DOC_MS + DAY_MS + 1;
	assert_int_not_equal(check(&b), 0);
	assert_ptr_equal(b.f.error, &ERR_RequestExpired);
	assert_str(field(&b, "X-Amz-Expires"), "86400");
	assert_str(field(&b, "Expires"), "2013-05-25T00:00:00Z");
	/* Also for the keys whose secret does not matter. */
	b.c.any_secret = true;
	assert_int_not_equal(check(&b), 0);
	b.c.any_secret = false;
	/* In time by one of the clocks is in time. */
	b.e.virtual_ms = DOC_MS + 5;
	assert_int_equal(check(&b), 0);
	b.e.real_ms = b.e.virtual_ms = DOC_MS - SIGV4_SKEW_MS - 1;
	assert_int_not_equal(check(&b), 0);
	arena_done(&b.a);
}

TEST(sigv4_mismatch_tells_what_was_computed)
{
	struct bench b;
	good_get(&b);
	b.headers[1].value = STR("bytes=0-8");
	assert_int_not_equal(check(&b), 0);
	assert_ptr_equal(b.f.error, &ERR_SignatureDoesNotMatch);
	assert_false(b.auth.verified);
	assert_str(field(&b, "AWSAccessKeyId"), "AKIAIOSFODNN7EXAMPLE");
	assert_true(str_starts(field(&b, "StringToSign"),
		STR("AWS4-HMAC-SHA256\n20130524T000000Z\n20130524/us-east-1/s3/aws4_request\n")));
	assert_true(str_starts(field(&b, "CanonicalRequest"),
		STR("GET\n/test.txt\n\nhost:examplebucket.s3.amazonaws.com\nrange:bytes=0-8\n")));
	assert_true(str_starts(field(&b, "CanonicalRequestBytes"), STR("47 45 54 0a 2f ")));
	b.style = SIGV4_STYLE_JSON;
	assert_int_not_equal(check(&b), 0);
	assert_true(
		str_find_str(b.f.message,
			STR("The Canonical String for this request should have been\n'GET\n")) > 0);
	arena_done(&b.a);
}

TEST(sigv4_every_byte_counts)
{
	struct bench b;
	good_get(&b);
	b.r.method = STR("HEAD");
	assert_int_not_equal(check(&b), 0);
	b.r.method = STR("GET");
	b.r.path = STR("/test.txt/");
	assert_int_not_equal(check(&b), 0);
	b.r.path = STR("//test.txt");
	assert_int_not_equal(check(&b), 0);
	b.r.path = STR("/x/../test.txt"); /* S3 does not normalise */
	assert_int_not_equal(check(&b), 0);
	b.r.path = STR("/test.txt");
	b.r.query = STR("acl");
	assert_int_not_equal(check(&b), 0);
	b.r.query = STR_NULL;
	b.headers[2].value = STR("UNSIGNED-PAYLOAD");
	assert_int_not_equal(check(&b), 0);
	arena_done(&b.a);
}

TEST(sigv4_clock_skew)
{
	struct bench b;
	good_get(&b);
	b.e.real_ms = b.e.virtual_ms = DOC_MS + SIGV4_SKEW_MS;
	assert_int_equal(check(&b), 0);
	b.e.real_ms = b.e.virtual_ms = DOC_MS + SIGV4_SKEW_MS + 1000;
	assert_int_not_equal(check(&b), 0);
	assert_ptr_equal(b.f.error, &ERR_RequestTimeTooSkewed);
	assert_str(field(&b, "RequestTime"), "20130524T000000Z");
	assert_str(field(&b, "ServerTime"), "2013-05-24T00:15:01Z");
	b.style = SIGV4_STYLE_QUERY;
	assert_int_not_equal(check(&b), 0);
	assert_str(b.f.message,
		"Signature expired: 20130524T000000Z is now earlier than 20130524T000001Z "
		"(20130524T001501Z - 15 min.)");
	b.e.real_ms = b.e.virtual_ms = DOC_MS - SIGV4_SKEW_MS - 1000;
	assert_int_not_equal(check(&b), 0);
	assert_str(b.f.message, "Signature not yet current: 20130524T000000Z is still later than "
				"20130523T235959Z (20130523T234459Z + 15 min.)");
	b.style = SIGV4_STYLE_S3;
	b.e.virtual_ms = DOC_MS + 1000; /* the virtual clock was moved on */
	assert_int_equal(check(&b), 0);
	arena_done(&b.a);
}

TEST(sigv4_scope)
{
	struct bench b;
	good_get(&b);
	b.e.region = STR("eu-west-1");
	assert_int_not_equal(check(&b), 0);
	assert_string_equal(b.f.error->code, "AuthorizationHeaderMalformed");
	assert_str(b.f.message,
		"The authorization header is malformed; the region 'us-east-1' is wrong; "
		"expecting 'eu-west-1'");
	assert_str(field(&b, "Region"), "eu-west-1");
	b.e.region = STR_NULL;
	b.e.service = STR("sqs");
	b.style = SIGV4_STYLE_QUERY;
	assert_int_not_equal(check(&b), 0);
	assert_str(b.f.message, "Credential should be scoped to correct service: 'sqs'. ");
	b.e.service = STR_NULL;
	b.headers[3].value = STR("20130525T000000Z");
	assert_int_not_equal(check(&b), 0);
	assert_str(b.f.message,
		"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date "
		"from HTTP: '20130524' != '20130525', from '20130525T000000Z'.");
	arena_done(&b.a);
}

TEST(sigv4_unsigned_headers)
{
	struct bench b;
	good_get(&b);
	header(&b, "x-amz-acl", "public-read");
	header(&b, "X-Amz-Meta-A", "1");
	assert_int_not_equal(check(&b), 0);
	assert_string_equal(b.f.error->code, "AccessDenied");
	assert_str(field(&b, "HeadersNotSigned"), "x-amz-acl, X-Amz-Meta-A");
	b.r.headers_n -= 2;
	header(&b, "x-other", "may be there");
	assert_int_equal(check(&b), 0);
	b.headers[4].value =
		STR("AWS4-HMAC-SHA256 "
		    "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
		    "SignedHeaders=range;x-amz-date,Signature=" SIGV4_EMPTY_SHA256);
	assert_int_not_equal(check(&b), 0);
	assert_str(field(&b, "HeadersNotSigned"), "host");
	arena_done(&b.a);
}

TEST(sigv4_session_tokens)
{
	struct bench b;
	struct session s = { .token = STR("TOKEN"), .expires_ms = DOC_MS + 1 };
	good_get(&b);
	b.c.session = &s;
	assert_int_not_equal(check(&b), 0); /* no token */
	assert_ptr_equal(b.f.error, &ERR_InvalidClientTokenId);
	header(&b, "x-amz-security-token", "TOKEN"); /* outside of what was signed */
	assert_int_equal(check(&b), 0);
	b.headers[5].value = STR("TOKEM");
	assert_int_not_equal(check(&b), 0);
	assert_ptr_equal(b.f.error, &ERR_InvalidToken);
	b.headers[5].value = STR("TOKEN");
	s.expires_ms = DOC_MS;
	assert_int_not_equal(check(&b), 0);
	assert_ptr_equal(b.f.error, &ERR_ExpiredToken);
	b.c.session = NULL; /* a long-lived key has none */
	assert_int_not_equal(check(&b), 0);
	assert_ptr_equal(b.f.error, &ERR_InvalidToken);
	b.c.any_secret = true; /* "test" with whatever the environment still holds */
	assert_int_equal(check(&b), 0);
	arena_done(&b.a);
}

TEST(sigv4_unknown_and_inactive_keys)
{
	struct bench b;
	good_get(&b);
	assert_int_equal(sigv4_parse(&b.r, b.style, &b.a, &b.auth, &b.f), 0);
	assert_int_not_equal(sigv4_verify(&b.r, &b.auth, NULL, &b.e, &b.a, &b.f), 0);
	assert_ptr_equal(b.f.error, &ERR_InvalidClientTokenId);
	assert_str(field(&b, "AWSAccessKeyId"), "AKIAIOSFODNN7EXAMPLE");
	b.c.status = CREDENTIAL_INACTIVE;
	assert_int_not_equal(check(&b), 0);
	assert_ptr_equal(b.f.error, &ERR_InvalidClientTokenId);
	arena_done(&b.a);
}

TEST(sigv4_anonymous)
{
	struct bench b;
	bench_init(&b, "GET", "/a", "list-type=2");
	header(&b, "Host", "h");
	assert_int_equal(sigv4_parse(&b.r, b.style, &b.a, &b.auth, &b.f), 0);
	assert_int_equal(b.auth.form, SIGV4_ANONYMOUS);
	assert_int_not_equal(sigv4_verify(&b.r, &b.auth, &b.c, &b.e, &b.a, &b.f), 0);
	assert_ptr_equal(b.f.error, &ERR_MissingAuthenticationToken);
	arena_done(&b.a);
}

TEST(sigv4_payload_forms)
{
	static const struct {
		const char *text;
		int payload; /* -1: refused */
	} cases[] = {
		{ "UNSIGNED-PAYLOAD", SIGV4_PAYLOAD_UNSIGNED },
		{ SIGV4_EMPTY_SHA256, SIGV4_PAYLOAD_HASH },
		{ "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", SIGV4_PAYLOAD_STREAMING },
		{ "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", SIGV4_PAYLOAD_STREAMING_TRAILER },
		{ "STREAMING-UNSIGNED-PAYLOAD-TRAILER", SIGV4_PAYLOAD_STREAMING_UNSIGNED_TRAILER },
		{ "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", -1 },
		{ "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER", -1 },
		{ "unsigned-payload", -1 },
		{ "", -1 },
	};
	struct bench b;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		good_get(&b);
		b.headers[2].value = str_c(cases[i].text);
		int r = sigv4_parse(&b.r, SIGV4_STYLE_S3, &b.a, &b.auth, &b.f);
		assert_int_equal(r != 0, cases[i].payload < 0);
		if (r == 0)
			assert_int_equal(b.auth.payload, cases[i].payload);
		arena_done(&b.a);
	}
	good_get(&b);
	b.headers[2].name = STR("x-other");
	assert_int_not_equal(check(&b), 0);
	assert_str(b.f.message, "Missing required header for this request: x-amz-content-sha256");
	arena_done(&b.a);
}

TEST(sigv4_malformed_authorization)
{
#define V4 "AWS4-HMAC-SHA256 "
#define CRED "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"
#define HEADERS "SignedHeaders=host"
#define SIG "Signature=" SIGV4_EMPTY_SHA256
	static const char *const bad[] = {
		"",
		"AWS4-HMAC-SHA256",
		V4,
		V4 CRED,
		V4 CRED "," HEADERS,
		V4 CRED "," SIG,
		V4 HEADERS "," SIG,
		V4 "Credential," HEADERS "," SIG,
		V4 "Credential=AKID," HEADERS "," SIG,
		V4 "Credential=/20130524/us-east-1/s3/aws4_request," HEADERS "," SIG,
		V4 "Credential=A/2013052/us-east-1/s3/aws4_request," HEADERS "," SIG,
		V4 "Credential=A/20130524/us-east-1/s3/aws3_request," HEADERS "," SIG,
		V4 CRED ",SignedHeaders=," SIG,
		V4 CRED ",SignedHeaders=ho st," SIG,
		V4 CRED ",SignedHeaders=host:1," SIG,
		V4 CRED "," HEADERS ",Signature=abc",
		V4 CRED
		"," HEADERS
		",Signature=E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855",
		"AWS4-HMAC-SHA2560 " CRED "," HEADERS "," SIG,
		"AWS AKID:sig",
		"Basic abc",
		"Bearer x",
		"AWS4-ECDSA-P256-SHA256 " CRED "," HEADERS "," SIG,
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		for (int style = SIGV4_STYLE_S3; style <= SIGV4_STYLE_REST; style++) {
			struct bench b;
			good_get(&b);
			b.headers[4].value = str_c(bad[i]);
			assert_int_not_equal(sigv4_parse(&b.r, style, &b.a, &b.auth, &b.f), 0);
			assert_non_null(b.f.error);
			arena_done(&b.a);
		}
}

TEST(sigv4_old_signatures_are_refused)
{
	struct bench b;
	good_get(&b);
	b.headers[4].value = STR("AWS AKIAIOSFODNN7EXAMPLE:frJIUN8DYpKDtOLCwo//yllqDzg=");
	assert_int_not_equal(check(&b), 0);
	assert_string_equal(b.f.error->code, "InvalidRequest");
	assert_str(b.f.message, "The authorization mechanism you have provided is not supported. "
				"Please use AWS4-HMAC-SHA256.");
	b.r.headers_n = 4;
	b.r.query = STR("AWSAccessKeyId=AKIA&Expires=1&Signature=x");
	assert_int_not_equal(check(&b), 0);
	assert_string_equal(b.f.error->code, "InvalidRequest");
	arena_done(&b.a);
}

TEST(sigv4_incomplete_names_what_is_missing)
{
	struct bench b;
	good_get(&b);
	b.style = SIGV4_STYLE_QUERY;
	b.headers[3].name = STR("x-none");
	b.headers[4].value = STR("AWS4-HMAC-SHA256 SignedHeaders=host");
	assert_int_not_equal(check(&b), 0);
	assert_ptr_equal(b.f.error, &ERR_IncompleteSignature);
	assert_true(
		str_starts(b.f.message, STR("Authorization header requires 'Credential' parameter. "
					    "Authorization header requires 'Signature' parameter. "
					    "Authorization header requires existence of "
					    "either a 'X-Amz-Date' or a 'Date' header. (Hashed "
					    "with SHA-256 and encoded with Base64) "
					    "Authorization=")));
	arena_done(&b.a);
}

TEST(sigv4_malformed_presigned)
{
	static const struct {
		const char *from, *to, *message;
	} cases[] = {
		{ "X-Amz-Expires=86400", "X-Amz-Expires=x", "X-Amz-Expires should be a number" },
		{ "X-Amz-Expires=86400", "X-Amz-Expires=-1", "X-Amz-Expires must be non-negative" },
		{ "X-Amz-Expires=86400", "X-Amz-Expires=604801",
			"X-Amz-Expires must be less than a week (in seconds); that is, the given "
			"X-Amz-Expires must "
			"be less than 604800 seconds" },
		{ "&X-Amz-Expires=86400", "", NULL },
		{ "X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Algorithm=AWS4-HMAC-SHA1",
			"X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256 and "
			"AWS4-ECDSA-P256-SHA256\"" },
		{ "X-Amz-Date=20130524T000000Z", "X-Amz-Date=20130524T00:00:00Z",
			"X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"" },
		{ "%2Fus-east-1", "", NULL },
		{ "X-Amz-Signature=", "X-Amz-Signature=a", NULL },
		{ "SignedHeaders=host", "SignedHeaders=", NULL },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bench b;
		char query[600];
		const char *at = strstr(presigned, cases[i].from);
		snprintf(query, sizeof(query), "%.*s%s%s", (int)(at - presigned), presigned,
			cases[i].to, at + strlen(cases[i].from));
		good_presigned(&b);
		b.r.query = str_c(query);
		assert_int_not_equal(check(&b), 0);
		assert_string_equal(b.f.error->code, "AuthorizationQueryParametersError");
		if (cases[i].message)
			assert_str(b.f.message, cases[i].message);
		arena_done(&b.a);
	}
}

TEST(sigv4_only_one_mechanism)
{
	struct bench b;
	good_get(&b);
	b.r.query = str_c(presigned);
	assert_int_not_equal(check(&b), 0);
	assert_string_equal(b.f.error->code, "InvalidArgument");
	assert_str(field(&b, "ArgumentName"), "Authorization");
	arena_done(&b.a);
}

/* What we sign we verify: every form, with and without token, odd paths and queries. */
TEST(sigv4_round_trip)
{
	static const char *const paths[] = { "", "/", "/a b", "/%ED%95%98%EB%8A%98/x+y",
		"/a//b/../c", "/100%", "/a%2Fb" };
	static const char *const queries[] = { NULL, "", "acl", "a=1&b=2&a=0",
		"prefix=%2Fx+y%20z&delimiter=/", "&&=&==&x", "k=v%zz" };
	for (unsigned n = 0; n < 7 * 7 * 4; n++) {
		struct bench b;
		struct sigv4_signed out;
		struct session s = { .token = STR("tok+en/=="), .expires_ms = DOC_MS + 1 };
		bench_init(&b, "PUT", paths[n % 7], queries[n / 7 % 7]);
		bool s3 = n / 49 & 1, token = n / 98 & 1;
		header(&b, "Host", "localhost:4566");
		header(&b, "X-Amz-Meta-Two", "  a   b ");
		header(&b, "X-Amz-Meta-Two", "c");
		header(&b, "User-Agent", "not signed");
		struct sigv4_signer sg = { .access_key = b.c.access_key,
			.secret = SECRET,
			.token = token ? s.token : STR_NULL,
			.region = STR("us-east-1"),
			.service = s3 ? STR("s3") : STR("execute-api"),
			.now_ms = DOC_MS,
			.s3 = s3,
			.payload = s3 ? SIGV4_PAYLOAD_UNSIGNED : SIGV4_PAYLOAD_BODY };
		b.style = s3 ? SIGV4_STYLE_S3 : SIGV4_STYLE_REST;
		b.c.session = token ? &s : NULL;
		struct sigv4_request plain = b.r;
		sigv4_sign(&b.r, &sg, &b.a, &out);
		for (unsigned i = 0; i < out.headers_n; i++)
			b.headers[b.r.headers_n++] = out.headers[i];
		assert_int_equal(check(&b), 0);
		b.r = plain;
		b.r.query = sigv4_presign(&plain, &sg, 60, &b.a);
		assert_int_equal(check(&b), 0);
		assert_int_equal(b.auth.form, SIGV4_QUERY);
		b.headers[1].value = STR("a c");
		assert_int_not_equal(check(&b), 0);
		arena_done(&b.a);
	}
}

/* Some presigners put the token in after signing. */
TEST(sigv4_presigned_with_token_outside)
{
	struct bench b;
	char query[700];
	struct session s = { .token = STR("TOKEN/+"), .expires_ms = DOC_MS + 1 };
	good_presigned(&b);
	snprintf(query, sizeof(query), "%s&X-Amz-Security-Token=TOKEN%%2F%%2B", presigned);
	b.r.query = str_c(query);
	b.c.session = &s;
	assert_int_equal(check(&b), 0);
	arena_done(&b.a);
}

TEST(sigv4_keys_are_cached_by_secret_and_scope)
{
	struct sigv4_key x, y;
	char one[64], two[64];
	static const struct str scopes[][4] = {
		{ { "secret", 6 }, { "20130524", 8 }, { "us-east-1", 9 }, { "s3", 2 } },
		{ { "secreT", 6 }, { "20130524", 8 }, { "us-east-1", 9 }, { "s3", 2 } },
		{ { "secret", 6 }, { "20130525", 8 }, { "us-east-1", 9 }, { "s3", 2 } },
		{ { "secret", 6 }, { "20130524", 8 }, { "us-east-2", 9 }, { "s3", 2 } },
	};
	for (int turn = 0; turn < 3; turn++)
		for (int i = 0; i < 4; i++) {
			const struct str *p = scopes[i];
			sigv4_key_cached(p[0], p[1], p[2], p[3], &x);
			sigv4_key_derive(p[0], p[1], p[2], p[3], &y);
			sigv4_key_sign(&x, STR("t"), one);
			sigv4_key_sign(&y, STR("t"), two);
			assert_memory_equal(one, two, 64);
		}
}

TEST(sigv4_times)
{
	int64_t ms;
	assert_true(sigv4_time_parse(STR("19700101T000000Z"), &ms));
	assert_int_equal(ms, 0);
	assert_true(sigv4_time_parse(STR("20240229T235959Z"), &ms));
	assert_int_equal(ms, 1709251199000);
	assert_false(sigv4_time_parse(STR("20241301T000000Z"), &ms));
	assert_false(sigv4_time_parse(STR("20240101T000000"), &ms));
	assert_false(sigv4_time_parse(STR("2024010/T000000Z"), &ms));
}
