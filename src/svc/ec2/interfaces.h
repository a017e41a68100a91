/*
 * interfaces: elastic network interfaces as instances, NAT gateways and balancers use them.
 *
 * An interface has private addresses of its subnet, the first the primary one; security groups; a
 * MAC; at most one public address for each private one, elastic or automatic. An automatic one
 * belongs to the interface from start to stop of its instance. Attached interfaces are part of what
 * their network is made of; each change marks the reconciler "ec2.network" by itself.
 *
 * Functions with a call work in its open write transaction (get and of: any) and return CALL_OK, or
 * CALL_FAILED with AWS's error set. Memory is the call's arena. Other services' nouns that start
 * machines make themselves a call by ec2_inner_call.
 */
#ifndef HANEUL_SVC_EC2_INTERFACES_H
#define HANEUL_SVC_EC2_INTERFACES_H

#include "svc/ec2/ec2_api.h"

struct ec2_interface_ask {
	struct str subnet;             /* "": the default subnet of `zone` */
	int zone;                      /* number (zones.h) or -1: any; only without subnet */
	const struct list_str *groups; /* ids; NULL or none: see group_names */
	const struct list_str *group_names; /* in the default network; NULL or none: its default */
	struct str private_ip;              /* "": automatic */
	const struct list_str *secondary;   /* further addresses; may be NULL */
	uint32_t secondary_n;               /* so many automatic ones more */
	int public_ip;                      /* -1: as the subnet says; 0 none; 1 at every start */
	struct str description;
	const char *type; /* NULL: "interface"; "natGateway", "load_balancer" */
	struct str requester; /* a service makes it for itself: "amazon-aws"; "": the user's own */
	bool local; /* a balancer's: its sockets are this program's (plane/network.h) */
};
/* Checks, and takes the addresses; status "available". No automatic public address yet. */
int ec2_interface_create(
	struct call *c, const struct ec2_interface_ask *ask, struct str *ret_id);
/* Of one that is attached too (a terminated instance's); frees its addresses. */
void ec2_interface_delete(struct call *c, struct str id);

struct ec2_interface_attach {
	struct str instance;
	int64_t device; /* index; 0 is the primary one */
	bool delete_on_termination;
};
int ec2_interface_attach(struct call *c, struct str id, const struct ec2_interface_attach *a,
	struct str *ret_attachment);
int ec2_interface_detach(struct call *c, struct str id);

/* An instance's life: automatic public addresses come with a start and go with a stop; at its end
 * interfaces to be deleted are, the others are free again. */
int ec2_interfaces_started(struct call *c, struct str instance);
void ec2_interfaces_stopped(struct call *c, struct str instance);
void ec2_interfaces_terminated(struct call *c, struct str instance);

/* The row, with everything that Describe* shows (addresses, names, MAC, subnet, groups,
 * attachment) in row->NetworkInterface, and its zone's number. NULL: there is none. */
struct ec2_interface_row *ec2_interface_get(struct call *c, struct str id);
/* Those of an instance in order of their device index. Returns how many. */
uint32_t ec2_interfaces_of(struct call *c, struct str instance, struct ec2_interface_row ***ret);
/* Is the address of the instance reachable by name: "ip-10-0-0-5.ec2.internal". */
struct str ec2_private_name(struct arena *a, struct str region, uint32_t ip);
struct str ec2_public_name(struct arena *a, struct str region, uint32_t ip);

/* ---- networks (network_build.c, network_reconcile.c). The reconciler's key:
 * region/account/vpc. */
void ec2_network_mark(struct tx *t, struct str region, struct str account, struct str vpc);
void ec2_network_mark_region(struct tx *t, struct str region); /* all of it */

/* ---- what instances answer; weak: without them there is no instance. CALL_FAILED with
 * InvalidInstanceID.NotFound; when it cannot take or give interfaces now, IncorrectInstanceState. */
struct ec2_instance_place {
	struct str id, vpc;
	int zone;
	bool running; /* has, or may have now, automatic public addresses */
};
int ec2_instance_place(struct call *c, struct str id, struct ec2_instance_place *ret)
	__attribute__((weak));
/* Interfaces were attached or detached by a call: the machine is to follow. */
void ec2_instance_interfaces_changed(struct call *c, struct str id) __attribute__((weak));

#endif
