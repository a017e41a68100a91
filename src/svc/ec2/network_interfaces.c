/* Elastic network interfaces, as users make and change them. */
#include "svc/ec2/interfaces.h"
#include "svc/ec2/network_rows.h"

#define INTERFACES_MAX 5000

static int
ask_check(struct call *c, const struct ec2_create_network_interface_in *in)
{
	if (in->Ipv6Addresses.n || in->Ipv6AddressCount.v || in->Ipv6Prefixes.n ||
		in->Ipv6PrefixCount.v || in->EnablePrimaryIpv6.v)
		return ec2_no_ipv6(c);
	if (in->Ipv4Prefixes.n || in->Ipv4PrefixCount.v)
		return call_fail(c, &EC2_UnsupportedOperation,
			"Interfaces of this cloud have single addresses, no delegated prefixes.");
	if (in->InterfaceType.len && !str_is(in->InterfaceType, "interface"))
		return call_fail(c, &EC2_UnsupportedOperation,
			"Interfaces of the type %.*s are not there.", STR_FMT(in->InterfaceType));
	if (in->PrivateIpAddress.len && in->PrivateIpAddresses.n)
		return call_fail(c, &EC2_InvalidParameterCombination,
			"The parameter PrivateIpAddress cannot be used with PrivateIpAddresses");
	if (in->SecondaryPrivateIpAddressCount.set && in->SecondaryPrivateIpAddressCount.v < 0)
		return call_fail(c, &EC2_InvalidParameterValue,
			"The number of secondary addresses is not negative.");
	if (ec2_count(c, &ec2_interface_kind, NULL, STR_NULL) >= INTERFACES_MAX)
		return call_fail(c, &EC2_NetworkInterfaceLimitExceeded,
			"The maximum number of network interfaces has been reached.");
	return CALL_OK;
}

/* The list of addresses may say which one is the primary one. */
static int
addresses_split(struct call *c, const struct ec2_create_network_interface_in *in,
	struct str *ret_first, struct list_str *ret_others)
{
	*ret_first = in->PrivateIpAddress;
	for (uint32_t i = 0; i < in->PrivateIpAddresses.n; i++) {
		const struct ec2_private_ip_address_specification *p = &in->PrivateIpAddresses.v[i];
		if (!p->Primary.v) {
			*(struct str *)ec2_list_add(c->arena, ret_others) = p->PrivateIpAddress;
			continue;
		}
		if (ret_first->len)
			return call_fail(c, &EC2_InvalidParameterValue,
				"More than one address is marked as primary.");
		*ret_first = p->PrivateIpAddress;
	}
	return CALL_OK;
}

static int
shown(struct call *c, struct str id, struct ec2_network_interface **ret)
{
	struct ec2_interface_row *row = ec2_interface_get(c, id);
	if (!row)
		return ec2_need(c, &ec2_interface_kind, id) ? CALL_OK : CALL_FAILED;
	ec2_tags_get(c, id, &row->NetworkInterface->TagSet);
	*ret = row->NetworkInterface;
	return CALL_OK;
}

int
ec2_create_network_interface(struct call *c, const struct ec2_create_network_interface_in *in,
	struct ec2_create_network_interface_out *out)
{
	struct str id, first;
	struct list_str others = { 0 };
	if (ask_check(c, in) != CALL_OK || addresses_split(c, in, &first, &others) != CALL_OK ||
		ec2_token_find(c, in->ClientToken, in, &id) != CALL_OK)
		return CALL_FAILED;
	if (!id.len) {
		struct ec2_interface_ask ask = { .subnet = in->SubnetId,
			.zone = -1,
			.groups = &in->Groups,
			.private_ip = first,
			.secondary = &others,
			.secondary_n = (uint32_t)in->SecondaryPrivateIpAddressCount.v,
			.description = in->Description };
		if (!ec2_need(c, &ec2_subnet_kind, in->SubnetId) ||
			ec2_interface_create(c, &ask, &id) != CALL_OK ||
			ec2_tags_create(c, &ec2_interface_kind, id, &in->TagSpecifications) !=
				CALL_OK)
			return CALL_FAILED;
		ec2_token_keep(c, in->ClientToken, in, id);
	}
	out->ClientToken = in->ClientToken;
	return shown(c, id, &out->NetworkInterface);
}

int
ec2_delete_network_interface(struct call *c, const struct ec2_delete_network_interface_in *in,
	struct ec2_delete_network_interface_out *out)
{
	struct ec2_interface_row *n = ec2_need(c, &ec2_interface_kind, in->NetworkInterfaceId);
	(void)out;
	if (!n)
		return CALL_FAILED;
	if (n->NetworkInterface->Attachment)
		return call_fail(c, &EC2_InvalidNetworkInterface_InUse,
			"Network interface '%.*s' is currently in use.",
			STR_FMT(in->NetworkInterfaceId));
	ec2_interface_delete(c, in->NetworkInterfaceId);
	return CALL_OK;
}

int
ec2_describe_network_interfaces(struct call *c, const struct ec2_describe_network_interfaces_in *in,
	struct ec2_describe_network_interfaces_out *out)
{
	struct ec2_query q = { .kind = &ec2_interface_kind,
		.ids = &in->NetworkInterfaceIds,
		.filters = &in->Filters,
		.max = &in->MaxResults,
		.token = in->NextToken,
		.page = 1000 };
	return ec2_describe(c, &q, &out->NetworkInterfaces, &out->NextToken);
}

int
ec2_attach_network_interface(struct call *c, const struct ec2_attach_network_interface_in *in,
	struct ec2_attach_network_interface_out *out)
{
	struct ec2_interface_row **all,
		*n = ec2_need(c, &ec2_interface_kind, in->NetworkInterfaceId);
	struct ec2_instance_place place;
	struct ec2_interface_attach at = { .instance = in->InstanceId,
		.device = in->DeviceIndex.v };
	if (!n)
		return CALL_FAILED;
	if (!ec2_instance_place)
		return call_fail(c, &EC2_InvalidParameterValue, "There is no instance '%.*s'.",
			STR_FMT(in->InstanceId));
	if (ec2_instance_place(c, in->InstanceId, &place) != CALL_OK)
		return CALL_FAILED;
	if (in->DeviceIndex.v < 1 || in->DeviceIndex.v > 15)
		return call_fail(c, &EC2_InvalidParameterValue,
			"Value (%lld) for parameter deviceIndex is invalid. It is between 1 and 15.",
			(long long)in->DeviceIndex.v);
	if (in->NetworkCardIndex.v || in->EnaSrdSpecification || in->EnaQueueCount.set)
		return call_fail(c, &EC2_UnsupportedOperation,
			"Machines of this cloud have one network card without ENA settings.");
	if (place.zone != n->Zone.v)
		return call_fail(c, &EC2_InvalidParameterCombination,
			"You may not attach a network interface to an instance if they are not in "
			"the same availability zone");
	if (!str_eq(place.vpc, n->NetworkInterface->VpcId))
		return call_fail(c, &EC2_InvalidParameterCombination,
			"An instance's interfaces are all of one network here.");
	if (ec2_interfaces_of(c, in->InstanceId, &all) >= 15)
		return call_fail(c, &EC2_AttachmentLimitExceeded,
			"Interface count 16 exceeds the limit of 15.");
	if (ec2_interface_attach(c, in->NetworkInterfaceId, &at, &out->AttachmentId) != CALL_OK)
		return CALL_FAILED;
	out->NetworkCardIndex = OPT_I64(0);
	if (ec2_instance_interfaces_changed)
		ec2_instance_interfaces_changed(c, in->InstanceId);
	return CALL_OK;
}

static bool
has_attachment(const void *row, struct str id)
{
	const struct ec2_network_interface *n =
		((const struct ec2_interface_row *)row)->NetworkInterface;
	return n->Attachment && str_eq(n->Attachment->AttachmentId, id);
}

int
ec2_detach_network_interface(struct call *c, const struct ec2_detach_network_interface_in *in,
	struct ec2_detach_network_interface_out *out)
{
	struct str id, instance;
	struct ec2_interface_row *n =
		ec2_find(c, &ec2_interface_kind, has_attachment, in->AttachmentId, &id);
	(void)out;
	if (!n)
		return call_fail(c, &EC2_InvalidAttachmentID_NotFound,
			"The attachment ID '%.*s' does not exist", STR_FMT(in->AttachmentId));
	instance = n->NetworkInterface->Attachment->InstanceId;
	if (!instance.len)
		return call_fail(c, &EC2_OperationNotPermitted,
			"You are not allowed to manage 'ela-attach' attachments.");
	if (!n->NetworkInterface->Attachment->DeviceIndex.v)
		return call_fail(c, &EC2_OperationNotPermitted,
			"The network interface at device index 0 cannot be detached.");
	if (ec2_interface_detach(c, id) != CALL_OK)
		return CALL_FAILED;
	if (ec2_instance_interfaces_changed)
		ec2_instance_interfaces_changed(c, instance);
	return CALL_OK;
}

static int
attachment_change(struct call *c, const struct ec2_network_interface_attachment_changes *in,
	struct ec2_network_interface *n)
{
	if (!n->Attachment || !str_eq(n->Attachment->AttachmentId, in->AttachmentId))
		return call_fail(c, &EC2_InvalidAttachmentID_NotFound,
			"The attachment ID '%.*s' does not exist", STR_FMT(in->AttachmentId));
	if (in->EnaQueueCount.set || in->DefaultEnaQueueCount.set)
		return call_fail(c, &EC2_UnsupportedOperation,
			"Interfaces of this cloud have no ENA queues.");
	if (in->DeleteOnTermination.set)
		n->Attachment->DeleteOnTermination = in->DeleteOnTermination;
	return CALL_OK;
}

int
ec2_modify_network_interface_attribute(struct call *c,
	const struct ec2_modify_network_interface_attribute_in *in,
	struct ec2_modify_network_interface_attribute_out *out)
{
	struct ec2_interface_row *row = ec2_need(c, &ec2_interface_kind, in->NetworkInterfaceId);
	(void)out;
	if (!row)
		return CALL_FAILED;
	struct ec2_network_interface *n = row->NetworkInterface;
	if (in->EnaSrdSpecification || in->ConnectionTrackingSpecification ||
		in->AssociatedSubnetIds.n || in->EnablePrimaryIpv6.v)
		return call_fail(c, &EC2_UnsupportedOperation,
			"ENA Express, timeouts of connection tracking, IPv6 and secondary subnets "
			"are not there.");
	if (in->Description)
		n->Description = in->Description->Value.p ? in->Description->Value : STR("");
	if (in->SourceDestCheck)
		n->SourceDestCheck = OPT_BOOL(in->SourceDestCheck->Value.v);
	if (in->AssociatePublicIpAddress.set)
		row->PublicAtStart = in->AssociatePublicIpAddress;
	if (in->Groups.n) {
		struct ec2_subnet_row *s = ec2_get(c, &ec2_subnet_kind, n->SubnetId);
		if (ec2_interface_groups(c, s->Subnet, &in->Groups, &n->Groups) != CALL_OK)
			return CALL_FAILED;
	}
	if (in->Attachment && attachment_change(c, in->Attachment, n) != CALL_OK)
		return CALL_FAILED;
	ec2_interface_put(c, row);
	ec2_vpc_changed(c, n->VpcId);
	return CALL_OK;
}

/* Takes an address from the interface that has it, if it is not that one's primary address. */
static int
take_from_other(struct call *c, const struct ec2_subnet *s, struct str text)
{
	uint32_t ip;
	if (!ec2_ip_parse(text, &ip))
		return CALL_OK;
	struct str owner = ec2_private_owner(c, s->SubnetId, ip);
	struct ec2_interface_row *n = owner.len ? ec2_get(c, &ec2_interface_kind, owner) : NULL;
	int i = n ? ec2_interface_ip_find(n, text) : -1;
	if (i <= 0)
		return CALL_OK;
	ec2_interface_disassociate(c, n, (uint32_t)i);
	ec2_list_remove(&n->NetworkInterface->PrivateIpAddresses, (uint32_t)i);
	ec2_interface_put(c, n);
	ec2_private_free(c, s->SubnetId, ip);
	return CALL_OK;
}

int
ec2_assign_private_ip_addresses(struct call *c, const struct ec2_assign_private_ip_addresses_in *in,
	struct ec2_assign_private_ip_addresses_out *out)
{
	struct ec2_interface_row *n = ec2_need(c, &ec2_interface_kind, in->NetworkInterfaceId);
	if (!n)
		return CALL_FAILED;
	if (in->Ipv4Prefixes.n || in->Ipv4PrefixCount.set)
		return call_fail(c, &EC2_UnsupportedOperation,
			"Interfaces of this cloud have single addresses, no delegated prefixes.");
	if (!in->PrivateIpAddresses.n == !in->SecondaryPrivateIpAddressCount.set)
		return call_fail(c,
			in->PrivateIpAddresses.n ? &EC2_InvalidParameterCombination
						 : &EC2_MissingParameter,
			"Either PrivateIpAddresses or SecondaryPrivateIpAddressCount is to be "
			"given.");
	if (in->SecondaryPrivateIpAddressCount.set && in->SecondaryPrivateIpAddressCount.v < 1)
		return call_fail(c, &EC2_InvalidParameterValue,
			"SecondaryPrivateIpAddressCount is 1 at least.");
	struct ec2_network_interface *f = n->NetworkInterface;
	struct ec2_subnet_row *s = ec2_get(c, &ec2_subnet_kind, f->SubnetId);
	uint32_t before = f->PrivateIpAddresses.n;
	for (uint32_t i = 0; in->AllowReassignment.v && i < in->PrivateIpAddresses.n; i++)
		if (take_from_other(c, s->Subnet, in->PrivateIpAddresses.v[i]) != CALL_OK)
			return CALL_FAILED;
	n = ec2_get(c, &ec2_interface_kind, in->NetworkInterfaceId);
	f = n->NetworkInterface;
	before = f->PrivateIpAddresses.n;
	if (ec2_interface_ips_add(c, n, s->Subnet, &in->PrivateIpAddresses,
		    (uint32_t)in->SecondaryPrivateIpAddressCount.v) != CALL_OK)
		return CALL_FAILED;
	ec2_interface_put(c, n);
	ec2_vpc_changed(c, f->VpcId);
	out->NetworkInterfaceId = in->NetworkInterfaceId;
	for (uint32_t i = before; i < f->PrivateIpAddresses.n; i++)
		((struct ec2_assigned_private_ip_address *)ec2_list_add(
			c->arena, &out->AssignedPrivateIpAddresses))
			->PrivateIpAddress = f->PrivateIpAddresses.v[i].PrivateIpAddress;
	return CALL_OK;
}

int
ec2_unassign_private_ip_addresses(struct call *c,
	const struct ec2_unassign_private_ip_addresses_in *in,
	struct ec2_unassign_private_ip_addresses_out *out)
{
	struct ec2_interface_row *n = ec2_need(c, &ec2_interface_kind, in->NetworkInterfaceId);
	(void)out;
	if (!n)
		return CALL_FAILED;
	if (!in->PrivateIpAddresses.n)
		return ec2_missing(c, "PrivateIpAddresses");
	struct ec2_network_interface *f = n->NetworkInterface;
	for (uint32_t k = 0; k < in->PrivateIpAddresses.n; k++) {
		struct str text = in->PrivateIpAddresses.v[k];
		int i = text.len ? ec2_interface_ip_find(n, text) : -1;
		uint32_t ip;
		if (i <= 0)
			return call_fail(c, &EC2_InvalidParameterValue,
				"Some of the specified addresses are not assigned to interface %.*s",
				STR_FMT(in->NetworkInterfaceId));
		ec2_interface_disassociate(c, n, (uint32_t)i);
		ec2_list_remove(&f->PrivateIpAddresses, (uint32_t)i);
		if (ec2_ip_parse(text, &ip))
			ec2_private_free(c, f->SubnetId, ip);
	}
	ec2_interface_put(c, n);
	ec2_vpc_changed(c, f->VpcId);
	return CALL_OK;
}
