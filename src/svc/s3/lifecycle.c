/* Lifecycle configuration: AWS's checks, and the three operations. */
#include "svc/s3/lifecycle.h"

#include "base/buf.h"
#include "svc/s3/access.h"

#define RULES_MAX 1000
#define DAY_MS INT64_C(86400000)

static int
malformed(struct call *c)
{
	return call_fail(c, &S3_MalformedXML, NULL);
}

static int
positive_check(struct call *c, struct opt_i64 v, const char *member, const char *action)
{
	if (!v.set || v.v > 0)
		return CALL_OK;
	return call_fail(c, &S3_InvalidArgument, "'%s' for %s action must be a positive integer",
		member, action);
}

static int
date_check(struct call *c, struct opt_time date)
{
	if (!date.set || date.ms % DAY_MS == 0)
		return CALL_OK;
	return call_fail(c, &S3_InvalidArgument, "'Date' must be at midnight GMT");
}

static bool
filter_has_tags(const struct s3_lifecycle_rule_filter *f)
{
	return f && (f->Tag || (f->And && f->And->Tags.n));
}

static bool
filter_has_size(const struct s3_lifecycle_rule_filter *f)
{
	return f && (f->ObjectSizeGreaterThan.set || f->ObjectSizeLessThan.set ||
			    (f->And && (f->And->ObjectSizeGreaterThan.set ||
					       f->And->ObjectSizeLessThan.set)));
}

static int
filter_check(struct call *c, const struct s3_lifecycle_rule *r)
{
	const struct s3_lifecycle_rule_filter *f = r->Filter;
	if (!f == !r->Prefix.p) /* one of the two */
		return malformed(c);
	if (!f)
		return CALL_OK;
	int n = (f->Prefix.p != NULL) + (f->Tag != NULL) + f->ObjectSizeGreaterThan.set +
		f->ObjectSizeLessThan.set + (f->And != NULL);
	if (n > 1)
		return malformed(c);
	if (f->Tag && s3_tags_check(c, f->Tag, 1, 10))
		return CALL_FAILED;
	const struct s3_lifecycle_rule_and_operator *a = f->And;
	if (!a)
		return CALL_OK;
	if ((a->Prefix.p != NULL) + (int)a->Tags.n + a->ObjectSizeGreaterThan.set +
			a->ObjectSizeLessThan.set <
		1)
		return malformed(c);
	if (a->ObjectSizeGreaterThan.set && a->ObjectSizeLessThan.set &&
		a->ObjectSizeLessThan.v <= a->ObjectSizeGreaterThan.v)
		return call_fail(c, &S3_InvalidRequest,
			"'ObjectSizeLessThan' has to be a value greater than "
			"'ObjectSizeGreaterThan'.");
	return s3_tags_check(c, a->Tags.v, a->Tags.n, 10);
}

static int
expiration_check(struct call *c, const struct s3_lifecycle_rule *r)
{
	const struct s3_lifecycle_expiration *e = r->Expiration;
	if (!e)
		return CALL_OK;
	if (e->Days.set + e->Date.set + e->ExpiredObjectDeleteMarker.set != 1)
		return malformed(c);
	if (e->ExpiredObjectDeleteMarker.set && filter_has_tags(r->Filter))
		return call_fail(c, &S3_InvalidRequest,
			"ExpiredObjectDeleteMarker cannot be specified with Tags.");
	if (positive_check(c, e->Days, "Days", "Expiration"))
		return CALL_FAILED;
	return date_check(c, e->Date);
}

/* The infrequent classes are for what lay a month already. */
static int
age_check(struct call *c, struct opt_i64 days, struct str class, const char *member,
	const char *action)
{
	bool infrequent = str_is(class, "STANDARD_IA") || str_is(class, "ONEZONE_IA");
	if (!days.set)
		return CALL_OK;
	if (days.v < 0)
		return call_fail(c, &S3_InvalidArgument, "'%s' in %s action must be nonnegative",
			member, action);
	if (!infrequent || days.v >= 30 || s3_lifecycle_day_short())
		return CALL_OK;
	return call_fail(c, &S3_InvalidArgument,
		"'%s' in %s action must be greater than or equal to 30 for storageClass '%.*s'",
		member, action, STR_FMT(class));
}

static bool class_moves_to(struct str class)
{
	static const char *const known[] = { "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING",
		"GLACIER_IR", "GLACIER", "DEEP_ARCHIVE" };
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (str_eq(class, str_c(known[i])))
			return true;
	return false;
}

static struct str
prefix_of(const struct s3_lifecycle_rule *r)
{
	if (r->Prefix.p)
		return r->Prefix;
	if (r->Filter && r->Filter->And && r->Filter->And->Prefix.p)
		return r->Filter->And->Prefix;
	return r->Filter && r->Filter->Prefix.p ? r->Filter->Prefix : STR("");
}

static int
transitions_check(struct call *c, const struct s3_lifecycle_rule *r)
{
	const struct s3_lifecycle_expiration *e = r->Expiration;
	for (uint32_t i = 0; i < r->Transitions.n; i++) {
		const struct s3_transition *t = &r->Transitions.v[i];
		if (!class_moves_to(t->StorageClass) || t->Date.set == t->Days.set)
			return malformed(c);
		if (date_check(c, t->Date) ||
			age_check(c, t->Days, t->StorageClass, "Days", "Transition"))
			return CALL_FAILED;
		if (e && ((e->Days.set && t->Date.set) || (e->Date.set && t->Days.set)))
			return call_fail(c, &S3_InvalidRequest,
				"Found mixed 'Date' and 'Days' based Expiration and Transition "
				"actions in lifecycle rule for filter '(prefix=%.*s)'",
				STR_FMT(prefix_of(r)));
		if (e && e->Days.set && e->Days.v <= t->Days.v)
			return call_fail(c, &S3_InvalidArgument,
				"'Days' in the Expiration action for filter '(prefix=%.*s)' must "
				"be greater than 'Days' in the Transition action",
				STR_FMT(prefix_of(r)));
		for (uint32_t j = 0; j < i; j++)
			if (str_eq(t->StorageClass, r->Transitions.v[j].StorageClass))
				return call_fail(c, &S3_InvalidRequest,
					"'StorageClass' must be different for 'Transition' actions "
					"in same 'Rule' with filter '(prefix=%.*s)'",
					STR_FMT(prefix_of(r)));
	}
	return CALL_OK;
}

static int
newer_check(struct call *c, struct opt_i64 v, const char *action)
{
	if (!v.set || (v.v >= 1 && v.v <= 100))
		return CALL_OK;
	return call_fail(c, &S3_InvalidArgument,
		"'NewerNoncurrentVersions' for %s action must be a positive integer up to 100",
		action);
}

static int
noncurrent_check(struct call *c, const struct s3_lifecycle_rule *r)
{
	const struct s3_noncurrent_version_expiration *e = r->NoncurrentVersionExpiration;
	if (e && !e->NoncurrentDays.set)
		return malformed(c);
	if (e && (positive_check(
			  c, e->NoncurrentDays, "NoncurrentDays", "NoncurrentVersionExpiration") ||
			 newer_check(c, e->NewerNoncurrentVersions, "NoncurrentVersionExpiration")))
		return CALL_FAILED;
	for (uint32_t i = 0; i < r->NoncurrentVersionTransitions.n; i++) {
		const struct s3_noncurrent_version_transition *t =
			&r->NoncurrentVersionTransitions.v[i];
		if (!class_moves_to(t->StorageClass) || !t->NoncurrentDays.set)
			return malformed(c);
		if (age_check(c, t->NoncurrentDays, t->StorageClass, "NoncurrentDays",
			    "NoncurrentVersionTransition") ||
			newer_check(c, t->NewerNoncurrentVersions, "NoncurrentVersionTransition"))
			return CALL_FAILED;
	}
	return CALL_OK;
}

static int
uploads_check(struct call *c, const struct s3_lifecycle_rule *r)
{
	const struct s3_abort_incomplete_multipart_upload *a = r->AbortIncompleteMultipartUpload;
	if (!a)
		return CALL_OK;
	if (filter_has_tags(r->Filter))
		return call_fail(c, &S3_InvalidRequest,
			"AbortIncompleteMultipartUpload cannot be specified with Tags.");
	if (filter_has_size(r->Filter))
		return call_fail(c, &S3_InvalidRequest,
			"AbortIncompleteMultipartUpload cannot be specified with Object Size.");
	if (!a->DaysAfterInitiation.set)
		return malformed(c);
	return positive_check(
		c, a->DaysAfterInitiation, "DaysAfterInitiation", "AbortIncompleteMultipartUpload");
}

static int
rule_check(struct call *c, struct s3_lifecycle_rule *r)
{
	if (!str_is(r->Status, "Enabled") && !str_is(r->Status, "Disabled"))
		return malformed(c);
	if (r->ID.len > 255)
		return call_fail(
			c, &S3_InvalidArgument, "ID length should not exceed allowed limit of 255");
	if (filter_check(c, r))
		return CALL_FAILED;
	if (!r->Expiration && !r->Transitions.n && !r->NoncurrentVersionExpiration &&
		!r->NoncurrentVersionTransitions.n && !r->AbortIncompleteMultipartUpload)
		return call_fail(c, &S3_InvalidRequest,
			"At least one action needs to be specified in a rule");
	if (!r->ID.len)
		r->ID = call_uuid(c);
	return expiration_check(c, r) || transitions_check(c, r) || noncurrent_check(c, r)
		       ? CALL_FAILED
		       : uploads_check(c, r);
}

static int
rules_check(struct call *c, struct s3_lifecycle_rule *rules, uint32_t n)
{
	if (!n || n > RULES_MAX)
		return malformed(c);
	for (uint32_t i = 0; i < n; i++) {
		if (rule_check(c, &rules[i]))
			return CALL_FAILED;
		for (uint32_t j = 0; j < i; j++)
			if (str_eq(rules[i].ID, rules[j].ID))
				return call_fail(c, &S3_InvalidArgument,
					"Rule ID must be unique. Found same ID for more than one "
					"rule");
	}
	return CALL_OK;
}

int
s3_put_bucket_lifecycle_configuration(struct call *c,
	const struct s3_put_bucket_lifecycle_configuration_in *in,
	struct s3_put_bucket_lifecycle_configuration_out *out)
{
	struct s3_bucket_row b = { 0 };
	struct s3_lifecycle_row row = { 0 };
	struct buf bytes = { 0 };
	if (s3_config_open(
		    c, in->Bucket, in->ExpectedBucketOwner, "s3:PutLifecycleConfiguration", &b))
		return CALL_FAILED;
	if (!in->LifecycleConfiguration)
		return malformed(c);
	row.Rules = in->LifecycleConfiguration->Rules;
	if (rules_check(c, row.Rules.v, row.Rules.n))
		return CALL_FAILED;
	row.MinimumSize = in->TransitionDefaultMinimumObjectSize.p
				  ? in->TransitionDefaultMinimumObjectSize
				  : STR("all_storage_classes_128K");
	row_encode(&s3_lifecycle_row_shape, &row, &bytes);
	s3_config_put(c, &b, S3_CONFIG_LIFECYCLE, buf_str(&bytes));
	buf_done(&bytes);
	s3_lifecycle_schedule(c, b.Name);
	out->TransitionDefaultMinimumObjectSize = row.MinimumSize;
	return CALL_OK;
}

int
s3_get_bucket_lifecycle_configuration(struct call *c,
	const struct s3_get_bucket_lifecycle_configuration_in *in,
	struct s3_get_bucket_lifecycle_configuration_out *out)
{
	struct s3_bucket_row b = { 0 };
	struct s3_lifecycle_row row = { 0 };
	struct str bytes;
	if (s3_config_open(
		    c, in->Bucket, in->ExpectedBucketOwner, "s3:GetLifecycleConfiguration", &b))
		return CALL_FAILED;
	if (!s3_config_get(c, &b, S3_CONFIG_LIFECYCLE, &bytes) ||
		!row_decode(&s3_lifecycle_row_shape, bytes, c->arena, &row)) {
		call_fail(c, &S3_NoSuchLifecycleConfiguration, NULL);
		return call_fail_field(c, "BucketName", in->Bucket);
	}
	out->Rules = row.Rules;
	out->TransitionDefaultMinimumObjectSize = row.MinimumSize;
	return CALL_OK;
}

int
s3_delete_bucket_lifecycle(struct call *c, const struct s3_delete_bucket_lifecycle_in *in,
	struct s3_delete_bucket_lifecycle_out *out __attribute__((unused)))
{
	struct s3_bucket_row b = { 0 };
	if (s3_config_open(
		    c, in->Bucket, in->ExpectedBucketOwner, "s3:PutLifecycleConfiguration", &b))
		return CALL_FAILED;
	if (b.Configs.v >> S3_CONFIG_LIFECYCLE & 1)
		s3_config_put(c, &b, S3_CONFIG_LIFECYCLE, STR_NULL);
	return CALL_OK;
}
