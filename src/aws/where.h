/*
 * where: which source line implements an operation, for `haneul ops`, the console and error texts.
 * The table is made by the build, which looks for each handler's definition in src/svc. Sorted by
 * service, then operation; ended by NULLs. Operations that nobody wrote are not in it.
 */
#ifndef HANEUL_AWS_WHERE_H
#define HANEUL_AWS_WHERE_H

#include <stddef.h>

struct where {
	const char *service; /* folder: "s3" */
	const char *op;      /* "PutObject" */
	const char *at;      /* "src/svc/s3/objects.c:123" */
};
extern const struct where wheres[];
extern const unsigned wheres_n;

#endif
