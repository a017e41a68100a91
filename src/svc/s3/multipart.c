#include "svc/s3/multipart.h"

#include "svc/s3/copy_source.h"
#include "svc/s3/sse.h"
#include "svc/s3/lock.h"
#include "svc/s3/tasks.h"

/* ---- rows ---- */

int
no_such_upload(struct call *c, struct str upload_id)
{
	call_fail(c, &S3_NoSuchUpload, NULL);
	return call_fail_field(c, "UploadId", upload_id);
}

int
upload_open(struct call *c, const struct s3_bucket_row *b, struct str key, struct str upload_id,
	struct s3_object_row *ret)
{
	uint64_t seq;
	struct key k;
	if (!s3_id_seq(upload_id, &seq))
		return no_such_upload(c, upload_id);
	s3_key_upload(&k, (uint64_t)b->Id.v, key, seq);
	if (!s3_row_get(c, &k, ret) || !str_eq(ret->VersionId, upload_id))
		return no_such_upload(c, upload_id);
	return CALL_OK;
}

unsigned
upload_algorithm(const struct s3_object_row *u)
{
	return u->ChecksumAlgorithm.set ? (unsigned)u->ChecksumAlgorithm.v : DIGEST_CRC64NVME;
}

bool
part_get(struct call *c, const struct s3_object_row *u, uint64_t number, struct s3_part_row *ret)
{
	struct key k;
	struct str value;
	s3_key_part(&k, u->PartsId, number);
	return tx_get(c->tx, s3_rows(c), key_str(&k), &value) &&
	       row_decode(&s3_part_row_shape, value, c->arena, ret);
}

void
part_erase(struct call *c, const struct s3_object_row *u, uint64_t number)
{
	struct key k;
	s3_key_part(&k, u->PartsId, number);
	tx_delete(c->tx, s3_rows(c), key_str(&k));
}

void
parts_scan(struct call *c, const struct s3_object_row *u, uint64_t first, struct scan *s)
{
	struct key lo, hi;
	s3_key_part(&lo, u->PartsId, first);
	s3_key_part(&hi, u->PartsId, UINT64_MAX);
	scan_open(s, c->tx, s3_rows(c), key_str(&lo), key_str(&hi), false);
}

bool
parts_scan_next(struct call *c, struct scan *s, struct s3_part_row *ret)
{
	memset(ret, 0, sizeof(*ret));
	return scan_next(s) && row_decode(&s3_part_row_shape, s->value, c->arena, ret);
}

/* ---- create, abort ---- */

static int
checksum_choose(struct call *c, struct str algorithm, struct str type, struct s3_object_row *u)
{
	if (!algorithm.p) {
		if (type.p)
			return call_fail(c, &S3_InvalidRequest,
				"The x-amz-checksum-type header can only be used "
				"with the x-amz-checksum-algorithm header.");
		return CALL_OK;
	}
	unsigned bit = s3_checksum_algorithm(algorithm);
	if (!bit)
		return call_fail(c, &S3_InvalidRequest,
			"Checksum algorithm provided is unsupported. Please try again with any of the "
			"valid types: " S3_CHECKSUM_TYPES);
	bool full = type.p ? str_is(type, "FULL_OBJECT") : bit == DIGEST_CRC64NVME;
	/* Only CRCs of parts make that of the whole. */
	bool crc = bit & (DIGEST_CRC32 | DIGEST_CRC32C | DIGEST_CRC64NVME);
	if ((type.p && !full && !str_is(type, "COMPOSITE")) || (full && !crc) ||
		(!full && bit == DIGEST_CRC64NVME))
		return call_fail(c, &S3_InvalidRequest,
			"The %.*s checksum type cannot be used with the %s checksum algorithm.",
			STR_FMT(type), s3_checksum_name(bit));
	u->ChecksumAlgorithm = OPT_I64(bit);
	u->ChecksumComposite = OPT_BOOL(!full);
	return CALL_OK;
}

static void
upload_save(struct call *c, const struct s3_bucket_row *b, struct str key, struct s3_object_row *u)
{
	struct key k;
	struct str value;
	uint64_t seq = (uint64_t)c->now_ms << 20;
	/* Uploads of one key that begin in the same moment. */
	for (s3_key_upload(&k, (uint64_t)b->Id.v, key, seq);
		tx_get(c->tx, s3_rows(c), key_str(&k), &value);)
		s3_key_upload(&k, (uint64_t)b->Id.v, key, ++seq);
	char *id = arena_alloc_raw(c->arena, 16);
	random_bytes(id, 16);
	u->PartsId = str_of(id, 16);
	u->Seq = OPT_I64((int64_t)seq);
	u->Modified = OPT_TIME(c->now_ms);
	u->VersionId = s3_id_new(c, seq);
	u->Initiator = c->who.arn.p ? c->who.arn : STR("");
	s3_row_put(c, &k, u);
}

int
s3_create_multipart_upload(struct call *c, const struct s3_create_multipart_upload_in *in,
	struct s3_create_multipart_upload_out *out)
{
	struct s3_bucket_row b = { 0 };
	struct s3_object_row u = { 0 };
	struct s3_meta_input meta = S3_META_INPUT(in);
	struct s3_lock_claim lock = S3_LOCK_CLAIM(in);
	struct s3_sse_ask sse = S3_SSE_ASK(in);
	if (s3_bucket_open(c, in->Bucket, in->ExpectedBucketOwner, &b) ||
		s3_access(c, &b, "s3:PutObject", in->Key, NULL) ||
		(in->Tagging.p && s3_access(c, &b, "s3:PutObjectTagging", in->Key, NULL)) ||
		s3_key_check(c, in->Key) || s3_meta_apply(c, &meta, &u) ||
		s3_access_new_object(c, &b, &u) || s3_lock_claim_apply(c, &b, in->Key, &lock, &u) ||
		checksum_choose(c, in->ChecksumAlgorithm, in->ChecksumType, &u) ||
		s3_sse_apply(c, &b, in->Key, &sse, &u))
		return CALL_FAILED;
	upload_save(c, &b, in->Key, &u);
	S3_SSE_TELL(out, &u, sse.customer);
	out->Bucket = in->Bucket;
	out->Key = in->Key;
	out->UploadId = u.VersionId;
	if (u.ChecksumAlgorithm.set) {
		out->ChecksumAlgorithm = str_c(s3_checksum_name((unsigned)u.ChecksumAlgorithm.v));
		out->ChecksumType = s3_checksum_type(&u);
	}
	return CALL_OK;
}

int
s3_abort_multipart_upload(struct call *c, const struct s3_abort_multipart_upload_in *in,
	struct s3_abort_multipart_upload_out *out __attribute__((unused)))
{
	struct s3_bucket_row b = { 0 };
	struct s3_object_row u = { 0 };
	struct key k;
	if (s3_bucket_open(c, in->Bucket, in->ExpectedBucketOwner, &b))
		return CALL_FAILED;
	bool there = upload_open(c, &b, in->Key, in->UploadId, &u) == CALL_OK;
	bool mine = there && !c->who.anonymous && str_eq(u.Initiator, c->who.arn);
	static const char action[] = "s3:AbortMultipartUpload";
	if (mine ? s3_access_own(c, &b, action, in->Key)
		 : s3_access(c, &b, action, in->Key, NULL))
		return CALL_FAILED;
	if (!there)
		return no_such_upload(c, in->UploadId);
	if (in->IfMatchInitiatedTime.set)
		return call_fail(c, &S3_NotImplemented, NULL);
	s3_key_upload(&k, (uint64_t)b.Id.v, in->Key, (uint64_t)u.Seq.v);
	tx_delete(c->tx, s3_rows(c), key_str(&k));
	s3_task_upload(c, b.Region, u.PartsId);
	return CALL_OK;
}

/* ---- parts ---- */

static int
part_number_check(struct call *c, struct opt_i64 number)
{
	if (number.v >= 1 && number.v <= S3_PARTS_MAX)
		return CALL_OK;
	call_fail(c, &S3_InvalidArgument,
		"Part number must be an integer between 1 and 10000, inclusive");
	call_fail_field(c, "ArgumentName", STR("partNumber"));
	return call_fail_field(
		c, "ArgumentValue", arena_printf(c->arena, "%lld", (long long)number.v));
}

static struct s3_checksum_claim
part_claim(const struct s3_upload_part_in *in)
{
	struct s3_checksum_claim k = S3_CHECKSUM_CLAIM(in);
	k.content_md5 = in->ContentMD5;
	k.algorithm = in->ChecksumAlgorithm;
	return k;
}

struct part_open {
	struct s3_bucket_row b;
	struct s3_object_row u;
	unsigned claimed; /* DIGEST_* the client sent, 0: none */
};

static int
part_open(struct call *c, const struct s3_upload_part_in *in, struct part_open *p)
{
	struct s3_checksum_claim claim = part_claim(in);
	if (s3_bucket_open(c, in->Bucket, in->ExpectedBucketOwner, &p->b) ||
		s3_access(c, &p->b, "s3:PutObject", in->Key, NULL) ||
		part_number_check(c, in->PartNumber) ||
		upload_open(c, &p->b, in->Key, in->UploadId, &p->u) ||
		s3_checksum_wanted(c, &claim, &p->claimed))
		return CALL_FAILED;
	struct s3_sse_customer customer = S3_SSE_CUSTOMER(in);
	if (s3_sse_part(c, &p->b, in->Key, &p->u, &customer))
		return CALL_FAILED;
	/* An upload that said nothing takes any; one that chose takes only its own. */
	if (p->u.ChecksumAlgorithm.set && p->claimed &&
		(int64_t)p->claimed != p->u.ChecksumAlgorithm.v)
		return call_fail(c, &S3_InvalidRequest,
			"Checksum Type mismatch occurred, expected checksum Type: %s, actual "
			"checksum Type: %s",
			s3_checksum_name((unsigned)p->u.ChecksumAlgorithm.v),
			s3_checksum_name(p->claimed));
	return CALL_OK;
}

static void
ingest_choose(struct call *c, const struct s3_bucket_row *b, const struct s3_object_row *u,
	unsigned claimed)
{
	c->body_digests = DIGEST_MD5 | upload_algorithm(u) | claimed;
	c->body_inline_max = BODY_INLINE_NONE;
	c->body_max = S3_PART_MAX;
	c->body_placement = s3_placement(u);
	c->region = arena_dup(c->arena, b->Region);
}

int
s3_upload_part_prepare(struct call *c, const struct s3_upload_part_in *in,
	struct s3_upload_part_out *out __attribute__((unused)))
{
	struct part_open p = { 0 };
	if (part_open(c, in, &p))
		return CALL_FAILED;
	ingest_choose(c, &p.b, &p.u, p.claimed);
	return CALL_OK;
}

static void
part_save(struct call *c, const struct s3_bucket_row *b, const struct s3_object_row *u,
	uint64_t number, const struct body *body, struct s3_part_row *part)
{
	struct s3_part_row old = { 0 };
	struct buf value = { 0 };
	struct key k;
	part->Number = OPT_I64((int64_t)number);
	part->Size = OPT_I64((int64_t)body->size);
	part->ETag = s3_sse_etag(c, u, body->digests.md5);
	part->Checksum = s3_checksum_bytes(c, upload_algorithm(u), &body->digests);
	part->Modified = OPT_TIME(c->now_ms);
	part->Segments = s3_segments_pack(c, body->segments, body->segments_n);
	s3_segments_retain(c, b->Region, part->Segments);
	if (part_get(c, u, number, &old))
		s3_segments_release(c, b->Region, old.Segments);
	row_encode(&s3_part_row_shape, part, &value);
	s3_key_part(&k, u->PartsId, number);
	tx_put(c->tx, s3_rows(c), key_str(&k), buf_str(&value));
	buf_done(&value);
}

static struct str
part_etag(struct call *c, const struct s3_part_row *part)
{
	return s3_etag_quoted(c, hex_text(c->arena, part->ETag));
}

int
s3_upload_part(struct call *c, const struct s3_upload_part_in *in, struct s3_upload_part_out *out)
{
	struct part_open p = { 0 };
	struct s3_part_row part = { 0 };
	struct s3_checksum_claim claim = part_claim(in);
	struct body *body = in->Body;
	if (part_open(c, in, &p))
		return CALL_FAILED;
	if (!body)
		return call_fail(c, &S3_MissingContentLength, NULL);
	if (s3_checksum_verify(c, &claim, p.claimed, &body->digests))
		return CALL_FAILED;
	part_save(c, &p.b, &p.u, (uint64_t)in->PartNumber.v, body, &part);
	out->ETag = part_etag(c, &part);
	S3_SSE_TELL(out, &p.u, S3_SSE_CUSTOMER(in));
	unsigned told = p.claimed ? p.claimed : upload_algorithm(&p.u);
	S3_CHECKSUM_SET(out, told,
		s3_checksum_text(c, s3_checksum_bytes(c, told, &body->digests), false, 0));
	return CALL_OK;
}

/* ---- parts copied from an object ---- */

static int
copy_range_invalid(struct call *c, struct str range)
{
	call_fail(c, &S3_InvalidArgument,
		"The x-amz-copy-source-range value must be of the form bytes=first-last "
		"where first and last are the zero-based offsets of the first and last bytes to "
		"copy");
	call_fail_field(c, "ArgumentName", STR("x-amz-copy-source-range"));
	return call_fail_field(c, "ArgumentValue", range);
}

static int
copy_range(struct call *c, struct str range, uint64_t size, uint64_t *ret_from, uint64_t *ret_len)
{
	uint64_t from, to;
	*ret_from = 0;
	*ret_len = size;
	if (range.p) {
		if (!str_starts(range, STR("bytes=")))
			return copy_range_invalid(c, range);
		struct str rest = str_slice(range, 6, range.len), first = str_cut(&rest, '-');
		if (!rest.p || !str_to_u64(first, &from) || !str_to_u64(rest, &to) || to < from)
			return copy_range_invalid(c, range);
		if (to >= size) {
			call_fail(c, &S3_InvalidArgument,
				"Range specified is not valid for source object of size: %llu",
				(unsigned long long)size);
			call_fail_field(c, "ArgumentName", STR("x-amz-copy-source-range"));
			return call_fail_field(c, "ArgumentValue", range);
		}
		*ret_from = from;
		*ret_len = to - from + 1;
	}
	if (*ret_len > S3_PART_MAX)
		return call_fail(c, &S3_InvalidRequest,
			"The specified copy source is larger than the maximum allowable size for a "
			"copy source: "
			"5368709120");
	return CALL_OK;
}

static int
part_copy_open(struct call *c, const struct s3_upload_part_copy_in *in, struct s3_bucket_row *b,
	struct s3_object_row *u, struct copy_source *s)
{
	struct copy_input input = COPY_INPUT(in);
	struct s3_sse_customer customer = S3_SSE_CUSTOMER(in);
	if (s3_bucket_open(c, in->Bucket, in->ExpectedBucketOwner, b) ||
		s3_access(c, b, "s3:PutObject", in->Key, NULL) ||
		part_number_check(c, in->PartNumber) ||
		upload_open(c, b, in->Key, in->UploadId, u) ||
		s3_sse_part(c, b, in->Key, u, &customer))
		return CALL_FAILED;
	return copy_source_open(c, &input, s);
}

int
s3_upload_part_copy_prepare(struct call *c, const struct s3_upload_part_copy_in *in,
	struct s3_upload_part_copy_out *out __attribute__((unused)))
{
	struct s3_bucket_row b = { 0 };
	struct s3_object_row u = { 0 };
	struct copy_source s = { 0 };
	uint64_t from, len;
	if (part_copy_open(c, in, &b, &u, &s) ||
		copy_range(c, in->CopySourceRange, (uint64_t)s.o.Size.v, &from, &len))
		return CALL_FAILED;
	ingest_choose(c, &b, &u, 0);
	copy_source_ingest(c, &s, &b, from, len);
	return CALL_OK;
}

int
s3_upload_part_copy(struct call *c, const struct s3_upload_part_copy_in *in,
	struct s3_upload_part_copy_out *out)
{
	struct s3_bucket_row b = { 0 };
	struct s3_object_row u = { 0 };
	struct copy_source s = { 0 };
	struct s3_part_row part = { 0 };
	if (part_copy_open(c, in, &b, &u, &s) || copy_source_unchanged(c, &s) ||
		(c->body_share && segments_alive(c, b.Region, c->body)))
		return CALL_FAILED;
	part_save(c, &b, &u, (uint64_t)in->PartNumber.v, c->body, &part);
	struct s3_copy_part_result *r = arena_new(c->arena, struct s3_copy_part_result);
	r->ETag = part_etag(c, &part);
	r->LastModified = part.Modified;
	if (u.ChecksumAlgorithm.set)
		S3_CHECKSUM_SET(
			r, upload_algorithm(&u), s3_checksum_text(c, part.Checksum, false, 0));
	out->CopyPartResult = r;
	S3_SSE_TELL(out, &u, S3_SSE_CUSTOMER(in));
	if (s.b.Versioning.v)
		out->CopySourceVersionId = s3_version_text(&s.b, &s.o);
	return CALL_OK;
}
