#include "svc/sts/saml_c14n.h"

#define XML_NS "http://www.w3.org/XML/1998/namespace"
#define XMLNS_NS "http://www.w3.org/2000/xmlns/"
#define SLOTS_MAX 96 /* an element's 64 attributes, its own prefix, the inclusive ones */

/* What has been written on the way down, the nearest first. */
struct written {
	const struct written *up;
	struct str prefix, uri;
};

static bool
declares(const struct xml_attr *t, struct str *ret_prefix)
{
	bool plain = !t->prefix.len && str_is(t->name, "xmlns");
	if (!plain && !str_is(t->prefix, "xmlns"))
		return false;
	*ret_prefix = plain ? STR("") : t->name;
	return true;
}

struct str
xml_namespace(const struct xml *x, struct str prefix)
{
	struct str name;
	if (str_is(prefix, "xml"))
		return STR(XML_NS);
	for (; x; x = x->parent)
		for (uint32_t i = 0; i < x->attrs_n; i++)
			if (declares(&x->attrs[i], &name) && str_eq(name, prefix))
				return x->attrs[i].value;
	return prefix.len ? STR_NULL : STR("");
}

struct str
xml_plain(const struct xml *x, struct str name)
{
	for (uint32_t i = 0; x && i < x->attrs_n; i++)
		if (!x->attrs[i].prefix.len && str_eq(x->attrs[i].name, name))
			return x->attrs[i].value;
	return STR_NULL;
}

bool
xml_is(const struct xml *x, struct str ns, struct str name)
{
	return x && str_eq(x->name, name) && str_eq(xml_namespace(x, x->prefix), ns);
}

struct xml *
xml_among(struct xml *x, struct str ns, struct str name)
{
	while (x && !xml_is(x, ns, name))
		x = x->next;
	return x;
}

static void
escape(struct buf *out, struct str s, bool attribute)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];
		if (c == '&')
			buf_add_lit(out, "&amp;");
		else if (c == '<')
			buf_add_lit(out, "&lt;");
		else if (c == '>' && !attribute)
			buf_add_lit(out, "&gt;");
		else if (c == '\r')
			buf_add_lit(out, "&#xD;");
		else if (c == '"' && attribute)
			buf_add_lit(out, "&quot;");
		else if (c == '\t' && attribute)
			buf_add_lit(out, "&#x9;");
		else if (c == '\n' && attribute)
			buf_add_lit(out, "&#xA;");
		else
			buf_add_c(out, c);
	}
}

static void
name_add(struct buf *out, struct str prefix, struct str name)
{
	if (prefix.len) {
		buf_add_str(out, prefix);
		buf_add_c(out, ':');
	}
	buf_add_str(out, name);
}

static void
attribute_add(struct buf *out, struct str prefix, struct str name, struct str value)
{
	buf_add_c(out, ' ');
	name_add(out, prefix, name);
	buf_add_lit(out, "=\"");
	escape(out, value, true);
	buf_add_c(out, '"');
}

/* Prefixes that the standard keeps for itself, and the taking back of a prefix. */
static bool
declaration_fine(struct str prefix, struct str uri)
{
	if (str_is(prefix, "xmlns") || str_is(uri, XMLNS_NS))
		return false;
	if (str_is(prefix, "xml") || str_is(uri, XML_NS))
		return str_is(prefix, "xml") && str_is(uri, XML_NS);
	return !prefix.len || uri.len;
}

static void
prefix_want(struct str v[SLOTS_MAX], unsigned *n, struct str prefix)
{
	unsigned at = 0;
	while (at < *n && str_cmp(v[at], prefix) < 0)
		at++;
	if ((at < *n && str_eq(v[at], prefix)) || *n == SLOTS_MAX || str_is(prefix, "xml"))
		return;
	memmove(v + at + 1, v + at, (*n - at) * sizeof(*v));
	v[at] = prefix;
	++*n;
}

static struct str
written_as(const struct written *w, struct str prefix)
{
	for (; w; w = w->up)
		if (str_eq(w->prefix, prefix))
			return w->uri;
	return prefix.len ? STR_NULL : STR("");
}

/* The prefixes that are used here, in order; false when one is not bound. */
static bool
prefixes_collect(const struct xml *x, const struct c14n *how, struct str v[SLOTS_MAX], unsigned *n)
{
	struct str prefix;
	*n = 0;
	prefix_want(v, n, x->prefix);
	for (uint32_t i = 0; i < x->attrs_n; i++) {
		const struct xml_attr *t = &x->attrs[i];
		if (declares(t, &prefix)) {
			if (!declaration_fine(prefix, t->value))
				return false;
		} else if (t->prefix.len) {
			prefix_want(v, n, t->prefix);
		}
	}
	for (unsigned i = 0; i < *n; i++)
		if (!xml_namespace(x, v[i]).p)
			return false;
	/* Those may be named without being bound. */
	for (unsigned i = 0; i < how->prefixes_n; i++)
		if (xml_namespace(x, how->prefixes[i]).p)
			prefix_want(v, n, how->prefixes[i]);
	return true;
}

static const struct written *
declarations_add(struct arena *a, const struct xml *x, const struct str *v, unsigned n,
	const struct written *w, struct buf *out)
{
	const struct written *now = w;
	for (unsigned i = 0; i < n; i++) {
		struct str uri = xml_namespace(x, v[i]), before = written_as(w, v[i]);
		if (before.p && str_eq(before, uri))
			continue;
		attribute_add(out, v[i].len ? STR("xmlns") : STR(""),
			v[i].len ? v[i] : STR("xmlns"), uri);
		struct written *more = arena_new(a, struct written);
		*more = (struct written){ now, v[i], uri };
		now = more;
	}
	return now;
}

/* By namespace, then by name; the same twice is no XML with namespaces. */
static bool
attributes_add(const struct xml *x, struct buf *out)
{
	struct {
		const struct xml_attr *t;
		struct str ns;
	} v[SLOTS_MAX];
	struct str prefix;
	unsigned n = 0;
	for (uint32_t i = 0; i < x->attrs_n; i++) {
		const struct xml_attr *t = &x->attrs[i];
		if (declares(t, &prefix))
			continue;
		struct str ns = t->prefix.len ? xml_namespace(x, t->prefix) : STR("");
		unsigned at = n;
		for (; at; at--) {
			int order = str_cmp(v[at - 1].ns, ns);
			order = order ? order : str_cmp(v[at - 1].t->name, t->name);
			if (order == 0 || n == SLOTS_MAX)
				return false;
			if (order < 0)
				break;
			v[at] = v[at - 1];
		}
		v[at].t = t;
		v[at].ns = ns;
		n++;
	}
	for (unsigned i = 0; i < n; i++)
		attribute_add(out, v[i].t->prefix, v[i].t->name, v[i].t->value);
	return true;
}

static bool
element_add(struct arena *a, const struct xml *x, const struct c14n *how, const struct written *w,
	struct buf *out)
{
	struct str prefixes[SLOTS_MAX];
	unsigned n;
	size_t at = 0;
	if (out->len > C14N_BYTES_MAX || !prefixes_collect(x, how, prefixes, &n))
		return false;
	buf_add_c(out, '<');
	name_add(out, x->prefix, x->name);
	w = declarations_add(a, x, prefixes, n, w, out);
	if (!attributes_add(x, out))
		return false;
	buf_add_c(out, '>');
	for (const struct xml *k = x->child; k; k = k->next) {
		escape(out, str_slice(x->text, at, k->at), false);
		at = k->at;
		if (k != how->skip && !element_add(a, k, how, w, out))
			return false;
	}
	escape(out, str_slice(x->text, at, x->text.len), false);
	buf_add_lit(out, "</");
	name_add(out, x->prefix, x->name);
	buf_add_c(out, '>');
	return out->len <= C14N_BYTES_MAX;
}

bool
xml_canonical(struct arena *a, const struct xml *x, const struct c14n *how, struct buf *out)
{
	return element_add(a, x, how, NULL, out);
}
