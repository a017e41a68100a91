#include "svc/s3/s3_rig.h"

#define DAY_MS INT64_C(86400000)

static void
rig_lock_bucket(struct rig *r, struct str name)
{
	struct s3_create_bucket_out out;
	assert_int_equal(RIG(r, CreateBucket, create_bucket, &out, .Bucket = name,
				 .ObjectLockEnabledForBucket = OPT_BOOL(true)),
		CALL_OK);
}

static int
rig_delete(struct rig *r, struct str version, bool bypass)
{
	struct s3_delete_object_out out;
	return RIG(r, DeleteObject, delete_object, &out, .Bucket = STR("worm"), .Key = STR("k"),
		.VersionId = version, .BypassGovernanceRetention = OPT_BOOL(bypass));
}

static int
rig_retain(struct rig *r, struct str version, struct str mode, int64_t until, bool bypass)
{
	struct s3_put_object_retention_out out;
	struct s3_object_lock_retention k = { .Mode = mode, .RetainUntilDate = OPT_TIME(until) };
	return RIG(r, PutObjectRetention, put_object_retention, &out, .Bucket = STR("worm"),
		.Key = STR("k"), .VersionId = version, .Retention = &k,
		.BypassGovernanceRetention = OPT_BOOL(bypass));
}

TEST(default_retention_holds_until_its_time)
{
	struct rig r;
	struct s3_put_object_lock_configuration_out conf_out;
	struct s3_head_object_out head;
	struct s3_default_retention d = { .Mode = STR("COMPLIANCE"), .Days = OPT_I64(2) };
	struct s3_object_lock_rule rule = { .DefaultRetention = &d };
	struct s3_object_lock_configuration conf = { STR("Enabled"), &rule };
	rig_open(&r);
	rig_lock_bucket(&r, STR("worm"));
	assert_int_equal(
		RIG(&r, PutObjectLockConfiguration, put_object_lock_configuration, &conf_out,
			.Bucket = STR("worm"), .ObjectLockConfiguration = &conf),
		CALL_OK);
	struct str v = arena_dup(&r.arena, rig_put(&r, STR("worm"), STR("k"), STR("data")));
	assert_int_equal(
		RIG(&r, HeadObject, head_object, &head, .Bucket = STR("worm"), .Key = STR("k")),
		CALL_OK);
	assert_true(str_is(head.ObjectLockMode, "COMPLIANCE"));
	assert_int_equal(head.ObjectLockRetainUntilDate.ms, r.now_ms + 2 * DAY_MS);
	assert_failed(&r, rig_delete(&r, v, true), "AccessDenied");
	assert_int_equal(rig_delete(&r, STR_NULL, false), CALL_OK); /* a marker may come */
	r.now_ms += 2 * DAY_MS + 1;
	assert_int_equal(rig_delete(&r, v, false), CALL_OK);
	rig_close(&r);
}

TEST(governance_may_be_bypassed_and_compliance_may_not)
{
	struct rig r;
	rig_open(&r);
	rig_lock_bucket(&r, STR("worm"));
	int64_t until = r.now_ms + 10 * DAY_MS;
	struct str v = arena_dup(&r.arena, rig_put(&r, STR("worm"), STR("k"), STR("data")));
	assert_int_equal(rig_retain(&r, v, STR("GOVERNANCE"), until, false), CALL_OK);
	assert_int_equal(rig_retain(&r, v, STR("GOVERNANCE"), until + 1, false), CALL_OK);
	assert_failed(&r, rig_retain(&r, v, STR("GOVERNANCE"), until, false), "AccessDenied");
	assert_int_equal(rig_retain(&r, v, STR("GOVERNANCE"), until, true), CALL_OK);
	assert_failed(&r, rig_delete(&r, v, false), "AccessDenied");
	assert_int_equal(rig_retain(&r, v, STR("COMPLIANCE"), until, true), CALL_OK);
	assert_failed(&r, rig_retain(&r, v, STR("GOVERNANCE"), until, true), "AccessDenied");
	assert_failed(&r, rig_delete(&r, v, true), "AccessDenied");
	assert_failed(
		&r, rig_retain(&r, v, STR("COMPLIANCE"), r.now_ms - 1, true), "InvalidArgument");
	rig_close(&r);
}

TEST(legal_hold_and_versioning_that_stays)
{
	struct rig r;
	struct s3_put_object_legal_hold_out out;
	struct s3_put_bucket_versioning_out versioning_out;
	struct s3_versioning_configuration off = { .Status = STR("Suspended") };
	struct s3_object_lock_legal_hold hold = { STR("ON") };
	rig_open(&r);
	rig_lock_bucket(&r, STR("worm"));
	struct str v = arena_dup(&r.arena, rig_put(&r, STR("worm"), STR("k"), STR("data")));
	assert_int_equal(RIG(&r, PutObjectLegalHold, put_object_legal_hold, &out,
				 .Bucket = STR("worm"), .Key = STR("k"), .LegalHold = &hold),
		CALL_OK);
	assert_failed(&r, rig_delete(&r, v, true), "AccessDenied");
	hold.Status = STR("OFF");
	assert_int_equal(RIG(&r, PutObjectLegalHold, put_object_legal_hold, &out,
				 .Bucket = STR("worm"), .Key = STR("k"), .LegalHold = &hold),
		CALL_OK);
	assert_int_equal(rig_delete(&r, v, false), CALL_OK);
	assert_failed(&r,
		RIG(&r, PutBucketVersioning, put_bucket_versioning, &versioning_out,
			.Bucket = STR("worm"), .VersioningConfiguration = &off),
		"InvalidBucketState");
	rig_close(&r);
}

TEST(lock_needs_a_bucket_that_has_it)
{
	struct rig r;
	struct s3_put_object_out out;
	struct s3_put_object_lock_configuration_out conf_out;
	struct s3_object_lock_configuration conf = { STR("Enabled"), NULL };
	rig_open(&r);
	rig_bucket(&r, STR("worm"));
	assert_failed(&r,
		RIG(&r, PutObject, put_object, &out, .Bucket = STR("worm"), .Key = STR("k"),
			.Body = rig_body(&r, STR("x")), .ObjectLockLegalHoldStatus = STR("ON")),
		"InvalidRequest");
	assert_failed(&r,
		RIG(&r, PutObjectLockConfiguration, put_object_lock_configuration, &conf_out,
			.Bucket = STR("worm"), .ObjectLockConfiguration = &conf),
		"InvalidBucketState");
	rig_versioning(&r, STR("worm"), STR("Enabled"));
	assert_int_equal(
		RIG(&r, PutObjectLockConfiguration, put_object_lock_configuration, &conf_out,
			.Bucket = STR("worm"), .ObjectLockConfiguration = &conf),
		CALL_OK);
	rig_close(&r);
}
