#include "wire/http_conn.h"
#include "wire/http_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define H "Host: a\r\n"

static void
small_limits(void)
{
	http_limits_default(&rig.limits);
	rig.tls = NULL;
	rig.limits.head_timeout_ms = 20;
	rig.limits.idle_timeout_ms = 20;
	rig.limits.body_stall_ms = 20;
}

TEST(refused_and_closed)
{
	rig_start();
	struct buf b = ask(STR("GET / HTTP/1.1\r\n" H "\r\nGET / HTTP/1.1\r\n" H H
			       "\r\nGET / HTTP/1.1\r\n" H "\r\n"));
	assert_int_equal(count(&b, "HTTP/1.1 "), 2);
	assert_has(b, "HTTP/1.1 400 Bad Request\r\n");
	buf_done(&b);
	b = ask(STR(
		"POST / HTTP/1.1\r\n" H "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n"
		"0\r\n\r\nGET /x HTTP/1.1\r\n" H "\r\n"));
	assert_int_equal(count(&b, "HTTP/1.1 "), 1);
	assert_has(b, "Connection: close");
	buf_done(&b);
	struct buf in = { 0 };
	buf_printf(&in, "GET /%0*d HTTP/1.1\r\n" H "\r\n", 17000, 1);
	b = ask(buf_str(&in));
	assert_has(b, "HTTP/1.1 414 ");
	buf_done(&b);
	buf_clear(&in);
	buf_printf(&in, "GET / HTTP/1.1\r\n" H "X: %0*d\r\n\r\n", 70000, 1);
	b = ask(buf_str(&in));
	assert_has(b, "HTTP/1.1 431 ");
	buf_done(&b);
	buf_clear(&in);
	buf_printf(&in, "GET / HTTP/1.1\r\n" H "X: %0*d\r\n\r\n", 60000, 1);
	b = ask(buf_str(&in));
	assert_has(b, "HTTP/1.1 200 ");
	buf_done(&b);
	buf_done(&in);
	rig_stop();
	assert_int_equal(atomic_load(&rig.begun_n), 2);
}

TEST(slow_clients)
{
	small_limits();
	rig_open();
	int fd = client();
	put(fd, STR("GET / HT"));
	struct buf b = get_all(fd);
	assert_has(b, "HTTP/1.1 408 Request Timeout");
	buf_done(&b);
	close(fd);
	fd = client();
	b = get_all(fd); /* idle: closed without a word */
	assert_int_equal(b.len, 0);
	buf_done(&b);
	close(fd);
	fd = client();
	put(fd, STR("PUT /echo HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nab"));
	b = get_all(fd);
	assert_has(b, "HTTP/1.1 400 Bad Request");
	assert_has(b, "timeout");
	buf_done(&b);
	close(fd);
	rig_stop();
}

TEST(a_reader_that_stops_is_cut)
{
	char one;
	small_limits();
	rig_open();
	int fd = client(), size = 4096;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	put(fd, STR("GET /big?90000000 HTTP/1.1\r\n" H "\r\n"));
	assert_int_equal(read(rig.closed[0], &one, 1), 1);
	rig_halt();
	struct http_stats st;
	http_server_stats(rig.server, &st);
	assert_int_equal(st.connections_open, 0);
	assert_int_equal(st.memory_bytes, 0);
	http_server_free(rig.server);
	loop_free(rig.loop);
	close(rig.closed[0]);
	close(rig.closed[1]);
	close(fd);
}

TEST(too_many_connections)
{
	http_limits_default(&rig.limits);
	rig.limits.connections_n = 2;
	rig.tls = NULL;
	rig_open();
	int a = client(), b = client();
	put(a, STR("GET / HTTP/1.1\r\n" H "\r\n"));
	put(b, STR("GET / HTTP/1.1\r\n" H "\r\n"));
	struct buf got = get_until(a, STR("hello"));
	buf_done(&got);
	got = get_until(b, STR("hello"));
	buf_done(&got);
	int c = client();
	got = get_all(c);
	assert_has(got, "HTTP/1.1 503 ");
	buf_done(&got);
	put(a, STR("GET / HTTP/1.1\r\n" H "\r\n"));
	got = get_until(a, STR("hello"));
	buf_done(&got);
	close(a);
	close(b);
	close(c);
	rig_stop();
}

TEST(memory_cap_answers_503)
{
	http_limits_default(&rig.limits);
	rig.limits.memory_bytes = 100;
	rig.tls = NULL;
	rig_open();
	struct buf b = ask(STR("GET / HTTP/1.1\r\n" H "\r\n"));
	assert_has(b, "HTTP/1.1 503 ");
	assert_int_equal(count(&b, "hello"), 0);
	buf_done(&b);
	rig_stop();
}

TEST(idle_connections_are_cheap)
{
	enum { N = 200 };
	int fd[N];
	struct http_stats st;
	assert_true(sizeof(struct http_conn) < 1024);
	rig_start();
	for (int i = 0; i < N; i++) {
		fd[i] = client();
		put(fd[i], STR("GET / HTTP/1.1\r\n" H "\r\n"));
		struct buf b = get_until(fd[i], STR("hello"));
		buf_done(&b);
	}
	rig_halt();
	http_server_stats(rig.server, &st);
	assert_int_equal(st.connections_open, N);
	assert_int_equal(st.requests_total, N);
	assert_int_equal(st.memory_bytes, N * sizeof(struct http_conn));
	http_server_free(rig.server);
	loop_free(rig.loop);
	for (int i = 0; i < N; i++)
		close(fd[i]);
	close(rig.closed[0]);
	close(rig.closed[1]);
}

/* ---- draining ---- */

static atomic_int stopped_n;

static void
note_stopped(void *arg)
{
	(void)arg;
	atomic_fetch_add(&stopped_n, 1);
	loop_stop(rig.loop);
}

static void
start_drain(struct loop_job *job)
{
	(void)job;
	http_server_drain(rig.server, 30, note_stopped, NULL);
}

static void
drain_with(struct str request, const char *expected)
{
	struct loop_job job = { .run = start_drain };
	rig_start();
	atomic_store(&stopped_n, 0);
	int idle = client(), busy = client();
	put(idle, STR("GET / HTTP/1.1\r\n" H "\r\n"));
	struct buf b = get_until(idle, STR("hello"));
	buf_done(&b);
	put(busy, request);
	while (atomic_load(&rig.begun_n) < 2)
		sched_yield();
	loop_post(rig.loop, &job);
	b = get_all(idle);
	assert_int_equal(b.len, 0);
	buf_done(&b);
	b = get_all(busy);
	assert_true(*expected ? count(&b, expected) == 1 : b.len == 0);
	buf_done(&b);
	pthread_join(rig.thread, NULL);
	assert_int_equal(atomic_load(&stopped_n), 1);
	http_server_free(rig.server);
	loop_free(rig.loop);
	close(idle);
	close(busy);
	close(rig.closed[0]);
	close(rig.closed[1]);
}

TEST(drain_lets_running_exchanges_finish)
{
	drain_with(STR("GET /later HTTP/1.1\r\n" H "\r\n"), "\r\n\r\nlater");
}

TEST(drain_cuts_after_the_grace)
{
	drain_with(STR("GET /never HTTP/1.1\r\n" H "\r\n"), "");
}
