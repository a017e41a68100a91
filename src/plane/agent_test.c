#include "plane/machine_rig.h"
#include "plane/place.h"

#include <errno.h>

TEST(what_comes_out_of_nothing_is_refused)
{
	RIG_OPEN();
	struct plane_machine m = rig_machine("UPPER");
	assert_int_equal(RIG_ASK(machine_start, &m), -EINVAL);
	assert_int_equal(RIG_ASK(volume_create, STR("../x"), 1, STR("")), -EINVAL);
	assert_int_equal(RIG_ASK(snapshot_create, STR("snap-1"), STR("vol-9")), -ENOENT);
	assert_int_equal(RIG_ASK(image_pull, STR("plan9")), -ENOENT);
	assert_int_equal(RIG_ASK(machine_stop, STR("nobody"), PLANE_STOP_ORDERLY), 0);
	assert_int_equal(RIG_ASK(volume_remove, STR("vol-9")), 0);
	m = rig_machine("vm");
	m.kind = PLANE_VM;
	assert_int_equal(RIG_ASK(machine_start, &m), -EOPNOTSUPP);
	rig_close();
}

static unsigned forgotten;

static void
forgot(struct plane_listener *l)
{
	(void)l;
	forgotten++;
	loop_stop(rig.loop);
}

/* And another one takes over, as often as needed. */
TEST(an_agent_that_ends_answers_what_waited)
{
	static struct plane_listener ear = { .forgot = forgot };
	RIG_OPEN();
	struct plane_machine m = rig_machine("stays");
	static const char *const forever[] = { "/bin/sleep", "1000", NULL };
	int pid = agent_pid(rig.plane);
	m.argv = forever;
	forgotten = 0;
	plane_listen(rig.plane, &ear);
	assert_int_equal(RIG_ASK(machine_start, &m), 0);
	kill(pid, SIGSTOP);
	rig.r.done = rig_done;
	rig.plane->ops->machine_look(rig.plane, &rig.r, STR(""));
	kill(pid, SIGKILL);
	rig_wait();
	assert_int_equal(rig.status, -EPIPE);
	assert_int_equal(forgotten, 1);
	for (unsigned i = 0; i < 3; i++) {
		rig.reports = 0;
		assert_int_equal(RIG_ASK(machine_look, STR("stays")), 0); /* waits for it */
		assert_int_equal(rig.reports, 2); /* adopted, looked at */
		assert_int_equal(rig.report.state, PLANE_MACHINE_RUNNING);
		assert_int_not_equal(agent_pid(rig.plane), pid);
		pid = agent_pid(rig.plane);
		kill(pid, SIGKILL);
		rig_wait();
		assert_int_equal(forgotten, i + 2);
	}
	assert_int_equal(RIG_ASK(machine_stop, STR("stays"), PLANE_STOP_NOW), 0);
	rig_close();
}

static void
host_key(struct buf *ret)
{
	char path[600];
	snprintf(path, sizeof(path),
		"%s/plane/roots/boots/upper/etc/dropbear/dropbear_ed25519_host_key", rig.data);
	buf_clear(ret);
	assert_int_equal(place_read(path, ret), 0);
	assert_true(ret->len > 64);
}

TEST(our_init_boots_ends_and_boots_again)
{
	struct buf key = { 0 }, again = { 0 };
	RIG_OPEN();
	struct plane_machine m = rig_machine("boots");
	assert_int_equal(RIG_ASK(machine_start, &m), 0);
	for (unsigned i = 0; i < 500 && !(rig.text.p && strstr(rig.text.p, "Not backgrounding"));
		i++) { /* dropbear listens */
		usleep(10000);
		RIG_ASK(machine_console, STR("boots"));
	}
	rig_said("Not backgrounding");
	host_key(&key);
	assert_int_equal(RIG_ASK(machine_reboot, STR("boots")), 0);
	assert_int_equal(RIG_ASK(machine_look, STR("boots")), 0);
	assert_int_equal(rig.report.state, PLANE_MACHINE_RUNNING);
	assert_int_equal(RIG_ASK(machine_stop, STR("boots"), PLANE_STOP_ORDERLY), 0);
	rig_said("");
	char path[600];
	snprintf(path, sizeof(path), "%s/plane/machines/boots", rig.data);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(
		RIG_ASK(machine_stop, STR("boots"), PLANE_STOP_NOW | PLANE_STOP_FORGET), 0);
	assert_int_equal(access(path, F_OK), -1);
	host_key(&again);
	assert_true(str_eq(buf_str(&key), buf_str(&again)));
	buf_done(&key);
	buf_done(&again);
	rig_close();
}

TEST(an_image_of_a_root_has_its_files)
{
	RIG_OPEN();
	struct plane_machine m = rig_machine("model");
	rig_script(&m, "echo mine > /etc/mine; rm /etc/os-release");
	struct plane_image i = { .id = STR("ami-1"),
		.name = STR("Mine"),
		.os = STR(""),
		.user = STR(""),
		.arch = STR("") };
	assert_int_equal(RIG_ASK(image_from_root, &i, STR("model")), 0);
	assert_int_equal(RIG_ASK(snapshot_create, STR("snap-1"), STR("model")), 0);
	assert_int_equal(RIG_ASK(volume_create, STR("root-3"), 1, STR("snap-1")), 0);
	m = rig_machine("copy");
	m.image = STR("ami-1");
	rig_script(&m, "cat /etc/mine; ls /etc/os-release");
	rig_said("mine\n");
	rig_said("No such file");
	m = rig_machine("third");
	m.root_volume = STR("root-3");
	rig_script(&m, "cat /etc/mine");
	rig_said("mine\n");
	assert_int_equal(RIG_ASK(image_remove, STR("ami-1")), 0);
	m = rig_machine("copy"); /* its root still lies on the layers */
	rig_script(&m, "cat /etc/mine");
	rig_said("mine\n");
	rig_close();
}

/* Most servers never start a machine: neither their adoption nor their reset wakes anybody. */
TEST(where_nothing_ran_nobody_is_woken)
{
	char path[400];
	rig = (struct rig){ 0 };
	snprintf(rig.data, sizeof(rig.data), "%s", unit_tmpdir());
	assert_int_equal(loop_new(&rig.loop), 0);
	assert_int_equal(agent_fork(&rig.plane, rig.data, false), 0);
	agent_attach(rig.plane, rig.loop, false, NULL, NULL);
	assert_int_equal(RIG_ASK(machine_look, STR("")), 0);
	assert_int_equal(RIG_ASK(remove_all), 0);
	snprintf(path, sizeof(path), "%s/plane", rig.data);
	assert_int_equal(access(path, F_OK), -1);
	rig_detach();
	buf_done(&rig.text);
}
