#include "svc/kms/kms.h"

#include "aws/tasks.h"
#include "svc/kms/cipher.h"
#include "unit.h"

/* Handlers without a socket: each step is a unit of its own. */
struct rig {
	struct store *store;
	struct arena arena;
	struct call c;
	int (*step)(struct rig *r);
	struct kms_key key;
};

static void
rig_open(struct rig *r)
{
	struct store_options o = {
		.dir = unit_tmpdir(), .durability = STORE_EPHEMERAL, .map_bytes = 1ull << 30
	};
	memset(r, 0, sizeof(*r));
	assert_int_equal(store_open(&r->store, &o, NULL), 0);
	tasks_open(r->store);
	arena_init(&r->arena);
	r->c = (struct call){ .arena = &r->arena,
		.store = r->store,
		.service = &kms_service,
		.account = STR("111122223333"),
		.region = STR("us-east-1"),
		.now_ms = INT64_C(1767323045000),
		.protocol = PROTO_JSON11 };
	r->c.who = (struct principal){ .account = STR("111122223333"),
		.arn = STR("arn:aws:iam::111122223333:root"),
		.root = true };
}

static void
rig_close(struct rig *r)
{
	store_close(r->store);
	arena_done(&r->arena);
}

static int
rig_unit(struct tx *t, void *arg)
{
	struct rig *r = arg;
	r->c.tx = t;
	return r->step(r);
}

static int
rig_do(struct rig *r, int (*step)(struct rig *r))
{
	r->step = step;
	return store_write(r->store, rig_unit, r);
}

static int
make_key(struct rig *r)
{
	struct kms_create_key_in in = { 0 };
	struct kms_create_key_out out = { 0 };
	if (kms_create_key(&r->c, &in, &out))
		return -1;
	return kms_key_load(&r->c, r->c.account, r->c.region, out.KeyMetadata->KeyId, &r->key) ? 0
											       : -1;
}

static int
seal_and_open(struct rig *r)
{
	struct call *c = &r->c;
	struct map_str_entry ab[] = { { STR("a"), STR("1") }, { STR("b"), STR("2") } };
	struct map_str_entry ba[] = { ab[1], ab[0] }, joined[] = { { STR("a"), STR("11:b2") } };
	struct map_str one = { ab, 2, true }, two = { ba, 2, true }, other = { joined, 1, true };
	struct kms_ciphertext t;
	struct str box = kms_ciphertext_seal(c, &r->key, &one, STR("secret"));
	assert_non_null(box.p);
	assert_true(kms_ciphertext_parse(box, &t));
	assert_str(t.account, "111122223333");
	assert_true(str_eq(t.id, r->key.row.Id));
	/* The order of the context says nothing, its texts all. */
	assert_str(kms_ciphertext_open(c, &r->key, &t, &two), "secret");
	assert_null(kms_ciphertext_open(c, &r->key, &t, &other).p);
	assert_null(kms_ciphertext_open(c, &r->key, &t, NULL).p);
	for (size_t i = 0; i < box.len; i++) {
		char *bad = (char *)arena_dup(c->arena, box).p;
		bad[i] ^= 1;
		if (kms_ciphertext_parse(str_of(bad, box.len), &t))
			assert_null(kms_ciphertext_open(c, &r->key, &t, &one).p);
	}
	assert_false(kms_ciphertext_parse(str_slice(box, 0, 80), &t));
	assert_false(kms_ciphertext_parse(STR(""), &t));
	return 0;
}

TEST(kms_ciphertexts_open_with_their_context_only)
{
	struct rig r;
	rig_open(&r);
	assert_int_equal(rig_do(&r, make_key), 0);
	assert_int_equal(rig_do(&r, seal_and_open), 0);
	rig_close(&r);
}

static int
material_is_sealed(struct rig *r)
{
	KMS_SECRET s;
	struct kms_key moved = r->key;
	const struct kms_material *m = &r->key.row.Materials.v[0];
	assert_true(kms_material_open(&r->c, &r->key, UINT32_MAX, &s));
	assert_int_equal(s.len, 32);
	assert_true(str_find_str(m->Sealed, str_of(s.b, s.len)) < 0);
	assert_false(kms_material_open(&r->c, &r->key, 1, &s));
	/* A row that stands for another key does not open. */
	moved.row.Id = STR("12345678-1234-1234-1234-123456789012");
	assert_false(kms_material_open(&r->c, &moved, 0, &s));
	return 0;
}

TEST(kms_material_is_sealed_and_bound_to_its_key)
{
	struct rig r;
	rig_open(&r);
	assert_int_equal(rig_do(&r, make_key), 0);
	assert_int_equal(rig_do(&r, material_is_sealed), 0);
	rig_close(&r);
}

static int
managed(struct rig *r)
{
	struct kms_data_key made, opened;
	struct str id = kms_managed_key(&r->c, "s3", r->c.account);
	assert_true(str_eq(id, kms_managed_key(&r->c, "s3", r->c.account)));
	/* Only through the service that it is for. */
	assert_int_equal(kms_data_key_new(&r->c, id, NULL, STR_NULL, NULL, &made), CALL_FAILED);
	assert_int_equal(kms_data_key_new(&r->c, id, NULL, STR("sns"), NULL, &made), CALL_FAILED);
	assert_int_equal(kms_data_key_new(&r->c, id, NULL, STR("s3"), NULL, &made), CALL_OK);
	assert_int_equal(kms_data_key_open(&r->c, made.sealed, NULL, STR("s3"), &opened), CALL_OK);
	assert_memory_equal(made.plain, opened.plain, KMS_DATA_KEY);
	assert_int_equal(
		kms_data_key_open(&r->c, made.sealed, NULL, STR_NULL, &opened), CALL_FAILED);
	return 0;
}

TEST(kms_managed_keys_serve_their_service_only)
{
	struct rig r;
	rig_open(&r);
	assert_int_equal(rig_do(&r, managed), 0);
	rig_close(&r);
}

TEST(kms_specs_know_their_algorithms)
{
	const struct kms_spec *s = kms_spec(STR("RSA_2048"));
	assert_non_null(s);
	assert_true(
		kms_word_in(STR("RSAES_OAEP_SHA_256"), kms_algorithms(s, STR("ENCRYPT_DECRYPT"))));
	assert_false(
		kms_word_in(STR("RSASSA_PSS_SHA_256"), kms_algorithms(s, STR("ENCRYPT_DECRYPT"))));
	assert_true(kms_word_in(STR("RSASSA_PSS_SHA_256"), kms_algorithms(s, STR("SIGN_VERIFY"))));
	assert_false(kms_word_in(STR(""), "a b"));
	assert_null(kms_spec(STR("SM2")));
}

TEST(kms_pairs_sign_and_agree)
{
	struct arena a;
	static const char *const names[] = { "ECC_NIST_P256", "ECC_NIST_P521",
		"ECC_NIST_EDWARDS25519" };
	static const char *const algorithms[] = { "ECDSA_SHA_256", "ECDSA_SHA_512",
		"ED25519_SHA_512" };
	arena_init(&a);
	for (unsigned i = 0; i < 3; i++) {
		KMS_SECRET s;
		struct str pub, algorithm = str_c(algorithms[i]);
		assert_true(kms_pair_make(kms_spec(str_c(names[i])), &s, &pub, &a));
		struct str priv = str_of(s.b, s.len);
		struct str sig = kms_cipher_sign(&a, priv, algorithm, STR("m"), false);
		assert_true(kms_cipher_verify(pub, algorithm, STR("m"), false, sig));
		assert_false(kms_cipher_verify(pub, algorithm, STR("n"), false, sig));
		assert_null(kms_cipher_agree(&a, priv, STR("no key")).p);
	}
	arena_done(&a);
}
