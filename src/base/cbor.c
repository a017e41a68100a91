#include "base/cbor.h"

#include <math.h>
#include <stdlib.h>

/* Items wait on a stack until their array or map ends: a count in the head is only a claim, so
 * nothing is allocated for it. */
#define STACK_FIRST 32
#define DEPTH_MAX 1000
#define ITEMS_MAX (1u << 20) /* an item can be one byte and becomes a hundred */
#define OPEN_ENDED UINT64_MAX

struct parser {
	const unsigned char *p, *end;
	struct arena *a;
	const char *why;
	unsigned depth_left;
	size_t items;
	struct cbor_member *stack;
	size_t stack_n, stack_cap;
	struct cbor_member first[STACK_FIRST];
};

static bool
fail(struct parser *s, const char *why)
{
	s->why = why;
	return false;
}

static bool
push(struct parser *s, const struct cbor_member *m)
{
	if (++s->items > ITEMS_MAX)
		return fail(s, "too many items");
	if (s->stack_n == s->stack_cap) {
		bool on_heap = s->stack != s->first;
		size_t cap = s->stack_cap * 2;
		struct cbor_member *v = realloc(on_heap ? s->stack : NULL, cap * sizeof(*v));
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

static size_t
left(const struct parser *s)
{
	return (size_t)(s->end - s->p);
}

struct head {
	unsigned major, info;
	uint64_t value; /* OPEN_ENDED with info 31 */
};

static bool
take_head(struct parser *s, struct head *ret)
{
	if (!left(s))
		return fail(s, "item expected");
	ret->major = *s->p >> 5;
	ret->info = *s->p++ & 31;
	ret->value = ret->info;
	if (ret->info < 24)
		return true;
	if (ret->info == 31) {
		ret->value = OPEN_ENDED;
		return true;
	}
	if (ret->info > 27)
		return fail(s, "reserved length");
	size_t n = (size_t)1 << (ret->info - 24);
	if (left(s) < n)
		return fail(s, "cut short");
	for (ret->value = 0; n; n--)
		ret->value = ret->value << 8 | *s->p++;
	return true;
}

static bool
take_break(struct parser *s)
{
	if (!left(s) || *s->p != 0xff)
		return false;
	s->p++;
	return true;
}

static bool
take_bytes(struct parser *s, const struct head *h, struct str *ret)
{
	if (h->value > left(s))
		return fail(s, "longer than the input");
	*ret = str_of(s->p, (size_t)h->value);
	if (h->major == 3 && !str_utf8_valid(*ret))
		return fail(s, "malformed UTF-8");
	s->p += h->value;
	return true;
}

static bool
parse_string(struct parser *s, const struct head *h, struct str *ret)
{
	if (h->info != 31)
		return take_bytes(s, h, ret);
	/* Chunks: all together they are shorter than what is left of the input up to the break. */
	const unsigned char *from = s->p;
	size_t total = 0;
	char *o = NULL;
	for (int pass = 0; pass < 2; pass++) {
		if (pass)
			*ret = str_of(o = arena_alloc_raw(s->a, total + 1), total);
		for (s->p = from; !take_break(s);) {
			struct head chunk;
			struct str piece;
			if (!take_head(s, &chunk))
				return false;
			if (chunk.major != h->major || chunk.info == 31)
				return fail(s, "chunk of another kind");
			if (!take_bytes(s, &chunk, &piece))
				return false;
			total += piece.len;
			if (pass)
				o = (char *)memcpy(o, piece.p, piece.len) + piece.len;
		}
	}
	return true;
}

static double
half(uint64_t bits)
{
	int exponent = (int)(bits >> 10 & 31);
	double fraction = (double)(bits & 1023), v;
	if (exponent == 31)
		v = fraction != 0 ? NAN : INFINITY;
	else
		v = exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
	return bits & 0x8000 ? -v : v;
}

static bool
parse_simple(struct parser *s, const struct head *h, struct cbor *ret)
{
	uint32_t single = (uint32_t)h->value;
	float f;
	switch (h->info) {
	case 20:
	case 21:
		ret->kind = CBOR_BOOL;
		ret->b = h->info == 21;
		return true;
	case 22:
	case 23:
		ret->kind = h->info == 22 ? CBOR_NULL : CBOR_UNDEFINED;
		return true;
	case 25:
		ret->f = half(h->value);
		break;
	case 26:
		memcpy(&f, &single, sizeof(f));
		ret->f = (double)f;
		break;
	case 27:
		memcpy(&ret->f, &h->value, sizeof(ret->f));
		break;
	case 31:
		return fail(s, "break without a beginning");
	default:
		return fail(s, "unknown simple value");
	}
	ret->kind = CBOR_FLOAT;
	return true;
}

static bool parse_item(struct parser *s, struct cbor *ret);

static bool
parse_key(struct parser *s, struct str *ret)
{
	struct head h;
	if (!take_head(s, &h))
		return false;
	return h.major == 3 ? parse_string(s, &h, ret) : fail(s, "key is not text");
}

static void
close_nested(struct parser *s, size_t base, struct cbor *ret)
{
	const struct cbor_member *from = s->stack + base;
	ret->n = (uint32_t)(s->stack_n - base);
	s->stack_n = base;
	if (ret->kind == CBOR_MAP) {
		ret->members = arena_array(s->a, struct cbor_member, ret->n);
		if (ret->n)
			memcpy(ret->members, from, ret->n * sizeof(*from));
		return;
	}
	ret->items = arena_array(s->a, struct cbor, ret->n);
	for (uint32_t i = 0; i < ret->n; i++)
		ret->items[i] = from[i].value;
}

static bool
parse_nested(struct parser *s, const struct head *h, struct cbor *ret)
{
	size_t base = s->stack_n;
	bool map = h->major == 5;
	if (s->depth_left == 0)
		return fail(s, "nested too deeply");
	if (h->info != 31 && h->value > left(s) / (map ? 2 : 1))
		return fail(s, "longer than the input");
	s->depth_left--;
	for (uint64_t i = 0; h->info == 31 ? !take_break(s) : i < h->value; i++) {
		struct cbor_member m = { 0 };
		if (map && !parse_key(s, &m.key))
			return false;
		if (!parse_item(s, &m.value) || !push(s, &m))
			return false;
	}
	s->depth_left++;
	ret->kind = map ? CBOR_MAP : CBOR_ARRAY;
	close_nested(s, base, ret);
	return true;
}

static bool
parse_item(struct parser *s, struct cbor *ret)
{
	struct head h;
	ret->tag = CBOR_NO_TAG;
	for (;;) {
		if (!take_head(s, &h))
			return false;
		if (h.major != 6)
			break;
		if (h.value >= CBOR_NO_TAG)
			return fail(s, "unknown tag");
		ret->tag = (uint32_t)h.value;
	}
	switch (h.major) {
	case 0:
	case 1:
		if (h.info == 31)
			return fail(s, "integer without a value");
		ret->kind = h.major ? CBOR_NEGINT : CBOR_UINT;
		ret->u = h.value;
		return true;
	case 2:
	case 3:
		ret->kind = h.major == 2 ? CBOR_BYTES : CBOR_TEXT;
		return parse_string(s, &h, &ret->s);
	case 7:
		return parse_simple(s, &h, ret);
	default:
		return parse_nested(s, &h, ret);
	}
}

struct cbor *
cbor_parse(struct arena *a, struct str bytes, unsigned max_depth, struct cbor_error *ret_error)
{
	const unsigned char *from = (const unsigned char *)(bytes.p ? bytes.p : "");
	struct parser s;
	s.p = from;
	s.end = from + bytes.len;
	s.a = a;
	s.depth_left = max_depth == 0 ? CBOR_DEPTH : max_depth > DEPTH_MAX ? DEPTH_MAX : max_depth;
	s.stack = s.first;
	s.items = s.stack_n = 0;
	s.stack_cap = STACK_FIRST;
	struct cbor *root = arena_new(a, struct cbor);
	bool ok = parse_item(&s, root);
	if (ok && s.p < s.end)
		ok = fail(&s, "something behind the item");
	if (s.stack != s.first)
		free(s.stack);
	if (!ok && ret_error)
		*ret_error = (struct cbor_error){ (size_t)(s.p - from), s.why };
	return ok ? root : NULL;
}

struct cbor *
cbor_get(const struct cbor *c, struct str key)
{
	for (uint32_t i = cbor_is(c, CBOR_MAP) ? c->n : 0; i-- > 0;)
		if (str_eq(c->members[i].key, key))
			return &c->members[i].value;
	return NULL;
}

bool
cbor_i64(const struct cbor *c, int64_t *ret_value)
{
	if (cbor_is(c, CBOR_UINT) || cbor_is(c, CBOR_NEGINT)) {
		if (c->u > INT64_MAX)
			return false;
		*ret_value = c->kind == CBOR_UINT ? (int64_t)c->u : -1 - (int64_t)c->u;
		return true;
	}
	if (!cbor_is(c, CBOR_FLOAT) || !(c->f >= -0x1p63 && c->f < 0x1p63) || c->f != floor(c->f))
		return false;
	*ret_value = (int64_t)c->f;
	return true;
}

bool
cbor_f64(const struct cbor *c, double *ret_value)
{
	if (cbor_is(c, CBOR_FLOAT))
		*ret_value = c->f;
	else if (cbor_is(c, CBOR_UINT))
		*ret_value = (double)c->u;
	else if (cbor_is(c, CBOR_NEGINT))
		*ret_value = -1 - (double)c->u;
	else
		return false;
	return true;
}

bool
cbor_time_ms(const struct cbor *c, int64_t *ret_ms)
{
	double v;
	if (!c || (c->tag != CBOR_TAG_EPOCH && c->tag != CBOR_NO_TAG) || !cbor_f64(c, &v) ||
		!(v > -1e14 && v < 1e14))
		return false;
	*ret_ms = (int64_t)llround(v * 1000);
	return true;
}
