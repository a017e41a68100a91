/*
 * http_chunk: the strict decoder of chunked bodies. It works on whatever pieces arrive and copies
 * nothing but the trailer section, which it gathers in `trailer`. Chunk extensions are read over,
 * within a budget, so that tiny chunks cannot carry unbounded rubbish.
 */
#ifndef HANEUL_WIRE_HTTP_CHUNK_H
#define HANEUL_WIRE_HTTP_CHUNK_H

#include "base/buf.h"
#include "wire/http_server.h"

#include <sys/types.h>

struct http_chunk {
	uint8_t state;
	uint8_t digits;
	bool done;                /* the last CR LF was read */
	uint64_t left;            /* of this chunk */
	uint32_t extension_bytes; /* of all chunks so far */
	struct buf trailer;       /* raw trailer lines, each with CR LF */
};

/* In place; a zeroed struct will do as well. http_chunk_reset makes it ready for the next body. */
void http_chunk_reset(struct http_chunk *d);
void http_chunk_done(struct http_chunk *d);
/* Reads from p[0, n) up to and including one run of body data, which it leaves in *ret_data
 * (empty when there is none). How many bytes it consumed, or -EBADMSG. */
ssize_t http_chunk_decode(struct http_chunk *d, const char *p, size_t n, struct str *ret_data);
/* The trailer fields, in memory of `a`, pointing into d->trailer. 0 or -EBADMSG. Framing fields
 * have no place there and are refused. */
int http_chunk_trailers(const struct http_chunk *d, struct arena *a,
	struct http_header **ret_fields, unsigned *ret_n);

#endif
