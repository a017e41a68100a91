/* Key material: made, sealed under the master key, opened for one call. */
#include "svc/kms/kms.h"

#include "aws/master_key.h"

#include <assert.h>

void
kms_secret_wipe(struct kms_secret *s)
{
	explicit_bzero(s->b, sizeof(s->b));
}

bool
kms_material_make(
	const struct kms_spec *s, struct kms_secret *ret, struct str *ret_public, struct arena *a)
{
	*ret_public = STR_NULL;
	if (s->kind != KMS_SYMMETRIC && s->kind != KMS_HMAC)
		return kms_pair_make(s, ret, ret_public, a);
	ret->len = s->bits / 8;
	random_bytes(ret->b, ret->len);
	return true;
}

/* Bound to the key and to its place among the key's materials. */
static struct str
about(struct call *c, const struct kms_key_row *k, struct str id)
{
	return arena_printf(
		c->arena, "%.*s/%.*s/%.*s", STR_FMT(k->Account), STR_FMT(k->Id), STR_FMT(id));
}

void
kms_material_add(struct call *c, struct kms_key_row *k, const struct kms_secret *s)
{
	unsigned char master[SEAL_KEY];
	uint32_t n = k->Materials.n;
	struct kms_material *v = arena_array(c->arena, struct kms_material, n + 1);
	if (n)
		memcpy(v, k->Materials.v, n * sizeof(*v));
	char *box = arena_alloc_raw(c->arena, SEAL_NONCE + s->len + SEAL_TAG);
	random_bytes(box, SEAL_NONCE);
	v[n].Id = ids_hex_text(c->arena, "", 64);
	v[n].Created = (struct opt_time){ c->now_ms, true };
	master_key_derive(STR("kms material"), master);
	seal(master, (unsigned char *)box, about(c, k, v[n].Id), str_of(s->b, s->len),
		(unsigned char *)box + SEAL_NONCE);
	explicit_bzero(master, sizeof(master));
	v[n].Sealed = str_of(box, SEAL_NONCE + s->len + SEAL_TAG);
	k->Materials.v = v;
	k->Materials.n = n + 1;
	k->Materials.set = true;
}

bool
kms_material_open(struct call *c, const struct kms_key *k, uint32_t index, struct kms_secret *ret)
{
	uint32_t n = k->row.Materials.n;
	if (index == UINT32_MAX)
		index = n - 1;
	if (!n || index >= n)
		return false;
	const struct kms_material *m = &k->row.Materials.v[index];
	if (m->Sealed.len < SEAL_NONCE + SEAL_TAG ||
		m->Sealed.len - SEAL_NONCE - SEAL_TAG > sizeof(ret->b))
		return false;
	unsigned char master[SEAL_KEY];
	struct str box = str_slice(m->Sealed, SEAL_NONCE, m->Sealed.len);
	master_key_derive(STR("kms material"), master);
	bool ok = unseal(
		master, (const unsigned char *)m->Sealed.p, about(c, &k->row, m->Id), box, ret->b);
	explicit_bzero(master, sizeof(master));
	ret->len = box.len - SEAL_TAG;
	return ok;
}
