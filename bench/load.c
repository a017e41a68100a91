/*
 * load: a keep-alive HTTP load generator for the benchmark. All requests are built (and signed)
 * before the clock starts and are sent again and again, so that the client costs little beside the
 * server that it measures on the same two cores.
 *
 *	load --port P [--connections 64] [--seconds 5] [--method GET] [--path /b/k] [--keys N]
 *	     [--body-bytes N] [--sign KEY:SECRET] [--service s3] [--header "Name: value"] [--expect 200]
 *	     [--random] [--once] [--body-file F] [--json]
 *
 * --keys N: N different requests; "%d" in --path or in the body is the number; --once: each of
 * them once, however long it takes, built when it is sent (to fill something: memory stays small).
 * When the time is over, what is under way is waited for and counts, with the time that it took:
 * of large bodies that is much. Prints requests a second, failures, latency percentiles in
 * microseconds and how much processor time a request cost on this side; building them before the
 * start is not counted.
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

#define HEADERS_MAX 24
#define LATENCY_BUCKETS 200000 /* microseconds */
#define GRACE_US 20000000

struct options {
	int port, connections_n, keys_n, expect;
	double seconds;
	const char *method, *path, *service, *key_id, *secret;
	struct buf body;
	long body_bytes;
	struct http_header headers[8];
	unsigned headers_n;
	bool random, json, once;
};

struct connection {
	int fd;
	size_t sent;
	struct str request;
	struct arena once; /* --once: where the request is built */
	char in[65536];
	size_t in_len;
	int64_t body_left; /* -1: in the head */
	bool close, chunked; /* says the reply */
	int status;
	uint64_t began_us;
};

static struct options opt = { .port = 4566,
	.connections_n = 64,
	.keys_n = 1,
	.expect = 200,
	.seconds = 5,
	.method = "GET",
	.path = "/",
	.service = "s3",
	.body_bytes = -1 };
static struct str *requests;
static uint64_t done_n, failed_n, bytes_in;
static uint32_t *latency;
static unsigned next_request;
static int busy_n; /* connections with a request under way */
static bool over;

static struct str
numbered(struct arena *a, const char *text, int n)
{
	struct str rest = str_c(text), all;
	struct buf b = { 0 };
	long at = str_find_str(rest, STR("%d"));
	if (at < 0)
		return rest;
	for (; at >= 0; at = str_find_str(rest, STR("%d"))) {
		buf_add_str(&b, str_slice(rest, 0, (size_t)at));
		buf_add_i64(&b, n);
		rest = str_slice(rest, (size_t)at + 2, rest.len);
	}
	buf_add_str(&b, rest);
	all = arena_dup(a, buf_str(&b));
	buf_done(&b);
	return all;
}

static void
build_request(struct arena *keep, int n, struct str *ret)
{
	struct arena a;
	struct buf out = { 0 }, body = { 0 };
	struct http_header h[HEADERS_MAX];
	unsigned hn = 0;
	char length[24];
	unsigned char hash[32];
	arena_init(&a);
	struct str target = numbered(&a, opt.path, n), query = target;
	struct str path = str_cut(&query, '?');
	buf_add_str(&body, opt.body.len ? numbered(&a, opt.body.p, n) : STR(""));
	while (opt.body_bytes >= 0 && body.len < (size_t)opt.body_bytes)
		buf_add_c(&body, (char)('a' + body.len % 26));
	h[hn++] = (struct http_header){ STR("host"), arena_printf(&a, "127.0.0.1:%d", opt.port) };
	for (unsigned i = 0; i < opt.headers_n; i++)
		h[hn++] = opt.headers[i];
	if (opt.key_id) {
		struct sigv4_request r = { str_c(opt.method), path, query.p ? query : STR(""), h,
			hn };
		struct sigv4_signed s;
		sha256(buf_str(&body), hash);
		bool s3 = strcmp(opt.service, "s3") == 0;
		struct sigv4_signer signer = { .access_key = str_c(opt.key_id),
			.secret = str_c(opt.secret),
			.token = STR_NULL,
			.region = STR("us-east-1"),
			.service = str_c(opt.service),
			.now_ms = clock_real_ms(),
			.payload = s3 ? SIGV4_PAYLOAD_HASH : SIGV4_PAYLOAD_BODY,
			.body_sha256 = hash,
			.s3 = s3 };
		sigv4_sign(&r, &signer, &a, &s);
		for (unsigned i = 0; i < s.headers_n; i++)
			h[hn++] = s.headers[i];
	}
	if (body.len || strcmp(opt.method, "GET") != 0) {
		snprintf(length, sizeof(length), "%zu", body.len);
		h[hn++] = (struct http_header){ STR("content-length"), str_c(length) };
	}
	buf_printf(&out, "%s %.*s HTTP/1.1\r\n", opt.method, STR_FMT(target));
	for (unsigned i = 0; i < hn; i++)
		buf_printf(&out, "%.*s: %.*s\r\n", STR_FMT(h[i].name), STR_FMT(h[i].value));
	buf_add_lit(&out, "\r\n");
	buf_add_str(&out, buf_str(&body));
	*ret = arena_dup(keep, buf_str(&out));
	buf_done(&out);
	buf_done(&body);
	arena_done(&a);
}

static void
die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
send_some(struct connection *c)
{
	struct str r = c->request;
	while (c->sent < r.len) {
		ssize_t n = send(c->fd, r.p + c->sent, r.len - c->sent, MSG_NOSIGNAL);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0)
			die("send");
		c->sent += (size_t)n;
	}
}

static unsigned
next_random(void)
{
	static uint64_t x = 88172645463325252ull;
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (unsigned)(x >> 32);
}

static int dial(void);
static int ep;

static void
watch(struct connection *c)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c };
	c->fd = dial();
	epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e);
}

static void
begin(struct connection *c)
{
	if (over || (opt.once && next_request == (unsigned)opt.keys_n)) {
		c->sent = c->request.len;
		busy_n--;
		return;
	}
	/* Some servers close after each reply. */
	if (c->close) {
		close(c->fd);
		watch(c);
	}
	c->close = c->chunked = false;
	if (opt.once) {
		arena_reset(&c->once);
		build_request(&c->once, (int)next_request++, &c->request);
	} else {
		unsigned n = opt.random ? next_random() : next_request++;
		c->request = requests[n % (unsigned)opt.keys_n];
	}
	c->sent = 0;
	c->in_len = 0;
	c->body_left = -1;
	c->began_us = clock_mono_us();
	send_some(c);
}

static void
finished(struct connection *c)
{
	uint64_t us = clock_mono_us() - c->began_us;
	done_n++;
	failed_n += c->status != opt.expect;
	latency[us < LATENCY_BUCKETS ? us : LATENCY_BUCKETS - 1]++;
	begin(c);
}

static int64_t
head_parse(struct connection *c, size_t head_len)
{
	struct str head = str_of(c->in, head_len), line;
	int64_t length = 0;
	c->status = (int)strtol(c->in + 9, NULL, 10);
	c->close = memcmp(c->in, "HTTP/1.0", 8) == 0;
	while (head.p && head.len) {
		line = str_cut(&head, '\n');
		struct str name = str_cut(&line, ':');
		if (str_eq_nocase(name, STR("content-length")))
			str_to_i64(str_trim(line), &length);
		if (str_eq_nocase(name, STR("connection")))
			c->close |= str_eq_nocase(str_trim(line), STR("close"));
		if (str_eq_nocase(name, STR("transfer-encoding"))) {
			c->chunked = true;
			length = INT32_MAX;
		}
	}
	return length;
}

static void
readable(struct connection *c)
{
	for (;;) {
		size_t room = sizeof(c->in) - c->in_len;
		ssize_t n = recv(c->fd, c->in + c->in_len, room, 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0)
			die("the server closed the connection");
		bytes_in += (uint64_t)n;
		if (c->body_left >= 0) {
			c->body_left -= n;
			if (c->chunked && n >= 5 && memcmp(c->in + n - 5, "0\r\n\r\n", 5) == 0)
				c->body_left = 0;
		} else {
			c->in_len += (size_t)n;
			char *end = memmem(c->in, c->in_len, "\r\n\r\n", 4);
			if (!end)
				continue;
			size_t head = (size_t)(end - c->in) + 4;
			c->body_left = head_parse(c, head) - (int64_t)(c->in_len - head);
			if (c->chunked && c->in_len - head >= 5 &&
				memcmp(c->in + c->in_len - 5, "0\r\n\r\n", 5) == 0)
				c->body_left = 0;
			c->in_len = 0;
		}
		if (c->body_left <= 0) {
			finished(c);
			return;
		}
	}
}

static int
dial(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)opt.port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)))
		die("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static uint64_t
percentile(double p)
{
	uint64_t want = (uint64_t)((double)done_n * p), seen = 0;
	for (unsigned i = 0; i < LATENCY_BUCKETS; i++)
		if ((seen += latency[i]) > want)
			return i;
	return LATENCY_BUCKETS;
}

static double
cpu_us(void)
{
	struct rusage r;
	getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1e6 +
	       (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

static void
tell(double took, double cpu)
{
	printf(opt.json ? "{\"rps\": %.2f, \"requests\": %llu, \"failed\": %llu, \"mib_per_s\": %.1f, \"p50_us\": %llu, "
			  "\"p99_us\": %llu, \"cpu_us\": %.2f}\n"
			: "%.0f requests/s, %llu requests, %llu failed, %.1f MiB/s, p50 %llu us, p99 %llu us, "
			  "%.2f us of CPU each\n",
		(double)done_n / took, (unsigned long long)done_n, (unsigned long long)failed_n,
		(double)bytes_in / took / 1048576, (unsigned long long)percentile(0.5),
		(unsigned long long)percentile(0.99), done_n ? cpu / (double)done_n : 0);
}

static void
run(void)
{
	struct connection *c = calloc((size_t)opt.connections_n, sizeof(*c));
	ep = epoll_create1(0);
	for (int i = 0; i < opt.connections_n; i++) {
		arena_init(&c[i].once);
		watch(&c[i]);
	}
	uint64_t began = clock_mono_us(), until = began + (uint64_t)(opt.seconds * 1e6);
	double cpu_began = cpu_us();
	busy_n = opt.connections_n;
	for (int i = 0; i < opt.connections_n; i++)
		begin(&c[i]);
	while (busy_n && (opt.once || clock_mono_us() < until + GRACE_US)) {
		over = !opt.once && clock_mono_us() >= until;
		struct epoll_event e[256];
		int n = epoll_wait(ep, e, 256, 100);
		for (int i = 0; i < n; i++) {
			struct connection *one = e[i].data.ptr;
			if (one->sent < one->request.len)
				send_some(one);
			readable(one);
		}
	}
	tell((double)(clock_mono_us() - began) / 1e6, cpu_us() - cpu_began);
	for (int i = 0; i < opt.connections_n; i++)
		arena_done(&c[i].once);
	free(c);
}

static void
read_body_file(const char *path)
{
	char tmp[65536];
	int fd = open(path, O_RDONLY);
	if (fd < 0)
		die(path);
	for (ssize_t n; (n = read(fd, tmp, sizeof(tmp))) > 0;)
		buf_add(&opt.body, tmp, (size_t)n);
	close(fd);
}

static long
number(const char *text)
{
	int64_t v;
	if (!str_to_i64(str_c(text), &v)) {
		fprintf(stderr, "load: \"%s\" is not a number\n", text);
		exit(2);
	}
	return (long)v;
}

static void
parse(int argc, char **argv)
{
	static const struct option longs[] = { { "port", 1, 0, 'p' }, { "connections", 1, 0, 'c' },
		{ "seconds", 1, 0, 's' }, { "method", 1, 0, 'm' }, { "path", 1, 0, 'u' },
		{ "keys", 1, 0, 'k' }, { "body-bytes", 1, 0, 'b' }, { "sign", 1, 0, 'S' },
		{ "service", 1, 0, 'v' }, { "header", 1, 0, 'H' }, { "expect", 1, 0, 'e' },
		{ "random", 0, 0, 'r' }, { "body-file", 1, 0, 'f' }, { "json", 0, 0, 'j' },
		{ "once", 0, 0, 'o' }, { 0, 0, 0, 0 } };
	for (int o; (o = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
		struct str rest = str_c(optarg);
		switch (o) {
		case 'p': opt.port = (int)number(optarg); break;
		case 'c': opt.connections_n = (int)number(optarg); break;
		case 's': opt.seconds = strtod(optarg, NULL); break;
		case 'm': opt.method = optarg; break;
		case 'u': opt.path = optarg; break;
		case 'k': opt.keys_n = (int)number(optarg); break;
		case 'b': opt.body_bytes = number(optarg); break;
		case 'S':
			opt.key_id = strndup(optarg, strcspn(optarg, ":"));
			opt.secret = strchr(optarg, ':') ? strchr(optarg, ':') + 1 : "";
			break;
		case 'v': opt.service = optarg; break;
		case 'H': {
			struct str name = str_cut(&rest, ':');
			if (opt.headers_n < 8)
				opt.headers[opt.headers_n++] =
					(struct http_header){ name, str_trim(rest) };
			break;
		}
		case 'e': opt.expect = (int)number(optarg); break;
		case 'r': opt.random = true; break;
		case 'f': read_body_file(optarg); break;
		case 'j': opt.json = true; break;
		case 'o': opt.once = true; break;
		default: exit(2);
		}
	}
}

int
main(int argc, char **argv)
{
	struct arena keep;
	arena_init(&keep);
	parse(argc, argv);
	latency = calloc(LATENCY_BUCKETS, sizeof(*latency));
	requests = calloc(opt.once ? 1 : (size_t)opt.keys_n, sizeof(*requests));
	for (int i = 0; i < opt.keys_n && !opt.once; i++)
		build_request(&keep, i, &requests[i]);
	run();
	return failed_n != 0;
}
