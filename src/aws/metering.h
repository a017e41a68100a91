/*
 * metering: what a bill is made of, for all services: requests by kind, and amounts that last
 * (bytes by storage class) as amount × time; for each account, service, resource and hour of the
 * virtual clock. Rows of the environment "metering".
 *
 * Counts gather in memory and are written at most once a virtual minute, when something is counted:
 * a crash loses at most that minute of counts, never an amount. Amounts change in the transaction
 * of what changes them, so they always equal what is stored.
 *
 * Threads: count on any; the others inside transactions (gauge: the writer).
 */
#ifndef HANEUL_AWS_METERING_H
#define HANEUL_AWS_METERING_H

#include "store/store.h"

struct metering_key {
	struct str account, service, resource;
	struct str kind; /* "PutObject"; of amounts: "STANDARD" */
};
void metering_count(struct store *s, const struct metering_key *k, uint64_t n, int64_t now_ms);
/* Writes what was counted. Not on the writer, not on a loop. */
void metering_flush(struct store *s);
/* Writes what was counted, inside a unit. */
void metering_flush_in(struct tx *t, struct store *s);

/* Changes an amount: bytes, and how many things hold them. */
void metering_gauge(struct tx *t, struct store *s, const struct metering_key *k, int64_t bytes,
	int64_t things, int64_t now_ms);

struct metering_amount {
	struct metering_key key;
	uint64_t bytes, things;
	double byte_hours; /* since the beginning, up to now_ms */
};
struct metering_requests {
	struct metering_key key;
	int64_t hour_ms; /* when the hour began */
	uint64_t n;
};
/* Walk all rows; each() returns false to stop. Text is borrowed until it returns. */
void metering_amounts(struct tx *t, struct store *s, int64_t now_ms,
	bool (*each)(void *arg, const struct metering_amount *a), void *arg);
void metering_counts(struct tx *t, struct store *s,
	bool (*each)(void *arg, const struct metering_requests *r), void *arg);

#endif
