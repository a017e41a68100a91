#include "wire/tls_ca.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CA_DAYS 3650
/* Some systems refuse leaves that live longer than 825 days, or 398 for public ones. */
#define LEAF_DAYS 397
#define RENEW_DAYS 30
#define DAY_S (24L * 60 * 60)

static const char leaf_names[] =
	"DNS:localhost,DNS:*.localhost,IP:127.0.0.1,IP:0:0:0:0:0:0:0:1,"
	"DNS:localhost.localstack.cloud,DNS:*.localhost.localstack.cloud,"
	"DNS:*.s3.localhost.localstack.cloud,DNS:*.s3-website.localhost.localstack.cloud,"
	"DNS:*.amazonaws.com,DNS:s3.amazonaws.com,DNS:*.s3.amazonaws.com,DNS:*.us-east-1.amazonaws."
	"com,"
	"DNS:*.s3.us-east-1.amazonaws.com";

void
tls_pair_done(struct tls_pair *p)
{
	X509_free(p->cert);
	X509_free(p->issuer);
	EVP_PKEY_free(p->key);
	*p = (struct tls_pair){ 0 };
}

/* ---- files ---- */

static int
path_of(char *ret_path, size_t cap, const char *dir, const char *name, const char *suffix)
{
	int n = snprintf(ret_path, cap, "%s/%s%s", dir, name, suffix);
	return n < 0 || (size_t)n >= cap ? -ENAMETOOLONG : 0;
}

static int
write_cert(FILE *f, const void *cert)
{
	return PEM_write_X509(f, cert);
}

static int
write_key(FILE *f, const void *key)
{
	return PEM_write_PKCS8PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
}

static int
write_file(const char *dir, const char *name, mode_t mode,
	int (*write_it)(FILE *f, const void *what), const void *what)
{
	char path[4096], aside[4096], suffix[32];
	snprintf(suffix, sizeof(suffix), ".%ld.tmp", (long)getpid());
	int r = path_of(path, sizeof(path), dir, name, "");
	if (!r)
		r = path_of(aside, sizeof(aside), dir, name, suffix);
	if (r)
		return r;
	unlink(aside);
	int fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
	if (!f) {
		r = -errno;
		if (fd >= 0)
			close(fd);
		return r;
	}
	r = write_it(f, what) == 1 && fflush(f) == 0 && fsync(fd) == 0 ? 0 : -EIO;
	if (fclose(f) && !r)
		r = -errno;
	if (!r && rename(aside, path))
		r = -errno;
	if (r)
		unlink(aside);
	return r;
}

/* *ret stays NULL when there is no such file. */
static int
read_file(const char *dir, const char *name, X509 **ret_cert, EVP_PKEY **ret_key)
{
	char path[4096];
	int r = path_of(path, sizeof(path), dir, name, "");
	if (r)
		return r;
	FILE *f = fopen(path, "re");
	if (!f)
		return errno == ENOENT ? 0 : -errno;
	if (ret_cert)
		*ret_cert = PEM_read_X509(f, NULL, NULL, NULL);
	else
		*ret_key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	fclose(f);
	return (ret_cert ? (void *)*ret_cert : (void *)*ret_key) ? 0 : -EBADMSG;
}

static int
pair_read(const char *dir, const char *cert, const char *key, struct tls_pair *ret_pair)
{
	int r = read_file(dir, cert, &ret_pair->cert, NULL);
	if (!r)
		r = read_file(dir, key, NULL, &ret_pair->key);
	return r;
}

static int
pair_write(const char *dir, const char *cert, const char *key, const struct tls_pair *p)
{
	/* The key first: a certificate without its key would be of no use after a crash. */
	int r = write_file(dir, key, 0600, write_key, p->key);
	return r ? r : write_file(dir, cert, 0644, write_cert, p->cert);
}

/* ---- certificates ---- */

static bool
pair_usable(const struct tls_pair *p, X509 *issuer)
{
	time_t soon = time(NULL) + RENEW_DAYS * DAY_S;
	if (!p->cert || !p->key || X509_check_private_key(p->cert, p->key) != 1)
		return false;
	if (X509_cmp_time(X509_get0_notAfter(p->cert), &soon) <= 0)
		return false;
	return !issuer || X509_verify(p->cert, X509_get0_pubkey(issuer)) == 1;
}

static void
set_serial(X509 *cert)
{
	unsigned char bytes[16];
	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		abort();
	bytes[0] = (bytes[0] & 0x7f) | 0x40; /* positive, and never shorter */
	BIGNUM *n = BN_bin2bn(bytes, sizeof(bytes), NULL);
	BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert));
	BN_free(n);
}

static int
add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	int ok = e && X509_add_ext(cert, e, -1);
	X509_EXTENSION_free(e);
	return ok;
}

static X509 *
cert_new(EVP_PKEY *key, const char *name, long days)
{
	X509 *cert = X509_new();
	if (!cert)
		abort();
	X509_set_version(cert, X509_VERSION_3);
	set_serial(cert);
	/* An hour back, for machines whose clocks differ. */
	X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
	X509_gmtime_adj(X509_getm_notAfter(cert), days * DAY_S);
	X509_set_pubkey(cert, key);
	X509_NAME *n = X509_get_subject_name(cert);
	X509_NAME_add_entry_by_txt(
		n, "O", MBSTRING_UTF8, (const unsigned char *)"Haneul", -1, -1, 0);
	X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0);
	return cert;
}

static int
ca_make(struct tls_pair *ret_ca)
{
	char name[64];
	unsigned char tag[4];
	RAND_bytes(tag, sizeof(tag));
	/* Two machines' authorities in one trust store must not share a name. */
	snprintf(name, sizeof(name), "Haneul local CA %02x%02x%02x%02x", tag[0], tag[1], tag[2],
		tag[3]);
	ret_ca->key = EVP_EC_gen("P-256");
	if (!ret_ca->key)
		return -EIO;
	X509 *cert = ret_ca->cert = cert_new(ret_ca->key, name, CA_DAYS);
	X509_set_issuer_name(cert, X509_get_subject_name(cert));
	int ok = add_extension(cert, cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
		 add_extension(cert, cert, NID_key_usage, "critical,keyCertSign,cRLSign") &&
		 add_extension(cert, cert, NID_subject_key_identifier, "hash") &&
		 X509_sign(cert, ret_ca->key, EVP_sha256());
	return ok ? 0 : -EIO;
}

static int
leaf_make(const struct tls_pair *ca, struct tls_pair *ret_leaf)
{
	ret_leaf->key = EVP_EC_gen("P-256");
	if (!ret_leaf->key)
		return -EIO;
	X509 *cert = ret_leaf->cert = cert_new(ret_leaf->key, "localhost", LEAF_DAYS);
	X509_set_issuer_name(cert, X509_get_subject_name(ca->cert));
	int ok = add_extension(cert, ca->cert, NID_basic_constraints, "critical,CA:FALSE") &&
		 add_extension(cert, ca->cert, NID_key_usage, "critical,digitalSignature") &&
		 add_extension(cert, ca->cert, NID_ext_key_usage, "serverAuth") &&
		 add_extension(cert, ca->cert, NID_subject_key_identifier, "hash") &&
		 add_extension(cert, ca->cert, NID_authority_key_identifier, "keyid:always") &&
		 add_extension(cert, ca->cert, NID_subject_alt_name, leaf_names) &&
		 X509_sign(cert, ca->key, EVP_sha256());
	return ok ? 0 : -EIO;
}

int
tls_ca_open(const char *dir, struct tls_pair *ret_ca)
{
	struct tls_pair ca = { 0 };
	if (mkdir(dir, 0700) && errno != EEXIST)
		return -errno;
	int r = pair_read(dir, TLS_CA_FILE, TLS_CA_KEY_FILE, &ca);
	if (!r && !pair_usable(&ca, NULL)) {
		tls_pair_done(&ca);
		r = ca_make(&ca);
		if (!r)
			r = pair_write(dir, TLS_CA_FILE, TLS_CA_KEY_FILE, &ca);
	}
	if (r)
		tls_pair_done(&ca);
	else
		*ret_ca = ca;
	return r;
}

int
tls_leaf_open(const char *dir, struct tls_pair *ret_leaf)
{
	struct tls_pair ca, leaf = { 0 };
	int r = tls_ca_open(dir, &ca);
	if (r)
		return r;
	r = pair_read(dir, TLS_LEAF_FILE, TLS_LEAF_KEY_FILE, &leaf);
	if (!r && !pair_usable(&leaf, ca.cert)) {
		tls_pair_done(&leaf);
		r = leaf_make(&ca, &leaf);
		if (!r)
			r = pair_write(dir, TLS_LEAF_FILE, TLS_LEAF_KEY_FILE, &leaf);
	}
	if (r) {
		tls_pair_done(&leaf);
	} else {
		X509_up_ref(ca.cert);
		leaf.issuer = ca.cert;
		*ret_leaf = leaf;
	}
	tls_pair_done(&ca);
	return r;
}
