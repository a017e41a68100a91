/*
 * jobs: what exports and imports share: rows in the environment of backups, named by account,
 * region, table and an id, told of by ARN and listed in pages.
 */
#ifndef HANEUL_SVC_DYNAMODB_JOBS_H
#define HANEUL_SVC_DYNAMODB_JOBS_H

#include "svc/dynamodb/copies.h"

struct ddb_jobs {
	const char *space;         /* the row's key begins with it */
	const char *middle;        /* of an ARN: "/export/" */
	const struct shape *shape; /* of the row */
	size_t size;
};

/* "account region table id" as key pieces, in both row's key and task's payload. */
void ddb_job_id(
	struct key *k, struct str account, struct str region, struct str table, struct str id);
/* ret: the row's struct. */
bool ddb_job_find(struct call *c, const struct ddb_jobs *j, struct str id, void *ret);
bool ddb_job_find_arn(struct call *c, const struct ddb_jobs *j, struct str arn, void *ret);
void ddb_job_save(struct call *c, const struct ddb_jobs *j, struct str id, const void *row);

struct ddb_job_list {
	struct call *c;
	const struct ddb_jobs *jobs;
	struct scan s;
	struct key lo, hi;
};
/* table: its ARN or name, STR_NULL: of all; token: what a page ended with. Fails with a
 * ValidationException. */
int ddb_job_list_open(struct ddb_job_list *l, struct call *c, const struct ddb_jobs *j,
	struct str table, struct str token);
bool ddb_job_list_next(struct ddb_job_list *l, void *ret); /* in the call's arena */
/* The token behind the job of that ARN. */
struct str ddb_job_token(struct call *c, struct str arn);

#endif
