/* Order-preserving keys: see store.h. */
#include "store/store.h"

void
key_begin(struct key *k)
{
	k->len = 0;
	k->overflow = false;
}

static void
key_put(struct key *k, const void *p, size_t len)
{
	if (k->overflow || len > sizeof k->bytes - k->len) {
		k->overflow = true;
		return;
	}
	if (len > 0)
		memcpy(k->bytes + k->len, p, len);
	k->len += (uint32_t)len;
}

void
key_add(struct key *k, struct str piece)
{
	while (piece.len > 0) {
		const char *zero = memchr(piece.p, 0, piece.len);
		size_t run = zero ? (size_t)(zero - piece.p) : piece.len;
		key_put(k, piece.p, run);
		if (!zero)
			break;
		key_put(k, "\x00\xff", 2);
		piece = str_slice(piece, run + 1, piece.len);
	}
	key_put(k, "\x00\x01", 2);
}

void
key_add_u64(struct key *k, uint64_t v)
{
	uint64_t be = __builtin_bswap64(v);
	key_put(k, &be, sizeof be);
}

void
key_add_u64_desc(struct key *k, uint64_t v)
{
	key_add_u64(k, ~v);
}

void
key_add_raw(struct key *k, struct str bytes)
{
	key_put(k, bytes.p, bytes.len);
}

struct str
key_str(const struct key *k)
{
	return k->overflow ? STR_NULL : str_of(k->bytes, k->len);
}

struct str
key_after_prefix(struct key *k, struct str prefix)
{
	size_t len = prefix.len;
	while (len > 0 && (unsigned char)prefix.p[len - 1] == 0xff)
		len--;
	if (len == 0 || len > sizeof k->bytes)
		return STR_NULL;
	/* The prefix may be this very key. */
	memmove(k->bytes, prefix.p, len);
	k->bytes[len - 1]++;
	k->len = (uint32_t)len;
	k->overflow = false;
	return key_str(k);
}

bool
key_take(struct str *rest, char *out, size_t cap, struct str *ret_piece)
{
	size_t len = 0;
	for (size_t i = 0; i < rest->len; i++) {
		char c = rest->p[i];
		if (c == 0) {
			unsigned char mark = ++i < rest->len ? (unsigned char)rest->p[i] : 0;
			if (mark == 0x01) {
				*ret_piece = str_of(out, len);
				*rest = str_of(rest->p + i + 1, rest->len - i - 1);
				return true;
			}
			if (mark != 0xff)
				return false;
		}
		if (len == cap)
			return false;
		out[len++] = c;
	}
	return false;
}

bool
key_take_u64(struct str *rest, uint64_t *ret_v)
{
	if (rest->len < 8)
		return false;
	uint64_t be;
	memcpy(&be, rest->p, sizeof be);
	*ret_v = __builtin_bswap64(be);
	*rest = str_of(rest->p + 8, rest->len - 8);
	return true;
}
