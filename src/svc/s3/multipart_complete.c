#include "svc/s3/multipart.h"

#include "svc/s3/events.h"
#include "svc/s3/lifecycle.h"
#include "svc/s3/sse.h"
#include "svc/s3/tasks.h"

/* What the client listed, matched with what was uploaded. */
struct assembly {
	struct s3_bucket_row b;
	struct s3_object_row u;
	struct s3_part_row *parts;
	uint32_t n;
	uint64_t size;
	struct str etag;     /* without quotes */
	struct str checksum; /* bytes */
};

static struct str
claim_of(const struct s3_completed_part *p, unsigned bit)
{
	switch (bit) {
	case DIGEST_CRC32:
		return p->ChecksumCRC32;
	case DIGEST_CRC32C:
		return p->ChecksumCRC32C;
	case DIGEST_CRC64NVME:
		return p->ChecksumCRC64NVME;
	case DIGEST_SHA1:
		return p->ChecksumSHA1;
	case DIGEST_SHA256:
		return p->ChecksumSHA256;
	case DIGEST_SHA512:
		return p->ChecksumSHA512;
	case DIGEST_MD5:
		return p->ChecksumMD5;
	case DIGEST_XXH64:
		return p->ChecksumXXHASH64;
	case DIGEST_XXH3:
		return p->ChecksumXXHASH3;
	case DIGEST_XXH128:
		return p->ChecksumXXHASH128;
	default:
		return STR_NULL;
	}
}

static int
part_invalid(struct call *c, const struct s3_complete_multipart_upload_in *in,
	const struct s3_completed_part *p)
{
	call_fail(c, &S3_InvalidPart, NULL);
	call_fail_field(c, "UploadId", in->UploadId);
	call_fail_field(
		c, "PartNumber", arena_printf(c->arena, "%lld", (long long)p->PartNumber.v));
	return call_fail_field(c, "ETag", p->ETag);
}

static int
part_too_small(struct call *c, const struct s3_part_row *part)
{
	call_fail(c, &S3_EntityTooSmall,
		"Your proposed upload is smaller than the minimum allowed size");
	call_fail_field(c, "ProposedSize", arena_printf(c->arena, "%lld", (long long)part->Size.v));
	call_fail_field(c, "MinSizeAllowed", STR("5242880"));
	call_fail_field(c, "PartNumber", arena_printf(c->arena, "%lld", (long long)part->Number.v));
	return call_fail_field(c, "ETag", hex_text(c->arena, part->ETag));
}

static bool
etag_same(struct call *c, struct str given, struct str md5_bytes)
{
	struct str s = str_trim(given);
	if (s.len >= 2 && s.p[0] == '"' && s.p[s.len - 1] == '"')
		s = str_slice(s, 1, s.len - 1);
	return str_eq_nocase(s, hex_text(c->arena, md5_bytes));
}

static int
part_checksum_check(struct call *c, const struct s3_complete_multipart_upload_in *in,
	const struct assembly *a, const struct s3_completed_part *p, const struct s3_part_row *part)
{
	unsigned bit = upload_algorithm(&a->u);
	struct str claim = claim_of(p, bit);
	if (!claim.p) {
		if (!a->u.ChecksumComposite.v)
			return CALL_OK;
		return call_fail(c, &S3_InvalidRequest,
			"The upload was created using a %s checksum. The complete request must "
			"include the checksum "
			"for each part. It was missing for part %lld in the request.",
			s3_checksum_name(bit), (long long)p->PartNumber.v);
	}
	return str_eq(claim, base64_text(c->arena, part->Checksum)) ? CALL_OK
								    : part_invalid(c, in, p);
}

static int
parts_match(struct call *c, const struct s3_complete_multipart_upload_in *in, struct assembly *a)
{
	const struct s3_completed_multipart_upload *list = in->MultipartUpload;
	if (!list || !list->Parts.n || list->Parts.n > S3_PARTS_MAX)
		return call_fail(c, &S3_MalformedXML, NULL);
	a->n = list->Parts.n;
	a->parts = arena_array(c->arena, struct s3_part_row, a->n);
	for (uint32_t i = 0; i < a->n; i++)
		if (i && list->Parts.v[i].PartNumber.v <= list->Parts.v[i - 1].PartNumber.v) {
			call_fail(c, &S3_InvalidPartOrder, NULL);
			return call_fail_field(c, "UploadId", in->UploadId);
		}
	for (uint32_t i = 0; i < a->n; i++) {
		const struct s3_completed_part *p = &list->Parts.v[i];
		struct s3_part_row *part = &a->parts[i];
		if (p->PartNumber.v < 1 || p->PartNumber.v > S3_PARTS_MAX ||
			!part_get(c, &a->u, (uint64_t)p->PartNumber.v, part) ||
			!etag_same(c, p->ETag, part->ETag))
			return part_invalid(c, in, p);
		if (part_checksum_check(c, in, a, p, part))
			return CALL_FAILED;
		a->size += (uint64_t)part->Size.v;
	}
	for (uint32_t i = 0; i + 1 < a->n; i++)
		if (a->parts[i].Size.v < (int64_t)S3_PART_MIN)
			return part_too_small(c, &a->parts[i]);
	return CALL_OK;
}

static uint64_t
big_endian(struct str bytes)
{
	uint64_t v = 0;
	for (size_t i = 0; i < bytes.len; i++)
		v = v << 8 | (unsigned char)bytes.p[i];
	return v;
}

/* The checksum of the whole from those of the parts. */
static struct str
checksum_combine(struct call *c, const struct assembly *a, unsigned bit)
{
	uint64_t sum = big_endian(a->parts[0].Checksum);
	for (uint32_t i = 1; i < a->n; i++) {
		uint64_t next = big_endian(a->parts[i].Checksum),
			 len = (uint64_t)a->parts[i].Size.v;
		if (bit == DIGEST_CRC32)
			sum = crc32_combine_ieee((uint32_t)sum, (uint32_t)next, len);
		else if (bit == DIGEST_CRC32C)
			sum = crc32c_combine((uint32_t)sum, (uint32_t)next, len);
		else
			sum = crc64nvme_combine(sum, next, len);
	}
	size_t size = s3_checksum_size(bit);
	char *p = arena_alloc_raw(c->arena, size);
	for (size_t i = 0; i < size; i++)
		p[i] = (char)(sum >> (8 * (size - 1 - i)));
	return str_of(p, size);
}

static void
sums_make(struct call *c, struct assembly *a)
{
	unsigned bit = upload_algorithm(&a->u);
	struct digests etag, sum;
	struct digest_values v;
	digests_init(&etag, DIGEST_MD5);
	digests_init(&sum, bit);
	for (uint32_t i = 0; i < a->n; i++) {
		digests_add(&etag, a->parts[i].ETag);
		digests_add(&sum, a->parts[i].Checksum);
	}
	digests_final(&etag, &v);
	a->etag = arena_printf(
		c->arena, "%.*s-%u", STR_FMT(hex_text(c->arena, str_of(v.md5, 16))), a->n);
	digests_final(&sum, &v);
	a->checksum = a->u.ChecksumComposite.v ? s3_checksum_bytes(c, bit, &v)
					       : checksum_combine(c, a, bit);
}

static int
claims_check(
	struct call *c, const struct s3_complete_multipart_upload_in *in, const struct assembly *a)
{
	unsigned bit = upload_algorithm(&a->u);
	struct s3_checksum_claim k = S3_CHECKSUM_CLAIM(in);
	struct s3_completed_part whole = { .ChecksumCRC32 = k.crc32,
		.ChecksumCRC32C = k.crc32c,
		.ChecksumCRC64NVME = k.crc64nvme,
		.ChecksumSHA1 = k.sha1,
		.ChecksumSHA256 = k.sha256,
		.ChecksumSHA512 = k.sha512,
		.ChecksumMD5 = k.md5,
		.ChecksumXXHASH64 = k.xxh64,
		.ChecksumXXHASH3 = k.xxh3,
		.ChecksumXXHASH128 = k.xxh128 };
	struct str claim = claim_of(&whole, bit);
	if (in->ChecksumType.p && !str_eq(in->ChecksumType, s3_checksum_type(&a->u)))
		return call_fail(c, &S3_InvalidRequest,
			"The upload was created using the %.*s checksum mode. The "
			"complete request must use the same checksum mode.",
			STR_FMT(s3_checksum_type(&a->u)));
	if (in->MpuObjectSize.set && (uint64_t)in->MpuObjectSize.v != a->size)
		return call_fail(c, &S3_InvalidRequest,
			"The provided 'x-amz-mp-object-size' header value %lld does "
			"not match what was computed: %llu",
			(long long)in->MpuObjectSize.v, (unsigned long long)a->size);
	if (claim.p &&
		!str_eq(claim, s3_checksum_text(c, a->checksum, a->u.ChecksumComposite.v, a->n)))
		return call_fail(c, &S3_BadDigest,
			"The %s you specified did not match the calculated checksum.",
			s3_checksum_name(bit));
	if (a->size <= S3_OBJECT_MAX)
		return CALL_OK;
	call_fail(c, &S3_EntityTooLarge, NULL);
	call_fail_field(
		c, "ProposedSize", arena_printf(c->arena, "%llu", (unsigned long long)a->size));
	return call_fail_field(c, "MaxSizeAllowed", STR("5497558138880"));
}

/* Parts that were listed live on in the object; the others go. */
static void
parts_move(struct call *c, const struct assembly *a)
{
	struct s3_part_row part;
	struct scan s;
	uint32_t at = 0;
	s3_parts_write(c, a->u.PartsId, a->parts, a->n);
	parts_scan(c, &a->u, 0, &s);
	while (parts_scan_next(c, &s, &part)) {
		while (at < a->n && a->parts[at].Number.v < part.Number.v)
			at++;
		if (at == a->n || a->parts[at].Number.v != part.Number.v)
			s3_segments_release(c, a->b.Region, part.Segments);
		part_erase(c, &a->u, (uint64_t)part.Number.v);
	}
}

static void
object_make(struct call *c, struct str key, const struct assembly *a, struct s3_object_row *o)
{
	*o = a->u;
	o->Seq.set = false;
	o->Initiator = STR_NULL;
	o->Size = OPT_I64((int64_t)a->size);
	o->ETag = a->etag;
	o->ChecksumAlgorithm = OPT_I64(upload_algorithm(&a->u));
	o->Checksum = a->checksum;
	o->PartsCount = OPT_I64(a->n);
	s3_version_add(c, &a->b, key, o);
}

static void
finished_put(
	struct call *c, struct str key, const struct assembly *a, const struct s3_object_row *o)
{
	struct s3_finished_row f = { .ETag = o->ETag,
		.VersionId = s3_version_text(&a->b, o),
		.ChecksumAlgorithm = o->ChecksumAlgorithm,
		.ChecksumComposite = o->ChecksumComposite,
		.Checksum = o->Checksum,
		.UploadId = a->u.VersionId };
	struct buf value = { 0 };
	struct key k;
	uint64_t bucket = (uint64_t)a->b.Id.v, seq = (uint64_t)a->u.Seq.v;
	f.PartsCount = o->PartsCount;
	row_encode(&s3_finished_row_shape, &f, &value);
	s3_key_finished(&k, bucket, key, seq);
	tx_put(c->tx, s3_rows(c), key_str(&k), buf_str(&value));
	buf_done(&value);
	s3_key_upload(&k, bucket, key, seq);
	tx_delete(c->tx, s3_rows(c), key_str(&k));
	s3_task_forget(c, bucket, key, seq);
}

static void
output_fill(struct call *c, const struct s3_complete_multipart_upload_in *in,
	const struct s3_finished_row *f, struct s3_complete_multipart_upload_out *out)
{
	out->Bucket = in->Bucket;
	out->Key = in->Key;
	out->Location = arena_printf(c->arena, "%s://%.*s/%.*s/%.*s", c->tls ? "https" : "http",
		STR_FMT(c->host), STR_FMT(in->Bucket), STR_FMT(uri_encode(c->arena, in->Key, 0)));
	out->ETag = s3_etag_quoted(c, f->ETag);
	out->VersionId = str_is(f->VersionId, "null") ? STR_NULL : f->VersionId;
	S3_CHECKSUM_SET(out, f->ChecksumAlgorithm.v,
		s3_checksum_text(
			c, f->Checksum, f->ChecksumComposite.v, (uint32_t)f->PartsCount.v));
	out->ChecksumType = f->ChecksumComposite.v ? STR("COMPOSITE") : STR("FULL_OBJECT");
}

static bool
finished_get(struct call *c, const struct s3_bucket_row *b, struct str key, struct str upload_id,
	struct s3_finished_row *ret)
{
	struct key k;
	struct str value;
	uint64_t seq;
	if (!s3_id_seq(upload_id, &seq))
		return false;
	s3_key_finished(&k, (uint64_t)b->Id.v, key, seq);
	return tx_get(c->tx, s3_rows(c), key_str(&k), &value) &&
	       row_decode(&s3_finished_row_shape, value, c->arena, ret) &&
	       str_eq(ret->UploadId, upload_id);
}

/* The customer's key is asked for again only of uploads that chose a checksum. */
static int
customer_check(struct call *c, const struct s3_complete_multipart_upload_in *in,
	const struct s3_object_row *u)
{
	struct s3_sse_customer k = S3_SSE_CUSTOMER(in);
	if (!k.algorithm.p && !k.key.p && !u->ChecksumAlgorithm.set)
		return CALL_OK;
	return s3_sse_part_check(c, u, &k);
}

int
s3_complete_multipart_upload(struct call *c, const struct s3_complete_multipart_upload_in *in,
	struct s3_complete_multipart_upload_out *out)
{
	struct assembly a = { 0 };
	struct s3_object_row o = { 0 };
	struct s3_finished_row f = { 0 };
	if (s3_bucket_open(c, in->Bucket, in->ExpectedBucketOwner, &a.b) ||
		s3_access(c, &a.b, "s3:PutObject", in->Key, NULL))
		return CALL_FAILED;
	/* The reply may have been lost: asked again, it is the same. */
	if (!finished_get(c, &a.b, in->Key, in->UploadId, &f)) {
		if (upload_open(c, &a.b, in->Key, in->UploadId, &a.u) ||
			customer_check(c, in, &a.u) || parts_match(c, in, &a))
			return CALL_FAILED;
		sums_make(c, &a);
		if (claims_check(c, in, &a) ||
			s3_write_conditions(c, &a.b, in->Key, in->IfMatch, in->IfNoneMatch))
			return CALL_FAILED;
		parts_move(c, &a);
		object_make(c, in->Key, &a, &o);
		finished_put(c, in->Key, &a, &o);
		s3_event_object(c, &a.b, "s3:ObjectCreated:CompleteMultipartUpload", in->Key, &o);
		out->Expiration = s3_lifecycle_header(c, &a.b, in->Key, &o);
		out->ServerSideEncryption = o.Sse;
		out->SSEKMSKeyId = o.SseKmsKeyId;
		if (o.SseBucketKey.v)
			out->BucketKeyEnabled = o.SseBucketKey;
		finished_get(c, &a.b, in->Key, in->UploadId, &f);
	}
	output_fill(c, in, &f, out);
	return CALL_OK;
}
