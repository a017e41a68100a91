/* What a topic may be told, and what it tells. */
#include "aws/policy.h"
#include "base/json.h"
#include "svc/sns/internal.h"
#include "svc/sns/retry.h"

static bool
is_bool(struct str v)
{
	return str_eq_nocase(v, STR("true")) || str_eq_nocase(v, STR("false"));
}

static bool
is_feedback(struct str name, const char *tail)
{
	static const char *const kinds[] = { "HTTP", "Firehose", "Lambda", "Application", "SQS" };
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct str kind = str_c(kinds[i]);
		if (str_starts(name, kind) &&
			str_eq(str_slice(name, kind.len, name.len), str_c(tail)))
			return true;
	}
	return false;
}

static int
check_feedback(struct call *c, struct str name, struct str value)
{
	int64_t percent;
	if (is_feedback(name, "SuccessFeedbackSampleRate"))
		return str_to_i64(value, &percent) && percent >= 0 && percent <= 100
			       ? CALL_OK
			       : sns_invalid(c, "%.*s Reason: must be a number from 0 to 100",
					 STR_FMT(name));
	if (!value.len || str_starts(value, STR("arn:")))
		return CALL_OK;
	return sns_invalid(c, "%.*s Reason: must be the ARN of a role", STR_FMT(name));
}

static int
check_plain(struct call *c, const struct sns_topic_row *t, struct str name, struct str value)
{
	char why[SNS_WHY_MAX];
	if (str_is(name, "DisplayName"))
		return str_utf8_valid(value) && str_utf8_count(value) <= 100
			       ? CALL_OK
			       : sns_invalid(c,
					 "DisplayName Reason: must be at most 100 characters long");
	if (str_is(name, "SignatureVersion"))
		return str_is(value, "1") || str_is(value, "2")
			       ? CALL_OK
			       : sns_invalid(
					 c, "Attributes Reason: SignatureVersion must be 1 or 2");
	if (str_is(name, "TracingConfig"))
		return str_is(value, "PassThrough") || str_is(value, "Active")
			       ? CALL_OK
			       : sns_invalid(
					 c, "TracingConfig Reason: must be PassThrough or Active");
	if (str_is(name, "DeliveryPolicy"))
		return !value.len || !sns_retry_check(c->arena, value, true, why)
			       ? CALL_OK
			       : sns_invalid(c, "DeliveryPolicy: %s", why);
	if (str_is(name, "ContentBasedDeduplication"))
		return t->Fifo.v && is_bool(value) ? CALL_OK
						   : sns_invalid(c, "ContentBasedDeduplication");
	if (str_is(name, "FifoThroughputScope"))
		return t->Fifo.v && (str_is(value, "Topic") || str_is(value, "MessageGroup"))
			       ? CALL_OK
			       : sns_invalid(c, "FifoThroughputScope");
	/* A key that is not there fails who publishes. */
	if (str_is(name, "KmsMasterKeyId"))
		return value.len <= 2048 ? CALL_OK : sns_invalid(c, "KmsMasterKeyId");
	if (is_feedback(name, "SuccessFeedbackRoleArn") ||
		is_feedback(name, "FailureFeedbackRoleArn") ||
		is_feedback(name, "SuccessFeedbackSampleRate"))
		return check_feedback(c, name, value);
	return sns_invalid(c, "AttributeName");
}

static int
set_policy(struct call *c, struct sns_topic_row *t, struct str value)
{
	char why[POLICY_MESSAGE_MAX];
	struct policy *p = NULL;
	if (!value.len) {
		t->Policy = STR_NULL;
		return CALL_OK;
	}
	if (value.len > SNS_POLICY_MAX)
		return sns_invalid(
			c, "Policy Reason: the policy is larger than %d bytes", SNS_POLICY_MAX);
	if (policy_parse(value, POLICY_RESOURCE, &p, why))
		return sns_invalid(c, "Policy Error: %s", why);
	bool own = policy_resources_within(p, sns_topic_arn(c->arena, t));
	policy_unref(p);
	if (!own)
		return sns_invalid(c, "Policy statement resource out of service scope!");
	t->Policy = value;
	return CALL_OK;
}

int
sns_topic_attribute(
	struct call *c, struct sns_topic_row *t, struct str name, struct str value, bool creating)
{
	struct str v = value.p ? value : STR("");
	if (str_is(name, "Policy"))
		return set_policy(c, t, v);
	if (str_is(name, "FifoTopic")) {
		if (!creating || !is_bool(v))
			return sns_invalid(c, "AttributeName");
		t->Fifo = OPT_BOOL(str_eq_nocase(v, STR("true")));
		return CALL_OK;
	}
	/* A fifo attribute may come before FifoTopic in the map. */
	if (creating && str_ends(t->Name, STR(".fifo")))
		t->Fifo = OPT_BOOL(true);
	if (str_is(name, "ArchivePolicy"))
		return sns_invalid(c, "ArchivePolicy Reason: Message archiving and replay are not "
				      "part of this cloud");
	if (check_plain(c, t, name, v))
		return CALL_FAILED;
	sns_map_set(c->arena, &t->Attributes, name,
		v.len || str_is(name, "DisplayName") ? v : STR_NULL);
	return CALL_OK;
}

int
sns_set_topic_attributes(struct call *c, const struct sns_set_topic_attributes_in *in,
	struct sns_set_topic_attributes_out *out __attribute__((unused)))
{
	struct sns_topic_row t;
	if (sns_topic_open(c, in->TopicArn, "SNS:SetTopicAttributes", &t) ||
		sns_topic_attribute(c, &t, in->AttributeName, in->AttributeValue, false))
		return CALL_FAILED;
	sns_topic_put(c->tx, c->store, &t);
	return CALL_OK;
}

static struct str
number(struct call *c, struct opt_i64 v)
{
	return arena_printf(c->arena, "%lld", (long long)(v.set && v.v > 0 ? v.v : 0));
}

int
sns_get_topic_attributes(struct call *c, const struct sns_get_topic_attributes_in *in,
	struct sns_get_topic_attributes_out *out)
{
	struct sns_topic_row t;
	struct map_str *m = &out->Attributes;
	if (sns_topic_open(c, in->TopicArn, "SNS:GetTopicAttributes", &t))
		return CALL_FAILED;
	sns_map_set(c->arena, m, STR("Policy"),
		t.Policy.len ? t.Policy : sns_default_policy(c->arena, &t));
	sns_map_set(c->arena, m, STR("Owner"), t.Account);
	sns_map_set(c->arena, m, STR("SubscriptionsPending"), number(c, t.Pending));
	sns_map_set(c->arena, m, STR("SubscriptionsConfirmed"), number(c, t.Confirmed));
	sns_map_set(c->arena, m, STR("SubscriptionsDeleted"), number(c, t.Deleted));
	sns_map_set(c->arena, m, STR("TopicArn"), in->TopicArn);
	sns_map_set(c->arena, m, STR("DisplayName"), STR(""));
	struct str policy = sns_map_get(&t.Attributes, STR("DeliveryPolicy"));
	sns_map_set(c->arena, m, STR("EffectiveDeliveryPolicy"),
		sns_retry_effective(c->arena, policy, STR_NULL));
	if (t.Fifo.v) {
		sns_map_set(c->arena, m, STR("FifoTopic"), STR("true"));
		sns_map_set(c->arena, m, STR("ContentBasedDeduplication"), STR("false"));
		sns_map_set(c->arena, m, STR("FifoThroughputScope"), STR("Topic"));
	}
	for (uint32_t i = 0; i < t.Attributes.n; i++)
		sns_map_set(c->arena, m, t.Attributes.v[i].key, t.Attributes.v[i].value);
	return CALL_OK;
}

int
sns_put_data_protection_policy(struct call *c, const struct sns_put_data_protection_policy_in *in,
	struct sns_put_data_protection_policy_out *out __attribute__((unused)))
{
	struct sns_topic_row t;
	if (sns_topic_open(c, in->ResourceArn, "SNS:PutDataProtectionPolicy", &t))
		return CALL_FAILED;
	if (t.Fifo.v)
		return sns_invalid(
			c, "ResourceArn Reason: FIFO topics have no data protection policy");
	if (in->DataProtectionPolicy.len > SNS_POLICY_MAX ||
		(in->DataProtectionPolicy.len &&
			!json_is(json_parse(c->arena, in->DataProtectionPolicy, 0, NULL),
				JSON_OBJECT)))
		return sns_invalid(c,
			"DataProtectionPolicy Reason: The policy is not a JSON object of at most "
			"%d bytes",
			SNS_POLICY_MAX);
	t.DataProtection = in->DataProtectionPolicy.len ? in->DataProtectionPolicy : STR_NULL;
	sns_topic_put(c->tx, c->store, &t);
	return CALL_OK;
}

int
sns_get_data_protection_policy(struct call *c, const struct sns_get_data_protection_policy_in *in,
	struct sns_get_data_protection_policy_out *out)
{
	struct sns_topic_row t;
	if (sns_topic_open(c, in->ResourceArn, "SNS:GetDataProtectionPolicy", &t))
		return CALL_FAILED;
	out->DataProtectionPolicy = t.DataProtection;
	return CALL_OK;
}
