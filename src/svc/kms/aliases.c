#include "svc/kms/kms.h"

static int
name_check(struct call *c, struct str name)
{
	if (!str_starts(name, STR("alias/")) || name.len <= 6)
		return call_fail(c, &KMS_InvalidAliasNameException,
			"Alias must start with the prefix \"alias/\". Please see "
			"https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html");
	for (size_t i = 6; i < name.len; i++)
		if (name.p[i] == ':')
			return call_fail(c, &KMS_InvalidAliasNameException,
				"%.*s contains invalid characters for an alias", STR_FMT(name));
	if (str_starts(name, STR("alias/aws/")))
		return call_fail(c, &KMS_InvalidAliasNameException,
			"Aliases that begin with alias/aws/ are reserved.");
	return CALL_OK;
}

/* The caller needs the permission on the alias and on the key. */
static int
both_allowed(struct call *c, const char *operation, struct str name)
{
	struct authorize_question q = { .action = operation,
		.resource = kms_alias_arn(c->arena, c->account, c->region, name),
		.resource_account = c->account };
	struct policy_result r;
	authorize_evaluate(c, &q, &r);
	return r.decision == POLICY_ALLOWED ? CALL_OK : authorize_denied(c, &q, &r);
}

static int
target_open(struct call *c, struct str id, const char *operation, struct kms_key *ret)
{
	struct kms_ask a = { .operation = operation, .own = true, .unusable = true };
	return kms_open(c, id, &a, ret) || kms_pending_deletion(c, ret) ? CALL_FAILED : CALL_OK;
}

int
kms_create_alias(
	struct call *c, const struct kms_create_alias_in *in, struct kms_create_alias_out *out)
{
	struct kms_key k;
	struct kms_alias_row a;
	(void)out;
	if (name_check(c, in->AliasName) || both_allowed(c, "kms:CreateAlias", in->AliasName) ||
		target_open(c, in->TargetKeyId, "CreateAlias", &k))
		return CALL_FAILED;
	if (kms_alias_load(c, c->account, c->region, in->AliasName, &a)) {
		struct str arn = kms_alias_arn(c->arena, c->account, c->region, in->AliasName);
		return call_fail(c, &KMS_AlreadyExistsException,
			"An alias with the name %.*s already exists", STR_FMT(arn));
	}
	a = (struct kms_alias_row){ .Name = in->AliasName,
		.Target = k.row.Id,
		.Created = { c->now_ms, true },
		.Updated = { c->now_ms, true } };
	kms_alias_save(c, c->account, c->region, &a);
	return CALL_OK;
}

static int
alias_open(struct call *c, struct str name, struct kms_alias_row *ret)
{
	struct str arn = kms_alias_arn(c->arena, c->account, c->region, name);
	if (kms_alias_load(c, c->account, c->region, name, ret))
		return CALL_OK;
	return call_fail(c, &KMS_NotFoundException, "Alias %.*s is not found.", STR_FMT(arn));
}

int
kms_update_alias(
	struct call *c, const struct kms_update_alias_in *in, struct kms_update_alias_out *out)
{
	struct kms_key old, k;
	struct kms_alias_row a;
	(void)out;
	if (name_check(c, in->AliasName) || both_allowed(c, "kms:UpdateAlias", in->AliasName) ||
		alias_open(c, in->AliasName, &a) ||
		target_open(c, in->TargetKeyId, "UpdateAlias", &k))
		return CALL_FAILED;
	if (kms_key_load(c, c->account, c->region, a.Target, &old) &&
		(!str_eq(old.row.Usage, k.row.Usage) || !str_eq(old.row.Spec, k.row.Spec)))
		return call_fail(c, &ERR_ValidationException,
			"Alias %.*s cannot be changed to a key of another type or usage.",
			STR_FMT(in->AliasName));
	a.Target = k.row.Id;
	a.Updated = (struct opt_time){ c->now_ms, true };
	kms_alias_save(c, c->account, c->region, &a);
	return CALL_OK;
}

int
kms_delete_alias(
	struct call *c, const struct kms_delete_alias_in *in, struct kms_delete_alias_out *out)
{
	struct kms_key k;
	struct kms_alias_row a;
	struct key at;
	(void)out;
	if (name_check(c, in->AliasName) || both_allowed(c, "kms:DeleteAlias", in->AliasName) ||
		alias_open(c, in->AliasName, &a))
		return CALL_FAILED;
	struct kms_ask ask = { .operation = "DeleteAlias", .own = true, .unusable = true };
	if (kms_key_load(c, c->account, c->region, a.Target, &k) && kms_allowed(c, &k, &ask))
		return CALL_FAILED;
	kms_key_space(&at, 'A', c->account, c->region);
	key_add(&at, in->AliasName);
	tx_delete(c->tx, kms_rows(c->store), key_str(&at));
	return CALL_OK;
}

int
kms_list_aliases(
	struct call *c, const struct kms_list_aliases_in *in, struct kms_list_aliases_out *out)
{
	struct key space;
	struct kms_page p;
	struct kms_key k = { 0 };
	struct kms_ask ask = { .operation = "ListAliases", .own = true, .unusable = true };
	kms_key_space(&space, 'A', c->account, c->region);
	if (kms_account_allowed(c, "kms:ListAliases") ||
		(in->KeyId.p && kms_open(c, in->KeyId, &ask, &k)) ||
		kms_page_open(c, key_str(&space), in->Marker, in->Limit, 50, &p))
		return CALL_FAILED;
	out->Aliases.v = arena_array(c->arena, struct kms_alias_list_entry, p.max);
	out->Aliases.set = true;
	while (kms_page_next(&p)) {
		struct kms_alias_row a = { 0 };
		if (!row_decode(&kms_alias_row_shape, p.scan.value, c->arena, &a) ||
			(in->KeyId.p && !str_eq(a.Target, k.row.Id))) {
			kms_page_skip(&p);
			continue;
		}
		out->Aliases.v[out->Aliases.n++] =
			(struct kms_alias_list_entry){ .AliasName = a.Name,
				.AliasArn = kms_alias_arn(c->arena, c->account, c->region, a.Name),
				.TargetKeyId = a.Target,
				.CreationDate = a.Created,
				.LastUpdatedDate = a.Updated };
	}
	out->NextMarker = kms_page_marker(&p);
	out->Truncated = OPT_BOOL(p.truncated);
	return CALL_OK;
}
