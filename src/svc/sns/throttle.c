#include "svc/sns/throttle.h"

#include <string.h>

#define SLOTS 4096

/* Of two subscriptions that share a slot each drives the other out, and both may be faster. */
static struct {
	uint64_t hash;
	int64_t next_us;
} slots[SLOTS];

int64_t
sns_throttle_wait_ms(struct str subscription_arn, int64_t per_second, int64_t now_ms)
{
	uint64_t hash = str_hash(subscription_arn);
	int64_t *next = &slots[hash % SLOTS].next_us, now_us = now_ms * 1000;
	bool ours = slots[hash % SLOTS].hash == hash;
	int64_t at = ours && *next > now_us ? *next : now_us;
	slots[hash % SLOTS].hash = hash;
	*next = at + 1000000 / per_second;
	return (at - now_us) / 1000;
}

void
sns_throttle_forget(void)
{
	memset(slots, 0, sizeof(slots));
}
