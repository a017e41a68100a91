/* Whose queue a request means, and whether the caller may do this to it. */
#include "aws/authorize.h"
#include "aws/errors.h"
#include "svc/sqs/queue.h"

int
sqs_no_queue(struct call *c)
{
	return call_fail(c, &SQS_QueueDoesNotExist,
		c->protocol == PROTO_QUERY
			? "The specified queue does not exist for this wsdl version."
			: "The specified queue does not exist.");
}

static bool
own_root(const struct call *c, const struct sqs_name *n)
{
	return c->who.root && !c->who.session && str_eq(c->who.account, n->account);
}

int
sqs_allowed(struct call *c, const struct sqs_name *n, struct str policy, const char *action,
	unsigned flags)
{
	bool owner = !c->who.anonymous && str_eq(c->who.account, n->account);
	/* Some actions are not for other accounts, whatever a policy says. */
	if (flags & SQS_OWNER_ONLY && !owner)
		policy = STR_NULL;
	if (!policy.len && own_root(c, n))
		return CALL_OK;
	struct authorize_question q = {
		.action = action, .resource = sqs_arn(c->arena, n), .resource_account = n->account
	};
	struct policy *p = NULL;
	struct policy_result r;
	if (policy.len && !(p = policy_cached(policy, POLICY_RESOURCE)))
		return call_fail(c, &ERR_InternalFailure, "The policy of the queue is damaged.");
	q.resource_policy = p;
	authorize_evaluate(c, &q, &r);
	int result = r.decision == POLICY_ALLOWED ? CALL_OK : authorize_denied(c, &q, &r);
	policy_unref(p);
	return result;
}

int
sqs_open_name(struct call *c, const struct sqs_name *n, const char *action, unsigned flags,
	struct sqs_queue *ret)
{
	bool there = sqs_queue_load(c->tx, c->store, c->arena, n, ret);
	ret->now_ms = c->now_ms;
	if (!there && !str_eq(c->who.account, n->account))
		return sqs_no_queue(c);
	if (sqs_allowed(c, n, there ? ret->row.Policy : STR_NULL, action, flags) != CALL_OK)
		return CALL_FAILED;
	return there ? CALL_OK : sqs_no_queue(c);
}

int
sqs_open(struct call *c, struct str url, const char *action, unsigned flags, struct sqs_queue *ret)
{
	struct sqs_name *n = arena_new(c->arena, struct sqs_name);
	/* The query form may name the queue by the path that it is sent to. */
	if (!url.p && c->protocol == PROTO_QUERY && c->path.len > 1)
		url = c->path;
	if (!url.len)
		return call_fail(c, &SQS_MissingParameter,
			"The request must contain the parameter QueueUrl.");
	if (!sqs_url_parse(c, url, n))
		return call_fail(c, &SQS_InvalidAddress,
			"The address %.*s is not valid for this endpoint.", STR_FMT(url));
	return sqs_open_name(c, n, action, flags, ret);
}
