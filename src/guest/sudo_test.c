#include "guest/guest.h"
#include "unit.h"

TEST(options_end_where_the_command_begins)
{
	struct sudo_options o;
	char *a[] = { "sudo", "-nE", "-u", "ec2-user", "ls", "-l" };
	assert_true(sudo_parse(6, a, &o));
	assert_string_equal(o.user, "ec2-user");
	assert_true(o.keep && !o.login);
	assert_int_equal(o.rest, 4);
	char *b[] = { "sudo", "-i" };
	assert_true(sudo_parse(2, b, &o));
	assert_true(o.login && o.rest == 2);
	char *c[] = { "sudo", "-x", "ls" }, *d[] = { "sudo", "-u" };
	assert_false(sudo_parse(3, c, &o));
	assert_false(sudo_parse(2, d, &o));
}
