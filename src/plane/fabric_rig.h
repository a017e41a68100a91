/*
 * fabric_rig: a host of its own (a network namespace) for tests of the fabric, machines (more of
 * them) and packets between them. Root only. Sockets of all machines are used from the one test
 * process, so nothing else runs. A description is built in a struct rig_net, a small VPC to begin
 * with.
 */
#ifndef HANEUL_PLANE_FABRIC_RIG_H
#define HANEUL_PLANE_FABRIC_RIG_H

#include "plane/fabric.h"

#define IP(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))
#define CIDR(a, b, c, d, bits) ((struct plane_cidr){ IP(a, b, c, d), bits })

bool rig_possible(void);
/* Enters a new host; fails the test when the fabric does not open. */
void rig_up(void);
void rig_up_with(const struct fabric_options *o); /* data_dir and run_dir are the rig's */
void rig_restart(void);                           /* another process takes over */
/* Removes all and asserts that nothing is left: links, rules, pins, mounts. */
void rig_down(void);
const char *rig_data_dir(void);
const char *rig_run_dir(void);

int rig_machine(void); /* a namespace's descriptor, closed by rig_down */
int rig_host(void);    /* the host's */

/* Up to so many of each. */
struct rig_net {
	struct plane_network n;
	struct plane_cidr cidrs[2];
	struct plane_acl acls[4];
	struct plane_acl_rule acl_rules[4][8];
	struct plane_group groups[4];
	struct plane_group_rule group_rules[4][8];
	struct plane_route_table tables[4];
	struct plane_route routes[4][8];
	struct plane_subnet subnets[4];
	struct plane_interface interfaces[8];
	struct plane_ip_pair ips[8][4];
	uint32_t of_groups[8][4];
	struct plane_nat nats[2];
	struct plane_peer peers[2];
	char names[8][24];
};
/* id, range prefix/16: subnets .0/24 (zone 0) and .1/24 (zone 1), ACL 0 open, group 0 (sg-0): all
 * out, from itself in; table 0: local only. */
void rig_net(struct rig_net *x, const char *id, uint32_t base);
/* Interface number i in that subnet with that host number, in group 0, and applied by rig_apply
 * later. */
void rig_interface(struct rig_net *x, uint32_t i, uint32_t subnet, uint32_t host);
void rig_route(
	struct rig_net *x, uint32_t table, struct plane_cidr to, uint8_t target, uint32_t index);
void rig_group_rule(struct rig_net *x, uint32_t group, struct plane_group_rule r);
void rig_apply(struct rig_net *x);
/* A machine with that interface as eth0. */
int rig_plug(struct rig_net *x, uint32_t i);

/* Packets. What should not happen is waited for only so long that it would have happened. */
void rig_patience(int ms);
#define RIG_PATIENCE_MS 1500
#define assert_refused(what)                     \
	do {                                     \
		rig_patience(100);               \
		bool happened_ = (what);         \
		rig_patience(RIG_PATIENCE_MS);   \
		assert_false(happened_);         \
	} while (0)
bool rig_ping(int from, uint32_t to);
bool rig_ping_as(int from, uint32_t source, uint32_t to,
	int listener); /* spoofed; true when it reaches the listener */
int rig_listen(int machine, uint32_t ip, uint16_t port);  /* TCP */
int rig_connect(int machine, uint32_t ip, uint16_t port); /* a connected socket or -errno */
bool rig_tcp(int from, int to, uint32_t ip,
	uint16_t port); /* connects to a listener of that machine and exchanges a byte */
bool rig_tcp_seen(int from, int to, uint32_t ip, uint16_t port,
	uint32_t *ret_source); /* and whom the server sees */
bool rig_echo(int a, int b); /* a byte from a to b over sockets that are connected */
bool rig_udp(int from, int to, uint32_t ip, uint16_t port);
void rig_address(int machine, const char *ifname, uint32_t ip, uint8_t bits, uint32_t gateway);
void rig_arp(
	int machine, const char *ifname, uint32_t source, uint32_t wanted); /* asks who has it */
bool rig_wait(int fd, int timeout_ms);

#endif
