/*
 * zones: the public regions and their availability zones by name and id, and which zones have
 * failed. A zone is a number from 0 in its region: it is what networks call a failure domain. A
 * region that the table does not know (any name is accepted) has three. Failed zones are rows, of a
 * region, for all accounts.
 */
#ifndef HANEUL_SVC_EC2_ZONES_H
#define HANEUL_SVC_EC2_ZONES_H

#include "svc/ec2/ec2_api.h"

#define EC2_ZONES_MAX 6

struct ec2_region_fact {
	const char *name, *place; /* "eu-west-1", "Ireland" */
	const char *ids;          /* what zone ids begin with: "euw1" */
	const char *zones;        /* their numbers in it, in order of the names: "124" */
	bool opt_in;
};

extern const struct ec2_region_fact ec2_regions[]; /* ended by a NULL name */
const struct ec2_region_fact *ec2_region_find(struct str region); /* NULL: not a public one */

uint32_t ec2_zones_n(struct str region);
struct str ec2_zone_name(struct arena *a, struct str region, uint32_t zone); /* "us-east-1a" */
struct str ec2_zone_id(struct arena *a, struct str region, uint32_t zone);   /* "use1-az1" */
/* By name or id; -1: none such. */
int ec2_zone_find(struct arena *a, struct str region, struct str name_or_id);
/* Of a request that names a zone by either; both "": *ret_zone is -1. CALL_FAILED: no such zone. */
int ec2_zone_asked(struct call *c, struct str name, struct str id, int *ret_zone);

/* Bit z: zone z of the region has failed. */
uint32_t ec2_zones_failed(struct tx *t, struct str region);
/* In a unit: fails or restores it, and has every network of the region made anew. */
void ec2_zone_fail(struct tx *t, struct str region, uint32_t zone, bool failed);

#endif
