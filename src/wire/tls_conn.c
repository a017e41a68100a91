#include "wire/tls_conn.h"

#include "wire/tls_context.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

struct tls_conn {
	SSL *ssl;
	bool ready, failed;
};

struct tls_conn *
tls_conn_new(struct tls_context *t, int fd)
{
	SSL_CTX *ctx = tls_context_ssl(t);
	SSL *ssl = ctx ? SSL_new(ctx) : NULL;
	if (!ssl)
		return NULL;
	struct tls_conn *c = calloc(1, sizeof(*c));
	if (!c || SSL_set_fd(ssl, fd) != 1)
		abort();
	SSL_set_accept_state(ssl);
	c->ssl = ssl;
	return c;
}

static bool
is_numeric(const char *host)
{
	unsigned char a[16];
	return inet_pton(AF_INET, host, a) == 1 || inet_pton(AF_INET6, host, a) == 1;
}

struct tls_conn *
tls_conn_new_client(struct ssl_ctx_st *ctx, int fd, const char *host, bool verify)
{
	struct tls_conn *c = calloc(1, sizeof(*c));
	SSL *ssl = SSL_new(ctx);
	if (!c || !ssl || SSL_set_fd(ssl, fd) != 1)
		abort();
	bool numeric = is_numeric(host);
	if (!numeric)
		SSL_set_tlsext_host_name(ssl, host);
	if (verify) {
		SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
		if (numeric)
			X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host);
		else
			SSL_set1_host(ssl, host);
	}
	SSL_set_connect_state(ssl);
	c->ssl = ssl;
	return c;
}

bool
tls_conn_distrusted(const struct tls_conn *t)
{
	return SSL_get_verify_result(t->ssl) != X509_V_OK;
}

void
tls_conn_free(struct tls_conn *t)
{
	if (!t)
		return;
	SSL_free(t->ssl);
	free(t);
}

/* Also clears the error queue of the thread, which would else be taken for the next call's. */
static int
error_of(struct tls_conn *t, int r)
{
	int e = SSL_get_error(t->ssl, r);
	ERR_clear_error();
	if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE)
		return -EAGAIN;
	if (e == SSL_ERROR_ZERO_RETURN)
		return 0;
	t->failed = true;
	return -EPROTO;
}

int
tls_conn_handshake(struct tls_conn *t)
{
	int r = SSL_do_handshake(t->ssl);
	if (r == 1) {
		t->ready = true;
		return 0;
	}
	r = error_of(t, r);
	return r ? r : -EPROTO;
}

bool
tls_conn_ready(const struct tls_conn *t)
{
	return t->ready;
}

ssize_t
tls_conn_read(struct tls_conn *t, char *p, size_t n)
{
	int r = SSL_read(t->ssl, p, n > 1 << 20 ? 1 << 20 : (int)n);
	return r > 0 ? r : error_of(t, r);
}

bool
tls_conn_pending(struct tls_conn *t)
{
	return SSL_has_pending(t->ssl);
}

ssize_t
tls_conn_write(struct tls_conn *t, const char *p, size_t n)
{
	int r = SSL_write(t->ssl, p, n > 1 << 20 ? 1 << 20 : (int)n);
	if (r > 0)
		return r;
	r = error_of(t, r);
	return r ? r : -EPIPE;
}

void
tls_conn_close_notify(struct tls_conn *t)
{
	if (t->failed || !t->ready)
		return;
	SSL_shutdown(t->ssl);
	ERR_clear_error();
}
