/* GetAccountAuthorizationDetails: all entities of all kinds, one page after the other. The marker
 * is the letter of the kind and the marker inside it. */
#include "aws/errors.h"
#include "svc/iam/iam.h"

static void
inline_tell(struct call *c, const struct iam_entity_row *e, struct iam_policy_detail_list *to)
{
	IAM_LIST_NEW(c, *to, e->Inline.n);
	for (uint32_t i = 0; i < e->Inline.n; i++)
		to->v[to->n++] = (struct iam_policy_detail){ e->Inline.v[i].Name,
			iam_document_tell(c, e->Inline.v[i].Document) };
}

static void
user_detail(struct call *c, const struct iam_entity_row *e, struct iam_user_detail *to)
{
	*to = (struct iam_user_detail){ .Path = e->Path,
		.UserName = e->Name,
		.UserId = e->Id,
		.Arn = iam_arn(c->arena, IAM_USER, c->account, e),
		.CreateDate = e->Created,
		.Tags = e->Tags,
		.PermissionsBoundary = iam_boundary_tell(c, e->Boundary) };
	to->GroupList = e->Groups;
	to->GroupList.set = to->Tags.set = true;
	inline_tell(c, e, &to->UserPolicyList);
	iam_attached_tell(c, e, &to->AttachedManagedPolicies);
}

static void
group_detail(struct call *c, const struct iam_entity_row *e, struct iam_group_detail *to)
{
	*to = (struct iam_group_detail){ .Path = e->Path,
		.GroupName = e->Name,
		.GroupId = e->Id,
		.Arn = iam_arn(c->arena, IAM_GROUP, c->account, e),
		.CreateDate = e->Created };
	inline_tell(c, e, &to->GroupPolicyList);
	iam_attached_tell(c, e, &to->AttachedManagedPolicies);
}

static void
role_detail(struct call *c, const struct iam_entity_row *e, struct iam_role_detail *to)
{
	*to = (struct iam_role_detail){ .Path = e->Path,
		.RoleName = e->Name,
		.RoleId = e->Id,
		.Arn = iam_arn(c->arena, IAM_ROLE, c->account, e),
		.CreateDate = e->Created,
		.Tags = e->Tags,
		.AssumeRolePolicyDocument = iam_document_tell(c, e->Trust),
		.PermissionsBoundary = iam_boundary_tell(c, e->Boundary) };
	to->Tags.set = true;
	to->RoleLastUsed = arena_new(c->arena, struct iam_role_last_used);
	*to->RoleLastUsed = (struct iam_role_last_used){ e->LastUsed, e->LastUsedRegion };
	iam_profiles_of(c, e->Name, &to->InstanceProfileList);
	inline_tell(c, e, &to->RolePolicyList);
	iam_attached_tell(c, e, &to->AttachedManagedPolicies);
}

static void
policy_detail(struct call *c, const struct iam_entity_row *e, struct iam_managed_policy_detail *to)
{
	struct iam_policy p = { 0 };
	iam_policy_tell(c, e, true, &p);
	*to = (struct iam_managed_policy_detail){ .PolicyName = p.PolicyName,
		.PolicyId = p.PolicyId,
		.Arn = p.Arn,
		.Path = p.Path,
		.DefaultVersionId = p.DefaultVersionId,
		.AttachmentCount = p.AttachmentCount,
		.PermissionsBoundaryUsageCount = p.PermissionsBoundaryUsageCount,
		.IsAttachable = p.IsAttachable,
		.Description = p.Description,
		.CreateDate = p.CreateDate,
		.UpdateDate = p.UpdateDate };
	IAM_LIST_NEW(c, to->PolicyVersionList, e->Versions.n);
	for (uint32_t i = 0; i < e->Versions.n; i++) {
		struct iam_policy_version *v = &to->PolicyVersionList.v[to->PolicyVersionList.n++];
		*v = e->Versions.v[i];
		v->Document = iam_document_tell(c, v->Document);
	}
}

struct details {
	struct call *c;
	const struct iam_get_account_authorization_details_in *in;
	struct iam_get_account_authorization_details_out *out;
	uint32_t left;
};

static void
tell(struct details *d, enum iam_kind kind, const struct iam_entity_row *e)
{
	struct iam_get_account_authorization_details_out *out = d->out;
	if (kind == IAM_USER)
		user_detail(d->c, e, &out->UserDetailList.v[out->UserDetailList.n++]);
	else if (kind == IAM_GROUP)
		group_detail(d->c, e, &out->GroupDetailList.v[out->GroupDetailList.n++]);
	else if (kind == IAM_ROLE)
		role_detail(d->c, e, &out->RoleDetailList.v[out->RoleDetailList.n++]);
	else
		policy_detail(d->c, e, &out->Policies.v[out->Policies.n++]);
}

static bool
wanted(const struct details *d, const char *name)
{
	return d->in->Filter.n == 0 || iam_list_has(&d->in->Filter, str_c(name));
}

/* false: the page is full, and the marker set. */
static int
list_kind(struct details *d, enum iam_kind kind, struct str marker, bool *ret_full)
{
	struct iam_page p;
	struct iam_entity_row e;
	struct opt_bool more = { 0 };
	struct str next = STR_NULL;
	char letter = (char)kind;
	*ret_full = d->left == 0;
	if (d->left == 0) {
		d->out->Marker = arena_dup(d->c->arena, str_of(&letter, 1));
		return CALL_OK;
	}
	if (iam_page_open(
		    d->c, letter, marker.len ? marker : STR_NULL, OPT_I64(d->left), STR_NULL, &p))
		return CALL_FAILED;
	while (iam_page_next(&p, &e))
		tell(d, kind, &e);
	d->left -= p.n;
	iam_page_end(&p, &more, &next);
	if (next.p) {
		d->out->Marker = arena_concat(d->c->arena, str_of(&letter, 1), next);
		*ret_full = true;
	}
	return CALL_OK;
}

/* AWS's own as far as they are attached to something. */
static void
managed_tell(struct details *d)
{
	const struct iam_managed *m;
	struct iam_entity_row e;
	for (uint32_t i = 0; (m = iam_managed_at(i)); i++) {
		struct str arn = iam_managed_arn(d->c->arena, m);
		if (d->out->Policies.n < 2000 && iam_attachment_count(d->c, 'A', arn) &&
			iam_policy_get(d->c->tx, d->c->arena, d->c->account, arn, &e))
			tell(d, IAM_POLICY, &e);
	}
}

int
iam_get_account_authorization_details(struct call *c,
	const struct iam_get_account_authorization_details_in *in,
	struct iam_get_account_authorization_details_out *out)
{
	static const struct {
		enum iam_kind kind;
		const char *name;
	} order[] = { { IAM_USER, "User" }, { IAM_GROUP, "Group" }, { IAM_ROLE, "Role" },
		{ IAM_POLICY, "LocalManagedPolicy" } };
	struct details d = { c, in, out, in->MaxItems.set ? (uint32_t)in->MaxItems.v : 100 };
	unsigned from = 0;
	bool full = false;
	IAM_LIST_NEW(c, out->UserDetailList, d.left);
	IAM_LIST_NEW(c, out->GroupDetailList, d.left);
	IAM_LIST_NEW(c, out->RoleDetailList, d.left);
	IAM_LIST_NEW(c, out->Policies, d.left + 2000);
	while (in->Marker.p && from < 4 && order[from].kind != (enum iam_kind)in->Marker.p[0])
		from++;
	if (from == 4)
		return call_fail(c, &ERR_ValidationException, "Invalid Marker.");
	for (unsigned i = from; i < 4 && !full; i++) {
		struct str marker = in->Marker.p && i == from
					    ? str_slice(in->Marker, 1, in->Marker.len)
					    : STR_NULL;
		if (wanted(&d, order[i].name) && list_kind(&d, order[i].kind, marker, &full))
			return CALL_FAILED;
	}
	if (!full && wanted(&d, "AWSManagedPolicy"))
		managed_tell(&d);
	out->IsTruncated = OPT_BOOL(full);
	return CALL_OK;
}
