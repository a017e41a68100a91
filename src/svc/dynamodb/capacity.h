/*
 * capacity: what a request consumes, as AWS counts it, and the token buckets of tables with
 * provisioned capacity, or with a maximum on demand: each refills at its rate on the virtual clock
 * and holds 300 seconds of it.
 * The buckets are in memory: a restart fills them. Any thread.
 */
#ifndef HANEUL_SVC_DYNAMODB_CAPACITY_H
#define HANEUL_SVC_DYNAMODB_CAPACITY_H

#include "svc/dynamodb/dynamodb.h"

#define DDB_BURST_SECONDS 300

struct ddb_spent {
	double table;
	double indexes[32]; /* in the order of t->indexes */
	bool reads, writes; /* which of them, for transactions' replies */
};

double ddb_write_units(uint32_t size_bytes);
double ddb_read_units(uint64_t size_bytes, bool consistent);
/* NULL unless asked for. */
struct dynamodb_consumed_capacity *ddb_consumed(
	struct call *c, struct str mode, const struct ddb_table *t, const struct ddb_spent *s);
/* Takes what was spent. Fails with ProvisionedThroughputExceededException when a bucket is empty.
 */
int ddb_charge(struct call *c, const struct ddb_table *t, const struct ddb_spent *s, bool write);
/* usage.c: what a bill is made of. Items and bytes that came or went; */
void ddb_usage_stored(struct call *c, const struct ddb_table *t, int64_t items, int64_t bytes);
/* a table's settings, as they were and as they are (NULL: there is none); */
void ddb_usage_settings(struct call *c, const struct dynamodb_table_row *before,
	const struct dynamodb_table_row *after);
/* what an on-demand table's requests took. Any thread. */
void ddb_usage_spent(struct call *c, const struct ddb_table *t, double units, bool write);
/* The failure itself; index: of a global index. Always CALL_FAILED. */
int ddb_capacity_exceeded(struct call *c, const struct ddb_table *t, bool index);
/* Whether the table's own bucket has anything left; for batches, which leave items unprocessed. */
bool ddb_has_capacity(struct call *c, const struct ddb_table *t, bool write);

#endif
