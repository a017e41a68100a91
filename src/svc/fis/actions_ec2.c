/* What is done to instances and subnets: by EC2's own operations, as a user would. */
#include "svc/ec2/ec2.h"
#include "svc/fis/fis.h"

static int
may(struct fis_running *r, const char *action)
{
	for (uint32_t i = 0; i < r->arns.n; i++)
		if (call_authorize(r->c, action, r->arns.v[i], STR_NULL) != CALL_OK)
			return CALL_FAILED;
	return CALL_OK;
}

static struct list_str
ids_of(struct call *c, const struct list_str *arns)
{
	struct list_str ids = { .v = arena_array(c->arena, struct str, arns->n), .set = true };
	for (uint32_t i = 0; i < arns->n; i++) {
		long slash = str_rfind(arns->v[i], '/');
		ids.v[ids.n++] = str_slice(arns->v[i], (size_t)(slash + 1), arns->v[i].len);
	}
	return ids;
}

static void
undo_add(struct fis_running *r, const char *kind, struct list_str ids)
{
	struct fis_undo_list *l = &r->row->Undos;
	struct fis_undo *v = arena_array(r->c->arena, struct fis_undo, l->n + 1);
	if (l->n)
		memcpy(v, l->v, l->n * sizeof(*v));
	v[l->n] = (struct fis_undo){ .Action = r->name, .Kind = str_c(kind), .Ids = ids };
	*l = (struct fis_undo_list){ v, l->n + 1, true };
}

static int
instances_stop(struct fis_running *r)
{
	struct ec2_stop_instances_in in = { .InstanceIds = ids_of(r->c, &r->arns) };
	struct ec2_stop_instances_out out = { 0 };
	if (may(r, "ec2:StopInstances") != CALL_OK ||
		ec2_stop_instances(r->c, &in, &out) != CALL_OK)
		return CALL_FAILED;
	if (fis_parameter_of(r->action, "startInstancesAfterDuration").len)
		undo_add(r, "start", in.InstanceIds);
	return CALL_OK;
}

static int
instances_start_again(struct call *c, const struct fis_undo *u)
{
	struct ec2_start_instances_in in = { .InstanceIds = u->Ids };
	struct ec2_start_instances_out out = { 0 };
	return ec2_start_instances(c, &in, &out);
}

static int
instances_reboot(struct fis_running *r)
{
	struct ec2_reboot_instances_in in = { .InstanceIds = ids_of(r->c, &r->arns) };
	struct ec2_reboot_instances_out out;
	return may(r, "ec2:RebootInstances") == CALL_OK ? ec2_reboot_instances(r->c, &in, &out)
							: CALL_FAILED;
}

static int
instances_terminate(struct fis_running *r)
{
	struct ec2_terminate_instances_in in = { .InstanceIds = ids_of(r->c, &r->arns) };
	struct ec2_terminate_instances_out out = { 0 };
	return may(r, "ec2:TerminateInstances") == CALL_OK
		       ? ec2_terminate_instances(r->c, &in, &out)
		       : CALL_FAILED;
}

/* ---- subnets: as AWS does it, the subnet gets another ACL for a while, a copy that refuses more.
 */

static int
entry_add(struct call *c, struct str acl, int64_t number, bool egress, struct str cidr)
{
	struct ec2_create_network_acl_entry_in in = { .NetworkAclId = acl,
		.RuleNumber = OPT_I64(number),
		.Protocol = STR("-1"),
		.RuleAction = STR("deny"),
		.Egress = OPT_BOOL(egress),
		.CidrBlock = cidr };
	struct ec2_create_network_acl_entry_out out;
	return ec2_create_network_acl_entry(c, &in, &out);
}

/* Behind the refusals of 1.. what the ACL had, at numbers as much higher. */
static int
entries_copy(struct call *c, const struct ec2_network_acl *from, struct str to, int64_t shift)
{
	for (uint32_t i = 0; i < from->Entries.n; i++) {
		const struct ec2_network_acl_entry *e = &from->Entries.v[i];
		if (e->RuleNumber.v >= 32767)
			continue;
		struct ec2_create_network_acl_entry_in in = { .NetworkAclId = to,
			.RuleNumber = OPT_I64(e->RuleNumber.v + shift),
			.Protocol = e->Protocol,
			.RuleAction = e->RuleAction,
			.Egress = e->Egress,
			.CidrBlock = e->CidrBlock,
			.Ipv6CidrBlock = e->Ipv6CidrBlock,
			.IcmpTypeCode = e->IcmpTypeCode,
			.PortRange = e->PortRange };
		struct ec2_create_network_acl_entry_out out;
		if (ec2_create_network_acl_entry(c, &in, &out) != CALL_OK)
			return CALL_FAILED;
	}
	return CALL_OK;
}

static const struct ec2_network_acl *
acl_of(struct call *c, struct str subnet, struct str *ret_association)
{
	struct ec2_filter f = { .Name = STR("association.subnet-id"),
		.Values = { &subnet, 1, true } };
	struct ec2_describe_network_acls_in in = { .Filters = { &f, 1, true } };
	struct ec2_describe_network_acls_out *out =
		arena_new(c->arena, struct ec2_describe_network_acls_out);
	if (ec2_describe_network_acls(c, &in, out) != CALL_OK || !out->NetworkAcls.n) {
		if (!c->error)
			call_fail(c, &FIS_ResourceNotFoundException,
				"The subnet %.*s does not exist", STR_FMT(subnet));
		return NULL;
	}
	const struct ec2_network_acl *a = &out->NetworkAcls.v[0];
	for (uint32_t i = 0; i < a->Associations.n; i++)
		if (str_eq(a->Associations.v[i].SubnetId, subnet))
			*ret_association = a->Associations.v[i].NetworkAclAssociationId;
	return a;
}

/* The ranges that the scope cuts off; CALL_FAILED: the scope is not known here. */
static int
cut_off(struct fis_running *r, const struct ec2_network_acl *acl, struct str subnet,
	struct list_str *ret)
{
	struct call *c = r->c;
	struct str scope = fis_parameter_of(r->action, "scope");
	struct str vpc = acl->VpcId;
	struct ec2_filter f = { .Name = STR("vpc-id"), .Values = { &vpc, 1, true } };
	struct ec2_describe_subnets_in in = { .Filters = { &f, 1, true } };
	struct ec2_describe_subnets_out out = { 0 };
	const struct ec2_subnet *own = NULL;
	if (!scope.len || str_is(scope, "all")) {
		ret->v = arena_new(c->arena, struct str);
		ret->v[ret->n++] = STR("0.0.0.0/0");
		return CALL_OK;
	}
	if (!str_is(scope, "availability-zone") && !str_is(scope, "vpc"))
		return call_fail(c, &FIS_ValidationException,
			"The scope %.*s is not there; all, availability-zone and vpc are.",
			STR_FMT(scope));
	if (ec2_describe_subnets(c, &in, &out) != CALL_OK)
		return CALL_FAILED;
	ret->v = arena_array(c->arena, struct str, out.Subnets.n);
	for (uint32_t i = 0; i < out.Subnets.n; i++)
		if (str_eq(out.Subnets.v[i].SubnetId, subnet))
			own = &out.Subnets.v[i];
	for (uint32_t i = 0; own && i < out.Subnets.n; i++)
		if (&out.Subnets.v[i] != own &&
			(str_is(scope, "vpc") ||
				!str_eq(out.Subnets.v[i].AvailabilityZone, own->AvailabilityZone)))
			ret->v[ret->n++] = out.Subnets.v[i].CidrBlock;
	return CALL_OK;
}

static int
subnet_disrupt(struct fis_running *r, struct str subnet, struct str *ret_ids)
{
	struct call *c = r->c;
	struct str association = STR_NULL;
	struct list_str cidrs = { 0 };
	const struct ec2_network_acl *acl = acl_of(c, subnet, &association);
	if (!acl || cut_off(r, acl, subnet, &cidrs) != CALL_OK)
		return CALL_FAILED;
	struct ec2_create_network_acl_in make = { .VpcId = acl->VpcId };
	struct ec2_create_network_acl_out made = { 0 };
	if (ec2_create_network_acl(c, &make, &made) != CALL_OK)
		return CALL_FAILED;
	struct str id = made.NetworkAcl->NetworkAclId;
	for (uint32_t i = 0; i < cidrs.n; i++)
		if (entry_add(c, id, i + 1, false, cidrs.v[i]) != CALL_OK ||
			entry_add(c, id, i + 1, true, cidrs.v[i]) != CALL_OK)
			return CALL_FAILED;
	struct ec2_replace_network_acl_association_in replace = { .AssociationId = association,
		.NetworkAclId = id };
	struct ec2_replace_network_acl_association_out replaced = { 0 };
	ret_ids[0] = subnet;
	ret_ids[1] = acl->NetworkAclId;
	ret_ids[2] = id;
	return entries_copy(c, acl, id, cidrs.n) == CALL_OK
		       ? ec2_replace_network_acl_association(c, &replace, &replaced)
		       : CALL_FAILED;
}

static int
subnets_disrupt(struct fis_running *r)
{
	struct list_str subnets = ids_of(r->c, &r->arns);
	struct list_str ids = { .v = arena_array(r->c->arena, struct str, 3 * (size_t)subnets.n),
		.n = 3 * subnets.n,
		.set = true };
	if (may(r, "ec2:ReplaceNetworkAclAssociation") != CALL_OK)
		return CALL_FAILED;
	for (uint32_t i = 0; i < subnets.n; i++)
		if (subnet_disrupt(r, subnets.v[i], &ids.v[3 * (size_t)i]) != CALL_OK)
			return CALL_FAILED;
	undo_add(r, "acl", ids);
	return CALL_OK;
}

/* A subnet that is gone, or that somebody gave another ACL meanwhile, is left as it is. */
static int
subnets_restore(struct call *c, const struct fis_undo *u)
{
	for (uint32_t i = 0; i + 2 < u->Ids.n; i += 3) {
		struct str association = STR_NULL;
		const struct ec2_network_acl *now = acl_of(c, u->Ids.v[i], &association);
		if (now && str_eq(now->NetworkAclId, u->Ids.v[i + 2])) {
			struct ec2_replace_network_acl_association_in in = {
				.AssociationId = association, .NetworkAclId = u->Ids.v[i + 1]
			};
			struct ec2_replace_network_acl_association_out out = { 0 };
			ec2_replace_network_acl_association(c, &in, &out);
		}
		struct ec2_delete_network_acl_in gone = { .NetworkAclId = u->Ids.v[i + 2] };
		struct ec2_delete_network_acl_out none;
		ec2_delete_network_acl(c, &gone, &none);
	}
	return CALL_OK;
}

static const struct fis_parameter stop_parameters[] = {
	{ "startInstancesAfterDuration", "The time after which the instances are started again.",
		false },
	{ NULL, NULL, false }
};
static const struct fis_parameter disrupt_parameters[] = {
	{ "duration", "How long, as an ISO 8601 duration.", true },
	{ "scope", "What is cut off: all, availability-zone or vpc.", false }, { NULL, NULL, false }
};

const struct fis_action_kind fis_ec2_actions[] = {
	{ "aws:ec2:reboot-instances", "Reboots the instances.", "Instances", "aws:ec2:instance",
		NULL, instances_reboot, NULL },
	{ "aws:ec2:stop-instances", "Stops the instances.", "Instances", "aws:ec2:instance",
		stop_parameters, instances_stop, instances_start_again },
	{ "aws:ec2:terminate-instances", "Terminates the instances.", "Instances",
		"aws:ec2:instance", NULL, instances_terminate, NULL },
	{ "aws:network:disrupt-connectivity",
		"Refuses traffic of the subnets by another network ACL for a while.", "Subnets",
		"aws:ec2:subnet", disrupt_parameters, subnets_disrupt, subnets_restore },
	{ NULL, NULL, NULL, NULL, NULL, NULL, NULL },
};
