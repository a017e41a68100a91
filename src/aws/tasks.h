/*
 * tasks: work that follows a commit (deliver a notification, invoke a function, replicate an
 * object). A task is a row, added in the transaction that asks for it (task_add in call.h, or
 * task_put); a runner takes what is due and finishes it exactly when its effect is recorded. At
 * least once: a crash or a lease that ran out runs a task again, so handlers must not mind.
 *
 * Two forms. `run`: a unit on the store's writer; the row goes in the same transaction as the
 * effect, so a finished task was done exactly once. `start`: on the runner's loop, for what waits
 * for the world; ends with task_done or task_again, once, at once or later.
 *
 * A failure tries again after backoff on the virtual clock, doubled each time; after max_attempts
 * the task is dead: its `dead` handler runs in the transaction that removes it. Tasks of one kind
 * start in order of (due time, adding); with concurrency 1 they also end in it, failures aside. The
 * running set is in memory only: after a crash nothing is leased.
 *
 * tasks_open comes first, once for each opened store, then tasks_register, then tasks_start.
 */
#ifndef HANEUL_AWS_TASKS_H
#define HANEUL_AWS_TASKS_H

#include "aws/call.h"

#define TASK_KIND_MAX 64
#define TASK_ID_MAX 1024
#define TASK_REASON_MAX 512

struct task {
	const struct task_kind *kind;
	struct str id, payload;
	struct str reason; /* why the last attempt failed; "" at first */
	int64_t due_ms;    /* virtual: when it was wanted, or is tried again */
	int64_t added_ms;
	uint32_t attempts; /* failed ones before this */
	int32_t last_status;
	struct arena *arena; /* lives until the task's outcome is recorded; async form only */
};

struct task_kind {
	const char *name;       /* "s3.replicate": [a-z0-9.-]{1,64} */
	unsigned concurrency;   /* 0: 16 */
	unsigned max_attempts;  /* 0: for ever */
	int64_t backoff_min_ms; /* 0: 1 s; virtual */
	int64_t backoff_max_ms; /* 0: 15 min */
	uint32_t lease_ms; /* async form, real time: when it has not ended, the attempt failed. 0: 5
			      min */
	bool held;         /* nothing starts until tasks_release */
	/* Exactly one of the two. run: on the writer, borrowed until it returns; not 0: undone,
	 * tried again. */
	int (*run)(struct tx *t, const struct task *task, void *arg);
	void (*start)(struct task *task, void *arg);
	/* May be NULL. In the unit that records a failed attempt, respectively that removes a dead
	 * task. */
	void (*failed)(
		struct tx *t, const struct task *task, int status, struct str reason, void *arg);
	void (*dead)(
		struct tx *t, const struct task *task, int status, struct str reason, void *arg);
	void *arg;
};

void tasks_open(struct store *s);
/* k is borrowed for ever. Again with the same name: replaces (tests). Rows of unknown kinds wait.
 */
void tasks_register(const struct task_kind *k);

/* Inside a unit. A task of a name: added again it moves, takes the new payload and starts anew;
 * while it runs it will run once more. task_add (call.h) makes one without a name. */
void task_put(struct tx *t, struct str kind, struct str id, struct str payload, int64_t due_ms);
void task_cancel(struct tx *t, struct str kind,
	struct str id); /* a running one goes on, its end counts for nothing */

/* The async form's end, on the loop; `task` is gone afterwards. status 0: `effect` (may be NULL)
 * runs in the unit that removes the task: at most once, and not when the task was cancelled.
 * effect's arg lives in task->arena. Not 0: the attempt failed; reason is copied. */
void task_done(struct task *task, int status, struct str reason,
	int (*effect)(struct tx *t, const struct task *task, void *arg), void *arg);
/* Not a failure: look again in delay_ms of virtual time. */
void task_again(struct task *task, int64_t delay_ms);

struct tasks;
struct tasks *tasks_start(struct store *s, struct loop *l); /* on the loop, or before it runs */
void tasks_release(struct tasks *r, struct str kind);
/* Both on the loop's thread, or after loop_run. After stop nothing starts any more. Between them
 * the store finishes what was submitted: store_close, or one store_write. Free before the loop;
 * async handlers that have not ended by then must not end later. */
void tasks_stop(struct tasks *r);
void tasks_free(struct tasks *r); /* NULL is fine */

struct task_stats {
	uint64_t done_total, failed_total, dead_total, running;
};
/* false: no kind has that index. Any thread; running and totals of the runner since its start. */
bool tasks_stats_get(
	struct tasks *r, unsigned index, const char **ret_kind, struct task_stats *ret_stats);
/* Walks the rows of one kind (STR_NULL: of all) in order; each() returns false to stop. In any
 * transaction. */
void tasks_list(struct tx *t, struct str kind,
	bool (*each)(void *arg, struct str kind, const struct task *task), void *arg);

#endif
