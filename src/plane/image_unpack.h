/*
 * image_unpack: a tar's entries as a tree, as root, whoever wrote the tar: nothing is made outside
 * the folder, links on the way lead nowhere but inside it, devices are left out. Whiteouts of OCI
 * layers become the overlay's. In jobs.
 */
#ifndef HANEUL_PLANE_IMAGE_UNPACK_H
#define HANEUL_PLANE_IMAGE_UNPACK_H

#include "plane/job.h"

/* fd: of the tar, read to its end. dir: of the tree. 0 or -errno, with the reason in r. */
int image_unpack(int fd, const char *dir, struct job_result *r);

#endif
