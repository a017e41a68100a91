/* XML bodies: rest-xml both ways, and the replies of query and ec2. */
#include "aws/codec_impl.h"
#include "base/text.h"
#include "base/xml.h"

#include <stdio.h>

static int value_read(
	struct codec *d, const struct shape *s, const struct xml *x, void *slot, enum slot k);

/* "type" of "xsi:type": the tables have the prefix, the tree has it apart. */
static const char *
local_name(const char *wire)
{
	const char *colon = strchr(wire, ':');
	return colon ? colon + 1 : wire;
}

static int
attributes_read(struct codec *d, const struct shape *s, const struct xml *x, void *base)
{
	for (uint16_t i = 0; x->attrs_n && i < s->fields_n; i++) {
		const struct field *f = &s->fields[i];
		if (!(f->flags & FIELD_XML_ATTRIBUTE) || !codec_is_scalar(f->shape))
			continue;
		struct str v = xml_attr(x, str_c(local_name(f->wire)));
		if (v.p && !codec_scalar_read(d, f->shape, v, slot_of(base, f), SLOT_MEMBER))
			return codec_bad(d, "The attribute %s is malformed", f->wire);
	}
	return 0;
}

static uint32_t
count_named(const struct xml *x)
{
	uint32_t n = 0;
	for (const struct xml *i = x; i; i = xml_next(i, x->name))
		n++;
	return n;
}

static int
entry_read(struct codec *d, const struct shape *s, const struct xml *x, void *entry)
{
	const struct xml *key = xml_child(x, str_c(s->key_wire ? s->key_wire : "key"));
	const struct xml *value = xml_child(x, str_c(s->value_wire ? s->value_wire : "value"));
	if (!key || !codec_scalar_read(d, s->key, key->text, entry, SLOT_ELEMENT))
		return codec_bad(d, "A map entry has no key");
	void *at = (char *)entry + s->value_offset;
	return value ? value_read(d, s->value, value, at, SLOT_ELEMENT) : 0;
}

/* Elements of a list or entries of a map: `first` and its later siblings of the same name. */
static int
run_read(struct codec *d, const struct shape *s, const struct xml *first, void *slot)
{
	uint32_t n = 0;
	if (slot_list(d, s, slot, first ? count_named(first) : 0))
		return CALL_FAILED;
	for (const struct xml *x = first; x; x = xml_next(x, first->name), n++) {
		void *at = list_at(s, slot, n);
		int r = s->kind == SHAPE_MAP ? entry_read(d, s, x, at)
					     : value_read(d, s->value, x, at, SLOT_ELEMENT);
		if (r)
			return r;
	}
	return 0;
}

/* A wrapped list: AWS takes whatever its elements are called as long as it is one name. */
static int
wrapped_read(struct codec *d, const struct shape *s, const struct xml *x, void *slot)
{
	const struct xml *first = xml_child(x, str_c(s->kind == SHAPE_MAP ? "entry"
						       : s->value_wire    ? s->value_wire
									  : "member"));
	if (!first && s->kind == SHAPE_LIST && x->child)
		first = xml_child(x, STR("member"));
	return run_read(d, s, first, slot);
}

static int
struct_read(struct codec *d, const struct shape *s, const struct xml *x, void *base)
{
	uint16_t hint = 0;
	int r = attributes_read(d, s, x, base);
	for (const struct xml *c = x->child; c && r == 0; c = c->next) {
		const struct field *f = codec_field(s, c->name, d->key, &hint);
		if (!f || (d->depth == 1 && !codec_in_body(d, f)) ||
			(f->flags & FIELD_XML_ATTRIBUTE))
			continue;
		bool many = f->shape->kind == SHAPE_LIST || f->shape->kind == SHAPE_MAP;
		void *slot = slot_of(base, f);
		if (many && codec_is_flat(f)) {
			/* The first of them took all. */
			if (!((struct list_any *)slot)->set)
				r = run_read(d, f->shape, c, slot);
		} else {
			r = value_read(d, f->shape, c, slot, SLOT_MEMBER);
		}
	}
	return r;
}

static int
value_read(struct codec *d, const struct shape *s, const struct xml *x, void *slot, enum slot k)
{
	int r;
	if (codec_is_scalar(s)) {
		if (codec_scalar_read(d, s, x->text, slot, k))
			return 0;
		return codec_bad(d, "The value of %.*s is malformed", STR_FMT(x->name));
	}
	if (codec_enter(d))
		return CALL_FAILED;
	switch (s->kind) {
	case SHAPE_LIST:
	case SHAPE_MAP:
		r = wrapped_read(d, s, x, slot);
		break;
	case SHAPE_STRUCT:
	case SHAPE_UNION: {
		void *base = slot_struct(d, s, slot, k);
		r = base ? struct_read(d, s, x, base) : CALL_FAILED;
		break;
	}
	default:
		r = 0;
	}
	d->depth--;
	return r;
}

int
codec_xml_body(
	struct codec *d, const struct shape *s, const char *root, struct str text, void *base)
{
	struct xml_error e;
	const struct xml *x = xml_parse(d->c->arena, text, CODEC_DEPTH, &e);
	if (!x)
		return codec_bad(d, "Malformed XML at byte %zu: %s", e.at, e.why);
	if (root && !codec_name_is(root, x->name) && !codec_name_is(s->name, x->name))
		return codec_bad(d, "Unexpected root element %.*s", STR_FMT(x->name));
	if (codec_enter(d))
		return CALL_FAILED;
	int r = struct_read(d, s, x, base);
	d->depth--;
	return r;
}

int
codec_xml_read(struct call *c, const struct shape *s, struct str xml, void *value)
{
	struct codec d;
	codec_init(&d, c, PROTO_REST_XML, NULL);
	d.rest = false;
	return codec_xml_body(&d, s, NULL, xml, value);
}

static void members_write(struct codec *d, const struct shape *s, const void *base);
static void value_write(struct codec *d, const struct shape *s, uint32_t flags, const char *name,
	const void *slot, enum slot k);

/* <name xmlns… attributes> ; the namespace in force before is handed back. */
static const char *
element_begin(
	struct codec *d, const struct shape *s, const char *name, const char *ns, const void *base)
{
	const char *outer = d->xmlns;
	xml_write_begin(d->out, name);
	if (s->xml_prefix && s->xml_namespace) {
		char attr[64];
		snprintf(attr, sizeof(attr), "xmlns:%s", s->xml_prefix);
		xml_write_attr(d->out, attr, str_c(s->xml_namespace));
	}
	if (ns && (!outer || strcmp(outer, ns) != 0)) {
		xml_write_attr(d->out, "xmlns", str_c(ns));
		d->xmlns = ns;
	}
	for (uint16_t i = 0; base && i < s->fields_n; i++) {
		const struct field *f = &s->fields[i];
		const void *slot = slot_of_const(base, f);
		char scratch[CODEC_TEXT_MAX];
		if ((f->flags & FIELD_XML_ATTRIBUTE) && codec_is_scalar(f->shape) &&
			slot_present(f->shape, slot))
			xml_write_attr(d->out, f->wire,
				codec_scalar_text(d, f->shape,
					codec_time_flag(f->flags, f->shape, FIELD_TIME_ISO), slot,
					SLOT_MEMBER, scratch));
	}
	xml_write_begin_end(d->out);
	return outer;
}

static void
element_end(struct codec *d, const char *name, const char *outer)
{
	xml_write_close(d->out, name);
	d->xmlns = outer;
}

static const char *
own_namespace(const struct shape *s)
{
	return s->xml_prefix ? NULL : s->xml_namespace;
}

static void
struct_write(
	struct codec *d, const struct shape *s, const char *name, const char *ns, const void *base)
{
	if (d->depth >= CODEC_DEPTH)
		return;
	d->depth++;
	const char *outer = element_begin(d, s, name, ns, base);
	members_write(d, s, base);
	element_end(d, name, outer);
	d->depth--;
}

static void
entry_write(struct codec *d, const struct shape *s, const char *name, const void *entry)
{
	xml_write_open(d->out, name);
	value_write(d, s->key, 0, s->key_wire ? s->key_wire : "key", entry, SLOT_ELEMENT);
	value_write(d, s->value, 0, s->value_wire ? s->value_wire : "value",
		(const char *)entry + s->value_offset, SLOT_ELEMENT);
	xml_write_close(d->out, name);
}

static void
run_write(struct codec *d, const struct shape *s, const char *name, const void *slot)
{
	const struct list_any *l = slot;
	for (uint32_t i = 0; i < l->n; i++) {
		if (s->kind == SHAPE_MAP)
			entry_write(d, s, name, list_at(s, slot, i));
		else
			value_write(d, s->value, 0, name, list_at(s, slot, i), SLOT_ELEMENT);
	}
}

static void
wrapped_write(struct codec *d, const struct shape *s, const char *name, const void *slot)
{
	const char *outer = element_begin(d, s, name, own_namespace(s), NULL);
	const char *element = s->kind == SHAPE_MAP ? "entry"
			      : s->value_wire      ? s->value_wire
						   : "member";
	run_write(d, s, element, slot);
	element_end(d, name, outer);
}

static void
scalar_write(struct codec *d, const struct shape *s, uint32_t flags, const char *name,
	const void *slot, enum slot k)
{
	char scratch[CODEC_TEXT_MAX];
	uint32_t time = codec_time_flag(flags, s, FIELD_TIME_ISO);
	const char *outer = element_begin(d, s, name, own_namespace(s), NULL);
	if (s->kind == SHAPE_BLOB)
		base64_add(d->out, *(const struct str *)slot);
	else
		xml_write_text(d->out, codec_scalar_text(d, s, time, slot, k, scratch));
	element_end(d, name, outer);
}

static void
value_write(struct codec *d, const struct shape *s, uint32_t flags, const char *name,
	const void *slot, enum slot k)
{
	switch (s->kind) {
	case SHAPE_STRUCT:
	case SHAPE_UNION:
		struct_write(d, s, name, own_namespace(s), slot_struct_get(slot, k));
		break;
	case SHAPE_LIST:
	case SHAPE_MAP:
		wrapped_write(d, s, name, slot);
		break;
	case SHAPE_DOCUMENT:
	case SHAPE_BODY:
	case SHAPE_EVENTS:
		break;
	default:
		scalar_write(d, s, flags, name, slot, k);
	}
}

static void
members_write(struct codec *d, const struct shape *s, const void *base)
{
	for (uint16_t i = 0; i < s->fields_n; i++) {
		const struct field *f = &s->fields[i];
		const void *slot = slot_of_const(base, f);
		if ((d->depth <= 1 && !codec_in_body(d, f)) || (f->flags & FIELD_XML_ATTRIBUTE) ||
			!slot_present(f->shape, slot))
			continue;
		bool many = f->shape->kind == SHAPE_LIST || f->shape->kind == SHAPE_MAP;
		if (many && codec_is_flat(f))
			run_write(d, f->shape, codec_key_of(f, d->key), slot);
		else
			value_write(
				d, f->shape, f->flags, codec_key_of(f, d->key), slot, SLOT_MEMBER);
	}
}

void
codec_xml_out(struct codec *d, const struct shape *s, const char *root, const void *base)
{
	const struct service *service = d->c ? d->c->service : NULL;
	const char *ns = own_namespace(s);
	if (!ns && service)
		ns = service->xml_namespace;
	struct_write(d, s, root, ns, base);
}

void
codec_xml_out_members(struct codec *d, const struct shape *s, const void *base)
{
	d->depth++;
	members_write(d, s, base);
	d->depth--;
}

void
codec_xml_write(struct buf *out, const struct shape *s, const char *root, const void *value)
{
	struct codec d;
	codec_init(&d, NULL, PROTO_REST_XML, out);
	d.rest = false;
	struct_write(&d, s, root, own_namespace(s), value);
}
