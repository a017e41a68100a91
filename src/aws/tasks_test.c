#include "aws/later_test_util.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

/* One kind under test and what came of it. */
struct world {
	struct later l;
	struct task_kind kind;
	char text[4096]; /* what ran, in order */
	atomic_uint ran, fail;
	unsigned want_rows, want_ran;
	struct task *open[32]; /* async: begun, not ended */
	unsigned open_n, most;
	unsigned effects;
};

static void
world_note(struct world *w, const char *what, const struct task *task)
{
	size_t at = strlen(w->text);
	snprintf(w->text + at, sizeof(w->text) - at, "%s:%.*s ", what, STR_FMT(task->payload));
}

static bool
count_one(void *arg, struct str kind, const struct task *task)
{
	(void)kind, (void)task;
	++*(unsigned *)arg;
	return true;
}

static unsigned
rows_count(struct world *w)
{
	unsigned n = 0;
	struct tx *t = tx_begin_read(w->l.store);
	tasks_list(t, STR_NULL, count_one, &n);
	tx_end(t);
	return n;
}

/* The rows are as many as wanted, and nothing is on its way. */
static bool
world_settled(void *arg)
{
	struct world *w = arg;
	const char *name;
	struct task_stats s = { 0 };
	tasks_stats_get(w->l.tasks, 0, &name, &s);
	for (unsigned i = 0; !str_eq(str_c(name), str_c(w->kind.name)); i++)
		assert_true(tasks_stats_get(w->l.tasks, i, &name, &s));
	return rows_count(w) == w->want_rows && w->ran >= w->want_ran && s.running == w->open_n;
}

static void
world_wait(struct world *w, unsigned rows, unsigned ran)
{
	w->want_rows = rows;
	w->want_ran = ran;
	later_until(&w->l, world_settled, w);
}

static struct task_stats
world_stats(struct world *w)
{
	const char *name;
	struct task_stats s;
	for (unsigned i = 0; tasks_stats_get(w->l.tasks, i, &name, &s); i++)
		if (str_eq(str_c(name), str_c(w->kind.name)))
			return s;
	fail();
	return s;
}

static int
run_note(struct tx *t, const struct task *task, void *arg)
{
	struct world *w = arg;
	tx_put(t, store_rows(w->l.store, "x"), STR("effect"), task->payload);
	w->ran++;
	if (w->fail) {
		w->fail--;
		return -EAGAIN;
	}
	world_note(w, "run", task);
	return 0;
}

static void
start_note(struct task *task, void *arg)
{
	struct world *w = arg;
	w->ran++;
	world_note(w, "start", task);
	assert_true(w->open_n < 32);
	w->open[w->open_n++] = task;
	if (w->open_n > w->most)
		w->most = w->open_n;
}

static void
dead_note(struct tx *t, const struct task *task, int status, struct str reason, void *arg)
{
	(void)t, (void)status, (void)reason;
	world_note(arg, "dead", task);
}

static void
failed_note(struct tx *t, const struct task *task, int status, struct str reason, void *arg)
{
	(void)t, (void)status;
	assert_true(reason.len > 0);
	world_note(arg, "failed", task);
}

static int
count_effect(struct tx *t, const struct task *task, void *arg)
{
	struct world *w = arg;
	(void)t, (void)task;
	w->effects++;
	return 0;
}

static int
failing_effect(struct tx *t, const struct task *task, void *arg)
{
	(void)t, (void)task, (void)arg;
	return -EINVAL;
}

/* Ends the oldest open one. */
static void
open_end(struct world *w, int status)
{
	struct task *task = w->open[0];
	memmove(w->open, w->open + 1, --w->open_n * sizeof(w->open[0]));
	task_done(task, status, status ? STR("no route") : STR_NULL, count_effect, w);
}

/* A kind of its own for each test: the table of kinds is the process's. */
static void
world_setup(struct world *w, struct task_kind kind)
{
	*w = (struct world){ 0 };
	later_setup(&w->l);
	kind.arg = w;
	w->kind = kind;
	tasks_register(&w->kind);
	w->l.tasks = tasks_start(w->l.store, w->l.loop);
}

/* So that no other test finds a kind whose world is gone. */
static void
world_done(struct world *w)
{
	static struct task_kind gone[64];
	static unsigned gone_n;
	struct task_kind *k = &gone[gone_n++];
	later_close(&w->l);
	*k = (struct task_kind){ .name = w->kind.name,
		.run = w->kind.run ? w->kind.run : run_note };
	tasks_register(k);
}

struct addition {
	const char *kind;
	unsigned n;
	int64_t due_ms;
	const char *id;
};

static int
add_tasks(struct tx *t, void *arg)
{
	struct addition *a = arg;
	for (unsigned i = 0; i < a->n; i++) {
		char payload[2] = { (char)('a' + i), 0 };
		if (a->id)
			task_put(t, str_c(a->kind), str_c(a->id), str_c(payload), a->due_ms);
		else
			task_add(t, a->kind, str_c(payload), a->due_ms);
	}
	return 0;
}

static int
cancel_task(struct tx *t, void *arg)
{
	struct addition *a = arg;
	task_cancel(t, str_c(a->kind), str_c(a->id));
	return 0;
}

static void
add(struct world *w, unsigned n, int64_t due_ms, const char *id)
{
	struct addition a = { w->kind.name, n, due_ms, id };
	assert_int_equal(store_write(w->l.store, add_tasks, &a), 0);
}

TEST(tasks_transactional_in_order_when_due)
{
	struct world w;
	world_setup(&w, (struct task_kind){ .name = "t.order", .run = run_note, .concurrency = 1 });
	add(&w, 3, T0, NULL);
	add(&w, 1, T0 + 1000, NULL);
	world_wait(&w, 1, 3);
	assert_string_equal(w.text, "run:a run:b run:c ");
	clock_advance(1000);
	clock_moved();
	world_wait(&w, 0, 4);
	assert_int_equal(world_stats(&w).done_total, 4);
	world_done(&w);
}

TEST(tasks_transactional_failure_leaves_nothing_and_backs_off)
{
	struct world w;
	struct str value;
	world_setup(
		&w, (struct task_kind){ .name = "t.fail", .run = run_note, .failed = failed_note });
	w.fail = 1;
	add(&w, 1, T0, NULL);
	world_wait(&w, 1, 1);
	struct tx *t = tx_begin_read(w.l.store);
	assert_false(tx_get(t, store_rows(w.l.store, "x"), STR("effect"), &value));
	tx_end(t);
	clock_advance(999);
	clock_moved();
	world_wait(&w, 1, 1);
	assert_int_equal(w.ran, 1);
	clock_advance(1);
	clock_moved();
	world_wait(&w, 0, 2);
	assert_string_equal(w.text, "failed:a run:a ");
	world_done(&w);
}

TEST(tasks_async_effect_and_concurrency)
{
	struct world w;
	world_setup(
		&w, (struct task_kind){ .name = "t.async", .start = start_note, .concurrency = 3 });
	add(&w, 8, T0, NULL);
	world_wait(&w, 8, 3);
	assert_string_equal(w.text, "start:a start:b start:c ");
	open_end(&w, 0);
	world_wait(&w, 7, 4);
	while (w.open_n) {
		unsigned left = rows_count(&w) - 1;
		open_end(&w, 0);
		world_wait(&w, left, w.ran);
		if (left > w.open_n)
			world_wait(&w, left, w.ran);
	}
	assert_int_equal(w.ran, 8);
	assert_int_equal(w.effects, 8);
	assert_int_equal(w.most, 3);
	assert_int_equal(rows_count(&w), 0);
	world_done(&w);
}

TEST(tasks_die_after_the_last_attempt)
{
	struct world w;
	world_setup(&w, (struct task_kind){ .name = "t.die",
				.start = start_note,
				.dead = dead_note,
				.max_attempts = 3 });
	add(&w, 1, T0, NULL);
	for (unsigned i = 1; i <= 3; i++) {
		world_wait(&w, 1, i);
		open_end(&w, -EHOSTUNREACH);
		world_wait(&w, i < 3, i);
		clock_advance(1000 << (i - 1));
		clock_moved();
	}
	assert_string_equal(w.text, "start:a start:a start:a dead:a ");
	assert_int_equal(world_stats(&w).dead_total, 1);
	assert_int_equal(world_stats(&w).failed_total, 3);
	assert_int_equal(w.effects, 0);
	world_done(&w);
}

TEST(tasks_failing_effect_is_a_failed_attempt)
{
	struct world w;
	world_setup(&w, (struct task_kind){ .name = "t.effect", .start = start_note });
	add(&w, 1, T0, NULL);
	world_wait(&w, 1, 1);
	w.open_n = 0;
	task_done(w.open[0], 0, STR_NULL, failing_effect, NULL);
	world_wait(&w, 1, 1);
	assert_int_equal(world_stats(&w).failed_total, 1);
	world_done(&w);
}

TEST(tasks_put_again_while_running_run_once_more)
{
	struct world w;
	world_setup(&w, (struct task_kind){ .name = "t.again", .start = start_note });
	add(&w, 1, T0, "one");
	world_wait(&w, 1, 1);
	add(&w, 2, T0, "one");
	world_wait(&w, 1, 1);
	assert_int_equal(w.open_n, 1);
	open_end(&w, 0);
	world_wait(&w, 1, 2);
	assert_int_equal(w.effects, 1);
	open_end(&w, 0);
	world_wait(&w, 0, 2);
	assert_string_equal(w.text, "start:a start:b ");
	world_done(&w);
}

TEST(tasks_cancelled_while_running_have_no_effect)
{
	struct world w;
	struct addition a = { "t.cancel", 1, T0, "one" };
	world_setup(&w, (struct task_kind){ .name = "t.cancel", .start = start_note });
	add(&w, 1, T0, "one");
	world_wait(&w, 1, 1);
	store_write(w.l.store, cancel_task, &a);
	open_end(&w, 0);
	world_wait(&w, 0, 1);
	assert_int_equal(w.effects, 0);
	world_done(&w);
}

TEST(tasks_again_is_no_failure)
{
	struct world w;
	world_setup(&w,
		(struct task_kind){ .name = "t.later", .start = start_note, .max_attempts = 1 });
	add(&w, 1, T0, NULL);
	world_wait(&w, 1, 1);
	w.open_n = 0;
	task_again(w.open[0], 7000);
	world_wait(&w, 1, 1);
	clock_advance(7000);
	clock_moved();
	world_wait(&w, 1, 2);
	open_end(&w, 0);
	world_wait(&w, 0, 2);
	assert_int_equal(world_stats(&w).failed_total, 0);
	world_done(&w);
}

static bool
lease_ran_out(void *arg)
{
	struct world *w = arg;
	return world_stats(w).failed_total >= w->want_ran;
}

TEST(tasks_lease_runs_out)
{
	struct world w;
	world_setup(
		&w, (struct task_kind){ .name = "t.lease", .start = start_note, .lease_ms = 1 });
	add(&w, 1, T0, NULL);
	w.want_ran = 1;
	later_until(&w.l, lease_ran_out, &w);
	/* The late end counts for nothing: the second attempt comes, and its lease runs out too. */
	task_done(w.open[0], 0, STR_NULL, count_effect, &w);
	clock_advance(1000);
	clock_moved();
	w.want_ran = 2;
	later_until(&w.l, lease_ran_out, &w);
	assert_int_equal(w.ran, 2);
	assert_int_equal(w.effects, 0);
	assert_int_equal(rows_count(&w), 1);
	world_done(&w);
}

TEST(tasks_outlive_a_crash)
{
	struct world w;
	world_setup(&w, (struct task_kind){ .name = "t.crash", .start = start_note });
	later_close(&w.l);
	clock_set_speed(0);
	clock_set(T0);
	later_open(&w.l, STORE_FULL);
	w.l.tasks = tasks_start(w.l.store, w.l.loop);
	add(&w, 1, T0, NULL);
	world_wait(&w, 1, 1);
	w.open_n = 0;
	later_close(&w.l);

	clock_set(T0);
	clock_set_speed(0);
	later_open(&w.l, STORE_FULL);
	w.l.tasks = tasks_start(w.l.store, w.l.loop);
	world_wait(&w, 1, 2);
	open_end(&w, 0);
	world_wait(&w, 0, 2);
	assert_int_equal(w.effects, 1);
	world_done(&w);
}
