/* Folders, small files and slots. */
#include "plane/place.h"

#include "base/digest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLOTS_DIR "/run/haneul/slots"
#define SMALL_MAX (1u << 20)

void
place_name(struct place *p, const char *data_dir)
{
	char real[PATH_MAX];
	unsigned char sum[32];
	if (!realpath(data_dir, real))
		snprintf(real, sizeof(real), "%s", data_dir); /* not made yet */
	snprintf(p->dir, sizeof(p->dir), "%.900s/plane", real);
	sha256(str_c(real), sum);
	for (unsigned i = 0; i < 4; i++)
		snprintf(p->tag + 2 * i, 3, "%02x", sum[i]);
}

int
place_mkdir(const char *path, mode_t mode)
{
	return mkdir(path, mode) && errno != EEXIST ? -errno : 0;
}

int
place_open(struct place *p, const char *data_dir, char *why, size_t cap)
{
	static const char *const folders[] = { "", "/images", "/layers", "/roots", "/volumes",
		"/snapshots", "/machines", "/mnt" };
	char path[PLACE_MAX];
	int r = place_mkdir(data_dir, 0700);
	place_name(p, data_dir);
	if (strlen(p->dir) > 200)
		r = -ENAMETOOLONG;
	/* Machines' first processes, who are nobody outside, look for their root below it: may be
	 * passed, not listed. */
	for (unsigned i = 0; i < sizeof(folders) / sizeof(folders[0]) && !r; i++) {
		snprintf(path, sizeof(path), "%s%s", p->dir, folders[i]);
		r = place_mkdir(path, 0700);
	}
	place_mkdir("/run/haneul", 0755);
	if (!r)
		r = place_mkdir(SLOTS_DIR, 0700);
	if (r)
		snprintf(why, cap, "The folder %s/plane cannot be made: %s.", data_dir,
			strerror(-r));
	return r;
}

void
place_path(const struct place *p, char ret[PLACE_MAX], const char *folder, struct str id,
	const char *rest)
{
	snprintf(ret, PLACE_MAX, "%s/%s/%.*s%s", p->dir, folder, STR_FMT(id), rest);
}

static int
write_all(int fd, struct str bytes)
{
	for (size_t n = 0; n < bytes.len;) {
		ssize_t w = write(fd, bytes.p + n, bytes.len - n);
		if (w < 0 && errno != EINTR)
			return -errno;
		n += w > 0 ? (size_t)w : 0;
	}
	return 0;
}

int
place_write(const char *path, struct str bytes)
{
	char tmp[PLACE_MAX + 8];
	snprintf(tmp, sizeof(tmp), "%s.new", path);
	int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	int r = write_all(fd, bytes);
	close(fd);
	if (!r && rename(tmp, path))
		r = -errno;
	if (r)
		unlink(tmp);
	return r;
}

int
place_read(const char *path, struct buf *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	ssize_t n;
	while (ret->len < SMALL_MAX && (n = read(fd, buf_reserve(ret, 4096), 4096)) != 0) {
		if (n < 0) {
			n = -errno;
			close(fd);
			return (int)n;
		}
		ret->len += (size_t)n;
	}
	close(fd);
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	remove(path);
	return 0;
}

int
place_remove_tree(const char *path)
{
	if (access(path, F_OK) && errno == ENOENT)
		return 0;
	nftw(path, remove_one, 64, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	return access(path, F_OK) == 0 ? -EBUSY : 0;
}

static _Thread_local uint64_t tree_bytes;

static int
add_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)path, (void)type, (void)ftw;
	tree_bytes += (uint64_t)st->st_blocks * 512 /
		      (S_ISREG(st->st_mode) && st->st_nlink > 1 ? st->st_nlink : 1);
	return 0;
}

uint64_t
place_tree_bytes(const char *path)
{
	tree_bytes = 0;
	nftw(path, add_one, 64, FTW_PHYS | FTW_MOUNT);
	return tree_bytes;
}

static void
slot_path(char ret[64], unsigned slot)
{
	snprintf(ret, 64, SLOTS_DIR "/%u", slot);
}

int
place_slot_take(const struct place *p, unsigned *ret_slot)
{
	char path[64];
	/* From a place of our own, so that several data directories do not try the same ones. */
	unsigned from = (unsigned)strtoul(p->tag, NULL, 16) % SLOTS_MAX;
	for (unsigned i = 0; i < SLOTS_MAX; i++) {
		unsigned slot = (from + i) % SLOTS_MAX;
		slot_path(path, slot);
		int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0 && errno == EEXIST)
			continue;
		if (fd < 0)
			return -errno;
		int r = write_all(fd, str_c(p->dir));
		close(fd);
		*ret_slot = slot;
		return r;
	}
	return -ENOSPC;
}

static bool
slot_is_ours(const struct place *p, unsigned slot, char path[64])
{
	struct buf owner = { 0 };
	slot_path(path, slot);
	bool ours = place_read(path, &owner) == 0 && str_eq(buf_str(&owner), str_c(p->dir));
	buf_done(&owner);
	return ours;
}

bool
place_slot_held(const struct place *p, unsigned slot)
{
	char path[64];
	return slot_is_ours(p, slot, path);
}

void
place_slot_free(const struct place *p, unsigned slot)
{
	char path[64];
	if (slot_is_ours(p, slot, path))
		unlink(path);
}

void
place_slot_list(const struct place *p, void (*each)(void *ctx, unsigned slot), void *ctx)
{
	DIR *d = opendir(SLOTS_DIR);
	char path[64];
	for (struct dirent *e; d && (e = readdir(d));) {
		uint64_t slot;
		if (str_to_u64(str_c(e->d_name), &slot) && slot < SLOTS_MAX &&
			slot_is_ours(p, (unsigned)slot, path))
			each(ctx, (unsigned)slot);
	}
	if (d)
		closedir(d);
}

void
place_slot_owners(void (*each)(void *ctx, struct str dir), void *ctx)
{
	DIR *d = opendir(SLOTS_DIR);
	char path[64];
	for (struct dirent *e; d && (e = readdir(d));) {
		struct buf owner = { 0 };
		uint64_t slot;
		if (!str_to_u64(str_c(e->d_name), &slot) || slot >= SLOTS_MAX)
			continue;
		slot_path(path, (unsigned)slot);
		if (place_read(path, &owner) == 0)
			each(ctx, buf_str(&owner));
		buf_done(&owner);
	}
	if (d)
		closedir(d);
}
