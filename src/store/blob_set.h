/*
 * blob_set: the shards of one blob in the zones of its region. Blocking; used on the pool's
 * workers.
 *
 * A layout is k data shards and m parity shards (m is 0 or 1), each in a zone of its own. The blob
 * is cut into stripes of k chunks; chunk i lies in shard i mod k, and the parity shard holds the
 * XOR of each stripe. So {1,0} is one copy in one zone, {1,1} two copies, {2,1} Reed-Solomon 2+1
 * (which for one parity shard is XOR): all three are the same code. Shard s lies in zone (first
 * byte of the id + s) mod 3, so load and space even out. Any one shard that is missing or damaged
 * is made good from the others. A set belongs to one thread at a time.
 */
#ifndef HANEUL_STORE_BLOB_SET_H
#define HANEUL_STORE_BLOB_SET_H

#include "store/blob_file.h"
#include "store/zones.h"

#define BLOB_CHUNK (128u << 10)
#define BLOB_SEAL 16u /* the tag: a sealed chunk holds so many bytes less */

struct blob_layout {
	uint8_t data_n, parity_n;
};
/* By the bytes known so far: size_bytes < 0 means unknown and large. */
struct blob_layout blob_layout_choose(enum blob_placement placement, int64_t size_bytes);

struct blob_set {
	struct zones *zones;
	struct blob_head head; /* shard unused */
	struct blob_file file[BLOB_ZONES];
	int8_t state[BLOB_ZONES]; /* reader: 0 not opened yet, 1 open, -1 lost */
	char region[BLOB_REGION_MAX + 1];
	bool sync;
	void *scratch; /* aligned: parity while writing, a stripe while repairing */
	int8_t failed; /* writer: 1 + the shard whose zone failed; 0: none */
	bool healed;   /* reader: something was made good from the other shards */
};

int blob_set_create(struct blob_set *s, struct zones *z, struct str region, struct blob_id id,
	struct blob_layout layout);
/* Whole stripes (k * BLOB_CHUNK), only the last call less. `data` need not be aligned. */
int blob_set_append(struct blob_set *s, struct str data);
int blob_set_finish(
	struct blob_set *s); /* durable and named (but in a zone that failed); else discard */
void blob_set_discard(struct blob_set *s);

/* -ENOENT: no shard there; -EIO: too many lost. */
int blob_set_open(struct blob_set *s, struct zones *z, struct str region, struct blob_id id);
/* Chunk `at` of the blob, verified, made good from the other shards where it must be. buf:
 * BLOB_CHUNK bytes or the file's chunk_bytes, 64-byte aligned. */
int blob_set_read(struct blob_set *s, uint64_t at, void *buf, size_t *ret_len);
/* The same where it takes neither the disk nor another shard, from shards that are open; fit for a
 * loop. sum: as in blob_file_read_now. False: ask blob_set_read. */
bool blob_set_read_now(struct blob_set *s, uint64_t at, bool sum, void *buf, size_t *ret_len);
void blob_set_close(struct blob_set *s);

/* For the repair. */
unsigned blob_set_shards(const struct blob_set *s);
size_t blob_set_chunk_len(
	const struct blob_set *s, uint64_t at); /* of chunk `at` of the blob; 0: beyond its end */
int blob_set_shard_open(struct blob_set *s, unsigned shard); /* once; 0 or -errno */
/* Chunk `row` of one shard as it lies there; not 0 when it is missing or damaged. */
int blob_set_shard_read(
	struct blob_set *s, unsigned shard, uint64_t row, void *buf, size_t *ret_len);
/* Opens a temporary file for that shard of an opened or new set. */
int blob_set_shard_create(struct blob_set *s, unsigned shard, struct blob_file *ret_file);
/* The parity of a stripe's chunks a and b (b shorter or absent, as if filled up with zeros); lives
 * in the set. */
struct str blob_set_parity(struct blob_set *s, struct str a, struct str b);

#endif
