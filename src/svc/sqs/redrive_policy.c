/* RedrivePolicy and RedriveAllowPolicy: JSON that binds a queue and its dead-letter queue. */
#include "base/json.h"
#include "svc/sqs/queue.h"

#define RECEIVES_MAX 1000
#define SOURCES_MAX 10

static int
refuse(struct call *c, const char *parameter, struct str text, const char *why)
{
	return sqs_bad_value(c, "Value %.*s for parameter %s is invalid. Reason: %s", STR_FMT(text),
		parameter, why);
}

/* The allow policy of the dead-letter queue decides which queues may use it. */
static bool
source_allowed(struct sqs_queue *dlq, struct str source_arn)
{
	struct json *j = dlq->row.RedriveAllow.len
				 ? json_parse(dlq->arena, dlq->row.RedriveAllow, 0, NULL)
				 : NULL;
	struct str how = json_get_text(j, STR("redrivePermission"));
	if (str_is(how, "denyAll"))
		return false;
	if (!str_is(how, "byQueue"))
		return true;
	struct json *arns = json_get_lit(j, "sourceQueueArns");
	for (uint32_t i = 0; arns && arns->kind == JSON_ARRAY && i < arns->n; i++)
		if (str_eq(json_text(json_at(arns, i)), source_arn))
			return true;
	return false;
}

static int
target_check(struct call *c, struct sqs_queue *q, struct str text, struct str arn)
{
	struct sqs_name n;
	struct sqs_queue dlq;
	if (!sqs_arn_parse(arn, &n))
		return refuse(c, "RedrivePolicy", text, "Invalid value for deadLetterTargetArn.");
	if (!str_eq(n.region, q->region) || !str_eq(n.account, q->account))
		return refuse(c, "RedrivePolicy", text,
			"Dead letter target must be in the same account and region as the source.");
	if (!sqs_queue_load(c->tx, c->store, c->arena, &n, &dlq))
		return refuse(c, "RedrivePolicy", text, "Dead letter target does not exist.");
	if (dlq.row.Fifo.v != q->row.Fifo.v)
		return refuse(c, "RedrivePolicy", text,
			"Dead-letter queue must be same type of queue as the source.");
	if (!source_allowed(&dlq, sqs_queue_arn(q)))
		return refuse(c, "RedrivePolicy", text,
			"The dead-letter queue does not allow this source queue.");
	return CALL_OK;
}

int
sqs_redrive_policy_set(struct call *c, struct sqs_queue *q, struct str text)
{
	q->row.RedrivePolicy = text;
	q->row.DeadLetterArn = STR_NULL;
	q->row.MaxReceives = (struct opt_i64){ 0 };
	if (!text.len)
		return CALL_OK;
	struct json *j = json_parse(c->arena, text, 0, NULL);
	if (!json_is(j, JSON_OBJECT))
		return refuse(c, "RedrivePolicy", text, "Redrive policy is not a valid JSON map.");
	struct str arn = json_get_text(j, STR("deadLetterTargetArn"));
	struct json *max = json_get_lit(j, "maxReceiveCount");
	int64_t receives = 0;
	if (!arn.p)
		return refuse(c, "RedrivePolicy", text,
			"Redrive policy does not contain mandatory attribute: deadLetterTargetArn.");
	if (!max)
		return refuse(c, "RedrivePolicy", text,
			"Redrive policy does not contain mandatory attribute: maxReceiveCount.");
	bool number =
		max->kind == JSON_STR ? str_to_i64(max->text, &receives) : json_i64(max, &receives);
	if (!number || receives < 1 || receives > RECEIVES_MAX)
		return refuse(c, "RedrivePolicy", text,
			arena_cstr(c->arena,
				arena_printf(c->arena,
					"Invalid value for maxReceiveCount: %.*s, valid values are from 1 to 1000 both inclusive.",
					STR_FMT(json_to_text(c->arena, max)))));
	if (target_check(c, q, text, arn) != CALL_OK)
		return CALL_FAILED;
	q->row.DeadLetterArn = arn;
	q->row.MaxReceives = OPT_I64(receives);
	return CALL_OK;
}

int
sqs_redrive_allow_set(struct call *c, struct sqs_queue *q, struct str text)
{
	q->row.RedriveAllow = text;
	if (!text.len)
		return CALL_OK;
	struct json *j = json_parse(c->arena, text, 0, NULL);
	if (!json_is(j, JSON_OBJECT))
		return refuse(c, "RedriveAllowPolicy", text,
			"Redrive allow policy is not a valid JSON map.");
	struct str how = json_get_text(j, STR("redrivePermission"));
	struct json *arns = json_get_lit(j, "sourceQueueArns");
	bool by_queue = str_is(how, "byQueue");
	if (!by_queue && !str_is(how, "allowAll") && !str_is(how, "denyAll"))
		return refuse(
			c, "RedriveAllowPolicy", text, "Invalid value for redrivePermission.");
	if (by_queue != (arns != NULL))
		return refuse(c, "RedriveAllowPolicy", text, by_queue ?
			"sourceQueueArns is required when redrivePermission is byQueue." :
			"sourceQueueArns is allowed only when redrivePermission is byQueue.");
	if (!by_queue)
		return CALL_OK;
	if (arns->kind != JSON_ARRAY || arns->n < 1 || arns->n > SOURCES_MAX)
		return refuse(
			c, "RedriveAllowPolicy", text, "sourceQueueArns must name 1 to 10 queues.");
	for (uint32_t i = 0; i < arns->n; i++) {
		struct sqs_name n;
		if (!sqs_arn_parse(json_text(json_at(arns, i)), &n))
			return refuse(c, "RedriveAllowPolicy", text,
				"Invalid value for sourceQueueArns.");
	}
	return CALL_OK;
}

static void
index_key(struct key *k, struct sqs_queue *q, const struct sqs_name *dlq)
{
	sqs_text_key(k, 'Y', dlq);
	key_add(k, q->row.Name);
}

void
sqs_redrive_index(struct sqs_queue *q, struct str old_arn, struct str new_arn)
{
	struct sqs_name n;
	struct key k;
	if (str_eq(old_arn, new_arn))
		return;
	if (old_arn.len && sqs_arn_parse(old_arn, &n)) {
		index_key(&k, q, &n);
		tx_delete(q->tx, q->rows, key_str(&k));
	}
	if (new_arn.len && sqs_arn_parse(new_arn, &n)) {
		index_key(&k, q, &n);
		tx_put(q->tx, q->rows, key_str(&k), STR(""));
	}
}
