/*
 * instance_reconcile: what the files that watch over machines share. Functions with a call: in a
 * unit.
 */
#ifndef HANEUL_SVC_EC2_INSTANCE_RECONCILE_H
#define HANEUL_SVC_EC2_INSTANCE_RECONCILE_H

#include "svc/ec2/instances.h"

/* It runs: looked at from now on (instance_status.c). */
void ec2_status_begin(struct call *c, struct str id);
/* The end of its console, kept for when it does not run (instance_console.c). */
void ec2_console_put(struct call *c, struct str id, struct str text);

struct plane_machine_report;
/* On the loop: a report that came for a look; true: somebody waited for it. */
bool ec2_status_reported(const struct plane_machine_report *m);

#endif
