/* The one way in which items change: the row, the indexes and the counts, in one transaction. */
#include "svc/dynamodb/capacity.h"
#include "svc/dynamodb/copies.h"
#include "svc/dynamodb/replicas.h"
#include "svc/dynamodb/stream_log.h"
#include "svc/dynamodb/tasks.h"

bool
ddb_item_row(
	struct call *c, const struct ddb_table *t, const struct ddb_val *key, struct str *ret_row)
{
	struct key k;
	ddb_item_key(&k, t, NULL, key);
	return tx_get(c->tx, ddb_rows(c), key_str(&k), ret_row);
}

bool
ddb_item_load(
	struct call *c, const struct ddb_table *t, const struct ddb_val *key, struct ddb_val *ret)
{
	struct str row;
	return ddb_item_row(c, t, key, &row) && ddb_row_read(c->arena, row, ret);
}

static bool
is_key_of(const struct ddb_key *k, struct str name)
{
	return str_eq(name, k->hash) || (k->range.p && str_eq(name, k->range));
}

static bool
is_projected(const struct ddb_table *t, const struct ddb_index *x, struct str name)
{
	const struct dynamodb_projection *p = x->row->Projection;
	if (is_key_of(&t->key, name) || is_key_of(&x->key, name))
		return true;
	for (uint32_t i = 0; p && i < p->NonKeyAttributes.n; i++)
		if (str_eq(p->NonKeyAttributes.v[i], name))
			return true;
	return false;
}

bool
ddb_project(struct call *c, const struct ddb_table *t, const struct ddb_index *x,
	const struct ddb_val *item, struct ddb_val *ret)
{
	const struct ddb_val *hash = ddb_get(item, x->key.hash);
	const struct ddb_val *range = x->key.range.p ? ddb_get(item, x->key.range) : NULL;
	/* Items of another type were there before the index was: they stay out of it. */
	if (!hash || hash->type != x->key.hash_type || !hash->s.len ||
		hash->s.len > DDB_HASH_KEY_MAX)
		return false;
	if (x->key.range.p && (!range || range->type != x->key.range_type || !range->s.len ||
				      range->s.len > DDB_RANGE_KEY_MAX))
		return false;
	if (x->all) {
		*ret = *item;
		return true;
	}
	*ret = (struct ddb_val){ .type = DDB_M,
		.attrs = arena_array(c->arena, struct ddb_attr, item->n) };
	for (uint32_t i = 0; i < item->n; i++)
		if (is_projected(t, x, item->attrs[i].name))
			ret->attrs[ret->n++] = item->attrs[i];
	return true;
}

static uint32_t
put_row(struct call *c, const struct ddb_table *t, struct str key, const struct ddb_val *item)
{
	struct buf b = { 0 };
	uint32_t size = ddb_size(item);
	buf_reserve(&b, size + 64);
	ddb_row_write(&b, item, size, ddb_page_size(item, t->key.range));
	tx_put(c->tx, ddb_rows(c), key, buf_str(&b));
	buf_done(&b);
	return size;
}

int64_t
ddb_index_put(struct call *c, const struct ddb_table *t, const struct ddb_index *x,
	const struct ddb_val *item)
{
	struct key k;
	struct str before;
	struct ddb_val part;
	if (!ddb_project(c, t, x, item, &part))
		return 0;
	ddb_item_key(&k, t, x, item);
	bool was = tx_get(c->tx, ddb_rows(c), key_str(&k), &before);
	int64_t old = was ? ddb_row_size(before) : 0;
	int64_t size = put_row(c, t, key_str(&k), &part);
	ddb_count_add(c, t, x->id, !was, size - old);
	return size - old;
}

/* The write units that it took; adds the bytes that came. */
static double
index_change(struct call *c, const struct ddb_table *t, const struct ddb_index *x,
	const struct ddb_val *old, const struct ddb_val *item, int64_t *all_bytes)
{
	double units = 0;
	struct key ko, kn;
	struct ddb_val po, pn;
	int64_t items = 0, bytes = 0;
	bool had = old && ddb_project(c, t, x, old, &po),
	     has = item && ddb_project(c, t, x, item, &pn);
	if (had)
		ddb_item_key(&ko, t, x, old);
	if (has)
		ddb_item_key(&kn, t, x, item);
	if (had && has && ddb_equal(&po, &pn))
		return 0;
	if (had) {
		/* A back-fill that has not come here yet has not counted it either. */
		struct str before;
		if (tx_get(c->tx, ddb_rows(c), key_str(&ko), &before))
			items--, bytes -= ddb_row_size(before);
		if (!has || !str_eq(key_str(&ko), key_str(&kn))) {
			tx_delete(c->tx, ddb_rows(c), key_str(&ko));
			units += ddb_write_units(ddb_size(&po));
		}
	}
	if (has) {
		uint32_t size = put_row(c, t, key_str(&kn), &pn);
		items++, bytes += size;
		units += ddb_write_units(size);
	}
	ddb_count_add(c, t, x->id, items, bytes);
	*all_bytes += bytes;
	return units;
}

void
ddb_item_store(struct call *c, const struct ddb_table *t, const struct ddb_val *old,
	const struct ddb_val *item, struct ddb_spent *spent)
{
	struct key k;
	uint32_t before = old ? ddb_size(old) : 0, after = 0;
	struct ddb_spent none = { 0 };
	spent = spent ? spent : &none;
	if (item) {
		ddb_item_key(&k, t, NULL, item);
		after = put_row(c, t, key_str(&k), item);
	} else if (old) {
		ddb_item_key(&k, t, NULL, old);
		tx_delete(c->tx, ddb_rows(c), key_str(&k));
	}
	if (t->row.TtlAttribute.len && (old || item))
		ddb_ttl_watch(c, t, old, item, key_str(&k));
	spent->table += ddb_write_units(before > after ? before : after);
	ddb_count_add(c, t, 0, (item != NULL) - (old != NULL), (int64_t)after - before);
	int64_t collection = (int64_t)after - before, elsewhere = 0;
	for (uint32_t i = 0; (old || item) && i < t->indexes_n; i++) {
		int64_t *bytes = t->indexes[i].global ? &elsewhere : &collection;
		double units = index_change(c, t, &t->indexes[i], old, item, bytes);
		if (i < 32)
			spent->indexes[i] += units;
	}
	if (old || item)
		ddb_collection_add(c, t, item ? item : old, collection);
	if (old || item) {
		ddb_copies_note(c, t, old, key_str(&k));
		ddb_replicas_note(c, t, item, key_str(&k));
	}
	ddb_stream_note(c, t, old, item);
}
