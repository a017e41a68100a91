/*
 * Ciphertexts of symmetric keys:
 *   1 byte version, 12 the account, 36 the key's id, 1 length and the region, 4 which material,
 *   16 salt, then AES-256-GCM under a key made of material and salt.
 * The head and the encryption context are authenticated with it. A key of its own for each
 * ciphertext, so no count of messages is too many for one nonce.
 */
#include "svc/kms/kms.h"

#include <stdlib.h>

#define VERSION 1
#define ACCOUNT 12
#define ID 36
#define SALT 16
#define HEAD_MIN (1 + ACCOUNT + ID + 1 + 4)

static const unsigned char nonce[SEAL_NONCE];

bool
kms_ciphertext_parse(struct str blob, struct kms_ciphertext *ret)
{
	const unsigned char *p = (const unsigned char *)blob.p;
	if (blob.len < HEAD_MIN + SALT + SEAL_TAG || p[0] != VERSION)
		return false;
	size_t region = p[1 + ACCOUNT + ID], at = 1 + ACCOUNT + ID + 1;
	if (blob.len < HEAD_MIN + region + SALT + SEAL_TAG)
		return false;
	ret->account = str_slice(blob, 1, 1 + ACCOUNT);
	ret->id = str_slice(blob, 1 + ACCOUNT, 1 + ACCOUNT + ID);
	ret->region = str_slice(blob, at, at + region);
	at += region;
	ret->material = (uint32_t)p[at] << 24 | (uint32_t)p[at + 1] << 16 |
			(uint32_t)p[at + 2] << 8 | p[at + 3];
	at += 4;
	ret->head = str_slice(blob, 0, at);
	ret->salt = str_slice(blob, at, at + SALT);
	ret->box = str_slice(blob, at + SALT, blob.len);
	return true;
}

static int
by_key(const void *x, const void *y)
{
	const struct map_str_entry *a = x, *b = y;
	return str_cmp(a->key, b->key);
}

/* The head, then the context in order of its keys, each text behind its length. */
static struct str
about(struct call *c, struct str head, const struct map_str *context)
{
	struct buf b = { 0 };
	uint32_t n = context ? context->n : 0;
	struct map_str_entry *v = arena_array(c->arena, struct map_str_entry, n + 1);
	if (n)
		memcpy(v, context->v, n * sizeof(*v));
	qsort(v, n, sizeof(*v), by_key);
	buf_add_str(&b, head);
	for (uint32_t i = 0; i < n; i++)
		buf_printf(&b, "%zu:%.*s%zu:%.*s", v[i].key.len, STR_FMT(v[i].key), v[i].value.len,
			STR_FMT(v[i].value));
	struct str text = arena_dup(c->arena, buf_str(&b));
	buf_done(&b);
	return text;
}

struct str
kms_ciphertext_seal(
	struct call *c, const struct kms_key *k, const struct map_str *context, struct str plain)
{
	KMS_SECRET material;
	unsigned char own[SEAL_KEY];
	uint32_t index = k->row.Materials.n - 1;
	size_t head = HEAD_MIN + k->row.Region.len;
	if (!kms_material_open(c, k, index, &material) || material.len != SEAL_KEY)
		return STR_NULL;
	unsigned char *p =
		(unsigned char *)arena_alloc_raw(c->arena, head + SALT + plain.len + SEAL_TAG);
	p[0] = VERSION;
	memcpy(p + 1, k->row.Account.p, ACCOUNT);
	memcpy(p + 1 + ACCOUNT, k->row.Id.p, ID);
	p[1 + ACCOUNT + ID] = (unsigned char)k->row.Region.len;
	memcpy(p + HEAD_MIN - 4, k->row.Region.p, k->row.Region.len);
	for (int i = 0; i < 4; i++)
		p[head - 4 + (size_t)i] = (unsigned char)(index >> (24 - 8 * i));
	random_bytes(p + head, SALT);
	seal_derive(material.b, str_of(p + head, SALT), own);
	seal(own, nonce, about(c, str_of(p, head), context), plain, p + head + SALT);
	explicit_bzero(own, sizeof(own));
	return str_of(p, head + SALT + plain.len + SEAL_TAG);
}

struct str
kms_ciphertext_open(struct call *c, const struct kms_key *k, const struct kms_ciphertext *t,
	const struct map_str *context)
{
	KMS_SECRET material;
	unsigned char own[SEAL_KEY];
	if (!kms_material_open(c, k, t->material, &material) || material.len != SEAL_KEY)
		return STR_NULL;
	char *plain = arena_alloc_raw(c->arena, t->box.len);
	seal_derive(material.b, t->salt, own);
	bool ok = unseal(own, nonce, about(c, t->head, context), t->box, (unsigned char *)plain);
	explicit_bzero(own, sizeof(own));
	return ok ? str_of(plain, t->box.len - SEAL_TAG) : STR_NULL;
}
