#include "base/text.h"
#include "svc/ec2/ec2_rig.h"
#include "svc/ec2/key_material.h"
#include "svc/ec2/key_pool.h"

#include <openssl/pem.h>

/* Made by ssh-keygen; the fingerprints are openssl's and ssh-keygen's. */
static const char rsa_line[] =
	"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC5nJbDo3bgf+suOBiawrFbIEG6ftyw7SrpCqR42v7a"
	"b3gQho1DxE0N1rN46s6IdE/QlkMFlh8U3Frqico2EHyUqpnZ9wgQ2KBr4tegQoTOboX5DWoPdLsnUnJg"
	"9MiTIsGRJrFPI74ztPf9U4nofc7ZKi+PE0xcEs2t7babwVlShop37hiw9idIdkoSlEX7mT+3ftgafqg6"
	"JEIYe/ZNwWvNotPSjKMibHD3LLPcz6au6xowQPK0GGd4xixpxcp33LyQar03Mhes+fXRI6QHPkhhB9YL"
	"VdZTMhyelasUp/SmvNyrEf5vByJUPUEhLJ6EJ3m9nbH1/KOAcMMtd+Y6bAch me";
static const char rsa_der[] =
	"MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAuZyWw6N24H/rLjgYmsKxWyBBun7csO0q6Qqk"
	"eNr+2m94EIaNQ8RNDdazeOrOiHRP0JZDBZYfFNxa6onKNhB8lKqZ2fcIENiga+LXoEKEzm6F+Q1qD3S7"
	"J1JyYPTIkyLBkSaxTyO+M7T3/VOJ6H3O2SovjxNMXBLNre22m8FZUoaKd+4YsPYnSHZKEpRF+5k/t37Y"
	"Gn6oOiRCGHv2TcFrzaLT0oyjImxw9yyz3M+mrusaMEDytBhneMYsacXKd9y8kGq9NzIXrPn10SOkBz5I"
	"YQfWC1XWUzIcnpWrFKf0przcqxH+bwciVD1BISyehCd5vZ2x9fyjgHDDLXfmOmwHIQIDAQAB";
static const char rsa_md5[] = "ea:aa:1f:c7:90:5b:12:db:e6:73:bb:77:b4:be:e2:e7";
static const char ed_line[] =
	"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEw2AiOWqiDpkkRzxClbb1zSbvPxIVDjLw57FQ/+lBbx"
	" me";
static const char ed_sha256[] = "sWtEmgOiUO1CwK98tBInZYkcpJgSmKe0YmXR3tieg/8=";

TEST(ec2_public_keys_have_the_fingerprints_of_other_tools)
{
	static const struct {
		const char *text, *print;
	} cases[] = {
		{ rsa_line, rsa_md5 },
		{ rsa_der, rsa_md5 },
		{ ed_line, ed_sha256 },
	};
	struct arena a;
	struct key_public k;
	arena_init(&a);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_null(key_public_read(&a, str_c(cases[i].text), &k));
		assert_str(key_public_fingerprint(&a, &k), cases[i].print);
	}
	struct str der = base64_bytes(&a, str_c(rsa_der), BASE64_STRICT);
	assert_null(key_public_read(&a, der, &k));
	assert_str(key_public_fingerprint(&a, &k), rsa_md5);
	assert_str(key_public_line(&a, &k, STR("me")), rsa_line);
	struct str ed = str_slice(str_c(ed_line), 12, 12 + 68);
	struct str rfc = arena_printf(&a,
		"---- BEGIN SSH2 PUBLIC KEY ----\r\nComment: \"a \\\r\nb\"\r\n%.*s\r\n%.*s\r\n"
		"---- END SSH2 PUBLIC KEY ----\r\n",
		30, ed.p, 38, ed.p + 30);
	assert_null(key_public_read(&a, rfc, &k));
	assert_str(key_public_fingerprint(&a, &k), ed_sha256);
	arena_done(&a);
}

TEST(ec2_public_keys_that_are_none)
{
	static const char *const bad[] = { "", " ", "ssh-rsa", "ssh-rsa AAAA", "nonsense",
		"ssh-dss AAAAB3NzaC1kc3MAAAABAQ==", "---- BEGIN SSH2 PUBLIC KEY ----\nAAAA", "0",
		"ssh-ed25519 AAAAB3NzaC1yc2EAAAADAQABAAAAAQ==" };
	struct arena a;
	struct key_public k;
	arena_init(&a);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_non_null(key_public_read(&a, str_c(bad[i]), &k));
	arena_done(&a);
}

static EVP_PKEY *
pem_key(const char *pem)
{
	BIO *b = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(b, NULL, NULL, NULL);
	BIO_free(b);
	return key;
}

static const char *
unescaped(struct rig *r, const char *text)
{
	struct buf b = { 0 };
	struct str rest = str_c(text);
	for (long at; (at = str_find_str(rest, STR("&#xA;"))) >= 0;) {
		buf_add_str(&b, str_slice(rest, 0, (size_t)at));
		buf_add_c(&b, '\n');
		rest = str_slice(rest, (size_t)at + 5, rest.len);
	}
	buf_add_str(&b, rest);
	const char *s = arena_cstr(&r->arena, buf_str(&b));
	buf_done(&b);
	return s;
}

TEST(ec2_a_key_pair_is_made_and_its_private_half_told_once)
{
	struct rig r;
	rig_open(&r);
	key_pool_wait(cloud_store(r.cloud));
	rig_do(&r, "CreateKeyPair",
		"KeyName=k&TagSpecification.1.ResourceType=key-pair"
		"&TagSpecification.1.Tag.1.Key=a&TagSpecification.1.Tag.1.Value=b");
	EVP_PKEY *key = pem_key(unescaped(&r, rig_text(&r, "keyMaterial")));
	assert_non_null(key);
	assert_str(key_private_fingerprint(&r.arena, key), rig_text(&r, "keyFingerprint"));
	EVP_PKEY_free(key);
	rig_call(&r, "CreateKeyPair", "KeyName=k");
	rig_fails(&r, "InvalidKeyPair.Duplicate");
	rig_do(&r, "DescribeKeyPairs", "KeyName.1=k&IncludePublicKey=true");
	assert_true(str_starts(str_c(rig_text(&r, "publicKey")), STR("ssh-rsa AAAA")));
	assert_string_equal(rig_text(&r, "value"), "b");
	rig_do(&r, "DescribeKeyPairs", "Filter.1.Name=key-name&Filter.1.Value.1=k*");
	assert_int_equal(rig_count(&r, "keyName"), 1);
	assert_int_equal(rig_count(&r, "publicKey"), 0);
	rig_do(&r, "DeleteKeyPair", "KeyName=k");
	rig_do(&r, "DeleteKeyPair", "KeyName=k");
	rig_call(&r, "DescribeKeyPairs", "KeyName.1=k");
	rig_fails(&r, "InvalidKeyPair.NotFound");
	rig_close(&r);
}

TEST(ec2_key_pairs_of_putty_and_ed25519)
{
	struct rig r;
	rig_open(&r);
	rig_do(&r, "CreateKeyPair", "KeyName=e&KeyType=ed25519&KeyFormat=ppk");
	assert_true(str_starts(
		str_c(rig_text(&r, "keyMaterial")), STR("PuTTY-User-Key-File-3: ssh-ed25519")));
	rig_do(&r, "CreateKeyPair", "KeyName=f&KeyType=ed25519");
	assert_true(str_starts(
		str_c(rig_text(&r, "keyMaterial")), STR("-----BEGIN OPENSSH PRIVATE KEY-----")));
	assert_int_equal(strlen(rig_text(&r, "keyFingerprint")), 44);
	rig_call(&r, "CreateKeyPair", "KeyName=a%%0Ab&KeyType=ed25519");
	rig_fails(&r, "InvalidParameterValue");
	rig_call(&r, "ImportKeyPair", "KeyName=i&PublicKeyMaterial=YWJj");
	rig_fails(&r, "InvalidKey.Format");
	rig_close(&r);
}
