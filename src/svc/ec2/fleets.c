/* Fleets as their users see them. */
#include "svc/ec2/fleets.h"

#include "svc/ec2/launch_templates.h"
#include "svc/ec2/shape_copy.h"

#define PAGE 1000
#define CAPACITY_MAX 10000

static const struct ec2_filter_rule filters[] = { { "activity-status", "ActivityStatus", NULL },
	{ "excess-capacity-termination-policy", "ExcessCapacityTerminationPolicy", NULL },
	{ "fleet-state", "FleetState", NULL },
	{ "replace-unhealthy-instances", "ReplaceUnhealthyInstances", NULL },
	{ "type", "Type", NULL }, { NULL, NULL, NULL } };

const struct ec2_kind ec2_fleet_kind = {
	.type = "fleet",
	.prefix = "fleet-",
	.row = &ec2_fleet_row_shape,
	.unknown = &EC2_InvalidFleetId_NotFound,
	.unknown_text = "The fleet ID '%.*s' does not exist",
	.malformed = &EC2_InvalidFleetId_Malformed,
	.filters = filters,
	.show = ec2_fleet_show,
};
EC2_KIND(ec2_fleet_kind);

static bool
capacity_valid(const struct ec2_target_capacity_specification_request *t)
{
	return t->TotalTargetCapacity.v >= 0 && t->TotalTargetCapacity.v <= CAPACITY_MAX &&
	       t->OnDemandTargetCapacity.v >= 0 && t->SpotTargetCapacity.v >= 0 &&
	       t->OnDemandTargetCapacity.v + t->SpotTargetCapacity.v <= t->TotalTargetCapacity.v;
}

static int
target_take(struct call *c, const struct ec2_target_capacity_specification_request *t,
	struct ec2_fleet_data *f)
{
	if (!capacity_valid(t))
		return call_fail(c, &EC2_InvalidFleetConfig,
			"The total target capacity must be between 0 and %d, and no less than its "
			"parts.",
			CAPACITY_MAX);
	if (t->DefaultTargetCapacityType.len && !str_is(t->DefaultTargetCapacityType, "spot") &&
		!str_is(t->DefaultTargetCapacityType, "on-demand"))
		return call_fail(c, &EC2_UnsupportedOperation,
			"The capacity type %.*s is not offered here.",
			STR_FMT(t->DefaultTargetCapacityType));
	if (t->TargetCapacityUnitType.len && !str_is(t->TargetCapacityUnitType, "units"))
		return call_fail(c, &EC2_UnsupportedOperation,
			"Capacity is counted in units here; give weights to the overrides.");
	struct ec2_target_capacity_specification *to =
		arena_new(c->arena, struct ec2_target_capacity_specification);
	to->DefaultTargetCapacityType =
		t->DefaultTargetCapacityType.len ? t->DefaultTargetCapacityType : STR("on-demand");
	bool spot = str_is(to->DefaultTargetCapacityType, "spot");
	int64_t rest =
		t->TotalTargetCapacity.v - t->OnDemandTargetCapacity.v - t->SpotTargetCapacity.v;
	to->TotalTargetCapacity = t->TotalTargetCapacity;
	to->OnDemandTargetCapacity = OPT_I64(t->OnDemandTargetCapacity.v + (spot ? 0 : rest));
	to->SpotTargetCapacity = OPT_I64(t->SpotTargetCapacity.v + (spot ? rest : 0));
	f->TargetCapacitySpecification = to;
	return CALL_OK;
}

static int
configs_take(struct call *c, const struct ec2_fleet_launch_template_config_request_list *configs,
	struct ec2_fleet_row *row)
{
	if (!configs->n)
		return ec2_missing(c, "LaunchTemplateConfigs");
	row->Configs = *configs;
	struct ec2_fleet_launch_template_config_list *shown =
		&row->FleetData->LaunchTemplateConfigs;
	shown->v = arena_array(c->arena, struct ec2_fleet_launch_template_config, configs->n);
	shown->n = 0;
	shown->set = true;
	for (uint32_t i = 0; i < configs->n; i++) {
		const struct ec2_fleet_launch_template_specification_request *s =
			configs->v[i].LaunchTemplateSpecification;
		if (!s)
			return ec2_missing(c, "LaunchTemplateSpecification");
		struct ec2_launch_template_version_row *v = ec2_launch_template_find(
			c, s->LaunchTemplateId, s->LaunchTemplateName, s->Version);
		if (!v)
			return CALL_FAILED;
		for (uint32_t k = 0; k < configs->v[i].Overrides.n; k++)
			if (configs->v[i].Overrides.v[k].InstanceRequirements)
				return call_fail(c, &EC2_UnsupportedOperation,
					"Types are not chosen by requirements here; name them in "
					"the overrides.");
		ec2_shape_copy(c->arena, &ec2_fleet_launch_template_config_request_shape,
			&configs->v[i], &ec2_fleet_launch_template_config_shape,
			&shown->v[shown->n++]);
	}
	return CALL_OK;
}

static void
options_take(struct call *c, const struct ec2_create_fleet_in *in, struct ec2_fleet_data *f)
{
	f->Type = in->Type.len ? in->Type : STR("maintain");
	f->ClientToken = in->ClientToken;
	f->CreateTime = OPT_TIME(c->now_ms);
	f->ExcessCapacityTerminationPolicy = in->ExcessCapacityTerminationPolicy.len
						     ? in->ExcessCapacityTerminationPolicy
						     : STR("termination");
	f->TerminateInstancesWithExpiration = OPT_BOOL(in->TerminateInstancesWithExpiration.v);
	f->ReplaceUnhealthyInstances = OPT_BOOL(in->ReplaceUnhealthyInstances.v);
	f->ValidFrom = in->ValidFrom;
	f->ValidUntil = in->ValidUntil;
	f->Context = in->Context;
	if (in->SpotOptions) {
		f->SpotOptions = arena_new(c->arena, struct ec2_spot_options);
		ec2_shape_copy(c->arena, &ec2_spot_options_request_shape, in->SpotOptions,
			&ec2_spot_options_shape, f->SpotOptions);
	}
	if (in->OnDemandOptions) {
		f->OnDemandOptions = arena_new(c->arena, struct ec2_on_demand_options);
		ec2_shape_copy(c->arena, &ec2_on_demand_options_request_shape, in->OnDemandOptions,
			&ec2_on_demand_options_shape, f->OnDemandOptions);
	}
	f->FleetState = str_is(f->Type, "instant") ? STR("active") : STR("submitted");
}

static int
create_check(struct call *c, const struct ec2_create_fleet_in *in)
{
	if (!in->TargetCapacitySpecification)
		return ec2_missing(c, "TargetCapacitySpecification");
	if (in->ReservedCapacityOptions)
		return call_fail(c, &EC2_UnsupportedOperation,
			"Interruptible capacity reservations are not offered here.");
	if (in->ValidUntil.set && in->ValidUntil.ms <= c->now_ms)
		return call_fail(
			c, &EC2_InvalidParameterValue, "The end of the fleet is in the past.");
	return CALL_OK;
}

int
ec2_create_fleet(
	struct call *c, const struct ec2_create_fleet_in *in, struct ec2_create_fleet_out *out)
{
	struct ec2_fleet_row row = { .FleetData = arena_new(c->arena, struct ec2_fleet_data) };
	struct ec2_fleet_data *f = row.FleetData;
	struct str before;
	if (ec2_token_find(c, in->ClientToken, in, &before) != CALL_OK)
		return CALL_FAILED;
	if (before.len) {
		struct ec2_fleet_row *was = ec2_get(c, &ec2_fleet_kind, before);
		out->FleetId = before;
		if (was && str_is(was->FleetData->Type, "instant"))
			ec2_fleet_tell(c, was, out);
		return CALL_OK;
	}
	if (create_check(c, in) != CALL_OK)
		return CALL_FAILED;
	options_take(c, in, f);
	if (target_take(c, in->TargetCapacitySpecification, f) != CALL_OK ||
		configs_take(c, &in->LaunchTemplateConfigs, &row) != CALL_OK)
		return CALL_FAILED;
	f->FleetId = arena_printf(c->arena, "fleet-%.*s", STR_FMT(call_uuid(c)));
	static const char *const taggable[] = { "fleet", "instance", "volume", "network-interface",
		NULL };
	struct ec2_tag_list tags;
	if (ec2_tags_asked(c, &in->TagSpecifications, taggable, "fleet", &tags) != CALL_OK)
		return CALL_FAILED;
	if (tags.n && ec2_tags_add(c, f->FleetId, &tags) != CALL_OK)
		return CALL_FAILED;
	if (str_is(f->Type, "instant")) {
		if (ec2_fleet_fill(c, &row) != CALL_OK)
			return CALL_FAILED;
		ec2_fleet_tell(c, &row, out);
	} else {
		ec2_fleet_look(c, f->FleetId,
			in->ValidFrom.set && in->ValidFrom.ms > c->now_ms ? in->ValidFrom.ms
									  : c->now_ms);
	}
	ec2_put(c, &ec2_fleet_kind, f->FleetId, &row);
	ec2_token_keep(c, in->ClientToken, in, f->FleetId);
	out->FleetId = f->FleetId;
	return CALL_OK;
}

int
ec2_modify_fleet(
	struct call *c, const struct ec2_modify_fleet_in *in, struct ec2_modify_fleet_out *out)
{
	struct ec2_fleet_row *row = ec2_need(c, &ec2_fleet_kind, in->FleetId);
	if (!row)
		return CALL_FAILED;
	if (!str_is(row->FleetData->Type, "maintain"))
		return call_fail(c, &EC2_UnsupportedOperation,
			"Only fleets of type maintain can be modified.");
	if (str_starts(row->FleetData->FleetState, STR("deleted")))
		return call_fail(c, &EC2_IncorrectState, "The fleet is %.*s.",
			STR_FMT(row->FleetData->FleetState));
	if (in->TargetCapacitySpecification &&
		target_take(c, in->TargetCapacitySpecification, row->FleetData) != CALL_OK)
		return CALL_FAILED;
	if (in->LaunchTemplateConfigs.n &&
		configs_take(c, &in->LaunchTemplateConfigs, row) != CALL_OK)
		return CALL_FAILED;
	if (in->ExcessCapacityTerminationPolicy.len)
		row->FleetData->ExcessCapacityTerminationPolicy =
			in->ExcessCapacityTerminationPolicy;
	ec2_put(c, &ec2_fleet_kind, in->FleetId, row);
	ec2_fleet_look(c, in->FleetId, c->now_ms);
	out->Return = OPT_BOOL(true);
	return CALL_OK;
}

static void
not_deleted(struct call *c, struct ec2_delete_fleets_out *out, struct str id, const char *code,
	const char *why)
{
	struct ec2_delete_fleet_error_item *e =
		&out->UnsuccessfulFleetDeletions.v[out->UnsuccessfulFleetDeletions.n++];
	e->FleetId = id;
	e->Error = arena_new(c->arena, struct ec2_delete_fleet_error);
	e->Error->Code = str_c(code);
	e->Error->Message = str_c(why);
}

int
ec2_delete_fleets(
	struct call *c, const struct ec2_delete_fleets_in *in, struct ec2_delete_fleets_out *out)
{
	bool end = in->TerminateInstances.v;
	out->SuccessfulFleetDeletions.v =
		arena_array(c->arena, struct ec2_delete_fleet_success_item, in->FleetIds.n);
	out->UnsuccessfulFleetDeletions.v =
		arena_array(c->arena, struct ec2_delete_fleet_error_item, in->FleetIds.n);
	out->SuccessfulFleetDeletions.set = out->UnsuccessfulFleetDeletions.set = true;
	for (uint32_t i = 0; i < in->FleetIds.n; i++) {
		struct str id = in->FleetIds.v[i];
		struct ec2_fleet_row *row = ec2_get(c, &ec2_fleet_kind, id);
		if (!row) {
			not_deleted(c, out, id, "fleetIdDoesNotExist", "The fleet does not exist.");
		} else if (str_starts(row->FleetData->FleetState, STR("deleted"))) {
			not_deleted(c, out, id, "fleetNotInDeletableState",
				"The fleet is deleted already.");
		} else if (!end && str_is(row->FleetData->Type, "instant")) {
			/* AWS refuses to leave instances of an instant fleet behind. */
			not_deleted(c, out, id, "fleetNotInDeletableState",
				"The instances of an instant fleet must be terminated with it.");
		} else {
			struct ec2_delete_fleet_success_item *s =
				&out->SuccessfulFleetDeletions.v[out->SuccessfulFleetDeletions.n++];
			s->FleetId = id;
			s->PreviousFleetState = row->FleetData->FleetState;
			ec2_fleet_end(c, row, end);
			s->CurrentFleetState = row->FleetData->FleetState;
			ec2_put(c, &ec2_fleet_kind, id, row);
		}
	}
	return CALL_OK;
}

int
ec2_describe_fleets(struct call *c, const struct ec2_describe_fleets_in *in,
	struct ec2_describe_fleets_out *out)
{
	struct ec2_query q = { .kind = &ec2_fleet_kind,
		.ids = &in->FleetIds,
		.filters = &in->Filters,
		.max = &in->MaxResults,
		.token = in->NextToken,
		.page = PAGE };
	return ec2_describe(c, &q, &out->Fleets, &out->NextToken);
}

int
ec2_describe_fleet_instances(struct call *c, const struct ec2_describe_fleet_instances_in *in,
	struct ec2_describe_fleet_instances_out *out)
{
	struct ec2_fleet_row *row = ec2_need(c, &ec2_fleet_kind, in->FleetId);
	uint32_t limit = in->MaxResults.set ? (uint32_t)in->MaxResults.v : PAGE;
	struct str after;
	if (!row || ec2_page_begin(c, in->NextToken, &after) != CALL_OK)
		return CALL_FAILED;
	if (limit < 1 || limit > PAGE)
		return call_fail(c, &EC2_InvalidParameterValue,
			"MaxResults must be between 1 and %d.", PAGE);
	for (uint32_t i = 0; i < in->Filters.n; i++)
		if (!str_is(in->Filters.v[i].Name, "instance-type"))
			return call_fail(c, &EC2_InvalidParameterValue,
				"The filter '%.*s' is invalid", STR_FMT(in->Filters.v[i].Name));
	out->FleetId = in->FleetId;
	ec2_fleet_members_tell(c, row, &in->Filters, after, limit, out);
	return CALL_OK;
}
