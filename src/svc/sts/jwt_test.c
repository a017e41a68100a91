#include "svc/sts/jwt.h"

#include "base/text.h"
#include "unit.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

struct signer {
	struct arena a;
	EVP_PKEY *key;
	struct json *keys;
};

static void
signer_open(struct signer *s, const char *kid)
{
	unsigned char point[65];
	size_t n = 0;
	arena_init(&s->a);
	s->key = EVP_EC_gen("P-256");
	assert_int_equal(EVP_PKEY_get_octet_string_param(
				 s->key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &n),
		1);
	assert_int_equal(n, 65);
	struct str text = arena_printf(&s->a,
		"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"%s\",\"x\":\"%.*s\",\"y\":"
		"\"%.*s\"}]}",
		kid, STR_FMT(base64_url_text(&s->a, str_of(point + 1, 32))),
		STR_FMT(base64_url_text(&s->a, str_of(point + 33, 32))));
	s->keys = json_parse(&s->a, text, 0, NULL);
}

static void
signer_close(struct signer *s)
{
	EVP_PKEY_free(s->key);
	arena_done(&s->a);
}

static struct str
signer_token(struct signer *s, const char *header, const char *claims)
{
	struct str text =
		arena_printf(&s->a, "%.*s.%.*s", STR_FMT(base64_url_text(&s->a, str_c(header))),
			STR_FMT(base64_url_text(&s->a, str_c(claims))));
	unsigned char der[80], raw[64];
	const unsigned char *at = der;
	size_t n = sizeof(der);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, s->key);
	assert_int_equal(EVP_DigestSign(ctx, der, &n, (const unsigned char *)text.p, text.len), 1);
	EVP_MD_CTX_free(ctx);
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)n);
	BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, 32);
	BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + 32, 32);
	ECDSA_SIG_free(sig);
	return arena_printf(&s->a, "%.*s.%.*s", STR_FMT(text),
		STR_FMT(base64_url_text(&s->a, str_of(raw, 64))));
}

TEST(jwt_good_and_forged)
{
	struct signer s, other;
	struct jwt t;
	signer_open(&s, "k1");
	signer_open(&other, "k1");
	struct str token =
		signer_token(&s, "{\"alg\":\"ES256\",\"kid\":\"k1\"}", "{\"sub\":\"x\"}");
	assert_true(jwt_parse(&s.a, token, &t));
	assert_str(json_get_text(t.claims, STR("sub")), "x");
	assert_int_equal(jwt_verify(&s.a, &t, s.keys), JWT_GOOD);
	assert_int_equal(jwt_verify(&s.a, &t, other.keys), JWT_BAD);
	assert_int_equal(jwt_verify(&s.a, &t, NULL), JWT_NO_KEY);
	char *bytes = arena_cstr(&s.a, token);
	bytes[token.len - 10] = bytes[token.len - 10] == 'A' ? 'B' : 'A';
	assert_true(jwt_parse(&s.a, str_c(bytes), &t));
	assert_int_equal(jwt_verify(&s.a, &t, s.keys), JWT_BAD);
	signer_close(&other);
	signer_close(&s);
}

TEST(jwt_headers_that_must_not_pass)
{
	static const struct {
		const char *header;
		enum jwt_result result;
	} cases[] = {
		{ "{\"alg\":\"none\"}", JWT_BAD },
		{ "{\"alg\":\"HS256\",\"kid\":\"k1\"}", JWT_BAD },
		{ "{\"alg\":\"es256\",\"kid\":\"k1\"}", JWT_BAD },
		{ "{\"alg\":\"RS256\",\"kid\":\"k1\"}", JWT_NO_KEY },
		{ "{\"alg\":\"ES384\",\"kid\":\"k1\"}", JWT_BAD },
		{ "{\"alg\":\"ES256\",\"kid\":\"k2\"}", JWT_NO_KEY },
		{ "{\"alg\":\"ES256\"}",
			JWT_GOOD }, /* without a name any key of the kind may fit */
	};
	struct signer s;
	struct jwt t;
	signer_open(&s, "k1");
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_true(jwt_parse(&s.a, signer_token(&s, cases[i].header, "{}"), &t));
		assert_int_equal(jwt_verify(&s.a, &t, s.keys), cases[i].result);
	}
	signer_close(&s);
}

TEST(jwt_malformed)
{
	static const char *const texts[] = { "", ".", "..", "a.b", "a.b.c.d", "e30.e30.",
		"bnVsbA.bnVsbA.AA", "eyJhbGciOiJFUzI1NiJ9.W10.AA", "eyJhbGciOiJFUzI1NiJ9.e30.!",
		"{}.{}.AA", "eyJhbGciOiJFUzI1NiIsImNyaXQiOlsieCJdfQ.e30.AA" };
	struct arena a;
	struct jwt t;
	arena_init(&a);
	for (unsigned i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_false(jwt_parse(&a, str_c(texts[i]), &t));
	arena_done(&a);
}
