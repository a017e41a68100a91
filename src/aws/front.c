/* The life of a call on its loop: taken, filled from the request, given back. */
#include "aws/front.h"
#include "aws/errors.h"
#include "base/clock.h"
#include "base/ids.h"

#include <arpa/inet.h>
#include <stdlib.h>

struct front_call *
front_call_new(struct front_loop *home)
{
	struct front_call *f = home->free;
	if (f) {
		home->free = f->next;
		home->free_n--;
	} else {
		f = calloc(1, sizeof(*f));
		if (!f)
			abort();
	}
	struct arena arena = f->arena;
	struct buf body = f->body, out = f->reply.body;
	memset(f, 0, offsetof(struct front_call, park_key));
	f->arena = arena;
	f->body = body;
	f->reply.body = out;
	f->home = home;
	f->call.arena = &f->arena;
	f->call.front = f;
	return f;
}

void
front_call_done(struct front_call *f)
{
	struct front_loop *home = f->home;
	front_ingest_drop(f);
	if (home->http)
		http_server_hold(home->http, -f->held_bytes);
	if (f->flow.reader)
		blob_reader_close(f->flow.reader);
	arena_reset(&f->arena);
	/* A large body or reply must not stay behind in a pooled call. */
	if (f->body.cap > 64 * 1024)
		buf_done(&f->body);
	if (f->reply.body.cap > 64 * 1024)
		buf_done(&f->reply.body);
	buf_clear(&f->body);
	buf_clear(&f->reply.body);
	if (home->free_n >= FRONT_FREE_CALLS) {
		arena_done(&f->arena);
		buf_done(&f->body);
		buf_done(&f->reply.body);
		free(f);
		return;
	}
	f->next = home->free;
	home->free = f;
	home->free_n++;
}

int
front_hold(struct front_call *f, uint64_t bytes)
{
	struct http_server *s = f->home->http;
	if (!s)
		return CALL_OK;
	if (http_server_is_short(s))
		return call_fail(&f->call, &ERR_Throttling, NULL);
	http_server_hold(s, (int64_t)bytes);
	f->held_bytes += (int64_t)bytes;
	return CALL_OK;
}

void
front_prepare_call(struct front_call *f, struct cloud *cloud)
{
	struct call *c = &f->call;
	c->store = cloud->store;
	c->blobs = cloud->blobs;
	c->region = str_c(cloud->region);
	c->now_ms = clock_now_ms();
	f->started_us = clock_mono_us();
}

/* S3 has forms of its own. */
void
front_name_request(struct call *c)
{
	if (!c->service || !str_is(str_c(c->service->id), "s3")) {
		c->request_id = ids_uuid_text(c->arena);
		return;
	}
	char *id = arena_alloc_raw(c->arena, IDS_S3_REQUEST_LEN + 1 + IDS_S3_EXTENDED_LEN + 1);
	ids_s3_request(id);
	ids_s3_extended(id + IDS_S3_REQUEST_LEN + 1);
	c->request_id = str_of(id, IDS_S3_REQUEST_LEN);
	c->extended_id = str_of(id + IDS_S3_REQUEST_LEN + 1, IDS_S3_EXTENDED_LEN);
}

/* inet_ntop prints with sprintf; this is on every call's path. */
static struct str
ipv4_text(struct arena *a, const struct sockaddr_in *peer)
{
	char *text = arena_alloc_raw(a, INET_ADDRSTRLEN), *at = text;
	const unsigned char *b = (const unsigned char *)&peer->sin_addr;
	for (int i = 0; i < 4; i++) {
		if (i)
			*at++ = '.';
		if (b[i] >= 100)
			*at++ = (char)('0' + b[i] / 100);
		if (b[i] >= 10)
			*at++ = (char)('0' + b[i] / 10 % 10);
		*at++ = (char)('0' + b[i] % 10);
	}
	return str_of(text, (size_t)(at - text));
}

static struct str
peer_text(struct front_call *f, const struct sockaddr_storage *peer)
{
	if (peer->ss_family == AF_INET)
		return ipv4_text(&f->arena, (const struct sockaddr_in *)peer);
	char *text = arena_alloc_raw(&f->arena, INET6_ADDRSTRLEN);
	if (peer->ss_family != AF_INET6)
		return STR("127.0.0.1");
	if (!inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)peer)->sin6_addr, text,
		    INET6_ADDRSTRLEN))
		return STR("");
	return str_c(text);
}

/* Machines of this cloud reach it by an address inside their network; to them it is as strict as to
 * anybody. */
static bool
is_foreign(const struct sockaddr_storage *peer)
{
	if (peer->ss_family == AF_INET)
		return (ntohl(((const struct sockaddr_in *)peer)->sin_addr.s_addr) >> 24) != 127;
	return peer->ss_family == AF_INET6 &&
	       !IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)peer)->sin6_addr);
}

static void
fill_from_request(struct front_call *f, const struct http_request *r)
{
	struct call *c = &f->call;
	c->method = r->method;
	c->path = c->raw_path = r->path;
	c->query = r->query.p ? r->query : STR("");
	c->host = r->host;
	c->tls = r->tls;
	c->headers = r->headers;
	c->headers_n = r->headers_n;
	c->source_ip = peer_text(f, &r->peer);
	f->foreign = is_foreign(&r->peer);
	c->user_agent = http_request_header(r, STR("user-agent"));
}

/* A call that leaves its loop outlives the exchange's memory, should the client hang up. */
void
front_keep_request(struct front_call *f)
{
	struct call *c = &f->call;
	struct arena *a = &f->arena;
	if (f->kept)
		return;
	f->kept = true;
	struct http_header *h = arena_array(a, struct http_header, c->headers_n);
	for (unsigned i = 0; i < c->headers_n; i++) {
		h[i].name = arena_dup(a, c->headers[i].name);
		h[i].value = arena_dup(a, c->headers[i].value);
	}
	c->headers = h;
	c->method = arena_dup(a, c->method);
	c->path = c->raw_path = arena_dup(a, c->path);
	c->query = arena_dup(a, c->query);
	c->host = arena_dup(a, c->host);
	c->user_agent = arena_dup(a, c->user_agent);
}

void
front_closed(struct http_exchange *x, void *user)
{
	struct front_call *f = user;
	(void)x;
	f->x = NULL;
	f->gone = true;
	if (f->away)
		return; /* the writer or a worker has it; its job lets go */
	if (f->parked)
		front_park_closed(f);
	else
		front_finished(f);
}

/* The signature can be checked before the body when the client has named the body's hash. */
static int
start_call(struct front_call *f)
{
	int r = front_route_service(f);
	front_name_request(&f->call);
	if (r == CALL_OK)
		r = front_auth_parse(f);
	if (r == CALL_OK)
		r = front_route_op(f);
	if (r == CALL_FAILED)
		return r;
	f->waiting_op = r == CALL_PARKED;
	return f->call.service ? front_authenticate(f, false) : CALL_PARKED;
}

void
front_begin(struct http_exchange *x, void *arg)
{
	struct front_loop *home = arg;
	struct front_call *f = front_call_new(home);
	const struct http_request *r = http_request_of(x);
	f->x = x;
	http_set_user(x, f, front_closed);
	front_prepare_call(f, home->cloud);
	fill_from_request(f, r);
	if (wellknown_serve(f) || wellknown_preflight(f))
		return;
	/* GET and HEAD are answered before this function returns, in nearly every case. */
	if (!str_is(r->method, "GET") && !str_is(r->method, "HEAD"))
		front_keep_request(f);
	f->wire.method = f->call.method;
	int result = start_call(f);
	const struct service *s = f->call.service;
	if (result == CALL_FAILED) {
		front_fail(f);
		return;
	}
	if (!f->call.op && !f->waiting_op) {
		if (!(s && s->hooks && s->hooks->serve && s->hooks->serve(&f->call)))
			call_fail(&f->call, &ERR_InvalidAction, NULL), front_fail(f);
		return;
	}
	if (f->call.op && f->call.op->kind == OP_STREAMS_IN &&
		!(f->call.op->flags & OP_FLAG_GATHERED))
		front_stream_in(f);
	else
		front_gather(f);
}

void
call_random(struct call *c, void *ret, size_t n)
{
	(void)c;
	random_bytes(ret, n);
}

struct str
call_id_hex(struct call *c, const char *prefix, size_t hex_digits)
{
	return ids_hex_text(c->arena, prefix, hex_digits);
}

struct str
call_uuid(struct call *c)
{
	return ids_uuid_text(c->arena);
}

struct str
call_body(const struct call *c)
{
	return c->front->wire.body;
}
