/* Expressions over items. */
#include "svc/dynamodb/expr.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- paths */

static const struct ddb_val *
step_into(const struct ddb_val *v, const struct ddb_step *s)
{
	if (s->name.p)
		return ddb_get(v, s->name);
	return v->type == DDB_L && s->index < v->n ? &v->items[s->index] : NULL;
}

const struct ddb_val *
ddb_resolve_path(const struct ddb_val *item, const struct ddb_path *p)
{
	const struct ddb_val *v = item;
	for (uint32_t i = 0; v && i < p->n; i++)
		v = step_into(v, &p->v[i]);
	return v;
}

/*
 * A projection keeps maps as they are nested; elements of lists close up, in the order of their
 * indexes. A tree of what is wanted is made first.
 */
struct want {
	struct ddb_step step;
	const struct ddb_val *whole;
	struct want *child, *next;
};

static struct want *
want_child(struct arena *a, struct want *w, const struct ddb_step *s)
{
	struct want **at = &w->child;
	for (; *at; at = &(*at)->next) {
		struct ddb_step *t = &(*at)->step;
		if (str_eq(t->name, s->name) && (t->name.p == NULL) == (s->name.p == NULL) &&
			t->index == s->index)
			return *at;
		if (!s->name.p && !t->name.p && t->index > s->index)
			break;
	}
	struct want *n = arena_new(a, struct want);
	n->step = *s;
	n->next = *at;
	*at = n;
	return n;
}

static struct ddb_val
want_build(struct arena *a, const struct want *w)
{
	uint32_t n = 0;
	if (w->whole)
		return *w->whole;
	for (const struct want *k = w->child; k; k = k->next)
		n++;
	struct ddb_val v = { .type = DDB_M };
	if (w->child && !w->child->step.name.p) {
		v.type = DDB_L;
		v.items = arena_array(a, struct ddb_val, n);
		for (const struct want *k = w->child; k; k = k->next)
			v.items[v.n++] = want_build(a, k);
		return v;
	}
	v.attrs = arena_array(a, struct ddb_attr, n);
	for (const struct want *k = w->child; k; k = k->next)
		v.attrs[v.n++] = (struct ddb_attr){ k->step.name, want_build(a, k) };
	return v;
}

struct ddb_val
ddb_project_paths(struct call *c, const struct ddb_paths *paths, const struct ddb_val *item)
{
	struct want root = { 0 };
	for (uint32_t i = 0; i < paths->n; i++) {
		const struct ddb_val *v = ddb_resolve_path(item, &paths->v[i]);
		struct want *w = &root;
		for (uint32_t k = 0; v && k < paths->v[i].n; k++)
			w = want_child(c->arena, w, &paths->v[i].v[k]);
		if (v)
			w->whole = v;
	}
	return want_build(c->arena, &root);
}

/* ---- conditions */

struct operand {
	const struct ddb_val *v; /* NULL: nothing there */
	struct ddb_val number;
	uint8_t bytes[DDB_NUMBER_BYTES];
};

static void operand_of(const struct ddb_node *n, const struct ddb_val *item, struct operand *o);

static bool
size_of(const struct ddb_val *v, uint64_t *ret)
{
	switch (v->type) {
	case DDB_S:
		*ret = str_utf8_count(v->s);
		return true;
	case DDB_B:
		*ret = v->s.len;
		return true;
	case DDB_N:
	case DDB_BOOL:
	case DDB_NULL:
		return false;
	default:
		*ret = v->n;
		return true;
	}
}

static void
operand_size(const struct ddb_node *n, const struct ddb_val *item, struct operand *o)
{
	struct operand inner;
	char text[24];
	uint64_t size;
	size_t len;
	o->v = NULL;
	operand_of(n->args[0], item, &inner);
	if (!inner.v || !size_of(inner.v, &size))
		return;
	int digits = snprintf(text, sizeof(text), "%llu", (unsigned long long)size);
	if (ddb_number_parse(str_of(text, (size_t)digits), o->bytes, &len))
		return;
	o->number = (struct ddb_val){ .type = DDB_N, .s = str_of(o->bytes, len) };
	o->v = &o->number;
}

static void
operand_of(const struct ddb_node *n, const struct ddb_val *item, struct operand *o)
{
	if (n->kind == DDB_PATH)
		o->v = ddb_resolve_path(item, &n->path);
	else if (n->kind == DDB_FUNC && n->op == DDB_SIZE)
		operand_size(n, item, o);
	else if (n->kind == DDB_VALUE)
		o->v = n->value;
	else /* PartiQL compares conditions with booleans */
		o->number = (struct ddb_val){ .type = DDB_BOOL, .b = ddb_match(NULL, n, item) },
		o->v = &o->number;
}

static bool
compares(enum ddb_op op, const struct ddb_val *x, const struct ddb_val *y)
{
	if (op == DDB_EQ)
		return x && y && ddb_equal(x, y);
	if (op == DDB_NE)
		return !(x && y && ddb_equal(x, y));
	if (!x || !y || x->type != y->type || !ddb_is_scalar(x))
		return false;
	int r = ddb_compare(x, y);
	return op == DDB_LT ? r < 0 : op == DDB_LE ? r <= 0 : op == DDB_GT ? r > 0 : r >= 0;
}

static bool
contains(const struct ddb_val *v, const struct ddb_val *part)
{
	static const uint8_t element[DDB_TYPES] = {
		[DDB_SS] = DDB_S, [DDB_NS] = DDB_N, [DDB_BS] = DDB_B
	};
	if ((v->type == DDB_S || v->type == DDB_B) && part->type == v->type)
		return !part->s.len || str_find_str(v->s, part->s) >= 0;
	if (v->type == DDB_L) {
		for (uint32_t i = 0; i < v->n; i++)
			if (ddb_equal(&v->items[i], part))
				return true;
		return false;
	}
	if ((v->type == DDB_SS || v->type == DDB_NS || v->type == DDB_BS) &&
		part->type == element[v->type])
		for (uint32_t i = 0; i < v->n; i++)
			if (str_eq(v->set[i], part->s))
				return true;
	return false;
}

static bool
match_function(const struct ddb_node *n, const struct ddb_val *item)
{
	struct operand x = { 0 }, y = { 0 };
	operand_of(n->args[0], item, &x);
	if (n->n > 1)
		operand_of(n->args[1], item, &y);
	switch (n->op) {
	case DDB_ATTRIBUTE_EXISTS:
		return x.v != NULL;
	case DDB_ATTRIBUTE_NOT_EXISTS:
		return x.v == NULL;
	case DDB_ATTRIBUTE_TYPE:
		return x.v && y.v && y.v->type == DDB_S && x.v->type == ddb_type_of(y.v->s);
	case DDB_BEGINS_WITH:
		return x.v && y.v && x.v->type == y.v->type &&
		       (x.v->type == DDB_S || x.v->type == DDB_B) && str_starts(x.v->s, y.v->s);
	case DDB_CONTAINS:
		return x.v && y.v && contains(x.v, y.v);
	default:
		return false;
	}
}

static bool
match_in(const struct ddb_node *n, const struct ddb_val *item)
{
	struct operand x, y;
	operand_of(n->args[0], item, &x);
	for (uint32_t i = 1; x.v && i < n->n; i++) {
		operand_of(n->args[i], item, &y);
		if (y.v && ddb_equal(x.v, y.v))
			return true;
	}
	return false;
}

bool
ddb_match(struct call *c, const struct ddb_node *n, const struct ddb_val *item)
{
	struct operand x, y, z;
	if (!n)
		return true;
	switch (n->kind) {
	case DDB_AND:
		return ddb_match(c, n->args[0], item) && ddb_match(c, n->args[1], item);
	case DDB_OR:
		return ddb_match(c, n->args[0], item) || ddb_match(c, n->args[1], item);
	case DDB_NOT:
		return !ddb_match(c, n->args[0], item);
	case DDB_FUNC:
		return match_function(n, item);
	case DDB_IN:
		return match_in(n, item);
	case DDB_COMPARE:
		operand_of(n->args[0], item, &x);
		operand_of(n->args[1], item, &y);
		return compares(n->op, x.v, y.v);
	case DDB_BETWEEN:
		operand_of(n->args[0], item, &x);
		operand_of(n->args[1], item, &y);
		operand_of(n->args[2], item, &z);
		return compares(DDB_GE, x.v, y.v) && compares(DDB_LE, x.v, z.v);
	default:
		return false;
	}
}

/* ---- checks against a table */

int
ddb_paths_check(struct call *c, const struct ddb_table *t, const struct ddb_paths *paths)
{
	for (uint32_t i = 0; i < paths->n; i++) {
		const struct ddb_path *p = &paths->v[i];
		if (p->n < 2)
			continue;
		struct str head = p->v[0].name;
		const char *what = NULL;
		if (str_eq(head, t->key.hash) || (t->key.range.p && str_eq(head, t->key.range)))
			what = "Key";
		for (uint32_t k = 0; k < t->indexes_n && !what; k++)
			if (str_eq(head, t->indexes[k].key.hash) ||
				(t->indexes[k].key.range.p &&
					str_eq(head, t->indexes[k].key.range)))
				what = "IndexKey";
		if (what)
			return ddb_fail(c,
				"Key attributes must be scalars; list random access '[]' and map "
				"lookup '.' "
				"are not allowed: %s: %.*s",
				what, STR_FMT(head));
	}
	return 0;
}
