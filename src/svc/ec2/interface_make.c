/* Interfaces come and go: their addresses, groups and MAC. */
#include "svc/ec2/interfaces.h"
#include "svc/ec2/network_rows.h"
#include "svc/ec2/zones.h"

#define INTERFACES_MAX 5000
#define GROUPS_MAX 5
#define IPS_MAX 50

static const struct ec2_filter_rule filters[] = {
	{ .name = "addresses.association.allocation-id",
		.path = "PrivateIpAddresses.Association.AllocationId" },
	{ .name = "addresses.association.association-id",
		.path = "PrivateIpAddresses.Association.AssociationId" },
	{ .name = "addresses.association.owner-id",
		.path = "PrivateIpAddresses.Association.IpOwnerId" },
	{ .name = "addresses.association.public-ip",
		.path = "PrivateIpAddresses.Association.PublicIp" },
	{ .name = "addresses.primary", .path = "PrivateIpAddresses.Primary" },
	{ .name = "addresses.private-ip-address", .path = "PrivateIpAddresses.PrivateIpAddress" },
	{ .name = "association.allocation-id", .path = "Association.AllocationId" },
	{ .name = "association.association-id", .path = "Association.AssociationId" },
	{ .name = "association.ip-owner-id", .path = "Association.IpOwnerId" },
	{ .name = "association.public-ip", .path = "Association.PublicIp" },
	{ .name = "association.public-dns-name", .path = "Association.PublicDnsName" },
	{ .name = "attachment.attach-time", .path = "Attachment.AttachTime" },
	{ .name = "attachment.attachment-id", .path = "Attachment.AttachmentId" },
	{ .name = "attachment.delete-on-termination", .path = "Attachment.DeleteOnTermination" },
	{ .name = "attachment.device-index", .path = "Attachment.DeviceIndex" },
	{ .name = "attachment.instance-id", .path = "Attachment.InstanceId" },
	{ .name = "attachment.instance-owner-id", .path = "Attachment.InstanceOwnerId" },
	{ .name = "attachment.status", .path = "Attachment.Status" },
	{ .name = "availability-zone", .path = "AvailabilityZone" },
	{ .name = "availability-zone-id", .path = "AvailabilityZoneId" },
	{ .name = "description", .path = "Description" },
	{ .name = "group-id", .path = "Groups.GroupId" },
	{ .name = "group-name", .path = "Groups.GroupName" },
	{ .name = "ipv6-addresses.ipv6-address", .path = "Ipv6Addresses.Ipv6Address" },
	{ .name = "interface-type", .path = "InterfaceType" },
	{ .name = "mac-address", .path = "MacAddress" },
	{ .name = "network-interface-id", .path = "NetworkInterfaceId" },
	{ .name = "owner-id", .path = "OwnerId" },
	{ .name = "private-dns-name", .path = "PrivateDnsName" },
	{ .name = "private-ip-address", .path = "PrivateIpAddress" },
	{ .name = "requester-id", .path = "RequesterId" },
	{ .name = "requester-managed", .path = "RequesterManaged" },
	{ .name = "source-dest-check", .path = "SourceDestCheck" },
	{ .name = "status", .path = "Status" }, { .name = "subnet-id", .path = "SubnetId" },
	{ .name = "vpc-id", .path = "VpcId" }, { NULL } };

static void
association_names(struct call *c, struct ec2_network_interface_association *a, bool hostnames)
{
	uint32_t ip;
	if (a)
		a->PublicDnsName = hostnames && ec2_ip_parse(a->PublicIp, &ip)
					   ? ec2_public_name(c->arena, c->region, ip)
					   : STR_NULL;
}

/* Names follow the settings of the network, so they are not kept. */
static void
show(struct call *c, void *row, void *item)
{
	struct ec2_network_interface *n = item;
	struct ec2_vpc_row *v = ec2_get(c, &ec2_vpc_kind, n->VpcId);
	bool hostnames = v && v->DnsHostnames.v;
	uint32_t ip;
	(void)row;
	for (uint32_t i = 0; i < n->PrivateIpAddresses.n; i++) {
		struct ec2_network_interface_private_ip_address *p = &n->PrivateIpAddresses.v[i];
		if (ec2_ip_parse(p->PrivateIpAddress, &ip))
			p->PrivateDnsName = ec2_private_name(c->arena, c->region, ip);
		association_names(c, p->Association, hostnames);
	}
	if (!n->PrivateIpAddresses.n)
		return;
	n->PrivateDnsName = n->PrivateIpAddresses.v[0].PrivateDnsName;
	n->Association = n->PrivateIpAddresses.v[0].Association;
	n->PublicDnsName = n->Association ? n->Association->PublicDnsName : STR_NULL;
	n->Ipv6Addresses.set = true;
}

const struct ec2_kind ec2_interface_kind = { .type = "network-interface",
	.prefix = "eni-",
	.row = &ec2_interface_row_shape,
	.unknown = &EC2_InvalidNetworkInterfaceID_NotFound,
	.unknown_text = "The networkInterface ID '%.*s' does not exist",
	.malformed = &EC2_InvalidNetworkInterfaceId_Malformed,
	.filters = filters,
	.show = show };
EC2_KIND(ec2_interface_kind);

struct str
ec2_private_name(struct arena *a, struct str region, uint32_t ip)
{
	bool first = str_is(region, "us-east-1");
	return arena_printf(a, "ip-%u-%u-%u-%u.%.*s%s", ip >> 24, ip >> 16 & 255, ip >> 8 & 255,
		ip & 255, first ? 0 : (int)region.len, region.p,
		first ? "ec2.internal" : ".compute.internal");
}

struct str
ec2_public_name(struct arena *a, struct str region, uint32_t ip)
{
	bool first = str_is(region, "us-east-1");
	return arena_printf(a, "ec2-%u-%u-%u-%u.%.*s%s.amazonaws.com", ip >> 24, ip >> 16 & 255,
		ip >> 8 & 255, ip & 255, first ? 0 : (int)region.len, region.p,
		first ? "compute-1" : ".compute");
}

void
ec2_interface_put(struct call *c, const struct ec2_interface_row *n)
{
	ec2_put(c, &ec2_interface_kind, n->NetworkInterface->NetworkInterfaceId, n);
}

struct ec2_interface_row *
ec2_interface_get(struct call *c, struct str id)
{
	struct ec2_interface_row *n = ec2_get(c, &ec2_interface_kind, id);
	if (n)
		show(c, n, n->NetworkInterface);
	return n;
}

int
ec2_interface_groups(struct call *c, const struct ec2_subnet *s, const struct list_str *ids,
	struct ec2_group_identifier_list *ret)
{
	*ret = (struct ec2_group_identifier_list){ .set = true };
	if (ids->n > GROUPS_MAX)
		return call_fail(c, &EC2_SecurityGroupsPerInterfaceLimitExceeded,
			"The maximum number of security groups per interface has been reached.");
	for (uint32_t i = 0; i < ids->n; i++) {
		struct ec2_security_group_row *g = ec2_need(c, &ec2_group_kind, ids->v[i]);
		bool twice = false;
		if (!g)
			return CALL_FAILED;
		if (!str_eq(g->SecurityGroup->VpcId, s->VpcId))
			return call_fail(c, &EC2_InvalidParameter,
				"Security group %.*s and subnet %.*s belong to different networks.",
				STR_FMT(ids->v[i]), STR_FMT(s->SubnetId));
		for (uint32_t j = 0; j < ret->n; j++)
			twice |= str_eq(ret->v[j].GroupId, ids->v[i]);
		if (twice)
			continue;
		struct ec2_group_identifier *x = ec2_list_add(c->arena, ret);
		x->GroupId = g->SecurityGroup->GroupId;
		x->GroupName = g->SecurityGroup->GroupName;
	}
	return CALL_OK;
}

static bool
group_named(const void *row, struct str vpc_and_name)
{
	const struct ec2_security_group *g =
		((const struct ec2_security_group_row *)row)->SecurityGroup;
	struct str rest = vpc_and_name, vpc = str_cut(&rest, '|');
	return str_eq(g->VpcId, vpc) && str_eq(g->GroupName, rest);
}

static int
groups_asked(struct call *c, const struct ec2_interface_ask *ask, const struct ec2_subnet *s,
	struct ec2_group_identifier_list *ret)
{
	struct list_str ids = { 0 };
	struct ec2_vpc_row *v = ec2_get(c, &ec2_vpc_kind, s->VpcId);
	if (ask->groups && ask->groups->n)
		return ec2_interface_groups(c, s, ask->groups, ret);
	for (uint32_t i = 0; ask->group_names && i < ask->group_names->n; i++) {
		struct str id, name = ask->group_names->v[i];
		if (!ec2_find(c, &ec2_group_kind, group_named,
			    arena_printf(c->arena, "%.*s|%.*s", STR_FMT(s->VpcId), STR_FMT(name)),
			    &id))
			return call_fail(c, &EC2_InvalidGroup_NotFound,
				"The security group '%.*s' does not exist in VPC '%.*s'",
				STR_FMT(name), STR_FMT(s->VpcId));
		*(struct str *)ec2_list_add(c->arena, &ids) = id;
	}
	if (!ids.n)
		*(struct str *)ec2_list_add(c->arena, &ids) = v->GroupId;
	return ec2_interface_groups(c, s, &ids, ret);
}

static void
ip_append(struct call *c, struct ec2_network_interface *n, uint32_t ip)
{
	struct ec2_network_interface_private_ip_address *p =
		ec2_list_add(c->arena, &n->PrivateIpAddresses);
	p->PrivateIpAddress = ec2_ip_text(c->arena, ip);
	p->Primary = OPT_BOOL(n->PrivateIpAddresses.n == 1);
}

int
ec2_interface_ips_add(struct call *c, struct ec2_interface_row *row, const struct ec2_subnet *s,
	const struct list_str *ips, uint32_t automatic)
{
	struct ec2_network_interface *n = row->NetworkInterface;
	uint32_t ip;
	if (n->PrivateIpAddresses.n + (ips ? ips->n : 0) + automatic > IPS_MAX)
		return call_fail(c, &EC2_PrivateIpAddressLimitExceeded,
			"Number of private addresses will exceed limit of %d.", IPS_MAX);
	for (uint32_t i = 0; ips && i < ips->n; i++) {
		if (!ec2_ip_parse(ips->v[i], &ip))
			return call_fail(c, &EC2_InvalidParameterValue,
				"invalid value for parameter address: %.*s", STR_FMT(ips->v[i]));
		if (ec2_private_take(c, s, ip, n->NetworkInterfaceId) != CALL_OK)
			return CALL_FAILED;
		ip_append(c, n, ip);
	}
	for (uint32_t i = 0; i < automatic; i++) {
		if (ec2_private_take_any(c, s, n->NetworkInterfaceId, &ip) != CALL_OK)
			return CALL_FAILED;
		ip_append(c, n, ip);
	}
	return CALL_OK;
}

static struct str
mac_new(struct call *c)
{
	unsigned char b[5];
	call_random(c, b, sizeof(b));
	return arena_printf(
		c->arena, "06:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4]);
}

static struct ec2_subnet_row *
subnet_asked(struct call *c, const struct ec2_interface_ask *ask)
{
	if (ask->subnet.len)
		return ec2_need(c, &ec2_subnet_kind, ask->subnet);
	struct ec2_subnet_row *s = ec2_default_subnet(c, ask->zone);
	if (s)
		return s;
	if (!ec2_default_vpc(c))
		call_fail(c, &EC2_VPCIdNotSpecified,
			"No default VPC for this user. GroupName is only supported for EC2-Classic "
			"and default VPC.");
	else
		call_fail(c, &EC2_MissingInput,
			"No subnets found for the default VPC%s. Please specify a subnet.",
			ask->zone < 0 ? "" : " in that zone");
	return NULL;
}

static int
addresses_asked(struct call *c, const struct ec2_interface_ask *ask, struct ec2_interface_row *row,
	const struct ec2_subnet *s)
{
	struct str first = ask->private_ip;
	struct list_str one = { &first, first.len ? 1 : 0, true };
	return ec2_interface_ips_add(c, row, s, &one, first.len ? 0 : 1) == CALL_OK
		       ? ec2_interface_ips_add(c, row, s, ask->secondary, ask->secondary_n)
		       : CALL_FAILED;
}

int
ec2_interface_create(struct call *c, const struct ec2_interface_ask *ask, struct str *ret_id)
{
	struct ec2_subnet_row *sub = subnet_asked(c, ask);
	struct ec2_network_interface *n = arena_new(c->arena, struct ec2_network_interface);
	struct ec2_interface_row row = { .NetworkInterface = n };
	if (!sub)
		return CALL_FAILED;
	struct ec2_subnet *s = sub->Subnet;
	if (groups_asked(c, ask, s, &n->Groups) != CALL_OK)
		return CALL_FAILED;
	n->NetworkInterfaceId = ec2_new_id(c, &ec2_interface_kind);
	n->AvailabilityZone = s->AvailabilityZone;
	n->AvailabilityZoneId = s->AvailabilityZoneId;
	n->Description = ask->description.p ? ask->description : STR("");
	n->InterfaceType = ask->type ? str_c(ask->type) : STR("interface");
	n->MacAddress = mac_new(c);
	n->OwnerId = c->account;
	n->RequesterManaged = OPT_BOOL(ask->requester.len > 0);
	n->RequesterId = ask->requester.len ? ask->requester : STR_NULL;
	n->SourceDestCheck = OPT_BOOL(!str_is(n->InterfaceType, "natGateway"));
	n->Status = STR("available");
	n->SubnetId = s->SubnetId;
	n->VpcId = s->VpcId;
	row.Zone = OPT_I64(sub->Zone.v);
	row.PublicAtStart = OPT_BOOL(
		ask->public_ip < 0 ? s->MapPublicIpOnLaunch.v : ask->public_ip > 0);
	row.Local = OPT_BOOL(ask->local);
	if (addresses_asked(c, ask, &row, s) != CALL_OK)
		return CALL_FAILED;
	n->PrivateIpAddress = n->PrivateIpAddresses.v[0].PrivateIpAddress;
	ec2_interface_put(c, &row);
	ec2_vpc_changed(c, n->VpcId);
	*ret_id = n->NetworkInterfaceId;
	return CALL_OK;
}

void
ec2_interface_delete(struct call *c, struct str id)
{
	struct ec2_interface_row *row = ec2_get(c, &ec2_interface_kind, id);
	uint32_t ip;
	if (!row)
		return;
	struct ec2_network_interface *n = row->NetworkInterface;
	if (n->Attachment)
		ec2_interface_detach(c, id);
	row = ec2_get(c, &ec2_interface_kind, id);
	n = row->NetworkInterface;
	for (uint32_t i = 0; i < n->PrivateIpAddresses.n; i++) {
		ec2_interface_disassociate(c, row, i);
		if (ec2_ip_parse(n->PrivateIpAddresses.v[i].PrivateIpAddress, &ip))
			ec2_private_free(c, n->SubnetId, ip);
	}
	ec2_delete(c, &ec2_interface_kind, id);
	ec2_vpc_changed(c, n->VpcId);
}
