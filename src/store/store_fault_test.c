/* Disks that fail, and children that are killed. */
#include "store/io.h"
#include "store/store_test_util.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static int fail_with;

static int
bad_fdatasync(int fd)
{
	if (!fail_with)
		return fdatasync(fd);
	errno = fail_with;
	return -1;
}

static ssize_t
bad_pwrite(int fd, const void *p, size_t len, off_t offset)
{
	if (!fail_with)
		return pwrite(fd, p, len, offset);
	/* Half of it arrives, then the disk gives up. */
	if (len > 1 && len < 100000)
		return pwrite(fd, p, len / 2, offset);
	errno = fail_with;
	return -1;
}

static ssize_t
bad_pwrite_whole(int fd, const void *p, size_t len, off_t offset)
{
	if (!fail_with)
		return pwrite(fd, p, len, offset);
	errno = fail_with;
	return -1;
}

static int
bad_fallocate(int fd, int mode, off_t offset, off_t len)
{
	if (!fail_with)
		return fallocate(fd, mode, offset, len);
	errno = fail_with;
	return -1;
}

static void
io_restore(void)
{
	fail_with = 0;
	store_io = (struct store_io){ pwrite, fdatasync, fallocate };
}

static void
failed_log_ends_writing(void)
{
	const char *dir = unit_tmpdir();
	struct store *s = open_at(dir, STORE_FULL, 0);
	struct rows *r = store_rows(s, "s3");
	struct store_stats st;
	assert_int_equal(put(s, r, STR("a"), STR("1")), 0);
	fail_with = EIO;
	assert_int_equal(put(s, r, STR("a"), STR("2")), -EIO);
	assert_int_equal(put(s, r, STR("b"), STR("2")), -EIO);
	fail_with = 0;
	assert_int_equal(put(s, r, STR("c"), STR("2")), -EIO);
	assert_string_equal(get(s, r, STR("a")), "1");
	assert_null(get(s, r, STR("b")));
	store_stats_get(s, &st);
	assert_true(st.read_only);
	store_close(s);
	s = open_at(dir, STORE_FULL, 0);
	r = store_rows(s, "s3");
	assert_string_equal(get(s, r, STR("a")), "1");
	assert_null(get(s, r, STR("b")));
	assert_int_equal(put(s, r, STR("c"), STR("3")), 0);
	store_close(s);
	s = open_at(dir, STORE_FULL, 0);
	assert_string_equal(get(s, store_rows(s, "s3"), STR("c")), "3");
	store_close(s);
}

TEST(a_failed_sync_undoes_the_group_and_ends_writing)
{
	store_io.fdatasync = bad_fdatasync;
	failed_log_ends_writing();
	io_restore();
}

TEST(a_failed_write_undoes_the_group_and_ends_writing)
{
	store_io.pwrite = bad_pwrite_whole;
	failed_log_ends_writing();
	io_restore();
}

TEST(a_full_disk_refuses_the_group_and_goes_on)
{
	char dir[512], copy[600];
	snprintf(dir, sizeof dir, "%s", unit_tmpdir());
	struct store *s = open_at(dir, STORE_FULL, 0);
	struct rows *r = store_rows(s, "s3");
	static char big[3 << 20];
	assert_int_equal(put(s, r, STR("a"), STR("1")), 0);
	store_io.pwrite = bad_pwrite_whole;
	fail_with = ENOSPC;
	assert_int_equal(put(s, r, STR("a"), STR("2")), -ENOSPC);
	fail_with = 0;
	assert_string_equal(get(s, r, STR("a")), "1");
	assert_int_equal(put(s, r, STR("b"), STR("2")), 0);
	store_io.fallocate = bad_fallocate;
	fail_with = ENOSPC;
	store_io.pwrite = pwrite;
	assert_int_equal(put(s, r, STR("big"), str_of(big, sizeof big)), -ENOSPC);
	assert_int_equal(put(s, r, STR("c"), STR("3")), 0);
	assert_null(get(s, r, STR("big")));
	fail_with = 0;
	assert_int_equal(put(s, r, STR("big"), str_of(big, sizeof big)), 0);
	io_restore();
	snprintf(copy, sizeof copy, "%s.copy", dir);
	copy_dir(dir, copy);
	store_close(s);
	s = open_at(copy, STORE_FULL, 0);
	r = store_rows(s, "s3");
	assert_string_equal(get(s, r, STR("a")), "1");
	assert_string_equal(get(s, r, STR("b")), "2");
	assert_string_equal(get(s, r, STR("c")), "3");
	assert_non_null(get(s, r, STR("big")));
	store_close(s);
}

TEST(a_record_cut_off_by_a_full_disk_is_overwritten)
{
	char dir[512], copy[600];
	snprintf(dir, sizeof dir, "%s", unit_tmpdir());
	struct store *s = open_at(dir, STORE_FULL, 0);
	struct rows *r = store_rows(s, "s3");
	static char text[5000];
	memset(text, 't', sizeof text);
	assert_int_equal(put(s, r, STR("a"), STR("1")), 0);
	store_io.pwrite = bad_pwrite;
	fail_with = ENOSPC;
	assert_int_equal(put(s, r, STR("b"), str_of(text, sizeof text)), -ENOSPC);
	io_restore();
	assert_int_equal(put(s, r, STR("c"), STR("3")), 0);
	snprintf(copy, sizeof copy, "%s.copy", dir);
	copy_dir(dir, copy);
	store_close(s);
	s = open_at(copy, STORE_FULL, 0);
	r = store_rows(s, "s3");
	assert_string_equal(get(s, r, STR("a")), "1");
	assert_null(get(s, r, STR("b")));
	assert_string_equal(get(s, r, STR("c")), "3");
	store_close(s);
}

/* A file system that takes the flag and then refuses the write. */
static ssize_t
no_direct_pwrite(int fd, const void *p, size_t len, off_t offset)
{
	int flags = fcntl(fd, F_GETFL);
	if (flags >= 0 && !(flags & O_DIRECT))
		return pwrite(fd, p, len, offset);
	errno = EINVAL;
	return -1;
}

TEST(a_log_that_cannot_go_past_the_page_cache_goes_through_it)
{
	char dir[512], copy[600], text[5000];
	snprintf(dir, sizeof dir, "%s", unit_tmpdir());
	snprintf(copy, sizeof copy, "%s.copy", dir);
	memset(text, 't', sizeof text);
	store_io.pwrite = no_direct_pwrite;
	struct store *s = open_at(dir, STORE_FULL, 0);
	struct rows *r = store_rows(s, "s3");
	for (size_t i = 1; i < sizeof text; i += 97)
		assert_int_equal(put(s, r, STR("a"), str_of(text, i)), 0);
	assert_int_equal(put(s, r, STR("b"), STR("last")), 0);
	io_restore();
	copy_dir(dir, copy);
	store_close(s);
	s = open_at(copy, STORE_FULL, 0);
	assert_string_equal(get(s, store_rows(s, "s3"), STR("b")), "last");
	assert_non_null(get(s, store_rows(s, "s3"), STR("a")));
	store_close(s);
}

TEST(a_merge_that_finds_no_room_refuses_writes_and_loses_nothing)
{
	char key[32], value[500], dir[512];
	snprintf(dir, sizeof dir, "%s", unit_tmpdir());
	struct store_options o = { .dir = dir, .memtable_bytes = 64 << 10, .map_bytes = 1 << 20 };
	struct store *s;
	int kept = 0, rc = 0;
	memset(value, 'v', sizeof value);
	assert_int_equal(store_open(&s, &o, NULL), 0);
	struct rows *r = store_rows(s, "s3");
	for (; !rc && kept < 10000; kept += !rc) {
		snprintf(key, sizeof key, "%d", kept);
		rc = put(s, r, str_c(key), str_of(value, sizeof value));
	}
	assert_int_equal(rc, -ENOSPC);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < kept; i += 17) {
			snprintf(key, sizeof key, "%d", i);
			assert_non_null(get(s, r, str_c(key)));
		}
		if (round == 0) {
			store_close(s);
			s = open_at(dir, STORE_FULL, 0);
			r = store_rows(s, "s3");
			assert_int_equal(put(s, r, STR("more"), STR("room")), 0);
		}
	}
	store_close(s);
}

TEST(faults_can_be_asked_for_by_text)
{
	store_io_faults("sync=EIO@2-2,write=ENOSPC@3");
	int fd = open(unit_tmpdir(), O_RDONLY | O_DIRECTORY);
	assert_int_equal(store_io.fdatasync(fd), 0);
	assert_int_equal(store_io.fdatasync(fd), -1);
	assert_int_equal(errno, EIO);
	assert_int_equal(store_io.fdatasync(fd), 0);
	close(fd);
	io_restore();
}

struct burst {
	struct store_unit u;
	struct rows *r[2];
	uint64_t *next, id;
	int fd;
};

/* Writes a row for the next number in both environments, and says so; every fifth unit fails
 * afterwards. */
static int
burst_run(struct store_unit *u, struct tx *t)
{
	struct burst *b = (struct burst *)u;
	struct key k;
	char filling[700];
	memset(filling, 'f', sizeof filling);
	b->id = ++*b->next;
	for (int e = 0; e < 2; e++) {
		key_begin(&k);
		key_add_u64(&k, b->id * 0x9e3779b97f4a7c15ull);
		tx_put(t, b->r[e], key_str(&k), str_of(filling, b->id % sizeof filling));
		key_begin(&k);
		key_add_u64(&k, b->id);
		tx_put(t, b->r[e], STR("last"), key_str(&k));
	}
	if (b->id % 5 != 0)
		return 0;
	b->id = 0;
	return 1;
}

static void
burst_done(struct store_unit *u, int status)
{
	struct burst *b = (struct burst *)u;
	if (status != 0)
		_exit(3);
	if (b->id && write(b->fd, &b->id, sizeof b->id) != sizeof b->id)
		_exit(4);
}

static uint64_t
last_of(struct store *s, const char *rows)
{
	uint64_t n = 0;
	struct tx *t = tx_begin_read(s);
	struct str v;
	if (tx_get(t, store_rows(s, rows), STR("last"), &v))
		key_take_u64(&v, &n);
	tx_end(t);
	return n;
}

static void
child_main(const char *dir, const char *second, int fd)
{
	struct store_options o = { .dir = dir,
		.second_dir = second,
		.memtable_bytes = 128 << 10,
		.map_bytes = 1ull << 32 };
	static struct burst b[32];
	struct store *s;
	if (store_open(&s, &o, NULL))
		_exit(2);
	uint64_t next = last_of(s, "s3");
	for (;;) {
		for (int i = 0; i < 32; i++) {
			b[i] = (struct burst){ { NULL, burst_run, burst_done },
				{ store_rows(s, "s3"), store_rows(s, "iam") }, &next, 0, fd };
			store_submit(s, &b[i].u);
		}
		/* All of them ran when a later one did. */
		if (put(s, b[0].r[0], STR("z"), STR("z")))
			_exit(5);
		store_look(s);
	}
}

/* Every number up to the last is there, whole; the last is at least what was acknowledged. */
static void
check_after_kill(const char *dir, const char *second, uint64_t acknowledged)
{
	struct store *s = open_pair(dir, second, 128 << 10);
	uint64_t last = last_of(s, "s3");
	assert_true(last >= acknowledged);
	assert_int_equal(last_of(s, "iam"), last);
	struct tx *t = tx_begin_read(s);
	for (uint64_t id = 1; id <= last + 1; id++) {
		struct key k;
		struct str v;
		key_begin(&k);
		key_add_u64(&k, id * 0x9e3779b97f4a7c15ull);
		for (int e = 0; e < 2; e++) {
			bool there = tx_get(t, store_rows(s, e ? "iam" : "s3"), key_str(&k), &v);
			assert_int_equal(there, id <= last && id % 5 != 0);
			assert_true(!there || v.len == id % 700);
		}
	}
	tx_end(t);
	if (second)
		await_whole(s);
	store_close(s);
}

/* With a second directory one of the two is taken away from time to time: before a start, or while
 * the child writes. */
static void
kill_9_rounds(const char *dir, const char *second)
{
	const char *text = getenv("HANEUL_CRASH_ROUNDS");
	int rounds = text ? (int)strtol(text, NULL, 10) : 8;
	unsigned random = 12345;
	uint64_t acknowledged = 0, id;
	for (int i = 0; i < rounds; i++) {
		int fds[2];
		assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
		pid_t pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			close(fds[0]);
			child_main(dir, second, fds[1]);
		}
		close(fds[1]);
		random = random * 1103515245u + 12345u;
		unsigned wanted = (random >> 16) % 700;
		ssize_t n = sizeof id;
		for (unsigned got = 0; got < wanted && n == sizeof id; got++)
			if ((n = read(fds[0], &id, sizeof id)) == sizeof id)
				acknowledged = id > acknowledged ? id : acknowledged;
		if (second && i % 3 == 1)
			wipe_dir(i % 2 ? dir : second);
		if (second && i % 6 == 1)
			usleep(20000);
		assert_int_equal(kill(pid, SIGKILL), 0);
		while (read(fds[0], &id, sizeof id) == sizeof id)
			acknowledged = id > acknowledged ? id : acknowledged;
		int status;
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		close(fds[0]);
		if (second && i % 3 == 2)
			wipe_dir(i % 2 ? dir : second);
		check_after_kill(dir, second, acknowledged);
	}
}

TEST(no_acknowledged_unit_is_lost_by_kill_9)
{
	char dir[512];
	snprintf(dir, sizeof dir, "%s", unit_tmpdir());
	kill_9_rounds(dir, NULL);
}

TEST(no_acknowledged_unit_is_lost_by_kill_9_and_the_loss_of_a_directory)
{
	char dir[512], second[600];
	snprintf(dir, sizeof dir, "%s", unit_tmpdir());
	snprintf(second, sizeof second, "%s.second", dir);
	kill_9_rounds(dir, second);
}
