#include "aws/validate.h"
#include "unit.h"

struct part {
	struct str Key, Value;
};
struct part_list {
	struct part *v;
	uint32_t n;
	bool set;
};
struct sample_in {
	struct str TableName, Mode, Password;
	struct opt_i64 Limit;
	struct list_str Names;
	struct map_str Labels;
	struct part *Part;
	struct part_list Parts;
};

static const char *const modes[] = { "ON", "OFF", NULL };
static const struct shape any = { .kind = SHAPE_STR, .min = INT64_MIN, .max = INT64_MAX };
static const struct shape name = { .kind = SHAPE_STR, .min = 3, .max = 5, .pattern = "[a-z]+" };
static const struct shape mode = {
	.kind = SHAPE_STR, .min = INT64_MIN, .max = INT64_MAX, .values = modes
};
static const struct shape secret = { .kind = SHAPE_STR, .min = 8, .max = INT64_MAX };
static const struct shape limit = { .kind = SHAPE_INT, .min = 1, .max = 100 };
static const struct shape names = { .kind = SHAPE_LIST, .min = INT64_MIN, .max = 2, .value = &name,
	.size = sizeof(struct str) };
static const struct shape labels = { .kind = SHAPE_MAP, .min = INT64_MIN, .max = INT64_MAX,
	.key = &name, .value = &any, .size = sizeof(struct map_str_entry),
	.value_offset = offsetof(struct map_str_entry, value) };
static const struct field part_fields[] = {
	{ "Key", "key", NULL, &any, FIELD_REQUIRED, offsetof(struct part, Key), 1, LOC_BODY },
	{ "Value", "value", NULL, &name, 0, offsetof(struct part, Value), 2, LOC_BODY },
};
static const struct shape part = { .name = "Part", .kind = SHAPE_STRUCT, .fields = part_fields,
	.fields_n = 2, .size = sizeof(struct part), .min = INT64_MIN, .max = INT64_MAX };
static const struct shape parts = { .kind = SHAPE_LIST, .min = INT64_MIN, .max = INT64_MAX,
	.value = &part, .size = sizeof(struct part) };
static const struct field in_fields[] = {
	{ "TableName", "TableName", NULL, &name, FIELD_REQUIRED,
		offsetof(struct sample_in, TableName), 0, LOC_BODY },
	{ "Mode", "mode", NULL, &mode, 0, offsetof(struct sample_in, Mode), 0, LOC_BODY },
	{ "Password", "Password", NULL, &secret, FIELD_SENSITIVE,
		offsetof(struct sample_in, Password), 0, LOC_BODY },
	{ "Limit", "Limit", NULL, &limit, 0, offsetof(struct sample_in, Limit), 0, LOC_BODY },
	{ "Names", "Names", NULL, &names, 0, offsetof(struct sample_in, Names), 0, LOC_BODY },
	{ "Labels", "Labels", NULL, &labels, 0, offsetof(struct sample_in, Labels), 0, LOC_BODY },
	{ "Part", "Part", NULL, &part, 0, offsetof(struct sample_in, Part), 0, LOC_PAYLOAD },
	{ "Parts", "parts", "Part", &parts, 0, offsetof(struct sample_in, Parts), 0, LOC_BODY },
};
static const struct shape in_shape = { .kind = SHAPE_STRUCT, .fields = in_fields, .fields_n = 8,
	.size = sizeof(struct sample_in), .min = INT64_MIN, .max = INT64_MAX };
static const struct op op = {
	.name = "Sample", .in = &in_shape, .in_size = sizeof(struct sample_in)
};

static void
expect(const char *service, enum protocol protocol, const struct sample_in *in, const char *code,
       const char *message)
{
	struct arena a;
	arena_init(&a);
	struct service s = { .name = service };
	struct call c = { .arena = &a, .service = &s, .protocol = protocol };
	int r = validate_input(&c, &op, in);
	assert_int_equal(r, code ? CALL_FAILED : CALL_OK);
	if (code) {
		assert_string_equal(c.error->code, code);
		if (message)
			assert_str(c.error_message, message);
	}
	arena_done(&a);
}

#define AT(p) "' at '" p "' failed to satisfy constraint: "

TEST(validate_accepts_what_fits)
{
	struct sample_in in = { .TableName = STR("abc"), .Mode = STR("ON"), .Limit = OPT_I64(100) };
	expect("dynamodb", PROTO_JSON10, &in, NULL, NULL);
}

TEST(validate_classic_lists_all)
{
	struct sample_in in = { .TableName = STR("a;"), .Mode = STR("on"), .Limit = OPT_I64(0) };
	expect("dynamodb", PROTO_JSON10, &in, "ValidationException",
		"4 validation errors detected: "
		"Value 'a;" AT(
			"tableName") "Member must satisfy regular expression pattern: [a-z]+; "
				     "Value 'a;" AT(
					     "tableName") "Member must have length greater than or equal to 3; "
							  "Value 'on" AT(
								  "mode") "Member must satisfy enum value set: [ON, OFF]; "
									  "Value '0" AT(
										  "limit") "Member must have value greater than or equal to 1");
}

TEST(validate_classic_nested_and_null)
{
	struct part p[] = { { STR("k"), STR("abc") }, { STR_NULL, STR("toolong") } };
	struct sample_in in = { .Parts = { p, 2, true }, .Password = STR("short") };
	expect("kms", PROTO_JSON11, &in, "ValidationException",
		"4 validation errors detected: "
		"Value null at 'tableName' failed to satisfy constraint: Member must not be null; "
		"Value at 'password' failed to satisfy constraint: Member must have length greater than or equal to 8; "
		"Value null at 'parts.2.member.key' failed to satisfy constraint: Member must not be null; "
		"Value 'toolong" AT(
			"parts.2.member.value") "Member must have length less than or equal to 5");
}

TEST(validate_classic_elements_of_lists_and_maps)
{
	struct str v[] = { STR("abc"), STR("x"), STR("def") };
	struct map_str_entry m[] = { { STR("K"), STR("v") } };
	struct sample_in in = {
		.TableName = STR("abc"), .Names = { v, 3, true }, .Labels = { m, 1, true }
	};
#define RULES                                                                                      \
	"[Member must have length less than or equal to 5, Member must have length greater than "  \
	"or equal to 3, Member must satisfy regular expression pattern: [a-z]+]"
	expect("sns", PROTO_QUERY, &in, "ValidationException",
		"3 validation errors detected: "
		"Value '[abc, x, def]" AT(
			"names") "Member must have length less than or equal to 2; "
				 "Value '[abc, x, def]" AT(
					 "names") "Member must satisfy constraint: " RULES "; "
						  "Value '{K=v}" AT(
							  "labels") "Map keys must satisfy constraint: " RULES);
}

TEST(validate_length_counts_characters)
{
	struct sample_in in = { .TableName = STR("abc"),
		.Password = STR("\xed\x95\x98\xed\x95\x98\xed\x95\x98") };
	expect("kms", PROTO_JSON11, &in, "ValidationException", NULL);
}

TEST(validate_ec2_names_the_first)
{
	struct part p[] = { { STR_NULL, STR("abc") } };
	struct sample_in in = { .Parts = { p, 1, true } };
	expect("ec2", PROTO_EC2, &in, "MissingParameter",
		"The request must contain the parameter TableName");
	in.TableName = STR("abc");
	expect("ec2", PROTO_EC2, &in, "MissingParameter",
		"The request must contain the parameter Part.1.Key");
	in.Parts.set = false;
	in.Mode = STR("x");
	expect("ec2", PROTO_EC2, &in, "InvalidParameterValue",
		"Value (x) for parameter Mode is invalid. Member must satisfy enum value set: [ON, OFF]");
}

TEST(validate_missing_parameter_of_query_services)
{
	struct sample_in in = { .Mode = STR("ON") };
	expect("sqs", PROTO_JSON10, &in, "MissingParameter",
		"The request must contain the parameter TableName.");
	expect("rds", PROTO_QUERY, &in, "MissingParameter",
		"The request must contain the parameter TableName.");
	expect("logs", PROTO_JSON11, &in, "InvalidParameterException", NULL);
}

TEST(validate_s3_says_malformed_xml)
{
	struct part p = { STR_NULL, STR("abc") };
	struct sample_in in = { .TableName = STR("abc"), .Part = &p };
	expect("s3", PROTO_REST_XML, &in, "MalformedXML", NULL);
	p.Key = STR("k");
	expect("s3", PROTO_REST_XML, &in, NULL, NULL);
}

TEST(validate_amount_of_text_is_bounded)
{
	static char big[100000];
	static struct part p[3000];
	memset(big, 'A', sizeof(big));
	for (size_t i = 0; i < 3000; i++)
		p[i] = (struct part){ STR("k"), str_of(big, sizeof(big)) };
	struct sample_in in = { .TableName = STR("abc"), .Parts = { p, 3000, true } };
	struct arena a;
	arena_init(&a);
	struct service s = { .name = "kms" };
	struct call c = { .arena = &a, .service = &s, .protocol = PROTO_JSON11 };
	assert_int_equal(validate_input(&c, &op, &in), CALL_FAILED);
	assert_true(c.error_message.len < 64 * 1024);
	arena_done(&a);
}
