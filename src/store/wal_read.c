/* What the logs of one directory hold, trusting nothing: see wal_private.h. */
#include "store/wal_private.h"

#include "store/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

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

static void *
grown(void *p, size_t n, size_t *cap, size_t each)
{
	if (n < *cap)
		return p;
	*cap = *cap ? *cap * 2 : 16;
	p = realloc(p, *cap * each);
	if (!p)
		abort();
	return p;
}

/* Collects the logs' names; spare files of an earlier run hold nothing and go. */
static int
names_read(struct wal_reading *r, int dir_fd)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d)
		return -errno;
	for (struct dirent *e; (e = readdir(d));) {
		uint64_t generation;
		if (!r->peek && strncmp(e->d_name, "spare-", 6) == 0)
			unlinkat(dir_fd, e->d_name, 0);
		if (!name_parse(e->d_name, &generation))
			continue;
		r->generations = grown(r->generations, r->generations_n, &r->generations_cap,
			sizeof *r->generations);
		r->generations[r->generations_n++] = generation;
	}
	closedir(d);
	if (r->generations_n)
		qsort(r->generations, r->generations_n, sizeof *r->generations, u64_cmp);
	r->found = r->generations_n > 0;
	return 0;
}

/* A record that starts at `at` and fits in every way but, maybe, its place in the order. */
static const struct wal_record *
record_at(const char *p, uint64_t size, uint64_t at, uint64_t seed)
{
	if (at > size || size - at < sizeof(struct wal_record))
		return NULL;
	const struct wal_record *r = (const void *)(p + at);
	if (r->magic != WAL_RECORD_MAGIC || r->units == 0 ||
		r->payload_bytes > size - at - sizeof *r)
		return NULL;
	return r->hash == wal_record_hash(r, seed) ? r : NULL;
}

static bool
header_ok(const char *p, uint64_t generation, struct wal_header *ret_header, uint64_t *ret_seed)
{
	struct wal_header h;
	memcpy(&h, p, sizeof h);
	bool first = h.magic == WAL_MAGIC_1;
	if ((!first && h.magic != WAL_MAGIC) || h.generation != generation ||
		(first ? h.seed : h.hash) != wal_header_hash(&h))
		return false;
	*ret_header = h;
	*ret_seed = first ? h.generation : h.seed;
	return true;
}

/* false: neither copy of the header can be read, and so nothing behind it. */
static bool
header_read(struct wal_reading *r, const char *p, uint64_t size, uint64_t generation,
	uint64_t *ret_seed)
{
	struct wal_header h, again;
	uint64_t seed;
	if (size < WAL_HEADER_BYTES)
		return false;
	bool ok = header_ok(p, generation, &h, ret_seed);
	bool second = header_ok(p + WAL_HEADER_AGAIN, generation, &again, &seed);
	if (!ok && !second)
		return false;
	if (!ok) {
		h = again;
		*ret_seed = seed;
	}
	if (!ok || (!second && h.magic != WAL_MAGIC_1))
		r->damaged = true;
	r->relaxed |= (h.flags & WAL_RELAXED) != 0;
	if (!r->base_number) {
		r->base_number = h.base_number;
		r->base_seq = h.base_seq;
	}
	r->last_base = h.base_number;
	if (h.base_number > r->end_number) {
		r->end_number = h.base_number;
		r->end_seq = h.base_seq;
	}
	return true;
}

static void
record_note(struct wal_reading *r, const struct wal_record *rec)
{
	/* Of two with one number the later one was written after a crash had cut the first off. */
	while (r->count > 0 && r->records[r->count - 1].number >= rec->number)
		r->count--;
	r->records = grown(r->records, r->count, &r->cap, sizeof *r->records);
	r->records[r->count++] = (struct wal_held){ rec->number, rec };
	if (rec->number >= r->end_number) {
		r->end_number = rec->number + 1;
		r->end_seq = rec->first_seq + rec->units;
	}
}

/* Ends behind the last record; what follows it is the rest of the preallocated file, or was
 * torn. */
static uint64_t
records_read(struct wal_reading *r, const char *p, uint64_t size, uint64_t seed)
{
	uint64_t end = WAL_HEADER_BYTES;
	for (uint64_t at = end; at < size;) {
		const struct wal_record *rec = record_at(p, size, at, seed);
		if (!rec) {
			at += WAL_ALIGN;
			continue;
		}
		record_note(r, rec);
		at += wal_round(sizeof *rec + rec->payload_bytes);
		end = at;
	}
	return end < size ? end : size;
}

static int
file_load(int fd, char **ret_text, uint64_t *ret_size)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -errno;
	*ret_size = (uint64_t)st.st_size;
	*ret_text = aligned_alloc(WAL_ALIGN, wal_round(*ret_size + 1));
	if (!*ret_text)
		return -ENOMEM;
	return io_read_all(fd, *ret_text, *ret_size, 0);
}

static int
file_read(struct wal_reading *r, int dir_fd, size_t i)
{
	char name[32];
	wal_file_name(name, r->generations[i]);
	int fd = openat(dir_fd, name, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	uint64_t size = 0, seed;
	int rc = file_load(fd, &r->texts[i], &size);
	r->texts_n = i + 1;
	if (rc == -EIO) {
		/* The disk cannot read it: the other side may. */
		r->damaged = r->unreadable = true;
		rc = 0;
	} else if (!rc && !header_read(r, r->texts[i], size, r->generations[i], &seed)) {
		r->damaged = r->unreadable = true;
	} else if (!rc) {
		uint64_t end = records_read(r, r->texts[i], size, seed);
		/* What was torn must not be read again: the next file says that the log went on. */
		if (!r->peek && i + 1 == r->generations_n && end < size) {
			if (ftruncate(fd, (off_t)end) < 0 || store_io.fdatasync(fd) < 0)
				rc = -errno;
			size = end;
		}
	}
	r->sizes[i] = size;
	r->last_numbers[i] = r->count ? r->records[r->count - 1].number : 0;
	close(fd);
	return rc;
}

int
wal_reading_load(struct wal_reading *r, struct wal_side *s)
{
	int rc = names_read(r, s->dir_fd);
	r->texts = calloc(r->generations_n + 1, sizeof *r->texts);
	r->sizes = calloc(r->generations_n + 1, sizeof *r->sizes);
	r->last_numbers = calloc(r->generations_n + 1, sizeof *r->last_numbers);
	if (!r->texts || !r->sizes || !r->last_numbers)
		abort();
	for (size_t i = 0; i < r->generations_n && !rc; i++)
		rc = file_read(r, s->dir_fd, i);
	if (r->generations_n)
		s->generation = r->generations[r->generations_n - 1];
	return rc;
}

void
wal_reading_done(struct wal_reading *r)
{
	for (size_t i = 0; i < r->texts_n; i++)
		free(r->texts[i]);
	free(r->texts);
	free(r->sizes);
	free(r->last_numbers);
	free(r->generations);
	free(r->records);
	*r = (struct wal_reading){ 0 };
}

const struct wal_record *
wal_reading_find(const struct wal_reading *r, uint64_t number)
{
	size_t lo = 0, hi = r->count;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (r->records[mid].number < number)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < r->count && r->records[lo].number == number ? r->records[lo].record : NULL;
}
