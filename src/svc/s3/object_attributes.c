#include "svc/s3/sse.h"
#include "svc/s3/walk.h"

static bool
asked(const struct s3_get_object_attributes_in *in, const char *name)
{
	for (uint32_t i = 0; i < in->ObjectAttributes.n; i++)
		if (str_eq(in->ObjectAttributes.v[i], str_c(name)))
			return true;
	return false;
}

static int
names_check(struct call *c, const struct s3_get_object_attributes_in *in)
{
	static const char *const names[] = { "ETag", "Checksum", "ObjectParts", "StorageClass",
		"ObjectSize" };
	uint32_t known = 0;
	for (uint32_t i = 0; i < in->ObjectAttributes.n; i++)
		for (size_t j = 0; j < sizeof(names) / sizeof(*names); j++)
			known += str_eq(in->ObjectAttributes.v[i], str_c(names[j]));
	if (known && known == in->ObjectAttributes.n)
		return CALL_OK;
	call_fail(c, &S3_InvalidArgument, "Invalid attribute name specified.");
	return call_fail_field(c, "ArgumentName", STR("x-amz-object-attributes"));
}

static void
part_fill(struct call *c, const struct s3_object_row *o, const struct s3_part_row *part,
	struct s3_object_part *e)
{
	e->PartNumber = part->Number;
	e->Size = part->Size;
	S3_CHECKSUM_SET(e, o->ChecksumAlgorithm.v, s3_checksum_text(c, part->Checksum, false, 0));
}

static struct s3_get_object_attributes_parts *
parts_make(
	struct call *c, const struct s3_get_object_attributes_in *in, const struct s3_object_row *o)
{
	struct s3_get_object_attributes_parts *p =
		arena_new(c->arena, struct s3_get_object_attributes_parts);
	int64_t max = in->MaxParts.set && in->MaxParts.v >= 0 && in->MaxParts.v < 1000
			      ? in->MaxParts.v
			      : 1000;
	int64_t marker = in->PartNumberMarker.v > 0 ? in->PartNumberMarker.v : 0;
	struct s3_parts_walk w;
	const struct s3_part_row *part;
	p->TotalPartsCount = o->PartsCount;
	p->MaxParts = OPT_I64(max);
	p->PartNumberMarker = OPT_I64(marker);
	p->NextPartNumberMarker = OPT_I64(0);
	p->IsTruncated = OPT_BOOL(false);
	s3_parts_open(c, o->PartsId, 0, &w);
	while ((part = s3_parts_next(c, &w))) {
		if (part->Number.v <= marker)
			continue;
		if (p->Parts.n == max) {
			p->IsTruncated = OPT_BOOL(true);
			break;
		}
		p->NextPartNumberMarker = part->Number;
		part_fill(c, o, part, S3_LIST_PUSH(c, p->Parts));
	}
	if (part)
		scan_done(&w.scan);
	return p;
}

int
s3_get_object_attributes(struct call *c, const struct s3_get_object_attributes_in *in,
	struct s3_get_object_attributes_out *out)
{
	struct s3_bucket_row b = { 0 };
	struct s3_object_row o = { 0 };
	struct s3_sse_customer customer = S3_SSE_CUSTOMER(in);
	if (s3_bucket_open(c, in->Bucket, in->ExpectedBucketOwner, &b) ||
		s3_object_open(c, &b, in->Key, in->VersionId, "s3:GetObjectAttributes", &o) ||
		names_check(c, in) || s3_sse_customer_check(c, &o, &customer))
		return CALL_FAILED;
	out->LastModified = o.Modified;
	out->VersionId = s3_version_text(&b, &o);
	if (asked(in, "ETag"))
		out->ETag = o.ETag; /* the only place where it is told without quotes */
	if (asked(in, "ObjectSize"))
		out->ObjectSize = o.Size;
	if (asked(in, "StorageClass"))
		out->StorageClass = o.StorageClass.p ? o.StorageClass : STR("STANDARD");
	if (asked(in, "ObjectParts") && o.PartsCount.set)
		out->ObjectParts = parts_make(c, in, &o);
	if (asked(in, "Checksum") && o.Checksum.p) {
		struct s3_checksum *sum = arena_new(c->arena, struct s3_checksum);
		S3_CHECKSUM_SET(sum, o.ChecksumAlgorithm.v,
			s3_checksum_text(
				c, o.Checksum, o.ChecksumComposite.v, (uint32_t)o.PartsCount.v));
		sum->ChecksumType = s3_checksum_type(&o);
		out->Checksum = sum;
	}
	return CALL_OK;
}
