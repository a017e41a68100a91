/*
 * kms: what the files of this folder share, and what other services may ask: data keys under a key
 * of the caller's, authorised by the key's policy, IAM and grants as if the caller had asked
 * itself.
 *
 * Keys of the environment "kms" begin with one letter, the space:
 *   K account region id          a key
 *   A account region name        an alias ("alias/…")
 *   G account region id grant    a grant
 *   J request-id                 a key pair that a worker made for a call that waits
 *
 * Key material lies in the row, sealed under the master key and bound to the key's ARN; it is in
 * the clear only in memory of a call. Rows borrow from the transaction. Threads: as call.h says of
 * handlers; nothing here keeps mutable state but the cache of parsed policies (aws/policy.h).
 */
#ifndef HANEUL_SVC_KMS_KMS_H
#define HANEUL_SVC_KMS_KMS_H

#include "aws/arn.h"
#include "aws/authorize.h"
#include "aws/call.h"
#include "aws/errors.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/seal.h"
#include "base/text.h"
#include "svc/kms/kms_api.h"

#define KMS_TAGS_MAX 50
#define KMS_DAY_MS INT64_C(86400000)

struct kms_key {
	struct kms_key_row row;
	struct str arn;
	struct str alias; /* by which it was named; STR_NULL: by id */
};

/* What a call wants of a key: looked at by policies and grants. Absent texts are STR_NULL. */
struct kms_ask {
	const char *operation; /* "Encrypt": the action behind "kms:", and the grant's word */
	const struct map_str *context; /* encryption context; NULL: none */
	const struct list_str
		*tokens;      /* grant tokens: checked for their form only, grants count at once */
	struct str via;       /* the service that asks for the caller: "s3" */
	struct str algorithm; /* kms:EncryptionAlgorithm, SigningAlgorithm or MacAlgorithm */
	const char *algorithm_key;
	bool alias;    /* an alias may name the key */
	bool own;      /* only keys of the caller's account */
	bool unusable; /* keys that are not enabled will do */
};

/* ---- for other services ---- */
#define KMS_DATA_KEY 32
struct kms_data_key {
	unsigned char plain[KMS_DATA_KEY];
	struct str sealed; /* as Decrypt takes it */
	struct str arn;    /* of the key */
};
/* A data key under that key (id, ARN or alias): `plain` when that is given (KMS_DATA_KEY bytes that
 * the caller drew), else a new one. CALL_FAILED: the error is one of KMS, or AccessDenied. */
int kms_data_key_new(struct call *c, struct str key_id, const struct map_str *context,
	struct str via, const unsigned char *plain, struct kms_data_key *ret);
int kms_data_key_open(struct call *c, struct str sealed, const struct map_str *context,
	struct str via, struct kms_data_key *ret);
/* For a service that acts by itself (SNS delivers, S3 tells): the key's policy must let it make and
 * open data keys (services.c). 0 or -EACCES. */
struct kms_service {
	struct str name, source_arn,
		source_account; /* "sns.amazonaws.com"; source_account "": none */
};
int kms_service_allowed(
	struct call *owner, const struct kms_service *s, struct str key_id, struct str via);
/* A call as the root of that account, for what a service does in its name. Everything is
 * borrowed. */
struct call kms_owner_call(struct tx *t, struct store *s, struct arena *a, struct str region,
	struct str account, int64_t now_ms);
bool kms_managed_key_there(struct call *c, const char *service, struct str account);
/* Writer: the key that AWS manages for a service, "alias/aws/s3", made at first use, in the
 * account. */
struct str kms_managed_key(struct call *c, const char *service, struct str account);

/* ---- rows (key_rows.c) ---- */
struct rows *kms_rows(struct store *s);
void kms_key_space(struct key *k, char space, struct str account, struct str region);
bool kms_key_load(
	struct call *c, struct str account, struct str region, struct str id, struct kms_key *ret);
void kms_key_save(struct call *c, const struct kms_key_row *k);
struct str kms_arn(struct arena *a, const struct kms_key_row *k);
struct str kms_alias_arn(struct arena *a, struct str account, struct str region, struct str name);
bool kms_alias_load(struct call *c, struct str account, struct str region, struct str name,
	struct kms_alias_row *ret);
void kms_alias_save(
	struct call *c, struct str account, struct str region, const struct kms_alias_row *a);

/* A page of a listing: keys that begin with `prefix`, after the marker. */
struct kms_page {
	struct call *c;
	struct scan scan;
	struct key from, hi;
	uint32_t max, n;
	struct str last;
	bool truncated;
};
int kms_page_open(struct call *c, struct str prefix, struct str marker, struct opt_i64 limit,
	uint32_t standard, struct kms_page *ret);
/* false: the end, or the page is full (then truncated). The row stands in p->scan. */
bool kms_page_next(struct kms_page *p);
/* The row that was handed out does not count. */
void kms_page_skip(struct kms_page *p);
struct str kms_page_marker(const struct kms_page *p);

/* ---- which key, and may the caller (access.c) ---- */
/* Finds, authorises, and refuses keys that are not enabled unless a->unusable. */
int kms_open(struct call *c, struct str key_id, const struct kms_ask *a, struct kms_key *ret);
int kms_usable(struct call *c, const struct kms_key *k);
/* The key is known already (Decrypt). */
int kms_allowed(struct call *c, const struct kms_key *k, const struct kms_ask *a);
int kms_pending_deletion(struct call *c, const struct kms_key *k);
int kms_dry_run(struct call *c, struct opt_bool dry);
int kms_no_recipient(struct call *c, bool asked); /* Nitro enclaves: data_keys.c */
/* "kms:X" without a key (CreateKey, ListKeys): "*" of the account. */
int kms_account_allowed(struct call *c, const char *action);

/* ---- keys (keys.c, key_specs.c) ---- */
struct kms_spec {
	const char *name;
	const char *usages; /* allowed, the default first: "ENCRYPT_DECRYPT SIGN_VERIFY" */
	enum { KMS_SYMMETRIC, KMS_HMAC, KMS_RSA, KMS_EC, KMS_ED25519 } kind;
	unsigned bits; /* RSA, HMAC */
	int curve;     /* NID */
};
const struct kms_spec *kms_spec(struct str name); /* NULL: not known here */
bool kms_word_in(struct str word, const char *words);
struct list_str kms_words(struct call *c, const char *words);
/* Algorithms of a key of that spec and usage, with blanks between; "" for none. */
const char *kms_algorithms(const struct kms_spec *s, struct str usage);
struct kms_key_metadata *kms_metadata(struct call *c, const struct kms_key *k);

/* ---- material (material.c) ---- */
struct kms_secret {
	unsigned char b[4096];
	size_t len;
};
/* Makes material where that takes no time (everything but RSA). */
bool kms_material_make(
	const struct kms_spec *s, struct kms_secret *ret, struct str *ret_public, struct arena *a);
/* Appends it to the row as the current one. */
void kms_material_add(struct call *c, struct kms_key_row *k, const struct kms_secret *s);
/* index UINT32_MAX: the current one. false: damaged, or another master key. */
bool kms_material_open(
	struct call *c, const struct kms_key *k, uint32_t index, struct kms_secret *ret);
void kms_secret_wipe(struct kms_secret *s);
#define KMS_SECRET __attribute__((cleanup(kms_secret_wipe))) struct kms_secret

/* ---- ciphertexts (ciphertext.c) ---- */
/* Symmetric ones name their key and material, so that Decrypt needs no KeyId. */
struct kms_ciphertext {
	struct str account, region, id;
	uint32_t material;
	struct str head; /* what is authenticated beside the context */
	struct str salt, box;
};
bool kms_ciphertext_parse(struct str blob, struct kms_ciphertext *ret);
/* STR_NULL: the material does not open. */
struct str kms_ciphertext_seal(
	struct call *c, const struct kms_key *k, const struct map_str *context, struct str plain);
struct str kms_ciphertext_open(struct call *c, const struct kms_key *k,
	const struct kms_ciphertext *t, const struct map_str *context);

/* ---- asymmetric (pairs.c, pair_jobs.c) ---- */
/* A pair: PKCS#8 and SubjectPublicKeyInfo, both DER. false: OpenSSL refused. */
bool kms_pair_make(
	const struct kms_spec *s, struct kms_secret *ret, struct str *ret_public, struct arena *a);
/* In a `waits` handler: the pair, made at once, or by a worker while the call is parked
 * (CALL_PARKED). */
int kms_pair_wait(
	struct call *c, const struct kms_spec *s, struct kms_secret *ret, struct str *ret_public);
void kms_pairs_start(void);
void kms_pairs_stop(void);

void kms_deletion_start(void);
void kms_rotation_start(void);

/* ---- grants (grants.c) ---- */
bool kms_granted(struct call *c, const struct kms_key *k, const struct kms_ask *a);
void kms_grants_erase(struct tx *t, struct store *s, const struct kms_key_row *k);

int kms_tags_check(struct call *c, const struct kms_tag_list *tags);
int kms_policy_check(struct call *c, struct str policy, struct str account, bool bypass);

#endif
