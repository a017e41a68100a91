#include "base/seal.h"

#include "base/digest.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>

struct half {
	EVP_CIPHER_CTX *ctx;
	unsigned char key[SEAL_KEY];
};

struct seals {
	struct half in, out;
};

static pthread_key_t seals_key;
static pthread_once_t seals_once = PTHREAD_ONCE_INIT;

static void
seals_free(void *p)
{
	struct seals *s = p;
	EVP_CIPHER_CTX_free(s->in.ctx);
	EVP_CIPHER_CTX_free(s->out.ctx);
	OPENSSL_cleanse(s, sizeof(*s));
	free(s);
}

static void
seals_init(void)
{
	if (pthread_key_create(&seals_key, seals_free))
		abort();
}

static struct seals *
seals_get(void)
{
	pthread_once(&seals_once, seals_init);
	struct seals *s = pthread_getspecific(seals_key);
	if (s)
		return s;
	s = calloc(1, sizeof(*s));
	if (!s || pthread_setspecific(seals_key, s))
		abort();
	return s;
}

/* Memory is what fails here, and a cipher that this OpenSSL does not have: neither can be
 * mended. */
static void
half_ready(struct half *h, bool encrypt, const unsigned char *key, const unsigned char *nonce)
{
	bool fresh = !h->ctx;
	if (fresh && !(h->ctx = EVP_CIPHER_CTX_new()))
		abort();
	bool same = !fresh && memcmp(h->key, key, SEAL_KEY) == 0;
	if (EVP_CipherInit_ex(h->ctx, fresh ? EVP_aes_256_gcm() : NULL, NULL, same ? NULL : key,
		    nonce, encrypt) != 1)
		abort();
	memcpy(h->key, key, SEAL_KEY);
}

void
seal(const unsigned char key[SEAL_KEY], const unsigned char nonce[SEAL_NONCE], struct str about,
	struct str plain, unsigned char *ret)
{
	struct half *h = &seals_get()->in;
	int n = 0;
	half_ready(h, true, key, nonce);
	if ((about.len && EVP_EncryptUpdate(h->ctx, NULL, &n, (const unsigned char *)about.p,
				  (int)about.len) != 1) ||
		(plain.len && EVP_EncryptUpdate(h->ctx, ret, &n, (const unsigned char *)plain.p,
				      (int)plain.len) != 1) ||
		EVP_EncryptFinal_ex(h->ctx, ret + plain.len, &n) != 1 ||
		EVP_CIPHER_CTX_ctrl(h->ctx, EVP_CTRL_AEAD_GET_TAG, SEAL_TAG, ret + plain.len) != 1)
		abort();
}

bool
unseal(const unsigned char key[SEAL_KEY], const unsigned char nonce[SEAL_NONCE], struct str about,
	struct str sealed, unsigned char *ret)
{
	if (sealed.len < SEAL_TAG)
		return false;
	struct half *h = &seals_get()->out;
	size_t len = sealed.len - SEAL_TAG;
	unsigned char tag[SEAL_TAG], last[16];
	int n = 0;
	memcpy(tag, sealed.p + len, sizeof(tag));
	half_ready(h, false, key, nonce);
	if ((about.len && EVP_DecryptUpdate(h->ctx, NULL, &n, (const unsigned char *)about.p,
				  (int)about.len) != 1) ||
		(len && EVP_DecryptUpdate(
				h->ctx, ret, &n, (const unsigned char *)sealed.p, (int)len) != 1) ||
		EVP_CIPHER_CTX_ctrl(h->ctx, EVP_CTRL_AEAD_SET_TAG, SEAL_TAG, tag) != 1)
		return false;
	return EVP_DecryptFinal_ex(h->ctx, last, &n) == 1;
}

void
seal_derive(const unsigned char key[SEAL_KEY], struct str purpose, unsigned char ret[SEAL_KEY])
{
	hmac_sha256(str_of(key, SEAL_KEY), purpose, ret);
}
