/*
 * Sums of gathered bodies: Content-MD5 is compared with what came, and x-amz-checksum-* too where
 * the operation's description says `checksum`. Which of those must bring one: must_carry. Streamed
 * bodies are checked by their handlers, which also store the sums.
 */
#include "aws/errors.h"
#include "aws/front.h"
#include "base/text.h"

static const struct api_error bad_digest = { .code = "BadDigest",
	.status = 400,
	.message = "The Content-MD5 you specified did not match what we received." };
static const struct api_error invalid_digest = { .code = "InvalidDigest",
	.status = 400,
	.message = "The Content-MD5 you specified was invalid." };
static const struct api_error invalid_request = { .code = "InvalidRequest", .status = 400 };

static const struct sum_header {
	const char *name, *algorithm;
	unsigned bit;
	size_t offset, bytes; /* in struct digest_values */
} sum_headers[] = {
#define SUM(header, text, digest, member)                                                          \
	{ header, text, digest, offsetof(struct digest_values, member),                            \
		sizeof(((struct digest_values *)0)->member) }
	SUM("content-md5", "Content-MD5", DIGEST_MD5, md5),
	SUM("x-amz-checksum-crc32", "CRC32", DIGEST_CRC32, crc32),
	SUM("x-amz-checksum-crc32c", "CRC32C", DIGEST_CRC32C, crc32c),
	SUM("x-amz-checksum-crc64nvme", "CRC64NVME", DIGEST_CRC64NVME, crc64nvme),
	SUM("x-amz-checksum-sha1", "SHA1", DIGEST_SHA1, sha1),
	SUM("x-amz-checksum-sha256", "SHA256", DIGEST_SHA256, sha256),
#undef SUM
};

static int
sum_check(struct front_call *f, const struct sum_header *h, struct str claim)
{
	unsigned char claimed[32];
	struct digest_values v;
	struct digests d;
	bool is_md5 = h->bit == DIGEST_MD5;
	if (!base64_decode(claim, claimed, h->bytes)) {
		if (is_md5)
			return call_fail(&f->call, &invalid_digest, NULL);
		return call_fail(
			&f->call, &invalid_request, "Value for %s header is invalid.", h->name);
	}
	digests_init(&d, h->bit);
	digests_add(&d, f->wire.body);
	digests_final(&d, &v);
	if (memcmp(claimed, (const char *)&v + h->offset, h->bytes) == 0)
		return CALL_OK;
	if (is_md5)
		return call_fail(&f->call, &bad_digest, NULL);
	return call_fail(&f->call, &bad_digest,
		"The %s you specified did not match the calculated checksum.", h->algorithm);
}

/* SDKs send a sum with every configuration document; S3 itself insists on it where its API
 * reference says so, and plain HTTP clients rely on the rest being free. */
static bool
must_carry(const struct op *op)
{
	static const char *const names[] = { "DeleteObjects", "PutBucketCors",
		"PutBucketLifecycleConfiguration", "PutBucketReplication", "PutObjectLegalHold",
		"PutObjectLockConfiguration", "PutObjectRetention" };
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(op->name, names[i]) == 0)
			return true;
	return false;
}

int
front_check_sums(struct front_call *f)
{
	bool any = false, required = f->call.op->flags & OP_FLAG_CHECKSUM;
	if (f->call.protocol != PROTO_REST_XML)
		return CALL_OK;
	for (size_t i = 0; i < sizeof(sum_headers) / sizeof(*sum_headers); i++) {
		struct str claim = call_request_header(&f->call, str_c(sum_headers[i].name));
		/* Elsewhere x-amz-checksum-* is the object's (CompleteMultipartUpload). */
		if (!claim.p || (sum_headers[i].bit != DIGEST_MD5 && !required))
			continue;
		any = true;
		if (sum_check(f, &sum_headers[i], claim) != CALL_OK)
			return CALL_FAILED;
	}
	if (any || !required || !must_carry(f->call.op))
		return CALL_OK;
	return call_fail(&f->call, &invalid_request,
		"Missing required header for this request: Content-MD5 OR x-amz-checksum-*");
}
