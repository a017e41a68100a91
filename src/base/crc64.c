#include "base/crc64.h"

#include <pthread.h>

#define NVME_POLYNOMIAL 0x9a6c9329ac4bc9b5ULL /* reflected */
#define SLICES 8

static uint64_t table[SLICES][256];
/* x^n modulo the polynomial for folding over 512 and over 128 bits: low half, high half. */
static uint64_t fold512[2], fold128[2];

/* Reflected: the highest bit is the coefficient of x^0, so times x is a shift to the right. */
static uint64_t
times_x(uint64_t a, uint64_t polynomial)
{
	return a & 1 ? (a >> 1) ^ polynomial : a >> 1;
}

static uint64_t
multiply(uint64_t a, uint64_t b, uint64_t polynomial, unsigned width)
{
	uint64_t r = 0;
	for (uint64_t m = 1ULL << (width - 1); m; m >>= 1) {
		if (a & m)
			r ^= b;
		b = times_x(b, polynomial);
	}
	return r;
}

uint64_t
crc_shift(uint64_t a, uint64_t bytes, uint64_t polynomial, unsigned width)
{
	uint64_t square = 1ULL << (width - 1 - 8); /* x^8 */
	for (; bytes; bytes >>= 1) {
		if (bytes & 1)
			a = multiply(a, square, polynomial, width);
		square = multiply(square, square, polynomial, width);
	}
	return a;
}

static uint64_t
x_to_the(unsigned n)
{
	uint64_t a = 1ULL << 63;
	while (n--)
		a = times_x(a, NVME_POLYNOMIAL);
	return a;
}

static void
tables_init(void)
{
	for (unsigned i = 0; i < 256; i++) {
		uint64_t a = i;
		for (int bit = 0; bit < 8; bit++)
			a = times_x(a, NVME_POLYNOMIAL);
		table[0][i] = a;
	}
	for (unsigned s = 1; s < SLICES; s++)
		for (unsigned i = 0; i < 256; i++)
			table[s][i] = table[0][table[s - 1][i] & 255] ^ (table[s - 1][i] >> 8);
	/* A carry-less product of reflected halves stands one bit too high: hence the minus one. */
	fold512[0] = x_to_the(512 + 64 - 1);
	fold512[1] = x_to_the(512 - 1);
	fold128[0] = x_to_the(128 + 64 - 1);
	fold128[1] = x_to_the(128 - 1);
}

static void
tables_need(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, tables_init);
}

uint64_t
crc64_by_table(uint64_t state, const unsigned char *p, size_t n)
{
	tables_need();
	for (; n >= 8; p += 8, n -= 8) {
		uint64_t v;
		memcpy(&v, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		v = __builtin_bswap64(v);
#endif
		v ^= state;
		state = table[7][v & 255] ^ table[6][v >> 8 & 255] ^ table[5][v >> 16 & 255] ^
			table[4][v >> 24 & 255] ^ table[3][v >> 32 & 255] ^
			table[2][v >> 40 & 255] ^ table[1][v >> 48 & 255] ^ table[0][v >> 56];
	}
	while (n--)
		state = table[0][(state ^ *p++) & 255] ^ (state >> 8);
	return state;
}

#if defined(__x86_64__)
#include <immintrin.h>

__attribute__((target("pclmul,sse2"))) static inline __m128i
fold(__m128i a, __m128i by, __m128i next)
{
	__m128i low = _mm_clmulepi64_si128(a, by, 0x00);
	__m128i high = _mm_clmulepi64_si128(a, by, 0x11);
	return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

static inline __m128i
load(const unsigned char *p)
{
	return _mm_loadu_si128((const __m128i *)(const void *)p);
}

__attribute__((target("pclmul,sse2"))) uint64_t
crc64_by_multiply(uint64_t state, const unsigned char *p, size_t n)
{
	if (n < 64)
		return crc64_by_table(state, p, n);
	tables_need();
	__m128i by = _mm_set_epi64x((long long)fold512[1], (long long)fold512[0]);
	__m128i a = _mm_xor_si128(load(p), _mm_set_epi64x(0, (long long)state));
	__m128i b = load(p + 16), c = load(p + 32), d = load(p + 48);
	for (p += 64, n -= 64; n >= 64; p += 64, n -= 64) {
		a = fold(a, by, load(p));
		b = fold(b, by, load(p + 16));
		c = fold(c, by, load(p + 32));
		d = fold(d, by, load(p + 48));
	}
	by = _mm_set_epi64x((long long)fold128[1], (long long)fold128[0]);
	a = fold(fold(fold(a, by, b), by, c), by, d);
	for (; n >= 16; p += 16, n -= 16)
		a = fold(a, by, load(p));
	/* 16 bytes that leave the same remainder as all before: the table finishes. */
	unsigned char rest[16];
	_mm_storeu_si128((__m128i *)(void *)rest, a);
	return crc64_by_table(crc64_by_table(0, rest, sizeof(rest)), p, n);
}

bool
crc64_can_multiply(void)
{
	return __builtin_cpu_supports("pclmul");
}
#else
uint64_t
crc64_by_multiply(uint64_t state, const unsigned char *p, size_t n)
{
	return crc64_by_table(state, p, n);
}

bool
crc64_can_multiply(void)
{
	return false;
}
#endif
