/*
 * pack: messages between the server and its agent as bytes: numbers little-endian, text with its
 * length. The two ends are the same binary, so there are no names and no versions; but a reader
 * trusts nothing: what runs over the end sets `bad` once and for all, and every later read gives
 * zero or "". So check `bad` (or unpack_whole) once, at the end.
 *
 * A writer appends to its buf up to PACK_MAX and then is `bad`; pack_done frees. A reader borrows
 * its bytes, and text that it gives borrows them too. Not thread-safe.
 */
#ifndef HANEUL_PLANE_PACK_H
#define HANEUL_PLANE_PACK_H

#include "base/buf.h"

#define PACK_MAX (64u << 20) /* a network with all its rules */

struct pack {
	struct buf buf;
	bool bad;
};
void pack_done(struct pack *p);
void pack_u8(struct pack *p, uint8_t v);
void pack_u16(struct pack *p, uint16_t v);
void pack_u32(struct pack *p, uint32_t v);
void pack_u64(struct pack *p, uint64_t v);
void pack_bytes(struct pack *p, const void *bytes, size_t len); /* without its length */
void pack_str(struct pack *p, struct str s);                    /* absent is written as "" */

struct unpack {
	const uint8_t *at, *end;
	bool bad;
};
struct unpack unpack_of(struct str bytes);
uint8_t unpack_u8(struct unpack *u);
uint16_t unpack_u16(struct unpack *u);
uint32_t unpack_u32(struct unpack *u);
uint64_t unpack_u64(struct unpack *u);
bool unpack_bytes(struct unpack *u, void *ret_bytes, size_t len); /* zeroes when bad */
struct str unpack_str(struct unpack *u);
/* A u32 that counts what follows, each of at least `least` (> 0) bytes: more than can follow is
 * bad, so that nobody allocates by a number alone. */
uint32_t unpack_count(struct unpack *u, size_t least);
bool unpack_whole(const struct unpack *u); /* not bad, and nothing is left */

#endif
