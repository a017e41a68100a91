#include "svc/ec2/ip.h"
#include "unit.h"

TEST(ec2_addresses_as_text_and_back)
{
	static const char *const bad[] = { "", "1", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4",
		"1.2.3.", "1..2.3", "-1.2.3.4", "1.2.3.4 ", "a.b.c.d" };
	uint32_t ip;
	struct arena a;
	arena_init(&a);
	assert_true(ec2_ip_parse(STR("10.0.255.1"), &ip));
	assert_int_equal(ip, 0x0a00ff01);
	assert_true(str_is(ec2_ip_text(&a, ip), "10.0.255.1"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(ec2_ip_parse(str_c(bad[i]), &ip));
	arena_done(&a);
}

TEST(ec2_prefixes)
{
	static const char *const bad[] = { "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/016",
		"10.0.0/16", "/16", "10.0.0.0/-1", "10.0.0.0/16/1" };
	struct plane_cidr c, d;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(ec2_cidr_parse(str_c(bad[i]), &c));
	assert_true(ec2_cidr_parse(STR("10.0.5.9/20"), &c));
	assert_int_equal(c.ip, 0x0a000000);
	assert_int_equal(ec2_cidr_last(c), 0x0a000fff);
	assert_false(ec2_cidr_exact(STR("10.0.5.9/20"), &c));
	assert_true(ec2_cidr_exact(STR("10.0.0.0/20"), &c));
	assert_true(ec2_cidr_parse(STR("0.0.0.0/0"), &d));
	assert_true(ec2_cidr_within(c, d) && !ec2_cidr_within(d, c) && ec2_cidr_overlap(c, d));
	assert_true(ec2_cidr_parse(STR("10.0.16.0/20"), &d));
	assert_false(ec2_cidr_overlap(c, d));
	assert_true(ec2_cidr_has(d, 0x0a001000) && !ec2_cidr_has(d, 0x0a000fff));
}

TEST(ec2_prefixes_of_ipv6)
{
	static const char *const cases[][2] = { { "::/0", "::/0" },
		{ "2001:DB8::1/32", "2001:db8::/32" }, { "fe80::1/128", "fe80::1/128" },
		{ "::/129", NULL }, { "::", NULL }, { "x::/1", NULL }, { "10.0.0.0/8", NULL },
		{ "::1/-1", NULL } };
	struct arena a;
	arena_init(&a);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str got = ec2_cidr6_plain(&a, str_c(cases[i][0]));
		assert_true(cases[i][1] ? str_eq(got, str_c(cases[i][1])) : !got.p);
	}
	arena_done(&a);
}
