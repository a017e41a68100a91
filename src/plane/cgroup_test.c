#include "plane/machine_rig.h"

TEST(a_machine_sees_its_limits)
{
	RIG_OPEN();
	struct plane_machine m = rig_machine("small");
	rig_script(&m,
		"echo cpus=$(nproc); grep MemTotal /proc/meminfo; echo info=$(grep -c ^processor /proc/cpuinfo)");
	rig_said("cpus=1\n");
	rig_said("65536 kB");
	rig_said("info=1\n");
	rig_close();
}

TEST(a_memory_hog_and_a_fork_bomb_stay_inside)
{
	RIG_OPEN();
	struct plane_machine m = rig_machine("hog");
	rig_script(&m, "echo before; x=x; while :; do x=$x$x; done");
	rig_said("before");
	assert_string_equal(rig.report_why, "out of memory");
	m = rig_machine("bomb");
	static const char *const bomb[] = { "/bin/sh", "-c", "b() { b | b & }; b; sleep 1000",
		NULL };
	m.argv = bomb;
	assert_int_equal(RIG_ASK(machine_start, &m), 0);
	usleep(300000);
	assert_int_equal(RIG_ASK(machine_look, STR("bomb")), 0);
	assert_true(rig.report.memory_bytes <= 64 << 20);
	assert_int_equal(RIG_ASK(machine_stop, STR("bomb"), PLANE_STOP_NOW), 0);
	rig_close();
}

TEST(limits_change_while_it_runs)
{
	RIG_OPEN();
	struct plane_machine m = rig_machine("grows");
	assert_int_equal(RIG_ASK(machine_start, &m), 0);
	assert_int_equal(RIG_ASK(machine_limits, STR("grows"), 500, 128 << 20), 0);
	assert_int_equal(RIG_ASK(machine_limits, STR("nobody"), 500, 128 << 20), -2);
	assert_int_equal(RIG_ASK(machine_stop, STR("grows"), PLANE_STOP_ORDERLY), 0);
	rig_close();
}
