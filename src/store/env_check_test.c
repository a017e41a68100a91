/* Flipped bits in the file of an environment: what still counts as good must read as it did
 * before. */
#include "store/env_check.h"
#include "store/env_lmdb.h"
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static uint64_t
random_next(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}

static struct str
key_of(char text[1200], uint64_t n)
{
	/* Some keys are long, and share what they begin with. */
	size_t pad = n % 11 == 0 ? 480 : n % 13 == 0 ? 1000 : 0;
	memset(text, 'p', pad);
	int len = snprintf(text + pad, 100, "key %06llu", (unsigned long long)n);
	return str_of(text, pad + (size_t)len);
}

/* Rows put and removed in several transactions, so that pages are free, reused and split; a few
 * values have pages of their own. */
static void
env_fill(const char *dir, uint64_t rows)
{
	static char value[20000];
	char text[1200];
	struct lenv e;
	uint64_t random = 7;
	assert_int_equal(lenv_open(&e, dir, 1u << 30, true, true), 0);
	for (uint64_t round = 0; round < 6; round++) {
		MDB_txn *txn;
		assert_int_equal(mdb_txn_begin(e.env, NULL, 0, &txn), 0);
		for (uint64_t n = 0; n < rows / 3; n++) {
			struct str key = key_of(text, random_next(&random) % rows);
			size_t len = random_next(&random) % (n % 50 == 0 ? sizeof value : 200);
			memset(value, (char)('a' + n % 26), len);
			int rc = n % 4 == 3 ? lenv_del(&e, txn, key)
					    : lenv_put(&e, txn, key, str_of(value, len));
			assert_int_equal(rc, 0);
		}
		assert_int_equal(lenv_put_meta(&e, txn, round + 1), 0);
		assert_int_equal(mdb_txn_commit(txn), 0);
	}
	lenv_close(&e);
}

/* All rows in one number, and how many there are. */
static uint64_t
env_digest(const char *dir, uint64_t *ret_rows)
{
	struct lenv e;
	struct lcursor c;
	MDB_txn *txn;
	uint64_t sum = 0;
	*ret_rows = 0;
	assert_int_equal(lenv_open(&e, dir, 1u << 30, true, false), 0);
	assert_int_equal(mdb_txn_begin(e.env, NULL, MDB_RDONLY, &txn), 0);
	lcursor_open(&c, &e, txn);
	for (bool on = lcursor_ge(&c, STR("")); on; on = lcursor_next(&c)) {
		struct str v;
		sum = sum * 31 + env_value_sum(c.key, c.value);
		*ret_rows += 1;
		assert_int_equal(lenv_get(&e, txn, c.key, &v), LENV_FOUND);
		assert_true(str_eq(v, c.value));
	}
	assert_false(c.damaged);
	lcursor_close(&c);
	mdb_txn_abort(txn);
	lenv_close(&e);
	return sum;
}

static uint64_t
size_of(const char *path)
{
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	return (uint64_t)st.st_size;
}

static void
bit_flip(const char *path, uint64_t bit)
{
	int fd = open(path, O_RDWR);
	char c;
	assert_int_equal(pread(fd, &c, 1, (off_t)(bit / 8)), 1);
	c ^= (char)(1 << (bit % 8));
	assert_int_equal(pwrite(fd, &c, 1, (off_t)(bit / 8)), 1);
	close(fd);
}

TEST(a_whole_file_passes)
{
	const char *dir = unit_tmpdir();
	char path[600];
	snprintf(path, sizeof path, "%s/data.mdb", dir);
	struct env_check c = { 0 };
	assert_int_equal(env_check(path, &c), ENV_ABSENT);
	for (uint64_t rows = 3; rows < 4000; rows = rows * 3 + 1) {
		unlink(path);
		env_fill(dir, rows);
		uint64_t n;
		env_digest(dir, &n);
		c = (struct env_check){ 0 };
		assert_int_equal(env_check(path, &c), ENV_GOOD);
		assert_int_equal(c.seq, 6);
		assert_int_equal(c.bad_pages + c.bad_values, 0);
		assert_int_equal(c.rows[ENV_ROWS], c.entries[ENV_ROWS]);
	}
}

TEST(a_flipped_bit_is_noticed_or_does_not_matter)
{
	const char *dir = unit_tmpdir();
	char path[600];
	snprintf(path, sizeof path, "%s/data.mdb", dir);
	env_fill(dir, 1500);
	uint64_t rows, again, digest = env_digest(dir, &rows), random = 99, noticed = 0,
			      flips = 3000;
	uint64_t bits = size_of(path) * 8;
	for (uint64_t i = 0; i < flips; i++) {
		struct env_check c = { 0 };
		/* Every bit of the two roots, then anywhere. */
		uint64_t bit =
			i < 1200 ? (i / 600) * 4096 * 8 + i % 600 * 2 : random_next(&random) % bits;
		bit_flip(path, bit);
		enum env_verdict v = env_check(path, &c);
		if (v == ENV_GOOD) {
			assert_int_equal(env_digest(dir, &again), digest);
			assert_int_equal(again, rows);
		} else {
			assert_int_equal(v, ENV_DAMAGED);
			assert_true(c.bad_pages + c.bad_values > 0);
			noticed++;
		}
		bit_flip(path, bit);
	}
	assert_true(noticed > flips / 4);
	assert_int_equal(env_digest(dir, &again), digest);
}

TEST(files_that_are_cut_or_are_something_else_do_not_pass)
{
	const char *dir = unit_tmpdir();
	char path[600];
	snprintf(path, sizeof path, "%s/data.mdb", dir);
	env_fill(dir, 300);
	struct env_check c = { 0 };
	assert_int_equal(truncate(path, (off_t)size_of(path) - 4096 * 3), 0);
	assert_int_equal(env_check(path, &c), ENV_DAMAGED);
	assert_int_equal(truncate(path, 4096), 0);
	assert_int_equal(env_check(path, &c), ENV_DAMAGED);
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(env_check(path, &c), ENV_ABSENT);
	FILE *f = fopen(path, "w");
	for (int i = 0; i < 5000; i++)
		fputs("not a database ", f);
	fclose(f);
	assert_int_equal(env_check(path, &c), ENV_DAMAGED);
}

TEST(only_the_check_of_a_large_file_can_be_stopped)
{
	const char *dir = unit_tmpdir();
	char path[600];
	atomic_bool stop = true;
	uint64_t large = env_check_large;
	snprintf(path, sizeof path, "%s/data.mdb", dir);
	env_fill(dir, 300);
	struct env_check c = { .stop = &stop };
	assert_int_equal(env_check(path, &c), ENV_GOOD);
	env_check_large = 1;
	assert_int_equal(env_check(path, &c), ENV_STOPPED);
	assert_int_equal(c.bad_pages + c.bad_values, 0);
	stop = false;
	c = (struct env_check){ .stop = &stop };
	assert_int_equal(env_check(path, &c), ENV_GOOD);
	env_check_large = large;
}
