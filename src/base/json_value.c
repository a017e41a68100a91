/* What a parsed value means: numbers, comparison, and values made by hand. */
#include "base/json.h"

#include <math.h>

/* The integer that a decimal text of any form stands for: 5.0, 50e-1, 0.5e1. */
static bool
decimal_u64(struct str s, uint64_t *ret)
{
	uint64_t v = 0;
	int64_t power = 0, exponent = 0; /* value = v * 10^power; v does not end in 0 */
	size_t i = 0, zeros = 0;
	bool fraction = false;
	for (; i < s.len && (s.p[i] | 32) != 'e'; i++) {
		if (s.p[i] == '.') {
			fraction = true;
			continue;
		}
		power -= fraction;
		zeros++;
		if (s.p[i] == '0')
			continue;
		for (; v && zeros; zeros--)
			if (__builtin_mul_overflow(v, 10, &v))
				return false;
		zeros = 0;
		if (__builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
			return false;
	}
	if (v == 0)
		return *ret = 0, true;
	if (i < s.len) {
		i += 1 + (s.p[i + 1] == '+');
		if (!str_to_i64(str_slice(s, i, s.len), &exponent) || exponent > 1000000 ||
			exponent < -(1 << 30))
			return false;
	}
	power += exponent + (int64_t)zeros;
	if (power < 0 || power > 19)
		return false;
	for (; power; power--)
		if (__builtin_mul_overflow(v, 10, &v))
			return false;
	*ret = v;
	return true;
}

bool
json_i64(const struct json *j, int64_t *ret_value)
{
	uint64_t v;
	if (!json_is(j, JSON_NUMBER))
		return false;
	if (str_to_i64(j->text, ret_value))
		return true;
	bool negative = j->text.p[0] == '-';
	if (!decimal_u64(str_slice(j->text, negative, j->text.len), &v) ||
		v > (uint64_t)INT64_MAX + negative)
		return false;
	*ret_value = negative ? (int64_t)(0 - v) : (int64_t)v;
	return true;
}

bool
json_f64(const struct json *j, double *ret_value)
{
	double v;
	if (json_is(j, JSON_NUMBER))
		return str_to_f64(j->text, ret_value);
	if (!json_is(j, JSON_STR) || !str_to_f64(j->text, &v) || isfinite(v))
		return false;
	*ret_value = v;
	return true;
}

bool
json_bool(const struct json *j, bool *ret_value)
{
	if (!json_is(j, JSON_BOOL))
		return false;
	*ret_value = j->b;
	return true;
}

static bool
members_eq(const struct json *x, const struct json *y)
{
	for (uint32_t i = 0; i < x->n; i++) {
		const struct json *other = json_get(y, x->members[i].key);
		if (!other || !json_eq(&x->members[i].value, other))
			return false;
	}
	return true;
}

bool
json_eq(const struct json *x, const struct json *y)
{
	if (!x || !y)
		return x == y;
	if (x->kind != y->kind || x->n != y->n)
		return false;
	switch ((enum json_kind)x->kind) {
	case JSON_NULL:
		return true;
	case JSON_BOOL:
		return x->b == y->b;
	case JSON_NUMBER:
	case JSON_STR:
		return str_eq(x->text, y->text);
	case JSON_ARRAY:
		for (uint32_t i = 0; i < x->n; i++)
			if (!json_eq(&x->items[i], &y->items[i]))
				return false;
		return true;
	case JSON_OBJECT:
		return members_eq(x, y);
	}
	return false;
}

struct json *
json_new_str(struct arena *a, struct str s)
{
	struct json *j = arena_new(a, struct json);
	j->kind = s.p ? JSON_STR : JSON_NULL;
	j->text = s;
	return j;
}

struct json *
json_new_i64(struct arena *a, int64_t v)
{
	struct json *j = arena_new(a, struct json);
	j->kind = JSON_NUMBER;
	j->text = arena_printf(a, "%lld", (long long)v);
	return j;
}

struct json *
json_new_bool(struct arena *a, bool v)
{
	struct json *j = arena_new(a, struct json);
	j->kind = JSON_BOOL;
	j->b = v;
	return j;
}

struct json *
json_new_array(struct arena *a, struct json *items, uint32_t n)
{
	struct json *j = arena_new(a, struct json);
	j->kind = JSON_ARRAY;
	j->n = n;
	j->items = items;
	return j;
}
