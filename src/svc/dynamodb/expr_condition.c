/* Conditions (also filters and key conditions) and projections. */
#include "svc/dynamodb/expr.h"

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

static struct ddb_node *parse_or(struct ddb_parser *p);
static struct ddb_node *parse_operand(struct ddb_parser *p);

static bool
is_operand(const struct ddb_node *n)
{
	return n->kind == DDB_PATH || n->kind == DDB_VALUE || n->kind == DDB_FUNC;
}

static bool
is_condition(const struct ddb_node *n)
{
	return n->kind == DDB_FUNC || !is_operand(n);
}

/* ---- checks while parsing */

/* The type that an operand has before any item is seen; -1: unknown. */
static int
type_of(const struct ddb_node *n)
{
	if (n->kind == DDB_VALUE)
		return n->value ? n->value->type : -1;
	if (n->kind != DDB_FUNC)
		return -1;
	return n->op == DDB_SIZE ? DDB_N
	       : n->op == DDB_BEGINS_WITH || n->op == DDB_CONTAINS || n->op == DDB_ATTRIBUTE_TYPE
		       ? DDB_BOOL
		       : -1;
}

static bool
same_path(const struct ddb_path *x, const struct ddb_path *y)
{
	if (x->n != y->n)
		return false;
	for (uint32_t i = 0; i < x->n; i++)
		if (!str_eq(x->v[i].name, y->v[i].name) || x->v[i].index != y->v[i].index)
			return false;
	return true;
}

static void
check_distinct(
	struct ddb_parser *p, const char *name, const struct ddb_node *x, const struct ddb_node *y)
{
	if (x->kind == DDB_PATH && y->kind == DDB_PATH && same_path(&x->path, &y->path))
		ddb_note(p, &p->distinct,
			"The first operand must be distinct from the remaining operands for this "
			"operator or "
			"function; operator: %s, first operand: %.*s",
			name, STR_FMT(ddb_path_text(p->e->c, &x->path)));
}

static void
wrong_type(struct ddb_parser *p, const char *name, const char *type)
{
	ddb_note(p, &p->function,
		"Incorrect operand type for operator or function; operator or function: %s, "
		"operand type: %s",
		name, type);
}

static void
check_attribute_type(struct ddb_parser *p, const struct ddb_node *n)
{
	int type = type_of(n->args[1]);
	if (type != DDB_S) {
		wrong_type(p, "attribute_type",
			type < 0 ? "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}" : ddb_type_names[type]);
		return;
	}
	struct str name = n->args[1]->value ? n->args[1]->value->s : STR("");
	if (ddb_type_of(name) < 0)
		ddb_note(p, &p->function,
			"Invalid attribute type name found; type: %.*s, valid types: "
			"{B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
			STR_FMT(name));
}

static void
check_function(struct ddb_parser *p, struct ddb_node *n)
{
	int type;
	if (n->op == DDB_FN_UNKNOWN) {
		ddb_note(p, &p->unknown_function, "Invalid function name; function: %.*s",
			STR_FMT(n->name));
		return;
	}
	const char *name = functions[n->op].name;
	if (functions[n->op].operands != n->n) {
		ddb_note(p, &p->operand,
			"Incorrect number of operands for operator or function; operator or "
			"function: %s, "
			"number of operands: %u",
			name, n->n);
		return;
	}
	if (n->n == 2)
		check_distinct(p, name, n->args[0], n->args[1]);
	switch (n->op) {
	case DDB_ATTRIBUTE_EXISTS:
	case DDB_ATTRIBUTE_NOT_EXISTS:
		if (n->args[0]->kind != DDB_PATH)
			ddb_note(p, &p->function,
				"Operator or function requires a document path; operator or "
				"function: %s",
				name);
		break;
	case DDB_BEGINS_WITH:
		for (unsigned i = 0; i < 2; i++)
			if ((type = type_of(n->args[i])) >= 0 && type != DDB_S && type != DDB_B)
				wrong_type(p, name, ddb_type_names[type]);
		break;
	case DDB_ATTRIBUTE_TYPE:
		check_attribute_type(p, n);
		break;
	case DDB_SIZE:
		type = type_of(n->args[0]);
		if (type == DDB_N || type == DDB_BOOL || type == DDB_NULL)
			wrong_type(p, name, ddb_type_names[type]);
		break;
	default:
		break;
	}
}

static void
misused(struct ddb_parser *p, const struct ddb_node *n)
{
	ddb_note(p, &p->misused,
		"The function is not allowed to be used this way in an expression; function: %.*s",
		STR_FMT(n->name));
}

/* Functions whose result is true or false cannot be operands. */
static void
check_operand_use(struct ddb_parser *p, const struct ddb_node *n)
{
	if (n->kind == DDB_FUNC && n->op != DDB_SIZE)
		misused(p, n);
}

static void
check_condition_use(struct ddb_parser *p, const struct ddb_node *n)
{
	if (n->kind == DDB_FUNC && n->op == DDB_SIZE)
		misused(p, n);
}

static struct str
value_text(struct call *c, const struct ddb_val *v)
{
	char text[DDB_NUMBER_TEXT];
	struct str s = v->type == DDB_N   ? ddb_number_text(v->s, text)
		       : ddb_is_scalar(v) ? v->s
					  : STR("");
	return arena_printf(c->arena, "{%s:%.*s}", ddb_type_names[v->type], STR_FMT(s));
}

static void
check_between(struct ddb_parser *p, const struct ddb_node *lo, const struct ddb_node *hi)
{
	struct call *c = p->e->c;
	const struct ddb_val *x = lo->kind == DDB_VALUE ? lo->value : NULL;
	const struct ddb_val *y = hi->kind == DDB_VALUE ? hi->value : NULL;
	const char *what = NULL;
	if (!x || !y)
		return;
	if (x->type != y->type)
		what = "requires same data type for lower and upper bounds";
	else if (ddb_is_scalar(x) && ddb_compare(x, y) > 0)
		what = "requires upper bound to be greater than or equal to lower bound";
	if (what)
		ddb_note(p, &p->function,
			"The BETWEEN operator %s; lower bound operand: AttributeValue: %.*s, "
			"upper bound operand: AttributeValue: %.*s",
			what, STR_FMT(value_text(c, x)), STR_FMT(value_text(c, y)));
}

static void
end_condition(struct ddb_parser *p)
{
	const struct str *const order[] = { &p->name_value, &p->operand, &p->distinct,
		&p->function };
	for (unsigned i = 0; i < 4 && !p->condition.p; i++)
		p->condition = *order[i];
}

/* ---- the grammar */

static enum ddb_fn
function_of(struct str name)
{
	for (unsigned i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		if (str_eq(name, str_c(functions[i].name)))
			return i;
	return DDB_FN_UNKNOWN;
}

static bool
at_call(const struct ddb_parser *p)
{
	size_t at = p->at;
	while (at < p->text.len && strchr(" \t\r\n", p->text.p[at]))
		at++;
	return p->kind == TOK_WORD && at < p->text.len && p->text.p[at] == '(';
}

static bool
is_connective(const struct ddb_parser *p)
{
	return ddb_is_word(p, "AND") || ddb_is_word(p, "OR") || ddb_is_word(p, "NOT") ||
	       ddb_is_word(p, "BETWEEN") || ddb_is_word(p, "IN");
}

static struct ddb_node *
parse_function(struct ddb_parser *p)
{
	struct ddb_node *n = ddb_node_new(p, DDB_FUNC, 0);
	n->name = p->tok;
	n->op = (uint8_t)function_of(p->tok);
	ddb_next(p);
	ddb_expect(p, "(");
	n->args = ddb_parse_args(p, parse_operand, &n->n);
	ddb_expect(p, ")");
	for (uint32_t i = 0; i < n->n; i++)
		check_operand_use(p, n->args[i]);
	if (!p->failed)
		check_function(p, n);
	return n;
}

static struct ddb_node *
parse_plain(struct ddb_parser *p)
{
	if (p->kind == TOK_VALUE)
		return ddb_parse_value(p);
	if (is_connective(p) || (p->kind != TOK_WORD && p->kind != TOK_NAME)) {
		ddb_syntax(p);
		return ddb_node_new(p, DDB_VALUE, 0);
	}
	return at_call(p) ? parse_function(p) : ddb_parse_path(p);
}

/* (x), with x a condition or an operand; (a).b is a path too. */
static struct ddb_node *
parse_parens(struct ddb_parser *p)
{
	ddb_expect(p, "(");
	struct ddb_node *n = parse_or(p);
	ddb_expect(p, ")");
	if (n->paren)
		ddb_note(p, &p->parens, "The expression has redundant parentheses;");
	n->paren = true;
	if (n->kind == DDB_PATH && (ddb_is_punct(p, ".") || ddb_is_punct(p, "["))) {
		ddb_path_more(p, n);
		n->paren = false;
	}
	return n;
}

static struct ddb_node *
parse_primary(struct ddb_parser *p)
{
	struct ddb_node *n = ddb_is_punct(p, "(") ? parse_parens(p) : parse_plain(p);
	if (n->kind == DDB_PATH && !p->failed && !ddb_is_punct(p, ".") && !ddb_is_punct(p, "["))
		ddb_path_seen(p, &n->path);
	return n;
}

static struct ddb_node *
parse_operand(struct ddb_parser *p)
{
	struct ddb_node *n = parse_primary(p);
	if (!p->failed && !is_operand(n))
		ddb_syntax(p);
	return n;
}

static int
comparator(const struct ddb_parser *p)
{
	static const char *const ops[] = { [DDB_EQ] = "=",
		[DDB_NE] = "<>",
		[DDB_LT] = "<",
		[DDB_LE] = "<=",
		[DDB_GT] = ">",
		[DDB_GE] = ">=" };
	for (int i = 0; i < 6; i++)
		if (ddb_is_punct(p, ops[i]))
			return i;
	return -1;
}

static struct ddb_node *
parse_compare(struct ddb_parser *p, struct ddb_node *left, int op)
{
	struct ddb_node *n = ddb_node_new(p, DDB_COMPARE, 2);
	char name[3] = { 0 };
	memcpy(name, p->tok.p, p->tok.len < 2 ? p->tok.len : 2);
	ddb_next(p);
	n->op = (uint8_t)op;
	n->args[0] = left;
	n->args[1] = parse_operand(p);
	check_operand_use(p, n->args[0]);
	check_operand_use(p, n->args[1]);
	check_distinct(p, name, n->args[0], n->args[1]);
	return n;
}

static struct ddb_node *
parse_between(struct ddb_parser *p, struct ddb_node *left)
{
	struct ddb_node *n = ddb_node_new(p, DDB_BETWEEN, 3);
	ddb_next(p);
	n->args[0] = left;
	n->args[1] = parse_operand(p);
	if (!ddb_is_word(p, "AND"))
		ddb_syntax(p);
	ddb_next(p);
	n->args[2] = parse_operand(p);
	for (unsigned i = 0; i < 3; i++)
		check_operand_use(p, n->args[i]);
	check_between(p, n->args[1], n->args[2]);
	return n;
}

static struct ddb_node *
parse_in(struct ddb_parser *p, struct ddb_node *left)
{
	uint32_t count = 0;
	ddb_next(p);
	ddb_expect(p, "(");
	struct ddb_node **list = ddb_parse_args(p, parse_operand, &count);
	ddb_expect(p, ")");
	struct ddb_node *n = ddb_node_new(p, DDB_IN, count + 1);
	n->args[0] = left;
	memcpy(n->args + 1, list, sizeof(*list) * count);
	for (uint32_t i = 0; i < n->n; i++)
		check_operand_use(p, n->args[i]);
	if (count > 100)
		ddb_note(p, &p->operand,
			"Too many operands for the IN operator; number of operands: %u", count);
	return n;
}

static struct ddb_node *
parse_simple(struct ddb_parser *p)
{
	struct ddb_node *n = parse_primary(p);
	int op = comparator(p);
	if (!p->failed && is_operand(n)) {
		if (op >= 0)
			n = parse_compare(p, n, op);
		else if (ddb_is_word(p, "BETWEEN"))
			n = parse_between(p, n);
		else if (ddb_is_word(p, "IN"))
			n = parse_in(p, n);
	}
	if (is_condition(n))
		end_condition(p);
	if (++p->operators > 300 && !p->failed) {
		p->failed = true;
		ddb_fail(p->e->c,
			"Invalid %s: The expression contains too many operators; operator count: "
			"%u",
			p->what, p->operators);
	}
	return n;
}

/* What stands beside AND, OR, NOT must be true or false. */
static void
need_condition(struct ddb_parser *p, const struct ddb_node *n)
{
	if (p->failed)
		return;
	if (!is_condition(n))
		ddb_syntax(p);
	check_condition_use(p, n);
}

static struct ddb_node *
parse_not(struct ddb_parser *p)
{
	if (!ddb_is_word(p, "NOT"))
		return parse_simple(p);
	ddb_next(p);
	struct ddb_node *n = ddb_node_new(p, DDB_NOT, 1);
	n->args[0] = parse_not(p);
	need_condition(p, n->args[0]);
	return n;
}

static struct ddb_node *
parse_chain(struct ddb_parser *p, const char *word, enum ddb_node_kind kind,
	struct ddb_node *(*one)(struct ddb_parser *))
{
	struct ddb_node *left = one(p);
	while (ddb_is_word(p, word)) {
		need_condition(p, left);
		ddb_next(p);
		struct ddb_node *n = ddb_node_new(p, kind, 2);
		n->args[0] = left;
		n->args[1] = one(p);
		need_condition(p, n->args[1]);
		left = n;
	}
	return left;
}

static struct ddb_node *
parse_and(struct ddb_parser *p)
{
	return parse_chain(p, "AND", DDB_AND, parse_not);
}

static struct ddb_node *
parse_or(struct ddb_parser *p)
{
	return parse_chain(p, "OR", DDB_OR, parse_and);
}

int
ddb_parse_condition(struct ddb_env *e, const char *what, struct str text, struct ddb_node **ret)
{
	struct ddb_parser p;
	*ret = NULL;
	if (!text.p)
		return 0;
	ddb_parser_open(&p, e, what, text);
	struct ddb_node *n = parse_or(&p);
	need_condition(&p, n);
	const struct str *const order[] = { &p.parens, &p.unknown_function, &p.misused, &p.reserved,
		&p.condition, NULL };
	if (ddb_parse_end(&p, order))
		return CALL_FAILED;
	*ret = n;
	return 0;
}

int
ddb_parse_projection(struct ddb_env *e, struct str text, struct ddb_paths *ret)
{
	struct ddb_parser p;
	*ret = (struct ddb_paths){ 0 };
	if (!text.p)
		return 0;
	ddb_parser_open(&p, e, "ProjectionExpression", text);
	p.projection = true;
	do {
		struct ddb_node *n = ddb_parse_path(&p);
		if (!p.failed)
			ddb_path_claim(&p, &n->path);
	} while (ddb_accept(&p, ",") && !p.failed);
	const struct str *const order[] = { &p.reserved, &p.name_value, &p.overlap, &p.conflict,
		NULL };
	if (ddb_parse_end(&p, order))
		return CALL_FAILED;
	e->seen = *ret = p.paths;
	return 0;
}
