/*
 * access: whether the caller may touch these items: identity policies, the table's resource policy,
 * and the conditions on keys and attributes (dynamodb:LeadingKeys, Attributes, Select,
 * ReturnValues, ReturnConsumedCapacity, FullTableScan, EnclosingOperation).
 */
#ifndef HANEUL_SVC_DYNAMODB_ACCESS_H
#define HANEUL_SVC_DYNAMODB_ACCESS_H

#include "svc/dynamodb/expr.h"

struct ddb_use {
	const char *action;          /* NULL: the operation's own */
	struct str index;            /* p NULL: the table */
	const struct ddb_val *items; /* keys or items whose partition keys are touched */
	uint32_t items_n;
	const struct str *attributes; /* top-level names that are touched */
	uint32_t attributes_n;
	struct str select, return_values;
	struct str full_scan; /* of statements: "true" or "false"; p NULL: not told */
	struct str enclosing; /* the transaction or batch of which it is a part; p NULL: none */
};
struct ddb_write;
/* Names of top-level attributes that are touched: those of items or keys, */
void ddb_use_attributes(struct call *c, struct ddb_use *u, const struct ddb_val *items, uint32_t n);
/* those at the beginning of paths, */
void ddb_use_paths(struct call *c, struct ddb_use *u, const struct ddb_paths *paths);
/* and all of a change: its item or key, condition and update. */
void ddb_use_write(struct call *c, struct ddb_use *u, const struct ddb_write *w);
/* How much of an item a read of those paths gets: dynamodb:Select. */
struct str ddb_use_select(const struct ddb_paths *paths);
/* Opens the table and asks. Fails with AccessDenied or ResourceNotFoundException. */
int ddb_use_table(struct call *c, struct str name, const struct ddb_use *u, struct ddb_table *ret);

#endif
