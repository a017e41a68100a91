/*
 * stream_log: the records of DynamoDB Streams: written in the transaction that changes the item,
 * read by the service dynamodbstreams, removed after 24 hours of the virtual clock.
 *
 * Rows, in the environment "dynamodbstreams":
 *   S account region table label        a stream (row `stream` of dynamodb's rows.api)
 *   Q stream-id                        struct ddb_stream_tail
 *   R stream-id sequence               a record
 * Sequences of a stream are 1, 2, 3 …; times of its records never fall. A stream is one shard.
 * A stream that was turned off, or whose table is gone, stays for 24 hours. No state in memory.
 */
#ifndef HANEUL_SVC_DYNAMODB_STREAM_LOG_H
#define HANEUL_SVC_DYNAMODB_STREAM_LOG_H

#include "svc/dynamodb/dynamodb.h"

#define DDB_STREAM_KEEP_MS (INT64_C(24) * 3600 * 1000)
/* The user id of changes that DynamoDB makes itself. */
#define DDB_SERVICE_PRINCIPAL "dynamodb.amazonaws.com"

enum ddb_event { DDB_EVENT_INSERT, DDB_EVENT_MODIFY, DDB_EVENT_REMOVE };

struct ddb_stream_tail {
	uint64_t last; /* sequence; 0: no record yet */
	int64_t last_ms;
	uint64_t armed; /* a trim is in the due-time index */
};

struct ddb_record {
	uint8_t event; /* enum ddb_event */
	bool by_service;
	int64_t at_ms;
	uint32_t size;
	struct str keys, now, old; /* item rows; len 0: not there */
};

struct rows *ddb_stream_rows(struct store *s);
void ddb_stream_key(
	struct key *k, struct str account, struct str region, struct str table, struct str label);
void ddb_stream_record_key(struct key *k, uint64_t stream, uint64_t sequence);
struct ddb_stream_tail ddb_stream_tail(struct tx *tx, struct rows *r, uint64_t stream);
/* Borrows from `row`. false: damaged. */
bool ddb_record_read(struct str row, struct ddb_record *ret);

void ddb_streams_register(struct store *s);
/* Row.Stream and row.StreamId are set; sets row.StreamLabel. */
void ddb_stream_open(struct call *c, struct ddb_table *t);
/* The shard is closed; fine when the table has no stream. */
void ddb_stream_close(struct call *c, const struct ddb_table *t);
/* After a change of one item; old, item: NULL when absent. */
void ddb_stream_note(struct call *c, const struct ddb_table *t, const struct ddb_val *old,
	const struct ddb_val *item);

#endif
