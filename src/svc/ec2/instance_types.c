/* Instance types, as DescribeInstanceTypes and DescribeInstanceTypeOfferings show the catalogue. */
#include "svc/ec2/instance_types.h"

#include "svc/ec2/resource.h"
#include "svc/ec2/zones.h"

static const struct ec2_filter_rule filters[] = {
	{ "auto-recovery-supported", "AutoRecoverySupported", NULL },
	{ "bare-metal", "BareMetal", NULL },
	{ "burstable-performance-supported", "BurstablePerformanceSupported", NULL },
	{ "current-generation", "CurrentGeneration", NULL },
	{ "dedicated-hosts-supported", "DedicatedHostsSupported", NULL },
	{ "ebs-info.ebs-optimized-support", "EbsInfo.EbsOptimizedSupport", NULL },
	{ "ebs-info.encryption-support", "EbsInfo.EncryptionSupport", NULL },
	{ "ebs-info.nvme-support", "EbsInfo.NvmeSupport", NULL },
	{ "free-tier-eligible", "FreeTierEligible", NULL },
	{ "hibernation-supported", "HibernationSupported", NULL },
	{ "hypervisor", "Hypervisor", NULL },
	{ "instance-storage-info.disk.count", "InstanceStorageInfo.Disks.Count", NULL },
	{ "instance-storage-info.disk.size-in-gb", "InstanceStorageInfo.Disks.SizeInGB", NULL },
	{ "instance-storage-info.disk.type", "InstanceStorageInfo.Disks.Type", NULL },
	{ "instance-storage-info.encryption-support", "InstanceStorageInfo.EncryptionSupport",
		NULL },
	{ "instance-storage-info.nvme-support", "InstanceStorageInfo.NvmeSupport", NULL },
	{ "instance-storage-info.total-size-in-gb", "InstanceStorageInfo.TotalSizeInGB", NULL },
	{ "instance-storage-supported", "InstanceStorageSupported", NULL },
	{ "instance-type", "InstanceType", NULL },
	{ "memory-info.size-in-mib", "MemoryInfo.SizeInMiB", NULL },
	{ "network-info.efa-supported", "NetworkInfo.EfaSupported", NULL },
	{ "network-info.ena-support", "NetworkInfo.EnaSupport", NULL },
	{ "network-info.encryption-in-transit-supported",
		"NetworkInfo.EncryptionInTransitSupported", NULL },
	{ "network-info.ipv4-addresses-per-interface", "NetworkInfo.Ipv4AddressesPerInterface",
		NULL },
	{ "network-info.ipv6-addresses-per-interface", "NetworkInfo.Ipv6AddressesPerInterface",
		NULL },
	{ "network-info.ipv6-supported", "NetworkInfo.Ipv6Supported", NULL },
	{ "network-info.maximum-network-cards", "NetworkInfo.MaximumNetworkCards", NULL },
	{ "network-info.maximum-network-interfaces", "NetworkInfo.MaximumNetworkInterfaces", NULL },
	{ "network-info.network-performance", "NetworkInfo.NetworkPerformance", NULL },
	{ "nitro-enclaves-support", "NitroEnclavesSupport", NULL },
	{ "nitro-tpm-support", "NitroTpmSupport", NULL },
	{ "processor-info.supported-architecture", "ProcessorInfo.SupportedArchitectures", NULL },
	{ "processor-info.sustained-clock-speed-in-ghz", "ProcessorInfo.SustainedClockSpeedInGhz",
		NULL },
	{ "supported-boot-mode", "SupportedBootModes", NULL },
	{ "supported-root-device-type", "SupportedRootDeviceTypes", NULL },
	{ "supported-usage-class", "SupportedUsageClasses", NULL },
	{ "supported-virtualization-type", "SupportedVirtualizationTypes", NULL },
	{ "vcpu-info.default-cores", "VCpuInfo.DefaultCores", NULL },
	{ "vcpu-info.default-threads-per-core", "VCpuInfo.DefaultThreadsPerCore", NULL },
	{ "vcpu-info.default-vcpus", "VCpuInfo.DefaultVCpus", NULL },
	{ 0 },
};
/* Not kept as rows; only for what filters need. */
static const struct ec2_kind type_kind = { .row = &ec2_instance_type_row_shape,
	.filters = filters };

static const struct ec2_filter_rule offering_filters[] = {
	{ "instance-type", "InstanceType", NULL },
	{ "location", "Location", NULL },
	{ 0 },
};
static const struct ec2_kind offering_kind = { .row = &ec2_instance_type_offering_row_shape,
	.filters = offering_filters };

const struct ec2_instance_type *
ec2_instance_type_find(struct str name)
{
	uint32_t lo = 0, hi = ec2_instance_types_n;
	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;
		int r = str_cmp(name, str_c(ec2_instance_types[mid].name));
		if (!r)
			return &ec2_instance_types[mid];
		if (r < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

/* The oldest zone of us-east-1 has no Nitro machines; accounts mostly see it as "e". */
bool
ec2_instance_type_offered(struct str region, uint32_t zone, const struct ec2_instance_type *t)
{
	bool oldest = str_is(region, "us-east-1") && zone == 'e' - 'a';
	return !oldest || (t->family->flags & EC2_FAMILY_XEN);
}

static struct list_str
texts(struct call *c, const char *first, const char *second)
{
	struct list_str l = { .v = arena_array(c->arena, struct str, 2), .n = 1, .set = true };
	l.v[0] = str_c(first);
	if (second)
		l.v[l.n++] = str_c(second);
	return l;
}

static bool
is_metal(const struct ec2_instance_type *t)
{
	return strstr(t->name, ".metal") != NULL;
}

static void
tell_processor(struct call *c, const struct ec2_instance_type *t, struct ec2_instance_type_info *to)
{
	const struct ec2_instance_family *f = t->family;
	int64_t cores = t->vcpus < f->threads ? 1 : t->vcpus / f->threads;
	to->ProcessorInfo = arena_new(c->arena, struct ec2_processor_info);
	to->ProcessorInfo->SupportedArchitectures =
		f->flags & EC2_FAMILY_I386 ? texts(c, "i386", "x86_64") : texts(c, f->arch, NULL);
	to->ProcessorInfo->SustainedClockSpeedInGhz = (struct opt_f64){ f->ghz, true };
	to->ProcessorInfo->Manufacturer = str_c(f->maker);
	to->VCpuInfo = arena_new(c->arena, struct ec2_v_cpu_info);
	to->VCpuInfo->DefaultVCpus = OPT_I64(t->vcpus);
	to->VCpuInfo->DefaultCores = OPT_I64(cores);
	to->VCpuInfo->DefaultThreadsPerCore = OPT_I64(f->threads);
	to->MemoryInfo = arena_new(c->arena, struct ec2_memory_info);
	to->MemoryInfo->SizeInMiB = OPT_I64(t->memory_mib);
}

static void
tell_storage(struct call *c, const struct ec2_instance_type *t, struct ec2_instance_type_info *to)
{
	bool nitro = !(t->family->flags & EC2_FAMILY_XEN);
	to->EbsInfo = arena_new(c->arena, struct ec2_ebs_info);
	to->EbsInfo->EbsOptimizedSupport =
		str_is(str_c(t->family->name), "t2") ? STR("unsupported") : STR("default");
	to->EbsInfo->EncryptionSupport = STR("supported");
	to->EbsInfo->NvmeSupport = nitro ? STR("required") : STR("unsupported");
	to->EbsInfo->MaximumEbsAttachments = OPT_I64(t->family->volumes_max);
	to->EbsInfo->AttachmentLimitType = STR("shared");
	to->InstanceStorageSupported = OPT_BOOL(t->disks > 0);
	if (!t->disks)
		return;
	struct ec2_instance_storage_info *s = arena_new(c->arena, struct ec2_instance_storage_info);
	s->TotalSizeInGB = OPT_I64((int64_t)t->disks * t->disk_gb);
	s->Disks.v = arena_new(c->arena, struct ec2_disk_info);
	s->Disks.n = 1;
	*s->Disks.v = (struct ec2_disk_info){
		.SizeInGB = OPT_I64(t->disk_gb), .Count = OPT_I64(t->disks), .Type = STR("ssd")
	};
	s->NvmeSupport = s->EncryptionSupport = STR("required");
	to->InstanceStorageInfo = s;
}

static void
tell_network(struct call *c, const struct ec2_instance_type *t, struct ec2_instance_type_info *to)
{
	struct ec2_network_info *n = to->NetworkInfo = arena_new(c->arena, struct ec2_network_info);
	bool nitro = !(t->family->flags & EC2_FAMILY_XEN);
	n->NetworkPerformance = str_c(t->network);
	n->MaximumNetworkInterfaces = OPT_I64(t->interfaces_max);
	n->MaximumNetworkCards = OPT_I64(1);
	n->DefaultNetworkCardIndex = OPT_I64(0);
	n->NetworkCards.v = arena_new(c->arena, struct ec2_network_card_info);
	n->NetworkCards.n = 1;
	*n->NetworkCards.v = (struct ec2_network_card_info){ .NetworkCardIndex = OPT_I64(0),
		.NetworkPerformance = str_c(t->network),
		.MaximumNetworkInterfaces = OPT_I64(t->interfaces_max) };
	n->Ipv4AddressesPerInterface = n->Ipv6AddressesPerInterface = OPT_I64(t->addresses_max);
	n->Ipv6Supported = OPT_BOOL(true);
	n->EnaSupport = nitro ? STR("required")
			: t->family->flags & EC2_FAMILY_OLD || str_is(str_c(t->family->name), "t2")
				? STR("unsupported")
				: STR("supported");
	n->EfaSupported = OPT_BOOL(false);
	n->EncryptionInTransitSupported = OPT_BOOL((t->family->flags & EC2_FAMILY_ENCRYPTS) != 0);
}

static void
tell_gpus(struct call *c, const struct ec2_instance_type *t, struct ec2_instance_type_info *to)
{
	if (!t->gpus)
		return;
	to->GpuInfo = arena_new(c->arena, struct ec2_gpu_info);
	to->GpuInfo->TotalGpuMemoryInMiB = OPT_I64(16384 * (int64_t)t->gpus);
	to->GpuInfo->Gpus.v = arena_new(c->arena, struct ec2_gpu_device_info);
	to->GpuInfo->Gpus.n = 1;
	*to->GpuInfo->Gpus.v = (struct ec2_gpu_device_info){ .Name = STR("T4"),
		.Manufacturer = STR("NVIDIA"),
		.Count = OPT_I64(t->gpus),
		.MemoryInfo = arena_new(c->arena, struct ec2_gpu_device_memory_info) };
	to->GpuInfo->Gpus.v->MemoryInfo->SizeInMiB = OPT_I64(16384);
}

static bool
is_free(const struct ec2_instance_type *t)
{
	static const char *const names[] = { "t3.micro", "t3.small", "t4g.micro", "t4g.small" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], t->name) == 0)
			return true;
	return false;
}

static void
tell(struct call *c, const struct ec2_instance_type *t, struct ec2_instance_type_info *to)
{
	const struct ec2_instance_family *f = t->family;
	bool arm = strcmp(f->arch, "arm64") == 0, xen = f->flags & EC2_FAMILY_XEN;
	bool bursts = f->flags & EC2_FAMILY_BURSTS;
	*to = (struct ec2_instance_type_info){
		.InstanceType = str_c(t->name),
		.CurrentGeneration = OPT_BOOL(!(f->flags & EC2_FAMILY_OLD)),
		.FreeTierEligible = OPT_BOOL(is_free(t)),
		.SupportedUsageClasses = texts(c, "on-demand", "spot"),
		.SupportedRootDeviceTypes = texts(c, "ebs", NULL),
		.SupportedVirtualizationTypes = texts(c, "hvm", NULL),
		.BareMetal = OPT_BOOL(is_metal(t)),
		.Hypervisor = is_metal(t) ? STR_NULL
			      : xen       ? STR("xen")
					  : STR("nitro"),
		.HibernationSupported =
			OPT_BOOL(!is_metal(t) && !(f->flags & EC2_FAMILY_NO_HIBERNATION)),
		.BurstablePerformanceSupported = OPT_BOOL(bursts),
		.DedicatedHostsSupported = OPT_BOOL(!(f->flags & EC2_FAMILY_NO_HOSTS)),
		.AutoRecoverySupported = OPT_BOOL(!t->disks),
		.SupportedBootModes = arm   ? texts(c, "uefi", NULL)
				      : xen ? texts(c, "legacy-bios", NULL)
					    : texts(c, "legacy-bios", "uefi"),
		.NitroEnclavesSupport = STR("unsupported"),
		.NitroTpmSupport = xen || is_metal(t) ? STR("unsupported") : STR("supported"),
		.PhcSupport = STR("unsupported"),
		.PlacementGroupInfo = arena_new(c->arena, struct ec2_placement_group_info),
	};
	to->PlacementGroupInfo->SupportedStrategies = texts(c, "partition", "spread");
	if (!bursts) {
		struct list_str *l = &to->PlacementGroupInfo->SupportedStrategies;
		l->v = arena_array(c->arena, struct str, 3);
		l->v[l->n = 0] = STR("cluster");
		l->v[++l->n] = STR("partition");
		l->v[++l->n] = STR("spread");
		l->n++;
	}
	tell_processor(c, t, to);
	tell_storage(c, t, to);
	tell_network(c, t, to);
	tell_gpus(c, t, to);
}

static int
names_check(struct call *c, const struct list_str *names)
{
	for (uint32_t i = 0; i < names->n; i++)
		if (!ec2_instance_type_find(names->v[i]))
			return call_fail(c, &EC2_InvalidInstanceType,
				"The following supplied instance types do not exist: [%.*s]",
				STR_FMT(names->v[i]));
	return CALL_OK;
}

static bool
is_asked(const struct list_str *names, const struct ec2_instance_type *t)
{
	for (uint32_t i = 0; i < names->n; i++)
		if (str_eq(names->v[i], str_c(t->name)))
			return true;
	return !names->n;
}

int
ec2_describe_instance_types(struct call *c, const struct ec2_describe_instance_types_in *in,
	struct ec2_describe_instance_types_out *out)
{
	uint32_t limit = in->MaxResults.set ? (uint32_t)in->MaxResults.v : 100;
	struct str after;
	if (names_check(c, &in->InstanceTypes) != CALL_OK ||
		ec2_filters_check(c, &type_kind, &in->Filters) != CALL_OK ||
		ec2_page_begin(c, in->NextToken, &after) != CALL_OK)
		return CALL_FAILED;
	out->InstanceTypes.v = arena_array(c->arena, struct ec2_instance_type_info, limit + 1);
	out->InstanceTypes.set = true;
	for (uint32_t i = 0; i < ec2_instance_types_n; i++) {
		const struct ec2_instance_type *t = &ec2_instance_types[i];
		struct ec2_instance_type_info *to = &out->InstanceTypes.v[out->InstanceTypes.n];
		struct str name = str_c(t->name);
		if ((after.p && str_cmp(name, after) <= 0) || !is_asked(&in->InstanceTypes, t))
			continue;
		tell(c, t, to);
		if (!ec2_filters_pass(c, &type_kind, &in->Filters, name, NULL, to))
			continue;
		if (out->InstanceTypes.n == limit) {
			out->NextToken = ec2_page_token(c, to[-1].InstanceType);
			break;
		}
		out->InstanceTypes.n++;
	}
	return CALL_OK;
}

/* Where types may be offered: the region, or its zones by name or id. */
static struct str
location(struct call *c, struct str type, uint32_t i)
{
	if (str_is(type, "availability-zone"))
		return ec2_zone_name(c->arena, c->region, i);
	return str_is(type, "availability-zone-id") ? ec2_zone_id(c->arena, c->region, i)
						    : c->region;
}

int
ec2_describe_instance_type_offerings(struct call *c,
	const struct ec2_describe_instance_type_offerings_in *in,
	struct ec2_describe_instance_type_offerings_out *out)
{
	struct str kind = in->LocationType.len ? in->LocationType : STR("region"), after;
	bool whole = str_is(kind, "region");
	uint32_t limit = in->MaxResults.set ? (uint32_t)in->MaxResults.v : 1000;
	uint32_t places = whole ? 1 : ec2_zones_n(c->region);
	if (ec2_filters_check(c, &offering_kind, &in->Filters) != CALL_OK ||
		ec2_page_begin(c, in->NextToken, &after) != CALL_OK)
		return CALL_FAILED;
	out->InstanceTypeOfferings.v =
		arena_array(c->arena, struct ec2_instance_type_offering, limit + 1);
	out->InstanceTypeOfferings.set = true;
	/* No outposts here. */
	for (uint32_t i = 0; !str_is(kind, "outpost") && i < ec2_instance_types_n * places; i++) {
		const struct ec2_instance_type *t = &ec2_instance_types[i / places];
		struct ec2_instance_type_offering *to =
			&out->InstanceTypeOfferings.v[out->InstanceTypeOfferings.n];
		struct str at = arena_printf(c->arena, "%08u", i);
		if ((after.p && str_cmp(at, after) <= 0) ||
			(!whole && !ec2_instance_type_offered(c->region, i % places, t)))
			continue;
		*to = (struct ec2_instance_type_offering){ .InstanceType = str_c(t->name),
			.LocationType = kind,
			.Location = location(c, kind, i % places) };
		if (!ec2_filters_pass(c, &offering_kind, &in->Filters, at, NULL, to))
			continue;
		if (out->InstanceTypeOfferings.n == limit) {
			out->NextToken = ec2_page_token(c, arena_printf(c->arena, "%08u", i - 1));
			break;
		}
		out->InstanceTypeOfferings.n++;
	}
	return CALL_OK;
}
