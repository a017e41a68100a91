/*
 * deliver: what follows a publish. The fan-out of a message is a task: a worker reads the plan of
 * the topic and makes the texts (sns_fanout_make), then one unit on the writer puts them into every
 * queue, outbox and task at once, and removes the task with it (sns_fanout_apply). What waits for
 * the world (HTTP, mail relays) is a task for each subscriber. At least once throughout.
 */
#ifndef HANEUL_SVC_SNS_DELIVER_H
#define HANEUL_SVC_SNS_DELIVER_H

#include "svc/sns/plan.h"

struct sqs_blank;
struct task;

#define SNS_FANOUT_STEP 1000 /* targets in one unit; the rest follows in another */

/* Registers task kinds and due handlers; at start. */
void sns_deliver_register(struct store *s);
void sns_deliver_stop(void);

/* Adds the fan-out task of a message, or fans it out at once where that is little work. false: the
 * topic's account may not use the topic's key. */
bool sns_deliver_message(struct tx *t, struct store *s, struct arena *a,
	const struct sns_topic_row *topic, const struct sns_message_row *m, int64_t now_ms);
/* Asks an endpoint to confirm, or (ended) tells it that it was unsubscribed. */
void sns_deliver_confirmation(struct tx *t, struct store *s, struct arena *a,
	const struct sns_subscription_row *sub, int64_t now_ms, bool ended);

struct sns_parcel {
	const struct sns_target *target;
	struct str body;
	const unsigned char *md5; /* of the body, for queues; NULL otherwise, and with a blank */
	const struct sqs_blank *blank; /* of a body for queues; NULL: it is complete */
};
struct sns_fanout {
	const struct sns_plan *plan; /* NULL: the topic is gone */
	const struct sns_message_row *message;
	struct sns_parcel *parcels;
	uint32_t parcels_n;
	struct str after; /* more targets follow this one; STR_NULL: that was all */
};
/* In a snapshot, not on the writer. 0, or -EAGAIN: the signing key cannot be had now. */
int sns_fanout_make(struct tx *t, struct store *s, struct arena *a, const struct sns_message_row *m,
	struct sns_fanout *ret);
void sns_fanout_apply(
	struct tx *t, struct store *s, struct arena *a, const struct sns_fanout *f, int64_t now_ms);
void sns_fanout_done(struct sns_fanout *f);

/* One message into one queue as SNS; 0 or -errno of sqs_deliver. */
struct sns_letter {
	struct str queue_arn, topic_arn, body, group_id, dedup_id;
	const unsigned char *body_md5; /* NULL: not at hand */
	const struct sqs_blank *blank; /* NULL: the body is complete */
	const struct sns_message_attribute_value_map *attributes; /* NULL: none */
};
int sns_deliver_queue(
	struct tx *t, struct store *s, struct arena *a, const struct sns_letter *l, int64_t now_ms);

/* deliver_http.c */
void sns_http_start(struct task *task, void *store);
void sns_http_stop(void);
struct pool *sns_pool(void); /* loop only; made at first use */
int64_t sns_http_failed(struct arena *a, struct sns_delivery_row *d); /* the next delay, or -1 */

#endif
