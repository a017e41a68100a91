/*
 * loopback: an API call without a socket, for tests of services: the same route, authentication,
 * decoding, handler and encoding as a call from the network, run to its end on the calling thread.
 * Streamed bodies are whole texts here; bodies above the inline limit are refused by an assert.
 */
#ifndef HANEUL_AWS_LOOPBACK_H
#define HANEUL_AWS_LOOPBACK_H

#include "aws/cloud.h"
#include "base/arena.h"
#include "base/buf.h"

struct loopback_reply {
	int status;
	struct str body;              /* in the arena given */
	struct str headers[64][2];
	unsigned headers_n;
};

/* As the root of `account` ("" : anonymous), signed for `service` in us-east-1. headers: "Name:
 * value" lines separated by '\n', may be NULL. target: path and query as on the request line. */
void loopback_call(struct cloud *c, struct arena *a, const char *account, const char *service,
	const char *method, const char *target, const char *headers, struct str body,
	struct loopback_reply *ret);
struct str loopback_header(const struct loopback_reply *r, const char *name);

#endif
