#include "svc/s3/tasks.h"

#include "svc/s3/s3.h"

/* Payloads are keys of one another's kind: pieces in store order, so that they need no row shape.
 */

static void
task_put(struct call *c, const char *kind, const struct key *payload, int64_t delay_ms)
{
	task_add(c->tx, kind, key_str(payload), c->now_ms + delay_ms);
}

void
s3_task_blobs(struct call *c, struct str region, struct str ids)
{
	while (ids.len) {
		struct key k;
		size_t n = ids.len < 16 * 128 ? ids.len : 16 * 128;
		key_begin(&k);
		key_add(&k, region);
		key_add_raw(&k, str_slice(ids, 0, n));
		task_put(c, "s3-blob-remove", &k, S3_BLOB_GRACE_MS);
		ids = str_slice(ids, n, ids.len);
	}
}

static void
id_task(struct call *c, const char *kind, struct str region, struct str id, int64_t delay_ms)
{
	struct key k;
	key_begin(&k);
	key_add(&k, region);
	key_add_raw(&k, id);
	task_put(c, kind, &k, delay_ms);
}

void
s3_task_parts(struct call *c, struct str region, struct str parts_id)
{
	id_task(c, "s3-parts-drop", region, parts_id, 0);
}

void
s3_task_upload(struct call *c, struct str region, struct str parts_id)
{
	id_task(c, "s3-upload-drop", region, parts_id, 0);
}

void
s3_task_annotations(struct call *c, struct str region, struct str annotations_id)
{
	id_task(c, "s3-annotations-drop", region, annotations_id, 0);
}

void
s3_task_forget(struct call *c, uint64_t bucket, struct str key, uint64_t seq)
{
	struct key k;
	key_begin(&k);
	key_add_u64(&k, bucket);
	key_add(&k, key);
	key_add_u64(&k, seq);
	task_put(c, "s3-upload-forget", &k, INT64_C(24) * 3600 * 1000);
}

void
s3_task_bucket(struct call *c, struct str region, uint64_t bucket)
{
	struct key k;
	key_begin(&k);
	key_add(&k, region);
	key_add_u64(&k, bucket);
	task_put(c, "s3-bucket-drop", &k, 0);
}
