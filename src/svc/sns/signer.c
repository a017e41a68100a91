#include "svc/sns/signer.h"

#include "base/digest.h"
#include "base/text.h"
#include "svc/sns/internal.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define FILE_HEAD "SimpleNotificationService-"
#define BITS 2048
#define DAYS 7300

struct sns_signer {
	EVP_PKEY *key;
	char file[SNS_SIGNER_NAME_MAX];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Set once for a store, under the lock, which is held while the writer keeps a new key: so the
 * writer itself may only look. */
static _Atomic(struct sns_signer *) signer;

static void
key_of(struct key *k)
{
	key_begin(k);
	key_add_raw(k, STR("Z"));
}

static struct str
bio_text(BIO *b, struct arena *a)
{
	char *p;
	long n = BIO_get_mem_data(b, &p);
	return arena_dup(a, str_of(p, (size_t)n));
}

static X509 *
make_certificate(EVP_PKEY *key)
{
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -86400);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400L * DAYS);
	X509_NAME_add_entry_by_txt(
		name, "O", MBSTRING_ASC, (const unsigned char *)"Haneul", -1, -1, 0);
	X509_NAME_add_entry_by_txt(
		name, "CN", MBSTRING_ASC, (const unsigned char *)SNS_SERVICE, -1, -1, 0);
	X509_set_issuer_name(x, name);
	X509_set_pubkey(x, key);
	if (!X509_sign(x, key, EVP_sha256())) {
		X509_free(x);
		return NULL;
	}
	return x;
}

/* Fills the row of a new key. */
static bool
make_row(struct arena *a, struct sns_signer_row *row)
{
	EVP_PKEY *key = EVP_RSA_gen(BITS);
	X509 *x = key ? make_certificate(key) : NULL;
	BIO *private = BIO_new(BIO_s_mem()), *public = BIO_new(BIO_s_mem());
	bool ok = x && PEM_write_bio_PrivateKey(private, key, NULL, NULL, 0, NULL, NULL) &&
		  PEM_write_bio_X509(public, x);
	if (ok) {
		unsigned char hash[32];
		row->Key = bio_text(private, a);
		row->Certificate = bio_text(public, a);
		sha256(row->Certificate, hash);
		row->Name = arena_concat(a, hex_text(a, str_of(hash, 16)), STR(".pem"));
		row->Name = arena_concat(a, STR(FILE_HEAD), row->Name);
	}
	BIO_free(private);
	BIO_free(public);
	X509_free(x);
	EVP_PKEY_free(key);
	return ok;
}

struct keep {
	struct store *store;
	struct sns_signer_row *row;
};

static int
keep_unit(struct tx *t, void *arg)
{
	struct keep *k = arg;
	struct key key;
	key_of(&key);
	sns_row_put(t, k->store, &key, &sns_signer_row_shape, k->row);
	return 0;
}

static struct sns_signer *
load(struct store *s)
{
	struct sns_signer_row row = { 0 };
	struct sns_signer *k = NULL;
	struct arena a;
	struct key key;
	arena_init(&a);
	key_of(&key);
	struct tx *t = tx_begin_read(s);
	bool there = sns_row_get(t, s, &a, &key, &sns_signer_row_shape, &row);
	row.Key = arena_dup(&a, row.Key);
	row.Name = arena_dup(&a, row.Name);
	tx_end(t);
	struct keep keep = { s, &row };
	if (there || (make_row(&a, &row) && store_write(s, keep_unit, &keep) == 0)) {
		BIO *b = BIO_new_mem_buf(row.Key.p, (int)row.Key.len);
		EVP_PKEY *pkey = PEM_read_bio_PrivateKey(b, NULL, NULL, NULL);
		BIO_free(b);
		if (pkey && (k = calloc(1, sizeof(*k)))) {
			k->key = pkey;
			snprintf(k->file, sizeof(k->file), "%.*s", STR_FMT(row.Name));
		}
	}
	arena_done(&a);
	return k;
}

const struct sns_signer *
sns_signer_get(struct store *s)
{
	struct sns_signer *k = atomic_load(&signer);
	if (k)
		return k;
	pthread_mutex_lock(&lock);
	if (!(k = atomic_load(&signer)) && (k = load(s)))
		atomic_store(&signer, k);
	pthread_mutex_unlock(&lock);
	return k;
}

const struct sns_signer *
sns_signer_loaded(void)
{
	return atomic_load(&signer);
}

void
sns_signer_close(void)
{
	struct sns_signer *k = atomic_exchange(&signer, NULL);
	if (k)
		EVP_PKEY_free(k->key);
	free(k);
}

struct str
sns_signer_sign(const struct sns_signer *k, int version, struct str digest, struct arena *a)
{
	unsigned char out[BITS / 8];
	size_t n = sizeof(out);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(k->key, NULL);
	bool ok = ctx && EVP_PKEY_sign_init(ctx) == 1 &&
		  EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
		  EVP_PKEY_CTX_set_signature_md(ctx, version == 2 ? EVP_sha256() : EVP_sha1()) ==
			  1 &&
		  EVP_PKEY_sign(ctx, out, &n, (const unsigned char *)digest.p, digest.len) == 1;
	EVP_PKEY_CTX_free(ctx);
	return ok ? base64_text(a, str_of(out, n)) : STR_NULL;
}

struct str
sns_signer_file(const struct sns_signer *k)
{
	return str_c(k->file);
}

struct str
sns_signer_certificate(struct tx *t, struct store *s, struct arena *a, struct str file)
{
	struct sns_signer_row row = { 0 };
	struct key key;
	key_of(&key);
	return sns_row_get(t, s, a, &key, &sns_signer_row_shape, &row) && str_eq(row.Name, file)
		       ? row.Certificate
		       : STR_NULL;
}
