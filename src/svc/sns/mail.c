#include "svc/sns/mail.h"

#include "aws/service_setting.h"
#include "aws/tasks.h"
#include "base/clock.h"
#include "base/ids.h"

#define SHOWN_MAX 500

static void
add(struct tx *t, struct store *s, struct sns_mail_row *m, int64_t now_ms)
{
	struct key k;
	m->Time = OPT_TIME(now_ms);
	bool relay = *service_setting("smtp-relay") && !str_is(m->Kind, "sms");
	m->Relay = relay ? STR("waiting") : STR("none");
	sns_kept_add(t, s, 'B', &sns_mail_row_shape, m, now_ms, &k);
	if (relay)
		task_add(t, "sns.mail", key_str(&k), now_ms);
}

void
sns_mail_confirmation(struct tx *t, struct store *s, struct arena *a,
	const struct sns_subscription_row *sub, int64_t now_ms)
{
	struct sns_name n = { 0 };
	sns_name_parse(sub->TopicArn, &n);
	struct sns_mail_row m = { .Kind = sub->Protocol,
		.To = sub->Endpoint,
		.Subject = STR("AWS Notification - Subscription Confirmation"),
		.TopicArn = sub->TopicArn,
		.MessageId = ids_uuid_text(a),
		.Account = n.account,
		.Region = n.region };
	m.Body = arena_printf(a,
		"You have chosen to subscribe to the topic:\n%.*s\n\nTo confirm this subscription, "
		"visit:\n"
		"%.*s/?Action=ConfirmSubscription&TopicArn=%.*s&Token=%.*s\n",
		STR_FMT(sub->TopicArn), STR_FMT(sub->BaseUrl), STR_FMT(sub->TopicArn),
		STR_FMT(sub->Token));
	add(t, s, &m, now_ms);
}

void
sns_mail_notification(struct tx *t, struct store *s, struct arena *a, const struct sns_fanout *f,
	const struct sns_parcel *p, int64_t now_ms)
{
	struct sns_mail_row m = { .Kind = p->target->protocol,
		.To = p->target->endpoint,
		.TopicArn = f->message->TopicArn,
		.MessageId = f->message->MessageId,
		.Account = f->plan->account,
		.Region = f->plan->region,
		.Body = p->body };
	if (p->target->to != SNS_TO_SMS)
		m.Subject = f->message->Subject.p ? f->message->Subject
						  : STR("AWS Notification Message");
	else if (f->plan->display_name.len)
		m.Body = arena_printf(
			a, "%.*s> %.*s", STR_FMT(f->plan->display_name), STR_FMT(p->body));
	if (p->target->to == SNS_TO_EMAIL)
		m.Body = arena_printf(a,
			"%.*s\n\n--\nIf you wish to stop receiving notifications from this topic, "
			"visit:\n"
			"%.*s/?Action=Unsubscribe&SubscriptionArn=%.*s\n",
			STR_FMT(p->body), STR_FMT(f->message->BaseUrl), STR_FMT(p->target->arn));
	add(t, s, &m, now_ms);
}

void
sns_mail_sms(struct call *c, struct str phone, struct str text, struct str message_id)
{
	struct sns_mail_row m = { .Kind = STR("sms"),
		.To = phone,
		.Body = text,
		.MessageId = message_id,
		.Account = c->who.account,
		.Region = c->region };
	add(c->tx, c->store, &m, c->now_ms);
}

/* --- pages: the newest first --- */

static bool
each(struct call *c, struct scan *s, unsigned *n, struct sns_mail_row *m)
{
	while (*n < SHOWN_MAX && scan_next(s)) {
		memset(m, 0, sizeof(*m));
		if (!row_decode(&sns_mail_row_shape, s->value, c->arena, m))
			continue;
		++*n;
		return true;
	}
	scan_done(s);
	return false;
}

static void
open_outbox(struct call *c, struct scan *s, struct key *hi)
{
	scan_open(s, c->tx, sns_rows(c->store), STR("B"), key_after_prefix(hi, STR("B")), true);
}

bool
sns_mail_json(struct call *c, struct buf *b, const char **ret_type)
{
	struct json_writer w = { .out = b };
	struct scan s;
	struct key hi;
	struct sns_mail_row m;
	unsigned n = 0;
	char text[TIME_TEXT_MAX];
	*ret_type = "application/json";
	open_outbox(c, &s, &hi);
	json_write_object(&w);
	json_write_key(&w, STR("messages"));
	json_write_array(&w);
	while (each(c, &s, &n, &m)) {
		json_write_object(&w);
		json_write_member_str(&w, "kind", m.Kind);
		json_write_member_str(&w, "to", m.To);
		json_write_member_str(&w, "subject", m.Subject);
		json_write_member_str(&w, "body", m.Body);
		json_write_member_str(&w, "time", time_format(m.Time.ms, TIME_ISO8601_MS, text));
		json_write_member_str(&w, "topic", m.TopicArn);
		json_write_member_str(&w, "message_id", m.MessageId);
		json_write_member_str(&w, "account", m.Account);
		json_write_member_str(&w, "region", m.Region);
		json_write_member_str(&w, "relay", m.Relay);
		json_write_object_end(&w);
	}
	json_write_array_end(&w);
	json_write_object_end(&w);
	buf_add_c(b, '\n');
	return true;
}

static void
add_html(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		switch (s.p[i]) {
		case '<':
			buf_add_lit(b, "&lt;");
			break;
		case '>':
			buf_add_lit(b, "&gt;");
			break;
		case '&':
			buf_add_lit(b, "&amp;");
			break;
		case '"':
			buf_add_lit(b, "&quot;");
			break;
		case '\'':
			buf_add_lit(b, "&#39;");
			break;
		default:
			buf_add_c(b, s.p[i]);
		}
	}
}

static void
add_cell(struct buf *b, const char *tag, struct str s)
{
	buf_printf(b, "<%s>", tag);
	add_html(b, s);
	buf_printf(b, "</%s>\n", tag);
}

bool
sns_mail_page(struct call *c, struct buf *b, const char **ret_type)
{
	struct scan s;
	struct key hi;
	struct sns_mail_row m;
	unsigned n = 0;
	char text[TIME_TEXT_MAX];
	*ret_type = "text/html; charset=utf-8";
	open_outbox(c, &s, &hi);
	buf_add_lit(b,
		"<!doctype html><meta "
		"charset=\"utf-8\"><title>Outbox</title><style>body{font:15px/1.5 sans-serif;"
		"margin:2em auto;max-width:60em;padding:0 1em}article{border-top:1px solid "
		"#bbb;padding:1em 0}"
		"pre{white-space:pre-wrap;overflow-wrap:anywhere}h2{font-size:1em;margin:0}</style>"
		"<h1>Outbox</h1><p>E-mail and text messages of SNS, the newest first.</p>\n");
	while (each(c, &s, &n, &m)) {
		buf_add_lit(b, "<article>");
		add_cell(b, "h2", m.Subject.p ? m.Subject : m.Kind);
		buf_add_lit(b, "<p>To <b>");
		add_html(b, m.To);
		buf_printf(b, "</b>, %s, ", time_format(m.Time.ms, TIME_ISO8601, text).p);
		add_html(b, m.Kind);
		buf_add_lit(b, ", relay: ");
		add_html(b, m.Relay);
		buf_add_lit(b, "</p>\n");
		add_cell(b, "pre", m.Body);
		buf_add_lit(b, "</article>\n");
	}
	if (!n)
		buf_add_lit(b, "<p>Nothing was sent yet.</p>\n");
	return true;
}
