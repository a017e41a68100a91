/* Whose a resource is, and what accounts share with each other. */
#include "base/buf.h"
#include "svc/ec2/resource.h"

static struct rows *
rows(const struct call *c)
{
	return store_rows(c->store, "ec2");
}

static void
shared_key(struct key *k, const struct call *c, const struct ec2_kind *kind, struct str id)
{
	key_begin(k);
	key_add_raw(k, STR("S"));
	key_add(k, str_c(kind->type));
	key_add(k, c->region);
	if (id.p)
		key_add(k, id);
}

void
ec2_share(struct call *c, const struct ec2_kind *k, struct str id, bool shared)
{
	struct key key;
	shared_key(&key, c, k, id);
	if (shared)
		tx_put(c->tx, rows(c), key_str(&key), c->account);
	else
		tx_delete(c->tx, rows(c), key_str(&key));
}

bool
ec2_shared_owner(struct call *c, const struct ec2_kind *k, struct str id, struct str *ret_account)
{
	struct key key;
	shared_key(&key, c, k, id);
	if (!id.len || !key_str(&key).p || !tx_get(c->tx, rows(c), key_str(&key), ret_account))
		return false;
	*ret_account = arena_dup(c->arena, *ret_account);
	return true;
}

struct call
ec2_as(const struct call *c, struct str account)
{
	struct call other = *c;
	other.account = account;
	return other;
}

void
ec2_shared_each(struct call *c, const struct ec2_kind *k,
	void (*each)(struct call *owner, struct str id, void *arg), void *arg)
{
	struct key lo, hi;
	struct scan s;
	shared_key(&lo, c, k, STR_NULL);
	size_t skip = lo.len;
	scan_open(&s, c->tx, rows(c), key_str(&lo), key_after_prefix(&hi, key_str(&lo)), false);
	while (scan_next(&s)) {
		char text[128];
		struct str rest = str_slice(s.key, skip, s.key.len), id;
		if (!key_take(&rest, text, sizeof(text), &id))
			continue;
		struct call owner = ec2_as(c, arena_dup(c->arena, s.value));
		if (!str_eq(owner.account, c->account))
			each(&owner, arena_dup(c->arena, id), arg);
	}
	scan_done(&s);
}

static void
owner_key(struct key *k, struct str id)
{
	key_begin(k);
	key_add_raw(k, STR("O"));
	key_add(k, id);
}

void
ec2_owner_put(struct call *c, struct str id)
{
	struct key k;
	struct buf b = { 0 };
	struct ec2_owner_row row = { .Region = c->region, .Account = c->account };
	owner_key(&k, id);
	row_encode(&ec2_owner_row_shape, &row, &b);
	tx_put(c->tx, rows(c), key_str(&k), buf_str(&b));
	buf_done(&b);
}

void
ec2_owner_delete(struct call *c, struct str id)
{
	struct key k;
	owner_key(&k, id);
	tx_delete(c->tx, rows(c), key_str(&k));
}

bool
ec2_owner_of(struct tx *t, struct arena *a, struct str id, struct str *ret_region,
	struct str *ret_account)
{
	struct key k;
	struct str bytes;
	struct ec2_owner_row row;
	owner_key(&k, id);
	if (!id.len || !key_str(&k).p ||
		!tx_get(t, store_rows(tx_store(t), "ec2"), key_str(&k), &bytes) ||
		!row_decode(&ec2_owner_row_shape, arena_dup(a, bytes), a, &row))
		return false;
	*ret_region = row.Region;
	*ret_account = row.Account;
	return true;
}
