/*
 * plane_rig: the rig of EC2 over the fake plane, with the first loop run on the test's own thread
 * until nothing is left to do. Tests only; one at a time.
 */
#ifndef HANEUL_SVC_EC2_PLANE_RIG_H
#define HANEUL_SVC_EC2_PLANE_RIG_H

#include "aws/clock_rows.h"
#include "aws/due.h"
#include "aws/front.h"
#include "aws/tasks.h"
#include "plane/fake.h"
#include "svc/ec2/ec2_rig.h"
#include "svc/ec2/images.h"

struct plane_rig {
	struct rig r;
	struct plane *plane;
	struct loop_timer tick;
	unsigned quiet, ticks, left; /* left: ticks until settling ends unsettled; 0: it does not */
	char dir[300];
	int64_t now_ms;
};

static inline bool
plane_rig_due_task(void *arg, struct str kind, const struct task *task)
{
	(void)kind;
	*(bool *)arg |= task->due_ms <= clock_now_ms();
	return !*(bool *)arg;
}

static inline int
plane_rig_nothing(struct tx *t, void *arg)
{
	(void)t, (void)arg;
	return 0;
}

static inline bool
plane_rig_busy(struct plane_rig *p)
{
	struct cloud *c = p->r.cloud;
	struct task_stats s;
	struct due_stats d;
	const char *name;
	bool busy = fake_run(p->plane) > 0;
	store_write(cloud_store(c), plane_rig_nothing, NULL);
	for (unsigned i = 0; tasks_stats_get(c->tasks, i, &name, &s); i++)
		busy |= s.running > 0;
	due_stats_get(c->due, &d);
	busy |= d.next_ms <= clock_now_ms();
	struct tx *t = tx_begin_read(cloud_store(c));
	tasks_list(t, STR_NULL, plane_rig_due_task, &busy);
	tx_end(t);
	return busy;
}

static inline void
plane_rig_tick(struct loop_timer *timer)
{
	struct plane_rig *p =
		(struct plane_rig *)((char *)timer - offsetof(struct plane_rig, tick));
	p->quiet = plane_rig_busy(p) ? 0 : p->quiet + 1;
	assert_true(++p->ticks < 20000);
	if (p->quiet > 1 || (p->left && !--p->left))
		loop_stop(p->r.cloud->loops[0].loop);
	else
		loop_timer_set(p->r.cloud->loops[0].loop, timer, 1);
}

/* Until every task and due row of this moment is done; failures wait for their next moment. */
static inline void
plane_rig_settle(struct plane_rig *p)
{
	struct loop *l = p->r.cloud->loops[0].loop;
	p->quiet = p->ticks = 0;
	p->tick.fire = plane_rig_tick;
	loop_timer_set(l, &p->tick, 0);
	loop_run(l);
}

static inline void
plane_rig_advance(struct plane_rig *p, int64_t ms)
{
	clock_advance(ms);
	clock_moved();
	plane_rig_settle(p);
}

/* Loopback calls cannot wait for the plane's list of images, so it is fetched first. */
static inline int
plane_rig_refresh(struct tx *t, void *arg)
{
	(void)arg;
	ec2_images_refresh(t);
	return 0;
}

static inline void
plane_rig_begin(struct plane_rig *p)
{
	store_write(cloud_store(p->r.cloud), plane_rig_refresh, NULL);
}

static inline void
plane_rig_open(struct plane_rig *p)
{
	memset(p, 0, sizeof(*p));
	p->plane = fake_open(NULL);
	plane_set(p->plane);
	rig_open(&p->r);
	plane_rig_begin(p);
	plane_rig_settle(p);
}

/* A rig whose rows outlive a kill. */
static inline void
plane_rig_cloud(struct plane_rig *p)
{
	char why[256] = "";
	struct cloud_options o = {
		.data_dir = p->dir, .version = "test", .durability = STORE_RELAXED, .loops_n = 1
	};
	assert_int_equal(cloud_open(&p->r.cloud, &o, why, sizeof(why)), 0);
	clock_set_speed(0);
	clock_set(p->now_ms);
}

static inline void
plane_rig_open_kept(struct plane_rig *p)
{
	memset(p, 0, sizeof(*p));
	snprintf(p->dir, sizeof(p->dir), "%s", unit_tmpdir());
	p->now_ms = RIG_START_MS;
	p->plane = fake_open(NULL);
	plane_set(p->plane);
	arena_init(&p->r.arena);
	p->r.account = "111122223333";
	plane_rig_cloud(p);
	plane_rig_begin(p);
	plane_rig_settle(p);
}

/* So many looks at what is to do, then away from it as it is. */
static inline void
plane_rig_ticks(struct plane_rig *p, unsigned n)
{
	p->left = n + 1;
	plane_rig_settle(p);
	p->left = 0;
}

/* The server is killed while the machines go on, and starts again. */
static inline void
plane_rig_kill(struct plane_rig *p)
{
	p->now_ms = clock_now_ms();
	fake_cut(p->plane);
	cloud_close(p->r.cloud);
	plane_rig_cloud(p);
	plane_rig_begin(p);
	while (!ec2_catalogue_listed())
		plane_rig_ticks(p, 1);
}

static inline void
plane_rig_close(struct plane_rig *p)
{
	rig_close(&p->r);
	plane_set(NULL);
	fake_close(p->plane);
}

/* The id of the public image that stands for Amazon Linux. */
static inline const char *
plane_rig_image(struct plane_rig *p)
{
	rig_do(&p->r, "DescribeImages",
		"Owner.1=amazon&Filter.1.Name=name&Filter.1.Value.1=al2023-ami-2023.*");
	return rig_text(&p->r, "imageId");
}

#endif
