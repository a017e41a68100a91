#include "plane/pack.h"
#include "unit.h"

#include <stdlib.h>

static struct pack
sample(void)
{
	struct pack p = { 0 };
	pack_u8(&p, 0xfe);
	pack_u16(&p, 0xfedc);
	pack_u32(&p, 0xfedcba98u);
	pack_u64(&p, 0xfedcba9876543210ull);
	pack_str(&p, STR("eni-1"));
	pack_str(&p, STR_NULL);
	pack_bytes(&p, "\1\2\3\4\5\6", 6);
	pack_u32(&p, 2);
	pack_u16(&p, 7);
	pack_u16(&p, 8);
	return p;
}

static bool
read_sample(struct str bytes)
{
	struct unpack u = unpack_of(bytes);
	uint8_t mac[6];
	bool same = unpack_u8(&u) == 0xfe;
	same &= unpack_u16(&u) == 0xfedc;
	same &= unpack_u32(&u) == 0xfedcba98u;
	same &= unpack_u64(&u) == 0xfedcba9876543210ull;
	same &= str_is(unpack_str(&u), "eni-1");
	same &= unpack_str(&u).len == 0;
	same &= unpack_bytes(&u, mac, 6) && mac[5] == 6;
	uint32_t n = unpack_count(&u, 2);
	same &= n == 2;
	for (uint32_t i = 0; i < n; i++)
		same &= unpack_u16(&u) == 7 + i;
	assert_int_equal(same && !u.bad, unpack_whole(&u));
	return unpack_whole(&u);
}

TEST(what_was_packed_comes_out)
{
	struct pack p = sample();
	assert_true(read_sample(buf_str(&p.buf)));
	pack_done(&p);
}

/* Cut anywhere, it is bad, stays bad, and nothing behind the end is read (ASan). */
TEST(a_cut_message_is_bad)
{
	struct pack p = sample();
	for (size_t n = 0; n < p.buf.len; n++) {
		char *copy = malloc(n ? n : 1);
		memcpy(copy, p.buf.p, n);
		assert_false(read_sample(str_of(copy, n)));
		free(copy);
	}
	pack_done(&p);
}

TEST(a_count_is_bounded_by_what_follows)
{
	struct unpack u = unpack_of(STR("\xff\xff\xff\xff"
					"abcdefgh"));
	assert_int_equal(unpack_count(&u, 4), 0);
	assert_true(u.bad);
	u = unpack_of(STR("\x03\0\0\0abcdefgh"));
	assert_int_equal(unpack_count(&u, 4), 0);
	u = unpack_of(STR("\x02\0\0\0abcdefgh"));
	assert_int_equal(unpack_count(&u, 4), 2);
	assert_false(u.bad);
	u = unpack_of(STR("\xff\xff\xff\x7f"
			  "a"));
	assert_int_equal(unpack_str(&u).len, 0);
	assert_true(u.bad);
	assert_int_equal(unpack_u8(&u), 0);
}

TEST(a_writer_ends_at_its_bound)
{
	struct pack p = { 0 };
	pack_str(&p, str_of("x", (size_t)PACK_MAX + 1));
	assert_true(p.bad);
	pack_u8(&p, 1);
	assert_int_equal(p.buf.len, 0);
	pack_done(&p);
}
