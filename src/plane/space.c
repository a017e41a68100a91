/* Network namespaces and their pins; see space.h. */
#include "plane/space.h"

#include "base/log.h"
#include "plane/rt.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <unistd.h>

#define THIS_NS "/proc/thread-self/ns/net"

int
space_sysctl(const char *path, const char *value)
{
	char full[128];
	snprintf(full, sizeof(full), "/proc/sys/net/%s", path);
	int fd = open(full, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t n = write(fd, value, strlen(value));
	int err = n < 0 ? -errno : 0;
	close(fd);
	return err;
}

int
space_enter(const struct space *s)
{
	int back = open(THIS_NS, O_RDONLY | O_CLOEXEC);
	if (back < 0)
		return -errno;
	if (setns(s->ns, CLONE_NEWNET)) {
		int err = -errno;
		close(back);
		return err;
	}
	return back;
}

void
space_leave(int back)
{
	/* To go on in a foreign namespace would be to configure the wrong one. */
	if (setns(back, CLONE_NEWNET))
		abort();
	close(back);
}

void
space_close(struct space *s)
{
	int *fds[] = { &s->ns, &s->rt, &s->nft };
	for (unsigned i = 0; i < 3; i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}

/* Of the namespace in which the thread is. */
static int
open_sockets(struct space *s)
{
	s->rt = nl_open(NETLINK_ROUTE);
	if (s->rt < 0)
		return s->rt;
	return 0;
}

int
space_nft(struct space *s)
{
	if (s->nft >= 0)
		return s->nft;
	int back = space_enter(s);
	if (back < 0)
		return back;
	s->nft = nl_open(NETLINK_NETFILTER);
	space_leave(back);
	int fd = s->nft;
	if (fd < 0)
		s->nft = -1;
	return fd;
}

int
space_here(struct space *s)
{
	*s = SPACE_CLOSED;
	s->ns = open(THIS_NS, O_RDONLY | O_CLOEXEC);
	int err = s->ns < 0 ? -errno : open_sockets(s);
	if (err)
		space_close(s);
	return err;
}

/* Takes the descriptor. */
static int
take_ns(struct space *s, int ns)
{
	*s = (struct space){ ns, -1, -1 };
	int back = space_enter(s);
	int err = back < 0 ? back : open_sockets(s);
	if (back >= 0)
		space_leave(back);
	if (err)
		space_close(s);
	return err;
}

int
space_of(struct space *s, int ns_fd)
{
	*s = SPACE_CLOSED;
	int copy = fcntl(ns_fd, F_DUPFD_CLOEXEC, 3);
	return copy < 0 ? -errno : take_ns(s, copy);
}

int
space_open(struct space *s, const char *pin)
{
	struct statfs fs;
	*s = SPACE_CLOSED;
	int ns = open(pin, O_RDONLY | O_CLOEXEC);
	if (ns < 0)
		return -errno;
	if (fstatfs(ns, &fs) || fs.f_type != NSFS_MAGIC) {
		close(ns);
		return -ENOENT;
	}
	return take_ns(s, ns);
}

/* What a new namespace would take over from the host, or has by default, and must not. */
static void
set_up(enum space_kind kind)
{
	static const char *const every[][2] = {
		{ "ipv6/conf/all/disable_ipv6", "1" },
		{ "ipv6/conf/default/disable_ipv6", "1" },
		{ "ipv4/conf/all/rp_filter", "0" },
		{ "ipv4/conf/default/rp_filter", "0" },
		{ "ipv4/conf/all/accept_redirects", "0" },
		{ "ipv4/conf/default/accept_redirects", "0" },
		{ "ipv4/conf/all/send_redirects", "0" },
		{ "ipv4/conf/default/send_redirects", "0" },
		{ "ipv4/ping_group_range", "0 0" },
	};
	for (unsigned i = 0; i < sizeof(every) / sizeof(*every); i++)
		space_sysctl(every[i][0], every[i][1]);
	if (kind == SPACE_END)
		return;
	space_sysctl("ipv4/ip_forward", "1");
	if (kind == SPACE_ROUTER) {
		space_sysctl("ipv4/conf/default/proxy_arp", "1");
		space_sysctl("netfilter/nf_conntrack_acct", "1");
		space_sysctl("netfilter/nf_conntrack_timestamp", "1");
	}
}

static int
pin_here(const char *pin)
{
	int fd = open(pin, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	close(fd);
	if (!mount(THIS_NS, pin, NULL, MS_BIND, NULL))
		return 0;
	int err = -errno;
	unlink(pin);
	return err;
}

static int
make_here(struct space *s, const char *pin, enum space_kind kind)
{
	if (unshare(CLONE_NEWNET))
		return -errno;
	int err = space_here(s);
	if (err)
		return err;
	set_up(kind);
	struct buf b = { 0 };
	rt_link_up(&b, 1);
	err = nl_send(s->rt, &b);
	buf_done(&b);
	return err ? err : pin_here(pin);
}

int
space_make(struct space *s, const char *pin, enum space_kind kind)
{
	*s = SPACE_CLOSED;
	int back = open(THIS_NS, O_RDONLY | O_CLOEXEC);
	if (back < 0)
		return -errno;
	int err = make_here(s, pin, kind);
	space_leave(back);
	if (err)
		space_close(s);
	return err;
}

static void
remove_link(void *ctx, int index, const char *name)
{
	(void)name;
	rt_link_remove(ctx, index);
}

static bool
forgive_all(void *ctx, unsigned n, int err)
{
	(void)ctx, (void)n, (void)err;
	return true; /* devices that every namespace has cannot be removed, and others go with their pair */
}

void
space_remove(struct space *s, const char *pin)
{
	struct space opened = SPACE_CLOSED;
	struct buf b = { 0 };
	if (!s && !space_open(&opened, pin))
		s = &opened;
	if (s) {
		struct nl_run r = { .failed = forgive_all };
		rt_links_remove(&b);
		nl_run(s->rt, &b, &r);
		buf_clear(&b);
		if (!rt_links(s->rt, remove_link, &b))
			nl_run(s->rt, &b, &r);
	}
	buf_done(&b);
	if (s)
		space_close(s);
	umount2(pin, MNT_DETACH);
	if (unlink(pin) && errno != ENOENT)
		log_warn("pin stays", log_c("path", pin), log_errno("error", errno));
}
