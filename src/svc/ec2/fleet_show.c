/* How fleets and their members are told. */
#include "svc/ec2/fleets.h"
#include "svc/ec2/instances.h"

bool
ec2_fleet_member_lives(struct call *c, const struct ec2_fleet_member *m, struct ec2_instance **ret)
{
	struct ec2_instance_row *row = ec2_get(c, &ec2_instance_kind, m->InstanceId);
	*ret = row ? row->Instance : NULL;
	return row && !ec2_state_is(row, EC2_TERMINATED) && !ec2_state_is(row, EC2_SHUTTING_DOWN);
}

void
ec2_fleet_show(struct call *c, void *row, void *item)
{
	struct ec2_fleet_row *r = row;
	struct ec2_fleet_data *f = item;
	double demand = 0, spot = 0;
	for (uint32_t i = 0; i < r->Members.n; i++) {
		struct ec2_instance *x;
		if (ec2_fleet_member_lives(c, &r->Members.v[i], &x))
			*(r->Members.v[i].Spot.v ? &spot : &demand) += r->Members.v[i].Weight.v;
	}
	f->FulfilledCapacity = OPT_F64(demand + spot);
	f->FulfilledOnDemandCapacity = OPT_F64(demand);
	if (str_is(f->FleetState, "active") && !f->Errors.n)
		f->ActivityStatus = demand + spot >= (double)f->TargetCapacitySpecification
							     ->TotalTargetCapacity.v
					    ? STR("fulfilled")
					    : STR("pending_fulfillment");
	if (!str_is(f->Type, "instant"))
		return;
	/* Of instant fleets AWS tells the instances too. */
	f->Instances.v = arena_array(c->arena, struct ec2_describe_fleets_instances, r->Members.n);
	f->Instances.n = 0;
	f->Instances.set = true;
	for (uint32_t i = 0; i < r->Members.n; i++) {
		const struct ec2_fleet_member *m = &r->Members.v[i];
		struct ec2_instance *x;
		ec2_fleet_member_lives(c, m, &x);
		struct ec2_describe_fleets_instances *to = &f->Instances.v[f->Instances.n++];
		to->LaunchTemplateAndOverrides =
			ec2_fleet_pool_shown(c, r, m->Config.v, m->Override.v);
		to->Lifecycle = m->Spot.v ? STR("spot") : STR("on-demand");
		to->InstanceIds.v = arena_new(c->arena, struct str);
		*to->InstanceIds.v = m->InstanceId;
		to->InstanceIds.n = 1;
		to->InstanceIds.set = true;
		to->InstanceType = x ? x->InstanceType : STR_NULL;
	}
}

struct ec2_launch_template_and_overrides_response *
ec2_fleet_pool_shown(
	struct call *c, const struct ec2_fleet_row *row, int64_t config, int64_t override)
{
	const struct ec2_fleet_launch_template_config_list *l =
		&row->FleetData->LaunchTemplateConfigs;
	struct ec2_launch_template_and_overrides_response *r =
		arena_new(c->arena, struct ec2_launch_template_and_overrides_response);
	if (config < 0 || config >= l->n)
		return r;
	r->LaunchTemplateSpecification = l->v[config].LaunchTemplateSpecification;
	if (override >= 0 && override < l->v[config].Overrides.n)
		r->Overrides = &l->v[config].Overrides.v[override];
	return r;
}

void
ec2_fleet_tell(struct call *c, struct ec2_fleet_row *row, struct ec2_create_fleet_out *out)
{
	const struct ec2_describe_fleet_error_list *errors = &row->FleetData->Errors;
	out->Instances.v = arena_array(c->arena, struct ec2_create_fleet_instance, row->Members.n);
	out->Errors.v = arena_array(c->arena, struct ec2_create_fleet_error, errors->n);
	out->Instances.set = out->Errors.set = true;
	for (uint32_t i = 0; i < row->Members.n; i++) {
		const struct ec2_fleet_member *m = &row->Members.v[i];
		struct ec2_instance *x;
		struct ec2_create_fleet_instance *to = &out->Instances.v[out->Instances.n++];
		ec2_fleet_member_lives(c, m, &x);
		to->LaunchTemplateAndOverrides =
			ec2_fleet_pool_shown(c, row, m->Config.v, m->Override.v);
		to->Lifecycle = m->Spot.v ? STR("spot") : STR("on-demand");
		to->InstanceIds.v = arena_new(c->arena, struct str);
		*to->InstanceIds.v = m->InstanceId;
		to->InstanceIds.n = 1;
		to->InstanceIds.set = true;
		if (!x)
			continue;
		to->InstanceType = x->InstanceType;
		to->AvailabilityZone = x->Placement ? x->Placement->AvailabilityZone : STR_NULL;
		to->SubnetId = x->SubnetId;
	}
	for (uint32_t i = 0; i < errors->n; i++)
		out->Errors.v[out->Errors.n++] = (struct ec2_create_fleet_error){
			.LaunchTemplateAndOverrides = errors->v[i].LaunchTemplateAndOverrides,
			.Lifecycle = errors->v[i].Lifecycle,
			.ErrorCode = errors->v[i].ErrorCode,
			.ErrorMessage = errors->v[i].ErrorMessage
		};
}

void
ec2_fleet_members_tell(struct call *c, const struct ec2_fleet_row *row,
	const struct ec2_filter_list *filters, struct str after, uint32_t limit,
	struct ec2_describe_fleet_instances_out *out)
{
	bool skipping = after.p != NULL;
	struct str last = STR_NULL;
	out->ActiveInstances.v = arena_array(c->arena, struct ec2_active_instance, limit);
	out->ActiveInstances.set = true;
	for (uint32_t i = 0; i < row->Members.n; i++) {
		const struct ec2_fleet_member *m = &row->Members.v[i];
		struct ec2_instance *x;
		bool wanted = ec2_fleet_member_lives(c, m, &x);
		if (skipping) {
			skipping = !str_eq(m->InstanceId, after);
			continue;
		}
		for (uint32_t f = 0; f < filters->n && wanted; f++) {
			wanted = false;
			for (uint32_t k = 0; k < filters->v[f].Values.n; k++)
				wanted |= ec2_glob(filters->v[f].Values.v[k], x->InstanceType);
		}
		if (!wanted)
			continue;
		if (out->ActiveInstances.n == limit) {
			out->NextToken = ec2_page_token(c, last);
			return;
		}
		out->ActiveInstances.v[out->ActiveInstances.n++] =
			(struct ec2_active_instance){ .InstanceId = m->InstanceId,
				.InstanceType = x->InstanceType,
				.SpotInstanceRequestId = x->SpotInstanceRequestId,
				.InstanceHealth = STR("healthy") };
		last = m->InstanceId;
	}
}
