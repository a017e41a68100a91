/* An import on the tasks' loop: object by object, piece by piece, group by group. */
#include "aws/tasks.h"
#include "base/clock.h"
#include "svc/dynamodb/bucket.h"
#include "svc/dynamodb/copies.h"
#include "svc/dynamodb/import.h"

#include <errno.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#define GROUP_ITEMS 500
#define GROUP_BYTES (1u << 20)
#define CHUNK (64u << 10)

static struct store *the_store; /* set once at start */
static struct blobs *the_blobs;

enum packing { PLAIN, GZIP, ZSTD };

struct importer {
	struct store_unit unit; /* of the group being put */
	struct loop_job posted;
	struct loop *loop;
	struct task *task;
	struct importer *next;       /* all that run */
	struct arena object, group;  /* texts of the object; of the group */
	struct call c;               /* account, region; arena: the group's */
	struct str id;
	struct dynamodb_import_row row; /* as the object began */
	struct ddb_table t;
	/* the object */
	struct str key;
	struct body *body;
	uint32_t segment;
	struct blob_reader *reader;
	struct str piece; /* what was read and not yet decompressed */
	bool end;         /* nothing comes behind the piece */
	enum packing packing;
	z_stream z;
	ZSTD_DCtx *zstd;
	bool packed_open, midway; /* within a member or frame */
	struct buf text;
	size_t text_at;
	bool skipping; /* a line that is too long */
	uint64_t line; /* lines of items seen */
	struct str *names;
	uint32_t names_n;
	char delimiter;
	/* the group */
	struct ddb_val *items;
	uint32_t items_n, bad;
	uint64_t bytes;
	bool object_done;
	const char *code;
	int status;
};
static struct importer *running; /* on the tasks' loop */

static void pump(struct importer *m);
static void next_object(struct importer *m);

/* ---- begin and end */

static void
object_close(struct importer *m)
{
	if (m->reader)
		blob_reader_close(m->reader);
	if (m->packed_open && m->packing == GZIP)
		inflateEnd(&m->z);
	if (m->packed_open && m->packing == ZSTD)
		ZSTD_freeDCtx(m->zstd);
	m->reader = NULL;
	m->packed_open = m->midway = false;
	m->end = m->skipping = m->object_done = false;
	m->piece = STR("");
	m->segment = 0;
	m->text_at = 0;
	m->line = 0;
	m->names_n = 0;
	buf_clear(&m->text);
	arena_done(&m->object);
	arena_init(&m->object);
}

static void
importer_free(struct importer *m)
{
	struct importer **at = &running;
	while (*at && *at != m)
		at = &(*at)->next;
	if (*at)
		*at = m->next;
	object_close(m);
	buf_done(&m->text);
	arena_done(&m->object);
	arena_done(&m->group);
	free(m);
}

struct ending {
	const char *code;
};

static int
end_effect(struct tx *tx, const struct task *task, void *arg)
{
	const struct ending *e = arg;
	char text[2][300];
	struct str rest = task->payload;
	struct dynamodb_import_row row;
	struct call c = { .arena = task->arena,
		.tx = tx,
		.store = the_store,
		.now_ms = clock_now_ms() };
	if (key_take(&rest, text[0], 300, &c.account) && key_take(&rest, text[1], 300, &c.region) &&
		ddb_import_find(&c, task->payload, &row) &&
		str_is(row.Description->ImportStatus, "IN_PROGRESS"))
		ddb_import_end(&c, task->payload, &row, e->code);
	return 0;
}

static void
finish(struct importer *m, const char *code)
{
	struct ending *e = arena_new(m->task->arena, struct ending);
	struct task *task = m->task;
	e->code = code;
	importer_free(m);
	task_done(task, 0, STR(""), end_effect, e);
}

/* ---- a group, on the writer */

static void
put_one(struct call *c, const struct ddb_table *t, const struct ddb_val *item, uint32_t *bad)
{
	struct ddb_val old;
	if (ddb_item_check(c, t, item) || ddb_size(item) > DDB_ITEM_MAX) {
		(*bad)++;
		return;
	}
	bool had = ddb_item_load(c, t, item, &old);
	ddb_item_store(c, t, had ? &old : NULL, item, NULL);
}

static int
group_run(struct store_unit *u, struct tx *tx)
{
	struct importer *m = (struct importer *)u;
	struct dynamodb_import_row row;
	struct ddb_table t;
	uint32_t bad = m->bad;
	m->c.tx = tx;
	m->c.now_ms = clock_now_ms();
	if (!ddb_import_find(&m->c, m->id, &row) ||
		!ddb_table_find(&m->c, m->t.row.Name, &t) || t.id != m->t.id) {
		m->code = "TableNotFound";
		return 0;
	}
	for (uint32_t i = 0; i < m->items_n; i++)
		put_one(&m->c, &t, &m->items[i], &bad);
	struct dynamodb_import_table_description *d = row.Description;
	d->ProcessedItemCount = OPT_I64(d->ProcessedItemCount.v + m->items_n + m->bad);
	d->ImportedItemCount = OPT_I64(d->ImportedItemCount.v + m->items_n + m->bad - bad);
	d->ErrorCount = OPT_I64(d->ErrorCount.v + bad);
	row.Lines = OPT_I64((int64_t)m->line);
	if (m->object_done) {
		row.Object = m->key;
		row.Lines = OPT_I64(0);
		d->ProcessedSizeBytes = OPT_I64(d->ProcessedSizeBytes.v + (int64_t)m->body->size);
	}
	ddb_import_save(&m->c, m->id, &row);
	return 0;
}

static void
group_put(struct loop_job *job)
{
	struct importer *m = (struct importer *)((char *)job - offsetof(struct importer, posted));
	bool object_done = m->object_done;
	arena_done(&m->group);
	arena_init(&m->group);
	m->items_n = m->bad = 0;
	m->bytes = 0;
	if (m->status || m->code) {
		const char *code = m->code;
		if (code) {
			finish(m, code);
			return;
		}
		struct task *task = m->task;
		int status = m->status;
		importer_free(m);
		task_done(task, status, STR("the items could not be stored"), NULL, NULL);
		return;
	}
	if (object_done) {
		object_close(m);
		next_object(m);
	} else {
		pump(m);
	}
}

static void
group_done(struct store_unit *u, int status)
{
	struct importer *m = (struct importer *)u;
	m->status = status;
	m->posted.run = group_put;
	loop_post(m->loop, &m->posted);
}

static void
flush(struct importer *m)
{
	m->unit.run = group_run;
	m->unit.done = group_done;
	store_submit(the_store, &m->unit);
}

/* ---- lines */

static void
take_names(struct importer *m, struct str line)
{
	m->names = arena_array(&m->object, struct str, 1024);
	m->names_n = ddb_csv_fields(&m->object, line, m->delimiter, m->names, 1024);
}

static void
take_line(struct importer *m, struct str line)
{
	struct ddb_val item;
	const struct dynamodb_input_format_options *o = m->row.Description->InputFormatOptions;
	bool csv = str_is(m->row.Description->InputFormat, "CSV");
	if (line.len && line.p[line.len - 1] == '\r')
		line = str_slice(line, 0, line.len - 1);
	if (csv && !m->names_n) {
		if (!(o && o->Csv && o->Csv->HeaderList.n)) {
			take_names(m, line);
			return;
		}
		m->names = o->Csv->HeaderList.v;
		m->names_n = o->Csv->HeaderList.n;
	}
	if (!line.len || ++m->line <= (uint64_t)m->row.Lines.v)
		return;
	m->c.arena = &m->group;
	m->bytes += line.len;
	bool ok = csv ? ddb_import_csv(&m->c, &m->t, m->names, m->names_n, line, m->delimiter,
				&item)
		      : ddb_import_json(&m->c, line, &item);
	if (!m->items_n)
		m->items = arena_array(&m->group, struct ddb_val, GROUP_ITEMS);
	if (ok)
		m->items[m->items_n++] = item;
	else
		m->bad++;
}

/* false: a group is full. */
static bool
take_lines(struct importer *m)
{
	for (;;) {
		if (m->items_n + m->bad >= GROUP_ITEMS || m->bytes >= GROUP_BYTES)
			return false;
		const char *from = m->text.p ? m->text.p + m->text_at : "";
		size_t left = m->text.len - m->text_at;
		const char *nl = left ? memchr(from, '\n', left) : NULL;
		if (!nl && left > DDB_IMPORT_LINE_MAX) {
			m->skipping = true;
			m->text_at = m->text.len;
		}
		if (!nl)
			break;
		m->text_at += (size_t)(nl - from) + 1;
		if (m->skipping) {
			m->skipping = false;
			m->line++;
			m->bad += m->line > (uint64_t)m->row.Lines.v;
		} else {
			take_line(m, str_of(from, (size_t)(nl - from)));
		}
	}
	buf_consume(&m->text, m->text_at);
	m->text_at = 0;
	return true;
}

/* ---- decompression: at most a chunk at once. false: damaged. */

static bool
open_packing(struct importer *m)
{
	m->z = (z_stream){ 0 };
	if (m->packing == GZIP && inflateInit2(&m->z, 15 + 16) != Z_OK)
		return false;
	if (m->packing == ZSTD && !(m->zstd = ZSTD_createDCtx()))
		return false;
	m->packed_open = true;
	return true;
}

static bool
unzip(struct importer *m)
{
	m->z.next_in = (unsigned char *)m->piece.p;
	m->z.avail_in = (unsigned)m->piece.len;
	m->z.next_out = (unsigned char *)buf_reserve(&m->text, CHUNK);
	m->z.avail_out = CHUNK;
	int r = inflate(&m->z, Z_NO_FLUSH);
	m->text.len += CHUNK - m->z.avail_out;
	m->piece = str_slice(m->piece, m->piece.len - m->z.avail_in, m->piece.len);
	/* Several members in a row are one file. */
	m->midway = r != Z_STREAM_END;
	if (r == Z_STREAM_END)
		return inflateReset(&m->z) == Z_OK;
	return r == Z_OK || r == Z_BUF_ERROR;
}

static bool
unzstd(struct importer *m)
{
	ZSTD_inBuffer in = { m->piece.p, m->piece.len, 0 };
	ZSTD_outBuffer out = { buf_reserve(&m->text, CHUNK), CHUNK, 0 };
	size_t r = ZSTD_decompressStream(m->zstd, &out, &in);
	m->text.len += out.pos;
	m->piece = str_slice(m->piece, in.pos, m->piece.len);
	m->midway = r != 0;
	return !ZSTD_isError(r) && (in.pos || out.pos);
}

static bool
unpack(struct importer *m)
{
	if (m->packing == GZIP)
		return unzip(m);
	if (m->packing == ZSTD)
		return unzstd(m);
	size_t n = m->piece.len < CHUNK ? m->piece.len : CHUNK;
	buf_add_str(&m->text, str_slice(m->piece, 0, n));
	m->piece = str_slice(m->piece, n, m->piece.len);
	return true;
}

/* ---- reading */

static void
piece_come(void *arg, int status, struct str data)
{
	struct importer *m = arg;
	if (status) {
		finish(m, "S3ReadError");
		return;
	}
	m->piece = data;
	if (!data.len) {
		blob_reader_close(m->reader);
		m->reader = NULL;
		m->segment++;
	}
	pump(m);
}

static void
read_more(struct importer *m)
{
	if (!m->reader && m->segment >= m->body->segments_n) {
		m->end = true;
		pump(m);
		return;
	}
	if (!m->reader) {
		const struct body_segment *s = &m->body->segments[m->segment];
		if (blob_reader_open(the_blobs, m->loop, m->body->region, s->id, s->offset, s->len,
			    piece_come, m, &m->reader)) {
			m->reader = NULL;
			finish(m, "S3ReadError");
			return;
		}
		if (m->body->key)
			blob_reader_unseal(m->reader, m->body->key);
	}
	blob_reader_next(m->reader);
}

static void
pump(struct importer *m)
{
	for (;;) {
		if (!take_lines(m)) {
			flush(m);
			return;
		}
		if (m->piece.len) {
			if (!unpack(m)) {
				finish(m, "InvalidCompression");
				return;
			}
			continue;
		}
		if (!m->end) {
			read_more(m);
			return;
		}
		if (m->midway) {
			finish(m, "InvalidCompression");
			return;
		}
		/* The last line may have no end. */
		if (m->text.len && !m->skipping)
			take_line(m, buf_str(&m->text));
		buf_clear(&m->text);
		m->object_done = true;
		flush(m);
		return;
	}
}

/* ---- objects */

static struct body *
body_dup(struct arena *a, const struct body *b)
{
	struct body *own = arena_new(a, struct body);
	*own = *b;
	own->region = arena_dup(a, b->region);
	own->inline_data = b->inline_data.p ? arena_dup(a, b->inline_data) : STR_NULL;
	own->segments = arena_array(a, struct body_segment, b->segments_n);
	if (b->segments_n)
		memcpy(own->segments, b->segments, sizeof(*own->segments) * b->segments_n);
	return own;
}

/* Reads how far it is, and opens the next object. 1: there is none; NULL in *ret_code: fine. */
static int
look(struct importer *m, const char **ret_code)
{
	struct tx *tx = tx_begin_read(the_store);
	struct str key = STR_NULL;
	int r = 1;
	*ret_code = NULL;
	struct call c = m->c;
	c.tx = tx;
	c.arena = &m->object;
	c.now_ms = clock_now_ms();
	/* The row and the table live as long as the object: nothing of them is borrowed. */
	if (ddb_import_find(&c, m->id, &m->row)) {
		struct buf copy = { 0 };
		row_encode(&dynamodb_import_row_shape, &m->row, &copy);
		row_decode(&dynamodb_import_row_shape, arena_dup(&m->object, buf_str(&copy)),
			&m->object, &m->row);
		buf_clear(&copy);
		const struct dynamodb_import_table_description *d = m->row.Description;
		bool found = ddb_table_find(&c, d->TableCreationParameters->TableName, &m->t);
		if (found) {
			row_encode(&dynamodb_table_row_shape, &m->t.row, &copy);
			row_decode(&dynamodb_table_row_shape,
				arena_dup(&m->object, buf_str(&copy)), &m->object, &m->t.row);
			ddb_table_resolve(&c, &m->t);
		}
		buf_done(&copy);
		const struct dynamodb_s3_bucket_source *s = d->S3BucketSource;
		if (found && ddb_bucket_next(&c, s->S3Bucket,
				     s->S3KeyPrefix.p ? s->S3KeyPrefix : STR(""),
				     m->row.Object.len ? m->row.Object : STR_NULL, &key)) {
			struct body *body = ddb_bucket_read(
				&c, s->S3Bucket, s->S3BucketOwner, key, ret_code);
			m->key = arena_dup(&m->object, key);
			if (body)
				m->body = body_dup(&m->object, body);
			r = 0;
		}
	}
	tx_end(tx);
	return r;
}

static void
next_object(struct importer *m)
{
	const char *code;
	if (look(m, &code)) {
		finish(m, NULL);
		return;
	}
	const struct dynamodb_import_table_description *d = m->row.Description;
	m->packing = str_is(d->InputCompressionType, "GZIP")   ? GZIP
		     : str_is(d->InputCompressionType, "ZSTD") ? ZSTD
							       : PLAIN;
	m->delimiter = d->InputFormatOptions && d->InputFormatOptions->Csv &&
				       d->InputFormatOptions->Csv->Delimiter.len
			       ? *d->InputFormatOptions->Csv->Delimiter.p
			       : ',';
	if (code || !open_packing(m)) {
		finish(m, code ? code : "OutOfMemory");
		return;
	}
	m->piece = m->body->inline_data.p ? m->body->inline_data : STR("");
	if (m->body->inline_data.p)
		m->end = true;
	pump(m);
}

static void
import_start(struct task *task, void *arg)
{
	char *text = arena_alloc(task->arena, 600);
	struct str rest = task->payload;
	struct importer *m = calloc(1, sizeof(*m));
	(void)arg;
	if (!m)
		abort();
	m->task = task;
	m->loop = loop_current();
	m->id = arena_dup(task->arena, task->payload);
	m->next = running;
	running = m;
	arena_init(&m->object);
	arena_init(&m->group);
	m->c = (struct call){ .store = the_store,
		.blobs = the_blobs,
		.arena = &m->group,
		.service = &dynamodb_service,
		.protocol = PROTO_JSON10 };
	if (!key_take(&rest, text, 300, &m->c.account) ||
		!key_take(&rest, text + 300, 300, &m->c.region)) {
		importer_free(m);
		task_done(task, 0, STR(""), NULL, NULL);
		return;
	}
	next_object(m);
}

void
ddb_import_run_register(struct store *s, struct blobs *b)
{
	static const struct task_kind kind = { .name = "dynamodb.import",
		.concurrency = 2,
		.lease_ms = 24 * 3600 * 1000,
		.start = import_start };
	the_store = s;
	the_blobs = b;
	tasks_register(&kind);
}

void
ddb_import_stop(void)
{
	while (running)
		importer_free(running);
}
