/*
 * http_client: HTTP/1.1 requests to others (webhooks, deliveries, origins) from a loop, without
 * blocking it. One connection for each request, which is closed after it; redirects are not
 * followed; the body to send is held whole, the body of the reply is handed over as it arrives.
 *
 * A call belongs to the loop. `done` runs exactly once for each call that was started and not
 * cancelled, never inside http_client_start; the call is dead after it. Names that are not numeric
 * are resolved on the pool. Everything of a reply that is malformed or beyond the limits ends the
 * call.
 */
#ifndef HANEUL_WIRE_HTTP_CLIENT_H
#define HANEUL_WIRE_HTTP_CLIENT_H

#include "os/pool.h"
#include "wire/http_server.h"

struct http_client;
struct http_call;

enum http_client_tls {
	HTTP_CLIENT_CLEAR,
	HTTP_CLIENT_TLS,            /* the certificate must be valid for the host */
	HTTP_CLIENT_TLS_UNVERIFIED, /* any certificate */
};

struct http_client_request {
	enum http_client_tls tls;
	struct str host; /* a name or a numeric address (IPv6 without brackets) */
	uint16_t port;   /* 0: 80 or 443 */
	struct str method;
	struct str target; /* path and query, encoded */
	const struct http_header
		*headers; /* Host (unless given here), Content-Length, Connection are added */
	unsigned headers_n;
	struct str body;
	uint32_t timeout_ms; /* for the whole call; 0: 30 s */
};

struct http_client_events {
	/* The final head; headers are valid until `done` returns. May be NULL. */
	void (*head)(struct http_call *call, void *user, int status,
		const struct http_header *headers, unsigned n);
	/* data is valid during the call. May be NULL. */
	void (*data)(struct http_call *call, void *user, struct str data);
	/* error: 0 when the reply is complete; -ETIMEDOUT, -EPROTO (not understood), -EPIPE (cut
	 * off), -EACCES (certificate), -EHOSTUNREACH (no such name), or another -errno of the
	 * connection. */
	void (*done)(struct http_call *call, void *user, int error);
};

/* ca_path: PEM of authorities to trust besides the system's; may be NULL; copied. */
int http_client_new(
	struct http_client **ret_client, struct loop *l, struct pool *p, const char *ca_path);
/* Cancels what still runs. A name that is being resolved is waited for by the pool's owner: free
 * the client before the pool, run the loop or free it after. */
void http_client_free(struct http_client *c);
/* Copies what it needs of r. 0 or -errno, and then no event follows. ret_call may be NULL. */
int http_client_start(struct http_client *c, const struct http_client_request *r,
	const struct http_client_events *events, void *user, struct http_call **ret_call);
/* No event follows. */
void http_client_cancel(struct http_call *call);

#endif
