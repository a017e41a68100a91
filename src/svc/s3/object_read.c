#include "svc/s3/lifecycle.h"
#include "svc/s3/lock.h"
#include "svc/s3/restore.h"
#include "svc/s3/s3.h"
#include "svc/s3/sse.h"
#include "svc/s3/tiering.h"

/* What GetObject and HeadObject share; their generated structs have the same member names. */
struct read_input {
	struct str bucket, key, version_id, owner, range, checksum_mode;
	struct s3_conditions when;
	struct opt_i64 part_number;
	bool overrides, head;
	struct s3_sse_customer customer;
};
#define READ_INPUT(in, is_head)                                                                    \
	((struct read_input){ (in)->Bucket, (in)->Key, (in)->VersionId, (in)->ExpectedBucketOwner, \
		(in)->Range, (in)->ChecksumMode,                                                   \
		{ (in)->IfMatch, (in)->IfNoneMatch, (in)->IfModifiedSince,                         \
			(in)->IfUnmodifiedSince },                                                 \
		(in)->PartNumber,                                                                  \
		(in)->ResponseCacheControl.p || (in)->ResponseContentDisposition.p ||              \
			(in)->ResponseContentEncoding.p || (in)->ResponseContentLanguage.p ||      \
			(in)->ResponseContentType.p || (in)->ResponseExpires.set,                  \
		is_head, S3_SSE_CUSTOMER(in) })

struct read_result {
	struct s3_bucket_row b;
	struct s3_object_row o;
	struct s3_range range;
	struct str content_range, checksum;
	const unsigned char *own; /* key; NULL: none of its own */
	bool composite, by_version;
};

static int
not_modified(struct call *c, const struct read_result *r)
{
	call_header(c, "ETag", s3_etag_quoted(c, r->o.ETag));
	call_header(c, "Last-Modified", time_text(c->arena, r->o.Modified.ms, TIME_HTTP));
	if (r->o.CacheControl.p)
		call_header(c, "Cache-Control", r->o.CacheControl);
	if (r->b.Versioning.v)
		call_header(c, "x-amz-version-id", s3_version_text(&r->b, &r->o));
	return call_fail(c, &S3_NotModified, NULL);
}

static int
conditions_apply(struct call *c, const struct read_input *in, const struct read_result *r)
{
	const char *name = NULL;
	switch (s3_conditions_check(&in->when, r->o.ETag, r->o.Modified.ms, &name)) {
	case S3_COND_PASS:
		return CALL_OK;
	case S3_COND_NOT_MODIFIED:
		return not_modified(c, r);
	case S3_COND_FAILED:
		break;
	}
	call_fail(c, &S3_PreconditionFailed, NULL);
	return call_fail_field(c, "Condition", str_c(name));
}

static int
part_unsatisfiable(struct call *c, const struct read_input *in, uint32_t parts)
{
	call_fail(c, &S3_InvalidPartNumber, NULL);
	call_fail_field(c, "ActualPartCount", arena_printf(c->arena, "%u", parts));
	return call_fail_field(c, "PartNumberRequested",
		arena_printf(c->arena, "%lld", (long long)in->part_number.v));
}

static int
part_range(struct call *c, const struct read_input *in, struct read_result *r)
{
	int64_t number = in->part_number.v;
	if (number < 1 || number > S3_PARTS_MAX) {
		call_fail(c, &S3_InvalidArgument,
			"Part number must be an integer between 1 and 10000, inclusive");
		call_fail_field(c, "ArgumentName", STR("partNumber"));
		return call_fail_field(
			c, "ArgumentValue", arena_printf(c->arena, "%lld", (long long)number));
	}
	if (in->range.p)
		return call_fail(c, &S3_InvalidRequest,
			"Cannot specify both Range header and partNumber query parameter");
	if (!r->o.PartsCount.set) {
		if (number > 1)
			return part_unsatisfiable(c, in, 1);
		r->range = (struct s3_range){ 0, (uint64_t)r->o.Size.v, r->o.Size.v > 0 };
		return CALL_OK;
	}
	struct s3_parts_walk w;
	const struct s3_part_row *part;
	s3_parts_open(c, r->o.PartsId, 0, &w);
	while ((part = s3_parts_next(c, &w)) && part->Number.v != number)
		;
	if (!part)
		return part_unsatisfiable(c, in, (uint32_t)r->o.PartsCount.v);
	r->range = (struct s3_range){ w.offset, (uint64_t)part->Size.v, part->Size.v > 0 };
	r->checksum = s3_checksum_text(c, part->Checksum, false, 0);
	scan_done(&w.scan);
	return CALL_OK;
}

static int
range_choose(struct call *c, const struct read_input *in, struct read_result *r)
{
	uint64_t size = (uint64_t)r->o.Size.v;
	if (in->part_number.set) {
		if (part_range(c, in, r))
			return CALL_FAILED;
	} else if (s3_range_parse(c, in->range, size, &r->range)) {
		return CALL_FAILED;
	}
	/* A checksum is of the whole, or of the part that was asked for; never of an arbitrary
	 * piece. */
	if (!r->checksum.p && (!r->range.partial || r->range.len == size))
		r->checksum = s3_checksum_text(
			c, r->o.Checksum, r->o.ChecksumComposite.v, (uint32_t)r->o.PartsCount.v);
	if (r->range.partial) {
		c->status = 206;
		r->content_range = arena_printf(c->arena, "bytes %llu-%llu/%llu",
			(unsigned long long)r->range.from,
			(unsigned long long)(r->range.from + r->range.len - 1),
			(unsigned long long)size);
	}
	return CALL_OK;
}

/* How it is encrypted is not the reader's to say. */
static int
method_header_check(struct call *c)
{
	struct str method = call_request_header(c, STR("x-amz-server-side-encryption"));
	if (!method.p)
		return CALL_OK;
	call_fail(c, &S3_InvalidArgument,
		"x-amz-server-side-encryption header is not supported for this operation.");
	call_fail_field(c, "ArgumentName", STR("x-amz-server-side-encryption"));
	return call_fail_field(c, "ArgumentValue", method);
}

static int
object_read(struct call *c, const struct read_input *in, struct read_result *r)
{
	if (s3_bucket_open(c, in->bucket, in->owner, &r->b) || s3_key_check(c, in->key) ||
		s3_object_open(c, &r->b, in->key, in->version_id, "s3:GetObject", &r->o) ||
		conditions_apply(c, in, r))
		return CALL_FAILED;
	if (in->overrides && c->who.anonymous)
		return call_fail(c, &S3_InvalidRequest,
			"Request specific response headers cannot be used for anonymous GET "
			"requests.");
	if (method_header_check(c) ||
		(in->head ? s3_sse_customer_check(c, &r->o, &in->customer)
			  : s3_archived_check(c, &r->o) || s3_sse_open(c, &r->b, in->key, &r->o,
								   &in->customer, &r->own)))
		return CALL_FAILED;
	r->by_version = in->version_id.p;
	return range_choose(c, in, r);
}

#define OR(a, b) ((a).p ? (a) : (b))

/* Both outputs: members of the same names. */
#define READ_OUTPUT(c, in, out, r)                                                                 \
	do {                                                                                       \
		const struct s3_object_row *o_ = &(r)->o;                                          \
		(out)->AcceptRanges = STR("bytes");                                                \
		(out)->LastModified = o_->Modified;                                                \
		(out)->ContentLength = OPT_I64((int64_t)(r)->range.len);                           \
		(out)->ContentRange = (r)->content_range;                                          \
		(out)->ETag = s3_etag_quoted(c, o_->ETag);                                         \
		(out)->VersionId = s3_version_text(&(r)->b, o_);                                   \
		(out)->CacheControl = OR((in)->ResponseCacheControl, o_->CacheControl);            \
		(out)->ContentDisposition =                                                        \
			OR((in)->ResponseContentDisposition, o_->ContentDisposition);              \
		(out)->ContentEncoding = OR((in)->ResponseContentEncoding, o_->ContentEncoding);   \
		(out)->ContentLanguage = OR((in)->ResponseContentLanguage, o_->ContentLanguage);   \
		(out)->ContentType = OR((in)->ResponseContentType, o_->ContentType);               \
		(out)->Expires = (in)->ResponseExpires.set ? (in)->ResponseExpires : o_->Expires;  \
		(out)->WebsiteRedirectLocation = o_->RedirectLocation;                             \
		(out)->Metadata = o_->Metadata;                                                    \
		S3_SSE_TELL(out, o_, S3_SSE_CUSTOMER(in));                                         \
		(out)->StorageClass = o_->StorageClass;                                            \
		if (o_->PartsCount.set && (in)->PartNumber.set)                                    \
			(out)->PartsCount = o_->PartsCount;                                        \
		if (o_->Tags.n)                                                                    \
			(out)->TagCount = OPT_I64(o_->Tags.n);                                     \
		if (s3_lock_visible(c, &(r)->b, (in)->Key, o_, "s3:GetObjectRetention")) {         \
			(out)->ObjectLockMode = o_->LockMode;                                      \
			(out)->ObjectLockRetainUntilDate = o_->LockUntil;                          \
		}                                                                                  \
		if (s3_lock_visible(c, &(r)->b, (in)->Key, o_, "s3:GetObjectLegalHold"))           \
			(out)->ObjectLockLegalHoldStatus = s3_lock_hold_text(o_);                  \
		(out)->Expiration = (r)->by_version                                                \
					    ? STR_NULL                                             \
					    : s3_lifecycle_header(c, &(r)->b, (in)->Key, o_);      \
		(out)->Restore = s3_restore_header(c, o_);                                         \
		(out)->ReplicationStatus = o_->ReplicationStatus;                                  \
		if (str_is((in)->ChecksumMode, "ENABLED") && (r)->checksum.p) {                    \
			S3_CHECKSUM_SET(out, o_->ChecksumAlgorithm.v, (r)->checksum);              \
			(out)->ChecksumType = s3_checksum_type(o_);                                \
		}                                                                                  \
	} while (0)

int
s3_get_object(struct call *c, const struct s3_get_object_in *in, struct s3_get_object_out *out)
{
	struct read_result r = { 0 };
	struct read_input input = READ_INPUT(in, false);
	if (object_read(c, &input, &r))
		return CALL_FAILED;
	READ_OUTPUT(c, in, out, &r);
	s3_tiering_read(c, &r.b, in->Key, &r.o);
	out->Body = s3_body_read(c, &r.b, in->Key, &r.o, r.own, r.range.from, r.range.len);
	return CALL_OK;
}

int
s3_head_object(struct call *c, const struct s3_head_object_in *in, struct s3_head_object_out *out)
{
	struct read_result r = { 0 };
	struct read_input input = READ_INPUT(in, true);
	if (object_read(c, &input, &r))
		return CALL_FAILED;
	READ_OUTPUT(c, in, out, &r);
	if (s3_tiering_archived(&r.o))
		out->ArchiveStatus = r.o.AccessTier;
	return CALL_OK;
}
