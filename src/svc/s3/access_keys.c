#include "svc/s3/access_keys.h"

static bool
starts_nocase(struct str s, struct str prefix)
{
	return s.len >= prefix.len && str_eq_nocase(str_slice(s, 0, prefix.len), prefix);
}

static bool
one_value(struct call *c, struct str value, struct policy_key *ret)
{
	if (!value.p)
		return false;
	struct str *v = arena_new(c->arena, struct str);
	*v = value;
	ret->values = v;
	ret->values_n = 1;
	return true;
}

static struct str
presigned_param(struct call *c, const char *name)
{
	return str_find_str(c->query, STR("X-Amz-Signature=")) >= 0
		       ? call_query_param(c, str_c(name))
		       : STR_NULL;
}

static struct str
auth_type(struct call *c)
{
	if (str_is(c->method, "POST") && c->op && strcmp(c->op->name, "PostObject") == 0)
		return c->who.anonymous ? STR_NULL : STR("POST");
	if (call_request_header(c, STR("authorization")).p)
		return STR("REST-HEADER");
	return presigned_param(c, "X-Amz-Signature").p ? STR("REST-QUERY-STRING") : STR_NULL;
}

/* Milliseconds since a presigned request was signed. */
static struct str
signature_age(struct call *c)
{
	struct str date = presigned_param(c, "X-Amz-Date");
	int64_t signed_ms;
	if (!date.p || !time_parse(date, &signed_ms))
		return STR_NULL;
	return arena_printf(c->arena, "%lld", (long long)(c->now_ms - signed_ms));
}

/* A header of the request, which a presigned one may carry in its query. */
static struct str
amz_header(struct call *c, struct str name)
{
	struct str value = call_request_header(c, name);
	return value.p || !c->query.len ? value : call_query_param(c, name);
}

static bool
tag_in_row(struct call *c, const struct s3_object_row *o, struct str key, struct policy_key *ret)
{
	for (uint32_t i = 0; o && i < o->Tags.n; i++)
		if (str_eq(o->Tags.v[i].Key, key))
			return one_value(c, o->Tags.v[i].Value, ret);
	return false;
}

static bool
request_tag_keys(struct call *c, struct policy_key *ret)
{
	struct str rest = call_request_header(c, STR("x-amz-tagging"));
	struct uri_param p;
	struct str *v = arena_array(c->arena, struct str, 64);
	if (!rest.p)
		return false;
	for (ret->values_n = 0; ret->values_n < 64 && uri_param_next(&rest, &p); ret->values_n++)
		v[ret->values_n] = uri_decode(c->arena, p.key, URI_PLUS_IS_SPACE);
	ret->values = v;
	return true;
}

static struct str
plain_key(const struct s3_access_keys *k, struct str name)
{
	struct call *c = k->c;
	static const char *const params[][2] = { { "prefix", "prefix" },
		{ "delimiter", "delimiter" }, { "max-keys", "max-keys" },
		{ "VersionId", "versionId" } };
	if (k->prefix.p && str_eq_nocase(name, STR("prefix")))
		return k->prefix;
	for (size_t i = 0; i < sizeof(params) / sizeof(*params); i++)
		if (str_eq_nocase(name, str_c(params[i][0])))
			return call_query_param(c, str_c(params[i][1]));
	if (starts_nocase(name, STR("x-amz-")))
		return amz_header(c, name);
	if (str_eq_nocase(name, STR("if-match")) || str_eq_nocase(name, STR("if-none-match")))
		return call_request_header(c, name);
	if (str_eq_nocase(name, STR("authType")))
		return auth_type(c);
	if (str_eq_nocase(name, STR("signatureversion")))
		return c->who.anonymous ? STR_NULL : STR("AWS4-HMAC-SHA256");
	if (str_eq_nocase(name, STR("signatureAge")))
		return signature_age(c);
	if (str_eq_nocase(name, STR("ResourceAccount")))
		return k->b->Owner;
	if (k->point && str_eq_nocase(name, STR("DataAccessPointArn")))
		return k->point->Arn;
	if (k->point && str_eq_nocase(name, STR("DataAccessPointAccount")))
		return k->point->Account;
	if (k->point && str_eq_nocase(name, STR("AccessPointNetworkOrigin")))
		return k->point->Vpc.len ? STR("VPC") : STR("Internet");
	return STR_NULL;
}

/* They count only where the bucket says so (PutBucketAbac). */
static bool
bucket_tag(const struct s3_access_keys *k, struct str key, struct policy_key *ret)
{
	if (!(k->b->Configs.v >> S3_CONFIG_ABAC & 1))
		return false;
	for (uint32_t i = 0; i < k->b->Tags.n; i++)
		if (str_eq(k->b->Tags.v[i].Key, key))
			return one_value(k->c, k->b->Tags.v[i].Value, ret);
	return false;
}

bool
s3_access_key(void *arg, struct str name, struct policy_key *ret_key)
{
	const struct s3_access_keys *k = arg;
	ret_key->name = name;
	if (str_eq_nocase(name, STR("aws:ResourceAccount")))
		return one_value(k->c, k->b->Owner, ret_key);
	if (starts_nocase(name, STR("aws:ResourceTag/")))
		return bucket_tag(k, str_slice(name, 16, name.len), ret_key);
	if (!starts_nocase(name, STR("s3:")))
		return false;
	if (starts_nocase(name, STR("s3:BucketTag/")))
		return bucket_tag(k, str_slice(name, 13, name.len), ret_key);
	name = str_slice(name, 3, name.len);
	if (starts_nocase(name, STR("ExistingObjectTag/")))
		return tag_in_row(k->c, k->o, str_slice(name, 18, name.len), ret_key);
	if (starts_nocase(name, STR("RequestObjectTag/")))
		return one_value(k->c,
			uri_param_get(k->c->arena, call_request_header(k->c, STR("x-amz-tagging")),
				str_slice(name, 17, name.len)),
			ret_key);
	if (str_eq_nocase(name, STR("RequestObjectTagKeys")))
		return request_tag_keys(k->c, ret_key);
	return one_value(k->c, plain_key(k, name), ret_key);
}
