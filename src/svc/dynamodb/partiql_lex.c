/* Tokens, names and places of a PartiQL statement. */
#include "svc/dynamodb/partiql.h"

static bool
is_alpha(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch == '_' || ch == '$' ||
	       (unsigned char)ch >= 0x80;
}

static bool
is_digit(char ch)
{
	return ch >= '0' && ch <= '9';
}

static bool
starts_at(const struct ddb_sql_parser *p, size_t at, const char *what)
{
	size_t n = strlen(what);
	return p->text.len - at >= n && memcmp(p->text.p + at, what, n) == 0;
}

void
ddb_sql_refuse(struct ddb_sql_parser *p, const char *fmt, ...)
{
	va_list ap;
	if (p->failed)
		return;
	va_start(ap, fmt);
	struct str text = arena_vprintf(p->c->arena, fmt, ap);
	va_end(ap);
	p->failed = true;
	p->kind = SQL_END;
	p->tok = STR("");
	ddb_fail(p->c, "%.*s", STR_FMT(text));
}

void
ddb_sql_malformed(struct ddb_sql_parser *p, const char *why)
{
	ddb_sql_refuse(p, "Statement wasn't well formed, can't be processed: %s", why);
}

struct str
ddb_sql_place(struct ddb_sql_parser *p, size_t start, size_t end)
{
	unsigned line = 1;
	size_t from = 0;
	for (size_t i = 0; i < start; i++)
		if (p->text.p[i] == '\n') {
			line++;
			from = i + 1;
		}
	return arena_printf(p->c->arena, " at %u:%zu:%zu", line,
		str_utf8_count(str_slice(p->text, from, start)) + 1,
		str_utf8_count(str_slice(p->text, start, end)));
}

/* ---- tokens */

static size_t
skip_blanks(struct ddb_sql_parser *p, size_t at)
{
	while (at < p->text.len) {
		if (strchr(" \t\r\n\f\v", p->text.p[at]) && p->text.p[at]) {
			at++;
		} else if (starts_at(p, at, "--")) {
			while (at < p->text.len && p->text.p[at] != '\n')
				at++;
		} else if (starts_at(p, at, "/*")) {
			for (at += 2; at < p->text.len && !starts_at(p, at, "*/");)
				at++;
			if (at >= p->text.len) {
				ddb_sql_malformed(p, "");
				return p->text.len;
			}
			at += 2;
		} else {
			break;
		}
	}
	return at;
}

/* Two quotes in a row stand for one. */
static void
take_quoted(struct ddb_sql_parser *p, char quote)
{
	size_t at = p->start + 1, from = at;
	bool doubled = false;
	for (;; at++) {
		if (at >= p->text.len) {
			ddb_sql_malformed(p, "");
			return;
		}
		if (p->text.p[at] != quote)
			continue;
		if (at + 1 >= p->text.len || p->text.p[at + 1] != quote)
			break;
		doubled = true;
		at++;
	}
	p->tok = str_of(p->text.p + from, at - from);
	p->at = at + 1;
	if (!doubled)
		return;
	char *to = arena_alloc(p->c->arena, p->tok.len);
	size_t n = 0;
	for (size_t i = 0; i < p->tok.len; i++) {
		to[n++] = p->tok.p[i];
		i += p->tok.p[i] == quote;
	}
	p->tok = str_of(to, n);
}

static void
take_number(struct ddb_sql_parser *p)
{
	size_t at = p->start;
	while (at < p->text.len && is_digit(p->text.p[at]))
		at++;
	if (at < p->text.len && p->text.p[at] == '.')
		for (at++; at < p->text.len && is_digit(p->text.p[at]);)
			at++;
	if (at < p->text.len && (p->text.p[at] == 'e' || p->text.p[at] == 'E')) {
		size_t more = at + 1;
		if (more < p->text.len && (p->text.p[more] == '+' || p->text.p[more] == '-'))
			more++;
		if (more < p->text.len && is_digit(p->text.p[more]))
			for (at = more; at < p->text.len && is_digit(p->text.p[at]);)
				at++;
	}
	p->at = at;
	p->tok = str_slice(p->text, p->start, at);
}

static void
take_word(struct ddb_sql_parser *p)
{
	size_t at = p->start;
	while (at < p->text.len && (is_alpha(p->text.p[at]) || is_digit(p->text.p[at])))
		at++;
	p->at = at;
	p->tok = str_slice(p->text, p->start, at);
}

static void
take_punct(struct ddb_sql_parser *p)
{
	static const char *const doubles[] = { "<<", ">>", "<=", ">=", "<>", "!=", "||" };
	size_t n = 1;
	for (unsigned i = 0; i < sizeof(doubles) / sizeof(doubles[0]); i++)
		if (starts_at(p, p->start, doubles[i]))
			n = 2;
	if (n == 1 &&
		(!p->text.p[p->start] || !strchr("()[]{}.,:;=<>+-*/%", p->text.p[p->start]))) {
		ddb_sql_malformed(p, "");
		return;
	}
	p->at = p->start + n;
	p->tok = str_slice(p->text, p->start, p->at);
}

void
ddb_sql_next(struct ddb_sql_parser *p)
{
	if (p->failed)
		return;
	p->before_end = p->end;
	p->start = p->at = skip_blanks(p, p->at);
	if (p->failed || p->start >= p->text.len) {
		p->kind = SQL_END;
		p->tok = STR("");
		p->end = p->start;
		return;
	}
	char ch = p->text.p[p->start];
	char next = p->start + 1 < p->text.len ? p->text.p[p->start + 1] : '\0';
	p->kind = ch == '\''                                    ? SQL_TEXT
		  : ch == '"'                                   ? SQL_QUOTED
		  : ch == '?'                                   ? SQL_PARAM
		  : is_digit(ch) || (ch == '.' && is_digit(next)) ? SQL_NUMBER
		  : is_alpha(ch)                                ? SQL_WORD
								: SQL_PUNCT;
	if (p->kind == SQL_TEXT || p->kind == SQL_QUOTED)
		take_quoted(p, ch);
	else if (p->kind == SQL_NUMBER)
		take_number(p);
	else if (p->kind == SQL_WORD)
		take_word(p);
	else if (p->kind == SQL_PUNCT)
		take_punct(p);
	else
		p->at = p->start + 1;
	p->end = p->at;
	if (p->failed)
		p->kind = SQL_END;
}

bool
ddb_sql_is(const struct ddb_sql_parser *p, const char *punct)
{
	return !p->failed && p->kind == SQL_PUNCT && str_eq(p->tok, str_c(punct));
}

bool
ddb_sql_is_word(const struct ddb_sql_parser *p, const char *upper)
{
	return !p->failed && p->kind == SQL_WORD && str_eq_nocase(p->tok, str_c(upper));
}

bool
ddb_sql_accept(struct ddb_sql_parser *p, const char *punct)
{
	if (!ddb_sql_is(p, punct))
		return false;
	ddb_sql_next(p);
	return true;
}

bool
ddb_sql_accept_word(struct ddb_sql_parser *p, const char *upper)
{
	if (!ddb_sql_is_word(p, upper))
		return false;
	ddb_sql_next(p);
	return true;
}

void
ddb_sql_expect(struct ddb_sql_parser *p, const char *punct, const char *why)
{
	if (!ddb_sql_accept(p, punct))
		ddb_sql_malformed(p, why);
}

/* ---- names */

bool
ddb_sql_is_keyword(struct str word)
{
	static const char *const words[] = { "ALL", "AND", "AS", "ASC", "AT", "BETWEEN", "BY",
		"CASE", "CAST", "CROSS", "DELETE", "DESC", "DISTINCT", "ELSE", "END", "ESCAPE",
		"EXCEPT", "EXISTS", "FALSE", "FROM", "FULL", "GROUP", "HAVING", "IN", "INNER",
		"INSERT", "INTERSECT", "INTO", "IS", "JOIN", "LEFT", "LIKE", "LIMIT", "MISSING",
		"NATURAL", "NOT", "NULL", "ON", "OR", "ORDER", "OUTER", "PIVOT", "REMOVE",
		"RETURNING", "RIGHT", "SELECT", "SET", "THEN", "TRUE", "UNION", "UNPIVOT", "UPDATE",
		"USING", "VALUE", "VALUES", "WHEN", "WHERE", "WITH" };
	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (str_eq_nocase(word, str_c(words[i])))
			return true;
	return false;
}

struct str
ddb_sql_identifier(struct ddb_sql_parser *p)
{
	struct str name = p->tok;
	if (p->kind == SQL_WORD && ddb_sql_is_keyword(name))
		ddb_sql_malformed(p, "Unexpected keyword");
	else if (p->kind != SQL_WORD && p->kind != SQL_QUOTED)
		ddb_sql_malformed(p, "Unexpected term");
	ddb_sql_next(p);
	return name;
}

bool
ddb_sql_at_call(const struct ddb_sql_parser *p)
{
	if (p->failed || p->kind != SQL_WORD)
		return false;
	struct ddb_sql_parser ahead = *p;
	size_t at = skip_blanks(&ahead, p->at);
	return !ahead.failed && at < p->text.len && p->text.p[at] == '(';
}

static void
path_add(struct ddb_sql_parser *p, struct ddb_path *path, struct str name, uint32_t index)
{
	struct ddb_step *v = arena_array(p->c->arena, struct ddb_step, path->n + 1);
	if (path->n)
		memcpy(v, path->v, sizeof(*v) * path->n);
	v[path->n] = (struct ddb_step){ name, index };
	path->v = v;
	path->n++;
}

/* ["name"] is the same as .name. */
static void
path_index(struct ddb_sql_parser *p, struct ddb_path *ret)
{
	uint64_t index = 0;
	bool minus = ddb_sql_accept(p, "-");
	size_t start = p->start, end = p->end;
	if (p->kind == SQL_TEXT && !minus) {
		path_add(p, ret, p->tok, 0);
	} else if (ddb_sql_is(p, "*")) {
		ddb_sql_refuse(p, "Wildcard path component like a[*].b are not supported");
	} else if (p->kind != SQL_NUMBER) {
		ddb_sql_malformed(p, "Invalid path component");
	} else {
		bool fits = str_to_u64(p->tok, &index) && index <= INT32_MAX;
		if (!fits || (minus && index))
			ddb_sql_refuse(p,
				"List index is not within the allowable range; index: [%s%.*s]%.*s",
				minus ? "-" : "", STR_FMT(p->tok),
				STR_FMT(ddb_sql_place(p, start, end)));
		path_add(p, ret, STR_NULL, (uint32_t)index);
	}
	ddb_sql_next(p);
	ddb_sql_expect(p, "]", "Expected RIGHT_BRACKET");
}

void
ddb_sql_path(struct ddb_sql_parser *p, struct ddb_path *ret)
{
	*ret = (struct ddb_path){ 0 };
	path_add(p, ret, ddb_sql_identifier(p), 0);
	while (!p->failed) {
		if (ddb_sql_accept(p, ".")) {
			bool name = p->kind == SQL_QUOTED ||
				    (p->kind == SQL_WORD && !ddb_sql_is_keyword(p->tok));
			if (!name)
				ddb_sql_malformed(p, "Invalid path dot component");
			path_add(p, ret, p->tok, 0);
			ddb_sql_next(p);
		} else if (ddb_sql_accept(p, "[")) {
			path_index(p, ret);
		} else {
			break;
		}
		if (ret->n > DDB_NESTING_MAX)
			ddb_sql_refuse(p,
				"The document path has too many nesting elements; nesting levels: "
				"%u",
				ret->n);
	}
	if (p->seen && !p->failed)
		ddb_sql_paths_push(p, p->seen, ret);
}

void
ddb_sql_paths_push(struct ddb_sql_parser *p, struct ddb_paths *l, const struct ddb_path *path)
{
	/* Full when the count is a power of two: room for as many again. */
	if (!(l->n & (l->n - 1))) {
		struct ddb_path *v = arena_array(p->c->arena, struct ddb_path, l->n ? 2 * l->n : 1);
		if (l->n)
			memcpy(v, l->v, sizeof(*v) * l->n);
		l->v = v;
	}
	l->v[l->n++] = *path;
}

struct ddb_node *
ddb_sql_node(struct ddb_sql_parser *p, enum ddb_node_kind kind, uint32_t args)
{
	struct ddb_node *n = arena_new(p->c->arena, struct ddb_node);
	n->kind = (uint8_t)kind;
	n->n = args;
	n->args = arena_array(p->c->arena, struct ddb_node *, args);
	return n;
}
