#include "store/blobs.h"

#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct rig {
	struct loop *loop;
	struct pool *pool;
	struct blobs *blobs;
	struct blob_result result;
	struct blob_reader *r;
	char *got;
	size_t len;
	int status;
	bool now; /* every other time: pieces on the loop where they are there */
	unsigned now_n;
};

static const unsigned char key[32] = "a key for the test, of 32 bytes",
			   wrong[32] = "and another one, also 32 bytes.";

static void
put_done(void *arg, const struct blob_result *r)
{
	struct rig *g = arg;
	g->result = *r;
	loop_stop(g->loop);
}

static void
piece(void *arg, int status, struct str data)
{
	struct rig *g = arg;
	g->status = status;
	if (status || !data.len) {
		loop_stop(g->loop);
		return;
	}
	for (bool there = true; there; there = g->now && blob_reader_now(g->r, &data)) {
		memcpy(g->got + g->len, data.p, data.len);
		g->len += data.len;
		g->now_n++;
	}
	g->now_n--;
	blob_reader_next(g->r);
}

static int
get(struct rig *g, const unsigned char *with, uint64_t from, uint64_t len)
{
	g->len = 0;
	g->now_n = 0;
	g->now = !g->now;
	assert_int_equal(blob_reader_open(g->blobs, g->loop, STR("us-east-1"), g->result.id, from,
				 len, piece, g, &g->r),
		0);
	if (with)
		blob_reader_unseal(g->r, with);
	struct str none;
	assert_false(g->now && blob_reader_now(g->r, &none));
	blob_reader_next(g->r);
	loop_run(g->loop);
	blob_reader_close(g->r);
	return g->status;
}

static bool needle_found;

static int
look_for_needle(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)ftw;
	if (type != FTW_F || st->st_size == 0)
		return 0;
	int fd = open(path, O_RDONLY);
	void *p = fd < 0 ? MAP_FAILED
			 : mmap(NULL, (size_t)st->st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (fd >= 0)
		close(fd);
	if (p == MAP_FAILED)
		return -1;
	needle_found |= str_find_str(str_of(p, (size_t)st->st_size), STR("plaintext-needle")) >= 0;
	return munmap(p, (size_t)st->st_size);
}

TEST(blobs_sealed_read_back_and_hide_what_they_hold)
{
	static const size_t sizes[] = { 0, 1, 131055, 131056, 131057, 262112, 262113, 900000 };
	struct rig g = { 0 };
	char *data = malloc(900000);
	assert_int_equal(loop_new(&g.loop), 0);
	assert_int_equal(pool_new(&g.pool, 2), 0);
	const char *dir = unit_tmpdir();
	struct blobs_options o = { .dir = dir, .pool = g.pool, .no_sync = true };
	assert_int_equal(blobs_open(&g.blobs, &o), 0);
	g.got = malloc(1000000);
	for (size_t i = 0; i < 900000; i++)
		data[i] = "plaintext-needle"[i % 16];
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct blob_writer *w;
		unsigned char sum[16];
		size_t n = sizes[i];
		assert_int_equal(blob_writer_open(g.blobs, g.loop, STR("us-east-1"), BLOB_STANDARD,
					 DIGEST_MD5, -1, &w),
			0);
		blob_writer_seal(w, key);
		blob_writer_add(w, str_of(data, n), NULL, NULL);
		blob_writer_finish(w, put_done, &g);
		loop_run(g.loop);
		assert_int_equal(g.result.status, 0);
		assert_int_equal(g.result.size, n);
		md5(str_of(data, n), sum);
		assert_memory_equal(sum, g.result.digests.md5, 16);
		assert_int_equal(get(&g, key, 0, UINT64_MAX), 0);
		assert_int_equal(g.len, n);
		assert_memory_equal(g.got, data, n);
		if (n < 131057)
			continue;
		assert_int_equal(get(&g, key, 131050, 100), 0);
		assert_int_equal(g.len, n - 131050 < 100 ? n - 131050 : 100);
		assert_memory_equal(g.got, data + 131050, g.len);
		assert_int_equal(get(&g, wrong, 0, UINT64_MAX), -EIO);
		assert_int_equal(get(&g, NULL, 0, UINT64_MAX), 0);
		assert_true(memcmp(g.got, data, 64) != 0);
	}
	needle_found = false;
	assert_int_equal(nftw(dir, look_for_needle, 16, FTW_PHYS), 0);
	assert_false(needle_found);
	pool_free(g.pool);
	blobs_close(g.blobs);
	loop_free(g.loop);
	free(g.got);
	free(data);
}

static int
flip_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)ftw;
	unsigned char c;
	off_t at = 4096 + 131072 + 777;
	if (type != FTW_F || st->st_size <= at)
		return 0;
	int fd = open(path, O_RDWR);
	assert_int_equal(pread(fd, &c, 1, at), 1);
	c ^= 16;
	assert_int_equal(pwrite(fd, &c, 1, at), 1);
	return close(fd);
}

/* The way that reads on the loop looks at the tag only: nothing that is not whole passes it. */
TEST(blobs_sealed_flips_are_met_by_the_tag)
{
	struct rig g = { 0 };
	char *data = malloc(900000), zone[600];
	struct blob_writer *w;
	assert_int_equal(loop_new(&g.loop), 0);
	assert_int_equal(pool_new(&g.pool, 2), 0);
	struct blobs_options o = { .dir = unit_tmpdir(), .pool = g.pool, .no_sync = true };
	assert_int_equal(blobs_open(&g.blobs, &o), 0);
	g.got = malloc(1000000);
	for (size_t i = 0; i < 900000; i++)
		data[i] = (char)(i * 2654435761u >> 13);
	assert_int_equal(
		blob_writer_open(g.blobs, g.loop, STR("us-east-1"), BLOB_STANDARD, 0, -1, &w), 0);
	blob_writer_seal(w, key);
	blob_writer_add(w, str_of(data, 900000), NULL, NULL);
	blob_writer_finish(w, put_done, &g);
	loop_run(g.loop);
	for (unsigned i = 0; i < 6; i++) {
		snprintf(zone, sizeof(zone), "%s/us-east-1/zone-%c", o.dir, "abc"[i % 3]);
		if (i)
			assert_int_equal(nftw(zone, flip_one, 16, FTW_PHYS), 0);
		assert_int_equal(get(&g, key, 0, UINT64_MAX), 0);
		assert_int_equal(g.len, 900000);
		assert_memory_equal(g.got, data, 900000);
		if (i == 0) /* all but the first, which the worker opens */
			assert_int_equal(g.now_n, 6);
		struct blobs_scrub scrub = { 0 };
		assert_int_equal(blobs_scrub(g.blobs, &scrub), 0);
		assert_int_equal(scrub.lost, 0);
	}
	pool_free(g.pool);
	blobs_close(g.blobs);
	loop_free(g.loop);
	free(g.got);
	free(data);
}
