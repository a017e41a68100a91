#include "svc/iam/iam.h"

void
iam_member_put(struct call *c, struct str group, struct str user, bool add)
{
	struct key k;
	iam_key_named(&k, 'M', c->account, group);
	key_add_raw(&k, iam_lower(c->arena, user));
	if (add)
		tx_put(c->tx, iam_rows(c), key_str(&k), STR(""));
	else
		tx_delete(c->tx, iam_rows(c), key_str(&k));
}

uint32_t
iam_members(struct call *c, struct str group, struct str **ret)
{
	struct key k, after;
	struct scan s;
	uint32_t n = 0, cap = 16;
	*ret = arena_array(c->arena, struct str, cap);
	iam_key_named(&k, 'M', c->account, group);
	struct str prefix = key_str(&k);
	scan_open(&s, c->tx, iam_rows(c), prefix, key_after_prefix(&after, prefix), false);
	while (scan_next(&s)) {
		if (n == cap) {
			struct str *v = arena_array(c->arena, struct str, cap * 2);
			memcpy(v, *ret, sizeof(*v) * n);
			*ret = v;
			cap *= 2;
		}
		(*ret)[n++] = arena_dup(c->arena, str_slice(s.key, prefix.len, s.key.len));
	}
	return n;
}

int
iam_create_group(
	struct call *c, const struct iam_create_group_in *in, struct iam_create_group_out *out)
{
	struct iam_entity_row e;
	if (iam_make(c, IAM_GROUP, in->GroupName, in->Path, NULL, &e))
		return CALL_FAILED;
	iam_save(c, IAM_GROUP, &e);
	out->Group = iam_group_tell(c, &e, NULL);
	return CALL_OK;
}

int
iam_get_group(struct call *c, const struct iam_get_group_in *in, struct iam_get_group_out *out)
{
	struct iam_entity_row e, user;
	struct str *members;
	uint32_t from, to;
	if (iam_open(c, IAM_GROUP, in->GroupName, &e))
		return CALL_FAILED;
	uint32_t n = iam_members(c, e.Name, &members);
	if (iam_slice(c, n, in->Marker, in->MaxItems, &from, &to, &out->IsTruncated, &out->Marker))
		return CALL_FAILED;
	out->Group = iam_group_tell(c, &e, NULL);
	IAM_LIST_NEW(c, out->Users, to - from);
	for (uint32_t i = from; i < to; i++)
		if (iam_get(c->tx, c->arena, IAM_USER, c->account, members[i], &user))
			iam_user_tell(c, &user, false, &out->Users.v[out->Users.n++]);
	return CALL_OK;
}

int
iam_list_groups(
	struct call *c, const struct iam_list_groups_in *in, struct iam_list_groups_out *out)
{
	struct iam_page p;
	struct iam_entity_row e;
	if (iam_page_open(c, IAM_GROUP, in->Marker, in->MaxItems, in->PathPrefix, &p))
		return CALL_FAILED;
	IAM_LIST_NEW(c, out->Groups, p.max);
	while (iam_page_next(&p, &e))
		iam_group_tell(c, &e, &out->Groups.v[out->Groups.n++]);
	iam_page_end(&p, &out->IsTruncated, &out->Marker);
	return CALL_OK;
}

int
iam_delete_group(struct call *c, const struct iam_delete_group_in *in,
	struct iam_delete_group_out *out __attribute__((unused)))
{
	struct iam_entity_row e;
	struct str *members;
	if (iam_open(c, IAM_GROUP, in->GroupName, &e))
		return CALL_FAILED;
	if (iam_members(c, e.Name, &members))
		return call_fail(c, &IAM_DeleteConflict,
			"Cannot delete entity, must remove users from group first.");
	if (e.Attached.n)
		return call_fail(c, &IAM_DeleteConflict,
			"Cannot delete entity, must detach all policies first.");
	if (e.Inline.n)
		return call_fail(c, &IAM_DeleteConflict,
			"Cannot delete entity, must delete policies first.");
	iam_erase(c, IAM_GROUP, e.Name);
	return CALL_OK;
}

int
iam_add_user_to_group(struct call *c, const struct iam_add_user_to_group_in *in,
	struct iam_add_user_to_group_out *out __attribute__((unused)))
{
	struct iam_entity_row group, user;
	if (iam_open(c, IAM_GROUP, in->GroupName, &group) ||
		iam_open(c, IAM_USER, in->UserName, &user))
		return CALL_FAILED;
	if (iam_list_has(&user.Groups, group.Name))
		return CALL_OK;
	if (user.Groups.n >= 10)
		return call_fail(
			c, &IAM_LimitExceeded, "Cannot exceed quota for GroupsPerUser: 10");
	iam_list_add(c->arena, &user.Groups, group.Name);
	iam_member_put(c, group.Name, user.Name, true);
	iam_save(c, IAM_USER, &user);
	return CALL_OK;
}

int
iam_remove_user_from_group(struct call *c, const struct iam_remove_user_from_group_in *in,
	struct iam_remove_user_from_group_out *out __attribute__((unused)))
{
	struct iam_entity_row group, user;
	if (iam_open(c, IAM_GROUP, in->GroupName, &group) ||
		iam_open(c, IAM_USER, in->UserName, &user))
		return CALL_FAILED;
	if (!iam_list_drop(&user.Groups, group.Name))
		return call_fail(c, &IAM_NoSuchEntity, "User %.*s not in group %.*s",
			STR_FMT(user.Name), STR_FMT(group.Name));
	iam_member_put(c, group.Name, user.Name, false);
	iam_save(c, IAM_USER, &user);
	return CALL_OK;
}

int
iam_list_groups_for_user(struct call *c, const struct iam_list_groups_for_user_in *in,
	struct iam_list_groups_for_user_out *out)
{
	struct iam_entity_row user, group;
	uint32_t from, to;
	if (iam_open(c, IAM_USER, in->UserName, &user) ||
		iam_slice(c, user.Groups.n, in->Marker, in->MaxItems, &from, &to, &out->IsTruncated,
			&out->Marker))
		return CALL_FAILED;
	IAM_LIST_NEW(c, out->Groups, to - from);
	for (uint32_t i = from; i < to; i++)
		if (iam_get(c->tx, c->arena, IAM_GROUP, c->account, user.Groups.v[i], &group))
			iam_group_tell(c, &group, &out->Groups.v[out->Groups.n++]);
	return CALL_OK;
}
