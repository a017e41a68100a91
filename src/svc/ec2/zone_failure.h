/*
 * zone_failure: a zone is lost as by fire or power: its machines are gone at once, its network is
 * cut; and comes back: the machines that should run are started again. For all accounts of the
 * region.
 */
#ifndef HANEUL_SVC_EC2_ZONE_FAILURE_H
#define HANEUL_SVC_EC2_ZONE_FAILURE_H

#include "svc/ec2/resource.h"

/* In a unit. Returns how many instances go down or start again. */
uint32_t ec2_zone_failure(struct call *c, struct str region, uint32_t zone, bool fail);

#endif
