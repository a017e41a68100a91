/* What machines need of a host. */
#include "plane/host_check.h"

#include "base/buf.h"
#include "plane/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

static const char *
say(char *why, size_t cap, const char *text)
{
	snprintf(why, cap, "%s", text);
	return why;
}

bool
host_check_kernel(const char *release, unsigned major, unsigned minor)
{
	unsigned a = 0, b = 0;
	if (sscanf(release, "%u.%u", &a, &b) != 2)
		return false;
	return a > major || (a == major && b >= minor);
}

static bool
has_file_system(const char *name)
{
	struct buf b = { 0 };
	bool found = false;
	place_read("/proc/filesystems", &b);
	for (struct str rest = buf_str(&b); rest.p;) {
		struct str line = str_cut(&rest, '\n');
		str_cut(&line, '\t');
		found |= str_eq(line, str_c(name));
	}
	buf_done(&b);
	return found;
}

static bool
has_controllers(void)
{
	return access("/sys/fs/cgroup/cgroup.controllers", R_OK) == 0 ||
	       access("/sys/fs/cgroup/memory", R_OK) == 0;
}

const char *
host_check_machines(char *why, size_t cap)
{
	struct utsname u;
	if (geteuid() != 0)
		return say(why, cap, "Machines, networks and volumes need root: start with sudo.");
	if (uname(&u) || !host_check_kernel(u.release, 5, 19))
		return say(why, cap,
			"Machines need Linux 5.19 or later (idmapped layers of overlayfs).");
	if (access("/proc/self/ns/user", R_OK))
		return say(
			why, cap, "Machines need a kernel with user namespaces (CONFIG_USER_NS).");
	if (!has_file_system("overlay"))
		return say(why, cap, "Machines need overlayfs: modprobe overlay.");
	if (!has_controllers())
		return say(why, cap,
			"Machines need control groups: mount -t cgroup2 none /sys/fs/cgroup.");
	return NULL;
}

const char *
host_check_volumes(char *why, size_t cap)
{
	if (geteuid() != 0)
		return say(why, cap, "Volumes need root: start with sudo.");
	return access("/dev/loop-control", R_OK | W_OK)
		       ? say(why, cap, "Volumes need loop devices: modprobe loop.")
		       : NULL;
}

static bool
in_path(const char *program)
{
	char full[PLACE_MAX];
	for (struct str rest = str_c(getenv("PATH")); rest.p;) {
		struct str dir = str_cut(&rest, ':');
		snprintf(full, sizeof(full), "%.*s/%s", STR_FMT(dir), program);
		if (access(full, X_OK) == 0)
			return true;
	}
	return false;
}

const char *
host_check_image(const char *name, char *why, size_t cap)
{
	if (strcmp(name, "tiny") == 0) {
		if (access("/bin/busybox", X_OK) && access("/usr/bin/busybox", X_OK))
			return say(why, cap,
				"The image \"tiny\" needs busybox: apt-get install busybox-static");
		return access("/usr/sbin/dropbear", X_OK)
			       ? say(why, cap,
					 "The image \"tiny\" needs an SSH server: apt-get install dropbear-bin")
			       : NULL;
	}
	if (!in_path("mmdebstrap"))
		return say(why, cap,
			"Images of distributions are made with mmdebstrap: apt-get install mmdebstrap");
	/* Else every signature of the archive is one of nobody. */
	if (strcmp(name, "ubuntu") == 0 &&
		access("/usr/share/keyrings/ubuntu-archive-keyring.gpg", R_OK))
		return say(why, cap,
			"The image \"ubuntu\" needs the keys of Ubuntu's archive in /usr/share/keyrings/ubuntu-archive-keyring.gpg: apt-get install ubuntu-keyring");
	return NULL;
}

bool
host_check_forwards(void)
{
	struct buf b = { 0 };
	bool on = place_read("/proc/sys/net/ipv4/ip_forward", &b) == 0 && b.len && b.p[0] == '1';
	buf_done(&b);
	return on;
}

static bool
setting_is(const char *path, char value)
{
	struct buf b = { 0 };
	bool is = place_read(path, &b) == 0 && b.len == 2 && b.p[0] == value;
	buf_done(&b);
	return is;
}

const char *
host_check_rootless(char *why, size_t cap)
{
	if (setting_is("/proc/sys/kernel/unprivileged_userns_clone", '0'))
		return say(why, cap,
			"user namespaces are root's here: sysctl kernel.unprivileged_userns_clone=1");
	if (setting_is("/proc/sys/user/max_user_namespaces", '0'))
		return say(why, cap,
			"user namespaces are off here: sysctl user.max_user_namespaces=10000");
	if (setting_is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", '1'))
		return say(why, cap,
			"AppArmor restricts user namespaces: sysctl kernel.apparmor_restrict_unprivileged_userns=0");
	if (!in_path("newuidmap"))
		return say(why, cap,
			"ranges of ids cannot be had without newuidmap: apt-get install uidmap");
	return NULL;
}
