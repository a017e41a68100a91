#include "aws/authorize.h"
#include "aws/credentials.h"
#include "aws/errors.h"
#include "base/clock.h"

#include <stdio.h>

#define COMMON_KEYS_MAX 24

static const struct authorize_provider *provider;

void
authorize_provider_set(const struct authorize_provider *p)
{
	provider = p;
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
	return str_find_str(who->arn, STR(":federated-user/")) >= 0 ? STR("FederatedUser") : STR("User");
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
}

static void
fill_principal(const struct principal *who, struct policy_principal *p)
{
	const struct session *s = who->session;
	p->account = who->account;
	p->arn = who->arn;
	p->user_id = who->user_id;
	p->name = who->name;
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

void
authorize_evaluate(struct call *c, const struct authorize_question *q, struct policy_result *ret_result)
{
	struct key_list l = { .n = 0 };
	const struct session *s = c->who.session;
	struct authorize_identity identity = { 0 };
	common_keys(c, &l);
	for (unsigned i = 0; i < q->keys_n && l.n < COMMON_KEYS_MAX + 32; i++)
		l.v[l.n++] = q->keys[i];
	struct policy_context ctx = { .action = str_c(q->action), .resource = q->resource,
		.resource_account = q->resource_account, .keys = l.v, .keys_n = l.n, .lookup = q->lookup,
		.lookup_arg = q->lookup_arg, .now_ms = c->now_ms, .resource_policy = q->resource_policy,
		.resource_grant = q->resource_grant };
	fill_principal(&c->who, &ctx.principal);
	if (provider && !c->who.anonymous && !c->who.root)
		provider->identity(c, &c->who, &identity);
	ctx.identity = identity.policies;
	ctx.identity_n = identity.policies_n;
	ctx.boundary = identity.boundary;
	if (s && s->has_policies) {
		ctx.session = s->policies;
		ctx.session_n = s->policies_n;
		ctx.has_session = true;
	}
	policy_evaluate(&ctx, ret_result);
}

int
authorize_denied(struct call *c, const struct authorize_question *q, const struct policy_result *r)
{
	if (c->who.anonymous)
		return call_fail(c, &ERR_AccessDenied, NULL);
	struct str why = policy_reason(r, str_c(q->action), c->arena);
	return call_fail(c, &ERR_AccessDenied,
		"User: %.*s is not authorized to perform: %s on resource: \"%.*s\" %.*s", STR_FMT(c->who.arn),
		q->action, STR_FMT(q->resource), STR_FMT(why));
}

/* The text of the input member of that name; "" when absent or not text. */
static struct str
member_text(const struct shape *s, const void *in, struct str name)
{
	for (unsigned i = 0; s && i < s->fields_n; i++)
		if (str_eq(str_c(s->fields[i].name), name) && s->fields[i].shape->kind == SHAPE_STR) {
			struct str v = *(const struct str *)((const char *)in + s->fields[i].offset);
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
		.resource = expand_resource(c, c->op->resource, in), .resource_account = c->account };
	return ask(c, &q);
}

int
call_authorize(struct call *c, const char *action, struct str resource_arn, struct str resource_policy)
{
	struct authorize_question q = { .action = action, .resource = resource_arn, .resource_account = c->account };
	struct policy *p = NULL;
	/* A stored policy was valid when it was put; one that no longer parses must not open anything. */
	if (resource_policy.len && policy_parse(resource_policy, POLICY_RESOURCE, &p, NULL))
		return call_fail(c, &ERR_InternalFailure, "The resource policy is damaged.");
	q.resource_policy = p;
	int r = ask(c, &q);
	policy_unref(p);
	return r;
}
