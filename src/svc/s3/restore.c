#include "svc/s3/restore.h"

#include "aws/due.h"
#include "svc/s3/events.h"
#include "svc/s3/task_run.h"
#include "svc/s3/tiering.h"

#define KIND "s3-restore"
#define MINUTE_MS INT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)

bool
s3_archived(const struct s3_object_row *o)
{
	return str_is(o->StorageClass, "GLACIER") || str_is(o->StorageClass, "DEEP_ARCHIVE") ||
	       s3_tiering_archived(o);
}

static bool
restored(const struct s3_object_row *o, int64_t now_ms)
{
	return o->RestoreExpiry.set && !o->RestoreOngoing.v && o->RestoreExpiry.ms > now_ms;
}

int
s3_archived_check(struct call *c, const struct s3_object_row *o)
{
	if (!s3_archived(o) || restored(o, c->now_ms))
		return CALL_OK;
	call_fail(c, &S3_InvalidObjectState, NULL);
	if (s3_tiering_archived(o))
		call_fail_field(c, "AccessTier", o->AccessTier);
	return call_fail_field(c, "StorageClass", o->StorageClass);
}

struct str
s3_restore_header(struct call *c, const struct s3_object_row *o)
{
	if (!s3_archived(o))
		return STR_NULL;
	if (o->RestoreOngoing.v)
		return STR("ongoing-request=\"true\"");
	if (!restored(o, c->now_ms))
		return STR_NULL;
	return arena_printf(c->arena, "ongoing-request=\"false\", expiry-date=\"%.*s\"",
		STR_FMT(time_text(c->arena, o->RestoreExpiry.ms, TIME_HTTP)));
}

/* The middle of what AWS promises. */
int64_t
s3_restore_ms(struct str class, struct str tier)
{
	bool deep = str_is(class, "DEEP_ARCHIVE");
	if (str_is(tier, "Expedited"))
		return deep ? 0 : 3 * MINUTE_MS;
	if (str_is(tier, "Bulk"))
		return deep ? 48 * HOUR_MS : 8 * HOUR_MS;
	return str_is(tier, "Standard") ? (deep ? 12 : 4) * HOUR_MS : 0;
}

/* ---- what is due ---- */

static struct str
due_id(struct key *k, const struct s3_bucket_row *b, struct str key, const struct s3_object_row *o)
{
	key_begin(k);
	key_add(k, b->Name);
	key_add_u64(k, (uint64_t)o->Seq.v);
	/* Ids are short and keys are not: the payload has the key. */
	unsigned char sum[32];
	sha256(key, sum);
	key_add_raw(k, str_of(sum, 16));
	return key_str(k);
}

static void
plan(struct call *c, const struct s3_bucket_row *b, struct str key, const struct s3_object_row *o,
	int64_t at_ms)
{
	struct key id, payload;
	key_begin(&payload);
	key_add(&payload, b->Name);
	key_add_u64(&payload, (uint64_t)b->Id.v);
	key_add(&payload, o->VersionId.p ? o->VersionId : STR("null"));
	key_add_raw(&payload, key);
	due_add(c->tx, STR(KIND), due_id(&id, b, key, o), at_ms, key_str(&payload));
}

static void
copy_ends(struct call *c, const struct s3_bucket_row *b, struct str key, struct s3_object_row *o)
{
	o->RestoreExpiry.set = false;
	o->RestoreOngoing.set = false;
	s3_version_update(c, b, key, o);
	s3_event_object(c, b,
		str_is(o->StorageClass, "INTELLIGENT_TIERING") ? "s3:ObjectRestore:Completed"
							       : "s3:ObjectRestore:Delete",
		key, o);
}

static void
copy_arrives(struct call *c, const struct s3_bucket_row *b, struct str key, struct s3_object_row *o)
{
	int64_t days = o->RestoreExpiry.ms; /* asked for, while it is under way */
	if (s3_tiering_archived(o)) {
		/* It comes back for good. */
		o->AccessTier = STR_NULL;
		o->LastAccess = OPT_TIME(c->now_ms);
		copy_ends(c, b, key, o);
		return;
	}
	o->RestoreOngoing = OPT_BOOL(false);
	o->RestoreExpiry = OPT_TIME((c->now_ms + days * DAY_MS + DAY_MS - 1) / DAY_MS * DAY_MS);
	s3_version_update(c, b, key, o);
	plan(c, b, key, o, o->RestoreExpiry.ms);
	s3_event_object(c, b, "s3:ObjectRestore:Completed", key, o);
}

static int
due_run(struct tx *t, struct str id __attribute__((unused)), int64_t due_ms, struct str payload,
	void *arg __attribute__((unused)))
{
	struct call c;
	struct arena a;
	struct s3_bucket_row b = { 0 };
	struct s3_object_row o = { 0 };
	char name_text[128], version_text[64];
	struct str name, version;
	uint64_t bucket;
	s3_task_call(&c, &a, t, due_ms);
	struct str rest = arena_dup(&a, payload);
	if (key_take(&rest, name_text, sizeof(name_text), &name) && key_take_u64(&rest, &bucket) &&
		key_take(&rest, version_text, sizeof(version_text), &version) &&
		s3_bucket_find(&c, name, &b) && (uint64_t)b.Id.v == bucket &&
		s3_version_get(&c, &b, rest, version, &o)) {
		c.account = c.who.account = b.Owner;
		if (o.RestoreOngoing.v)
			copy_arrives(&c, &b, rest, &o);
		else if (o.RestoreExpiry.set && o.RestoreExpiry.ms <= due_ms)
			copy_ends(&c, &b, rest, &o);
	}
	arena_done(&a);
	return 0;
}

void
s3_restore_start(void)
{
	due_handle(KIND, due_run, NULL);
}

/* ---- the operation ---- */

/* Archive tiers take the time of the archive class that they are like. */
static struct str
depth_of(const struct s3_object_row *o)
{
	if (!s3_tiering_archived(o))
		return o->StorageClass;
	return str_is(o->AccessTier, "DEEP_ARCHIVE_ACCESS") ? STR("DEEP_ARCHIVE") : STR("GLACIER");
}

static int
request_check(struct call *c, const struct s3_restore_request *r, const struct s3_object_row *o,
	struct str *ret_tier)
{
	if (!r)
		return call_fail(c, &S3_MalformedXML, NULL);
	if (r->Type.p || r->SelectParameters || r->OutputLocation)
		return call_fail(c, &S3_NotImplemented,
			"S3 Select restores are not implemented: AWS closed them to new users.");
	/* Out of an archive tier it comes for good, so no days are told. */
	bool tiered = s3_tiering_archived(o);
	if (tiered ? r->Days.set : !r->Days.set || r->Days.v < 1)
		return call_fail(c, &S3_MalformedXML, NULL);
	*ret_tier = r->GlacierJobParameters ? r->GlacierJobParameters->Tier : r->Tier;
	if (!ret_tier->p)
		*ret_tier = STR("Standard");
	if (s3_restore_ms(depth_of(o), *ret_tier))
		return CALL_OK;
	return call_fail(
		c, &S3_InvalidArgument, "Retrieval option is not supported by this storage class");
}

/* A copy that is there lasts longer or shorter from now on. */
static int
extend(struct call *c, const struct s3_bucket_row *b, const struct s3_restore_object_in *in,
	struct s3_object_row *o)
{
	o->RestoreExpiry = OPT_TIME(
		(c->now_ms + in->RestoreRequest->Days.v * DAY_MS + DAY_MS - 1) / DAY_MS * DAY_MS);
	s3_version_update(c, b, in->Key, o);
	plan(c, b, in->Key, o, o->RestoreExpiry.ms);
	c->status = 200;
	return CALL_OK;
}

int
s3_restore_object(struct call *c, const struct s3_restore_object_in *in,
	struct s3_restore_object_out *out __attribute__((unused)))
{
	struct s3_bucket_row b = { 0 };
	struct s3_object_row o = { 0 };
	struct str tier;
	if (s3_bucket_open(c, in->Bucket, in->ExpectedBucketOwner, &b))
		return CALL_FAILED;
	bool there = in->VersionId.p ? s3_version_get(c, &b, in->Key, in->VersionId, &o)
				     : s3_current_get(c, &b, in->Key, &o);
	if (s3_access(c, &b, "s3:RestoreObject", in->Key, there ? &o : NULL) ||
		s3_version_id_check(c, in->VersionId))
		return CALL_FAILED;
	if (!there) {
		call_fail(c, in->VersionId.p ? &S3_NoSuchVersion : &S3_NoSuchKey, NULL);
		return call_fail_field(c, "Key", in->Key);
	}
	if (o.Marker.v)
		return call_fail(c, &S3_MethodNotAllowed, NULL);
	if (!s3_archived(&o)) {
		call_fail(c, &S3_InvalidObjectState,
			"Restore is not allowed for the object's current storage class");
		return call_fail_field(
			c, "StorageClass", o.StorageClass.p ? o.StorageClass : STR("STANDARD"));
	}
	if (request_check(c, in->RestoreRequest, &o, &tier))
		return CALL_FAILED;
	if (o.RestoreOngoing.v)
		return call_fail(c, &S3_RestoreAlreadyInProgress, NULL);
	if (restored(&o, c->now_ms))
		return extend(c, &b, in, &o);
	o.RestoreOngoing = OPT_BOOL(true);
	o.RestoreExpiry = OPT_TIME(in->RestoreRequest->Days.v);
	s3_version_update(c, &b, in->Key, &o);
	plan(c, &b, in->Key, &o, c->now_ms + s3_restore_ms(depth_of(&o), tier));
	s3_event_object(c, &b, "s3:ObjectRestore:Post", in->Key, &o);
	c->status = 202;
	return CALL_OK;
}
