/* Keys for use outside, sealed under a key that never leaves. */
#include "svc/kms/kms.h"

int
kms_no_recipient(struct call *c, bool asked)
{
	if (!asked)
		return CALL_OK;
	return call_fail(c, &KMS_UnsupportedOperationException,
		"There are no Nitro enclaves here, so no attestation document can be checked: "
		"Recipient is not supported.");
}

static int
symmetric_check(struct call *c, const struct kms_key *k)
{
	if (str_is(k->row.Spec, "SYMMETRIC_DEFAULT"))
		return CALL_OK;
	return call_fail(c, &KMS_InvalidKeyUsageException,
		"%.*s key usage is %.*s which is not valid for this operation.", STR_FMT(k->arn),
		STR_FMT(k->row.Usage));
}

static int
open_for(struct call *c, struct str key_id, const struct kms_ask *a, struct kms_key *ret)
{
	return kms_open(c, key_id, a, ret) || symmetric_check(c, ret) ? CALL_FAILED : CALL_OK;
}

static int
seal_for(struct call *c, const struct kms_key *k, const struct map_str *context, struct str plain,
	struct str *ret)
{
	*ret = kms_ciphertext_seal(c, k, context, plain);
	return ret->p ? CALL_OK
		      : call_fail(
				c, &KMS_KMSInternalException, "The key's material does not open.");
}

static int
length_choose(struct call *c, struct opt_i64 bytes, struct str spec, size_t *ret)
{
	if (bytes.set == (spec.p != NULL))
		return call_fail(c, &ERR_ValidationException,
			"Please specify either number of bytes or key spec.");
	*ret = bytes.set ? (size_t)bytes.v : str_is(spec, "AES_128") ? 16 : 32;
	return CALL_OK;
}

static struct str
random_text(struct call *c, size_t n)
{
	char *p = arena_alloc_raw(c->arena, n);
	random_bytes(p, n);
	return str_of(p, n);
}

#define MATERIAL_ID(k) (k).row.Materials.v[(k).row.Materials.n - 1].Id

int
kms_generate_data_key(struct call *c, const struct kms_generate_data_key_in *in,
	struct kms_generate_data_key_out *out)
{
	struct kms_key k;
	size_t n;
	struct kms_ask a = { .operation = "GenerateDataKey",
		.context = &in->EncryptionContext,
		.tokens = &in->GrantTokens,
		.alias = true };
	if (kms_no_recipient(c, in->Recipient != NULL) ||
		length_choose(c, in->NumberOfBytes, in->KeySpec, &n) ||
		open_for(c, in->KeyId, &a, &k) || kms_dry_run(c, in->DryRun))
		return CALL_FAILED;
	out->Plaintext = random_text(c, n);
	out->KeyId = k.arn;
	out->KeyMaterialId = MATERIAL_ID(k);
	return seal_for(c, &k, &in->EncryptionContext, out->Plaintext, &out->CiphertextBlob);
}

int
kms_generate_data_key_without_plaintext(struct call *c,
	const struct kms_generate_data_key_without_plaintext_in *in,
	struct kms_generate_data_key_without_plaintext_out *out)
{
	struct kms_key k;
	size_t n;
	struct kms_ask a = { .operation = "GenerateDataKeyWithoutPlaintext",
		.context = &in->EncryptionContext,
		.tokens = &in->GrantTokens,
		.alias = true };
	/* Unlike its sibling it has a default. */
	struct str spec = in->KeySpec.p || in->NumberOfBytes.set ? in->KeySpec : STR("AES_256");
	if (length_choose(c, in->NumberOfBytes, spec, &n) || open_for(c, in->KeyId, &a, &k) ||
		kms_dry_run(c, in->DryRun))
		return CALL_FAILED;
	out->KeyId = k.arn;
	out->KeyMaterialId = MATERIAL_ID(k);
	return seal_for(c, &k, &in->EncryptionContext, random_text(c, n), &out->CiphertextBlob);
}

/* ---- pairs ---- */

struct pair {
	struct str private_key, sealed, public_key;
};

static int
pair_for(struct call *c, const struct kms_key *k, struct str spec_name,
	const struct map_str *context, struct pair *ret)
{
	const struct kms_spec *spec = kms_spec(spec_name);
	KMS_SECRET s;
	if (!spec)
		return call_fail(c, &KMS_UnsupportedOperationException,
			"Pairs of the spec %.*s cannot be made here.", STR_FMT(spec_name));
	int r = kms_pair_wait(c, spec, &s, &ret->public_key);
	if (r)
		return r;
	ret->private_key = arena_dup(c->arena, str_of(s.b, s.len));
	return seal_for(c, k, context, ret->private_key, &ret->sealed);
}

int
kms_generate_data_key_pair(struct call *c, const struct kms_generate_data_key_pair_in *in,
	struct kms_generate_data_key_pair_out *out)
{
	struct kms_key k;
	struct pair p;
	struct kms_ask a = { .operation = "GenerateDataKeyPair",
		.context = &in->EncryptionContext,
		.tokens = &in->GrantTokens,
		.alias = true };
	if (kms_no_recipient(c, in->Recipient != NULL) || open_for(c, in->KeyId, &a, &k) ||
		kms_dry_run(c, in->DryRun))
		return CALL_FAILED;
	int r = pair_for(c, &k, in->KeyPairSpec, &in->EncryptionContext, &p);
	if (r)
		return r;
	out->PrivateKeyPlaintext = p.private_key;
	out->PrivateKeyCiphertextBlob = p.sealed;
	out->PublicKey = p.public_key;
	out->KeyId = k.arn;
	out->KeyPairSpec = in->KeyPairSpec;
	out->KeyMaterialId = MATERIAL_ID(k);
	return CALL_OK;
}

int
kms_generate_data_key_pair_without_plaintext(struct call *c,
	const struct kms_generate_data_key_pair_without_plaintext_in *in,
	struct kms_generate_data_key_pair_without_plaintext_out *out)
{
	struct kms_key k;
	struct pair p;
	struct kms_ask a = { .operation = "GenerateDataKeyPairWithoutPlaintext",
		.context = &in->EncryptionContext,
		.tokens = &in->GrantTokens,
		.alias = true };
	if (open_for(c, in->KeyId, &a, &k) || kms_dry_run(c, in->DryRun))
		return CALL_FAILED;
	int r = pair_for(c, &k, in->KeyPairSpec, &in->EncryptionContext, &p);
	if (r)
		return r;
	out->PrivateKeyCiphertextBlob = p.sealed;
	out->PublicKey = p.public_key;
	out->KeyId = k.arn;
	out->KeyPairSpec = in->KeyPairSpec;
	out->KeyMaterialId = MATERIAL_ID(k);
	return CALL_OK;
}

int
kms_generate_random(struct call *c, const struct kms_generate_random_in *in,
	struct kms_generate_random_out *out)
{
	if (kms_account_allowed(c, "kms:GenerateRandom") ||
		kms_no_recipient(c, in->Recipient != NULL))
		return CALL_FAILED;
	if (in->CustomKeyStoreId.p)
		return call_fail(c, &KMS_CustomKeyStoreNotFoundException, NULL);
	if (!in->NumberOfBytes.set)
		return call_fail(c, &ERR_ValidationException,
			"1 validation error detected: Value at 'numberOfBytes' failed to satisfy "
			"constraint: Member must not be null");
	out->Plaintext = random_text(c, (size_t)in->NumberOfBytes.v);
	return CALL_OK;
}

/* ---- for other services ---- */

int
kms_data_key_new(struct call *c, struct str key_id, const struct map_str *context, struct str via,
	const unsigned char *plain, struct kms_data_key *ret)
{
	struct kms_key k;
	struct kms_ask a = {
		.operation = "GenerateDataKey", .context = context, .via = via, .alias = true
	};
	if (open_for(c, key_id, &a, &k))
		return CALL_FAILED;
	if (plain)
		memcpy(ret->plain, plain, sizeof(ret->plain));
	else
		random_bytes(ret->plain, sizeof(ret->plain));
	ret->arn = k.arn;
	return seal_for(c, &k, context, str_of(ret->plain, sizeof(ret->plain)), &ret->sealed);
}
