#include "svc/s3/inventory.h"

#include "aws/due.h"
#include "base/json.h"
#include "base/log.h"
#include "svc/s3/lifecycle.h"
#include "svc/s3/service_put.h"
#include "svc/s3/task_run.h"

#include <stdlib.h>
#include <zlib.h>

#define KIND "s3-inventory"
#define ROWS_IN_UNIT 1000

struct report {
	struct call c;
	struct arena arena;
	struct s3_bucket_row b, to;
	struct s3_inventory_configuration k;
	struct s3_inventory_walk_row walk;
	struct str id;
};

/* ---- when ---- */

static int64_t
next_midnight(const struct s3_inventory_configuration *k, int64_t after_ms)
{
	int64_t day = s3_lifecycle_day_ms(), n = after_ms / day + 1;
	/* 1970 began on a Thursday; weekly reports are Sunday's. */
	if (k->Schedule && str_is(k->Schedule->Frequency, "Weekly"))
		while ((n + 4) % 7 != 0)
			n++;
	return n * day;
}

static void
due_put(struct report *r, int64_t at_ms, struct str payload)
{
	due_add(r->c.tx, STR(KIND),
		arena_printf(&r->arena, "%.*s/%.*s", STR_FMT(r->b.Name), STR_FMT(r->id)), at_ms,
		payload);
}

void
s3_inventory_schedule(
	struct call *c, const struct s3_bucket_row *b, struct str id, int64_t after_ms)
{
	struct s3_inventory_configuration k = { 0 };
	struct str name = arena_printf(c->arena, "%.*s/%.*s", STR_FMT(b->Name), STR_FMT(id));
	if (s3_inventory_get(c, b, id, &k) && k.IsEnabled.v)
		due_add(c->tx, STR(KIND), name, next_midnight(&k, after_ms), STR(""));
	else
		due_cancel(c->tx, STR(KIND), name);
}

/* ---- where ---- */

static struct str
folder(struct report *r)
{
	struct str prefix = r->k.Destination->S3BucketDestination->Prefix;
	return arena_printf(&r->arena, "%.*s%s%.*s/%.*s", STR_FMT(prefix), prefix.len ? "/" : "",
		STR_FMT(r->b.Name), STR_FMT(r->id));
}

/* "2026-01-02T00-00Z" */
static struct str
stamp(struct report *r)
{
	char text[TIME_TEXT_MAX];
	struct str t = time_format(r->walk.Midnight.ms, TIME_ISO8601, text);
	return arena_printf(&r->arena, "%.13s-%.2sZ", t.p, t.p + 14);
}

/* ---- files ---- */

static struct str
gzip(struct arena *a, struct str text)
{
	z_stream z = { 0 };
	if (deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	uLong cap = deflateBound(&z, (uLong)text.len);
	char *out = arena_alloc_raw(a, cap);
	z.next_in = (Bytef *)(uintptr_t)text.p;
	z.avail_in = (uInt)text.len;
	z.next_out = (Bytef *)out;
	z.avail_out = (uInt)cap;
	deflate(&z, Z_FINISH);
	size_t n = z.total_out;
	deflateEnd(&z);
	return str_of(out, n);
}

static void
file_put(struct report *r, struct str lines)
{
	struct s3_inventory_walk_row *w = &r->walk;
	struct s3_inventory_file *v =
		arena_array(&r->arena, struct s3_inventory_file, w->Files.n + 1);
	struct str zipped = gzip(&r->arena, lines), base = folder(r);
	if (w->Files.n)
		memcpy(v, w->Files.v, w->Files.n * sizeof(*v));
	struct s3_inventory_file *f = &v[w->Files.n];
	f->Key = arena_printf(&r->arena, "%.*s/data/%.*s.csv.gz", STR_FMT(base),
		STR_FMT(ids_uuid_text(&r->arena)));
	f->Size = OPT_I64((int64_t)zipped.len);
	s3_service_put(&r->c, &r->to, f->Key, STR("application/gzip"), zipped, &f->Md5);
	w->Files.v = v;
	w->Files.n++;
	w->Files.set = true;
}

static struct str
manifest(struct report *r)
{
	struct buf b = { 0 };
	struct json_writer w = { .out = &b };
	json_write_object(&w);
	json_write_member_str(&w, "sourceBucket", r->b.Name);
	json_write_member_str(
		&w, "destinationBucket", r->k.Destination->S3BucketDestination->Bucket);
	json_write_member_str(&w, "version", STR("2016-11-30"));
	json_write_member_str(&w, "creationTimestamp",
		arena_printf(&r->arena, "%lld", (long long)r->walk.Midnight.ms));
	json_write_member_str(&w, "fileFormat", STR("CSV"));
	json_write_member_str(&w, "fileSchema", s3_inventory_schema(&r->c, &r->k));
	json_write_key(&w, STR("files"));
	json_write_array(&w);
	for (uint32_t i = 0; i < r->walk.Files.n; i++) {
		const struct s3_inventory_file *f = &r->walk.Files.v[i];
		json_write_object(&w);
		json_write_member_str(&w, "key", f->Key);
		json_write_key(&w, STR("size"));
		json_write_i64(&w, f->Size.v);
		json_write_member_str(&w, "MD5checksum", f->Md5);
		json_write_object_end(&w);
	}
	json_write_array_end(&w);
	json_write_object_end(&w);
	struct str text = arena_dup(&r->arena, buf_str(&b));
	buf_done(&b);
	return text;
}

static void
report_end(struct report *r)
{
	struct str base = folder(r), when = stamp(r), text = manifest(r), sum;
	struct buf links = { 0 };
	struct call *c = &r->c;
	s3_service_put(c, &r->to,
		arena_printf(&r->arena, "%.*s/%.*s/manifest.json", STR_FMT(base), STR_FMT(when)),
		STR("application/json"), text, &sum);
	s3_service_put(c, &r->to,
		arena_printf(
			&r->arena, "%.*s/%.*s/manifest.checksum", STR_FMT(base), STR_FMT(when)),
		STR("text/plain"), sum, NULL);
	for (uint32_t i = 0; i < r->walk.Files.n; i++)
		buf_printf(&links, "s3://%.*s/%.*s\n", STR_FMT(r->to.Name),
			STR_FMT(r->walk.Files.v[i].Key));
	/* Hive's partitions have minutes too. */
	s3_service_put(c, &r->to,
		arena_printf(&r->arena, "%.*s/hive/dt=%.10s-%.2s-%.2s/symlink.txt", STR_FMT(base),
			when.p, when.p + 11, when.p + 14),
		STR("text/plain"), buf_str(&links), NULL);
	buf_done(&links);
	due_put(r, next_midnight(&r->k, r->walk.Midnight.ms), STR(""));
}

/* ---- the walk ---- */

static bool
entry_of(struct report *r, struct str raw, const struct s3_object_row *o,
	struct s3_inventory_entry *e)
{
	struct str rest = str_slice(raw, 9, raw.len);
	char text[S3_KEY_MAX + 1];
	*e = (struct s3_inventory_entry){ &r->c, &r->b, rest, o, true };
	if (str_is(r->walk.Space, "V")) {
		struct s3_object_row latest = { 0 };
		if (!key_take(&rest, text, sizeof(text), &e->key))
			return false;
		e->key = arena_dup(&r->arena, e->key);
		e->latest = o->Marker.v && s3_latest_get(&r->c, &r->b, e->key, &latest) &&
			    latest.Seq.v == o->Seq.v;
	}
	return !r->k.Filter || str_starts(e->key, r->k.Filter->Prefix);
}

/* true: the space is walked to its end. */
static bool
space_walk(struct report *r, struct buf *lines)
{
	struct key lo, hi;
	struct scan s;
	unsigned n = 0;
	bool more = true;
	s3_key_space(&lo, r->walk.Space.p[0], (uint64_t)r->b.Id.v);
	struct str end = key_after_prefix(&hi, key_str(&lo));
	if (r->walk.After.len) {
		key_begin(&lo);
		key_add_raw(&lo, r->walk.After);
		lo.bytes[lo.len++] = 0;
	}
	scan_open(&s, r->c.tx, s3_rows(&r->c), key_str(&lo), end, false);
	while (n < ROWS_IN_UNIT && (more = scan_next(&s))) {
		struct s3_object_row o = { 0 };
		struct s3_inventory_entry e;
		r->walk.After = arena_dup(&r->arena, s.key);
		n++;
		if (row_decode(&s3_object_row_shape, s.value, &r->arena, &o) &&
			entry_of(r, r->walk.After, &o, &e))
			s3_inventory_line(&r->k, &e, lines);
	}
	if (more)
		scan_done(&s);
	return !more;
}

static void
walk_on(struct report *r)
{
	struct buf lines = { 0 }, payload = { 0 };
	bool ended = space_walk(r, &lines);
	if (lines.len)
		file_put(r, buf_str(&lines));
	buf_done(&lines);
	if (ended) {
		if (str_is(r->walk.Space, "V") || !str_is(r->k.IncludedObjectVersions, "All")) {
			report_end(r);
			return;
		}
		r->walk.Space = STR("V");
		r->walk.After = STR("");
	}
	row_encode(&s3_inventory_walk_row_shape, &r->walk, &payload);
	due_put(r, r->walk.Midnight.ms, buf_str(&payload));
	buf_done(&payload);
}

/* AWS delivers nothing where the destination's policy does not let it, and says so nowhere. */
static bool
destination_open(struct report *r)
{
	const struct s3_inventory_s3_bucket_destination *d = r->k.Destination->S3BucketDestination;
	if (s3_bucket_find(&r->c, str_slice(d->Bucket, 13, d->Bucket.len), &r->to) &&
		s3_service_may_put(&r->c, &r->to, folder(r), STR("s3.amazonaws.com"), &r->b))
		return true;
	log_warn("s3.inventory", log_str("bucket", r->b.Name), log_str("id", r->id),
		log_str("destination", d->Bucket),
		log_c("why", "the destination's policy does not let s3.amazonaws.com put objects"));
	return false;
}

static void
report_run(struct report *r, int64_t due_ms, struct str payload)
{
	if (!payload.len || !row_decode(&s3_inventory_walk_row_shape, payload, &r->arena, &r->walk))
		r->walk = (struct s3_inventory_walk_row){ .Midnight = { due_ms, true },
			.Space = STR("C") };
	r->c.now_ms = r->walk.Midnight.ms;
	if (!s3_inventory_get(&r->c, &r->b, r->id, &r->k) || !r->k.IsEnabled.v)
		return;
	if (destination_open(r))
		walk_on(r);
	else
		due_put(r, next_midnight(&r->k, r->walk.Midnight.ms), STR(""));
}

static int
due_run(struct tx *t, struct str id, int64_t due_ms, struct str payload,
	void *arg __attribute__((unused)))
{
	struct report r = { 0 };
	s3_task_call(&r.c, &r.arena, t, due_ms);
	struct str rest = arena_dup(&r.arena, id), bucket = str_cut(&rest, '/');
	payload = arena_dup(&r.arena, payload);
	r.id = rest;
	if (s3_bucket_find(&r.c, bucket, &r.b)) {
		r.c.account = r.c.who.account = r.b.Owner;
		r.c.region = r.b.Region;
		report_run(&r, due_ms, payload);
	}
	arena_done(&r.arena);
	return 0;
}

void
s3_inventory_start(void)
{
	due_handle(KIND, due_run, NULL);
}
