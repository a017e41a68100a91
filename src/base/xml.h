/*
 * xml: a strict, bounded reader of request documents into a small tree, and an escaping writer.
 * What AWS clients send is read: elements, attributes, text, CDATA, comments, character references
 * and the five predefined entities, an XML declaration. A document type, entity definitions and
 * processing instructions are refused, so nothing expands. UTF-8 only. Foreign documents at large
 * are expat's work.
 *
 * The tree lives in the arena and borrows from the text where nothing had to be decoded.
 */
#ifndef HANEUL_BASE_XML_H
#define HANEUL_BASE_XML_H

#include "base/arena.h"
#include "base/buf.h"

struct xml_attr {
	struct str name, prefix; /* xsi:type is name "type", prefix "xsi"; prefix "" when none */
	struct str value;
};
struct xml {
	struct str name, prefix; /* local name; prefix "" when none */
	struct str text;         /* all text directly inside, joined; "" when none; blanks kept */
	struct xml_attr *attrs;
	struct xml *child, *next, *parent; /* first child, next sibling */
	uint32_t attrs_n, children_n;
	size_t at; /* how much of the parent's text stands before it: their order */
};

#define XML_DEPTH 64
struct xml_error {
	size_t at;
	const char *why; /* static */
};
/* The root element; NULL when malformed or deeper than max_depth (0: XML_DEPTH). */
struct xml *xml_parse(
	struct arena *a, struct str text, unsigned max_depth, struct xml_error *ret_error);

/* All accept NULL. Names are local names; prefixes are not looked at. */
struct xml *xml_child(const struct xml *x, struct str name); /* the first of that name, or NULL */
struct xml *xml_next(const struct xml *x, struct str name);  /* the next sibling of that name */
/* Text of the first child of that name; STR_NULL when there is none. */
struct str xml_child_text(const struct xml *x, struct str name);
struct str xml_attr(const struct xml *x, struct str name); /* STR_NULL: absent */

/*
 * The writer. Names are trusted; text and values are escaped: & < > " and carriage returns and
 * other control characters as references (&#xD;); malformed UTF-8 becomes U+FFFD.
 */
void xml_write_declaration(struct buf *b);            /* <?xml version="1.0" encoding="UTF-8"?>\n */
void xml_write_open(struct buf *b, const char *name); /* <name> */
void xml_write_open_ns(
	struct buf *b, const char *name, const char *ns_uri); /* <name xmlns="…">; NULL: none */
/* <name, then any number of attributes, then > */
void xml_write_begin(struct buf *b, const char *name);
void xml_write_attr(struct buf *b, const char *name, struct str value);
void xml_write_begin_end(struct buf *b);
void xml_write_close(struct buf *b, const char *name); /* </name> */
void xml_write_text(struct buf *b, struct str s);
/* <name>s</name>; nothing at all when s is STR_NULL. */
void xml_write_element(struct buf *b, const char *name, struct str s);
void xml_write_element_i64(struct buf *b, const char *name, int64_t v);
void xml_write_element_bool(struct buf *b, const char *name, bool v);

#endif
