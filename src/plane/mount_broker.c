/* One mount(2) of a machine; see mount_broker.h. */
#include "plane/mount_broker.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEXT_MAX 512
/* What the kernel keeps sound against a prepared image, as far as it does for anybody's USB
 * stick. */
static const char *const types[] = { "ext4", "ext3", "ext2", "xfs", "btrfs", "vfat" };

struct call {
	pid_t pid;
	char source[TEXT_MAX], target[TEXT_MAX], type[32], data[TEXT_MAX];
	unsigned long flags;
	dev_t device;
};

static bool
read_text(int mem, uint64_t at, char *ret, size_t cap)
{
	ret[0] = 0;
	if (!at)
		return true;
	/* A page's end may be the end of what is mapped: byte-wise up to there. */
	size_t n = 0;
	while (n < cap) {
		size_t piece = 4096 - (at + n) % 4096;
		piece = piece < cap - n ? piece : cap - n;
		ssize_t got = pread(mem, ret + n, piece, (off_t)(at + n));
		if (got <= 0)
			return false;
		if (memchr(ret + n, 0, (size_t)got))
			return true;
		n += (size_t)got;
	}
	return false;
}

static bool
read_call(const struct seccomp_notif *q, struct call *c)
{
	char path[64];
	*c = (struct call){ .pid = (pid_t)q->pid, .flags = (unsigned long)q->data.args[3] };
	if (c->flags & (MS_REMOUNT | MS_BIND | MS_MOVE | MS_SHARED | MS_PRIVATE | MS_SLAVE |
			       MS_UNBINDABLE))
		return false;
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)c->pid);
	int mem = open(path, O_RDONLY | O_CLOEXEC);
	if (mem < 0)
		return false;
	bool ok = read_text(mem, q->data.args[0], c->source, sizeof(c->source)) &&
		  read_text(mem, q->data.args[1], c->target, sizeof(c->target)) &&
		  read_text(mem, q->data.args[2], c->type, sizeof(c->type));
	if (ok && !read_text(mem, q->data.args[4], c->data, sizeof(c->data)))
		c->data[0] = 0;
	close(mem);
	return ok && c->source[0] == '/';
}

/* The node is found as the caller finds it, never leaving its root; and it counts only in the /dev
 * that we made. */
static bool
find_device(struct call *c, dev_t dev)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };
	struct stat st;
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/root", (int)c->pid);
	int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = root >= 0 ? (int)syscall(SYS_openat2, root, c->source, &how, sizeof(how)) : -1;
	bool ok = fd >= 0 && fstat(fd, &st) == 0 && S_ISBLK(st.st_mode) && st.st_dev == dev;
	if (ok)
		c->device = st.st_rdev;
	if (fd >= 0)
		close(fd);
	if (root >= 0)
		close(root);
	return ok;
}

static bool
type_allowed(const char *type)
{
	for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i], type) == 0)
			return true;
	return false;
}

/* Options of the file system that need no trust. */
static void
set_options(int fs, char *data)
{
	static const char *const known[] = { "discard", "nodiscard", "noload", "norecovery",
		"nouuid", "subvol", "nobarrier", "noatime" };
	for (char *save, *o = strtok_r(data, ",", &save); o; o = strtok_r(NULL, ",", &save)) {
		char *value = strchr(o, '=');
		if (value)
			*value++ = 0;
		for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if (strcmp(known[i], o) == 0)
				syscall(SYS_fsconfig, fs,
					value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, o, value,
					0);
	}
}

static int
make_mount(struct call *c, int userns)
{
	char name[32];
	uint64_t attributes = MOUNT_ATTR_NODEV | (c->flags & MS_RDONLY ? MOUNT_ATTR_RDONLY : 0) |
			      (c->flags & MS_NOSUID ? MOUNT_ATTR_NOSUID : 0) |
			      (c->flags & MS_NOEXEC ? MOUNT_ATTR_NOEXEC : 0) |
			      (c->flags & MS_NOATIME ? MOUNT_ATTR_NOATIME : 0);
	struct mount_attr idmap = { .attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)userns };
	snprintf(name, sizeof(name), "/dev/loop%u", minor(c->device));
	/* One driver for all three, but only under this name does it shift ids. */
	bool ext = strncmp(c->type, "ext", 3) == 0;
	int fs = (int)syscall(SYS_fsopen, ext ? "ext4" : c->type, FSOPEN_CLOEXEC), r = 0;
	if (fs < 0)
		return -errno;
	set_options(fs, c->data);
	if (syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "source", name, 0) ||
		(c->flags & MS_RDONLY &&
			syscall(SYS_fsconfig, fs, FSCONFIG_SET_FLAG, "ro", NULL, 0)) ||
		syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		r = -errno;
	int mnt = r ? r : (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attributes);
	if (!r && mnt < 0)
		r = -errno;
	close(fs);
	if (!r && syscall(SYS_mount_setattr, mnt, "", AT_EMPTY_PATH, &idmap, sizeof(idmap))) {
		r = -errno;
		close(mnt);
	}
	return r ? r : mnt;
}

static int
open_of(pid_t pid, const char *what, int flags)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, what);
	return open(path, flags | O_CLOEXEC);
}

/* In a child: mounting in another's namespace means to live there. */
static int
place_mount(const struct call *c, int mnt)
{
	int ns = open_of(c->pid, "ns/mnt", O_RDONLY), root = open_of(c->pid, "root", O_PATH),
	    cwd = open_of(c->pid, "cwd", O_PATH);
	if (ns < 0 || root < 0 || cwd < 0)
		return errno;
	if (setns(ns, CLONE_NEWNS) || fchdir(root) || chroot(".") || fchdir(cwd))
		return errno;
	return syscall(SYS_move_mount, mnt, "", AT_FDCWD, c->target,
		       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS)
		       ? errno
		       : 0;
}

static int
do_mount(struct call *c, int userns)
{
	int status = 0;
	pid_t pid = fork();
	if (pid < 0)
		return errno;
	if (pid == 0) {
		int mnt = make_mount(c, userns);
		_exit(mnt < 0 ? -mnt : place_mount(c, mnt));
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
}

void
mount_broker_answer(int listener, int userns, dev_t dev)
{
	struct seccomp_notif q = { 0 };
	struct seccomp_notif_resp a = { 0 };
	struct call c;
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &q))
		return;
	a.id = q.id;
	bool ours = read_call(&q, &c) && find_device(&c, dev) &&
		    ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &q.id) == 0;
	if (ours && type_allowed(c.type))
		a.error = -do_mount(&c, userns);
	else if (ours)
		a.error = -ENODEV;
	else
		a.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &a);
}
