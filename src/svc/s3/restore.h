/*
 * restore: archived objects (GLACIER, DEEP_ARCHIVE) are read only while a restored copy lasts. A
 * restore takes hours of the virtual clock, by tier; its copy ends at a midnight.
 */
#ifndef HANEUL_SVC_S3_RESTORE_H
#define HANEUL_SVC_S3_RESTORE_H

#include "svc/s3/s3.h"

void s3_restore_start(void);
bool s3_archived(const struct s3_object_row *o);
/* InvalidObjectState for an archived object without a restored copy. */
int s3_archived_check(struct call *c, const struct s3_object_row *o);
/* Value of x-amz-restore, or STR_NULL. */
struct str s3_restore_header(struct call *c, const struct s3_object_row *o);
/* How long a restore takes, by class and tier; 0: there is no such tier. */
int64_t s3_restore_ms(struct str class, struct str tier);

#endif
