#include "base/buf.h"
#include "unit.h"

#include <stdint.h>

TEST(buf_grows_and_stays_terminated)
{
	struct buf b = { 0 };
	for (int i = 0; i < 1000; i++)
		buf_add_lit(&b, "ab");
	assert_int_equal(b.len, 2000);
	assert_int_equal(b.p[2000], 0);
	buf_consume(&b, 1999);
	assert_str(buf_str(&b), "b");
	buf_done(&b);
}

TEST(buf_numbers)
{
	struct buf b = { 0 };
	buf_add_i64(&b, INT64_MIN);
	buf_add_c(&b, ' ');
	buf_add_u64(&b, UINT64_MAX);
	buf_printf(&b, " %d", 7);
	assert_str(buf_str(&b), "-9223372036854775808 18446744073709551615 7");
	buf_done(&b);
}
