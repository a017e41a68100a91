/*
 * signatures: made when they are needed, and kept for a while, so that the subscribers of a message
 * share one. What is to be signed is known by a few bytes, `about`: the version, the digest, the
 * key. A signature (PKCS #1 v1.5) follows from them alone, so it is the same whenever it is made.
 * Any thread.
 */
#ifndef HANEUL_SVC_SNS_SIGNATURES_H
#define HANEUL_SVC_SNS_SIGNATURES_H

#include "svc/sns/signer.h"

#define SNS_SIGNATURE_KIND "sns.signature" /* kept with messages in queues */
#define SNS_SIGNATURE_SIZE 344             /* base64 of 2,048 bits */

/* In the arena; version 1: SHA1, 2: SHA256. */
struct str sns_signature_about(
	const struct sns_signer *k, int version, struct str text, struct arena *a);
/* Base64 in the arena. STR_NULL: the key is not there, or (at_once) it would have to be made first.
 * Not at_once: not on the writer. */
struct str sns_signature(struct store *s, struct arena *a, struct str about, bool at_once);
void sns_signatures_close(void);

#endif
