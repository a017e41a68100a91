/* Update expressions applied to an item. Values are computed from the item as it was. */
#include "svc/dynamodb/expr.h"

static const char wrong_type[] = "An operand in the update expression has an incorrect data type";
static const char absent[] =
	"The provided expression refers to an attribute that does not exist in the item";
static const char bad_path[] =
	"The document path provided in the update expression is invalid for update";

static int
sum(struct call *c, const struct ddb_val *x, const struct ddb_val *y, bool minus,
	struct ddb_val *ret)
{
	uint8_t bytes[DDB_NUMBER_BYTES];
	size_t len = 0;
	switch (ddb_number_add(x->s, y->s, minus, bytes, &len)) {
	case DDB_NUMBER_OK:
		*ret = (struct ddb_val){ .type = DDB_N,
			.s = arena_dup(c->arena, str_of(bytes, len)) };
		return 0;
	case DDB_NUMBER_UNDERFLOW:
		return ddb_fail(c, "Number underflow. Attempting to store a number with magnitude "
				   "smaller than supported range");
	case DDB_NUMBER_PRECISION:
		return ddb_fail(
			c, "Attempting to store more than 38 significant digits in a Number");
	default:
		return ddb_fail(c, "Number overflow. Attempting to store a number with magnitude "
				   "larger than supported range");
	}
}

static int value_of(
	struct call *c, const struct ddb_node *n, const struct ddb_val *item, struct ddb_val *ret);

static int
append(struct call *c, const struct ddb_node *n, const struct ddb_val *item, struct ddb_val *ret)
{
	struct ddb_val x, y;
	if (value_of(c, n->args[0], item, &x))
		return CALL_FAILED;
	if (x.type != DDB_L)
		return ddb_fail(c, "%s", wrong_type);
	if (value_of(c, n->args[1], item, &y))
		return CALL_FAILED;
	if (y.type != DDB_L)
		return ddb_fail(c, "%s", wrong_type);
	*ret = (struct ddb_val){ .type = DDB_L, .n = x.n + y.n };
	ret->items = arena_array(c->arena, struct ddb_val, ret->n);
	for (uint32_t i = 0; i < ret->n; i++)
		ret->items[i] = i < x.n ? x.items[i] : y.items[i - x.n];
	return 0;
}

static int
value_of(struct call *c, const struct ddb_node *n, const struct ddb_val *item, struct ddb_val *ret)
{
	const struct ddb_val *v = NULL;
	struct ddb_val x, y;
	switch (n->kind) {
	case DDB_PATH:
		v = ddb_resolve_path(item, &n->path);
		break;
	case DDB_VALUE:
		v = n->value;
		break;
	case DDB_PLUS:
	case DDB_MINUS:
		if (value_of(c, n->args[0], item, &x))
			return CALL_FAILED;
		if (x.type != DDB_N)
			return ddb_fail(c, "%s", wrong_type);
		if (value_of(c, n->args[1], item, &y))
			return CALL_FAILED;
		if (y.type != DDB_N)
			return ddb_fail(c, "%s", wrong_type);
		return sum(c, &x, &y, n->kind == DDB_MINUS, ret);
	default:
		if (n->op == DDB_LIST_APPEND)
			return append(c, n, item, ret);
		v = ddb_resolve_path(item, &n->args[0]->path);
		if (!v)
			return value_of(c, n->args[1], item, ret);
	}
	if (!v)
		return ddb_fail(c, "%s", absent);
	*ret = ddb_copy(c->arena, v);
	return 0;
}

/* ---- sets */

static bool
set_has(const struct ddb_val *set, struct str s)
{
	for (uint32_t i = 0; i < set->n; i++)
		if (str_eq(set->set[i], s))
			return true;
	return false;
}

struct ddb_val
ddb_set_union(struct call *c, const struct ddb_val *x, const struct ddb_val *y)
{
	struct ddb_val r = *x;
	r.set = arena_array(c->arena, struct str, x->n + y->n);
	for (uint32_t i = 0; i < x->n; i++)
		r.set[i] = x->set[i];
	for (uint32_t i = 0; i < y->n; i++)
		if (!set_has(x, y->set[i]))
			r.set[r.n++] = y->set[i];
	return r;
}

struct ddb_val
ddb_set_minus(struct call *c, const struct ddb_val *x, const struct ddb_val *y)
{
	struct ddb_val r = *x;
	r.n = 0;
	r.set = arena_array(c->arena, struct str, x->n);
	for (uint32_t i = 0; i < x->n; i++)
		if (!set_has(y, x->set[i]))
			r.set[r.n++] = x->set[i];
	return r;
}

int
ddb_add_value(
	struct call *c, const struct ddb_val *old, const struct ddb_val *v, struct ddb_val *ret)
{
	if (!old) {
		*ret = *v;
		return 0;
	}
	if (v->type == DDB_N)
		return sum(c, old, v, false, ret);
	if (v->type == DDB_L) {
		*ret = (struct ddb_val){ .type = DDB_L, .n = old->n + v->n };
		ret->items = arena_array(c->arena, struct ddb_val, ret->n);
		for (uint32_t i = 0; i < ret->n; i++)
			ret->items[i] = i < old->n ? old->items[i] : v->items[i - old->n];
		return 0;
	}
	*ret = ddb_set_union(c, old, v);
	return 0;
}

/* ---- places */

/* List elements that go are marked first, so that the indexes of the others keep their meaning. */
#define GONE 0xff

struct slot {
	struct ddb_val *parent;
	const struct ddb_step *step;
	struct ddb_val *v; /* NULL: nothing there yet */
};

static bool
slot_find(struct ddb_val *item, const struct ddb_path *p, struct slot *s)
{
	struct ddb_path up = { p->v, p->n - 1 };
	s->parent = (struct ddb_val *)ddb_resolve_path(item, &up);
	s->step = &p->v[p->n - 1];
	if (!s->parent || s->parent->type != (s->step->name.p ? DDB_M : DDB_L))
		return false;
	struct ddb_path last = { &p->v[p->n - 1], 1 };
	s->v = (struct ddb_val *)ddb_resolve_path(s->parent, &last);
	if (s->v && s->v->type == GONE)
		s->v = NULL;
	return true;
}

static void
slot_set(struct call *c, struct slot *s, const struct ddb_val *v)
{
	struct ddb_val *parent = s->parent;
	if (s->step->name.p) {
		ddb_put(c->arena, parent, s->step->name, v);
	} else if (s->v) {
		*s->v = *v;
	} else {
		struct ddb_val *items = arena_array(c->arena, struct ddb_val, parent->n + 1);
		if (parent->n)
			memcpy(items, parent->items, sizeof(*items) * parent->n);
		items[parent->n] = *v;
		parent->items = items;
		parent->n++;
	}
}

static void
slot_drop(struct slot *s)
{
	if (s->step->name.p)
		ddb_drop(s->parent, s->step->name);
	else if (s->v)
		s->v->type = GONE;
}

static void
close_gaps(struct ddb_val *v)
{
	uint32_t n = 0;
	if (v->type == DDB_M)
		for (uint32_t i = 0; i < v->n; i++)
			close_gaps(&v->attrs[i].v);
	if (v->type != DDB_L)
		return;
	for (uint32_t i = 0; i < v->n; i++)
		if (v->items[i].type != GONE) {
			close_gaps(&v->items[i]);
			v->items[n++] = v->items[i];
		}
	v->n = n;
}

static int
key_type_check(struct call *c, const struct ddb_table *t, const struct ddb_path *p,
	const struct ddb_val *v)
{
	for (uint32_t i = 0; t && p->n == 1 && i < t->indexes_n; i++) {
		const struct ddb_key *k = &t->indexes[i].key;
		if ((str_eq(k->hash, p->v[0].name) && k->hash_type != v->type) ||
			(k->range.p && str_eq(k->range, p->v[0].name) && k->range_type != v->type))
			return ddb_fail(c, "The update expression attempted to update the "
					   "secondary index key to "
					   "unsupported type");
	}
	return 0;
}

static int
change(struct call *c, const struct ddb_table *t, const struct ddb_change *ch, bool legacy,
	const struct ddb_val *computed, struct ddb_val *item)
{
	struct slot s;
	struct ddb_val v;
	if (!slot_find(item, &ch->path, &s))
		return ddb_fail(c, "%s", bad_path);
	switch (ch->action) {
	case DDB_REMOVE:
		slot_drop(&s);
		return 0;
	case DDB_SET:
		if (key_type_check(c, t, &ch->path, computed))
			return CALL_FAILED;
		slot_set(c, &s, computed);
		return 0;
	default:
		break;
	}
	const struct ddb_val *by = ch->value->value;
	if (s.v && s.v->type != by->type)
		return ddb_fail(
			c, "%s", legacy ? "Type mismatch for attribute to update" : wrong_type);
	if (ch->action == DDB_ADD) {
		if (ddb_add_value(c, s.v, by, &v))
			return CALL_FAILED;
		slot_set(c, &s, &v);
		return 0;
	}
	if (!s.v)
		return 0;
	v = ddb_set_minus(c, s.v, by);
	if (v.n)
		slot_set(c, &s, &v);
	else
		slot_drop(&s);
	return 0;
}

/* New elements of lists go behind the last one in the order of their indexes, whatever the
 * expression's order was; so changes of elements come last, sorted. */
static bool
comes_later(const struct ddb_change *x, const struct ddb_change *y)
{
	const struct ddb_step *a = &x->path.v[x->path.n - 1], *b = &y->path.v[y->path.n - 1];
	if (!a->name.p != !b->name.p)
		return !a->name.p;
	return !a->name.p && a->index > b->index;
}

int
ddb_apply(
	struct call *c, const struct ddb_table *t, const struct ddb_update *u, struct ddb_val *item)
{
	struct ddb_val *computed = arena_array(c->arena, struct ddb_val, u->n);
	uint32_t *order = arena_array(c->arena, uint32_t, u->n);
	for (uint32_t i = 0; i < u->n; i++)
		if (u->v[i].action == DDB_SET && value_of(c, u->v[i].value, item, &computed[i]))
			return CALL_FAILED;
	for (uint32_t i = 0; i < u->n; i++) {
		uint32_t k = i;
		for (; k > 0 && comes_later(&u->v[order[k - 1]], &u->v[i]); k--)
			order[k] = order[k - 1];
		order[k] = i;
	}
	for (uint32_t i = 0; i < u->n; i++)
		if (change(c, t, &u->v[order[i]], u->legacy, &computed[order[i]], item))
			return CALL_FAILED;
	close_gaps(item);
	return 0;
}
