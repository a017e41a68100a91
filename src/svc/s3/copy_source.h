/*
 * copy_source: the object that CopyObject and UploadPartCopy read from: parsed, opened, allowed,
 * its conditions checked. When bytes must be read (new digests, another region), prepare hands them
 * to the front as c->body_source; the handler runs after that, in a later transaction, and checks
 * with copy_source_unchanged that it still means the same version.
 */
#ifndef HANEUL_SVC_S3_COPY_SOURCE_H
#define HANEUL_SVC_S3_COPY_SOURCE_H

#include "svc/s3/sse.h"

struct copy_input {
	struct str source, expected_owner;
	struct s3_conditions when;
	struct s3_sse_customer customer;
};
#define COPY_INPUT(in)                                                                             \
	((struct copy_input){ (in)->CopySource, (in)->ExpectedSourceBucketOwner,                   \
		{ (in)->CopySourceIfMatch, (in)->CopySourceIfNoneMatch,                            \
			(in)->CopySourceIfModifiedSince, (in)->CopySourceIfUnmodifiedSince },      \
		S3_SSE_SOURCE(in) })

struct copy_source {
	struct str bucket_name, key, version_id;
	struct s3_bucket_row b;
	struct s3_object_row o;
	const unsigned char *own; /* its key, where it has one of its own */
};
int copy_source_open(struct call *c, const struct copy_input *in, struct copy_source *ret);
/* In prepare: have [from, from+len) ingested; shared where it can be. */
void copy_source_ingest(struct call *c, const struct copy_source *s, const struct s3_bucket_row *to,
	uint64_t from, uint64_t len);
/* In the handler: OperationAborted when what was ingested is not what the source is now. */
int copy_source_unchanged(struct call *c, const struct copy_source *s);
/* Are the blobs still named, so that one more name may be added? Else OperationAborted. */
int segments_alive(struct call *c, struct str region, const struct body *body);

#endif
