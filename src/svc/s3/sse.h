/*
 * sse: bodies at rest are encrypted (AES-256-GCM), always: under keys of this cloud (SSE-S3), under
 * a data key that KMS sealed (SSE-KMS), or under a key that the customer brings with each request
 * (SSE-C).
 *
 * Small bodies are sealed in their row: of SSE-S3 under a key of their bucket and a random nonce,
 * else under a key made of the object's and a random salt; bound to the object's key. Blobs are
 * sealed chunk by chunk under a key of their own, which follows from that key and the blob's id.
 * Rows whose Sse is absent and that have no SseCustomerAlgorithm are older: not encrypted. ETags
 * and checksums are those of the bytes as the client knows them; an ETag is their MD5 with SSE-S3
 * only.
 *
 * Of a customer's key the row keeps a salted HMAC (SseKey), by which another one is noticed; of a
 * data key what KMS sealed. Neither is ever in a row in the clear.
 *
 * A write is decided twice, before its body comes and when it is put: s3_sse_apply in prepare sets
 * c->body_key, and in the handler fills the row to go with it.
 */
#ifndef HANEUL_SVC_S3_SSE_H
#define HANEUL_SVC_S3_SSE_H

#include "base/seal.h"
#include "svc/s3/s3.h"

void s3_sse_start(void);               /* at start: the master key may be another one */
const unsigned char *s3_sse_key(void); /* of blobs; for body.key and call.body_key */
struct str s3_sse_seal(struct call *c, uint64_t bucket, struct str key, struct str plain);
/* STR_NULL: damaged. */
struct str s3_sse_unseal(struct call *c, uint64_t bucket, struct str key, struct str sealed);
/* The same under a key of the object's own. */
struct str s3_sse_seal_own(
	struct call *c, const unsigned char *own, struct str key, struct str plain);
struct str s3_sse_unseal_own(
	struct call *c, const unsigned char *own, struct str key, struct str sealed);

/* ---- what requests say (sse_customer.c, sse_choose.c) ---- */
struct s3_sse_customer {
	struct str algorithm, key, md5;
};
#define S3_SSE_CUSTOMER(in)                                                                        \
	((struct s3_sse_customer){                                                                 \
		(in)->SSECustomerAlgorithm, (in)->SSECustomerKey, (in)->SSECustomerKeyMD5 })
#define S3_SSE_SOURCE(in)                                                                          \
	((struct s3_sse_customer){ (in)->CopySourceSSECustomerAlgorithm,                           \
		(in)->CopySourceSSECustomerKey, (in)->CopySourceSSECustomerKeyMD5 })
struct s3_sse_ask {
	struct str method, kms_key, context;
	struct opt_bool bucket_key;
	struct s3_sse_customer customer;
};
#define S3_SSE_ASK(in)                                                                             \
	((struct s3_sse_ask){ (in)->ServerSideEncryption, (in)->SSEKMSKeyId,                       \
		(in)->SSEKMSEncryptionContext, (in)->BucketKeyEnabled, S3_SSE_CUSTOMER(in) })

/* The 32 bytes that were given, in the arena; *ret_key NULL when no header of the family is there.
 */
int s3_sse_customer_read(
	struct call *c, const struct s3_sse_customer *k, const unsigned char **ret_key);
/* Is it the key of that row (an object, an upload)? */
bool s3_sse_customer_fits(const struct s3_object_row *o, const unsigned char *key);
void s3_sse_customer_note(struct call *c, const unsigned char *key, struct s3_object_row *o);
int s3_sse_customer_open(struct call *c, const struct s3_object_row *o,
	const struct s3_sse_customer *k, const unsigned char **ret_own);

/* Prepare and handler of a write: what was asked, else the bucket's default. Sets c->body_key where
 * that is not set yet, and the row's members. */
int s3_sse_apply(struct call *c, const struct s3_bucket_row *b, struct str key,
	const struct s3_sse_ask *a, struct s3_object_row *o);
bool s3_sse_is_own(const struct s3_object_row *o); /* SSE-KMS or SSE-C */
/* Before a body is read: the key under which it lies; NULL: SSE-S3, or older. Errors of KMS, 400
 * where the customer's key is missing, wrong, or not called for. */
int s3_sse_open(struct call *c, const struct s3_bucket_row *b, struct str key,
	const struct s3_object_row *o, const struct s3_sse_customer *k,
	const unsigned char **ret_own);
/* Only the customer's side of it (HEAD, attributes). */
int s3_sse_customer_check(
	struct call *c, const struct s3_object_row *o, const struct s3_sse_customer *k);
/* A part of an upload: sets c->body_key. */
int s3_sse_part(struct call *c, const struct s3_bucket_row *b, struct str key,
	const struct s3_object_row *u, const struct s3_sse_customer *k);
/* Only the customer's side of it. */
int s3_sse_part_check(
	struct call *c, const struct s3_object_row *u, const struct s3_sse_customer *k);
/* MD5 bytes, or something else where the MD5 would tell what is inside. */
struct str s3_sse_etag(struct call *c, const struct s3_object_row *o, const unsigned char md5[16]);

/* In replies: members of the same names everywhere. */
#define S3_SSE_TELL(out, o, customer)                                                              \
	do {                                                                                       \
		(out)->ServerSideEncryption = (o)->Sse;                                            \
		(out)->SSEKMSKeyId = (o)->SseKmsKeyId;                                             \
		(out)->SSECustomerAlgorithm = (o)->SseCustomerAlgorithm;                           \
		if ((o)->SseCustomerAlgorithm.p)                                                   \
			(out)->SSECustomerKeyMD5 = (customer).md5;                                 \
		if ((o)->SseBucketKey.v)                                                           \
			(out)->BucketKeyEnabled = (o)->SseBucketKey;                               \
	} while (0)

/* ---- over KMS (sse_kms.c) ---- */
/* The data key of a new object: sealed when the transaction writes, else only checked. */
int s3_sse_kms_seal(struct call *c, const struct s3_bucket_row *b, struct str key,
	const unsigned char *plain, struct s3_object_row *o);
int s3_sse_kms_open(struct call *c, const struct s3_bucket_row *b, struct str key,
	const struct s3_object_row *o, unsigned char ret_plain[SEAL_KEY]);
int s3_sse_context_check(struct call *c, struct str context);

#endif
