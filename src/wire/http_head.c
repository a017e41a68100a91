#include "wire/http_head.h"

#include <strings.h>

enum {
	TOKEN = 1,  /* of methods and field names */
	VALUE = 2,  /* of field values */
	TARGET = 4, /* of request targets; bytes above 127 are let through as real servers do */
	HOST = 8,
};

static const uint8_t classes[256] = {
	['\t'] = VALUE,
	[' '] = VALUE,
	['"'] = VALUE | TARGET,
	['#'] = VALUE | TOKEN,
	['('] = VALUE | TARGET,
	[')'] = VALUE | TARGET,
	[','] = VALUE | TARGET,
	['/'] = VALUE | TARGET,
	[':'] = VALUE | TARGET | HOST,
	[';'] = VALUE | TARGET,
	['<'] = VALUE | TARGET,
	['='] = VALUE | TARGET,
	['>'] = VALUE | TARGET,
	['?'] = VALUE | TARGET,
	['@'] = VALUE | TARGET,
	['['] = VALUE | TARGET | HOST,
	['\\'] = VALUE | TARGET,
	[']'] = VALUE | TARGET | HOST,
	['{'] = VALUE | TARGET,
	['}'] = VALUE | TARGET,
	['!'] = VALUE | TARGET | TOKEN,
	['$' ... '\''] = VALUE | TARGET | TOKEN,
	['*' ... '+'] = VALUE | TARGET | TOKEN,
	['-' ... '.'] = VALUE | TARGET | TOKEN | HOST,
	['0' ... '9'] = VALUE | TARGET | TOKEN | HOST,
	['A' ... 'Z'] = VALUE | TARGET | TOKEN | HOST,
	['^'] = VALUE | TARGET | TOKEN,
	['_'] = VALUE | TARGET | TOKEN | HOST,
	['`'] = VALUE | TARGET | TOKEN,
	['a' ... 'z'] = VALUE | TARGET | TOKEN | HOST,
	['|'] = VALUE | TARGET | TOKEN,
	['~'] = VALUE | TARGET | TOKEN | HOST,
	[0x80 ... 0xff] = VALUE | TARGET,
};

#define METHOD_MAX 32
#define HOST_MAX 512

static size_t
span(const char *p, size_t n, uint8_t class)
{
	size_t i = 0;
	while (i < n && classes[(uint8_t)p[i]] & class)
		i++;
	return i;
}

static bool
all_of(struct str s, uint8_t class)
{
	return span(s.p, s.len, class) == s.len;
}

int
http_head_scan(struct http_scan *scan, const char *p, size_t n, const struct http_limits *limits,
	size_t *ret_len)
{
	*ret_len = 0;
	if (n && !(classes[(uint8_t)p[0]] & TOKEN))
		return 400;
	for (;;) {
		const char *lf = memchr(p + scan->at, '\n', n - scan->at);
		if (!lf)
			break;
		const char *line = p + scan->at;
		if (lf == line || lf[-1] != '\r')
			return 400;
		scan->at = (uint32_t)(lf + 1 - p);
		if (scan->at > limits->head_bytes)
			return 431;
		if (lf - line == 1) {
			*ret_len = scan->at;
			return scan->lines ? 0 : 400;
		}
		if (++scan->lines > limits->headers_n + 1)
			return 431;
	}
	if (!scan->lines && n > (size_t)limits->target_bytes + METHOD_MAX + 16)
		return 414;
	return n >= limits->head_bytes ? 431 : 0;
}

int
http_field_parse(const char *line, size_t len, struct http_header *ret_header)
{
	size_t name = span(line, len, TOKEN);
	if (!name || name == len || line[name] != ':')
		return 400;
	const char *p = line + name + 1, *end = line + len;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	ret_header->name = str_of(line, name);
	ret_header->value = str_of(p, (size_t)(end - p));
	return all_of(ret_header->value, VALUE) ? 0 : 400;
}

/* ---- the request line ---- */

static int
parse_version(struct str v, struct http_request *r)
{
	if (v.len != 8 || memcmp(v.p, "HTTP/", 5) || v.p[6] != '.' || v.p[5] < '0' ||
		v.p[5] > '9' || v.p[7] < '0' || v.p[7] > '9')
		return 400;
	if (v.p[5] != '1')
		return 505;
	r->http10 = v.p[7] == '0';
	return 0;
}

/* http://host:port/path?query: leaves the authority in r->host and returns what follows it. */
static struct str
cut_authority(struct str target, struct http_request *r)
{
	size_t skip = 0;
	if (target.len > 7 && !strncasecmp(target.p, "http://", 7))
		skip = 7;
	else if (target.len > 8 && !strncasecmp(target.p, "https://", 8))
		skip = 8;
	else
		return STR_NULL;
	struct str rest = str_slice(target, skip, target.len);
	size_t n = span(rest.p, rest.len, HOST);
	if (!n || (n < rest.len && rest.p[n] != '/' && rest.p[n] != '?'))
		return STR_NULL;
	r->host = str_slice(rest, 0, n);
	return str_slice(rest, n, rest.len);
}

static int
parse_target(struct http_request *r)
{
	struct str t = r->target;
	if (!t.len || !all_of(t, TARGET))
		return 400;
	r->query = STR_NULL;
	if (str_is(t, "*")) {
		r->path = t;
		return str_is(r->method, "OPTIONS") ? 0 : 400;
	}
	if (t.p[0] != '/') {
		t = cut_authority(t, r);
		if (!t.p)
			return 400;
	}
	const char *q = memchr(t.p, '?', t.len);
	r->path = q ? str_of(t.p, (size_t)(q - t.p)) : t;
	if (q)
		r->query = str_of(q + 1, t.len - r->path.len - 1);
	if (!r->path.len)
		r->path = STR("/");
	return 0;
}

static int
parse_request_line(struct str line, const struct http_limits *limits, struct http_request *r)
{
	size_t n = span(line.p, line.len, TOKEN);
	if (!n || n > METHOD_MAX || n == line.len || line.p[n] != ' ')
		return 400;
	r->method = str_of(line.p, n);
	struct str rest = str_slice(line, n + 1, line.len);
	const char *sp = memchr(rest.p, ' ', rest.len);
	if (!sp)
		return 400;
	r->target = str_of(rest.p, (size_t)(sp - rest.p));
	int status = parse_version(str_slice(rest, r->target.len + 1, rest.len), r);
	if (status)
		return status;
	if (r->target.len > limits->target_bytes)
		return 414;
	return parse_target(r);
}

/* ---- the fields that frame the message ---- */

struct framing {
	struct str host, length, coding, expect;
	bool close, keep_alive;
};

/* Keeps the only value of a field that may come once; a second one is an error, even if equal. */
static int
only(struct str *at, struct str value)
{
	if (at->p)
		return 400;
	*at = value;
	return 0;
}

static void
note_connection(struct framing *f, struct str value)
{
	while (value.p) {
		struct str token = str_trim(str_cut(&value, ','));
		if (str_eq_nocase(token, STR("close")))
			f->close = true;
		else if (str_eq_nocase(token, STR("keep-alive")))
			f->keep_alive = true;
	}
}

static int
note_field(struct framing *f, const struct http_header *h)
{
	switch (h->name.len) {
	case 4:
		return strncasecmp(h->name.p, "Host", 4) ? 0 : only(&f->host, h->value);
	case 6:
		return strncasecmp(h->name.p, "Expect", 6) ? 0 : only(&f->expect, h->value);
	case 10:
		if (!strncasecmp(h->name.p, "Connection", 10))
			note_connection(f, h->value);
		return 0;
	case 14:
		return strncasecmp(h->name.p, "Content-Length", 14) ? 0
								    : only(&f->length, h->value);
	case 17:
		return strncasecmp(h->name.p, "Transfer-Encoding", 17) ? 0
								       : only(&f->coding, h->value);
	}
	return 0;
}

static int
apply_body(const struct framing *f, struct http_request *r)
{
	if (f->coding.p) {
		if (f->length.p || r->http10 || !str_eq_nocase(f->coding, STR("chunked")))
			return 400;
		r->content_length = -1;
	} else if (f->length.p) {
		/* Digits alone: str_to_i64 would take a sign. */
		if (!f->length.len || f->length.p[0] < '0' || f->length.p[0] > '9' ||
			f->length.len > 18 || !str_to_i64(f->length, &r->content_length))
			return 400;
	}
	if (!f->expect.p || r->http10)
		return 0;
	/* What else is expected is not understood; S3 takes such requests as if it were not
	 * there. */
	if (!str_eq_nocase(f->expect, STR("100-continue")))
		return 0;
	/* Also before an empty body: botocore takes a final answer without 100 for the end of the
	 * connection's order and misreads the next one. */
	r->expect_continue = r->content_length != 0 || f->length.p;
	return 0;
}

static int
apply_host(const struct framing *f, struct http_request *r)
{
	struct str named = r->host; /* by an absolute-form target */
	if (!f->host.p) {
		if (!r->http10)
			return 400;
		if (!named.p)
			r->host = STR("");
		return 0;
	}
	if (f->host.len > HOST_MAX || !all_of(f->host, HOST) || (!f->host.len && !r->http10))
		return 400;
	/* RFC 9112 lets the target win over the field; a client that names two hosts is refused. */
	if (named.p && !str_eq_nocase(named, f->host))
		return 400;
	r->host = f->host;
	return 0;
}

int
http_head_parse(const char *p, size_t len, const struct http_limits *limits,
	struct http_header *headers, struct http_head *ret_head)
{
	struct http_request r = { .headers = headers };
	struct framing f = { 0 };
	const char *end = p + len - 2; /* the blank line */
	const char *lf = memchr(p, '\n', len);
	int status = parse_request_line(str_of(p, (size_t)(lf - 1 - p)), limits, &r);
	for (p = lf + 1; !status && p < end; p = lf + 1) {
		struct http_header *h = &headers[r.headers_n++];
		lf = memchr(p, '\n', (size_t)(end - p));
		status = http_field_parse(p, (size_t)(lf - 1 - p), h);
		if (!status)
			status = note_field(&f, h);
	}
	if (!status)
		status = apply_host(&f, &r);
	if (!status)
		status = apply_body(&f, &r);
	ret_head->request = r;
	ret_head->keep_alive = r.http10 ? f.keep_alive && !f.close : !f.close;
	return status;
}

struct str
http_request_header(const struct http_request *r, struct str name)
{
	for (unsigned i = 0; i < r->headers_n; i++)
		if (r->headers[i].name.len == name.len &&
			str_eq_nocase(r->headers[i].name, name))
			return r->headers[i].value;
	return STR_NULL;
}
