/*
 * tasks: what DynamoDB does after a commit: removing the rows of tables and indexes that are gone,
 * filling new indexes. Both go on where they were after a crash; each step is one transaction.
 */
#ifndef HANEUL_SVC_DYNAMODB_TASKS_H
#define HANEUL_SVC_DYNAMODB_TASKS_H

#include "svc/dynamodb/dynamodb.h"

void ddb_tasks_register(struct store *s);
/* index -1: the whole table. */
void ddb_purge_later(struct tx *tx, uint64_t table, int index, int64_t now_ms);
/* index 0: not an index, but the times to live of all items. */
void ddb_backfill_later(struct call *c, const struct ddb_table *t, uint32_t index);

/* What the control plane's files share. */
int ddb_throughput_check(struct call *c, const struct dynamodb_provisioned_throughput *p);
int ddb_index_check(struct call *c, const struct dynamodb_key_schema_element_list *keys,
	const struct dynamodb_attribute_definition_list *defs, const struct dynamodb_projection *p);
/* Attributes that no key names any more are no longer defined. */
void ddb_definitions_trim(struct dynamodb_table_row *r);
uint64_t ddb_next_id(struct call *c);
/* Warm throughput (warm.c): as it is; kept before capacity changes; asked: fails when it is
 * lower. */
struct dynamodb_warm_throughput ddb_warm_table(const struct dynamodb_table_row *r);
struct dynamodb_warm_throughput ddb_warm_index(
	const struct dynamodb_table_row *r, const struct dynamodb_index_row *x);
void ddb_warm_keep(struct call *c, struct ddb_table *t);
struct dynamodb_warm_throughput *ddb_warm_raise(struct call *c,
	const struct dynamodb_warm_throughput *before,
	const struct dynamodb_warm_throughput *asked);
int ddb_warm_check(struct call *c, struct dynamodb_warm_throughput now,
	const struct dynamodb_warm_throughput *asked, const char *what);
/* What UpdateTable changed in another region, in this replica; saves it. */
int ddb_update_follow(
	struct call *c, const struct dynamodb_update_table_in *in, struct ddb_table *t);
/* Turns the stream on or off in the row; not saved. NULL: no change. */
int ddb_stream_set(struct call *c, struct ddb_table *t, struct dynamodb_stream_specification *s);

/* Follows the time to live of one item; after the row was changed. old, item: NULL when absent. */
void ddb_ttl_watch(struct call *c, const struct ddb_table *t, const struct ddb_val *old,
	const struct ddb_val *item, struct str row_key);
int ddb_ttl_due(struct tx *tx, struct str id, int64_t due_ms, struct str payload, void *arg);
/* Removes a transaction's client token; arg: the store. */
int ddb_token_due(struct tx *t, struct str id, int64_t due_ms, struct str payload, void *arg);

#endif
