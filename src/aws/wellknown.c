/*
 * The addresses outside AWS's protocols that people's set-ups rely on (health checks, resets,
 * clock, metrics), and CORS for browsers.
 */
#include "aws/care.h"
#include "aws/clock_rows.h"
#include "aws/credentials.h"
#include "aws/front.h"
#include "aws/metering.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/uri.h"
#include "wire/tls.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define ADMIN_BODY_MAX 4096
#define USAGE_MAX (8u << 20) /* of each list */

static void
answer(struct front_call *f, int status, const char *type, struct str body)
{
	struct http_header h[] = { { STR("Content-Type"), str_c(type) },
		{ STR("Server"), STR("Haneul") }, { STR("Cache-Control"), STR("no-store") } };
	struct http_exchange *x = f->x;
	f->x = NULL;
	f->quiet = true;
	http_reply_simple(x, status, h, 3, str_is(f->call.method, "HEAD") ? STR("") : body);
	front_finished(f);
}

static void
answer_json(struct front_call *f, int status, struct buf *b)
{
	answer(f, status, "application/json", buf_str(b));
	buf_done(b);
}

static void
refuse(struct front_call *f, int status, const char *why)
{
	struct buf b = { 0 };
	buf_add_lit(&b, "{\"message\":");
	json_add_str(&b, str_c(why));
	buf_add_lit(&b, "}\n");
	answer_json(f, status, &b);
}

/* --- who may --- */

static bool
origin_is_local(struct str origin)
{
	struct str rest = origin;
	if (str_starts(rest, STR("https://")))
		rest = str_slice(rest, 8, rest.len);
	else if (str_starts(rest, STR("http://")))
		rest = str_slice(rest, 7, rest.len);
	else
		return false;
	struct str host = str_starts(rest, STR("[::1]")) ? STR("[::1]") : str_cut(&rest, ':');
	return str_is(host, "localhost") || str_is(host, "127.0.0.1") || str_is(host, "[::1]") ||
	       str_ends(host, STR(".localhost")) || str_is(host, "localhost.localstack.cloud") ||
	       str_ends(host, STR(".localhost.localstack.cloud"));
}

/* With well-known keys any page in the user's browser could sign; so only local pages may read. */
static bool
origin_allowed(struct cloud *cloud, struct str origin)
{
	struct str rest = str_c(cloud->options.cors_origins);
	if (!rest.len)
		return !cloud->well_known_keys || origin_is_local(origin);
	while (rest.p) {
		struct str one = str_trim(str_cut(&rest, ','));
		if (str_is(one, "*") || str_eq(one, origin))
			return true;
	}
	return false;
}

/* Changing things here is for local programs, or for who signs as root where keys are checked. */
static bool
admin_allowed(struct front_call *f)
{
	struct call *c = &f->call;
	struct str origin = call_request_header(c, STR("origin"));
	if (origin.p && !origin_allowed(f->home->cloud, origin))
		return false;
	if (f->home->cloud->well_known_keys && !f->foreign)
		return true;
	f->wire.body = buf_str(&f->body);
	return front_auth_parse(f) == CALL_OK && front_authenticate(f, true) == CALL_OK &&
	       c->who.root;
}

/* --- what --- */

static void
health(struct front_call *f)
{
	struct cloud *cloud = f->home->cloud;
	struct buf b = { 0 };
	buf_add_lit(&b, "{\"services\": {");
	for (unsigned i = 0, first = 1; i < services_n; i++) {
		bool live = false;
		for (unsigned k = 0; k < services[i]->ops_n && !live; k++)
			live = services[i]->ops[k].handler != NULL;
		if (!live || !front_service_enabled(cloud, services[i]))
			continue;
		buf_printf(&b, "%s\"%s\": \"running\"", first ? "" : ", ", services[i]->name);
		first = 0;
	}
	buf_printf(
		&b, "}, \"edition\": \"haneul\", \"version\": \"%s\"}\n", cloud->options.version);
	answer_json(f, 200, &b);
}

static void
info(struct front_call *f)
{
	struct cloud *cloud = f->home->cloud;
	struct buf b = { 0 };
	buf_printf(&b,
		"{\"version\": \"%s\", \"edition\": \"haneul\", \"is_license_activated\": false, \"pid\": %d, "
		"\"uptime\": %lld, \"strict\": %s, \"data_dir\": ",
		cloud->options.version, (int)getpid(),
		(long long)(clock_real_ms() - cloud->started_ms) / 1000,
		cloud->options.strict ? "true" : "false");
	json_add_str(&b, str_c(cloud->data_dir));
	buf_add_lit(&b, "}\n");
	answer_json(f, 200, &b);
}

static void
clock_show(struct front_call *f)
{
	struct buf b = { 0 };
	char now[TIME_TEXT_MAX];
	buf_add_lit(&b, "{\"now\": ");
	json_add_str(&b, time_format(clock_now_ms(), TIME_ISO8601_MS, now));
	buf_printf(&b, ", \"now_ms\": %lld, \"offset_ms\": %lld, \"speed\": %g}\n",
		(long long)clock_now_ms(), (long long)(clock_now_ms() - clock_real_ms()),
		clock_speed());
	answer_json(f, 200, &b);
}

/* The change is a unit like any other: kept, then told to who sleeps. */
struct clock_move {
	int64_t advance_ms;
	double speed; /* below 0: as it is */
};

static int
clock_unit_run(struct store_unit *u, struct tx *t)
{
	struct front_call *f = (struct front_call *)((char *)u - offsetof(struct front_call, unit));
	const struct clock_move *m = f->in;
	clock_rows_change(t, f->call.store, m->advance_ms, m->speed);
	return 0;
}

static void
clock_returned(struct loop_job *job)
{
	struct front_call *f =
		(struct front_call *)((char *)job - offsetof(struct front_call, job));
	f->away = false;
	clock_moved();
	if (f->gone)
		front_finished(f);
	else
		clock_show(f);
}

static void
clock_unit_done(struct store_unit *u, int status)
{
	struct front_call *f = (struct front_call *)((char *)u - offsetof(struct front_call, unit));
	(void)status;
	f->job.run = clock_returned;
	loop_post(f->home->loop, &f->job);
}

static void
clock_change(struct front_call *f)
{
	struct json_error why;
	struct json *j = json_parse(&f->arena, buf_str(&f->body), 0, &why);
	struct clock_move *m = arena_new(&f->arena, struct clock_move);
	const struct json *a = json_get(j, STR("advance_ms")), *s = json_get(j, STR("speed"));
	m->speed = -1;
	if ((!a && !s) || (a && (!json_i64(a, &m->advance_ms) || m->advance_ms < 0)) ||
		(s && (!json_f64(s, &m->speed) || !(m->speed >= 0 && m->speed <= 1e6)))) {
		refuse(f, 400,
			"Send {\"advance_ms\": N} with N >= 0, or {\"speed\": F} with 0 <= F <= 1000000.");
		return;
	}
	f->in = m;
	f->away = true;
	f->unit.run = clock_unit_run;
	f->unit.done = clock_unit_done;
	store_submit(f->call.store, &f->unit);
}

static void
metrics(struct front_call *f)
{
	struct buf b = { 0 };
	metrics_write(f->home->cloud, &b);
	answer(f, 200, "text/plain; version=0.0.4", buf_str(&b));
	buf_done(&b);
}

static void
init_status(struct front_call *f)
{
	struct cloud *cloud = f->home->cloud;
	pthread_mutex_lock(&cloud->lock);
	struct str text = arena_dup(&f->arena, str_c(cloud->init_status));
	pthread_mutex_unlock(&cloud->lock);
	answer(f, 200, "application/json",
		text.len
			? text
			: STR("{\"completed\": {\"BOOT\": false, \"START\": false, \"READY\": false, \"SHUTDOWN\": false}, "
			      "\"scripts\": []}\n"));
}

static void
ca_certificate(struct front_call *f)
{
	char path[1200], text[8192];
	int fd = tls_ca_path(f->home->cloud->tls, path, sizeof(path))
			 ? -1
			 : open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		refuse(f, 500, "The certificate cannot be made.");
	else
		answer(f, 200, "application/x-pem-file", str_of(text, (size_t)n));
}

static void
rows_show(struct store *s, struct buf *out)
{
	struct store_stats t;
	store_stats_get(s, &t);
	buf_printf(out,
		"\"rows\": {\"read_only\": %s, \"damaged\": %llu, \"repaired\": %llu, \"lost\": %llu, "
		"\"scrubs\": %llu, \"scrubbed_bytes\": %llu, \"rebuild_bytes\": %llu, "
		"\"rebuild_bytes_expected\": %llu, \"copies\": [",
		t.read_only ? "true" : "false", (unsigned long long)t.damaged_total,
		(unsigned long long)t.repaired_total, (unsigned long long)t.lost_total,
		(unsigned long long)t.scrubs_total, (unsigned long long)t.scrubbed_bytes,
		(unsigned long long)t.rebuild_bytes, (unsigned long long)t.rebuild_bytes_expected);
	for (unsigned i = 0; i < 2 && t.side[i].there; i++)
		buf_printf(out,
			"%s{\"whole\": %s, \"log\": %s, \"environments\": %u, \"environments_down\": %u}",
			i ? ", " : "", t.side[i].whole ? "true" : "false",
			t.side[i].log ? "true" : "false", t.side[i].environments,
			t.side[i].environments_down);
	buf_add_lit(out, "]}");
}

static void
storage_show(struct front_call *f)
{
	struct cloud *cloud = f->home->cloud;
	struct care_stats k = { .state = "off" };
	struct blobs_stats b;
	struct buf out = { 0 };
	if (cloud->care)
		care_stats_get(cloud->care, &k);
	blobs_stats_get(cloud->blobs, &b);
	buf_printf(&out,
		"{\"state\": \"%s\", \"rounds\": %llu, \"progress\": %.3f, \"blobs\": %llu, \"bytes\": %llu, ",
		k.state, (unsigned long long)k.rounds_total,
		k.files_expected ? (double)k.files_seen / (double)k.files_expected : 1.0,
		(unsigned long long)k.blobs, (unsigned long long)k.bytes);
	buf_printf(&out,
		"\"damaged\": %llu, \"repaired\": %llu, \"lost\": %llu, \"orphans\": %llu, ",
		(unsigned long long)k.damaged, (unsigned long long)k.repaired,
		(unsigned long long)k.lost, (unsigned long long)k.orphans_total);
	buf_printf(&out,
		"\"total\": {\"damaged\": %llu, \"repaired\": %llu, \"lost\": %llu, \"degraded\": %llu}, \"zones\": {",
		(unsigned long long)b.damaged_total, (unsigned long long)b.repaired_total,
		(unsigned long long)b.lost_total, (unsigned long long)b.degraded_total);
	for (unsigned i = 0; i < 3; i++)
		buf_printf(&out, "%s\"%c\": {\"missing\": %s, \"files\": %llu, \"bytes\": %llu}",
			i ? ", " : "", "abc"[i],
			blobs_zone_missing(cloud->blobs, i) ? "true" : "false",
			(unsigned long long)k.zone_files[i], (unsigned long long)k.zone_bytes[i]);
	buf_add_lit(&out, "}, ");
	rows_show(cloud->store, &out);
	buf_add_lit(&out, "}\n");
	answer_json(f, 200, &out);
}

static void
storage_check(struct front_call *f)
{
	if (f->home->cloud->care)
		care_now(f->home->cloud->care);
	storage_show(f);
}

static void
reset_returned(struct loop_job *job)
{
	struct front_call *f =
		(struct front_call *)((char *)job - offsetof(struct front_call, job));
	f->away = false;
	if (f->gone)
		front_finished(f);
	else if (f->commit_status)
		refuse(f, 500, strerror(-f->commit_status));
	else
		answer(f, 200, "application/json", STR("{\"status\": \"ok\"}\n"));
}

static void
reset(struct front_call *f)
{
	f->away = true;
	f->job.run = reset_returned;
	front_reset(f);
}

/* --- pages of services --- */

static bool
page_matches(const struct service_page *p, struct str path)
{
	struct str want = str_c(p->path);
	if (want.p[want.len - 1] != '*')
		return str_eq(want, path);
	return str_starts(path, str_slice(want, 0, want.len - 1));
}

static const struct service_page *
service_page_of(struct str path, bool post)
{
	for (unsigned i = 0; i < services_n; i++) {
		const struct service_page *p =
			services[i]->hooks ? services[i]->hooks->pages : NULL;
		for (; p && p->path; p++)
			if (page_matches(p, path) && (post ? p->change != NULL : p->serve != NULL))
				return p;
	}
	return NULL;
}

static void
serve_service_page(struct front_call *f, const struct service_page *p)
{
	struct buf b = { 0 };
	const char *type = "text/plain";
	if (p->admin && !admin_allowed(f)) {
		refuse(f, 403, "Not from there: sign as root, or call from this machine.");
		return;
	}
	f->call.tx = tx_begin_read(f->call.store);
	bool there = p->serve(&f->call, &b, &type);
	tx_end(f->call.tx);
	f->call.tx = NULL;
	if (there)
		answer(f, 200, type, buf_str(&b));
	else
		refuse(f, 404, "There is nothing here.");
	buf_done(&b);
}

struct page_change {
	const struct service_page *page;
	struct buf reply;
};

static int
change_run(struct store_unit *u, struct tx *t)
{
	struct front_call *f = (struct front_call *)((char *)u - offsetof(struct front_call, unit));
	struct page_change *p = f->in;
	f->call.tx = t;
	f->result = p->page->change(&f->call, buf_str(&f->body), &p->reply);
	f->call.tx = NULL;
	return f->result;
}

static void
change_returned(struct loop_job *job)
{
	struct front_call *f =
		(struct front_call *)((char *)job - offsetof(struct front_call, job));
	struct page_change *p = f->in;
	f->away = false;
	if (f->gone)
		front_finished(f);
	else if (f->result != CALL_OK)
		refuse(f, 400, arena_cstr(&f->arena, f->call.error_message));
	else if (f->commit_status)
		refuse(f, 500, strerror(-f->commit_status));
	else
		answer(f, 200, "application/json", buf_str(&p->reply));
	buf_done(&p->reply);
}

static void
change_done(struct store_unit *u, int status)
{
	struct front_call *f = (struct front_call *)((char *)u - offsetof(struct front_call, unit));
	f->commit_status = status;
	f->job.run = change_returned;
	loop_post(f->home->loop, &f->job);
}

static void
change_service_page(struct front_call *f)
{
	struct page_change *p = f->in = arena_new(&f->arena, struct page_change);
	p->page = f->call.user;
	if (!admin_allowed(f)) {
		refuse(f, 403, "Not from there: sign as root, or call from this machine.");
		return;
	}
	f->away = true;
	front_keep_request(f);
	f->unit.run = change_run;
	f->unit.done = change_done;
	store_submit(f->call.store, &f->unit);
}

/* --- usage --- */

static bool
usage_amount(void *arg, const struct metering_amount *a)
{
	struct json_writer *w = arg;
	json_write_object(w);
	json_write_member_str(w, "account", a->key.account);
	json_write_member_str(w, "service", a->key.service);
	json_write_member_str(w, "resource", a->key.resource);
	json_write_member_str(w, "class", a->key.kind);
	json_write_member_i64(w, "bytes", (int64_t)a->bytes);
	json_write_member_i64(w, "objects", (int64_t)a->things);
	json_write_key(w, STR("byte_hours"));
	json_write_f64(w, a->byte_hours);
	json_write_object_end(w);
	return w->out->len < USAGE_MAX;
}

static bool
usage_requests(void *arg, const struct metering_requests *r)
{
	struct json_writer *w = arg;
	json_write_object(w);
	json_write_member_str(w, "account", r->key.account);
	json_write_member_str(w, "service", r->key.service);
	json_write_member_str(w, "resource", r->key.resource);
	json_write_member_str(w, "operation", r->key.kind);
	json_write_member_i64(w, "hour_ms", r->hour_ms);
	json_write_member_i64(w, "requests", (int64_t)r->n);
	json_write_object_end(w);
	return w->out->len < 2 * USAGE_MAX;
}

static void
usage(struct front_call *f)
{
	struct buf b = { 0 };
	struct json_writer w = { .out = &b };
	struct tx *t = tx_begin_read(f->call.store);
	json_write_object(&w);
	json_write_key(&w, STR("amounts"));
	json_write_array(&w);
	metering_amounts(t, f->call.store, clock_now_ms(), usage_amount, &w);
	json_write_array_end(&w);
	json_write_key(&w, STR("requests"));
	json_write_array(&w);
	metering_counts(t, f->call.store, usage_requests, &w);
	json_write_array_end(&w);
	json_write_object_end(&w);
	tx_end(t);
	buf_add_c(&b, '\n');
	answer_json(f, 200, &b);
}

struct page {
	const char *path;
	bool post, admin;
	void (*serve)(struct front_call *f);
};
static const struct page pages[] = {
	{ "/health", false, false, health },
	{ "/_localstack/health", false, false, health },
	{ "/_haneul/health", false, false, health },
	{ "/_localstack/info", false, false, info },
	{ "/_haneul/info", false, false, info },
	{ "/_localstack/init", false, false, init_status },
	{ "/_haneul/clock", false, false, clock_show },
	{ "/_haneul/clock", true, true, clock_change },
	{ "/_haneul/metrics", false, false, metrics },
	{ "/metrics", false, false, metrics },
	{ "/_haneul/ca.pem", false, false, ca_certificate },
	{ "/_haneul/storage", false, false, storage_show },
	{ "/_haneul/storage", true, true, storage_check },
	{ "/_haneul/usage", false, true, usage },
	{ "/_haneul/reset", true, true, reset },
	{ "/_localstack/state/reset", true, true, reset },
	{ "/moto-api/reset", true, true, reset },
};

static void
serve_page(struct front_call *f)
{
	const struct page *p = f->in;
	if (!p)
		change_service_page(f);
	else if (p->admin && !admin_allowed(f))
		refuse(f, 403, "Not from there: sign as root, or call from this machine.");
	else
		p->serve(f);
}

static void
admin_body(struct http_exchange *x, void *user, enum http_body_event e, struct str data)
{
	struct front_call *f = user;
	(void)x;
	if (e == HTTP_BODY_DATA && f->body.len + data.len <= ADMIN_BODY_MAX) {
		buf_add_str(&f->body, data);
	} else if (e == HTTP_BODY_END) {
		serve_page(f);
	} else if (f->x) {
		http_reply_close_after(f->x);
		refuse(f, 400, "The body is too large or was cut off.");
	}
}

/* The page is `page`, or the service's that f->call.user is. */
static void
take_page(struct front_call *f, const struct page *page)
{
	f->in = (void *)(uintptr_t)page;
	if (http_request_of(f->x)->content_length != 0)
		http_body_read(f->x, admin_body);
	else
		serve_page(f);
}

/* A bucket may be called "health" or "metrics": what is signed or has another host's name is
 * S3's. */
static bool
is_ours(const struct call *c)
{
	if (str_starts(c->path, STR("/_haneul/")) || str_starts(c->path, STR("/_localstack/")) ||
		str_starts(c->path, STR("/moto-api/")))
		return true;
	return !call_request_header(c, STR("authorization")).p &&
	       str_find_str(c->query, STR("X-Amz-")) < 0 && c->query.len == 0;
}

bool
wellknown_serve(struct front_call *f)
{
	struct call *c = &f->call;
	if (c->path.len < 7 || !memchr("_hmS", c->path.p[1], 4))
		return false;
	bool post = str_is(c->method, "POST");
	if (!post && !str_is(c->method, "GET") && !str_is(c->method, "HEAD"))
		return false;
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		if (pages[i].post != post || !str_eq(str_c(pages[i].path), c->path) || !is_ours(c))
			continue;
		take_page(f, &pages[i]);
		return true;
	}
	const struct service_page *page = is_ours(c) ? service_page_of(c->path, post) : NULL;
	if (page) {
		c->user = (void *)(uintptr_t)page;
		if (post)
			take_page(f, NULL);
		else
			serve_service_page(f, page);
		return true;
	}
	if (str_starts(c->path, STR("/_haneul/")) || str_starts(c->path, STR("/_localstack/"))) {
		refuse(f, 404, "There is nothing here.");
		return true;
	}
	return false;
}

/* --- CORS: S3 answers by the bucket's own rules, the rest as AWS's endpoints do --- */

static bool
cors_is_s3(const struct call *c)
{
	return !c->service || str_is(str_c(c->service->name), "s3");
}

void
front_cors_headers(struct front_call *f)
{
	struct call *c = &f->call;
	if (cors_is_s3(c))
		return;
	struct str origin = call_request_header(c, STR("origin"));
	if (!origin.p || !origin_allowed(f->home->cloud, origin))
		return;
	call_header(c, "Access-Control-Allow-Origin", origin);
	call_header(c, "Vary", STR("Origin"));
	call_header(c, "Access-Control-Expose-Headers",
		STR("x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,x-amzn-query-error,Date"));
}

/* OPTIONS names no service; a bucket's preflight has a path or a host of its own. */
bool
wellknown_preflight(struct front_call *f)
{
	struct call *c = &f->call;
	struct str origin = call_request_header(c, STR("origin"));
	if (!str_is(c->method, "OPTIONS") || !origin.p || !str_is(c->path, "/"))
		return false;
	struct str wants = call_request_header(c, STR("access-control-request-headers"));
	if (str_find_str(wants, STR("x-amz-target")) < 0 &&
		str_find_str(wants, STR("smithy-protocol")) < 0 &&
		str_find_str(wants, STR("amz-sdk-")) < 0)
		return false;
	if (!origin_allowed(f->home->cloud, origin)) {
		refuse(f, 403, "This origin is not allowed; see the setting cors_origins.");
		return true;
	}
	struct http_header h[] = { { STR("Access-Control-Allow-Origin"), origin },
		{ STR("Access-Control-Allow-Methods"), STR("GET, POST, PUT, DELETE, HEAD, PATCH") },
		{ STR("Access-Control-Allow-Headers"), wants },
		{ STR("Access-Control-Max-Age"), STR("3600") }, { STR("Vary"), STR("Origin") } };
	struct http_exchange *x = f->x;
	f->x = NULL;
	f->quiet = true;
	http_reply_simple(x, 200, h, 5, STR(""));
	front_finished(f);
	return true;
}
