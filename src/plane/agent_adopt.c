/* What an earlier agent left running becomes this one's; what it left in between goes. */
#include "plane/agent_impl.h"

#include "base/log.h"
#include "plane/cgroup.h"
#include "plane/machine_pack.h"
#include "plane/network_pack.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>


static struct machine *
read_state(struct agent *a, struct str id, uint64_t *ret_keeper_start)
{
	char path[PLACE_MAX];
	struct buf b = { 0 };
	struct arena arena;
	struct plane_machine pm;
	struct machine *m = NULL;
	place_path(&a->place, path, "machines", id, "/state");
	if (place_read(path, &b)) {
		buf_done(&b);
		return NULL;
	}
	arena_init(&arena);
	struct unpack u = unpack_of(buf_str(&b));
	uint32_t slot = unpack_u32(&u), keeper = unpack_u32(&u);
	*ret_keeper_start = unpack_u64(&u);
	uint32_t init = unpack_u32(&u);
	bool has_init = unpack_u8(&u);
	uint32_t disks_n = unpack_count(&u, 12);
	struct attached *disks = arena_array(&arena, struct attached, disks_n);
	for (uint32_t i = 0; i < disks_n; i++) {
		struct str volume = unpack_str(&u), device = unpack_str(&u);
		snprintf(disks[i].volume, sizeof(disks[i].volume), "%.*s", STR_FMT(volume));
		snprintf(disks[i].device, sizeof(disks[i].device), "%.*s", STR_FMT(device));
		disks[i].loop_minor = unpack_u32(&u);
	}
	struct unpack inner = unpack_of(unpack_str(&u));
	unpack_machine(&inner, &arena, &pm);
	if (unpack_whole(&u) && unpack_whole(&inner) && str_eq(pm.id, id) && slot < SLOTS_MAX) {
		m = machine_new(a, &pm);
		m->keeper.slot = slot;
		m->keeper.pid = (pid_t)keeper;
		m->init_pid = (pid_t)init;
		m->has_init = has_init;
		m->adopted = true;
		for (uint32_t i = 0; i < disks_n; i++)
			volumes_adopt(a, m, &disks[i]);
	}
	arena_done(&arena);
	buf_done(&b);
	return m;
}

/* Its end was not written, and what /run knew of it is gone: the host was started anew. */
static bool
went_with_host(struct machine *m)
{
	struct keeper_exit e;
	return !keeper_exit_read(&m->agent->place, str_c(m->id), &e) &&
	       !place_slot_held(&m->agent->place, m->keeper.slot);
}

/* It did not end by itself, so nobody is told that it did: whoever asks does not find it. */
static void
forget_state(struct machine *m)
{
	char path[PLACE_MAX];
	log_info("agent.host_restarted", log_c("machine", m->id));
	place_path(&m->agent->place, path, "machines", str_c(m->id), "/state");
	unlink(path);
	volumes_forget(m->agent, m);
	machine_free(m);
}

static void
adopt(struct agent *a, const char *name)
{
	uint64_t keeper_start = 0;
	struct machine *m = read_state(a, str_c(name), &keeper_start);
	if (!m)
		return;
	m->keeper.pidfd = (int)syscall(SYS_pidfd_open, m->keeper.pid, 0);
	/* The number may be somebody else's by now; and a keeper without its group is none. */
	if (m->keeper.pidfd < 0 || machine_start_time(m->keeper.pid) != keeper_start ||
		!cgroup_has(m->keeper.slot, m->init_pid)) {
		if (went_with_host(m))
			forget_state(m);
		else
			machine_ended(m);
		return;
	}
	machine_watch_end(m);
	cgroup_freeze(m->keeper.slot, false); /* a snapshot may have been cut off */
	machine_report(m, PLANE_MACHINE_RUNNING, 0, "adopted");
}

/*
 * A slot that no machine of ours has: a spare keeper that is about to end, for its agent is gone;
 * or a machine that came up in the last moment of that agent, of which nobody knows. The one gets
 * time, the other is ended: it would write to a root volume that is started again.
 */
static void
bury_unknown(void *ctx, unsigned slot)
{
	struct agent *a = ctx;
	void *v;
	for (size_t at = 0; map_next(&a->machines, &at, NULL, &v);)
		if (((struct machine *)v)->keeper.slot == slot)
			return;
	for (unsigned i = 0; i < 100 && place_slot_held(&a->place, slot); i++)
		usleep(5000);
	if (!place_slot_held(&a->place, slot))
		return;
	log_info("agent.unknown", log_uint("slot", slot));
	/* Its keeper puts it away, and only where there is none we do: two would meet the slot's
	 * next machine. */
	cgroup_kill(slot);
	for (unsigned i = 0; i < 400 && place_slot_held(&a->place, slot); i++)
		usleep(5000);
	if (place_slot_held(&a->place, slot))
		machine_bury(a, slot);
}

void
machines_adopt(struct agent *a)
{
	char path[PLACE_MAX];
	place_path(&a->place, path, "machines", STR(""), "");
	DIR *d = opendir(path);
	for (struct dirent *e; d && (e = readdir(d));)
		if (plane_id_ok(str_c(e->d_name)))
			adopt(a, e->d_name);
	if (d)
		closedir(d);
	place_slot_list(&a->place, bury_unknown, a);
	volumes_sweep(a);
}
