/* Sessions of roles that services assume for what runs on their behalf. */
#include "aws/errors.h"
#include "svc/sts/assume.h"

static bool
trusts(struct call *c, const struct sts_assume *a, struct str service)
{
	struct policy *trust = NULL;
	struct policy_result r;
	if (policy_parse(a->role->Trust, POLICY_TRUST, &trust, NULL))
		return false;
	struct policy_context ctx = { .principal = { .kind = POLICY_SERVICE,
					      .name = service,
					      .account = STR(""),
					      .arn = STR(""),
					      .user_id = STR("") },
		.action = STR("sts:AssumeRole"),
		.resource = a->role_arn,
		.resource_account = a->account,
		.lookup = sts_assume_key,
		.lookup_arg = (void *)(uintptr_t)a,
		.now_ms = c->now_ms,
		.resource_policy = trust,
		.resource_required = true };
	policy_evaluate(&ctx, &r);
	policy_unref(trust);
	return r.decision == POLICY_ALLOWED;
}

struct sts_credentials *
sts_service_session(struct call *c, struct str role_arn, struct str service,
	struct str session_name, int64_t duration_s)
{
	static const struct list_str none = { 0 };
	static const struct sts_tag_list no_tags = { 0 };
	struct iam_entity_row role;
	struct sts_session_row s = { 0 };
	struct arn arn;
	bool known = sts_role_find(c, role_arn, &role, &arn) && str_eq(arn.account, c->account);
	struct sts_assume a = { .c = c,
		.role = &role,
		.role_arn = role_arn,
		.account = c->account,
		.session_name = session_name,
		.tags = &no_tags,
		.transitive = &none };
	if (!known || !trusts(c, &a, service)) {
		call_fail(c, &ERR_AccessDenied, "%.*s cannot assume the role %.*s: %s",
			STR_FMT(service), STR_FMT(role_arn),
			known ? "its trust policy does not name it" : "it does not exist");
		return NULL;
	}
	sts_role_session(c, &a, &s);
	return sts_session_start(c, &s, duration_s);
}
