/*
 * rt: links, addresses, routes, rules and neighbours of the network namespace in which a socket
 * (NETLINK_ROUTE) was opened. Functions with a buf append one message to it; the others ask at
 * once. IPv4.
 */
#ifndef HANEUL_PLANE_RT_H
#define HANEUL_PLANE_RT_H

#include "plane/network.h"
#include "plane/nl.h"

struct rt_end {
	const char *name;
	uint8_t mac[6];
	bool any_mac; /* the kernel chooses */
	int netns_fd; /* -1: where the socket is */
	int index;    /* 0: the kernel chooses */
};
/* A pair of links; `here` is up, `there` is its namespace's to take up. */
void rt_veth(struct buf *b, const struct rt_end *here, const struct rt_end *there, uint32_t mtu);
void rt_link_remove(struct buf *b, int index);
/* All pairs whose `here` was made there. Each removal waits for all processors; this way it is one
 * wait. */
void rt_links_remove(struct buf *b);
void rt_link_up(struct buf *b, int index);
void rt_link_alias(struct buf *b, int index, struct str alias);
/* The end that was up first starts to send when a worker of the kernel has seen that the other came
 * up; until then packets are lost, and a lost SYN costs a second. Waits for that (20 ms at most).
 * The kernel is slow about it where both ends have the same index. */
void rt_link_ready(int fd, const char *name);
int rt_link_index(int fd, const char *name); /* -ENODEV */

struct rt_counters {
	uint64_t rx_bytes, rx_packets, tx_bytes, tx_packets;
};
int rt_link_counters(int fd, const char *name, struct rt_counters *ret);
/* Every link but the loopback. */
int rt_links(int fd, void (*each)(void *ctx, int index, const char *name), void *ctx);

void rt_address(struct buf *b, int index, uint32_t ip, uint8_t bits); /* no route comes with it */
void rt_neighbour(struct buf *b, bool add, int index, uint32_t ip, const uint8_t mac[6]);

void rt_answer_at_once(
	struct buf *b, int index); /* questions of ARP that are answered for others */

struct rt_route {
	uint32_t table;
	struct plane_cidr to;
	uint8_t type;     /* RTN_UNICAST, RTN_LOCAL, RTN_THROW, RTN_BLACKHOLE */
	int index;        /* of the link; 0: none */
	uint32_t gateway; /* on that link, whatever addresses it has; 0: the destination itself */
	uint32_t from;    /* preferred source; 0: any */
};
void rt_route(struct buf *b, bool add, const struct rt_route *r); /* replaces */
int rt_routes(int fd, void (*each)(void *ctx, const struct rt_route *r), void *ctx);

/* Packets with this mark (mask_bits 0: with this source address) are routed by that table. */
struct rt_rule {
	uint32_t priority, mark, mask, table;
	uint32_t from;
};
void rt_rule(struct buf *b, bool add, const struct rt_rule *r);
int rt_rules(int fd, void (*each)(void *ctx, const struct rt_rule *r), void *ctx);
int rt_neighbours(int fd, void (*each)(void *ctx, int index, uint32_t ip, const uint8_t mac[6]),
	void *ctx); /* permanent ones */

#endif
