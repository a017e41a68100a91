/*
 * replication: versions that are written in one bucket appear in others, by the bucket's rules. The
 * copy is a task of the transaction that wrote the version; the source says PENDING until it ran,
 * then COMPLETED or FAILED, the copy says REPLICA. Copies keep the version id and name the same
 * blobs, so bodies are not copied; that needs both buckets in one region.
 */
#ifndef HANEUL_SVC_S3_REPLICATION_H
#define HANEUL_SVC_S3_REPLICATION_H

#include "svc/s3/s3.h"

/* Writer: o is about to become the latest version; sets its status and plans the task. */
void s3_replication_plan(
	struct call *c, const struct s3_bucket_row *b, struct str key, struct s3_object_row *o);
void s3_replication_start(void);

#endif
