#include "wire/http_head.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
inside(struct str s, const char *p, size_t n)
{
	return !s.p || (s.p >= p && s.p + s.len <= p + n) || s.len <= 1;
}

/* The verdict must not depend on how the bytes arrive. */
static int
scan_in_steps(const char *p, size_t n, size_t step, const struct http_limits *l, size_t *ret_len,
	uint32_t *ret_lines)
{
	struct http_scan scan = { 0 };
	int status = 0;
	*ret_len = 0;
	for (size_t have = step < n ? step : n;; have = have + step < n ? have + step : n) {
		status = http_head_scan(&scan, p, have, l, ret_len);
		if (status || *ret_len || have == n)
			break;
	}
	*ret_lines = scan.lines;
	return status;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data;
	struct http_limits l;
	http_limits_default(&l);
	size_t whole_len, step_len;
	uint32_t lines, step_lines;
	int whole = scan_in_steps(p, size, size + 1, &l, &whole_len, &lines);
	int steps = scan_in_steps(p, size, 3, &l, &step_len, &step_lines);
	if (whole_len || step_len)
		assert(whole == steps && whole_len == step_len && lines == step_lines);
	if (whole || !whole_len)
		return 0;
	struct http_header *headers = malloc(lines * sizeof(*headers));
	struct http_head head;
	if (http_head_parse(p, whole_len, &l, headers, &head) == 0) {
		const struct http_request *r = &head.request;
		assert(r->headers_n < lines && r->content_length >= -1);
		assert(inside(r->method, p, size) && inside(r->path, p, size));
		assert(inside(r->query, p, size) && inside(r->host, p, size));
		assert(r->path.len && (r->path.p[0] == '/' || r->path.p[0] == '*'));
		for (unsigned i = 0; i < r->headers_n; i++)
			assert(inside(headers[i].name, p, size) &&
				inside(headers[i].value, p, size));
	}
	free(headers);
	return 0;
}
