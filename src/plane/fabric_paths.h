/*
 * fabric_paths: where packets of a router go, as values: routes, rules that lead marks to tables,
 * known neighbours. Compiled from a network's description and the links that exist; only
 * differences reach the kernel. fabric_paths_compile and _change are pure.
 *
 * A packet's mark chooses the table of its subnet. There the network's own ranges are thrown back
 * to the main table, which has a route for each address that is plugged, and nothing else; so a
 * longer prefix of the user's wins over the local route and the local route over everything
 * shorter.
 */
#ifndef HANEUL_PLANE_FABRIC_PATHS_H
#define HANEUL_PLANE_FABRIC_PATHS_H

#include "base/arena.h"
#include "plane/fabric_rules.h"
#include "plane/rt.h"

/* Every link between namespaces of ours has this neighbour at its far end. */
#define FABRIC_FAR_IP 0xa9fe0101u /* 169.254.1.1 */

enum path_kind { PATH_NEIGHBOUR, PATH_ROUTE, PATH_RULE };
/* No padding: compared as bytes. Key: up to `ip`. */
struct path {
	uint32_t kind, bits;
	uint32_t table; /* neighbour: link */
	uint32_t ip;    /* rule: mark */
	uint32_t type, gateway;
	int32_t index;
	uint8_t mac[8];
};
struct paths {
	struct path *all; /* heap */
	uint32_t n, cap;
};
void paths_done(struct paths *p);
struct path *paths_add(struct paths *p, uint32_t kind, uint32_t table, uint32_t ip, uint8_t bits);
void paths_seal(struct paths *p);
/* The kernel has dropped what led through that link. */
void paths_forget(struct paths *p, int index);
/* Messages that turn one into the other, both sealed. */
void paths_change(struct buf *b, const struct paths *from, const struct paths *to);
int paths_read(int rt_fd, struct paths *ret); /* what is there now; sealed */

/* links: index of a link by its name, 0 when there is none. */
struct fabric_links {
	int (*index)(void *ctx, const char *name);
	void *ctx;
};
void fabric_paths_compile(struct paths *ret, const struct plane_network *n,
	const struct fabric_numbers *k, const struct fabric_links *links);

/* Addresses of Ethernet at both ends of a link between namespaces of ours; `upper`: the edge's end,
 * or of two routers the one with the larger id. */
void fabric_mac(uint8_t ret[6], bool upper);
void fabric_nat_mac(uint8_t ret[6], bool inside);

#endif
