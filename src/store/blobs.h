/*
 * blobs: large immutable bodies as files, chunked and checksummed. A blob is written under a
 * temporary name, given its id as name, and synced with it; the row that names it makes it real.
 * Blobs that no row names (a crash before the commit) are found and removed by blobs_sweep.
 *
 * A region has zones (directories zone-a, zone-b, zone-c). How a blob is spread over them is
 * decided by `placement`; readers do not care. A write for which one zone fails is accepted when
 * the shards that suffice to read it are durable in the others; what is missing is made good later,
 * by a repair or the scrubber. (Refusing it would make each zone a single point of failure.)
 * Everything here is called on a loop; the work happens on a pool's workers, the callbacks run on
 * that same loop. Memory for one writer or reader is bounded by two chunks.
 */
#ifndef HANEUL_STORE_BLOBS_H
#define HANEUL_STORE_BLOBS_H

#include "base/digest.h"
#include "os/pool.h"

struct blobs;
struct blob_writer;
struct blob_reader;

struct blob_id {
	unsigned char b[16]; /* random; the file's name is its hex form */
};

enum blob_placement {
	BLOB_STANDARD, /* survives the loss of any one zone: two copies up to 128 KiB, else
			  Reed-Solomon 2+1 */
	BLOB_ONE_ZONE,
};

struct blobs_options {
	const char *dir;
	struct pool *pool;
	bool no_sync; /* ephemeral and relaxed modes */
	const char *zone_dirs[3]; /* where zone-a, b, c lie, three disks say; NULL: in dir */
};
int blobs_open(struct blobs **ret_blobs, const struct blobs_options *o);
void blobs_close(struct blobs *b);

struct blob_result {
	int status; /* 0 or -errno (-ENOSPC …) */
	struct blob_id id;
	uint64_t size;
	struct digest_values digests;
};

/* `which`: digests to compute on the way (on the worker). size_hint: -1 unknown. */
int blob_writer_open(struct blobs *b, struct loop *l, struct str region,
	enum blob_placement placement, unsigned which, int64_t size_hint,
	struct blob_writer **ret_writer);
/* Before anything is added: the bytes lie on disk encrypted with AES-256-GCM, chunk by chunk, under
 * a key made from `key` (32 bytes) and the blob's id. Sizes and digests stay those of the plain
 * bytes. */
void blob_writer_seal(struct blob_writer *w, const unsigned char *key);
#define BLOB_WINDOW (1u << 20)
/* Copies. Returns the bytes that wait for the disk: above 1 MiB stop until `drained` runs. */
size_t blob_writer_add(
	struct blob_writer *w, struct str data, void (*drained)(void *arg), void *arg);
/* Syncs and links, then done(arg, result); w is freed. */
void blob_writer_finish(
	struct blob_writer *w, void (*done)(void *arg, const struct blob_result *r), void *arg);
/* Removes what was written; w is freed (later, if a worker still has it). */
void blob_writer_abort(struct blob_writer *w);

/* Reads [offset, offset+len) in pieces of at most one chunk; each is verified before it is handed
 * over. next() asks for one piece; `piece` gets data (valid until the next call), an empty str at
 * the end, or status -EIO (damaged: never wrong bytes), -ENOENT. */
int blob_reader_open(struct blobs *b, struct loop *l, struct str region, struct blob_id id,
	uint64_t offset, uint64_t len, void (*piece)(void *arg, int status, struct str data),
	void *arg, struct blob_reader **ret_reader);
/* Before the first next(), for what was written so: offset and len are of the plain bytes. */
void blob_reader_unseal(struct blob_reader *r, const unsigned char *key);
void blob_reader_next(struct blob_reader *r);
/* The next piece at once (valid until the next call) where the page cache holds it: copied,
 * verified and unsealed here on the loop, so that nobody is woken and the bytes are still in the
 * processor's cache when they are sent. False: ask next(). Whoever means to use it asks before the
 * first next() too; then workers do not read ahead while pieces come this way.
 *
 * Why copied and not sendfile of the file's own pages: what was verified must be what is sent. A
 * page of the file can be read anew from a damaged disk, or written by somebody, between the two;
 * a copy of ours cannot. Sealed chunks are verified by their tag alone, which no flipped bit
 * passes; what it refuses goes the worker's way, where the other shards are. */
bool blob_reader_now(struct blob_reader *r, struct str *ret_piece);
void blob_reader_close(struct blob_reader *r); /* no callback runs afterwards */

/* After the commit that dropped the last row naming it. Readers that have it open finish. */
void blob_remove(struct blobs *b, struct str region, struct blob_id id);
void blob_remove_now(
	struct blobs *b, struct str region, struct blob_id id); /* blocking; never on a loop */
/* Synchronous, at start and by the scrubber: calls `named` for each blob older than `min_age_s`;
 * false: removed. */
int blobs_sweep(struct blobs *b, uint32_t min_age_s,
	bool (*named)(void *arg, struct str region, struct blob_id id), void *arg);

struct blobs_stats {
	uint64_t damaged_total;  /* shards found missing or damaged */
	uint64_t repaired_total; /* shards written anew */
	uint64_t lost_total;     /* blobs that could not be made good */
	uint64_t degraded_total; /* writes accepted although a zone failed */
};
void blobs_stats_get(struct blobs *b, struct blobs_stats *ret_stats); /* any thread */

struct blobs_scrub {
	/* May be NULL. After each blob; false: stop. */
	bool (*progress)(struct blobs_scrub *s);
	/* May be NULL. Does a row name it? A blob that nobody names is not lost when it cannot be
	 * made good. */
	bool (*named)(void *arg, struct str region, struct blob_id id);
	void *arg;
	uint64_t bytes_a_second; /* 0: as fast as it goes */
	/* What was found so far. */
	uint64_t blobs, bytes, damaged, repaired, lost;
	uint64_t zone_files[3], zone_bytes[3]; /* as the walk met them, before repairs */
	struct str last_region; /* of the blob just done; last_status -EIO: lost */
	struct blob_id last;
	int last_status;
};
/* Blocking, on a thread of its own or a worker: reads every shard of every blob, compares and
 * writes anew what is missing or damaged. Also rebuilds a zone whose directory was replaced. 0 or
 * -errno. */
int blobs_scrub(struct blobs *b, struct blobs_scrub *s);
/* Shards in each zone, without reading them: for progress. 0 or -errno. */
int blobs_count(struct blobs *b, uint64_t ret_files[3]);
/* true: the directory of that zone is not there, in some region that has others. */
bool blobs_zone_missing(struct blobs *b, unsigned zone);
/* Makes the directories of all zones in every region that has any, so that a rebuilt zone does not
 * look missing when nothing had to go there. */
void blobs_zones_make(struct blobs *b);
/* true once after a writer met such a directory and made it anew. */
bool blobs_zone_remade(struct blobs *b);
/* A blob whose object moved to One Zone: one copy in one zone takes its place (step 1); what the
 * other zones hold goes later (step 2, when no reader has the old shards open any more). On a
 * worker, then done on the loop; status 0 or -errno. Harmless when repeated, and when the blob is
 * one copy already. */
void blob_narrow(struct blobs *b, struct loop *l, struct str region, struct blob_id id, int step,
	void (*done)(void *arg, int status), void *arg);
/* Heals one blob, as the scrubber does. 0: whole now; -ENOENT; -EIO: lost (in part); another
 * -errno: the repair failed. */
int blob_repair(struct blobs *b, struct str region, struct blob_id id, uint64_t *ret_bytes,
	unsigned *ret_damaged, unsigned *ret_repaired);

#endif
