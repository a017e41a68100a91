#include "aws/codec_route.h"
#include "base/uri.h"

#include <pthread.h>
#include <stdlib.h>

#define SEGMENTS_MAX 32
#define QUERY_KEYS_MAX 64

struct route_key {
	struct str key, value; /* value.p == NULL: any value */
};

struct route {
	const struct op *op;
	struct str method;
	const char *uri;
	struct route_key *constants; /* must be in the query */
	struct str *required; /* query members without which another operation is meant, if there is
				 one */
	uint8_t constants_n, required_n;
	uint8_t headers_n; /* that it requires: copies need one that is not looked at here, so they
			      come last */
	uint8_t rank[SEGMENTS_MAX + 1]; /* of each segment: 3 literal, 2 label, 1 greedy; 0 ends */
};

struct route_table {
	const struct service *service;
	struct route *routes; /* by method, the most specific first */
	unsigned n;
	struct route_table *next;
};

/* Takes the next segment off a path whose leading slash is gone. */
static struct str
segment_next(struct str *rest)
{
	return str_cut(rest, '/');
}

static struct str
uri_path(const char *uri)
{
	struct str s = str_c(uri);
	struct str path = str_cut(&s, '?');
	return path;
}

static bool
is_label(struct str seg)
{
	return seg.len >= 2 && seg.p[0] == '{' && seg.p[seg.len - 1] == '}';
}

static bool
is_greedy(struct str seg)
{
	return is_label(seg) && seg.len >= 3 && seg.p[seg.len - 2] == '+';
}

static struct str
without_slash(struct str path)
{
	return path.len && path.p[0] == '/' ? str_slice(path, 1, path.len) : path;
}

static void
label_keep(struct route_label *labels, unsigned cap, int at, struct str seg, struct str value)
{
	if (labels && at < (int)cap) {
		bool greedy = is_greedy(seg);
		labels[at].name = str_slice(seg, 1, seg.len - (greedy ? 2 : 1));
		labels[at].value = value;
		labels[at].greedy = greedy;
	}
}

static unsigned
segments_in(struct str path)
{
	unsigned n = 1;
	for (size_t i = 0; i < path.len; i++)
		n += path.p[i] == '/';
	return n;
}

/* What a greedy label takes: all but the segments that the template has after it. */
static struct str
greedy_take(struct str *rest, struct str template_rest)
{
	struct str all = *rest;
	unsigned after = template_rest.len ? segments_in(template_rest) : 0,
		 have = segments_in(all);
	size_t end = all.len;
	for (; after && have > 1; after--, have--)
		end = (size_t)str_rfind(str_slice(all, 0, end), '/');
	if (after)
		return STR_NULL;
	*rest = end < all.len ? str_slice(all, end + 1, all.len) : STR_NULL;
	return str_slice(all, 0, end);
}

int
route_match(const char *uri, struct str path, struct route_label *ret_labels, unsigned cap)
{
	struct str t = without_slash(uri_path(uri)), p = without_slash(path);
	int n = 0;
	while (t.len) {
		struct str seg = segment_next(&t);
		if (!p.p)
			return -1;
		if (is_greedy(seg)) {
			struct str v = greedy_take(&p, t);
			if (!v.len)
				return -1;
			label_keep(ret_labels, cap, n++, seg, v);
			continue;
		}
		struct str v = segment_next(&p);
		if (is_label(seg)) {
			if (!v.len)
				return -1;
			label_keep(ret_labels, cap, n++, seg, v);
		} else if (!str_eq(seg, v)) {
			return -1;
		}
	}
	/* "/bucket/" means "/bucket": clients send both. */
	return p.len ? -1 : n;
}

static void
rank_segments(struct route *r)
{
	struct str t = without_slash(uri_path(r->uri));
	unsigned n = 0;
	while (t.len && n < SEGMENTS_MAX) {
		struct str seg = segment_next(&t);
		r->rank[n++] = is_greedy(seg) ? 1 : is_label(seg) ? 2 : 3;
	}
}

static void
find_constants(struct route *r)
{
	struct str rest = str_c(r->uri);
	str_cut(&rest, '?');
	r->constants = calloc(8, sizeof(*r->constants));
	while (rest.p && r->constants_n < 8) {
		struct str value = str_cut(&rest, '&');
		struct str key = str_cut(&value, '=');
		if (key.len)
			r->constants[r->constants_n++] = (struct route_key){ key, value };
	}
}

static void
find_required(struct route *r)
{
	const struct shape *in = r->op->in;
	r->required = calloc(8, sizeof(*r->required));
	for (unsigned i = 0; in && i < in->fields_n && r->required_n < 8; i++)
		if (in->fields[i].location == LOC_QUERY && (in->fields[i].flags & FIELD_REQUIRED) &&
			in->fields[i].shape->kind != SHAPE_MAP)
			r->required[r->required_n++] = str_c(in->fields[i].wire);
	for (unsigned i = 0; in && i < in->fields_n; i++)
		r->headers_n += in->fields[i].location == LOC_HEADER &&
				(in->fields[i].flags & FIELD_REQUIRED);
}

static int
by_specificity(const void *a, const void *b)
{
	const struct route *x = a, *y = b;
	int d = str_cmp(x->method, y->method);
	if (d)
		return d;
	d = memcmp(y->rank, x->rank, sizeof(x->rank));
	if (d)
		return d;
	if (x->constants_n != y->constants_n)
		return (int)y->constants_n - (int)x->constants_n;
	if (x->required_n != y->required_n)
		return (int)y->required_n - (int)x->required_n;
	if (x->headers_n != y->headers_n)
		return (int)x->headers_n - (int)y->headers_n;
	return strcmp(x->op->name, y->op->name);
}

struct route_table *
route_table_new(const struct service *s)
{
	struct route_table *t = calloc(1, sizeof(*t));
	t->service = s;
	t->routes = calloc(s->ops_n + 1u, sizeof(*t->routes));
	for (unsigned i = 0; i < s->ops_n; i++) {
		const struct op *op = &s->ops[i];
		if (!op->method || !op->uri)
			continue;
		struct route *r = &t->routes[t->n++];
		r->op = op;
		r->method = str_c(op->method);
		r->uri = op->uri;
		rank_segments(r);
		find_constants(r);
		find_required(r);
	}
	qsort(t->routes, t->n, sizeof(*t->routes), by_specificity);
	return t;
}

void
route_table_free(struct route_table *t)
{
	if (!t)
		return;
	for (unsigned i = 0; i < t->n; i++) {
		free(t->routes[i].constants);
		free(t->routes[i].required);
	}
	free(t->routes);
	free(t);
}

struct query_keys {
	struct uri_param v[QUERY_KEYS_MAX];
	unsigned n;
};

static const struct uri_param *
key_find(const struct query_keys *q, struct str key)
{
	for (unsigned i = 0; i < q->n; i++)
		if (str_eq(q->v[i].key, key))
			return &q->v[i];
	return NULL;
}

static bool
constants_fit(const struct route *r, const struct query_keys *q)
{
	for (unsigned i = 0; i < r->constants_n; i++) {
		const struct uri_param *p = key_find(q, r->constants[i].key);
		if (!p || (r->constants[i].value.len && !str_eq(p->value, r->constants[i].value)))
			return false;
	}
	return true;
}

static bool
required_there(const struct route *r, const struct query_keys *q)
{
	for (unsigned i = 0; i < r->required_n; i++)
		if (!key_find(q, r->required[i]))
			return false;
	return true;
}

const struct op *
route_table_find(const struct route_table *t, struct str method, struct str path, struct str query)
{
	struct query_keys q;
	const struct route *second = NULL;
	q.n = 0;
	while (q.n < QUERY_KEYS_MAX && uri_param_next(&query, &q.v[q.n]))
		q.n++;
	for (unsigned i = 0; i < t->n; i++) {
		const struct route *r = &t->routes[i];
		if (!str_eq(r->method, method))
			continue;
		/* A less specific path never wins over one that fitted. */
		if (second && memcmp(second->rank, r->rank, sizeof(r->rank)) != 0)
			break;
		if (!constants_fit(r, &q) || route_match(r->uri, path, NULL, 0) < 0)
			continue;
		if (required_there(r, &q))
			return r->op;
		/* Its validation says what is missing, unless another operation asks for less. */
		second = r;
	}
	return second ? second->op : NULL;
}

const struct op *
codec_route_rest(const struct service *s, struct str method, struct str path, struct str query)
{
	static struct route_table *tables;
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct route_table *t = __atomic_load_n(&tables, __ATOMIC_ACQUIRE);
	while (t && t->service != s)
		t = t->next;
	if (!t) {
		pthread_mutex_lock(&lock);
		for (t = tables; t && t->service != s;)
			t = t->next;
		if (!t) {
			t = route_table_new(s);
			t->next = tables;
			__atomic_store_n(&tables, t, __ATOMIC_RELEASE);
		}
		pthread_mutex_unlock(&lock);
	}
	return route_table_find(t, method, path, query);
}

static const struct op *
op_by_name(const struct service *s, struct str name)
{
	size_t lo = 0, hi = s->ops_n;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int d = str_cmp(str_c(s->ops[mid].name), name);
		if (d == 0)
			return &s->ops[mid];
		if (d < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

const struct op *
codec_route_target(const struct service *s, struct str target)
{
	long dot = str_rfind(target, '.');
	if (dot < 0 || !s->target || !str_eq(str_slice(target, 0, (size_t)dot), str_c(s->target)))
		return NULL;
	return op_by_name(s, str_slice(target, (size_t)dot + 1, target.len));
}

const struct op *
codec_route_cbor(const struct service *s, struct str path, struct str *ret_service)
{
	long at = str_find_str(path, STR("/service/"));
	if (at < 0)
		return NULL;
	struct str rest = str_slice(path, (size_t)at + 9, path.len);
	struct str service = str_cut(&rest, '/');
	struct str word = str_cut(&rest, '/');
	if (!service.len || !str_is(word, "operation") || !rest.len)
		return NULL;
	if (ret_service)
		*ret_service = service;
	return op_by_name(s, rest);
}

struct str
codec_form_param(struct call *c, struct str form, struct str name)
{
	return uri_param_get(c->arena, form, name);
}
