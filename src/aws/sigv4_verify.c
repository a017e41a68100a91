#include "aws/sigv4_internal.h"
#include "base/buf.h"
#include "base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static void
canonical_how(const struct sigv4_auth *auth, const unsigned char *body_sha256, char hex[64],
	struct sigv4_canonical *ret)
{
	ret->path = sigv4_is_s3(auth) ? SIGV4_PATH_S3 : SIGV4_PATH_NORMALISE;
	ret->drop_signature = auth->form == SIGV4_QUERY;
	ret->drop_token = false;
	ret->signed_headers = auth->signed_headers;
	ret->payload_hash = auth->payload_hash;
	if (auth->payload != SIGV4_PAYLOAD_BODY)
		return;
	ret->payload_hash = STR(SIGV4_EMPTY_SHA256);
	if (body_sha256) {
		sigv4_hex(body_sha256, 32, hex);
		ret->payload_hash = str_of(hex, 64);
	}
}

void
sigv4_canonical(const struct sigv4_request *r, const struct sigv4_auth *auth,
	const unsigned char *body_sha256, struct buf *out)
{
	struct sigv4_canonical how;
	unsigned char hash[32];
	char hex[64];
	canonical_how(auth, body_sha256, hex, &how);
	sigv4_canonical_hash(r, &how, out, hash);
}

static struct str
basic_time(struct arena *a, int64_t ms)
{
	return time_text(a, ms, TIME_BASIC);
}

static int
fail_scope(const struct sigv4_auth *auth, struct arena *a, struct sigv4_failure *f,
	const char *s3_tail, const char *plain)
{
	if (!sigv4_is_s3(auth))
		return sigv4_fail(f, &ERR_SignatureDoesNotMatch, a, "%s", plain);
	if (auth->form == SIGV4_QUERY)
		return sigv4_fail(f, &sigv4_query_malformed, a,
			"Error parsing the X-Amz-Credential parameter; %s", s3_tail);
	return sigv4_fail(f, &sigv4_header_malformed, a,
		"The authorization header is malformed; %s", s3_tail);
}

static int
fail_scope_date(const struct sigv4_auth *auth, struct arena *a, struct sigv4_failure *f)
{
	struct str have = auth->date, want = str_slice(auth->amz_date, 0, 8);
	struct str s3 = arena_printf(a,
		"Invalid credential date \"%.*s\". This date is not the same as "
		"X-Amz-Date: \"%.*s\".",
		STR_FMT(have), STR_FMT(want));
	struct str plain = arena_printf(a,
		"Date in Credential scope does not match YYYYMMDD from ISO-8601 "
		"version of date from HTTP: '%.*s' != '%.*s', from '%.*s'.",
		STR_FMT(have), STR_FMT(want), STR_FMT(auth->amz_date));
	return fail_scope(auth, a, f, s3.p, plain.p);
}

static int
check_scope(const struct sigv4_auth *auth, const struct sigv4_expect *e, struct arena *a,
	struct sigv4_failure *f)
{
	if (!str_eq(auth->date, str_slice(auth->amz_date, 0, 8)))
		return fail_scope_date(auth, a, f);
	if (e->region.p && !str_eq(e->region, auth->region)) {
		struct str s3 = arena_printf(a, "the region '%.*s' is wrong; expecting '%.*s'",
			STR_FMT(auth->region), STR_FMT(e->region));
		fail_scope(auth, a, f, s3.p, "Credential should be scoped to a valid region. ");
		if (sigv4_is_s3(auth))
			sigv4_fail_field(f, "Region", e->region);
		return -EACCES;
	}
	if (e->service.p && !str_eq(e->service, auth->service)) {
		struct str s3 = arena_printf(a,
			"incorrect service \"%.*s\". This endpoint belongs to \"%.*s\".",
			STR_FMT(auth->service), STR_FMT(e->service));
		struct str plain =
			arena_printf(a, "Credential should be scoped to correct service: '%.*s'. ",
				STR_FMT(e->service));
		return fail_scope(auth, a, f, s3.p, plain.p);
	}
	return 0;
}

/* Outside of [from, to] by both clocks: -1 too early, 1 too late. */
static int
out_of_time(const struct sigv4_expect *e, int64_t from_ms, int64_t to_ms)
{
	if (e->real_ms >= from_ms && e->real_ms <= to_ms)
		return 0;
	if (e->virtual_ms >= from_ms && e->virtual_ms <= to_ms)
		return 0;
	return e->real_ms < from_ms ? -1 : 1;
}

static int
fail_skew(const struct sigv4_auth *auth, const struct sigv4_expect *e, int side, struct arena *a,
	struct sigv4_failure *f)
{
	if (sigv4_is_s3(auth)) {
		sigv4_fail_default(f, &ERR_RequestTimeTooSkewed);
		sigv4_fail_field(f, "RequestTime", auth->amz_date);
		sigv4_fail_field(f, "ServerTime", time_text(a, e->real_ms, TIME_ISO8601));
		sigv4_fail_field(f, "MaxAllowedSkewMilliseconds", STR("900000"));
		return -EACCES;
	}
	struct str now = basic_time(a, e->real_ms);
	struct str edge = basic_time(a, e->real_ms + (side < 0 ? SIGV4_SKEW_MS : -SIGV4_SKEW_MS));
	return sigv4_fail(f, &ERR_RequestTimeTooSkewed, a,
		side < 0 ? "Signature not yet current: %.*s is still later than %.*s (%.*s + 15 "
			   "min.)"
			 : "Signature expired: %.*s is now earlier than %.*s (%.*s - 15 min.)",
		STR_FMT(auth->amz_date), STR_FMT(edge), STR_FMT(now));
}

static int
fail_expiry(const struct sigv4_auth *auth, const struct sigv4_expect *e, int side, struct arena *a,
	struct sigv4_failure *f)
{
	int64_t end_ms = auth->time_ms + auth->expires_s * 1000;
	if (!sigv4_is_s3(auth)) {
		struct str now = basic_time(a, e->real_ms), end = basic_time(a, end_ms);
		return sigv4_fail(f, &ERR_RequestExpired, a,
			side < 0 ? "Signature not yet current: %.*s is still later than %.*s"
				 : "Signature expired: %.*s is now earlier than %.*s",
			STR_FMT(side < 0 ? auth->amz_date : end), STR_FMT(now));
	}
	if (side < 0)
		return sigv4_fail_default(f, &sigv4_not_yet_valid);
	sigv4_fail_default(f, &ERR_RequestExpired);
	sigv4_fail_field(f, "X-Amz-Expires", arena_printf(a, "%" PRId64, auth->expires_s));
	sigv4_fail_field(f, "Expires", time_text(a, end_ms, TIME_ISO8601));
	sigv4_fail_field(f, "ServerTime", time_text(a, e->real_ms, TIME_ISO8601));
	return -EACCES;
}

static int
check_time(const struct sigv4_auth *auth, const struct credential *c, const struct sigv4_expect *e,
	struct arena *a, struct sigv4_failure *f)
{
	int side;
	if (auth->form == SIGV4_QUERY) {
		side = out_of_time(
			e, auth->time_ms - SIGV4_SKEW_MS, auth->time_ms + auth->expires_s * 1000);
		return side ? fail_expiry(auth, e, side, a, f) : 0;
	}
	side = out_of_time(e, auth->time_ms - SIGV4_SKEW_MS, auth->time_ms + SIGV4_SKEW_MS);
	return side && !c->any_secret ? fail_skew(auth, e, side, a, f) : 0;
}

static bool
is_signed(const struct sigv4_auth *auth, struct str name)
{
	for (struct str rest = auth->signed_headers; rest.p;) {
		struct str one = str_cut(&rest, ';');
		if (one.len == name.len && str_eq_nocase(one, name))
			return true;
	}
	return false;
}

/* Host must be signed everywhere. S3 also wants every x-amz-* header signed, but for the two that
 * count on their own: the payload's hash (a line of the canonical request) and the token
 * (compared). */
static int
check_signed_headers(const struct sigv4_request *r, const struct sigv4_auth *auth, struct arena *a,
	struct sigv4_failure *f)
{
	bool has_host = is_signed(auth, STR("host")) || is_signed(auth, STR(":authority"));
	struct str missing = has_host ? STR_NULL : STR("host");
	if (!sigv4_is_s3(auth)) {
		if (has_host)
			return 0;
		return sigv4_fail(f, &ERR_SignatureDoesNotMatch, a,
			"'Host' or ':authority' must be a 'SignedHeader' in the AWS "
			"Authorization.");
	}
	for (unsigned i = 0; i < r->headers_n; i++) {
		struct str n = r->headers[i].name;
		if (n.len < 6 || !str_eq_nocase(str_slice(n, 0, 6), STR("x-amz-")) ||
			is_signed(auth, n) || str_eq_nocase(n, STR("x-amz-content-sha256")) ||
			str_eq_nocase(n, STR("x-amz-security-token")))
			continue;
		missing =
			missing.p ? arena_printf(a, "%.*s, %.*s", STR_FMT(missing), STR_FMT(n)) : n;
	}
	if (!missing.p)
		return 0;
	sigv4_fail_default(f, &sigv4_headers_not_signed);
	sigv4_fail_field(f, "HeadersNotSigned", missing);
	return -EACCES;
}

static int
fail_unknown(const struct sigv4_auth *auth, struct sigv4_failure *f)
{
	sigv4_fail_default(f, &ERR_InvalidClientTokenId);
	if (sigv4_is_s3(auth))
		sigv4_fail_field(f, "AWSAccessKeyId", auth->access_key);
	return -EACCES;
}

static int
check_token(const struct sigv4_auth *auth, const struct credential *c, const struct sigv4_expect *e,
	struct sigv4_failure *f)
{
	if (c->status != CREDENTIAL_ACTIVE)
		return fail_unknown(auth, f);
	if (c->any_secret)
		return 0;
	if (!c->session)
		return auth->token.p ? sigv4_fail_default(f, &ERR_InvalidToken) : 0;
	/* Without its token a temporary key is no key at all. */
	if (!auth->token.p)
		return fail_unknown(auth, f);
	if (!str_eq_consttime(auth->token, c->session->token))
		return sigv4_fail_default(f, &ERR_InvalidToken);
	if (c->session->expires_ms <= e->virtual_ms)
		return sigv4_fail_default(f, &ERR_ExpiredToken);
	return 0;
}

static struct str
hex_dump(struct arena *a, struct str s)
{
	if (s.len > 8192)
		s.len = 8192;
	char *p = arena_alloc_raw(a, s.len * 3 + 1), *at = p;
	for (size_t i = 0; i < s.len; i++) {
		sigv4_hex((const unsigned char *)s.p + i, 1, at);
		at[2] = ' ';
		at += 3;
	}
	return str_of(p, s.len ? s.len * 3 - 1 : 0);
}

/* AWS shows what it computed, so that whoever writes a client can compare. Nothing in it is secret.
 */
static int
fail_signature(const struct sigv4_request *r, const struct sigv4_auth *auth,
	const struct sigv4_canonical *how, struct str string, struct arena *a,
	struct sigv4_failure *f)
{
	struct buf text = { 0 };
	unsigned char hash[32];
	sigv4_canonical_hash(r, how, &text, hash);
	struct str canonical = arena_dup(a, buf_str(&text));
	buf_done(&text);
	string = arena_dup(a, string);
	if (!sigv4_is_s3(auth)) {
		if (auth->style == SIGV4_STYLE_EC2)
			return sigv4_fail_default(f, &ERR_SignatureDoesNotMatch);
		return sigv4_fail(f, &ERR_SignatureDoesNotMatch, a,
			"%s\n\nThe Canonical String for this request "
			"should have been\n'%.*s'\n\nThe String-to-Sign should have been\n'%.*s'\n",
			ERR_SignatureDoesNotMatch.message, STR_FMT(canonical), STR_FMT(string));
	}
	sigv4_fail_default(f, &ERR_SignatureDoesNotMatch);
	sigv4_fail_field(f, "AWSAccessKeyId", auth->access_key);
	sigv4_fail_field(f, "StringToSign", string);
	sigv4_fail_field(f, "SignatureProvided", auth->signature);
	sigv4_fail_field(f, "StringToSignBytes", hex_dump(a, string));
	sigv4_fail_field(f, "CanonicalRequest", canonical);
	sigv4_fail_field(f, "CanonicalRequestBytes", hex_dump(a, canonical));
	return -EACCES;
}

static bool
signature_is(const struct sigv4_request *r, const struct sigv4_auth *auth,
	const struct sigv4_canonical *how, char string[SIGV4_STRING_MAX], size_t *ret_len)
{
	unsigned char hash[32];
	char hex[64];
	sigv4_canonical_hash(r, how, NULL, hash);
	*ret_len = sigv4_string_to_sign(auth->amz_date, auth->scope, hash, string);
	sigv4_key_sign(&auth->key, str_of(string, *ret_len), hex);
	return str_eq_consttime(str_of(hex, sizeof(hex)), auth->signature);
}

static int
check_signature(const struct sigv4_request *r, struct sigv4_auth *auth, const struct credential *c,
	const unsigned char *body_sha256, struct arena *a, struct sigv4_failure *f)
{
	struct sigv4_canonical how;
	char string[SIGV4_STRING_MAX], second[SIGV4_STRING_MAX], hex[64];
	size_t len, second_len;

	sigv4_key_cached(c->secret, auth->date, auth->region, auth->service, &auth->key);
	canonical_how(auth, body_sha256, hex, &how);
	if (signature_is(r, auth, &how, string, &len))
		return 0;
	/* Some presigners add the token to the query after signing. */
	if (auth->form == SIGV4_QUERY && auth->token.p) {
		how.drop_token = true;
		if (signature_is(r, auth, &how, second, &second_len))
			return 0;
		how.drop_token = false;
	}
	return fail_signature(r, auth, &how, str_of(string, len), a, f);
}

int
sigv4_verify(const struct sigv4_request *r, struct sigv4_auth *auth, const struct credential *c,
	const struct sigv4_expect *e, struct arena *a, struct sigv4_failure *ret_failure)
{
	struct sigv4_expect want = *e;

	if (auth->form == SIGV4_ANONYMOUS)
		return sigv4_fail_default(ret_failure, &ERR_MissingAuthenticationToken);
	if (!want.real_ms)
		want.real_ms = clock_real_ms();
	if (!want.virtual_ms)
		want.virtual_ms = clock_now_ms();
	if (!c)
		return fail_unknown(auth, ret_failure);
	if (check_scope(auth, &want, a, ret_failure) ||
		check_time(auth, c, &want, a, ret_failure) ||
		check_token(auth, c, &want, ret_failure))
		return -EACCES;
	if (c->any_secret)
		return 0;
	if (check_signed_headers(r, auth, a, ret_failure) ||
		check_signature(r, auth, c, want.body_sha256, a, ret_failure))
		return -EACCES;
	auth->verified = true;
	return 0;
}

int
sigv4_body_matches(const struct sigv4_auth *auth, const unsigned char body_sha256[32],
	struct arena *a, struct sigv4_failure *ret_failure)
{
	char hex[64];
	if (auth->payload != SIGV4_PAYLOAD_HASH)
		return 0;
	sigv4_hex(body_sha256, 32, hex);
	struct str computed = str_of(hex, sizeof(hex));
	if (str_eq(computed, auth->payload_hash))
		return 0;
	if (!sigv4_is_s3(auth))
		return sigv4_fail_default(ret_failure, &ERR_SignatureDoesNotMatch);
	sigv4_fail_default(ret_failure, &sigv4_hash_mismatch);
	sigv4_fail_field(ret_failure, "ClientComputedContentSHA256", auth->payload_hash);
	sigv4_fail_field(ret_failure, "S3ComputedContentSHA256", arena_dup(a, computed));
	return -EACCES;
}
