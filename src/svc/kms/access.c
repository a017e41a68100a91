/* Which key a request means, and whether the caller may do this with it. */
#include "svc/kms/kms.h"

/* ---- condition keys ---- */

struct asking {
	struct call *c;
	const struct kms_key *k;
	const struct kms_ask *a;
};

static bool
told(struct asking *s, struct policy_key *ret, struct str value)
{
	if (!value.p)
		return false;
	struct str *v = arena_new(s->c->arena, struct str);
	*v = value;
	ret->values = v;
	ret->values_n = 1;
	return true;
}

static bool
context_keys(struct asking *s, struct policy_key *ret)
{
	uint32_t n = s->a->context ? s->a->context->n : 0;
	struct str *v = arena_array(s->c->arena, struct str, n + 1);
	for (uint32_t i = 0; i < n; i++)
		v[i] = s->a->context->v[i].key;
	ret->values = v;
	ret->values_n = n;
	return n > 0;
}

static bool
starts_nocase(struct str s, struct str prefix)
{
	return s.len > prefix.len && str_eq_nocase(str_slice(s, 0, prefix.len), prefix);
}

static struct str
of_context(const struct kms_ask *a, struct str name)
{
	for (uint32_t i = 0; a->context && i < a->context->n; i++)
		if (str_eq(a->context->v[i].key, name))
			return a->context->v[i].value;
	return STR_NULL;
}

static struct str
of_tags(const struct kms_key *k, struct str name)
{
	for (uint32_t i = 0; i < k->row.Tags.n; i++)
		if (str_eq(k->row.Tags.v[i].TagKey, name))
			return k->row.Tags.v[i].TagValue;
	return STR_NULL;
}

static bool
condition_key(void *arg, struct str name, struct policy_key *ret)
{
	struct asking *s = arg;
	struct call *c = s->c;
	if (starts_nocase(name, STR("kms:EncryptionContext:")))
		return told(s, ret, of_context(s->a, str_slice(name, 22, name.len)));
	if (starts_nocase(name, STR("aws:ResourceTag/")))
		return told(s, ret, of_tags(s->k, str_slice(name, 16, name.len)));
	if (str_eq_nocase(name, STR("kms:EncryptionContextKeys")))
		return context_keys(s, ret);
	if (str_eq_nocase(name, STR("kms:ViaService")))
		return told(s, ret,
			s->a->via.p ? arena_printf(c->arena, "%.*s.%.*s.amazonaws.com",
					      STR_FMT(s->a->via), STR_FMT(s->k->row.Region))
				    : STR_NULL);
	if (str_eq_nocase(name, STR("kms:CallerAccount")))
		return told(s, ret, c->who.account);
	if (str_eq_nocase(name, STR("kms:KeySpec")))
		return told(s, ret, s->k->row.Spec);
	if (str_eq_nocase(name, STR("kms:KeyUsage")))
		return told(s, ret, s->k->row.Usage);
	if (str_eq_nocase(name, STR("kms:KeyOrigin")))
		return told(s, ret, s->k->row.Origin);
	if (str_eq_nocase(name, STR("kms:RequestAlias")))
		return told(s, ret, s->k->alias);
	if (s->a->algorithm_key && str_eq_nocase(name, str_c(s->a->algorithm_key)))
		return told(s, ret, s->a->algorithm);
	return false;
}

/* ---- deciding ---- */

int
kms_allowed(struct call *c, const struct kms_key *k, const struct kms_ask *a)
{
	struct asking s = { c, k, a };
	struct policy_result r;
	struct policy *p = policy_cached(k->row.Policy, POLICY_RESOURCE);
	if (!p)
		return call_fail(c, &ERR_InternalFailure, "The policy of the key is damaged.");
	struct authorize_question q = { .action = arena_printf(c->arena, "kms:%s", a->operation).p,
		.resource = k->arn,
		.resource_account = k->row.Account,
		.resource_policy = p,
		.resource_required = true,
		/* A grant needs no identity policy beside it. */
		.resource_grant_everyone = kms_granted(c, k, a),
		.lookup = condition_key,
		.lookup_arg = &s };
	authorize_evaluate(c, &q, &r);
	int result = r.decision == POLICY_ALLOWED ? CALL_OK : authorize_denied(c, &q, &r);
	policy_unref(p);
	return result;
}

int
kms_account_allowed(struct call *c, const char *action)
{
	struct authorize_question q = {
		.action = action, .resource = STR("*"), .resource_account = c->account
	};
	struct policy_result r;
	authorize_evaluate(c, &q, &r);
	return r.decision == POLICY_ALLOWED ? CALL_OK : authorize_denied(c, &q, &r);
}

int
kms_usable(struct call *c, const struct kms_key *k)
{
	if (str_is(k->row.State, "Enabled"))
		return CALL_OK;
	if (str_is(k->row.State, "Disabled"))
		return call_fail(c, &KMS_DisabledException, "%.*s is disabled.", STR_FMT(k->arn));
	return kms_pending_deletion(c, k);
}

int
kms_pending_deletion(struct call *c, const struct kms_key *k)
{
	if (!str_is(k->row.State, "PendingDeletion"))
		return CALL_OK;
	return call_fail(
		c, &KMS_KMSInvalidStateException, "%.*s is pending deletion.", STR_FMT(k->arn));
}

int
kms_dry_run(struct call *c, struct opt_bool dry)
{
	if (!dry.set || !dry.v)
		return CALL_OK;
	return call_fail(c, &KMS_DryRunOperationException,
		"The request would have succeeded, but the DryRun option is set.");
}

/* ---- which key ---- */

struct named {
	struct str account, region, id, alias;
};

static int
not_a_key(struct call *c, struct str text)
{
	return call_fail(c, &KMS_NotFoundException, "Invalid keyId '%.*s'", STR_FMT(text));
}

static bool
key_id_valid(struct str id)
{
	if (str_starts(id, STR("mrk-")))
		return id.len == 36;
	return id.len == 36 && id.p[8] == '-' && id.p[13] == '-';
}

static int
name_parse(struct call *c, struct str text, const struct kms_ask *a, struct named *ret)
{
	struct arn arn;
	struct str rest = text;
	*ret = (struct named){ .account = c->account, .region = c->region };
	if (str_starts(text, STR("arn:"))) {
		if (!arn_parse(text, &arn) || !str_is(arn.service, "kms") ||
			!account_id_valid(arn.account))
			return call_fail(
				c, &KMS_NotFoundException, "Invalid arn %.*s", STR_FMT(text));
		if (!str_eq(arn.region, c->region))
			return call_fail(
				c, &KMS_NotFoundException, "Invalid arn %.*s", STR_FMT(arn.region));
		ret->account = arn.account;
		rest = arn.resource;
		if (str_starts(rest, STR("key/"))) {
			ret->id = str_slice(rest, 4, rest.len);
			return key_id_valid(ret->id) ? CALL_OK : not_a_key(c, ret->id);
		}
	}
	if (str_starts(rest, STR("alias/"))) {
		if (!a->alias)
			return not_a_key(c, text);
		ret->alias = rest;
		return CALL_OK;
	}
	ret->id = rest;
	return key_id_valid(rest) ? CALL_OK : not_a_key(c, text);
}

static int
key_missing(struct call *c, const struct named *n)
{
	if (n->alias.p && !n->id.p) {
		struct str arn = kms_alias_arn(c->arena, n->account, n->region, n->alias);
		return call_fail(
			c, &KMS_NotFoundException, "Alias %.*s is not found.", STR_FMT(arn));
	}
	return call_fail(c, &KMS_NotFoundException,
		"Key 'arn:aws:kms:%.*s:%.*s:key/%.*s' does not exist", STR_FMT(n->region),
		STR_FMT(n->account), STR_FMT(n->id));
}

static bool
key_find(struct call *c, struct named *n, struct kms_key *ret)
{
	struct kms_alias_row alias;
	if (n->alias.p) {
		if (!kms_alias_load(c, n->account, n->region, n->alias, &alias))
			return false;
		n->id = alias.Target;
	}
	return kms_key_load(c, n->account, n->region, n->id, ret);
}

int
kms_open(struct call *c, struct str key_id, const struct kms_ask *a, struct kms_key *ret)
{
	struct named n;
	if (name_parse(c, key_id, a, &n))
		return CALL_FAILED;
	bool ours = str_eq(n.account, c->account);
	if (!key_find(c, &n, ret)) {
		/* What another account has is not told to who may not use it. */
		if (!ours)
			return call_fail(c, &ERR_AccessDenied,
				"User: %.*s is not authorized to perform: kms:%s on resource: %.*s "
				"because no resource-based policy allows the kms:%s action",
				STR_FMT(c->who.arn), a->operation, STR_FMT(key_id), a->operation);
		return key_missing(c, &n);
	}
	ret->alias = n.alias;
	if (a->own && !ours)
		return call_fail(c, &ERR_AccessDenied,
			"User: %.*s is not authorized to perform: kms:%s on resource: %.*s",
			STR_FMT(c->who.arn), a->operation, STR_FMT(ret->arn));
	if (kms_allowed(c, ret, a))
		return CALL_FAILED;
	return a->unusable ? CALL_OK : kms_usable(c, ret);
}
