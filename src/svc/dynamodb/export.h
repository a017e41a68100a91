/*
 * export: a table as it was, or what changed of it, as files of DynamoDB JSON in a bucket.
 *
 * A full export writes a copy (copies.h) of the moment. An incremental one gathers, from the log,
 * the items that changed within its window: how they were when it began (the copy's items), how
 * they were when it ended (those of `New`), and when each changed last (`When`). Then a worker
 * thread makes one file after the other, and a unit of the writer puts each into the bucket. Steps
 * survive a crash.
 */
#ifndef HANEUL_SVC_DYNAMODB_EXPORT_H
#define HANEUL_SVC_DYNAMODB_EXPORT_H

#include "svc/dynamodb/copies.h"

#define DDB_EXPORT_FILE_BYTES (4u << 20) /* of JSON, before compression */

/* id: of jobs.h, in both row's key and task's payload. */
bool ddb_export_find(struct call *c, struct str id, struct dynamodb_export_row *ret);
void ddb_export_save(struct call *c, struct str id, const struct dynamodb_export_row *row);
/* A line of the manifest; part 0 and on. */
void ddb_export_line_key(struct key *k, struct str id, uint64_t part);
void ddb_export_gather_later(struct call *c, struct str id);
void ddb_export_write_later(struct call *c, struct str id);
/* Ends it, with a failure when code is not NULL. */
void ddb_export_end(
	struct call *c, struct str id, struct dynamodb_export_row *row, const char *code);
/* "prefix/AWSDynamoDB/id/" */
struct str ddb_export_folder(struct call *c, const struct dynamodb_export_row *row);
void ddb_export_gather_register(struct store *s);
void ddb_export_write_register(struct store *s, struct blobs *b);
void ddb_export_stop(void); /* when no loop runs any more */
/* Puts the manifests. NULL or a failure code. */
const char *ddb_export_manifest(struct call *c, struct str id, struct dynamodb_export_row *row);

#endif
