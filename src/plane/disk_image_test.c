#include "plane/disk_image.h"
#include "unit.h"

static char disk[DISK_HEAD];

static void
put(size_t at, uint64_t v, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		disk[at + i] = (char)(v >> 8 * i);
}

static unsigned
parts(uint64_t bytes, struct disk_part *p)
{
	return disk_parts(str_of(disk, sizeof(disk)), bytes, p);
}

TEST(partitions_are_found_by_either_table)
{
	struct disk_part p[DISK_PARTS_MAX];
	memset(disk, 0, sizeof(disk));
	assert_int_equal(parts(1 << 30, p), 1);
	assert_true(p[0].offset == 0 && p[0].bytes == 1 << 30);
	put(510, 0xaa55, 2);
	put(446 + 4, 0x83, 1);
	put(446 + 8, 2048, 4);
	put(446 + 12, 4096, 4);
	assert_int_equal(parts(1 << 30, p), 1);
	assert_true(p[0].offset == 2048 * 512 && p[0].bytes == 4096 * 512);
	/* One that reaches beyond the disk is none. */
	assert_int_equal(parts(1 << 20, p), 1);
	assert_true(p[0].offset == 0);
	put(446 + 4, 0xee, 1);
	memcpy(disk + 512, "EFI PART", 8);
	put(512 + 72, 2, 8);
	put(512 + 80, 128, 4);
	put(512 + 84, 128, 4);
	for (unsigned i = 0; i < 2; i++) {
		put(1024 + 128 * i, 7, 8);
		put(1024 + 128 * i + 32, 100 + 100 * i, 8);
		put(1024 + 128 * i + 40, 149 + 100 * i, 8);
	}
	assert_int_equal(parts(1 << 20, p), 2);
	assert_true(p[1].offset == 200 * 512 && p[1].bytes == 50 * 512);
	put(512 + 84, 1, 4);
	assert_int_equal(parts(1 << 20, p), 1);
}

TEST(disks_are_known_by_their_first_bytes)
{
	memset(disk, 0, sizeof(disk));
	struct str head = str_of(disk, sizeof(disk));
	assert_int_equal(disk_format_of(head), DISK_NONE);
	put(1024 + 56, 0xef53, 2);
	assert_int_equal(disk_format_of(head), DISK_RAW);
	memcpy(disk + 257, "ustar", 5);
	assert_int_equal(disk_format_of(head), DISK_NONE);
	memcpy(disk, "QFI\xfb\0\0\0\3", 8);
	assert_int_equal(disk_format_of(head), DISK_QCOW2);
	assert_true(disk_qcow2_alone(head));
	disk[79] = 4; /* its data is in another file */
	assert_false(disk_qcow2_alone(head));
	disk[79] = 0;
	disk[15] = 1; /* it stands on another one */
	assert_false(disk_qcow2_alone(head));
	memcpy(disk, "KDMV", 4);
	assert_int_equal(disk_format_of(head), DISK_OTHER);
	assert_int_equal(disk_format_of(STR("short")), DISK_NONE);
}
