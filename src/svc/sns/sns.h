/*
 * sns: what other services may ask of it. An event (S3, later EventBridge and alarms) is published
 * in the transaction of what caused it, by a service principal, as far as the topic's policy
 * allows. Nothing waits: the fan-out is a task of the same transaction.
 */
#ifndef HANEUL_SVC_SNS_SNS_H
#define HANEUL_SVC_SNS_SNS_H

#include "aws/call.h"

struct sns_event {
	struct str topic_arn;
	struct str service;        /* "s3.amazonaws.com" */
	struct str source_arn;     /* aws:SourceArn */
	struct str source_account; /* aws:SourceAccount */
	struct str subject;        /* STR_NULL: none */
	struct str message;
	int64_t now_ms;
};
/* 0; -ENOENT no such topic; -EACCES its policy does not let the service publish; -EINVAL the topic
 * is a FIFO one or the message is too large. Writer only. ret_message_id (in the arena) may be
 * NULL. */
int sns_publish_event(struct tx *t, struct store *s, struct arena *a, const struct sns_event *e,
	struct str *ret_message_id);
/* The same question without publishing (checks of notification configurations); in any transaction.
 */
int sns_event_allowed(struct tx *t, struct store *s, struct arena *a, const struct sns_event *e);

#endif
