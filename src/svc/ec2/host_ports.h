/*
 * host_ports: which ports of this host lead to an instance, for other computers: by the setting
 * `publish` (plane/publish_list.h), which names it by id, by its tag Name or by its public address,
 * and, for ports that the setting leaves to instances, by the instance's tag `haneul:publish`
 * ("9080:80 9053:53/udp"). Only instances with a public address; the relays are the plane's.
 */
#ifndef HANEUL_SVC_EC2_HOST_PORTS_H
#define HANEUL_SVC_EC2_HOST_PORTS_H

#include "plane/network.h"
#include "svc/ec2/resource.h"

#define EC2_PUBLISH_TAG "haneul:publish"
#define EC2_HOST_PORTS_MAX 64 /* of one instance */

/* Up to EC2_HOST_PORTS_MAX, in the call's arena. */
uint32_t ec2_host_ports(
	struct call *c, struct str instance, uint32_t public_ip, const struct plane_publish **ret);
/* The tags of that resource have changed: its network is looked at again if that may matter. */
void ec2_host_ports_tagged(struct call *c, struct str resource);

#endif
