#include "base/ids.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/text.h"

#define POOL_BYTES 512

static _Thread_local struct {
	unsigned char bytes[POOL_BYTES];
	size_t left; /* unused bytes at the end */
	unsigned generation;
} pool;

/* A child must not hand out the bytes that its parent will. */
static atomic_uint generation = 1;
static _Atomic uint64_t seed;
static _Atomic uint64_t seeded_calls;

static void
generation_next(void)
{
	atomic_fetch_add(&generation, 1);
}

__attribute__((constructor)) static void
ids_init(void)
{
	pthread_atfork(NULL, NULL, generation_next);
}

void
ids_seed(uint64_t value)
{
	atomic_store(&seeded_calls, 0);
	atomic_store(&seed, value);
}

static void
kernel_bytes(unsigned char *p, size_t n)
{
	while (n) {
		ssize_t got = getrandom(p, n, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			abort(); /* without randomness there are no secrets */
		p += got;
		n -= (size_t)got;
	}
}

/* The finaliser of SplitMix64 over a counter. */
static uint64_t
seeded_u64(uint64_t s)
{
	uint64_t z = s + (atomic_fetch_add(&seeded_calls, 1) + 1) * 0x9e3779b97f4a7c15ULL;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static void
seeded_bytes(uint64_t s, unsigned char *p, size_t n)
{
	while (n) {
		uint64_t v = seeded_u64(s);
		size_t k = n < 8 ? n : 8;
		memcpy(p, &v, k);
		p += k;
		n -= k;
	}
}

void
random_bytes(void *ret, size_t n)
{
	uint64_t s = atomic_load_explicit(&seed, memory_order_relaxed);
	unsigned now = atomic_load_explicit(&generation, memory_order_relaxed);
	if (s) {
		seeded_bytes(s, ret, n);
		return;
	}
	if (n > POOL_BYTES) {
		kernel_bytes(ret, n);
		return;
	}
	if (pool.left < n || pool.generation != now) {
		kernel_bytes(pool.bytes, POOL_BYTES);
		pool.left = POOL_BYTES;
		pool.generation = now;
	}
	unsigned char *from = pool.bytes + POOL_BYTES - pool.left;
	memcpy(ret, from, n);
	explicit_bzero(from, n);
	pool.left -= n;
}

uint64_t
random_u64(void)
{
	uint64_t v;
	random_bytes(&v, sizeof(v));
	return v;
}

uint64_t
random_below(uint64_t n)
{
	uint64_t v, unfair = (0 - n) % n; /* 2^64 mod n: those low products are drawn again */
	for (;;) {
		unsigned __int128 m = (unsigned __int128)(v = random_u64()) * n;
		if ((uint64_t)m >= unfair)
			return (uint64_t)(m >> 64);
	}
}

void
random_chars(char *ret, size_t n, const char *alphabet)
{
	unsigned size = (unsigned)strlen(alphabet), fair = 256 - 256 % size;
	unsigned char draw[64];
	size_t at = 0;
	while (at < n) {
		size_t want = n - at < sizeof(draw) ? n - at : sizeof(draw);
		random_bytes(draw, want);
		for (size_t i = 0; i < want; i++)
			if (draw[i] < fair)
				ret[at++] = alphabet[draw[i] % size];
	}
	explicit_bzero(draw, sizeof(draw));
	ret[n] = 0;
}

void
ids_hex(char *ret, size_t digits)
{
	random_chars(ret, digits, "0123456789abcdef");
}

struct str
ids_chars_text(struct arena *a, const char *prefix, size_t n, const char *alphabet)
{
	size_t k = strlen(prefix);
	char *p = arena_alloc_raw(a, k + n + 1);
	memcpy(p, prefix, k);
	random_chars(p + k, n, alphabet);
	return str_of(p, k + n);
}

struct str
ids_hex_text(struct arena *a, const char *prefix, size_t digits)
{
	return ids_chars_text(a, prefix, digits, "0123456789abcdef");
}

void
ids_uuid(char ret[IDS_UUID_LEN + 1])
{
	unsigned char b[16];
	random_bytes(b, sizeof(b));
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	static const unsigned char groups[] = { 4, 2, 2, 2, 6 };
	size_t at = 0;
	for (unsigned g = 0; g < sizeof(groups); at += groups[g++]) {
		if (g)
			*ret++ = '-';
		hex_encode(str_of(b + at, groups[g]), ret);
		ret += 2 * groups[g];
	}
	*ret = 0;
}

struct str
ids_uuid_text(struct arena *a)
{
	char *p = arena_alloc_raw(a, IDS_UUID_LEN + 1);
	ids_uuid(p);
	return str_of(p, IDS_UUID_LEN);
}

/* Request ids name a call in a log; they guard nothing. So they need no kernel randomness, which
 * was a noticeable part of a small GET: SplitMix64 from a random start of each thread. */
static uint64_t
label_u64(void)
{
	static _Thread_local uint64_t state;
	uint64_t s = atomic_load_explicit(&seed, memory_order_relaxed);
	if (s)
		return seeded_u64(s);
	if (!state)
		state = random_u64() | 1;
	uint64_t z = state += 0x9e3779b97f4a7c15ULL;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

void
ids_s3_request(char ret[IDS_S3_REQUEST_LEN + 1])
{
	static const char alphabet[] = IDS_UPPER_ALNUM;
	for (unsigned i = 0; i < IDS_S3_REQUEST_LEN; i += 8) {
		uint64_t v = label_u64();
		for (unsigned k = 0; k < 8; k++, v >>= 8)
			ret[i + k] = alphabet[(v & 0xff) * (sizeof(alphabet) - 1) >> 8];
	}
	ret[IDS_S3_REQUEST_LEN] = 0;
}

void
ids_s3_extended(char ret[IDS_S3_EXTENDED_LEN + 1])
{
	uint64_t b[7];
	for (unsigned i = 0; i < 7; i++)
		b[i] = label_u64();
	base64_encode(str_of(b, sizeof(b)), ret);
	ret[IDS_S3_EXTENDED_LEN] = 0;
}
