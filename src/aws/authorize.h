/*
 * authorize: whether the caller may do what it asks. The action and the resource come from the
 * operation's description; identity policies from a provider (the IAM service registers one).
 * Without a provider only account roots exist, and they may do everything in their account.
 */
#ifndef HANEUL_AWS_AUTHORIZE_H
#define HANEUL_AWS_AUTHORIZE_H

#include "aws/call.h"
#include "aws/policy.h"

/* What is attached to a principal. Policies are borrowed until the thread asks for the next
 * identity. */
struct authorize_identity {
	struct policy *const *policies;
	unsigned policies_n;
	const struct str *names; /* of the policies: an ARN, or "user/alice:inline-name" */
	const struct policy *boundary;
	struct str boundary_name;
	struct policy *const
		*session; /* of a session that has policies and did not bring them compiled */
	unsigned session_n;
};
struct authorize_provider {
	/* Fills *ret from rows (c->tx is open); 0, or -ENOENT for a principal without policies. */
	int (*identity)(
		struct call *c, const struct principal *who, struct authorize_identity *ret);
	/* aws:PrincipalTag/… of the principal; false: absent. May be NULL. */
	bool (*tag)(
		struct call *c, const struct principal *who, struct str key, struct str *ret_value);
};
void authorize_provider_set(const struct authorize_provider *p); /* at start; borrowed */

/* Seals a decision for the sentence of EC2's refusals (the STS service sets it, at start). c->tx is
 * open. */
typedef struct str authorize_sealer(struct call *c, const struct call_decision *d);
void authorize_sealer_set(authorize_sealer *f);

/* The operation's own action on the resource that its template names. CALL_OK or CALL_FAILED; c->tx
 * is open. */
int authorize_op(struct call *c, const void *in);

/* One question with everything that the asking service knows. Fills identity side, common condition
 * keys (aws:SourceIp, aws:SecureTransport, aws:username, aws:userid, aws:PrincipalArn,
 * aws:PrincipalAccount, aws:PrincipalType, aws:RequestedRegion, aws:CurrentTime, aws:EpochTime,
 * aws:UserAgent, aws:Referer …). */
struct authorize_question {
	const char *action;
	struct str resource;           /* ARN */
	struct str resource_account;   /* "" : the caller's */
	const struct policy *resource_policy;
	bool resource_grant;           /* an ACL allows it */
	bool resource_grant_everyone;  /* … to everyone, or to every signed caller */
	bool resource_required; /* identity policies alone are not enough (trust policies, KMS keys) */
	const struct policy_key *keys; /* further condition keys */
	unsigned keys_n;
	bool (*lookup)(void *arg, struct str name, struct policy_key *ret_key);
	void *lookup_arg;
};
void authorize_evaluate(
	struct call *c, const struct authorize_question *q, struct policy_result *ret_result);
/* Sets the protocol's AccessDenied with AWS's sentence. Returns CALL_FAILED. */
int authorize_denied(
	struct call *c, const struct authorize_question *q, const struct policy_result *r);

#endif
