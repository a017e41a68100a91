#include "svc/s3/route.h"

#include "aws/codec_route.h"
#include "base/uri.h"
#include "svc/s3/post_form.h"
#include "svc/s3/s3.h"

#include <stdatomic.h>

const struct shape s3_nothing_shape = {
	.name = "Nothing",
	.kind = SHAPE_STRUCT,
	.min = INT64_MIN,
	.max = INT64_MAX,
};

/* ---- the usual requests, without a search of the table ---- */

enum { FAST_GET, FAST_HEAD, FAST_PUT, FAST_DELETE, FAST_COPY, FAST_PART_COPY, FAST_N };
static const char *const fast_names[FAST_N] = { "GetObject", "HeadObject", "PutObject",
	"DeleteObject", "CopyObject", "UploadPartCopy" };

static const struct op *
fast_op(const struct service *s, int which)
{
	static _Atomic(const struct op *) found[FAST_N];
	const struct op *op = atomic_load_explicit(&found[which], memory_order_relaxed);
	if (!op) {
		op = service_op(s, str_c(fast_names[which]));
		atomic_store_explicit(&found[which], op, memory_order_relaxed);
	}
	return op;
}

/* "/bucket/key" with nothing in the query. */
static const struct op *
route_fast(const struct call *c)
{
	struct str rest = str_slice(c->path, 1, c->path.len);
	if (c->query.len || str_cut(&rest, '/').len == 0 || !rest.len)
		return NULL;
	switch (c->method.p[0]) {
	case 'G':
		return str_is(c->method, "GET") ? fast_op(c->service, FAST_GET) : NULL;
	case 'H':
		return str_is(c->method, "HEAD") ? fast_op(c->service, FAST_HEAD) : NULL;
	case 'D':
		return str_is(c->method, "DELETE") ? fast_op(c->service, FAST_DELETE) : NULL;
	case 'P':
		if (!str_is(c->method, "PUT"))
			return NULL;
		return fast_op(c->service,
			call_request_header(c, STR("x-amz-copy-source")).p ? FAST_COPY : FAST_PUT);
	}
	return NULL;
}

/* ---- sub-resources ---- */

/* What follows the '?' decides between operations; one that does not know it must not run instead:
 * "DELETE /bucket?notification" would delete the bucket. */
static const char *const subresources[] = { "abac", "accelerate", "acl", "analytics", "annotation",
	"attributes", "cors", "delete", "encryption", "intelligent-tiering", "inventory",
	"legal-hold", "lifecycle", "location", "logging", "metadataConfiguration", "metadataTable",
	"metrics", "notification", "object-lock", "ownershipControls", "policy", "policyStatus",
	"publicAccessBlock", "replication", "requestPayment", "restore", "retention", "select",
	"tagging", "torrent", "uploads", "versioning", "versions", "website" };

static bool
is_subresource(struct str key)
{
	for (size_t i = 0; i < sizeof(subresources) / sizeof(*subresources); i++)
		if (str_eq(key, str_c(subresources[i])))
			return true;
	return false;
}

static bool
op_knows(const struct op *op, struct str key)
{
	struct str rest = str_c(op->uri), one;
	str_cut(&rest, '?');
	while (rest.p) {
		one = str_cut(&rest, '&');
		if (str_eq(str_cut(&one, '='), key))
			return true;
	}
	return false;
}

static bool
subresources_fit(const struct op *op, struct str query)
{
	struct uri_param p;
	while (uri_param_next(&query, &p))
		if (is_subresource(p.key) && !op_knows(op, p.key))
			return false;
	return true;
}

static bool
query_has(struct str query, struct str key)
{
	struct uri_param p;
	while (uri_param_next(&query, &p))
		if (str_eq(p.key, key))
			return true;
	return false;
}

/* "SERVICE", "BUCKET", "OBJECT" or the sub-resource, as MethodNotAllowed tells it. */
static struct str
resource_type(const struct call *c)
{
	struct str query = c->query, rest = str_slice(c->path, 1, c->path.len);
	struct uri_param p;
	while (uri_param_next(&query, &p))
		if (is_subresource(p.key))
			return p.key;
	if (!str_cut(&rest, '/').len)
		return STR("SERVICE");
	return rest.len ? STR("OBJECT") : STR("BUCKET");
}

static int
method_not_allowed(struct call *c)
{
	c->op = NULL;
	call_fail(c, &S3_MethodNotAllowed, NULL);
	call_fail_field(c, "Method", c->method);
	return call_fail_field(c, "ResourceType", resource_type(c));
}

/* ---- paths ---- */

/* Percent-encoding that cannot be undone would make the key something that nobody asked for. */
static bool
path_decodes(struct str path)
{
	for (size_t i = 0; i < path.len; i++) {
		unsigned char byte;
		if (path.p[i] != '%')
			continue;
		if (i + 2 >= path.len || !hex_decode(str_slice(path, i + 1, i + 3), &byte, 1))
			return false;
		i += 2;
	}
	return true;
}

static int
invalid_uri(struct call *c)
{
	call_fail(c, &S3_InvalidURI, NULL);
	return call_fail_field(c, "URI", c->raw_path);
}

static struct str
lower(struct call *c, struct str s)
{
	char *p = arena_alloc_raw(c->arena, s.len);
	for (size_t i = 0; i < s.len; i++)
		p[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] + 32) : s.p[i];
	return str_of(p, s.len);
}

/* Of a path-style path. */
static struct str
bucket_of(struct call *c)
{
	struct str rest = str_slice(c->path, 1, c->path.len);
	return uri_decode(c->arena, str_cut(&rest, '/'), 0);
}

static void
to_path_style(struct call *c, struct str bucket)
{
	struct str head = arena_concat(c->arena, STR("/"), bucket);
	c->path = str_is(c->raw_path, "/") ? head : arena_concat(c->arena, head, c->raw_path);
}

/* ---- what is no operation of the models ---- */

static bool
is_plain_read(const struct call *c)
{
	return (str_is(c->method, "GET") || str_is(c->method, "HEAD")) && !c->query.len &&
	       !call_request_header(c, STR("authorization")).p;
}

/* A domain is a bucket's when the bucket has its name; browsers then get the site, if it is one. */
static enum s3_host_kind
resolve_domain(struct call *c, struct str bucket)
{
	struct s3_bucket_row b = { 0 };
	enum s3_host_kind kind = S3_HOST_PATH;
	c->tx = tx_begin_read(c->store);
	if (s3_bucket_find(c, bucket, &b))
		kind = is_plain_read(c) && (b.Configs.v >> S3_CONFIG_WEBSITE & 1) ? S3_HOST_WEBSITE
										  : S3_HOST_VIRTUAL;
	tx_end(c->tx);
	c->tx = NULL;
	return kind;
}

static bool
is_form(const struct call *c)
{
	struct str type = call_request_header(c, STR("content-type"));
	return type.len >= 19 && str_eq_nocase(str_slice(type, 0, 19), STR("multipart/form-data"));
}

static void
set_private(struct call *c, const struct op *op, struct str bucket)
{
	struct s3_site_request *r = arena_new(c->arena, struct s3_site_request);
	r->bucket = bucket;
	r->path = c->raw_path;
	c->user = r;
	c->op = op;
}

static int
form_too_large(struct call *c, int64_t size)
{
	call_fail(c, &S3_EntityTooLarge, NULL);
	call_fail_field(c, "ProposedSize", arena_printf(c->arena, "%lld", (long long)size));
	return call_fail_field(c, "MaxSizeAllowed", arena_printf(c->arena, "%u", S3_FORM_MAX));
}

/* A form goes to the bucket: its key is a field. */
static bool
route_post(struct call *c)
{
	struct str rest = str_slice(c->path, 1, c->path.len);
	struct str bucket = str_cut(&rest, '/');
	if (!bucket.len || rest.len || query_has(c->query, STR("delete")) ||
		query_has(c->query, STR("metadataTable")) ||
		query_has(c->query, STR("metadataConfiguration")))
		return false;
	if (is_form(c)) {
		int64_t size;
		if (str_to_i64(call_request_header(c, STR("content-length")), &size) &&
			size > S3_FORM_MAX)
			return form_too_large(c, size), true;
		set_private(c, &s3_post_op, bucket_of(c));
		return true;
	}
	call_fail(c, &S3_PreconditionFailed, NULL);
	call_fail_field(c, "Condition",
		STR("Bucket POST must be of the enclosure-type multipart/form-data"));
	return true;
}

static const struct op *
route_table(struct call *c)
{
	const struct op *op = codec_route_rest(c->service, c->method, c->path, c->query);
	if (op && str_is(c->method, "PUT") && call_request_header(c, STR("x-amz-copy-source")).p &&
		str_is(resource_type(c), "OBJECT"))
		op = query_has(c->query, STR("uploadId")) ? fast_op(c->service, FAST_PART_COPY)
							  : fast_op(c->service, FAST_COPY);
	/* The two copies are told by their header alone, which the table does not see. */
	else if (op && op == fast_op(c->service, FAST_COPY))
		op = fast_op(c->service, FAST_PUT);
	else if (op && op == fast_op(c->service, FAST_PART_COPY))
		op = service_op(c->service, STR("UploadPart"));
	else if (op && str_is(c->method, "GET") && op_knows(op, STR("annotation")))
		op = service_op(c->service, query_has(c->query, STR("annotationName"))
						    ? STR("GetObjectAnnotation")
						    : STR("ListObjectAnnotations"));
	return op;
}

/* What a function answers, at a host of its own ("route.s3-object-lambda.region…"). */
static bool
is_function_answer(const struct call *c)
{
	return str_is(c->raw_path, "/WriteGetObjectResponse") && str_is(c->method, "POST") &&
	       call_request_header(c, STR("x-amz-request-route")).p;
}

bool
s3_route(struct call *c)
{
	struct str bucket;
	enum s3_host_kind kind = s3_host_parse(c->host, &bucket);
	if (!c->raw_path.len || c->raw_path.p[0] != '/' || !path_decodes(c->raw_path))
		return invalid_uri(c), true;
	if (is_function_answer(c)) {
		c->path = c->raw_path;
		c->op = service_op(c->service, STR("WriteGetObjectResponse"));
		return true;
	}
	if (kind == S3_HOST_CUSTOM)
		kind = resolve_domain(c, bucket = lower(c, bucket));
	else if (bucket.p)
		bucket = lower(c, bucket);
	if (kind == S3_HOST_VIRTUAL)
		to_path_style(c, bucket);
	else if (kind == S3_HOST_PATH)
		bucket = STR_NULL;
	bool browser = call_request_header(c, STR("origin")).p;
	if (browser && !bucket.p)
		bucket = bucket_of(c);
	if (str_is(c->method, "OPTIONS"))
		return set_private(c, &s3_preflight_op, bucket.p ? bucket : bucket_of(c)), true;
	if (browser && bucket.len)
		s3_cors_headers(c, bucket);
	if (kind == S3_HOST_WEBSITE)
		return set_private(c, &s3_website_op, bucket), true;
	if ((c->op = route_fast(c)))
		return true;
	if (str_is(c->method, "POST") && route_post(c))
		return true;
	if (c->path.len > 1 && c->path.p[1] == '/')
		return invalid_uri(c), true;
	c->op = route_table(c);
	if (!c->op || !subresources_fit(c->op, c->query))
		method_not_allowed(c);
	return true;
}
