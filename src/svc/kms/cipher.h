/*
 * cipher: RSA and elliptic curves over DER texts, by OpenSSL. Nothing here knows rows or calls;
 * results lie in the arena, STR_NULL when OpenSSL refuses. No state, any thread.
 */
#ifndef HANEUL_SVC_KMS_CIPHER_H
#define HANEUL_SVC_KMS_CIPHER_H

#include "base/arena.h"

#include <stdbool.h>

/* Algorithms by AWS's names. pub: SubjectPublicKeyInfo; priv: PKCS#8. */
size_t kms_rsa_max(struct str pub, struct str algorithm); /* bytes that one ciphertext takes */
struct str kms_rsa_encrypt(struct arena *a, struct str pub, struct str algorithm, struct str plain);
struct str kms_rsa_decrypt(struct arena *a, struct str priv, struct str algorithm, struct str box);

/* digest: `message` is the digest already; its length must be the algorithm's. */
size_t kms_sign_digest_bytes(struct str algorithm); /* 0: takes no digest */
struct str kms_cipher_sign(
	struct arena *a, struct str priv, struct str algorithm, struct str message, bool digest);
bool kms_cipher_verify(struct str pub, struct str algorithm, struct str message, bool digest,
	struct str signature);
struct str kms_cipher_agree(struct arena *a, struct str priv, struct str peer);

#endif
