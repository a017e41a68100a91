/* Subscriptions: made, confirmed, ended. */
#include "aws/arn.h"
#include "aws/due.h"
#include "base/ids.h"
#include "base/uri.h"
#include "svc/sns/deliver.h"
#include "svc/sns/internal.h"

#define TOKEN_CHARS 160
#define ENDPOINT_MAX 2048

/* --- endpoints --- */

static bool
is_arn_of(struct str endpoint, const char *service, struct arn *ret)
{
	return arn_parse(endpoint, ret) && str_eq(ret->service, str_c(service)) &&
	       ret->resource.len && ret->region.len && account_id_valid(ret->account);
}

static bool
is_phone(struct str s)
{
	size_t digits = 0;
	for (size_t i = 0; i < s.len; i++) {
		char ch = s.p[i];
		if (ch >= '0' && ch <= '9')
			digits++;
		else if (!(ch == '+' && i == 0) && ch != '-' && ch != '.' && ch != '/')
			return false;
	}
	return digits >= 5 && digits <= 15;
}

static bool
has_controls(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f)
			return true;
	return false;
}

static int
check_sqs(struct call *c, const struct sns_topic_row *t, struct str endpoint)
{
	struct arn arn;
	if (!is_arn_of(endpoint, "sqs", &arn))
		return sns_invalid(c, "SQS endpoint ARN");
	if (!t->Fifo.v && str_ends(arn.resource, STR(".fifo")))
		return sns_invalid(c, "Invalid parameter: Endpoint Reason: FIFO SQS Queues can not "
				      "be subscribed to standard "
				      "SNS topics");
	return CALL_OK;
}

static int
check_application(struct call *c, struct str endpoint)
{
	struct arn arn;
	if (!is_arn_of(endpoint, "sns", &arn) || !str_starts(arn.resource, STR("endpoint/")))
		return sns_invalid(c, "Application endpoint arn invalid:%.*s",
			STR_FMT(str_slice(endpoint, 0, 200)));
	if (!sns_endpoint_exists(c, endpoint))
		return sns_invalid(c, "Endpoint Reason: Endpoint does not exist for endpoint %.*s",
			STR_FMT(endpoint));
	return CALL_OK;
}

static int
check_mail(struct call *c, struct str e)
{
	long at = str_find(e, '@');
	if (at <= 0 || (size_t)at + 1 >= e.len || str_rfind(e, '@') != at || e.len > 254)
		return sns_invalid(c, "Email address");
	for (size_t i = 0; i < e.len; i++)
		if (str_find(STR("<>()[],;:\\\""), e.p[i]) >= 0)
			return sns_invalid(c, "Email address");
	return CALL_OK;
}

static int
check_endpoint(struct call *c, const struct sns_topic_row *t, struct str protocol, struct str e)
{
	struct arn arn;
	if (!e.len || e.len > ENDPOINT_MAX || has_controls(e))
		return sns_invalid(c, "Endpoint");
	if (t->Fifo.v && !str_is(protocol, "sqs"))
		return sns_invalid(
			c, "Invalid parameter: Endpoint Reason: Please use FIFO SQS queue");
	if (str_is(protocol, "http") || str_is(protocol, "https"))
		return str_starts(e, arena_concat(c->arena, protocol, STR("://"))) &&
				       e.len > protocol.len + 3
			       ? CALL_OK
			       : sns_invalid(c, "Endpoint must match the specified protocol");
	if (str_is(protocol, "sqs"))
		return check_sqs(c, t, e);
	if (str_is(protocol, "email") || str_is(protocol, "email-json"))
		return check_mail(c, e);
	if (str_is(protocol, "sms"))
		return is_phone(e) ? CALL_OK
				   : sns_invalid(c, "Invalid SMS endpoint: %.*s", STR_FMT(e));
	if (str_is(protocol, "lambda"))
		return is_arn_of(e, "lambda", &arn) ? CALL_OK
						    : sns_invalid(c, "Lambda endpoint ARN");
	if (str_is(protocol, "firehose"))
		return is_arn_of(e, "firehose", &arn) ? CALL_OK
						      : sns_invalid(c, "Firehose endpoint ARN");
	if (str_is(protocol, "application"))
		return check_application(c, e);
	return sns_invalid(c, "Amazon SNS does not support this protocol string: %.*s",
		STR_FMT(str_slice(protocol, 0, 100)));
}

/* Who reads there has to say so, unless it is the caller's own queue or needs no consent. */
static bool
needs_confirmation(const struct call *c, struct str protocol, struct str endpoint)
{
	struct arn arn;
	if (str_is(protocol, "sqs") || str_is(protocol, "lambda"))
		return arn_parse(endpoint, &arn) && !str_eq(arn.account, c->who.account);
	return str_is(protocol, "http") || str_is(protocol, "https") || str_is(protocol, "email") ||
	       str_is(protocol, "email-json");
}

/* --- Subscribe --- */

static void
ask_for_confirmation(struct call *c, struct sns_subscription_row *s)
{
	struct key k;
	struct str arn = sns_subscription_arn(c->arena, s);
	if (!s->Token.len) {
		s->Token = ids_chars_text(c->arena, "", TOKEN_CHARS, "0123456789abcdef");
		sns_key_token(&k, s->Token);
		tx_put(c->tx, sns_rows(c->store), key_str(&k), arn);
	}
	due_add(c->tx, STR("sns.pending"), arn, c->now_ms + SNS_PENDING_MS, STR(""));
	sns_deliver_confirmation(c->tx, c->store, c->arena, s, c->now_ms, false);
}

static struct str
shown_arn(struct call *c, const struct sns_subscribe_in *in, const struct sns_subscription_row *s)
{
	if (s->Pending.v && !in->ReturnSubscriptionArn.v)
		return STR("pending confirmation");
	return sns_subscription_arn(c->arena, s);
}

static bool
maps_equal(const struct map_str *a, const struct map_str *b)
{
	if (a->n != b->n)
		return false;
	for (uint32_t i = 0; i < a->n; i++)
		if (!str_eq(a->v[i].value, sns_map_get(b, a->v[i].key)))
			return false;
	return true;
}

/* The same endpoint again: the same subscription, asked once more when it did not answer yet. */
static int
subscribe_again(struct call *c, const struct sns_subscribe_in *in,
	const struct sns_subscription_row *want, struct sns_subscription_row *there,
	struct sns_subscribe_out *out)
{
	if (want->Attributes.n && !maps_equal(&want->Attributes, &there->Attributes))
		return sns_invalid(c,
			"Attributes Reason: Subscription already exists with different attributes");
	if (there->Pending.v) {
		there->BaseUrl = want->BaseUrl;
		ask_for_confirmation(c, there);
		sns_subscription_put(c->tx, c->store, c->arena, there);
	}
	out->SubscriptionArn = shown_arn(c, in, there);
	return CALL_OK;
}

static bool
find_endpoint(struct call *c, struct sns_name *n, const struct sns_subscribe_in *in,
	struct sns_subscription_row *ret)
{
	struct key k;
	sns_key_endpoint(&k, n, in->Protocol, in->Endpoint);
	return tx_get(c->tx, sns_rows(c->store), key_str(&k), &n->id) &&
	       sns_subscription_get(c->tx, c->store, c->arena, n, ret);
}

static int
check_limits(struct call *c, const struct sns_topic_row *t, const struct sns_subscription_row *s)
{
	int64_t n = t->Confirmed.v + t->Pending.v;
	if (n >= (t->Fifo.v ? SNS_FIFO_SUBSCRIPTIONS_MAX : SNS_SUBSCRIPTIONS_MAX))
		return call_fail(c, &SNS_SubscriptionLimitExceeded,
			"Subscription limit exceeded for the topic");
	if (sns_map_get(&s->Attributes, STR("FilterPolicy")).p &&
		t->Filters.v >= SNS_TOPIC_FILTERS_MAX)
		return call_fail(c, &SNS_FilterPolicyLimitExceeded,
			"Filter policy limit exceeded for the topic");
	return CALL_OK;
}

int
sns_subscribe(struct call *c, const struct sns_subscribe_in *in, struct sns_subscribe_out *out)
{
	struct sns_topic_row t;
	struct sns_name n;
	struct sns_subscription_row there,
		s = { .Protocol = in->Protocol, .TopicArn = in->TopicArn };
	if (sns_topic_open(c, in->TopicArn, "SNS:Subscribe", &t) ||
		check_endpoint(c, &t, in->Protocol, in->Endpoint))
		return CALL_FAILED;
	/* The scope first: it says how a policy reads. */
	struct str scope = sns_map_get(&in->Attributes, STR("FilterPolicyScope"));
	if (scope.p && sns_subscription_attribute(
			       c, &t, &s, STR("FilterPolicyScope"), scope, "Attributes"))
		return CALL_FAILED;
	for (uint32_t i = 0; i < in->Attributes.n; i++)
		if (sns_subscription_attribute(c, &t, &s, in->Attributes.v[i].key,
			    in->Attributes.v[i].value, "Attributes"))
			return CALL_FAILED;
	if (str_is(in->Protocol, "firehose") &&
		!sns_map_get(&s.Attributes, STR("SubscriptionRoleArn")).len)
		return sns_invalid(c, "Attributes Reason: SubscriptionRoleArn is required for the "
				      "firehose protocol");
	sns_name_parse(in->TopicArn, &n);
	s.BaseUrl = sns_base_url(c);
	if (find_endpoint(c, &n, in, &there))
		return subscribe_again(c, in, &s, &there, out);
	if (check_limits(c, &t, &s))
		return CALL_FAILED;
	s.Id = call_uuid(c);
	s.Owner = c->who.account.len ? c->who.account : t.Account;
	s.Endpoint = in->Endpoint;
	s.Created = OPT_TIME(c->now_ms);
	s.Pending = OPT_BOOL(needs_confirmation(c, in->Protocol, in->Endpoint));
	if (s.Pending.v)
		ask_for_confirmation(c, &s);
	sns_subscription_put(c->tx, c->store, c->arena, &s);
	struct opt_i64 *count = s.Pending.v ? &t.Pending : &t.Confirmed;
	*count = OPT_I64(count->v + 1);
	if (sns_map_get(&s.Attributes, STR("FilterPolicy")).p)
		t.Filters = OPT_I64(t.Filters.v + 1);
	sns_topic_put(c->tx, c->store, &t);
	out->SubscriptionArn = shown_arn(c, in, &s);
	return CALL_OK;
}

/* --- confirmation --- */

int
sns_confirm_subscription(struct call *c, const struct sns_confirm_subscription_in *in,
	struct sns_confirm_subscription_out *out)
{
	struct sns_topic_row t;
	struct sns_name n, topic;
	struct sns_subscription_row s;
	struct key k;
	struct str arn;
	if (!sns_name_parse(in->TopicArn, &topic) || topic.id.len)
		return sns_invalid(c, "TopicArn");
	if (!sns_topic_get(c->tx, c->store, c->arena, &topic, &t))
		return call_fail(c, &SNS_NotFound, "Topic does not exist");
	sns_key_token(&k, str_slice(in->Token, 0, 512));
	if (!in->Token.len || !tx_get(c->tx, sns_rows(c->store), key_str(&k), &arn) ||
		!sns_name_parse(arn, &n) ||
		!str_starts(arn, arena_concat(c->arena, in->TopicArn, STR(":"))) ||
		!sns_subscription_get(c->tx, c->store, c->arena, &n, &s))
		return sns_invalid(c, "Token");
	out->SubscriptionArn = arena_dup(c->arena, arn);
	if (!s.Pending.v)
		return CALL_OK;
	bool signed_call = !c->who.anonymous;
	s.Pending = OPT_BOOL(false);
	s.Authenticated = OPT_BOOL(signed_call);
	s.AuthUnsubscribe =
		OPT_BOOL(signed_call && str_eq_nocase(in->AuthenticateOnUnsubscribe, STR("true")));
	sns_subscription_put(c->tx, c->store, c->arena, &s);
	due_cancel(c->tx, STR("sns.pending"), arn);
	t.Pending = OPT_I64(t.Pending.v > 0 ? t.Pending.v - 1 : 0);
	t.Confirmed = OPT_I64(t.Confirmed.v + 1);
	sns_topic_put(c->tx, c->store, &t);
	return CALL_OK;
}

/* --- the end --- */

static void
forget(struct tx *t, struct store *s, struct arena *a, struct sns_topic_row *topic,
	const struct sns_subscription_row *sub)
{
	struct opt_i64 *count = sub->Pending.v ? &topic->Pending : &topic->Confirmed;
	*count = OPT_I64(count->v > 0 ? count->v - 1 : 0);
	if (!sub->Pending.v)
		topic->Deleted = OPT_I64(topic->Deleted.v + 1);
	if (sns_map_get(&sub->Attributes, STR("FilterPolicy")).p)
		topic->Filters = OPT_I64(topic->Filters.v > 0 ? topic->Filters.v - 1 : 0);
	sns_subscription_delete(t, s, a, sub);
	sns_topic_put(t, s, topic);
}

/* Who may end a subscription: its owner and the topic's, with permission; and whoever knows its ARN
 * when it was confirmed without AuthenticateOnUnsubscribe. */
static int
may_unsubscribe(struct call *c, const struct sns_subscription_row *s, const struct sns_name *n,
	struct str arn)
{
	bool concerned = !c->who.anonymous &&
			 (str_eq(c->who.account, s->Owner) || str_eq(c->who.account, n->account));
	if (concerned)
		return sns_access(c, "SNS:Unsubscribe", arn, c->who.account);
	if (s->AuthUnsubscribe.v || !str_starts(s->Protocol, STR("http")))
		return call_fail(c, &SNS_AuthorizationError,
			"Only the owner of the subscription or of its topic may end it");
	return CALL_OK;
}

int
sns_unsubscribe(struct call *c, const struct sns_unsubscribe_in *in,
	struct sns_unsubscribe_out *out __attribute__((unused)))
{
	struct sns_topic_row t;
	struct sns_name n;
	struct sns_subscription_row s;
	if (!sns_name_parse(in->SubscriptionArn, &n) || !n.id.len || !str_eq(n.region, c->region))
		return sns_invalid(c,
			"SubscriptionArn Reason: An ARN must have at least 6 elements, not %.*s",
			STR_FMT(str_slice(in->SubscriptionArn, 0, 200)));
	/* Ending what is not there is no error. */
	if (!sns_subscription_get(c->tx, c->store, c->arena, &n, &s))
		return c->who.anonymous
			       ? CALL_OK
			       : sns_access(c, "SNS:Unsubscribe", in->SubscriptionArn, n.account);
	if (may_unsubscribe(c, &s, &n, in->SubscriptionArn))
		return CALL_FAILED;
	if (s.Pending.v)
		return sns_invalid(
			c, "SubscriptionArn Reason: The subscription is pending confirmation");
	if (!s.AuthUnsubscribe.v && str_starts(s.Protocol, STR("http")) &&
		!str_eq(c->who.account, s.Owner))
		sns_deliver_confirmation(c->tx, c->store, c->arena, &s, c->now_ms, true);
	if (sns_topic_get(c->tx, c->store, c->arena, &n, &t))
		forget(c->tx, c->store, c->arena, &t, &s);
	return CALL_OK;
}

/* Nobody answered in three days. */
int
sns_pending_expired(struct tx *t, struct str id, int64_t due_ms __attribute__((unused)),
	struct str payload __attribute__((unused)), void *store)
{
	struct arena a;
	struct sns_topic_row topic;
	struct sns_subscription_row s;
	struct sns_name n;
	arena_init(&a);
	if (sns_name_parse(id, &n) && sns_subscription_get(t, store, &a, &n, &s) && s.Pending.v &&
		sns_topic_get(t, store, &a, &n, &topic))
		forget(t, store, &a, &topic, &s);
	arena_done(&a);
	return 0;
}
