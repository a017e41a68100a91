/*
 * copies: consistent copies of a table's items as they were at one moment, made while the table
 * goes on being written: what backups, restores to a moment and exports begin with. And the log of
 * changes that point-in-time recovery keeps.
 *
 * Rows, in the environment "dynamodb-backups":
 *   K account region table backup-id    a backup (row `backup`)
 *   E account region table export-id    an export (row `export`)
 *   M account region table export-id part   a line of its manifest
 *   Y copy-id                           a copy's progress (row `copy`)
 *   P table-id copy-id                  which copies of a table are being made
 *   B copy-id item                      an item of a copy: 1 and its row, or 0: it was not there
 *   L table-id time sequence            a change: the item's key and its row before
 *   Q table-id                          struct ddb_log_tail
 * `item` is an item's row key behind the table's id.
 *
 * A copy is made in bounded steps, each a unit of the writer. First (of a moment that has passed)
 * it goes through the log from that moment on: the first row before a change is how the item was.
 * Then it walks the table; a change behind the walk's place keeps the old row in the copy first. So
 * entries that are there are never overwritten, and what they leave out the walk brings. No state
 * in memory.
 */
#ifndef HANEUL_SVC_DYNAMODB_COPIES_H
#define HANEUL_SVC_DYNAMODB_COPIES_H

#include "svc/dynamodb/dynamodb.h"

#define DDB_STEP_BYTES (1u << 20)
#define DDB_STEP_ROWS 1000
#define DDB_RECOVERY_DAYS 35
#define DDB_DAY_MS (INT64_C(24) * 3600 * 1000)

struct rows *ddb_backup_rows(struct store *s);

/* Begins a copy of the table as it is (until_ms 0) or was at until_ms; sets copy->Id. The members
 * that say what follows (Backup, Target, Export) are the caller's. Saves the table's row. */
void ddb_copy_begin(
	struct call *c, struct ddb_table *t, int64_t until_ms, struct dynamodb_copy_row *copy);
/* The same without making it: while it is held the log keeps what it has, and goes on being
 * written. */
void ddb_copy_hold(
	struct call *c, struct ddb_table *t, int64_t until_ms, struct dynamodb_copy_row *copy);
/* It no longer needs its table; rows of one that is gone may go. */
void ddb_copy_release(struct call *c, const struct dynamodb_copy_row *copy);
/* One item, unless there is an entry already (false). row.p NULL: it was not there. */
bool ddb_copy_keep(struct call *c, uint64_t id, struct str item, struct str row);
bool ddb_copy_find(struct call *c, uint64_t id, struct dynamodb_copy_row *ret);
void ddb_copy_save(struct call *c, const struct dynamodb_copy_row *copy);
/* The copy's items go, in steps; at once it can no longer be found. */
void ddb_copy_drop(struct call *c, struct dynamodb_copy_row *copy);
void ddb_copy_drop_items(struct call *c, uint64_t id);
void ddb_copy_item_key(struct key *k, uint64_t copy, struct str item);
/* The item's row within a copy; false: it was not there then. */
bool ddb_copy_item(struct str value, struct str *ret_row);
/* Whether a table that is gone is still being copied: then its rows stay until that is done. */
bool ddb_is_copied(struct tx *tx, struct store *s, uint64_t table);
/* Before a change of one item; row_key: of the item; old NULL: absent. */
void ddb_copies_note(struct call *c, const struct ddb_table *t, const struct ddb_val *old,
	struct str row_key);
void ddb_copies_register(struct store *s, struct blobs *b);

/* What follows a copy that is done (backups.c, restore.c, export_write.c). */
void ddb_backup_done(struct call *c, const struct dynamodb_copy_row *copy);
void ddb_restore_begin(struct call *c, const struct dynamodb_copy_row *copy);
void ddb_export_begin(struct call *c, const struct dynamodb_copy_row *copy);
void ddb_exports_register(struct store *s, struct blobs *b);
void ddb_restore_register(struct store *s);
void ddb_backups_register(struct store *s);
/* Puts one item into a table that nobody can write yet. item: its row key behind the table's id. */
void ddb_table_fill(struct call *c, const struct ddb_table *t, struct str item, struct str row);

/* ---- backups (backups.c) */
bool ddb_backup_find(struct call *c, struct str arn, struct dynamodb_backup_row *ret);
/* A backup by the service itself, of a table with recovery that is being deleted. */
void ddb_backup_deleted_table(struct call *c, struct ddb_table *t);

/* ---- the log (recovery.c) */
struct ddb_log_tail {
	uint64_t last; /* sequence */
	int64_t last_ms;
	uint64_t armed; /* a trim is in the due-time index */
	int64_t days;   /* how long changes are kept; 0: recovery is off */
};
struct ddb_log_record {
	int64_t at_ms;
	uint64_t sequence;
	struct str item, row; /* row.p NULL: it was not there */
};
void ddb_log_key(struct key *k, uint64_t table, int64_t at_ms, uint64_t sequence);
bool ddb_log_read(struct str key, struct str value, struct ddb_log_record *ret);
void ddb_log_note(struct call *c, const struct ddb_table *t, struct str item, struct str old_row);
void ddb_log_close(struct call *c, uint64_t table);
/* From when on a table can be restored. */
int64_t ddb_log_earliest_ms(struct call *c, const struct ddb_table *t);
int64_t ddb_log_latest_ms(struct call *c, const struct ddb_table *t);
void ddb_log_register(struct store *s);

#endif
