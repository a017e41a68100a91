#include "svc/ec2/ec2_rig.h"

TEST(ec2_tags_of_nothing_known)
{
	struct rig r;
	rig_open(&r);
	rig_call(&r, "CreateTags", "ResourceId.1=nonsense-1&Tag.1.Key=a&Tag.1.Value=b");
	rig_fails(&r, "InvalidID");
	rig_call(&r, "DescribeTags", "Filter.1.Name=nonsense&Filter.1.Value.1=x");
	rig_fails(&r, "InvalidParameterValue");
	rig_call(&r, "DescribeTags", "MaxResults=4");
	rig_fails(&r, "InvalidParameterValue");
	rig_do(&r, "DescribeTags", "Filter.1.Name=key&Filter.1.Value.1=x");
	assert_int_equal(rig_count(&r, "item"), 0);
	rig_close(&r);
}
