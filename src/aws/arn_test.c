#include "aws/arn.h"
#include "unit.h"

TEST(arn_pieces)
{
	struct arn a;
	assert_true(arn_parse(STR("arn:aws:sqs:us-east-1:123456789012:q:x"), &a));
	assert_str(a.partition, "aws");
	assert_str(a.service, "sqs");
	assert_str(a.region, "us-east-1");
	assert_str(a.account, "123456789012");
	assert_str(a.resource, "q:x");
	assert_true(arn_parse(STR("arn:aws:s3:::bucket/key"), &a));
	assert_str(a.account, "");
	assert_str(a.resource, "bucket/key");
}

TEST(arn_malformed)
{
	static const char *const bad[] = { "", "*", "arn", "arn:aws:s3",
		"arn:aws:s3::", "arn:aws:s3:::", "arn::s3:::b", "arn:aws::::b", "ARN:aws:s3:::b" };
	struct arn a;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(arn_parse(str_c(bad[i]), &a));
}

TEST(arn_glob)
{
	assert_true(glob_match(STR("*"), STR("")));
	assert_true(glob_match(STR("a*c?e*"), STR("abbcde")));
	assert_true(glob_match(STR("*ab"), STR("aab")));
	assert_true(glob_match(STR("a?c"), STR("a*c")));
	assert_false(glob_match(STR("a?"), STR("a")));
	assert_false(glob_match(STR(""), STR("a")));
	assert_false(glob_match(STR("s3:get*"), STR("s3:GetObject")));
	assert_true(glob_match_nocase(STR("s3:get*"), STR("S3:GetObject")));
}

/* Takes 2^n steps where a matcher backtracks into every '*'. */
TEST(arn_glob_is_bounded)
{
	char text[4000];
	memset(text, 'a', sizeof(text));
	assert_false(glob_match(
		STR("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b"), str_of(text, sizeof(text))));
}

TEST(arn_like_goes_by_piece)
{
	assert_true(arn_match(STR("arn:aws:sns:*:123456789012:*"),
		STR("arn:aws:sns:us-east-1:123456789012:t:u")));
	assert_false(
		arn_match(STR("arn:aws:sns:*:t"), STR("arn:aws:sns:us-east-1:123456789012:t")));
	assert_false(arn_match(STR("arn:aws:s*:t"), STR("arn:aws:sns:us-east-1:123456789012:t")));
	assert_true(arn_match(STR("*"), STR("arn:aws:sns:us-east-1:123456789012:t")));
}
