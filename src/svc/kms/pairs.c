/* RSA, elliptic curves, Ed25519: pairs as PKCS#8 and SubjectPublicKeyInfo, by OpenSSL. */
#include "svc/kms/kms.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

static EVP_PKEY *
pair_new(const struct kms_spec *s)
{
	EVP_PKEY *key = NULL;
	if (s->kind == KMS_RSA)
		return EVP_RSA_gen(s->bits);
	EVP_PKEY_CTX *x =
		EVP_PKEY_CTX_new_id(s->kind == KMS_EC ? EVP_PKEY_EC : EVP_PKEY_ED25519, NULL);
	if (!x || EVP_PKEY_keygen_init(x) != 1 ||
		(s->kind == KMS_EC &&
			(EVP_PKEY_CTX_set_ec_paramgen_curve_nid(x, s->curve) != 1 ||
				EVP_PKEY_CTX_set_ec_param_enc(x, OPENSSL_EC_NAMED_CURVE) != 1)) ||
		EVP_PKEY_keygen(x, &key) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(x);
	return key;
}

static struct str
public_of(struct arena *a, EVP_PKEY *key)
{
	unsigned char *der = NULL;
	int n = i2d_PUBKEY(key, &der);
	struct str text = n > 0 ? arena_dup(a, str_of(der, (size_t)n)) : STR_NULL;
	OPENSSL_free(der);
	return text;
}

static bool
private_of(EVP_PKEY *key, struct kms_secret *ret)
{
	unsigned char *p = ret->b;
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
	int n = info ? i2d_PKCS8_PRIV_KEY_INFO(info, NULL) : -1;
	if (n > 0 && (size_t)n <= sizeof(ret->b))
		n = i2d_PKCS8_PRIV_KEY_INFO(info, &p);
	else
		n = -1;
	PKCS8_PRIV_KEY_INFO_free(info);
	ret->len = n > 0 ? (size_t)n : 0;
	return n > 0;
}

bool
kms_pair_make(
	const struct kms_spec *s, struct kms_secret *ret, struct str *ret_public, struct arena *a)
{
	EVP_PKEY *key = pair_new(s);
	bool ok = key && private_of(key, ret);
	*ret_public = ok ? public_of(a, key) : STR_NULL;
	EVP_PKEY_free(key);
	return ok && ret_public->p;
}
