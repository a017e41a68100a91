#include "aws/aws_chunked.h"
#include "aws/errors.h"
#include "base/buf.h"
#include "unit.h"

#include <errno.h>
#include <stdlib.h>

#define CRLF "\r\n"

struct bench {
	struct sigv4_auth auth;
	struct aws_chunked d;
	struct buf got, body;
};

/* The scope, key and seed of AWS's documented example: 66,560 letters in chunks of 64 KiB. */
static void
bench_init(struct bench *b, enum sigv4_payload payload, const char *seed, int64_t decoded,
	const char *announced)
{
	memset(b, 0, sizeof(*b));
	b->auth.payload = payload;
	b->auth.verified = seed != NULL;
	b->auth.signature = seed ? str_c(seed) : STR_NULL;
	b->auth.amz_date = STR("20130524T000000Z");
	b->auth.scope = STR("20130524/us-east-1/s3/aws4_request");
	sigv4_key_derive(STR("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), STR("20130524"),
		STR("us-east-1"), STR("s3"), &b->auth.key);
	aws_chunked_init(&b->d, &b->auth, decoded, announced ? str_c(announced) : STR_NULL);
}

static void
bench_done(struct bench *b)
{
	buf_done(&b->got);
	buf_done(&b->body);
}

static int
collect(void *arg, struct str bytes)
{
	buf_add_str(arg, bytes);
	return 0;
}

static int
run(struct bench *b, struct str body, size_t step)
{
	int r = 0;
	b->d.data = collect;
	b->d.arg = &b->got;
	buf_clear(&b->got);
	for (size_t at = 0; at < body.len && r == 0; at += step)
		r = aws_chunked_feed(&b->d, str_slice(body, at, at + step));
	return r ? r : aws_chunked_end(&b->d);
}

static void
letters(struct buf *b, size_t n)
{
	memset(buf_reserve(b, n), 'a', n);
	b->len += n;
}

static void
documented_body(struct buf *b, const char *const sig[3])
{
	buf_printf(b, "10000;chunk-signature=%s" CRLF, sig[0]);
	letters(b, 65536);
	buf_printf(b, CRLF "400;chunk-signature=%s" CRLF, sig[1]);
	letters(b, 1024);
	buf_printf(b, CRLF "0;chunk-signature=%s" CRLF, sig[2]);
}

static const char *const doc_signed[3] = {
	"ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
	"0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
	"b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
};
#define DOC_SEED "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"

TEST(aws_chunked_documented)
{
	static const size_t steps[] = { 1, 7, 4096, 1000000 };
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct bench b;
		bench_init(&b, SIGV4_PAYLOAD_STREAMING, DOC_SEED, 66560, NULL);
		documented_body(&b.body, doc_signed);
		buf_add_lit(&b.body, CRLF);
		assert_int_equal(run(&b, buf_str(&b.body), steps[i]), 0);
		assert_int_equal(b.got.len, 66560);
		bench_done(&b);
	}
}

static const char *const doc_trailer[3] = {
	"b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
	"1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
	"2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
};
#define DOC_TRAILER_SEED "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"
#define DOC_TRAILER_SIGNATURE "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435"

TEST(aws_chunked_documented_trailer)
{
	static const char *const ends[] = { CRLF, "\n", "\n" CRLF };
	for (int i = 0; i < 3; i++) {
		struct bench b;
		bench_init(&b, SIGV4_PAYLOAD_STREAMING_TRAILER, DOC_TRAILER_SEED, 66560,
			"x-amz-checksum-crc32c");
		documented_body(&b.body, doc_trailer);
		buf_printf(&b.body,
			"x-amz-checksum-crc32c:sOO8/"
			"Q==%sx-amz-trailer-signature:" DOC_TRAILER_SIGNATURE CRLF CRLF,
			ends[i]);
		assert_int_equal(run(&b, buf_str(&b.body), 5), 0);
		assert_str(aws_chunked_trailer(&b.d, STR("x-amz-checksum-crc32c")), "sOO8/Q==");
		assert_null(aws_chunked_trailer(&b.d, STR("x-amz-checksum-crc32")).p);
		bench_done(&b);
	}
}

TEST(aws_chunked_any_changed_byte_is_noticed)
{
	struct bench b;
	bench_init(&b, SIGV4_PAYLOAD_STREAMING_TRAILER, DOC_TRAILER_SEED, 66560,
		"x-amz-checksum-crc32c");
	documented_body(&b.body, doc_trailer);
	buf_add_lit(&b.body, "x-amz-checksum-crc32c:sOO8/Q==" CRLF
			     "x-amz-trailer-signature:" DOC_TRAILER_SIGNATURE CRLF CRLF);
	for (size_t at = 0; at < b.body.len; at += at < 80 || at > b.body.len - 1024 ? 1 : 997) {
		b.body.p[at] ^= 2;
		aws_chunked_init(&b.d, &b.auth, 66560, STR("x-amz-checksum-crc32c"));
		assert_int_equal(run(&b, buf_str(&b.body), 50000), -EBADMSG);
		assert_non_null(b.d.error);
		b.body.p[at] ^= 2;
	}
	aws_chunked_init(&b.d, &b.auth, 66560, STR("x-amz-checksum-crc32c"));
	assert_int_equal(run(&b, buf_str(&b.body), 50000), 0);
	/* Cut anywhere it is incomplete. */
	for (size_t len = 0; len < b.body.len;
		len += len < 80 || len > b.body.len - 1024 ? 1 : 997) {
		aws_chunked_init(&b.d, &b.auth, 66560, STR("x-amz-checksum-crc32c"));
		assert_int_equal(run(&b, str_of(b.body.p, len), 50000), -EBADMSG);
	}
	bench_done(&b);
}

/* Bodies without signatures: code "" is success. */
static const struct {
	const char *announced;
	int64_t decoded;
	const char *body, *code;
} unsigned_cases[] = {
	{ "x-amz-checksum-crc32", 3,
		"3" CRLF "abc" CRLF "0" CRLF "x-amz-checksum-crc32:NSRBwg==" CRLF CRLF, "" },
	{ "x-amz-checksum-crc32", 0, "0" CRLF "x-amz-checksum-crc32:AAAAAA==" CRLF CRLF, "" },
	{ "X-Amz-Checksum-CRC32", 3,
		"3;ext=1" CRLF "abc" CRLF "0" CRLF "X-Amz-Checksum-Crc32: NSRBwg== " CRLF CRLF,
		"" },
	{ "", 3, "3" CRLF "abc" CRLF "0" CRLF CRLF, "" },
	{ "", 3, "003" CRLF "abc" CRLF "0" CRLF CRLF, "" },
	{ "x-amz-checksum-crc32", 3, "3" CRLF "abc" CRLF "0" CRLF CRLF, "MalformedTrailerError" },
	{ "x-amz-checksum-crc32", 3, "3" CRLF "abc" CRLF "0" CRLF "x-amz-checksum-sha1:a" CRLF CRLF,
		"MalformedTrailerError" },
	{ "x-amz-checksum-crc32", 3, "3" CRLF "abc" CRLF "0" CRLF "no colon" CRLF CRLF,
		"MalformedTrailerError" },
	{ "x-amz-checksum-crc32", 3,
		"3" CRLF "abc" CRLF "0" CRLF "x-amz-checksum-crc32:a\rb" CRLF CRLF,
		"MalformedTrailerError" },
	{ "x-amz-checksum-crc32", 3, "3" CRLF "abc" CRLF "0" CRLF "x-amz-checksum-crc32:a" CRLF,
		"IncompleteBody" },
	{ "", 3, "3" CRLF "abc" CRLF "0" CRLF "x-amz-trailer-signature:" DOC_SEED CRLF CRLF,
		"MalformedTrailerError" },
	{ "", 4, "3" CRLF "abc" CRLF "0" CRLF CRLF, "IncompleteBody" },
	{ "", 2, "3" CRLF "abc" CRLF "0" CRLF CRLF, "IncompleteBody" },
	{ "", 3, "3" CRLF "abcd" CRLF "0" CRLF CRLF, "IncompleteBody" },
	{ "", 3, "3" CRLF "abc" CRLF "0" CRLF CRLF "x", "IncompleteBody" },
	{ "", 3, "3\nabc" CRLF "0" CRLF CRLF, "IncompleteBody" },
	{ "", 3, "abc", "IncompleteBody" },
	{ "", 3, "", "IncompleteBody" },
	{ "", 3, "-3" CRLF "abc" CRLF "0" CRLF CRLF, "IncompleteBody" },
	{ "", 3, "0x3" CRLF "abc" CRLF "0" CRLF CRLF, "IncompleteBody" },
	{ "", 3, "ffffffffffffffff" CRLF "abc" CRLF "0" CRLF CRLF, "IncompleteBody" },
	{ "", 3, "10000000000000003" CRLF "abc" CRLF "0" CRLF CRLF, "IncompleteBody" },
	{ "", 4, "3" CRLF "abc" CRLF "1" CRLF "d" CRLF "0" CRLF CRLF, "InvalidChunkSizeError" },
	{ "", -1, "3" CRLF "abc" CRLF "0" CRLF CRLF, "MissingContentLength" },
};

TEST(aws_chunked_unsigned)
{
	for (size_t i = 0; i < sizeof(unsigned_cases) / sizeof(unsigned_cases[0]); i++)
		for (size_t step = 1; step < 5; step++) {
			struct bench b;
			bench_init(&b, SIGV4_PAYLOAD_STREAMING_UNSIGNED_TRAILER, NULL,
				unsigned_cases[i].decoded, unsigned_cases[i].announced);
			int r = run(&b, str_c(unsigned_cases[i].body), step);
			assert_string_equal(r ? b.d.error->code : "", unsigned_cases[i].code);
			bench_done(&b);
		}
}

TEST(aws_chunked_long_header_is_refused)
{
	struct bench b;
	bench_init(&b, SIGV4_PAYLOAD_STREAMING_UNSIGNED_TRAILER, NULL, 3, NULL);
	buf_add_lit(&b.body, "3;x=");
	letters(&b.body, AWS_CHUNKED_LINE_MAX);
	assert_int_equal(run(&b, buf_str(&b.body), 100), -EBADMSG);
	assert_string_equal(b.d.error->code, "IncompleteBody");
	bench_done(&b);
}

TEST(aws_chunked_signature_may_not_be_left_out)
{
	struct bench b;
	bench_init(&b, SIGV4_PAYLOAD_STREAMING, DOC_SEED, 3, NULL);
	assert_int_equal(run(&b, STR("3" CRLF "abc" CRLF "0" CRLF CRLF), 100), -EBADMSG);
	assert_ptr_equal(b.d.error, &ERR_SignatureDoesNotMatch);
	/* But for keys whose secret does not matter. */
	bench_done(&b);
	bench_init(&b, SIGV4_PAYLOAD_STREAMING, NULL, 3, NULL);
	assert_int_equal(
		run(&b, STR("3;chunk-signature=" DOC_SEED CRLF "abc" CRLF "0" CRLF CRLF), 100), 0);
	assert_str(buf_str(&b.got), "abc");
	bench_done(&b);
}

static int
refuse(void *arg, struct str bytes)
{
	(void)arg, (void)bytes;
	return -ENOSPC;
}

TEST(aws_chunked_receiver_may_stop)
{
	struct bench b;
	bench_init(&b, SIGV4_PAYLOAD_STREAMING_UNSIGNED_TRAILER, NULL, 3, NULL);
	b.d.data = refuse;
	assert_int_equal(aws_chunked_feed(&b.d, STR("3" CRLF "abc" CRLF)), -ENOSPC);
	bench_done(&b);
}

/* What we write we read. */
TEST(aws_chunked_round_trip)
{
	static const size_t sizes[] = { 0, 1, 8191, 8192, 70000 };
	for (unsigned n = 0; n < 2 * 5; n++) {
		size_t size = sizes[n / 2];
		bool trailer = n & 1;
		struct bench b;
		struct buf data = { 0 };
		char previous[64];
		struct http_header t = { STR("x-amz-checksum-crc32"), STR("NSRBwg==") };
		bench_init(&b, trailer ? SIGV4_PAYLOAD_STREAMING_TRAILER : SIGV4_PAYLOAD_STREAMING,
			DOC_SEED, (int64_t)size, trailer ? "x-amz-checksum-crc32" : NULL);
		struct sigv4_signed s = {
			.key = b.auth.key, .amz_date = b.auth.amz_date, .scope = b.auth.scope
		};
		memcpy(previous, DOC_SEED, 64);
		letters(&data, size);
		for (size_t at = 0; at < size; at += 16384)
			aws_chunked_write(
				&b.body, &s, previous, str_slice(buf_str(&data), at, at + 16384));
		aws_chunked_write(&b.body, &s, previous, STR(""));
		aws_chunked_write_end(&b.body, &s, previous, &t, trailer);
		assert_int_equal(run(&b, buf_str(&b.body), 1000), 0);
		assert_true(str_eq(buf_str(&b.got), buf_str(&data)));
		buf_done(&data);
		bench_done(&b);
	}
}
