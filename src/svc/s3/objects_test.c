#include "svc/s3/s3_rig.h"

static const struct {
	const char *name;
	bool valid;
} names[] = {
	{ "abc", true },
	{ "ab", false },
	{ "a-b.c1", true },
	{ "Abc", false },
	{ "a..b", false },
	{ "-abc", false },
	{ "abc-", false },
	{ "192.168.5.4", false },
	{ "1.2.3.4.5", true },
	{ "xn--abc", false },
	{ "abc-s3alias", false },
	{ "abc--ol-s3", false },
	{ "a_b", false },
	{ "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghij123", true },
	{ "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghij1234", false },
};

TEST(s3_bucket_names)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		assert_int_equal(s3_bucket_name_valid(str_c(names[i].name)), names[i].valid);
}

TEST(s3_buckets_are_made_listed_and_removed)
{
	struct rig r;
	struct s3_create_bucket_out made;
	struct s3_list_buckets_out list;
	struct s3_delete_bucket_out gone;
	rig_open(&r);
	rig_bucket(&r, STR("one"));
	rig_bucket(&r, STR("two"));
	rig_bucket(&r, STR("one")); /* us-east-1: again is fine */
	r.account = STR("444455556666");
	assert_failed(&r, RIG(&r, CreateBucket, create_bucket, &made, .Bucket = STR("one")),
		"BucketAlreadyExists");
	rig_bucket(&r, STR("other"));
	r.account = STR(RIG_ACCOUNT);

	assert_int_equal(
		RIG(&r, ListBuckets, list_buckets, &list, .MaxBuckets = OPT_I64(1)), CALL_OK);
	assert_int_equal(list.Buckets.n, 1);
	assert_str(list.Buckets.v[0].Name, "one");
	struct str token = arena_dup(&r.arena, list.ContinuationToken);
	assert_int_equal(
		RIG(&r, ListBuckets, list_buckets, &list, .ContinuationToken = token), CALL_OK);
	assert_int_equal(list.Buckets.n, 1);
	assert_str(list.Buckets.v[0].Name, "two");
	assert_null(list.ContinuationToken.p);

	assert_int_equal(
		RIG(&r, DeleteBucket, delete_bucket, &gone, .Bucket = STR("one")), CALL_OK);
	assert_failed(&r, RIG(&r, DeleteBucket, delete_bucket, &gone, .Bucket = STR("one")),
		"NoSuchBucket");
	rig_put(&r, STR("two"), STR("k"), STR("v"));
	assert_failed(&r, RIG(&r, DeleteBucket, delete_bucket, &gone, .Bucket = STR("two")),
		"BucketNotEmpty");
	rig_close(&r);
}

static const struct {
	const char *region, *constraint, *error, *result;
} locations[] = {
	{ "us-east-1", NULL, NULL, "" },
	{ "us-east-1", "eu-west-1", NULL, "eu-west-1" },
	{ "us-east-1", "EU", NULL, "eu-west-1" },
	{ "us-east-1", "us-east-1", "InvalidLocationConstraint", NULL },
	{ "us-east-1", "nowhere", "InvalidLocationConstraint", NULL },
	{ "eu-west-1", "eu-west-1", NULL, "eu-west-1" },
	{ "eu-west-1", NULL, "IllegalLocationConstraintException", NULL },
	{ "eu-west-1", "ap-northeast-2", "IllegalLocationConstraintException", NULL },
};

TEST(s3_bucket_locations)
{
	struct rig r;
	rig_open(&r);
	for (size_t i = 0; i < sizeof(locations) / sizeof(*locations); i++) {
		struct s3_create_bucket_configuration config = { .LocationConstraint = str_c(
									 locations[i].constraint) };
		struct s3_create_bucket_out out;
		struct s3_get_bucket_location_out at;
		struct str name = arena_printf(&r.arena, "bucket-%zu", i);
		r.region = str_c(locations[i].region);
		int result = RIG(&r, CreateBucket, create_bucket, &out, .Bucket = name,
			.CreateBucketConfiguration = &config);
		if (locations[i].error) {
			assert_failed(&r, result, locations[i].error);
			continue;
		}
		assert_int_equal(result, CALL_OK);
		assert_int_equal(
			RIG(&r, GetBucketLocation, get_bucket_location, &at, .Bucket = name),
			CALL_OK);
		assert_str(at.LocationConstraint, locations[i].result);
	}
	rig_close(&r);
}

static void
round_trip(struct rig *r, size_t size)
{
	struct s3_get_object_out got;
	char *p = arena_alloc_raw(&r->arena, size);
	for (size_t i = 0; i < size; i++)
		p[i] = (char)('a' + i % 23);
	struct str data = str_of(p, size);
	rig_put(r, STR("bucket"), STR("key"), data);
	assert_int_equal(
		RIG(r, GetObject, get_object, &got, .Bucket = STR("bucket"), .Key = STR("key")),
		CALL_OK);
	assert_int_equal(got.ContentLength.v, size);
	assert_true(str_eq(rig_text(r, got.Body), data));
	if (size < 10)
		return;
	assert_int_equal(RIG(r, GetObject, get_object, &got, .Bucket = STR("bucket"),
				 .Key = STR("key"), .Range = STR("bytes=3-6")),
		CALL_OK);
	assert_int_equal(r->c.status, 206);
	assert_true(str_eq(rig_text(r, got.Body), str_slice(data, 3, 7)));
}

TEST(s3_bodies_of_every_size_come_back)
{
	struct rig r;
	rig_open(&r);
	rig_bucket(&r, STR("bucket"));
	static const size_t sizes[] = { 0, 1, 10, S3_BODY_IN_ROW, S3_BODY_IN_ROW + 1, S3_INLINE_MAX,
		S3_INLINE_MAX + 1, 100000 };
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		round_trip(&r, sizes[i]);
	rig_close(&r);
}

TEST(s3_put_tells_etag_and_checksum)
{
	struct rig r;
	struct s3_put_object_out put;
	struct s3_head_object_out head;
	rig_open(&r);
	rig_bucket(&r, STR("bucket"));
	assert_int_equal(RIG(&r, PutObject, put_object, &put, .Bucket = STR("bucket"),
				 .Key = STR("k"), .Body = rig_body(&r, STR("hello"))),
		CALL_OK);
	assert_str(put.ETag, "\"5d41402abc4b2a76b9719d911017c592\"");
	assert_str(put.ChecksumCRC64NVME, "M3eFcAZSQlc=");
	assert_str(put.ChecksumType, "FULL_OBJECT");
	assert_int_equal(
		RIG(&r, PutObject, put_object, &put, .Bucket = STR("bucket"), .Key = STR("k"),
			.Body = rig_body(&r, STR("hello")), .ChecksumCRC32 = STR("NhCmhg==")),
		CALL_OK);
	assert_str(put.ChecksumCRC32, "NhCmhg==");
	assert_int_equal(RIG(&r, HeadObject, head_object, &head, .Bucket = STR("bucket"),
				 .Key = STR("k"), .ChecksumMode = STR("ENABLED")),
		CALL_OK);
	assert_str(head.ChecksumCRC32, "NhCmhg==");
	assert_str(head.ContentType, "binary/octet-stream");
	assert_failed(&r,
		RIG(&r, PutObject, put_object, &put, .Bucket = STR("bucket"), .Key = STR("k"),
			.Body = rig_body(&r, STR("other")), .ChecksumCRC32 = STR("NhCmhg==")),
		"BadDigest");
	assert_failed(&r,
		RIG(&r, PutObject, put_object, &put, .Bucket = STR("bucket"), .Key = STR("k"),
			.Body = rig_body(&r, STR("x")),
			.ContentMD5 = STR("rL0Y20zC+Fzt72VPzMSk2A==")),
		"BadDigest");
	assert_failed(&r,
		RIG(&r, PutObject, put_object, &put, .Bucket = STR("bucket"), .Key = STR("k"),
			.Body = rig_body(&r, STR("x")), .ContentMD5 = STR("nonsense")),
		"InvalidDigest");
	rig_close(&r);
}

TEST(s3_missing_things)
{
	struct rig r;
	struct s3_get_object_out got;
	struct s3_delete_object_out deleted;
	rig_open(&r);
	assert_failed(&r,
		RIG(&r, GetObject, get_object, &got, .Bucket = STR("bucket"), .Key = STR("k")),
		"NoSuchBucket");
	rig_bucket(&r, STR("bucket"));
	assert_failed(&r,
		RIG(&r, GetObject, get_object, &got, .Bucket = STR("bucket"), .Key = STR("k")),
		"NoSuchKey");
	assert_failed(&r,
		RIG(&r, GetObject, get_object, &got, .Bucket = STR("bucket"), .Key = STR("k"),
			.ExpectedBucketOwner = STR("000000000001")),
		"AccessDenied");
	assert_int_equal(RIG(&r, DeleteObject, delete_object, &deleted, .Bucket = STR("bucket"),
				 .Key = STR("k")),
		CALL_OK);
	rig_put(&r, STR("bucket"), STR("k"), STR("v"));
	assert_int_equal(RIG(&r, DeleteObject, delete_object, &deleted, .Bucket = STR("bucket"),
				 .Key = STR("k")),
		CALL_OK);
	assert_failed(&r,
		RIG(&r, GetObject, get_object, &got, .Bucket = STR("bucket"), .Key = STR("k")),
		"NoSuchKey");
	rig_close(&r);
}
