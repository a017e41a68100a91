/* Opening and closing the log, and reading it back: see wal.h. */
#include "store/wal_private.h"

#include "store/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct names {
	uint64_t *generations;
	size_t count, cap;
};

static int
u64_cmp(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

static bool
name_parse(const char *name, uint64_t *ret_generation)
{
	if (strlen(name) != 20 || strcmp(name + 16, ".log") ||
		strspn(name, "0123456789abcdef") != 16)
		return false;
	*ret_generation = strtoull(name, NULL, 16);
	return true;
}

/* Collects the logs' names; spare files of an earlier run hold nothing and go. */
static int
names_read(struct wal *l, struct names *n)
{
	int fd = openat(l->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d)
		return -errno;
	for (struct dirent *e; (e = readdir(d));) {
		uint64_t generation;
		if (strncmp(e->d_name, "spare-", 6) == 0)
			unlinkat(l->dir_fd, e->d_name, 0);
		if (!name_parse(e->d_name, &generation))
			continue;
		if (n->count == n->cap) {
			n->cap = n->cap ? n->cap * 2 : 16;
			n->generations = realloc(n->generations, n->cap * sizeof *n->generations);
			if (!n->generations)
				abort();
		}
		n->generations[n->count++] = generation;
	}
	closedir(d);
	if (n->count)
		qsort(n->generations, n->count, sizeof *n->generations, u64_cmp);
	return 0;
}

/* A record that starts at `at` and fits in every way but, maybe, its place in the order. */
static const struct wal_record *
record_at(const char *p, uint64_t size, uint64_t at, uint64_t generation)
{
	if (at > size || size - at < sizeof(struct wal_record))
		return NULL;
	const struct wal_record *r = (const void *)(p + at);
	if (r->magic != WAL_RECORD_MAGIC || r->units == 0 ||
		r->payload_bytes > size - at - sizeof *r)
		return NULL;
	return r->hash == wal_record_hash(r, generation) ? r : NULL;
}

struct wal_read {
	struct wal *l;
	char *p;
	uint64_t size, generation, at;
	bool relaxed;
	wal_replay_fn *replay;
	void *arg;
};

/* After the record that ended the reading: is one behind it whole, which only exists when the
 * earlier was synced? */
static bool
later_record(const struct wal_read *r)
{
	for (uint64_t at = r->at + WAL_ALIGN; at < r->size; at += WAL_ALIGN) {
		const struct wal_record *rec = record_at(r->p, r->size, at, r->generation);
		if (rec && rec->number > r->l->next_number)
			return true;
	}
	return false;
}

static int
header_check(struct wal_read *r)
{
	struct wal_header h;
	struct wal *l = r->l;
	if (r->size < WAL_HEADER_BYTES)
		return -EBADMSG;
	memcpy(&h, r->p, sizeof h);
	if (h.magic != WAL_MAGIC || h.hash != wal_header_hash(&h) || h.generation != r->generation)
		return -EBADMSG;
	/* The oldest file says where the numbers start; each later one must go on where the last
	 * ended. */
	if (!l->files) {
		l->next_number = h.base_number;
		l->next_seq = h.base_seq;
	}
	if (h.base_number != l->next_number || h.base_seq != l->next_seq)
		return -EBADMSG;
	r->relaxed = h.flags & WAL_RELAXED;
	return 0;
}

static int
file_replay(struct wal_read *r)
{
	struct wal *l = r->l;
	int rc = header_check(r);
	r->at = WAL_HEADER_BYTES;
	while (!rc) {
		const struct wal_record *rec = record_at(r->p, r->size, r->at, r->generation);
		if (!rec || rec->number != l->next_number)
			break;
		if (rec->first_seq != l->next_seq)
			return -EBADMSG;
		struct wal_group g = { rec->first_seq, rec->units,
			str_of(rec + 1, rec->payload_bytes) };
		rc = r->replay(r->arg, &g);
		l->next_number++;
		l->next_seq += rec->units;
		r->at += wal_round(sizeof *rec + rec->payload_bytes);
	}
	return rc;
}

static int
file_load(struct wal_read *r, int fd)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -errno;
	r->size = (uint64_t)st.st_size;
	r->p = aligned_alloc(WAL_ALIGN, wal_round(r->size + 1));
	if (!r->p)
		return -ENOMEM;
	return io_read_all(fd, r->p, r->size, 0);
}

/* What follows the last good record must not be read again: the next file says that the log went
 * on. */
static int
tail_cut(struct wal_read *r, int fd)
{
	if (r->at >= r->size)
		return 0;
	if (ftruncate(fd, (off_t)r->at) < 0 || store_io.fdatasync(fd) < 0)
		return -errno;
	r->size = r->at;
	return 0;
}

static int
file_recover(struct wal *l, uint64_t generation, bool last, wal_replay_fn *replay, void *arg)
{
	char name[32];
	wal_file_name(name, generation);
	struct wal_read r = { .l = l, .generation = generation, .replay = replay, .arg = arg };
	int fd = openat(l->dir_fd, name, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int rc = file_load(&r, fd);
	if (!rc)
		rc = file_replay(&r);
	if (!rc && last && !r.relaxed && later_record(&r))
		rc = -EBADMSG;
	if (!rc && last)
		rc = tail_cut(&r, fd);
	if (!rc)
		wal_file_add(l, generation, r.size, l->next_seq - 1);
	free(r.p);
	close(fd);
	return rc;
}

int
wal_recover(struct wal *l, wal_replay_fn *replay, void *arg)
{
	struct names n = { 0 };
	int rc = names_read(l, &n);
	if (!rc && n.count == 0)
		rc = -ENOENT;
	for (size_t i = 0; i < n.count && !rc; i++) {
		if (i > 0 && n.generations[i] != n.generations[i - 1] + 1)
			rc = -EBADMSG;
		else
			rc = file_recover(l, n.generations[i], i + 1 == n.count, replay, arg);
	}
	free(n.generations);
	return rc;
}

static void
wal_free(struct wal *l)
{
	while (l->files) {
		struct wal_file *f = l->files;
		l->files = f->next;
		free(f);
	}
	for (int i = 0; i < l->spares_count; i++)
		close(l->spares[i].fd);
	if (l->fd >= 0)
		close(l->fd);
	if (l->dir_fd >= 0)
		close(l->dir_fd);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

int
wal_open(struct wal **ret_log, const char *dir, bool relaxed, bool fresh, wal_replay_fn *replay,
	void *arg)
{
	struct wal *l = calloc(1, sizeof *l);
	if (!l)
		return -ENOMEM;
	pthread_mutex_init(&l->lock, NULL);
	l->fd = -1;
	l->relaxed = relaxed;
	l->next_number = l->next_seq = 1;
	l->next_size = WAL_FILE_MIN;
	int rc = mkdir(dir, 0700) < 0 && errno != EEXIST ? -errno : 0;
	l->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!rc && l->dir_fd < 0)
		rc = -errno;
	if (!rc)
		rc = wal_recover(l, replay, arg);
	if (rc == -ENOENT)
		rc = fresh ? wal_rotate_empty(l) : -EBADMSG;
	if (rc)
		wal_free(l);
	else
		*ret_log = l;
	return rc;
}

int
wal_close(struct wal *l, bool clean)
{
	int rc = 0;
	/* A log that is already nothing but a header need not be made anew. */
	if (clean && (l->files != l->newest || l->newest->size > WAL_HEADER_BYTES)) {
		rc = wal_rotate_empty(l);
		if (!rc)
			wal_release(l, SIZE_MAX);
		for (int i = 0; i < WAL_SPARES * 2; i++) {
			char name[32];
			snprintf(name, sizeof name, "spare-%d", i);
			unlinkat(l->dir_fd, name, 0);
		}
	}
	wal_free(l);
	return rc;
}
