/* Records, and zeros, into the file of one side: see wal.h. */
#include "store/wal_private.h"

#include "store/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define ZERO_PIECE (1u << 20)
#define STAGE_KEEP (1u << 20) /* what one large group needed does not stay */

uint64_t
wal_record_hash(const struct wal_record *r, uint64_t seed)
{
	size_t skip = sizeof r->hash;
	return XXH3_64bits_withSeed(
		(const char *)r + skip, sizeof *r - skip + r->payload_bytes, seed);
}

static bool
direct_set(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);
	return flags >= 0 && fcntl(fd, F_SETFL, on ? flags | O_DIRECT : flags & ~O_DIRECT) == 0;
}

/* Whole pages from a page's boundary on. A file system that takes the flag and then not the write
 * gets it through the page cache. */
static int
pages_write(int fd, bool *direct, const char *p, size_t bytes, uint64_t at)
{
	int rc = io_write_all(fd, p, bytes, (off_t)at);
	if (rc != -EINVAL || !*direct)
		return rc;
	*direct = false;
	return direct_set(fd, false) ? io_write_all(fd, p, bytes, (off_t)at) : rc;
}

int
wal_zero_file(int fd, uint64_t size)
{
	static char zeros[ZERO_PIECE] __attribute__((aligned(WAL_PAGE)));
	if (store_io.fallocate(fd, 0, 0, (off_t)size) < 0 && errno != EOPNOTSUPP)
		return -errno;
	/* Written out, not only allocated: the first sync over unwritten extents costs a journal
	 * commit. */
	bool direct = direct_set(fd, true);
	int rc = 0;
	for (uint64_t at = 0; at < size && !rc; at += sizeof zeros) {
		uint64_t n = size - at < sizeof zeros ? size - at : sizeof zeros;
		rc = pages_write(fd, &direct, zeros, n, at);
	}
	if (direct)
		direct_set(fd, false);
	if (!rc && store_io.fdatasync(fd) < 0)
		rc = -errno;
	return rc;
}

void
side_go_direct(struct wal_side *l)
{
	/* Unsynced records must not wait for the disk. */
	l->direct = !l->relaxed && direct_set(l->fd, true);
}

/* Room behind the page that the record begins in; what stands in that page stays. */
static void
stage_grow(struct wal_side *l, size_t bytes)
{
	char *fresh = NULL;
	if (bytes <= l->stage_bytes)
		return;
	bytes = bytes * 2 < STAGE_KEEP ? bytes * 2 : bytes;
	bytes = (bytes + WAL_PAGE - 1) & ~(size_t)(WAL_PAGE - 1);
	if (posix_memalign((void **)&fresh, WAL_PAGE, bytes))
		abort();
	if (l->stage)
		memcpy(fresh, l->stage, WAL_PAGE);
	free(l->stage);
	l->stage = fresh;
	l->stage_bytes = bytes;
}

/* The page that the next record begins in comes to the front. */
static void
stage_advance(struct wal_side *l, size_t end)
{
	size_t whole = end & ~(size_t)(WAL_PAGE - 1);
	if (whole && whole < end)
		memcpy(l->stage, l->stage + whole, WAL_PAGE);
	if (l->stage_bytes <= STAGE_KEEP)
		return;
	char *large = l->stage;
	l->stage = NULL;
	l->stage_bytes = 0;
	stage_grow(l, WAL_PAGE);
	memcpy(l->stage, large, WAL_PAGE);
	free(large);
}

int
side_append(struct wal_side *l, const struct wal_record *r)
{
	size_t bytes = sizeof *r + r->payload_bytes;
	int rc = side_room(l, r);
	if (rc)
		return rc;
	size_t from = l->pos % WAL_PAGE, end = from + bytes;
	size_t pages = (end + WAL_PAGE - 1) & ~(size_t)(WAL_PAGE - 1);
	stage_grow(l, pages);
	struct wal_record *mine = (void *)(l->stage + from);
	memcpy(mine, r, bytes);
	mine->hash = wal_record_hash(mine, l->seed);
	memset(l->stage + end, 0, pages - end);
	rc = pages_write(l->fd, &l->direct, l->stage, pages, l->pos - from);
	if (rc)
		return rc;
	stage_advance(l, from + wal_round(bytes));
	l->last_offset = l->pos;
	l->pos += wal_round(bytes);
	pthread_mutex_lock(&l->lock);
	l->newest->last_seq = r->first_seq + r->units - 1;
	l->pos_shared = l->pos;
	l->size_shared = l->size;
	pthread_mutex_unlock(&l->lock);
	return 0;
}

struct wal_outcome
side_commit(struct wal_side *l, const struct wal_record *r)
{
	struct wal_outcome o = { 0 };
	if (r)
		o.rc = side_append(l, r);
	o.written = r && !o.rc;
	if (!o.rc && l->fd >= 0 && store_io.fdatasync(l->fd) < 0)
		o.rc = -errno;
	return o;
}

void
side_disown_last(struct wal_side *l)
{
	struct wal_record none = { 0 };
	if (l->direct)
		l->direct = !direct_set(l->fd, false);
	if (io_write_all(l->fd, &none, sizeof none, (off_t)l->last_offset) == 0)
		(void)store_io.fdatasync(l->fd);
}
