#include "svc/s3/events.h"
#include "svc/s3/s3.h"

#include <stdlib.h>

#define BUCKET_TAGS_MAX 50
#define OBJECT_TAGS_MAX 10

int
s3_put_bucket_tagging(struct call *c, const struct s3_put_bucket_tagging_in *in,
	struct s3_put_bucket_tagging_out *out __attribute__((unused)))
{
	struct s3_bucket_row b = { 0 };
	if (s3_bucket_open(c, in->Bucket, in->ExpectedBucketOwner, &b) ||
		s3_access(c, &b, "s3:PutBucketTagging", STR_NULL, NULL))
		return CALL_FAILED;
	if (!in->Tagging)
		return call_fail(c, &S3_MalformedXML, NULL);
	if (s3_tags_check(c, in->Tagging->TagSet.v, in->Tagging->TagSet.n, BUCKET_TAGS_MAX))
		return CALL_FAILED;
	b.Tags = in->Tagging->TagSet;
	b.Generation = OPT_I64(b.Generation.v + 1);
	s3_bucket_save(c, &b);
	return CALL_OK;
}

int
s3_get_bucket_tagging(struct call *c, const struct s3_get_bucket_tagging_in *in,
	struct s3_get_bucket_tagging_out *out)
{
	struct s3_bucket_row b = { 0 };
	if (s3_bucket_open(c, in->Bucket, in->ExpectedBucketOwner, &b) ||
		s3_access(c, &b, "s3:GetBucketTagging", STR_NULL, NULL))
		return CALL_FAILED;
	if (!b.Tags.n) {
		call_fail(c, &S3_NoSuchTagSet, NULL);
		return call_fail_field(c, "BucketName", b.Name);
	}
	out->TagSet = b.Tags;
	return CALL_OK;
}

int
s3_delete_bucket_tagging(struct call *c, const struct s3_delete_bucket_tagging_in *in,
	struct s3_delete_bucket_tagging_out *out __attribute__((unused)))
{
	struct s3_bucket_row b = { 0 };
	if (s3_bucket_open(c, in->Bucket, in->ExpectedBucketOwner, &b) ||
		s3_access(c, &b, "s3:PutBucketTagging", STR_NULL, NULL))
		return CALL_FAILED;
	b.Tags = (struct s3_tag_list){ 0 };
	b.Generation = OPT_I64(b.Generation.v + 1);
	s3_bucket_save(c, &b);
	return CALL_OK;
}

int
s3_put_object_tagging(struct call *c, const struct s3_put_object_tagging_in *in,
	struct s3_put_object_tagging_out *out)
{
	struct s3_bucket_row b = { 0 };
	struct s3_object_row o = { 0 };
	if (s3_bucket_open(c, in->Bucket, in->ExpectedBucketOwner, &b) ||
		s3_object_open(c, &b, in->Key, in->VersionId, "s3:PutObjectTagging", &o))
		return CALL_FAILED;
	if (!in->Tagging)
		return call_fail(c, &S3_MalformedXML, NULL);
	if (s3_tags_check(c, in->Tagging->TagSet.v, in->Tagging->TagSet.n, OBJECT_TAGS_MAX))
		return CALL_FAILED;
	o.Tags = in->Tagging->TagSet;
	s3_version_update(c, &b, in->Key, &o);
	s3_event_object(c, &b, "s3:ObjectTagging:Put", in->Key, &o);
	out->VersionId = s3_version_text(&b, &o);
	return CALL_OK;
}

static int
by_key(const void *x, const void *y)
{
	const struct s3_tag *a = x, *b = y;
	return str_cmp(a->Key, b->Key);
}

int
s3_get_object_tagging(struct call *c, const struct s3_get_object_tagging_in *in,
	struct s3_get_object_tagging_out *out)
{
	struct s3_bucket_row b = { 0 };
	struct s3_object_row o = { 0 };
	if (s3_bucket_open(c, in->Bucket, in->ExpectedBucketOwner, &b) ||
		s3_object_open(c, &b, in->Key, in->VersionId, "s3:GetObjectTagging", &o))
		return CALL_FAILED;
	out->TagSet = o.Tags;
	out->TagSet.set = true;
	if (o.Tags.n)
		qsort(o.Tags.v, o.Tags.n, sizeof(*o.Tags.v), by_key);
	out->VersionId = s3_version_text(&b, &o);
	return CALL_OK;
}

int
s3_delete_object_tagging(struct call *c, const struct s3_delete_object_tagging_in *in,
	struct s3_delete_object_tagging_out *out)
{
	struct s3_bucket_row b = { 0 };
	struct s3_object_row o = { 0 };
	if (s3_bucket_open(c, in->Bucket, in->ExpectedBucketOwner, &b) ||
		s3_object_open(c, &b, in->Key, in->VersionId, "s3:DeleteObjectTagging", &o))
		return CALL_FAILED;
	o.Tags = (struct s3_tag_list){ 0 };
	s3_version_update(c, &b, in->Key, &o);
	s3_event_object(c, &b, "s3:ObjectTagging:Delete", in->Key, &o);
	out->VersionId = s3_version_text(&b, &o);
	return CALL_OK;
}
