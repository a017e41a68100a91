#include "svc/dynamodb/writes.h"

/* ---- checks against the table */

static bool
touches(const struct ddb_update *u, struct str name)
{
	for (uint32_t i = 0; i < u->n; i++)
		if (str_eq(u->v[i].path.v[0].name, name))
			return true;
	return false;
}

static int
check_key_kept(struct call *c, const struct ddb_update *u, struct str name)
{
	if (!name.p || !touches(u, name))
		return 0;
	return ddb_fail(c,
		"One or more parameter values were invalid: Cannot update attribute %.*s. This "
		"attribute is "
		"part of the key",
		STR_FMT(name));
}

static int
check_index_type(struct call *c, const struct ddb_update *u, const struct ddb_index *x,
	struct str name, uint8_t type)
{
	for (uint32_t i = 0; name.p && i < u->n; i++) {
		const struct ddb_change *ch = &u->v[i];
		if (ch->path.n != 1 || !str_eq(ch->path.v[0].name, name))
			continue;
		if (ch->type >= 0 && ch->type != type)
			return ddb_fail(c,
				"One or more parameter values were invalid: Type mismatch for "
				"Index Key %.*s "
				"Expected: %s Actual: %s IndexName: %.*s",
				STR_FMT(name), ddb_type_names[type], ddb_type_names[ch->type],
				STR_FMT(x->row->Name));
		break;
	}
	return 0;
}

static int
check_update(struct call *c, const struct ddb_table *t, const struct ddb_update *u)
{
	if (check_key_kept(c, u, t->key.hash) || check_key_kept(c, u, t->key.range))
		return CALL_FAILED;
	for (uint32_t i = 0; i < t->indexes_n; i++) {
		const struct ddb_index *x = &t->indexes[i];
		if (check_index_type(c, u, x, x->key.hash, x->key.hash_type) ||
			check_index_type(c, u, x, x->key.range, x->key.range_type))
			return CALL_FAILED;
	}
	return 0;
}

int
ddb_write_check(struct call *c, const struct ddb_table *t, struct ddb_write *w)
{
	if (w->kind == DDB_WRITE_PUT ? ddb_item_check(c, t, &w->item)
				     : ddb_key_check(c, t, &w->item))
		return CALL_FAILED;
	if (w->has_update && check_update(c, t, &w->update))
		return CALL_FAILED;
	return ddb_paths_check(c, t, &w->update_paths) || ddb_paths_check(c, t, &w->condition_paths)
		       ? CALL_FAILED
		       : 0;
}

int
ddb_write_test(struct call *c, const struct ddb_table *t, struct ddb_write *w)
{
	static const struct ddb_val nothing = { .type = DDB_M };
	w->had = ddb_item_load(c, t, &w->item, &w->old);
	if (w->unique && w->had)
		return call_fail(c, &DYNAMODB_DuplicateItemException,
			"Duplicate primary key exists in table");
	if (!w->had && w->absent_fine)
		return CALL_OK;
	bool gone = w->must_exist && !w->had;
	if (!gone && (!w->expects || ddb_match(c, w->condition, w->had ? &w->old : &nothing)))
		return CALL_OK;
	return call_fail(
		c, &DYNAMODB_ConditionalCheckFailedException, "The conditional request failed");
}

/* ---- doing it */

struct ddb_paths
ddb_changed_paths(struct call *c, const struct ddb_update *u)
{
	struct ddb_paths p = { arena_array(c->arena, struct ddb_path, u->n), u->n };
	for (uint32_t i = 0; i < u->n; i++)
		p.v[i] = u->v[i].path;
	return p;
}

static int
check_index_keys(struct call *c, const struct ddb_table *t, const struct ddb_val *item)
{
	for (uint32_t i = 0; i < t->indexes_n; i++) {
		const struct ddb_key *k = &t->indexes[i].key;
		const struct str names[2] = { k->hash, k->range };
		for (unsigned n = 0; n < 2; n++) {
			const struct ddb_val *v = names[n].p ? ddb_get(item, names[n]) : NULL;
			if (v && ddb_is_scalar(v) && !v->s.len)
				return ddb_fail(c, "One or more parameter values are not valid. "
						   "The update expression attempted to "
						   "update a secondary index key to a value that "
						   "is not supported. The AttributeValue "
						   "for a key attribute cannot contain an empty "
						   "string value.");
		}
	}
	return 0;
}

static unsigned
depth_of(const struct ddb_val *v)
{
	unsigned most = 0;
	for (uint32_t i = 0; (v->type == DDB_L || v->type == DDB_M) && i < v->n; i++) {
		unsigned d = depth_of(v->type == DDB_L ? &v->items[i] : &v->attrs[i].v);
		most = d > most ? d : most;
	}
	return v->type == DDB_L || v->type == DDB_M ? most + 1 : 0;
}

static int
do_update(struct call *c, const struct ddb_table *t, struct ddb_write *w)
{
	w->now = ddb_copy(c->arena, w->had ? &w->old : &w->item);
	if (w->has_update && ddb_apply(c, t, &w->update, &w->now))
		return CALL_FAILED;
	if (ddb_size(&w->now) > DDB_ITEM_MAX)
		return ddb_fail(c, "Item size to update has exceeded the maximum allowed size");
	if (w->has_update && depth_of(&w->now) > DDB_NESTING_MAX + 1)
		return ddb_fail(c, "Nesting Levels have exceeded supported limits");
	return check_index_keys(c, t, &w->now);
}

int
ddb_write_do(
	struct call *c, const struct ddb_table *t, struct ddb_write *w, struct ddb_spent *spent)
{
	w->has = w->kind == DDB_WRITE_PUT || w->kind == DDB_WRITE_UPDATE;
	if (w->kind == DDB_WRITE_PUT)
		w->now = w->item;
	if (w->kind == DDB_WRITE_UPDATE && do_update(c, t, w))
		return CALL_FAILED;
	if (w->kind == DDB_WRITE_CHECK) {
		spent->table += ddb_write_units(w->had ? ddb_size(&w->old) : 0);
		return CALL_OK;
	}
	if (w->has && ddb_collection_check(c, t, w))
		return CALL_FAILED;
	ddb_item_store(c, t, w->had ? &w->old : NULL, w->has ? &w->now : NULL, spent);
	return CALL_OK;
}

int
ddb_condition_failed(struct call *c, const struct ddb_write *w, struct str return_values)
{
	if (str_is(return_values, "ALL_OLD") && w->had &&
		c->error == &DYNAMODB_ConditionalCheckFailedException) {
		struct dynamodb_conditional_check_failed_exception_error *e = arena_new(
			c->arena, struct dynamodb_conditional_check_failed_exception_error);
		e->Item = ddb_json(c, &w->old);
		c->error_detail = e;
	}
	return CALL_FAILED;
}
