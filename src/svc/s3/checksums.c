#include "svc/s3/s3.h"

static const struct algorithm {
	unsigned bit;
	const char *name, *header;
	size_t bytes;
} algorithms[] = {
	{ DIGEST_CRC32, "CRC32", "x-amz-checksum-crc32", 4 },
	{ DIGEST_CRC32C, "CRC32C", "x-amz-checksum-crc32c", 4 },
	{ DIGEST_CRC64NVME, "CRC64NVME", "x-amz-checksum-crc64nvme", 8 },
	{ DIGEST_SHA1, "SHA1", "x-amz-checksum-sha1", 20 },
	{ DIGEST_SHA256, "SHA256", "x-amz-checksum-sha256", 32 },
	{ DIGEST_SHA512, "SHA512", "x-amz-checksum-sha512", 64 },
	{ DIGEST_MD5, "MD5", "x-amz-checksum-md5", 16 },
	{ DIGEST_XXH64, "XXHASH64", "x-amz-checksum-xxhash64", 8 },
	{ DIGEST_XXH3, "XXHASH3", "x-amz-checksum-xxhash3", 8 },
	{ DIGEST_XXH128, "XXHASH128", "x-amz-checksum-xxhash128", 16 },
};
#define ALGORITHMS_N (sizeof(algorithms) / sizeof(*algorithms))

static const struct algorithm *
algorithm_of(unsigned bit)
{
	for (size_t i = 0; i < ALGORITHMS_N; i++)
		if (algorithms[i].bit == bit)
			return &algorithms[i];
	return NULL;
}

unsigned
s3_checksum_algorithm(struct str name)
{
	for (size_t i = 0; i < ALGORITHMS_N; i++)
		if (str_eq_nocase(name, str_c(algorithms[i].name)))
			return algorithms[i].bit;
	return 0;
}

const char *
s3_checksum_name(unsigned bit)
{
	const struct algorithm *a = algorithm_of(bit);
	return a ? a->name : "";
}

size_t
s3_checksum_size(unsigned bit)
{
	const struct algorithm *a = algorithm_of(bit);
	return a ? a->bytes : 0;
}

struct str
s3_checksum_bytes(struct call *c, unsigned bit, const struct digest_values *v)
{
	const void *p = NULL;
	switch (bit) {
	case DIGEST_CRC32:
		p = v->crc32;
		break;
	case DIGEST_CRC32C:
		p = v->crc32c;
		break;
	case DIGEST_CRC64NVME:
		p = v->crc64nvme;
		break;
	case DIGEST_SHA1:
		p = v->sha1;
		break;
	case DIGEST_SHA256:
		p = v->sha256;
		break;
	case DIGEST_SHA512:
		p = v->sha512;
		break;
	case DIGEST_MD5:
		p = v->md5;
		break;
	case DIGEST_XXH64:
		p = v->xxh64;
		break;
	case DIGEST_XXH3:
		p = v->xxh3;
		break;
	case DIGEST_XXH128:
		p = v->xxh128;
		break;
	default:
		return STR_NULL;
	}
	return arena_dup(c->arena, str_of(p, s3_checksum_size(bit)));
}

struct str
s3_checksum_text(struct call *c, struct str bytes, bool composite, uint32_t parts)
{
	if (!bytes.p)
		return STR_NULL;
	struct str text = base64_text(c->arena, bytes);
	return composite ? arena_printf(c->arena, "%.*s-%u", STR_FMT(text), parts) : text;
}

static struct str
claim_of(const struct s3_checksum_claim *k, unsigned bit)
{
	switch (bit) {
	case DIGEST_CRC32:
		return k->crc32;
	case DIGEST_CRC32C:
		return k->crc32c;
	case DIGEST_CRC64NVME:
		return k->crc64nvme;
	case DIGEST_SHA1:
		return k->sha1;
	case DIGEST_SHA256:
		return k->sha256;
	case DIGEST_SHA512:
		return k->sha512;
	case DIGEST_MD5:
		return k->md5;
	case DIGEST_XXH64:
		return k->xxh64;
	case DIGEST_XXH3:
		return k->xxh3;
	case DIGEST_XXH128:
		return k->xxh128;
	default:
		return STR_NULL;
	}
}

static int
value_invalid(struct call *c, const char *header)
{
	return call_fail(c, &S3_InvalidRequest, "Value for %s header is invalid.", header);
}

/* The one that x-amz-trailer announces. */
static unsigned
trailer_algorithm(const struct call *c)
{
	for (struct str rest = call_request_header(c, STR("x-amz-trailer")); rest.p;) {
		struct str one = str_trim(str_cut(&rest, ','));
		for (size_t i = 0; i < ALGORITHMS_N; i++)
			if (str_eq_nocase(one, str_c(algorithms[i].header)))
				return algorithms[i].bit;
	}
	return 0;
}

int
s3_checksum_wanted(struct call *c, const struct s3_checksum_claim *k, unsigned *ret_algorithm)
{
	unsigned found = 0, named = 0, many = 0;
	unsigned char raw[S3_CHECKSUM_BYTES_MAX];
	if (k->content_md5.p && !base64_decode(k->content_md5, raw, 16))
		return call_fail(c, &S3_InvalidDigest, NULL);
	for (size_t i = 0; i < ALGORITHMS_N; i++) {
		struct str claim = claim_of(k, algorithms[i].bit);
		if (!claim.p)
			continue;
		if (!base64_decode(claim, raw, algorithms[i].bytes))
			return value_invalid(c, algorithms[i].header);
		found = algorithms[i].bit;
		many++;
	}
	unsigned trailer = trailer_algorithm(c);
	if (trailer && !found) {
		found = trailer;
		many++;
	}
	if (many > 1)
		return call_fail(c, &S3_InvalidRequest,
			"Expecting a single x-amz-checksum- header. Multiple checksum Types are "
			"not allowed.");
	if (k->algorithm.p) {
		named = s3_checksum_algorithm(k->algorithm);
		if (!named)
			return call_fail(c, &S3_InvalidRequest,
				"Checksum algorithm provided is unsupported. "
				"Please try again with any of the valid types: " S3_CHECKSUM_TYPES);
		if (found && found != named)
			return value_invalid(c, "x-amz-sdk-checksum-algorithm");
		if (!found && !k->content_md5.p)
			return call_fail(c, &S3_InvalidRequest,
				"x-amz-sdk-checksum-algorithm specified, but no "
				"corresponding x-amz-checksum-* or x-amz-trailer headers were "
				"found.");
	}
	*ret_algorithm = found;
	return CALL_OK;
}

static int
md5_verify(struct call *c, struct str content_md5, const struct digest_values *v)
{
	unsigned char claimed[16];
	if (!content_md5.p)
		return CALL_OK;
	if (!base64_decode(content_md5, claimed, sizeof(claimed)))
		return call_fail(c, &S3_InvalidDigest, NULL);
	if (memcmp(claimed, v->md5, sizeof(claimed)) == 0)
		return CALL_OK;
	call_fail(c, &S3_BadDigest, NULL);
	call_fail_field(c, "ExpectedDigest", hex_text(c->arena, str_of(claimed, 16)));
	return call_fail_field(c, "CalculatedDigest", base64_text(c->arena, str_of(v->md5, 16)));
}

int
s3_checksum_verify(struct call *c, const struct s3_checksum_claim *k, unsigned bit,
	const struct digest_values *v)
{
	if (md5_verify(c, k->content_md5, v))
		return CALL_FAILED;
	const struct algorithm *a = algorithm_of(bit);
	if (!a)
		return CALL_OK;
	unsigned char claimed[S3_CHECKSUM_BYTES_MAX];
	struct str claim = claim_of(k, bit);
	if (!claim.p) /* came as a trailer */
		claim = call_request_header(c, str_c(a->header));
	if (!claim.p)
		return CALL_OK;
	if (!base64_decode(claim, claimed, a->bytes))
		return value_invalid(c, a->header);
	if (memcmp(claimed, s3_checksum_bytes(c, bit, v).p, a->bytes) != 0)
		return call_fail(c, &S3_BadDigest,
			"The %s you specified did not match the calculated checksum.", a->name);
	return CALL_OK;
}

struct str
s3_etag_quoted(struct call *c, struct str etag)
{
	char *p = arena_alloc_raw(c->arena, etag.len + 2);
	p[0] = p[etag.len + 1] = '"';
	if (etag.len)
		memcpy(p + 1, etag.p, etag.len);
	return str_of(p, etag.len + 2);
}

struct str
s3_checksum_type(const struct s3_object_row *o)
{
	return o->ChecksumComposite.v ? STR("COMPOSITE") : STR("FULL_OBJECT");
}
