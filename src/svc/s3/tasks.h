/*
 * tasks of S3: what follows a commit. Blobs are removed after a grace time, large tables of parts
 * are taken apart in small transactions, completed uploads are forgotten. Each function adds a row
 * to the caller's transaction; the work runs at least once, later, and is harmless when repeated.
 */
#ifndef HANEUL_SVC_S3_TASKS_H
#define HANEUL_SVC_S3_TASKS_H

#include "aws/call.h"

/* ids: blob ids of 16 bytes, one after the other; no row names them any more. */
void s3_task_blobs(struct call *c, struct str region, struct str ids);
/* The P rows of a body, with what they name. */
void s3_task_parts(struct call *c, struct str region, struct str parts_id);
/* The Q rows of an upload, with what they name. */
void s3_task_upload(struct call *c, struct str region, struct str parts_id);
/* The O rows of a version that went, with what they name. */
void s3_task_annotations(struct call *c, struct str region, struct str annotations_id);
/* The F row of that upload. */
void s3_task_forget(struct call *c, uint64_t bucket, struct str key, uint64_t seq);
/* Uploads that a deleted bucket left. */
void s3_task_bucket(struct call *c, struct str region, uint64_t bucket);

#endif
