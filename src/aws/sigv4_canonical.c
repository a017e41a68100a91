#include "aws/sigv4_internal.h"
#include "base/buf.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void
sink_flush(struct sigv4_sink *s)
{
	SHA256_Update(&s->sha, s->chunk, s->n);
	if (s->copy)
		buf_add(s->copy, s->chunk, s->n);
	s->n = 0;
}

static inline void
sink_c(struct sigv4_sink *s, char c)
{
	if (s->n == sizeof(s->chunk))
		sink_flush(s);
	s->chunk[s->n++] = c;
}

static void
sink_add(struct sigv4_sink *s, const char *p, size_t len)
{
	while (len) {
		if (s->n == sizeof(s->chunk))
			sink_flush(s);
		size_t take = sizeof(s->chunk) - s->n;
		if (take > len)
			take = len;
		memcpy(s->chunk + s->n, p, take);
		s->n += take;
		p += take;
		len -= take;
	}
}

static inline void
sink_str(struct sigv4_sink *s, struct str t)
{
	sink_add(s, t.p, t.len);
}

/* 1: stands for itself in canonical text. */
static const unsigned char unreserved[256] = {
	['A' ... 'Z'] = 1,
	['a' ... 'z'] = 1,
	['0' ... '9'] = 1,
	['-'] = 1,
	['.'] = 1,
	['_'] = 1,
	['~'] = 1,
};

static inline int
hex_value(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static const char upper_digits[] = "0123456789ABCDEF";

/* Takes one byte of percent-encoded text; a '%' without two digits stands for itself. */
static inline unsigned char
take_decoded(struct str s, size_t *at)
{
	unsigned char c = (unsigned char)s.p[*at];
	if (c == '%' && *at + 2 < s.len) {
		int h = hex_value((unsigned char)s.p[*at + 1]);
		int l = hex_value((unsigned char)s.p[*at + 2]);
		if (h >= 0 && l >= 0) {
			*at += 3;
			return (unsigned char)(h << 4 | l);
		}
	}
	*at += 1;
	return c;
}

static inline void
sink_encoded(struct sigv4_sink *s, unsigned char c)
{
	if (unreserved[c] || c == '/') {
		sink_c(s, (char)c);
		return;
	}
	sink_c(s, '%');
	sink_c(s, upper_digits[c >> 4]);
	sink_c(s, upper_digits[c & 15]);
}

/* Whatever the client chose to encode in its URL, S3 counts the decoded path, encoded once. */
static void
path_s3(struct sigv4_sink *s, struct str path)
{
	for (size_t i = 0; i < path.len;)
		sink_encoded(s, take_decoded(path, &i));
}

static void
path_encoded(struct sigv4_sink *s, struct str path)
{
	for (size_t i = 0; i < path.len; i++)
		sink_encoded(s, (unsigned char)path.p[i]);
}

/* The pieces that survive "." and "..", found from the end: a piece goes when a ".." after it is
 * still owed one. */
static void
path_normalised(struct sigv4_sink *s, struct str path)
{
	char small[1024], *kept = path.len < sizeof(small) ? small : malloc(path.len + 1);
	size_t at = path.len + 1, owed = 0, end = path.len;
	bool slash_at_end = path.len && path.p[path.len - 1] == '/';

	assert(kept);
	while (end > 0) {
		size_t start = end;
		while (start > 0 && path.p[start - 1] != '/')
			start--;
		struct str piece = str_of(path.p + start, end - start);
		end = start ? start - 1 : 0;
		if (piece.len == 0 || str_is(piece, "."))
			continue;
		if (str_is(piece, "..")) {
			owed++;
			continue;
		}
		if (owed) {
			owed--;
			continue;
		}
		at -= piece.len;
		memcpy(kept + at, piece.p, piece.len);
		kept[--at] = '/';
	}
	struct str out = str_of(kept + at, path.len + 1 - at);
	path_encoded(s, out);
	if (out.len == 0 || slash_at_end)
		sink_c(s, '/');
	if (kept != small)
		free(kept);
}

static void
add_path(struct sigv4_sink *s, struct str path, enum sigv4_path how)
{
	if (path.len == 0)
		sink_c(s, '/');
	else if (how == SIGV4_PATH_S3)
		path_s3(s, path);
	else if (how == SIGV4_PATH_KEEP ||
		 (!memmem(path.p, path.len, "//", 2) && !memmem(path.p, path.len, "/.", 2)))
		path_encoded(s, path);
	else
		path_normalised(s, path);
}

struct query_piece {
	struct str name, value; /* encoded */
};

static int
piece_cmp(const void *a, const void *b)
{
	const struct query_piece *x = a, *y = b;
	int d = str_cmp(x->name, y->name);
	return d ? d : str_cmp(x->value, y->value);
}

static struct str
query_encode(struct str s, char **at)
{
	char *p = *at;
	for (size_t i = 0; i < s.len;) {
		/* A bare '+' of a query is a blank to AWS. */
		unsigned char c = (unsigned char)s.p[i];
		if (c == '+') {
			c = ' ';
			i++;
		} else {
			c = take_decoded(s, &i);
		}
		if (unreserved[c]) {
			*p++ = (char)c;
		} else {
			*p++ = '%';
			*p++ = upper_digits[c >> 4];
			*p++ = upper_digits[c & 15];
		}
	}
	struct str out = str_of(*at, (size_t)(p - *at));
	*at = p;
	return out;
}

static bool
query_drops(const struct sigv4_canonical *how, struct str name)
{
	return (how->drop_signature && str_is(name, "X-Amz-Signature")) ||
	       (how->drop_token && str_is(name, "X-Amz-Security-Token"));
}

static void
add_query(struct sigv4_sink *s, struct str query, const struct sigv4_canonical *how)
{
	struct query_piece few[32], *v = few;
	char small[1536], *text = small;
	size_t n = 0, pieces = 1;

	if (query.len == 0)
		return;
	for (size_t i = 0; i < query.len; i++)
		pieces += query.p[i] == '&';
	if (pieces > sizeof(few) / sizeof(few[0]))
		v = malloc(pieces * sizeof(*v));
	if (query.len * 3 > sizeof(small))
		text = malloc(query.len * 3);
	assert(v && text);
	char *at = text;
	for (struct str rest = query; rest.p;) {
		struct str value = str_cut(&rest, '&');
		if (value.len == 0)
			continue;
		struct str name = str_cut(&value, '=');
		if (query_drops(how, name))
			continue;
		v[n].name = query_encode(name, &at);
		v[n++].value = value.p ? query_encode(value, &at) : STR("");
	}
	if (n > 1)
		qsort(v, n, sizeof(*v), piece_cmp);
	for (size_t i = 0; i < n; i++) {
		if (i)
			sink_c(s, '&');
		sink_str(s, v[i].name);
		sink_c(s, '=');
		sink_str(s, v[i].value);
	}
	if (v != few)
		free(v);
	if (text != small)
		free(text);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void
add_value(struct sigv4_sink *s, struct str v)
{
	v = str_trim(v);
	/* Nearly every value is free of double blanks and goes over at once. */
	size_t from = 0;
	for (size_t i = 0; i < v.len; i++) {
		if (!is_blank(v.p[i]))
			continue;
		size_t end = i + 1;
		while (is_blank(v.p[end]))
			end++;
		if (end == i + 1 && v.p[i] == ' ')
			continue;
		sink_add(s, v.p + from, i - from);
		sink_c(s, ' ');
		from = end;
		i = end - 1;
	}
	sink_add(s, v.p + from, v.len - from);
}

static void
add_headers(struct sigv4_sink *s, const struct sigv4_request *r, struct str signed_headers)
{
	for (struct str rest = signed_headers; rest.p;) {
		struct str name = str_cut(&rest, ';');
		bool more = false;
		sink_str(s, name);
		sink_c(s, ':');
		for (unsigned i = 0; i < r->headers_n; i++) {
			if (r->headers[i].name.len != name.len ||
				!str_eq_nocase(r->headers[i].name, name))
				continue;
			if (more)
				sink_c(s, ',');
			add_value(s, r->headers[i].value);
			more = true;
		}
		sink_c(s, '\n');
	}
}

void
sigv4_canonical_hash(const struct sigv4_request *r, const struct sigv4_canonical *how,
	struct buf *copy, unsigned char ret_hash[32])
{
	struct sigv4_sink s;

	s.copy = copy;
	s.n = 0;
	SHA256_Init(&s.sha);
	sink_str(&s, r->method);
	sink_c(&s, '\n');
	add_path(&s, r->path, how->path);
	sink_c(&s, '\n');
	add_query(&s, r->query, how);
	sink_c(&s, '\n');
	add_headers(&s, r, how->signed_headers);
	sink_c(&s, '\n');
	sink_str(&s, how->signed_headers);
	sink_c(&s, '\n');
	sink_str(&s, how->payload_hash);
	sink_flush(&s);
	SHA256_Final(ret_hash, &s.sha);
}

size_t
sigv4_string_to_sign(struct str amz_date, struct str scope, const unsigned char hash[32],
	char ret[SIGV4_STRING_MAX])
{
	static const char head[] = SIGV4_ALGORITHM "\n";
	size_t n = sizeof(head) - 1;

	assert(amz_date.len <= 32 && scope.len <= SIGV4_SCOPE_MAX);
	memcpy(ret, head, n);
	memcpy(ret + n, amz_date.p, amz_date.len);
	n += amz_date.len;
	ret[n++] = '\n';
	memcpy(ret + n, scope.p, scope.len);
	n += scope.len;
	ret[n++] = '\n';
	sigv4_hex(hash, 32, ret + n);
	return n + 64;
}
