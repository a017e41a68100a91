#include "wire/http_chunk.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Decodes in steps; the body goes to ret. -1 malformed, 0 more is needed, 1 done. */
static int
decode(const char *p, size_t n, size_t step, struct http_chunk *d, struct buf *ret,
	size_t *ret_used)
{
	size_t at = 0;
	while (at < n && !d->done) {
		struct str data;
		ssize_t used = http_chunk_decode(d, p + at, n - at < step ? n - at : step, &data);
		if (used < 0)
			return -1;
		assert(used > 0 && (size_t)used <= n - at);
		assert(data.p >= p + at && data.p + data.len <= p + at + used);
		buf_add_str(ret, data);
		at += (size_t)used;
	}
	*ret_used = at;
	return d->done;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_chunk one = { 0 }, two = { 0 };
	struct buf a = { 0 }, b = { 0 };
	size_t used_a = 0, used_b = 0;
	int r = decode((const char *)data, size, size + 1, &one, &a, &used_a);
	assert(r == decode((const char *)data, size, 2, &two, &b, &used_b));
	assert(used_a == used_b && str_eq(buf_str(&a), buf_str(&b)));
	if (r == 1) {
		struct arena arena;
		struct http_header *fields;
		unsigned n;
		arena_init(&arena);
		http_chunk_trailers(&one, &arena, &fields, &n);
		arena_done(&arena);
	}
	http_chunk_done(&one);
	http_chunk_done(&two);
	buf_done(&a);
	buf_done(&b);
	return 0;
}
