/*
 * tiering: objects in INTELLIGENT_TIERING move between access tiers by when they were read last:
 * after 30 days to INFREQUENT_ACCESS, after 90 to ARCHIVE_INSTANT_ACCESS, and where a configuration
 * of the bucket says so to ARCHIVE_ACCESS and DEEP_ARCHIVE_ACCESS, which must be restored before
 * they are read. A read brings an object back to the frequent tier (AccessTier absent).
 *
 * Buckets that have such objects are walked each midnight, in units of bounded size. Reads are
 * noted at most once a day for each object, behind the reply; what is not noted when the process is
 * killed is lost. Below 128 KiB objects stay frequent.
 */
#ifndef HANEUL_SVC_S3_TIERING_H
#define HANEUL_SVC_S3_TIERING_H

#include "svc/s3/s3.h"

void s3_tiering_start(struct store *s);
/* In a unit: the bucket has an object of the class now. */
void s3_tiering_schedule(struct call *c, const struct s3_bucket_row *b);
/* Put away in an archive tier? */
bool s3_tiering_archived(const struct s3_object_row *o);
/* On a loop, after a read: notes it where that is due. */
void s3_tiering_read(struct call *c, const struct s3_bucket_row *b, struct str key,
	const struct s3_object_row *o);

/* Enabled ones of the bucket (configurations.c). */
uint32_t s3_tiering_configurations(struct call *c, const struct s3_bucket_row *b,
	struct s3_intelligent_tiering_configuration **ret);
/* The tier at that time; STR_NULL: frequent (tested alone). */
struct str s3_tiering_tier(const struct s3_intelligent_tiering_configuration *k, uint32_t n,
	struct str key, const struct s3_object_row *o, int64_t now_ms, int64_t day_ms);

#endif
