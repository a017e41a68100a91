/*
 * Parked calls, folded. A long poll that waits needs none of the decoded input, buffers and states
 * of a running call, so what is needed to run it again is copied into one small block, and the call
 * and its exchange's request memory are given back. Woken, it is unfolded: a fresh call, decoded
 * again.
 */
#include "aws/front.h"
#include "base/clock.h"

#include <assert.h>
#include <stdlib.h>

struct front_folded {
	struct touch_wait touch; /* first */
	struct loop_timer timer;
	struct front_folded *prev, *next; /* of the loop */
	struct front_loop *home;
	struct http_exchange *x; /* NULL: the client is gone, the touch is on its way */
	int64_t deadline_ms;
	uint64_t started_us, bytes_in;
	const struct service *service;
	const struct op *op;
	uint8_t protocol;
	bool tls, root, anonymous;
	struct str texts[]; /* see texts_of; then the headers, then the bytes */
};

#define TEXTS_N 18
#define HEADERS_MAX 24
#define FOLDED_MAX 65536

static void
texts_of(struct front_call *f, struct str **t)
{
	struct call *c = &f->call;
	unsigned n = 0;
	t[n++] = &c->who.account;
	t[n++] = &c->who.arn;
	t[n++] = &c->who.user_id;
	t[n++] = &c->who.access_key;
	t[n++] = &c->who.name;
	t[n++] = &c->account;
	t[n++] = &c->region;
	t[n++] = &c->request_id;
	t[n++] = &c->extended_id;
	t[n++] = &c->method;
	t[n++] = &c->path;
	t[n++] = &c->raw_path;
	t[n++] = &c->query;
	t[n++] = &c->host;
	t[n++] = &c->source_ip;
	t[n++] = &c->user_agent;
	t[n++] = &f->wire.content_type;
	t[n++] = &f->wire.body;
	assert(n == TEXTS_N);
}

/* What was only there to bring the request here. */
static bool
header_needed(struct str name)
{
	static const char *const skipped[] = { "authorization", "user-agent", "accept",
		"accept-encoding", "connection", "content-length", "content-type", "host",
		"x-amz-date", "x-amz-content-sha256", "x-amz-target", "amz-sdk-request",
		"amz-sdk-invocation-id", "x-amzn-query-mode", NULL };
	for (int i = 0; skipped[i]; i++)
		if (str_eq_nocase(name, str_c(skipped[i])))
			return false;
	return true;
}

static unsigned
headers_of(struct front_call *f, struct str *h)
{
	unsigned n = 0;
	for (unsigned i = 0; i < f->call.headers_n; i++) {
		const struct http_header *from = &f->call.headers[i];
		if (!header_needed(from->name))
			continue;
		if (n + 2 > HEADERS_MAX)
			return HEADERS_MAX + 1;
		h[n++] = from->name;
		h[n++] = from->value;
	}
	return n;
}

static struct str
pack(char **at, struct str s)
{
	struct str out = { s.p ? *at : NULL, s.len };
	if (s.len)
		memcpy(*at, s.p, s.len);
	*at += s.len;
	return out;
}

static struct front_folded *
folded_new(struct front_call *f)
{
	struct str *text[TEXTS_N], header[HEADERS_MAX + 1], key = key_str(&f->park_key);
	unsigned n = TEXTS_N, headers_n = headers_of(f, header);
	size_t bytes = key.len;
	texts_of(f, text);
	for (unsigned i = 0; i < n; i++)
		bytes += text[i]->len;
	if (headers_n > HEADERS_MAX)
		return NULL;
	for (unsigned i = 0; i < headers_n; i++)
		bytes += header[i].len;
	size_t slots = n + 1 + headers_n + 1;
	if (bytes > FOLDED_MAX)
		return NULL;
	struct front_folded *p = calloc(1, sizeof(*p) + slots * sizeof(struct str) + bytes);
	if (!p)
		abort();
	char *at = (char *)&p->texts[slots];
	for (unsigned i = 0; i < n; i++)
		p->texts[i] = pack(&at, *text[i]);
	p->texts[n] = pack(&at, key);
	for (unsigned i = 0; i < headers_n; i++)
		p->texts[n + 1 + i] = pack(&at, header[i]);
	return p; /* the last slot stays empty: the end of the headers */
}

static void
folded_unlink(struct front_folded *p)
{
	if (p->prev)
		p->prev->next = p->next;
	else
		p->home->folded = p->next;
	if (p->next)
		p->next->prev = p->prev;
	loop_timer_cancel(p->home->loop, &p->timer);
}

static void
restore(struct front_call *f, const struct front_folded *p)
{
	struct call *c = &f->call;
	struct str *text[TEXTS_N];
	unsigned n = TEXTS_N, headers_n = 0;
	texts_of(f, text);
	for (unsigned i = 0; i < n; i++)
		*text[i] = arena_dup(&f->arena, p->texts[i]);
	key_begin(&f->park_key);
	key_add_raw(&f->park_key, p->texts[n]);
	const struct str *from = &p->texts[n + 1];
	while (from[headers_n].p)
		headers_n += 2;
	struct http_header *h = arena_array(&f->arena, struct http_header, headers_n / 2);
	for (unsigned i = 0; i < headers_n / 2; i++)
		h[i] = (struct http_header){ arena_dup(&f->arena, from[2 * i]),
			arena_dup(&f->arena, from[2 * i + 1]) };
	c->headers = h;
	c->headers_n = headers_n / 2;
	c->service = p->service;
	c->op = p->op;
	c->protocol = p->protocol;
	c->tls = p->tls;
	c->who.root = p->root;
	c->who.anonymous = p->anonymous;
}

/* Runs again as a call of its own. */
static void
unfold(struct front_folded *p)
{
	struct front_loop *home = p->home;
	struct front_call *f = front_call_new(home);
	folded_unlink(p);
	front_prepare_call(f, home->cloud);
	restore(f, p);
	f->x = p->x;
	f->kept = f->authenticated = f->body_started = true;
	f->started_us = p->started_us;
	f->bytes_in = p->bytes_in;
	f->park_deadline_ms = p->deadline_ms;
	f->timed_out = f->call.now_ms >= p->deadline_ms;
	http_set_user(f->x, f, front_closed);
	free(p);
	if (front_decode(f) == CALL_OK)
		front_run_write(f);
	else
		front_fail(f);
}

static void
folded_woken(struct touch_wait *w)
{
	struct front_folded *p = (struct front_folded *)w;
	if (p->x) {
		unfold(p);
		return;
	}
	/* Gone meanwhile: another one may have the turn. */
	if (p->touch.one)
		touch_deliver(NULL, p->texts[TEXTS_N]);
	folded_unlink(p);
	free(p);
}

static void
folded_arm(struct front_folded *p)
{
	uint64_t wait_ms = clock_wait_ms(p->deadline_ms);
	if (wait_ms == UINT64_MAX)
		loop_timer_cancel(p->home->loop, &p->timer);
	else
		loop_timer_set(p->home->loop, &p->timer, wait_ms);
}

/* Its time has passed; a touch that is on its way brings it here as well. */
static void
folded_look(struct front_folded *p)
{
	if (!p->x)
		return;
	if (clock_now_ms() < p->deadline_ms)
		folded_arm(p);
	else if (touch_wait_stop(&p->touch))
		unfold(p);
}

static void
folded_timer(struct loop_timer *t)
{
	folded_look((struct front_folded *)((char *)t - offsetof(struct front_folded, timer)));
}

void
front_recheck_folded(struct front_loop *home)
{
	for (struct front_folded *p = home->folded, *next; p; p = next) {
		next = p->next;
		folded_look(p);
	}
}

static void
folded_closed(struct http_exchange *x, void *user)
{
	struct front_folded *p = user;
	(void)x;
	p->x = NULL;
	if (!touch_wait_stop(&p->touch))
		return;
	folded_unlink(p);
	free(p);
}

bool
front_fold(struct front_call *f)
{
	struct call *c = &f->call;
	if (!f->x || c->who.session || f->held_bytes || f->ingest.writer)
		return false;
	struct front_folded *p = folded_new(f);
	if (!p)
		return false;
	p->touch.woken = folded_woken;
	if (!touch_wait_move(&f->touch, &p->touch)) {
		free(p);
		return false;
	}
	p->home = f->home;
	p->x = f->x;
	p->deadline_ms = f->park_deadline_ms;
	p->started_us = f->started_us;
	p->bytes_in = f->bytes_in;
	p->service = c->service;
	p->op = c->op;
	p->protocol = c->protocol;
	p->tls = c->tls;
	p->root = c->who.root;
	p->anonymous = c->who.anonymous;
	p->timer.fire = folded_timer;
	p->next = p->home->folded;
	if (p->next)
		p->next->prev = p;
	p->home->folded = p;
	http_set_user(p->x, p, folded_closed);
	http_request_forget(p->x);
	f->x = NULL;
	front_call_done(f);
	folded_arm(p);
	return true;
}
