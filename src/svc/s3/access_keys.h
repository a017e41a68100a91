/*
 * access_keys: S3's condition keys, made only when a policy asks for one: s3:prefix, s3:x-amz-*,
 * s3:ExistingObjectTag/…, s3:RequestObjectTag/…, s3:authType and so on. Values live in the call's
 * arena or borrow from the request and the object's row.
 */
#ifndef HANEUL_SVC_S3_ACCESS_KEYS_H
#define HANEUL_SVC_S3_ACCESS_KEYS_H

#include "aws/policy.h"
#include "svc/s3/s3.h"

struct s3_access_keys {
	struct call *c;
	const struct s3_bucket_row *b;
	const struct s3_object_row *o; /* NULL: none */
	struct str prefix;             /* of a listing in thought; STR_NULL: the request's */
	const struct s3_access_point_row *point; /* NULL: none */
};
/* For policy_context.lookup; arg is a struct s3_access_keys. */
bool s3_access_key(void *arg, struct str name, struct policy_key *ret_key);

#endif
