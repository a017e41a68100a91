#include "base/clock.h"
#include "unit.h"

TEST(clock_moves_as_told)
{
	int64_t real = clock_real_ms();
	assert_true(clock_now_ms() >= real);
	clock_set_speed(0);
	clock_set(1000);
	assert_int_equal(clock_now_ms(), 1000);
	clock_advance(6 * 3600 * 1000);
	assert_int_equal(clock_now_ms(), 1000 + 6 * 3600 * 1000);
	clock_advance(-5);
	assert_int_equal(clock_now_ms(), 1000 + 6 * 3600 * 1000);
	clock_set_speed(1e6);
	assert_true(clock_now_ms() >= 1000 + 6 * 3600 * 1000);
	clock_set_speed(-1);
	assert_true(clock_speed() == 1e6);
	clock_set_speed(1);
	clock_set(clock_real_ms());
	assert_true(clock_now_ms() >= real);
}

TEST(time_formats)
{
	char out[TIME_TEXT_MAX];
	int64_t t = 1767323045678LL;
	assert_str(time_format(t, TIME_ISO8601, out), "2026-01-02T03:04:05Z");
	assert_str(time_format(t, TIME_ISO8601_MS, out), "2026-01-02T03:04:05.678Z");
	assert_str(time_format(t, TIME_HTTP, out), "Fri, 02 Jan 2026 03:04:05 GMT");
	assert_str(time_format(t, TIME_BASIC, out), "20260102T030405Z");
	assert_str(time_format(-1, TIME_ISO8601_MS, out), "1969-12-31T23:59:59.999Z");
	assert_str(time_format(INT64_MIN, TIME_ISO8601, out), "0000-01-01T00:00:00Z");
	assert_str(time_format(INT64_MAX, TIME_ISO8601, out), "9999-12-31T23:59:59Z");
	assert_str(time_format(951782400000LL, TIME_ISO8601, out), "2000-02-29T00:00:00Z");
}

TEST(time_parse_takes_every_form)
{
	static const char *const same[] = {
		"1994-11-06T08:49:37Z",
		"1994-11-06T08:49:37.000Z",
		"1994-11-06T09:49:37+01:00",
		"1994-11-06T03:19:37-0530",
		"19941106T084937Z",
		"1994-11-06 08:49:37",
		"Sun, 06 Nov 1994 08:49:37 GMT",
		"Sunday, 06-Nov-94 08:49:37 GMT",
		"Sun Nov  6 08:49:37 1994",
	};
	int64_t t;
	for (unsigned i = 0; i < sizeof(same) / sizeof(*same); i++) {
		assert_true(time_parse(str_c(same[i]), &t));
		assert_int_equal(t, 784111777000LL);
	}
	assert_true(time_parse(STR("2026-01-02"), &t));
	assert_int_equal(t, 1767312000000LL);
	assert_true(time_parse(STR("2026-01-02T03:04:05.6789Z"), &t));
	assert_int_equal(t, 1767323045678LL);
	assert_true(time_parse_epoch(STR("1515531081.123"), &t));
	assert_int_equal(t, 1515531081123LL);
	assert_true(time_parse_epoch(STR("1.5e9"), &t));
	assert_int_equal(t, 1500000000000LL);
}

TEST(time_parse_refuses)
{
	static const char *const bad[] = {
		"",
		"1994",
		"1994-13-06T08:49:37Z",
		"1994-02-29T00:00:00Z",
		"1994-11-06T24:00:00Z",
		"1994-11-06T08:49:37Zx",
		"1994-11-06T08:49:37.Z",
		"1994-1106",
		"1994-11-06T08:49:37+1",
		"Sun, 06 Nov 1994 08:49:37",
		"Sun, 6 Nov 1994 08:49:37 GMT",
		"Sun 06",
		"tomorrow",
		"Sun, 31 Feb 1994 08:49:37 GMT",
		"1994-11-06T08:49:",
	};
	int64_t t;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(time_parse(str_c(bad[i]), &t));
	assert_false(time_parse_epoch(STR("NaN"), &t));
	assert_false(time_parse_epoch(STR("1e300"), &t));
}

TEST(time_round_trips)
{
	char out[TIME_TEXT_MAX];
	for (int64_t t = -62167219200000LL; t < 253402300799000LL; t += 86400000LL * 97 + 12345) {
		int64_t back;
		assert_true(time_parse(time_format(t, TIME_ISO8601_MS, out), &back));
		assert_int_equal(back, t);
		assert_true(time_parse(time_format(t, TIME_HTTP, out), &back));
		assert_int_equal(back, t - ((t % 1000) + 1000) % 1000);
	}
}
