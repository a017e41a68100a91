/* AddPermission and RemovePermission: statements of the queue's policy, by label. */
#include "aws/arn.h"
#include "base/json.h"
#include "svc/sqs/queue.h"

#define ACTIONS_MAX 7

static const char *const shared_actions[] = { "*", "SendMessage", "ReceiveMessage", "DeleteMessage",
	"ChangeMessageVisibility", "GetQueueAttributes", "GetQueueUrl",
	"ListDeadLetterSourceQueues", "PurgeQueue", NULL };

static bool
action_shared(struct str name)
{
	for (int i = 0; shared_actions[i]; i++)
		if (str_eq(name, str_c(shared_actions[i])))
			return true;
	return false;
}

static int
input_check(struct call *c, const struct sqs_add_permission_in *in)
{
	if (!sqs_name_valid(in->Label, false))
		return sqs_bad_value(c,
			"Value %.*s for parameter Label is invalid. Reason: Can only include alphanumeric "
			"characters, hyphens, or underscores. 1 to 80 in length.",
			STR_FMT(in->Label));
	if (!in->AWSAccountIds.n)
		return call_fail(c, &SQS_MissingParameter,
			"The request must contain the parameter PrincipalId.");
	if (!in->Actions.n)
		return call_fail(c, &SQS_MissingParameter,
			"The request must contain the parameter Actions.");
	if (in->Actions.n > ACTIONS_MAX)
		return call_fail(c, &SQS_OverLimit, "%u Actions were found, maximum allowed is %d.",
			in->Actions.n, ACTIONS_MAX);
	for (uint32_t i = 0; i < in->AWSAccountIds.n; i++)
		if (!account_id_valid(in->AWSAccountIds.v[i]))
			return sqs_bad_value(c,
				"Value [%.*s] for parameter PrincipalId is invalid. Reason: Unable to verify.",
				STR_FMT(in->AWSAccountIds.v[i]));
	for (uint32_t i = 0; i < in->Actions.n; i++)
		if (!action_shared(in->Actions.v[i]))
			return sqs_bad_value(c,
				"Value SQS:%.*s for parameter ActionName is invalid. Reason: Only the queue owner is "
				"allowed to invoke this action.",
				STR_FMT(in->Actions.v[i]));
	return CALL_OK;
}

static void
strings(struct json_writer *w, struct arena *a, const char *format, const struct list_str *list)
{
	if (list->n > 1)
		json_write_array(w);
	for (uint32_t i = 0; i < list->n; i++) {
		struct str text = str_c(format), before = str_cut(&text, '%');
		json_write_str(w, arena_concat(a, arena_concat(a, before, list->v[i]), text));
	}
	if (list->n > 1)
		json_write_array_end(w);
}

static void
statement_write(struct json_writer *w, struct sqs_queue *q, const struct sqs_add_permission_in *in)
{
	json_write_object(w);
	json_write_member_str(w, "Sid", in->Label);
	json_write_member_str(w, "Effect", STR("Allow"));
	json_write_key(w, STR("Principal"));
	json_write_object(w);
	json_write_key(w, STR("AWS"));
	strings(w, q->arena, "arn:aws:iam::%:root", &in->AWSAccountIds);
	json_write_object_end(w);
	json_write_key(w, STR("Action"));
	strings(w, q->arena, "SQS:%", &in->Actions);
	json_write_member_str(w, "Resource", sqs_queue_arn(q));
	json_write_object_end(w);
}

/* A single statement may stand without its list. */
static const struct json *
statements(const struct json *policy, uint32_t *ret_n)
{
	const struct json *s = json_get_lit(policy, "Statement");
	*ret_n = !s ? 0 : s->kind == JSON_ARRAY ? s->n : 1;
	return s && s->kind == JSON_ARRAY ? s->items : s;
}

/* The policy again, without the statement `drop` (NULL: all stay) and with a new one (NULL:
 * none). */
static void
policy_rewrite(struct sqs_queue *q, const struct json *policy, const struct json *drop,
	const struct sqs_add_permission_in *add)
{
	struct buf b = { 0 };
	struct json_writer w = { .out = &b };
	uint32_t n;
	const struct json *s = statements(policy, &n);
	struct str version = json_get_text(policy, STR("Version")),
		   id = json_get_text(policy, STR("Id"));
	json_write_object(&w);
	json_write_member_str(&w, "Version", version.p ? version : STR("2012-10-17"));
	json_write_member_str(&w, "Id",
		id.p ? id
		     : arena_printf(q->arena, "%.*s/SQSDefaultPolicy", STR_FMT(sqs_queue_arn(q))));
	json_write_key(&w, STR("Statement"));
	json_write_array(&w);
	for (uint32_t i = 0; i < n; i++)
		if (&s[i] != drop)
			json_write_value(&w, &s[i]);
	if (add)
		statement_write(&w, q, add);
	json_write_array_end(&w);
	json_write_object_end(&w);
	q->row.Policy = drop && n == 1 ? STR_NULL : arena_dup(q->arena, buf_str(&b));
	buf_done(&b);
}

static const struct json *
statement_find(const struct json *policy, struct str label)
{
	uint32_t n;
	const struct json *s = statements(policy, &n);
	for (uint32_t i = 0; i < n; i++)
		if (str_eq(json_get_text(&s[i], STR("Sid")), label))
			return &s[i];
	return NULL;
}

int
sqs_add_permission(
	struct call *c, const struct sqs_add_permission_in *in, struct sqs_add_permission_out *out)
{
	struct sqs_queue q;
	(void)out;
	if (sqs_open(c, in->QueueUrl, "sqs:AddPermission", SQS_OWNER_ONLY, &q) != CALL_OK ||
		input_check(c, in) != CALL_OK)
		return CALL_FAILED;
	struct json *policy = q.row.Policy.len ? json_parse(c->arena, q.row.Policy, 0, NULL) : NULL;
	if (statement_find(policy, in->Label))
		return sqs_bad_value(c,
			"Value %.*s for parameter Label is invalid. Reason: Already exists.",
			STR_FMT(in->Label));
	policy_rewrite(&q, policy, NULL, in);
	sqs_queue_save(&q);
	return CALL_OK;
}

int
sqs_remove_permission(struct call *c, const struct sqs_remove_permission_in *in,
	struct sqs_remove_permission_out *out)
{
	struct sqs_queue q;
	(void)out;
	if (sqs_open(c, in->QueueUrl, "sqs:RemovePermission", SQS_OWNER_ONLY, &q) != CALL_OK)
		return CALL_FAILED;
	struct json *policy = q.row.Policy.len ? json_parse(c->arena, q.row.Policy, 0, NULL) : NULL;
	const struct json *s = statement_find(policy, in->Label);
	if (!s)
		return sqs_bad_value(c,
			"Value %.*s for parameter Label is invalid. Reason: can't find label on existing policy.",
			STR_FMT(in->Label));
	policy_rewrite(&q, policy, s, NULL);
	sqs_queue_save(&q);
	return CALL_OK;
}
