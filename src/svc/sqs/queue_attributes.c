/* The attributes of queues: what they are called, what they may be, and their defaults. */
#include "aws/policy.h"
#include "svc/sqs/queue.h"

enum kind {
	NUMBER,
	FLAG,
	POLICY,
	REDRIVE,
	REDRIVE_ALLOW,
	KMS_KEY,
	CHOICE, /* FIFO; the first choice is the default */
	COMPUTED,
};

static const struct attribute {
	const char *name;
	enum kind kind;
	bool fifo; /* FIFO queues alone have it */
	uint16_t offset;
	int64_t min, max, standard;
	const char *choices[2];
} attributes[] = {
#define AT(member) offsetof(struct sqs_queue_row, member)
	{ "Policy", POLICY, false, AT(Policy), 0, 0, 0, { 0 } },
	{ "VisibilityTimeout", NUMBER, false, AT(VisibilityTimeout), 0, SQS_VISIBILITY_MAX_S, 30,
		{ 0 } },
	{ "MaximumMessageSize", NUMBER, false, AT(MaxSize), 1024, SQS_MESSAGE_MAX, SQS_MESSAGE_MAX,
		{ 0 } },
	{ "MessageRetentionPeriod", NUMBER, false, AT(Retention), 60, 1209600, 345600, { 0 } },
	{ "ApproximateNumberOfMessages", COMPUTED, false, 0, 0, 0, 0, { 0 } },
	{ "ApproximateNumberOfMessagesNotVisible", COMPUTED, false, 0, 0, 0, 0, { 0 } },
	{ "ApproximateNumberOfMessagesDelayed", COMPUTED, false, 0, 0, 0, 0, { 0 } },
	{ "CreatedTimestamp", COMPUTED, false, 0, 0, 0, 0, { 0 } },
	{ "LastModifiedTimestamp", COMPUTED, false, 0, 0, 0, 0, { 0 } },
	{ "QueueArn", COMPUTED, false, 0, 0, 0, 0, { 0 } },
	{ "DelaySeconds", NUMBER, false, AT(Delay), 0, 900, 0, { 0 } },
	{ "ReceiveMessageWaitTimeSeconds", NUMBER, false, AT(Wait), 0, 20, 0, { 0 } },
	{ "RedrivePolicy", REDRIVE, false, AT(RedrivePolicy), 0, 0, 0, { 0 } },
	{ "RedriveAllowPolicy", REDRIVE_ALLOW, false, AT(RedriveAllow), 0, 0, 0, { 0 } },
	{ "FifoQueue", COMPUTED, true, AT(Fifo), 0, 0, 0, { 0 } },
	{ "ContentBasedDeduplication", FLAG, true, AT(ContentDedup), 0, 0, 0, { 0 } },
	{ "DeduplicationScope", CHOICE, true, AT(DedupScope), 0, 0, 0,
		{ "queue", "messageGroup" } },
	{ "FifoThroughputLimit", CHOICE, true, AT(ThroughputLimit), 0, 0, 0,
		{ "perQueue", "perMessageGroupId" } },
	{ "KmsMasterKeyId", KMS_KEY, false, AT(KmsKey), 0, 0, 0, { 0 } },
	{ "KmsDataKeyReusePeriodSeconds", NUMBER, false, AT(KmsReuse), 60, 86400, 300, { 0 } },
	{ "SqsManagedSseEnabled", FLAG, false, AT(SqsSse), 0, 0, 1, { 0 } },
#undef AT
};
#define ATTRIBUTES_N (sizeof(attributes) / sizeof(*attributes))

static const struct attribute *
attribute_find(struct str name)
{
	for (size_t i = 0; i < ATTRIBUTES_N; i++)
		if (str_eq(str_c(attributes[i].name), name))
			return &attributes[i];
	return NULL;
}

static void *
member(struct sqs_queue *q, const struct attribute *a)
{
	return (char *)&q->row + a->offset;
}

static int
bad(struct call *c, const struct attribute *a)
{
	return call_fail(
		c, &SQS_InvalidAttributeValue, "Invalid value for the parameter %s.", a->name);
}

static int
unknown(struct call *c, struct str name)
{
	return call_fail(c, &SQS_InvalidAttributeName, "Unknown Attribute %.*s.", STR_FMT(name));
}

int
sqs_attributes_default(struct call *c, struct sqs_queue *q, bool fifo)
{
	(void)c;
	for (size_t i = 0; i < ATTRIBUTES_N; i++) {
		const struct attribute *a = &attributes[i];
		if (a->fifo && !fifo)
			continue;
		if (a->kind == NUMBER)
			*(struct opt_i64 *)member(q, a) = OPT_I64(a->standard);
		else if (a->kind == FLAG)
			*(struct opt_bool *)member(q, a) = OPT_BOOL(a->standard != 0);
		else if (a->kind == CHOICE)
			*(struct str *)member(q, a) = str_c(a->choices[0]);
	}
	q->row.Fifo = OPT_BOOL(fifo);
	return CALL_OK;
}

static int
policy_set(struct call *c, struct sqs_queue *q, const struct attribute *a, struct str v)
{
	struct policy *p = NULL;
	if (v.len && policy_parse(v, POLICY_RESOURCE, &p, NULL))
		return bad(c, a);
	policy_unref(p);
	q->row.Policy = v;
	return CALL_OK;
}

static int
choice_set(struct call *c, struct sqs_queue *q, const struct attribute *a, struct str v)
{
	for (int i = 0; i < 2; i++)
		if (str_eq(v, str_c(a->choices[i]))) {
			*(struct str *)member(q, a) = v;
			return CALL_OK;
		}
	return bad(c, a);
}

static int
flag_set(struct call *c, struct sqs_queue *q, const struct attribute *a, struct str v)
{
	bool yes = str_eq_nocase(v, STR("true"));
	if (!yes && !str_eq_nocase(v, STR("false")))
		return bad(c, a);
	*(struct opt_bool *)member(q, a) = OPT_BOOL(yes);
	return CALL_OK;
}

static int
number_set(struct call *c, struct sqs_queue *q, const struct attribute *a, struct str v)
{
	int64_t n;
	if (!str_to_i64(v, &n) || n < a->min || n > a->max)
		return bad(c, a);
	*(struct opt_i64 *)member(q, a) = OPT_I64(n);
	return CALL_OK;
}

static int
attribute_set(struct call *c, struct sqs_queue *q, const struct attribute *a, struct str v)
{
	switch (a->kind) {
	case NUMBER:
		return number_set(c, q, a, v);
	case FLAG:
		return flag_set(c, q, a, v);
	case POLICY:
		return policy_set(c, q, a, v);
	case REDRIVE:
		return sqs_redrive_policy_set(c, q, v);
	case REDRIVE_ALLOW:
		return sqs_redrive_allow_set(c, q, v);
	case KMS_KEY:
		/* Any text: a key that is not there fails who sends. */
		q->row.KmsKey = v;
		return CALL_OK;
	case CHOICE:
		return choice_set(c, q, a, v);
	default:
		return unknown(c, str_c(a->name));
	}
}

/* FifoQueue says what the queue is; it cannot change that. */
static int
fifo_check(struct call *c, struct sqs_queue *q, struct str v)
{
	bool yes = str_eq_nocase(v, STR("true"));
	if (!q->row.Fifo.v)
		return yes ? call_fail(c, &SQS_InvalidAttributeValue,
				     "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.")
			   : unknown(c, STR("FifoQueue"));
	return yes ? CALL_OK
		   : call_fail(c, &SQS_InvalidAttributeValue,
			     "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.");
}

/* One kind of server-side encryption at a time. */
static int
encryption_check(struct call *c, struct sqs_queue *q, bool key_given, bool sqs_given)
{
	if (key_given && q->row.KmsKey.len) {
		if (sqs_given && q->row.SqsSse.v)
			return call_fail(c, &SQS_InvalidAttributeValue,
				"You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.");
		q->row.SqsSse = OPT_BOOL(false);
	} else if (sqs_given && q->row.SqsSse.v) {
		q->row.KmsKey = STR_NULL;
	}
	return CALL_OK;
}

int
sqs_attributes_apply(struct call *c, struct sqs_queue *q, const struct map_str *in, bool creating)
{
	bool key_given = false, sqs_given = false;
	for (uint32_t i = 0; i < in->n; i++) {
		struct str name = in->v[i].key, value = in->v[i].value.p ? in->v[i].value : STR("");
		const struct attribute *a = attribute_find(name);
		if (a && str_is(name, "FifoQueue")) {
			if (fifo_check(c, q, value) != CALL_OK)
				return CALL_FAILED;
			continue;
		}
		if (!a || a->kind == COMPUTED || (a->fifo && !q->row.Fifo.v))
			return unknown(c, name);
		if (attribute_set(c, q, a, value) != CALL_OK)
			return CALL_FAILED;
		key_given |= a->kind == KMS_KEY;
		sqs_given |= str_is(name, "SqsManagedSseEnabled");
	}
	if (str_is(q->row.ThroughputLimit, "perMessageGroupId") &&
		!str_is(q->row.DedupScope, "messageGroup"))
		return call_fail(c, &SQS_InvalidAttributeValue,
			"Invalid value for the parameter FifoThroughputLimit. "
			"Reason: The value perMessageGroupId is allowed only when DeduplicationScope is messageGroup.");
	(void)creating;
	return encryption_check(c, q, key_given, sqs_given);
}

static struct str
number_text(struct sqs_queue *q, int64_t n)
{
	return arena_printf(q->arena, "%lld", (long long)n);
}

/* Counts that a clock moved on since the last write. */
static struct str
count_text(struct sqs_queue *q, struct str name)
{
	uint64_t flown = 0, waited = 0;
	const struct sqs_counts *n = &q->counts;
	sqs_wait_matured(q, 200000, &flown, &waited);
	uint64_t in_flight = n->in_flight - flown, delayed = n->delayed - waited;
	if (str_is(name, "ApproximateNumberOfMessagesNotVisible"))
		return number_text(q, (int64_t)in_flight);
	if (str_is(name, "ApproximateNumberOfMessagesDelayed"))
		return number_text(q, (int64_t)delayed);
	return number_text(q, (int64_t)(n->messages - in_flight - delayed));
}

static struct str
computed_text(struct sqs_queue *q, struct str name)
{
	if (str_is(name, "CreatedTimestamp"))
		return number_text(q, q->row.Created.ms / 1000);
	if (str_is(name, "LastModifiedTimestamp"))
		return number_text(q, q->row.Modified.ms / 1000);
	if (str_is(name, "QueueArn"))
		return sqs_queue_arn(q);
	if (str_is(name, "FifoQueue"))
		return STR("true");
	return count_text(q, name);
}

static bool
has(struct sqs_queue *q, const struct attribute *a)
{
	if (str_is(str_c(a->name), "KmsDataKeyReusePeriodSeconds"))
		return q->row.KmsKey.len > 0;
	return !a->fifo || q->row.Fifo.v;
}

struct str
sqs_attribute_text(struct sqs_queue *q, struct str name)
{
	const struct attribute *a = attribute_find(name);
	if (!a || !has(q, a))
		return STR_NULL;
	switch (a->kind) {
	case NUMBER:
		return number_text(q, ((struct opt_i64 *)member(q, a))->v);
	case FLAG:
		return ((struct opt_bool *)member(q, a))->v ? STR("true") : STR("false");
	case COMPUTED:
		return computed_text(q, name);
	default: {
		struct str v = *(struct str *)member(q, a);
		return v.len ? v : STR_NULL;
	}
	}
}

static void
out_add(struct sqs_queue *q, struct map_str *out, const char *name)
{
	struct str v = sqs_attribute_text(q, str_c(name));
	if (v.p)
		out->v[out->n++] = (struct map_str_entry){ str_c(name), v };
}

int
sqs_get_queue_attributes(struct call *c, const struct sqs_get_queue_attributes_in *in,
	struct sqs_get_queue_attributes_out *out)
{
	struct sqs_queue q;
	bool wanted[ATTRIBUTES_N] = { 0 };
	if (sqs_open(c, in->QueueUrl, "sqs:GetQueueAttributes", 0, &q) != CALL_OK)
		return CALL_FAILED;
	for (uint32_t i = 0; i < in->AttributeNames.n; i++) {
		struct str name = in->AttributeNames.v[i];
		const struct attribute *a = attribute_find(name);
		if (!a && !str_is(name, "All"))
			return unknown(c, name);
		for (size_t k = 0; k < ATTRIBUTES_N; k++)
			wanted[k] |= !a || a == &attributes[k];
	}
	out->Attributes.v = arena_array(c->arena, struct map_str_entry, ATTRIBUTES_N);
	for (size_t k = 0; k < ATTRIBUTES_N; k++)
		if (wanted[k])
			out_add(&q, &out->Attributes, attributes[k].name);
	out->Attributes.set = out->Attributes.n > 0;
	return CALL_OK;
}

int
sqs_set_queue_attributes(struct call *c, const struct sqs_set_queue_attributes_in *in,
	struct sqs_set_queue_attributes_out *out)
{
	struct sqs_queue q;
	(void)out;
	if (sqs_open(c, in->QueueUrl, "sqs:SetQueueAttributes", SQS_OWNER_ONLY, &q) != CALL_OK)
		return CALL_FAILED;
	struct str old_arn = q.row.DeadLetterArn;
	if (sqs_attributes_apply(c, &q, &in->Attributes, false) != CALL_OK)
		return CALL_FAILED;
	sqs_redrive_index(&q, old_arn, q.row.DeadLetterArn);
	q.row.Modified = OPT_TIME(c->now_ms);
	sqs_queue_save(&q);
	/* A shorter retention may end messages at once. */
	if (q.counts.messages) {
		sqs_expire_arm(&q, c->now_ms);
		sqs_counts_save(&q);
	}
	return CALL_OK;
}
