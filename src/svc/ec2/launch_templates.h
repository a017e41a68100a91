/*
 * launch_templates: parameters of launches under a name, in versions that never change. Instances,
 * fleets and groups take the data of a version and lay their own parameters over it.
 */
#ifndef HANEUL_SVC_EC2_LAUNCH_TEMPLATES_H
#define HANEUL_SVC_EC2_LAUNCH_TEMPLATES_H

#include "svc/ec2/resource.h"

extern const struct ec2_kind ec2_launch_template_kind;

/* The version that is named: "" and "$Default", "$Latest" or a number; by id or by name. NULL with
 * AWS's error set. */
struct ec2_launch_template_version_row *ec2_launch_template_find(
	struct call *c, struct str id, struct str name, struct str version);

/* Members of `over` that are set replace those of `base`; both are structs of the shape. */
void ec2_overlay(const struct shape *s, void *base, const void *over);

#endif
