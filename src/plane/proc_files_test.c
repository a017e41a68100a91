#include "plane/proc_files.h"
#include "unit.h"

TEST(memory_is_the_machines_own)
{
	struct buf b = { 0 };
	proc_files_meminfo(&b, 512 << 20, 100 << 20);
	assert_true(str_starts(buf_str(&b),
		STR("MemTotal:         524288 kB\nMemFree:          421888 kB\nMemAvailable:     421888 kB\n")));
	assert_non_null(strstr(b.p, "\nSwapTotal:             0 kB\n"));
	buf_clear(&b);
	proc_files_meminfo(&b, 1 << 20, 2 << 20); /* over its limit: nothing left */
	assert_non_null(strstr(b.p, "MemFree:               0 kB"));
	buf_done(&b);
}

TEST(processors_are_numbered_anew)
{
	struct buf b = { 0 };
	proc_files_cpuinfo(&b,
		STR("processor\t: 0\nmodel\t: x\n\nprocessor\t: 1\nmodel\t: x\n\nprocessor\t: 2\nmodel\t: x\n\n"),
		2);
	assert_str(buf_str(&b), "processor\t: 0\nmodel\t: x\n\nprocessor\t: 1\nmodel\t: x\n\n");
	buf_done(&b);
}
