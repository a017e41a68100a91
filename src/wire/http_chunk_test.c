#include "wire/http_chunk.h"

#include "unit.h"

#include <stdlib.h>

/* Decodes in pieces of `step` bytes. 'd' done, 'm' more, 'b' bad; the body goes to ret. */
static char
decode(struct http_chunk *d, struct str in, size_t step, struct buf *ret, size_t *ret_used)
{
	*ret_used = 0;
	while (*ret_used < in.len && !d->done) {
		size_t n = in.len - *ret_used < step ? in.len - *ret_used : step;
		char *copy = malloc(n);
		struct str data;
		memcpy(copy, in.p + *ret_used, n);
		ssize_t used = http_chunk_decode(d, copy, n, &data);
		if (used >= 0)
			buf_add_str(ret, data);
		free(copy);
		if (used < 0)
			return 'b';
		assert_true(used > 0);
		*ret_used += (size_t)used;
	}
	return d->done ? 'd' : 'm';
}

static const struct {
	char verdict;
	const char *text, *body;
} cases[] = {
	{ 'd', "0\r\n\r\n", "" },
	{ 'd', "3\r\nabc\r\n0\r\n\r\n", "abc" },
	{ 'd', "00003\r\nabc\r\nA\r\n0123456789\r\n000\r\n\r\n", "abc0123456789" },
	{ 'd', "3;a=b;c=\"d e\"\r\nabc\r\n0;x\r\n\r\n", "abc" },
	{ 'd', "3\r\n\r\n\n\r\n0\r\n\r\n", "\r\n\n" },
	{ 'd', "0\r\nX: y\r\nZ:\r\n\r\n", "" },
	{ 'm', "3\r\nab", "ab" },
	{ 'm', "0\r\n", "" },
	{ 'm', "0\r\nX: y\r\n", "" },
	{ 'b', "\r\n", "" },
	{ 'b', "g\r\n", "" },
	{ 'b', " 3\r\nabc\r\n", "" },
	{ 'b', "3 \r\nabc\r\n", "" },
	{ 'b', "3 ;a\r\nabc\r\n", "" },
	{ 'b', "0x3\r\nabc\r\n", "" },
	{ 'b', "+3\r\nabc\r\n", "" },
	{ 'b', "-1\r\n", "" },
	{ 'b', ";a\r\nabc", "" },
	{ 'b', "3\nabc\r\n", "" },
	{ 'b', "3\r\r\nabc", "" },
	{ 'b', "3;a\nabc\r\n", "" },
	{ 'b', "3;a\x01\r\nabc\r\n", "" },
	{ 'b', "3\r\nabcd\r\n", "abc" },
	{ 'b', "3\r\nabc\n", "abc" },
	{ 'b', "3\r\nabc\rX", "abc" },
	{ 'b', "3\r\nabc0\r\n\r\n", "abc" },
	{ 'b', "1000000000000000\r\n", "" },
	{ 'b', "ffffffffffffffffff\r\n", "" },
	{ 'b', "0000000000000000\r\n\r\n", "" },
	{ 'b', "0\r\n\n", "" },
	{ 'b', "0\r\n\rX", "" },
	{ 'b', "0\r\nX: y\n", "" },
	{ 'b', "0\r\nX: y\rZ", "" },
};

TEST(chunk_forms)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		for (size_t step = 1; step < 32; step += 3) {
			struct http_chunk d = { 0 };
			struct buf body = { 0 };
			size_t used;
			char got = decode(&d, str_c(cases[i].text), step, &body, &used);
			if (got != cases[i].verdict)
				fail_msg("case %zu step %zu: %c\n%s", i, step, got, cases[i].text);
			assert_str(buf_str(&body), cases[i].body);
			buf_done(&body);
			http_chunk_done(&d);
		}
	}
}

TEST(what_follows_is_left)
{
	struct http_chunk d = { 0 };
	struct buf body = { 0 };
	size_t used;
	assert_int_equal(decode(&d, STR("1\r\na\r\n0\r\n\r\nGET"), 100, &body, &used), 'd');
	assert_int_equal(used, 11);
	http_chunk_reset(&d);
	assert_int_equal(decode(&d, STR("1\r\nb\r\n0\r\n\r\n"), 100, &body, &used), 'd');
	assert_str(buf_str(&body), "ab");
	buf_done(&body);
	http_chunk_done(&d);
}

static int
trailers_of(const char *text, struct arena *a, struct http_header **ret, unsigned *ret_n)
{
	struct http_chunk d = { 0 };
	struct buf body = { 0 };
	size_t used;
	assert_int_equal(decode(&d, str_c(text), 7, &body, &used), 'd');
	int r = http_chunk_trailers(&d, a, ret, ret_n);
	for (unsigned i = 0; r == 0 && i < *ret_n; i++) {
		(*ret)[i].name = arena_dup(a, (*ret)[i].name);
		(*ret)[i].value = arena_dup(a, (*ret)[i].value);
	}
	buf_done(&body);
	http_chunk_done(&d);
	return r;
}

TEST(trailer_fields)
{
	struct arena a;
	struct http_header *t;
	unsigned n;
	arena_init(&a);
	assert_int_equal(trailers_of("0\r\n\r\n", &a, &t, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(
		trailers_of("0\r\nx-amz-checksum-crc32: AA==\r\nB:c\r\n\r\n", &a, &t, &n), 0);
	assert_int_equal(n, 2);
	assert_str(t[0].name, "x-amz-checksum-crc32");
	assert_str(t[0].value, "AA==");
	assert_str(t[1].value, "c");
	assert_true(trailers_of("0\r\nX : y\r\n\r\n", &a, &t, &n) < 0);
	assert_true(trailers_of("0\r\n folded\r\n\r\n", &a, &t, &n) < 0);
	assert_true(trailers_of("0\r\nContent-Length: 3\r\n\r\n", &a, &t, &n) < 0);
	assert_true(trailers_of("0\r\nTRANSFER-encoding: chunked\r\n\r\n", &a, &t, &n) < 0);
	arena_done(&a);
}

TEST(chunk_budgets)
{
	struct http_chunk d = { 0 };
	struct str data;
	char *rubbish = malloc(70000);
	memset(rubbish, 'x', 70000);
	assert_int_equal(http_chunk_decode(&d, "1;", 2, &data), 2);
	assert_true(http_chunk_decode(&d, rubbish, 70000, &data) < 0);
	http_chunk_reset(&d);
	assert_int_equal(http_chunk_decode(&d, "0\r\n", 3, &data), 3);
	assert_true(http_chunk_decode(&d, rubbish, 70000, &data) < 0);
	http_chunk_done(&d);
	free(rubbish);
}
