/*
 * multipart: uploads in progress. An upload is an object row in the space U (VersionId is the
 * upload id, Modified when it was initiated, PartsId names its parts) and a row in Q for each part.
 */
#ifndef HANEUL_SVC_S3_MULTIPART_H
#define HANEUL_SVC_S3_MULTIPART_H

#include "svc/s3/s3.h"

int upload_open(struct call *c, const struct s3_bucket_row *b, struct str key, struct str upload_id,
	struct s3_object_row *ret);
int no_such_upload(struct call *c, struct str upload_id);
/* DIGEST_* of the parts' checksums, whether the client chose it or not. */
unsigned upload_algorithm(const struct s3_object_row *u);
bool part_get(
	struct call *c, const struct s3_object_row *u, uint64_t number, struct s3_part_row *ret);
/* Walks the parts of an upload from `first` upward. */
void parts_scan(struct call *c, const struct s3_object_row *u, uint64_t first, struct scan *s);
bool parts_scan_next(struct call *c, struct scan *s, struct s3_part_row *ret);
void part_erase(struct call *c, const struct s3_object_row *u, uint64_t number);

#endif
