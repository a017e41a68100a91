/*
 * s3: what the files of this folder share: the rows of buckets and objects, their keys, and the
 * small common steps of handlers. Nouns: buckets, objects, versions, multipart, listing, tags,
 * checksums; and the configuration side (access, policy, acl, cors, website, post, route).
 *
 * Keys of the environment "s3" begin with one letter, the space:
 *   B name                    bucket row (names are unique over all accounts and regions)
 *   A account name            bucket index of an account, in ListBuckets' order
 *   W name                            what the access point of that name (its alias) decides
 *   G bucket config-name      one configuration document of a bucket (config_get/put)
 *   C bucket key(raw)         the current version, whole, unless that is a delete marker
 *   V bucket key(escaped) seq(desc)   every other version, newest first; markers always live here
 *   N bucket key(escaped)     seq of the null version when it lives in V
 *   D bucket key(escaped) seq         a body too large for the object's row but small
 *   P parts-id offset                 parts (or many segments) of a large body, in chunks
 *   U bucket key(escaped) seq         an upload in progress: an object row without a body
 *   Q parts-id number                 a part of an upload in progress
 *   F bucket key(escaped) seq         a completed upload: Complete again answers the same
 *   R region blob-id                  how many segments name the blob; there exactly while one does
 *   O annotations-id name             an annotation of a version (annotations.h)
 * `bucket` is the bucket's number, never reused: what a deleted one left mixes with no new one.
 *
 * Invariant: C holds a row for a key exactly when the latest version is no delete marker. So
 * reading costs two gets (bucket, object) and listing walks only what it lists.
 *
 * Bodies: up to S3_BODY_IN_ROW bytes in the object's row: with some 350 bytes of metadata the row
 * stays below half a 4 KiB page, so LMDB keeps it in the leaf: one get, and a listing still passes
 * two or three rows a page. Larger ones, up to 16 KiB, would go to overflow pages anyway; in a row
 * of their own (D) they cost a GET one more look-up and a listing nothing. Above that: blobs, named
 * by segments (32 bytes each) in the row, or in P when there are more than S3_SEGMENTS_IN_ROW.
 *
 * Threads: as call.h says of handlers; nothing here keeps mutable state but s3_env.
 */
#ifndef HANEUL_SVC_S3_S3_H
#define HANEUL_SVC_S3_S3_H

#include "aws/call.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/text.h"
#include "base/uri.h"
#include "svc/s3/checksums.h"
#include "svc/s3/s3_api.h"

#define S3_KEY_MAX 1024
#define S3_METADATA_MAX 2048
#define S3_PART_MIN (5ull << 20)
#define S3_PART_MAX (5ull << 30)
#define S3_OBJECT_MAX (5ull << 40)
#define S3_PARTS_MAX 10000
#define S3_INLINE_MAX (16u << 10)
#define S3_BODY_IN_ROW 1536
#define S3_SEGMENTS_IN_ROW 16
#define S3_SEGMENT_BYTES 32
/* A reply that began before a delete may still be reading segment after segment. */
#define S3_BLOB_GRACE_MS 60000

/* Versioning of a bucket, as persisted. */
enum { S3_UNVERSIONED, S3_VERSIONED, S3_SUSPENDED };

/* Bits of bucket.Configs: which documents exist, so that readers skip looking for the others. */
enum s3_config {
	S3_CONFIG_POLICY,
	S3_CONFIG_ACL,
	S3_CONFIG_PUBLIC_ACCESS_BLOCK,
	S3_CONFIG_OWNERSHIP,
	S3_CONFIG_CORS,
	S3_CONFIG_WEBSITE,
	S3_CONFIG_ENCRYPTION,
	S3_CONFIG_LIFECYCLE,
	S3_CONFIG_LOCK,
	S3_CONFIG_REPLICATION,
	S3_CONFIG_NOTIFICATION,
	S3_CONFIG_LOGGING,
	S3_CONFIG_REQUEST_PAYMENT,
	S3_CONFIG_ACCELERATE,
	S3_CONFIG_ABAC,
	S3_CONFIG_N, /* append only: the number is persisted */
};

/* Fills an output list or map of `count` entries from the arena. */
#define S3_LIST_NEW(c, list, count)                                                                \
	((list).v = arena_alloc((c)->arena, sizeof(*(list).v) * (size_t)(count)), (list).n = 0,    \
		(list).set = true)
/* Same entries under another list type. */
#define S3_LIST_SHARE(dst, src)                                                                    \
	((dst).v = (void *)(src).v, (dst).n = (src).n, (dst).set = (src).set)

/* env.c: the environment, chosen by c->store. */
struct rows *s3_rows(const struct call *c);

/* ---- buckets (bucket_rows.c) ---- */
/* The row of a bucket; text borrows from the transaction. false: no such bucket. */
bool s3_bucket_find(struct call *c, struct str name, struct s3_bucket_row *ret);
/* In a unit: an object that a service writes for itself (logs, reports), of a few MiB at most.
 * ret_md5: 32 digits in the arena; may be NULL. */
void s3_service_put(struct call *c, const struct s3_bucket_row *to, struct str key, struct str type,
	struct str text, struct str *ret_md5);
/* As above, or NoSuchBucket; then x-amz-expected-bucket-owner. */
int s3_bucket_open(
	struct call *c, struct str name, struct str expected_owner, struct s3_bucket_row *ret);
void s3_bucket_save(struct call *c, struct s3_bucket_row *b);
/* A reset: numbers of buckets do not start anew. */
void s3_buckets_number_keep(struct tx *t, struct store *s);
void s3_bucket_erase(struct call *c, const struct s3_bucket_row *b);
bool s3_bucket_name_valid(struct str name); /* bucket_names.c */
/* Canonical user id of an account: 64 hex digits. */
struct str s3_canonical_id(struct call *c, struct str account);
/* A configuration document of a bucket: opaque bytes. put counts the bucket's generation up (value
 * STR_NULL deletes), by which caches of decoded configuration are validated, and saves the row. */
bool s3_config_get(
	struct call *c, const struct s3_bucket_row *b, enum s3_config which, struct str *ret_value);
void s3_config_put(struct call *c, struct s3_bucket_row *b, enum s3_config which, struct str value);

/* ---- what belongs to an account (account.c) ---- */
/* Its public access block: bits as in rules.h. put: below 0 removes it. */
unsigned s3_account_block_get(struct call *c, struct str account, bool *ret_set);
void s3_account_block_put(struct call *c, struct str account, int bits);
/* Further names under which a bucket is found (access points, their aliases); bucket STR_NULL: no
 * more. */
void s3_other_name_put(struct call *c, struct str name, struct str bucket);
bool s3_other_name_find(struct call *c, struct str name, struct str *ret_bucket);
/* The access point that has this name in addresses; row NULL: no more. */
void s3_access_point_put(struct call *c, struct str name, const struct s3_access_point_row *row);
bool s3_access_point_find(struct call *c, struct str name, struct s3_access_point_row *ret);

/* ---- access (access.c, the configuration side's) ---- */
/* May the caller do `action` ("s3:GetObject") on the bucket (key STR_NULL) or on one of its
 * objects? o: the object where there is one (its ACL and owner), else NULL. 0, or CALL_FAILED with
 * AccessDenied. */
int s3_access(struct call *c, const struct s3_bucket_row *b, const char *action, struct str key,
	const struct s3_object_row *o);
/* Of what is the caller's own (an upload that he began): allowed unless a policy denies it. */
int s3_access_own(
	struct call *c, const struct s3_bucket_row *b, const char *action, struct str key);
/* The same of a key that is not there: who may list that key may know it, though `action` is not
 * his, unless it is denied him. */
int s3_access_absent(
	struct call *c, const struct s3_bucket_row *b, const char *action, struct str key);
/* Would s3_access allow it? Sets no error (NoSuchKey or AccessDenied for a missing key). */
bool s3_access_would(
	struct call *c, const struct s3_bucket_row *b, const char *action, struct str key);
/* May the caller list that key, so that it may know that it is not there? */
bool s3_access_would_list(struct call *c, const struct s3_bucket_row *b, struct str key);
/* Owner and ACL of an object about to be written, from the caller and the x-amz-acl/x-amz-grant-*
 * headers. */
int s3_access_new_object(struct call *c, const struct s3_bucket_row *b, struct s3_object_row *o);
/* The same for a bucket about to be created; the row is saved by the caller afterwards. */
/* HANEUL_S3_OLD_BUCKETS is set: new buckets have ACLs and no public access block, as AWS made them
 * until April 2023 (older test suites expect it). Any thread. */
bool s3_buckets_as_before_2023(void);
/* AWS told display names of owners until November 2025: the account's number; else STR_NULL. */
struct str s3_display_name(struct str account);
struct str s3_ownership_default(void);
int s3_access_new_bucket(struct call *c, struct s3_bucket_row *b);

/* ---- keys (keys.c) ---- */
void s3_key_space(struct key *k, char space, uint64_t bucket);
void s3_key_current(struct key *k, uint64_t bucket, struct str key);
void s3_key_version(struct key *k, uint64_t bucket, struct str key, uint64_t seq);
void s3_key_body(struct key *k, uint64_t bucket, struct str key, uint64_t seq);
void s3_key_upload(struct key *k, uint64_t bucket, struct str key, uint64_t seq);
void s3_key_finished(struct key *k, uint64_t bucket, struct str key, uint64_t seq);
void s3_key_part(struct key *k, struct str parts_id, uint64_t number);
void s3_key_parts(struct key *k, struct str parts_id, uint64_t offset);
void s3_key_blobs(struct key *k); /* the beginning of them all */
void s3_key_blob(struct key *k, struct str region, struct blob_id id);
/* Escaped but not ended: for walks over keys that begin with `prefix` in V and U. */
void s3_key_escaped_prefix(struct key *k, char space, uint64_t bucket, struct str prefix);
/* Opaque ids of 32 characters (versions, uploads) that carry a sequence number: new and back. */
struct str s3_id_new(struct call *c, uint64_t seq);
bool s3_id_seq(struct str id, uint64_t *ret_seq);
/* The 16 random bytes inside, as the id of the upload's parts. */
struct str s3_id_random(struct call *c, struct str id);

/* ---- versions (versions.c) ---- */
bool s3_row_get(struct call *c, const struct key *k, struct s3_object_row *ret);
void s3_row_put(struct call *c, const struct key *k, const struct s3_object_row *o);
/* The latest version unless it is a delete marker. */
bool s3_current_get(
	struct call *c, const struct s3_bucket_row *b, struct str key, struct s3_object_row *ret);
/* The latest version, markers included. */
bool s3_latest_get(
	struct call *c, const struct s3_bucket_row *b, struct str key, struct s3_object_row *ret);
/* That version ("null" too), markers included. */
bool s3_version_get(struct call *c, const struct s3_bucket_row *b, struct str key,
	struct str version_id, struct s3_object_row *ret);
/* For handlers: the version asked for or the latest; NoSuchKey, NoSuchVersion or MethodNotAllowed
 * (a marker by version) with AWS's headers. */
int s3_object_open(struct call *c, const struct s3_bucket_row *b, struct str key,
	struct str version_id, const char *action, struct s3_object_row *ret);
/* The same where a version that is named asks for another action, or for none of its own. */
int s3_object_open_by(struct call *c, const struct s3_bucket_row *b, struct str key,
	struct str version_id, const char *action, const char *version_action,
	struct s3_object_row *ret);
/* InvalidArgument for what cannot be a version id; STR_NULL is fine. */
int s3_version_id_check(struct call *c, struct str version_id);
/* Writer: o becomes the latest version: Seq, VersionId and Modified are set, what it replaces is
 * kept as a noncurrent version or dropped, as the bucket's versioning says. */
void s3_version_add(
	struct call *c, const struct s3_bucket_row *b, struct str key, struct s3_object_row *o);
/* The same for a copy that replication brings: it keeps Seq, VersionId and Modified, and stands
 * where they say. */
void s3_version_replica(
	struct call *c, const struct s3_bucket_row *b, struct str key, struct s3_object_row *o);
/* A sequence number above that of the latest version. */
uint64_t s3_seq_next(struct call *c, const struct s3_bucket_row *b, struct str key);
/* Writes a changed row back where it lives. Seq and VersionId are as they were read. */
void s3_version_update(
	struct call *c, const struct s3_bucket_row *b, struct str key, struct s3_object_row *o);
/* Removes one version for ever; the next one becomes current. */
void s3_version_remove(
	struct call *c, const struct s3_bucket_row *b, struct str key, struct s3_object_row *o);
/* Header x-amz-version-id: STR_NULL in a bucket that never had versioning. */
struct str s3_version_text(const struct s3_bucket_row *b, const struct s3_object_row *o);

/* ---- bodies (bodies.c) ---- */
/* Writer: puts a body that came in where it belongs. Before s3_version_add, which sets Seq: so it
 * reserves the sequence number itself. */
void s3_body_store(struct call *c, const struct s3_bucket_row *b, struct str key,
	struct s3_object_row *o, const struct body *in);
/* Writer: another seal of the same bytes that lie in rows. The object's row is saved by the
 * caller. */
void s3_body_inside_put(struct call *c, const struct s3_bucket_row *b, struct str key,
	struct s3_object_row *o, struct str sealed);
/* The bytes [from, from+len) as a body to send or copy. own: from s3_sse_open; lives as long as the
 * body. */
struct body *s3_body_read(struct call *c, const struct s3_bucket_row *b, struct str key,
	const struct s3_object_row *o, const unsigned char *own, uint64_t from, uint64_t len);
/* Writer: what the row names is dropped; blobs that nothing names any more, and annotations, go
 * after the commit. */
void s3_body_release(struct call *c, const struct s3_bucket_row *b, struct str key,
	const struct s3_object_row *o);
uint8_t s3_placement(const struct s3_object_row *o); /* enum blob_placement, by its class */
void s3_segments_retain(struct call *c, struct str region, struct str segments);
void s3_segments_release(struct call *c, struct str region, struct str segments);
struct str s3_segments_pack(struct call *c, const struct body_segment *s, uint32_t n);
uint32_t s3_segments_unpack(struct call *c, struct str packed, struct body_segment **ret);

/* ---- the parts of a large body (parts.c) ---- */
#define S3_PARTS_IN_CHUNK 128
struct s3_parts_walk {
	struct scan scan;
	struct s3_parts_row chunk;
	uint32_t at;
	uint64_t offset; /* of the part that was handed out last */
};
void s3_parts_open(struct call *c, struct str parts_id, uint64_t from, struct s3_parts_walk *w);
const struct s3_part_row *s3_parts_next(struct call *c, struct s3_parts_walk *w);
void s3_parts_write(
	struct call *c, struct str parts_id, const struct s3_part_row *parts, uint32_t n);

/* ---- conditions (conditions.c) ---- */
struct s3_conditions {
	struct str if_match, if_none_match;
	struct opt_time modified_since, unmodified_since;
};
enum s3_condition_result { S3_COND_PASS, S3_COND_NOT_MODIFIED, S3_COND_FAILED };
/* *ret_name: which one failed. */
enum s3_condition_result s3_conditions_check(
	const struct s3_conditions *k, struct str etag, int64_t modified_ms, const char **ret_name);
/* If-Match and If-None-Match of a write against the latest version. */
int s3_write_conditions(struct call *c, const struct s3_bucket_row *b, struct str key,
	struct str if_match, struct str if_none_match);
struct s3_range {
	uint64_t from, len;
	bool partial;
};
/* Range header against a size. Malformed or several ranges: the whole. InvalidRange when it lies
 * outside. */
int s3_range_parse(struct call *c, struct str header, uint64_t size, struct s3_range *ret);

/* ---- what an upload says about its object (object_meta.c) ---- */
/* The members that PutObject, CopyObject and CreateMultipartUpload share. */
struct s3_meta_input {
	struct str cache_control, content_disposition, content_encoding, content_language,
		content_type;
	struct opt_time expires;
	struct str redirect, storage_class, tagging;
	struct map_str metadata;
};
#define S3_META_INPUT(in)                                                                          \
	((struct s3_meta_input){ (in)->CacheControl, (in)->ContentDisposition,                     \
		(in)->ContentEncoding, (in)->ContentLanguage, (in)->ContentType, (in)->Expires,    \
		(in)->WebsiteRedirectLocation, (in)->StorageClass, (in)->Tagging, (in)->Metadata })
/* Checks without filling (o NULL) or fills: metadata, class, redirect, tags. */
int s3_meta_apply(struct call *c, const struct s3_meta_input *m, struct s3_object_row *o);
int s3_key_check(struct call *c, struct str key);

/* ---- tags (tags.c) ---- */
/* "a=b&c=d", percent-encoded. */
int s3_tags_parse(struct call *c, struct str text, struct s3_object_row *o);
int s3_tags_check(struct call *c, const struct s3_tag *tags, uint32_t n, uint32_t max);

#endif
