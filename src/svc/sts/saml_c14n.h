/*
 * saml_c14n: namespaces of a parsed document, and exclusive canonical XML (xml-exc-c14n#, without
 * comments) of an element with all that is inside. A document whose prefixes are not all bound, or
 * that binds what may not be bound, has no canonical form. The output is bounded: a long namespace
 * is written again for each of many siblings. No state, any thread.
 */
#ifndef HANEUL_SVC_STS_SAML_C14N_H
#define HANEUL_SVC_STS_SAML_C14N_H

#include "base/buf.h"
#include "base/xml.h"

#define C14N_PREFIXES_MAX 16
#define C14N_BYTES_MAX (1u << 20)

/* What a prefix means at x; "" when "" is not bound; STR_NULL: another prefix that is not bound. */
struct str xml_namespace(const struct xml *x, struct str prefix);
/* The attribute of that name without a prefix; STR_NULL: absent. */
struct str xml_plain(const struct xml *x, struct str name);
/* Is it the element of that local name in that namespace? NULL is none. */
bool xml_is(const struct xml *x, struct str ns, struct str name);
/* The first of that name and namespace among x (or NULL) and the siblings behind it. */
struct xml *xml_among(struct xml *x, struct str ns, struct str name);

struct c14n {
	const struct xml
		*skip; /* left out with all inside (an enveloped signature); NULL: nothing */
	struct str prefixes[C14N_PREFIXES_MAX]; /* treated inclusively; "" is the default one */
	unsigned prefixes_n;
};
/* Appends; false when there is no such form or it is too long. Recurses as deep as the tree. */
bool xml_canonical(struct arena *a, const struct xml *x, const struct c14n *how, struct buf *out);

#endif
