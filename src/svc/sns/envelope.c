#include "svc/sns/envelope.h"

#include "aws/service_setting.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/text.h"
#include "svc/sqs/sqs.h"

static void
line(struct buf *b, const char *name, struct str value)
{
	buf_printf(b, "%s\n", name);
	buf_add_str(b, value);
	buf_add_c(b, '\n');
}

void
sns_envelope_signed_text(const struct sns_envelope *e, struct buf *b)
{
	line(b, "Message", e->message);
	line(b, "MessageId", e->message_id);
	if (e->subscribe_url.p)
		line(b, "SubscribeURL", e->subscribe_url);
	else if (e->subject.p)
		line(b, "Subject", e->subject);
	line(b, "Timestamp", e->timestamp);
	if (e->token.p)
		line(b, "Token", e->token);
	line(b, "TopicArn", e->topic_arn);
	line(b, "Type", str_c(e->type));
}

static void
member(struct buf *b, const char *name, struct str value)
{
	if (!value.p)
		return;
	buf_printf(b, "%s\n  \"%s\" : ", b->len > 1 ? "," : "", name);
	json_add_quoted(b, value);
}

/* The setting sns-cert-url puts the certificate under a host that verifiers accept. */
static struct str
certificate_url(struct arena *a, const struct sns_envelope *e)
{
	struct str base = str_c(service_setting("sns-cert-url")), file = sns_signer_file(e->signer);
	long at = str_find_str(base, STR("{region}"));
	if (!base.len)
		return arena_printf(a, "%.*s/%.*s", STR_FMT(e->base_url), STR_FMT(file));
	if (at < 0)
		return arena_printf(a, "%.*s/%.*s", STR_FMT(base), STR_FMT(file));
	struct str rest = str_slice(e->topic_arn, 12, e->topic_arn.len),
		   tail = str_slice(base, (size_t)at + 8, base.len);
	struct str region = str_cut(&rest, ':');
	return arena_printf(a, "%.*s%.*s%.*s/%.*s", (int)at, base.p, STR_FMT(region), STR_FMT(tail),
		STR_FMT(file));
}

static bool
add_signature(struct arena *a, const struct sns_envelope *e, struct buf *b)
{
	struct buf text = { 0 };
	sns_envelope_signed_text(e, &text);
	struct str about = sns_signature_about(e->signer, e->version, buf_str(&text), a);
	struct str signature = e->blank ? STR("") : sns_signature(e->store, a, about, false);
	buf_done(&text);
	member(b, "SignatureVersion", e->version == 2 ? STR("2") : STR("1"));
	member(b, "Signature", signature);
	if (e->blank)
		*e->blank = (struct sqs_blank){ STR(SNS_SIGNATURE_KIND), about,
			(uint32_t)(b->len - 1), SNS_SIGNATURE_SIZE };
	member(b, "SigningCertURL", certificate_url(a, e));
	return signature.p != NULL;
}

struct str
sns_envelope_head(struct arena *a, const struct sns_envelope *e)
{
	struct buf b = { 0 };
	buf_add_c(&b, '{');
	member(&b, "Type", str_c(e->type));
	member(&b, "MessageId", e->message_id);
	member(&b, "SequenceNumber", e->sequence);
	member(&b, "Token", e->token);
	member(&b, "TopicArn", e->topic_arn);
	member(&b, "Subject", e->subject);
	member(&b, "Message", e->message);
	member(&b, "SubscribeURL", e->subscribe_url);
	member(&b, "Timestamp", e->timestamp);
	bool ok = !e->signer || add_signature(a, e, &b);
	struct str head = ok ? arena_dup(a, buf_str(&b)) : STR_NULL;
	buf_done(&b);
	return head;
}

static void
add_attributes(struct buf *b, const struct sns_message_attribute_value_map *m)
{
	if (!m || !m->n)
		return;
	buf_add_lit(b, ",\n  \"MessageAttributes\" : {");
	for (uint32_t i = 0; i < m->n; i++) {
		const struct sns_message_attribute_value *v = &m->v[i].value;
		struct json_writer w = { .out = b };
		buf_printf(b, "%s\n    ", i ? "," : "");
		json_add_quoted(b, m->v[i].key);
		buf_add_lit(b, " : {\"Type\":");
		json_add_quoted(b, v->DataType);
		buf_add_lit(b, ",\"Value\":");
		if (v->BinaryValue.p)
			json_write_base64(&w, v->BinaryValue);
		else
			json_add_quoted(b, v->StringValue);
		buf_add_c(b, '}');
	}
	buf_add_lit(b, "\n  }");
}

struct str
sns_envelope_text(
	struct arena *a, const struct sns_envelope *e, struct str head, struct str subscription_arn)
{
	struct buf b = { 0 };
	buf_reserve(&b, head.len + 512);
	buf_add_str(&b, head);
	buf_add_lit(&b, ",\n  \"UnsubscribeURL\" : \"");
	buf_add_str(&b, e->base_url);
	buf_add_lit(&b, "/?Action=Unsubscribe&SubscriptionArn=");
	buf_add_str(&b, subscription_arn);
	buf_add_c(&b, '"');
	add_attributes(&b, e->attributes);
	buf_add_lit(&b, "\n}");
	struct str text = arena_dup(a, buf_str(&b));
	buf_done(&b);
	return text;
}

struct str
sns_envelope_confirmation(struct arena *a, const struct sns_envelope *e)
{
	struct str head = sns_envelope_head(a, e);
	return head.p ? arena_concat(a, head, STR("\n}")) : STR_NULL;
}
