/*
 * signer: the key that signs notifications and its certificate. Made when the first message needs
 * it, kept in a row, the same for ever after. Any thread but the store's writer (it may write).
 */
#ifndef HANEUL_SVC_SNS_SIGNER_H
#define HANEUL_SVC_SNS_SIGNER_H

#include "base/arena.h"
#include "store/store.h"

struct sns_signer;

#define SNS_SIGNER_NAME_MAX 96

/* Borrowed until sns_signer_close; NULL: the key cannot be made or kept. */
const struct sns_signer *sns_signer_get(struct store *s);
/* The same where it is loaded already; NULL otherwise. Any thread, the writer too. */
const struct sns_signer *sns_signer_loaded(void);
void sns_signer_close(void);
/* Base64 in the arena, of a digest; version 1: SHA1, 2: SHA256. STR_NULL on failure. 0.25 ms. */
struct str sns_signer_sign(
	const struct sns_signer *k, int version, struct str digest, struct arena *a);
/* "SimpleNotificationService-<hex>.pem" */
struct str sns_signer_file(const struct sns_signer *k);
/* The certificate of that file name, in any transaction; borrowed from it. STR_NULL: no such file.
 */
struct str sns_signer_certificate(struct tx *t, struct store *s, struct arena *a, struct str file);

#endif
