#include "svc/s3/task_run.h"

#include "svc/s3/annotations.h"
#include "svc/s3/tasks.h"

#define UPLOADS_AT_ONCE 64
#define PARTS_AT_ONCE 256

static struct {
	struct store *store;
	struct blobs *blobs;
} env; /* set once by start, before the first task */

void
s3_task_call(struct call *c, struct arena *a, struct tx *t, int64_t now_ms)
{
	memset(c, 0, sizeof(*c));
	arena_init(a);
	c->arena = a;
	c->tx = t;
	c->store = env.store;
	c->blobs = env.blobs;
	c->now_ms = now_ms;
	c->service = &s3_service;
}

static bool
region_take(struct str *rest, char text[64], struct str *ret)
{
	return key_take(rest, text, 64, ret);
}

static int
run_blob_remove(struct tx *t, const struct task *task, void *arg __attribute__((unused)))
{
	struct rows *rows = store_rows(env.store, "s3");
	struct str rest = task->payload, region;
	char text[64];
	if (!region_take(&rest, text, &region))
		return 0;
	for (; rest.len >= 16; rest = str_slice(rest, 16, rest.len)) {
		struct blob_id id;
		struct key k;
		struct str value;
		memcpy(id.b, rest.p, sizeof(id.b));
		s3_key_blob(&k, region, id);
		if (!tx_get(t, rows, key_str(&k), &value))
			blob_remove(env.blobs, region, id);
	}
	return 0;
}

static int
run_parts_drop(struct tx *t, const struct task *task, void *arg __attribute__((unused)))
{
	struct call c;
	struct arena a;
	struct key lo, hi;
	struct scan s;
	struct str rest = task->payload, region;
	char text[64];
	if (!region_take(&rest, text, &region))
		return 0;
	s3_task_call(&c, &a, t, task->due_ms);
	s3_key_parts(&lo, rest, 0);
	s3_key_parts(&hi, rest, UINT64_MAX);
	scan_open(&s, t, s3_rows(&c), key_str(&lo), key_str(&hi), false);
	bool more = scan_next(&s);
	if (more) {
		struct s3_parts_row chunk = { 0 };
		if (row_decode(&s3_parts_row_shape, s.value, &a, &chunk))
			for (uint32_t i = 0; i < chunk.Parts.n; i++)
				s3_segments_release(&c, region, chunk.Parts.v[i].Segments);
		struct str key = arena_dup(&a, s.key);
		more = scan_next(&s);
		scan_done(&s);
		tx_delete(t, s3_rows(&c), key);
	}
	if (more)
		s3_task_parts(&c, region, rest);
	arena_done(&a);
	return 0;
}

/* Some of the rows from lo on go, with the blobs that they name. true: more are left. */
static bool
rows_drop(struct call *c, struct str region, const struct key *lo, struct str hi, bool parts)
{
	struct scan s;
	unsigned n = 0;
	scan_open(&s, c->tx, s3_rows(c), key_str(lo), hi, false);
	while (n < PARTS_AT_ONCE && scan_next(&s)) {
		struct s3_part_row part = { 0 };
		struct s3_object_row row = { 0 };
		if (parts && row_decode(&s3_part_row_shape, s.value, c->arena, &part))
			s3_segments_release(c, region, part.Segments);
		if (!parts && row_decode(&s3_object_row_shape, s.value, c->arena, &row))
			s3_segments_release(c, region, row.Segments);
		tx_delete(c->tx, s3_rows(c), arena_dup(c->arena, s.key));
		n++;
	}
	scan_done(&s);
	return n == PARTS_AT_ONCE;
}

/* A task's payload is the region, then the prefix of the rows. What is left goes by a task again. */
static int
drop_task(struct tx *t, const struct task *task, bool parts)
{
	struct call c;
	struct arena a;
	struct key lo, hi;
	struct str rest = task->payload, region, end;
	char text[64];
	if (!region_take(&rest, text, &region))
		return 0;
	s3_task_call(&c, &a, t, task->due_ms);
	if (parts) {
		s3_key_part(&lo, rest, 0);
		s3_key_part(&hi, rest, UINT64_MAX);
		end = key_str(&hi);
	} else {
		s3_key_annotation(&lo, rest, STR(""));
		end = key_after_prefix(&hi, key_str(&lo));
	}
	if (rows_drop(&c, region, &lo, end, parts))
		(parts ? s3_task_upload : s3_task_annotations)(&c, region, rest);
	arena_done(&a);
	return 0;
}

static int
run_upload_drop(struct tx *t, const struct task *task, void *arg __attribute__((unused)))
{
	return drop_task(t, task, true);
}

static int
run_annotations_drop(struct tx *t, const struct task *task, void *arg __attribute__((unused)))
{
	return drop_task(t, task, false);
}

static int
run_upload_forget(struct tx *t, const struct task *task, void *arg __attribute__((unused)))
{
	struct str rest = task->payload, key;
	char text[S3_KEY_MAX + 1];
	uint64_t bucket, seq;
	struct key k;
	if (!key_take_u64(&rest, &bucket) || !key_take(&rest, text, sizeof(text), &key) ||
		!key_take_u64(&rest, &seq))
		return 0;
	s3_key_finished(&k, bucket, key, seq);
	tx_delete(t, store_rows(env.store, "s3"), key_str(&k));
	return 0;
}

/* Uploads do not keep a bucket from being deleted; they go with it. */
static int
run_bucket_drop(struct tx *t, const struct task *task, void *arg __attribute__((unused)))
{
	struct call c;
	struct arena a;
	struct key lo, hi;
	struct scan s;
	struct str rest = task->payload, region;
	char text[64];
	uint64_t bucket;
	unsigned n = 0;
	if (!region_take(&rest, text, &region) || !key_take_u64(&rest, &bucket))
		return 0;
	s3_task_call(&c, &a, t, task->due_ms);
	s3_key_space(&lo, 'U', bucket);
	scan_open(&s, t, s3_rows(&c), key_str(&lo), key_after_prefix(&hi, key_str(&lo)), false);
	while (n < UPLOADS_AT_ONCE && scan_next(&s)) {
		struct s3_object_row u = { 0 };
		if (row_decode(&s3_object_row_shape, s.value, &a, &u))
			s3_task_upload(&c, region, u.PartsId);
		tx_delete(t, s3_rows(&c), arena_dup(&a, s.key));
		n++;
	}
	scan_done(&s);
	if (n == UPLOADS_AT_ONCE)
		s3_task_bucket(&c, region, bucket);
	arena_done(&a);
	return 0;
}

void
s3_tasks_register(struct store *s, struct blobs *b)
{
	static const struct task_kind kinds[] = {
		{ .name = "s3-blob-remove", .run = run_blob_remove },
		{ .name = "s3-parts-drop", .run = run_parts_drop },
		{ .name = "s3-upload-drop", .run = run_upload_drop },
		{ .name = "s3-annotations-drop", .run = run_annotations_drop },
		{ .name = "s3-upload-forget", .run = run_upload_forget },
		{ .name = "s3-bucket-drop", .run = run_bucket_drop },
	};
	env.store = s;
	env.blobs = b;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		tasks_register(&kinds[i]);
}

bool
s3_blob_named(void *names, struct str region, struct blob_id id)
{
	const struct s3_blob_names *n = names;
	struct key k;
	struct str value;
	s3_key_blob(&k, region, id);
	return tx_get(n->tx, store_rows(n->store, "s3"), key_str(&k), &value);
}

void
s3_blobs_discard(struct store *s, struct blobs *b, struct tx *before)
{
	struct key lo, hi;
	struct scan at;
	char text[64];
	struct rows *rows = store_rows(s, "s3");
	s3_key_blobs(&lo);
	scan_open(&at, before, rows, key_str(&lo), key_after_prefix(&hi, key_str(&lo)), false);
	while (scan_next(&at)) {
		struct str rest = str_slice(at.key, lo.len, at.key.len), region;
		struct blob_id id;
		if (!region_take(&rest, text, &region) || rest.len != sizeof(id.b))
			continue;
		memcpy(id.b, rest.p, sizeof(id.b));
		blob_remove_now(b, region, id);
	}
	scan_done(&at);
}
