/*
 * one_zone: an object that a lifecycle rule moved to ONEZONE_IA gives up what the other zones hold
 * of it, by tasks: first the object's blobs are looked at, in units of bounded size, then each
 * becomes one copy, and a minute later the other zones' files go. A blob that another object names
 * too stays as it is.
 */
#ifndef HANEUL_SVC_S3_ONE_ZONE_H
#define HANEUL_SVC_S3_ONE_ZONE_H

#include "svc/s3/s3.h"

void s3_one_zone_start(struct blobs *b);
/* In a unit: the object's class is ONEZONE_IA now. */
void s3_one_zone_plan(struct call *c, const struct s3_bucket_row *b, struct str key,
	const struct s3_object_row *o);

#endif
