#include "wire/http_rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

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
	const char *order[] = { "later", "abc", "10\r\nsixteen bytes!!!\r\n0\r\n\r\n", "X-T: 7",
		"def", "Connection: close", "hello" };
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
	struct str one = STR("POST /echo HTTP/1.1\r\n" H
			     "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
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
	put(fd, STR("PUT /echo HTTP/1.1\r\n" H
		    "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n"));
	struct buf b = get_until(fd, STR("HTTP/1.1 100 Continue\r\n\r\n"));
	buf_done(&b);
	put(fd, STR("abc"));
	b = get_until(fd, STR("abc"));
	assert_has(b, "200 OK");
	assert_int_equal(count(&b, "Connection: close"), 0);
	buf_done(&b);
	/* An empty body is waited for in the same way. */
	put(fd, STR("PUT /echo HTTP/1.1\r\n" H
		    "Content-Length: 0\r\nExpect: 100-continue\r\n\r\n"));
	b = get_until(fd, STR("Content-Length: 0\r\n\r\n"));
	assert_int_equal(count(&b, "100 Continue"), 1);
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
	struct buf b = ask(STR(
		"PUT /x HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\n" H "\r\n"
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

TEST(turns_end_although_there_is_room)
{
	rig_start();
	struct buf b = ask(STR("GET /turns?40 HTTP/1.1\r\nHost: h\r\n\r\n"));
	assert_int_equal(count(&b, "turn "), 40);
	assert_int_equal(atomic_load(&rig.drained_n), 41);
	buf_done(&b);
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
	struct buf b =
		ask(STR("GET /file?2900000 HTTP/1.1\r\n" H "\r\nGET /file?0 HTTP/1.1\r\n" H "\r\n"
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
	rig_halt();
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
	b = ask(STR(
		"PUT /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n"
		"GET / HTTP/1.1\r\n" H "\r\n"));
	assert_has(b, "malformed");
	assert_int_equal(count(&b, "hello"), 0);
	buf_done(&b);
	rig_stop();
}
