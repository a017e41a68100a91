/*
 * network_rows: what the nouns of private networks share: their kinds, the two books of addresses
 * (the private ones of each subnet, the public ones of the host) and how a network is made whole.
 *
 * Private addresses in use stand under (region, account, subnet, address), public ones under the
 * address alone, because all accounts share the range of this host. An address is in a book exactly
 * while an interface or an elastic address has it.
 */
#ifndef HANEUL_SVC_EC2_NETWORK_ROWS_H
#define HANEUL_SVC_EC2_NETWORK_ROWS_H

#include "svc/ec2/ip.h"
#include "svc/ec2/resource.h"

extern const struct ec2_kind ec2_vpc_kind, ec2_subnet_kind, ec2_route_table_kind,
	ec2_internet_gateway_kind, ec2_egress_gateway_kind, ec2_nat_gateway_kind, ec2_group_kind,
	ec2_group_rule_kind, ec2_acl_kind, ec2_interface_kind, ec2_address_kind, ec2_peering_kind,
	ec2_endpoint_kind, ec2_prefix_list_kind, ec2_dhcp_kind, ec2_flow_log_kind;

/* ---- places and networks */
bool ec2_place_new(struct call *c);
int ec2_place_make(struct call *c); /* the default network of (region, account) */
struct ec2_vpc *ec2_default_vpc(struct call *c); /* NULL: it was deleted */
struct ec2_subnet_row *ec2_default_subnet(struct call *c, int zone); /* -1: any; NULL: none */

/* With its main route table, default ACL and default group. seed: ids follow from it, so that they
 * are the same each time; NULL: random ones. */
struct str ec2_vpc_make(struct call *c, struct plane_cidr cidr, const char *tenancy,
	const char *seed, bool is_default);
struct str ec2_subnet_make(struct call *c, struct ec2_vpc_row *vpc, struct plane_cidr cidr,
	uint32_t zone, const char *seed, bool is_default);
struct str ec2_igw_make(struct call *c, struct str vpc, const char *seed);
struct str ec2_group_make(struct call *c, struct str vpc, struct str name, struct str description,
	const char *seed);
struct str ec2_acl_make(struct call *c, struct str vpc, const char *seed, bool is_default);
struct str ec2_route_table_make(
	struct call *c, const struct ec2_vpc *vpc, const char *seed, bool main);
struct str ec2_dhcp_default(struct call *c);
/* What DHCP tells a machine of the network about names, as lines of resolv.conf. In the arena. */
struct str ec2_dhcp_resolver(struct call *c, struct str vpc);
/* A random id, or one that follows from (region, account, seed). */
struct str ec2_seeded_id(struct call *c, const struct ec2_kind *k, const char *seed);
/* All ranges of a network. */
uint32_t ec2_vpc_cidrs(const struct ec2_vpc *vpc, struct plane_cidr *ret, uint32_t cap);
bool ec2_vpc_has_igw(struct call *c, struct str vpc, struct str *ret_igw);

/* ---- prefix lists */
void ec2_managed_lists_make(struct call *c); /* with the place */
/* The list of the addresses of a service of AWS ("com.amazonaws.us-east-1.s3"); "": none. */
struct str ec2_managed_list_id(struct call *c, struct str service);
/* Prefixes of a list as it is now, those of AWS's own too. */
uint32_t ec2_prefix_list_cidrs(struct call *c, struct str id, struct plane_cidr **ret);

/* ---- books of addresses */
/* CALL_FAILED with AWS's error when it is taken or not of the subnet. */
int ec2_private_take(
	struct call *c, const struct ec2_subnet *s, uint32_t ip, struct str interface);
int ec2_private_take_any(struct call *c, const struct ec2_subnet *s, struct str interface,
	uint32_t *ret_ip); /* InsufficientFreeAddressesInSubnet */
void ec2_private_free(struct call *c, struct str subnet, uint32_t ip);
uint32_t ec2_private_used(struct call *c, struct str subnet);
/* Whose it is; "" when nobody's. */
struct str ec2_private_owner(struct call *c, struct str subnet, uint32_t ip);

struct plane_cidr ec2_public_range(void); /* the plane's; without one what it would take */
int ec2_public_take(struct call *c, struct str asked, struct str owner,
	uint32_t *ret_ip); /* asked "": any. InsufficientAddressCapacity, InvalidAddress… */
void ec2_public_free(struct call *c, uint32_t ip);
/* false: nobody has it. The strings are in the arena. */
bool ec2_public_owner(struct call *c, uint32_t ip, struct ec2_public_ip_row *ret);

/* ---- public addresses of interfaces (interface_public.c). i: which of its private addresses.
 * allocation "": automatic, owned by the interface. */
void ec2_interface_associate(struct call *c, struct ec2_interface_row *n, uint32_t i,
	uint32_t public_ip, struct str allocation, struct str association);
/* An automatic one goes back, an elastic one is free again. */
void ec2_interface_disassociate(struct call *c, struct ec2_interface_row *n, uint32_t i);
/* The number of that private address of the interface; -1: it has none such. "": the primary. */
int ec2_interface_ip_find(const struct ec2_interface_row *n, struct str ip);
/* Takes further addresses: those listed, then `n` automatic ones. */
int ec2_interface_ips_add(struct call *c, struct ec2_interface_row *n, const struct ec2_subnet *s,
	const struct list_str *ips, uint32_t automatic);
void ec2_interface_put(struct call *c, const struct ec2_interface_row *n);
/* The groups by id, all of that network; sets the list that interfaces show. */
int ec2_interface_groups(struct call *c, const struct ec2_subnet *s, const struct list_str *ids,
	struct ec2_group_identifier_list *ret);

/* Hours for the bill, of the region: "PublicIPv4:InUseAddress", "NatGateway-Hours". */
void ec2_network_usage(struct call *c, const char *kind, int64_t by);
/* An elastic address to a private one that has none; both rows are stored. */
int ec2_address_associate(struct call *c, struct ec2_address_row *a, struct ec2_interface_row *n,
	uint32_t i, struct str *ret_association);

/* ---- lists in rows: makes room for one more, zeroed, at the end; takes one out. */
void *ec2_list_more(struct arena *a, void *list, size_t size);
#define ec2_list_add(a, l) ((__typeof__((l)->v))ec2_list_more((a), (l), sizeof(*(l)->v)))
void ec2_list_cut(void *list, size_t size, uint32_t i);
#define ec2_list_remove(l, i) ec2_list_cut((l), sizeof(*(l)->v), (i))
bool ec2_list_has(const struct list_str *l, struct str s);

/* How many rows of the kind: all, or those for which `counts` says so. */
uint32_t ec2_count(struct call *c, const struct ec2_kind *k,
	bool (*counts)(const void *row, struct str arg), struct str arg);
/* The first row for which `is` says so; *ret_id may be NULL. NULL: none. */
void *ec2_find(struct call *c, const struct ec2_kind *k,
	bool (*is)(const void *row, struct str arg), struct str arg, struct str *ret_id);

/* The same call, working in another place. */
struct call ec2_elsewhere(const struct call *c, struct str region, struct str account);
/* The network changed; so may those that it is peered with. */
void ec2_vpc_changed(struct call *c, struct str vpc);

/* Parameters that this cloud cannot carry out. CALL_FAILED with a sentence. */
int ec2_no_ipv6(struct call *c);
int ec2_max_check(struct call *c, const struct opt_i64 *max, int64_t lo, int64_t hi);

#endif
