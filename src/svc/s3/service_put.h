/*
 * service_put: objects that S3 itself writes into a bucket: access logs, inventory reports. In a
 * unit; the text may be large (it lies in a row of its own).
 */
#ifndef HANEUL_SVC_S3_SERVICE_PUT_H
#define HANEUL_SVC_S3_SERVICE_PUT_H

#include "svc/s3/s3.h"

/* Does the bucket's policy let that service ("s3.amazonaws.com") put objects there for that source?
 */
bool s3_service_may_put(struct call *c, const struct s3_bucket_row *to, struct str key,
	struct str service, const struct s3_bucket_row *source);

#endif
