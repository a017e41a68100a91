#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>

#define ARENA_FIRST_BLOCK 4096
#define ARENA_MAX_BLOCK (1u << 20)

struct arena_block {
	struct arena_block *next;
	size_t size;
	_Alignas(16) char data[];
};

void
arena_init(struct arena *a)
{
	memset(a, 0, sizeof(*a));
}

void
arena_done(struct arena *a)
{
	if (!a)
		return;
	while (a->blocks) {
		struct arena_block *next = a->blocks->next;
		free(a->blocks);
		a->blocks = next;
	}
	arena_init(a);
}

void
arena_reset(struct arena *a)
{
	struct arena_block *keep = a->blocks;
	if (!keep)
		return;
	/* The oldest block is the smallest: keep that, so that one large call leaves nothing
	 * behind. */
	while (keep->next) {
		struct arena_block *next = keep->next;
		a->total_bytes -= keep->size;
		free(keep);
		keep = next;
	}
	a->blocks = keep;
	a->at = keep->data;
	a->end = keep->data + keep->size;
}

static void
arena_grow(struct arena *a, size_t need)
{
	size_t size = a->blocks ? a->blocks->size * 2 : ARENA_FIRST_BLOCK;
	if (size > ARENA_MAX_BLOCK)
		size = ARENA_MAX_BLOCK;
	if (size < need + 16)
		size = need + 16;
	struct arena_block *b = malloc(sizeof(*b) + size);
	if (!b)
		abort();
	b->next = a->blocks;
	b->size = size;
	a->blocks = b;
	a->at = b->data;
	a->end = b->data + size;
	a->total_bytes += size;
}

char *
arena_alloc_raw(struct arena *a, size_t size)
{
	if (size > (size_t)(a->end - a->at))
		arena_grow(a, size);
	char *p = a->at;
	a->at += size;
	return p;
}

void *
arena_alloc(struct arena *a, size_t size)
{
	size_t pad = (size_t)(-(uintptr_t)a->at & 15);
	if (a->at && pad <= (size_t)(a->end - a->at))
		a->at += pad;
	if (size > (size_t)(a->end - a->at) || !a->at || ((uintptr_t)a->at & 15))
		arena_grow(a, size);
	void *p = a->at;
	a->at += size;
	return memset(p, 0, size);
}

char *
arena_cstr(struct arena *a, struct str s)
{
	char *p = arena_alloc_raw(a, s.len + 1);
	if (s.len)
		memcpy(p, s.p, s.len);
	p[s.len] = 0;
	return p;
}

struct str
arena_dup(struct arena *a, struct str s)
{
	return s.p ? str_of(arena_cstr(a, s), s.len) : STR_NULL;
}

struct str
arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	va_list again;
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0)
		return STR("");
	char *p = arena_alloc_raw(a, (size_t)n + 1);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	return str_of(p, (size_t)n);
}

struct str
arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	struct str s = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return s;
}

struct str
arena_concat(struct arena *a, struct str x, struct str y)
{
	char *p = arena_alloc_raw(a, x.len + y.len + 1);
	if (x.len)
		memcpy(p, x.p, x.len);
	if (y.len)
		memcpy(p + x.len, y.p, y.len);
	p[x.len + y.len] = 0;
	return str_of(p, x.len + y.len);
}
