#include "svc/s3/lifecycle.h"

#include "svc/s3/s3_rig.h"

#define DAY INT64_C(86400000)

TEST(lifecycle_days_end_at_midnight)
{
	assert_int_equal(s3_lifecycle_due(10 * DAY, 1, DAY), 11 * DAY);
	assert_int_equal(s3_lifecycle_due(10 * DAY + 1, 1, DAY), 12 * DAY);
	assert_int_equal(s3_lifecycle_due(10 * DAY + 1, 0, DAY), 11 * DAY);
}

TEST(lifecycle_filters)
{
	struct s3_tag tag = { .Key = STR("a"), .Value = STR("1") };
	struct s3_tag other = { .Key = STR("a"), .Value = STR("2") };
	struct s3_lifecycle_rule_filter f = { .Tag = &tag };
	struct s3_lifecycle_rule r = { .Status = STR("Enabled"), .Filter = &f };
	struct s3_lifecycle_object o = { STR("log/x"), 100, &tag, 1, false };
	assert_true(s3_lifecycle_matches(&r, &o));
	o.tags = &other;
	assert_false(s3_lifecycle_matches(&r, &o));
	f = (struct s3_lifecycle_rule_filter){ .ObjectSizeGreaterThan = OPT_I64(100) };
	assert_false(s3_lifecycle_matches(&r, &o));
	o.size = 101;
	assert_true(s3_lifecycle_matches(&r, &o));
	f = (struct s3_lifecycle_rule_filter){ .Prefix = STR("log/") };
	assert_true(s3_lifecycle_matches(&r, &o));
	r.Status = STR("Disabled");
	assert_false(s3_lifecycle_matches(&r, &o));
}

TEST(lifecycle_goes_down_and_leaves_small_objects)
{
	struct s3_transition t[] = { { .Days = OPT_I64(90), .StorageClass = STR("GLACIER") },
		{ .Days = OPT_I64(30), .StorageClass = STR("STANDARD_IA") } };
	struct s3_lifecycle_rule r = { .Status = STR("Enabled"), .Prefix = STR("") };
	struct s3_lifecycle_row l = { .MinimumSize = STR("all_storage_classes_128K") };
	struct s3_object_row row = { .Modified = OPT_TIME(0) };
	struct s3_lifecycle_object o = { STR("k"), 1 << 20, NULL, 0, false };
	r.Transitions.v = t;
	r.Transitions.n = 2;
	l.Rules.v = &r;
	l.Rules.n = 1;
	assert_null(s3_lifecycle_class(&l, &o, &row, 29 * DAY).p);
	assert_true(str_is(s3_lifecycle_class(&l, &o, &row, 30 * DAY), "STANDARD_IA"));
	assert_true(str_is(s3_lifecycle_class(&l, &o, &row, 90 * DAY), "GLACIER"));
	row.StorageClass = STR("DEEP_ARCHIVE");
	assert_null(s3_lifecycle_class(&l, &o, &row, 90 * DAY).p);
	row.StorageClass = STR_NULL;
	o.size = 1000;
	assert_null(s3_lifecycle_class(&l, &o, &row, 90 * DAY).p);
}
