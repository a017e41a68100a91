/* A statement, its parameters in a line of JSON, then an item: parsed, planned, evaluated. */
#include "svc/dynamodb/partiql.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct ddb_table
table_of(struct arena *a)
{
	static struct dynamodb_projection keys_only = { .ProjectionType = { "KEYS_ONLY", 9 } };
	struct ddb_table t = { .id = 1, .indexes_n = 1 };
	t.row.Name = STR("tab");
	t.key = (struct ddb_key){ STR("pk"), STR("sk"), DDB_S, DDB_N };
	t.indexes = arena_array(a, struct ddb_index, 1);
	t.indexes[0].row = arena_new(a, struct dynamodb_index_row);
	t.indexes[0].row->Name = STR("gix");
	t.indexes[0].row->Projection = &keys_only;
	t.indexes[0].key = (struct ddb_key){ STR("g"), STR_NULL, DDB_S, DDB_S };
	t.indexes[0].id = 1;
	t.indexes[0].global = true;
	return t;
}

static void
run(struct call *c, const struct ddb_sql *s, struct ddb_table *t, struct ddb_val *item)
{
	struct ddb_sql_plan plan;
	struct ddb_write w;
	ddb_sql_plan(c, t, NULL, s, &plan);
	ddb_sql_plan(c, t, &t->indexes[0], s, &plan);
	ddb_match(c, s->where, item);
	ddb_sql_columns(c, &s->select, item);
	if (s->kind == DDB_SQL_SELECT || ddb_sql_write(c, t, s, &w) || ddb_write_check(c, t, &w))
		return;
	if (s->kind == DDB_SQL_UPDATE)
		ddb_apply(c, t, &s->update, item);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = str_of(data, size), text = str_cut(&rest, '\n');
	struct str line = rest.p ? str_cut(&rest, '\n') : STR("");
	struct arena a;
	struct ddb_sql sql;
	struct ddb_val item = { .type = DDB_M };
	struct list_document params = { 0 };
	arena_init(&a);
	struct service s = { .name = "dynamodb",
		.id = "dynamodb",
		.protocols = 1 << PROTO_JSON10,
		.protocol = PROTO_JSON10 };
	struct call c = { .arena = &a, .service = &s, .protocol = PROTO_JSON10 };
	struct json *j = json_parse(&a, line, 0, NULL);
	struct shape value = { .name = "AttributeValue" }, map = { .name = "AttributeMap" };
	params.v = arena_array(&a, struct json *, j && j->kind == JSON_ARRAY ? j->n : 0);
	for (uint32_t i = 0; j && j->kind == JSON_ARRAY && i < j->n; i++)
		if (j->items[i].kind == JSON_OBJECT &&
			!ddb_document_check(&c, &value, &j->items[i], true))
			params.v[params.n++] = &j->items[i];
	params.set = params.n > 0;
	j = rest.p ? json_parse(&a, rest, 0, NULL) : NULL;
	if (!j || j->kind != JSON_OBJECT || ddb_document_check(&c, &map, j, false) ||
		ddb_map_read(&c, j, &item))
		item = (struct ddb_val){ .type = DDB_M };
	struct ddb_table t = table_of(&a);
	if (text.len <= 8192 && !ddb_sql_parse(&c, text, &params, &sql))
		run(&c, &sql, &t, &item);
	arena_done(&a);
	return 0;
}
