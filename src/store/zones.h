/*
 * zones: where the files of blobs lie: <dir>/<region>/zone-a|b|c/<2 hex>/<hex id>; each of the
 * three may have a <dir> of its own. A directory is made at first use, and its entry synced, before
 * anything in it counts as durable. All functions may be called from any thread; they block.
 */
#ifndef HANEUL_STORE_ZONES_H
#define HANEUL_STORE_ZONES_H

#include "store/blobs.h"

#include <limits.h>

#define BLOB_ZONES 3
#define BLOB_REGION_MAX 32
#define BLOB_HEX 33

struct zones;

/* own: a directory for each zone, or NULL for `dir`. */
struct zones *zones_new(const char *dir, const char *const own[BLOB_ZONES], bool sync);
void zones_free(struct zones *z);
const char *zones_dir(struct zones *z, unsigned zone);
bool zones_sync(struct zones *z);
/* The zones' directories in <dir>/<region>, where they are missing. */
void zones_make(struct zones *z, const char *region);
/* true once after a zone's directory had to be made anew because it had vanished. */
bool zones_remade(struct zones *z);
bool zones_region_valid(struct str region); /* [a-z0-9-]{1,32}: it becomes a directory's name */
/* The path of shard 0..2, which lies in zone (first byte of the id + shard) mod 3; false when too
 * long. */
bool zones_path(
	struct zones *z, struct str region, struct blob_id id, unsigned shard, char ret[PATH_MAX]);
/* The shard that lies in zone 0..2. */
unsigned zones_shard(struct blob_id id, unsigned zone);
/* Makes the directory of that path, durably. `again`: although it was made before (somebody removed
 * it). */
int zones_leaf_make(
	struct zones *z, struct str region, struct blob_id id, unsigned shard, bool again);
/* Removes every shard. 0 or the first -errno; absent is fine. */
int zones_remove(struct zones *z, struct str region, struct blob_id id);

void blob_id_hex(struct blob_id id, char ret[BLOB_HEX]);
bool blob_id_parse(struct str hex, struct blob_id *ret_id);

#endif
