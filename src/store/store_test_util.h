/* What the store's tests share: a store in a fresh directory, and short ways to write and read. */
#ifndef HANEUL_STORE_TEST_UTIL_H
#define HANEUL_STORE_TEST_UTIL_H

#include "store/store.h"
#include "unit.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline struct store *
open_at(const char *dir, enum store_durability d, uint64_t memtable_bytes)
{
	struct store_options o = { .dir = dir,
		.durability = d,
		.memtable_bytes = memtable_bytes,
		.map_bytes = 1ull << 32 };
	struct store *s = NULL;
	assert_int_equal(store_open(&s, &o, NULL), 0);
	return s;
}

static inline struct store *
open_pair(const char *dir, const char *second, uint64_t memtable_bytes)
{
	struct store_options o = { .dir = dir,
		.second_dir = second,
		.memtable_bytes = memtable_bytes,
		.map_bytes = 1ull << 32 };
	struct store *s = NULL;
	assert_int_equal(store_open(&s, &o, NULL), 0);
	return s;
}

/* Looks, as the care does, until both directories have everything. */
static inline void
await_whole(struct store *s)
{
	struct store_stats st;
	for (int i = 0; i < 2000; i++) {
		store_look(s);
		usleep(5000);
		store_stats_get(s, &st);
		if (st.side[0].whole && st.side[1].whole)
			return;
	}
	fail_msg("the second copy did not become whole");
}

/* A shell command on paths of the test's own directory. */
static inline void
shell(const char *fmt, ...)
{
	char cmd[2200];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(cmd, sizeof cmd, fmt, ap);
	va_end(ap);
	assert_int_equal(system(cmd), 0);
}

/* Away at once, so that nobody makes anything in it meanwhile. */
static inline void
wipe_dir(const char *dir)
{
	shell("mv '%.500s' '%.500s.gone' && rm -r '%.500s.gone'", dir, dir, dir);
}

struct one_row {
	struct rows *r;
	struct str key, value; /* value.p NULL: delete */
	int rc;
};

static inline int
one_row_run(struct tx *t, void *arg)
{
	struct one_row *w = arg;
	if (w->value.p)
		tx_put(t, w->r, w->key, w->value);
	else
		tx_delete(t, w->r, w->key);
	return w->rc;
}

static inline int
put(struct store *s, struct rows *r, struct str key, struct str value)
{
	struct one_row w = { r, key, value, 0 };
	return store_write(s, one_row_run, &w);
}

static inline int
del(struct store *s, struct rows *r, struct str key)
{
	struct one_row w = { r, key, STR_NULL, 0 };
	return store_write(s, one_row_run, &w);
}

/* The value as C text in static memory; NULL when absent. */
static inline const char *
get(struct store *s, struct rows *r, struct str key)
{
	static char text[256];
	struct tx *t = tx_begin_read(s);
	struct str v;
	bool found = tx_get(t, r, key, &v);
	if (found)
		snprintf(text, sizeof text, "%.*s", STR_FMT(v));
	tx_end(t);
	return found ? text : NULL;
}

static inline void
copy_dir(const char *from, const char *to)
{
	shell("cp -r '%s' '%s'", from, to);
}

#endif
