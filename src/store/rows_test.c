/* Which copy of an environment is opened, and what older versions left. */
#include "store/env_check.h"
#include "store/sides_test_util.h"
#include "store/store_private.h"
#include "store/wal_private.h"

#include <sys/stat.h>

TEST(a_lost_environment_comes_back)
{
	struct pair p;
	char path[500];
	pair_left(&p);
	for (int i = 0; i < 4; i++) {
		snprintf(path, sizeof path, "%s/%s", p.dir[i % 2], i < 2 ? "s3" : "_log");
		wipe_dir(path);
		struct store *s = pair_open(&p);
		expect_all(s, ROWS, 0);
		fill(s, 0, 1, 0);
		rows_open(store_rows(s, "s3"), false);
		atomic_store(&s->mend_work, true);
		fill(s, 0, ROWS, 0);
		await_whole(s);
		store_close(s);
		assert_int_equal(access(path, F_OK), 0);
	}
}

/* As the version before this one left it: values without checksums, other names, a log without
 * seeds. */
TEST(an_older_layout_is_taken_over)
{
	const char *dir = unit_tmpdir();
	char path[600], text[64];
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi[3];
	static const char *const names[3] = { "rows", "long", "meta" };
	snprintf(path, sizeof path, "%s/s3", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(mdb_env_create(&env), 0);
	mdb_env_set_maxdbs(env, 3);
	assert_int_equal(mdb_env_open(env, path, 0, 0600), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(mdb_dbi_open(txn, names[i], MDB_CREATE, &dbi[i]), 0);
	for (int i = 0; i < 500; i++) {
		int len = snprintf(text, sizeof text, "key%04d", i);
		MDB_val k = { (size_t)len, text };
		assert_int_equal(mdb_put(txn, dbi[0], &k, &k, 0), 0);
	}
	uint64_t meta[2] = { 500, 1 };
	assert_int_equal(
		mdb_put(txn, dbi[2], &(MDB_val){ 3, "pos" }, &(MDB_val){ 16, meta }, 0), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
	snprintf(path, sizeof path, "%s/version", dir);
	FILE *f = fopen(path, "w");
	fputs("1\n", f);
	fclose(f);
	snprintf(path, sizeof path, "%s/_log", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof path, "%s/_log/%016x.log", dir, 9);
	struct wal_header h = { WAL_MAGIC_1, 0, 9, 77, 501, 0, 0 };
	h.seed = wal_header_hash(&h);
	char page[4096] = "";
	memcpy(page, &h, 48);
	f = fopen(path, "w");
	fwrite(page, sizeof page, 1, f);
	fclose(f);
	struct store *s = open_at(dir, STORE_FULL, 0);
	assert_string_equal(get(s, store_rows(s, "s3"), STR("key0123")), "key0123");
	assert_int_equal(put(s, store_rows(s, "s3"), STR("key0500"), STR("key0500")), 0);
	store_close(s);
	s = open_at(dir, STORE_FULL, 0);
	for (int i = 0; i <= 500; i++) {
		snprintf(text, sizeof text, "key%04d", i);
		assert_string_equal(get(s, store_rows(s, "s3"), str_c(text)), text);
	}
	store_close(s);
}

/* As if every file were large. */
static struct store *
large_open(const struct pair *p)
{
	env_check_large = 1;
	return pair_open(p);
}

static void
large_close(struct store *s, uint64_t large)
{
	store_close(s);
	env_check_large = large;
}

TEST(in_a_hurry_nothing_is_checked_and_nothing_lost)
{
	struct pair p;
	struct store_stats st;
	struct str v;
	struct key k;
	uint64_t large = env_check_large;
	pair_left(&p);
	struct store *s = large_open(&p);
	fill(s, 0, 20, 1);
	/* The second copies were not looked at yet: what waits stays in the log. */
	large_close(s, large);
	s = pair_open(&p);
	fill(s, 0, 20, 0);
	expect_all(s, ROWS, 0);
	store_stats_get(s, &st);
	assert_int_equal(st.damaged_total, 0);
	store_close(s);
	s = pair_open(&p);
	env_check_large = 1;
	store_hurry(s);
	struct tx *t = tx_begin_read(s);
	assert_false(tx_get(t, store_rows(s, "s3"), row_key(&k, 1), &v));
	assert_true(tx_damaged(t));
	tx_end(t);
	store_stats_get(s, &st);
	assert_int_equal(st.lost_total + st.damaged_total, 0);
	large_close(s, large);
	s = pair_open(&p);
	expect_all(s, ROWS, 0);
	store_close(s);
}

TEST(what_is_large_is_opened_ahead)
{
	struct pair p;
	uint64_t large = env_check_large;
	pair_make(&p);
	struct store *s = pair_open(&p);
	fill(s, 0, ROWS, 0);
	store_close(s);
	s = large_open(&p);
	assert_true(s->ahead);
	for (int i = 0; i < 2; i++)
		while (atomic_load(&store_rows(s, i ? "s3" : "iam")->state) != ROWS_OPEN)
			usleep(1000);
	expect_all(s, ROWS, 0);
	large_close(s, large);
	s = pair_open(&p);
	assert_false(s->ahead);
	expect_all(s, ROWS, 0);
	store_close(s);
}
