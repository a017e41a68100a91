#include "wire/tls_context.h"

#include "wire/tls_ca.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct tls_context {
	char *dir;
	pthread_mutex_t lock; /* several loops may see their first TLS connection at once */
	SSL_CTX *ctx;         /* NULL until then */
};

struct tls_context *
tls_context_new(const char *dir)
{
	struct tls_context *t = calloc(1, sizeof(*t));
	if (!t || !(t->dir = strdup(dir)))
		abort();
	pthread_mutex_init(&t->lock, NULL);
	return t;
}

void
tls_context_free(struct tls_context *t)
{
	if (!t)
		return;
	SSL_CTX_free(t->ctx);
	pthread_mutex_destroy(&t->lock);
	free(t->dir);
	free(t);
}

int
tls_ca_path(struct tls_context *t, char *ret_path, size_t cap)
{
	struct tls_pair ca;
	pthread_mutex_lock(&t->lock);
	int r = tls_ca_open(t->dir, &ca);
	pthread_mutex_unlock(&t->lock);
	if (r)
		return r;
	tls_pair_done(&ca);
	int n = snprintf(ret_path, cap, "%s/%s", t->dir, TLS_CA_FILE);
	return n < 0 || (size_t)n >= cap ? -ENAMETOOLONG : 0;
}

/* HTTP/1.1 is all that is spoken here; a client that offers only others gets none. */
static int
choose_protocol(SSL *ssl, const unsigned char **ret, unsigned char *ret_len,
	const unsigned char *in, unsigned in_len, void *arg)
{
	static const unsigned char http11[] = "\x08http/1.1";
	(void)ssl, (void)arg;
	if (SSL_select_next_proto((unsigned char **)(uintptr_t)ret, ret_len, http11,
		    sizeof(http11) - 1, in, in_len) == OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_OK;
	return SSL_TLSEXT_ERR_NOACK;
}

static SSL_CTX *
ctx_new(const char *dir)
{
	struct tls_pair leaf;
	if (tls_leaf_open(dir, &leaf))
		return NULL;
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	if (!ctx)
		abort();
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
					 SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				      SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(ctx, 1); /* one system call for a record instead of two */
	SSL_CTX_set_session_cache_mode(
		ctx, SSL_SESS_CACHE_OFF); /* tickets do that without memory */
	SSL_CTX_set_num_tickets(ctx, 1);
	SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
	int ok = SSL_CTX_use_certificate(ctx, leaf.cert) == 1 &&
		 SSL_CTX_use_PrivateKey(ctx, leaf.key) == 1 &&
		 SSL_CTX_add1_chain_cert(ctx, leaf.issuer) == 1;
	tls_pair_done(&leaf);
	if (!ok) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

struct ssl_ctx_st *
tls_context_ssl(struct tls_context *t)
{
	pthread_mutex_lock(&t->lock);
	if (!t->ctx)
		t->ctx = ctx_new(t->dir);
	SSL_CTX *ctx = t->ctx;
	pthread_mutex_unlock(&t->lock);
	return ctx;
}
