#include "aws/authorize.h"
#include "aws/errors.h"
#include "base/clock.h"
#include "svc/iam/iam.h"
#include "svc/sts/assume.h"
#include "svc/sts/sts.h"

bool
sts_role_find(struct call *c, struct str text, struct iam_entity_row *ret, struct arn *ret_arn)
{
	if (!arn_parse(text, ret_arn) || !str_is(ret_arn->service, "iam") ||
		!account_id_valid(ret_arn->account) || !str_starts(ret_arn->resource, STR("role/")))
		return false;
	long slash = str_rfind(ret_arn->resource, '/');
	struct str name = str_slice(ret_arn->resource, (size_t)slash + 1, ret_arn->resource.len);
	return name.len && iam_get(c->tx, c->arena, IAM_ROLE, ret_arn->account, name, ret) &&
	       str_eq(ret->Path, str_slice(ret_arn->resource, 4, (size_t)slash + 1));
}

/* ---- condition keys ---- */

static bool
values(struct call *c, struct str v, struct policy_key *ret)
{
	if (!v.len)
		return false;
	struct str *one = arena_new(c->arena, struct str);
	*one = v;
	ret->values = one;
	ret->values_n = 1;
	return true;
}

static bool
prefixed(struct str name, struct str prefix, struct str *ret_rest)
{
	if (name.len <= prefix.len || !str_eq_nocase(str_slice(name, 0, prefix.len), prefix))
		return false;
	*ret_rest = str_slice(name, prefix.len, name.len);
	return true;
}

static bool
tag_of(struct call *c, const struct sts_tag_list *tags, struct str key, struct policy_key *ret)
{
	for (uint32_t i = 0; i < tags->n; i++)
		if (str_eq_nocase(tags->v[i].Key, key))
			return values(c, tags->v[i].Value, ret);
	return false;
}

static bool
role_tag(struct call *c, const struct iam_entity_row *role, struct str key, struct policy_key *ret)
{
	for (uint32_t i = 0; i < role->Tags.n; i++)
		if (str_eq_nocase(role->Tags.v[i].Key, key))
			return values(c, role->Tags.v[i].Value, ret);
	return false;
}

bool
sts_assume_key(void *arg, struct str name, struct policy_key *ret)
{
	const struct sts_assume *a = arg;
	struct call *c = a->c;
	struct str rest;
	ret->name = name;
	if (str_eq_nocase(name, STR("sts:ExternalId")))
		return values(c, a->external_id, ret);
	if (str_eq_nocase(name, STR("sts:RoleSessionName")))
		return values(c, a->session_name, ret);
	if (str_eq_nocase(name, STR("sts:SourceIdentity")))
		return values(c, a->source_identity, ret);
	if (prefixed(name, STR("aws:RequestTag/"), &rest))
		return tag_of(c, a->tags, rest, ret);
	if (prefixed(name, STR("aws:ResourceTag/"), &rest) ||
		prefixed(name, STR("iam:ResourceTag/"), &rest))
		return role_tag(c, a->role, rest, ret);
	if (str_eq_nocase(name, STR("sts:TransitiveTagKeys"))) {
		ret->values = a->transitive->v;
		ret->values_n = a->transitive->n;
		return a->transitive->n > 0;
	}
	if (str_eq_nocase(name, STR("aws:TagKeys"))) {
		struct str *v = arena_array(c->arena, struct str, a->tags->n + 1);
		for (uint32_t i = 0; i < a->tags->n; i++)
			v[i] = a->tags->v[i].Key;
		ret->values = v;
		ret->values_n = a->tags->n;
		return a->tags->n > 0;
	}
	return a->further && a->further(a->further_arg, name, ret);
}

/* ---- permission ---- */

static int
may(struct call *c, const struct sts_assume *a, const char *action, struct policy *trust)
{
	struct policy_result r;
	struct str yes = STR("true"), age = STR("0");
	struct policy_key mfa[2] = { { STR("aws:MultiFactorAuthPresent"), &yes, 1 },
		{ STR("aws:MultiFactorAuthAge"), &age, 1 } };
	struct authorize_question q = { .action = action,
		.resource = a->role_arn,
		.resource_account = a->account,
		.resource_policy = trust,
		.resource_required = true,
		.lookup = sts_assume_key,
		.lookup_arg = (void *)(uintptr_t)a,
		.keys = mfa,
		.keys_n = a->mfa ? 2 : 0 };
	authorize_evaluate(c, &q, &r);
	if (r.decision == POLICY_ALLOWED)
		return CALL_OK;
	/* Whose trust policy it is stays its own affair: AWS gives no reason here. */
	return call_fail(c, &ERR_AccessDenied,
		"User: %.*s is not authorized to perform: %s on resource: %.*s",
		STR_FMT(c->who.arn), action, STR_FMT(a->role_arn));
}

static int
may_assume(struct call *c, const struct sts_assume *a)
{
	struct policy *trust = NULL;
	if (policy_parse(a->role->Trust, POLICY_TRUST, &trust, NULL))
		return call_fail(
			c, &ERR_InternalFailure, "The trust policy of the role is damaged.");
	int r = may(c, a, "sts:AssumeRole", trust);
	if (r == CALL_OK && a->tags->n)
		r = may(c, a, "sts:TagSession", trust);
	if (r == CALL_OK && a->source_identity.len)
		r = may(c, a, "sts:SetSourceIdentity", trust);
	policy_unref(trust);
	return r;
}

int
sts_duration(struct call *c, const struct iam_entity_row *role, struct opt_i64 asked, bool chained,
	int64_t *ret_s)
{
	*ret_s = asked.set ? asked.v : 3600;
	if (chained && *ret_s > STS_CHAIN_MAX_S)
		return call_fail(c, &ERR_ValidationException,
			"The requested DurationSeconds exceeds the 1 hour session limit for roles "
			"assumed by role chaining.");
	if (*ret_s > (role->MaxSession.set ? role->MaxSession.v : 3600))
		return call_fail(c, &ERR_ValidationException,
			"The requested DurationSeconds exceeds the MaxSessionDuration set for this "
			"role.");
	return CALL_OK;
}

/* Once in a quarter of an hour is enough for what people read it for. */
static void
role_used(struct call *c, struct iam_entity_row *role, struct str account)
{
	if (role->LastUsed.set && c->now_ms - role->LastUsed.ms < 900000 &&
		c->now_ms >= role->LastUsed.ms)
		return;
	role->LastUsed = OPT_TIME(c->now_ms / 1000 * 1000);
	role->LastUsedRegion = c->region;
	iam_save_quietly(c->tx, IAM_ROLE, account, role);
}

/* A reply and a row of a role's session. */
void
sts_role_session(struct call *c, const struct sts_assume *a, struct sts_session_row *s)
{
	s->Kind = OPT_I64(CREDENTIAL_ROLE);
	s->Account = a->account;
	s->Arn = arena_printf(c->arena, "arn:aws:sts::%.*s:assumed-role/%.*s/%.*s",
		STR_FMT(a->account), STR_FMT(a->role->Name), STR_FMT(a->session_name));
	s->UserId =
		arena_printf(c->arena, "%.*s:%.*s", STR_FMT(a->role->Id), STR_FMT(a->session_name));
	s->Name = s->SessionName = a->session_name;
	s->RoleArn = a->role_arn;
	s->RoleId = a->role->Id;
	s->SourceIdentity = a->source_identity;
	role_used(c, a->role, a->account);
}

struct sts_assumed_role_user *
sts_assumed_tell(struct call *c, const struct sts_session_row *s)
{
	struct sts_assumed_role_user *u = arena_new(c->arena, struct sts_assumed_role_user);
	u->AssumedRoleId = s->UserId;
	u->Arn = s->Arn;
	return u;
}

static int
mfa_check(struct call *c, struct str serial, struct str code, bool *ret_mfa)
{
	*ret_mfa = false;
	if (!serial.p && !code.p)
		return CALL_OK;
	if (serial.p && code.p && iam_mfa_verify(c, serial, code)) {
		*ret_mfa = true;
		return CALL_OK;
	}
	return call_fail(c, &ERR_AccessDenied,
		"MultiFactorAuthentication failed with invalid MFA one time pass code.");
}

int
sts_assume_role(
	struct call *c, const struct sts_assume_role_in *in, struct sts_assume_role_out *out)
{
	const struct session *from = c->who.session;
	bool chained = from && from->role_arn.len;
	struct iam_entity_row role;
	struct sts_session_row s = { 0 };
	struct arn arn;
	int64_t duration_s;
	if (sts_signed(c))
		return CALL_FAILED;
	if (from && str_find_str(c->who.arn, STR(":federated-user/")) >= 0)
		return call_fail(
			c, &ERR_AccessDenied, "Cannot call AssumeRole with federated credentials");
	struct sts_assume a = { .c = c,
		.role = &role,
		.role_arn = in->RoleArn,
		.session_name = in->RoleSessionName,
		.external_id = in->ExternalId,
		.tags = &in->Tags,
		.transitive = &in->TransitiveTagKeys,
		.source_identity = in->SourceIdentity };
	if (!sts_role_find(c, in->RoleArn, &role, &arn))
		return call_fail(c, &ERR_AccessDenied,
			"User: %.*s is not authorized to perform: sts:AssumeRole on resource: %.*s",
			STR_FMT(c->who.arn), STR_FMT(in->RoleArn));
	a.account = arn.account;
	if (mfa_check(c, in->SerialNumber, in->TokenCode, &a.mfa) || may_assume(c, &a) ||
		sts_duration(c, &role, in->DurationSeconds, chained, &duration_s))
		return CALL_FAILED;
	/* Once set, it holds for the whole chain. */
	if (from && from->source_identity.len) {
		if (in->SourceIdentity.p && !str_eq(in->SourceIdentity, from->source_identity))
			return call_fail(c, &ERR_AccessDenied,
				"The source identity of a session cannot be changed.");
		a.source_identity = from->source_identity;
	}
	sts_role_session(c, &a, &s);
	if (sts_tags_take(c, &in->Tags, &in->TransitiveTagKeys, &s) ||
		sts_policies_take(c, in->Policy, &in->PolicyArns, &s, &out->PackedPolicySize))
		return CALL_FAILED;
	if (a.mfa) {
		s.Mfa = OPT_BOOL(true);
		s.MfaAt = OPT_TIME(c->now_ms);
	}
	out->Credentials = sts_session_start(c, &s, duration_s);
	out->AssumedRoleUser = sts_assumed_tell(c, &s);
	out->SourceIdentity = a.source_identity.len ? a.source_identity : STR_NULL;
	return CALL_OK;
}

/* ---- sessions of users ---- */

static int
long_lived(struct call *c, const char *op)
{
	if (c->who.session)
		return call_fail(
			c, &ERR_AccessDenied, "Cannot call %s with session credentials", op);
	return CALL_OK;
}

int
sts_get_session_token(struct call *c, const struct sts_get_session_token_in *in,
	struct sts_get_session_token_out *out)
{
	struct sts_session_row s = { .Kind = OPT_I64(CREDENTIAL_TEMPORARY),
		.Account = c->account,
		.Arn = c->who.arn,
		.UserId = c->who.user_id,
		.Name = c->who.name,
		.UserArn = c->who.arn,
		.UserName = c->who.name };
	int64_t duration_s = in->DurationSeconds.set ? in->DurationSeconds.v : 43200;
	bool mfa;
	if (long_lived(c, "GetSessionToken") || mfa_check(c, in->SerialNumber, in->TokenCode, &mfa))
		return CALL_FAILED;
	if (c->who.root && duration_s > 3600)
		duration_s = 3600;
	if (mfa) {
		s.Mfa = OPT_BOOL(true);
		s.MfaAt = OPT_TIME(c->now_ms);
	}
	out->Credentials = sts_session_start(c, &s, duration_s);
	return CALL_OK;
}

int
sts_get_federation_token(struct call *c, const struct sts_get_federation_token_in *in,
	struct sts_get_federation_token_out *out)
{
	static const struct list_str none = { 0 };
	struct sts_session_row s = { .Kind = OPT_I64(CREDENTIAL_FEDERATED),
		.Account = c->account,
		.Name = in->Name,
		.UserArn = c->who.arn,
		.UserName = c->who.name };
	int64_t duration_s = in->DurationSeconds.set ? in->DurationSeconds.v : 43200;
	if (long_lived(c, "GetFederationToken"))
		return CALL_FAILED;
	if (c->who.root && duration_s > 3600)
		duration_s = 3600;
	s.Arn = arena_printf(c->arena, "arn:aws:sts::%.*s:federated-user/%.*s", STR_FMT(c->account),
		STR_FMT(in->Name));
	s.UserId = arena_printf(c->arena, "%.*s:%.*s", STR_FMT(c->account), STR_FMT(in->Name));
	if (sts_tags_take(c, &in->Tags, &none, &s) ||
		sts_policies_take(c, in->Policy, &in->PolicyArns, &s, &out->PackedPolicySize))
		return CALL_FAILED;
	/* Without a policy only what resources give by name is left. */
	s.HasPolicies = OPT_BOOL(true);
	out->Credentials = sts_session_start(c, &s, duration_s);
	out->FederatedUser = arena_new(c->arena, struct sts_federated_user);
	out->FederatedUser->Arn = s.Arn;
	out->FederatedUser->FederatedUserId = s.UserId;
	return CALL_OK;
}
