#include "svc/ec2/ec2_rig.h"

TEST(ec2_globs)
{
	static const struct {
		const char *pattern, *text;
		bool fits;
	} cases[] = {
		{ "", "", true },
		{ "a", "a", true },
		{ "a", "A", false },
		{ "*", "", true },
		{ "*", "anything", true },
		{ "a*c", "abbbc", true },
		{ "a*c", "abbbd", false },
		{ "*.micro", "t3.micro", true },
		{ "t?.micro", "t3.micro", true },
		{ "t?.micro", "t33.micro", false },
		{ "a\\*b", "a*b", true },
		{ "a\\*b", "axb", false },
		{ "*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", false },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(
			ec2_glob(str_c(cases[i].pattern), str_c(cases[i].text)), cases[i].fits);
}
