/*
 * lifecycle: what becomes of objects with time: expiration, transitions between classes, versions
 * that are no longer current, uploads that were never completed. Once a (virtual) day, at midnight
 * UTC, a bucket with rules is walked in units of bounded size, each a transaction of its own.
 *
 * A day has 24 hours; tests shorten it (HANEUL_LIFECYCLE_DAY_S), and then the minimum ages of
 * transitions do not apply and x-amz-expiration still tells whole days.
 */
#ifndef HANEUL_SVC_S3_LIFECYCLE_H
#define HANEUL_SVC_S3_LIFECYCLE_H

#include "svc/s3/s3.h"

#define S3_LIFECYCLE_KIND "s3-lifecycle"

void s3_lifecycle_start(void); /* registers the scan, reads the environment */
int64_t s3_lifecycle_day_ms(void);
bool s3_lifecycle_day_short(void);
/* The scan of a bucket is due at the next midnight. In a unit. */
void s3_lifecycle_schedule(struct call *c, struct str bucket);

/* What a rule looks at. */
struct s3_lifecycle_object {
	struct str key;
	uint64_t size;
	const struct s3_tag *tags;
	uint32_t tags_n;
	bool upload; /* neither tags nor a size yet */
};
bool s3_lifecycle_matches(const struct s3_lifecycle_rule *r, const struct s3_lifecycle_object *o);
/* Midnight at or after from_ms + days. */
int64_t s3_lifecycle_due(int64_t from_ms, int64_t days, int64_t day_ms);
/* When the rule ends a current version; false: it does not. */
bool s3_lifecycle_expiry(const struct s3_lifecycle_rule *r, const struct s3_object_row *o,
	int64_t day_ms, int64_t *ret_ms);
/* The class that transitions of the rules give it at now_ms; STR_NULL: it stays. */
struct str s3_lifecycle_class(const struct s3_lifecycle_row *l, const struct s3_lifecycle_object *o,
	const struct s3_object_row *row, int64_t now_ms);
struct str s3_lifecycle_noncurrent_class(const struct s3_lifecycle_row *l,
	const struct s3_lifecycle_object *o, const struct s3_object_row *row, int64_t since_ms,
	uint64_t newer, int64_t now_ms);
/* Value of x-amz-expiration, or STR_NULL. */
struct str s3_lifecycle_header(struct call *c, const struct s3_bucket_row *b, struct str key,
	const struct s3_object_row *o);

#endif
