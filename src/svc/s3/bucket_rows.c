#include "aws/errors.h"
#include "base/buf.h"
#include "svc/s3/s3.h"

struct rows *
s3_rows(const struct call *c)
{
	return store_rows(c->store, "s3");
}

static void
key_bucket(struct key *k, struct str name)
{
	key_begin(k);
	key_add_raw(k, STR("B"));
	key_add_raw(k, name);
}

bool
s3_bucket_find(struct call *c, struct str name, struct s3_bucket_row *ret)
{
	struct key k;
	struct str value;
	if (name.len > 63)
		return false;
	key_bucket(&k, name);
	if (!tx_get(c->tx, s3_rows(c), key_str(&k), &value)) {
		struct str real;
		if (!s3_other_name_find(c, name, &real))
			return false;
		key_bucket(&k, real);
		if (!tx_get(c->tx, s3_rows(c), key_str(&k), &value))
			return false;
	}
	return row_decode(&s3_bucket_row_shape, value, c->arena, ret);
}

int
s3_bucket_open(
	struct call *c, struct str name, struct str expected_owner, struct s3_bucket_row *ret)
{
	if (!s3_bucket_find(c, name, ret)) {
		if (!s3_bucket_name_valid(name)) {
			call_fail(c, &S3_InvalidBucketName, NULL);
			return call_fail_field(c, "BucketName", name);
		}
		call_fail(c, &S3_NoSuchBucket, NULL);
		return call_fail_field(c, "BucketName", name);
	}
	if (!expected_owner.p)
		return CALL_OK;
	uint64_t digits;
	if (expected_owner.len != 12 || !str_to_u64(expected_owner, &digits))
		return call_fail(c, &S3_InvalidBucketOwnerAWSAccountID, NULL);
	if (!str_eq(expected_owner, ret->Owner))
		return call_fail(c, &S3_AccessDenied, NULL);
	return CALL_OK;
}

void
s3_bucket_save(struct call *c, struct s3_bucket_row *b)
{
	struct key k;
	struct buf out = { 0 };
	key_bucket(&k, b->Name);
	row_encode(&s3_bucket_row_shape, b, &out);
	tx_put(c->tx, s3_rows(c), key_str(&k), buf_str(&out));
	buf_done(&out);
}

void
s3_bucket_erase(struct call *c, const struct s3_bucket_row *b)
{
	struct key k;
	key_bucket(&k, b->Name);
	tx_delete(c->tx, s3_rows(c), key_str(&k));
}

static void
key_config(struct key *k, const struct s3_bucket_row *b, enum s3_config which)
{
	s3_key_space(k, 'G', (uint64_t)b->Id.v);
	key_add_u64(k, which);
}

bool
s3_config_get(
	struct call *c, const struct s3_bucket_row *b, enum s3_config which, struct str *ret_value)
{
	struct key k;
	if (!(b->Configs.v >> which & 1))
		return false;
	key_config(&k, b, which);
	return tx_get(c->tx, s3_rows(c), key_str(&k), ret_value);
}

void
s3_config_put(struct call *c, struct s3_bucket_row *b, enum s3_config which, struct str value)
{
	struct key k;
	key_config(&k, b, which);
	if (value.p) {
		tx_put(c->tx, s3_rows(c), key_str(&k), value);
		b->Configs = OPT_I64(b->Configs.v | INT64_C(1) << which);
	} else {
		tx_delete(c->tx, s3_rows(c), key_str(&k));
		b->Configs = OPT_I64(b->Configs.v & ~(INT64_C(1) << which));
	}
	b->Generation = OPT_I64(b->Generation.v + 1);
	s3_bucket_save(c, b);
}

struct str
s3_canonical_id(struct call *c, struct str account)
{
	unsigned char sum[32];
	sha256(arena_concat(c->arena, STR("canonical-user:"), account), sum);
	return hex_text(c->arena, str_of(sum, sizeof(sum)));
}
