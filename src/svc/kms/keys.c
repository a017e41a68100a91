#include "svc/kms/kms.h"

static struct str
default_policy(struct call *c)
{
	return arena_printf(c->arena,
		"{\n  \"Version\" : \"2012-10-17\",\n  \"Id\" : \"key-default-1\",\n"
		"  \"Statement\" : [ {\n    \"Sid\" : \"Enable IAM User Permissions\",\n"
		"    \"Effect\" : \"Allow\",\n    \"Principal\" : {\n"
		"      \"AWS\" : \"arn:aws:iam::%.*s:root\"\n    },\n"
		"    \"Action\" : \"kms:*\",\n    \"Resource\" : \"*\"\n  } ]\n}",
		STR_FMT(c->account));
}

/* CustomerMasterKeySpec is the older name. */
static int
spec_choose(struct call *c, const struct kms_create_key_in *in, const struct kms_spec **ret)
{
	struct str name = in->KeySpec.p                 ? in->KeySpec
			  : in->CustomerMasterKeySpec.p ? in->CustomerMasterKeySpec
							: STR("SYMMETRIC_DEFAULT");
	if (in->KeySpec.p && in->CustomerMasterKeySpec.p)
		return call_fail(c, &ERR_ValidationException,
			"You cannot specify KeySpec and CustomerMasterKeySpec in the same request. "
			"CustomerMasterKeySpec is deprecated.");
	*ret = kms_spec(name);
	if (!*ret)
		return call_fail(c, &KMS_UnsupportedOperationException,
			"Keys of the spec %.*s cannot be made here: the cryptographic library of "
			"this machine does not have it.",
			STR_FMT(name));
	return CALL_OK;
}

static int
usage_choose(struct call *c, const struct kms_spec *s, struct str asked, struct str *ret)
{
	struct str all = str_c(s->usages);
	*ret = asked;
	if (!asked.p) {
		if (s->kind != KMS_SYMMETRIC)
			return call_fail(c, &ERR_ValidationException,
				"You must specify a KeyUsage value for all KMS keys except for "
				"symmetric encryption keys.");
		*ret = str_cut(&all, ' ');
	}
	if (!kms_word_in(*ret, s->usages))
		return call_fail(c, &ERR_ValidationException,
			"KeyUsage %.*s is not compatible with KeySpec %s", STR_FMT(*ret), s->name);
	return CALL_OK;
}

static int
origin_check(struct call *c, const struct kms_create_key_in *in)
{
	if (in->CustomKeyStoreId.p || in->XksKeyId.p || str_is(in->Origin, "AWS_CLOUDHSM") ||
		str_is(in->Origin, "EXTERNAL_KEY_STORE"))
		return call_fail(c, &KMS_UnsupportedOperationException,
			"There are no custom key stores here: keys are made and kept by KMS "
			"itself.");
	if (str_is(in->Origin, "EXTERNAL"))
		return call_fail(c, &KMS_UnsupportedOperationException,
			"Key material cannot be imported yet; Origin must be AWS_KMS.");
	return CALL_OK;
}

static int
create_check(struct call *c, const struct kms_create_key_in *in)
{
	if (kms_account_allowed(c, "kms:CreateKey") || origin_check(c, in) ||
		kms_tags_check(c, &in->Tags))
		return CALL_FAILED;
	if (in->Tags.n && kms_account_allowed(c, "kms:TagResource"))
		return CALL_FAILED;
	return in->Policy.p ? kms_policy_check(c, in->Policy, c->account,
				      in->BypassPolicyLockoutSafetyCheck.v)
			    : CALL_OK;
}

static struct kms_key_row
row_new(struct call *c)
{
	return (struct kms_key_row){ .Id = ids_uuid_text(c->arena),
		.Account = c->account,
		.Region = c->region,
		.State = STR("Enabled"),
		.Manager = STR("CUSTOMER"),
		.Origin = STR("AWS_KMS"),
		.Created = { c->now_ms, true } };
}

int
kms_create_key(struct call *c, const struct kms_create_key_in *in, struct kms_create_key_out *out)
{
	const struct kms_spec *spec;
	struct kms_key k = { .row = row_new(c) };
	struct str usage, public_key;
	KMS_SECRET secret;
	if (create_check(c, in) || spec_choose(c, in, &spec) ||
		usage_choose(c, spec, in->KeyUsage, &usage))
		return CALL_FAILED;
	if (spec->kind == KMS_RSA) {
		int r = kms_pair_wait(c, spec, &secret, &public_key);
		if (r)
			return r;
	} else if (!kms_material_make(spec, &secret, &public_key, c->arena)) {
		return call_fail(c, &KMS_KMSInternalException, "No key material could be made.");
	}
	k.row.Spec = str_c(spec->name);
	k.row.Usage = usage;
	k.row.PublicKey = public_key;
	k.row.Description = in->Description;
	k.row.Policy = in->Policy.p ? in->Policy : default_policy(c);
	k.row.Tags.v = in->Tags.v;
	k.row.Tags.n = in->Tags.n;
	k.row.Tags.set = in->Tags.n > 0;
	if (in->MultiRegion.v) {
		k.row.MultiRegion = OPT_BOOL(true);
		k.row.Id = ids_hex_text(c->arena, "mrk-", 32);
	}
	kms_material_add(c, &k.row, &secret);
	kms_key_save(c, &k.row);
	k.arn = kms_arn(c->arena, &k.row);
	out->KeyMetadata = kms_metadata(c, &k);
	return CALL_OK;
}

/* ---- keys that AWS manages for its services ---- */

static struct str
managed_policy(struct call *c, const char *service, struct str account)
{
	return arena_printf(c->arena,
		"{\"Version\":\"2012-10-17\",\"Id\":\"auto-%s-1\",\"Statement\":[{\"Sid\":\"Allow "
		"access through %s for all principals in the account that are authorized to use "
		"it\",\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"*\"},\"Action\":[\"kms:"
		"Encrypt\",\"kms:Decrypt\",\"kms:ReEncrypt*\",\"kms:GenerateDataKey*\",\"kms:"
		"DescribeKey\"],\"Resource\":\"*\",\"Condition\":{\"StringEquals\":{\"kms:"
		"CallerAccount\":\"%.*s\",\"kms:ViaService\":\"%s.%.*s.amazonaws.com\"}}},{\"Sid\":"
		"\"Allow direct access to key metadata to the account\",\"Effect\":\"Allow\","
		"\"Principal\":{\"AWS\":\"arn:aws:iam::%.*s:root\"},\"Action\":[\"kms:Describe*\","
		"\"kms:Get*\",\"kms:List*\"],\"Resource\":\"*\"}]}",
		service, service, STR_FMT(account), service, STR_FMT(c->region), STR_FMT(account));
}

bool
kms_managed_key_there(struct call *c, const char *service, struct str account)
{
	struct kms_alias_row alias;
	return kms_alias_load(
		c, account, c->region, arena_printf(c->arena, "alias/aws/%s", service), &alias);
}

struct str
kms_managed_key(struct call *c, const char *service, struct str account)
{
	struct kms_alias_row alias;
	struct str name = arena_printf(c->arena, "alias/aws/%s", service);
	if (kms_alias_load(c, account, c->region, name, &alias))
		return alias.Target;
	const struct kms_spec *spec = kms_spec(STR("SYMMETRIC_DEFAULT"));
	struct kms_key_row row = row_new(c);
	struct str public_key;
	KMS_SECRET secret;
	kms_material_make(spec, &secret, &public_key, c->arena);
	row.Account = account;
	row.Spec = str_c(spec->name);
	row.Usage = STR("ENCRYPT_DECRYPT");
	row.Manager = STR("AWS");
	row.Description = arena_printf(c->arena,
		"Default key that protects my %s objects when no other key is defined", service);
	row.Policy = managed_policy(c, service, account);
	/* AWS turns these over each year. */
	row.RotationOn = OPT_BOOL(true);
	kms_material_add(c, &row, &secret);
	kms_key_save(c, &row);
	alias = (struct kms_alias_row){ .Name = name,
		.Target = row.Id,
		.Created = { c->now_ms, true },
		.Updated = { c->now_ms, true } };
	kms_alias_save(c, account, c->region, &alias);
	return row.Id;
}

/* ---- describing, listing, changing ---- */

int
kms_describe_key(
	struct call *c, const struct kms_describe_key_in *in, struct kms_describe_key_out *out)
{
	struct kms_key k;
	struct kms_ask a = { .operation = "DescribeKey",
		.tokens = &in->GrantTokens,
		.alias = true,
		.unusable = true };
	if (kms_open(c, in->KeyId, &a, &k))
		return CALL_FAILED;
	out->KeyMetadata = kms_metadata(c, &k);
	return CALL_OK;
}

int
kms_list_keys(struct call *c, const struct kms_list_keys_in *in, struct kms_list_keys_out *out)
{
	struct key space;
	struct kms_page p;
	kms_key_space(&space, 'K', c->account, c->region);
	if (kms_account_allowed(c, "kms:ListKeys") ||
		kms_page_open(c, key_str(&space), in->Marker, in->Limit, 100, &p))
		return CALL_FAILED;
	out->Keys.v = arena_array(c->arena, struct kms_key_list_entry, p.max);
	out->Keys.set = true;
	while (kms_page_next(&p)) {
		struct kms_key_row row = { 0 };
		if (row_decode(&kms_key_row_shape, p.scan.value, c->arena, &row))
			out->Keys.v[out->Keys.n++] = (struct kms_key_list_entry){ .KeyId = row.Id,
				.KeyArn = kms_arn(c->arena, &row) };
	}
	out->NextMarker = kms_page_marker(&p);
	out->Truncated = OPT_BOOL(p.truncated);
	return CALL_OK;
}

static int
ours_open(struct call *c, struct str id, const char *operation, struct kms_key *ret)
{
	struct kms_ask a = { .operation = operation, .own = true, .unusable = true };
	if (kms_open(c, id, &a, ret) || kms_pending_deletion(c, ret))
		return CALL_FAILED;
	if (str_is(ret->row.Manager, "AWS"))
		return call_fail(c, &ERR_AccessDenied,
			"User: %.*s is not authorized to perform: kms:%s on resource: %.*s because "
			"the key is managed by AWS",
			STR_FMT(c->who.arn), operation, STR_FMT(ret->arn));
	return CALL_OK;
}

static int
state_set(struct call *c, struct str id, const char *operation, struct str state)
{
	struct kms_key k;
	if (ours_open(c, id, operation, &k))
		return CALL_FAILED;
	k.row.State = state;
	kms_key_save(c, &k.row);
	return CALL_OK;
}

int
kms_enable_key(struct call *c, const struct kms_enable_key_in *in, struct kms_enable_key_out *out)
{
	(void)out;
	return state_set(c, in->KeyId, "EnableKey", STR("Enabled"));
}

int
kms_disable_key(
	struct call *c, const struct kms_disable_key_in *in, struct kms_disable_key_out *out)
{
	(void)out;
	return state_set(c, in->KeyId, "DisableKey", STR("Disabled"));
}

int
kms_update_key_description(struct call *c, const struct kms_update_key_description_in *in,
	struct kms_update_key_description_out *out)
{
	struct kms_key k;
	(void)out;
	if (ours_open(c, in->KeyId, "UpdateKeyDescription", &k))
		return CALL_FAILED;
	k.row.Description = in->Description;
	kms_key_save(c, &k.row);
	return CALL_OK;
}
