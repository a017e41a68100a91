/*
 * events: what happened to objects, told to whom the bucket's notification configuration names:
 * queues, topics, functions, the event bus. A message is a task of the same transaction: it is on
 * its way exactly when the change is durable, and is delivered at least once. Tasks for services
 * that are not there wait.
 */
#ifndef HANEUL_SVC_S3_EVENTS_H
#define HANEUL_SVC_S3_EVENTS_H

#include "svc/s3/s3.h"

/* Writer. event: "s3:ObjectCreated:Put"; o: the version that it is about (also one that is
 * gone). */
void s3_event_object(struct call *c, const struct s3_bucket_row *b, const char *event,
	struct str key, const struct s3_object_row *o);
void s3_events_start(struct store *s); /* registers the deliveries */

/* The documents, for tests too. `event` without "s3:". */
struct str s3_event_record(struct call *c, const struct s3_bucket_row *b, const char *event,
	struct str key, const struct s3_object_row *o, struct str configuration_id);
/* STR_NULL: the event bus is not told of such. */
struct str s3_event_bus_entry(struct call *c, const struct s3_bucket_row *b, const char *event,
	struct str key, const struct s3_object_row *o);
/* Does "s3:ObjectCreated:*" or the exact name cover it? */
bool s3_event_covers(struct str configured, struct str event);
/* A first message that says that the configuration is in force. */
void s3_event_test(struct call *c, const struct s3_bucket_row *b, const char *kind, struct str arn);
/* -ENOENT no such target, -EACCES it does not let S3 in, 0 fine or nobody to ask. */
int s3_event_target_allowed(
	struct call *c, const struct s3_bucket_row *b, const char *kind, struct str arn);

#define S3_NOTIFY_QUEUE "s3-notify-sqs"
#define S3_NOTIFY_TOPIC "s3-notify-sns"
#define S3_NOTIFY_FUNCTION "s3-notify-lambda"
#define S3_NOTIFY_BUS "s3-notify-events"

#endif
