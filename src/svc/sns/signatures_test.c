#include "svc/sns/signatures.h"
#include "aws/loopback.h"
#include "svc/sns/envelope.h"
#include "svc/sqs/sqs.h"
#include "unit.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <unistd.h>

struct rig {
	struct cloud *cloud;
	struct store *store;
	struct arena arena;
};

static void
rig_open(struct rig *r, const char *dir)
{
	char why[256] = "";
	struct cloud_options o = {
		.data_dir = dir, .version = "test", .durability = STORE_RELAXED, .loops_n = 1
	};
	memset(r, 0, sizeof(*r));
	arena_init(&r->arena);
	assert_int_equal(cloud_open(&r->cloud, &o, why, sizeof(why)), 0);
	r->store = cloud_store(r->cloud);
}

static void
rig_close(struct rig *r)
{
	cloud_close(r->cloud);
	arena_done(&r->arena);
}

/* Against the certificate that the pages serve. */
static bool
verifies(struct rig *r, int version, struct str text, struct str signature)
{
	struct tx *t = tx_begin_read(r->store);
	struct str pem = sns_signer_certificate(
		t, r->store, &r->arena, sns_signer_file(sns_signer_get(r->store)));
	BIO *b = BIO_new_mem_buf(pem.p, (int)pem.len);
	X509 *x = PEM_read_bio_X509(b, NULL, NULL, NULL);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char raw[300];
	int n = EVP_DecodeBlock(raw, (const unsigned char *)signature.p, (int)signature.len);
	tx_end(t);
	EVP_PKEY *key = X509_get_pubkey(x);
	bool ok = n >= 256 &&
		  EVP_DigestVerifyInit(
			  ctx, NULL, version == 2 ? EVP_sha256() : EVP_sha1(), NULL, key) == 1 &&
		  EVP_DigestVerify(ctx, raw, 256, (const unsigned char *)text.p, text.len) == 1;
	EVP_PKEY_free(key);
	EVP_MD_CTX_free(ctx);
	X509_free(x);
	BIO_free(b);
	return ok;
}

TEST(sns_signatures_come_late_and_stay_the_same)
{
	struct rig r;
	char dir[1024];
	struct str text = STR("Message\nx\n"), about[3], first[3];
	snprintf(dir, sizeof(dir), "%s", unit_tmpdir());
	rig_open(&r, dir);
	const struct sns_signer *k = sns_signer_get(r.store);
	for (int v = 1; v <= 2; v++) {
		about[v] = sns_signature_about(k, v, text, &r.arena);
		assert_null(sns_signature(r.store, &r.arena, about[v], true).p);
		first[v] = sns_signature(r.store, &r.arena, about[v], false);
		assert_int_equal(first[v].len, SNS_SIGNATURE_SIZE);
		assert_true(verifies(&r, v, text, first[v]));
		assert_false(verifies(&r, v, STR("Message\ny\n"), first[v]));
		assert_true(str_eq(sns_signature(r.store, &r.arena, about[v], true), first[v]));
	}
	/* After a restart the key is the same, and so is the signature. */
	struct arena kept = r.arena;
	arena_init(&r.arena);
	rig_close(&r);
	rig_open(&r, dir);
	for (int v = 1; v <= 2; v++)
		assert_true(str_eq(sns_signature(r.store, &r.arena, about[v], false), first[v]));
	arena_done(&kept);
	rig_close(&r);
}

TEST(sns_signatures_of_another_key_are_not_made)
{
	struct rig r;
	rig_open(&r, unit_tmpdir());
	struct str about = sns_signature_about(sns_signer_get(r.store), 2, STR("text"), &r.arena);
	struct str other = arena_dup(&r.arena, about);
	((char *)other.p)[other.len - 5] ^= 1;
	assert_null(sns_signature(r.store, &r.arena, other, false).p);
	assert_null(sns_signature(r.store, &r.arena, STR(""), false).p);
	assert_null(sns_signature(r.store, &r.arena, STR("\x01short"), false).p);
	assert_null(sns_signature(r.store, &r.arena, str_slice(about, 0, 20), false).p);
	rig_close(&r);
}

struct wanting {
	struct rig *r;
	struct str about;
	char got[SNS_SIGNATURE_SIZE];
};

static void *
want(void *arg)
{
	struct wanting *w = arg;
	struct arena a;
	arena_init(&a);
	struct str text = sns_signature(w->r->store, &a, w->about, false);
	if (text.len == sizeof(w->got))
		memcpy(w->got, text.p, text.len);
	arena_done(&a);
	return NULL;
}

TEST(sns_signatures_are_shared_by_those_who_want_them_at_once)
{
	struct rig r;
	struct wanting w[4];
	pthread_t threads[4];
	rig_open(&r, unit_tmpdir());
	struct str about = sns_signature_about(sns_signer_get(r.store), 1, STR("x"), &r.arena);
	for (int i = 0; i < 4; i++) {
		w[i] = (struct wanting){ .r = &r, .about = about };
		assert_int_equal(pthread_create(&threads[i], NULL, want, &w[i]), 0);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 4; i++)
		assert_true(str_eq(str_of(w[i].got, sizeof(w[i].got)),
			sns_signature(r.store, &r.arena, about, true)));
	rig_close(&r);
}

static void *
get(void *store)
{
	sns_signer_get(store);
	return NULL;
}

/* The first key is being made, which ends with a unit of the writer: a unit before it that looks
 * for the key must not wait. */
static int
look_unit(struct tx *t, void *store)
{
	(void)t, (void)store;
	for (int i = 0; i < 200; i++) {
		usleep(1000);
		sns_signer_loaded();
	}
	return 0;
}

TEST(sns_signer_is_looked_for_while_it_is_made)
{
	struct rig r;
	pthread_t thread;
	rig_open(&r, unit_tmpdir());
	assert_null(sns_signer_loaded());
	assert_int_equal(pthread_create(&thread, NULL, get, r.store), 0);
	store_write(r.store, look_unit, r.store);
	pthread_join(thread, NULL);
	assert_non_null(sns_signer_loaded());
	rig_close(&r);
}

TEST(sns_envelope_says_where_its_blank_is)
{
	struct rig r;
	struct sqs_blank blank;
	rig_open(&r, unit_tmpdir());
	struct sns_envelope e = { .type = "Notification",
		.message_id = STR("m"),
		.topic_arn = STR("arn:aws:sns:us-east-1:111122223333:t"),
		.message = STR("x \"y\""),
		.timestamp = STR("now"),
		.base_url = STR("http://h"),
		.version = 2,
		.signer = sns_signer_get(r.store),
		.store = r.store };
	struct str now = sns_envelope_head(&r.arena, &e);
	e.blank = &blank;
	struct str later = sns_envelope_head(&r.arena, &e);
	struct str text = sns_signature(r.store, &r.arena, blank.about, true);
	assert_int_equal(text.len, blank.size);
	struct str whole = arena_concat(&r.arena, str_slice(later, 0, blank.at), text);
	whole = arena_concat(&r.arena, whole, str_slice(later, blank.at, later.len));
	assert_true(str_eq(now, whole));
	rig_close(&r);
}
