#include "wire/tls.h"

#include "wire/http_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define H "Host: a\r\n"

static SSL_CTX *
client_ctx(const char *ca_path)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	assert_int_equal(SSL_CTX_load_verify_locations(ctx, ca_path, NULL), 1);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	return ctx;
}

static SSL *
client_tls(SSL_CTX *ctx, int fd, const char *host)
{
	SSL *ssl = SSL_new(ctx);
	SSL_set_tlsext_host_name(ssl, host);
	SSL_set1_host(ssl, host);
	SSL_set_fd(ssl, fd);
	SSL_set_alpn_protos(ssl, (const unsigned char *)"\x02h2\x08http/1.1", 12);
	return ssl;
}

static void
tls_put(SSL *ssl, struct str s)
{
	assert_int_equal(SSL_write(ssl, s.p, (int)s.len), (int)s.len);
}

static struct buf
tls_get_all(SSL *ssl)
{
	struct buf b = { 0 };
	int n;
	while ((n = SSL_read(ssl, buf_reserve(&b, 65536), 65536)) > 0)
		b.len += (size_t)n;
	buf_add(&b, "", 0);
	return b;
}

static struct tls_context *
tls_rig(char *ret_ca, size_t cap)
{
	char dir[400];
	snprintf(dir, sizeof(dir), "%s/tls", unit_tmpdir());
	struct tls_context *t = tls_context_new(dir);
	if (ret_ca)
		assert_int_equal(tls_ca_path(t, ret_ca, cap), 0);
	http_limits_default(&rig.limits);
	rig.tls = t;
	rig_open();
	return t;
}

TEST(tls_and_cleartext_on_one_port)
{
	char ca[500];
	const char *names[] = { "localhost", "bucket.s3.localhost.localstack.cloud",
		"s3.amazonaws.com" };
	struct tls_context *t = tls_rig(ca, sizeof(ca));
	SSL_CTX *ctx = client_ctx(ca);
	for (size_t i = 0; i < 3; i++) {
		int fd = client();
		SSL *ssl = client_tls(ctx, fd, names[i]);
		assert_int_equal(SSL_connect(ssl), 1);
		const unsigned char *alpn;
		unsigned alpn_len;
		SSL_get0_alpn_selected(ssl, &alpn, &alpn_len);
		assert_str(str_of(alpn, alpn_len), "http/1.1");
		tls_put(ssl, STR("GET /later HTTP/1.1\r\n" H "\r\nPOST /echo HTTP/1.1\r\n" H
				 "Content-Length: 3\r\nConnection: close\r\n\r\nabc"));
		struct buf b = tls_get_all(ssl);
		assert_int_equal(
			SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
		assert_int_equal(count(&b, "200 OK"), 2);
		assert_true(str_ends(buf_str(&b), STR("\r\n\r\nabc")));
		buf_done(&b);
		SSL_free(ssl);
		close(fd);
	}
	struct buf b = ask(STR("GET / HTTP/1.1\r\n" H "\r\n"));
	assert_has(b, "hello");
	buf_done(&b);
	SSL_CTX_free(ctx);
	rig_stop();
	tls_context_free(t);
}

TEST(tls_large_bodies_and_files)
{
	char ca[500], path[500];
	enum { SIZE = 1000000 };
	char *content = malloc(SIZE);
	for (size_t i = 0; i < SIZE; i++)
		content[i] = (char)('a' + i % 19);
	struct tls_context *t = tls_rig(ca, sizeof(ca));
	snprintf(path, sizeof(path), "%s/f", unit_tmpdir());
	rig.file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write(rig.file, content, SIZE), SIZE);
	SSL_CTX *ctx = client_ctx(ca);
	int fd = client();
	SSL *ssl = client_tls(ctx, fd, "localhost");
	assert_int_equal(SSL_connect(ssl), 1);
	tls_put(ssl,
		STR("GET /file?900000 HTTP/1.1\r\n" H "\r\nGET /big?3000000 HTTP/1.1\r\n" H "\r\n"
		    "PUT /echo HTTP/1.1\r\n" H
		    "Content-Length: 1000000\r\nConnection: close\r\n\r\n"));
	for (int i = 0; i < 10; i++)
		tls_put(ssl, str_of(content + i * 100000, 100000));
	struct buf b = tls_get_all(ssl);
	char *p = strstr(b.p, "\r\n\r\n<");
	assert_non_null(p);
	assert_memory_equal(p + 5, content + 1, 900000);
	assert_int_equal(p[900005], '!');
	assert_true(b.len > 4900000);
	assert_memory_equal(b.p + b.len - SIZE, content, SIZE);
	buf_done(&b);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	close(fd);
	close(rig.file);
	rig_stop();
	tls_context_free(t);
	free(content);
}

TEST(tls_rubbish_is_closed)
{
	struct tls_context *t = tls_rig(NULL, 0);
	struct buf b = ask(STR("\x16\x03\x01\x00\x05rubbish, and more of it"));
	assert_int_equal(count(&b, "HTTP/1.1"), 0);
	buf_done(&b);
	b = ask(STR("\x16"));
	assert_int_equal(b.len, 0);
	buf_done(&b);
	rig_stop();
	tls_context_free(t);
}

TEST(ca_is_made_once_and_private)
{
	char dir[400], ca[500], path[500];
	struct stat st, again;
	snprintf(dir, sizeof(dir), "%s/tls", unit_tmpdir());
	struct tls_context *t = tls_context_new(dir);
	assert_int_equal(access(dir, F_OK), -1); /* no work before it is needed */
	assert_int_equal(tls_ca_path(t, ca, 5), -ENAMETOOLONG);
	assert_int_equal(tls_ca_path(t, ca, sizeof(ca)), 0);
	assert_int_equal(stat(ca, &st), 0);
	snprintf(path, sizeof(path), "%s/ca-key.pem", dir);
	assert_int_equal(stat(path, &again), 0);
	assert_int_equal(again.st_mode & 0777, 0600);
	tls_context_free(t);
	t = tls_context_new(dir);
	assert_int_equal(tls_ca_path(t, ca, sizeof(ca)), 0);
	assert_int_equal(stat(ca, &again), 0);
	assert_int_equal(st.st_ino, again.st_ino);
	tls_context_free(t);
	/* A key that cannot be understood is an error, never silently replaced. */
	FILE *f = fopen(path, "w");
	fputs("broken\n", f);
	fclose(f);
	t = tls_context_new(dir);
	assert_int_equal(tls_ca_path(t, ca, sizeof(ca)), -EBADMSG);
	tls_context_free(t);
}
