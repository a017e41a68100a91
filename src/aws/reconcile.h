/*
 * reconcile: makes the world match what the rows say. Handlers write desired state and mark the
 * noun's key in the same transaction; its reconciler's step makes the world match (machines,
 * networks, engines) and writes observed state. Woken by the commit, never by polling. A mark while
 * the step of that key runs makes it run once more; marks are one. Failures are tried again with
 * backoff for ever, each told to `trouble` with its reason, in a transaction, so that an event can
 * be written. After a crash every mark that was not settled is there again, and `adopt` comes
 * before the first step: it takes over what still runs and removes what nobody owns.
 *
 * Built on tasks: a mark is the task of that name of kind "reconcile.<noun>".
 */
#ifndef HANEUL_AWS_RECONCILE_H
#define HANEUL_AWS_RECONCILE_H

#include "aws/tasks.h"

struct reconciler {
	const char *noun;     /* "ec2.instance": [a-z0-9.-]{1,48} */
	unsigned concurrency; /* keys at once; 0: 16. One key has one step at a time */
	uint32_t lease_ms;    /* as task_kind's */
	int64_t backoff_min_ms, backoff_max_ms; /* 0: 1 s, 15 min; virtual */
	/* On the loop. task->id is the key. Reads the desired state, acts, ends with task_done (its
	 * effect writes the observed state) or, to look again later, task_again. */
	void (*step)(struct task *task, void *arg);
	/* May be NULL. On the loop, once, before any step of this noun; ends with
	 * reconcile_adopted, at once or later. */
	void (*adopt)(struct reconciler *r, void *arg);
	/* May be NULL. On the writer, in the unit that records the failure. */
	void (*trouble)(
		struct tx *t, const struct task *task, int status, struct str reason, void *arg);
	void *arg;
	/* private */
	struct task_kind kind;
	struct tasks *tasks;
	char kind_name[TASK_KIND_MAX + 1];
};

/* Before tasks_start. r is borrowed for ever. */
void reconcile_register(struct reconciler *r);
/* On the loop, after tasks_start: adopts, then steps begin. */
void reconcile_start(struct tasks *tasks);
void reconcile_adopted(struct reconciler *r);

/* Inside a unit. */
void reconcile_mark(struct tx *t, struct str noun, struct str key);
/* Nothing to do any more for that key (it is gone); a running step's end counts for nothing. */
void reconcile_forget(struct tx *t, struct str noun, struct str key);

#endif
