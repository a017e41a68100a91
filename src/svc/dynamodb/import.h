/*
 * import: files of S3 become the items of a new table: DynamoDB JSON (a line {"Item": …} each) or
 * CSV, plain, gzip or zstd.
 *
 * A task walks the objects below the prefix in order, streams each through its decompression and
 * puts items in groups; a group and how far it reached are one unit, so that a crash loses and
 * doubles nothing. Memory is bounded by a group, a piece of the object and the longest line. The
 * table is CREATING until the end. What cannot be an item is counted.
 */
#ifndef HANEUL_SVC_DYNAMODB_IMPORT_H
#define HANEUL_SVC_DYNAMODB_IMPORT_H

#include "svc/dynamodb/dynamodb.h"
#include "store/blobs.h"

#define DDB_IMPORT_LINE_MAX (4u << 20)

/* id: of jobs.h, in both row's key and task's payload. */
bool ddb_import_find(struct call *c, struct str id, struct dynamodb_import_row *ret);
void ddb_import_save(struct call *c, struct str id, const struct dynamodb_import_row *row);
/* Ends it and opens the table; code NULL: it is complete. */
void ddb_import_end(
	struct call *c, struct str id, struct dynamodb_import_row *row, const char *code);

/* ---- lines (import_lines.c); text is copied into the call's arena */
/* false: not an item. */
bool ddb_import_json(struct call *c, struct str line, struct ddb_val *ret);
/* "a,""b""",c: fields of one line. */
uint32_t ddb_csv_fields(
	struct arena *a, struct str line, char delimiter, struct str *ret, uint32_t max);
bool ddb_import_csv(struct call *c, const struct ddb_table *t, const struct str *names, uint32_t n,
	struct str line, char delimiter, struct ddb_val *ret);

void ddb_imports_register(struct store *s, struct blobs *b);
void ddb_import_run_register(struct store *s, struct blobs *b);
void ddb_import_stop(void); /* when no loop runs any more */

#endif
