#include "store/zones.h"
#include "store/blob_file.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct region {
	struct region *next;
	char name[BLOB_REGION_MAX + 1];
	atomic_bool durable[BLOB_ZONES][256]; /* the leaf is there and its entry on disk */
	bool zone_durable[BLOB_ZONES]; /* and so are the zone's and all that it held at first use */
};

struct zones {
	char *dir[BLOB_ZONES];
	bool sync;
	pthread_mutex_t lock;           /* regions and the making of directories */
	struct region *_Atomic regions; /* only grows */
	atomic_bool remade;
};

struct zones *
zones_new(const char *dir, const char *const own[BLOB_ZONES], bool sync)
{
	struct zones *z = calloc(1, sizeof(*z));
	if (!z)
		abort();
	for (unsigned i = 0; i < BLOB_ZONES; i++)
		z->dir[i] = strdup(own[i] && *own[i] ? own[i] : dir);
	z->sync = sync;
	pthread_mutex_init(&z->lock, NULL);
	return z;
}

void
zones_free(struct zones *z)
{
	if (!z)
		return;
	for (struct region *r = z->regions, *next; r; r = next) {
		next = r->next;
		free(r);
	}
	pthread_mutex_destroy(&z->lock);
	for (unsigned i = 0; i < BLOB_ZONES; i++)
		free(z->dir[i]);
	free(z);
}

const char *
zones_dir(struct zones *z, unsigned zone)
{
	return z->dir[zone];
}

bool
zones_sync(struct zones *z)
{
	return z->sync;
}

bool
zones_remade(struct zones *z)
{
	return atomic_exchange(&z->remade, false);
}

bool
zones_region_valid(struct str region)
{
	if (!region.len || region.len > BLOB_REGION_MAX)
		return false;
	for (size_t i = 0; i < region.len; i++) {
		char c = region.p[i];
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
			return false;
	}
	return true;
}

void
blob_id_hex(struct blob_id id, char ret[BLOB_HEX])
{
	static const char digits[] = "0123456789abcdef";
	for (unsigned i = 0; i < sizeof(id.b); i++) {
		ret[2 * i] = digits[id.b[i] >> 4];
		ret[2 * i + 1] = digits[id.b[i] & 15];
	}
	ret[2 * sizeof(id.b)] = '\0';
}

static int
hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
blob_id_parse(struct str hex, struct blob_id *ret_id)
{
	struct blob_id id;
	if (hex.len != 2 * sizeof(id.b))
		return false;
	for (unsigned i = 0; i < sizeof(id.b); i++) {
		int hi = hex_digit(hex.p[2 * i]), lo = hex_digit(hex.p[2 * i + 1]);
		if (hi < 0 || lo < 0)
			return false;
		id.b[i] = (unsigned char)(hi << 4 | lo);
	}
	*ret_id = id;
	return true;
}

static unsigned
zone_of(struct blob_id id, unsigned shard)
{
	return (id.b[0] + shard) % BLOB_ZONES;
}

unsigned
zones_shard(struct blob_id id, unsigned zone)
{
	return (zone + BLOB_ZONES - id.b[0] % BLOB_ZONES) % BLOB_ZONES;
}

bool
zones_path(
	struct zones *z, struct str region, struct blob_id id, unsigned shard, char ret[PATH_MAX])
{
	char hex[BLOB_HEX];
	blob_id_hex(id, hex);
	/* The first byte chooses the zone, so the leaf is named by the second: leaves fill evenly.
	 */
	int n = snprintf(ret, PATH_MAX, "%s/%.*s/zone-%c/%.2s/%s", z->dir[zone_of(id, shard)],
		STR_FMT(region), "abc"[zone_of(id, shard)], hex + 2, hex);
	return n > 0 && n < PATH_MAX - 8;
}

static struct region *
region_find(struct region *r, struct str name)
{
	while (r && !str_eq(str_c(r->name), name))
		r = r->next;
	return r;
}

static struct region *
region_get(struct zones *z, struct str name)
{
	struct region *r = region_find(z->regions, name);
	if (r)
		return r;
	pthread_mutex_lock(&z->lock);
	r = region_find(z->regions, name);
	if (!r) {
		r = calloc(1, sizeof(*r));
		if (!r)
			abort();
		memcpy(r->name, name.p, name.len);
		r->next = z->regions;
		z->regions = r;
	}
	pthread_mutex_unlock(&z->lock);
	return r;
}

static int
dir_make(const char *path, bool *ret_made)
{
	*ret_made = mkdir(path, 0700) == 0;
	return *ret_made || errno == EEXIST ? 0 : -errno;
}

/* All three at the region's first use: from then on one that is not there was lost. */
void
zones_make(struct zones *z, const char *region)
{
	for (unsigned i = 0; i < BLOB_ZONES; i++) {
		char path[PATH_MAX];
		bool made;
		int n = snprintf(path, sizeof(path), "%s/%s", z->dir[i], region);
		if (n > 0 && n < PATH_MAX - 8 && dir_make(z->dir[i], &made) == 0 &&
			dir_make(path, &made) == 0) {
			memcpy(path + n, "/zone-", 6);
			path[n + 6] = "abc"[i];
			path[n + 7] = '\0';
			dir_make(path, &made);
		}
	}
}

/* Makes <dir>/<region>/<zone>. Syncs all three also when they were there: a process that was killed
 * may have made entries without syncing them. */
static int
zone_make(struct zones *z, unsigned number, const char *zone, bool again)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s", zone);
	*strrchr(path, '/') = '\0';
	bool made;
	int err = dir_make(z->dir[number], &made);
	if (!err)
		err = dir_make(path, &made);
	if (!err)
		err = dir_make(zone, &made);
	if (again && made)
		z->remade = true;
	else if (!err)
		zones_make(z, strrchr(path, '/') + 1);
	if (err || !z->sync)
		return err;
	err = blob_dir_sync(z->dir[number]);
	if (!err)
		err = blob_dir_sync(path);
	return err ? err : blob_dir_sync(zone);
}

static int
leaf_make(struct zones *z, struct region *r, unsigned zone, char *leaf, bool again)
{
	char *slash = strrchr(leaf, '/');
	bool made = false;
	int err = 0;
	*slash = '\0';
	if (!r->zone_durable[zone] || again)
		err = zone_make(z, zone, leaf, again);
	if (!err)
		r->zone_durable[zone] = true;
	*slash = '/';
	if (!err)
		err = dir_make(leaf, &made);
	*slash = '\0';
	if (!err && made && z->sync)
		err = blob_dir_sync(leaf);
	*slash = '/';
	return err;
}

int
zones_leaf_make(struct zones *z, struct str region, struct blob_id id, unsigned shard, bool again)
{
	struct region *r = region_get(z, region);
	unsigned zone = zone_of(id, shard);
	atomic_bool *durable = &r->durable[zone][id.b[1]];
	if (*durable && !again)
		return 0;
	char path[PATH_MAX];
	if (!zones_path(z, region, id, shard, path))
		return -ENAMETOOLONG;
	*strrchr(path, '/') = '\0';
	pthread_mutex_lock(&z->lock);
	int err = leaf_make(z, r, zone, path, again);
	pthread_mutex_unlock(&z->lock);
	if (!err)
		*durable = true;
	return err;
}

int
zones_remove(struct zones *z, struct str region, struct blob_id id)
{
	int err = 0;
	for (unsigned shard = 0; shard < BLOB_ZONES; shard++) {
		char path[PATH_MAX];
		if (zones_path(z, region, id, shard, path) && unlink(path) && errno != ENOENT &&
			!err)
			err = -errno;
	}
	return err;
}
