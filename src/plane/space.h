/*
 * space: a network namespace and the sockets by which it is managed. It is kept alive by a pin, a
 * file on which it is mounted; who made it may end. The calling thread enters and comes back, so it
 * must be the only one of its process that cares in which namespace it is.
 */
#ifndef HANEUL_PLANE_SPACE_H
#define HANEUL_PLANE_SPACE_H

#include <stdbool.h>

struct space {
	int ns;  /* of the namespace; -1: closed */
	int rt;  /* NETLINK_ROUTE inside it */
	int nft; /* NETLINK_NETFILTER inside it; see space_nft */
};
#define SPACE_CLOSED ((struct space){ -1, -1, -1 })

enum space_kind {
	SPACE_ROUTER, /* forwards and answers for others (proxy ARP) */
	SPACE_HOP,    /* forwards: the edge, a NAT gateway */
	SPACE_END,    /* a machine's, or a local interface's */
};
/* Makes and pins one, its loopback up, IPv6 off, nothing taken over from the host's settings; with
 * an own set of sockets. -errno. */
int space_make(struct space *s, const char *pin, enum space_kind kind);
int space_open(struct space *s,
	const char *pin); /* one that exists; -ENOENT also for a pin from before a reboot */
int space_of(struct space *s, int ns_fd);         /* borrowed: a copy is kept */
int space_here(struct space *s);                  /* the one in which the thread is */
int space_nft(struct space *s);                   /* opened when first asked for; -errno */
void space_close(struct space *s);
/* Takes down its links (whoever else holds the namespace keeps nothing of ours) and the pin. s may
 * be NULL: it is opened for that. */
void space_remove(struct space *s, const char *pin);

/* Pairs: between them sockets are made and /proc/sys/net is that of the namespace. Returns the way
 * back, or -errno. */
int space_enter(const struct space *s);
void space_leave(int back);
int space_sysctl(const char *path, const char *value); /* below /proc/sys/net/ */

#endif
