/* The documents that events travel in, letter by letter as AWS writes them. */
#include "base/json.h"
#include "svc/s3/events.h"

static bool
begins(const char *event, const char *with)
{
	return strncmp(event, with, strlen(with)) == 0;
}

static const char *
version_of(const char *event)
{
	static const char *const newer[] = { "ObjectTagging:", "ObjectAcl:", "LifecycleExpiration:",
		"LifecycleTransition", "IntelligentTiering", "ObjectRestore:Delete" };
	for (size_t i = 0; i < sizeof(newer) / sizeof(*newer); i++)
		if (begins(event, newer[i]))
			return "2.3";
	return begins(event, "Replication:") ? "2.2" : "2.1";
}

static struct str
sequencer(struct call *c, const struct s3_object_row *o)
{
	return arena_printf(c->arena, "%018llX", (unsigned long long)o->Seq.v);
}

static struct str
principal_id(struct call *c)
{
	if (c->who.anonymous)
		return STR("Anonymous");
	if (!c->who.user_id.len)
		return arena_concat(c->arena, STR("AWS:"), c->account);
	return arena_concat(c->arena, STR("AWS:"), c->who.user_id);
}

static void
identity(struct json_writer *w, const char *member, struct str id)
{
	json_write_key(w, str_c(member));
	json_write_object(w);
	json_write_member_str(w, "principalId", id);
	json_write_object_end(w);
}

static void
write_bucket(struct call *c, struct json_writer *w, const struct s3_bucket_row *b)
{
	json_write_key(w, STR("bucket"));
	json_write_object(w);
	json_write_member_str(w, "name", b->Name);
	identity(w, "ownerIdentity", s3_canonical_id(c, b->Owner));
	json_write_member_str(w, "arn", arena_concat(c->arena, STR("arn:aws:s3:::"), b->Name));
	json_write_object_end(w);
}

/* "a b/c" is told as "a+b/c". */
static struct str
key_encoded(struct call *c, struct str key)
{
	struct str text = uri_encode(c->arena, key, URI_KEEP_SLASH);
	struct buf out = { 0 };
	for (size_t i = 0; i < text.len; i++) {
		bool blank = text.len - i >= 3 && memcmp(text.p + i, "%20", 3) == 0;
		buf_add_c(&out, blank ? '+' : text.p[i]);
		i += blank ? 2 : 0;
	}
	struct str result = arena_dup(c->arena, buf_str(&out));
	buf_done(&out);
	return result;
}

static void
write_object(struct call *c, struct json_writer *w, const char *event, struct str key,
	const struct s3_bucket_row *b, const struct s3_object_row *o)
{
	json_write_key(w, STR("object"));
	json_write_object(w);
	json_write_member_str(w, "key", key_encoded(c, key));
	if (!begins(event, "ObjectRemoved:") && !o->Marker.v) {
		json_write_member_i64(w, "size", o->Size.v);
		json_write_member_str(w, "eTag", o->ETag);
	} else if (o->Marker.v && b->Versioning.v) {
		json_write_member_str(w, "eTag", STR("d41d8cd98f00b204e9800998ecf8427e"));
	}
	if (b->Versioning.v && o->VersionId.p)
		json_write_member_str(w, "versionId", o->VersionId);
	json_write_member_str(w, "sequencer", sequencer(c, o));
	json_write_object_end(w);
}

static void
write_restore(struct call *c, struct json_writer *w, const struct s3_object_row *o)
{
	json_write_key(w, STR("glacierEventData"));
	json_write_object(w);
	json_write_key(w, STR("restoreEventData"));
	json_write_object(w);
	json_write_member_str(w, "lifecycleRestorationExpiryTime",
		time_text(c->arena, o->RestoreExpiry.ms, TIME_ISO8601_MS));
	json_write_member_str(w, "lifecycleRestoreStorageClass", o->StorageClass);
	json_write_object_end(w);
	json_write_object_end(w);
}

static struct str
or_text(struct str s, struct str otherwise)
{
	return s.len ? s : otherwise;
}

struct str
s3_event_record(struct call *c, const struct s3_bucket_row *b, const char *event, struct str key,
	const struct s3_object_row *o, struct str configuration_id)
{
	struct buf out = { 0 };
	struct json_writer w = { .out = &out };
	json_write_object(&w);
	json_write_key(&w, STR("Records"));
	json_write_array(&w);
	json_write_object(&w);
	json_write_member_str(&w, "eventVersion", str_c(version_of(event)));
	json_write_member_str(&w, "eventSource", STR("aws:s3"));
	json_write_member_str(&w, "awsRegion", b->Region);
	json_write_member_str(&w, "eventTime", time_text(c->arena, c->now_ms, TIME_ISO8601_MS));
	json_write_member_str(&w, "eventName", str_c(event));
	bool own = begins(event, "Lifecycle") || begins(event, "Replication:");
	identity(&w, "userIdentity", own ? STR("s3.amazonaws.com") : principal_id(c));
	json_write_key(&w, STR("requestParameters"));
	json_write_object(&w);
	json_write_member_str(
		&w, "sourceIPAddress", or_text(c->source_ip, STR("s3.amazonaws.com")));
	json_write_object_end(&w);
	json_write_key(&w, STR("responseElements"));
	json_write_object(&w);
	json_write_member_str(&w, "x-amz-request-id", or_text(c->request_id, STR("")));
	json_write_member_str(&w, "x-amz-id-2", or_text(c->extended_id, STR("")));
	json_write_object_end(&w);
	json_write_key(&w, STR("s3"));
	json_write_object(&w);
	json_write_member_str(&w, "s3SchemaVersion", STR("1.0"));
	json_write_member_str(&w, "configurationId", configuration_id);
	write_bucket(c, &w, b);
	write_object(c, &w, event, key, b, o);
	json_write_object_end(&w);
	if (begins(event, "ObjectRestore:Completed"))
		write_restore(c, &w, o);
	json_write_object_end(&w);
	json_write_array_end(&w);
	json_write_object_end(&w);
	struct str text = arena_dup(c->arena, buf_str(&out));
	buf_done(&out);
	return text;
}

/* ---- the event bus ---- */

static const struct {
	const char *event, *type, *reason;
} bus_types[] = {
	{ "ObjectCreated:Put", "Object Created", "PutObject" },
	{ "ObjectCreated:Post", "Object Created", "POST Object" },
	{ "ObjectCreated:Copy", "Object Created", "CopyObject" },
	{ "ObjectCreated:CompleteMultipartUpload", "Object Created", "CompleteMultipartUpload" },
	{ "ObjectRemoved:Delete", "Object Deleted", "DeleteObject" },
	{ "ObjectRemoved:DeleteMarkerCreated", "Object Deleted", "DeleteObject" },
	{ "LifecycleExpiration:Delete", "Object Deleted", "Lifecycle Expiration" },
	{ "LifecycleExpiration:DeleteMarkerCreated", "Object Deleted", "Lifecycle Expiration" },
	{ "ObjectRestore:Post", "Object Restore Initiated", NULL },
	{ "ObjectRestore:Completed", "Object Restore Completed", NULL },
	{ "ObjectRestore:Delete", "Object Restore Expired", NULL },
	{ "LifecycleTransition", "Object Storage Class Changed", NULL },
	{ "ObjectAcl:Put", "Object ACL Updated", NULL },
	{ "ObjectTagging:Put", "Object Tags Added", NULL },
	{ "ObjectTagging:Delete", "Object Tags Deleted", NULL },
};

static void
bus_detail(struct call *c, struct json_writer *w, const struct s3_bucket_row *b, size_t type,
	struct str key, const struct s3_object_row *o)
{
	const char *event = bus_types[type].event;
	json_write_key(w, STR("detail"));
	json_write_object(w);
	json_write_member_str(w, "version", STR("0"));
	json_write_key(w, STR("bucket"));
	json_write_object(w);
	json_write_member_str(w, "name", b->Name);
	json_write_object_end(w);
	json_write_key(w, STR("object"));
	json_write_object(w);
	json_write_member_str(w, "key", key);
	if (!strstr(bus_types[type].type, "Deleted")) {
		json_write_member_i64(w, "size", o->Size.v);
		json_write_member_str(w, "etag", o->ETag);
	}
	if (b->Versioning.v && o->VersionId.p)
		json_write_member_str(w, "version-id", o->VersionId);
	json_write_member_str(w, "sequencer", sequencer(c, o));
	json_write_object_end(w);
	if (c->request_id.len)
		json_write_member_str(w, "request-id", c->request_id);
	json_write_member_str(
		w, "requester", c->request_id.len ? c->account : STR("s3.amazonaws.com"));
	if (c->source_ip.len)
		json_write_member_str(w, "source-ip-address", c->source_ip);
	json_write_member_str(w, "reason", str_c(bus_types[type].reason));
	if (strstr(bus_types[type].type, "Deleted"))
		json_write_member_str(w, "deletion-type",
			strstr(event, "Marker") ? STR("Delete Marker Created")
						: STR("Permanently Deleted"));
	if (strcmp(event, "LifecycleTransition") == 0)
		json_write_member_str(w, "destination-storage-class", o->StorageClass);
	json_write_object_end(w);
}

struct str
s3_event_bus_entry(struct call *c, const struct s3_bucket_row *b, const char *event, struct str key,
	const struct s3_object_row *o)
{
	struct buf out = { 0 };
	struct json_writer w = { .out = &out };
	size_t type = 0, n = sizeof(bus_types) / sizeof(*bus_types);
	while (type < n && strcmp(bus_types[type].event, event) != 0)
		type++;
	if (type == n)
		return STR_NULL;
	json_write_object(&w);
	json_write_member_str(&w, "version", STR("0"));
	json_write_member_str(&w, "id", call_uuid(c));
	json_write_member_str(&w, "detail-type", str_c(bus_types[type].type));
	json_write_member_str(&w, "source", STR("aws.s3"));
	json_write_member_str(&w, "account", b->Owner);
	json_write_member_str(&w, "time", time_text(c->arena, c->now_ms, TIME_ISO8601));
	json_write_member_str(&w, "region", b->Region);
	json_write_key(&w, STR("resources"));
	json_write_array(&w);
	json_write_str(&w, arena_concat(c->arena, STR("arn:aws:s3:::"), b->Name));
	json_write_array_end(&w);
	bus_detail(c, &w, b, type, key, o);
	json_write_object_end(&w);
	struct str text = arena_dup(c->arena, buf_str(&out));
	buf_done(&out);
	return text;
}
