/*
 * messages: why somebody was refused, sealed so that only who may decode it can read it.
 * AES-256-GCM under a key of this cloud, made at its first start and kept by a reset; the account
 * is bound in. Any thread.
 */
#ifndef HANEUL_SVC_STS_MESSAGES_H
#define HANEUL_SVC_STS_MESSAGES_H

#include "aws/call.h"

#define MESSAGE_PLAIN_MAX                                                                          \
	7000 /* so that the text stays below the 10,240 characters that are taken */

/* Makes the key where there is none. 0 or -errno. Not on a loop. */
int sts_messages_start(struct store *s);
void sts_messages_keep(struct tx *t, struct store *s);

/* The text for a refusal's "Encoded authorization failure message"; STR_NULL: the decision is too
 * long. */
struct str sts_message_encode(struct call *c, const struct call_decision *d);
/* Sealing alone. account is whose principals may open it. */
#define MESSAGE_KEY 32
#define MESSAGE_NONCE 12
struct str sts_message_seal(struct arena *a, const unsigned char key[MESSAGE_KEY],
	const unsigned char nonce[MESSAGE_NONCE], struct str account, struct str plain);
/* STR_NULL: not sealed so. */
struct str sts_message_open(
	struct arena *a, const unsigned char key[MESSAGE_KEY], struct str account, struct str text);

#endif
