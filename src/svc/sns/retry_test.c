#include "svc/sns/retry.h"
#include "svc/sns/throttle.h"

#include "unit.h"

TEST(retry_default_is_three_times_twenty_seconds)
{
	struct arena a;
	arena_init(&a);
	struct str p = sns_retry_effective(&a, STR_NULL, STR(""));
	assert_int_equal(sns_retry_delay_ms(&a, p, 1), 20000);
	assert_int_equal(sns_retry_delay_ms(&a, p, 3), 20000);
	assert_int_equal(sns_retry_delay_ms(&a, p, 4), -1);
	assert_str(sns_retry_content_type(&a, p), "text/plain; charset=UTF-8");
	arena_done(&a);
}

TEST(retry_phases)
{
	struct arena a;
	char why[SNS_WHY_MAX];
	struct str own =
		STR("{\"healthyRetryPolicy\":{\"minDelayTarget\":1,\"maxDelayTarget\":9,"
		    "\"numRetries\":8,"
		    "\"numNoDelayRetries\":1,\"numMinDelayRetries\":2,\"numMaxDelayRetries\":2,"
		    "\"backoffFunction\":\"linear\"},\"requestPolicy\":{\"headerContentType\":"
		    "\"text/csv\"}}");
	static const int64_t want[] = { 0, 1000, 1000, 1000, 5000, 9000, 9000, 9000, -1 };
	arena_init(&a);
	assert_int_equal(sns_retry_check(&a, own, false, why), 0);
	struct str p = sns_retry_effective(&a, STR_NULL, own);
	for (uint32_t i = 0; i < 9; i++)
		assert_int_equal(sns_retry_delay_ms(&a, p, i + 1), want[i]);
	assert_str(sns_retry_content_type(&a, p), "text/csv");
	arena_done(&a);
}

TEST(retry_topic_may_forbid_overrides)
{
	struct arena a;
	struct str own = STR("{\"healthyRetryPolicy\":{\"numRetries\":9}}");
	arena_init(&a);
	struct str p = sns_retry_effective(&a,
		STR("{\"http\":{\"defaultHealthyRetryPolicy\":{\"numRetries\":1},"
		    "\"disableSubscriptionOverrides\":true}}"),
		own);
	assert_int_equal(sns_retry_delay_ms(&a, p, 2), -1);
	p = sns_retry_effective(
		&a, STR("{\"http\":{\"defaultHealthyRetryPolicy\":{\"numRetries\":1}}}"), own);
	assert_int_equal(sns_retry_delay_ms(&a, p, 9), 20000);
	arena_done(&a);
}

TEST(retry_refuses)
{
	static const char *const bad[] = { "", "[]", "{\"healthyRetryPolicy\":1}",
		"{\"healthyRetryPolicy\":{\"minDelayTarget\":0}}",
		"{\"healthyRetryPolicy\":{\"maxDelayTarget\":3601}}",
		"{\"healthyRetryPolicy\":{\"minDelayTarget\":30,\"maxDelayTarget\":20}}",
		"{\"healthyRetryPolicy\":{\"numRetries\":101}}",
		"{\"healthyRetryPolicy\":{\"numRetries\":1,\"numNoDelayRetries\":2}}",
		"{\"healthyRetryPolicy\":{\"backoffFunction\":\"sudden\"}}",
		"{\"throttlePolicy\":{\"maxReceivesPerSecond\":0}}",
		"{\"requestPolicy\":{\"headerContentType\":\"a\\r\\nb: c\"}}" };
	struct arena a;
	char why[SNS_WHY_MAX];
	arena_init(&a);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_not_equal(sns_retry_check(&a, str_c(bad[i]), false, why), 0);
	assert_int_not_equal(sns_retry_check(&a, STR("{}"), true, why), 0);
	arena_done(&a);
}

TEST(retry_throttles)
{
	struct arena a;
	arena_init(&a);
	struct str topic =
		STR("{\"http\":{\"defaultThrottlePolicy\":{\"maxReceivesPerSecond\":7}}}");
	assert_int_equal(sns_retry_per_second(&a, sns_retry_effective(&a, STR_NULL, STR(""))), 0);
	assert_int_equal(sns_retry_per_second(&a, sns_retry_effective(&a, topic, STR(""))), 7);
	struct str own = STR("{\"throttlePolicy\":{\"maxReceivesPerSecond\":3}}");
	assert_int_equal(sns_retry_per_second(&a, sns_retry_effective(&a, topic, own)), 3);
	assert_true(str_find_str(sns_retry_effective(&a, topic, STR_NULL),
			    STR("defaultThrottlePolicy")) > 0);
	arena_done(&a);
}

TEST(throttle_spaces_deliveries_out)
{
	sns_throttle_forget();
	assert_int_equal(sns_throttle_wait_ms(STR("a"), 4, 1000), 0);
	assert_int_equal(sns_throttle_wait_ms(STR("a"), 4, 1000), 250);
	assert_int_equal(sns_throttle_wait_ms(STR("a"), 4, 1000), 500);
	assert_int_equal(sns_throttle_wait_ms(STR("b"), 4, 1000), 0);
	assert_int_equal(sns_throttle_wait_ms(STR("a"), 4, 2000), 0);
	/* More than a thousand a second: several in one millisecond. */
	for (int i = 0; i < 4; i++)
		assert_int_equal(sns_throttle_wait_ms(STR("c"), 4000, 1000), 0);
	assert_int_equal(sns_throttle_wait_ms(STR("c"), 4000, 1000), 1);
	sns_throttle_forget();
}
