#include "store/store_test_util.h"

#include <errno.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

TEST(rows_survive_a_close)
{
	const char *dir = unit_tmpdir();
	struct store *s = open_at(dir, STORE_FULL, 0);
	struct rows *r = store_rows(s, "s3");
	assert_int_equal(put(s, r, STR("a"), STR("1")), 0);
	assert_int_equal(put(s, r, STR("b"), STR("")), 0);
	assert_int_equal(del(s, r, STR("a")), 0);
	store_close(s);
	s = open_at(dir, STORE_FULL, 0);
	r = store_rows(s, "s3");
	assert_null(get(s, r, STR("a")));
	assert_string_equal(get(s, r, STR("b")), "");
	assert_int_equal(put(s, r, STR("c"), STR("3")), 0);
	assert_string_equal(get(s, r, STR("c")), "3");
	store_close(s);
}

TEST(rows_survive_a_crash)
{
	const char *dir = unit_tmpdir();
	char copy[512];
	snprintf(copy, sizeof copy, "%s.copy", dir);
	struct store *s = open_at(dir, STORE_FULL, 0);
	struct rows *a = store_rows(s, "s3"), *b = store_rows(s, "iam");
	assert_int_equal(put(s, a, STR("k"), STR("of s3")), 0);
	assert_int_equal(put(s, b, STR("k"), STR("of iam")), 0);
	copy_dir(dir, copy);
	store_close(s);
	for (int i = 0; i < 2; i++) {
		s = open_at(copy, STORE_FULL, 0);
		assert_string_equal(get(s, store_rows(s, "s3"), STR("k")), "of s3");
		assert_string_equal(get(s, store_rows(s, "iam"), STR("k")), "of iam");
		store_close(s);
	}
}

static int
fail_run(struct tx *t, void *arg)
{
	struct rows *r = arg;
	struct str v;
	tx_put(t, r, STR("x"), STR("new"));
	tx_put(t, r, STR("y"), STR("new"));
	tx_delete(t, r, STR("z"));
	assert_true(tx_is_writer(t));
	assert_true(tx_get(t, r, STR("x"), &v) && str_is(v, "new"));
	tx_put(t, r, STR("x"), STR("newer"));
	assert_true(str_is(v, "new"));
	assert_false(tx_get(t, r, STR("z"), &v));
	return 42;
}

TEST(a_failing_unit_leaves_nothing)
{
	struct store *s = open_at(unit_tmpdir(), STORE_FULL, 0);
	struct rows *r = store_rows(s, "s3");
	put(s, r, STR("x"), STR("old"));
	put(s, r, STR("z"), STR("old"));
	assert_int_equal(store_write(s, fail_run, r), 42);
	assert_string_equal(get(s, r, STR("x")), "old");
	assert_null(get(s, r, STR("y")));
	assert_string_equal(get(s, r, STR("z")), "old");
	struct store_stats st;
	store_stats_get(s, &st);
	assert_int_equal(st.undone_total, 1);
	assert_int_equal(st.units_total, 3);
	store_close(s);
}

TEST(keys_and_values_beyond_the_limits_fail_their_unit)
{
	struct store *s = open_at(unit_tmpdir(), STORE_FULL, 0);
	struct rows *r = store_rows(s, "s3");
	static char big[STORE_KEY_MAX + 1];
	assert_int_equal(put(s, r, str_of(big, sizeof big), STR("v")), -EINVAL);
	assert_int_equal(put(s, r, STR(""), STR("v")), -EINVAL);
	assert_int_equal(put(s, r, STR_NULL, STR("v")), -EINVAL);
	assert_int_equal(put(s, r, str_of(big, sizeof big - 1), STR("v")), 0);
	assert_string_equal(get(s, r, str_of(big, sizeof big - 1)), "v");
	assert_null(get(s, r, STR_NULL));
	store_close(s);
}

TEST(a_snapshot_does_not_move)
{
	struct store *s = open_at(unit_tmpdir(), STORE_FULL, 4096);
	struct rows *r = store_rows(s, "s3");
	char key[32], big[1000];
	memset(big, 'b', sizeof big);
	put(s, r, STR("k"), STR("old"));
	struct tx *t = tx_begin_read(s);
	/* Enough to freeze and merge several memtables, which this reader never looked into. */
	for (int i = 0; i < 60; i++) {
		snprintf(key, sizeof key, "f%d", i);
		put(s, r, str_c(key), str_of(big, sizeof big));
		put(s, r, STR("k"), STR("new"));
	}
	struct store_stats st;
	store_stats_get(s, &st);
	assert_true(st.merges_total > 0);
	struct str v;
	assert_true(tx_get(t, r, STR("k"), &v) && str_is(v, "old"));
	assert_false(tx_get(t, r, STR("f0"), &v));
	struct scan c;
	int rows = 0;
	for (scan_open(&c, t, r, STR(""), STR_NULL, false); scan_next(&c); rows++)
		assert_true(str_is(c.key, "k") && str_is(c.value, "old"));
	assert_int_equal(rows, 1);
	tx_end(t);
	assert_string_equal(get(s, r, STR("k")), "new");
	store_close(s);
}

TEST(the_directory_has_one_holder_and_a_version)
{
	const char *dir = unit_tmpdir();
	struct store_options o = { .dir = dir, .map_bytes = 1ull << 32 };
	struct store *s = open_at(dir, STORE_FULL, 0), *other = NULL;
	int holder = 0;
	struct stat st;
	char path[512];
	assert_int_equal(store_open(&other, &o, &holder), -EBUSY);
	assert_int_equal(holder, getpid());
	put(s, store_rows(s, "s3"), STR("k"), STR("v"));
	store_close(s);
	snprintf(path, sizeof path, "%s/s3", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	o.durability = STORE_EPHEMERAL;
	assert_int_equal(store_open(&other, &o, NULL), -EEXIST);
	o.durability = STORE_FULL;
	snprintf(path, sizeof path, "%s/version", dir);
	FILE *f = fopen(path, "w");
	fputs("3 0123456789abcdef0123456789abcdef\n", f);
	fclose(f);
	assert_int_equal(store_open(&other, &o, NULL), -EPROTO);
}

TEST(an_ephemeral_store_leaves_nothing)
{
	char dir[512];
	struct stat st;
	snprintf(dir, sizeof dir, "%s/e", unit_tmpdir());
	struct store *s = open_at(dir, STORE_EPHEMERAL, 4096);
	struct rows *r = store_rows(s, "s3");
	char key[32];
	for (int i = 0; i < 200; i++) {
		snprintf(key, sizeof key, "k%d", i);
		assert_int_equal(put(s, r, str_c(key), str_c(key)), 0);
	}
	for (int i = 0; i < 200; i++) {
		snprintf(key, sizeof key, "k%d", i);
		assert_string_equal(get(s, r, str_c(key)), key);
	}
	store_close(s);
	assert_int_equal(stat(dir, &st), -1);
}

struct touch_log {
	char text[256];
};

static void
touched(void *arg, struct str key)
{
	struct touch_log *l = arg;
	size_t n = strlen(l->text);
	snprintf(l->text + n, sizeof l->text - n, "%.*s;", STR_FMT(key));
}

static int
touch_run(struct tx *t, void *arg)
{
	tx_touch(t, STR("b"));
	tx_touch(t, STR("a"));
	tx_touch(t, STR("b"));
	return *(int *)arg;
}

TEST(touched_keys_are_told_once_and_not_of_undone_units)
{
	struct touch_log l = { "" };
	struct store_options o = {
		.dir = unit_tmpdir(), .map_bytes = 1ull << 32, .touched = touched, .touched_arg = &l
	};
	struct store *s;
	int rc = 0;
	assert_int_equal(store_open(&s, &o, NULL), 0);
	assert_int_equal(store_write(s, touch_run, &rc), 0);
	rc = 1;
	assert_int_equal(store_write(s, touch_run, &rc), 1);
	store_close(s);
	assert_string_equal(l.text, "a;b;");
}

struct counter {
	struct store_unit u;
	struct rows *r;
	int *done_order;
	int number, fail;
};

static int
counter_run(struct store_unit *u, struct tx *t)
{
	struct counter *c = (struct counter *)u;
	struct str v = STR("0");
	char text[16];
	uint64_t n;
	tx_get(t, c->r, STR("n"), &v);
	assert_true(str_to_u64(v, &n));
	assert_int_equal(*c->done_order <= c->number, 1);
	snprintf(text, sizeof text, "%d", (int)n + 1);
	tx_put(t, c->r, STR("n"), str_c(text));
	return c->fail;
}

static void
counter_done(struct store_unit *u, int status)
{
	struct counter *c = (struct counter *)u;
	assert_int_equal(status, 0);
	assert_int_equal((*c->done_order)++, c->number);
}

TEST(a_list_of_units_is_taken_in_its_order)
{
	struct store *s = open_at(unit_tmpdir(), STORE_FULL, 0);
	struct rows *r = store_rows(s, "s3");
	static struct counter c[90];
	int order = 0;
	for (int i = 0; i < 90; i++)
		c[i] = (struct counter){ { i % 30 < 29 ? &c[i + 1].u : NULL, counter_run,
						 counter_done },
			r, &order, i, i % 4 == 3 };
	for (int i = 0; i < 90; i += 30)
		store_submit_list(s, &c[i].u);
	assert_int_equal(put(s, r, STR("x"), STR("y")), 0);
	assert_int_equal(order, 90);
	assert_string_equal(get(s, r, STR("n")), "68");
	store_close(s);
}

/* What a unit read, or found missing, is not what the next one reads. */
static int
turns_run(struct tx *t, void *arg)
{
	struct rows *r = arg;
	struct str v;
	bool was = tx_get(t, r, STR("turn"), &v);
	assert_int_equal(tx_get(t, r, STR("turn"), &v), was);
	if (was)
		tx_delete(t, r, STR("turn"));
	else
		tx_put(t, r, STR("turn"), STR("mine"));
	assert_int_equal(tx_get(t, r, STR("turn"), &v), !was);
	return was;
}

TEST(rows_read_twice_are_as_current_as_rows_read_once)
{
	struct store *s = open_at(unit_tmpdir(), STORE_FULL, 32 << 10);
	struct rows *r = store_rows(s, "s3");
	char key[32], filling[500];
	memset(filling, 'f', sizeof filling);
	for (int i = 0; i < 300; i++) {
		/* A unit that says other than 0 is undone: the row stays, so it is deleted here. */
		assert_int_equal(store_write(s, turns_run, r), i % 2);
		if (i % 2)
			assert_int_equal(del(s, r, STR("turn")), 0);
		else
			assert_string_equal(get(s, r, STR("turn")), "mine");
		snprintf(key, sizeof key, "%d", i);
		assert_int_equal(put(s, r, str_c(key), str_of(filling, sizeof filling)), 0);
	}
	store_close(s);
}

TEST(units_run_in_order_each_on_the_one_before)
{
	struct store *s = open_at(unit_tmpdir(), STORE_FULL, 0);
	struct rows *r = store_rows(s, "s3");
	static struct counter c[1000];
	int order = 0;
	for (int i = 0; i < 1000; i++) {
		c[i] = (struct counter){ { NULL, counter_run, counter_done }, r, &order, i,
			i % 4 == 3 };
		store_submit(s, &c[i].u);
	}
	assert_int_equal(put(s, r, STR("x"), STR("y")), 0);
	assert_int_equal(order, 1000);
	assert_string_equal(get(s, r, STR("n")), "750");
	struct store_stats st;
	store_stats_get(s, &st);
	assert_true(st.syncs_total < 500);
	store_close(s);
}
