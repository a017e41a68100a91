#include "svc/s3/walk.h"

/* Current versions (C) and all others (V), merged by key; within a key the current one comes first.
 */
struct merged {
	struct s3_walk current, archived;
	enum walk_step current_step, archived_step;
	struct str current_key, archived_key;
	struct str key; /* of the version at hand */
	struct str value;
	bool latest;
	struct str last_key; /* whose newest version was told already */
};

static void
current_advance(struct call *c, struct merged *m)
{
	m->current_step = walk_next(&m->current);
	m->current_key = arena_dup(c->arena, m->current.key);
}

static void
archived_advance(struct call *c, struct merged *m)
{
	m->archived_step = walk_next(&m->archived);
	m->archived_key = arena_dup(c->arena, m->archived.key);
}

static bool
merged_next(struct merged *m)
{
	bool has_current = m->current_step != WALK_END, has_archived = m->archived_step != WALK_END;
	if (!has_current && !has_archived)
		return false;
	bool take_current =
		has_current && (!has_archived || str_cmp(m->current_key, m->archived_key) <= 0);
	m->key = take_current ? m->current_key : m->archived_key;
	m->value = take_current ? m->current.scan.value : m->archived.scan.value;
	m->latest = take_current || !m->last_key.p || !str_eq(m->last_key, m->key);
	m->last_key = m->key;
	return true;
}

static void
merged_pass(struct call *c, struct merged *m)
{
	if (m->current_step != WALK_END && str_eq(m->key, m->current_key) &&
		m->value.p == m->current.scan.value.p)
		current_advance(c, m);
	else
		archived_advance(c, m);
}

static void
merged_skip(struct call *c, struct merged *m, struct str prefix)
{
	if (m->current_step != WALK_END && str_starts(m->current_key, prefix)) {
		walk_skip(&m->current, prefix);
		current_advance(c, m);
	}
	if (m->archived_step != WALK_END && str_starts(m->archived_key, prefix)) {
		walk_skip(&m->archived, prefix);
		archived_advance(c, m);
	}
}

/* Behind key_marker, or inside it behind the version seq (has_seq). */
static void
merged_open(struct call *c, struct merged *m, uint64_t bucket, struct str prefix,
	struct str key_marker, bool has_seq, uint64_t seq)
{
	walk_open(&m->current, c, bucket, 'C', prefix, STR(""), key_marker);
	walk_open(&m->archived, c, bucket, 'V', prefix, STR(""), has_seq ? STR_NULL : key_marker);
	if (has_seq) {
		struct key at;
		s3_key_version(&at, bucket, key_marker, seq);
		at.bytes[at.len++] = 0;
		walk_seek(&m->archived, &at);
		m->last_key = key_marker; /* what follows of this key is not its newest */
	}
	current_advance(c, m);
	archived_advance(c, m);
}

static int
marker_invalid(struct call *c, const char *sentence, struct str value)
{
	call_fail(c, &S3_InvalidArgument, "%s", sentence);
	call_fail_field(c, "ArgumentName", STR("version-id-marker"));
	return call_fail_field(c, "ArgumentValue", value);
}

static int
marker_resolve(struct call *c, const struct s3_bucket_row *b,
	const struct s3_list_object_versions_in *in, bool *ret_has, uint64_t *ret_seq)
{
	struct s3_object_row o = { 0 };
	*ret_has = false;
	if (!in->VersionIdMarker.p)
		return CALL_OK;
	if (!in->VersionIdMarker.len)
		return marker_invalid(
			c, "A version-id marker cannot be empty.", in->VersionIdMarker);
	if (!in->KeyMarker.len)
		return marker_invalid(c,
			"A version-id marker cannot be specified without a key marker.",
			in->VersionIdMarker);
	if (str_is(in->VersionIdMarker, "null")) {
		*ret_has = s3_version_get(c, b, in->KeyMarker, in->VersionIdMarker, &o);
		*ret_seq = (uint64_t)o.Seq.v;
		return CALL_OK;
	}
	*ret_has = s3_id_seq(in->VersionIdMarker, ret_seq);
	return *ret_has ? CALL_OK
			: marker_invalid(c, "Invalid version id specified", in->VersionIdMarker);
}

static struct s3_owner *
owner_of(struct call *c, struct str account)
{
	struct s3_owner *owner = arena_new(c->arena, struct s3_owner);
	owner->ID = s3_canonical_id(c, account);
	owner->DisplayName = s3_display_name(account);
	return owner;
}

static void
marker_fill(struct call *c, const struct s3_page *p, const struct merged *m,
	const struct s3_object_row *o, struct s3_delete_marker_entry *e)
{
	e->Key = page_text(c, p, m->key);
	e->VersionId = o->VersionId.p ? o->VersionId : STR("null");
	e->IsLatest = OPT_BOOL(m->latest);
	e->LastModified = o->Modified;
	e->Owner = owner_of(c, o->Owner);
}

static void
version_fill(struct call *c, const struct s3_page *p, const struct merged *m,
	const struct s3_object_row *o, struct s3_object_version *e)
{
	e->Key = page_text(c, p, m->key);
	e->VersionId = o->VersionId.p ? o->VersionId : STR("null");
	e->IsLatest = OPT_BOOL(m->latest);
	e->LastModified = o->Modified;
	e->ETag = s3_etag_quoted(c, o->ETag);
	e->Size = o->Size;
	e->StorageClass = o->StorageClass.p ? o->StorageClass : STR("STANDARD");
	e->Owner = owner_of(c, o->Owner);
	if (o->ChecksumAlgorithm.set) {
		*S3_LIST_PUSH(c, e->ChecksumAlgorithm) =
			str_c(s3_checksum_name((unsigned)o->ChecksumAlgorithm.v));
		e->ChecksumType = s3_checksum_type(o);
	}
}

static void
versions_walk(struct call *c, const struct s3_page *p, struct str key_marker, struct merged *m,
	struct s3_list_object_versions_out *out)
{
	struct str last = STR_NULL, last_version = STR_NULL;
	for (uint32_t n = 0; merged_next(m);) {
		struct s3_object_row o = { 0 };
		struct str common = page_common_prefix(p->prefix, p->delimiter, m->key);
		if (common.p && key_marker.p && str_cmp(common, key_marker) <= 0) {
			merged_skip(c, m, common);
			continue;
		}
		if (n++ == p->max) {
			out->IsTruncated = OPT_BOOL(true);
			out->NextKeyMarker = page_text(c, p, last);
			out->NextVersionIdMarker = last_version;
			return;
		}
		if (common.p) {
			S3_LIST_PUSH(c, out->CommonPrefixes)->Prefix = page_text(c, p, common);
			last = common;
			last_version = STR_NULL;
			merged_skip(c, m, common);
			continue;
		}
		if (row_decode(&s3_object_row_shape, m->value, c->arena, &o)) {
			if (o.Marker.v)
				marker_fill(c, p, m, &o, S3_LIST_PUSH(c, out->DeleteMarkers));
			else
				version_fill(c, p, m, &o, S3_LIST_PUSH(c, out->Versions));
			last = m->key;
			last_version = o.VersionId.p ? o.VersionId : STR("null");
		}
		merged_pass(c, m);
	}
}

int
s3_list_object_versions(struct call *c, const struct s3_list_object_versions_in *in,
	struct s3_list_object_versions_out *out)
{
	struct s3_bucket_row b = { 0 };
	struct s3_page p = { 0 };
	struct merged *m = arena_new(c->arena, struct merged);
	bool has_seq;
	uint64_t seq;
	struct str key_marker = in->KeyMarker.len ? in->KeyMarker : STR_NULL;
	if (s3_bucket_open(c, in->Bucket, in->ExpectedBucketOwner, &b) ||
		s3_access(c, &b, "s3:ListBucketVersions", STR_NULL, NULL) ||
		page_init(c, &p, in->Prefix, in->Delimiter, in->MaxKeys, "maxKeys",
			in->EncodingType) ||
		marker_resolve(c, &b, in, &has_seq, &seq))
		return CALL_FAILED;
	out->Name = b.Name;
	out->Prefix = page_text(c, &p, p.prefix);
	out->KeyMarker = page_text(c, &p, in->KeyMarker.p ? in->KeyMarker : STR(""));
	out->VersionIdMarker = in->VersionIdMarker.p ? in->VersionIdMarker : STR("");
	out->MaxKeys = OPT_I64(p.max);
	out->Delimiter = page_delimiter(c, &p);
	out->EncodingType = in->EncodingType;
	out->IsTruncated = OPT_BOOL(false);
	if (!p.max)
		return CALL_OK;
	merged_open(c, m, (uint64_t)b.Id.v, p.prefix, key_marker, has_seq, seq);
	versions_walk(c, &p, key_marker, m, out);
	walk_done(&m->current);
	walk_done(&m->archived);
	return CALL_OK;
}
