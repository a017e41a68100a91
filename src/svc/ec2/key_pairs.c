/* Key pairs: made, imported, listed, deleted. */
#include "svc/ec2/key_pairs.h"

#include "svc/ec2/key_material.h"
#include "svc/ec2/key_pool.h"

#define NAME_LEN_MAX 255
#define WAIT_MS 10000

static const struct ec2_filter_rule filters[] = {
	{ "key-pair-id", "KeyPairId", NULL },
	{ "fingerprint", "KeyFingerprint", NULL },
	{ "key-name", "KeyName", NULL },
	{ 0 },
};
const struct ec2_kind ec2_key_pair_kind = {
	.type = "key-pair",
	.prefix = "key-",
	.row = &ec2_key_pair_row_shape,
	.unknown = &EC2_InvalidKeyPair_NotFound,
	.unknown_text = "The key pair with ID '%.*s' does not exist",
	.filters = filters,
};
EC2_KIND(ec2_key_pair_kind);

static int
unknown(struct call *c, struct str name)
{
	return call_fail(c, &EC2_InvalidKeyPair_NotFound, "The key pair '%.*s' does not exist",
		STR_FMT(name));
}

struct ec2_key_pair_info *
ec2_key_pair_need(struct call *c, struct str name)
{
	struct str id = ec2_name_get(c, &ec2_key_pair_kind, name);
	struct ec2_key_pair_row *row = id.p ? ec2_get(c, &ec2_key_pair_kind, id) : NULL;
	if (!row)
		unknown(c, name);
	return row ? row->KeyPair : NULL;
}

/* It stands in a line of authorized_keys and of a PuTTY file, so nothing may end the line. */
static int
name_check(struct call *c, struct str name)
{
	bool good = name.len > 0 && name.len <= NAME_LEN_MAX;
	for (size_t i = 0; i < name.len; i++)
		good &= name.p[i] >= ' ' && name.p[i] < 127;
	if (!good)
		return call_fail(c, &EC2_InvalidParameterValue,
			"Value (%.*s) for parameter keyName is invalid. Up to %d ASCII characters "
			"are allowed",
			STR_FMT(name), NAME_LEN_MAX);
	if (ec2_name_get(c, &ec2_key_pair_kind, name).p)
		return call_fail(c, &EC2_InvalidKeyPair_Duplicate,
			"The keypair '%.*s' already exists.", STR_FMT(name));
	return CALL_OK;
}

static int
keep(struct call *c, const struct key_public *k, struct str name, struct str fingerprint,
	const struct ec2_tag_specification_list *specs, struct ec2_key_pair_info *ret)
{
	struct ec2_key_pair_row row = { .KeyPair = ret };
	*ret = (struct ec2_key_pair_info){ .KeyPairId = ec2_new_id(c, &ec2_key_pair_kind),
		.KeyType = k->ed25519 ? STR("ed25519") : STR("rsa"),
		.PublicKey = key_public_line(c->arena, k, name),
		.CreateTime = OPT_TIME(c->now_ms),
		.KeyName = name,
		.KeyFingerprint = fingerprint };
	if (ec2_tags_create(c, &ec2_key_pair_kind, ret->KeyPairId, specs) != CALL_OK)
		return CALL_FAILED;
	ec2_put(c, &ec2_key_pair_kind, ret->KeyPairId, &row);
	ec2_name_put(c, &ec2_key_pair_kind, name, ret->KeyPairId);
	ec2_tags_get(c, ret->KeyPairId, &ret->Tags);
	return CALL_OK;
}

int
ec2_create_key_pair(struct call *c, const struct ec2_create_key_pair_in *in,
	struct ec2_create_key_pair_out *out)
{
	struct ec2_key_pair_info info;
	struct key_public public;
	bool ed25519 = str_is(in->KeyType, "ed25519");
	if (name_check(c, in->KeyName) != CALL_OK)
		return CALL_FAILED;
	EVP_PKEY *key =
		ed25519 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519") : key_pool_take(c->store);
	if (!key && !ed25519 && !call_timed_out(c))
		return call_park(c, STR(KEY_POOL_TOUCHED), c->now_ms + WAIT_MS);
	if (!key || !key_public_of(c->arena, key, &public)) {
		EVP_PKEY_free(key);
		return call_fail(c, &EC2_InternalError, "No key could be made.");
	}
	out->KeyMaterial = str_is(in->KeyFormat, "ppk")
				   ? key_private_ppk(c->arena, key, in->KeyName)
				   : key_private_pem(c->arena, key);
	struct str fingerprint = key_private_fingerprint(c->arena, key);
	EVP_PKEY_free(key);
	if (!out->KeyMaterial.p || !fingerprint.p)
		return call_fail(c, &EC2_InternalError, "No key could be made.");
	if (keep(c, &public, in->KeyName, fingerprint, &in->TagSpecifications, &info) != CALL_OK)
		return CALL_FAILED;
	out->KeyPairId = info.KeyPairId;
	out->KeyName = info.KeyName;
	out->KeyFingerprint = info.KeyFingerprint;
	out->Tags = info.Tags;
	return CALL_OK;
}

int
ec2_import_key_pair(struct call *c, const struct ec2_import_key_pair_in *in,
	struct ec2_import_key_pair_out *out)
{
	struct ec2_key_pair_info info;
	struct key_public public;
	if (name_check(c, in->KeyName) != CALL_OK)
		return CALL_FAILED;
	const char *why = key_public_read(c->arena, in->PublicKeyMaterial, &public);
	if (why)
		return call_fail(c, &EC2_InvalidKey_Format, "%s", why);
	struct str fingerprint = key_public_fingerprint(c->arena, &public);
	if (keep(c, &public, in->KeyName, fingerprint, &in->TagSpecifications, &info) != CALL_OK)
		return CALL_FAILED;
	out->KeyPairId = info.KeyPairId;
	out->KeyName = info.KeyName;
	out->KeyFingerprint = info.KeyFingerprint;
	out->Tags = info.Tags;
	return CALL_OK;
}

/* Deleting what is not there succeeds, by name and by id. */
int
ec2_delete_key_pair(struct call *c, const struct ec2_delete_key_pair_in *in,
	struct ec2_delete_key_pair_out *out)
{
	struct str id = in->KeyPairId;
	if (!id.len && !in->KeyName.len)
		return ec2_missing(c, "KeyName");
	if (!id.len)
		id = ec2_name_get(c, &ec2_key_pair_kind, in->KeyName);
	struct ec2_key_pair_row *row = id.p ? ec2_get(c, &ec2_key_pair_kind, id) : NULL;
	out->Return = OPT_BOOL(true);
	if (!row || (in->KeyName.len && !str_eq(in->KeyName, row->KeyPair->KeyName)))
		return CALL_OK;
	ec2_name_delete(c, &ec2_key_pair_kind, row->KeyPair->KeyName);
	ec2_delete(c, &ec2_key_pair_kind, id);
	out->KeyPairId = id;
	return CALL_OK;
}

int
ec2_describe_key_pairs(struct call *c, const struct ec2_describe_key_pairs_in *in,
	struct ec2_describe_key_pairs_out *out)
{
	struct list_str ids = { .v = arena_array(
					c->arena, struct str, in->KeyNames.n + in->KeyPairIds.n) };
	for (uint32_t i = 0; i < in->KeyNames.n; i++) {
		struct str id = ec2_name_get(c, &ec2_key_pair_kind, in->KeyNames.v[i]);
		if (!id.p)
			return unknown(c, in->KeyNames.v[i]);
		ids.v[ids.n++] = id;
	}
	for (uint32_t i = 0; i < in->KeyPairIds.n; i++)
		ids.v[ids.n++] = in->KeyPairIds.v[i];
	struct ec2_query q = { .kind = &ec2_key_pair_kind, .ids = &ids, .filters = &in->Filters };
	if (ec2_describe(c, &q, &out->KeyPairs, NULL) != CALL_OK)
		return CALL_FAILED;
	for (uint32_t i = 0; i < out->KeyPairs.n; i++)
		if (!in->IncludePublicKey.set || !in->IncludePublicKey.v)
			out->KeyPairs.v[i].PublicKey = STR_NULL;
	return CALL_OK;
}
