#include "svc/ec2/prices.h"

#include <math.h>

#define PERIOD_H 24

/* Facts of AWS's public price list: Linux, us-east-1, an hour of the size "large" (two vCPUs), in
 * millionths of a dollar. Larger sizes cost in proportion to their vCPUs. */
static const struct {
	const char *family;
	int64_t large;
} families[] = {
	{ "c4", 100000 },
	{ "c5", 85000 },
	{ "c5a", 77000 },
	{ "c6a", 76500 },
	{ "c6g", 68000 },
	{ "c6i", 85000 },
	{ "c7g", 72500 },
	{ "c7i", 89250 },
	{ "i3", 156000 },
	{ "i3en", 226000 },
	{ "i4i", 172000 },
	{ "m4", 100000 },
	{ "m5", 96000 },
	{ "m5a", 86000 },
	{ "m6a", 86400 },
	{ "m6g", 77000 },
	{ "m6i", 96000 },
	{ "m7g", 81600 },
	{ "m7i", 100800 },
	{ "r4", 133000 },
	{ "r5", 126000 },
	{ "r5a", 113000 },
	{ "r6g", 100800 },
	{ "r6i", 126000 },
	{ "r7g", 107100 },
	{ "r7i", 132300 },
	{ "t2", 92800 },
	{ "t3", 83200 },
	{ "t3a", 75200 },
	{ "t4g", 67200 },
};
/* Those that go by no such rule. */
static const struct {
	const char *type;
	int64_t price;
} singles[] = {
	{ "g4dn.xlarge", 526000 },
	{ "g4dn.2xlarge", 752000 },
	{ "g4dn.4xlarge", 1204000 },
	{ "g4dn.8xlarge", 2176000 },
	{ "g4dn.12xlarge", 3912000 },
	{ "g4dn.16xlarge", 4352000 },
	{ "g4dn.metal", 7824000 },
	{ "t2.nano", 5800 },
	{ "t2.micro", 11600 },
	{ "t2.small", 23000 },
	{ "t2.medium", 46400 },
};
/* Sizes as multiples of large, in 64ths. */
static const struct {
	const char *size;
	int64_t parts;
} sizes[] = { { "nano", 4 }, { "micro", 8 }, { "small", 16 }, { "medium", 32 }, { "large", 64 },
	{ "xlarge", 128 } };

/* What a region's prices are to those of us-east-1, in hundredths; others as the last. */
static const struct {
	const char *region;
	int64_t percent;
} regions[] = { { "us-east-1", 100 }, { "us-east-2", 100 }, { "us-west-2", 100 },
	{ "us-west-1", 117 }, { "eu-west-1", 111 }, { "eu-central-1", 120 }, { "eu-north-1", 106 },
	{ "ap-northeast-1", 129 }, { "ap-northeast-2", 123 }, { "ap-southeast-1", 125 },
	{ "ap-south-1", 105 }, { "sa-east-1", 159 }, { NULL, 115 } };

static int64_t
size_parts(struct str size, struct str family)
{
	uint64_t n;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (str_eq(str_c(sizes[i].size), size))
			return sizes[i].parts;
	if (str_ends(size, STR("xlarge")) && str_to_u64(str_slice(size, 0, size.len - 6), &n) &&
		n <= 64)
		return 128 * (int64_t)n;
	(void)family;
	return 0;
}

int64_t
ec2_price_on_demand(struct str region, struct str type)
{
	struct str size = type, family = str_cut(&size, '.');
	int64_t price = 0;
	size_t r = 0;
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]) && size.p; i++)
		if (str_eq(str_c(families[i].family), family))
			price = families[i].large * size_parts(size, family) / 64;
	for (size_t i = 0; i < sizeof(singles) / sizeof(singles[0]); i++)
		if (str_eq(str_c(singles[i].type), type))
			price = singles[i].price;
	while (regions[r].region && !str_eq(str_c(regions[r].region), region))
		r++;
	return price * regions[r].percent / 100;
}

/* A fixed hash, because the price of yesterday must be the same tomorrow. */
static uint64_t
mix(uint64_t h, struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		h = (h ^ (unsigned char)s.p[i]) * UINT64_C(1099511628211);
	return h;
}

/* 0..1, the same for the same (market, step). */
static double
noise(uint64_t market, int64_t step)
{
	uint64_t h = market ^ ((uint64_t)step * UINT64_C(0x9e3779b97f4a7c15));
	h = (h ^ (h >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	h = (h ^ (h >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (double)((h ^ (h >> 31)) >> 11) / 9007199254740992.0;
}

/* A day's tide, and noise of three lengths; one hour in about two hundred is a peak in which demand
 * exceeds what is there. */
int64_t
ec2_price_spot(struct str region, uint32_t zone, struct str type, int64_t at_ms)
{
	int64_t on_demand = ec2_price_on_demand(region, type), step = at_ms / EC2_SPOT_STEP_MS;
	uint64_t market = mix(mix(UINT64_C(14695981039346656037), region), type) ^
			  (zone * UINT64_C(0xa0761d6478bd642f));
	double share = 0.20 + 0.25 * noise(market, -1);
	share +=
		0.06 * sin(2 * M_PI * (double)(step % PERIOD_H) / PERIOD_H + 6 * noise(market, -2));
	share += 0.08 * noise(market, step / 24) + 0.05 * noise(market + 1, step / 6) +
		 0.02 * noise(market + 2, step);
	if (noise(market + 3, step) > 0.995)
		share = 0.9 + 0.25 * noise(market + 4, step);
	return (int64_t)((double)on_demand * share) / 100 * 100;
}

int64_t
ec2_price_reserved_share(int years, int payment, bool convertible)
{
	/* Typical of the public list: what is paid in all, against on demand. */
	static const int64_t share[2][3] = { { 627000, 597000, 585000 },
		{ 430000, 402000, 378000 } };
	int64_t v = share[years == 3][payment];
	return convertible ? v * 115 / 100 : v;
}

struct str
ec2_price_text(struct arena *a, int64_t micro_usd)
{
	return arena_printf(a, "%lld.%06lld", (long long)(micro_usd / 1000000),
		(long long)(micro_usd % 1000000));
}

bool
ec2_price_parse(struct str text, int64_t *ret_micro_usd)
{
	struct str rest = text, whole = str_cut(&rest, '.');
	uint64_t units = 0, part = 0;
	int64_t scale = 1000000;
	if (text.len > 20 || (whole.len && !str_to_u64(whole, &units)) || units > 1000000 ||
		(!whole.len && !rest.len))
		return false;
	for (size_t i = 0; rest.p && i < rest.len; i++) {
		if (rest.p[i] < '0' || rest.p[i] > '9')
			return false;
		scale /= 10;
		part += (uint64_t)(rest.p[i] - '0') * (uint64_t)scale;
	}
	*ret_micro_usd = (int64_t)(units * 1000000 + part);
	return true;
}
