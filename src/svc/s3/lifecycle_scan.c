/* The daily walk over a bucket. Its place is kept in the due row: a crash goes on where it was. */
#include "svc/s3/lifecycle.h"

#include "aws/due.h"
#include "svc/s3/events.h"
#include "svc/s3/lock.h"
#include "svc/s3/one_zone.h"
#include "svc/s3/rules.h"
#include "svc/s3/task_run.h"
#include "svc/s3/tasks.h"
#include "svc/s3/usage.h"

#include <stdlib.h>

#define ROWS_IN_UNIT 256

static int64_t day_ms = INT64_C(86400000); /* set once by start */

struct place {
	int64_t now_ms;   /* midnight that began the walk */
	char space;       /* C, V, U: in this order */
	uint64_t newer;   /* V: noncurrent versions of the key that were seen */
	int64_t newer_ms; /* V: when the next newer one came */
	struct str key;   /* raw, of the row seen last; STR_NULL: from the start */
};

struct scan_work {
	struct call c;
	struct arena arena;
	struct s3_bucket_row b;
	const struct s3_lifecycle_row *rules;
	struct place at;
	struct str object; /* V: key of the rows seen last */
};

int64_t
s3_lifecycle_day_ms(void)
{
	return day_ms;
}

bool
s3_lifecycle_day_short(void)
{
	return day_ms < INT64_C(86400000);
}

static struct str
place_pack(struct key *k, const struct place *p)
{
	key_begin(k);
	key_add_u64(k, (uint64_t)p->now_ms);
	key_add_u64(k, (uint64_t)p->space);
	key_add_u64(k, p->newer);
	key_add_u64(k, (uint64_t)p->newer_ms);
	key_add_raw(k, p->key);
	return key_str(k);
}

static bool
place_unpack(struct str text, struct place *ret)
{
	uint64_t now, space, newer, newer_ms;
	if (!key_take_u64(&text, &now) || !key_take_u64(&text, &space) ||
		!key_take_u64(&text, &newer) || !key_take_u64(&text, &newer_ms))
		return false;
	*ret = (struct place){ (int64_t)now, (char)space, newer, (int64_t)newer_ms,
		text.len ? text : STR_NULL };
	return true;
}

static void
schedule(struct tx *t, struct str bucket, int64_t after_ms)
{
	due_add(t, STR(S3_LIFECYCLE_KIND), bucket, (after_ms / day_ms + 1) * day_ms, STR(""));
}

void
s3_lifecycle_schedule(struct call *c, struct str bucket)
{
	schedule(c->tx, bucket, c->now_ms);
}

/* ---- current versions ---- */

static void
class_change(struct scan_work *w, struct str key, struct s3_object_row *o, struct str class)
{
	s3_usage_change(&w->c, &w->b, o, -1);
	o->StorageClass = class;
	s3_usage_change(&w->c, &w->b, o, 1);
	o->ClassChanged = OPT_TIME(w->at.now_ms);
	s3_version_update(&w->c, &w->b, key, o);
	s3_one_zone_plan(&w->c, &w->b, key, o);
	s3_event_object(&w->c, &w->b, "s3:LifecycleTransition", key, o);
}

static bool
expires(const struct scan_work *w, const struct s3_lifecycle_object *what,
	const struct s3_object_row *o)
{
	for (uint32_t i = 0; i < w->rules->Rules.n; i++) {
		const struct s3_lifecycle_rule *r = &w->rules->Rules.v[i];
		int64_t at;
		if (s3_lifecycle_matches(r, what) && s3_lifecycle_expiry(r, o, day_ms, &at) &&
			at <= w->at.now_ms)
			return true;
	}
	return false;
}

static void
current_expire(struct scan_work *w, struct str key, struct s3_object_row *o)
{
	struct s3_object_row marker = { .Marker = OPT_BOOL(true), .Owner = w->b.Owner };
	if (!w->b.Versioning.v) {
		s3_version_remove(&w->c, &w->b, key, o);
		s3_event_object(&w->c, &w->b, "s3:LifecycleExpiration:Delete", key, o);
		return;
	}
	s3_version_add(&w->c, &w->b, key, &marker);
	s3_event_object(&w->c, &w->b, "s3:LifecycleExpiration:DeleteMarkerCreated", key, &marker);
}

static void
current_visit(struct scan_work *w, struct str raw, struct s3_object_row *o)
{
	struct str key = str_slice(raw, 9, raw.len);
	struct s3_lifecycle_object what = { key, (uint64_t)o->Size.v, o->Tags.v, o->Tags.n, false };
	if (expires(w, &what, o)) {
		current_expire(w, key, o);
		return;
	}
	struct str class = s3_lifecycle_class(w->rules, &what, o, w->at.now_ms);
	if (class.p)
		class_change(w, key, o, class);
}

/* ---- versions that are not current ---- */

static bool
noncurrent_expires(const struct scan_work *w, const struct s3_lifecycle_object *what, int64_t since)
{
	for (uint32_t i = 0; i < w->rules->Rules.n; i++) {
		const struct s3_lifecycle_rule *r = &w->rules->Rules.v[i];
		const struct s3_noncurrent_version_expiration *e = r->NoncurrentVersionExpiration;
		if (e && s3_lifecycle_matches(r, what) &&
			w->at.newer >= (uint64_t)e->NewerNoncurrentVersions.v &&
			s3_lifecycle_due(since, e->NoncurrentDays.v, day_ms) <= w->at.now_ms)
			return true;
	}
	return false;
}

/* A marker in front of nothing. */
static bool
marker_alone(struct scan_work *w, struct str key)
{
	struct key lo, hi;
	struct scan s;
	s3_key_version(&lo, (uint64_t)w->b.Id.v, key, UINT64_MAX);
	s3_key_version(&hi, (uint64_t)w->b.Id.v, key, 0);
	hi.bytes[hi.len++] = 0;
	scan_open(&s, w->c.tx, s3_rows(&w->c), key_str(&lo), key_str(&hi), false);
	bool alone = scan_next(&s) && !scan_next(&s);
	scan_done(&s);
	return alone;
}

static void
marker_visit(struct scan_work *w, struct str key, struct s3_object_row *o)
{
	struct s3_lifecycle_object what = { key, 0, NULL, 0, false };
	bool gone = false;
	for (uint32_t i = 0; i < w->rules->Rules.n && !gone; i++) {
		const struct s3_lifecycle_rule *r = &w->rules->Rules.v[i];
		int64_t at;
		if (!r->Expiration || !s3_lifecycle_matches(r, &what))
			continue;
		gone = r->Expiration->ExpiredObjectDeleteMarker.v ||
		       (s3_lifecycle_expiry(r, o, day_ms, &at) && at <= w->at.now_ms);
	}
	if (!gone || !marker_alone(w, key))
		return;
	s3_version_remove(&w->c, &w->b, key, o);
	s3_event_object(&w->c, &w->b, "s3:LifecycleExpiration:Delete", key, o);
}

static void
noncurrent_visit(struct scan_work *w, struct str key, struct s3_object_row *o)
{
	struct s3_lifecycle_object what = { key, (uint64_t)o->Size.v, o->Tags.v, o->Tags.n, false };
	int64_t since = o->NoncurrentSince.set ? o->NoncurrentSince.ms : w->at.newer_ms;
	if (noncurrent_expires(w, &what, since)) {
		if (!s3_lock_holds(o, w->at.now_ms, false)) {
			s3_version_remove(&w->c, &w->b, key, o);
			s3_event_object(&w->c, &w->b, "s3:LifecycleExpiration:Delete", key, o);
		}
	} else if (!o->Marker.v) {
		struct str class = s3_lifecycle_noncurrent_class(
			w->rules, &what, o, since, w->at.newer, w->at.now_ms);
		if (class.p)
			class_change(w, key, o, class);
	}
	w->at.newer++;
}

static void
version_visit(struct scan_work *w, struct str raw, struct s3_object_row *o)
{
	struct str rest = str_slice(raw, 9, raw.len), key;
	char text[S3_KEY_MAX + 1];
	if (!key_take(&rest, text, sizeof(text), &key))
		return;
	key = arena_dup(&w->arena, key);
	bool first = !w->object.p || !str_eq(key, w->object);
	if (first) {
		struct s3_object_row now = { 0 };
		w->object = key;
		w->at.newer = 0;
		bool current = s3_current_get(&w->c, &w->b, key, &now);
		w->at.newer_ms = current ? now.Modified.ms : o->Modified.ms;
		if (!current) { /* the latest version is this one, a marker */
			if (o->Marker.v)
				marker_visit(w, key, o);
			return;
		}
	}
	int64_t modified = o->Modified.ms;
	noncurrent_visit(w, key, o);
	w->at.newer_ms = modified;
}

/* ---- uploads ---- */

static void
upload_visit(struct scan_work *w, struct str raw, struct s3_object_row *u)
{
	struct str rest = str_slice(raw, 9, raw.len), key;
	char text[S3_KEY_MAX + 1];
	if (!key_take(&rest, text, sizeof(text), &key))
		return;
	struct s3_lifecycle_object what = { .key = key, .upload = true };
	for (uint32_t i = 0; i < w->rules->Rules.n; i++) {
		const struct s3_lifecycle_rule *r = &w->rules->Rules.v[i];
		const struct s3_abort_incomplete_multipart_upload *a =
			r->AbortIncompleteMultipartUpload;
		if (!a || !s3_lifecycle_matches(r, &what) ||
			s3_lifecycle_due(u->Modified.ms, a->DaysAfterInitiation.v, day_ms) >
				w->at.now_ms)
			continue;
		tx_delete(w->c.tx, s3_rows(&w->c), raw);
		s3_task_upload(&w->c, w->b.Region, u->PartsId);
		return;
	}
}

/* ---- the walk ---- */

static bool
space_has_work(const struct scan_work *w, char space)
{
	for (uint32_t i = 0; i < w->rules->Rules.n; i++) {
		const struct s3_lifecycle_rule *r = &w->rules->Rules.v[i];
		if (!str_is(r->Status, "Enabled"))
			continue;
		if ((space == 'C' && (r->Expiration || r->Transitions.n)) ||
			(space == 'V' && (r->Expiration || r->NoncurrentVersionExpiration ||
						 r->NoncurrentVersionTransitions.n)) ||
			(space == 'U' && r->AbortIncompleteMultipartUpload))
			return true;
	}
	return false;
}

static void
visit(struct scan_work *w, struct str raw, struct str value)
{
	struct s3_object_row o = { 0 };
	if (!row_decode(&s3_object_row_shape, value, &w->arena, &o))
		return;
	if (w->at.space == 'C')
		current_visit(w, raw, &o);
	else if (w->at.space == 'V')
		version_visit(w, raw, &o);
	else
		upload_visit(w, raw, &o);
}

/* true: the space is walked to its end. */
static bool
space_walk(struct scan_work *w)
{
	struct key lo, hi;
	struct scan s;
	unsigned n = 0;
	s3_key_space(&lo, w->at.space, (uint64_t)w->b.Id.v);
	struct str end = key_after_prefix(&hi, key_str(&lo));
	if (w->at.key.p) {
		key_begin(&lo);
		key_add_raw(&lo, w->at.key);
		lo.bytes[lo.len++] = 0;
	}
	scan_open(&s, w->c.tx, s3_rows(&w->c), key_str(&lo), end, false);
	bool more = true;
	while (n < ROWS_IN_UNIT && (more = scan_next(&s))) {
		w->at.key = arena_dup(&w->arena, s.key);
		visit(w, w->at.key, s.value);
		n++;
	}
	if (more)
		scan_done(&s);
	return !more;
}

/* In the middle of a key's versions: whose they are. */
static void
object_recall(struct scan_work *w)
{
	char text[S3_KEY_MAX + 1];
	struct str rest = str_slice(w->at.key, 9, w->at.key.len), key;
	if (w->at.space == 'V' && w->at.key.p && key_take(&rest, text, sizeof(text), &key))
		w->object = arena_dup(&w->arena, key);
}

static void
walk_on(struct scan_work *w)
{
	static const char spaces[] = "CVU";
	struct key k;
	object_recall(w);
	if (space_has_work(w, w->at.space) && !space_walk(w)) {
		due_add(w->c.tx, STR(S3_LIFECYCLE_KIND), w->b.Name, w->at.now_ms,
			place_pack(&k, &w->at));
		return;
	}
	const char *next = strchr(spaces, w->at.space) + 1;
	if (!*next) {
		schedule(w->c.tx, w->b.Name, w->at.now_ms);
		return;
	}
	w->at = (struct place){ .now_ms = w->at.now_ms, .space = *next };
	due_add(w->c.tx, STR(S3_LIFECYCLE_KIND), w->b.Name, w->at.now_ms, place_pack(&k, &w->at));
}

static int
scan_run(struct tx *t, struct str id, int64_t due_ms, struct str payload,
	void *arg __attribute__((unused)))
{
	struct scan_work w = { 0 };
	s3_task_call(&w.c, &w.arena, t, due_ms);
	id = arena_dup(&w.arena, id);
	payload = arena_dup(&w.arena, payload);
	if (!place_unpack(payload, &w.at))
		w.at = (struct place){ .now_ms = due_ms, .space = 'C' };
	w.c.now_ms = w.at.now_ms;
	if (s3_bucket_find(&w.c, id, &w.b) && strchr("CVU", w.at.space)) {
		w.c.account = w.c.who.account = w.b.Owner;
		w.c.region = w.b.Region;
		w.rules = s3_rules_get(&w.c, &w.b)->lifecycle;
		if (w.rules)
			walk_on(&w);
	}
	arena_done(&w.arena);
	return 0;
}

void
s3_lifecycle_start(void)
{
	const char *text = getenv("HANEUL_LIFECYCLE_DAY_S");
	int64_t seconds;
	if (text && str_to_i64(str_c(text), &seconds) && seconds > 0 && seconds <= 86400)
		day_ms = seconds * 1000;
	due_handle(S3_LIFECYCLE_KIND, scan_run, NULL);
}
