/*
 * flow_logs: records of the flows of interfaces, gathered in memory on the loop and written to a
 * bucket of S3 once in each interval of the log. A crash loses what was gathered since.
 */
#ifndef HANEUL_SVC_EC2_FLOW_LOGS_H
#define HANEUL_SVC_EC2_FLOW_LOGS_H

#include "plane/plane.h"
#include "svc/ec2/network_rows.h"

#define EC2_FLOW_FORMAT                                                                            \
	"${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} "    \
	"${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}"

/* Is every field of the format one that can be told? *ret_field: the first that cannot. */
bool ec2_flow_format_ok(struct str format, struct str *ret_field);
/* One record: c in any transaction, n the interface. */
struct str ec2_flow_record(struct call *c, struct str format, const struct plane_flow *f,
	const struct ec2_network_interface *n);
/* On the loop: listens to the plane once; c is the place of a network. */
void ec2_flows_listen(struct plane *p, struct store *s);
/* Where a network is: as it was given to the plane. false: unknown. */
bool ec2_network_place(struct str vpc, struct str *ret_region, struct str *ret_account);
/* The log's first delivery, an interval from now. */
void ec2_flow_log_schedule(struct call *c, const struct ec2_flow_log *l);

#endif
