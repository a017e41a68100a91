/*
 * inventory: reports of what a bucket holds, written into another one at midnight UTC of the
 * virtual clock, daily or on Sundays: files of comma-separated values, gzipped, then a manifest
 * that names them.
 *
 * A walk in units of bounded size; its place and the files so far are the due row's payload, so a
 * crash goes on where it was. A report shows each version as it was when the walk passed it.
 */
#ifndef HANEUL_SVC_S3_INVENTORY_H
#define HANEUL_SVC_S3_INVENTORY_H

#include "base/buf.h"
#include "svc/s3/s3.h"

void s3_inventory_start(void);
/* In a unit: the next report of that configuration is due at the next midnight. */
void s3_inventory_schedule(
	struct call *c, const struct s3_bucket_row *b, struct str id, int64_t after_ms);
bool s3_inventory_get(struct call *c, const struct s3_bucket_row *b, struct str id,
	struct s3_inventory_configuration *ret); /* configurations.c */

/* ---- the text (inventory_text.c) ---- */
struct s3_inventory_entry {
	struct call *c;
	const struct s3_bucket_row *b;
	struct str key;
	const struct s3_object_row *o;
	bool latest;
};
/* "Bucket, Key, VersionId …" */
struct str s3_inventory_schema(struct call *c, const struct s3_inventory_configuration *k);
void s3_inventory_line(const struct s3_inventory_configuration *k,
	const struct s3_inventory_entry *e, struct buf *out);

#endif
