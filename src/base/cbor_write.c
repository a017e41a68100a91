#include "base/cbor.h"

static void
add_head(struct buf *b, unsigned major, uint64_t v)
{
	unsigned char tmp[9];
	unsigned n = v < 24            ? 0
		     : v <= UINT8_MAX  ? 1
		     : v <= UINT16_MAX ? 2
		     : v <= UINT32_MAX ? 4
				       : 8;
	unsigned info = n == 0 ? (unsigned)v : n == 1 ? 24 : n == 2 ? 25 : n == 4 ? 26 : 27;
	tmp[0] = (unsigned char)(major << 5 | info);
	for (unsigned i = 0; i < n; i++)
		tmp[1 + i] = (unsigned char)(v >> 8 * (n - 1 - i));
	buf_add(b, tmp, 1 + n);
}

static void
add_bits(struct buf *b, unsigned char first, uint64_t bits, unsigned n)
{
	unsigned char tmp[9] = { first };
	for (unsigned i = 0; i < n; i++)
		tmp[1 + i] = (unsigned char)(bits >> 8 * (n - 1 - i));
	buf_add(b, tmp, 1 + n);
}

void
cbor_write_map(struct buf *b, uint64_t members)
{
	if (members == CBOR_OPEN)
		buf_add_c(b, (char)0xbf);
	else
		add_head(b, 5, members);
}

void
cbor_write_array(struct buf *b, uint64_t items)
{
	if (items == CBOR_OPEN)
		buf_add_c(b, (char)0x9f);
	else
		add_head(b, 4, items);
}

void
cbor_write_break(struct buf *b)
{
	buf_add_c(b, (char)0xff);
}

void
cbor_write_text(struct buf *b, struct str s)
{
	add_head(b, 3, s.len);
	buf_add_str(b, s);
}

void
cbor_write_bytes(struct buf *b, struct str s)
{
	add_head(b, 2, s.len);
	buf_add_str(b, s);
}

void
cbor_write_u64(struct buf *b, uint64_t v)
{
	add_head(b, 0, v);
}

void
cbor_write_i64(struct buf *b, int64_t v)
{
	if (v < 0)
		add_head(b, 1, (uint64_t)(-1 - v));
	else
		add_head(b, 0, (uint64_t)v);
}

void
cbor_write_f64(struct buf *b, double v)
{
	uint64_t bits;
	memcpy(&bits, &v, sizeof(bits));
	add_bits(b, 0xfb, bits, 8);
}

void
cbor_write_f32(struct buf *b, float v)
{
	uint32_t bits;
	memcpy(&bits, &v, sizeof(bits));
	add_bits(b, 0xfa, bits, 4);
}

void
cbor_write_bool(struct buf *b, bool v)
{
	buf_add_c(b, (char)(v ? 0xf5 : 0xf4));
}

void
cbor_write_null(struct buf *b)
{
	buf_add_c(b, (char)0xf6);
}

void
cbor_write_tag(struct buf *b, uint64_t tag)
{
	add_head(b, 6, tag);
}

void
cbor_write_epoch(struct buf *b, int64_t ms)
{
	cbor_write_tag(b, CBOR_TAG_EPOCH);
	cbor_write_f64(b, (double)ms / 1000.0);
}
