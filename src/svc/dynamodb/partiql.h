/*
 * partiql: AWS's subset of PartiQL: one statement becomes the trees of expr.h, checked in AWS's
 * words; a plan says which ranges of rows a SELECT reads; the three operations run them.
 *
 * Everything is in the call's arena and borrows from the request. Statements are 8 KB at most and
 * nesting is bounded, hence recursion is. Positions in messages are line:column:length, counted
 * in characters from 1.
 */
#ifndef HANEUL_SVC_DYNAMODB_PARTIQL_H
#define HANEUL_SVC_DYNAMODB_PARTIQL_H

#include "svc/dynamodb/page.h"
#include "svc/dynamodb/writes.h"

#define DDB_SQL_NESTING_MAX 200 /* of parentheses and NOT */
#define DDB_SQL_IN_MAX 100
#define DDB_SQL_READS_MAX 50

enum ddb_sql_kind {
	DDB_SQL_SELECT,
	DDB_SQL_INSERT,
	DDB_SQL_UPDATE,
	DDB_SQL_DELETE,
	DDB_SQL_EXISTS
};
enum ddb_sql_returning {
	DDB_RETURN_NOTHING,
	DDB_RETURN_ALL_OLD,
	DDB_RETURN_ALL_NEW,
	DDB_RETURN_MODIFIED_OLD,
	DDB_RETURN_MODIFIED_NEW,
};
struct ddb_sql_order {
	struct str name;
	bool down;
};
struct ddb_sql {
	uint8_t kind;      /* enum ddb_sql_kind */
	uint8_t returning; /* enum ddb_sql_returning */
	struct str table, index; /* index.p NULL: none */
	struct ddb_paths select; /* n 0: * */
	struct ddb_node *where;  /* NULL: none */
	struct ddb_paths where_paths;
	struct ddb_sql_order order[2];
	uint8_t order_n;
	struct ddb_val item; /* INSERT */
	struct ddb_update update;
	struct ddb_paths update_paths; /* every path that SET and REMOVE read or write */
	const struct ddb_val *params;
	uint32_t params_n;
};
/* params NULL or not set: none. Fails with ValidationException. */
int ddb_sql_parse(
	struct call *c, struct str text, const struct list_document *params, struct ddb_sql *ret);

/* ---- what a WHERE says about keys (partiql_plan.c) */
struct ddb_sql_read {
	struct str lo, hi; /* of rows */
	const struct ddb_val *hash;
	bool ranged; /* a condition on the sort key narrows it */
};
struct ddb_sql_plan {
	struct ddb_sql_read *v; /* n 0: the whole table or index */
	uint32_t n;
	bool branches; /* keyed by OR at the top: each branch has its own filter */
};
int ddb_sql_plan(struct call *c, const struct ddb_table *t, const struct ddb_index *x,
	const struct ddb_sql *s, struct ddb_sql_plan *ret);
/* The primary key that a WHERE sets by equalities joined by AND. *ret_rest: what else it asks;
 * NULL: nothing. */
enum ddb_sql_key { DDB_KEY_WHOLE, DDB_KEY_PARTIAL, DDB_KEY_TWICE };
enum ddb_sql_key ddb_sql_key(struct call *c, const struct ddb_table *t,
	const struct ddb_node *where, bool with_in, struct ddb_val *ret_key,
	struct ddb_node **ret_rest, struct str *ret_twice);

/* ---- running (partiql_read.c, partiql_write.c) */
struct ddb_sql_page {
	struct str token; /* p NULL: from the start */
	struct str text; /* of the statement: a token belongs to it and its parameters */
	int64_t limit;
	bool consistent;
	/* out */
	struct list_document items;
	struct json *last;
	struct str next;
	struct ddb_table t;
	struct ddb_spent spent;
};
int ddb_sql_select(struct call *c, const struct ddb_sql *s, struct ddb_sql_page *p);
/* One item by its whole key; *ret_item NULL: none. what: the operation, for messages. */
int ddb_sql_get(struct call *c, const struct ddb_sql *s, const char *what, bool consistent,
	struct ddb_table *t, struct ddb_spent *spent, struct json **ret_item);
/* Fills w from INSERT, UPDATE, DELETE or EXISTS; the table is open. */
int ddb_sql_write(struct call *c, const struct ddb_table *t, const struct ddb_sql *s,
	struct ddb_write *w);
/* Asks whether the caller may, and opens the table. enclosing: the operation of several statements;
 * NULL: none. */
int ddb_sql_open(struct call *c, const struct ddb_sql *s, const char *enclosing,
	struct ddb_table *t);
/* An item as SELECT shows it: columns by their last names. */
struct ddb_val ddb_sql_columns(
	struct call *c, const struct ddb_paths *paths, const struct ddb_val *item);
/* Name of the last named step with the indexes behind it. */
struct str ddb_sql_column(struct call *c, const struct ddb_path *p);

/* ---- the parser's inside, shared by its files */
enum ddb_sql_token {
	SQL_END,
	SQL_WORD,   /* identifier or keyword */
	SQL_QUOTED, /* "identifier" */
	SQL_TEXT,   /* 'string' */
	SQL_NUMBER,
	SQL_PARAM,
	SQL_PUNCT,
};
struct ddb_sql_parser {
	struct call *c;
	struct str text;
	size_t at, start, end; /* behind the current token; its bounds in the text */
	size_t before_end;     /* of the token before it */
	enum ddb_sql_token kind;
	struct str tok; /* unquoted */
	bool failed;    /* the message is set */
	unsigned depth;
	const struct ddb_val *params;
	uint32_t params_n, params_used;
	struct ddb_paths *seen; /* where paths are noted; NULL: nowhere */
};
void ddb_sql_next(struct ddb_sql_parser *p);
bool ddb_sql_is(const struct ddb_sql_parser *p, const char *punct);
bool ddb_sql_is_word(const struct ddb_sql_parser *p, const char *upper);
bool ddb_sql_accept(struct ddb_sql_parser *p, const char *punct);
bool ddb_sql_accept_word(struct ddb_sql_parser *p, const char *upper);
/* "Statement wasn't well formed, can't be processed: <why>" */
void ddb_sql_malformed(struct ddb_sql_parser *p, const char *why);
void ddb_sql_expect(struct ddb_sql_parser *p, const char *punct, const char *why);
void ddb_sql_refuse(struct ddb_sql_parser *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* " at 1:5:3" of a piece of the text. */
struct str ddb_sql_place(struct ddb_sql_parser *p, size_t start, size_t end);
bool ddb_sql_is_keyword(struct str word);
bool ddb_sql_at_call(const struct ddb_sql_parser *p);
/* A name, quoted or not. */
struct str ddb_sql_identifier(struct ddb_sql_parser *p);
void ddb_sql_path(struct ddb_sql_parser *p, struct ddb_path *ret);
bool ddb_sql_at_literal(const struct ddb_sql_parser *p);
/* A literal or a parameter. */
void ddb_sql_value(struct ddb_sql_parser *p, struct ddb_val *ret);
/* The tuple of an INSERT. */
void ddb_sql_item(struct ddb_sql_parser *p, struct ddb_val *ret);
struct ddb_node *ddb_sql_condition(struct ddb_sql_parser *p);
struct ddb_node *ddb_sql_node(struct ddb_sql_parser *p, enum ddb_node_kind kind, uint32_t args);
/* A path, value or function call as an operand. */
void ddb_sql_check_number(
	struct ddb_sql_parser *p, const char *operator, const struct ddb_node *n);
void ddb_sql_paths_push(struct ddb_sql_parser *p, struct ddb_paths *l, const struct ddb_path *path);

#endif
