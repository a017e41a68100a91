/*
 * networks: private networks as the plane makes them: from rows in a snapshot to one
 * description (network_build.c), and the reconciler "ec2.network" that gives it to the plane
 * (network_reconcile.c). A network without an attached interface has no router: it is removed, or
 * was never made.
 *
 * Instances start right behind their network: a plane carries out what it is asked for in order, so
 * who starts a machine asks first whether the network as given last holds its interface, and if not
 * gives it himself. All on the loop of the plane.
 */
#ifndef HANEUL_SVC_EC2_NETWORKS_H
#define HANEUL_SVC_EC2_NETWORKS_H

#include "plane/plane.h"
#include "svc/ec2/network_rows.h"

/* In any transaction, for the place of the call; memory is the call's arena. false: there is no
 * such network, or nothing is attached in it; then *ret has its id only. */
bool ec2_network_build(struct call *c, struct str vpc, struct plane_network *ret);

/* On the loop. Was the interface in the network as it was given to the plane last? */
bool ec2_network_has(struct str vpc, struct str interface);
/* On the loop, c in a snapshot: builds it and gives it to the plane. */
void ec2_network_send(
	struct call *c, struct plane *p, struct plane_request *r, struct str vpc);
/* On the loop: nothing is known any more of what the plane has (a reset removed it). */
void ec2_networks_forget(void);

/* Why the network could not be made so far; "" when all is well, or nothing was tried. */
struct str ec2_network_trouble(struct call *c, struct str vpc);

#endif
