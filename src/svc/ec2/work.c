#include "svc/ec2/work.h"

#include "os/loop.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#define AGAIN_MS 20

static struct str
key_text(struct call *c, struct str id)
{
	return arena_printf(
		c->arena, "%.*s/%.*s/%.*s", STR_FMT(c->region), STR_FMT(c->account), STR_FMT(id));
}

void
ec2_mark(struct call *c, const char *noun, struct str id)
{
	reconcile_mark(c->tx, str_c(noun), key_text(c, id));
}

void
ec2_mark_forget(struct call *c, const char *noun, struct str id)
{
	reconcile_forget(c->tx, str_c(noun), key_text(c, id));
}

static atomic_bool held;

void
ec2_work_hold(bool hold)
{
	atomic_store(&held, hold);
}

struct ec2_work *
ec2_work_begin(struct task *task)
{
	struct plane *p = plane_current();
	if (atomic_load(&held) && strcmp(task->kind->name, "reconcile." EC2_RESET_NOUN) != 0) {
		task_again(task, AGAIN_MS);
		return NULL;
	}
	/* Steps may begin before the loop runs; the plane belongs to the loop. */
	if (!loop_current()) {
		task_again(task, 0);
		return NULL;
	}
	if (!p) {
		task_done(
			task, -ENODEV, STR("There is no data plane in this process."), NULL, NULL);
		return NULL;
	}
	struct ec2_work *w = arena_new(task->arena, struct ec2_work);
	struct str rest = task->id;
	w->plane = p;
	w->task = task;
	w->region = str_cut(&rest, '/');
	w->account = str_cut(&rest, '/');
	w->id = rest;
	w->why = w->text = STR("");
	return w;
}

/* The reconciler's runner and the store know each other; a service finds its store at start. */
static struct store *the_store;

static void
start(struct store *s)
{
	the_store = s;
}
EC2_START(start);

void
ec2_work_read(struct ec2_work *w, void (*read)(struct call *c, struct ec2_work *w))
{
	struct call c;
	struct tx *t = tx_begin_read(the_store);
	ec2_inner_call(&c, t, w->task->arena, w->region, w->account);
	read(&c, w);
	tx_end(t);
}

static void
answered(struct plane_request *r, const struct plane_answer *a)
{
	struct ec2_work *w = (struct ec2_work *)r;
	w->status = a->status;
	w->why = arena_dup(w->task->arena, str_c(a->why ? a->why : ""));
	w->text = arena_dup(w->task->arena, a->text.p ? a->text : STR(""));
	w->bytes = a->bytes;
	w->next(w);
}

struct plane_request *
ec2_work_ask(struct ec2_work *w, void (*next)(struct ec2_work *w))
{
	w->request.done = answered;
	w->next = next;
	return &w->request;
}

static int
run_effect(struct tx *t, const struct task *task, void *arg)
{
	struct ec2_work *w = arg;
	struct call c;
	struct arena a;
	(void)task;
	arena_init(&a);
	ec2_inner_call(&c, t, &a, w->region, w->account);
	int r = w->effect(&c, w);
	arena_done(&a);
	return r == CALL_OK ? 0 : -EIO;
}

void
ec2_work_end(struct ec2_work *w, int (*effect)(struct call *c, struct ec2_work *w))
{
	w->effect = effect;
	task_done(w->task, 0, STR_NULL, effect ? run_effect : NULL, w);
}

void
ec2_work_fail(struct ec2_work *w)
{
	task_done(w->task, w->status ? w->status : -EIO, w->why, NULL, NULL);
}

void
ec2_work_again(struct ec2_work *w, int64_t delay_ms)
{
	task_again(w->task, delay_ms);
}

struct unit {
	struct store_unit unit;
	struct arena arena;
	struct str region, account, id, text;
	int (*run)(struct call *c, struct str id, struct str text);
};

static int
unit_run(struct store_unit *u, struct tx *t)
{
	struct unit *x = (struct unit *)u;
	struct call c;
	ec2_inner_call(&c, t, &x->arena, x->region, x->account);
	return x->run(&c, x->id, x->text) == CALL_OK ? 0 : -EIO;
}

static void
unit_done(struct store_unit *u, int status)
{
	struct unit *x = (struct unit *)u;
	(void)status;
	arena_done(&x->arena);
	free(x);
}

void
ec2_unit(struct store *s, struct str region, struct str account, struct str id, struct str text,
	int (*run)(struct call *c, struct str id, struct str text))
{
	struct unit *x = calloc(1, sizeof(*x));
	if (!x)
		abort();
	arena_init(&x->arena);
	x->region = arena_dup(&x->arena, region);
	x->account = arena_dup(&x->arena, account);
	x->id = arena_dup(&x->arena, id);
	x->text = arena_dup(&x->arena, text);
	x->run = run;
	x->unit.run = unit_run;
	x->unit.done = unit_done;
	store_submit(s ? s : the_store, &x->unit);
}
