/*
 * lock: object lock: a bucket's default retention, retention and legal hold of versions, and
 * whether a version may go. A bucket has object lock exactly while bucket.ObjectLock is set; it
 * never goes away, and versioning stays enabled.
 */
#ifndef HANEUL_SVC_S3_LOCK_H
#define HANEUL_SVC_S3_LOCK_H

#include "svc/s3/s3.h"

/* What an upload asks for by headers; all may be absent. */
struct s3_lock_claim {
	struct str mode, legal_hold;
	struct opt_time until;
};
#define S3_LOCK_CLAIM(in)                                                                          \
	((struct s3_lock_claim){ (in)->ObjectLockMode, (in)->ObjectLockLegalHoldStatus,            \
		(in)->ObjectLockRetainUntilDate })
/* Checks the claim and fills o's fields (o NULL: checks alone), permissions included. */
int s3_lock_claim_apply(struct call *c, const struct s3_bucket_row *b, struct str key,
	const struct s3_lock_claim *claim, struct s3_object_row *o);
/* Writer: a new version takes the bucket's default retention unless it has its own. */
void s3_lock_default(struct call *c, const struct s3_bucket_row *b, struct s3_object_row *o);
/* Is the version protected now? In `bypass`: as far as governance can be passed over. */
bool s3_lock_holds(const struct s3_object_row *o, int64_t now_ms, bool bypass);
struct str s3_lock_hold_text(const struct s3_object_row *o); /* "ON", "OFF", STR_NULL */
/* May the caller see the lock's headers on GET and HEAD? */
bool s3_lock_visible(struct call *c, const struct s3_bucket_row *b, struct str key,
	const struct s3_object_row *o, const char *action);
/* AccessDenied while the version is protected; asks for s3:BypassGovernanceRetention when the
 * caller wants to bypass and must. */
int s3_lock_check_delete(struct call *c, const struct s3_bucket_row *b, struct str key,
	const struct s3_object_row *o, bool bypass);

#endif
