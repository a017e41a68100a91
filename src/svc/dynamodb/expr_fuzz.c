/* An expression, then a document of an item: every grammar over it, and every evaluation. */
#include "svc/dynamodb/expr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = str_of(data, size), text = str_cut(&rest, '\n');
	struct arena a;
	struct ddb_env e;
	struct ddb_node *n;
	struct ddb_paths paths;
	struct ddb_update u;
	struct ddb_val item = { .type = DDB_M };
	struct map_str_entry name = { STR("#a"), STR("a") };
	struct map_str names = { &name, 1, true };
	arena_init(&a);
	struct service s = { .name = "dynamodb",
		.id = "dynamodb",
		.protocols = 1 << PROTO_JSON10,
		.protocol = PROTO_JSON10 };
	struct call c = { .arena = &a, .service = &s, .protocol = PROTO_JSON10 };
	struct json *j = rest.p ? json_parse(&a, rest, 0, NULL) : NULL;
	struct shape map = { .name = "AttributeMap" };
	struct json *values = json_parse(&a,
		STR("{\":a\":{\"N\":\"1\"},\":s\":{\"SS\":[\"x\"]},\":l\":{\"L\":[]}}"), 0, NULL);
	if (!j || j->kind != JSON_OBJECT || ddb_document_check(&c, &map, j, false) ||
		ddb_map_read(&c, j, &item))
		item = (struct ddb_val){ .type = DDB_M };
	struct buf row = { 0 };
	ddb_row_write(&row, &item, ddb_size(&item), ddb_page_size(&item, STR("a")));
	struct ddb_val again;
	if (!ddb_row_read(&a, buf_str(&row), &again) || !ddb_equal(&item, &again))
		__builtin_trap();
	if (!ddb_env_open(&e, &c, &names, values)) {
		if (!ddb_parse_condition(&e, "ConditionExpression", text, &n))
			ddb_match(&c, n, &item);
		if (!ddb_parse_projection(&e, text, &paths))
			ddb_project_paths(&c, &paths, &item);
		if (!ddb_parse_update(&e, text, &u))
			ddb_apply(&c, NULL, &u, &again);
	}
	/* A damaged row is refused or read, never more. */
	ddb_row_read(&a, rest.p ? rest : text, &again);
	buf_done(&row);
	arena_done(&a);
	return 0;
}
