#include "svc/s3/tiering.h"

#include "unit.h"

#define DAY INT64_C(86400000)

static struct str
tier_of(const struct s3_object_row *o, const struct s3_intelligent_tiering_configuration *k,
	uint32_t n, const char *key, int64_t day)
{
	struct str t = s3_tiering_tier(k, n, str_c(key), o, day * DAY, DAY);
	return t.p ? t : STR("");
}

TEST(tiering_follows_the_last_read)
{
	struct s3_object_row o = { .Size = OPT_I64(1 << 20), .Modified = OPT_TIME(0) };
	assert_str(tier_of(&o, NULL, 0, "k", 29), "");
	assert_str(tier_of(&o, NULL, 0, "k", 30), "INFREQUENT_ACCESS");
	assert_str(tier_of(&o, NULL, 0, "k", 90), "ARCHIVE_INSTANT_ACCESS");
	assert_str(tier_of(&o, NULL, 0, "k", 900), "ARCHIVE_INSTANT_ACCESS");
	o.LastAccess = OPT_TIME(80 * DAY);
	assert_str(tier_of(&o, NULL, 0, "k", 90), "");
	o.Size = OPT_I64((128 << 10) - 1);
	assert_str(tier_of(&o, NULL, 0, "k", 900), "");
}

TEST(tiering_archives_where_a_configuration_says_so)
{
	struct s3_object_row o = { .Size = OPT_I64(1 << 20), .Modified = OPT_TIME(0) };
	struct s3_tiering tiers[] = { { .Days = OPT_I64(180),
					      .AccessTier = STR("DEEP_ARCHIVE_ACCESS") },
		{ .Days = OPT_I64(120), .AccessTier = STR("ARCHIVE_ACCESS") } };
	struct s3_tag tag = { .Key = STR("cold"), .Value = STR("yes") };
	struct s3_intelligent_tiering_filter filter = { .Prefix = STR("a/") };
	struct s3_intelligent_tiering_configuration k = { .Filter = &filter,
		.Tierings = { tiers, 2, true } };
	assert_str(tier_of(&o, &k, 1, "a/k", 100), "ARCHIVE_INSTANT_ACCESS");
	assert_str(tier_of(&o, &k, 1, "a/k", 120), "ARCHIVE_ACCESS");
	assert_str(tier_of(&o, &k, 1, "a/k", 180), "DEEP_ARCHIVE_ACCESS");
	assert_str(tier_of(&o, &k, 1, "b/k", 180), "ARCHIVE_INSTANT_ACCESS");
	filter = (struct s3_intelligent_tiering_filter){ .Tag = &tag };
	assert_str(tier_of(&o, &k, 1, "a/k", 180), "ARCHIVE_INSTANT_ACCESS");
	o.Tags = (struct s3_tag_list){ &tag, 1, true };
	assert_str(tier_of(&o, &k, 1, "a/k", 180), "DEEP_ARCHIVE_ACCESS");
}
