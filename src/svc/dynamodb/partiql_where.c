/* WHERE: conditions as the trees of expr.h. */
#include "svc/dynamodb/partiql.h"

static const struct {
	const char *name;
	uint8_t operands;
} functions[] = {
	[DDB_ATTRIBUTE_EXISTS] = { "attribute_exists", 1 },
	[DDB_ATTRIBUTE_NOT_EXISTS] = { "attribute_not_exists", 1 },
	[DDB_ATTRIBUTE_TYPE] = { "attribute_type", 2 },
	[DDB_BEGINS_WITH] = { "begins_with", 2 },
	[DDB_CONTAINS] = { "contains", 2 },
	[DDB_SIZE] = { "size", 1 },
};

static struct ddb_node *parse_or(struct ddb_sql_parser *p);

/* The type that is known before any item is seen; -1: none. */
static int
type_of(const struct ddb_node *n)
{
	if (n->kind == DDB_VALUE)
		return n->value ? n->value->type : -1;
	if (n->kind == DDB_PATH)
		return -1;
	return n->kind == DDB_FUNC && n->op == DDB_SIZE ? DDB_N : DDB_BOOL;
}

static void
wrong_type(struct ddb_sql_parser *p, const char *name, int type)
{
	ddb_sql_refuse(p,
		"Incorrect operand type for operator or function; operator or function: %s, operand "
		"type: %s",
		name, ddb_type_names[type]);
}

void
ddb_sql_check_number(struct ddb_sql_parser *p, const char *operator, const struct ddb_node *n)
{
	int type = type_of(n);
	if (type >= 0 && type != DDB_N)
		wrong_type(p, operator, type);
}

static void
check_ordered(struct ddb_sql_parser *p, const char *name, const struct ddb_node *n)
{
	int type = type_of(n);
	if (type >= 0 && type != DDB_N && type != DDB_S && type != DDB_B)
		wrong_type(p, name, type);
}

static struct ddb_node *
value_node(struct ddb_sql_parser *p, const struct ddb_val *v)
{
	struct ddb_node *n = ddb_sql_node(p, DDB_VALUE, 0);
	struct ddb_val *own = arena_new(p->c->arena, struct ddb_val);
	*own = *v;
	n->value = own;
	return n;
}

static struct ddb_node *
literal(struct ddb_sql_parser *p)
{
	struct ddb_val v = { .type = DDB_NULL };
	ddb_sql_value(p, &v);
	return value_node(p, &v);
}

/* ---- functions */

static void
check_function(struct ddb_sql_parser *p, const struct ddb_node *n)
{
	const char *name = functions[n->op].name;
	int type;
	if (n->n != functions[n->op].operands) {
		ddb_sql_refuse(p,
			"Incorrect number of operands for operator or function; operator or function: "
			"%s, number of operands: %u",
			name, n->n);
		return;
	}
	switch (n->op) {
	case DDB_ATTRIBUTE_EXISTS:
	case DDB_ATTRIBUTE_NOT_EXISTS:
		if (n->args[0]->kind != DDB_PATH)
			ddb_sql_refuse(p,
				"Operator or function requires a document path; operator or function: "
				"%s",
				name);
		break;
	case DDB_ATTRIBUTE_TYPE:
		type = type_of(n->args[1]);
		if (type != DDB_S)
			wrong_type(p, name, type < 0 ? DDB_M : type);
		else if (ddb_type_of(n->args[1]->value->s) < 0)
			ddb_sql_refuse(p,
				"Invalid attribute type name found; type: %.*s, valid types: "
				"{B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
				STR_FMT(n->args[1]->value->s));
		break;
	case DDB_BEGINS_WITH:
		for (unsigned i = 0; i < 2; i++)
			if ((type = type_of(n->args[i])) >= 0 && type != DDB_S && type != DDB_B)
				wrong_type(p, name, type);
		break;
	case DDB_SIZE:
		type = type_of(n->args[0]);
		if (type == DDB_N || type == DDB_BOOL || type == DDB_NULL)
			wrong_type(p, name, type);
		break;
	default:
		break;
	}
}

static struct ddb_node *operand(struct ddb_sql_parser *p);

static struct ddb_node *
call_function(struct ddb_sql_parser *p)
{
	struct ddb_node *n = ddb_sql_node(p, DDB_FUNC, 0), *args[4];
	unsigned op = 0;
	while (op < sizeof(functions) / sizeof(functions[0]) &&
		!str_eq_nocase(p->tok, str_c(functions[op].name)))
		op++;
	if (op == sizeof(functions) / sizeof(functions[0])) {
		char *lower = arena_cstr(p->c->arena, p->tok);
		for (char *ch = lower; *ch; ch++)
			*ch = (char)(*ch >= 'A' && *ch <= 'Z' ? *ch + 32 : *ch);
		ddb_sql_refuse(p, "Unrecognized function: %s%.*s", lower,
			STR_FMT(ddb_sql_place(p, p->start, p->end)));
		return n;
	}
	n->op = (uint8_t)op;
	n->name = p->tok;
	ddb_sql_next(p);
	ddb_sql_next(p); /* the parenthesis that at_call saw */
	while (!p->failed && !ddb_sql_is(p, ")")) {
		if (n->n == 4) {
			ddb_sql_malformed(p, "Expected RIGHT_PAREN");
			break;
		}
		args[n->n++] = operand(p);
		if (!ddb_sql_accept(p, ","))
			break;
	}
	ddb_sql_expect(p, ")", "Expected RIGHT_PAREN");
	n->args = arena_array(p->c->arena, struct ddb_node *, n->n);
	memcpy(n->args, args, sizeof(*n->args) * n->n);
	if (!p->failed)
		check_function(p, n);
	return n;
}

/* ---- operands and comparisons */

static struct ddb_node *
operand(struct ddb_sql_parser *p)
{
	if (p->failed)
		return ddb_sql_node(p, DDB_VALUE, 0);
	if (ddb_sql_at_literal(p))
		return literal(p);
	if (ddb_sql_at_call(p) && !ddb_sql_is_word(p, "NOT"))
		return call_function(p);
	struct ddb_node *n = ddb_sql_node(p, DDB_PATH, 0);
	ddb_sql_path(p, &n->path);
	return n;
}

static void
down(struct ddb_sql_parser *p)
{
	if (++p->depth > DDB_SQL_NESTING_MAX)
		ddb_sql_refuse(p, "The expression has too many nesting levels");
}

/* (x) with x a condition or an operand. */
static struct ddb_node *
primary(struct ddb_sql_parser *p)
{
	if (!ddb_sql_is(p, "("))
		return operand(p);
	ddb_sql_next(p);
	down(p);
	struct ddb_node *n = parse_or(p);
	p->depth--;
	ddb_sql_expect(p, ")", "Expected RIGHT_PAREN");
	return n;
}

static int
comparator(const struct ddb_sql_parser *p)
{
	static const char *const ops[] = { [DDB_EQ] = "=",
		[DDB_NE] = "<>",
		[DDB_LT] = "<",
		[DDB_LE] = "<=",
		[DDB_GT] = ">",
		[DDB_GE] = ">=" };
	for (int i = 0; i < 6; i++)
		if (ddb_sql_is(p, ops[i]))
			return i;
	return ddb_sql_is(p, "!=") ? DDB_NE : -1;
}

static struct ddb_node *
compare(struct ddb_sql_parser *p, struct ddb_node *left, int op)
{
	struct ddb_node *n = ddb_sql_node(p, DDB_COMPARE, 2);
	const char *name = arena_cstr(p->c->arena, p->tok);
	ddb_sql_next(p);
	n->op = (uint8_t)op;
	n->args[0] = left;
	n->args[1] = primary(p);
	for (unsigned i = 0; i < 2 && op > DDB_NE; i++)
		check_ordered(p, name, n->args[i]);
	return n;
}

static struct ddb_node *
between(struct ddb_sql_parser *p, struct ddb_node *left)
{
	struct ddb_node *n = ddb_sql_node(p, DDB_BETWEEN, 3);
	n->args[0] = left;
	n->args[1] = primary(p);
	if (!ddb_sql_accept_word(p, "AND"))
		ddb_sql_malformed(p, "Expected AND after BETWEEN");
	n->args[2] = primary(p);
	for (unsigned i = 0; i < 3; i++)
		check_ordered(p, "BETWEEN", n->args[i]);
	return n;
}

static struct ddb_node *
in_list(struct ddb_sql_parser *p, struct ddb_node *left)
{
	const char *close = ddb_sql_is(p, "[") ? "]" : ddb_sql_is(p, "<<") ? ">>" : ")";
	struct ddb_node *list[DDB_SQL_IN_MAX + 1];
	uint32_t n = 0, count = 0;
	list[n++] = left;
	if (!ddb_sql_is(p, "[") && !ddb_sql_is(p, "(") && !ddb_sql_is(p, "<<")) {
		ddb_sql_refuse(p, "IN operator must have a left hand argument of type Variable "
				  "Reference and right hand argument of type Seq with at least one "
				  "member");
		return left;
	}
	ddb_sql_next(p);
	while (!p->failed && !ddb_sql_is(p, close)) {
		struct ddb_node *one = operand(p);
		if (count++ < DDB_SQL_IN_MAX)
			list[n++] = one;
		if (!ddb_sql_accept(p, ","))
			break;
	}
	ddb_sql_expect(p, close, *close == ')' ? "Expected RIGHT_PAREN" : "Expected RIGHT_BRACKET");
	if (!count)
		ddb_sql_refuse(p, "IN operator must have a left hand argument of type Variable "
				  "Reference and right hand argument of type Seq with at least one "
				  "member");
	if (count > DDB_SQL_IN_MAX)
		ddb_sql_refuse(p,
			"The IN operator is provided with too many operands; number of operands: %u",
			count);
	struct ddb_node *node = ddb_sql_node(p, DDB_IN, n);
	memcpy(node->args, list, sizeof(*list) * n);
	return node;
}

static struct ddb_node *
negated(struct ddb_sql_parser *p, struct ddb_node *one)
{
	struct ddb_node *n = ddb_sql_node(p, DDB_NOT, 1);
	n->args[0] = one;
	return n;
}

static struct ddb_node *
is_type(struct ddb_sql_parser *p, struct ddb_node *left)
{
	static const char *const names[][2] = { { "NULL", "NULL" }, { "BOOLEAN", "BOOL" },
		{ "BOOL", "BOOL" }, { "BLOB", "B" }, { "STRING", "S" }, { "NUMERIC", "N" },
		{ "STRUCT", "M" }, { "TUPLE", "M" }, { "LIST", "L" } };
	struct ddb_node *n = ddb_sql_node(p, DDB_FUNC, 1);
	if (left->kind != DDB_PATH)
		ddb_sql_refuse(p, "The left hand side argument to IS must be a Variable Reference, "
				  "Literal, or Path");
	n->args[0] = left;
	if (ddb_sql_accept_word(p, "MISSING")) {
		n->op = DDB_ATTRIBUTE_NOT_EXISTS;
		return n;
	}
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!ddb_sql_accept_word(p, names[i][0]))
			continue;
		struct ddb_val type = { .type = DDB_S, .s = str_c(names[i][1]) };
		n = ddb_sql_node(p, DDB_FUNC, 2);
		n->op = DDB_ATTRIBUTE_TYPE;
		n->args[0] = left;
		n->args[1] = value_node(p, &type);
		return n;
	}
	ddb_sql_refuse(p,
		"Unsupported data type for IS operator: %.*s. Supported data types are [MISSING, NULL, "
		"BOOLEAN, BLOB, STRING, NUMERIC, STRUCT, TUPLE, LIST]",
		STR_FMT(p->tok));
	return n;
}

static struct ddb_node *
simple(struct ddb_sql_parser *p)
{
	struct ddb_node *n = primary(p);
	while (!p->failed) {
		int op = comparator(p);
		if (op >= 0) {
			n = compare(p, n, op);
		} else if (ddb_sql_accept_word(p, "BETWEEN")) {
			n = between(p, n);
		} else if (ddb_sql_accept_word(p, "IN")) {
			n = in_list(p, n);
		} else if (ddb_sql_accept_word(p, "IS")) {
			bool not = ddb_sql_accept_word(p, "NOT");
			n = is_type(p, n);
			n = not ? negated(p, n) : n;
		} else if (ddb_sql_accept_word(p, "NOT")) {
			bool range = ddb_sql_accept_word(p, "BETWEEN");
			if (!range && !ddb_sql_accept_word(p, "IN"))
				ddb_sql_malformed(p, "Unexpected term");
			n = negated(p, range ? between(p, n) : in_list(p, n));
		} else if (p->kind == SQL_PUNCT && strchr("+-*/%|", *p->tok.p)) {
			ddb_sql_refuse(p,
				"Unsupported operator in Condition Expression. Operator: %.*s",
				STR_FMT(p->tok));
		} else {
			break;
		}
		/* One operator, or the left side of another: each costs a level of the tree. */
		down(p);
	}
	return n;
}

/* ---- AND, OR, NOT */

static bool
is_condition(const struct ddb_node *n)
{
	return n->kind != DDB_PATH && n->kind != DDB_VALUE &&
	       !(n->kind == DDB_FUNC && n->op == DDB_SIZE);
}

static void
need_condition(struct ddb_sql_parser *p, const struct ddb_node *n, const char *why)
{
	if (!p->failed && !is_condition(n))
		ddb_sql_refuse(p, "%s", why);
}

static struct ddb_node *
parse_not(struct ddb_sql_parser *p)
{
	unsigned depth = p->depth;
	if (!ddb_sql_accept_word(p, "NOT")) {
		struct ddb_node *n = simple(p);
		p->depth = depth;
		return n;
	}
	down(p);
	struct ddb_node *n = p->failed ? ddb_sql_node(p, DDB_VALUE, 0) : parse_not(p);
	p->depth = depth;
	need_condition(p, n, "The argument to NOT must be a Type or Expression");
	return negated(p, n);
}

/* Balanced, so that a long chain is not deep. */
static struct ddb_node *
joined(struct ddb_sql_parser *p, enum ddb_node_kind kind, struct ddb_node **v, uint32_t n)
{
	if (n == 1)
		return v[0];
	struct ddb_node *node = ddb_sql_node(p, kind, 2);
	node->args[0] = joined(p, kind, v, n / 2);
	node->args[1] = joined(p, kind, v + n / 2, n - n / 2);
	return node;
}

static struct ddb_node *
chain(struct ddb_sql_parser *p, const char *word, enum ddb_node_kind kind,
	struct ddb_node *(*one)(struct ddb_sql_parser *))
{
	static const char why[] = "The arguments to AND/OR must be Expressions";
	struct ddb_node *first = one(p), **v = NULL;
	uint32_t n = 1;
	if (!ddb_sql_is_word(p, word))
		return first;
	v = arena_array(p->c->arena, struct ddb_node *, 1);
	v[0] = first;
	need_condition(p, first, why);
	while (ddb_sql_accept_word(p, word)) {
		if (!(n & (n - 1))) {
			struct ddb_node **more =
				arena_array(p->c->arena, struct ddb_node *, (size_t)n * 2);
			memcpy(more, v, sizeof(*v) * n);
			v = more;
		}
		v[n++] = one(p);
		need_condition(p, v[n - 1], why);
	}
	return joined(p, kind, v, n);
}

static struct ddb_node *
parse_and(struct ddb_sql_parser *p)
{
	return chain(p, "AND", DDB_AND, parse_not);
}

static struct ddb_node *
parse_or(struct ddb_sql_parser *p)
{
	return chain(p, "OR", DDB_OR, parse_and);
}

struct ddb_node *
ddb_sql_condition(struct ddb_sql_parser *p)
{
	struct ddb_node *n = parse_or(p);
	need_condition(p, n, "WHERE clause must contain an expression that resolves to a boolean");
	return n;
}
