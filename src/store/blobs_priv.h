/* What the files of blobs share: blobs.c, blob_writer.c, blob_reader.c, blob_walk.c, blob_repair.c.
 */
#ifndef HANEUL_STORE_BLOBS_PRIV_H
#define HANEUL_STORE_BLOBS_PRIV_H

#include "base/seal.h"
#include "store/blob_set.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

struct piece;

struct blobs {
	struct zones *zones;
	struct pool *pool;
	struct timespec opened; /* temporary files before that belong to nobody */
	pthread_mutex_t repairs_lock; /* one repair at a time */
	atomic_uint repairs_queued;
	pthread_mutex_t spare_lock;
	struct piece *spare; /* of writers */
	unsigned spare_n;
	_Atomic uint64_t damaged_total, repaired_total, lost_total, degraded_total;
};

void blob_writer_spares_free(struct blobs *b); /* when no writer is left */

/* Chunks are numbered, and no key is used for two blobs: so the number is a nonce. */
static inline void
blob_nonce(uint64_t at, unsigned char ret[SEAL_NONCE])
{
	memset(ret, 0, SEAL_NONCE);
	memcpy(ret, &at, sizeof(at));
}

struct blob_visit {
	struct str region;
	unsigned shard, zone;
	struct blob_id id;
	bool tmp;         /* a temporary file */
	int dir;          /* the directory that holds it */
	const char *name; /* in it */
};
/* Every file of ours, in no order; ends early when visit returns false. 0 or the first -errno. */
int blobs_walk(struct zones *z, bool (*visit)(void *arg, const struct blob_visit *v), void *arg);

/* After a read that met damage and made it good: heals the files on a worker, unless many wait
 * already. */
void blob_repair_queue(struct blobs *b, struct str region, struct blob_id id);

#endif
