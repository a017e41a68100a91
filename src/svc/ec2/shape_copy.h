/*
 * shape_copy: one structure into another of a different type, by the names of their members; what
 * has no namesake of its kind is left. AWS has many structures that differ in their names alone.
 */
#ifndef HANEUL_SVC_EC2_SHAPE_COPY_H
#define HANEUL_SVC_EC2_SHAPE_COPY_H

#include "aws/shape.h"
#include "base/arena.h"

/* Text and scalars of lists are borrowed from `from`. */
void ec2_shape_copy(struct arena *a, const struct shape *from_shape, const void *from,
	const struct shape *to_shape, void *to);

#endif
