#include "wire/http_conn.h"

#include "wire/tls_conn.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUDGET 32 /* steps of one connection before the next has its turn */
/* Replies of pipelined requests are gathered up to this before they are sent. */
#define CORK_BYTES 32768
/* A body that nobody reads is read over up to this, to keep the connection. */
#define DROP_MAX 65536
#define LINGER_TOTAL_BYTES (64u << 20)
#define TLS_HELLO 0x16

static void
conn_free(struct http_conn *c)
{
	struct http_server *s = c->s;
	struct linger hard = { .l_onoff = 1 };
	http_timeout_set(c, HTTP_TIMEOUT_NONE);
	loop_unwatch(s->loop, &c->io);
	if (c->reset)
		setsockopt(c->io.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	tls_conn_free(c->tls_conn);
	close(c->io.fd);
	http_block_give(s, c->in);
	http_block_give(s, c->body);
	for (struct http_block *b = c->out, *next; b; b = next) {
		next = b->next;
		http_block_give(s, b);
	}
	if (c->prev)
		c->prev->next = c->next;
	else
		s->conns = c->next;
	if (c->next)
		c->next->prev = c->prev;
	s->stats.connections_open--;
	s->stats.memory_bytes -= sizeof(*c);
	free(c);
	http_server_conn_gone(s);
}

static void
conn_teardown(struct http_conn *c)
{
	struct http_exchange *x = c->x;
	if (x) {
		if (!x->ended && x->closed) {
			c->running = true; /* what `closed` calls must not start a run */
			x->ended = true;
			x->closed(x, x->user);
		}
		http_exchange_give(c->s, x);
	}
	/* In the list of later runs it is still pointed at: that run finds `lost` and frees it. */
	c->x = NULL;
	c->running = false;
	if (!c->in_later)
		conn_free(c);
}

void
http_conn_lose(struct http_conn *c)
{
	if (c->lost)
		return;
	c->lost = true;
	http_conn_later(c);
}

void
http_conn_later(struct http_conn *c)
{
	struct http_server *s = c->s;
	if (c->running || c->in_later)
		return;
	c->in_later = true;
	c->later_next = NULL;
	*s->later_last = c;
	s->later_last = &c->later_next;
	if (!s->later_posted) {
		s->later_posted = true;
		loop_post(s->loop, &s->later_job);
	}
}

bool
http_conn_is_idle(const struct http_conn *c)
{
	return !c->x && !c->out && !c->in && !c->lingering && !c->close_after;
}

/* ---- closing ---- */

/* Everything of ours is sent. Bytes that the client still sends would turn close() into a reset
 * that can destroy our reply before it was read, so they are read over for a while. */
static bool
close_step(struct http_conn *c)
{
	if (c->out)
		return false;
	if (!c->lingering) {
		bool rest = c->in && c->in->from < c->in->to;
		http_io_shutdown(c);
		if (c->eof || (!rest && !c->readable)) {
			c->lost = true;
			return false;
		}
		c->lingering = true;
		c->scan.at = 0;
		http_block_give(c->s, c->in);
		http_block_give(c->s, c->body);
		c->in = c->body = NULL;
	}
	if (!c->readable)
		return false;
	ssize_t n = recv(c->io.fd, c->s->scratch, sizeof(c->s->scratch), MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN) {
		c->readable = false;
		return false;
	}
	c->scan.at += n > 0 ? (uint32_t)n : 0;
	if (n <= 0 || c->scan.at > LINGER_TOTAL_BYTES)
		c->lost = true;
	return true;
}

/* ---- TLS or not ---- */

/* True when bytes of requests can be read. */
static bool
transport_ready(struct http_conn *c)
{
	if (!c->sniffed) {
		unsigned char first;
		ssize_t n = recv(c->io.fd, &first, 1, MSG_PEEK | MSG_DONTWAIT);
		if (n < 0) {
			c->readable = false;
			if (errno != EAGAIN)
				c->lost = true;
			return false;
		}
		c->sniffed = true;
		if (n == 1 && first == TLS_HELLO && !(c->tls_conn = tls_conn_new(c->tls, c->io.fd)))
			c->lost = true;
	}
	if (c->lost || !c->tls_conn || tls_conn_ready(c->tls_conn))
		return !c->lost;
	int r = tls_conn_handshake(c->tls_conn);
	if (r == 0)
		return true;
	c->readable = false;
	if (r != -EAGAIN)
		c->lost = true;
	return false;
}

/* ---- requests ---- */

static void
begin_exchange(struct http_conn *c, size_t head_bytes)
{
	struct http_server *s = c->s;
	struct http_exchange *x = http_exchange_take(s);
	struct http_header *headers = arena_alloc(&x->arena, c->scan.lines * sizeof(*headers));
	char *head = c->in->data + c->in->from;
	int status = http_head_parse(head, head_bytes, &s->limits, headers, &x->head);
	if (!status && s->stats.memory_bytes > s->limits.memory_bytes)
		status = 503;
	if (status) {
		http_exchange_give(s, x);
		http_refuse(c, status);
		return;
	}
	c->in->from += (uint32_t)head_bytes;
	c->scan = (struct http_scan){ 0 };
	c->blank_seen = false;
	c->x = x;
	x->c = c;
	x->head.request.tls = c->tls_conn != NULL;
	x->head.request.peer = c->peer;
	x->body_left = x->head.request.content_length;
	x->body_done = x->body_left == 0;
	s->stats.requests_total++;
	if (c->timeout)
		http_timeout_set(c, HTTP_TIMEOUT_NONE);
	s->handler.begin(x, s->handler.arg);
}

/* True when bytes of the input were used: a head, the blank line before it, or an error. */
static bool
parse_step(struct http_conn *c)
{
	struct http_block *in = c->in;
	if (!in || in->from == in->to)
		return false;
	char *p = in->data + in->from;
	size_t n = in->to - in->from, len;
	if (*p == '\r' && !c->blank_seen && !c->scan.lines) {
		if (n < 2)
			return false;
		if (p[1] == '\n') {
			c->blank_seen = true;
			in->from += 2;
			return true;
		}
	}
	int status = http_head_scan(&c->scan, p, n, &c->s->limits, &len);
	if (status)
		http_refuse(c, status);
	else if (len)
		begin_exchange(c, len);
	return status || len;
}

/* Room to read a head into; what is there moves to the front or to a larger block. */
static bool
in_room(struct http_conn *c)
{
	struct http_server *s = c->s;
	struct http_block *in = c->in;
	if (in && in->from == in->to)
		in->from = in->to = 0;
	if (in && in->to < in->cap)
		return true;
	if (s->stats.memory_bytes > s->limits.memory_bytes + s->limits.memory_bytes / 4) {
		http_refuse(c, 503);
		return false;
	}
	if (!in) {
		c->in = http_block_take(s, 1);
		return true;
	}
	size_t n = in->to - in->from;
	if (in->from < in->cap / 2) {
		size_t need = s->limits.head_bytes + 1;
		if (need < HTTP_BLOCK_LARGE - sizeof(*in))
			need = HTTP_BLOCK_LARGE - sizeof(*in);
		c->in = http_block_take(s, need);
		memcpy(c->in->data, in->data + in->from, n);
		http_block_give(s, in);
	} else {
		memmove(in->data, in->data + in->from, n);
	}
	c->in->from = 0;
	c->in->to = (uint32_t)n;
	return true;
}

static bool
request_step(struct http_conn *c)
{
	if (c->close_after)
		return close_step(c);
	if (c->out_bytes >= CORK_BYTES || http_out_has_file(c))
		return false; /* the flush that follows may change that */
	if (parse_step(c))
		return true;
	if (c->eof) {
		c->close_after = true;
		return true;
	}
	if (!c->readable || !transport_ready(c) || !in_room(c))
		return c->close_after;
	ssize_t n = http_io_recv(c, c->in->data + c->in->to, c->in->cap - c->in->to);
	if (n == 0)
		c->eof = true;
	else if (n > 0)
		c->in->to += (uint32_t)n;
	else if (n != -EAGAIN)
		c->lost = true;
	return n >= 0;
}

static void
drop_empty(struct http_conn *c, struct http_block **b)
{
	if (!*b || (*b)->from != (*b)->to)
		return;
	http_block_give(c->s, *b);
	*b = NULL;
}

void
http_request_forget(struct http_exchange *x)
{
	struct http_request *r = &x->head.request;
	if (!x->body_done)
		return;
	r->method = str_is(r->method, "HEAD") ? STR("HEAD") : STR("POST");
	r->target = r->path = r->query = r->host = STR("");
	r->headers = NULL;
	r->headers_n = 0;
	arena_done(&x->arena);
	drop_empty(x->c, &x->c->in);
	drop_empty(x->c, &x->c->body);
	x->forgotten = true;
	/* It may have been taken away when the client's end came before this. */
	if (!(x->c->io.events & EPOLLIN)) {
		x->c->io.events |= EPOLLIN;
		loop_rearm(x->c->s->loop, &x->c->io);
	}
}

/* ---- the end of an exchange ---- */

/* Bytes of the next request may have come with the end of a body. */
static void
in_keep_rest(struct http_conn *c)
{
	struct http_block *rest = c->body;
	if (!rest)
		return;
	c->body = NULL;
	if (rest->from == rest->to) {
		http_block_give(c->s, rest);
		return;
	}
	/* `in` was used up before `body` was read into. */
	http_block_give(c->s, c->in);
	c->in = rest;
}

static bool
can_drop_body(const struct http_exchange *x)
{
	if (x->head.request.expect_continue && !x->continued)
		return false;
	return x->dropped_bytes <= DROP_MAX && x->body_left <= DROP_MAX;
}

static bool
finish_step(struct http_exchange *x)
{
	struct http_conn *c = x->c;
	if (!x->body_done && !x->body_failed && !c->close_after && can_drop_body(x))
		return http_body_step(x, true);
	if (!x->body_done) {
		c->close_after = true;
		c->readable = true; /* the rest of the body may be on its way: linger */
	}
	c->x = NULL;
	http_exchange_give(c->s, x);
	in_keep_rest(c);
	return true;
}

/* ---- running ---- */

static bool
step(struct http_conn *c)
{
	struct http_exchange *x = c->x;
	if (!x)
		return request_step(c);
	if (x->ended)
		return finish_step(x);
	if (http_drained_due(x)) {
		x->want_drained = false;
		x->drained(x, x->user);
		c->budget = 1; /* it may have sent much: now the others */
		return true;
	}
	return http_body_wanted(x) && http_body_step(x, false);
}

static bool
wants_input(const struct http_conn *c)
{
	struct http_exchange *x = c->x;
	if (c->eof)
		return false;
	if (!x)
		return c->lingering || (!c->close_after && c->out_bytes < CORK_BYTES);
	return x->ended ? !x->body_done && !x->body_failed : http_body_wanted(x);
}

static enum http_timeout
timeout_of(const struct http_conn *c)
{
	if (c->lingering)
		return HTTP_TIMEOUT_LINGER;
	if (c->out)
		return HTTP_TIMEOUT_STALL;
	if (c->x)
		return wants_input(c) ? HTTP_TIMEOUT_STALL : HTTP_TIMEOUT_NONE;
	if (c->in || (c->tls_conn && !tls_conn_ready(c->tls_conn)))
		return HTTP_TIMEOUT_HEAD;
	return HTTP_TIMEOUT_IDLE;
}

/* After a run: memory that is not needed, what epoll should tell, and the timer. */
static void
settle(struct http_conn *c)
{
	if (!c->x && c->in && c->in->from == c->in->to) {
		http_block_give(c->s, c->in);
		c->in = NULL;
	}
	/* EPOLLIN is only taken away when it comes unasked, see conn_ready: no call for each
	 * request. */
	uint32_t events = c->io.events & EPOLLIN;
	if (wants_input(c))
		events |= EPOLLIN;
	if (c->out)
		events |= EPOLLOUT;
	if (events != c->io.events) {
		c->io.events = events;
		loop_rearm(c->s->loop, &c->io);
	}
	enum http_timeout t = timeout_of(c);
	if (t != c->timeout || (t == HTTP_TIMEOUT_STALL && c->progress))
		http_timeout_set(c, t);
	c->progress = false;
	if (c->s->draining && http_conn_is_idle(c))
		http_conn_lose(c);
	if (c->tls_conn && wants_input(c) && c->readable)
		http_conn_later(c); /* bytes that OpenSSL read ahead raise no event */
}

void
http_conn_run(struct http_conn *c)
{
	if (c->running)
		return;
	c->running = true;
	c->budget = BUDGET;
	do {
		while (!c->lost && c->budget > 0 && step(c))
			c->budget--;
	} while (!c->lost && c->budget > 0 && c->out && c->writable && http_io_flush(c));
	c->running = false;
	if (c->lost) {
		conn_teardown(c);
		return;
	}
	if (c->budget <= 0 || (c->out && c->writable))
		http_conn_later(c);
	settle(c);
}

static bool
client_left(const struct http_conn *c)
{
	char byte;
	return c->x && c->x->forgotten && !c->x->ended &&
	       recv(c->io.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void
conn_ready(struct loop_io *io, uint32_t events)
{
	struct http_conn *c = (struct http_conn *)io;
	if (events & EPOLLERR || (events & EPOLLHUP && !c->lingering))
		c->lost = true;
	if (events & (EPOLLIN | EPOLLHUP))
		c->readable = true;
	if (events & EPOLLOUT)
		c->writable = true;
	if (events & EPOLLIN && !wants_input(c) && client_left(c))
		c->lost = true;
	if (!c->lost && events == EPOLLIN && !wants_input(c)) {
		io->events &= ~(uint32_t)EPOLLIN;
		loop_rearm(c->s->loop, io);
		return;
	}
	http_conn_run(c);
}

void
http_conn_timed_out(struct http_conn *c)
{
	struct http_exchange *x = c->x;
	enum http_timeout t = c->timeout;
	http_timeout_set(c, HTTP_TIMEOUT_NONE);
	if (t == HTTP_TIMEOUT_STALL && x && !x->ended && !c->out)
		http_body_fail(x, STR("timeout"));
	else if (t == HTTP_TIMEOUT_HEAD && c->in)
		http_refuse(c, 408);
	else
		c->lost = true;
	http_conn_run(c);
}

void
http_conn_open(
	struct http_server *s, int fd, const struct sockaddr_storage *peer, struct tls_context *tls)
{
	struct http_conn *c = calloc(1, sizeof(*c));
	if (!c)
		abort();
	c->io = (struct loop_io){ .fd = fd, .events = EPOLLIN, .ready = conn_ready };
	c->s = s;
	c->tls = tls;
	c->sniffed = tls == NULL;
	c->peer = *peer;
	c->out_last = &c->out;
	c->writable = true;
	c->next = s->conns;
	if (s->conns)
		s->conns->prev = c;
	s->conns = c;
	s->stats.connections_open++;
	s->stats.connections_total++;
	s->stats.memory_bytes += sizeof(*c);
	if (loop_watch(s->loop, &c->io))
		c->lost = true;
	http_conn_run(c);
}
