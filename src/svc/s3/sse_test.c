#include "svc/s3/s3_rig.h"

#include "base/text.h"

#define MD5_OF_KS "mT2HRsMGJ5IX5C+0rreZ8Q=="
#define KEY_TEXT "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="

static const struct s3_sse_customer given = { STR("AES256"), STR(KEY_TEXT), STR(MD5_OF_KS) };

TEST(sse_own_seals_open_under_their_key_only)
{
	struct arena a;
	unsigned char key[SEAL_KEY] = { 1 }, other[SEAL_KEY] = { 2 };
	arena_init(&a);
	struct call c = { .arena = &a };
	struct str box = s3_sse_seal_own(&c, key, STR("name"), STR("text"));
	assert_str(s3_sse_unseal_own(&c, key, STR("name"), box), "text");
	assert_null(s3_sse_unseal_own(&c, other, STR("name"), box).p);
	assert_null(s3_sse_unseal_own(&c, key, STR("nome"), box).p);
	assert_null(s3_sse_unseal_own(&c, key, STR("name"), str_slice(box, 0, 20)).p);
	arena_done(&a);
}

TEST(sse_customer_keys_are_noticed_but_not_kept)
{
	struct arena a;
	const unsigned char *key = NULL, other[SEAL_KEY] = { 2 };
	struct s3_object_row o = { 0 };
	arena_init(&a);
	struct call c = { .arena = &a, .service = &s3_service, .protocol = PROTO_REST_XML };
	assert_int_equal(s3_sse_customer_read(&c, &given, &key), CALL_OK);
	assert_memory_equal(key, "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk", 32);
	s3_sse_customer_note(&c, key, &o);
	assert_true(str_find_str(o.SseKey, str_of(key, SEAL_KEY)) < 0);
	assert_true(s3_sse_customer_fits(&o, key));
	assert_false(s3_sse_customer_fits(&o, other));
	struct s3_sse_customer bad = given;
	bad.md5 = STR("AAAAAAAAAAAAAAAAAAAAAA==");
	assert_int_equal(s3_sse_customer_read(&c, &bad, &key), CALL_FAILED);
	assert_string_equal(c.error->code, "InvalidArgument");
	arena_done(&a);
}

TEST(sse_customer_keys_want_a_safe_line)
{
	static const struct {
		struct str from;
		bool tls, good;
	} cases[] = {
		{ STR("127.0.0.1"), false, true },
		{ STR("::1"), false, true },
		{ STR("192.0.2.7"), false, false },
		{ STR("192.0.2.7"), true, true },
		{ STR("2001:db8::1"), false, false },
	};
	struct arena a;
	const unsigned char *key;
	arena_init(&a);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct call c = { .arena = &a,
			.service = &s3_service,
			.protocol = PROTO_REST_XML,
			.source_ip = cases[i].from,
			.tls = cases[i].tls };
		assert_int_equal(s3_sse_customer_read(&c, &given, &key),
			cases[i].good ? CALL_OK : CALL_FAILED);
		if (!cases[i].good)
			assert_string_equal(c.error->code, "InvalidRequest");
	}
	arena_done(&a);
}

/* Small and large, through the handlers. */
TEST(sse_customer_objects_need_their_key)
{
	struct rig r;
	struct s3_put_object_out put;
	struct s3_get_object_out get;
	struct str b = STR("bucket");
	rig_open(&r);
	rig_bucket(&r, b);
	assert_int_equal(RIG(&r, PutObject, put_object, &put, .Bucket = b, .Key = STR("k"),
				 .Body = rig_body(&r, STR("secret")),
				 .SSECustomerAlgorithm = given.algorithm,
				 .SSECustomerKey = given.key, .SSECustomerKeyMD5 = given.md5),
		CALL_OK);
	assert_str(put.SSECustomerKeyMD5, MD5_OF_KS);
	assert_null(put.ServerSideEncryption.p);
	assert_failed(&r, RIG(&r, GetObject, get_object, &get, .Bucket = b, .Key = STR("k")),
		"InvalidRequest");
	assert_int_equal(RIG(&r, GetObject, get_object, &get, .Bucket = b, .Key = STR("k"),
				 .SSECustomerAlgorithm = given.algorithm,
				 .SSECustomerKey = given.key, .SSECustomerKeyMD5 = given.md5),
		CALL_OK);
	assert_str(rig_text(&r, get.Body), "secret");
	rig_close(&r);
}

TEST(sse_kms_objects_follow_their_key)
{
	struct rig r;
	struct s3_put_object_out put;
	struct s3_get_object_out get;
	struct str b = STR("bucket");
	rig_open(&r);
	rig_bucket(&r, b);
	assert_int_equal(RIG(&r, PutObject, put_object, &put, .Bucket = b, .Key = STR("k"),
				 .Body = rig_body(&r, STR("secret")),
				 .ServerSideEncryption = STR("aws:kms")),
		CALL_OK);
	assert_true(str_starts(put.SSEKMSKeyId, STR("arn:aws:kms:us-east-1:" RIG_ACCOUNT ":key/")));
	assert_int_equal(
		RIG(&r, GetObject, get_object, &get, .Bucket = b, .Key = STR("k")), CALL_OK);
	assert_str(rig_text(&r, get.Body), "secret");
	assert_failed(&r,
		RIG(&r, PutObject, put_object, &put, .Bucket = b, .Key = STR("k"),
			.Body = rig_body(&r, STR("x")), .ServerSideEncryption = STR("aws:kms"),
			.SSEKMSKeyId = STR("12345678-1234-1234-1234-123456789012")),
		"KMS.NotFoundException");
	rig_close(&r);
}
