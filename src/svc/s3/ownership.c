/* Who owns what is written, and whether lists count at all. */
#include "svc/s3/access.h"
#include "svc/s3/rules.h"

#include <stdlib.h>

static bool
bucket_acl_is_plain(struct call *c, const struct s3_bucket_row *b)
{
	struct s3_acl_place at = { b->Owner, b->Owner, false };
	struct s3_acl_row acl;
	struct str bytes;
	if (!s3_config_get(c, b, S3_CONFIG_ACL, &bytes))
		return true;
	return s3_acl_decode(bytes, c->arena, &acl) && s3_acl_is_plain(c, &at, &acl);
}

int
s3_put_bucket_ownership_controls(struct call *c,
	const struct s3_put_bucket_ownership_controls_in *in,
	struct s3_put_bucket_ownership_controls_out *out __attribute__((unused)))
{
	struct s3_bucket_row b = { 0 };
	const struct s3_ownership_controls *o = in->OwnershipControls;
	if (s3_config_open(
		    c, in->Bucket, in->ExpectedBucketOwner, "s3:PutBucketOwnershipControls", &b))
		return CALL_FAILED;
	if (!o || o->Rules.n != 1)
		return call_fail(c, &S3_MalformedXML, NULL);
	struct str to = o->Rules.v[0].ObjectOwnership;
	bool enforced = str_is(to, "BucketOwnerEnforced");
	if (!enforced && !str_is(to, "BucketOwnerPreferred") && !str_is(to, "ObjectWriter"))
		return call_fail(c, &S3_MalformedXML, NULL);
	if (enforced && !bucket_acl_is_plain(c, &b))
		return call_fail(c, &S3_InvalidBucketAclWithObjectOwnership, NULL);
	b.Ownership = to;
	s3_config_put(c, &b, S3_CONFIG_OWNERSHIP, STR("1"));
	return CALL_OK;
}

int
s3_get_bucket_ownership_controls(struct call *c,
	const struct s3_get_bucket_ownership_controls_in *in,
	struct s3_get_bucket_ownership_controls_out *out)
{
	struct s3_bucket_row b = { 0 };
	if (s3_config_open(
		    c, in->Bucket, in->ExpectedBucketOwner, "s3:GetBucketOwnershipControls", &b))
		return CALL_FAILED;
	if (!b.Ownership.len) {
		call_fail(c, &S3_OwnershipControlsNotFoundError, NULL);
		return call_fail_field(c, "BucketName", in->Bucket);
	}
	out->OwnershipControls = arena_alloc(c->arena, sizeof(*out->OwnershipControls));
	S3_LIST_NEW(c, out->OwnershipControls->Rules, 1);
	out->OwnershipControls->Rules.n = 1;
	out->OwnershipControls->Rules.v[0].ObjectOwnership = b.Ownership;
	return CALL_OK;
}

int
s3_delete_bucket_ownership_controls(struct call *c,
	const struct s3_delete_bucket_ownership_controls_in *in,
	struct s3_delete_bucket_ownership_controls_out *out __attribute__((unused)))
{
	struct s3_bucket_row b = { 0 };
	if (s3_config_open(
		    c, in->Bucket, in->ExpectedBucketOwner, "s3:PutBucketOwnershipControls", &b))
		return CALL_FAILED;
	b.Ownership = STR_NULL;
	s3_config_put(c, &b, S3_CONFIG_OWNERSHIP, STR_NULL);
	return CALL_OK;
}

/* ---- new objects and buckets ---- */

/* The key in "/bucket/key": where an object is written to is where the request goes. */
static struct str
key_of_path(struct call *c)
{
	struct str rest = str_slice(c->path, 1, c->path.len);
	str_cut(&rest, '/');
	return rest.p ? uri_decode(c->arena, rest, 0) : STR("");
}

static int
owned_by_bucket(struct call *c, const struct s3_bucket_row *b, const struct s3_acl_claim *k,
	struct s3_object_row *o)
{
	o->Owner = b->Owner;
	bool harmless = !k->canned.p || str_is(k->canned, "bucket-owner-full-control");
	struct s3_acl_claim grants = *k;
	grants.canned = STR_NULL;
	if (!harmless || s3_acl_claimed(&grants))
		return call_fail(c, &S3_AccessControlListNotSupported, NULL);
	return CALL_OK;
}

int
s3_access_new_object(struct call *c, const struct s3_bucket_row *b, struct s3_object_row *o)
{
	struct s3_acl_claim k = s3_acl_claim_headers(c);
	struct s3_acl_row acl;
	const struct s3_rules *rules = s3_rules_get(c, b);
	if (rules->acl_off)
		return owned_by_bucket(c, b, &k, o);
	bool given = str_is(b->Ownership, "BucketOwnerPreferred") &&
		     str_is(k.canned, "bucket-owner-full-control");
	o->Owner = given ? b->Owner : c->who.anonymous ? STR(S3_ANONYMOUS_OWNER) : c->who.account;
	if (!s3_acl_claimed(&k))
		return CALL_OK;
	struct s3_acl_place at = { o->Owner, b->Owner, true };
	unsigned block = rules->block;
	struct str key = key_of_path(c);
	if (s3_access(c, b, "s3:PutObjectAcl", key, NULL) || s3_acl_build(c, &at, &k, &acl))
		return CALL_FAILED;
	if ((block & S3_BLOCK_ACLS) && s3_acl_is_public(&acl))
		return s3_access_blocked(c, b, "s3:PutObject", key, "access control lists (ACLs)",
			"BlockPublicAcls");
	o->Acl = s3_acl_encode(c, &at, &acl);
	return CALL_OK;
}

bool
s3_buckets_as_before_2023(void)
{
	static _Atomic int known = -1;
	if (known < 0)
		known = getenv("HANEUL_S3_OLD_BUCKETS") != NULL;
	return known;
}

struct str
s3_display_name(struct str account)
{
	return s3_buckets_as_before_2023() ? account : STR_NULL;
}

struct str
s3_ownership_default(void)
{
	return s3_buckets_as_before_2023() ? STR("ObjectWriter") : STR("BucketOwnerEnforced");
}

int
s3_access_new_bucket(struct call *c, struct s3_bucket_row *b)
{
	struct s3_acl_claim k = s3_acl_claim_headers(c);
	struct s3_acl_place at = { b->Owner, b->Owner, false };
	struct s3_acl_row acl;
	uint64_t start;
	struct str arn = arena_concat(c->arena, STR("arn:aws:s3:::"), b->Name), bytes = STR_NULL;
	if (call_authorize(c, "s3:CreateBucket", arn, STR_NULL))
		return CALL_FAILED;
	/* Never one that a cache saw, whichever bucket of whichever store it was. */
	call_random(c, &start, sizeof(start));
	b->Generation = OPT_I64((int64_t)(start >> 2));
	if (s3_acl_claimed(&k)) {
		if (s3_acl_build(c, &at, &k, &acl))
			return CALL_FAILED;
		bytes = s3_acl_encode(c, &at, &acl);
		if (bytes.p && str_is(b->Ownership, "BucketOwnerEnforced"))
			return call_fail(c, &S3_InvalidBucketAclWithObjectOwnership, NULL);
		if (s3_acl_is_public(&acl) && !s3_buckets_as_before_2023())
			return call_fail(c, &S3_InvalidBucketAclWithBlockPublicAccessError, NULL);
	}
	if (bytes.p)
		s3_config_put(c, b, S3_CONFIG_ACL, bytes);
	if (!s3_buckets_as_before_2023())
		s3_block_put(c, b, S3_BLOCK_ALL);
	return CALL_OK;
}
