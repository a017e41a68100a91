/* Sign, Verify, MACs, shared secrets, and the public half of a key. */
#include "svc/kms/cipher.h"
#include "svc/kms/kms.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

static int
usage_check(struct call *c, const struct kms_key *k, const char *usage, struct str algorithm)
{
	const struct kms_spec *s = kms_spec(k->row.Spec);
	if (!str_eq(k->row.Usage, str_c(usage)))
		return call_fail(c, &KMS_InvalidKeyUsageException,
			"%.*s key usage is %.*s which is not valid for this operation.",
			STR_FMT(k->arn), STR_FMT(k->row.Usage));
	if (s && kms_word_in(algorithm, kms_algorithms(s, k->row.Usage)))
		return CALL_OK;
	return call_fail(c, &KMS_InvalidKeyUsageException,
		"Algorithm %.*s is incompatible with key spec %.*s.", STR_FMT(algorithm),
		STR_FMT(k->row.Spec));
}

static int
digest_check(struct call *c, struct str algorithm, struct str type, struct str message)
{
	size_t want = kms_sign_digest_bytes(algorithm);
	if (str_is(type, "EXTERNAL_MU") || (str_is(type, "DIGEST") && !want))
		return call_fail(c, &ERR_ValidationException,
			"MessageType %.*s is not valid for algorithm %.*s.", STR_FMT(type),
			STR_FMT(algorithm));
	if (str_is(type, "DIGEST") && message.len != want)
		return call_fail(c, &ERR_ValidationException,
			"Digest is invalid length for algorithm %.*s.", STR_FMT(algorithm));
	return CALL_OK;
}

static int
secret_open(struct call *c, const struct kms_key *k, struct kms_secret *ret)
{
	if (kms_material_open(c, k, UINT32_MAX, ret))
		return CALL_OK;
	return call_fail(c, &KMS_KMSInternalException, "The key's material does not open.");
}

int
kms_sign(struct call *c, const struct kms_sign_in *in, struct kms_sign_out *out)
{
	struct kms_key k;
	KMS_SECRET s;
	struct kms_ask a = { .operation = "Sign",
		.tokens = &in->GrantTokens,
		.algorithm = in->SigningAlgorithm,
		.algorithm_key = "kms:SigningAlgorithm",
		.alias = true };
	if (kms_open(c, in->KeyId, &a, &k) ||
		usage_check(c, &k, "SIGN_VERIFY", in->SigningAlgorithm) ||
		digest_check(c, in->SigningAlgorithm, in->MessageType, in->Message) ||
		kms_dry_run(c, in->DryRun) || secret_open(c, &k, &s))
		return CALL_FAILED;
	out->Signature = kms_cipher_sign(c->arena, str_of(s.b, s.len), in->SigningAlgorithm,
		in->Message, str_is(in->MessageType, "DIGEST"));
	if (!out->Signature.p)
		return call_fail(c, &KMS_KMSInternalException, "Signing failed.");
	out->KeyId = k.arn;
	out->SigningAlgorithm = in->SigningAlgorithm;
	return CALL_OK;
}

int
kms_verify(struct call *c, const struct kms_verify_in *in, struct kms_verify_out *out)
{
	struct kms_key k;
	struct kms_ask a = { .operation = "Verify",
		.tokens = &in->GrantTokens,
		.algorithm = in->SigningAlgorithm,
		.algorithm_key = "kms:SigningAlgorithm",
		.alias = true };
	if (kms_open(c, in->KeyId, &a, &k) ||
		usage_check(c, &k, "SIGN_VERIFY", in->SigningAlgorithm) ||
		digest_check(c, in->SigningAlgorithm, in->MessageType, in->Message) ||
		kms_dry_run(c, in->DryRun))
		return CALL_FAILED;
	/* AWS says false by an error. */
	if (!kms_cipher_verify(k.row.PublicKey, in->SigningAlgorithm, in->Message,
		    str_is(in->MessageType, "DIGEST"), in->Signature))
		return call_fail(c, &KMS_KMSInvalidSignatureException, NULL);
	out->KeyId = k.arn;
	out->SignatureValid = OPT_BOOL(true);
	out->SigningAlgorithm = in->SigningAlgorithm;
	return CALL_OK;
}

int
kms_get_public_key(
	struct call *c, const struct kms_get_public_key_in *in, struct kms_get_public_key_out *out)
{
	struct kms_key k;
	struct kms_ask a = {
		.operation = "GetPublicKey", .tokens = &in->GrantTokens, .alias = true
	};
	if (kms_open(c, in->KeyId, &a, &k))
		return CALL_FAILED;
	if (!k.row.PublicKey.p)
		return call_fail(c, &KMS_UnsupportedOperationException,
			"%.*s is not an asymmetric key.", STR_FMT(k.arn));
	struct kms_key_metadata *m = kms_metadata(c, &k);
	out->KeyId = k.arn;
	out->PublicKey = k.row.PublicKey;
	out->CustomerMasterKeySpec = out->KeySpec = k.row.Spec;
	out->KeyUsage = k.row.Usage;
	out->EncryptionAlgorithms = m->EncryptionAlgorithms;
	out->SigningAlgorithms = m->SigningAlgorithms;
	out->KeyAgreementAlgorithms = m->KeyAgreementAlgorithms;
	return CALL_OK;
}

int
kms_derive_shared_secret(struct call *c, const struct kms_derive_shared_secret_in *in,
	struct kms_derive_shared_secret_out *out)
{
	struct kms_key k;
	KMS_SECRET s;
	struct kms_ask a = {
		.operation = "DeriveSharedSecret", .tokens = &in->GrantTokens, .alias = true
	};
	if (kms_no_recipient(c, in->Recipient != NULL) || kms_open(c, in->KeyId, &a, &k) ||
		usage_check(c, &k, "KEY_AGREEMENT", in->KeyAgreementAlgorithm) ||
		kms_dry_run(c, in->DryRun) || secret_open(c, &k, &s))
		return CALL_FAILED;
	out->SharedSecret = kms_cipher_agree(c->arena, str_of(s.b, s.len), in->PublicKey);
	if (!out->SharedSecret.p)
		return call_fail(c, &ERR_ValidationException,
			"The public key is not one of the curve of %.*s.", STR_FMT(k.arn));
	out->KeyId = k.arn;
	out->KeyAgreementAlgorithm = in->KeyAgreementAlgorithm;
	out->KeyOrigin = k.row.Origin;
	return CALL_OK;
}

/* ---- MACs ---- */

static struct str
mac_of(struct call *c, const struct kms_secret *s, struct str algorithm, struct str message)
{
	unsigned char *out = (unsigned char *)arena_alloc_raw(c->arena, EVP_MAX_MD_SIZE);
	unsigned n = 0;
	const EVP_MD *md = str_is(algorithm, "HMAC_SHA_224")   ? EVP_sha224()
			   : str_is(algorithm, "HMAC_SHA_256") ? EVP_sha256()
			   : str_is(algorithm, "HMAC_SHA_384") ? EVP_sha384()
							       : EVP_sha512();
	if (!HMAC(md, s->b, (int)s->len, (const unsigned char *)message.p, message.len, out, &n))
		return STR_NULL;
	return str_of(out, n);
}

static int
mac_make(struct call *c, const char *operation, struct str key_id, struct str algorithm,
	const struct list_str *tokens, struct opt_bool dry, struct str message,
	struct kms_key *ret_key, struct str *ret_mac)
{
	KMS_SECRET s;
	struct kms_ask a = { .operation = operation,
		.tokens = tokens,
		.algorithm = algorithm,
		.algorithm_key = "kms:MacAlgorithm",
		.alias = true };
	if (kms_open(c, key_id, &a, ret_key) ||
		usage_check(c, ret_key, "GENERATE_VERIFY_MAC", algorithm) || kms_dry_run(c, dry) ||
		secret_open(c, ret_key, &s))
		return CALL_FAILED;
	*ret_mac = mac_of(c, &s, algorithm, message);
	return ret_mac->p ? CALL_OK : call_fail(c, &KMS_KMSInternalException, NULL);
}

int
kms_generate_mac(
	struct call *c, const struct kms_generate_mac_in *in, struct kms_generate_mac_out *out)
{
	struct kms_key k;
	if (mac_make(c, "GenerateMac", in->KeyId, in->MacAlgorithm, &in->GrantTokens, in->DryRun,
		    in->Message, &k, &out->Mac))
		return CALL_FAILED;
	out->KeyId = k.arn;
	out->MacAlgorithm = in->MacAlgorithm;
	return CALL_OK;
}

int
kms_verify_mac(struct call *c, const struct kms_verify_mac_in *in, struct kms_verify_mac_out *out)
{
	struct kms_key k;
	struct str mac;
	if (mac_make(c, "VerifyMac", in->KeyId, in->MacAlgorithm, &in->GrantTokens, in->DryRun,
		    in->Message, &k, &mac))
		return CALL_FAILED;
	if (!str_eq_consttime(mac, in->Mac))
		return call_fail(c, &KMS_KMSInvalidMacException, NULL);
	out->KeyId = k.arn;
	out->MacValid = OPT_BOOL(true);
	out->MacAlgorithm = in->MacAlgorithm;
	return CALL_OK;
}
