#include "store/store.h"
#include "unit.h"

TEST(pieces_sort_before_longer_ones)
{
	struct key a, b;
	key_begin(&a);
	key_add_lit(&a, "a");
	key_add_lit(&a, "b");
	key_begin(&b);
	key_add_lit(&b, "ab");
	key_add_lit(&b, "");
	assert_true(str_cmp(key_str(&a), key_str(&b)) < 0);
	key_begin(&b);
	key_add(&b, STR("a\0"));
	key_add_lit(&b, "");
	assert_true(str_cmp(key_str(&a), key_str(&b)) < 0);
}

TEST(pieces_come_back)
{
	struct key k;
	char out[16];
	struct str rest, piece;
	uint64_t v;
	key_begin(&k);
	key_add(&k, STR("\0x\0\0"));
	key_add_lit(&k, "");
	key_add_u64(&k, 258);
	key_add_u64_desc(&k, 7);
	rest = key_str(&k);
	assert_true(key_take(&rest, out, sizeof out, &piece));
	assert_true(str_eq(piece, STR("\0x\0\0")));
	assert_true(key_take(&rest, out, sizeof out, &piece));
	assert_int_equal(piece.len, 0);
	assert_true(key_take_u64(&rest, &v));
	assert_int_equal(v, 258);
	assert_true(key_take_u64(&rest, &v));
	assert_int_equal(~v, 7);
	assert_false(key_take_u64(&rest, &v));
	assert_false(key_take(&rest, out, sizeof out, &piece));
}

TEST(malformed_pieces_are_refused)
{
	char out[4];
	struct str piece, rest = STR("abc");
	assert_false(key_take(&rest, out, sizeof out, &piece));
	rest = STR("a\0\x02");
	assert_false(key_take(&rest, out, sizeof out, &piece));
	rest = STR("a\0");
	assert_false(key_take(&rest, out, sizeof out, &piece));
	rest = STR("abcde\0\x01");
	assert_false(key_take(&rest, out, sizeof out, &piece));
}

TEST(the_key_after_a_prefix)
{
	struct key k;
	assert_true(str_eq(key_after_prefix(&k, STR("ab")), STR("ac")));
	assert_true(str_eq(key_after_prefix(&k, STR("a\xff\xff")), STR("b")));
	assert_null(key_after_prefix(&k, STR("\xff\xff")).p);
	assert_null(key_after_prefix(&k, STR("")).p);
}

TEST(a_key_too_long_is_no_key)
{
	struct key k;
	static char big[STORE_KEY_MAX];
	key_begin(&k);
	memset(big, 'x', sizeof big);
	key_add_raw(&k, str_of(big, sizeof big));
	assert_int_equal(key_str(&k).len, STORE_KEY_MAX);
	key_add_raw(&k, STR("y"));
	assert_null(key_str(&k).p);
}
