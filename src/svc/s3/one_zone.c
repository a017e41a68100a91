#include "svc/s3/one_zone.h"

#include "aws/tasks.h"
#include "base/clock.h"
#include "os/loop.h"
#include "svc/s3/task_run.h"

#include <errno.h>

#define OBJECT "s3-one-zone"
#define BLOB "s3-one-zone-blob"
/* Walks begin at the chunk that holds their offset, so a unit is whole chunks. */
#define PARTS_IN_UNIT S3_PARTS_IN_CHUNK

static struct blobs *blobs; /* set once by start */

/* ---- which blobs ---- */

static void
plan_add(struct call *c, const struct s3_bucket_row *b, struct str key, struct str version,
	uint64_t from)
{
	struct key payload;
	key_begin(&payload);
	key_add(&payload, b->Name);
	key_add_u64(&payload, (uint64_t)b->Id.v);
	key_add(&payload, version);
	key_add_u64(&payload, from);
	key_add_raw(&payload, key);
	task_add(c->tx, OBJECT, key_str(&payload), c->now_ms);
}

void
s3_one_zone_plan(struct call *c, const struct s3_bucket_row *b, struct str key,
	const struct s3_object_row *o)
{
	if (s3_placement(o) == BLOB_ONE_ZONE && (o->Segments.p || o->PartsId.p))
		plan_add(c, b, key, o->VersionId, 0);
}

static void
blob_add(struct call *c, struct str region, struct blob_id id, int step, int64_t due_ms)
{
	struct key payload;
	key_begin(&payload);
	key_add(&payload, region);
	key_add_u64(&payload, (uint64_t)step);
	key_add_raw(&payload, str_of(id.b, sizeof(id.b)));
	task_add(c->tx, BLOB, key_str(&payload), due_ms);
}

static void
segments_add(struct call *c, const struct s3_bucket_row *b, struct str packed)
{
	struct body_segment *s;
	uint32_t n = s3_segments_unpack(c, packed, &s);
	for (uint32_t i = 0; i < n; i++) {
		struct key k;
		struct str value;
		uint64_t refs = 0;
		s3_key_blob(&k, b->Region, s[i].id);
		if (tx_get(c->tx, s3_rows(c), key_str(&k), &value) && key_take_u64(&value, &refs) &&
			refs == 1)
			blob_add(c, b->Region, s[i].id, 1, c->now_ms);
	}
}

static void
object_walk(struct call *c, const struct s3_bucket_row *b, struct str key,
	const struct s3_object_row *o, uint64_t from)
{
	struct s3_parts_walk w;
	const struct s3_part_row *part;
	unsigned n = 0;
	if (o->Segments.p) {
		segments_add(c, b, o->Segments);
		return;
	}
	s3_parts_open(c, o->PartsId, from, &w);
	while ((part = s3_parts_next(c, &w)) && n++ < PARTS_IN_UNIT)
		segments_add(c, b, part->Segments);
	if (!part)
		return;
	plan_add(c, b, key, o->VersionId, w.offset);
	scan_done(&w.scan);
}

static int
object_run(struct tx *t, const struct task *task, void *arg __attribute__((unused)))
{
	struct call c;
	struct arena a;
	struct s3_bucket_row b = { 0 };
	struct s3_object_row o = { 0 };
	char name_text[128], version_text[64];
	struct str name, version;
	uint64_t bucket, from;
	s3_task_call(&c, &a, t, task->due_ms);
	struct str rest = arena_dup(&a, task->payload);
	if (key_take(&rest, name_text, sizeof(name_text), &name) && key_take_u64(&rest, &bucket) &&
		key_take(&rest, version_text, sizeof(version_text), &version) &&
		key_take_u64(&rest, &from) && s3_bucket_find(&c, name, &b) &&
		(uint64_t)b.Id.v == bucket && s3_version_get(&c, &b, rest, version, &o) &&
		s3_placement(&o) == BLOB_ONE_ZONE && (o.Segments.p || o.PartsId.p))
		object_walk(&c, &b, rest, &o, from);
	arena_done(&a);
	return 0;
}

/* ---- one blob ---- */

struct work {
	struct task *task;
	struct str region;
	struct blob_id id;
	uint64_t step;
};

static int
blob_effect(struct tx *t, const struct task *task, void *arg)
{
	struct work *w = arg;
	struct call c = { .arena = task->arena, .tx = t };
	if (w->step == 1)
		blob_add(&c, w->region, w->id, 2, clock_now_ms() + S3_BLOB_GRACE_MS);
	return 0;
}

static void
blob_narrowed(void *arg, int status)
{
	struct work *w = arg;
	/* What was removed or is lost meanwhile needs no narrowing. */
	bool over = !status || status == -ENOENT || status == -EIO;
	if (status == -ENOENT || status == -EIO)
		w->step = 0;
	task_done(w->task, over ? 0 : status, STR("the blob cannot be written anew"),
		over ? blob_effect : NULL, w);
}

static void
blob_start(struct task *task, void *arg __attribute__((unused)))
{
	struct work *w = arena_new(task->arena, struct work);
	char text[64];
	struct str rest = arena_dup(task->arena, task->payload);
	w->task = task;
	if (!blobs || !key_take(&rest, text, sizeof(text), &w->region) ||
		!key_take_u64(&rest, &w->step) || rest.len != sizeof(w->id.b)) {
		task_done(task, 0, STR(""), NULL, NULL);
		return;
	}
	w->region = arena_dup(task->arena, w->region);
	memcpy(w->id.b, rest.p, sizeof(w->id.b));
	blob_narrow(blobs, loop_current(), w->region, w->id, (int)w->step, blob_narrowed, w);
}

void
s3_one_zone_start(struct blobs *b)
{
	static const struct task_kind object = { .name = OBJECT, .run = object_run };
	static const struct task_kind blob = {
		.name = BLOB, .concurrency = 2, .start = blob_start
	};
	blobs = b;
	tasks_register(&object);
	tasks_register(&blob);
}
