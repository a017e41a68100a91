/*
 * shape: what the generator makes of the .api files: read-only tables that describe operations and
 * the C structs of their members. Codecs, validation, rows and authorisation walk these tables;
 * nothing in them is specific to a wire protocol.
 *
 * How a member looks in C (offset into the generated struct):
 *   str, blob            struct str            p == NULL: absent
 *   int, long            struct opt_i64        .set
 *   bool                 struct opt_bool
 *   float, double        struct opt_f64
 *   time                 struct opt_time       milliseconds since 1970
 *   document             struct json *         NULL: absent
 *   struct, union        struct <svc>_<Name> * NULL: absent
 *   list                 struct { T *v; uint32_t n; bool set; }     T: struct str, int64_t, double, bool,
 *                        or struct <svc>_<Name> (inline, not pointers), or a nested list struct
 *   map                  struct { struct <entry> *v; uint32_t n; bool set; }, entry: { struct str key; T value; }
 *   body (streaming)     struct body *         see aws/call.h
 * Memory of decoded structs: the call's arena (or borrowed from the request text).
 */
#ifndef HANEUL_AWS_SHAPE_H
#define HANEUL_AWS_SHAPE_H

#include "base/str.h"

struct opt_i64 {
	int64_t v;
	bool set;
};
struct opt_bool {
	bool v;
	bool set;
};
struct opt_f64 {
	double v;
	bool set;
};
struct opt_time {
	int64_t ms;
	bool set;
};
struct list_str {
	struct str *v;
	uint32_t n;
	bool set;
};
struct list_i64 { /* int, long, time (milliseconds) */
	int64_t *v;
	uint32_t n;
	bool set;
};
struct list_f64 {
	double *v;
	uint32_t n;
	bool set;
};
struct list_bool {
	bool *v;
	uint32_t n;
	bool set;
};
struct json;
struct list_document {
	struct json **v;
	uint32_t n;
	bool set;
};
/* Maps of plain values. */
struct map_str_entry {
	struct str key, value;
};
struct map_str {
	struct map_str_entry *v;
	uint32_t n;
	bool set;
};
struct map_i64_entry {
	struct str key;
	int64_t value;
};
struct map_i64 {
	struct map_i64_entry *v;
	uint32_t n;
	bool set;
};
struct map_f64_entry {
	struct str key;
	double value;
};
struct map_f64 {
	struct map_f64_entry *v;
	uint32_t n;
	bool set;
};
struct map_bool_entry {
	struct str key;
	bool value;
};
struct map_bool {
	struct map_bool_entry *v;
	uint32_t n;
	bool set;
};
struct map_document_entry {
	struct str key;
	struct json *value;
};
struct map_document {
	struct map_document_entry *v;
	uint32_t n;
	bool set;
};
/* The common head of every list and map struct. */
struct list_any {
	void *v;
	uint32_t n;
	bool set;
};

#define OPT_I64(x) ((struct opt_i64){ (x), true })
#define OPT_BOOL(x) ((struct opt_bool){ (x), true })
#define OPT_F64(x) ((struct opt_f64){ (x), true })
#define OPT_TIME(x) ((struct opt_time){ (x), true })

enum shape_kind {
	SHAPE_STRUCT,
	SHAPE_UNION,
	SHAPE_LIST,
	SHAPE_MAP,
	SHAPE_STR,
	SHAPE_BLOB,
	SHAPE_BOOL,
	SHAPE_INT,  /* 32 bits on the wire, opt_i64 in C */
	SHAPE_LONG,
	SHAPE_FLOAT,
	SHAPE_DOUBLE,
	SHAPE_TIME,
	SHAPE_DOCUMENT,
	SHAPE_BODY,   /* streaming payload */
	/* Event stream: in C a struct body * of framed messages; fields name the events, their
	 * offsets mean nothing. */
	SHAPE_EVENTS,
};

enum field_location {
	LOC_BODY,
	LOC_URI,
	LOC_URI_GREEDY, /* {Key+} */
	LOC_QUERY,      /* also a map: all parameters */
	LOC_HEADER,
	LOC_HEADERS,    /* a map of all headers with a prefix */
	LOC_STATUS,
	LOC_PAYLOAD,    /* this member is the body */
	LOC_HOST_LABEL,
};

enum {
	FIELD_REQUIRED = 1 << 0,
	FIELD_FLATTENED = 1 << 1, /* xml, query: no wrapper element */
	FIELD_XML_ATTRIBUTE = 1 << 2,
	FIELD_IDEMPOTENCY = 1 << 3, /* client token */
	FIELD_SENSITIVE = 1 << 4,   /* never logged */
	FIELD_TIME_ISO =
		1 << 5, /* timestamp format, where it differs from the protocol's default */
	FIELD_TIME_HTTP = 1 << 6,
	FIELD_TIME_EPOCH = 1 << 7,
	FIELD_JSON_VALUE = 1 << 8, /* a JSON text in a header, base64 */
	FIELD_EVENT_HEADER = 1 << 9,
	FIELD_EVENT_PAYLOAD = 1 << 10,
};

/* Of a struct shape that rows reach: the C struct ends with `struct str unknown`. */
enum { SHAPE_KEEPS_UNKNOWN = 1 << 0 };

struct shape;

struct field {
	const char *name;   /* AWS's member name, also JSON's key unless `wire` says otherwise */
	const char *wire;   /* name at its location (xml element, header, query …); never NULL */
	/* Name on the query wires where it differs: ec2-query's input name (queryName), and for
	 * services that also speak json the element of the query form, both ways. NULL: derived
	 * from `wire`. */
	const char *query;
	const struct shape *shape;
	uint32_t flags;
	uint16_t offset;
	uint16_t row;       /* number in persisted rows; 0: not persisted */
	uint8_t location;   /* enum field_location */
};

struct shape {
	const char *name;
	const struct field *fields; /* structs and unions */
	const struct shape *key, *value; /* map; list: value is the element */
	const char *key_wire, *value_wire; /* "key"/"value", "member"/"item" or own names */
	const char *const *values;   /* enumeration, NULL-ended; NULL: any */
	const char *pattern;         /* constraint as in the model; NULL: none */
	const char *xml_namespace, *xml_prefix; /* NULL: none */
	int64_t min, max;            /* length, count or value; INT64_MIN/INT64_MAX: none */
	uint32_t size; /* bytes of the C struct (struct), of one element (list) or entry (map) */
	uint32_t value_offset;       /* of `value` in a map's entry */
	uint16_t fields_n;
	uint8_t kind;                /* enum shape_kind */
	uint8_t flags; /* FIELD_FLATTENED, FIELD_TIME_* of the shape itself (low bits) */
};

#endif
