/* Grants: an allowance for one principal and a few operations, beside policies. */
#include "svc/kms/kms.h"

#include "aws/credentials.h"

static void
grant_space(struct key *k, const struct kms_key_row *row)
{
	kms_key_space(k, 'G', row->Account, row->Region);
	key_add(k, row->Id);
}

static bool
is_caller(const struct call *c, struct str principal)
{
	const struct session *s = c->who.session;
	if (!principal.p || c->who.anonymous)
		return false;
	return str_eq(principal, c->who.arn) ||
	       (s && s->role_arn.len && str_eq(principal, s->role_arn));
}

static struct str
value_of(const struct map_str *m, struct str key)
{
	for (uint32_t i = 0; m && i < m->n; i++)
		if (str_eq(m->v[i].key, key))
			return m->v[i].value;
	return STR_NULL;
}

static bool
holds(const struct map_str *want, const struct map_str *context)
{
	for (uint32_t i = 0; i < want->n; i++) {
		struct str v = value_of(context, want->v[i].key);
		if (!v.p || !str_eq(v, want->v[i].value))
			return false;
	}
	return true;
}

static bool
constraints_hold(const struct kms_grant_constraints *k, const struct map_str *context)
{
	if (!k)
		return true;
	if (k->SourceArn.p)
		return false;
	if (k->EncryptionContextEquals.n &&
		(!context || context->n != k->EncryptionContextEquals.n ||
			!holds(&k->EncryptionContextEquals, context)))
		return false;
	return holds(&k->EncryptionContextSubset, context);
}

static bool
lists(const struct list_str *l, const char *operation)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (str_eq(l->v[i], str_c(operation)))
			return true;
	return false;
}

bool
kms_granted(struct call *c, const struct kms_key *k, const struct kms_ask *a)
{
	struct key space, hi;
	struct scan s;
	bool found = false;
	grant_space(&space, &k->row);
	scan_open(&s, c->tx, kms_rows(c->store), key_str(&space),
		key_after_prefix(&hi, key_str(&space)), false);
	while (!found && scan_next(&s)) {
		struct kms_grant_row g = { 0 };
		found = row_decode(&kms_grant_row_shape, s.value, c->arena, &g) &&
			is_caller(c, g.Grantee) && lists(&g.Operations, a->operation) &&
			constraints_hold(g.Constraints, a->context);
	}
	scan_done(&s);
	return found;
}

void
kms_grants_erase(struct tx *t, struct store *s, const struct kms_key_row *k)
{
	struct key space, hi, at;
	struct scan scan;
	grant_space(&space, k);
	scan_open(&scan, t, kms_rows(s), key_str(&space), key_after_prefix(&hi, key_str(&space)),
		false);
	while (scan_next(&scan)) {
		key_begin(&at);
		key_add_raw(&at, scan.key);
		tx_delete(t, kms_rows(s), key_str(&at));
	}
}

/* ---- tokens: which grant of which key ---- */

static struct str
token_of(struct call *c, const struct kms_key *k, struct str id)
{
	return base64_url_text(
		c->arena, arena_printf(c->arena, "%.*s %.*s", STR_FMT(k->arn), STR_FMT(id)));
}

static bool
token_read(struct call *c, struct str token, struct str *ret_arn, struct str *ret_id)
{
	struct str text = base64_bytes(c->arena, token, BASE64_URL);
	*ret_arn = str_cut(&text, ' ');
	*ret_id = text;
	return text.p && str_starts(*ret_arn, STR("arn:aws:kms:"));
}

/* ---- operations ---- */

static bool
grant_get(struct call *c, const struct kms_key *k, struct str id, struct kms_grant_row *ret)
{
	struct key at;
	struct str value;
	grant_space(&at, &k->row);
	key_add(&at, id);
	memset(ret, 0, sizeof(*ret));
	return key_str(&at).p && tx_get(c->tx, kms_rows(c->store), key_str(&at), &value) &&
	       row_decode(&kms_grant_row_shape, value, c->arena, ret);
}

static bool
same_text(struct str a, struct str b)
{
	return a.p ? b.p && str_eq(a, b) : !b.p;
}

/* A name makes CreateGrant idempotent: the same again is the same grant. */
static bool
same_exists(struct call *c, const struct kms_key *k, const struct kms_create_grant_in *in,
	struct str *ret_id)
{
	struct key space, hi;
	struct scan s;
	bool found = false;
	if (!in->Name.p)
		return false;
	grant_space(&space, &k->row);
	scan_open(&s, c->tx, kms_rows(c->store), key_str(&space),
		key_after_prefix(&hi, key_str(&space)), false);
	while (!found && scan_next(&s)) {
		struct kms_grant_row g = { 0 };
		found = row_decode(&kms_grant_row_shape, s.value, c->arena, &g) &&
			same_text(g.Name, in->Name) && same_text(g.Grantee, in->GranteePrincipal) &&
			same_text(g.Retiring, in->RetiringPrincipal) &&
			g.Operations.n == in->Operations.n;
		for (uint32_t i = 0; found && i < in->Operations.n; i++)
			found = str_eq(g.Operations.v[i], in->Operations.v[i]);
		if (found)
			*ret_id = arena_dup(c->arena, g.Id);
	}
	scan_done(&s);
	return found;
}

static int
principal_check(struct call *c, struct str arn)
{
	struct arn a;
	if (!arn.p || account_id_valid(arn) ||
		(arn_parse(arn, &a) && (str_is(a.service, "iam") || str_is(a.service, "sts"))))
		return CALL_OK;
	return call_fail(c, &KMS_InvalidArnException,
		"ARN does not refer to a valid principal: %.*s", STR_FMT(arn));
}

static int
operations_check(struct call *c, const struct kms_key *k, const struct list_str *l)
{
	static const char *const encrypts =
		"Decrypt Encrypt GenerateDataKey GenerateDataKeyWithoutPlaintext ReEncryptFrom "
		"ReEncryptTo GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext";
	for (uint32_t i = 0; i < l->n; i++)
		if (kms_word_in(l->v[i], encrypts) && !str_is(k->row.Usage, "ENCRYPT_DECRYPT"))
			return call_fail(c, &ERR_ValidationException,
				"Operation %.*s is not allowed for a key of the usage %.*s.",
				STR_FMT(l->v[i]), STR_FMT(k->row.Usage));
	return CALL_OK;
}

static int
grant_allowed(struct call *c, const struct kms_create_grant_in *in, struct kms_key *k)
{
	struct kms_ask a = { .operation = "CreateGrant", .tokens = &in->GrantTokens };
	if (kms_open(c, in->KeyId, &a, k) || principal_check(c, in->GranteePrincipal) ||
		principal_check(c, in->RetiringPrincipal) ||
		operations_check(c, k, &in->Operations))
		return CALL_FAILED;
	if (!in->GranteePrincipal.p && !in->GranteeServicePrincipal.p)
		return call_fail(c, &ERR_ValidationException,
			"1 validation error detected: Value at 'granteePrincipal' failed to "
			"satisfy "
			"constraint: Member must not be null");
	return kms_dry_run(c, in->DryRun);
}

int
kms_create_grant(
	struct call *c, const struct kms_create_grant_in *in, struct kms_create_grant_out *out)
{
	struct kms_key k;
	struct key at;
	struct buf b = { 0 };
	if (grant_allowed(c, in, &k))
		return CALL_FAILED;
	if (!same_exists(c, &k, in, &out->GrantId)) {
		struct kms_grant_row g = { .Id = ids_hex_text(c->arena, "", 64),
			.Name = in->Name,
			.Grantee = in->GranteePrincipal,
			.Retiring = in->RetiringPrincipal,
			.GranteeService = in->GranteeServicePrincipal,
			.RetiringService = in->RetiringServicePrincipal,
			.Issuer = arena_printf(
				c->arena, "arn:aws:iam::%.*s:root", STR_FMT(k.row.Account)),
			.Operations = in->Operations,
			.Constraints = in->Constraints,
			.Created = { c->now_ms, true } };
		grant_space(&at, &k.row);
		key_add(&at, g.Id);
		row_encode(&kms_grant_row_shape, &g, &b);
		tx_put(c->tx, kms_rows(c->store), key_str(&at), buf_str(&b));
		buf_done(&b);
		out->GrantId = g.Id;
	}
	out->GrantToken = token_of(c, &k, out->GrantId);
	return CALL_OK;
}

static struct kms_grant_list_entry
tell(const struct kms_key *k, const struct kms_grant_row *g)
{
	return (struct kms_grant_list_entry){ .KeyId = k->arn,
		.GrantId = g->Id,
		.Name = g->Name.p ? g->Name : STR(""),
		.CreationDate = g->Created,
		.GranteePrincipal = g->Grantee,
		.RetiringPrincipal = g->Retiring,
		.GranteeServicePrincipal = g->GranteeService,
		.RetiringServicePrincipal = g->RetiringService,
		.IssuingAccount = g->Issuer,
		.Operations = g->Operations,
		.Constraints = g->Constraints };
}

int
kms_list_grants(
	struct call *c, const struct kms_list_grants_in *in, struct kms_list_grants_out *out)
{
	struct key space;
	struct kms_page p;
	struct kms_key k;
	struct kms_ask a = { .operation = "ListGrants", .unusable = true };
	if (kms_open(c, in->KeyId, &a, &k))
		return CALL_FAILED;
	grant_space(&space, &k.row);
	if (kms_page_open(c, key_str(&space), in->Marker, in->Limit, 50, &p))
		return CALL_FAILED;
	out->Grants.v = arena_array(c->arena, struct kms_grant_list_entry, p.max);
	out->Grants.set = true;
	while (kms_page_next(&p)) {
		struct kms_grant_row g = { 0 };
		if (!row_decode(&kms_grant_row_shape, p.scan.value, c->arena, &g) ||
			(in->GrantId.p && !str_eq(g.Id, in->GrantId)) ||
			(in->GranteePrincipal.p && !same_text(g.Grantee, in->GranteePrincipal)))
			kms_page_skip(&p);
		else
			out->Grants.v[out->Grants.n++] = tell(&k, &g);
	}
	out->NextMarker = kms_page_marker(&p);
	out->Truncated = OPT_BOOL(p.truncated);
	return CALL_OK;
}

/* The id of a key stands in the third piece of a grant's key. */
static bool
key_of_grant(struct call *c, struct str at, struct kms_key *ret)
{
	char account[16], region[64], id[64];
	struct str rest = str_slice(at, 1, at.len), a, r, i;
	return key_take(&rest, account, sizeof(account), &a) &&
	       key_take(&rest, region, sizeof(region), &r) && key_take(&rest, id, sizeof(id), &i) &&
	       kms_key_load(c, a, r, i, ret);
}

int
kms_list_retirable_grants(struct call *c, const struct kms_list_retirable_grants_in *in,
	struct kms_list_retirable_grants_out *out)
{
	struct key space;
	struct kms_page p;
	if (!in->RetiringPrincipal.p)
		return call_fail(c, &ERR_ValidationException,
			"1 validation error detected: Value at 'retiringPrincipal' failed to "
			"satisfy "
			"constraint: Member must not be null");
	kms_key_space(&space, 'G', c->account, c->region);
	if (kms_account_allowed(c, "kms:ListRetirableGrants") ||
		kms_page_open(c, key_str(&space), in->Marker, in->Limit, 50, &p))
		return CALL_FAILED;
	out->Grants.v = arena_array(c->arena, struct kms_grant_list_entry, p.max);
	out->Grants.set = true;
	while (kms_page_next(&p)) {
		struct kms_grant_row g = { 0 };
		struct kms_key k;
		if (!row_decode(&kms_grant_row_shape, p.scan.value, c->arena, &g) ||
			!same_text(g.Retiring, in->RetiringPrincipal) ||
			!key_of_grant(c, p.scan.key, &k))
			kms_page_skip(&p);
		else
			out->Grants.v[out->Grants.n++] = tell(&k, &g);
	}
	out->NextMarker = kms_page_marker(&p);
	out->Truncated = OPT_BOOL(p.truncated);
	return CALL_OK;
}

static int
grant_open(struct call *c, const struct kms_key *k, struct str id, struct kms_grant_row *ret)
{
	if (grant_get(c, k, id, ret))
		return CALL_OK;
	return call_fail(c, &KMS_NotFoundException, "Grant ID %.*s not found", STR_FMT(id));
}

static void
grant_delete(struct call *c, const struct kms_key *k, struct str id)
{
	struct key at;
	grant_space(&at, &k->row);
	key_add(&at, id);
	tx_delete(c->tx, kms_rows(c->store), key_str(&at));
}

int
kms_revoke_grant(
	struct call *c, const struct kms_revoke_grant_in *in, struct kms_revoke_grant_out *out)
{
	struct kms_key k;
	struct kms_grant_row g;
	struct kms_ask a = { .operation = "RevokeGrant", .unusable = true };
	(void)out;
	if (kms_open(c, in->KeyId, &a, &k) || grant_open(c, &k, in->GrantId, &g) ||
		kms_dry_run(c, in->DryRun))
		return CALL_FAILED;
	grant_delete(c, &k, in->GrantId);
	return CALL_OK;
}

/* Who may retire: the retiring principal, the grantee if the grant says so, the key's account root.
 */
static bool
may_retire(struct call *c, const struct kms_key *k, const struct kms_grant_row *g)
{
	if (is_caller(c, g->Retiring) ||
		(is_caller(c, g->Grantee) && lists(&g->Operations, "RetireGrant")))
		return true;
	return c->who.root && str_eq(c->who.account, k->row.Account);
}

int
kms_retire_grant(
	struct call *c, const struct kms_retire_grant_in *in, struct kms_retire_grant_out *out)
{
	struct kms_key k;
	struct kms_grant_row g;
	struct str text = in->KeyId, id = in->GrantId;
	struct arn arn;
	(void)out;
	if (in->GrantToken.p && !token_read(c, in->GrantToken, &text, &id))
		return call_fail(c, &KMS_InvalidGrantTokenException, "Invalid grant token");
	if (!text.p || !id.p)
		return call_fail(c, &ERR_ValidationException,
			"RetireGrant must include a grant token, or both a key ARN and a grant ID");
	if (!arn_parse(text, &arn) || !str_starts(arn.resource, STR("key/")))
		return call_fail(c, &KMS_InvalidArnException, "Invalid arn %.*s", STR_FMT(text));
	if (!kms_key_load(
		    c, arn.account, arn.region, str_slice(arn.resource, 4, arn.resource.len), &k))
		return call_fail(
			c, &KMS_NotFoundException, "Key '%.*s' does not exist", STR_FMT(text));
	if (grant_open(c, &k, id, &g))
		return CALL_FAILED;
	if (!may_retire(c, &k, &g))
		return call_fail(c, &ERR_AccessDenied,
			"User: %.*s is not authorized to perform: kms:RetireGrant on resource: "
			"%.*s",
			STR_FMT(c->who.arn), STR_FMT(k.arn));
	if (kms_dry_run(c, in->DryRun))
		return CALL_FAILED;
	grant_delete(c, &k, id);
	return CALL_OK;
}
