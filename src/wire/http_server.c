#include "wire/http_conn.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define ACCEPT_BATCH 64
#define ACCEPT_PAUSE_MS 50
#define SPARE_EXCHANGES 256
#define SPARE_ARENA_BYTES 16384
#define LINGER_MS 2000
#define TIMER_STEP_MS 5 /* timeouts may come late by this */

void
http_limits_default(struct http_limits *l)
{
	*l = (struct http_limits){
		.head_bytes = 64 << 10,
		.headers_n = 200,
		.target_bytes = 16 << 10,
		.head_timeout_ms = 20000,
		.idle_timeout_ms = 75000,
		.body_stall_ms = 30000,
		.body_window_bytes = 256 << 10,
		.connections_n = 20000,
		.memory_bytes = 256 << 20,
	};
}

/* ---- exchanges ---- */

struct http_exchange *
http_exchange_take(struct http_server *s)
{
	struct http_exchange *x = s->exchanges;
	s->stats.memory_bytes += sizeof(*x);
	if (!x) {
		x = calloc(1, sizeof(*x));
		if (!x)
			abort();
		arena_init(&x->arena);
		return x;
	}
	s->exchanges = x->next;
	s->exchanges_n--;
	return x;
}

static void
exchange_free(struct http_exchange *x)
{
	arena_done(&x->arena);
	http_chunk_done(&x->chunk);
	free(x);
}

void
http_exchange_give(struct http_server *s, struct http_exchange *x)
{
	s->stats.memory_bytes -= sizeof(*x);
	if (s->exchanges_n == SPARE_EXCHANGES) {
		exchange_free(x);
		return;
	}
	arena_reset(&x->arena);
	if (x->arena.total_bytes > SPARE_ARENA_BYTES)
		arena_done(&x->arena);
	http_chunk_reset(&x->chunk);
	struct http_exchange fresh = { .arena = x->arena, .chunk = x->chunk, .next = s->exchanges };
	*x = fresh;
	s->exchanges = x;
	s->exchanges_n++;
}

/* ---- timeouts: a list for each duration, so the oldest is always first ---- */

static void
timeout_unlink(struct http_conn *c)
{
	struct http_server *s = c->s;
	if (c->timeout_prev)
		c->timeout_prev->timeout_next = c->timeout_next;
	else
		s->timeouts[c->timeout].first = c->timeout_next;
	if (c->timeout_next)
		c->timeout_next->timeout_prev = c->timeout_prev;
	else
		s->timeouts[c->timeout].last = c->timeout_prev;
	c->timeout = HTTP_TIMEOUT_NONE;
}

void
http_timeout_set(struct http_conn *c, enum http_timeout t)
{
	struct http_server *s = c->s;
	if (c->timeout)
		timeout_unlink(c);
	if (!t)
		return;
	c->timeout = (uint8_t)t;
	c->deadline_ms = loop_now_ms(s->loop) + s->timeouts[t].ms;
	c->timeout_next = NULL;
	c->timeout_prev = s->timeouts[t].last;
	if (c->timeout_prev)
		c->timeout_prev->timeout_next = c;
	else
		s->timeouts[t].first = c;
	s->timeouts[t].last = c;
	if (!s->timer.heap_pos || s->timer.at_ms > c->deadline_ms)
		loop_timer_set(s->loop, &s->timer, s->timeouts[t].ms);
}

static void
timers_fire(struct loop_timer *timer)
{
	struct http_server *s =
		(struct http_server *)((char *)timer - offsetof(struct http_server, timer));
	uint64_t now = loop_now_ms(s->loop), next = UINT64_MAX;
	for (int t = HTTP_TIMEOUT_IDLE; t < HTTP_TIMEOUTS_N; t++) {
		struct http_conn *c;
		while ((c = s->timeouts[t].first) && c->deadline_ms <= now)
			http_conn_timed_out(c);
	}
	for (int t = HTTP_TIMEOUT_IDLE; t < HTTP_TIMEOUTS_N; t++) {
		struct http_conn *c = s->timeouts[t].first;
		if (c && c->deadline_ms < next)
			next = c->deadline_ms;
	}
	if (next != UINT64_MAX) {
		uint64_t delay_ms = next > now ? next - now : 0;
		loop_timer_set(s->loop, timer, delay_ms < TIMER_STEP_MS ? TIMER_STEP_MS : delay_ms);
	}
}

/* ---- runs that were asked for ---- */

static void
later_run(struct loop_job *job)
{
	struct http_server *s =
		(struct http_server *)((char *)job - offsetof(struct http_server, later_job));
	struct http_conn *c = s->later;
	s->later = NULL;
	s->later_last = &s->later;
	s->later_posted = false;
	while (c) {
		struct http_conn *next = c->later_next;
		c->in_later = false;
		http_conn_run(c);
		c = next;
	}
}

/* ---- accepting ---- */

static void
refuse_full(struct http_server *s, int fd)
{
	static const char reply[] = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n"
				    "Content-Length: 0\r\n\r\n";
	s->stats.refused_total++;
	(void)!send(fd, reply, sizeof(reply) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
}

static void
listener_arm(struct http_listener *l, uint32_t events)
{
	l->io.events = events;
	loop_rearm(l->s->loop, &l->io);
}

static void
listener_resume(struct loop_timer *t)
{
	struct http_listener *l =
		(struct http_listener *)((char *)t - offsetof(struct http_listener, pause));
	listener_arm(l, EPOLLIN);
}

static void
listener_ready(struct loop_io *io, uint32_t events)
{
	struct http_listener *l = (struct http_listener *)io;
	struct http_server *s = l->s;
	(void)events;
	for (int i = 0; i < ACCEPT_BATCH; i++) {
		struct sockaddr_storage peer = { 0 };
		socklen_t len = sizeof(peer);
		int fd = accept4(
			io->fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
				      errno == ENOBUFS)) {
			listener_arm(l, 0);
			loop_timer_set(s->loop, &l->pause, ACCEPT_PAUSE_MS);
			return;
		}
		if (fd < 0 && errno == EAGAIN)
			return;
		if (fd < 0)
			continue;
		if (s->stats.connections_open >= s->limits.connections_n)
			refuse_full(s, fd);
		else
			http_conn_open(s, fd, &peer, l->tls);
	}
}

static void
listener_close(struct http_listener *l)
{
	loop_unwatch(l->s->loop, &l->io);
	loop_timer_cancel(l->s->loop, &l->pause);
	close(l->io.fd);
	free(l);
}

static void
listeners_close(struct http_server *s)
{
	while (s->listeners) {
		struct http_listener *next = s->listeners->next;
		listener_close(s->listeners);
		s->listeners = next;
	}
}

int
http_server_listen(struct http_server *s, int listen_fd, struct tls_context *tls)
{
	struct http_listener *l = calloc(1, sizeof(*l));
	int one = 1;
	if (!l)
		return -ENOMEM;
	/* Accepted sockets inherit it; other families refuse it. */
	setsockopt(listen_fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	l->io = (struct loop_io){ .fd = listen_fd, .events = EPOLLIN, .ready = listener_ready };
	l->pause.fire = listener_resume;
	l->s = s;
	l->tls = tls;
	int r = loop_watch(s->loop, &l->io);
	if (r) {
		free(l);
		return r;
	}
	l->next = s->listeners;
	s->listeners = l;
	return 0;
}

void
http_server_unlisten(struct http_server *s, int listen_fd)
{
	for (struct http_listener **at = &s->listeners; *at; at = &(*at)->next) {
		struct http_listener *l = *at;
		if (l->io.fd != listen_fd)
			continue;
		*at = l->next;
		loop_timer_cancel(s->loop, &l->pause);
		loop_unwatch(s->loop, &l->io);
		close(l->io.fd);
		free(l);
		return;
	}
}

void
http_set_hops(struct http_exchange *x, int hops)
{
	setsockopt(x->c->io.fd, IPPROTO_IP, IP_TTL, &hops, sizeof(hops));
}

/* ---- the end ---- */

static void
tell_stopped(struct loop_job *job)
{
	struct http_server *s =
		(struct http_server *)((char *)job - offsetof(struct http_server, stopped_job));
	if (s->stopped)
		s->stopped(s->stopped_arg);
}

void
http_server_conn_gone(struct http_server *s)
{
	if (!s->draining || s->conns || s->stopped_job.run)
		return;
	loop_timer_cancel(s->loop, &s->grace);
	s->stopped_job.run = tell_stopped;
	loop_post(s->loop, &s->stopped_job);
}

static void
lose_all(struct http_server *s, bool idle_only)
{
	for (struct http_conn *c = s->conns; c; c = c->next)
		if (!idle_only || http_conn_is_idle(c))
			http_conn_lose(c);
}

static void
grace_over(struct loop_timer *t)
{
	lose_all((struct http_server *)((char *)t - offsetof(struct http_server, grace)), false);
}

void
http_server_drain(struct http_server *s, uint32_t grace_ms, void (*stopped)(void *arg), void *arg)
{
	s->stopped = stopped;
	s->stopped_arg = arg;
	s->draining = true;
	listeners_close(s);
	lose_all(s, true);
	for (struct http_conn *c = s->conns; c; c = c->next)
		if (c->x)
			c->close_after = true;
	loop_timer_set(s->loop, &s->grace, grace_ms);
	http_server_conn_gone(s);
}

int
http_server_new(struct http_server **ret_server, struct loop *l, const struct http_handler *h,
	const struct http_limits *limits)
{
	struct http_server *s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	signal(SIGPIPE, SIG_IGN); /* sendfile and TLS have no flag against it */
	s->loop = l;
	s->handler = *h;
	if (limits)
		s->limits = *limits;
	else
		http_limits_default(&s->limits);
	s->timeouts[HTTP_TIMEOUT_IDLE].ms = s->limits.idle_timeout_ms;
	s->timeouts[HTTP_TIMEOUT_HEAD].ms = s->limits.head_timeout_ms;
	s->timeouts[HTTP_TIMEOUT_STALL].ms = s->limits.body_stall_ms;
	s->timeouts[HTTP_TIMEOUT_LINGER].ms = LINGER_MS;
	s->timer.fire = timers_fire;
	s->grace.fire = grace_over;
	s->later_last = &s->later;
	s->later_job.run = later_run;
	*ret_server = s;
	return 0;
}

static void
blocks_free(struct http_block *b)
{
	while (b) {
		struct http_block *next = b->next;
		free(b);
		b = next;
	}
}

void
http_server_free(struct http_server *s)
{
	if (!s)
		return;
	listeners_close(s);
	lose_all(s, false);
	while (s->later)
		later_run(&s->later_job);
	assert(!s->conns);
	loop_unpost(s->loop, &s->later_job);
	loop_unpost(s->loop, &s->stopped_job);
	loop_timer_cancel(s->loop, &s->timer);
	loop_timer_cancel(s->loop, &s->grace);
	while (s->exchanges) {
		struct http_exchange *next = s->exchanges->next;
		exchange_free(s->exchanges);
		s->exchanges = next;
	}
	blocks_free(s->small);
	blocks_free(s->large);
	free(s);
}

void
http_server_hold(struct http_server *s, int64_t bytes)
{
	s->stats.memory_bytes += (uint64_t)bytes;
}

bool
http_server_is_short(const struct http_server *s)
{
	return s->stats.memory_bytes > s->limits.memory_bytes / 4 * 3;
}

void
http_server_stats(const struct http_server *s, struct http_stats *ret_stats)
{
	*ret_stats = s->stats;
}

/* Real time, not the virtual clock: the date of the message, from which clients tell their skew. */
struct str
http_date_line(struct http_server *s)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME_COARSE, &ts);
	if (ts.tv_sec != s->date_s) {
		static const char days[] = "SunMonTueWedThuFriSat";
		static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
		struct tm tm;
		gmtime_r(&ts.tv_sec, &tm);
		s->date_s = ts.tv_sec;
		s->date_len = (uint32_t)snprintf(s->date, sizeof(s->date),
			"Date: %.3s, %02d %.3s %04d %02d:%02d:%02d GMT\r\n", days + tm.tm_wday * 3,
			tm.tm_mday, months + tm.tm_mon * 3, tm.tm_year + 1900, tm.tm_hour,
			tm.tm_min, tm.tm_sec);
	}
	return str_of(s->date, s->date_len);
}
