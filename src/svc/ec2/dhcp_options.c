/* DHCP options: what machines of a network are told of names. */
#include "svc/ec2/interfaces.h"
#include "svc/ec2/network_rows.h"

#define SETS_MAX 100

static bool key_matches(struct call *c, const void *row, const void *item, struct str value);
static bool value_matches(struct call *c, const void *row, const void *item, struct str value);

static const struct ec2_filter_rule filters[] = { { .name = "dhcp-options-id",
							  .path = "DhcpOptionsId" },
	{ .name = "key", .match = key_matches }, { .name = "value", .match = value_matches },
	{ .name = "owner-id", .path = "OwnerId" }, { NULL } };

const struct ec2_kind ec2_dhcp_kind = { .type = "dhcp-options",
	.prefix = "dopt-",
	.row = &ec2_dhcp_options_row_shape,
	.unknown = &EC2_InvalidDhcpOptionsID_NotFound,
	.unknown_text = "The dhcpOption ID '%.*s' does not exist",
	.malformed = &EC2_InvalidDhcpOptionsId_Malformed,
	.filters = filters };
EC2_KIND(ec2_dhcp_kind);

static bool
key_matches(struct call *c, const void *row, const void *item, struct str value)
{
	const struct ec2_dhcp_options *o = item;
	(void)c, (void)row;
	for (uint32_t i = 0; i < o->DhcpConfigurations.n; i++)
		if (ec2_glob(value, o->DhcpConfigurations.v[i].Key))
			return true;
	return false;
}

static bool
value_matches(struct call *c, const void *row, const void *item, struct str value)
{
	const struct ec2_dhcp_options *o = item;
	(void)c, (void)row;
	for (uint32_t i = 0; i < o->DhcpConfigurations.n; i++)
		for (uint32_t j = 0; j < o->DhcpConfigurations.v[i].Values.n; j++)
			if (ec2_glob(value, o->DhcpConfigurations.v[i].Values.v[j].Value))
				return true;
	return false;
}

static void
configure(struct call *c, struct ec2_dhcp_options *o, struct str key, const struct list_str *values)
{
	struct ec2_dhcp_configuration *d = ec2_list_add(c->arena, &o->DhcpConfigurations);
	d->Key = key;
	for (uint32_t i = 0; i < values->n; i++)
		((struct ec2_attribute_value *)ec2_list_add(c->arena, &d->Values))->Value =
			values->v[i];
}

struct str
ec2_dhcp_default(struct call *c)
{
	struct str id = ec2_seeded_id(c, &ec2_dhcp_kind, "default");
	struct str domain =
		str_is(c->region, "us-east-1")
			? STR("ec2.internal")
			: arena_printf(c->arena, "%.*s.compute.internal", STR_FMT(c->region));
	struct str dns = STR("AmazonProvidedDNS");
	if (ec2_get(c, &ec2_dhcp_kind, id))
		return id;
	struct ec2_dhcp_options *o = arena_new(c->arena, struct ec2_dhcp_options);
	o->DhcpOptionsId = id;
	o->OwnerId = c->account;
	configure(c, o, STR("domain-name"), &(struct list_str){ &domain, 1, true });
	configure(c, o, STR("domain-name-servers"), &(struct list_str){ &dns, 1, true });
	struct ec2_dhcp_options_row row = { .DhcpOptions = o };
	ec2_put(c, &ec2_dhcp_kind, id, &row);
	return id;
}

static const struct list_str *
values_of(struct call *c, const struct ec2_dhcp_options *o, struct str key)
{
	struct list_str *l = arena_new(c->arena, struct list_str);
	for (uint32_t i = 0; o && i < o->DhcpConfigurations.n; i++) {
		const struct ec2_dhcp_configuration *d = &o->DhcpConfigurations.v[i];
		for (uint32_t k = 0; str_eq(d->Key, key) && k < d->Values.n; k++)
			*(struct str *)ec2_list_add(c->arena, l) = d->Values.v[k].Value;
	}
	return l;
}

struct str
ec2_dhcp_resolver(struct call *c, struct str vpc)
{
	const struct ec2_vpc_row *v = ec2_get(c, &ec2_vpc_kind, vpc);
	const struct ec2_dhcp_options_row *row =
		v && !str_is(v->Vpc->DhcpOptionsId, "default")
			? ec2_get(c, &ec2_dhcp_kind, v->Vpc->DhcpOptionsId)
			: NULL;
	const struct ec2_dhcp_options *o = row ? row->DhcpOptions : NULL;
	const struct list_str *servers = values_of(c, o, STR("domain-name-servers"));
	const struct list_str *domains = values_of(c, o, STR("domain-name"));
	struct str text =
		servers->n ? STR("") : STR("# The network's DHCP options name no resolver.\n");
	for (uint32_t i = 0; i < servers->n; i++)
		text = arena_printf(c->arena, "%.*snameserver %.*s\n", STR_FMT(text),
			STR_FMT(str_is(servers->v[i], "AmazonProvidedDNS") ? STR("169.254.169.253")
									   : servers->v[i]));
	/* Several domains are one value with spaces between, which resolv.conf takes as they
	 * are. */
	if (domains->n)
		text = arena_printf(
			c->arena, "%.*ssearch %.*s\n", STR_FMT(text), STR_FMT(domains->v[0]));
	return text;
}

static int
configuration_check(struct call *c, const struct ec2_new_dhcp_configuration *d)
{
	static const char *const keys[] = { "domain-name", "domain-name-servers", "ntp-servers",
		"netbios-name-servers", "netbios-node-type", "ipv6-address-preferred-lease-time" };
	unsigned k = 0, n = sizeof(keys) / sizeof(keys[0]);
	uint32_t ip;
	while (k < n && !str_eq(d->Key, str_c(keys[k])))
		k++;
	if (k == n)
		return call_fail(c, &EC2_InvalidParameterValue,
			"Value (%.*s) for parameter name is invalid. Unknown DHCP option",
			STR_FMT(d->Key));
	if (!d->Values.n)
		return call_fail(c, &EC2_InvalidParameterValue,
			"The DHCP option %.*s needs a value", STR_FMT(d->Key));
	for (uint32_t i = 0; i < d->Values.n; i++) {
		struct str v = d->Values.v[i];
		bool ok = v.len && v.len <= 255;
		for (size_t j = 0; k == 0 && j < v.len; j++)
			ok &= v.p[j] >= ' ' && v.p[j] <= '~';
		if (k == 1)
			ok = str_is(v, "AmazonProvidedDNS") || ec2_ip_parse(v, &ip);
		if (k == 2 || k == 3)
			ok = ec2_ip_parse(v, &ip);
		if (k == 4)
			ok = v.len == 1 && strchr("1248", v.p[0]);
		if (!ok)
			return call_fail(c, &EC2_InvalidParameterValue,
				"Value (%.*s) for parameter value is invalid. Invalid DHCP option "
				"value", STR_FMT(v));
	}
	if (k >= 1 && k <= 3 && d->Values.n > 4)
		return call_fail(c, &EC2_InvalidParameterValue,
			"The DHCP option %.*s takes four values at most", STR_FMT(d->Key));
	return CALL_OK;
}

int
ec2_create_dhcp_options(struct call *c, const struct ec2_create_dhcp_options_in *in,
	struct ec2_create_dhcp_options_out *out)
{
	struct ec2_dhcp_options *o = arena_new(c->arena, struct ec2_dhcp_options);
	struct ec2_dhcp_options_row row = { .DhcpOptions = o };
	for (uint32_t i = 0; i < in->DhcpConfigurations.n; i++) {
		const struct ec2_new_dhcp_configuration *d = &in->DhcpConfigurations.v[i];
		if (configuration_check(c, d) != CALL_OK)
			return CALL_FAILED;
		configure(c, o, d->Key, &d->Values);
	}
	if (ec2_count(c, &ec2_dhcp_kind, NULL, STR_NULL) >= SETS_MAX)
		return call_fail(c, &EC2_DhcpOptionsLimitExceeded,
			"The maximum number of DHCP options has been reached.");
	o->DhcpOptionsId = ec2_new_id(c, &ec2_dhcp_kind);
	o->OwnerId = c->account;
	ec2_put(c, &ec2_dhcp_kind, o->DhcpOptionsId, &row);
	if (ec2_tags_create(c, &ec2_dhcp_kind, o->DhcpOptionsId, &in->TagSpecifications) != CALL_OK)
		return CALL_FAILED;
	ec2_tags_get(c, o->DhcpOptionsId, &o->Tags);
	out->DhcpOptions = o;
	return CALL_OK;
}

static bool
vpc_uses(const void *row, struct str id)
{
	return str_eq(((const struct ec2_vpc_row *)row)->Vpc->DhcpOptionsId, id);
}

int
ec2_delete_dhcp_options(struct call *c, const struct ec2_delete_dhcp_options_in *in,
	struct ec2_delete_dhcp_options_out *out)
{
	(void)out;
	if (!ec2_need(c, &ec2_dhcp_kind, in->DhcpOptionsId))
		return CALL_FAILED;
	if (ec2_find(c, &ec2_vpc_kind, vpc_uses, in->DhcpOptionsId, NULL))
		return call_fail(c, &EC2_DependencyViolation,
			"The dhcpOptions '%.*s' has dependencies and cannot be deleted.",
			STR_FMT(in->DhcpOptionsId));
	ec2_delete(c, &ec2_dhcp_kind, in->DhcpOptionsId);
	return CALL_OK;
}

/* "default" takes every option away. */
int
ec2_associate_dhcp_options(struct call *c, const struct ec2_associate_dhcp_options_in *in,
	struct ec2_associate_dhcp_options_out *out)
{
	struct ec2_vpc_row *v = ec2_need(c, &ec2_vpc_kind, in->VpcId);
	(void)out;
	if (!v || (!str_is(in->DhcpOptionsId, "default") &&
			  !ec2_need(c, &ec2_dhcp_kind, in->DhcpOptionsId)))
		return CALL_FAILED;
	v->Vpc->DhcpOptionsId = in->DhcpOptionsId;
	ec2_put(c, &ec2_vpc_kind, in->VpcId, v);
	ec2_vpc_changed(c, in->VpcId);
	return CALL_OK;
}

int
ec2_describe_dhcp_options(struct call *c, const struct ec2_describe_dhcp_options_in *in,
	struct ec2_describe_dhcp_options_out *out)
{
	struct ec2_query q = { .kind = &ec2_dhcp_kind,
		.ids = &in->DhcpOptionsIds,
		.filters = &in->Filters,
		.max = &in->MaxResults,
		.token = in->NextToken };
	return ec2_describe(c, &q, &out->DhcpOptions, &out->NextToken);
}
