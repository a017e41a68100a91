/*
 * image_make: images made of something: pulled, imported, exported, taken from a machine's root. In
 * jobs: they block and run programs. Each gives the status that it also leaves in the result, with
 * a reason.
 */
#ifndef HANEUL_PLANE_IMAGE_MAKE_H
#define HANEUL_PLANE_IMAGE_MAKE_H

#include "base/arena.h"
#include "plane/job.h"
#include "plane/place.h"
#include "plane/plane.h"

/* "kernel" (vm_image.h); "debian", "ubuntu": with mmdebstrap, from the host's own mirror. Nothing
 * is done when it is there. */
int image_pull(const struct place *p, struct str name, struct job_result *r);
/* fd: the archive. What `i` leaves empty is found out from the tree (os, user, whether it has an
 * init). */
int image_import(const struct place *p, const struct plane_image *i, int fd, uint8_t format,
	struct job_result *r);
/* One tar of the whole tree, to fd. */
int image_export(const struct place *p, struct str image, int fd, struct job_result *r);
/* Layers as one tree, seen in a mount namespace of this job. */
int image_see_whole(const struct place *p, struct str layers, char ret[PLACE_MAX]);
/* The upper of a root (or of a snapshot of one) becomes a layer over those that it lay on. */
int image_from_root(
	const struct place *p, const struct plane_image *i, struct str root, struct job_result *r);
/* Its name, user, init and kernel, as far as they can be seen in a tree. Text lives in the
 * arena. */
void image_look(const char *tree, struct arena *a, struct plane_image *ret);

#endif
