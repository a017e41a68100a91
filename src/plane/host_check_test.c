#include "plane/host_check.h"
#include "unit.h"

#include <unistd.h>

TEST(kernels_are_compared_as_numbers)
{
	assert_true(host_check_kernel("6.1.0-13-amd64", 5, 19));
	assert_true(host_check_kernel("5.19.0", 5, 19));
	assert_false(host_check_kernel("5.4.0-150-generic", 5, 19));
	assert_true(host_check_kernel("10.0", 5, 19));
	assert_false(host_check_kernel("", 5, 19));
}

TEST(what_is_missing_is_said)
{
	char why[256] = "";
	const char *missing = host_check_machines(why, sizeof(why));
	if (geteuid() != 0)
		assert_string_equal(
			missing, "Machines, networks and volumes need root: start with sudo.");
	else
		assert_true(!missing || *missing);
}
