#include "aws/policy.h"
#include "base/buf.h"
#include "unit.h"

#include <stdio.h>

/*
 * Tables of policies and of what AWS documents for them. Single quotes stand for double ones.
 */
#define NOW_MS 1767312245000 /* 2026-01-02T00:04:05Z */

static struct policy *
compile(const char *text, enum policy_form form)
{
	char json[4096], message[POLICY_MESSAGE_MAX] = "";
	struct policy *p = NULL;
	snprintf(json, sizeof(json), "%s", text);
	for (char *c = json; *c; c++)
		if (*c == '\'')
			*c = '"';
	if (policy_parse(str_c(json), form, &p, message))
		fail_msg("%s\n%s", message, json);
	return p;
}

/* "a|b" to values; "(empty)" to a key without values; NULL: absent. */
static void
key_set(struct policy_key *key, struct str values[8], const char *name, const char *text)
{
	*key = (struct policy_key){ str_c(name), values, 0 };
	if (strcmp(text, "(empty)") == 0)
		return;
	for (struct str rest = str_c(text); rest.p;)
		values[key->values_n++] = str_cut(&rest, '|');
}

/*
 * Condition operators: does {operator: {key: values}} hold for these values of the request?
 */
static const struct {
	const char *op, *values, *request;
	int holds;
} conditions[] = {
	{ "StringEquals", "'a'", "a", 1 },
	{ "StringEquals", "'a'", "A", 0 },
	{ "StringEquals", "'a'", "ab", 0 },
	{ "StringEquals", "'a'", "", 0 },
	{ "StringEquals", "''", "", 1 },
	{ "StringEquals", "['a','b']", "b", 1 },
	{ "StringEquals", "['a','b']", "c", 0 },
	{ "StringEquals", "'a*'", "ab", 0 }, /* no wildcards */
	{ "StringEquals", "'a*'", "a*", 1 },
	{ "StringEquals", "'a'", NULL, 0 },
	{ "StringEquals", "'a'", "(empty)", 0 },
	{ "StringEquals", "true", "true", 1 },
	{ "StringEquals", "5", "5", 1 },
	{ "StringEquals", "[]", "a", 0 },
	{ "stringequals", "'a'", "a", 1 }, /* names of operators know no case */
	{ "StringNotEquals", "'a'", "b", 1 },
	{ "StringNotEquals", "'a'", "a", 0 },
	{ "StringNotEquals", "['a','b']", "b", 0 }, /* several values: none of them */
	{ "StringNotEquals", "['a','b']", "c", 1 },
	{ "StringNotEquals", "'a'", NULL, 1 }, /* what is not there is not equal */
	{ "StringEqualsIgnoreCase", "'Abc'", "aBC", 1 },
	{ "StringEqualsIgnoreCase", "'Abc'", "aBd", 0 },
	{ "StringEqualsIgnoreCase", "'Abc'", NULL, 0 },
	{ "StringNotEqualsIgnoreCase", "'Abc'", "aBC", 0 },
	{ "StringNotEqualsIgnoreCase", "'Abc'", "x", 1 },
	{ "StringNotEqualsIgnoreCase", "'Abc'", NULL, 1 },
	{ "StringLike", "'a*c'", "abc", 1 },
	{ "StringLike", "'a*c'", "ac", 1 },
	{ "StringLike", "'a*c'", "acd", 0 },
	{ "StringLike", "'a?c'", "abc", 1 },
	{ "StringLike", "'a?c'", "ac", 0 },
	{ "StringLike", "'A*'", "abc", 0 },
	{ "StringLike", "'home/*'", "home/x/y", 1 },
	{ "StringLike", "['x*','*c']", "abc", 1 },
	{ "StringLike", "'*'", "", 1 },
	{ "StringLike", "'*'", NULL, 0 },
	{ "StringNotLike", "'a*'", "abc", 0 },
	{ "StringNotLike", "'a*'", "bc", 1 },
	{ "StringNotLike", "['a*','b*']", "bc", 0 },
	{ "StringNotLike", "'a*'", NULL, 1 },
	{ "NumericEquals", "'5'", "5.0", 1 },
	{ "NumericEquals", "5", "6", 0 },
	{ "NumericEquals", "'5'", "five", 0 },
	{ "NumericEquals", "'five'", "5", 0 },
	{ "NumericEquals", "'5'", NULL, 0 },
	{ "NumericNotEquals", "'5'", "6", 1 },
	{ "NumericNotEquals", "'5'", "5", 0 },
	{ "NumericNotEquals", "'5'", NULL, 1 },
	{ "NumericLessThan", "'10'", "9", 1 },
	{ "NumericLessThan", "'10'", "10", 0 },
	{ "NumericLessThan", "'10'", "-1", 1 },
	{ "NumericLessThanEquals", "'10'", "10", 1 },
	{ "NumericLessThanEquals", "'10'", "10.01", 0 },
	{ "NumericGreaterThan", "'10'", "9", 0 },
	{ "NumericGreaterThan", "'10'", "100", 1 }, /* numbers, not text */
	{ "NumericGreaterThanEquals", "'10'", "10", 1 },
	{ "NumericGreaterThanEquals", "'10'", NULL, 0 },
	{ "DateEquals", "'2026-01-02T00:00:00Z'", "2026-01-02T00:00:00Z", 1 },
	{ "DateEquals", "'2026-01-02T00:00:00Z'", "1767312000", 1 }, /* epoch seconds */
	{ "DateEquals", "'2026-01-02T00:00:00Z'", "2026-01-02T00:00:01Z", 0 },
	{ "DateNotEquals", "'2026-01-02T00:00:00Z'", "2026-01-02T00:00:01Z", 1 },
	{ "DateNotEquals", "'2026-01-02T00:00:00Z'", NULL, 1 },
	{ "DateLessThan", "'2026-01-02T00:00:00Z'", "2026-01-01T23:59:59Z", 1 },
	{ "DateLessThan", "'2026-01-02T00:00:00Z'", "2026-01-02T00:00:00Z", 0 },
	{ "DateLessThanEquals", "'2026-01-02T00:00:00Z'", "2026-01-02T00:00:00Z", 1 },
	{ "DateGreaterThan", "'2026-01-02T00:00:00Z'", "2026-01-02T00:00:00Z", 0 },
	{ "DateGreaterThan", "'2026-01-02T00:00:00Z'", "2026-01-03T00:00:00Z", 1 },
	{ "DateGreaterThanEquals", "'2026-01-02T00:00:00Z'", "2026-01-02T00:00:00Z", 1 },
	{ "DateGreaterThan", "'soon'", "2026-01-03T00:00:00Z", 0 },
	{ "Bool", "'true'", "true", 1 },
	{ "Bool", "true", "true", 1 },
	{ "Bool", "'true'", "false", 0 },
	{ "Bool", "'false'", "false", 1 },
	{ "Bool", "'TRUE'", "true", 1 },
	{ "Bool", "'false'", NULL, 0 }, /* absent is not false */
	{ "Bool", "'true'", "yes", 0 },
	{ "BinaryEquals", "'QmluYXJ5'", "QmluYXJ5", 1 },
	{ "BinaryEquals", "'QmluYXJ5'", "QmluYXJ6", 0 },
	{ "IpAddress", "'203.0.113.0/24'", "203.0.113.200", 1 },
	{ "IpAddress", "'203.0.113.0/24'", "203.0.114.1", 0 },
	{ "IpAddress", "'203.0.113.5'", "203.0.113.5", 1 },
	{ "IpAddress", "'203.0.113.5'", "203.0.113.6", 0 },
	{ "IpAddress", "'0.0.0.0/0'", "8.8.8.8", 1 },
	{ "IpAddress", "'0.0.0.0/0'", "2001:db8::1", 0 },
	{ "IpAddress", "'203.0.113.128/25'", "203.0.113.127", 0 },
	{ "IpAddress", "'203.0.113.128/25'", "203.0.113.128", 1 },
	{ "IpAddress", "'2001:db8:1234:5678::/64'", "2001:db8:1234:5678::9", 1 },
	{ "IpAddress", "'2001:db8:1234:5678::/64'", "2001:db8:1234:5679::9", 0 },
	{ "IpAddress", "['10.0.0.0/8','2001:db8::/32']", "2001:db8::1", 1 },
	{ "IpAddress", "'10.0.0.0/8'", "::ffff:10.1.2.3", 1 },
	{ "IpAddress", "'10.0.0.0/33'", "10.0.0.1", 0 },
	{ "IpAddress", "'10.0.0.0/8'", NULL, 0 },
	{ "NotIpAddress", "'203.0.113.0/24'", "203.0.113.200", 0 },
	{ "NotIpAddress", "'203.0.113.0/24'", "203.0.114.1", 1 },
	{ "NotIpAddress", "['10.0.0.0/8','203.0.113.0/24']", "203.0.113.1", 0 },
	{ "NotIpAddress", "'203.0.113.0/24'", NULL, 1 },
	{ "ArnEquals", "'arn:aws:sns:us-east-1:111111111111:t'",
		"arn:aws:sns:us-east-1:111111111111:t", 1 },
	{ "ArnEquals", "'arn:aws:sns:*:111111111111:*'", "arn:aws:sns:us-east-1:111111111111:t",
		1 },
	{ "ArnLike", "'arn:aws:sns:us-east-?:111111111111:t'",
		"arn:aws:sns:us-east-1:111111111111:t", 1 },
	{ "ArnLike", "'arn:aws:sns:us-east-1:111111111111:t'",
		"arn:aws:sns:us-east-1:111111111111:u", 0 },
	{ "ArnLike", "'arn:aws:sns:*:t'", "arn:aws:sns:us-east-1:111111111111:t",
		0 }, /* '*' stays in its piece */
	{ "ArnLike", "'arn:aws:s3:::b/*'", "arn:aws:s3:::b/x:y/z", 1 },
	{ "ArnLike", "'arn:aws:s3:::b'", NULL, 0 },
	{ "ArnNotEquals", "'arn:aws:s3:::b'", "arn:aws:s3:::c", 1 },
	{ "ArnNotEquals", "'arn:aws:s3:::b'", "arn:aws:s3:::b", 0 },
	{ "ArnNotLike", "'arn:aws:s3:::b*'", "arn:aws:s3:::bc", 0 },
	{ "ArnNotLike", "'arn:aws:s3:::b*'", NULL, 1 },
	{ "Null", "'true'", NULL, 1 },
	{ "Null", "'true'", "x", 0 },
	{ "Null", "'false'", NULL, 0 },
	{ "Null", "'false'", "x", 1 },
	{ "Null", "true", "(empty)", 1 },
	/* IfExists */
	{ "StringEqualsIfExists", "'a'", NULL, 1 },
	{ "StringEqualsIfExists", "'a'", "a", 1 },
	{ "StringEqualsIfExists", "'a'", "b", 0 },
	{ "StringNotEqualsIfExists", "'a'", "a", 0 },
	{ "NumericLessThanIfExists", "'5'", NULL, 1 },
	{ "NumericLessThanIfExists", "'5'", "6", 0 },
	{ "BoolIfExists", "'true'", NULL, 1 },
	{ "BoolIfExists", "'true'", "false", 0 },
	{ "IpAddressIfExists", "'10.0.0.0/8'", NULL, 1 },
	{ "ArnLikeIfExists", "'arn:aws:s3:::b'", "arn:aws:s3:::c", 0 },
	/* Several values without a set operator */
	{ "StringEquals", "'a'", "x|a", 1 },
	{ "StringNotEquals", "'a'", "x|a", 0 },
	{ "StringNotEquals", "'a'", "x|y", 1 },
	/* ForAllValues: every value of the request; nothing is also all */
	{ "ForAllValues:StringEquals", "['a','b']", "a", 1 },
	{ "ForAllValues:StringEquals", "['a','b']", "a|b", 1 },
	{ "ForAllValues:StringEquals", "['a','b']", "b|a|b", 1 },
	{ "ForAllValues:StringEquals", "['a','b']", "a|c", 0 },
	{ "ForAllValues:StringEquals", "['a','b']", NULL, 1 },
	{ "ForAllValues:StringEquals", "['a','b']", "(empty)", 1 },
	{ "ForAllValues:StringLike", "['a*']", "ab|ac", 1 },
	{ "ForAllValues:StringLike", "['a*']", "ab|bc", 0 },
	{ "ForAllValues:StringNotEquals", "['a','b']", "c|d", 1 },
	{ "ForAllValues:StringNotEquals", "['a','b']", "c|a", 0 },
	{ "ForAllValues:StringNotEquals", "['a','b']", NULL, 1 },
	{ "ForAllValues:NumericLessThan", "'5'", "1|2", 1 },
	{ "ForAllValues:NumericLessThan", "'5'", "1|7", 0 },
	{ "ForAllValues:ArnLike", "'arn:aws:s3:::b*'", "arn:aws:s3:::b|arn:aws:s3:::bc", 1 },
	/* ForAnyValue: at least one; nothing is not one */
	{ "ForAnyValue:StringEquals", "['a','b']", "x|b", 1 },
	{ "ForAnyValue:StringEquals", "['a','b']", "x|y", 0 },
	{ "ForAnyValue:StringEquals", "['a','b']", NULL, 0 },
	{ "ForAnyValue:StringEquals", "['a','b']", "(empty)", 0 },
	{ "ForAnyValue:StringNotEquals", "['a','b']", "a|c", 1 },
	{ "ForAnyValue:StringNotEquals", "['a','b']", "a|b", 0 },
	{ "ForAnyValue:StringNotEquals", "['a','b']", NULL, 0 },
	{ "ForAnyValue:StringLike", "'o-1/*/ou-2/*'", "o-1/r/ou-2/x|y", 1 },
	{ "ForAnyValue:StringEqualsIfExists", "'a'", NULL, 1 },
	{ "ForAnyValue:StringEqualsIfExists", "'a'", "b", 0 },
};

TEST(policy_conditions)
{
	for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++) {
		char text[600];
		struct str values[8];
		struct policy_key key;
		struct policy_result r;
		snprintf(text, sizeof(text),
			"{'Version':'2012-10-17','Statement':{'Effect':'Allow','Action':'*',"
			"'Resource':'*','Condition':{'%s':{'x:Key':%s}}}}",
			conditions[i].op, conditions[i].values);
		struct policy *p = compile(text, POLICY_IDENTITY);
		struct policy_context c = { .principal = { .kind = POLICY_USER,
						    .account = STR("111111111111") },
			.action = STR("s3:GetObject"),
			.resource = STR("arn:aws:s3:::b/k"),
			.identity = &p,
			.identity_n = 1 };
		if (conditions[i].request) {
			key_set(&key, values, "X:KEY", conditions[i].request);
			c.keys = &key;
			c.keys_n = 1;
		}
		policy_evaluate(&c, &r);
		if ((r.decision == POLICY_ALLOWED) != conditions[i].holds)
			fail_msg("%s %s with %s: expected %d", conditions[i].op,
				conditions[i].values,
				conditions[i].request ? conditions[i].request : "(absent)",
				conditions[i].holds);
		policy_unref(p);
	}
}

/*
 * What a statement speaks of: elements of the statement, the action and resource of the request.
 */
static const struct {
	const char *statement, *action, *resource;
	int holds;
} matches[] = {
	{ "'Action':'*','Resource':'*'", "s3:GetObject", "arn:aws:s3:::b/k", 1 },
	{ "'Action':'s3:GetObject','Resource':'*'", "s3:GetObject", "arn:aws:s3:::b/k", 1 },
	{ "'Action':'S3:getobject','Resource':'*'", "s3:GetObject", "arn:aws:s3:::b/k", 1 },
	{ "'Action':'s3:GetObject','Resource':'*'", "s3:GetObjectAcl", "arn:aws:s3:::b/k", 0 },
	{ "'Action':'s3:Get*','Resource':'*'", "s3:GetObjectAcl", "arn:aws:s3:::b/k", 1 },
	{ "'Action':'s3:Get*','Resource':'*'", "s3:PutObject", "arn:aws:s3:::b/k", 0 },
	{ "'Action':'s3:*Object','Resource':'*'", "s3:PutObject", "arn:aws:s3:::b/k", 1 },
	{ "'Action':'s3:?etObject','Resource':'*'", "s3:GetObject", "arn:aws:s3:::b/k", 1 },
	{ "'Action':'s3:?etObject','Resource':'*'", "s3:GGetObject", "arn:aws:s3:::b/k", 0 },
	{ "'Action':'s3:*','Resource':'*'", "s3express:GetObject", "arn:aws:s3:::b/k", 0 },
	{ "'Action':['s3:PutObject','s3:GetObject'],'Resource':'*'", "s3:GetObject",
		"arn:aws:s3:::b/k", 1 },
	{ "'Action':['s3:PutObject','sqs:*'],'Resource':'*'", "s3:GetObject", "arn:aws:s3:::b/k",
		0 },
	{ "'NotAction':'s3:GetObject','Resource':'*'", "s3:GetObject", "arn:aws:s3:::b/k", 0 },
	{ "'NotAction':'s3:GetObject','Resource':'*'", "s3:PutObject", "arn:aws:s3:::b/k", 1 },
	{ "'NotAction':['iam:*','s3:Get*'],'Resource':'*'", "s3:GetObject", "arn:aws:s3:::b/k", 0 },
	{ "'NotAction':['iam:*','s3:Get*'],'Resource':'*'", "sqs:SendMessage", "*", 1 },
	{ "'Action':'*','Resource':'arn:aws:s3:::b/k'", "s3:GetObject", "arn:aws:s3:::b/k", 1 },
	{ "'Action':'*','Resource':'arn:aws:s3:::b/k'", "s3:GetObject", "arn:aws:s3:::b/K", 0 },
	{ "'Action':'*','Resource':'arn:aws:s3:::b/*'", "s3:GetObject", "arn:aws:s3:::b/k/l/m", 1 },
	{ "'Action':'*','Resource':'arn:aws:s3:::b/*'", "s3:ListBucket", "arn:aws:s3:::b", 0 },
	{ "'Action':'*','Resource':'arn:aws:s3:::b'", "s3:GetObject", "arn:aws:s3:::b/k", 0 },
	{ "'Action':'*','Resource':'arn:aws:s3:::b*'", "s3:GetObject", "arn:aws:s3:::bucket/k", 1 },
	{ "'Action':'*','Resource':'arn:aws:s3:::?/k'", "s3:GetObject", "arn:aws:s3:::b/k", 1 },
	{ "'Action':'*','Resource':'arn:aws:s3:::b/*.jpg'", "s3:GetObject", "arn:aws:s3:::b/a.jpg",
		1 },
	{ "'Action':'*','Resource':'arn:aws:s3:::b/*.jpg'", "s3:GetObject", "arn:aws:s3:::b/a.png",
		0 },
	{ "'Action':'*','Resource':['arn:aws:s3:::a','arn:aws:s3:::b']", "s3:ListBucket",
		"arn:aws:s3:::b", 1 },
	{ "'Action':'*','NotResource':'arn:aws:s3:::b/*'", "s3:GetObject", "arn:aws:s3:::b/k", 0 },
	{ "'Action':'*','NotResource':'arn:aws:s3:::b/*'", "s3:GetObject", "arn:aws:s3:::c/k", 1 },
	{ "'Action':'*','NotResource':['arn:aws:s3:::b','arn:aws:s3:::c/*']", "s3:GetObject",
		"arn:aws:s3:::c/k", 0 },
	{ "'Action':'*','Resource':'arn:aws:sqs:*:111111111111:q'", "sqs:SendMessage",
		"arn:aws:sqs:us-east-1:111111111111:q", 1 },
	{ "'Action':'*','Resource':'arn:aws:sqs:*:111111111111:q'", "sqs:SendMessage",
		"arn:aws:sqs:us-east-1:222222222222:q", 0 },
	{ "'Action':'*','Resource':'arn:aws:s3:::b/*'", "s3:ListAllMyBuckets", "*", 0 },
	/* Every condition must hold, whichever operator it is under. */
	{ "'Action':'*','Resource':'*','Condition':{'StringEquals':{'x:A':'1','x:B':'2'}}",
		"s3:GetObject", "*", 1 },
	{ "'Action':'*','Resource':'*','Condition':{'StringEquals':{'x:A':'1','x:B':'3'}}",
		"s3:GetObject", "*", 0 },
	{ "'Action':'*','Resource':'*','Condition':{'StringEquals':{'x:A':'1'},'Null':{'x:B':'true'"
	  "}}",
		"s3:GetObject", "*", 0 },
	{ "'Action':'*','Resource':'*','Condition':{}", "s3:GetObject", "*", 1 },
	/* Keys that the evaluator knows by itself */
	{ "'Action':'*','Resource':'*','Condition':{'StringEquals':{'aws:username':'alice'}}",
		"s3:GetObject", "*", 1 },
	{ "'Action':'*','Resource':'*','Condition':{'StringEquals':{'aws:userid':'"
	  "AIDAALICEALICEALICE0'}}",
		"s3:GetObject", "*", 1 },
	{ "'Action':'*','Resource':'*','Condition':{'ArnEquals':{'aws:PrincipalArn':'arn:aws:iam::"
	  "111111111111:user/alice'}}",
		"s3:GetObject", "*", 1 },
	{ "'Action':'*','Resource':'*','Condition':{'StringEquals':{'aws:PrincipalAccount':'"
	  "111111111111'}}",
		"s3:GetObject", "*", 1 },
	{ "'Action':'*','Resource':'*','Condition':{'StringEquals':{'aws:PrincipalType':'User'}}",
		"s3:GetObject", "*", 1 },
	{ "'Action':'*','Resource':'*','Condition':{'StringNotEquals':{'aws:ResourceAccount':'${"
	  "aws:PrincipalAccount}'}}",
		"s3:GetObject", "*", 0 },
	{ "'Action':'*','Resource':'*','Condition':{'DateLessThan':{'aws:CurrentTime':'2026-01-"
	  "02T00:04:06Z'}}",
		"s3:GetObject", "*", 1 },
	{ "'Action':'*','Resource':'*','Condition':{'DateLessThan':{'aws:CurrentTime':'2026-01-"
	  "02T00:04:05Z'}}",
		"s3:GetObject", "*", 0 },
	{ "'Action':'*','Resource':'*','Condition':{'NumericEquals':{'aws:EpochTime':'1767312245'}"
	  "}",
		"s3:GetObject", "*", 1 },
	{ "'Action':'*','Resource':'*','Condition':{'Null':{'aws:TokenIssueTime':'true'}}",
		"s3:GetObject", "*", 1 },
	/* Variables */
	{ "'Action':'*','Resource':'arn:aws:s3:::b/home/${aws:username}/*'", "s3:GetObject",
		"arn:aws:s3:::b/home/alice/x", 1 },
	{ "'Action':'*','Resource':'arn:aws:s3:::b/home/${aws:username}/*'", "s3:GetObject",
		"arn:aws:s3:::b/home/bob/x", 0 },
	{ "'Action':'*','Resource':'arn:aws:s3:::b/home/${AWS:UserName}/*'", "s3:GetObject",
		"arn:aws:s3:::b/home/alice/x", 1 },
	{ "'Action':'*','Resource':'arn:aws:s3:::b/${aws:userid}'", "s3:GetObject",
		"arn:aws:s3:::b/AIDAALICEALICEALICE0", 1 },
	{ "'Action':'*','Resource':'arn:aws:s3:::${x:A}${x:B}/*'", "s3:GetObject",
		"arn:aws:s3:::12/x", 1 },
	{ "'Action':'*','Resource':'arn:aws:s3:::b/${x:Star}'", "s3:GetObject",
		"arn:aws:s3:::b/anything", 0 }, /* a value's '*' is no wildcard */
	{ "'Action':'*','Resource':'arn:aws:s3:::b/${x:Star}'", "s3:GetObject", "arn:aws:s3:::b/*",
		1 },
	{ "'Action':'*','Resource':'arn:aws:s3:::b/${x:None}'", "s3:GetObject", "arn:aws:s3:::b/",
		0 },
	{ "'Action':'*','Resource':'arn:aws:s3:::b/${x:None}*'", "s3:GetObject", "arn:aws:s3:::b/x",
		0 },
	{ "'Action':'*','NotResource':'arn:aws:s3:::b/${x:None}'", "s3:GetObject",
		"arn:aws:s3:::b/x", 0 },
	{ "'Action':'*','Resource':'arn:aws:s3:::b/${x:Two}'", "s3:GetObject", "arn:aws:s3:::b/p",
		0 }, /* of several values none */
	{ "'Action':'*','Resource':'arn:aws:s3:::b/${x:None, \\u0027all\\u0027}/*'", "s3:GetObject",
		"arn:aws:s3:::b/all/x", 1 },
	{ "'Action':'*','Resource':'arn:aws:s3:::b/${x:A, \\u0027all\\u0027}/*'", "s3:GetObject",
		"arn:aws:s3:::b/all/x", 0 },
	{ "'Action':'*','Resource':'arn:aws:s3:::b/${*}'", "s3:GetObject", "arn:aws:s3:::b/x", 0 },
	{ "'Action':'*','Resource':'arn:aws:s3:::b/${*}'", "s3:GetObject", "arn:aws:s3:::b/*", 1 },
	{ "'Action':'*','Resource':'arn:aws:s3:::b/${?}'", "s3:GetObject", "arn:aws:s3:::b/?", 1 },
	{ "'Action':'*','Resource':'arn:aws:s3:::b/${$}{x}'", "s3:GetObject", "arn:aws:s3:::b/${x}",
		1 },
	{ "'Action':'*','Resource':'arn:aws:s3:::b/${x'", "s3:GetObject", "arn:aws:s3:::b/${x", 1 },
	{ "'Action':'*','Resource':'*','Condition':{'StringLike':{'x:Prefix':'${aws:username}/*'}}",
		"s3:ListBucket", "*", 1 },
	{ "'Action':'*','Resource':'*','Condition':{'StringEquals':{'x:Prefix':'${aws:username}/"
	  "*'}}",
		"s3:ListBucket", "*", 0 },
	{ "'Action':'*','Resource':'*','Condition':{'StringEquals':{'x:A':'${x:A}'}}",
		"s3:ListBucket", "*", 1 },
	{ "'Action':'*','Resource':'*','Condition':{'StringEquals':{'aws:userid':'${aws:username}'}"
	  "}",
		"s3:ListBucket", "*", 0 },
	{ "'Action':'*','Resource':'*','Condition':{'StringEqualsIgnoreCase':{'x:Name':'${aws:"
	  "username}'}}",
		"s3:ListBucket", "*", 1 },
	{ "'Action':'*','Resource':'*','Condition':{'StringEquals':{'x:A':'${x:None}'}}",
		"s3:ListBucket", "*", 0 },
	{ "'Action':'*','Resource':'*','Condition':{'StringNotEquals':{'x:A':'${x:None}'}}",
		"s3:ListBucket", "*", 1 },
	{ "'Action':'*','Resource':'*','Condition':{'ArnLike':{'aws:PrincipalArn':'arn:aws:iam::${"
	  "aws:PrincipalAccount}:user/*'}}",
		"s3:ListBucket", "*", 1 },
	{ "'Action':'*','Resource':'*','Condition':{'ArnLike':{'aws:PrincipalArn':'arn:aws:iam::${"
	  "x:A}:user/*'}}",
		"s3:ListBucket", "*", 0 },
};

TEST(policy_statements)
{
	for (size_t i = 0; i < sizeof(matches) / sizeof(matches[0]); i++) {
		char text[800];
		struct str values[6][8];
		struct policy_key keys[6];
		struct policy_result r;
		key_set(&keys[0], values[0], "x:A", "1");
		key_set(&keys[1], values[1], "x:B", "2");
		key_set(&keys[2], values[2], "x:Star", "*");
		key_set(&keys[3], values[3], "x:Two", "p|q");
		key_set(&keys[4], values[4], "x:Prefix", "alice/docs");
		key_set(&keys[5], values[5], "x:Name", "ALICE");
		snprintf(text, sizeof(text),
			"{'Version':'2012-10-17','Statement':[{'Effect':'Allow',%s}]}",
			matches[i].statement);
		struct policy *p = compile(text, POLICY_IDENTITY);
		struct policy_context c = { .principal = { .kind = POLICY_USER,
						    .account = STR("111111111111"),
						    .arn = STR(
							    "arn:aws:iam::111111111111:user/alice"),
						    .name = STR("alice"),
						    .user_id = STR("AIDAALICEALICEALICE0") },
			.action = str_c(matches[i].action),
			.resource = str_c(matches[i].resource),
			.keys = keys,
			.keys_n = 6,
			.now_ms = NOW_MS,
			.identity = &p,
			.identity_n = 1 };
		policy_evaluate(&c, &r);
		if ((r.decision == POLICY_ALLOWED) != matches[i].holds)
			fail_msg("%s: %s on %s: expected %d", matches[i].statement,
				matches[i].action, matches[i].resource, matches[i].holds);
		policy_unref(p);
	}
}

/* In the version of 2008 "${" is text like any other. */
TEST(policy_old_version_has_no_variables)
{
	struct policy *p =
		compile("{'Version':'2008-10-17','Statement':{'Effect':'Allow','Principal':'*',"
			"'Action':'s3:GetObject','Resource':'arn:aws:s3:::b/${aws:username}'}}",
			POLICY_BUCKET);
	struct policy_result r;
	struct policy_context c = { .principal = { .kind = POLICY_USER,
					    .account = STR("111111111111"),
					    .name = STR("alice"),
					    .arn = STR("arn:aws:iam::111111111111:user/alice") },
		.action = STR("s3:GetObject"),
		.resource = STR("arn:aws:s3:::b/alice"),
		.resource_policy = p };
	policy_evaluate(&c, &r);
	assert_int_equal(r.decision, POLICY_DENIED_IMPLICIT);
	c.resource = STR("arn:aws:s3:::b/${aws:username}");
	policy_evaluate(&c, &r);
	assert_int_equal(r.decision, POLICY_ALLOWED);
	policy_unref(p);
}
