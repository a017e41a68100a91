/* Simulations ask the same evaluator that decides about real calls. */
#include "aws/policy.h"
#include "aws/errors.h"
#include "base/json.h"
#include "svc/iam/iam.h"
#include "svc/iam/position.h"

#define MATCHED_MAX 100
#define INPUTS_MAX 64
#define RESULTS_MAX 5000

struct input {
	struct policy *policy;
	struct str text, id;
	const char *type;
};

struct simulation {
	struct call *c;
	struct input inputs[INPUTS_MAX];
	unsigned n;
	struct policy *boundary[8], *resource;
	struct str boundary_text[8];
	unsigned boundary_n;
	bool broken;
	struct policy_principal who;
	struct str resource_owner, resource_text;
	const struct iam_context_entry_list *context;
	struct list_str missing;
};

static void
simulation_done(struct simulation *s)
{
	for (unsigned i = 0; i < s->n; i++)
		policy_unref(s->inputs[i].policy);
	for (unsigned i = 0; i < s->boundary_n; i++)
		policy_unref(s->boundary[i]);
	policy_unref(s->resource);
}

static int
invalid(struct call *c, const char *why)
{
	return call_fail(c, &IAM_InvalidInput, "Invalid Policy: %s", why);
}

static int
input_add(struct simulation *s, struct str text, struct str id, const char *type)
{
	char why[POLICY_MESSAGE_MAX];
	if (s->n == INPUTS_MAX)
		return call_fail(s->c, &IAM_InvalidInput, "Too many policies.");
	struct input *i = &s->inputs[s->n];
	if (policy_parse(text, POLICY_INLINE, &i->policy, why))
		return invalid(s->c, why);
	i->text = text;
	i->id = id;
	i->type = type;
	s->n++;
	return CALL_OK;
}

static int
inputs_take(struct simulation *s, const struct list_str *policies,
	const struct list_str *boundaries, struct str resource)
{
	char why[POLICY_MESSAGE_MAX];
	for (uint32_t i = 0; i < policies->n; i++)
		if (input_add(s, policies->v[i],
			    arena_printf(s->c->arena, "PolicyInputList.%u", i + 1), "IAM Policy"))
			return CALL_FAILED;
	if (boundaries->n > 1)
		return call_fail(
			s->c, &IAM_InvalidInput, "Only one permissions boundary can be given.");
	if (boundaries->n) {
		policy_unref(s->boundary_n ? s->boundary[0] : NULL);
		s->boundary_n = 0;
		if (policy_parse(boundaries->v[0], POLICY_INLINE, &s->boundary[0], why))
			return invalid(s->c, why);
		s->boundary_text[0] = boundaries->v[0];
		s->boundary_n = 1;
	}
	if (resource.p && policy_parse(resource, POLICY_RESOURCE, &s->resource, why))
		return invalid(s->c, why);
	s->resource_text = resource;
	return CALL_OK;
}

static bool
context_key(void *arg, struct str name, struct policy_key *ret)
{
	struct simulation *s = arg;
	for (uint32_t i = 0; i < s->context->n; i++) {
		const struct iam_context_entry *e = &s->context->v[i];
		if (str_eq_nocase(e->ContextKeyName, name)) {
			*ret = (struct policy_key){ name, e->ContextKeyValues.v,
				e->ContextKeyValues.n };
			return true;
		}
	}
	return false;
}

/* The evaluator makes these itself. */
static bool
made_by_itself(struct str key)
{
	static const char *const names[] = { "aws:CurrentTime", "aws:EpochTime", "aws:username",
		"aws:userid", "aws:PrincipalArn", "aws:PrincipalAccount", "aws:PrincipalType",
		"aws:ResourceAccount" };
	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (str_eq_nocase(key, str_c(names[i])))
			return true;
	return false;
}

/* What a policy is called in the reply, and its text. */
struct source {
	struct str id, type, text;
};

static struct source
source_of(const struct simulation *s, const struct policy *p)
{
	if (s->boundary_n && s->boundary[0] == p)
		return (struct source){ STR("PermissionsBoundaryPolicyInputList.1"),
			STR("IAM Permissions Boundary Policy"), s->boundary_text[0] };
	if (s->resource == p)
		return (struct source){ STR("ResourcePolicy"), STR("Resource Policy"),
			s->resource_text };
	for (unsigned i = 0; i < s->n; i++)
		if (s->inputs[i].policy == p)
			return (struct source){ s->inputs[i].id, str_c(s->inputs[i].type),
				s->inputs[i].text };
	return (struct source){ STR_NULL, STR_NULL, STR_NULL };
}

static void
matched_add(struct simulation *s, const struct policy *p, unsigned statement,
	struct iam_statement_list *to)
{
	struct source from = source_of(s, p);
	struct policy_span span;
	if (to->n == MATCHED_MAX || !from.text.p || !policy_span_find(from.text, statement, &span))
		return;
	struct iam_statement *m = &to->v[to->n++];
	*m = (struct iam_statement){ .SourcePolicyId = from.id, .SourcePolicyType = from.type };
	m->StartPosition = arena_new(s->c->arena, struct iam_position);
	m->EndPosition = arena_new(s->c->arena, struct iam_position);
	*m->StartPosition =
		(struct iam_position){ OPT_I64(span.from_line), OPT_I64(span.from_column) };
	*m->EndPosition = (struct iam_position){ OPT_I64(span.to_line), OPT_I64(span.to_column) };
}

static void
allowing_add(struct simulation *s, const struct policy_context *ctx, const struct policy *p,
	struct iam_statement_list *to)
{
	for (unsigned i = 0; p && i < policy_statements_n(p); i++)
		if (policy_statement_allows(ctx, p, i))
			matched_add(s, p, i, to);
}

/* A denial is the only entry; of what allows, everything is told. */
static void
matched(struct simulation *s, const struct policy_context *ctx, const struct policy_result *r,
	struct iam_statement_list *to)
{
	IAM_LIST_NEW(s->c, *to, MATCHED_MAX);
	if (r->decision == POLICY_DENIED_EXPLICIT && r->policy)
		matched_add(s, r->policy, r->statement, to);
	if (r->decision != POLICY_ALLOWED)
		return;
	for (unsigned i = 0; i < ctx->identity_n; i++)
		allowing_add(s, ctx, ctx->identity[i], to);
	allowing_add(s, ctx, ctx->resource_policy, to);
}

static void
simulate_one(struct simulation *s, struct str action, struct str resource,
	struct iam_evaluation_result *out)
{
	struct policy *v[INPUTS_MAX];
	struct policy_result r;
	for (unsigned i = 0; i < s->n; i++)
		v[i] = s->inputs[i].policy;
	struct policy_context ctx = { .principal = s->who,
		.action = action,
		.resource = resource,
		.resource_account = s->resource_owner,
		.lookup = context_key,
		.lookup_arg = s,
		.now_ms = s->c->now_ms,
		.identity = v,
		.identity_n = s->broken ? 0 : s->n,
		.resource_policy = s->resource,
		.boundary = s->boundary_n ? s->boundary[0] : NULL };
	policy_evaluate(&ctx, &r);
	out->EvalActionName = action;
	out->EvalResourceName = resource;
	out->EvalDecision = r.decision == POLICY_ALLOWED           ? STR("allowed")
			    : r.decision == POLICY_DENIED_EXPLICIT ? STR("explicitDeny")
								   : STR("implicitDeny");
	matched(s, &ctx, &r, &out->MatchedStatements);
	IAM_LIST_NEW(s->c, out->MissingContextValues, s->missing.n);
	for (uint32_t i = 0; i < s->missing.n; i++)
		out->MissingContextValues.v[out->MissingContextValues.n++] = s->missing.v[i];
	if (s->boundary_n) {
		out->PermissionsBoundaryDecisionDetail =
			arena_new(s->c->arena, struct iam_permissions_boundary_decision_detail);
		out->PermissionsBoundaryDecisionDetail->AllowedByPermissionsBoundary =
			OPT_BOOL(r.source != POLICY_FROM_BOUNDARY);
	}
}

/* Keys that policies name and the request does not bring. */
static void
missing_find(struct simulation *s)
{
	struct list_str keys = { 0 };
	struct policy_key k;
	for (unsigned i = 0; i < s->n; i++)
		policy_keys_collect(s->c->arena, s->inputs[i].text, &keys);
	for (uint32_t i = 0; i < keys.n; i++)
		if (!context_key(s, keys.v[i], &k) && !made_by_itself(keys.v[i]))
			iam_list_add(s->c->arena, &s->missing, keys.v[i]);
}

static int
simulate(struct simulation *s, const struct list_str *actions, const struct list_str *resources,
	struct str marker, struct opt_i64 max, struct iam_evaluation_result_list *to,
	struct opt_bool *ret_truncated, struct str *ret_marker)
{
	uint32_t from, end, per = resources->n ? resources->n : 1;
	for (uint32_t i = 0; i < actions->n; i++)
		if (str_find(actions->v[i], ':') <= 0)
			return call_fail(s->c, &IAM_InvalidInput, "Invalid Action: %.*s",
				STR_FMT(actions->v[i]));
	if ((uint64_t)actions->n * per > RESULTS_MAX)
		return call_fail(s->c, &IAM_InvalidInput, "Too many actions and resources.");
	if (iam_slice(s->c, actions->n * per, marker, max, &from, &end, ret_truncated, ret_marker))
		return CALL_FAILED;
	missing_find(s);
	IAM_LIST_NEW(s->c, *to, end - from);
	for (uint32_t i = from; i < end; i++)
		simulate_one(s, actions->v[i / per],
			resources->n ? resources->v[i % per] : STR("*"), &to->v[to->n++]);
	return CALL_OK;
}

/* "arn:aws:iam::123456789012:user/path/name" → who asks. */
static int
caller_take(struct simulation *s, struct str text)
{
	struct arn arn;
	if (!arn_parse(text, &arn) || !account_id_valid(arn.account))
		return call_fail(s->c, &IAM_InvalidInput, "Invalid ARN: %.*s", STR_FMT(text));
	long slash = str_rfind(arn.resource, '/');
	s->who = (struct policy_principal){ .account = arn.account,
		.arn = text,
		.name = str_slice(arn.resource, (size_t)(slash + 1), arn.resource.len),
		.user_id = STR(""),
		.kind = str_starts(arn.resource, STR("role/")) ? POLICY_ROLE : POLICY_USER };
	if (s->who.kind == POLICY_ROLE)
		s->who.role_arn = text;
	return CALL_OK;
}

static int
owner_take(struct simulation *s, struct str owner)
{
	struct arn arn;
	if (!owner.p)
		return CALL_OK;
	s->resource_owner = arn_parse(owner, &arn) ? arn.account : owner;
	return account_id_valid(s->resource_owner)
		       ? CALL_OK
		       : call_fail(s->c, &IAM_InvalidInput, "Invalid resource owner.");
}

int
iam_simulate_custom_policy(struct call *c, const struct iam_simulate_custom_policy_in *in,
	struct iam_simulate_custom_policy_out *out)
{
	struct simulation s = { .c = c, .context = &in->ContextEntries };
	struct str caller = in->CallerArn;
	if (!caller.p)
		caller = arena_printf(
			c->arena, "arn:aws:iam::%.*s:user/simulated", STR_FMT(c->account));
	int r = caller_take(&s, caller) || owner_take(&s, in->ResourceOwner) ||
				inputs_take(&s, &in->PolicyInputList,
					&in->PermissionsBoundaryPolicyInputList, in->ResourcePolicy)
			? CALL_FAILED
			: simulate(&s, &in->ActionNames, &in->ResourceArns, in->Marker,
				  in->MaxItems, &out->EvaluationResults, &out->IsTruncated,
				  &out->Marker);
	simulation_done(&s);
	return r;
}

/* Which entity an ARN names. */
static int
source_find(struct call *c, struct str text, enum iam_kind *ret_kind, struct iam_entity_row *ret)
{
	struct arn arn;
	if (!arn_parse(text, &arn) || !str_is(arn.service, "iam") ||
		!str_eq(arn.account, c->account))
		return call_fail(c, &IAM_InvalidInput, "Invalid Entity Arn: %.*s", STR_FMT(text));
	*ret_kind = str_starts(arn.resource, STR("user/"))   ? IAM_USER
		    : str_starts(arn.resource, STR("role/")) ? IAM_ROLE
							     : IAM_GROUP;
	long slash = str_rfind(arn.resource, '/');
	return iam_open(
		c, *ret_kind, str_slice(arn.resource, (size_t)(slash + 1), arn.resource.len), ret);
}

static int
principal_take(struct simulation *s, struct str arn)
{
	struct call *c = s->c;
	struct iam_documents d;
	struct iam_entity_row e;
	enum iam_kind kind;
	if (source_find(c, arn, &kind, &e) || caller_take(s, arn))
		return CALL_FAILED;
	s->who.user_id = e.Id;
	s->who.name = e.Name;
	iam_documents_get(c->tx, c->arena, c->account, kind, e.Name, &d);
	s->broken = d.broken;
	for (uint32_t i = 0; i < d.n; i++)
		if (input_add(s, d.v[i].text, d.v[i].id, d.v[i].type))
			return CALL_FAILED;
	if (d.boundary.len && policy_parse(d.boundary, POLICY_INLINE, &s->boundary[0], NULL) == 0) {
		s->boundary_text[0] = d.boundary;
		s->boundary_n = 1;
	}
	return CALL_OK;
}

int
iam_simulate_principal_policy(struct call *c, const struct iam_simulate_principal_policy_in *in,
	struct iam_simulate_principal_policy_out *out)
{
	struct simulation s = { .c = c, .context = &in->ContextEntries };
	int r = principal_take(&s, in->PolicySourceArn) ||
				(in->CallerArn.p && caller_take(&s, in->CallerArn)) ||
				owner_take(&s, in->ResourceOwner) ||
				inputs_take(&s, &in->PolicyInputList,
					&in->PermissionsBoundaryPolicyInputList, in->ResourcePolicy)
			? CALL_FAILED
			: simulate(&s, &in->ActionNames, &in->ResourceArns, in->Marker,
				  in->MaxItems, &out->EvaluationResults, &out->IsTruncated,
				  &out->Marker);
	simulation_done(&s);
	return r;
}

int
iam_get_context_keys_for_custom_policy(struct call *c,
	const struct iam_get_context_keys_for_custom_policy_in *in,
	struct iam_get_context_keys_for_custom_policy_out *out)
{
	out->ContextKeyNames.set = true;
	for (uint32_t i = 0; i < in->PolicyInputList.n; i++)
		policy_keys_collect(c->arena, in->PolicyInputList.v[i], &out->ContextKeyNames);
	return CALL_OK;
}

int
iam_get_context_keys_for_principal_policy(struct call *c,
	const struct iam_get_context_keys_for_principal_policy_in *in,
	struct iam_get_context_keys_for_principal_policy_out *out)
{
	struct iam_entity_row e;
	struct iam_documents d;
	enum iam_kind kind;
	if (source_find(c, in->PolicySourceArn, &kind, &e))
		return CALL_FAILED;
	out->ContextKeyNames.set = true;
	iam_documents_get(c->tx, c->arena, c->account, kind, e.Name, &d);
	for (uint32_t i = 0; i < d.n; i++)
		policy_keys_collect(c->arena, d.v[i].text, &out->ContextKeyNames);
	for (uint32_t i = 0; i < in->PolicyInputList.n; i++)
		policy_keys_collect(c->arena, in->PolicyInputList.v[i], &out->ContextKeyNames);
	return CALL_OK;
}
