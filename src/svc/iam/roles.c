#include "aws/errors.h"
#include "aws/policy.h"
#include "svc/iam/iam.h"

#define TRUST_MAX 2048
#define SESSION_DEFAULT_S 3600

bool
iam_role_find(struct call *c, struct str name_or_arn, struct iam_entity_row *ret)
{
	struct arn arn;
	if (!arn_parse(name_or_arn, &arn))
		return iam_get(c->tx, c->arena, IAM_ROLE, c->account, name_or_arn, ret);
	long slash = str_rfind(arn.resource, '/');
	return str_is(arn.service, "iam") && str_eq(arn.account, c->account) &&
	       str_starts(arn.resource, STR("role/")) &&
	       iam_get(c->tx, c->arena, IAM_ROLE, c->account,
		       str_slice(arn.resource, (size_t)slash + 1, arn.resource.len), ret) &&
	       str_eq(ret->Path, str_slice(arn.resource, 4, (size_t)slash + 1));
}

static int
trust_check(struct call *c, struct str document)
{
	if (iam_document_check(c, document, POLICY_TRUST))
		return CALL_FAILED;
	if (iam_document_size(document) > TRUST_MAX)
		return call_fail(c, &IAM_LimitExceeded,
			"Cannot exceed quota for ACLSizePerRole: %d", TRUST_MAX);
	return CALL_OK;
}

int
iam_create_role(
	struct call *c, const struct iam_create_role_in *in, struct iam_create_role_out *out)
{
	struct iam_entity_row e;
	if (trust_check(c, in->AssumeRolePolicyDocument))
		return CALL_FAILED;
	if (str_starts(in->Path, STR("/aws-service-role/")))
		return call_fail(c, &IAM_InvalidInput,
			"The path /aws-service-role/ is kept for service-linked roles.");
	if (iam_make(c, IAM_ROLE, in->RoleName, in->Path, &in->Tags, &e))
		return CALL_FAILED;
	if (in->PermissionsBoundary.p) {
		if (iam_boundary_check(c, in->PermissionsBoundary))
			return CALL_FAILED;
		e.Boundary = in->PermissionsBoundary;
		iam_attachment_put(c, 'B', e.Boundary, IAM_ROLE, e.Name, true);
	}
	e.Trust = in->AssumeRolePolicyDocument;
	e.Description = in->Description;
	e.MaxSession =
		in->MaxSessionDuration.set ? in->MaxSessionDuration : OPT_I64(SESSION_DEFAULT_S);
	iam_save(c, IAM_ROLE, &e);
	out->Role = iam_role_tell(c, &e, true, NULL);
	out->Role->RoleLastUsed = NULL;
	return CALL_OK;
}

int
iam_get_role(struct call *c, const struct iam_get_role_in *in, struct iam_get_role_out *out)
{
	struct iam_entity_row e;
	if (iam_open(c, IAM_ROLE, in->RoleName, &e))
		return CALL_FAILED;
	out->Role = iam_role_tell(c, &e, true, NULL);
	return CALL_OK;
}

int
iam_list_roles(struct call *c, const struct iam_list_roles_in *in, struct iam_list_roles_out *out)
{
	struct iam_page p;
	struct iam_entity_row e;
	if (iam_page_open(c, IAM_ROLE, in->Marker, in->MaxItems, in->PathPrefix, &p))
		return CALL_FAILED;
	IAM_LIST_NEW(c, out->Roles, p.max);
	while (iam_page_next(&p, &e))
		iam_role_tell(c, &e, false, &out->Roles.v[out->Roles.n++]);
	iam_page_end(&p, &out->IsTruncated, &out->Marker);
	return CALL_OK;
}

/* Service-linked roles are their service's to change. */
static int
role_open_own(struct call *c, struct str name, struct iam_entity_row *e)
{
	if (iam_open(c, IAM_ROLE, name, e))
		return CALL_FAILED;
	if (!e->LinkedService.len)
		return CALL_OK;
	return call_fail(c, &IAM_UnmodifiableEntity,
		"Cannot perform the operation on the protected role '%.*s' - this role is only "
		"modifiable by AWS",
		STR_FMT(e->Name));
}

int
iam_update_role(struct call *c, const struct iam_update_role_in *in,
	struct iam_update_role_out *out __attribute__((unused)))
{
	struct iam_entity_row e;
	if (role_open_own(c, in->RoleName, &e))
		return CALL_FAILED;
	/* What is not given goes back to its default. */
	e.Description = in->Description;
	e.MaxSession =
		in->MaxSessionDuration.set ? in->MaxSessionDuration : OPT_I64(SESSION_DEFAULT_S);
	iam_save(c, IAM_ROLE, &e);
	return CALL_OK;
}

int
iam_update_role_description(struct call *c, const struct iam_update_role_description_in *in,
	struct iam_update_role_description_out *out)
{
	struct iam_entity_row e;
	if (role_open_own(c, in->RoleName, &e))
		return CALL_FAILED;
	e.Description = in->Description;
	iam_save(c, IAM_ROLE, &e);
	out->Role = iam_role_tell(c, &e, true, NULL);
	return CALL_OK;
}

int
iam_update_assume_role_policy(struct call *c, const struct iam_update_assume_role_policy_in *in,
	struct iam_update_assume_role_policy_out *out __attribute__((unused)))
{
	struct iam_entity_row e;
	if (role_open_own(c, in->RoleName, &e) || trust_check(c, in->PolicyDocument))
		return CALL_FAILED;
	e.Trust = in->PolicyDocument;
	iam_save(c, IAM_ROLE, &e);
	return CALL_OK;
}

/* ---- instance profiles ---- */

static void
key_profile_of(
	struct key *k, struct str account, struct str role, struct str profile, struct arena *a)
{
	iam_key_named(k, 'J', account, role);
	if (profile.p)
		key_add_raw(k, iam_lower(a, profile));
}

static bool
role_in_profile(struct call *c, struct str role)
{
	struct key k, after;
	struct scan s;
	key_profile_of(&k, c->account, role, STR_NULL, c->arena);
	scan_open(
		&s, c->tx, iam_rows(c), key_str(&k), key_after_prefix(&after, key_str(&k)), false);
	bool found = scan_next(&s);
	if (found)
		scan_done(&s);
	return found;
}

int
iam_delete_role(struct call *c, const struct iam_delete_role_in *in,
	struct iam_delete_role_out *out __attribute__((unused)))
{
	struct iam_entity_row e;
	if (role_open_own(c, in->RoleName, &e))
		return CALL_FAILED;
	if (role_in_profile(c, e.Name))
		return call_fail(c, &IAM_DeleteConflict,
			"Cannot delete entity, must remove roles from instance profile first.");
	if (e.Attached.n)
		return call_fail(c, &IAM_DeleteConflict,
			"Cannot delete entity, must detach all policies first.");
	if (e.Inline.n)
		return call_fail(c, &IAM_DeleteConflict,
			"Cannot delete entity, must delete policies first.");
	if (e.Boundary.len)
		iam_attachment_put(c, 'B', e.Boundary, IAM_ROLE, e.Name, false);
	iam_erase(c, IAM_ROLE, e.Name);
	return CALL_OK;
}

int
iam_create_instance_profile(struct call *c, const struct iam_create_instance_profile_in *in,
	struct iam_create_instance_profile_out *out)
{
	struct iam_entity_row e;
	if (iam_make(c, IAM_PROFILE, in->InstanceProfileName, in->Path, &in->Tags, &e))
		return CALL_FAILED;
	iam_save(c, IAM_PROFILE, &e);
	out->InstanceProfile = iam_profile_tell(c, &e, NULL);
	return CALL_OK;
}

int
iam_get_instance_profile(struct call *c, const struct iam_get_instance_profile_in *in,
	struct iam_get_instance_profile_out *out)
{
	struct iam_entity_row e;
	if (iam_open(c, IAM_PROFILE, in->InstanceProfileName, &e))
		return CALL_FAILED;
	out->InstanceProfile = iam_profile_tell(c, &e, NULL);
	return CALL_OK;
}

int
iam_list_instance_profiles(struct call *c, const struct iam_list_instance_profiles_in *in,
	struct iam_list_instance_profiles_out *out)
{
	struct iam_page p;
	struct iam_entity_row e;
	if (iam_page_open(c, IAM_PROFILE, in->Marker, in->MaxItems, in->PathPrefix, &p))
		return CALL_FAILED;
	IAM_LIST_NEW(c, out->InstanceProfiles, p.max);
	while (iam_page_next(&p, &e))
		iam_profile_tell(c, &e, &out->InstanceProfiles.v[out->InstanceProfiles.n++]);
	iam_page_end(&p, &out->IsTruncated, &out->Marker);
	return CALL_OK;
}

uint32_t
iam_profiles_of(struct call *c, struct str role, struct iam_instance_profile_list *to)
{
	struct key k, after;
	struct scan s;
	struct iam_entity_row e;
	struct list_str names = { 0 };
	key_profile_of(&k, c->account, role, STR_NULL, c->arena);
	struct str prefix = key_str(&k);
	scan_open(&s, c->tx, iam_rows(c), prefix, key_after_prefix(&after, prefix), false);
	while (scan_next(&s))
		iam_list_add(c->arena, &names,
			arena_dup(c->arena, str_slice(s.key, prefix.len, s.key.len)));
	IAM_LIST_NEW(c, *to, names.n);
	for (uint32_t i = 0; i < names.n; i++)
		if (iam_get(c->tx, c->arena, IAM_PROFILE, c->account, names.v[i], &e))
			iam_profile_tell(c, &e, &to->v[to->n++]);
	return to->n;
}

int
iam_list_instance_profiles_for_role(struct call *c,
	const struct iam_list_instance_profiles_for_role_in *in,
	struct iam_list_instance_profiles_for_role_out *out)
{
	struct iam_entity_row role;
	uint32_t from, to;
	if (iam_open(c, IAM_ROLE, in->RoleName, &role))
		return CALL_FAILED;
	uint32_t n = iam_profiles_of(c, role.Name, &out->InstanceProfiles);
	if (iam_slice(c, n, in->Marker, in->MaxItems, &from, &to, &out->IsTruncated, &out->Marker))
		return CALL_FAILED;
	out->InstanceProfiles.v += from;
	out->InstanceProfiles.n = to - from;
	return CALL_OK;
}

int
iam_delete_instance_profile(struct call *c, const struct iam_delete_instance_profile_in *in,
	struct iam_delete_instance_profile_out *out __attribute__((unused)))
{
	struct iam_entity_row e;
	if (iam_open(c, IAM_PROFILE, in->InstanceProfileName, &e))
		return CALL_FAILED;
	if (e.Roles.n)
		return call_fail(c, &IAM_DeleteConflict,
			"Cannot delete entity, must remove roles from instance profile first.");
	iam_erase(c, IAM_PROFILE, e.Name);
	return CALL_OK;
}

int
iam_add_role_to_instance_profile(struct call *c,
	const struct iam_add_role_to_instance_profile_in *in,
	struct iam_add_role_to_instance_profile_out *out __attribute__((unused)))
{
	struct iam_entity_row e, role;
	struct key k;
	if (iam_open(c, IAM_PROFILE, in->InstanceProfileName, &e) ||
		iam_open(c, IAM_ROLE, in->RoleName, &role))
		return CALL_FAILED;
	/* Whoever may do this could else give an instance any role. */
	if (iam_pass_role(c, iam_arn(c->arena, IAM_ROLE, c->account, &role), "ec2.amazonaws.com"))
		return CALL_FAILED;
	if (e.Roles.n)
		return call_fail(c, &IAM_LimitExceeded,
			"Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1");
	iam_list_add(c->arena, &e.Roles, role.Name);
	key_profile_of(&k, c->account, role.Name, e.Name, c->arena);
	tx_put(c->tx, iam_rows(c), key_str(&k), STR(""));
	iam_save(c, IAM_PROFILE, &e);
	return CALL_OK;
}

int
iam_remove_role_from_instance_profile(struct call *c,
	const struct iam_remove_role_from_instance_profile_in *in,
	struct iam_remove_role_from_instance_profile_out *out __attribute__((unused)))
{
	struct iam_entity_row e, role;
	struct key k;
	if (iam_open(c, IAM_PROFILE, in->InstanceProfileName, &e) ||
		iam_open(c, IAM_ROLE, in->RoleName, &role))
		return CALL_FAILED;
	if (!iam_list_drop(&e.Roles, role.Name))
		return call_fail(c, &IAM_NoSuchEntity, "The role with name %.*s cannot be found.",
			STR_FMT(in->RoleName));
	key_profile_of(&k, c->account, role.Name, e.Name, c->arena);
	tx_delete(c->tx, iam_rows(c), key_str(&k));
	iam_save(c, IAM_PROFILE, &e);
	return CALL_OK;
}
