#include "svc/dynamodb/dynamodb_rig.h"

/* Conditions over {h:'k', r:1, s:'abc', n:5, l:[1,'x',{q:2}], m:{a:{b:'deep'}}, ss:[p,q], t:true,
 * z:NULL} */
static const struct {
	const char *expr;
	bool holds;
} conditions[] = {
	{ "s = :abc", true },
	{ "s <> :abc", false },
	{ "nope <> :abc", true },
	{ "nope = :abc", false },
	{ "n > :four", true },
	{ "n >= :five", true },
	{ "n < :four", false },
	{ "s > :four", false },
	{ "n <= :five", true },
	{ "n between :four and :five", true },
	{ "n IN (:four, :five)", true },
	{ "s in (:four)", false },
	{ "attribute_exists(m.a.b)", true },
	{ "attribute_exists(m.a.c)", false },
	{ "attribute_not_exists(l[5])", true },
	{ "attribute_type(l, :L)", true },
	{ "begins_with(s, :ab)", true },
	{ "begins_with(m.a.b, :ab)", false },
	{ "contains(s, :bc)", true },
	{ "contains(ss, :p)", true },
	{ "contains(l, :x)", true },
	{ "contains(l, :five)", false },
	{ "size(s) = :three", true },
	{ "size(l) = :three", true },
	{ "size(n) = :three", false },
	{ "size(nope) = :three", false },
	{ "NOT s = :abc", false },
	{ "not (s = :abc or n = :four) or t = :true", true },
	{ "s = :abc AND n = :four OR t = :true", true },
	{ "s = :abc AND (n = :four OR t = :true)", true },
	{ "l[2].q = :two", true },
	{ "(l)[2].q = :two", true },
	{ "n = n2", false },
	{ ":five = n", true },
	{ "attribute_exists(z) and attribute_type(z, :NULL)", true },
};

static const char values[] =
	"':abc':{'S':'abc'},':four':{'N':'4'},':five':{'N':'5.0'},':L':{'S':'L'},':ab':{'S':'ab'},"
	"':bc':{'S':'bc'},':p':{'S':'p'},':x':{'S':'x'},':three':{'N':'3'},':true':{'BOOL':true},"
	"':two':{'N':'2'},':NULL':{'S':'NULL'}";

static void
put_sample(struct rig *r)
{
	rig_do(r, "CreateTable", RIG_TABLE);
	rig_do(r, "PutItem",
		"{'TableName':'tab','Item':{'h':{'S':'k'},'r':{'N':'1'},'s':{'S':'abc'},'n':{'N':'"
		"5'},'l':{'L':[{'N':'1'},"
		"{'S':'x'},{'M':{'q':{'N':'2'}}}]},'m':{'M':{'a':{'M':{'b':{'S':'deep'}}}}},'ss':{'"
		"SS':['p','q']},"
		"'t':{'BOOL':true},'z':{'NULL':true}}}");
}

/* Only the values that the expression names may be given. */
static struct str
used_values(struct rig *r, const char *expr)
{
	struct str rest = str_c(values), all = STR("");
	while (rest.p) {
		struct str one = str_cut(&rest, ',');
		struct str name = str_slice(one, 1, (size_t)str_find_str(one, STR("':{")));
		const char *at = strstr(expr, arena_cstr(&r->arena, name));
		if (at &&
			!strchr("abcdefghijklmnopqrstuvwxyzLNU", at[name.len] ? at[name.len] : '!'))
			all = arena_printf(&r->arena, "%.*s%s%.*s", STR_FMT(all),
				all.len ? "," : "", STR_FMT(one));
	}
	return all;
}

TEST(dynamodb_conditions)
{
	struct rig r;
	rig_open(&r);
	put_sample(&r);
	for (unsigned i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++) {
		struct str v = used_values(&r, conditions[i].expr);
		rig_call(&r, "DeleteItem",
			"{'TableName':'tab','Key':{'h':{'S':'k'},'r':{'N':'1'}},'"
			"ConditionExpression':"
			"'NOT (%s) AND attribute_exists(h)'%s%.*s%s}",
			conditions[i].expr, v.len ? ",'ExpressionAttributeValues':{" : "",
			STR_FMT(v), v.len ? "}" : "");
		if (r.status != (conditions[i].holds ? 400 : 200) ||
			(r.status == 400 &&
				strcmp(rig_message(&r), "The conditional request failed") != 0))
			fail_msg("%s: %s", conditions[i].expr, rig_body(&r));
		if (r.status == 200)
			rig_do(&r, "DeleteTable", "{'TableName':'tab'}"), put_sample(&r);
	}
	rig_close(&r);
}

static const struct {
	const char *param, *expr, *more, *message;
} refused[] = {
	{ "ConditionExpression", "", "",
		"Invalid ConditionExpression: The expression can not be empty;" },
	{ "ConditionExpression", "a = ", "",
		"Invalid ConditionExpression: Syntax error; token: \"<EOF>\", near: \"= \"" },
	{ "ConditionExpression", "a = b c", "",
		"Invalid ConditionExpression: Syntax error; token: \"c\", near: \"b c\"" },
	{ "ConditionExpression", "((a = b))", "",
		"Invalid ConditionExpression: The expression has redundant parentheses;" },
	{ "ConditionExpression", "name = b", "",
		"Invalid ConditionExpression: Attribute name is a reserved keyword; reserved "
		"keyword: name" },
	{ "ConditionExpression", "#a = b", "",
		"Invalid ConditionExpression: An expression attribute name used in the document "
		"path is not defined; attribute name: #a" },
	{ "ConditionExpression", "a = :a", "",
		"Invalid ConditionExpression: An expression attribute value used in expression is "
		"not defined; attribute value: :a" },
	{ "ConditionExpression", "nosuch(a)", "",
		"Invalid ConditionExpression: Invalid function name; function: nosuch" },
	{ "ConditionExpression", "size(a)", "",
		"Invalid ConditionExpression: The function is not allowed to be used this way in "
		"an expression; function: size" },
	{ "ConditionExpression", "a.b[1] = a.b[1]", "",
		"Invalid ConditionExpression: The first operand must be distinct from the "
		"remaining operands for this operator or "
		"function; operator: =, first operand: [a, b, [1]]" },
	{ "ConditionExpression", "contains(a)", "",
		"Invalid ConditionExpression: Incorrect number of operands for operator or "
		"function; operator or function: contains, "
		"number of operands: 1" },
	{ "UpdateExpression", "set a = b set c = d", "",
		"Invalid UpdateExpression: The \"SET\" section can only be used once in an update "
		"expression;" },
	{ "UpdateExpression", "set a.b = c, a = d", "",
		"Invalid UpdateExpression: Two document paths overlap with each other; must remove "
		"or rewrite one of these paths; "
		"path one: [a, b], path two: [a]" },
	{ "UpdateExpression", "remove a.b, a[1]", "",
		"Invalid UpdateExpression: Two document paths conflict with each other; must "
		"remove or rewrite one of these paths; "
		"path one: [a, b], path two: [a, [1]]" },
	{ "UpdateExpression", "add a :s", ",'ExpressionAttributeValues':{':s':{'S':'x'}}",
		"Invalid UpdateExpression: Incorrect operand type for operator or function; "
		"operator: ADD, operand type: STRING" },
	{ "UpdateExpression", "set a = :a",
		",'ExpressionAttributeValues':{':a':{'N':'1'},':b':{'N':'2'}}",
		"Value provided in ExpressionAttributeValues unused in expressions: keys: {:b}" },
	{ "UpdateExpression", "set a = b", ",'ExpressionAttributeNames':{'#b':'x'}",
		"Value provided in ExpressionAttributeNames unused in expressions: keys: {#b}" },
	{ "UpdateExpression", "set r = :a", ",'ExpressionAttributeValues':{':a':{'N':'1'}}",
		"One or more parameter values were invalid: Cannot update attribute r. This "
		"attribute is part of the key" },
	{ "UpdateExpression", "set g = :a", ",'ExpressionAttributeValues':{':a':{'N':'1'}}",
		"One or more parameter values were invalid: Type mismatch for Index Key g "
		"Expected: S Actual: N IndexName: gix" },
	{ "UpdateExpression", "set a = nowhere", "",
		"The provided expression refers to an attribute that does not exist in the item" },
	{ "UpdateExpression", "set a.b = h", "",
		"The document path provided in the update expression is invalid for update" },
};

TEST(dynamodb_expressions_are_refused_in_its_words)
{
	struct rig r;
	rig_open(&r);
	rig_do(&r, "CreateTable", RIG_TABLE);
	for (unsigned i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		rig_call(&r, "UpdateItem",
			"{'TableName':'tab','Key':{'h':{'S':'k'},'r':{'N':'1'}},'%s':'%s'%s}",
			refused[i].param, refused[i].expr, refused[i].more);
		assert_str(str_c(rig_message(&r)), refused[i].message);
	}
	rig_close(&r);
}

static const struct {
	const char *expr, *values, *now;
} updates[] = {
	{ "set n = n + :a, b = n - :a", "':a':{'N':'0.5'}", "'b':{'N':'4.5'}" },
	{ "set l[0] = :a, l[9] = :b, l[7] = :c", "':a':{'S':'0'},':b':{'S':'9'},':c':{'S':'7'}",
		"'l':{'L':[{'S':'0'},{'S':'x'},{'M':{'q':{'N':'2'}}},{'S':'7'},{'S':'9'}]}" },
	{ "remove l[0], l[1], m.a", "", "'l':{'L':[{'M':{'q':{'N':'2'}}}]},'m':{'M':{}}" },
	{ "set l = list_append(:a, l)", "':a':{'L':[{'N':'0'}]}",
		"'l':{'L':[{'N':'0'},{'N':'1'},{'S':'x'}" },
	{ "set q = if_not_exists(n, :a), w = if_not_exists(nn, :a)", "':a':{'S':'new'}",
		"'q':{'N':'5'},'w':{'S':'new'}" },
	{ "add ss :a delete ss2 :a", "':a':{'SS':['q','r']}", "'ss':{'SS':['p','q','r']}" },
	{ "delete ss :a add cnt :n", "':a':{'SS':['q']},':n':{'N':'3'}", "'ss':{'SS':['p']}" },
	{ "delete ss :a", "':a':{'SS':['q','p']}", "'m':{'M':{'a':{'M':{'b':{'S':'deep'}}}}},'t'" },
	{ "set s = n, n = s", "", "'s':{'N':'5'},'n':{'S':'abc'}" },
};

TEST(dynamodb_updates)
{
	struct rig r;
	rig_open(&r);
	for (unsigned i = 0; i < sizeof(updates) / sizeof(updates[0]); i++) {
		put_sample(&r);
		rig_do(&r, "UpdateItem",
			"{'TableName':'tab','Key':{'h':{'S':'k'},'r':{'N':'1'}},'UpdateExpression':"
			"'%s','ReturnValues':'ALL_NEW'%s%s%s}",
			updates[i].expr, *updates[i].values ? ",'ExpressionAttributeValues':{" : "",
			updates[i].values, *updates[i].values ? "}" : "");
		if (!strstr(rig_body(&r), updates[i].now))
			fail_msg("%s: %s", updates[i].expr, rig_body(&r));
		rig_do(&r, "DeleteTable", "{'TableName':'tab'}");
	}
	rig_close(&r);
}
