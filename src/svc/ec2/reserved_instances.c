/*
 * Reserved instances: a price, not a machine. Offerings are not stored: every type times term,
 * payment and class, under an id that follows from them; purchases are rows that bills look at.
 */
#include "base/digest.h"
#include "base/text.h"
#include "svc/ec2/instance_types.h"
#include "svc/ec2/prices.h"
#include "svc/ec2/resource.h"

#define YEAR_S INT64_C(31536000)
#define PAGE 100
#define INSTANCES_MAX 500
#define VARIANTS 12 /* of a type: two terms, three payments, two classes */

static const struct ec2_filter_rule filters[] = { { "availability-zone", "AvailabilityZone", NULL },
	{ "duration", "Duration", NULL }, { "end", "End", NULL },
	{ "fixed-price", "FixedPrice", NULL }, { "instance-type", "InstanceType", NULL },
	{ "scope", "Scope", NULL }, { "product-description", "ProductDescription", NULL },
	{ "reserved-instances-id", "ReservedInstancesId", NULL }, { "start", "Start", NULL },
	{ "state", "State", NULL }, { "usage-price", "UsagePrice", NULL }, { NULL, NULL, NULL } };

/* Ids are UUIDs: no prefix tells them apart, and only what was bought has a row. */
static const struct ec2_kind reserved_kind = {
	.type = "reserved-instances",
	.prefix = "reserved instances ",
	.row = &ec2_reserved_instances_row_shape,
	.unknown = &EC2_InvalidReservedInstancesId,
	.unknown_text = "The ID '%.*s' does not exist",
	.filters = filters,
};

static const char *const payments[] = { "No Upfront", "Partial Upfront", "All Upfront" };

/* Made of what it offers, so that it is the same tomorrow. */
static struct str
offering_id(struct call *c, const char *type, unsigned variant)
{
	unsigned char sum[32];
	struct str text =
		arena_printf(c->arena, "offering %.*s %s %u", STR_FMT(c->region), type, variant);
	sha256(text, sum);
	struct str hex = hex_text(c->arena, str_of(sum, 16));
	return arena_printf(c->arena, "%.*s-%.*s-%.*s-%.*s-%.*s", 8, hex.p, 4, hex.p + 8, 4,
		hex.p + 12, 4, hex.p + 16, 12, hex.p + 20);
}

static void
offering_fill(struct call *c, const struct ec2_instance_type *t, unsigned variant,
	struct ec2_reserved_instances_offering *o)
{
	int years = variant & 1 ? 3 : 1, payment = (int)(variant >> 1) % 3;
	bool convertible = variant >= 6;
	double hour = (double)ec2_price_on_demand(c->region, str_c(t->name)) *
		      (double)ec2_price_reserved_share(years, payment, convertible) / 1e12;
	double hours = (double)years * 8760, upfront = payment == 2   ? hour * hours
						       : payment == 1 ? hour * hours / 2
								      : 0;
	memset(o, 0, sizeof(*o));
	o->ReservedInstancesOfferingId = offering_id(c, t->name, variant);
	o->InstanceType = str_c(t->name);
	o->CurrencyCode = STR("USD");
	o->InstanceTenancy = STR("default");
	o->Marketplace = OPT_BOOL(false);
	o->OfferingClass = convertible ? STR("convertible") : STR("standard");
	o->OfferingType = str_c(payments[payment]);
	o->Scope = STR("Region");
	o->Duration = OPT_I64(years * YEAR_S);
	o->UsagePrice = OPT_F64(0);
	o->FixedPrice = OPT_F64((double)(int64_t)(upfront + 0.5));
	o->ProductDescription = STR("Linux/UNIX");
	o->RecurringCharges.v = arena_new(c->arena, struct ec2_recurring_charge);
	o->RecurringCharges.v->Amount = OPT_F64(payment == 2 ? 0 : payment == 1 ? hour / 2 : hour);
	o->RecurringCharges.v->Frequency = STR("Hourly");
	o->RecurringCharges.n = 1;
	o->RecurringCharges.set = true;
}

static bool
wanted(const struct ec2_describe_reserved_instances_offerings_in *in,
	const struct ec2_reserved_instances_offering *o)
{
	bool listed = !in->ReservedInstancesOfferingIds.n;
	for (uint32_t i = 0; i < in->ReservedInstancesOfferingIds.n; i++)
		listed |= str_eq(
			in->ReservedInstancesOfferingIds.v[i], o->ReservedInstancesOfferingId);
	return listed && (!in->InstanceType.len || str_eq(in->InstanceType, o->InstanceType)) &&
	       (!in->OfferingClass.len || str_eq(in->OfferingClass, o->OfferingClass)) &&
	       (!in->OfferingType.len || str_eq(in->OfferingType, o->OfferingType)) &&
	       (!in->ProductDescription.len ||
		       str_eq(in->ProductDescription, o->ProductDescription)) &&
	       (!in->InstanceTenancy.len || str_eq(in->InstanceTenancy, o->InstanceTenancy)) &&
	       (!in->MinDuration.set || o->Duration.v >= in->MinDuration.v) &&
	       (!in->MaxDuration.set || o->Duration.v <= in->MaxDuration.v) &&
	       !in->AvailabilityZone.len;
}

static const struct ec2_filter_rule offering_filters[] = { { "availability-zone",
								   "AvailabilityZone", NULL },
	{ "duration", "Duration", NULL }, { "fixed-price", "FixedPrice", NULL },
	{ "instance-type", "InstanceType", NULL }, { "marketplace", "Marketplace", NULL },
	{ "product-description", "ProductDescription", NULL },
	{ "reserved-instances-offering-id", "ReservedInstancesOfferingId", NULL },
	{ "scope", "Scope", NULL }, { "usage-price", "UsagePrice", NULL }, { NULL, NULL, NULL } };
/* For the filters' sake: a kind whose items are offerings. */
static const struct field offering_field = { .shape = &ec2_reserved_instances_offering_shape };
static const struct shape offering_row = { .fields = &offering_field, .fields_n = 1 };
static const struct ec2_kind offering_kind = { .row = &offering_row, .filters = offering_filters };

int
ec2_describe_reserved_instances_offerings(struct call *c,
	const struct ec2_describe_reserved_instances_offerings_in *in,
	struct ec2_describe_reserved_instances_offerings_out *out)
{
	uint32_t limit = in->MaxResults.set ? (uint32_t)in->MaxResults.v : PAGE, at = 0;
	uint64_t from = 0;
	struct str after;
	if (in->MaxResults.set && (in->MaxResults.v < 5 || in->MaxResults.v > 1000))
		return call_fail(
			c, &EC2_InvalidParameterValue, "MaxResults must be between 5 and 1000.");
	if (ec2_filters_check(c, &offering_kind, &in->Filters) != CALL_OK ||
		ec2_page_begin(c, in->NextToken, &after) != CALL_OK)
		return CALL_FAILED;
	if (after.p && !str_to_u64(after, &from))
		return call_fail(
			c, &EC2_InvalidPaginationToken, "Unable to parse pagination token");
	out->ReservedInstancesOfferings.v =
		arena_array(c->arena, struct ec2_reserved_instances_offering, limit);
	out->ReservedInstancesOfferings.set = true;
	for (uint32_t t = 0; t < ec2_instance_types_n; t++)
		for (unsigned v = 0; v < VARIANTS; v++, at++) {
			struct ec2_reserved_instances_offering o;
			if (at < from)
				continue;
			if (in->InstanceType.len &&
				!str_eq(in->InstanceType, str_c(ec2_instance_types[t].name)))
				continue;
			offering_fill(c, &ec2_instance_types[t], v, &o);
			if (!wanted(in, &o) || !ec2_filters_pass(c, &offering_kind, &in->Filters,
						       STR_NULL, NULL, &o))
				continue;
			if (out->ReservedInstancesOfferings.n == limit) {
				out->NextToken =
					ec2_page_token(c, arena_printf(c->arena, "%u", at));
				return CALL_OK;
			}
			out->ReservedInstancesOfferings.v[out->ReservedInstancesOfferings.n++] = o;
		}
	return CALL_OK;
}

static bool
offering_find(struct call *c, struct str id, struct ec2_reserved_instances_offering *ret)
{
	for (uint32_t t = 0; t < ec2_instance_types_n; t++)
		for (unsigned v = 0; v < VARIANTS; v++)
			if (str_eq(offering_id(c, ec2_instance_types[t].name, v), id)) {
				offering_fill(c, &ec2_instance_types[t], v, ret);
				return true;
			}
	return false;
}

int
ec2_purchase_reserved_instances_offering(struct call *c,
	const struct ec2_purchase_reserved_instances_offering_in *in,
	struct ec2_purchase_reserved_instances_offering_out *out)
{
	struct ec2_reserved_instances_offering o;
	struct ec2_reserved_instances_row row = { .ReservedInstances = arena_new(
							  c->arena, struct ec2_reserved_instances),
		.Offering = in->ReservedInstancesOfferingId };
	struct ec2_reserved_instances *r = row.ReservedInstances;
	if (!offering_find(c, in->ReservedInstancesOfferingId, &o))
		return call_fail(c, &EC2_InvalidReservedInstancesOfferingId,
			"The ID '%.*s' does not exist", STR_FMT(in->ReservedInstancesOfferingId));
	if (in->InstanceCount.v < 1)
		return call_fail(
			c, &EC2_InvalidParameterValue, "The instance count must be at least 1.");
	if (in->InstanceCount.v > INSTANCES_MAX)
		return call_fail(c, &EC2_ReservedInstancesLimitExceeded,
			"At most %d can be reserved at once.", INSTANCES_MAX);
	if (in->LimitPrice && in->LimitPrice->Amount.set &&
		o.FixedPrice.v * (double)in->InstanceCount.v > in->LimitPrice->Amount.v)
		return call_fail(c, &EC2_InvalidParameterValue,
			"The price is above the limit that the request sets.");
	int64_t start = in->PurchaseTime.set && in->PurchaseTime.ms > c->now_ms
				? in->PurchaseTime.ms
				: c->now_ms;
	r->ReservedInstancesId = call_uuid(c);
	r->CurrencyCode = o.CurrencyCode;
	r->InstanceTenancy = o.InstanceTenancy;
	r->OfferingClass = o.OfferingClass;
	r->OfferingType = o.OfferingType;
	r->RecurringCharges = o.RecurringCharges;
	r->Scope = o.Scope;
	r->InstanceType = o.InstanceType;
	r->Start = OPT_TIME(start);
	r->End = OPT_TIME(start + o.Duration.v * 1000);
	r->Duration = o.Duration;
	r->UsagePrice = o.UsagePrice;
	r->FixedPrice = o.FixedPrice;
	r->InstanceCount = in->InstanceCount;
	r->ProductDescription = o.ProductDescription;
	ec2_put(c, &reserved_kind, r->ReservedInstancesId, &row);
	out->ReservedInstancesId = r->ReservedInstancesId;
	return CALL_OK;
}

/* Its state follows from the clock. */
static void
state_show(struct call *c, struct ec2_reserved_instances *r)
{
	r->State = c->now_ms < r->Start.ms ? STR("queued")
		   : c->now_ms < r->End.ms ? STR("active")
					   : STR("retired");
}

int
ec2_describe_reserved_instances(struct call *c, const struct ec2_describe_reserved_instances_in *in,
	struct ec2_describe_reserved_instances_out *out)
{
	struct ec2_walk w;
	struct ec2_reserved_instances_row *row;
	uint32_t cap = 0, found = 0;
	if (ec2_filters_check(c, &reserved_kind, &in->Filters) != CALL_OK)
		return CALL_FAILED;
	for (uint32_t i = 0; i < in->ReservedInstancesIds.n; i++)
		if (!ec2_get(c, &reserved_kind, in->ReservedInstancesIds.v[i]))
			return call_fail(c, &EC2_InvalidReservedInstancesId,
				"The ID '%.*s' does not exist",
				STR_FMT(in->ReservedInstancesIds.v[i]));
	ec2_walk_begin(&w, c, &reserved_kind);
	while (ec2_walk_next(&w))
		cap++;
	out->ReservedInstances.v = arena_array(c->arena, struct ec2_reserved_instances, cap);
	out->ReservedInstances.set = true;
	ec2_walk_begin(&w, c, &reserved_kind);
	while ((row = ec2_walk_next(&w))) {
		struct ec2_reserved_instances *r = row->ReservedInstances;
		bool listed = !in->ReservedInstancesIds.n;
		for (uint32_t i = 0; i < in->ReservedInstancesIds.n; i++)
			listed |= str_eq(in->ReservedInstancesIds.v[i], r->ReservedInstancesId);
		state_show(c, r);
		ec2_tags_get(c, r->ReservedInstancesId, &r->Tags);
		if (listed &&
			(!in->OfferingClass.len || str_eq(in->OfferingClass, r->OfferingClass)) &&
			(!in->OfferingType.len || str_eq(in->OfferingType, r->OfferingType)) &&
			ec2_filters_pass(
				c, &reserved_kind, &in->Filters, r->ReservedInstancesId, row, r))
			out->ReservedInstances.v[found++] = *r;
	}
	out->ReservedInstances.n = found;
	return CALL_OK;
}
