/*
 * bucket: how exports and imports reach S3: its typed handlers, called as the root of the account,
 * after the caller's own permission was asked for.
 */
#ifndef HANEUL_SVC_DYNAMODB_BUCKET_H
#define HANEUL_SVC_DYNAMODB_BUCKET_H

#include "store/blobs.h"
#include "svc/dynamodb/dynamodb.h"

/* The same transaction and clock; op: of S3. */
struct call ddb_bucket_call(const struct call *c, const char *op);
/* NULL: it may; else AWS's failure code ("S3NoSuchBucket", "AccessDenied"). action:
 * "s3:PutObject". */
const char *ddb_bucket_refuses(
	struct call *c, struct str bucket, struct str key, const char *action);
/* Writer. NULL or a failure code. body_key: with which a body in blobs was sealed. */
const char *ddb_bucket_put(struct call *c, struct str bucket, struct str owner, struct str key,
	const struct body *body, const unsigned char *body_key);
/* The same for a small text. */
const char *ddb_bucket_put_text(
	struct call *c, struct str bucket, struct str owner, struct str key, struct str text);
/* Where a body goes that is too large for a row. */
struct ddb_bucket_place {
	struct str region;
	enum blob_placement placement;
	const unsigned char *body_key; /* lives as long as the call's arena */
};
/* In any transaction, before the body is written. NULL or a failure code. */
const char *ddb_bucket_prepare(struct call *c, struct str bucket, struct str owner, struct str key,
	struct ddb_bucket_place *ret);
/* The first object behind `after` that begins with prefix. false: none is left. */
bool ddb_bucket_next(struct call *c, struct str bucket, struct str prefix, struct str after,
	struct str *ret_key);
/* Its bytes. NULL: it cannot be read, *ret_code says why. */
struct body *ddb_bucket_read(struct call *c, struct str bucket, struct str owner, struct str key,
	const char **ret_code);

#endif
