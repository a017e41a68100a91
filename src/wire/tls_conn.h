/*
 * tls_conn: the TLS side of one connection, over a non-blocking socket that it borrows. Internal to
 * the HTTP server.
 */
#ifndef HANEUL_WIRE_TLS_CONN_H
#define HANEUL_WIRE_TLS_CONN_H

#include "wire/tls.h"

#include <sys/types.h>

struct tls_conn;
struct ssl_ctx_st;

/* NULL when the context cannot be made (its directory cannot be written, say). */
struct tls_conn *tls_conn_new(struct tls_context *t, int fd);
/* The client's side: ctx is borrowed during the call; host (NUL-terminated) is sent as the server
 * name and, when verify, must be named by a certificate that ctx trusts. */
struct tls_conn *tls_conn_new_client(struct ssl_ctx_st *ctx, int fd, const char *host, bool verify);
/* After a failed handshake: the certificate was the reason. */
bool tls_conn_distrusted(const struct tls_conn *t);
void tls_conn_free(struct tls_conn *t);
/* 0 when done, -EAGAIN, or another -errno. */
int tls_conn_handshake(struct tls_conn *t);
bool tls_conn_ready(const struct tls_conn *t);                /* the handshake is done */
ssize_t tls_conn_read(struct tls_conn *t, char *p, size_t n); /* 0 at the end; -EAGAIN; -errno */
bool tls_conn_pending(struct tls_conn *t);                    /* bytes were read ahead */
/* After -EAGAIN the same bytes (more may follow them) must be offered again. */
ssize_t tls_conn_write(struct tls_conn *t, const char *p, size_t n);
void tls_conn_close_notify(struct tls_conn *t);

#endif
