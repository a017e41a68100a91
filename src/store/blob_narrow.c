/*
 * From copies or stripes to one copy in one zone. The new file takes the place of shard 0, whose
 * head speaks for the blob: from then on readers and the scrubber want no other shard. Those that
 * opened the old set may still reach for the others, so they go in a step of their own.
 */
#include "store/blobs_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct narrowing {
	struct pool_job job;
	struct blobs *blobs;
	struct blob_id id;
	char region[BLOB_REGION_MAX + 1];
	int step, status;
	void (*done)(void *arg, int status);
	void *arg;
};

static int
copy_all(struct blob_set *from, struct blob_set *to)
{
	size_t len;
	int err = 0;
	char *buf = aligned_alloc(64, from->head.chunk_bytes);
	if (!buf)
		abort();
	for (uint64_t at = 0; !err && blob_set_chunk_len(from, at); at++) {
		err = blob_set_read(from, at, buf, &len);
		if (!err)
			err = blob_set_append(to, str_of(buf, len));
	}
	free(buf);
	return err;
}

static bool
is_one_copy(const struct blob_set *s)
{
	return s->head.data_n == 1 && s->head.parity_n == 0;
}

static int
copy_make(struct blobs *b, struct blob_set *from)
{
	struct blob_set to;
	struct str region = str_c(from->region);
	if (is_one_copy(from))
		return 0;
	if (from->head.chunk_bytes != BLOB_CHUNK)
		return -EINVAL;
	int err = blob_set_create(
		&to, b->zones, region, from->head.id, blob_layout_choose(BLOB_ONE_ZONE, -1));
	if (err)
		return err;
	err = copy_all(from, &to);
	if (!err)
		err = blob_set_finish(&to);
	if (err)
		blob_set_discard(&to);
	return err;
}

/* Only when shard 0 is the whole: else they are what is left of it. */
static int
others_remove(struct blobs *b, struct blob_set *s)
{
	char path[PATH_MAX];
	int err = blob_set_shard_open(s, 0);
	if (err || s->file[0].head.data_n != 1 || s->file[0].head.parity_n != 0)
		return err ? err : -EAGAIN;
	for (unsigned i = 1; i < BLOB_ZONES && !err; i++)
		if (zones_path(b->zones, str_c(s->region), s->head.id, i, path) && unlink(path) &&
			errno != ENOENT)
			err = -errno;
	return err;
}

static void
narrow_run(struct pool_job *job)
{
	struct narrowing *n = (struct narrowing *)job;
	struct blobs *b = n->blobs;
	struct blob_set set;
	/* The scrubber must not see the blob between two layouts. */
	pthread_mutex_lock(&b->repairs_lock);
	n->status = blob_set_open(&set, b->zones, str_c(n->region), n->id);
	if (!n->status) {
		n->status = n->step == 1 ? copy_make(b, &set) : others_remove(b, &set);
		blob_set_close(&set);
	}
	pthread_mutex_unlock(&b->repairs_lock);
}

static void
narrow_done(struct pool_job *job)
{
	struct narrowing *n = (struct narrowing *)job;
	n->done(n->arg, n->status);
	free(n);
}

void
blob_narrow(struct blobs *b, struct loop *l, struct str region, struct blob_id id, int step,
	void (*done)(void *arg, int status), void *arg)
{
	struct narrowing *n = calloc(1, sizeof(*n));
	if (!n || region.len > BLOB_REGION_MAX)
		abort();
	n->job = (struct pool_job){ .run = narrow_run, .done = narrow_done, .loop = l };
	n->blobs = b;
	n->id = id;
	n->step = step;
	n->done = done;
	n->arg = arg;
	memcpy(n->region, region.p, region.len);
	pool_submit(b->pool, &n->job);
}
