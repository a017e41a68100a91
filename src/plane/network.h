/*
 * network: the description of one private network, whole: what it should be, as a value. The
 * maker compares it with what it made last and changes the difference. Arrays refer to each other
 * by index. Addresses and prefixes are IPv4, host byte order. Borrowed by whom it is given to.
 *
 * In each network the router owns, in every subnet, the subnet's first address + 1 (gateway), + 2
 * (resolver) and, link-local, PLANE_IP_METADATA and PLANE_IP_SERVICES; sockets are opened on those
 * by plane_ops.network_socket. Nothing else is ever at +0..+3 and the last.
 *
 * Public addresses are of plane_ability.public_range.
 *
 * Order of judgement for a packet, as everybody expects it: out of an interface its source is
 * checked (source_check), then the groups' outbound rules (stateful), then the subnet's ACL
 * outbound unless it stays in the subnet, then the route; on arrival the ACL inbound, then the
 * groups' inbound rules. Groups hold inside a subnet too. Packets to and from the router's own
 * addresses pass ACLs and groups.
 */
#ifndef HANEUL_PLANE_NETWORK_H
#define HANEUL_PLANE_NETWORK_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define PLANE_IP_METADATA 0xa9fea9feu /* 169.254.169.254 */
#define PLANE_IP_RESOLVER 0xa9fea9fdu /* 169.254.169.253, as the resolver at +2 */
#define PLANE_IP_SERVICES 0xa9fea9fbu /* 169.254.169.251: this cloud's own API, from inside */
#define PLANE_NONE UINT32_MAX

struct plane_cidr {
	uint32_t ip;
	uint8_t bits; /* 0..32 */
};

/* proto: IP protocol number; PLANE_ANY: all. Ports from..to; for ICMP from is the type, to the
 * code, -1 any. */
#define PLANE_ANY (-1)
struct plane_match {
	int16_t proto;
	int32_t from, to;
};

struct plane_acl_rule {
	struct plane_match match;
	struct plane_cidr cidr;
	bool outbound, allow;
};
/* Rules in order of their numbers; what none names is refused. Lists and tables with an id keep
 * their place in the kernel when the order of the arrays changes. */
struct plane_acl {
	struct str id;
	const struct plane_acl_rule *rules;
	uint32_t rules_n;
};

struct plane_group_rule {
	struct plane_match match;
	struct plane_cidr cidr; /* when group is PLANE_NONE */
	uint32_t group;         /* index: every address of its members */
	bool outbound;
};
/* Members are the interfaces that name it; `others` are addresses of members elsewhere (a peered
 * network's group). */
struct plane_group {
	struct str id;
	const struct plane_group_rule *rules;
	uint32_t rules_n;
	const uint32_t *others;
	uint32_t others_n;
};

enum plane_target {
	PLANE_TO_LOCAL,     /* inside this network */
	PLANE_TO_INTERNET,  /* the internet gateway: only addresses with a public one pass */
	PLANE_TO_NAT,       /* index into nats */
	PLANE_TO_PEER,      /* index into peers */
	PLANE_TO_INTERFACE, /* index into interfaces: a machine that routes */
	PLANE_TO_SERVICES,  /* this cloud's own API (gateway endpoints) */
	PLANE_TO_NOWHERE,   /* blackhole */
};
struct plane_route {
	struct plane_cidr to;
	uint8_t target; /* enum plane_target */
	uint32_t index;
};
struct plane_route_table {
	struct str id;
	const struct plane_route *routes; /* the longest prefix wins */
	uint32_t routes_n;
};

struct plane_subnet {
	struct str id;
	struct plane_cidr cidr;
	uint32_t acl, table; /* indices */
	uint8_t zone;        /* 0.. : which failure domain */
};

struct plane_ip_pair {
	uint32_t private_ip;
	uint32_t public_ip; /* 0: none */
};
struct plane_interface {
	struct str id;
	uint8_t mac[6];
	uint32_t subnet;                  /* index */
	const struct plane_ip_pair *ips;  /* the first is the primary one */
	uint32_t ips_n;
	const uint32_t *groups;           /* indices */
	uint32_t groups_n;
	bool source_check;
	bool flow_log;                    /* report flows of this interface */
	/* Rules only: no link until a machine is started with it or it is plugged. A balancer's
	 * interface belongs to this program: `local`. Its sockets are made by network_socket, and
	 * groups and ACLs apply to them as to a machine's. */
	bool local;
};

struct plane_nat {
	struct str id;
	uint32_t subnet;     /* index: its packets leave by that subnet's route table */
	uint32_t private_ip, public_ip; /* public_ip 0: a private NAT gateway */
};
struct plane_peer {
	struct str id;       /* of the peering: both networks name the same */
	struct str network;  /* the other one's id */
};

struct plane_publish {
	uint32_t public_ip;
	uint16_t port, host_port; /* host_port of the host leads to public_ip:port */
	uint8_t proto;            /* 6 or 17 */
};

struct plane_network {
	struct str id;
	const struct plane_cidr *cidrs; uint32_t cidrs_n;
	const struct plane_acl *acls; uint32_t acls_n;
	const struct plane_group *groups; uint32_t groups_n;
	const struct plane_route_table *tables; uint32_t tables_n;
	const struct plane_subnet *subnets; uint32_t subnets_n;
	const struct plane_interface *interfaces; uint32_t interfaces_n;
	const struct plane_nat *nats; uint32_t nats_n;
	const struct plane_peer *peers; uint32_t peers_n;
	const struct plane_publish *publishes; uint32_t publishes_n;
	bool internet;      /* an internet gateway is attached */
	uint32_t zones_cut; /* bit z: nothing enters or leaves zone z */
};

struct plane_flow {
	struct str network, interface;
	uint32_t from_ip, to_ip;
	uint16_t from_port, to_port;
	uint8_t proto;
	bool accepted, inbound;
	uint64_t packets, bytes;
	int64_t start_ms, end_ms; /* real time */
};

#endif
