/*
 * Test support: shape tables made at run time from a model in the public JSON form (the protocol
 * vectors carry one in every suite), C structs filled from JSON values, and compared with them.
 */
#ifndef HANEUL_AWS_CODEC_MODEL_TEST_H
#define HANEUL_AWS_CODEC_MODEL_TEST_H

#include "aws/shape.h"
#include "base/arena.h"
#include "base/json.h"

struct model {
	struct arena *a;
	const struct json *shapes;
	bool query_names; /* ec2: queryName; query: flattened lists */
	struct model_shape *known;
	struct call *call;
};

/* The table of a named shape. */
const struct shape *model_shape(struct model *m, struct str name);
/* Fills the C member at `slot` (member: optional scalars, struct behind a pointer). */
void model_fill(
	struct model *m, const struct shape *s, const struct json *j, void *slot, bool member);
/* NULL when the value at slot says what j says; else where they differ. */
const char *model_differs(struct model *m, const struct shape *s, const struct json *j,
	const void *slot, bool member);

#endif
