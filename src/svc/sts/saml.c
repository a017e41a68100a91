#include "svc/sts/saml.h"

#include "base/clock.h"
#include "base/text.h"
#include "svc/sts/saml_sign.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#define ASSERTION STR("urn:oasis:names:tc:SAML:2.0:assertion")
#define PROTOCOL STR("urn:oasis:names:tc:SAML:2.0:protocol")
#define METADATA STR("urn:oasis:names:tc:SAML:2.0:metadata")
#define SUCCESS "urn:oasis:names:tc:SAML:2.0:status:Success"
#define BEARER "urn:oasis:names:tc:SAML:2.0:cm:bearer"
#define IDS_MAX 256
#define SKEW_MS 60000
#define REDEEM_MS 300000

/* ---- metadata ---- */

static EVP_PKEY *
certificate_key(struct arena *a, struct str text)
{
	struct str der = base64_bytes(a, text, BASE64_LENIENT);
	if (!der.p || der.len > 65536)
		return NULL;
	const unsigned char *at = (const unsigned char *)der.p;
	X509 *x = d2i_X509(NULL, &at, (long)der.len);
	EVP_PKEY *key = x ? X509_get_pubkey(x) : NULL;
	X509_free(x);
	if (key && EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_bits(key) >= 1024 &&
		EVP_PKEY_get_bits(key) <= 8192)
		return key;
	EVP_PKEY_free(key);
	return NULL;
}

static void
keys_read(struct arena *a, const struct xml *info, struct saml_provider *ret)
{
	const struct xml *data = info ? xml_among(info->child, DSIG_NS, STR("X509Data")) : NULL;
	for (; data; data = xml_among(data->next, DSIG_NS, STR("X509Data"))) {
		const struct xml *x = xml_among(data->child, DSIG_NS, STR("X509Certificate"));
		for (; x && ret->keys_n < SAML_KEYS_MAX;
			x = xml_among(x->next, DSIG_NS, STR("X509Certificate"))) {
			EVP_PKEY *key = certificate_key(a, x->text);
			if (key)
				ret->keys[ret->keys_n++] = key;
		}
	}
}

bool
saml_provider_open(struct arena *a, struct str metadata, struct saml_provider *ret)
{
	const struct xml *root = xml_parse(a, metadata, 0, NULL);
	*ret = (struct saml_provider){ 0 };
	if (!xml_is(root, METADATA, STR("EntityDescriptor")))
		return false;
	ret->entity = xml_plain(root, STR("entityID"));
	const struct xml *d = xml_among(root->child, METADATA, STR("IDPSSODescriptor"));
	const struct xml *k = d ? xml_among(d->child, METADATA, STR("KeyDescriptor")) : NULL;
	for (; k; k = xml_among(k->next, METADATA, STR("KeyDescriptor"))) {
		struct str use = xml_plain(k, STR("use"));
		if (!use.p || str_is(use, "signing"))
			keys_read(a, xml_among(k->child, DSIG_NS, STR("KeyInfo")), ret);
	}
	return ret->entity.len && ret->keys_n;
}

void
saml_provider_close(struct saml_provider *p)
{
	for (unsigned i = 0; i < p->keys_n; i++)
		EVP_PKEY_free(p->keys[i]);
	p->keys_n = 0;
}

/* ---- what is signed ---- */

static enum saml_result
bad(struct saml *s, enum saml_result r, const char *why)
{
	s->why = why;
	return r;
}

struct census {
	struct str ids[IDS_MAX];
	unsigned ids_n, assertions;
	bool broken;
};

/* An ID that stands twice, or a second assertion, would make it a matter of luck what was signed.
 */
static void
census_take(struct census *n, const struct xml *x)
{
	if (str_is(x->name, "Assertion") || str_is(x->name, "EncryptedAssertion"))
		n->assertions++;
	for (uint32_t i = 0; i < x->attrs_n; i++) {
		if (!str_eq_nocase(x->attrs[i].name, STR("ID")))
			continue;
		for (unsigned k = 0; k < n->ids_n; k++)
			n->broken |= str_eq(n->ids[k], x->attrs[i].value);
		if (n->ids_n == IDS_MAX)
			n->broken = true;
		else
			n->ids[n->ids_n++] = x->attrs[i].value;
	}
	for (x = x->child; x && !n->broken; x = x->next)
		census_take(n, x);
}

/* 1: signed, 0: no signature, -1: a bad one. */
static int
element_signed(struct arena *a, const struct xml *x, const struct saml_provider *p)
{
	const struct xml *sig = xml_among(x->child, DSIG_NS, STR("Signature"));
	if (!sig)
		return 0;
	return !xml_among(sig->next, DSIG_NS, STR("Signature")) &&
			       saml_signature_good(a, x, sig, p->keys, p->keys_n)
		       ? 1
		       : -1;
}

static enum saml_result
signed_check(struct arena *a, const struct xml *root, const struct saml_provider *p, struct saml *s)
{
	struct census *n = arena_new(a, struct census);
	if (!xml_is(root, PROTOCOL, STR("Response")))
		return bad(s, SAML_BAD, "Invalid base64 SAMLResponse");
	census_take(n, root);
	s->assertion = xml_among(root->child, ASSERTION, STR("Assertion"));
	if (n->broken || n->assertions != 1 || !s->assertion)
		return bad(s, SAML_BAD, "The response must contain exactly one assertion.");
	int inner = element_signed(a, s->assertion, p), outer = element_signed(a, root, p);
	if (inner < 0 || outer < 0)
		return bad(s, SAML_BAD, "Response signature invalid");
	if (!inner && !outer)
		return bad(s, SAML_BAD, "The response is not signed.");
	const struct xml *status = xml_among(root->child, PROTOCOL, STR("Status"));
	status = status ? xml_among(status->child, PROTOCOL, STR("StatusCode")) : NULL;
	if (!str_is(xml_plain(status, STR("Value")), SUCCESS))
		return bad(s, SAML_REJECTED, "The identity provider rejected the request.");
	return SAML_GOOD;
}

/* ---- what it says ---- */

static struct str
leaf_text(const struct xml *x)
{
	return x && !x->children_n ? str_trim(x->text) : STR_NULL;
}

static struct xml *
child(const struct xml *x, struct str name)
{
	return x ? xml_among(x->child, ASSERTION, name) : NULL;
}

enum window { INSIDE, EARLY, LATE, UNREADABLE };

/* NotBefore and NotOnOrAfter, each where it stands. */
static enum window
window_of(const struct xml *x, int64_t now_ms)
{
	struct str from = xml_plain(x, STR("NotBefore")), to = xml_plain(x, STR("NotOnOrAfter"));
	int64_t ms;
	if (to.p && !time_parse(to, &ms))
		return UNREADABLE;
	if (to.p && now_ms >= ms)
		return LATE;
	if (from.p && !time_parse(from, &ms))
		return UNREADABLE;
	return from.p && now_ms < ms - SKEW_MS ? EARLY : INSIDE;
}

static enum saml_result
window_check(struct saml *s, enum window w)
{
	if (w == INSIDE)
		return SAML_GOOD;
	return w == LATE ? bad(s, SAML_EXPIRED, "Token must be redeemed before it expires")
			 : bad(s, SAML_BAD, "The assertion is not valid yet.");
}

static bool
audience_ours(const struct xml *restriction)
{
	const struct xml *x = child(restriction, STR("Audience"));
	for (; x; x = xml_among(x->next, ASSERTION, STR("Audience"))) {
		struct str v = leaf_text(x);
		if (v.p && (str_is(v, "urn:amazon:webservices") ||
				   str_is(v, "https://signin.aws.amazon.com/saml")))
			return true;
	}
	return false;
}

/* Each restriction must name us, and there must be one. */
static enum saml_result
conditions_check(struct saml *s, int64_t now_ms)
{
	const struct xml *c = child(s->assertion, STR("Conditions"));
	const struct xml *r = child(c, STR("AudienceRestriction"));
	if (!c || xml_among(c->next, ASSERTION, STR("Conditions")) || !r)
		return bad(s, SAML_BAD, "The assertion has no audience.");
	for (; r; r = xml_among(r->next, ASSERTION, STR("AudienceRestriction")))
		if (!audience_ours(r))
			return bad(s, SAML_BAD, "The audience of the assertion is another.");
	return window_check(s, window_of(c, now_ms));
}

/* https://signin.aws.amazon.com/saml, or that of a region. */
static bool
recipient_ours(struct str v)
{
	static const struct str tail = { "signin.aws.amazon.com/saml", 26 };
	if (!str_starts(v, STR("https://")) || !str_ends(v, tail) || v.len < 8 + tail.len)
		return false;
	struct str region = str_slice(v, 8, v.len - tail.len);
	for (size_t i = 0; i + 1 < region.len; i++)
		if (!(region.p[i] >= 'a' && region.p[i] <= 'z') &&
			!(region.p[i] >= '0' && region.p[i] <= '9') && region.p[i] != '-')
			return false;
	return !region.len || (region.len > 1 && region.p[region.len - 1] == '.');
}

/* One confirmation by bearer, meant for us, that has not ended. */
static enum saml_result
subject_check(struct saml *s, int64_t now_ms)
{
	const struct xml *subject = child(s->assertion, STR("Subject"));
	const struct xml *name = child(subject, STR("NameID"));
	const struct xml *k = child(subject, STR("SubjectConfirmation"));
	enum saml_result r = bad(s, SAML_BAD, "The recipient of the assertion is another.");
	s->subject = leaf_text(name);
	s->format = xml_plain(name, STR("Format"));
	if (!s->subject.len)
		return bad(s, SAML_BAD, "NameID is required in AuthnResponse");
	for (; k; k = xml_among(k->next, ASSERTION, STR("SubjectConfirmation"))) {
		const struct xml *d = child(k, STR("SubjectConfirmationData"));
		struct str recipient = xml_plain(d, STR("Recipient"));
		if (!str_is(xml_plain(k, STR("Method")), BEARER) || !recipient.p ||
			!recipient_ours(recipient) || !xml_plain(d, STR("NotOnOrAfter")).p)
			continue;
		r = window_check(s, window_of(d, now_ms));
		s->recipient = recipient;
		if (r == SAML_GOOD)
			return r;
	}
	return r;
}

static enum saml_result
session_check(struct saml *s, int64_t now_ms)
{
	const struct xml *x = child(s->assertion, STR("AuthnStatement"));
	s->until_ms = INT64_MAX;
	for (; x; x = xml_among(x->next, ASSERTION, STR("AuthnStatement"))) {
		struct str to = xml_plain(x, STR("SessionNotOnOrAfter"));
		int64_t ms;
		if (to.p && !time_parse(to, &ms))
			return bad(s, SAML_BAD, "SessionNotOnOrAfter cannot be read.");
		if (to.p && ms < s->until_ms)
			s->until_ms = ms;
	}
	return s->until_ms > now_ms ? SAML_GOOD
				    : bad(s, SAML_EXPIRED, "The session has already ended.");
}

static enum saml_result
issue_check(struct saml *s, const struct saml_provider *p, int64_t now_ms)
{
	const struct xml *issuer = child(s->assertion, STR("Issuer"));
	int64_t ms;
	s->issuer = leaf_text(issuer);
	if (!s->issuer.p || !str_eq(s->issuer, p->entity))
		return bad(s, SAML_BAD, "Issuer not present in specified provider");
	if (!time_parse(xml_plain(s->assertion, STR("IssueInstant")), &ms) || ms > now_ms + SKEW_MS)
		return bad(s, SAML_BAD, "The assertion is not valid yet.");
	if (ms < now_ms - REDEEM_MS)
		return bad(s, SAML_EXPIRED, "Token must be redeemed within 5 minutes of issuance");
	return SAML_GOOD;
}

enum saml_result
saml_open(struct arena *a, struct str text, const struct saml_provider *p, int64_t now_ms,
	struct saml *ret)
{
	*ret = (struct saml){ 0 };
	struct str bytes = base64_bytes(a, text, BASE64_LENIENT);
	const struct xml *root = bytes.p ? xml_parse(a, bytes, 32, NULL) : NULL;
	if (!root)
		return bad(ret, SAML_BAD, "Invalid base64 SAMLResponse");
	enum saml_result r = signed_check(a, root, p, ret);
	r = r == SAML_GOOD ? issue_check(ret, p, now_ms) : r;
	r = r == SAML_GOOD ? conditions_check(ret, now_ms) : r;
	r = r == SAML_GOOD ? subject_check(ret, now_ms) : r;
	return r == SAML_GOOD ? session_check(ret, now_ms) : r;
}

/* ---- attributes ---- */

bool
saml_next(const struct saml *s, struct saml_walk *w, struct str *ret_name, struct str *ret)
{
	for (;;) {
		if (w->value) {
			w->value = xml_among(w->value->next, ASSERTION, STR("AttributeValue"));
		} else {
			w->attribute = w->attribute ? xml_among(w->attribute->next, ASSERTION,
							      STR("Attribute"))
						    : NULL;
			if (!w->attribute) {
				w->statement =
					w->statement
						? xml_among(w->statement->next, ASSERTION,
							  STR("AttributeStatement"))
						: child(s->assertion, STR("AttributeStatement"));
				if (!w->statement)
					return false;
				w->attribute = child(w->statement, STR("Attribute"));
			}
			w->value = child(w->attribute, STR("AttributeValue"));
		}
		*ret = leaf_text(w->value);
		*ret_name = xml_plain(w->attribute, STR("Name"));
		if (ret->p && ret_name->p)
			return true;
	}
}

struct str
saml_attribute(const struct saml *s, struct str name)
{
	struct saml_walk w = { 0 };
	struct str at, value;
	while (saml_next(s, &w, &at, &value))
		if (str_eq(at, name))
			return value;
	return STR_NULL;
}
