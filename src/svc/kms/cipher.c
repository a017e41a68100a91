#include "svc/kms/cipher.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

static EVP_PKEY *
public_read(struct str der)
{
	const unsigned char *p = (const unsigned char *)der.p;
	return der.len ? d2i_PUBKEY(NULL, &p, (long)der.len) : NULL;
}

static EVP_PKEY *
private_read(struct str der)
{
	const unsigned char *p = (const unsigned char *)der.p;
	PKCS8_PRIV_KEY_INFO *info =
		der.len ? d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long)der.len) : NULL;
	EVP_PKEY *key = info ? EVP_PKCS82PKEY(info) : NULL;
	PKCS8_PRIV_KEY_INFO_free(info);
	return key;
}

/* ---- RSAES_OAEP ---- */

static const EVP_MD *
oaep_digest(struct str algorithm)
{
	return str_is(algorithm, "RSAES_OAEP_SHA_1") ? EVP_sha1() : EVP_sha256();
}

static bool
oaep(EVP_PKEY_CTX *x, struct str algorithm)
{
	return EVP_PKEY_CTX_set_rsa_padding(x, RSA_PKCS1_OAEP_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_rsa_oaep_md(x, oaep_digest(algorithm)) == 1 &&
	       EVP_PKEY_CTX_set_rsa_mgf1_md(x, oaep_digest(algorithm)) == 1;
}

size_t
kms_rsa_max(struct str pub, struct str algorithm)
{
	EVP_PKEY *key = public_read(pub);
	size_t n = key ? (size_t)EVP_PKEY_get_size(key) : 0;
	size_t digest = (size_t)EVP_MD_get_size(oaep_digest(algorithm));
	EVP_PKEY_free(key);
	return n > 2 * digest + 2 ? n - 2 * digest - 2 : 0;
}

struct str
kms_rsa_encrypt(struct arena *a, struct str pub, struct str algorithm, struct str plain)
{
	EVP_PKEY *key = public_read(pub);
	EVP_PKEY_CTX *x = key ? EVP_PKEY_CTX_new(key, NULL) : NULL;
	size_t n = key ? (size_t)EVP_PKEY_get_size(key) : 0;
	char *out = arena_alloc_raw(a, n);
	bool ok = x && EVP_PKEY_encrypt_init(x) == 1 && oaep(x, algorithm) &&
		  EVP_PKEY_encrypt(x, (unsigned char *)out, &n, (const unsigned char *)plain.p,
			  plain.len) == 1;
	EVP_PKEY_CTX_free(x);
	EVP_PKEY_free(key);
	return ok ? str_of(out, n) : STR_NULL;
}

struct str
kms_rsa_decrypt(struct arena *a, struct str priv, struct str algorithm, struct str box)
{
	EVP_PKEY *key = private_read(priv);
	EVP_PKEY_CTX *x = key ? EVP_PKEY_CTX_new(key, NULL) : NULL;
	size_t n = key ? (size_t)EVP_PKEY_get_size(key) : 0;
	char *out = arena_alloc_raw(a, n);
	bool ok = x && EVP_PKEY_decrypt_init(x) == 1 && oaep(x, algorithm) &&
		  EVP_PKEY_decrypt(
			  x, (unsigned char *)out, &n, (const unsigned char *)box.p, box.len) == 1;
	EVP_PKEY_CTX_free(x);
	EVP_PKEY_free(key);
	return ok ? str_of(out, n) : STR_NULL;
}

/* ---- signatures ---- */

static const EVP_MD *
sign_digest(struct str algorithm)
{
	if (str_is(algorithm, "ED25519_SHA_512"))
		return NULL;
	return str_ends(algorithm, STR("256"))   ? EVP_sha256()
	       : str_ends(algorithm, STR("384")) ? EVP_sha384()
						 : EVP_sha512();
}

size_t
kms_sign_digest_bytes(struct str algorithm)
{
	const EVP_MD *md = sign_digest(algorithm);
	return md ? (size_t)EVP_MD_get_size(md) : 0;
}

static bool
padding(EVP_PKEY_CTX *x, struct str algorithm)
{
	if (str_starts(algorithm, STR("RSASSA_PSS_")))
		return EVP_PKEY_CTX_set_rsa_padding(x, RSA_PKCS1_PSS_PADDING) == 1 &&
		       EVP_PKEY_CTX_set_rsa_pss_saltlen(x, RSA_PSS_SALTLEN_DIGEST) == 1;
	if (str_starts(algorithm, STR("RSASSA_PKCS1_")))
		return EVP_PKEY_CTX_set_rsa_padding(x, RSA_PKCS1_PADDING) == 1;
	return true;
}

static bool
sign_message(EVP_PKEY *key, struct str algorithm, struct str message, unsigned char *out, size_t *n)
{
	EVP_MD_CTX *m = EVP_MD_CTX_new();
	EVP_PKEY_CTX *x = NULL;
	bool ok = m && EVP_DigestSignInit(m, &x, sign_digest(algorithm), NULL, key) == 1 &&
		  padding(x, algorithm) &&
		  EVP_DigestSign(m, out, n, (const unsigned char *)message.p, message.len) == 1;
	EVP_MD_CTX_free(m);
	return ok;
}

static bool
sign_sum(EVP_PKEY *key, struct str algorithm, struct str sum, unsigned char *out, size_t *n)
{
	EVP_PKEY_CTX *x = EVP_PKEY_CTX_new(key, NULL);
	bool ok = x && EVP_PKEY_sign_init(x) == 1 && padding(x, algorithm) &&
		  EVP_PKEY_CTX_set_signature_md(x, sign_digest(algorithm)) == 1 &&
		  EVP_PKEY_sign(x, out, n, (const unsigned char *)sum.p, sum.len) == 1;
	EVP_PKEY_CTX_free(x);
	return ok;
}

struct str
kms_cipher_sign(
	struct arena *a, struct str priv, struct str algorithm, struct str message, bool digest)
{
	EVP_PKEY *key = private_read(priv);
	size_t n = key ? (size_t)EVP_PKEY_get_size(key) : 0;
	char *out = arena_alloc_raw(a, n);
	bool ok = key && (digest ? sign_sum : sign_message)(
				 key, algorithm, message, (unsigned char *)out, &n);
	EVP_PKEY_free(key);
	return ok ? str_of(out, n) : STR_NULL;
}

static bool
verify_message(EVP_PKEY *key, struct str algorithm, struct str message, struct str signature)
{
	EVP_MD_CTX *m = EVP_MD_CTX_new();
	EVP_PKEY_CTX *x = NULL;
	bool ok = m && EVP_DigestVerifyInit(m, &x, sign_digest(algorithm), NULL, key) == 1 &&
		  padding(x, algorithm) &&
		  EVP_DigestVerify(m, (const unsigned char *)signature.p, signature.len,
			  (const unsigned char *)message.p, message.len) == 1;
	EVP_MD_CTX_free(m);
	return ok;
}

static bool
verify_sum(EVP_PKEY *key, struct str algorithm, struct str sum, struct str signature)
{
	EVP_PKEY_CTX *x = EVP_PKEY_CTX_new(key, NULL);
	bool ok = x && EVP_PKEY_verify_init(x) == 1 && padding(x, algorithm) &&
		  EVP_PKEY_CTX_set_signature_md(x, sign_digest(algorithm)) == 1 &&
		  EVP_PKEY_verify(x, (const unsigned char *)signature.p, signature.len,
			  (const unsigned char *)sum.p, sum.len) == 1;
	EVP_PKEY_CTX_free(x);
	return ok;
}

bool
kms_cipher_verify(
	struct str pub, struct str algorithm, struct str message, bool digest, struct str signature)
{
	EVP_PKEY *key = public_read(pub);
	bool ok = key && (digest ? verify_sum : verify_message)(key, algorithm, message, signature);
	EVP_PKEY_free(key);
	return ok;
}

struct str
kms_cipher_agree(struct arena *a, struct str priv, struct str peer)
{
	EVP_PKEY *key = private_read(priv), *other = public_read(peer);
	EVP_PKEY_CTX *x = key && other ? EVP_PKEY_CTX_new(key, NULL) : NULL;
	unsigned char out[128];
	size_t n = sizeof(out);
	/* set_peer checks that the point lies on the key's own curve. */
	bool ok = x && EVP_PKEY_derive_init(x) == 1 && EVP_PKEY_derive_set_peer(x, other) == 1 &&
		  EVP_PKEY_derive(x, out, &n) == 1;
	struct str secret = ok ? arena_dup(a, str_of(out, n)) : STR_NULL;
	explicit_bzero(out, sizeof(out));
	EVP_PKEY_CTX_free(x);
	EVP_PKEY_free(other);
	EVP_PKEY_free(key);
	return secret;
}
