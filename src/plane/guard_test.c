#include "plane/machine_rig.h"

/* Nobody can make another: what is asked is refused, and machines go on. */
TEST(without_its_guard_an_agent_is_the_last_one)
{
	char path[64];
	int guard = 0;
	RIG_OPEN();
	int pid = agent_pid(rig.plane);
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%*d %*s %*c %d", &guard), 1);
	fclose(f);
	assert_int_not_equal(guard, getpid());
	kill(guard, SIGKILL);
	assert_int_equal(RIG_ASK(machine_look, STR("")), 0);
	kill(pid, SIGKILL);
	assert_int_equal(RIG_ASK(machine_look, STR("")), -EPIPE);
	assert_int_equal(RIG_ASK(machine_look, STR("")), -EPIPE);
	assert_non_null(strstr(rig.why, "start Haneul again"));
	rig_detach();
	rig_attach();
	rig_close();
}
