#include "base/json.h"

#include <stdlib.h>

#include "base/json_scan.h"

/* Only arrays and objects that end move to the arena; what is still open waits on this stack. */
#define STACK_FIRST 32
#define DEPTH_MAX 1000        /* the parser recurses */
#define INDEX_FROM 16         /* larger objects get a hash table */
#define VALUES_MAX (1u << 21) /* a value can be two bytes and becomes sixty */

struct parser {
	const char *p, *end;
	struct arena *a;
	const char *why;
	unsigned depth_left;
	uint32_t values;
	struct json_member *stack;
	size_t stack_n, stack_cap;
	struct json_member first[STACK_FIRST];
};

static bool
fail(struct parser *s, const char *why)
{
	s->why = why;
	return false;
}

static bool
push(struct parser *s, const struct json_member *m)
{
	if (++s->values > VALUES_MAX)
		return fail(s, "too many values");
	if (s->stack_n == s->stack_cap) {
		bool on_heap = s->stack != s->first;
		size_t cap = s->stack_cap * 2;
		struct json_member *v = realloc(on_heap ? s->stack : NULL, cap * sizeof(*v));
		if (!v)
			abort();
		if (!on_heap)
			memcpy(v, s->first, sizeof(s->first));
		s->stack = v;
		s->stack_cap = cap;
	}
	s->stack[s->stack_n++] = *m;
	return true;
}

static inline void
skip_blanks(struct parser *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\r' || *s->p == '\t'))
		s->p++;
}

static inline bool
take(struct parser *s, char c)
{
	if (s->p == s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

static bool
take_literal(struct parser *s, const char *lit, size_t n)
{
	if ((size_t)(s->end - s->p) < n || memcmp(s->p, lit, n) != 0)
		return fail(s, "unknown literal");
	s->p += n;
	return true;
}

static bool
take_digits(struct parser *s)
{
	const char *from = s->p;
	while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
		s->p++;
	return s->p > from || fail(s, "digit expected");
}

static bool
parse_number(struct parser *s, struct json *ret)
{
	const char *from = s->p;
	take(s, '-');
	if (!take(s, '0') && !take_digits(s))
		return false;
	if (take(s, '.') && !take_digits(s))
		return false;
	if (take(s, 'e') || take(s, 'E')) {
		if (!take(s, '+'))
			take(s, '-');
		if (!take_digits(s))
			return false;
	}
	ret->kind = JSON_NUMBER;
	ret->text = str_of(from, (size_t)(s->p - from));
	return true;
}

static int
hex4(const char *p)
{
	int v = 0;
	for (int i = 0; i < 4; i++) {
		char c = p[i], low = (char)(c | 32);
		if (c >= '0' && c <= '9')
			v = v * 16 + (c - '0');
		else if (low >= 'a' && low <= 'f')
			v = v * 16 + (low - 'a' + 10);
		else
			return -1;
	}
	return v;
}

static char *
put_utf8(char *o, uint32_t c)
{
	if (c < 0x80) {
		*o++ = (char)c;
	} else if (c < 0x800) {
		*o++ = (char)(0xc0 | c >> 6);
		*o++ = (char)(0x80 | (c & 63));
	} else if (c < 0x10000) {
		*o++ = (char)(0xe0 | c >> 12);
		*o++ = (char)(0x80 | (c >> 6 & 63));
		*o++ = (char)(0x80 | (c & 63));
	} else {
		*o++ = (char)(0xf0 | c >> 18);
		*o++ = (char)(0x80 | (c >> 12 & 63));
		*o++ = (char)(0x80 | (c >> 6 & 63));
		*o++ = (char)(0x80 | (c & 63));
	}
	return o;
}

/* s->p stands behind "\u". */
static bool
unescape_u(struct parser *s, char **o)
{
	int c = s->end - s->p < 4 ? -1 : hex4(s->p);
	if (c < 0)
		return fail(s, "four hexadecimal digits expected");
	if (c >= 0xdc00 && c <= 0xdfff)
		return fail(s, "lone surrogate");
	s->p += 4;
	if (c >= 0xd800 && c <= 0xdbff) {
		int low = s->end - s->p < 6 || s->p[0] != '\\' || s->p[1] != 'u' ? -1
										 : hex4(s->p + 2);
		if (low < 0xdc00 || low > 0xdfff)
			return fail(s, "lone surrogate");
		s->p += 6;
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	}
	*o = put_utf8(*o, (uint32_t)c);
	return true;
}

static bool
unescape(struct parser *s, char **o)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	if (s->p == s->end)
		return fail(s, "string without end");
	char c = *s->p;
	if (c == 'u') {
		s->p++;
		return unescape_u(s, o);
	}
	const char *at = memchr(from, c, sizeof(from) - 1);
	if (!at)
		return fail(s, "unknown escape");
	s->p++;
	*(*o)++ = to[at - from];
	return true;
}

/* Where the string's closing quote is, or the end of the text. */
static const char *
string_end(const char *p, const char *end)
{
	while (p < end) {
		p += json_plain_len(p, (size_t)(end - p));
		if (p == end || *p == '"')
			return p;
		p += *p == '\\' && end - p > 1 ? 2 : 1;
	}
	return end;
}

/* s->p stands behind the opening quote. */
static bool
parse_string(struct parser *s, struct str *ret)
{
	const char *from = s->p;
	s->p += json_plain_len(from, (size_t)(s->end - from));
	if (s->p < s->end && *s->p == '"') {
		*ret = str_of(from, (size_t)(s->p++ - from));
		return true;
	}
	/* Text never grows when it is unescaped. */
	char *out = arena_alloc_raw(s->a, (size_t)(string_end(s->p, s->end) - from) + 1), *o = out;
	for (s->p = from;;) {
		size_t n = json_plain_len(s->p, (size_t)(s->end - s->p));
		memcpy(o, s->p, n);
		o += n;
		s->p += n;
		if (s->p == s->end)
			return fail(s, "string without end");
		if (*s->p != '"' && *s->p != '\\')
			return fail(s, "control character in a string");
		if (*s->p++ == '"')
			break;
		if (!unescape(s, &o))
			return false;
	}
	*ret = str_of(out, (size_t)(o - out));
	return true;
}

/* The table's slot for key: that of an equal key, or the free one where it belongs. */
static uint32_t *
index_slot(uint32_t *index, const struct json_member *m, struct str key)
{
	uint32_t mask = index[0], at = (uint32_t)str_hash(key) & mask;
	while (index[1 + at] && !str_eq(m[index[1 + at] - 1].key, key))
		at = (at + 1) & mask;
	return &index[1 + at];
}

static uint32_t *
index_new(struct arena *a, uint32_t n)
{
	size_t cap = 64;
	while (cap < (size_t)n * 2)
		cap *= 2;
	uint32_t *index = arena_array(a, uint32_t, cap + 1);
	index[0] = (uint32_t)(cap - 1);
	return index;
}

/* Keeps the last value of equal keys at the place of the first; returns how many are left. */
static uint32_t
unite_indexed(struct json_member *m, uint32_t n, uint32_t *index)
{
	uint32_t kept = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t *slot = index_slot(index, m, m[i].key);
		if (*slot) {
			m[*slot - 1].value = m[i].value;
			continue;
		}
		m[kept++] = m[i];
		*slot = kept;
	}
	return kept;
}

static uint32_t
unite_small(struct json_member *m, uint32_t n)
{
	uint32_t kept = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t k = 0;
		while (k < kept && !str_eq(m[k].key, m[i].key))
			k++;
		if (k < kept)
			m[k].value = m[i].value;
		else
			m[kept++] = m[i];
	}
	return kept;
}

static void
set_members(struct arena *a, struct json *j, const struct json_member *m, uint32_t n)
{
	struct json_member *own = arena_array(a, struct json_member, n);
	uint32_t *index = n > INDEX_FROM ? index_new(a, n) : NULL;
	if (n)
		memcpy(own, m, n * sizeof(*m));
	j->kind = JSON_OBJECT;
	j->n = index ? unite_indexed(own, n, index) : unite_small(own, n);
	j->members = own;
	j->index = index;
}

static bool parse_value(struct parser *s, struct json *ret);

static bool
parse_member(struct parser *s, struct json_member *m)
{
	skip_blanks(s);
	if (!take(s, '"'))
		return fail(s, "key expected");
	if (!parse_string(s, &m->key))
		return false;
	skip_blanks(s);
	if (!take(s, ':'))
		return fail(s, "colon expected");
	return parse_value(s, &m->value);
}

/* s->p stands behind '[' or '{'; what is inside goes onto the stack. */
static bool
parse_inside(struct parser *s, bool object)
{
	char close = object ? '}' : ']';
	skip_blanks(s);
	if (take(s, close))
		return true;
	for (;;) {
		struct json_member m = { 0 };
		if (object ? !parse_member(s, &m) : !parse_value(s, &m.value))
			return false;
		if (!push(s, &m))
			return false;
		skip_blanks(s);
		if (take(s, close))
			return true;
		if (!take(s, ','))
			return fail(s, object ? "comma or } expected" : "comma or ] expected");
	}
}

static bool
parse_nested(struct parser *s, struct json *ret, bool object)
{
	size_t base = s->stack_n;
	if (s->depth_left == 0)
		return fail(s, "nested too deeply");
	s->depth_left--;
	if (!parse_inside(s, object))
		return false;
	s->depth_left++;
	uint32_t n = (uint32_t)(s->stack_n - base);
	s->stack_n = base;
	if (object) {
		set_members(s->a, ret, s->stack + base, n);
		return true;
	}
	ret->kind = JSON_ARRAY;
	ret->n = n;
	ret->items = arena_array(s->a, struct json, n);
	for (uint32_t i = 0; i < n; i++)
		ret->items[i] = s->stack[base + i].value;
	return true;
}

static bool
parse_value(struct parser *s, struct json *ret)
{
	skip_blanks(s);
	if (s->p == s->end)
		return fail(s, "value expected");
	switch (*s->p) {
	case '"':
		s->p++;
		ret->kind = JSON_STR;
		return parse_string(s, &ret->text);
	case '{':
	case '[':
		s->p++;
		return parse_nested(s, ret, s->p[-1] == '{');
	case 't':
	case 'f':
		ret->kind = JSON_BOOL;
		ret->b = *s->p == 't';
		return ret->b ? take_literal(s, "true", 4) : take_literal(s, "false", 5);
	case 'n':
		ret->kind = JSON_NULL;
		return take_literal(s, "null", 4);
	case '-':
	case '0' ... '9':
		return parse_number(s, ret);
	default:
		return fail(s, "value expected");
	}
}

static bool
parse_all(struct parser *s, struct json *ret)
{
	size_t n = (size_t)(s->end - s->p), good = str_utf8_prefix(str_of(s->p, n));
	if (n >= UINT32_MAX)
		return fail(s, "too long");
	if (good < n) {
		s->p += good;
		return fail(s, "malformed UTF-8");
	}
	if (!parse_value(s, ret))
		return false;
	skip_blanks(s);
	return s->p == s->end || fail(s, "something behind the value");
}

struct json *
json_parse(struct arena *a, struct str text, unsigned max_depth, struct json_error *ret_error)
{
	struct parser s;
	s.p = text.p ? text.p : "";
	s.end = s.p + text.len;
	s.a = a;
	s.depth_left = max_depth == 0 ? JSON_DEPTH : max_depth > DEPTH_MAX ? DEPTH_MAX : max_depth;
	s.stack = s.first;
	s.stack_n = 0;
	s.values = 0;
	s.stack_cap = STACK_FIRST;
	struct json *root = arena_new(a, struct json);
	bool ok = parse_all(&s, root);
	if (s.stack != s.first)
		free(s.stack);
	if (!ok && ret_error)
		*ret_error = (struct json_error){ (size_t)(s.p - (text.p ? text.p : s.p)), s.why };
	return ok ? root : NULL;
}

struct json *
json_get(const struct json *j, struct str key)
{
	if (!j || j->kind != JSON_OBJECT)
		return NULL;
	if (j->index) {
		uint32_t *slot = index_slot((uint32_t *)(uintptr_t)j->index, j->members, key);
		return *slot ? &j->members[*slot - 1].value : NULL;
	}
	for (uint32_t i = 0; i < j->n; i++)
		if (str_eq(j->members[i].key, key))
			return &j->members[i].value;
	return NULL;
}

struct json *
json_new_object(struct arena *a, struct json_member *members, uint32_t n)
{
	struct json *j = arena_new(a, struct json);
	set_members(a, j, members, n);
	return j;
}
