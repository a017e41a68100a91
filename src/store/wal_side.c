/* The log's files in one directory: see wal.h. */
#include "store/wal_private.h"

#include "store/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
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
	return XXH3_64bits(h, h->magic == WAL_MAGIC_1 ? offsetof(struct wal_header, seed)
						      : offsetof(struct wal_header, hash));
}

void
side_file_add(struct wal_side *l, uint64_t generation, uint64_t size, uint64_t last_seq)
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
slot_take(struct wal_side *l)
{
	pthread_mutex_lock(&l->lock);
	int slot = __builtin_ctz(~l->slots_used);
	l->slots_used |= 1u << slot;
	pthread_mutex_unlock(&l->lock);
	return slot;
}

static void
spare_drop(struct wal_side *l, struct wal_spare *s)
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
spare_make(struct wal_side *l, uint64_t size, struct wal_spare *ret_spare)
{
	size = (size + WAL_PAGE - 1) & ~(uint64_t)(WAL_PAGE - 1);
	struct wal_spare s = { .slot = slot_take(l), .size = size };
	char name[32];
	spare_name(name, s.slot);
	s.fd = openat(l->dir_fd, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int rc = s.fd < 0 ? -errno : wal_zero_file(s.fd, size);
	if (rc)
		spare_drop(l, &s);
	else
		*ret_spare = s;
	return rc;
}

static bool
spare_take(struct wal_side *l, uint64_t bytes, struct wal_spare *ret_spare)
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
spare_give(struct wal_side *l, struct wal_spare *s)
{
	pthread_mutex_lock(&l->lock);
	bool room = l->spares_count < WAL_SPARES;
	if (room)
		l->spares[l->spares_count++] = *s;
	pthread_mutex_unlock(&l->lock);
	if (!room)
		spare_drop(l, s);
}

static int
header_write(struct wal_side *l, int fd, uint64_t number, uint64_t seq, uint64_t *ret_seed)
{
	struct wal_header h = { WAL_MAGIC, l->relaxed ? WAL_RELAXED : 0, l->generation + 1, number,
		seq, 0, 0 };
	if (getrandom(&h.seed, sizeof h.seed, 0) != sizeof h.seed)
		return -EIO;
	h.hash = wal_header_hash(&h);
	*ret_seed = h.seed;
	int rc = io_write_all(fd, &h, sizeof h, 0);
	return rc ? rc : io_write_all(fd, &h, sizeof h, WAL_HEADER_AGAIN);
}

/* Gives the file the next log's name. From then on the name is there: a failure must not leave the
 * number free for another try. */
static int
spare_becomes_current(struct wal_side *l, struct wal_spare *s, uint64_t seed, uint64_t last_seq)
{
	char from[32], to[32];
	spare_name(from, s->slot);
	wal_file_name(to, l->generation + 1);
	if (renameat(l->dir_fd, from, l->dir_fd, to) < 0) {
		int rc = -errno;
		spare_drop(l, s);
		return rc;
	}
	if (l->fd >= 0)
		close(l->fd);
	l->fd = s->fd;
	l->seed = seed;
	l->pos = WAL_HEADER_BYTES;
	l->size = s->size;
	side_go_direct(l);
	pthread_mutex_lock(&l->lock);
	l->slots_used &= ~(1u << s->slot);
	side_file_add(l, l->generation + 1, s->size, last_seq);
	pthread_mutex_unlock(&l->lock);
	return io_sync_dir(l->dir_fd) ? -EIO : 0;
}

/* Only a file whose header is durable gets a log's name, and only a durable name gets records. */
static int
spare_begin(struct wal_side *l, struct wal_spare *s, uint64_t number, uint64_t seq)
{
	uint64_t seed;
	int rc = header_write(l, s->fd, number, seq, &seed);
	if (!rc && store_io.fdatasync(s->fd) < 0)
		rc = -errno;
	if (rc) {
		spare_drop(l, s);
		return rc;
	}
	return spare_becomes_current(l, s, seed, seq - 1);
}

static int
side_rotate(struct wal_side *l, uint64_t bytes, uint64_t number, uint64_t seq)
{
	struct wal_spare s;
	uint64_t need = WAL_HEADER_BYTES + bytes;
	if (!spare_take(l, need, &s)) {
		int rc = spare_make(l, need < WAL_FILE_MIN ? WAL_FILE_MIN : need, &s);
		if (rc)
			return rc;
	}
	return spare_begin(l, &s, number, seq);
}

int
side_rotate_empty(struct wal_side *l, uint64_t number, uint64_t seq)
{
	struct wal_spare s;
	int rc = spare_make(l, WAL_HEADER_BYTES, &s);
	return rc ? rc : spare_begin(l, &s, number, seq);
}

int
side_room(struct wal_side *l, const struct wal_record *r)
{
	uint64_t bytes = wal_round(sizeof *r + r->payload_bytes);
	if (l->fd >= 0 && bytes <= l->size - l->pos)
		return 0;
	/* Relaxed records may wait for their sync; the next file's header says that they are
	 * there. */
	int rc = l->fd >= 0 && l->relaxed && store_io.fdatasync(l->fd) < 0 ? -errno : 0;
	return rc ? rc : side_rotate(l, bytes, r->number, r->first_seq);
}

bool
side_gone(struct wal_side *l, const char *dir)
{
	struct stat named, held;
	if (fstat(l->dir_fd, &held) < 0 || stat(dir, &named) < 0 || named.st_ino != held.st_ino ||
		named.st_dev != held.st_dev)
		return true;
	char name[32];
	pthread_mutex_lock(&l->lock);
	bool any = l->newest != NULL;
	wal_file_name(name, l->generation);
	bool gone = any && faccessat(l->dir_fd, name, F_OK, 0) < 0 && errno == ENOENT;
	pthread_mutex_unlock(&l->lock);
	return gone;
}

static void
file_recycle(struct wal_side *l, struct wal_file *f, bool keep)
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
side_release(struct wal_side *l, uint64_t seq)
{
	for (;;) {
		pthread_mutex_lock(&l->lock);
		struct wal_file *f = l->files;
		/* Oldest first: a gap in the generations would look like a lost file. */
		bool done = !f || f == l->newest || f->last_seq > seq;
		bool keep = !done && f->size >= l->next_size && f->size % WAL_PAGE == 0 &&
			    l->spares_count < WAL_SPARES;
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
side_wants_file(struct wal_side *l)
{
	pthread_mutex_lock(&l->lock);
	bool wants = l->spares_count == 0 && l->pos_shared > l->size_shared / 2;
	pthread_mutex_unlock(&l->lock);
	return wants;
}

void
side_prepare(struct wal_side *l)
{
	if (!side_wants_file(l))
		return;
	pthread_mutex_lock(&l->lock);
	uint64_t size = l->next_size;
	pthread_mutex_unlock(&l->lock);
	struct wal_spare s;
	/* A failure here is met again, and reported, by the append that finds no file. */
	if (spare_make(l, size, &s))
		return;
	pthread_mutex_lock(&l->lock);
	if (l->next_size < WAL_FILE_MAX)
		l->next_size *= 2;
	pthread_mutex_unlock(&l->lock);
	spare_give(l, &s);
}

uint64_t
side_disk_bytes(struct wal_side *l)
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

/* Made ahead of need, or left by wal_release: nothing is in them. */
void
side_spares_unlink(struct wal_side *l)
{
	for (int i = 0; i < 32; i++) {
		char name[32];
		spare_name(name, i);
		unlinkat(l->dir_fd, name, 0);
	}
}

static void
files_forget(struct wal_side *l)
{
	while (l->files) {
		struct wal_file *f = l->files;
		l->files = f->next;
		free(f);
	}
	l->newest = NULL;
}

int
side_open(struct wal_side **ret_side, const char *dir, bool relaxed)
{
	struct wal_side *l = calloc(1, sizeof *l);
	if (!l)
		return -ENOMEM;
	pthread_mutex_init(&l->lock, NULL);
	l->refs = 1;
	l->fd = -1;
	l->relaxed = relaxed;
	l->next_size = WAL_FILE_MIN;
	int rc = mkdir(dir, 0700) < 0 && errno != EEXIST ? -errno : 0;
	l->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!rc && l->dir_fd < 0)
		rc = -errno;
	if (rc)
		side_free(l);
	else
		*ret_side = l;
	return rc;
}

void
side_free(struct wal_side *l)
{
	if (!l)
		return;
	files_forget(l);
	for (int i = 0; i < l->spares_count; i++)
		close(l->spares[i].fd);
	if (l->fd >= 0)
		close(l->fd);
	if (l->dir_fd >= 0)
		close(l->dir_fd);
	free(l->stage);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

/* The files before the newest one. */
static void
older_unlink(struct wal_side *l, const uint64_t *generations, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char name[32];
		wal_file_name(name, generations[i]);
		unlinkat(l->dir_fd, name, 0);
	}
}

static int
records_write(int fd, const struct wal_record *const *records, size_t n, uint64_t seed)
{
	off_t at = WAL_HEADER_BYTES;
	for (size_t i = 0; i < n; i++) {
		const struct wal_record *r = records[i];
		uint64_t bytes = sizeof *r + r->payload_bytes, hash = wal_record_hash(r, seed);
		int rc = io_write_all(fd, r, bytes, at);
		if (!rc)
			rc = io_write_all(fd, &hash, sizeof hash, at);
		if (rc)
			return rc;
		at += (off_t)wal_round(bytes);
	}
	return store_io.fdatasync(fd) < 0 ? -errno : 0;
}

int
side_fill(struct wal_side *l, const struct wal_record *const *records, size_t n, uint64_t number,
	uint64_t seq, uint64_t last_seq, const uint64_t *old, size_t old_n)
{
	uint64_t bytes = WAL_HEADER_BYTES, seed;
	for (size_t i = 0; i < n; i++)
		bytes += wal_round(sizeof *records[i] + records[i]->payload_bytes);
	struct wal_spare s;
	int rc = spare_make(l, bytes, &s);
	if (rc)
		return rc;
	rc = header_write(l, s.fd, number, seq, &seed);
	if (!rc)
		rc = records_write(s.fd, records, n, seed);
	if (rc) {
		spare_drop(l, &s);
		return rc;
	}
	files_forget(l);
	rc = spare_becomes_current(l, &s, seed, last_seq);
	l->pos = l->size;
	if (!rc)
		older_unlink(l, old, old_n);
	return rc;
}
