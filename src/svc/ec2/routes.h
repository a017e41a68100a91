/*
 * routes: the routes of a table. Kept are those that somebody made; the local ones follow from the
 * network's ranges, those of gateway endpoints from the endpoints, and whether a route leads
 * anywhere from what it names: all that is filled in when a table is shown or a network is made.
 */
#ifndef HANEUL_SVC_EC2_ROUTES_H
#define HANEUL_SVC_EC2_ROUTES_H

#include "svc/ec2/network_rows.h"

/* Adds the local and endpoint routes; sets State of all. */
void ec2_routes_show(struct call *c, struct ec2_route_table *t);
/* Whether the route's target is there and in a state to take packets. */
bool ec2_route_lives(struct call *c, const struct ec2_route_table *t, const struct ec2_route *r);
/* Endpoints no longer name that table. */
void ec2_routes_endpoints_forget(struct call *c, struct str table);

#endif
