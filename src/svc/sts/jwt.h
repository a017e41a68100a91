/*
 * jwt: signed JSON web tokens (RFC 7515, compact form) and the key sets that verify them (RFC
 * 7517). RS256/384/512 and ES256/384; never "none", never a shared secret. Everything is outside
 * bytes: bounded by the text itself. Memory: the arena. Any thread.
 */
#ifndef HANEUL_SVC_STS_JWT_H
#define HANEUL_SVC_STS_JWT_H

#include "base/arena.h"
#include "base/json.h"

struct jwt {
	struct str alg, kid; /* kid "" when the header has none */
	struct str signed_text, signature;
	struct json *claims;
};
bool jwt_parse(struct arena *a, struct str token, struct jwt *ret);

enum jwt_result {
	JWT_GOOD,
	JWT_NO_KEY, /* the set has no such key: it may be newer than the set */
	JWT_BAD,
};
/* keys: the "keys" document. */
enum jwt_result jwt_verify(struct arena *a, const struct jwt *t, const struct json *keys);

#endif
