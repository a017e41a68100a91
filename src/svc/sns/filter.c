#include "svc/sns/filter_internal.h"

#define NUMBERS_DIFFER 5e-6 /* five digits after the point count */

/* --- one value against one rule --- */

static bool
in_net(const struct rule *r, struct str text)
{
	unsigned char ip[16];
	bool v6;
	if (!filter_ip(text, ip, &v6) || v6 != r->v6)
		return false;
	unsigned whole = r->net_bits / 8, rest = r->net_bits % 8;
	if (memcmp(ip, r->net, whole) != 0)
		return false;
	unsigned mask = (0xff00u >> rest) & 0xff;
	return !rest || ((ip[whole] ^ r->net[whole]) & mask) == 0;
}

/* Only '*' is special; '?' is a character like others. */
static bool
wildcard(struct str pattern, struct str text)
{
	size_t p = 0, t = 0, star = SIZE_MAX, mark = 0;
	while (t < text.len) {
		if (p < pattern.len && pattern.p[p] == '*') {
			star = p++;
			mark = t;
		} else if (p < pattern.len && pattern.p[p] == text.p[t]) {
			p++;
			t++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			t = ++mark;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.p[p] == '*')
		p++;
	return p == pattern.len;
}

static bool
text_matches(const struct rule *r, struct str s)
{
	switch (r->kind) {
	case RULE_TEXT:
		return str_eq(r->text, s);
	case RULE_PREFIX:
		return str_starts(s, r->text);
	case RULE_SUFFIX:
		return str_ends(s, r->text);
	case RULE_WILDCARD:
		return wildcard(r->text, s);
	case RULE_NOCASE:
		return str_eq_nocase(r->text, s);
	case RULE_CIDR:
		return in_net(r, s);
	default:
		return false;
	}
}

static bool
number_matches(const struct rule *r, double v)
{
	if (r->kind == RULE_NUMBER)
		return v > r->lo - NUMBERS_DIFFER && v < r->lo + NUMBERS_DIFFER;
	if (r->kind != RULE_RANGE)
		return false;
	return (r->lo_open ? v > r->lo : v >= r->lo) && (r->hi_open ? v < r->hi : v <= r->hi);
}

static bool
value_matches(const struct rule *r, const struct json *v)
{
	double number;
	if (r->kind == RULE_EXISTS)
		return true;
	if (r->kind == RULE_NOT) {
		for (uint32_t i = 0; i < r->rules_n; i++)
			if (value_matches(&r->rules[i], v))
				return false;
		return v->kind != JSON_OBJECT;
	}
	switch (v->kind) {
	case JSON_STR:
		return text_matches(r, v->text);
	case JSON_NUMBER:
		return json_f64(v, &number) && number_matches(r, number);
	case JSON_BOOL:
		return r->kind == (v->b ? RULE_TRUE : RULE_FALSE);
	case JSON_NULL:
		return r->kind == RULE_NULL;
	default:
		return false;
	}
}

/* One element of a list is enough, however deep lists lie in lists. */
static bool
any_matches(const struct entry *e, const struct json *v, unsigned depth)
{
	if (v->kind == JSON_ARRAY) {
		for (uint32_t i = 0; i < v->n && depth < JSON_DEPTH; i++)
			if (any_matches(e, &v->items[i], depth + 1))
				return true;
		return false;
	}
	for (uint32_t i = 0; i < e->rules_n; i++)
		if (value_matches(&e->rules[i], v))
			return true;
	return false;
}

static bool
absent_matches(const struct entry *e)
{
	for (uint32_t i = 0; i < e->rules_n; i++)
		if (e->rules[i].kind == RULE_ABSENT)
			return true;
	return false;
}

/* --- bodies --- */

static bool node_matches(const struct node *n, const struct json *body);

static bool
child_matches(const struct node *n, const struct json *v)
{
	if (json_is(v, JSON_ARRAY)) {
		for (uint32_t i = 0; i < v->n; i++)
			if (child_matches(n, &v->items[i]))
				return true;
		return false;
	}
	return node_matches(n, v);
}

static bool
node_matches(const struct node *n, const struct json *body)
{
	for (uint32_t i = 0; i < n->entries_n; i++) {
		const struct entry *e = &n->entries[i];
		const struct json *v = json_get(body, e->key);
		if (e->child ? !child_matches(e->child, v)
			     : !(v ? any_matches(e, v, 0) : absent_matches(e)))
			return false;
	}
	for (uint32_t i = 0; i < n->choices_n; i++) {
		const struct choice *c = &n->choices[i];
		bool any = false;
		for (uint32_t k = 0; k < c->nodes_n && !any; k++)
			any = node_matches(c->nodes[k], body);
		if (!any)
			return false;
	}
	return true;
}

bool
sns_filter_matches(const struct sns_filter *f, const struct json *body)
{
	if (!f->root.entries_n && !f->root.choices_n)
		return true;
	return json_is(body, JSON_OBJECT) && node_matches(&f->root, body);
}

/* --- attributes: an object whose members are what the attributes say --- */

static bool
attribute_value(struct arena *a, const struct sns_message_attribute_value *v, struct json *ret)
{
	struct str type = v->DataType;
	if (str_is(type, "String.Array")) {
		struct json *j = json_parse(a, v->StringValue, 0, NULL);
		if (!json_is(j, JSON_ARRAY))
			return false;
		*ret = *j;
		return true;
	}
	if (str_starts(type, STR("Binary")))
		return false;
	bool number = str_is(type, "Number") || str_starts(type, STR("Number."));
	*ret = (struct json){ .kind = number ? JSON_NUMBER : JSON_STR, .text = v->StringValue };
	return true;
}

struct json *
sns_filter_object(struct arena *a, const struct sns_message_attribute_value_map *attributes)
{
	struct json_member *m = arena_array(a, struct json_member, attributes->n);
	uint32_t n = 0;
	for (uint32_t i = 0; i < attributes->n; i++)
		if (attribute_value(a, &attributes->v[i].value, &m[n].value))
			m[n++].key = attributes->v[i].key;
	return json_new_object(a, m, n);
}
