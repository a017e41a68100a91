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

struct plane_rig {
	struct rig r;
	struct plane *plane;
	struct loop_timer tick;
	unsigned quiet, ticks;
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
	if (p->quiet > 2)
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

static inline void
plane_rig_open(struct plane_rig *p)
{
	memset(p, 0, sizeof(*p));
	p->plane = fake_open(NULL);
	plane_set(p->plane);
	rig_open(&p->r);
	plane_rig_settle(p);
}

/* As if the server had been killed while the machines went on; the rows are kept by the caller's
 * store, so this is only for rigs that were opened durable. */
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
