#include "guest/guest.h"
#include "unit.h"

static int
parse(const char *text, bool closed, size_t *at, size_t *len)
{
	return imds_parse(text, strlen(text), closed, at, len);
}

TEST(an_answer_is_whole_or_none)
{
	size_t at, len;
	assert_int_equal(
		parse("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", false, &at, &len), 200);
	assert_int_equal(len, 5);
	assert_int_equal(
		parse("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", true, &at, &len), -1);
	assert_int_equal(
		parse("HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n", false, &at, &len), -1);
	assert_int_equal(
		parse("HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n", true, &at, &len), 404);
	assert_int_equal(parse("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
				 true, &at, &len),
		-1);
	assert_int_equal(parse("SSH-2.0-x\r\n\r\n", true, &at, &len), -1);
	assert_int_equal(parse("", true, &at, &len), -1);
}
