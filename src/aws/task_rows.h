/*
 * task_rows: the rows of tasks, for tasks.c and task_run.c. Environment "tasks":
 * ("q", kind, due time, id) -> header, reason, payload; for named ones also ("i", kind, id) -> due
 * time; ("f", kind) -> the latest due time of what was due when it was put.
 */
#ifndef HANEUL_AWS_TASK_ROWS_H
#define HANEUL_AWS_TASK_ROWS_H

#include "aws/tasks.h"

struct task_entry {
	struct str kind, id, payload, reason;
	int64_t due_ms, added_ms;
	uint64_t generation; /* a new one with each task_put */
	uint32_t attempts;
	int32_t last_status;
	bool named;
	char kind_text[TASK_KIND_MAX + 1],
		id_text[TASK_ID_MAX + 1]; /* where kind and id may live */
};

const struct task_kind *task_kind_at(unsigned i); /* NULL: no more */
struct str task_touch_key(struct key *k, struct str kind);

void task_entry_put(struct tx *t, const struct task_entry *e);
void task_entry_delete(struct tx *t, const struct task_entry *e);
/* payload and reason are borrowed from the transaction. */
bool task_entry_get(
	struct tx *t, struct str kind, int64_t due_ms, struct str id, struct task_entry *ret);
/* Where the named task is now; false: nowhere. */
bool task_entry_find(struct tx *t, struct str kind, struct str id, int64_t *ret_due_ms);
/* The rows of one kind from a due time on, or of all: in order. */
void task_scan_open(struct scan *c, struct tx *t, struct str kind, int64_t from_ms);
/* No unit after this snapshot puts a row of that kind below. */
int64_t task_floor(struct tx *t, struct str kind);
bool task_scan_next(struct scan *c, struct task_entry *ret);
/* The view that handlers get. */
struct task task_view(const struct task_kind *kind, const struct task_entry *e);

#endif
