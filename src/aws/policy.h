/*
 * policy: the one evaluator of IAM policies for all services.
 *
 * A document is parsed once into a compiled, immutable form with a reference count (cacheable,
 * shared between threads); evaluating allocates nothing. Texts in the context are borrowed for the
 * call.
 *
 * What it decides follows AWS's documented evaluation logic: an explicit deny in any policy wins;
 * inside one account an allow comes from identity policies (bounded by boundary, session and SCPs)
 * or from the resource's policy; across accounts both sides must allow; the root of the resource's
 * own account needs no policy.
 */
#ifndef HANEUL_AWS_POLICY_H
#define HANEUL_AWS_POLICY_H

#include "base/arena.h"
#include "base/str.h"

struct policy;

enum policy_form {
	POLICY_IDENTITY, /* a managed policy: no Principal allowed, Version 2012-10-17; also
			    boundaries, SCPs */
	POLICY_RESOURCE, /* Principal needed; Resource needed unless TRUST */
	POLICY_BUCKET,   /* a resource policy with S3's sentences (MalformedPolicy) */
	POLICY_TRUST,    /* a role's: Principal needed, Resource forbidden */
	POLICY_INLINE,   /* as IDENTITY, but Version may be missing or 2008-10-17: inline and
			    session policies */
};
#define POLICY_MESSAGE_MAX 256

/* 0, or -EINVAL with AWS's sentence in ret_message (NUL-terminated; may be NULL): the caller's
 * error code is MalformedPolicyDocument (IAM), MalformedPolicy (S3), InvalidParameterValue … */
int policy_parse(struct str json, enum policy_form form, struct policy **ret_policy,
	char ret_message[POLICY_MESSAGE_MAX]);
/* The same of a text that is asked again and again (the stored policy of a resource), from a cache
 * of all threads; policy_unref it. NULL: it does not parse. */
struct policy *policy_cached(struct str json, enum policy_form form);
struct policy *policy_ref(struct policy *p);
void policy_unref(struct policy *p); /* NULL is fine */
unsigned policy_statements_n(const struct policy *p);
/* True when every Resource/NotResource is "*" or begins with that text ("arn:aws:s3:::bucket"),
 * followed by the end, '/' or a wildcard. */
bool policy_resources_within(const struct policy *p, struct str arn_prefix);
/* S3's definition of a public policy: some Allow for everyone that no fixed-value condition
 * narrows. */
bool policy_is_public(const struct policy *p);

enum policy_principal_kind {
	POLICY_ANONYMOUS,
	POLICY_ROOT, /* of `account` */
	POLICY_USER,
	POLICY_ROLE, /* a role session: arn is "arn:aws:sts::…:assumed-role/R/S", role_arn the
			role's */
	POLICY_FEDERATED, /* GetFederationToken: arn is "arn:aws:sts::…:federated-user/N", user_arn
			     whose keys it came from */
	POLICY_SERVICE,   /* name is "s3.amazonaws.com" */
	POLICY_WEB,       /* AssumeRoleWithWebIdentity/SAML before there is a session: name is the
			     provider */
};
struct policy_principal {
	enum policy_principal_kind kind;
	struct str account; /* "" for anonymous, services and web identities */
	struct str arn;
	struct str role_arn; /* ROLE */
	struct str user_arn; /* FEDERATED */
	struct str user_id;
	struct str name;
	struct str canonical_id; /* S3's 64 hex digits of the account; may be "" */
};

/* One condition key of the request. The evaluator itself knows aws:CurrentTime, aws:EpochTime and
 * what the principal says (aws:username, aws:userid, aws:PrincipalArn, aws:PrincipalAccount,
 * aws:PrincipalType, aws:ResourceAccount); keys given here come first. values_n == 0: the key is
 * present without a value (an empty set). */
struct policy_key {
	struct str name; /* "aws:SourceIp"; compared without case */
	const struct str *values;
	unsigned values_n;
};

struct policy_context {
	struct policy_principal principal;
	struct str action;           /* "s3:GetObject" */
	struct str resource;         /* ARN or "*" */
	struct str resource_account; /* who owns it; "" : the principal's own */
	const struct policy_key *keys;
	unsigned keys_n;
	/* Keys that are costly to make (object tags …): asked when not in `keys`. NULL: none.
	 * false: absent. */
	bool (*lookup)(void *arg, struct str name, struct policy_key *ret_key);
	void *lookup_arg;
	int64_t now_ms;

	struct policy *const *identity;
	unsigned identity_n;
	const struct policy *boundary; /* NULL: none */
	struct policy *const *session;
	unsigned session_n;
	bool has_session; /* with session_n == 0: nothing passes */
	struct policy *const *scps;
	unsigned scps_n;                      /* 0: no organisation. Each must allow. */
	const struct policy *resource_policy; /* NULL: none */
	bool resource_grant; /* something else on the resource (an ACL) allows the principal's
				account */
	bool resource_grant_everyone; /* … or everyone, or every signed caller */
	bool resource_required; /* identity allows are not enough even inside the account (trust,
				   KMS key policies) */
};

enum policy_decision {
	POLICY_DENIED_IMPLICIT,
	POLICY_ALLOWED,
	POLICY_DENIED_EXPLICIT,
};
enum policy_source { /* where the decision comes from: of a deny what denied or did not allow */
	POLICY_FROM_NONE,
	POLICY_FROM_IDENTITY,
	POLICY_FROM_RESOURCE,
	POLICY_FROM_BOUNDARY,
	POLICY_FROM_SESSION,
	POLICY_FROM_SCP,
	POLICY_FROM_ROOT,  /* root of its own account */
	POLICY_FROM_GRANT, /* resource_grant */
};
struct policy_result {
	enum policy_decision decision;
	enum policy_source source;
	const struct policy *policy; /* NULL when no statement decided */
	unsigned statement;          /* index in it */
	struct str sid;              /* borrowed from policy */
};
void policy_evaluate(const struct policy_context *ctx, struct policy_result *ret_result);
/* Whether that statement of the policy, which need not be one of ctx's, is an allowance that
 * applies. */
bool policy_statement_allows(
	const struct policy_context *ctx, const struct policy *p, unsigned statement);
/* The tail of AWS's AccessDenied sentence: "because no identity-based policy allows the
 * s3:GetObject action", "with an explicit deny in a resource-based policy". */
struct str policy_reason(const struct policy_result *r, struct str action, struct arena *a);

#endif
