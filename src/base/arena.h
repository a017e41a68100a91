/*
 * arena: memory that is freed all at once. One for each call; handlers allocate here and never
 * free. Not thread-safe: an arena belongs to whoever runs the call at the moment.
 */
#ifndef HANEUL_BASE_ARENA_H
#define HANEUL_BASE_ARENA_H

#include "base/str.h"

#include <stdarg.h>

struct arena_block;

struct arena {
	struct arena_block *blocks; /* newest first */
	char *at, *end;
	size_t total_bytes; /* taken from the heap */
};

void arena_init(struct arena *a);
void arena_done(struct arena *a);
/* Frees all but one block, which is kept for the next use. */
void arena_reset(struct arena *a);
/* Zeroed, aligned to 16. Never NULL. size may be 0. */
void *arena_alloc(struct arena *a, size_t size);
/* Not zeroed, byte-aligned: for text. */
char *arena_alloc_raw(struct arena *a, size_t size);
#define arena_new(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define arena_array(a, type, n) ((type *)arena_alloc((a), sizeof(type) * (size_t)(n)))
/* Copies; STR_NULL stays STR_NULL. The copy is followed by NUL. */
struct str arena_dup(struct arena *a, struct str s);
char *arena_cstr(struct arena *a, struct str s); /* NUL-terminated copy */
struct str arena_printf(struct arena *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
struct str arena_vprintf(struct arena *a, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));
struct str arena_concat(struct arena *a, struct str x, struct str y);

#endif
