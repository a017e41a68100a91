#include "svc/ec2/metadata.h"

#include "base/json.h"
#include "unit.h"

#define NOW INT64_C(1767323045000)

struct rig {
	struct arena arena;
	struct call c;
	struct ec2_instance instance;
	struct ec2_metadata m;
	struct ec2_pages pages;
};

static void
rig_open(struct rig *r)
{
	static struct ec2_instance_private_ip_address ip = { .PrivateIpAddress = {
								     "10.0.0.5", 8 } };
	static struct ec2_instance_network_interface nic = { .MacAddress = { "02:00:0a:00:00:05",
								     17 },
		.NetworkInterfaceId = { "eni-1", 5 },
		.VpcId = { "vpc-1", 5 },
		.PrivateIpAddresses = { &ip, 1, true } };
	static struct ec2_group_identifier group = { .GroupId = { "sg-1", 4 },
		.GroupName = { "web", 3 } };
	static struct ec2_tag tag = { .Key = { "Name", 4 }, .Value = { "", 0 } };
	static struct ec2_placement place = { .AvailabilityZone = { "us-east-1a", 10 } };
	memset(r, 0, sizeof(*r));
	arena_init(&r->arena);
	r->c = (struct call){ .arena = &r->arena,
		.region = STR("us-east-1"),
		.account = STR("111122223333"),
		.now_ms = NOW };
	r->instance = (struct ec2_instance){ .InstanceId = STR("i-1"),
		.ImageId = STR("ami-1"),
		.KeyName = STR("mine"),
		.PrivateIpAddress = STR("10.0.0.5"),
		.NetworkInterfaces = { &nic, 1, true },
		.SecurityGroups = { &group, 1, true },
		.Tags = { &tag, 1, true },
		.Placement = &place };
	r->m = (struct ec2_metadata){ .instance = &r->instance,
		.public_key = STR("ssh-ed25519 AAAA mine"),
		.user_data = STR("#!/bin/sh\n"),
		.role_name = STR("R"),
		.profile_arn = STR("arn:aws:iam::111122223333:instance-profile/P"),
		.profile_id = STR("AIPA1") };
	ec2_pages_make(&r->c, &r->m, &r->pages);
}

static const char *
page(struct rig *r, const char *path)
{
	struct str text;
	return ec2_pages_get(&r->pages, str_c(path), &text) ? arena_cstr(&r->arena, text) : "404";
}

TEST(ec2_metadata_pages)
{
	struct rig r;
	rig_open(&r);
	assert_string_equal(page(&r, "latest/meta-data/instance-id"), "i-1");
	assert_string_equal(page(&r, "2021-07-15/meta-data/instance-id"), "i-1");
	assert_string_equal(page(&r, "latest/meta-data/instance-id/"), "i-1");
	assert_string_equal(page(&r, "latest/user-data"), "#!/bin/sh\n");
	assert_string_equal(page(&r, "latest/meta-data/public-keys"), "0=mine");
	assert_string_equal(page(&r, "latest/meta-data/public-keys/0/"), "openssh-key");
	assert_string_equal(
		page(&r, "latest/meta-data/public-keys/0/openssh-key"), "ssh-ed25519 AAAA mine");
	assert_string_equal(
		page(&r, "latest/meta-data/network/interfaces/macs/"), "02:00:0a:00:00:05/");
	assert_string_equal(
		page(&r, "latest/meta-data/network/interfaces/macs/02:00:0a:00:00:05/local-ipv4s"),
		"10.0.0.5");
	assert_string_equal(page(&r, "latest/meta-data/security-groups"), "web");
	assert_string_equal(page(&r, "latest/meta-data/placement/availability-zone"), "us-east-1a");
	assert_string_equal(page(&r, "latest/meta-data/iam/security-credentials/"), "R");
	assert_string_equal(page(&r, "latest"), "meta-data/\nuser-data\ndynamic/");
	arena_done(&r.arena);
}

TEST(ec2_metadata_pages_that_are_not_there)
{
	struct rig r;
	rig_open(&r);
	static const char *const absent[] = { "latest/meta-data/public-ipv4",
		"latest/meta-data/tags/instance", "nonsense", "latest/nonsense",
		"latest/meta-data/instance", "latest/meta-data/instance-id/x",
		"latest/meta-data/spot/instance-action", "late" };
	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
		assert_string_equal(page(&r, absent[i]), "404");
	r.instance.MetadataOptions =
		&(struct ec2_instance_metadata_options_response){ .InstanceMetadataTags =
									  STR("enabled") };
	ec2_pages_make(&r.c, &r.m, &r.pages);
	assert_string_equal(page(&r, "latest/meta-data/tags/instance/"), "Name");
	assert_string_equal(page(&r, "latest/meta-data/tags/instance/Name"), "");
	arena_done(&r.arena);
}

TEST(ec2_metadata_identity_is_a_document)
{
	struct rig r;
	rig_open(&r);
	struct json *j = json_parse(
		&r.arena, str_c(page(&r, "latest/dynamic/instance-identity/document")), 0, NULL);
	assert_str(json_get_text(j, STR("instanceId")), "i-1");
	assert_str(json_get_text(j, STR("region")), "us-east-1");
	arena_done(&r.arena);
}

TEST(ec2_metadata_tokens)
{
	struct arena a;
	int64_t left_s;
	arena_init(&a);
	struct str token = ec2_metadata_token(&a, STR("i-1"), NOW, 60);
	assert_true(ec2_metadata_token_valid(token, STR("i-1"), NOW + 59000, &left_s));
	assert_int_equal(left_s, 1);
	assert_false(ec2_metadata_token_valid(token, STR("i-1"), NOW + 60000, &left_s));
	assert_false(ec2_metadata_token_valid(token, STR("i-2"), NOW, &left_s));
	assert_false(ec2_metadata_token_valid(STR("nonsense"), STR("i-1"), NOW, &left_s));
	char *forged = arena_cstr(&a, token);
	forged[2] = forged[2] == 'A' ? 'B' : 'A'; /* a later end */
	assert_false(ec2_metadata_token_valid(str_c(forged), STR("i-1"), NOW, &left_s));
	arena_done(&a);
}
