#include "svc/s3/s3.h"

/* One letter in front of everything: not escaped, so a space is one contiguous range. */
static void
key_begin_space(struct key *k, char space)
{
	key_begin(k);
	key_add_raw(k, str_of(&space, 1));
}

void
s3_key_space(struct key *k, char space, uint64_t bucket)
{
	key_begin_space(k, space);
	key_add_u64(k, bucket);
}

void
s3_key_current(struct key *k, uint64_t bucket, struct str key)
{
	s3_key_space(k, 'C', bucket);
	key_add_raw(k, key);
}

void
s3_key_version(struct key *k, uint64_t bucket, struct str key, uint64_t seq)
{
	s3_key_space(k, 'V', bucket);
	key_add(k, key);
	key_add_u64_desc(k, seq);
}

void
s3_key_body(struct key *k, uint64_t bucket, struct str key, uint64_t seq)
{
	s3_key_space(k, 'D', bucket);
	key_add(k, key);
	key_add_u64(k, seq);
}

void
s3_key_upload(struct key *k, uint64_t bucket, struct str key, uint64_t seq)
{
	s3_key_space(k, 'U', bucket);
	key_add(k, key);
	key_add_u64(k, seq);
}

void
s3_key_finished(struct key *k, uint64_t bucket, struct str key, uint64_t seq)
{
	s3_key_space(k, 'F', bucket);
	key_add(k, key);
	key_add_u64(k, seq);
}

void
s3_key_part(struct key *k, struct str parts_id, uint64_t number)
{
	key_begin_space(k, 'Q');
	key_add_raw(k, parts_id);
	key_add_u64(k, number);
}

void
s3_key_parts(struct key *k, struct str parts_id, uint64_t offset)
{
	key_begin_space(k, 'P');
	key_add_raw(k, parts_id);
	key_add_u64(k, offset);
}

void
s3_key_blobs(struct key *k)
{
	key_begin_space(k, 'R');
}

void
s3_key_blob(struct key *k, struct str region, struct blob_id id)
{
	key_begin_space(k, 'R');
	key_add(k, region);
	key_add_raw(k, str_of(id.b, sizeof(id.b)));
}

void
s3_key_escaped_prefix(struct key *k, char space, uint64_t bucket, struct str prefix)
{
	s3_key_space(k, space, bucket);
	key_add(k, prefix);
	k->len -= 2; /* without the end mark, longer keys that begin so are inside */
}

/* 64 letters that need no escaping in URLs, as AWS's own version ids. */
static const char id_letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._";

#define ID_BYTES 24
#define ID_TEXT 32

static bool
id_decode(struct str id, unsigned char ret[ID_BYTES])
{
	if (id.len != ID_TEXT)
		return false;
	for (size_t i = 0; i < ID_TEXT; i += 4) {
		uint32_t v = 0;
		for (size_t j = 0; j < 4; j++) {
			const char *at = id.p[i + j] ? strchr(id_letters, id.p[i + j]) : NULL;
			if (!at)
				return false;
			v = v << 6 | (uint32_t)(at - id_letters);
		}
		ret[i / 4 * 3] = (unsigned char)(v >> 16);
		ret[i / 4 * 3 + 1] = (unsigned char)(v >> 8);
		ret[i / 4 * 3 + 2] = (unsigned char)v;
	}
	return true;
}

/* The number is masked with the random part: ids of one moment do not look alike. */
struct str
s3_id_new(struct call *c, uint64_t seq)
{
	unsigned char raw[ID_BYTES];
	random_bytes(raw + 8, ID_BYTES - 8);
	for (int i = 0; i < 8; i++)
		raw[i] = (unsigned char)(seq >> (56 - 8 * i)) ^ raw[8 + i];
	char *text = arena_alloc_raw(c->arena, ID_TEXT);
	for (size_t i = 0; i < ID_BYTES / 3; i++) {
		uint32_t v =
			(uint32_t)raw[3 * i] << 16 | (uint32_t)raw[3 * i + 1] << 8 | raw[3 * i + 2];
		for (int j = 0; j < 4; j++)
			text[4 * i + (size_t)j] = id_letters[v >> (18 - 6 * j) & 63];
	}
	return str_of(text, ID_TEXT);
}

bool
s3_id_seq(struct str id, uint64_t *ret_seq)
{
	unsigned char raw[ID_BYTES];
	if (!id_decode(id, raw))
		return false;
	uint64_t seq = 0;
	for (int i = 0; i < 8; i++)
		seq = seq << 8 | (unsigned char)(raw[i] ^ raw[8 + i]);
	*ret_seq = seq;
	return true;
}

struct str
s3_id_random(struct call *c, struct str id)
{
	unsigned char raw[ID_BYTES];
	if (!id_decode(id, raw))
		return STR_NULL;
	return arena_dup(c->arena, str_of(raw + 8, ID_BYTES - 8));
}
