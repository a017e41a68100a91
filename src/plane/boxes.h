/*
 * boxes: a union of (ports, addresses) rectangles as rectangles that do not overlap, which is what
 * a set of ranges in the kernel takes. Pure.
 */
#ifndef HANEUL_PLANE_BOXES_H
#define HANEUL_PLANE_BOXES_H

#include "base/arena.h"

struct box {
	uint16_t from, to;     /* ports, both within */
	uint32_t first, last;  /* addresses, both within */
};
/* The same points in boxes that share none, sorted. false: it would take more than four times as
 * many (ports that overlap in many ways, each with addresses of its own); nothing is returned then.
 * `in` is sorted by the way. */
bool boxes_apart(struct arena *a, struct box *in, uint32_t n, struct box **ret, uint32_t *ret_n);

#endif
