/*
 * envelope: the JSON text around a message: notifications and the two confirmations, signed as AWS
 * signs them, in AWS's order and spacing. Pure but for the signature, which is slow (0.25 ms):
 * texts of several subscribers share one head, and those for queues leave a blank that is filled
 * when the message is received.
 */
#ifndef HANEUL_SVC_SNS_ENVELOPE_H
#define HANEUL_SVC_SNS_ENVELOPE_H

#include "svc/sns/signatures.h"
#include "svc/sns/sns_api.h"

struct sqs_blank;

struct sns_envelope {
	const char
		*type; /* "Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation" */
	struct str message_id, topic_arn, subject, message, timestamp;
	struct str token, subscribe_url; /* confirmations */
	struct str sequence;             /* FIFO: then it is not signed */
	struct str base_url;             /* "http://127.0.0.1:4566" */
	int version;
	const struct sns_signer *signer;                          /* NULL: not signed */
	struct store *store;                                      /* of the signer's key */
	struct sqs_blank *blank; /* filled in: where the signature is left out; NULL: it is signed
				  * now */
	const struct sns_message_attribute_value_map *attributes; /* NULL: none */
};
/* Everything up to the place of UnsubscribeURL, in the arena. STR_NULL: cannot be signed. */
struct str sns_envelope_head(struct arena *a, const struct sns_envelope *e);
/* A whole notification: the head, where to unsubscribe, the attributes. */
struct str sns_envelope_text(struct arena *a, const struct sns_envelope *e, struct str head,
	struct str subscription_arn);
/* A whole confirmation. */
struct str sns_envelope_confirmation(struct arena *a, const struct sns_envelope *e);
/* What is signed, for tests. */
void sns_envelope_signed_text(const struct sns_envelope *e, struct buf *out);

#endif
