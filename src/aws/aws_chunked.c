#include "aws/aws_chunked.h"

#include "aws/errors.h"
#include "aws/sigv4_internal.h"
#include "base/buf.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define CHUNK_MIN_BYTES 8192 /* S3: of every chunk with data but the last */
#define STRING_MAX 640

enum {
	IN_HEADER,
	IN_DATA,
	IN_DATA_CR,
	IN_DATA_LF,
	IN_TRAILER,
	DONE,
	FAILED,
};

#define ROW(c, s, m)                                                                               \
	{                                                                                          \
		.code = (c), .message = (m), .status = (s)                                         \
	}
static const struct api_error incomplete_body =
	ROW("IncompleteBody", 400, "The request body terminated unexpectedly");
static const struct api_error malformed_trailer = ROW("MalformedTrailerError", 400,
	"The request contained trailing data that was not well-formed or did not conform to our "
	"published schema.");
static const struct api_error invalid_chunk_size = ROW("InvalidChunkSizeError", 403,
	"Only the last chunk is allowed to have a size less than 8192 bytes");
static const struct api_error missing_length =
	ROW("MissingContentLength", 411, "You must provide the Content-Length HTTP header.");

_Static_assert(
	sizeof(SHA256_CTX) <= sizeof(((struct aws_chunked *)0)->sha), "room for OpenSSL's context");

static SHA256_CTX *
sha_of(struct aws_chunked *d)
{
	return (SHA256_CTX *)(void *)d->sha;
}

static int
fail(struct aws_chunked *d, const struct api_error *e)
{
	d->state = FAILED;
	d->error = e;
	d->message = NULL;
	return -EBADMSG;
}

void
aws_chunked_init(struct aws_chunked *d, const struct sigv4_auth *auth, int64_t decoded_bytes,
	struct str announced)
{
	memset(d, 0, offsetof(struct aws_chunked, line));
	d->trailer_len = d->line_len = d->announced_names_len = 0;
	d->trailers_n = 0;
	d->trailer_signed = false;
	d->error = NULL;
	d->message = NULL;
	d->auth = auth;
	d->check_signatures =
		auth->verified && auth->payload != SIGV4_PAYLOAD_STREAMING_UNSIGNED_TRAILER;
	d->want_trailer = auth->payload != SIGV4_PAYLOAD_STREAMING;
	d->expected_bytes = (uint64_t)decoded_bytes;
	if (auth->signature.len == sizeof(d->previous))
		memcpy(d->previous, auth->signature.p, sizeof(d->previous));
	if (announced.len > sizeof(d->announced_names))
		fail(d, &malformed_trailer);
	else if (announced.len)
		memcpy(d->announced_names, announced.p, announced.len);
	d->announced_names_len = (uint16_t)announced.len;
	if (decoded_bytes < 0)
		fail(d, &missing_length);
}

/*
 * Signatures: each builds on the one before it.
 */
static size_t
add(char *to, size_t at, struct str s)
{
	assert(at + s.len + 1 <= STRING_MAX);
	memcpy(to + at, s.p, s.len);
	to[at + s.len] = '\n';
	return at + s.len + 1;
}

static void
sign(const struct sigv4_key *key, const char *kind, struct str amz_date, struct str scope,
	const char previous[64], bool empty_line, const unsigned char hash[32], char ret_hex[64])
{
	char text[STRING_MAX], hex[64];
	size_t n = add(text, 0, str_c(kind));
	n = add(text, n, amz_date);
	n = add(text, n, scope);
	n = add(text, n, str_of(previous, 64));
	if (empty_line) /* where a request has its headers: the hash of nothing */
		n = add(text, n, STR(SIGV4_EMPTY_SHA256));
	sigv4_hex(hash, 32, hex);
	n = add(text, n, str_of(hex, sizeof(hex)));
	sigv4_key_sign(key, str_of(text, n - 1), ret_hex);
}

static int
chunk_finish(struct aws_chunked *d)
{
	unsigned char hash[32];
	char hex[64];
	if (!d->check_signatures)
		return 0;
	SHA256_Final(hash, sha_of(d));
	sign(&d->auth->key, SIGV4_ALGORITHM "-PAYLOAD", d->auth->amz_date, d->auth->scope,
		d->previous, true, hash, hex);
	if (!d->announced_set || !str_eq_consttime(str_of(hex, 64), str_of(d->announced, 64)))
		return fail(d, &ERR_SignatureDoesNotMatch);
	memcpy(d->previous, hex, sizeof(hex));
	return 0;
}

/*
 * "hex;chunk-signature=64 hex digits"; unknown extensions are skipped.
 */
static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
size_parse(struct str s, uint64_t *ret_size)
{
	uint64_t v = 0;
	if (s.len == 0 || s.len > 15)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		int x = hex_digit(s.p[i]);
		if (x < 0)
			return false;
		v = v << 4 | (uint64_t)x;
	}
	*ret_size = v;
	return true;
}

static int
header_line(struct aws_chunked *d, struct str line)
{
	struct str rest = line;
	uint64_t size;

	if (!size_parse(str_trim(str_cut(&rest, ';')), &size))
		return fail(d, &incomplete_body);
	d->announced_set = false;
	while (rest.p) {
		struct str value = str_trim(str_cut(&rest, ';')), name = str_cut(&value, '=');
		if (!str_is(name, "chunk-signature") || !value.p)
			continue;
		if (value.len != sizeof(d->announced))
			return fail(d, &ERR_SignatureDoesNotMatch);
		memcpy(d->announced, value.p, sizeof(d->announced));
		d->announced_set = true;
	}
	if (size > d->expected_bytes - d->decoded_bytes)
		return fail(d, &incomplete_body);
	if (size && d->short_chunk_seen)
		return fail(d, &invalid_chunk_size);
	d->short_chunk_seen = size < CHUNK_MIN_BYTES;
	d->chunk_left = d->chunk_bytes = size;
	if (d->check_signatures)
		SHA256_Init(sha_of(d));
	if (size) {
		d->state = IN_DATA;
		return 0;
	}
	if (d->decoded_bytes != d->expected_bytes)
		return fail(d, &incomplete_body);
	d->state = d->want_trailer ? IN_TRAILER : IN_DATA_CR;
	return chunk_finish(d);
}

/*
 * Trailers.
 */
static bool
was_announced(const struct aws_chunked *d, struct str name)
{
	for (struct str rest = str_of(d->announced_names, d->announced_names_len); rest.p;)
		if (str_eq_nocase(str_trim(str_cut(&rest, ',')), name))
			return true;
	return false;
}

static bool
announced_all_came(const struct aws_chunked *d)
{
	for (struct str rest = str_of(d->announced_names, d->announced_names_len); rest.p;) {
		struct str name = str_trim(str_cut(&rest, ','));
		bool found = name.len == 0;
		for (unsigned i = 0; i < d->trailers_n && !found; i++)
			found = str_eq_nocase(d->trailers[i].name, name);
		if (!found)
			return false;
	}
	return true;
}

static int
trailer_signature(struct aws_chunked *d, struct str given)
{
	unsigned char hash[32];
	char hex[64];
	if (d->trailer_signed || d->auth->payload != SIGV4_PAYLOAD_STREAMING_TRAILER)
		return fail(d, &malformed_trailer);
	d->trailer_signed = true;
	if (!d->check_signatures)
		return 0;
	SHA256((const unsigned char *)d->trailer_text, d->trailer_len, hash);
	sign(&d->auth->key, SIGV4_ALGORITHM "-TRAILER", d->auth->amz_date, d->auth->scope,
		d->previous, false, hash, hex);
	return str_eq_consttime(str_of(hex, 64), given) ? 0 : fail(d, &ERR_SignatureDoesNotMatch);
}

static int
trailers_end(struct aws_chunked *d)
{
	bool needs_signature = d->check_signatures && !d->trailer_signed;
	/* Some writers end each trailer with LF and the block with CRLF, before the signature. */
	if (needs_signature && d->trailers_n)
		return 0;
	if (!announced_all_came(d))
		return fail(d, &malformed_trailer);
	d->state = DONE;
	return 0;
}

static int
trailer_line(struct aws_chunked *d, struct str line)
{
	if (line.len == 0)
		return trailers_end(d);
	long colon = str_find(line, ':');
	if (colon <= 0)
		return fail(d, &malformed_trailer);
	struct str name = str_trim(str_slice(line, 0, (size_t)colon));
	struct str value = str_trim(str_slice(line, (size_t)colon + 1, line.len));
	if (str_eq_nocase(name, STR("x-amz-trailer-signature")))
		return trailer_signature(d, value);
	if (d->trailer_signed || d->trailers_n == AWS_CHUNKED_TRAILERS_MAX ||
		!was_announced(d, name) ||
		d->trailer_len + name.len + value.len + 2 > sizeof(d->trailer_text))
		return fail(d, &malformed_trailer);
	char *at = d->trailer_text + d->trailer_len;
	for (size_t i = 0; i < name.len; i++)
		at[i] = name.p[i] >= 'A' && name.p[i] <= 'Z' ? (char)(name.p[i] | 0x20) : name.p[i];
	at[name.len] = ':';
	memcpy(at + name.len + 1, value.p, value.len);
	at[name.len + 1 + value.len] = '\n';
	d->trailers[d->trailers_n++] =
		(struct http_header){ str_of(at, name.len), str_of(at + name.len + 1, value.len) };
	d->trailer_len = (uint16_t)(d->trailer_len + name.len + value.len + 2);
	return 0;
}

/*
 * The machine.
 */
static int
take_line(struct aws_chunked *d, struct str *in)
{
	const char *lf = memchr(in->p, '\n', in->len);
	size_t n = lf ? (size_t)(lf - in->p) : in->len;
	bool trailer = d->state == IN_TRAILER;

	if (d->line_len + n > sizeof(d->line))
		return fail(d, trailer ? &malformed_trailer : &incomplete_body);
	memcpy(d->line + d->line_len, in->p, n);
	d->line_len = (uint16_t)(d->line_len + n);
	*in = str_of(in->p + n + (lf ? 1 : 0), in->len - n - (lf ? 1 : 0));
	if (!lf)
		return 0;
	struct str line = str_of(d->line, d->line_len);
	d->line_len = 0;
	bool crlf = line.len && line.p[line.len - 1] == '\r';
	if (crlf)
		line.len--;
	if (memchr(line.p, '\r', line.len) || memchr(line.p, '\0', line.len))
		return fail(d, trailer ? &malformed_trailer : &incomplete_body);
	if (trailer)
		return trailer_line(d, line);
	return crlf ? header_line(d, line) : fail(d, &incomplete_body);
}

static int
take_data(struct aws_chunked *d, struct str *in)
{
	struct str piece =
		str_slice(*in, 0, d->chunk_left < in->len ? (size_t)d->chunk_left : in->len);
	if (d->check_signatures)
		SHA256_Update(sha_of(d), piece.p, piece.len);
	d->chunk_left -= piece.len;
	d->decoded_bytes += piece.len;
	*in = str_slice(*in, piece.len, in->len);
	int r = d->data ? d->data(d->arg, piece) : 0;
	if (r || d->chunk_left)
		return r;
	d->state = IN_DATA_CR;
	return chunk_finish(d);
}

static int
take_line_end(struct aws_chunked *d, struct str *in)
{
	bool cr = d->state == IN_DATA_CR;
	if (in->p[0] != (cr ? '\r' : '\n'))
		return fail(d, &incomplete_body);
	*in = str_slice(*in, 1, in->len);
	d->state = cr ? IN_DATA_LF : d->chunk_bytes ? IN_HEADER : DONE;
	return 0;
}

int
aws_chunked_feed(struct aws_chunked *d, struct str bytes)
{
	int r = 0;
	if (d->state == FAILED)
		return -EBADMSG;
	while (bytes.len && r == 0) {
		switch (d->state) {
		case IN_HEADER:
		case IN_TRAILER:
			r = take_line(d, &bytes);
			break;
		case IN_DATA:
			r = take_data(d, &bytes);
			break;
		case IN_DATA_CR:
		case IN_DATA_LF:
			r = take_line_end(d, &bytes);
			break;
		default:
			r = fail(d, &incomplete_body);
		}
	}
	return r;
}

int
aws_chunked_end(struct aws_chunked *d)
{
	if (d->state == DONE)
		return 0;
	return d->state == FAILED ? -EBADMSG : fail(d, &incomplete_body);
}

struct str
aws_chunked_trailer(const struct aws_chunked *d, struct str lower_name)
{
	for (unsigned i = 0; i < d->trailers_n; i++)
		if (str_eq(d->trailers[i].name, lower_name))
			return d->trailers[i].value;
	return STR_NULL;
}

void
aws_chunked_write(struct buf *out, const struct sigv4_signed *s, char previous[64], struct str data)
{
	unsigned char hash[32];
	buf_printf(out, "%zx", data.len);
	if (s) {
		SHA256((const unsigned char *)data.p, data.len, hash);
		sign(&s->key, SIGV4_ALGORITHM "-PAYLOAD", s->amz_date, s->scope, previous, true,
			hash, previous);
		buf_add_lit(out, ";chunk-signature=");
		buf_add(out, previous, 64);
	}
	buf_add_lit(out, "\r\n");
	if (data.len) {
		buf_add_str(out, data);
		buf_add_lit(out, "\r\n");
	}
}

void
aws_chunked_write_end(struct buf *out, const struct sigv4_signed *s, const char previous[64],
	const struct http_header *trailers, unsigned n)
{
	struct buf text = { 0 };
	unsigned char hash[32];
	char hex[64];
	for (unsigned i = 0; i < n; i++) {
		buf_printf(out, "%.*s:%.*s\r\n", STR_FMT(trailers[i].name),
			STR_FMT(trailers[i].value));
		buf_printf(&text, "%.*s:%.*s\n", STR_FMT(trailers[i].name),
			STR_FMT(trailers[i].value));
	}
	if (s && n) {
		SHA256((const unsigned char *)buf_str(&text).p, text.len, hash);
		sign(&s->key, SIGV4_ALGORITHM "-TRAILER", s->amz_date, s->scope, previous, false,
			hash, hex);
		buf_add_lit(out, "x-amz-trailer-signature:");
		buf_add(out, hex, sizeof(hex));
		buf_add_lit(out, "\r\n");
	}
	buf_add_lit(out, "\r\n");
	buf_done(&text);
}
