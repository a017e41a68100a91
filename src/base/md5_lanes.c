#include "base/md5_lanes.h"

#include <string.h>

#define INLINE static inline __attribute__((always_inline))

/* The steps are the same for any width; GCC's vectors stand for the registers. */
typedef uint32_t v8 __attribute__((vector_size(32)));
typedef uint32_t v4 __attribute__((vector_size(16)));

static const uint32_t steps[64] = { 0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf,
	0x4787c62a, 0xa8304613, 0xfd469501, 0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be,
	0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821, 0xf61e2562, 0xc040b340, 0x265e5a51,
	0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8, 0x21e1cde6, 0xc33707d6,
	0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a, 0xfffa3942,
	0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
	0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8,
	0xc4ac5665, 0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92,
	0xffeff47d, 0x85845dd1, 0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82,
	0xbd3af235, 0x2ad7d2bb, 0xeb86d391 };

#define STEP(V, f, a, b, c, d, word, i, by)                                                        \
	do {                                                                                       \
		V x_ = (a) + (f) + (word) + steps[i];                                              \
		(a) = ((x_ << (by)) | (x_ >> (32 - (by)))) + (b);                                  \
	} while (0)
#define F1(b, c, d) ((d) ^ ((b) & ((c) ^ (d))))
#define F2(b, c, d) ((((b) ^ (c)) & (d)) ^ (c))
#define F3(b, c, d) ((b) ^ (c) ^ (d))
#define F4(b, c, d) ((c) ^ ((b) | ~(d)))
/* Four steps from i on: which word the first takes, how far the next one's word is, four
 * rotations. */
#define FOUR(V, F, i, first, apart, r0, r1, r2, r3)                                                \
	STEP(V, F(b, c, d), a, b, c, d, w[((first)) & 15], i, r0);                                 \
	STEP(V, F(a, b, c), d, a, b, c, w[((first) + (apart)) & 15], (i) + 1, r1);                 \
	STEP(V, F(d, a, b), c, d, a, b, w[((first) + 2 * (apart)) & 15], (i) + 2, r2);             \
	STEP(V, F(c, d, a), b, c, d, a, w[((first) + 3 * (apart)) & 15], (i) + 3, r3)
#define SIXTEEN(V, F, i, first, apart, r0, r1, r2, r3)                                             \
	FOUR(V, F, i, first, apart, r0, r1, r2, r3);                                               \
	FOUR(V, F, (i) + 4, (first) + 4 * (apart), apart, r0, r1, r2, r3);                         \
	FOUR(V, F, (i) + 8, (first) + 8 * (apart), apart, r0, r1, r2, r3);                         \
	FOUR(V, F, (i) + 12, (first) + 12 * (apart), apart, r0, r1, r2, r3)

#define BLOCK(V, state, w)                                                                         \
	do {                                                                                       \
		V a = (state)[0], b = (state)[1], c = (state)[2], d = (state)[3];                  \
		SIXTEEN(V, F1, 0, 0, 1, 7, 12, 17, 22);                                            \
		SIXTEEN(V, F2, 16, 1, 5, 5, 9, 14, 20);                                            \
		SIXTEEN(V, F3, 32, 5, 3, 4, 11, 16, 23);                                           \
		SIXTEEN(V, F4, 48, 0, 7, 6, 10, 15, 21);                                           \
		(state)[0] += a;                                                                   \
		(state)[1] += b;                                                                   \
		(state)[2] += c;                                                                   \
		(state)[3] += d;                                                                   \
	} while (0)

/* Eight rows of eight words become eight columns. */
INLINE void
turn_8(v8 r[8])
{
	v8 t[8], u[8];
	for (int i = 0; i < 8; i += 2) {
		t[i] = __builtin_shufflevector(r[i], r[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
		t[i + 1] = __builtin_shufflevector(r[i], r[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
	}
	for (int i = 0; i < 8; i += 4) {
		u[i] = __builtin_shufflevector(t[i], t[i + 2], 0, 1, 8, 9, 4, 5, 12, 13);
		u[i + 1] = __builtin_shufflevector(t[i], t[i + 2], 2, 3, 10, 11, 6, 7, 14, 15);
		u[i + 2] = __builtin_shufflevector(t[i + 1], t[i + 3], 0, 1, 8, 9, 4, 5, 12, 13);
		u[i + 3] = __builtin_shufflevector(t[i + 1], t[i + 3], 2, 3, 10, 11, 6, 7, 14, 15);
	}
	for (int i = 0; i < 4; i++) {
		r[i] = __builtin_shufflevector(u[i], u[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
		r[i + 4] = __builtin_shufflevector(u[i], u[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
	}
}

INLINE void
eight_lanes(struct md5_lane *lanes, size_t blocks)
{
	v8 state[4], w[16];
	for (int k = 0; k < 4; k++)
		for (int i = 0; i < 8; i++)
			state[k][i] = lanes[i].state[k];
	for (size_t n = 0; n < blocks; n++) {
		for (int i = 0; i < 8; i++) {
			memcpy(&w[i], lanes[i].data, 32);
			memcpy(&w[8 + i], lanes[i].data + 32, 32);
			lanes[i].data += MD5_BLOCK;
		}
		turn_8(w);
		turn_8(w + 8);
		BLOCK(v8, state, w);
	}
	for (int k = 0; k < 4; k++)
		for (int i = 0; i < 8; i++)
			lanes[i].state[k] = state[k][i];
}

__attribute__((target("avx512f,avx512vl"))) static void
add_avx512(struct md5_lane *lanes, size_t blocks)
{
	eight_lanes(lanes, blocks);
}

__attribute__((target("avx2"))) static void
add_avx2(struct md5_lane *lanes, size_t blocks)
{
	eight_lanes(lanes, blocks);
}

static void
turn_4(v4 r[4])
{
	v4 t0 = __builtin_shufflevector(r[0], r[1], 0, 4, 1, 5);
	v4 t1 = __builtin_shufflevector(r[0], r[1], 2, 6, 3, 7);
	v4 t2 = __builtin_shufflevector(r[2], r[3], 0, 4, 1, 5);
	v4 t3 = __builtin_shufflevector(r[2], r[3], 2, 6, 3, 7);
	r[0] = __builtin_shufflevector(t0, t2, 0, 1, 4, 5);
	r[1] = __builtin_shufflevector(t0, t2, 2, 3, 6, 7);
	r[2] = __builtin_shufflevector(t1, t3, 0, 1, 4, 5);
	r[3] = __builtin_shufflevector(t1, t3, 2, 3, 6, 7);
}

static void
add_sse2(struct md5_lane *lanes, size_t blocks)
{
	v4 state[4], w[16];
	for (int k = 0; k < 4; k++)
		for (int i = 0; i < 4; i++)
			state[k][i] = lanes[i].state[k];
	for (size_t n = 0; n < blocks; n++) {
		for (int part = 0; part < 4; part++) {
			for (int i = 0; i < 4; i++)
				memcpy(&w[4 * part + i], lanes[i].data + 16 * part, 16);
			turn_4(w + 4 * part);
		}
		for (int i = 0; i < 4; i++)
			lanes[i].data += MD5_BLOCK;
		BLOCK(v4, state, w);
	}
	for (int k = 0; k < 4; k++)
		for (int i = 0; i < 4; i++)
			lanes[i].state[k] = state[k][i];
}

enum md5_way
md5_best_way(void)
{
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl"))
		return MD5_BY_AVX512;
	return __builtin_cpu_supports("avx2") ? MD5_BY_AVX2 : MD5_BY_SSE2;
}

void
md5_lanes_add(enum md5_way way, struct md5_lane *lanes, unsigned n, size_t blocks)
{
	struct md5_lane all[MD5_LANES];
	/* Lanes that nobody needs do the work of the first once more. */
	for (unsigned i = 0; i < MD5_LANES; i++)
		all[i] = lanes[i < n ? i : 0];
	if (way == MD5_BY_AVX512)
		add_avx512(all, blocks);
	else if (way == MD5_BY_AVX2)
		add_avx2(all, blocks);
	else
		for (unsigned i = 0; i < n; i += 4)
			add_sse2(all + i, blocks);
	memcpy(lanes, all, n * sizeof(*lanes));
}
