/*
 * Every operation of every service, in every protocol that it speaks: an output filled with values
 * is encoded, read as a client reads it, and must say the same; inputs likewise. It finds tables
 * whose names collide and shapes that a form cannot carry.
 */
#include "aws/codec_impl.h"
#include "base/clock.h"
#include "base/text.h"
#include "base/uri.h"
#include "unit.h"
#include "wire/http_server.h"

#include <stdio.h>

#define FILL_DEPTH 3

static unsigned different_n;

struct round {
	struct arena a;
	struct call c;
	unsigned n; /* makes values differ */
};

/* Both of its lists of system attribute names are AttributeName in a query; the first gets them. */
static bool
collides_on_purpose(const struct service *s, const struct op *op, enum protocol p)
{
	return p == PROTO_QUERY && strcmp(s->name, "sqs") == 0 &&
	       strcmp(op->name, "ReceiveMessage") == 0;
}

static void fill_struct(struct round *r, const struct shape *s, void *base, int depth);

static bool
any_present(const struct shape *s, const void *base)
{
	for (uint16_t i = 0; i < s->fields_n; i++)
		if (slot_present(s->fields[i].shape, slot_of_const(base, &s->fields[i])))
			return true;
	return false;
}

static void
fill_value(struct round *r, const struct shape *s, void *slot, enum slot k, int depth)
{
	switch (s->kind) {
	case SHAPE_STRUCT:
	case SHAPE_UNION: {
		if (k == SLOT_ELEMENT) {
			fill_struct(r, s, slot, depth + 1);
			break;
		}
		void *base = arena_alloc(&r->a, s->size);
		fill_struct(r, s, base, depth + 1);
		/* An empty struct is nothing in a query. */
		if (any_present(s, base))
			*(void **)slot = base;
		break;
	}
	case SHAPE_LIST:
	case SHAPE_MAP: {
		struct list_any *l = slot;
		l->n = 2;
		l->set = true;
		l->v = arena_alloc(&r->a, (size_t)s->size * 2);
		for (uint32_t i = 0; i < 2; i++) {
			char *at = list_at(s, slot, i);
			if (s->kind == SHAPE_MAP)
				*(struct str *)at = arena_printf(&r->a, "k%u", i);
			fill_value(r, s->value, s->kind == SHAPE_MAP ? at + s->value_offset : at,
				SLOT_ELEMENT, depth);
		}
		break;
	}
	case SHAPE_STR:
	case SHAPE_BLOB:
		*(struct str *)slot = arena_printf(&r->a, "v %u,&", r->n++);
		break;
	case SHAPE_BOOL:
		slot_set_bool(slot, k, r->n++ & 1);
		break;
	case SHAPE_FLOAT:
	case SHAPE_DOUBLE:
		slot_set_f64(slot, k, r->n++ + 0.5);
		break;
	case SHAPE_TIME:
		slot_set_time(slot, k, 1767323045000 + 1000 * r->n++);
		break;
	case SHAPE_INT:
	case SHAPE_LONG:
		slot_set_i64(slot, k, r->n++);
		break;
	default:
		break;
	}
}

static void
fill_struct(struct round *r, const struct shape *s, void *base, int depth)
{
	for (uint16_t i = 0; i < s->fields_n; i++) {
		const struct field *f = &s->fields[i];
		bool deep = f->shape->kind <= SHAPE_MAP;
		if (f->location == LOC_STATUS || (deep && depth >= FILL_DEPTH))
			continue;
		fill_value(r, f->shape, slot_of(base, f), SLOT_MEMBER, depth);
		/* Of a union one member alone is set; it is the first that a form can carry. */
		if (s->kind == SHAPE_UNION && slot_present(f->shape, slot_of(base, f)))
			break;
	}
}

static struct str
as_json(struct round *r, const struct shape *s, const void *value)
{
	struct buf b = { 0 };
	codec_json_write(&b, s, value);
	struct str t = arena_dup(&r->a, buf_str(&b));
	buf_done(&b);
	return t;
}

static void
round_init(struct round *r, const struct service *s, enum protocol p)
{
	memset(r, 0, sizeof(*r));
	arena_init(&r->a);
	r->c.arena = &r->a;
	r->c.service = s;
	r->c.protocol = (uint8_t)p;
	r->c.request_id = STR("id");
}

static void
check_same(struct round *r, const struct op *op, const struct shape *s, const void *put,
	const void *got)
{
	struct str want = as_json(r, s, put), have = got ? as_json(r, s, got) : STR("unreadable");
	if (str_eq(want, have))
		return;
	size_t at = 0;
	while (at < want.len && at < have.len && want.p[at] == have.p[at])
		at++;
	different_n++;
	print_error("%s %s protocol %d: got ...%.200s want ...%.200s (%.*s)\n", r->c.service->name,
		op->name, r->c.protocol, have.p + (at > 40 ? at - 40 : 0),
		want.p + (at > 40 ? at - 40 : 0), STR_FMT(r->c.error_message));
}

static void *
output_read(struct round *r, const struct op *op, const struct wire_reply *reply)
{
	const struct shape *s = op->out;
	void *out = arena_alloc(&r->a, s->size), *inner = NULL;
	struct field wrapped = { .name = "r", .wire = op->result_wrapper, .shape = s };
	struct shape wrapper = {
		.name = "w", .kind = SHAPE_STRUCT, .fields = &wrapped, .fields_n = 1, .size = 8
	};
	struct op turned = { .name = op->name, .in = s, .uri = "/" };
	struct http_header h[64];
	struct wire_request q = { .body = buf_str(&reply->body), .path = STR("/"), .headers = h };
	struct codec d;
	for (q.headers_n = 0; q.headers_n < reply->headers_n; q.headers_n++)
		h[q.headers_n] = (struct http_header){ reply->headers[q.headers_n][0],
			reply->headers[q.headers_n][1] };
	codec_init(&d, &r->c, r->c.protocol, NULL);
	d.reply = true;
	switch (r->c.protocol) {
	case PROTO_REST_JSON:
	case PROTO_REST_XML:
		/* The root that S3 wants on requests is not that of replies. */
		r->c.service = NULL;
		return codec_rest_decode(&d, &turned, &q, out) ? NULL : out;
	case PROTO_EC2:
		return codec_xml_body(&d, s, NULL, q.body, out) ? NULL : out;
	case PROTO_QUERY:
		if (!op->result_wrapper)
			return codec_xml_body(&d, s, NULL, q.body, out) ? NULL : out;
		return codec_xml_body(&d, &wrapper, NULL, q.body, &inner) ? NULL
		       : inner                                            ? inner
									  : out;
	default:
		return codec_decode(&r->c, &turned, &q, out) ? NULL : out;
	}
}

static bool
has_status_only(const struct op *op)
{
	return op->status == 204 || op->status == 304 || (op->flags & OP_FLAG_UNWRAPPED);
}

static void
output_round(const struct service *s, const struct op *op, enum protocol p)
{
	struct round r;
	struct wire_reply reply = { 0 };
	round_init(&r, s, p);
	void *out = arena_alloc(&r.a, op->out_size);
	fill_struct(&r, op->out, out, 0);
	codec_encode(&r.c, op, out, &reply);
	const void *got = output_read(&r, op, &reply);
	r.c.service = s;
	if (!has_status_only(op))
		check_same(&r, op, op->out, out, got);
	wire_reply_done(&reply);
	arena_done(&r.a);
}

/* What an SDK makes of an input in the query forms. */
static void
form_write(struct round *r, struct buf *b, const struct shape *s, struct str prefix,
	const void *slot, enum slot k, bool flat)
{
	bool ec2 = r->c.protocol == PROTO_EC2;
	char scratch[CODEC_TEXT_MAX];
	struct codec d;
	codec_init(&d, &r->c, r->c.protocol, NULL);
	if (s->kind == SHAPE_LIST || s->kind == SHAPE_MAP) {
		const char *between = s->kind == SHAPE_MAP ? "entry"
				      : s->value_wire      ? s->value_wire
							   : "member";
		struct str base =
			ec2 || flat ? prefix
				    : arena_printf(&r->a, "%.*s.%s", STR_FMT(prefix), between);
		for (uint32_t i = 0; i < ((const struct list_any *)slot)->n; i++) {
			const char *at = list_at(s, slot, i);
			struct str name = arena_printf(&r->a, "%.*s.%u", STR_FMT(base), i + 1);
			if (s->kind == SHAPE_LIST) {
				form_write(r, b, s->value, name, at, SLOT_ELEMENT, false);
				continue;
			}
			form_write(r, b, s->key,
				arena_printf(&r->a, "%.*s.%s", STR_FMT(name),
					s->key_wire ? s->key_wire : "key"),
				at, SLOT_ELEMENT, false);
			form_write(r, b, s->value,
				arena_printf(&r->a, "%.*s.%s", STR_FMT(name),
					s->value_wire ? s->value_wire : "value"),
				at + s->value_offset, SLOT_ELEMENT, false);
		}
	} else if (codec_is_scalar(s)) {
		buf_printf(b, "&%.*s=", STR_FMT(prefix));
		uri_add(b, codec_scalar_text(&d, s, FIELD_TIME_ISO, slot, k, scratch), 0);
	} else if (s->kind == SHAPE_STRUCT || s->kind == SHAPE_UNION) {
		const void *base = slot_struct_get(slot, k);
		for (uint16_t i = 0; i < s->fields_n; i++) {
			const struct field *f = &s->fields[i];
			const char *own = f->query ? f->query : f->wire;
			if (!slot_present(f->shape, slot_of_const(base, f)))
				continue;
			struct str name = arena_printf(
				&r->a, "%.*s%s%s", STR_FMT(prefix), prefix.len ? "." : "", own);
			if (ec2 && !f->query && name.p[prefix.len + !!prefix.len] >= 'a')
				((char *)name.p)[prefix.len + !!prefix.len] &= ~0x20;
			form_write(r, b, f->shape, name, slot_of_const(base, f), SLOT_MEMBER,
				codec_is_flat(f));
		}
	}
}

static void
input_round(const struct service *s, const struct op *op, enum protocol p)
{
	struct round r;
	struct buf b = { 0 };
	struct codec d;
	round_init(&r, s, p);
	void *in = arena_alloc(&r.a, op->in_size), *got = arena_alloc(&r.a, op->in_size);
	fill_struct(&r, op->in, in, 0);
	codec_init(&d, &r.c, (uint8_t)p, &b);
	if (p == PROTO_CBOR)
		codec_cbor_out(&d, op->in, in);
	else if (p == PROTO_JSON10 || p == PROTO_JSON11)
		codec_json_out(&d, op->in, in);
	else
		form_write(&r, &b, op->in, STR(""), in, SLOT_ELEMENT, false);
	struct wire_request q = { .body = buf_str(&b), .path = STR("/") };
	bool read = codec_decode(&r.c, op, &q, got) == CALL_OK;
	check_same(&r, op, op->in, in, read ? got : NULL);
	buf_done(&b);
	arena_done(&r.a);
}

TEST(tables_of_every_service_carry_every_operation)
{
	unsigned outputs = 0, inputs = 0;
	different_n = 0;
	for (unsigned i = 0; i < services_n; i++) {
		const struct service *s = services[i];
		for (unsigned p = 0; p < PROTO_N; p++) {
			if (!(s->protocols & (1 << p)))
				continue;
			for (unsigned o = 0; o < s->ops_n; o++) {
				const struct op *op = &s->ops[o];
				bool rest = p == PROTO_REST_JSON || p == PROTO_REST_XML;
				if (op->out && ++outputs)
					output_round(s, op, p);
				if (op->in && !rest && !collides_on_purpose(s, op, p) && ++inputs)
					input_round(s, op, p);
			}
		}
	}
	print_message("tables: %u outputs, %u inputs\n", outputs, inputs);
	assert_int_equal(different_n, 0);
}
