/* Notification configuration: AWS's checks, and the two operations. */
#include "base/buf.h"
#include "svc/s3/access.h"
#include "svc/s3/events.h"

#include <errno.h>

static int
argument_invalid(struct call *c, const char *sentence, const char *name, struct str value)
{
	call_fail(c, &S3_InvalidArgument, "%s", sentence);
	call_fail_field(c, "ArgumentName", str_c(name));
	return call_fail_field(c, "ArgumentValue", value.p ? value : STR("null"));
}

/* One entry of any of the lists. */
struct entry {
	struct str *id;
	struct str arn;
	const struct list_str *events;
	const struct s3_notification_configuration_filter *filter;
	const char *kind, *service;
};

static const char *const event_names[] = { "s3:ReducedRedundancyLostObject", "s3:ObjectCreated:*",
	"s3:ObjectCreated:Put", "s3:ObjectCreated:Post", "s3:ObjectCreated:Copy",
	"s3:ObjectCreated:CompleteMultipartUpload", "s3:ObjectRemoved:*", "s3:ObjectRemoved:Delete",
	"s3:ObjectRemoved:DeleteMarkerCreated", "s3:ObjectRestore:*", "s3:ObjectRestore:Post",
	"s3:ObjectRestore:Completed", "s3:Replication:*",
	"s3:Replication:OperationFailedReplication", "s3:Replication:OperationNotTracked",
	"s3:Replication:OperationMissedThreshold",
	"s3:Replication:OperationReplicatedAfterThreshold", "s3:ObjectRestore:Delete",
	"s3:LifecycleTransition", "s3:IntelligentTiering", "s3:ObjectAcl:Put",
	"s3:LifecycleExpiration:*", "s3:LifecycleExpiration:Delete",
	"s3:LifecycleExpiration:DeleteMarkerCreated", "s3:ObjectTagging:*", "s3:ObjectTagging:Put",
	"s3:ObjectTagging:Delete", "s3:ObjectAnnotation:*", "s3:ObjectAnnotation:Put",
	"s3:ObjectAnnotation:Delete" };

static bool
event_known(struct str name)
{
	for (size_t i = 0; i < sizeof(event_names) / sizeof(*event_names); i++)
		if (str_eq(name, str_c(event_names[i])))
			return true;
	return false;
}

static int
filter_check(struct call *c, const struct s3_notification_configuration_filter *f)
{
	bool seen[2] = { false, false };
	for (uint32_t i = 0; f && f->Key && i < f->Key->FilterRules.n; i++) {
		const struct s3_filter_rule *r = &f->Key->FilterRules.v[i];
		bool suffix = str_eq_nocase(r->Name, STR("suffix"));
		if (!suffix && !str_eq_nocase(r->Name, STR("prefix")))
			return argument_invalid(c,
				"filter rule name must be either prefix or suffix",
				"FilterRule.Name", r->Name);
		if (seen[suffix])
			return argument_invalid(c,
				"Cannot specify more than one prefix or suffix rule in a filter.",
				"FilterRule.Name", r->Name);
		seen[suffix] = true;
		if (r->Value.len > 1024)
			return argument_invalid(c,
				"Size of filter rule value cannot exceed 1024 bytes in UTF-8 "
				"representation",
				"FilterRule.Value", r->Value);
	}
	return CALL_OK;
}

static int
entry_check(struct call *c, const struct s3_bucket_row *b, const struct entry *e, bool skip)
{
	struct str service = arena_printf(c->arena, "arn:aws:%s:", e->service);
	if (!e->events->n)
		return call_fail(c, &S3_MalformedXML, NULL);
	for (uint32_t i = 0; i < e->events->n; i++)
		if (!event_known(e->events->v[i]))
			return argument_invalid(c, "The event is not supported for notifications",
				"Event", e->events->v[i]);
	if (filter_check(c, e->filter))
		return CALL_FAILED;
	if (!str_starts(e->arn, service))
		return argument_invalid(
			c, "The ARN could not be parsed", "CloudFunction/Queue/Topic", e->arn);
	if (!e->id->len)
		*e->id = call_uuid(c);
	if (!skip && s3_event_target_allowed(c, b, e->kind, e->arn))
		return argument_invalid(c,
			"Unable to validate the following destination configurations", "Target",
			e->arn);
	return CALL_OK;
}

static struct str
prefix_of(const struct entry *e, const char *name)
{
	for (uint32_t i = 0; e->filter && e->filter->Key && i < e->filter->Key->FilterRules.n; i++)
		if (str_eq_nocase(e->filter->Key->FilterRules.v[i].Name, str_c(name)))
			return e->filter->Key->FilterRules.v[i].Value;
	return STR("");
}

static bool
events_overlap(const struct list_str *a, const struct list_str *b)
{
	for (uint32_t i = 0; i < a->n; i++)
		for (uint32_t j = 0; j < b->n; j++)
			if (s3_event_covers(a->v[i], b->v[j]) || s3_event_covers(b->v[j], a->v[i]))
				return true;
	return false;
}

static bool
overlap(const struct entry *a, const struct entry *b)
{
	struct str p = prefix_of(a, "prefix"), q = prefix_of(b, "prefix");
	struct str s = prefix_of(a, "suffix"), t = prefix_of(b, "suffix");
	return events_overlap(a->events, b->events) && (str_starts(p, q) || str_starts(q, p)) &&
	       (str_ends(s, t) || str_ends(t, s));
}

#define ENTRIES(list, arn_, kind_, service_)                                                       \
	for (uint32_t i_ = 0; i_ < (list).n; i_++)                                                 \
		e[n++] = (struct entry)                                                            \
		{                                                                                  \
			&(list).v[i_].Id, (list).v[i_].arn_,                                       \
				(const struct list_str *)&(list).v[i_].Events,                     \
				(list).v[i_].Filter, kind_, service_                               \
		}

static int
configuration_check(struct call *c, const struct s3_bucket_row *b,
	const struct s3_notification_configuration *k, bool skip)
{
	uint32_t n = 0, all = k->QueueConfigurations.n + k->TopicConfigurations.n +
			      k->LambdaFunctionConfigurations.n;
	if (all > 100)
		return argument_invalid(c, "Too many configurations", "Configurations", STR_NULL);
	struct entry *e = arena_array(c->arena, struct entry, all);
	ENTRIES(k->QueueConfigurations, QueueArn, S3_NOTIFY_QUEUE, "sqs");
	ENTRIES(k->TopicConfigurations, TopicArn, S3_NOTIFY_TOPIC, "sns");
	ENTRIES(k->LambdaFunctionConfigurations, LambdaFunctionArn, S3_NOTIFY_FUNCTION, "lambda");
	for (uint32_t i = 0; i < n; i++) {
		if (entry_check(c, b, &e[i], skip))
			return CALL_FAILED;
		for (uint32_t j = 0; j < i; j++)
			if (overlap(&e[i], &e[j]))
				return call_fail(c, &S3_InvalidArgument,
					"Configuration is ambiguously defined. Cannot have "
					"overlapping suffixes in two rules if the prefixes are "
					"overlapping for the same event type.");
	}
	for (uint32_t i = 0; i < n; i++)
		if (strcmp(e[i].kind, S3_NOTIFY_FUNCTION) != 0)
			s3_event_test(c, b, e[i].kind, e[i].arn);
	return CALL_OK;
}

int
s3_put_bucket_notification_configuration(struct call *c,
	const struct s3_put_bucket_notification_configuration_in *in,
	struct s3_put_bucket_notification_configuration_out *out __attribute__((unused)))
{
	struct s3_bucket_row b = { 0 };
	struct s3_notification_row row = { 0 };
	struct buf bytes = { 0 };
	const struct s3_notification_configuration *k = in->NotificationConfiguration;
	if (s3_config_open(c, in->Bucket, in->ExpectedBucketOwner, "s3:PutBucketNotification", &b))
		return CALL_FAILED;
	if (!k)
		return call_fail(c, &S3_MalformedXML, NULL);
	if (configuration_check(c, &b, k, in->SkipDestinationValidation.v))
		return CALL_FAILED;
	row.Topics = k->TopicConfigurations;
	row.Queues = k->QueueConfigurations;
	row.Functions = k->LambdaFunctionConfigurations;
	row.EventBridge = OPT_BOOL(k->EventBridgeConfiguration != NULL);
	bool any = row.Topics.n || row.Queues.n || row.Functions.n || row.EventBridge.v;
	row_encode(&s3_notification_row_shape, &row, &bytes);
	s3_config_put(c, &b, S3_CONFIG_NOTIFICATION, any ? buf_str(&bytes) : STR_NULL);
	buf_done(&bytes);
	return CALL_OK;
}

int
s3_get_bucket_notification_configuration(struct call *c,
	const struct s3_get_bucket_notification_configuration_in *in,
	struct s3_get_bucket_notification_configuration_out *out)
{
	struct s3_bucket_row b = { 0 };
	struct s3_notification_row row = { 0 };
	struct str bytes;
	if (s3_config_open(c, in->Bucket, in->ExpectedBucketOwner, "s3:GetBucketNotification", &b))
		return CALL_FAILED;
	if (!s3_config_get(c, &b, S3_CONFIG_NOTIFICATION, &bytes) ||
		!row_decode(&s3_notification_row_shape, bytes, c->arena, &row))
		return CALL_OK;
	out->TopicConfigurations = row.Topics;
	out->QueueConfigurations = row.Queues;
	out->LambdaFunctionConfigurations = row.Functions;
	if (row.EventBridge.v)
		out->EventBridgeConfiguration =
			arena_new(c->arena, struct s3_event_bridge_configuration);
	return CALL_OK;
}
