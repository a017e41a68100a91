/*
 * blobs: large immutable bodies as files, chunked and checksummed. A blob is written under a
 * temporary name, synced, then linked under its id; the row that names it makes it real. Blobs that
 * no row names (a crash between link and commit) are found and removed by blobs_sweep.
 *
 * A region has zones (directories zone-a, zone-b, zone-c). How a blob is spread over them is decided
 * by `placement`; readers do not care. Everything here is called on a loop; the work happens on a
 * pool's workers, the callbacks run on that same loop. Memory for one writer or reader is bounded
 * by two chunks.
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
	BLOB_STANDARD, /* survives the loss of any one zone (until issue 3's layouts: one copy in one zone) */
	BLOB_ONE_ZONE,
};

struct blobs_options {
	const char *dir;
	struct pool *pool;
	bool no_sync; /* ephemeral and relaxed modes */
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
int blob_writer_open(struct blobs *b, struct loop *l, struct str region, enum blob_placement placement,
	unsigned which, int64_t size_hint, struct blob_writer **ret_writer);
#define BLOB_WINDOW (1u << 20)
/* Copies. Returns the bytes that wait for the disk: above 1 MiB stop until `drained` runs. */
size_t blob_writer_add(struct blob_writer *w, struct str data, void (*drained)(void *arg), void *arg);
/* Syncs and links, then done(arg, result); w is freed. */
void blob_writer_finish(struct blob_writer *w, void (*done)(void *arg, const struct blob_result *r), void *arg);
/* Removes what was written; w is freed (later, if a worker still has it). */
void blob_writer_abort(struct blob_writer *w);

/* Reads [offset, offset+len) in pieces of at most one chunk; each is verified before it is handed
 * over. next() asks for one piece; `piece` gets data (valid until the next call), an empty str at the
 * end, or status -EIO (damaged: never wrong bytes), -ENOENT. */
int blob_reader_open(struct blobs *b, struct loop *l, struct str region, struct blob_id id, uint64_t offset,
	uint64_t len, void (*piece)(void *arg, int status, struct str data), void *arg,
	struct blob_reader **ret_reader);
void blob_reader_next(struct blob_reader *r);
void blob_reader_close(struct blob_reader *r); /* no callback runs afterwards */

/* After the commit that dropped the last row naming it. Readers that have it open finish. */
void blob_remove(struct blobs *b, struct str region, struct blob_id id);
/* Synchronous, at start and by the scrubber: calls `named` for each blob older than `min_age_s`; false: removed. */
int blobs_sweep(struct blobs *b, uint32_t min_age_s, bool (*named)(void *arg, struct str region, struct blob_id id),
	void *arg);

#endif
