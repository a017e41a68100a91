/*
 * task_run: what the tasks of S3 do when their time comes, each in one transaction on the writer,
 * at most a bounded amount of work; what is left is asked for again. Harmless when repeated.
 */
#ifndef HANEUL_SVC_S3_TASK_RUN_H
#define HANEUL_SVC_S3_TASK_RUN_H

#include "aws/tasks.h"

void s3_tasks_register(struct store *s, struct blobs *b);
/* Is the blob named by a row? For blobs_sweep; tx: a read transaction. */
struct s3_blob_names {
	struct store *store;
	struct tx *tx;
};
/* A reset: the blobs of all rows that `before` sees go. Blocking. */
void s3_blobs_discard(struct store *s, struct blobs *b, struct tx *before);
/* A call that stands for the service's own work at `now_ms`, for the helpers of handlers. Ends with
 * arena_done(a). */
void s3_task_call(struct call *c, struct arena *a, struct tx *t, int64_t now_ms);
bool s3_blob_named(void *names, struct str region, struct blob_id id);

#endif
