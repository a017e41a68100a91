/* fabric_plug: links of interfaces, for the other files of the fabric. */
#ifndef HANEUL_PLANE_FABRIC_PLUG_H
#define HANEUL_PLANE_FABRIC_PLUG_H

#include "plane/fabric_state.h"

/* The link and what is at its far end, without the router's routes. */
int fabric_plug_link(struct router *r, const struct plane_interface *i, const struct fabric_plug *p,
	char *why, size_t cap);

#endif
