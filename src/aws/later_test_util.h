/* What the tests of what happens later share: a real store that keeps nothing, one loop, and
 * waiting for a condition on that loop. The virtual clock is moved, nothing sleeps. */
#ifndef HANEUL_AWS_LATER_TEST_UTIL_H
#define HANEUL_AWS_LATER_TEST_UTIL_H

#include "aws/clock_rows.h"
#include "aws/due.h"
#include "aws/tasks.h"
#include "aws/touch.h"
#include "base/clock.h"
#include "base/log.h"

#include <stdio.h>

#include "unit.h"

#define T0 1000000000000

struct later {
	char dir[300];
	struct store *store;
	struct loop *loop;
	struct due *due;
	struct tasks *tasks;
	struct loop_timer look;
	bool (*until)(void *arg);
	void *until_arg;
	unsigned looks;
};

static inline void
later_open(struct later *l, enum store_durability durability)
{
	struct store_options o = {
		.dir = l->dir, .durability = durability, .touched = touch_deliver
	};
	assert_int_equal(store_open(&l->store, &o, NULL), 0);
	assert_int_equal(loop_new(&l->loop), 0);
	due_open(l->store);
	tasks_open(l->store);
}

static inline void
later_setup(struct later *l)
{
	*l = (struct later){ 0 };
	snprintf(l->dir, sizeof(l->dir), "%s/store", unit_tmpdir());
	log_set_level(LOG_LEVEL_ERROR);
	clock_set(T0);
	clock_set_speed(0);
	later_open(l, STORE_EPHEMERAL);
}

static inline void
later_close(struct later *l)
{
	if (l->due)
		due_stop(l->due);
	if (l->tasks)
		tasks_stop(l->tasks);
	store_close(l->store);
	due_free(l->due);
	tasks_free(l->tasks);
	loop_free(l->loop);
	l->due = NULL;
	l->tasks = NULL;
	clock_set_speed(1);
	clock_set(clock_real_ms());
	log_set_level(LOG_LEVEL_INFO);
}

static inline void
later_look(struct loop_timer *timer)
{
	struct later *l = (struct later *)((char *)timer - offsetof(struct later, look));
	if (l->until(l->until_arg) || ++l->looks > 5000)
		loop_stop(l->loop);
	else
		loop_timer_set(l->loop, timer, 1);
}

/* Runs the loop until the condition holds; fails after about five seconds. */
static inline void
later_until(struct later *l, bool (*until)(void *arg), void *arg)
{
	l->until = until;
	l->until_arg = arg;
	l->looks = 0;
	l->look.fire = later_look;
	loop_timer_set(l->loop, &l->look, 0);
	assert_int_equal(loop_run(l->loop), 0);
	assert_true(until(arg));
}

#endif
