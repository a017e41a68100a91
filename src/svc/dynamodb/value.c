/* Values: look-up, equality, order, change, size. */
#include "svc/dynamodb/dynamodb.h"

#include <stdlib.h>

const char *const ddb_type_names[DDB_TYPES] = { "S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS",
	"L", "M" };

int
ddb_type_of(struct str name)
{
	for (int i = 0; i < DDB_TYPES; i++)
		if (str_eq(name, str_c(ddb_type_names[i])))
			return i;
	return -1;
}

const struct ddb_val *
ddb_get(const struct ddb_val *map, struct str name)
{
	for (uint32_t i = 0; map && map->type == DDB_M && i < map->n; i++)
		if (str_eq(map->attrs[i].name, name))
			return &map->attrs[i].v;
	return NULL;
}

bool
ddb_is_scalar(const struct ddb_val *v)
{
	return v->type == DDB_S || v->type == DDB_N || v->type == DDB_B;
}

static int
text_cmp(const void *x, const void *y)
{
	return str_cmp(*(const struct str *)x, *(const struct str *)y);
}

void
ddb_sort_set(struct ddb_val *set)
{
	qsort(set->set, set->n, sizeof(*set->set), text_cmp);
}

/* Sets have no order. Small ones are compared by pairs, large ones sorted first. */
static bool
sets_equal(const struct ddb_val *x, const struct ddb_val *y)
{
	struct arena a;
	bool same = true;
	if (x->n != y->n)
		return false;
	arena_init(&a);
	struct str *p = arena_array(&a, struct str, x->n), *q = arena_array(&a, struct str, y->n);
	memcpy(p, x->set, sizeof(*p) * x->n);
	memcpy(q, y->set, sizeof(*q) * y->n);
	qsort(p, x->n, sizeof(*p), text_cmp);
	qsort(q, y->n, sizeof(*q), text_cmp);
	for (uint32_t i = 0; same && i < x->n; i++)
		same = str_eq(p[i], q[i]);
	arena_done(&a);
	return same;
}

static bool
maps_equal(const struct ddb_val *x, const struct ddb_val *y)
{
	if (x->n != y->n)
		return false;
	for (uint32_t i = 0; i < x->n; i++) {
		/* Mostly the same order; else look it up. */
		const struct ddb_val *other = str_eq(x->attrs[i].name, y->attrs[i].name)
						      ? &y->attrs[i].v
						      : ddb_get(y, x->attrs[i].name);
		if (!other || !ddb_equal(&x->attrs[i].v, other))
			return false;
	}
	return true;
}

bool
ddb_equal(const struct ddb_val *x, const struct ddb_val *y)
{
	if (x->type != y->type)
		return false;
	switch (x->type) {
	case DDB_S:
	case DDB_N:
	case DDB_B:
		return str_eq(x->s, y->s);
	case DDB_BOOL:
		return x->b == y->b;
	case DDB_NULL:
		return true;
	case DDB_L:
		for (uint32_t i = 0; x->n == y->n && i < x->n; i++)
			if (!ddb_equal(&x->items[i], &y->items[i]))
				return false;
		return x->n == y->n;
	case DDB_M:
		return maps_equal(x, y);
	default:
		return sets_equal(x, y);
	}
}

int
ddb_compare(const struct ddb_val *x, const struct ddb_val *y)
{
	return str_cmp(x->s, y->s);
}

void
ddb_put(struct arena *a, struct ddb_val *map, struct str name, const struct ddb_val *v)
{
	struct ddb_val *old = (struct ddb_val *)ddb_get(map, name);
	if (old) {
		*old = *v;
		return;
	}
	struct ddb_attr *attrs = arena_array(a, struct ddb_attr, map->n + 1);
	if (map->n)
		memcpy(attrs, map->attrs, sizeof(*attrs) * map->n);
	attrs[map->n] = (struct ddb_attr){ name, *v };
	map->attrs = attrs;
	map->n++;
}

void
ddb_drop(struct ddb_val *map, struct str name)
{
	for (uint32_t i = 0; i < map->n; i++)
		if (str_eq(map->attrs[i].name, name)) {
			memmove(&map->attrs[i], &map->attrs[i + 1],
				sizeof(*map->attrs) * (map->n - i - 1));
			map->n--;
			return;
		}
}

struct ddb_val
ddb_copy(struct arena *a, const struct ddb_val *v)
{
	struct ddb_val r = *v;
	switch (v->type) {
	case DDB_SS:
	case DDB_NS:
	case DDB_BS:
		r.set = arena_array(a, struct str, v->n);
		for (uint32_t i = 0; i < v->n; i++)
			r.set[i] = v->set[i];
		break;
	case DDB_L:
		r.items = arena_array(a, struct ddb_val, v->n);
		for (uint32_t i = 0; i < v->n; i++)
			r.items[i] = ddb_copy(a, &v->items[i]);
		break;
	case DDB_M:
		r.attrs = arena_array(a, struct ddb_attr, v->n);
		for (uint32_t i = 0; i < v->n; i++)
			r.attrs[i] =
				(struct ddb_attr){ v->attrs[i].name, ddb_copy(a, &v->attrs[i].v) };
		break;
	default:
		break;
	}
	return r;
}

/* ---- sizes */

static uint32_t map_size(const struct ddb_val *map, bool stored);

static uint32_t
stored_overhead(const struct ddb_val *v, uint32_t size)
{
	switch (v->type) {
	case DDB_S:
		return size < 128 ? 1 : size < 16384 ? 2 : 3;
	case DDB_B:
	case DDB_N:
		return 1;
	case DDB_SS:
	case DDB_NS:
	case DDB_BS:
		return v->n + 1;
	default:
		return 0;
	}
}

static uint32_t
value_size(const struct ddb_val *v, bool stored)
{
	uint32_t size = 0;
	switch (v->type) {
	case DDB_S:
	case DDB_B:
		size = (uint32_t)v->s.len;
		break;
	case DDB_N:
		size = ddb_number_size(v->s);
		break;
	case DDB_NULL:
		return stored ? 0 : 1;
	case DDB_BOOL:
		return 1;
	case DDB_SS:
	case DDB_BS:
		for (uint32_t i = 0; i < v->n; i++)
			size += (uint32_t)v->set[i].len;
		break;
	case DDB_NS:
		for (uint32_t i = 0; i < v->n; i++)
			size += ddb_number_size(v->set[i]);
		break;
	case DDB_L:
		size = 3;
		for (uint32_t i = 0; i < v->n; i++)
			size += 1 + value_size(&v->items[i], stored);
		break;
	default:
		size = 3 + v->n + map_size(v, stored);
	}
	return size + (stored ? stored_overhead(v, size) : 0);
}

static uint32_t
map_size(const struct ddb_val *map, bool stored)
{
	uint32_t size = 0;
	for (uint32_t i = 0; i < map->n; i++)
		size += value_size(&map->attrs[i].v, stored) +
			(stored ? 1 : (uint32_t)map->attrs[i].name.len);
	return size;
}

uint32_t
ddb_size(const struct ddb_val *item)
{
	return map_size(item, false);
}

uint32_t
ddb_page_size(const struct ddb_val *item, struct str range)
{
	const struct ddb_val *r = range.p ? ddb_get(item, range) : NULL;
	uint32_t key = r ? value_size(r, false) : 0;
	uint32_t size = map_size(item, true);
	if (r)
		size -= value_size(r, true) + 1;
	return 2 + size + (1 + (1 + size) / 3072) * (18 + key);
}
