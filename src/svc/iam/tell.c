/* Rows as replies show them. `whole`: as Get* does; listings leave out tags and boundaries. */
#include "svc/iam/iam.h"

struct iam_attached_permissions_boundary *
iam_boundary_tell(struct call *c, struct str arn)
{
	if (!arn.len)
		return NULL;
	struct iam_attached_permissions_boundary *b =
		arena_new(c->arena, struct iam_attached_permissions_boundary);
	/* The enumeration of the reply says Policy, whatever the model says. */
	b->PermissionsBoundaryType = STR("Policy");
	b->PermissionsBoundaryArn = arn;
	return b;
}

struct iam_user *
iam_user_tell(struct call *c, const struct iam_entity_row *e, bool whole, struct iam_user *to)
{
	if (!to)
		to = arena_new(c->arena, struct iam_user);
	to->Path = e->Name.len ? e->Path : STR_NULL;
	to->UserName = e->Name.len ? e->Name : STR_NULL;
	to->UserId = e->Id;
	to->Arn = iam_arn(c->arena, IAM_USER, c->account, e);
	to->CreateDate = e->Created;
	to->PasswordLastUsed = e->PasswordLastUsed;
	if (whole) {
		to->PermissionsBoundary = iam_boundary_tell(c, e->Boundary);
		to->Tags = e->Tags;
		to->Tags.set = e->Tags.n > 0;
	}
	return to;
}

struct iam_role *
iam_role_tell(struct call *c, const struct iam_entity_row *e, bool whole, struct iam_role *to)
{
	if (!to)
		to = arena_new(c->arena, struct iam_role);
	to->Path = e->Path;
	to->RoleName = e->Name;
	to->RoleId = e->Id;
	to->Arn = iam_arn(c->arena, IAM_ROLE, c->account, e);
	to->CreateDate = e->Created;
	/* Documents are percent-encoded wherever they are shown. */
	to->AssumeRolePolicyDocument = iam_document_tell(c, e->Trust);
	to->Description = e->Description;
	to->MaxSessionDuration = e->MaxSession;
	if (whole) {
		to->PermissionsBoundary = iam_boundary_tell(c, e->Boundary);
		to->Tags = e->Tags;
		to->Tags.set = e->Tags.n > 0;
		to->RoleLastUsed = arena_new(c->arena, struct iam_role_last_used);
		to->RoleLastUsed->LastUsedDate = e->LastUsed;
		to->RoleLastUsed->Region = e->LastUsedRegion;
	}
	return to;
}

struct iam_group *
iam_group_tell(struct call *c, const struct iam_entity_row *e, struct iam_group *to)
{
	if (!to)
		to = arena_new(c->arena, struct iam_group);
	to->Path = e->Path;
	to->GroupName = e->Name;
	to->GroupId = e->Id;
	to->Arn = iam_arn(c->arena, IAM_GROUP, c->account, e);
	to->CreateDate = e->Created;
	return to;
}

struct iam_instance_profile *
iam_profile_tell(struct call *c, const struct iam_entity_row *e, struct iam_instance_profile *to)
{
	struct iam_entity_row role;
	if (!to)
		to = arena_new(c->arena, struct iam_instance_profile);
	to->Path = e->Path;
	to->InstanceProfileName = e->Name;
	to->InstanceProfileId = e->Id;
	to->Arn = iam_arn(c->arena, IAM_PROFILE, c->account, e);
	to->CreateDate = e->Created;
	IAM_LIST_NEW(c, to->Roles, e->Roles.n);
	for (uint32_t i = 0; i < e->Roles.n; i++)
		if (iam_get(c->tx, c->arena, IAM_ROLE, c->account, e->Roles.v[i], &role))
			iam_role_tell(c, &role, false, &to->Roles.v[to->Roles.n++]);
	to->Tags = e->Tags;
	to->Tags.set = true;
	return to;
}

struct iam_policy *
iam_policy_tell(struct call *c, const struct iam_entity_row *e, bool whole, struct iam_policy *to)
{
	if (!to)
		to = arena_new(c->arena, struct iam_policy);
	to->Arn = iam_policy_arn(c, e);
	to->PolicyName = e->Name;
	to->PolicyId = e->Id;
	to->Path = e->Path;
	for (uint32_t i = 0; i < e->Versions.n; i++)
		if (e->Versions.v[i].IsDefaultVersion.v)
			to->DefaultVersionId = e->Versions.v[i].VersionId;
	to->AttachmentCount = OPT_I64(iam_attachment_count(c, 'A', to->Arn));
	to->PermissionsBoundaryUsageCount = OPT_I64(iam_attachment_count(c, 'B', to->Arn));
	to->IsAttachable = OPT_BOOL(true);
	to->CreateDate = e->Created;
	to->UpdateDate = e->Updated.set ? e->Updated : e->Created;
	if (whole) {
		to->Description = e->Description;
		to->Tags = e->Tags;
		to->Tags.set = true;
	}
	return to;
}
