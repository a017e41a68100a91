#include "aws/authorize.h"
#include "aws/errors.h"
#include "svc/sts/assume.h"
#include "svc/sts/jwt.h"

#define WAIT_MS 8000
#define SKEW_S 300

struct identity {
	struct call *c;
	struct jwt token;
	struct str issuer, name; /* https://… and without the scheme */
	struct str subject, audience;
	struct iam_entity_row provider;
	struct str provider_arn;
};

static int
bad_token(struct call *c, const char *why)
{
	return call_fail(c, &STS_InvalidIdentityToken, "%s", why);
}

static struct str
scheme_drop(struct str url)
{
	if (str_starts(url, STR("https://")))
		url = str_slice(url, 8, url.len);
	else if (str_starts(url, STR("http://")))
		url = str_slice(url, 7, url.len);
	return str_ends(url, STR("/")) ? str_slice(url, 0, url.len - 1) : url;
}

static bool
audience_fits(struct identity *w, const struct json *aud)
{
	uint32_t n = json_is(aud, JSON_ARRAY) ? aud->n : 1;
	for (uint32_t i = 0; i < n; i++) {
		struct str one = json_text(json_is(aud, JSON_ARRAY) ? json_at(aud, i) : aud);
		if (one.p && iam_list_has(&w->provider.Clients, one)) {
			w->audience = one;
			return true;
		}
	}
	return false;
}

/* Times are the machine's or the virtual clock's, whichever lets the token live: tests move the
 * latter. */
static int
times_check(struct call *c, const struct json *claims)
{
	int64_t exp, nbf, iat, now = c->now_ms / 1000;
	if (!json_i64(json_get_lit(claims, "exp"), &exp))
		return bad_token(c, "Missing a required claim: exp");
	if (!json_i64(json_get_lit(claims, "iat"), &iat))
		return bad_token(c, "Missing a required claim: iat");
	if (exp <= now)
		return call_fail(c, &STS_ExpiredTokenException,
			"Token expired: current date/time must be before the "
			"expiration date/time");
	if ((json_i64(json_get_lit(claims, "nbf"), &nbf) && nbf > now + SKEW_S) ||
		iat > now + SKEW_S)
		return bad_token(c, "Token is not yet valid");
	return CALL_OK;
}

static int
token_read(struct call *c, struct str text, struct str account, struct identity *w)
{
	w->c = c;
	if (!jwt_parse(c->arena, text, &w->token))
		return bad_token(c, "The ID Token provided is not a valid JWT. (You may see this "
				    "error if you sent an "
				    "Access Token)");
	w->issuer = json_get_text(w->token.claims, STR("iss"));
	w->subject = json_get_text(w->token.claims, STR("sub"));
	if (!w->issuer.p || !w->subject.p)
		return bad_token(c, "Missing a required claim: iss or sub");
	w->name = scheme_drop(w->issuer);
	if (!iam_get(c->tx, c->arena, IAM_OIDC, account, w->name, &w->provider) ||
		!str_eq(scheme_drop(w->provider.Metadata), w->name))
		return bad_token(c, "No OpenIDConnect provider found in your account for the "
				    "issuer of the token");
	w->provider_arn = arena_printf(c->arena, "arn:aws:iam::%.*s:oidc-provider/%.*s",
		STR_FMT(account), STR_FMT(w->provider.Name));
	if (!audience_fits(w, json_get_lit(w->token.claims, "aud")))
		return bad_token(c, "Incorrect token audience");
	return times_check(c, w->token.claims);
}

/* CALL_PARKED: the keys are on their way. */
static int
signature_check(struct call *c, struct identity *w)
{
	struct sts_issuer_row row = { 0 };
	enum jwt_result r = JWT_NO_KEY;
	/* Where to ask is what was configured, not what the token says. */
	struct str url = w->provider.Metadata;
	bool known = sts_issuer_get(c, url, &row);
	if (known && row.Keys.p)
		r = jwt_verify(c->arena, &w->token, json_parse(c->arena, row.Keys, 16, NULL));
	if (r == JWT_GOOD)
		return CALL_OK;
	if (r == JWT_BAD)
		return bad_token(c, "Token signature invalid");
	/* The call runs again from the start when it is woken: c->user tells that it has waited. */
	if (!c->user && !call_timed_out(c)) {
		c->user = w->provider_arn.p ? arena_cstr(c->arena, w->provider_arn) : NULL;
		sts_issuer_ask(c, url);
		return call_park(c, sts_issuer_touch_key(c->arena, url), c->now_ms + WAIT_MS);
	}
	if (known && row.Keys.p)
		return bad_token(c, "No key of the provider fits the token");
	return call_fail(c, &STS_IDPCommunicationError,
		"Couldn't retrieve verification key from your identity provider, please reference "
		"AssumeRoleWithWebIdentity documentation for requirements");
}

/* "issuer:sub", "issuer:aud", "issuer:amr" and other claims that are text. */
static bool
claim_key(void *arg, struct str name, struct policy_key *ret)
{
	struct identity *w = arg;
	size_t n = w->name.len;
	if (name.len <= n + 1 || !str_eq_nocase(str_slice(name, 0, n), w->name) || name.p[n] != ':')
		return false;
	struct str claim = str_slice(name, n + 1, name.len);
	const struct json *j = json_get(w->token.claims, claim);
	uint32_t count = json_is(j, JSON_ARRAY) ? j->n : 1, found = 0;
	struct str *v = arena_array(w->c->arena, struct str, count + 1);
	/* Of several audiences the one that is ours counts. */
	if (str_is(claim, "aud")) {
		v[found++] = w->audience;
	} else {
		for (uint32_t i = 0; i < count; i++) {
			struct str one = json_text(json_is(j, JSON_ARRAY) ? json_at(j, i) : j);
			if (one.p)
				v[found++] = one;
		}
	}
	ret->values = v;
	ret->values_n = found;
	return found > 0;
}

static int
trusted(struct call *c, const struct sts_assume *a, const struct identity *w)
{
	struct policy *trust = NULL;
	struct policy_result r;
	if (policy_parse(a->role->Trust, POLICY_TRUST, &trust, NULL))
		return call_fail(
			c, &ERR_InternalFailure, "The trust policy of the role is damaged.");
	struct policy_context ctx = { .principal = { .kind = POLICY_WEB,
					      .name = w->provider_arn,
					      .account = STR(""),
					      .arn = STR(""),
					      .user_id = STR("") },
		.action = STR("sts:AssumeRoleWithWebIdentity"),
		.resource = a->role_arn,
		.resource_account = a->account,
		.lookup = sts_assume_key,
		.lookup_arg = (void *)(uintptr_t)a,
		.now_ms = c->now_ms,
		.resource_policy = trust,
		.resource_required = true };
	policy_evaluate(&ctx, &r);
	policy_unref(trust);
	if (r.decision == POLICY_ALLOWED)
		return CALL_OK;
	return call_fail(
		c, &ERR_AccessDenied, "Not authorized to perform sts:AssumeRoleWithWebIdentity");
}

int
sts_assume_role_with_web_identity(struct call *c,
	const struct sts_assume_role_with_web_identity_in *in,
	struct sts_assume_role_with_web_identity_out *out)
{
	static const struct list_str none = { 0 };
	static const struct sts_tag_list no_tags = { 0 };
	struct iam_entity_row role;
	struct sts_session_row s = { 0 };
	struct identity w = { 0 };
	struct arn arn;
	int64_t duration_s;
	if (!arn_parse(in->RoleArn, &arn) || !account_id_valid(arn.account))
		return call_fail(c, &ERR_ValidationException, "Request ARN is invalid");
	if (token_read(c, in->WebIdentityToken, arn.account, &w))
		return CALL_FAILED;
	int r = signature_check(c, &w);
	if (r != CALL_OK)
		return r;
	if (!sts_role_find(c, in->RoleArn, &role, &arn))
		return call_fail(c, &ERR_AccessDenied,
			"Not authorized to perform sts:AssumeRoleWithWebIdentity");
	struct sts_assume a = { .c = c,
		.role = &role,
		.role_arn = in->RoleArn,
		.account = arn.account,
		.session_name = in->RoleSessionName,
		.tags = &no_tags,
		.transitive = &none,
		.further = claim_key,
		.further_arg = &w };
	if (trusted(c, &a, &w) || sts_duration(c, &role, in->DurationSeconds, false, &duration_s))
		return CALL_FAILED;
	sts_role_session(c, &a, &s);
	s.Provider = w.provider_arn;
	s.Subject = w.subject;
	s.Audience = w.audience;
	if (sts_policies_take(c, in->Policy, &in->PolicyArns, &s, &out->PackedPolicySize))
		return CALL_FAILED;
	out->Credentials = sts_session_start(c, &s, duration_s);
	out->AssumedRoleUser = sts_assumed_tell(c, &s);
	out->SubjectFromWebIdentityToken = w.subject;
	out->Audience = w.audience;
	out->Provider = w.provider_arn;
	return CALL_OK;
}
