#include "base/cbor.h"
#include "base/text.h"
#include "unit.h"

#include <math.h>
#include <stdio.h>

static struct arena a;

static struct cbor *
read_hex(const char *hex)
{
	struct cbor_error e = { 0 };
	struct cbor *c = cbor_parse(&a, hex_bytes(&a, str_c(hex)), 0, &e);
	if (!c)
		fail_msg("%s: %s at %zu", hex, e.why, e.at);
	return c;
}

static void
refused(const char *hex, const char *why)
{
	struct cbor_error e = { 0 };
	if (cbor_parse(&a, hex_bytes(&a, str_c(hex)), 0, &e))
		fail_msg("accepted: %s", hex);
	assert_string_equal(e.why, why);
	arena_reset(&a);
}

/* RFC 8949, appendix A. */
TEST(cbor_reads_numbers)
{
	static const struct {
		const char *hex;
		double v;
	} floats[] = {
		{ "f90000", 0 },
		{ "f93c00", 1 },
		{ "f97bff", 65504 },
		{ "f90001", 5.960464477539063e-8 },
		{ "f9c400", -4 },
		{ "fa47c35000", 100000 },
		{ "fb3ff199999999999a", 1.1 },
		{ "f97c00", INFINITY },
		{ "f9fc00", -INFINITY },
	};
	int64_t v;
	double f;
	assert_true(cbor_i64(read_hex("00"), &v) && v == 0);
	assert_true(cbor_i64(read_hex("1818"), &v) && v == 24);
	assert_true(cbor_i64(read_hex("1903e8"), &v) && v == 1000);
	assert_true(cbor_i64(read_hex("1b000000e8d4a51000"), &v) && v == 1000000000000);
	assert_true(cbor_i64(read_hex("3903e7"), &v) && v == -1000);
	assert_true(cbor_i64(read_hex("3b7fffffffffffffff"), &v) && v == INT64_MIN);
	assert_false(cbor_i64(read_hex("1bffffffffffffffff"), &v));
	assert_false(cbor_i64(read_hex("3bffffffffffffffff"), &v));
	assert_true(cbor_i64(read_hex("f9c400"), &v) && v == -4);
	assert_false(cbor_i64(read_hex("fb3ff199999999999a"), &v));
	assert_false(cbor_i64(read_hex("f97c00"), &v));
	for (unsigned i = 0; i < sizeof(floats) / sizeof(*floats); i++)
		assert_true(cbor_f64(read_hex(floats[i].hex), &f) && f == floats[i].v);
	assert_true(cbor_f64(read_hex("f97e00"), &f) && isnan(f));
	arena_done(&a);
}

TEST(cbor_reads_text_arrays_maps_and_tags)
{
	int64_t v;
	assert_str(cbor_text(read_hex("6449455446")), "IETF");
	assert_str(cbor_text(read_hex("7f657374726561646d696e67ff")), "streaming");
	assert_str(read_hex("5f42010243030405ff")->s, "\x01\x02\x03\x04\x05");
	assert_int_equal(read_hex("7fff")->s.len, 0);
	struct cbor *c = read_hex("9f018202039f0405ffff");
	assert_int_equal(c->n, 3);
	assert_int_equal(c->items[2].items[1].u, 5);
	c = read_hex("bf61610161629f0203ff6161f5ff");
	assert_int_equal(c->n, 3);
	assert_true(cbor_is(cbor_get(c, STR("a")), CBOR_BOOL));
	assert_int_equal(cbor_get(c, STR("b"))->n, 2);
	assert_null(cbor_get(cbor_get(c, STR("none")), STR("x")));
	assert_true(cbor_is(read_hex("f6"), CBOR_NULL) && cbor_is(read_hex("f7"), CBOR_UNDEFINED));
	assert_true(cbor_time_ms(read_hex("c1fb41d452d9ec200000"), &v) && v == 1363896240500);
	assert_true(cbor_time_ms(read_hex("c11a514b67b0"), &v) && v == 1363896240000);
	assert_false(cbor_time_ms(read_hex("c2420102"), &v));
	assert_int_equal(read_hex("c249010000000000000000")->tag, CBOR_TAG_BIGNUM);
	arena_done(&a);
}

TEST(cbor_refuses)
{
	refused("", "item expected");
	refused("18", "cut short");
	refused("1c", "reserved length");
	refused("1f", "integer without a value");
	refused("6261", "longer than the input");
	refused("5bffffffffffffffff", "longer than the input");
	refused("9bffffffffffffffff", "longer than the input");
	refused("9affffffff00", "longer than the input");
	refused("a201", "longer than the input");
	refused("a10101", "key is not text");
	refused("bf6161ff", "break without a beginning");
	refused("9f01", "item expected");
	refused("ff", "break without a beginning");
	refused("61ff", "malformed UTF-8");
	refused("7f4101ff", "chunk of another kind");
	refused("7f7f6161ffff", "chunk of another kind");
	refused("f0", "unknown simple value");
	refused("f820", "unknown simple value");
	refused("dbffffffffffffffff00", "unknown tag");
	refused("c1", "item expected");
	refused("0000", "something behind the item");
	char deep[129], deeper[140];
	for (unsigned i = 0; i < 128; i += 2)
		memcpy(deep + i, "81", 3);
	refused(deep, "longer than the input");
	snprintf(deeper, sizeof(deeper), "%s00", deep);
	assert_non_null(read_hex(deeper));
	snprintf(deeper, sizeof(deeper), "%s8100", deep);
	refused(deeper, "nested too deeply");
	arena_done(&a);
}

TEST(cbor_items_are_bounded)
{
	struct buf b = { 0 };
	cbor_write_array(&b, (1u << 20) + 1);
	memset(buf_reserve(&b, (1u << 20) + 1), 0, (1u << 20) + 1);
	b.len += (1u << 20) + 1;
	struct cbor_error e;
	assert_null(cbor_parse(&a, buf_str(&b), 0, &e));
	assert_string_equal(e.why, "too many items");
	buf_done(&b);
	arena_done(&a);
}

TEST(cbor_writes_shortest_heads)
{
	struct buf b = { 0 };
	cbor_write_map(&b, CBOR_OPEN);
	cbor_write_text(&b, STR("a"));
	cbor_write_array(&b, 8);
	cbor_write_u64(&b, 23);
	cbor_write_u64(&b, 24);
	cbor_write_u64(&b, 65536);
	cbor_write_i64(&b, INT64_MIN);
	cbor_write_f64(&b, 1.1);
	cbor_write_f32(&b, 100000);
	cbor_write_bool(&b, true);
	cbor_write_null(&b);
	cbor_write_text(&b, STR("t"));
	cbor_write_epoch(&b, 1363896240500);
	cbor_write_text(&b, STR("b"));
	cbor_write_bytes(&b, STR("\x01"));
	cbor_write_break(&b);
	assert_str(hex_text(&a, buf_str(&b)),
		"bf6161881718181a00010000"
		"3b7fffffffffffffff"
		"fb3ff199999999999afa47c35000f5f66174c1fb41d452d9ec200000"
		"61624101ff");
	assert_non_null(cbor_parse(&a, buf_str(&b), 0, NULL));
	buf_done(&b);
	arena_done(&a);
}
