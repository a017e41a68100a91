#include "svc/iam/iam.h"

int
iam_create_user(
	struct call *c, const struct iam_create_user_in *in, struct iam_create_user_out *out)
{
	struct iam_entity_row e;
	if (iam_make(c, IAM_USER, in->UserName, in->Path, &in->Tags, &e))
		return CALL_FAILED;
	if (in->PermissionsBoundary.p) {
		if (iam_boundary_check(c, in->PermissionsBoundary))
			return CALL_FAILED;
		e.Boundary = in->PermissionsBoundary;
		iam_attachment_put(c, 'B', e.Boundary, IAM_USER, e.Name, true);
	}
	iam_save(c, IAM_USER, &e);
	out->User = iam_user_tell(c, &e, true, NULL);
	return CALL_OK;
}

int
iam_get_user(struct call *c, const struct iam_get_user_in *in, struct iam_get_user_out *out)
{
	struct iam_entity_row e;
	if (iam_user_or_self(c, in->UserName, &e))
		return CALL_FAILED;
	out->User = iam_user_tell(c, &e, true, NULL);
	return CALL_OK;
}

int
iam_list_users(struct call *c, const struct iam_list_users_in *in, struct iam_list_users_out *out)
{
	struct iam_page p;
	struct iam_entity_row e;
	if (iam_page_open(c, IAM_USER, in->Marker, in->MaxItems, in->PathPrefix, &p))
		return CALL_FAILED;
	IAM_LIST_NEW(c, out->Users, p.max);
	while (iam_page_next(&p, &e))
		iam_user_tell(c, &e, false, &out->Users.v[out->Users.n++]);
	iam_page_end(&p, &out->IsTruncated, &out->Marker);
	return CALL_OK;
}

/* Rows that point to an entity by name, when the name changes. */
static void
attachments_move(struct call *c, enum iam_kind kind, const struct iam_entity_row *e,
	struct str from, struct str to)
{
	for (uint32_t i = 0; i < e->Attached.n; i++) {
		iam_attachment_put(c, 'A', e->Attached.v[i], kind, from, false);
		iam_attachment_put(c, 'A', e->Attached.v[i], kind, to, true);
	}
	if (e->Boundary.len) {
		iam_attachment_put(c, 'B', e->Boundary, kind, from, false);
		iam_attachment_put(c, 'B', e->Boundary, kind, to, true);
	}
}

static void
keys_move(struct call *c, const struct iam_entity_row *e)
{
	struct iam_access_key_row row;
	for (uint32_t i = 0; i < e->Keys.n; i++)
		if (iam_access_key_get(c->tx, c->arena, e->Keys.v[i], &row)) {
			row.User = e->Name;
			iam_access_key_save(c->tx, e->Keys.v[i], &row);
		}
}

int
iam_update_user(struct call *c, const struct iam_update_user_in *in,
	struct iam_update_user_out *out __attribute__((unused)))
{
	struct iam_entity_row e;
	if (iam_open(c, IAM_USER, in->UserName, &e))
		return CALL_FAILED;
	if (in->NewPath.p)
		e.Path = in->NewPath;
	if (in->NewUserName.p && !str_eq(in->NewUserName, e.Name)) {
		struct str old = e.Name;
		if (!str_eq_nocase(old, in->NewUserName) &&
			iam_exists(c, IAM_USER, in->NewUserName))
			return call_fail(c, &IAM_EntityAlreadyExists,
				"User with name %.*s already exists.", STR_FMT(in->NewUserName));
		iam_erase(c, IAM_USER, old);
		e.Name = in->NewUserName;
		attachments_move(c, IAM_USER, &e, old, e.Name);
		keys_move(c, &e);
		for (uint32_t i = 0; i < e.Groups.n; i++) {
			iam_member_put(c, e.Groups.v[i], old, false);
			iam_member_put(c, e.Groups.v[i], e.Name, true);
		}
	}
	iam_save(c, IAM_USER, &e);
	return CALL_OK;
}

int
iam_update_group(struct call *c, const struct iam_update_group_in *in,
	struct iam_update_group_out *out __attribute__((unused)))
{
	struct iam_entity_row e, user;
	if (iam_open(c, IAM_GROUP, in->GroupName, &e))
		return CALL_FAILED;
	if (in->NewPath.p)
		e.Path = in->NewPath;
	if (in->NewGroupName.p && !str_eq(in->NewGroupName, e.Name)) {
		struct str old = e.Name, *members;
		if (!str_eq_nocase(old, in->NewGroupName) &&
			iam_exists(c, IAM_GROUP, in->NewGroupName))
			return call_fail(c, &IAM_EntityAlreadyExists,
				"Group with name %.*s already exists.", STR_FMT(in->NewGroupName));
		iam_erase(c, IAM_GROUP, old);
		e.Name = in->NewGroupName;
		attachments_move(c, IAM_GROUP, &e, old, e.Name);
		uint32_t n = iam_members(c, old, &members);
		for (uint32_t i = 0; i < n; i++) {
			iam_member_put(c, old, members[i], false);
			iam_member_put(c, e.Name, members[i], true);
			if (!iam_get(c->tx, c->arena, IAM_USER, c->account, members[i], &user))
				continue;
			iam_list_drop(&user.Groups, old);
			iam_list_add(c->arena, &user.Groups, e.Name);
			iam_save(c, IAM_USER, &user);
		}
	}
	iam_save(c, IAM_GROUP, &e);
	return CALL_OK;
}

static int
conflict(struct call *c, const char *what)
{
	return call_fail(c, &IAM_DeleteConflict, "Cannot delete entity, must %s first.", what);
}

int
iam_delete_user(struct call *c, const struct iam_delete_user_in *in,
	struct iam_delete_user_out *out __attribute__((unused)))
{
	struct iam_entity_row e;
	if (iam_open(c, IAM_USER, in->UserName, &e))
		return CALL_FAILED;
	if (e.Attached.n)
		return conflict(c, "detach all policies");
	if (e.Inline.n)
		return conflict(c, "delete policies");
	if (e.Keys.n)
		return conflict(c, "delete access keys");
	if (e.Password.p)
		return conflict(c, "delete login profile");
	if (e.Groups.n)
		return conflict(c, "remove users from group");
	if (e.Mfa.n)
		return conflict(c, "delete MFA device");
	if (e.Signing.n)
		return conflict(c, "delete signing certificates");
	if (e.SshKeys.n)
		return conflict(c, "delete SSH public keys");
	if (e.Boundary.len)
		iam_attachment_put(c, 'B', e.Boundary, IAM_USER, e.Name, false);
	iam_erase(c, IAM_USER, e.Name);
	return CALL_OK;
}
