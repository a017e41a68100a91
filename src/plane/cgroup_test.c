#include "plane/cgroup.h"
#include "plane/machine_rig.h"
#include "plane/place.h"

#include <sys/stat.h>

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

/* Version 2 alone, on a tree of files: hosts of today's have it, those with version 1 cannot. */
static char tree[300];

static void
tree_write(const char *file, const char *text)
{
	char path[400];
	snprintf(path, sizeof(path), "%s/%s", tree, file);
	assert_int_equal(place_write(path, str_c(text)), 0);
}

static const char *
tree_says(const char *file)
{
	static struct buf b;
	char path[400];
	snprintf(path, sizeof(path), "%s/%s", tree, file);
	buf_clear(&b);
	if (place_read(path, &b))
		return "(absent)";
	buf_add(&b, "", 1);
	return b.p;
}

static void
tree_make(const char *controllers)
{
	char why[400] = "";
	snprintf(tree, sizeof(tree), "%s", unit_tmpdir());
	tree_write("cgroup.controllers", controllers);
	tree_write("cpuset.cpus.effective", "0-3\n");
	assert_int_equal(cgroup_open_tree(tree, "0badcafe", why, sizeof(why)), 0);
	assert_int_equal(cgroup_make(7), 0);
}

TEST(limits_by_version_2)
{
	tree_make("cpuset cpu io memory pids\n");
	assert_string_equal(tree_says("cgroup.subtree_control"), "+pids");
	assert_string_equal(tree_says("haneul-0badcafe/cgroup.subtree_control"), "+pids");
	struct cgroup_limits l = {
		.cpu_milli = 1500, .cpus = 2, .memory_bytes = 64 << 20, .pids = 99
	};
	assert_int_equal(cgroup_limit(7, &l), 0);
	assert_string_equal(tree_says("haneul-0badcafe/7/cpu.max"), "150000 100000");
	assert_string_equal(tree_says("haneul-0badcafe/7/cpuset.cpus"), "2,3");
	assert_string_equal(tree_says("haneul-0badcafe/7/memory.max"), "67108864");
	assert_string_equal(tree_says("haneul-0badcafe/7/memory.swap.max"), "0");
	assert_string_equal(tree_says("haneul-0badcafe/7/pids.max"), "99");
	/* Devices are nothing that version 2 has a file for. */
	assert_int_equal(cgroup_devices(7), 0);
	assert_int_equal(cgroup_device(7, 7, 1, true), 0);
	assert_int_equal(cgroup_io(7, 7, 1, 100, 0), 0);
	assert_string_equal(tree_says("haneul-0badcafe/7/io.max"),
		"7:1 rbps=max wbps=max riops=100 wiops=100");
	assert_int_equal(cgroup_enter(7), 0);
	assert_string_equal(tree_says("haneul-0badcafe/7/cgroup.procs"), "0");
	cgroup_kill(7);
	assert_string_equal(tree_says("haneul-0badcafe/7/cgroup.kill"), "1");
	tree_write("haneul-0badcafe/7/cgroup.events", "populated 1\nfrozen 1\n");
	cgroup_freeze(7, true);
	assert_string_equal(tree_says("haneul-0badcafe/7/cgroup.freeze"), "1");
	cgroup_freeze(7, false);
	assert_string_equal(tree_says("haneul-0badcafe/7/cgroup.freeze"), "0");
}

TEST(usage_by_version_2)
{
	struct cgroup_usage u;
	tree_make("cpuset cpu io memory pids\n");
	assert_false(cgroup_usage(7, &u));
	tree_write("haneul-0badcafe/7/pids.current", "3\n");
	tree_write("haneul-0badcafe/7/memory.current", "4096\n");
	tree_write("haneul-0badcafe/7/memory.events", "low 0\nmax 9\noom 2\noom_kill 1\n");
	tree_write("haneul-0badcafe/7/cpu.stat", "usage_usec 55\nuser_usec 5\n");
	tree_write("haneul-0badcafe/7/cgroup.freeze", "1\n");
	tree_write("haneul-0badcafe/7/io.stat",
		"8:0 rbytes=10 wbytes=20 rios=1 wios=1\n7:1 rbytes=1 wbytes=2\n");
	tree_write("haneul-0badcafe/7/cgroup.procs", "12\n34\n");
	assert_true(cgroup_usage(7, &u));
	assert_int_equal(u.processes, 3);
	assert_int_equal(u.memory_bytes, 4096);
	assert_int_equal(u.oom_kills, 1);
	assert_int_equal(u.cpu_us, 55);
	assert_true(u.frozen);
	assert_int_equal(u.read_bytes, 11);
	assert_int_equal(u.write_bytes, 22);
	assert_true(cgroup_has(7, 34) && !cgroup_has(7, 3));
}

TEST(what_version_2_lacks_is_named)
{
	char why[400] = "";
	snprintf(tree, sizeof(tree), "%s", unit_tmpdir());
	tree_write("cgroup.controllers", "cpu io memory pids\n");
	assert_int_equal(cgroup_open_tree(tree, "0badcafe", why, sizeof(why)), -ENODEV);
	assert_non_null(strstr(why, "\"cpuset\" is not there"));
}
