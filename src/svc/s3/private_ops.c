/* Operations that are in no model: what route.c finds behind websites, preflights and forms. */
#include "svc/s3/route.h"

const struct shape s3_nothing_shape = {
	.name = "Nothing", .kind = SHAPE_STRUCT, .min = INT64_MIN, .max = INT64_MAX
};

const struct op s3_post_op = {
	.name = "PostObject",
	.in = &s3_nothing_shape,
	.kind = OP_WRITES,
	.flags = OP_FLAG_OWN_AUTH,
};
