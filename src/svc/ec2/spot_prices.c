/* The history of spot prices: told from the function that makes them, newest first. */
#include "svc/ec2/instance_types.h"
#include "svc/ec2/prices.h"
#include "svc/ec2/resource.h"
#include "svc/ec2/zones.h"

#define PAGE 1000
#define LOOKED_AT_MAX 100000 /* prices for one reply, shown or not */
#define KEPT_MS (INT64_C(90) * 86400000)

static const struct ec2_filter_rule filters[] = { { "availability-zone", "AvailabilityZone", NULL },
	{ "availability-zone-id", "AvailabilityZoneId", NULL },
	{ "instance-type", "InstanceType", NULL },
	{ "product-description", "ProductDescription", NULL }, { "spot-price", "SpotPrice", NULL },
	{ "timestamp", "Timestamp", NULL }, { NULL, NULL, NULL } };
/* For the filters' sake: a kind whose items are prices. */
static const struct field price_field = { .shape = &ec2_spot_price_shape };
static const struct shape price_row = { .fields = &price_field, .fields_n = 1 };
static const struct ec2_kind price_kind = { .row = &price_row, .filters = filters };

struct asked {
	const struct ec2_describe_spot_price_history_in *in;
	struct ec2_describe_spot_price_history_out *out;
	int zone;
	int64_t from_ms, to_ms;
	uint64_t skip, at;
	uint32_t limit;
};

static bool
listed(const struct list_str *l, struct str s)
{
	bool found = !l->n;
	for (uint32_t i = 0; i < l->n; i++)
		found |= str_eq(l->v[i], s);
	return found;
}

/* false: the page is full. */
static bool
tell(struct call *c, struct asked *a, const struct ec2_instance_type *t, uint32_t zone,
	int64_t at_ms)
{
	struct ec2_spot_price p = { .InstanceType = str_c(t->name),
		.ProductDescription = STR("Linux/UNIX"),
		.Timestamp = OPT_TIME(at_ms) };
	if (a->at++ < a->skip)
		return true;
	p.AvailabilityZone = ec2_zone_name(c->arena, c->region, zone);
	p.AvailabilityZoneId = ec2_zone_id(c->arena, c->region, zone);
	p.SpotPrice =
		ec2_price_text(c->arena, ec2_price_spot(c->region, zone, str_c(t->name), at_ms));
	if (a->out->SpotPriceHistory.n == a->limit || a->at - a->skip > LOOKED_AT_MAX) {
		a->out->NextToken = ec2_page_token(
			c, arena_printf(c->arena, "%llu", (unsigned long long)a->at - 1));
		return false;
	}
	if (ec2_filters_pass(c, &price_kind, &a->in->Filters, STR_NULL, NULL, &p))
		a->out->SpotPriceHistory.v[a->out->SpotPriceHistory.n++] = p;
	return true;
}

static bool
step_tell(struct call *c, struct asked *a, int64_t at_ms)
{
	for (uint32_t i = 0; i < ec2_instance_types_n; i++) {
		const struct ec2_instance_type *t = &ec2_instance_types[i];
		if (!listed(&a->in->InstanceTypes, str_c(t->name)) ||
			!ec2_price_on_demand(c->region, str_c(t->name)))
			continue;
		for (uint32_t z = 0; z < ec2_zones_n(c->region); z++)
			if ((a->zone < 0 || (uint32_t)a->zone == z) &&
				ec2_instance_type_offered(c->region, z, t) &&
				!tell(c, a, t, z, at_ms))
				return false;
	}
	return true;
}

int
ec2_describe_spot_price_history(struct call *c, const struct ec2_describe_spot_price_history_in *in,
	struct ec2_describe_spot_price_history_out *out)
{
	struct asked a = { .in = in,
		.out = out,
		.limit = in->MaxResults.set ? (uint32_t)in->MaxResults.v : PAGE };
	struct str after;
	if (a.limit < 1 || a.limit > PAGE)
		return call_fail(c, &EC2_InvalidParameterValue,
			"MaxResults must be between 1 and %d.", PAGE);
	if (ec2_filters_check(c, &price_kind, &in->Filters) != CALL_OK ||
		ec2_page_begin(c, in->NextToken, &after) != CALL_OK ||
		ec2_zone_asked(c, in->AvailabilityZone, in->AvailabilityZoneId, &a.zone) != CALL_OK)
		return CALL_FAILED;
	if (after.p && !str_to_u64(after, &a.skip))
		return call_fail(
			c, &EC2_InvalidPaginationToken, "Unable to parse pagination token");
	a.to_ms = in->EndTime.set && in->EndTime.ms < c->now_ms ? in->EndTime.ms : c->now_ms;
	a.from_ms = in->StartTime.set ? in->StartTime.ms : a.to_ms;
	if (a.from_ms < c->now_ms - KEPT_MS)
		a.from_ms = c->now_ms - KEPT_MS;
	out->SpotPriceHistory.v = arena_array(c->arena, struct ec2_spot_price, a.limit);
	out->SpotPriceHistory.set = true;
	if (!listed(&in->ProductDescriptions, STR("Linux/UNIX")) &&
		!listed(&in->ProductDescriptions, STR("Linux/UNIX (Amazon VPC)")))
		return CALL_OK;
	/* The price that was in force when the span began is part of it, as on AWS. */
	for (int64_t at = a.to_ms / EC2_SPOT_STEP_MS * EC2_SPOT_STEP_MS;
		at > a.from_ms - EC2_SPOT_STEP_MS && at >= 0; at -= EC2_SPOT_STEP_MS)
		if (!step_tell(c, &a, at))
			break;
	return CALL_OK;
}
