/* Tags of S3's resources by ARN: buckets (the same tags as PutBucketTagging's) and access points.
 */
#include "base/buf.h"
#include "svc/s3control/control.h"

#define TAGS_MAX 50

static int
bucket_open(struct call *c, struct str account, struct str arn, struct s3_bucket_row *ret)
{
	if (s3control_account_check(c, account))
		return CALL_FAILED;
	if (!str_starts(arn, STR("arn:aws:s3:::")) ||
		!s3_bucket_find(c, str_slice(arn, 13, arn.len), ret))
		return call_fail(c, &S3CONTROL_NoSuchResource, NULL);
	return str_eq(ret->Owner, c->account) ? CALL_OK
					      : call_fail(c, &S3CONTROL_AccessDenied, NULL);
}

static void
save(struct call *c, struct s3_bucket_row *b)
{
	b->Generation = OPT_I64(b->Generation.v + 1);
	s3_bucket_save(c, b);
}

int
s3control_tag_resource(struct call *c, const struct s3control_tag_resource_in *in,
	struct s3control_tag_resource_out *out __attribute__((unused)))
{
	struct s3_bucket_row b = { 0 };
	if (bucket_open(c, in->AccountId, in->ResourceArn, &b))
		return CALL_FAILED;
	struct s3_tag *all = arena_array(c->arena, struct s3_tag, b.Tags.n + in->Tags.n);
	uint32_t n = 0;
	for (uint32_t i = 0; i < b.Tags.n; i++)
		all[n++] = b.Tags.v[i];
	for (uint32_t i = 0; i < in->Tags.n; i++) {
		uint32_t at = 0;
		while (at < n && !str_eq(all[at].Key, in->Tags.v[i].Key))
			at++;
		n += at == n;
		all[at].Key = in->Tags.v[i].Key;
		all[at].Value = in->Tags.v[i].Value;
	}
	if (s3_tags_check(c, all, n, TAGS_MAX))
		return CALL_FAILED;
	b.Tags.v = all;
	b.Tags.n = n;
	b.Tags.set = true;
	save(c, &b);
	return CALL_OK;
}

int
s3control_untag_resource(struct call *c, const struct s3control_untag_resource_in *in,
	struct s3control_untag_resource_out *out __attribute__((unused)))
{
	struct s3_bucket_row b = { 0 };
	uint32_t n = 0;
	if (bucket_open(c, in->AccountId, in->ResourceArn, &b))
		return CALL_FAILED;
	struct s3_tag *all = arena_array(c->arena, struct s3_tag, b.Tags.n);
	for (uint32_t i = 0; i < b.Tags.n; i++) {
		bool gone = false;
		for (uint32_t j = 0; j < in->TagKeys.n; j++)
			gone |= str_eq(b.Tags.v[i].Key, in->TagKeys.v[j]);
		if (!gone)
			all[n++] = b.Tags.v[i];
	}
	b.Tags.v = all;
	b.Tags.n = n;
	save(c, &b);
	return CALL_OK;
}

int
s3control_list_tags_for_resource(struct call *c,
	const struct s3control_list_tags_for_resource_in *in,
	struct s3control_list_tags_for_resource_out *out)
{
	struct s3_bucket_row b = { 0 };
	if (bucket_open(c, in->AccountId, in->ResourceArn, &b))
		return CALL_FAILED;
	S3_LIST_NEW(c, out->Tags, b.Tags.n);
	for (uint32_t i = 0; i < b.Tags.n; i++) {
		out->Tags.v[i].Key = b.Tags.v[i].Key;
		out->Tags.v[i].Value = b.Tags.v[i].Value;
	}
	out->Tags.n = b.Tags.n;
	return CALL_OK;
}
