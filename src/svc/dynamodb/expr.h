/*
 * expr: DynamoDB's expressions: a bounded tokenizer and recursive descent into a tree, the checks
 * that AWS makes while it parses (in its order and words), and evaluation over decoded items.
 *
 * Trees are in the call's arena and borrow from the request. Expressions are 4 KB at most, so
 * recursion is bounded by that.
 */
#ifndef HANEUL_SVC_DYNAMODB_EXPR_H
#define HANEUL_SVC_DYNAMODB_EXPR_H

#include "svc/dynamodb/dynamodb.h"

#define DDB_EXPR_MAX 4096

struct ddb_step {
	struct str name; /* p NULL: an index of a list */
	uint32_t index;
};
struct ddb_path {
	struct ddb_step *v;
	uint32_t n;
};
struct ddb_paths {
	struct ddb_path *v;
	uint32_t n;
};

enum ddb_node_kind {
	DDB_PATH,
	DDB_VALUE,
	DDB_FUNC,
	DDB_COMPARE,
	DDB_BETWEEN,
	DDB_IN,
	DDB_AND,
	DDB_OR,
	DDB_NOT,
	DDB_PLUS, /* update expressions */
	DDB_MINUS,
};
enum ddb_op { DDB_EQ, DDB_NE, DDB_LT, DDB_LE, DDB_GT, DDB_GE };
enum ddb_fn {
	DDB_ATTRIBUTE_EXISTS,
	DDB_ATTRIBUTE_NOT_EXISTS,
	DDB_ATTRIBUTE_TYPE,
	DDB_BEGINS_WITH,
	DDB_CONTAINS,
	DDB_SIZE,
	DDB_IF_NOT_EXISTS,
	DDB_LIST_APPEND,
	DDB_FN_UNKNOWN,
};
struct ddb_node {
	uint8_t kind; /* enum ddb_node_kind */
	uint8_t op;   /* enum ddb_op, enum ddb_fn */
	bool paren;   /* stood directly in parentheses */
	uint32_t n;
	struct ddb_node **args;
	struct ddb_path path;
	const struct ddb_val *value; /* NULL: not defined (an error is noted) */
	struct str name;             /* function */
};

enum ddb_action { DDB_SET, DDB_REMOVE, DDB_ADD, DDB_DELETE };
struct ddb_change {
	uint8_t action; /* enum ddb_action */
	struct ddb_path path;
	struct ddb_node *value;
	int type; /* enum ddb_type when it is known beforehand, else -1 */
};
struct ddb_update {
	struct ddb_change *v;
	uint32_t n;
	bool legacy; /* AttributeUpdates: other words, and ADD to lists */
};

/* Names and values of one request, and which of them were used. */
struct ddb_env {
	struct call *c;
	const struct map_str *names;
	bool values_set;
	struct ddb_val values;
	bool *name_used, *value_used;
	struct ddb_paths seen; /* every path of the last expression that was parsed */
	uint32_t seen_cap;
};
/* Checks the keys of both maps and reads the values. */
int ddb_env_open(
	struct ddb_env *e, struct call *c, const struct map_str *names, const struct json *values);
/* Fails when a name or value was never used. */
int ddb_env_done(struct ddb_env *e);
/* `what`: the parameter's name, for messages. text.p NULL: *ret is NULL or empty. */
int ddb_parse_condition(
	struct ddb_env *e, const char *what, struct str text, struct ddb_node **ret);
int ddb_parse_projection(struct ddb_env *e, struct str text, struct ddb_paths *ret);
int ddb_parse_update(struct ddb_env *e, struct str text, struct ddb_update *ret);
bool ddb_is_reserved(struct str word);
struct str ddb_path_text(struct call *c, const struct ddb_path *p); /* "[a, [0], b]" */

/* Whether the item (NULL: absent) satisfies the condition; NULL is always true. */
bool ddb_match(struct call *c, const struct ddb_node *n, const struct ddb_val *item);
const struct ddb_val *ddb_resolve_path(const struct ddb_val *item, const struct ddb_path *p);
struct ddb_val ddb_project_paths(
	struct call *c, const struct ddb_paths *paths, const struct ddb_val *item);
/* Changes *item (own arrays). */
int ddb_apply(struct call *c, const struct ddb_table *t, const struct ddb_update *u,
	struct ddb_val *item);

struct ddb_val ddb_set_union(struct call *c, const struct ddb_val *x, const struct ddb_val *y);
struct ddb_val ddb_set_minus(struct call *c, const struct ddb_val *x, const struct ddb_val *y);
int ddb_add_value(
	struct call *c, const struct ddb_val *old, const struct ddb_val *v, struct ddb_val *ret);

/* Nested paths over key attributes are refused. */
int ddb_paths_check(struct call *c, const struct ddb_table *t, const struct ddb_paths *paths);

/* ---- the parser's inside, shared by its files */
enum ddb_token {
	TOK_END,
	TOK_WORD,  /* identifier or keyword */
	TOK_NAME,  /* #name */
	TOK_VALUE, /* :value */
	TOK_NUMBER,
	TOK_PUNCT, /* one of ( ) [ ] . , = < > <= >= <> + - */
	TOK_BAD,
};
struct ddb_parser {
	struct ddb_env *e;
	const char *what;
	struct str text;
	enum ddb_token kind;
	struct str tok, before; /* the current token and the one before it */
	size_t at;              /* behind the current one */
	bool failed;            /* a syntax error was told */
	unsigned operators;
	/* The first of each kind, told at the end in AWS's order; p NULL: none. */
	struct str parens, unknown_function, misused, reserved, condition, name_value, operand,
		distinct, function, section, name, value, overlap, conflict;
	struct ddb_paths paths; /* of projections and updates, for overlaps */
	uint32_t paths_cap;
	bool update, projection;
};
void ddb_parser_open(struct ddb_parser *p, struct ddb_env *e, const char *what, struct str text);
void ddb_next(struct ddb_parser *p);
bool ddb_is_punct(const struct ddb_parser *p, const char *s);
bool ddb_is_word(const struct ddb_parser *p, const char *upper); /* keywords, any case */
bool ddb_accept(struct ddb_parser *p, const char *s);
void ddb_expect(struct ddb_parser *p, const char *s);
void ddb_syntax(struct ddb_parser *p);
int ddb_parse_end(struct ddb_parser *p,
	const struct str *const *order); /* NULL-ended; CALL_OK or the failure */
void ddb_note(struct ddb_parser *p, struct str *slot, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
struct ddb_node *ddb_node_new(struct ddb_parser *p, enum ddb_node_kind kind, uint32_t args);
/* At a word or #name: the whole path, resolved. */
struct ddb_node *ddb_parse_path(struct ddb_parser *p);
void ddb_path_more(
	struct ddb_parser *p, struct ddb_node *n); /* .b[0] behind a path in parentheses */
struct ddb_node *ddb_parse_value(struct ddb_parser *p);
void ddb_path_seen(struct ddb_parser *p, const struct ddb_path *path);
/* Overlaps with the paths before; remembers it. */
void ddb_path_claim(struct ddb_parser *p, const struct ddb_path *path);
struct ddb_node **ddb_parse_args(
	struct ddb_parser *p, struct ddb_node *(*one)(struct ddb_parser *), uint32_t *ret_n);

#endif
