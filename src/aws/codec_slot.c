#include "aws/codec_impl.h"
#include "aws/errors.h"
#include "base/clock.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>

void
codec_init(struct codec *d, struct call *c, uint8_t protocol, struct buf *out)
{
	const struct service *s = c ? c->service : NULL;
	memset(d, 0, sizeof(*d));
	d->c = c;
	d->out = out;
	d->protocol = protocol;
	d->reply = out != NULL;
	d->rest = protocol == PROTO_REST_JSON || protocol == PROTO_REST_XML;
	d->iso_ms = protocol == PROTO_EC2 || (s && strcmp(s->name, "s3") == 0);
	/* Only rest-json renames members; other JSON and CBOR use the members' own names. */
	d->key = protocol == PROTO_QUERY            ? KEY_QUERY
		 : protocol == PROTO_EC2 || d->rest ? KEY_WIRE
						    : KEY_NAME;
}

int
codec_bad(struct codec *d, const char *fmt, ...)
{
	char why[256];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	/* S3 has one sentence for everything that is wrong with a document. */
	if (d->protocol == PROTO_REST_XML)
		return call_fail(d->c, &ERR_SerializationException, NULL);
	return call_fail(d->c, &ERR_SerializationException, "%s", why);
}

int
codec_bad_value(struct codec *d, const char *name, struct str value)
{
	if (value.len > 200)
		value.len = 200;
	if (d->protocol == PROTO_REST_XML)
		call_fail(d->c, &ERR_InvalidParameterValue, "Provided %s not valid: '%.*s'", name,
			STR_FMT(value));
	else
		call_fail(d->c, &ERR_InvalidParameterValue,
			"Value (%.*s) for parameter %s is invalid.", STR_FMT(value), name);
	if (d->protocol == PROTO_REST_XML) {
		call_fail_field(d->c, "ArgumentName", str_c(name));
		call_fail_field(d->c, "ArgumentValue", arena_dup(d->c->arena, value));
	}
	return CALL_FAILED;
}

int
codec_enter(struct codec *d)
{
	if (d->depth >= CODEC_DEPTH)
		return codec_bad(d, "The input is nested too deeply");
	d->depth++;
	return 0;
}

const struct field *
codec_field(const struct shape *s, struct str key, enum codec_key k, uint16_t *hint)
{
	uint16_t n = s->fields_n, at = *hint < n ? *hint : 0;
	for (uint16_t i = 0; i < n; i++) {
		const struct field *f = &s->fields[at];
		at = at + 1 == n ? 0 : (uint16_t)(at + 1);
		if (codec_name_is(codec_key_of(f, k), key)) {
			*hint = at;
			return f;
		}
	}
	return NULL;
}

bool
slot_present(const struct shape *s, const void *m)
{
	switch (s->kind) {
	case SHAPE_STRUCT:
	case SHAPE_UNION:
	case SHAPE_DOCUMENT:
	case SHAPE_BODY:
	case SHAPE_EVENTS:
		return *(const void *const *)m != NULL;
	case SHAPE_LIST:
	case SHAPE_MAP:
		return ((const struct list_any *)m)->set || ((const struct list_any *)m)->n;
	case SHAPE_STR:
	case SHAPE_BLOB:
		return ((const struct str *)m)->p != NULL;
	case SHAPE_BOOL:
		return ((const struct opt_bool *)m)->set;
	case SHAPE_FLOAT:
	case SHAPE_DOUBLE:
		return ((const struct opt_f64 *)m)->set;
	case SHAPE_TIME:
		return ((const struct opt_time *)m)->set;
	default:
		return ((const struct opt_i64 *)m)->set;
	}
}

static int
memory_take(struct codec *d, size_t bytes)
{
	if (bytes > CODEC_MEMORY || d->memory + bytes > CODEC_MEMORY)
		return call_fail(d->c, &ERR_RequestEntityTooLarge, NULL);
	d->memory += bytes;
	return 0;
}

void *
slot_struct(struct codec *d, const struct shape *s, void *slot, enum slot k)
{
	if (k == SLOT_ELEMENT)
		return slot;
	void **at = slot;
	if (!*at) {
		if (memory_take(d, s->size))
			return NULL;
		*at = arena_alloc(d->c->arena, s->size);
	}
	return *at;
}

int
slot_list(struct codec *d, const struct shape *s, void *slot, uint32_t n)
{
	struct list_any *l = slot;
	if (memory_take(d, (size_t)n * s->size))
		return CALL_FAILED;
	l->v = arena_alloc(d->c->arena, (size_t)n * s->size);
	l->n = n;
	l->set = true;
	return 0;
}

void
slot_set_i64(void *slot, enum slot k, int64_t v)
{
	if (k == SLOT_MEMBER)
		*(struct opt_i64 *)slot = OPT_I64(v);
	else
		*(int64_t *)slot = v;
}

void
slot_set_bool(void *slot, enum slot k, bool v)
{
	if (k == SLOT_MEMBER)
		*(struct opt_bool *)slot = OPT_BOOL(v);
	else
		*(bool *)slot = v;
}

void
slot_set_f64(void *slot, enum slot k, double v)
{
	if (k == SLOT_MEMBER)
		*(struct opt_f64 *)slot = OPT_F64(v);
	else
		*(double *)slot = v;
}

void
slot_set_time(void *slot, enum slot k, int64_t ms)
{
	if (k == SLOT_MEMBER)
		*(struct opt_time *)slot = OPT_TIME(ms);
	else
		*(int64_t *)slot = ms;
}

int64_t
slot_i64(const void *slot, enum slot k)
{
	return k == SLOT_MEMBER ? ((const struct opt_i64 *)slot)->v : *(const int64_t *)slot;
}

bool
slot_bool(const void *slot, enum slot k)
{
	return k == SLOT_MEMBER ? ((const struct opt_bool *)slot)->v : *(const bool *)slot;
}

double
slot_f64(const void *slot, enum slot k)
{
	return k == SLOT_MEMBER ? ((const struct opt_f64 *)slot)->v : *(const double *)slot;
}

int64_t
slot_time(const void *slot, enum slot k)
{
	return k == SLOT_MEMBER ? ((const struct opt_time *)slot)->ms : *(const int64_t *)slot;
}

uint32_t
codec_time_flag(uint32_t field_flags, const struct shape *s, uint32_t default_flag)
{
	const uint32_t mask = FIELD_TIME_ISO | FIELD_TIME_HTTP | FIELD_TIME_EPOCH;
	if (field_flags & mask)
		return field_flags & mask;
	return s->flags & mask ? s->flags & mask : default_flag;
}

static bool
read_bool(struct str t, bool *ret)
{
	if (str_eq_nocase(t, STR("true")) || str_is(t, "1"))
		*ret = true;
	else if (str_eq_nocase(t, STR("false")) || str_is(t, "0"))
		*ret = false;
	else
		return false;
	return true;
}

static bool
read_i64(const struct shape *s, struct str t, int64_t *ret)
{
	double f;
	if (!str_to_i64(t, ret)) {
		/* 2^63 itself is not in range; what is can be cast. */
		if (!str_to_f64(t, &f) || f != floor(f) || f < -0x1p63 || f >= 0x1p63)
			return false;
		*ret = (int64_t)f;
	}
	return s->kind != SHAPE_INT || (*ret >= INT32_MIN && *ret <= INT32_MAX);
}

static bool
read_time(struct str t, int64_t *ret)
{
	return time_parse_epoch(t, ret) || time_parse(t, ret);
}

bool
codec_scalar_read(struct codec *d, const struct shape *s, struct str text, void *slot, enum slot k)
{
	struct str t = str_trim(text);
	int64_t i;
	double f;
	bool b;
	switch (s->kind) {
	case SHAPE_STR:
		*(struct str *)slot = text.p ? text : STR("");
		return true;
	case SHAPE_BLOB:
		*(struct str *)slot =
			base64_bytes(d->c->arena, text.p ? text : STR(""), BASE64_LENIENT);
		return ((struct str *)slot)->p != NULL;
	case SHAPE_BOOL:
		if (!read_bool(t, &b))
			return false;
		slot_set_bool(slot, k, b);
		return true;
	case SHAPE_INT:
	case SHAPE_LONG:
		if (!read_i64(s, t, &i))
			return false;
		slot_set_i64(slot, k, i);
		return true;
	case SHAPE_FLOAT:
	case SHAPE_DOUBLE:
		if (!str_to_f64(t, &f))
			return false;
		slot_set_f64(slot, k, f);
		return true;
	case SHAPE_TIME:
		if (!read_time(t, &i))
			return false;
		slot_set_time(slot, k, i);
		return true;
	default:
		return false;
	}
}

bool
codec_is_scalar(const struct shape *s)
{
	return s->kind >= SHAPE_STR && s->kind <= SHAPE_TIME;
}

/* Every reply has a length: printf would be a tenth of a small GET. */
static struct str
i64_text(int64_t v, char *scratch)
{
	char tmp[24], *end = tmp + sizeof(tmp), *at = end;
	uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
	do
		*--at = (char)('0' + u % 10);
	while (u /= 10);
	if (v < 0)
		*--at = '-';
	/* From its start: callers tell by that whether a text must be copied. */
	memcpy(scratch, at, (size_t)(end - at));
	return str_of(scratch, (size_t)(end - at));
}

static struct str
time_scalar(const struct codec *d, uint32_t flag, int64_t ms, char *scratch)
{
	_Static_assert(
		CODEC_TEXT_MAX >= TIME_TEXT_MAX && CODEC_TEXT_MAX >= TEXT_F64_MAX, "scratch");
	if (flag & FIELD_TIME_EPOCH) {
		int64_t s = ms / 1000, rest = ms % 1000;
		int n = rest ? snprintf(scratch, CODEC_TEXT_MAX, "%s%lld.%03d",
				       ms < 0 && !s ? "-" : "", (long long)s,
				       (int)(rest < 0 ? -rest : rest))
			     : snprintf(scratch, CODEC_TEXT_MAX, "%lld", (long long)s);
		return str_of(scratch, (size_t)n);
	}
	if (flag & FIELD_TIME_HTTP)
		return time_format(ms, TIME_HTTP, scratch);
	return time_format(ms, d->iso_ms || ms % 1000 ? TIME_ISO8601_MS : TIME_ISO8601, scratch);
}

struct str
codec_scalar_text(struct codec *d, const struct shape *s, uint32_t time_flag, const void *slot,
	enum slot k, char scratch[CODEC_TEXT_MAX])
{
	switch (s->kind) {
	case SHAPE_STR:
		return *(const struct str *)slot;
	case SHAPE_BLOB:
		/* Without a call (codec_xml_write) the caller encodes blobs by itself. */
		return d->c ? base64_text(d->c->arena, *(const struct str *)slot)
			    : *(const struct str *)slot;
	case SHAPE_BOOL:
		return slot_bool(slot, k) ? STR("true") : STR("false");
	case SHAPE_FLOAT:
	case SHAPE_DOUBLE:
		return text_f64(slot_f64(slot, k), scratch);
	case SHAPE_TIME:
		return time_scalar(d, time_flag, slot_time(slot, k), scratch);
	default:
		return i64_text(slot_i64(slot, k), scratch);
	}
}

struct str
codec_header_clean(struct arena *a, struct str v)
{
	size_t i = 0;
	const uint64_t ones = 0x0101010101010101u;
	for (uint64_t w, del; i + 8 <= v.len; i += 8) {
		memcpy(&w, v.p + i, 8);
		del = w ^ ones * 0x7f;
		if (((w - ones * ' ') & ~w & ones * 0x80) || ((del - ones) & ~del & ones * 0x80))
			break;
	}
	while (i < v.len && (unsigned char)v.p[i] >= ' ' && v.p[i] != 0x7f)
		i++;
	if (i == v.len)
		return v;
	char *p = arena_alloc_raw(a, v.len);
	for (i = 0; i < v.len; i++)
		p[i] = (unsigned char)v.p[i] >= ' ' && v.p[i] != 0x7f ? v.p[i] : ' ';
	return str_of(p, v.len);
}
