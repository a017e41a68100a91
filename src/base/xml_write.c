#include "base/xml.h"

void
xml_write_declaration(struct buf *b)
{
	buf_add_lit(b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
}

void
xml_write_begin(struct buf *b, const char *name)
{
	buf_add_c(b, '<');
	buf_add(b, name, strlen(name));
}

void
xml_write_begin_end(struct buf *b)
{
	buf_add_c(b, '>');
}

void
xml_write_open(struct buf *b, const char *name)
{
	xml_write_begin(b, name);
	buf_add_c(b, '>');
}

void
xml_write_open_ns(struct buf *b, const char *name, const char *ns_uri)
{
	xml_write_begin(b, name);
	if (ns_uri)
		xml_write_attr(b, "xmlns", str_c(ns_uri));
	buf_add_c(b, '>');
}

void
xml_write_close(struct buf *b, const char *name)
{
	buf_add_lit(b, "</");
	buf_add(b, name, strlen(name));
	buf_add_c(b, '>');
}

static bool
is_special(unsigned char c, bool attribute)
{
	if (c < 0x20)
		return attribute || (c != '\n' && c != '\t');
	return c == '&' || c == '<' || c == '>' || c == '"';
}

static void
add_special(struct buf *b, unsigned char c)
{
	static const char digits[] = "0123456789ABCDEF";
	switch (c) {
	case '&':
		buf_add_lit(b, "&amp;");
		break;
	case '<':
		buf_add_lit(b, "&lt;");
		break;
	case '>':
		buf_add_lit(b, "&gt;");
		break;
	case '"':
		buf_add_lit(b, "&quot;");
		break;
	case 0: /* has no reference */
		buf_add_lit(b, "\xef\xbf\xbd");
		break;
	default:
		buf_add_lit(b, "&#x");
		if (c >= 16)
			buf_add_c(b, digits[c >> 4]);
		buf_add_c(b, digits[c & 15]);
		buf_add_c(b, ';');
	}
}

static void
add_escaped(struct buf *b, struct str s, bool attribute)
{
	for (size_t at = 0; at < s.len;) {
		size_t from = at;
		while (at < s.len && !is_special((unsigned char)s.p[at], attribute))
			at++;
		buf_add(b, s.p + from, at - from);
		if (at < s.len)
			add_special(b, (unsigned char)s.p[at++]);
	}
}

static void
add_text(struct buf *b, struct str s, bool attribute)
{
	for (;;) {
		size_t good = str_utf8_prefix(s);
		add_escaped(b, str_of(s.p, good), attribute);
		if (good == s.len)
			return;
		buf_add_lit(b, "\xef\xbf\xbd");
		s = str_slice(s, good + 1, s.len);
	}
}

void
xml_write_text(struct buf *b, struct str s)
{
	add_text(b, s, false);
}

void
xml_write_attr(struct buf *b, const char *name, struct str value)
{
	buf_add_c(b, ' ');
	buf_add(b, name, strlen(name));
	buf_add_lit(b, "=\"");
	add_text(b, value, true);
	buf_add_c(b, '"');
}

void
xml_write_element(struct buf *b, const char *name, struct str s)
{
	if (!s.p)
		return;
	xml_write_open(b, name);
	xml_write_text(b, s);
	xml_write_close(b, name);
}

void
xml_write_element_i64(struct buf *b, const char *name, int64_t v)
{
	xml_write_open(b, name);
	buf_add_i64(b, v);
	xml_write_close(b, name);
}

void
xml_write_element_bool(struct buf *b, const char *name, bool v)
{
	xml_write_element(b, name, v ? STR("true") : STR("false"));
}
