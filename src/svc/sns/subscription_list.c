/* Subscriptions of a topic, of an account. */
#include "aws/arn.h"
#include "svc/sns/internal.h"

struct page {
	struct call *c;
	struct scan scan;
	struct key from, hi;
	struct str last;
};

static int
page_open(struct page *p, struct call *c, struct str prefix, struct str token)
{
	struct str start = prefix;
	p->c = c;
	p->last = STR_NULL;
	if (token.len) {
		struct str last = sns_token_decode(c->arena, token);
		if (!str_starts(last, prefix))
			return sns_invalid(c, "NextToken");
		key_begin(&p->from);
		key_add_raw(&p->from, last);
		key_add_raw(&p->from, STR("\0"));
		start = key_str(&p->from);
	}
	scan_open(&p->scan, c->tx, sns_rows(c->store), start, key_after_prefix(&p->hi, prefix),
		false);
	return CALL_OK;
}

static void
show(struct call *c, const struct sns_subscription_row *s, struct sns_subscription_list *list)
{
	list->v[list->n++] =
		(struct sns_subscription){ .SubscriptionArn =
						   s->Pending.v ? STR("PendingConfirmation")
								: sns_subscription_arn(c->arena, s),
			.Owner = s->Owner,
			.Protocol = s->Protocol,
			.Endpoint = s->Endpoint,
			.TopicArn = s->TopicArn };
}

int
sns_list_subscriptions_by_topic(struct call *c, const struct sns_list_subscriptions_by_topic_in *in,
	struct sns_list_subscriptions_by_topic_out *out)
{
	struct sns_topic_row t;
	struct sns_name n;
	struct key k;
	struct page p;
	if (sns_topic_open(c, in->TopicArn, "SNS:ListSubscriptionsByTopic", &t))
		return CALL_FAILED;
	sns_name_parse(in->TopicArn, &n);
	sns_key_subscriptions(&k, &n);
	if (page_open(&p, c, key_str(&k), in->NextToken))
		return CALL_FAILED;
	out->Subscriptions.v = arena_array(c->arena, struct sns_subscription, SNS_PAGE);
	out->Subscriptions.set = true;
	while (scan_next(&p.scan)) {
		struct sns_subscription_row s = { 0 };
		if (out->Subscriptions.n == SNS_PAGE) {
			out->NextToken = sns_token_encode(c->arena, p.last);
			break;
		}
		if (row_decode(&sns_subscription_row_shape, p.scan.value, c->arena, &s))
			show(c, &s, &out->Subscriptions);
		p.last = arena_dup(c->arena, p.scan.key);
	}
	scan_done(&p.scan);
	return CALL_OK;
}

/* The last piece of an owner's key is the ARN. */
static bool
arn_of_key(struct str key, char text[1024], struct str *ret)
{
	struct str rest = str_slice(key, 1, key.len);
	for (int i = 0; i < 3; i++)
		if (!key_take(&rest, text, 1024, ret))
			return false;
	return true;
}

int
sns_list_subscriptions(struct call *c, const struct sns_list_subscriptions_in *in,
	struct sns_list_subscriptions_out *out)
{
	struct key k;
	struct page p;
	struct str account = c->who.account;
	if (sns_access(c, "SNS:ListSubscriptions",
		    arn_format(c->arena, "sns", c->region, account, STR("*")), account))
		return CALL_FAILED;
	sns_key_owned(&k, account, c->region, STR(""));
	if (page_open(&p, c, key_str(&k), in->NextToken))
		return CALL_FAILED;
	out->Subscriptions.v = arena_array(c->arena, struct sns_subscription, SNS_PAGE);
	out->Subscriptions.set = true;
	while (scan_next(&p.scan)) {
		struct sns_subscription_row s;
		struct sns_name n;
		struct str arn;
		char text[1024];
		if (out->Subscriptions.n == SNS_PAGE) {
			out->NextToken = sns_token_encode(c->arena, p.last);
			break;
		}
		if (arn_of_key(p.scan.key, text, &arn) && sns_name_parse(arn, &n) &&
			sns_subscription_get(c->tx, c->store, c->arena, &n, &s))
			show(c, &s, &out->Subscriptions);
		p.last = arena_dup(c->arena, p.scan.key);
	}
	scan_done(&p.scan);
	return CALL_OK;
}
