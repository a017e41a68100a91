#include "svc/s3/multipart.h"
#include "svc/s3/walk.h"

static struct s3_owner *
owner_of(struct call *c, struct str account)
{
	struct s3_owner *o = arena_new(c->arena, struct s3_owner);
	o->ID = s3_canonical_id(c, account);
	o->DisplayName = s3_display_name(account);
	return o;
}

static struct s3_initiator *
initiator_of(struct call *c, const struct s3_object_row *u)
{
	struct s3_initiator *i = arena_new(c->arena, struct s3_initiator);
	/* A root is told by its canonical id, anybody else by ARN. */
	bool root = !u->Initiator.len || str_ends(u->Initiator, STR(":root"));
	i->ID = root ? s3_canonical_id(c, u->Owner) : u->Initiator;
	i->DisplayName = s3_display_name(u->Owner);
	return i;
}

static void
upload_fill(struct call *c, const struct s3_page *p, struct str key, const struct s3_object_row *u,
	struct s3_multipart_upload *e)
{
	e->Key = page_text(c, p, key);
	e->UploadId = u->VersionId;
	e->Initiated = u->Modified;
	e->StorageClass = u->StorageClass.p ? u->StorageClass : STR("STANDARD");
	e->Owner = owner_of(c, u->Owner);
	e->Initiator = initiator_of(c, u);
	if (u->ChecksumAlgorithm.set) {
		e->ChecksumAlgorithm = str_c(s3_checksum_name((unsigned)u->ChecksumAlgorithm.v));
		e->ChecksumType = s3_checksum_type(u);
	}
}

static void
uploads_walk(struct call *c, const struct s3_page *p, struct s3_walk *w,
	struct s3_list_multipart_uploads_out *out)
{
	enum walk_step step;
	struct str last = STR(""), last_id = STR("");
	uint32_t n = 0;
	while ((step = walk_next(w)) != WALK_END) {
		struct s3_object_row u = { 0 };
		if (n++ == p->max) {
			out->IsTruncated = OPT_BOOL(true);
			out->NextKeyMarker = page_text(c, p, last);
			out->NextUploadIdMarker = last_id;
			return;
		}
		last = arena_dup(c->arena, w->key);
		last_id = STR("");
		if (step == WALK_PREFIX) {
			S3_LIST_PUSH(c, out->CommonPrefixes)->Prefix = page_text(c, p, last);
		} else if (row_decode(&s3_object_row_shape, w->scan.value, c->arena, &u)) {
			last_id = u.VersionId;
			upload_fill(c, p, last, &u, S3_LIST_PUSH(c, out->Uploads));
		}
	}
}

int
s3_list_multipart_uploads(struct call *c, const struct s3_list_multipart_uploads_in *in,
	struct s3_list_multipart_uploads_out *out)
{
	struct s3_bucket_row b = { 0 };
	struct s3_page p = { 0 };
	struct s3_walk *w = arena_new(c->arena, struct s3_walk);
	uint64_t seq;
	struct str key_marker = in->KeyMarker.len ? in->KeyMarker : STR_NULL;
	bool inside = key_marker.p && in->UploadIdMarker.len && s3_id_seq(in->UploadIdMarker, &seq);
	if (s3_bucket_open(c, in->Bucket, in->ExpectedBucketOwner, &b) ||
		s3_access(c, &b, "s3:ListBucketMultipartUploads", STR_NULL, NULL) ||
		page_init(c, &p, in->Prefix, in->Delimiter, in->MaxUploads, "max-uploads",
			in->EncodingType))
		return CALL_FAILED;
	out->Bucket = b.Name;
	out->KeyMarker = page_text(c, &p, in->KeyMarker.p ? in->KeyMarker : STR(""));
	out->UploadIdMarker = in->UploadIdMarker.p ? in->UploadIdMarker : STR("");
	out->Prefix = page_text(c, &p, p.prefix);
	out->Delimiter = page_delimiter(c, &p);
	out->MaxUploads = OPT_I64(p.max);
	out->EncodingType = in->EncodingType;
	out->IsTruncated = OPT_BOOL(false);
	if (!p.max)
		return CALL_OK;
	walk_open(
		w, c, (uint64_t)b.Id.v, 'U', p.prefix, p.delimiter, inside ? STR_NULL : key_marker);
	if (inside) {
		struct key at;
		s3_key_upload(&at, (uint64_t)b.Id.v, key_marker, seq + 1);
		walk_seek(w, &at);
		w->after = key_marker;
	}
	uploads_walk(c, &p, w, out);
	walk_done(w);
	return CALL_OK;
}

static void
part_fill(struct call *c, const struct s3_object_row *u, const struct s3_part_row *part,
	struct s3_part *e)
{
	e->PartNumber = part->Number;
	e->Size = part->Size;
	e->LastModified = part->Modified;
	e->ETag = s3_etag_quoted(c, hex_text(c->arena, part->ETag));
	if (u->ChecksumAlgorithm.set)
		S3_CHECKSUM_SET(
			e, u->ChecksumAlgorithm.v, s3_checksum_text(c, part->Checksum, false, 0));
}

static void
parts_walk(struct call *c, const struct s3_object_row *u, uint64_t marker, uint32_t max,
	struct s3_list_parts_out *out)
{
	struct s3_part_row part;
	struct scan s;
	out->NextPartNumberMarker = OPT_I64(0);
	parts_scan(c, u, marker + 1, &s);
	while (parts_scan_next(c, &s, &part)) {
		if (out->Parts.n == max) {
			out->IsTruncated = OPT_BOOL(true);
			break;
		}
		out->NextPartNumberMarker = part.Number;
		part_fill(c, u, &part, S3_LIST_PUSH(c, out->Parts));
	}
	scan_done(&s);
}

static int
bound_check(struct call *c, struct opt_i64 v, const char *name)
{
	if (!v.set || (v.v >= 0 && v.v <= INT32_MAX))
		return CALL_OK;
	call_fail(c, &S3_InvalidArgument, "Argument %s must be an integer between 0 and 2147483647",
		name);
	call_fail_field(c, "ArgumentName", str_c(name));
	return call_fail_field(c, "ArgumentValue", arena_printf(c->arena, "%lld", (long long)v.v));
}

int
s3_list_parts(struct call *c, const struct s3_list_parts_in *in, struct s3_list_parts_out *out)
{
	struct s3_bucket_row b = { 0 };
	struct s3_object_row u = { 0 };
	if (s3_bucket_open(c, in->Bucket, in->ExpectedBucketOwner, &b) ||
		s3_access(c, &b, "s3:ListMultipartUploadParts", in->Key, NULL) ||
		upload_open(c, &b, in->Key, in->UploadId, &u) ||
		bound_check(c, in->MaxParts, "max-parts") ||
		bound_check(c, in->PartNumberMarker, "part-number-marker"))
		return CALL_FAILED;
	uint32_t max = !in->MaxParts.set || in->MaxParts.v > 1000 ? 1000 : (uint32_t)in->MaxParts.v;
	out->Bucket = in->Bucket;
	out->Key = in->Key;
	out->UploadId = in->UploadId;
	out->PartNumberMarker = OPT_I64(in->PartNumberMarker.v);
	out->MaxParts = OPT_I64(max);
	out->IsTruncated = OPT_BOOL(false);
	out->Owner = owner_of(c, u.Owner);
	out->Initiator = initiator_of(c, &u);
	out->StorageClass = u.StorageClass.p ? u.StorageClass : STR("STANDARD");
	if (u.ChecksumAlgorithm.set) {
		out->ChecksumAlgorithm = str_c(s3_checksum_name((unsigned)u.ChecksumAlgorithm.v));
		out->ChecksumType = s3_checksum_type(&u);
	}
	parts_walk(c, &u, (uint64_t)in->PartNumberMarker.v, max, out);
	return CALL_OK;
}
