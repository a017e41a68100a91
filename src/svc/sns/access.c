/* Who may: the topic's policy beside the caller's own. */
#include "aws/arn.h"
#include "aws/authorize.h"
#include "aws/policy.h"
#include "base/text.h"
#include "svc/sns/internal.h"

#include <errno.h>

int
sns_invalid(struct call *c, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	struct str text = arena_vprintf(c->arena, fmt, ap);
	va_end(ap);
	return call_fail(c, &SNS_InvalidParameter, "Invalid parameter: %.*s", STR_FMT(text));
}

/* It goes into messages and links: nothing but what a host and port are made of. */
static bool
host_is_plain(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		char ch = s.p[i];
		if (!((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
			    (ch >= '0' && ch <= '9') || str_find(STR(".-:[]_"), ch) >= 0))
			return false;
	}
	return s.len > 0 && s.len < 300;
}

struct str
sns_base_url(struct call *c)
{
	struct str host = host_is_plain(c->host) ? c->host : STR("localhost");
	return arena_printf(c->arena, "%s://%.*s", c->tls ? "https" : "http", STR_FMT(host));
}

struct str
sns_default_policy(struct arena *a, const struct sns_topic_row *t)
{
	struct str arn = sns_topic_arn(a, t);
	return arena_printf(a,
		"{\"Version\":\"2008-10-17\",\"Id\":\"__default_policy_ID\",\"Statement\":[{"
		"\"Sid\":"
		"\"__default_statement_ID\",\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"*\"},"
		"\"Action\":["
		"\"SNS:GetTopicAttributes\",\"SNS:SetTopicAttributes\",\"SNS:AddPermission\","
		"\"SNS:RemovePermission\",\"SNS:DeleteTopic\",\"SNS:Subscribe\",\"SNS:"
		"ListSubscriptionsByTopic\","
		"\"SNS:Publish\"],\"Resource\":\"%.*s\",\"Condition\":{\"StringEquals\":{\"AWS:"
		"SourceOwner\":"
		"\"%.*s\"}}}]}",
		STR_FMT(arn), STR_FMT(t->Account));
}

static int
refuse(struct call *c, const struct authorize_question *q, const struct policy_result *r)
{
	struct str why = policy_reason(r, str_c(q->action), c->arena);
	return call_fail(c, &SNS_AuthorizationError,
		"User: %.*s is not authorized to perform: %s on resource: %.*s %.*s",
		STR_FMT(c->who.anonymous ? STR("anonymous") : c->who.arn), q->action,
		STR_FMT(q->resource), STR_FMT(why));
}

static int
ask(struct call *c, const char *action, struct str resource, struct str account,
	const struct policy *p)
{
	struct authorize_question q = { .action = action,
		.resource = resource,
		.resource_account = account,
		.resource_policy = p };
	struct policy_result r;
	/* The commonest caller, with nothing that could refuse it. */
	if (!p && c->who.root && str_eq(c->who.account, account))
		return CALL_OK;
	authorize_evaluate(c, &q, &r);
	return r.decision == POLICY_ALLOWED ? CALL_OK : refuse(c, &q, &r);
}

int
sns_access(struct call *c, const char *action, struct str resource, struct str account)
{
	return ask(c, action, resource, account, NULL);
}

int
sns_topic_open(struct call *c, struct str arn, const char *action, struct sns_topic_row *ret)
{
	struct sns_name n;
	struct policy *p = NULL;
	if (!sns_name_parse(arn, &n) || n.id.len || !str_eq(n.region, c->region))
		return sns_invalid(c,
			"TopicArn Reason: An ARN must have at least 6 elements, not %.*s",
			STR_FMT(str_slice(arn, 0, 200)));
	bool there = sns_topic_get(c->tx, c->store, c->arena, &n, ret);
	/* A stored policy was valid when it was put: one that no longer parses opens nothing. */
	if (there && ret->Policy.len && !(p = policy_cached(ret->Policy, POLICY_RESOURCE)))
		return call_fail(c, &SNS_InternalError, "The policy of the topic is damaged.");
	int r = ask(c, action, arn, n.account, p);
	policy_unref(p);
	if (r == CALL_OK && !there)
		return call_fail(c, &SNS_NotFound, "Topic does not exist");
	return r;
}

/* --- services --- */

static bool
service_allowed(struct arena *a, const struct sns_topic_row *topic, const struct sns_event *e)
{
	struct policy *p = NULL;
	struct policy_result r;
	struct str policy = topic->Policy.len ? topic->Policy : sns_default_policy(a, topic);
	struct policy_key keys[] = { { STR("aws:SourceArn"), &e->source_arn, 1 },
		{ STR("aws:SourceAccount"), &e->source_account, 1 },
		{ STR("aws:SourceOwner"), &e->source_account, 1 } };
	struct policy_context ctx = { .principal = { .kind = POLICY_SERVICE, .name = e->service },
		.action = STR("SNS:Publish"),
		.resource = e->topic_arn,
		.resource_account = topic->Account,
		.keys = keys,
		.keys_n = 3,
		.now_ms = e->now_ms };
	if (!(p = policy_cached(policy, POLICY_RESOURCE)))
		return false;
	ctx.resource_policy = p;
	policy_evaluate(&ctx, &r);
	policy_unref(p);
	return r.decision == POLICY_ALLOWED;
}

int
sns_event_topic(struct tx *t, struct store *s, struct arena *a, const struct sns_event *e,
	struct sns_topic_row *ret)
{
	struct sns_name n;
	if (!sns_name_parse(e->topic_arn, &n) || n.id.len || !sns_topic_get(t, s, a, &n, ret))
		return -ENOENT;
	if (ret->Fifo.v || e->message.len > SNS_MESSAGE_MAX)
		return -EINVAL;
	return service_allowed(a, ret, e) ? 0 : -EACCES;
}

int
sns_event_allowed(struct tx *t, struct store *s, struct arena *a, const struct sns_event *e)
{
	struct sns_topic_row topic;
	return sns_event_topic(t, s, a, e, &topic);
}

/* --- page tokens: the last key, so that a page goes on where it ended even when rows come and go
 * --- */

struct str
sns_token_encode(struct arena *a, struct str key)
{
	return base64_text(a, key);
}

struct str
sns_token_decode(struct arena *a, struct str token)
{
	struct str key = base64_bytes(a, token, BASE64_STRICT);
	return key.len > 1 && key.len < STORE_KEY_MAX - 1 ? key : STR_NULL;
}
