#include "svc/dynamodb/number.h"
#include "unit.h"

static struct str
encode(const char *text, uint8_t bytes[DDB_NUMBER_BYTES])
{
	size_t len = 0;
	assert_int_equal(ddb_number_parse(str_c(text), bytes, &len), DDB_NUMBER_OK);
	return str_of(bytes, len);
}

static const struct {
	const char *in, *out;
} canonical[] = {
	{ "0", "0" },
	{ "-0", "0" },
	{ "0.000", "0" },
	{ "1", "1" },
	{ "-1", "-1" },
	{ "+7", "7" },
	{ "001.50", "1.5" },
	{ "10", "10" },
	{ "100", "100" },
	{ "1e2", "100" },
	{ "1E+2", "100" },
	{ "12e-1", "1.2" },
	{ "0.1", "0.1" },
	{ ".5", "0.5" },
	{ "5.", "5" },
	{ "-0.0123", "-0.0123" },
	{ "123456789012345678901234567890", "123456789012345678901234567890" },
	{ "99999999999999999999999999999999999999", "99999999999999999999999999999999999999" },
	{ "-99999999999999999999999999999999999999", "-99999999999999999999999999999999999999" },
	{ "0.00000000000000000000000000000000000001", "0.00000000000000000000000000000000000001" },
	{ "1000000000000000000000000000000000000000", "1000000000000000000000000000000000000000" },
};

TEST(dynamodb_numbers_have_one_text)
{
	for (unsigned i = 0; i < sizeof(canonical) / sizeof(canonical[0]); i++) {
		uint8_t bytes[DDB_NUMBER_BYTES];
		char text[DDB_NUMBER_TEXT];
		assert_str(ddb_number_text(encode(canonical[i].in, bytes), text), canonical[i].out);
	}
}

TEST(dynamodb_numbers_are_bounded)
{
	uint8_t b[DDB_NUMBER_BYTES];
	size_t n;
	assert_int_equal(
		ddb_number_parse(STR("9.9999999999999999999999999999999999999e125"), b, &n),
		DDB_NUMBER_OK);
	assert_int_equal(ddb_number_parse(STR("1e126"), b, &n), DDB_NUMBER_OVERFLOW);
	assert_int_equal(ddb_number_parse(STR("1e-130"), b, &n), DDB_NUMBER_OK);
	assert_int_equal(ddb_number_parse(STR("1e-131"), b, &n), DDB_NUMBER_UNDERFLOW);
	assert_int_equal(
		ddb_number_parse(STR("1e99999999999999999999"), b, &n), DDB_NUMBER_OVERFLOW);
	assert_int_equal(ddb_number_parse(STR("123456789012345678901234567890123456789"), b, &n),
		DDB_NUMBER_PRECISION);
	assert_int_equal(ddb_number_parse(STR("1000000000000000000000000000000000000001"), b, &n),
		DDB_NUMBER_PRECISION);
	static const char *const bad[] = { "", "-", "+", "e1", "1e", "1e+", "1.2.3", "0x1", " 1",
		"1 ", "--1", "NaN", "Infinity" };
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(ddb_number_parse(str_c(bad[i]), b, &n), DDB_NUMBER_MALFORMED);
}

TEST(dynamodb_numbers_order_as_bytes)
{
	static const char *const sorted[] = { "-9e125", "-1e10", "-100.1", "-100", "-99.99", "-99",
		"-11", "-10", "-9.5", "-1.01", "-1", "-0.99", "-0.1", "-0.01", "-1e-130", "0",
		"1e-130", "0.009", "0.01", "0.011", "0.1", "0.99", "1", "1.01", "9", "9.5", "10",
		"10.1", "11", "99", "99.99", "100", "101", "1000", "1e10", "9e125" };
	unsigned n = sizeof(sorted) / sizeof(sorted[0]);
	for (unsigned i = 0; i < n; i++)
		for (unsigned k = 0; k < n; k++) {
			uint8_t x[DDB_NUMBER_BYTES], y[DDB_NUMBER_BYTES];
			int r = str_cmp(encode(sorted[i], x), encode(sorted[k], y));
			assert_true(i < k ? r < 0 : i > k ? r > 0 : r == 0);
		}
}

static const struct {
	const char *x, *y, *sum, *difference;
} sums[] = {
	{ "1", "2", "3", "-1" },
	{ "0", "0", "0", "0" },
	{ "0.1", "0.2", "0.3", "-0.1" },
	{ "-5", "5", "0", "-10" },
	{ "999", "1", "1000", "998" },
	{ "1e20", "1", "100000000000000000001", "99999999999999999999" },
	{ "-1", "-99", "-100", "98" },
	{ "1.000000001", "-1", "0.000000001", "2.000000001" },
	{ "99999999999999999999999999999999999998", "1", "99999999999999999999999999999999999999",
		"99999999999999999999999999999999999997" },
};

TEST(dynamodb_sums_are_exact)
{
	for (unsigned i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
		uint8_t x[DDB_NUMBER_BYTES], y[DDB_NUMBER_BYTES], z[DDB_NUMBER_BYTES];
		char text[DDB_NUMBER_TEXT];
		size_t n = 0;
		struct str a = encode(sums[i].x, x), b = encode(sums[i].y, y);
		assert_int_equal(ddb_number_add(a, b, false, z, &n), DDB_NUMBER_OK);
		assert_str(ddb_number_text(str_of(z, n), text), sums[i].sum);
		assert_int_equal(ddb_number_add(a, b, true, z, &n), DDB_NUMBER_OK);
		assert_str(ddb_number_text(str_of(z, n), text), sums[i].difference);
	}
}

TEST(dynamodb_sums_beyond_38_digits_are_refused)
{
	uint8_t x[DDB_NUMBER_BYTES], y[DDB_NUMBER_BYTES], z[DDB_NUMBER_BYTES];
	size_t n = 0;
	assert_int_equal(ddb_number_add(encode("1e40", x), encode("1", y), false, z, &n),
		DDB_NUMBER_PRECISION);
	assert_int_equal(ddb_number_add(encode("9e125", x), encode("9e125", y), false, z, &n),
		DDB_NUMBER_OVERFLOW);
}

TEST(dynamodb_number_sizes)
{
	uint8_t b[DDB_NUMBER_BYTES];
	int64_t v;
	assert_int_equal(ddb_number_size(encode("0", b)), 1);
	assert_int_equal(ddb_number_size(encode("1", b)), 2);
	assert_int_equal(ddb_number_size(encode("-1", b)), 3);
	assert_int_equal(ddb_number_size(encode("12", b)), 2);
	assert_int_equal(ddb_number_size(encode("123", b)), 3);
	assert_true(ddb_number_i64(encode("-9223372036854775808", b), &v) && v == INT64_MIN);
	assert_false(ddb_number_i64(encode("9223372036854775808", b), &v));
	assert_false(ddb_number_i64(encode("1.5", b), &v));
	assert_true(ddb_number_i64(encode("1700000000", b), &v) && v == 1700000000);
}
