#include "aws/codec_model_test.h"
#include "aws/codec_impl.h"
#include "base/clock.h"
#include "unit.h"

#include <math.h>

struct model_shape {
	struct str name;
	struct str variant; /* a reference with a namespace or time format of its own */
	struct shape *shape;
	struct model_shape *next;
};

static enum shape_kind
kind_of(const struct json *j)
{
	static const struct {
		const char *type;
		enum shape_kind kind;
	} t[] = {
		{ "structure", SHAPE_STRUCT },
		{ "list", SHAPE_LIST },
		{ "map", SHAPE_MAP },
		{ "string", SHAPE_STR },
		{ "blob", SHAPE_BLOB },
		{ "boolean", SHAPE_BOOL },
		{ "integer", SHAPE_INT },
		{ "long", SHAPE_LONG },
		{ "float", SHAPE_FLOAT },
		{ "double", SHAPE_DOUBLE },
		{ "timestamp", SHAPE_TIME },
	};
	bool b;
	struct str type = json_get_text(j, STR("type"));
	if (json_bool(json_get_lit(j, "document"), &b) && b)
		return SHAPE_DOCUMENT;
	if (json_bool(json_get_lit(j, "eventstream"), &b) && b)
		return SHAPE_EVENTS;
	if (json_bool(json_get_lit(j, "union"), &b) && b)
		return SHAPE_UNION;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		if (str_eq(type, str_c(t[i].type)))
			return t[i].kind;
	fail_msg("unknown type %.*s", STR_FMT(type));
	return SHAPE_STR;
}

static uint32_t
member_size(enum shape_kind k)
{
	switch (k) {
	case SHAPE_STRUCT:
	case SHAPE_UNION:
	case SHAPE_DOCUMENT:
	case SHAPE_BODY:
	case SHAPE_EVENTS:
		return 8;
	default:
		return 16;
	}
}

static uint32_t
element_size(const struct shape *s)
{
	switch (s->kind) {
	case SHAPE_STRUCT:
	case SHAPE_UNION:
		return s->size;
	case SHAPE_LIST:
	case SHAPE_MAP:
	case SHAPE_STR:
	case SHAPE_BLOB:
		return 16;
	case SHAPE_BOOL:
		return 1;
	default:
		return 8;
	}
}

static uint32_t
time_flag(const struct json *j)
{
	struct str f = json_get_text(j, STR("timestampFormat"));
	if (str_is(f, "iso8601"))
		return FIELD_TIME_ISO;
	if (str_is(f, "rfc822"))
		return FIELD_TIME_HTTP;
	return str_is(f, "unixTimestamp") ? FIELD_TIME_EPOCH : 0;
}

static bool
flag_of(const struct json *j, struct str name)
{
	bool b;
	return json_bool(json_get(j, name), &b) && b;
}

static void
take_namespace(struct model *m, struct shape *s, const struct json *j)
{
	const struct json *ns = json_get_lit(j, "xmlNamespace");
	if (!ns)
		return;
	struct str uri = ns->kind == JSON_STR ? json_text(ns) : json_get_text(ns, STR("uri"));
	struct str prefix = ns->kind == JSON_STR ? STR_NULL : json_get_text(ns, STR("prefix"));
	s->xml_namespace = arena_cstr(m->a, uri);
	s->xml_prefix = prefix.p ? arena_cstr(m->a, prefix) : NULL;
}

static struct shape *shape_make(struct model *m, struct str name, const struct json *ref);

/* The shape of a member or element reference: its own copy when the reference says more. */
static const struct shape *
shape_of_ref(struct model *m, const struct json *ref)
{
	struct str name = json_get_text(ref, STR("shape"));
	if (json_get_lit(ref, "xmlNamespace"))
		return shape_make(m, name, ref);
	return model_shape(m, name);
}

static char *
wire_of(struct model *m, const struct json *ref, struct str fallback)
{
	struct str w = json_get_text(ref, STR("locationName"));
	return w.p || fallback.p ? arena_cstr(m->a, w.p ? w : fallback) : NULL;
}

static uint8_t
location_of(
	const struct json *owner, struct str name, const struct json *ref, const struct shape *s)
{
	struct str l = json_get_text(ref, STR("location"));
	if (str_eq(json_get_text(owner, STR("payload")), name))
		return LOC_PAYLOAD;
	if (str_is(l, "uri"))
		return LOC_URI;
	if (str_is(l, "querystring"))
		return LOC_QUERY;
	if (str_is(l, "header"))
		return LOC_HEADER;
	if (str_is(l, "headers"))
		return LOC_HEADERS;
	(void)s;
	return str_is(l, "statusCode") ? LOC_STATUS : LOC_BODY;
}

static uint32_t
flags_of(const struct json *ref)
{
	uint32_t f = time_flag(ref);
	f |= flag_of(ref, STR("flattened")) ? FIELD_FLATTENED : 0;
	f |= flag_of(ref, STR("xmlAttribute")) ? FIELD_XML_ATTRIBUTE : 0;
	f |= flag_of(ref, STR("jsonvalue")) ? FIELD_JSON_VALUE : 0;
	f |= flag_of(ref, STR("idempotencyToken")) ? FIELD_IDEMPOTENCY : 0;
	return f;
}

static void
struct_make(struct model *m, struct shape *s, const struct json *j)
{
	const struct json *members = json_get_lit(j, "members");
	struct field *fields = arena_array(m->a, struct field, members->n);
	uint32_t at = 0;
	s->fields = fields;
	s->fields_n = (uint16_t)members->n;
	/* The layout first: a struct may hold itself. */
	for (uint32_t i = 0; i < members->n; i++) {
		struct str ref = json_get_text(&members->members[i].value, STR("shape"));
		fields[i].offset = (uint16_t)at;
		at += member_size(kind_of(json_get(m->shapes, ref)));
	}
	s->size = at ? at : 8;
	for (uint32_t i = 0; i < members->n; i++) {
		struct str name = members->members[i].key;
		const struct json *ref = &members->members[i].value;
		struct field *f = &fields[i];
		f->name = arena_cstr(m->a, name);
		f->wire = wire_of(m, ref, name);
		f->query = json_get_lit(ref, "queryName")
				   ? arena_cstr(m->a, json_get_text(ref, STR("queryName")))
				   : NULL;
		f->shape = shape_of_ref(m, ref);
		f->flags = flags_of(ref);
		f->location = location_of(j, name, ref, f->shape);
		if (f->location == LOC_HEADERS && !json_get_lit(ref, "locationName"))
			f->wire = "";
	}
}

static struct shape *
shape_make(struct model *m, struct str name, const struct json *ref)
{
	const struct json *j = json_get(m->shapes, name);
	assert_non_null(j);
	struct shape *s = arena_new(m->a, struct shape);
	s->name = arena_cstr(m->a, name);
	s->kind = kind_of(j);
	s->flags = (uint8_t)(time_flag(j) | (flag_of(j, STR("flattened")) ? FIELD_FLATTENED : 0));
	s->min = INT64_MIN;
	s->max = INT64_MAX;
	take_namespace(m, s, j);
	if (ref)
		take_namespace(m, s, ref);
	if (!ref) {
		struct model_shape *k = arena_new(m->a, struct model_shape);
		*k = (struct model_shape){ name, STR_NULL, s, m->known };
		m->known = k;
	}
	if (s->kind == SHAPE_STRUCT || s->kind == SHAPE_UNION)
		struct_make(m, s, j);
	if (s->kind == SHAPE_LIST) {
		s->value = shape_of_ref(m, json_get_lit(j, "member"));
		s->value_wire = wire_of(m, json_get_lit(j, "member"), STR_NULL);
		s->size = element_size(s->value);
	}
	if (s->kind == SHAPE_MAP) {
		s->key = shape_of_ref(m, json_get_lit(j, "key"));
		s->value = shape_of_ref(m, json_get_lit(j, "value"));
		s->key_wire = wire_of(m, json_get_lit(j, "key"), STR_NULL);
		s->value_wire = wire_of(m, json_get_lit(j, "value"), STR_NULL);
		s->value_offset = 16;
		s->size = (16 + element_size(s->value) + 7) & ~7u;
	}
	return s;
}

const struct shape *
model_shape(struct model *m, struct str name)
{
	for (struct model_shape *k = m->known; k; k = k->next)
		if (str_eq(k->name, name))
			return k->shape;
	return shape_make(m, name, NULL);
}

static void
fill_many(struct model *m, const struct shape *s, const struct json *j, void *slot)
{
	struct list_any *l = slot;
	l->n = j->n;
	l->set = true;
	l->v = arena_alloc(m->a, (size_t)s->size * j->n);
	for (uint32_t i = 0; i < j->n; i++) {
		char *at = list_at(s, slot, i);
		if (s->kind == SHAPE_LIST) {
			model_fill(m, s->value, &j->items[i], at, false);
			continue;
		}
		*(struct str *)at = j->members[i].key;
		model_fill(m, s->value, &j->members[i].value, at + s->value_offset, false);
	}
}

static int64_t
time_of(const struct json *j)
{
	int64_t ms = 0;
	if (!time_parse_epoch(j->text, &ms))
		assert_true(time_parse(j->text, &ms));
	return ms;
}

void
model_fill(struct model *m, const struct shape *s, const struct json *j, void *slot, bool member)
{
	enum slot k = member ? SLOT_MEMBER : SLOT_ELEMENT;
	int64_t i;
	double f;
	if (j->kind == JSON_NULL && s->kind != SHAPE_DOCUMENT)
		return;
	switch (s->kind) {
	case SHAPE_STRUCT:
	case SHAPE_UNION: {
		void *base = slot;
		if (member)
			base = *(void **)slot = arena_alloc(m->a, s->size);
		for (uint16_t n = 0; n < s->fields_n; n++) {
			const struct json *v = json_get(j, str_c(s->fields[n].name));
			if (v)
				model_fill(m, s->fields[n].shape, v, slot_of(base, &s->fields[n]),
					true);
		}
		break;
	}
	case SHAPE_LIST:
	case SHAPE_MAP:
		fill_many(m, s, j, slot);
		break;
	case SHAPE_STR:
	case SHAPE_BLOB:
		*(struct str *)slot = j->kind == JSON_STR ? j->text : json_to_text(m->a, j);
		break;
	case SHAPE_BOOL:
		slot_set_bool(slot, k, j->b);
		break;
	case SHAPE_FLOAT:
	case SHAPE_DOUBLE:
		assert_true(json_f64(j, &f));
		slot_set_f64(slot, k, f);
		break;
	case SHAPE_TIME:
		slot_set_time(slot, k, time_of(j));
		break;
	case SHAPE_DOCUMENT:
		*(const struct json **)slot = j;
		break;
	default:
		assert_true(json_i64(j, &i));
		slot_set_i64(slot, k, i);
	}
}

static const char *
differs_many(struct model *m, const struct shape *s, const struct json *j, const void *slot)
{
	const struct list_any *l = slot;
	if (l->n != j->n)
		return arena_printf(m->a, "count %u, want %u", l->n, j->n).p;
	for (uint32_t i = 0; i < j->n; i++) {
		const char *at = list_at(s, slot, i), *why;
		if (s->kind == SHAPE_LIST) {
			why = model_differs(m, s->value, &j->items[i], at, false);
		} else {
			/* The order of a map's entries means nothing. */
			const struct json *v = json_get(j, *(const struct str *)at);
			if (!v)
				return arena_printf(
					m->a, "key %.*s", STR_FMT(*(const struct str *)at))
					.p;
			why = model_differs(m, s->value, v, at + s->value_offset, false);
		}
		if (why)
			return arena_printf(m->a, "[%u]: %s", i, why).p;
	}
	return NULL;
}

/* Clients leave these out where they are empty, and fill tokens in by themselves. */
static bool
client_omits(const struct model *m, const struct field *f, const struct json *v)
{
	bool many = f->shape->kind == SHAPE_LIST || f->shape->kind == SHAPE_MAP;
	if (!many || v->n)
		return false;
	return f->location != LOC_BODY || m->call->protocol == PROTO_EC2 ||
	       (m->call->protocol == PROTO_QUERY && f->shape->kind == SHAPE_MAP);
}

static bool
nothing_present(const struct shape *s, const void *base)
{
	for (uint16_t i = 0; i < s->fields_n; i++)
		if (slot_present(s->fields[i].shape, slot_of_const(base, &s->fields[i])))
			return false;
	return true;
}

static bool
client_adds(const struct field *f, const void *slot)
{
	if (f->flags & FIELD_IDEMPOTENCY)
		return str_is(*(const struct str *)slot, "00000000-0000-4000-8000-000000000000");
	/* A map of all parameters is there as soon as there is any parameter. */
	if (f->location == LOC_QUERY && f->shape->kind == SHAPE_MAP)
		return true;
	/* An absent payload struct is sent as "{}". */
	return f->location == LOC_PAYLOAD && f->shape->kind == SHAPE_STRUCT &&
	       nothing_present(f->shape, *(const void *const *)slot);
}

/* A server's map of all parameters holds what the client put into other members, too. */
static const char *
differs_params(struct model *m, const struct shape *s, const struct json *j, const void *slot)
{
	const struct list_any *l = slot;
	for (uint32_t n = 0; n < j->n; n++) {
		const char *why = "no such parameter";
		for (uint32_t i = 0; i < l->n; i++) {
			const char *at = list_at(s, slot, i);
			if (str_eq(*(const struct str *)at, j->members[n].key))
				why = model_differs(m, s->value, &j->members[n].value,
					at + s->value_offset, false);
		}
		if (why)
			return why;
	}
	return NULL;
}

static const char *
differs_struct(struct model *m, const struct shape *s, const struct json *j, const void *base)
{
	for (uint16_t i = 0; i < s->fields_n; i++) {
		const struct field *f = &s->fields[i];
		const struct json *v = json_get(j, str_c(f->name));
		const void *slot = slot_of_const(base, f);
		bool want = v && (v->kind != JSON_NULL || f->shape->kind == SHAPE_DOCUMENT);
		bool got = slot_present(f->shape, slot);
		if ((want && !got && client_omits(m, f, v)) ||
			(!want && got && client_adds(f, slot)))
			continue;
		bool params = f->location == LOC_QUERY && f->shape->kind == SHAPE_MAP;
		const char *why = want != got      ? (want ? "absent" : "present")
				  : want && params ? differs_params(m, f->shape, v, slot)
				  : want           ? model_differs(m, f->shape, v, slot, true)
						   : NULL;
		if (why)
			return arena_printf(m->a, ".%s: %s", f->name, why).p;
	}
	return NULL;
}

static bool
f64_same(const struct shape *s, double a, double b)
{
	if (isnan(a) || isnan(b))
		return isnan(a) && isnan(b);
	return a == b || (s->kind == SHAPE_FLOAT && (float)a == (float)b);
}

const char *
model_differs(
	struct model *m, const struct shape *s, const struct json *j, const void *slot, bool member)
{
	enum slot k = member ? SLOT_MEMBER : SLOT_ELEMENT;
	struct str want;
	int64_t i;
	double f;
	if (j->kind == JSON_NULL && s->kind != SHAPE_DOCUMENT) {
		bool text = s->kind == SHAPE_STR || s->kind == SHAPE_BLOB;
		return text && ((const struct str *)slot)->p ? "text where null is wanted" : NULL;
	}
	switch (s->kind) {
	case SHAPE_STRUCT:
	case SHAPE_UNION:
		return differs_struct(m, s, j, slot_struct_get(slot, k));
	case SHAPE_LIST:
	case SHAPE_MAP:
		return differs_many(m, s, j, slot);
	case SHAPE_STR:
	case SHAPE_BLOB: {
		struct str got = *(const struct str *)slot;
		want = j->kind == JSON_STR ? j->text : json_to_text(m->a, j);
		return got.p && str_eq(got, want) ? NULL
						  : arena_printf(m->a, "\"%.*s\", want \"%.*s\"",
							    STR_FMT(got), STR_FMT(want))
							    .p;
	}
	case SHAPE_BOOL:
		return slot_bool(slot, k) == j->b ? NULL : "other boolean";
	case SHAPE_FLOAT:
	case SHAPE_DOUBLE:
		return json_f64(j, &f) && f64_same(s, f, slot_f64(slot, k)) ? NULL : "other number";
	case SHAPE_TIME:
		return slot_time(slot, k) == time_of(j)
			       ? NULL
			       : arena_printf(m->a, "time %lld", (long long)slot_time(slot, k)).p;
	case SHAPE_DOCUMENT:
		return json_eq(*(struct json *const *)slot, j) ? NULL : "other document";
	default:
		return json_i64(j, &i) && i == slot_i64(slot, k) ? NULL : "other number";
	}
}
