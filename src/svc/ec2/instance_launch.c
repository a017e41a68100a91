/* One instance of a launch: its interfaces, its disks, its row. */
#include "svc/ec2/interfaces.h"
#include "svc/ec2/launch.h"
#include "svc/ec2/network_rows.h"
#include "svc/ec2/volumes.h"
#include "svc/ec2/work.h"
#include "svc/ec2/zones.h"

/* ---- disks */

static int
mapping_check(struct call *c, const struct ec2_block_device_mapping *m)
{
	if (!m->DeviceName.len)
		return call_fail(c, &EC2_MissingParameter,
			"The request must contain the parameter BlockDeviceMapping.DeviceName");
	if (m->Ebs && m->VirtualName.len)
		return call_fail(c, &EC2_InvalidParameterCombination,
			"A mapping has either a volume or a virtual name: %.*s",
			STR_FMT(m->DeviceName));
	return CALL_OK;
}

/* What the call says of a device of the image goes over it; the snapshot stays. */
static void
mapping_over(struct call *c, struct ec2_block_device_mapping *to,
	const struct ec2_block_device_mapping *by)
{
	struct ec2_ebs_block_device *e = arena_new(c->arena, struct ec2_ebs_block_device);
	if (!by->Ebs)
		return;
	if (to->Ebs)
		*e = *to->Ebs;
	bool type = by->Ebs->VolumeType.len && !str_eq(by->Ebs->VolumeType, e->VolumeType);
	if (type)
		e->Iops = e->Throughput = (struct opt_i64){ 0 };
	if (by->Ebs->VolumeType.len)
		e->VolumeType = by->Ebs->VolumeType;
	if (by->Ebs->VolumeSize.set)
		e->VolumeSize = by->Ebs->VolumeSize;
	if (by->Ebs->Iops.set)
		e->Iops = by->Ebs->Iops;
	if (by->Ebs->Throughput.set)
		e->Throughput = by->Ebs->Throughput;
	if (by->Ebs->DeleteOnTermination.set)
		e->DeleteOnTermination = by->Ebs->DeleteOnTermination;
	if (by->Ebs->SnapshotId.len)
		e->SnapshotId = by->Ebs->SnapshotId;
	if (by->Ebs->Encrypted.set)
		e->Encrypted = by->Ebs->Encrypted;
	if (by->Ebs->KmsKeyId.len)
		e->Encrypted = OPT_BOOL(true);
	to->Ebs = e;
}

static int
root_check(struct ec2_launch *l)
{
	const struct ec2_image *image = l->image->Image;
	for (uint32_t i = 0; i < l->mappings.n; i++) {
		const struct ec2_ebs_block_device *e = l->mappings.v[i].Ebs;
		if (!e || !str_eq(l->mappings.v[i].DeviceName, image->RootDeviceName))
			continue;
		const struct ec2_ebs_block_device *was = NULL;
		for (uint32_t k = 0; k < image->BlockDeviceMappings.n; k++)
			if (str_eq(image->BlockDeviceMappings.v[k].DeviceName,
				    image->RootDeviceName))
				was = image->BlockDeviceMappings.v[k].Ebs;
		if (was && e->SnapshotId.len && !str_eq(e->SnapshotId, was->SnapshotId))
			return call_fail(l->c, &EC2_InvalidBlockDeviceMapping,
				"snapshotId cannot be modified on root device");
		if (was && e->VolumeSize.v < was->VolumeSize.v)
			return call_fail(l->c, &EC2_InvalidBlockDeviceMapping,
				"Volume of size %lldGB is smaller than snapshot '%.*s', expect "
				"size >= "
				"%lldGB",
				(long long)e->VolumeSize.v, STR_FMT(was->SnapshotId),
				(long long)was->VolumeSize.v);
		return CALL_OK;
	}
	return call_fail(l->c, &EC2_InvalidBlockDeviceMapping, "The image has no root device.");
}

int
ec2_launch_mappings(struct ec2_launch *l)
{
	const struct ec2_block_device_mapping_list *base = &l->image->Image->BlockDeviceMappings,
						   *over = &l->in->BlockDeviceMappings;
	l->mappings.v =
		arena_array(l->c->arena, struct ec2_block_device_mapping, base->n + over->n);
	memcpy(l->mappings.v, base->n ? base->v : l->mappings.v, base->n * sizeof(*base->v));
	l->mappings.n = base->n;
	for (uint32_t i = 0; i < over->n; i++) {
		const struct ec2_block_device_mapping *m = &over->v[i];
		uint32_t at = 0;
		if (mapping_check(l->c, m) != CALL_OK)
			return CALL_FAILED;
		while (at < l->mappings.n && !str_eq(l->mappings.v[at].DeviceName, m->DeviceName))
			at++;
		bool root = str_eq(m->DeviceName, l->image->Image->RootDeviceName);
		if (m->NoDevice.p && !root) {
			for (; at + 1 < l->mappings.n; at++)
				l->mappings.v[at] = l->mappings.v[at + 1];
			l->mappings.n -= at < l->mappings.n;
			continue;
		}
		/* Instance store volumes of types that have none are left out, as AWS does. */
		if (m->VirtualName.len)
			continue;
		if (at == l->mappings.n)
			l->mappings.v[l->mappings.n++] =
				(struct ec2_block_device_mapping){ .DeviceName = m->DeviceName };
		mapping_over(l->c, &l->mappings.v[at], m);
	}
	return root_check(l);
}

static int
disks(struct ec2_launch *l, struct ec2_instance_row *row)
{
	for (uint32_t i = 0; i < l->mappings.n; i++) {
		const struct ec2_block_device_mapping *m = &l->mappings.v[i];
		const struct ec2_ebs_block_device *e = m->Ebs;
		struct ec2_volume_row *v;
		bool root = str_eq(m->DeviceName, l->image->Image->RootDeviceName);
		if (!e)
			continue;
		struct ec2_volume_ask ask = { .zone = (uint32_t)row->Zone.v,
			.type = e->VolumeType,
			.size = e->VolumeSize,
			.iops = str_is(e->VolumeType, "gp2") ? (struct opt_i64){ 0 } : e->Iops,
			.throughput = e->Throughput,
			/* The root's content is the image's. */
			.snapshot = root ? STR_NULL : e->SnapshotId,
			.encrypted = e->Encrypted.v,
			.root = root };
		if (ec2_volume_make(l->c, &ask, &v) != CALL_OK ||
			(l->volume_tags.n && ec2_tags_add(l->c, v->Volume->VolumeId,
						     &l->volume_tags) != CALL_OK))
			return CALL_FAILED;
		if (root) {
			row->RootVolume = v->Volume->VolumeId;
			v->Volume->SnapshotId = e->SnapshotId;
		}
		ec2_volume_attach_to(l->c, v, row->Instance,
			&(struct ec2_attach_ask){ .device = m->DeviceName,
				.state = "attached",
				.delete_on_termination = e->DeleteOnTermination.set
								 ? e->DeleteOnTermination.v
								 : true });
	}
	return CALL_OK;
}

/* ---- interfaces */

int
ec2_launch_network_check(struct ec2_launch *l)
{
	const struct ec2_run_instances_in *in = l->in;
	const char *what = in->SubnetId.len           ? "subnet ID"
			   : in->SecurityGroupIds.n   ? "security groups"
			   : in->SecurityGroups.n     ? "security groups"
			   : in->PrivateIpAddress.len ? "private IP address"
						      : NULL;
	if (in->NetworkInterfaces.n && what)
		return call_fail(l->c, &EC2_InvalidParameterCombination,
			"Network interfaces and an instance-level %s may not be specified on the "
			"same "
			"request",
			what);
	if (in->NetworkInterfaces.n > l->type->interfaces_max)
		return call_fail(l->c, &EC2_AttachmentLimitExceeded,
			"Interface count %u exceeds the limit for %s", in->NetworkInterfaces.n,
			l->type->name);
	bool primary = !in->NetworkInterfaces.n, one = in->PrivateIpAddress.len > 0;
	for (uint32_t i = 0; i < in->NetworkInterfaces.n; i++) {
		const struct ec2_instance_network_interface_specification *n =
			&in->NetworkInterfaces.v[i];
		primary |= n->DeviceIndex.v == 0;
		one |= n->NetworkInterfaceId.len || n->PrivateIpAddress.len;
		if (n->Ipv6AddressCount.v || n->Ipv6Addresses.n)
			return ec2_no_ipv6(l->c);
		if (n->AssociatePublicIpAddress.v && in->NetworkInterfaces.n > 1)
			return call_fail(l->c, &EC2_InvalidParameterCombination,
				"The associatePublicIPAddress parameter cannot be specified when "
				"launching with multiple network interfaces.");
	}
	if (!primary)
		return call_fail(l->c, &EC2_InvalidParameterCombination,
			"When specifying network interfaces, you must include a device at index "
			"0.");
	if (one && in->MaxCount.v > 1)
		return call_fail(l->c, &EC2_InvalidParameterCombination,
			"A private IP address or a network interface can be given to one instance "
			"only.");
	return CALL_OK;
}

static int
interface_make(struct ec2_launch *l, const struct ec2_interface_ask *ask, struct str *ret_id)
{
	if (ec2_interface_create(l->c, ask, ret_id) != CALL_OK)
		return CALL_FAILED;
	return l->interface_tags.n ? ec2_tags_add(l->c, *ret_id, &l->interface_tags) : CALL_OK;
}

static int
interface_of(struct ec2_launch *l, const struct ec2_instance_network_interface_specification *n,
	struct str *ret_id)
{
	struct list_str *more = arena_new(l->c->arena, struct list_str);
	struct str primary = n->PrivateIpAddress;
	if (n->NetworkInterfaceId.len) {
		*ret_id = n->NetworkInterfaceId;
		return CALL_OK;
	}
	more->v = arena_array(l->c->arena, struct str, n->PrivateIpAddresses.n);
	for (uint32_t i = 0; i < n->PrivateIpAddresses.n; i++) {
		if (n->PrivateIpAddresses.v[i].Primary.v)
			primary = n->PrivateIpAddresses.v[i].PrivateIpAddress;
		else
			more->v[more->n++] = n->PrivateIpAddresses.v[i].PrivateIpAddress;
	}
	struct ec2_interface_ask ask = { .subnet = n->SubnetId,
		.zone = l->zone,
		.groups = &n->Groups,
		.private_ip = primary,
		.secondary = more,
		.secondary_n = n->SecondaryPrivateIpAddressCount.v > 0
				       ? (uint32_t)n->SecondaryPrivateIpAddressCount.v
				       : 0,
		.public_ip = n->AssociatePublicIpAddress.set ? n->AssociatePublicIpAddress.v : -1,
		.description = n->Description };
	return interface_make(l, &ask, ret_id);
}

static int
attach(struct ec2_launch *l, struct ec2_instance_row *row, struct str id, int64_t device,
	bool deletes)
{
	struct str attachment;
	struct ec2_interface_attach a = { .instance = row->Instance->InstanceId,
		.device = device,
		.delete_on_termination = deletes };
	struct ec2_interface_row *n = ec2_interface_get(l->c, id);
	if (!n || ec2_interface_attach(l->c, id, &a, &attachment) != CALL_OK)
		return n ? CALL_FAILED
			 : call_fail(l->c, &EC2_InvalidNetworkInterfaceID_NotFound,
				   "The networkInterface ID '%.*s' does not exist", STR_FMT(id));
	if (device && row->Zone.v != n->Zone.v)
		return call_fail(l->c, &EC2_InvalidParameterCombination,
			"The interfaces of an instance are all in one Availability Zone.");
	if (device)
		return CALL_OK;
	row->Zone = OPT_I64(n->Zone.v);
	row->Instance->VpcId = n->NetworkInterface->VpcId;
	row->Instance->SubnetId = n->NetworkInterface->SubnetId;
	row->Instance->PrivateIpAddress = n->NetworkInterface->PrivateIpAddress;
	return CALL_OK;
}

/* The first one is made before the row: without an address there is no instance. */
static int
interfaces(struct ec2_launch *l, struct ec2_instance_row *row, struct str first)
{
	const struct ec2_instance_network_interface_specification_list *s =
		&l->in->NetworkInterfaces;
	struct str id = first;
	if (!s->n)
		return attach(l, row, first, 0, true);
	for (int pass = 0; pass < 2; pass++)
		for (uint32_t i = 0; i < s->n; i++) {
			const struct ec2_instance_network_interface_specification *n = &s->v[i];
			if ((n->DeviceIndex.v == 0) != (pass == 0))
				continue;
			if (pass && interface_of(l, n, &id) != CALL_OK)
				return CALL_FAILED;
			bool deletes = n->DeleteOnTermination.set ? n->DeleteOnTermination.v
								  : !n->NetworkInterfaceId.len;
			if (attach(l, row, id, n->DeviceIndex.v, deletes) != CALL_OK)
				return CALL_FAILED;
		}
	return CALL_OK;
}

static int
first_interface(struct ec2_launch *l, struct str *ret_id)
{
	const struct ec2_run_instances_in *in = l->in;
	for (uint32_t i = 0; i < in->NetworkInterfaces.n; i++)
		if (in->NetworkInterfaces.v[i].DeviceIndex.v == 0)
			return interface_of(l, &in->NetworkInterfaces.v[i], ret_id);
	struct ec2_interface_ask ask = { .subnet = in->SubnetId,
		.zone = l->zone,
		.groups = &in->SecurityGroupIds,
		.group_names = &in->SecurityGroups,
		.private_ip = in->PrivateIpAddress,
		.public_ip = -1 };
	return interface_make(l, &ask, ret_id);
}

/* ---- the row */

static struct ec2_instance_metadata_options_response *
metadata_options(struct ec2_launch *l)
{
	const struct ec2_instance_metadata_options_request *m = l->in->MetadataOptions;
	struct ec2_instance_metadata_options_response *o =
		arena_new(l->c->arena, struct ec2_instance_metadata_options_response);
	/* An image that says so wants tokens, and lets them through one container's bridge. */
	bool v2 = str_is(l->image->Image->ImdsSupport, "v2.0");
	o->State = STR("applied");
	o->HttpTokens = m && m->HttpTokens.len ? m->HttpTokens
			: v2                   ? STR("required")
					       : STR("optional");
	o->HttpPutResponseHopLimit = m && m->HttpPutResponseHopLimit.set
					     ? m->HttpPutResponseHopLimit
					     : OPT_I64(v2 ? 2 : 1);
	o->HttpEndpoint = m && m->HttpEndpoint.len ? m->HttpEndpoint : STR("enabled");
	o->HttpProtocolIpv6 = m && m->HttpProtocolIpv6.len ? m->HttpProtocolIpv6 : STR("disabled");
	o->InstanceMetadataTags =
		m && m->InstanceMetadataTags.len ? m->InstanceMetadataTags : STR("disabled");
	return o;
}

static void
details(struct ec2_launch *l, struct ec2_instance *i)
{
	struct arena *a = l->c->arena;
	const struct ec2_run_instances_in *in = l->in;
	i->CpuOptions = arena_new(a, struct ec2_cpu_options);
	i->CpuOptions->ThreadsPerCore = OPT_I64(l->type->family->threads);
	i->CpuOptions->CoreCount = OPT_I64(l->type->vcpus < l->type->family->threads
						   ? 1
						   : l->type->vcpus / l->type->family->threads);
	i->CapacityReservationSpecification =
		arena_new(a, struct ec2_capacity_reservation_specification_response);
	i->CapacityReservationSpecification->CapacityReservationPreference = STR("open");
	i->HibernationOptions = arena_new(a, struct ec2_hibernation_options);
	i->HibernationOptions->Configured = OPT_BOOL(false);
	i->EnclaveOptions = arena_new(a, struct ec2_enclave_options);
	i->EnclaveOptions->Enabled = OPT_BOOL(false);
	i->MaintenanceOptions = arena_new(a, struct ec2_instance_maintenance_options);
	i->MaintenanceOptions->AutoRecovery =
		in->MaintenanceOptions && in->MaintenanceOptions->AutoRecovery.len
			? in->MaintenanceOptions->AutoRecovery
			: STR("default");
	i->PrivateDnsNameOptions = arena_new(a, struct ec2_private_dns_name_options_response);
	i->PrivateDnsNameOptions->HostnameType = STR("ip-name");
	i->PrivateDnsNameOptions->EnableResourceNameDnsARecord =
		OPT_BOOL(in->PrivateDnsNameOptions &&
			 in->PrivateDnsNameOptions->EnableResourceNameDnsARecord.v);
	i->PrivateDnsNameOptions->EnableResourceNameDnsAAAARecord = OPT_BOOL(false);
	i->Monitoring = arena_new(a, struct ec2_monitoring);
	i->Monitoring->State =
		in->Monitoring && in->Monitoring->Enabled.v ? STR("enabled") : STR("disabled");
	i->MetadataOptions = metadata_options(l);
}

static struct ec2_instance_row *
row_new(struct ec2_launch *l, int64_t index)
{
	struct call *c = l->c;
	const struct ec2_image *image = l->image->Image;
	struct ec2_instance_row *row = arena_new(c->arena, struct ec2_instance_row);
	struct ec2_instance *i = row->Instance = arena_new(c->arena, struct ec2_instance);
	*i = (struct ec2_instance){ .InstanceId = ec2_new_id(c, &ec2_instance_kind),
		.ImageId = l->in->ImageId,
		.InstanceType = l->in->InstanceType,
		.KeyName = l->in->KeyName,
		.AmiLaunchIndex = OPT_I64(index),
		.ClientToken = l->in->ClientToken.p ? l->in->ClientToken : STR(""),
		.Architecture = image->Architecture,
		.EbsOptimized = OPT_BOOL(l->in->EbsOptimized.v),
		.EnaSupport = OPT_BOOL(!(l->type->family->flags & EC2_FAMILY_XEN)),
		.Hypervisor = STR("xen"),
		.LaunchTime = OPT_TIME(c->now_ms),
		.PlatformDetails = image->PlatformDetails,
		.UsageOperation = image->UsageOperation,
		.UsageOperationUpdateTime = OPT_TIME(c->now_ms),
		.RootDeviceName = image->RootDeviceName,
		.RootDeviceType = STR("ebs"),
		.VirtualizationType = STR("hvm"),
		.BootMode = image->BootMode,
		.CurrentInstanceBootMode = STR("legacy-bios"),
		.StateTransitionReason = STR("") };
	details(l, i);
	row->ReservationId = l->reservation;
	row->UserData = l->in->UserData;
	row->PlaneImage = l->image->PlaneImage;
	row->User = l->image->User;
	row->ShutdownBehavior = l->in->InstanceInitiatedShutdownBehavior.len
					? l->in->InstanceInitiatedShutdownBehavior
					: STR("stop");
	row->DisableApiTermination = OPT_BOOL(l->in->DisableApiTermination.v);
	row->DisableApiStop = OPT_BOOL(l->in->DisableApiStop.v);
	row->CpuCredits = l->credits;
	row->PublicKey = l->public_key;
	row->Machine = l->machine;
	ec2_state_set(c, row, EC2_PENDING);
	return row;
}

static void
place(struct ec2_launch *l, struct ec2_instance_row *row)
{
	struct ec2_placement *p = arena_new(l->c->arena, struct ec2_placement);
	const struct ec2_placement *asked = l->in->Placement;
	p->AvailabilityZone = ec2_zone_name(l->c->arena, l->c->region, (uint32_t)row->Zone.v);
	p->AvailabilityZoneId = ec2_zone_id(l->c->arena, l->c->region, (uint32_t)row->Zone.v);
	p->GroupName = STR("");
	p->Tenancy = asked && asked->Tenancy.len ? asked->Tenancy : STR("default");
	row->Instance->Placement = p;
}

int
ec2_launch_one(struct ec2_launch *l, int64_t index, struct ec2_instance_row **ret)
{
	struct call *c = l->c;
	struct str first;
	*ret = NULL;
	if (first_interface(l, &first) != CALL_OK)
		return CALL_FAILED;
	struct ec2_instance_row *row = *ret = row_new(l, index);
	struct str id = row->Instance->InstanceId;
	if (interfaces(l, row, first) != CALL_OK)
		return CALL_FAILED;
	place(l, row);
	if (ec2_launch_market(l, row, index) != CALL_OK)
		return CALL_FAILED;
	if (l->profile)
		ec2_profile_set(c, row, l->profile);
	if (disks(l, row) != CALL_OK ||
		(l->instance_tags.n && ec2_tags_add(c, id, &l->instance_tags) != CALL_OK))
		return CALL_FAILED;
	ec2_owner_put(c, id);
	ec2_instance_put(c, row);
	if (ec2_interfaces_started(c, id) != CALL_OK)
		return CALL_FAILED;
	ec2_mark(c, "ec2.instance", id);
	return CALL_OK;
}
