#include "svc/s3/walk.h"

/* ListObjects and ListObjectsV2: outputs with the same lists. */

struct owner_cache {
	struct str account, id;
};

static struct str
owner_id(struct call *c, struct owner_cache *cache, struct str account)
{
	if (!cache->id.p || !str_eq(cache->account, account)) {
		cache->account = account;
		cache->id = s3_canonical_id(c, account);
	}
	return cache->id;
}

static void
entry_fill(struct call *c, const struct s3_page *p, struct str key, const struct s3_object_row *o,
	struct owner_cache *owners, struct s3_object *e)
{
	struct str text = page_text(c, p, key);
	e->Key = text.p == key.p ? arena_dup(c->arena, key) : text;
	e->LastModified = o->Modified;
	e->ETag = s3_etag_quoted(c, o->ETag);
	e->Size = o->Size;
	e->StorageClass = o->StorageClass.p ? o->StorageClass : STR("STANDARD");
	if (o->ChecksumAlgorithm.set) {
		S3_LIST_NEW(c, e->ChecksumAlgorithm, 1);
		e->ChecksumAlgorithm.v[e->ChecksumAlgorithm.n++] =
			str_c(s3_checksum_name((unsigned)o->ChecksumAlgorithm.v));
		e->ChecksumType = s3_checksum_type(o);
	}
	if (owners) {
		e->Owner = arena_alloc(c->arena, sizeof(*e->Owner));
		e->Owner->ID = owner_id(c, owners, o->Owner);
		e->Owner->DisplayName = s3_display_name(o->Owner);
	}
}

struct found {
	struct s3_object_list contents;
	struct s3_common_prefix_list prefixes;
	struct str last; /* what was told last, as it is */
	bool truncated;
};

static void
objects_walk(struct call *c, const struct s3_bucket_row *b, const struct s3_page *p,
	struct str after, bool with_owner, struct found *f)
{
	struct s3_walk *w = arena_new(c->arena, struct s3_walk);
	struct owner_cache owners = { 0 };
	enum walk_step step;
	if (!p->max)
		return;
	walk_open(w, c, (uint64_t)b->Id.v, 'C', p->prefix, p->delimiter, after);
	while ((step = walk_next(w)) != WALK_END) {
		struct s3_object_row o = { 0 };
		if (f->contents.n + f->prefixes.n == p->max) {
			f->truncated = true;
			break;
		}
		if (step == WALK_PREFIX) {
			f->last = w->key;
			S3_LIST_PUSH(c, f->prefixes)->Prefix = page_text(c, p, w->key);
		} else if (row_decode(&s3_object_row_shape, w->scan.value, c->arena, &o)) {
			f->last = arena_dup(c->arena, w->key);
			entry_fill(c, p, f->last, &o, with_owner ? &owners : NULL,
				S3_LIST_PUSH(c, f->contents));
		}
	}
	walk_done(w);
}

int
s3_list_objects(
	struct call *c, const struct s3_list_objects_in *in, struct s3_list_objects_out *out)
{
	struct s3_bucket_row b = { 0 };
	struct s3_page p = { 0 };
	struct found f = { 0 };
	if (s3_bucket_open(c, in->Bucket, in->ExpectedBucketOwner, &b) ||
		s3_access(c, &b, "s3:ListBucket", STR_NULL, NULL) ||
		page_init(
			c, &p, in->Prefix, in->Delimiter, in->MaxKeys, "maxKeys", in->EncodingType))
		return CALL_FAILED;
	objects_walk(c, &b, &p, in->Marker.len ? in->Marker : STR_NULL, true, &f);
	out->Name = b.Name;
	out->Prefix = page_text(c, &p, p.prefix);
	out->Marker = page_text(c, &p, in->Marker.p ? in->Marker : STR(""));
	out->MaxKeys = OPT_I64(p.max);
	out->Delimiter = page_delimiter(c, &p);
	out->EncodingType = in->EncodingType;
	out->IsTruncated = OPT_BOOL(f.truncated);
	/* Without a delimiter the last key says where to go on. */
	if (f.truncated && p.delimiter.len)
		out->NextMarker = page_text(c, &p, f.last);
	out->Contents = f.contents;
	out->CommonPrefixes = f.prefixes;
	return CALL_OK;
}

static int
token_take(struct call *c, struct str token, struct str *ret_after)
{
	struct str raw = base64_bytes(c->arena, token, BASE64_URL);
	if (!raw.p || raw.len < 2 || raw.p[0] != '1' || raw.len > S3_KEY_MAX + 1) {
		call_fail(c, &S3_InvalidArgument, "The continuation token provided is incorrect");
		call_fail_field(c, "ArgumentName", STR("continuation-token"));
		return call_fail_field(c, "ArgumentValue", token);
	}
	*ret_after = str_slice(raw, 1, raw.len);
	return CALL_OK;
}

int
s3_list_objects_v2(
	struct call *c, const struct s3_list_objects_v2_in *in, struct s3_list_objects_v2_out *out)
{
	struct s3_bucket_row b = { 0 };
	struct s3_page p = { 0 };
	struct found f = { 0 };
	struct str after = in->StartAfter.len ? in->StartAfter : STR_NULL;
	if (s3_bucket_open(c, in->Bucket, in->ExpectedBucketOwner, &b) ||
		s3_access(c, &b, "s3:ListBucket", STR_NULL, NULL) ||
		page_init(c, &p, in->Prefix, in->Delimiter, in->MaxKeys, "maxKeys",
			in->EncodingType) ||
		(in->ContinuationToken.p && token_take(c, in->ContinuationToken, &after)))
		return CALL_FAILED;
	objects_walk(c, &b, &p, after, in->FetchOwner.v, &f);
	out->Name = b.Name;
	out->Prefix = page_text(c, &p, p.prefix);
	out->MaxKeys = OPT_I64(p.max);
	out->KeyCount = OPT_I64(f.contents.n + f.prefixes.n);
	out->Delimiter = page_delimiter(c, &p);
	out->EncodingType = in->EncodingType;
	out->StartAfter = page_text(c, &p, in->StartAfter);
	out->ContinuationToken = in->ContinuationToken;
	out->IsTruncated = OPT_BOOL(f.truncated);
	if (f.truncated)
		out->NextContinuationToken =
			base64_url_text(c->arena, arena_concat(c->arena, STR("1"), f.last));
	out->Contents = f.contents;
	out->CommonPrefixes = f.prefixes;
	return CALL_OK;
}
