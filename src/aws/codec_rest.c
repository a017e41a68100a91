/* The HTTP bindings of rest-json and rest-xml: labels, query, headers, status, payload. Requests.
 */
#include "aws/codec_impl.h"
#include "aws/codec_route.h"
#include "base/json.h"
#include "base/text.h"
#include "base/uri.h"
#include "wire/http_server.h"

#define LABELS_MAX 16
#define PARAMS_MAX 1000

/* One text for one scalar member, with the location's own forms. */
static int
text_read(struct codec *d, const struct field *f, const struct shape *s, struct str text,
	void *slot, enum slot k)
{
	if (codec_scalar_read(d, s, text, slot, k))
		return 0;
	return codec_bad_value(d, f->wire, text);
}

static int
labels_read(struct codec *d, const struct op *op, const struct wire_request *r, void *in)
{
	struct route_label labels[LABELS_MAX];
	int n = op->uri ? route_match(op->uri, r->path, labels, LABELS_MAX) : 0;
	for (int i = 0; i < n && i < LABELS_MAX; i++) {
		for (uint16_t j = 0; j < op->in->fields_n; j++) {
			const struct field *f = &op->in->fields[j];
			if ((f->location != LOC_URI && f->location != LOC_URI_GREEDY) ||
				!codec_name_is(f->wire, labels[i].name))
				continue;
			struct str v = uri_decode(d->c->arena, labels[i].value, 0);
			if (!v.p || !str_utf8_valid(v))
				return codec_bad_value(d, f->wire, labels[i].value);
			if (text_read(d, f, f->shape, v, slot_of(in, f), SLOT_MEMBER))
				return CALL_FAILED;
		}
	}
	return 0;
}

struct params {
	struct uri_param *v; /* decoded */
	unsigned n;
	const char *uri; /* of the operation: its constants are no members */
};

static int
params_parse(struct codec *d, struct str query, struct params *p)
{
	struct str count = query;
	struct uri_param one;
	unsigned n = 0;
	while (n <= PARAMS_MAX && uri_param_next(&count, &one))
		n++;
	if (n > PARAMS_MAX)
		return codec_bad(d, "Too many query parameters");
	p->v = n ? arena_array(d->c->arena, struct uri_param, n) : NULL;
	for (p->n = 0; p->n < n && uri_param_next(&query, &one); p->n++) {
		p->v[p->n].key = uri_decode(d->c->arena, one.key, URI_PLUS_IS_SPACE);
		p->v[p->n].value = one.value.p
					   ? uri_decode(d->c->arena, one.value, URI_PLUS_IS_SPACE)
					   : STR("");
		if (!p->v[p->n].key.p || !p->v[p->n].value.p || !str_utf8_valid(p->v[p->n].value))
			return codec_bad_value(d, "query", one.key);
	}
	return 0;
}

static const struct field *
query_field(const struct shape *in, struct str key)
{
	for (uint16_t i = 0; i < in->fields_n; i++)
		if (in->fields[i].location == LOC_QUERY && in->fields[i].shape->kind != SHAPE_MAP &&
			codec_name_is(in->fields[i].wire, key))
			return &in->fields[i];
	return NULL;
}

static bool
uri_constant(const char *uri, struct str key)
{
	struct str rest = str_c(uri);
	str_cut(&rest, '?');
	while (rest.p) {
		struct str value = str_cut(&rest, '&');
		if (str_eq(str_cut(&value, '='), key))
			return true;
	}
	return false;
}

static unsigned
params_of(const struct params *p, struct str key, unsigned from)
{
	unsigned n = 0;
	for (unsigned i = from; i < p->n; i++)
		n += str_eq(p->v[i].key, key);
	return n;
}

/* Every value of a repeated parameter, the first of which stands at `from`. */
static int
query_list(struct codec *d, const struct field *f, const struct shape *s, const struct params *p,
	unsigned from, void *slot)
{
	uint32_t n = 0;
	struct str key = p->v[from].key;
	if (((struct list_any *)slot)->set)
		return 0;
	if (slot_list(d, s, slot, params_of(p, key, from)))
		return CALL_FAILED;
	for (unsigned i = from; i < p->n; i++)
		if (str_eq(p->v[i].key, key) && text_read(d, f, s->value, p->v[i].value,
							list_at(s, slot, n++), SLOT_ELEMENT))
			return CALL_FAILED;
	return 0;
}

static bool
first_of_key(const struct params *p, unsigned at)
{
	for (unsigned i = 0; i < at; i++)
		if (str_eq(p->v[i].key, p->v[at].key))
			return false;
	return true;
}

static bool
free_param(const struct params *p, unsigned at)
{
	return !uri_constant(p->uri, p->v[at].key) && first_of_key(p, at);
}

/* A map of all parameters, those that other members name too (as servers of the Smithy trait do).
 */
static int
query_map(struct codec *d, const struct field *f, const struct params *p, void *slot)
{
	const struct shape *s = f->shape;
	uint32_t n = 0;
	for (unsigned i = 0; i < p->n; i++)
		n += free_param(p, i);
	if (n == 0)
		return 0;
	if (slot_list(d, s, slot, n))
		return CALL_FAILED;
	n = 0;
	for (unsigned i = 0; i < p->n; i++) {
		if (!free_param(p, i))
			continue;
		char *entry = list_at(s, slot, n++);
		void *value = entry + s->value_offset;
		*(struct str *)entry = p->v[i].key;
		int r = s->value->kind == SHAPE_LIST
				? query_list(d, f, s->value, p, i, value)
				: text_read(d, f, s->value, p->v[i].value, value, SLOT_ELEMENT);
		if (r)
			return r;
	}
	return 0;
}

static int
query_read(struct codec *d, const struct op *op, const struct wire_request *r, void *in)
{
	struct params p = { .uri = op->uri };
	if (params_parse(d, r->query, &p))
		return CALL_FAILED;
	for (unsigned i = 0; i < p.n; i++) {
		const struct field *f = query_field(op->in, p.v[i].key);
		if (!f)
			continue;
		void *slot = slot_of(in, f);
		if (f->shape->kind == SHAPE_LIST) {
			if (query_list(d, f, f->shape, &p, i, slot))
				return CALL_FAILED;
			continue;
		}
		/* "?max-keys=" is as good as no max-keys; of repeated scalars the first counts. */
		if (slot_present(f->shape, slot) ||
			(!p.v[i].value.len && f->shape->kind != SHAPE_STR))
			continue;
		if (text_read(d, f, f->shape, p.v[i].value, slot, SLOT_MEMBER))
			return CALL_FAILED;
	}
	for (uint16_t i = 0; i < op->in->fields_n; i++) {
		const struct field *f = &op->in->fields[i];
		if (f->location == LOC_QUERY && f->shape->kind == SHAPE_MAP &&
			query_map(d, f, &p, slot_of(in, f)))
			return CALL_FAILED;
	}
	return 0;
}

/* Takes one entry off a header list: quoted entries lose their quotes; a date keeps its own comma.
 */
static struct str
header_item(struct codec *d, const struct shape *s, uint32_t time, struct str *rest)
{
	struct str t = str_trim(*rest);
	if (t.len && t.p[0] == '"') {
		char *p = arena_alloc_raw(d->c->arena, t.len);
		size_t n = 0, i = 1;
		for (; i < t.len && t.p[i] != '"'; i++) {
			if (t.p[i] == '\\' && i + 1 < t.len)
				i++;
			p[n++] = t.p[i];
		}
		*rest = str_slice(t, i + 1, t.len);
		str_cut(rest, ',');
		return str_of(p, n);
	}
	long comma = str_find(t, ',');
	if (s->kind == SHAPE_TIME && (time & FIELD_TIME_HTTP) && comma >= 0) {
		long second = str_find(str_slice(t, (size_t)comma + 1, t.len), ',');
		comma = second < 0 ? -1 : comma + 1 + second;
	}
	*rest = comma < 0 ? STR_NULL : str_slice(t, (size_t)comma + 1, t.len);
	return str_trim(comma < 0 ? t : str_slice(t, 0, (size_t)comma));
}

static int
header_list(struct codec *d, const struct field *f, struct str value, void *slot)
{
	const struct shape *s = f->shape;
	struct list_any *l = slot, before = *l;
	uint32_t time = codec_time_flag(f->flags, s->value, FIELD_TIME_HTTP), max = before.n + 1,
		 n = before.n;
	for (size_t i = 0; i < value.len; i++)
		max += value.p[i] == ',';
	if (slot_list(d, s, slot, max))
		return CALL_FAILED;
	if (before.n)
		memcpy(l->v, before.v, (size_t)before.n * s->size);
	struct str rest = value;
	while (rest.p && str_trim(rest).len) {
		struct str item = header_item(d, s->value, time, &rest);
		if (text_read(d, f, s->value, item, list_at(s, slot, n++), SLOT_ELEMENT))
			return CALL_FAILED;
	}
	l->n = n;
	return 0;
}

static int
header_read(struct codec *d, const struct field *f, struct str value, void *slot)
{
	const struct shape *s = f->shape;
	if (s->kind == SHAPE_LIST)
		return header_list(d, f, value, slot);
	if (!codec_is_scalar(s) || slot_present(s, slot))
		return 0;
	if (!value.len && s->kind != SHAPE_STR)
		return 0;
	if ((f->flags & FIELD_JSON_VALUE) && s->kind == SHAPE_STR) {
		*(struct str *)slot = base64_bytes(d->c->arena, value, BASE64_LENIENT);
		return ((struct str *)slot)->p ? 0 : codec_bad_value(d, f->wire, value);
	}
	return text_read(d, f, s, value, slot, SLOT_MEMBER);
}

/* User metadata keys are stored in lower case, whatever the client wrote. */
static struct str
metadata_key(struct codec *d, struct str prefix, struct str name)
{
	struct str key = str_slice(name, prefix.len, name.len);
	if (!str_eq_nocase(prefix, STR("x-amz-meta-")))
		return key;
	char *p = arena_alloc_raw(d->c->arena, key.len);
	for (size_t i = 0; i < key.len; i++)
		p[i] = key.p[i] >= 'A' && key.p[i] <= 'Z' ? (char)(key.p[i] | 0x20) : key.p[i];
	return str_of(p, key.len);
}

static bool
has_prefix(struct str name, struct str prefix)
{
	return name.len >= prefix.len && str_eq_nocase(str_slice(name, 0, prefix.len), prefix);
}

static int
header_map(struct codec *d, const struct field *f, const struct wire_request *r, void *slot)
{
	const struct shape *s = f->shape;
	struct str prefix = str_c(f->wire);
	uint32_t n = 0;
	for (unsigned i = 0; i < r->headers_n; i++)
		n += has_prefix(r->headers[i].name, prefix);
	if (n == 0)
		return 0;
	if (slot_list(d, s, slot, n))
		return CALL_FAILED;
	n = 0;
	for (unsigned i = 0; i < r->headers_n; i++) {
		if (!has_prefix(r->headers[i].name, prefix))
			continue;
		char *entry = list_at(s, slot, n);
		*(struct str *)entry = metadata_key(d, prefix, r->headers[i].name);
		if (text_read(d, f, s->value, r->headers[i].value, entry + s->value_offset,
			    SLOT_ELEMENT))
			return CALL_FAILED;
		n++;
	}
	return 0;
}

static int
headers_read(struct codec *d, const struct op *op, const struct wire_request *r, void *in)
{
	for (uint16_t j = 0; j < op->in->fields_n; j++) {
		const struct field *f = &op->in->fields[j];
		if (f->location == LOC_HEADERS && f->shape->kind == SHAPE_MAP &&
			header_map(d, f, r, slot_of(in, f)))
			return CALL_FAILED;
		if (f->location != LOC_HEADER)
			continue;
		struct str name = str_c(f->wire);
		for (unsigned i = 0; i < r->headers_n; i++)
			/* PutObject has some forty header members: the length and a late letter say
			 * no. */
			if (r->headers[i].name.len == name.len &&
				((r->headers[i].name.p[name.len - 1] ^ name.p[name.len - 1]) &
					0x5f) == 0 &&
				str_eq_nocase(r->headers[i].name, name) &&
				header_read(d, f, r->headers[i].value, slot_of(in, f)))
				return CALL_FAILED;
	}
	return 0;
}

static int
payload_json(struct codec *d, const struct field *f, struct str body, void *slot)
{
	struct json_error e;
	const struct json *j = json_parse(d->c->arena, body, CODEC_DEPTH, &e);
	if (!j)
		return codec_bad(d, "Malformed JSON at byte %zu: %s", e.at, e.why);
	return codec_json_value(d, f->shape, j, slot, SLOT_MEMBER);
}

static int
payload_read(struct codec *d, const struct field *f, const struct wire_request *r, void *in)
{
	void *slot = slot_of(in, f);
	switch (f->shape->kind) {
	case SHAPE_BODY:
	case SHAPE_EVENTS:
		*(struct body **)slot = r->stream;
		return 0;
	case SHAPE_BLOB:
	case SHAPE_STR:
		if (r->body.len && f->shape->kind == SHAPE_STR && !str_utf8_valid(r->body))
			return codec_bad(d, "The body is not UTF-8");
		if (r->body.len)
			*(struct str *)slot = r->body;
		return 0;
	default:
		break;
	}
	if (!str_trim(r->body).len)
		return 0;
	if (d->protocol == PROTO_REST_JSON || f->shape->kind == SHAPE_DOCUMENT)
		return payload_json(d, f, r->body, slot);
	if (f->shape->kind != SHAPE_STRUCT && f->shape->kind != SHAPE_UNION)
		return codec_bad(d, "This operation has no such body");
	void *base = slot_struct(d, f->shape, slot, SLOT_MEMBER);
	const char *root = d->c->service && strcmp(d->c->service->name, "s3") == 0 ? f->wire : NULL;
	return base ? codec_xml_body(d, f->shape, root, r->body, base) : CALL_FAILED;
}

static int
body_read(struct codec *d, const struct op *op, const struct wire_request *r, void *in)
{
	bool any = false;
	for (uint16_t i = 0; i < op->in->fields_n; i++) {
		const struct field *f = &op->in->fields[i];
		if (f->location == LOC_PAYLOAD)
			return payload_read(d, f, r, in);
		any |= codec_in_body(d, f);
	}
	if (!any || !str_trim(r->body).len)
		return 0;
	if (d->protocol == PROTO_REST_JSON)
		return codec_json_body(d, op->in, r->body, in);
	return codec_xml_body(d, op->in, NULL, r->body, in);
}

int
codec_rest_decode(struct codec *d, const struct op *op, const struct wire_request *r, void *in)
{
	if (labels_read(d, op, r, in) || query_read(d, op, r, in) || headers_read(d, op, r, in))
		return CALL_FAILED;
	return body_read(d, op, r, in);
}
