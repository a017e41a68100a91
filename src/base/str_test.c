#include "base/str.h"
#include "unit.h"

TEST(str_cut_walks_every_piece)
{
	struct str rest = STR("a,,b");
	assert_str(str_cut(&rest, ','), "a");
	assert_str(str_cut(&rest, ','), "");
	assert_str(str_cut(&rest, ','), "b");
	assert_null(rest.p);
}

TEST(str_numbers_are_strict)
{
	int64_t v;
	assert_true(str_to_i64(STR("-9223372036854775808"), &v));
	assert_false(str_to_i64(STR("9223372036854775808"), &v));
	assert_false(str_to_i64(STR("+1"), &v));
	assert_false(str_to_i64(STR(" 1"), &v));
	assert_false(str_to_i64(STR(""), &v));
	assert_false(str_to_i64(STR("-"), &v));
}

TEST(str_utf8_refuses_surrogates_and_overlong)
{
	assert_true(str_utf8_valid(STR("h\xed\x95\x98\xeb\x8a\x98 \xf0\x9f\x98\x80")));
	assert_false(str_utf8_valid(STR("\xed\xa0\x80")));
	assert_false(str_utf8_valid(STR("\xc0\xaf")));
	assert_false(str_utf8_valid(STR("\xf4\x90\x80\x80")));
	assert_false(str_utf8_valid(STR("\xe2\x82")));
	assert_int_equal(str_utf8_prefix(STR("0123456789abcde\xed\x95\x98\xff")), 18);
	assert_int_equal(str_utf8_prefix(STR("0123456\xe2\x82")), 7);
	assert_int_equal(str_utf8_count(STR("\xed\x95\x98\xeb\x8a\x98")), 2);
}

TEST(line_has_no_ends)
{
	char text[40];
	assert_true(str_is_line(STR("")) && str_is_line(STR_NULL));
	for (size_t n = 1; n <= sizeof(text); n++) {
		memset(text, 0xff - (int)n, sizeof(text));
		assert_true(str_is_line(str_of(text, n)));
		for (size_t at = 0; at < n; at++)
			for (int c = 0; c < 256; c++) {
				text[at] = (char)c;
				assert_int_equal(str_is_line(str_of(text, n)),
					c != 0 && c != '\r' && c != '\n');
				text[at] = 'x';
			}
	}
}
