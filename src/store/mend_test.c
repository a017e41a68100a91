/* A store in two directories: either may be lost, both may be damaged. */
#include "store/sides_test_util.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>

/* Of some file below a directory. */
static char *flip_files[64];
static unsigned flip_files_n;

static int
flip_file_note(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	const char *name = path + ftw->base;
	if (kind == FTW_F && st->st_size > 0 && strcmp(name, "lock") && strcmp(name, "lock.mdb") &&
		strcmp(name, "version") && flip_files_n < 64)
		flip_files[flip_files_n++] = strdup(path);
	return 0;
}

static void
random_flip(struct pair *p, const char *dir)
{
	assert_int_equal(nftw(dir, flip_file_note, 16, FTW_PHYS), 0);
	assert_true(flip_files_n > 0);
	const char *file = flip_files[rnd(p, flip_files_n)];
	struct stat st;
	int fd = open(file, O_RDWR);
	assert_int_equal(fstat(fd, &st), 0);
	off_t at = (off_t)rnd(p, (uint64_t)st.st_size);
	char c;
	assert_int_equal(pread(fd, &c, 1, at), 1);
	c ^= (char)(1 << rnd(p, 8));
	assert_int_equal(pwrite(fd, &c, 1, at), 1);
	close(fd);
	while (flip_files_n > 0)
		free(flip_files[--flip_files_n]);
}

static void
await_scrub(struct store *s)
{
	struct store_stats st;
	store_scrub(s);
	do {
		usleep(2000);
		store_stats_get(s, &st);
	} while (!st.scrubs_total);
}

TEST(flipped_bits_in_one_directory_are_healed)
{
	struct pair p;
	pair_left(&p);
	for (unsigned round = 0; round < 30; round++) {
		for (int i = 0; i < 40; i++)
			random_flip(&p, p.dir[round % 2]);
		struct store *s = pair_open(&p);
		expect_all(s, ROWS, 0);
		/* What was not read is read by the scrub. */
		await_scrub(s);
		await_whole(s);
		fill(s, 0, 100, 0);
		store_close(s);
	}
}

TEST(flipped_bits_in_both_directories_are_healed)
{
	struct pair p;
	pair_left(&p);
	for (unsigned round = 0; round < 60; round++) {
		for (int i = 0; i < 2; i++)
			random_flip(&p, p.dir[i]);
		struct store *s = pair_open(&p);
		expect_all(s, ROWS, 0);
		await_scrub(s);
		await_whole(s);
		store_close(s);
	}
}

/* A value of a running store's LMDB is changed under it. */
TEST(a_value_damaged_while_it_runs_is_read_from_the_other_copy)
{
	struct pair p;
	struct store_stats st;
	pair_make(&p);
	struct store *s = pair_open(&p);
	fill(s, 0, ROWS, 0);
	store_close(s);
	for (int round = 0; round < 2; round++) {
		s = pair_open(&p);
		struct key k;
		struct tx *t = tx_begin_read(s);
		struct str v;
		assert_true(tx_get(t, store_rows(s, "s3"), row_key(&k, 1), &v));
		tx_end(t);
		char path[600];
		snprintf(path, sizeof path, "%s/s3/data.mdb", p.dir[0]);
		int fd = open(path, O_RDWR);
		off_t size = lseek(fd, 0, SEEK_END);
		/* Runs of one letter are inside values. */
		for (off_t at = 0; at < size; at += 512) {
			char text[8];
			if (pread(fd, text, 8, at) == 8 && text[0] >= 'a' && text[0] <= 'z' &&
				memcmp(text, text + 1, 7) == 0)
				assert_int_equal(pwrite(fd, "\0", 1, at + 3), 1);
		}
		close(fd);
		if (round == 0)
			expect_all(s, ROWS, 0);
		else
			store_scrub(s);
		for (int i = 0; i < 1000; i++) {
			store_stats_get(s, &st);
			if (st.repaired_total)
				break;
			usleep(2000);
		}
		await_whole(s);
		store_stats_get(s, &st);
		assert_int_equal(st.lost_total, 0);
		assert_true(st.damaged_total > 0 && st.repaired_total > 0);
		expect_all(s, ROWS, 0);
		store_close(s);
	}
}

TEST(directories_taken_away_while_it_runs_are_made_again)
{
	struct pair p;
	pair_make(&p);
	struct store *s = pair_open(&p);
	fill(s, 0, ROWS / 2, 0);
	for (unsigned round = 0; round < 6; round++) {
		wipe_dir(p.dir[round % 2]);
		unsigned from = ROWS / 2 + round * 50;
		fill(s, from, from + 25, 0);
		await_whole(s);
		fill(s, from + 25, from + 50, 0);
		expect_all(s, from + 50, 0);
		/* What a crash would find in either directory alone. */
		char copy[500];
		snprintf(copy, sizeof copy, "%.450s.crash%u", p.dir[round % 2], round);
		copy_dir(p.dir[round % 2], copy);
		struct store *c = open_at(copy, STORE_FULL, 0);
		expect_all(c, from + 50, 0);
		store_close(c);
	}
	store_close(s);
}

