/*
 * saml_sign: XML signatures as SAML uses them: one enveloped signature that refers to the element
 * in which it stands, by its ID. The keys are the caller's; what the signature says of its own key
 * is not looked at. RSA with SHA-1 or SHA-2. Any thread.
 */
#ifndef HANEUL_SVC_STS_SAML_SIGN_H
#define HANEUL_SVC_STS_SAML_SIGN_H

#include "svc/sts/saml_c14n.h"

#include <openssl/types.h>

#define DSIG_NS STR("http://www.w3.org/2000/09/xmldsig#")

/* Does `signature`, a child of x, sign x and all that is inside, under one of the keys? That no
 * other element has x's ID is the caller's to know. */
bool saml_signature_good(struct arena *a, const struct xml *x, const struct xml *signature,
	EVP_PKEY *const *keys, unsigned keys_n);

#endif
