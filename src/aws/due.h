/*
 * due: the due-time index over the virtual clock. What must happen later (visibility timeouts,
 * expiry, lifecycle, alarms, price hours) is a row (kind, id) with a due time and a payload; the
 * scheduler runs each one when its time has come, as a unit of its own: the row goes in the same
 * transaction in which its handler works. At least once, in order of (due time, kind, id), also
 * when a long advance of the clock makes thousands due: a handler that adds itself again for the
 * past is run before what is due later. Work that is not a pure transaction belongs into tasks.
 *
 * due_open comes first, once for each opened store; handlers are registered before due_start.
 */
#ifndef HANEUL_AWS_DUE_H
#define HANEUL_AWS_DUE_H

#include "os/loop.h"
#include "store/store.h"

#define DUE_KIND_MAX 64
#define DUE_ID_MAX 1024

void due_open(struct store *s);

/* Inside a unit. (kind, id) is unique: adding it again moves it. due_ms below 0 counts as 0. */
void due_add(struct tx *t, struct str kind, struct str id, int64_t due_ms, struct str payload);
void due_cancel(struct tx *t, struct str kind, struct str id); /* fine when absent */
bool due_find(
	struct tx *t, struct str kind, struct str id, int64_t *ret_due_ms); /* also in readers */

/* On the writer's thread; the row is already deleted (add it again to repeat). id and payload are
 * borrowed until it returns. Work by due_ms, not by the clock, which may be far ahead. Not 0:
 * everything is undone and tried again after 1 s, 2 s, 4 s … up to an hour of virtual time. */
typedef int due_handler(struct tx *t, struct str id, int64_t due_ms, struct str payload, void *arg);
/* kind is borrowed for ever. Again with the same kind: replaces. Rows of a kind that nobody handles
 * wait aside. */
void due_handle(const char *kind, due_handler *run, void *arg);

struct due;
/* On the loop's thread, or before it runs. */
struct due *due_start(struct store *s, struct loop *l);
/* Both on the loop's thread, or after loop_run. Between them the store finishes what was submitted:
 * store_close, or one store_write. Free before the loop. */
void due_stop(struct due *d);
void due_free(struct due *d); /* NULL is fine */

struct due_stats {
	uint64_t run_total, failed_total;
	int64_t next_ms; /* INT64_MAX: nothing waits */
};
void due_stats_get(struct due *d, struct due_stats *ret_stats); /* any thread */

#endif
