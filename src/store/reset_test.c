#include "store/store_test_util.h"

#include <errno.h>

static int
keep_number(struct tx *t, void *arg)
{
	struct str v;
	assert_true(tx_get(t, arg, STR("number"), &v));
	tx_put(t, arg, STR("number"), v);
	return 0;
}

static void
fill(struct store *s, int n)
{
	char key[32];
	for (int i = 0; i < n; i++) {
		snprintf(key, sizeof key, "k%06d", i);
		put(s, store_rows(s, i % 2 ? "s3" : "iam"), str_c(key), STR("v"));
	}
	put(s, store_rows(s, "s3"), STR("number"), STR("7"));
}

static unsigned
count(struct store *s, struct tx *t, const char *name)
{
	struct scan c;
	unsigned n = 0;
	scan_open(&c, t, store_rows(s, name), STR(""), STR_NULL, false);
	while (scan_next(&c))
		n++;
	return n;
}

static unsigned
count_now(struct store *s, const char *name)
{
	struct tx *t = tx_begin_read(s);
	unsigned n = count(s, t, name);
	tx_end(t);
	return n;
}

static void
expect_only_number(struct store *s)
{
	assert_int_equal(count_now(s, "s3"), 1);
	assert_int_equal(count_now(s, "iam"), 0);
	assert_string_equal(get(s, store_rows(s, "s3"), STR("number")), "7");
	assert_null(get(s, store_rows(s, "iam"), STR("k000000")));
}

TEST(a_reset_leaves_what_was_kept)
{
	const char *dir = unit_tmpdir();
	struct store *s = open_at(dir, STORE_FULL, 64 << 10);
	fill(s, 2000); /* some of it merged */
	struct tx *before = tx_begin_read(s);
	assert_int_equal(store_reset(s, keep_number, store_rows(s, "s3")), 0);
	expect_only_number(s);
	assert_int_equal(count(s, before, "s3"), 1001);
	put(s, store_rows(s, "iam"), STR("new"), STR("1"));
	assert_int_equal(count(s, before, "iam"), 1000);
	tx_end(before);
	assert_int_equal(count_now(s, "iam"), 1);
	store_close(s);
	s = open_at(dir, STORE_FULL, 0);
	assert_int_equal(count_now(s, "s3"), 1);
	assert_int_equal(count_now(s, "iam"), 1);
	store_close(s);
}

TEST(a_reset_survives_a_crash)
{
	const char *dir = unit_tmpdir();
	char copy[512];
	for (int round = 0; round < 4; round++) {
		snprintf(copy, sizeof copy, "%s.copy%d", dir, round);
		struct store *s = open_at(dir, STORE_FULL, round % 2 ? 32 << 10 : 0);
		fill(s, round < 2 ? 20 : 1500);
		assert_int_equal(store_reset(s, keep_number, store_rows(s, "s3")), 0);
		copy_dir(dir, copy);
		store_close(s);
		/* Twice: the second time after a clean close. */
		for (int i = 0; i < 2; i++) {
			s = open_at(copy, STORE_FULL, 0);
			expect_only_number(s);
			store_close(s);
		}
	}
}

TEST(rows_after_a_reset_survive_a_crash)
{
	const char *dir = unit_tmpdir();
	char copy[512];
	snprintf(copy, sizeof copy, "%s.copy", dir);
	struct store *s = open_at(dir, STORE_FULL, 32 << 10);
	for (int i = 0; i < 3; i++) {
		fill(s, 1000);
		assert_int_equal(store_reset(s, NULL, NULL), 0);
	}
	fill(s, 500);
	copy_dir(dir, copy);
	store_close(s);
	s = open_at(copy, STORE_FULL, 0);
	assert_int_equal(count_now(s, "iam"), 250);
	assert_int_equal(count_now(s, "s3"), 251);
	store_close(s);
}

static int
refuse(struct tx *t, void *arg)
{
	tx_put(t, arg, STR("x"), STR("y"));
	return -EPERM;
}

TEST(a_refused_reset_changes_nothing)
{
	struct store *s = open_at(unit_tmpdir(), STORE_EPHEMERAL, 0);
	fill(s, 10);
	assert_int_equal(store_reset(s, refuse, store_rows(s, "s3")), -EPERM);
	assert_int_equal(count_now(s, "s3"), 6);
	assert_int_equal(store_reset(s, NULL, NULL), 0);
	assert_int_equal(count_now(s, "s3"), 0);
	store_close(s);
}
