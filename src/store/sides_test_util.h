/* What the tests of a store in two directories share. */
#ifndef HANEUL_STORE_SIDES_TEST_UTIL_H
#define HANEUL_STORE_SIDES_TEST_UTIL_H

#include "store/store_test_util.h"

struct pair {
	char dir[2][480];
	uint64_t random;
};

static inline void
pair_make(struct pair *p)
{
	const char *base = unit_tmpdir();
	snprintf(p->dir[0], sizeof p->dir[0], "%.400s/one", base);
	snprintf(p->dir[1], sizeof p->dir[1], "%.400s/disk/two", base);
	p->random = 4711;
}

static inline struct store *
pair_open(const struct pair *p)
{
	return open_pair(p->dir[0], p->dir[1], 64 << 10);
}

static inline uint64_t
rnd(struct pair *p, uint64_t n)
{
	p->random = p->random * 6364136223846793005u + 1442695040888963407u;
	return (p->random >> 33) % n;
}

#define ROWS 1200

static inline struct str
row_key(struct key *k, unsigned n)
{
	static const char pad[700];
	key_begin(k);
	if (n % 17 == 0)
		key_add_raw(k, str_of(pad, sizeof pad));
	key_add_u64(k, n * 0x9e3779b97f4a7c15ull);
	return key_str(k);
}

static inline struct str
row_value(char text[600], unsigned n, unsigned round)
{
	size_t len = n % 500 + 1;
	memset(text, (int)('a' + (n + round) % 26), len);
	return str_of(text, len);
}

static inline void
fill(struct store *s, unsigned from, unsigned to, unsigned round)
{
	struct key k;
	char text[600];
	for (unsigned n = from; n < to; n++)
		assert_int_equal(put(s, store_rows(s, n % 3 ? "s3" : "iam"), row_key(&k, n),
					 row_value(text, n, round)), 0);
}

/* Every row by itself, then all of them by a walk. */
static inline void
expect_all(struct store *s, unsigned count, unsigned round)
{
	struct key k;
	char text[600];
	struct str v;
	struct tx *t = tx_begin_read(s);
	for (unsigned n = 0; n < count; n++) {
		assert_true(tx_get(t, store_rows(s, n % 3 ? "s3" : "iam"), row_key(&k, n), &v));
		assert_true(str_eq(v, row_value(text, n, round)));
	}
	unsigned seen = 0;
	for (int i = 0; i < 4; i++) {
		struct scan c;
		scan_open(&c, t, store_rows(s, i % 2 ? "s3" : "iam"), STR(""), STR_NULL, i > 1);
		while (scan_next(&c))
			seen++;
	}
	assert_int_equal(seen, 2 * count);
	assert_false(tx_damaged(t));
	tx_end(t);
}

/* Leaves a store as a crash leaves it: some rows merged, some in the log. */
static inline void
pair_left(struct pair *p)
{
	struct pair live;
	pair_make(&live);
	struct store *s = pair_open(&live);
	fill(s, 0, ROWS, 0);
	*p = live;
	for (int i = 0; i < 2; i++) {
		snprintf(p->dir[i], sizeof p->dir[i], "%.470s.copy", live.dir[i]);
		copy_dir(live.dir[i], p->dir[i]);
	}
	store_close(s);
}

#endif
