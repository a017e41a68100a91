#include "svc/sts/saml_sign.h"

#include "base/text.h"

#include <openssl/evp.h>

#define EXCLUSIVE "http://www.w3.org/2001/10/xml-exc-c14n#"
#define ENVELOPED "http://www.w3.org/2000/09/xmldsig#enveloped-signature"

struct algorithm {
	const char *name;
	const EVP_MD *(*digest)(void);
};
static const struct algorithm signatures[] = {
	{ "http://www.w3.org/2000/09/xmldsig#rsa-sha1", EVP_sha1 },
	{ "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", EVP_sha256 },
	{ "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384", EVP_sha384 },
	{ "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", EVP_sha512 },
	{ NULL, NULL },
};
static const struct algorithm digests[] = {
	{ "http://www.w3.org/2000/09/xmldsig#sha1", EVP_sha1 },
	{ "http://www.w3.org/2001/04/xmlenc#sha256", EVP_sha256 },
	{ "http://www.w3.org/2001/04/xmldsig-more#sha384", EVP_sha384 },
	{ "http://www.w3.org/2001/04/xmlenc#sha512", EVP_sha512 },
	{ NULL, NULL },
};

static const EVP_MD *
algorithm_of(const struct algorithm *v, const struct xml *x)
{
	struct str name = xml_plain(x, STR("Algorithm"));
	for (; v->name; v++)
		if (str_eq(name, str_c(v->name)))
			return v->digest();
	return NULL;
}

/* The only child of that name. */
static struct xml *
only(const struct xml *x, struct str name)
{
	struct xml *one = x ? xml_among(x->child, DSIG_NS, name) : NULL;
	return one && !xml_among(one->next, DSIG_NS, name) ? one : NULL;
}

/* An element that asks for exclusive canonicalisation, maybe with an InclusiveNamespaces inside. */
static bool
method_read(const struct xml *x, struct c14n *how)
{
	if (!x || !str_is(xml_plain(x, STR("Algorithm")), EXCLUSIVE) || x->children_n > 1)
		return false;
	how->prefixes_n = 0;
	if (!x->child)
		return true;
	if (!xml_is(x->child, STR(EXCLUSIVE), STR("InclusiveNamespaces")))
		return false;
	struct str rest = xml_plain(x->child, STR("PrefixList"));
	while (rest.p) {
		struct str one = str_cut(&rest, ' ');
		if (!one.len)
			continue;
		if (how->prefixes_n == C14N_PREFIXES_MAX)
			return false;
		how->prefixes[how->prefixes_n++] = str_is(one, "#default") ? STR("") : one;
	}
	return true;
}

/* Exactly: take the signature out, then canonicalise. Anything else might change what is signed. */
static bool
transforms_read(const struct xml *x, struct c14n *how)
{
	const struct xml *first = x ? x->child : NULL;
	return x && x->children_n == 2 && xml_is(first, DSIG_NS, STR("Transform")) &&
	       !first->children_n && str_is(xml_plain(first, STR("Algorithm")), ENVELOPED) &&
	       xml_is(first->next, DSIG_NS, STR("Transform")) && method_read(first->next, how);
}

static struct str
bytes_of(struct arena *a, const struct xml *x)
{
	if (!x || x->children_n || x->text.len > 8192)
		return STR_NULL;
	return base64_bytes(a, x->text, BASE64_LENIENT);
}

static bool
digest_good(struct arena *a, const struct xml *x, const struct xml *reference, struct c14n *how)
{
	const EVP_MD *digest = algorithm_of(digests, only(reference, STR("DigestMethod")));
	struct str said = bytes_of(a, only(reference, STR("DigestValue")));
	unsigned char made[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	struct buf text = { 0 };
	bool good = digest && said.p && xml_canonical(a, x, how, &text) &&
		    EVP_Digest(text.p, text.len, made, &n, digest, NULL) == 1 &&
		    str_eq_consttime(said, str_of(made, n));
	buf_done(&text);
	return good;
}

static bool
key_signed(EVP_PKEY *key, const EVP_MD *digest, struct str text, struct str sig)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = EVP_DigestVerifyInit(ctx, NULL, digest, NULL, key) == 1 &&
		    EVP_DigestVerify(ctx, (const unsigned char *)sig.p, sig.len,
			    (const unsigned char *)text.p, text.len) == 1;
	EVP_MD_CTX_free(ctx);
	return good;
}

static bool
info_signed(struct arena *a, const struct xml *info, struct str sig, EVP_PKEY *const *keys,
	unsigned keys_n)
{
	const EVP_MD *digest = algorithm_of(signatures, only(info, STR("SignatureMethod")));
	struct c14n how = { 0 };
	struct buf text = { 0 };
	bool good = false;
	if (digest && method_read(only(info, STR("CanonicalizationMethod")), &how) &&
		xml_canonical(a, info, &how, &text))
		for (unsigned i = 0; i < keys_n && !good; i++)
			good = key_signed(keys[i], digest, buf_str(&text), sig);
	buf_done(&text);
	return good;
}

bool
saml_signature_good(struct arena *a, const struct xml *x, const struct xml *signature,
	EVP_PKEY *const *keys, unsigned keys_n)
{
	const struct xml *info = only(signature, STR("SignedInfo"));
	const struct xml *reference = only(info, STR("Reference"));
	struct str sig = bytes_of(a, only(signature, STR("SignatureValue")));
	struct str uri = xml_plain(reference, STR("URI")), id = xml_plain(x, STR("ID"));
	struct c14n how = { .skip = signature };
	if (!reference || !sig.p || signature->parent != x || !id.len || uri.len < 2 ||
		uri.p[0] != '#' || !str_eq(str_slice(uri, 1, uri.len), id))
		return false;
	/* The key's word first: nobody else makes us read on. */
	return info_signed(a, info, sig, keys, keys_n) &&
	       transforms_read(only(reference, STR("Transforms")), &how) &&
	       digest_good(a, x, reference, &how);
}
