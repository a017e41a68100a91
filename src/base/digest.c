#include "base/digest.h"

#include "base/crc64.h"
#include "base/md5_lanes.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <openssl/md5.h>
#include <openssl/sha.h>

/* <isa-l/crc.h> declares a crc32_ieee of another kind, so its two functions are named here. */
uint32_t crc32_gzip_refl(uint32_t crc, const unsigned char *p, uint64_t n);
unsigned crc32_iscsi(unsigned char *p, int n, unsigned crc);

_Static_assert(sizeof(MD5_CTX) <= sizeof(((struct digests *)0)->md5), "MD5_CTX");
_Static_assert(sizeof(SHA_CTX) <= sizeof(((struct digests *)0)->sha1), "SHA_CTX");
_Static_assert(sizeof(SHA256_CTX) <= sizeof(((struct digests *)0)->sha256), "SHA256_CTX");
_Static_assert(sizeof(SHA512_CTX) <= sizeof(((struct digests *)0)->sha512), "SHA512_CTX");
_Static_assert(sizeof(XXH64_state_t) <= sizeof(((struct digests *)0)->xxh64), "XXH64_state_t");
_Static_assert(sizeof(XXH3_state_t) <= sizeof(((struct digests *)0)->xxh3), "XXH3_state_t");
_Static_assert(_Alignof(SHA256_CTX) <= 16 && _Alignof(SHA_CTX) <= 16, "alignment");

#define CRC32_POLYNOMIAL 0xedb88320u /* all reflected */
#define CRC32C_POLYNOMIAL 0x82f63b78u
#define CRC64NVME_POLYNOMIAL 0x9a6c9329ac4bc9b5ULL
/* Several digests of a large piece take turns over blocks that stay in the first-level cache. */
#define BLOCK_BYTES 16384

/* ---- what is seldom asked for ---- */

#define DIGESTS_XXH3 (DIGEST_XXH3 | DIGEST_XXH128)
#define DIGESTS_SELDOM (DIGEST_SHA512 | DIGEST_XXH64 | DIGESTS_XXH3 | DIGEST_UTF8)

static SHA512_CTX *
sha512_of(struct digests *d)
{
	return (SHA512_CTX *)(void *)d->sha512;
}

static XXH64_state_t *
xxh64_of(struct digests *d)
{
	return (XXH64_state_t *)(void *)d->xxh64;
}

static XXH3_state_t *
xxh3_of(struct digests *d)
{
	return (XXH3_state_t *)(void *)d->xxh3;
}

/* A character that is cut at the end of a piece is kept until the next one shows how it goes on. */
static void
utf8_add(struct digests *d, struct str s)
{
	while (d->utf8_n && s.len && !d->utf8_bad) {
		d->utf8_rest[d->utf8_n++] = s.p[0];
		s = str_slice(s, 1, s.len);
		if (str_utf8_valid(str_of(d->utf8_rest, d->utf8_n)))
			d->utf8_n = 0;
		else
			d->utf8_bad = d->utf8_n == sizeof(d->utf8_rest);
	}
	size_t good = str_utf8_prefix(s);
	if (good == s.len)
		return;
	d->utf8_bad |= s.len - good >= sizeof(d->utf8_rest);
	if (d->utf8_bad)
		return;
	d->utf8_n = (uint8_t)(s.len - good);
	memcpy(d->utf8_rest, s.p + good, d->utf8_n);
}

static void
seldom_init(struct digests *d)
{
	d->utf8_n = 0;
	d->utf8_bad = false;
	if (d->which & DIGEST_SHA512)
		SHA512_Init(sha512_of(d));
	if (d->which & DIGEST_XXH64)
		XXH64_reset(xxh64_of(d), 0);
	/* Both results come of one state. */
	if (d->which & DIGESTS_XXH3) {
		memset(d->xxh3, 0, sizeof(d->xxh3));
		XXH3_128bits_reset(xxh3_of(d));
	}
}

static void
seldom_add(struct digests *d, struct str s)
{
	if (d->which & DIGEST_SHA512)
		SHA512_Update(sha512_of(d), s.p, s.len);
	if (d->which & DIGEST_XXH64)
		XXH64_update(xxh64_of(d), s.p, s.len);
	if (d->which & DIGESTS_XXH3)
		XXH3_128bits_update(xxh3_of(d), s.p, s.len);
	if (d->which & DIGEST_UTF8)
		utf8_add(d, s);
}

static void
seldom_final(struct digests *d, struct digest_values *v)
{
	if (d->which & DIGEST_SHA512)
		SHA512_Final(v->sha512, sha512_of(d));
	if (d->which & DIGEST_XXH64)
		XXH64_canonicalFromHash(
			(XXH64_canonical_t *)(void *)v->xxh64, XXH64_digest(xxh64_of(d)));
	if (d->which & DIGEST_XXH3)
		XXH64_canonicalFromHash(
			(XXH64_canonical_t *)(void *)v->xxh3, XXH3_64bits_digest(xxh3_of(d)));
	if (d->which & DIGEST_XXH128)
		XXH128_canonicalFromHash(
			(XXH128_canonical_t *)(void *)v->xxh128, XXH3_128bits_digest(xxh3_of(d)));
	v->utf8 = (d->which & DIGEST_UTF8) && !d->utf8_bad && !d->utf8_n;
}

void
digests_init(struct digests *d, unsigned which)
{
	d->which = which;
	d->crc32 = d->crc32c = 0;
	d->crc64nvme = d->bytes = 0;
	if (which & DIGEST_MD5)
		MD5_Init((MD5_CTX *)(void *)d->md5);
	if (which & DIGEST_SHA1)
		SHA1_Init((SHA_CTX *)(void *)d->sha1);
	if (which & DIGEST_SHA256)
		SHA256_Init((SHA256_CTX *)(void *)d->sha256);
	if (which & DIGESTS_SELDOM)
		seldom_init(d);
}

static void
block_add(struct digests *d, struct str s)
{
	if (d->which & DIGEST_MD5)
		MD5_Update((MD5_CTX *)(void *)d->md5, s.p, s.len);
	if (d->which & DIGEST_SHA1)
		SHA1_Update((SHA_CTX *)(void *)d->sha1, s.p, s.len);
	if (d->which & DIGEST_SHA256)
		SHA256_Update((SHA256_CTX *)(void *)d->sha256, s.p, s.len);
	if (d->which & DIGEST_CRC32)
		d->crc32 = crc32_ieee(d->crc32, s);
	if (d->which & DIGEST_CRC32C)
		d->crc32c = crc32c(d->crc32c, s);
	if (d->which & DIGEST_CRC64NVME)
		d->crc64nvme = crc64nvme(d->crc64nvme, s);
	if (d->which & DIGESTS_SELDOM)
		seldom_add(d, s);
}

void
digests_add(struct digests *d, struct str data)
{
	bool several = (d->which & (d->which - 1)) != 0;
	size_t step = several ? BLOCK_BYTES : data.len;
	d->bytes += data.len;
	for (size_t at = 0; at < data.len; at += step)
		block_add(d, str_slice(data, at, at + step));
}

static MD5_CTX *
md5_of(struct digests *d)
{
	return (MD5_CTX *)(void *)d->md5;
}

/* The blocks that all of up to MD5_LANES streams have. What is left of each piece is at *rest. */
static void
md5_together(struct digests *const *d, struct str *rest, unsigned n)
{
	struct md5_lane lanes[MD5_LANES];
	size_t blocks = SIZE_MAX;
	for (unsigned i = 0; i < n; i++) {
		MD5_CTX *c = md5_of(d[i]);
		/* Up to the next block's beginning one by one. */
		size_t head = c->num ? MD5_BLOCK - c->num : 0;
		head = head < rest[i].len ? head : rest[i].len;
		MD5_Update(c, rest[i].p, head);
		rest[i] = str_slice(rest[i], head, rest[i].len);
		blocks = rest[i].len / MD5_BLOCK < blocks ? rest[i].len / MD5_BLOCK : blocks;
		lanes[i] = (struct md5_lane){ { c->A, c->B, c->C, c->D },
			(const unsigned char *)rest[i].p };
	}
	if (!blocks)
		return;
	md5_lanes_add(md5_best_way(), lanes, n, blocks);
	for (unsigned i = 0; i < n; i++) {
		MD5_CTX *c = md5_of(d[i]);
		uint64_t bits = ((uint64_t)c->Nh << 32 | c->Nl) + blocks * MD5_BLOCK * 8;
		c->A = lanes[i].state[0];
		c->B = lanes[i].state[1];
		c->C = lanes[i].state[2];
		c->D = lanes[i].state[3];
		c->Nl = (uint32_t)bits;
		c->Nh = (uint32_t)(bits >> 32);
		rest[i] = str_slice(rest[i], blocks * MD5_BLOCK, rest[i].len);
	}
}

static void
md5_add(struct digests *const *d, const struct str *pieces, unsigned n)
{
	struct str rest[MD5_LANES];
	memcpy(rest, pieces, n * sizeof(*rest));
	if (n > 1)
		md5_together(d, rest, n);
	for (unsigned i = 0; i < n; i++)
		if (rest[i].len)
			MD5_Update(md5_of(d[i]), rest[i].p, rest[i].len);
}

void
digests_add_md5(struct digests *const *d, const struct str *pieces, unsigned n)
{
	for (unsigned from = 0; from < n; from += MD5_LANES)
		md5_add(d + from, pieces + from, n - from < MD5_LANES ? n - from : MD5_LANES);
	for (unsigned i = 0; i < n; i++)
		d[i]->bytes += pieces[i].len;
}

void
digests_add_each(struct digests *const *d, const struct str *pieces, unsigned n)
{
	struct digests *lanes[MD5_LANES];
	struct str lane_pieces[MD5_LANES];
	unsigned lanes_n = 0;
	for (unsigned i = 0; i < n; i++) {
		unsigned which = d[i]->which;
		d[i]->which = which & ~(unsigned)DIGEST_MD5;
		digests_add(d[i], pieces[i]);
		d[i]->which = which;
		if (which & DIGEST_MD5) {
			lanes[lanes_n] = d[i];
			lane_pieces[lanes_n++] = pieces[i];
		}
		if (lanes_n == MD5_LANES || (lanes_n && i + 1 == n)) {
			md5_add(lanes, lane_pieces, lanes_n);
			lanes_n = 0;
		}
	}
}

static void
big_endian(uint64_t v, unsigned char *ret, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		ret[i] = (unsigned char)(v >> 8 * (n - 1 - i));
}

void
digests_final(struct digests *d, struct digest_values *ret_values)
{
	struct digest_values *v = ret_values;
	memset(v, 0, sizeof(*v));
	v->which = d->which;
	v->bytes = d->bytes;
	if (d->which & DIGEST_MD5)
		MD5_Final(v->md5, (MD5_CTX *)(void *)d->md5);
	if (d->which & DIGEST_SHA1)
		SHA1_Final(v->sha1, (SHA_CTX *)(void *)d->sha1);
	if (d->which & DIGEST_SHA256)
		SHA256_Final(v->sha256, (SHA256_CTX *)(void *)d->sha256);
	big_endian(d->crc32, v->crc32, 4);
	big_endian(d->crc32c, v->crc32c, 4);
	big_endian(d->crc64nvme, v->crc64nvme, 8);
	if (d->which & DIGESTS_SELDOM)
		seldom_final(d, v);
}

void
md5(struct str data, unsigned char ret[16])
{
	MD5_CTX c;
	MD5_Init(&c);
	MD5_Update(&c, data.p, data.len);
	MD5_Final(ret, &c);
}

void
sha1(struct str data, unsigned char ret[20])
{
	SHA_CTX c;
	SHA1_Init(&c);
	SHA1_Update(&c, data.p, data.len);
	SHA1_Final(ret, &c);
}

void
sha256(struct str data, unsigned char ret[32])
{
	SHA256_CTX c;
	SHA256_Init(&c);
	SHA256_Update(&c, data.p, data.len);
	SHA256_Final(ret, &c);
}

void
hmac_sha256(struct str key, struct str data, unsigned char ret[32])
{
	unsigned char block[64] = { 0 };
	SHA256_CTX c;
	if (key.len > sizeof(block))
		sha256(key, block);
	else if (key.len)
		memcpy(block, key.p, key.len);
	for (unsigned i = 0; i < sizeof(block); i++)
		block[i] ^= 0x36;
	SHA256_Init(&c);
	SHA256_Update(&c, block, sizeof(block));
	SHA256_Update(&c, data.p, data.len);
	SHA256_Final(ret, &c);
	for (unsigned i = 0; i < sizeof(block); i++)
		block[i] ^= 0x36 ^ 0x5c;
	SHA256_Init(&c);
	SHA256_Update(&c, block, sizeof(block));
	SHA256_Update(&c, ret, 32);
	SHA256_Final(ret, &c);
	explicit_bzero(block, sizeof(block));
}

uint32_t
crc32_ieee(uint32_t crc, struct str data)
{
	return data.len ? crc32_gzip_refl(crc, (const unsigned char *)data.p, data.len) : crc;
}

uint32_t
crc32c(uint32_t crc, struct str data)
{
	/* ISA-L's takes an int for the length and leaves both inversions to its caller. */
	crc = ~crc;
	for (size_t at = 0; at < data.len;) {
		size_t n = data.len - at > 1u << 30 ? 1u << 30 : data.len - at;
		crc = crc32_iscsi((unsigned char *)(uintptr_t)(data.p + at), (int)n, crc);
		at += n;
	}
	return ~crc;
}

uint64_t
crc64nvme(uint64_t crc, struct str data)
{
	const unsigned char *p = (const unsigned char *)data.p;
	return ~(crc64_can_multiply() ? crc64_by_multiply(~crc, p, data.len)
				      : crc64_by_table(~crc, p, data.len));
}

uint32_t
crc32_combine_ieee(uint32_t a, uint32_t b, uint64_t b_bytes)
{
	return (uint32_t)crc_shift(a, b_bytes, CRC32_POLYNOMIAL, 32) ^ b;
}

uint32_t
crc32c_combine(uint32_t a, uint32_t b, uint64_t b_bytes)
{
	return (uint32_t)crc_shift(a, b_bytes, CRC32C_POLYNOMIAL, 32) ^ b;
}

uint64_t
crc64nvme_combine(uint64_t a, uint64_t b, uint64_t b_bytes)
{
	return crc_shift(a, b_bytes, CRC64NVME_POLYNOMIAL, 64) ^ b;
}
