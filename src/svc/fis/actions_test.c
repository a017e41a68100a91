#include "svc/fis/fis.h"
#include "unit.h"

TEST(fis_durations)
{
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = { { "PT5M", 300000 }, { "PT1H30M", 5400000 }, { "PT10S", 10000 },
		{ "PT12H", 43200000 }, { "PT1H1S", 3601000 }, { "P1D", 0 }, { "PT", 0 }, { "", 0 },
		{ "PT5", 0 }, { "5M", 0 }, { "PT0S", 0 }, { "PTM", 0 }, { "PT1S1M", 0 },
		{ "PT13H", 0 }, { "P1M", 0 }, { "PT-5M", 0 }, { "PT99999999999999S", 0 } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t ms = 0;
		assert_int_equal(fis_duration(str_c(cases[i].text), &ms), cases[i].ms != 0);
		if (cases[i].ms)
			assert_int_equal(ms, cases[i].ms);
	}
}

TEST(fis_selection_modes)
{
	static const char *const good[] = { "ALL", "COUNT(1)", "COUNT(1000)", "PERCENT(50)",
		"PERCENT(100)" };
	static const char *const bad[] = { "", "SOME", "COUNT()", "COUNT(0)", "COUNT(x)",
		"PERCENT(101)", "COUNT(1", "COUNT1)", "all" };
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(fis_mode_valid(str_c(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(fis_mode_valid(str_c(bad[i])));
}

TEST(fis_actions_are_found)
{
	assert_non_null(fis_action_find(STR("aws:ec2:stop-instances")));
	assert_non_null(fis_action_find(STR("aws:fis:wait")));
	assert_null(fis_action_find(STR("aws:ec2:nonsense")));
}
