/*
 * access_point: what the access point through which a request came says to it, before the bucket
 * itself is asked. Its policy must not deny and something must allow on the point's own ARN: the
 * policy, or the caller's identity; then the bucket's own decision follows, with
 * s3:DataAccessPointArn known to it.
 */
#ifndef HANEUL_SVC_S3_ACCESS_POINT_H
#define HANEUL_SVC_S3_ACCESS_POINT_H

#include "svc/s3/s3.h"

/* Did the request name the bucket by an access point? *ret lives as long as the call. */
bool s3_access_point_used(
	struct call *c, const struct s3_bucket_row *b, struct s3_access_point_row *ret);
bool s3_access_point_allows(
	struct call *c, const struct s3_access_point_row *p, const char *action, struct str key);

#endif
