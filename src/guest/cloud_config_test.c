#include "guest/guest.h"
#include "unit.h"

TEST(base64_is_decoded_in_place)
{
	char text[] = "aGVs\nbG8=", none[] = "";
	assert_int_equal(cloud_config_base64(text), 5);
	assert_memory_equal(text, "hello", 5);
	assert_int_equal(cloud_config_base64(none), 0);
}

TEST(names_of_users_become_no_options_and_no_paths)
{
	assert_true(cloud_config_name_ok("bob_1.x-y"));
	assert_false(cloud_config_name_ok("-rf"));
	assert_false(cloud_config_name_ok("../x"));
	assert_false(cloud_config_name_ok("a b"));
	assert_false(cloud_config_name_ok(""));
}
