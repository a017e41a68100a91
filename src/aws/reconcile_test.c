#include "aws/reconcile.h"
#include "aws/later_test_util.h"

#include <errno.h>

struct plane {
	struct later l;
	struct reconciler r;
	char text[1024];
	struct task *open;
	bool adopted;
	unsigned steps, troubles, want_steps, want_rows;
};

static void
step(struct task *task, void *arg)
{
	struct plane *p = arg;
	size_t at = strlen(p->text);
	assert_true(p->adopted);
	assert_null(p->open);
	snprintf(p->text + at, sizeof(p->text) - at, "%.*s ", STR_FMT(task->id));
	p->steps++;
	p->open = task;
}

static void
adopt(struct reconciler *r, void *arg)
{
	(void)r;
	((struct plane *)arg)->adopted = true;
}

static void
trouble(struct tx *t, const struct task *task, int status, struct str reason, void *arg)
{
	struct plane *p = arg;
	(void)t, (void)task;
	assert_int_equal(status, -ENOSPC);
	assert_str(reason, "no room for a machine");
	p->troubles++;
}

static bool
count_mark(void *arg, struct str kind, const struct task *task)
{
	(void)kind, (void)task;
	++*(unsigned *)arg;
	return true;
}

static unsigned
running(struct plane *p)
{
	const char *name;
	struct task_stats s;
	for (unsigned i = 0; tasks_stats_get(p->l.tasks, i, &name, &s); i++)
		if (str_eq(str_c(name), STR("reconcile.t.machine")))
			return (unsigned)s.running;
	return 0;
}

static bool
plane_settled(void *arg)
{
	struct plane *p = arg;
	unsigned n = 0;
	struct tx *t = tx_begin_read(p->l.store);
	tasks_list(t, STR("reconcile.t.machine"), count_mark, &n);
	tx_end(t);
	return p->steps == p->want_steps && n == p->want_rows && running(p) == (p->open != NULL);
}

static void
plane_wait(struct plane *p, unsigned steps, unsigned rows)
{
	p->want_steps = steps;
	p->want_rows = rows;
	later_until(&p->l, plane_settled, p);
}

static int
mark(struct tx *t, void *arg)
{
	reconcile_mark(t, STR("t.machine"), str_c(arg));
	return 0;
}

static int
forget(struct tx *t, void *arg)
{
	reconcile_forget(t, STR("t.machine"), str_c(arg));
	return 0;
}

static void
step_end(struct plane *p, int status)
{
	struct task *task = p->open;
	p->open = NULL;
	task_done(task, status, status ? STR("no room for a machine") : STR_NULL, NULL, NULL);
}

TEST(reconcile_adopts_converges_and_tells_trouble)
{
	/* Static: nouns stay registered. */
	static struct plane p = { .r = { .noun = "t.machine",
					  .concurrency = 1,
					  .step = step,
					  .adopt = adopt,
					  .trouble = trouble,
					  .arg = &p } };
	later_setup(&p.l);
	reconcile_register(&p.r);
	assert_int_equal(store_write(p.l.store, mark, "i-1"), 0);
	p.l.tasks = tasks_start(p.l.store, p.l.loop);
	plane_wait(&p, 0, 1);
	reconcile_start(p.l.tasks);
	assert_int_equal(p.steps, 0);
	assert_true(p.adopted);
	reconcile_adopted(&p.r);
	plane_wait(&p, 1, 1);
	/* Marks while a step runs are one more step. */
	store_write(p.l.store, mark, "i-1");
	store_write(p.l.store, mark, "i-1");
	step_end(&p, 0);
	plane_wait(&p, 2, 1);
	step_end(&p, -ENOSPC);
	plane_wait(&p, 2, 1);
	clock_advance(1000);
	clock_moved();
	plane_wait(&p, 3, 1);
	assert_int_equal(p.troubles, 1);
	step_end(&p, 0);
	plane_wait(&p, 3, 0);
	/* A key that is gone. */
	store_write(p.l.store, mark, "i-2");
	plane_wait(&p, 4, 1);
	store_write(p.l.store, forget, "i-2");
	step_end(&p, -ENOSPC);
	plane_wait(&p, 4, 0);
	assert_int_equal(p.troubles, 1);
	assert_string_equal(p.text, "i-1 i-1 i-1 i-2 ");
	later_close(&p.l);
}
