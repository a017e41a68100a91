/* INSERT, UPDATE, DELETE and EXISTS as the writes of writes.h. */
#include "svc/dynamodb/partiql.h"

static int
check_key_types(struct call *c, const struct ddb_table *t, const struct ddb_val *key)
{
	const struct ddb_key *k = &t->key;
	for (uint32_t i = 0; i < key->n; i++) {
		struct str name = key->attrs[i].name;
		uint8_t type = str_eq(name, k->hash) ? k->hash_type : k->range_type;
		if (key->attrs[i].v.type != type)
			return ddb_fail(c,
				"Key attribute's data type should match its data type in table's "
				"schema: Key %.*s",
				STR_FMT(name));
	}
	return 0;
}

static int
set_key(struct call *c, const struct ddb_table *t, const struct ddb_sql *s, struct ddb_write *w)
{
	struct str twice;
	bool exists = s->kind == DDB_SQL_EXISTS;
	enum ddb_sql_key is =
		ddb_sql_key(c, t, s->where, false, &w->item, &w->condition, &twice);
	if (exists && (is == DDB_KEY_PARTIAL || !w->condition))
		return ddb_fail(
			c, "EXISTS() must contain a single item read with additional condition");
	if (is == DDB_KEY_PARTIAL)
		return ddb_fail(c, "Where clause does not contain a mandatory equality on all key "
				   "attributes");
	if (is == DDB_KEY_TWICE && !exists)
		return ddb_fail(c,
			"Multiple conditions on same key %.*s. Only single item Update/Insert/Delete "
			"are supported",
			STR_FMT(twice));
	return check_key_types(c, t, &w->item);
}

int
ddb_sql_write(
	struct call *c, const struct ddb_table *t, const struct ddb_sql *s, struct ddb_write *w)
{
	static const uint8_t kinds[] = { [DDB_SQL_SELECT] = DDB_WRITE_CHECK,
		[DDB_SQL_INSERT] = DDB_WRITE_PUT,
		[DDB_SQL_UPDATE] = DDB_WRITE_UPDATE,
		[DDB_SQL_DELETE] = DDB_WRITE_DELETE,
		[DDB_SQL_EXISTS] = DDB_WRITE_CHECK };
	memset(w, 0, sizeof(*w));
	w->kind = kinds[s->kind];
	w->condition_paths = s->where_paths;
	w->update = s->update;
	w->update_paths = s->update_paths;
	w->has_update = s->kind == DDB_SQL_UPDATE;
	w->unique = s->kind == DDB_SQL_INSERT;
	w->must_exist = s->kind == DDB_SQL_UPDATE || s->kind == DDB_SQL_EXISTS;
	w->absent_fine = s->kind == DDB_SQL_DELETE;
	if (s->kind == DDB_SQL_INSERT) {
		w->item = s->item;
		if (ddb_size(&w->item) > DDB_ITEM_MAX)
			return ddb_fail(c, "Item size has exceeded the maximum allowed size");
		return 0;
	}
	int r = set_key(c, t, s, w);
	w->expects = w->condition != NULL;
	return r;
}
