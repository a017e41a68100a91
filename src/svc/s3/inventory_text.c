#include "base/json.h"
#include "svc/s3/acl.h"
#include "svc/s3/inventory.h"
#include "svc/s3/lifecycle.h"
#include "svc/s3/lock.h"
#include "svc/s3/rules.h"
#include "svc/s3/sse.h"

static bool
all_versions(const struct s3_inventory_configuration *k)
{
	return str_is(k->IncludedObjectVersions, "All");
}

struct str
s3_inventory_schema(struct call *c, const struct s3_inventory_configuration *k)
{
	struct buf b = { 0 };
	buf_add_lit(&b, "Bucket, Key");
	if (all_versions(k))
		buf_add_lit(&b, ", VersionId, IsLatest, IsDeleteMarker");
	for (uint32_t i = 0; i < k->OptionalFields.n; i++)
		buf_printf(&b, ", %.*s", STR_FMT(k->OptionalFields.v[i]));
	struct str text = arena_dup(c->arena, buf_str(&b));
	buf_done(&b);
	return text;
}

/* ---- fields ---- */

static struct str
yes_no(bool b)
{
	return b ? STR("true") : STR("false");
}

static struct str
time_or_none(struct call *c, struct opt_time t)
{
	return t.set ? time_text(c->arena, t.ms, TIME_ISO8601_MS) : STR("");
}

static struct str
encryption_of(const struct s3_object_row *o)
{
	return o->SseCustomerAlgorithm.p ? STR("SSE-C")
	       : o->SseKmsKeyId.p        ? STR("SSE-KMS")
	       : o->Sse.p                ? STR("SSE-S3")
					 : STR("NOT-SSE");
}

static struct str
expiration_of(const struct s3_inventory_entry *e)
{
	const struct s3_lifecycle_row *l = s3_rules_get(e->c, e->b)->lifecycle;
	struct s3_lifecycle_object what = { e->key, (uint64_t)e->o->Size.v, e->o->Tags.v,
		e->o->Tags.n, false };
	struct opt_time first = { 0 };
	for (uint32_t i = 0; l && e->latest && i < l->Rules.n; i++) {
		const struct s3_lifecycle_rule *r = &l->Rules.v[i];
		int64_t at;
		if (s3_lifecycle_matches(r, &what) &&
			s3_lifecycle_expiry(r, e->o, s3_lifecycle_day_ms(), &at) &&
			(!first.set || at < first.ms))
			first = OPT_TIME(at);
	}
	return time_or_none(e->c, first);
}

/* Base64 of a JSON document, as AWS writes it. */
static struct str
list_of(const struct s3_inventory_entry *e)
{
	struct call *c = e->c;
	struct s3_acl_row acl;
	struct s3_grant_list grants = { 0 };
	struct s3_acl_place at = { e->o->Owner, e->b->Owner, true };
	struct buf b = { 0 };
	struct json_writer w = { .out = &b };
	bool listed = e->o->Acl.p && s3_acl_decode(e->o->Acl, c->arena, &acl);
	s3_acl_grants(c, &at, listed ? &acl : NULL, &grants);
	json_write_object(&w);
	json_write_member_str(&w, "version", STR("2022-11-10"));
	json_write_member_str(&w, "status", STR("AVAILABLE"));
	json_write_key(&w, STR("grants"));
	json_write_array(&w);
	for (uint32_t i = 0; i < grants.n; i++) {
		const struct s3_grantee *g = grants.v[i].Grantee;
		json_write_object(&w);
		if (g->ID.p)
			json_write_member_str(&w, "canonicalId", g->ID);
		if (g->URI.p)
			json_write_member_str(&w, "uri", g->URI);
		json_write_member_str(&w, "permission", grants.v[i].Permission);
		json_write_member_str(&w, "type", g->Type);
		json_write_object_end(&w);
	}
	json_write_array_end(&w);
	json_write_object_end(&w);
	struct str text = base64_text(c->arena, buf_str(&b));
	buf_done(&b);
	return text;
}

static struct str
lock_field(const struct s3_inventory_entry *e, struct str name)
{
	if (str_is(name, "ObjectLockMode"))
		return e->o->LockMode.p ? e->o->LockMode : STR("");
	if (str_is(name, "ObjectLockRetainUntilDate"))
		return time_or_none(e->c, e->o->LockUntil);
	if (!e->b->ObjectLock.v)
		return STR("");
	struct str hold = s3_lock_hold_text(e->o);
	return hold.p ? hold : STR("OFF");
}

static struct str
field(const struct s3_inventory_entry *e, struct str name)
{
	const struct s3_object_row *o = e->o;
	struct call *c = e->c;
	if (str_starts(name, STR("ObjectLock")))
		return lock_field(e, name);
	if (str_is(name, "ObjectOwner"))
		return s3_canonical_id(c, o->Owner);
	if (o->Marker.v)
		return str_is(name, "LastModifiedDate") ? time_or_none(c, o->Modified) : STR("");
	if (str_is(name, "Size"))
		return arena_printf(c->arena, "%lld", (long long)o->Size.v);
	if (str_is(name, "LastModifiedDate"))
		return time_or_none(c, o->Modified);
	if (str_is(name, "StorageClass"))
		return o->StorageClass.p ? o->StorageClass : STR("STANDARD");
	if (str_is(name, "ETag"))
		return o->ETag;
	if (str_is(name, "IsMultipartUploaded"))
		return yes_no(o->PartsCount.set);
	if (str_is(name, "ReplicationStatus"))
		return o->ReplicationStatus.p ? o->ReplicationStatus : STR("");
	if (str_is(name, "EncryptionStatus"))
		return encryption_of(o);
	if (str_is(name, "IntelligentTieringAccessTier"))
		return o->AccessTier.p ? o->AccessTier
		       : str_is(o->StorageClass, "INTELLIGENT_TIERING") ? STR("FREQUENT_ACCESS")
									: STR("");
	if (str_is(name, "BucketKeyStatus"))
		return !o->SseKmsKeyId.p   ? STR("")
		       : o->SseBucketKey.v ? STR("ENABLED")
					   : STR("DISABLED");
	if (str_is(name, "ChecksumAlgorithm"))
		return o->ChecksumAlgorithm.set
			       ? str_c(s3_checksum_name((unsigned)o->ChecksumAlgorithm.v))
			       : STR("");
	if (str_is(name, "LifecycleExpirationDate"))
		return expiration_of(e);
	return str_is(name, "ObjectAccessControlList") ? list_of(e) : STR("");
}

/* Nothing that is told has quotation marks in it: keys are percent-encoded. */
static void
add(struct buf *out, struct str value)
{
	if (out->len && out->p[out->len - 1] != '\n')
		buf_add_c(out, ',');
	buf_add_c(out, '"');
	buf_add_str(out, value);
	buf_add_c(out, '"');
}

void
s3_inventory_line(const struct s3_inventory_configuration *k, const struct s3_inventory_entry *e,
	struct buf *out)
{
	add(out, e->b->Name);
	add(out, uri_encode(e->c->arena, e->key, URI_KEEP_SLASH));
	if (all_versions(k)) {
		struct str version = s3_version_text(e->b, e->o);
		add(out, version.p ? version : STR("null"));
		add(out, yes_no(e->latest));
		add(out, yes_no(e->o->Marker.v));
	}
	for (uint32_t i = 0; i < k->OptionalFields.n; i++)
		add(out, field(e, k->OptionalFields.v[i]));
	buf_add_c(out, '\n');
}
