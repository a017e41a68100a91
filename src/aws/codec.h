/*
 * codec: the wire protocols of AWS, both ways, driven by the tables of shape.h. One file for each
 * form: codec_json.c, codec_cbor.c, codec_query.c (query and ec2), codec_xml.c, codec_rest.c (HTTP
 * bindings of rest-json and rest-xml), codec_events.c (event stream framing), codec_error.c.
 *
 * Decoding borrows from the request's text where it can (arena for the rest) and is strict about
 * form, lenient about unknown members. Constraints are checked afterwards by validate.h.
 */
#ifndef HANEUL_AWS_CODEC_H
#define HANEUL_AWS_CODEC_H

#include "aws/call.h"
#include "base/buf.h"

/* What came in. path and query are raw; for rest protocols uri labels are matched against op->uri
 * (already stripped of path_prefix, and rewritten to path style for virtual hosts). */
struct wire_request {
	struct str method, path, query;
	const struct http_header *headers;
	unsigned headers_n;
	struct str content_type;
	struct str body;     /* whole; empty for streams (the body member is set by the front) */
	struct body *stream; /* what a SHAPE_BODY payload member becomes */
};

/* What goes out. */
struct wire_reply {
	uint16_t status;
	const char *content_type; /* NULL: none */
	struct str headers[64][2];
	unsigned headers_n;
	struct buf body;     /* owned by the reply; wire_reply_done */
	struct body *stream; /* a SHAPE_BODY payload member of the output; NULL: none */
};
void wire_reply_done(struct wire_reply *r);

/* Fills `in` (op->in_size zeroed bytes). CALL_OK, or CALL_FAILED with the protocol's own error
 * (SerializationException, MalformedXML, MalformedQueryString, InvalidArgument …) set in the call.
 */
int codec_decode(struct call *c, const struct op *op, const struct wire_request *r, void *in);
/* Status, headers and body of a success. */
void codec_encode(struct call *c, const struct op *op, const void *out, struct wire_reply *r);
/* Of c->error, in the error envelope of c->protocol (S3's own form included). */
void codec_encode_error(struct call *c, struct wire_reply *r);

/* Pieces that other code uses on its own. `value` points at the C member as shape.h describes. */
int codec_json_read(struct call *c, const struct shape *s, const struct json *j, void *value);
void codec_json_write(struct buf *out, const struct shape *s, const void *value);
int codec_xml_read(struct call *c, const struct shape *s, struct str xml, void *value);
void codec_xml_write(struct buf *out, const struct shape *s, const char *root, const void *value);

/* Event stream messages (application/vnd.amazon.eventstream): prelude, headers, payload, both CRCs.
 */
struct event_header {
	struct str name;
	uint8_t type; /* 0 true, 1 false, 2 byte, 3 short, 4 int, 5 long, 6 blob, 7 string, 8 time,
			 9 uuid */
	struct str text; /* types 6 and 7 */
	int64_t number;
};
void event_message_write(
	struct buf *out, const struct event_header *h, unsigned n, struct str payload);
/* Takes one message off *rest. 1 taken, 0 more bytes needed, -EBADMSG. Headers go to h (cap
 * entries). */
int event_message_read(struct str *rest, struct event_header *h, unsigned cap, unsigned *ret_n,
	struct str *ret_payload);
/* One event of an event stream: `events` is the union's shape, `name` the member ("Records"),
 * `event` its struct. Header members become headers; the payload member, else the rest as a
 * document of the call's protocol, the payload. */
void codec_event_write(struct call *c, const struct shape *events, const char *name,
	const void *event, struct buf *out);

#endif
