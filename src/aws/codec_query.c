/*
 * Query and ec2-query requests. The parameters are sorted by their dotted names (numbers by value),
 * so that every struct, list and element is one run of neighbours; nothing is sized by an index.
 */
#include "aws/codec_impl.h"
#include "base/uri.h"

#include <stdlib.h>

#define PARAMS_MAX 20000
#define INDEX_DIGITS_MAX 9

struct param {
	struct str key, value; /* decoded */
	unsigned order;        /* in the request */
};

struct run {
	const struct param *v;
	unsigned n;
	size_t at; /* in every key: where the name of this level begins */
};

static int value_read(struct codec *d, const struct field *f, const struct shape *s, struct run r,
	void *slot, enum slot k);

static bool
is_index(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.len > 0;
}

static int
index_cmp(struct str a, struct str b)
{
	while (a.len && a.p[0] == '0')
		a = str_slice(a, 1, a.len);
	while (b.len && b.p[0] == '0')
		b = str_slice(b, 1, b.len);
	if (a.len != b.len)
		return a.len < b.len ? -1 : 1;
	return str_cmp(a, b);
}

static int
param_cmp(const void *x, const void *y)
{
	const struct param *a = x, *b = y;
	struct str ra = a->key, rb = b->key;
	while (ra.p && rb.p) {
		struct str sa = str_cut(&ra, '.'), sb = str_cut(&rb, '.');
		int d = is_index(sa) && is_index(sb) ? index_cmp(sa, sb) : 0;
		if (d == 0)
			d = str_cmp(sa, sb);
		if (d)
			return d;
	}
	if (ra.p || rb.p)
		return ra.p ? 1 : -1;
	/* Of equal names the first in the request comes first. */
	return a->order < b->order ? -1 : 1;
}

static struct str
segment(const struct param *p, size_t at)
{
	struct str rest = at <= p->key.len ? str_slice(p->key, at, p->key.len) : STR("");
	return str_cut(&rest, '.');
}

/* Takes the first group of parameters with the same name at this level off the run. The group's
 * own level begins after the name; `ret_exact` is the parameter that ends there, or NULL. */
static struct run
group_take(struct run *r, struct str *ret_name, const struct param **ret_exact)
{
	struct str name = segment(&r->v[0], r->at);
	unsigned n = 1;
	while (n < r->n && str_eq(segment(&r->v[n], r->at), name))
		n++;
	struct run g = { r->v, n, r->at + name.len + 1 };
	*ret_exact = NULL;
	if (g.v[0].key.len == r->at + name.len)
		*ret_exact = &g.v[0];
	while (g.n && g.v[0].key.len == r->at + name.len)
		g.v++, g.n--;
	r->v += n;
	r->n -= n;
	*ret_name = name;
	return g;
}

static bool
ec2_name_is(const struct field *f, struct str key)
{
	if (f->query)
		return codec_name_is(f->query, key);
	if (!key.len || !f->wire[0])
		return false;
	char first =
		f->wire[0] >= 'a' && f->wire[0] <= 'z' ? (char)(f->wire[0] - 0x20) : f->wire[0];
	return key.p[0] == first && codec_name_is(f->wire + 1, str_slice(key, 1, key.len));
}

static const struct field *
query_field(const struct codec *d, const struct shape *s, struct str key, uint16_t *hint)
{
	if (d->protocol != PROTO_EC2)
		return codec_field(s, key, KEY_QUERY, hint);
	for (uint16_t i = 0; i < s->fields_n; i++)
		if (ec2_name_is(&s->fields[i], key))
			return &s->fields[i];
	return NULL;
}

/* A run whose exact parameter is kept in front: how a value is handed down. */
static struct run
with_exact(struct run g, const struct param *exact)
{
	if (exact) {
		g.n += (unsigned)(g.v - exact);
		g.v = exact;
	}
	return g;
}

static const struct param *
exact_of(const struct run *r)
{
	return r->n && r->v[0].key.len < r->at ? &r->v[0] : NULL;
}

static struct run
without_exact(struct run r)
{
	while (r.n && r.v[0].key.len < r.at)
		r.v++, r.n--;
	return r;
}

static int
struct_read(struct codec *d, const struct shape *s, struct run r, void *base)
{
	uint16_t hint = 0;
	r = without_exact(r);
	while (r.n) {
		const struct param *exact;
		struct str name;
		struct run g = group_take(&r, &name, &exact);
		const struct field *f = query_field(d, s, name, &hint);
		if (!f)
			continue;
		int e = value_read(
			d, f, f->shape, with_exact(g, exact), slot_of(base, f), SLOT_MEMBER);
		if (e)
			return e;
	}
	return 0;
}

/* "member", "entry" or an own name between a list and its indices; flattened lists have none. */
static struct run
indices_of(const struct shape *s, struct run r)
{
	struct run rest = without_exact(r), none = { r.v, 0, r.at };
	if (rest.n && is_index(segment(&rest.v[0], rest.at)))
		return rest;
	const char *own = s->kind == SHAPE_MAP ? "entry" : s->value_wire ? s->value_wire : "member";
	while (rest.n) {
		const struct param *exact;
		struct str name;
		struct run g = group_take(&rest, &name, &exact);
		if (codec_name_is(own, name) || str_is(name, "member") || str_is(name, "entry"))
			return g;
	}
	return none;
}

static int
entry_read(struct codec *d, const struct field *f, const struct shape *s, struct run r, void *entry)
{
	const char *key = s->key_wire ? s->key_wire : "key",
		   *value = s->value_wire ? s->value_wire : "value";
	bool found = false;
	r = without_exact(r);
	while (r.n) {
		const struct param *exact;
		struct str name;
		struct run g = group_take(&r, &name, &exact);
		int e = 0;
		g = with_exact(g, exact);
		if (codec_name_is(key, name)) {
			found = true;
			e = value_read(d, f, s->key, g, entry, SLOT_ELEMENT);
		} else if (codec_name_is(value, name)) {
			e = value_read(
				d, f, s->value, g, (char *)entry + s->value_offset, SLOT_ELEMENT);
		}
		if (e)
			return e;
	}
	return found ? 0 : codec_bad(d, "A map entry of %s has no key", f->wire);
}

static int
indices_count(struct codec *d, const struct field *f, struct run r, uint32_t *ret_n)
{
	uint32_t n = 0;
	while (r.n) {
		const struct param *exact;
		struct str name;
		group_take(&r, &name, &exact);
		if (!is_index(name))
			continue;
		if (name.len > INDEX_DIGITS_MAX || ++n > CODEC_LIST_MAX)
			return codec_bad(d, "%s has too many elements", f->wire);
	}
	*ret_n = n;
	return 0;
}

static int
list_read(struct codec *d, const struct field *f, const struct shape *s, struct run r, void *slot)
{
	const struct param *lone = exact_of(&r);
	struct run rest = indices_of(s, r);
	uint32_t n = 0, at = 0;
	/* "X=" is an empty list. */
	if (lone && lone->value.len && !rest.n)
		return codec_bad(d, "Unexpected value for the list %s", f->wire);
	if (indices_count(d, f, rest, &n))
		return CALL_FAILED;
	if (n == 0 && !lone)
		return 0;
	if (slot_list(d, s, slot, n))
		return CALL_FAILED;
	while (rest.n) {
		const struct param *exact;
		struct str name;
		struct run g = group_take(&rest, &name, &exact);
		if (!is_index(name))
			continue;
		void *element = list_at(s, slot, at++);
		g = with_exact(g, exact);
		int e = s->kind == SHAPE_MAP ? entry_read(d, f, s, g, element)
					     : value_read(d, f, s->value, g, element, SLOT_ELEMENT);
		if (e)
			return e;
	}
	return 0;
}

static int
value_read(struct codec *d, const struct field *f, const struct shape *s, struct run r, void *slot,
	enum slot k)
{
	const struct param *exact = exact_of(&r);
	int e;
	if (codec_is_scalar(s)) {
		if (!exact || (!exact->value.len && s->kind != SHAPE_STR && s->kind != SHAPE_BLOB))
			return 0;
		return codec_scalar_read(d, s, exact->value, slot, k)
			       ? 0
			       : codec_bad_value(d, f->wire, exact->value);
	}
	if (s->kind == SHAPE_DOCUMENT || s->kind == SHAPE_BODY || s->kind == SHAPE_EVENTS)
		return 0;
	if (codec_enter(d))
		return CALL_FAILED;
	if (s->kind == SHAPE_LIST || s->kind == SHAPE_MAP) {
		e = list_read(d, f, s, r, slot);
	} else {
		void *base = slot_struct(d, s, slot, k);
		e = base ? struct_read(d, s, r, base) : CALL_FAILED;
	}
	d->depth--;
	return e;
}

static int
params_add(struct codec *d, struct str text, struct param *v, unsigned *n)
{
	struct uri_param one;
	while (uri_param_next(&text, &one)) {
		struct param *p = &v[*n];
		p->order = (*n)++;
		p->key = uri_decode(d->c->arena, one.key, URI_PLUS_IS_SPACE);
		p->value = one.value.p ? uri_decode(d->c->arena, one.value, URI_PLUS_IS_SPACE)
				       : STR("");
		if (!p->key.p || !p->value.p || !str_utf8_valid(p->value))
			return codec_bad(d, "The query string contains a malformed escape");
	}
	return 0;
}

static unsigned
params_count(struct str text)
{
	struct uri_param one;
	unsigned n = 0;
	while (n <= PARAMS_MAX && uri_param_next(&text, &one))
		n++;
	return n;
}

int
codec_query_body(
	struct codec *d, const struct shape *s, struct str query, struct str form, void *base)
{
	unsigned n = params_count(query) + params_count(form);
	if (n > PARAMS_MAX)
		return codec_bad(d, "Too many parameters");
	struct param *v = arena_array(d->c->arena, struct param, n);
	n = 0;
	if (params_add(d, query, v, &n) || params_add(d, form, v, &n))
		return CALL_FAILED;
	qsort(v, n, sizeof(*v), param_cmp);
	return struct_read(d, s, (struct run){ v, n, 0 }, base);
}
