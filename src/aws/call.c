#include "aws/call.h"
#include "aws/errors.h"
#include "wire/http_server.h"

#include <assert.h>

int
call_fail(struct call *c, const struct api_error *e, const char *fmt, ...)
{
	c->error = error_variant(c, e);
	c->error_fields_n = 0;
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

/* A value that came from outside must not be able to end its line in the reply. */
static struct str
header_clean(struct arena *a, struct str v)
{
	size_t i = 0;
	while (i < v.len && (unsigned char)v.p[i] >= ' ' && v.p[i] != 0x7f)
		i++;
	if (i == v.len)
		return v;
	char *p = arena_alloc_raw(a, v.len);
	for (i = 0; i < v.len; i++)
		p[i] = (unsigned char)v.p[i] >= ' ' && v.p[i] != 0x7f ? v.p[i] : ' ';
	return str_of(p, v.len);
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
	c->reply_headers[i][1] = header_clean(c->arena, value);
	if (i == c->reply_headers_n)
		c->reply_headers_n++;
}

struct str
call_request_header(const struct call *c, struct str name)
{
	for (unsigned i = 0; i < c->headers_n; i++)
		if (str_eq_nocase(c->headers[i].name, name))
			return c->headers[i].value;
	return STR_NULL;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Form decoding: %XX and '+'. A '%' that no two digits follow stays as it is. */
static struct str
param_decode(struct arena *a, struct str s)
{
	if (!s.len || (!memchr(s.p, '%', s.len) && !memchr(s.p, '+', s.len)))
		return s.p ? s : STR("");
	char *p = arena_alloc_raw(a, s.len);
	size_t n = 0;
	for (size_t i = 0; i < s.len; i++) {
		int hi, lo;
		if (s.p[i] == '%' && i + 2 < s.len && (hi = hex_digit(s.p[i + 1])) >= 0 &&
			(lo = hex_digit(s.p[i + 2])) >= 0) {
			p[n++] = (char)(hi << 4 | lo);
			i += 2;
		} else {
			p[n++] = s.p[i] == '+' ? ' ' : s.p[i];
		}
	}
	return str_of(p, n);
}

struct str
call_query_param(const struct call *c, struct str name)
{
	struct str rest = c->query;
	while (rest.p) {
		struct str value = str_cut(&rest, '&');
		struct str key = str_cut(&value, '=');
		if (key.len >= name.len && str_eq(param_decode(c->arena, key), name))
			return param_decode(c->arena, value);
	}
	return STR_NULL;
}
