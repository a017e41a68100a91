/* The keys of OpenID Connect providers. Handlers never open sockets: a call that needs keys asks
 * for them in a unit of its own and waits; a task fetches the provider's configuration and its key
 * set, and the commit of its answer wakes the call. */
#include "aws/tasks.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "os/pool.h"
#include "svc/sts/sts.h"
#include "wire/http_client.h"

#include <errno.h>
#include <stdlib.h>

#define KIND_FETCH "sts.issuer"
#define REPLY_MAX (512u << 10)
#define FETCH_TIMEOUT_MS 5000
/* Anybody can name a key that is not there: so often is asked for it, and no more. */
#define ASK_AGAIN_MS 10000

static void
key_issuer(struct key *k, struct str url)
{
	key_begin(k);
	key_add_raw(k, STR("W"));
	key_add_raw(k, url);
}

struct str
sts_issuer_touch_key(struct arena *a, struct str url)
{
	return arena_concat(a, STR("sts.issuer/"), url);
}

bool
sts_issuer_get(struct call *c, struct str url, struct sts_issuer_row *ret)
{
	struct key k;
	struct str value;
	key_issuer(&k, url);
	return tx_get(c->tx, store_rows(c->store, "sts"), key_str(&k), &value) &&
	       row_decode(&sts_issuer_row_shape, value, c->arena, ret);
}

/* ---- asking ---- */

struct ask {
	struct store_unit unit;
	int64_t now_ms;
	size_t len;
	char url[];
};

static int
ask_run(struct store_unit *u, struct tx *t)
{
	struct ask *a = (struct ask *)u;
	struct str url = str_of(a->url, a->len);
	task_put(t, STR(KIND_FETCH), url, url, a->now_ms);
	return 0;
}

static void
ask_done(struct store_unit *u, int status __attribute__((unused)))
{
	free(u);
}

void
sts_issuer_ask(struct call *c, struct str url)
{
	struct sts_issuer_row row;
	if (sts_issuer_get(c, url, &row) && c->now_ms - row.Fetched.ms < ASK_AGAIN_MS)
		return;
	/* What a parked call wrote is undone, so the question is a unit of its own. */
	struct ask *a = malloc(sizeof(*a) + url.len);
	if (!a)
		return;
	memset(a, 0, sizeof(*a));
	a->unit.run = ask_run;
	a->unit.done = ask_done;
	a->now_ms = c->now_ms;
	a->len = url.len;
	memcpy(a->url, url.p, url.len);
	store_submit(c->store, &a->unit);
}

/* ---- fetching ---- */

/* Names are resolved here. Kept, because to end a pool is to wait for what it resolves; tasks start
 * on one loop only. */
static struct pool *resolver;

void
sts_issuers_stop(void)
{
	if (resolver)
		pool_free(resolver);
	resolver = NULL;
}

struct fetch {
	struct task *task;
	struct http_client *client;
	struct loop_job end;
	struct buf body;
	int status;
	bool keys; /* the second step */
	struct str error;
};

struct answer {
	struct str keys, error;
};

static int
answer_write(struct tx *t, const struct task *task, void *arg)
{
	const struct answer *a = arg;
	struct sts_issuer_row row = {
		.Keys = a->keys, .Error = a->error, .Fetched = OPT_TIME(clock_now_ms())
	};
	struct buf value = { 0 };
	struct key k;
	key_issuer(&k, task->payload);
	row_encode(&sts_issuer_row_shape, &row, &value);
	tx_put(t, store_rows(tx_store(t), "sts"), key_str(&k), buf_str(&value));
	buf_done(&value);
	struct arena a2;
	arena_init(&a2);
	tx_touch(t, sts_issuer_touch_key(&a2, task->payload));
	arena_done(&a2);
	return 0;
}

/* From a job of its own: a client must not be freed inside its own callback. */
static void
fetch_end(struct loop_job *job)
{
	struct fetch *f = (struct fetch *)((char *)job - offsetof(struct fetch, end));
	struct answer *a = arena_new(f->task->arena, struct answer);
	a->error = f->error;
	a->keys = f->error.p ? STR_NULL : arena_dup(f->task->arena, buf_str(&f->body));
	http_client_free(f->client);
	buf_done(&f->body);
	struct task *task = f->task;
	free(f);
	task_done(task, 0, STR(""), answer_write, a);
}

static void
fetch_finish(struct fetch *f, const char *error)
{
	f->error = str_c(error);
	f->end.run = fetch_end;
	loop_post(loop_current(), &f->end);
}

static void
on_head(struct http_call *call __attribute__((unused)), void *user, int status,
	const struct http_header *headers __attribute__((unused)),
	unsigned n __attribute__((unused)))
{
	((struct fetch *)user)->status = status;
}

static void
on_data(struct http_call *call __attribute__((unused)), void *user, struct str data)
{
	struct fetch *f = user;
	if (f->body.len + data.len <= REPLY_MAX)
		buf_add_str(&f->body, data);
	else
		f->status = -1;
}

static void on_done(struct http_call *call, void *user, int error);

static bool
url_split(struct str url, struct http_client_request *r)
{
	bool secure = str_starts(url, STR("https://"));
	if (!secure && !str_starts(url, STR("http://")))
		return false;
	struct str rest = str_slice(url, secure ? 8 : 7, url.len);
	long slash = str_find(rest, '/');
	struct str host = slash < 0 ? rest : str_slice(rest, 0, (size_t)slash), port;
	r->target = slash < 0 ? STR("/") : str_slice(rest, (size_t)slash, rest.len);
	r->tls = secure ? HTTP_CLIENT_TLS : HTTP_CLIENT_CLEAR;
	r->method = STR("GET");
	r->timeout_ms = FETCH_TIMEOUT_MS;
	port = host;
	host = str_cut(&port, ':');
	uint64_t number = 0;
	if (port.p && (!str_to_u64(port, &number) || number == 0 || number > 65535))
		return false;
	r->host = host;
	r->port = (uint16_t)number;
	return host.len > 0 && str_find(host, '@') < 0;
}

static void
get(struct fetch *f, struct str url)
{
	static const struct http_client_events events = { on_head, on_data, on_done };
	struct http_client_request r = { 0 };
	buf_clear(&f->body);
	f->status = 0;
	if (!url_split(url, &r) || http_client_start(f->client, &r, &events, f, NULL))
		fetch_finish(f, "The address of the provider cannot be used.");
}

static void
on_done(struct http_call *call __attribute__((unused)), void *user, int error)
{
	struct fetch *f = user;
	struct arena *a = f->task->arena;
	if (error || f->status != 200) {
		fetch_finish(f, "The provider did not answer.");
		return;
	}
	const struct json *doc = json_parse(a, arena_dup(a, buf_str(&f->body)), 16, NULL);
	if (f->keys) {
		fetch_finish(f, json_is(json_get_lit(doc, "keys"), JSON_ARRAY)
					? NULL
					: "The provider's keys are malformed.");
		return;
	}
	struct str uri = json_get_text(doc, STR("jwks_uri")), issuer = f->task->payload;
	/* An issuer behind TLS must not send us to a place without. */
	if (!uri.p || (str_starts(issuer, STR("https://")) && !str_starts(uri, STR("https://")))) {
		fetch_finish(f, "The provider's configuration is malformed.");
		return;
	}
	f->keys = true;
	get(f, uri);
}

static void
fetch_start(struct task *task, void *arg __attribute__((unused)))
{
	struct fetch *f = calloc(1, sizeof(*f));
	if (!f)
		abort();
	f->task = task;
	if ((!resolver && pool_new(&resolver, 1)) ||
		http_client_new(&f->client, loop_current(), resolver, NULL)) {
		free(f);
		task_done(task, -EAGAIN, STR("no client"), NULL, NULL);
		return;
	}
	struct str base = task->payload;
	if (str_ends(base, STR("/")))
		base.len--;
	get(f, arena_concat(task->arena, base, STR("/.well-known/openid-configuration")));
}

void
sts_issuers_register(void)
{
	static const struct task_kind kind = {
		.name = KIND_FETCH, .start = fetch_start, .max_attempts = 3, .lease_ms = 30000
	};
	tasks_register(&kind);
}
