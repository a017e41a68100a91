#include "aws/policy.h"
#include "unit.h"

#include <stdio.h>

/*
 * Who is meant, and how the kinds of policies work together: tables of AWS's documented logic.
 * Single quotes stand for double ones.
 */
static struct policy *
compile(const char *text, enum policy_form form)
{
	char json[2048], message[POLICY_MESSAGE_MAX] = "";
	struct policy *p = NULL;
	if (!text)
		return NULL;
	snprintf(json, sizeof(json), "%s", text);
	for (char *c = json; *c; c++)
		if (*c == '\'')
			*c = '"';
	if (policy_parse(str_c(json), form, &p, message))
		fail_msg("%s\n%s", message, json);
	return p;
}

#define CANONICAL "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A(kind_) .kind = kind_, .account = { "111111111111", 12 }, .canonical_id = { CANONICAL, 64 }
#define S(lit)                                                                                     \
	{                                                                                          \
		lit, sizeof(lit) - 1                                                               \
	}
enum who { ALICE, ROOT, ROLE, FEDERATED, ANONYMOUS, SERVICE, WEB, OTHER_USER, OTHER_ROOT };
static const struct policy_principal people[] = {
	[ALICE] = { A(POLICY_USER), .arn = S("arn:aws:iam::111111111111:user/alice"),
		.name = S("alice"), .user_id = S("AIDAALICEALICEALICE0") },
	[ROOT] = { A(POLICY_ROOT), .arn = S("arn:aws:iam::111111111111:root"),
		.user_id = S("111111111111") },
	[ROLE] = { A(POLICY_ROLE), .arn = S("arn:aws:sts::111111111111:assumed-role/R/S"),
		.role_arn = S("arn:aws:iam::111111111111:role/R"),
		.user_id = S("AROAROLEROLEROLEROLE0:S"), .name = S("S") },
	[FEDERATED] = { A(POLICY_FEDERATED), .arn = S("arn:aws:sts::111111111111:federated-user/F"),
		.user_arn = S("arn:aws:iam::111111111111:user/alice"),
		.user_id = S("111111111111:F"), .name = S("F") },
	[ANONYMOUS] = { .kind = POLICY_ANONYMOUS },
	[SERVICE] = { .kind = POLICY_SERVICE, .name = S("sns.amazonaws.com") },
	[WEB] = { .kind = POLICY_WEB, .name = S("accounts.google.com") },
	[OTHER_USER] = { .kind = POLICY_USER,
		.account = S("222222222222"),
		.arn = S("arn:aws:iam::222222222222:user/bob"),
		.name = S("bob"),
		.user_id = S("AIDABOBBOBBOBBOBBOB0") },
	[OTHER_ROOT] = { .kind = POLICY_ROOT,
		.account = S("222222222222"),
		.arn = S("arn:aws:iam::222222222222:root"),
		.user_id = S("222222222222") },
};

#define ALICE_ARN "'arn:aws:iam::111111111111:user/alice'"
#define ROLE_ARN "'arn:aws:iam::111111111111:role/R'"
#define SESSION_ARN "'arn:aws:sts::111111111111:assumed-role/R/S'"

/*
 * Does a resource's policy with this principal element speak of them? With an Allow, and identity
 * policies that allow everything, across accounts or inside: so that any grade counts.
 */
static const struct {
	const char *principal;
	enum who who;
	int meant;
} principals[] = {
	{ "'Principal':'*'", ALICE, 1 },
	{ "'Principal':'*'", ANONYMOUS, 1 },
	{ "'Principal':'*'", SERVICE, 1 },
	{ "'Principal':{'AWS':'*'}", ANONYMOUS, 1 },
	{ "'Principal':{'AWS':'*'}", OTHER_USER, 1 },
	{ "'Principal':{'AWS':" ALICE_ARN "}", ALICE, 1 },
	{ "'Principal':{'AWS':" ALICE_ARN "}", OTHER_USER, 0 },
	{ "'Principal':{'AWS':" ALICE_ARN "}", ROOT, 0 },
	{ "'Principal':{'AWS':" ALICE_ARN "}", ANONYMOUS, 0 },
	{ "'Principal':{'AWS':" ALICE_ARN "}", FEDERATED, 1 },
	{ "'Principal':{'AWS':['arn:aws:iam::222222222222:user/x'," ALICE_ARN "]}", ALICE, 1 },
	{ "'Principal':{'AWS':'111111111111'}", ALICE, 1 },
	{ "'Principal':{'AWS':'111111111111'}", ROLE, 1 },
	{ "'Principal':{'AWS':'111111111111'}", ROOT, 1 },
	{ "'Principal':{'AWS':'111111111111'}", OTHER_USER, 0 },
	{ "'Principal':{'AWS':'arn:aws:iam::111111111111:root'}", ALICE, 1 },
	{ "'Principal':{'AWS':'arn:aws:iam::222222222222:root'}", OTHER_USER, 1 },
	{ "'Principal':{'AWS':'arn:aws:iam::222222222222:root'}", OTHER_ROOT, 1 },
	{ "'Principal':{'AWS':'arn:aws:iam::222222222222:root'}", ALICE, 0 },
	{ "'Principal':{'AWS':'AIDAALICEALICEALICE0'}", ALICE, 1 },
	{ "'Principal':{'AWS':'AIDAALICEALICEALICE1'}", ALICE, 0 },
	{ "'Principal':{'AWS':'AROAROLEROLEROLEROLE0'}", ROLE, 1 },
	{ "'Principal':{'AWS':" ROLE_ARN "}", ROLE, 1 },
	{ "'Principal':{'AWS':" SESSION_ARN "}", ROLE, 1 },
	{ "'Principal':{'AWS':'arn:aws:sts::111111111111:assumed-role/R/T'}", ROLE, 0 },
	{ "'Principal':{'AWS':'arn:aws:sts::111111111111:federated-user/F'}", FEDERATED, 1 },
	{ "'Principal':{'CanonicalUser':'" CANONICAL "'}", ALICE, 1 },
	{ "'Principal':{'CanonicalUser':'" CANONICAL "'}", OTHER_USER, 0 },
	{ "'Principal':{'Service':'sns.amazonaws.com'}", SERVICE, 1 },
	{ "'Principal':{'Service':['sqs.amazonaws.com','sns.amazonaws.com']}", SERVICE, 1 },
	{ "'Principal':{'Service':'sqs.amazonaws.com'}", SERVICE, 0 },
	{ "'Principal':{'Service':'sns.amazonaws.com'}", ALICE, 0 },
	{ "'Principal':{'Federated':'accounts.google.com'}", WEB, 1 },
	{ "'Principal':{'Federated':'www.amazon.com'}", WEB, 0 },
	{ "'Principal':{'Federated':'accounts.google.com'}", SERVICE, 0 },
	{ "'Principal':{'AWS':" ALICE_ARN ",'Service':'sns.amazonaws.com'}", SERVICE, 1 },
	{ "'NotPrincipal':{'AWS':" ALICE_ARN "}", ALICE, 0 },
	{ "'NotPrincipal':{'AWS':" ALICE_ARN "}", OTHER_USER, 1 },
	{ "'NotPrincipal':{'AWS':" ALICE_ARN "}", ANONYMOUS, 1 },
	{ "'NotPrincipal':{'AWS':'111111111111'}", ALICE, 0 },
	{ "'NotPrincipal':{'AWS':'*'}", ALICE, 0 },
};

TEST(policy_principals)
{
	struct policy *all =
		compile("{'Version':'2012-10-17','Statement':{'Effect':'Allow','Action':'*',"
			"'Resource':'*'}}",
			POLICY_IDENTITY);
	for (size_t i = 0; i < sizeof(principals) / sizeof(principals[0]); i++) {
		char text[600];
		struct policy_result r;
		snprintf(text, sizeof(text),
			"{'Version':'2012-10-17','Statement':{'Effect':'Allow',%s,"
			"'Action':'sqs:SendMessage','Resource':'*'}}",
			principals[i].principal);
		struct policy *p = compile(text, POLICY_RESOURCE);
		struct policy_context c = { .principal = people[principals[i].who],
			.action = STR("sqs:SendMessage"),
			.resource = STR("arn:aws:sqs:us-east-1:333333333333:q"),
			.resource_account = STR("333333333333"),
			.identity = &all,
			.identity_n = 1,
			.resource_policy = p };
		policy_evaluate(&c, &r);
		if ((r.decision == POLICY_ALLOWED) != principals[i].meant)
			fail_msg("%s, person %d: expected %d", principals[i].principal,
				principals[i].who, principals[i].meant);
		policy_unref(p);
	}
	policy_unref(all);
}

/* Denials with NotPrincipal spare only who is named exactly. */
static const struct {
	const char *not_principal;
	enum who who;
	int denied;
} denials[] = {
	{ "{'AWS':" ALICE_ARN "}", ALICE, 0 },
	{ "{'AWS':[" ALICE_ARN ",'arn:aws:iam::111111111111:root']}", ALICE, 0 },
	{ "{'AWS':'arn:aws:iam::111111111111:root'}", ALICE, 1 },
	{ "{'AWS':'arn:aws:iam::111111111111:root'}", ROOT, 0 },
	{ "{'AWS':" ALICE_ARN "}", ROLE, 1 },
	{ "{'AWS':" ALICE_ARN "}", ROOT, 1 },
	{ "{'AWS':" ROLE_ARN "}", ROLE, 1 }, /* the session too must be named */
	{ "{'AWS':[" ROLE_ARN "," SESSION_ARN "]}", ROLE, 0 },
	{ "{'AWS':" ALICE_ARN "}", ANONYMOUS, 1 },
	{ "{'Service':'sns.amazonaws.com'}", SERVICE, 0 },
};

TEST(policy_not_principal_denials)
{
	struct policy *all =
		compile("{'Version':'2012-10-17','Statement':{'Effect':'Allow','Action':'*',"
			"'Resource':'*'}}",
			POLICY_IDENTITY);
	for (size_t i = 0; i < sizeof(denials) / sizeof(denials[0]); i++) {
		char text[700];
		struct policy_result r;
		snprintf(text, sizeof(text),
			"{'Version':'2012-10-17','Statement':[{'Effect':'Deny','NotPrincipal':%s,"
			"'Action':'*','Resource':'*'},{'Effect':'Allow','Principal':'*','Action':'*"
			"','Resource':'*'}]}",
			denials[i].not_principal);
		struct policy *p = compile(text, POLICY_RESOURCE);
		struct policy_context c = { .principal = people[denials[i].who],
			.action = STR("s3:GetObject"),
			.resource = STR("arn:aws:s3:::b/k"),
			.resource_account = STR("111111111111"),
			.identity = &all,
			.identity_n = 1,
			.resource_policy = p };
		policy_evaluate(&c, &r);
		if ((r.decision == POLICY_DENIED_EXPLICIT) != denials[i].denied)
			fail_msg("%s, person %d: expected %d", denials[i].not_principal,
				denials[i].who, denials[i].denied);
		policy_unref(p);
	}
	policy_unref(all);
}

/*
 * Kinds of policies together. Each is NULL (not there), a name of `stock`, or for the resource the
 * principal that it allows ("-" before it: denies).
 */
static const struct {
	const char *name, *text;
} stock[] = {
	{ "get", "{'Effect':'Allow','Action':'s3:GetObject','Resource':'*'}" },
	{ "all", "{'Effect':'Allow','Action':'*','Resource':'*'}" },
	{ "put", "{'Effect':'Allow','Action':'s3:PutObject','Resource':'*'}" },
	{ "deny", "{'Effect':'Deny','Action':'s3:GetObject','Resource':'*'}" },
	{ "all-deny", "[{'Effect':'Allow','Action':'*','Resource':'*'},{'Effect':'Deny','Action':'"
		      "s3:Get*','Resource':'*'}]" },
	{ "deny-other",
		"{'Effect':'Deny','Action':'s3:GetObject','Resource':'arn:aws:s3:::other/*'}" },
};

#define ACCOUNT "'111111111111'"
#define EVERYONE "'*'"
#define OTHER_ARN "'arn:aws:iam::222222222222:user/bob'"
#define OTHER_ACCOUNT "'222222222222'"
#define YES POLICY_ALLOWED
#define NO POLICY_DENIED_IMPLICIT
#define NEVER POLICY_DENIED_EXPLICIT
static const struct {
	enum who who;
	const char *identity, *boundary, *session, *scp, *resource;
	enum policy_decision decision;
	enum policy_source source;
} logic[] = {
	/* Inside the account (the bucket is of 111111111111): identity policies alone */
	{ ALICE, NULL, NULL, NULL, NULL, NULL, NO, POLICY_FROM_IDENTITY },
	{ ALICE, "get", NULL, NULL, NULL, NULL, YES, POLICY_FROM_IDENTITY },
	{ ALICE, "put", NULL, NULL, NULL, NULL, NO, POLICY_FROM_IDENTITY },
	{ ALICE, "deny", NULL, NULL, NULL, NULL, NEVER, POLICY_FROM_IDENTITY },
	{ ALICE, "all-deny", NULL, NULL, NULL, NULL, NEVER, POLICY_FROM_IDENTITY },
	{ ALICE, "get+deny", NULL, NULL, NULL, NULL, NEVER, POLICY_FROM_IDENTITY },
	{ ALICE, "deny+get", NULL, NULL, NULL, NULL, NEVER, POLICY_FROM_IDENTITY },
	{ ALICE, "put+get", NULL, NULL, NULL, NULL, YES, POLICY_FROM_IDENTITY },
	{ ALICE, "get+deny-other", NULL, NULL, NULL, NULL, YES, POLICY_FROM_IDENTITY },
	/* … and the resource's policy: either is enough */
	{ ALICE, NULL, NULL, NULL, NULL, ALICE_ARN, YES, POLICY_FROM_RESOURCE },
	{ ALICE, NULL, NULL, NULL, NULL, EVERYONE, YES, POLICY_FROM_RESOURCE },
	{ ALICE, NULL, NULL, NULL, NULL, ACCOUNT, NO,
		POLICY_FROM_IDENTITY }, /* the account must pass it on */
	{ ALICE, "get", NULL, NULL, NULL, ACCOUNT, YES, POLICY_FROM_IDENTITY },
	{ ALICE, "put", NULL, NULL, NULL, ALICE_ARN, YES, POLICY_FROM_RESOURCE },
	{ ALICE, "get", NULL, NULL, NULL, OTHER_ARN, YES, POLICY_FROM_IDENTITY },
	{ ALICE, NULL, NULL, NULL, NULL, OTHER_ARN, NO, POLICY_FROM_IDENTITY },
	{ ALICE, "deny", NULL, NULL, NULL, ALICE_ARN, NEVER, POLICY_FROM_IDENTITY },
	{ ALICE, "all", NULL, NULL, NULL, "-" ALICE_ARN, NEVER, POLICY_FROM_RESOURCE },
	{ ALICE, "all", NULL, NULL, NULL, "-" ACCOUNT, NEVER, POLICY_FROM_RESOURCE },
	{ ALICE, "all", NULL, NULL, NULL, "-" EVERYONE, NEVER, POLICY_FROM_RESOURCE },
	{ ALICE, "all", NULL, NULL, NULL, "-" OTHER_ARN, YES, POLICY_FROM_IDENTITY },
	/* Boundaries limit identity policies, but not what a resource grants to the user */
	{ ALICE, "get", "get", NULL, NULL, NULL, YES, POLICY_FROM_IDENTITY },
	{ ALICE, "all", "get", NULL, NULL, NULL, YES, POLICY_FROM_IDENTITY },
	{ ALICE, "get", "put", NULL, NULL, NULL, NO, POLICY_FROM_BOUNDARY },
	{ ALICE, NULL, "get", NULL, NULL, NULL, NO,
		POLICY_FROM_IDENTITY }, /* a boundary grants nothing */
	{ ALICE, NULL, "put", NULL, NULL, ALICE_ARN, YES, POLICY_FROM_RESOURCE },
	{ ALICE, NULL, "put", NULL, NULL, EVERYONE, YES, POLICY_FROM_RESOURCE },
	{ ALICE, NULL, "all-deny", NULL, NULL, ALICE_ARN, NEVER, POLICY_FROM_BOUNDARY },
	{ ALICE, "get", "deny", NULL, NULL, NULL, NEVER, POLICY_FROM_BOUNDARY },
	/* Service control policies limit everybody, root too */
	{ ALICE, "get", NULL, NULL, "all", NULL, YES, POLICY_FROM_IDENTITY },
	{ ALICE, "get", NULL, NULL, "put", NULL, NO, POLICY_FROM_SCP },
	{ ALICE, "get", NULL, NULL, "all+put", NULL, NO,
		POLICY_FROM_SCP }, /* every level must allow */
	{ ALICE, "get", NULL, NULL, "all-deny", NULL, NEVER, POLICY_FROM_SCP },
	{ ALICE, NULL, NULL, NULL, "put", ALICE_ARN, NO, POLICY_FROM_SCP },
	{ ROOT, NULL, NULL, NULL, "all", NULL, YES, POLICY_FROM_ROOT },
	{ ROOT, NULL, NULL, NULL, "put", NULL, NO, POLICY_FROM_SCP },
	{ ROOT, NULL, NULL, NULL, "all-deny", NULL, NEVER, POLICY_FROM_SCP },
	/* Root of the account */
	{ ROOT, NULL, NULL, NULL, NULL, NULL, YES, POLICY_FROM_ROOT },
	{ ROOT, NULL, NULL, NULL, NULL, "-" EVERYONE, NEVER, POLICY_FROM_RESOURCE },
	{ ROOT, NULL, NULL, NULL, NULL, "-" ALICE_ARN, YES, POLICY_FROM_ROOT },
	{ ROOT, NULL, NULL, NULL, NULL, OTHER_ARN, YES, POLICY_FROM_ROOT },
	/* Role sessions: grants to the role are limited, grants to the session are not */
	{ ROLE, "get", NULL, NULL, NULL, NULL, YES, POLICY_FROM_IDENTITY },
	{ ROLE, NULL, NULL, NULL, NULL, ROLE_ARN, YES, POLICY_FROM_RESOURCE },
	{ ROLE, NULL, NULL, NULL, NULL, SESSION_ARN, YES, POLICY_FROM_RESOURCE },
	{ ROLE, NULL, NULL, NULL, NULL, ACCOUNT, NO, POLICY_FROM_IDENTITY },
	{ ROLE, NULL, "put", NULL, NULL, ROLE_ARN, NO, POLICY_FROM_BOUNDARY },
	{ ROLE, NULL, "put", NULL, NULL, SESSION_ARN, YES, POLICY_FROM_RESOURCE },
	{ ROLE, NULL, "get", NULL, NULL, ROLE_ARN, YES, POLICY_FROM_RESOURCE },
	{ ROLE, "get", NULL, "get", NULL, NULL, YES, POLICY_FROM_IDENTITY },
	{ ROLE, "get", NULL, "put", NULL, NULL, NO, POLICY_FROM_SESSION },
	{ ROLE, "get", NULL, "put+get", NULL, NULL, YES, POLICY_FROM_IDENTITY },
	{ ROLE, NULL, NULL, "get", NULL, NULL, NO,
		POLICY_FROM_IDENTITY }, /* a session policy grants nothing */
	{ ROLE, NULL, NULL, "put", NULL, ROLE_ARN, NO, POLICY_FROM_SESSION },
	{ ROLE, NULL, NULL, "get", NULL, ROLE_ARN, YES, POLICY_FROM_RESOURCE },
	{ ROLE, NULL, NULL, "put", NULL, SESSION_ARN, YES, POLICY_FROM_RESOURCE },
	{ ROLE, "get", "get", "deny", NULL, NULL, NEVER, POLICY_FROM_SESSION },
	{ ROLE, "get", "put", "get", NULL, NULL, NO, POLICY_FROM_BOUNDARY },
	{ ROLE, "all", NULL, NULL, NULL, "-" ROLE_ARN, NEVER, POLICY_FROM_RESOURCE },
	/* Federated users: no session policy, no permission */
	{ FEDERATED, "get", NULL, "get", NULL, NULL, YES, POLICY_FROM_IDENTITY },
	{ FEDERATED, "get", NULL, "", NULL, NULL, NO, POLICY_FROM_SESSION },
	{ FEDERATED, "get", NULL, "put", NULL, ALICE_ARN, NO, POLICY_FROM_SESSION },
	{ FEDERATED, NULL, NULL, "get", NULL, ALICE_ARN, YES, POLICY_FROM_RESOURCE },
	{ FEDERATED, NULL, NULL, "", NULL, "'arn:aws:sts::111111111111:federated-user/F'", YES,
		POLICY_FROM_RESOURCE },
	/* Across accounts both sides must agree */
	{ OTHER_USER, "get", NULL, NULL, NULL, NULL, NO, POLICY_FROM_RESOURCE },
	{ OTHER_USER, NULL, NULL, NULL, NULL, OTHER_ARN, NO, POLICY_FROM_IDENTITY },
	{ OTHER_USER, "get", NULL, NULL, NULL, OTHER_ARN, YES, POLICY_FROM_RESOURCE },
	{ OTHER_USER, "get", NULL, NULL, NULL, OTHER_ACCOUNT, YES, POLICY_FROM_RESOURCE },
	{ OTHER_USER, "get", NULL, NULL, NULL, EVERYONE, YES, POLICY_FROM_RESOURCE },
	{ OTHER_USER, NULL, NULL, NULL, NULL, EVERYONE, NO, POLICY_FROM_IDENTITY },
	{ OTHER_USER, "get", NULL, NULL, NULL, ALICE_ARN, NO, POLICY_FROM_RESOURCE },
	{ OTHER_USER, "put", NULL, NULL, NULL, OTHER_ARN, NO, POLICY_FROM_IDENTITY },
	{ OTHER_USER, "get", "put", NULL, NULL, OTHER_ARN, NO, POLICY_FROM_BOUNDARY },
	{ OTHER_USER, "get", NULL, NULL, "put", OTHER_ARN, NO, POLICY_FROM_SCP },
	{ OTHER_USER, "deny", NULL, NULL, NULL, OTHER_ARN, NEVER, POLICY_FROM_IDENTITY },
	{ OTHER_USER, "get", NULL, NULL, NULL, "-" EVERYONE, NEVER, POLICY_FROM_RESOURCE },
	{ OTHER_ROOT, NULL, NULL, NULL, NULL, NULL, NO, POLICY_FROM_RESOURCE },
	{ OTHER_ROOT, NULL, NULL, NULL, NULL, OTHER_ACCOUNT, YES, POLICY_FROM_RESOURCE },
	{ OTHER_ROOT, NULL, NULL, NULL, NULL, OTHER_ARN, NO, POLICY_FROM_RESOURCE },
	/* Who has no account has the resource's policy only */
	{ ANONYMOUS, NULL, NULL, NULL, NULL, NULL, NO, POLICY_FROM_RESOURCE },
	{ ANONYMOUS, NULL, NULL, NULL, NULL, EVERYONE, YES, POLICY_FROM_RESOURCE },
	{ ANONYMOUS, NULL, NULL, NULL, NULL, ACCOUNT, NO, POLICY_FROM_RESOURCE },
	{ ANONYMOUS, NULL, NULL, NULL, NULL, "-" EVERYONE, NEVER, POLICY_FROM_RESOURCE },
	{ SERVICE, NULL, NULL, NULL, NULL, EVERYONE, YES, POLICY_FROM_RESOURCE },
	{ SERVICE, NULL, NULL, NULL, NULL, ACCOUNT, NO, POLICY_FROM_RESOURCE },
};

/* "get+deny": two policies. */
static unsigned
list_of(const char *names, struct policy *ret[4])
{
	unsigned n = 0;
	for (struct str rest = names && names[0] ? str_c(names) : STR_NULL; rest.p;) {
		struct str name = str_cut(&rest, '+');
		char text[400];
		size_t i = 0;
		while (!str_eq(name, str_c(stock[i].name)))
			i++;
		snprintf(text, sizeof(text), "{'Version':'2012-10-17','Statement':%s}",
			stock[i].text);
		ret[n++] = compile(text, POLICY_IDENTITY);
	}
	return n;
}

static struct policy *
resource_of(const char *principal)
{
	char text[400];
	if (!principal)
		return NULL;
	bool deny = principal[0] == '-';
	snprintf(text, sizeof(text),
		"{'Version':'2012-10-17','Statement':{'Sid':'only','Effect':'%s',"
		"'Principal':{'AWS':%s},'Action':'s3:GetObject','Resource':'arn:aws:s3:::b/*'}}",
		deny ? "Deny" : "Allow", principal + deny);
	return compile(text, POLICY_BUCKET);
}

TEST(policy_logic)
{
	for (size_t i = 0; i < sizeof(logic) / sizeof(logic[0]); i++) {
		struct policy *identity[4], *boundary[4], *session[4], *scps[4],
			*resource = resource_of(logic[i].resource);
		struct policy_result r;
		struct policy_context c = { .principal = people[logic[i].who],
			.action = STR("s3:GetObject"),
			.resource = STR("arn:aws:s3:::b/k"),
			.resource_account = STR("111111111111"),
			.identity = identity,
			.session = session,
			.has_session = logic[i].session != NULL,
			.scps = scps,
			.resource_policy = resource };
		c.identity_n = list_of(logic[i].identity, identity);
		c.boundary = list_of(logic[i].boundary, boundary) ? boundary[0] : NULL;
		c.session_n = list_of(logic[i].session, session);
		c.scps_n = list_of(logic[i].scp, scps);
		policy_evaluate(&c, &r);
		if (r.decision != logic[i].decision || r.source != logic[i].source)
			fail_msg("row %zu: got %d from %d, want %d from %d", i, r.decision,
				r.source, logic[i].decision, logic[i].source);
		if (r.source == POLICY_FROM_RESOURCE && r.policy)
			assert_str(r.sid, "only");
		for (unsigned k = 0; k < c.identity_n; k++)
			policy_unref(identity[k]);
		for (unsigned k = 0; k < c.session_n; k++)
			policy_unref(session[k]);
		for (unsigned k = 0; k < c.scps_n; k++)
			policy_unref(scps[k]);
		if (c.boundary)
			policy_unref(boundary[0]);
		policy_unref(resource);
	}
}

/* Grants that are no policy: an ACL to the account, or to everyone. */
TEST(policy_other_grants)
{
	struct policy *get[4];
	struct policy_result r;
	list_of("get", get);
	struct policy_context c = { .principal = people[ALICE],
		.action = STR("s3:GetObject"),
		.resource = STR("arn:aws:s3:::b/k"),
		.resource_account = STR("111111111111"),
		.resource_grant = true };
	policy_evaluate(&c, &r);
	assert_int_equal(r.decision, NO);
	c.resource_grant_everyone = true;
	policy_evaluate(&c, &r);
	assert_int_equal(r.decision, YES);
	assert_int_equal(r.source, POLICY_FROM_GRANT);
	c.principal = people[ANONYMOUS];
	policy_evaluate(&c, &r);
	assert_int_equal(r.decision, YES);
	c.resource_grant_everyone = false;
	c.principal = people[OTHER_USER];
	policy_evaluate(&c, &r);
	assert_int_equal(r.decision, NO);
	c.identity = get;
	c.identity_n = 1;
	policy_evaluate(&c, &r);
	assert_int_equal(r.decision, YES);
	policy_unref(get[0]);
}

/* A role's trust policy (like a key's) must allow; the account's own policies are not enough. */
TEST(policy_trust)
{
	struct policy *all[4], *account, *user;
	struct policy_result r;
	list_of("all", all);
	account = compile("{'Version':'2012-10-17','Statement':{'Effect':'Allow','Principal':{'AWS'"
			  ":'111111111111'},"
			  "'Action':'sts:AssumeRole'}}",
		POLICY_TRUST);
	user = compile("{'Version':'2012-10-17','Statement':{'Effect':'Allow','Principal':{'AWS'"
		       ":" ALICE_ARN "},"
		       "'Action':'sts:AssumeRole'}}",
		POLICY_TRUST);
	struct policy_context c = { .principal = people[ALICE],
		.action = STR("sts:AssumeRole"),
		.resource = STR("arn:aws:iam::111111111111:role/R"),
		.resource_account = STR("111111111111"),
		.resource_policy = account,
		.resource_required = true };
	policy_evaluate(&c, &r);
	assert_int_equal(r.decision, NO); /* the account is trusted, but did not pass it on */
	c.identity = all;
	c.identity_n = 1;
	policy_evaluate(&c, &r);
	assert_int_equal(r.decision, YES);
	c.resource_policy = NULL;
	policy_evaluate(&c, &r);
	assert_int_equal(r.decision, NO);
	c.resource_policy = user;
	c.identity_n = 0;
	policy_evaluate(&c, &r);
	assert_int_equal(r.decision, YES);
	c.principal = people[ROOT];
	policy_evaluate(&c, &r);
	assert_int_equal(r.decision, NO);
	c.resource_policy = account;
	policy_evaluate(&c, &r);
	assert_int_equal(r.decision, YES);
	policy_unref(all[0]);
	policy_unref(account);
	policy_unref(user);
}

static bool
tag_of(void *arg, struct str name, struct policy_key *ret)
{
	static const struct str value = S("blue");
	(*(unsigned *)arg)++;
	if (!str_eq_nocase(name, STR("s3:ExistingObjectTag/color")))
		return false;
	*ret = (struct policy_key){ name, &value, 1 };
	return true;
}

TEST(policy_costly_keys_are_asked_for_when_needed)
{
	unsigned asked = 0;
	struct policy_result r;
	struct policy *p = compile(
		"{'Version':'2012-10-17','Statement':{'Effect':'Allow','Action':'s3:GetObject',"
		"'Resource':'*','Condition':{'StringEquals':{'s3:ExistingObjectTag/"
		"color':'blue'}}}}",
		POLICY_IDENTITY);
	struct policy_context c = { .principal = people[ALICE],
		.action = STR("s3:PutObject"),
		.resource = STR("*"),
		.identity = &p,
		.identity_n = 1,
		.lookup = tag_of,
		.lookup_arg = &asked };
	policy_evaluate(&c, &r);
	assert_int_equal(asked, 0);
	c.action = STR("s3:GetObject");
	policy_evaluate(&c, &r);
	assert_int_equal(r.decision, YES);
	assert_int_equal(asked, 1);
	policy_unref(p);
}

TEST(policy_reasons)
{
	struct arena a;
	arena_init(&a);
	struct policy_result r = { .decision = NO, .source = POLICY_FROM_IDENTITY };
	assert_str(policy_reason(&r, STR("s3:GetObject"), &a),
		"because no identity-based policy allows the s3:GetObject action");
	r = (struct policy_result){ .decision = NEVER, .source = POLICY_FROM_RESOURCE };
	assert_str(policy_reason(&r, STR("s3:GetObject"), &a),
		"with an explicit deny in a resource-based policy");
	r.source = POLICY_FROM_SCP;
	assert_str(policy_reason(&r, STR("s3:GetObject"), &a),
		"with an explicit deny in a service control policy");
	arena_done(&a);
}
