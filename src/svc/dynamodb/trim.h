/*
 * trim: logs that keep their records for a time: those of streams (stream_log.c) and of recovery
 * (recovery.c). Each step is one bounded transaction.
 */
#ifndef HANEUL_SVC_DYNAMODB_TRIM_H
#define HANEUL_SVC_DYNAMODB_TRIM_H

#include "svc/dynamodb/dynamodb.h"

#define DDB_TRIM_PAUSE_MS 60000 /* reads hide what is too old; rows may go in groups */

/* Removes some records of a log, oldest first, that are of until_ms or earlier. true: none of them
 * is left; *ret_next_ms is the time of the first that stays, -1 when there is none. time_of: false
 * when the record is damaged; then it goes. */
bool ddb_trim(struct tx *tx, struct rows *r, const struct key *lo, const struct key *hi,
	int64_t until_ms, bool (*time_of)(struct str key, struct str value, int64_t *ret_ms),
	int64_t *ret_next_ms);

#endif
