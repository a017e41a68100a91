#include "aws/sigv4_internal.h"

#include <assert.h>
#include <string.h>

/* One entry for each (secret, scope) in use; a collision only costs a derivation. */
#define CACHE_N 64
#define CACHE_TEXT 256

struct cache_entry {
	struct sigv4_key key;
	uint16_t len; /* 0: free */
	char text[CACHE_TEXT];
};
static _Thread_local struct cache_entry cache[CACHE_N];

static const char hex_digits[] = "0123456789abcdef";

void
sigv4_hex(const unsigned char *bytes, size_t n, char *ret)
{
	for (size_t i = 0; i < n; i++) {
		ret[2 * i] = hex_digits[bytes[i] >> 4];
		ret[2 * i + 1] = hex_digits[bytes[i] & 15];
	}
}

static void
state_of(const unsigned char *key, size_t len, unsigned char pad, uint32_t ret[8])
{
	unsigned char block[SHA256_CBLOCK];
	memset(block, pad, sizeof(block));
	for (size_t i = 0; i < len; i++)
		block[i] ^= key[i];
	SHA256_CTX c;
	SHA256_Init(&c);
	SHA256_Transform(&c, block);
	for (int i = 0; i < 8; i++)
		ret[i] = c.h[i];
}

static void
key_of(struct str secret, struct sigv4_key *ret)
{
	unsigned char shortened[32];
	if (secret.len > SHA256_CBLOCK) {
		SHA256((const unsigned char *)secret.p, secret.len, shortened);
		secret = str_of(shortened, sizeof(shortened));
	}
	state_of((const unsigned char *)secret.p, secret.len, 0x36, ret->inner);
	state_of((const unsigned char *)secret.p, secret.len, 0x5c, ret->outer);
}

/* Goes on from the state after one block. */
static void
resume(SHA256_CTX *c, const uint32_t state[8])
{
	SHA256_Init(c);
	for (int i = 0; i < 8; i++)
		c->h[i] = state[i];
	c->Nl = SHA256_CBLOCK * 8;
}

static void
key_hmac(const struct sigv4_key *k, struct str text, unsigned char ret[32])
{
	SHA256_CTX c;
	resume(&c, k->inner);
	SHA256_Update(&c, text.p, text.len);
	SHA256_Final(ret, &c);
	resume(&c, k->outer);
	SHA256_Update(&c, ret, 32);
	SHA256_Final(ret, &c);
}

void
sigv4_key_derive(struct str secret, struct str date, struct str region, struct str service,
	struct sigv4_key *ret_key)
{
	char first[4 + 256];
	unsigned char step[32];
	struct sigv4_key k;

	/* Secrets are 40 characters; nobody's is cut in a way that another could be mistaken for
	 * it. */
	assert(secret.len <= sizeof(first) - 4);
	memcpy(first, "AWS4", 4);
	if (secret.len)
		memcpy(first + 4, secret.p, secret.len);
	key_of(str_of(first, 4 + secret.len), &k);
	const struct str pieces[] = { date, region, service, STR("aws4_request") };
	for (int i = 0; i < 4; i++) {
		key_hmac(&k, pieces[i], step);
		key_of(str_of(step, sizeof(step)), &k);
	}
	*ret_key = k;
	explicit_bzero(first, sizeof(first));
}

void
sigv4_key_cached(struct str secret, struct str date, struct str region, struct str service,
	struct sigv4_key *ret_key)
{
	const struct str pieces[] = { secret, date, region, service };
	char text[CACHE_TEXT];
	size_t n = 0;

	for (int i = 0; i < 4; i++) {
		if (n + pieces[i].len + 1 > sizeof(text)) {
			sigv4_key_derive(secret, date, region, service, ret_key);
			return;
		}
		if (pieces[i].len)
			memcpy(text + n, pieces[i].p, pieces[i].len);
		n += pieces[i].len;
		text[n++] = '\0';
	}
	struct cache_entry *e = &cache[str_hash(str_of(text, n)) % CACHE_N];
	if (e->len != n || memcmp(e->text, text, n) != 0) {
		sigv4_key_derive(secret, date, region, service, &e->key);
		memcpy(e->text, text, n);
		e->len = (uint16_t)n;
	}
	*ret_key = e->key;
}

void
sigv4_key_sign(const struct sigv4_key *k, struct str text, char ret_hex[64])
{
	unsigned char mac[32];
	key_hmac(k, text, mac);
	sigv4_hex(mac, sizeof(mac), ret_hex);
}
