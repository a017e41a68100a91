/* Services that use a key without anybody who called: they have no policies, so the key's
 * decides. */
#include "aws/policy.h"
#include "svc/kms/kms.h"

#include <errno.h>

struct call
kms_owner_call(struct tx *t, struct store *s, struct arena *a, struct str region,
	struct str account, int64_t now_ms)
{
	return (struct call){ .arena = a,
		.tx = t,
		.store = s,
		.region = region,
		.account = account,
		.now_ms = now_ms,
		.who = { .account = account,
			.arn = arena_printf(a, "arn:aws:iam::%.*s:root", STR_FMT(account)),
			.root = true } };
}

static bool
policy_lets(
	const struct kms_key *k, const struct kms_service *s, const char *action, int64_t now_ms)
{
	struct policy *p = policy_cached(k->row.Policy, POLICY_RESOURCE);
	struct policy_result r = { 0 };
	struct policy_key keys[2] = { { STR("aws:SourceArn"), &s->source_arn, 1 },
		{ STR("aws:SourceAccount"), &s->source_account, 1 } };
	if (!p)
		return false;
	struct policy_context ctx = { .principal = { .kind = POLICY_SERVICE, .name = s->name },
		.action = str_c(action),
		.resource = k->arn,
		.resource_account = k->row.Account,
		.keys = keys,
		.keys_n = s->source_account.len ? 2 : 1,
		.now_ms = now_ms,
		.resource_policy = p };
	policy_evaluate(&ctx, &r);
	policy_unref(p);
	return r.decision == POLICY_ALLOWED;
}

int
kms_service_allowed(
	struct call *owner, const struct kms_service *s, struct str key_id, struct str via)
{
	struct kms_key k;
	struct kms_ask ask = { .operation = "GenerateDataKey", .via = via, .alias = true };
	if (kms_open(owner, key_id, &ask, &k) != CALL_OK ||
		!policy_lets(&k, s, "kms:GenerateDataKey", owner->now_ms) ||
		!policy_lets(&k, s, "kms:Decrypt", owner->now_ms))
		return -EACCES;
	return 0;
}
