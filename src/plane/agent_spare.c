/* The spare keeper of the agent: forked ahead of need, since attaching one to its control groups
 * takes milliseconds. */
#include "plane/agent_impl.h"

#include "base/log.h"
#include "plane/cgroup.h"

#include <stddef.h>

/* What has just been started wants the processors first. */
#define SPARE_AFTER_MS 100

static int
make_keeper(struct agent *a, struct keeper *ret)
{
	char why[PLANE_WHY_MAX];
	int r = a->groups_gone ? cgroup_open(a->place.tag, why, sizeof(why)) : 0;
	a->groups_gone = r != 0;
	return r ? r : keeper_make(&a->place, ret);
}

static void
make_spare(struct loop_timer *t)
{
	struct agent *a = (struct agent *)((char *)t - offsetof(struct agent, make_spare));
	if (a->has_spare)
		return;
	int r = make_keeper(a, &a->spare);
	a->has_spare = r == 0;
	if (r)
		log_warn("agent.spare", log_errno("why", r));
}

void
machines_spare(struct agent *a)
{
	a->make_spare.fire = make_spare;
	if (!a->has_spare)
		loop_timer_set(a->loop, &a->make_spare, SPARE_AFTER_MS);
}

int
machines_take_keeper(struct agent *a, struct keeper *ret)
{
	if (a->has_spare) {
		*ret = a->spare;
		a->has_spare = false;
		return 0;
	}
	return make_keeper(a, ret);
}
