#include "svc/dynamodb/import.h"
#include "unit.h"

static const struct {
	const char *line;
	unsigned n;
	const char *fields[4];
} lines[] = {
	{ "a,b,c", 3, { "a", "b", "c" } },
	{ "a,,", 3, { "a", "", "" } },
	{ "", 1, { "" } },
	{ "\"a,\"\"b\"\"\",c", 2, { "a,\"b\"", "c" } },
	{ "\"open,b", 1, { "open,b" } },
	{ "\"a\"junk,b", 2, { "a", "b" } },
};

TEST(dynamodb_csv_fields)
{
	struct arena a;
	struct str got[8];
	arena_init(&a);
	for (unsigned i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_int_equal(ddb_csv_fields(&a, str_c(lines[i].line), ',', got, 8), lines[i].n);
		for (unsigned k = 0; k < lines[i].n; k++)
			assert_str(got[k], lines[i].fields[k]);
	}
	assert_int_equal(ddb_csv_fields(&a, STR("1,2,3,4,5"), ',', got, 3), 3);
	arena_done(&a);
}
