/*
 * legacy: the parameters from before expressions (Expected, AttributeUpdates, KeyConditions,
 * QueryFilter, ScanFilter, AttributesToGet), brought into the same trees; and which parameters
 * exclude each other.
 */
#ifndef HANEUL_SVC_DYNAMODB_LEGACY_H
#define HANEUL_SVC_DYNAMODB_LEGACY_H

#include "svc/dynamodb/expr.h"

struct ddb_param {
	const char *name;
	bool given;
};
/* Both lists end with a NULL name. names, values: whether ExpressionAttributeNames/Values are
 * given. */
int ddb_params_check(struct call *c, const struct ddb_param *expressions,
	const struct ddb_param *others, bool names, bool values);

/* One condition on one attribute. */
struct ddb_test {
	struct str attr;
	struct str op; /* "EQ", … */
	struct ddb_val *vals;
	uint32_t n;
};
struct ddb_tests {
	struct ddb_test *v;
	uint32_t n;
};
/* Checks and reads a map of Conditions. */
int ddb_tests_read(struct call *c, const struct dynamodb_condition_map *m, struct ddb_tests *ret);
int ddb_tests_check(struct call *c, const struct ddb_tests *tests);
int ddb_expected_read(struct call *c, const struct dynamodb_expected_attribute_value_map *m,
	struct ddb_tests *ret);
/* All of them, or with `any` one. NULL when there are none. */
struct ddb_node *ddb_tests_node(struct call *c, const struct ddb_tests *tests, bool any);
bool ddb_test_holds(struct call *c, const struct ddb_test *t, const struct ddb_val *v);
int ddb_updates_read(struct call *c, const struct dynamodb_attribute_value_update_map *m,
	struct ddb_update *ret);
/* AttributesToGet as paths; duplicates are refused. */
int ddb_attributes_read(struct call *c, const struct list_str *names, struct ddb_paths *ret);
/* A projection that stands alone, with its names. */
int ddb_read_projection(
	struct call *c, struct str expression, const struct map_str *names, struct ddb_paths *ret);
/* A key condition expression as tests. */
int ddb_key_tests(struct call *c, const struct ddb_node *n, struct ddb_tests *ret);

#endif
