/*
 * usage: what S3 is billed by: bytes of objects by bucket and class (in the transaction that
 * changes them) and requests by kind; and the access logs of buckets that have them.
 */
#ifndef HANEUL_SVC_S3_USAGE_H
#define HANEUL_SVC_S3_USAGE_H

#include "svc/s3/s3.h"

/* Writer: a version came (+1) or went (-1). */
void s3_usage_change(
	struct call *c, const struct s3_bucket_row *b, const struct s3_object_row *o, int sign);
/* The hook: a call ended. On its loop. */
void s3_finished(struct call *c, const struct call_outcome *o);

/* Access logs gather in memory and become an object of the target bucket at the end of each hour;
 * AWS promises no more than that they usually arrive, and a crash loses what had not. */
void s3_access_log_start(void);
void s3_access_log_schedule(struct call *c, struct str bucket);
void s3_access_log_add(struct call *c, const struct call_outcome *o);

#endif
