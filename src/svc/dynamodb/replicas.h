/*
 * replicas: global tables (version 2019.11.21): a table of one name in several regions of an
 * account, each of which takes writes. A change becomes a task for each other region; the last
 * writer wins, by
 * item: a row keeps when and where each item was written last, also of items that are gone.
 *
 *   W table-id item     i64 time, then the region     (environment "dynamodb")
 *
 * Writes of one item have rising times in their region; of equal times the greater region's wins. A
 * new replica is filled from a copy (copies.h); what replication brought before is newer and stays.
 */
#ifndef HANEUL_SVC_DYNAMODB_REPLICAS_H
#define HANEUL_SVC_DYNAMODB_REPLICAS_H

#include "svc/dynamodb/dynamodb.h"

/* Adds or removes replicas; saves the tables of all regions. */
int ddb_replicas_update(struct call *c, struct ddb_table *t,
	const struct dynamodb_replication_group_update_list *updates);
/* The table is being deleted: the others no longer know it. */
void ddb_replicas_leave(struct call *c, const struct ddb_table *t);
/* After a change of one item; item NULL: it is gone. */
void ddb_replicas_note(struct call *c, const struct ddb_table *t, const struct ddb_val *item,
	struct str row_key);
/* Whether replication or a write has been at this item. */
bool ddb_replicas_wrote(struct call *c, const struct ddb_table *t, struct str item);
/* replica_settings.c. After a change of a table: what replicas share follows in every other region;
 * fails while one is being filled. */
int ddb_replicas_follow(
	struct call *c, const struct ddb_table *t, const struct dynamodb_update_table_in *in);
void ddb_replicas_follow_ttl(struct call *c, const struct ddb_table *t);
/* Settings of one replica that differ from the others'; not saved. */
int ddb_replica_override(struct call *c, struct ddb_table *replica,
	const struct dynamodb_update_replication_group_member_action *a);
/* The same call in another region. */
struct call ddb_elsewhere(const struct call *c, struct str region);
void ddb_replicas_describe(
	struct call *c, const struct ddb_table *t, struct dynamodb_table_description *d);
void ddb_replicas_register(struct store *s);

#endif
