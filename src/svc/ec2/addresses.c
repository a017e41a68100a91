/* Elastic addresses. */
#include "svc/ec2/interfaces.h"
#include "svc/ec2/network_rows.h"

#define ADDRESSES_MAX 5

static const struct ec2_filter_rule filters[] = { { .name = "allocation-id",
							  .path = "AllocationId" },
	{ .name = "association-id", .path = "AssociationId" },
	{ .name = "domain", .path = "Domain" }, { .name = "instance-id", .path = "InstanceId" },
	{ .name = "network-border-group", .path = "NetworkBorderGroup" },
	{ .name = "network-interface-id", .path = "NetworkInterfaceId" },
	{ .name = "network-interface-owner-id", .path = "NetworkInterfaceOwnerId" },
	{ .name = "private-ip-address", .path = "PrivateIpAddress" },
	{ .name = "public-ip", .path = "PublicIp" }, { NULL } };

const struct ec2_kind ec2_address_kind = { .type = "elastic-ip",
	.prefix = "eipalloc-",
	.row = &ec2_address_row_shape,
	.unknown = &EC2_InvalidAllocationID_NotFound,
	.unknown_text = "The allocation ID '%.*s' does not exist",
	.filters = filters };
EC2_KIND(ec2_address_kind);

int
ec2_allocate_address(struct call *c, const struct ec2_allocate_address_in *in,
	struct ec2_allocate_address_out *out)
{
	struct ec2_address *a = arena_new(c->arena, struct ec2_address);
	struct ec2_address_row row = { .Address = a };
	uint32_t ip;
	if (str_is(in->Domain, "standard"))
		return call_fail(c, &EC2_InvalidParameterValue,
			"EC2-Classic is retired: the domain of an address is vpc.");
	if (in->CustomerOwnedIpv4Pool.len || in->IpamPoolId.len ||
		(in->PublicIpv4Pool.len && !str_is(in->PublicIpv4Pool, "amazon")))
		return call_fail(c, &EC2_UnsupportedOperation,
			"This cloud has one pool of addresses, \"amazon\".");
	if (ec2_count(c, &ec2_address_kind, NULL, STR_NULL) >= ADDRESSES_MAX)
		return call_fail(c, &EC2_AddressLimitExceeded, NULL);
	a->AllocationId = ec2_new_id(c, &ec2_address_kind);
	if (ec2_public_take(c, in->Address, a->AllocationId, &ip) != CALL_OK)
		return CALL_FAILED;
	a->PublicIp = ec2_ip_text(c->arena, ip);
	a->Domain = STR("vpc");
	a->PublicIpv4Pool = STR("amazon");
	a->NetworkBorderGroup = c->region;
	ec2_put(c, &ec2_address_kind, a->AllocationId, &row);
	ec2_network_usage(c, "PublicIPv4:IdleAddress", 1);
	if (ec2_tags_create(c, &ec2_address_kind, a->AllocationId, &in->TagSpecifications) !=
		CALL_OK)
		return CALL_FAILED;
	out->AllocationId = a->AllocationId;
	out->PublicIp = a->PublicIp;
	out->Domain = a->Domain;
	out->PublicIpv4Pool = a->PublicIpv4Pool;
	out->NetworkBorderGroup = a->NetworkBorderGroup;
	return CALL_OK;
}

static bool
has_public_ip(const void *row, struct str ip)
{
	return str_eq(((const struct ec2_address_row *)row)->Address->PublicIp, ip);
}

static bool
has_association(const void *row, struct str id)
{
	return str_eq(((const struct ec2_address_row *)row)->Address->AssociationId, id);
}

static struct ec2_address_row *
address_by_ip(struct call *c, struct str ip)
{
	struct ec2_address_row *a = ec2_find(c, &ec2_address_kind, has_public_ip, ip, NULL);
	struct ec2_public_ip_row owner;
	uint32_t n;
	if (a)
		return a;
	/* AWS tells those of others apart from those of nobody. */
	if (ec2_ip_parse(ip, &n) && ec2_public_owner(c, n, &owner))
		call_fail(c, &EC2_AuthFailure,
			"The address '%.*s' does not belong to you.", STR_FMT(ip));
	else
		call_fail(
			c, &EC2_InvalidAddress_NotFound, "Address '%.*s' not found.", STR_FMT(ip));
	return NULL;
}

static struct ec2_address_row *
address_asked(struct call *c, struct str allocation, struct str ip)
{
	if (allocation.len && ip.len) {
		call_fail(c, &EC2_InvalidParameterCombination,
			"You may specify public IP or allocation id, but not both in the same call");
		return NULL;
	}
	if (allocation.len)
		return ec2_need(c, &ec2_address_kind, allocation);
	if (ip.len)
		return address_by_ip(c, ip);
	call_fail(c, &EC2_MissingParameter,
		"Either public IP or allocation id must be specified");
	return NULL;
}

int
ec2_address_associate(struct call *c, struct ec2_address_row *address, struct ec2_interface_row *n,
	uint32_t i, struct str *ret_association)
{
	struct ec2_address *a = address->Address;
	struct ec2_network_interface *f = n->NetworkInterface;
	uint32_t ip;
	if (!ec2_vpc_has_igw(c, f->VpcId, NULL))
		return call_fail(c, &EC2_Gateway_NotAttached,
			"Network %.*s is not attached to any internet gateway", STR_FMT(f->VpcId));
	a->AssociationId = call_id_hex(c, "eipassoc-", 17);
	a->NetworkInterfaceId = f->NetworkInterfaceId;
	a->NetworkInterfaceOwnerId = c->account;
	a->PrivateIpAddress = f->PrivateIpAddresses.v[i].PrivateIpAddress;
	a->InstanceId = f->Attachment ? f->Attachment->InstanceId : STR_NULL;
	ec2_put(c, &ec2_address_kind, a->AllocationId, address);
	ec2_ip_parse(a->PublicIp, &ip);
	ec2_interface_associate(c, n, i, ip, a->AllocationId, a->AssociationId);
	*ret_association = a->AssociationId;
	return CALL_OK;
}

/* The interface that is meant, of an instance its primary one. */
static struct ec2_interface_row *
target(struct call *c, const struct ec2_associate_address_in *in)
{
	struct ec2_interface_row **all;
	struct ec2_instance_place place;
	if (in->NetworkInterfaceId.len)
		return ec2_need(c, &ec2_interface_kind, in->NetworkInterfaceId);
	if (!in->InstanceId.len) {
		call_fail(c, &EC2_MissingParameter,
			"Either instance ID or network interface id must be specified");
		return NULL;
	}
	if (!ec2_instance_place) {
		call_fail(c, &EC2_InvalidParameterValue, "There is no instance '%.*s'.",
			STR_FMT(in->InstanceId));
		return NULL;
	}
	if (ec2_instance_place(c, in->InstanceId, &place) != CALL_OK)
		return NULL;
	uint32_t n = ec2_interfaces_of(c, in->InstanceId, &all);
	if (n == 1 || (n && in->PrivateIpAddress.len))
		return all[0];
	call_fail(c, &EC2_InvalidParameterCombination,
		"There are multiple interfaces attached to instance '%.*s'. Please specify an "
		"interface ID for the operation instead.",
		STR_FMT(in->InstanceId));
	return NULL;
}

/* The interface that has it now lets it go. */
static void
let_go(struct call *c, const struct ec2_address *a)
{
	struct ec2_interface_row *n = ec2_get(c, &ec2_interface_kind, a->NetworkInterfaceId);
	int i = n ? ec2_interface_ip_find(n, a->PrivateIpAddress) : -1;
	if (i >= 0)
		ec2_interface_disassociate(c, n, (uint32_t)i);
}

int
ec2_associate_address(struct call *c, const struct ec2_associate_address_in *in,
	struct ec2_associate_address_out *out)
{
	struct ec2_address_row *a = address_asked(c, in->AllocationId, in->PublicIp);
	struct ec2_interface_row *n = a ? target(c, in) : NULL;
	if (!n)
		return CALL_FAILED;
	int i = ec2_interface_ip_find(n, in->PrivateIpAddress);
	if (i < 0)
		return call_fail(c, &EC2_InvalidParameterValue,
			"The private IP address %.*s is not assigned to interface %.*s",
			STR_FMT(in->PrivateIpAddress),
			STR_FMT(n->NetworkInterface->NetworkInterfaceId));
	struct str id = a->Address->AllocationId;
	if (a->Address->AssociationId.len) {
		bool same = str_eq(a->Address->NetworkInterfaceId,
				    n->NetworkInterface->NetworkInterfaceId) &&
			    str_eq(a->Address->PrivateIpAddress,
				    n->NetworkInterface->PrivateIpAddresses.v[i].PrivateIpAddress);
		out->AssociationId = a->Address->AssociationId;
		if (same)
			return CALL_OK;
		if (in->AllowReassociation.set && !in->AllowReassociation.v)
			return call_fail(c, &EC2_Resource_AlreadyAssociated,
				"resource %.*s is already associated with associate-id %.*s",
				STR_FMT(id), STR_FMT(a->Address->AssociationId));
		let_go(c, a->Address);
	}
	n = ec2_get(c, &ec2_interface_kind, n->NetworkInterface->NetworkInterfaceId);
	const struct ec2_network_interface_association *have =
		n->NetworkInterface->PrivateIpAddresses.v[i].Association;
	if (have && have->AllocationId.len && in->AllowReassociation.set &&
		!in->AllowReassociation.v)
		return call_fail(c, &EC2_Resource_AlreadyAssociated,
			"resource %.*s is already associated with associate-id %.*s",
			STR_FMT(n->NetworkInterface->NetworkInterfaceId),
			STR_FMT(have->AssociationId));
	ec2_interface_disassociate(c, n, (uint32_t)i);
	return ec2_address_associate(
		c, ec2_get(c, &ec2_address_kind, id), n, (uint32_t)i, &out->AssociationId);
}

int
ec2_disassociate_address(struct call *c, const struct ec2_disassociate_address_in *in,
	struct ec2_disassociate_address_out *out)
{
	struct ec2_address_row *a;
	(void)out;
	if (!in->AssociationId.len && !in->PublicIp.len)
		return ec2_missing(c, "AssociationId");
	if (in->AssociationId.len) {
		a = ec2_find(c, &ec2_address_kind, has_association, in->AssociationId, NULL);
		if (!a)
			return call_fail(c, &EC2_InvalidAssociationID_NotFound,
				"The association ID '%.*s' does not exist",
				STR_FMT(in->AssociationId));
	} else if (!(a = address_by_ip(c, in->PublicIp))) {
		return CALL_FAILED;
	}
	struct ec2_interface_row *n =
		ec2_get(c, &ec2_interface_kind, a->Address->NetworkInterfaceId);
	if (n && str_is(n->NetworkInterface->InterfaceType, "natGateway"))
		return call_fail(c, &EC2_AuthFailure,
			"You do not have permission to access the specified resource.");
	let_go(c, a->Address);
	return CALL_OK;
}

int
ec2_release_address(struct call *c, const struct ec2_release_address_in *in,
	struct ec2_release_address_out *out)
{
	struct ec2_address_row *a = address_asked(c, in->AllocationId, in->PublicIp);
	uint32_t ip;
	(void)out;
	if (!a)
		return CALL_FAILED;
	if (a->Address->AssociationId.len)
		return call_fail(c, &EC2_InvalidIPAddress_InUse, "Address %.*s is in use.",
			STR_FMT(a->Address->PublicIp));
	if (ec2_ip_parse(a->Address->PublicIp, &ip))
		ec2_public_free(c, ip);
	ec2_network_usage(c, "PublicIPv4:IdleAddress", -1);
	ec2_delete(c, &ec2_address_kind, a->Address->AllocationId);
	return CALL_OK;
}

/* Addresses by their text become their allocation ids. */
static int
ids_of(struct call *c, const struct list_str *allocations, const struct list_str *ips,
	struct list_str *ret)
{
	*ret = (struct list_str){ 0 };
	for (uint32_t i = 0; i < allocations->n; i++)
		*(struct str *)ec2_list_add(c->arena, ret) = allocations->v[i];
	for (uint32_t i = 0; ips && i < ips->n; i++) {
		struct ec2_address_row *a = address_by_ip(c, ips->v[i]);
		if (!a)
			return CALL_FAILED;
		*(struct str *)ec2_list_add(c->arena, ret) = a->Address->AllocationId;
	}
	return CALL_OK;
}

int
ec2_describe_addresses(struct call *c, const struct ec2_describe_addresses_in *in,
	struct ec2_describe_addresses_out *out)
{
	struct list_str ids;
	if (ids_of(c, &in->AllocationIds, &in->PublicIps, &ids) != CALL_OK)
		return CALL_FAILED;
	struct ec2_query q = { .kind = &ec2_address_kind, .ids = &ids, .filters = &in->Filters };
	return ec2_describe(c, &q, &out->Addresses, NULL);
}

/* Reverse names are nobody's here, so the attribute is absent of each address. */
int
ec2_describe_addresses_attribute(struct call *c,
	const struct ec2_describe_addresses_attribute_in *in,
	struct ec2_describe_addresses_attribute_out *out)
{
	struct ec2_address_list all = { 0 };
	struct opt_i64 none = { 0 };
	struct ec2_query q = { .kind = &ec2_address_kind,
		.ids = &in->AllocationIds,
		.max = in->AllocationIds.n ? &none : &in->MaxResults,
		.token = in->NextToken,
		.page = 1000 };
	if (ec2_describe(c, &q, &all, &out->NextToken) != CALL_OK)
		return CALL_FAILED;
	out->Addresses.v = arena_array(c->arena, struct ec2_address_attribute, all.n);
	out->Addresses.n = all.n;
	out->Addresses.set = true;
	for (uint32_t i = 0; i < all.n; i++) {
		out->Addresses.v[i].AllocationId = all.v[i].AllocationId;
		out->Addresses.v[i].PublicIp = all.v[i].PublicIp;
	}
	return CALL_OK;
}
