/*
 * Websites: GET and HEAD at a bucket's website host. No credentials count there: everybody is a
 * stranger, and the bucket's policy or lists say what strangers may read.
 */
#include "aws/credentials.h"
#include "svc/s3/route.h"
#include "svc/s3/website.h"

struct visit {
	struct call *c;
	struct s3_bucket_row b;
	struct s3_website_row site;
	struct str key; /* as in the address: without the index document */
	struct s3_get_object_out *out;
};

static int
page(struct visit *v, const struct api_error *e, struct str name, struct str value)
{
	struct s3_site_failure f = { .code = str_c(e->code),
		.message = str_c(e->message),
		.status = e->status,
		.name = name,
		.value = value };
	s3_site_page(v->c, &f, v->out);
	return CALL_OK;
}

static int
redirect(struct visit *v, uint16_t status, struct str location)
{
	memset(v->out, 0, sizeof(*v->out));
	v->c->status = status;
	call_header(v->c, "Location", location);
	return CALL_OK;
}

/* The object as GetObject gives it, with the request's conditions and range when it is what was
 * asked for. */
static int
fetch(struct visit *v, struct str key, bool asked, struct s3_site_failure *why)
{
	struct call *c = v->c;
	struct s3_get_object_in in = { .Bucket = v->b.Name, .Key = key };
	if (asked) {
		struct str since = call_request_header(c, STR("if-modified-since"));
		struct str unless = call_request_header(c, STR("if-unmodified-since"));
		in.IfMatch = call_request_header(c, STR("if-match"));
		in.IfNoneMatch = call_request_header(c, STR("if-none-match"));
		in.Range = call_request_header(c, STR("range"));
		in.IfModifiedSince.set = since.p && time_parse(since, &in.IfModifiedSince.ms);
		in.IfUnmodifiedSince.set = unless.p && time_parse(unless, &in.IfUnmodifiedSince.ms);
	}
	memset(v->out, 0, sizeof(*v->out));
	c->status = 0;
	uint8_t headers_n = c->reply_headers_n;
	int r = s3_get_object(c, &in, v->out);
	if (r == CALL_OK)
		return CALL_OK;
	struct str message = c->error_message.p ? c->error_message : str_c(c->error->message);
	*why = (struct s3_site_failure){
		.code = str_c(c->error->code), .message = message, .status = c->error->status
	};
	if (str_is(why->code, "NoSuchKey"))
		why->key = key;
	if (c->error != &S3_NotModified) {
		c->error = NULL;
		c->error_fields_n = 0;
		c->reply_headers_n = headers_n;
	}
	return CALL_FAILED;
}

static bool
rule_fits(const struct s3_routing_rule *rule, struct str key, struct str status)
{
	const struct s3_condition *k = rule->Condition;
	struct str wanted = k ? k->HttpErrorCodeReturnedEquals : STR_NULL;
	if (wanted.p ? !str_eq(wanted, status) : status.p != NULL)
		return false;
	return !k || !k->KeyPrefixEquals.p || str_starts(key, k->KeyPrefixEquals);
}

/* status STR_NULL: before the object is looked for. */
static bool
route_by_rules(struct visit *v, struct str status)
{
	for (uint32_t i = 0; i < v->site.Rules.n; i++) {
		const struct s3_routing_rule *rule = &v->site.Rules.v[i];
		uint16_t code;
		if (!rule->Redirect || !rule_fits(rule, v->key, status))
			continue;
		struct str prefix = rule->Condition ? rule->Condition->KeyPrefixEquals : STR_NULL;
		struct str to = s3_site_redirect(v->c, rule->Redirect, prefix, v->key, &code);
		redirect(v, code, to);
		return true;
	}
	return false;
}

static struct str
with_index(struct visit *v, struct str key)
{
	bool folder = !key.len || key.p[key.len - 1] == '/';
	return folder ? arena_concat(v->c->arena, key, v->site.Index) : key;
}

/* "docs" is no key, but "docs/index.html" is: the browser is sent to "docs/". */
static bool
is_folder(struct visit *v)
{
	struct s3_site_failure why;
	if (!v->key.len || v->key.p[v->key.len - 1] == '/' || !v->site.Index.len)
		return false;
	struct str index =
		arena_printf(v->c->arena, "%.*s/%.*s", STR_FMT(v->key), STR_FMT(v->site.Index));
	return index.len <= S3_KEY_MAX && fetch(v, index, false, &why) == CALL_OK;
}

static int
failed(struct visit *v, struct s3_site_failure *why)
{
	struct s3_site_failure custom;
	if (v->site.Error.len && why->status >= 400 && why->status < 500) {
		if (fetch(v, v->site.Error, false, &custom) == CALL_OK) {
			v->c->status = why->status;
			call_header(v->c, "x-amz-error-code", why->code);
			call_header(v->c, "x-amz-error-message", why->message);
			return CALL_OK;
		}
		why->custom = &custom;
	}
	s3_site_page(v->c, why, v->out);
	return CALL_OK;
}

static int
visit_key(struct visit *v)
{
	struct call *c = v->c;
	struct s3_site_failure why;
	if (route_by_rules(v, STR_NULL))
		return CALL_OK;
	if (fetch(v, with_index(v, v->key), true, &why) == CALL_OK) {
		if (v->out->WebsiteRedirectLocation.len)
			return redirect(v, 301, v->out->WebsiteRedirectLocation);
		return CALL_OK;
	}
	if (c->error) /* not modified */
		return CALL_FAILED;
	if ((why.status == 404 || why.status == 403) && is_folder(v))
		return redirect(v, 302,
			arena_printf(c->arena, "/%.*s/",
				STR_FMT(uri_encode(c->arena, v->key, URI_KEEP_SLASH))));
	if (route_by_rules(v, arena_printf(c->arena, "%u", why.status)))
		return CALL_OK;
	return failed(v, &why);
}

static int
website_get(struct call *c, const void *in __attribute__((unused)), void *out)
{
	const struct s3_site_request *r = c->user;
	struct visit v = { .c = c, .out = out };
	credentials_anonymous(&c->who);
	if (!str_is(c->method, "GET") && !str_is(c->method, "HEAD"))
		return page(&v, &S3_MethodNotAllowed, STR("Method"), c->method);
	if (!r->bucket.len || !s3_bucket_find(c, r->bucket, &v.b))
		return page(&v, &S3_NoSuchBucket, STR("BucketName"), r->bucket);
	if (!s3_website_get(c, &v.b, &v.site))
		return page(&v, &S3_NoSuchWebsiteConfiguration, STR("BucketName"), r->bucket);
	if (v.site.RedirectAll) {
		struct str protocol = v.site.RedirectAll->Protocol;
		if (!protocol.len)
			protocol = c->tls ? STR("https") : STR("http");
		return redirect(&v, 301,
			arena_printf(c->arena, "%.*s://%.*s%.*s", STR_FMT(protocol),
				STR_FMT(v.site.RedirectAll->HostName), STR_FMT(r->path)));
	}
	v.key = uri_decode(c->arena, str_slice(r->path, 1, r->path.len), 0);
	if (!v.key.p || !str_utf8_valid(v.key))
		return page(&v, &S3_InvalidURI, STR_NULL, STR_NULL);
	return visit_key(&v);
}

const struct op s3_website_op = {
	.name = "WebsiteGetObject",
	.in = &s3_nothing_shape,
	.out = &s3_get_object_out_shape,
	.out_size = sizeof(struct s3_get_object_out),
	.kind = OP_STREAMS_OUT,
	.flags = OP_FLAG_OWN_AUTH,
	.handler = website_get,
};
