/* Customer managed policies and their versions. */
#include "aws/policy.h"
#include "aws/errors.h"
#include "svc/iam/iam.h"

#include <stdio.h>

struct str
iam_policy_arn(struct call *c, const struct iam_entity_row *p)
{
	/* AWS's own have no account. */
	if (p->User.p)
		return p->User;
	return iam_arn(c->arena, IAM_POLICY, c->account, p);
}

/* AWS's own look like any other policy, but nothing keeps them. */
static void
managed_row(struct arena *a, const struct iam_managed *m, struct iam_entity_row *ret)
{
	struct iam_policy_version *v = arena_new(a, struct iam_policy_version);
	*ret = (struct iam_entity_row){ .Name = str_c(m->name),
		.Path = str_c(m->path),
		.Id = str_c(m->id),
		.Description = str_c(m->description),
		.Created = OPT_TIME(1423180800000),
		.User = iam_managed_arn(a, m) };
	v->VersionId = STR("v1");
	v->Document = str_c(m->document);
	v->IsDefaultVersion = OPT_BOOL(true);
	v->CreateDate = ret->Created;
	ret->Versions.v = v;
	ret->Versions.n = 1;
	ret->Versions.set = true;
}

bool
iam_policy_get(struct tx *t, struct arena *a, struct str account, struct str text,
	struct iam_entity_row *ret)
{
	struct arn arn;
	const struct iam_managed *m = iam_managed_find(text);
	if (m) {
		managed_row(a, m, ret);
		return true;
	}
	if (!arn_parse(text, &arn) || !str_is(arn.service, "iam") ||
		!str_eq(arn.account, account) || !str_starts(arn.resource, STR("policy/")))
		return false;
	long slash = str_rfind(arn.resource, '/');
	struct str name = str_slice(arn.resource, (size_t)slash + 1, arn.resource.len);
	return name.len && iam_get(t, a, IAM_POLICY, account, name, ret) &&
	       str_eq(ret->Path, str_slice(arn.resource, 6, (size_t)slash + 1));
}

struct str
iam_policy_default(const struct iam_entity_row *p)
{
	for (uint32_t i = 0; i < p->Versions.n; i++)
		if (p->Versions.v[i].IsDefaultVersion.v)
			return p->Versions.v[i].Document;
	return STR_NULL;
}

static int
policy_open(struct call *c, struct str arn, struct iam_entity_row *ret)
{
	struct arn parts;
	if (!arn_parse(arn, &parts) || !str_is(parts.service, "iam"))
		return call_fail(c, &IAM_InvalidInput, "ARN %.*s is not valid.", STR_FMT(arn));
	if (iam_policy_get(c->tx, c->arena, c->account, arn, ret))
		return CALL_OK;
	return call_fail(c, &IAM_NoSuchEntity, "Policy %.*s was not found.", STR_FMT(arn));
}

/* To change it: nobody may change AWS's own. */
static int
policy_open_own(struct call *c, struct str arn, struct iam_entity_row *ret)
{
	if (policy_open(c, arn, ret))
		return CALL_FAILED;
	if (ret->User.p)
		return call_fail(c, &ERR_AccessDenied, "AWS managed policies cannot be changed.");
	return CALL_OK;
}

static int
document_fits(struct call *c, struct str document)
{
	if (iam_document_check(c, document, POLICY_IDENTITY))
		return CALL_FAILED;
	if (iam_document_size(document) > IAM_POLICY_SIZE)
		return call_fail(c, &IAM_LimitExceeded, "Cannot exceed quota for PolicySize: %d",
			IAM_POLICY_SIZE);
	return CALL_OK;
}

static void
version_add(struct call *c, struct iam_entity_row *e, struct str document, bool as_default)
{
	struct iam_policy_version *v =
		arena_array(c->arena, struct iam_policy_version, e->Versions.n + 1);
	if (e->Versions.n)
		memcpy(v, e->Versions.v, sizeof(*v) * e->Versions.n);
	for (uint32_t i = 0; i < e->Versions.n && as_default; i++)
		v[i].IsDefaultVersion = OPT_BOOL(false);
	e->VersionNext = OPT_I64(e->VersionNext.v + 1);
	v[e->Versions.n] = (struct iam_policy_version){ .Document = document,
		.VersionId = arena_printf(c->arena, "v%lld", (long long)e->VersionNext.v),
		.IsDefaultVersion = OPT_BOOL(as_default),
		.CreateDate = OPT_TIME(c->now_ms / 1000 * 1000) };
	e->Versions.v = v;
	e->Versions.n++;
	e->Versions.set = true;
	e->Updated = OPT_TIME(c->now_ms / 1000 * 1000);
}

int
iam_create_policy(
	struct call *c, const struct iam_create_policy_in *in, struct iam_create_policy_out *out)
{
	struct iam_entity_row e;
	if (document_fits(c, in->PolicyDocument) ||
		iam_make(c, IAM_POLICY, in->PolicyName, in->Path, &in->Tags, &e))
		return CALL_FAILED;
	e.Description = in->Description;
	version_add(c, &e, in->PolicyDocument, true);
	iam_save(c, IAM_POLICY, &e);
	out->Policy = iam_policy_tell(c, &e, true, NULL);
	out->Policy->Tags.set = e.Tags.n > 0;
	return CALL_OK;
}

int
iam_get_policy(struct call *c, const struct iam_get_policy_in *in, struct iam_get_policy_out *out)
{
	struct iam_entity_row e;
	if (policy_open(c, in->PolicyArn, &e))
		return CALL_FAILED;
	out->Policy = iam_policy_tell(c, &e, true, NULL);
	return CALL_OK;
}

int
iam_delete_policy(struct call *c, const struct iam_delete_policy_in *in,
	struct iam_delete_policy_out *out __attribute__((unused)))
{
	struct iam_entity_row e;
	if (policy_open_own(c, in->PolicyArn, &e))
		return CALL_FAILED;
	if (iam_attachment_count(c, 'A', in->PolicyArn) ||
		iam_attachment_count(c, 'B', in->PolicyArn))
		return call_fail(
			c, &IAM_DeleteConflict, "Cannot delete a policy attached to entities.");
	if (e.Versions.n > 1)
		return call_fail(c, &IAM_DeleteConflict,
			"This policy has more than one version. Before you delete a policy, you "
			"must delete the policy's "
			"versions. The default version is deleted with the policy.");
	iam_erase(c, IAM_POLICY, e.Name);
	return CALL_OK;
}

/* ---- versions ---- */

static void
version_tell(struct call *c, const struct iam_policy_version *v, bool document,
	struct iam_policy_version *to)
{
	*to = *v;
	to->Document = document ? iam_document_tell(c, v->Document) : STR_NULL;
}

int
iam_create_policy_version(struct call *c, const struct iam_create_policy_version_in *in,
	struct iam_create_policy_version_out *out)
{
	struct iam_entity_row e;
	if (policy_open_own(c, in->PolicyArn, &e) || document_fits(c, in->PolicyDocument))
		return CALL_FAILED;
	if (e.Versions.n >= IAM_VERSIONS_MAX)
		return call_fail(c, &IAM_LimitExceeded,
			"A managed policy can have up to %d versions. Before you create a new "
			"version, you must delete an "
			"existing version.",
			IAM_VERSIONS_MAX);
	version_add(c, &e, in->PolicyDocument, in->SetAsDefault.v);
	iam_save(c, IAM_POLICY, &e);
	out->PolicyVersion = arena_new(c->arena, struct iam_policy_version);
	version_tell(c, &e.Versions.v[e.Versions.n - 1], false, out->PolicyVersion);
	return CALL_OK;
}

static int
version_open(struct call *c, struct str arn, const struct iam_entity_row *e, struct str id,
	uint32_t *ret_at)
{
	for (*ret_at = 0; *ret_at < e->Versions.n; ++*ret_at)
		if (str_eq(e->Versions.v[*ret_at].VersionId, id))
			return CALL_OK;
	return call_fail(c, &IAM_NoSuchEntity,
		"Policy %.*s version %.*s does not exist or is not attachable.", STR_FMT(arn),
		STR_FMT(id));
}

int
iam_get_policy_version(struct call *c, const struct iam_get_policy_version_in *in,
	struct iam_get_policy_version_out *out)
{
	struct iam_entity_row e;
	uint32_t at;
	if (policy_open(c, in->PolicyArn, &e) ||
		version_open(c, in->PolicyArn, &e, in->VersionId, &at))
		return CALL_FAILED;
	out->PolicyVersion = arena_new(c->arena, struct iam_policy_version);
	version_tell(c, &e.Versions.v[at], true, out->PolicyVersion);
	return CALL_OK;
}

int
iam_list_policy_versions(struct call *c, const struct iam_list_policy_versions_in *in,
	struct iam_list_policy_versions_out *out)
{
	struct iam_entity_row e;
	uint32_t from, to;
	if (policy_open(c, in->PolicyArn, &e) ||
		iam_slice(c, e.Versions.n, in->Marker, in->MaxItems, &from, &to, &out->IsTruncated,
			&out->Marker))
		return CALL_FAILED;
	IAM_LIST_NEW(c, out->Versions, to - from);
	/* The newest first. */
	for (uint32_t i = from; i < to; i++)
		version_tell(c, &e.Versions.v[e.Versions.n - 1 - i], false,
			&out->Versions.v[out->Versions.n++]);
	return CALL_OK;
}

int
iam_set_default_policy_version(struct call *c, const struct iam_set_default_policy_version_in *in,
	struct iam_set_default_policy_version_out *out __attribute__((unused)))
{
	struct iam_entity_row e;
	uint32_t at;
	if (policy_open_own(c, in->PolicyArn, &e) ||
		version_open(c, in->PolicyArn, &e, in->VersionId, &at))
		return CALL_FAILED;
	for (uint32_t i = 0; i < e.Versions.n; i++)
		e.Versions.v[i].IsDefaultVersion = OPT_BOOL(i == at);
	e.Updated = OPT_TIME(c->now_ms / 1000 * 1000);
	iam_save(c, IAM_POLICY, &e);
	return CALL_OK;
}

int
iam_delete_policy_version(struct call *c, const struct iam_delete_policy_version_in *in,
	struct iam_delete_policy_version_out *out __attribute__((unused)))
{
	struct iam_entity_row e;
	uint32_t at;
	if (policy_open_own(c, in->PolicyArn, &e) ||
		version_open(c, in->PolicyArn, &e, in->VersionId, &at))
		return CALL_FAILED;
	if (e.Versions.v[at].IsDefaultVersion.v)
		return call_fail(
			c, &IAM_DeleteConflict, "Cannot delete the default version of a policy.");
	memmove(e.Versions.v + at, e.Versions.v + at + 1,
		sizeof(*e.Versions.v) * (e.Versions.n - at - 1));
	e.Versions.n--;
	iam_save(c, IAM_POLICY, &e);
	return CALL_OK;
}

/* ---- tags ---- */

int
iam_tag_policy(struct call *c, const struct iam_tag_policy_in *in,
	struct iam_tag_policy_out *out __attribute__((unused)))
{
	struct iam_entity_row e;
	if (policy_open_own(c, in->PolicyArn, &e) || iam_tags_add(c, &e, &in->Tags))
		return CALL_FAILED;
	iam_save(c, IAM_POLICY, &e);
	return CALL_OK;
}

int
iam_untag_policy(struct call *c, const struct iam_untag_policy_in *in,
	struct iam_untag_policy_out *out __attribute__((unused)))
{
	struct iam_entity_row e;
	if (policy_open_own(c, in->PolicyArn, &e))
		return CALL_FAILED;
	iam_tags_remove(c, &e, &in->TagKeys);
	iam_save(c, IAM_POLICY, &e);
	return CALL_OK;
}

int
iam_list_policy_tags(struct call *c, const struct iam_list_policy_tags_in *in,
	struct iam_list_policy_tags_out *out)
{
	struct iam_entity_row e;
	uint32_t from, to;
	if (policy_open(c, in->PolicyArn, &e) ||
		iam_slice(c, e.Tags.n, in->Marker, in->MaxItems, &from, &to, &out->IsTruncated,
			&out->Marker))
		return CALL_FAILED;
	out->Tags.set = true;
	out->Tags.v = e.Tags.v + from;
	out->Tags.n = to - from;
	return CALL_OK;
}

/* ---- listing: AWS's own first, then the account's ---- */

static bool
policy_wanted(struct call *c, const struct iam_list_policies_in *in, const struct iam_entity_row *e)
{
	struct str arn = iam_policy_arn(c, e);
	if (in->PathPrefix.len && !str_starts(e->Path, in->PathPrefix))
		return false;
	if (str_is(in->PolicyUsageFilter, "PermissionsBoundary"))
		return !in->OnlyAttached.v || iam_attachment_count(c, 'B', arn);
	return !in->OnlyAttached.v || iam_attachment_count(c, 'A', arn) ||
	       (!in->PolicyUsageFilter.p && iam_attachment_count(c, 'B', arn));
}

/* Markers: "m" and how many of AWS's were passed, or "l" and the marker of the account's listing.
 */
struct policy_list {
	struct call *c;
	const struct iam_list_policies_in *in;
	struct iam_list_policies_out *out;
	uint32_t max;
};

static bool
list_managed(struct policy_list *l, uint64_t from)
{
	struct iam_entity_row e;
	const struct iam_managed *m;
	for (uint32_t i = (uint32_t)from; (m = iam_managed_at(i)); i++) {
		managed_row(l->c->arena, m, &e);
		if (!policy_wanted(l->c, l->in, &e))
			continue;
		if (l->out->Policies.n == l->max) {
			l->out->Marker = arena_printf(l->c->arena, "m%u", i);
			return false;
		}
		iam_policy_tell(l->c, &e, false, &l->out->Policies.v[l->out->Policies.n++]);
	}
	return true;
}

static int
list_local(struct policy_list *l, struct str marker)
{
	struct iam_page p;
	struct iam_entity_row e;
	struct str next = STR_NULL;
	struct opt_bool more;
	if (iam_page_open(l->c, IAM_POLICY, marker, OPT_I64(1000000), STR_NULL, &p))
		return CALL_FAILED;
	while (iam_page_next(&p, &e)) {
		if (!policy_wanted(l->c, l->in, &e))
			continue;
		if (l->out->Policies.n == l->max) {
			scan_done(&p.scan);
			l->out->Marker =
				arena_concat(l->c->arena, STR("l"), marker.p ? marker : STR(""));
			return CALL_OK;
		}
		iam_policy_tell(l->c, &e, false, &l->out->Policies.v[l->out->Policies.n++]);
		iam_page_marker(&p, &marker);
	}
	iam_page_end(&p, &more, &next);
	return CALL_OK;
}

int
iam_list_policies(
	struct call *c, const struct iam_list_policies_in *in, struct iam_list_policies_out *out)
{
	struct policy_list l = { c, in, out, in->MaxItems.set ? (uint32_t)in->MaxItems.v : 100 };
	struct str rest = in->Marker.p ? str_slice(in->Marker, 1, in->Marker.len) : STR("");
	bool local = in->Marker.p && in->Marker.p[0] == 'l';
	uint64_t from = 0;
	if (in->Marker.p && !local && (in->Marker.p[0] != 'm' || !str_to_u64(rest, &from)))
		return call_fail(c, &ERR_ValidationException, "Invalid Marker.");
	IAM_LIST_NEW(c, out->Policies, l.max);
	if (!local && !str_is(in->Scope, "Local") && !list_managed(&l, from)) {
		out->IsTruncated = OPT_BOOL(true);
		return CALL_OK;
	}
	if (!str_is(in->Scope, "AWS") && list_local(&l, local && rest.len ? rest : STR_NULL))
		return CALL_FAILED;
	out->IsTruncated = OPT_BOOL(out->Marker.p != NULL);
	return CALL_OK;
}

/* ---- who has it ---- */

int
iam_list_entities_for_policy(struct call *c, const struct iam_list_entities_for_policy_in *in,
	struct iam_list_entities_for_policy_out *out)
{
	struct iam_entity_row e;
	uint32_t from, to, n = 0, seen = 0;
	if (policy_open(c, in->PolicyArn, &e))
		return CALL_FAILED;
	struct iam_holder *v;
	n = iam_holders(
		c, in->PolicyArn, in->PolicyUsageFilter, in->EntityFilter, in->PathPrefix, &v);
	if (iam_slice(c, n, in->Marker, in->MaxItems, &from, &to, &out->IsTruncated, &out->Marker))
		return CALL_FAILED;
	IAM_LIST_NEW(c, out->PolicyGroups, to - from);
	IAM_LIST_NEW(c, out->PolicyUsers, to - from);
	IAM_LIST_NEW(c, out->PolicyRoles, to - from);
	for (seen = from; seen < to; seen++) {
		if (v[seen].kind == IAM_GROUP)
			out->PolicyGroups.v[out->PolicyGroups.n++] =
				(struct iam_policy_group){ v[seen].name, v[seen].id };
		else if (v[seen].kind == IAM_USER)
			out->PolicyUsers.v[out->PolicyUsers.n++] =
				(struct iam_policy_user){ v[seen].name, v[seen].id };
		else
			out->PolicyRoles.v[out->PolicyRoles.n++] =
				(struct iam_policy_role){ v[seen].name, v[seen].id };
	}
	return CALL_OK;
}
