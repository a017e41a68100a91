/* Dedicated hosts. */
#include "svc/ec2/hosts.h"

#include "svc/ec2/instance_types.h"
#include "svc/ec2/zones.h"

#define QUANTITY_MAX 50
#define PAGE 500
#define HOST_VCPUS 96 /* of a host of today's families, as AWS's m5 and c5 hosts have */

static const struct ec2_filter_rule filters[] = { { "auto-placement", "AutoPlacement", NULL },
	{ "availability-zone", "AvailabilityZone", NULL }, { "client-token", "ClientToken", NULL },
	{ "host-reservation-id", "HostReservationId", NULL },
	{ "instance-type", "HostProperties.InstanceType", NULL }, { "state", "State", NULL },
	{ NULL, NULL, NULL } };

/* Instances on it, and room for more, follow from the instances. */
static uint32_t
instances_on(struct call *c, struct ec2_host *h)
{
	struct str id = h->HostId;
	static struct str alive[] = { { "pending", 7 }, { "running", 7 }, { "stopping", 8 },
		{ "stopped", 7 } };
	struct ec2_filter f[] = { { .Name = STR("host-id"), .Values = { &id, 1, true } },
		{ .Name = STR("instance-state-name"), .Values = { alive, 4, true } } };
	struct ec2_describe_instances_in in = { .Filters = { f, 2, true } };
	struct ec2_describe_instances_out out = { 0 };
	uint32_t n = 0, vcpus = 0;
	if (ec2_describe_instances(c, &in, &out) != CALL_OK)
		return 0;
	for (uint32_t i = 0; i < out.Reservations.n; i++)
		n += out.Reservations.v[i].Instances.n;
	h->Instances.v = arena_array(c->arena, struct ec2_host_instance, n);
	h->Instances.n = 0;
	h->Instances.set = true;
	for (uint32_t i = 0; i < out.Reservations.n; i++)
		for (uint32_t j = 0; j < out.Reservations.v[i].Instances.n; j++) {
			const struct ec2_instance *x = &out.Reservations.v[i].Instances.v[j];
			const struct ec2_instance_type *t = ec2_instance_type_find(x->InstanceType);
			h->Instances.v[h->Instances.n++] =
				(struct ec2_host_instance){ .InstanceId = x->InstanceId,
					.InstanceType = x->InstanceType,
					.OwnerId = c->account };
			vcpus += t ? t->vcpus : 0;
		}
	return vcpus;
}

static void
host_show(struct call *c, void *row, void *item)
{
	struct ec2_host *h = item;
	(void)row;
	uint32_t used = instances_on(c, h), total = (uint32_t)h->HostProperties->TotalVCpus.v;
	h->AvailableCapacity = arena_new(c->arena, struct ec2_available_capacity);
	h->AvailableCapacity->AvailableVCpus = OPT_I64(total > used ? total - used : 0);
	const struct ec2_instance_type *t = ec2_instance_type_find(h->HostProperties->InstanceType);
	if (!t)
		return;
	struct ec2_instance_capacity *one = arena_new(c->arena, struct ec2_instance_capacity);
	one->InstanceType = h->HostProperties->InstanceType;
	one->TotalCapacity = OPT_I64(total / t->vcpus);
	one->AvailableCapacity = OPT_I64(h->AvailableCapacity->AvailableVCpus.v / t->vcpus);
	h->AvailableCapacity->AvailableInstanceCapacity.v = one;
	h->AvailableCapacity->AvailableInstanceCapacity.n = 1;
	h->AvailableCapacity->AvailableInstanceCapacity.set = true;
}

const struct ec2_kind ec2_host_kind = {
	.type = "dedicated-host",
	.prefix = "h-",
	.row = &ec2_host_row_shape,
	.unknown = &EC2_InvalidHostID_NotFound,
	.unknown_text = "The host ID '%.*s' does not exist",
	.malformed = &EC2_InvalidHostID_Malformed,
	.filters = filters,
	.show = host_show,
};
EC2_KIND(ec2_host_kind);

static struct ec2_host_properties *
properties(struct call *c, struct str family, const struct ec2_instance_type *t)
{
	struct ec2_host_properties *p = arena_new(c->arena, struct ec2_host_properties);
	p->TotalVCpus = OPT_I64(HOST_VCPUS);
	p->Cores = OPT_I64(HOST_VCPUS / 2);
	p->Sockets = OPT_I64(2);
	p->InstanceFamily = family;
	p->InstanceType = t ? str_c(t->name) : STR_NULL;
	return p;
}

/* The type or the family; the type must be one that hosts are made for. */
static int
kind_check(struct call *c, const struct ec2_allocate_hosts_in *in,
	const struct ec2_instance_type **ret_type, struct str *ret_family)
{
	*ret_type = NULL;
	*ret_family = in->InstanceFamily;
	if (!in->InstanceType.len == !in->InstanceFamily.len)
		return call_fail(c, &EC2_InvalidParameterCombination,
			"Specify either an instance type or an instance family, not both.");
	if (in->InstanceType.len) {
		*ret_type = ec2_instance_type_find(in->InstanceType);
		if (!*ret_type)
			return ec2_bad_value(
				c, "instanceType", in->InstanceType, "There is no such type.");
		*ret_family = str_c((*ret_type)->family->name);
		if ((*ret_type)->family->flags & EC2_FAMILY_NO_HOSTS ||
			(*ret_type)->vcpus > HOST_VCPUS)
			return call_fail(c, &EC2_Unsupported,
				"The instance type %.*s is not supported on dedicated hosts.",
				STR_FMT(in->InstanceType));
		return CALL_OK;
	}
	for (uint32_t i = 0; i < ec2_instance_types_n; i++)
		if (str_eq(str_c(ec2_instance_types[i].family->name), in->InstanceFamily))
			return CALL_OK;
	return ec2_bad_value(c, "instanceFamily", in->InstanceFamily, "There is no such family.");
}

static struct str
host_make(struct call *c, const struct ec2_allocate_hosts_in *in, const struct ec2_instance_type *t,
	struct str family, int zone)
{
	struct ec2_host_row row = { .Host = arena_new(c->arena, struct ec2_host) };
	struct ec2_host *h = row.Host;
	h->HostId = ec2_new_id(c, &ec2_host_kind);
	h->AutoPlacement = in->AutoPlacement.len ? in->AutoPlacement : STR("on");
	h->HostRecovery = in->HostRecovery.len ? in->HostRecovery : STR("off");
	h->HostMaintenance = in->HostMaintenance.len ? in->HostMaintenance : STR("off");
	h->AvailabilityZone = ec2_zone_name(c->arena, c->region, (uint32_t)zone);
	h->AvailabilityZoneId = ec2_zone_id(c->arena, c->region, (uint32_t)zone);
	h->ClientToken = in->ClientToken;
	h->HostProperties = properties(c, family, t);
	h->State = STR("available");
	h->AllocationTime = OPT_TIME(c->now_ms);
	h->AllowsMultipleInstanceTypes = t ? STR("off") : STR("on");
	h->OwnerId = c->account;
	h->MemberOfServiceLinkedResourceGroup = OPT_BOOL(false);
	ec2_put(c, &ec2_host_kind, h->HostId, &row);
	return h->HostId;
}

int
ec2_allocate_hosts(
	struct call *c, const struct ec2_allocate_hosts_in *in, struct ec2_allocate_hosts_out *out)
{
	const struct ec2_instance_type *type;
	struct str family, before;
	int zone;
	int64_t n = in->Quantity.set ? in->Quantity.v : 1;
	if (ec2_token_find(c, in->ClientToken, in, &before) != CALL_OK)
		return CALL_FAILED;
	if (kind_check(c, in, &type, &family) != CALL_OK ||
		ec2_zone_asked(c, in->AvailabilityZone, in->AvailabilityZoneId, &zone) != CALL_OK)
		return CALL_FAILED;
	if (zone < 0)
		return ec2_missing(c, "availabilityZone");
	if (n < 1 || n > QUANTITY_MAX)
		return call_fail(c, &EC2_InvalidParameterValue,
			"The quantity must be between 1 and %d.", QUANTITY_MAX);
	out->HostIds.v = arena_array(c->arena, struct str, n);
	out->HostIds.set = true;
	/* The token remembers the ids in a row, separated by blanks. */
	for (struct str rest = before; rest.len;)
		out->HostIds.v[out->HostIds.n++] = str_cut(&rest, ' ');
	if (before.len)
		return CALL_OK;
	struct str all = STR("");
	for (int64_t i = 0; i < n; i++) {
		struct str id = host_make(c, in, type, family, zone);
		if (ec2_tags_create(c, &ec2_host_kind, id, &in->TagSpecifications) != CALL_OK)
			return CALL_FAILED;
		out->HostIds.v[out->HostIds.n++] = id;
		all = arena_printf(
			c->arena, "%.*s%s%.*s", STR_FMT(all), all.len ? " " : "", STR_FMT(id));
	}
	ec2_token_keep(c, in->ClientToken, in, all);
	return CALL_OK;
}

int
ec2_release_hosts(
	struct call *c, const struct ec2_release_hosts_in *in, struct ec2_release_hosts_out *out)
{
	out->Successful.v = arena_array(c->arena, struct str, in->HostIds.n);
	out->Unsuccessful.v = arena_array(c->arena, struct ec2_unsuccessful_item, in->HostIds.n);
	out->Successful.set = out->Unsuccessful.set = true;
	for (uint32_t i = 0; i < in->HostIds.n; i++) {
		struct ec2_host_row *row = ec2_get(c, &ec2_host_kind, in->HostIds.v[i]);
		bool used = row && instances_on(c, row->Host) > 0;
		if (row && !used) {
			ec2_delete(c, &ec2_host_kind, in->HostIds.v[i]);
			out->Successful.v[out->Successful.n++] = in->HostIds.v[i];
			continue;
		}
		struct ec2_unsuccessful_item *u = &out->Unsuccessful.v[out->Unsuccessful.n++];
		u->ResourceId = in->HostIds.v[i];
		u->Error = arena_new(c->arena, struct ec2_unsuccessful_item_error);
		u->Error->Code = used ? STR("Client.InvalidHost.Occupied")
				      : STR("Client.InvalidHostID.NotFound");
		u->Error->Message = used ? STR("Dedicated host cannot be released as it is "
					       "occupied by instances.")
					 : STR("The host does not exist.");
	}
	return CALL_OK;
}

int
ec2_describe_hosts(
	struct call *c, const struct ec2_describe_hosts_in *in, struct ec2_describe_hosts_out *out)
{
	struct ec2_query q = { .kind = &ec2_host_kind,
		.ids = &in->HostIds,
		.filters = &in->Filter,
		.max = &in->MaxResults,
		.token = in->NextToken,
		.page = PAGE };
	if (in->MaxResults.set && (in->MaxResults.v < 5 || in->MaxResults.v > 500))
		return call_fail(
			c, &EC2_InvalidParameterValue, "MaxResults must be between 5 and 500.");
	return ec2_describe(c, &q, &out->Hosts, &out->NextToken);
}

static bool
takes(struct call *c, struct ec2_host *h, const struct ec2_instance_type *t, struct str zone)
{
	const struct ec2_host_properties *p = h->HostProperties;
	bool kind = p->InstanceType.len ? str_eq(p->InstanceType, str_c(t->name))
					: str_eq(p->InstanceFamily, str_c(t->family->name));
	return kind && (!zone.len || str_eq(zone, h->AvailabilityZone)) &&
	       instances_on(c, h) + t->vcpus <= (uint32_t)p->TotalVCpus.v;
}

int
ec2_host_place(
	struct call *c, struct str host, struct str type, struct str zone, struct str *ret_host)
{
	const struct ec2_instance_type *t = ec2_instance_type_find(type);
	struct ec2_host_row *row = host.len ? ec2_need(c, &ec2_host_kind, host) : NULL;
	struct ec2_walk w;
	if (!t || (host.len && !row))
		return t ? CALL_FAILED : ec2_bad_value(c, "instanceType", type, NULL);
	if (row) {
		*ret_host = host;
		return takes(c, row->Host, t, zone)
			       ? CALL_OK
			       : call_fail(c, &EC2_InsufficientInstanceCapacity,
					 "The host %.*s has no room for an instance of the type "
					 "%s.",
					 STR_FMT(host), t->name);
	}
	ec2_walk_begin(&w, c, &ec2_host_kind);
	while ((row = ec2_walk_next(&w)))
		if (str_is(row->Host->AutoPlacement, "on") && takes(c, row->Host, t, zone)) {
			*ret_host = w.id;
			ec2_walk_end(&w);
			return CALL_OK;
		}
	return call_fail(c, &EC2_InsufficientInstanceCapacity,
		"No dedicated host that places by itself has room for the type %s.", t->name);
}
