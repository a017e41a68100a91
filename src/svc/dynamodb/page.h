/*
 * page: one page of Query or Scan: rows in order, to a limit or 1 MB, filtered and projected.
 * Rows that nothing looks into go to the reply without being decoded.
 */
#ifndef HANEUL_SVC_DYNAMODB_PAGE_H
#define HANEUL_SVC_DYNAMODB_PAGE_H

#include "svc/dynamodb/access.h"
#include "svc/dynamodb/capacity.h"
#include "svc/dynamodb/legacy.h"

struct ddb_page {
	/* in */
	struct ddb_table *t;
	struct ddb_index *x; /* NULL: the table */
	struct key lo, hi;
	bool open_end; /* hi is not used */
	bool reverse, consistent, count_only, fetch;
	int64_t limit; /* 0: none */
	struct ddb_node *filter;
	struct ddb_paths paths; /* n 0: whole items */
	/* NULL: ddb_project_paths */
	struct ddb_val (*project)(
		struct call *c, const struct ddb_paths *paths, const struct ddb_val *item);
	/* out */
	uint64_t bytes;
	struct list_document items;
	int64_t count, scanned;
	struct json *last; /* NULL: the end was reached */
	struct ddb_spent spent;
};
int ddb_page_run(struct call *c, struct ddb_page *p);
/* Sets lo and hi to the rows behind `base` (a partition) that satisfy a test on the sort key. */
void ddb_range_bounds(struct ddb_page *p, const struct key *base, const struct ddb_test *t);
void ddb_key_copy(struct key *to, const struct key *from); /* keys are large: only what is used */

/* What Query and Scan share of a request. */
struct ddb_read_in {
	struct str table, index, select, projection, filter, conditional;
	const struct list_str *attributes;
	const struct map_str *names;
	const struct json *values, *start;
	const struct dynamodb_condition_map *filters;
	const char *filters_name; /* "QueryFilter", "ScanFilter" */
	struct str key_condition; /* p NULL: none */
	const struct dynamodb_condition_map *key_conditions;
	bool consistent;
};
struct ddb_read {
	struct ddb_table t;
	struct ddb_index *x;
	struct ddb_val start;
	bool has_start;
	struct ddb_paths paths, filter_paths;
	struct ddb_tests filters, keys;
	struct ddb_node *filter;
	bool fetch;
};
/* Everything that is checked before the table is looked at. */
int ddb_read_parse(struct call *c, const struct ddb_read_in *in, struct ddb_read *r);
/* Scan: after its segments were checked. */
int ddb_read_scan_expressions(struct call *c, const struct ddb_read_in *in, struct ddb_read *r);
int ddb_read_start(struct call *c, const struct json *start, struct ddb_read *r);
/* The table, the index, and what depends on them. */
int ddb_read_open(struct call *c, const struct ddb_read_in *in, struct ddb_read *r);
int ddb_read_select(struct call *c, const struct ddb_read_in *in, struct ddb_read *r);
/* Whether rows of the index hold that attribute. */
bool ddb_projects(const struct ddb_table *t, const struct ddb_index *x, struct str name);
/* How many attributes a starting key has. */
uint32_t ddb_read_start_n(const struct ddb_read *r);
/* The table's part of the starting key. */
int ddb_read_start_table(struct call *c, struct ddb_read *r);

#endif
