/*
 * Rows as bytes. A struct is a run of members, each a tag (number << 3 | form) and a payload:
 *   VARINT   int, long, bool, time: zigzag, seven bits a byte, low ones first
 *   FIXED8   float, double: eight bytes, little endian
 *   BYTES    a length and so many bytes: text, blob, document (as JSON), struct, list, map
 * Inside lists and maps there are no tags: numbers as above, everything else as length + 1 and the
 * bytes, where 0 means absent. Members that are not set take no byte. Members that this build does
 * not know are carried in `unknown`, tags and all, and written back behind the known ones.
 */
#include "aws/call.h"
#include "base/buf.h"
#include "base/json.h"

#define DEPTH_MAX 48
/* A list's memory is bounded by its bytes, and each element takes at least one. */
#define COUNT_MAX (1u << 24)

enum form { FORM_VARINT, FORM_FIXED8, FORM_BYTES };

struct reader {
	const unsigned char *at, *end;
	struct arena *arena;
	unsigned depth;
};

static enum form
form_of(const struct shape *s)
{
	switch (s->kind) {
	case SHAPE_BOOL:
	case SHAPE_INT:
	case SHAPE_LONG:
	case SHAPE_TIME:
		return FORM_VARINT;
	case SHAPE_FLOAT:
	case SHAPE_DOUBLE:
		return FORM_FIXED8;
	default:
		return FORM_BYTES;
	}
}

/* ---- writing */

static void
put_varint(struct buf *b, uint64_t v)
{
	unsigned char *p = (unsigned char *)buf_reserve(b, 10);
	size_t n = 0;
	for (; v >= 0x80; v >>= 7)
		p[n++] = (unsigned char)(v | 0x80);
	p[n++] = (unsigned char)v;
	b->len += n;
}

static void
put_i64(struct buf *b, int64_t v)
{
	put_varint(b, ((uint64_t)v << 1) ^ (uint64_t)(v >> 63));
}

static void
put_f64(struct buf *b, double v)
{
	uint64_t bits;
	unsigned char p[8];
	memcpy(&bits, &v, 8);
	for (int i = 0; i < 8; i++)
		p[i] = (unsigned char)(bits >> (8 * i));
	buf_add(b, p, 8);
}

/* Turns what was appended since `start` into a length (plus `more`) followed by it. */
static void
put_length_before(struct buf *b, size_t start, unsigned more)
{
	unsigned char head[10];
	uint64_t len = b->len - start, v = len + more;
	size_t n = 0;
	for (; v >= 0x80; v >>= 7)
		head[n++] = (unsigned char)(v | 0x80);
	head[n++] = (unsigned char)v;
	buf_reserve(b, n);
	memmove(b->p + start + n, b->p + start, len);
	memcpy(b->p + start, head, n);
	b->len += n;
}

static void put_struct(struct buf *b, const struct shape *s, const void *value);
static void put_list(struct buf *b, const struct shape *s, const struct list_any *list);

static void
put_document(struct buf *b, const struct json *j)
{
	struct json_writer w = { .out = b };
	json_write_value(&w, j);
}

/* One element of a list or value of a map, as it lies in C there. */
static void
put_item(struct buf *b, const struct shape *s, const void *item)
{
	size_t start;
	switch (s->kind) {
	case SHAPE_BOOL:
		put_i64(b, *(const bool *)item);
		return;
	case SHAPE_INT:
	case SHAPE_LONG:
	case SHAPE_TIME:
		put_i64(b, *(const int64_t *)item);
		return;
	case SHAPE_FLOAT:
	case SHAPE_DOUBLE:
		put_f64(b, *(const double *)item);
		return;
	case SHAPE_STR:
	case SHAPE_BLOB: {
		const struct str *t = item;
		put_varint(b, t->p ? (uint64_t)t->len + 1 : 0);
		if (t->p)
			buf_add_str(b, *t);
		return;
	}
	case SHAPE_DOCUMENT:
		start = b->len;
		if (!*(struct json *const *)item) {
			put_varint(b, 0);
			return;
		}
		put_document(b, *(struct json *const *)item);
		break;
	case SHAPE_LIST:
	case SHAPE_MAP:
		start = b->len;
		if (!((const struct list_any *)item)->set) {
			put_varint(b, 0);
			return;
		}
		put_list(b, s, item);
		break;
	default:
		start = b->len;
		put_struct(b, s, item);
	}
	put_length_before(b, start, 1);
}

static void
put_list(struct buf *b, const struct shape *s, const struct list_any *list)
{
	static const struct shape key = { .kind = SHAPE_STR };
	const char *p = list->v;
	for (uint32_t i = 0; i < list->n; i++, p += s->size) {
		if (s->kind == SHAPE_MAP)
			put_item(b, &key, p);
		put_item(b, s->value, p + (s->kind == SHAPE_MAP ? s->value_offset : 0));
	}
}

static bool
member_is_set(const struct shape *s, const void *m)
{
	switch (s->kind) {
	case SHAPE_STR:
	case SHAPE_BLOB:
		return ((const struct str *)m)->p != NULL;
	case SHAPE_BOOL:
		return ((const struct opt_bool *)m)->set;
	case SHAPE_INT:
	case SHAPE_LONG:
		return ((const struct opt_i64 *)m)->set;
	case SHAPE_TIME:
		return ((const struct opt_time *)m)->set;
	case SHAPE_FLOAT:
	case SHAPE_DOUBLE:
		return ((const struct opt_f64 *)m)->set;
	case SHAPE_LIST:
	case SHAPE_MAP:
		return ((const struct list_any *)m)->set;
	case SHAPE_BODY:
	case SHAPE_EVENTS:
		return false;
	default:
		return *(void *const *)m != NULL;
	}
}

static void
put_member(struct buf *b, const struct field *f, const void *m)
{
	const struct shape *s = f->shape;
	put_varint(b, (uint64_t)f->row << 3 | form_of(s));
	size_t start = b->len;
	switch (s->kind) {
	case SHAPE_BOOL:
		put_i64(b, ((const struct opt_bool *)m)->v);
		return;
	case SHAPE_INT:
	case SHAPE_LONG:
		put_i64(b, ((const struct opt_i64 *)m)->v);
		return;
	case SHAPE_TIME:
		put_i64(b, ((const struct opt_time *)m)->ms);
		return;
	case SHAPE_FLOAT:
	case SHAPE_DOUBLE:
		put_f64(b, ((const struct opt_f64 *)m)->v);
		return;
	case SHAPE_STR:
	case SHAPE_BLOB:
		put_varint(b, ((const struct str *)m)->len);
		buf_add_str(b, *(const struct str *)m);
		return;
	case SHAPE_DOCUMENT:
		put_document(b, *(struct json *const *)m);
		break;
	case SHAPE_LIST:
	case SHAPE_MAP:
		put_list(b, s, m);
		break;
	default:
		put_struct(b, s, *(void *const *)m);
	}
	put_length_before(b, start, 0);
}

static struct str *
unknown_of(const struct shape *s, const void *value)
{
	if (!(s->flags & SHAPE_KEEPS_UNKNOWN))
		return NULL;
	return (struct str *)((uintptr_t)value + s->size - sizeof(struct str));
}

static void
put_struct(struct buf *b, const struct shape *s, const void *value)
{
	for (const struct field *f = s->fields; f < s->fields + s->fields_n; f++) {
		const void *m = (const char *)value + f->offset;
		if (f->row && member_is_set(f->shape, m))
			put_member(b, f, m);
	}
	const struct str *unknown = unknown_of(s, value);
	if (unknown && unknown->len)
		buf_add_str(b, *unknown);
}

void
row_encode(const struct shape *s, const void *row, struct buf *out)
{
	put_struct(out, s, row);
}

/* ---- reading */

static bool
get_varint(struct reader *r, uint64_t *ret_v)
{
	uint64_t v = 0;
	if (r->at < r->end && *r->at < 0x80) { /* as a rule */
		*ret_v = *r->at++;
		return true;
	}
	for (unsigned shift = 0; shift < 64 && r->at < r->end; shift += 7) {
		unsigned char c = *r->at++;
		if (shift == 63 && c > 1)
			return false;
		v |= (uint64_t)(c & 0x7f) << shift;
		if (!(c & 0x80)) {
			*ret_v = v;
			return true;
		}
	}
	return false;
}

static bool
get_i64(struct reader *r, int64_t *ret_v)
{
	uint64_t v;
	if (!get_varint(r, &v))
		return false;
	*ret_v = (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
	return true;
}

static bool
get_f64(struct reader *r, double *ret_v)
{
	uint64_t bits = 0;
	if (r->end - r->at < 8)
		return false;
	for (int i = 0; i < 8; i++)
		bits |= (uint64_t)r->at[i] << (8 * i);
	r->at += 8;
	memcpy(ret_v, &bits, 8);
	return true;
}

static bool
get_bytes(struct reader *r, uint64_t len, struct str *ret_bytes)
{
	if (len > (uint64_t)(r->end - r->at))
		return false;
	*ret_bytes = str_of(r->at, len);
	r->at += len;
	return true;
}

/* length + 1 and bytes; 0: absent, ret_bytes->p NULL. */
static bool
get_item_bytes(struct reader *r, struct str *ret_bytes)
{
	uint64_t len;
	if (!get_varint(r, &len))
		return false;
	*ret_bytes = STR_NULL;
	return len == 0 || get_bytes(r, len - 1, ret_bytes);
}

static struct reader
inside(const struct reader *r, struct str bytes)
{
	const unsigned char *p = (const unsigned char *)bytes.p;
	return (struct reader){ p, p + bytes.len, r->arena, r->depth + 1 };
}

static bool get_struct(struct reader *r, const struct shape *s, void *value);
static bool get_list(struct reader *r, const struct shape *s, struct list_any *list);

static bool
get_item(struct reader *r, const struct shape *s, void *item)
{
	int64_t i;
	struct str bytes;
	switch (s->kind) {
	case SHAPE_BOOL:
		if (!get_i64(r, &i))
			return false;
		*(bool *)item = i != 0;
		return true;
	case SHAPE_INT:
	case SHAPE_LONG:
	case SHAPE_TIME:
		return get_i64(r, item);
	case SHAPE_FLOAT:
	case SHAPE_DOUBLE:
		return get_f64(r, item);
	default:
		break;
	}
	if (!get_item_bytes(r, &bytes))
		return false;
	if (s->kind == SHAPE_STR || s->kind == SHAPE_BLOB) {
		*(struct str *)item = bytes;
		return true;
	}
	if (!bytes.p)
		return true;
	struct reader in = inside(r, bytes);
	if (s->kind == SHAPE_DOCUMENT)
		return (*(struct json **)item = json_parse(r->arena, bytes, 0, NULL)) != NULL;
	if (s->kind == SHAPE_LIST || s->kind == SHAPE_MAP)
		return get_list(&in, s, item);
	return get_struct(&in, s, item);
}

static bool
skip_item(struct reader *r, const struct shape *s)
{
	uint64_t v;
	double d;
	struct str bytes;
	switch (form_of(s)) {
	case FORM_VARINT:
		return get_varint(r, &v);
	case FORM_FIXED8:
		return get_f64(r, &d);
	default:
		return get_item_bytes(r, &bytes);
	}
}

/* Elements in the rest of r; -1 when it is damaged. */
static long
count_items(struct reader r, const struct shape *s)
{
	static const struct shape key = { .kind = SHAPE_STR };
	long n = 0;
	for (; r.at < r.end; n++) {
		if (s->kind == SHAPE_MAP && !skip_item(&r, &key))
			return -1;
		if (!skip_item(&r, s->value))
			return -1;
	}
	return n <= COUNT_MAX ? n : -1;
}

static bool
get_list(struct reader *r, const struct shape *s, struct list_any *list)
{
	long n = r->depth < DEPTH_MAX ? count_items(*r, s) : -1;
	if (n < 0)
		return false;
	char *p = n ? arena_alloc(r->arena, (size_t)n * s->size) : NULL;
	*list = (struct list_any){ p, (uint32_t)n, true };
	for (; n > 0; n--, p += s->size) {
		if (s->kind == SHAPE_MAP && !get_item_bytes(r, (struct str *)p))
			return false;
		if (!get_item(r, s->value, p + (s->kind == SHAPE_MAP ? s->value_offset : 0)))
			return false;
	}
	return true;
}

static bool
get_member(struct reader *r, const struct shape *s, void *m)
{
	int64_t i = 0;
	double d = 0;
	uint64_t len;
	struct str bytes;
	switch (form_of(s)) {
	case FORM_VARINT:
		if (!get_i64(r, &i))
			return false;
		if (s->kind == SHAPE_BOOL)
			*(struct opt_bool *)m = OPT_BOOL(i != 0);
		else if (s->kind == SHAPE_TIME)
			*(struct opt_time *)m = OPT_TIME(i);
		else
			*(struct opt_i64 *)m = OPT_I64(i);
		return true;
	case FORM_FIXED8:
		if (!get_f64(r, &d))
			return false;
		*(struct opt_f64 *)m = OPT_F64(d);
		return true;
	default:
		break;
	}
	if (!get_varint(r, &len) || !get_bytes(r, len, &bytes))
		return false;
	struct reader in = inside(r, bytes);
	switch (s->kind) {
	case SHAPE_STR:
	case SHAPE_BLOB:
		*(struct str *)m = bytes;
		return true;
	case SHAPE_DOCUMENT:
		return (*(struct json **)m = json_parse(r->arena, bytes, 0, NULL)) != NULL;
	case SHAPE_LIST:
	case SHAPE_MAP:
		return get_list(&in, s, m);
	default:
		return get_struct(&in, s, *(void **)m = arena_alloc(r->arena, s->size));
	}
}

static bool
skip_member(struct reader *r, unsigned form)
{
	uint64_t v;
	double d;
	struct str bytes;
	switch (form) {
	case FORM_VARINT:
		return get_varint(r, &v);
	case FORM_FIXED8:
		return get_f64(r, &d);
	case FORM_BYTES:
		return get_varint(r, &v) && get_bytes(r, v, &bytes);
	default:
		return false;
	}
}

static void
keep_unknown(struct arena *a, struct str *unknown, struct str more)
{
	if (!unknown)
		return;
	if (!unknown->p)
		*unknown = more;
	else if (unknown->p + unknown->len == more.p)
		unknown->len += more.len;
	else
		*unknown = arena_concat(a, *unknown, more);
}

/* Members mostly come in the table's order, so the search starts behind the last one found. */
static const struct field *
field_of(const struct shape *s, uint64_t number, unsigned *next)
{
	for (unsigned i = 0; i < s->fields_n; i++) {
		unsigned at = *next + i < s->fields_n ? *next + i : *next + i - s->fields_n;
		if (s->fields[at].row == number) {
			*next = at + 1 < s->fields_n ? at + 1 : 0;
			return &s->fields[at];
		}
	}
	return NULL;
}

static bool
get_struct(struct reader *r, const struct shape *s, void *value)
{
	struct str *unknown = unknown_of(s, value);
	unsigned next = 0;
	if (r->depth >= DEPTH_MAX)
		return false;
	while (r->at < r->end) {
		const unsigned char *start = r->at;
		uint64_t tag;
		if (!get_varint(r, &tag) || tag >> 3 == 0)
			return false;
		const struct field *f = field_of(s, tag >> 3, &next);
		if (!f) {
			if (!skip_member(r, tag & 7))
				return false;
			keep_unknown(r->arena, unknown, str_of(start, (size_t)(r->at - start)));
		} else if ((tag & 7) != form_of(f->shape) || f->shape->kind == SHAPE_BODY ||
			   f->shape->kind == SHAPE_EVENTS ||
			   !get_member(r, f->shape, (char *)value + f->offset)) {
			return false;
		}
	}
	return true;
}

bool
row_decode(const struct shape *s, struct str bytes, struct arena *a, void *ret_row)
{
	const unsigned char *p = (const unsigned char *)bytes.p;
	struct reader r = { p, p + bytes.len, a, 0 };
	memset(ret_row, 0, s->size);
	return get_struct(&r, s, ret_row);
}
