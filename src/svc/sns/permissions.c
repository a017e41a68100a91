/* AddPermission and RemovePermission: statements of the topic's policy. */
#include "aws/arn.h"
#include "base/json.h"
#include "svc/sns/internal.h"

static bool
is_action(struct str s)
{
	static const char *const names[] = { "AddPermission", "DeleteTopic",
		"GetDataProtectionPolicy", "GetTopicAttributes", "ListSubscriptionsByTopic",
		"ListTagsForResource", "Publish", "PutDataProtectionPolicy", "RemovePermission",
		"SetTopicAttributes", "Subscribe" };
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (str_eq_nocase(s, str_c(names[i])))
			return true;
	return str_is(s, "*");
}

static bool
is_label(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		char ch = s.p[i];
		if (!((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
			    (ch >= '0' && ch <= '9') || ch == '-' || ch == '_'))
			return false;
	}
	return s.len > 0 && s.len <= 80;
}

static void
write_list(struct json_writer *w, struct arena *a, const struct list_str *l, const char *head,
	const char *tail)
{
	if (l->n > 1)
		json_write_array(w);
	for (uint32_t i = 0; i < l->n; i++)
		json_write_str(w, arena_printf(a, "%s%.*s%s", head, STR_FMT(l->v[i]), tail));
	if (l->n > 1)
		json_write_array_end(w);
}

/* The policy as it is, without the statement `without`, with the new one of `in` (may be NULL). */
static int
rewrite(struct call *c, struct sns_topic_row *t, struct str without,
	const struct sns_add_permission_in *in, bool *ret_found)
{
	struct buf b = { 0 };
	struct json_writer w = { .out = &b };
	struct json *j = json_parse(
		c->arena, t->Policy.len ? t->Policy : sns_default_policy(c->arena, t), 0, NULL);
	struct json *list = json_get_lit(j, "Statement");
	uint32_t n = json_is(list, JSON_ARRAY) ? list->n : list ? 1 : 0;
	*ret_found = false;
	json_write_object(&w);
	for (uint32_t i = 0; json_is(j, JSON_OBJECT) && i < j->n; i++)
		if (!str_is(j->members[i].key, "Statement")) {
			json_write_key(&w, j->members[i].key);
			json_write_value(&w, &j->members[i].value);
		}
	json_write_key(&w, STR("Statement"));
	json_write_array(&w);
	for (uint32_t i = 0; i < n; i++) {
		const struct json *one = json_is(list, JSON_ARRAY) ? &list->items[i] : list;
		bool same = str_eq(json_get_text(one, STR("Sid")), without);
		*ret_found |= same;
		if (!same)
			json_write_value(&w, one);
	}
	if (in) {
		json_write_object(&w);
		json_write_member_str(&w, "Sid", in->Label);
		json_write_member_str(&w, "Effect", STR("Allow"));
		json_write_key(&w, STR("Principal"));
		json_write_object(&w);
		json_write_key(&w, STR("AWS"));
		write_list(&w, c->arena, &in->AWSAccountId, "arn:aws:iam::", ":root");
		json_write_object_end(&w);
		json_write_key(&w, STR("Action"));
		write_list(&w, c->arena, &in->ActionName, "SNS:", "");
		json_write_member_str(&w, "Resource", sns_topic_arn(c->arena, t));
		json_write_object_end(&w);
	}
	json_write_array_end(&w);
	json_write_object_end(&w);
	t->Policy = arena_dup(c->arena, buf_str(&b));
	buf_done(&b);
	return t->Policy.len > SNS_POLICY_MAX
		       ? sns_invalid(c, "Policy Reason: the policy would be too large")
		       : CALL_OK;
}

int
sns_add_permission(struct call *c, const struct sns_add_permission_in *in,
	struct sns_add_permission_out *out __attribute__((unused)))
{
	struct sns_topic_row t;
	bool found;
	if (sns_topic_open(c, in->TopicArn, "SNS:AddPermission", &t))
		return CALL_FAILED;
	if (!is_label(in->Label))
		return sns_invalid(c, "Label");
	if (!in->AWSAccountId.n || !in->ActionName.n)
		return sns_invalid(
			c, "AWSAccountId and ActionName Reason: at least one of each is needed");
	for (uint32_t i = 0; i < in->AWSAccountId.n; i++)
		if (!account_id_valid(in->AWSAccountId.v[i]))
			return sns_invalid(c, "AWSAccountId Reason: %.*s is not an account",
				STR_FMT(str_slice(in->AWSAccountId.v[i], 0, 40)));
	for (uint32_t i = 0; i < in->ActionName.n; i++)
		if (!is_action(in->ActionName.v[i]))
			return sns_invalid(c, "Policy statement action out of service scope!");
	if (rewrite(c, &t, in->Label, in, &found))
		return CALL_FAILED;
	if (found)
		return sns_invalid(c, "Statement already exists");
	sns_topic_put(c->tx, c->store, &t);
	return CALL_OK;
}

int
sns_remove_permission(struct call *c, const struct sns_remove_permission_in *in,
	struct sns_remove_permission_out *out __attribute__((unused)))
{
	struct sns_topic_row t;
	bool found;
	if (sns_topic_open(c, in->TopicArn, "SNS:RemovePermission", &t) ||
		rewrite(c, &t, in->Label, NULL, &found))
		return CALL_FAILED;
	if (found)
		sns_topic_put(c->tx, c->store, &t);
	return CALL_OK;
}
