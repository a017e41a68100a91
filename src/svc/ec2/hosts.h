/*
 * hosts: dedicated hosts, as capacity that is set aside. Here all share one machine; what a host of
 * the type would take is counted, and instances that name it are counted against it.
 */
#ifndef HANEUL_SVC_EC2_HOSTS_H
#define HANEUL_SVC_EC2_HOSTS_H

#include "svc/ec2/resource.h"

extern const struct ec2_kind ec2_host_kind;

/* For a launch with tenancy host: the host that is named, or any of the type in the zone that
 * places by itself. CALL_FAILED with AWS's error: unknown, of another type, full. */
int ec2_host_place(
	struct call *c, struct str host, struct str type, struct str zone, struct str *ret_host);

#endif
