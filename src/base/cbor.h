/*
 * cbor: RFC 8949 as rpc-v2-cbor uses it: a bounded reader into a tree and a writer. Definite and
 * indefinite lengths, half, single and double floats, tags. The tree lives in the arena and borrows
 * strings of definite length from the bytes. Map keys must be text; equal keys stay, the last
 * counts. Lengths are checked against what is left before anything is allocated.
 */
#ifndef HANEUL_BASE_CBOR_H
#define HANEUL_BASE_CBOR_H

#include "base/arena.h"
#include "base/buf.h"

enum cbor_kind {
	CBOR_UINT,   /* u */
	CBOR_NEGINT, /* -1 - u */
	CBOR_BYTES,  /* s */
	CBOR_TEXT,   /* s, well-formed UTF-8 */
	CBOR_ARRAY,  /* items, n */
	CBOR_MAP,    /* members, n */
	CBOR_BOOL,   /* b */
	CBOR_NULL,
	CBOR_UNDEFINED,
	CBOR_FLOAT, /* f */
};
#define CBOR_NO_TAG UINT32_MAX
#define CBOR_TAG_EPOCH 1  /* seconds since 1970, integer or float */
#define CBOR_TAG_BIGNUM 2 /* CBOR_BYTES, as it came; 3: negative */
#define CBOR_TAG_NEGATIVE_BIGNUM 3
#define CBOR_TAG_DECIMAL 4 /* [exponent, mantissa] */

struct cbor {
	uint8_t kind; /* enum cbor_kind */
	bool b;
	uint32_t tag; /* the innermost tag, or CBOR_NO_TAG; tags above 2^32-2 are refused */
	uint32_t n;
	union {
		uint64_t u;
		double f;
		struct str s;
		struct cbor *items;
		struct cbor_member *members;
	};
};
struct cbor_member {
	struct str key;
	struct cbor value;
};

#define CBOR_DEPTH 64
struct cbor_error {
	size_t at;
	const char *why; /* static */
};
/* The whole input is one item. NULL when malformed or deeper than max_depth (0: CBOR_DEPTH). */
struct cbor *cbor_parse(
	struct arena *a, struct str bytes, unsigned max_depth, struct cbor_error *ret_error);

/* All accept NULL and any kind. */
struct cbor *cbor_get(const struct cbor *c, struct str key); /* NULL: absent, or not a map */
static inline bool
cbor_is(const struct cbor *c, enum cbor_kind kind)
{
	return c && c->kind == kind;
}
static inline struct str
cbor_text(const struct cbor *c)
{
	return cbor_is(c, CBOR_TEXT) ? c->s : STR_NULL;
}
/* Integers, and floats with an integral value in range. */
bool cbor_i64(const struct cbor *c, int64_t *ret_value);
bool cbor_f64(const struct cbor *c, double *ret_value); /* integers too */
/* Numbers with tag 1 or without, in milliseconds. */
bool cbor_time_ms(const struct cbor *c, int64_t *ret_ms);

/* The writer: shortest heads. Counted or open ended; CBOR_OPEN needs cbor_write_break at the end.
 */
#define CBOR_OPEN UINT64_MAX
void cbor_write_map(struct buf *b, uint64_t members);
void cbor_write_array(struct buf *b, uint64_t items);
void cbor_write_break(struct buf *b);
void cbor_write_text(struct buf *b, struct str s);
void cbor_write_bytes(struct buf *b, struct str s);
void cbor_write_u64(struct buf *b, uint64_t v);
void cbor_write_i64(struct buf *b, int64_t v);
void cbor_write_f64(struct buf *b, double v); /* always double precision */
void cbor_write_f32(struct buf *b, float v);
void cbor_write_bool(struct buf *b, bool v);
void cbor_write_null(struct buf *b);
void cbor_write_tag(struct buf *b, uint64_t tag);
void cbor_write_epoch(struct buf *b, int64_t ms); /* tag 1 and a double of seconds */

#endif
