/* Access logs: a line for each request to a bucket, in AWS's format, as objects each hour. */
#include "aws/due.h"
#include "base/buf.h"
#include "svc/s3/rules.h"
#include "svc/s3/service_put.h"
#include "svc/s3/task_run.h"
#include "svc/s3/usage.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define KIND "s3-access-log"
#define HOUR_MS INT64_C(3600000)
#define BUCKETS 64
#define LINES_MAX (4u << 20) /* of one bucket in an hour; further lines are dropped */

struct pending {
	char bucket[64]; /* "": free */
	struct buf lines;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct pending all[BUCKETS];

/* ---- one line ---- */

static struct str
path_key(struct call *c)
{
	struct str rest = str_slice(c->path, 1, c->path.len);
	str_cut(&rest, '/');
	return rest.p && rest.len ? rest : STR_NULL;
}

static struct str
operation(struct call *c, struct str key)
{
	struct str rest = c->query, name = str_cut(&rest, '&'), word = str_cut(&name, '=');
	static const char *const known[] = { "acl", "cors", "lifecycle", "location", "logging",
		"notification", "policy", "replication", "tagging", "uploads", "versioning",
		"versions", "website", "encryption", "delete" };
	struct buf b = { 0 };
	buf_add_lit(&b, "REST.");
	bool copy = call_request_header(c, STR("x-amz-copy-source")).p;
	buf_add_str(&b, copy ? STR("COPY") : c->method);
	buf_add_c(&b, '.');
	const char *what = key.p ? "OBJECT" : "BUCKET";
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (str_eq(word, str_c(known[i])))
			what = known[i];
	for (const char *p = what; *p; p++)
		buf_add_c(&b, *p >= 'a' && *p <= 'z' ? (char)(*p - 32) : *p);
	struct str text = arena_dup(c->arena, buf_str(&b));
	buf_done(&b);
	return text;
}

/* "-" for nothing; what would end the field or the line is encoded. */
static void
field(struct buf *b, struct str s, bool quoted)
{
	if (quoted)
		buf_add_c(b, '"');
	if (!s.len)
		buf_add_c(b, '-');
	for (size_t i = 0; i < s.len; i++) {
		unsigned char ch = (unsigned char)s.p[i];
		if (ch < 32 || ch == '"' || ch == 127 || (!quoted && ch == ' '))
			buf_printf(b, "%%%02X", ch);
		else
			buf_add_c(b, (char)ch);
	}
	if (quoted)
		buf_add_c(b, '"');
	buf_add_c(b, ' ');
}

static void
time_field(struct buf *b, int64_t ms)
{
	char text[TIME_TEXT_MAX]; /* "Fri, 02 Jan 2026 03:04:05 GMT" */
	struct str t = time_format(ms, TIME_HTTP, text);
	buf_printf(b, "[%.2s/%.3s/%.4s:%.8s +0000] ", t.p + 5, t.p + 8, t.p + 12, t.p + 17);
}

static void
line_write(struct call *c, const struct call_outcome *o, struct buf *b)
{
	struct str key = path_key(c), auth = call_request_header(c, STR("authorization"));
	bool presigned = str_find_str(c->query, STR("X-Amz-Signature=")) >= 0;
	field(b, s3_canonical_id(c, c->billed_account), false);
	field(b, c->billed_resource, false);
	time_field(b, c->now_ms);
	field(b, c->source_ip, false);
	field(b, c->who.anonymous ? STR_NULL : c->who.arn, false);
	field(b, c->request_id, false);
	field(b, operation(c, key), false);
	field(b, key, false);
	field(b,
		arena_printf(c->arena, "%.*s %.*s%s%.*s HTTP/1.1", STR_FMT(c->method),
			STR_FMT(c->raw_path), c->query.len ? "?" : "", STR_FMT(c->query)),
		true);
	buf_printf(b, "%u ", o->status);
	field(b, c->error ? str_c(c->error->code) : STR_NULL, false);
	if (o->bytes_out)
		buf_printf(b, "%llu ", (unsigned long long)o->bytes_out);
	else
		buf_add_lit(b, "- ");
	uint64_t size = o->bytes_in ? o->bytes_in : o->bytes_out;
	if (key.p && size && !c->error)
		buf_printf(b, "%llu ", (unsigned long long)size);
	else
		buf_add_lit(b, "- ");
	buf_printf(b, "%llu %llu ", (unsigned long long)o->took_us / 1000,
		(unsigned long long)o->took_us / 1000);
	field(b, call_request_header(c, STR("referer")), true);
	field(b, c->user_agent, true);
	field(b, call_query_param(c, STR("versionId")), false);
	field(b, c->extended_id, false);
	field(b, c->who.anonymous ? STR_NULL : STR("SigV4"), false);
	field(b, c->tls ? STR("TLS_AES_128_GCM_SHA256") : STR_NULL, false);
	field(b, auth.p ? STR("AuthHeader") : presigned ? STR("QueryString") : STR_NULL, false);
	field(b, c->host, false);
	field(b, c->tls ? STR("TLSv1.3") : STR_NULL, false);
	buf_add_lit(b, "- -\n");
}

static struct pending *
pending_of(struct str bucket, bool make)
{
	struct pending *empty = NULL;
	for (unsigned i = 0; i < BUCKETS; i++) {
		if (str_eq(str_c(all[i].bucket), bucket))
			return &all[i];
		if (!all[i].bucket[0] && !empty)
			empty = &all[i];
	}
	if (!make || !empty || bucket.len >= sizeof(empty->bucket))
		return NULL;
	memcpy(empty->bucket, bucket.p, bucket.len);
	empty->bucket[bucket.len] = 0;
	return empty;
}

void
s3_access_log_add(struct call *c, const struct call_outcome *o)
{
	struct buf line = { 0 };
	line_write(c, o, &line);
	pthread_mutex_lock(&lock);
	struct pending *p = pending_of(c->billed_resource, true);
	if (p && p->lines.len + line.len <= LINES_MAX)
		buf_add_str(&p->lines, buf_str(&line));
	pthread_mutex_unlock(&lock);
	buf_done(&line);
}

/* ---- delivery ---- */

static void
due_next(struct tx *t, struct str bucket, int64_t after_ms)
{
	due_add(t, STR(KIND), bucket, (after_ms / HOUR_MS + 1) * HOUR_MS, STR(""));
}

void
s3_access_log_schedule(struct call *c, struct str bucket)
{
	due_next(c->tx, bucket, c->now_ms);
}

/* "prefix2026-01-02-03-04-05-0123456789ABCDEF", or by date when the target asks for that. */
static struct str
object_key(struct call *c, const struct s3_bucket_row *b, const struct s3_logging_enabled *l)
{
	char text[TIME_TEXT_MAX], unique[17];
	struct str t = time_format(c->now_ms, TIME_ISO8601, text);
	struct str dir = STR("");
	random_chars(unique, 16, "0123456789ABCDEF");
	if (l->TargetObjectKeyFormat && l->TargetObjectKeyFormat->PartitionedPrefix)
		dir = arena_printf(c->arena, "%.*s/%.*s/%.*s/%.4s/%.2s/%.2s/", STR_FMT(b->Owner),
			STR_FMT(b->Region), STR_FMT(b->Name), t.p, t.p + 5, t.p + 8);
	return arena_printf(c->arena, "%.*s%.*s%.10s-%.2s-%.2s-%.2s-%s", STR_FMT(l->TargetPrefix),
		STR_FMT(dir), t.p, t.p + 11, t.p + 14, t.p + 17, unique);
}

static void
object_put(struct call *c, const struct s3_bucket_row *b, const struct s3_logging_enabled *l,
	struct str lines)
{
	struct s3_bucket_row to = { 0 };
	if (s3_bucket_find(c, l->TargetBucket, &to))
		s3_service_put(c, &to, object_key(c, b, l), STR("text/plain"), lines, NULL);
}

static int
due_run(struct tx *t, struct str id, int64_t due_ms, struct str payload __attribute__((unused)),
	void *arg __attribute__((unused)))
{
	struct call c;
	struct arena a;
	struct s3_bucket_row b = { 0 };
	struct buf lines = { 0 };
	s3_task_call(&c, &a, t, due_ms);
	id = arena_dup(&a, id);
	pthread_mutex_lock(&lock);
	struct pending *p = pending_of(id, false);
	if (p) {
		lines = p->lines;
		memset(p, 0, sizeof(*p));
	}
	pthread_mutex_unlock(&lock);
	if (s3_bucket_find(&c, id, &b)) {
		const struct s3_logging_row *k = s3_rules_get(&c, &b)->logging;
		if (k && k->Logging) {
			due_next(t, id, due_ms);
			if (lines.len)
				object_put(&c, &b, k->Logging, buf_str(&lines));
		}
	}
	buf_done(&lines);
	arena_done(&a);
	return 0;
}

void
s3_access_log_start(void)
{
	due_handle(KIND, due_run, NULL);
}
