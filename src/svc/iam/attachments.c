/* Managed policies and boundaries on users, roles and groups. */
#include "aws/errors.h"
#include "svc/iam/iam.h"

static void
key_attachment(struct key *k, char space, struct str account, struct str arn, enum iam_kind kind,
	struct str name)
{
	char letter = (char)kind;
	iam_key_named(k, space, account, arn);
	key_add_raw(k, str_of(&letter, 1));
	key_add_raw(k, name);
}

void
iam_attachment_put(
	struct call *c, char space, struct str arn, enum iam_kind kind, struct str name, bool add)
{
	struct key k;
	key_attachment(&k, space, c->account, arn, kind, iam_lower(c->arena, name));
	if (add)
		tx_put(c->tx, iam_rows(c), key_str(&k), STR(""));
	else
		tx_delete(c->tx, iam_rows(c), key_str(&k));
}

uint32_t
iam_attachment_count(struct call *c, char space, struct str arn)
{
	struct key k, after;
	struct scan s;
	uint32_t n = 0;
	iam_key_named(&k, space, c->account, arn);
	scan_open(
		&s, c->tx, iam_rows(c), key_str(&k), key_after_prefix(&after, key_str(&k)), false);
	while (scan_next(&s))
		n++;
	return n;
}

static const char *
kind_word(enum iam_kind kind)
{
	return kind == IAM_USER ? "User" : kind == IAM_ROLE ? "Role" : "Group";
}

static void
holders_of(struct call *c, char space, struct str arn, struct str filter, struct str path_prefix,
	struct iam_holder *v, uint32_t max, uint32_t *n)
{
	struct key k, after;
	struct scan s;
	struct iam_entity_row e;
	iam_key_named(&k, space, c->account, arn);
	struct str prefix = key_str(&k);
	scan_open(&s, c->tx, iam_rows(c), prefix, key_after_prefix(&after, prefix), false);
	while (scan_next(&s) && *n < max) {
		enum iam_kind kind = (enum iam_kind)s.key.p[prefix.len];
		struct str name = arena_dup(c->arena, str_slice(s.key, prefix.len + 1, s.key.len));
		const char *word = kind_word(kind);
		if ((filter.p && !str_eq(filter, str_c(word))) ||
			!iam_get(c->tx, c->arena, kind, c->account, name, &e) ||
			(path_prefix.len && !str_starts(e.Path, path_prefix)))
			continue;
		v[(*n)++] = (struct iam_holder){ kind, e.Name, e.Id };
	}
	scan_done(&s);
}

uint32_t
iam_holders(struct call *c, struct str arn, struct str usage, struct str filter,
	struct str path_prefix, struct iam_holder **ret)
{
	uint32_t n = 0, max = iam_attachment_count(c, 'A', arn) + iam_attachment_count(c, 'B', arn);
	*ret = arena_array(c->arena, struct iam_holder, max + 1);
	if (!str_is(usage, "PermissionsBoundary"))
		holders_of(c, 'A', arn, filter, path_prefix, *ret, max, &n);
	if (!str_is(usage, "PermissionsPolicy") && usage.p)
		holders_of(c, 'B', arn, filter, path_prefix, *ret, max, &n);
	return n;
}

static int
unmodifiable(struct call *c, enum iam_kind kind, const struct iam_entity_row *e)
{
	if (kind == IAM_ROLE && e->LinkedService.len)
		return call_fail(c, &IAM_UnmodifiableEntity,
			"Cannot perform the operation on the protected role '%.*s' - this role is "
			"only modifiable by AWS",
			STR_FMT(e->Name));
	return CALL_OK;
}

static int
attach(struct call *c, enum iam_kind kind, struct str name, struct str arn)
{
	struct iam_entity_row e, policy;
	if (iam_open(c, kind, name, &e) || unmodifiable(c, kind, &e))
		return CALL_FAILED;
	if (!iam_policy_get(c->tx, c->arena, c->account, arn, &policy))
		return call_fail(c, &IAM_NoSuchEntity,
			"Policy %.*s does not exist or is not attachable.", STR_FMT(arn));
	arn = iam_policy_arn(c, &policy);
	if (iam_list_has(&e.Attached, arn))
		return CALL_OK;
	if (e.Attached.n >= IAM_ATTACHED_MAX)
		return call_fail(c, &IAM_LimitExceeded, "Cannot exceed quota for PoliciesPer%s: %d",
			kind_word(kind), IAM_ATTACHED_MAX);
	iam_list_add(c->arena, &e.Attached, arn);
	iam_attachment_put(c, 'A', arn, kind, e.Name, true);
	iam_save(c, kind, &e);
	return CALL_OK;
}

static int
detach(struct call *c, enum iam_kind kind, struct str name, struct str arn)
{
	struct iam_entity_row e;
	if (iam_open(c, kind, name, &e) || unmodifiable(c, kind, &e))
		return CALL_FAILED;
	if (!iam_list_drop(&e.Attached, arn))
		return call_fail(c, &IAM_NoSuchEntity, "Policy %.*s was not found.", STR_FMT(arn));
	iam_attachment_put(c, 'A', arn, kind, e.Name, false);
	iam_save(c, kind, &e);
	return CALL_OK;
}

static void
attached_tell(struct call *c, const struct iam_entity_row *e, struct str prefix,
	struct iam_attached_policy_list *to)
{
	struct iam_entity_row policy;
	IAM_LIST_NEW(c, *to, e->Attached.n);
	for (uint32_t i = 0; i < e->Attached.n; i++) {
		if (!iam_policy_get(c->tx, c->arena, c->account, e->Attached.v[i], &policy) ||
			(prefix.len && !str_starts(policy.Path, prefix)))
			continue;
		to->v[to->n++] = (struct iam_attached_policy){ policy.Name, e->Attached.v[i] };
	}
}

void
iam_attached_tell(
	struct call *c, const struct iam_entity_row *e, struct iam_attached_policy_list *to)
{
	attached_tell(c, e, STR_NULL, to);
}

static int
list_attached(struct call *c, enum iam_kind kind, struct str name, struct str prefix,
	struct str marker, struct opt_i64 max, struct iam_attached_policy_list *to,
	struct opt_bool *ret_truncated, struct str *ret_marker)
{
	struct iam_entity_row e;
	uint32_t from, end;
	if (iam_open(c, kind, name, &e))
		return CALL_FAILED;
	attached_tell(c, &e, prefix, to);
	if (iam_slice(c, to->n, marker, max, &from, &end, ret_truncated, ret_marker))
		return CALL_FAILED;
	to->v += from;
	to->n = end - from;
	return CALL_OK;
}

/* ---- boundaries ---- */

int
iam_boundary_check(struct call *c, struct str arn)
{
	struct iam_entity_row policy;
	if (!iam_policy_get(c->tx, c->arena, c->account, arn, &policy))
		return call_fail(c, &IAM_NoSuchEntity,
			"Scope ARN: %.*s does not exist or is not attachable.", STR_FMT(arn));
	return CALL_OK;
}

static int
boundary_put(struct call *c, enum iam_kind kind, struct str name, struct str arn)
{
	struct iam_entity_row e;
	if (iam_open(c, kind, name, &e) || unmodifiable(c, kind, &e) ||
		(arn.p && iam_boundary_check(c, arn)))
		return CALL_FAILED;
	if (!arn.p && !e.Boundary.len)
		return call_fail(c, &IAM_NoSuchEntity,
			"%s %.*s does not have a permissions boundary.", kind_word(kind),
			STR_FMT(e.Name));
	if (e.Boundary.len)
		iam_attachment_put(c, 'B', e.Boundary, kind, e.Name, false);
	e.Boundary = arn;
	if (arn.p)
		iam_attachment_put(c, 'B', arn, kind, e.Name, true);
	iam_save(c, kind, &e);
	return CALL_OK;
}

/* ---- the operations, which differ in names alone ---- */

#define UNUSED_OUT(op) struct iam_##op##_out *out __attribute__((unused))
#define ATTACH_OPERATIONS(noun, kind, member)                                                      \
	int iam_attach_##noun##_policy(struct call *c,                                             \
		const struct iam_attach_##noun##_policy_in *in,                                    \
		UNUSED_OUT(attach_##noun##_policy))                                                \
	{                                                                                          \
		return attach(c, kind, in->member, in->PolicyArn);                                 \
	}                                                                                          \
	int iam_detach_##noun##_policy(struct call *c,                                             \
		const struct iam_detach_##noun##_policy_in *in,                                    \
		UNUSED_OUT(detach_##noun##_policy))                                                \
	{                                                                                          \
		return detach(c, kind, in->member, in->PolicyArn);                                 \
	}                                                                                          \
	int iam_list_attached_##noun##_policies(struct call *c,                                    \
		const struct iam_list_attached_##noun##_policies_in *in,                           \
		struct iam_list_attached_##noun##_policies_out *out)                               \
	{                                                                                          \
		return list_attached(c, kind, in->member, in->PathPrefix, in->Marker,              \
			in->MaxItems, &out->AttachedPolicies, &out->IsTruncated, &out->Marker);    \
	}
#define BOUNDARY_OPERATIONS(noun, kind, member)                                                    \
	int iam_put_##noun##_permissions_boundary(struct call *c,                                  \
		const struct iam_put_##noun##_permissions_boundary_in *in,                         \
		UNUSED_OUT(put_##noun##_permissions_boundary))                                     \
	{                                                                                          \
		return boundary_put(c, kind, in->member, in->PermissionsBoundary);                 \
	}                                                                                          \
	int iam_delete_##noun##_permissions_boundary(struct call *c,                               \
		const struct iam_delete_##noun##_permissions_boundary_in *in,                      \
		UNUSED_OUT(delete_##noun##_permissions_boundary))                                  \
	{                                                                                          \
		return boundary_put(c, kind, in->member, STR_NULL);                                \
	}

ATTACH_OPERATIONS(user, IAM_USER, UserName)
ATTACH_OPERATIONS(role, IAM_ROLE, RoleName)
ATTACH_OPERATIONS(group, IAM_GROUP, GroupName)
BOUNDARY_OPERATIONS(user, IAM_USER, UserName)
BOUNDARY_OPERATIONS(role, IAM_ROLE, RoleName)
