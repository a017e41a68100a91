/*
 * image_tiny: the built-in image "tiny": busybox (statically linked), dropbear with the libraries
 * that it needs, our sudo. Made of what is installed here, in a moment, without a network.
 */
#ifndef HANEUL_PLANE_IMAGE_TINY_H
#define HANEUL_PLANE_IMAGE_TINY_H

#include "plane/image_store.h"
#include "plane/job.h"

/* What it will be. false: something that it is made of is missing. Its size is that of its
 * parts. */
bool image_tiny_describe(struct image *ret);
/* In a job, or wherever some milliseconds do not matter. Made anew when what it consists of has
 * changed. */
int image_tiny_make(const struct place *p, struct job_result *r);

#endif
