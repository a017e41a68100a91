/* CORS: the rules of a bucket, preflights, and the headers that let a browser read a reply. */
#include "base/buf.h"
#include "svc/s3/access.h"
#include "svc/s3/route.h"

#define RULES_MAX 100

static bool
cors_get(struct call *c, const struct s3_bucket_row *b, struct s3_cors_row *ret)
{
	struct str bytes;
	*ret = (struct s3_cors_row){ 0 };
	return s3_config_get(c, b, S3_CONFIG_CORS, &bytes) &&
	       row_decode(&s3_cors_row_shape, bytes, c->arena, ret);
}

/* ---- configuration ---- */

static bool
wildcards_fit(struct str s, unsigned max)
{
	unsigned n = 0;
	for (size_t i = 0; i < s.len; i++)
		n += s.p[i] == '*';
	return n <= max;
}

static bool
method_known(struct str m)
{
	return str_is(m, "GET") || str_is(m, "PUT") || str_is(m, "POST") || str_is(m, "DELETE") ||
	       str_is(m, "HEAD");
}

static int
rule_check(struct call *c, const struct s3_cors_rule *r)
{
	if (!r->AllowedMethods.n || !r->AllowedOrigins.n || r->ID.len > 255)
		return call_fail(c, &S3_MalformedXML, NULL);
	for (uint32_t i = 0; i < r->AllowedMethods.n; i++)
		if (!method_known(r->AllowedMethods.v[i]))
			return call_fail(c, &S3_InvalidRequest,
				"Found unsupported HTTP method in CORS config. Unsupported method "
				"is %.*s",
				STR_FMT(r->AllowedMethods.v[i]));
	for (uint32_t i = 0; i < r->AllowedOrigins.n; i++)
		if (!wildcards_fit(r->AllowedOrigins.v[i], 1))
			return call_fail(c, &S3_InvalidRequest,
				"AllowedOrigin \"%.*s\" can not have more than one wildcard.",
				STR_FMT(r->AllowedOrigins.v[i]));
	for (uint32_t i = 0; i < r->AllowedHeaders.n; i++)
		if (!wildcards_fit(r->AllowedHeaders.v[i], 1))
			return call_fail(c, &S3_InvalidRequest,
				"AllowedHeader \"%.*s\" can not have more than one wildcard.",
				STR_FMT(r->AllowedHeaders.v[i]));
	for (uint32_t i = 0; i < r->ExposeHeaders.n; i++)
		if (!wildcards_fit(r->ExposeHeaders.v[i], 0))
			return call_fail(c, &S3_InvalidRequest,
				"ExposeHeader \"%.*s\" contains wildcard. We currently do not "
				"support wildcard for "
				"ExposeHeader.",
				STR_FMT(r->ExposeHeaders.v[i]));
	return CALL_OK;
}

int
s3_put_bucket_cors(struct call *c, const struct s3_put_bucket_cors_in *in,
	struct s3_put_bucket_cors_out *out __attribute__((unused)))
{
	struct s3_bucket_row b = { 0 };
	struct s3_cors_row row = { 0 };
	struct buf bytes = { 0 };
	const struct s3_cors_configuration *k = in->CORSConfiguration;
	if (s3_config_open(c, in->Bucket, in->ExpectedBucketOwner, "s3:PutBucketCORS", &b))
		return CALL_FAILED;
	if (!k || !k->CORSRules.n || k->CORSRules.n > RULES_MAX)
		return call_fail(c, &S3_MalformedXML, NULL);
	for (uint32_t i = 0; i < k->CORSRules.n; i++)
		if (rule_check(c, &k->CORSRules.v[i]))
			return CALL_FAILED;
	row.Rules = k->CORSRules;
	row_encode(&s3_cors_row_shape, &row, &bytes);
	s3_config_put(c, &b, S3_CONFIG_CORS, buf_str(&bytes));
	buf_done(&bytes);
	return CALL_OK;
}

int
s3_get_bucket_cors(
	struct call *c, const struct s3_get_bucket_cors_in *in, struct s3_get_bucket_cors_out *out)
{
	struct s3_bucket_row b = { 0 };
	struct s3_cors_row row;
	if (s3_config_open(c, in->Bucket, in->ExpectedBucketOwner, "s3:GetBucketCORS", &b))
		return CALL_FAILED;
	if (!cors_get(c, &b, &row)) {
		call_fail(c, &S3_NoSuchCORSConfiguration, NULL);
		return call_fail_field(c, "BucketName", in->Bucket);
	}
	out->CORSRules = row.Rules;
	return CALL_OK;
}

int
s3_delete_bucket_cors(struct call *c, const struct s3_delete_bucket_cors_in *in,
	struct s3_delete_bucket_cors_out *out __attribute__((unused)))
{
	struct s3_bucket_row b = { 0 };
	if (s3_config_open(c, in->Bucket, in->ExpectedBucketOwner, "s3:PutBucketCORS", &b))
		return CALL_FAILED;
	s3_config_put(c, &b, S3_CONFIG_CORS, STR_NULL);
	return CALL_OK;
}

/* ---- requests of browsers ---- */

/* At most one '*', which stands for any run. */
static bool
pattern_fits(struct str pattern, struct str text, bool nocase)
{
	long star = str_find(pattern, '*');
	if (star < 0)
		return nocase ? str_eq_nocase(pattern, text) : str_eq(pattern, text);
	struct str head = str_slice(pattern, 0, (size_t)star);
	struct str tail = str_slice(pattern, (size_t)star + 1, pattern.len);
	if (text.len < head.len + tail.len)
		return false;
	struct str a = str_slice(text, 0, head.len),
		   z = str_slice(text, text.len - tail.len, text.len);
	return nocase ? str_eq_nocase(a, head) && str_eq_nocase(z, tail)
		      : str_eq(a, head) && str_eq(z, tail);
}

static bool
any_fits(const struct list_str *patterns, struct str text, bool nocase)
{
	for (uint32_t i = 0; i < patterns->n; i++)
		if (pattern_fits(patterns->v[i], text, nocase))
			return true;
	return false;
}

static bool
headers_fit(const struct s3_cors_rule *r, struct str wanted)
{
	while (wanted.p) {
		struct str one = str_trim(str_cut(&wanted, ','));
		if (one.len && !any_fits(&r->AllowedHeaders, one, true))
			return false;
	}
	return true;
}

static const struct s3_cors_rule *
rule_find(const struct s3_cors_row *row, struct str origin, struct str method, struct str headers)
{
	for (uint32_t i = 0; i < row->Rules.n; i++) {
		const struct s3_cors_rule *r = &row->Rules.v[i];
		if (any_fits(&r->AllowedOrigins, origin, false) &&
			any_fits(&r->AllowedMethods, method, false) && headers_fit(r, headers))
			return r;
	}
	return NULL;
}

static struct str
joined(struct call *c, const struct list_str *l)
{
	struct str all = l->n ? l->v[0] : STR_NULL;
	for (uint32_t i = 1; i < l->n; i++)
		all = arena_printf(c->arena, "%.*s, %.*s", STR_FMT(all), STR_FMT(l->v[i]));
	return arena_dup(c->arena, all);
}

/* A rule for everybody says so, and then no credentials; else the origin is named back. */
static void
rule_tell(struct call *c, const struct s3_cors_rule *r, struct str origin)
{
	bool everybody = any_fits(&r->AllowedOrigins, STR("*"), false);
	call_header(c, "Access-Control-Allow-Origin",
		everybody ? STR("*") : arena_dup(c->arena, origin));
	call_header(c, "Access-Control-Allow-Methods", joined(c, &r->AllowedMethods));
	if (r->ExposeHeaders.n)
		call_header(c, "Access-Control-Expose-Headers", joined(c, &r->ExposeHeaders));
	if (r->MaxAgeSeconds.set)
		call_header(c, "Access-Control-Max-Age",
			arena_printf(c->arena, "%lld", (long long)r->MaxAgeSeconds.v));
	if (!everybody)
		call_header(c, "Access-Control-Allow-Credentials", STR("true"));
	call_header(c, "Vary",
		STR("Origin, Access-Control-Request-Headers, Access-Control-Request-Method"));
}

void
s3_cors_headers(struct call *c, struct str bucket)
{
	struct str origin = call_request_header(c, STR("origin"));
	/* A request that says so is judged as if it were that preflight. */
	struct str asked = call_request_header(c, STR("access-control-request-method"));
	struct s3_bucket_row b = { 0 };
	struct s3_cors_row row;
	const struct s3_cors_rule *r;
	c->tx = tx_begin_read(c->store);
	if (s3_bucket_find(c, bucket, &b) && cors_get(c, &b, &row) &&
		(r = rule_find(&row, origin, asked.p ? asked : c->method, STR_NULL)))
		rule_tell(c, r, origin);
	tx_end(c->tx);
	c->tx = NULL;
}

static int
forbidden(struct call *c, const char *why)
{
	struct str method = call_request_header(c, STR("access-control-request-method"));
	struct str rest = str_slice(c->path, c->path.len > 0, c->path.len);
	str_cut(&rest, '/');
	call_fail(c, &S3_AccessForbidden, "CORSResponse: %s", why);
	call_fail_field(c, "Method", method);
	return call_fail_field(c, "ResourceType", rest.len ? STR("OBJECT") : STR("BUCKET"));
}

static int
preflight(struct call *c, const void *in __attribute__((unused)), void *out __attribute__((unused)))
{
	const struct s3_site_request *r = c->user;
	struct str origin = call_request_header(c, STR("origin"));
	struct str method = call_request_header(c, STR("access-control-request-method"));
	struct str headers = call_request_header(c, STR("access-control-request-headers"));
	struct s3_bucket_row b = { 0 };
	struct s3_cors_row row;
	if (!origin.p)
		return call_fail(c, &S3_BadRequest,
			"Insufficient information. Origin request header needed.");
	if (!method_known(method))
		return call_fail(c, &S3_BadRequest, "Invalid Access-Control-Request-Method: %.*s",
			STR_FMT(method.p ? method : STR("null")));
	if (!r->bucket.len || !s3_bucket_find(c, r->bucket, &b))
		return forbidden(c, "Bucket not found");
	if (!cors_get(c, &b, &row))
		return forbidden(c, "CORS is not enabled for this bucket.");
	const struct s3_cors_rule *rule = rule_find(&row, origin, method, headers);
	if (!rule)
		return forbidden(c,
			"This CORS request is not allowed. This is usually because the evalution "
			"of Origin, request method / "
			"Access-Control-Request-Method or Access-Control-Request-Headers are not "
			"whitelisted by the resource's "
			"CORS spec.");
	rule_tell(c, rule, origin);
	if (headers.len)
		call_header(c, "Access-Control-Allow-Headers", arena_dup(c->arena, headers));
	return CALL_OK;
}

const struct op s3_preflight_op = {
	.name = "PreflightBucket",
	.in = &s3_nothing_shape,
	.kind = OP_READS,
	.flags = OP_FLAG_OWN_AUTH,
	.handler = preflight,
};
