/*
 * signer: the key that signs notifications and its certificate. Made when the first message needs
 * it, kept in a row, the same for ever after. Any thread but the store's writer (it may write).
 */
#ifndef HANEUL_SVC_SNS_SIGNER_H
#define HANEUL_SVC_SNS_SIGNER_H

#include "base/arena.h"
#include "store/store.h"

struct sns_signer;

/* Borrowed until sns_signer_close; NULL: the key cannot be made or kept. */
const struct sns_signer *sns_signer_get(struct store *s);
void sns_signer_close(void);
/* Base64 in the arena; version 1: SHA1, 2: SHA256. STR_NULL on failure. */
struct str sns_signer_sign(
	const struct sns_signer *k, int version, struct str text, struct arena *a);
/* "SimpleNotificationService-<hex>.pem" */
struct str sns_signer_file(const struct sns_signer *k);
/* The certificate of that file name, in any transaction; borrowed from it. STR_NULL: no such file.
 */
struct str sns_signer_certificate(struct tx *t, struct store *s, struct arena *a, struct str file);

#endif
