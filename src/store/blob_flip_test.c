/* Bits of the zones' files turn over: no wrong byte is ever handed out, and all is made good
 * again. */
#include "store/blobs.h"

#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOBS 24
#define FLIPS_A_ROUND 100
#define ROUNDS 10

struct rig {
	struct loop *loop;
	struct pool *pool;
	struct blobs *blobs;
	struct blob_result result;
	struct blob_reader *r;
	struct str want;
	size_t len;
	int status;
	bool wrong, now; /* now: pieces on the loop where they are there */
	unsigned now_n;
	uint64_t seed;
	char *paths[64];
	unsigned paths_n;
};

static uint64_t
next(struct rig *g)
{
	g->seed = g->seed * 6364136223846793005ull + 1442695040888963407ull;
	return g->seed >> 20;
}

static void
put_done(void *arg, const struct blob_result *r)
{
	struct rig *g = arg;
	g->result = *r;
	loop_stop(g->loop);
}

static void
piece_check(struct rig *g, struct str data)
{
	g->wrong |= g->len + data.len > g->want.len ||
		    memcmp(g->want.p + g->len, data.p, data.len) != 0;
	g->len += data.len;
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
	piece_check(g, data);
	for (; g->now && blob_reader_now(g->r, &data); g->now_n++)
		piece_check(g, data);
	blob_reader_next(g->r);
}

/* 0: every byte as it was written; -EIO: said so. */
static int
check(struct rig *g, struct blob_id id, struct str want)
{
	g->len = 0;
	g->want = want;
	g->now = next(g) % 2;
	assert_int_equal(blob_reader_open(g->blobs, g->loop, STR("us-east-1"), id, 0, UINT64_MAX,
				 piece, g, &g->r),
		0);
	struct str none;
	assert_false(g->now && blob_reader_now(g->r, &none));
	blob_reader_next(g->r);
	loop_run(g->loop);
	blob_reader_close(g->r);
	assert_false(g->wrong);
	if (!g->status)
		assert_int_equal(g->len, want.len);
	return g->status;
}

static void
paths_read(struct rig *g, const char *dir)
{
	DIR *d = opendir(dir);
	for (struct dirent *e; d && (e = readdir(d));) {
		char path[1024];
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (e->d_type == DT_DIR)
			paths_read(g, path);
		else if (g->paths_n < 64)
			g->paths[g->paths_n++] = strdup(path);
	}
	if (d)
		closedir(d);
}

static void
flip(struct rig *g, const char *zone, unsigned n)
{
	paths_read(g, zone);
	assert_true(g->paths_n > 0);
	for (unsigned i = 0; i < n; i++) {
		struct stat st;
		unsigned char c;
		int fd = open(g->paths[next(g) % g->paths_n], O_RDWR);
		assert_int_equal(fstat(fd, &st), 0);
		off_t at = (off_t)(next(g) % (uint64_t)st.st_size);
		assert_int_equal(pread(fd, &c, 1, at), 1);
		c ^= (unsigned char)(1u << next(g) % 8);
		assert_int_equal(pwrite(fd, &c, 1, at), 1);
		close(fd);
	}
	while (g->paths_n)
		free(g->paths[--g->paths_n]);
}

TEST(blobs_a_thousand_flipped_bits_return_no_wrong_byte_and_are_repaired)
{
	static const size_t sizes[] = { 700, 40000, 131072, 131073, 400000, 600001 };
	struct rig g = { .seed = 20261121 };
	struct blob_id ids[BLOBS];
	char *data = malloc(700000), zone[600];
	const char *dir = unit_tmpdir();
	assert_int_equal(loop_new(&g.loop), 0);
	assert_int_equal(pool_new(&g.pool, 1), 0);
	struct blobs_options o = { .dir = dir, .pool = g.pool, .no_sync = true };
	assert_int_equal(blobs_open(&g.blobs, &o), 0);
	for (size_t i = 0; i < 700000; i++)
		data[i] = (char)next(&g);
	for (unsigned i = 0; i < BLOBS; i++) {
		struct blob_writer *w;
		assert_int_equal(blob_writer_open(g.blobs, g.loop, STR("us-east-1"), BLOB_STANDARD,
					 0, -1, &w),
			0);
		blob_writer_add(w, str_of(data + i * 1000, sizes[i % 6]), NULL, NULL);
		blob_writer_finish(w, put_done, &g);
		loop_run(g.loop);
		assert_int_equal(g.result.status, 0);
		ids[i] = g.result.id;
	}
	/* Whatever happens in one zone is made good from the other two. */
	for (unsigned round = 0; round < ROUNDS; round++) {
		snprintf(zone, sizeof(zone), "%s/us-east-1/zone-%c", dir, "abc"[round % 3]);
		flip(&g, zone, FLIPS_A_ROUND);
		/* Every other round the readers meet the damage before the scrubber does. */
		for (unsigned i = 0; round % 2 && i < BLOBS; i++)
			assert_int_equal(
				check(&g, ids[i], str_of(data + i * 1000, sizes[i % 6])), 0);
		struct blobs_scrub first = { 0 }, second = { 0 };
		assert_int_equal(blobs_scrub(g.blobs, &first), 0);
		assert_int_equal(first.lost, 0);
		assert_int_equal(first.repaired, first.damaged);
		assert_int_equal(blobs_scrub(g.blobs, &second), 0);
		assert_int_equal(second.blobs, BLOBS);
		assert_int_equal(second.damaged, 0);
	}
	/* All zones at once may be too much, but then it is said. */
	snprintf(zone, sizeof(zone), "%s/us-east-1", dir);
	flip(&g, zone, 200);
	for (unsigned i = 0; i < BLOBS; i++) {
		int status = check(&g, ids[i], str_of(data + i * 1000, sizes[i % 6]));
		assert_true(status == 0 || status == -EIO);
	}
	assert_true(g.now_n > 0);
	pool_free(g.pool);
	blobs_close(g.blobs);
	loop_free(g.loop);
	free(data);
}
