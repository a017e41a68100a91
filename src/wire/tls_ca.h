/*
 * tls_ca: the local certificate authority and the leaf certificate as files of one directory. Both
 * are made when they are missing or about to expire; files appear whole (written aside, renamed).
 */
#ifndef HANEUL_WIRE_TLS_CA_H
#define HANEUL_WIRE_TLS_CA_H

#include <openssl/x509.h>

#define TLS_CA_FILE "ca.pem"
#define TLS_CA_KEY_FILE "ca-key.pem"
#define TLS_LEAF_FILE "leaf.pem"
#define TLS_LEAF_KEY_FILE "leaf-key.pem"

struct tls_pair {
	X509 *cert;
	EVP_PKEY *key;
	X509 *issuer; /* of a leaf; else NULL */
};
void tls_pair_done(struct tls_pair *p);

/* 0 or -errno; -EBADMSG when the files are there but cannot be understood. */
int tls_ca_open(const char *dir, struct tls_pair *ret_ca);
int tls_leaf_open(const char *dir, struct tls_pair *ret_leaf);

#endif
