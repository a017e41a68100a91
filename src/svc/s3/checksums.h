/*
 * checksums: what clients say about the bodies of their objects, and what is said back: MD5 in
 * Content-MD5 and the x-amz-checksum-* family, of whole objects and of multipart ones.
 */
#ifndef HANEUL_SVC_S3_CHECKSUMS_H
#define HANEUL_SVC_S3_CHECKSUMS_H

#include "aws/call.h"

struct s3_object_row;

/* What a client may say about a body: pointers to the members of whichever input. */
struct s3_checksum_claim {
	struct str crc32, crc32c, crc64nvme, sha1, sha256, sha512, md5, xxh64, xxh3, xxh128;
	struct str content_md5, algorithm;
};
#define S3_CHECKSUM_CLAIM(in)                                                                      \
	((struct s3_checksum_claim){ (in)->ChecksumCRC32, (in)->ChecksumCRC32C,                    \
		(in)->ChecksumCRC64NVME, (in)->ChecksumSHA1, (in)->ChecksumSHA256,                 \
		(in)->ChecksumSHA512, (in)->ChecksumMD5, (in)->ChecksumXXHASH64,                   \
		(in)->ChecksumXXHASH3, (in)->ChecksumXXHASH128, STR_NULL, STR_NULL })
#define S3_CHECKSUM_BYTES_MAX 64
#define S3_CHECKSUM_TYPES                                                                          \
	"[CRC32, CRC32C, CRC64NVME, SHA1, SHA256, SHA512, MD5, XXHASH64, XXHASH3, XXHASH128]"
/* "CRC32" … to DIGEST_*, 0 when unknown, and back. */
unsigned s3_checksum_algorithm(struct str name);
const char *s3_checksum_name(unsigned algorithm);
size_t s3_checksum_size(unsigned algorithm);
struct str s3_checksum_bytes(struct call *c, unsigned algorithm, const struct digest_values *v);
/* The algorithm the client chose by header, trailer or x-amz-sdk-checksum-algorithm (0: none). In
 * prepare. */
int s3_checksum_wanted(
	struct call *c, const struct s3_checksum_claim *claim, unsigned *ret_algorithm);
/* Compares what was claimed (Content-MD5, header or trailer) with what came. */
int s3_checksum_verify(struct call *c, const struct s3_checksum_claim *claim, unsigned algorithm,
	const struct digest_values *v);
/* The text of a stored checksum: base64, with "-N" when composite. */
struct str s3_checksum_text(struct call *c, struct str bytes, bool composite, uint32_t parts);
/* Sets out->ChecksumX (and not the type). */
#define S3_CHECKSUM_SET(out, bit, text)                                                            \
	do {                                                                                       \
		switch (bit) {                                                                     \
		case DIGEST_CRC32:                                                                 \
			(out)->ChecksumCRC32 = (text);                                             \
			break;                                                                     \
		case DIGEST_CRC32C:                                                                \
			(out)->ChecksumCRC32C = (text);                                            \
			break;                                                                     \
		case DIGEST_CRC64NVME:                                                             \
			(out)->ChecksumCRC64NVME = (text);                                         \
			break;                                                                     \
		case DIGEST_SHA1:                                                                  \
			(out)->ChecksumSHA1 = (text);                                              \
			break;                                                                     \
		case DIGEST_SHA256:                                                                \
			(out)->ChecksumSHA256 = (text);                                            \
			break;                                                                     \
		case DIGEST_SHA512:                                                                \
			(out)->ChecksumSHA512 = (text);                                            \
			break;                                                                     \
		case DIGEST_MD5:                                                                   \
			(out)->ChecksumMD5 = (text);                                               \
			break;                                                                     \
		case DIGEST_XXH64:                                                                 \
			(out)->ChecksumXXHASH64 = (text);                                          \
			break;                                                                     \
		case DIGEST_XXH3:                                                                  \
			(out)->ChecksumXXHASH3 = (text);                                           \
			break;                                                                     \
		case DIGEST_XXH128:                                                                \
			(out)->ChecksumXXHASH128 = (text);                                         \
			break;                                                                     \
		}                                                                                  \
	} while (0)
struct str s3_checksum_type(const struct s3_object_row *o); /* COMPOSITE, FULL_OBJECT */
struct str s3_etag_quoted(struct call *c, struct str etag);

#endif
