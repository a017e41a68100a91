/*
 * http_server: HTTP/1.1 (and 1.0) on cleartext and TLS on the same port. It parses strictly, keeps
 * connections, windows bodies both ways and enforces limits; it knows nothing of AWS.
 *
 * One exchange is one request and its reply. It belongs to the loop of its connection and must
 * only be touched there. It lives from `begin` until http_reply_end or http_reply_abort, or until
 * the connection is lost before these (then `closed` runs, once); after that the pointer is dead. A
 * handler that still has work elsewhere (a parked call, the writer) notes the loss in `closed` and
 * lets go. No callback runs inside a call of the handler's own: they all come from the loop later.
 *
 * Memory: a request head is held whole (limited); bodies pass through windows of bounded size:
 * body data is handed over as it arrives and reading stops while the exchange is paused; a reply
 * stops being writable (http_reply_room == 0) when the window is full, and `drained` tells when
 * there is room again.
 */
#ifndef HANEUL_WIRE_HTTP_SERVER_H
#define HANEUL_WIRE_HTTP_SERVER_H

#include "base/arena.h"
#include "base/str.h"
#include "os/loop.h"

#include <sys/socket.h>

struct http_server;
struct http_exchange;
struct tls_context;

struct http_header {
	struct str name, value; /* value is trimmed; obsolete line folding was refused */
};

struct http_request {
	struct str method;
	struct str target; /* as sent */
	struct str path;   /* raw, not decoded; of an absolute-form target too */
	struct str query;  /* raw, without '?'; STR_NULL when there was no '?' */
	struct str host;   /* as sent, with port; empty for HTTP/1.0 without Host */
	const struct http_header *headers;
	unsigned headers_n;
	int64_t content_length; /* -1: chunked; 0: no body */
	bool http10;
	bool tls;
	bool expect_continue;
	struct sockaddr_storage peer;
};

/* First header of that name (case-insensitive); STR_NULL when absent. */
struct str http_request_header(const struct http_request *r, struct str name);

enum http_body_event {
	HTTP_BODY_DATA,  /* data is valid during the call only */
	HTTP_BODY_END,   /* all arrived; trailers can be read */
	HTTP_BODY_ERROR, /* data is "malformed", "timeout" or "cut off"; the connection closes after
			    the reply, if any */
};

struct http_handler {
	/* The head is complete; nothing of the body was read and no 100 was sent. */
	void (*begin)(struct http_exchange *x, void *arg);
	void *arg;
};

struct http_limits {
	uint32_t head_bytes;      /* 64 KiB: whole head; above: 431 */
	uint32_t headers_n;       /* 200; above: 431 */
	uint32_t target_bytes;    /* 16 KiB; above: 414 */
	uint32_t head_timeout_ms; /* 20 s from the first byte to the end of the head; then 408 */
	uint32_t idle_timeout_ms; /* 75 s between requests on a kept connection */
	uint32_t body_stall_ms;   /* 30 s without a byte of an awaited body; then RequestTimeout by
				     the handler */
	uint32_t body_window_bytes; /* 256 KiB */
	uint32_t connections_n;     /* 20,000; above: 503 and close */
	uint64_t memory_bytes;    /* cap on the buffers of all connections and on what their handler
				     holds for them; above: 503 */
};
void http_limits_default(struct http_limits *l);

struct http_stats {
	uint64_t connections_open, connections_total, requests_total, bytes_in, bytes_out,
		refused_total;
	uint64_t memory_bytes;
};

/* A server on one loop. Several loops listen on the same address through SO_REUSEPORT. */
int http_server_new(struct http_server **ret_server, struct loop *l, const struct http_handler *h,
	const struct http_limits *limits);
/* Takes ownership of a listening socket. `tls` (may be NULL) is asked for when the first byte is a
 * TLS hello. */
int http_server_listen(struct http_server *s, int listen_fd, struct tls_context *tls);
/* Closes that listening socket; connections that it accepted go on. */
void http_server_unlisten(struct http_server *s, int listen_fd);
/* Stops accepting, lets running exchanges finish, closes idle connections; `stopped` runs when none
 * is left. */
void http_server_drain(
	struct http_server *s, uint32_t grace_ms, void (*stopped)(void *arg), void *arg);
void http_server_free(struct http_server *s);
/* What the handler holds in memory for exchanges counts too; less than 0 gives it back. */
void http_server_hold(struct http_server *s, int64_t bytes);
/* Three quarters are taken: time to refuse what needs much, so that small requests go on. */
bool http_server_is_short(const struct http_server *s);
void http_server_stats(const struct http_server *s, struct http_stats *ret_stats);

const struct http_request *http_request_of(struct http_exchange *x);
struct loop *http_loop_of(struct http_exchange *x);
/* Packets of this connection from now on live for so many hops (1..255). */
void http_set_hops(struct http_exchange *x, int hops);
/* Memory that lives as long as the exchange. */
struct arena *http_arena_of(struct http_exchange *x);
void http_set_user(
	struct http_exchange *x, void *user, void (*closed)(struct http_exchange *x, void *user));
void *http_user(struct http_exchange *x);

/* The handler has what it needs of the request: texts, headers and http_arena_of go, so that an
 * exchange that waits for long costs little. After the whole body was read, before the reply. From
 * then on a client that shuts its side has left: `closed`. */
void http_request_forget(struct http_exchange *x);

/* Starts the body: sends "100 Continue" first when the client asked for it. Without this call the
 * body is drained (small) or the connection closed (large) after the reply. */
void http_body_read(struct http_exchange *x, void (*event)(struct http_exchange *x, void *user,
						     enum http_body_event e, struct str data));
void http_body_pause(struct http_exchange *x);
void http_body_resume(struct http_exchange *x);
/* After HTTP_BODY_END: trailer fields of a chunked body. */
const struct http_header *http_body_trailers(struct http_exchange *x, unsigned *ret_n);

/*
 * The reply. length: bytes of the body, or -1 to send it chunked (closing for HTTP/1.0). Date,
 * Connection, Content-Length and Transfer-Encoding are added here; the rest is the handler's.
 * For HEAD, 204 and 304 the length is announced as AWS does (HEAD) and no body is sent: writes are
 * dropped. Header names and values are copied; CR, LF and NUL in them are a programming error
 * (assert).
 */
void http_reply_begin(struct http_exchange *x, int status, const struct http_header *headers,
	unsigned n, int64_t length);
/* Copies to the window. May exceed it by one call; then wait for `drained`. */
void http_reply_write(struct http_exchange *x, struct str data);
size_t http_reply_room(struct http_exchange *x);
/* Sends [offset, offset+len) of fd after what was written before; fd is borrowed until `drained`
 * (which always runs when all is sent), `closed`, or http_reply_end, which duplicates the fd if it
 * must. Uses sendfile on cleartext. A file that is too short cuts the connection: `closed`. */
void http_reply_file(struct http_exchange *x, int fd, int64_t offset, int64_t len);
void http_reply_on_drained(
	struct http_exchange *x, void (*drained)(struct http_exchange *x, void *user));
/* `drained` is to run although there is room: after the other connections had their turn. */
void http_reply_yield(struct http_exchange *x);
/* The body is complete; x is dead after this call. */
void http_reply_end(struct http_exchange *x);
/* Something broke after the head went out: cuts the connection so that the client notices. */
void http_reply_abort(struct http_exchange *x);
/* After the reply the connection is closed. Before http_reply_begin. */
void http_reply_close_after(struct http_exchange *x);
/* begin + write + end. */
void http_reply_simple(struct http_exchange *x, int status, const struct http_header *headers,
	unsigned n, struct str body);

#endif
