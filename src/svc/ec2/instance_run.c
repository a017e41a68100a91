/* RunInstances: everything it refers to is looked up and checked before anything is made. */
#include "aws/authorize.h"
#include "aws/service_setting.h"
#include "base/text.h"
#include "plane/plane.h"
#include "svc/ec2/key_pairs.h"
#include "svc/ec2/launch.h"
#include "svc/ec2/launch_templates.h"
#include "svc/ec2/network_rows.h"
#include "svc/ec2/shape_copy.h"
#include "svc/ec2/work.h"
#include "svc/ec2/zones.h"

#define COUNT_MAX 1000
#define USER_DATA_MAX 16384

int ec2_run_permission(struct call *c, const void *in, struct authorize_question *q);

/* Each thing that the call names, as AWS asks. */
int
ec2_run_permission(struct call *c, const void *vin, struct authorize_question *q)
{
	const struct ec2_run_instances_in *in = vin;
	const struct {
		const char *type;
		struct str id;
	} asked[] = { { "image", in->ImageId }, { "key-pair", in->KeyName },
		{ "subnet", in->SubnetId }, { "volume", STR("*") },
		{ "network-interface", in->NetworkInterfaces.n ? STR_NULL : STR("*") },
		{ "launch-template",
			in->LaunchTemplate ? in->LaunchTemplate->LaunchTemplateId : STR_NULL } };
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
		if (asked[i].id.len && ec2_authorize(c, in, asked[i].type, asked[i].id) != CALL_OK)
			return CALL_FAILED;
	for (uint32_t i = 0; i < in->SecurityGroupIds.n; i++)
		if (ec2_authorize(c, in, "security-group", in->SecurityGroupIds.v[i]) != CALL_OK)
			return CALL_FAILED;
	for (uint32_t i = 0; i < in->NetworkInterfaces.n; i++) {
		const struct ec2_instance_network_interface_specification *n =
			&in->NetworkInterfaces.v[i];
		struct str id = n->NetworkInterfaceId.len ? n->NetworkInterfaceId : STR("*");
		if (ec2_authorize(c, in, "network-interface", id) != CALL_OK ||
			(n->SubnetId.len && ec2_authorize(c, in, "subnet", n->SubnetId) != CALL_OK))
			return CALL_FAILED;
		for (uint32_t k = 0; k < n->Groups.n; k++)
			if (ec2_authorize(c, in, "security-group", n->Groups.v[k]) != CALL_OK)
				return CALL_FAILED;
	}
	q->resource = arena_printf(c->arena, "arn:aws:ec2:%.*s:%.*s:instance/*", STR_FMT(c->region),
		STR_FMT(c->account));
	return CALL_OK;
}

/* A template's data, and what the call says over it. ret_version: NULL without a template. */
static int
template_under(struct call *c, const struct ec2_run_instances_in *in,
	struct ec2_run_instances_in *ret, struct ec2_launch_template_version_row **ret_version)
{
	const struct ec2_launch_template_specification *t = in->LaunchTemplate;
	/* Not c->op: fleets and others launch within calls of their own. */
	const struct shape *shape = service_op(service_find(STR("ec2")), STR("RunInstances"))->in;
	*ret = *in;
	*ret_version = NULL;
	if (!t)
		return CALL_OK;
	struct ec2_launch_template_version_row *v =
		ec2_launch_template_find(c, t->LaunchTemplateId, t->LaunchTemplateName, t->Version);
	if (!v)
		return CALL_FAILED;
	*ret_version = v;
	*ret = (struct ec2_run_instances_in){ 0 };
	if (v->Data)
		ec2_shape_copy(
			c->arena, &ec2_request_launch_template_data_shape, v->Data, shape, ret);
	/* Groups stand at one place only: a call that has interfaces of its own replaces both. */
	if (in->NetworkInterfaces.n || in->SubnetId.len)
		ret->NetworkInterfaces.n = 0;
	if (in->NetworkInterfaces.n)
		ret->SecurityGroupIds.n = ret->SecurityGroups.n = 0;
	struct ec2_tag_specification_list tags = ret->TagSpecifications;
	ec2_overlay(shape, ret, in);
	if (!in->TagSpecifications.n)
		ret->TagSpecifications = tags;
	return CALL_OK;
}

int
ec2_capacity_check(struct call *c, struct str type)
{
	const struct ec2_instance_type *t = ec2_instance_type_find(type);
	struct plane_ability a = { 0 };
	struct plane *p = plane_current();
	if (p)
		p->ops->ability(p, &a);
	const char *over = service_setting("ec2-overcommit");
	if (!t || !a.cpus || (*over && strcmp(over, "0") != 0))
		return CALL_OK;
	/* A machine "of 4 GiB" has a little less: what its firmware keeps does not count against
	 * it. */
	uint64_t memory = a.memory_bytes + a.memory_bytes / 16;
	if (t->vcpus <= a.cpus && (uint64_t)t->memory_mib << 20 <= memory)
		return CALL_OK;
	return call_fail(c, &EC2_InsufficientInstanceCapacity,
		"We currently do not have sufficient %s capacity: it wants %u processors and %u "
		"MiB, "
		"this host has %u and %llu MiB. Start Haneul with --ec2-overcommit to run it all "
		"the "
		"same with what there is.",
		t->name, t->vcpus, t->memory_mib, a.cpus,
		(unsigned long long)(a.memory_bytes >> 20));
}

static int
counts_check(struct call *c, const struct ec2_run_instances_in *in)
{
	if (in->MinCount.v < 1 || in->MaxCount.v < 1)
		return call_fail(c, &EC2_InvalidParameterValue,
			"Value (%lld) for parameter %s is invalid. Minimum value is 1.",
			(long long)(in->MinCount.v < 1 ? in->MinCount.v : in->MaxCount.v),
			in->MinCount.v < 1 ? "minCount" : "maxCount");
	if (in->MinCount.v > in->MaxCount.v)
		return call_fail(c, &EC2_InvalidParameterCombination,
			"MinCount (%lld) may not be larger than MaxCount (%lld).",
			(long long)in->MinCount.v, (long long)in->MaxCount.v);
	if (in->MaxCount.v > COUNT_MAX)
		return call_fail(c, &EC2_InvalidParameterValue,
			"Value (%lld) for parameter maxCount is invalid. Maximum value is %d.",
			(long long)in->MaxCount.v, COUNT_MAX);
	return CALL_OK;
}

/* What is not there is said, not left out. */
static int
unsupported_check(struct call *c, const struct ec2_run_instances_in *in)
{
	const char *what = NULL;
	if (in->HibernationOptions && in->HibernationOptions->Configured.v)
		return call_fail(c, &EC2_UnsupportedHibernationConfiguration,
			"Instances cannot hibernate here: their memory is not kept.");
	if (in->EnclaveOptions && in->EnclaveOptions->Enabled.v)
		what = "Enclaves are";
	else if (in->ElasticGpuSpecification.n || in->ElasticInferenceAccelerators.n)
		what = "Elastic accelerators are";
	else if (in->LicenseSpecifications.n)
		what = "License configurations are";
	else if (in->SecondaryInterfaces.n)
		what = "Secondary networks are";
	if (what)
		return call_fail(c, &EC2_Unsupported, "%s not available here.", what);
	if (in->Ipv6AddressCount.v || in->Ipv6Addresses.n)
		return ec2_no_ipv6(c);
	return CALL_OK;
}

static int
user_data_check(struct call *c, struct str data)
{
	struct str bytes = data.len ? base64_bytes(c->arena, data, BASE64_LENIENT) : data;
	if (data.len && !bytes.p)
		return call_fail(
			c, &EC2_InvalidParameterValue, "Invalid BASE64 encoding of user data.");
	if (bytes.len > USER_DATA_MAX)
		return call_fail(c, &EC2_InvalidParameterValue, "User data is limited to %d bytes",
			USER_DATA_MAX);
	return CALL_OK;
}

static int
image_check(struct ec2_launch *l)
{
	struct call *c = l->c;
	if (!l->in->ImageId.len)
		return call_fail(
			c, &EC2_MissingParameter, "The request must contain the parameter ImageId");
	if (str_starts(l->in->ImageId, STR("resolve:ssm:")))
		return call_fail(c, &EC2_Unsupported,
			"Image ids from parameters are not resolved here yet; ask DescribeImages.");
	if (!(l->image = ec2_image_need(c, l->in->ImageId)))
		return CALL_FAILED;
	if (!str_is(l->image->Image->State, "available"))
		return call_fail(c, &EC2_InvalidAMIID_Unavailable,
			"The image ID '%.*s' is not 'available'.", STR_FMT(l->in->ImageId));
	if (!str_eq(l->image->Image->Architecture, str_c(l->type->family->arch)))
		return call_fail(c, &EC2_InvalidParameterValue,
			"The architecture '%s' of the specified instance type does not match the "
			"architecture '%.*s' of the specified AMI. Specify an instance type and an "
			"AMI "
			"that have matching architectures, and try again.",
			l->type->family->arch, STR_FMT(l->image->Image->Architecture));
	return CALL_OK;
}

static int
type_check(struct ec2_launch *l)
{
	/* AWS's own default, m1.small, is of no family here. */
	if (!l->in->InstanceType.len)
		l->in->InstanceType = STR("t3.micro");
	if (!(l->type = ec2_instance_type_find(l->in->InstanceType)))
		return call_fail(l->c, &EC2_InvalidParameterValue,
			"Invalid value '%.*s' for InstanceType: it is not in the catalogue of this "
			"cloud "
			"(DescribeInstanceTypes).",
			STR_FMT(l->in->InstanceType));
	return CALL_OK;
}

static int
options_check(struct ec2_launch *l)
{
	const struct ec2_instance_metadata_options_request *m = l->in->MetadataOptions;
	const struct ec2_credit_specification_request *credit = l->in->CreditSpecification;
	if (m && m->HttpPutResponseHopLimit.set &&
		(m->HttpPutResponseHopLimit.v < 1 || m->HttpPutResponseHopLimit.v > 64))
		return call_fail(l->c, &EC2_InvalidParameterValue,
			"HttpPutResponseHopLimit must be between 1 and 64.");
	return ec2_credits_check(
		l->c, l->in->InstanceType, credit ? credit->CpuCredits : STR_NULL, &l->credits);
}

static int
tags_check(struct ec2_launch *l)
{
	static const char *const allowed[] = { "instance", "volume", "network-interface",
		"spot-instances-request", "elastic-gpu", NULL };
	const struct ec2_tag_specification_list *specs = &l->in->TagSpecifications;
	return ec2_tags_asked(l->c, specs, allowed, "instance", &l->instance_tags) != CALL_OK ||
			       ec2_tags_asked(l->c, specs, allowed, "volume", &l->volume_tags) !=
				       CALL_OK ||
			       ec2_tags_asked(l->c, specs, allowed, "network-interface",
				       &l->interface_tags) != CALL_OK
		       ? CALL_FAILED
		       : CALL_OK;
}

/* "container" or "qemu": by the tag, else by the setting. */
static int
machine_check(struct ec2_launch *l)
{
	struct plane_ability can = { 0 };
	struct plane *p = plane_current();
	l->machine = str_c(service_setting("machine"));
	for (uint32_t i = 0; i < l->instance_tags.n; i++)
		if (str_is(l->instance_tags.v[i].Key, "haneul:machine"))
			l->machine = l->instance_tags.v[i].Value;
	if (!l->machine.len || str_is(l->machine, "container"))
		return CALL_OK;
	if (!str_is(l->machine, "qemu"))
		return call_fail(l->c, &EC2_InvalidParameterValue,
			"Value (%.*s) for the tag haneul:machine is invalid: it is container or qemu.",
			STR_FMT(l->machine));
	if (p)
		p->ops->ability(p, &can);
	return can.vms ? CALL_OK
		       : call_fail(l->c, &EC2_Unsupported, "%s",
				 can.vm_why_not && *can.vm_why_not
					 ? can.vm_why_not
					 : "There are no virtual machines here.");
}

static int
place_check(struct ec2_launch *l)
{
	const struct ec2_placement *p = l->in->Placement;
	l->zone = -1;
	if (p && ec2_zone_asked(l->c, p->AvailabilityZone, p->AvailabilityZoneId, &l->zone) !=
			 CALL_OK)
		return CALL_FAILED;
	if (l->zone >= 0 && !ec2_instance_type_offered(l->c->region, (uint32_t)l->zone, l->type))
		return call_fail(l->c, &EC2_Unsupported,
			"Your requested instance type (%s) is not supported in your requested "
			"Availability Zone (%.*s).",
			l->type->name, STR_FMT(p->AvailabilityZone));
	return ec2_launch_network_check(l);
}

static int
refer(struct ec2_launch *l)
{
	struct call *c = l->c;
	struct ec2_key_pair_info *key = NULL;
	if (counts_check(c, l->in) != CALL_OK || unsupported_check(c, l->in) != CALL_OK ||
		type_check(l) != CALL_OK || image_check(l) != CALL_OK ||
		ec2_capacity_check(c, l->in->InstanceType) != CALL_OK ||
		user_data_check(c, l->in->UserData) != CALL_OK || options_check(l) != CALL_OK ||
		tags_check(l) != CALL_OK || machine_check(l) != CALL_OK ||
		place_check(l) != CALL_OK || ec2_launch_market_check(l) != CALL_OK ||
		ec2_launch_mappings(l) != CALL_OK)
		return CALL_FAILED;
	if (l->in->KeyName.len && !(key = ec2_key_pair_need(c, l->in->KeyName)))
		return CALL_FAILED;
	l->public_key = key ? key->PublicKey : STR_NULL;
	return l->in->IamInstanceProfile
		       ? ec2_profile_find(c, l->in->IamInstanceProfile, &l->profile)
		       : CALL_OK;
}

static void
told(struct call *c, struct str reservation, struct ec2_run_instances_out *out)
{
	out->ReservationId = reservation;
	out->OwnerId = c->account;
	out->Groups.set = out->Instances.set = true;
}

/* The same token again: the instances that it made, as they are now. */
static int
again(struct call *c, struct str reservation, struct ec2_run_instances_out *out)
{
	struct ec2_instance_row *row;
	struct ec2_walk w;
	uint32_t cap = 0;
	told(c, reservation, out);
	ec2_walk_begin(&w, c, &ec2_instance_kind);
	while ((row = ec2_walk_next(&w))) {
		if (!str_eq(row->ReservationId, reservation))
			continue;
		struct ec2_instance *more = arena_array(c->arena, struct ec2_instance, ++cap);
		memcpy(more, out->Instances.n ? out->Instances.v : more,
			out->Instances.n * sizeof(*more));
		out->Instances.v = more;
		more[out->Instances.n++] = *ec2_instance_get(c, w.id)->Instance;
	}
	return CALL_OK;
}

/* As AWS does: by these tags its tools find the template of an instance. */
static void
tag_template(struct call *c, struct str id, const struct ec2_launch_template_version_row *v)
{
	struct ec2_tag tags[] = { { .Key = STR("aws:ec2launchtemplate:id"),
					  .Value = v->LaunchTemplateVersion->LaunchTemplateId },
		{ .Key = STR("aws:ec2launchtemplate:version"),
			.Value = arena_printf(c->arena, "%lld",
				(long long)v->LaunchTemplateVersion->VersionNumber.v) } };
	ec2_tags_of_cloud(c, id, tags, 2);
}

int
ec2_run_instances(
	struct call *c, const struct ec2_run_instances_in *asked, struct ec2_run_instances_out *out)
{
	struct ec2_run_instances_in *in = arena_new(c->arena, struct ec2_run_instances_in);
	struct ec2_launch l = { .c = c, .in = in };
	struct ec2_launch_template_version_row *template;
	struct str reservation;
	if (ec2_token_find(c, asked->ClientToken, asked, &reservation) != CALL_OK)
		return CALL_FAILED;
	if (reservation.p)
		return again(c, reservation, out);
	int ready = ec2_plane_need(c, 'm') == CALL_OK ? ec2_catalogue_wait(c) : CALL_FAILED;
	if (ready != CALL_OK)
		return ready;
	if (template_under(c, asked, in, &template) != CALL_OK || refer(&l) != CALL_OK)
		return CALL_FAILED;
	l.reservation = call_id_hex(c, "r-", 17);
	told(c, l.reservation, out);
	out->Instances.v = arena_array(c->arena, struct ec2_instance, in->MaxCount.v);
	for (int64_t i = 0; i < in->MaxCount.v; i++) {
		struct ec2_instance_row *row;
		if (ec2_launch_one(&l, i, &row) != CALL_OK) {
			/* As many as there is room for, but MinCount at least. */
			if (row || i < in->MinCount.v)
				return CALL_FAILED;
			c->error = NULL;
			break;
		}
		if (template)
			tag_template(c, row->Instance->InstanceId, template);
		out->Instances.v[out->Instances.n++] =
			*ec2_instance_get(c, row->Instance->InstanceId)->Instance;
	}
	ec2_token_keep(c, asked->ClientToken, asked, l.reservation);
	return CALL_OK;
}
