/*
 * Items as rows: version 1, u32 size (AWS's formula), u32 page size, then the attributes as a map:
 * u32 count and for each u16 length and bytes of the name, then its value. A value is a byte of
 * type; S, B u32 length and bytes; N u8 length and bytes; BOOL, NULL a byte; sets u32 count, then
 * elements as S or N; L u32 count and values; M as above. Numbers are little-endian.
 */
#include "svc/dynamodb/dynamodb.h"

#define VERSION 1
#define HEAD 9

static void
add_u32(struct buf *b, uint32_t v)
{
	buf_add(b, &v, 4);
}

static void
write_text(struct buf *b, bool number, struct str s)
{
	if (number)
		buf_add_c(b, (char)s.len);
	else
		add_u32(b, (uint32_t)s.len);
	buf_add_str(b, s);
}

static void write_map(struct buf *b, const struct ddb_val *v);

static void
write_value(struct buf *b, const struct ddb_val *v)
{
	buf_add_c(b, (char)v->type);
	switch (v->type) {
	case DDB_S:
	case DDB_B:
	case DDB_N:
		write_text(b, v->type == DDB_N, v->s);
		break;
	case DDB_BOOL:
	case DDB_NULL:
		buf_add_c(b, v->b);
		break;
	case DDB_M:
		write_map(b, v);
		break;
	default:
		add_u32(b, v->n);
		for (uint32_t i = 0; i < v->n; i++) {
			if (v->type == DDB_L)
				write_value(b, &v->items[i]);
			else
				write_text(b, v->type == DDB_NS, v->set[i]);
		}
	}
}

static void
write_map(struct buf *b, const struct ddb_val *v)
{
	add_u32(b, v->n);
	for (uint32_t i = 0; i < v->n; i++) {
		uint16_t len = (uint16_t)v->attrs[i].name.len;
		buf_add(b, &len, 2);
		buf_add_str(b, v->attrs[i].name);
		write_value(b, &v->attrs[i].v);
	}
}

void
ddb_row_write(struct buf *b, const struct ddb_val *item, uint32_t size, uint32_t page)
{
	buf_add_c(b, VERSION);
	add_u32(b, size);
	add_u32(b, page);
	write_map(b, item);
}

static uint32_t
peek_u32(struct str row, size_t at)
{
	uint32_t v = 0;
	if (row.len >= at + 4)
		memcpy(&v, row.p + at, 4);
	return v;
}

uint32_t
ddb_row_size(struct str row)
{
	return peek_u32(row, 1);
}

uint32_t
ddb_row_page(struct str row)
{
	return peek_u32(row, 5);
}

/* ---- reading: `bad` is sticky, and every length is checked against what is left. */

struct reader {
	const char *p, *end;
	bool bad;
};

static struct str
take(struct reader *r, size_t n)
{
	if (r->bad || (size_t)(r->end - r->p) < n) {
		r->bad = true;
		return STR("");
	}
	struct str s = { r->p, n };
	r->p += n;
	return s;
}

static uint32_t
take_u32(struct reader *r)
{
	uint32_t v = 0;
	struct str s = take(r, 4);
	if (s.len == 4)
		memcpy(&v, s.p, 4);
	return v;
}

static uint8_t
take_u8(struct reader *r)
{
	struct str s = take(r, 1);
	return s.len ? (uint8_t)*s.p : 0;
}

static struct str
take_name(struct reader *r)
{
	uint16_t len = 0;
	struct str s = take(r, 2);
	if (s.len == 2)
		memcpy(&len, s.p, 2);
	return take(r, len);
}

static struct str
take_text(struct reader *r, bool number)
{
	return take(r, number ? take_u8(r) : take_u32(r));
}

/* A count of things of which each takes a byte at least. */
static uint32_t
take_count(struct reader *r)
{
	uint32_t n = take_u32(r);
	if (n > (size_t)(r->end - r->p))
		r->bad = true;
	return r->bad ? 0 : n;
}

static void read_map(struct reader *r, struct arena *a, struct ddb_val *v);

static void
read_value(struct reader *r, struct arena *a, struct ddb_val *v)
{
	v->type = take_u8(r);
	switch (v->type) {
	case DDB_S:
	case DDB_B:
	case DDB_N:
		v->s = take_text(r, v->type == DDB_N);
		break;
	case DDB_BOOL:
	case DDB_NULL:
		v->b = take_u8(r);
		break;
	case DDB_M:
		read_map(r, a, v);
		break;
	case DDB_L:
		v->n = take_count(r);
		v->items = arena_array(a, struct ddb_val, v->n);
		for (uint32_t i = 0; i < v->n && !r->bad; i++)
			read_value(r, a, &v->items[i]);
		break;
	case DDB_SS:
	case DDB_NS:
	case DDB_BS:
		v->n = take_count(r);
		v->set = arena_array(a, struct str, v->n);
		for (uint32_t i = 0; i < v->n; i++)
			v->set[i] = take_text(r, v->type == DDB_NS);
		break;
	default:
		r->bad = true;
	}
}

static void
read_map(struct reader *r, struct arena *a, struct ddb_val *v)
{
	v->type = DDB_M;
	v->n = take_count(r);
	v->attrs = arena_array(a, struct ddb_attr, v->n);
	for (uint32_t i = 0; i < v->n && !r->bad; i++) {
		v->attrs[i].name = take_name(r);
		read_value(r, a, &v->attrs[i].v);
	}
}

static bool
open_row(struct reader *r, struct str row)
{
	*r = (struct reader){ row.p, row.p + row.len, false };
	struct str head = take(r, HEAD);
	return head.len == HEAD && *head.p == VERSION;
}

bool
ddb_row_read(struct arena *a, struct str row, struct ddb_val *ret_item)
{
	struct reader r;
	*ret_item = (struct ddb_val){ .type = DDB_M };
	if (!open_row(&r, row))
		return false;
	read_map(&r, a, ret_item);
	return !r.bad;
}

/* ---- straight to JSON */

static void json_map(struct reader *r, struct buf *b);

static void
json_value(struct reader *r, struct buf *b)
{
	uint8_t type = take_u8(r);
	if (type >= DDB_TYPES) {
		r->bad = true;
		return;
	}
	buf_add_lit(b, "{\"");
	buf_add_str(b, str_c(ddb_type_names[type]));
	buf_add_lit(b, "\":");
	if (type == DDB_S || type == DDB_N || type == DDB_B) {
		ddb_scalar_write(b, type, take_text(r, type == DDB_N));
	} else if (type == DDB_BOOL || type == DDB_NULL) {
		buf_add_str(b, take_u8(r) ? STR("true") : STR("false"));
	} else if (type == DDB_M) {
		json_map(r, b);
	} else {
		uint32_t n = take_count(r);
		buf_add_c(b, '[');
		for (uint32_t i = 0; i < n && !r->bad; i++) {
			if (i)
				buf_add_c(b, ',');
			if (type == DDB_L)
				json_value(r, b);
			else
				ddb_scalar_write(b, type, take_text(r, type == DDB_NS));
		}
		buf_add_c(b, ']');
	}
	buf_add_c(b, '}');
}

static void
json_map(struct reader *r, struct buf *b)
{
	uint32_t n = take_count(r);
	buf_add_c(b, '{');
	for (uint32_t i = 0; i < n && !r->bad; i++) {
		if (i)
			buf_add_c(b, ',');
		json_add_quoted(b, take_name(r));
		buf_add_c(b, ':');
		json_value(r, b);
	}
	buf_add_c(b, '}');
}

void
ddb_row_json(struct buf *b, struct str row)
{
	struct reader r;
	if (open_row(&r, row))
		json_map(&r, b);
	else
		buf_add_lit(b, "{}");
}
