#include "svc/s3/lock.h"

#include "base/buf.h"
#include "svc/s3/access.h"

#define DAY_MS INT64_C(86400000)
#define DAYS_MAX 36500
#define YEARS_MAX 100

static int
protected_error(struct call *c)
{
	return call_fail(
		c, &S3_AccessDenied, "Access Denied because object protected by object lock.");
}

static int
lock_missing(struct call *c)
{
	return call_fail(c, &S3_InvalidRequest, "Bucket is missing Object Lock Configuration");
}

struct str
s3_lock_hold_text(const struct s3_object_row *o)
{
	return !o->LegalHold.set ? STR_NULL : o->LegalHold.v ? STR("ON") : STR("OFF");
}

bool
s3_lock_holds(const struct s3_object_row *o, int64_t now_ms, bool bypass)
{
	if (o->LegalHold.v)
		return true;
	if (!o->LockMode.p || !o->LockUntil.set || o->LockUntil.ms <= now_ms)
		return false;
	return !(bypass && str_is(o->LockMode, "GOVERNANCE"));
}

int
s3_lock_check_delete(struct call *c, const struct s3_bucket_row *b, struct str key,
	const struct s3_object_row *o, bool bypass)
{
	if (!s3_lock_holds(o, c->now_ms, false))
		return CALL_OK;
	if (s3_lock_holds(o, c->now_ms, bypass))
		return protected_error(c);
	return s3_access(c, b, "s3:BypassGovernanceRetention", key, o);
}

bool
s3_lock_visible(struct call *c, const struct s3_bucket_row *b, struct str key,
	const struct s3_object_row *o, const char *action)
{
	return (o->LockMode.p || o->LegalHold.set) && s3_access_would(c, b, action, key);
}

/* ---- what comes with an upload ---- */

static bool
mode_known(struct str mode)
{
	return str_is(mode, "GOVERNANCE") || str_is(mode, "COMPLIANCE");
}

static int
retention_claim_check(struct call *c, const struct s3_lock_claim *k)
{
	if (!k->mode.p != !k->until.set)
		return call_fail(c, &S3_InvalidArgument,
			"x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both "
			"be supplied");
	if (k->mode.p && !mode_known(k->mode))
		return call_fail(c, &S3_InvalidArgument, "Unknown wormMode directive.");
	if (k->until.set && k->until.ms <= c->now_ms)
		return call_fail(
			c, &S3_InvalidArgument, "The retain until date must be in the future!");
	return CALL_OK;
}

int
s3_lock_claim_apply(struct call *c, const struct s3_bucket_row *b, struct str key,
	const struct s3_lock_claim *k, struct s3_object_row *o)
{
	if (!k->mode.p && !k->until.set && !k->legal_hold.p)
		return CALL_OK;
	if (!b->ObjectLock.v)
		return lock_missing(c);
	if (retention_claim_check(c, k))
		return CALL_FAILED;
	if (k->legal_hold.p && !str_is(k->legal_hold, "ON") && !str_is(k->legal_hold, "OFF"))
		return call_fail(
			c, &S3_InvalidArgument, "Legal Hold must be either of 'ON' or 'OFF'");
	if ((k->mode.p && s3_access(c, b, "s3:PutObjectRetention", key, NULL)) ||
		(k->legal_hold.p && s3_access(c, b, "s3:PutObjectLegalHold", key, NULL)))
		return CALL_FAILED;
	if (!o)
		return CALL_OK;
	o->LockMode = k->mode;
	o->LockUntil = k->until;
	if (k->legal_hold.p)
		o->LegalHold = OPT_BOOL(str_is(k->legal_hold, "ON"));
	return CALL_OK;
}

static bool
configuration_get(struct call *c, const struct s3_bucket_row *b, struct s3_lock_row *ret)
{
	struct str bytes;
	*ret = (struct s3_lock_row){ 0 };
	return s3_config_get(c, b, S3_CONFIG_LOCK, &bytes) &&
	       row_decode(&s3_lock_row_shape, bytes, c->arena, ret);
}

void
s3_lock_default(struct call *c, const struct s3_bucket_row *b, struct s3_object_row *o)
{
	struct s3_lock_row row;
	if (!b->ObjectLock.v || o->Marker.v || o->LockMode.p || !configuration_get(c, b, &row) ||
		!row.Rule || !row.Rule->DefaultRetention)
		return;
	const struct s3_default_retention *d = row.Rule->DefaultRetention;
	int64_t days = d->Days.set ? d->Days.v : d->Years.v * 365;
	o->LockMode = d->Mode;
	o->LockUntil = OPT_TIME(c->now_ms + days * DAY_MS);
}

/* ---- configuration ---- */

static int
period_check(struct call *c, struct opt_i64 v, int64_t max, const char *too_large)
{
	if (!v.set)
		return CALL_OK;
	if (v.v < 1)
		return call_fail(c, &S3_InvalidRetentionPeriod, NULL);
	return v.v > max ? call_fail(c, &S3_InvalidArgument, "%s", too_large) : CALL_OK;
}

static int
configuration_check(struct call *c, const struct s3_object_lock_configuration *k)
{
	if (!k || !str_is(k->ObjectLockEnabled, "Enabled"))
		return call_fail(c, &S3_MalformedXML, NULL);
	if (!k->Rule)
		return CALL_OK;
	const struct s3_default_retention *d = k->Rule->DefaultRetention;
	if (!d || !mode_known(d->Mode) || d->Days.set == d->Years.set)
		return call_fail(c, &S3_MalformedXML, NULL);
	return period_check(c, d->Days, DAYS_MAX, "The retention period in days is too large.") ||
			       period_check(c, d->Years, YEARS_MAX,
				       "The retention period in years is too large.")
		       ? CALL_FAILED
		       : CALL_OK;
}

int
s3_put_object_lock_configuration(struct call *c,
	const struct s3_put_object_lock_configuration_in *in,
	struct s3_put_object_lock_configuration_out *out __attribute__((unused)))
{
	struct s3_bucket_row b = { 0 };
	struct s3_lock_row row = { 0 };
	struct buf bytes = { 0 };
	if (s3_config_open(c, in->Bucket, in->ExpectedBucketOwner,
		    "s3:PutBucketObjectLockConfiguration", &b) ||
		configuration_check(c, in->ObjectLockConfiguration))
		return CALL_FAILED;
	if (b.Versioning.v != S3_VERSIONED)
		return call_fail(c, &S3_InvalidBucketState,
			"Versioning must be 'Enabled' on the bucket to apply a Object Lock "
			"configuration");
	b.ObjectLock = OPT_BOOL(true);
	row.Rule = in->ObjectLockConfiguration->Rule;
	row_encode(&s3_lock_row_shape, &row, &bytes);
	s3_config_put(c, &b, S3_CONFIG_LOCK, buf_str(&bytes));
	buf_done(&bytes);
	return CALL_OK;
}

int
s3_get_object_lock_configuration(struct call *c,
	const struct s3_get_object_lock_configuration_in *in,
	struct s3_get_object_lock_configuration_out *out)
{
	struct s3_bucket_row b = { 0 };
	struct s3_lock_row row;
	if (s3_config_open(c, in->Bucket, in->ExpectedBucketOwner,
		    "s3:GetBucketObjectLockConfiguration", &b))
		return CALL_FAILED;
	if (!b.ObjectLock.v) {
		call_fail(c, &S3_ObjectLockConfigurationNotFoundError, NULL);
		return call_fail_field(c, "BucketName", in->Bucket);
	}
	configuration_get(c, &b, &row);
	out->ObjectLockConfiguration = arena_new(c->arena, struct s3_object_lock_configuration);
	out->ObjectLockConfiguration->ObjectLockEnabled = STR("Enabled");
	out->ObjectLockConfiguration->Rule = row.Rule;
	return CALL_OK;
}

/* ---- retention and legal hold of a version ---- */

static int
version_open(struct call *c, struct str bucket, struct str owner, struct str key,
	struct str version_id, const char *action, struct s3_bucket_row *b, struct s3_object_row *o)
{
	if (s3_bucket_open(c, bucket, owner, b))
		return CALL_FAILED;
	if (!b->ObjectLock.v)
		return s3_access(c, b, action, key, NULL) ? CALL_FAILED : lock_missing(c);
	bool there = version_id.p ? s3_version_get(c, b, key, version_id, o)
				  : s3_latest_get(c, b, key, o);
	/* One action for all versions. */
	if (s3_version_id_check(c, version_id) || s3_access(c, b, action, key, there ? o : NULL))
		return CALL_FAILED;
	if (!there) {
		call_fail(c, version_id.p ? &S3_NoSuchVersion : &S3_NoSuchKey, NULL);
		return call_fail_field(c, "Key", key);
	}
	return o->Marker.v ? call_fail(c, &S3_MethodNotAllowed, NULL) : CALL_OK;
}

/* Longer is always fine; anything else needs the bypass, and compliance cannot be passed. */
static int
retention_change_check(struct call *c, const struct s3_bucket_row *b, struct str key,
	const struct s3_object_row *o, const struct s3_object_lock_retention *r, bool bypass)
{
	bool active = o->LockMode.p && o->LockUntil.set && o->LockUntil.ms > c->now_ms;
	bool longer = r->Mode.p && r->RetainUntilDate.ms >= o->LockUntil.ms;
	if (!active || (longer && str_eq(r->Mode, o->LockMode)))
		return CALL_OK;
	if (str_is(o->LockMode, "COMPLIANCE") || !bypass)
		return protected_error(c);
	return s3_access(c, b, "s3:BypassGovernanceRetention", key, o);
}

int
s3_put_object_retention(struct call *c, const struct s3_put_object_retention_in *in,
	struct s3_put_object_retention_out *out __attribute__((unused)))
{
	struct s3_bucket_row b = { 0 };
	struct s3_object_row o = { 0 };
	const struct s3_object_lock_retention *r = in->Retention;
	if (version_open(c, in->Bucket, in->ExpectedBucketOwner, in->Key, in->VersionId,
		    "s3:PutObjectRetention", &b, &o))
		return CALL_FAILED;
	if (!r || !r->Mode.p != !r->RetainUntilDate.set || (r->Mode.p && !mode_known(r->Mode)))
		return call_fail(c, &S3_MalformedXML, NULL);
	if (r->RetainUntilDate.set && r->RetainUntilDate.ms <= c->now_ms)
		return call_fail(
			c, &S3_InvalidArgument, "The retain until date must be in the future!");
	if (retention_change_check(c, &b, in->Key, &o, r, in->BypassGovernanceRetention.v))
		return CALL_FAILED;
	o.LockMode = r->Mode;
	o.LockUntil = r->RetainUntilDate;
	s3_version_update(c, &b, in->Key, &o);
	return CALL_OK;
}

static int
nothing_there(struct call *c)
{
	return call_fail(c, &S3_NoSuchObjectLockConfiguration, NULL);
}

int
s3_get_object_retention(struct call *c, const struct s3_get_object_retention_in *in,
	struct s3_get_object_retention_out *out)
{
	struct s3_bucket_row b = { 0 };
	struct s3_object_row o = { 0 };
	if (version_open(c, in->Bucket, in->ExpectedBucketOwner, in->Key, in->VersionId,
		    "s3:GetObjectRetention", &b, &o))
		return CALL_FAILED;
	if (!o.LockMode.p)
		return nothing_there(c);
	out->Retention = arena_new(c->arena, struct s3_object_lock_retention);
	out->Retention->Mode = o.LockMode;
	out->Retention->RetainUntilDate = o.LockUntil;
	return CALL_OK;
}

int
s3_put_object_legal_hold(struct call *c, const struct s3_put_object_legal_hold_in *in,
	struct s3_put_object_legal_hold_out *out __attribute__((unused)))
{
	struct s3_bucket_row b = { 0 };
	struct s3_object_row o = { 0 };
	struct str status = in->LegalHold ? in->LegalHold->Status : STR_NULL;
	if (version_open(c, in->Bucket, in->ExpectedBucketOwner, in->Key, in->VersionId,
		    "s3:PutObjectLegalHold", &b, &o))
		return CALL_FAILED;
	if (!str_is(status, "ON") && !str_is(status, "OFF"))
		return call_fail(c, &S3_MalformedXML, NULL);
	o.LegalHold = OPT_BOOL(str_is(status, "ON"));
	s3_version_update(c, &b, in->Key, &o);
	return CALL_OK;
}

int
s3_get_object_legal_hold(struct call *c, const struct s3_get_object_legal_hold_in *in,
	struct s3_get_object_legal_hold_out *out)
{
	struct s3_bucket_row b = { 0 };
	struct s3_object_row o = { 0 };
	if (version_open(c, in->Bucket, in->ExpectedBucketOwner, in->Key, in->VersionId,
		    "s3:GetObjectLegalHold", &b, &o))
		return CALL_FAILED;
	if (!o.LegalHold.set)
		return nothing_there(c);
	out->LegalHold = arena_new(c->arena, struct s3_object_lock_legal_hold);
	out->LegalHold->Status = s3_lock_hold_text(&o);
	return CALL_OK;
}
