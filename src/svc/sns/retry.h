/*
 * retry: delivery policies of HTTP subscribers: checked, merged (the subscription's over the
 * topic's over the default), and turned into the wait before each further attempt, in AWS's four
 * phases: at once, at the shortest delay, between the two along a curve, at the longest. Pure.
 */
#ifndef HANEUL_SVC_SNS_RETRY_H
#define HANEUL_SVC_SNS_RETRY_H

#include "base/arena.h"

#define SNS_WHY_MAX 256

/* 0, or -EINVAL with a sentence. topic: {"http": {"defaultHealthyRetryPolicy": …}}, else
 * {"healthyRetryPolicy": …, "throttlePolicy": …, "requestPolicy": …}. */
int sns_retry_check(struct arena *a, struct str json, bool topic, char why[SNS_WHY_MAX]);
/* The policy in force, as JSON text of the topic's form, or (subscription.p) of the subscription's.
 */
struct str sns_retry_effective(struct arena *a, struct str topic, struct str subscription);
/* Milliseconds before the attempt that follows `failed` failed ones (>= 1); -1: no more. */
int64_t sns_retry_delay_ms(struct arena *a, struct str effective, uint32_t failed);
/* throttlePolicy.maxReceivesPerSecond; 0: as many as come. */
int64_t sns_retry_per_second(struct arena *a, struct str effective);
/* requestPolicy.headerContentType; the default when there is none. */
struct str sns_retry_content_type(struct arena *a, struct str effective);

#endif
