#include "svc/s3/sse.h"

#include "aws/master_key.h"

#include <pthread.h>

static unsigned char blobs_key[SEAL_KEY];
static pthread_once_t once = PTHREAD_ONCE_INIT;
/* Of one thread: the bucket it sealed for last. */
static _Thread_local struct {
	unsigned char from[SEAL_KEY], key[SEAL_KEY];
	uint64_t bucket;
	bool there;
} last;

static void
blobs_key_make(void)
{
	master_key_derive(STR("s3 bodies"), blobs_key);
}

void
s3_sse_start(void)
{
	pthread_once(&once, blobs_key_make);
	blobs_key_make();
}

const unsigned char *
s3_sse_key(void)
{
	pthread_once(&once, blobs_key_make);
	return blobs_key;
}

static const unsigned char *
bucket_key(uint64_t bucket)
{
	const unsigned char *from = s3_sse_key();
	if (last.there && last.bucket == bucket && memcmp(last.from, from, SEAL_KEY) == 0)
		return last.key;
	struct key purpose;
	key_begin(&purpose);
	key_add_lit(&purpose, "bucket");
	key_add_u64(&purpose, bucket);
	seal_derive(from, key_str(&purpose), last.key);
	memcpy(last.from, from, SEAL_KEY);
	last.bucket = bucket;
	last.there = true;
	return last.key;
}

struct str
s3_sse_seal(struct call *c, uint64_t bucket, struct str key, struct str plain)
{
	size_t len = SEAL_NONCE + plain.len + SEAL_TAG;
	char *box = arena_alloc_raw(c->arena, len);
	random_bytes(box, SEAL_NONCE);
	seal(bucket_key(bucket), (unsigned char *)box, key, plain,
		(unsigned char *)box + SEAL_NONCE);
	return str_of(box, len);
}

struct str
s3_sse_unseal(struct call *c, uint64_t bucket, struct str key, struct str sealed)
{
	if (sealed.len < SEAL_NONCE + SEAL_TAG)
		return STR_NULL;
	struct str box = str_slice(sealed, SEAL_NONCE, sealed.len);
	char *plain = arena_alloc_raw(c->arena, box.len);
	if (!unseal(bucket_key(bucket), (const unsigned char *)sealed.p, key, box,
		    (unsigned char *)plain))
		return STR_NULL;
	return str_of(plain, box.len - SEAL_TAG);
}

#define SALT 16
static const unsigned char no_nonce[SEAL_NONCE];

/* The key serves one text only, so one nonce does. */
struct str
s3_sse_seal_own(struct call *c, const unsigned char *own, struct str key, struct str plain)
{
	unsigned char once_key[SEAL_KEY];
	size_t len = SALT + plain.len + SEAL_TAG;
	char *box = arena_alloc_raw(c->arena, len);
	random_bytes(box, SALT);
	seal_derive(own, str_of(box, SALT), once_key);
	seal(once_key, no_nonce, key, plain, (unsigned char *)box + SALT);
	explicit_bzero(once_key, sizeof(once_key));
	return str_of(box, len);
}

struct str
s3_sse_unseal_own(struct call *c, const unsigned char *own, struct str key, struct str sealed)
{
	unsigned char once_key[SEAL_KEY];
	if (sealed.len < SALT + SEAL_TAG)
		return STR_NULL;
	struct str box = str_slice(sealed, SALT, sealed.len);
	char *plain = arena_alloc_raw(c->arena, box.len);
	seal_derive(own, str_slice(sealed, 0, SALT), once_key);
	bool ok = unseal(once_key, no_nonce, key, box, (unsigned char *)plain);
	explicit_bzero(once_key, sizeof(once_key));
	return ok ? str_of(plain, box.len - SEAL_TAG) : STR_NULL;
}
