/*
 * filter: filter policies of subscriptions, compiled once and matched against the attributes of a
 * message or against its body. The compiled form lives in the arena that it was parsed into,
 * borrows nothing from the text and does not change, so any number of threads may match with it.
 *
 * What matches: exact text, numbers, true, false and null; prefix, suffix, wildcard,
 * equals-ignore-case, numeric ranges, cidr, exists; anything-but of values, prefix, suffix,
 * wildcard and equals-ignore-case; "$or" of several rules; nested keys (body only). Values of one
 * key are alternatives, keys must all match. Time is bounded by policy × message.
 */
#ifndef HANEUL_SVC_SNS_FILTER_H
#define HANEUL_SVC_SNS_FILTER_H

#include "base/json.h"
#include "svc/sns/retry.h"
#include "svc/sns/sns_api.h"

struct sns_filter;

#define SNS_FILTER_KEYS_MAX 5
#define SNS_FILTER_COMBINATIONS_MAX 150
#define SNS_FILTER_BYTES_MAX (256u << 10)

/* NULL: `why` says what is wrong, as AWS does after "FilterPolicy: ". */
struct sns_filter *sns_filter_parse(
	struct arena *a, struct str json, bool body, char why[SNS_WHY_MAX]);
/* What attributes say, as an object to match with; made once for a message. Borrows from them. */
struct json *sns_filter_object(
	struct arena *a, const struct sns_message_attribute_value_map *attributes);
/* `what`: that object, or the parsed body (policies made with body); NULL, or no object: never
 * matches unless the policy is empty. */
bool sns_filter_matches(const struct sns_filter *f, const struct json *what);

#endif
