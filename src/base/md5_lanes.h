/*
 * md5_lanes: MD5 of several streams at once. One MD5 cannot be made faster, since each step needs
 * the one before; but eight of them take hardly longer than one, each in its lane of a vector
 * register. Private to digest.c and its tests. Any thread.
 */
#ifndef HANEUL_BASE_MD5_LANES_H
#define HANEUL_BASE_MD5_LANES_H

#include <stddef.h>
#include <stdint.h>

#define MD5_LANES 8
#define MD5_BLOCK 64

struct md5_lane {
	uint32_t state[4];
	const unsigned char *data;
};

enum md5_way {
	MD5_BY_AVX512, /* has the rotation that the others put together */
	MD5_BY_AVX2,
	MD5_BY_SSE2, /* four lanes twice: every 64-bit processor */
	MD5_WAYS
};
enum md5_way md5_best_way(void);
/* `blocks` blocks of 64 bytes of each of n lanes (1..MD5_LANES); moves `data` on. The processor
 * must know the way. */
void md5_lanes_add(enum md5_way way, struct md5_lane *lanes, unsigned n, size_t blocks);

#endif
