#include "aws/sigv4_internal.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/uri.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Proxies and HTTP libraries change these on the way. */
static const char *const unsigned_headers[] = { "authorization", "connection", "expect",
	"transfer-encoding", "user-agent", "x-amzn-trace-id" };

static bool
left_out(struct str name)
{
	for (size_t i = 0; i < sizeof(unsigned_headers) / sizeof(unsigned_headers[0]); i++)
		if (str_eq_nocase(name, str_c(unsigned_headers[i])))
			return true;
	return false;
}

static int
text_cmp(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Lower-case names, sorted, each once. presign: only host and x-amz-*. */
static struct str
signed_list(const struct http_header *h, unsigned n, bool presign, struct arena *a)
{
	struct str *names = arena_array(a, struct str, n + 1);
	unsigned kept = 0;
	size_t bytes = 0;
	for (unsigned i = 0; i < n; i++) {
		if (left_out(h[i].name))
			continue;
		char *low = arena_alloc_raw(a, h[i].name.len);
		for (size_t k = 0; k < h[i].name.len; k++) {
			char c = h[i].name.p[k];
			low[k] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
		}
		struct str name = str_of(low, h[i].name.len);
		if (presign && !str_is(name, "host") && !str_starts(name, STR("x-amz-")))
			continue;
		names[kept++] = name;
		bytes += name.len + 1;
	}
	qsort(names, kept, sizeof(*names), text_cmp);
	char *out = arena_alloc_raw(a, bytes), *at = out;
	for (unsigned i = 0; i < kept; i++) {
		if (i && str_eq(names[i], names[i - 1]))
			continue;
		if (at != out)
			*at++ = ';';
		memcpy(at, names[i].p, names[i].len);
		at += names[i].len;
	}
	return str_of(out, (size_t)(at - out));
}

static struct str
payload_text(const struct sigv4_signer *s, struct arena *a)
{
	switch (s->payload) {
	case SIGV4_PAYLOAD_UNSIGNED:
		return STR("UNSIGNED-PAYLOAD");
	case SIGV4_PAYLOAD_STREAMING:
		return STR("STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
	case SIGV4_PAYLOAD_STREAMING_TRAILER:
		return STR("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER");
	case SIGV4_PAYLOAD_STREAMING_UNSIGNED_TRAILER:
		return STR("STREAMING-UNSIGNED-PAYLOAD-TRAILER");
	default:
		break;
	}
	if (!s->body_sha256)
		return STR(SIGV4_EMPTY_SHA256);
	char *hex = arena_alloc_raw(a, 64);
	sigv4_hex(s->body_sha256, 32, hex);
	return str_of(hex, 64);
}

static struct str
scope_text(const struct sigv4_signer *s, struct str date, struct arena *a)
{
	struct str t = arena_printf(a, "%.*s/%.*s/%.*s/aws4_request", STR_FMT(date),
		STR_FMT(s->region), STR_FMT(s->service));
	assert(t.len <= SIGV4_SCOPE_MAX);
	return t;
}

static struct str
sign_request(const struct sigv4_request *r, const struct sigv4_signer *s,
	const struct sigv4_canonical *how, struct str amz_date, struct str scope, struct arena *a,
	struct sigv4_key *ret_key)
{
	unsigned char hash[32];
	char string[SIGV4_STRING_MAX], *hex = arena_alloc_raw(a, 64);
	sigv4_canonical_hash(r, how, NULL, hash);
	size_t n = sigv4_string_to_sign(amz_date, scope, hash, string);
	sigv4_key_cached(s->secret, str_slice(amz_date, 0, 8), s->region, s->service, ret_key);
	sigv4_key_sign(ret_key, str_of(string, n), hex);
	return str_of(hex, 64);
}

static enum sigv4_path
path_rule(const struct sigv4_signer *s)
{
	return s->s3 ? SIGV4_PATH_S3 : s->keep_path ? SIGV4_PATH_KEEP : SIGV4_PATH_NORMALISE;
}

void
sigv4_sign(const struct sigv4_request *r, const struct sigv4_signer *s, struct arena *a,
	struct sigv4_signed *ret_signed)
{
	struct sigv4_canonical how = { .path = path_rule(s), .payload_hash = payload_text(s, a) };
	struct sigv4_signed *o = ret_signed;
	struct str amz_date = time_text(a, s->now_ms, TIME_BASIC);

	memset(o, 0, sizeof(*o));
	o->headers[o->headers_n++] = (struct http_header){ STR("X-Amz-Date"), amz_date };
	if (s->payload != SIGV4_PAYLOAD_BODY)
		o->headers[o->headers_n++] =
			(struct http_header){ STR("X-Amz-Content-Sha256"), how.payload_hash };
	if (s->token.p)
		o->headers[o->headers_n++] =
			(struct http_header){ STR("X-Amz-Security-Token"), s->token };
	struct sigv4_request all = *r;
	struct http_header *h = arena_array(a, struct http_header, r->headers_n + o->headers_n);
	if (r->headers_n)
		memcpy(h, r->headers, r->headers_n * sizeof(*h));
	memcpy(h + r->headers_n, o->headers, o->headers_n * sizeof(*h));
	all.headers = h;
	all.headers_n = r->headers_n + o->headers_n;
	how.signed_headers = signed_list(h, all.headers_n, false, a);
	struct str scope = scope_text(s, str_slice(amz_date, 0, 8), a);
	o->amz_date = amz_date;
	o->scope = scope;
	o->signature = sign_request(&all, s, &how, amz_date, scope, a, &o->key);
	o->headers[o->headers_n++] = (struct http_header){ STR("Authorization"),
		arena_printf(a,
			SIGV4_ALGORITHM " Credential=%.*s/%.*s, SignedHeaders=%.*s, Signature=%.*s",
			STR_FMT(s->access_key), STR_FMT(scope), STR_FMT(how.signed_headers),
			STR_FMT(o->signature)) };
}

static void
param_add(struct buf *b, const char *name, struct str value)
{
	if (b->len)
		buf_add_c(b, '&');
	buf_add_str(b, str_c(name));
	buf_add_c(b, '=');
	uri_add(b, value, 0);
}

struct str
sigv4_presign(const struct sigv4_request *r, const struct sigv4_signer *s, int64_t expires_s,
	struct arena *a)
{
	struct sigv4_canonical how = { .path = path_rule(s) };
	struct str amz_date = time_text(a, s->now_ms, TIME_BASIC);
	struct str scope = scope_text(s, str_slice(amz_date, 0, 8), a);
	struct buf q = { 0 };
	struct sigv4_key key;

	how.payload_hash = s->s3 ? STR("UNSIGNED-PAYLOAD") : payload_text(s, a);
	how.signed_headers = signed_list(r->headers, r->headers_n, true, a);
	if (r->query.len)
		buf_add_str(&q, r->query);
	param_add(&q, "X-Amz-Algorithm", STR(SIGV4_ALGORITHM));
	param_add(&q, "X-Amz-Credential",
		arena_printf(a, "%.*s/%.*s", STR_FMT(s->access_key), STR_FMT(scope)));
	param_add(&q, "X-Amz-Date", amz_date);
	param_add(&q, "X-Amz-Expires", arena_printf(a, "%" PRId64, expires_s));
	param_add(&q, "X-Amz-SignedHeaders", how.signed_headers);
	if (s->token.p)
		param_add(&q, "X-Amz-Security-Token", s->token);
	struct sigv4_request all = *r;
	all.query = buf_str(&q);
	struct str signature = sign_request(&all, s, &how, amz_date, scope, a, &key);
	param_add(&q, "X-Amz-Signature", signature);
	struct str out = arena_dup(a, buf_str(&q));
	buf_done(&q);
	return out;
}
