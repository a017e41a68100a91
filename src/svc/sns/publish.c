#include "svc/sns/publish.h"

#include "base/digest.h"
#include "base/ids.h"
#include "base/text.h"
#include "svc/sns/deliver.h"
#include "svc/sns/mail.h"

#include <errno.h>
#include <inttypes.h>

#define BATCH_MAX 10
#define SWEEP 4
#define SEQUENCE_BASE UINT64_C(10000000000000000000)

/* --- FIFO --- */

/* Each publish takes a few forgotten ids away, so that none stays for ever and no clock is needed.
 */
static void
sweep(struct tx *t, struct store *s, const struct sns_name *n, int64_t now_ms)
{
	struct key lo, hi;
	struct scan c;
	char gone[SWEEP][2][1024];
	struct str keys[SWEEP][2];
	unsigned found = 0;
	sns_key_space(&lo, 'X', n);
	hi = lo;
	key_add_u64(&hi, (uint64_t)now_ms);
	scan_open(&c, t, sns_rows(s), key_str(&lo), key_str(&hi), false);
	while (found < SWEEP && scan_next(&c)) {
		if (c.key.len > sizeof(gone[0][0]) || c.value.len > sizeof(gone[0][0]))
			continue;
		memcpy(gone[found][0], c.key.p, c.key.len);
		memcpy(gone[found][1], c.value.p, c.value.len);
		keys[found][0] = str_of(gone[found][0], c.key.len);
		keys[found][1] = str_of(gone[found][1], c.value.len);
		found++;
	}
	scan_done(&c);
	for (unsigned i = 0; i < found; i++) {
		tx_delete(t, sns_rows(s), keys[i][0]);
		tx_delete(t, sns_rows(s), keys[i][1]);
	}
}

static struct str
next_sequence(struct tx *t, struct store *s, struct arena *a, const struct sns_name *n)
{
	struct key k, v;
	struct str value;
	uint64_t last = 0;
	sns_key_space(&k, 'N', n);
	if (tx_get(t, sns_rows(s), key_str(&k), &value))
		key_take_u64(&value, &last);
	key_begin(&v);
	key_add_u64(&v, last + 1);
	tx_put(t, sns_rows(s), key_str(&k), key_str(&v));
	return arena_printf(a, "%" PRIu64, SEQUENCE_BASE + last);
}

/* true: the same was published within five minutes; *m then says what that got. */
static bool
is_repeated(struct tx *t, struct store *s, struct arena *a, const struct sns_topic_row *topic,
	struct sns_message_row *m, int64_t now_ms)
{
	struct sns_name n = { topic->Region, topic->Account, topic->Name, STR("") };
	struct sns_dedup_row row = { 0 };
	struct key k, x;
	sweep(t, s, &n, now_ms);
	sns_key_space(&k, 'D', &n);
	if (sns_attribute_is(&topic->Attributes, "FifoThroughputScope", "MessageGroup"))
		key_add(&k, m->GroupId);
	key_add(&k, m->DedupId);
	if (sns_row_get(t, s, a, &k, &sns_dedup_row_shape, &row) && row.Until.ms > now_ms) {
		m->MessageId = row.MessageId;
		m->Sequence = row.Sequence;
		return true;
	}
	m->Sequence = next_sequence(t, s, a, &n);
	row = (struct sns_dedup_row){ m->MessageId, m->Sequence, OPT_TIME(now_ms + SNS_DEDUP_MS),
		STR_NULL };
	sns_row_put(t, s, &k, &sns_dedup_row_shape, &row);
	sns_key_space(&x, 'X', &n);
	key_add_u64(&x, (uint64_t)(now_ms + SNS_DEDUP_MS));
	key_add(&x, m->MessageId);
	tx_put(t, sns_rows(s), key_str(&x), key_str(&k));
	return false;
}

/* --- one message --- */

bool
sns_publication_add(struct tx *t, struct store *s, struct arena *a,
	const struct sns_topic_row *topic, const struct sns_publication *p, struct str base_url,
	int64_t now_ms, struct str *ret_id, struct str *ret_sequence)
{
	struct sns_message_row m = { .TopicArn = sns_topic_arn(a, topic),
		.MessageId = ids_uuid_text(a),
		.Time = OPT_TIME(now_ms),
		.Subject = p->subject,
		.Message = p->message,
		.GroupId = p->group_id,
		.BaseUrl = base_url };
	unsigned char hash[32];
	bool taken = true;
	m.DataKey = p->data_key;
	m.Structured = OPT_BOOL(p->structure.p != NULL);
	if (p->attributes)
		m.Attributes = *p->attributes;
	if (topic->Fifo.v) {
		m.DedupId = p->dedup_id;
		if (!m.DedupId.p) {
			sha256(p->message, hash);
			m.DedupId = hex_text(a, str_of(hash, sizeof(hash)));
		}
	}
	if (!topic->Fifo.v || !is_repeated(t, s, a, topic, &m, now_ms))
		taken = sns_deliver_message(t, s, a, topic, &m, now_ms);
	if (ret_id)
		*ret_id = m.MessageId;
	if (ret_sequence)
		*ret_sequence = m.Sequence;
	return taken;
}

static int
key_refused(struct call *c)
{
	return call_fail(c, &SNS_KMSAccessDenied,
		"The policy of the topic's key does not let the account of the topic use it.");
}

static bool
content_dedup(const struct sns_topic_row *t)
{
	return sns_attribute_is(&t->Attributes, "ContentBasedDeduplication", "true");
}

static int
publish_to_phone(struct call *c, const struct sns_publication *p, struct str phone,
	struct sns_publish_out *out)
{
	if (sns_access(c, "SNS:Publish", STR("*"), c->who.account))
		return CALL_FAILED;
	if (phone.len < 6 || phone.len > 20 || phone.p[0] != '+')
		return sns_invalid(c, "PhoneNumber Reason: %.*s is not valid to publish to",
			STR_FMT(str_slice(phone, 0, 40)));
	for (size_t i = 1; i < phone.len; i++)
		if (phone.p[i] < '0' || phone.p[i] > '9')
			return sns_invalid(c, "PhoneNumber Reason: %.*s is not valid to publish to",
				STR_FMT(phone));
	if (p->message.len > 1600)
		return sns_invalid(c, "Message Reason: must be less than 1600 bytes long");
	out->MessageId = ids_uuid_text(c->arena);
	sns_mail_sms(c, phone, p->message, out->MessageId);
	return CALL_OK;
}

static int
publish_to_endpoint(struct call *c, struct str arn)
{
	struct sns_endpoint_row e;
	if (sns_access(c, "SNS:Publish", arn, c->who.account))
		return CALL_FAILED;
	if (!sns_endpoint_get(c, arn, &e))
		return sns_invalid(
			c, "TargetArn Reason: No endpoint found for the target arn specified");
	if (sns_attribute_is(&e.Attributes, "Enabled", "false"))
		return call_fail(c, &SNS_EndpointDisabled, "Endpoint is disabled");
	return sns_invalid(c, "TargetArn Reason: Mobile push services are not part of this cloud: "
			      "platform endpoints are "
			      "stored, but nothing can be sent to them");
}

int
sns_publish(struct call *c, const struct sns_publish_in *in, struct sns_publish_out *out)
{
	struct sns_topic_row t;
	struct str arn = in->TopicArn.len ? in->TopicArn : in->TargetArn;
	struct sns_publication p = { in->Message, in->Subject, in->MessageStructure,
		in->MessageDeduplicationId, in->MessageGroupId, &in->MessageAttributes, STR_NULL };
	if (!arn.len == !in->PhoneNumber.len)
		return sns_invalid(c, "TopicArn or TargetArn Reason: %s",
			arn.len ? "only one of TopicArn, TargetArn and PhoneNumber may be given"
				: "no value for required parameter");
	if (in->PhoneNumber.len)
		return sns_publication_check(c, &p, false, false)
			       ? CALL_FAILED
			       : publish_to_phone(c, &p, in->PhoneNumber, out);
	if (str_find_str(arn, STR(":endpoint/")) >= 0)
		return publish_to_endpoint(c, arn);
	if (sns_topic_open(c, arn, "SNS:Publish", &t) ||
		sns_publication_check(c, &p, t.Fifo.v, content_dedup(&t)) ||
		sns_kms_key(c, &t, &p.data_key))
		return CALL_FAILED;
	return sns_publication_add(c->tx, c->store, c->arena, &t, &p, sns_base_url(c), c->now_ms,
		       &out->MessageId, &out->SequenceNumber)
		       ? CALL_OK
		       : key_refused(c);
}

/* --- batches --- */

static bool
is_batch_id(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		char ch = s.p[i];
		if (!((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
			    (ch >= '0' && ch <= '9') || ch == '-' || ch == '_'))
			return false;
	}
	return s.len > 0 && s.len <= 80;
}

static struct sns_publication
entry_of(const struct sns_publish_batch_request_entry *e)
{
	return (struct sns_publication){ e->Message, e->Subject, e->MessageStructure,
		e->MessageDeduplicationId, e->MessageGroupId, &e->MessageAttributes, STR_NULL };
}

static int
check_batch(struct call *c, const struct sns_publish_batch_request_entry_list *l)
{
	uint64_t bytes = 0;
	if (l->n == 0)
		return call_fail(c, &SNS_EmptyBatchRequest,
			"The batch request doesn't contain any entries.");
	if (l->n > BATCH_MAX)
		return call_fail(c, &SNS_TooManyEntriesInBatchRequest,
			"The batch request contains more entries than permissible.");
	for (uint32_t i = 0; i < l->n; i++) {
		struct sns_publication p = entry_of(&l->v[i]);
		bytes += sns_publication_bytes(&p);
		if (!is_batch_id(l->v[i].Id))
			return call_fail(c, &SNS_InvalidBatchEntryId,
				"The Id of a batch entry in a batch request doesn't abide by the "
				"specification.");
		for (uint32_t k = 0; k < i; k++)
			if (str_eq(l->v[i].Id, l->v[k].Id))
				return call_fail(c, &SNS_BatchEntryIdsNotDistinct,
					"Two or more batch entries in the request have the same "
					"Id.");
	}
	if (bytes > SNS_MESSAGE_MAX)
		return call_fail(c, &SNS_BatchRequestTooLong,
			"The length of all the batch messages put together is more than the "
			"limit.");
	return CALL_OK;
}

int
sns_publish_batch(
	struct call *c, const struct sns_publish_batch_in *in, struct sns_publish_batch_out *out)
{
	const struct sns_publish_batch_request_entry_list *l = &in->PublishBatchRequestEntries;
	struct sns_topic_row t;
	struct str data_key;
	if (sns_topic_open(c, in->TopicArn, "SNS:Publish", &t) || check_batch(c, l) ||
		sns_kms_key(c, &t, &data_key))
		return CALL_FAILED;
	for (uint32_t i = 0; t.Fifo.v && i < l->n; i++)
		if (!l->v[i].MessageGroupId.p)
			return sns_invalid(
				c, "The MessageGroupId parameter is required for FIFO topics");
	out->Successful.v = arena_array(c->arena, struct sns_publish_batch_result_entry, l->n);
	out->Failed.v = arena_array(c->arena, struct sns_batch_result_error_entry, l->n);
	out->Successful.set = out->Failed.set = true;
	for (uint32_t i = 0; i < l->n; i++) {
		struct sns_publication p = entry_of(&l->v[i]);
		if (sns_publication_check(c, &p, t.Fifo.v, content_dedup(&t))) {
			out->Failed.v[out->Failed.n++] =
				(struct sns_batch_result_error_entry){ .Id = l->v[i].Id,
					.Code = str_c(c->error->code),
					.Message = c->error_message,
					.SenderFault = OPT_BOOL(true) };
			continue;
		}
		struct sns_publish_batch_result_entry *r = &out->Successful.v[out->Successful.n++];
		r->Id = l->v[i].Id;
		p.data_key = data_key;
		if (!sns_publication_add(c->tx, c->store, c->arena, &t, &p, sns_base_url(c),
			    c->now_ms, &r->MessageId, &r->SequenceNumber))
			return key_refused(c);
	}
	return CALL_OK;
}

/* --- other services --- */

int
sns_publish_event(struct tx *t, struct store *s, struct arena *a, const struct sns_event *e,
	struct str *ret_message_id)
{
	struct sns_topic_row topic;
	struct sns_publication p = { .message = e->message, .subject = e->subject };
	int r = sns_event_topic(t, s, a, e, &topic);
	if (r || (r = sns_kms_key_for(t, s, a, &topic, e, &p.data_key)))
		return r;
	return sns_publication_add(t, s, a, &topic, &p,
		       topic.BaseUrl.p ? topic.BaseUrl : STR("http://localhost:4566"), e->now_ms,
		       ret_message_id, NULL)
		       ? 0
		       : -EACCES;
}
