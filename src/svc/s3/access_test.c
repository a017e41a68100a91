#include "svc/s3/rules.h"
#include "svc/s3/s3_rig.h"

#define OTHER "444455556666"
#define BUCKET STR("site")
#define PUBLIC_READ                                                                                \
	"{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"s3:GetObject\","   \
	"\"Resource\":\"arn:aws:s3:::site/*\"}]}"

static void
become(struct rig *r, const char *account)
{
	r->account = str_c(account);
}

static void
block_off(struct rig *r)
{
	struct s3_delete_public_access_block_out out;
	assert_int_equal(
		RIG(r, DeletePublicAccessBlock, delete_public_access_block, &out, .Bucket = BUCKET),
		0);
}

static void
policy_put(struct rig *r, const char *text)
{
	struct s3_put_bucket_policy_out out;
	int result = RIG(r, PutBucketPolicy, put_bucket_policy, &out, .Bucket = BUCKET,
		.Policy = str_c(text));
	if (result)
		fail_msg("%s: %.*s", text, STR_FMT(r->c.error_message));
}

static void
ownership_put(struct rig *r, struct str to)
{
	struct s3_put_bucket_ownership_controls_out out;
	struct s3_ownership_controls_rule rule = { to };
	struct s3_ownership_controls controls = { { &rule, 1, true } };
	assert_int_equal(RIG(r, PutBucketOwnershipControls, put_bucket_ownership_controls, &out,
				 .Bucket = BUCKET, .OwnershipControls = &controls),
		0);
}

static int
object_get(struct rig *r, struct str key)
{
	struct s3_get_object_out out;
	return RIG(r, GetObject, get_object, &out, .Bucket = BUCKET, .Key = key);
}

static void
rig_site(struct rig *r)
{
	rig_open(r);
	rig_bucket(r, BUCKET);
	rig_put(r, BUCKET, STR("a"), STR("hello"));
}

TEST(s3_bucket_is_private_at_first)
{
	struct rig r;
	struct s3_get_public_access_block_out block;
	struct s3_put_bucket_policy_out put;
	rig_site(&r);
	assert_int_equal(object_get(&r, STR("a")), CALL_OK);
	become(&r, OTHER);
	assert_failed(&r, object_get(&r, STR("a")), "AccessDenied");
	assert_failed(&r, object_get(&r, STR("missing")), "AccessDenied");
	become(&r, "");
	assert_failed(&r, object_get(&r, STR("a")), "AccessDenied");
	become(&r, RIG_ACCOUNT);
	assert_failed(&r, object_get(&r, STR("missing")), "NoSuchKey");
	assert_int_equal(
		RIG(&r, GetPublicAccessBlock, get_public_access_block, &block, .Bucket = BUCKET),
		0);
	assert_true(block.PublicAccessBlockConfiguration->RestrictPublicBuckets.v);
	assert_failed(&r,
		RIG(&r, PutBucketPolicy, put_bucket_policy, &put, .Bucket = BUCKET,
			.Policy = STR(PUBLIC_READ)),
		"AccessDenied");
	rig_close(&r);
}

TEST(s3_public_policy_opens_reads_only)
{
	struct rig r;
	struct s3_list_objects_v2_out list;
	struct s3_get_bucket_policy_status_out status;
	rig_site(&r);
	block_off(&r);
	policy_put(&r, PUBLIC_READ);
	assert_int_equal(
		RIG(&r, GetBucketPolicyStatus, get_bucket_policy_status, &status, .Bucket = BUCKET),
		0);
	assert_true(status.PolicyStatus->IsPublic.v);
	become(&r, "");
	assert_int_equal(object_get(&r, STR("a")), CALL_OK);
	assert_failed(&r, object_get(&r, STR("missing")), "AccessDenied");
	assert_failed(&r, RIG(&r, ListObjectsV2, list_objects_v2, &list, .Bucket = BUCKET),
		"AccessDenied");
	become(&r, OTHER);
	assert_int_equal(object_get(&r, STR("a")), CALL_OK);
	/* Restricting takes it back at once, on the thread that had it cached too. */
	struct s3_put_public_access_block_out out;
	struct s3_public_access_block_configuration p = { .RestrictPublicBuckets = OPT_BOOL(true) };
	become(&r, RIG_ACCOUNT);
	assert_int_equal(RIG(&r, PutPublicAccessBlock, put_public_access_block, &out,
				 .Bucket = BUCKET, .PublicAccessBlockConfiguration = &p),
		0);
	become(&r, OTHER);
	assert_failed(&r, object_get(&r, STR("a")), "AccessDenied");
	rig_close(&r);
}

TEST(s3_policy_denies_even_the_owner_but_can_be_removed)
{
	struct rig r;
	struct s3_delete_bucket_policy_out out;
	rig_site(&r);
	policy_put(&r,
		"{\"Statement\":[{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"s3:*\","
		"\"Resource\":[\"arn:aws:s3:::site\",\"arn:aws:s3:::site/*\"]}]}");
	assert_failed(&r, object_get(&r, STR("a")), "AccessDenied");
	assert_int_equal(
		RIG(&r, DeleteBucketPolicy, delete_bucket_policy, &out, .Bucket = BUCKET), 0);
	assert_int_equal(object_get(&r, STR("a")), CALL_OK);
	rig_close(&r);
}

static const struct {
	const char *policy, *code;
} bad_policies[] = {
	{ "", "MalformedPolicy" },
	{ "{}", "MalformedPolicy" },
	{ "[]", "MalformedPolicy" },
	{ "{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"s3:*\","
	  "\"Resource\":\"arn:aws:s3:::site2/*\"}]}",
		"MalformedPolicy" },
	{ "{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"s3:GetObject\","
	  "\"Resource\":\"arn:aws:s3:::site/*\"}]}",
		"MalformedPolicy" },
};

TEST(s3_bad_policies)
{
	struct rig r;
	struct s3_put_bucket_policy_out out;
	struct s3_get_bucket_policy_out got;
	rig_site(&r);
	for (size_t i = 0; i < sizeof(bad_policies) / sizeof(*bad_policies); i++)
		assert_failed(&r,
			RIG(&r, PutBucketPolicy, put_bucket_policy, &out, .Bucket = BUCKET,
				.Policy = str_c(bad_policies[i].policy)),
			bad_policies[i].code);
	assert_failed(&r, RIG(&r, GetBucketPolicy, get_bucket_policy, &got, .Bucket = BUCKET),
		"NoSuchBucketPolicy");
	rig_close(&r);
}

static int
bucket_acl_put(struct rig *r, const char *canned)
{
	struct s3_put_bucket_acl_out out;
	return RIG(r, PutBucketAcl, put_bucket_acl, &out, .Bucket = BUCKET, .ACL = str_c(canned));
}

TEST(s3_acls_count_only_where_ownership_lets_them)
{
	struct rig r;
	struct s3_list_objects_v2_out list;
	struct s3_get_bucket_acl_out acl;
	rig_site(&r);
	assert_failed(&r, bucket_acl_put(&r, "public-read"), "AccessControlListNotSupported");
	assert_failed(&r, bucket_acl_put(&r, "private"), "AccessControlListNotSupported");
	ownership_put(&r, STR("ObjectWriter"));
	assert_failed(&r, bucket_acl_put(&r, "public-read"), "AccessDenied");
	block_off(&r);
	assert_failed(&r, bucket_acl_put(&r, "no-such"), "InvalidArgument");
	assert_int_equal(bucket_acl_put(&r, "public-read"), CALL_OK);
	become(&r, "");
	assert_int_equal(RIG(&r, ListObjectsV2, list_objects_v2, &list, .Bucket = BUCKET), CALL_OK);
	assert_failed(&r, object_get(&r, STR("a")), "AccessDenied");
	assert_failed(&r, object_get(&r, STR("missing")), "NoSuchKey");
	become(&r, RIG_ACCOUNT);
	assert_int_equal(RIG(&r, GetBucketAcl, get_bucket_acl, &acl, .Bucket = BUCKET), CALL_OK);
	assert_int_equal(acl.Grants.n, 2);
	assert_str(acl.Grants.v[1].Permission, "READ");
	assert_int_equal(acl.Owner->ID.len, 64);
	struct s3_put_public_access_block_out out;
	struct s3_public_access_block_configuration p = { .IgnorePublicAcls = OPT_BOOL(true) };
	assert_int_equal(RIG(&r, PutPublicAccessBlock, put_public_access_block, &out,
				 .Bucket = BUCKET, .PublicAccessBlockConfiguration = &p),
		0);
	become(&r, "");
	assert_failed(&r, RIG(&r, ListObjectsV2, list_objects_v2, &list, .Bucket = BUCKET),
		"AccessDenied");
	rig_close(&r);
}

TEST(s3_object_of_another_account_is_that_account_s)
{
	struct rig r;
	struct s3_put_object_acl_out out;
	rig_site(&r);
	ownership_put(&r, STR("ObjectWriter"));
	policy_put(&r,
		"{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"" OTHER "\"},"
		"\"Action\":\"s3:*\",\"Resource\":[\"arn:aws:s3:::site\",\"arn:aws:s3:::site/"
		"*\"]}]}");
	become(&r, OTHER);
	rig_put(&r, BUCKET, STR("theirs"), STR("x"));
	assert_int_equal(object_get(&r, STR("theirs")), CALL_OK);
	become(&r, RIG_ACCOUNT);
	assert_failed(&r, object_get(&r, STR("theirs")), "AccessDenied");
	become(&r, OTHER);
	assert_int_equal(RIG(&r, PutObjectAcl, put_object_acl, &out, .Bucket = BUCKET,
				 .Key = STR("theirs"), .ACL = STR("bucket-owner-full-control")),
		0);
	become(&r, RIG_ACCOUNT);
	assert_int_equal(object_get(&r, STR("theirs")), CALL_OK);
	/* Enforced ownership makes everything the bucket owner's again. */
	ownership_put(&r, STR("BucketOwnerEnforced"));
	assert_int_equal(object_get(&r, STR("theirs")), CALL_OK);
	rig_close(&r);
}

TEST(s3_grants_from_headers)
{
	struct rig r;
	struct s3_put_bucket_acl_out out;
	rig_site(&r);
	ownership_put(&r, STR("BucketOwnerPreferred"));
	block_off(&r);
	static const struct {
		const char *grant, *code;
	} cases[] = {
		{ "uri=\"http://acs.amazonaws.com/groups/global/AllUsers\"", NULL },
		{ "uri=http://acs.amazonaws.com/groups/global/AuthenticatedUsers, "
		  "id=\"79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be\"",
			NULL },
		{ "uri=\"http://example.com/\"", "InvalidArgument" },
		{ "id=\"123\"", "InvalidArgument" },
		{ "emailAddress=\"x@example.com\"", "UnresolvableGrantByEmailAddress" },
		{ "nonsense", "InvalidArgument" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int result = RIG(&r, PutBucketAcl, put_bucket_acl, &out, .Bucket = BUCKET,
			.GrantRead = str_c(cases[i].grant));
		if (cases[i].code)
			assert_failed(&r, result, cases[i].code);
		else
			assert_int_equal(result, CALL_OK);
	}
	assert_failed(&r, RIG(&r, PutBucketAcl, put_bucket_acl, &out, .Bucket = BUCKET),
		"MissingSecurityHeader");
	assert_failed(&r,
		RIG(&r, PutBucketAcl, put_bucket_acl, &out, .Bucket = BUCKET, .ACL = STR("private"),
			.GrantRead = STR("id=\"1\"")),
		"InvalidRequest");
	rig_close(&r);
}
