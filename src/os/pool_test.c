#include "os/pool.h"
#include "unit.h"

#include <pthread.h>
#include <stdatomic.h>

#define JOBS 300

struct test_job {
	struct pool_job j;
	int id;
};

static struct test_job jobs[JOBS];
static int order[4][JOBS], order_n[4], done_n;
static atomic_int inside[4], ran;
static struct loop *loop;

static void
lane_run(struct pool_job *j)
{
	int lane = (int)j->lane, id = ((struct test_job *)j)->id;
	if (lane) {
		assert_int_equal(atomic_fetch_add(&inside[lane], 1), 0);
		order[lane][order_n[lane]++] = id;
		atomic_fetch_sub(&inside[lane], 1);
	}
	atomic_fetch_add(&ran, 1);
}

static void
count_done(struct pool_job *j)
{
	(void)j;
	assert_ptr_equal(loop_current(), loop);
	if (++done_n == JOBS)
		loop_stop(loop);
}

TEST(lanes_keep_order_and_done_runs_on_the_loop)
{
	struct pool *pool;
	assert_int_equal(loop_new(&loop), 0);
	assert_int_equal(pool_new(&pool, 3), 0);
	done_n = 0;
	memset(order_n, 0, sizeof(order_n));
	for (int i = 0; i < JOBS; i++) {
		jobs[i] = (struct test_job){ .j = { .run = lane_run,
						     .done = count_done,
						     .loop = loop,
						     .lane = (uint64_t)i % 4 },
			.id = i };
		pool_submit(pool, &jobs[i].j);
	}
	assert_int_equal(loop_run(loop), 0);
	pool_free(pool);
	for (int lane = 1; lane < 4; lane++) {
		assert_int_equal(order_n[lane], JOBS / 4);
		for (int i = 1; i < order_n[lane]; i++)
			assert_true(order[lane][i - 1] < order[lane][i]);
	}
	loop_free(loop);
}

TEST(free_runs_what_was_submitted)
{
	struct pool *pool;
	assert_int_equal(pool_new(&pool, 2), 0);
	atomic_store(&ran, 0);
	memset(order_n, 0, sizeof(order_n));
	for (int i = 0; i < JOBS; i++) {
		jobs[i] = (struct test_job){ .j = { .run = lane_run, .lane = (uint64_t)i % 2 },
			.id = i };
		pool_submit(pool, &jobs[i].j);
	}
	pool_free(pool);
	assert_int_equal(atomic_load(&ran), JOBS);
}

static atomic_int together, largest;

static void
lane_run_many(struct pool_job **many, unsigned n)
{
	assert_int_equal(atomic_fetch_add(&together, 1), 0);
	assert_true(n >= 1 && n <= POOL_MANY);
	if ((int)n > atomic_load(&largest))
		atomic_store(&largest, (int)n);
	for (unsigned i = 0; i < n; i++) {
		for (unsigned k = 0; k < i; k++)
			assert_true(many[i]->lane == 0 || many[i]->lane != many[k]->lane);
		lane_run(many[i]);
	}
	atomic_fetch_sub(&together, 1);
}

TEST(jobs_that_gather_keep_their_lanes_order_and_are_all_run)
{
	for (int round = 0; round < 20; round++) {
		struct pool *pool;
		assert_int_equal(pool_new(&pool, 4), 0);
		atomic_store(&ran, 0);
		memset(order_n, 0, sizeof(order_n));
		for (int i = 0; i < JOBS; i++) {
			jobs[i] = (struct test_job){ .j = { .lane = (uint64_t)i % 4 }, .id = i };
			if (i % 5)
				jobs[i].j.run_many = lane_run_many;
			else
				jobs[i].j.run = lane_run;
			pool_submit(pool, &jobs[i].j);
		}
		pool_free(pool);
		assert_int_equal(atomic_load(&ran), JOBS);
		for (int lane = 1; lane < 4; lane++)
			for (int i = 1; i < order_n[lane]; i++)
				assert_true(order[lane][i - 1] < order[lane][i]);
	}
	assert_true(atomic_load(&largest) >= 1);
}
