#include "wire/http_conn.h"

#include <assert.h>

/* Of a reply while memory is short: clients that do not read must not take the rest of it. */
#define WINDOW_SHORT 32768u

/* From here on data is worth sending from where it is, without a copy. */
#define DIRECT_BYTES 16384

static void
add_str(struct http_conn *c, struct str s)
{
	http_out_add(c, s.p, s.len);
}

#define add_lit(c, lit) http_out_add((c), "" lit, sizeof(lit) - 1)

static void
add_number(struct http_conn *c, uint64_t v, unsigned base)
{
	char text[20];
	size_t at = sizeof(text);
	do {
		text[--at] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	http_out_add(c, text + at, sizeof(text) - at);
}

static void
add_header(struct http_conn *c, const struct http_header *h)
{
	size_t n = h->name.len, v = h->value.len;
	assert(n && str_is_line(h->name) && !memchr(h->name.p, ':', n));
	assert(str_is_line(h->value));
	char *p = http_out_reserve(c, n + v + 4);
	if (!p) { /* does not fit into what is left of the block: piece by piece */
		add_str(c, h->name);
		add_lit(c, ": ");
		add_str(c, h->value);
		add_lit(c, "\r\n");
		return;
	}
	memcpy(p, h->name.p, n);
	memcpy(p + n, ": ", 2);
	if (v)
		memcpy(p + n + 2, h->value.p, v);
	memcpy(p + n + 2 + v, "\r\n", 2);
}

/* ---- the head ---- */

static bool
body_will_be_read(const struct http_exchange *x)
{
	const struct http_request *r = &x->head.request;
	if (r->expect_continue && !x->continued)
		return false;
	if (x->body_done)
		return true;
	if (x->body_failed)
		return false;
	return x->event || x->body_left <= HTTP_BLOCK_LARGE;
}

static bool
decide_close(struct http_exchange *x, int64_t length)
{
	struct http_conn *c = x->c;
	if (!x->head.keep_alive || x->close_after || c->s->draining || !body_will_be_read(x) ||
		(length < 0 && x->head.request.http10 && !x->no_body))
		c->close_after = true;
	return c->close_after;
}

static void
add_framing(struct http_exchange *x, int status, int64_t length)
{
	struct http_conn *c = x->c;
	if (decide_close(x, length))
		add_lit(c, "Connection: close\r\n");
	else if (x->head.request.http10)
		add_lit(c, "Connection: keep-alive\r\n");
	if (status == 204 || status == 304 || status < 200)
		return;
	if (length >= 0) {
		add_lit(c, "Content-Length: ");
		add_number(c, (uint64_t)length, 10);
		add_lit(c, "\r\n");
	} else if (!x->head.request.http10) {
		add_lit(c, "Transfer-Encoding: chunked\r\n");
		x->chunked_reply = !x->no_body;
	}
}

void
http_reply_begin(struct http_exchange *x, int status, const struct http_header *headers, unsigned n,
	int64_t length)
{
	struct http_conn *c = x->c;
	assert(!x->replied && !x->ended && status >= 200 && status <= 999);
	x->replied = true;
	x->no_body = status == 204 || status == 304 || str_is(x->head.request.method, "HEAD");
	x->reply_left = length;
	add_str(c, http_status_line(status));
	for (unsigned i = 0; i < n; i++)
		add_header(c, &headers[i]);
	add_str(c, http_date_line(c->s));
	add_framing(x, status, length);
	add_lit(c, "\r\n");
	http_conn_later(c);
}

/* ---- the body ---- */

size_t
http_reply_window(const struct http_conn *c)
{
	size_t window = c->s->limits.body_window_bytes;
	return http_server_is_short(c->s) && window > WINDOW_SHORT ? WINDOW_SHORT : window;
}

size_t
http_reply_room(struct http_exchange *x)
{
	size_t window = http_reply_window(x->c), used = x->c->out_bytes;
	if (used >= window || http_out_has_file(x->c))
		return 0;
	return window - used;
}

bool
http_drained_due(const struct http_exchange *x)
{
	return x->want_drained && x->drained && x->c->out_bytes <= http_reply_window(x->c) / 2 &&
	       !http_out_has_file(x->c);
}

void
http_reply_on_drained(struct http_exchange *x, void (*drained)(struct http_exchange *x, void *user))
{
	x->drained = drained;
}

/* Bytes beyond the announced length would be read as the next reply: cut instead. */
static bool
body_fits(struct http_exchange *x, int64_t len)
{
	assert(x->replied && !x->ended);
	if (x->reply_left < 0)
		return true;
	if (len > x->reply_left) {
		http_conn_lose(x->c);
		return false;
	}
	x->reply_left -= len;
	return true;
}

static void
chunk_head(struct http_exchange *x, int64_t len)
{
	if (!x->chunked_reply)
		return;
	add_number(x->c, (uint64_t)len, 16);
	add_lit(x->c, "\r\n");
}

static void
chunk_tail(struct http_exchange *x)
{
	if (x->chunked_reply)
		add_lit(x->c, "\r\n");
}

void
http_reply_write(struct http_exchange *x, struct str data)
{
	if (!data.len || x->no_body || !body_fits(x, (int64_t)data.len))
		return;
	chunk_head(x, (int64_t)data.len);
	if (data.len >= DIRECT_BYTES)
		http_out_add_direct(x->c, data.p, data.len);
	else
		http_out_add(x->c, data.p, data.len);
	chunk_tail(x);
	if (!http_reply_room(x))
		x->want_drained = true;
	http_conn_later(x->c);
}

void
http_reply_file(struct http_exchange *x, int fd, int64_t offset, int64_t len)
{
	x->want_drained = true;
	http_conn_later(x->c);
	if (!len || x->no_body || !body_fits(x, len))
		return;
	chunk_head(x, len);
	http_out_add_file(x->c, fd, offset, len);
	chunk_tail(x);
}

void
http_reply_yield(struct http_exchange *x)
{
	x->want_drained = true;
	http_conn_later(x->c);
}

void
http_reply_end(struct http_exchange *x)
{
	assert(x->replied && !x->ended);
	if (x->chunked_reply)
		add_lit(x->c, "0\r\n\r\n");
	else if (x->reply_left > 0 && !x->no_body)
		http_conn_lose(x->c);
	http_out_own_files(x->c);
	x->ended = true;
	http_conn_later(x->c);
}

void
http_reply_abort(struct http_exchange *x)
{
	x->ended = true;
	x->c->reset = true;
	http_conn_lose(x->c);
}

void
http_reply_close_after(struct http_exchange *x)
{
	x->close_after = true;
}

void
http_reply_simple(struct http_exchange *x, int status, const struct http_header *headers,
	unsigned n, struct str body)
{
	http_reply_begin(x, status, headers, n, (int64_t)body.len);
	http_reply_write(x, body);
	http_reply_end(x);
}

void
http_refuse(struct http_conn *c, int status)
{
	c->s->stats.refused_total++;
	c->close_after = true;
	c->readable = true; /* what the client still sends is read over */
	add_str(c, http_status_line(status));
	add_str(c, http_date_line(c->s));
	add_lit(c, "Connection: close\r\nContent-Length: 0\r\n\r\n");
}

/* ---- access ---- */

const struct http_request *
http_request_of(struct http_exchange *x)
{
	return &x->head.request;
}

struct loop *
http_loop_of(struct http_exchange *x)
{
	return x->c->s->loop;
}

struct arena *
http_arena_of(struct http_exchange *x)
{
	return &x->arena;
}

void
http_set_user(
	struct http_exchange *x, void *user, void (*closed)(struct http_exchange *x, void *user))
{
	x->user = user;
	x->closed = closed;
}

void *
http_user(struct http_exchange *x)
{
	return x->user;
}
