/*
 * http_conn: what the files of the HTTP server share; nobody else includes it.
 *
 * A connection is driven by http_conn_run alone: it takes steps (read a head, begin an exchange,
 * hand over body, finish) until nothing can be done, then sends what is queued. Calls of handlers
 * (http_reply_*, http_body_*) only change state and ask for a run with http_conn_later, so no
 * handler is ever called from inside a call of its own. Exchanges, blocks and connections are
 * recycled by the server: a request on a kept connection allocates nothing.
 */
#ifndef HANEUL_WIRE_HTTP_CONN_H
#define HANEUL_WIRE_HTTP_CONN_H

#include "wire/http_chunk.h"
#include "wire/http_head.h"
#include "wire/http_server.h"

struct tls_conn;

/* Memory for input and output, or a range of a file that is to be sent. Data is [from, to). */
struct http_block {
	struct http_block *next;
	uint32_t cap, from, to;
	int fd; /* -1: data */
	bool fd_owned;
	int64_t file_at, file_left;
	char data[];
};
#define HTTP_BLOCK_SMALL 16384u /* with the struct */
#define HTTP_BLOCK_LARGE 65536u

enum http_timeout {
	HTTP_TIMEOUT_NONE,
	HTTP_TIMEOUT_IDLE,
	HTTP_TIMEOUT_HEAD,
	HTTP_TIMEOUT_STALL, /* no progress of an awaited body or of a reply */
	HTTP_TIMEOUT_LINGER,
	HTTP_TIMEOUTS_N,
};

struct http_conn {
	struct loop_io io;
	struct http_server *s;
	struct http_conn *prev, *next; /* all connections */
	struct http_conn *timeout_prev, *timeout_next;
	struct http_conn *later_next;
	uint64_t deadline_ms;
	struct http_exchange *x; /* NULL between requests */
	struct tls_context *tls;
	struct tls_conn *tls_conn; /* NULL: cleartext, or nothing was read yet */
	struct http_block *in;     /* heads; borrowed by x->request while x lives */
	struct http_block *body;   /* body bytes that came after what `in` holds */
	struct http_block *out, **out_last;
	size_t out_bytes; /* in memory */
	struct http_scan scan;
	int budget; /* steps before others get their turn */
	uint8_t timeout;
	bool running : 1;
	bool in_later : 1;
	bool lost : 1;     /* to be torn down at the end of the run */
	bool reset : 1;    /* with RST, so that the cut is noticed */
	bool sniffed : 1;  /* TLS or not is known */
	bool readable : 1; /* the socket may hold bytes */
	bool writable : 1;
	bool eof : 1;
	bool close_after : 1; /* nothing more is read as a request */
	bool lingering : 1;   /* our side is shut; theirs is read and dropped */
	bool progress : 1;    /* bytes moved since the timer was last set */
	bool blank_seen : 1;  /* the one empty line that may precede a request */
	struct sockaddr_storage peer;
};

struct http_exchange {
	struct http_head head;
	struct http_conn *c;
	struct http_exchange *next; /* free list */
	struct arena arena;
	void *user;
	void (*closed)(struct http_exchange *x, void *user);
	void (*drained)(struct http_exchange *x, void *user);
	void (*event)(struct http_exchange *x, void *user, enum http_body_event e, struct str data);
	struct http_chunk chunk;
	struct http_header *trailers;
	unsigned trailers_n;
	int64_t body_left; /* when not chunked */
	int64_t reply_left;
	uint64_t dropped_bytes; /* of a body that nobody reads */
	bool paused, body_done, body_failed, told, continued;
	bool forgotten; /* http_request_forget */
	bool replied, chunked_reply, no_body, close_after, want_drained, ended;
};

struct http_listener {
	struct loop_io io;
	struct loop_timer pause; /* after running out of descriptors */
	struct http_server *s;
	struct tls_context *tls;
	struct http_listener *next;
};

struct http_server {
	struct loop *loop;
	struct http_handler handler;
	struct http_limits limits;
	struct http_stats stats;
	struct http_listener *listeners;
	struct http_conn *conns;
	struct {
		struct http_conn *first, *last; /* by deadline: each list has one duration */
		uint32_t ms;
	} timeouts[HTTP_TIMEOUTS_N];
	struct loop_timer timer; /* for the earliest of all lists; moved only when it fires */
	struct http_conn *later, **later_last;
	struct loop_job later_job;
	bool later_posted, draining;
	struct loop_timer grace;
	void (*stopped)(void *arg);
	void *stopped_arg;
	struct loop_job stopped_job;
	struct http_block *small, *large; /* spare blocks */
	unsigned small_n, large_n;
	struct http_exchange *exchanges; /* spare */
	unsigned exchanges_n;
	int64_t date_s;
	char date[40]; /* "Date: …\r\n" */
	uint32_t date_len;
	char scratch[16384]; /* for bytes that are thrown away */
};

/* ---- http_conn.c ---- */
void http_conn_open(struct http_server *s, int fd, const struct sockaddr_storage *peer,
	struct tls_context *tls);
void http_conn_run(struct http_conn *c);
void http_conn_later(struct http_conn *c); /* a run soon, from the loop */
void http_conn_lose(struct http_conn *c);  /* marks it; the next run tears it down */
bool http_conn_is_idle(const struct http_conn *c);
void http_conn_timed_out(struct http_conn *c);

/* ---- http_io.c: bytes in and out ---- */
struct http_block *http_block_take(
	struct http_server *s, size_t need); /* the smaller kind that fits, or exactly */
void http_block_give(struct http_server *s, struct http_block *b); /* NULL is fine */
/* > 0, 0 at the end, -EAGAIN (also notes that the socket is empty) or another -errno. */
ssize_t http_io_recv(struct http_conn *c, char *p, size_t n);
/* Room for n bytes in the block at hand, already counted as added; NULL when they do not fit
 * there. */
char *http_out_reserve(struct http_conn *c, size_t n);
void http_out_add(struct http_conn *c, const char *p, size_t n);
/* For large data: sends it straight from p when it can, and keeps the rest. */
void http_out_add_direct(struct http_conn *c, const char *p, size_t n);
/* fd is borrowed. */
void http_out_add_file(struct http_conn *c, int fd, int64_t offset, int64_t len);
/* Gives file ranges that are still queued descriptors of their own. */
void http_out_own_files(struct http_conn *c);
bool http_out_has_file(const struct http_conn *c);
/* Sends what the socket takes; true when some of it went out. */
bool http_io_flush(struct http_conn *c);
void http_io_shutdown(struct http_conn *c); /* our side, TLS included */

/* ---- http_body.c ---- */
/* One step of the request body: to the handler, or dropped when `drop`. False: nothing can be done
 * now. */
bool http_body_step(struct http_exchange *x, bool drop);
bool http_body_wanted(const struct http_exchange *x);
void http_body_fail(struct http_exchange *x, struct str why);

/* ---- http_reply.c ---- */
/* A whole reply of the server itself; the connection closes after it. */
void http_refuse(struct http_conn *c, int status);
size_t http_reply_window(const struct http_conn *c);
bool http_drained_due(const struct http_exchange *x);

/* ---- http_server.c ---- */
struct http_exchange *http_exchange_take(struct http_server *s);
void http_exchange_give(struct http_server *s, struct http_exchange *x);
void http_timeout_set(struct http_conn *c, enum http_timeout t); /* again moves it to the end */
struct str http_date_line(struct http_server *s);
void http_server_conn_gone(struct http_server *s);

/* ---- http_status.c ---- */
struct str http_status_line(int status); /* "HTTP/1.1 200 OK\r\n" */

#endif
