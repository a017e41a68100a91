#include "svc/s3/s3.h"

/* "s3:GetObjectTagging" of a named version is "s3:GetObjectVersionTagging". */
static const char *
version_action(struct call *c, const char *action)
{
	const char *at = strstr(action, "Object");
	if (!at)
		return action;
	at += strlen("Object");
	return arena_printf(c->arena, "%.*sVersion%s", (int)(at - action), action, at).p;
}

static int
no_such_key(struct call *c, const struct s3_bucket_row *b, struct str key)
{
	if (!s3_access_would_list(c, b, key))
		return call_fail(c, &S3_AccessDenied, NULL);
	call_fail(c, &S3_NoSuchKey, NULL);
	return call_fail_field(c, "Key", key);
}

static void
marker_headers(struct call *c, const struct s3_bucket_row *b, const struct s3_object_row *o)
{
	call_header(c, "x-amz-delete-marker", STR("true"));
	call_header(c, "x-amz-version-id", s3_version_text(b, o));
}

static int
marker_by_version(struct call *c, const struct s3_bucket_row *b, const struct s3_object_row *o)
{
	marker_headers(c, b, o);
	call_header(c, "Allow", STR("DELETE"));
	call_header(c, "Last-Modified", time_text(c->arena, o->Modified.ms, TIME_HTTP));
	call_fail(c, &S3_MethodNotAllowed, NULL);
	call_fail_field(c, "Method", c->method.p ? c->method : STR("GET"));
	return call_fail_field(c, "ResourceType", STR("DeleteMarker"));
}

int
s3_version_id_check(struct call *c, struct str version_id)
{
	uint64_t seq;
	if (!version_id.p || str_is(version_id, "null") || s3_id_seq(version_id, &seq))
		return CALL_OK;
	call_fail(c, &S3_InvalidArgument,
		version_id.len ? "Invalid version id specified"
			       : "Version id cannot be the empty string");
	call_fail_field(c, "ArgumentName", STR("versionId"));
	return call_fail_field(c, "ArgumentValue", version_id);
}

static int
version_open(struct call *c, const struct s3_bucket_row *b, struct str key, struct str version_id,
	const char *action, struct s3_object_row *ret)
{
	if (s3_version_id_check(c, version_id))
		return CALL_FAILED;
	bool there = s3_version_get(c, b, key, version_id, ret);
	if (s3_access(c, b, action, key, there ? ret : NULL))
		return CALL_FAILED;
	if (!there) {
		call_fail(c, &S3_NoSuchVersion, NULL);
		call_fail_field(c, "Key", key);
		return call_fail_field(c, "VersionId", version_id);
	}
	return ret->Marker.v ? marker_by_version(c, b, ret) : CALL_OK;
}

int
s3_object_open(struct call *c, const struct s3_bucket_row *b, struct str key, struct str version_id,
	const char *action, struct s3_object_row *ret)
{
	return s3_object_open_by(c, b, key, version_id, action,
		version_id.p ? version_action(c, action) : action, ret);
}

int
s3_object_open_by(struct call *c, const struct s3_bucket_row *b, struct str key,
	struct str version_id, const char *action, const char *by_version,
	struct s3_object_row *ret)
{
	if (version_id.p)
		return version_open(c, b, key, version_id, by_version, ret);
	bool there = s3_current_get(c, b, key, ret);
	if (there)
		return s3_access(c, b, action, key, ret);
	if (s3_access_absent(c, b, action, key))
		return CALL_FAILED;
	if (s3_latest_get(c, b, key, ret))
		marker_headers(c, b, ret);
	return no_such_key(c, b, key);
}
