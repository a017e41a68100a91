/* Which form reads and writes a call: by its protocol. */
#include "aws/codec_impl.h"
#include "base/xml.h"

#include <stdio.h>

int
codec_decode(struct call *c, const struct op *op, const struct wire_request *r, void *in)
{
	struct codec d;
	if (!op->in)
		return CALL_OK;
	codec_init(&d, c, c->protocol, NULL);
	/* In rest-xml the encoding is the object's own (S3). */
	struct str body = r->body;
	if (c->protocol != PROTO_REST_XML && codec_inflate(&d, r, &body))
		return CALL_FAILED;
	switch (c->protocol) {
	case PROTO_QUERY:
	case PROTO_EC2:
		return codec_query_body(&d, op->in, r->query, body, in);
	case PROTO_CBOR:
		return codec_cbor_body(&d, op->in, body, in);
	case PROTO_REST_JSON:
	case PROTO_REST_XML: {
		struct wire_request plain = *r;
		plain.body = body;
		return codec_rest_decode(&d, op, &plain, in);
	}
	default:
		return codec_json_body(&d, op->in, body, in);
	}
}

static void
query_encode(struct codec *d, const struct op *op, const void *out)
{
	struct buf *b = d->out;
	const struct service *s = d->c->service;
	char root[160];
	snprintf(root, sizeof(root), "%sResponse", op->name);
	xml_write_open_ns(b, root, s ? s->xml_namespace : NULL);
	if (op->result_wrapper) {
		xml_write_open(b, op->result_wrapper);
		if (op->out)
			codec_xml_out_members(d, op->out, out);
		xml_write_close(b, op->result_wrapper);
	} else if (op->out) {
		codec_xml_out_members(d, op->out, out);
	}
	xml_write_open(b, "ResponseMetadata");
	xml_write_element(b, "RequestId", d->c->request_id.p ? d->c->request_id : STR(""));
	xml_write_close(b, "ResponseMetadata");
	xml_write_close(b, root);
}

static void
ec2_encode(struct codec *d, const struct op *op, const void *out)
{
	struct buf *b = d->out;
	const struct service *s = d->c->service;
	char root[160];
	snprintf(root, sizeof(root), "%sResponse", op->name);
	xml_write_declaration(b);
	xml_write_open_ns(b, root, s ? s->xml_namespace : NULL);
	xml_write_element(b, "requestId", d->c->request_id.p ? d->c->request_id : STR(""));
	if (op->out)
		codec_xml_out_members(d, op->out, out);
	xml_write_close(b, root);
}

/* Clients of DynamoDB check it. */
void
codec_crc_header(struct call *c, struct wire_reply *r)
{
	if (c->service && c->service->id && strcmp(c->service->id, "dynamodb") == 0)
		wire_reply_header(r, STR("x-amz-crc32"),
			arena_printf(c->arena, "%u", crc32_ieee(0, buf_str(&r->body))));
}

void
codec_encode(struct call *c, const struct op *op, const void *out, struct wire_reply *r)
{
	struct codec d;
	codec_init(&d, c, c->protocol, &r->body);
	r->status = c->status ? c->status : op->status ? op->status : 200;
	switch (c->protocol) {
	case PROTO_QUERY:
		r->content_type = "text/xml";
		query_encode(&d, op, out);
		break;
	case PROTO_EC2:
		r->content_type = "text/xml;charset=UTF-8";
		ec2_encode(&d, op, out);
		break;
	case PROTO_CBOR:
		wire_reply_header(r, STR("smithy-protocol"), STR("rpc-v2-cbor"));
		if (op->out) {
			r->content_type = "application/cbor";
			codec_cbor_out(&d, op->out, out);
		}
		break;
	case PROTO_REST_JSON:
	case PROTO_REST_XML:
		codec_rest_encode(&d, op, out, r);
		/* The handler's word counts most: 206, 304. */
		if (c->status)
			r->status = c->status;
		break;
	default:
		r->content_type = c->protocol == PROTO_JSON10 ? "application/x-amz-json-1.0"
							      : "application/x-amz-json-1.1";
		if (op->out)
			codec_json_out(&d, op->out, out);
		codec_crc_header(c, r);
	}
}
