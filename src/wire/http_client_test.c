#include "wire/http_client.h"

#include "wire/http_rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

/* The client's loop runs on the test's thread until the call is done. */
static struct {
	struct loop *loop;
	struct pool *pool;
	struct http_client *client;
	struct buf body;
	int status, error, done_n;
	bool cancel_at_head;
	char header[64];
} my;

static void
on_head(struct http_call *call, void *user, int status, const struct http_header *headers,
	unsigned n)
{
	(void)user;
	my.status = status;
	snprintf(my.header, sizeof(my.header), "%.*s", n ? (int)headers[0].value.len : 0,
		n ? headers[0].value.p : "");
	if (my.cancel_at_head) {
		http_client_cancel(call);
		loop_stop(my.loop);
	}
}

static void
on_data(struct http_call *call, void *user, struct str data)
{
	(void)call, (void)user;
	buf_add_str(&my.body, data);
}

static void
on_done(struct http_call *call, void *user, int error)
{
	(void)call, (void)user;
	my.error = error;
	my.done_n++;
	loop_stop(my.loop);
}

static const struct http_client_events events = { on_head, on_data, on_done };

static void
my_open(const char *ca)
{
	memset(&my, 0, sizeof(my));
	assert_int_equal(loop_new(&my.loop), 0);
	assert_int_equal(pool_new(&my.pool, 1), 0);
	assert_int_equal(http_client_new(&my.client, my.loop, my.pool, ca), 0);
}

static void
my_close(void)
{
	http_client_free(my.client);
	pool_free(my.pool);
	loop_free(my.loop);
	buf_done(&my.body);
}

static int
run(struct http_client_request r)
{
	if (!r.port)
		r.port = ntohs(rig.port);
	my.done_n = my.status = 0;
	buf_clear(&my.body);
	assert_int_equal(http_client_start(my.client, &r, &events, NULL, NULL), 0);
	assert_int_equal(my.done_n, 0);
	assert_int_equal(loop_run(my.loop), 0);
	assert_int_equal(my.done_n, 1);
	return my.error;
}

#define TO(host_, method_, target_)                                                                \
	.host = STR(host_), .method = STR(method_), .target = STR(target_)

TEST(client_replies)
{
	struct buf big = { 0 };
	rig_start();
	my_open(NULL);
	assert_int_equal(run((struct http_client_request){ TO("127.0.0.1", "GET", "/x") }), 0);
	assert_int_equal(my.status, 200);
	assert_string_equal(my.header, "1");
	assert_str(buf_str(&my.body), "hello");
	assert_int_equal(run((struct http_client_request){ TO("localhost", "GET", "/stream") }), 0);
	assert_str(buf_str(&my.body), "onesixteen bytes!!!");
	assert_int_equal(run((struct http_client_request){ TO("127.0.0.1", "HEAD", "/x") }), 0);
	assert_int_equal(my.body.len, 0);
	assert_int_equal(run((struct http_client_request){ TO("127.0.0.1", "GET", "/x?204") }), 0);
	assert_int_equal(my.status, 204);
	struct http_header h = { STR("Expect"), STR("100-continue") };
	assert_int_equal(run((struct http_client_request){ TO("127.0.0.1", "PUT", "/echo"),
				 .headers = &h, .headers_n = 1, .body = STR("abc") }),
		0);
	assert_str(buf_str(&my.body), "abc");
	memset(buf_reserve(&big, 2000000), 'z', 2000000);
	big.len = 2000000;
	assert_int_equal(run((struct http_client_request){
				 TO("127.0.0.1", "PUT", "/echo"), .body = buf_str(&big) }),
		0);
	assert_int_equal(my.body.len, 2000000);
	assert_int_equal(
		run((struct http_client_request){ TO("127.0.0.1", "GET", "/target?q=1") }), 0);
	assert_true(str_starts(buf_str(&my.body), STR("127.0.0.1:")));
	buf_done(&big);
	my_close();
	rig_stop();
}

TEST(client_failures)
{
	struct http_call *call;
	rig_start();
	my_open(NULL);
	assert_int_equal(run((struct http_client_request){
				 TO("127.0.0.1", "GET", "/never"), .timeout_ms = 20 }),
		-ETIMEDOUT);
	run((struct http_client_request){ TO("127.0.0.1", "GET", "/stream?abort") });
	assert_true(my.error == -EPIPE || my.error == -ECONNRESET);
	assert_int_equal(
		run((struct http_client_request){ TO("127.0.0.1", "GET", "/"), .port = 1 }),
		-ECONNREFUSED);
	struct http_client_request bad = { TO("127.0.0.1", "GET", "/a b") };
	assert_int_equal(http_client_start(my.client, &bad, &events, NULL, &call), -EINVAL);
	struct http_header h = { STR("X"), STR("a\r\nY: b") };
	bad = (struct http_client_request){ TO("127.0.0.1", "GET", "/"), .headers = &h,
		.headers_n = 1 };
	assert_int_equal(http_client_start(my.client, &bad, &events, NULL, &call), -EINVAL);
	/* Cancelled: no event follows. */
	struct http_client_request r = { TO("127.0.0.1", "GET", "/x"), .port = ntohs(rig.port) };
	my.done_n = 0;
	my.cancel_at_head = true;
	assert_int_equal(http_client_start(my.client, &r, &events, NULL, &call), 0);
	assert_int_equal(loop_run(my.loop), 0);
	assert_int_equal(my.done_n, 0);
	assert_int_equal(http_client_start(my.client, &r, &events, NULL, &call), 0);
	http_client_cancel(call);
	assert_int_equal(http_client_start(my.client, &r, &events, NULL, &call), 0);
	my_close();
	/* Without a pool names cannot be resolved. */
	my_open(NULL);
	http_client_free(my.client);
	assert_int_equal(http_client_new(&my.client, my.loop, NULL, NULL), 0);
	assert_int_equal(
		run((struct http_client_request){ TO("localhost", "GET", "/") }), -EHOSTUNREACH);
	my_close();
	rig_stop();
}

static struct {
	int fd;
	const char *reply;
} raw;

static void *
raw_server(void *arg)
{
	char got[4096];
	int fd = accept(raw.fd, NULL, NULL);
	(void)!read(fd, got, sizeof(got));
	(void)!write(fd, raw.reply, strlen(raw.reply));
	shutdown(fd, SHUT_WR);
	(void)!read(fd, got, sizeof(got));
	close(fd);
	return arg;
}

static int
run_raw(const char *reply)
{
	pthread_t thread;
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	raw.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	raw.reply = reply;
	assert_int_equal(bind(raw.fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(raw.fd, 1), 0);
	assert_int_equal(getsockname(raw.fd, (struct sockaddr *)&a, &len), 0);
	assert_int_equal(pthread_create(&thread, NULL, raw_server, NULL), 0);
	int r = run((struct http_client_request){
		TO("127.0.0.1", "GET", "/"), .port = ntohs(a.sin_port) });
	pthread_join(thread, NULL);
	close(raw.fd);
	return r;
}

TEST(client_understands_and_refuses)
{
	my_open(NULL);
	assert_int_equal(run_raw("HTTP/1.0 200 OK\r\n\r\nuntil the end"), 0);
	assert_str(buf_str(&my.body), "until the end");
	assert_int_equal(run_raw("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 \r\nContent-Length: "
				 "2\r\n\r\nabcd"),
		0);
	assert_str(buf_str(&my.body), "ab");
	static const char *const bad[] = {
		"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
		"HTTP/2.0 200 OK\r\n\r\n",
		"HTTP/1.1 20 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
		"HTTP/1.1 200 OK\r\nX : y\r\n\r\n",
		"HTTP/1.1 101 Switching Protocols\r\n\r\n",
		"rubbish\r\n\r\n",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (run_raw(bad[i]) != -EPROTO)
			fail_msg("%zu: %d", i, my.error);
	assert_int_equal(run_raw("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc"), -EPIPE);
	assert_int_equal(
		run_raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc"), -EPIPE);
	assert_int_equal(run_raw("HTTP/1.1 200"), -EPIPE);
	my_close();
}

TEST(client_tls)
{
	char dir[400], ca[500];
	snprintf(dir, sizeof(dir), "%s/tls", unit_tmpdir());
	struct tls_context *t = tls_context_new(dir);
	assert_int_equal(tls_ca_path(t, ca, sizeof(ca)), 0);
	http_limits_default(&rig.limits);
	rig.tls = t;
	rig_open();
	my_open(ca);
	assert_int_equal(run((struct http_client_request){
				 TO("127.0.0.1", "GET", "/big?500000"), .tls = HTTP_CLIENT_TLS }),
		0);
	assert_int_equal(my.body.len, 500000);
	assert_int_equal(run((struct http_client_request){ TO("localhost", "PUT", "/echo"),
				 .tls = HTTP_CLIENT_TLS, .body = STR("abc") }),
		0);
	assert_str(buf_str(&my.body), "abc");
	my_close();
	my_open(NULL);
	assert_int_equal(run((struct http_client_request){
				 TO("127.0.0.1", "GET", "/"), .tls = HTTP_CLIENT_TLS }),
		-EACCES);
	assert_int_equal(run((struct http_client_request){
				 TO("127.0.0.1", "GET", "/"), .tls = HTTP_CLIENT_TLS_UNVERIFIED }),
		0);
	assert_str(buf_str(&my.body), "hello");
	my_close();
	rig_stop();
	tls_context_free(t);
}
