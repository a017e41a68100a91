/* Encrypt, Decrypt, ReEncrypt: with symmetric keys and with RSA. */
#include "svc/kms/kms.h"

#include "svc/kms/cipher.h"

static int
algorithm_check(struct call *c, const struct kms_key *k, struct str algorithm)
{
	const struct kms_spec *s = kms_spec(k->row.Spec);
	if (!str_is(k->row.Usage, "ENCRYPT_DECRYPT"))
		return call_fail(c, &KMS_InvalidKeyUsageException,
			"%.*s key usage is %.*s which is not valid for this operation.",
			STR_FMT(k->arn), STR_FMT(k->row.Usage));
	if (s && kms_word_in(algorithm, kms_algorithms(s, k->row.Usage)))
		return CALL_OK;
	return call_fail(c, &KMS_InvalidKeyUsageException,
		"Algorithm %.*s is incompatible with key spec %.*s.", STR_FMT(algorithm),
		STR_FMT(k->row.Spec));
}

static bool
symmetric(struct str algorithm)
{
	return str_is(algorithm, "SYMMETRIC_DEFAULT");
}

static struct str
or_default(struct str algorithm)
{
	return algorithm.p ? algorithm : STR("SYMMETRIC_DEFAULT");
}

static int
context_check(struct call *c, struct str algorithm, const struct map_str *context)
{
	if (symmetric(algorithm) || !context->n)
		return CALL_OK;
	return call_fail(c, &ERR_ValidationException,
		"EncryptionContext is not supported with asymmetric algorithms.");
}

static int
encrypt_with(struct call *c, const struct kms_key *k, struct str algorithm,
	const struct map_str *context, struct str plain, struct str *ret)
{
	if (algorithm_check(c, k, algorithm) || context_check(c, algorithm, context))
		return CALL_FAILED;
	if (symmetric(algorithm)) {
		*ret = kms_ciphertext_seal(c, k, context, plain);
		return ret->p ? CALL_OK
			      : call_fail(c, &KMS_KMSInternalException,
					"The key's material does not open.");
	}
	size_t max = kms_rsa_max(k->row.PublicKey, algorithm);
	if (plain.len > max)
		return call_fail(c, &ERR_ValidationException,
			"Algorithm %.*s and key spec %.*s cannot encrypt data larger than %zu "
			"bytes.",
			STR_FMT(algorithm), STR_FMT(k->row.Spec), max);
	*ret = kms_rsa_encrypt(c->arena, k->row.PublicKey, algorithm, plain);
	return ret->p ? CALL_OK : call_fail(c, &KMS_KMSInternalException, "Encryption failed.");
}

int
kms_encrypt(struct call *c, const struct kms_encrypt_in *in, struct kms_encrypt_out *out)
{
	struct kms_key k;
	struct str algorithm = or_default(in->EncryptionAlgorithm);
	struct kms_ask a = { .operation = "Encrypt",
		.context = &in->EncryptionContext,
		.tokens = &in->GrantTokens,
		.algorithm = algorithm,
		.algorithm_key = "kms:EncryptionAlgorithm",
		.alias = true };
	if (kms_open(c, in->KeyId, &a, &k) || kms_dry_run(c, in->DryRun) ||
		encrypt_with(c, &k, algorithm, &in->EncryptionContext, in->Plaintext,
			&out->CiphertextBlob))
		return CALL_FAILED;
	out->KeyId = k.arn;
	out->EncryptionAlgorithm = algorithm;
	return CALL_OK;
}

/* What Decrypt and the first half of ReEncrypt need. */
struct opening {
	const char *operation;
	struct str blob, key_id, algorithm;
	const struct map_str *context;
	const struct list_str *tokens;
	struct str via;
	struct opt_bool dry_run;
};

static int
bad_ciphertext(struct call *c)
{
	return call_fail(c, &KMS_InvalidCiphertextException, NULL);
}

/* Its own key is named by the ciphertext; one that is given too must be the same. */
static int
symmetric_key(struct call *c, const struct opening *o, const struct kms_ask *a,
	const struct kms_ciphertext *t, struct kms_key *ret)
{
	struct kms_key given;
	if (!kms_key_load(c, t->account, t->region, t->id, ret) || !str_eq(t->region, c->region))
		return call_fail(c, &ERR_AccessDenied,
			"The ciphertext refers to a customer master key that does not exist, does "
			"not "
			"exist in this region, or you are not allowed to access.");
	if (o->key_id.p) {
		if (kms_open(c, o->key_id, a, &given))
			return CALL_FAILED;
		if (!str_eq(given.arn, ret->arn))
			return call_fail(c, &KMS_IncorrectKeyException,
				"The key ID in the request does not identify a CMK that can "
				"perform "
				"this operation.");
		ret->alias = given.alias;
		return CALL_OK;
	}
	return kms_allowed(c, ret, a) || kms_usable(c, ret) ? CALL_FAILED : CALL_OK;
}

static int
open_symmetric(struct call *c, const struct opening *o, struct kms_key *k, struct str *ret_plain)
{
	struct kms_ciphertext t;
	struct kms_ask a = { .operation = o->operation,
		.context = o->context,
		.tokens = o->tokens,
		.via = o->via,
		.algorithm = o->algorithm,
		.algorithm_key = "kms:EncryptionAlgorithm",
		.alias = true };
	if (!kms_ciphertext_parse(o->blob, &t))
		return bad_ciphertext(c);
	if (symmetric_key(c, o, &a, &t, k) || algorithm_check(c, k, o->algorithm) ||
		kms_dry_run(c, o->dry_run))
		return CALL_FAILED;
	*ret_plain = kms_ciphertext_open(c, k, &t, o->context);
	return ret_plain->p ? CALL_OK : bad_ciphertext(c);
}

static int
open_rsa(struct call *c, const struct opening *o, struct kms_key *k, struct str *ret_plain)
{
	KMS_SECRET s;
	struct kms_ask a = { .operation = o->operation,
		.tokens = o->tokens,
		.algorithm = o->algorithm,
		.algorithm_key = "kms:EncryptionAlgorithm",
		.alias = true };
	if (!o->key_id.p)
		return call_fail(
			c, &ERR_ValidationException, "KeyId is required for asymmetric keys.");
	if (kms_open(c, o->key_id, &a, k) || algorithm_check(c, k, o->algorithm) ||
		context_check(c, o->algorithm, o->context) || kms_dry_run(c, o->dry_run))
		return CALL_FAILED;
	if (!kms_material_open(c, k, UINT32_MAX, &s))
		return call_fail(c, &KMS_KMSInternalException, "The key's material does not open.");
	*ret_plain = kms_rsa_decrypt(c->arena, str_of(s.b, s.len), o->algorithm, o->blob);
	return ret_plain->p ? CALL_OK : bad_ciphertext(c);
}

static int
open_blob(struct call *c, const struct opening *o, struct kms_key *k, struct str *ret_plain)
{
	if (!o->blob.p)
		return call_fail(c, &ERR_ValidationException,
			"1 validation error detected: Value at 'ciphertextBlob' failed to satisfy "
			"constraint: Member must not be null");
	return symmetric(o->algorithm) ? open_symmetric(c, o, k, ret_plain)
				       : open_rsa(c, o, k, ret_plain);
}

int
kms_decrypt(struct call *c, const struct kms_decrypt_in *in, struct kms_decrypt_out *out)
{
	struct kms_key k;
	struct kms_ciphertext t;
	struct opening o = { "Decrypt", in->CiphertextBlob, in->KeyId,
		or_default(in->EncryptionAlgorithm), &in->EncryptionContext, &in->GrantTokens,
		STR_NULL, in->DryRun };
	if (kms_no_recipient(c, in->Recipient != NULL) || open_blob(c, &o, &k, &out->Plaintext))
		return CALL_FAILED;
	out->KeyId = k.arn;
	out->EncryptionAlgorithm = o.algorithm;
	if (symmetric(o.algorithm) && kms_ciphertext_parse(o.blob, &t))
		out->KeyMaterialId = k.row.Materials.v[t.material].Id;
	return CALL_OK;
}

int
kms_re_encrypt(struct call *c, const struct kms_re_encrypt_in *in, struct kms_re_encrypt_out *out)
{
	struct kms_key from, to;
	struct str plain, algorithm = or_default(in->DestinationEncryptionAlgorithm);
	struct opening o = { "ReEncryptFrom", in->CiphertextBlob, in->SourceKeyId,
		or_default(in->SourceEncryptionAlgorithm), &in->SourceEncryptionContext,
		&in->GrantTokens, STR_NULL, { 0 } };
	struct kms_ask a = { .operation = "ReEncryptTo",
		.context = &in->DestinationEncryptionContext,
		.tokens = &in->GrantTokens,
		.algorithm = algorithm,
		.algorithm_key = "kms:EncryptionAlgorithm",
		.alias = true };
	if (open_blob(c, &o, &from, &plain) || kms_open(c, in->DestinationKeyId, &a, &to) ||
		kms_dry_run(c, in->DryRun) ||
		encrypt_with(c, &to, algorithm, &in->DestinationEncryptionContext, plain,
			&out->CiphertextBlob))
		return CALL_FAILED;
	out->SourceKeyId = from.arn;
	out->KeyId = to.arn;
	out->SourceEncryptionAlgorithm = o.algorithm;
	out->DestinationEncryptionAlgorithm = algorithm;
	return CALL_OK;
}

int
kms_data_key_open(struct call *c, struct str sealed, const struct map_str *context, struct str via,
	struct kms_data_key *ret)
{
	struct kms_key k;
	struct str plain;
	struct opening o = { "Decrypt", sealed, STR_NULL, STR("SYMMETRIC_DEFAULT"), context, NULL,
		via, { 0 } };
	if (open_blob(c, &o, &k, &plain))
		return CALL_FAILED;
	if (plain.len != KMS_DATA_KEY)
		return bad_ciphertext(c);
	memcpy(ret->plain, plain.p, KMS_DATA_KEY);
	ret->sealed = sealed;
	ret->arn = k.arn;
	return CALL_OK;
}
