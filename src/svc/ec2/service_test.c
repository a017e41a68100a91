#include "svc/ec2/ec2_rig.h"

TEST(ec2_dry_run_does_nothing)
{
	struct rig r;
	rig_open(&r);
	rig_call(&r, "CreateTags", "ResourceId.1=vpc-1&DryRun=true&Tag.1.Key=a");
	rig_fails(&r, "DryRunOperation");
	assert_int_equal(r.status, 412);
	rig_close(&r);
}
