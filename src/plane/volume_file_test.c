#include "plane/volume_file.h"
#include "plane/place.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

TEST(a_disk_is_sparse_and_so_is_its_copy)
{
	char a[PLACE_MAX], b[PLACE_MAX], text[5] = "";
	uint64_t bytes, took;
	const char *dir = unit_tmpdir();
	snprintf(a, sizeof(a), "%s/a", dir);
	snprintf(b, sizeof(b), "%s/b", dir);
	assert_int_equal(volume_file_make(a, 1 << 30), 0);
	assert_int_equal(volume_file_make(a, 1 << 20), 0); /* there: left alone */
	int fd = open(a, O_RDWR);
	assert_int_equal(pwrite(fd, "data", 4, 700 << 20), 4);
	close(fd);
	assert_int_equal(volume_file_copy(a, b, &took), 0);
	assert_int_equal(volume_file_size(b, &bytes), 0);
	assert_int_equal(bytes, 1 << 30);
	assert_true(took > 0 && took < 1 << 20);
	fd = open(b, O_RDONLY);
	assert_int_equal(pread(fd, text, 4, 700 << 20), 4);
	close(fd);
	assert_string_equal(text, "data");
	assert_int_equal(volume_file_copy("/nonexistent", b, &took), -ENOENT);
}

TEST(a_disk_grows_and_never_shrinks)
{
	char a[PLACE_MAX];
	uint64_t bytes;
	snprintf(a, sizeof(a), "%s/a", unit_tmpdir());
	assert_int_equal(volume_file_make(a, 1 << 20), 0);
	assert_int_equal(volume_file_grow(a, 1 << 21, -1), 0);
	assert_int_equal(volume_file_size(a, &bytes), 0);
	assert_int_equal(bytes, 1 << 21);
	assert_int_equal(volume_file_grow(a, 1 << 20, -1), -EINVAL);
}

TEST(a_loop_device_shows_the_file)
{
	char a[PLACE_MAX], device[32], text[5] = "";
	unsigned minor, found;
	struct stat st;
	if (access("/dev/loop-control", R_OK | W_OK))
		test_skip("loop devices need root and /dev/loop-control");
	snprintf(a, sizeof(a), "%s/a", unit_tmpdir());
	assert_int_equal(volume_file_make(a, 1 << 20), 0);
	assert_int_equal(loop_device_attach(a, &minor), 0);
	assert_true(loop_device_find(a, &found));
	assert_int_equal(found, minor);
	snprintf(device, sizeof(device), "/dev/loop%u", minor);
	int fd = open(device, O_RDWR);
	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	assert_int_equal(volume_file_grow(a, 2 << 20, (int)minor), 0);
	assert_int_equal(pwrite(fd, "data", 4, (2 << 20) - 4), 4); /* beyond its first size */
	assert_int_equal(fsync(fd), 0);
	close(fd);
	assert_int_equal(loop_device_detach(minor, a), 0);
	assert_false(loop_device_find(a, &found));
	fd = open(a, O_RDONLY);
	assert_int_equal(pread(fd, text, 4, (2 << 20) - 4), 4);
	close(fd);
	assert_string_equal(text, "data");
	assert_int_equal(loop_device_detach(minor, a), 0); /* not its own any more: left alone */
}
