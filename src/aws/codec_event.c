/* Typed events: a member of an event stream's union as one message. */
#include "aws/codec_impl.h"

#include <assert.h>

#define HEADERS_CAP 24

static const struct shape *
event_shape(const struct shape *events, const char *name)
{
	for (uint16_t i = 0; i < events->fields_n; i++)
		if (strcmp(events->fields[i].name, name) == 0)
			return events->fields[i].shape;
	return NULL;
}

static struct event_header
text_header(const char *name, struct str text)
{
	return (struct event_header){ .name = str_c(name), .type = 7, .text = text };
}

static struct event_header
member_header(const struct field *f, const void *slot)
{
	struct event_header h = { .name = str_c(f->wire) };
	switch (f->shape->kind) {
	case SHAPE_BOOL:
		h.type = slot_bool(slot, SLOT_MEMBER) ? 0 : 1;
		break;
	case SHAPE_INT:
		h.type = 4;
		h.number = slot_i64(slot, SLOT_MEMBER);
		break;
	case SHAPE_LONG:
		h.type = 5;
		h.number = slot_i64(slot, SLOT_MEMBER);
		break;
	case SHAPE_TIME:
		h.type = 8;
		h.number = slot_time(slot, SLOT_MEMBER);
		break;
	default:
		h.type = f->shape->kind == SHAPE_BLOB ? 6 : 7;
		h.text = *(const struct str *)slot;
	}
	return h;
}

static const char *
payload_type(const struct codec *d, const struct field *payload)
{
	if (payload && payload->shape->kind == SHAPE_BLOB)
		return "application/octet-stream";
	if (payload && payload->shape->kind == SHAPE_STR)
		return "text/plain";
	if (d->protocol == PROTO_CBOR)
		return "application/cbor";
	return d->protocol == PROTO_REST_XML ? "text/xml" : "application/json";
}

static void
document_write(struct codec *d, const struct shape *s, const char *root, const void *base)
{
	d->rest = false;
	if (d->protocol == PROTO_REST_XML)
		codec_xml_out(d, s, root, base);
	else if (d->protocol == PROTO_CBOR)
		codec_cbor_out(d, s, base);
	else
		codec_json_out(d, s, base);
}

static void
payload_write(struct codec *d, const struct field *f, const void *event)
{
	const void *slot = slot_of_const(event, f);
	if (!slot_present(f->shape, slot))
		return;
	if (f->shape->kind == SHAPE_STR || f->shape->kind == SHAPE_BLOB)
		buf_add_str(d->out, *(const struct str *)slot);
	else
		document_write(d, f->shape, f->wire, *(const void *const *)slot);
}

void
codec_event_write(struct call *c, const struct shape *events, const char *name, const void *event,
	struct buf *out)
{
	const struct shape *s = event_shape(events, name);
	const struct field *payload = NULL;
	struct event_header h[HEADERS_CAP];
	unsigned n = 0, body_n = 0;
	struct buf body = { 0 };
	struct codec d;
	assert(s);
	codec_init(&d, c, c->protocol, &body);
	h[n++] = text_header(":message-type", STR("event"));
	h[n++] = text_header(":event-type", str_c(name));
	for (uint16_t i = 0; i < s->fields_n; i++) {
		const struct field *f = &s->fields[i];
		if (f->flags & FIELD_EVENT_PAYLOAD)
			payload = f;
		else if (!(f->flags & FIELD_EVENT_HEADER))
			body_n++;
		else if (n < HEADERS_CAP - 1 && slot_present(f->shape, slot_of_const(event, f)))
			h[n++] = member_header(f, slot_of_const(event, f));
	}
	if (payload || body_n)
		h[n++] = text_header(":content-type", str_c(payload_type(&d, payload)));
	if (payload)
		payload_write(&d, payload, event);
	else if (body_n)
		document_write(&d, s, s->name, event);
	event_message_write(out, h, n, buf_str(&body));
	buf_done(&body);
}
