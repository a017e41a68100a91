#include "svc/ec2/prices.h"
#include "unit.h"

TEST(ec2_prices_on_demand)
{
	static const struct {
		const char *type;
		int64_t price;
	} cases[] = { { "t3.micro", 10400 }, { "t2.micro", 11600 }, { "t4g.nano", 4200 },
		{ "m5.large", 96000 }, { "m5.24xlarge", 4608000 }, { "c5.xlarge", 170000 },
		{ "r5.2xlarge", 504000 }, { "g4dn.xlarge", 526000 }, { "nonsense", 0 },
		{ "m5.", 0 }, { "x9.large", 0 } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(ec2_price_on_demand(STR("us-east-1"), str_c(cases[i].type)),
			cases[i].price);
	assert_true(ec2_price_on_demand(STR("sa-east-1"), STR("m5.large")) > 96000);
}

TEST(ec2_spot_prices_move_and_stay_what_they_were)
{
	int64_t lowest = INT64_MAX, highest = 0, peaks = 0, changes = 0, before = 0;
	for (int64_t h = 0; h < 24 * 365; h++) {
		int64_t at = INT64_C(1767225600000) + h * EC2_SPOT_STEP_MS,
			p = ec2_price_spot(STR("us-east-1"), 1, STR("m5.large"), at);
		assert_int_equal(
			p, ec2_price_spot(STR("us-east-1"), 1, STR("m5.large"), at + 1000));
		lowest = p < lowest ? p : lowest;
		highest = p > highest ? p : highest;
		peaks += p > 80000;
		changes += p != before;
		before = p;
	}
	assert_true(lowest > 96000 / 10 && highest < 96000 * 5 / 4);
	assert_true(peaks > 5 && peaks < 24 * 365 / 50);
	assert_true(changes > 24 * 300);
	assert_int_not_equal(ec2_price_spot(STR("us-east-1"), 0, STR("m5.large"), 0),
		ec2_price_spot(STR("us-east-1"), 1, STR("m5.large"), 0));
}

TEST(ec2_prices_as_text)
{
	struct arena a;
	int64_t v;
	arena_init(&a);
	assert_str(ec2_price_text(&a, 10400), "0.010400");
	assert_true(ec2_price_parse(STR("0.0104"), &v) && v == 10400);
	assert_true(ec2_price_parse(STR(".5"), &v) && v == 500000);
	assert_true(ec2_price_parse(STR("2"), &v) && v == 2000000);
	assert_true(ec2_price_parse(STR("0.00000001"), &v) && v == 0);
	assert_false(ec2_price_parse(STR(""), &v));
	assert_false(ec2_price_parse(STR("-1"), &v));
	assert_false(ec2_price_parse(STR("1.x"), &v));
	arena_done(&a);
}
