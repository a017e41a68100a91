#include "base/uri.h"
#include "unit.h"

TEST(uri_encodes_as_signatures_count)
{
	struct arena a = { 0 };
	assert_str(uri_encode(&a, STR("AZaz09-._~"), 0), "AZaz09-._~");
	assert_str(uri_encode(&a, STR("a/b c+d*\xed\x95\x98"), 0), "a%2Fb%20c%2Bd%2A%ED%95%98");
	assert_str(uri_encode(&a, STR("a/b c"), URI_KEEP_SLASH), "a/b%20c");
	struct buf b = { 0 };
	for (int c = 0; c < 256; c++) {
		char one = (char)c;
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			     (c >= '0' && c <= '9') || (c && strchr("-._~", c));
		buf_clear(&b);
		uri_add(&b, str_of(&one, 1), 0);
		assert_int_equal(b.len, plain ? 1 : 3);
		assert_true(str_eq(uri_decode(&a, buf_str(&b), 0), str_of(&one, 1)));
	}
	buf_done(&b);
	arena_done(&a);
}

TEST(uri_decodes_strictly)
{
	struct arena a = { 0 };
	assert_str(uri_decode(&a, STR("a%2fb+c"), 0), "a/b+c");
	assert_str(uri_decode(&a, STR("a%2Fb+c"), URI_PLUS_IS_SPACE), "a/b c");
	assert_null(uri_decode(&a, STR("%"), 0).p);
	assert_null(uri_decode(&a, STR("a%2"), 0).p);
	assert_null(uri_decode(&a, STR("%0g"), 0).p);
	assert_null(uri_decode(&a, STR("%g0"), 0).p);
	assert_int_equal(uri_decode(&a, STR("%00"), 0).len, 1);
	assert_non_null(uri_decode(&a, STR(""), 0).p);
	arena_done(&a);
}

TEST(uri_walks_queries)
{
	struct arena a = { 0 };
	struct str q = STR("&a=1&&b&c=x=y&d=");
	struct uri_param p;
	assert_true(uri_param_next(&q, &p));
	assert_str(p.key, "a");
	assert_str(p.value, "1");
	assert_true(uri_param_next(&q, &p));
	assert_str(p.key, "b");
	assert_null(p.value.p);
	assert_true(uri_param_next(&q, &p));
	assert_str(p.value, "x=y");
	assert_true(uri_param_next(&q, &p));
	assert_non_null(p.value.p);
	assert_int_equal(p.value.len, 0);
	assert_false(uri_param_next(&q, &p));

	q = STR("list-type=2&pre%66ix=a+b%2F&flag");
	assert_str(uri_param_get(&a, q, STR("prefix")), "a b/");
	assert_str(uri_param_get(&a, q, STR("flag")), "");
	assert_null(uri_param_get(&a, q, STR("none")).p);
	assert_null(uri_param_get(&a, STR_NULL, STR("none")).p);
	arena_done(&a);
}
