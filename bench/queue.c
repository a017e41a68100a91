/*
 * queue: the benchmark's SQS client, in JSON over keep-alive connections, signed.
 *
 *	queue --port P --sign KEY:SECRET --queue PATH rounds [--connections 64] [--seconds 5] [--dummy]
 *	queue --port P --sign KEY:SECRET --queue PATH polls  [--connections 10000] [--messages 200]
 *
 * rounds: each connection sends a message, receives one and deletes it, again and again. Prints
 * rounds a second. polls: parks a long poll on each connection, prints "parked", waits for a line
 * on standard input, then sends messages one after the other; prints how long each took to reach
 * the receiver that got it.
 * --dummy: one signature for all requests, for servers that check none.
 */
#include "aws/sigv4.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/digest.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum step { SEND, RECEIVE, DELETE };

struct connection {
	int fd;
	enum step step;
	struct buf out, in;
	size_t sent;
};

static struct {
	int port, connections_n, messages_n;
	double seconds;
	const char *queue, *key_id, *secret;
	bool dummy;
} opt = { .port = 4566,
	.connections_n = 64,
	.messages_n = 200,
	.seconds = 5,
	.queue = "/000000000000/bench" };
static uint64_t rounds_n, empty_n, failed_n;
static int ep;

static void
die(const char *what)
{
	fprintf(stderr, "queue: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
request_build(struct buf *out, const char *op, struct str body)
{
	struct arena a;
	unsigned char hash[32];
	struct http_header h[16];
	unsigned n = 0;
	arena_init(&a);
	h[n++] = (struct http_header){ STR("host"), arena_printf(&a, "127.0.0.1:%d", opt.port) };
	h[n++] = (struct http_header){ STR("content-type"), STR("application/x-amz-json-1.0") };
	h[n++] = (struct http_header){ STR("x-amz-target"), arena_printf(&a, "AmazonSQS.%s", op) };
	struct sigv4_request r = { STR("POST"), STR("/"), STR(""), h, n };
	if (opt.dummy) {
		h[n++] = (struct http_header){ STR("authorization"),
			arena_printf(&a,
				"AWS4-HMAC-SHA256 "
				"Credential=%s/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=%064d",
				opt.key_id, 0) };
	} else {
		struct sigv4_signed s;
		sha256(body, hash);
		struct sigv4_signer signer = { .access_key = str_c(opt.key_id),
			.secret = str_c(opt.secret),
			.token = STR_NULL,
			.region = STR("us-east-1"),
			.service = STR("sqs"),
			.now_ms = clock_real_ms(),
			.payload = SIGV4_PAYLOAD_BODY,
			.body_sha256 = hash };
		sigv4_sign(&r, &signer, &a, &s);
		for (unsigned i = 0; i < s.headers_n; i++)
			h[n++] = s.headers[i];
	}
	buf_clear(out);
	buf_add_lit(out, "POST / HTTP/1.1\r\n");
	for (unsigned i = 0; i < n; i++)
		buf_printf(out, "%.*s: %.*s\r\n", STR_FMT(h[i].name), STR_FMT(h[i].value));
	buf_printf(out, "content-length: %zu\r\n\r\n%.*s", body.len, STR_FMT(body));
	arena_done(&a);
}

static int
dial(bool block)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)opt.port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)))
		die("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (!block)
		fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static void
flush(struct connection *c)
{
	while (c->sent < c->out.len) {
		ssize_t n = send(c->fd, c->out.p + c->sent, c->out.len - c->sent, MSG_NOSIGNAL);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0)
			die("send");
		c->sent += (size_t)n;
	}
}

/* The whole reply's body, when it is there. */
static bool
reply_whole(struct connection *c, int *ret_status, struct str *ret_body)
{
	struct str in = buf_str(&c->in);
	long end = str_find_str(in, STR("\r\n\r\n"));
	if (end < 0)
		return false;
	struct str head = str_slice(in, 0, (size_t)end);
	int64_t length = 0;
	*ret_status = (int)strtol(in.p + 9, NULL, 10);
	while (head.p) {
		struct str line = str_cut(&head, '\n'), name = str_cut(&line, ':');
		if (str_eq_nocase(name, STR("content-length")))
			str_to_i64(str_trim(line), &length);
	}
	*ret_body = str_slice(in, (size_t)end + 4, in.len);
	return ret_body->len >= (size_t)length;
}

static bool
fill(struct connection *c, int *ret_status, struct str *ret_body)
{
	for (;;) {
		char tmp[16384];
		ssize_t n = recv(c->fd, tmp, sizeof(tmp), 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return false;
		if (n <= 0)
			die("the server closed the connection");
		buf_add(&c->in, tmp, (size_t)n);
		if (reply_whole(c, ret_status, ret_body))
			return true;
	}
}

static void
begin(struct connection *c, enum step step, struct str receipt)
{
	static const char *const names[] = { "SendMessage", "ReceiveMessage", "DeleteMessage" };
	struct buf body = { 0 };
	buf_printf(&body, "{\"QueueUrl\":\"http://127.0.0.1:%d%s\"", opt.port, opt.queue);
	if (step == SEND)
		buf_printf(&body, ",\"MessageBody\":\"%0100d\"}", 7);
	else if (step == RECEIVE)
		buf_add_lit(&body, ",\"MaxNumberOfMessages\":1,\"WaitTimeSeconds\":20}");
	else
		buf_printf(&body, ",\"ReceiptHandle\":\"%.*s\"}", STR_FMT(receipt));
	request_build(&c->out, names[step], buf_str(&body));
	buf_done(&body);
	c->step = step;
	c->sent = 0;
	buf_clear(&c->in);
	flush(c);
}

static void
advance(struct connection *c, int status, struct str body)
{
	struct arena a;
	failed_n += status != 200;
	if (c->step != RECEIVE) {
		rounds_n += c->step == DELETE;
		begin(c, c->step == SEND ? RECEIVE : SEND, STR_NULL);
		return;
	}
	long at = str_find_str(body, STR("\"ReceiptHandle\""));
	if (at < 0) {
		empty_n++;
		begin(c, SEND, STR_NULL);
		return;
	}
	struct str rest = str_slice(body, (size_t)at + 15, body.len);
	str_cut(&rest, '"');
	arena_init(&a);
	begin(c, DELETE, arena_dup(&a, str_cut(&rest, '"')));
	arena_done(&a);
}

static struct connection *
connections_open(void)
{
	struct connection *c = calloc((size_t)opt.connections_n, sizeof(*c));
	ep = epoll_create1(0);
	for (int i = 0; i < opt.connections_n; i++) {
		struct epoll_event e = { .events = EPOLLIN, .data.ptr = &c[i] };
		c[i].fd = dial(false);
		epoll_ctl(ep, EPOLL_CTL_ADD, c[i].fd, &e);
	}
	return c;
}

static void
rounds(void)
{
	struct connection *c = connections_open();
	uint64_t began = clock_mono_us(), until = began + (uint64_t)(opt.seconds * 1e6);
	for (int i = 0; i < opt.connections_n; i++)
		begin(&c[i], SEND, STR_NULL);
	while (clock_mono_us() < until) {
		struct epoll_event e[256];
		int n = epoll_wait(ep, e, 256, 100), status;
		struct str body;
		for (int i = 0; i < n; i++) {
			flush(e[i].data.ptr);
			if (fill(e[i].data.ptr, &status, &body))
				advance(e[i].data.ptr, status, body);
		}
	}
	double took = (double)(clock_mono_us() - began) / 1e6;
	printf("{\"rps\": %.0f, \"failed\": %llu, \"empty\": %llu}\n", (double)rounds_n / took,
		(unsigned long long)failed_n, (unsigned long long)empty_n);
}

static int
by_value(const void *x, const void *y)
{
	uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;
	return a < b ? -1 : a > b;
}

/* How long until a parked receiver has it. */
static uint64_t
wake_one(struct connection *sender)
{
	struct epoll_event e[16];
	struct str body;
	int status;
	uint64_t began = clock_mono_us();
	begin(sender, SEND, STR_NULL);
	for (;;) {
		int n = epoll_wait(ep, e, 16, 10000);
		if (n <= 0)
			die("no receiver woke");
		for (int i = 0; i < n; i++) {
			struct connection *c = e[i].data.ptr;
			if (!fill(c, &status, &body))
				continue;
			uint64_t us = clock_mono_us() - began;
			if (status != 200 || str_find_str(body, STR("ReceiptHandle")) < 0)
				die("a receiver woke for nothing");
			buf_clear(&c->in);
			while (!fill(sender, &status, &body))
				;
			return us;
		}
	}
}

static void
polls(void)
{
	struct connection *c = connections_open(), sender = { .fd = dial(true) };
	uint64_t *us = calloc((size_t)opt.messages_n, sizeof(*us));
	for (int i = 0; i < opt.connections_n; i++) {
		begin(&c[i], RECEIVE, STR_NULL);
		/* No more requests on the way than the listener's queue holds. */
		if (i % 50 == 49)
			usleep(2000);
		buf_done(&c[i].out);
	}
	puts("parked");
	fflush(stdout);
	if (getchar() == EOF)
		return;
	for (int i = 0; i < opt.messages_n; i++)
		us[i] = wake_one(&sender);
	qsort(us, (size_t)opt.messages_n, sizeof(*us), by_value);
	printf("{\"p50_us\": %llu, \"p99_us\": %llu}\n", (unsigned long long)us[opt.messages_n / 2],
		(unsigned long long)us[opt.messages_n * 99 / 100]);
}

static long
number(const char *text)
{
	int64_t v;
	if (!str_to_i64(str_c(text), &v))
		die(text);
	return (long)v;
}

int
main(int argc, char **argv)
{
	static const struct option longs[] = { { "port", 1, 0, 'p' }, { "connections", 1, 0, 'c' },
		{ "seconds", 1, 0, 's' }, { "messages", 1, 0, 'm' }, { "queue", 1, 0, 'q' },
		{ "sign", 1, 0, 'S' }, { "dummy", 0, 0, 'd' }, { 0, 0, 0, 0 } };
	struct rlimit files = { 65536, 65536 };
	setrlimit(RLIMIT_NOFILE, &files);
	for (int o; (o = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
		switch (o) {
		case 'p': opt.port = (int)number(optarg); break;
		case 'c': opt.connections_n = (int)number(optarg); break;
		case 's': opt.seconds = strtod(optarg, NULL); break;
		case 'm': opt.messages_n = (int)number(optarg); break;
		case 'q': opt.queue = optarg; break;
		case 'd': opt.dummy = true; break;
		case 'S':
			opt.key_id = strndup(optarg, strcspn(optarg, ":"));
			opt.secret = strchr(optarg, ':') ? strchr(optarg, ':') + 1 : "";
			break;
		default: exit(2);
		}
	}
	if (optind < argc && strcmp(argv[optind], "polls") == 0)
		polls();
	else
		rounds();
	return failed_n != 0;
}
