#include "aws/policy_internal.h"

/*
 * One policy: the first denial ends it; of the allowances the strongest counts.
 */
struct verdict {
	enum grade grade;
	unsigned statement;
	bool denies;
};

static void
judge(struct eval *e, const struct policy *p, struct verdict *ret)
{
	*ret = (struct verdict){ GRADE_NONE, 0, false };
	for (unsigned i = 0; i < p->statements_n; i++) {
		const struct statement *s = &p->statements[i];
		enum grade g;
		/* Nothing that could still be learned from an allowance that is not stronger. */
		if (s->allow && ret->grade == GRADE_DIRECT)
			continue;
		if (!statement_applies(e, s, &g))
			continue;
		if (!s->allow) {
			*ret = (struct verdict){ GRADE_NONE, i, true };
			return;
		}
		if (g > ret->grade) {
			ret->grade = g;
			ret->statement = i;
		}
	}
}

static void
decide(struct policy_result *r, enum policy_decision d, enum policy_source from,
	const struct policy *p, unsigned statement)
{
	*r = (struct policy_result){ d, from, p, statement, STR("") };
	if (p)
		r->sid = p->statements[statement].sid;
}

/* What the lists of one kind say together. */
struct side {
	bool allows;
	const struct policy *policy;
	unsigned statement;
};

/* false: one denies, and *r says so. each: all of them must allow, not just one. */
static bool
judge_list(struct eval *e, struct policy *const *v, unsigned n, bool each, enum policy_source from,
	struct side *side, struct policy_result *r)
{
	struct verdict one;
	unsigned allowing = 0;
	*side = (struct side){ false, NULL, 0 };
	for (unsigned i = 0; i < n; i++) {
		judge(e, v[i], &one);
		if (one.denies) {
			decide(r, POLICY_DENIED_EXPLICIT, from, v[i], one.statement);
			return false;
		}
		if (one.grade == GRADE_NONE)
			continue;
		allowing++;
		side->policy = v[i];
		side->statement = one.statement;
	}
	side->allows = each ? allowing == n : allowing > 0;
	return true;
}

static bool
has_identity(const struct policy_principal *p)
{
	return p->kind != POLICY_ANONYMOUS && p->kind != POLICY_SERVICE && p->kind != POLICY_WEB;
}

struct sides {
	struct side scps, identity, boundary, session;
	struct verdict resource;
	enum grade grade; /* of the resource's policy and its other grants together */
};

/* Every policy is looked at, for an explicit denial anywhere ends the matter. */
static bool
judge_all(struct eval *e, struct sides *s, struct policy_result *r)
{
	const struct policy_context *c = e->ctx;
	struct policy *boundary = (struct policy *)(uintptr_t)c->boundary;

	s->resource = (struct verdict){ GRADE_NONE, 0, false };
	if (c->resource_policy) {
		judge(e, c->resource_policy, &s->resource);
		if (s->resource.denies) {
			decide(r, POLICY_DENIED_EXPLICIT, POLICY_FROM_RESOURCE, c->resource_policy,
				s->resource.statement);
			return false;
		}
	}
	s->grade = s->resource.grade;
	if (c->resource_grant && s->grade < GRADE_ACCOUNT)
		s->grade = c->principal.kind == POLICY_ROOT ? GRADE_DIRECT : GRADE_ACCOUNT;
	if (c->resource_grant_everyone)
		s->grade = GRADE_DIRECT;
	if (!has_identity(&c->principal))
		return true;
	return judge_list(e, c->scps, c->scps_n, true, POLICY_FROM_SCP, &s->scps, r) &&
	       judge_list(e, c->identity, c->identity_n, false, POLICY_FROM_IDENTITY, &s->identity,
		       r) &&
	       judge_list(e, &boundary, c->boundary != NULL, false, POLICY_FROM_BOUNDARY,
		       &s->boundary, r) &&
	       judge_list(e, c->session, c->session_n, false, POLICY_FROM_SESSION, &s->session, r);
}

static void
allow_by_resource(const struct eval *e, const struct sides *s, struct policy_result *r)
{
	if (s->resource.grade == GRADE_NONE)
		decide(r, POLICY_ALLOWED, POLICY_FROM_GRANT, NULL, 0);
	else
		decide(r, POLICY_ALLOWED, POLICY_FROM_RESOURCE, e->ctx->resource_policy,
			s->resource.statement);
}

static void
refuse(struct policy_result *r, enum policy_source from)
{
	decide(r, POLICY_DENIED_IMPLICIT, from, NULL, 0);
}

/* What still limits a principal that its policies (or its role's grant) allow. true: nothing does.
 */
static bool
within_limits(const struct policy_context *c, const struct sides *s, struct policy_result *r)
{
	if (c->boundary && !s->boundary.allows) {
		refuse(r, POLICY_FROM_BOUNDARY);
		return false;
	}
	if ((c->has_session || c->session_n) && !s->session.allows) {
		refuse(r, POLICY_FROM_SESSION);
		return false;
	}
	return true;
}

static void
evaluate_same_account(struct eval *e, const struct sides *s, struct policy_result *r)
{
	const struct policy_context *c = e->ctx;
	bool identity = s->identity.allows;

	if (c->principal.kind == POLICY_ROOT && !c->resource_required) {
		decide(r, POLICY_ALLOWED, POLICY_FROM_ROOT, NULL, 0);
		return;
	}
	if (s->grade == GRADE_DIRECT) {
		allow_by_resource(e, s, r);
		return;
	}
	if (c->resource_required && s->grade == GRADE_NONE) {
		refuse(r, POLICY_FROM_RESOURCE);
		return;
	}
	if (!identity && s->grade != GRADE_ROLE) {
		refuse(r, POLICY_FROM_IDENTITY);
		return;
	}
	if (!within_limits(c, s, r))
		return;
	if (identity)
		decide(r, POLICY_ALLOWED, POLICY_FROM_IDENTITY, s->identity.policy,
			s->identity.statement);
	else
		allow_by_resource(e, s, r);
}

/* Both accounts must agree. */
static void
evaluate_cross_account(struct eval *e, const struct sides *s, struct policy_result *r)
{
	const struct policy_context *c = e->ctx;

	if (c->principal.kind != POLICY_ROOT && !s->identity.allows)
		refuse(r, POLICY_FROM_IDENTITY);
	else if (s->grade == GRADE_NONE)
		refuse(r, POLICY_FROM_RESOURCE);
	else if (within_limits(c, s, r))
		allow_by_resource(e, s, r);
}

static void
eval_init(struct eval *e, const struct policy_context *ctx)
{
	size_t n =
		ctx->action.len < sizeof(e->action_text) ? ctx->action.len : sizeof(e->action_text);
	for (size_t i = 0; i < n; i++) {
		char c = ctx->action.p[i];
		e->action_text[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
	}
	e->action = str_of(e->action_text, n);
	e->ctx = ctx;
}

bool
policy_statement_allows(
	const struct policy_context *ctx, const struct policy *p, unsigned statement)
{
	struct eval e;
	enum grade g;
	eval_init(&e, ctx);
	const struct statement *s = &p->statements[statement];
	return s->allow && statement_applies(&e, s, &g);
}

void
policy_evaluate(const struct policy_context *ctx, struct policy_result *ret_result)
{
	struct eval e;
	struct sides s;

	eval_init(&e, ctx);
	if (!judge_all(&e, &s, ret_result))
		return;
	if (!has_identity(&ctx->principal)) {
		if (s.grade == GRADE_NONE)
			refuse(ret_result, POLICY_FROM_RESOURCE);
		else
			allow_by_resource(&e, &s, ret_result);
		return;
	}
	if (ctx->scps_n && !s.scps.allows) {
		refuse(ret_result, POLICY_FROM_SCP);
		return;
	}
	if (ctx->resource_account.len == 0 || str_eq(ctx->resource_account, ctx->principal.account))
		evaluate_same_account(&e, &s, ret_result);
	else
		evaluate_cross_account(&e, &s, ret_result);
}

struct str
policy_reason(const struct policy_result *r, struct str action, struct arena *a)
{
	static const char *const names[][2] = {
		[POLICY_FROM_NONE] = { "identity-based policy", "an identity-based policy" },
		[POLICY_FROM_IDENTITY] = { "identity-based policy", "an identity-based policy" },
		[POLICY_FROM_RESOURCE] = { "resource-based policy", "a resource-based policy" },
		[POLICY_FROM_BOUNDARY] = { "permissions boundary", "a permissions boundary" },
		[POLICY_FROM_SESSION] = { "session policy", "a session policy" },
		[POLICY_FROM_SCP] = { "service control policy", "a service control policy" },
		[POLICY_FROM_ROOT] = { "identity-based policy", "an identity-based policy" },
		[POLICY_FROM_GRANT] = { "resource-based policy", "a resource-based policy" },
	};
	if (r->decision == POLICY_DENIED_EXPLICIT)
		return arena_printf(a, "with an explicit deny in %s", names[r->source][1]);
	return arena_printf(
		a, "because no %s allows the %.*s action", names[r->source][0], STR_FMT(action));
}
