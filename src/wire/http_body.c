#include "wire/http_conn.h"

#include <errno.h>

bool
http_body_wanted(const struct http_exchange *x)
{
	return x->event && !x->paused && !x->told;
}

static void
tell(struct http_exchange *x, enum http_body_event e, struct str data)
{
	x->told = true;
	x->event(x, x->user, e, data);
}

void
http_body_fail(struct http_exchange *x, struct str why)
{
	x->body_failed = true;
	x->c->close_after = true;
	if (x->event && !x->told && !x->ended)
		tell(x, HTTP_BODY_ERROR, why);
}

static bool
body_complete(struct http_exchange *x)
{
	if (x->head.request.content_length < 0 &&
		http_chunk_trailers(&x->chunk, &x->arena, &x->trailers, &x->trailers_n)) {
		http_body_fail(x, STR("malformed"));
		return true;
	}
	x->body_done = true;
	return true;
}

/* Hands over one run of what has arrived. */
static bool
take_bytes(struct http_exchange *x, struct http_block *b, bool drop)
{
	const char *p = b->data + b->from;
	size_t n = b->to - b->from;
	struct str data = str_of(p, n);
	if (x->head.request.content_length < 0) {
		ssize_t used = http_chunk_decode(&x->chunk, p, n, &data);
		if (used < 0) {
			http_body_fail(x, STR("malformed"));
			return true;
		}
		b->from += (uint32_t)used;
		x->dropped_bytes += drop ? (uint64_t)used : 0;
	} else {
		if (data.len > (uint64_t)x->body_left)
			data.len = (size_t)x->body_left;
		b->from += (uint32_t)data.len;
		x->body_left -= (int64_t)data.len;
		x->dropped_bytes += drop ? data.len : 0;
	}
	if (data.len && !drop)
		x->event(x, x->user, HTTP_BODY_DATA, data);
	return true;
}

/* The block to read more into; never the one that holds the head. */
static struct http_block *
body_room(struct http_exchange *x)
{
	struct http_conn *c = x->c;
	if (!c->body) {
		int64_t left = x->head.request.content_length < 0 ? INT64_MAX : x->body_left;
		bool small = left <= (int64_t)(HTTP_BLOCK_SMALL - sizeof(struct http_block));
		size_t large = HTTP_BLOCK_LARGE - sizeof(struct http_block);
		if (c->s->limits.body_window_bytes < large)
			large = c->s->limits.body_window_bytes;
		c->body = http_block_take(c->s, small ? 1 : large);
	}
	c->body->from = c->body->to = 0;
	return c->body;
}

static bool
read_more(struct http_exchange *x)
{
	struct http_conn *c = x->c;
	if (c->eof) {
		http_body_fail(x, STR("cut off"));
		return true;
	}
	if (!c->readable)
		return false;
	struct http_block *b = body_room(x);
	size_t cap = b->cap;
	if (x->head.request.content_length >= 0 && (int64_t)cap > x->body_left)
		cap = (size_t)x->body_left; /* what follows belongs to the next head */
	c->budget -= 8;
	ssize_t n = http_io_recv(c, b->data, cap);
	if (n > 0)
		b->to = (uint32_t)n;
	else if (n == 0)
		c->eof = true;
	else if (n != -EAGAIN)
		c->lost = true;
	return n >= 0;
}

bool
http_body_step(struct http_exchange *x, bool drop)
{
	struct http_conn *c = x->c;
	if (x->body_done) {
		tell(x, HTTP_BODY_END, STR(""));
		return true;
	}
	if (x->head.request.content_length < 0 ? x->chunk.done : x->body_left == 0)
		return body_complete(x);
	if (c->in && c->in->from < c->in->to)
		return take_bytes(x, c->in, drop);
	if (c->body && c->body->from < c->body->to)
		return take_bytes(x, c->body, drop);
	return read_more(x);
}

/* ---- the handler's side ---- */

void
http_body_read(struct http_exchange *x,
	void (*event)(struct http_exchange *x, void *user, enum http_body_event e, struct str data))
{
	struct http_conn *c = x->c;
	bool nothing_came = !c->in || c->in->from == c->in->to;
	x->event = event;
	if (x->head.request.expect_continue && !x->continued && !x->replied) {
		x->continued = true;
		if (nothing_came)
			http_out_add(c, "HTTP/1.1 100 Continue\r\n\r\n", 25);
	}
	http_conn_later(c);
}

void
http_body_pause(struct http_exchange *x)
{
	x->paused = true;
}

void
http_body_resume(struct http_exchange *x)
{
	x->paused = false;
	http_conn_later(x->c);
}

const struct http_header *
http_body_trailers(struct http_exchange *x, unsigned *ret_n)
{
	*ret_n = x->trailers_n;
	return x->trailers;
}
