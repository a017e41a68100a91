#include "svc/s3/s3_rig.h"

static const struct {
	const char *header;
	uint64_t size, from, len;
	int status; /* 200 whole, 206, 416 */
} ranges[] = {
	{ "bytes=0-4", 10, 0, 5, 206 },
	{ "bytes=5-", 10, 5, 5, 206 },
	{ "bytes=-3", 10, 7, 3, 206 },
	{ "bytes=-30", 10, 0, 10, 206 },
	{ "bytes=8-99", 10, 8, 2, 206 },
	{ "bytes=10-", 10, 0, 0, 416 },
	{ "bytes=-0", 10, 0, 0, 416 },
	{ "bytes=0-", 0, 0, 0, 416 },
	{ "bytes=-1", 0, 0, 0, 416 },
	{ "bytes=4-2", 10, 0, 10, 200 },
	{ "bytes=0-1,3-4", 10, 0, 10, 200 },
	{ "bytes=a-b", 10, 0, 10, 200 },
	{ "bytes=--1", 10, 0, 10, 200 },
	{ "items=0-1", 10, 0, 10, 200 },
	{ "bytes=5", 10, 0, 10, 200 },
	{ "bytes=99999999999999999999-", 10, 0, 10, 200 },
	{ NULL, 10, 0, 10, 200 },
};

TEST(s3_ranges)
{
	struct arena a;
	arena_init(&a);
	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
		struct call c = { .arena = &a };
		struct s3_range got;
		int result = s3_range_parse(&c, str_c(ranges[i].header), ranges[i].size, &got);
		if (ranges[i].status == 416) {
			assert_int_equal(result, CALL_FAILED);
			assert_string_equal(c.error->code, "InvalidRange");
			continue;
		}
		assert_int_equal(result, CALL_OK);
		assert_int_equal(got.from, ranges[i].from);
		assert_int_equal(got.len, ranges[i].len);
		assert_int_equal(got.partial, ranges[i].status == 206);
	}
	arena_done(&a);
}

#define BEFORE OPT_TIME(999000)
#define SAME OPT_TIME(1000999)
#define AFTER OPT_TIME(1002000)
#define NO_TIME                                                                                    \
	{                                                                                          \
		0, false                                                                           \
	}

/* The object: ETag "e", modified in second 1000. */
static const struct {
	const char *if_match, *if_none_match;
	struct opt_time modified_since, unmodified_since;
	enum s3_condition_result result;
} conditions[] = {
	{ NULL, NULL, NO_TIME, NO_TIME, S3_COND_PASS },
	{ "\"e\"", NULL, NO_TIME, NO_TIME, S3_COND_PASS },
	{ "e", NULL, NO_TIME, NO_TIME, S3_COND_PASS },
	{ "*", NULL, NO_TIME, NO_TIME, S3_COND_PASS },
	{ "\"x\", \"e\"", NULL, NO_TIME, NO_TIME, S3_COND_PASS },
	{ "\"x\"", NULL, NO_TIME, NO_TIME, S3_COND_FAILED },
	{ NULL, "\"e\"", NO_TIME, NO_TIME, S3_COND_NOT_MODIFIED },
	{ NULL, "W/\"e\"", NO_TIME, NO_TIME, S3_COND_NOT_MODIFIED },
	{ NULL, "*", NO_TIME, NO_TIME, S3_COND_NOT_MODIFIED },
	{ NULL, "\"x\"", NO_TIME, NO_TIME, S3_COND_PASS },
	{ NULL, NULL, BEFORE, NO_TIME, S3_COND_PASS },
	{ NULL, NULL, SAME, NO_TIME, S3_COND_NOT_MODIFIED },
	{ NULL, NULL, AFTER, NO_TIME, S3_COND_NOT_MODIFIED },
	{ NULL, NULL, NO_TIME, BEFORE, S3_COND_FAILED },
	{ NULL, NULL, NO_TIME, SAME, S3_COND_PASS },
	/* An entity tag outweighs the date beside it. */
	{ "\"e\"", NULL, NO_TIME, BEFORE, S3_COND_PASS },
	{ NULL, "\"e\"", BEFORE, NO_TIME, S3_COND_NOT_MODIFIED },
	{ NULL, "\"x\"", AFTER, NO_TIME, S3_COND_PASS },
	{ "\"x\"", "\"e\"", NO_TIME, NO_TIME, S3_COND_FAILED },
};

TEST(s3_read_conditions)
{
	for (size_t i = 0; i < sizeof(conditions) / sizeof(*conditions); i++) {
		const char *name = NULL;
		struct s3_conditions k = { str_c(conditions[i].if_match),
			str_c(conditions[i].if_none_match), conditions[i].modified_since,
			conditions[i].unmodified_since };
		assert_int_equal(
			s3_conditions_check(&k, STR("e"), 1000500, &name), conditions[i].result);
	}
}

TEST(s3_write_conditions)
{
	struct rig r;
	struct s3_put_object_out put;
	rig_open(&r);
	rig_bucket(&r, STR("bucket"));
	rig_put(&r, STR("bucket"), STR("k"), STR("hello"));
	static const struct {
		const char *key, *if_match, *if_none_match, *error;
	} writes[] = {
		{ "k", NULL, "*", "PreconditionFailed" },
		{ "new", NULL, "*", NULL },
		{ "k", NULL, "\"tag\"", "NotImplemented" },
		{ "k", "\"5d41402abc4b2a76b9719d911017c592\"", NULL, NULL },
		{ "k", "*", NULL, NULL },
		{ "k", "\"other\"", NULL, "PreconditionFailed" },
		{ "none", "*", NULL, "NoSuchKey" },
		{ "k", "*", "*", "NotImplemented" },
	};
	for (size_t i = 0; i < sizeof(writes) / sizeof(*writes); i++) {
		int result = RIG(&r, PutObject, put_object, &put, .Bucket = STR("bucket"),
			.Key = str_c(writes[i].key), .Body = rig_body(&r, STR("hello")),
			.IfMatch = str_c(writes[i].if_match),
			.IfNoneMatch = str_c(writes[i].if_none_match));
		if (writes[i].error)
			assert_failed(&r, result, writes[i].error);
		else
			assert_int_equal(result, CALL_OK);
	}
	rig_close(&r);
}
