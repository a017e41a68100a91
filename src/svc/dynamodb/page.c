#include "svc/dynamodb/page.h"

struct out {
	struct buf text;
	size_t *starts; /* of items in the text */
	uint32_t n, cap;
	struct arena *a;
};

static void
out_mark(struct out *o)
{
	if (o->n == o->cap) {
		uint32_t cap = o->cap ? 2 * o->cap : 64;
		size_t *v = arena_array(o->a, size_t, cap);
		if (o->n)
			memcpy(v, o->starts, sizeof(*v) * o->n);
		o->starts = v;
		o->cap = cap;
	}
	o->starts[o->n++] = o->text.len;
}

static void
out_list(struct call *c, struct out *o, struct list_document *l)
{
	struct str all = arena_dup(c->arena, buf_str(&o->text));
	struct json *v = arena_array(c->arena, struct json, o->n);
	l->v = arena_array(c->arena, struct json *, o->n);
	l->n = o->n;
	l->set = true;
	for (uint32_t i = 0; i < o->n; i++) {
		size_t end = i + 1 < o->n ? o->starts[i + 1] : all.len;
		v[i].kind = JSON_NUMBER; /* written as it is: see ddb_json_raw */
		v[i].text = str_slice(all, o->starts[i], end);
		l->v[i] = &v[i];
	}
}

/* An item of a local index that needs attributes beyond the index is read from the table. */
static bool
fetch_row(struct call *c, struct ddb_page *p, struct str *row, uint64_t *table_bytes)
{
	struct ddb_val item;
	struct str whole;
	if (!ddb_row_read(c->arena, *row, &item) || !ddb_item_row(c, p->t, &item, &whole))
		return false;
	*table_bytes += ddb_row_size(whole);
	*row = whole;
	return true;
}

static void
emit(struct call *c, struct ddb_page *p, struct str row, struct out *o)
{
	struct ddb_val item;
	bool decoded = p->filter || p->paths.n;
	if (decoded && !ddb_row_read(c->arena, row, &item))
		return;
	if (p->filter && !ddb_match(c, p->filter, &item))
		return;
	p->count++;
	if (p->count_only)
		return;
	out_mark(o);
	if (p->paths.n) {
		struct ddb_val part = p->project ? p->project(c, &p->paths, &item)
						 : ddb_project_paths(c, &p->paths, &item);
		ddb_map_write(&o->text, &part);
	} else {
		ddb_row_json(&o->text, row);
	}
}

static uint32_t
index_at(const struct ddb_page *p)
{
	return p->x ? (uint32_t)(p->x - p->t->indexes) : 32;
}

static void
count_units(struct ddb_page *p, uint64_t table_bytes, uint64_t index_bytes)
{
	uint32_t at = index_at(p);
	if (!p->x || p->fetch)
		p->spent.table = ddb_read_units(table_bytes, p->consistent);
	if (at < 32)
		p->spent.indexes[at] = ddb_read_units(index_bytes, p->consistent);
}

static void
keep_last(struct call *c, struct ddb_page *p, struct str row)
{
	struct ddb_val item;
	if (!ddb_row_read(c->arena, row, &item))
		return;
	struct ddb_val key = ddb_key_of(c, p->t, p->x, &item);
	p->last = ddb_json(c, &key);
}

int
ddb_page_run(struct call *c, struct ddb_page *p)
{
	struct scan s;
	struct out o = { .a = c->arena };
	uint64_t page_bytes = 0, table_bytes = 0, index_bytes = 0;
	scan_open(&s, c->tx, ddb_rows(c), key_str(&p->lo), p->open_end ? STR_NULL : key_str(&p->hi),
		p->reverse);
	while (scan_next(&s)) {
		struct str row = s.value;
		page_bytes += ddb_row_page(row);
		*(p->x ? &index_bytes : &table_bytes) += ddb_row_size(row);
		p->scanned++;
		bool last = (p->limit && p->scanned >= p->limit) || page_bytes >= DDB_PAGE_MAX;
		if (last)
			keep_last(c, p, row);
		if (!p->fetch || fetch_row(c, p, &row, &table_bytes))
			emit(c, p, row, &o);
		if (last)
			break;
	}
	scan_done(&s);
	p->bytes = page_bytes;
	count_units(p, table_bytes, index_bytes);
	if (!p->count_only)
		out_list(c, &o, &p->items);
	buf_done(&o.text);
	return ddb_charge(c, p->t, &p->spent, false);
}
