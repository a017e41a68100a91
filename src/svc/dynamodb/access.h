/*
 * access: whether the caller may touch these items: identity policies, the table's resource policy,
 * and the conditions on keys and attributes (dynamodb:LeadingKeys, Attributes, Select,
 * ReturnValues).
 */
#ifndef HANEUL_SVC_DYNAMODB_ACCESS_H
#define HANEUL_SVC_DYNAMODB_ACCESS_H

#include "svc/dynamodb/dynamodb.h"

struct ddb_use {
	const char *action;          /* NULL: the operation's own */
	struct str index;            /* p NULL: the table */
	const struct ddb_val *items; /* keys or items whose partition keys are touched */
	uint32_t items_n;
	const struct str *attributes; /* top-level names that are touched */
	uint32_t attributes_n;
	struct str select, return_values;
	/* PartiQL; p NULL: not told */
	struct str full_scan; /* "true" or "false": dynamodb:FullTableScan */
	struct str enclosing; /* dynamodb:EnclosingOperation */
};
/* Opens the table and asks. Fails with AccessDenied or ResourceNotFoundException. */
int ddb_use_table(struct call *c, struct str name, const struct ddb_use *u, struct ddb_table *ret);

#endif
