#include "wire/http_rig.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

struct http_rig rig;

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

/* A piece a turn, although there is room for more. */
static void
turns_more(struct http_exchange *x, void *user)
{
	struct work *w = user;
	atomic_fetch_add(&rig.drained_n, 1);
	if (w->left-- == 0) {
		http_reply_end(x);
		return;
	}
	http_reply_write(x, STR("turn "));
	http_reply_yield(x);
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
serve_turns(struct http_exchange *x, struct work *w, struct str query)
{
	str_to_i64(query, &w->left);
	http_reply_begin(x, 200, NULL, 0, w->left * 5);
	http_reply_on_drained(x, turns_more);
	turns_more(x, w);
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
	} else if (str_is(r->path, "/turns")) {
		serve_turns(x, w, r->query);
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

void
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
	assert_int_equal(http_server_listen(rig.server, fd, rig.tls), 0);
	atomic_store(&rig.drained_n, 0);
	atomic_store(&rig.begun_n, 0);
	assert_int_equal(pthread_create(&rig.thread, NULL, rig_thread, NULL), 0);
}

void
rig_start(void)
{
	http_limits_default(&rig.limits);
	rig.tls = NULL;
	rig_open();
}

void
rig_halt(void)
{
	loop_stop(rig.loop);
	pthread_join(rig.thread, NULL);
}

void
rig_stop(void)
{
	rig_halt();
	http_server_free(rig.server);
	loop_free(rig.loop);
	close(rig.closed[0]);
	close(rig.closed[1]);
}

int
client(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = rig.port };
	struct timeval tv = { 5, 0 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	return fd;
}

void
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
struct buf
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
struct buf
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
struct buf
ask(struct str request)
{
	int fd = client();
	put(fd, request);
	shutdown(fd, SHUT_WR);
	struct buf b = get_all(fd);
	close(fd);
	return b;
}

int
count(const struct buf *b, const char *needle)
{
	int n = 0;
	for (const char *p = b->p;
		(p = memmem(p, b->len - (size_t)(p - b->p), needle, strlen(needle))); p++)
		n++;
	return n;
}
