#include "wire/http_head.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

/* 0: a good head; -1: incomplete; else the status. The text lies in memory of just its size, so
 * that ASan sees a read beyond it. */
static int
verdict(struct str text, const struct http_limits *l, struct http_head *ret_head,
	struct http_header *h)
{
	struct http_scan scan = { 0 };
	size_t len;
	int status = http_head_scan(&scan, text.p, text.len, l, &len);
	if (!status && !len)
		return -1;
	return status ? status : http_head_parse(text.p, len, l, h, ret_head);
}

struct head_case {
	int status;
	const char *text;
	size_t len;
};
#define CASE(status, text)                                                                         \
	{                                                                                          \
		status, "" text, sizeof(text) - 1                                                  \
	}
#define GET "GET / HTTP/1.1\r\n"
#define H "Host: a\r\n"
#define POST "POST / HTTP/1.1\r\n" H

static const struct head_case cases[] = {
	/* what must be understood */
	CASE(0, GET H "\r\n"),
	CASE(0, "GET / HTTP/1.0\r\n\r\n"),
	CASE(0, "GET / HTTP/1.0\r\nHost:\r\n\r\n"),
	CASE(0, "M-SEARCH!#$%&'*+.^_`|~9 / HTTP/1.1\r\n" H "\r\n"),
	CASE(0, GET "hOST:a\r\nX:\r\nY: \t v \t\r\nZ:a:b\r\n\r\n"),
	CASE(0, GET H "X: caf\xc3\xa9\r\n\r\n"),
	CASE(0, "GET /caf\xc3\xa9 HTTP/1.1\r\n" H "\r\n"),
	CASE(0, POST "Content-Length: 0\r\n\r\n"),
	CASE(0, POST "Content-Length: 000000000000000012\r\n\r\n"),
	CASE(0, POST "Transfer-Encoding: CHUNKED\r\n\r\n"),
	CASE(0, POST "Content-Length: 5\r\nExpect: 100-Continue\r\n\r\n"),
	CASE(0, "GET http://a/x HTTP/1.1\r\n" H "\r\n"),
	CASE(0, "OPTIONS * HTTP/1.1\r\n" H "\r\n"),
	CASE(-1, GET H "\r"),
	CASE(-1, GET H),
	CASE(-1, "G"),
	CASE(-1, ""),
	/* lines */
	CASE(400, "GET / HTTP/1.1\nHost: a\n\n"),
	CASE(400, "GET / HTTP/1.1\r\nHost: a\n\r\n"),
	CASE(400, GET "Host: a\r\r\n\r\n"),
	CASE(400, GET H "X: a\rY: b\r\n\r\n"),
	CASE(400, GET H "X: a\r\n\n"),
	CASE(400, "\r\n\r\n"),
	CASE(400, "\nGET / HTTP/1.1\r\n"),
	CASE(400, " GET / HTTP/1.1\r\n" H "\r\n"),
	CASE(400, "\0" GET H "\r\n"),
	CASE(400, GET H "X: a\0b\r\n\r\n"),
	CASE(400, GET H "X\0: a\r\n\r\n"),
	CASE(400, GET H "X: a\x01\r\n\r\n"),
	CASE(400, GET H "X: a\x7f\r\n\r\n"),
	CASE(400, GET H "X: a\r\n folded\r\n\r\n"),
	CASE(400, GET H "X: a\r\n\tfolded\r\n\r\n"),
	CASE(400, GET " X: a\r\n" H "\r\n"),
	CASE(400, GET H "X : a\r\n\r\n"),
	CASE(400, GET H "X\t: a\r\n\r\n"),
	CASE(400, GET H ": a\r\n\r\n"),
	CASE(400, GET H "X\r\n\r\n"),
	CASE(400, GET H "X Y: a\r\n\r\n"),
	CASE(400, GET H "X(: a\r\n\r\n"),
	CASE(400, GET H "\xc3\xa9: a\r\n\r\n"),
	/* hosts */
	CASE(400, GET "\r\n"),
	CASE(400, GET "Host:\r\n\r\n"),
	CASE(400, GET H H "\r\n"),
	CASE(400, GET H "HOST: b\r\n\r\n"),
	CASE(400, "GET / HTTP/1.0\r\n" H H "\r\n"),
	CASE(400, GET "Host: a b\r\n\r\n"),
	CASE(400, GET "Host: a,b\r\n\r\n"),
	CASE(400, GET "Host: u@a\r\n\r\n"),
	CASE(400, GET "Host: a/b\r\n\r\n"),
	CASE(400, "GET http://b/ HTTP/1.1\r\n" H "\r\n"),
	/* request lines */
	CASE(400, "GET  / HTTP/1.1\r\n" H "\r\n"),
	CASE(400, "GET /  HTTP/1.1\r\n" H "\r\n"),
	CASE(400, "GET / HTTP/1.1 \r\n" H "\r\n"),
	CASE(400, "GET\t/\tHTTP/1.1\r\n" H "\r\n"),
	CASE(400, "GET /\r\n" H "\r\n"),
	CASE(400, "GET\r\n" H "\r\n"),
	CASE(400, "GET /a b HTTP/1.1\r\n" H "\r\n"),
	CASE(400, "GET /a\tb HTTP/1.1\r\n" H "\r\n"),
	CASE(400, "GET /a\x7f HTTP/1.1\r\n" H "\r\n"),
	CASE(400, "GET /a#b HTTP/1.1\r\n" H "\r\n"),
	CASE(400, "GET a HTTP/1.1\r\n" H "\r\n"),
	CASE(400, "GET ?a HTTP/1.1\r\n" H "\r\n"),
	CASE(400, "GET * HTTP/1.1\r\n" H "\r\n"),
	CASE(400, "GET http:///x HTTP/1.1\r\n" H "\r\n"),
	CASE(400, "GET http://u@a/x HTTP/1.1\r\n" H "\r\n"),
	CASE(400, "GET ftp://a/x HTTP/1.1\r\n" H "\r\n"),
	CASE(400, "CONNECT a:80 HTTP/1.1\r\n" H "\r\n"),
	CASE(400, "G(T / HTTP/1.1\r\n" H "\r\n"),
	CASE(400, "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1\r\n" H "\r\n"),
	CASE(400, "GET / http/1.1\r\n" H "\r\n"),
	CASE(400, "GET / HTTP/1\r\n" H "\r\n"),
	CASE(400, "GET / HTTP/1.11\r\n" H "\r\n"),
	CASE(400, "GET / HTTP/01.1\r\n" H "\r\n"),
	CASE(400, "GET / HTTP/1,1\r\n" H "\r\n"),
	CASE(505, "GET / HTTP/2.0\r\n" H "\r\n"),
	CASE(505, "GET / HTTP/0.9\r\n" H "\r\n"),
	/* lengths */
	CASE(400, POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n"),
	CASE(400, POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"),
	CASE(400, POST "Content-Length: 5, 5\r\n\r\n"),
	CASE(400, POST "Content-Length:\r\n\r\n"),
	CASE(400, POST "Content-Length: +5\r\n\r\n"),
	CASE(400, POST "Content-Length: -5\r\n\r\n"),
	CASE(400, POST "Content-Length: 0x5\r\n\r\n"),
	CASE(400, POST "Content-Length: 5 5\r\n\r\n"),
	CASE(400, POST "Content-Length: 5;\r\n\r\n"),
	CASE(400, POST "Content-Length: 5.0\r\n\r\n"),
	CASE(400, POST "Content-Length: \"5\"\r\n\r\n"),
	CASE(400, POST "Content-Length: 9223372036854775808\r\n\r\n"),
	CASE(400, POST "Content-Length: 99999999999999999999999\r\n\r\n"),
	CASE(400, POST "Content-Length\t: 5\r\n\r\n"),
	/* codings */
	CASE(400, POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
	CASE(400, POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"),
	CASE(400, POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
	CASE(400, POST "Transfer-Encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n"),
	CASE(400, POST "Transfer-Encoding: chunked, chunked\r\n\r\n"),
	CASE(400, POST "Transfer-Encoding: gzip, chunked\r\n\r\n"),
	CASE(400, POST "Transfer-Encoding: chunked, identity\r\n\r\n"),
	CASE(400, POST "Transfer-Encoding: identity\r\n\r\n"),
	CASE(400, POST "Transfer-Encoding: xchunked\r\n\r\n"),
	CASE(400, POST "Transfer-Encoding: chunkedx\r\n\r\n"),
	CASE(400, POST "Transfer-Encoding: \"chunked\"\r\n\r\n"),
	CASE(400, POST "Transfer-Encoding: chunked;q=1\r\n\r\n"),
	CASE(400, POST "Transfer-Encoding:\x0b"
		       "chunked\r\n\r\n"),
	CASE(400, POST "Transfer-Encoding:\r\n chunked\r\n\r\n"),
	CASE(400, POST "Transfer-Encoding:\r\n\r\n"),
	CASE(400, POST "Transfer-Encoding : chunked\r\n\r\n"),
	CASE(400, POST "X: y\rTransfer-Encoding: chunked\r\n\r\n"),
	CASE(400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
	CASE(0, POST "Content-Length: 5\r\nExpect: 200-ok\r\n\r\n"),
	CASE(400, POST "Content-Length: 5\r\nExpect: 100-continue\r\nExpect: 100-continue\r\n\r\n"),
};

TEST(every_form_has_its_verdict)
{
	struct http_limits l;
	http_limits_default(&l);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct http_header h[16];
		struct http_head head;
		char *copy = malloc(cases[i].len + !cases[i].len);
		memcpy(copy, cases[i].text, cases[i].len);
		int got = verdict(str_of(copy, cases[i].len), &l, &head, h);
		if (got != cases[i].status)
			fail_msg("case %zu: %d, not %d:\n%s", i, got, cases[i].status,
				cases[i].text);
		free(copy);
	}
}

TEST(fields_and_parts)
{
	struct http_header h[16];
	struct http_head head;
	struct http_limits l;
	http_limits_default(&l);
	struct str text = STR(
		"PUT /a%20b//..?x=1&y HTTP/1.1\r\nhost: Bucket.s3.x:4566\r\nContent-length:12\r\n"
		"expect: 100-continue\r\nX-A:  one \r\nx-a: two\r\nConnection: x , "
		"CLOSE\r\n\r\nbody");
	assert_int_equal(verdict(text, &l, &head, h), 0);
	const struct http_request *r = &head.request;
	assert_str(r->method, "PUT");
	assert_str(r->target, "/a%20b//..?x=1&y");
	assert_str(r->path, "/a%20b//..");
	assert_str(r->query, "x=1&y");
	assert_str(r->host, "Bucket.s3.x:4566");
	assert_int_equal(r->content_length, 12);
	assert_true(r->expect_continue);
	assert_false(head.keep_alive);
	assert_int_equal(r->headers_n, 6);
	assert_str(http_request_header(r, STR("X-a")), "one");
	assert_str(r->headers[4].value, "two");
	assert_null(http_request_header(r, STR("absent")).p);
	assert_int_equal(verdict(STR("GET / HTTP/1.0\r\n\r\n"), &l, &head, h), 0);
	assert_null(head.request.query.p);
	assert_str(head.request.host, "");
	assert_false(head.keep_alive);
	assert_int_equal(
		verdict(STR("GET http://h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n"), &l, &head, h), 0);
	assert_str(head.request.path, "/");
}

TEST(head_limits)
{
	struct http_header h[16];
	struct http_head head;
	struct http_limits l;
	http_limits_default(&l);
	l.head_bytes = 100;
	l.headers_n = 2;
	l.target_bytes = 10;
	assert_int_equal(verdict(STR("GET /23456789 HTTP/1.1\r\n" H "\r\n"), &l, &head, h), 0);
	assert_int_equal(verdict(STR("GET /2345678901 HTTP/1.1\r\n" H "\r\n"), &l, &head, h), 414);
	assert_int_equal(verdict(STR(GET H "A: b\r\n\r\n"), &l, &head, h), 0);
	assert_int_equal(verdict(STR(GET H "A: b\r\nC: d\r\n\r\n"), &l, &head, h), 431);
	assert_int_equal(verdict(STR(GET H "A: b\r\nC: d\r\n"), &l, &head, h), 431);
	char big[101];
	memset(big, 'x', sizeof(big));
	assert_int_equal(verdict(str_of(big, 50), &l, &head, h), -1);
	assert_int_equal(verdict(str_of(big, 99), &l, &head, h), 414); /* no target is so long */
	memcpy(big, GET, 16);
	assert_int_equal(verdict(str_of(big, 99), &l, &head, h), -1);
	assert_int_equal(verdict(str_of(big, 100), &l, &head, h), 431);
}
