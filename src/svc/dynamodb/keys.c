/* Where items lie, and what may be a key. */
#include "base/digest.h"
#include "svc/dynamodb/dynamodb.h"

/* A longer partition key is in the row's key as its digest: nothing needs its order. */
#define HASH_PLAIN_MAX 255

uint64_t
ddb_hash(const struct ddb_val *hash, const struct ddb_val *range)
{
	unsigned char sum[16];
	uint64_t v = 0;
	char text[8 + DDB_HASH_KEY_MAX + DDB_RANGE_KEY_MAX];
	size_t n = 0, room = DDB_HASH_KEY_MAX;
	/* The order in which DynamoDB itself walks a table: clients' tests have seen it. */
	memcpy(text, "Outliers", 8), n = 8;
	memcpy(text + n, hash->s.p, hash->s.len < room ? hash->s.len : room);
	n += hash->s.len < room ? hash->s.len : room;
	room = sizeof(text) - n;
	if (range) {
		memcpy(text + n, range->s.p, range->s.len < room ? range->s.len : room);
		n += range->s.len < room ? range->s.len : room;
	}
	md5(str_of(text, n), sum);
	for (unsigned i = 0; i < 8; i++)
		v = v << 8 | sum[i];
	return v;
}

void
ddb_key_space(struct key *k, uint64_t table, uint32_t index)
{
	key_begin(k);
	key_add_raw(k, STR("D"));
	key_add_u64(k, table << 16 | (index & 0xffff));
}

void
ddb_key_hash(struct key *k, const struct ddb_val *hash)
{
	unsigned char sum[32];
	key_add_u64(k, ddb_hash(hash, NULL));
	if (hash->s.len <= HASH_PLAIN_MAX) {
		key_add_raw(k, STR("\1"));
		key_add(k, hash->s);
		return;
	}
	sha256(hash->s, sum);
	key_add_raw(k, STR("\2"));
	key_add_raw(k, str_of(sum, sizeof(sum)));
}

void
ddb_key_range(struct key *k, const struct ddb_val *range)
{
	key_add(k, range->s);
}

/* Items of one index key lie in the order of their table key's hash; the digest keeps them apart.
 */
static void
add_table_key(struct key *k, const struct ddb_val *hash, const struct ddb_val *range)
{
	unsigned char sum[32];
	char text[DDB_HASH_KEY_MAX + DDB_RANGE_KEY_MAX + 8];
	uint32_t len = (uint32_t)hash->s.len;
	size_t n = 4 + hash->s.len;
	key_add_u64(k, ddb_hash(hash, range));
	memcpy(text, &len, 4);
	memcpy(text + 4, hash->s.p, hash->s.len);
	if (range) {
		memcpy(text + n, range->s.p, range->s.len);
		n += range->s.len;
	}
	sha256(str_of(text, n), sum);
	key_add_raw(k, str_of(sum, 16));
}

void
ddb_item_key(struct key *k, const struct ddb_table *t, const struct ddb_index *x,
	const struct ddb_val *item)
{
	const struct ddb_key *s = x ? &x->key : &t->key;
	ddb_key_space(k, t->id, x ? x->id : 0);
	ddb_key_hash(k, ddb_get(item, s->hash));
	if (s->range.p)
		ddb_key_range(k, ddb_get(item, s->range));
	if (x)
		add_table_key(k, ddb_get(item, t->key.hash),
			t->key.range.p ? ddb_get(item, t->key.range) : NULL);
}

/* ---- checks */

int
ddb_key_size_check(struct call *c, const struct ddb_val *v, bool hash)
{
	if (v->type == DDB_N)
		return 0;
	if (hash && v->s.len > DDB_HASH_KEY_MAX)
		return ddb_fail(c,
			"One or more parameter values were invalid: "
			"Size of hashkey has exceeded the maximum size limit of2048 bytes");
	if (!hash && v->s.len > DDB_RANGE_KEY_MAX)
		return ddb_fail(c, "One or more parameter values were invalid: "
				   "Aggregated size of all range keys has exceeded the size limit "
				   "of 1024 bytes");
	return 0;
}

int
ddb_key_piece_check(
	struct call *c, const struct ddb_val *key, struct str name, uint8_t type, bool hash)
{
	const struct ddb_val *v = ddb_get(key, name);
	if (!v || v->type != type)
		return ddb_fail(c, "The provided key element does not match the schema");
	if (!v->s.len)
		return ddb_fail(c,
			"One or more parameter values were invalid: The AttributeValue for a key "
			"attribute cannot "
			"contain an empty %s value. Key: %.*s",
			type == DDB_S ? "string" : "binary", STR_FMT(name));
	return ddb_key_size_check(c, v, hash);
}

int
ddb_key_check(struct call *c, const struct ddb_table *t, const struct ddb_val *key)
{
	const struct ddb_key *s = &t->key;
	if (key->n != (s->range.p ? 2u : 1u))
		return ddb_fail(c, "The provided key element does not match the schema");
	if (ddb_key_piece_check(c, key, s->hash, s->hash_type, true))
		return CALL_FAILED;
	return s->range.p ? ddb_key_piece_check(c, key, s->range, s->range_type, false) : 0;
}

static int
item_piece_check(
	struct call *c, const struct ddb_val *item, struct str name, uint8_t type, bool hash)
{
	const struct ddb_val *v = ddb_get(item, name);
	if (!v)
		return ddb_fail(c,
			"One or more parameter values were invalid: Missing the key %.*s in the "
			"item",
			STR_FMT(name));
	if (v->type != type)
		return ddb_fail(c,
			"One or more parameter values were invalid: Type mismatch for key %.*s "
			"expected: %s actual: %s",
			STR_FMT(name), ddb_type_names[type], ddb_type_names[v->type]);
	if (!v->s.len)
		return ddb_fail(c,
			"One or more parameter values are not valid. The AttributeValue for a key "
			"attribute cannot "
			"contain an empty %s value. Key: %.*s",
			type == DDB_S ? "string" : "binary", STR_FMT(name));
	return ddb_key_size_check(c, v, hash);
}

static int
index_piece_check(struct call *c, const struct ddb_index *x, const struct ddb_val *item,
	struct str name, uint8_t type, bool hash)
{
	const struct ddb_val *v = name.p ? ddb_get(item, name) : NULL;
	if (!v)
		return 0;
	if (v->type != type)
		return ddb_fail(c,
			"One or more parameter values were invalid: Type mismatch for Index Key "
			"%.*s Expected: %s "
			"Actual: %s IndexName: %.*s",
			STR_FMT(name), ddb_type_names[type], ddb_type_names[v->type],
			STR_FMT(x->row->Name));
	if (!v->s.len)
		return ddb_fail(c,
			"One or more parameter values are not valid. A value specified for a "
			"secondary index key is "
			"not supported. The AttributeValue for a key attribute cannot contain an "
			"empty %s value. "
			"IndexName: %.*s, IndexKey: %.*s",
			type == DDB_S ? "string" : "binary", STR_FMT(x->row->Name), STR_FMT(name));
	return ddb_key_size_check(c, v, hash);
}

int
ddb_item_check(struct call *c, const struct ddb_table *t, const struct ddb_val *item)
{
	const struct ddb_key *s = &t->key;
	if (item_piece_check(c, item, s->hash, s->hash_type, true))
		return CALL_FAILED;
	if (s->range.p && item_piece_check(c, item, s->range, s->range_type, false))
		return CALL_FAILED;
	for (uint32_t i = 0; i < t->indexes_n; i++) {
		const struct ddb_index *x = &t->indexes[i];
		if (index_piece_check(c, x, item, x->key.hash, x->key.hash_type, true) ||
			index_piece_check(c, x, item, x->key.range, x->key.range_type, false))
			return CALL_FAILED;
	}
	return 0;
}

static void
add_key_attr(struct ddb_val *to, const struct ddb_val *item, struct str name)
{
	const struct ddb_val *v = name.p && !ddb_get(to, name) ? ddb_get(item, name) : NULL;
	if (v)
		to->attrs[to->n++] = (struct ddb_attr){ name, *v };
}

struct ddb_val
ddb_key_of(struct call *c, const struct ddb_table *t, const struct ddb_index *x,
	const struct ddb_val *item)
{
	struct ddb_val key = { .type = DDB_M };
	key.attrs = arena_array(c->arena, struct ddb_attr, 4);
	add_key_attr(&key, item, t->key.hash);
	add_key_attr(&key, item, t->key.range);
	if (x) {
		add_key_attr(&key, item, x->key.hash);
		add_key_attr(&key, item, x->key.range);
	}
	return key;
}
