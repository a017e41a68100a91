#include "svc/s3/events.h"
#include "svc/s3/lock.h"
#include "svc/s3/s3.h"

#define DELETE_MAX 1000

struct delete_result {
	bool marker;           /* a marker was made, or one was removed */
	struct str version_id; /* of what was made or removed */
};

static int
delete_version(struct call *c, const struct s3_bucket_row *b, struct str key, struct str version_id,
	bool bypass, struct delete_result *ret)
{
	struct s3_object_row o = { 0 };
	ret->version_id = version_id;
	if (!s3_version_get(c, b, key, version_id, &o))
		return CALL_OK;
	if (s3_lock_check_delete(c, b, key, &o, bypass))
		return CALL_FAILED;
	ret->marker = o.Marker.v;
	s3_version_remove(c, b, key, &o);
	s3_event_object(c, b, "s3:ObjectRemoved:Delete", key, &o);
	return CALL_OK;
}

static void
delete_latest(
	struct call *c, const struct s3_bucket_row *b, struct str key, struct delete_result *ret)
{
	struct s3_object_row o = { 0 };
	if (!b->Versioning.v) {
		if (!s3_current_get(c, b, key, &o))
			return;
		s3_version_remove(c, b, key, &o);
		s3_event_object(c, b, "s3:ObjectRemoved:Delete", key, &o);
		return;
	}
	o.Marker = OPT_BOOL(true);
	s3_access_new_object(c, b, &o);
	s3_version_add(c, b, key, &o);
	s3_event_object(c, b, "s3:ObjectRemoved:DeleteMarkerCreated", key, &o);
	ret->marker = true;
	ret->version_id = s3_version_text(b, &o);
}

static int
condition_check(struct call *c, const struct s3_bucket_row *b, struct str key, struct str if_match)
{
	struct s3_object_row latest = { 0 };
	if (!if_match.p)
		return CALL_OK;
	if (s3_latest_get(c, b, key, &latest) && latest.Marker.v) {
		call_fail(c, &S3_PreconditionFailed, NULL);
		return call_fail_field(c, "Condition", STR("If-Match"));
	}
	return s3_write_conditions(c, b, key, if_match, STR_NULL);
}

static int
delete_one(struct call *c, const struct s3_bucket_row *b, struct str key, struct str version_id,
	struct str if_match, bool bypass, struct delete_result *ret)
{
	if (s3_key_check(c, key) || s3_version_id_check(c, version_id) ||
		s3_access(c, b, version_id.p ? "s3:DeleteObjectVersion" : "s3:DeleteObject", key,
			NULL) ||
		condition_check(c, b, key, if_match))
		return CALL_FAILED;
	if (version_id.p)
		return delete_version(c, b, key, version_id, bypass, ret);
	delete_latest(c, b, key, ret);
	return CALL_OK;
}

int
s3_delete_object(
	struct call *c, const struct s3_delete_object_in *in, struct s3_delete_object_out *out)
{
	struct s3_bucket_row b = { 0 };
	struct delete_result r = { 0 };
	if (s3_bucket_open(c, in->Bucket, in->ExpectedBucketOwner, &b))
		return CALL_FAILED;
	if (in->IfMatchSize.set || in->IfMatchLastModifiedTime.set)
		return call_fail(c, &S3_NotImplemented, NULL);
	if (delete_one(c, &b, in->Key, in->VersionId, in->IfMatch, in->BypassGovernanceRetention.v,
		    &r))
		return CALL_FAILED;
	out->VersionId = r.version_id;
	if (r.marker)
		out->DeleteMarker = OPT_BOOL(true);
	return CALL_OK;
}

/* What went wrong with one key is told in the list; the call goes on. */
static void
error_take(struct call *c, struct str key, struct str version_id, struct s3_error *e)
{
	e->Key = key;
	e->VersionId = version_id;
	e->Code = str_c(c->error->code);
	e->Message = c->error_message.p ? c->error_message : str_c(c->error->message);
	c->error = NULL;
	c->error_message = STR_NULL;
	c->error_fields_n = 0;
}

int
s3_delete_objects(
	struct call *c, const struct s3_delete_objects_in *in, struct s3_delete_objects_out *out)
{
	struct s3_bucket_row b = { 0 };
	if (s3_bucket_open(c, in->Bucket, in->ExpectedBucketOwner, &b))
		return CALL_FAILED;
	if (!in->Delete || !in->Delete->Objects.n || in->Delete->Objects.n > DELETE_MAX)
		return call_fail(c, &S3_MalformedXML, NULL);
	uint32_t n = in->Delete->Objects.n;
	S3_LIST_NEW(c, out->Deleted, n);
	S3_LIST_NEW(c, out->Errors, n);
	for (uint32_t i = 0; i < n; i++) {
		const struct s3_object_identifier *o = &in->Delete->Objects.v[i];
		struct delete_result r = { 0 };
		struct str version_id = o->VersionId.len ? o->VersionId : STR_NULL;
		if (o->Size.set || o->LastModifiedTime.set)
			call_fail(c, &S3_NotImplemented, NULL);
		else if (delete_one(c, &b, o->Key, version_id, o->ETag,
				 in->BypassGovernanceRetention.v, &r) == CALL_OK) {
			if (in->Delete->Quiet.v)
				continue;
			struct s3_deleted_object *d = &out->Deleted.v[out->Deleted.n++];
			d->Key = o->Key;
			d->VersionId = version_id;
			if (r.marker) {
				d->DeleteMarker = OPT_BOOL(true);
				d->DeleteMarkerVersionId = r.version_id;
			}
			continue;
		}
		error_take(c, o->Key, version_id, &out->Errors.v[out->Errors.n++]);
	}
	return CALL_OK;
}
