/*
 * prices: what an hour costs, in millionths of a US dollar: on demand (public list prices of Linux
 * in us-east-1, scaled by region), reserved, and spot, which moves on the clock. All are functions
 * of their arguments; nothing is stored. Any thread.
 */
#ifndef HANEUL_SVC_EC2_PRICES_H
#define HANEUL_SVC_EC2_PRICES_H

#include "base/arena.h"

/* 0: the type has no price here. */
int64_t ec2_price_on_demand(struct str region, struct str type);

/* Spot: steps of an hour; between a fifth of the price on demand and, in rare peaks, a little above
 * it. zone: its number. */
#define EC2_SPOT_STEP_MS INT64_C(3600000)
int64_t ec2_price_spot(struct str region, uint32_t zone, struct str type, int64_t at_ms);

/* Reserved: what of the price on demand remains, in millionths, by term and payment. convertible
 * costs more. payment: 0 none, 1 partial, 2 all upfront. */
int64_t ec2_price_reserved_share(int years, int payment, bool convertible);

/* "0.010400": as AWS writes prices. */
struct str ec2_price_text(struct arena *a, int64_t micro_usd);
/* false: not a price. At most 6 digits after the point count. */
bool ec2_price_parse(struct str text, int64_t *ret_micro_usd);

#endif
