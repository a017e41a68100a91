/*
 * volumes: disks, also the roots of instances, and their snapshots, as the other nouns use them.
 *
 * A volume's row says what should be; the reconciler "ec2.volume" makes it so and "ec2.snapshot"
 * copies. `Made`: the plane has it. The root of an instance is made by the start of its machine.
 * Functions with a call work in its open write transaction.
 */
#ifndef HANEUL_SVC_EC2_VOLUMES_H
#define HANEUL_SVC_EC2_VOLUMES_H

#include "svc/ec2/resource.h"

extern const struct ec2_kind ec2_volume_kind, ec2_snapshot_kind;

#define EC2_GIB (UINT64_C(1) << 30)

struct ec2_volume_ask {
	uint32_t zone;
	struct str type; /* "": gp2, as CreateVolume's default */
	struct opt_i64 size, iops, throughput;
	struct str snapshot; /* "": empty */
	bool encrypted, multi_attach, root;
};
/* Checks the limits of the type; the row is put, its reconciler marked unless it is a root. */
int ec2_volume_make(struct call *c, const struct ec2_volume_ask *ask, struct ec2_volume_row **ret);

/* Sets Iops and Throughput as the type wants them, or CALL_FAILED with what is beyond its limits.
 */
int ec2_volume_fit(
	struct call *c, struct ec2_volume *v, struct opt_i64 iops, struct opt_i64 throughput);

struct ec2_attach_ask {
	struct str device;
	const char *state; /* "attaching", "attached" */
	bool delete_on_termination;
};
/* Into both rows; the caller puts the instance's. */
void ec2_volume_attach_to(struct call *c, struct ec2_volume_row *v, struct ec2_instance *i,
	const struct ec2_attach_ask *ask);
/* Of the instance's mapping; state NULL: it goes. */
void ec2_volume_mapping_state(struct ec2_instance *i, struct str volume, const char *state);
/* An instance ended: its volumes go or are free again. */
void ec2_volumes_released(struct call *c, struct ec2_instance *i);
/* Those of an instance, the attaching ones too. Returns how many. */
uint32_t ec2_volumes_of(struct call *c, const struct ec2_instance *i, struct ec2_volume_row ***ret);
/* What the plane is to enforce of it. */
uint32_t ec2_volume_iops(const struct ec2_volume *v);
uint64_t ec2_volume_bytes_a_second(const struct ec2_volume *v);

struct ec2_snapshot_row *ec2_snapshot_usable(
	struct call *c, struct str id); /* completed, own or shared; or NULL with the error */
/* Pending, marked. NULL: the tags are beyond AWS's limits. */
struct ec2_snapshot_row *ec2_snapshot_make(struct call *c, struct ec2_volume_row *v,
	struct str description, const struct ec2_tag_list *tags);

void ec2_snapshot_remove(struct call *c, struct ec2_snapshot_row *row);

/* Byte-hours. kind "EBS:VolumeUsage.gp3", "EBS:SnapshotUsage". */
void ec2_bytes_metered(struct call *c, struct str kind, int64_t bytes, int64_t things);

#endif
