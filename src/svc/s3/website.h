/* website: what configuration (website.c) and pages (site.c, site_page.c) share. */
#ifndef HANEUL_SVC_S3_WEBSITE_H
#define HANEUL_SVC_S3_WEBSITE_H

#include "svc/s3/s3.h"

/* false: none was put. Texts borrow from the transaction. */
bool s3_website_get(struct call *c, const struct s3_bucket_row *b, struct s3_website_row *ret);

/* Why there is no page. Texts live as long as the call. */
struct s3_site_failure {
	struct str code, message;
	uint16_t status;
	struct str key;         /* field of the page; STR_NULL: none */
	struct str name, value; /* one more field, "BucketName"; STR_NULL: none */
	const struct s3_site_failure
		*custom; /* why the error document could not be had; NULL: there is none */
};
/* The page that a website host shows by itself. */
void s3_site_page(struct call *c, const struct s3_site_failure *f, struct s3_get_object_out *out);
/* Location of a rule for a key; *ret_status is 301 unless the rule says otherwise. */
struct str s3_site_redirect(struct call *c, const struct s3_redirect *r, struct str prefix,
	struct str key, uint16_t *ret_status);

#endif
