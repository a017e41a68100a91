/* Instance profiles of instances, and the associations that name them. */
#include "svc/ec2/instances.h"
#include "svc/iam/iam.h"

static struct iam_entity_row *
profile_open(struct call *c, struct str name)
{
	struct iam_entity_row *e = arena_new(c->arena, struct iam_entity_row);
	return iam_get(c->tx, c->arena, IAM_PROFILE, c->account, name, e) ? e : NULL;
}

/* By name, or by an ARN of the account: …:instance-profile/path/name. */
static struct str
profile_name(struct call *c, const struct ec2_iam_instance_profile_specification *s)
{
	if (!s->Arn.len)
		return s->Name;
	struct str head =
		arena_printf(c->arena, "arn:aws:iam::%.*s:instance-profile/", STR_FMT(c->account));
	long slash = str_rfind(s->Arn, '/');
	return str_starts(s->Arn, head) && slash > 0
		       ? str_slice(s->Arn, (size_t)slash + 1, s->Arn.len)
		       : STR_NULL;
}

int
ec2_profile_find(struct call *c, const struct ec2_iam_instance_profile_specification *s,
	struct ec2_iam_instance_profile **ret)
{
	struct iam_entity_row role, *e;
	struct str name = profile_name(c, s);
	if (s->Arn.len && s->Name.len)
		return call_fail(c, &EC2_InvalidParameterCombination,
			"The parameter 'iamInstanceProfile.name' may not be used in combination "
			"with "
			"'iamInstanceProfile.arn'");
	if (!name.len || !(e = profile_open(c, name)))
		return call_fail(c, &EC2_InvalidParameterValue,
			"Value (%.*s) for parameter iamInstanceProfile.%s is invalid. Invalid IAM "
			"Instance Profile %s",
			STR_FMT(s->Arn.len ? s->Arn : s->Name), s->Arn.len ? "arn" : "name",
			s->Arn.len ? "ARN" : "name");
	if (e->Roles.n && iam_get(c->tx, c->arena, IAM_ROLE, c->account, e->Roles.v[0], &role) &&
		iam_pass_role(
			c, iam_arn(c->arena, IAM_ROLE, c->account, &role), "ec2.amazonaws.com"))
		return CALL_FAILED;
	*ret = arena_new(c->arena, struct ec2_iam_instance_profile);
	(*ret)->Arn = iam_arn(c->arena, IAM_PROFILE, c->account, e);
	(*ret)->Id = arena_dup(c->arena, e->Id);
	return CALL_OK;
}

void
ec2_profile_set(struct call *c, struct ec2_instance_row *i, struct ec2_iam_instance_profile *p)
{
	i->Instance->IamInstanceProfile = p;
	i->AssociationId = p ? call_id_hex(c, "iip-assoc-", 17) : STR_NULL;
	i->AssociationTime = p ? OPT_TIME(c->now_ms) : (struct opt_time){ 0 };
}

struct str
ec2_instance_role(struct call *c, const struct ec2_instance_row *i, struct str *ret_role_arn)
{
	const struct ec2_iam_instance_profile *p = i->Instance->IamInstanceProfile;
	struct iam_entity_row role, *e;
	long slash = p ? str_rfind(p->Arn, '/') : -1;
	*ret_role_arn = STR_NULL;
	if (slash < 0 || !(e = profile_open(c, str_slice(p->Arn, (size_t)slash + 1, p->Arn.len))) ||
		!e->Roles.n ||
		!iam_get(c->tx, c->arena, IAM_ROLE, c->account, e->Roles.v[0], &role))
		return STR_NULL;
	*ret_role_arn = iam_arn(c->arena, IAM_ROLE, c->account, &role);
	return role.Name;
}

/* ---- associations */

static struct ec2_iam_instance_profile_association *
association(struct call *c, const struct ec2_instance_row *i, const char *state)
{
	struct ec2_iam_instance_profile_association *a =
		arena_new(c->arena, struct ec2_iam_instance_profile_association);
	*a = (struct ec2_iam_instance_profile_association){ .AssociationId = i->AssociationId,
		.InstanceId = i->Instance->InstanceId,
		.IamInstanceProfile = i->Instance->IamInstanceProfile,
		.State = str_c(state),
		.Timestamp = i->AssociationTime };
	return a;
}

static struct ec2_instance_row *
by_association(struct call *c, struct str id)
{
	struct ec2_instance_row *i;
	struct ec2_walk w;
	ec2_walk_begin(&w, c, &ec2_instance_kind);
	while ((i = ec2_walk_next(&w)))
		if (id.len && str_eq(i->AssociationId, id) && i->Instance->IamInstanceProfile) {
			ec2_walk_end(&w);
			return i;
		}
	call_fail(c, &EC2_InvalidAssociationID_NotFound,
		"An invalid association-id of '%.*s' was given", STR_FMT(id));
	return NULL;
}

static int
state_check(struct call *c, const struct ec2_instance_row *i)
{
	if (ec2_state_is(i, EC2_TERMINATED) || ec2_state_is(i, EC2_SHUTTING_DOWN))
		return call_fail(c, &EC2_IncorrectInstanceState,
			"The instance '%.*s' is not in a state that allows this.",
			STR_FMT(i->Instance->InstanceId));
	return CALL_OK;
}

int
ec2_associate_iam_instance_profile(struct call *c,
	const struct ec2_associate_iam_instance_profile_in *in,
	struct ec2_associate_iam_instance_profile_out *out)
{
	struct ec2_instance_row *i = ec2_need(c, &ec2_instance_kind, in->InstanceId);
	struct ec2_iam_instance_profile *p;
	if (!i || state_check(c, i) != CALL_OK)
		return CALL_FAILED;
	if (i->Instance->IamInstanceProfile)
		return call_fail(c, &EC2_IncorrectState,
			"There is an existing association for instance %.*s",
			STR_FMT(in->InstanceId));
	if (ec2_profile_find(c, in->IamInstanceProfile, &p) != CALL_OK)
		return CALL_FAILED;
	ec2_profile_set(c, i, p);
	ec2_instance_put(c, i);
	out->IamInstanceProfileAssociation = association(c, i, "associating");
	return CALL_OK;
}

int
ec2_disassociate_iam_instance_profile(struct call *c,
	const struct ec2_disassociate_iam_instance_profile_in *in,
	struct ec2_disassociate_iam_instance_profile_out *out)
{
	struct ec2_instance_row *i = by_association(c, in->AssociationId);
	if (!i || ec2_authorize(c, NULL, "instance", i->Instance->InstanceId) != CALL_OK)
		return CALL_FAILED;
	out->IamInstanceProfileAssociation = association(c, i, "disassociating");
	ec2_profile_set(c, i, NULL);
	ec2_instance_put(c, i);
	return CALL_OK;
}

int
ec2_replace_iam_instance_profile_association(struct call *c,
	const struct ec2_replace_iam_instance_profile_association_in *in,
	struct ec2_replace_iam_instance_profile_association_out *out)
{
	struct ec2_instance_row *i = by_association(c, in->AssociationId);
	struct ec2_iam_instance_profile *p;
	if (!i || ec2_authorize(c, NULL, "instance", i->Instance->InstanceId) != CALL_OK ||
		state_check(c, i) != CALL_OK ||
		ec2_profile_find(c, in->IamInstanceProfile, &p) != CALL_OK)
		return CALL_FAILED;
	ec2_profile_set(c, i, p);
	ec2_instance_put(c, i);
	out->IamInstanceProfileAssociation = association(c, i, "associating");
	return CALL_OK;
}

static const struct ec2_filter_rule filters[] = {
	{ "instance-id", "InstanceId", NULL },
	{ "state", "State", NULL },
	{ 0 },
};
static const struct ec2_kind association_kind = {
	.row = &ec2_instance_profile_association_row_shape, .filters = filters
};

int
ec2_describe_iam_instance_profile_associations(struct call *c,
	const struct ec2_describe_iam_instance_profile_associations_in *in,
	struct ec2_describe_iam_instance_profile_associations_out *out)
{
	struct ec2_candidates all = { 0 };
	struct ec2_instance_row *i;
	struct ec2_walk w;
	struct ec2_query q = { .kind = &association_kind,
		.filters = &in->Filters,
		.max = &in->MaxResults,
		.token = in->NextToken };
	for (uint32_t k = 0; k < in->AssociationIds.n; k++)
		if (!by_association(c, in->AssociationIds.v[k]))
			return CALL_FAILED;
	ec2_walk_begin(&w, c, &ec2_instance_kind);
	while ((i = ec2_walk_next(&w))) {
		bool asked = !in->AssociationIds.n;
		for (uint32_t k = 0; k < in->AssociationIds.n; k++)
			asked |= str_eq(in->AssociationIds.v[k], i->AssociationId);
		if (!asked || !i->Instance->IamInstanceProfile)
			continue;
		struct ec2_instance_profile_association_row *row =
			arena_new(c->arena, struct ec2_instance_profile_association_row);
		row->Association = association(c, i, "associated");
		ec2_candidate_add(c, &all, i->AssociationId, row);
	}
	return ec2_describe_rows(
		c, &q, &all, &out->IamInstanceProfileAssociations, &out->NextToken);
}
