/* Everything of a data directory goes: what a reset or an uninstall needs. */
#include "plane/agent_impl.h"

#include "plane/cgroup.h"
#include "plane/volume_file.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void
end_slot(void *ctx, unsigned slot)
{
	for (unsigned i = 0; i < 400 && cgroup_remove(slot) == -EBUSY; i++) {
		cgroup_kill(slot);
		usleep(2500);
	}
	place_slot_free(ctx, slot);
}

/* After the machines have ended: groups, devices, files. Blocks for as long as the disk needs. */
static void
remove_rest(struct agent *a, struct agent_request *r)
{
	static const char *const folders[] = { "roots", "volumes", "snapshots", "machines" };
	char path[PLACE_MAX], why[PLANE_WHY_MAX] = "";
	int e = 0;
	loop_timer_cancel(a->loop, &a->make_spare);
	if (a->has_spare) { /* it notices, and puts away what it made */
		close(a->spare.socket);
		close(a->spare.pidfd);
		waitpid(a->spare.pid, NULL, 0);
		a->has_spare = false;
	}
	place_slot_list(&a->place, end_slot, &a->place);
	cgroup_list(end_slot, &a->place);
	cgroup_close_all();
	a->groups_gone = true; /* what comes next makes them again */
	loop_device_detach_below(a->place.dir);
	for (unsigned i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		place_path(&a->place, path, folders[i], STR(""), "");
		path[strlen(path) - 1] = 0;
		int one = place_remove_tree(path);
		place_mkdir(path, 0700);
		e = e ? e : one;
	}
	int n = networks_remove_all(a, why, sizeof(why));
	if (e || n)
		agent_fail(r, e ? e : n, "Not everything could be removed: %s",
			e ? strerror(-e) : why);
	else
		agent_ok(r);
}

void
agent_remove_all(struct agent *a, struct agent_request *r)
{
	void *v;
	if (!agent_args_end(r))
		return;
	/* All are told before one is waited for. */
	for (size_t at = 0; map_next(&a->machines, &at, NULL, &v);)
		if (((struct machine *)v)->init_pid > 1)
			kill(((struct machine *)v)->init_pid, SIGKILL);
	for (size_t at = 0; map_next(&a->machines, &at, NULL, &v); at = 0) {
		struct machine *m = v;
		m->ordered_end = true;
		m->restart = false;
		machine_end_now(m);
	}
	remove_rest(a, r);
}
