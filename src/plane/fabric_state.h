/*
 * fabric_state: what the files of the fabric share: the networks that this process knows, and where
 * they stand. See fabric.h; nobody else includes this.
 */
#ifndef HANEUL_PLANE_FABRIC_STATE_H
#define HANEUL_PLANE_FABRIC_STATE_H

#include "base/map.h"
#include "plane/fabric.h"
#include "plane/fabric_paths.h"
#include "plane/fabric_rules.h"
#include "plane/space.h"

#include <limits.h>

#define MTU_INSIDE 9001 /* as AWS has it */
#define MTU_OUTSIDE 1500

struct link_known {
	char name[IFNAMSIZ];
	int index;
};
/* Links of a namespace by name; entries are on the heap. */
struct links {
	struct map by_name;
};
void links_done(struct links *l);
int links_read(struct links *l, int rt_fd);
void links_put(struct links *l, const char *name, int index);
int links_index(const struct links *l, const char *name); /* 0: none */
int links_index_of(void *links, const char *name);        /* for struct fabric_links */
int links_next_index(const struct links *l);
void links_drop(struct links *l, const char *name);

/* A description with the rules made of it, in one arena. */
struct applied {
	struct arena arena;
	struct buf bytes;
	struct plane_network n;
	struct nft_rules rules;
};
/* Ids and the numbers that packets' marks have for them. */
struct numbers {
	struct map by_id; /* value: number + 1 as a pointer */
	uint64_t used[16];
};

struct router {
	char *id;
	struct space space;
	struct links links;
	struct applied *now; /* NULL: found, but not yet asked for */
	struct paths paths;
	bool paths_known;
	struct numbers subnets, tables;
	int flow_ct, flow_log; /* sockets; -1 while no interface is logged */
	uint64_t flow_read_ms;
};

struct fabric {
	bool open;
	char tag[9], dir[384], data_dir[PATH_MAX];
	struct plane_cidr range;
	uint8_t uplink; /* what AUTO came to */
	struct space host, edge;
	struct links edge_links;
	struct paths edge_paths;
	struct arena *edge_arena;
	struct nft_rules edge_rules;
	bool edge_known; /* edge_rules is what the kernel has */
	struct fabric_public_of {
		uint32_t ip;
		char link[IFNAMSIZ]; /* of the edge, to the router that has it */
	} *public;
	uint32_t public_n;
	struct map routers;
	int flow_epoll, flow_timer;
};
extern struct fabric fabric;

#define FABRIC_PATH 640
/* <run>/<tag>/<network>[.<kind>.<id>]; kind 'n' or 'l'. */
void fabric_pin(char out[FABRIC_PATH], struct str network, char kind, struct str id);
int fabric_fail(char *why, size_t cap, int err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* edge */
int fabric_edge_open(char *why, size_t cap);
void fabric_edge_close(void);
int fabric_edge_connect(struct router *r, char *why, size_t cap);        /* its link to the edge */
void fabric_edge_disconnected(struct router *r);                         /* that link has gone */
int fabric_edge_publish(
	struct router *r, const struct plane_network *n, char *why, size_t cap); /* n NULL: none */
void fabric_edge_remove(void);
int fabric_range_choose(struct plane_cidr wanted, char *why, size_t cap);

/* routers */
struct router *fabric_router(struct str id); /* NULL: there is none */
int fabric_router_paths(struct router *r, char *why, size_t cap); /* after links changed */
void fabric_router_unlink(struct router *r, const char *link);
const struct plane_interface *fabric_interface(const struct router *r, struct str id);
bool fabric_own_address(const struct plane_network *n, uint32_t ip); /* the router's */
int fabric_forget_connections(
	struct router *r, const struct plane_network *was, const struct plane_network *now);

/* NAT gateways, local interfaces, peerings */
int fabric_ends_make(struct router *r, char *why, size_t cap);
void fabric_ends_remove(struct router *r,
	const struct plane_network *n); /* those that n does not name; NULL: all */

/* flows */
int fabric_flow_open(void);
void fabric_flow_close(void);
void fabric_flow_watch(struct router *r);   /* after its description changed */
void fabric_flow_unwatch(struct router *r);

#endif
