#include "plane/vm_image.h"
#include "unit.h"

#include <stdio.h>
#include <sys/stat.h>

TEST(an_initramfs_is_one_file_after_the_other)
{
	struct buf b = { 0 };
	vm_cpio_add(&b, 1, "init", S_IFREG | 0755, STR("abc"));
	size_t first = b.len;
	vm_cpio_add(&b, 2, "modules", S_IFDIR | 0755, STR(""));
	vm_cpio_end(&b);
	assert_int_equal(first % 4, 0);
	assert_int_equal(b.len % 4, 0);
	assert_memory_equal(b.p,
		"070701"
		"00000001"
		"000081ed",
		22);
	assert_memory_equal(b.p + 110, "init\0\0", 6);
	assert_memory_equal(b.p + 116, "abc\0", 4);
	assert_memory_equal(b.p + first,
		"070701"
		"00000002"
		"000041ed",
		22);
	assert_true(str_find_str(buf_str(&b), STR("TRAILER!!!")) > 0);
	buf_done(&b);
}

TEST(what_virtual_machines_lack_is_named)
{
	char why[256];
	struct place p = { 0 };
	snprintf(p.dir, sizeof(p.dir), "%s", unit_tmpdir());
	assert_non_null(vm_check(&p, why, sizeof(why)));
	assert_true(strstr(why, "apt-get install") || strstr(why, "haneul image pull kernel"));
	assert_false(vm_is_root(&p, STR("vol-1")));
}
