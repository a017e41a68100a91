#include "base/xml.h"

#define ATTRS_MAX 64 /* compared each with each */

struct piece {
	struct str s;
	struct piece *next;
};

/* An element whose end tag is still to come. */
struct open {
	struct open *up;
	struct xml *x, *last_child;
	struct piece *first, *last;
	size_t text_len;
	struct str tag; /* as written, with its prefix */
};

struct parser {
	const char *p, *end;
	struct arena *a;
	const char *why;
	unsigned depth_left;
	struct open *top, *spare;
	struct xml *root;
};

static bool
fail(struct parser *s, const char *why)
{
	s->why = why;
	return false;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static bool
skip_blanks(struct parser *s)
{
	const char *from = s->p;
	while (s->p < s->end && is_blank(*s->p))
		s->p++;
	return s->p > from;
}

static bool
take(struct parser *s, const char *lit)
{
	size_t n = strlen(lit);
	if ((size_t)(s->end - s->p) < n || memcmp(s->p, lit, n) != 0)
		return false;
	s->p += n;
	return true;
}

/* What stands before `stop`, which is skipped. */
static bool
take_until(struct parser *s, struct str stop, struct str *ret)
{
	struct str rest = str_of(s->p, (size_t)(s->end - s->p));
	long at = str_find_str(rest, stop);
	if (at < 0)
		return fail(s, "no end");
	*ret = str_of(rest.p, (size_t)at);
	s->p += (size_t)at + stop.len;
	return true;
}

static bool
is_name_start(unsigned char c)
{
	return (c | 32u) - 'a' < 26 || c == '_' || c >= 0x80;
}

static bool
is_name(unsigned char c)
{
	return is_name_start(c) || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

static bool
take_part(struct parser *s, struct str *ret)
{
	const char *from = s->p;
	if (s->p == s->end || !is_name_start((unsigned char)*s->p))
		return fail(s, "name expected");
	while (s->p < s->end && is_name((unsigned char)*s->p))
		s->p++;
	*ret = str_of(from, (size_t)(s->p - from));
	return true;
}

static bool
take_name(struct parser *s, struct str *ret_prefix, struct str *ret_name)
{
	*ret_prefix = STR("");
	if (!take_part(s, ret_name))
		return false;
	if (!take(s, ":"))
		return true;
	*ret_prefix = *ret_name;
	return take_part(s, ret_name);
}

static char *
put_utf8(char *o, uint32_t c)
{
	if (c < 0x80) {
		*o++ = (char)c;
		return o;
	}
	if (c < 0x800) {
		*o++ = (char)(0xc0 | c >> 6);
	} else {
		if (c < 0x10000) {
			*o++ = (char)(0xe0 | c >> 12);
		} else {
			*o++ = (char)(0xf0 | c >> 18);
			*o++ = (char)(0x80 | (c >> 12 & 63));
		}
		*o++ = (char)(0x80 | (c >> 6 & 63));
	}
	*o++ = (char)(0x80 | (c & 63));
	return o;
}

/* Character references to controls are taken, as S3 does: object keys may hold them. */
static bool
decode_number(struct str s, uint32_t *ret)
{
	bool hex = s.len && s.p[0] == 'x';
	uint32_t v = 0;
	if (s.len == hex || s.len > 8)
		return false;
	for (size_t i = hex; i < s.len; i++) {
		unsigned digit = (unsigned char)s.p[i] - '0',
			 letter = (unsigned char)(s.p[i] | 32) - 'a';
		if (digit > 9)
			digit = hex && letter < 6 ? letter + 10 : 99;
		if (digit > 15)
			return false;
		v = v * (hex ? 16 : 10) + digit;
	}
	*ret = v;
	return v && v <= 0x10ffff && !(v >= 0xd800 && v <= 0xdfff) && v != 0xfffe && v != 0xffff;
}

/* `s` begins behind '&'; cuts the reference off its front. */
static bool
decode_reference(struct str *s, char **o)
{
	static const char *const names[] = { "amp", "lt", "gt", "quot", "apos" };
	static const char values[] = "&<>\"'";
	long at = str_find(str_slice(*s, 0, 12), ';');
	uint32_t c;
	if (at < 1)
		return false;
	struct str name = str_of(s->p, (size_t)at);
	*s = str_slice(*s, (size_t)at + 1, s->len);
	if (name.p[0] == '#') {
		if (!decode_number(str_slice(name, 1, name.len), &c))
			return false;
		*o = put_utf8(*o, c);
		return true;
	}
	for (unsigned i = 0; i < 5; i++) {
		if (str_eq(name, str_c(names[i]))) {
			*(*o)++ = values[i];
			return true;
		}
	}
	return false;
}

/* Resolves references and line ends; in attributes every blank becomes a space. */
static bool
decode_text(struct parser *s, struct str raw, bool attribute, struct str *ret)
{
	bool plain = true;
	for (size_t i = 0; i < raw.len; i++) {
		unsigned char c = (unsigned char)raw.p[i];
		if (c < 0x20 && !is_blank((char)c))
			return fail(s, "control character");
		if (c == '&' || c == '\r' || (attribute && c < 0x20))
			plain = false;
	}
	*ret = raw;
	if (plain)
		return true;
	char *out = arena_alloc_raw(s->a, raw.len + 1), *o = out;
	while (raw.len) {
		char c = raw.p[0];
		raw = str_slice(raw, 1, raw.len);
		if (c == '&') {
			if (!decode_reference(&raw, &o))
				return fail(s, "unknown reference");
			continue;
		}
		if (c == '\r') {
			raw = str_slice(raw, raw.len && raw.p[0] == '\n', raw.len);
			c = '\n';
		}
		*o++ = attribute && is_blank(c) ? ' ' : c;
	}
	*ret = str_of(out, (size_t)(o - out));
	return true;
}

static void
add_piece(struct parser *s, struct str text)
{
	struct open *e = s->top;
	if (!text.len)
		return;
	struct piece *n = arena_new(s->a, struct piece);
	n->s = text;
	*(e->last ? &e->last->next : &e->first) = n;
	e->last = n;
	e->text_len += text.len;
}

static struct str
join_pieces(struct parser *s, const struct piece *first)
{
	size_t n = 0;
	if (!first)
		return STR("");
	if (!first->next)
		return first->s;
	for (const struct piece *i = first; i; i = i->next)
		n += i->s.len;
	char *p = arena_alloc_raw(s->a, n), *o = p;
	for (const struct piece *i = first; i; o += i->s.len, i = i->next)
		memcpy(o, i->s.p, i->s.len);
	return str_of(p, n);
}

static bool
parse_attr(struct parser *s, struct xml_attr *ret)
{
	if (!take_name(s, &ret->prefix, &ret->name))
		return false;
	skip_blanks(s);
	if (!take(s, "="))
		return fail(s, "= expected");
	skip_blanks(s);
	struct str quote = str_of(s->p, 1), raw;
	if (!take(s, "\"") && !take(s, "'"))
		return fail(s, "quote expected");
	if (!take_until(s, quote, &raw))
		return false;
	if (str_find(raw, '<') >= 0)
		return fail(s, "< in a value");
	return decode_text(s, raw, true, &ret->value);
}

static bool
parse_attrs(struct parser *s, struct xml *x)
{
	struct xml_attr v[ATTRS_MAX];
	uint32_t n = 0;
	while (skip_blanks(s) && s->p < s->end && *s->p != '>' && *s->p != '/') {
		if (n == ATTRS_MAX)
			return fail(s, "too many attributes");
		if (!parse_attr(s, &v[n]))
			return false;
		for (uint32_t i = 0; i < n; i++)
			if (str_eq(v[i].name, v[n].name) && str_eq(v[i].prefix, v[n].prefix))
				return fail(s, "attribute given twice");
		n++;
	}
	if (n) {
		x->attrs = arena_array(s->a, struct xml_attr, n);
		memcpy(x->attrs, v, n * sizeof(*v));
	}
	x->attrs_n = n;
	return true;
}

static void
attach(struct parser *s, struct xml *x)
{
	struct open *e = s->top;
	if (!e) {
		s->root = x;
		return;
	}
	x->parent = e->x;
	x->at = e->text_len;
	*(e->last_child ? &e->last_child->next : &e->x->child) = x;
	e->last_child = x;
	e->x->children_n++;
}

static bool
open_push(struct parser *s, struct xml *x, struct str tag)
{
	struct open *e = s->spare;
	if (s->depth_left == 0)
		return fail(s, "nested too deeply");
	s->depth_left--;
	if (e)
		s->spare = e->up;
	else
		e = arena_new(s->a, struct open);
	*e = (struct open){ .up = s->top, .x = x, .tag = tag };
	s->top = e;
	return true;
}

/* s->p stands behind '<'. */
static bool
parse_start_tag(struct parser *s)
{
	struct xml *x = arena_new(s->a, struct xml);
	const char *from = s->p;
	if (!take_name(s, &x->prefix, &x->name))
		return false;
	struct str tag = str_of(from, (size_t)(s->p - from));
	x->text = STR("");
	if (!parse_attrs(s, x))
		return false;
	bool empty = take(s, "/");
	if (!take(s, ">"))
		return fail(s, "> expected");
	attach(s, x);
	return empty || open_push(s, x, tag);
}

/* s->p stands behind "</". */
static bool
parse_end_tag(struct parser *s)
{
	struct open *e = s->top;
	struct str rest = str_of(s->p, (size_t)(s->end - s->p));
	if (!str_starts(rest, e->tag))
		return fail(s, "end tag of another element");
	s->p += e->tag.len;
	skip_blanks(s);
	if (!take(s, ">"))
		return fail(s, "> expected");
	e->x->text = join_pieces(s, e->first);
	s->top = e->up;
	s->depth_left++;
	e->up = s->spare;
	s->spare = e;
	return true;
}

/* s->p stands behind "<!--". */
static bool
parse_comment(struct parser *s)
{
	struct str inside;
	if (!take_until(s, STR("--"), &inside))
		return false;
	if (!take(s, ">"))
		return fail(s, "-- in a comment");
	for (size_t i = 0; i < inside.len; i++)
		if ((unsigned char)inside.p[i] < 0x20 && !is_blank(inside.p[i]))
			return fail(s, "control character");
	return true;
}

/* s->p stands behind "<![CDATA[". */
static bool
parse_cdata(struct parser *s)
{
	struct str raw;
	if (!take_until(s, STR("]]>"), &raw))
		return false;
	while (raw.len) {
		/* References mean nothing here, so only what stands between '&' is decoded. */
		long at = str_find(raw, '&');
		size_t n = at < 0 ? raw.len : (size_t)at;
		struct str text;
		if (!decode_text(s, str_slice(raw, 0, n), false, &text))
			return false;
		add_piece(s, text);
		if (at >= 0)
			add_piece(s, str_slice(raw, n, n + 1));
		raw = str_slice(raw, n + (at >= 0), raw.len);
	}
	return true;
}

static bool
parse_text(struct parser *s)
{
	const char *from = s->p, *stop = memchr(from, '<', (size_t)(s->end - from));
	struct str raw = str_of(from, (size_t)((stop ? stop : s->end) - from)), text;
	if (str_find_str(raw, STR("]]>")) >= 0)
		return fail(s, "]]> in text");
	if (!decode_text(s, raw, false, &text))
		return false;
	add_piece(s, text);
	s->p += raw.len;
	return true;
}

static bool
parse_inside(struct parser *s)
{
	while (s->top) {
		bool ok;
		if (s->p == s->end)
			return fail(s, "end tag expected");
		if (*s->p != '<')
			ok = parse_text(s);
		else if (take(s, "</"))
			ok = parse_end_tag(s);
		else if (take(s, "<!--"))
			ok = parse_comment(s);
		else if (take(s, "<![CDATA["))
			ok = parse_cdata(s);
		else
			ok = take(s, "<") && parse_start_tag(s);
		if (!ok)
			return false;
	}
	return true;
}

static bool
parse_blanks_and_comments(struct parser *s)
{
	for (skip_blanks(s); take(s, "<!--"); skip_blanks(s))
		if (!parse_comment(s))
			return false;
	return true;
}

/* <?xml version="1.0" encoding="UTF-8" standalone="yes"?> */
static bool
parse_declaration(struct parser *s)
{
	struct xml x = { 0 };
	take(s, "\xef\xbb\xbf");
	if (!take(s, "<?xml"))
		return true;
	struct str inside;
	if (!take_until(s, STR("?>"), &inside))
		return false;
	struct parser own = { .p = inside.p, .end = inside.p + inside.len, .a = s->a };
	if (!parse_attrs(&own, &x) || own.p != own.end || !xml_attr(&x, STR("version")).p)
		return fail(s, "malformed declaration");
	struct str e = xml_attr(&x, STR("encoding"));
	if (e.p && !str_eq_nocase(e, STR("utf-8")) && !str_eq_nocase(e, STR("us-ascii")))
		return fail(s, "encoding is not UTF-8");
	return true;
}

static bool
parse_all(struct parser *s)
{
	size_t n = (size_t)(s->end - s->p), good = str_utf8_prefix(str_of(s->p, n));
	if (good < n) {
		s->p += good;
		return fail(s, "malformed UTF-8");
	}
	if (!parse_declaration(s) || !parse_blanks_and_comments(s))
		return false;
	if (!take(s, "<"))
		return fail(s, "element expected");
	if (!parse_start_tag(s) || !parse_inside(s) || !parse_blanks_and_comments(s))
		return false;
	return s->p == s->end || fail(s, "something behind the root element");
}

struct xml *
xml_parse(struct arena *a, struct str text, unsigned max_depth, struct xml_error *ret_error)
{
	const char *from = text.p ? text.p : "";
	struct parser s = { .p = from, .end = from + text.len, .a = a };
	s.depth_left = max_depth ? max_depth : XML_DEPTH;
	if (parse_all(&s))
		return s.root;
	if (ret_error)
		*ret_error = (struct xml_error){ (size_t)(s.p - from), s.why };
	return NULL;
}

static struct xml *
find(struct xml *x, struct str name)
{
	while (x && !str_eq(x->name, name))
		x = x->next;
	return x;
}

struct xml *
xml_child(const struct xml *x, struct str name)
{
	return x ? find(x->child, name) : NULL;
}

struct xml *
xml_next(const struct xml *x, struct str name)
{
	return x ? find(x->next, name) : NULL;
}

struct str
xml_child_text(const struct xml *x, struct str name)
{
	const struct xml *c = xml_child(x, name);
	return c ? c->text : STR_NULL;
}

struct str
xml_attr(const struct xml *x, struct str name)
{
	for (uint32_t i = 0; x && i < x->attrs_n; i++)
		if (str_eq(x->attrs[i].name, name))
			return x->attrs[i].value;
	return STR_NULL;
}
