/* What kinds of keys there are, what each may do, and how DescribeKey tells it. */
#include "svc/kms/kms.h"

#include <openssl/obj_mac.h>

/* SM2 exists in AWS's Chinese regions only; ML-DSA needs OpenSSL 3.5. */
static const struct kms_spec specs[] = {
	{ "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", KMS_SYMMETRIC, 256, 0 },
	{ "HMAC_224", "GENERATE_VERIFY_MAC", KMS_HMAC, 224, 0 },
	{ "HMAC_256", "GENERATE_VERIFY_MAC", KMS_HMAC, 256, 0 },
	{ "HMAC_384", "GENERATE_VERIFY_MAC", KMS_HMAC, 384, 0 },
	{ "HMAC_512", "GENERATE_VERIFY_MAC", KMS_HMAC, 512, 0 },
	{ "RSA_2048", "ENCRYPT_DECRYPT SIGN_VERIFY", KMS_RSA, 2048, 0 },
	{ "RSA_3072", "ENCRYPT_DECRYPT SIGN_VERIFY", KMS_RSA, 3072, 0 },
	{ "RSA_4096", "ENCRYPT_DECRYPT SIGN_VERIFY", KMS_RSA, 4096, 0 },
	{ "ECC_NIST_P256", "SIGN_VERIFY KEY_AGREEMENT", KMS_EC, 256, NID_X9_62_prime256v1 },
	{ "ECC_NIST_P384", "SIGN_VERIFY KEY_AGREEMENT", KMS_EC, 384, NID_secp384r1 },
	{ "ECC_NIST_P521", "SIGN_VERIFY KEY_AGREEMENT", KMS_EC, 521, NID_secp521r1 },
	{ "ECC_SECG_P256K1", "SIGN_VERIFY", KMS_EC, 256, NID_secp256k1 },
	{ "ECC_NIST_EDWARDS25519", "SIGN_VERIFY", KMS_ED25519, 256, 0 },
};

const struct kms_spec *
kms_spec(struct str name)
{
	for (size_t i = 0; i < sizeof(specs) / sizeof(*specs); i++)
		if (str_eq(name, str_c(specs[i].name)))
			return &specs[i];
	return NULL;
}

bool
kms_word_in(struct str word, const char *words)
{
	for (struct str rest = str_c(words); rest.p;)
		if (str_eq(str_cut(&rest, ' '), word))
			return word.len > 0;
	return false;
}

struct list_str
kms_words(struct call *c, const char *words)
{
	struct list_str l = { .v = arena_array(c->arena, struct str, 8), .set = true };
	for (struct str rest = str_c(words); rest.p && l.n < 8;) {
		struct str one = str_cut(&rest, ' ');
		if (one.len)
			l.v[l.n++] = one;
	}
	return l;
}

static const char *
of_curve(unsigned bits)
{
	return bits == 256 ? "ECDSA_SHA_256" : bits == 384 ? "ECDSA_SHA_384" : "ECDSA_SHA_512";
}

const char *
kms_algorithms(const struct kms_spec *s, struct str usage)
{
	switch (s->kind) {
	case KMS_SYMMETRIC:
		return "SYMMETRIC_DEFAULT";
	case KMS_HMAC:
		return s->bits == 224   ? "HMAC_SHA_224"
		       : s->bits == 256 ? "HMAC_SHA_256"
		       : s->bits == 384 ? "HMAC_SHA_384"
					: "HMAC_SHA_512";
	case KMS_RSA:
		return str_is(usage, "ENCRYPT_DECRYPT")
			       ? "RSAES_OAEP_SHA_1 RSAES_OAEP_SHA_256"
			       : "RSASSA_PKCS1_V1_5_SHA_256 RSASSA_PKCS1_V1_5_SHA_384 "
				 "RSASSA_PKCS1_V1_5_SHA_512 RSASSA_PSS_SHA_256 RSASSA_PSS_SHA_384 "
				 "RSASSA_PSS_SHA_512";
	case KMS_EC:
		return str_is(usage, "KEY_AGREEMENT") ? "ECDH" : of_curve(s->bits);
	case KMS_ED25519:
		return "ED25519_SHA_512";
	}
	return "";
}

static void
tell_algorithms(struct call *c, const struct kms_key_row *k, struct kms_key_metadata *m)
{
	const struct kms_spec *s = kms_spec(k->Spec);
	if (!s)
		return;
	struct list_str l = kms_words(c, kms_algorithms(s, k->Usage));
	if (str_is(k->Usage, "ENCRYPT_DECRYPT"))
		m->EncryptionAlgorithms = l;
	else if (str_is(k->Usage, "SIGN_VERIFY"))
		m->SigningAlgorithms = l;
	else if (str_is(k->Usage, "GENERATE_VERIFY_MAC"))
		m->MacAlgorithms = l;
	else
		m->KeyAgreementAlgorithms = l;
}

struct kms_key_metadata *
kms_metadata(struct call *c, const struct kms_key *k)
{
	const struct kms_key_row *r = &k->row;
	struct kms_key_metadata *m = arena_new(c->arena, struct kms_key_metadata);
	m->AWSAccountId = r->Account;
	m->KeyId = r->Id;
	m->Arn = k->arn;
	m->CreationDate = r->Created;
	m->Enabled = OPT_BOOL(str_is(r->State, "Enabled"));
	m->Description = r->Description.p ? r->Description : STR("");
	m->KeyUsage = r->Usage;
	m->KeyState = r->State;
	m->Origin = r->Origin;
	m->KeyManager = r->Manager;
	m->CustomerMasterKeySpec = m->KeySpec = r->Spec;
	m->MultiRegion = OPT_BOOL(r->MultiRegion.v);
	tell_algorithms(c, r, m);
	if (str_is(r->State, "PendingDeletion"))
		m->DeletionDate = r->DeletionDate;
	if (r->MultiRegion.v) {
		m->MultiRegionConfiguration =
			arena_new(c->arena, struct kms_multi_region_configuration);
		m->MultiRegionConfiguration->MultiRegionKeyType = STR("PRIMARY");
		m->MultiRegionConfiguration->PrimaryKey =
			arena_new(c->arena, struct kms_multi_region_key);
		m->MultiRegionConfiguration->PrimaryKey->Arn = k->arn;
		m->MultiRegionConfiguration->PrimaryKey->Region = r->Region;
		m->MultiRegionConfiguration->ReplicaKeys.set = true;
	}
	if (str_is(r->Spec, "SYMMETRIC_DEFAULT") && r->Materials.n)
		m->CurrentKeyMaterialId = r->Materials.v[r->Materials.n - 1].Id;
	return m;
}
