#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

void
buf_init(struct buf *b)
{
	memset(b, 0, sizeof(*b));
}

void
buf_done(struct buf *b)
{
	if (!b)
		return;
	free(b->p);
	buf_init(b);
}

void
buf_clear(struct buf *b)
{
	b->len = 0;
	if (b->p)
		b->p[0] = 0;
}

char *
buf_reserve(struct buf *b, size_t more)
{
	if (b->cap - b->len <= more || !b->p) {
		size_t cap = b->cap ? b->cap * 2 : 64;
		if (cap < b->len + more + 1)
			cap = b->len + more + 1;
		char *p = realloc(b->p, cap);
		if (!p)
			abort();
		b->p = p;
		b->cap = cap;
	}
	return b->p + b->len;
}

void
buf_add(struct buf *b, const void *p, size_t len)
{
	char *at = buf_reserve(b, len);
	if (len)
		memcpy(at, p, len);
	b->len += len;
	b->p[b->len] = 0;
}

void
buf_add_str(struct buf *b, struct str s)
{
	buf_add(b, s.p, s.len);
}

void
buf_add_c(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void
buf_add_u64(struct buf *b, uint64_t v)
{
	char tmp[20];
	size_t at = sizeof(tmp);
	do {
		tmp[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	buf_add(b, tmp + at, sizeof(tmp) - at);
}

void
buf_add_i64(struct buf *b, int64_t v)
{
	if (v < 0)
		buf_add_c(b, '-');
	buf_add_u64(b, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void
buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0)
		return;
	vsnprintf(buf_reserve(b, (size_t)n), (size_t)n + 1, fmt, ap);
	b->len += (size_t)n;
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
}

void
buf_consume(struct buf *b, size_t n)
{
	if (n >= b->len) {
		buf_clear(b);
		return;
	}
	memmove(b->p, b->p + n, b->len - n + 1);
	b->len -= n;
}
