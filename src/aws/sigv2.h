/*
 * sigv2: presigned URLs of S3 in Signature Version 2 ("?AWSAccessKeyId=…&Expires=…&Signature=…"),
 * and signed forms: SDKs still make them for us-east-1 unless they are told otherwise. Nothing else
 * of version 2 is known here. No state, any thread.
 */
#ifndef HANEUL_AWS_SIGV2_H
#define HANEUL_AWS_SIGV2_H

#include "aws/call.h"

struct sigv2_query {
	struct str access_key, signature, token; /* token STR_NULL: none */
	int64_t expires_s;                       /* since 1970 */
};
/* false: the query is not of this form. */
bool sigv2_query_parse(struct call *c, struct sigv2_query *ret);
/* What was signed; c->path is in path style. */
struct str sigv2_string_to_sign(struct call *c);
/* base64 of HMAC-SHA1. */
struct str sigv2_sign(struct arena *a, struct str secret, struct str text);

#endif
