/*
 * post_form: multipart/form-data as browsers send it to a bucket: fields, then one file; and the
 * policy document that says which fields a signed form may have. Both come from strangers:
 * everything is bounded, nothing is copied but what had to be decoded, texts borrow from the body.
 */
#ifndef HANEUL_SVC_S3_POST_FORM_H
#define HANEUL_SVC_S3_POST_FORM_H

#include "base/arena.h"

#define S3_FORM_FIELDS_MAX 100
#define S3_FORM_MAX (16u << 20)      /* the whole, as the front gathers bodies */
#define S3_FORM_HEAD_MAX (20u << 10) /* what stands before the file */

struct s3_form_field {
	struct str name, value;
};
struct s3_form {
	struct s3_form_field v[S3_FORM_FIELDS_MAX];
	unsigned n;
	unsigned files_n;
	struct str file, file_name, file_type; /* of the first */
};

enum s3_form_result {
	S3_FORM_OK,
	S3_FORM_MALFORMED,
	S3_FORM_TOO_LARGE, /* fields before the file */
	S3_FORM_NOT_MULTIPART,
};
enum s3_form_result s3_form_parse(struct str content_type, struct str body, struct s3_form *ret);
/* Without regard to case; STR_NULL when absent. */
struct str s3_form_get(const struct s3_form *f, struct str name);
/* "${filename}" in every value becomes the file's name without folders. */
void s3_form_expand(struct arena *a, struct s3_form *f);

/* What a policy document says of a form. */
struct s3_form_verdict {
	const char *code; /* NULL: fits; "InvalidPolicyDocument", "AccessDenied", "EntityTooLarge",
			     "EntityTooSmall" */
	struct str message;
	int64_t limit; /* of the two about sizes */
};
void s3_form_judge(struct arena *a, const struct s3_form *f, struct str bucket, struct str document,
	int64_t now_ms, struct s3_form_verdict *ret);

#endif
