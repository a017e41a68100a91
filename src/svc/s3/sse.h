/*
 * sse: bodies at rest are encrypted (SSE-S3, AES-256-GCM). Small ones are sealed in their row, under a
 * key of their bucket and a random nonce, bound to the object's key; blobs chunk by chunk under a key
 * of their own, which follows from the blob's id. Rows whose Sse is absent are older: not encrypted.
 * ETags and checksums are those of the bytes as the client knows them.
 */
#ifndef HANEUL_SVC_S3_SSE_H
#define HANEUL_SVC_S3_SSE_H

#include "base/seal.h"
#include "svc/s3/s3.h"

void s3_sse_start(void); /* at start: the master key may be another one */
const unsigned char *s3_sse_key(void); /* of blobs; for body.key and call.body_key */
struct str s3_sse_seal(struct call *c, uint64_t bucket, struct str key, struct str plain);
/* STR_NULL: damaged. */
struct str s3_sse_unseal(struct call *c, uint64_t bucket, struct str key, struct str sealed);

#endif
