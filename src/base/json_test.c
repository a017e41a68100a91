#include "base/json.h"
#include "unit.h"

#include <math.h>
#include <stdio.h>

static struct arena a;

static void
same(const char *in, const char *out)
{
	struct json_error e = { 0 };
	struct json *j = json_parse(&a, str_c(in), 0, &e);
	if (!j)
		fail_msg("%s: %s at %zu", in, e.why, e.at);
	assert_str(json_to_text(&a, j), out);
	arena_reset(&a);
}

static void
refused(struct str in, size_t at)
{
	struct json_error e = { 0 };
	if (json_parse(&a, in, 0, &e))
		fail_msg("accepted: %.*s", STR_FMT(in));
	assert_non_null(e.why);
	assert_int_equal(e.at, at);
	arena_reset(&a);
}

TEST(json_reads_every_kind)
{
	same(" {\"a\" : [1, -2.50e+10, true , false,null, \"x\"], \"b\":{}, \"c\":[]}\n",
		"{\"a\":[1,-2.50e+10,true,false,null,\"x\"],\"b\":{},\"c\":[]}");
	same("\"\\u00e9\\ud55c\\uD83D\\uDE00\\/\\b\\f\\n\\r\\t\\\\\\\"\\u0000\"",
		"\"\xc3\xa9\xed\x95\x9c\xf0\x9f\x98\x80/\\b\\f\\n\\r\\t\\\\\\\"\\u0000\"");
	same("12345678901234567890123456789012345678", "12345678901234567890123456789012345678");
	same("{\"k\":1,\"l\":2,\"k\":3}", "{\"k\":3,\"l\":2}");
	arena_done(&a);
}

TEST(json_refuses_with_a_position)
{
	refused(STR(""), 0);
	refused(STR_NULL, 0);
	refused(STR("01"), 1);
	refused(STR("1."), 2);
	refused(STR("-"), 1);
	refused(STR("1e"), 2);
	refused(STR("+1"), 0);
	refused(STR("nul"), 0);
	refused(STR("[1,]"), 3);
	refused(STR("[1 2]"), 3);
	refused(STR("{\"a\":1,}"), 7);
	refused(STR("{a:1}"), 1);
	refused(STR("{\"a\" 1}"), 5);
	refused(STR("\"a"), 2);
	refused(STR("\"a\\"), 3);
	refused(STR("\"\\x\""), 2);
	refused(STR("\"\\u12\""), 3);
	refused(STR("\"\\ud800\""), 7);
	refused(STR("\"\\udc00\""), 3);
	refused(STR("\"\\ud800\\u0041\""), 7);
	refused(STR("\"\n\""), 1);
	refused(STR("\"0123456789\x01\""), 11);
	refused(STR("\"\xff\""), 1);
	refused(STR("1 1"), 2);
	refused(STR("NaN"), 0);
	refused(STR("/**/1"), 0);
	arena_done(&a);
}

TEST(json_depth_is_bounded)
{
	char deep[300];
	memset(deep, '[', 150);
	memset(deep + 150, ']', 150);
	assert_null(json_parse(&a, str_of(deep, 300), 0, NULL));
	assert_null(json_parse(&a, str_of(deep, 300), 149, NULL));
	assert_non_null(json_parse(&a, str_of(deep, 300), 150, NULL));
	assert_non_null(json_parse(&a, str_of(deep + 150 - 64, 128), 0, NULL));
	assert_null(json_parse(&a, str_of(deep + 150 - 65, 130), 0, NULL));
	arena_done(&a);
}

TEST(json_values_are_bounded)
{
	struct json_error e;
	size_t n = (2u << 21) + 3;
	char *p = arena_alloc_raw(&a, n);
	for (size_t i = 0; i < n; i++)
		p[i] = i % 2 ? '0' : ',';
	p[0] = '[';
	p[n - 1] = ']';
	assert_null(json_parse(&a, str_of(p, n), 0, &e));
	assert_string_equal(e.why, "too many values");
	arena_done(&a);
}

TEST(json_big_objects_are_indexed)
{
	struct buf b = { 0 };
	struct json_writer w = { .out = &b };
	json_write_object(&w);
	for (int i = 0; i < 3000; i++) {
		char key[16];
		json_write_member_i64(&w, (snprintf(key, sizeof(key), "k%d", i % 2000), key), i);
	}
	json_write_object_end(&w);
	struct json *j = json_parse(&a, buf_str(&b), 0, NULL);
	assert_int_equal(j->n, 2000);
	assert_str(j->members[0].key, "k0");
	assert_str(json_get_lit(j, "k0")->text, "2000");
	assert_str(json_get_lit(j, "k1999")->text, "1999");
	assert_null(json_get_lit(j, "k2000"));
	assert_null(json_get_lit(json_get_lit(j, "no"), "no"));
	buf_done(&b);
	arena_done(&a);
}

TEST(json_numbers)
{
	static const struct {
		const char *text;
		int64_t v;
	} whole[] = {
		{ "5.0", 5 },
		{ "50e-1", 5 },
		{ "0.5e1", 5 },
		{ "-1.20E+2", -120 },
		{ "0e99999999", 0 },
		{ "-0.0", 0 },
		{ "9223372036854775807", INT64_MAX },
		{ "-9223372036854775808.0", INT64_MIN },
		{ "1e18", 1000000000000000000 },
		{ "100000000000000000000000e-20", 1000 },
	};
	static const char *const broken[] = { "0.5", "5.01", "1e19", "9223372036854775808", "1e-1",
		"1e99999999999999999999", "1234567890123456789012.0" };
	int64_t v;
	double f;
	for (unsigned i = 0; i < sizeof(whole) / sizeof(*whole); i++) {
		assert_true(json_i64(json_parse(&a, str_c(whole[i].text), 0, NULL), &v));
		assert_int_equal(v, whole[i].v);
	}
	for (unsigned i = 0; i < sizeof(broken) / sizeof(*broken); i++)
		assert_false(json_i64(json_parse(&a, str_c(broken[i]), 0, NULL), &v));
	assert_true(json_f64(json_parse(&a, STR("-1.5e3"), 0, NULL), &f) && f == -1500);
	assert_true(json_f64(json_parse(&a, STR("\"NaN\""), 0, NULL), &f) && isnan(f));
	assert_false(json_f64(json_parse(&a, STR("\"1\""), 0, NULL), &f));
	assert_false(json_f64(NULL, &f));
	arena_done(&a);
}

TEST(json_writer_sets_commas_and_escapes)
{
	struct buf b = { 0 };
	struct json_writer w = { .out = &b };
	json_write_object(&w);
	json_write_member_str(&w, "s", STR("a\"\\/\x01\x1f\x7f\xff\xed\x95\x98"));
	json_write_member_str(&w, "absent", STR_NULL);
	json_write_key(&w, STR("list"));
	json_write_array(&w);
	json_write_f64(&w, 0.1);
	json_write_f64(&w, INFINITY);
	json_write_null(&w);
	json_write_array(&w);
	json_write_array_end(&w);
	json_write_u64(&w, UINT64_MAX);
	json_write_base64(&w, STR("foo"));
	json_write_array_end(&w);
	json_write_member_bool(&w, "b", true);
	json_write_member_epoch(&w, "t", 1515531081123);
	json_write_member_epoch(&w, "u", -1050);
	json_write_member_epoch(&w, "v", 2000);
	json_write_member_value(&w, "n", json_new_i64(&a, -7));
	json_write_object_end(&w);
	assert_str(buf_str(&b),
		"{\"s\":\"a\\\"\\\\/\\u0001\\u001F\x7f\xef\xbf\xbd\xed\x95\x98\","
		"\"list\":[0.1,\"Infinity\",null,[],18446744073709551615,\"Zm9v\"],\"b\":true,"
		"\"t\":1515531081.123,\"u\":-1.050,\"v\":2,\"n\":-7}");
	assert_non_null(json_parse(&a, buf_str(&b), 0, NULL));
	buf_done(&b);
	arena_done(&a);
}

TEST(json_equality_ignores_the_order_of_members)
{
	struct json *x = json_parse(&a, STR("{\"a\":[1,{\"b\":null}],\"c\":\"d\"}"), 0, NULL);
	struct json *y = json_parse(&a, STR("{\"c\":\"d\",\"a\":[1,{\"b\":null}]}"), 0, NULL);
	assert_true(json_eq(x, y));
	assert_false(json_eq(x, json_parse(&a, STR("{\"c\":\"d\",\"a\":[1,{\"b\":0}]}"), 0, NULL)));
	struct json_member m = { STR("a"), *json_new_bool(&a, true) };
	assert_str(json_to_text(&a, json_new_object(&a, &m, 1)), "{\"a\":true}");
	arena_done(&a);
}
