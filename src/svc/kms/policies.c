#include "svc/kms/kms.h"

#define POLICY_MAX 32768

/* Would the caller still be able to change the policy? Else nobody could ever again. */
static bool
caller_keeps(struct call *c, struct policy *p, struct str account)
{
	struct policy_result r;
	struct authorize_question q = { .action = "kms:PutKeyPolicy",
		.resource = STR("*"),
		.resource_account = account,
		.resource_policy = p,
		.resource_required = true };
	authorize_evaluate(c, &q, &r);
	return r.decision == POLICY_ALLOWED;
}

int
kms_policy_check(struct call *c, struct str policy, struct str account, bool bypass)
{
	char why[POLICY_MESSAGE_MAX];
	struct policy *p = NULL;
	if (policy.len > POLICY_MAX)
		return call_fail(c, &KMS_LimitExceededException,
			"The key policy is longer than %d bytes.", POLICY_MAX);
	if (policy_parse(policy, POLICY_RESOURCE, &p, why))
		return call_fail(c, &KMS_MalformedPolicyDocumentException, "%s", why);
	bool fine = bypass || caller_keeps(c, p, account);
	policy_unref(p);
	if (fine)
		return CALL_OK;
	return call_fail(c, &KMS_MalformedPolicyDocumentException,
		"The new key policy will not allow you to update the key policy in the future.");
}

static int
name_check(struct call *c, struct str name)
{
	if (!name.p || str_is(name, "default"))
		return CALL_OK;
	return call_fail(c, &KMS_NotFoundException, "No such policy exists");
}

static int
policy_open(struct call *c, struct str id, const char *operation, struct kms_key *ret)
{
	struct kms_ask a = { .operation = operation, .own = true, .unusable = true };
	return kms_open(c, id, &a, ret);
}

int
kms_get_key_policy(
	struct call *c, const struct kms_get_key_policy_in *in, struct kms_get_key_policy_out *out)
{
	struct kms_key k;
	if (policy_open(c, in->KeyId, "GetKeyPolicy", &k) || name_check(c, in->PolicyName))
		return CALL_FAILED;
	out->Policy = k.row.Policy;
	out->PolicyName = STR("default");
	return CALL_OK;
}

int
kms_put_key_policy(
	struct call *c, const struct kms_put_key_policy_in *in, struct kms_put_key_policy_out *out)
{
	struct kms_key k;
	(void)out;
	if (policy_open(c, in->KeyId, "PutKeyPolicy", &k) || name_check(c, in->PolicyName) ||
		kms_pending_deletion(c, &k) ||
		kms_policy_check(
			c, in->Policy, k.row.Account, in->BypassPolicyLockoutSafetyCheck.v))
		return CALL_FAILED;
	k.row.Policy = in->Policy;
	kms_key_save(c, &k.row);
	return CALL_OK;
}

int
kms_list_key_policies(struct call *c, const struct kms_list_key_policies_in *in,
	struct kms_list_key_policies_out *out)
{
	struct kms_key k;
	if (policy_open(c, in->KeyId, "ListKeyPolicies", &k))
		return CALL_FAILED;
	out->PolicyNames = kms_words(c, "default");
	out->Truncated = OPT_BOOL(false);
	return CALL_OK;
}
