/*
 * buf: an owned, growing run of bytes on the heap. buf_init/buf_done in place; a zeroed struct is
 * an empty buf. Grows by doubling. Callers bound what they append; out of memory aborts.
 * After every append one spare byte holds NUL, so b->p can be printed when it is text.
 */
#ifndef HANEUL_BASE_BUF_H
#define HANEUL_BASE_BUF_H

#include "base/str.h"

#include <stdarg.h>

struct buf {
	char *p; /* NULL while empty and never grown */
	size_t len;
	size_t cap;
};

void buf_init(struct buf *b);
void buf_done(struct buf *b);  /* NULL is fine; leaves an empty buf */
void buf_clear(struct buf *b); /* keeps the memory */
/* Makes room for `more` further bytes and returns where they go (b->p + b->len). */
char *buf_reserve(struct buf *b, size_t more);
void buf_add(struct buf *b, const void *p, size_t len);
void buf_add_str(struct buf *b, struct str s);
#define buf_add_lit(b, lit) buf_add((b), "" lit, sizeof(lit) - 1)
void buf_add_c(struct buf *b, char c);
void buf_add_u64(struct buf *b, uint64_t v); /* decimal */
void buf_add_i64(struct buf *b, int64_t v);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
/* Drops `n` bytes from the front (memmove). */
void buf_consume(struct buf *b, size_t n);

static inline struct str
buf_str(const struct buf *b)
{
	return (struct str){ b->p ? b->p : "", b->len };
}

#endif
