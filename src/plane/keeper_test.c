#include "plane/machine_rig.h"

#include <sys/wait.h>

TEST(how_a_machine_ended_is_told)
{
	RIG_OPEN();
	struct plane_machine m = rig_machine("ends");
	rig_script(&m, "echo bye; exit 3");
	assert_int_equal(WEXITSTATUS(rig.report.exit_status), 3);
	assert_string_equal(rig.report_why, "the machine ended by itself (exit 3)");
	rig_said("bye\n");
	static const char *const missing[] = { "/bin/none", NULL };
	m.argv = missing;
	assert_int_equal(RIG_ASK(machine_start, &m), -2);
	assert_string_equal(rig.why,
		"The machine ends cannot start: starting its first program: No such file or directory.");
	m.image = STR("none");
	assert_int_equal(RIG_ASK(machine_start, &m), -2);
	rig_close();
}

/* Walking through the host's table of connections cost each dropbear some milliseconds. */
TEST(a_machine_has_a_small_table_of_connections_of_its_own)
{
	RIG_OPEN();
	struct plane_machine m = rig_machine("table");
	rig_script(&m, "cat /proc/sys/net/ipv4/tcp_ehash_entries || echo 1024");
	rig_said("1024\n");
	rig_close();
}

/* The server is killed, its agent with it; machines go on and the next one finds them. */
TEST(machines_outlive_their_agent)
{
	RIG_OPEN();
	struct plane_machine m = rig_machine("lives"), n = rig_machine("dies");
	static const char *const forever[] = { "/bin/sleep", "1000", NULL }, *const shortly[] = {
		"/bin/sh", "-c", "sleep 0.3; exit 5", NULL
	};
	m.argv = forever;
	n.argv = shortly;
	assert_int_equal(RIG_ASK(machine_start, &m), 0);
	assert_int_equal(RIG_ASK(machine_start, &n), 0);
	kill(agent_pid(rig.plane), SIGKILL);
	rig_detach();
	usleep(600000);
	rig.reports = rig.stopped = 0;
	rig_attach();
	assert_int_equal(rig.reports, 2);
	assert_int_equal(rig.stopped, 1); /* what ended meanwhile is told, and how */
	assert_int_equal(RIG_ASK(machine_look, STR("lives")), 0);
	assert_int_equal(rig.report.state, PLANE_MACHINE_RUNNING);
	assert_true(rig.report.system_ok);
	assert_int_equal(RIG_ASK(machine_start, &m), 0); /* runs already */
	assert_int_equal(RIG_ASK(machine_stop, STR("lives"), PLANE_STOP_NOW), 0);
	assert_int_equal(RIG_ASK(machine_look, STR("lives")), 0);
	assert_int_equal(rig.report.state, PLANE_MACHINE_ABSENT);
	rig_close();
}

TEST(a_console_keeps_its_end)
{
	RIG_OPEN();
	struct plane_machine m = rig_machine("talks");
	rig_script(&m,
		"i=0; while [ $i -lt 6 ]; do head -c 200000 /dev/zero | tr '\\0' 'x'; i=$((i+1)); done; sleep 1.5; echo; echo the end");
	rig_said("the end\n");
	assert_true(rig.text.len <= 64 << 10);
	rig_close();
}

/* It came up when nobody was left to remember it. */
TEST(a_machine_that_nobody_knows_is_ended)
{
	char path[600];
	RIG_OPEN();
	struct plane_machine m = rig_machine("unknown");
	static const char *const forever[] = { "/bin/sleep", "1000", NULL };
	m.argv = forever;
	assert_int_equal(RIG_ASK(machine_start, &m), 0);
	kill(agent_pid(rig.plane), SIGKILL);
	rig_detach();
	snprintf(path, sizeof(path), "%s/plane/machines/unknown/state", rig.data);
	assert_int_equal(unlink(path), 0);
	rig_attach();
	assert_int_equal(RIG_ASK(machine_start, &m), 0); /* anew, alone on its root */
	assert_int_equal(RIG_ASK(machine_stop, STR("unknown"), PLANE_STOP_NOW), 0);
	rig_close();
}
