/* The log's way to the disk, and the faults that tests put there. */
#include "store/io.h"

#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct store_io store_io = { pwrite, fdatasync, fallocate };

struct fault {
	int error;
	uint64_t from, to;
	atomic_uint_fast64_t calls;
};
static struct fault fault_write, fault_sync, fault_allocate;

static bool
fault_hits(struct fault *f)
{
	uint64_t n = atomic_fetch_add(&f->calls, 1) + 1;
	if (!f->error || n < f->from || n > f->to)
		return false;
	errno = f->error;
	return true;
}

static ssize_t
faulty_pwrite(int fd, const void *p, size_t len, off_t offset)
{
	return fault_hits(&fault_write) ? -1 : pwrite(fd, p, len, offset);
}

static int
faulty_fdatasync(int fd)
{
	return fault_hits(&fault_sync) ? -1 : fdatasync(fd);
}

static int
faulty_fallocate(int fd, int mode, off_t offset, off_t len)
{
	return fault_hits(&fault_allocate) ? -1 : fallocate(fd, mode, offset, len);
}

static bool
fault_parse(struct str piece)
{
	struct str call = str_cut(&piece, '='), error = str_cut(&piece, '@'),
		   from = str_cut(&piece, '-');
	struct fault *f = str_is(call, "write")      ? &fault_write
			  : str_is(call, "sync")     ? &fault_sync
			  : str_is(call, "allocate") ? &fault_allocate
						     : NULL;
	uint64_t first = 1, last = UINT64_MAX;
	int e = str_is(error, "EIO") ? EIO : str_is(error, "ENOSPC") ? ENOSPC : 0;
	if (!f || !e || (from.p && !str_to_u64(from, &first)) ||
		(piece.p && !str_to_u64(piece, &last)))
		return false;
	f->from = first;
	f->to = last;
	f->error = e;
	return true;
}

void
store_io_faults(const char *text)
{
	struct str rest = str_c(text);
	while (rest.p) {
		struct str piece = str_cut(&rest, ',');
		if (!fault_parse(piece))
			fprintf(stderr, "haneul: HANEUL_FAULT: `%.*s` is not call=ERROR@n\n",
				STR_FMT(piece));
	}
	store_io = (struct store_io){ faulty_pwrite, faulty_fdatasync, faulty_fallocate };
}

void
store_io_faults_from_env(void)
{
	const char *text = getenv("HANEUL_FAULT");
	if (text && *text)
		store_io_faults(text);
}

int
io_write_all(int fd, const void *p, size_t len, off_t offset)
{
	while (len > 0) {
		ssize_t n = store_io.pwrite(fd, p, len, offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		p = (const char *)p + n;
		len -= (size_t)n;
		offset += n;
	}
	return 0;
}

int
io_read_all(int fd, void *p, size_t len, off_t offset)
{
	while (len > 0) {
		ssize_t n = pread(fd, p, len, offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		p = (char *)p + n;
		len -= (size_t)n;
		offset += n;
	}
	return 0;
}

int
io_sync_dir(int dir_fd)
{
	return fsync(dir_fd) < 0 ? -errno : 0;
}
