/* Failures: the error envelope of each protocol. */
#include "aws/codec_impl.h"
#include "aws/errors.h"
#include "base/cbor.h"
#include "base/json.h"
#include "base/xml.h"

#include <stdio.h>

static const char *
sender_or_receiver(const struct api_error *e)
{
	return e->receiver ? "Receiver" : "Sender";
}

static const char *
query_code(const struct api_error *e)
{
	return e->query_code ? e->query_code : e->code;
}

static struct str
message_of(const struct call *c)
{
	if (c->error_message.p)
		return c->error_message;
	return str_c(c->error->message ? c->error->message : c->error->code);
}

/* The member of the error's shape that is the sentence: "message" or "Message". */
static const struct field *
message_field(const struct api_error *e)
{
	for (uint16_t i = 0; e->shape && i < e->shape->fields_n; i++)
		if (str_eq_nocase(str_c(e->shape->fields[i].name), STR("message")))
			return &e->shape->fields[i];
	return NULL;
}

static const struct field *
error_field(const struct api_error *e, struct str name)
{
	uint16_t hint = 0;
	return e->shape ? codec_field(e->shape, name, KEY_NAME, &hint) : NULL;
}

static bool
is_message(const struct call *c, const struct field *f)
{
	return f == message_field(c->error);
}

/* Whether a member of the typed detail goes into the body. */
static bool
detail_in_body(const struct codec *d, const struct field *f)
{
	return !is_message(d->c, f) && codec_in_body(d, f) &&
	       slot_present(f->shape, slot_of_const(d->c->error_detail, f));
}

static void
query_error_header(struct codec *d, struct wire_reply *r)
{
	struct call *c = d->c;
	if (c->service && c->service->query_compatible)
		wire_reply_header(r, STR("x-amzn-query-error"),
			arena_printf(c->arena, "%s;%s", query_code(c->error),
				sender_or_receiver(c->error)));
}

static void
json_field(struct json_writer *w, const struct field *f, struct str name, struct str value)
{
	struct json number = { .kind = JSON_NUMBER, .text = value };
	double number_value;
	json_write_key(w, name);
	if (f &&
		(f->shape->kind == SHAPE_INT || f->shape->kind == SHAPE_LONG ||
			f->shape->kind == SHAPE_DOUBLE) &&
		json_f64(&number, &number_value) && str_to_f64(value, &number_value))
		json_write_raw(w, value);
	else if (f && f->shape->kind == SHAPE_BOOL)
		json_write_bool(w, str_is(value, "true"));
	else
		json_write_str(w, value);
}

static void
json_detail(struct codec *d, struct json_writer *w)
{
	const struct call *c = d->c;
	for (uint16_t i = 0; c->error_detail && i < c->error->shape->fields_n; i++) {
		const struct field *f = &c->error->shape->fields[i];
		struct buf value = { 0 };
		if (!detail_in_body(d, f))
			continue;
		struct codec inner = *d;
		inner.out = &value;
		codec_json_out_value(
			&inner, f->shape, f->flags, slot_of_const(c->error_detail, f), SLOT_MEMBER);
		json_write_key(w, str_c(codec_key_of(f, d->key)));
		json_write_raw(w, buf_str(&value));
		buf_done(&value);
	}
}

/* DynamoDB tells in __type where an error comes from: its front end's or its own. */
static struct str
json_type(const struct call *c)
{
	static const char *const front_end[] = { "SerializationException",
		"UnknownOperationException", "AccessDeniedException",
		"MissingAuthenticationTokenException", "IncompleteSignatureException",
		"InvalidSignatureException", "UnrecognizedClientException", "InternalFailure",
		NULL };
	const char *code = c->error->code, *space = "com.amazonaws.dynamodb.v20120810#";
	if (!c->service || !c->service->id || strcmp(c->service->id, "dynamodb") != 0)
		return str_c(code);
	for (unsigned i = 0; front_end[i]; i++)
		if (strcmp(front_end[i], code) == 0)
			space = "com.amazon.coral.service#";
	if (strcmp(code, "ValidationException") == 0)
		space = "com.amazon.coral.validate#";
	return arena_printf(c->arena, "%s%s", space, code);
}

static const char *
json_message_key(const struct call *c)
{
	bool capital = c->service && c->service->id && strcmp(c->service->id, "dynamodb") == 0 &&
		       (c->error == &ERR_SerializationException ||
			       strcmp(c->error->code, "SerializationException") == 0 ||
			       strcmp(c->error->code, "AccessDeniedException") == 0 ||
			       strcmp(c->error->code, "TransactionCanceledException") == 0);
	return capital ? "Message" : "message";
}

static void
json_error(struct codec *d, struct wire_reply *r)
{
	struct call *c = d->c;
	struct json_writer w = { d->out, false };
	const struct field *m = message_field(c->error);
	json_write_object(&w);
	if (d->rest)
		wire_reply_header(r, STR("x-amzn-errortype"), str_c(c->error->code));
	else
		json_write_member_str(&w, "__type", json_type(c));
	json_write_member_str(&w, m ? codec_key_of(m, d->key) : json_message_key(c), message_of(c));
	for (unsigned i = 0; i < c->error_fields_n; i++)
		json_field(&w, error_field(c->error, c->error_fields[i][0]), c->error_fields[i][0],
			c->error_fields[i][1]);
	json_detail(d, &w);
	json_write_object_end(&w);
	r->content_type = d->rest                       ? "application/json"
			  : c->protocol == PROTO_JSON10 ? "application/x-amz-json-1.0"
							: "application/x-amz-json-1.1";
	query_error_header(d, r);
}

static void
cbor_error(struct codec *d, struct wire_reply *r)
{
	struct call *c = d->c;
	const struct shape *s = c->error->shape;
	const struct field *m = message_field(c->error);
	cbor_write_map(d->out, CBOR_OPEN);
	cbor_write_text(d->out, STR("__type"));
	cbor_write_text(d->out, str_c(c->error->code));
	cbor_write_text(d->out, str_c(m ? m->name : "message"));
	cbor_write_text(d->out, message_of(c));
	for (unsigned i = 0; i < c->error_fields_n; i++) {
		cbor_write_text(d->out, c->error_fields[i][0]);
		cbor_write_text(d->out, c->error_fields[i][1]);
	}
	for (uint16_t i = 0; c->error_detail && i < s->fields_n; i++) {
		if (!detail_in_body(d, &s->fields[i]))
			continue;
		cbor_write_text(d->out, str_c(s->fields[i].name));
		codec_cbor_out_value(d, s->fields[i].shape,
			slot_of_const(c->error_detail, &s->fields[i]), SLOT_MEMBER);
	}
	cbor_write_break(d->out);
	r->content_type = "application/cbor";
	wire_reply_header(r, STR("smithy-protocol"), STR("rpc-v2-cbor"));
	query_error_header(d, r);
}

/* What every XML form has between its own wrappers. */
static void
xml_members(struct codec *d, const char *code)
{
	struct call *c = d->c;
	xml_write_element(d->out, "Code", str_c(code));
	xml_write_element(d->out, "Message", message_of(c));
	for (unsigned i = 0; i < c->error_fields_n; i++)
		xml_write_element(
			d->out, arena_cstr(c->arena, c->error_fields[i][0]), c->error_fields[i][1]);
	if (c->error_detail)
		codec_xml_out_members(d, c->error->shape, c->error_detail);
}

static struct str
or_empty(struct str s)
{
	return s.p ? s : STR("");
}

static void
query_error(struct codec *d, struct wire_reply *r)
{
	struct call *c = d->c;
	const char *ns = c->service ? c->service->xml_namespace : NULL;
	const char *code = c->protocol == PROTO_QUERY ? query_code(c->error) : c->error->code;
	xml_write_open_ns(d->out, "ErrorResponse", ns);
	xml_write_open(d->out, "Error");
	xml_write_element(d->out, "Type", str_c(sender_or_receiver(c->error)));
	xml_members(d, code);
	xml_write_close(d->out, "Error");
	xml_write_element(d->out, "RequestId", or_empty(c->request_id));
	xml_write_close(d->out, "ErrorResponse");
	r->content_type = "text/xml";
}

static void
ec2_error(struct codec *d, struct wire_reply *r)
{
	xml_write_declaration(d->out);
	xml_write_open(d->out, "Response");
	xml_write_open(d->out, "Errors");
	xml_write_open(d->out, "Error");
	xml_members(d, d->c->error->code);
	xml_write_close(d->out, "Error");
	xml_write_close(d->out, "Errors");
	xml_write_element(d->out, "RequestID", or_empty(d->c->request_id));
	xml_write_close(d->out, "Response");
	r->content_type = "text/xml;charset=UTF-8";
}

static void
s3_error(struct codec *d, struct wire_reply *r)
{
	struct call *c = d->c;
	xml_write_declaration(d->out);
	xml_write_open(d->out, "Error");
	xml_members(d, c->error->code);
	xml_write_element(d->out, "RequestId", or_empty(c->request_id));
	xml_write_element(d->out, "HostId", or_empty(c->extended_id));
	xml_write_close(d->out, "Error");
	r->content_type = "application/xml";
}

static void
rest_xml_error(struct codec *d, struct wire_reply *r)
{
	const struct service *s = d->c->service;
	if (!s || strcmp(s->name, "s3") == 0)
		s3_error(d, r);
	else
		query_error(d, r);
}

void
codec_encode_error(struct call *c, struct wire_reply *r)
{
	struct codec d;
	codec_init(&d, c, c->protocol, &r->body);
	/* Set after call_fail: S3 answers 200 with an <Error> when the reply has begun before the
	 * end. */
	r->status = c->status ? c->status : c->error->status ? c->error->status : 400;
	if (d.rest && c->error_detail && c->error->shape)
		codec_rest_headers(&d, c->error->shape, c->error_detail, r);
	/* No document belongs to these; HEAD has only its status to tell. */
	if (r->status == 304 || r->status == 204 || str_is(c->method, "HEAD")) {
		if (c->protocol == PROTO_REST_JSON)
			wire_reply_header(r, STR("x-amzn-errortype"), str_c(c->error->code));
		return;
	}
	switch (c->protocol) {
	case PROTO_QUERY:
		query_error(&d, r);
		break;
	case PROTO_EC2:
		ec2_error(&d, r);
		break;
	case PROTO_REST_XML:
		rest_xml_error(&d, r);
		break;
	case PROTO_CBOR:
		cbor_error(&d, r);
		break;
	default:
		json_error(&d, r);
		codec_crc_header(c, r);
	}
}
