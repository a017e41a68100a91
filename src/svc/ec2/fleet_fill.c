/* What is missing of a fleet's target is launched, pool by pool; what is too much ends. */
#include "aws/due.h"
#include "svc/ec2/fleets.h"
#include "svc/ec2/instances.h"
#include "svc/ec2/launch_templates.h"
#include "svc/ec2/prices.h"
#include "svc/ec2/spot_requests.h"
#include "svc/ec2/zones.h"

#define KIND_LOOK "ec2.fleet"
#define LOOK_MS 60000
#define LAUNCHES_MAX 1000 /* of one look */

struct pool {
	int64_t config, override;
	const struct ec2_fleet_launch_template_config_request *from;
	const struct ec2_fleet_launch_template_overrides_request
		*over; /* NULL: the template as it is */
	struct str type;
	uint32_t zone;
	double weight, priority;
	int64_t price;
	bool refused;
	uint32_t launched;
};
struct pools {
	struct pool *v;
	uint32_t n;
};

static struct str
type_of(struct call *c, const struct pool *p)
{
	const struct ec2_fleet_launch_template_specification_request *s =
		p->from->LaunchTemplateSpecification;
	if (p->over && p->over->InstanceType.len)
		return p->over->InstanceType;
	struct ec2_launch_template_version_row *v =
		ec2_launch_template_find(c, s->LaunchTemplateId, s->LaunchTemplateName, s->Version);
	return v && v->Data->InstanceType.len ? v->Data->InstanceType : STR("m1.small");
}

static uint32_t
zone_of(struct call *c, const struct pool *p)
{
	int z = -1;
	if (p->over && p->over->SubnetId.len) {
		struct str id = p->over->SubnetId;
		struct ec2_describe_subnets_in in = { .SubnetIds = { &id, 1, true } };
		struct ec2_describe_subnets_out out = { 0 };
		if (ec2_describe_subnets(c, &in, &out) == CALL_OK && out.Subnets.n)
			z = ec2_zone_find(c->arena, c->region, out.Subnets.v[0].AvailabilityZone);
	} else if (p->over && p->over->AvailabilityZone.len) {
		z = ec2_zone_find(c->arena, c->region, p->over->AvailabilityZone);
	}
	return z < 0 ? 0 : (uint32_t)z;
}

static void
pool_add(struct call *c, struct pools *ps, const struct ec2_fleet_row *row, uint32_t config,
	int64_t override, bool spot)
{
	struct pool *p = &ps->v[ps->n++];
	*p = (struct pool){
		.config = config, .override = override, .from = &row->Configs.v[config]
	};
	p->over = override < 0 ? NULL : &p->from->Overrides.v[override];
	p->type = type_of(c, p);
	p->zone = zone_of(c, p);
	p->weight = p->over && p->over->WeightedCapacity.set && p->over->WeightedCapacity.v > 0
			    ? p->over->WeightedCapacity.v
			    : 1;
	p->priority = p->over && p->over->Priority.set ? p->over->Priority.v : 1e9;
	p->price = spot ? ec2_price_spot(c->region, p->zone, p->type, c->now_ms)
			: ec2_price_on_demand(c->region, p->type);
}

static void
pools_make(struct call *c, const struct ec2_fleet_row *row, bool spot, struct pools *ret)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < row->Configs.n; i++)
		n += row->Configs.v[i].Overrides.n ? row->Configs.v[i].Overrides.n : 1;
	*ret = (struct pools){ arena_array(c->arena, struct pool, n), 0 };
	for (uint32_t i = 0; i < row->Configs.n; i++) {
		if (!row->Configs.v[i].Overrides.n)
			pool_add(c, ret, row, i, -1, spot);
		for (uint32_t k = 0; k < row->Configs.v[i].Overrides.n; k++)
			pool_add(c, ret, row, i, k, spot);
	}
}

/* Which of two pools comes first. */
static bool
better(const struct pool *a, const struct pool *b, struct str strategy)
{
	if (str_is(strategy, "diversified") && a->launched != b->launched)
		return a->launched < b->launched;
	if ((str_is(strategy, "prioritized") ||
		    str_is(strategy, "capacity-optimized-prioritized")) &&
		a->priority != b->priority)
		return a->priority < b->priority;
	/* There is one host, so every pool has the same room: what remains of the other strategies
	 * is the price of a unit. */
	return (double)a->price / a->weight < (double)b->price / b->weight;
}

static struct pool *
pool_choose(struct pools *ps, struct str strategy)
{
	struct pool *best = NULL;
	for (uint32_t i = 0; i < ps->n; i++)
		if (!ps->v[i].refused && (!best || better(&ps->v[i], best, strategy)))
			best = &ps->v[i];
	return best;
}

static void
launch_input(struct call *c, const struct ec2_fleet_row *row, const struct pool *p, bool spot,
	struct ec2_run_instances_in *ret)
{
	const struct ec2_fleet_launch_template_specification_request *s =
		p->from->LaunchTemplateSpecification;
	*ret = (struct ec2_run_instances_in){ .MinCount = OPT_I64(1), .MaxCount = OPT_I64(1) };
	ret->LaunchTemplate = arena_new(c->arena, struct ec2_launch_template_specification);
	ret->LaunchTemplate->LaunchTemplateId = s->LaunchTemplateId;
	ret->LaunchTemplate->LaunchTemplateName = s->LaunchTemplateName;
	ret->LaunchTemplate->Version = s->Version;
	if (p->over) {
		ret->InstanceType = p->over->InstanceType;
		ret->ImageId = p->over->ImageId;
		ret->SubnetId = p->over->SubnetId;
		ret->KeyName = p->over->KeyName;
		ret->Placement = p->over->Placement;
	}
	if (!ret->SubnetId.len) {
		struct ec2_placement *at = arena_new(c->arena, struct ec2_placement);
		if (ret->Placement)
			*at = *ret->Placement;
		at->AvailabilityZone = ec2_zone_name(c->arena, c->region, p->zone);
		ret->Placement = at;
	}
	if (spot) {
		const struct ec2_spot_options *o = row->FleetData->SpotOptions;
		ret->InstanceMarketOptions =
			arena_new(c->arena, struct ec2_instance_market_options_request);
		ret->InstanceMarketOptions->MarketType = STR("spot");
		ret->InstanceMarketOptions->SpotOptions =
			arena_new(c->arena, struct ec2_spot_market_options);
		ret->InstanceMarketOptions->SpotOptions->MaxPrice =
			p->over ? p->over->MaxPrice : STR_NULL;
		ret->InstanceMarketOptions->SpotOptions->SpotInstanceType = STR("one-time");
		ret->InstanceMarketOptions->SpotOptions->InstanceInterruptionBehavior =
			o ? o->InstanceInterruptionBehavior : STR_NULL;
	}
}

static void
error_note(struct call *c, struct ec2_fleet_row *row, const struct pool *p, bool spot)
{
	struct ec2_describe_fleet_error_list *l = &row->FleetData->Errors;
	struct ec2_describe_fleet_error *v =
		arena_array(c->arena, struct ec2_describe_fleet_error, l->n + 1);
	if (l->n)
		memcpy(v, l->v, l->n * sizeof(*v));
	v[l->n] = (struct ec2_describe_fleet_error){
		.Lifecycle = spot ? STR("spot") : STR("on-demand"),
		.ErrorCode = str_c(c->error->code),
		.ErrorMessage = c->error_message,
		.LaunchTemplateAndOverrides = ec2_fleet_pool_shown(c, row, p->config, p->override)
	};
	*l = (struct ec2_describe_fleet_error_list){ v, l->n + 1, true };
}

static void
member_add(struct ec2_fleet_row *row, const struct pool *p, bool spot, struct str instance)
{
	row->Members.v[row->Members.n++] = (struct ec2_fleet_member){ .InstanceId = instance,
		.Spot = OPT_BOOL(spot),
		.Weight = OPT_F64(p->weight),
		.Config = OPT_I64(p->config),
		.Override = OPT_I64(p->override) };
}

/* Room for as many as one look launches. */
static void
members_reserve(struct call *c, struct ec2_fleet_member_list *l)
{
	struct ec2_fleet_member *v =
		arena_array(c->arena, struct ec2_fleet_member, l->n + LAUNCHES_MAX);
	if (l->n)
		memcpy(v, l->v, l->n * sizeof(*v));
	l->v = v;
	l->set = true;
}

/* Those that ended leave; what the others amount to. */
static double
capacity_of(struct call *c, struct ec2_fleet_row *row, bool spot)
{
	double sum = 0;
	uint32_t kept = 0;
	struct ec2_fleet_member_list *l = &row->Members;
	for (uint32_t i = 0; i < l->n; i++) {
		struct ec2_instance *x;
		bool lives = ec2_fleet_member_lives(c, &l->v[i], &x);
		if (lives && l->v[i].Spot.v == spot)
			sum += l->v[i].Weight.v;
		if (lives)
			l->v[kept++] = l->v[i];
	}
	l->n = kept;
	return sum;
}

static void
fill_side(struct call *c, struct ec2_fleet_row *row, bool spot, double target, struct str strategy)
{
	struct pools pools;
	double have = capacity_of(c, row, spot);
	struct pool *p;
	if (have >= target)
		return;
	pools_make(c, row, spot, &pools);
	members_reserve(c, &row->Members);
	for (unsigned launches = 0;
		have < target && launches < LAUNCHES_MAX && (p = pool_choose(&pools, strategy));
		launches++) {
		struct ec2_run_instances_in in;
		struct ec2_run_instances_out out = { 0 };
		int64_t max;
		/* What a price refuses is refused before anything is made. */
		bool fits =
			!spot || ec2_spot_check(c, p->type, p->zone,
					 p->over ? p->over->MaxPrice : STR_NULL, &max) == CALL_OK;
		launch_input(c, row, p, spot, &in);
		if (fits && ec2_run_instances(c, &in, &out) == CALL_OK && out.Instances.n) {
			member_add(row, p, spot, out.Instances.v[0].InstanceId);
			have += p->weight;
			p->launched++;
			continue;
		}
		error_note(c, row, p, spot);
		p->refused = true;
	}
}

/* The youngest go first. */
static void
shrink_side(struct call *c, struct ec2_fleet_row *row, bool spot, double target)
{
	double have = capacity_of(c, row, spot);
	for (uint32_t i = row->Members.n; i-- > 0;) {
		struct ec2_fleet_member *m = &row->Members.v[i];
		struct ec2_instance_row *x = ec2_get(c, &ec2_instance_kind, m->InstanceId);
		if (m->Spot.v != spot || !x || have - m->Weight.v < target)
			continue;
		ec2_instance_terminate(
			c, x, STR("Client.FleetInitiatedShutdown: the fleet's target was lowered"));
		have -= m->Weight.v;
	}
}

int
ec2_fleet_fill(struct call *c, struct ec2_fleet_row *row)
{
	struct ec2_fleet_data *f = row->FleetData;
	const struct ec2_target_capacity_specification *t = f->TargetCapacitySpecification;
	struct str spot = f->SpotOptions ? f->SpotOptions->AllocationStrategy : STR_NULL,
		   demand = f->OnDemandOptions ? f->OnDemandOptions->AllocationStrategy : STR_NULL;
	f->Errors = (struct ec2_describe_fleet_error_list){ .set = true };
	if (str_is(f->ExcessCapacityTerminationPolicy, "termination")) {
		shrink_side(c, row, false, (double)t->OnDemandTargetCapacity.v);
		shrink_side(c, row, true, (double)t->SpotTargetCapacity.v);
	}
	fill_side(c, row, false, (double)t->OnDemandTargetCapacity.v, demand);
	fill_side(c, row, true, (double)t->SpotTargetCapacity.v,
		spot.len ? spot : STR("lowest-price"));
	f->ActivityStatus = f->Errors.n ? STR("error") : STR("fulfilled");
	return CALL_OK;
}

void
ec2_fleet_end(struct call *c, struct ec2_fleet_row *row, bool instances)
{
	for (uint32_t i = 0; instances && i < row->Members.n; i++) {
		struct ec2_instance_row *x =
			ec2_get(c, &ec2_instance_kind, row->Members.v[i].InstanceId);
		if (x && !ec2_state_is(x, EC2_TERMINATED) && !ec2_state_is(x, EC2_SHUTTING_DOWN))
			ec2_instance_terminate(
				c, x, STR("Client.FleetDeleted: the fleet was deleted"));
	}
	row->FleetData->FleetState =
		instances ? STR("deleted_terminating") : STR("deleted_running");
	ec2_fleet_look(c, row->FleetData->FleetId, c->now_ms + LOOK_MS);
}

/* ---- on the clock */

void
ec2_fleet_look(struct call *c, struct str id, int64_t at_ms)
{
	struct str key = arena_printf(
		c->arena, "%.*s/%.*s/%.*s", STR_FMT(c->region), STR_FMT(c->account), STR_FMT(id));
	due_add(c->tx, STR(KIND_LOOK), key, at_ms, STR(""));
}

static void
look_at(struct call *c, struct ec2_fleet_row *row)
{
	struct ec2_fleet_data *f = row->FleetData;
	if (str_starts(f->FleetState, STR("deleted"))) {
		f->FleetState = STR("deleted");
	} else if (f->ValidUntil.set && c->now_ms >= f->ValidUntil.ms) {
		ec2_fleet_end(c, row, f->TerminateInstancesWithExpiration.v);
	} else {
		f->FleetState = STR("active");
		ec2_fleet_fill(c, row);
		bool again = str_is(f->Type, "maintain") || f->Errors.n || f->ValidUntil.set;
		if (again)
			ec2_fleet_look(c, f->FleetId, c->now_ms + LOOK_MS);
	}
	ec2_put(c, &ec2_fleet_kind, f->FleetId, row);
}

static int
look(struct tx *t, struct str id, int64_t due_ms, struct str payload, void *arg)
{
	struct arena a;
	struct call c;
	(void)payload, (void)arg;
	arena_init(&a);
	struct str rest = arena_dup(&a, id), region = str_cut(&rest, '/'),
		   account = str_cut(&rest, '/');
	ec2_inner_call(&c, t, &a, region, account);
	c.now_ms = due_ms;
	struct ec2_fleet_row *row = ec2_get(&c, &ec2_fleet_kind, rest);
	if (row)
		look_at(&c, row);
	arena_done(&a);
	return 0;
}

static void
fleets_start(struct store *s)
{
	(void)s;
	due_handle(KIND_LOOK, look, NULL);
}
EC2_START(fleets_start);
