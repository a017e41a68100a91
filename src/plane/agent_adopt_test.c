#include "plane/agent_impl.h"
#include "plane/machine_rig.h"
#include "plane/pack.h"
#include "plane/place.h"
#include "plane/volume_file.h"

#include <sys/wait.h>

static const char *const forever[] = { "/bin/sleep", "1000", NULL };

/* The agent and whatever stands between it and its end. */
static void
pull_the_plug(void)
{
	kill(agent_pid(rig.plane), SIGKILL);
	rig_detach();
}

/* And the slot that it keeps. */
static int
keeper_of(const char *machine, unsigned *ret_slot)
{
	char path[600];
	struct buf b = { 0 };
	snprintf(path, sizeof(path), "%s/plane/machines/%s/state", rig.data, machine);
	assert_int_equal(place_read(path, &b), 0);
	struct unpack u = unpack_of(buf_str(&b));
	*ret_slot = unpack_u32(&u);
	int pid = (int)unpack_u32(&u);
	buf_done(&b);
	assert_true(pid > 1);
	return pid;
}

static void
kill_keeper(int pid)
{
	kill(pid, SIGKILL);
	for (unsigned i = 0; i < 1000 && machine_start_time(pid); i++)
		usleep(10000);
	assert_int_equal(machine_start_time(pid), 0);
}

/* Its processes are gone without a word, and /run is empty. */
TEST(machines_of_before_a_restart_of_the_host_have_not_ended_by_themselves)
{
	struct place p;
	unsigned slot = 0;
	RIG_OPEN();
	struct plane_machine m = rig_machine("before");
	m.argv = forever;
	assert_int_equal(RIG_ASK(machine_start, &m), 0);
	int keeper = keeper_of("before", &slot);
	pull_the_plug();
	place_name(&p, rig.data);
	kill_keeper(keeper);
	place_slot_free(&p, slot);
	rig.reports = rig.stopped = 0;
	rig_attach();
	assert_int_equal(rig.reports, 0);
	assert_int_equal(RIG_ASK(machine_start, &m), 0);
	assert_int_equal(RIG_ASK(machine_look, STR("before")), 0);
	assert_int_equal(rig.report.state, PLANE_MACHINE_RUNNING);
	rig_close();
}

TEST(a_keeper_that_was_killed_is_told_of)
{
	RIG_OPEN();
	unsigned slot;
	struct plane_machine m = rig_machine("orphan");
	m.argv = forever;
	assert_int_equal(RIG_ASK(machine_start, &m), 0);
	int keeper = keeper_of("orphan", &slot);
	pull_the_plug();
	kill_keeper(keeper);
	rig.reports = rig.stopped = 0;
	rig_attach();
	assert_int_equal(rig.stopped, 1);
	rig_close();
}

/* Its agent was killed between the device and the note of it. */
TEST(a_device_that_no_machine_is_known_to_have_goes)
{
	char path[600], note_of[600];
	char begun[2][600];
	unsigned minor;
	struct buf before = { 0 };
	RIG_OPEN();
	struct plane_machine m = rig_machine("disks");
	struct plane_disk d = { .volume = STR("vol-1"), .device = STR("/dev/sdf") };
	m.argv = forever;
	assert_int_equal(RIG_ASK(volume_create, d.volume, 1 << 20, STR("")), 0);
	assert_int_equal(RIG_ASK(machine_start, &m), 0);
	snprintf(note_of, sizeof(note_of), "%s/plane/machines/disks/state", rig.data);
	snprintf(path, sizeof(path), "%s/plane/volumes/vol-1", rig.data);
	assert_int_equal(place_read(note_of, &before), 0);
	if (RIG_ASK(volume_attach, m.id, &d))
		fail_msg("%s", rig.why);
	assert_true(loop_device_find(path, &minor));
	pull_the_plug();
	assert_int_equal(place_write(note_of, buf_str(&before)), 0);
	/* A copy and a removal, which end with their agent as well. */
	snprintf(begun[0], sizeof(begun[0]), "%s/plane/snapshots/snap-1.new", rig.data);
	snprintf(begun[1], sizeof(begun[1]), "%s/plane/roots/.gone-vol-2", rig.data);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(place_write(begun[i], STR("x")), 0);
	rig_attach();
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(access(begun[i], F_OK), -1);
	for (unsigned i = 0; i < 100 && loop_device_find(path, &minor); i++)
		usleep(10000);
	assert_false(loop_device_find(path, &minor));
	assert_int_equal(RIG_ASK(volume_attach, m.id, &d), 0);
	assert_true(loop_device_find(path, &minor));
	buf_done(&before);
	rig_close();
}
