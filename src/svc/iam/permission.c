/* What IAM's operations are about: ARNs with the paths that rows know, and IAM's condition keys. */
#include "aws/authorize.h"
#include "aws/errors.h"
#include "svc/iam/iam.h"

/* An input member of any operation by its name; STR_NULL: absent. */
static struct str
text_member(const struct shape *s, const void *in, const char *name)
{
	for (unsigned i = 0; s && i < s->fields_n; i++)
		if (strcmp(s->fields[i].name, name) == 0 && s->fields[i].shape->kind == SHAPE_STR)
			return *(const struct str *)((const char *)in + s->fields[i].offset);
	return STR_NULL;
}

static const struct iam_tag_list *
tags_member(const struct shape *s, const void *in)
{
	for (unsigned i = 0; s && i < s->fields_n; i++)
		if (strcmp(s->fields[i].name, "Tags") == 0)
			return (const void *)((const char *)in + s->fields[i].offset);
	return NULL;
}

static const struct list_str *
tag_keys_member(const struct shape *s, const void *in)
{
	for (unsigned i = 0; s && i < s->fields_n; i++)
		if (strcmp(s->fields[i].name, "TagKeys") == 0)
			return (const void *)((const char *)in + s->fields[i].offset);
	return NULL;
}

struct subject {
	struct call *c;
	const void *in;
	struct iam_entity_row e; /* what the operation is about, when it is there */
	bool found;
};

static bool
starts_nocase(struct str s, struct str prefix)
{
	return s.len > prefix.len && str_eq_nocase(str_slice(s, 0, prefix.len), prefix);
}

static bool
one_value(struct call *c, struct str v, struct policy_key *ret)
{
	if (!v.p)
		return false;
	struct str *value = arena_new(c->arena, struct str);
	*value = v;
	ret->values = value;
	ret->values_n = 1;
	return true;
}

static bool
tag_value(struct call *c, const struct iam_tag_list *tags, struct str key, struct policy_key *ret)
{
	for (uint32_t i = 0; tags && i < tags->n; i++)
		if (str_eq_nocase(tags->v[i].Key, key))
			return one_value(c, tags->v[i].Value, ret);
	return false;
}

static bool
tag_keys(struct subject *s, struct policy_key *ret)
{
	const struct iam_tag_list *tags = tags_member(s->c->op->in, s->in);
	const struct list_str *keys = tag_keys_member(s->c->op->in, s->in);
	uint32_t n = tags ? tags->n : keys ? keys->n : 0;
	struct str *v = arena_array(s->c->arena, struct str, n + 1);
	for (uint32_t i = 0; i < n; i++)
		v[i] = tags ? tags->v[i].Key : keys->v[i];
	ret->values = v;
	ret->values_n = n;
	return n > 0;
}

static bool
condition_key(void *arg, struct str name, struct policy_key *ret)
{
	struct subject *s = arg;
	const struct shape *in = s->c->op->in;
	ret->name = name;
	if (starts_nocase(name, STR("aws:RequestTag/")))
		return tag_value(s->c, tags_member(in, s->in), str_slice(name, 15, name.len), ret);
	if (starts_nocase(name, STR("aws:ResourceTag/")))
		return s->found && tag_value(s->c, &s->e.Tags, str_slice(name, 16, name.len), ret);
	if (starts_nocase(name, STR("iam:ResourceTag/")))
		return s->found && tag_value(s->c, &s->e.Tags, str_slice(name, 16, name.len), ret);
	if (str_eq_nocase(name, STR("aws:TagKeys")))
		return tag_keys(s, ret);
	if (str_eq_nocase(name, STR("iam:PolicyARN")))
		return one_value(s->c, text_member(in, s->in, "PolicyArn"), ret);
	if (str_eq_nocase(name, STR("iam:AWSServiceName")))
		return one_value(s->c, text_member(in, s->in, "AWSServiceName"), ret);
	/* Of the request where it sets one, else what the entity has. */
	if (str_eq_nocase(name, STR("iam:PermissionsBoundary"))) {
		struct str v = text_member(in, s->in, "PermissionsBoundary");
		return one_value(s->c,
			v.p                             ? v
			: s->found && s->e.Boundary.len ? s->e.Boundary
							: STR_NULL,
			ret);
	}
	return false;
}

static const struct {
	const char *member;
	enum iam_kind kind;
} named[] = { { "UserName", IAM_USER }, { "RoleName", IAM_ROLE }, { "GroupName", IAM_GROUP },
	{ "InstanceProfileName", IAM_PROFILE }, { "ServerCertificateName", IAM_CERTIFICATE } };

/* "path/name" without the leading slash: the stored path where the entity is there. */
static struct str
path_and_name(struct subject *s, enum iam_kind kind, struct str name)
{
	struct call *c = s->c;
	if (kind == IAM_USER && !name.p) {
		struct iam_access_key_row key;
		struct str id = text_member(c->op->in, s->in, "AccessKeyId");
		name = c->who.name;
		if (str_is(str_c(c->op->name), "GetAccessKeyLastUsed") &&
			iam_access_key_get(c->tx, c->arena, id, &key) &&
			str_eq(key.Account, c->account))
			name = key.User;
	}
	if (!name.p || !name.len || !iam_get(c->tx, c->arena, kind, c->account, name, &s->e))
		return name.p ? name : STR("");
	s->found = true;
	return arena_concat(c->arena, str_slice(s->e.Path, 1, s->e.Path.len), s->e.Name);
}

static struct str
url_host(struct str url)
{
	return starts_nocase(url, STR("https://")) ? str_slice(url, 8, url.len) : url;
}

static struct str
expand_member(struct subject *s, struct str name, bool after_path)
{
	struct call *c = s->c;
	char *cname = arena_cstr(c->arena, name);
	struct str value = text_member(c->op->in, s->in, cname);
	if (str_is(name, "Account"))
		return c->account;
	if (str_is(name, "Path") || str_is(name, "PathPrefix"))
		return value.len ? value : STR("/");
	if (str_is(name, "Url"))
		return url_host(value);
	if (str_is(name, "ServiceRole"))
		return iam_service_role_name(c, text_member(c->op->in, s->in, "AWSServiceName"),
			text_member(c->op->in, s->in, "CustomSuffix"));
	for (unsigned i = 0; i < sizeof(named) / sizeof(*named) && !after_path; i++)
		if (strcmp(named[i].member, cname) == 0)
			return path_and_name(s, named[i].kind, value);
	return value.p ? value : STR("");
}

/* An ARN as input: its tags and boundary are those of what it names. */
static void
subject_of_arn(struct subject *s, struct str text)
{
	struct call *c = s->c;
	struct arn arn;
	if (!arn_parse(text, &arn))
		return;
	if (str_starts(arn.resource, STR("policy/")))
		s->found = iam_policy_get(c->tx, c->arena, c->account, text, &s->e);
	else if (str_starts(arn.resource, STR("oidc-provider/")))
		s->found = iam_get(c->tx, c->arena, IAM_OIDC, c->account,
			str_slice(arn.resource, 14, arn.resource.len), &s->e);
	else if (str_starts(arn.resource, STR("saml-provider/")))
		s->found = iam_get(c->tx, c->arena, IAM_SAML, c->account,
			str_slice(arn.resource, 14, arn.resource.len), &s->e);
}

/* Temporary keys of a user without MFA, and federated users, have no business in IAM at all. */
static bool
session_may_ask(const struct principal *who)
{
	const struct session *s = who->session;
	if (!s || s->role_arn.len)
		return true;
	return s->mfa && str_find_str(who->arn, STR(":federated-user/")) < 0;
}

int
iam_permission(struct call *c, const void *in, struct authorize_question *q)
{
	struct subject *s = arena_new(c->arena, struct subject);
	struct str rest = str_c(c->op->resource ? c->op->resource : "*"), out = STR("");
	bool after_path = false;
	if (!session_may_ask(&c->who))
		return call_fail(c, &ERR_InvalidClientTokenId, NULL);
	s->c = c;
	s->in = in;
	while (rest.p) {
		out = arena_concat(c->arena, out, str_cut(&rest, '{'));
		if (!rest.p)
			break;
		struct str name = str_cut(&rest, '}');
		out = arena_concat(c->arena, out, expand_member(s, name, after_path));
		after_path |= str_is(name, "Path");
	}
	if (!s->found && c->op->resource && c->op->resource[0] == '{')
		subject_of_arn(s, out);
	/* What callers without a name of their own ask of themselves. */
	if (str_ends(out, STR(":user/")) && !str_is(str_c(c->op->name), "ListUsers"))
		out = c->who.arn;
	q->resource = out;
	q->lookup = condition_key;
	q->lookup_arg = s;
	return CALL_OK;
}

int
iam_pass_role(struct call *c, struct str role_arn, const char *service)
{
	struct policy_result r;
	struct str value = str_c(service);
	struct policy_key key = { STR("iam:PassedToService"), &value, 1 };
	struct authorize_question q = { .action = "iam:PassRole",
		.resource = role_arn,
		.resource_account = c->account,
		.keys = &key,
		.keys_n = 1 };
	authorize_evaluate(c, &q, &r);
	return r.decision == POLICY_ALLOWED ? CALL_OK : authorize_denied(c, &q, &r);
}
