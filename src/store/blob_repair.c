/*
 * Healing: a shard that is missing or damaged is written anew from the others, as a temporary file
 * that takes the old one's place, so that a crash or a failure leaves what was there. Readers that
 * have the old file open go on.
 */
#include "store/blobs_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define QUEUE_MAX 64
#define REPAIR_LANE 1 /* below every address, so nobody else's */

static uint64_t
rows_n(const struct blob_set *s)
{
	uint64_t stripe = (uint64_t)s->head.data_n * s->head.chunk_bytes;
	return s->head.size / stripe + (s->head.size % stripe != 0);
}

/* How long chunk `row` of that shard is; 0: the shard has no such chunk. */
static size_t
shard_chunk_len(const struct blob_set *s, unsigned shard, uint64_t row)
{
	unsigned k = s->head.data_n;
	return blob_set_chunk_len(s, row * k + (shard < k ? shard : 0));
}

static bool
parity_good(struct blob_set *s, uint64_t row, char *buf)
{
	unsigned k = s->head.data_n;
	char *a = buf + s->head.chunk_bytes, *b = a + s->head.chunk_bytes;
	size_t got, a_len, b_len = 0, want = shard_chunk_len(s, k, row);
	if (blob_set_shard_read(s, k, row, buf, &got) || got != want)
		return false;
	if (blob_set_read(s, row * k, a, &a_len))
		return true; /* not the parity's fault */
	if (k == 2 && blob_set_chunk_len(s, row * k + 1) &&
		blob_set_read(s, row * k + 1, b, &b_len))
		return true;
	return str_eq(blob_set_parity(s, str_of(a, a_len), str_of(b, b_len)), str_of(buf, got));
}

static bool
shard_good(struct blob_set *s, unsigned shard, char *buf, uint64_t *bytes)
{
	size_t got;
	for (uint64_t row = 0; row < rows_n(s); row++) {
		size_t want = shard_chunk_len(s, shard, row);
		if (!want)
			continue;
		if (shard == s->head.data_n
				? !parity_good(s, row, buf)
				: blob_set_shard_read(s, shard, row, buf, &got) || got != want)
			return false;
		*bytes += want;
	}
	/* An empty blob has no chunk whose reading opens the file. */
	return s->state[shard] > 0 ||
	       (blob_set_shard_open(s, shard) == 0 && s->file[shard].head.size == s->head.size);
}

static int
row_write(struct blob_set *s, struct blob_file *f, unsigned shard, uint64_t row, char *buf)
{
	unsigned k = s->head.data_n;
	char *a = buf, *b = a + s->head.chunk_bytes;
	size_t a_len, b_len = 0;
	if (!shard_chunk_len(s, shard, row))
		return 0;
	int err = blob_set_read(s, row * k + (shard < k ? shard : 0), a, &a_len);
	if (!err && shard == k && k == 2 && blob_set_chunk_len(s, row * k + 1))
		err = blob_set_read(s, row * k + 1, b, &b_len);
	if (err)
		return err;
	struct str chunk = str_of(a, a_len);
	return blob_file_append(
		f, shard == k ? blob_set_parity(s, chunk, str_of(b, b_len)) : chunk, s->sync);
}

static bool
is_before(struct timespec a, struct timespec b)
{
	return a.tv_sec != b.tv_sec ? a.tv_sec < b.tv_sec : a.tv_nsec < b.tv_nsec;
}

/* A process that was killed in the midst of a repair left its file; one that is younger than this
 * process is a writer's, who has not named it yet. */
static bool
leftover_remove(struct blobs *b, const struct blob_set *s, unsigned shard)
{
	char path[PATH_MAX], tmp[PATH_MAX + 4];
	struct stat st;
	if (!zones_path(b->zones, str_c(s->region), s->head.id, shard, path))
		return false;
	snprintf(tmp, sizeof(tmp), "%s.tmp", path);
	return stat(tmp, &st) == 0 && is_before(st.st_mtim, b->opened) && unlink(tmp) == 0;
}

static int
shard_rebuild(struct blobs *b, struct blob_set *s, unsigned shard, char *buf)
{
	struct blob_file f;
	int err = blob_set_shard_create(s, shard, &f);
	if (err == -EEXIST && leftover_remove(b, s, shard))
		err = blob_set_shard_create(s, shard, &f);
	if (err)
		return err;
	for (uint64_t row = 0; row < rows_n(s) && !err; row++)
		err = row_write(s, &f, shard, row, buf);
	if (!err)
		err = blob_file_seal(&f, s->head.size, s->sync);
	if (!err && s->sync)
		err = blob_file_sync(&f);
	if (!err)
		err = blob_file_name(&f);
	if (err) {
		blob_file_discard(&f);
		return err;
	}
	if (s->sync)
		err = blob_file_name_sync(&f);
	blob_file_close(&f);
	return err;
}

static int
set_repair(struct blobs *b, struct blob_set *s, char *buf, uint64_t *bytes, unsigned *damaged,
	unsigned *repaired)
{
	bool good[BLOB_ZONES];
	int ret = 0;
	for (unsigned i = 0; i < blob_set_shards(s); i++) {
		good[i] = shard_good(s, i, buf, bytes);
		*damaged += !good[i];
	}
	for (unsigned i = 0; i < blob_set_shards(s); i++) {
		int err = good[i] ? 0 : shard_rebuild(b, s, i, buf);
		*repaired += !good[i] && !err;
		ret = err ? err : ret;
	}
	b->damaged_total += *damaged;
	b->repaired_total += *repaired;
	b->lost_total += ret == -EIO;
	return ret;
}

int
blob_repair(struct blobs *b, struct str region, struct blob_id id, uint64_t *ret_bytes,
	unsigned *ret_damaged, unsigned *ret_repaired)
{
	struct blob_set set;
	*ret_bytes = 0;
	*ret_damaged = *ret_repaired = 0;
	if (!zones_region_valid(region))
		return -EINVAL;
	pthread_mutex_lock(&b->repairs_lock);
	int err = blob_set_open(&set, b->zones, region, id);
	if (err) {
		/* No shard says what the blob was. */
		b->lost_total += err == -EIO;
		pthread_mutex_unlock(&b->repairs_lock);
		return err;
	}
	char *buf = aligned_alloc(64, 3 * (size_t)set.head.chunk_bytes);
	if (!buf)
		abort();
	err = set_repair(b, &set, buf, ret_bytes, ret_damaged, ret_repaired);
	free(buf);
	blob_set_close(&set);
	pthread_mutex_unlock(&b->repairs_lock);
	if (*ret_damaged) {
		char hex[BLOB_HEX];
		blob_id_hex(id, hex);
		log_warn("blobs.repair", log_str("region", region), log_c("blob", hex),
			log_uint("damaged", *ret_damaged), log_uint("repaired", *ret_repaired),
			log_int("status", err));
	}
	return err;
}

struct repair {
	struct pool_job job;
	struct blobs *blobs;
	struct blob_id id;
	char region[BLOB_REGION_MAX + 1];
};

static void
repair_run(struct pool_job *job)
{
	struct repair *r = (struct repair *)job;
	uint64_t bytes;
	unsigned damaged, repaired;
	blob_repair(r->blobs, str_c(r->region), r->id, &bytes, &damaged, &repaired);
}

static void
repair_done(struct pool_job *job)
{
	struct repair *r = (struct repair *)job;
	r->blobs->repairs_queued--;
	free(r);
}

void
blob_repair_queue(struct blobs *b, struct str region, struct blob_id id)
{
	if (b->repairs_queued >= QUEUE_MAX)
		return; /* the scrubber comes by */
	struct repair *r = calloc(1, sizeof(*r));
	if (!r)
		abort();
	b->repairs_queued++;
	r->job = (struct pool_job){ .run = repair_run, .done = repair_done, .lane = REPAIR_LANE };
	r->blobs = b;
	r->id = id;
	memcpy(r->region, region.p, region.len);
	pool_submit(b->pool, &r->job);
}

struct scrubbing {
	struct blobs *blobs;
	struct blobs_scrub *report;
	uint64_t started_us;
};

/* The shard with the lowest number that is there speaks for the blob. */
static bool
is_first(struct blobs *b, const struct blob_visit *v)
{
	char path[PATH_MAX];
	for (unsigned i = 0; i < v->shard; i++)
		if (zones_path(b->zones, v->region, v->id, i, path) && access(path, F_OK) == 0)
			return false;
	return true;
}

static void
scrub_pace(const struct scrubbing *s)
{
	uint64_t rate = s->report->bytes_a_second;
	uint64_t passed_us = clock_mono_us() - s->started_us;
	uint64_t due_us = rate ? (uint64_t)((double)s->report->bytes / (double)rate * 1e6) : 0;
	if (due_us > passed_us) {
		uint64_t left_us = due_us - passed_us;
		nanosleep(&(struct timespec){ (time_t)(left_us / 1000000),
				  (long)(left_us % 1000000) * 1000 },
			NULL);
	}
}

static bool
scrub_visit(void *arg, const struct blob_visit *v)
{
	struct scrubbing *s = arg;
	struct blobs_scrub *r = s->report;
	uint64_t bytes;
	unsigned damaged, repaired;
	struct stat st;
	if (!v->tmp && fstatat(v->dir, v->name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		r->zone_files[v->zone]++;
		r->zone_bytes[v->zone] += (uint64_t)st.st_size;
	}
	if (v->tmp || !is_first(s->blobs, v))
		return true;
	r->last_status = blob_repair(s->blobs, v->region, v->id, &bytes, &damaged, &repaired);
	if (r->last_status == -ENOENT)
		return true; /* removed meanwhile */
	if (r->last_status == -EIO && r->named && !r->named(r->arg, v->region, v->id)) {
		/* Cut off before its commit, or while it was removed: nobody lost anything. */
		s->blobs->lost_total--;
		return true;
	}
	r->blobs++;
	r->bytes += bytes;
	r->damaged += damaged;
	r->repaired += repaired;
	r->lost += r->last_status == -EIO;
	r->last_region = v->region;
	r->last = v->id;
	scrub_pace(s);
	return !r->progress || r->progress(r);
}

int
blobs_scrub(struct blobs *b, struct blobs_scrub *s)
{
	struct scrubbing scrubbing = { b, s, clock_mono_us() };
	return blobs_walk(b->zones, scrub_visit, &scrubbing);
}

void
blobs_stats_get(struct blobs *b, struct blobs_stats *ret_stats)
{
	*ret_stats = (struct blobs_stats){ b->damaged_total, b->repaired_total, b->lost_total,
		b->degraded_total };
}
