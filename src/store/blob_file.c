#include "store/blob_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#define FLUSH_BYTES (8u << 20)

static const char magic[8] = { 'H', 'A', 'N', 'B', 'L', 'O', 'B', '\n' };

struct blob_page {
	char magic[8];
	uint32_t version, group;
	struct blob_id id;
	uint64_t size, shard_bytes; /* first page only */
	uint32_t chunk_bytes;
	uint8_t data_n, parity_n, shard, pad;
	uint64_t reserved[8];
	uint64_t checksum; /* of the whole page with this field zero */
	uint64_t sums[BLOB_SUMS];
};
_Static_assert(sizeof(struct blob_page) == BLOB_PAGE, "a page is a page");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "files are little-endian");

static int
file_sync(int fd)
{
	return fdatasync(fd);
}

struct blob_io blob_io = { pwrite, file_sync };

static uint64_t
chunk_sum(const struct blob_head *h, uint64_t at, struct str data)
{
	uint64_t half[2];
	memcpy(half, h->id.b, sizeof(half));
	uint64_t seed = half[0] ^ (half[1] << 1) ^ ((uint64_t)h->shard << 56) ^ at;
	return XXH3_64bits_withSeed(data.p, data.len, seed);
}

static uint64_t
page_sum(struct blob_page *p)
{
	uint64_t kept = p->checksum;
	p->checksum = 0;
	uint64_t sum = XXH3_64bits(p, sizeof(*p));
	p->checksum = kept;
	return sum;
}

static off_t
group_at(const struct blob_head *h, uint64_t group)
{
	return (off_t)(group * (BLOB_PAGE + (uint64_t)BLOB_SUMS * h->chunk_bytes));
}

static off_t
chunk_at(const struct blob_head *h, uint64_t at)
{
	return group_at(h, at / BLOB_SUMS) + BLOB_PAGE + (off_t)(at % BLOB_SUMS * h->chunk_bytes);
}

static int
write_all(int fd, const char *p, size_t n, off_t at)
{
	while (n) {
		ssize_t got = blob_io.write(fd, p, n, at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -EIO;
		p += got;
		n -= (size_t)got;
		at += got;
	}
	return 0;
}

/* 0 or -errno; a file that ends early is damage. flags: RWF_NOWAIT reads what memory holds. */
static int
read_all(int fd, char *p, size_t n, off_t at, int flags)
{
	while (n) {
		struct iovec v = { p, n };
		ssize_t got = preadv2(fd, &v, 1, at, flags);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -EIO;
		p += got;
		n -= (size_t)got;
		at += got;
	}
	return 0;
}

static char *
tmp_path(const char *path)
{
	char *ret;
	if (asprintf(&ret, "%s.tmp", path) < 0)
		abort();
	return ret;
}

static struct blob_page *
page_new(const struct blob_head *h, uint32_t group)
{
	struct blob_page *p = calloc(1, sizeof(*p));
	if (!p)
		abort();
	memcpy(p->magic, magic, sizeof(magic));
	p->version = BLOB_VERSION;
	p->group = group;
	p->id = h->id;
	p->chunk_bytes = h->chunk_bytes;
	p->data_n = h->data_n;
	p->parity_n = h->parity_n;
	p->shard = h->shard;
	return p;
}

int
blob_file_create(struct blob_file *f, const char *path, const struct blob_head *head)
{
	*f = (struct blob_file){ .fd = -1, .head = *head };
	char *tmp = tmp_path(path);
	f->fd = open(tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	free(tmp);
	if (f->fd < 0)
		return -errno;
	f->path = strdup(path);
	f->first = f->page = page_new(head, 0);
	return 0;
}

static int
page_write(struct blob_file *f, struct blob_page *p)
{
	p->checksum = page_sum(p);
	return write_all(f->fd, (const char *)p, sizeof(*p), group_at(&f->head, p->group));
}

/* Makes `page` the one of that group. The first page stays in memory: its sizes come last. */
static int
page_turn(struct blob_file *f, uint32_t group)
{
	if (group == f->group)
		return 0;
	if (f->page != f->first) {
		int err = page_write(f, f->page);
		if (err)
			return err;
		free(f->page);
	}
	f->page = page_new(&f->head, group);
	f->group = group;
	return 0;
}

int
blob_file_append(struct blob_file *f, struct str chunk, bool sync)
{
	uint64_t at = f->bytes / f->head.chunk_bytes;
	assert(f->bytes % f->head.chunk_bytes == 0 && chunk.len <= f->head.chunk_bytes);
	int err = page_turn(f, (uint32_t)(at / BLOB_SUMS));
	if (!err)
		err = write_all(f->fd, chunk.p, chunk.len, chunk_at(&f->head, at));
	if (err)
		return err;
	f->page->sums[at % BLOB_SUMS] = chunk_sum(&f->head, at, chunk);
	f->bytes += chunk.len;
	/* The disk works while further chunks arrive, so the final sync is short. Only a hint: its
	 * errors come back from that sync. */
	if (sync && f->bytes - f->flushed >= FLUSH_BYTES) {
		sync_file_range(f->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
		f->flushed = f->bytes;
	}
	return 0;
}

int
blob_dir_sync(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int err = fsync(fd) ? -errno : 0;
	close(fd);
	return err;
}

int
blob_file_seal(struct blob_file *f, uint64_t blob_size, bool sync)
{
	int err = f->page != f->first ? page_write(f, f->page) : 0;
	f->first->size = f->head.size = blob_size;
	f->first->shard_bytes = f->head.shard_bytes = f->bytes;
	if (!err)
		err = page_write(f, f->first);
	if (!err && sync)
		sync_file_range(f->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	return err;
}

int
blob_file_sync(struct blob_file *f)
{
	return blob_io.sync(f->fd) ? -errno : 0;
}

int
blob_file_name(struct blob_file *f)
{
	char *tmp = tmp_path(f->path);
	int err = rename(tmp, f->path) ? -errno : 0;
	free(tmp);
	f->named = !err;
	return err;
}

int
blob_file_name_sync(struct blob_file *f)
{
	char *slash = strrchr(f->path, '/');
	*slash = '\0';
	int err = blob_dir_sync(f->path);
	*slash = '/';
	return err;
}

void
blob_file_discard(struct blob_file *f)
{
	if (f->path) {
		char *tmp = tmp_path(f->path);
		unlink(f->named ? f->path : tmp);
		free(tmp);
	}
	blob_file_close(f);
}

void
blob_file_close(struct blob_file *f)
{
	if (!f->path)
		return;
	if (f->fd >= 0)
		close(f->fd);
	if (f->first != f->page)
		free(f->first);
	free(f->page);
	free(f->path);
	*f = (struct blob_file){ .fd = -1 };
}

static bool
page_valid(struct blob_page *p, struct blob_id id, uint8_t shard, uint32_t group)
{
	return memcmp(p->magic, magic, sizeof(magic)) == 0 && p->checksum == page_sum(p) &&
	       p->version == BLOB_VERSION && memcmp(&p->id, &id, sizeof(id)) == 0 &&
	       p->shard == shard && p->group == group;
}

static int
page_read(struct blob_file *f, uint32_t group)
{
	int err = read_all(f->fd, (char *)f->page, sizeof(*f->page), group_at(&f->head, group), 0);
	if (err)
		return err;
	return page_valid(f->page, f->head.id, f->head.shard, group) ? 0 : -EIO;
}

static bool
head_take(struct blob_head *h, const struct blob_page *p)
{
	h->size = p->size;
	h->shard_bytes = p->shard_bytes;
	h->chunk_bytes = p->chunk_bytes;
	h->data_n = p->data_n;
	h->parity_n = p->parity_n;
	return h->chunk_bytes >= BLOB_PAGE && h->chunk_bytes <= (1u << 20) &&
	       h->chunk_bytes % BLOB_PAGE == 0 && h->data_n >= 1 && h->data_n <= 2 &&
	       h->parity_n <= 1 && h->shard_bytes <= h->size;
}

int
blob_file_open(struct blob_file *f, const char *path, struct blob_id id, uint8_t shard)
{
	*f = (struct blob_file){ .fd = open(path, O_RDONLY | O_CLOEXEC) };
	if (f->fd < 0)
		return -errno;
	f->path = strdup(path);
	f->head.id = id;
	f->head.shard = shard;
	f->page = f->first = malloc(sizeof(*f->page));
	if (!f->path || !f->page)
		abort();
	int err = page_read(f, 0);
	if (!err && !head_take(&f->head, f->page))
		err = -EIO;
	if (err)
		blob_file_close(f);
	return err;
}

static size_t
chunk_len(const struct blob_file *f, uint64_t at)
{
	uint64_t from = at * f->head.chunk_bytes;
	uint64_t left = from < f->head.shard_bytes ? f->head.shard_bytes - from : 0;
	return left < f->head.chunk_bytes ? (size_t)left : f->head.chunk_bytes;
}

int
blob_file_read(struct blob_file *f, uint64_t at, void *buf, size_t *ret_len)
{
	size_t len = chunk_len(f, at);
	uint32_t group = (uint32_t)(at / BLOB_SUMS);
	int err = len ? 0 : -EIO;
	if (!err && group != f->group) {
		f->group = UINT32_MAX; /* until the page is known to be good */
		err = page_read(f, group);
	}
	if (err)
		return err;
	f->group = group;
	err = read_all(f->fd, buf, len, chunk_at(&f->head, at), 0);
	if (!err && f->page->sums[at % BLOB_SUMS] != chunk_sum(&f->head, at, str_of(buf, len)))
		err = -EIO;
	if (!err)
		*ret_len = len;
	return err;
}

int
blob_file_read_now(struct blob_file *f, uint64_t at, bool sum, void *buf, size_t *ret_len)
{
	size_t len = chunk_len(f, at);
	if (!len || (sum && at / BLOB_SUMS != f->group))
		return -EAGAIN;
	int err = read_all(f->fd, buf, len, chunk_at(&f->head, at), RWF_NOWAIT);
	if (!err && sum &&
		f->page->sums[at % BLOB_SUMS] != chunk_sum(&f->head, at, str_of(buf, len)))
		err = -EIO;
	*ret_len = len;
	return err;
}
