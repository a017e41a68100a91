/* The files of an export: made by a worker from rows that no longer change, put by the writer. */
#include "aws/tasks.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/ids.h"
#include "base/text.h"
#include "os/pool.h"
#include "svc/dynamodb/bucket.h"
#include "svc/dynamodb/export.h"

#include <errno.h>
#include <zlib.h>

#define BODY_IN_ROW_MAX (16u << 10) /* as of any object */

static struct store *the_store; /* both set once at start */
static struct blobs *the_blobs;
static struct pool *the_pool;   /* on the tasks' loop, made at first use */

struct job {
	struct pool_job pool;
	struct task *task;
	struct call c; /* its tx is that of whoever runs */
	struct dynamodb_export_row row;
	struct buf file; /* compressed */
	struct str key;  /* in the bucket */
	struct body body;
	struct body_segment segment; /* of a body in a blob */
	struct ddb_bucket_place place;
	struct blob_writer *writer;
	size_t written;
	struct str cursor;
	uint64_t items, bytes;
	bool end;
	int status;
};

/* ---- lines, on the worker */

static bool
item_at(struct call *c, uint64_t id, struct str item, struct str *ret_value)
{
	struct key k;
	ddb_copy_item_key(&k, id, item);
	return tx_get(c->tx, ddb_backup_rows(the_store), key_str(&k), ret_value);
}

static void
add_keys(struct job *j, struct buf *b, struct str row)
{
	struct ddb_val item, keys = { .type = DDB_M };
	struct ddb_attr attrs[2];
	if (!ddb_row_read(j->c.arena, row, &item))
		return;
	keys.attrs = attrs;
	for (uint32_t i = 0; i < j->row.KeySchema.n && i < 2; i++) {
		const struct ddb_val *v = ddb_get(&item, j->row.KeySchema.v[i].AttributeName);
		if (v)
			attrs[keys.n++] = (struct ddb_attr){
				j->row.KeySchema.v[i].AttributeName, *v
			};
	}
	ddb_map_write(b, &keys);
}

static void
change_line(struct job *j, struct buf *b, struct str item, struct str old_value)
{
	struct str new_value, when, old = STR_NULL, new = STR_NULL;
	int64_t at_ms = 0;
	bool both = !str_is(j->row.Description->IncrementalExportSpecification->ExportViewType,
		"NEW_IMAGE");
	bool had = ddb_copy_item(old_value, &old);
	bool has = item_at(&j->c, (uint64_t)j->row.New.v, item, &new_value) &&
		   ddb_copy_item(new_value, &new);
	if (item_at(&j->c, (uint64_t)j->row.When.v, item, &when) && when.len == sizeof(at_ms))
		memcpy(&at_ms, when.p, sizeof(at_ms));
	if (!had && !has)
		return; /* it came and went within the window */
	buf_printf(b, "{\"Metadata\":{\"WriteTimestampMicros\":\"%lld\"},\"Keys\":",
		(long long)at_ms * 1000);
	add_keys(j, b, has ? new : old);
	if (had && both) {
		buf_add_lit(b, ",\"OldImage\":");
		ddb_row_json(b, old);
	}
	if (has) {
		buf_add_lit(b, ",\"NewImage\":");
		ddb_row_json(b, new);
	}
	buf_add_lit(b, "}\n");
	j->items++;
	j->bytes += has ? ddb_row_size(new) : ddb_row_size(old);
}

static void
full_line(struct job *j, struct buf *b, struct str value)
{
	struct str row;
	if (!ddb_copy_item(value, &row))
		return;
	buf_add_lit(b, "{\"Item\":");
	ddb_row_json(b, row);
	buf_add_lit(b, "}\n");
	j->items++;
	j->bytes += ddb_row_size(row);
}

static void
lines(struct job *j, struct buf *b)
{
	struct key lo, hi;
	struct scan s;
	uint64_t id = (uint64_t)j->row.Copy.v;
	ddb_copy_item_key(&lo, id, j->row.ItemCursor);
	ddb_copy_item_key(&hi, id + 1, STR(""));
	size_t prefix = lo.len - j->row.ItemCursor.len;
	if (j->row.ItemCursor.len)
		key_add_raw(&lo, str_of("\0", 1));
	j->end = true;
	j->cursor = arena_dup(j->c.arena, j->row.ItemCursor);
	scan_open(&s, j->c.tx, ddb_backup_rows(the_store), key_str(&lo), key_str(&hi), false);
	while (scan_next(&s)) {
		if (b->len >= DDB_EXPORT_FILE_BYTES) {
			j->end = false;
			break;
		}
		struct str item = str_slice(s.key, prefix, s.key.len);
		if (j->row.New.v)
			change_line(j, b, item, s.value);
		else
			full_line(j, b, s.value);
		j->cursor = arena_dup(j->c.arena, item);
	}
	scan_done(&s);
}

static int
compress_lines(const struct buf *text, struct buf *ret)
{
	z_stream z = { 0 };
	if (deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	size_t most = deflateBound(&z, text->len);
	z.next_in = (unsigned char *)text->p;
	z.avail_in = (unsigned)text->len;
	z.next_out = (unsigned char *)buf_reserve(ret, most);
	z.avail_out = (unsigned)most;
	int r = deflate(&z, Z_FINISH);
	ret->len = most - z.avail_out;
	deflateEnd(&z);
	return r == Z_STREAM_END ? 0 : -EIO;
}

static void
make(struct pool_job *pool)
{
	struct job *j = (struct job *)pool;
	struct buf text = { 0 };
	struct digests d;
	struct tx *tx = tx_begin_read(the_store);
	j->c.tx = tx;
	if (ddb_export_find(&j->c, j->task->payload, &j->row)) {
		lines(j, &text);
	} else {
		j->status = -ENOENT;
	}
	tx_end(tx);
	if (!j->status && text.len)
		j->status = compress_lines(&text, &j->file);
	digests_init(&d, DIGEST_MD5 | DIGEST_CRC64NVME);
	digests_add(&d, buf_str(&j->file));
	digests_final(&d, &j->body.digests);
	j->body.inline_data = buf_str(&j->file);
	j->body.size = j->body.len = j->file.len;
	buf_done(&text);
}

/* ---- into the bucket, on the writer */

static const char *
put_data(struct call *c, struct str id, struct job *j, struct dynamodb_export_row *row)
{
	struct key k;
	if (!j->items)
		return NULL;
	const char *code = ddb_bucket_put(c, row->Description->S3Bucket,
		row->Description->S3BucketOwner, j->key, &j->body, j->place.body_key);
	if (code)
		return code;
	struct buf line = { 0 };
	buf_printf(&line, "{\"itemCount\":%llu,\"md5Checksum\":\"",
		(unsigned long long)j->items);
	base64_add(&line, str_of(j->body.digests.md5, 16));
	buf_printf(&line, "\",\"etag\":\"%.*s\",\"dataFileS3Key\":",
		STR_FMT(hex_text(c->arena, str_of(j->body.digests.md5, 16))));
	json_add_quoted(&line, j->key);
	buf_add_lit(&line, "}\n");
	ddb_export_line_key(&k, id, (uint64_t)row->Parts.v);
	tx_put(c->tx, ddb_backup_rows(c->store), key_str(&k), buf_str(&line));
	buf_done(&line);
	row->Parts = OPT_I64(row->Parts.v + 1);
	return NULL;
}

static int
put_effect(struct tx *tx, const struct task *task, void *arg)
{
	struct job *j = arg;
	struct dynamodb_export_row row;
	struct call c = j->c;
	const char *code = NULL;
	c.tx = tx;
	c.now_ms = clock_now_ms();
	if (ddb_export_find(&c, task->payload, &row) &&
		str_is(row.Description->ExportStatus, "IN_PROGRESS")) {
		if (!row.ItemCursor.len && !row.Parts.v)
			code = ddb_bucket_put_text(&c, row.Description->S3Bucket,
				row.Description->S3BucketOwner,
				arena_printf(c.arena, "%.*s_started",
					STR_FMT(ddb_export_folder(&c, &row))),
				STR(""));
		if (!code)
			code = put_data(&c, task->payload, j, &row);
		row.ItemCursor = j->cursor;
		row.Description->ItemCount =
			OPT_I64(row.Description->ItemCount.v + (int64_t)j->items);
		row.Description->BilledSizeBytes =
			OPT_I64(row.Description->BilledSizeBytes.v + (int64_t)j->bytes);
		if (!code && j->end)
			code = ddb_export_manifest(&c, task->payload, &row);
		if (code || j->end) {
			ddb_export_end(&c, task->payload, &row, code);
		} else {
			ddb_export_save(&c, task->payload, &row);
			ddb_export_write_later(&c, task->payload);
		}
	}
	buf_done(&j->file);
	return 0;
}

/* ---- a large file as a blob, on the loop; who nobody names after a crash is swept */

static void
finish(struct job *j)
{
	if (j->status)
		buf_done(&j->file);
	task_done(j->task, j->status == -ENOENT ? 0 : j->status, STR("the file cannot be made"),
		j->status ? NULL : put_effect, j);
}

static void
blob_made(void *arg, const struct blob_result *r)
{
	struct job *j = arg;
	j->status = r->status;
	j->segment = (struct body_segment){ r->id, 0, r->size };
	j->body.inline_data = STR_NULL;
	j->body.segments = &j->segment;
	j->body.segments_n = 1;
	j->body.region = j->place.region;
	j->body.key = j->place.body_key;
	finish(j);
}

static void
blob_more(void *arg)
{
	struct job *j = arg;
	while (j->written < j->file.len) {
		size_t n = j->file.len - j->written;
		n = n < BLOB_WINDOW ? n : BLOB_WINDOW;
		struct str piece = str_of(j->file.p + j->written, n);
		j->written += n;
		if (blob_writer_add(j->writer, piece, blob_more, j) > BLOB_WINDOW)
			return; /* goes on when that is on disk */
	}
	blob_writer_finish(j->writer, blob_made, j);
}

/* How the file is to be written. A refusal is told when it is put. */
static bool
place_find(struct job *j)
{
	const struct dynamodb_export_description *d = j->row.Description;
	struct tx *tx = tx_begin_read(the_store);
	j->c.tx = tx;
	j->c.now_ms = clock_now_ms();
	const char *code =
		ddb_bucket_prepare(&j->c, d->S3Bucket, d->S3BucketOwner, j->key, &j->place);
	j->place.region = arena_dup(j->c.arena, j->place.region);
	tx_end(tx);
	return !code;
}

static void
key_choose(struct job *j)
{
	char name[27] = { 0 };
	struct str prefix = j->row.Description->S3Prefix;
	/* Data of incremental exports lies beside the folders of the exports. */
	struct str folder =
		j->row.New.v ? arena_printf(j->c.arena, "%.*s%sAWSDynamoDB/", STR_FMT(prefix),
				       prefix.len && !str_ends(prefix, STR("/")) ? "/" : "")
			     : ddb_export_folder(&j->c, &j->row);
	random_chars(name, 26, "abcdefghijklmnopqrstuvwxyz234567");
	j->key = arena_printf(j->c.arena, "%.*sdata/%s.json.gz", STR_FMT(folder), name);
}

static void
made(struct pool_job *pool)
{
	struct job *j = (struct job *)pool;
	if (!j->status)
		key_choose(j);
	if (j->status || j->file.len <= BODY_IN_ROW_MAX || !place_find(j)) {
		finish(j);
		return;
	}
	j->status = blob_writer_open(the_blobs, loop_current(), j->place.region, j->place.placement,
		0, (int64_t)j->file.len, &j->writer);
	if (j->status) {
		finish(j);
		return;
	}
	if (j->place.body_key)
		blob_writer_seal(j->writer, j->place.body_key);
	blob_more(j);
}

static void
write_start(struct task *task, void *arg)
{
	char *text = arena_alloc(task->arena, 600);
	struct job *j = arena_new(task->arena, struct job);
	struct str rest = task->payload;
	(void)arg;
	if (!the_pool && pool_new(&the_pool, 1))
		the_pool = NULL;
	if (!the_pool || !key_take(&rest, text, 300, &j->c.account) ||
		!key_take(&rest, text + 300, 300, &j->c.region)) {
		task_done(task, the_pool ? 0 : -EAGAIN, STR("no worker thread"), NULL, NULL);
		return;
	}
	j->task = task;
	j->c.arena = task->arena;
	j->c.store = the_store;
	j->c.blobs = the_blobs;
	j->pool.run = make;
	j->pool.done = made;
	j->pool.loop = loop_current();
	pool_submit(the_pool, &j->pool);
}

void
ddb_export_write_later(struct call *c, struct str id)
{
	task_add(c->tx, "dynamodb.export", id, c->now_ms);
}

void
ddb_export_write_register(struct store *s, struct blobs *b)
{
	static const struct task_kind kind = {
		.name = "dynamodb.export", .concurrency = 1, .start = write_start
	};
	the_store = s;
	the_blobs = b;
	tasks_register(&kind);
}

void
ddb_export_stop(void)
{
	if (the_pool)
		pool_free(the_pool);
	the_pool = NULL;
}
