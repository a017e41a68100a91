/* Overlay, idmaps and /dev of a machine. */
#include "plane/root_mount.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define LAYERS_MAX 64

static int
write_map(pid_t pid, const char *file, unsigned slot)
{
	char path[64], map[64];
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	int n = snprintf(map, sizeof(map), "0 %u 65536\n", SLOT_UID(slot));
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int r = write(fd, map, (size_t)n) == n ? 0 : -errno;
	close(fd);
	return r;
}

/* The child's namespace lives as long as our descriptor of it. */
int
root_userns(unsigned slot)
{
	int ready[2], r = 0;
	char path[64], c;
	if (pipe2(ready, O_CLOEXEC))
		return -errno;
	pid_t pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		if (unshare(CLONE_NEWUSER) || write(ready[1], "r", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	close(ready[1]);
	if (read(ready[0], &c, 1) != 1)
		r = -EPERM;
	close(ready[0]);
	r = r ? r : write_map(pid, "uid_map", slot);
	r = r ? r : write_map(pid, "gid_map", slot);
	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	int fd = r ? r : open(path, O_RDONLY | O_CLOEXEC);
	if (!r && fd < 0)
		fd = -errno;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return fd;
}

int
root_scratch(const struct place *p)
{
	char mnt[PLACE_MAX];
	place_path(p, mnt, "mnt", STR(""), "");
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		mount("haneul", mnt, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
			"mode=755,size=2m") ||
		chdir(mnt))
		return -errno;
	return mkdir("r", 0755) || mkdir("p", 0755) || mkdir("u", 0755) ? -errno : 0;
}

/* The folder at `at` (relative to where we are) with ids shifted. */
static int
mount_idmapped(const char *from, const char *at, int userns, uint64_t attributes)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP | MOUNT_ATTR_NODEV | attributes,
		.userns_fd = (uint64_t)userns };
	int r = 0,
	    fd = (int)syscall(SYS_open_tree, AT_FDCWD, from, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (mkdir(at, 0755) && errno != EEXIST)
		r = -errno;
	if (!r && (syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) ||
			  syscall(SYS_move_mount, fd, "", AT_FDCWD, at, MOVE_MOUNT_F_EMPTY_PATH)))
		r = -errno;
	close(fd);
	return r;
}

/*
 * The overlay keeps the ids of who mounts it for all that it does below: with those of the host's
 * root an idmapped upper takes no new file (EOVERFLOW), as a read-only one. So we are the machine's
 * root while we mount. Capabilities that setfsuid takes away are put back.
 */
static int
become(uid_t uid)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2];
	if (syscall(SYS_capget, &h, d))
		return -errno;
	setfsgid(uid);
	setfsuid(uid);
	d[0].effective = d[0].permitted;
	d[1].effective = d[1].permitted;
	return syscall(SYS_capset, &h, d) ? -errno : 0;
}

static int
mount_layers(struct root_plan *r, struct buf *lower)
{
	unsigned n = 0;
	int e = 0;
	for (struct str rest = r->layers; rest.p && !e;) {
		char from[PLACE_MAX], at[16];
		struct str id = str_trim(str_cut(&rest, '\n'));
		if (!id.len)
			continue;
		if (n == LAYERS_MAX)
			return -E2BIG;
		place_path(r->place, from, "layers", id, "");
		snprintf(at, sizeof(at), "l%u", n);
		e = mount_idmapped(from, at, r->userns, MOUNT_ATTR_RDONLY);
		buf_printf(lower, "%s%s", n++ ? ":" : "", at);
	}
	return e ? e : n ? 0 : -ENOENT;
}

static int
mount_overlay(struct root_plan *r)
{
	struct buf options = { 0 };
	char path[PLACE_MAX];
	buf_add_lit(&options, "lowerdir=");
	int e = mount_layers(r, &options);
	place_path(r->place, path, "roots", r->volume, "");
	if (!e)
		e = mount_idmapped(path, "u", r->userns, 0);
	buf_add_lit(&options, ",upperdir=u/upper,workdir=u/work,xino=off,index=off,metacopy=off");
	if (!e && mount("haneul", "r", "overlay", MS_NODEV, options.p))
		e = -errno;
	buf_done(&options);
	return e;
}

static int
open_inside(int root, const char *path)
{
	struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS };
	int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	return fd < 0 ? -errno : fd;
}

struct node {
	const char *name;
	unsigned major, minor;
};

static int
fill_dev(int dev)
{
	static const struct node nodes[] = { { "null", 1, 3 }, { "zero", 1, 5 }, { "full", 1, 7 },
		{ "random", 1, 8 }, { "urandom", 1, 9 }, { "tty", 5, 0 }, { "fuse", 10, 229 },
		{ "net/tun", 10, 200 } };
	static const char *const links[][2] = { { "/proc/self/fd", "fd" },
		{ "/proc/self/fd/0", "stdin" }, { "/proc/self/fd/1", "stdout" },
		{ "/proc/self/fd/2", "stderr" }, { "pts/ptmx", "ptmx" },
		{ "/proc/kcore", "core" } };
	static const char *const folders[] = { "pts", "shm", "mqueue", "net" };
	for (unsigned i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (mkdirat(dev, folders[i], 0755))
			return -errno;
	for (unsigned i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++)
		if (mknodat(dev, nodes[i].name, S_IFCHR | 0666,
			    makedev(nodes[i].major, nodes[i].minor)))
			return -errno;
	for (unsigned i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (symlinkat(links[i][0], dev, links[i][1]))
			return -errno;
	/* What is mounted on later: the console, and our init for images without one. */
	return mknodat(dev, "console", S_IFREG | 0600, 0) ||
			       mknodat(dev, ".init", S_IFREG | 0700, 0)
		       ? -errno
		       : 0;
}

static int
mount_dev(struct root_plan *r, int root)
{
	char option[32];
	uid_t uid = SLOT_UID(r->slot);
	int fs = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC), e = 0;
	if (fs < 0)
		return -errno;
	snprintf(option, sizeof(option), "%u", (unsigned)uid);
	const char *const set[][2] = { { "mode", "0755" }, { "size", "1m" }, { "nr_inodes", "1k" },
		{ "uid", option }, { "gid", option } };
	for (unsigned i = 0; i < sizeof(set) / sizeof(set[0]) && !e; i++)
		e = syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, set[i][0], set[i][1], 0) ? -errno
											    : 0;
	if (!e && syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		e = -errno;
	int dev = e ? e
		    : (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC,
			      MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	if (!e && dev < 0)
		e = -errno;
	close(fs);
	if (e)
		return e;
	e = fill_dev(dev);
	int at = open_inside(root, "dev");
	if (!e && at < 0)
		e = at;
	if (!e && syscall(SYS_move_mount, dev, "", at, "",
			  MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH))
		e = -errno;
	if (at >= 0)
		close(at);
	close(dev);
	return e;
}

static int
mount_file(const char *from, const char *at)
{
	int e = 0,
	    fd = (int)syscall(SYS_open_tree, AT_FDCWD, from, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (syscall(SYS_move_mount, fd, "", AT_FDCWD, at, MOVE_MOUNT_F_EMPTY_PATH))
		e = -errno;
	close(fd);
	return e;
}

/* An image may lack what every machine needs; a link in such a place is not followed. */
static int
make_folders(int root)
{
	static const struct {
		const char *name;
		mode_t mode;
	} folders[] = { { "dev", 0755 }, { "proc", 0555 }, { "sys", 0555 }, { "run", 0755 },
		{ "tmp", 01777 }, { "etc", 0755 } };
	for (unsigned i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		if (mkdirat(root, folders[i].name, folders[i].mode) && errno != EEXIST)
			return -errno;
	}
	return 0;
}

static int
step(struct root_plan *r, const char *name)
{
	r->why_step = name;
	return 0;
}

int
root_assemble(struct root_plan *r)
{
	mode_t mask = umask(0);
	int root = -1, e = step(r, "becoming the machine's root");
	e = become(SLOT_UID(r->slot));
	if (!e)
		e = step(r, "mounting the image under the root volume"), e = mount_overlay(r);
	if (!e && (root = open("r", O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
		e = -errno;
	if (!e)
		e = step(r, "making the image's missing folders"), e = make_folders(root);
	if (!e)
		e = step(r, "making /dev"), e = mount_dev(r, root);
	if (!e)
		e = step(r, "mounting the console"), e = mount_file(r->console, "r/dev/console");
	if (!e && r->guest)
		e = step(r, "mounting our init"), e = mount_file(r->guest, "r/dev/.init");
	if (root >= 0)
		close(root);
	become(0);
	umask(mask);
	return e;
}
