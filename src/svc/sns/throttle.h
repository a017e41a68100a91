/*
 * throttle: how fast deliveries to one subscription may follow each other (maxReceivesPerSecond of
 * its delivery policy). Each delivery takes the next free moment. In memory only: after a restart
 * the first one goes at once. On the tasks' loop.
 */
#ifndef HANEUL_SVC_SNS_THROTTLE_H
#define HANEUL_SVC_SNS_THROTTLE_H

#include "base/str.h"

/* Takes a moment for a delivery; how long it is until then, 0: now. */
int64_t sns_throttle_wait_ms(struct str subscription_arn, int64_t per_second, int64_t now_ms);
void sns_throttle_forget(void);

#endif
