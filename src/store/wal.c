/* Writing the log: see wal.h. */
#include "store/wal_private.h"

#include "store/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

void
wal_file_name(char ret_name[32], uint64_t generation)
{
	snprintf(ret_name, 32, "%016llx.log", (unsigned long long)generation);
}

static void
spare_name(char ret_name[32], int slot)
{
	snprintf(ret_name, 32, "spare-%d", slot);
}

uint64_t
wal_header_hash(const struct wal_header *h)
{
	return XXH3_64bits(h, offsetof(struct wal_header, hash));
}

uint64_t
wal_record_hash(const struct wal_record *r, uint64_t generation)
{
	size_t skip = sizeof r->hash;
	return XXH3_64bits_withSeed(
		(const char *)r + skip, sizeof *r - skip + r->payload_bytes, generation);
}

void
wal_file_add(struct wal *l, uint64_t generation, uint64_t size, uint64_t last_seq)
{
	struct wal_file *f = calloc(1, sizeof *f);
	if (!f)
		abort();
	f->generation = generation;
	f->size = size;
	f->last_seq = last_seq;
	if (l->newest)
		l->newest->next = f;
	else
		l->files = f;
	l->newest = f;
	l->generation = generation;
}

static int
zero_file(int fd, uint64_t size)
{
	static const char zeros[256 << 10];
	if (store_io.fallocate(fd, 0, 0, (off_t)size) < 0 && errno != EOPNOTSUPP)
		return -errno;
	/* Written out, not only allocated: the first sync over unwritten extents costs a journal
	 * commit. */
	for (uint64_t at = 0; at < size; at += sizeof zeros) {
		uint64_t n = size - at < sizeof zeros ? size - at : sizeof zeros;
		int rc = io_write_all(fd, zeros, n, (off_t)at);
		if (rc)
			return rc;
	}
	return store_io.fdatasync(fd) < 0 ? -errno : 0;
}

static int
slot_take(struct wal *l)
{
	pthread_mutex_lock(&l->lock);
	int slot = __builtin_ctz(~l->slots_used);
	l->slots_used |= 1u << slot;
	pthread_mutex_unlock(&l->lock);
	return slot;
}

static void
spare_drop(struct wal *l, struct wal_spare *s)
{
	char name[32];
	spare_name(name, s->slot);
	unlinkat(l->dir_fd, name, 0);
	if (s->fd >= 0)
		close(s->fd);
	pthread_mutex_lock(&l->lock);
	l->slots_used &= ~(1u << s->slot);
	pthread_mutex_unlock(&l->lock);
}

static int
spare_make(struct wal *l, uint64_t size, struct wal_spare *ret_spare)
{
	struct wal_spare s = { .slot = slot_take(l), .size = size };
	char name[32];
	spare_name(name, s.slot);
	s.fd = openat(l->dir_fd, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int rc = s.fd < 0 ? -errno : zero_file(s.fd, size);
	if (rc)
		spare_drop(l, &s);
	else
		*ret_spare = s;
	return rc;
}

static bool
spare_take(struct wal *l, uint64_t bytes, struct wal_spare *ret_spare)
{
	bool found = false;
	pthread_mutex_lock(&l->lock);
	for (int i = 0; i < l->spares_count && !found; i++) {
		if (l->spares[i].size < bytes)
			continue;
		*ret_spare = l->spares[i];
		l->spares[i] = l->spares[--l->spares_count];
		found = true;
	}
	pthread_mutex_unlock(&l->lock);
	return found;
}

/* Whoever comes too late drops its file. */
static void
spare_give(struct wal *l, struct wal_spare *s)
{
	pthread_mutex_lock(&l->lock);
	bool room = l->spares_count < WAL_SPARES;
	if (room)
		l->spares[l->spares_count++] = *s;
	pthread_mutex_unlock(&l->lock);
	if (!room)
		spare_drop(l, s);
}

/* Only a file whose header is durable gets a log's name, and only a durable name gets records. */
static int
spare_becomes_current(struct wal *l, struct wal_spare *s)
{
	struct wal_header h = { WAL_MAGIC, l->relaxed ? WAL_RELAXED : 0, l->generation + 1,
		l->next_number, l->next_seq, 0 };
	h.hash = wal_header_hash(&h);
	int rc = io_write_all(s->fd, &h, sizeof h, 0);
	if (!rc && store_io.fdatasync(s->fd) < 0)
		rc = -errno;
	char from[32], to[32];
	spare_name(from, s->slot);
	wal_file_name(to, h.generation);
	if (!rc && renameat(l->dir_fd, from, l->dir_fd, to) < 0)
		rc = -errno;
	if (rc) {
		spare_drop(l, s);
		return rc;
	}
	/* From here on the name is there: a failure must not leave the number free for another try.
	 */
	if (l->fd >= 0)
		close(l->fd);
	l->fd = s->fd;
	l->pos = WAL_HEADER_BYTES;
	l->size = s->size;
	pthread_mutex_lock(&l->lock);
	l->slots_used &= ~(1u << s->slot);
	wal_file_add(l, h.generation, s->size, l->next_seq - 1);
	pthread_mutex_unlock(&l->lock);
	return io_sync_dir(l->dir_fd) ? -EIO : 0;
}

int
wal_rotate(struct wal *l, uint64_t bytes)
{
	struct wal_spare s;
	uint64_t need = WAL_HEADER_BYTES + bytes;
	if (!spare_take(l, need, &s)) {
		int rc = spare_make(l, need < WAL_FILE_MIN ? WAL_FILE_MIN : wal_round(need), &s);
		if (rc)
			return rc;
	}
	return spare_becomes_current(l, &s);
}

int
wal_rotate_empty(struct wal *l)
{
	struct wal_spare s;
	int rc = spare_make(l, WAL_HEADER_BYTES, &s);
	return rc ? rc : spare_becomes_current(l, &s);
}

void
wal_begin(struct buf *b)
{
	buf_clear(b);
	memset(buf_reserve(b, sizeof(struct wal_record)), 0, sizeof(struct wal_record));
	b->len = sizeof(struct wal_record);
}

int
wal_append(struct wal *l, struct buf *b, uint64_t first_seq, uint32_t units)
{
	uint64_t bytes = wal_round(b->len);
	if (first_seq != l->next_seq)
		abort();
	if (l->fd < 0 || bytes > l->size - l->pos) {
		/* Relaxed records may wait for their sync; the next file's header says that they
		 * are there. */
		int rc = l->fd >= 0 && l->relaxed ? wal_sync(l) : 0;
		if (!rc)
			rc = wal_rotate(l, bytes);
		if (rc)
			return rc;
	}
	struct wal_record r = { 0, WAL_RECORD_MAGIC, units, l->next_number, first_seq,
		b->len - sizeof r };
	memset(buf_reserve(b, bytes - b->len), 0, bytes - b->len);
	memcpy(b->p, &r, sizeof r);
	r.hash = wal_record_hash((struct wal_record *)(void *)b->p, l->generation);
	memcpy(b->p, &r, sizeof r);
	int rc = io_write_all(l->fd, b->p, bytes, (off_t)l->pos);
	if (rc)
		return rc;
	l->last_offset = l->pos;
	l->pos += bytes;
	l->next_number++;
	l->next_seq += units;
	pthread_mutex_lock(&l->lock);
	l->newest->last_seq = l->next_seq - 1;
	l->bytes_written += bytes;
	l->pos_shared = l->pos;
	l->size_shared = l->size;
	pthread_mutex_unlock(&l->lock);
	return 0;
}

int
wal_sync(struct wal *l)
{
	if (l->fd < 0)
		return 0;
	pthread_mutex_lock(&l->lock);
	l->syncs++;
	pthread_mutex_unlock(&l->lock);
	return store_io.fdatasync(l->fd) < 0 ? -errno : 0;
}

void
wal_disown_last(struct wal *l)
{
	struct wal_record none = { 0 };
	if (io_write_all(l->fd, &none, sizeof none, (off_t)l->last_offset) == 0)
		(void)store_io.fdatasync(l->fd);
}

static void
file_recycle(struct wal *l, struct wal_file *f, bool keep)
{
	char name[32], spare[32];
	wal_file_name(name, f->generation);
	struct wal_spare s = { .fd = -1, .size = f->size };
	if (keep) {
		s.slot = slot_take(l);
		spare_name(spare, s.slot);
		if (renameat(l->dir_fd, name, l->dir_fd, spare) == 0)
			s.fd = openat(l->dir_fd, spare, O_RDWR | O_CLOEXEC);
		if (s.fd >= 0) {
			spare_give(l, &s);
			return;
		}
		spare_drop(l, &s);
	}
	unlinkat(l->dir_fd, name, 0);
}

void
wal_release(struct wal *l, uint64_t seq)
{
	for (;;) {
		pthread_mutex_lock(&l->lock);
		struct wal_file *f = l->files;
		/* Oldest first: a gap in the generations would look like a lost file. */
		bool done = !f || f == l->newest || f->last_seq > seq;
		bool keep = !done && f->size >= l->next_size && l->spares_count < WAL_SPARES;
		if (!done)
			l->files = f->next;
		pthread_mutex_unlock(&l->lock);
		if (done)
			return;
		file_recycle(l, f, keep && f->size <= WAL_FILE_MAX);
		free(f);
	}
}

bool
wal_wants_file(struct wal *l)
{
	pthread_mutex_lock(&l->lock);
	bool wants = l->spares_count == 0 && l->pos_shared > l->size_shared / 2;
	pthread_mutex_unlock(&l->lock);
	return wants;
}

int
wal_prepare(struct wal *l)
{
	if (!wal_wants_file(l))
		return 0;
	pthread_mutex_lock(&l->lock);
	uint64_t size = l->next_size;
	pthread_mutex_unlock(&l->lock);
	struct wal_spare s;
	/* A failure here is met again, and reported, by the append that finds no file. */
	if (spare_make(l, size, &s))
		return 0;
	pthread_mutex_lock(&l->lock);
	if (l->next_size < WAL_FILE_MAX)
		l->next_size *= 2;
	pthread_mutex_unlock(&l->lock);
	spare_give(l, &s);
	return 0;
}

uint64_t
wal_last_seq(const struct wal *l)
{
	return l->next_seq - 1;
}

uint64_t
wal_bytes_written(struct wal *l)
{
	pthread_mutex_lock(&l->lock);
	uint64_t n = l->bytes_written;
	pthread_mutex_unlock(&l->lock);
	return n;
}

uint64_t
wal_syncs(struct wal *l)
{
	pthread_mutex_lock(&l->lock);
	uint64_t n = l->syncs;
	pthread_mutex_unlock(&l->lock);
	return n;
}

uint64_t
wal_disk_bytes(struct wal *l)
{
	uint64_t n = 0;
	pthread_mutex_lock(&l->lock);
	for (struct wal_file *f = l->files; f; f = f->next)
		n += f->size;
	for (int i = 0; i < l->spares_count; i++)
		n += l->spares[i].size;
	pthread_mutex_unlock(&l->lock);
	return n;
}
