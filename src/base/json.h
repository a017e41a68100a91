/*
 * json: a strict reader (RFC 8259, UTF-8 only) into a tree, and a streaming writer.
 *
 * The tree lives in the arena and borrows from the text that was parsed: keys, strings without
 * escapes and numbers point into it, so the text must live as long as the tree. Numbers keep their
 * source text; nothing is rounded. Of equal keys the last value wins, at the place of the first.
 * Depth is bounded and so is the number of values (two million), hence memory.
 * A tree is not changed by reading it, so any number of threads may.
 */
#ifndef HANEUL_BASE_JSON_H
#define HANEUL_BASE_JSON_H

#include "base/arena.h"
#include "base/buf.h"

enum json_kind {
	JSON_NULL,
	JSON_BOOL,
	JSON_NUMBER,
	JSON_STR,
	JSON_ARRAY,
	JSON_OBJECT,
};

struct json {
	uint8_t kind; /* enum json_kind */
	bool b;       /* JSON_BOOL */
	uint32_t n;   /* entries of an array, members of an object */
	union {
		struct str text;    /* JSON_STR: unescaped; JSON_NUMBER: as written */
		struct json *items; /* JSON_ARRAY: n values in a row */
		struct {            /* JSON_OBJECT: n members in order */
			struct json_member *members;
			const uint32_t *index; /* private; NULL for small objects */
		};
	};
};
struct json_member {
	struct str key;
	struct json value;
};

#define JSON_DEPTH 64
struct json_error {
	size_t at;       /* byte offset in the text */
	const char *why; /* static */
};
/* The whole text is one value. NULL when malformed or deeper than max_depth (0: JSON_DEPTH);
 * ret_error may be NULL. */
struct json *json_parse(
	struct arena *a, struct str text, unsigned max_depth, struct json_error *ret_error);

/* All accept j == NULL and any kind, so look-ups can be chained. */
struct json *json_get(const struct json *j, struct str key); /* NULL: absent, or not an object */
#define json_get_lit(j, lit) json_get((j), STR(lit))
static inline struct json *
json_at(const struct json *j, uint32_t i)
{
	return j && j->kind == JSON_ARRAY && i < j->n ? &j->items[i] : NULL;
}
static inline bool
json_is(const struct json *j, enum json_kind kind)
{
	return j && j->kind == kind;
}
/* STR_NULL when j is not a string. */
static inline struct str
json_text(const struct json *j)
{
	return json_is(j, JSON_STR) ? j->text : STR_NULL;
}
static inline struct str
json_get_text(const struct json *j, struct str key)
{
	return json_text(json_get(j, key));
}
/* Numbers with an integral value in range, however written: 5, 5.0, 50e-1. false otherwise. */
bool json_i64(const struct json *j, int64_t *ret_value);
/* Numbers, and the strings "NaN", "Infinity", "-Infinity". */
bool json_f64(const struct json *j, double *ret_value);
bool json_bool(const struct json *j, bool *ret_value);
/* Same kinds, texts, order of arrays; members in any order; numbers equal as written. */
bool json_eq(const struct json *x, const struct json *y);

/* Values made by hand, in the arena; texts are borrowed. */
struct json *json_new_str(struct arena *a, struct str s);
struct json *json_new_i64(struct arena *a, int64_t v);
struct json *json_new_bool(struct arena *a, bool v);
struct json *json_new_object(struct arena *a, struct json_member *members, uint32_t n);
struct json *json_new_array(struct arena *a, struct json *items, uint32_t n);

/*
 * The writer appends to a buf and sets the commas; nesting is the caller's to get right.
 *	struct json_writer w = { &out };
 *	json_write_object(&w);
 *	json_write_member_str(&w, "Name", name);
 *	json_write_key(&w, STR("List")), json_write_array(&w); … json_write_array_end(&w);
 *	json_write_object_end(&w);
 */
struct json_writer {
	struct buf *out;
	bool more; /* private: a comma is due before the next entry */
};
void json_write_object(struct json_writer *w);
void json_write_object_end(struct json_writer *w);
void json_write_array(struct json_writer *w);
void json_write_array_end(struct json_writer *w);
void json_write_key(struct json_writer *w, struct str key);
/* Escapes '"', '\' and control characters; malformed UTF-8 becomes U+FFFD. STR_NULL writes null. */
void json_write_str(struct json_writer *w, struct str s);
void json_write_base64(struct json_writer *w, struct str bytes);
void json_write_i64(struct json_writer *w, int64_t v);
void json_write_u64(struct json_writer *w, uint64_t v);
void json_write_f64(struct json_writer *w, double v); /* shortest; NaN and Infinity as strings */
void json_write_bool(struct json_writer *w, bool v);
void json_write_null(struct json_writer *w);
void json_write_raw(struct json_writer *w, struct str json); /* a whole value, as it is */
/* Seconds since 1970 from milliseconds: 1515531081 or 1515531081.123 */
void json_write_epoch(struct json_writer *w, int64_t ms);
void json_write_value(struct json_writer *w, const struct json *j); /* NULL writes null */

/* A member at once; STR_NULL and NULL leave it out. */
void json_write_member_str(struct json_writer *w, const char *key, struct str s);
void json_write_member_i64(struct json_writer *w, const char *key, int64_t v);
void json_write_member_bool(struct json_writer *w, const char *key, bool v);
void json_write_member_epoch(struct json_writer *w, const char *key, int64_t ms);
void json_write_member_value(struct json_writer *w, const char *key, const struct json *j);

/* The tree as text without blanks. */
struct str json_to_text(struct arena *a, const struct json *j);

/* Appends s as a quoted JSON string. */
void json_add_quoted(struct buf *b, struct str s);

#endif
