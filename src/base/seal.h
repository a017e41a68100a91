/*
 * seal: AES-256-GCM with a context for each thread, so that a small text costs no set-up while the
 * key stays the same; and keys made from keys. A nonce must never come twice with one key.
 */
#ifndef HANEUL_BASE_SEAL_H
#define HANEUL_BASE_SEAL_H

#include "base/str.h"

#define SEAL_KEY 32
#define SEAL_NONCE 12
#define SEAL_TAG 16

/* ret: plain.len + SEAL_TAG bytes; may be plain.p itself. */
void seal(const unsigned char key[SEAL_KEY], const unsigned char nonce[SEAL_NONCE],
	struct str about, struct str plain, unsigned char *ret);
/* ret: sealed.len - SEAL_TAG bytes; may be sealed.p itself. false: changed, or another key. */
bool unseal(const unsigned char key[SEAL_KEY], const unsigned char nonce[SEAL_NONCE],
	struct str about, struct str sealed, unsigned char *ret);
/* A key for one purpose: HMAC-SHA256 of what names it. */
void seal_derive(
	const unsigned char key[SEAL_KEY], struct str purpose, unsigned char ret[SEAL_KEY]);

#endif
