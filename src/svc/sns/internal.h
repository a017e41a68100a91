/*
 * What the files of SNS share: names, rows and their keys, access, small helpers. Private to this
 * folder; other services use sns.h.
 *
 * Rows live in the environment "sns". A topic row carries counters and a generation that changes
 * with each of its subscriptions, so whoever changes a subscription writes the topic too.
 * Threads: everything here works in the transaction of the call or of the task.
 */
#ifndef HANEUL_SVC_SNS_INTERNAL_H
#define HANEUL_SVC_SNS_INTERNAL_H

#include "base/buf.h"
#include "svc/sns/sns.h"
#include "svc/sns/sns_api.h"

#include <stdio.h>

#define SNS_PAGE 100
#define SNS_MESSAGE_MAX (256u << 10)
#define SNS_SUBJECT_MAX 100
#define SNS_NAME_MAX 256
#define SNS_TAGS_MAX 50
#define SNS_POLICY_MAX 30720
#define SNS_TOPIC_FILTERS_MAX 200
#define SNS_FIFO_SUBSCRIPTIONS_MAX 100
#define SNS_SUBSCRIPTIONS_MAX 12500000
#define SNS_DEDUP_MS (INT64_C(5) * 60 * 1000)
#define SNS_PENDING_MS (INT64_C(3) * 24 * 3600 * 1000)
#define SNS_SERVICE "sns.amazonaws.com"

/* "arn:aws:sns:R:A:name", and ":id" for a subscription (id "" of a topic). Texts borrow. */
struct sns_name {
	struct str region, account, topic, id;
};
bool sns_name_parse(struct str arn, struct sns_name *ret);
struct str sns_topic_arn(struct arena *a, const struct sns_topic_row *t);
struct str sns_subscription_arn(struct arena *a, const struct sns_subscription_row *s);

/* --- rows.c --- */
struct rows *sns_rows(struct store *s);
void sns_key_topic(struct key *k, struct str account, struct str region, struct str name);
void sns_key_topics(struct key *k, struct str account, struct str region); /* prefix */
void sns_key_subscription(struct key *k, const struct sns_name *n);        /* of n->id */
void sns_key_subscriptions(struct key *k, const struct sns_name *n);       /* prefix */
void sns_key_owned(
	struct key *k, struct str owner, struct str region, struct str arn); /* arn "": prefix */
void sns_key_endpoint(
	struct key *k, const struct sns_name *n, struct str protocol, struct str endpoint);
void sns_key_token(struct key *k, struct str token);
void sns_key_space(
	struct key *k, char space, const struct sns_name *n); /* prefix of what a topic keeps */

bool sns_topic_get(struct tx *t, struct store *s, struct arena *a, const struct sns_name *n,
	struct sns_topic_row *ret);
void sns_topic_put(struct tx *t, struct store *s, struct sns_topic_row *row); /* next generation */
bool sns_subscription_get(struct tx *t, struct store *s, struct arena *a, const struct sns_name *n,
	struct sns_subscription_row *ret);
void sns_subscription_put(
	struct tx *t, struct store *s, struct arena *a, const struct sns_subscription_row *row);
/* The row alone, with every index of it. */
void sns_subscription_delete(
	struct tx *t, struct store *s, struct arena *a, const struct sns_subscription_row *row);
void sns_row_put(struct tx *t, struct store *s, const struct key *k, const struct shape *shape,
	const void *row);
bool sns_row_get(struct tx *t, struct store *s, struct arena *a, const struct key *k,
	const struct shape *shape, void *ret_row);
void sns_delete_space(struct tx *t, struct store *s, struct str prefix);

/* --- maps of text --- */
struct str sns_map_get(const struct map_str *m, struct str key); /* STR_NULL: absent */
void sns_map_set(struct arena *a, struct map_str *m, struct str key,
	struct str value); /* STR_NULL removes */
static inline bool
sns_attribute_is(const struct map_str *m, const char *key, const char *value)
{
	return str_eq_nocase(sns_map_get(m, str_c(key)), str_c(value));
}

/* --- access.c --- */
/* The topic of that ARN, when the caller may do `action` on it. CALL_OK or CALL_FAILED. */
int sns_topic_open(struct call *c, struct str arn, const char *action, struct sns_topic_row *ret);
/* What belongs to no topic: its account's own policies decide. */
int sns_access(struct call *c, const char *action, struct str resource, struct str account);
int sns_invalid(struct call *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "http://127.0.0.1:4566": where this request came to. */
struct str sns_base_url(struct call *c);
/* As sns_event_allowed; fills the topic. */
int sns_event_topic(struct tx *t, struct store *s, struct arena *a, const struct sns_event *e,
	struct sns_topic_row *ret);
struct str sns_default_policy(struct arena *a, const struct sns_topic_row *t);

/* Opaque tokens around the last key of a page. STR_NULL when malformed. */
struct str sns_token_encode(struct arena *a, struct str key);
struct str sns_token_decode(struct arena *a, struct str token);

/* --- subscription_attributes.c --- */
/* Checks and normalises one; `prefix` begins the sentence ("AttributeValue" or "Attributes"). */
int sns_subscription_attribute(struct call *c, const struct sns_topic_row *t,
	struct sns_subscription_row *s, struct str name, struct str value, const char *prefix);

/* --- topic_attributes.c --- */
int sns_topic_attribute(
	struct call *c, struct sns_topic_row *t, struct str name, struct str value, bool creating);
int sns_tags_check(struct call *c, const struct sns_tag_list *tags);

/* --- subscriptions.c: a due handler --- */
int sns_pending_expired(
	struct tx *t, struct str id, int64_t due_ms, struct str payload, void *store);

/* --- platform.c --- */
bool sns_endpoint_get(struct call *c, struct str arn, struct sns_endpoint_row *ret);
bool sns_endpoint_exists(struct call *c, struct str arn);

/* ---- kept.c */
/* A row of a list that keeps its newest 10,000, which lie in the order of their times under that
 * letter. */
void sns_kept_add(struct tx *t, struct store *s, char space, const struct shape *shape,
	const void *row, int64_t now_ms, struct key *ret_key);

/* ---- sealing.c: topics with a key of KMS */
/* A data key for what is published to the topic, as far as the caller may use the topic's key;
 * STR_NULL where it has none. CALL_OK or CALL_FAILED. */
int sns_kms_key(struct call *c, const struct sns_topic_row *t, struct str *ret_data_key);
/* … as a service's event: 0 or -EACCES. */
int sns_kms_key_for(struct tx *t, struct store *s, struct arena *a,
	const struct sns_topic_row *topic, const struct sns_event *e, struct str *ret_data_key);
/* What a task of the message carries; with a data key all but the topic is sealed. false: the key
 * cannot be used now. */
bool sns_message_pack(struct tx *t, struct store *s, struct arena *a,
	const struct sns_message_row *m, struct buf *out);
bool sns_message_unpack(struct tx *t, struct store *s, struct arena *a, struct sns_message_row *m);
bool sns_delivery_pack(struct tx *t, struct store *s, struct arena *a,
	const struct sns_delivery_row *d, struct buf *out);
bool sns_delivery_unpack(
	struct tx *t, struct store *s, struct arena *a, struct sns_delivery_row *d);

#endif
