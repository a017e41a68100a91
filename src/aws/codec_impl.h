/*
 * codec_impl: what the codec files share, private to them: the state of one walk over the tables,
 * where a value lives in a C struct, and scalars as text.
 *
 * A walk is bounded: its depth by CODEC_DEPTH, the memory of lists and structs that it makes by
 * CODEC_MEMORY. Readers return 0 or CALL_FAILED with the protocol's error set.
 */
#ifndef HANEUL_AWS_CODEC_IMPL_H
#define HANEUL_AWS_CODEC_IMPL_H

#include "aws/codec.h"

#define CODEC_DEPTH 64
#define CODEC_MEMORY (64u << 20)
#define CODEC_LIST_MAX 10000 /* entries of a list that names its indices (query) */

struct cbor;
struct xml;
struct uri_param;

struct codec {
	struct call *c;   /* NULL: writing without a call */
	struct buf *out;  /* writers */
	uint8_t protocol; /* enum protocol */
	uint8_t key;      /* enum codec_key of members in bodies */
	bool iso_ms;      /* ISO times always with milliseconds (S3, EC2) */
	bool rest;        /* only body members are in the body */
	bool reply;       /* labels and query parameters of a reply are in its body too */
	unsigned depth;
	size_t memory;     /* taken so far */
	const char *xmlns; /* the namespace in force */
};

/* Where a value lives: a member of a struct (scalars carry `set`, structs are behind a pointer) or
 * an element of a list or map (bare values, structs in place). */
enum slot {
	SLOT_MEMBER,
	SLOT_ELEMENT,
};

void codec_init(struct codec *d, struct call *c, uint8_t protocol, struct buf *out);
/* Sets the protocol's error for malformed input. Always CALL_FAILED. */
int codec_bad(struct codec *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same for one value that does not parse (InvalidParameterValue, InvalidArgument …). */
int codec_bad_value(struct codec *d, const char *name, struct str value);
/* depth++, bounded; every successful enter is followed by d->depth--. */
int codec_enter(struct codec *d);

static inline bool
codec_name_is(const char *name, struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (name[i] != s.p[i] || !name[i])
			return false;
	return !name[s.len];
}
/* Which of a member's names counts: JSON its own, XML and rest-json the wire's, query (both ways)
 * the query name where there is one. ec2's requests have rules of their own. */
enum codec_key {
	KEY_NAME,
	KEY_WIRE,
	KEY_QUERY,
};
static inline const char *
codec_key_of(const struct field *f, enum codec_key k)
{
	return k == KEY_NAME ? f->name : k == KEY_QUERY && f->query ? f->query : f->wire;
}
/* The member whose key is `key`; *hint is where to look first. */
const struct field *codec_field(
	const struct shape *s, struct str key, enum codec_key k, uint16_t *hint);
/* True when the member travels in the body of this walk's protocol. */
static inline bool
codec_in_body(const struct codec *d, const struct field *f)
{
	if (!d->rest || f->location == LOC_BODY || f->location == LOC_HOST_LABEL)
		return true;
	return d->reply && (f->location == LOC_QUERY || f->location == LOC_URI ||
				   f->location == LOC_URI_GREEDY);
}

static inline void *
slot_of(void *base, const struct field *f)
{
	return (char *)base + f->offset;
}
static inline const void *
slot_of_const(const void *base, const struct field *f)
{
	return (const char *)base + f->offset;
}
/* Whether a member has a value. */
bool slot_present(const struct shape *s, const void *member);
/* The struct to fill: made in the arena for members. NULL: CODEC_MEMORY is used up (error set). */
void *slot_struct(struct codec *d, const struct shape *s, void *slot, enum slot k);
static inline const void *
slot_struct_get(const void *slot, enum slot k)
{
	return k == SLOT_MEMBER ? *(const void *const *)slot : slot;
}
/* Room for n elements. CALL_FAILED when there is not enough. */
int slot_list(struct codec *d, const struct shape *s, void *slot, uint32_t n);
static inline void *
list_at(const struct shape *s, const void *list, uint32_t i)
{
	return (char *)((const struct list_any *)list)->v + (size_t)i * s->size;
}

void slot_set_i64(void *slot, enum slot k, int64_t v);
void slot_set_bool(void *slot, enum slot k, bool v);
void slot_set_f64(void *slot, enum slot k, double v);
void slot_set_time(void *slot, enum slot k, int64_t ms);
int64_t slot_i64(const void *slot, enum slot k);
bool slot_bool(const void *slot, enum slot k);
double slot_f64(const void *slot, enum slot k);
int64_t slot_time(const void *slot, enum slot k);

static inline bool
codec_is_flat(const struct field *f)
{
	return ((f->flags | f->shape->flags) & FIELD_FLATTENED) != 0;
}
/* FIELD_TIME_* of the member, else of its shape, else the default given. */
uint32_t codec_time_flag(uint32_t field_flags, const struct shape *s, uint32_t default_flag);
/* Scalars from text: numbers, booleans, times, base64, strings. false when malformed. Lenient as
 * AWS is: true/True/1, 5.0, any of the time formats. */
bool codec_scalar_read(
	struct codec *d, const struct shape *s, struct str text, void *slot, enum slot k);
/* The text of a scalar, not escaped; in `scratch` or borrowed from the value or in the arena. */
#define CODEC_TEXT_MAX 48
struct str codec_scalar_text(struct codec *d, const struct shape *s, uint32_t time_flag,
	const void *slot, enum slot k, char scratch[CODEC_TEXT_MAX]);
bool codec_is_scalar(const struct shape *s);

/* Header values and names that cannot end their line. */
struct str codec_header_clean(struct arena *a, struct str value);

/* The body as the client had it before it compressed it; as it came when it did not. */
int codec_inflate(struct codec *d, const struct wire_request *r, struct str *ret_body);

/* The forms. `body` readers fill a whole top-level struct. */
int codec_json_body(struct codec *d, const struct shape *s, struct str text, void *base);
int codec_json_value(
	struct codec *d, const struct shape *s, const struct json *j, void *slot, enum slot k);
/* A value of the wrong kind, in the service's own words. Always CALL_FAILED. */
int codec_json_refuse(struct codec *d, const struct shape *s, const struct json *j, enum slot k);
int codec_json_document(struct codec *d, const struct shape *s, const struct json *j, enum slot k);
/* DynamoDB: numbers are not taken from texts, and fractions of integers are cut off. */
bool codec_json_strict(const struct codec *d);
bool codec_json_i64(const struct codec *d, const struct json *j, int64_t *ret_value);
unsigned codec_json_depth(const struct codec *d);
void codec_json_out(struct codec *d, const struct shape *s, const void *base);
void codec_json_out_value(
	struct codec *d, const struct shape *s, uint32_t flags, const void *slot, enum slot k);
int codec_cbor_body(struct codec *d, const struct shape *s, struct str bytes, void *base);
void codec_cbor_out(struct codec *d, const struct shape *s, const void *base);
void codec_cbor_out_value(struct codec *d, const struct shape *s, const void *slot, enum slot k);
/* Root names that are fine are `root` and the shape's name; NULL: any. */
int codec_xml_body(
	struct codec *d, const struct shape *s, const char *root, struct str text, void *base);
void codec_xml_out(struct codec *d, const struct shape *s, const char *root, const void *base);
/* The members alone, without an element around them. */
void codec_xml_out_members(struct codec *d, const struct shape *s, const void *base);
int codec_query_body(
	struct codec *d, const struct shape *s, struct str query, struct str form, void *base);
int codec_rest_decode(struct codec *d, const struct op *op, const struct wire_request *r, void *in);
void codec_rest_encode(struct codec *d, const struct op *op, const void *out, struct wire_reply *r);
/* Header members of a struct into the reply. */
void codec_rest_headers(
	struct codec *d, const struct shape *s, const void *base, struct wire_reply *r);
void codec_crc_header(struct call *c, struct wire_reply *r);
void wire_reply_header(struct wire_reply *r, struct str name, struct str value);

#endif
