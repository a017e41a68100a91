#include "base/map.h"
#include "unit.h"

#include <stdio.h>

#define KEYS 1000

/* Puts and takes in an order that makes runs wrap and holes close, against a plain table. */
static void
churn(struct map *m, struct map_u64 *u)
{
	static char names[KEYS][8];
	static char *there[KEYS];
	uint32_t x = 1;
	size_t n = 0;
	memset(there, 0, sizeof(there));
	for (int i = 0; i < 20000; i++) {
		x = x * 1664525 + 1013904223;
		unsigned k = (x >> 8) % KEYS;
		struct str key = str_of(names[k], (size_t)snprintf(names[k], 8, "k%u", k));
		bool take = x >> 30 == 0;
		void *old = take ? map_take(m, key) : map_put(m, key, names[k]);
		assert_ptr_equal(old, there[k]);
		assert_ptr_equal(take ? map_u64_take(u, k) : map_u64_put(u, k, names[k]), there[k]);
		n += !take && !there[k];
		n -= take && there[k];
		there[k] = take ? NULL : names[k];
		assert_int_equal(m->n, n);
		assert_int_equal(u->n, n);
	}
	for (unsigned k = 0; k < KEYS; k++) {
		assert_ptr_equal(map_get(m, str_c(names[k])), there[k]);
		assert_ptr_equal(map_u64_get(u, k), there[k]);
	}
	size_t at = 0, seen = 0;
	struct str key;
	void *value;
	while (map_next(m, &at, &key, &value)) {
		assert_ptr_equal(value, key.p);
		seen++;
	}
	assert_int_equal(seen, n);
	uint64_t number;
	for (at = seen = 0; map_u64_next(u, &at, &number, &value); seen++)
		assert_ptr_equal(value, there[number]);
	assert_int_equal(seen, n);
}

TEST(map_on_the_heap)
{
	struct map m = { 0 };
	struct map_u64 u = { 0 };
	assert_null(map_get(&m, STR("a")));
	assert_null(map_take(&m, STR("a")));
	assert_null(map_u64_get(&u, 0));
	churn(&m, &u);
	map_done(&m);
	map_u64_done(&u);
}

TEST(map_in_an_arena)
{
	struct arena a = { 0 };
	struct map m;
	struct map_u64 u;
	map_init(&m, &a);
	map_u64_init(&u, &a);
	churn(&m, &u);
	arena_done(&a);
}
