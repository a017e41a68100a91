#include "svc/sns/filter_internal.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#define DEPTH_MAX 10
#define NUMBER_MAX 1e9

struct parser {
	struct arena *a;
	char *why;
	bool body;
	unsigned depth, keys;
	double combinations;
};

static bool
fail(struct parser *p, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(p->why, SNS_WHY_MAX, fmt, ap);
	va_end(ap);
	return false;
}

static struct str
keep(struct parser *p, struct str s)
{
	return arena_dup(p->a, s);
}

bool
filter_ip(struct str text, unsigned char ret[16], bool *ret_v6)
{
	char copy[64];
	if (!text.len || text.len >= sizeof(copy))
		return false;
	memcpy(copy, text.p, text.len);
	copy[text.len] = 0;
	*ret_v6 = strchr(copy, ':') != NULL;
	return strlen(copy) == text.len && inet_pton(*ret_v6 ? AF_INET6 : AF_INET, copy, ret) == 1;
}

static bool
parse_cidr(struct parser *p, struct str text, struct rule *r)
{
	struct str rest = text;
	struct str address = str_cut(&rest, '/');
	uint64_t bits;
	if (!filter_ip(address, r->net, &r->v6) || !str_to_u64(rest, &bits) ||
		bits > (r->v6 ? 128 : 32))
		return fail(p, "Malformed CIDR, one '/' required");
	r->net_bits = (uint8_t)bits;
	r->kind = RULE_CIDR;
	return true;
}

static bool
number(struct parser *p, const struct json *j, const char *op, double *ret)
{
	if (!json_is(j, JSON_NUMBER) || !json_f64(j, ret))
		return fail(p, "Value of %s must be numeric", op);
	if (fabs(*ret) > NUMBER_MAX)
		return fail(p, "Value of %s must be between -1.0E9 and +1.0E9, inclusive", op);
	return true;
}

static bool
parse_bound(struct parser *p, struct str op, const struct json *value, struct rule *r, bool second)
{
	char name[16];
	double v;
	if (!str_is(op, "=") && !str_is(op, "<") && !str_is(op, "<=") && !str_is(op, ">") &&
		!str_is(op, ">="))
		return fail(p, "Unrecognized numeric range operator: %.20s",
			op.len < 20 ? arena_cstr(p->a, op) : "…");
	snprintf(name, sizeof(name), "%.*s", STR_FMT(op));
	if (!number(p, value, name, &v))
		return false;
	if (second && op.p[0] != '<')
		return fail(p, "Bad numeric range operator: %s", name);
	if (op.p[0] == '=') {
		r->lo = r->hi = v;
	} else if (op.p[0] == '<') {
		r->hi = v;
		r->hi_open = op.len == 1;
	} else {
		r->lo = v;
		r->lo_open = op.len == 1;
	}
	return true;
}

static bool
parse_numeric(struct parser *p, const struct json *j, struct rule *r)
{
	r->kind = RULE_RANGE;
	r->lo = -INFINITY;
	r->hi = INFINITY;
	if (!json_is(j, JSON_ARRAY) || j->n == 0 || !json_text(&j->items[0]).p)
		return fail(p, "Invalid member in numeric match: ]");
	struct str op = json_text(&j->items[0]);
	if (j->n < 2)
		return fail(
			p, "Value of %.*s must be numeric", (int)(op.len < 20 ? op.len : 20), op.p);
	if (!parse_bound(p, op, &j->items[1], r, false))
		return false;
	if (j->n == 2)
		return true;
	if (j->n != 4 || op.p[0] != '>')
		return fail(p, "Too many elements in numeric expression");
	if (!json_text(&j->items[2]).p ||
		!parse_bound(p, json_text(&j->items[2]), &j->items[3], r, true))
		return p->why[0] ? false : fail(p, "Bad numeric range operator");
	return r->lo < r->hi ? true : fail(p, "Bottom must be less than top");
}

static bool
wildcard_ok(struct parser *p, struct str s)
{
	unsigned stars = 0;
	for (size_t i = 0; i < s.len; i++) {
		stars += s.p[i] == '*';
		if (s.p[i] == '*' && i && s.p[i - 1] == '*')
			return fail(p, "Consecutive wildcard characters at pos %zu", i - 1);
	}
	return stars <= 3 ? true
			  : fail(p, "Rule is too complex - try using fewer wildcard characters or "
				    "fewer repeating "
				    "character sequences after a wildcard character");
}

static bool parse_rule(struct parser *p, const struct json *j, struct rule *r, bool inside_not);

static bool
parse_not(struct parser *p, const struct json *j, struct rule *r)
{
	r->kind = RULE_NOT;
	uint32_t n = json_is(j, JSON_ARRAY) ? j->n : 1;
	if (!n)
		return fail(p, "Invalid anything-but: the list is empty");
	r->rules = arena_array(p->a, struct rule, n);
	/* {"anything-but": {"prefix": ["a", "b"]}}: alternatives of one kind. */
	if (json_is(j, JSON_OBJECT) && j->n == 1 && json_is(&j->members[0].value, JSON_ARRAY)) {
		const struct json *list = &j->members[0].value;
		r->rules = arena_array(p->a, struct rule, list->n);
		for (uint32_t i = 0; i < list->n; i++) {
			struct json_member m = { j->members[0].key, list->items[i] };
			struct json one = { .kind = JSON_OBJECT, .n = 1, .members = &m };
			if (!parse_rule(p, &one, &r->rules[r->rules_n++], true))
				return false;
		}
		return list->n ? true : fail(p, "Invalid anything-but: the list is empty");
	}
	for (uint32_t i = 0; i < n; i++) {
		const struct json *v = json_is(j, JSON_ARRAY) ? &j->items[i] : j;
		if (!json_is(v, JSON_STR) && !json_is(v, JSON_NUMBER) &&
			!(json_is(v, JSON_OBJECT) && n == 1))
			return fail(p,
				"Inside anything but list, start|null|boolean is not supported.");
		if (!parse_rule(p, v, &r->rules[r->rules_n++], true))
			return false;
	}
	return true;
}

static bool
parse_operator(
	struct parser *p, struct str op, const struct json *v, struct rule *r, bool inside_not)
{
	static const struct {
		const char *name;
		enum rule_kind kind;
	} texts[] = { { "prefix", RULE_PREFIX }, { "suffix", RULE_SUFFIX },
		{ "wildcard", RULE_WILDCARD }, { "equals-ignore-case", RULE_NOCASE } };
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		if (!str_eq(op, str_c(texts[i].name)))
			continue;
		if (!json_is(v, JSON_STR))
			return fail(p, "%s match pattern must be a string", texts[i].name);
		r->kind = texts[i].kind;
		r->text = keep(p, v->text);
		return r->kind != RULE_WILDCARD || wildcard_ok(p, r->text);
	}
	if (inside_not)
		return fail(p, "Unsupported anything-but pattern: %.*s",
			(int)(op.len < 40 ? op.len : 40), op.p);
	if (str_is(op, "anything-but"))
		return parse_not(p, v, r);
	if (str_is(op, "numeric"))
		return parse_numeric(p, v, r);
	if (str_is(op, "cidr"))
		return json_is(v, JSON_STR) ? parse_cidr(p, v->text, r)
					    : fail(p, "prefix match pattern must be a string");
	if (str_is(op, "exists")) {
		bool b;
		if (!json_bool(v, &b))
			return fail(p, "exists match pattern must be either true or false.");
		r->kind = b ? RULE_EXISTS : RULE_ABSENT;
		return true;
	}
	return fail(p, "Unrecognized match type %.*s", (int)(op.len < 60 ? op.len : 60), op.p);
}

static bool
parse_rule(struct parser *p, const struct json *j, struct rule *r, bool inside_not)
{
	switch (j->kind) {
	case JSON_STR:
		r->kind = RULE_TEXT;
		r->text = keep(p, j->text);
		return true;
	case JSON_NUMBER:
		r->kind = RULE_NUMBER;
		return number(p, j, "equals", &r->lo);
	case JSON_BOOL:
		r->kind = j->b ? RULE_TRUE : RULE_FALSE;
		return true;
	case JSON_NULL:
		r->kind = RULE_NULL;
		return true;
	case JSON_OBJECT:
		if (j->n != 1)
			return fail(p, "Only one key allowed in match expression");
		return parse_operator(p, j->members[0].key, &j->members[0].value, r, inside_not);
	default:
		return fail(p, "Match value must be String, number, true, false, or null");
	}
}

static bool parse_node(struct parser *p, const struct json *j, struct node *n);

/* "$or" is a list of at least two rules, none of them an operator; else it is a key like others. */
static bool
is_choice(struct str key, const struct json *v)
{
	if (!str_is(key, "$or") || !json_is(v, JSON_ARRAY) || v->n < 2)
		return false;
	for (uint32_t i = 0; i < v->n; i++)
		if (!json_is(&v->items[i], JSON_OBJECT))
			return false;
	return true;
}

static bool
parse_choice(struct parser *p, const struct json *v, struct choice *c)
{
	double before = p->combinations, sum = 0;
	unsigned keys = p->keys, most = keys;
	c->nodes = arena_array(p->a, struct node *, v->n);
	for (uint32_t i = 0; i < v->n; i++) {
		p->combinations = before;
		p->keys = keys;
		c->nodes[c->nodes_n++] = arena_new(p->a, struct node);
		if (!parse_node(p, &v->items[i], c->nodes[i]))
			return false;
		sum += p->combinations;
		most = p->keys > most ? p->keys : most;
	}
	p->combinations = sum;
	p->keys = most;
	return true;
}

static bool
parse_entry(struct parser *p, struct str key, const struct json *v, struct entry *e)
{
	int shown = (int)(key.len < 100 ? key.len : 100);
	e->key = keep(p, key);
	if (json_is(v, JSON_OBJECT)) {
		if (!p->body)
			return fail(p, "Filter policy scope MessageAttributes does not support "
				       "nested filter policy");
		if (!v->n)
			return fail(p, "Empty objects are not allowed");
		e->child = arena_new(p->a, struct node);
		return parse_node(p, v, e->child);
	}
	if (!json_is(v, JSON_ARRAY))
		return fail(p, "\"%.*s\" must be an object or an array", shown, key.p);
	if (!v->n)
		return fail(p, "Empty arrays are not allowed");
	p->keys++;
	p->combinations *= (double)v->n * (p->body ? p->depth : 1);
	e->rules = arena_array(p->a, struct rule, v->n);
	for (uint32_t i = 0; i < v->n; i++)
		if (!parse_rule(p, &v->items[i], &e->rules[e->rules_n++], false))
			return false;
	return true;
}

static bool
parse_node(struct parser *p, const struct json *j, struct node *n)
{
	if (++p->depth > DEPTH_MAX)
		return fail(p, "Filter policy is nested too deeply");
	n->entries = arena_array(p->a, struct entry, j->n);
	n->choices = arena_array(p->a, struct choice, j->n);
	for (uint32_t i = 0; i < j->n; i++) {
		const struct json *v = &j->members[i].value;
		struct str key = j->members[i].key;
		if (is_choice(key, v) ? !parse_choice(p, v, &n->choices[n->choices_n++])
				      : !parse_entry(p, key, v, &n->entries[n->entries_n++]))
			return false;
	}
	p->depth--;
	return true;
}

struct sns_filter *
sns_filter_parse(struct arena *a, struct str json, bool body, char why[SNS_WHY_MAX])
{
	struct parser p = { .a = a, .why = why, .body = body, .combinations = 1 };
	struct sns_filter *f = arena_new(a, struct sns_filter);
	why[0] = 0;
	if (json.len > SNS_FILTER_BYTES_MAX) {
		fail(&p, "Filter policy is too large");
		return NULL;
	}
	struct json *j = json_parse(a, json, 0, NULL);
	if (!json_is(j, JSON_OBJECT)) {
		fail(&p, "failed to parse JSON.");
		return NULL;
	}
	f->body = body;
	if (!parse_node(&p, j, &f->root))
		return NULL;
	if (p.keys > SNS_FILTER_KEYS_MAX) {
		fail(&p, "Filter policy can not have more than %d keys", SNS_FILTER_KEYS_MAX);
		return NULL;
	}
	if (p.combinations > SNS_FILTER_COMBINATIONS_MAX) {
		fail(&p, "Filter policy is too complex");
		return NULL;
	}
	return f;
}
