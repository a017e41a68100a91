/* PutBucketAcl, GetBucketAcl, PutObjectAcl, GetObjectAcl. */
#include "svc/s3/access.h"
#include "svc/s3/rules.h"

#define CLAIM(in)                                                                                  \
	((struct s3_acl_claim){ (in)->ACL, (in)->GrantFullControl, (in)->GrantRead,                \
		(in)->GrantReadACP, (in)->GrantWrite, (in)->GrantWriteACP,                         \
		(in)->AccessControlPolicy })

/* The list that the request wants, allowed by ownership and the public access block. */
static int
acl_wanted(struct call *c, const struct s3_bucket_row *b, const struct s3_acl_place *at,
	const struct s3_acl_claim *k, const char *action, struct str key, struct s3_acl_row *ret)
{
	const struct s3_rules *rules = s3_rules_get(c, b);
	unsigned block = rules->block;
	bool off = rules->acl_off;
	if (!s3_acl_claimed(k)) {
		call_fail(c, &S3_MissingSecurityHeader, NULL);
		return call_fail_field(c, "MissingHeaderName", STR("x-amz-acl"));
	}
	/* Also a list that would say what holds anyway, "private" among them. */
	if (off)
		return call_fail(c, &S3_AccessControlListNotSupported, NULL);
	if (s3_acl_build(c, at, k, ret))
		return CALL_FAILED;
	if ((block & S3_BLOCK_ACLS) && s3_acl_is_public(ret))
		return s3_access_blocked(
			c, b, action, key, "access control lists (ACLs)", "BlockPublicAcls");
	return CALL_OK;
}

int
s3_put_bucket_acl(struct call *c, const struct s3_put_bucket_acl_in *in,
	struct s3_put_bucket_acl_out *out __attribute__((unused)))
{
	struct s3_bucket_row b = { 0 };
	struct s3_acl_row acl;
	struct s3_acl_claim k = CLAIM(in);
	if (s3_config_open(c, in->Bucket, in->ExpectedBucketOwner, "s3:PutBucketAcl", &b))
		return CALL_FAILED;
	struct s3_acl_place at = { b.Owner, b.Owner, false };
	if (acl_wanted(c, &b, &at, &k, "s3:PutBucketAcl", STR_NULL, &acl))
		return CALL_FAILED;
	s3_config_put(c, &b, S3_CONFIG_ACL, s3_acl_encode(c, &at, &acl));
	return CALL_OK;
}

/* The names of those that are known here; a canonical id does not say whose it is. */
static void
names_tell(struct call *c, const struct s3_acl_place *at, struct s3_owner *owner,
	struct s3_grant_list *grants)
{
	const struct str known[] = { at->owner, at->bucket_owner, c->who.account };
	if (!s3_buckets_as_before_2023())
		return;
	owner->DisplayName = s3_display_name(at->owner);
	for (uint32_t i = 0; i < grants->n; i++) {
		struct s3_grantee *g = arena_new(c->arena, struct s3_grantee);
		*g = *grants->v[i].Grantee;
		for (size_t k = 0; k < 3 && g->ID.p; k++)
			if (str_eq(g->ID, s3_acl_owner_id(c, known[k])))
				g->DisplayName = s3_display_name(known[k]);
		grants->v[i].Grantee = g;
	}
}

int
s3_get_bucket_acl(
	struct call *c, const struct s3_get_bucket_acl_in *in, struct s3_get_bucket_acl_out *out)
{
	struct s3_bucket_row b = { 0 };
	if (s3_config_open(c, in->Bucket, in->ExpectedBucketOwner, "s3:GetBucketAcl", &b))
		return CALL_FAILED;
	struct s3_acl_place at = { b.Owner, b.Owner, false };
	const struct s3_rules *rules = s3_rules_get(c, &b);
	s3_acl_grants(c, &at, rules->acl_set && !rules->acl_off ? &rules->acl : NULL, &out->Grants);
	out->Owner = arena_alloc(c->arena, sizeof(*out->Owner));
	out->Owner->ID = s3_acl_owner_id(c, b.Owner);
	names_tell(c, &at, out->Owner, &out->Grants);
	return CALL_OK;
}

int
s3_put_object_acl(
	struct call *c, const struct s3_put_object_acl_in *in, struct s3_put_object_acl_out *out)
{
	struct s3_bucket_row b = { 0 };
	struct s3_object_row o = { 0 };
	struct s3_acl_row acl;
	struct s3_acl_claim k = CLAIM(in);
	(void)out;
	if (s3_bucket_open(c, in->Bucket, in->ExpectedBucketOwner, &b) ||
		s3_object_open(c, &b, in->Key, in->VersionId, "s3:PutObjectAcl", &o))
		return CALL_FAILED;
	struct s3_acl_place at = { o.Owner, b.Owner, true };
	if (acl_wanted(c, &b, &at, &k, "s3:PutObjectAcl", in->Key, &acl))
		return CALL_FAILED;
	o.Acl = s3_acl_encode(c, &at, &acl);
	s3_version_update(c, &b, in->Key, &o);
	struct str version = s3_version_text(&b, &o);
	if (version.p)
		call_header(c, "x-amz-version-id", version);
	return CALL_OK;
}

int
s3_get_object_acl(
	struct call *c, const struct s3_get_object_acl_in *in, struct s3_get_object_acl_out *out)
{
	struct s3_bucket_row b = { 0 };
	struct s3_object_row o = { 0 };
	struct s3_acl_row acl;
	if (s3_bucket_open(c, in->Bucket, in->ExpectedBucketOwner, &b) ||
		s3_object_open(c, &b, in->Key, in->VersionId, "s3:GetObjectAcl", &o))
		return CALL_FAILED;
	bool off = s3_rules_get(c, &b)->acl_off;
	struct str owner = off ? b.Owner : o.Owner;
	struct s3_acl_place at = { owner, b.Owner, true };
	bool listed = !off && o.Acl.p && s3_acl_decode(o.Acl, c->arena, &acl);
	s3_acl_grants(c, &at, listed ? &acl : NULL, &out->Grants);
	out->Owner = arena_alloc(c->arena, sizeof(*out->Owner));
	out->Owner->ID = s3_acl_owner_id(c, owner);
	names_tell(c, &at, out->Owner, &out->Grants);
	struct str version = s3_version_text(&b, &o);
	if (version.p)
		call_header(c, "x-amz-version-id", version);
	return CALL_OK;
}
