/*
 * launch: a call of RunInstances on its way: what was asked, a launch template's data below it, and
 * what it refers to, looked up and checked (instance_run.c); then each instance is made of it
 * (instance_launch.c). Lives in the call's arena.
 */
#ifndef HANEUL_SVC_EC2_LAUNCH_H
#define HANEUL_SVC_EC2_LAUNCH_H

#include "svc/ec2/images.h"
#include "svc/ec2/instance_types.h"
#include "svc/ec2/instances.h"

struct ec2_launch {
	struct call *c;
	struct ec2_run_instances_in *in;
	struct ec2_image_row *image;
	const struct ec2_instance_type *type;
	struct ec2_iam_instance_profile *profile;
	struct str machine; /* "qemu"; else a container */
	struct str public_key, credits, reservation;
	struct ec2_tag_list instance_tags, volume_tags, interface_tags;
	struct ec2_block_device_mapping_list mappings; /* the image's with the call's over them */
	int zone;                                      /* -1: any */
	const struct ec2_placement_group *group;       /* NULL: none */
	struct str capacity_reservation;               /* STR_NULL: none that is named */
};

/* The n-th instance of the call. CALL_FAILED with an error; what it made of it is then to be rolled
 * back, unless *ret is NULL: nothing was made yet. */
int ec2_launch_one(struct ec2_launch *l, int64_t index, struct ec2_instance_row **ret);
/* Groups, hosts, reservations and the spot market (launch_market.c): of the call, then of each
 * instance before its row is written. */
int ec2_launch_market_check(struct ec2_launch *l);
int ec2_launch_market(struct ec2_launch *l, struct ec2_instance_row *row, int64_t index);
int ec2_launch_mappings(struct ec2_launch *l);
int ec2_launch_network_check(struct ec2_launch *l);

#endif
