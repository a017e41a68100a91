/*
 * nat_gateways: what the reconciler of networks tells them.
 */
#ifndef HANEUL_SVC_EC2_NAT_GATEWAYS_H
#define HANEUL_SVC_EC2_NAT_GATEWAYS_H

#include "svc/ec2/network_rows.h"

/* In a unit: the network is as its rows were when it had this gateway; one that was pending is
 * there, one that was being deleted is gone. */
void ec2_nat_settled(struct call *c, struct str id);

#endif
