/* CBOR bodies: rpc-v2-cbor. */
#include "aws/codec_impl.h"
#include "base/cbor.h"

static int value_read(
	struct codec *d, const struct shape *s, const struct cbor *v, void *slot, enum slot k);

static bool
is_null(const struct cbor *v)
{
	return v->kind == CBOR_NULL || v->kind == CBOR_UNDEFINED;
}

static int
struct_read(struct codec *d, const struct shape *s, const struct cbor *v, void *base)
{
	uint16_t hint = 0;
	for (uint32_t i = 0; i < v->n; i++) {
		const struct cbor_member *m = &v->members[i];
		const struct field *f =
			is_null(&m->value) ? NULL : codec_field(s, m->key, d->key, &hint);
		int r = f ? value_read(d, f->shape, &m->value, slot_of(base, f), SLOT_MEMBER) : 0;
		if (r)
			return r;
	}
	return 0;
}

static int
list_read(struct codec *d, const struct shape *s, const struct cbor *v, void *slot)
{
	if (slot_list(d, s, slot, v->n))
		return CALL_FAILED;
	for (uint32_t i = 0; i < v->n; i++) {
		if (is_null(&v->items[i]))
			continue;
		int r = value_read(d, s->value, &v->items[i], list_at(s, slot, i), SLOT_ELEMENT);
		if (r)
			return r;
	}
	return 0;
}

static int
map_read(struct codec *d, const struct shape *s, const struct cbor *v, void *slot)
{
	if (slot_list(d, s, slot, v->n))
		return CALL_FAILED;
	for (uint32_t i = 0; i < v->n; i++) {
		char *entry = list_at(s, slot, i);
		*(struct str *)entry = v->members[i].key;
		if (is_null(&v->members[i].value))
			continue;
		int r = value_read(
			d, s->value, &v->members[i].value, entry + s->value_offset, SLOT_ELEMENT);
		if (r)
			return r;
	}
	return 0;
}

static int
container_read(
	struct codec *d, const struct shape *s, const struct cbor *v, void *slot, enum slot k)
{
	int r;
	if (v->kind != (s->kind == SHAPE_LIST ? CBOR_ARRAY : CBOR_MAP))
		return codec_bad(d, "Unexpected type of a %s", s->name ? s->name : "value");
	if (codec_enter(d))
		return CALL_FAILED;
	if (s->kind == SHAPE_LIST) {
		r = list_read(d, s, v, slot);
	} else if (s->kind == SHAPE_MAP) {
		r = map_read(d, s, v, slot);
	} else {
		void *base = slot_struct(d, s, slot, k);
		r = base ? struct_read(d, s, v, base) : CALL_FAILED;
	}
	d->depth--;
	return r;
}

static bool
scalar_read(const struct shape *s, const struct cbor *v, void *slot, enum slot k)
{
	int64_t i;
	double f;
	switch (s->kind) {
	case SHAPE_STR:
		if (v->kind == CBOR_TEXT)
			*(struct str *)slot = v->s;
		return v->kind == CBOR_TEXT;
	case SHAPE_BLOB:
		if (v->kind == CBOR_BYTES)
			*(struct str *)slot = v->s;
		return v->kind == CBOR_BYTES;
	case SHAPE_BOOL:
		if (v->kind == CBOR_BOOL)
			slot_set_bool(slot, k, v->b);
		return v->kind == CBOR_BOOL;
	case SHAPE_INT:
	case SHAPE_LONG:
		if (!cbor_i64(v, &i) || (s->kind == SHAPE_INT && (i < INT32_MIN || i > INT32_MAX)))
			return false;
		slot_set_i64(slot, k, i);
		return true;
	case SHAPE_FLOAT:
	case SHAPE_DOUBLE:
		if (!cbor_f64(v, &f))
			return false;
		slot_set_f64(slot, k, f);
		return true;
	case SHAPE_TIME:
		if (!cbor_time_ms(v, &i))
			return false;
		slot_set_time(slot, k, i);
		return true;
	default:
		return true;
	}
}

static int
value_read(struct codec *d, const struct shape *s, const struct cbor *v, void *slot, enum slot k)
{
	if (s->kind <= SHAPE_MAP)
		return container_read(d, s, v, slot, k);
	return scalar_read(s, v, slot, k)
		       ? 0
		       : codec_bad(d, "Unexpected type of a %s", s->name ? s->name : "value");
}

int
codec_cbor_body(struct codec *d, const struct shape *s, struct str bytes, void *base)
{
	struct cbor_error e;
	if (!bytes.len)
		return 0;
	const struct cbor *v = cbor_parse(d->c->arena, bytes, CODEC_DEPTH, &e);
	if (!v)
		return codec_bad(d, "Malformed CBOR at byte %zu: %s", e.at, e.why);
	if (v->kind != CBOR_MAP)
		return codec_bad(d, "The request is not a CBOR map");
	return container_read(d, s, v, base, SLOT_ELEMENT);
}

static void
struct_write(struct codec *d, const struct shape *s, const void *base)
{
	unsigned n = 0;
	bool deep = d->depth++ >= CODEC_DEPTH;
	for (uint16_t i = 0; base && !deep && i < s->fields_n; i++)
		n += slot_present(s->fields[i].shape, slot_of_const(base, &s->fields[i]));
	cbor_write_map(d->out, n);
	for (uint16_t i = 0; n && i < s->fields_n; i++) {
		const struct field *f = &s->fields[i];
		if (!slot_present(f->shape, slot_of_const(base, f)))
			continue;
		cbor_write_text(d->out, str_c(codec_key_of(f, d->key)));
		codec_cbor_out_value(d, f->shape, slot_of_const(base, f), SLOT_MEMBER);
	}
	d->depth--;
}

static void
many_write(struct codec *d, const struct shape *s, const void *slot)
{
	const struct list_any *l = slot;
	bool map = s->kind == SHAPE_MAP;
	if (map)
		cbor_write_map(d->out, l->n);
	else
		cbor_write_array(d->out, l->n);
	for (uint32_t i = 0; i < l->n; i++) {
		const char *at = list_at(s, slot, i);
		if (map)
			cbor_write_text(d->out, *(const struct str *)at);
		codec_cbor_out_value(d, s->value, map ? at + s->value_offset : at, SLOT_ELEMENT);
	}
}

static void
text_write(struct codec *d, const struct shape *s, struct str v)
{
	if (!v.p)
		cbor_write_null(d->out);
	else if (s->kind == SHAPE_BLOB)
		cbor_write_bytes(d->out, v);
	else
		cbor_write_text(d->out, v);
}

void
codec_cbor_out_value(struct codec *d, const struct shape *s, const void *slot, enum slot k)
{
	switch (s->kind) {
	case SHAPE_STRUCT:
	case SHAPE_UNION:
		struct_write(d, s, slot_struct_get(slot, k));
		break;
	case SHAPE_LIST:
	case SHAPE_MAP:
		many_write(d, s, slot);
		break;
	case SHAPE_STR:
	case SHAPE_BLOB:
		text_write(d, s, *(const struct str *)slot);
		break;
	case SHAPE_BOOL:
		cbor_write_bool(d->out, slot_bool(slot, k));
		break;
	case SHAPE_INT:
	case SHAPE_LONG:
		cbor_write_i64(d->out, slot_i64(slot, k));
		break;
	case SHAPE_FLOAT:
		cbor_write_f32(d->out, (float)slot_f64(slot, k));
		break;
	case SHAPE_DOUBLE:
		cbor_write_f64(d->out, slot_f64(slot, k));
		break;
	case SHAPE_TIME:
		cbor_write_epoch(d->out, slot_time(slot, k));
		break;
	default:
		cbor_write_null(d->out);
	}
}

void
codec_cbor_out(struct codec *d, const struct shape *s, const void *base)
{
	struct_write(d, s, base);
}
