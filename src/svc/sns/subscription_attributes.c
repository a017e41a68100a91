/* What a subscription may be told, and what it tells. */
#include "aws/arn.h"
#include "base/json.h"
#include "svc/sns/filter.h"
#include "svc/sns/internal.h"
#include "svc/sns/retry.h"

static bool
is_bool(struct str v)
{
	return str_eq_nocase(v, STR("true")) || str_eq_nocase(v, STR("false"));
}

static int
check_filter(
	struct call *c, const struct sns_subscription_row *s, struct str policy, const char *prefix)
{
	char why[SNS_WHY_MAX];
	bool body = sns_attribute_is(&s->Attributes, "FilterPolicyScope", "MessageBody");
	if (!policy.len || sns_filter_parse(c->arena, policy, body, why))
		return CALL_OK;
	return strcmp(prefix, "Attributes") == 0
		       ? sns_invalid(c, "Attributes Reason: FilterPolicy: %s", why)
		       : sns_invalid(c, "FilterPolicy: %s", why);
}

static int
check_redrive(struct call *c, const struct sns_topic_row *t, struct str value)
{
	struct arn arn;
	if (!value.len)
		return CALL_OK;
	struct str target =
		json_get_text(json_parse(c->arena, value, 0, NULL), STR("deadLetterTargetArn"));
	if (!target.p)
		return sns_invalid(c, "RedrivePolicy: failed to deserialize JSON.");
	if (!arn_parse(target, &arn) || !str_is(arn.service, "sqs") ||
		!account_id_valid(arn.account))
		return sns_invalid(c, "RedrivePolicy: deadLetterTargetArn is an invalid arn");
	if (t->Fifo.v != str_ends(arn.resource, STR(".fifo")))
		return sns_invalid(c, "RedrivePolicy: must use %s queue as DLQ for a %s topic",
			t->Fifo.v ? "FIFO" : "standard", t->Fifo.v ? "FIFO" : "standard");
	return CALL_OK;
}

static int
set_scope(struct call *c, struct sns_subscription_row *s, struct str value, const char *prefix)
{
	struct sns_subscription_row next = *s;
	if (!str_is(value, "MessageAttributes") && !str_is(value, "MessageBody"))
		return sns_invalid(c,
			"FilterPolicyScope: Invalid value [%.*s]. Please use either MessageBody or "
			"MessageAttributes",
			STR_FMT(str_slice(value, 0, 100)));
	sns_map_set(c->arena, &next.Attributes, STR("FilterPolicyScope"), value);
	/* A nested policy does not fit attributes; while subscribing, the policy may come later in
	 * the map. */
	struct str policy = sns_map_get(&s->Attributes, STR("FilterPolicy"));
	if (s->Id.len && check_filter(c, &next, policy, prefix))
		return CALL_FAILED;
	*s = next;
	return CALL_OK;
}

int
sns_subscription_attribute(struct call *c, const struct sns_topic_row *t,
	struct sns_subscription_row *s, struct str name, struct str value, const char *prefix)
{
	char why[SNS_WHY_MAX];
	struct str v = value.p ? value : STR("");
	int r = CALL_OK;
	if (str_is(name, "FilterPolicyScope"))
		return set_scope(c, s, v, prefix);
	if (str_is(name, "FilterPolicy")) {
		r = check_filter(c, s, v, prefix);
		if (str_is(str_trim(v), "{}"))
			v = STR("");
	} else if (str_is(name, "RawMessageDelivery")) {
		if (!is_bool(v))
			return sns_invalid(c,
				"%s Reason: RawMessageDelivery: Invalid value [%.*s]. Must be true "
				"or false.",
				prefix, STR_FMT(str_slice(v, 0, 100)));
		if (!str_is(s->Protocol, "sqs") && !str_starts(s->Protocol, STR("http")) &&
			!str_is(s->Protocol, "firehose"))
			return sns_invalid(c,
				"%s Reason: Delivery protocol [%.*s] does not support raw message "
				"delivery.",
				prefix, STR_FMT(s->Protocol));
	} else if (str_is(name, "DeliveryPolicy")) {
		if (v.len && sns_retry_check(c->arena, v, false, why))
			return sns_invalid(c, "DeliveryPolicy: %s", why);
	} else if (str_is(name, "RedrivePolicy")) {
		r = check_redrive(c, t, v);
	} else if (str_is(name, "SubscriptionRoleArn")) {
		if (v.len && !str_starts(v, STR("arn:")))
			return sns_invalid(c, "SubscriptionRoleArn");
	} else if (str_is(name, "ReplayPolicy")) {
		return sns_invalid(c, "ReplayPolicy Reason: Message archiving and replay are not "
				      "part of this cloud");
	} else {
		return sns_invalid(c, "AttributeName");
	}
	if (r == CALL_OK)
		sns_map_set(c->arena, &s->Attributes, name, v.len ? v : STR_NULL);
	return r;
}

/* The subscription with its topic, for who may. */
static int
open_subscription(struct call *c, struct str arn, const char *action, struct sns_topic_row *t,
	struct sns_subscription_row *s)
{
	struct sns_name n;
	if (!sns_name_parse(arn, &n) || !n.id.len || !str_eq(n.region, c->region))
		return sns_invalid(c,
			"SubscriptionArn Reason: An ARN must have at least 6 elements, not %.*s",
			STR_FMT(str_slice(arn, 0, 200)));
	bool there = sns_subscription_get(c->tx, c->store, c->arena, &n, s) &&
		     sns_topic_get(c->tx, c->store, c->arena, &n, t);
	bool owner = there && str_eq(s->Owner, c->who.account);
	if (sns_access(c, action, arn, owner ? s->Owner : n.account))
		return CALL_FAILED;
	return there ? CALL_OK : call_fail(c, &SNS_NotFound, "Subscription does not exist");
}

int
sns_set_subscription_attributes(struct call *c, const struct sns_set_subscription_attributes_in *in,
	struct sns_set_subscription_attributes_out *out __attribute__((unused)))
{
	struct sns_topic_row t;
	struct sns_subscription_row s;
	if (open_subscription(c, in->SubscriptionArn, "SNS:SetSubscriptionAttributes", &t, &s))
		return CALL_FAILED;
	bool had = sns_map_get(&s.Attributes, STR("FilterPolicy")).p != NULL;
	if (sns_subscription_attribute(
		    c, &t, &s, in->AttributeName, in->AttributeValue, "AttributeValue"))
		return CALL_FAILED;
	bool has = sns_map_get(&s.Attributes, STR("FilterPolicy")).p != NULL;
	if (has && !had && t.Filters.v >= SNS_TOPIC_FILTERS_MAX)
		return call_fail(c, &SNS_FilterPolicyLimitExceeded,
			"Filter policy limit exceeded for the topic");
	t.Filters = OPT_I64(t.Filters.v + (has ? 1 : 0) - (had ? 1 : 0));
	sns_subscription_put(c->tx, c->store, c->arena, &s);
	sns_topic_put(c->tx, c->store, &t);
	return CALL_OK;
}

int
sns_get_subscription_attributes(struct call *c, const struct sns_get_subscription_attributes_in *in,
	struct sns_get_subscription_attributes_out *out)
{
	struct sns_topic_row t;
	struct sns_subscription_row s;
	struct map_str *m = &out->Attributes;
	if (open_subscription(c, in->SubscriptionArn, "SNS:GetSubscriptionAttributes", &t, &s))
		return CALL_FAILED;
	sns_map_set(c->arena, m, STR("SubscriptionArn"), in->SubscriptionArn);
	sns_map_set(c->arena, m, STR("TopicArn"), s.TopicArn);
	sns_map_set(c->arena, m, STR("Owner"), s.Owner);
	sns_map_set(c->arena, m, STR("Protocol"), s.Protocol);
	sns_map_set(c->arena, m, STR("Endpoint"), s.Endpoint);
	sns_map_set(
		c->arena, m, STR("PendingConfirmation"), s.Pending.v ? STR("true") : STR("false"));
	sns_map_set(c->arena, m, STR("ConfirmationWasAuthenticated"),
		s.Authenticated.v || !s.Token.len ? STR("true") : STR("false"));
	sns_map_set(c->arena, m, STR("RawMessageDelivery"), STR("false"));
	sns_map_set(c->arena, m, STR("SubscriptionPrincipal"),
		arena_printf(c->arena, "arn:aws:iam::%.*s:root", STR_FMT(s.Owner)));
	if (sns_map_get(&s.Attributes, STR("FilterPolicy")).p)
		sns_map_set(c->arena, m, STR("FilterPolicyScope"), STR("MessageAttributes"));
	if (str_starts(s.Protocol, STR("http"))) {
		struct str policy = sns_map_get(&s.Attributes, STR("DeliveryPolicy"));
		sns_map_set(c->arena, m, STR("EffectiveDeliveryPolicy"),
			sns_retry_effective(c->arena,
				sns_map_get(&t.Attributes, STR("DeliveryPolicy")),
				policy.p ? policy : STR("")));
	}
	for (uint32_t i = 0; i < s.Attributes.n; i++)
		sns_map_set(c->arena, m, s.Attributes.v[i].key, s.Attributes.v[i].value);
	return CALL_OK;
}
