/* AssumeRoleWithSAML: what a verified assertion says, against the role's trust policy. */
#include "aws/authorize.h"
#include "aws/errors.h"
#include "base/text.h"
#include "svc/sts/assume.h"
#include "svc/sts/saml.h"

#define FORMAT_HEAD STR("urn:oasis:names:tc:SAML:2.0:nameid-format:")
#define TAG_HEAD SAML_ATTRIBUTE("PrincipalTag:")
#define TAGS_MAX 50

struct assertion {
	struct call *c;
	struct saml saml;
	struct str provider_arn, account, provider_name;
	struct str type, qualifier; /* of the subject; SHA-1 of who issued for whom */
	struct str session_name, source_identity;
	struct sts_tag_list tags;
	struct list_str transitive;
	struct opt_i64 duration_s;
};

static int
refuse(struct call *c, const char *why)
{
	return call_fail(c, &STS_InvalidIdentityToken, "%s", why);
}

static bool
of_class(struct str v, size_t min, size_t max)
{
	for (size_t i = 0; i < v.len; i++) {
		unsigned char k = (unsigned char)v.p[i];
		bool word = (k | 32u) - 'a' < 26 || k - 48u < 10;
		if (!word && !memchr("_+=,.@-", k, 7))
			return false;
	}
	return v.len >= min && v.len <= max;
}

/* ---- condition keys ---- */

static const struct {
	const char *key, *attribute;
} directory[] = {
	{ "saml:edupersonaffiliation", "urn:oid:1.3.6.1.4.1.5923.1.1.1.1" },
	{ "saml:edupersonnickname", "urn:oid:1.3.6.1.4.1.5923.1.1.1.2" },
	{ "saml:edupersonorgdn", "urn:oid:1.3.6.1.4.1.5923.1.1.1.3" },
	{ "saml:edupersonorgunitdn", "urn:oid:1.3.6.1.4.1.5923.1.1.1.4" },
	{ "saml:edupersonprimaryaffiliation", "urn:oid:1.3.6.1.4.1.5923.1.1.1.5" },
	{ "saml:edupersonprincipalname", "urn:oid:1.3.6.1.4.1.5923.1.1.1.6" },
	{ "saml:edupersonentitlement", "urn:oid:1.3.6.1.4.1.5923.1.1.1.7" },
	{ "saml:edupersonprimaryorgunitdn", "urn:oid:1.3.6.1.4.1.5923.1.1.1.8" },
	{ "saml:edupersonscopedaffiliation", "urn:oid:1.3.6.1.4.1.5923.1.1.1.9" },
	{ "saml:edupersontargetedid", "urn:oid:1.3.6.1.4.1.5923.1.1.1.10" },
	{ "saml:edupersonassurance", "urn:oid:1.3.6.1.4.1.5923.1.1.1.11" },
	{ "saml:eduorghomepageuri", "urn:oid:1.3.6.1.4.1.5923.1.2.1.2" },
	{ "saml:cn", "urn:oid:2.5.4.3" },
	{ "saml:surname", "urn:oid:2.5.4.4" },
	{ "saml:givenname", "urn:oid:2.5.4.42" },
	{ "saml:mail", "urn:oid:0.9.2342.19200300.100.1.3" },
	{ "saml:uid", "urn:oid:0.9.2342.19200300.100.1.1" },
};

static bool
values_of(struct assertion *w, struct str attribute, struct policy_key *ret)
{
	struct saml_walk at = { 0 };
	struct list_str v = { 0 };
	struct str name, value;
	while (saml_next(&w->saml, &at, &name, &value))
		if (str_eq(name, attribute))
			iam_list_add(w->c->arena, &v, value);
	ret->values = v.v;
	ret->values_n = v.n;
	return v.n > 0;
}

static bool
saml_key(void *arg, struct str name, struct policy_key *ret)
{
	struct assertion *w = arg;
	const struct {
		const char *key;
		struct str value;
	} own[] = {
		{ "saml:aud", w->saml.recipient },
		{ "saml:iss", w->saml.issuer },
		{ "saml:sub", w->saml.subject },
		{ "saml:sub_type", w->type },
		{ "saml:namequalifier", w->qualifier },
		{ "saml:doc", arena_printf(w->c->arena, "%.*s/%.*s", STR_FMT(w->account),
				      STR_FMT(w->provider_name)) },
	};
	for (unsigned i = 0; i < sizeof(own) / sizeof(*own); i++)
		if (str_eq_nocase(name, str_c(own[i].key)) && own[i].value.len) {
			struct str *one = arena_new(w->c->arena, struct str);
			*one = own[i].value;
			ret->values = one;
			ret->values_n = 1;
			return true;
		}
	for (unsigned i = 0; i < sizeof(directory) / sizeof(*directory); i++)
		if (str_eq_nocase(name, str_c(directory[i].key)))
			return values_of(w, str_c(directory[i].attribute), ret);
	return false;
}

/* ---- reading ---- */

/* The provider is that of the role's account: another account's word opens nothing here. */
static int
provider_find(struct call *c, const struct sts_assume_role_with_saml_in *in, struct assertion *w,
	struct iam_entity_row *ret)
{
	struct arn arn, role;
	if (!arn_parse(in->PrincipalArn, &arn) || !str_is(arn.service, "iam") ||
		!account_id_valid(arn.account) ||
		!str_starts(arn.resource, STR("saml-provider/")) || !arn_parse(in->RoleArn, &role))
		return call_fail(c, &ERR_ValidationException, "Request ARN is invalid");
	w->account = arn.account;
	w->provider_arn = in->PrincipalArn;
	w->provider_name = str_slice(arn.resource, 14, arn.resource.len);
	if (!str_eq(arn.account, role.account) ||
		!iam_get(c->tx, c->arena, IAM_SAML, arn.account, w->provider_name, ret))
		return refuse(c, "Specified provider doesn't exist");
	return CALL_OK;
}

static int
assertion_verify(
	struct call *c, struct str text, const struct iam_entity_row *provider, struct assertion *w)
{
	struct saml_provider p;
	enum saml_result r = SAML_BAD;
	w->saml.why = "The provider's metadata has no key for signatures.";
	if (saml_provider_open(c->arena, provider->Metadata, &p))
		r = saml_open(c->arena, text, &p, c->now_ms, &w->saml);
	saml_provider_close(&p);
	if (r == SAML_GOOD)
		return CALL_OK;
	return call_fail(c,
		r == SAML_EXPIRED    ? &STS_ExpiredTokenException
		: r == SAML_REJECTED ? &STS_IDPRejectedClaim
				     : &STS_InvalidIdentityToken,
		"%s", w->saml.why);
}

static void
subject_describe(struct call *c, struct assertion *w)
{
	unsigned char hash[20];
	struct str f = w->saml.format;
	w->type = !f.p                         ? STR("unspecified")
		  : str_starts(f, FORMAT_HEAD) ? str_slice(f, FORMAT_HEAD.len, f.len)
					       : f;
	sha1(arena_printf(c->arena, "%.*s%.*s/%.*s", STR_FMT(w->saml.issuer), STR_FMT(w->account),
		     STR_FMT(w->provider_name)),
		hash);
	w->qualifier = base64_text(c->arena, str_of(hash, sizeof(hash)));
}

/* "role,provider", in either order. */
static bool
pair_named(const struct assertion *w, struct str role)
{
	struct saml_walk at = { 0 };
	struct str name, value;
	while (saml_next(&w->saml, &at, &name, &value)) {
		struct str rest = value, first = str_trim(str_cut(&rest, ','));
		if (!str_eq(name, SAML_ATTRIBUTE("Role")) || !rest.p)
			continue;
		rest = str_trim(rest);
		if ((str_eq(first, role) && str_eq(rest, w->provider_arn)) ||
			(str_eq(rest, role) && str_eq(first, w->provider_arn)))
			return true;
	}
	return false;
}

static int
tags_read(struct call *c, struct assertion *w)
{
	struct saml_walk at = { 0 };
	struct str name, value;
	w->tags.v = arena_array(c->arena, struct sts_tag, TAGS_MAX);
	while (saml_next(&w->saml, &at, &name, &value)) {
		if (str_eq(name, SAML_ATTRIBUTE("TransitiveTagKeys"))) {
			iam_list_add(c->arena, &w->transitive, value);
			continue;
		}
		if (!str_starts(name, TAG_HEAD))
			continue;
		struct str key = str_slice(name, TAG_HEAD.len, name.len);
		if (w->tags.n == TAGS_MAX || !key.len || str_utf8_count(key) > 128 ||
			str_utf8_count(value) > 256)
			return refuse(c, "The session tags of the assertion are not valid.");
		w->tags.v[w->tags.n++] = (struct sts_tag){ .Key = key, .Value = value };
	}
	w->tags.set = w->tags.n > 0;
	return CALL_OK;
}

static int
attributes_read(struct call *c, struct assertion *w)
{
	struct str duration = saml_attribute(&w->saml, SAML_ATTRIBUTE("SessionDuration"));
	w->session_name = saml_attribute(&w->saml, SAML_ATTRIBUTE("RoleSessionName"));
	w->source_identity = saml_attribute(&w->saml, SAML_ATTRIBUTE("SourceIdentity"));
	if (!w->session_name.p)
		return refuse(c, "RoleSessionName is required in AuthnResponse");
	if (!of_class(w->session_name, 2, 64))
		return refuse(c, "RoleSessionName in AuthnResponse must match "
				 "[a-zA-Z_0-9+=,.@-]{2,64}");
	if (w->source_identity.p && !of_class(w->source_identity, 2, 64))
		return refuse(c, "SourceIdentity in AuthnResponse must match "
				 "[a-zA-Z_0-9+=,.@-]{2,64}");
	if (duration.p) {
		int64_t s;
		if (!str_to_i64(duration, &s) || s < 900 || s > 43200)
			return refuse(c, "SessionDuration must be a number between 900 and 43200");
		w->duration_s = OPT_I64(s);
	}
	return tags_read(c, w);
}

/* ---- permission ---- */

static bool
trusts(struct call *c, const struct sts_assume *a, const struct assertion *w,
	const struct policy *trust, struct str action)
{
	struct policy_result r;
	struct policy_context ctx = { .principal = { .kind = POLICY_WEB,
					      .name = w->provider_arn,
					      .account = STR(""),
					      .arn = STR(""),
					      .user_id = STR("") },
		.action = action,
		.resource = a->role_arn,
		.resource_account = a->account,
		.lookup = sts_assume_key,
		.lookup_arg = (void *)(uintptr_t)a,
		.now_ms = c->now_ms,
		.resource_policy = trust,
		.resource_required = true };
	policy_evaluate(&ctx, &r);
	return r.decision == POLICY_ALLOWED;
}

static int
trust_check(struct call *c, const struct sts_assume *a, const struct assertion *w)
{
	struct policy *trust = NULL;
	if (policy_parse(a->role->Trust, POLICY_TRUST, &trust, NULL))
		return call_fail(
			c, &ERR_InternalFailure, "The trust policy of the role is damaged.");
	const char *missing = NULL;
	if (!trusts(c, a, w, trust, STR("sts:AssumeRoleWithSAML")))
		missing = "sts:AssumeRoleWithSAML";
	else if (w->tags.n && !trusts(c, a, w, trust, STR("sts:TagSession")))
		missing = "sts:TagSession";
	else if (w->source_identity.p && !trusts(c, a, w, trust, STR("sts:SetSourceIdentity")))
		missing = "sts:SetSourceIdentity";
	policy_unref(trust);
	return missing ? call_fail(c, &ERR_AccessDenied, "Not authorized to perform %s", missing)
		       : CALL_OK;
}

/* ---- the session ---- */

static int
session_begin(struct call *c, const struct sts_assume_role_with_saml_in *in,
	const struct sts_assume *a, struct assertion *w, struct sts_assume_role_with_saml_out *out)
{
	struct sts_session_row s = { 0 };
	int64_t duration_s, left_s = (w->saml.until_ms - c->now_ms) / 1000;
	if (sts_duration(c, a->role, in->DurationSeconds.set ? in->DurationSeconds : w->duration_s,
		    false, &duration_s))
		return CALL_FAILED;
	if (left_s < duration_s)
		duration_s = left_s;
	sts_role_session(c, a, &s);
	s.Provider = w->provider_arn;
	s.Subject = w->saml.subject;
	s.Audience = w->saml.recipient;
	/* Who carried the assertion here passes on nothing of their own. */
	const void *carrier = c->who.session;
	c->who.session = NULL;
	int r = sts_tags_take(c, &w->tags, &w->transitive, &s);
	c->who.session = carrier;
	if (r != CALL_OK ||
		sts_policies_take(c, in->Policy, &in->PolicyArns, &s, &out->PackedPolicySize))
		return CALL_FAILED;
	out->Credentials = sts_session_start(c, &s, duration_s);
	out->AssumedRoleUser = sts_assumed_tell(c, &s);
	out->Subject = w->saml.subject;
	out->SubjectType = w->type;
	out->Issuer = w->saml.issuer;
	out->Audience = w->saml.recipient;
	out->NameQualifier = w->qualifier;
	out->SourceIdentity = w->source_identity;
	return CALL_OK;
}

int
sts_assume_role_with_saml(struct call *c, const struct sts_assume_role_with_saml_in *in,
	struct sts_assume_role_with_saml_out *out)
{
	struct iam_entity_row role, provider;
	struct assertion w = { .c = c };
	struct arn arn;
	if (provider_find(c, in, &w, &provider) ||
		assertion_verify(c, in->SAMLAssertion, &provider, &w) || attributes_read(c, &w))
		return CALL_FAILED;
	subject_describe(c, &w);
	if (!pair_named(&w, in->RoleArn) || !sts_role_find(c, in->RoleArn, &role, &arn))
		return call_fail(
			c, &ERR_AccessDenied, "Not authorized to perform sts:AssumeRoleWithSAML");
	struct sts_assume a = { .c = c,
		.role = &role,
		.role_arn = in->RoleArn,
		.account = arn.account,
		.session_name = w.session_name,
		.source_identity = w.source_identity,
		.tags = &w.tags,
		.transitive = &w.transitive,
		.further = saml_key,
		.further_arg = &w };
	if (trust_check(c, &a, &w))
		return CALL_FAILED;
	return session_begin(c, in, &a, &w, out);
}

bool
sts_saml_metadata_usable(struct arena *a, struct str text)
{
	struct saml_provider p;
	bool usable = saml_provider_open(a, text, &p);
	saml_provider_close(&p);
	return usable;
}
