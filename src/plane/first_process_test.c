#include "plane/machine_rig.h"

/* What a root inside sees of the host. */
TEST(a_machine_is_alone)
{
	RIG_OPEN();
	struct plane_machine m = rig_machine("alone");
	rig_script(&m,
		"echo pid=$$; echo host=$(hostname); [ $(ls -d /proc/[0-9]* | wc -l) -lt 6 ] && echo few processes; echo links=$(ls /sys/class/net | tr '\\n' ' ');"
		"echo fds=$(ls /proc/self/fd | wc -l); kill -0 2 2>&1 || echo nobody; echo kcore=$(head -c 9 /proc/kcore 2>/dev/null | wc -c);"
		"echo uid=$(tr -s ' ' < /proc/self/uid_map)");
	rig_said("pid=1\n");
	rig_said("host=inside\n");
	rig_said("links=lo\n");
	rig_said("few processes\n"); /* the shell, its subshell, ls, wc */
	rig_said("fds=4\n");   /* three and the folder that ls reads */
	rig_said("nobody");
	rig_said("kcore=0\n");
	rig_said(" 65536\n");
	rig_close();
}

TEST(a_machine_cannot_reach_into_the_kernel)
{
	RIG_OPEN();
	struct plane_machine m = rig_machine("kernel");
	rig_script(&m,
		"try() { \"$@\" >/dev/null 2>&1 && echo \"did $*\" || echo \"refused $1\"; };"
		"try insmod /bin/busybox; try mknod /tmp/disk b 254 0; try sysctl -w kernel.panic=1; date -s 2001-01-01 >/dev/null 2>&1; [ $(date +%Y) -gt 2001 ] && echo refused date; try mount -t ext4 /dev/vda /mnt;"
		"try dmesg; try swapon /bin/busybox; try sh -c 'echo c > /proc/sysrq-trigger'; try unshare -U true;"
		"try sh -c 'echo 1 > /sys/kernel/mm/ksm/run'; echo done");
	rig_said("done");
	rig_said("refused insmod");
	rig_said("refused mknod");
	rig_said("refused sysctl");
	rig_said("refused date");
	rig_said("refused mount");
	rig_said("refused dmesg");
	rig_said("refused swapon");
	rig_said("refused unshare");
	rig_close();
}

TEST(who_must_not_gain_privilege_does_not)
{
	RIG_OPEN();
	struct plane_machine m = rig_machine("sudo");
	rig_script(&m, "su ec2-user -s /bin/sh -c 'sudo id -u'; grep NoNewPrivs /proc/self/status");
	rig_said("0\n");
	rig_said("NoNewPrivs:\t0");
	m = rig_machine("nosudo");
	m.no_new_privs = true;
	rig_script(&m, "su ec2-user -s /bin/sh -c 'sudo id -u'; grep NoNewPrivs /proc/self/status");
	rig_said("not setuid root");
	rig_said("NoNewPrivs:\t1");
	rig_close();
}

/* The net namespace belongs to the machine's user namespace, the groups' namespace begins at its
 * own group. */
TEST(namespaces_are_the_machines_own)
{
	char first[64] = "", *line;
	RIG_OPEN();
	struct plane_machine m = rig_machine("one");
	rig_script(&m,
		"ifconfig lo up && ping -c 1 127.0.0.1 >/dev/null && echo lo is up; grep -c haneul /proc/self/cgroup; echo ids $(tr -s ' ' < /proc/self/uid_map)");
	rig_said("lo is up\n0\n");
	line = strstr(rig.text.p, "ids ");
	assert_non_null(line);
	snprintf(first, sizeof(first), "%s", line);
	m = rig_machine("two");
	rig_script(&m, "echo ids $(tr -s ' ' < /proc/self/uid_map)");
	rig_said("ids ");
	m = rig_machine("three");
	static const char *const argv[] = { "/bin/sleep", "100", NULL };
	m.argv = argv;
	assert_int_equal(RIG_ASK(machine_start, &m), 0); /* its range is taken while it runs */
	m = rig_machine("four");
	rig_script(&m, "echo ids $(tr -s ' ' < /proc/self/uid_map)");
	assert_string_not_equal(strstr(rig.text.p, "ids "), first);
	rig_close();
}
