/*
 * plan: a topic and its confirmed subscriptions, decoded, with compiled filters: what a fan-out
 * needs. Made from a snapshot, immutable, with a reference count; a small cache keeps the latest
 * generation of the topics that were published to. Any thread.
 */
#ifndef HANEUL_SVC_SNS_PLAN_H
#define HANEUL_SVC_SNS_PLAN_H

#include "svc/sns/filter.h"
#include "svc/sns/internal.h"

enum sns_protocol {
	SNS_TO_SQS,
	SNS_TO_HTTP, /* and https */
	SNS_TO_EMAIL,
	SNS_TO_EMAIL_JSON,
	SNS_TO_SMS,
	SNS_TO_OTHER, /* lambda, firehose, application: nothing takes it yet */
};

/* Of which deliveries a record is wanted. */
struct sns_wanted {
	uint8_t percent; /* of successes */
	bool failures;
};

struct sns_target {
	struct str id, arn, protocol, endpoint, dead_letter, policy;
	struct sns_wanted wanted;
	const struct sns_filter *filter; /* NULL: everything */
	bool filter_body, filter_broken, raw;
	enum sns_protocol to;
};

struct sns_plan {
	struct str topic_arn, account, region, display_name;
	int64_t generation;
	bool fifo;
	int signature_version;
	struct sns_target *targets; /* by id */
	uint32_t targets_n;
	uint64_t bytes;
};

/* NULL: no such topic. */
const struct sns_plan *sns_plan_get(struct tx *t, struct store *s, struct str topic_arn);
void sns_plan_unref(const struct sns_plan *p);
void sns_plan_forget(void); /* empties the cache */

#endif
