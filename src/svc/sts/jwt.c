#include "svc/sts/jwt.h"

#include "base/text.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

static const struct algorithm {
	const char *name, *type, *curve, *group;
	const EVP_MD *(*digest)(void);
	size_t half; /* of an ECDSA signature */
} algorithms[] = {
	{ "RS256", "RSA", NULL, NULL, EVP_sha256, 0 },
	{ "RS384", "RSA", NULL, NULL, EVP_sha384, 0 },
	{ "RS512", "RSA", NULL, NULL, EVP_sha512, 0 },
	{ "ES256", "EC", "P-256", "prime256v1", EVP_sha256, 32 },
	{ "ES384", "EC", "P-384", "secp384r1", EVP_sha384, 48 },
};

bool
jwt_parse(struct arena *a, struct str token, struct jwt *ret)
{
	struct str rest = token, head = str_cut(&rest, '.'), body, header, claims;
	if (!rest.p)
		return false;
	body = str_cut(&rest, '.');
	if (!rest.p || str_find(rest, '.') >= 0)
		return false;
	header = base64_bytes(a, head, BASE64_URL);
	claims = base64_bytes(a, body, BASE64_URL);
	ret->signature = base64_bytes(a, rest, BASE64_URL);
	if (!header.p || !claims.p || !ret->signature.p)
		return false;
	const struct json *h = json_parse(a, header, 8, NULL);
	ret->claims = json_parse(a, claims, 16, NULL);
	ret->alg = json_get_text(h, STR("alg"));
	ret->kid = json_get_text(h, STR("kid"));
	if (!ret->kid.p)
		ret->kid = STR("");
	ret->signed_text = str_slice(token, 0, head.len + 1 + body.len);
	/* An extension that must be understood is not. */
	return ret->alg.p && json_is(ret->claims, JSON_OBJECT) && !json_get_lit(h, "crit");
}

static const struct algorithm *
algorithm_find(struct str name)
{
	for (unsigned i = 0; i < sizeof(algorithms) / sizeof(*algorithms); i++)
		if (str_eq(name, str_c(algorithms[i].name)))
			return &algorithms[i];
	return NULL;
}

static EVP_PKEY *
key_build(const char *type, OSSL_PARAM_BLD *build)
{
	EVP_PKEY *key = NULL;
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	if (params && ctx && EVP_PKEY_fromdata_init(ctx) == 1 &&
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	return key;
}

static struct str
member_bytes(struct arena *a, const struct json *j, struct str name)
{
	struct str text = json_get_text(j, name);
	return text.p && text.len <= 4096 ? base64_bytes(a, text, BASE64_URL) : STR_NULL;
}

static EVP_PKEY *
rsa_key(struct arena *a, const struct json *j)
{
	struct str n = member_bytes(a, j, STR("n")), e = member_bytes(a, j, STR("e"));
	/* Between 2048 and 8192 bits; a huge exponent would only burn time. */
	if (!n.p || !e.p || n.len < 256 || n.len > 1025 || e.len == 0 || e.len > 8)
		return NULL;
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *bn = BN_bin2bn((const unsigned char *)n.p, (int)n.len, NULL);
	BIGNUM *be = BN_bin2bn((const unsigned char *)e.p, (int)e.len, NULL);
	EVP_PKEY *key = NULL;
	if (OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, bn) == 1 &&
		OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, be) == 1)
		key = key_build("RSA", build);
	OSSL_PARAM_BLD_free(build);
	BN_free(bn);
	BN_free(be);
	return key;
}

static EVP_PKEY *
ec_key(struct arena *a, const struct json *j, const struct algorithm *alg)
{
	struct str x = member_bytes(a, j, STR("x")), y = member_bytes(a, j, STR("y"));
	unsigned char point[1 + 2 * 48];
	if (!str_eq(json_get_text(j, STR("crv")), str_c(alg->curve)) || !x.p || !y.p ||
		x.len != alg->half || y.len != alg->half)
		return NULL;
	point[0] = 4;
	memcpy(point + 1, x.p, x.len);
	memcpy(point + 1 + x.len, y.p, y.len);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY *key = NULL;
	if (OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, alg->group, 0) ==
			1 &&
		OSSL_PARAM_BLD_push_octet_string(
			build, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * alg->half) == 1)
		key = key_build("EC", build);
	OSSL_PARAM_BLD_free(build);
	return key;
}

/* Two numbers side by side, where OpenSSL wants DER. */
static struct str
ecdsa_der(struct arena *a, struct str raw, size_t half)
{
	unsigned char *der = NULL;
	if (raw.len != 2 * half)
		return STR_NULL;
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn((const unsigned char *)raw.p, (int)half, NULL);
	BIGNUM *s = BN_bin2bn((const unsigned char *)raw.p + half, (int)half, NULL);
	ECDSA_SIG_set0(sig, r, s);
	int n = i2d_ECDSA_SIG(sig, &der);
	struct str out = n > 0 ? arena_dup(a, str_of(der, (size_t)n)) : STR_NULL;
	OPENSSL_free(der);
	ECDSA_SIG_free(sig);
	return out;
}

static bool
signature_good(
	struct arena *a, const struct jwt *t, const struct algorithm *alg, const struct json *jwk)
{
	EVP_PKEY *key = alg->half ? ec_key(a, jwk, alg) : rsa_key(a, jwk);
	struct str sig = alg->half ? ecdsa_der(a, t->signature, alg->half) : t->signature;
	bool good = false;
	if (key && sig.p) {
		EVP_MD_CTX *ctx = EVP_MD_CTX_new();
		good = EVP_DigestVerifyInit(ctx, NULL, alg->digest(), NULL, key) == 1 &&
		       EVP_DigestVerify(ctx, (const unsigned char *)sig.p, sig.len,
			       (const unsigned char *)t->signed_text.p, t->signed_text.len) == 1;
		EVP_MD_CTX_free(ctx);
	}
	EVP_PKEY_free(key);
	return good;
}

static bool
key_fits(const struct json *jwk, const struct jwt *t, const struct algorithm *alg)
{
	struct str kid = json_get_text(jwk, STR("kid")), own = json_get_text(jwk, STR("alg"));
	struct str use = json_get_text(jwk, STR("use"));
	return str_eq(json_get_text(jwk, STR("kty")), str_c(alg->type)) &&
	       (!own.p || str_eq(own, t->alg)) && (!use.p || str_is(use, "sig")) &&
	       (!t->kid.len || str_eq(kid, t->kid));
}

enum jwt_result
jwt_verify(struct arena *a, const struct jwt *t, const struct json *keys)
{
	const struct algorithm *alg = algorithm_find(t->alg);
	const struct json *list = json_get_lit(keys, "keys");
	bool any = false;
	if (!alg)
		return JWT_BAD;
	for (uint32_t i = 0; json_is(list, JSON_ARRAY) && i < list->n && i < 64; i++) {
		const struct json *jwk = json_at(list, i);
		if (!key_fits(jwk, t, alg))
			continue;
		any = true;
		if (signature_good(a, t, alg, jwk))
			return JWT_GOOD;
	}
	return any ? JWT_BAD : JWT_NO_KEY;
}
