#include "base/text.h"
#include "unit.h"

#include <math.h>
#include <stdlib.h>

TEST(text_hex)
{
	struct arena a = { 0 };
	assert_str(hex_text(&a, STR("\x00\xff\x1a")), "00ff1a");
	unsigned char out[3];
	assert_true(hex_decode(STR("00FF1a"), out, 3));
	assert_memory_equal(out, "\x00\xff\x1a", 3);
	assert_false(hex_decode(STR("00ff1"), out, 3));
	assert_false(hex_decode(STR("00ff1g"), out, 3));
	assert_false(hex_decode(STR("g0ff10"), out, 3));
	assert_false(hex_decode(STR("00ff1a0"), out, 3));
	assert_null(hex_bytes(&a, STR("0")).p);
	assert_non_null(hex_bytes(&a, STR("")).p);
	struct buf b = { 0 };
	hex_add(&b, STR("AB"));
	assert_str(buf_str(&b), "4142");
	buf_done(&b);
	arena_done(&a);
}

/* RFC 4648, section 10. */
TEST(text_base64_both_ways)
{
	static const char *const pairs[][2] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
	};
	struct arena a = { 0 };
	for (unsigned i = 0; i < 7; i++) {
		assert_str(base64_text(&a, str_c(pairs[i][0])), pairs[i][1]);
		for (int form = BASE64_STRICT; form <= BASE64_URL; form++)
			assert_str(base64_bytes(&a, str_c(pairs[i][1]), form), pairs[i][0]);
	}
	assert_str(base64_url_text(&a, STR("\xfb\xff")), "-_8");
	assert_str(base64_bytes(&a, STR("-_8"), BASE64_URL), "\xfb\xff");
	assert_null(base64_bytes(&a, STR_NULL, BASE64_STRICT).p);
	char all[256];
	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	struct str back = base64_bytes(&a, base64_text(&a, str_of(all, 256)), BASE64_STRICT);
	assert_true(str_eq(back, str_of(all, 256)));
	arena_done(&a);
}

TEST(text_base64_strict_refuses_what_lenient_takes)
{
	static const char *const odd[] = { "Zg", "Zg=", "Zh==", "Zm9v\n", " Zm9v",
		"-_8=", "Zm 9v" };
	static const char *const bad[] = { "Z", "Z===", "Zg==Zg==", "=", "Zm9v=", "Zm9v!",
		"Zg===", "Zg==A", "====" };
	struct arena a = { 0 };
	for (unsigned i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		assert_null(base64_bytes(&a, str_c(odd[i]), BASE64_STRICT).p);
		assert_non_null(base64_bytes(&a, str_c(odd[i]), BASE64_LENIENT).p);
	}
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		for (int form = BASE64_STRICT; form <= BASE64_URL; form++)
			assert_null(base64_bytes(&a, str_c(bad[i]), form).p);
	unsigned char four[4];
	assert_true(base64_decode(STR("AAAAAA=="), four, 4));
	assert_false(base64_decode(STR("AAAAAAA="), four, 4));
	assert_false(base64_decode(STR("AAAA"), four, 4));
	arena_done(&a);
}

TEST(text_f64_is_short_and_reads_back)
{
	static const struct {
		double v;
		const char *text;
	} known[] = {
		{ 0, "0.0" },
		{ -0.0, "-0.0" },
		{ 5, "5.0" },
		{ 0.1, "0.1" },
		{ -1.25, "-1.25" },
		{ 1e300, "1e+300" },
		{ 0.1 + 0.2, "0.30000000000000004" },
		{ 1e-7, "1e-07" },
		{ 123456789.012345, "123456789.012345" },
		{ 1515531081.123, "1515531081.123" },
		{ 0.05, "0.05" },
		{ 99.9, "99.9" },
		{ NAN, "NaN" },
		{ -INFINITY, "-Infinity" },
	};
	char out[TEXT_F64_MAX];
	for (unsigned i = 0; i < sizeof(known) / sizeof(*known); i++)
		assert_str(text_f64(known[i].v, out), known[i].text);
	uint64_t x = 88172645463325252ULL;
	for (int i = 0; i < 20000; i++) {
		double v;
		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		memcpy(&v, &x, 8);
		if (i % 2)
			v = (double)(x % 1000000007) / 1000.0;
		if (isnan(v) || isinf(v))
			continue;
		text_f64(v, out);
		assert_true(strtod(out, NULL) == v);
	}
}
