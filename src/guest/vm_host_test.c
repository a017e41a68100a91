#include "guest/vm_host.h"
#include "unit.h"

#include <string.h>

static const char *
after(char **argv, const char *flag, unsigned n)
{
	for (; argv[0]; argv++)
		if (strcmp(argv[0], flag) == 0 && n-- == 0)
			return argv[1];
	return "";
}

TEST(what_qemu_is_told)
{
	struct vm v = { 0 };
	char *argv[256];
	const int taps[] = { 7, 8 };
	assert_true(vm_word(&v, "memory=512") && vm_word(&v, "cpus=2") && vm_word(&v, "init=own"));
	assert_true(vm_word(&v, "name=ip-10-0-0-5"));
	assert_true(vm_word(&v, "if=02:00:00:00:00:01,10.0.0.5/20,10.0.0.1"));
	assert_true(vm_word(&v, "if=02:00:00:00:00:02,10.0.1.5/20,10.0.0.1"));
	assert_false(vm_word(&v, "if=02:00") || vm_word(&v, "speed=9") || vm_word(&v, "cpus"));
	unsigned n = vm_arguments(&v, taps, argv, 250);
	assert_null(argv[n]);
	assert_string_equal(after(argv, "-m", 0), "512");
	assert_string_equal(after(argv, "-smp", 0), "2");
	assert_string_equal(after(argv, "-netdev", 1), "tap,id=net1,fd=8");
	assert_non_null(strstr(after(argv, "-device", 1), "mac=02:00:00:00:00:01"));
	assert_non_null(strstr(after(argv, "-append", 0),
		"haneul.init=own haneul.if=02:00:00:00:00:01,10.0.0.5/20,10.0.0.1 haneul.if="));
	assert_non_null(strstr(after(argv, "-sandbox", 0), "on,"));
}

TEST(a_resolver_is_one_word_of_the_kernels_line)
{
	struct vm v = { .name = "x" };
	char *argv[256], text[] = "search a.b c.d\nnameserver 1.2.3.4\n", bad[] = "x;y";
	assert_true(vm_one_word(text));
	assert_string_equal(text, "search,a.b,c.d;nameserver,1.2.3.4;");
	assert_false(vm_one_word(bad));
	v.resolver = text;
	vm_arguments(&v, NULL, argv, 250);
	assert_non_null(strstr(after(argv, "-append", 0), " haneul.resolver=search,a.b,c.d;"));
}

TEST(only_names_of_disks_are_given_to_the_monitor)
{
	assert_true(vm_disk_name_ok("sdf") && vm_disk_name_ok("xvdba"));
	assert_false(vm_disk_name_ok("") || vm_disk_name_ok("a\"b") || vm_disk_name_ok("../x") ||
		     vm_disk_name_ok("pts/1") ||
		     vm_disk_name_ok("abcdefghijklmnopqrstuvwxyzabcdefghij"));
}
