/* What an account sees of the cloud itself: regions, zones, its attributes. */
#include "svc/ec2/network_rows.h"
#include "svc/ec2/resource.h"
#include "svc/ec2/zones.h"

#include "base/text.h"

/* A list of facts is filtered like rows are. */
static bool
facts_pass(const struct ec2_filter_list *filters,
	struct str (*member)(const void *item, struct str name), const void *item)
{
	for (uint32_t i = 0; i < filters->n; i++) {
		struct str value = member(item, filters->v[i].Name);
		bool pass = false;
		for (uint32_t j = 0; j < filters->v[i].Values.n; j++)
			pass |= value.p && ec2_glob(filters->v[i].Values.v[j], value);
		if (!pass)
			return false;
	}
	return true;
}

static int
facts_check(struct call *c, const struct ec2_filter_list *filters, const char *const *names)
{
	for (uint32_t i = 0; i < filters->n; i++) {
		unsigned k = 0;
		while (names[k] && !str_eq(filters->v[i].Name, str_c(names[k])))
			k++;
		if (!names[k])
			return call_fail(c, &EC2_InvalidParameterValue,
				"The filter '%.*s' is invalid", STR_FMT(filters->v[i].Name));
	}
	return CALL_OK;
}

static bool
named(const struct list_str *l, struct str text)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (str_eq(l->v[i], text))
			return true;
	return false;
}

static struct str
region_member(const void *item, struct str name)
{
	const struct ec2_region *r = item;
	return str_is(name, "region-name") ? r->RegionName
	       : str_is(name, "endpoint")  ? r->Endpoint
					   : r->OptInStatus;
}

static bool
same_partition(struct str region, struct str other)
{
	static const char *const apart[] = { "cn-", "us-gov-" };
	for (unsigned i = 0; i < 2; i++)
		if (str_starts(region, str_c(apart[i])) != str_starts(other, str_c(apart[i])))
			return false;
	return true;
}

/* Every region may be used here, so those to opt in to count as opted in. */
int
ec2_describe_regions(struct call *c, const struct ec2_describe_regions_in *in,
	struct ec2_describe_regions_out *out)
{
	static const char *const names[] = { "region-name", "endpoint", "opt-in-status", NULL };
	if (facts_check(c, &in->Filters, names) != CALL_OK)
		return CALL_FAILED;
	for (uint32_t i = 0; i < in->RegionNames.n; i++)
		if (!ec2_region_find(in->RegionNames.v[i]))
			return ec2_bad_value(
				c, "regionName", in->RegionNames.v[i], "There is no such region.");
	out->Regions.v = arena_array(c->arena, struct ec2_region, 64);
	out->Regions.set = true;
	for (const struct ec2_region_fact *f = ec2_regions; f->name; f++) {
		struct str name = str_c(f->name);
		struct ec2_region *r = &out->Regions.v[out->Regions.n];
		*r = (struct ec2_region){ .RegionName = name,
			.OptInStatus = f->opt_in ? STR("opted-in") : STR("opt-in-not-required"),
			.Endpoint = arena_printf(c->arena, "ec2.%s.amazonaws.com%s", f->name,
				str_starts(name, STR("cn-")) ? ".cn" : "") };
		bool wanted = in->RegionNames.n ? named(&in->RegionNames, name)
						: same_partition(c->region, name);
		out->Regions.n += wanted && facts_pass(&in->Filters, region_member, r);
	}
	return CALL_OK;
}

static struct str
zone_member(const void *item, struct str name)
{
	const struct ec2_availability_zone *z = item;
	return str_is(name, "zone-name")              ? z->ZoneName
	       : str_is(name, "zone-id")              ? z->ZoneId
	       : str_is(name, "state")                ? z->State
	       : str_is(name, "region-name")          ? z->RegionName
	       : str_is(name, "group-name")           ? z->GroupName
	       : str_is(name, "network-border-group") ? z->NetworkBorderGroup
	       : str_is(name, "zone-type")            ? z->ZoneType
	       : str_is(name, "opt-in-status")        ? z->OptInStatus
	       : str_is(name, "message") && z->Messages.n ? z->Messages.v[0].Message
							  : STR_NULL;
}

static void
zone_fill(struct call *c, uint32_t zone, struct ec2_availability_zone *z)
{
	bool failed = ec2_zones_failed(c->tx, c->region) >> zone & 1;
	*z = (struct ec2_availability_zone){ .OptInStatus = STR("opt-in-not-required"),
		.RegionName = c->region,
		.ZoneName = ec2_zone_name(c->arena, c->region, zone),
		.ZoneId = ec2_zone_id(c->arena, c->region, zone),
		.GroupName = arena_printf(c->arena, "%.*s-zg-1", STR_FMT(c->region)),
		.NetworkBorderGroup = c->region,
		.ZoneType = STR("availability-zone"),
		.State = failed ? STR("unavailable") : STR("available") };
	z->Messages.set = true;
	if (failed) {
		z->Messages.v = arena_new(c->arena, struct ec2_availability_zone_message);
		z->Messages.v->Message = STR("The zone has failed; its network is cut.");
		z->Messages.n = 1;
	}
}

int
ec2_describe_availability_zones(struct call *c, const struct ec2_describe_availability_zones_in *in,
	struct ec2_describe_availability_zones_out *out)
{
	static const char *const names[] = { "zone-name", "zone-id", "state", "region-name",
		"group-name", "network-border-group", "zone-type", "opt-in-status", "message",
		"parent-zone-id", "parent-zone-name", NULL };
	if (facts_check(c, &in->Filters, names) != CALL_OK)
		return CALL_FAILED;
	for (uint32_t i = 0; i < in->ZoneNames.n + in->ZoneIds.n; i++) {
		bool by_name = i < in->ZoneNames.n;
		struct str z = by_name ? in->ZoneNames.v[i] : in->ZoneIds.v[i - in->ZoneNames.n];
		if (ec2_zone_find(c->arena, c->region, z) < 0)
			return call_fail(c, &EC2_InvalidParameterValue,
				"Invalid availability zone%s: [%.*s]", by_name ? "" : "-id",
				STR_FMT(z));
	}
	out->AvailabilityZones.v =
		arena_array(c->arena, struct ec2_availability_zone, EC2_ZONES_MAX);
	out->AvailabilityZones.set = true;
	for (uint32_t i = 0; i < ec2_zones_n(c->region); i++) {
		struct ec2_availability_zone *z =
			&out->AvailabilityZones.v[out->AvailabilityZones.n];
		zone_fill(c, i, z);
		if ((in->ZoneNames.n && !named(&in->ZoneNames, z->ZoneName)) ||
			(in->ZoneIds.n && !named(&in->ZoneIds, z->ZoneId)))
			continue;
		out->AvailabilityZones.n += facts_pass(&in->Filters, zone_member, z);
	}
	return CALL_OK;
}

int
ec2_describe_account_attributes(struct call *c, const struct ec2_describe_account_attributes_in *in,
	struct ec2_describe_account_attributes_out *out)
{
	struct ec2_vpc *vpc = ec2_default_vpc(c);
	const struct {
		const char *name;
		struct str value;
	} all[] = {
		{ "supported-platforms", STR("VPC") },
		{ "vpc-max-security-groups-per-interface", STR("5") },
		{ "max-elastic-ips", STR("5") },
		{ "max-instances", STR("20") },
		{ "vpc-max-elastic-ips", STR("5") },
		{ "default-vpc", vpc ? vpc->VpcId : STR("none") },
	};
	size_t n = sizeof(all) / sizeof(all[0]);
	out->AccountAttributes.v = arena_array(c->arena, struct ec2_account_attribute, n);
	out->AccountAttributes.set = true;
	for (size_t i = 0; i < n; i++) {
		if (in->AttributeNames.n && !named(&in->AttributeNames, str_c(all[i].name)))
			continue;
		struct ec2_account_attribute_value *v =
			arena_new(c->arena, struct ec2_account_attribute_value);
		v->AttributeValue = all[i].value;
		struct ec2_account_attribute *a =
			&out->AccountAttributes.v[out->AccountAttributes.n++];
		a->AttributeName = str_c(all[i].name);
		a->AttributeValues.v = v;
		a->AttributeValues.n = 1;
		a->AttributeValues.set = true;
	}
	return CALL_OK;
}
