/*
 * What a WHERE says about keys. Equalities and IN on the partition key, joined by OR, become one
 * read each, narrowed by a condition on the sort key beside them; anything else is a walk over the
 * whole table. Each read applies the whole WHERE again, so a plan only decides what is looked at.
 */
#include "svc/dynamodb/partiql.h"

#define DRAFTS_MAX 4096

struct draft {
	const struct ddb_val *hash;
	struct ddb_test range; /* n 0: none */
};
struct drafts {
	struct draft *v;
	uint32_t n;
};
struct plan {
	struct call *c;
	const struct ddb_key *key;
};

static void
push(struct plan *p, struct drafts *l, const struct draft *d)
{
	if (l->n > DRAFTS_MAX)
		return;
	if (!(l->n & (l->n - 1))) {
		struct draft *v = arena_array(p->c->arena, struct draft, l->n ? 2 * l->n : 1);
		if (l->n)
			memcpy(v, l->v, sizeof(*v) * l->n);
		l->v = v;
	}
	l->v[l->n++] = *d;
}

static bool
is_name(const struct ddb_node *n, struct str name)
{
	return name.p && n->kind == DDB_PATH && n->path.n == 1 && str_eq(n->path.v[0].name, name);
}

static bool
is_value(const struct ddb_node *n)
{
	return n->kind == DDB_VALUE && n->value;
}

/* ---- conditions on one key attribute, as tests */

static bool
test_compare(
	const struct ddb_node *n, struct str name, struct ddb_test *t, const struct ddb_val **v)
{
	static const char *const ops[] = { [DDB_EQ] = "EQ",
		[DDB_LT] = "LT",
		[DDB_LE] = "LE",
		[DDB_GT] = "GT",
		[DDB_GE] = "GE" };
	static const uint8_t turned[] = { [DDB_EQ] = DDB_EQ,
		[DDB_LT] = DDB_GT,
		[DDB_LE] = DDB_GE,
		[DDB_GT] = DDB_LT,
		[DDB_GE] = DDB_LE };
	bool left = is_name(n->args[0], name) && is_value(n->args[1]);
	bool right = is_name(n->args[1], name) && is_value(n->args[0]);
	if ((!left && !right) || n->op == DDB_NE)
		return false;
	t->op = str_c(ops[left ? n->op : turned[n->op]]);
	*v = n->args[left ? 1 : 0]->value;
	return true;
}

static void
add_test(struct plan *p, struct drafts *l, struct ddb_test t, const struct ddb_val *v, uint32_t n)
{
	struct draft d = { .range = t };
	d.range.vals = arena_array(p->c->arena, struct ddb_val, n);
	memcpy(d.range.vals, v, sizeof(*v) * n);
	d.range.n = n;
	push(p, l, &d);
}

static bool
range_simple(struct plan *p, const struct ddb_node *n, struct drafts *l)
{
	struct str name = p->key->range;
	struct ddb_test t = { .attr = name };
	const struct ddb_val *v;
	if (n->kind == DDB_COMPARE && test_compare(n, name, &t, &v)) {
		add_test(p, l, t, v, 1);
		return true;
	}
	if (n->kind == DDB_BETWEEN && is_name(n->args[0], name) && is_value(n->args[1]) &&
		is_value(n->args[2])) {
		const struct ddb_val both[2] = { *n->args[1]->value, *n->args[2]->value };
		t.op = STR("BETWEEN");
		add_test(p, l, t, both, 2);
		return true;
	}
	if (n->kind == DDB_FUNC && n->op == DDB_BEGINS_WITH && is_name(n->args[0], name) &&
		is_value(n->args[1])) {
		t.op = STR("BEGINS_WITH");
		add_test(p, l, t, n->args[1]->value, 1);
		return true;
	}
	if (n->kind != DDB_IN || !is_name(n->args[0], name))
		return false;
	for (uint32_t i = 1; i < n->n; i++)
		if (!is_value(n->args[i]))
			return false;
	t.op = STR("EQ");
	for (uint32_t i = 1; i < n->n; i++)
		add_test(p, l, t, n->args[i]->value, 1);
	return true;
}

/* true: it says something about the sort key; branches of an OR that do not are reads of
 * everything. */
static bool
range_tests(struct plan *p, const struct ddb_node *n, struct drafts *l)
{
	static const struct draft whole;
	if (!p->key->range.p)
		return false;
	if (n->kind == DDB_AND)
		return range_tests(p, n->args[0], l) || range_tests(p, n->args[1], l);
	if (n->kind != DDB_OR)
		return range_simple(p, n, l);
	struct drafts sides[2] = { { 0 }, { 0 } };
	bool any = false;
	for (unsigned i = 0; i < 2; i++) {
		if (range_tests(p, n->args[i], &sides[i]))
			any = true;
		else
			push(p, &sides[i], &whole);
	}
	for (unsigned i = 0; any && i < 2; i++)
		for (uint32_t k = 0; k < sides[i].n; k++)
			push(p, l, &sides[i].v[k]);
	return any;
}

/* ---- reads */

static bool
hash_simple(struct plan *p, const struct ddb_node *n, struct drafts *l)
{
	struct ddb_test t;
	struct draft d = { 0 };
	if (n->kind == DDB_COMPARE && n->op == DDB_EQ &&
		test_compare(n, p->key->hash, &t, &d.hash)) {
		push(p, l, &d);
		return true;
	}
	if (n->kind != DDB_IN || !is_name(n->args[0], p->key->hash))
		return false;
	for (uint32_t i = 1; i < n->n; i++)
		if (!is_value(n->args[i]))
			return false;
	for (uint32_t i = 1; i < n->n; i++) {
		d.hash = n->args[i]->value;
		push(p, l, &d);
	}
	return true;
}

static void
conjuncts(struct call *c, const struct ddb_node *n, const struct ddb_node ***v, uint32_t *count)
{
	if (n->kind == DDB_AND) {
		conjuncts(c, n->args[0], v, count);
		conjuncts(c, n->args[1], v, count);
		return;
	}
	if (!(*count & (*count - 1))) {
		const struct ddb_node **more = arena_array(
			c->arena, const struct ddb_node *, *count ? 2 * *count : 1);
		if (*count)
			memcpy(more, *v, sizeof(*more) * *count);
		*v = more;
	}
	(*v)[(*count)++] = n;
}

static bool reads_of(struct plan *p, const struct ddb_node *n, struct drafts *l);

static bool
reads_of_and(struct plan *p, const struct ddb_node *n, struct drafts *l)
{
	const struct ddb_node **v = NULL;
	struct drafts base = { 0 }, ranges = { 0 };
	uint32_t count = 0, at = 0;
	conjuncts(p->c, n, &v, &count);
	while (at < count && !reads_of(p, v[at], &base))
		at++;
	if (at == count)
		return false;
	bool narrowed = false;
	for (uint32_t i = 0; i < count && !narrowed; i++)
		narrowed = i != at && range_tests(p, v[i], &ranges);
	for (uint32_t i = 0; i < base.n; i++) {
		if (!narrowed || base.v[i].range.n) {
			push(p, l, &base.v[i]);
			continue;
		}
		for (uint32_t k = 0; k < ranges.n; k++) {
			struct draft d = { base.v[i].hash, ranges.v[k].range };
			push(p, l, &d);
		}
	}
	return true;
}

/* false: not keyed by the partition key. */
static bool
reads_of(struct plan *p, const struct ddb_node *n, struct drafts *l)
{
	if (n->kind == DDB_AND)
		return reads_of_and(p, n, l);
	if (n->kind != DDB_OR)
		return hash_simple(p, n, l);
	struct drafts sides[2] = { { 0 }, { 0 } };
	if (!reads_of(p, n->args[0], &sides[0]) || !reads_of(p, n->args[1], &sides[1]))
		return false;
	for (unsigned i = 0; i < 2; i++)
		for (uint32_t k = 0; k < sides[i].n; k++)
			push(p, l, &sides[i].v[k]);
	return true;
}

/* ---- drafts to ranges of rows */

static int
check_value(struct call *c, const struct ddb_val *v, struct str name, uint8_t type, bool hash,
	bool may_be_empty)
{
	if (v->type != type)
		return ddb_fail(c,
			"Key attribute's data type should match its data type in table's schema: Key "
			"%.*s",
			STR_FMT(name));
	if (!v->s.len && !may_be_empty)
		return ddb_fail(c,
			"One or more parameter values are not valid. The AttributeValue for a key "
			"attribute cannot contain an empty %s value. Key: %.*s",
			type == DDB_S ? "string" : "binary", STR_FMT(name));
	return ddb_key_size_check(c, v, hash);
}

static int
check_draft(struct plan *p, const struct draft *d)
{
	const struct ddb_key *k = p->key;
	if (check_value(p->c, d->hash, k->hash, k->hash_type, true, false))
		return CALL_FAILED;
	for (uint32_t i = 0; i < d->range.n; i++)
		if (check_value(p->c, &d->range.vals[i], k->range, k->range_type, false,
			    str_is(d->range.op, "BEGINS_WITH")))
			return CALL_FAILED;
	return 0;
}

static void
bounds(struct call *c, const struct ddb_table *t, const struct ddb_index *x, const struct draft *d,
	struct ddb_page *scratch, struct ddb_sql_read *ret)
{
	struct key base;
	ddb_key_space(&base, t->id, x ? x->id : 0);
	ddb_key_hash(&base, d->hash);
	ddb_key_copy(&scratch->lo, &base);
	key_after_prefix(&scratch->hi, key_str(&base));
	if (d->range.n)
		ddb_range_bounds(scratch, &base, &d->range);
	ret->lo = arena_dup(c->arena, key_str(&scratch->lo));
	ret->hi = arena_dup(c->arena, key_str(&scratch->hi));
	ret->hash = d->hash;
	ret->ranged = d->range.n > 0;
}

static int
check_apart(struct call *c, const struct ddb_sql_read *v, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++)
		for (uint32_t k = 0; k < i; k++)
			if (str_cmp(v[i].lo, v[k].hi) < 0 && str_cmp(v[k].lo, v[i].hi) < 0)
				return ddb_fail(c, "Overlapping conditions with range keys are not "
						   "supported in where clause");
	return 0;
}

int
ddb_sql_plan(struct call *c, const struct ddb_table *t, const struct ddb_index *x,
	const struct ddb_sql *s, struct ddb_sql_plan *ret)
{
	struct plan p = { c, x ? &x->key : &t->key };
	struct drafts drafts = { 0 };
	*ret = (struct ddb_sql_plan){ 0 };
	if (!s->where || !reads_of(&p, s->where, &drafts))
		return 0;
	if (drafts.n > DDB_SQL_READS_MAX)
		return ddb_fail(c, "Too many decomposed read operations for a given query.");
	for (uint32_t i = 0; i < drafts.n; i++)
		if (check_draft(&p, &drafts.v[i]))
			return CALL_FAILED;
	struct ddb_page *scratch = arena_new(c->arena, struct ddb_page);
	ret->v = arena_array(c->arena, struct ddb_sql_read, drafts.n);
	ret->branches = s->where->kind == DDB_OR;
	for (; ret->n < drafts.n; ret->n++)
		bounds(c, t, x, &drafts.v[ret->n], scratch, &ret->v[ret->n]);
	return check_apart(c, ret->v, ret->n);
}

/* ---- the primary key of one item */

/* An equality, or an IN of one value. NULL: not that. */
static const struct ddb_val *
equals(const struct ddb_node *n, struct str name, bool with_in)
{
	struct ddb_test t;
	const struct ddb_val *v;
	if (n->kind == DDB_COMPARE && n->op == DDB_EQ && test_compare(n, name, &t, &v))
		return v;
	if (with_in && n->kind == DDB_IN && n->n == 2 && is_name(n->args[0], name) &&
		is_value(n->args[1]))
		return n->args[1]->value;
	return NULL;
}

static void
join(struct call *c, struct ddb_node **rest, const struct ddb_node *one)
{
	struct ddb_node *n = (struct ddb_node *)one;
	if (*rest) {
		n = arena_new(c->arena, struct ddb_node);
		n->kind = DDB_AND;
		n->n = 2;
		n->args = arena_array(c->arena, struct ddb_node *, 2);
		n->args[0] = *rest;
		n->args[1] = (struct ddb_node *)one;
	}
	*rest = n;
}

enum ddb_sql_key
ddb_sql_key(struct call *c, const struct ddb_table *t, const struct ddb_node *where, bool with_in,
	struct ddb_val *ret_key, struct ddb_node **ret_rest, struct str *ret_twice)
{
	const struct ddb_node **v = NULL;
	const struct str names[2] = { t->key.hash, t->key.range };
	const struct ddb_val *found[2] = { NULL, NULL };
	uint32_t count = 0;
	*ret_rest = NULL;
	*ret_twice = STR_NULL;
	*ret_key = (struct ddb_val){ .type = DDB_M,
		.attrs = arena_array(c->arena, struct ddb_attr, 2) };
	if (where)
		conjuncts(c, where, &v, &count);
	for (uint32_t i = 0; i < count; i++) {
		bool taken = false;
		for (unsigned k = 0; k < 2 && !taken; k++) {
			const struct ddb_val *one =
				names[k].p ? equals(v[i], names[k], with_in) : NULL;
			if (!one)
				continue;
			taken = !found[k] || ddb_equal(found[k], one);
			if (!found[k])
				found[k] = one;
			else if (!taken && !ret_twice->p)
				*ret_twice = names[k];
		}
		if (!taken)
			join(c, ret_rest, v[i]);
	}
	for (unsigned k = 0; k < 2; k++)
		if (found[k])
			ret_key->attrs[ret_key->n++] = (struct ddb_attr){ names[k], *found[k] };
	if (ret_key->n != (names[1].p ? 2u : 1u))
		return DDB_KEY_PARTIAL;
	return ret_twice->p ? DDB_KEY_TWICE : DDB_KEY_WHOLE;
}
