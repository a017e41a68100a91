/* The HTTP bindings of rest-json and rest-xml: headers, status, payload. Replies. */
#include "aws/codec_impl.h"
#include "base/json.h"
#include "base/text.h"
#include "base/xml.h"

#include <assert.h>

void
wire_reply_header(struct wire_reply *r, struct str name, struct str value)
{
	assert(r->headers_n < sizeof(r->headers) / sizeof(r->headers[0]));
	r->headers[r->headers_n][0] = name;
	r->headers[r->headers_n++][1] = value;
}

void
wire_reply_done(struct wire_reply *r)
{
	if (r)
		buf_done(&r->body);
}

static bool
reply_full(const struct wire_reply *r)
{
	return r->headers_n >= sizeof(r->headers) / sizeof(r->headers[0]);
}

/* RFC 9110 token: what may stand before the colon. */
static bool
header_name_valid(struct str name)
{
	for (size_t i = 0; i < name.len; i++)
		if ((unsigned char)name.p[i] <= ' ' || (unsigned char)name.p[i] >= 0x7f ||
			strchr("()<>@,;:\\\"/[]?={}", name.p[i]))
			return false;
	return name.len > 0;
}

static struct str
scalar_header(struct codec *d, const struct shape *s, uint32_t flags, const void *slot, enum slot k)
{
	char scratch[CODEC_TEXT_MAX];
	struct str v = codec_scalar_text(
		d, s, codec_time_flag(flags, s, FIELD_TIME_HTTP), slot, k, scratch);
	if ((flags & FIELD_JSON_VALUE) && s->kind == SHAPE_STR)
		return base64_text(d->c->arena, v);
	v = v.p == scratch ? arena_dup(d->c->arena, v) : v;
	return codec_header_clean(d->c->arena, v);
}

static bool
wants_quotes(struct str v)
{
	return str_find(v, ',') >= 0 || str_find(v, '"') >= 0;
}

static struct str
list_header(struct codec *d, const struct shape *s, uint32_t flags, const void *slot)
{
	const struct list_any *l = slot;
	struct buf b;
	buf_init(&b);
	for (uint32_t i = 0; i < l->n; i++) {
		struct str v = scalar_header(d, s->value, flags, list_at(s, slot, i), SLOT_ELEMENT);
		if (i)
			buf_add_lit(&b, ", ");
		if (s->value->kind != SHAPE_STR || !wants_quotes(v)) {
			buf_add_str(&b, v);
			continue;
		}
		buf_add_c(&b, '"');
		for (size_t at = 0; at < v.len; at++) {
			if (v.p[at] == '"' || v.p[at] == '\\')
				buf_add_c(&b, '\\');
			buf_add_c(&b, v.p[at]);
		}
		buf_add_c(&b, '"');
	}
	struct str all = arena_dup(d->c->arena, buf_str(&b));
	buf_done(&b);
	return all;
}

static void
map_headers(struct codec *d, const struct field *f, const void *slot, struct wire_reply *r)
{
	const struct shape *s = f->shape;
	const struct list_any *l = slot;
	for (uint32_t i = 0; i < l->n && !reply_full(r); i++) {
		const char *entry = list_at(s, slot, i);
		struct str name =
			arena_concat(d->c->arena, str_c(f->wire), *(const struct str *)entry);
		if (header_name_valid(name))
			wire_reply_header(r, name,
				scalar_header(d, s->value, f->flags, entry + s->value_offset,
					SLOT_ELEMENT));
	}
}

void
codec_rest_headers(struct codec *d, const struct shape *s, const void *base, struct wire_reply *r)
{
	const struct field *maps[4];
	unsigned maps_n = 0;
	for (uint16_t i = 0; i < s->fields_n && !reply_full(r); i++) {
		const struct field *f = &s->fields[i];
		const void *slot = slot_of_const(base, f);
		if (!slot_present(f->shape, slot))
			continue;
		if (f->location == LOC_HEADERS && maps_n < 4) {
			maps[maps_n++] = f;
		} else if (f->location == LOC_HEADER && f->shape->kind == SHAPE_LIST) {
			if (((const struct list_any *)slot)->n)
				wire_reply_header(r, str_c(f->wire),
					list_header(d, f->shape, f->flags, slot));
		} else if (f->location == LOC_HEADER && codec_is_scalar(f->shape)) {
			wire_reply_header(r, str_c(f->wire),
				scalar_header(d, f->shape, f->flags, slot, SLOT_MEMBER));
		}
	}
	/* The named ones first: user metadata cannot push them out. */
	for (unsigned i = 0; i < maps_n; i++)
		map_headers(d, maps[i], slot_of_const(base, maps[i]), r);
}

static const struct field *
payload_field(const struct shape *s)
{
	for (uint16_t i = 0; i < s->fields_n; i++)
		if (s->fields[i].location == LOC_PAYLOAD)
			return &s->fields[i];
	return NULL;
}

static const char *
document_type(const struct codec *d)
{
	return d->protocol == PROTO_REST_XML ? "application/xml" : "application/json";
}

static void
payload_write(struct codec *d, const struct op *op, const struct field *f, const void *out,
	struct wire_reply *r)
{
	const void *slot = slot_of_const(out, f);
	bool there = slot_present(f->shape, slot);
	switch (f->shape->kind) {
	case SHAPE_BODY:
		r->content_type = "application/octet-stream";
		r->stream = *(struct body *const *)slot;
		return;
	case SHAPE_EVENTS:
		r->content_type = "application/vnd.amazon.eventstream";
		r->stream = *(struct body *const *)slot;
		return;
	case SHAPE_BLOB:
	case SHAPE_STR:
		r->content_type =
			f->shape->kind == SHAPE_BLOB ? "application/octet-stream" : "text/plain";
		if (there)
			buf_add_str(d->out, *(const struct str *)slot);
		return;
	default:
		break;
	}
	r->content_type = document_type(d);
	if (!there)
		return;
	if (d->protocol == PROTO_REST_JSON || f->shape->kind == SHAPE_DOCUMENT) {
		codec_json_out_value(d, f->shape, f->flags, slot, SLOT_MEMBER);
		return;
	}
	xml_write_declaration(d->out);
	codec_xml_out(d, f->shape, op->root ? op->root : f->wire, *(const void *const *)slot);
}

/* The one body member is the root element (GetBucketLocation). */
static void
unwrapped_write(struct codec *d, const struct op *op, const void *out)
{
	const struct shape *s = op->out;
	for (uint16_t i = 0; i < s->fields_n; i++) {
		const struct field *f = &s->fields[i];
		const void *slot = slot_of_const(out, f);
		char scratch[CODEC_TEXT_MAX];
		if (!codec_in_body(d, f) || !codec_is_scalar(f->shape))
			continue;
		xml_write_open_ns(d->out, op->root ? op->root : f->wire,
			d->c->service ? d->c->service->xml_namespace : NULL);
		if (slot_present(f->shape, slot))
			xml_write_text(d->out, codec_scalar_text(d, f->shape, FIELD_TIME_ISO, slot,
						       SLOT_MEMBER, scratch));
		xml_write_close(d->out, op->root ? op->root : f->wire);
		return;
	}
}

static void
document_write(struct codec *d, const struct op *op, const void *out, struct wire_reply *r)
{
	bool any = false;
	for (uint16_t i = 0; i < op->out->fields_n && !any; i++)
		any = codec_in_body(d, &op->out->fields[i]);
	if (d->protocol == PROTO_REST_JSON) {
		r->content_type = document_type(d);
		codec_json_out(d, op->out, out);
		return;
	}
	if (!any)
		return;
	r->content_type = document_type(d);
	xml_write_declaration(d->out);
	if (op->flags & OP_FLAG_UNWRAPPED)
		unwrapped_write(d, op, out);
	else
		codec_xml_out(d, op->out, op->root ? op->root : op->out->name, out);
}

void
codec_rest_encode(struct codec *d, const struct op *op, const void *out, struct wire_reply *r)
{
	if (!op->out)
		return;
	for (uint16_t i = 0; i < op->out->fields_n; i++) {
		const struct field *f = &op->out->fields[i];
		const struct opt_i64 *status = slot_of_const(out, f);
		if (f->location == LOC_STATUS && status->set && status->v >= 100 &&
			status->v <= 999)
			r->status = (uint16_t)status->v;
	}
	codec_rest_headers(d, op->out, out, r);
	if (r->status == 304 || r->status == 204)
		return;
	const struct field *payload = payload_field(op->out);
	if (payload)
		payload_write(d, op, payload, out, r);
	else
		document_write(d, op, out, r);
}
