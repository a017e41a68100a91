#include "base/str.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <sys/random.h>

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool
str_eq_nocase(struct str a, struct str b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (a.p[i] != b.p[i] && lower(a.p[i]) != lower(b.p[i]))
			return false;
	return true;
}

int
str_cmp(struct str a, struct str b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int d = n ? memcmp(a.p, b.p, n) : 0;
	return d ? d : (a.len > b.len) - (a.len < b.len);
}

bool
str_starts(struct str s, struct str prefix)
{
	return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.p, prefix.p, prefix.len) == 0);
}

bool
str_ends(struct str s, struct str suffix)
{
	return s.len >= suffix.len &&
	       (suffix.len == 0 || memcmp(s.p + s.len - suffix.len, suffix.p, suffix.len) == 0);
}

long
str_find(struct str s, char c)
{
	const char *at = s.len ? memchr(s.p, c, s.len) : NULL;
	return at ? at - s.p : -1;
}

long
str_rfind(struct str s, char c)
{
	const char *at = s.len ? memrchr(s.p, c, s.len) : NULL;
	return at ? at - s.p : -1;
}

long
str_find_str(struct str s, struct str needle)
{
	if (needle.len == 0)
		return 0;
	const char *at = s.len ? memmem(s.p, s.len, needle.p, needle.len) : NULL;
	return at ? at - s.p : -1;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str
str_trim(struct str s)
{
	while (s.len && is_blank(s.p[0]))
		s.p++, s.len--;
	while (s.len && is_blank(s.p[s.len - 1]))
		s.len--;
	return s;
}

struct str
str_slice(struct str s, size_t from, size_t to)
{
	if (to > s.len)
		to = s.len;
	if (from > to)
		from = to;
	return (struct str){ s.p ? s.p + from : s.p, to - from };
}

struct str
str_cut(struct str *rest, char sep)
{
	struct str all = *rest;
	long at = str_find(all, sep);
	if (at < 0) {
		*rest = STR_NULL;
		return all;
	}
	*rest = str_of(all.p + at + 1, all.len - (size_t)at - 1);
	return str_of(all.p, (size_t)at);
}

bool
str_to_u64(struct str s, uint64_t *ret_value)
{
	uint64_t v = 0;
	if (s.len == 0 || s.len > 20)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		if (__builtin_mul_overflow(v, 10, &v) ||
			__builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
			return false;
	}
	*ret_value = v;
	return true;
}

bool
str_to_i64(struct str s, int64_t *ret_value)
{
	bool negative = s.len && s.p[0] == '-';
	uint64_t v;
	if (!str_to_u64(str_slice(s, negative, s.len), &v))
		return false;
	if (v > (uint64_t)INT64_MAX + negative)
		return false;
	*ret_value = negative ? (int64_t)(0 - v) : (int64_t)v;
	return true;
}

bool
str_to_f64(struct str s, double *ret_value)
{
	char tmp[400];
	if (s.len == 0 || s.len >= sizeof(tmp))
		return false;
	if (str_is(s, "NaN"))
		return *ret_value = NAN, true;
	if (str_is(s, "Infinity"))
		return *ret_value = INFINITY, true;
	if (str_is(s, "-Infinity"))
		return *ret_value = -INFINITY, true;
	for (size_t i = 0; i < s.len; i++)
		if (!memchr("0123456789+-.eE", s.p[i], 15))
			return false;
	memcpy(tmp, s.p, s.len);
	tmp[s.len] = 0;
	char *end;
	errno = 0;
	double v = strtod(tmp, &end);
	if (*end || (errno == ERANGE && isinf(v)))
		return false;
	*ret_value = v;
	return true;
}

/* Decodes one code point at s.p[i]; 0 when malformed, else its length in bytes. */
static size_t
utf8_step(struct str s, size_t i)
{
	const unsigned char *p = (const unsigned char *)s.p + i;
	size_t left = s.len - i;
	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		return left >= 2 && (p[1] & 0xc0) == 0x80 ? 2 : 0;
	if ((p[0] & 0xf0) == 0xe0) {
		if (left < 3 || (p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80)
			return 0;
		if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f))
			return 0;
		return 3;
	}
	if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		if (left < 4 || (p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80 ||
			(p[3] & 0xc0) != 0x80)
			return 0;
		if ((p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
			return 0;
		return 4;
	}
	return 0;
}

size_t
str_utf8_prefix(struct str s)
{
	size_t i = 0;
	while (i < s.len) {
		uint64_t eight;
		/* Most text is ASCII: eight bytes at a time. */
		while (s.len - i >= 8 &&
			(memcpy(&eight, s.p + i, 8), !(eight & 0x8080808080808080ULL)))
			i += 8;
		if (i == s.len)
			break;
		size_t n = utf8_step(s, i);
		if (!n)
			break;
		i += n;
	}
	return i;
}

bool
str_utf8_valid(struct str s)
{
	return str_utf8_prefix(s) == s.len;
}

size_t
str_utf8_count(struct str s)
{
	size_t n = 0;
	for (size_t i = 0; i < s.len; i++)
		n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

bool
str_eq_consttime(struct str a, struct str b)
{
	if (a.len != b.len)
		return false;
	uint64_t diff = 0, x, y;
	size_t i = 0;
	for (; i + 8 <= a.len; i += 8) {
		memcpy(&x, a.p + i, 8);
		memcpy(&y, b.p + i, 8);
		diff |= x ^ y;
	}
	for (; i < a.len; i++)
		diff |= (unsigned char)(a.p[i] ^ b.p[i]);
	/* The compiler must not see that a difference found early decides it. */
	__asm__ volatile("" : "+r"(diff));
	return diff == 0;
}

/* Outsiders choose keys of maps: without a secret they could make them all collide. */
static uint64_t hash_key;

__attribute__((constructor)) static void
hash_key_init(void)
{
	if (getrandom(&hash_key, sizeof(hash_key), GRND_NONBLOCK) != sizeof(hash_key))
		hash_key = (uint64_t)(uintptr_t)&hash_key;
}

uint64_t
str_hash(struct str s)
{
	return XXH3_64bits_withSeed(s.p, s.len, hash_key);
}

static bool
bytes_are_line(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] == '\r' || p[i] == '\n' || p[i] == 0)
			return false;
	return true;
}

/* false when no byte is below 0x0e. */
static inline bool
word_has_low(const char *p)
{
	const uint64_t ones = 0x0101010101010101u;
	uint64_t v;
	memcpy(&v, p, 8);
	return ((v - ones * 0x0e) & ~v & ones * 0x80) != 0;
}

/* Headers of every reply pass here. Eight bytes at once, none below 0x0e, is the usual case; the
 * last eight overlap those before. */
bool
str_is_line(struct str s)
{
	if (s.len < 8)
		return bytes_are_line(s.p, s.len);
	bool low = word_has_low(s.p + s.len - 8);
	for (size_t i = 0; i + 8 < s.len; i += 8)
		low |= word_has_low(s.p + i);
	return !low || bytes_are_line(s.p, s.len);
}
