/* Update expressions: SET, REMOVE, ADD, DELETE. */
#include "svc/dynamodb/expr.h"

static struct ddb_node *parse_operand(struct ddb_parser *p);

static int
immediate_type(const struct ddb_node *n)
{
	return n->kind == DDB_VALUE && n->value ? n->value->type : -1;
}

static int
type_of(const struct ddb_node *n)
{
	if (n->kind == DDB_PLUS || n->kind == DDB_MINUS)
		return DDB_N;
	if (n->kind == DDB_FUNC)
		return n->op == DDB_LIST_APPEND                  ? DDB_L
		       : n->op == DDB_IF_NOT_EXISTS && n->n == 2 ? type_of(n->args[1])
								 : -1;
	return immediate_type(n);
}

static void
check_types(struct ddb_parser *p, const struct ddb_node *n, const char *name, int wanted)
{
	for (uint32_t i = 0; i < n->n; i++) {
		int type = immediate_type(n->args[i]);
		if (type >= 0 && type != wanted)
			ddb_note(p, &p->function,
				"Incorrect operand type for operator or function; operator or "
				"function: %s, operand type: %s",
				name, ddb_type_names[type]);
	}
}

static void
check_function(struct ddb_parser *p, const struct ddb_node *n)
{
	if (n->op == DDB_FN_UNKNOWN)
		ddb_note(p, &p->unknown_function, "Invalid function name; function: %.*s",
			STR_FMT(n->name));
	else if (n->n != 2)
		ddb_note(p, &p->function,
			"Incorrect number of operands for operator or function; operator or "
			"function: %.*s, number of "
			"operands: %u",
			STR_FMT(n->name), n->n);
	else if (n->op == DDB_LIST_APPEND)
		check_types(p, n, "list_append", DDB_L);
	else if (n->args[0]->kind != DDB_PATH)
		ddb_note(p, &p->function,
			"Operator or function requires a document path; operator or function: %.*s",
			STR_FMT(n->name));
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
at_section(const struct ddb_parser *p)
{
	return ddb_is_word(p, "SET") || ddb_is_word(p, "REMOVE") || ddb_is_word(p, "ADD") ||
	       ddb_is_word(p, "DELETE");
}

static struct ddb_node *
parse_function(struct ddb_parser *p)
{
	struct ddb_node *n = ddb_node_new(p, DDB_FUNC, 0);
	n->name = p->tok;
	n->op = str_is(p->tok, "if_not_exists") ? DDB_IF_NOT_EXISTS
		: str_is(p->tok, "list_append") ? DDB_LIST_APPEND
						: DDB_FN_UNKNOWN;
	ddb_next(p);
	ddb_expect(p, "(");
	n->args = ddb_parse_args(p, parse_operand, &n->n);
	ddb_expect(p, ")");
	if (!p->failed)
		check_function(p, n);
	return n;
}

static struct ddb_node *
parse_path(struct ddb_parser *p)
{
	struct ddb_node *n = ddb_parse_path(p);
	if (!p->failed)
		ddb_path_seen(p, &n->path);
	return n;
}

static struct ddb_node *
parse_operand(struct ddb_parser *p)
{
	if (ddb_accept(p, "(")) {
		struct ddb_node *n = parse_operand(p);
		ddb_expect(p, ")");
		return n;
	}
	if (p->kind == TOK_VALUE)
		return ddb_parse_value(p);
	if (at_section(p))
		ddb_syntax(p);
	return at_call(p) ? parse_function(p) : parse_path(p);
}

static struct ddb_node *
parse_sum(struct ddb_parser *p)
{
	struct ddb_node *left = ddb_is_punct(p, "(") ? NULL : parse_operand(p);
	if (!left) {
		/* (a + b) and (a) + b both begin like this. */
		ddb_expect(p, "(");
		left = parse_sum(p);
		ddb_expect(p, ")");
	}
	if (!ddb_is_punct(p, "+") && !ddb_is_punct(p, "-"))
		return left;
	struct ddb_node *n = ddb_node_new(p, ddb_is_punct(p, "+") ? DDB_PLUS : DDB_MINUS, 2);
	const char *name = n->kind == DDB_PLUS ? "+" : "-";
	ddb_next(p);
	n->args[0] = left;
	n->args[1] = parse_operand(p);
	check_types(p, n, name, DDB_N);
	return n;
}

static void
parse_set(struct ddb_parser *p, struct ddb_change *ch)
{
	ch->path = parse_path(p)->path;
	ddb_expect(p, "=");
	ch->value = parse_sum(p);
	ch->type = p->failed ? -1 : type_of(ch->value);
}

static void
check_operator(struct ddb_parser *p, const char *name, int type)
{
	static const char *const words[DDB_TYPES] = { [DDB_S] = "STRING",
		[DDB_N] = "NUMBER",
		[DDB_B] = "BINARY",
		[DDB_NULL] = "NULL",
		[DDB_BOOL] = "BOOLEAN",
		[DDB_L] = "LIST",
		[DDB_M] = "MAP" };
	if (type >= 0 && words[type] && !(type == DDB_N && *name == 'A'))
		ddb_note(p, &p->operand,
			"Incorrect operand type for operator or function; operator: %s, operand "
			"type: %s",
			name, words[type]);
}

static void
parse_change(struct ddb_parser *p, struct ddb_change *ch)
{
	if (ch->action == DDB_SET) {
		parse_set(p, ch);
		return;
	}
	ch->path = parse_path(p)->path;
	ch->type = -1;
	if (ch->action == DDB_REMOVE)
		return;
	ch->value = ddb_parse_value(p);
	ch->type = immediate_type(ch->value);
	check_operator(p, ch->action == DDB_ADD ? "ADD" : "DELETE", ch->type);
}

static void
push(struct ddb_parser *p, struct ddb_update *u, uint32_t *cap, const struct ddb_change *ch)
{
	if (u->n == *cap) {
		*cap = *cap ? 2 * *cap : 8;
		struct ddb_change *v = arena_array(p->e->c->arena, struct ddb_change, *cap);
		if (u->n)
			memcpy(v, u->v, sizeof(*v) * u->n);
		u->v = v;
	}
	u->v[u->n++] = *ch;
}

static int
section_of(const struct ddb_parser *p)
{
	static const char *const names[] = { "SET", "REMOVE", "ADD", "DELETE" };
	for (int i = 0; i < 4; i++)
		if (ddb_is_word(p, names[i]))
			return i;
	return -1;
}

static void
parse_section(struct ddb_parser *p, struct ddb_update *u, uint32_t *cap, unsigned *seen)
{
	static const char *const names[] = { "SET", "REMOVE", "ADD", "DELETE" };
	int action = section_of(p);
	if (action < 0) {
		ddb_syntax(p);
		return;
	}
	ddb_next(p);
	do {
		struct ddb_change ch = { .action = (uint8_t)action };
		parse_change(p, &ch);
		if (p->failed)
			return;
		ddb_path_claim(p, &ch.path);
		push(p, u, cap, &ch);
	} while (ddb_accept(p, ","));
	if (*seen >> action & 1)
		ddb_note(p, &p->section,
			"The \"%s\" section can only be used once in an update expression;",
			names[action]);
	*seen |= 1u << action;
}

int
ddb_parse_update(struct ddb_env *e, struct str text, struct ddb_update *ret)
{
	struct ddb_parser p;
	unsigned seen = 0;
	uint32_t cap = 0;
	*ret = (struct ddb_update){ 0 };
	if (!text.p)
		return 0;
	ddb_parser_open(&p, e, "UpdateExpression", text);
	p.update = true;
	do
		parse_section(&p, ret, &cap, &seen);
	while (!p.failed && p.kind != TOK_END);
	const struct str *const order[] = { &p.reserved, &p.unknown_function, &p.section, &p.name,
		&p.value, &p.overlap, &p.conflict, &p.operand, &p.function, NULL };
	return ddb_parse_end(&p, order);
}
