/*
 * fabric_rules: what a network's description means as rules: the tables of its router, of the edge,
 * of a NAT gateway and of the host. Pure: description in, nft_rules out; two equal descriptions
 * give equal rules, so that only differences reach the kernel.
 *
 * The router's path of a packet: `source` (before connection tracking) checks that the sender may
 * use that address and marks the packet with its subnet, route table and zone; routing obeys the
 * mark; `leave` judges zones, ACLs and outbound groups, `arrive` inbound groups; the gateways
 * translate addresses.
 */
#ifndef HANEUL_PLANE_FABRIC_RULES_H
#define HANEUL_PLANE_FABRIC_RULES_H

#include "plane/network.h"
#include "plane/nft_rules.h"

#include <net/if.h>

#define FABRIC_TABLE "haneul"
#define FABRIC_LOG_GROUP 1 /* of refused packets; prefixes "in" and "out" */

/* Links of a router: one letter and a digest of the id. 'v': an interface, 'n': a NAT gateway, 'p':
 * a peering; and IGW_LINK. */
#define FABRIC_IGW_LINK "igw"
struct fabric_link {
	char name[IFNAMSIZ];
};
struct fabric_link fabric_link_of(char kind, struct str id);
uint64_t fabric_digest(const void *p, size_t len); /* the same in every process */

/* Numbers that keep their meaning while the description changes; 1..1023. */
struct fabric_numbers {
	const uint16_t *subnets, *tables;
};
#define FABRIC_MARK_TABLE(number) ((uint32_t)(number) << 10)
#define FABRIC_MARK_TABLE_MASK (1023u << 10)
#define FABRIC_MARK_ZONE(zone) (((uint32_t)(zone) + 1) << 20)
#define FABRIC_MARK_ZONE_MASK (15u << 20)
uint32_t fabric_mark(
	const struct plane_network *n, const struct fabric_numbers *k, uint32_t subnet);

/* The router. Sealed. */
void fabric_rules_router(
	struct nft_rules *r, const struct plane_network *n, const struct fabric_numbers *k);
/* Groups and, per set of groups, what interfaces in them jump to; called by the above. */
struct fabric_combo {
	const char *out, *in; /* chains */
};
void fabric_rules_groups(
	struct nft_rules *r, const struct plane_network *n, struct fabric_combo *ret_combos);

/* The edge: which router may use which public address; what goes to the host. */
struct fabric_public {
	uint32_t ip;
	const char *link; /* of the edge */
};
void fabric_rules_edge(struct nft_rules *r, struct plane_cidr range,
	const struct fabric_public *all, uint32_t n, uint8_t uplink);
void fabric_rules_nat(struct nft_rules *r, uint32_t private_ip);
/* The host's, where packets go beyond it. */
void fabric_rules_host(
	struct nft_rules *r, const char *link, struct plane_cidr range, uint8_t uplink);

#endif
