#include "aws/errors.h"
#include "base/buf.h"
#include "base/clock.h"
#include "svc/iam/iam.h"

void
iam_account_get(struct call *c, struct iam_account_row *ret)
{
	struct key k;
	struct str value;
	iam_key(&k, 'S', c->account);
	if (!tx_get(c->tx, iam_rows(c), key_str(&k), &value) ||
		!row_decode(&iam_account_row_shape, value, c->arena, ret))
		*ret = (struct iam_account_row){ 0 };
}

static void
account_save(struct call *c, const struct iam_account_row *row)
{
	struct buf value = { 0 };
	struct key k;
	iam_key(&k, 'S', c->account);
	row_encode(&iam_account_row_shape, row, &value);
	tx_put(c->tx, iam_rows(c), key_str(&k), buf_str(&value));
	buf_done(&value);
}

/* ---- alias ---- */

static void
key_alias(struct key *k, struct str alias)
{
	key_begin(k);
	key_add_raw(k, STR("X"));
	key_add_raw(k, alias);
}

int
iam_create_account_alias(struct call *c, const struct iam_create_account_alias_in *in,
	struct iam_create_account_alias_out *out __attribute__((unused)))
{
	struct iam_account_row row;
	struct key k;
	struct str owner;
	key_alias(&k, in->AccountAlias);
	if (tx_get(c->tx, iam_rows(c), key_str(&k), &owner) && !str_eq(owner, c->account))
		return call_fail(c, &IAM_EntityAlreadyExists,
			"The account alias %.*s already exists.", STR_FMT(in->AccountAlias));
	iam_account_get(c, &row);
	if (row.Alias.p) {
		struct key old;
		key_alias(&old, row.Alias);
		tx_delete(c->tx, iam_rows(c), key_str(&old));
	}
	tx_put(c->tx, iam_rows(c), key_str(&k), c->account);
	row.Alias = in->AccountAlias;
	account_save(c, &row);
	return CALL_OK;
}

int
iam_delete_account_alias(struct call *c, const struct iam_delete_account_alias_in *in,
	struct iam_delete_account_alias_out *out __attribute__((unused)))
{
	struct iam_account_row row;
	struct key k;
	iam_account_get(c, &row);
	if (!row.Alias.p || !str_eq(row.Alias, in->AccountAlias))
		return call_fail(c, &IAM_NoSuchEntity, "The account alias %.*s cannot be found.",
			STR_FMT(in->AccountAlias));
	key_alias(&k, row.Alias);
	tx_delete(c->tx, iam_rows(c), key_str(&k));
	row.Alias = STR_NULL;
	account_save(c, &row);
	return CALL_OK;
}

int
iam_list_account_aliases(struct call *c,
	const struct iam_list_account_aliases_in *in __attribute__((unused)),
	struct iam_list_account_aliases_out *out)
{
	struct iam_account_row row;
	iam_account_get(c, &row);
	IAM_LIST_NEW(c, out->AccountAliases, 1);
	if (row.Alias.p)
		out->AccountAliases.v[out->AccountAliases.n++] = row.Alias;
	out->IsTruncated = OPT_BOOL(false);
	return CALL_OK;
}

/* ---- password policy ---- */

int
iam_update_account_password_policy(struct call *c,
	const struct iam_update_account_password_policy_in *in,
	struct iam_update_account_password_policy_out *out __attribute__((unused)))
{
	struct iam_account_row row;
	iam_account_get(c, &row);
	row.PasswordPolicy = arena_new(c->arena, struct iam_password_policy);
	*row.PasswordPolicy = (struct iam_password_policy){
		.MinimumPasswordLength =
			in->MinimumPasswordLength.set ? in->MinimumPasswordLength : OPT_I64(6),
		.RequireSymbols = OPT_BOOL(in->RequireSymbols.v),
		.RequireNumbers = OPT_BOOL(in->RequireNumbers.v),
		.RequireUppercaseCharacters = OPT_BOOL(in->RequireUppercaseCharacters.v),
		.RequireLowercaseCharacters = OPT_BOOL(in->RequireLowercaseCharacters.v),
		.AllowUsersToChangePassword = OPT_BOOL(in->AllowUsersToChangePassword.v),
		.ExpirePasswords = OPT_BOOL(in->MaxPasswordAge.set && in->MaxPasswordAge.v > 0),
		.MaxPasswordAge = in->MaxPasswordAge,
		.PasswordReusePrevention = in->PasswordReusePrevention,
		.HardExpiry = in->HardExpiry
	};
	account_save(c, &row);
	return CALL_OK;
}

static int
no_password_policy(struct call *c)
{
	return call_fail(c, &IAM_NoSuchEntity,
		"The Password Policy with domain name %.*s cannot be found.", STR_FMT(c->account));
}

int
iam_get_account_password_policy(struct call *c,
	const struct iam_get_account_password_policy_in *in __attribute__((unused)),
	struct iam_get_account_password_policy_out *out)
{
	struct iam_account_row row;
	iam_account_get(c, &row);
	out->PasswordPolicy = row.PasswordPolicy;
	return row.PasswordPolicy ? CALL_OK : no_password_policy(c);
}

int
iam_delete_account_password_policy(struct call *c,
	const struct iam_delete_account_password_policy_in *in __attribute__((unused)),
	struct iam_delete_account_password_policy_out *out __attribute__((unused)))
{
	struct iam_account_row row;
	iam_account_get(c, &row);
	if (!row.PasswordPolicy)
		return no_password_policy(c);
	row.PasswordPolicy = NULL;
	account_save(c, &row);
	return CALL_OK;
}

/* ---- summary ---- */

static void
count(struct iam_get_account_summary_out *out, const char *name, int64_t v)
{
	out->SummaryMap.v[out->SummaryMap.n++] = (struct map_i64_entry){ str_c(name), v };
}

static uint32_t
count_users(struct call *c, uint32_t *ret_mfa)
{
	struct key k, after;
	struct scan s;
	struct iam_entity_row e;
	uint32_t n = 0;
	iam_key(&k, IAM_USER, c->account);
	scan_open(
		&s, c->tx, iam_rows(c), key_str(&k), key_after_prefix(&after, key_str(&k)), false);
	while (scan_next(&s))
		if (row_decode(&iam_entity_row_shape, s.value, c->arena, &e)) {
			n += e.Name.len > 0;
			*ret_mfa += e.Mfa.n;
		}
	return n;
}

static uint32_t
count_versions(struct call *c)
{
	struct key k, after;
	struct scan s;
	struct iam_entity_row e;
	uint32_t n = 0;
	iam_key(&k, IAM_POLICY, c->account);
	scan_open(
		&s, c->tx, iam_rows(c), key_str(&k), key_after_prefix(&after, key_str(&k)), false);
	while (scan_next(&s))
		if (row_decode(&iam_entity_row_shape, s.value, c->arena, &e))
			n += e.Versions.n;
	return n;
}

int
iam_get_account_summary(struct call *c,
	const struct iam_get_account_summary_in *in __attribute__((unused)),
	struct iam_get_account_summary_out *out)
{
	static const struct {
		const char *name;
		int64_t v;
	} quotas[] = { { "UsersQuota", 5000 }, { "GroupsQuota", 300 },
		{ "ServerCertificatesQuota", 20 }, { "UserPolicySizeQuota", 2048 },
		{ "GroupPolicySizeQuota", 5120 }, { "GroupsPerUserQuota", 10 },
		{ "SigningCertificatesPerUserQuota", 2 },
		{ "AccessKeysPerUserQuota", IAM_KEYS_MAX },
		{ "AttachedPoliciesPerGroupQuota", IAM_ATTACHED_MAX },
		{ "AttachedPoliciesPerRoleQuota", IAM_ATTACHED_MAX },
		{ "AttachedPoliciesPerUserQuota", IAM_ATTACHED_MAX }, { "PoliciesQuota", 1500 },
		{ "PolicySizeQuota", IAM_POLICY_SIZE }, { "PolicyVersionsInUseQuota", 10000 },
		{ "VersionsPerPolicyQuota", IAM_VERSIONS_MAX }, { "GlobalEndpointTokenVersion", 1 },
		{ "AssumeRolePolicySizeQuota", 2048 }, { "InstanceProfilesQuota", 1000 },
		{ "RolePolicySizeQuota", 10240 }, { "RolesQuota", 1000 },
		{ "AccountPasswordPresent", 0 }, { "AccountSigningCertificatesPresent", 0 } };
	struct iam_entity_row root = { 0 };
	uint32_t mfa = 0;
	IAM_LIST_NEW(c, out->SummaryMap, 48);
	for (unsigned i = 0; i < sizeof(quotas) / sizeof(*quotas); i++)
		count(out, quotas[i].name, quotas[i].v);
	iam_get(c->tx, c->arena, IAM_USER, c->account, STR(""), &root);
	count(out, "Users", count_users(c, &mfa));
	count(out, "Groups", iam_count(c, IAM_GROUP));
	count(out, "Roles", iam_count(c, IAM_ROLE));
	count(out, "Policies", iam_count(c, IAM_POLICY));
	count(out, "PolicyVersionsInUse", count_versions(c));
	count(out, "InstanceProfiles", iam_count(c, IAM_PROFILE));
	count(out, "ServerCertificates", iam_count(c, IAM_CERTIFICATE));
	count(out, "Providers", iam_count(c, IAM_OIDC) + iam_count(c, IAM_SAML));
	count(out, "MFADevices", iam_count(c, IAM_MFA));
	count(out, "MFADevicesInUse", mfa);
	count(out, "AccountMFAEnabled", root.Mfa.n > 0);
	count(out, "AccountAccessKeysPresent", root.Keys.n > 0);
	return CALL_OK;
}

/* ---- credential report ---- */

static void
report_time(struct buf *b, struct opt_time t, const char *none)
{
	char text[TIME_TEXT_MAX];
	buf_add_c(b, ',');
	buf_add_str(b, t.set ? time_format(t.ms, TIME_ISO8601, text) : str_c(none));
}

static void
report_line(struct call *c, struct buf *b, const struct iam_entity_row *e)
{
	struct iam_access_key_row key;
	bool root = e->Name.len == 0;
	buf_add_str(b, root ? STR("<root_account>") : e->Name);
	buf_add_c(b, ',');
	buf_add_str(b, iam_arn(c->arena, IAM_USER, c->account, e));
	report_time(b, e->Created, "N/A");
	buf_add_str(b, root ? STR(",not_supported") : e->Password.p ? STR(",true") : STR(",false"));
	report_time(b, e->PasswordLastUsed, e->Password.p ? "no_information" : "N/A");
	report_time(b, e->PasswordCreated, root ? "not_supported" : "N/A");
	buf_add_str(b, root ? STR(",not_supported") : STR(",N/A"));
	buf_add_str(b, e->Mfa.n ? STR(",true") : STR(",false"));
	for (uint32_t i = 0; i < IAM_KEYS_MAX; i++) {
		if (i >= e->Keys.n || !iam_access_key_get(c->tx, c->arena, e->Keys.v[i], &key)) {
			buf_add_lit(b, ",false,N/A,N/A,N/A,N/A");
			continue;
		}
		buf_add_str(b, key.Active.v ? STR(",true") : STR(",false"));
		report_time(b, key.Created, "N/A");
		report_time(b, key.LastUsed, "N/A");
		buf_printf(b, ",%.*s,%.*s",
			STR_FMT(key.LastUsed.set ? key.LastUsedRegion : STR("N/A")),
			STR_FMT(key.LastUsed.set ? key.LastUsedService : STR("N/A")));
	}
	buf_add_lit(b, ",false,N/A,false,N/A\n");
}

static void
report_write(struct call *c, struct buf *b)
{
	struct key k, after;
	struct scan s;
	struct iam_entity_row e;
	buf_add_lit(b,
		"user,arn,user_creation_time,password_enabled,password_last_used,password_last_"
		"changed,"
		"password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,"
		"access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_"
		"service,"
		"access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,"
		"access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,"
		"cert_1_last_rotated,cert_2_active,cert_2_last_rotated\n");
	if (!iam_get(c->tx, c->arena, IAM_USER, c->account, STR(""), &e))
		report_line(c, b, &(struct iam_entity_row){ .Name = STR("") });
	iam_key(&k, IAM_USER, c->account);
	scan_open(
		&s, c->tx, iam_rows(c), key_str(&k), key_after_prefix(&after, key_str(&k)), false);
	while (scan_next(&s))
		if (row_decode(&iam_entity_row_shape, s.value, c->arena, &e))
			report_line(c, b, &e);
}

int
iam_generate_credential_report(struct call *c,
	const struct iam_generate_credential_report_in *in __attribute__((unused)),
	struct iam_generate_credential_report_out *out)
{
	struct iam_account_row row;
	struct buf b = { 0 };
	iam_account_get(c, &row);
	bool fresh = row.Report.p && c->now_ms - row.ReportMade.ms < INT64_C(4) * 3600000;
	out->State = fresh ? STR("COMPLETE") : STR("STARTED");
	if (fresh)
		return CALL_OK;
	report_write(c, &b);
	row.Report = arena_dup(c->arena, buf_str(&b));
	buf_done(&b);
	row.ReportMade = OPT_TIME(c->now_ms / 1000 * 1000);
	account_save(c, &row);
	out->Description = STR("No report exists. Starting a new report generation task");
	return CALL_OK;
}

int
iam_get_credential_report(struct call *c,
	const struct iam_get_credential_report_in *in __attribute__((unused)),
	struct iam_get_credential_report_out *out)
{
	struct iam_account_row row;
	iam_account_get(c, &row);
	if (!row.Report.p)
		return call_fail(c, &IAM_ReportNotPresent, "Credential report not present");
	if (c->now_ms - row.ReportMade.ms > INT64_C(4) * 3600000)
		return call_fail(c, &IAM_ReportExpired, "Credential report expired");
	out->Content = row.Report;
	out->ReportFormat = STR("text/csv");
	out->GeneratedTime = row.ReportMade;
	return CALL_OK;
}
