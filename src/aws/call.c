#include "aws/call.h"
#include "aws/codec_impl.h"
#include "aws/errors.h"
#include "base/uri.h"
#include "wire/http_server.h"

#include <assert.h>

int
call_fail(struct call *c, const struct api_error *e, const char *fmt, ...)
{
	c->error = error_variant(c, e);
	c->status = 0;
	c->error_fields_n = 0;
	c->error_detail = NULL;
	if (fmt) {
		va_list ap;
		va_start(ap, fmt);
		c->error_message = arena_vprintf(c->arena, fmt, ap);
		va_end(ap);
	} else {
		c->error_message = str_c(c->error->message ? c->error->message : c->error->code);
	}
	return CALL_FAILED;
}

int
call_fail_field(struct call *c, const char *name, struct str value)
{
	const size_t cap = sizeof(c->error_fields) / sizeof(c->error_fields[0]);
	assert(c->error && c->error_fields_n < cap);
	struct str *f = c->error_fields[c->error_fields_n++];
	f[0] = str_c(name);
	f[1] = value;
	return CALL_FAILED;
}

void
call_header(struct call *c, const char *name, struct str value)
{
	const size_t cap = sizeof(c->reply_headers) / sizeof(c->reply_headers[0]);
	struct str n = str_c(name);
	size_t i = 0;
	while (i < c->reply_headers_n && !str_eq_nocase(c->reply_headers[i][0], n))
		i++;
	assert(i < cap);
	c->reply_headers[i][0] = n;
	c->reply_headers[i][1] = codec_header_clean(c->arena, value);
	if (i == c->reply_headers_n)
		c->reply_headers_n++;
}

struct str
call_request_header(const struct call *c, struct str name)
{
	for (unsigned i = 0; i < c->headers_n; i++)
		/* Asked for dozens of names by each call: most differ in length already. */
		if (c->headers[i].name.len == name.len && str_eq_nocase(c->headers[i].name, name))
			return c->headers[i].value;
	return STR_NULL;
}

struct str
call_query_param(const struct call *c, struct str name)
{
	return uri_param_get(c->arena, c->query, name);
}
