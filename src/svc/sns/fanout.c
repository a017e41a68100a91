/* From a message and a plan to what every subscriber gets. */
#include "aws/tasks.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/text.h"
#include "svc/sns/deliver.h"
#include "svc/sns/envelope.h"
#include "svc/sns/mail.h"
#include "svc/sns/status.h"
#include "svc/sqs/sqs.h"

#include <errno.h>

#define QUEUE_ATTRIBUTES_MAX 10

/* --- making --- */

struct maker {
	struct arena *a;
	struct store *store;
	const struct sns_plan *plan;
	const struct sns_message_row *m;
	const struct json *texts;      /* of a structured message, by protocol */
	const struct json *attributes; /* what filters look at; made when one asks */
	const struct json *body;
	bool body_parsed;
	struct sns_envelope envelope;
	struct made {
		struct str text;
		struct head {
			struct str text;
			struct sqs_blank *blank; /* NULL: it lacks nothing */
		} heads[2];                      /* signed now; signed when it is received */
		unsigned char text_md5[16];
		struct digests head_md5; /* what is hashed of every envelope that begins so */
	} made[8];                       /* once for each text */
	unsigned made_n;
};

static bool
passes(struct maker *k, const struct sns_target *t)
{
	if (t->filter_broken)
		return false;
	if (!t->filter)
		return true;
	if (t->filter_body) {
		if (!k->body_parsed)
			k->body = json_parse(k->a, k->m->Message, 0, NULL);
		k->body_parsed = true;
		return sns_filter_matches(t->filter, k->body);
	}
	if (!k->attributes)
		k->attributes = sns_filter_object(k->a, &k->m->Attributes);
	return sns_filter_matches(t->filter, k->attributes);
}

static struct str
text_for(struct maker *k, struct str protocol)
{
	if (!k->texts)
		return k->m->Message;
	struct str own = json_get_text(k->texts, protocol);
	return own.p ? own : json_get_text(k->texts, STR("default"));
}

/* Of more texts than there is room for, the last place is made anew for each. */
static struct made *
made_for(struct maker *k, struct str text)
{
	const unsigned max = sizeof(k->made) / sizeof(*k->made);
	for (unsigned i = 0; i < k->made_n; i++)
		if (k->made[i].text.p == text.p)
			return &k->made[i];
	struct made *m = &k->made[k->made_n < max ? k->made_n++ : max - 1];
	m->text = text;
	m->heads[0] = m->heads[1] = (struct head){ .text = STR_NULL };
	md5(text, m->text_md5);
	return m;
}

/* later: the signature is left blank, for queues. Nothing of a FIFO topic is signed, so there the
 * MD5 is known at once. */
static const struct head *
head_make(struct maker *k, struct made *m, bool later)
{
	struct head *h = &m->heads[later];
	if (h->text.p)
		return h;
	if (!k->plan->fifo && !k->envelope.signer &&
		!(k->envelope.signer = sns_signer_get(k->store)))
		return NULL;
	if (later && !k->plan->fifo)
		h->blank = arena_new(k->a, struct sqs_blank);
	k->envelope.message = m->text;
	k->envelope.blank = h->blank;
	h->text = sns_envelope_head(k->a, &k->envelope);
	if (!h->text.p)
		return NULL;
	digests_init(&m->head_md5, DIGEST_MD5);
	if (later && !h->blank)
		digests_add(&m->head_md5, h->text);
	return h;
}

static const unsigned char *
md5_keep(struct maker *k, const unsigned char hash[16])
{
	return (const unsigned char *)arena_dup(k->a, str_of(hash, 16)).p;
}

/* An MD5 goes on from where the common head ended. */
static const unsigned char *
envelope_md5(struct maker *k, const struct made *m, struct str text)
{
	struct digests d = m->head_md5;
	struct digest_values v;
	digests_add(&d, str_slice(text, m->heads[true].text.len, text.len));
	digests_final(&d, &v);
	return md5_keep(k, v.md5);
}

/* false: it cannot be signed now. */
static bool
parcel_make(struct maker *k, const struct sns_target *t, struct sns_parcel *ret)
{
	struct str text = text_for(k, t->protocol);
	bool bare = t->raw || t->to == SNS_TO_SMS || t->to == SNS_TO_EMAIL;
	*ret = (struct sns_parcel){ .target = t, .body = text };
	if (bare && t->to != SNS_TO_SQS)
		return true;
	struct made *m = made_for(k, text);
	if (bare) {
		ret->md5 = md5_keep(k, m->text_md5);
		return true;
	}
	const struct head *h = head_make(k, m, t->to == SNS_TO_SQS);
	if (!h)
		return false;
	ret->body = sns_envelope_text(k->a, &k->envelope, h->text, t->arn);
	ret->blank = h->blank;
	if (t->to == SNS_TO_SQS && !h->blank)
		ret->md5 = envelope_md5(k, m, ret->body);
	return true;
}

static uint32_t
first_target(const struct sns_plan *p, struct str after)
{
	uint32_t lo = 0, hi = p->targets_n;
	while (after.p && lo < hi) {
		uint32_t mid = (lo + hi) / 2;
		if (str_cmp(p->targets[mid].id, after) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void
maker_init(struct maker *k, struct store *s, struct arena *a, const struct sns_message_row *m,
	const struct sns_plan *p)
{
	*k = (struct maker){ .a = a, .store = s, .m = m, .plan = p };
	if (m->Structured.v)
		k->texts = json_parse(a, m->Message, 0, NULL);
	k->envelope = (struct sns_envelope){ .type = "Notification",
		.message_id = m->MessageId,
		.topic_arn = m->TopicArn,
		.subject = m->Subject,
		.timestamp = time_text(a, m->Time.ms, TIME_ISO8601_MS),
		.sequence = m->Sequence,
		.base_url = m->BaseUrl,
		.version = p->signature_version,
		.store = s,
		.attributes = &m->Attributes };
}

int
sns_fanout_make(struct tx *t, struct store *s, struct arena *a, const struct sns_message_row *m,
	struct sns_fanout *ret)
{
	struct maker k;
	*ret = (struct sns_fanout){ .message = m, .plan = sns_plan_get(t, s, m->TopicArn) };
	if (!ret->plan)
		return 0;
	maker_init(&k, s, a, m, ret->plan);
	uint32_t i = first_target(ret->plan, m->After), end = i + SNS_FANOUT_STEP;
	if (end < ret->plan->targets_n)
		ret->after = ret->plan->targets[end - 1].id;
	else
		end = ret->plan->targets_n;
	ret->parcels = arena_array(a, struct sns_parcel, end - i);
	for (; i < end; i++) {
		const struct sns_target *target = &ret->plan->targets[i];
		if (!passes(&k, target))
			continue;
		if (!parcel_make(&k, target, &ret->parcels[ret->parcels_n]))
			return -EAGAIN;
		ret->parcels_n++;
	}
	return 0;
}

void
sns_fanout_done(struct sns_fanout *f)
{
	sns_plan_unref(f->plan);
	f->plan = NULL;
}

/* --- handing over, on the writer --- */

int
sns_deliver_queue(
	struct tx *t, struct store *s, struct arena *a, const struct sns_letter *l, int64_t now_ms)
{
	struct sns_name topic = { 0 };
	struct sqs_delivery_attribute attributes[QUEUE_ATTRIBUTES_MAX];
	struct sqs_delivery d = { .queue_arn = l->queue_arn,
		.service = STR(SNS_SERVICE),
		.source_arn = l->topic_arn,
		.body = l->body,
		.body_md5 = l->body_md5,
		.blank = l->blank,
		.attributes = attributes,
		.group_id = l->group_id,
		.dedup_id = l->dedup_id,
		.now_ms = now_ms };
	if (!sns_name_parse(l->topic_arn, &topic))
		return -EINVAL;
	d.source_account = topic.account;
	for (uint32_t i = 0; l->attributes && i < l->attributes->n; i++) {
		const struct sns_message_attribute_value *v = &l->attributes->v[i].value;
		if (d.attributes_n == QUEUE_ATTRIBUTES_MAX)
			return -EINVAL;
		attributes[d.attributes_n++] =
			(struct sqs_delivery_attribute){ .name = l->attributes->v[i].key,
				.type = v->DataType,
				.value = v->BinaryValue.p ? v->BinaryValue : v->StringValue };
	}
	return sqs_deliver(t, s, a, &d, NULL);
}

static struct str
message_md5(struct arena *a, const struct sns_message_row *m)
{
	unsigned char hash[16];
	md5(m->Message, hash);
	return hex_text(a, str_of(hash, sizeof(hash)));
}

static void
tell(struct tx *t, struct store *s, struct arena *a, const struct sns_fanout *f,
	const struct sns_parcel *p, int64_t now_ms, const char *why)
{
	if (!p->target->wanted.percent && !p->target->wanted.failures)
		return;
	struct sns_status st = { .topic_arn = f->message->TopicArn,
		.destination = p->target->endpoint,
		.message_id = f->message->MessageId,
		.message_md5 = message_md5(a, f->message),
		.response = str_c(why ? why : "{}"),
		.published_ms = f->message->Time.ms,
		.code = why ? 400 : 200,
		.ok = !why,
		.percent = p->target->wanted.percent,
		.failures = p->target->wanted.failures };
	sns_status_add(t, s, a, &st, now_ms);
}

static void
dead_letter(struct tx *t, struct store *s, struct arena *a, const struct sns_fanout *f,
	const struct sns_parcel *p, struct sns_letter *l, int64_t now_ms, const char *why)
{
	log_warn("sns.undelivered", log_str("subscription", p->target->arn), log_c("why", why),
		log_str("message", f->message->MessageId));
	tell(t, s, a, f, p, now_ms, why);
	if (!p->target->dead_letter.p)
		return;
	l->queue_arn = p->target->dead_letter;
	if (sns_deliver_queue(t, s, a, l, now_ms))
		log_warn("sns.dead_letter_lost", log_str("subscription", p->target->arn),
			log_str("queue", l->queue_arn));
}

static void
hand_to_http(struct tx *t, struct store *s, struct arena *a, const struct sns_fanout *f,
	const struct sns_parcel *p, int64_t now_ms)
{
	struct buf b = { 0 };
	struct sns_delivery_row d = { .Kind = p->target->protocol,
		.SubscriptionArn = p->target->arn,
		.TopicArn = f->message->TopicArn,
		.Endpoint = p->target->endpoint,
		.MessageId = f->message->MessageId,
		.Type = STR("Notification"),
		.Body = p->body,
		.Raw = OPT_BOOL(p->target->raw),
		.Policy = p->target->policy,
		.DeadLetter = p->target->dead_letter };
	if (p->target->raw)
		d.Attributes = f->message->Attributes;
	if (p->target->wanted.percent || p->target->wanted.failures) {
		d.StatusPercent = OPT_I64(p->target->wanted.percent);
		d.StatusFailure = OPT_BOOL(p->target->wanted.failures);
		d.Published = f->message->Time;
		d.MessageMd5 = message_md5(a, f->message);
	}
	d.DataKey = f->message->DataKey;
	if (sns_delivery_pack(t, s, a, &d, &b))
		task_add(t, "sns.http", buf_str(&b), now_ms);
	else
		log_warn("sns.undelivered", log_str("subscription", d.SubscriptionArn),
			log_str("message", d.MessageId),
			log_c("why", "the topic's key cannot be used"));
	buf_done(&b);
}

static const char *
queue_error(int r)
{
	return r == -ENOENT   ? "the queue does not exist"
	       : r == -EACCES ? "the policy of the queue does not let SNS send"
			      : "the queue does not take the message";
}

static void
hand_over(struct tx *t, struct store *s, struct arena *a, const struct sns_fanout *f,
	const struct sns_parcel *p, int64_t now_ms)
{
	struct sns_letter l = { .queue_arn = p->target->endpoint,
		.topic_arn = f->message->TopicArn,
		.body = p->body,
		.body_md5 = p->md5,
		.blank = p->blank };
	int r;
	if (p->target->raw)
		l.attributes = &f->message->Attributes;
	l.group_id = f->message->GroupId;
	if (f->plan->fifo)
		l.dedup_id = f->message->DedupId;
	switch (p->target->to) {
	case SNS_TO_SQS:
		r = sns_deliver_queue(t, s, a, &l, now_ms);
		if (r)
			dead_letter(t, s, a, f, p, &l, now_ms, queue_error(r));
		else
			tell(t, s, a, f, p, now_ms, NULL);
		break;
	case SNS_TO_HTTP:
		hand_to_http(t, s, a, f, p, now_ms);
		break;
	case SNS_TO_EMAIL:
	case SNS_TO_EMAIL_JSON:
	case SNS_TO_SMS:
		sns_mail_notification(t, s, a, f, p, now_ms);
		break;
	case SNS_TO_OTHER:
		dead_letter(t, s, a, f, p, &l, now_ms,
			"no service of this cloud takes messages for this protocol yet");
		break;
	}
}

void
sns_fanout_apply(
	struct tx *t, struct store *s, struct arena *a, const struct sns_fanout *f, int64_t now_ms)
{
	for (uint32_t i = 0; i < f->parcels_n; i++)
		hand_over(t, s, a, f, &f->parcels[i], now_ms);
}
