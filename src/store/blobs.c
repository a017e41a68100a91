#include "store/blobs_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

int
blobs_open(struct blobs **ret_blobs, const struct blobs_options *o)
{
	if (mkdir(o->dir, 0700) && errno != EEXIST)
		return -errno;
	struct blobs *b = calloc(1, sizeof(*b));
	if (!b)
		abort();
	b->zones = zones_new(o->dir, o->zone_dirs, !o->no_sync);
	b->pool = o->pool;
	/* The clock that dates files. */
	clock_gettime(CLOCK_REALTIME_COARSE, &b->opened);
	pthread_mutex_init(&b->repairs_lock, NULL);
	pthread_mutex_init(&b->spare_lock, NULL);
	*ret_blobs = b;
	return 0;
}

void
blobs_close(struct blobs *b)
{
	if (!b)
		return;
	zones_free(b->zones);
	pthread_mutex_destroy(&b->repairs_lock);
	blob_writer_spares_free(b);
	pthread_mutex_destroy(&b->spare_lock);
	free(b);
}

struct removal {
	struct pool_job job;
	struct zones *zones;
	struct blob_id id;
	char region[BLOB_REGION_MAX + 1];
};

static void
removal_run(struct pool_job *job)
{
	struct removal *r = (struct removal *)job;
	/* What a failure leaves behind has no row, so a later sweep takes it. */
	zones_remove(r->zones, str_c(r->region), r->id);
}

static void
removal_done(struct pool_job *job)
{
	free(job);
}

void
blob_remove(struct blobs *b, struct str region, struct blob_id id)
{
	if (!zones_region_valid(region))
		return;
	struct removal *r = calloc(1, sizeof(*r));
	if (!r)
		abort();
	r->job.run = removal_run;
	r->job.done = removal_done;
	r->zones = b->zones;
	r->id = id;
	memcpy(r->region, region.p, region.len);
	pool_submit(b->pool, &r->job);
}

void
blob_remove_now(struct blobs *b, struct str region, struct blob_id id)
{
	if (zones_region_valid(region))
		zones_remove(b->zones, region, id);
}
