/* publish_flow: what runs through published ports, for publish.c. */
#ifndef HANEUL_PLANE_PUBLISH_FLOW_H
#define HANEUL_PLANE_PUBLISH_FLOW_H

#include "os/loop.h"

#include <netinet/in.h>

struct flow;
struct publish_flows {
	struct loop *loop;
	struct flow *first;
	unsigned n;
	struct loop_timer sweep;
};
void publish_flows_init(struct publish_flows *f, struct loop *l);
void publish_flows_done(struct publish_flows *f);
/* `owner` names a port, for publish_flows_end. Takes fd. */
void publish_flow_tcp(
	struct publish_flows *f, const void *owner, int fd, const struct sockaddr_in *to);
/* Datagrams that wait at fd, which stays the caller's. */
void publish_flow_udp(
	struct publish_flows *f, const void *owner, int fd, const struct sockaddr_in *to);
void publish_flows_end(struct publish_flows *f, const void *owner);

#endif
