/*
 * root_mount: the tree that a machine sees: its image's layers, idmapped to its ids and read-only;
 * over them the machine's own upper; a /dev of its own. Built in the keeper's mount namespace under
 * <place>/mnt, from which the machine's namespace is copied: so everything here is locked for the
 * machine (nodev stays nodev).
 */
#ifndef HANEUL_PLANE_ROOT_MOUNT_H
#define HANEUL_PLANE_ROOT_MOUNT_H

#include "plane/place.h"

/* A user namespace with ids 0..65535 at SLOT_UID(slot), which nobody lives in. Its descriptor or
 * -errno. */
int root_userns(unsigned slot);
/* A mount namespace of our own, private, with an empty <place>/mnt. 0 or -errno. */
int root_scratch(const struct place *p);

struct root_plan {
	const struct place *place;
	unsigned slot;
	int userns;
	struct str layers;       /* one id a line, the topmost first */
	struct str volume;       /* of the root: roots/<volume>/upper, work; "": nothing is kept */
	const char *console;     /* the file that becomes /dev/console */
	const char *guest;       /* our init, which becomes /dev/.init; NULL */
	const char *why_step;    /* out: what failed */
};
/* <place>/mnt/r is the tree, mnt/p an empty folder beside it. 0 or -errno with why_step. */
int root_assemble(struct root_plan *r);

#endif
