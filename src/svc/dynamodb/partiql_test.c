#include "svc/dynamodb/dynamodb_rig.h"

/* Text within a document of the rig, which writes ' for ". */
static char *
quoted(struct rig *r, const char *text)
{
	struct buf b = { 0 };
	for (; *text; text++) {
		if (*text == '\'')
			buf_add_lit(&b, "\\u0027");
		else if (*text == '"')
			buf_add_lit(&b, "\\\"");
		else if (*text == '\n')
			buf_add_lit(&b, "\\n");
		else
			buf_add_c(&b, *text);
	}
	char *s = arena_cstr(&r->arena, buf_str(&b));
	buf_done(&b);
	return s;
}

static const char *
sql(struct rig *r, const char *statement, const char *more)
{
	rig_call(r, "ExecuteStatement", "{'Statement':'%s'%s}", quoted(r, statement), more);
	return r->status == 200 ? rig_body(r) : rig_message(r);
}

#define TABLE                                                                                      \
	"{'TableName':'tab','KeySchema':[{'AttributeName':'pk','KeyType':'HASH'},{'AttributeName'" \
	":'sk','KeyType':'RANGE'}],'AttributeDefinitions':[{'AttributeName':'pk','AttributeType'"  \
	":'S'},{'AttributeName':'sk','AttributeType':'S'},{'AttributeName':'g','AttributeType':"   \
	"'S'},{'AttributeName':'l','AttributeType':'S'}],'BillingMode':'PAY_PER_REQUEST',"         \
	"'GlobalSecondaryIndexes':[{'IndexName':'gix','KeySchema':[{'AttributeName':'g',"          \
	"'KeyType':'HASH'}],'Projection':{'ProjectionType':'INCLUDE','NonKeyAttributes':['p']}}]," \
	"'LocalSecondaryIndexes':[{'IndexName':'lix','KeySchema':[{'AttributeName':'pk',"          \
	"'KeyType':'HASH'},{'AttributeName':'l','KeyType':'RANGE'}],'Projection':"                 \
	"{'ProjectionType':'KEYS_ONLY'}}]}"

static void
open_table(struct rig *r)
{
	static const char *const items[] = {
		"{'pk':'a','sk':'1','n':5,'s':'abc','m':{'k':['c',2]},'l':'x','g':'y','p':1}",
		"{'pk':'a','sk':'2','n':-1.5,'t':TRUE,'z':NULL,'l':'w','g':'y','p':2}",
		"{'pk':'a','sk':'3','set':<<'q','r'>>,'nums':<<1,2.5>>}",
		"{'pk':'b','sk':'1','note':'it''s -- not /*a comment*/'}",
	};
	rig_open(r);
	rig_do(r, "CreateTable", TABLE);
	for (unsigned i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
		struct str s = arena_printf(&r->arena, "INSERT INTO tab VALUE %s", items[i]);
		assert_string_equal(sql(r, arena_cstr(&r->arena, s), ""), "{'Items':[]}");
	}
}

/* What SELECT sk FROM tab WHERE … finds. */
static const char *const conditions[][2] = {
	{ "pk='a'", "123" },
	{ "pk='a' AND sk > '1'", "23" },
	{ "pk='a' AND '1' < sk", "23" },
	{ "pk='a' AND sk BETWEEN '1' AND '2'", "12" },
	{ "pk='a' AND begins_with(sk, '3')", "3" },
	{ "pk='a' AND sk IN ['1','3']", "13" },
	{ "pk='a' AND (sk='1' OR sk='2')", "12" },
	{ "pk='a' AND (sk < '1' OR sk > '1' OR sk='1')", "231" },
	{ "pk='a' AND NOT sk='1'", "23" },
	{ "pk='a' AND sk <> '1' AND sk != '2'", "3" },
	{ "pk='a' AND sk='1' AND sk > '0'", "1" },
	{ "pk IN ['b','a'] AND sk='1'", "11" },
	{ "pk='a' OR pk='b'", "1231" },
	{ "(pk='a' AND n=5) OR (pk='b')", "11" },
	{ "pk > 1", "" },
	{ "n > -5 AND n < +5", "2" },
	{ "n = - - 5", "1" },
	{ "n IN (5, -1.50)", "12" },
	{ "n NOT IN (5)", "123" },
	{ "pk='a' AND n IS MISSING", "3" },
	{ "n IS NOT MISSING", "12" },
	{ "z IS NULL", "2" },
	{ "s IS STRING AND m IS TUPLE", "1" },
	{ "size(s) = 3 AND contains(s, 'bc')", "1" },
	{ "contains(\"set\", 'q')", "3" },
	{ "\"set\" = <<'r','q'>>", "3" },
	{ "nums = << 2.50, 1 >>", "3" },
	{ "m.k[0] = 'c' AND m.k = ['c', 2] AND m = {'k':['c',2]}", "1" },
	{ "attribute_type(t, 'BOOL') AND t = true", "2" },
	{ "pk='a' AND attribute_exists(n) = false", "3" },
	{ "pk='a' AND (n BETWEEN 0 AND 9) = TRUE", "1" },
	{ "note = 'it''s -- not /*a comment*/'; -- the end", "1" },
	{ "pk/* the key */='b' --", "1" },
	{ "(((n = 5)))", "1" },
};

TEST(dynamodb_partiql_conditions_find_what_they_say)
{
	struct rig r;
	open_table(&r);
	for (unsigned i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++) {
		struct str s = arena_printf(
			&r.arena, "SELECT sk FROM tab WHERE %s", conditions[i][0]);
		char found[16] = "";
		sql(&r, arena_cstr(&r.arena, s), "");
		const struct json *items = json_get_lit(r.out, "Items");
		for (uint32_t k = 0; items && k < items->n && k < 15; k++)
			found[k] = *json_get_text(json_get_lit(&items->items[k], "sk"), STR("S")).p;
		if (r.status != 200 || strcmp(found, conditions[i][1]) != 0)
			print_error("%s: %.*s\n", conditions[i][0], STR_FMT(r.body));
		assert_string_equal(found, conditions[i][1]);
	}
	rig_close(&r);
}

#define MALFORMED "Statement wasn't well formed, can't be processed: "
#define INVALID "One or more parameter values were invalid: "
#define KEYED "SELECT sk FROM tab WHERE pk='a' AND "
#define CHANGE(set) "UPDATE tab SET " set " WHERE pk='a' AND sk='1'"
static const char *const refused[][2] = {
	{ "SLECT * FROM tab", MALFORMED "Expected data manipulation" },
	{ "SELECT * FROM tab WHERE pk='a' junk", MALFORMED "Unexpected token after expression" },
	{ "SELECT * FROM tab WHERE pk='a", MALFORMED },
	{ "SELECT * FROM tab WHERE pk='a' /* open", MALFORMED },
	{ "INSERT INTO tab (key) VALUES (?)", MALFORMED "Unexpected keyword" },
	{ "SELECT * FROM \"\" WHERE pk='p'", "Path component cannot be an empty string" },
	{ "SELECT * FROM tab.\"\" WHERE pk='p'", "Path component cannot be an empty string" },
	{ "SELECT * FROM tab.gix.x", "A path may contain at most 2 components in the FROM clause" },
	{ "SELECT * FROM tab.nope WHERE pk='p'", "The table does not have the specified index" },
	{ "SELECT * FROM none WHERE pk='p'", "Requested resource not found" },
	{ "SELECT m.inner FROM tab", MALFORMED "Invalid path dot component" },
	{ "SELECT l[-1] FROM tab",
		"List index is not within the allowable range; index: [-1] at 1:11:1" },
	{ "SELECT l[2147483648] FROM tab",
		"List index is not within the allowable range; index: [2147483648] at 1:10:10" },
	{ "SELECT attribute_exists(a) FROM tab", "Unexpected path component at 1:8:16" },
	{ KEYED "EXISTS(a)", "Unrecognized function: exists at 1:37:6" },
	{ KEYED "set_add(a, <<1>>) = a", "Unrecognized function: set_add at 1:37:7" },
	{ KEYED "attribute_exists('a')",
		"Operator or function requires a document path; operator or function: "
		"attribute_exists" },
	{ KEYED "attribute_exists(a, b)",
		"Incorrect number of operands for operator or function; operator or function: "
		"attribute_exists, number of operands: 2" },
	{ KEYED "attribute_type(a, 1)",
		"Incorrect operand type for operator or function; operator or function: "
		"attribute_type, operand type: N" },
	{ KEYED "a < true",
		"Incorrect operand type for operator or function; operator or function: "
		"<, operand type: BOOL" },
	{ KEYED "s = <<'a','a'>>", INVALID "Input collection [a, a] contains duplicates." },
	{ KEYED "s = <<2, 2.0>>",
		INVALID "Input collection [2, 2.0] contains duplicates! under root" },
	{ KEYED "s = <<>>", "Empty bags are not supported" },
	{ KEYED "a = ?", "Number of parameters in request and statement don't match." },
	{ KEYED "a IN 5",
		"IN operator must have a left hand argument of type Variable Reference and right "
		"hand argument of type Seq with at least one member" },
	{ KEYED "sk IN ['1', 2]",
		"Key attribute's data type should match its data type in table's schema: Key sk" },
	{ "SELECT * FROM tab WHERE pk=1 OR pk='a'",
		"Key attribute's data type should match its data type in table's schema: Key pk" },
	{ "SELECT * FROM tab WHERE pk IN ['a','a']",
		"Overlapping conditions with range keys are not supported in where clause" },
	{ KEYED "(sk > '0' OR sk < '5')",
		"Overlapping conditions with range keys are not supported in where clause" },
	{ KEYED "(sk='1' OR n=5)",
		"Overlapping conditions with range keys are not supported in where clause" },
	{ "SELECT pk FROM tab.gix WHERE g='y' AND NOT (u='1' OR p=1)",
		INVALID "Secondary index gix does not project one or more filter attributes: [u]" },
	{ "SELECT pk FROM tab.gix WHERE g='y' AND b='1' AND (a='2' OR p=3)",
		INVALID "Secondary index gix does not project one or more filter attributes: "
			"[a, b]" },
	{ "SELECT pk FROM tab.lix WHERE pk='a' AND (zz='1' OR aa='2' OR mm='3')",
		INVALID "Secondary index lix does not project one or more filter attributes: [zz, "
			"aa, mm]" },
	{ "SELECT s FROM tab.gix WHERE g='y'",
		INVALID "Global secondary index gix does not project [s]" },
	{ "SELECT a.b, c.b FROM tab", "Duplicate identifiers in select clause: b" },
	{ "SELECT * FROM tab ORDER BY pk",
		"Must have WHERE clause in the statement when using ORDER BY clause." },
	{ "SELECT * FROM tab WHERE n=5 ORDER BY pk",
		"Must have at least one non-optional hash key condition in WHERE clause when using "
		"ORDER BY clause." },
	{ "SELECT * FROM tab WHERE pk='a' ORDER BY n",
		"Variable reference n in ORDER BY clause must be part of the primary key" },
	{ "SELECT * FROM tab WHERE pk IN ['a','b'] ORDER BY sk",
		"Must have hash key in ORDER BY clause when more than one hash key condition "
		"specified in WHERE clause." },
	{ "EXISTS(SELECT * FROM tab WHERE pk='a' AND sk='1' AND n=5)",
		"EXISTS can only be used in ExecuteTransaction write requests." },
	{ "INSERT INTO tab VALUE {'pk':'a','sk':'1'}", "Duplicate primary key exists in table" },
	{ "INSERT INTO tab VALUE {'pk':'c'}", INVALID "Missing the key sk in the item" },
	{ "INSERT INTO tab VALUE {'pk':'c','sk':'1','m':{'k':?}}",
		"Unsupported data type: Parameter under key root.k at 1:51:1" },
	{ "INSERT INTO tab VALUE {'pk':'c','ss':set_add(a,b)}",
		"Unsupported data type: set_add under key root at 1:38:7" },
	{ "INSERT INTO tab.gix VALUE {'pk':'c'}", "This operation is not supported on an index" },
	{ "UPDATE tab SET n=1 WHERE pk='a'",
		"Where clause does not contain a mandatory equality on all key attributes" },
	{ "UPDATE tab SET n=1 WHERE pk='a' AND sk='1' AND pk='b'",
		"Multiple conditions on same key pk. Only single item Update/Insert/Delete are "
		"supported" },
	{ "UPDATE tab SET n=1 WHERE pk='none' AND sk='1'", "The conditional request failed" },
	{ "UPDATE tab SET n=1 WHERE pk='a' AND sk='1' AND n=6", "The conditional request failed" },
	{ CHANGE("t = set_add(ss, <<'x'>>)"),
		"The first argument to SET_ADD must equal the assignment value at 1:20:7" },
	{ CHANGE("ss = set_add(ss, 'x')"),
		"The second argument to SET_ADD must be a value with type SET at 1:29:2" },
	{ "UPDATE tab\nSET members = set_add(members, 'x')",
		"The second argument to SET_ADD must be a value with type SET at 2:23:7" },
	{ CHANGE("ss = set_delete(ss)"), "SET_DELETE must have exactly two arguments at 1:21:10" },
	{ CHANGE("s = set_add(s, <<'x'>>)"),
		"An operand in the update expression has an incorrect data type" },
	{ CHANGE("n = 'a' + 1"),
		"Incorrect operand type for operator or function; operator or function: +, operand "
		"type: S" },
	{ CHANGE("n = 1, n = 2"),
		"Two document paths overlap with each other; must remove or rewrite one of these "
		"paths; path one: [n], path two: [n]" },
	{ CHANGE("pk = 'b'"), INVALID "Cannot update attribute pk. This attribute is part of the "
				      "key" },
	{ "DELETE FROM tab WHERE pk='a' AND sk='1' RETURNING MODIFIED OLD *",
		"Invalid returning clause: RETURNING MODIFIED OLD *. Only RETURNING ALL OLD * is "
		"allowed in DELETE statements." },
	{ "INSERT INTO tab VALUE {'pk':'c','sk':'1'} RETURNING ALL OLD *",
		"RETURNING is not supported in INSERT" },
};

TEST(dynamodb_partiql_refused_in_these_words)
{
	struct rig r;
	open_table(&r);
	for (unsigned i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		const char *got = sql(&r, refused[i][0], "");
		if (strcmp(got, refused[i][1]) != 0)
			print_error("%s\n", refused[i][0]);
		assert_string_equal(got, refused[i][1]);
	}
	rig_close(&r);
}

/* Statements one after the other, and their replies. */
static const char *const story[][2] = {
	{ "UPDATE tab SET n = n + 1 SET s = 'x', m.k[1] = [9] REMOVE g WHERE pk='a' AND sk='1' "
	  "RETURNING MODIFIED NEW *",
		"{'Items':[{'n':{'N':'6'},'s':{'S':'x'},'m':{'M':{'k':{'L':[{'L':[{'N':'9'}]}]}}}}"
		"]}" },
	{ "UPDATE tab SET lst = list_append([1], [2]) WHERE pk='a' AND sk='1' RETURNING MODIFIED OLD "
	  "*",
		"{'Items':[]}" },
	{ "UPDATE tab SET \"set\" = set_add(\"set\", <<'z'>>) WHERE pk='a' AND sk='3'",
		"{'Items':[]}" },
	{ "UPDATE tab SET \"set\" = set_delete(\"set\", <<'q'>>) WHERE pk='a' AND sk='3' RETURNING "
	  "MODIFIED NEW *",
		"{'Items':[{'set':{'SS':['r','z']}}]}" },
	{ "SELECT m.k[0], n FROM tab WHERE pk='a' AND sk='1'",
		"{'Items':[{'k[0]':{'S':'c'},'n':{'N':'6'}}]}" },
	{ "SELECT sk FROM tab WHERE pk='a' ORDER BY sk DESC",
		"{'Items':[{'sk':{'S':'3'}},{'sk':{'S':'2'}},{'sk':{'S':'1'}}]}" },
	{ "SELECT pk, sk FROM tab WHERE pk IN ['a','b'] AND sk='1' ORDER BY pk DESC",
		"{'Items':[{'pk':{'S':'b'},'sk':{'S':'1'}},{'pk':{'S':'a'},'sk':{'S':'1'}}]}" },
	{ "SELECT * FROM \"tab\".\"gix\" WHERE g='y'",
		"{'Items':[{'pk':{'S':'a'},'sk':{'S':'2'},'g':{'S':'y'},'p':{'N':'2'}}]}" },
	{ "SELECT n FROM \"tab\".\"lix\" WHERE pk='a' AND l > 'w'", "{'Items':[{'n':{'N':'6'}}]}" },
	{ "DELETE FROM tab WHERE pk='none' AND sk='1' AND n=5", "{'Items':[]}" },
	{ "DELETE FROM tab WHERE pk='b' AND sk='1' AND note='no'",
		"The conditional request failed" },
	{ "DELETE FROM tab WHERE pk='b' AND sk='1' RETURNING ALL OLD *",
		"{'Items':[{'pk':{'S':'b'},'sk':{'S':'1'},'note'" },
	{ "SELECT pk FROM tab WHERE pk='b'", "{'Items':[]}" },
};

TEST(dynamodb_partiql_statements_change_what_they_say)
{
	struct rig r;
	open_table(&r);
	for (unsigned i = 0; i < sizeof(story) / sizeof(story[0]); i++) {
		const char *got = sql(&r, story[i][0], "");
		if (strncmp(got, story[i][1], strlen(story[i][1])) != 0)
			print_error("%s\n%s\n", story[i][0], got);
		assert_int_equal(strncmp(got, story[i][1], strlen(story[i][1])), 0);
	}
	rig_close(&r);
}

TEST(dynamodb_partiql_pages_and_their_tokens)
{
	struct rig r;
	open_table(&r);
	static const char *const all[] = { "SELECT pk, sk FROM tab",
		"SELECT pk, sk FROM tab WHERE pk IN ['a','b'] ORDER BY pk, sk DESC",
		"SELECT pk, sk FROM tab.gix WHERE p > 0" };
	static const unsigned counts[] = { 4, 4, 2 };
	for (unsigned i = 0; i < 3; i++) {
		const char *more = ",'Limit':1";
		unsigned n = 0, pages = 0;
		for (;;) {
			sql(&r, all[i], more);
			rig_ok(&r);
			n += json_get_lit(r.out, "Items")->n;
			struct str token = json_get_text(r.out, STR("NextToken"));
			if (!token.p || ++pages > 9)
				break;
			more = arena_cstr(&r.arena,
				arena_printf(&r.arena, ",'Limit':1,'NextToken':'%.*s'",
					STR_FMT(token)));
		}
		assert_int_equal(n, counts[i]);
		sql(&r, all[i], ",'Limit':1");
		more = arena_cstr(&r.arena,
			arena_printf(&r.arena, ",'NextToken':'%.*s'",
				STR_FMT(json_get_text(r.out, STR("NextToken")))));
		assert_string_equal(
			sql(&r, all[(i + 1) % 3], more), "NextToken does not match request");
	}
	assert_string_equal(sql(&r, all[0], ",'NextToken':'AAAA'"), "Invalid NextToken");
	rig_close(&r);
}

TEST(dynamodb_partiql_capacity_and_parameters)
{
	struct rig r;
	open_table(&r);
	assert_string_equal(
		sql(&r, "SELECT sk FROM tab WHERE pk=? AND n=?",
			",'Parameters':[{'S':'a'},{'N':'5'}],'ReturnConsumedCapacity':'TOTAL'"),
		"{'Items':[{'sk':{'S':'1'}}],'ConsumedCapacity':{'TableName':'tab',"
		"'CapacityUnits':0.5}}");
	assert_string_equal(sql(&r, "nonsense", ",'Parameters':[{'SS':['a','a']}]"),
		INVALID "Input collection [a, a] contains duplicates.");
	sql(&r, "UPDATE tab SET n=1 WHERE pk='a' AND sk='1' AND n=6",
		",'ReturnValuesOnConditionCheckFailure':'ALL_OLD'");
	assert_int_equal(r.status, 400);
	assert_non_null(json_get_lit(r.out, "Item"));
	rig_close(&r);
}

TEST(dynamodb_partiql_batches_answer_one_by_one)
{
	struct rig r;
	open_table(&r);
	rig_do(&r, "BatchExecuteStatement",
		"{'Statements':[{'Statement':'%s'},{'Statement':'SELECT * FROM tab WHERE n=5'},"
		"{'Statement':'SLECT'},{'Statement':'SELECT * FROM none WHERE pk=1'}]}",
		quoted(&r, "SELECT n FROM tab WHERE pk='a' AND sk IN ['1']"));
	assert_string_equal(rig_body(&r),
		"{'Responses':[{'TableName':'tab','Item':{'n':{'N':'5'}}},{'Error':{'Code':"
		"'ValidationError','Message':'Select statements within BatchExecuteStatement must "
		"specify the primary key in the where clause.'},'TableName':'tab'},{'Error':{'Code':"
		"'ValidationError','Message':'Statement wasn't well formed, can't be processed: "
		"Expected data manipulation'}},{'Error':{'Code':'ResourceNotFound','Message':"
		"'Requested resource not found'}}]}");
	rig_do(&r, "BatchExecuteStatement",
		"{'Statements':[{'Statement':'%s'},{'Statement':'%s'}]}",
		quoted(&r, "INSERT INTO tab VALUE {'pk':'a','sk':'1'}"),
		quoted(&r, "UPDATE tab SET n=7 WHERE pk='a' AND sk='1' RETURNING MODIFIED NEW *"));
	assert_string_equal(rig_body(&r),
		"{'Responses':[{'Error':{'Code':'DuplicateItem','Message':'Duplicate primary key "
		"exists in table'},'TableName':'tab'},{'TableName':'tab','Item':{'n':{'N':'7'}}}]}");
	rig_close(&r);
}

static const char *
transaction(struct rig *r, const char *first, const char *second, const char *more)
{
	rig_call(r, "ExecuteTransaction",
		"{'TransactStatements':[{'Statement':'%s'},{'Statement':'%s'}]%s}",
		quoted(r, first), quoted(r, second), more);
	return r->status == 200 ? rig_body(r) : rig_message(r);
}

TEST(dynamodb_partiql_transactions_are_whole)
{
	struct rig r;
	static const char add[] = "UPDATE tab SET n = n + 1 WHERE pk='a' AND sk='1'";
	static const char in[] = "Validation failed in TransactStatements[0]: ";
	open_table(&r);
	assert_string_equal(transaction(&r, add, "INSERT INTO tab VALUE {'pk':'a','sk':'2'}", ""),
		"Transaction cancelled, please refer cancellation reasons for specific reasons [None, "
		"DuplicateItem]");
	assert_string_equal(
		transaction(&r, add,
			"EXISTS(SELECT * FROM tab WHERE pk='a' AND sk='2' AND t=false)", ""),
		"Transaction cancelled, please refer cancellation reasons for specific reasons [None, "
		"ConditionalCheckFailed]");
	for (unsigned i = 0; i < 2; i++)
		assert_string_equal(
			transaction(&r, add,
				"EXISTS(SELECT * FROM tab WHERE pk='a' AND sk='2' AND t=true)",
				",'ClientRequestToken':'once'"),
			"{}");
	assert_string_equal(transaction(&r, "SELECT n FROM tab WHERE pk='a' AND sk='1'",
				    "SELECT * FROM tab WHERE pk='c' AND sk='1'", ""),
		"{'Responses':[{'Item':{'n':{'N':'6'}}},{}]}");
	struct str want = arena_printf(
		&r.arena, "%sRETURNING clause is not supported in ExecuteTransaction.", in);
	assert_string_equal(
		transaction(&r, "UPDATE tab SET n=1 WHERE pk='a' AND sk='1' RETURNING ALL NEW *",
			add, ""),
		want.p);
	want = arena_printf(&r.arena,
		"%sSelect statements within ExecuteTransaction must specify the primary key in the "
		"where clause.",
		in);
	assert_string_equal(transaction(&r, "SELECT * FROM tab WHERE pk='a'",
				    "SELECT * FROM tab WHERE pk='c' AND sk='1'", ""),
		want.p);
	assert_string_equal(transaction(&r, "UPDATE none SET n=1 WHERE pk='a' AND sk='1'", add, ""),
		"Transaction cancelled, please refer cancellation reasons for specific reasons "
		"[ResourceNotFound, None]");
	assert_string_equal(transaction(&r, "UPDATE tab SET n=1 WHERE pk='a'", add, ""),
		"Transaction cancelled, please refer cancellation reasons for specific reasons "
		"[ValidationError, None]");
	rig_close(&r);
}
