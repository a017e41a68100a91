#include "store/blobs_priv.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "unit.h"

struct fixture {
	char dir[300];
	struct loop *loop;
	struct pool *pool;
	struct blobs *blobs;
	struct blob_result result;
	struct blob_writer *w; /* being fed by feed_more */
	struct str rest;
	bool drained;
	struct blob_reader *r;
	int status;
	char *got;
	size_t got_len, got_cap;
};

static void
setup(struct fixture *f)
{
	*f = (struct fixture){ 0 };
	snprintf(f->dir, sizeof(f->dir), "%s", unit_tmpdir());
	assert_int_equal(loop_new(&f->loop), 0);
	assert_int_equal(pool_new(&f->pool, 2), 0);
	struct blobs_options o = { .dir = f->dir, .pool = f->pool, .no_sync = true };
	assert_int_equal(blobs_open(&f->blobs, &o), 0);
}

static void
teardown(struct fixture *f)
{
	pool_free(f->pool);
	blobs_close(f->blobs);
	loop_free(f->loop);
	free(f->got);
}

static void
written(void *arg, const struct blob_result *r)
{
	struct fixture *f = arg;
	f->result = *r;
	loop_stop(f->loop);
}

static void
feed_more(void *arg)
{
	struct fixture *f = arg;
	while (f->rest.len) {
		struct str now = str_slice(f->rest, 0, 100000);
		f->rest = str_slice(f->rest, now.len, f->rest.len);
		if (blob_writer_add(f->w, now, feed_more, f) > BLOB_WINDOW) {
			f->drained = true;
			return;
		}
	}
	blob_writer_finish(f->w, written, f);
}

static struct blob_id
put(struct fixture *f, enum blob_placement placement, struct str data)
{
	unsigned which = DIGEST_MD5 | DIGEST_SHA256 | DIGEST_CRC32C;
	f->rest = data;
	assert_int_equal(
		blob_writer_open(f->blobs, f->loop, STR("us-east-1"), placement, which, -1, &f->w),
		0);
	feed_more(f);
	assert_int_equal(loop_run(f->loop), 0);
	return f->result.id;
}

static void
got_piece(void *arg, int status, struct str data)
{
	struct fixture *f = arg;
	f->status = status;
	if (status || !data.len) {
		blob_reader_close(f->r);
		loop_stop(f->loop);
		return;
	}
	assert_true(data.len <= BLOB_CHUNK);
	assert_true(f->got_len + data.len <= f->got_cap);
	memcpy(f->got + f->got_len, data.p, data.len);
	f->got_len += data.len;
	blob_reader_next(f->r);
}

static int
get(struct fixture *f, struct blob_id id, uint64_t offset, uint64_t len)
{
	free(f->got);
	f->got_cap = 8 << 20;
	f->got = malloc(f->got_cap);
	f->got_len = 0;
	assert_int_equal(blob_reader_open(f->blobs, f->loop, STR("us-east-1"), id, offset, len,
				 got_piece, f, &f->r),
		0);
	blob_reader_next(f->r);
	assert_int_equal(loop_run(f->loop), 0);
	return f->status;
}

/* Bytes that repeat nowhere near a chunk's length. */
static struct str
sample(size_t len)
{
	char *p = malloc(len + 1);
	uint32_t x = 12345;
	for (size_t i = 0; i < len; i++) {
		x = x * 1664525 + 1013904223;
		p[i] = (char)(x >> 24);
	}
	return str_of(p, len);
}

static void
assert_got(struct fixture *f, struct str want)
{
	assert_int_equal(f->got_len, want.len);
	assert_true(str_eq(str_of(f->got, f->got_len), want));
}

static bool
shard_path(struct fixture *f, struct blob_id id, unsigned shard, char path[PATH_MAX])
{
	assert_true(zones_path(f->blobs->zones, STR("us-east-1"), id, shard, path));
	return access(path, F_OK) == 0;
}

static void
flip(const char *path, off_t at)
{
	unsigned char c;
	int fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &c, 1, at), 1);
	c ^= 0x10;
	assert_int_equal(pwrite(fd, &c, 1, at), 1);
	close(fd);
}

static unsigned files_n;
static int
count_file(const char *path, const struct stat *st, int type)
{
	(void)path, (void)st;
	files_n += type == FTW_F;
	return 0;
}

static unsigned
files_count(struct fixture *f)
{
	files_n = 0;
	assert_int_equal(ftw(f->dir, count_file, 16), 0);
	return files_n;
}

TEST(blobs_round_trip_at_every_edge)
{
	static const size_t sizes[] = { 0, 1, 4096, BLOB_CHUNK - 1, BLOB_CHUNK, BLOB_CHUNK + 1,
		2 * BLOB_CHUNK, 2 * BLOB_CHUNK + 1, 5 * BLOB_CHUNK + 77 };
	struct fixture f;
	setup(&f);
	struct str all = sample(5 * BLOB_CHUNK + 77);
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct str data = str_slice(all, 0, sizes[i]);
		unsigned char want[32];
		struct blob_id id = put(&f, i % 2 ? BLOB_ONE_ZONE : BLOB_STANDARD, data);
		assert_int_equal(f.result.status, 0);
		assert_int_equal(f.result.size, data.len);
		assert_int_equal(f.result.digests.bytes, data.len);
		md5(data, want);
		assert_memory_equal(f.result.digests.md5, want, 16);
		sha256(data, want);
		assert_memory_equal(f.result.digests.sha256, want, 32);
		assert_int_equal(
			f.result.digests.which, DIGEST_MD5 | DIGEST_SHA256 | DIGEST_CRC32C);
		assert_int_equal(get(&f, id, 0, UINT64_MAX), 0);
		assert_got(&f, data);
	}
	free((char *)all.p);
	teardown(&f);
}

TEST(blobs_read_ranges)
{
	static const uint64_t ranges[][2] = { { 0, 1 }, { BLOB_CHUNK - 1, 2 },
		{ BLOB_CHUNK, BLOB_CHUNK }, { 3 * BLOB_CHUNK + 5, 100 }, { 10, 3 * BLOB_CHUNK },
		{ 5 * BLOB_CHUNK + 70, 1000 } };
	struct fixture f;
	setup(&f);
	struct str data = sample(5 * BLOB_CHUNK + 77);
	struct blob_id id = put(&f, BLOB_STANDARD, data);
	for (unsigned i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		assert_int_equal(get(&f, id, ranges[i][0], ranges[i][1]), 0);
		assert_got(&f, str_slice(data, ranges[i][0], ranges[i][0] + ranges[i][1]));
	}
	assert_int_equal(get(&f, id, data.len, 1), 0);
	assert_int_equal(f.got_len, 0);
	free((char *)data.p);
	teardown(&f);
}

TEST(blobs_wait_for_the_disk_beyond_the_window)
{
	struct fixture f;
	setup(&f);
	struct str data = sample(6 << 20);
	struct blob_id id = put(&f, BLOB_STANDARD, data);
	assert_true(f.drained);
	assert_int_equal(get(&f, id, 0, UINT64_MAX), 0);
	assert_got(&f, data);
	free((char *)data.p);
	teardown(&f);
}

/* As if too many waited: so that damage stays for the test to see. */
static void
repairs_off(struct fixture *f)
{
	f->blobs->repairs_queued = 1000;
}

TEST(blobs_survive_the_loss_of_any_zone)
{
	struct fixture f;
	setup(&f);
	repairs_off(&f);
	struct str data = sample(3 * BLOB_CHUNK + 1000);
	for (unsigned lost = 0; lost < BLOB_ZONES; lost++) {
		char path[PATH_MAX];
		for (size_t len = 1000; len <= data.len; len += data.len - 1000) {
			struct str part = str_slice(data, 0, len);
			struct blob_id id = put(&f, BLOB_STANDARD, part);
			if (shard_path(&f, id, lost, path))
				unlink(path);
			assert_int_equal(get(&f, id, 0, UINT64_MAX), 0);
			assert_got(&f, part);
			if (shard_path(&f, id, (lost + 1) % 3, path))
				unlink(path);
			assert_int_not_equal(get(&f, id, 0, UINT64_MAX) == 0 &&
						     !str_eq(str_of(f.got, f.got_len), part),
				1);
		}
	}
	free((char *)data.p);
	teardown(&f);
}

TEST(blobs_never_hand_over_wrong_bytes)
{
	struct fixture f;
	setup(&f);
	repairs_off(&f);
	struct str data = sample(3 * BLOB_CHUNK + 1000);
	struct blob_id one = put(&f, BLOB_ONE_ZONE, data), std = put(&f, BLOB_STANDARD, data);
	char path[PATH_MAX];
	/* Standard: one damaged chunk in each shard, in different stripes, is made good. */
	shard_path(&f, std, 0, path);
	flip(path, BLOB_PAGE + 17);
	shard_path(&f, std, 1, path);
	flip(path, BLOB_PAGE + BLOB_CHUNK + 17);
	assert_int_equal(get(&f, std, 0, UINT64_MAX), 0);
	assert_got(&f, data);
	/* A damaged page loses the whole shard, so the other damage is now one too many. */
	shard_path(&f, std, 0, path);
	flip(path, 100);
	assert_int_equal(get(&f, std, 0, UINT64_MAX), -EIO);
	assert_int_equal(get(&f, std, 0, 10), 0);
	/* One zone: what comes before the damage is good, the damage is an error. */
	assert_true(shard_path(&f, one, 0, path));
	flip(path, BLOB_PAGE + 2 * BLOB_CHUNK);
	assert_int_equal(get(&f, one, 0, UINT64_MAX), -EIO);
	assert_got(&f, str_slice(data, 0, 2 * BLOB_CHUNK));
	assert_int_equal(truncate(path, BLOB_PAGE + 100), 0);
	assert_int_equal(get(&f, one, 0, 1), -EIO);
	assert_int_equal(truncate(path, 10), 0);
	assert_int_equal(get(&f, one, 0, 1), -EIO);
	unlink(path);
	assert_int_equal(get(&f, one, 0, 1), -ENOENT);
	free((char *)data.p);
	teardown(&f);
}

static unsigned writes_left;
static ssize_t
write_until_full(int fd, const void *p, size_t n, off_t at)
{
	if (writes_left == 0) {
		errno = ENOSPC;
		return -1;
	}
	writes_left--;
	return pwrite(fd, p, n, at);
}

static int
sync_fails(int fd)
{
	(void)fd;
	errno = EIO;
	return -1;
}

TEST(blobs_full_disk_and_failed_sync_leave_nothing)
{
	struct fixture f;
	setup(&f);
	struct blob_io real = blob_io;
	struct str data = sample(5 * BLOB_CHUNK);
	for (unsigned n = 0; n < 9; n++) {
		writes_left = n;
		blob_io.write = write_until_full;
		put(&f, BLOB_STANDARD, str_slice(data, 0, n % 2 ? 100 : data.len));
		blob_io = real;
		/* A degraded write was queued for repair, which would make files while they are
		 * counted. */
		while (f.blobs->repairs_queued)
			sched_yield();
		if (f.result.status) {
			assert_int_equal(f.result.status, -ENOSPC);
			assert_int_equal(files_count(&f), 0);
		}
		zones_remove(f.blobs->zones, STR("us-east-1"), f.result.id);
	}
	blobs_close(f.blobs);
	struct blobs_options o = { .dir = f.dir, .pool = f.pool };
	assert_int_equal(blobs_open(&f.blobs, &o), 0);
	blob_io.sync = sync_fails;
	put(&f, BLOB_STANDARD, data);
	blob_io = real;
	assert_int_equal(f.result.status, -EIO);
	assert_int_equal(files_count(&f), 0);
	put(&f, BLOB_STANDARD, data);
	assert_int_equal(f.result.status, 0);
	free((char *)data.p);
	teardown(&f);
}

TEST(blobs_abort_leaves_nothing)
{
	struct fixture f;
	setup(&f);
	struct str data = sample(6 * BLOB_CHUNK);
	struct blob_writer *w;
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(blob_writer_open(f.blobs, f.loop, STR("eu-west-1"), BLOB_STANDARD,
					 DIGEST_MD5, -1, &w),
			0);
		blob_writer_add(w, str_slice(data, 0, i * 3 * BLOB_CHUNK), NULL, NULL);
		blob_writer_abort(w);
	}
	pool_free(f.pool);
	assert_int_equal(files_count(&f), 0);
	/* Their replies are still on the loop: it runs them with those of one more blob. */
	assert_int_equal(pool_new(&f.pool, 1), 0);
	f.blobs->pool = f.pool;
	put(&f, BLOB_STANDARD, STR("y"));
	free((char *)data.p);
	teardown(&f);
}

static bool
is_named(void *arg, struct str region, struct blob_id id)
{
	assert_str(region, "us-east-1");
	return memcmp(arg, &id, sizeof(id)) == 0;
}

TEST(blobs_sweep_and_remove)
{
	struct fixture f;
	setup(&f);
	struct blob_id kept = put(&f, BLOB_STANDARD, STR("kept")),
		       lost = put(&f, BLOB_STANDARD, STR("lost"));
	char path[PATH_MAX], tmp[PATH_MAX + 8];
	shard_path(&f, lost, 0, path);
	snprintf(tmp, sizeof(tmp), "%s.tmp", path);
	assert_int_equal(close(open(tmp, O_CREAT | O_WRONLY, 0600)), 0);
	assert_int_equal(blobs_sweep(f.blobs, 3600, is_named, &kept), 0);
	assert_int_equal(files_count(&f), 5);
	assert_int_equal(blobs_sweep(f.blobs, 0, is_named, &kept), 0);
	assert_int_equal(files_count(&f), 2);
	assert_int_equal(get(&f, lost, 0, 1), -ENOENT);
	assert_int_equal(get(&f, kept, 0, UINT64_MAX), 0);
	assert_got(&f, STR("kept"));
	blob_remove(f.blobs, STR("us-east-1"), kept);
	pool_free(f.pool);
	assert_int_equal(files_count(&f), 0);
	f.pool = NULL;
	assert_int_equal(pool_new(&f.pool, 1), 0);
	teardown(&f);
}

TEST(blobs_refuse_bad_regions)
{
	struct fixture f;
	struct blob_writer *w;
	struct blob_reader *r;
	setup(&f);
	assert_int_equal(
		blob_writer_open(f.blobs, f.loop, STR("../x"), BLOB_STANDARD, 0, -1, &w), -EINVAL);
	assert_int_equal(
		blob_writer_open(f.blobs, f.loop, STR(""), BLOB_STANDARD, 0, -1, &w), -EINVAL);
	assert_int_equal(
		blob_reader_open(f.blobs, f.loop, STR("A"), f.result.id, 0, 1, got_piece, &f, &r),
		-EINVAL);
	teardown(&f);
}

/* Runs what readers queued for repair, and their replies. */
static void
pool_drain(struct fixture *f)
{
	pool_free(f->pool);
	assert_int_equal(pool_new(&f->pool, 2), 0);
	f->blobs->pool = f->pool;
}

TEST(blobs_reads_heal_what_they_make_good)
{
	struct fixture f;
	struct blobs_stats stats;
	char path[PATH_MAX];
	setup(&f);
	log_set_level(LOG_LEVEL_ERROR);
	struct str data = sample(3 * BLOB_CHUNK + 1000);
	struct blob_id id = put(&f, BLOB_STANDARD, data);
	shard_path(&f, id, 0, path);
	flip(path, BLOB_PAGE + 17);
	assert_int_equal(get(&f, id, 0, UINT64_MAX), 0);
	pool_drain(&f);
	blobs_stats_get(f.blobs, &stats);
	assert_int_equal(stats.repaired_total, 1);
	/* The other two may be lost one after the other now. */
	shard_path(&f, id, 1, path);
	unlink(path);
	assert_int_equal(get(&f, id, 0, UINT64_MAX), 0);
	assert_got(&f, data);
	pool_drain(&f);
	shard_path(&f, id, 2, path);
	unlink(path);
	assert_int_equal(get(&f, id, 0, UINT64_MAX), 0);
	assert_got(&f, data);
	log_set_level(LOG_LEVEL_INFO);
	free((char *)data.p);
	teardown(&f);
}

static void
zone_remove(struct fixture *f, char zone)
{
	for (unsigned leaf = 0; leaf < 256; leaf++) {
		char dir[400], path[700];
		snprintf(dir, sizeof(dir), "%s/us-east-1/zone-%c/%02x", f->dir, zone, leaf);
		DIR *d = opendir(dir);
		struct dirent *e;
		while (d && (e = readdir(d))) {
			snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
			unlink(path);
		}
		if (d)
			closedir(d);
		rmdir(dir);
	}
	char dir[400];
	snprintf(dir, sizeof(dir), "%s/us-east-1/zone-%c", f->dir, zone);
	assert_int_equal(rmdir(dir), 0);
}

/* Without its shard, and with a temporary file of that age in its place. */
static void
shard_half_made(struct fixture *f, struct blob_id id, int64_t age_s, char tmp[PATH_MAX + 4])
{
	char path[PATH_MAX];
	struct timespec at[2];
	assert_true(shard_path(f, id, 1, path));
	assert_int_equal(unlink(path), 0);
	snprintf(tmp, PATH_MAX + 4, "%s.tmp", path);
	int fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	clock_gettime(CLOCK_REALTIME, &at[0]);
	at[0].tv_sec -= age_s;
	at[1] = at[0];
	assert_int_equal(futimens(fd, at), 0);
	close(fd);
}

TEST(blobs_repair_passes_what_a_killed_one_left)
{
	struct fixture f;
	struct blobs_scrub old = { 0 }, young = { 0 };
	char path[PATH_MAX], tmp[PATH_MAX + 4];
	setup(&f);
	log_set_level(LOG_LEVEL_ERROR);
	struct str all = sample(3 * BLOB_CHUNK);
	struct blob_id id = put(&f, BLOB_STANDARD, all);
	shard_half_made(&f, id, 60, tmp);
	assert_int_equal(blobs_scrub(f.blobs, &old), 0);
	assert_int_equal(old.repaired, 1);
	assert_true(shard_path(&f, id, 1, path));
	assert_int_equal(access(tmp, F_OK), -1);
	/* What a writer has under way is left to him. */
	shard_half_made(&f, id, -1, tmp);
	assert_int_equal(blobs_scrub(f.blobs, &young), 0);
	assert_int_equal(young.repaired, 0);
	assert_int_equal(access(tmp, F_OK), 0);
	assert_int_equal(unlink(tmp), 0);
	log_set_level(LOG_LEVEL_INFO);
	free((char *)all.p);
	teardown(&f);
}

TEST(blobs_scrub_rebuilds_each_lost_zone)
{
	static const size_t sizes[] = { 0, 10, BLOB_CHUNK, BLOB_CHUNK + 1, 2 * BLOB_CHUNK,
		3 * BLOB_CHUNK + 5 };
	enum { N = sizeof(sizes) / sizeof(sizes[0]) };
	struct blob_id id[N];
	struct fixture f;
	setup(&f);
	log_set_level(LOG_LEVEL_ERROR);
	struct str all = sample(3 * BLOB_CHUNK + 5);
	for (unsigned i = 0; i < N; i++)
		id[i] = put(&f, BLOB_STANDARD, str_slice(all, 0, sizes[i]));
	unsigned files = files_count(&f);
	for (char zone = 'a'; zone <= 'c'; zone++) {
		struct blobs_scrub s = { 0 };
		if (zone == 'a')
			put(&f, BLOB_STANDARD, STR("sure to lie in two zones")), files += 2;
		zone_remove(&f, zone);
		unsigned lost = files - files_count(&f);
		assert_int_equal(blobs_scrub(f.blobs, &s), 0);
		assert_int_equal(s.blobs, N + 1);
		assert_int_equal(s.damaged, lost);
		assert_int_equal(s.repaired, lost);
		assert_int_equal(s.lost, 0);
		assert_int_equal(files_count(&f), files);
		for (unsigned i = 0; i < N; i++) {
			assert_int_equal(get(&f, id[i], 0, UINT64_MAX), 0);
			assert_got(&f, str_slice(all, 0, sizes[i]));
		}
	}
	struct blobs_scrub s = { 0 };
	assert_int_equal(blobs_scrub(f.blobs, &s), 0);
	assert_int_equal(s.damaged, 0);
	log_set_level(LOG_LEVEL_INFO);
	free((char *)all.p);
	teardown(&f);
}

TEST(blobs_any_flipped_bit_is_found_and_healed)
{
	struct fixture f;
	setup(&f);
	log_set_level(LOG_LEVEL_ERROR);
	struct str data = sample(3 * BLOB_CHUNK + 1000);
	struct blob_id id = put(&f, BLOB_STANDARD, data);
	for (unsigned i = 0; i < 60; i++) {
		char path[PATH_MAX];
		struct stat st;
		struct blobs_scrub s = { 0 };
		shard_path(&f, id, i % 3, path);
		assert_int_equal(stat(path, &st), 0);
		/* Half of them in the page: header and checksums in use. */
		off_t at = i % 2 ? (off_t)(i * 7919) % st.st_size : (off_t)(i * 5) % 140;
		flip(path, at);
		assert_int_equal(get(&f, id, 0, UINT64_MAX), 0);
		assert_got(&f, data);
		pool_drain(&f);
		assert_int_equal(blobs_scrub(f.blobs, &s), 0);
		assert_int_equal(s.lost, 0);
	}
	struct blobs_stats stats;
	blobs_stats_get(f.blobs, &stats);
	assert_true(stats.repaired_total >= 55 && stats.repaired_total == stats.damaged_total);
	log_set_level(LOG_LEVEL_INFO);
	free((char *)data.p);
	teardown(&f);
}
