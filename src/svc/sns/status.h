/*
 * status: what became of deliveries, where a topic asks for it (…FeedbackRoleArn and
 * …SuccessFeedbackSampleRate): AWS's events, kept as rows of the transaction that delivers, under
 * the name of the log group in which AWS would put them. The page /_haneul/sns-status.json shows
 * them.
 */
#ifndef HANEUL_SVC_SNS_STATUS_H
#define HANEUL_SVC_SNS_STATUS_H

#include "svc/sns/plan.h"

struct sns_status {
	struct str topic_arn, destination, message_id, message_md5; /* md5 in hex */
	struct str response;      /* what the other side said */
	int64_t published_ms;
	uint32_t attempts;        /* 0: not told (queues) */
	int code;                 /* HTTP's */
	bool ok;
	uint8_t percent;          /* of successes that are wanted */
	bool failures;            /* … and failures */
};
/* What the topic asks for, of subscribers of that protocol. */
struct sns_wanted sns_status_wanted(const struct map_str *attributes, struct str protocol);
/* On the writer. Drops what was not asked for, and successes outside of the sample. */
void sns_status_add(struct tx *t, struct store *s, struct arena *a, const struct sns_status *st,
	int64_t now_ms);

bool sns_status_json(struct call *c, struct buf *ret_body, const char **ret_type);

#endif
