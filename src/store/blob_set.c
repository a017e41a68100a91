#include "store/blob_set.h"

#include <assert.h>
#include <errno.h>
#include <isa-l/raid.h>
#include <stdlib.h>

#define COPIES_MAX BLOB_CHUNK

struct blob_layout
blob_layout_choose(enum blob_placement placement, int64_t size_bytes)
{
	if (placement == BLOB_ONE_ZONE)
		return (struct blob_layout){ 1, 0 };
	/* Up to one chunk there is nothing to stripe: two copies cost two files, 2+1 three. */
	if (size_bytes >= 0 && size_bytes <= COPIES_MAX)
		return (struct blob_layout){ 1, 1 };
	return (struct blob_layout){ 2, 1 };
}

unsigned
blob_set_shards(const struct blob_set *s)
{
	return s->head.data_n + s->head.parity_n;
}

/* Three chunks, aligned as the XOR wants them. */
static char *
scratch_get(struct blob_set *s)
{
	if (!s->scratch && !(s->scratch = aligned_alloc(64, 3 * (size_t)s->head.chunk_bytes)))
		abort();
	return s->scratch;
}

static void
set_init(struct blob_set *s, struct zones *z, struct str region, struct blob_id id)
{
	*s = (struct blob_set){ .zones = z, .head.id = id, .sync = zones_sync(z) };
	assert(region.len <= BLOB_REGION_MAX);
	memcpy(s->region, region.p, region.len);
	for (unsigned i = 0; i < BLOB_ZONES; i++)
		s->file[i].fd = -1;
}

int
blob_set_shard_create(struct blob_set *s, unsigned shard, struct blob_file *ret_file)
{
	char path[PATH_MAX];
	struct str region = str_c(s->region);
	if (!zones_path(s->zones, region, s->head.id, shard, path))
		return -ENAMETOOLONG;
	struct blob_head head = s->head;
	head.shard = (uint8_t)shard;
	int err = zones_leaf_make(s->zones, region, head.id, shard, false);
	if (!err)
		err = blob_file_create(ret_file, path, &head);
	if (err != -ENOENT)
		return err;
	err = zones_leaf_make(s->zones, region, head.id, shard, true);
	return err ? err : blob_file_create(ret_file, path, &head);
}

/* One shard may fail, where the others suffice to read: it is left out. The error, or 0. */
static int
shard_lose(struct blob_set *s, unsigned shard, int err)
{
	if (!err || !s->head.parity_n || s->failed)
		return err;
	blob_file_discard(&s->file[shard]);
	s->failed = (int8_t)(1 + shard);
	return 0;
}

static bool
shard_writes(const struct blob_set *s, unsigned shard)
{
	return s->failed != (int8_t)(1 + shard);
}

int
blob_set_create(struct blob_set *s, struct zones *z, struct str region, struct blob_id id,
	struct blob_layout layout)
{
	set_init(s, z, region, id);
	s->head.chunk_bytes = BLOB_CHUNK;
	s->head.data_n = layout.data_n;
	s->head.parity_n = layout.parity_n;
	int err = 0;
	for (unsigned i = 0; i < blob_set_shards(s) && !err; i++)
		err = shard_lose(s, i, blob_set_shard_create(s, i, &s->file[i]));
	if (err)
		blob_set_discard(s);
	return err;
}

struct str
blob_set_parity(struct blob_set *s, struct str a, struct str b)
{
	if (!b.len)
		return a;
	char *dst = scratch_get(s), *x = dst + s->head.chunk_bytes, *y = x + s->head.chunk_bytes;
	memcpy(x, a.p, a.len);
	memcpy(y, b.p, b.len);
	size_t whole = (a.len + 63) & ~(size_t)63;
	memset(x + a.len, 0, whole - a.len);
	memset(y + b.len, 0, whole - b.len);
	void *vectors[] = { x, y, dst };
	xor_gen(3, (int)whole, vectors);
	return str_of(dst, a.len);
}

static int
stripe_append(struct blob_set *s, struct str data)
{
	struct str chunk[2] = { str_slice(data, 0, BLOB_CHUNK),
		str_slice(data, BLOB_CHUNK, data.len) };
	int err = 0;
	for (unsigned i = 0; i < s->head.data_n && !err; i++)
		if (chunk[i].len && shard_writes(s, i))
			err = shard_lose(
				s, i, blob_file_append(&s->file[i], chunk[i], s->sync));
	unsigned p = s->head.data_n;
	if (!err && s->head.parity_n && shard_writes(s, p))
		err = shard_lose(s, p,
			blob_file_append(&s->file[p], blob_set_parity(s, chunk[0], chunk[1]),
				s->sync));
	return err;
}

int
blob_set_append(struct blob_set *s, struct str data)
{
	size_t stripe = (size_t)s->head.data_n * BLOB_CHUNK;
	s->head.size += data.len;
	for (size_t at = 0; at < data.len; at += stripe) {
		int err = stripe_append(s, str_slice(data, at, at + stripe));
		if (err)
			return err;
	}
	return 0;
}

enum finish_step {
	STEP_SEAL,
	/* Names before the sync: one commit of the journal then covers both. A crash in between
	 * leaves what no row names, as it would after the sync. */
	STEP_NAME,
	STEP_SYNC,
	STEP_NAME_SYNC,
	STEP_N,
};

static int
shard_step(struct blob_set *s, struct blob_file *f, enum finish_step step)
{
	switch (step) {
	case STEP_SEAL:
		return blob_file_seal(f, s->head.size, s->sync);
	case STEP_NAME:
		return blob_file_name(f);
	case STEP_SYNC:
		return s->sync ? blob_file_sync(f) : 0;
	default:
		return s->sync ? blob_file_name_sync(f) : 0;
	}
}

int
blob_set_finish(struct blob_set *s)
{
	int err = 0;
	for (enum finish_step step = 0; step < STEP_N; step++)
		for (unsigned i = 0; i < blob_set_shards(s) && !err; i++)
			if (shard_writes(s, i))
				err = shard_lose(s, i, shard_step(s, &s->file[i], step));
	if (!err)
		blob_set_close(s);
	return err;
}

void
blob_set_discard(struct blob_set *s)
{
	for (unsigned i = 0; i < BLOB_ZONES; i++)
		blob_file_discard(&s->file[i]);
	free(s->scratch);
	s->scratch = NULL;
}

void
blob_set_close(struct blob_set *s)
{
	for (unsigned i = 0; i < BLOB_ZONES; i++)
		blob_file_close(&s->file[i]);
	free(s->scratch);
	s->scratch = NULL;
}

int
blob_set_shard_open(struct blob_set *s, unsigned shard)
{
	char path[PATH_MAX];
	if (s->state[shard])
		return s->state[shard] > 0 ? 0 : -EIO;
	if (!zones_path(s->zones, str_c(s->region), s->head.id, shard, path))
		return -ENAMETOOLONG;
	int err = blob_file_open(&s->file[shard], path, s->head.id, (uint8_t)shard);
	s->state[shard] = err ? -1 : 1;
	return err;
}

int
blob_set_open(struct blob_set *s, struct zones *z, struct str region, struct blob_id id)
{
	set_init(s, z, region, id);
	int ret = -ENOENT;
	for (unsigned i = 0; i < BLOB_ZONES; i++) {
		int err = blob_set_shard_open(s, i);
		if (!err) {
			s->head = s->file[i].head;
			return 0;
		}
		if (err != -ENOENT)
			ret = err;
	}
	return ret;
}

int
blob_set_shard_read(struct blob_set *s, unsigned shard, uint64_t row, void *buf, size_t *ret_len)
{
	int err = s->state[shard] < 0 ? -EIO : blob_set_shard_open(s, shard);
	if (!err && (s->file[shard].head.size != s->head.size ||
			    s->file[shard].head.chunk_bytes != s->head.chunk_bytes))
		err = -EIO;
	if (!err)
		err = blob_file_read(&s->file[shard], row, buf, ret_len);
	return err;
}

size_t
blob_set_chunk_len(const struct blob_set *s, uint64_t at)
{
	uint64_t from = at * s->head.chunk_bytes;
	uint64_t left = from < s->head.size ? s->head.size - from : 0;
	return left < s->head.chunk_bytes ? (size_t)left : s->head.chunk_bytes;
}

static int
chunk_repair(struct blob_set *s, unsigned lost, uint64_t row, void *buf, size_t len)
{
	unsigned k = s->head.data_n;
	size_t got;
	if (!s->head.parity_n)
		return -EIO;
	if (k == 1)
		return blob_set_shard_read(s, 1, row, buf, &got) || got != len ? -EIO : 0;
	size_t chunk = s->head.chunk_bytes;
	char *parity = scratch_get(s), *other = parity + chunk;
	memset(parity, 0, 2 * chunk);
	uint64_t sibling = row * k + (1 - lost);
	if (blob_set_shard_read(s, k, row, parity, &got) || got < len)
		return -EIO;
	if (blob_set_chunk_len(s, sibling) && blob_set_shard_read(s, 1 - lost, row, other, &got))
		return -EIO;
	void *vectors[] = { parity, other, buf };
	xor_gen(3, (int)((len + 63) & ~(size_t)63), vectors);
	return 0;
}

int
blob_set_read(struct blob_set *s, uint64_t at, void *buf, size_t *ret_len)
{
	unsigned k = s->head.data_n;
	uint64_t row = at / k;
	size_t want = blob_set_chunk_len(s, at), got = 0;
	if (!want)
		return -EINVAL;
	int err = blob_set_shard_read(s, (unsigned)(at % k), row, buf, &got);
	if (!err && got != want)
		err = -EIO;
	if (err) {
		err = chunk_repair(s, (unsigned)(at % k), row, buf, want);
		s->healed |= !err;
	}
	if (!err)
		*ret_len = want;
	return err;
}

bool
blob_set_read_now(struct blob_set *s, uint64_t at, bool sum, void *buf, size_t *ret_len)
{
	struct blob_file *f = &s->file[at % s->head.data_n];
	if (s->state[at % s->head.data_n] <= 0 || f->head.size != s->head.size ||
		f->head.chunk_bytes != s->head.chunk_bytes)
		return false;
	return blob_file_read_now(f, at / s->head.data_n, sum, buf, ret_len) == 0 &&
	       *ret_len == blob_set_chunk_len(s, at);
}
