/*
 * digest: several checksums of one stream in one pass. MD5 and the SHAs from OpenSSL's low-level
 * functions (no provider look-up), CRC32/CRC32C/CRC64-NVME with the processor's carry-less
 * multiply where there is one, and the xxHashes.
 */
#ifndef HANEUL_BASE_DIGEST_H
#define HANEUL_BASE_DIGEST_H

#include "base/str.h"

enum {
	DIGEST_MD5 = 1,
	DIGEST_SHA1 = 2,
	DIGEST_SHA256 = 4,
	DIGEST_CRC32 = 8,
	DIGEST_CRC32C = 16,
	DIGEST_CRC64NVME = 32,
	DIGEST_SHA512 = 64,
	DIGEST_XXH64 = 128,
	DIGEST_XXH3 = 256, /* 64 bits */
	DIGEST_XXH128 = 512,
	DIGEST_UTF8 = 1024, /* no sum: whether the bytes are well-formed text */
};

struct digests {
	unsigned which;
	_Alignas(16) unsigned char md5[96], sha1[128], sha256[128]; /* OpenSSL's contexts */
	uint32_t crc32, crc32c;
	uint64_t crc64nvme;
	uint64_t bytes;
	/* The rest is seldom asked for: OpenSSL's context, and xxHash's states. */
	_Alignas(16) unsigned char sha512[224];
	_Alignas(64) unsigned char xxh64[128], xxh3[640];
	char utf8_rest[4]; /* of a character that the next piece may complete */
	uint8_t utf8_n;
	bool utf8_bad;
};

struct digest_values {
	unsigned which;
	unsigned char md5[16], sha1[20], sha256[32], sha512[64];
	/* Big-endian, as AWS base64s them. */
	unsigned char crc32[4], crc32c[4], crc64nvme[8], xxh64[8], xxh3[8], xxh128[16];
	uint64_t bytes;
	bool utf8; /* DIGEST_UTF8: well-formed */
};

void digests_init(struct digests *d, unsigned which);
void digests_add(struct digests *d, struct str data);
/* One piece to each of n streams that want MD5 and nothing else; much faster than one after the
 * other. */
void digests_add_md5(struct digests *const *d, const struct str *pieces, unsigned n);
/* The same for streams that want anything. */
void digests_add_each(struct digests *const *d, const struct str *pieces, unsigned n);
void digests_final(struct digests *d, struct digest_values *ret_values);

void md5(struct str data, unsigned char ret[16]);
void sha1(struct str data, unsigned char ret[20]);
void sha256(struct str data, unsigned char ret[32]);
void hmac_sha256(struct str key, struct str data, unsigned char ret[32]);
/* Start with 0. (ISA-L exports a crc32_ieee of its own, hence the other symbol.) */
uint32_t crc32_ieee(uint32_t crc, struct str data) __asm__("haneul_crc32_ieee");
uint32_t crc32c(uint32_t crc, struct str data);
uint64_t crc64nvme(uint64_t crc, struct str data);
/* CRC of a||b from the CRCs of a and b and the length of b (full-object checksums of multipart
 * uploads). */
uint32_t crc32_combine_ieee(uint32_t a, uint32_t b, uint64_t b_bytes);
uint32_t crc32c_combine(uint32_t a, uint32_t b, uint64_t b_bytes);
uint64_t crc64nvme_combine(uint64_t a, uint64_t b, uint64_t b_bytes);

#endif
