/*
 * placement_groups: names under which instances are placed close together, apart, or in partitions.
 * There is one host, so the groups' limits hold and what instances are told of them is kept, but
 * closeness is not measured.
 */
#ifndef HANEUL_SVC_EC2_PLACEMENT_GROUPS_H
#define HANEUL_SVC_EC2_PLACEMENT_GROUPS_H

#include "svc/ec2/resource.h"

extern const struct ec2_kind ec2_placement_group_kind;

/* By name or by id (pg-…); NULL with InvalidPlacementGroup.Unknown. */
struct ec2_placement_group *ec2_placement_group_find(struct call *c, struct str name_or_id);

#endif
