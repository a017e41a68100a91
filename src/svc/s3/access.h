/* access: what the files of the configuration side share besides s3.h. */
#ifndef HANEUL_SVC_S3_ACCESS_H
#define HANEUL_SVC_S3_ACCESS_H

#include "svc/s3/s3.h"

/* AccessDenied because the public access block forbids it: what "policies" or "access control lists
 * (ACLs)", setting "BlockPublicPolicy" …. CALL_FAILED. */
int s3_access_blocked(struct call *c, const struct s3_bucket_row *b, const char *action,
	struct str key, const char *what, const char *setting);
/* Opens the bucket and asks; what every operation on configuration begins with. */
int s3_config_open(struct call *c, struct str bucket, struct str expected_owner, const char *action,
	struct s3_bucket_row *ret);

#endif
