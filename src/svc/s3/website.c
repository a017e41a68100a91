/* Website configuration of buckets. */
#include "svc/s3/website.h"

#include "base/buf.h"
#include "svc/s3/access.h"

#define ROUTING_RULES_MAX 50

bool
s3_website_get(struct call *c, const struct s3_bucket_row *b, struct s3_website_row *ret)
{
	struct str bytes;
	*ret = (struct s3_website_row){ 0 };
	return s3_config_get(c, b, S3_CONFIG_WEBSITE, &bytes) &&
	       row_decode(&s3_website_row_shape, bytes, c->arena, ret);
}

static int
argument_invalid(struct call *c, const char *sentence, const char *name, struct str value)
{
	call_fail(c, &S3_InvalidArgument, "%s", sentence);
	call_fail_field(c, "ArgumentName", str_c(name));
	return call_fail_field(c, "ArgumentValue", value.p ? value : STR("null"));
}

static int
protocol_check(struct call *c, struct str protocol)
{
	if (!protocol.p || str_is(protocol, "http") || str_is(protocol, "https"))
		return CALL_OK;
	return call_fail(c, &S3_InvalidRequest,
		"Invalid protocol, protocol can be http or https. If not defined the protocol will "
		"be selected "
		"automatically.");
}

/* Three digits that begin with one of `first`. */
static bool
code_in(struct str code, const char *first)
{
	uint64_t v;
	return code.len == 3 && strchr(first, code.p[0]) && str_to_u64(code, &v);
}

static int
rule_check(struct call *c, const struct s3_routing_rule *rule)
{
	const struct s3_redirect *r = rule->Redirect;
	const struct s3_condition *k = rule->Condition;
	if (!r || (!r->HostName.p && !r->HttpRedirectCode.p && !r->Protocol.p &&
			  !r->ReplaceKeyPrefixWith.p && !r->ReplaceKeyWith.p))
		return call_fail(c, &S3_MalformedXML, NULL);
	if (r->ReplaceKeyPrefixWith.p && r->ReplaceKeyWith.p)
		return call_fail(c, &S3_InvalidRequest,
			"You can only define ReplaceKeyPrefix or ReplaceKey but not both.");
	if (r->HttpRedirectCode.p &&
		(!code_in(r->HttpRedirectCode, "3") || str_is(r->HttpRedirectCode, "300")))
		return call_fail(c, &S3_InvalidRequest,
			"The provided HTTP redirect code (%.*s) is not valid. Valid codes are 3XX "
			"except 300.",
			STR_FMT(r->HttpRedirectCode));
	if (k && !k->KeyPrefixEquals.p && !k->HttpErrorCodeReturnedEquals.p)
		return call_fail(c, &S3_InvalidRequest,
			"Condition cannot be empty. To redirect all requests without a condition, "
			"the condition element "
			"shouldn't be present.");
	if (k && k->HttpErrorCodeReturnedEquals.p && !code_in(k->HttpErrorCodeReturnedEquals, "45"))
		return call_fail(c, &S3_InvalidRequest,
			"The provided HTTP error code (%.*s) is not valid. Valid codes are 4XX or "
			"5XX.",
			STR_FMT(k->HttpErrorCodeReturnedEquals));
	return protocol_check(c, r->Protocol);
}

static int
configuration_check(struct call *c, const struct s3_website_configuration *w)
{
	if (!w)
		return call_fail(c, &S3_MalformedXML, NULL);
	if (w->RedirectAllRequestsTo) {
		if (w->IndexDocument || w->ErrorDocument || w->RoutingRules.n)
			return argument_invalid(c,
				"RedirectAllRequestsTo cannot be provided in conjunction with "
				"other Routing Rules.",
				"RedirectAllRequestsTo", STR("not null"));
		if (!w->RedirectAllRequestsTo->HostName.len)
			return call_fail(c, &S3_MalformedXML, NULL);
		return protocol_check(c, w->RedirectAllRequestsTo->Protocol);
	}
	if (!w->IndexDocument)
		return argument_invalid(c,
			"A value for IndexDocument Suffix must be provided if "
			"RedirectAllRequestsTo is empty",
			"IndexDocument", STR_NULL);
	struct str suffix = w->IndexDocument->Suffix;
	if (!suffix.len || str_find(suffix, '/') >= 0)
		return argument_invalid(
			c, "The IndexDocument Suffix is not well formed", "IndexDocument", suffix);
	if (w->ErrorDocument &&
		(!w->ErrorDocument->Key.len || w->ErrorDocument->Key.len > S3_KEY_MAX))
		return argument_invalid(c, "The ErrorDocument Key is not well formed",
			"ErrorDocument", w->ErrorDocument->Key);
	if (w->RoutingRules.n > ROUTING_RULES_MAX)
		return call_fail(c, &S3_InvalidRequest,
			"%u routing rules provided, the number of routing rules in a website "
			"configuration is limited to 50.",
			w->RoutingRules.n);
	for (uint32_t i = 0; i < w->RoutingRules.n; i++)
		if (rule_check(c, &w->RoutingRules.v[i]))
			return CALL_FAILED;
	return CALL_OK;
}

int
s3_put_bucket_website(struct call *c, const struct s3_put_bucket_website_in *in,
	struct s3_put_bucket_website_out *out __attribute__((unused)))
{
	struct s3_bucket_row b = { 0 };
	struct s3_website_row row = { 0 };
	const struct s3_website_configuration *w = in->WebsiteConfiguration;
	struct buf bytes = { 0 };
	if (s3_config_open(c, in->Bucket, in->ExpectedBucketOwner, "s3:PutBucketWebsite", &b) ||
		configuration_check(c, w))
		return CALL_FAILED;
	row.Index = w->IndexDocument ? w->IndexDocument->Suffix : STR_NULL;
	row.Error = w->ErrorDocument ? w->ErrorDocument->Key : STR_NULL;
	row.RedirectAll = w->RedirectAllRequestsTo;
	row.Rules = w->RoutingRules;
	row_encode(&s3_website_row_shape, &row, &bytes);
	s3_config_put(c, &b, S3_CONFIG_WEBSITE, buf_str(&bytes));
	buf_done(&bytes);
	return CALL_OK;
}

int
s3_get_bucket_website(struct call *c, const struct s3_get_bucket_website_in *in,
	struct s3_get_bucket_website_out *out)
{
	struct s3_bucket_row b = { 0 };
	struct s3_website_row row;
	if (s3_config_open(c, in->Bucket, in->ExpectedBucketOwner, "s3:GetBucketWebsite", &b))
		return CALL_FAILED;
	if (!s3_website_get(c, &b, &row)) {
		call_fail(c, &S3_NoSuchWebsiteConfiguration, NULL);
		return call_fail_field(c, "BucketName", in->Bucket);
	}
	out->RedirectAllRequestsTo = row.RedirectAll;
	if (row.Index.p) {
		out->IndexDocument = arena_alloc(c->arena, sizeof(*out->IndexDocument));
		out->IndexDocument->Suffix = row.Index;
	}
	if (row.Error.p) {
		out->ErrorDocument = arena_alloc(c->arena, sizeof(*out->ErrorDocument));
		out->ErrorDocument->Key = row.Error;
	}
	if (row.Rules.n)
		out->RoutingRules = row.Rules;
	return CALL_OK;
}

int
s3_delete_bucket_website(struct call *c, const struct s3_delete_bucket_website_in *in,
	struct s3_delete_bucket_website_out *out __attribute__((unused)))
{
	struct s3_bucket_row b = { 0 };
	if (s3_config_open(c, in->Bucket, in->ExpectedBucketOwner, "s3:DeleteBucketWebsite", &b))
		return CALL_FAILED;
	s3_config_put(c, &b, S3_CONFIG_WEBSITE, STR_NULL);
	return CALL_OK;
}
