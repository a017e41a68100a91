#include "wire/http_client.h"

#include "wire/http_chunk.h"
#include "wire/http_head.h"
#include "wire/tls_conn.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define TIMEOUT_MS 30000
#define READ_BYTES 65536
/* Wake-ups are shared: one call reads so many times before others get their turn. */
#define READS_MAX 16

enum framing { UNTIL_CLOSE, BY_LENGTH, CHUNKED };

struct http_client {
	struct loop *loop;
	struct pool *pool;
	char *ca_path;
	SSL_CTX *ctx; /* made when the first TLS call starts */
	struct http_limits limits;
	struct http_call *calls;
	char buffer[READ_BYTES];
};

struct http_call {
	struct loop_io io;
	struct loop_timer timer;
	struct pool_job resolve;
	struct http_client *client; /* NULL: cancelled while its name is being resolved */
	struct http_call *prev, *next;
	struct http_client_events events;
	void *user;
	struct arena arena;
	const char *host;
	uint16_t port;
	enum http_client_tls tls;
	struct tls_conn *tls_conn;
	struct sockaddr_storage address;
	socklen_t address_len;
	struct buf out, in; /* `in` holds the head; what follows it is body */
	size_t out_at;
	struct http_scan scan;
	struct http_chunk chunk;
	enum framing framing;
	int64_t left;
	int error;         /* what a failed start will report */
	int resolve_error; /* the pool's, until resolving ends */
	bool is_head, resolving, connected, head_done, running, finished;
};

/* ---- the end of a call ---- */

static void
call_unlink(struct http_call *call)
{
	struct http_client *c = call->client;
	if (call->prev)
		call->prev->next = call->next;
	else
		c->calls = call->next;
	if (call->next)
		call->next->prev = call->prev;
	loop_timer_cancel(c->loop, &call->timer);
	if (call->io.fd >= 0)
		loop_unwatch(c->loop, &call->io);
}

static void
call_free(struct http_call *call)
{
	tls_conn_free(call->tls_conn);
	if (call->io.fd >= 0)
		close(call->io.fd);
	buf_done(&call->out);
	buf_done(&call->in);
	http_chunk_done(&call->chunk);
	arena_done(&call->arena);
	free(call);
}

/* Frees now, or when the function that drives the call (or the pool) lets go of it. */
static void
call_release(struct http_call *call)
{
	call_unlink(call);
	call->finished = true;
	call->client = NULL;
	if (!call->running && !call->resolving)
		call_free(call);
}

void
http_client_cancel(struct http_call *call)
{
	call_release(call);
}

static void
call_finish(struct http_call *call, int error)
{
	call->running = true; /* a cancel inside of done must not free it twice */
	call->events.done(call, call->user, error);
	call->running = false;
	if (!call->finished)
		call_release(call);
	else if (!call->resolving)
		call_free(call);
}

/* ---- the reply ---- */

static int
parse_status(struct str line)
{
	if (line.len < 12 || memcmp(line.p, "HTTP/1.", 7) ||
		(line.p[7] != '0' && line.p[7] != '1') || line.p[8] != ' ' ||
		(line.len > 12 && line.p[12] != ' '))
		return -EPROTO;
	int status = 0;
	for (int i = 9; i < 12; i++) {
		if (line.p[i] < '0' || line.p[i] > '9')
			return -EPROTO;
		status = status * 10 + (line.p[i] - '0');
	}
	return status >= 100 ? status : -EPROTO;
}

static int
note_framing(struct http_call *call, const struct http_header *h)
{
	if (str_eq_nocase(h->name, STR("Transfer-Encoding"))) {
		if (call->framing != UNTIL_CLOSE || !str_eq_nocase(h->value, STR("chunked")))
			return -EPROTO;
		call->framing = CHUNKED;
	} else if (str_eq_nocase(h->name, STR("Content-Length"))) {
		if (call->framing != UNTIL_CLOSE || !h->value.len || h->value.p[0] < '0' ||
			h->value.p[0] > '9' || !str_to_i64(h->value, &call->left))
			return -EPROTO;
		call->framing = BY_LENGTH;
	}
	return 0;
}

static int
parse_head(struct http_call *call, size_t len, struct http_header **ret_headers, unsigned *ret_n)
{
	/* A copy: `in` is used for what follows. */
	const char *p = arena_dup(&call->arena, str_of(call->in.p, len)).p, *end = p + len - 2;
	struct http_header *headers =
		arena_array(&call->arena, struct http_header, call->scan.lines);
	const char *lf = memchr(p, '\n', len);
	int status = parse_status(str_of(p, (size_t)(lf - 1 - p)));
	unsigned n = 0;
	call->framing = UNTIL_CLOSE;
	for (p = lf + 1; status > 0 && p < end; p = lf + 1) {
		lf = memchr(p, '\n', (size_t)(end - p));
		if (http_field_parse(p, (size_t)(lf - 1 - p), &headers[n]) ||
			note_framing(call, &headers[n++]))
			status = -EPROTO;
	}
	if (call->is_head || status == 204 || status == 304) {
		call->framing = BY_LENGTH;
		call->left = 0;
	}
	*ret_headers = headers;
	*ret_n = n;
	return status;
}

/* 1 when the head was read, 0 when more is needed. */
static int
take_head(struct http_call *call)
{
	struct http_header *headers;
	unsigned n;
	size_t len;
	for (;;) {
		if (http_head_scan(
			    &call->scan, call->in.p, call->in.len, &call->client->limits, &len))
			return -EPROTO;
		if (!len)
			return 0;
		int status = parse_head(call, len, &headers, &n);
		if (status < 0 || status == 101)
			return -EPROTO;
		buf_consume(&call->in, len);
		call->scan = (struct http_scan){ 0 };
		if (status < 200)
			continue; /* 100 Continue and other interim replies */
		call->head_done = true;
		if (call->events.head)
			call->events.head(call, call->user, status, headers, n);
		return 1;
	}
}

static void
give_data(struct http_call *call, struct str data)
{
	if (data.len && call->events.data && !call->finished)
		call->events.data(call, call->user, data);
}

/* 1 when the body is complete. */
static int
take_body(struct http_call *call, struct str in)
{
	if (call->framing == UNTIL_CLOSE) {
		give_data(call, in);
		return 0;
	}
	if (call->framing == BY_LENGTH) {
		struct str data = str_slice(in, 0,
			(size_t)(call->left < (int64_t)in.len ? call->left : (int64_t)in.len));
		call->left -= (int64_t)data.len;
		give_data(call, data);
		return call->left == 0;
	}
	while (in.len && !call->chunk.done && !call->finished) {
		struct str data;
		ssize_t used = http_chunk_decode(&call->chunk, in.p, in.len, &data);
		if (used < 0)
			return -EPROTO;
		give_data(call, data);
		in = str_slice(in, (size_t)used, in.len);
	}
	return call->chunk.done;
}

static int
take_input(struct http_call *call, struct str in)
{
	if (call->head_done)
		return take_body(call, in);
	buf_add_str(&call->in, in);
	int r = take_head(call);
	if (r <= 0 || call->finished)
		return r < 0 ? r : 0;
	return take_body(call, buf_str(&call->in));
}

static int
at_end(struct http_call *call)
{
	return call->head_done && call->framing == UNTIL_CLOSE ? 1 : -EPIPE;
}

/* 1 when the reply is complete, 0 when the socket has no more, or -errno. */
static int
read_some(struct http_call *call)
{
	char *p = call->client->buffer;
	for (int i = 0; i < READS_MAX || (call->tls_conn && tls_conn_pending(call->tls_conn));
		i++) {
		ssize_t n = call->tls_conn ? tls_conn_read(call->tls_conn, p, READ_BYTES)
					   : recv(call->io.fd, p, READ_BYTES, MSG_DONTWAIT);
		if (n < 0 && !call->tls_conn)
			n = -errno;
		if (n == -EAGAIN || n == -EINTR)
			return 0;
		if (n <= 0)
			return n ? (int)n : at_end(call);
		int r = take_input(call, str_of(p, (size_t)n));
		if (r || call->finished)
			return r;
	}
	return 0;
}

/* ---- the request ---- */

static int
write_some(struct http_call *call)
{
	while (call->out_at < call->out.len) {
		const char *p = call->out.p + call->out_at;
		size_t n = call->out.len - call->out_at;
		ssize_t r = call->tls_conn ? tls_conn_write(call->tls_conn, p, n)
					   : send(call->io.fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (r < 0 && !call->tls_conn)
			r = -errno;
		if (r == -EAGAIN || r == -EINTR)
			return 0;
		/* A server may answer and close without reading all: its answer counts. */
		if (r == -EPIPE || r == -ECONNRESET)
			call->out_at = call->out.len;
		else if (r < 0)
			return (int)r;
		else
			call->out_at += (size_t)r;
	}
	return 0;
}

static int
finish_connect(struct http_call *call)
{
	int err = 0;
	socklen_t len = sizeof(err);
	if (!call->connected) {
		if (getsockopt(call->io.fd, SOL_SOCKET, SO_ERROR, &err, &len) || err)
			return err ? -err : -errno;
		call->connected = true;
		if (call->tls != HTTP_CLIENT_CLEAR)
			call->tls_conn = tls_conn_new_client(call->client->ctx, call->io.fd,
				call->host, call->tls == HTTP_CLIENT_TLS);
	}
	if (!call->tls_conn || tls_conn_ready(call->tls_conn))
		return 0;
	int r = tls_conn_handshake(call->tls_conn);
	if (r && r != -EAGAIN && call->tls == HTTP_CLIENT_TLS &&
		tls_conn_distrusted(call->tls_conn))
		return -EACCES;
	return r;
}

static int
drive(struct http_call *call, uint32_t events)
{
	int r = finish_connect(call);
	if (r)
		return r == -EAGAIN ? 0 : r;
	r = write_some(call);
	if (!r && events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		r = read_some(call);
	return r;
}

static void
call_ready(struct loop_io *io, uint32_t events)
{
	struct http_call *call = (struct http_call *)io;
	call->running = true;
	int r = drive(call, events);
	call->running = false;
	if (call->finished) {
		call_free(call);
		return;
	}
	if (r) {
		call_finish(call, r < 0 ? r : 0);
		return;
	}
	bool handshake = call->tls_conn && !tls_conn_ready(call->tls_conn);
	uint32_t want = EPOLLIN | (!handshake && call->out_at < call->out.len ? EPOLLOUT : 0u);
	if (want != io->events) {
		io->events = want;
		loop_rearm(call->client->loop, io);
	}
}

/* ---- starting ---- */

static void
call_timeout(struct loop_timer *t)
{
	struct http_call *call =
		(struct http_call *)((char *)t - offsetof(struct http_call, timer));
	call_finish(call, call->error ? call->error : -ETIMEDOUT);
}

/* Reports an error from the loop instead of from inside a call of the user's. */
static void
fail_soon(struct http_call *call, int error)
{
	call->error = error;
	loop_timer_set(call->client->loop, &call->timer, 0);
}

static void
call_connect(struct http_call *call)
{
	struct sockaddr *a = (struct sockaddr *)&call->address;
	int one = 1;
	if (a->sa_family == AF_INET)
		((struct sockaddr_in *)a)->sin_port = htons(call->port);
	else
		((struct sockaddr_in6 *)a)->sin6_port = htons(call->port);
	int fd = socket(a->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		fail_soon(call, -errno);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	call->io = (struct loop_io){ .fd = fd, .events = EPOLLOUT, .ready = call_ready };
	if (connect(fd, a, call->address_len) && errno != EINPROGRESS) {
		int err = errno;
		loop_watch(call->client->loop, &call->io);
		fail_soon(call, -err);
		return;
	}
	int r = loop_watch(call->client->loop, &call->io);
	if (r)
		fail_soon(call, r);
}

static int
resolve(struct http_call *call, int flags)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = flags }, *found;
	if (getaddrinfo(call->host, NULL, &hints, &found))
		return -EHOSTUNREACH;
	memcpy(&call->address, found->ai_addr, found->ai_addrlen);
	call->address_len = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

static void
resolve_run(struct pool_job *job)
{
	struct http_call *call =
		(struct http_call *)((char *)job - offsetof(struct http_call, resolve));
	call->resolve_error = resolve(call, 0);
}

static void
resolve_done(struct pool_job *job)
{
	struct http_call *call =
		(struct http_call *)((char *)job - offsetof(struct http_call, resolve));
	call->resolving = false;
	if (call->finished)
		call_free(call);
	else if (call->resolve_error)
		call_finish(call, call->resolve_error);
	else
		call_connect(call);
}

static void
call_resolve(struct http_call *call)
{
	if (resolve(call, AI_NUMERICHOST) == 0) {
		call_connect(call);
		return;
	}
	if (!call->client->pool) {
		fail_soon(call, -EHOSTUNREACH);
		return;
	}
	call->resolving = true;
	call->resolve = (struct pool_job){
		.run = resolve_run, .done = resolve_done, .loop = call->client->loop
	};
	pool_submit(call->client->pool, &call->resolve);
}

static bool
text_ok(struct str s, bool blanks)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] < (blanks ? ' ' : '!') && !(blanks && s.p[i] == '\t'))
			return false;
	return true;
}

static bool
request_ok(const struct http_client_request *r)
{
	bool ok = r->host.len && r->host.len < 256 && text_ok(r->host, false) && r->method.len &&
		  text_ok(r->method, false) && r->target.len && text_ok(r->target, false);
	for (unsigned i = 0; ok && i < r->headers_n; i++)
		ok = r->headers[i].name.len && text_ok(r->headers[i].name, false) &&
		     text_ok(r->headers[i].value, true);
	return ok;
}

static void
write_host(struct http_call *call, const struct http_client_request *r)
{
	bool v6 = str_find(r->host, ':') >= 0;
	bool usual = call->port == (r->tls == HTTP_CLIENT_CLEAR ? 80 : 443);
	buf_printf(&call->out, v6 ? "Host: [%.*s]" : "Host: %.*s", STR_FMT(r->host));
	if (!usual)
		buf_printf(&call->out, ":%u", call->port);
	buf_add_lit(&call->out, "\r\n");
}

static void
write_request(struct http_call *call, const struct http_client_request *r)
{
	bool has_host = false;
	buf_printf(&call->out, "%.*s %.*s HTTP/1.1\r\n", STR_FMT(r->method), STR_FMT(r->target));
	for (unsigned i = 0; i < r->headers_n; i++) {
		has_host |= str_eq_nocase(r->headers[i].name, STR("Host"));
		buf_printf(&call->out, "%.*s: %.*s\r\n", STR_FMT(r->headers[i].name),
			STR_FMT(r->headers[i].value));
	}
	if (!has_host)
		write_host(call, r);
	if (r->body.len || !(str_is(r->method, "GET") || str_is(r->method, "HEAD")))
		buf_printf(&call->out, "Content-Length: %zu\r\n", r->body.len);
	buf_add_lit(&call->out, "Connection: close\r\n\r\n");
	buf_add_str(&call->out, r->body);
}

static int
ctx_open(struct http_client *c)
{
	if (c->ctx)
		return 0;
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	if (!ctx)
		return -ENOMEM;
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_default_verify_paths(ctx);
	if (c->ca_path && SSL_CTX_load_verify_locations(ctx, c->ca_path, NULL) != 1) {
		SSL_CTX_free(ctx);
		return -ENOENT;
	}
	c->ctx = ctx;
	return 0;
}

int
http_client_start(struct http_client *c, const struct http_client_request *r,
	const struct http_client_events *events, void *user, struct http_call **ret_call)
{
	if (!request_ok(r))
		return -EINVAL;
	int e = r->tls == HTTP_CLIENT_CLEAR ? 0 : ctx_open(c);
	if (e)
		return e;
	struct http_call *call = calloc(1, sizeof(*call));
	if (!call)
		return -ENOMEM;
	arena_init(&call->arena);
	call->client = c;
	call->io.fd = -1;
	call->events = *events;
	call->user = user;
	call->tls = r->tls;
	call->port = r->port ? r->port : r->tls == HTTP_CLIENT_CLEAR ? 80 : 443;
	call->host = arena_cstr(&call->arena, r->host);
	call->is_head = str_is(r->method, "HEAD");
	call->timer.fire = call_timeout;
	call->next = c->calls;
	if (c->calls)
		c->calls->prev = call;
	c->calls = call;
	write_request(call, r);
	loop_timer_set(c->loop, &call->timer, r->timeout_ms ? r->timeout_ms : TIMEOUT_MS);
	if (ret_call)
		*ret_call = call;
	call_resolve(call);
	return 0;
}

int
http_client_new(
	struct http_client **ret_client, struct loop *l, struct pool *p, const char *ca_path)
{
	struct http_client *c = calloc(1, sizeof(*c));
	if (!c || (ca_path && !(c->ca_path = strdup(ca_path)))) {
		free(c);
		return -ENOMEM;
	}
	c->loop = l;
	c->pool = p;
	http_limits_default(&c->limits);
	*ret_client = c;
	return 0;
}

void
http_client_free(struct http_client *c)
{
	if (!c)
		return;
	while (c->calls)
		http_client_cancel(c->calls);
	SSL_CTX_free(c->ctx);
	free(c->ca_path);
	free(c);
}
