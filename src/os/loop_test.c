#include "os/loop.h"
#include "unit.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static struct loop *loop;
static int fired[512], fired_n;

struct test_timer {
	struct loop_timer t;
	int id;
};

static void
timer_note(struct loop_timer *t)
{
	fired[fired_n++] = ((struct test_timer *)t)->id;
}

static void
timer_stop(struct loop_timer *t)
{
	(void)t;
	loop_stop(loop);
}

TEST(timers_fire_in_order)
{
	struct test_timer t[200] = { 0 };
	struct loop_timer last = { .fire = timer_stop };
	assert_int_equal(loop_new(&loop), 0);
	fired_n = 0;
	for (int i = 0; i < 200; i++) {
		t[i].t.fire = timer_note;
		t[i].id = i;
		loop_timer_set(loop, &t[i].t, 1000);
	}
	for (int i = 0; i < 200; i++) /* moved: order is now a permutation over 10 ms */
		loop_timer_set(loop, &t[i].t, (uint64_t)(i * 7 % 10));
	for (int i = 0; i < 200; i += 2)
		loop_timer_cancel(loop, &t[i].t);
	loop_timer_cancel(loop, &t[0].t); /* not set: fine */
	loop_timer_set(loop, &last, 12);
	assert_int_equal(loop_run(loop), 0);
	assert_int_equal(fired_n, 100);
	for (int i = 1; i < fired_n; i++)
		assert_true(fired[i - 1] * 7 % 10 <= fired[i] * 7 % 10);
	for (int i = 0; i < 200; i++)
		assert_int_equal(t[i].t.heap_pos, 0);
	loop_free(loop);
}

struct test_job {
	struct loop_job j;
	int id;
};

static void
job_note(struct loop_job *j)
{
	assert_ptr_equal(loop_current(), loop);
	fired[fired_n++] = ((struct test_job *)j)->id;
	if (((struct test_job *)j)->id == 499)
		loop_stop(loop);
}

static void *
post_many(void *arg)
{
	struct test_job *jobs = arg;
	for (int i = 0; i < 500; i++)
		loop_post(loop, &jobs[i].j);
	return NULL;
}

TEST(jobs_of_a_poster_run_in_order)
{
	static struct test_job jobs[500];
	pthread_t thread;
	assert_int_equal(loop_new(&loop), 0);
	fired_n = 0;
	for (int i = 0; i < 500; i++)
		jobs[i] = (struct test_job){ .j.run = job_note, .id = i };
	assert_int_equal(pthread_create(&thread, NULL, post_many, jobs), 0);
	assert_int_equal(loop_run(loop), 0);
	pthread_join(thread, NULL);
	assert_int_equal(fired_n, 500);
	for (int i = 0; i < 500; i++)
		assert_int_equal(fired[i], i);
	assert_null(loop_current());
	loop_free(loop);
}

static struct loop_io a, b;
static int seen;

static void
drop_other(struct loop_io *io, uint32_t events)
{
	assert_true(events & EPOLLIN);
	loop_unwatch(loop, io == &a ? &b : &a);
	seen++;
	loop_unwatch(loop, io);
	loop_stop(loop);
}

TEST(unwatch_drops_pending_events)
{
	int x[2], y[2];
	assert_int_equal(loop_new(&loop), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, x), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, y), 0);
	a = (struct loop_io){ .fd = x[0], .events = EPOLLIN, .ready = drop_other };
	b = (struct loop_io){ .fd = y[0], .events = EPOLLIN, .ready = drop_other };
	assert_int_equal(loop_watch(loop, &a), 0);
	assert_int_equal(loop_watch(loop, &b), 0);
	assert_int_equal(write(x[1], "x", 1), 1);
	assert_int_equal(write(y[1], "y", 1), 1);
	seen = 0;
	assert_int_equal(loop_run(loop), 0);
	assert_int_equal(seen, 1);
	for (int i = 0; i < 2; i++) {
		close(x[i]);
		close(y[i]);
	}
	loop_free(loop);
}

TEST(unposted_job_does_not_run)
{
	struct test_job jobs[4];
	assert_int_equal(loop_new(&loop), 0);
	fired_n = 0;
	for (int i = 0; i < 4; i++) {
		jobs[i] = (struct test_job){ .j.run = job_note, .id = i == 3 ? 499 : i };
		loop_post(loop, &jobs[i].j);
		if (i == 2)
			loop_unpost(loop, &jobs[1].j);
	}
	assert_int_equal(loop_run(loop), 0);
	assert_int_equal(fired_n, 3);
	assert_int_equal(fired[0], 0);
	assert_int_equal(fired[1], 2);
	assert_int_equal(fired[2], 499);
	loop_free(loop);
}

TEST(stop_before_run_returns_at_once)
{
	assert_int_equal(loop_new(&loop), 0);
	loop_stop(loop);
	assert_int_equal(loop_run(loop), 0);
	loop_free(loop);
}
