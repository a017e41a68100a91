#include "plane/boxes.h"
#include "unit.h"

#include <stdlib.h>

static bool
inside(const struct box *b, uint32_t n, uint32_t port, uint32_t ip, unsigned *ret_times)
{
	*ret_times = 0;
	for (uint32_t i = 0; i < n; i++)
		*ret_times +=
			b[i].from <= port && port <= b[i].to && b[i].first <= ip && ip <= b[i].last;
	return *ret_times > 0;
}

TEST(boxes_cover_the_same_points_once)
{
	unsigned seed = 7;
	for (int round = 0; round < 300; round++) {
		struct arena a = { 0 };
		struct box in[24], *out;
		uint32_t n = (uint32_t)rand_r(&seed) % 24, out_n;
		for (uint32_t i = 0; i < n; i++) {
			in[i].from = (uint16_t)(rand_r(&seed) % 12);
			in[i].to = (uint16_t)(in[i].from + rand_r(&seed) % 5);
			in[i].first = (uint32_t)rand_r(&seed) % 12;
			in[i].last = in[i].first + (uint32_t)rand_r(&seed) % 5;
		}
		if (boxes_apart(&a, in, n, &out, &out_n)) {
			for (uint32_t port = 0; port < 18; port++)
				for (uint32_t ip = 0; ip < 18; ip++) {
					unsigned times, ignored;
					assert_int_equal(inside(out, out_n, port, ip, &times),
						inside(in, n, port, ip, &ignored));
					assert_true(times <= 1);
				}
		}
		arena_done(&a);
	}
}

TEST(boxes_at_the_edges_of_numbers)
{
	struct arena a = { 0 };
	struct box in[] = { { 0, 65535, 0, UINT32_MAX }, { 22, 22, 5, 9 } }, *out;
	uint32_t n;
	assert_true(boxes_apart(&a, in, 2, &out, &n));
	assert_int_equal(n, 1);
	assert_int_equal(out[0].to, 65535);
	assert_int_equal(out[0].last, UINT32_MAX);
	arena_done(&a);
}

/* Nested ports, each with addresses of its own: squares of boxes are refused, not made. */
TEST(boxes_too_many)
{
	struct arena a = { 0 };
	static struct box in[1000];
	struct box *out;
	uint32_t n;
	for (uint32_t i = 0; i < 1000; i++)
		in[i] = (struct box){ (uint16_t)i, (uint16_t)(60000 - i), 4 * i, 4 * i };
	assert_false(boxes_apart(&a, in, 1000, &out, &n));
	for (uint32_t i = 0; i < 1000; i++)
		in[i] = (struct box){ (uint16_t)(10 * i), (uint16_t)(10 * i + 4), 4 * i, 4 * i };
	assert_true(boxes_apart(&a, in, 1000, &out, &n));
	assert_int_equal(n, 1000);
	arena_done(&a);
}
