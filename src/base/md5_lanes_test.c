#include "base/digest.h"
#include "base/md5_lanes.h"
#include "unit.h"

#include <openssl/md5.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void
fill(unsigned char *p, size_t n, uint64_t seed)
{
	for (size_t i = 0; i < n; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		p[i] = (unsigned char)(seed >> 56);
	}
}

/* OpenSSL's state after the same blocks. */
static void
expect_state(const struct md5_lane *lane, const unsigned char *data, size_t bytes)
{
	MD5_CTX c;
	MD5_Init(&c);
	MD5_Update(&c, data, bytes);
	const uint32_t expected[4] = { c.A, c.B, c.C, c.D };
	assert_memory_equal(lane->state, expected, sizeof(expected));
}

TEST(every_way_agrees_with_openssl_in_every_lane)
{
	static unsigned char data[MD5_LANES][MD5_BLOCK * 9 + 1];
	for (unsigned i = 0; i < MD5_LANES; i++)
		fill(data[i], sizeof(data[i]), i + 1);
	for (enum md5_way way = md5_best_way(); way < MD5_WAYS; way++)
		for (unsigned n = 1; n <= MD5_LANES; n++)
			for (size_t blocks = 1; blocks <= 9; blocks += 4) {
				struct md5_lane lanes[MD5_LANES];
				MD5_CTX c;
				MD5_Init(&c);
				/* Odd addresses: nothing needs to be aligned. */
				for (unsigned i = 0; i < n; i++)
					lanes[i] = (struct md5_lane){ { c.A, c.B, c.C, c.D },
						data[i] + i % 2 };
				md5_lanes_add(way, lanes, n, blocks);
				for (unsigned i = 0; i < n; i++) {
					assert_ptr_equal(lanes[i].data,
						data[i] + i % 2 + blocks * MD5_BLOCK);
					expect_state(
						&lanes[i], data[i] + i % 2, blocks * MD5_BLOCK);
				}
			}
}

TEST(streams_added_together_have_the_digests_of_each)
{
	static unsigned char data[11][3000];
	struct digests d[11], *at[11];
	struct str pieces[11];
	size_t used[11] = { 0 };
	uint64_t random = 3;
	for (unsigned i = 0; i < 11; i++) {
		fill(data[i], sizeof(data[i]), 100 + i);
		digests_init(&d[i], DIGEST_MD5);
	}
	for (unsigned round = 0; round < 40; round++) {
		unsigned n = 0;
		for (unsigned i = 0; i < 11; i++) {
			random = random * 6364136223846793005u + 1442695040888963407u;
			size_t len = (random >> 33) % (round % 3 ? 300 : 5),
			       room = sizeof(data[i]) - used[i];
			len = len < room ? len : room;
			if ((random >> 60) == 0)
				continue;
			at[n] = &d[i];
			pieces[n++] = str_of(data[i] + used[i], len);
			used[i] += len;
		}
		digests_add_md5(at, pieces, n);
	}
	for (unsigned i = 0; i < 11; i++) {
		struct digest_values v;
		unsigned char expected[16];
		digests_final(&d[i], &v);
		md5(str_of(data[i], used[i]), expected);
		assert_memory_equal(v.md5, expected, 16);
		assert_int_equal(v.bytes, used[i]);
	}
}
