/* Platform applications and endpoints, and the settings of text messages: stored. */
#include "aws/arn.h"
#include "base/ids.h"
#include "svc/sns/internal.h"

#define CUSTOM_DATA_MAX 2048

/* "app/GCM/name", "endpoint/GCM/name/id" */
struct platform_name {
	struct str account, region, platform, app, id;
};

static bool
name_parse(struct str arn, const char *kind, struct platform_name *ret)
{
	struct arn a;
	if (!arn_parse(arn, &a) || !str_is(a.service, "sns") || !account_id_valid(a.account))
		return false;
	struct str rest = a.resource;
	if (!str_eq(str_cut(&rest, '/'), str_c(kind)))
		return false;
	*ret = (struct platform_name){ .account = a.account, .region = a.region };
	ret->platform = rest.p ? str_cut(&rest, '/') : STR("");
	ret->app = rest.p ? str_cut(&rest, '/') : STR("");
	ret->id = rest.p ? rest : STR("");
	return ret->platform.len && ret->app.len && ret->app.len <= 256 && ret->id.len <= 64;
}

static void
key_platform(struct key *k, const char *space, const struct platform_name *n, struct str last)
{
	key_begin(k);
	key_add_raw(k, str_c(space));
	key_add(k, n->account);
	key_add(k, n->region);
	key_add(k, n->platform);
	key_add(k, n->app);
	if (last.len)
		key_add(k, last);
}

static bool
is_platform(struct str s)
{
	static const char *const names[] = { "ADM", "APNS", "APNS_SANDBOX", "APNS_VOIP",
		"APNS_VOIP_SANDBOX", "MACOS", "MACOS_SANDBOX", "BAIDU", "FCM", "GCM", "MPNS",
		"WNS" };
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (str_eq(s, str_c(names[i])))
			return true;
	return false;
}

static bool
is_app_name(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		char ch = s.p[i];
		if (!((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
			    (ch >= '0' && ch <= '9') || str_find(STR("-_."), ch) >= 0))
			return false;
	}
	return s.len > 0 && s.len <= 256;
}

int
sns_create_platform_application(struct call *c, const struct sns_create_platform_application_in *in,
	struct sns_create_platform_application_out *out)
{
	struct key k;
	struct sns_application_row row = {
		.Platform = in->Platform, .Name = in->Name, .Created = OPT_TIME(c->now_ms)
	};
	if (!is_platform(in->Platform))
		return sns_invalid(c, "Platform Reason: %.*s is not supported",
			STR_FMT(str_slice(in->Platform, 0, 40)));
	if (!is_app_name(in->Name))
		return sns_invalid(c, "Name Reason: must be 1 to 256 letters, digits, underscores, "
				      "hyphens and periods");
	out->PlatformApplicationArn = arn_format(c->arena, "sns", c->region, c->who.account,
		arena_printf(c->arena, "app/%.*s/%.*s", STR_FMT(in->Platform), STR_FMT(in->Name)));
	if (sns_access(c, "SNS:CreatePlatformApplication", out->PlatformApplicationArn,
		    c->who.account))
		return CALL_FAILED;
	struct platform_name n = { c->who.account, c->region, in->Platform, in->Name, STR("") };
	row.Attributes = in->Attributes;
	key_platform(&k, "P", &n, STR(""));
	sns_row_put(c->tx, c->store, &k, &sns_application_row_shape, &row);
	return CALL_OK;
}

int
sns_delete_platform_application(struct call *c, const struct sns_delete_platform_application_in *in,
	struct sns_delete_platform_application_out *out __attribute__((unused)))
{
	struct platform_name n;
	struct key k;
	if (!name_parse(in->PlatformApplicationArn, "app", &n))
		return sns_invalid(c, "PlatformApplicationArn");
	if (sns_access(c, "SNS:DeletePlatformApplication", in->PlatformApplicationArn, n.account))
		return CALL_FAILED;
	for (const char *space = "PQq"; *space; space++) {
		char one[2] = { *space, 0 };
		key_platform(&k, one, &n, STR(""));
		sns_delete_space(c->tx, c->store, key_str(&k));
	}
	return CALL_OK;
}

static int
check_endpoint_attributes(struct call *c, const struct map_str *m)
{
	for (uint32_t i = 0; i < m->n; i++) {
		struct str k = m->v[i].key, v = m->v[i].value;
		if (!str_is(k, "Enabled") && !str_is(k, "Token") && !str_is(k, "CustomUserData"))
			return sns_invalid(c, "Attributes Reason: Invalid attribute name: %.*s",
				STR_FMT(str_slice(k, 0, 100)));
		if (str_is(k, "Enabled") && !str_eq_nocase(v, STR("true")) &&
			!str_eq_nocase(v, STR("false")))
			return sns_invalid(
				c, "Attributes Reason: Invalid value for attribute: Enabled");
		if (str_is(k, "CustomUserData") && v.len > CUSTOM_DATA_MAX)
			return sns_invalid(c, "CustomUserData Reason: must be at most 2048 bytes "
					      "long in UTF-8 encoding");
	}
	return CALL_OK;
}

static bool
endpoint_get(struct call *c, const struct platform_name *n, struct sns_endpoint_row *ret)
{
	struct key k;
	memset(ret, 0, sizeof(*ret));
	if (!n->id.len)
		return false;
	key_platform(&k, "Q", n, n->id);
	return sns_row_get(c->tx, c->store, c->arena, &k, &sns_endpoint_row_shape, ret);
}

static void
endpoint_put(struct call *c, const struct platform_name *n, const struct sns_endpoint_row *row)
{
	struct key k;
	key_platform(&k, "Q", n, n->id);
	sns_row_put(c->tx, c->store, &k, &sns_endpoint_row_shape, row);
	key_platform(&k, "q", n, sns_map_get(&row->Attributes, STR("Token")));
	tx_put(c->tx, sns_rows(c->store), key_str(&k), n->id);
}

bool
sns_endpoint_get(struct call *c, struct str arn, struct sns_endpoint_row *ret)
{
	struct platform_name n;
	return name_parse(arn, "endpoint", &n) && endpoint_get(c, &n, ret);
}

bool
sns_endpoint_exists(struct call *c, struct str arn)
{
	struct sns_endpoint_row row;
	return sns_endpoint_get(c, arn, &row);
}

/* The same token again: the same endpoint, as long as nothing else is wanted of it. */
static int
same_endpoint(struct call *c, const struct sns_create_platform_endpoint_in *in,
	const struct sns_endpoint_row *there, struct sns_create_platform_endpoint_out *out)
{
	struct str data = sns_map_get(&there->Attributes, STR("CustomUserData"));
	struct str want = in->CustomUserData.p
				  ? in->CustomUserData
				  : sns_map_get(&in->Attributes, STR("CustomUserData"));
	struct str enabled = sns_map_get(&in->Attributes, STR("Enabled"));
	if (!str_eq(data, want) ||
		(enabled.p &&
			!str_eq_nocase(enabled, sns_map_get(&there->Attributes, STR("Enabled")))))
		return sns_invalid(c,
			"Token Reason: Endpoint %.*s already exists with the same Token, but "
			"different attributes.",
			STR_FMT(there->Arn));
	out->EndpointArn = there->Arn;
	return CALL_OK;
}

int
sns_create_platform_endpoint(struct call *c, const struct sns_create_platform_endpoint_in *in,
	struct sns_create_platform_endpoint_out *out)
{
	struct platform_name n;
	struct sns_application_row app = { 0 };
	struct sns_endpoint_row row = { .Created = OPT_TIME(c->now_ms) };
	struct key k;
	if (!name_parse(in->PlatformApplicationArn, "app", &n))
		return sns_invalid(c, "PlatformApplicationArn");
	if (sns_access(c, "SNS:CreatePlatformEndpoint", in->PlatformApplicationArn, n.account))
		return CALL_FAILED;
	key_platform(&k, "P", &n, STR(""));
	if (!sns_row_get(c->tx, c->store, c->arena, &k, &sns_application_row_shape, &app))
		return call_fail(c, &SNS_NotFound, "PlatformApplication does not exist");
	if (!in->Token.len || in->Token.len > 2048)
		return sns_invalid(c, "Token");
	if (check_endpoint_attributes(c, &in->Attributes))
		return CALL_FAILED;
	key_platform(&k, "q", &n, in->Token);
	if (tx_get(c->tx, sns_rows(c->store), key_str(&k), &n.id) && endpoint_get(c, &n, &row))
		return same_endpoint(c, in, &row, out);
	n.id = call_uuid(c);
	row.Arn = out->EndpointArn = arn_format(c->arena, "sns", n.region, n.account,
		arena_printf(c->arena, "endpoint/%.*s/%.*s/%.*s", STR_FMT(n.platform),
			STR_FMT(n.app), STR_FMT(n.id)));
	sns_map_set(c->arena, &row.Attributes, STR("Enabled"), STR("true"));
	if (in->CustomUserData.p)
		sns_map_set(c->arena, &row.Attributes, STR("CustomUserData"), in->CustomUserData);
	for (uint32_t i = 0; i < in->Attributes.n; i++)
		sns_map_set(c->arena, &row.Attributes, in->Attributes.v[i].key,
			in->Attributes.v[i].value);
	sns_map_set(c->arena, &row.Attributes, STR("Token"), in->Token);
	endpoint_put(c, &n, &row);
	return CALL_OK;
}

int
sns_delete_endpoint(struct call *c, const struct sns_delete_endpoint_in *in,
	struct sns_delete_endpoint_out *out __attribute__((unused)))
{
	struct platform_name n;
	struct sns_endpoint_row row;
	struct key k;
	if (!name_parse(in->EndpointArn, "endpoint", &n))
		return sns_invalid(c, "EndpointArn");
	if (sns_access(c, "SNS:DeleteEndpoint", in->EndpointArn, n.account))
		return CALL_FAILED;
	if (!endpoint_get(c, &n, &row))
		return CALL_OK;
	key_platform(&k, "q", &n, sns_map_get(&row.Attributes, STR("Token")));
	tx_delete(c->tx, sns_rows(c->store), key_str(&k));
	key_platform(&k, "Q", &n, n.id);
	tx_delete(c->tx, sns_rows(c->store), key_str(&k));
	return CALL_OK;
}

static int
open_endpoint(struct call *c, struct str arn, const char *action, struct platform_name *n,
	struct sns_endpoint_row *row)
{
	if (!name_parse(arn, "endpoint", n))
		return sns_invalid(c, "EndpointArn");
	if (sns_access(c, action, arn, n->account))
		return CALL_FAILED;
	return endpoint_get(c, n, row) ? CALL_OK
				       : call_fail(c, &SNS_NotFound, "Endpoint does not exist");
}

int
sns_get_endpoint_attributes(struct call *c, const struct sns_get_endpoint_attributes_in *in,
	struct sns_get_endpoint_attributes_out *out)
{
	struct platform_name n;
	struct sns_endpoint_row row;
	if (open_endpoint(c, in->EndpointArn, "SNS:GetEndpointAttributes", &n, &row))
		return CALL_FAILED;
	out->Attributes = row.Attributes;
	return CALL_OK;
}

int
sns_set_endpoint_attributes(struct call *c, const struct sns_set_endpoint_attributes_in *in,
	struct sns_set_endpoint_attributes_out *out __attribute__((unused)))
{
	struct platform_name n;
	struct sns_endpoint_row row;
	struct key k;
	if (open_endpoint(c, in->EndpointArn, "SNS:SetEndpointAttributes", &n, &row) ||
		check_endpoint_attributes(c, &in->Attributes))
		return CALL_FAILED;
	key_platform(&k, "q", &n, sns_map_get(&row.Attributes, STR("Token")));
	tx_delete(c->tx, sns_rows(c->store), key_str(&k));
	for (uint32_t i = 0; i < in->Attributes.n; i++)
		sns_map_set(c->arena, &row.Attributes, in->Attributes.v[i].key,
			in->Attributes.v[i].value);
	endpoint_put(c, &n, &row);
	return CALL_OK;
}

/* --- text messages --- */

static void
key_sms(struct key *k, const struct call *c)
{
	key_begin(k);
	key_add_raw(k, STR("M"));
	key_add(k, c->who.account);
	key_add(k, c->region);
}

static const char *const sms_names[] = { "MonthlySpendLimit", "DeliveryStatusIAMRole",
	"DeliveryStatusSuccessSamplingRate", "DefaultSenderID", "DefaultSMSType",
	"UsageReportS3Bucket" };

static bool
is_sms_name(struct str s)
{
	for (size_t i = 0; i < sizeof(sms_names) / sizeof(*sms_names); i++)
		if (str_eq(s, str_c(sms_names[i])))
			return true;
	return false;
}

int
sns_set_sms_attributes(struct call *c, const struct sns_set_sms_attributes_in *in,
	struct sns_set_sms_attributes_out *out __attribute__((unused)))
{
	struct sns_settings_row row = { 0 };
	struct key k;
	if (sns_access(c, "SNS:SetSMSAttributes", STR("*"), c->who.account))
		return CALL_FAILED;
	key_sms(&k, c);
	sns_row_get(c->tx, c->store, c->arena, &k, &sns_settings_row_shape, &row);
	for (uint32_t i = 0; i < in->attributes.n; i++) {
		struct str name = in->attributes.v[i].key, value = in->attributes.v[i].value;
		if (!is_sms_name(name))
			return sns_invalid(c, "%.*s is not a valid attribute",
				STR_FMT(str_slice(name, 0, 100)));
		if (str_is(name, "DefaultSMSType") && !str_is(value, "Promotional") &&
			!str_is(value, "Transactional"))
			return sns_invalid(c, "DefaultSMSType is invalid");
		sns_map_set(c->arena, &row.Attributes, name, value);
	}
	sns_row_put(c->tx, c->store, &k, &sns_settings_row_shape, &row);
	return CALL_OK;
}

int
sns_get_sms_attributes(struct call *c, const struct sns_get_sms_attributes_in *in,
	struct sns_get_sms_attributes_out *out)
{
	struct sns_settings_row row = { 0 };
	struct key k;
	if (sns_access(c, "SNS:GetSMSAttributes", STR("*"), c->who.account))
		return CALL_FAILED;
	key_sms(&k, c);
	sns_row_get(c->tx, c->store, c->arena, &k, &sns_settings_row_shape, &row);
	if (!sns_map_get(&row.Attributes, STR("MonthlySpendLimit")).p)
		sns_map_set(c->arena, &row.Attributes, STR("MonthlySpendLimit"), STR("1"));
	if (!in->attributes.n)
		out->attributes = row.Attributes;
	for (uint32_t i = 0; i < in->attributes.n; i++) {
		struct str v = sns_map_get(&row.Attributes, in->attributes.v[i]);
		if (v.p)
			sns_map_set(c->arena, &out->attributes, in->attributes.v[i], v);
	}
	out->attributes.set = true;
	return CALL_OK;
}
