#include "base/buf.h"
#include "svc/s3/lock.h"
#include "svc/s3/replication.h"
#include "svc/s3/s3.h"
#include "svc/s3/usage.h"

#define ROW_REST 512 /* what a row takes beside its body, as a rule */

bool
s3_row_get(struct call *c, const struct key *k, struct s3_object_row *ret)
{
	struct str value;
	return tx_get(c->tx, s3_rows(c), key_str(k), &value) &&
	       row_decode(&s3_object_row_shape, value, c->arena, ret);
}

void
s3_row_put(struct call *c, const struct key *k, const struct s3_object_row *o)
{
	struct buf out = { 0 };
	buf_reserve(&out, o->Body.len + ROW_REST);
	row_encode(&s3_object_row_shape, o, &out);
	tx_put(c->tx, s3_rows(c), key_str(k), buf_str(&out));
	buf_done(&out);
}

bool
s3_current_get(
	struct call *c, const struct s3_bucket_row *b, struct str key, struct s3_object_row *ret)
{
	struct key k;
	s3_key_current(&k, (uint64_t)b->Id.v, key);
	return s3_row_get(c, &k, ret);
}

/* The newest version in V. */
static bool
newest_archived(
	struct call *c, const struct s3_bucket_row *b, struct str key, struct s3_object_row *ret)
{
	struct key lo, hi;
	struct scan s;
	if (!b->Versioning.v)
		return false;
	s3_key_version(&lo, (uint64_t)b->Id.v, key, UINT64_MAX);
	s3_key_version(&hi, (uint64_t)b->Id.v, key, 0);
	hi.bytes[hi.len++] = 0; /* include the last one */
	scan_open(&s, c->tx, s3_rows(c), key_str(&lo), key_str(&hi), false);
	bool found = scan_next(&s) && row_decode(&s3_object_row_shape, s.value, c->arena, ret);
	scan_done(&s);
	return found;
}

bool
s3_latest_get(
	struct call *c, const struct s3_bucket_row *b, struct str key, struct s3_object_row *ret)
{
	return s3_current_get(c, b, key, ret) || newest_archived(c, b, key, ret);
}

static void
key_null(struct key *k, const struct s3_bucket_row *b, struct str key)
{
	s3_key_space(k, 'N', (uint64_t)b->Id.v);
	key_add(k, key);
}

/* The null version when it is not the current one. */
static bool
archived_null(
	struct call *c, const struct s3_bucket_row *b, struct str key, struct s3_object_row *ret)
{
	struct key k;
	struct str value;
	uint64_t seq;
	key_null(&k, b, key);
	if (!tx_get(c->tx, s3_rows(c), key_str(&k), &value) || !key_take_u64(&value, &seq))
		return false;
	s3_key_version(&k, (uint64_t)b->Id.v, key, seq);
	return s3_row_get(c, &k, ret);
}

bool
s3_version_get(struct call *c, const struct s3_bucket_row *b, struct str key, struct str version_id,
	struct s3_object_row *ret)
{
	struct key k;
	uint64_t seq;
	bool null_wanted = str_is(version_id, "null");
	if (s3_current_get(c, b, key, ret) &&
		(null_wanted ? !ret->VersionId.p : str_eq(ret->VersionId, version_id)))
		return true;
	if (null_wanted)
		return archived_null(c, b, key, ret);
	if (!s3_id_seq(version_id, &seq))
		return false;
	s3_key_version(&k, (uint64_t)b->Id.v, key, seq);
	return s3_row_get(c, &k, ret) && str_eq(ret->VersionId, version_id);
}

struct str
s3_version_text(const struct s3_bucket_row *b, const struct s3_object_row *o)
{
	if (!b->Versioning.v)
		return STR_NULL;
	return o->VersionId.p ? o->VersionId : STR("null");
}

/* Out of C or V into V. */
static void
archive_put(struct call *c, const struct s3_bucket_row *b, struct str key,
	const struct s3_object_row *o)
{
	struct key k;
	s3_key_version(&k, (uint64_t)b->Id.v, key, (uint64_t)o->Seq.v);
	s3_row_put(c, &k, o);
	if (o->VersionId.p)
		return;
	struct key value;
	key_begin(&value);
	key_add_u64(&value, (uint64_t)o->Seq.v);
	key_null(&k, b, key);
	tx_put(c->tx, s3_rows(c), key_str(&k), key_str(&value));
}

static void
archive_delete(struct call *c, const struct s3_bucket_row *b, struct str key,
	const struct s3_object_row *o)
{
	struct key k;
	s3_key_version(&k, (uint64_t)b->Id.v, key, (uint64_t)o->Seq.v);
	tx_delete(c->tx, s3_rows(c), key_str(&k));
	if (o->VersionId.p)
		return;
	key_null(&k, b, key);
	tx_delete(c->tx, s3_rows(c), key_str(&k));
}

static void
current_delete(struct call *c, const struct s3_bucket_row *b, struct str key)
{
	struct key k;
	s3_key_current(&k, (uint64_t)b->Id.v, key);
	tx_delete(c->tx, s3_rows(c), key_str(&k));
}

uint64_t
s3_seq_next(struct call *c, const struct s3_bucket_row *b, struct str key)
{
	struct s3_object_row last = { 0 };
	uint64_t seq = (uint64_t)c->now_ms << 20;
	if (s3_latest_get(c, b, key, &last) && (uint64_t)last.Seq.v >= seq)
		seq = (uint64_t)last.Seq.v + 1;
	return seq;
}

/* Makes room: what is there now becomes noncurrent, or goes when the new one takes its place. */
static void
supersede(struct call *c, const struct s3_bucket_row *b, struct str key)
{
	struct s3_object_row old = { 0 };
	bool keeps_null = b->Versioning.v == S3_VERSIONED;
	if (!keeps_null && b->Versioning.v && archived_null(c, b, key, &old)) {
		s3_usage_change(c, b, &old, -1);
		s3_body_release(c, b, key, &old);
		archive_delete(c, b, key, &old);
	}
	memset(&old, 0, sizeof(old));
	if (!s3_current_get(c, b, key, &old))
		return;
	if (old.VersionId.p || keeps_null) {
		old.NoncurrentSince = OPT_TIME(c->now_ms);
		archive_put(c, b, key, &old);
	} else {
		s3_usage_change(c, b, &old, -1);
		s3_body_release(c, b, key, &old);
	}
	current_delete(c, b, key);
}

void
s3_version_add(
	struct call *c, const struct s3_bucket_row *b, struct str key, struct s3_object_row *o)
{
	struct key k;
	if (!o->Seq.set)
		o->Seq = OPT_I64((int64_t)s3_seq_next(c, b, key));
	o->Modified = OPT_TIME(c->now_ms);
	o->NoncurrentSince.set = false;
	o->VersionId =
		b->Versioning.v == S3_VERSIONED ? s3_id_new(c, (uint64_t)o->Seq.v) : STR_NULL;
	s3_lock_default(c, b, o);
	s3_replication_plan(c, b, key, o);
	s3_usage_change(c, b, o, 1);
	supersede(c, b, key);
	if (o->Marker.v) {
		archive_put(c, b, key, o);
		return;
	}
	s3_key_current(&k, (uint64_t)b->Id.v, key);
	s3_row_put(c, &k, o);
}

void
s3_version_replica(
	struct call *c, const struct s3_bucket_row *b, struct str key, struct s3_object_row *o)
{
	struct s3_object_row latest = { 0 };
	struct key k;
	bool old = s3_latest_get(c, b, key, &latest) && latest.Seq.v > o->Seq.v;
	s3_usage_change(c, b, o, 1);
	if (old) /* something newer was written there meanwhile */
		o->NoncurrentSince = OPT_TIME(c->now_ms);
	else
		supersede(c, b, key);
	if (old || o->Marker.v) {
		archive_put(c, b, key, o);
		return;
	}
	s3_key_current(&k, (uint64_t)b->Id.v, key);
	s3_row_put(c, &k, o);
}

static bool
is_current(struct call *c, const struct s3_bucket_row *b, struct str key,
	const struct s3_object_row *o)
{
	struct s3_object_row now = { 0 };
	return s3_current_get(c, b, key, &now) && now.Seq.v == o->Seq.v;
}

void
s3_version_update(
	struct call *c, const struct s3_bucket_row *b, struct str key, struct s3_object_row *o)
{
	struct key k;
	if (is_current(c, b, key, o))
		s3_key_current(&k, (uint64_t)b->Id.v, key);
	else
		s3_key_version(&k, (uint64_t)b->Id.v, key, (uint64_t)o->Seq.v);
	s3_row_put(c, &k, o);
}

void
s3_version_remove(
	struct call *c, const struct s3_bucket_row *b, struct str key, struct s3_object_row *o)
{
	struct s3_object_row next = { 0 };
	struct key k;
	s3_usage_change(c, b, o, -1);
	s3_body_release(c, b, key, o);
	if (is_current(c, b, key, o))
		current_delete(c, b, key);
	else
		archive_delete(c, b, key, o);
	s3_key_current(&k, (uint64_t)b->Id.v, key);
	if (s3_row_get(c, &k, &next) || !newest_archived(c, b, key, &next) || next.Marker.v)
		return;
	archive_delete(c, b, key, &next);
	next.NoncurrentSince.set = false;
	s3_row_put(c, &k, &next);
}
