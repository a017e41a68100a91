/*
 * spot_requests: instances at a price that moves. A request is open until the price of its zone is
 * at or below its bid, then active with an instance; when the price rises above the bid, the
 * instance is told two minutes before it ends (in its metadata), and a persistent request opens
 * again.
 *
 * The market is looked at when a request is made, at every step of the price, and at the end of a
 * notice: due rows of kind "ec2.spot". A launch is a task, "ec2.spot.launch", because one that
 * fails must leave nothing behind but its reason. Keys of both: region, account and id separated by
 * '/'.
 */
#ifndef HANEUL_SVC_EC2_SPOT_REQUESTS_H
#define HANEUL_SVC_EC2_SPOT_REQUESTS_H

#include "svc/ec2/resource.h"

#define EC2_SPOT_NOTICE_MS INT64_C(120000)

extern const struct ec2_kind ec2_spot_request_kind;

struct ec2_instance_row;
/* For launches that ask for the market themselves (RunInstances, fleets): the bid of a type, and
 * whether it is enough in the zone now. max "": the price on demand. CALL_FAILED:
 * SpotMaxPriceTooLow and the like. */
int ec2_spot_check(
	struct call *c, struct str type, uint32_t zone, struct str max, int64_t *ret_max);
/* An active request for an instance that was just launched; marks the instance's row (not yet
 * written). */
void ec2_spot_adopt(struct call *c, struct ec2_instance_row *i,
	const struct ec2_spot_market_options *o, int64_t max, struct str fleet);
/* When the instance of the request ends and how; false: no notice was given. */
bool ec2_spot_notice(
	struct call *c, struct str request, int64_t *ret_ends_ms, struct str *ret_action);

/* spot_market.c */
void ec2_spot_look(struct call *c, struct str id, int64_t at_ms); /* the market is looked at then */
void ec2_spot_status(struct call *c, struct ec2_spot_request_row *row, const char *state,
	const char *code, struct str message);

#endif
