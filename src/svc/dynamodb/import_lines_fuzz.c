/* Each line as DynamoDB JSON, then as CSV with every delimiter. */
#include "svc/dynamodb/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = str_of(data, size);
	struct arena a;
	struct service s = { .name = "dynamodb",
		.id = "dynamodb",
		.protocols = 1 << PROTO_JSON10,
		.protocol = PROTO_JSON10 };
	struct ddb_table t = { 0 };
	struct dynamodb_attribute_definition defs[2] = {
		{ .AttributeName = STR("h"), .AttributeType = STR("N") },
		{ .AttributeName = STR("b"), .AttributeType = STR("B") }
	};
	static const char delimiters[] = ",;:|\t ";
	const struct str names[] = { STR("h"), STR("b"), STR("c") };
	t.row.Attributes.v = defs;
	t.row.Attributes.n = 2;
	arena_init(&a);
	struct call c = { .arena = &a, .service = &s, .protocol = PROTO_JSON10 };
	for (unsigned i = 0; rest.p && i < 64; i++) {
		struct str line = str_cut(&rest, '\n');
		struct ddb_val item;
		ddb_import_json(&c, line, &item);
		for (const char *d = delimiters; *d; d++)
			ddb_import_csv(&c, &t, names, 3, line, *d, &item);
	}
	arena_done(&a);
	return 0;
}
