#include "base/arena.h"
#include "base/crc64.h"
#include "base/digest.h"
#include "base/text.h"
#include "unit.h"

static void
fill(unsigned char *p, size_t n)
{
	uint32_t x = 12345;
	for (size_t i = 0; i < n; i++) {
		x = x * 1103515245u + 12345;
		p[i] = (unsigned char)(x >> 16);
	}
}

TEST(digest_check_values)
{
	struct str s = STR("123456789");
	assert_int_equal(crc32_ieee(0, s), 0xcbf43926);
	assert_int_equal(crc32c(0, s), 0xe3069283);
	assert_true(crc64nvme(0, s) == 0xae8b14860a799888ULL);
	assert_true(crc64nvme(0, STR("")) == 0);

	unsigned char h[32];
	char hex[65] = { 0 };
	md5(STR("abc"), h);
	hex_encode(str_of(h, 16), hex);
	assert_string_equal(hex, "900150983cd24fb0d6963f7d28e17f72");
	sha1(STR("abc"), h);
	hex_encode(str_of(h, 20), hex);
	assert_string_equal(hex, "a9993e364706816aba3e25717850c26c9cd0d89d");
	sha256(STR_NULL, h);
	hex_encode(str_of(h, 32), hex);
	assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb924"
				 "27ae41e4649b934ca495991b7852b855");
}

/* RFC 4231, cases 2 and 6. */
TEST(digest_hmac_short_and_long_keys)
{
	unsigned char h[32], key[131];
	char hex[65] = { 0 };
	hmac_sha256(STR("Jefe"), STR("what do ya want for nothing?"), h);
	hex_encode(str_of(h, 32), hex);
	assert_string_equal(hex, "5bdcc146bf60754e6a042426089575c7"
				 "5a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof(key));
	hmac_sha256(str_of(key, sizeof(key)),
		STR("Test Using Larger Than Block-Size Key - Hash Key First"), h);
	hex_encode(str_of(h, 32), hex);
	assert_string_equal(hex, "60e431591ee0b67f0d8a26aacbf5b77f"
				 "8e0bc6213728c5140546040f0ee37f54");
}

TEST(digest_crc64_both_ways_agree)
{
	unsigned char data[700];
	fill(data, sizeof(data));
	if (!crc64_can_multiply())
		test_skip("no carry-less multiply here");
	for (size_t n = 0; n < 600; n++) {
		const unsigned char *p = data + n % 17;
		uint64_t from = 0x123456789abcdef0ULL * n;
		assert_true(crc64_by_table(from, p, n) == crc64_by_multiply(from, p, n));
	}
}

TEST(digest_pieces_equal_the_whole_and_combine)
{
	static unsigned char data[70001];
	fill(data, sizeof(data));
	struct str all = str_of(data, sizeof(data));
	for (size_t cut = 0; cut <= all.len; cut += 9973) {
		struct str x = str_slice(all, 0, cut), y = str_slice(all, cut, all.len);
		struct digests d;
		struct digest_values v;
		unsigned char h[32];
		digests_init(&d, 63);
		digests_add(&d, x);
		digests_add(&d, y);
		digests_final(&d, &v);
		assert_int_equal(v.bytes, all.len);
		md5(all, h);
		assert_memory_equal(h, v.md5, 16);
		sha1(all, h);
		assert_memory_equal(h, v.sha1, 20);
		sha256(all, h);
		assert_memory_equal(h, v.sha256, 32);
		uint32_t c = crc32_ieee(0, all), cc = crc32c(0, all);
		assert_int_equal(c, (uint32_t)v.crc32[0] << 24 | v.crc32[1] << 16 |
					    v.crc32[2] << 8 | v.crc32[3]);
		assert_int_equal(crc32_combine_ieee(crc32_ieee(0, x), crc32_ieee(0, y), y.len), c);
		assert_int_equal(crc32c_combine(crc32c(0, x), crc32c(0, y), y.len), cc);
		assert_true(crc64nvme_combine(crc64nvme(0, x), crc64nvme(0, y), y.len) ==
			    crc64nvme(0, all));
		assert_int_equal(v.crc64nvme[0], crc64nvme(0, all) >> 56);
	}
}

TEST(digest_seldom_ones_in_pieces)
{
	static unsigned char data[5000];
	static const char *const known[] = { "44bc2cf5ad770999", "78af5f94892f3950",
		"06b05ab6733a618578af5f94892f3950" };
	unsigned which = DIGEST_SHA512 | DIGEST_XXH64 | DIGEST_XXH3 | DIGEST_XXH128;
	struct digests d;
	struct digest_values whole, pieces;
	char hex[33] = { 0 };
	fill(data, sizeof(data));
	digests_init(&d, which);
	digests_add(&d, str_of(data, sizeof(data)));
	digests_final(&d, &whole);
	digests_init(&d, which);
	for (size_t at = 0; at < sizeof(data); at += 77)
		digests_add(&d, str_slice(str_of(data, sizeof(data)), at, at + 77));
	digests_final(&d, &pieces);
	assert_memory_equal(&whole, &pieces, sizeof(whole));
	digests_init(&d, which);
	digests_add(&d, STR("abc"));
	digests_final(&d, &whole);
	const unsigned char *sums[] = { whole.xxh64, whole.xxh3, whole.xxh128 };
	for (unsigned i = 0; i < 3; i++) {
		memset(hex, 0, sizeof(hex));
		hex_encode(str_of(sums[i], strlen(known[i]) / 2), hex);
		assert_string_equal(hex, known[i]);
	}
	assert_memory_equal(whole.sha512, "\xdd\xaf\x35\xa1\x93\x61\x7a\xba", 8);
}

TEST(digests_of_several_streams_together_are_those_of_each)
{
	static const unsigned wants[] = { DIGEST_MD5, DIGEST_MD5 | DIGEST_CRC64NVME, DIGEST_SHA256,
		DIGEST_MD5 | DIGEST_SHA256 | DIGEST_CRC32C, DIGEST_XXH3 };
	static unsigned char data[21][1500];
	struct digests d[21], *at[21];
	struct str pieces[21];
	for (unsigned n = 1; n <= 21; n++) {
		for (unsigned i = 0; i < n; i++) {
			fill(data[i], sizeof(data[i]));
			data[i][0] = (unsigned char)i;
			pieces[i] = str_of(data[i], i % 4 ? 1024 : i * 70);
			digests_init(at[i] = &d[i], wants[i % 5]);
		}
		digests_add_each(at, pieces, n);
		for (unsigned i = 0; i < n; i++) {
			struct digests one;
			struct digest_values got, expected;
			digests_init(&one, wants[i % 5]);
			digests_add(&one, pieces[i]);
			digests_final(&one, &expected);
			digests_final(&d[i], &got);
			assert_memory_equal(&got, &expected, sizeof(got));
		}
	}
}

static bool
utf8_in_pieces(struct str text, size_t step)
{
	struct digests d;
	struct digest_values v;
	digests_init(&d, DIGEST_UTF8);
	for (size_t at = 0; at < text.len; at += step)
		digests_add(&d, str_slice(text, at, at + step));
	digests_final(&d, &v);
	return v.utf8;
}

TEST(digest_utf8_in_pieces)
{
	static const struct {
		const char *text;
		bool good;
	} cases[] = {
		{ "", true },
		{ "plain", true },
		{ "\xed\x95\x98\xeb\x8a\x98 \xc3\xa9 \xf0\x9f\x98\x80", true },
		{ "cut \xed\x95", false },
		{ "\xff", false },
		{ "a\x80z and more", false },
		{ "\xc3\xc3\xa9", false },
		{ "\xed\xa0\x80 half a pair", false },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		for (size_t step = 1; step < 8; step++)
			assert_int_equal(utf8_in_pieces(str_c(cases[i].text), step), cases[i].good);
}
