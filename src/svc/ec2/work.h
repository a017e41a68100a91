/*
 * work: one step of a reconciler over the plane, from its task to the effect. The noun's key is
 * region/account/id. A step reads in a snapshot, asks the plane for one thing after the other, and
 * ends once: with an effect in the unit that removes the task, or as a failure that is tried again.
 * On the first loop; memory lives in the task's arena.
 */
#ifndef HANEUL_SVC_EC2_WORK_H
#define HANEUL_SVC_EC2_WORK_H

#include "aws/reconcile.h"
#include "plane/plane.h"
#include "svc/ec2/resource.h"

struct ec2_work {
	struct plane_request request;
	struct plane *plane;
	struct task *task;
	struct str region, account, id;
	/* What the plane said last. */
	int status;
	struct str why, text;
	uint64_t bytes;
	void (*next)(struct ec2_work *w); /* called with it */
	int (*effect)(struct call *c, struct ec2_work *w);
	void *row;   /* the noun's own, as read */
	uint32_t at; /* where a chain of requests stands */
};

void ec2_mark(struct call *c, const char *noun, struct str id);
void ec2_mark_forget(struct call *c, const char *noun, struct str id);

/* For a reconciler's step. NULL: it ended already (no plane yet; tried again later). */
struct ec2_work *ec2_work_begin(struct task *task);
/* Runs `read` in a snapshot; what it stores must be copied into w->task->arena (rows are). */
void ec2_work_read(struct ec2_work *w, void (*read)(struct call *c, struct ec2_work *w));
/* The next request's `request` argument; its answer comes to `next`. */
struct plane_request *ec2_work_ask(struct ec2_work *w, void (*next)(struct ec2_work *w));
/* Ends. effect NULL: nothing to write. */
void ec2_work_end(struct ec2_work *w, int (*effect)(struct call *c, struct ec2_work *w));
void ec2_work_fail(struct ec2_work *w); /* as the plane said; tried again */
void ec2_work_again(struct ec2_work *w, int64_t delay_ms);

/* While the world of an emptied cloud goes, nothing new of it is begun (world_reset.c). Any thread.
 */
#define EC2_RESET_NOUN "ec2.reset"
void ec2_work_hold(bool hold);
/* service_hooks.keep. */
void ec2_world_reset(struct tx *t, struct store *s);

/* A unit of its own, without a task: `run` with an inner call. Any thread. */
void ec2_unit(struct store *s, struct str region, struct str account, struct str id,
	struct str text, int (*run)(struct call *c, struct str id, struct str text));

#endif
