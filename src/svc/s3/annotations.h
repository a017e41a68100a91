/*
 * annotations: named texts of up to 1 MiB that hang on a version of an object, beside its bytes.
 *
 * A version with annotations has AnnotationsId, which no other version has, and their number in its
 * row. Each is an object row of its own (space O: id, name): up to 16 KiB of text are sealed in
 * that row, larger ones lie in blobs. Its Sse says how: "AES256" under the cloud's keys, "aws:kms"
 * under the data key of the object. They go with the version, after the commit; copies carry them
 * along, replicas do not.
 *
 * Threads: as call.h says of handlers.
 */
#ifndef HANEUL_SVC_S3_ANNOTATIONS_H
#define HANEUL_SVC_S3_ANNOTATIONS_H

#include "svc/s3/s3.h"

#define S3_ANNOTATION_NAME_MAX 512
#define S3_ANNOTATION_MAX (1u << 20)
#define S3_ANNOTATIONS_MAX 1000

void s3_key_annotation(struct key *k, struct str id, struct str name);
bool s3_annotation_get(
	struct call *c, const struct s3_object_row *o, struct str name, struct s3_object_row *ret);
/* Writer: what came in becomes the annotation, in place of one of the same name. own: the object's
 * data key or NULL. o's members are set; the caller saves it. AnnotationLimitExceeded. */
int s3_annotation_put(struct call *c, const struct s3_bucket_row *b, struct s3_object_row *o,
	struct str name, struct s3_object_row *a, const struct body *in, const unsigned char *own);
/* Writer: false: there was none. As above the caller saves o. */
bool s3_annotation_remove(
	struct call *c, const struct s3_bucket_row *b, struct s3_object_row *o, struct str name);
/* own: as s3_sse_open gave it for the object. */
struct body *s3_annotation_read(struct call *c, const struct s3_bucket_row *b,
	const struct s3_object_row *a, struct str name, const unsigned char *own);

/* Prepare and handler of CopyObject: may, and can, those of `from` go along? */
struct s3_annotated {
	const struct s3_bucket_row *b;
	struct str key;
	const struct s3_object_row *o;
	const unsigned char *own;
};
int s3_annotations_copy_check(struct call *c, const struct s3_annotated *from,
	const struct s3_bucket_row *to, struct str key, const struct s3_object_row *o);
/* Writer: after that check and before s3_version_add. */
int s3_annotations_copy(struct call *c, const struct s3_annotated *from,
	const struct s3_bucket_row *to, struct s3_object_row *o, const unsigned char *own);

#endif
