/* What belongs to an account and not to a bucket: its public access block, names of access points.
 */
#include "svc/s3/rules.h"

#include "base/buf.h"

static void
key_account(struct key *k, char space, struct str account)
{
	key_begin(k);
	key_add_raw(k, str_of(&space, 1));
	key_add(k, account);
}

unsigned
s3_account_block_get(struct call *c, struct str account, bool *ret_set)
{
	struct key k;
	struct str text;
	uint64_t v = 0;
	key_account(&k, 'Z', account);
	bool set = tx_get(c->tx, s3_rows(c), key_str(&k), &text) && key_take_u64(&text, &v);
	if (ret_set)
		*ret_set = set;
	return (unsigned)v & S3_BLOCK_ALL;
}

/* Caches of what decides are valid for a bucket's generation: all of the account count up. */
static void
buckets_touch(struct call *c, struct str account)
{
	struct key lo, hi;
	struct scan s;
	key_account(&lo, 'A', account);
	scan_open(&s, c->tx, s3_rows(c), key_str(&lo), key_after_prefix(&hi, key_str(&lo)), false);
	while (scan_next(&s)) {
		struct s3_bucket_row b = { 0 };
		struct str name = arena_dup(c->arena, str_slice(s.key, lo.len, s.key.len));
		if (!s3_bucket_find(c, name, &b))
			continue;
		b.Generation = OPT_I64(b.Generation.v + 1);
		s3_bucket_save(c, &b);
	}
	scan_done(&s);
}

void
s3_account_block_put(struct call *c, struct str account, int bits)
{
	struct key k, value;
	key_account(&k, 'Z', account);
	key_begin(&value);
	key_add_u64(&value, (uint64_t)bits);
	if (bits >= 0)
		tx_put(c->tx, s3_rows(c), key_str(&k), key_str(&value));
	else
		tx_delete(c->tx, s3_rows(c), key_str(&k));
	buckets_touch(c, account);
}

static void
key_name(struct key *k, struct str name)
{
	key_begin(k);
	key_add_raw(k, STR("X"));
	key_add_raw(k, name);
}

void
s3_other_name_put(struct call *c, struct str name, struct str bucket)
{
	struct key k;
	key_name(&k, name);
	if (bucket.p)
		tx_put(c->tx, s3_rows(c), key_str(&k), bucket);
	else
		tx_delete(c->tx, s3_rows(c), key_str(&k));
}

bool
s3_other_name_find(struct call *c, struct str name, struct str *ret_bucket)
{
	struct key k;
	key_name(&k, name);
	return name.len <= 255 && tx_get(c->tx, s3_rows(c), key_str(&k), ret_bucket);
}

static void
key_point(struct key *k, struct str name)
{
	key_begin(k);
	key_add_raw(k, STR("W"));
	key_add_raw(k, name);
}

void
s3_access_point_put(struct call *c, struct str name, const struct s3_access_point_row *row)
{
	struct key k;
	struct buf b = { 0 };
	key_point(&k, name);
	if (row) {
		row_encode(&s3_access_point_row_shape, row, &b);
		tx_put(c->tx, s3_rows(c), key_str(&k), buf_str(&b));
	} else {
		tx_delete(c->tx, s3_rows(c), key_str(&k));
	}
	buf_done(&b);
}

bool
s3_access_point_find(struct call *c, struct str name, struct s3_access_point_row *ret)
{
	struct key k;
	struct str value;
	memset(ret, 0, sizeof(*ret));
	key_point(&k, name);
	return name.len && name.len <= 255 && tx_get(c->tx, s3_rows(c), key_str(&k), &value) &&
	       row_decode(&s3_access_point_row_shape, value, c->arena, ret);
}
