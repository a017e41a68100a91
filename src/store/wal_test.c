#include "store/io.h"
#include "store/store_test_util.h"
#include "store/wal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct seen {
	uint64_t groups, units, last_number;
};

/* Groups of these tests are a number in text, then filling. */
static int
see(void *arg, const struct wal_group *g)
{
	struct seen *s = arg;
	s->groups++;
	s->units += g->units;
	s->last_number = strtoull(g->payload.p, NULL, 10);
	return 0;
}

static int
log_at(struct wal **ret_log, const char *dir, const char *other, bool fresh, wal_replay_fn *replay,
	void *arg)
{
	struct wal_options o = { .dirs = { dir, other }, .fresh = fresh };
	return wal_open(ret_log, &o, replay, arg);
}

static struct wal *
wal_at(const char *dir, struct seen *s)
{
	struct wal *l = NULL;
	*s = (struct seen){ 0 };
	assert_int_equal(log_at(&l, dir, NULL, true, see, s), 0);
	return l;
}

static int
append(struct wal *l, uint64_t number, size_t bytes)
{
	struct buf b = { 0 };
	wal_begin(&b);
	size_t start = b.len;
	buf_printf(&b, "%llu ", (unsigned long long)number);
	while (b.len - start < bytes)
		buf_add_c(&b, 'f');
	int rc = wal_append(l, &b, wal_last_seq(l) + 1, 2);
	if (!rc)
		rc = wal_sync(l);
	buf_done(&b);
	return rc;
}

/* A log with records 1..count of 100 bytes, left as a crash leaves it. Its file is the second one.
 */
static void
wal_left(const char *dir, char ret_file[512], int count)
{
	struct seen s;
	struct wal *l = wal_at(dir, &s);
	for (int i = 1; i <= count; i++)
		assert_int_equal(append(l, (uint64_t)i, 100), 0);
	assert_int_equal(wal_close(l, false), 0);
	snprintf(ret_file, 512, "%s/%016x.log", dir, 2);
}

static void
flip(const char *file, off_t at)
{
	int fd = open(file, O_RDWR);
	char c;
	assert_int_equal(pread(fd, &c, 1, at), 1);
	c ^= 0x10;
	assert_int_equal(pwrite(fd, &c, 1, at), 1);
	close(fd);
}

/* 40 bytes of head and 100 of payload make 192 with what fills up. */
#define RECORD 192

TEST(groups_come_back_in_order)
{
	const char *dir = unit_tmpdir();
	char file[512];
	struct seen s;
	wal_left(dir, file, 5);
	struct wal *l = wal_at(dir, &s);
	assert_int_equal(s.groups, 5);
	assert_int_equal(s.units, 10);
	assert_int_equal(wal_last_seq(l), 10);
	assert_int_equal(append(l, 6, 100), 0);
	wal_close(l, false);
	l = wal_at(dir, &s);
	assert_int_equal(s.groups, 6);
	assert_int_equal(s.last_number, 6);
	wal_close(l, true);
	l = wal_at(dir, &s);
	assert_int_equal(s.groups, 0);
	assert_int_equal(wal_last_seq(l), 12);
	wal_close(l, true);
}

TEST(a_torn_tail_is_cut_wherever_it_is_torn)
{
	const char *base = unit_tmpdir();
	char dir[512], file[512];
	struct seen s;
	for (int at = 0; at < 140; at += 3) {
		snprintf(dir, sizeof dir, "%.300s/%d", base, at);
		wal_left(dir, file, 3);
		flip(file, 4096 + 2 * RECORD + at);
		struct wal *l = wal_at(dir, &s);
		assert_int_equal(s.groups, 2);
		assert_int_equal(append(l, 30, 100), 0);
		wal_close(l, false);
		wal_close(wal_at(dir, &s), false);
		assert_int_equal(s.groups, 3);
		assert_int_equal(s.last_number, 30);
	}
	for (int cut = 1; cut < 140; cut += 13) {
		snprintf(dir, sizeof dir, "%.300s/cut%d", base, cut);
		wal_left(dir, file, 3);
		assert_int_equal(truncate(file, 4096 + 2 * RECORD + cut), 0);
		wal_close(wal_at(dir, &s), false);
		assert_int_equal(s.groups, 2);
	}
}

TEST(damage_before_the_tail_is_refused)
{
	const char *base = unit_tmpdir();
	char dir[512], file[512];
	struct seen s = { 0 };
	struct wal *l;
	for (int at = 0; at < 140; at += 5) {
		snprintf(dir, sizeof dir, "%.300s/%d", base, at);
		wal_left(dir, file, 3);
		flip(file, 4096 + RECORD + at);
		assert_int_equal(log_at(&l, dir, NULL, true, see, &s), -EBADMSG);
	}
	snprintf(dir, sizeof dir, "%.300s/head", base);
	wal_left(dir, file, 3);
	flip(file, 17);
	wal_close(wal_at(dir, &s), false);
	assert_int_equal(s.groups, 3);
	snprintf(file, sizeof file, "%.300s/%016x.log", dir, 3);
	flip(file, 17);
	flip(file, 2048 + 33);
	assert_int_equal(log_at(&l, dir, NULL, true, see, &s), -EBADMSG);
	/* A file that is gone from the middle, and a log that is gone. */
	snprintf(dir, sizeof dir, "%s", unit_tmpdir());
	l = wal_at(dir, &s);
	for (int i = 0; i < 5; i++)
		append(l, 1, 600 << 10);
	wal_close(l, false);
	snprintf(file, sizeof file, "%.300s/%016x.log", dir, 4);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(log_at(&l, dir, NULL, true, see, &s), -EBADMSG);
	assert_int_equal(log_at(&l, unit_tmpdir(), NULL, false, see, &s), -EBADMSG);
}

TEST(recycled_files_lend_nothing)
{
	const char *dir = unit_tmpdir();
	struct seen s;
	struct wal *l = wal_at(dir, &s);
	for (uint64_t i = 1; i <= 40; i++) {
		assert_int_equal(append(l, i, 300 << 10), 0);
		wal_prepare(l);
		if (i % 4 == 0)
			wal_release(l, wal_last_seq(l));
	}
	assert_true(wal_disk_bytes(l) < 40u << 20);
	for (uint64_t i = 41; i <= 43; i++)
		assert_int_equal(append(l, i, 100), 0);
	wal_close(l, false);
	wal_close(wal_at(dir, &s), false);
	assert_int_equal(s.last_number, 43);
	assert_true(s.groups >= 3 && s.groups < 40);
	wal_close(wal_at(dir, &s), false);
	assert_int_equal(s.last_number, 43);
}

static int
refuse(void *arg, const struct wal_group *g)
{
	(void)arg;
	return g->first_seq > 2 ? -ENOMEM : 0;
}

TEST(what_the_replay_refuses_ends_the_open)
{
	const char *dir = unit_tmpdir();
	char file[512];
	struct wal *l;
	wal_left(dir, file, 3);
	assert_int_equal(log_at(&l, dir, NULL, true, refuse, NULL), -ENOMEM);
}

/* A log of two sides with records 1..count, left as a crash leaves it. */
static void
pair_left(const char *base, char dirs[2][400], int count)
{
	struct seen s = { 0 };
	struct wal *l;
	for (int i = 0; i < 2; i++)
		snprintf(dirs[i], 400, "%.300s.%d", base, i);
	assert_int_equal(log_at(&l, dirs[0], dirs[1], true, see, &s), 0);
	assert_int_equal(wal_sides(l), 3);
	for (int i = 1; i <= count; i++)
		assert_int_equal(append(l, (uint64_t)i, 100), 0);
	assert_int_equal(wal_close(l, false), 0);
}

/* Opens both sides, expects the records 1..count, adds one, and expects each side alone to hold
 * all. */
static void
expect_pair(char dirs[2][400], unsigned healed, uint64_t count)
{
	struct seen s = { 0 };
	struct wal *l;
	assert_int_equal(log_at(&l, dirs[0], dirs[1], false, see, &s), 0);
	assert_int_equal(wal_sides(l), 3);
	assert_int_equal(wal_healed(l), healed);
	assert_int_equal(s.groups, count);
	assert_int_equal(s.last_number, count);
	assert_int_equal(append(l, count + 1, 100), 0);
	wal_close(l, false);
	for (int i = 0; i < 2; i++) {
		s = (struct seen){ 0 };
		assert_int_equal(log_at(&l, dirs[i], NULL, false, see, &s), 0);
		assert_int_equal(s.groups, count + 1);
		assert_int_equal(s.last_number, count + 1);
		wal_close(l, false);
	}
}

TEST(either_side_of_a_log_may_be_lost)
{
	char dirs[2][400];
	pair_left(unit_tmpdir(), dirs, 5);
	expect_pair(dirs, 0, 5);
	wipe_dir(dirs[0]);
	expect_pair(dirs, 1, 6);
	wipe_dir(dirs[1]);
	expect_pair(dirs, 2, 7);
}

TEST(sides_damaged_in_different_places_make_one_whole_log)
{
	char dirs[2][400], file[512];
	pair_left(unit_tmpdir(), dirs, 6);
	for (int i = 0; i < 2; i++) {
		snprintf(file, sizeof file, "%s/%016x.log", dirs[i], 2);
		flip(file, 4096 + (1 + 2 * i) * RECORD + 50);
		flip(file, 4096 + (i ? 0 : 5) * RECORD + 20);
	}
	expect_pair(dirs, 3, 6);
	/* The same record on both sides is lost, and that is said. */
	char lost[2][400];
	struct seen s = { 0 };
	struct wal *l;
	pair_left(unit_tmpdir(), lost, 6);
	for (int i = 0; i < 2; i++) {
		snprintf(file, sizeof file, "%s/%016x.log", lost[i], 2);
		flip(file, 4096 + 3 * RECORD + 50);
	}
	assert_int_equal(log_at(&l, lost[0], lost[1], false, see, &s), -EBADMSG);
}

TEST(a_side_that_is_behind_catches_up)
{
	char dirs[2][400], old[400];
	pair_left(unit_tmpdir(), dirs, 3);
	snprintf(old, sizeof old, "%.300s.old", dirs[0]);
	copy_dir(dirs[1], old);
	expect_pair(dirs, 0, 3);
	expect_pair(dirs, 0, 4);
	wipe_dir(dirs[1]);
	assert_int_equal(rename(old, dirs[1]), 0);
	expect_pair(dirs, 2, 5);
}

static int failing_fd = -1;

static int
sync_fails_on_one(int fd)
{
	if (fd == failing_fd) {
		errno = EIO;
		return -1;
	}
	return fdatasync(fd);
}

/* The number of the descriptor that has a log of `dir` open. */
static int
fd_of(const char *dir)
{
	for (int fd = 0; fd < 256; fd++) {
		char link[64], path[600];
		snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
		ssize_t n = readlink(link, path, sizeof path - 1);
		path[n > 0 ? n : 0] = 0;
		if (n > 4 && strncmp(path, dir, strlen(dir)) == 0 &&
			strcmp(path + n - 4, ".log") == 0)
			return fd;
	}
	return -1;
}

TEST(a_failing_side_is_given_up_and_may_come_back)
{
	char dirs[2][400];
	struct seen s = { 0 };
	struct wal *l;
	for (unsigned side = 0; side < 2; side++) {
		pair_left(unit_tmpdir(), dirs, 3);
		assert_int_equal(log_at(&l, dirs[0], dirs[1], false, see, &s), 0);
		assert_int_equal(append(l, 4, 100), 0);
		assert_int_equal(wal_look(l), 0);
		failing_fd = fd_of(dirs[side]);
		assert_true(failing_fd >= 0);
		store_io.fdatasync = sync_fails_on_one;
		assert_int_equal(append(l, 5, 100), 0);
		store_io.fdatasync = fdatasync;
		assert_int_equal(wal_sides(l), side ? 1 : 2);
		assert_int_equal(append(l, 6, 100), 0);
		assert_int_equal(wal_rejoin(l, side), 0);
		assert_int_equal(wal_sides(l), 3);
		assert_int_equal(append(l, 7, 100), 0);
		wal_close(l, false);
		expect_pair(dirs, 0, 7);
	}
}

TEST(a_side_that_was_taken_away_is_noticed)
{
	char dirs[2][400];
	struct seen s = { 0 };
	struct wal *l;
	pair_left(unit_tmpdir(), dirs, 3);
	assert_int_equal(log_at(&l, dirs[0], dirs[1], false, see, &s), 0);
	assert_int_equal(append(l, 4, 100), 0);
	wipe_dir(dirs[1]);
	assert_int_equal(wal_look(l), 2);
	wal_drop(l, 1);
	assert_int_equal(append(l, 5, 100), 0);
	assert_int_equal(wal_rejoin(l, 1), 0);
	assert_int_equal(wal_look(l), 0);
	wal_close(l, false);
	expect_pair(dirs, 0, 5);
}
