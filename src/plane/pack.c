/* Numbers and text as bytes and back; see pack.h. */
#include "plane/pack.h"

void
pack_done(struct pack *p)
{
	buf_done(&p->buf);
	p->bad = false;
}

void
pack_bytes(struct pack *p, const void *bytes, size_t len)
{
	if (p->bad || len > PACK_MAX - p->buf.len) {
		p->bad = true;
		return;
	}
	if (len)
		buf_add(&p->buf, bytes, len);
}

static void
pack_number(struct pack *p, uint64_t v, unsigned bytes)
{
	uint8_t b[8];
	for (unsigned i = 0; i < bytes; i++)
		b[i] = (uint8_t)(v >> 8 * i);
	pack_bytes(p, b, bytes);
}

void
pack_u8(struct pack *p, uint8_t v)
{
	pack_number(p, v, 1);
}

void
pack_u16(struct pack *p, uint16_t v)
{
	pack_number(p, v, 2);
}

void
pack_u32(struct pack *p, uint32_t v)
{
	pack_number(p, v, 4);
}

void
pack_u64(struct pack *p, uint64_t v)
{
	pack_number(p, v, 8);
}

void
pack_str(struct pack *p, struct str s)
{
	if (s.len > PACK_MAX) {
		p->bad = true;
		return;
	}
	pack_u32(p, (uint32_t)s.len);
	pack_bytes(p, s.p, s.len);
}

struct unpack
unpack_of(struct str bytes)
{
	const uint8_t *p = (const uint8_t *)(bytes.p ? bytes.p : "");
	return (struct unpack){ .at = p, .end = p + bytes.len };
}

static const uint8_t *
take(struct unpack *u, size_t len)
{
	if (u->bad || len > (size_t)(u->end - u->at)) {
		u->bad = true;
		return NULL;
	}
	const uint8_t *p = u->at;
	u->at += len;
	return p;
}

static uint64_t
unpack_number(struct unpack *u, unsigned bytes)
{
	const uint8_t *p = take(u, bytes);
	uint64_t v = 0;
	for (unsigned i = 0; p && i < bytes; i++)
		v |= (uint64_t)p[i] << 8 * i;
	return v;
}

uint8_t
unpack_u8(struct unpack *u)
{
	return (uint8_t)unpack_number(u, 1);
}

uint16_t
unpack_u16(struct unpack *u)
{
	return (uint16_t)unpack_number(u, 2);
}

uint32_t
unpack_u32(struct unpack *u)
{
	return (uint32_t)unpack_number(u, 4);
}

uint64_t
unpack_u64(struct unpack *u)
{
	return unpack_number(u, 8);
}

bool
unpack_bytes(struct unpack *u, void *ret_bytes, size_t len)
{
	const uint8_t *p = take(u, len);
	if (p && len)
		memcpy(ret_bytes, p, len);
	else if (len)
		memset(ret_bytes, 0, len);
	return p != NULL;
}

struct str
unpack_str(struct unpack *u)
{
	uint32_t len = unpack_u32(u);
	const uint8_t *p = take(u, len);
	return p ? str_of(p, len) : STR("");
}

uint32_t
unpack_count(struct unpack *u, size_t least)
{
	uint32_t n = unpack_u32(u);
	if (n > (size_t)(u->end - u->at) / least)
		u->bad = true;
	return u->bad ? 0 : n;
}

bool
unpack_whole(const struct unpack *u)
{
	return !u->bad && u->at == u->end;
}
