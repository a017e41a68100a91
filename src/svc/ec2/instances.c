/* Instances: found, shown, listed. */
#include "svc/ec2/instances.h"

#include "base/text.h"
#include "svc/ec2/interfaces.h"

#include <stdlib.h>

static bool
by_reservation(struct call *c, const void *row, const void *item, struct str value)
{
	(void)c, (void)item;
	return ec2_glob(value, ((const struct ec2_instance_row *)row)->ReservationId);
}

static bool
by_owner(struct call *c, const void *row, const void *item, struct str value)
{
	(void)row, (void)item;
	return ec2_glob(value, c->account);
}

#define NI "NetworkInterfaces."
static const struct ec2_filter_rule filters[] = {
	{ "affinity", "Placement.Affinity", NULL },
	{ "architecture", "Architecture", NULL },
	{ "availability-zone", "Placement.AvailabilityZone", NULL },
	{ "availability-zone-id", "Placement.AvailabilityZoneId", NULL },
	{ "block-device-mapping.attach-time", "BlockDeviceMappings.Ebs.AttachTime", NULL },
	{ "block-device-mapping.delete-on-termination",
		"BlockDeviceMappings.Ebs.DeleteOnTermination", NULL },
	{ "block-device-mapping.device-name", "BlockDeviceMappings.DeviceName", NULL },
	{ "block-device-mapping.status", "BlockDeviceMappings.Ebs.Status", NULL },
	{ "block-device-mapping.volume-id", "BlockDeviceMappings.Ebs.VolumeId", NULL },
	{ "boot-mode", "BootMode", NULL },
	{ "capacity-reservation-id", "CapacityReservationId", NULL },
	{ "client-token", "ClientToken", NULL },
	{ "dns-name", "PublicDnsName", NULL },
	{ "ebs-optimized", "EbsOptimized", NULL },
	{ "ena-support", "EnaSupport", NULL },
	{ "enclave-options.enabled", "EnclaveOptions.Enabled", NULL },
	{ "hibernation-options.configured", "HibernationOptions.Configured", NULL },
	{ "host-id", "Placement.HostId", NULL },
	{ "hypervisor", "Hypervisor", NULL },
	{ "iam-instance-profile.arn", "IamInstanceProfile.Arn", NULL },
	{ "iam-instance-profile.id", "IamInstanceProfile.Id", NULL },
	{ "image-id", "ImageId", NULL },
	{ "instance-id", "InstanceId", NULL },
	{ "instance-lifecycle", "InstanceLifecycle", NULL },
	{ "instance-state-code", "State.Code", NULL },
	{ "instance-state-name", "State.Name", NULL },
	{ "instance-type", "InstanceType", NULL },
	{ "instance.group-id", "SecurityGroups.GroupId", NULL },
	{ "instance.group-name", "SecurityGroups.GroupName", NULL },
	{ "group-id", "SecurityGroups.GroupId", NULL },
	{ "group-name", "SecurityGroups.GroupName", NULL },
	{ "ip-address", "PublicIpAddress", NULL },
	{ "kernel-id", "KernelId", NULL },
	{ "key-name", "KeyName", NULL },
	{ "launch-index", "AmiLaunchIndex", NULL },
	{ "launch-time", "LaunchTime", NULL },
	{ "metadata-options.http-endpoint", "MetadataOptions.HttpEndpoint", NULL },
	{ "metadata-options.http-put-response-hop-limit", "MetadataOptions.HttpPutResponseHopLimit",
		NULL },
	{ "metadata-options.http-tokens", "MetadataOptions.HttpTokens", NULL },
	{ "metadata-options.instance-metadata-tags", "MetadataOptions.InstanceMetadataTags", NULL },
	{ "monitoring-state", "Monitoring.State", NULL },
	{ "network-interface.addresses.association.public-ip",
		NI "PrivateIpAddresses.Association.PublicIp", NULL },
	{ "network-interface.addresses.primary", NI "PrivateIpAddresses.Primary", NULL },
	{ "network-interface.addresses.private-ip-address",
		NI "PrivateIpAddresses.PrivateIpAddress", NULL },
	{ "network-interface.association.public-ip", NI "Association.PublicIp", NULL },
	{ "network-interface.attachment.attachment-id", NI "Attachment.AttachmentId", NULL },
	{ "network-interface.attachment.device-index", NI "Attachment.DeviceIndex", NULL },
	{ "network-interface.attachment.status", NI "Attachment.Status", NULL },
	{ "network-interface.description", NI "Description", NULL },
	{ "network-interface.group-id", NI "Groups.GroupId", NULL },
	{ "network-interface.group-name", NI "Groups.GroupName", NULL },
	{ "network-interface.mac-address", NI "MacAddress", NULL },
	{ "network-interface.network-interface-id", NI "NetworkInterfaceId", NULL },
	{ "network-interface.owner-id", NI "OwnerId", NULL },
	{ "network-interface.private-dns-name", NI "PrivateDnsName", NULL },
	{ "network-interface.private-ip-address", NI "PrivateIpAddress", NULL },
	{ "network-interface.source-dest-check", NI "SourceDestCheck", NULL },
	{ "network-interface.status", NI "Status", NULL },
	{ "network-interface.subnet-id", NI "SubnetId", NULL },
	{ "network-interface.vpc-id", NI "VpcId", NULL },
	{ "owner-id", NULL, by_owner },
	{ "placement-group-name", "Placement.GroupName", NULL },
	{ "placement-partition-number", "Placement.PartitionNumber", NULL },
	{ "platform", "Platform", NULL },
	{ "platform-details", "PlatformDetails", NULL },
	{ "private-dns-name", "PrivateDnsName", NULL },
	{ "private-ip-address", "PrivateIpAddress", NULL },
	{ "product-code", "ProductCodes.ProductCodeId", NULL },
	{ "ramdisk-id", "RamdiskId", NULL },
	{ "reason", "StateTransitionReason", NULL },
	{ "reservation-id", NULL, by_reservation },
	{ "root-device-name", "RootDeviceName", NULL },
	{ "root-device-type", "RootDeviceType", NULL },
	{ "source-dest-check", "SourceDestCheck", NULL },
	{ "spot-instance-request-id", "SpotInstanceRequestId", NULL },
	{ "state-reason-code", "StateReason.Code", NULL },
	{ "state-reason-message", "StateReason.Message", NULL },
	{ "subnet-id", "SubnetId", NULL },
	{ "tenancy", "Placement.Tenancy", NULL },
	{ "usage-operation", "UsageOperation", NULL },
	{ "virtualization-type", "VirtualizationType", NULL },
	{ "vpc-id", "VpcId", NULL },
	{ 0 },
};

static struct ec2_instance_network_interface_association *
association(struct call *c, const struct ec2_network_interface_association *a)
{
	struct ec2_instance_network_interface_association *to;
	if (!a || !a->PublicIp.len)
		return NULL;
	to = arena_new(c->arena, struct ec2_instance_network_interface_association);
	to->IpOwnerId = a->IpOwnerId;
	to->PublicDnsName = a->PublicDnsName;
	to->PublicIp = a->PublicIp;
	return to;
}

static void
addresses(struct call *c, const struct ec2_network_interface *n,
	struct ec2_instance_network_interface *to)
{
	const struct ec2_network_interface_private_ip_address_list *from = &n->PrivateIpAddresses;
	to->PrivateIpAddresses.v =
		arena_array(c->arena, struct ec2_instance_private_ip_address, from->n);
	to->PrivateIpAddresses.n = from->n;
	to->PrivateIpAddresses.set = true;
	for (uint32_t i = 0; i < from->n; i++)
		to->PrivateIpAddresses.v[i] = (struct ec2_instance_private_ip_address){
			.Association = association(c, from->v[i].Association),
			.Primary = from->v[i].Primary,
			.PrivateDnsName = from->v[i].PrivateDnsName,
			.PrivateIpAddress = from->v[i].PrivateIpAddress
		};
}

static void
interface(struct call *c, const struct ec2_network_interface *n,
	struct ec2_instance_network_interface *to)
{
	*to = (struct ec2_instance_network_interface){ .Association =
							       association(c, n->Association),
		.Description = n->Description.p ? n->Description : STR(""),
		.Groups = n->Groups,
		.MacAddress = n->MacAddress,
		.NetworkInterfaceId = n->NetworkInterfaceId,
		.OwnerId = n->OwnerId,
		.PrivateDnsName = n->PrivateDnsName,
		.PrivateIpAddress = n->PrivateIpAddress,
		.SourceDestCheck = n->SourceDestCheck,
		.Status = n->Status,
		.SubnetId = n->SubnetId,
		.VpcId = n->VpcId,
		.InterfaceType = n->InterfaceType };
	to->Ipv6Addresses.set = true;
	addresses(c, n, to);
	if (!n->Attachment)
		return;
	to->Attachment = arena_new(c->arena, struct ec2_instance_network_interface_attachment);
	to->Attachment->AttachTime = n->Attachment->AttachTime;
	to->Attachment->AttachmentId = n->Attachment->AttachmentId;
	to->Attachment->DeleteOnTermination = n->Attachment->DeleteOnTermination;
	to->Attachment->DeviceIndex = n->Attachment->DeviceIndex;
	to->Attachment->Status = n->Attachment->Status;
	to->Attachment->NetworkCardIndex = OPT_I64(0);
}

/* Everything about its place is that of its first interface. */
static void
show(struct call *c, void *vrow, void *item)
{
	struct ec2_instance_row *row = vrow;
	struct ec2_instance *i = item;
	struct ec2_interface_row **all;
	uint32_t n = ec2_interfaces_of(c, i->InstanceId, &all);
	i->NetworkInterfaces.v = arena_array(c->arena, struct ec2_instance_network_interface, n);
	i->NetworkInterfaces.n = n;
	i->NetworkInterfaces.set = i->BlockDeviceMappings.set = i->SecurityGroups.set = true;
	i->ProductCodes.set = i->Tags.set = true;
	i->PublicDnsName = STR("");
	for (uint32_t k = 0; k < n; k++)
		interface(c, all[k]->NetworkInterface, &i->NetworkInterfaces.v[k]);
	if (ec2_state_is(row, EC2_TERMINATED)) {
		i->PrivateDnsName = STR("");
		i->SubnetId = i->VpcId = i->PrivateIpAddress = STR_NULL;
	}
	if (!n)
		return;
	const struct ec2_instance_network_interface *first = i->NetworkInterfaces.v;
	i->SubnetId = first->SubnetId;
	i->VpcId = first->VpcId;
	i->PrivateIpAddress = first->PrivateIpAddress;
	i->PrivateDnsName = first->PrivateDnsName;
	i->SourceDestCheck = first->SourceDestCheck;
	i->SecurityGroups = first->Groups;
	if (first->Association) {
		i->PublicIpAddress = first->Association->PublicIp;
		i->PublicDnsName = first->Association->PublicDnsName;
	}
}

const struct ec2_kind ec2_instance_kind = {
	.type = "instance",
	.prefix = "i-",
	.row = &ec2_instance_row_shape,
	.unknown = &EC2_InvalidInstanceID_NotFound,
	.unknown_text = "The instance ID '%.*s' does not exist",
	.malformed = &EC2_InvalidInstanceID_Malformed,
	.filters = filters,
	.show = show,
};
EC2_KIND(ec2_instance_kind);

/* ---- for others */

bool
ec2_instance_where(struct tx *t, struct arena *a, struct str id, struct str *ret_region,
	struct str *ret_account)
{
	return str_starts(id, STR("i-")) && ec2_owner_of(t, a, id, ret_region, ret_account);
}

struct ec2_instance_row *
ec2_instance_get(struct call *c, struct str id)
{
	struct ec2_instance_row *row = ec2_get(c, &ec2_instance_kind, id);
	if (!row)
		return NULL;
	show(c, row, row->Instance);
	ec2_tags_get(c, id, &row->Instance->Tags);
	return row;
}

struct ec2_instance_row *
ec2_instance_by_interface(struct call *c, struct str interface_id)
{
	struct ec2_interface_row *n = ec2_interface_get(c, interface_id);
	const struct ec2_network_interface_attachment *a =
		n ? n->NetworkInterface->Attachment : NULL;
	return a && a->InstanceId.len ? ec2_instance_get(c, a->InstanceId) : NULL;
}

struct str
ec2_instance_user_data(struct call *c, const struct ec2_instance_row *i)
{
	return i->UserData.len ? base64_bytes(c->arena, i->UserData, BASE64_LENIENT) : STR_NULL;
}

struct str
ec2_instance_public_key(const struct ec2_instance_row *i)
{
	return i->PublicKey.len ? i->PublicKey : STR_NULL;
}

int
ec2_instance_place(struct call *c, struct str id, struct ec2_instance_place *ret)
{
	struct ec2_instance_row *row = ec2_need(c, &ec2_instance_kind, id);
	if (!row)
		return CALL_FAILED;
	if (!ec2_state_is(row, EC2_RUNNING) && !ec2_state_is(row, EC2_STOPPED) &&
		!ec2_state_is(row, EC2_PENDING))
		return call_fail(c, &EC2_IncorrectInstanceState,
			"The instance '%.*s' is not in a state from which interfaces can be "
			"attached "
			"or detached.",
			STR_FMT(id));
	*ret = (struct ec2_instance_place){ .id = id,
		.vpc = row->Instance->VpcId,
		.zone = (int)row->Zone.v,
		.running = !ec2_state_is(row, EC2_STOPPED) };
	return CALL_OK;
}

/* ---- listed */

static struct ec2_reservation *
reservation_of(struct call *c, struct ec2_reservation_list *l, const struct ec2_instance_row *row)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (str_eq(l->v[i].ReservationId, row->ReservationId))
			return &l->v[i];
	struct ec2_reservation *r = &l->v[l->n++];
	*r = (struct ec2_reservation){ .ReservationId = row->ReservationId,
		.OwnerId = c->account,
		.RequesterId = row->RequesterId };
	r->Groups.set = r->Instances.set = true;
	return r;
}

static void
reservation_add(struct call *c, struct ec2_reservation *r, const struct ec2_instance *i)
{
	struct ec2_instance_list *l = &r->Instances;
	if (!(l->n & (l->n - 1))) {
		struct ec2_instance *more =
			arena_array(c->arena, struct ec2_instance, l->n ? l->n * 2 : 1);
		memcpy(more, l->n ? l->v : more, l->n * sizeof(*more));
		l->v = more;
	}
	l->v[l->n++] = *i;
}

static int
by_launch(const void *x, const void *y)
{
	int64_t a = ((const struct ec2_instance *)x)->AmiLaunchIndex.v;
	int64_t b = ((const struct ec2_instance *)y)->AmiLaunchIndex.v;
	return (a > b) - (a < b);
}

int
ec2_describe_instances(struct call *c, const struct ec2_describe_instances_in *in,
	struct ec2_describe_instances_out *out)
{
	struct ec2_instance_list all = { 0 };
	struct ec2_query q = { .kind = &ec2_instance_kind,
		.ids = &in->InstanceIds,
		.filters = &in->Filters,
		.max = &in->MaxResults,
		.token = in->NextToken };
	if (in->MaxResults.set && (in->MaxResults.v < 5 || in->MaxResults.v > 1000))
		return call_fail(c, &EC2_InvalidParameterValue,
			"Value ( %lld ) for parameter maxResults is invalid. Expecting a value "
			"greater "
			"than 5 and less than 1000.",
			(long long)in->MaxResults.v);
	if (ec2_describe(c, &q, &all, &out->NextToken) != CALL_OK)
		return CALL_FAILED;
	out->Reservations.v = arena_array(c->arena, struct ec2_reservation, all.n);
	out->Reservations.set = true;
	for (uint32_t i = 0; i < all.n; i++) {
		struct ec2_instance_row *row = ec2_get(c, &ec2_instance_kind, all.v[i].InstanceId);
		reservation_add(c, reservation_of(c, &out->Reservations, row), &all.v[i]);
	}
	for (uint32_t i = 0; i < out->Reservations.n; i++)
		qsort(out->Reservations.v[i].Instances.v, out->Reservations.v[i].Instances.n,
			sizeof(struct ec2_instance), by_launch);
	return CALL_OK;
}
