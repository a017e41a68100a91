#include "svc/iam/iam.h"

#include "aws/policy.h"
#include "svc/iam/position.h"
#include "unit.h"

TEST(iam_managed_policies_are_sorted_and_valid)
{
	const struct iam_managed *m;
	struct arena a;
	arena_init(&a);
	for (uint32_t i = 0; (m = iam_managed_at(i)); i++) {
		struct str arn = iam_managed_arn(&a, m);
		assert_ptr_equal(iam_managed_find(arn), m);
		assert_non_null(iam_managed_compiled(m));
		assert_int_equal(strlen(m->id), 21);
		if (i)
			assert_true(strcmp(iam_managed_at(i - 1)->name, m->name) < 0);
	}
	assert_null(iam_managed_find(STR("arn:aws:iam::aws:policy/NoSuchPolicy")));
	assert_null(iam_managed_find(STR("arn:aws:iam::aws:policy/AWSLambdaBasicExecutionRole")));
	assert_null(iam_managed_find(STR("arn:aws:iam::123456789012:policy/AdministratorAccess")));
	assert_null(iam_managed_find(STR("arn:aws:iam::aws:policy/")));
	arena_done(&a);
}

TEST(iam_ids_carry_their_account)
{
	static const char *const accounts[] = { "000000000000", "123456789012", "999999999999" };
	struct arena a;
	struct call c = { .arena = &a };
	char account[13];
	arena_init(&a);
	for (unsigned i = 0; i < 3; i++) {
		struct str id = iam_id_new(&c, "AKIA", str_c(accounts[i]), 16);
		assert_int_equal(id.len, 20);
		assert_true(iam_id_account(id, account));
		assert_string_equal(account, accounts[i]);
		id = iam_id_new(&c, "AROA", str_c(accounts[i]), 17);
		assert_int_equal(id.len, 21);
		assert_true(iam_id_account(id, account));
		assert_string_equal(account, accounts[i]);
	}
	assert_false(iam_id_account(STR("AKIA"), account));
	assert_false(iam_id_account(
		STR("AKIAIOSFODNN7EXAMPLE"), account)); /* of before ids had accounts */
	assert_false(iam_id_account(STR("AKIAQ189!!!!!!!!!!!!"), account));
	assert_false(iam_id_account(STR("AKIA7777777777777777"), account)); /* no twelve digits */
	arena_done(&a);
}

static void
span(const char *text, unsigned statement, unsigned l1, unsigned c1, unsigned l2, unsigned c2)
{
	struct policy_span s;
	assert_true(policy_span_find(str_c(text), statement, &s));
	assert_int_equal(s.from_line, l1);
	assert_int_equal(s.from_column, c1);
	assert_int_equal(s.to_line, l2);
	assert_int_equal(s.to_column, c2);
}

TEST(iam_statements_have_a_place)
{
	struct policy_span s;
	span("{\"Statement\":{\"a\":1}}", 0, 1, 14, 1, 21);
	span("{\"Version\":\"x\",\n\"Statement\":[\n {\"a\":[1,{}]},\n {\"b\":\"}\"}\n]}", 0, 3, 2,
		3, 14);
	span("{\"Version\":\"x\",\n\"Statement\":[\n {\"a\":[1,{}]},\n {\"b\":\"}\"}\n]}", 1, 4, 2,
		4, 11);
	span("{\"Id\":\"\\\"Statement\",\"Statement\":[{},{}]}", 1, 1, 37, 1, 39);
	assert_false(policy_span_find(STR("{\"Statement\":[{}]}"), 1, &s));
	assert_false(policy_span_find(STR("{}"), 0, &s));
	assert_false(policy_span_find(STR("{\"Statement\""), 0, &s));
	assert_false(policy_span_find(STR("{\"Sta"), 0, &s));
	assert_false(policy_span_find(STR(""), 0, &s));
}

TEST(iam_keys_of_a_policy_are_collected_once)
{
	struct list_str keys = { 0 };
	struct arena a;
	arena_init(&a);
	policy_keys_collect(&a,
		STR("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Resource\":\"x/${aws:username}/"
		    "${aws:PrincipalTag/t, "
		    "'d'}/"
		    "${*}\",\"Condition\":{\"StringLike\":{\"s3:prefix\":\"a\"},\"Null\":{\"S3:"
		    "Prefix\":\"true\"}}}]}"),
		&keys);
	assert_int_equal(keys.n, 3);
	assert_str(keys.v[0], "s3:prefix");
	assert_str(keys.v[1], "aws:username");
	assert_str(keys.v[2], "aws:PrincipalTag/t");
	keys = (struct list_str){ 0 };
	policy_keys_collect(&a, STR("not json"), &keys);
	assert_int_equal(keys.n, 0);
	arena_done(&a);
}

TEST(iam_sizes_leave_out_blanks)
{
	assert_int_equal(iam_document_size(STR(" {\n\t\"a\" : 1 }\r\n")), 7);
	assert_int_equal(iam_document_size(STR_NULL), 0);
}
