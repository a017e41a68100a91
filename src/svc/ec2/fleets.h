/*
 * fleets: so much capacity, of whichever pools (a template's version with an override: type,
 * subnet, zone, price) are cheapest or come first. "instant" launches in the call and tells what
 * came of it; "request" launches after it; "maintain" also replaces what ended: it is looked at
 * each minute of the clock by due rows of kind "ec2.fleet".
 */
#ifndef HANEUL_SVC_EC2_FLEETS_H
#define HANEUL_SVC_EC2_FLEETS_H

#include "svc/ec2/resource.h"

extern const struct ec2_kind ec2_fleet_kind;

/* fleet_fill.c. Launches what is missing of the target and notes members and errors in the row,
 * which the caller puts. What a pool refuses is an error of the fleet, not of the call. */
int ec2_fleet_fill(struct call *c, struct ec2_fleet_row *row);
/* The fleet is deleted: with or without its instances. */
void ec2_fleet_end(struct call *c, struct ec2_fleet_row *row, bool instances);
void ec2_fleet_look(struct call *c, struct str id, int64_t at_ms);

/* fleet_show.c */
void ec2_fleet_show(struct call *c, void *row, void *item);
void ec2_fleet_tell(struct call *c, struct ec2_fleet_row *row, struct ec2_create_fleet_out *out);
void ec2_fleet_members_tell(struct call *c, const struct ec2_fleet_row *row,
	const struct ec2_filter_list *filters, struct str after, uint32_t limit,
	struct ec2_describe_fleet_instances_out *out);
/* Is the member's instance there and not ended? */
bool ec2_fleet_member_lives(
	struct call *c, const struct ec2_fleet_member *m, struct ec2_instance **ret);
struct ec2_launch_template_and_overrides_response *ec2_fleet_pool_shown(
	struct call *c, const struct ec2_fleet_row *row, int64_t config, int64_t override);

#endif
