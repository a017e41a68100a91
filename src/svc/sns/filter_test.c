#include "svc/sns/filter.h"

#include "unit.h"

struct filter_case {
	const char *policy, *body;
	bool matches;
};

static const struct filter_case body_cases[] = {
	{ "{}", "{\"a\":1}", true },
	{ "{\"a\":[\"x\"]}", "{\"a\":\"x\"}", true },
	{ "{\"a\":[\"x\"]}", "{\"a\":\"y\"}", false },
	{ "{\"a\":[\"x\"]}", "{\"b\":\"x\"}", false },
	{ "{\"a\":[\"x\",\"y\"]}", "{\"a\":\"y\"}", true },
	{ "{\"a\":[\"x\"]}", "{\"a\":[\"q\",\"x\"]}", true },
	{ "{\"a\":[\"x\"],\"b\":[1]}", "{\"a\":\"x\",\"b\":1.0}", true },
	{ "{\"a\":[\"x\"],\"b\":[1]}", "{\"a\":\"x\",\"b\":2}", false },
	{ "{\"a\":[1]}", "{\"a\":\"1\"}", false },
	{ "{\"a\":[true]}", "{\"a\":true}", true },
	{ "{\"a\":[true]}", "{\"a\":false}", false },
	{ "{\"a\":[null]}", "{\"a\":null}", true },
	{ "{\"a\":[null]}", "{}", false },
	{ "{\"a\":[{\"prefix\":\"ab\"}]}", "{\"a\":\"abc\"}", true },
	{ "{\"a\":[{\"prefix\":\"ab\"}]}", "{\"a\":\"ac\"}", false },
	{ "{\"a\":[{\"suffix\":\"bc\"}]}", "{\"a\":\"abc\"}", true },
	{ "{\"a\":[{\"suffix\":\"bc\"}]}", "{\"a\":\"bcd\"}", false },
	{ "{\"a\":[{\"equals-ignore-case\":\"AbC\"}]}", "{\"a\":\"aBc\"}", true },
	{ "{\"a\":[{\"equals-ignore-case\":\"AbC\"}]}", "{\"a\":\"aBd\"}", false },
	{ "{\"a\":[{\"wildcard\":\"a*c*\"}]}", "{\"a\":\"abbcd\"}", true },
	{ "{\"a\":[{\"wildcard\":\"a*c\"}]}", "{\"a\":\"abcd\"}", false },
	{ "{\"a\":[{\"wildcard\":\"a?c\"}]}", "{\"a\":\"abc\"}", false },
	{ "{\"a\":[{\"anything-but\":\"x\"}]}", "{\"a\":\"y\"}", true },
	{ "{\"a\":[{\"anything-but\":\"x\"}]}", "{\"a\":\"x\"}", false },
	{ "{\"a\":[{\"anything-but\":\"x\"}]}", "{}", false },
	{ "{\"a\":[{\"anything-but\":[\"x\",\"y\"]}]}", "{\"a\":\"y\"}", false },
	{ "{\"a\":[{\"anything-but\":[1,2]}]}", "{\"a\":3}", true },
	{ "{\"a\":[{\"anything-but\":[1,2]}]}", "{\"a\":2}", false },
	{ "{\"a\":[{\"anything-but\":{\"prefix\":\"x-\"}}]}", "{\"a\":\"x-1\"}", false },
	{ "{\"a\":[{\"anything-but\":{\"prefix\":\"x-\"}}]}", "{\"a\":\"y-1\"}", true },
	{ "{\"a\":[{\"anything-but\":{\"prefix\":[\"x\",\"y\"]}}]}", "{\"a\":\"y-1\"}", false },
	{ "{\"a\":[{\"anything-but\":{\"suffix\":\".png\"}}]}", "{\"a\":\"a.png\"}", false },
	{ "{\"a\":[{\"anything-but\":{\"wildcard\":\"*x*\"}}]}", "{\"a\":\"axb\"}", false },
	{ "{\"a\":[{\"anything-but\":{\"equals-ignore-case\":\"X\"}}]}", "{\"a\":\"x\"}", false },
	{ "{\"a\":[{\"numeric\":[\"=\",5]}]}", "{\"a\":5.000}", true },
	{ "{\"a\":[{\"numeric\":[\">\",5]}]}", "{\"a\":5}", false },
	{ "{\"a\":[{\"numeric\":[\">=\",5]}]}", "{\"a\":5}", true },
	{ "{\"a\":[{\"numeric\":[\"<\",5]}]}", "{\"a\":4.9}", true },
	{ "{\"a\":[{\"numeric\":[\">\",0,\"<=\",5]}]}", "{\"a\":5}", true },
	{ "{\"a\":[{\"numeric\":[\">\",0,\"<=\",5]}]}", "{\"a\":0}", false },
	{ "{\"a\":[{\"numeric\":[\">\",0]}]}", "{\"a\":\"1\"}", false },
	{ "{\"a\":[{\"exists\":true}]}", "{\"a\":null}", true },
	{ "{\"a\":[{\"exists\":true}]}", "{\"b\":1}", false },
	{ "{\"a\":[{\"exists\":false}]}", "{\"b\":1}", true },
	{ "{\"a\":[{\"exists\":false}]}", "{\"a\":1}", false },
	{ "{\"a\":[{\"cidr\":\"10.0.0.0/24\"}]}", "{\"a\":\"10.0.0.255\"}", true },
	{ "{\"a\":[{\"cidr\":\"10.0.0.0/24\"}]}", "{\"a\":\"10.0.1.0\"}", false },
	{ "{\"a\":[{\"cidr\":\"10.0.0.0/24\"}]}", "{\"a\":\"not\"}", false },
	{ "{\"a\":[{\"cidr\":\"2001:db8::/33\"}]}", "{\"a\":\"2001:db8:7fff::1\"}", true },
	{ "{\"a\":[{\"cidr\":\"2001:db8::/33\"}]}", "{\"a\":\"2001:db8:8000::1\"}", false },
	{ "{\"a\":[{\"cidr\":\"0.0.0.0/0\"}]}", "{\"a\":\"1.2.3.4\"}", true },
	{ "{\"a\":{\"b\":[\"x\"]}}", "{\"a\":{\"b\":\"x\"}}", true },
	{ "{\"a\":{\"b\":[\"x\"]}}", "{\"a\":{\"b\":\"y\"}}", false },
	{ "{\"a\":{\"b\":[\"x\"]}}", "{\"a\":[{\"b\":\"y\"},{\"b\":\"x\"}]}", true },
	{ "{\"a\":{\"b\":[{\"exists\":false}]}}", "{\"a\":{}}", true },
	{ "{\"$or\":[{\"a\":[1]},{\"b\":[2]}]}", "{\"b\":2}", true },
	{ "{\"$or\":[{\"a\":[1]},{\"b\":[2]}]}", "{\"b\":1}", false },
	{ "{\"c\":[3],\"$or\":[{\"a\":[1]},{\"b\":[2]}]}", "{\"a\":1}", false },
	{ "{\"c\":[3],\"$or\":[{\"a\":[1]},{\"b\":[2]}]}", "{\"a\":1,\"c\":3}", true },
	{ "{\"a\":[\"x\"]}", "[1]", false },
};

TEST(filter_bodies)
{
	char why[SNS_WHY_MAX];
	for (size_t i = 0; i < sizeof(body_cases) / sizeof(*body_cases); i++) {
		struct arena a;
		arena_init(&a);
		struct sns_filter *f = sns_filter_parse(&a, str_c(body_cases[i].policy), true, why);
		if (!f)
			print_message("%s: %s\n", body_cases[i].policy, why);
		assert_non_null(f);
		bool got =
			sns_filter_matches(f, json_parse(&a, str_c(body_cases[i].body), 0, NULL));
		if (got != body_cases[i].matches)
			print_message("%s on %s\n", body_cases[i].policy, body_cases[i].body);
		assert_int_equal(got, body_cases[i].matches);
		arena_done(&a);
	}
}

TEST(filter_refuses)
{
	static const char *const bad[] = { "", "[]", "{\"a\":\"x\"}", "{\"a\":[]}", "{\"a\":[[1]]}",
		"{\"a\":[{}]}", "{\"a\":[{\"numeric\":[]}]}", "{\"a\":[{\"numeric\":[\"<\"]}]}",
		"{\"a\":[{\"numeric\":[\"<\",\"1\"]}]}", "{\"a\":[{\"numeric\":[\"~\",1]}]}",
		"{\"a\":[{\"numeric\":[\">\",5,\"<\",1]}]}",
		"{\"a\":[{\"numeric\":[\"<\",5,\">\",1]}]}",
		"{\"a\":[{\"numeric\":[\">\",1,\"<\",5,\"<\"]}]}",
		"{\"a\":[{\"numeric\":[\">\",1000000001]}]}", "{\"a\":[{\"prefix\":1}]}",
		"{\"a\":[{\"exists\":\"yes\"}]}", "{\"a\":[{\"cidr\":\"10.0.0.0\"}]}",
		"{\"a\":[{\"cidr\":\"10.0.0.0/33\"}]}", "{\"a\":[{\"like\":\"x\"}]}",
		"{\"a\":[{\"anything-but\":[]}]}", "{\"a\":[{\"anything-but\":[null]}]}",
		"{\"a\":[{\"anything-but\":{\"numeric\":[\"<\",1]}}]}",
		"{\"a\":[{\"prefix\":\"x\",\"suffix\":\"y\"}]}",
		"{\"a\":[1],\"b\":[1],\"c\":[1],\"d\":[1],\"e\":[1],\"f\":[1]}",
		"{\"a\":[1,2,3,4,5,6],\"b\":[1,2,3,4,5,6],\"c\":[1,2,3,4,5]}",
		"{\"a\":[{\"wildcard\":\"a**\"}]}" };
	char why[SNS_WHY_MAX];
	struct arena a;
	arena_init(&a);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (sns_filter_parse(&a, str_c(bad[i]), false, why))
			print_message("accepted: %s\n", bad[i]);
		assert_null(sns_filter_parse(&a, str_c(bad[i]), false, why));
		assert_true(why[0]);
	}
	assert_null(sns_filter_parse(&a, STR("{\"a\":{\"b\":[1]}}"), false, why));
	assert_non_null(sns_filter_parse(&a, STR("{\"a\":{\"b\":[1]}}"), true, why));
	arena_done(&a);
}

TEST(filter_attributes)
{
	struct sns_message_attribute_value_map_entry v[] = {
		{ STR("s"), { .DataType = STR("String"), .StringValue = STR("x") } },
		{ STR("n"), { .DataType = STR("Number.int"), .StringValue = STR("7") } },
		{ STR("l"), { .DataType = STR("String.Array"),
				    .StringValue = STR("[\"a\",2,true,null]") } },
		{ STR("b"), { .DataType = STR("Binary"), .BinaryValue = STR("x") } },
		{ STR("broken"), { .DataType = STR("String.Array"), .StringValue = STR("[") } },
	};
	static const struct {
		const char *policy;
		bool matches;
	} cases[] = { { "{\"s\":[\"x\"],\"n\":[{\"numeric\":[\">\",6]}]}", true },
		{ "{\"n\":[\"7\"]}", false }, { "{\"n\":[7]}", true }, { "{\"l\":[\"a\"]}", true },
		{ "{\"l\":[2]}", true }, { "{\"l\":[null]}", true }, { "{\"l\":[\"q\"]}", false },
		{ "{\"b\":[{\"exists\":true}]}", false }, { "{\"b\":[{\"exists\":false}]}", true },
		{ "{\"broken\":[{\"exists\":true}]}", false },
		{ "{\"l\":[{\"anything-but\":\"a\"}]}", true } };
	struct sns_message_attribute_value_map m = { v, 5, true };
	char why[SNS_WHY_MAX];
	struct arena a;
	arena_init(&a);
	struct json *what = sns_filter_object(&a, &m);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sns_filter *f = sns_filter_parse(&a, str_c(cases[i].policy), false, why);
		assert_non_null(f);
		assert_int_equal(sns_filter_matches(f, what), cases[i].matches);
	}
	arena_done(&a);
}
