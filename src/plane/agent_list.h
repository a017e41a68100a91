/*
 * agent_list: the images of a data directory, as the server sees them by itself: their files are
 * small and its own, so a listing wakes no agent. The built-in image is listed before it is made,
 * wherever it can be.
 */
#ifndef HANEUL_PLANE_AGENT_LIST_H
#define HANEUL_PLANE_AGENT_LIST_H

#include "os/loop.h"
#include "plane/plane.h"

/* A job that answers, to be posted once; it frees itself. */
struct loop_job *agent_list_images(const char *data_dir, struct plane_request *r,
	void (*each)(struct plane_request *r, const struct plane_image *i));

#endif
