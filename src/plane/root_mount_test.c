#include "plane/machine_rig.h"

#include <sys/stat.h>

/* An idmapped upper that was mounted as the host's root takes no new file, without a word. */
TEST(a_root_can_be_written_and_stays)
{
	RIG_OPEN();
	struct plane_machine m = rig_machine("writes");
	rig_script(&m,
		"echo kept > /srv/file && chown 1000:1000 /srv/file && rm /etc/profile && mkdir /new && ls -ln /srv/file");
	rig_said("1000     1000");
	rig_script(&m, "cat /srv/file; ls -d /new /etc/profile");
	rig_said("kept\n");
	rig_said("/new\n");
	rig_said("No such file");
	/* Its ids are its own; on the disk they are those of any machine. */
	char path[600];
	struct stat st;
	snprintf(path, sizeof(path), "%s/plane/roots/writes/upper/srv/file", rig.data);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_uid, 1000);
	/* Another machine of the image sees nothing of it. */
	m = rig_machine("other");
	rig_script(&m, "ls /srv/file /etc/profile");
	rig_said("/srv/file: No such file");
	rig_said("/etc/profile\n");
	rig_close();
}

TEST(devices_are_only_in_dev)
{
	RIG_OPEN();
	struct plane_machine m = rig_machine("devices");
	rig_script(&m,
		"echo x > /dev/null && echo null; head -c 4 /dev/urandom | wc -c; ls -l /dev/console >/dev/null && echo console; mount -o remount,dev / 2>/dev/null && echo remounted;"
		"grep ' / ' /proc/mounts | grep -q nodev && echo nodev; ls /dev | tr '\\n' ' '; umount /proc/kcore 2>/dev/null && echo unmasked");
	rig_said("null\n4\nconsole\n");
	rig_said("nodev\n");
	assert_null(strstr(rig.text.p, "remounted"));
	assert_null(strstr(rig.text.p, "unmasked"));
	rig_close();
}
