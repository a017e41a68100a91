/*
 * number: DynamoDB's decimals: 38 significant digits, magnitudes from 1E-130 to 9.99…E+125, exact.
 *
 * A number is kept as 1..21 bytes that memcmp orders as the numbers are ordered: one byte of
 * exponent to base 100, then the digits in pairs plus one; of negative numbers everything is
 * complemented and a closing byte is added. Equal numbers have equal bytes.
 */
#ifndef HANEUL_SVC_DYNAMODB_NUMBER_H
#define HANEUL_SVC_DYNAMODB_NUMBER_H

#include "base/str.h"

#define DDB_NUMBER_BYTES 24
#define DDB_NUMBER_TEXT 180
#define DDB_NUMBER_DIGITS 38

enum ddb_number_error {
	DDB_NUMBER_OK,
	DDB_NUMBER_MALFORMED,
	DDB_NUMBER_OVERFLOW,
	DDB_NUMBER_UNDERFLOW,
	DDB_NUMBER_PRECISION, /* more than 38 significant digits */
};

/* Text as clients write it ("1", "-0.50", "1e3") to bytes; *ret_len of them. */
enum ddb_number_error ddb_number_parse(
	struct str text, uint8_t ret[DDB_NUMBER_BYTES], size_t *ret_len);
/* The canonical text, without exponent. The bytes come from ddb_number_parse. */
struct str ddb_number_text(struct str bytes, char ret[DDB_NUMBER_TEXT]);
/* a + b, or a - b. */
enum ddb_number_error ddb_number_add(
	struct str a, struct str b, bool minus, uint8_t ret[DDB_NUMBER_BYTES], size_t *ret_len);
/* What it counts in an item's size. */
uint32_t ddb_number_size(struct str bytes);
/* True and set when it is an integer of 64 bits. */
bool ddb_number_i64(struct str bytes, int64_t *ret_value);

#endif
