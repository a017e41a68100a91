/*
 * route: from a request to S3's operation: path style, virtual hosts, website hosts, sub-resources;
 * and the private operations behind requests that AWS's models do not name (website pages, CORS
 * preflights, browser forms).
 *
 * Runs on the loop before anything is authenticated, so it trusts nothing and touches rows only for
 * hosts that could be a bucket's own domain and for requests of browsers (Origin). No state but
 * pointers into the operation table, made on first use.
 */
#ifndef HANEUL_SVC_S3_ROUTE_H
#define HANEUL_SVC_S3_ROUTE_H

#include "aws/call.h"

enum s3_host_kind {
	S3_HOST_PATH,    /* the bucket is the first segment of the path */
	S3_HOST_VIRTUAL, /* the bucket stands in the host */
	S3_HOST_WEBSITE,
	S3_HOST_CUSTOM, /* a domain: the bucket of that name, if there is one */
};
/* What a Host header says. *ret_bucket borrows from host, as sent (case kept). */
enum s3_host_kind s3_host_parse(struct str host, struct str *ret_bucket);

/* What the private operations get through call->user. */
struct s3_site_request {
	struct str bucket;
	struct str path; /* raw, from the first slash on */
};

bool s3_route(struct call *c); /* the route hook */

/* website.c, cors.c, post.c */
extern const struct op s3_website_op, s3_preflight_op, s3_post_op;
/* Headers for the reply when a rule of the bucket fits Origin and method; opens its own read. */
void s3_cors_headers(struct call *c, struct str bucket);

/* An input or output without members, for operations that look at the request itself. */
extern const struct shape s3_nothing_shape;
/* GetObject's, for pages. */
extern const struct shape s3_get_object_out_shape;

#endif
