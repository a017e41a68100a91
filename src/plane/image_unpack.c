/* From entries to files; see image_unpack.h. */
#include "plane/image_unpack.h"

#include "plane/image_tar.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#define NOBODY 65534u
#define ENTRIES_MAX 5000000u

struct unpacking {
	int root;
	struct tar *tar;
	char name[256]; /* the last part of the path */
};

static ssize_t
read_fd(void *ctx, void *p, size_t n)
{
	ssize_t got;
	do
		got = read(*(int *)ctx, p, n);
	while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

static int
open_folder(int root, const char *path)
{
	struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	int fd = (int)syscall(SYS_openat2, root, *path ? path : ".", &how, sizeof(how));
	return fd < 0 ? -errno : fd;
}

/* Tars name folders before what is in them, mostly. */
static int
make_parents(int root, char *path)
{
	for (char *s = path; (s = strchr(s, '/')); *s++ = '/') {
		*s = 0;
		char *slash = strrchr(path, '/');
		if (slash)
			*slash = 0;
		int parent = open_folder(root, slash ? path : "");
		if (slash)
			*slash = '/';
		if (parent < 0) {
			*s = '/';
			return parent;
		}
		mkdirat(parent, slash ? slash + 1 : path, 0755);
		close(parent);
	}
	return 0;
}

/* The folder that holds the last part, which goes to u->name. -EINVAL for names that are none. */
static int
open_parent(struct unpacking *u, struct str path)
{
	char full[TAR_PATH_MAX + 1];
	memcpy(full, path.p, path.len);
	full[path.len] = 0;
	char *slash = strrchr(full, '/');
	const char *last = slash ? slash + 1 : full;
	if (!*last || strcmp(last, ".") == 0 || strcmp(last, "..") == 0 ||
		strlen(last) >= sizeof(u->name))
		return -EINVAL;
	memcpy(u->name, last, strlen(last) + 1);
	if (slash)
		*slash = 0;
	int fd = open_folder(u->root, slash ? full : "");
	if (fd != -ENOENT)
		return fd;
	*slash = '/';
	int e = make_parents(u->root, full);
	*slash = 0;
	return e ? e : open_folder(u->root, full);
}

static int
write_file(struct unpacking *u, int parent, const struct tar_entry *e)
{
	static char piece[256 << 10];
	int fd = openat(
		    parent, u->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600),
	    r = 0;
	if (fd < 0)
		return -errno;
	(void)e;
	for (ssize_t n; !r && (n = tar_read(u->tar, piece, sizeof(piece))) != 0;)
		r = n < 0                              ? (int)n
		    : write(fd, piece, (size_t)n) == n ? 0
		    : errno                            ? -errno
						       : -ENOSPC;
	close(fd);
	return r;
}

static int
link_file(struct unpacking *u, int parent, struct str target)
{
	struct unpacking other = *u;
	struct stat st;
	int from = open_parent(&other, target), r;
	if (from < 0)
		return from;
	/* A link to a link stays one; to a folder there is none. */
	if (fstatat(from, other.name, &st, AT_SYMLINK_NOFOLLOW))
		r = -errno;
	else
		r = linkat(from, other.name, parent, u->name, 0) ? -errno : 0;
	close(from);
	return r;
}

static void
attributes(struct unpacking *u, int parent, const struct tar_entry *e)
{
	char path[64 + 256], name[256];
	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", parent, u->name);
	for (unsigned i = 0; i < e->attrs_n; i++) {
		/* Capabilities of programs, and what users set; not what file systems keep to
		 * themselves. */
		if (!str_is(e->attrs[i].name, "security.capability") &&
			!str_starts(e->attrs[i].name, STR("user.")))
			continue;
		snprintf(name, sizeof(name), "%.*s", STR_FMT(e->attrs[i].name));
		if (lsetxattr(path, name, e->attrs[i].value.p, e->attrs[i].value.len, 0))
			job_progress("attribute %s of %s was left out", name, u->name);
	}
}

static int
owner_and_mode(struct unpacking *u, int parent, const struct tar_entry *e)
{
	uid_t uid = e->uid > NOBODY ? NOBODY : e->uid;
	gid_t gid = e->gid > NOBODY ? NOBODY : e->gid;
	struct timespec times[2] = { { 0, UTIME_OMIT }, { e->mtime, 0 } };
	if (fchownat(parent, u->name, uid, gid, AT_SYMLINK_NOFOLLOW))
		return -errno;
	if (e->type != TAR_SYMLINK && fchmodat(parent, u->name, e->mode, 0))
		return -errno;
	utimensat(parent, u->name, times, AT_SYMLINK_NOFOLLOW);
	attributes(u, parent, e);
	return 0;
}

/* What an earlier entry made of that name gives way, except a folder to a folder. */
static void
make_room(struct unpacking *u, int parent, const struct tar_entry *e)
{
	struct stat st;
	if (fstatat(parent, u->name, &st, AT_SYMLINK_NOFOLLOW) ||
		(S_ISDIR(st.st_mode) && e->type == TAR_DIR))
		return;
	unlinkat(parent, u->name, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0);
}

/* ".wh.x": x of the layers below is gone; ".wh..wh..opq": nothing of theirs shows in this
 * folder. */
static int
whiteout(struct unpacking *u, int parent)
{
	char path[64];
	if (strcmp(u->name, ".wh..wh..opq") == 0) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", parent);
		return setxattr(path, "trusted.overlay.opaque", "y", 1, 0) ? -errno : 0;
	}
	if (strncmp(u->name, ".wh..wh.", 8) == 0 || !u->name[4])
		return 0;
	unlinkat(parent, u->name + 4, 0);
	return mknodat(parent, u->name + 4, S_IFCHR, makedev(0, 0)) && errno != EEXIST ? -errno : 0;
}

static int
make(struct unpacking *u, int parent, const struct tar_entry *e)
{
	char link[TAR_PATH_MAX + 1];
	int r = 0;
	make_room(u, parent, e);
	switch (e->type) {
	case TAR_FILE:
		r = write_file(u, parent, e);
		break;
	case TAR_DIR:
		r = mkdirat(parent, u->name, 0755) && errno != EEXIST ? -errno : 0;
		break;
	case TAR_SYMLINK:
		snprintf(link, sizeof(link), "%.*s", STR_FMT(e->link));
		r = symlinkat(link, parent, u->name) ? -errno : 0;
		break;
	case TAR_LINK:
		return link_file(u, parent, e->link);
	case TAR_FIFO:
		r = mkfifoat(parent, u->name, 0600) ? -errno : 0;
		break;
	default: /* devices: a machine has its own /dev */
		return 0;
	}
	return r ? r : owner_and_mode(u, parent, e);
}

static int
unpack_one(struct unpacking *u, const struct tar_entry *e)
{
	if (!e->path.len || str_is(e->path, "."))
		return 0;
	int parent = open_parent(u, e->path);
	if (parent < 0)
		return parent;
	int r = strncmp(u->name, ".wh.", 4) == 0 ? whiteout(u, parent) : make(u, parent, e);
	close(parent);
	return r;
}

int
image_unpack(int fd, const char *dir, struct job_result *r)
{
	struct unpacking u = { .root = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
	struct tar_entry e;
	unsigned n = 0;
	int got, err = u.root < 0 ? -errno : 0;
	u.tar = tar_open(read_fd, &fd);
	while (!err && (got = tar_next(u.tar, &e)) != 0) {
		err = got < 0 ? got : ++n > ENTRIES_MAX ? -E2BIG : unpack_one(&u, &e);
		if (got < 0)
			job_fail(
				r, err, "The archive is damaged, or no tar (plain, gzip or zstd).");
		else if (err)
			job_fail(r, err, "%.*s of the archive: %s.",
				(int)(e.path.len < 150 ? e.path.len : 150), e.path.p,
				strerror(-err));
		else if (n % 5000 == 0)
			job_progress("%u files", n);
	}
	if (err && !r->status)
		job_fail(r, err, "%s: %s.", dir, strerror(-err));
	else if (!err && n == 0)
		err = job_fail(r, -EBADMSG, "The archive is empty.");
	tar_close(u.tar);
	if (u.root >= 0)
		close(u.root);
	return r->status;
}
