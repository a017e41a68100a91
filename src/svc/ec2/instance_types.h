/*
 * instance_types: the catalogue of instance types, a table. Read-only; any thread.
 */
#ifndef HANEUL_SVC_EC2_INSTANCE_TYPES_H
#define HANEUL_SVC_EC2_INSTANCE_TYPES_H

#include "svc/ec2/ec2_api.h"

enum {
	EC2_FAMILY_XEN = 1, /* else Nitro */
	EC2_FAMILY_BURSTS = 2,
	EC2_FAMILY_OLD = 4, /* of a previous generation */
	EC2_FAMILY_NO_HOSTS = 8,
	EC2_FAMILY_I386 = 16,
	EC2_FAMILY_ENCRYPTS = 32, /* between instances */
	EC2_FAMILY_NO_HIBERNATION = 64,
};

struct ec2_instance_family {
	const char *name, *arch, *maker;
	double ghz;
	uint8_t threads;     /* of a core */
	uint8_t volumes_max; /* attachments */
	uint8_t flags;       /* EC2_FAMILY_* */
};
struct ec2_instance_type {
	const struct ec2_instance_family *family;
	const char *name;
	uint16_t vcpus;
	uint32_t memory_mib;
	const char *network;
	uint8_t interfaces_max, addresses_max; /* addresses of each interface */
	uint8_t disks;                         /* of its own */
	uint16_t disk_gb;                      /* each */
	uint8_t gpus;
};

extern const struct ec2_instance_type ec2_instance_types[]; /* sorted by name */
extern const uint32_t ec2_instance_types_n;

const struct ec2_instance_type *ec2_instance_type_find(struct str name); /* NULL: none such */
bool ec2_instance_type_offered(struct str region, uint32_t zone, const struct ec2_instance_type *t);

#endif
