/* Topics: made, deleted, listed. */
#include "aws/arn.h"
#include "base/json.h"
#include "svc/sns/internal.h"

static bool
is_name(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		char ch = s.p[i];
		bool ok = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
			  (ch >= '0' && ch <= '9') || ch == '-' || ch == '_';
		if (!ok)
			return false;
	}
	return s.len > 0;
}

static int
check_name(struct call *c, struct str name, bool fifo)
{
	static const char tail[] =
		"made up of only uppercase and lowercase ASCII letters, numbers, underscores, and "
		"hyphens, and must be between 1 and 256 characters long.";
	bool ends = str_ends(name, STR(".fifo"));
	struct str stem = ends ? str_slice(name, 0, name.len - 5) : name;
	if (fifo && (!ends || !is_name(stem) || name.len > SNS_NAME_MAX))
		return sns_invalid(c, "Fifo Topic names must end with .fifo and must be %s", tail);
	if (!fifo && (ends || !is_name(stem) || name.len > SNS_NAME_MAX))
		return sns_invalid(c, "Topic Name Reason: Topic names must be %s", tail);
	return CALL_OK;
}

static bool
tags_equal(const struct sns_tag_list *a, const struct sns_tag_list *b)
{
	if (a->n != b->n)
		return false;
	for (uint32_t i = 0; i < a->n; i++) {
		bool found = false;
		for (uint32_t k = 0; k < b->n && !found; k++)
			found = str_eq(a->v[i].Key, b->v[k].Key) &&
				str_eq(a->v[i].Value, b->v[k].Value);
		if (!found)
			return false;
	}
	return true;
}

/* Whoever asks again gets the same topic, unless it asks for another one. */
static int
same_topic(struct call *c, const struct sns_create_topic_in *in, struct sns_topic_row *there)
{
	struct sns_topic_row want = {
		.Name = there->Name, .Account = there->Account, .Region = there->Region
	};
	for (uint32_t i = 0; i < in->Attributes.n; i++) {
		struct str key = in->Attributes.v[i].key;
		if (sns_topic_attribute(c, &want, key, in->Attributes.v[i].value, true))
			return CALL_FAILED;
	}
	bool same = want.Fifo.v == there->Fifo.v &&
		    (!want.Policy.len || str_eq(want.Policy, there->Policy));
	for (uint32_t i = 0; i < want.Attributes.n; i++)
		same = same && str_eq(want.Attributes.v[i].value,
				       sns_map_get(&there->Attributes, want.Attributes.v[i].key));
	if (!same)
		return sns_invalid(
			c, "Attributes Reason: Topic already exists with different attributes");
	if (in->Tags.n && !tags_equal(&in->Tags, &there->Tags))
		return sns_invalid(c, "Tags Reason: Topic already exists with different tags");
	return CALL_OK;
}

int
sns_create_topic(
	struct call *c, const struct sns_create_topic_in *in, struct sns_create_topic_out *out)
{
	struct sns_topic_row t = { 0 }, there;
	struct sns_name n = { c->region, c->who.account, in->Name, STR("") };
	out->TopicArn = arn_format(c->arena, "sns", c->region, c->who.account, in->Name);
	if (sns_access(c, "SNS:CreateTopic", out->TopicArn, c->who.account))
		return CALL_FAILED;
	if (check_name(c, in->Name, sns_attribute_is(&in->Attributes, "FifoTopic", "true")) ||
		sns_tags_check(c, &in->Tags))
		return CALL_FAILED;
	if (sns_topic_get(c->tx, c->store, c->arena, &n, &there))
		return same_topic(c, in, &there);
	t.Name = in->Name;
	t.Account = c->who.account;
	t.Region = c->region;
	t.Created = OPT_TIME(c->now_ms);
	t.Tags = in->Tags;
	t.BaseUrl = sns_base_url(c);
	for (uint32_t i = 0; i < in->Attributes.n; i++)
		if (sns_topic_attribute(
			    c, &t, in->Attributes.v[i].key, in->Attributes.v[i].value, true))
			return CALL_FAILED;
	if (in->DataProtectionPolicy.len) {
		if (!json_is(json_parse(c->arena, in->DataProtectionPolicy, 0, NULL), JSON_OBJECT))
			return sns_invalid(
				c, "DataProtectionPolicy Reason: The policy is not a JSON object");
		t.DataProtection = in->DataProtectionPolicy;
	}
	sns_topic_put(c->tx, c->store, &t);
	return CALL_OK;
}

static void
drop_subscriptions(struct call *c, const struct sns_name *n)
{
	struct key lo, hi;
	struct scan s;
	struct arena a;
	arena_init(&a);
	sns_key_subscriptions(&lo, n);
	scan_open(&s, c->tx, sns_rows(c->store), key_str(&lo), key_after_prefix(&hi, key_str(&lo)),
		false);
	while (scan_next(&s)) {
		struct sns_subscription_row row = { 0 };
		struct str value = arena_dup(&a, s.value);
		if (row_decode(&sns_subscription_row_shape, value, &a, &row))
			sns_subscription_delete(c->tx, c->store, &a, &row);
	}
	scan_done(&s);
	arena_done(&a);
}

int
sns_delete_topic(struct call *c, const struct sns_delete_topic_in *in,
	struct sns_delete_topic_out *out __attribute__((unused)))
{
	struct sns_topic_row t;
	struct sns_name n;
	struct key k;
	if (sns_topic_open(c, in->TopicArn, "SNS:DeleteTopic", &t))
		/* Deleting what is not there is no error. */
		return c->error == &SNS_NotFound ? CALL_OK : CALL_FAILED;
	sns_name_parse(in->TopicArn, &n);
	drop_subscriptions(c, &n);
	for (const char *space = "DXN"; *space; space++) {
		sns_key_space(&k, *space, &n);
		sns_delete_space(c->tx, c->store, key_str(&k));
	}
	sns_key_topic(&k, t.Account, t.Region, t.Name);
	tx_delete(c->tx, sns_rows(c->store), key_str(&k));
	return CALL_OK;
}

int
sns_list_topics(
	struct call *c, const struct sns_list_topics_in *in, struct sns_list_topics_out *out)
{
	struct key lo, hi, from;
	struct scan s;
	if (sns_access(c, "SNS:ListTopics",
		    arn_format(c->arena, "sns", c->region, c->who.account, STR("*")),
		    c->who.account))
		return CALL_FAILED;
	sns_key_topics(&lo, c->who.account, c->region);
	struct str prefix = key_str(&lo), start = prefix;
	if (in->NextToken.len) {
		struct str last = sns_token_decode(c->arena, in->NextToken);
		if (!str_starts(last, prefix))
			return sns_invalid(c, "NextToken");
		key_begin(&from);
		key_add_raw(&from, last);
		key_add_raw(&from, STR("\0"));
		start = key_str(&from);
	}
	out->Topics.v = arena_array(c->arena, struct sns_topic, SNS_PAGE);
	out->Topics.set = true;
	struct str last = STR_NULL;
	scan_open(&s, c->tx, sns_rows(c->store), start, key_after_prefix(&hi, prefix), false);
	while (scan_next(&s)) {
		struct sns_topic_row t = { 0 };
		if (out->Topics.n == SNS_PAGE) {
			out->NextToken = sns_token_encode(c->arena, last);
			break;
		}
		if (!row_decode(&sns_topic_row_shape, s.value, c->arena, &t))
			continue;
		out->Topics.v[out->Topics.n++].TopicArn = sns_topic_arn(c->arena, &t);
		last = arena_dup(c->arena, s.key);
	}
	scan_done(&s);
	return CALL_OK;
}
