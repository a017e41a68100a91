#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char hex_digits[] = "0123456789abcdef";

void
hex_encode(struct str bytes, char *ret)
{
	for (size_t i = 0; i < bytes.len; i++) {
		unsigned char c = (unsigned char)bytes.p[i];
		ret[2 * i] = hex_digits[c >> 4];
		ret[2 * i + 1] = hex_digits[c & 15];
	}
}

struct str
hex_text(struct arena *a, struct str bytes)
{
	char *p = arena_alloc_raw(a, bytes.len * 2 + 1);
	hex_encode(bytes, p);
	p[bytes.len * 2] = 0;
	return str_of(p, bytes.len * 2);
}

void
hex_add(struct buf *b, struct str bytes)
{
	hex_encode(bytes, buf_reserve(b, bytes.len * 2));
	b->len += bytes.len * 2;
	b->p[b->len] = 0;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
hex_decode(struct str text, void *ret, size_t n)
{
	unsigned char *out = ret;
	if (text.len / 2 != n || text.len % 2)
		return false;
	for (size_t i = 0; i < n; i++) {
		int v = hex_value(text.p[2 * i]) * 16 | hex_value(text.p[2 * i + 1]);
		if (v < 0)
			return false;
		out[i] = (unsigned char)v;
	}
	return true;
}

struct str
hex_bytes(struct arena *a, struct str text)
{
	size_t n = text.len / 2;
	char *p = arena_alloc_raw(a, n + 1);
	p[n] = 0;
	return text.p && hex_decode(text, p, n) ? str_of(p, n) : STR_NULL;
}

static const char alphabet_standard[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char alphabet_url[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Whole groups of three, then what is left without padding; returns how many were written. */
static size_t
base64_groups(struct str s, char *ret, const char *alphabet)
{
	const unsigned char *p = (const unsigned char *)s.p;
	char *o = ret;
	size_t n = s.len;
	for (; n >= 3; n -= 3, p += 3, o += 4) {
		uint32_t v = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
		o[0] = alphabet[v >> 18];
		o[1] = alphabet[v >> 12 & 63];
		o[2] = alphabet[v >> 6 & 63];
		o[3] = alphabet[v & 63];
	}
	if (n) {
		uint32_t v = (uint32_t)p[0] << 16 | (n == 2 ? (uint32_t)p[1] << 8 : 0);
		*o++ = alphabet[v >> 18];
		*o++ = alphabet[v >> 12 & 63];
		if (n == 2)
			*o++ = alphabet[v >> 6 & 63];
	}
	return (size_t)(o - ret);
}

void
base64_encode(struct str bytes, char *ret)
{
	size_t n = base64_groups(bytes, ret, alphabet_standard);
	while (n % 4)
		ret[n++] = '=';
}

struct str
base64_text(struct arena *a, struct str bytes)
{
	size_t n = BASE64_LEN(bytes.len);
	char *p = arena_alloc_raw(a, n + 1);
	base64_encode(bytes, p);
	p[n] = 0;
	return str_of(p, n);
}

void
base64_add(struct buf *b, struct str bytes)
{
	size_t n = BASE64_LEN(bytes.len);
	base64_encode(bytes, buf_reserve(b, n));
	b->len += n;
	b->p[b->len] = 0;
}

struct str
base64_url_text(struct arena *a, struct str bytes)
{
	char *p = arena_alloc_raw(a, BASE64_LEN(bytes.len) + 1);
	size_t n = base64_groups(bytes, p, alphabet_url);
	p[n] = 0;
	return str_of(p, n);
}

/* 0..63; 64 stands for anything else, so that four values can be checked with one test. */
#define BAD 64
#define UPPER(c, b) [(c)] = (b), [(c) + 1] = (b) + 1, [(c) + 2] = (b) + 2, [(c) + 3] = (b) + 3
#define FILL_LETTERS                                                                               \
	UPPER('A', 0), UPPER('E', 4), UPPER('I', 8), UPPER('M', 12), UPPER('Q', 16),               \
		UPPER('U', 20), ['Y'] = 24, ['Z'] = 25, UPPER('a', 26), UPPER('e', 30),            \
				UPPER('i', 34), UPPER('m', 38), UPPER('q', 42),                    \
				UPPER('u', 46), ['y'] = 50, ['z'] = 51, UPPER('0', 52),            \
				UPPER('4', 56), ['8'] = 60, ['9'] = 61
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
static const unsigned char values_standard[256] = {
	[0 ... 255] = BAD, FILL_LETTERS, ['+'] = 62, ['/'] = 63
};
static const unsigned char values_url[256] = {
	[0 ... 255] = BAD, FILL_LETTERS, ['-'] = 62, ['_'] = 63
};
static const unsigned char values_any[256] = {
	[0 ... 255] = BAD, FILL_LETTERS, ['+'] = 62, ['/'] = 63, ['-'] = 62, ['_'] = 63
};
#pragma GCC diagnostic pop

/* Whole groups of four from the front as long as they are clean; returns how many characters. */
static size_t
base64_fast(struct str s, unsigned char *ret, const unsigned char *values)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t i = 0;
	for (; s.len - i >= 4; i += 4, ret += 3) {
		unsigned v0 = values[p[i]], v1 = values[p[i + 1]];
		unsigned v2 = values[p[i + 2]], v3 = values[p[i + 3]];
		if ((v0 | v1 | v2 | v3) & BAD)
			break;
		ret[0] = (unsigned char)(v0 << 2 | v1 >> 4);
		ret[1] = (unsigned char)(v1 << 4 | v2 >> 2);
		ret[2] = (unsigned char)(v2 << 6 | v3);
	}
	return i;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Decodes into ret, which holds at least 3 bytes for every 4 characters begun. -1: malformed. */
static long
base64_into(struct str s, unsigned char *ret, enum base64_form form)
{
	const unsigned char *values = form == BASE64_STRICT ? values_standard
				      : form == BASE64_URL  ? values_url
							    : values_any;
	size_t at = base64_fast(s, ret, values), out = at / 4 * 3;
	uint32_t bits = 0;
	unsigned have = 0, padding = 0;
	for (; at < s.len; at++) {
		unsigned v = values[(unsigned char)s.p[at]];
		if (form == BASE64_LENIENT && is_blank(s.p[at]))
			continue;
		if (s.p[at] == '=' && (padding || have >= 2) && have + padding < 4) {
			padding++;
			continue;
		}
		if (v == BAD || padding)
			return -1;
		bits = bits << 6 | v;
		if (++have == 4) {
			ret[out++] = (unsigned char)(bits >> 16);
			ret[out++] = (unsigned char)(bits >> 8);
			ret[out++] = (unsigned char)bits;
			have = 0;
			bits = 0;
		}
	}
	if (have == 1 || (padding && have + padding != 4 && form != BASE64_LENIENT))
		return -1;
	if (form == BASE64_STRICT && have && !padding)
		return -1;
	if (form != BASE64_LENIENT && have && (bits & (have == 2 ? 15 : 3)))
		return -1;
	if (have)
		ret[out++] = (unsigned char)(have == 2 ? bits >> 4 : bits >> 10);
	if (have == 3)
		ret[out++] = (unsigned char)(bits >> 2);
	return (long)out;
}

struct str
base64_bytes(struct arena *a, struct str text, enum base64_form form)
{
	if (!text.p)
		return STR_NULL;
	char *p = arena_alloc_raw(a, text.len / 4 * 3 + 4);
	long n = base64_into(text, (unsigned char *)p, form);
	if (n < 0)
		return STR_NULL;
	p[n] = 0;
	return str_of(p, (size_t)n);
}

bool
base64_decode(struct str text, void *ret, size_t n)
{
	unsigned char tmp[BASE64_LEN(64) / 4 * 3 + 4];
	if (text.len != BASE64_LEN(n) || n > 64)
		return false;
	if (base64_into(text, tmp, BASE64_STRICT) != (long)n)
		return false;
	memcpy(ret, tmp, n);
	return true;
}

/* Most numbers that people write have few decimals: those need no search. */
static int
few_decimals(double v, char ret[TEXT_F64_MAX])
{
	static const double scale[] = { 10, 100, 1000, 10000, 100000, 1000000 };
	double size = fabs(v);
	const char *sign = signbit(v) ? "-" : "";
	if (size < 9007199254740992.0 && size == floor(size))
		return snprintf(ret, TEXT_F64_MAX, "%s%.0f.0", sign, size);
	if (size < 1e-4 || size >= 1e9)
		return 0;
	for (int k = 0; k < 6; k++) {
		double m = nearbyint(size * scale[k]);
		/* Both exact, so the quotient is the double nearest to the decimal. */
		if (m / scale[k] == size)
			return snprintf(ret, TEXT_F64_MAX, "%s%llu.%0*llu", sign,
				(unsigned long long)m / (unsigned long long)scale[k], k + 1,
				(unsigned long long)m % (unsigned long long)scale[k]);
	}
	return 0;
}

struct str
text_f64(double v, char ret[TEXT_F64_MAX])
{
	int n = 0;
	if (isnan(v))
		n = snprintf(ret, TEXT_F64_MAX, "NaN");
	else if (isinf(v))
		n = snprintf(ret, TEXT_F64_MAX, v < 0 ? "-Infinity" : "Infinity");
	else
		n = few_decimals(v, ret);
	for (int digits = 15; !n && digits <= 17; digits++) {
		n = snprintf(ret, TEXT_F64_MAX, "%.*g", digits, v);
		if (digits < 17 && strtod(ret, NULL) != v)
			n = 0;
	}
	return str_of(ret, (size_t)n);
}
