#include "plane/device_program.h"

#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char group[600];

/* Below the hierarchy of version 2, which may be there without controllers. */
static bool
group_make(void)
{
	char line[2000], at[400];
	bool found = false;
	FILE *f = fopen("/proc/self/mountinfo", "r");
	while (f && !found && fgets(line, sizeof(line), f))
		found = strstr(line, " - cgroup2 ") &&
			sscanf(line, "%*s %*s %*s / %399s", at) == 1;
	if (f)
		fclose(f);
	snprintf(group, sizeof(group), "%s/haneul-test-%d", at, (int)getpid());
	return found && mkdir(group, 0755) == 0;
}

/* 0 or the errno with which somebody in the group opens it. */
static int
opens(const char *device)
{
	char procs[700];
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		snprintf(procs, sizeof(procs), "%s/cgroup.procs", group);
		int fd = open(procs, O_WRONLY);
		if (fd < 0 || write(fd, "0", 1) != 1)
			_exit(255);
		_exit(open(device, O_RDONLY) < 0 ? errno : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

TEST(devices_by_version_2)
{
	struct device_rule rules[DEVICE_RULES_MAX + 1] = { { false, 1, 3 }, { false, 5, -1 } };
	if (geteuid() != 0 || !group_make())
		test_skip("needs root and a hierarchy of version 2");
	int r = device_program_attach(group, rules, 2);
	if (r == -EPERM || r == -EINVAL) {
		rmdir(group);
		test_skip("this kernel has no programs for control groups");
	}
	assert_int_equal(r, 0);
	assert_int_equal(opens("/dev/null"), 0);
	assert_int_equal(opens("/dev/zero"), EPERM);
	assert_int_not_equal(opens("/dev/tty"), EPERM);
	/* Another takes its place; as many rules as there may be. */
	for (unsigned i = 0; i < DEVICE_RULES_MAX; i++)
		rules[i] = (struct device_rule){ true, 7, (int)i };
	rules[DEVICE_RULES_MAX - 1] = (struct device_rule){ false, 1, 5 };
	assert_int_equal(device_program_attach(group, rules, DEVICE_RULES_MAX), 0);
	assert_int_equal(opens("/dev/zero"), 0);
	assert_int_equal(opens("/dev/null"), EPERM);
	assert_int_equal(device_program_attach(group, rules, DEVICE_RULES_MAX + 1), -E2BIG);
	for (unsigned i = 0; i < 100 && rmdir(group); i++)
		usleep(10000);
}
