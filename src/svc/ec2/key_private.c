/* Private halves of keys, written once for who asked for them. */
#include "base/buf.h"
#include "base/digest.h"
#include "base/ssh_wire.h"
#include "base/text.h"
#include "svc/ec2/key_material.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

static void
wipe(struct buf *b)
{
	if (b->p)
		OPENSSL_cleanse(b->p, b->cap);
	buf_done(b);
}

struct str
key_private_fingerprint(struct arena *a, EVP_PKEY *key)
{
	struct key_public k;
	unsigned char sum[20], *der = NULL;
	if (EVP_PKEY_is_a(key, "ED25519"))
		return key_public_of(a, key, &k) ? key_public_fingerprint(a, &k) : STR_NULL;
	PKCS8_PRIV_KEY_INFO *p8 = EVP_PKEY2PKCS8(key);
	int n = p8 ? i2d_PKCS8_PRIV_KEY_INFO(p8, &der) : -1;
	if (n > 0)
		sha1(str_of(der, (size_t)n), sum);
	OPENSSL_clear_free(der, n > 0 ? (size_t)n : 0);
	PKCS8_PRIV_KEY_INFO_free(p8);
	return n > 0 ? key_colons(a, sum, 20) : STR_NULL;
}

static void
add_lines(struct buf *b, struct str base64, size_t width)
{
	for (size_t at = 0; at < base64.len; at += width) {
		buf_add_str(b, str_slice(base64, at, at + width));
		buf_add_c(b, '\n');
	}
}

/* OpenSSH's own form: PKCS #8 of Ed25519 is not understood by every ssh. */
static struct str
openssh_pem(struct arena *a, EVP_PKEY *key)
{
	struct key_public k;
	struct buf private = { 0 }, all = { 0 }, text = { 0 };
	unsigned char seed[32], check[4];
	size_t n = sizeof(seed);
	if (!key_public_of(a, key, &k) || !EVP_PKEY_get_raw_private_key(key, seed, &n) ||
		RAND_bytes(check, 4) != 1)
		return STR_NULL;
	buf_add(&private, check, 4);
	buf_add(&private, check, 4);
	buf_add_str(&private, k.blob);
	ssh_add_u32(&private, 64);
	buf_add(&private, seed, 32);
	buf_add_str(&private, k.raw);
	ssh_add(&private, STR(""));
	for (char pad = 1; private.len % 8; pad++)
		buf_add_c(&private, pad);
	buf_add(&all, "openssh-key-v1", 15);
	ssh_add(&all, STR("none"));
	ssh_add(&all, STR("none"));
	ssh_add(&all, STR(""));
	ssh_add_u32(&all, 1);
	ssh_add(&all, k.blob);
	ssh_add(&all, buf_str(&private));
	buf_add_str(&text, STR("-----BEGIN OPENSSH PRIVATE KEY-----\n"));
	add_lines(&text, base64_text(a, buf_str(&all)), 70);
	buf_add_str(&text, STR("-----END OPENSSH PRIVATE KEY-----\n"));
	struct str pem = arena_dup(a, buf_str(&text));
	OPENSSL_cleanse(seed, sizeof(seed));
	wipe(&private);
	wipe(&all);
	wipe(&text);
	return pem;
}

struct str
key_private_pem(struct arena *a, EVP_PKEY *key)
{
	if (EVP_PKEY_is_a(key, "ED25519"))
		return openssh_pem(a, key);
	BIO *b = BIO_new(BIO_s_secmem());
	struct str pem = STR_NULL;
	char *p;
	if (b && PEM_write_bio_PrivateKey_traditional(b, key, NULL, NULL, 0, NULL, NULL)) {
		long n = BIO_get_mem_data(b, &p);
		pem = arena_dup(a, str_of(p, (size_t)n));
	}
	BIO_free(b);
	return pem;
}

static bool
add_private_number(struct buf *b, EVP_PKEY *key, const char *name)
{
	BIGNUM *n = NULL;
	char bytes[1024];
	if (!EVP_PKEY_get_bn_param(key, name, &n))
		return false;
	ssh_add_number(b, str_of(bytes, (size_t)BN_bn2bin(n, (unsigned char *)bytes)));
	BN_clear_free(n);
	OPENSSL_cleanse(bytes, sizeof(bytes));
	return true;
}

/* What PuTTY keeps of a private half: RSA d, p, q, 1/q mod p; Ed25519 the seed. */
static bool
ppk_private(struct buf *b, EVP_PKEY *key)
{
	unsigned char seed[32];
	size_t n = sizeof(seed);
	if (!EVP_PKEY_is_a(key, "ED25519"))
		return add_private_number(b, key, OSSL_PKEY_PARAM_RSA_D) &&
		       add_private_number(b, key, OSSL_PKEY_PARAM_RSA_FACTOR1) &&
		       add_private_number(b, key, OSSL_PKEY_PARAM_RSA_FACTOR2) &&
		       add_private_number(b, key, OSSL_PKEY_PARAM_RSA_COEFFICIENT1);
	if (!EVP_PKEY_get_raw_private_key(key, seed, &n))
		return false;
	ssh_add(b, str_of(seed, n));
	OPENSSL_cleanse(seed, sizeof(seed));
	return true;
}

static void
ppk_lines(struct buf *text, struct arena *a, const char *title, struct str bytes)
{
	struct str base64 = base64_text(a, bytes);
	buf_printf(text, "%s-Lines: %zu\n", title, (base64.len + 63) / 64);
	add_lines(text, base64, 64);
}

struct str
key_private_ppk(struct arena *a, EVP_PKEY *key, struct str comment)
{
	struct key_public k;
	struct buf private = { 0 }, signed_text = { 0 }, text = { 0 };
	unsigned char mac[32];
	struct str ppk = STR_NULL, type;
	if (!key_public_of(a, key, &k) || !ppk_private(&private, key))
		goto end;
	type = k.ed25519 ? STR("ssh-ed25519") : STR("ssh-rsa");
	ssh_add(&signed_text, type);
	ssh_add(&signed_text, STR("none"));
	ssh_add(&signed_text, comment);
	ssh_add(&signed_text, k.blob);
	ssh_add(&signed_text, buf_str(&private));
	hmac_sha256(STR(""), buf_str(&signed_text), mac);
	buf_printf(&text, "PuTTY-User-Key-File-3: %.*s\nEncryption: none\nComment: %.*s\n",
		STR_FMT(type), STR_FMT(comment));
	ppk_lines(&text, a, "Public", k.blob);
	ppk_lines(&text, a, "Private", buf_str(&private));
	buf_add_str(&text, STR("Private-MAC: "));
	hex_add(&text, str_of(mac, 32));
	buf_add_c(&text, '\n');
	ppk = arena_dup(a, buf_str(&text));
end:
	wipe(&private);
	wipe(&signed_text);
	wipe(&text);
	return ppk;
}
