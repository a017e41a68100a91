/*
 * publish: one message, checked and handed to the fan-out. What Publish, PublishBatch and events of
 * other services share.
 */
#ifndef HANEUL_SVC_SNS_PUBLISH_H
#define HANEUL_SVC_SNS_PUBLISH_H

#include "svc/sns/internal.h"

struct sns_publication {
	struct str message, subject, structure, dedup_id, group_id;
	const struct sns_message_attribute_value_map *attributes;
	struct str data_key; /* of the topic's key, as KMS sealed it; STR_NULL: it has none */
};

/* CALL_OK or CALL_FAILED with the sentence. */
int sns_publication_check(
	struct call *c, const struct sns_publication *p, bool fifo, bool content_dedup);
uint64_t sns_publication_bytes(const struct sns_publication *p);
/* Adds the fan-out, unless the same was published within five minutes (FIFO). ret_sequence
 * STR_NULL: standard. false: the topic's account may not use the topic's key. */
bool sns_publication_add(struct tx *t, struct store *s, struct arena *a,
	const struct sns_topic_row *topic, const struct sns_publication *p, struct str base_url,
	int64_t now_ms, struct str *ret_id, struct str *ret_sequence);

#endif
