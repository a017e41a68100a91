/* Tokens, paths, names and values: what conditions, projections and updates share. */
#include "svc/dynamodb/expr.h"

static bool
is_alpha(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch == '_';
}

static bool
is_digit(char ch)
{
	return ch >= '0' && ch <= '9';
}

static size_t
run_of(struct str s, size_t at, bool digits_only)
{
	size_t n = at;
	while (n < s.len && (is_digit(s.p[n]) || (!digits_only && is_alpha(s.p[n]))))
		n++;
	return n;
}

static enum ddb_token
scan(struct str s, size_t at, size_t *ret_end)
{
	char ch = s.p[at], next = at + 1 < s.len ? s.p[at + 1] : '\0';
	*ret_end = at + 1;
	if (is_alpha(ch)) {
		*ret_end = run_of(s, at, false);
		return TOK_WORD;
	}
	if (ch == '#' || ch == ':') {
		*ret_end = run_of(s, at + 1, false);
		return ch == '#' ? TOK_NAME : TOK_VALUE;
	}
	if (is_digit(ch)) {
		*ret_end = run_of(s, at, true);
		return TOK_NUMBER;
	}
	if ((ch == '<' && (next == '=' || next == '>')) || (ch == '>' && next == '=')) {
		*ret_end = at + 2;
		return TOK_PUNCT;
	}
	return ch && strchr("()[].,=<>+-", ch) ? TOK_PUNCT : TOK_BAD;
}

static size_t
skip_blanks(struct str s, size_t at)
{
	while (at < s.len && strchr(" \t\r\n", s.p[at]) && s.p[at])
		at++;
	return at;
}

void
ddb_next(struct ddb_parser *p)
{
	size_t at = skip_blanks(p->text, p->at), end = at;
	p->before = p->tok;
	if (at >= p->text.len || p->failed) {
		p->kind = TOK_END;
		p->tok = str_of(p->text.p + p->text.len, 0);
		return;
	}
	p->kind = scan(p->text, at, &end);
	p->tok = str_of(p->text.p + at, end - at);
	p->at = end;
	if (p->kind == TOK_BAD)
		ddb_syntax(p);
}

void
ddb_parser_open(struct ddb_parser *p, struct ddb_env *e, const char *what, struct str text)
{
	memset(p, 0, sizeof(*p));
	p->e = e;
	p->what = what;
	p->text = text;
	e->seen = (struct ddb_paths){ 0 };
	e->seen_cap = 0;
	if (!skip_blanks(text, 0) && !text.len) {
		ddb_fail(e->c, "Invalid %s: The expression can not be empty;", what);
		p->failed = true;
	} else if (text.len > DDB_EXPR_MAX) {
		ddb_fail(e->c,
			"Invalid %s: Expression size has exceeded the maximum allowed size; "
			"expression size: %zu",
			what, text.len);
		p->failed = true;
	}
	ddb_next(p);
}

/* The token with its neighbours, as they stand in the text. */
void
ddb_syntax(struct ddb_parser *p)
{
	if (p->failed)
		return;
	const char *from = p->before.p ? p->before.p : p->tok.p;
	const char *to = p->tok.p + p->tok.len, *end = p->text.p + p->text.len;
	size_t at = skip_blanks(p->text, (size_t)(to - p->text.p)), stop;
	if (at < p->text.len) {
		scan(p->text, at, &stop);
		to = p->text.p + stop;
	}
	if (to > end)
		to = end;
	p->failed = true;
	ddb_fail(p->e->c, "Invalid %s: Syntax error; token: \"%.*s\", near: \"%.*s\"", p->what,
		p->tok.len ? (int)p->tok.len : 5, p->tok.len ? p->tok.p : "<EOF>", (int)(to - from),
		from);
	p->kind = TOK_END;
}

bool
ddb_is_punct(const struct ddb_parser *p, const char *s)
{
	return !p->failed && p->kind == TOK_PUNCT && str_eq(p->tok, str_c(s));
}

bool
ddb_is_word(const struct ddb_parser *p, const char *upper)
{
	return !p->failed && p->kind == TOK_WORD && str_eq_nocase(p->tok, str_c(upper));
}

bool
ddb_accept(struct ddb_parser *p, const char *s)
{
	if (!ddb_is_punct(p, s))
		return false;
	ddb_next(p);
	return true;
}

void
ddb_expect(struct ddb_parser *p, const char *s)
{
	if (!ddb_accept(p, s))
		ddb_syntax(p);
}

void
ddb_note(struct ddb_parser *p, struct str *slot, const char *fmt, ...)
{
	va_list ap;
	if (slot->p)
		return;
	va_start(ap, fmt);
	*slot = arena_vprintf(p->e->c->arena, fmt, ap);
	va_end(ap);
}

int
ddb_parse_end(struct ddb_parser *p, const struct str *const *order)
{
	if (!p->failed && p->kind != TOK_END)
		ddb_syntax(p);
	if (p->failed)
		return CALL_FAILED;
	for (; *order; order++)
		if ((*order)->p)
			return ddb_fail(p->e->c, "Invalid %s: %.*s", p->what, STR_FMT(**order));
	return 0;
}

struct ddb_node *
ddb_node_new(struct ddb_parser *p, enum ddb_node_kind kind, uint32_t args)
{
	struct ddb_node *n = arena_new(p->e->c->arena, struct ddb_node);
	n->kind = (uint8_t)kind;
	n->n = args;
	n->args = arena_array(p->e->c->arena, struct ddb_node *, args);
	return n;
}

/* ---- names and values */

static bool
is_keyword(const struct ddb_parser *p)
{
	static const char *const condition[] = { "AND", "OR", "NOT", "BETWEEN", "IN", NULL };
	static const char *const update[] = { "SET", "REMOVE", "ADD", "DELETE", NULL };
	for (const char *const *w = p->update ? update : condition; *w; w++)
		if (ddb_is_word(p, *w))
			return true;
	return false;
}

static struct str
resolve_name(struct ddb_parser *p)
{
	const struct map_str *names = p->e->names;
	for (uint32_t i = 0; names && i < names->n; i++)
		if (str_eq(names->v[i].key, p->tok) && names->v[i].value.p) {
			p->e->name_used[i] = true;
			return names->v[i].value;
		}
	ddb_note(p, p->update ? &p->name : &p->name_value,
		"An expression attribute name used in the document path is not defined; attribute "
		"name: %.*s",
		STR_FMT(p->tok));
	return STR("");
}

static struct str
parse_identifier(struct ddb_parser *p)
{
	struct str name = p->tok;
	if (p->kind == TOK_NAME) {
		name = resolve_name(p);
	} else if (p->kind != TOK_WORD || (!p->projection && is_keyword(p))) {
		ddb_syntax(p);
		return STR("");
	} else if (ddb_is_reserved(name)) {
		ddb_note(p, &p->reserved,
			"Attribute name is a reserved keyword; reserved keyword: %.*s",
			STR_FMT(name));
	}
	ddb_next(p);
	return name;
}

static void
path_add(struct ddb_parser *p, struct ddb_path *path, struct str name, uint32_t index)
{
	struct ddb_step *v = arena_array(p->e->c->arena, struct ddb_step, path->n + 1);
	if (path->n)
		memcpy(v, path->v, sizeof(*v) * path->n);
	v[path->n] = (struct ddb_step){ name, index };
	path->v = v;
	path->n++;
}

void
ddb_path_more(struct ddb_parser *p, struct ddb_node *n)
{
	while (!p->failed) {
		if (ddb_accept(p, ".")) {
			path_add(p, &n->path, parse_identifier(p), 0);
		} else if (ddb_accept(p, "[")) {
			uint64_t index = 0;
			if (p->kind != TOK_NUMBER || !str_to_u64(p->tok, &index) ||
				index > UINT32_MAX)
				ddb_syntax(p);
			ddb_next(p);
			ddb_expect(p, "]");
			path_add(p, &n->path, STR_NULL, (uint32_t)index);
		} else {
			break;
		}
	}
	if (n->path.n > DDB_NESTING_MAX && !p->failed) {
		p->failed = true;
		ddb_fail(p->e->c,
			"Invalid %s: The document path has too many nesting elements; nesting "
			"levels: %u",
			p->what, n->path.n);
	}
}

struct ddb_node *
ddb_parse_path(struct ddb_parser *p)
{
	struct ddb_node *n = ddb_node_new(p, DDB_PATH, 0);
	path_add(p, &n->path, parse_identifier(p), 0);
	ddb_path_more(p, n);
	return n;
}

struct ddb_node *
ddb_parse_value(struct ddb_parser *p)
{
	struct ddb_env *e = p->e;
	struct ddb_node *n = ddb_node_new(p, DDB_VALUE, 0);
	if (p->kind != TOK_VALUE) {
		ddb_syntax(p);
		return n;
	}
	for (uint32_t i = 0; i < e->values.n; i++)
		if (str_eq(e->values.attrs[i].name, p->tok)) {
			n->value = &e->values.attrs[i].v;
			e->value_used[i] = true;
		}
	if (!n->value)
		ddb_note(p, p->update ? &p->value : &p->name_value,
			"An expression attribute value used in expression is not defined; "
			"attribute value: %.*s",
			STR_FMT(p->tok));
	ddb_next(p);
	return n;
}

struct ddb_node **
ddb_parse_args(struct ddb_parser *p, struct ddb_node *(*one)(struct ddb_parser *), uint32_t *ret_n)
{
	struct ddb_node *args[104];
	uint32_t n = 0;
	do {
		if (n == 104) {
			ddb_syntax(p);
			break;
		}
		args[n++] = one(p);
	} while (ddb_accept(p, ",") && !p->failed);
	struct ddb_node **v = arena_array(p->e->c->arena, struct ddb_node *, n);
	memcpy(v, args, sizeof(*v) * n);
	*ret_n = n;
	return v;
}

/* ---- paths */

static void
paths_push(struct arena *a, struct ddb_paths *l, uint32_t *cap, const struct ddb_path *path)
{
	if (l->n == *cap) {
		uint32_t more = *cap ? 2 * *cap : 8;
		struct ddb_path *v = arena_array(a, struct ddb_path, more);
		if (l->n)
			memcpy(v, l->v, sizeof(*v) * l->n);
		l->v = v;
		*cap = more;
	}
	l->v[l->n++] = *path;
}

void
ddb_path_seen(struct ddb_parser *p, const struct ddb_path *path)
{
	paths_push(p->e->c->arena, &p->e->seen, &p->e->seen_cap, path);
}

struct str
ddb_path_text(struct call *c, const struct ddb_path *p)
{
	struct buf b = { 0 };
	buf_add_c(&b, '[');
	for (uint32_t i = 0; i < p->n; i++) {
		if (i)
			buf_add_lit(&b, ", ");
		if (p->v[i].name.p)
			buf_add_str(&b, p->v[i].name);
		else
			buf_printf(&b, "[%u]", p->v[i].index);
	}
	buf_add_c(&b, ']');
	struct str s = arena_dup(c->arena, buf_str(&b));
	buf_done(&b);
	return s;
}

static void
paths_compare(struct ddb_parser *p, const struct ddb_path *x, const struct ddb_path *y)
{
	struct call *c = p->e->c;
	for (uint32_t i = 0; i < x->n && i < y->n; i++) {
		if ((x->v[i].name.p == NULL) != (y->v[i].name.p == NULL)) {
			ddb_note(p, &p->conflict,
				"Two document paths conflict with each other; must remove or "
				"rewrite one of these "
				"paths; path one: %.*s, path two: %.*s",
				STR_FMT(ddb_path_text(c, x)), STR_FMT(ddb_path_text(c, y)));
			return;
		}
		if (!str_eq(x->v[i].name, y->v[i].name) || x->v[i].index != y->v[i].index)
			return;
	}
	ddb_note(p, &p->overlap,
		"Two document paths overlap with each other; must remove or rewrite one of these "
		"paths; "
		"path one: %.*s, path two: %.*s",
		STR_FMT(ddb_path_text(c, x)), STR_FMT(ddb_path_text(c, y)));
}

void
ddb_path_claim(struct ddb_parser *p, const struct ddb_path *path)
{
	for (uint32_t i = 0; i < p->paths.n && !p->overlap.p; i++)
		paths_compare(p, &p->paths.v[i], path);
	paths_push(p->e->c->arena, &p->paths, &p->paths_cap, path);
}

/* ---- the environment */

static bool
is_placeholder(struct str key, char first)
{
	if (key.len < 2 || *key.p != first)
		return false;
	return run_of(key, 1, false) == key.len;
}

int
ddb_env_open(
	struct ddb_env *e, struct call *c, const struct map_str *names, const struct json *values)
{
	memset(e, 0, sizeof(*e));
	e->c = c;
	e->names = names;
	if (names && names->set) {
		if (!names->n)
			return ddb_fail(c, "ExpressionAttributeNames must not be empty");
		for (uint32_t i = 0; i < names->n; i++)
			if (!is_placeholder(names->v[i].key, '#'))
				return ddb_fail(c,
					"ExpressionAttributeNames contains invalid key: Syntax "
					"error; key: \"%.*s\"",
					STR_FMT(names->v[i].key));
		e->name_used = arena_array(c->arena, bool, names->n);
	}
	if (!values || values->kind != JSON_OBJECT)
		return 0;
	e->values_set = true;
	if (!values->n)
		return ddb_fail(c, "ExpressionAttributeValues must not be empty");
	for (uint32_t i = 0; i < values->n; i++)
		if (!is_placeholder(values->members[i].key, ':'))
			return ddb_fail(c,
				"ExpressionAttributeValues contains invalid key: Syntax error; "
				"key: \"%.*s\"",
				STR_FMT(values->members[i].key));
	e->values = (struct ddb_val){ .type = DDB_M,
		.attrs = arena_array(c->arena, struct ddb_attr, values->n) };
	for (uint32_t i = 0; i < values->n; i++) {
		struct ddb_attr *at = &e->values.attrs[e->values.n];
		if (values->members[i].value.kind == JSON_NULL)
			continue;
		at->name = values->members[i].key;
		if (ddb_value_read(c, &values->members[i].value, &at->v))
			return ddb_fail_wrap(c,
				"ExpressionAttributeValues contains invalid value: ",
				arena_printf(c->arena, " for key %.*s", STR_FMT(at->name)).p);
		e->values.n++;
	}
	e->value_used = arena_array(c->arena, bool, e->values.n);
	return 0;
}

static int
unused(struct ddb_env *e, const char *what, struct str keys)
{
	return ddb_fail(e->c, "Value provided in %s unused in expressions: keys: {%.*s}", what,
		STR_FMT(keys));
}

int
ddb_env_done(struct ddb_env *e)
{
	struct str keys = STR("");
	bool any = false;
	for (uint32_t i = 0; e->name_used && i < e->names->n; i++)
		if (!e->name_used[i]) {
			keys = arena_printf(e->c->arena, "%.*s%s%.*s", STR_FMT(keys),
				any ? ", " : "", STR_FMT(e->names->v[i].key));
			any = true;
		}
	if (any)
		return unused(e, "ExpressionAttributeNames", keys);
	for (uint32_t i = 0; e->value_used && i < e->values.n; i++)
		if (!e->value_used[i]) {
			keys = arena_printf(e->c->arena, "%.*s%s%.*s", STR_FMT(keys),
				any ? ", " : "", STR_FMT(e->values.attrs[i].name));
			any = true;
		}
	return any ? unused(e, "ExpressionAttributeValues", keys) : 0;
}
