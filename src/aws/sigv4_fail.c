#include "aws/sigv4_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>

/* S3's own codes; what all services share is in errors.h. */
#define ROW(c, s, m)                                                                               \
	{                                                                                          \
		.code = (c), .message = (m), .status = (s)                                         \
	}
const struct api_error sigv4_header_malformed = ROW("AuthorizationHeaderMalformed", 400,
	"The authorization header that you provided is not valid.");
const struct api_error sigv4_query_malformed = ROW("AuthorizationQueryParametersError", 400,
	"The authorization query parameters that you provided are not valid.");
const struct api_error sigv4_invalid_request = ROW("InvalidRequest", 400, "Invalid Request");
const struct api_error sigv4_invalid_argument = ROW("InvalidArgument", 400, "Invalid Argument");
const struct api_error sigv4_hash_mismatch = ROW("XAmzContentSHA256Mismatch", 400,
	"The provided 'x-amz-content-sha256' header does not match what was computed.");
const struct api_error sigv4_headers_not_signed =
	ROW("AccessDenied", 403, "There were headers present in the request which were not signed");
const struct api_error sigv4_not_yet_valid = ROW("AccessDenied", 403, "Request is not valid yet");

int
sigv4_fail(
	struct sigv4_failure *f, const struct api_error *e, struct arena *a, const char *fmt, ...)
{
	va_list ap;
	f->error = e;
	f->fields_n = 0;
	va_start(ap, fmt);
	f->message = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return -EACCES;
}

int
sigv4_fail_default(struct sigv4_failure *f, const struct api_error *e)
{
	f->error = e;
	f->fields_n = 0;
	f->message = STR_NULL;
	return -EACCES;
}

void
sigv4_fail_field(struct sigv4_failure *f, const char *name, struct str value)
{
	assert(f->fields_n < sizeof(f->fields) / sizeof(f->fields[0]));
	f->fields[f->fields_n][0] = str_c(name);
	f->fields[f->fields_n++][1] = value;
}

enum sigv4_style
sigv4_style_of(const struct service *s, enum protocol p)
{
	switch (p) {
	case PROTO_QUERY:
		return SIGV4_STYLE_QUERY;
	case PROTO_EC2:
		return SIGV4_STYLE_EC2;
	case PROTO_REST_JSON:
		return SIGV4_STYLE_REST;
	case PROTO_REST_XML:
		/* Without a known service it is S3's: its URLs have no form of their own. */
		return !s || (s->id && strcmp(s->id, "s3") == 0) ? SIGV4_STYLE_S3
								 : SIGV4_STYLE_REST;
	default:
		return SIGV4_STYLE_JSON;
	}
}

bool
sigv4_is_s3(const struct sigv4_auth *auth)
{
	return auth->style == SIGV4_STYLE_S3;
}
