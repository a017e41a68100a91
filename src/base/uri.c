#include "base/uri.h"

static bool
is_unreserved(unsigned char c)
{
	/* One bit for each of A-Z a-z 0-9 - . _ ~ */
	static const uint64_t set[2] = { 0x03ff600000000000ULL, 0x47fffffe87fffffeULL };
	return c < 128 && (set[c >> 6] >> (c & 63) & 1);
}

static size_t
encoded_extra(struct str s, unsigned flags)
{
	size_t n = 0;
	for (size_t i = 0; i < s.len; i++)
		n += !is_unreserved((unsigned char)s.p[i]) &&
		     !(s.p[i] == '/' && (flags & URI_KEEP_SLASH));
	return n * 2;
}

static void
encode_into(struct str s, unsigned flags, char *o)
{
	static const char digits[] = "0123456789ABCDEF";
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (is_unreserved(c) || (c == '/' && (flags & URI_KEEP_SLASH))) {
			*o++ = (char)c;
			continue;
		}
		*o++ = '%';
		*o++ = digits[c >> 4];
		*o++ = digits[c & 15];
	}
}

void
uri_add(struct buf *b, struct str s, unsigned flags)
{
	size_t n = s.len + encoded_extra(s, flags);
	if (n == s.len) {
		buf_add_str(b, s);
		return;
	}
	encode_into(s, flags, buf_reserve(b, n));
	b->len += n;
	b->p[b->len] = 0;
}

struct str
uri_encode(struct arena *a, struct str s, unsigned flags)
{
	size_t n = s.len + encoded_extra(s, flags);
	if (n == s.len)
		return s;
	char *p = arena_alloc_raw(a, n + 1);
	encode_into(s, flags, p);
	p[n] = 0;
	return str_of(p, n);
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
is_plain(struct str s, unsigned flags)
{
	return !s.len || (!memchr(s.p, '%', s.len) &&
				 !((flags & URI_PLUS_IS_SPACE) && memchr(s.p, '+', s.len)));
}

struct str
uri_decode(struct arena *a, struct str s, unsigned flags)
{
	if (is_plain(s, flags))
		return s;
	char *p = arena_alloc_raw(a, s.len + 1), *o = p;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];
		if (c == '+' && (flags & URI_PLUS_IS_SPACE))
			c = ' ';
		if (c == '%') {
			int v = s.len - i > 2 ? hex_value(s.p[i + 1]) * 16 | hex_value(s.p[i + 2])
					      : -1;
			if (v < 0)
				return STR_NULL;
			c = (char)v;
			i += 2;
		}
		*o++ = c;
	}
	*o = 0;
	return str_of(p, (size_t)(o - p));
}

bool
uri_param_next(struct str *rest, struct uri_param *ret_param)
{
	while (rest->p) {
		struct str piece = str_cut(rest, '&');
		if (!piece.len)
			continue;
		ret_param->key = str_cut(&piece, '=');
		ret_param->value = piece;
		return true;
	}
	return false;
}

struct str
uri_param_get(struct arena *a, struct str query, struct str name)
{
	struct uri_param q;
	while (uri_param_next(&query, &q)) {
		if (!is_plain(q.key, URI_PLUS_IS_SPACE))
			q.key = uri_decode(a, q.key, URI_PLUS_IS_SPACE);
		if (!q.key.p || !str_eq(q.key, name))
			continue;
		return q.value.p ? uri_decode(a, q.value, URI_PLUS_IS_SPACE) : STR("");
	}
	return STR_NULL;
}
