/* Sparse files and loop devices. */
#include "plane/volume_file.h"

#include "base/buf.h"
#include "plane/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

int
volume_file_make(const char *path, uint64_t bytes)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return errno == EEXIST ? 0 : -errno;
	int r = ftruncate(fd, (off_t)bytes) ? -errno : 0;
	close(fd);
	if (r)
		unlink(path);
	return r;
}

int
volume_file_size(const char *path, uint64_t *ret_bytes)
{
	struct stat st;
	if (lstat(path, &st))
		return -errno;
	*ret_bytes = (uint64_t)st.st_size;
	return 0;
}

uint64_t
volume_file_used(const char *path)
{
	struct stat st;
	return lstat(path, &st) ? 0 : (uint64_t)st.st_blocks * 512;
}

static int
open_loop(unsigned minor, int flags)
{
	char path[32];
	snprintf(path, sizeof(path), "/dev/loop%u", minor);
	int fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int
volume_file_grow(const char *path, uint64_t bytes, int loop_minor)
{
	uint64_t now;
	int r = volume_file_size(path, &now);
	if (r || now == bytes)
		return r;
	if (bytes < now)
		return -EINVAL;
	if (truncate(path, (off_t)bytes))
		return -errno;
	if (loop_minor < 0)
		return 0;
	int fd = open_loop((unsigned)loop_minor, O_RDWR);
	if (fd < 0)
		return fd;
	r = ioctl(fd, LOOP_SET_CAPACITY, 0) ? -errno : 0;
	close(fd);
	return r;
}

static int
copy_extent(int in, int out, off_t from, off_t end)
{
	off_t to = from;
	while (from < end) {
		ssize_t n = copy_file_range(in, &from, out, &to, (size_t)(end - from), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
	}
	return 0;
}

static int
copy_data(int in, int out, off_t size)
{
	if (ioctl(out, FICLONE, in) == 0)
		return 0;
	if (ftruncate(out, size))
		return -errno;
	int r = 0;
	for (off_t from = 0, end; !r && from < size && (from = lseek(in, from, SEEK_DATA)) >= 0;
		from = end) {
		end = lseek(in, from, SEEK_HOLE);
		r = end < 0 ? -errno : copy_extent(in, out, from, end < size ? end : size);
	}
	return r;
}

int
volume_file_copy(const char *from, const char *to, uint64_t *ret_bytes)
{
	char tmp[PLACE_MAX + 8];
	struct stat st;
	int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), r = 0;
	if (in < 0)
		return -errno;
	snprintf(tmp, sizeof(tmp), "%s.new", to);
	int out = open(tmp, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	r = out < 0 || fstat(in, &st) ? -errno : copy_data(in, out, st.st_size);
	if (!r && fdatasync(out))
		r = -errno;
	close(in);
	if (out >= 0)
		close(out);
	if (!r && rename(tmp, to))
		r = -errno;
	if (r)
		unlink(tmp);
	else
		*ret_bytes = volume_file_used(to);
	return r;
}

int
loop_device_attach(const char *path, unsigned *ret_minor)
{
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC),
	    file = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW), r = 0;
	if (control < 0 || file < 0)
		r = -errno;
	/* Others take loop devices as well: between asking and taking it may be gone. */
	for (unsigned tries = 0; !r && tries < 64; tries++) {
		struct loop_config c = { .fd = (uint32_t)file };
		int n = ioctl(control, LOOP_CTL_GET_FREE),
		    device = n < 0 ? -errno : open_loop((unsigned)n, O_RDWR);
		if (device < 0) {
			r = device;
			break;
		}
		snprintf((char *)c.info.lo_file_name, LO_NAME_SIZE, "%s", path);
		int e = ioctl(device, LOOP_CONFIGURE, &c) ? -errno : 0;
		close(device);
		if (!e) {
			*ret_minor = (unsigned)n;
			break;
		}
		r = e == -EBUSY && tries < 63 ? 0 : e;
	}
	if (control >= 0)
		close(control);
	if (file >= 0)
		close(file);
	return r;
}

static bool
backs(unsigned minor, struct buf *ret)
{
	char path[80];
	snprintf(path, sizeof(path), "/sys/block/loop%u/loop/backing_file", minor);
	buf_clear(ret);
	return place_read(path, ret) == 0;
}

int
loop_device_sync(unsigned minor)
{
	int fd = open_loop(minor, O_RDONLY);
	if (fd < 0)
		return fd;
	int r = fsync(fd) ? -errno : 0;
	close(fd);
	return r;
}

int
loop_device_detach(unsigned minor, const char *path)
{
	struct buf file = { 0 };
	bool is = backs(minor, &file) && str_eq(str_trim(buf_str(&file)), str_c(path));
	buf_done(&file);
	if (!is)
		return 0;
	int fd = open_loop(minor, O_RDONLY);
	if (fd < 0)
		return fd;
	fsync(fd);
	int r = ioctl(fd, LOOP_CLR_FD, 0) ? -errno : 0;
	close(fd);
	return r == -ENXIO ? 0 : r;
}

struct below {
	const char *dir;
	const char *exact;
	int found;
	void (*each)(void *ctx, unsigned minor, const char *path);
	void *ctx;
};

static void
each_loop(struct below *b)
{
	DIR *d = opendir("/sys/block");
	struct buf file = { 0 };
	for (struct dirent *e; d && (e = readdir(d));) {
		unsigned minor;
		if (sscanf(e->d_name, "loop%u", &minor) != 1 || !backs(minor, &file))
			continue;
		struct str path = str_trim(buf_str(&file));
		if (b->exact && str_eq(path, str_c(b->exact)))
			b->found = (int)minor;
		if (b->dir && str_starts(path, str_c(b->dir)) && path.len > strlen(b->dir) &&
			path.p[strlen(b->dir)] == '/') {
			char full[PLACE_MAX];
			snprintf(full, sizeof(full), "%.*s", STR_FMT(path));
			b->each(b->ctx, minor, full);
		}
	}
	if (d)
		closedir(d);
	buf_done(&file);
}

bool
loop_device_find(const char *path, unsigned *ret_minor)
{
	struct below b = { .exact = path, .found = -1 };
	each_loop(&b);
	if (b.found >= 0)
		*ret_minor = (unsigned)b.found;
	return b.found >= 0;
}

void
loop_device_each_below(
	const char *dir, void (*each)(void *ctx, unsigned minor, const char *path), void *ctx)
{
	struct below b = { .dir = dir, .found = -1, .each = each, .ctx = ctx };
	each_loop(&b);
}

static void
detach_it(void *ctx, unsigned minor, const char *path)
{
	(void)ctx;
	loop_device_detach(minor, path);
}

void
loop_device_detach_below(const char *dir)
{
	loop_device_each_below(dir, detach_it, NULL);
}
