#include "svc/s3/tiering.h"

#include "aws/due.h"
#include "svc/s3/events.h"
#include "svc/s3/lifecycle.h"
#include "svc/s3/task_run.h"

#include <stdlib.h>

#define KIND "s3-tiering"
#define ROWS_IN_UNIT 256
#define SIZE_MIN (128 << 10)

static struct store *store; /* set once by start */

static bool
is_tiered(const struct s3_object_row *o)
{
	return str_is(o->StorageClass, "INTELLIGENT_TIERING");
}

bool
s3_tiering_archived(const struct s3_object_row *o)
{
	return is_tiered(o) && (str_is(o->AccessTier, "ARCHIVE_ACCESS") ||
				       str_is(o->AccessTier, "DEEP_ARCHIVE_ACCESS"));
}

/* ---- which tier ---- */

static bool
tag_there(const struct s3_object_row *o, const struct s3_tag *t)
{
	for (uint32_t i = 0; i < o->Tags.n; i++)
		if (str_eq(o->Tags.v[i].Key, t->Key))
			return str_eq(o->Tags.v[i].Value, t->Value);
	return false;
}

static bool
covers(const struct s3_intelligent_tiering_configuration *k, struct str key,
	const struct s3_object_row *o)
{
	const struct s3_intelligent_tiering_filter *f = k->Filter;
	if (!f)
		return true;
	struct str prefix = f->And ? f->And->Prefix : f->Prefix;
	if ((prefix.p && !str_starts(key, prefix)) || (f->Tag && !tag_there(o, f->Tag)))
		return false;
	for (uint32_t i = 0; f->And && i < f->And->Tags.n; i++)
		if (!tag_there(o, &f->And->Tags.v[i]))
			return false;
	return true;
}

static int64_t
later_of(int64_t a, struct opt_time b)
{
	return b.set && b.ms > a ? b.ms : a;
}

struct str
s3_tiering_tier(const struct s3_intelligent_tiering_configuration *k, uint32_t n, struct str key,
	const struct s3_object_row *o, int64_t now_ms, int64_t day_ms)
{
	int64_t since = later_of(later_of(o->Modified.ms, o->LastAccess), o->ClassChanged);
	int64_t days = (now_ms - since) / day_ms;
	struct str tier = days >= 90   ? STR("ARCHIVE_INSTANT_ACCESS")
			  : days >= 30 ? STR("INFREQUENT_ACCESS")
				       : STR_NULL;
	if (o->Size.v < SIZE_MIN)
		return STR_NULL;
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t j = 0; j < k[i].Tierings.n && covers(&k[i], key, o); j++) {
			const struct s3_tiering *t = &k[i].Tierings.v[j];
			if (days >= t->Days.v && !str_is(tier, "DEEP_ARCHIVE_ACCESS"))
				tier = t->AccessTier;
		}
	return tier;
}

/* ---- the walk ---- */

struct walk {
	struct call c;
	struct arena arena;
	struct s3_bucket_row b;
	struct s3_intelligent_tiering_configuration *k;
	uint32_t k_n;
	int64_t midnight;
	uint64_t seen; /* objects of the class, so far */
	char space;
	struct str after;
};

static void
due_put(struct walk *w, int64_t at_ms, bool going_on)
{
	struct key payload;
	key_begin(&payload);
	if (going_on) {
		key_add_u64(&payload, (uint64_t)w->midnight);
		key_add_u64(&payload, (uint64_t)w->space);
		key_add_u64(&payload, w->seen);
		key_add_raw(&payload, w->after);
	}
	due_add(w->c.tx, STR(KIND), w->b.Name, at_ms, going_on ? key_str(&payload) : STR(""));
}

void
s3_tiering_schedule(struct call *c, const struct s3_bucket_row *b)
{
	int64_t at, day = s3_lifecycle_day_ms();
	if (!due_find(c->tx, STR(KIND), b->Name, &at))
		due_add(c->tx, STR(KIND), b->Name, (c->now_ms / day + 1) * day, STR(""));
}

static void
visit(struct walk *w, struct str raw, struct s3_object_row *o)
{
	struct str key = str_slice(raw, 9, raw.len), rest = key;
	char text[S3_KEY_MAX + 1];
	if (!is_tiered(o) || o->Marker.v)
		return;
	w->seen++;
	if (w->space == 'V' && !key_take(&rest, text, sizeof(text), &key))
		return;
	if (o->RestoreOngoing.v || s3_tiering_archived(o))
		return;
	struct str tier = s3_tiering_tier(w->k, w->k_n, key, o, w->midnight, s3_lifecycle_day_ms());
	if (tier.p == NULL ? !o->AccessTier.p : str_eq(tier, o->AccessTier))
		return;
	o->AccessTier = tier;
	key = arena_dup(&w->arena, key);
	s3_version_update(&w->c, &w->b, key, o);
	if (s3_tiering_archived(o))
		s3_event_object(&w->c, &w->b, "s3:IntelligentTiering", key, o);
}

/* true: the space is walked to its end. */
static bool
space_walk(struct walk *w)
{
	struct key lo, hi;
	struct scan s;
	unsigned n = 0;
	bool more = true;
	s3_key_space(&lo, w->space, (uint64_t)w->b.Id.v);
	struct str end = key_after_prefix(&hi, key_str(&lo));
	if (w->after.len) {
		key_begin(&lo);
		key_add_raw(&lo, w->after);
		lo.bytes[lo.len++] = 0;
	}
	scan_open(&s, w->c.tx, s3_rows(&w->c), key_str(&lo), end, false);
	while (n++ < ROWS_IN_UNIT && (more = scan_next(&s))) {
		struct s3_object_row o = { 0 };
		w->after = arena_dup(&w->arena, s.key);
		if (row_decode(&s3_object_row_shape, s.value, &w->arena, &o))
			visit(w, w->after, &o);
	}
	if (more)
		scan_done(&s);
	return !more;
}

static void
walk_on(struct walk *w)
{
	int64_t day = s3_lifecycle_day_ms();
	w->k_n = s3_tiering_configurations(&w->c, &w->b, &w->k);
	bool ended = space_walk(w);
	if (ended && w->space == 'V') {
		/* Nothing of the class is left: the next one that comes asks again. */
		if (w->seen)
			due_put(w, (w->midnight / day + 1) * day, false);
		return;
	}
	if (ended) {
		w->space = 'V';
		w->after = STR("");
	}
	due_put(w, w->midnight, true);
}

static int
due_run(struct tx *t, struct str id, int64_t due_ms, struct str payload,
	void *arg __attribute__((unused)))
{
	struct walk w = { .midnight = due_ms, .space = 'C', .after = STR("") };
	uint64_t midnight, space, seen;
	s3_task_call(&w.c, &w.arena, t, due_ms);
	id = arena_dup(&w.arena, id);
	struct str rest = arena_dup(&w.arena, payload);
	if (key_take_u64(&rest, &midnight) && key_take_u64(&rest, &space) &&
		key_take_u64(&rest, &seen)) {
		w.midnight = (int64_t)midnight;
		w.space = space == 'V' ? 'V' : 'C';
		w.seen = seen;
		w.after = rest;
	}
	w.c.now_ms = w.midnight;
	if (s3_bucket_find(&w.c, id, &w.b)) {
		w.c.account = w.c.who.account = w.b.Owner;
		walk_on(&w);
	}
	arena_done(&w.arena);
	return 0;
}

/* ---- reads ---- */

struct noted {
	struct store_unit unit; /* first */
	uint64_t bucket;
	int64_t now_ms;
	char name[64], version[64];
	size_t key_len;
	char key[];
};

static int
noted_run(struct store_unit *u, struct tx *t)
{
	struct noted *n = (struct noted *)u;
	struct call c;
	struct arena a;
	struct s3_bucket_row b = { 0 };
	struct s3_object_row o = { 0 };
	struct str key = str_of(n->key, n->key_len);
	s3_task_call(&c, &a, t, n->now_ms);
	if (s3_bucket_find(&c, str_c(n->name), &b) && (uint64_t)b.Id.v == n->bucket &&
		s3_version_get(&c, &b, key, str_c(n->version), &o) && is_tiered(&o) &&
		!s3_tiering_archived(&o)) {
		o.LastAccess = OPT_TIME(n->now_ms);
		o.AccessTier = STR_NULL;
		s3_version_update(&c, &b, key, &o);
	}
	arena_done(&a);
	return 0;
}

static void
noted_done(struct store_unit *u, int status __attribute__((unused)))
{
	free(u);
}

void
s3_tiering_read(struct call *c, const struct s3_bucket_row *b, struct str key,
	const struct s3_object_row *o)
{
	bool fresh = o->LastAccess.set && c->now_ms - o->LastAccess.ms < s3_lifecycle_day_ms();
	if (!store || !is_tiered(o) || o->Size.v < SIZE_MIN || (fresh && !o->AccessTier.p))
		return;
	struct str version = o->VersionId.p ? o->VersionId : STR("null");
	struct noted *n = calloc(1, sizeof(*n) + key.len);
	if (!n)
		abort();
	if (b->Name.len >= sizeof(n->name) || version.len >= sizeof(n->version)) {
		free(n);
		return;
	}
	n->unit.run = noted_run;
	n->unit.done = noted_done;
	n->bucket = (uint64_t)b->Id.v;
	n->now_ms = c->now_ms;
	memcpy(n->name, b->Name.p, b->Name.len);
	memcpy(n->version, version.p, version.len);
	memcpy(n->key, key.p, key.len);
	n->key_len = key.len;
	store_submit(store, &n->unit);
}

void
s3_tiering_start(struct store *s)
{
	store = s;
	due_handle(KIND, due_run, NULL);
}
