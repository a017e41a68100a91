/* Regions and zones: facts, and the failed ones. */
#include "svc/ec2/zones.h"

#include "base/buf.h"
#include "svc/ec2/interfaces.h"
#include "svc/ec2/resource.h"

/* In an account of AWS the letters are dealt out at random over the ids; here in order. */
const struct ec2_region_fact ec2_regions[] = {
	{ "af-south-1", "Cape Town", "afs1", "123", true },
	{ "ap-east-1", "Hong Kong", "ape1", "123", true },
	{ "ap-east-2", "Taipei", "ape2", "123", true },
	{ "ap-northeast-1", "Tokyo", "apne1", "412", false },
	{ "ap-northeast-2", "Seoul", "apne2", "1234", false },
	{ "ap-northeast-3", "Osaka", "apne3", "123", false },
	{ "ap-south-1", "Mumbai", "aps1", "132", false },
	{ "ap-south-2", "Hyderabad", "aps2", "123", true },
	{ "ap-southeast-1", "Singapore", "apse1", "123", false },
	{ "ap-southeast-2", "Sydney", "apse2", "123", false },
	{ "ap-southeast-3", "Jakarta", "apse3", "123", true },
	{ "ap-southeast-4", "Melbourne", "apse4", "123", true },
	{ "ap-southeast-5", "Malaysia", "apse5", "123", true },
	{ "ap-southeast-6", "New Zealand", "apse6", "123", true },
	{ "ap-southeast-7", "Thailand", "apse7", "123", true },
	{ "ca-central-1", "Canada (Central)", "cac1", "124", false },
	{ "ca-west-1", "Calgary", "caw1", "123", true },
	{ "cn-north-1", "Beijing", "cnn1", "124", false },
	{ "cn-northwest-1", "Ningxia", "cnnw1", "123", false },
	{ "eu-central-1", "Frankfurt", "euc1", "231", false },
	{ "eu-central-2", "Zurich", "euc2", "123", true },
	{ "eu-north-1", "Stockholm", "eun1", "123", false },
	{ "eu-south-1", "Milan", "eus1", "123", true },
	{ "eu-south-2", "Spain", "eus2", "123", true },
	{ "eu-west-1", "Ireland", "euw1", "123", false },
	{ "eu-west-2", "London", "euw2", "231", false },
	{ "eu-west-3", "Paris", "euw3", "123", false },
	{ "il-central-1", "Tel Aviv", "ilc1", "123", true },
	{ "me-central-1", "UAE", "mec1", "123", true },
	{ "me-south-1", "Bahrain", "mes1", "123", true },
	{ "mx-central-1", "Mexico (Central)", "mxc1", "123", true },
	{ "sa-east-1", "Sao Paulo", "sae1", "123", false },
	{ "us-east-1", "N. Virginia", "use1", "123456", false },
	{ "us-east-2", "Ohio", "use2", "123", false },
	{ "us-gov-east-1", "AWS GovCloud (US-East)", "usge1", "123", false },
	{ "us-gov-west-1", "AWS GovCloud (US-West)", "usgw1", "123", false },
	{ "us-west-1", "N. California", "usw1", "13", false },
	{ "us-west-2", "Oregon", "usw2", "1234", false },
	{ NULL, NULL, NULL, NULL, false },
};

const struct ec2_region_fact *
ec2_region_find(struct str region)
{
	for (const struct ec2_region_fact *r = ec2_regions; r->name; r++)
		if (str_eq(str_c(r->name), region))
			return r;
	return NULL;
}

uint32_t
ec2_zones_n(struct str region)
{
	const struct ec2_region_fact *r = ec2_region_find(region);
	return r ? (uint32_t)strlen(r->zones) : 3;
}

struct str
ec2_zone_name(struct arena *a, struct str region, uint32_t zone)
{
	return arena_printf(a, "%.*s%c", STR_FMT(region), (int)('a' + zone));
}

struct str
ec2_zone_id(struct arena *a, struct str region, uint32_t zone)
{
	const struct ec2_region_fact *r = ec2_region_find(region);
	return r ? arena_printf(a, "%s-az%c", r->ids, r->zones[zone])
		 : arena_printf(a, "%.*s-az%u", STR_FMT(region), zone + 1);
}

int
ec2_zone_find(struct arena *a, struct str region, struct str name_or_id)
{
	for (uint32_t z = 0; z < ec2_zones_n(region); z++)
		if (str_eq(ec2_zone_name(a, region, z), name_or_id) ||
			str_eq(ec2_zone_id(a, region, z), name_or_id))
			return (int)z;
	return -1;
}

int
ec2_zone_asked(struct call *c, struct str name, struct str id, int *ret_zone)
{
	*ret_zone = -1;
	if (name.len && id.len)
		return call_fail(c, &EC2_InvalidParameterCombination,
			"The parameter AvailabilityZone cannot be used with the parameter "
			"AvailabilityZoneId");
	if (!name.len && !id.len)
		return CALL_OK;
	struct str asked = name.len ? name : id;
	*ret_zone = ec2_zone_find(c->arena, c->region, asked);
	if (*ret_zone < 0)
		return call_fail(c, &EC2_InvalidParameterValue,
			"Value (%.*s) for parameter %s is invalid. It is not a zone of %.*s.",
			STR_FMT(asked), name.len ? "availabilityZone" : "availabilityZoneId",
			STR_FMT(c->region));
	return CALL_OK;
}

static void
failed_key(struct key *k, struct str region)
{
	key_begin(k);
	key_add_raw(k, STR("z"));
	key_add(k, region);
}

uint32_t
ec2_zones_failed(struct tx *t, struct str region)
{
	struct key k;
	struct str v;
	failed_key(&k, region);
	return tx_get(t, store_rows(tx_store(t), "ec2"), key_str(&k), &v) && v.len == 1
		       ? (uint8_t)v.p[0]
		       : 0;
}

void
ec2_zone_fail(struct tx *t, struct str region, uint32_t zone, bool failed)
{
	struct key k;
	uint32_t now = ec2_zones_failed(t, region);
	now = failed ? now | 1u << zone : now & ~(1u << zone);
	failed_key(&k, region);
	char byte = (char)now;
	if (now)
		tx_put(t, store_rows(tx_store(t), "ec2"), key_str(&k), str_of(&byte, 1));
	else
		tx_delete(t, store_rows(tx_store(t), "ec2"), key_str(&k));
	ec2_network_mark_region(t, region);
}
