#include "wire/http_server.h"

#include "base/buf.h"
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A server on a thread of its own; the tests are blocking clients. */
static struct {
	struct loop *loop;
	struct http_server *server;
	struct http_limits limits;
	pthread_t thread;
	uint16_t port;
	int file;
	int closed[2]; /* a pipe: one byte for each `closed` */
	atomic_int drained_n, begun_n;
} rig;

struct work {
	struct buf body;
	int64_t left;
	struct loop_timer timer;
	struct http_exchange *x;
	int events;
};

static struct work *
work_of(struct http_exchange *x)
{
	struct work *w = arena_new(http_arena_of(x), struct work);
	w->x = x;
	return w;
}

static void
note_closed(struct http_exchange *x, void *user)
{
	struct work *w = user;
	buf_done(&w->body);
	loop_timer_cancel(http_loop_of(x), &w->timer);
	(void)!write(rig.closed[1], "x", 1);
}

static void
echo_event(struct http_exchange *x, void *user, enum http_body_event e, struct str data)
{
	struct work *w = user;
	unsigned n;
	if (e == HTTP_BODY_DATA) {
		buf_add_str(&w->body, data);
		return;
	}
	if (e == HTTP_BODY_ERROR) {
		http_reply_simple(x, 400, NULL, 0, data);
	} else {
		const struct http_header *trailers = http_body_trailers(x, &n);
		http_reply_simple(x, 200, trailers, n, buf_str(&w->body));
	}
	buf_done(&w->body);
}

static void
resume_fire(struct loop_timer *t)
{
	struct work *w = (struct work *)((char *)t - offsetof(struct work, timer));
	http_body_resume(w->x);
}

/* Pauses after each piece; no piece may come while it is paused. */
static void
pause_event(struct http_exchange *x, void *user, enum http_body_event e, struct str data)
{
	struct work *w = user;
	if (e == HTTP_BODY_DATA) {
		if (w->timer.heap_pos)
			abort();
		buf_add_str(&w->body, data);
		w->events++;
		http_body_pause(x);
		loop_timer_set(http_loop_of(x), &w->timer, 1);
		return;
	}
	echo_event(x, user, e, data);
}

/* Writes until the window is full, then goes on when it is drained. */
static void
big_more(struct http_exchange *x, void *user)
{
	static const char piece[8192] = { [0 ... 8191] = 'b' };
	struct work *w = user;
	atomic_fetch_add(&rig.drained_n, 1);
	while (w->left && http_reply_room(x)) {
		size_t n = w->left < (int64_t)sizeof(piece) ? (size_t)w->left : sizeof(piece);
		http_reply_write(x, str_of(piece, n));
		w->left -= (int64_t)n;
	}
	if (!w->left)
		http_reply_end(x);
}

static void
file_sent(struct http_exchange *x, void *user)
{
	(void)user;
	http_reply_write(x, STR("!"));
	http_reply_end(x);
}

static void
serve_file(struct http_exchange *x, struct str query)
{
	int64_t n = 0;
	str_to_i64(query, &n);
	http_reply_begin(x, 200, NULL, 0, n + 2);
	http_reply_write(x, STR("<"));
	http_reply_on_drained(x, file_sent);
	http_reply_file(x, rig.file, 1, n);
}

static void
later_fire(struct loop_timer *t)
{
	struct work *w = (struct work *)((char *)t - offsetof(struct work, timer));
	http_reply_simple(w->x, 200, NULL, 0, STR("later"));
}

static void
serve_stream(struct http_exchange *x, struct str query)
{
	http_reply_begin(x, 200, NULL, 0, -1);
	http_reply_write(x, STR("one"));
	http_reply_write(x, STR(""));
	http_reply_write(x, STR("sixteen bytes!!!"));
	if (str_is(query, "abort"))
		http_reply_abort(x);
	else
		http_reply_end(x);
}

static void
serve_big(struct http_exchange *x, struct work *w, struct str query)
{
	str_to_i64(query, &w->left);
	http_reply_begin(x, 200, NULL, 0, w->left);
	http_reply_on_drained(x, big_more);
	big_more(x, w);
}

static void
serve_simple(struct http_exchange *x, struct str query)
{
	const struct http_header h[] = { { STR("x-one"), STR("1") } };
	int64_t status = 200;
	if (query.p)
		str_to_i64(query, &status);
	http_reply_simple(x, (int)status, h, 1, STR("hello"));
}

static void
begin(struct http_exchange *x, void *arg)
{
	const struct http_request *r = http_request_of(x);
	struct work *w = work_of(x);
	(void)arg;
	atomic_fetch_add(&rig.begun_n, 1);
	http_set_user(x, w, note_closed);
	if (str_is(r->path, "/echo")) {
		http_body_read(x, echo_event);
	} else if (str_is(r->path, "/pause")) {
		w->timer.fire = resume_fire;
		http_body_read(x, pause_event);
	} else if (str_is(r->path, "/big")) {
		serve_big(x, w, r->query);
	} else if (str_is(r->path, "/file")) {
		serve_file(x, r->query);
	} else if (str_is(r->path, "/stream")) {
		serve_stream(x, r->query);
	} else if (str_is(r->path, "/later")) {
		w->timer.fire = later_fire;
		loop_timer_set(http_loop_of(x), &w->timer, 2);
	} else if (str_is(r->path, "/target")) {
		http_reply_simple(x, 200, NULL, 0,
			arena_printf(http_arena_of(x), "%.*s|%.*s|%.*s", STR_FMT(r->host),
				STR_FMT(r->path), STR_FMT(r->query)));
	} else if (!str_is(r->path, "/never")) {
		serve_simple(x, r->query);
	}
}

static void *
rig_thread(void *arg)
{
	loop_run(rig.loop);
	return arg;
}

static void
rig_open(void)
{
	struct http_handler h = { begin, NULL };
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 64), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	rig.port = a.sin_port;
	assert_int_equal(pipe2(rig.closed, O_CLOEXEC), 0);
	assert_int_equal(loop_new(&rig.loop), 0);
	assert_int_equal(http_server_new(&rig.server, rig.loop, &h, &rig.limits), 0);
	assert_int_equal(http_server_listen(rig.server, fd, NULL), 0);
	atomic_store(&rig.drained_n, 0);
	atomic_store(&rig.begun_n, 0);
	assert_int_equal(pthread_create(&rig.thread, NULL, rig_thread, NULL), 0);
}

static void
rig_start(void)
{
	http_limits_default(&rig.limits);
	rig_open();
}

static void
rig_stop(void)
{
	loop_stop(rig.loop);
	pthread_join(rig.thread, NULL);
	http_server_free(rig.server);
	loop_free(rig.loop);
	close(rig.closed[0]);
	close(rig.closed[1]);
}

static int
client(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = rig.port };
	struct timeval tv = { 5, 0 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	return fd;
}

static void
put(int fd, struct str s)
{
	while (s.len) {
		ssize_t n = send(fd, s.p, s.len, MSG_NOSIGNAL);
		if (n <= 0)
			return;
		s = str_slice(s, (size_t)n, s.len);
	}
}

/* All until the end of the connection; the buffer is the caller's to free. */
static struct buf
get_all(int fd)
{
	struct buf b = { 0 };
	ssize_t n;
	while ((n = recv(fd, buf_reserve(&b, 65536), 65536, 0)) > 0)
		b.len += (size_t)n;
	buf_add(&b, "", 0);
	return b;
}

/* Until `end` stands at the end. */
static struct buf
get_until(int fd, struct str end)
{
	struct buf b = { 0 };
	ssize_t n = 1;
	while (!str_ends(buf_str(&b), end) && (n = recv(fd, buf_reserve(&b, 65536), 65536, 0)) > 0)
		b.len += (size_t)n;
	assert_true(n > 0);
	return b;
}

/* Sends, half-closes, and compares the status lines and the whole text's tail. */
static struct buf
ask(struct str request)
{
	int fd = client();
	put(fd, request);
	shutdown(fd, SHUT_WR);
	struct buf b = get_all(fd);
	close(fd);
	return b;
}

static int
count(const struct buf *b, const char *needle)
{
	int n = 0;
	for (const char *p = b->p; (p = memmem(p, b->len - (size_t)(p - b->p), needle, strlen(needle))); p++)
		n++;
	return n;
}

#define assert_has(b, text) \
	do { \
		if (!count(&(b), (text))) { \
			print_error("no \"%s\" in:\n%s\n", (text), (b).p); \
			fail(); \
		} \
	} while (0)

#define H "Host: a\r\n"

TEST(simple_reply_and_half_close)
{
	rig_start();
	struct buf b = ask(STR("GET /x HTTP/1.1\r\n" H "\r\n"));
	assert_true(str_starts(buf_str(&b), STR("HTTP/1.1 200 OK\r\nx-one: 1\r\nDate: ")));
	assert_true(str_ends(buf_str(&b), STR(" GMT\r\nContent-Length: 5\r\n\r\nhello")));
	buf_done(&b);
	b = ask(STR("GET /later HTTP/1.1\r\n" H "\r\n"));
	assert_true(str_ends(buf_str(&b), STR("\r\n\r\nlater")));
	buf_done(&b);
	rig_stop();
}

TEST(pipelined_in_order)
{
	rig_start();
	struct buf b = ask(STR("GET /later HTTP/1.1\r\n" H "\r\n"
			       "POST /echo HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc"
			       "\r\nGET /stream HTTP/1.1\r\n" H "\r\n"
			       "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"
			       "3;x=y\r\ndef\r\n0\r\nX-T: 7\r\n\r\n"
			       "GET / HTTP/1.1\r\n" H "Connection: close\r\n\r\n"
			       "GET /ignored HTTP/1.1\r\n" H "\r\n"));
	assert_int_equal(count(&b, "HTTP/1.1 200 OK"), 5);
	const char *order[] = { "later", "abc", "10\r\nsixteen bytes!!!\r\n0\r\n\r\n", "X-T: 7", "def",
		"Connection: close", "hello" };
	const char *p = b.p;
	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
		p = strstr(p, order[i]);
		assert_non_null(p);
	}
	buf_done(&b);
	rig_stop();
}

TEST(many_pipelined_and_byte_by_byte)
{
	struct buf in = { 0 };
	rig_start();
	for (int i = 0; i < 2000; i++)
		buf_add_lit(&in, "GET / HTTP/1.1\r\n" H "\r\n");
	struct buf b = ask(buf_str(&in));
	assert_int_equal(count(&b, "\r\n\r\nhello"), 2000);
	buf_done(&b);
	int fd = client();
	struct str one = STR("POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
	for (size_t i = 0; i < one.len; i++)
		put(fd, str_slice(one, i, i + 1));
	b = get_until(fd, STR("abc"));
	close(fd);
	buf_done(&b);
	buf_done(&in);
	rig_stop();
}

TEST(head_and_bodiless_statuses)
{
	rig_start();
	struct buf b = ask(STR("HEAD / HTTP/1.1\r\n" H "\r\nHEAD /stream HTTP/1.1\r\n" H "\r\n"
			       "HEAD /file?5 HTTP/1.1\r\n" H "\r\nGET /?204 HTTP/1.1\r\n" H "\r\n"
			       "GET /?304 HTTP/1.1\r\n" H "\r\nGET /?599 HTTP/1.1\r\n" H "\r\n"));
	assert_int_equal(count(&b, "HTTP/1.1 "), 6);
	assert_int_equal(count(&b, "Content-Length: 5"), 2);
	assert_int_equal(count(&b, "Content-Length: 7"), 1);
	assert_int_equal(count(&b, "hello"), 1);
	assert_int_equal(count(&b, "sixteen"), 0);
	assert_has(b, "HTTP/1.1 599 Unknown\r\n");
	buf_done(&b);
	rig_stop();
}

TEST(http10)
{
	rig_start();
	struct buf b = ask(STR("GET /stream HTTP/1.0\r\n\r\nGET / HTTP/1.0\r\n\r\n"));
	assert_true(str_ends(buf_str(&b), STR("Connection: close\r\n\r\nonesixteen bytes!!!")));
	buf_done(&b);
	b = ask(STR("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\nGET / HTTP/1.0\r\n\r\n"));
	assert_int_equal(count(&b, "hello"), 2);
	assert_int_equal(count(&b, "Connection: keep-alive"), 1);
	buf_done(&b);
	rig_stop();
}

TEST(targets)
{
	rig_start();
	struct buf b = ask(STR("GET http://Ab.c:80?x=1 HTTP/1.1\r\nHost: ab.c:80\r\n\r\n"
			       "GET /target?a=%20?b HTTP/1.1\r\nHost: [::1]:4566\r\n\r\n"
			       "GET https://h/target? HTTP/1.1\r\nHost: h\r\n\r\n"
			       "OPTIONS * HTTP/1.1\r\n" H "\r\n"));
	assert_has(b, "[::1]:4566|/target|a=%20?b");
	assert_has(b, "h|/target|");
	assert_int_equal(count(&b, "200 OK"), 4);
	buf_done(&b);
	rig_stop();
}

TEST(continue_only_when_the_body_is_read)
{
	rig_start();
	int fd = client();
	put(fd, STR("PUT /echo HTTP/1.1\r\n" H "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n"));
	struct buf b = get_until(fd, STR("HTTP/1.1 100 Continue\r\n\r\n"));
	buf_done(&b);
	put(fd, STR("abc"));
	b = get_until(fd, STR("abc"));
	assert_has(b, "200 OK");
	assert_int_equal(count(&b, "Connection: close"), 0);
	buf_done(&b);
	put(fd, STR("PUT /x HTTP/1.1\r\n" H "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n"));
	b = get_until(fd, STR("hello"));
	assert_int_equal(count(&b, "100 Continue"), 0);
	assert_has(b, "Connection: close");
	buf_done(&b);
	close(fd);
	rig_stop();
}

TEST(unread_bodies)
{
	struct buf in = { 0 };
	rig_start();
	struct buf b = ask(STR("PUT /x HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\n" H "\r\n"
			       "PUT /x HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"
			       "GET / HTTP/1.1\r\n" H "\r\n"));
	assert_int_equal(count(&b, "hello"), 4);
	buf_done(&b);
	/* A large one: the reply must arrive although the client is still sending. */
	buf_add_lit(&in, "PUT /x HTTP/1.1\r\n" H "Content-Length: 9000000\r\n\r\n");
	memset(buf_reserve(&in, 9000000), 'x', 9000000);
	in.len += 9000000;
	b = ask(buf_str(&in));
	assert_int_equal(count(&b, "hello"), 1);
	assert_has(b, "Connection: close");
	buf_done(&b);
	buf_done(&in);
	rig_stop();
}

TEST(large_bodies_both_ways)
{
	struct buf in = { 0 };
	rig_start();
	size_t n = 3000000;
	buf_add_lit(&in, "PUT /echo HTTP/1.1\r\n" H "Content-Length: 3000000\r\n\r\n");
	char *p = buf_reserve(&in, n);
	for (size_t i = 0; i < n; i++)
		p[i] = (char)('a' + i % 23);
	in.len += n;
	struct buf b = ask(buf_str(&in));
	assert_true(b.len > n);
	assert_memory_equal(b.p + b.len - n, in.p + in.len - n, n);
	buf_done(&b);
	buf_done(&in);
	buf_add_lit(&in, "PUT /pause HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < 40; i++)
		buf_printf(&in, "%x\r\n%0*d\r\n", 1000 + i, 1000 + i, i);
	buf_add_lit(&in, "0\r\n\r\n");
	b = ask(buf_str(&in));
	assert_has(b, "Content-Length: 40780\r\n");
	buf_done(&b);
	buf_done(&in);
	rig_stop();
}

TEST(slow_reader_is_windowed)
{
	rig_start();
	int fd = client();
	put(fd, STR("GET /big?20000000 HTTP/1.1\r\n" H "Connection: close\r\n\r\n"));
	struct buf b = get_all(fd);
	assert_has(b, "Content-Length: 20000000");
	assert_true(b.len > 20000000 && b.len < 20001000);
	assert_true(atomic_load(&rig.drained_n) > 10);
	buf_done(&b);
	close(fd);
	rig_stop();
}

TEST(files)
{
	char path[400];
	enum { SIZE = 3000000 };
	char *content = malloc(SIZE);
	for (size_t i = 0; i < SIZE; i++)
		content[i] = (char)('a' + i % 19);
	snprintf(path, sizeof(path), "%s/f", unit_tmpdir());
	rig.file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write(rig.file, content, SIZE), SIZE);
	rig_start();
	struct buf b = ask(STR("GET /file?2900000 HTTP/1.1\r\n" H "\r\nGET /file?0 HTTP/1.1\r\n" H "\r\n"
			       "GET /file?10 HTTP/1.1\r\n" H "\r\n"));
	char *p = strstr(b.p, "\r\n\r\n<");
	assert_non_null(p);
	assert_memory_equal(p + 5, content + 1, 2900000);
	assert_int_equal(p[5 + 2900000], '!');
	assert_has(b, "\r\n\r\n<!HTTP/1.1 200");
	assert_has(b, "\r\n\r\n<bcdefghijk!");
	buf_done(&b);
	/* Shorter than promised: cut, and the handler told. */
	b = ask(STR("GET /file?9000000 HTTP/1.1\r\n" H "\r\n"));
	char one;
	assert_int_equal(read(rig.closed[0], &one, 1), 1);
	assert_true(b.len < 9000000);
	buf_done(&b);
	rig_stop();
	close(rig.file);
	free(content);
}

TEST(closed_runs_once_when_the_client_is_lost)
{
	struct linger hard = { .l_onoff = 1 };
	char got[8];
	rig_start();
	int fd = client();
	put(fd, STR("GET /never HTTP/1.1\r\n" H "\r\n"));
	while (atomic_load(&rig.begun_n) == 0)
		sched_yield();
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(fd);
	assert_int_equal(read(rig.closed[0], got, sizeof(got)), 1);
	/* One that is still running when the server is freed. */
	fd = client();
	put(fd, STR("GET /never HTTP/1.1\r\n" H "\r\n"));
	while (atomic_load(&rig.begun_n) == 1)
		sched_yield();
	loop_stop(rig.loop);
	pthread_join(rig.thread, NULL);
	http_server_free(rig.server);
	loop_free(rig.loop);
	assert_int_equal(read(rig.closed[0], got, sizeof(got)), 1);
	close(fd);
	close(rig.closed[0]);
	close(rig.closed[1]);
}

TEST(abort_cuts)
{
	rig_start();
	struct buf b = ask(STR("GET /stream?abort HTTP/1.1\r\n" H "\r\n"));
	assert_int_equal(count(&b, "0\r\n\r\n"), 0);
	buf_done(&b);
	rig_stop();
}

TEST(broken_bodies_are_told)
{
	rig_start();
	struct buf b = ask(STR("PUT /echo HTTP/1.1\r\n" H "Content-Length: 30\r\n\r\nabc"));
	assert_has(b, "400 Bad Request");
	assert_has(b, "cut off");
	buf_done(&b);
	b = ask(STR("PUT /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n"
		    "GET / HTTP/1.1\r\n" H "\r\n"));
	assert_has(b, "malformed");
	assert_int_equal(count(&b, "hello"), 0);
	buf_done(&b);
	rig_stop();
}
