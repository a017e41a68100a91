/* Describe*: rows of a kind, filtered by members of what is shown, in pages. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"
#include "svc/ec2/resource.h"

#include <stdlib.h>

#define VALUES_MAX 200

bool
ec2_glob(struct str p, struct str t)
{
	size_t i = 0, j = 0, star = SIZE_MAX, mark = 0;
	while (j < t.len) {
		bool literal = i + 1 < p.len && p.p[i] == '\\';
		if (i < p.len && !literal && p.p[i] == '*') {
			star = i++;
			mark = j;
		} else if (i < p.len &&
			   ((!literal && p.p[i] == '?') || p.p[i + literal] == t.p[j])) {
			i += 1 + literal;
			j++;
		} else if (star != SIZE_MAX) {
			i = star + 1;
			j = ++mark;
		} else {
			return false;
		}
	}
	while (i < p.len && p.p[i] == '*')
		i++;
	return i == p.len;
}

/* One value at its place (a member: scalars carry `set`; an element of a list: bare) against the
 * text. */
static bool
scalar_is(struct call *c, const struct shape *s, const void *at, bool element, struct str value)
{
	const struct opt_i64 *n = at;
	switch (s->kind) {
	case SHAPE_STR:
	case SHAPE_BLOB: {
		struct str text = *(const struct str *)at;
		return text.p && ec2_glob(value, text);
	}
	case SHAPE_BOOL: {
		const struct opt_bool *b = at;
		bool on = element ? *(const bool *)at : b->set && b->v;
		return str_eq_nocase(value, on ? STR("true") : STR("false"));
	}
	case SHAPE_INT:
	case SHAPE_LONG:
		return (element || n->set) &&
		       ec2_glob(value, arena_printf(c->arena, "%lld", (long long)n->v));
	case SHAPE_FLOAT:
	case SHAPE_DOUBLE: {
		char text[TEXT_F64_MAX];
		const struct opt_f64 *f = at;
		return (element || f->set) && ec2_glob(value, text_f64(f->v, text));
	}
	case SHAPE_TIME:
		return (element || n->set) &&
		       ec2_glob(value, time_text(c->arena, n->v, TIME_ISO8601_MS));
	default:
		return false;
	}
}

static bool path_is(
	struct call *c, const struct shape *s, const void *item, struct str path, struct str value);

static bool
list_is(struct call *c, const struct shape *s, const struct list_any *l, struct str path,
	struct str value)
{
	const struct shape *e = s->value;
	for (uint32_t i = 0; i < l->n; i++) {
		const char *at = (const char *)l->v + (size_t)i * s->size;
		if (e->kind == SHAPE_STRUCT ? path_is(c, e, at, path, value)
					    : scalar_is(c, e, at, true, value))
			return true;
	}
	return false;
}

/* Whether some value at the end of the path is the one asked for. */
static bool
path_is(struct call *c, const struct shape *s, const void *item, struct str path, struct str value)
{
	struct str rest = path, name = str_cut(&rest, '.');
	for (unsigned i = 0; i < s->fields_n; i++) {
		const struct field *f = &s->fields[i];
		const char *at = (const char *)item + f->offset;
		if (!str_eq(str_c(f->name), name))
			continue;
		if (f->shape->kind == SHAPE_LIST)
			return list_is(c, f->shape, (const struct list_any *)at,
				rest.p ? rest : STR(""), value);
		if (f->shape->kind != SHAPE_STRUCT)
			return scalar_is(c, f->shape, at, false, value);
		const void *inner = *(const void *const *)at;
		return inner && rest.p && path_is(c, f->shape, inner, rest, value);
	}
	return false;
}

static const struct ec2_filter_rule *
filter_named(const struct ec2_kind *k, struct str name)
{
	for (const struct ec2_filter_rule *f = k->filters; f && f->name; f++)
		if (str_eq(str_c(f->name), name))
			return f;
	return NULL;
}

static bool
about_tags(struct str name)
{
	return str_starts(name, STR("tag:")) || str_is(name, "tag-key") ||
	       str_is(name, "tag-value");
}

int
ec2_filters_check(struct call *c, const struct ec2_kind *k, const struct ec2_filter_list *filters)
{
	for (uint32_t i = 0; filters && i < filters->n; i++) {
		struct str name = filters->v[i].Name;
		if (!name.len || (!about_tags(name) && !filter_named(k, name)))
			return call_fail(c, &EC2_InvalidParameterValue,
				"The filter '%.*s' is invalid", STR_FMT(name));
		if (!filters->v[i].Values.n)
			return call_fail(c, &EC2_InvalidParameterValue,
				"The filter '%.*s' must have at least one value", STR_FMT(name));
		if (filters->v[i].Values.n > VALUES_MAX)
			return call_fail(c, &EC2_InvalidParameterValue,
				"The maximum number of filter values specified on a single call is "
				"%d",
				VALUES_MAX);
	}
	return CALL_OK;
}

static bool
tag_is(const struct ec2_tag_list *tags, struct str name, struct str value)
{
	struct str key = str_starts(name, STR("tag:")) ? str_slice(name, 4, name.len) : STR_NULL;
	for (uint32_t i = 0; i < tags->n; i++) {
		const struct ec2_tag *t = &tags->v[i];
		if (key.p ? str_eq(t->Key, key) && ec2_glob(value, t->Value)
			  : ec2_glob(value, str_is(name, "tag-key") ? t->Key : t->Value))
			return true;
	}
	return false;
}

bool
ec2_filters_pass(struct call *c, const struct ec2_kind *k, const struct ec2_filter_list *filters,
	struct str id, const void *row, const void *item)
{
	struct ec2_tag_list tags = { 0 };
	const struct shape *s = k->row->fields[0].shape;
	for (uint32_t i = 0; filters && i < filters->n; i++) {
		struct str name = filters->v[i].Name;
		const struct list_str *values = &filters->v[i].Values;
		const struct ec2_filter_rule *f = about_tags(name) ? NULL : filter_named(k, name);
		bool pass = false;
		if (!f && !tags.set)
			ec2_tags_get(c, id, &tags);
		for (uint32_t j = 0; j < values->n && !pass; j++)
			pass = !f         ? tag_is(&tags, name, values->v[j])
			       : f->match ? f->match(c, row, item, values->v[j])
					  : path_is(c, s, item, str_c(f->path), values->v[j]);
		if (!pass)
			return false;
	}
	return true;
}

int
ec2_page_begin(struct call *c, struct str token, struct str *ret_after)
{
	*ret_after = STR_NULL;
	if (!token.len)
		return CALL_OK;
	struct str id = base64_bytes(c->arena, token, BASE64_STRICT);
	if (!id.len || id.len > 128)
		return call_fail(
			c, &EC2_InvalidPaginationToken, "Unable to parse pagination token");
	*ret_after = id;
	return CALL_OK;
}

struct str
ec2_page_token(struct call *c, struct str last_id)
{
	return base64_text(c->arena, last_id);
}

static struct ec2_tag_list *
item_tags(const struct shape *s, void *item)
{
	for (unsigned i = 0; i < s->fields_n; i++)
		if ((strcmp(s->fields[i].name, "Tags") == 0 ||
			    strcmp(s->fields[i].name, "TagSet") == 0) &&
			s->fields[i].shape->kind == SHAPE_LIST)
			return (struct ec2_tag_list *)((char *)item + s->fields[i].offset);
	return NULL;
}

/* Appends the item if it passes; grows by doubling in the arena. */
static void
show(struct call *c, const struct ec2_query *q, struct str id, void *row, struct list_any *out)
{
	const struct shape *s = q->kind->row->fields[0].shape;
	void *item = ec2_item(q->kind, row);
	struct ec2_tag_list *tags = item_tags(s, item);
	if (q->kind->show)
		q->kind->show(c, row, item);
	if (tags)
		ec2_tags_get(c, id, tags);
	if (!ec2_filters_pass(c, q->kind, q->filters, id, row, item))
		return;
	if (!(out->n & (out->n - 1))) {
		void *bigger = arena_alloc(c->arena, (size_t)s->size * (out->n ? out->n * 2 : 1));
		memcpy(bigger, out->v ? out->v : bigger, (size_t)s->size * out->n);
		out->v = bigger;
	}
	memcpy((char *)out->v + (size_t)s->size * out->n, item, s->size);
	out->n++;
	out->set = true;
}

static int
describe_ids(struct call *c, const struct ec2_query *q, struct list_any *out)
{
	for (uint32_t i = 0; i < q->ids->n; i++) {
		void *row = ec2_need(c, q->kind, q->ids->v[i]);
		if (!row)
			return CALL_FAILED;
		if (!q->kind->visible || q->kind->visible(c, row))
			show(c, q, q->ids->v[i], row, out);
	}
	return CALL_OK;
}

static int
describe_all(struct call *c, const struct ec2_query *q, struct list_any *out, struct str *ret_token)
{
	uint32_t limit = q->max && q->max->set ? (uint32_t)q->max->v
			 : q->page             ? q->page
					       : UINT32_MAX;
	struct ec2_walk w;
	struct str after, last = STR_NULL;
	void *row;
	if (ec2_page_begin(c, q->token, &after) != CALL_OK)
		return CALL_FAILED;
	ec2_walk_begin(&w, c, q->kind);
	while ((row = ec2_walk_next(&w))) {
		if ((after.p && str_cmp(w.id, after) <= 0) ||
			(q->kind->visible && !q->kind->visible(c, row)))
			continue;
		if (out->n == limit && ret_token) {
			/* Only what passes ends a page; so ask whether anything is left. */
			struct list_any probe = { 0 };
			show(c, q, w.id, row, &probe);
			if (!probe.n)
				continue;
			*ret_token = ec2_page_token(c, last);
			ec2_walk_end(&w);
			break;
		}
		show(c, q, w.id, row, out);
		last = w.id;
	}
	return CALL_OK;
}

void
ec2_candidate_add(struct call *c, struct ec2_candidates *l, struct str id, void *row)
{
	if (!(l->n & (l->n - 1))) {
		struct ec2_candidate *more =
			arena_array(c->arena, struct ec2_candidate, l->n ? l->n * 2 : 1);
		memcpy(more, l->v ? l->v : more, l->n * sizeof(*more));
		l->v = more;
	}
	l->v[l->n++] = (struct ec2_candidate){ id, row };
}

static int
by_id(const void *x, const void *y)
{
	return str_cmp(
		((const struct ec2_candidate *)x)->id, ((const struct ec2_candidate *)y)->id);
}

int
ec2_describe_rows(struct call *c, const struct ec2_query *q, struct ec2_candidates *l,
	void *ret_list, struct str *ret_token)
{
	struct list_any *out = ret_list;
	struct str after;
	uint32_t limit = q->max && q->max->set ? (uint32_t)q->max->v
			 : q->page             ? q->page
					       : UINT32_MAX;
	if (ec2_filters_check(c, q->kind, q->filters) != CALL_OK ||
		ec2_page_begin(c, q->token, &after) != CALL_OK)
		return CALL_FAILED;
	out->set = true;
	if (l->n)
		qsort(l->v, l->n, sizeof(*l->v), by_id);
	for (uint32_t i = 0, last = 0; i < l->n; i++) {
		struct list_any probe = { 0 };
		if (after.p && str_cmp(l->v[i].id, after) <= 0)
			continue;
		if (out->n < limit || !ret_token) {
			uint32_t n = out->n;
			show(c, q, l->v[i].id, l->v[i].row, out);
			last = out->n > n ? i : last;
			continue;
		}
		show(c, q, l->v[i].id, l->v[i].row, &probe);
		if (probe.n) {
			*ret_token = ec2_page_token(c, l->v[last].id);
			break;
		}
	}
	return CALL_OK;
}

int
ec2_describe(struct call *c, const struct ec2_query *q, void *ret_list, struct str *ret_token)
{
	struct list_any *out = ret_list;
	if (ec2_filters_check(c, q->kind, q->filters) != CALL_OK)
		return CALL_FAILED;
	if (q->max && q->max->set && q->max->v < 1)
		return call_fail(c, &EC2_InvalidParameterValue,
			"Value ( %lld ) for parameter maxResults is invalid. Expecting a value of 1 "
			"at least.",
			(long long)q->max->v);
	/* A list that is asked for but empty is still there: <vpcSet/>. */
	out->set = true;
	if (q->ids && q->ids->n) {
		if (q->max && q->max->set)
			return call_fail(c, &EC2_InvalidParameterCombination,
				"The parameter %s cannot be used with the parameter maxResults",
				"resource IDs");
		return describe_ids(c, q, out);
	}
	return describe_all(c, q, out, ret_token);
}
