/*
 * ssh_wire: strings and numbers as SSH writes them: a length of four bytes, big-endian, then the
 * bytes. No state, any thread.
 */
#ifndef HANEUL_BASE_SSH_WIRE_H
#define HANEUL_BASE_SSH_WIRE_H

#include "base/buf.h"

static inline void
ssh_add_u32(struct buf *b, uint32_t v)
{
	const char bytes[4] = { (char)(v >> 24), (char)(v >> 16), (char)(v >> 8), (char)v };
	buf_add(b, bytes, 4);
}

static inline void
ssh_add(struct buf *b, struct str s)
{
	ssh_add_u32(b, (uint32_t)s.len);
	buf_add_str(b, s);
}

/* Unsigned, big-endian, without leading zeros. */
static inline void
ssh_add_number(struct buf *b, struct str n)
{
	bool high = n.len && (n.p[0] & 0x80);
	ssh_add_u32(b, (uint32_t)(n.len + high));
	if (high)
		buf_add_c(b, 0);
	buf_add_str(b, n);
}

static inline bool
ssh_take(struct str *rest, struct str *ret)
{
	const unsigned char *p = (const unsigned char *)rest->p;
	if (rest->len < 4)
		return false;
	size_t n = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
	if (n > rest->len - 4)
		return false;
	*ret = str_slice(*rest, 4, 4 + n);
	*rest = str_slice(*rest, 4 + n, rest->len);
	return true;
}

#endif
