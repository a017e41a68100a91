#include "plane/machine_rig.h"

#include <errno.h>

/* A disk goes from one machine to another, and its file system with it, though a kernel lets no
 * user namespace mount one. */
TEST(a_disk_is_formatted_mounted_and_moved)
{
	RIG_OPEN();
	struct plane_machine m = rig_machine("first");
	struct plane_disk d = { .volume = STR("vol-1"), .device = STR("/dev/sdf") };
	assert_int_equal(RIG_ASK(volume_create, STR("vol-1"), 64 << 20, STR("")), 0);
	m.disks = &d;
	m.disks_n = 1;
	rig_script(&m,
		"mke2fs /dev/sdf >/dev/null && mount -t ext2 /dev/sdf /mnt && echo hello > /mnt/file && chown 1000:1000 /mnt/file && grep /mnt /proc/mounts;"
		"ln -s /dev/null /tmp/sdf; mount -t ext2 /tmp/sdf /srv 2>/dev/null && echo mounted a link; umount /mnt && echo gone");
	rig_said("/mnt ext4 rw,nodev");
	rig_said("gone\n");
	assert_int_equal(RIG_ASK(snapshot_create, STR("snap-1"), STR("vol-1")), 0);
	assert_int_equal(RIG_ASK(volume_create, STR("vol-2"), 128 << 20, STR("snap-1")), 0);
	d.volume = STR("vol-2");
	m = rig_machine("second");
	m.disks = &d;
	m.disks_n = 1;
	rig_script(&m,
		"mount -t ext2 -o ro /dev/sdf /mnt && cat /mnt/file && ls -ln /mnt/file; echo x > /mnt/y; wc -c < /sys/class/block/$(basename $(readlink -f /sys/dev/block/7:*|head -1))/size; umount /mnt");
	rig_said("hello\n");
	rig_said("1000     1000");
	rig_said("Read-only file system");
	rig_close();
}

TEST(a_disk_comes_and_goes_while_the_machine_runs)
{
	RIG_OPEN();
	struct plane_machine m = rig_machine("runs");
	static const char *const argv[] = { "/bin/sh", "-c",
		"until [ -b /dev/sdg ]; do sleep 0.02; done; mke2fs /dev/sdg >/dev/null; mount -t ext2 /dev/sdg /mnt; echo mounted; until [ -e /tmp/go ]; do sleep 0.02; done",
		NULL };
	struct plane_disk d = { .volume = STR("vol-1"),
		.device = STR("/dev/sdg"),
		.iops = 1000,
		.bytes_a_second = 100 << 20 };
	m.argv = argv;
	assert_int_equal(RIG_ASK(machine_start, &m), 0);
	assert_int_equal(RIG_ASK(volume_attach, STR("runs"), &d), -ENOENT);
	assert_int_equal(RIG_ASK(volume_create, STR("vol-1"), 64 << 20, STR("")), 0);
	assert_int_equal(RIG_ASK(volume_attach, STR("runs"), &d), 0);
	for (unsigned i = 0; i < 500 && !(rig.text.p && strstr(rig.text.p, "mounted")); i++) {
		usleep(10000);
		RIG_ASK(machine_console, STR("runs"));
	}
	rig_said("mounted");
	assert_int_equal(RIG_ASK(volume_detach, STR("runs"), STR("vol-1")), -EBUSY);
	assert_string_equal(rig.why,
		"The volume vol-1 is mounted at /mnt in the machine: unmount it there first.");
	assert_int_equal(RIG_ASK(volume_resize, STR("vol-1"), 128 << 20), 0);
	assert_int_equal(RIG_ASK(volume_remove, STR("vol-1")), -EBUSY);
	assert_int_equal(RIG_ASK(machine_stop, STR("runs"), PLANE_STOP_NOW), 0);
	assert_int_equal(RIG_ASK(volume_remove, STR("vol-1")), 0);
	rig_close();
}
