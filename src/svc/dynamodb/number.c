#include "svc/dynamodb/number.h"

/* value = 0.d1 d2 d3 … × 10^exp, d1 != 0; n == 0: zero */
struct dec {
	bool neg;
	int exp;
	unsigned n;
	uint8_t d[DDB_NUMBER_DIGITS + 2];
};

#define EXP_MAX 126
#define EXP_MIN (-129)
#define SPAN 320 /* digits between the largest and the smallest place, and room */
#define ZERO 0x80

static size_t
dec_to_bytes(const struct dec *x, uint8_t *ret)
{
	size_t n = 0;
	if (!x->n) {
		ret[0] = ZERO;
		return 1;
	}
	int odd = x->exp & 1;
	uint8_t head = (uint8_t)((x->exp + odd) / 2 - 64);
	ret[n++] = x->neg ? (uint8_t)~head : head;
	for (unsigned i = 0; i < x->n + (unsigned)odd; i += 2) {
		int at = (int)i - odd;
		unsigned hi = at >= 0 ? x->d[at] : 0;
		unsigned lo = at + 1 < (int)x->n ? x->d[at + 1] : 0;
		unsigned pair = hi * 10 + lo;
		ret[n++] = (uint8_t)(x->neg ? 101 - pair : pair + 1);
	}
	if (x->neg && n < 21)
		ret[n++] = 102;
	return n;
}

static void
dec_from_bytes(struct str b, struct dec *ret)
{
	const uint8_t *p = (const uint8_t *)b.p;
	*ret = (struct dec){ 0 };
	if (!b.len || (b.len == 1 && p[0] == ZERO))
		return;
	ret->neg = p[0] < ZERO;
	ret->exp = 2 * ((int8_t)(ret->neg ? ~p[0] : p[0]) + 64);
	for (size_t i = 1; i < b.len && ret->n < DDB_NUMBER_DIGITS + 1; i++) {
		if (ret->neg && p[i] == 102)
			break;
		unsigned pair = (ret->neg ? 101u - p[i] : p[i] - 1u) % 100;
		if (i == 1 && pair < 10)
			ret->exp--;
		else
			ret->d[ret->n++] = (uint8_t)(pair / 10);
		ret->d[ret->n++] = (uint8_t)(pair % 10);
	}
	while (ret->n && !ret->d[ret->n - 1])
		ret->n--;
}

static enum ddb_number_error
dec_check(const struct dec *x)
{
	if (x->n && x->exp > EXP_MAX)
		return DDB_NUMBER_OVERFLOW;
	if (x->n && x->exp < EXP_MIN)
		return DDB_NUMBER_UNDERFLOW;
	return DDB_NUMBER_OK;
}

static bool
exponent_parse(struct str s, long *ret)
{
	size_t i = 0;
	bool neg = false;
	long v = 0;
	if (i < s.len && (s.p[i] == '+' || s.p[i] == '-'))
		neg = s.p[i++] == '-';
	if (i == s.len)
		return false;
	for (; i < s.len; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		if (v < 1000000)
			v = v * 10 + (s.p[i] - '0');
	}
	*ret = neg ? -v : v;
	return true;
}

/* Digits of the text into *x; too many significant ones set *ret_many. */
static bool
digits_parse(struct str s, struct dec *x, long *ret_point, bool *ret_many)
{
	bool any = false, point = false;
	long zeros = 0,
	     places = 0; /* zeros held back; digits before the point since the first one */
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '.' && !point) {
			point = true;
			continue;
		}
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		any = true;
		bool started = x->n > 0;
		if (s.p[i] == '0' && !started) {
			places -= point;
			continue;
		}
		places += !point;
		if (s.p[i] == '0') {
			zeros++;
			continue;
		}
		for (; zeros && x->n < DDB_NUMBER_DIGITS; zeros--)
			x->d[x->n++] = 0;
		if (zeros || x->n >= DDB_NUMBER_DIGITS)
			*ret_many = true;
		else
			x->d[x->n++] = (uint8_t)(s.p[i] - '0');
	}
	*ret_point = places;
	return any;
}

enum ddb_number_error
ddb_number_parse(struct str text, uint8_t ret[DDB_NUMBER_BYTES], size_t *ret_len)
{
	struct dec x = { 0 };
	struct str s = text;
	long e = 0, point = 0;
	bool many = false;
	if (s.len && (*s.p == '-' || *s.p == '+')) {
		x.neg = *s.p == '-';
		s = str_slice(s, 1, s.len);
	}
	long at = str_find(s, 'e');
	if (at < 0)
		at = str_find(s, 'E');
	if (at >= 0 && !exponent_parse(str_slice(s, (size_t)at + 1, s.len), &e))
		return DDB_NUMBER_MALFORMED;
	if (at >= 0)
		s = str_slice(s, 0, (size_t)at);
	if (!digits_parse(s, &x, &point, &many))
		return DDB_NUMBER_MALFORMED;
	long exp = point + e;
	x.exp = (int)(exp > 100000 ? 100000 : exp < -100000 ? -100000 : exp);
	x.neg = x.neg && x.n;
	enum ddb_number_error r = dec_check(&x);
	if (r || many)
		return r ? r : DDB_NUMBER_PRECISION;
	*ret_len = dec_to_bytes(&x, ret);
	return DDB_NUMBER_OK;
}

struct str
ddb_number_text(struct str bytes, char ret[DDB_NUMBER_TEXT])
{
	struct dec x;
	size_t n = 0;
	dec_from_bytes(bytes, &x);
	if (x.neg)
		ret[n++] = '-';
	if (!x.n || x.exp <= 0)
		ret[n++] = '0';
	if (x.n && x.exp <= 0) {
		ret[n++] = '.';
		for (int i = x.exp; i < 0; i++)
			ret[n++] = '0';
	}
	for (int i = 0; i < (int)x.n || i < x.exp; i++) {
		if (i && i == x.exp)
			ret[n++] = '.';
		ret[n++] = (char)('0' + (i < (int)x.n ? x.d[i] : 0));
	}
	ret[n] = '\0';
	return str_of(ret, n);
}

/* Digits onto a fixed grid; place 0 is 10^(EXP_MAX + 1). */
static void
grid_add(int8_t *grid, const struct dec *x, int sign)
{
	for (unsigned i = 0; i < x->n; i++)
		grid[EXP_MAX + 2 - x->exp + (int)i] += (int8_t)(sign * x->d[i]);
}

static void
grid_carry(int8_t *grid)
{
	for (int i = SPAN - 1; i > 0; i--) {
		while (grid[i] < 0)
			grid[i] += 10, grid[i - 1]--;
		while (grid[i] > 9)
			grid[i] -= 10, grid[i - 1]++;
	}
}

enum ddb_number_error
ddb_number_add(
	struct str a, struct str b, bool minus, uint8_t ret[DDB_NUMBER_BYTES], size_t *ret_len)
{
	struct dec x, y, z = { 0 };
	int8_t grid[SPAN] = { 0 };
	int first = 0, last = SPAN - 1;
	dec_from_bytes(a, &x);
	dec_from_bytes(b, &y);
	grid_add(grid, &x, x.neg ? -1 : 1);
	grid_add(grid, &y, y.neg != minus ? -1 : 1);
	grid_carry(grid);
	if (grid[0] < 0) {
		/* A negative sum borrowed through to the front: its opposite is positive. */
		z.neg = true;
		for (int i = 0; i < SPAN; i++)
			grid[i] = 0;
		grid_add(grid, &x, x.neg ? 1 : -1);
		grid_add(grid, &y, y.neg != minus ? 1 : -1);
		grid_carry(grid);
	}
	while (first < SPAN && !grid[first])
		first++;
	while (last >= first && !grid[last])
		last--;
	if (last - first + 1 > DDB_NUMBER_DIGITS)
		return DDB_NUMBER_PRECISION;
	for (int i = first; i <= last; i++)
		z.d[z.n++] = (uint8_t)grid[i];
	z.exp = EXP_MAX + 2 - first;
	enum ddb_number_error r = dec_check(&z);
	if (!r)
		*ret_len = dec_to_bytes(&z, ret);
	return r;
}

uint32_t
ddb_number_size(struct str bytes)
{
	struct dec x;
	dec_from_bytes(bytes, &x);
	if (!x.n)
		return 1;
	/* An even count of digits that straddles the pairs takes one byte more. */
	uint32_t straddles = x.n % 2 == 0 && (x.exp - 1) % 2 == 0;
	return 1 + (x.n + 1) / 2 + straddles + x.neg;
}

bool
ddb_number_i64(struct str bytes, int64_t *ret_value)
{
	struct dec x;
	int64_t v = 0;
	dec_from_bytes(bytes, &x);
	if ((int)x.n > x.exp && x.n)
		return false;
	for (int i = 0; x.n && i < x.exp; i++) {
		int digit = i < (int)x.n ? x.d[i] : 0;
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_sub_overflow(v, digit, &v))
			return false;
	}
	if (!x.neg && v == INT64_MIN)
		return false;
	*ret_value = x.neg ? v : -v;
	return true;
}
