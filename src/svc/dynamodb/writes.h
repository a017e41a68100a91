/*
 * writes: one change of one item: read from a request, checked against its table, done. PutItem,
 * DeleteItem, UpdateItem, batches and transactions all end here.
 */
#ifndef HANEUL_SVC_DYNAMODB_WRITES_H
#define HANEUL_SVC_DYNAMODB_WRITES_H

#include "svc/dynamodb/capacity.h"
#include "svc/dynamodb/expr.h"

enum ddb_write_kind { DDB_WRITE_PUT, DDB_WRITE_DELETE, DDB_WRITE_UPDATE, DDB_WRITE_CHECK };
struct ddb_write {
	uint8_t kind;
	struct ddb_val item;        /* put: the item; else the key */
	struct ddb_node *condition; /* NULL: none */
	struct ddb_paths condition_paths;
	struct ddb_update update;
	struct ddb_paths update_paths; /* every path that it reads or writes */
	bool has_update;
	bool expects; /* a condition was given */
	/* PartiQL: INSERT fails with DuplicateItemException when the item is there; UPDATE and
	 * EXISTS fail when it is not; DELETE has nothing to ask then. */
	bool unique, must_exist, absent_fine;
	/* results */
	bool had, has;
	struct ddb_val old, now;
};
int ddb_write_check(struct call *c, const struct ddb_table *t, struct ddb_write *w);
/* Loads the old item and asks the condition: CALL_OK, or CALL_FAILED with
 * ConditionalCheckFailedException. */
int ddb_write_test(struct call *c, const struct ddb_table *t, struct ddb_write *w);
/* After ddb_write_test. */
int ddb_write_do(
	struct call *c, const struct ddb_table *t, struct ddb_write *w, struct ddb_spent *spent);
struct ddb_paths ddb_changed_paths(struct call *c, const struct ddb_update *u);
/* The item in the failure just set, when asked for. */
int ddb_condition_failed(struct call *c, const struct ddb_write *w, struct str return_values);
/* collections.c, for tables with local indexes. Whether the item's collection takes what is about
 * to be stored, and the item itself its entries in indexes. */
#define DDB_COLLECTION_MAX (INT64_C(10) << 30)
int ddb_collection_check(struct call *c, const struct ddb_table *t, const struct ddb_write *w);
struct dynamodb_item_collection_metrics *ddb_collection(
	struct call *c, const struct ddb_table *t, const struct ddb_val *key, struct str mode);

#endif
