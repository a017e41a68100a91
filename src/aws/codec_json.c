/* JSON bodies: json-1.0, json-1.1, rest-json. */
#include "aws/codec_impl.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"

#define refuse codec_json_refuse

static int
struct_read(struct codec *d, const struct shape *s, const struct json *j, void *base)
{
	uint16_t hint = 0;
	bool top = d->depth == 1;
	for (uint32_t i = 0; i < j->n; i++) {
		const struct json_member *m = &j->members[i];
		if (m->value.kind == JSON_NULL)
			continue;
		const struct field *f = codec_field(s, m->key, d->key, &hint);
		if (!f || (top && !codec_in_body(d, f)))
			continue;
		int r = codec_json_value(d, f->shape, &m->value, slot_of(base, f), SLOT_MEMBER);
		if (r)
			return r;
	}
	return 0;
}

static int
list_read(struct codec *d, const struct shape *s, const struct json *j, void *slot)
{
	if (slot_list(d, s, slot, j->n))
		return CALL_FAILED;
	for (uint32_t i = 0; i < j->n; i++) {
		/* A null stays an absent text or an empty struct: the place of its neighbours must
		 * not move. */
		if (j->items[i].kind == JSON_NULL)
			continue;
		int r = codec_json_value(
			d, s->value, &j->items[i], list_at(s, slot, i), SLOT_ELEMENT);
		if (r)
			return r;
	}
	return 0;
}

static int
map_read(struct codec *d, const struct shape *s, const struct json *j, void *slot)
{
	if (slot_list(d, s, slot, j->n))
		return CALL_FAILED;
	for (uint32_t i = 0; i < j->n; i++) {
		char *entry = list_at(s, slot, i);
		*(struct str *)entry = j->members[i].key;
		if (j->members[i].value.kind == JSON_NULL)
			continue;
		int r = codec_json_value(
			d, s->value, &j->members[i].value, entry + s->value_offset, SLOT_ELEMENT);
		if (r)
			return r;
	}
	return 0;
}

static int
container_read(
	struct codec *d, const struct shape *s, const struct json *j, void *slot, enum slot k)
{
	int r;
	if (j->kind != (s->kind == SHAPE_LIST ? JSON_ARRAY : JSON_OBJECT))
		return refuse(d, s, j, k);
	if (codec_enter(d))
		return CALL_FAILED;
	if (s->kind == SHAPE_LIST) {
		r = list_read(d, s, j, slot);
	} else if (s->kind == SHAPE_MAP) {
		r = map_read(d, s, j, slot);
	} else {
		void *base = slot_struct(d, s, slot, k);
		r = base ? struct_read(d, s, j, base) : CALL_FAILED;
	}
	d->depth--;
	return r;
}

static int
time_read(struct codec *d, const struct shape *s, const struct json *j, void *slot, enum slot k)
{
	int64_t ms;
	struct str t = j->kind == JSON_STR || j->kind == JSON_NUMBER ? j->text : STR_NULL;
	if (!t.p || !(time_parse_epoch(t, &ms) || (j->kind == JSON_STR && time_parse(t, &ms))))
		return refuse(d, s, j, k);
	slot_set_time(slot, k, ms);
	return 0;
}

static int
bool_read(struct codec *d, const struct shape *s, const struct json *j, void *slot, enum slot k)
{
	if (j->kind == JSON_BOOL) {
		slot_set_bool(slot, k, j->b);
		return 0;
	}
	if (j->kind == JSON_STR && codec_scalar_read(d, s, j->text, slot, k))
		return 0;
	return refuse(d, s, j, k);
}

static int
int_read(struct codec *d, const struct shape *s, const struct json *j, void *slot, enum slot k)
{
	int64_t v;
	if (codec_json_i64(d, j, &v)) {
		if (s->kind == SHAPE_INT && (v < INT32_MIN || v > INT32_MAX))
			return refuse(d, s, j, k);
		slot_set_i64(slot, k, v);
		return 0;
	}
	if (j->kind == JSON_STR && !codec_json_strict(d) &&
		codec_scalar_read(d, s, j->text, slot, k))
		return 0;
	return refuse(d, s, j, k);
}

int
codec_json_value(
	struct codec *d, const struct shape *s, const struct json *j, void *slot, enum slot k)
{
	double f;
	if (j->kind == JSON_NULL && s->kind != SHAPE_DOCUMENT)
		return 0;
	switch (s->kind) {
	case SHAPE_STR:
		if (j->kind != JSON_STR)
			return refuse(d, s, j, k);
		*(struct str *)slot = j->text;
		return 0;
	case SHAPE_BLOB:
		if (j->kind != JSON_STR || !codec_scalar_read(d, s, j->text, slot, k))
			return refuse(d, s, j, k);
		return 0;
	case SHAPE_BOOL:
		return bool_read(d, s, j, slot, k);
	case SHAPE_INT:
	case SHAPE_LONG:
		return int_read(d, s, j, slot, k);
	case SHAPE_FLOAT:
	case SHAPE_DOUBLE:
		if (!json_f64(j, &f))
			return refuse(d, s, j, k);
		slot_set_f64(slot, k, f);
		return 0;
	case SHAPE_TIME:
		return time_read(d, s, j, slot, k);
	case SHAPE_DOCUMENT:
		/* The tree is not changed by reading; the member is not const for those who build
		 * one. */
		*(struct json **)slot = (struct json *)j;
		return codec_json_document(d, s, j, k);
	case SHAPE_STRUCT:
	case SHAPE_UNION:
	case SHAPE_LIST:
	case SHAPE_MAP:
		return container_read(d, s, j, slot, k);
	default:
		return 0;
	}
}

int
codec_json_body(struct codec *d, const struct shape *s, struct str text, void *base)
{
	struct json_error e;
	if (!str_trim(text).len)
		return 0;
	const struct json *j = json_parse(d->c->arena, text, codec_json_depth(d), &e);
	if (!j)
		return codec_bad(d, "Malformed JSON at byte %zu: %s", e.at, e.why);
	if (j->kind == JSON_NULL)
		return 0;
	if (j->kind != JSON_OBJECT)
		return codec_bad(d, "Unexpected token found when parsing the start of the request");
	return container_read(d, s, j, base, SLOT_ELEMENT);
}

int
codec_json_read(struct call *c, const struct shape *s, const struct json *j, void *value)
{
	struct codec d;
	bool place = s->kind == SHAPE_STRUCT || s->kind == SHAPE_UNION;
	codec_init(&d, c, PROTO_JSON10, NULL);
	return codec_json_value(&d, s, j, value, place ? SLOT_ELEMENT : SLOT_MEMBER);
}

static void value_write(struct codec *d, struct json_writer *w, const struct shape *s,
	uint32_t flags, const void *slot, enum slot k);

static void
struct_write(struct codec *d, struct json_writer *w, const struct shape *s, const void *base)
{
	bool top = d->depth++ == 0;
	json_write_object(w);
	for (uint16_t i = 0; base && d->depth <= CODEC_DEPTH && i < s->fields_n; i++) {
		const struct field *f = &s->fields[i];
		const void *slot = slot_of_const(base, f);
		if ((top && !codec_in_body(d, f)) || !slot_present(f->shape, slot))
			continue;
		json_write_key(w, str_c(codec_key_of(f, d->key)));
		value_write(d, w, f->shape, f->flags, slot, SLOT_MEMBER);
	}
	json_write_object_end(w);
	d->depth--;
}

static void
list_write(struct codec *d, struct json_writer *w, const struct shape *s, const void *slot)
{
	const struct list_any *l = slot;
	d->depth++;
	json_write_array(w);
	for (uint32_t i = 0; i < l->n; i++)
		value_write(d, w, s->value, 0, list_at(s, slot, i), SLOT_ELEMENT);
	json_write_array_end(w);
	d->depth--;
}

static void
map_write(struct codec *d, struct json_writer *w, const struct shape *s, const void *slot)
{
	const struct list_any *l = slot;
	d->depth++;
	json_write_object(w);
	for (uint32_t i = 0; i < l->n; i++) {
		const char *entry = list_at(s, slot, i);
		json_write_key(w, *(const struct str *)entry);
		value_write(d, w, s->value, 0, entry + s->value_offset, SLOT_ELEMENT);
	}
	json_write_object_end(w);
	d->depth--;
}

static void
time_write(struct codec *d, struct json_writer *w, uint32_t flag, const struct shape *s,
	const void *slot, enum slot k)
{
	char scratch[CODEC_TEXT_MAX];
	if (flag & FIELD_TIME_EPOCH)
		json_write_epoch(w, slot_time(slot, k));
	else
		json_write_str(w, codec_scalar_text(d, s, flag, slot, k, scratch));
}

static void
value_write(struct codec *d, struct json_writer *w, const struct shape *s, uint32_t flags,
	const void *slot, enum slot k)
{
	switch (s->kind) {
	case SHAPE_STRUCT:
	case SHAPE_UNION:
		struct_write(d, w, s, slot_struct_get(slot, k));
		break;
	case SHAPE_LIST:
		list_write(d, w, s, slot);
		break;
	case SHAPE_MAP:
		map_write(d, w, s, slot);
		break;
	case SHAPE_STR:
		json_write_str(w, *(const struct str *)slot);
		break;
	case SHAPE_BLOB:
		if (((const struct str *)slot)->p)
			json_write_base64(w, *(const struct str *)slot);
		else
			json_write_null(w);
		break;
	case SHAPE_BOOL:
		json_write_bool(w, slot_bool(slot, k));
		break;
	case SHAPE_FLOAT:
	case SHAPE_DOUBLE:
		json_write_f64(w, slot_f64(slot, k));
		break;
	case SHAPE_TIME:
		time_write(d, w, codec_time_flag(flags, s, FIELD_TIME_EPOCH), s, slot, k);
		break;
	case SHAPE_DOCUMENT:
		json_write_value(w, *(struct json *const *)slot);
		break;
	case SHAPE_INT:
	case SHAPE_LONG:
		json_write_i64(w, slot_i64(slot, k));
		break;
	default:
		json_write_null(w);
	}
}

void
codec_json_out(struct codec *d, const struct shape *s, const void *base)
{
	struct json_writer w = { d->out, false };
	struct_write(d, &w, s, base);
}

void
codec_json_out_value(
	struct codec *d, const struct shape *s, uint32_t flags, const void *slot, enum slot k)
{
	struct json_writer w = { d->out, false };
	/* A payload's members are all of the body. */
	d->rest = false;
	value_write(d, &w, s, flags, slot, k);
}

void
codec_json_write(struct buf *out, const struct shape *s, const void *value)
{
	struct codec d;
	bool place = s->kind == SHAPE_STRUCT || s->kind == SHAPE_UNION;
	codec_init(&d, NULL, PROTO_JSON10, out);
	codec_json_out_value(&d, s, 0, value, place ? SLOT_ELEMENT : SLOT_MEMBER);
}
