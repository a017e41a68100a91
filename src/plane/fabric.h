/*
 * fabric: networks as the kernel has them. Functions of the agent process, which holds the
 * privilege; each returns when its work is done (about a millisecond) or with -errno and a sentence
 * in `why`.
 *
 * What is made: a pinned network namespace for each network, its router; a veth pair for each
 * plugged interface, the other end in the machine's namespace; a namespace for each NAT gateway and
 * for each interface that is `local`; one namespace, the edge, in which all routers meet and to
 * which the host has one veth with one address range. Rules are nftables', in the router.
 * Everything of a data directory carries its tag (fabric_tag): pins in <run>/<tag>/, the host's
 * link "hn-<tag>" and, only where the host forwards (fabric_options.uplink), its table
 * "haneul-<tag>".
 *
 * Everything outlives the process: fabric_open finds what is there, and fabric_apply takes it over
 * with rules replaced in one step, so that no connection is cut. What exists but is never asked for
 * is told by fabric_list.
 *
 * Not thread-safe, and the calling thread must be the only one of its process: functions enter
 * other network namespaces and come back. Nothing is kept of what arguments point to.
 */
#ifndef HANEUL_PLANE_FABRIC_H
#define HANEUL_PLANE_FABRIC_H

#include "plane/network.h"

#include <stddef.h>

enum fabric_uplink {
	FABRIC_UPLINK_AUTO, /* masquerade where the host forwards packets already (net.ipv4.ip_forward), else off */
	FABRIC_UPLINK_OFF, /* machines reach each other's public addresses, and the host reaches them */
	FABRIC_UPLINK_MASQUERADE, /* beyond the host, under the host's address */
	FABRIC_UPLINK_ROUTED, /* beyond the host, under their own address: the range is routed to this host */
};
struct fabric_options {
	const char *data_dir;
	const char *run_dir;     /* pins and state of this boot; NULL: /run/haneul */
	struct plane_cidr
		range; /* bits 0: what the data directory had before, else a free /20 of 100.64.0.0/10 */
	uint8_t uplink;          /* enum fabric_uplink */
};

/* -EPERM, -EOPNOTSUPP: what is missing and which package or setting provides it. Makes the edge. */
int fabric_open(const struct fabric_options *o, char *why, size_t cap);
void fabric_close(void); /* everything stays in the kernel */
const char *fabric_tag(void);           /* eight hexadecimal digits; "" before fabric_open */
/* Public and elastic addresses are of this range, which the host reaches; + 0..3 and the last are
 * the fabric's. */
struct plane_cidr fabric_range(void);
/* The same for a process that only wants to know: without fabric_open and without privilege. Chosen
 * now when it was not yet. */
int fabric_range_of(const char *data_dir, struct plane_cidr *ret);
/* Has the data directory take that one from now on, unless something else of the host is there. */
int fabric_range_want(const char *data_dir, struct plane_cidr range, char *why, size_t cap);
bool fabric_reaches_out(void);          /* packets get beyond the host */

/* Makes the network as described; only what differs from the last time is touched. Names of peers
 * whose network is not there yet are kept: their link comes with it. */
int fabric_apply(const struct plane_network *n, char *why, size_t cap);
/* With all its links; machines keep their namespaces. Absent: 0. */
int fabric_remove(struct str network, char *why, size_t cap);
/* Networks that exist in the kernel, applied or left by an earlier process; `ctx` is the
 * caller's. */
void fabric_list(void (*each)(void *ctx, struct str network), void *ctx);
/* All networks, the edge, pins, the host's link and table. */
int fabric_remove_all(char *why, size_t cap);
/* The same for a tag whose data directory may be gone, without fabric_open: what a clean-up of
 * leftovers needs. run_dir as above. */
int fabric_sweep(const char *run_dir, const char *tag, char *why, size_t cap);
struct fabric_leftover {
	const char *tag, *data_dir;
	bool seen_here; /* by whoever sees the same files as we: the data directory is there or gone */
};
void fabric_leftovers(const char *run_dir,
	void (*each)(void *ctx, const struct fabric_leftover *l), void *ctx);

/* A link between the router and netns_fd (borrowed), there named ifname, up, with the interface's
 * address, default route when `index` is 0 (else it has a routing table of its own), gateway known.
 * The links are up and everything routed when it returns. An earlier link of the interface goes.
 * -ENOENT: the network was not applied with that interface. */
struct fabric_plug {
	struct str network, interface;
	int netns_fd;
	const char *ifname;
	uint32_t index;
	bool raw; /* a VM: the link comes up without address and with another MAC, so that a tap can be bridged to it */
};
int fabric_plug(const struct fabric_plug *p, char *why, size_t cap);
int fabric_unplug(struct str network, struct str interface, char *why, size_t cap); /* absent: 0 */

/* A socket (close-on-exec, non-blocking) inside the network, bound to ip:port; ip is one of the
 * router's own addresses (network.h) or one of a `local` interface. SOCK_STREAM listens; with port
 * 0 it is bound only, to connect from. SOCK_DGRAM. -errno. */
int fabric_socket(struct str network, uint32_t ip, uint16_t port, int type, char *why, size_t cap);
/* A ping socket (SOCK_DGRAM, IPPROTO_ICMP) of the router, whose probes no group sees: is this
 * machine alive? */
int fabric_ping_socket(struct str network, char *why, size_t cap);

/* Readable when flows wait; read all then. `network` and `interface` of a flow are borrowed until
 * `each` returns. Connections are told when they end and each minute that they last; refused
 * packets at once (at most 1,000 a second for a network). */
int fabric_flow_fd(void);
void fabric_flow_read(void (*each)(void *ctx, const struct plane_flow *f), void *ctx);

struct fabric_counters {
	uint64_t in_bytes, in_packets, out_bytes, out_packets; /* as the machine sees it */
};
int fabric_counters(struct str network, struct str interface, struct fabric_counters *ret);

#endif
