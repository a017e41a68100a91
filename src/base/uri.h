/*
 * uri: percent-encoding the way Signature Version 4 counts it (everything but A-Z a-z 0-9 - . _ ~
 * becomes %XX, upper case), and queries read piece by piece. No state, any thread.
 */
#ifndef HANEUL_BASE_URI_H
#define HANEUL_BASE_URI_H

#include "base/arena.h"
#include "base/buf.h"

enum {
	URI_KEEP_SLASH = 1,    /* encode: '/' stays as it is (paths) */
	URI_PLUS_IS_SPACE = 2, /* decode: '+' means blank (forms, queries) */
};
void uri_add(struct buf *b, struct str s, unsigned flags);
/* s itself when nothing needed encoding. */
struct str uri_encode(struct arena *a, struct str s, unsigned flags);
/* STR_NULL when a '%' is not followed by two hexadecimal digits. s itself when nothing needed
 * decoding. The result may hold any byte, NUL too, and need not be UTF-8. */
struct str uri_decode(struct arena *a, struct str s, unsigned flags);

struct uri_param {
	struct str key, value; /* raw; value.p == NULL: there was no '=' */
};
/* Takes the next parameter off *rest (a query without '?', or a form body); skips empty pieces.
 * false at the end. */
bool uri_param_next(struct str *rest, struct uri_param *ret_param);
/* The first value of `name` ("" when it has no '='), decoded with '+' as blank; STR_NULL when
 * absent or malformed. Keys are compared decoded. */
struct str uri_param_get(struct arena *a, struct str query, struct str name);

#endif
