/*
 * tls_context: what the connections need of a context; internal to wire.
 */
#ifndef HANEUL_WIRE_TLS_CONTEXT_H
#define HANEUL_WIRE_TLS_CONTEXT_H

#include "wire/tls.h"

struct ssl_ctx_st;

/* The server context, made on the first call; borrowed. NULL when the certificates cannot be made
 * or read; the next call tries again. Any thread. */
struct ssl_ctx_st *tls_context_ssl(struct tls_context *t);

#endif
