#include "svc/ec2/ec2_rig.h"

TEST(ec2_resources_are_told_apart_by_their_prefix)
{
	assert_null(ec2_kind_of(STR("nonsense-0123")));
	assert_null(ec2_kind_of(STR("")));
}
