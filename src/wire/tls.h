/*
 * tls: the server's own certificate authority (made on first use: ECDSA P-256, kept under
 * <data>/tls, key readable by the owner only) and a server context that makes a leaf certificate
 * for localhost, 127.0.0.1, *.localhost.localstack.cloud, *.amazonaws.com … on first use.
 */
#ifndef HANEUL_WIRE_TLS_H
#define HANEUL_WIRE_TLS_H

#include "base/str.h"

struct tls_context;

/* Does no work yet: OpenSSL is touched when the first TLS connection arrives. dir is copied. */
struct tls_context *tls_context_new(const char *dir);
void tls_context_free(struct tls_context *t);
/* Path of the CA certificate (PEM), made now if it is missing. 0 or -errno. */
int tls_ca_path(struct tls_context *t, char *ret_path, size_t cap);

#endif
