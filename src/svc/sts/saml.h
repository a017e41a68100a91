/*
 * saml: SAML 2.0 responses, and the metadata of the providers that sign them. A response holds one
 * assertion, and one of the two is signed by a key of the metadata; both signatures must be good
 * where there are two. Everything that is told comes from inside the signed element; nothing is
 * found by an ID. Encrypted assertions are not read. Texts borrow from the arena. Any thread.
 */
#ifndef HANEUL_SVC_STS_SAML_H
#define HANEUL_SVC_STS_SAML_H

#include "base/arena.h"
#include "base/xml.h"

#include <openssl/types.h>

#define SAML_ATTRIBUTE(name) STR("https://aws.amazon.com/SAML/Attributes/" name)
#define SAML_KEYS_MAX 16

struct saml_provider {
	struct str entity;
	EVP_PKEY *keys[SAML_KEYS_MAX];
	unsigned keys_n;
};
/* false: no entity, or no RSA key for signatures. Close it in any case. */
bool saml_provider_open(struct arena *a, struct str metadata, struct saml_provider *ret);
void saml_provider_close(struct saml_provider *p);

enum saml_result {
	SAML_GOOD,
	SAML_BAD,      /* not what the provider said, or not for us */
	SAML_REJECTED, /* the provider says that the user was not let in */
	SAML_EXPIRED,
};
struct saml {
	const char *why; /* static; set unless SAML_GOOD */
	const struct xml *assertion;
	struct str issuer, subject, format, recipient;
	int64_t until_ms; /* SessionNotOnOrAfter; INT64_MAX: not said */
};
/* text: base64 of a Response. */
enum saml_result saml_open(struct arena *a, struct str text, const struct saml_provider *p,
	int64_t now_ms, struct saml *ret);

/* Walks the attribute values: *at NULL to begin. name gets the attribute's. STR_NULL: no more. */
struct saml_walk {
	const struct xml *statement, *attribute, *value;
};
bool saml_next(const struct saml *s, struct saml_walk *w, struct str *ret_name, struct str *ret);
/* The first value of that attribute, or STR_NULL. */
struct str saml_attribute(const struct saml *s, struct str name);

#endif
