#include "aws/policy.h"
#include "unit.h"

#include <stdio.h>

static int
parse(const char *text, enum policy_form form, struct policy **ret,
	char message[POLICY_MESSAGE_MAX])
{
	char json[2048];
	snprintf(json, sizeof(json), "%s", text);
	for (char *c = json; *c; c++)
		if (*c == '\'')
			*c = '"';
	message[0] = '\0';
	return policy_parse(str_c(json), form, ret, message);
}

#define V "'Version':'2012-10-17',"
#define OK_STATEMENT "{'Effect':'Allow','Action':'s3:GetObject','Resource':'arn:aws:s3:::b/*'}"
#define SYNTAX "Syntax errors in policy."

/* Single quotes stand for double ones. message "": it is accepted. */
static const struct {
	enum policy_form form;
	const char *text, *message;
} documents[] = {
	{ POLICY_IDENTITY, "{" V "'Statement':" OK_STATEMENT "}", "" },
	{ POLICY_IDENTITY, "{" V "'Id':'x','Statement':[" OK_STATEMENT "]}", "" },
	{ POLICY_IDENTITY, "", SYNTAX },
	{ POLICY_IDENTITY, "x", SYNTAX },
	{ POLICY_IDENTITY, "[]", SYNTAX },
	{ POLICY_IDENTITY, "{" V "'Statement':" OK_STATEMENT "} x", SYNTAX },
	{ POLICY_IDENTITY, "{" V "}", SYNTAX },
	{ POLICY_IDENTITY, "{" V "'Statement':[]}", SYNTAX },
	{ POLICY_IDENTITY, "{" V "'Statement':'x'}", SYNTAX },
	{ POLICY_IDENTITY, "{" V "'Extra':1,'Statement':" OK_STATEMENT "}", SYNTAX },
	{ POLICY_IDENTITY, "{'Version':'2013-10-17','Statement':" OK_STATEMENT "}", SYNTAX },
	{ POLICY_IDENTITY, "{'Version':'2008-10-17','Statement':" OK_STATEMENT "}",
		"Policy document must be version 2012-10-17 or greater." },
	{ POLICY_IDENTITY, "{'Statement':" OK_STATEMENT "}",
		"Policy document must be version 2012-10-17 or greater." },
	{ POLICY_INLINE, "{'Statement':" OK_STATEMENT "}", "" },
	{ POLICY_INLINE, "{'Version':'2008-10-17','Statement':" OK_STATEMENT "}", "" },
	{ POLICY_INLINE, "{'Version':'2013-10-17','Statement':" OK_STATEMENT "}", SYNTAX },
	{ POLICY_INLINE,
		"{" V
		"'Statement':{'Effect':'Allow','Principal':'*','Action':'s3:*','Resource':'*'}}",
		"Policy document should not specify a principal." },
	{ POLICY_IDENTITY, "{" V "'Statement':{'Effect':'allow','Action':'s3:*','Resource':'*'}}",
		SYNTAX },
	{ POLICY_IDENTITY, "{" V "'Statement':{'Action':'s3:*','Resource':'*'}}", SYNTAX },
	{ POLICY_IDENTITY, "{" V "'Statement':{'Effect':'Allow','Resource':'*'}}",
		"Policy statement must contain actions." },
	{ POLICY_IDENTITY, "{" V "'Statement':{'Effect':'Allow','Action':[],'Resource':'*'}}",
		"Policy statement must contain actions." },
	{ POLICY_IDENTITY, "{" V "'Statement':{'Effect':'Allow','Action':'s3:*'}}",
		"Policy statement must contain resources." },
	{ POLICY_IDENTITY,
		"{" V
		"'Statement':{'Effect':'Allow','Action':'s3:*','NotAction':'s3:*','Resource':'*'}}",
		SYNTAX },
	{ POLICY_IDENTITY,
		"{" V
		"'Statement':{'Effect':'Allow','Action':'s3:*','Resource':'*','NotResource':'*'}}",
		SYNTAX },
	{ POLICY_IDENTITY,
		"{" V "'Statement':{'Effect':'Allow','Action':'invalid','Resource':'*'}}",
		"Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc." },
	{ POLICY_IDENTITY,
		"{" V "'Statement':{'Effect':'Allow','Action':'a a:List','Resource':'*'}}",
		"Vendor a a is not valid" },
	{ POLICY_IDENTITY, "{" V "'Statement':{'Effect':'Allow','Action':'s3:a:b','Resource':'*'}}",
		"Actions/Condition can contain only one colon." },
	{ POLICY_IDENTITY, "{" V "'Statement':{'Effect':'Allow','Action':5,'Resource':'*'}}",
		SYNTAX },
	{ POLICY_IDENTITY,
		"{" V "'Statement':{'Effect':'Allow','Action':'s3:*','Resource':'bucket'}}",
		"Resource bucket must be in ARN format or \"*\"." },
	{ POLICY_IDENTITY,
		"{" V "'Statement':{'Effect':'Allow','Action':'s3:*','Resource':'arn:aws:s3'}}",
		"The policy failed legacy parsing" },
	{ POLICY_IDENTITY,
		"{" V "'Statement':{'Effect':'Allow','Action':'s3:*','Resource':'arn:foo:s3:::b'}}",
		"Partition \"foo\" is not valid for resource \"arn:foo:s3:::b\"." },
	{ POLICY_IDENTITY,
		"{" V "'Statement':{'Effect':'Allow','Action':'s3:*','Resource':'arn:aws:s?:::b'}}",
		"Resource vendor must be fully qualified and cannot contain regexes." },
	{ POLICY_IDENTITY,
		"{" V
		"'Statement':{'Effect':'Allow','Principal':'*','Action':'s3:*','Resource':'*'}}",
		"Policy document should not specify a principal." },
	{ POLICY_IDENTITY,
		"{" V "'Statement':[{'Sid':'a','Effect':'Allow','Action':'s3:*','Resource':'*'},"
		"{'Sid':'a','Effect':'Deny','Action':'s3:*','Resource':'*'}]}",
		"Statement IDs (SID) in a single policy must be unique." },
	{ POLICY_IDENTITY,
		"{" V
		"'Statement':{'Effect':'Allow','Action':'s3:*','Resource':'*','Condition':'x'}}",
		SYNTAX },
	{ POLICY_IDENTITY,
		"{" V "'Statement':{'Effect':'Allow','Action':'s3:*','Resource':'*','Condition':{'"
		"Like':{'a:b':'c'}}}}",
		SYNTAX },
	{ POLICY_IDENTITY,
		"{" V "'Statement':{'Effect':'Allow','Action':'s3:*','Resource':'*','Condition':{'"
		"NullIfExists':{'a:b':'true'}}}}",
		SYNTAX },
	{ POLICY_IDENTITY,
		"{" V "'Statement':{'Effect':'Allow','Action':'s3:*','Resource':'*','Condition':{'"
		"Bool':{'a:b':{}}}}}",
		SYNTAX },
	{ POLICY_BUCKET,
		"{'Statement':{'Effect':'Allow','Principal':'*','Action':'s3:*','Resource':'arn:"
		"aws:s3:::b'}}",
		"" },
	{ POLICY_BUCKET,
		"{'Version':'2008-10-17','Statement':{'Effect':'Allow','Principal':{'AWS':['"
		"111111111111']},'Action':'s3:*','Resource':'*'}}",
		"" },
	{ POLICY_BUCKET, "x", "Policies must be valid JSON and the first byte must be '{'" },
	{ POLICY_BUCKET, "{" V "'Statement':[]}",
		"Could not parse the policy: Statement is empty!" },
	{ POLICY_BUCKET, "{" V "'Id':'x'}", "Missing required field Statement" },
	{ POLICY_BUCKET, "{'Version':'1','Statement':" OK_STATEMENT "}",
		"The policy must contain a valid version string" },
	{ POLICY_BUCKET, "{" V "'Extra':1,'Statement':" OK_STATEMENT "}", "Unknown field Extra" },
	{ POLICY_BUCKET, "{" V "'Statement':" OK_STATEMENT "}",
		"Missing required field Principal" },
	{ POLICY_BUCKET, "{" V "'Statement':{'Principal':'*','Action':'s3:*','Resource':'*'}}",
		"Missing required field Effect" },
	{ POLICY_BUCKET,
		"{" V
		"'Statement':{'Effect':'Maybe','Principal':'*','Action':'s3:*','Resource':'*'}}",
		"Invalid effect: Maybe" },
	{ POLICY_BUCKET, "{" V "'Statement':{'Effect':'Allow','Principal':'*','Resource':'*'}}",
		"Missing required field Action" },
	{ POLICY_BUCKET, "{" V "'Statement':{'Effect':'Allow','Principal':'*','Action':'s3:*'}}",
		"Missing required field Resource" },
	{ POLICY_BUCKET,
		"{" V
		"'Statement':{'Effect':'Allow','Principal':'*','Action':'sqs:*','Resource':'*'}}",
		"Policy has invalid action" },
	{ POLICY_BUCKET,
		"{" V
		"'Statement':{'Effect':'Allow','Principal':'*','Action':'s3:*','Resource':'b/*'}}",
		"Policy has invalid resource" },
	{ POLICY_BUCKET,
		"{" V
		"'Statement':{'Effect':'Allow','Principal':'x','Action':'s3:*','Resource':'*'}}",
		"Invalid principal in policy" },
	{ POLICY_BUCKET,
		"{" V "'Statement':{'Effect':'Allow','Principal':{'AWS':'x'},'Action':'s3:*','"
		"Resource':'*'}}",
		"Invalid principal in policy" },
	{ POLICY_BUCKET,
		"{" V "'Statement':{'Effect':'Allow','Principal':{'AWS':[]},'Action':'s3:*','"
		"Resource':'*'}}",
		"Invalid principal in policy" },
	{ POLICY_BUCKET,
		"{" V "'Statement':{'Effect':'Allow','Principal':{'AWS':'arn:aws:iam::111111111111:"
		"user/*'},'Action':'s3:*','Resource':'*'}}",
		"Invalid principal in policy" },
	{ POLICY_BUCKET,
		"{" V "'Statement':{'Effect':'Allow','Principal':{'Amazon':'*'},'Action':'s3:*','"
		"Resource':'*'}}",
		"Invalid principal in policy" },
	{ POLICY_BUCKET,
		"{" V "'Statement':{'Effect':'Allow','Principal':'*','Action':'s3:*','Resource':'*'"
		",'Condition':{'Foo':{'a:b':'c'}}}}",
		"Invalid Condition type : Foo" },
	{ POLICY_BUCKET,
		"{" V "'Statement':{'Effect':'Allow','Principal':'*','Action':'s3:*','Resource':'*'"
		",'Condition':{'Bool':{'ab':'c'}}}}",
		"Policy has an invalid condition key" },
	{ POLICY_TRUST,
		"{" V "'Statement':{'Effect':'Allow','Principal':{'Service':'ec2.amazonaws.com'},'"
		"Action':'sts:AssumeRole'}}",
		"" },
	{ POLICY_TRUST,
		"{" V "'Statement':{'Effect':'Allow','Principal':'*','Action':'sts:AssumeRole','"
		"Resource':'*'}}",
		"Has prohibited field Resource." },
	{ POLICY_TRUST,
		"{" V "'Statement':{'Effect':'Allow','Principal':'*','Action':'s3:GetObject'}}",
		"Trust Policy statement actions can only be sts:AssumeRole, "
		"sts:AssumeRoleWithSAML,  and sts:AssumeRoleWithWebIdentity" },
	{ POLICY_RESOURCE,
		"{" V "'Statement':{'Effect':'Allow','Principal':{'AWS':'nobody'},'Action':'sqs:*',"
		"'Resource':'*'}}",
		"Invalid principal in policy: \"AWS\":\"nobody\"" },
};

TEST(policy_documents)
{
	for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
		char message[POLICY_MESSAGE_MAX];
		struct policy *p = NULL;
		int r = parse(documents[i].text, documents[i].form, &p, message);
		if (strcmp(message, documents[i].message) != 0 || (r == 0) != (message[0] == '\0'))
			fail_msg("%s\ngot  %s\nwant %s", documents[i].text, message,
				documents[i].message);
		policy_unref(p);
	}
}

/* Elements of an Allow in a bucket's policy: is it public by S3's definition? */
static const struct {
	const char *elements;
	int is_public;
} publics[] = {
	{ "'Principal':'*'", 1 },
	{ "'Principal':{'AWS':'*'}", 1 },
	{ "'Principal':{'AWS':['111111111111','*']}", 1 },
	{ "'Principal':{'AWS':'111111111111'}", 0 },
	{ "'Principal':{'AWS':'arn:aws:iam::111111111111:user/a'}", 0 },
	{ "'Principal':{'Service':'cloudtrail.amazonaws.com'}", 0 },
	{ "'NotPrincipal':{'AWS':'111111111111'}", 1 },
	{ "'Principal':'*','Condition':{'StringEquals':{'aws:SourceVpc':'vpc-91237329'}}", 0 },
	{ "'Principal':'*','Condition':{'StringLike':{'aws:SourceVpc':'vpc-*'}}", 1 },
	{ "'Principal':'*','Condition':{'StringEquals':{'aws:SourceVpce':['vpce-1','vpce-2']}}",
		0 },
	{ "'Principal':'*','Condition':{'StringNotEquals':{'aws:SourceVpc':'vpc-1'}}", 1 },
	{ "'Principal':'*','Condition':{'StringEqualsIfExists':{'aws:SourceVpc':'vpc-1'}}", 1 },
	{ "'Principal':'*','Condition':{'ForAllValues:StringEquals':{'aws:SourceVpc':'vpc-1'}}",
		1 },
	{ "'Principal':'*','Condition':{'StringEquals':{'aws:SourceAccount':'111111111111'}}", 0 },
	{ "'Principal':'*','Condition':{'StringEquals':{'aws:PrincipalOrgID':'o-1'}}", 0 },
	{ "'Principal':'*','Condition':{'StringEquals':{'aws:PrincipalOrgID':'${aws:username}'}}",
		1 },
	{ "'Principal':'*','Condition':{'ArnEquals':{'aws:SourceArn':'arn:aws:sns:us-east-1:"
	  "111111111111:t'}}",
		0 },
	{ "'Principal':'*','Condition':{'ArnLike':{'aws:SourceArn':'arn:aws:sns:*:*:*'}}", 1 },
	{ "'Principal':'*','Condition':{'IpAddress':{'aws:SourceIp':'203.0.113.0/24'}}", 0 },
	{ "'Principal':'*','Condition':{'IpAddress':{'aws:SourceIp':['203.0.113.0/24','0.0.0.0/"
	  "0']}}",
		1 },
	{ "'Principal':'*','Condition':{'IpAddress':{'aws:SourceIp':'0.0.0.0/1'}}", 1 },
	{ "'Principal':'*','Condition':{'IpAddress':{'aws:SourceIp':'20.0.0.0/8'}}", 0 },
	{ "'Principal':'*','Condition':{'IpAddress':{'aws:SourceIp':'20.0.0.0/7'}}", 1 },
	{ "'Principal':'*','Condition':{'IpAddress':{'aws:SourceIp':'10.0.0.0/8'}}", 0 },
	{ "'Principal':'*','Condition':{'IpAddress':{'aws:SourceIp':'2001:db8::/32'}}", 0 },
	{ "'Principal':'*','Condition':{'IpAddress':{'aws:SourceIp':'2001::/16'}}", 1 },
	{ "'Principal':'*','Condition':{'NotIpAddress':{'aws:SourceIp':'203.0.113.0/24'}}", 1 },
	{ "'Principal':'*','Condition':{'StringEquals':{'aws:userid':'AIDAX'}}", 0 },
	{ "'Principal':'*','Condition':{'StringLike':{'aws:userid':'AROAX:*'}}", 1 },
	{ "'Principal':'*','Condition':{'StringLike':{'aws:Referer':'https://example.com/x'}}", 1 },
	{ "'Principal':'*','Condition':{'Bool':{'aws:SecureTransport':'true'}}", 1 },
	{ "'Principal':'*','Condition':{'StringLike':{'s3:DataAccessPointArn':'arn:aws:s3:us-west-"
	  "2:111111111111:accesspoint/*'}}",
		0 },
	{ "'Principal':'*','Condition':{'StringLike':{'s3:DataAccessPointArn':'arn:aws:s3:us-west-"
	  "2:*'}}",
		1 },
};

TEST(policy_public)
{
	for (size_t i = 0; i < sizeof(publics) / sizeof(publics[0]); i++)
		for (int deny = 0; deny < 2; deny++) {
			char text[700], message[POLICY_MESSAGE_MAX];
			struct policy *p = NULL;
			snprintf(text, sizeof(text),
				"{" V
				"'Statement':[{'Effect':'Deny','Principal':'*','Action':'s3:*',"
				"'Resource':'*'},{'Effect':'%s','Action':'s3:GetObject','Resource':"
				"'arn:aws:s3:::b/*',%s}]}",
				deny ? "Deny" : "Allow", publics[i].elements);
			if (parse(text, POLICY_BUCKET, &p, message))
				fail_msg("%s: %s", text, message);
			if (policy_is_public(p) != (publics[i].is_public && !deny))
				fail_msg("%s: expected %d", text, publics[i].is_public);
			policy_unref(p);
		}
}

TEST(policy_resources_stay_in_their_bucket)
{
	static const struct {
		const char *resources;
		int within;
	} cases[] = {
		{ "'arn:aws:s3:::b'", 1 },
		{ "'arn:aws:s3:::b/*'", 1 },
		{ "['arn:aws:s3:::b','arn:aws:s3:::b/x/*']", 1 },
		{ "'arn:aws:s3:::bc'", 0 },
		{ "'arn:aws:s3:::c/*'", 0 },
		{ "['arn:aws:s3:::b','arn:aws:s3:::c']", 0 },
		{ "'*'", 1 },
		{ "'arn:aws:s3:::*'", 0 },
		{ "'arn:aws:s3:::b*'", 1 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[300], message[POLICY_MESSAGE_MAX];
		struct policy *p = NULL;
		snprintf(text, sizeof(text),
			"{" V "'Statement':{'Effect':'Allow','Principal':'*','Action':'s3:*',"
			"'Resource':%s}}",
			cases[i].resources);
		assert_int_equal(parse(text, POLICY_BUCKET, &p, message), 0);
		assert_int_equal(
			policy_resources_within(p, STR("arn:aws:s3:::b")), cases[i].within);
		assert_int_equal(policy_statements_n(p), 1);
		policy_unref(p);
	}
}

TEST(policy_is_shared_by_reference)
{
	char message[POLICY_MESSAGE_MAX];
	struct policy *p = NULL;
	assert_int_equal(
		parse("{" V "'Statement':" OK_STATEMENT "}", POLICY_IDENTITY, &p, message), 0);
	assert_ptr_equal(policy_ref(p), p);
	policy_unref(p);
	assert_int_equal(policy_statements_n(p), 1);
	policy_unref(p);
	policy_unref(NULL);
}

TEST(policy_cached_finds_by_text_and_form)
{
	struct str text = STR("{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\","
			      "\"Principal\":\"*\",\"Action\":\"sqs:*\",\"Resource\":\"*\"}}");
	struct policy *one = policy_cached(text, POLICY_RESOURCE);
	struct policy *same = policy_cached(text, POLICY_RESOURCE);
	assert_non_null(one);
	assert_ptr_equal(one, same);
	/* No principal may stand in an identity policy. */
	assert_null(policy_cached(text, POLICY_IDENTITY));
	assert_null(policy_cached(STR("{"), POLICY_RESOURCE));
	policy_unref(one);
	policy_unref(same);
}
