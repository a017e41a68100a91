/*
 * key_material: what key pairs are made of: public halves as SSH has them, read from what users
 * import; private halves written as users want them; fingerprints as EC2 tells them. Results live
 * in the arena given. No state, any thread.
 */
#ifndef HANEUL_SVC_EC2_KEY_MATERIAL_H
#define HANEUL_SVC_EC2_KEY_MATERIAL_H

#include "base/arena.h"

#include <openssl/evp.h>

#define KEY_MATERIAL_MAX 16384

struct key_public {
	bool ed25519;         /* else RSA */
	struct str blob;      /* as on SSH's wire */
	struct str e, n, raw; /* RSA: unsigned big-endian; Ed25519: 32 bytes */
};

/* OpenSSH's line, RFC 4716, DER, or base64 of DER. NULL, or what is wrong in a sentence. */
const char *key_public_read(struct arena *a, struct str material, struct key_public *ret);
/* Of a key that was made here. */
bool key_public_of(struct arena *a, EVP_PKEY *key, struct key_public *ret);
/* "ssh-rsa AAAA… comment" */
struct str key_public_line(struct arena *a, const struct key_public *k, struct str comment);
/* Ed25519: base64 of the SHA-256 as ssh-keygen has it, but padded. RSA: MD5 of the DER form. */
struct str key_public_fingerprint(struct arena *a, const struct key_public *k);

struct str key_colons(struct arena *a, const unsigned char *sum, size_t n); /* "1f:51:…" */

/* SHA-1 of the private half as PKCS #8; Ed25519: that of the public half. STR_NULL: out of order.
 */
struct str key_private_fingerprint(struct arena *a, EVP_PKEY *key);
struct str key_private_pem(struct arena *a, EVP_PKEY *key);
struct str key_private_ppk(
	struct arena *a, EVP_PKEY *key, struct str comment); /* PuTTY's, version 3 */

#endif
