#include "aws/authorize.h"
#include "aws/credentials.h"
#include "aws/errors.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/text.h"

#include <stdio.h>

#define COMMON_KEYS_MAX 24

static const struct authorize_provider *provider;
static authorize_sealer *sealer;

void
authorize_provider_set(const struct authorize_provider *p)
{
	provider = p;
}

void
authorize_sealer_set(authorize_sealer *f)
{
	sealer = f;
}

struct key_list {
	struct policy_key v[COMMON_KEYS_MAX + 32];
	struct str values[COMMON_KEYS_MAX];
	unsigned n;
};

static void
key_list_add(struct key_list *l, const char *name, struct str value)
{
	if (!value.p || l->n >= COMMON_KEYS_MAX)
		return;
	l->values[l->n] = value;
	l->v[l->n] = (struct policy_key){ str_c(name), &l->values[l->n], 1 };
	l->n++;
}

static struct str
principal_type(const struct principal *who)
{
	const struct session *s = who->session;
	if (who->anonymous)
		return STR("Anonymous");
	if (who->root)
		return STR("Account");
	if (s && s->role_arn.len)
		return STR("AssumedRole");
	return str_find_str(who->arn, STR(":federated-user/")) >= 0 ? STR("FederatedUser")
								    : STR("User");
}

/* Of temporary credentials; long-lived keys have none of these. */
static void
session_keys(struct call *c, const struct session *s, struct key_list *l)
{
	key_list_add(l, "aws:MultiFactorAuthPresent", s->mfa ? STR("true") : STR("false"));
	if (s->mfa)
		key_list_add(l, "aws:MultiFactorAuthAge",
			arena_printf(
				c->arena, "%lld", (long long)((c->now_ms - s->mfa_ms) / 1000)));
	key_list_add(l, "aws:TokenIssueTime", time_text(c->arena, s->issued_ms, TIME_ISO8601));
	if (s->source_identity.len)
		key_list_add(l, "aws:SourceIdentity", s->source_identity);
	if (s->provider.len)
		key_list_add(l, "aws:FederatedProvider", s->provider);
}

static void
common_keys(struct call *c, struct key_list *l)
{
	const struct principal *who = &c->who;
	/* aws:CurrentTime and aws:EpochTime are made by the evaluator when a policy asks. */
	key_list_add(l, "aws:SourceIp", c->source_ip);
	key_list_add(l, "aws:SecureTransport", c->tls ? STR("true") : STR("false"));
	key_list_add(l, "aws:UserAgent", c->user_agent);
	key_list_add(l, "aws:Referer", call_request_header(c, STR("referer")));
	key_list_add(l, "aws:RequestedRegion", c->region);
	key_list_add(l, "aws:PrincipalType", principal_type(who));
	if (who->anonymous)
		return;
	key_list_add(l, "aws:PrincipalAccount", who->account);
	/* aws:PrincipalArn is the evaluator's: of a role session it is the role's. */
	key_list_add(l, "aws:userid", who->user_id);
	if (str_is(principal_type(who), "User"))
		key_list_add(l, "aws:username", who->name);
	if (who->session)
		session_keys(c, who->session, l);
}

/* The account as S3 writes it in ACLs and policies. */
static struct str
canonical_id(struct call *c, struct str account)
{
	unsigned char sum[32];
	sha256(arena_concat(c->arena, STR("canonical-user:"), account), sum);
	return hex_text(c->arena, str_of(sum, sizeof(sum)));
}

static void
fill_principal(
	struct call *c, const struct principal *who, bool canonical, struct policy_principal *p)
{
	const struct session *s = who->session;
	p->account = who->account;
	p->arn = who->arn;
	p->user_id = who->user_id;
	p->name = who->name;
	if (s && s->user_arn.p)
		p->user_arn = s->user_arn;
	if (canonical && who->account.len)
		p->canonical_id = canonical_id(c, who->account);
	if (who->anonymous)
		p->kind = POLICY_ANONYMOUS;
	else if (who->root)
		p->kind = POLICY_ROOT;
	else if (s && s->role_arn.len)
		p->kind = POLICY_ROLE, p->role_arn = s->role_arn;
	else if (str_find_str(who->arn, STR(":federated-user/")) >= 0)
		p->kind = POLICY_FEDERATED;
	else
		p->kind = POLICY_USER;
}

/* What is asked for only when a condition or a variable names it. */
struct late_keys {
	struct call *c;
	const struct authorize_question *q;
};

static bool
starts_nocase(struct str s, struct str prefix)
{
	return s.len > prefix.len && str_eq_nocase(str_slice(s, 0, prefix.len), prefix);
}

static bool
principal_tag(struct late_keys *k, struct str tag, struct policy_key *ret_key)
{
	const struct session *s = k->c->who.session;
	struct str *value = arena_new(k->c->arena, struct str);
	bool found = false;
	for (unsigned i = 0; s && i < s->tags_n && !found; i++)
		if (str_eq_nocase(s->tags[i].key, tag)) {
			*value = s->tags[i].value;
			found = true;
		}
	if (!found && provider && provider->tag && !k->c->who.anonymous)
		found = provider->tag(k->c, &k->c->who, tag, value);
	if (found) {
		ret_key->values = value;
		ret_key->values_n = 1;
	}
	return found;
}

static bool
late_key(void *arg, struct str name, struct policy_key *ret_key)
{
	struct late_keys *k = arg;
	ret_key->name = name;
	if (starts_nocase(name, STR("aws:PrincipalTag/")))
		return principal_tag(k, str_slice(name, 17, name.len), ret_key);
	return k->q->lookup && k->q->lookup(k->q->lookup_arg, name, ret_key);
}

static void
evaluate(struct call *c, const struct authorize_question *q, struct authorize_identity *identity,
	struct policy_result *ret_result)
{
	struct key_list l = { .n = 0 };
	struct late_keys late = { c, q };
	const struct session *s = c->who.session;
	common_keys(c, &l);
	for (unsigned i = 0; i < q->keys_n && l.n < COMMON_KEYS_MAX + 32; i++)
		l.v[l.n++] = q->keys[i];
	struct policy_context ctx = { .action = str_c(q->action),
		.resource = q->resource,
		.resource_account = q->resource_account,
		.keys = l.v,
		.keys_n = l.n,
		.lookup = late_key,
		.lookup_arg = &late,
		.now_ms = c->now_ms,
		.resource_policy = q->resource_policy,
		.resource_grant = q->resource_grant,
		.resource_grant_everyone = q->resource_grant_everyone,
		.resource_required = q->resource_required };
	fill_principal(c, &c->who, q->resource_policy != NULL, &ctx.principal);
	if (provider && !c->who.anonymous && !c->who.root)
		provider->identity(c, &c->who, identity);
	ctx.identity = identity->policies;
	ctx.identity_n = identity->policies_n;
	ctx.boundary = identity->boundary;
	if (s && s->has_policies) {
		ctx.session = s->policies_n ? s->policies : identity->session;
		ctx.session_n = s->policies_n ? s->policies_n : identity->session_n;
		ctx.has_session = true;
	}
	policy_evaluate(&ctx, ret_result);
}

static const char *const source_names[] = {
	[POLICY_FROM_NONE] = "none",
	[POLICY_FROM_IDENTITY] = "identity",
	[POLICY_FROM_RESOURCE] = "resource",
	[POLICY_FROM_BOUNDARY] = "boundary",
	[POLICY_FROM_SESSION] = "session",
	[POLICY_FROM_SCP] = "scp",
	[POLICY_FROM_ROOT] = "root",
	[POLICY_FROM_GRANT] = "acl",
};

static struct str
policy_name(const struct authorize_question *q, const struct authorize_identity *identity,
	const struct policy *p)
{
	if (!p)
		return STR("");
	if (p == q->resource_policy)
		return q->resource;
	if (p == identity->boundary)
		return identity->boundary_name;
	for (unsigned i = 0; identity->names && i < identity->policies_n; i++)
		if (identity->policies[i] == p)
			return identity->names[i];
	return STR("");
}

/* Noted while the identity is at hand; copied, because the names are the thread's. */
static void
decision_note(struct call *c, const struct authorize_question *q,
	const struct authorize_identity *identity, const struct policy_result *r)
{
	struct call_decision *d = arena_new(c->arena, struct call_decision);
	d->action = arena_cstr(c->arena, str_c(q->action));
	d->resource = arena_dup(c->arena, q->resource);
	d->decision = r->decision == POLICY_DENIED_EXPLICIT ? "explicitDeny" : "implicitDeny";
	d->source = source_names[r->source];
	d->policy = arena_dup(c->arena, policy_name(q, identity, r->policy));
	d->sid = arena_dup(c->arena, r->sid.p ? r->sid : STR(""));
	d->statement = r->policy ? (int)r->statement : -1;
	c->decision = d;
}

void
authorize_evaluate(
	struct call *c, const struct authorize_question *q, struct policy_result *ret_result)
{
	struct authorize_identity identity = { 0 };
	evaluate(c, q, &identity, ret_result);
	if (ret_result->decision == POLICY_ALLOWED)
		c->decision = NULL;
	else
		decision_note(c, q, &identity, ret_result);
}

/* EC2 keeps the reason from the caller's eyes too, sealed for who may ask STS to open it. */
static int
denied_sealed(struct call *c, struct str sentence)
{
	struct str text = sealer && c->decision ? sealer(c, c->decision) : STR_NULL;
	return call_fail(c, &ERR_AccessDenied,
		"You are not authorized to perform this operation. %.*s%s%.*s", STR_FMT(sentence),
		text.p ? ". Encoded authorization failure message: " : "", STR_FMT(text));
}

int
authorize_denied(struct call *c, const struct authorize_question *q, const struct policy_result *r)
{
	if (c->who.anonymous)
		return call_fail(c, &ERR_AccessDenied, NULL);
	struct str why = policy_reason(r, str_c(q->action), c->arena);
	/* S3 alone puts the ARN in quotation marks. */
	const char *mark = c->service && strcmp(c->service->name, "s3") == 0 ? "\"" : "";
	struct str sentence = arena_printf(c->arena,
		"User: %.*s is not authorized to perform: %s on resource: %s%.*s%s %.*s",
		STR_FMT(c->who.arn), q->action, mark, STR_FMT(q->resource), mark, STR_FMT(why));
	if (c->protocol == PROTO_EC2)
		return denied_sealed(c, sentence);
	return call_fail(c, &ERR_AccessDenied, "%.*s", STR_FMT(sentence));
}

/* The text of the input member of that name; "" when absent or not text. */
static struct str
member_text(const struct shape *s, const void *in, struct str name)
{
	for (unsigned i = 0; s && i < s->fields_n; i++)
		if (str_eq(str_c(s->fields[i].name), name) &&
			s->fields[i].shape->kind == SHAPE_STR) {
			struct str v =
				*(const struct str *)((const char *)in + s->fields[i].offset);
			return v.p ? v : STR("");
		}
	return STR("");
}

static struct str
expand_resource(struct call *c, const char *template, const void *in)
{
	struct str rest = str_c(template ? template : "*"), out = STR("");
	while (rest.p) {
		out = arena_concat(c->arena, out, str_cut(&rest, '{'));
		if (!rest.p)
			break;
		struct str name = str_cut(&rest, '}');
		struct str value = str_is(name, "Region")  ? c->region :
				   str_is(name, "Account") ? c->account :
							     member_text(c->op->in, in, name);
		out = arena_concat(c->arena, out, value);
	}
	return out;
}

static int
ask(struct call *c, const struct authorize_question *q)
{
	struct policy_result r;
	authorize_evaluate(c, q, &r);
	return r.decision == POLICY_ALLOWED ? CALL_OK : authorize_denied(c, q, &r);
}

int
authorize_op(struct call *c, const void *in)
{
	if (!c->op->action)
		return CALL_OK;
	struct authorize_question q = { .action = c->op->action,
		.resource = expand_resource(c, c->op->resource, in),
		.resource_account = c->account };
	if (c->service->hooks && c->service->hooks->permission &&
		c->service->hooks->permission(c, in, &q))
		return CALL_FAILED;
	return ask(c, &q);
}

int
call_authorize(
	struct call *c, const char *action, struct str resource_arn, struct str resource_policy)
{
	struct authorize_question q = {
		.action = action, .resource = resource_arn, .resource_account = c->account
	};
	struct policy *p = NULL;
	/* A stored policy was valid when it was put; one that no longer parses must not open
	 * anything. */
	if (resource_policy.len && policy_parse(resource_policy, POLICY_RESOURCE, &p, NULL))
		return call_fail(c, &ERR_InternalFailure, "The resource policy is damaged.");
	q.resource_policy = p;
	int r = ask(c, &q);
	policy_unref(p);
	return r;
}
