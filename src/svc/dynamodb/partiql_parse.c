/* PartiQL statements: SELECT, INSERT, UPDATE, DELETE, EXISTS. */
#include "svc/dynamodb/partiql.h"

/* ---- sources */

static void
source_part(struct ddb_sql_parser *p, struct str *ret)
{
	*ret = ddb_sql_identifier(p);
	if (!p->failed && !ret->len)
		ddb_sql_refuse(p, "Path component cannot be an empty string");
}

/* table or "table"."index" */
static void
source(struct ddb_sql_parser *p, struct ddb_sql *s)
{
	source_part(p, &s->table);
	if (ddb_sql_accept(p, "."))
		source_part(p, &s->index);
	if (ddb_sql_is(p, "."))
		ddb_sql_refuse(p, "A path may contain at most 2 components in the FROM clause");
	if (ddb_sql_is(p, "["))
		ddb_sql_refuse(p, "Invalid list expression in source.");
	if (p->kind == SQL_WORD && !p->failed && ddb_sql_is_word(p, "AS"))
		ddb_sql_refuse(p, "Aliasing is not supported");
	if (p->failed)
		return;
	ddb_plain_name(p->c, &s->table);
	if (s->table.len < 3 || s->table.len > 255)
		ddb_sql_refuse(p,
			"Table name should be within the length [3, 255] and only contain "
			"'a-z', 'A-Z', '0-9', '-', '_', '.'.");
}

static void
table_only(struct ddb_sql_parser *p, struct ddb_sql *s)
{
	source(p, s);
	if (s->index.p)
		ddb_sql_refuse(p, "This operation is not supported on an index");
}

static void
where(struct ddb_sql_parser *p, struct ddb_sql *s)
{
	if (!ddb_sql_accept_word(p, "WHERE"))
		return;
	p->seen = &s->where_paths;
	s->where = ddb_sql_condition(p);
	p->seen = NULL;
}

/* ---- SELECT */

static void
column(struct ddb_sql_parser *p, struct ddb_sql *s)
{
	struct ddb_path path;
	if (ddb_sql_is(p, "*")) {
		ddb_sql_refuse(p,
			"Other attributes should not be present in the projection when '*' "
			"is used.");
		return;
	}
	if (ddb_sql_at_call(p) || ddb_sql_at_literal(p)) {
		ddb_sql_refuse(p, "Unexpected path component%.*s",
			STR_FMT(ddb_sql_place(p, p->start, p->end)));
		return;
	}
	ddb_sql_path(p, &path);
	if (ddb_sql_is_word(p, "AS"))
		ddb_sql_refuse(p, "Aliasing is not supported");
	if (p->failed)
		return;
	struct str name = ddb_sql_column(p->c, &path);
	for (uint32_t i = 0; i < s->select.n; i++)
		if (str_eq(ddb_sql_column(p->c, &s->select.v[i]), name))
			ddb_sql_refuse(p, "Duplicate identifiers in select clause: %.*s",
				STR_FMT(name));
	ddb_sql_paths_push(p, &s->select, &path);
}

static void
order_by(struct ddb_sql_parser *p, struct ddb_sql *s)
{
	if (!ddb_sql_accept_word(p, "ORDER"))
		return;
	if (!ddb_sql_accept_word(p, "BY"))
		ddb_sql_malformed(p, "Expected BY");
	if (!s->where)
		ddb_sql_refuse(p, "Must have WHERE clause in the statement when using ORDER BY "
				  "clause.");
	do {
		if (s->order_n == 2) {
			ddb_sql_refuse(p,
				"Variable reference %.*s in ORDER BY clause must be part of the "
				"primary key",
				STR_FMT(p->tok));
			return;
		}
		struct ddb_sql_order *o = &s->order[s->order_n++];
		o->name = ddb_sql_identifier(p);
		o->down = ddb_sql_accept_word(p, "DESC");
		if (!o->down)
			ddb_sql_accept_word(p, "ASC");
	} while (!p->failed && ddb_sql_accept(p, ","));
}

static void
select_statement(struct ddb_sql_parser *p, struct ddb_sql *s)
{
	if (ddb_sql_is_word(p, "VALUE") || ddb_sql_is_word(p, "PIVOT"))
		ddb_sql_refuse(p, "Select projection doesn't support value or pivot keywords");
	if (ddb_sql_is_word(p, "DISTINCT"))
		ddb_sql_refuse(p, "Unsupported clause: DISTINCT");
	if (ddb_sql_accept(p, "*")) {
		if (ddb_sql_is(p, ","))
			ddb_sql_refuse(p,
				"Other attributes should not be present in the projection "
				"when '*' is used.");
	} else {
		do
			column(p, s);
		while (!p->failed && ddb_sql_accept(p, ","));
	}
	if (!ddb_sql_accept_word(p, "FROM"))
		ddb_sql_malformed(p, "Expected FROM");
	source(p, s);
	if (ddb_sql_is(p, ",") || ddb_sql_is_word(p, "JOIN") || ddb_sql_is_word(p, "INNER") ||
		ddb_sql_is_word(p, "LEFT") || ddb_sql_is_word(p, "CROSS"))
		ddb_sql_refuse(p, "Only select from a single table or index is supported.");
	where(p, s);
	static const char *const clauses[] = { "GROUP", "HAVING", "LIMIT", "UNION", NULL };
	for (unsigned i = 0; clauses[i]; i++)
		if (ddb_sql_is_word(p, clauses[i]))
			ddb_sql_refuse(p, "Unsupported clause: %s", clauses[i]);
	order_by(p, s);
}

/* ---- INSERT */

static void
insert_statement(struct ddb_sql_parser *p, struct ddb_sql *s)
{
	if (!ddb_sql_accept_word(p, "INTO"))
		ddb_sql_malformed(p, "Expected INTO");
	table_only(p, s);
	if (ddb_sql_is(p, "(") || ddb_sql_is_word(p, "VALUES"))
		ddb_sql_malformed(p, "Unexpected keyword");
	if (!ddb_sql_accept_word(p, "VALUE"))
		ddb_sql_refuse(p,
			"Unsupported operation: Inserting multiple items in a single statement is not "
			"supported, use \"INSERT INTO tableName VALUE item\" instead");
	ddb_sql_item(p, &s->item);
	if (ddb_sql_is_word(p, "AT"))
		ddb_sql_refuse(p, "AT is not supported in insert statements.");
	if (ddb_sql_is_word(p, "WHERE") || ddb_sql_is_word(p, "FROM"))
		ddb_sql_refuse(p, "Unsupported FROM ... WHERE ... clause in INSERT statement.");
	if (ddb_sql_is_word(p, "RETURNING"))
		ddb_sql_refuse(p, "RETURNING is not supported in INSERT");
}

/* ---- UPDATE */

static struct ddb_node *sum(struct ddb_sql_parser *p);

static struct ddb_node *
value_or_path(struct ddb_sql_parser *p)
{
	struct ddb_node *n = ddb_sql_node(p, DDB_PATH, 0);
	if (!ddb_sql_at_literal(p)) {
		ddb_sql_path(p, &n->path);
		return n;
	}
	struct ddb_val *v = arena_new(p->c->arena, struct ddb_val);
	ddb_sql_value(p, v);
	n->kind = DDB_VALUE;
	n->value = v;
	return n;
}

/* list_append and if_not_exists: functions of two operands inside a value. */
static struct ddb_node *
value_function(struct ddb_sql_parser *p)
{
	struct ddb_node *n = ddb_sql_node(p, DDB_FUNC, 2);
	bool append = str_eq_nocase(p->tok, STR("list_append"));
	if (!append && !str_eq_nocase(p->tok, STR("if_not_exists"))) {
		ddb_sql_refuse(p, "Unrecognized function: %.*s%.*s", STR_FMT(p->tok),
			STR_FMT(ddb_sql_place(p, p->start, p->end)));
		return n;
	}
	n->op = append ? DDB_LIST_APPEND : DDB_IF_NOT_EXISTS;
	ddb_sql_next(p);
	ddb_sql_next(p);
	n->args[0] = sum(p);
	ddb_sql_expect(p, ",", "Expected COMMA");
	n->args[1] = sum(p);
	ddb_sql_expect(p, ")", "Expected RIGHT_PAREN");
	for (unsigned i = 0; i < 2 && !p->failed; i++) {
		const struct ddb_val *v = n->args[i]->kind == DDB_VALUE ? n->args[i]->value : NULL;
		if (append && v && v->type != DDB_L)
			ddb_sql_refuse(p,
				"Incorrect operand type for operator or function; operator or "
				"function: list_append, operand type: %s",
				ddb_type_names[v->type]);
	}
	if (!append && !p->failed && n->args[0]->kind != DDB_PATH)
		ddb_sql_refuse(p, "Operator or function requires a document path; operator or "
				  "function: if_not_exists");
	return n;
}

static struct ddb_node *
term(struct ddb_sql_parser *p)
{
	if (++p->depth > DDB_SQL_NESTING_MAX)
		ddb_sql_refuse(p, "The expression has too many nesting levels");
	struct ddb_node *n = ddb_sql_node(p, DDB_VALUE, 0);
	if (ddb_sql_accept(p, "(")) {
		n = sum(p);
		ddb_sql_expect(p, ")", "Expected RIGHT_PAREN");
	} else if (!p->failed) {
		n = ddb_sql_at_call(p) ? value_function(p) : value_or_path(p);
	}
	p->depth--;
	return n;
}

static struct ddb_node *
sum(struct ddb_sql_parser *p)
{
	struct ddb_node *left = term(p);
	if (!p->failed && (ddb_sql_is(p, "+") || ddb_sql_is(p, "-"))) {
		bool minus = ddb_sql_is(p, "-");
		struct ddb_node *n = ddb_sql_node(p, minus ? DDB_MINUS : DDB_PLUS, 2);
		ddb_sql_next(p);
		n->args[0] = left;
		n->args[1] = term(p);
		for (unsigned i = 0; i < 2 && !p->failed; i++)
			if (n->args[i]->kind == DDB_VALUE)
				ddb_sql_check_number(p, minus ? "-" : "+", n->args[i]);
		left = n;
	}
	if (p->kind == SQL_PUNCT && !p->failed && strchr("+-*/%|=<>!", *p->tok.p))
		ddb_sql_refuse(p, "Unsupported operator in Update Expression. Operator: %.*s",
			STR_FMT(p->tok));
	if (ddb_sql_is_word(p, "IS"))
		ddb_sql_refuse(p, "IS operator is not supported in update expressions");
	return left;
}

static bool
same_path(const struct ddb_path *x, const struct ddb_path *y)
{
	for (uint32_t i = 0; x->n == y->n && i < x->n; i++)
		if (!str_eq(x->v[i].name, y->v[i].name) || x->v[i].index != y->v[i].index)
			return false;
	return x->n == y->n;
}

/* a = set_add(a, <<…>>) */
static void
set_function(struct ddb_sql_parser *p, struct ddb_change *ch)
{
	bool add = str_eq_nocase(p->tok, STR("set_add"));
	const char *name = add ? "ADD" : "DELETE";
	struct str at_name = ddb_sql_place(p, p->start, p->end);
	struct ddb_node *args[2] = { NULL, NULL };
	unsigned n = 0;
	ddb_sql_next(p);
	ddb_sql_next(p);
	size_t start = p->start, end = p->end;
	while (!p->failed && !ddb_sql_is(p, ")")) {
		struct ddb_node *one = term(p);
		if (!n)
			end = p->before_end;
		if (n < 2)
			args[n] = one;
		n++;
		if (!ddb_sql_accept(p, ","))
			break;
	}
	ddb_sql_expect(p, ")", "Expected RIGHT_PAREN");
	if (p->failed)
		return;
	if (n != 2) {
		ddb_sql_refuse(
			p, "SET_%s must have exactly two arguments%.*s", name, STR_FMT(at_name));
		return;
	}
	if (args[0]->kind != DDB_PATH || !same_path(&args[0]->path, &ch->path))
		ddb_sql_refuse(p,
			"The first argument to SET_%s must equal the assignment value%.*s", name,
			STR_FMT(at_name));
	const struct ddb_val *v = args[1]->kind == DDB_VALUE ? args[1]->value : NULL;
	if (!v || (v->type != DDB_SS && v->type != DDB_NS && v->type != DDB_BS))
		ddb_sql_refuse(p,
			"The second argument to SET_%s must be a value with type SET%.*s", name,
			STR_FMT(ddb_sql_place(p, start, end)));
	ch->action = add ? DDB_ADD : DDB_DELETE;
	ch->value = args[1];
	ch->type = v ? v->type : -1;
}

static void
push_change(struct ddb_sql_parser *p, struct ddb_update *u, const struct ddb_change *ch)
{
	if (!(u->n & (u->n - 1))) {
		struct ddb_change *v =
			arena_array(p->c->arena, struct ddb_change, u->n ? 2 * u->n : 1);
		if (u->n)
			memcpy(v, u->v, sizeof(*v) * u->n);
		u->v = v;
	}
	u->v[u->n++] = *ch;
}

static void
assignment(struct ddb_sql_parser *p, struct ddb_sql *s)
{
	struct ddb_change ch = { .action = DDB_SET, .type = -1 };
	ddb_sql_path(p, &ch.path);
	ddb_sql_expect(p, "=", "Expected EQ");
	if (ddb_sql_at_call(p) && (str_eq_nocase(p->tok, STR("set_add")) ||
					  str_eq_nocase(p->tok, STR("set_delete")))) {
		set_function(p, &ch);
	} else {
		ch.value = sum(p);
		if (!p->failed && ch.value->kind == DDB_VALUE)
			ch.type = ch.value->value->type;
		if (!p->failed && (ch.value->kind == DDB_PLUS || ch.value->kind == DDB_MINUS))
			ch.type = DDB_N;
	}
	if (!p->failed)
		push_change(p, &s->update, &ch);
}

static bool
paths_meet(const struct ddb_path *x, const struct ddb_path *y)
{
	for (uint32_t i = 0; i < x->n && i < y->n; i++)
		if (!str_eq(x->v[i].name, y->v[i].name) || x->v[i].index != y->v[i].index)
			return false;
	return true;
}

static void
check_overlaps(struct ddb_sql_parser *p, const struct ddb_update *u)
{
	for (uint32_t i = 1; i < u->n; i++)
		for (uint32_t k = 0; k < i && !p->failed; k++)
			if (paths_meet(&u->v[k].path, &u->v[i].path))
				ddb_sql_refuse(p,
					"Two document paths overlap with each other; must remove or "
					"rewrite one of these paths; path one: %.*s, path two: %.*s",
					STR_FMT(ddb_path_text(p->c, &u->v[k].path)),
					STR_FMT(ddb_path_text(p->c, &u->v[i].path)));
}

static void
returning(struct ddb_sql_parser *p, struct ddb_sql *s)
{
	if (!ddb_sql_accept_word(p, "RETURNING"))
		return;
	bool all = ddb_sql_accept_word(p, "ALL");
	if (!all && !ddb_sql_accept_word(p, "MODIFIED"))
		ddb_sql_malformed(p, "Expected ALL or MODIFIED");
	bool old = ddb_sql_accept_word(p, "OLD");
	if (!old && !ddb_sql_accept_word(p, "NEW"))
		ddb_sql_malformed(p, "Expected OLD or NEW");
	if (!ddb_sql_accept(p, "*"))
		ddb_sql_refuse(p,
			"Expected '*' after ( MODIFIED | ALL ) ( NEW | OLD ) in RETURNING "
			"clause");
	if (ddb_sql_is(p, ","))
		ddb_sql_refuse(
			p, "Invalid syntax with multiple returning elements in RETURNING clause");
	s->returning = all ? (old ? DDB_RETURN_ALL_OLD : DDB_RETURN_ALL_NEW)
			   : (old ? DDB_RETURN_MODIFIED_OLD : DDB_RETURN_MODIFIED_NEW);
	if (s->kind == DDB_SQL_DELETE && s->returning != DDB_RETURN_ALL_OLD)
		ddb_sql_refuse(p,
			"Invalid returning clause: RETURNING %s %s *. Only RETURNING ALL OLD * is "
			"allowed in DELETE statements.",
			all ? "ALL" : "MODIFIED", old ? "OLD" : "NEW");
}

static void
update_statement(struct ddb_sql_parser *p, struct ddb_sql *s)
{
	table_only(p, s);
	p->seen = &s->update_paths;
	bool any = false;
	while (!p->failed) {
		bool set = ddb_sql_accept_word(p, "SET");
		if (!set && !ddb_sql_accept_word(p, "REMOVE"))
			break;
		any = true;
		do {
			struct ddb_change ch = { .action = DDB_REMOVE, .type = -1 };
			if (set)
				assignment(p, s);
			else
				ddb_sql_path(p, &ch.path);
			if (!set && !p->failed)
				push_change(p, &s->update, &ch);
		} while (!p->failed && ddb_sql_accept(p, ","));
	}
	p->seen = NULL;
	if (!any)
		ddb_sql_malformed(p, "Expected data manipulation");
	check_overlaps(p, &s->update);
	where(p, s);
	returning(p, s);
}

static void
delete_statement(struct ddb_sql_parser *p, struct ddb_sql *s)
{
	if (!ddb_sql_accept_word(p, "FROM"))
		ddb_sql_malformed(p, "Expected FROM");
	table_only(p, s);
	where(p, s);
	returning(p, s);
}

/* ---- all of them */

static void
exists_statement(struct ddb_sql_parser *p, struct ddb_sql *s)
{
	ddb_sql_expect(p, "(", "Expected LEFT_PAREN");
	if (!ddb_sql_accept_word(p, "SELECT"))
		ddb_sql_malformed(p, "Expected SELECT");
	select_statement(p, s);
	ddb_sql_expect(p, ")", "Expected RIGHT_PAREN");
}

static void
statement(struct ddb_sql_parser *p, struct ddb_sql *s)
{
	static const struct {
		const char *word;
		enum ddb_sql_kind kind;
		void (*parse)(struct ddb_sql_parser *p, struct ddb_sql *s);
	} statements[] = { { "SELECT", DDB_SQL_SELECT, select_statement },
		{ "INSERT", DDB_SQL_INSERT, insert_statement },
		{ "UPDATE", DDB_SQL_UPDATE, update_statement },
		{ "DELETE", DDB_SQL_DELETE, delete_statement },
		{ "EXISTS", DDB_SQL_EXISTS, exists_statement } };
	for (unsigned i = 0; i < sizeof(statements) / sizeof(statements[0]); i++)
		if (ddb_sql_accept_word(p, statements[i].word)) {
			s->kind = (uint8_t)statements[i].kind;
			statements[i].parse(p, s);
			return;
		}
	ddb_sql_malformed(p, "Expected data manipulation");
}

static int
read_params(struct call *c, const struct list_document *params, struct ddb_sql_parser *p)
{
	if (!params || !params->set)
		return 0;
	struct ddb_val *v = arena_array(c->arena, struct ddb_val, params->n);
	for (uint32_t i = 0; i < params->n; i++)
		if (ddb_value_read(c, params->v[i], &v[i]))
			return CALL_FAILED;
	p->params = v;
	p->params_n = params->n;
	return 0;
}

int
ddb_sql_parse(
	struct call *c, struct str text, const struct list_document *params, struct ddb_sql *ret)
{
	struct ddb_sql_parser p = { .c = c, .text = text };
	memset(ret, 0, sizeof(*ret));
	if (read_params(c, params, &p))
		return CALL_FAILED;
	ret->params = p.params;
	ret->params_n = p.params_n;
	ddb_sql_next(&p);
	statement(&p, ret);
	while (ddb_sql_accept(&p, ";"))
		;
	if (!p.failed && p.kind != SQL_END)
		ddb_sql_malformed(&p, "Unexpected token after expression");
	if (!p.failed && p.params_used != p.params_n)
		ddb_sql_refuse(&p, "Number of parameters in request and statement don't match.");
	return p.failed ? CALL_FAILED : 0;
}
