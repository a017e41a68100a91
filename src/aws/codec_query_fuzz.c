#include "aws/codec_impl.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct node {
	struct str name;
	struct opt_i64 count;
	struct opt_time at;
	struct list_str names;
	struct map_str map;
	struct node *inner;
	struct {
		struct node *v;
		uint32_t n;
		bool set;
	} nodes;
};

static const struct shape text = { .name = "Text", .kind = SHAPE_STR };
static const struct shape number = { .name = "Number", .kind = SHAPE_INT };
static const struct shape when = { .name = "When", .kind = SHAPE_TIME };
static const struct shape names = {
	.kind = SHAPE_LIST, .value = &text, .size = sizeof(struct str)
};
static const struct shape map = { .kind = SHAPE_MAP,
	.key = &text,
	.value = &text,
	.size = sizeof(struct map_str_entry),
	.value_offset = offsetof(struct map_str_entry, value) };
static const struct shape node_shape;
static const struct shape nodes = {
	.kind = SHAPE_LIST, .value = &node_shape, .value_wire = "item", .size = sizeof(struct node)
};
static const struct field fields[] = {
	{ "A", "A", NULL, &text, 0, offsetof(struct node, name), 0, LOC_BODY },
	{ "B", "B", NULL, &number, 0, offsetof(struct node, count), 0, LOC_BODY },
	{ "C", "C", NULL, &when, 0, offsetof(struct node, at), 0, LOC_BODY },
	{ "D", "D", NULL, &names, 0, offsetof(struct node, names), 0, LOC_BODY },
	{ "E", "E", NULL, &map, FIELD_FLATTENED, offsetof(struct node, map), 0, LOC_BODY },
	{ "F", "F", NULL, &node_shape, 0, offsetof(struct node, inner), 0, LOC_BODY },
	{ "G", "G", NULL, &nodes, 0, offsetof(struct node, nodes), 0, LOC_BODY },
};
static const struct shape node_shape = { .name = "Node",
	.kind = SHAPE_STRUCT,
	.fields = fields,
	.fields_n = 7,
	.size = sizeof(struct node) };
static const struct op op = { .name = "Fuzz",
	.in = &node_shape,
	.out = &node_shape,
	.result_wrapper = "FuzzResult",
	.method = "POST",
	.uri = "/" };

/* The first byte chooses the protocol; what is understood can be written, and read again as JSON.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t protocols[] = { PROTO_QUERY, PROTO_EC2, PROTO_JSON10, PROTO_REST_XML,
		PROTO_CBOR };
	struct arena a = { 0 };
	struct call c = { .arena = &a };
	if (size == 0)
		return 0;
	c.protocol = protocols[data[0] % sizeof(protocols)];
	char *copy = malloc(size);
	memcpy(copy, data + 1, size - 1);
	struct wire_request r = { .body = str_of(copy, size - 1), .path = STR("/") };
	struct node in = { 0 };
	if (codec_decode(&c, &op, &r, &in) == CALL_OK) {
		struct wire_reply reply = { 0 };
		codec_encode(&c, &op, &in, &reply);
		wire_reply_done(&reply);
		memset(&reply, 0, sizeof(reply));
		c.protocol = PROTO_JSON10;
		codec_encode(&c, &op, &in, &reply);
		struct node again = { 0 };
		r.body = buf_str(&reply.body);
		if (codec_decode(&c, &op, &r, &again) != CALL_OK)
			abort();
		wire_reply_done(&reply);
	} else if (!c.error || !c.error_message.p) {
		abort();
	}
	free(copy);
	arena_done(&a);
	return 0;
}
