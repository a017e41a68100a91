/*
 * conntrack: the kernel's connections of a network namespace as it tells of them by netlink: read,
 * and made to be forgotten. IPv4.
 */
#ifndef HANEUL_PLANE_CONNTRACK_H
#define HANEUL_PLANE_CONNTRACK_H

#include "plane/nl.h"

struct connection {
	struct connection_side {
		uint32_t from_ip, to_ip;
		uint16_t from_port, to_port;
		uint64_t packets, bytes;
	} there,
		back; /* as the first packet went, and its answers; translated addresses make them differ */
	uint8_t proto;
	int64_t start_ms, end_ms; /* real time; 0: unknown */
	struct str tuple; /* the kernel's form of `there`, borrowed from the message */
};
/* false: no message about an IPv4 connection. */
bool connection_read(const struct nlmsghdr *m, struct connection *ret);
/* All there are now; `zero` sets their counters back. */
int connections_each(
	int nft_fd, bool zero, void (*each)(void *ctx, const struct connection *c), void *ctx);
void connection_forget(struct buf *b,
	const struct connection *c); /* a message for nl_run; -ENOENT: it has just ended */

#endif
