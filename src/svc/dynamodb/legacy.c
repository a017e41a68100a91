#include "svc/dynamodb/legacy.h"

static const char invalid[] = "One or more parameter values were invalid: ";

static struct str
given_list(struct call *c, const struct ddb_param *p)
{
	struct str s = STR("");
	bool any = false;
	for (; p->name; p++)
		if (p->given) {
			s = arena_printf(
				c->arena, "%.*s%s%s", STR_FMT(s), any ? ", " : "", p->name);
			any = true;
		}
	return s;
}

static int
check_values_param(struct call *c, const struct ddb_param *p)
{
	struct str names = STR("");
	unsigned n = 0;
	for (; p->name; p++) {
		if (strcmp(p->name, "ProjectionExpression") == 0)
			continue;
		if (p->given)
			return 0;
		names = arena_printf(
			c->arena, "%.*s%s%s", STR_FMT(names), n++ ? " and " : "", p->name);
	}
	if (!n)
		return 0;
	return ddb_fail(c,
		"ExpressionAttributeValues can only be specified when using expressions: %.*s %s "
		"null",
		STR_FMT(names), n > 1 ? "are" : "is");
}

int
ddb_params_check(struct call *c, const struct ddb_param *expressions,
	const struct ddb_param *others, bool names, bool values)
{
	struct str x = given_list(c, expressions), o = given_list(c, others);
	if (x.len && o.len)
		return ddb_fail(c,
			"Can not use both expression and non-expression parameters in the same "
			"request: "
			"Non-expression parameters: {%.*s} Expression parameters: {%.*s}",
			STR_FMT(o), STR_FMT(x));
	if (names && !x.len)
		return ddb_fail(
			c, "ExpressionAttributeNames can only be specified when using expressions");
	return values ? check_values_param(c, expressions) : 0;
}

/* ---- reading conditions */

static int
read_values(struct call *c, const struct list_document *l, struct ddb_test *t)
{
	t->n = l->n;
	t->vals = arena_array(c->arena, struct ddb_val, l->n);
	for (uint32_t i = 0; i < l->n; i++)
		if (!l->v[i] || ddb_value_read(c, l->v[i], &t->vals[i]))
			return l->v[i] ? CALL_FAILED
				       : ddb_fail(c, "Supplied AttributeValue is empty, must "
						     "contain exactly "
						     "one of the supported datatypes");
	return 0;
}

static bool
count_fits(struct str op, uint32_t n)
{
	if (str_is(op, "NULL") || str_is(op, "NOT_NULL"))
		return n == 0;
	if (str_is(op, "IN"))
		return n > 0;
	return n == (str_is(op, "BETWEEN") ? 2 : 1);
}

static int
check_count(struct call *c, const struct ddb_test *t)
{
	if (count_fits(t->op, t->n))
		return 0;
	return ddb_fail(c, "%sInvalid number of argument(s) for the %.*s ComparisonOperator",
		invalid, STR_FMT(t->op));
}

static int
check_same_type(struct call *c, const struct ddb_test *t)
{
	for (uint32_t i = 1; i < t->n; i++)
		if (t->vals[i].type != t->vals[0].type)
			return ddb_fail(c,
				"%sAttributeValues inside AttributeValueList must be of same type",
				invalid);
	return 0;
}

static int
check_bounds(struct call *c, const struct ddb_test *t)
{
	if (str_is(t->op, "BETWEEN") && t->n == 2 && ddb_is_scalar(&t->vals[0]) &&
		ddb_compare(&t->vals[0], &t->vals[1]) > 0)
		return ddb_fail(c, "The BETWEEN condition was provided a range where the lower "
				   "bound is greater than the "
				   "upper bound");
	return 0;
}

static bool
type_fits(struct str op, int type)
{
	bool scalar = type == DDB_S || type == DDB_N || type == DDB_B;
	bool set = type == DDB_SS || type == DDB_NS || type == DDB_BS;
	if (str_is(op, "EQ") || str_is(op, "NE"))
		return true;
	if (str_is(op, "BEGINS_WITH"))
		return type == DDB_S || type == DDB_B;
	(void)set;
	return scalar;
}

int
ddb_tests_check(struct call *c, const struct ddb_tests *tests)
{
	for (uint32_t i = 0; i < tests->n; i++) {
		const struct ddb_test *t = &tests->v[i];
		if (check_count(c, t) || check_same_type(c, t))
			return CALL_FAILED;
		for (uint32_t k = 0; k < t->n; k++)
			if (!type_fits(t->op, t->vals[k].type))
				return ddb_fail(c,
					"%sComparisonOperator %.*s is not valid for %s "
					"AttributeValue type",
					invalid, STR_FMT(t->op), ddb_type_names[t->vals[k].type]);
		if (check_bounds(c, t))
			return CALL_FAILED;
	}
	return 0;
}

int
ddb_tests_read(struct call *c, const struct dynamodb_condition_map *m, struct ddb_tests *ret)
{
	ret->n = m->n;
	ret->v = arena_array(c->arena, struct ddb_test, m->n);
	for (uint32_t i = 0; i < m->n; i++) {
		struct ddb_test *t = &ret->v[i];
		t->attr = m->v[i].key;
		t->op = m->v[i].value.ComparisonOperator;
		struct ddb_tests one = { t, 1 };
		if (read_values(c, &m->v[i].value.AttributeValueList, t) ||
			ddb_tests_check(c, &one))
			return CALL_FAILED;
	}
	return 0;
}

/* ---- Expected */

static int
expected_operator(struct call *c, struct str attr,
	const struct dynamodb_expected_attribute_value *e, struct ddb_test *t)
{
	bool none =
		str_is(e->ComparisonOperator, "NULL") || str_is(e->ComparisonOperator, "NOT_NULL");
	t->op = e->ComparisonOperator;
	if (e->Exists.set)
		return ddb_fail(c,
			"%sExists and ComparisonOperator cannot be used together for Attribute: "
			"%.*s",
			invalid, STR_FMT(attr));
	if (!none && !e->AttributeValueList.set && !e->Value)
		return ddb_fail(c,
			"%sValue or AttributeValueList must be used with ComparisonOperator: %.*s "
			"for Attribute: %.*s",
			invalid, STR_FMT(t->op), STR_FMT(attr));
	if (e->AttributeValueList.set) {
		if (read_values(c, &e->AttributeValueList, t))
			return CALL_FAILED;
	} else if (e->Value) {
		struct json *v = e->Value;
		struct list_document one = { &v, 1, true };
		if (read_values(c, &one, t))
			return CALL_FAILED;
	}
	return check_count(c, t) || check_same_type(c, t) || check_bounds(c, t) ? CALL_FAILED : 0;
}

static int
expected_plain(struct call *c, struct str attr, const struct dynamodb_expected_attribute_value *e,
	struct ddb_test *t)
{
	bool exists = !e->Exists.set || e->Exists.v;
	if (exists && !e->Value)
		return ddb_fail(c, "%sValue must be provided when Exists is %s for Attribute: %.*s",
			invalid, e->Exists.set ? "true" : "null", STR_FMT(attr));
	if (!exists && e->Value)
		return ddb_fail(c,
			"%sValue cannot be used when Exists is false for Attribute: %.*s", invalid,
			STR_FMT(attr));
	t->op = exists ? STR("EQ") : STR("NULL");
	t->vals = arena_new(c->arena, struct ddb_val);
	t->n = exists;
	return e->Value ? ddb_value_read(c, e->Value, t->vals) : 0;
}

int
ddb_expected_read(struct call *c, const struct dynamodb_expected_attribute_value_map *m,
	struct ddb_tests *ret)
{
	ret->n = m->n;
	ret->v = arena_array(c->arena, struct ddb_test, m->n);
	for (uint32_t i = 0; i < m->n; i++) {
		const struct dynamodb_expected_attribute_value *e = &m->v[i].value;
		struct str attr = ret->v[i].attr = m->v[i].key;
		int r;
		if (e->AttributeValueList.set && e->Value)
			r = ddb_fail(c,
				"%sValue and AttributeValueList cannot be used together for "
				"Attribute: %.*s",
				invalid, STR_FMT(attr));
		else if (e->ComparisonOperator.p)
			r = expected_operator(c, attr, e, &ret->v[i]);
		else if (e->AttributeValueList.set)
			r = ddb_fail(c,
				"%sAttributeValueList can only be used with a ComparisonOperator "
				"for Attribute: %.*s",
				invalid, STR_FMT(attr));
		else
			r = expected_plain(c, attr, e, &ret->v[i]);
		if (r)
			return CALL_FAILED;
	}
	return 0;
}

/* ---- as trees */

static struct ddb_node *
node_new(struct call *c, enum ddb_node_kind kind, uint8_t op, uint32_t n)
{
	struct ddb_node *x = arena_new(c->arena, struct ddb_node);
	x->kind = (uint8_t)kind;
	x->op = op;
	x->n = n;
	x->args = arena_array(c->arena, struct ddb_node *, n);
	return x;
}

static struct ddb_path
path_of(struct call *c, struct str attr)
{
	struct ddb_path p = { arena_new(c->arena, struct ddb_step), 1 };
	p.v[0].name = attr;
	return p;
}

static struct ddb_node *
test_node(struct call *c, const struct ddb_test *t)
{
	static const struct {
		const char *op;
		uint8_t kind, code;
	} kinds[] = {
		{ "EQ", DDB_COMPARE, DDB_EQ },
		{ "NE", DDB_COMPARE, DDB_NE },
		{ "LE", DDB_COMPARE, DDB_LE },
		{ "LT", DDB_COMPARE, DDB_LT },
		{ "GE", DDB_COMPARE, DDB_GE },
		{ "GT", DDB_COMPARE, DDB_GT },
		{ "NOT_NULL", DDB_FUNC, DDB_ATTRIBUTE_EXISTS },
		{ "NULL", DDB_FUNC, DDB_ATTRIBUTE_NOT_EXISTS },
		{ "CONTAINS", DDB_FUNC, DDB_CONTAINS },
		{ "NOT_CONTAINS", DDB_FUNC, DDB_CONTAINS },
		{ "BEGINS_WITH", DDB_FUNC, DDB_BEGINS_WITH },
		{ "IN", DDB_IN, 0 },
		{ "BETWEEN", DDB_BETWEEN, 0 },
	};
	unsigned k = 0;
	while (k < 12 && !str_eq(t->op, str_c(kinds[k].op)))
		k++;
	struct ddb_node *n = node_new(c, kinds[k].kind, kinds[k].code, t->n + 1);
	n->args[0] = node_new(c, DDB_PATH, 0, 0);
	n->args[0]->path = path_of(c, t->attr);
	for (uint32_t i = 0; i < t->n; i++) {
		n->args[i + 1] = node_new(c, DDB_VALUE, 0, 0);
		n->args[i + 1]->value = &t->vals[i];
	}
	if (!str_is(t->op, "NOT_CONTAINS"))
		return n;
	struct ddb_node *not = node_new(c, DDB_NOT, 0, 1);
	not ->args[0] = n;
	return not ;
}

struct ddb_node *
ddb_tests_node(struct call *c, const struct ddb_tests *tests, bool any)
{
	struct ddb_node *all = NULL;
	for (uint32_t i = 0; i < tests->n; i++) {
		struct ddb_node *n = test_node(c, &tests->v[i]);
		if (all) {
			struct ddb_node *both = node_new(c, any ? DDB_OR : DDB_AND, 0, 2);
			both->args[0] = all;
			both->args[1] = n;
			n = both;
		}
		all = n;
	}
	return all;
}

bool
ddb_test_holds(struct call *c, const struct ddb_test *t, const struct ddb_val *v)
{
	struct ddb_attr attr = { t->attr, *v };
	struct ddb_val item = { .type = DDB_M, .n = 1, .attrs = &attr };
	return ddb_match(c, test_node(c, t), &item);
}

/* ---- AttributeUpdates */

static int
update_check(
	struct call *c, const struct dynamodb_attribute_value_update *u, const struct ddb_val *v)
{
	bool set = v && (v->type == DDB_SS || v->type == DDB_NS || v->type == DDB_BS);
	if (!v && !str_is(u->Action, "DELETE"))
		return ddb_fail(c,
			"%sOnly DELETE action is allowed when no attribute value is specified",
			invalid);
	if (v && str_is(u->Action, "DELETE") && !set)
		return ddb_fail(c, "%sDELETE action with value is not supported for the type %s",
			invalid, ddb_type_names[v->type]);
	if (v && str_is(u->Action, "ADD") && !set && v->type != DDB_N && v->type != DDB_L)
		return ddb_fail(c, "%sADD action is not supported for the type %s", invalid,
			ddb_type_names[v->type]);
	return 0;
}

int
ddb_updates_read(
	struct call *c, const struct dynamodb_attribute_value_update_map *m, struct ddb_update *ret)
{
	ret->legacy = true;
	ret->n = m->n;
	ret->v = arena_array(c->arena, struct ddb_change, m->n);
	for (uint32_t i = 0; i < m->n; i++) {
		const struct dynamodb_attribute_value_update *u = &m->v[i].value;
		struct ddb_val *v = u->Value ? arena_new(c->arena, struct ddb_val) : NULL;
		if ((v && ddb_value_read(c, u->Value, v)) || update_check(c, u, v))
			return CALL_FAILED;
		struct ddb_change *ch = &ret->v[i];
		ch->action = str_is(u->Action, "ADD")       ? DDB_ADD
			     : !str_is(u->Action, "DELETE") ? DDB_SET
			     : v                            ? DDB_DELETE
							    : DDB_REMOVE;
		ch->path = path_of(c, m->v[i].key);
		ch->type = v ? v->type : -1;
		ch->value = node_new(c, DDB_VALUE, 0, 0);
		ch->value->value = v;
	}
	return 0;
}

int
ddb_attributes_read(struct call *c, const struct list_str *names, struct ddb_paths *ret)
{
	ret->n = names->n;
	ret->v = arena_array(c->arena, struct ddb_path, names->n);
	for (uint32_t i = 0; i < names->n; i++) {
		for (uint32_t k = 0; k < i; k++)
			if (str_eq(names->v[i], names->v[k]))
				return ddb_fail(c, "%sDuplicate value in attribute name: %.*s",
					invalid, STR_FMT(names->v[i]));
		ret->v[i] = path_of(c, names->v[i]);
	}
	return 0;
}

/* ---- key conditions */

static int
key_not_allowed(struct call *c, const struct ddb_node *n)
{
	static const char *const words[] = { [DDB_OR] = "OR", [DDB_NOT] = "NOT", [DDB_IN] = "IN" };
	if (n->kind == DDB_OR || n->kind == DDB_NOT || n->kind == DDB_IN)
		return ddb_fail(
			c, "Invalid operator used in KeyConditionExpression: %s", words[n->kind]);
	if (n->kind == DDB_COMPARE && n->op == DDB_NE)
		return ddb_fail(c, "Invalid operator used in KeyConditionExpression: <>");
	if (n->kind == DDB_FUNC && n->op == DDB_SIZE)
		return ddb_fail(c, "KeyConditionExpressions cannot contain nested operations");
	if (n->kind == DDB_FUNC && n->op != DDB_BEGINS_WITH)
		return ddb_fail(c, "Invalid operator used in KeyConditionExpression: %.*s",
			STR_FMT(n->name));
	if ((n->kind == DDB_BETWEEN || n->kind == DDB_FUNC) && n->args[0]->kind != DDB_PATH)
		return ddb_fail(c,
			"Invalid condition in KeyConditionExpression: %s operator must have the "
			"key attribute as "
			"its first operand",
			n->kind == DDB_BETWEEN ? "BETWEEN" : "begins_with");
	return 0;
}

static const char *
key_operator(const struct ddb_node *n, bool swapped)
{
	static const char *const plain[] = { [DDB_EQ] = "EQ",
		[DDB_NE] = "NE",
		[DDB_LT] = "LT",
		[DDB_LE] = "LE",
		[DDB_GT] = "GT",
		[DDB_GE] = "GE" };
	static const char *const other[] = { [DDB_EQ] = "EQ",
		[DDB_NE] = "NE",
		[DDB_LT] = "GT",
		[DDB_LE] = "GE",
		[DDB_GT] = "LT",
		[DDB_GE] = "LE" };
	if (n->kind == DDB_BETWEEN)
		return "BETWEEN";
	return n->kind == DDB_FUNC ? "BEGINS_WITH" : swapped ? other[n->op] : plain[n->op];
}

int
ddb_key_tests(struct call *c, const struct ddb_node *n, struct ddb_tests *ret)
{
	int path = -1;
	if (key_not_allowed(c, n))
		return CALL_FAILED;
	if (n->kind == DDB_AND)
		return ddb_key_tests(c, n->args[0], ret) || ddb_key_tests(c, n->args[1], ret)
			       ? CALL_FAILED
			       : 0;
	for (uint32_t i = 0; i < n->n; i++) {
		if (n->args[i]->kind == DDB_FUNC)
			return key_not_allowed(c, n->args[i]);
		if (n->args[i]->kind != DDB_PATH)
			continue;
		if (path >= 0)
			return ddb_fail(c, "Invalid condition in KeyConditionExpression: Multiple "
					   "attribute names used in one "
					   "condition");
		if (n->args[i]->path.n > 1)
			return ddb_fail(c, "KeyConditionExpressions cannot have conditions on "
					   "nested attributes");
		path = (int)i;
	}
	if (path < 0)
		return ddb_fail(c,
			"Invalid condition in KeyConditionExpression: No key attribute specified");
	struct str attr = n->args[path]->path.v[0].name;
	for (uint32_t i = 0; i < ret->n; i++)
		if (str_eq(ret->v[i].attr, attr))
			return ddb_fail(c,
				"KeyConditionExpressions must only contain one condition per key");
	struct ddb_test t = { .attr = attr, .op = str_c(key_operator(n, path != 0)) };
	t.vals = arena_array(c->arena, struct ddb_val, n->n);
	for (uint32_t i = 0; i < n->n; i++)
		if ((int)i != path && n->args[i]->value)
			t.vals[t.n++] = *n->args[i]->value;
	struct ddb_test *v = arena_array(c->arena, struct ddb_test, ret->n + 1);
	if (ret->n)
		memcpy(v, ret->v, sizeof(*v) * ret->n);
	v[ret->n] = t;
	ret->v = v;
	ret->n++;
	return 0;
}
