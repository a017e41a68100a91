#include "aws/sigv4.h"

#include "aws/sigv4_internal.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/text.h"
#include "base/uri.h"

#include <errno.h>
#include <string.h>

#define CREDENTIAL_FORM "\"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\""
#define V4_REQUIRED                                                                                \
	"The authorization mechanism you have provided is not supported. Please use "              \
	"AWS4-HMAC-SHA256."

/* The headers that decide about authentication, found in one walk. */
struct found {
	struct str authorization, amz_date, date, content_sha256, token;
};

static void
headers_find(const struct sigv4_request *r, struct found *f)
{
	memset(f, 0, sizeof(*f));
	for (unsigned i = 0; i < r->headers_n; i++) {
		const struct http_header *h = &r->headers[i];
		struct str *to = NULL;
		switch (h->name.len) {
		case 4:
			to = str_eq_nocase(h->name, STR("date")) ? &f->date : NULL;
			break;
		case 10:
			to = str_eq_nocase(h->name, STR("x-amz-date")) ? &f->amz_date : NULL;
			break;
		case 13:
			to = str_eq_nocase(h->name, STR("authorization")) ? &f->authorization
									  : NULL;
			break;
		case 20:
			if (str_eq_nocase(h->name, STR("x-amz-content-sha256")))
				to = &f->content_sha256;
			else if (str_eq_nocase(h->name, STR("x-amz-security-token")))
				to = &f->token;
			break;
		}
		if (to && !to->p)
			*to = str_trim(h->value);
	}
}

static bool
digits(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.len > 0;
}

static int
two(const char *p)
{
	return (p[0] - '0') * 10 + (p[1] - '0');
}

bool
sigv4_time_parse(struct str s, int64_t *ret_ms)
{
	if (s.len != 16 || s.p[8] != 'T' || s.p[15] != 'Z' || !digits(str_slice(s, 0, 8)) ||
		!digits(str_slice(s, 9, 15)))
		return false;
	int year = two(s.p) * 100 + two(s.p + 2), month = two(s.p + 4), day = two(s.p + 6);
	int hour = two(s.p + 9), minute = two(s.p + 11), second = two(s.p + 13);
	if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 ||
		second > 60)
		return false;
	/* Days of the civil calendar since 1970, years counted from March. */
	int64_t y = year - (month <= 2), era = (y >= 0 ? y : y - 399) / 400, yoe = y - era * 400;
	int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t days = era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
	*ret_ms = ((days * 24 + hour) * 60 + minute) * 60000 + second * 1000;
	return true;
}

/* "AKID/20260102/us-east-1/s3/aws4_request"; false when it has another form. */
static bool
credential_split(struct str text, struct sigv4_auth *auth)
{
	struct str piece[4];
	struct str rest = text;
	for (int i = 3; i >= 0; i--) {
		long at = str_rfind(rest, '/');
		if (at < 0)
			return false;
		piece[i] = str_slice(rest, (size_t)at + 1, rest.len);
		rest.len = (size_t)at;
	}
	auth->access_key = rest;
	auth->date = piece[0];
	auth->region = piece[1];
	auth->service = piece[2];
	auth->scope = str_slice(text, rest.len + 1, text.len);
	return rest.len > 0 && rest.len <= 128 && auth->scope.len <= SIGV4_SCOPE_MAX &&
	       piece[0].len == 8 && digits(piece[0]) && str_is(piece[3], "aws4_request");
}

static bool
signature_valid(struct str s)
{
	if (s.len != 64)
		return false;
	for (size_t i = 0; i < 64; i++)
		if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
			return false;
	return true;
}

static bool
signed_headers_valid(struct str s)
{
	unsigned names = 1;
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c == ';')
			names++;
		else if (c <= ' ' || c >= 0x7f || c == ':' || c == ',' || (c >= 'A' && c <= 'Z'))
			return false;
	}
	return s.len > 0 && names <= SIGV4_SIGNED_HEADERS_MAX;
}

/* The value of the x-amz-content-sha256 header; `s3` also covers what is missing. */
static int
payload_parse(struct str v, struct arena *a, struct sigv4_auth *auth, struct sigv4_failure *f)
{
	static const struct {
		const char *text;
		enum sigv4_payload payload;
	} forms[] = {
		{ "UNSIGNED-PAYLOAD", SIGV4_PAYLOAD_UNSIGNED },
		{ "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", SIGV4_PAYLOAD_STREAMING },
		{ "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", SIGV4_PAYLOAD_STREAMING_TRAILER },
		{ "STREAMING-UNSIGNED-PAYLOAD-TRAILER", SIGV4_PAYLOAD_STREAMING_UNSIGNED_TRAILER },
	};

	auth->payload_hash = v;
	if (signature_valid(v)) {
		auth->payload = SIGV4_PAYLOAD_HASH;
		return 0;
	}
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (str_eq(v, str_c(forms[i].text))) {
			auth->payload = forms[i].payload;
			return 0;
		}
	if (str_starts(v, STR("STREAMING-AWS4-ECDSA-P256-SHA256-")))
		return sigv4_fail(f, &ERR_NotImplemented, a,
			"SigV4A (AWS4-ECDSA-P256-SHA256) is not implemented. Please use "
			"AWS4-HMAC-SHA256.");
	sigv4_fail(f, sigv4_is_s3(auth) ? &sigv4_invalid_argument : &ERR_IncompleteSignature, a,
		"x-amz-content-sha256 must be UNSIGNED-PAYLOAD, "
		"STREAMING-UNSIGNED-PAYLOAD-TRAILER, "
		"STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, "
		"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, "
		"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER or a valid sha256 value.");
	sigv4_fail_field(f, "ArgumentName", STR("x-amz-content-sha256"));
	sigv4_fail_field(f, "ArgumentValue", v);
	return -EACCES;
}

/* Credential=…, SignedHeaders=…, Signature=… in any order. */
static int
components_parse(struct str text, struct str *credential, struct sigv4_auth *auth, struct arena *a,
	struct sigv4_failure *f)
{
	for (struct str rest = text; rest.p;) {
		struct str value = str_trim(str_cut(&rest, ','));
		struct str whole = value, name = str_cut(&value, '=');
		if (whole.len == 0)
			continue;
		if (str_is(name, "Credential"))
			*credential = value;
		else if (str_is(name, "SignedHeaders"))
			auth->signed_headers = value;
		else if (str_is(name, "Signature"))
			auth->signature = value;
		if (!value.p)
			return sigv4_fail(f, &ERR_IncompleteSignature, a,
				sigv4_is_s3(auth) ? "The authorization header is malformed; the "
						    "authorization component \"%.*s\" is malformed."
						  : "'%.*s' not a valid key=value pair (missing "
						    "equal-sign) in Authorization header.",
				STR_FMT(whole));
	}
	return 0;
}

/* AWS names all that is missing, and the header only by its hash. */
static int
fail_incomplete(const struct sigv4_auth *auth, struct str credential, const struct found *h,
	struct arena *a, struct sigv4_failure *f)
{
	unsigned char hash[32];
	const char *missing = !credential.p             ? "Credential"
			      : !auth->signed_headers.p ? "SignedHeaders"
							: "Signature";
	if (sigv4_is_s3(auth))
		return sigv4_fail(f, &sigv4_header_malformed, a,
			"The authorization header is malformed; the %s field is missing.", missing);
	sha256(h->authorization, hash);
	struct str shown = base64_text(a, str_of(hash, sizeof(hash)));
	return sigv4_fail(f, &ERR_IncompleteSignature, a,
		"%s%s%s%s(Hashed with SHA-256 and encoded with Base64) Authorization=%.*s",
		credential.p ? "" : "Authorization header requires 'Credential' parameter. ",
		auth->signature.p ? "" : "Authorization header requires 'Signature' parameter. ",
		auth->signed_headers.p
			? ""
			: "Authorization header requires 'SignedHeaders' parameter. ",
		h->amz_date.p || h->date.p ? ""
					   : "Authorization header requires existence of either "
					     "a 'X-Amz-Date' or a 'Date' header. ",
		STR_FMT(shown));
}

static int
header_date(
	const struct found *h, struct arena *a, struct sigv4_auth *auth, struct sigv4_failure *f)
{
	char text[TIME_TEXT_MAX];
	auth->amz_date = h->amz_date;
	if (h->amz_date.p && sigv4_time_parse(h->amz_date, &auth->time_ms))
		return 0;
	/* A Date header serves too; the string to sign has it in the basic form. */
	struct str given = h->amz_date.p ? h->amz_date : h->date;
	if (given.p && time_parse(given, &auth->time_ms)) {
		auth->amz_date = arena_dup(a, time_format(auth->time_ms, TIME_BASIC, text));
		return 0;
	}
	if (sigv4_is_s3(auth))
		return sigv4_fail(f, &ERR_AccessDenied, a,
			"AWS authentication requires a valid Date or x-amz-date header");
	if (!given.p)
		return sigv4_fail(f, &ERR_IncompleteSignature, a,
			"Authorization header requires existence of "
			"either a 'X-Amz-Date' or a 'Date' header.");
	return sigv4_fail(f, &ERR_IncompleteSignature, a,
		"Date must be in ISO-8601 'basic format'. Got '%.*s'. "
		"See http://en.wikipedia.org/wiki/ISO_8601",
		STR_FMT(given));
}

static int
fail_unsupported(
	const struct found *h, struct sigv4_auth *auth, struct arena *a, struct sigv4_failure *f)
{
	struct str v = h->authorization;
	if (str_starts(v, STR("AWS4-ECDSA-P256-SHA256")))
		return sigv4_fail(f, &ERR_NotImplemented, a,
			"SigV4A (AWS4-ECDSA-P256-SHA256) is not implemented. Please use "
			"AWS4-HMAC-SHA256.");
	if (str_starts(v, STR("AWS ")))
		return sigv4_is_s3(auth) ? sigv4_fail(f, &sigv4_invalid_request, a, V4_REQUIRED)
					 : sigv4_fail(f, &ERR_IncompleteSignature, a, V4_REQUIRED);
	if (!sigv4_is_s3(auth))
		return fail_incomplete(auth, STR_NULL, h, a, f);
	sigv4_fail(f, &sigv4_invalid_argument, a, "Unsupported Authorization Type");
	sigv4_fail_field(f, "ArgumentName", STR("Authorization"));
	sigv4_fail_field(f, "ArgumentValue", v);
	return -EACCES;
}

static int
header_parse(
	const struct found *h, struct sigv4_auth *auth, struct arena *a, struct sigv4_failure *f)
{
	struct str v = h->authorization, credential = STR_NULL;

	auth->form = SIGV4_HEADER;
	if (!str_starts(v, STR(SIGV4_ALGORITHM)) ||
		(v.len > 16 && v.p[16] != ' ' && v.p[16] != '\t'))
		return fail_unsupported(h, auth, a, f);
	if (components_parse(str_slice(v, 16, v.len), &credential, auth, a, f))
		return -EACCES;
	if (!credential.p || !auth->signed_headers.p || !auth->signature.p)
		return fail_incomplete(auth, credential, h, a, f);
	if (!credential_split(credential, auth))
		return sigv4_fail(f, &ERR_IncompleteSignature, a,
			sigv4_is_s3(auth)
				? "The authorization header is malformed; the Credential is "
				  "mal-formed; expecting " CREDENTIAL_FORM "."
				: "Credential must have exactly 5 slash-delimited elements, "
				  "e.g. keyid/date/region/service/term, got '%.*s'",
			STR_FMT(credential));
	if (!signed_headers_valid(auth->signed_headers))
		return sigv4_fail(f, &ERR_IncompleteSignature, a,
			"'%.*s' is not a valid SignedHeaders list.", STR_FMT(auth->signed_headers));
	if (!signature_valid(auth->signature))
		return sigv4_fail(f, &ERR_IncompleteSignature, a,
			"The Signature is not 64 hexadecimal digits.");
	if (header_date(h, a, auth, f))
		return -EACCES;
	auth->token = h->token;
	if (h->content_sha256.p)
		return payload_parse(h->content_sha256, a, auth, f);
	if (sigv4_is_s3(auth))
		return sigv4_fail(f, &sigv4_invalid_request, a,
			"Missing required header for this request: x-amz-content-sha256");
	auth->payload = SIGV4_PAYLOAD_BODY;
	return 0;
}

struct presigned {
	struct str algorithm, credential, date, expires, signed_headers, signature, token,
		content_sha256;
	bool v2_key, v2_signature; /* AWSAccessKeyId and Signature */
};

static void
query_find(struct str query, struct arena *a, struct presigned *q)
{
	const struct {
		struct str name;
		struct str *to;
	} wanted[] = {
		{ STR("X-Amz-Algorithm"), &q->algorithm },
		{ STR("X-Amz-Credential"), &q->credential },
		{ STR("X-Amz-Date"), &q->date },
		{ STR("X-Amz-Expires"), &q->expires },
		{ STR("X-Amz-SignedHeaders"), &q->signed_headers },
		{ STR("X-Amz-Signature"), &q->signature },
		{ STR("X-Amz-Security-Token"), &q->token },
		{ STR("X-Amz-Content-Sha256"), &q->content_sha256 },
	};

	memset(q, 0, sizeof(*q));
	for (struct str rest = query; rest.p;) {
		struct str value = str_cut(&rest, '&');
		struct str name = str_cut(&value, '=');
		if (str_is(name, "AWSAccessKeyId"))
			q->v2_key = true;
		else if (str_is(name, "Signature"))
			q->v2_signature = true;
		if (name.len < 10 || name.p[0] != 'X')
			continue;
		for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
			if (str_eq(name, wanted[i].name)) {
				struct str plain =
					uri_decode(a, value.p ? value : STR(""), URI_PLUS_IS_SPACE);
				*wanted[i].to = plain.p ? plain : STR("");
			}
	}
}

static int
fail_query(const struct sigv4_auth *auth, struct arena *a, struct sigv4_failure *f, const char *why)
{
	return sigv4_fail(f, sigv4_is_s3(auth) ? &sigv4_query_malformed : &ERR_IncompleteSignature,
		a, "%s", why);
}

static int
expires_parse(const struct presigned *q, struct sigv4_auth *auth, struct arena *a,
	struct sigv4_failure *f)
{
	/* Elsewhere it may be left out: the request is then good for as long as its date is. */
	if (!q->expires.p && !sigv4_is_s3(auth)) {
		auth->expires_s = SIGV4_SKEW_MS / 1000;
		return 0;
	}
	if (!str_to_i64(q->expires, &auth->expires_s))
		return fail_query(auth, a, f, "X-Amz-Expires should be a number");
	/* 0 is a number like others: a URL that has always been expired. */
	if (auth->expires_s < 0)
		return fail_query(auth, a, f, "X-Amz-Expires must be non-negative");
	if (auth->expires_s > SIGV4_EXPIRES_MAX_S)
		return fail_query(auth, a, f,
			"X-Amz-Expires must be less than a week (in seconds); that is, "
			"the given X-Amz-Expires must be less than 604800 seconds");
	return 0;
}

static int
query_parse(const struct presigned *q, const struct found *h, struct sigv4_auth *auth,
	struct arena *a, struct sigv4_failure *f)
{
	auth->form = SIGV4_QUERY;
	if (str_is(q->algorithm, "AWS4-ECDSA-P256-SHA256"))
		return sigv4_fail(f, &ERR_NotImplemented, a,
			"SigV4A (AWS4-ECDSA-P256-SHA256) is not implemented. Please use "
			"AWS4-HMAC-SHA256.");
	if (!q->algorithm.p || !q->credential.p || !q->signature.p || !q->date.p ||
		!q->signed_headers.p || (!q->expires.p && sigv4_is_s3(auth)))
		return fail_query(auth, a, f,
			"Query-string authentication version 4 requires the "
			"X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, "
			"X-Amz-SignedHeaders, "
			"and X-Amz-Expires parameters.");
	if (!str_is(q->algorithm, SIGV4_ALGORITHM))
		return fail_query(auth, a, f,
			"X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256 and "
			"AWS4-ECDSA-P256-SHA256\"");
	if (!credential_split(q->credential, auth))
		return fail_query(auth, a, f,
			"Error parsing the X-Amz-Credential parameter; the Credential is "
			"mal-formed; expecting " CREDENTIAL_FORM ".");
	auth->amz_date = q->date;
	if (!sigv4_time_parse(q->date, &auth->time_ms))
		return fail_query(auth, a, f,
			"X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
	if (expires_parse(q, auth, a, f))
		return -EACCES;
	auth->signed_headers = q->signed_headers;
	if (!signed_headers_valid(auth->signed_headers))
		return fail_query(
			auth, a, f, "X-Amz-SignedHeaders is not a valid list of header names.");
	auth->signature = q->signature;
	if (!signature_valid(auth->signature))
		return fail_query(auth, a, f, "X-Amz-Signature is not 64 hexadecimal digits.");
	auth->token = q->token.p ? q->token : h->token;
	struct str stated = q->content_sha256.p ? q->content_sha256 : h->content_sha256;
	if (stated.p)
		return payload_parse(stated, a, auth, f);
	auth->payload = sigv4_is_s3(auth) ? SIGV4_PAYLOAD_UNSIGNED : SIGV4_PAYLOAD_BODY;
	auth->payload_hash = sigv4_is_s3(auth) ? STR("UNSIGNED-PAYLOAD") : STR_NULL;
	return 0;
}

int
sigv4_parse(const struct sigv4_request *r, enum sigv4_style style, struct arena *a,
	struct sigv4_auth *ret_auth, struct sigv4_failure *ret_failure)
{
	struct found h;
	struct presigned q;

	memset(ret_auth, 0, sizeof(*ret_auth));
	ret_auth->style = style;
	headers_find(r, &h);
	query_find(r->query, a, &q);
	bool presigned = q.algorithm.p || (q.signature.p && q.credential.p);
	if (presigned && h.authorization.p && style == SIGV4_STYLE_S3) {
		sigv4_fail(ret_failure, &sigv4_invalid_argument, a,
			"Only one auth mechanism allowed; only the "
			"X-Amz-Algorithm query parameter, Signature query string parameter or the "
			"Authorization header should be specified");
		sigv4_fail_field(ret_failure, "ArgumentName", STR("Authorization"));
		sigv4_fail_field(ret_failure, "ArgumentValue", h.authorization);
		return -EACCES;
	}
	if (h.authorization.p)
		return header_parse(&h, ret_auth, a, ret_failure);
	if (presigned)
		return query_parse(&q, &h, ret_auth, a, ret_failure);
	if (q.v2_key && q.v2_signature)
		return sigv4_fail(ret_failure,
			style == SIGV4_STYLE_S3 ? &sigv4_invalid_request : &ERR_IncompleteSignature,
			a, V4_REQUIRED);
	/* Anonymous uploads may be aws-chunked too. */
	if (h.content_sha256.p)
		return payload_parse(h.content_sha256, a, ret_auth, ret_failure);
	ret_auth->payload = style == SIGV4_STYLE_S3 ? SIGV4_PAYLOAD_UNSIGNED : SIGV4_PAYLOAD_BODY;
	return 0;
}
