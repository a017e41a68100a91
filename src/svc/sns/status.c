#include "svc/sns/status.h"

#include "base/clock.h"
#include "base/ids.h"
#include "base/json.h"

#define SHOWN_MAX 1000

static struct str
attribute(const struct map_str *m, const char *kind, const char *tail)
{
	char name[64];
	snprintf(name, sizeof(name), "%s%s", kind, tail);
	return sns_map_get(m, str_c(name));
}

static const char *
kind_of(struct str protocol)
{
	return str_is(protocol, "sqs")	       ? "SQS"
	       : str_starts(protocol, STR("http")) ? "HTTP"
	       : str_is(protocol, "lambda")    ? "Lambda"
	       : str_is(protocol, "firehose")  ? "Firehose"
	       : str_is(protocol, "application") ? "Application"
						 : NULL;
}

struct sns_wanted
sns_status_wanted(const struct map_str *attributes, struct str protocol)
{
	struct sns_wanted w = { 0 };
	const char *kind = kind_of(protocol);
	int64_t percent = 100;
	if (!kind)
		return w;
	w.failures = attribute(attributes, kind, "FailureFeedbackRoleArn").len > 0;
	if (attribute(attributes, kind, "SuccessFeedbackRoleArn").len) {
		struct str rate = attribute(attributes, kind, "SuccessFeedbackSampleRate");
		w.percent = (uint8_t)(rate.len && str_to_i64(rate, &percent) ? percent : 100);
	}
	return w;
}

static struct str
group_name(struct arena *a, const struct sns_status *st)
{
	struct sns_name n = { 0 };
	sns_name_parse(st->topic_arn, &n);
	return arena_printf(a, "sns/%.*s/%.*s/%.*s%s", STR_FMT(n.region), STR_FMT(n.account),
		STR_FMT(n.topic), st->ok ? "" : "/Failure");
}

static struct str
time_of(struct arena *a, int64_t ms)
{
	char *text = arena_cstr(a, time_text(a, ms, TIME_ISO8601_MS));
	text[10] = ' ';
	return str_of(text, 23);
}

static struct str
event_text(struct arena *a, const struct sns_status *st, int64_t now_ms)
{
	struct buf b = { 0 };
	struct json_writer w = { .out = &b };
	json_write_object(&w);
	json_write_key(&w, STR("notification"));
	json_write_object(&w);
	json_write_member_str(&w, "messageMD5Sum", st->message_md5);
	json_write_member_str(&w, "messageId", st->message_id);
	json_write_member_str(&w, "topicArn", st->topic_arn);
	json_write_member_str(&w, "timestamp", time_of(a, st->published_ms));
	json_write_object_end(&w);
	json_write_key(&w, STR("delivery"));
	json_write_object(&w);
	json_write_member_str(&w, "deliveryId", ids_uuid_text(a));
	json_write_member_str(&w, "destination", st->destination);
	json_write_member_str(&w, "providerResponse", st->response);
	json_write_member_i64(&w, "dwellTimeMs", now_ms - st->published_ms);
	if (st->attempts)
		json_write_member_i64(&w, "attempts", st->attempts);
	json_write_member_i64(&w, "statusCode", st->code);
	json_write_object_end(&w);
	json_write_member_str(&w, "status", st->ok ? STR("SUCCESS") : STR("FAILURE"));
	json_write_object_end(&w);
	struct str text = arena_dup(a, buf_str(&b));
	buf_done(&b);
	return text;
}

void
sns_status_add(
	struct tx *t, struct store *s, struct arena *a, const struct sns_status *st, int64_t now_ms)
{
	struct key k;
	if (st->ok ? random_below(100) >= st->percent : !st->failures)
		return;
	struct sns_status_row row = { .Group = group_name(a, st),
		.Time = OPT_TIME(now_ms),
		.Text = event_text(a, st, now_ms) };
	sns_kept_add(t, s, 'Y', &sns_status_row_shape, &row, now_ms, &k);
}

bool
sns_status_json(struct call *c, struct buf *b, const char **ret_type)
{
	struct json_writer w = { .out = b };
	struct str group = call_query_param(c, STR("logGroupName"));
	struct scan s;
	struct key hi;
	*ret_type = "application/json";
	json_write_object(&w);
	json_write_key(&w, STR("events"));
	json_write_array(&w);
	scan_open(&s, c->tx, sns_rows(c->store), STR("Y"), key_after_prefix(&hi, STR("Y")), true);
	for (unsigned n = 0; n < SHOWN_MAX && scan_next(&s);) {
		struct sns_status_row row = { 0 };
		if (!row_decode(&sns_status_row_shape, s.value, c->arena, &row) ||
			(group.len && !str_eq(group, row.Group)))
			continue;
		n++;
		json_write_object(&w);
		json_write_member_str(&w, "logGroupName", row.Group);
		json_write_member_i64(&w, "timestamp", row.Time.ms);
		json_write_member_str(&w, "message", row.Text);
		json_write_object_end(&w);
	}
	scan_done(&s);
	json_write_array_end(&w);
	json_write_object_end(&w);
	buf_add_c(b, '\n');
	return true;
}
