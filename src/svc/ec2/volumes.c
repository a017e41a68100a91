/* Volumes: made within the limits of their type, listed, deleted. */
#include "svc/ec2/volumes.h"

#include "aws/metering.h"
#include "svc/ec2/work.h"
#include "svc/ec2/zones.h"

static const struct ec2_filter_rule filters[] = {
	{ "attachment.attach-time", "Attachments.AttachTime", NULL },
	{ "attachment.delete-on-termination", "Attachments.DeleteOnTermination", NULL },
	{ "attachment.device", "Attachments.Device", NULL },
	{ "attachment.instance-id", "Attachments.InstanceId", NULL },
	{ "attachment.status", "Attachments.State", NULL },
	{ "availability-zone", "AvailabilityZone", NULL },
	{ "availability-zone-id", "AvailabilityZoneId", NULL },
	{ "create-time", "CreateTime", NULL },
	{ "encrypted", "Encrypted", NULL },
	{ "fast-restored", "FastRestored", NULL },
	{ "multi-attach-enabled", "MultiAttachEnabled", NULL },
	{ "size", "Size", NULL },
	{ "snapshot-id", "SnapshotId", NULL },
	{ "status", "State", NULL },
	{ "volume-id", "VolumeId", NULL },
	{ "volume-type", "VolumeType", NULL },
	{ 0 },
};
const struct ec2_kind ec2_volume_kind = {
	.type = "volume",
	.prefix = "vol-",
	.row = &ec2_volume_row_shape,
	.unknown = &EC2_InvalidVolume_NotFound,
	.unknown_text = "The volume '%.*s' does not exist.",
	.malformed = &EC2_InvalidVolumeID_Malformed,
	.filters = filters,
};
EC2_KIND(ec2_volume_kind);

/* What AWS allows. iops of gp2 follow from the size; ratio is iops for each GiB. */
static const struct limits {
	const char *type;
	int64_t size_min, size_max, iops_min, iops_max, ratio, iops_default;
	int64_t mib_min, mib_max, mib_default; /* a second; max 0: not to be chosen */
} limits[] = {
	{ "gp2", 1, 16384, 0, 0, 0, 0, 0, 0, 250 },
	{ "gp3", 1, 65536, 3000, 80000, 500, 3000, 125, 2000, 125 },
	{ "io1", 4, 16384, 100, 64000, 50, 0, 0, 0, 1000 },
	{ "io2", 4, 65536, 100, 256000, 1000, 0, 0, 0, 4000 },
	{ "st1", 125, 16384, 0, 0, 0, 0, 0, 0, 500 },
	{ "sc1", 125, 16384, 0, 0, 0, 0, 0, 0, 250 },
	{ "standard", 1, 1024, 0, 0, 0, 0, 0, 0, 90 },
};

static const struct limits *
limits_of(struct str type)
{
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		if (str_eq(type, str_c(limits[i].type)))
			return &limits[i];
	return NULL;
}

static int
size_check(struct call *c, const struct limits *l, int64_t size)
{
	bool large = size > l->size_max;
	if (!large && size >= l->size_min)
		return CALL_OK;
	return call_fail(c, &EC2_InvalidParameterValue,
		"Volume of %lldGiB is too %s for volume type %s; %s is %lldGiB.", (long long)size,
		large ? "large" : "small", l->type, large ? "maximum" : "minimum",
		(long long)(large ? l->size_max : l->size_min));
}

static int
iops_check(struct call *c, const struct limits *l, int64_t size, const struct opt_i64 *iops)
{
	if (iops->set && !l->iops_max)
		return call_fail(c, &EC2_InvalidParameterCombination,
			"The parameter iops is not supported for %s volumes.", l->type);
	if (!iops->set && l->iops_max && !l->iops_default)
		return call_fail(c, &EC2_MissingParameter,
			"The parameter iops must be specified for %s volumes.", l->type);
	if (!iops->set)
		return CALL_OK;
	if (iops->v < l->iops_min || iops->v > l->iops_max)
		return call_fail(c, &EC2_InvalidParameterValue,
			"Volume iops of %lld is too %s; %s is %lld.", (long long)iops->v,
			iops->v < l->iops_min ? "low" : "high",
			iops->v < l->iops_min ? "minimum" : "maximum",
			(long long)(iops->v < l->iops_min ? l->iops_min : l->iops_max));
	/* gp3 has its base rate at any size. */
	if (iops->v > l->ratio * size && iops->v > l->iops_default)
		return call_fail(c, &EC2_InvalidParameterValue,
			"Iops to volume size ratio of %.1f is too high; maximum is %lld",
			(double)iops->v / (double)size, (long long)l->ratio);
	return CALL_OK;
}

static int
throughput_check(struct call *c, const struct limits *l, const struct opt_i64 *mib)
{
	if (!mib->set)
		return CALL_OK;
	if (!l->mib_max)
		return call_fail(c, &EC2_InvalidParameterCombination,
			"The parameter throughput is not supported for %s volumes.", l->type);
	if (mib->v < l->mib_min || mib->v > l->mib_max)
		return call_fail(c, &EC2_InvalidParameterValue,
			"Throughput of %lldMiB/s is not between %lldMiB/s and %lldMiB/s.",
			(long long)mib->v, (long long)l->mib_min, (long long)l->mib_max);
	return CALL_OK;
}

static int64_t
gp2_iops(int64_t size)
{
	return size < 34 ? 100 : size > 5333 ? 16000 : size * 3;
}

/* Checks and fills in what the type decides. */
int
ec2_volume_fit(struct call *c, struct ec2_volume *v, struct opt_i64 iops, struct opt_i64 mib)
{
	const struct limits *l = limits_of(v->VolumeType);
	if (!l)
		return ec2_bad_value(c, "volumeType", v->VolumeType, "Unknown volume type.");
	if (size_check(c, l, v->Size.v) != CALL_OK ||
		iops_check(c, l, v->Size.v, &iops) != CALL_OK ||
		throughput_check(c, l, &mib) != CALL_OK)
		return CALL_FAILED;
	v->Iops = iops;
	if (!iops.set && l->iops_default)
		v->Iops = OPT_I64(l->iops_default);
	if (str_is(v->VolumeType, "gp2"))
		v->Iops = OPT_I64(gp2_iops(v->Size.v));
	v->Throughput =
		l->mib_max ? OPT_I64(mib.set ? mib.v : l->mib_default) : (struct opt_i64){ 0 };
	return CALL_OK;
}

uint32_t
ec2_volume_iops(const struct ec2_volume *v)
{
	return v->Iops.set ? (uint32_t)v->Iops.v : 500;
}

uint64_t
ec2_volume_bytes_a_second(const struct ec2_volume *v)
{
	const struct limits *l = limits_of(v->VolumeType);
	int64_t mib = v->Throughput.set ? v->Throughput.v : l ? l->mib_default : 0;
	return (uint64_t)mib << 20;
}

void
ec2_bytes_metered(struct call *c, struct str kind, int64_t bytes, int64_t things)
{
	struct metering_key k = { c->account, STR("ec2"), c->region, kind };
	metering_gauge(c->tx, c->store, &k, bytes, things, c->now_ms);
}

static int
snapshot_into(struct call *c, const struct ec2_volume_ask *ask, struct ec2_volume *v)
{
	struct ec2_snapshot_row *s;
	if (!ask->snapshot.len) {
		v->SnapshotId = STR("");
		return v->Size.set ? CALL_OK : ec2_missing(c, "size/snapshot");
	}
	if (!(s = ec2_snapshot_usable(c, ask->snapshot)))
		return CALL_FAILED;
	v->SnapshotId = ask->snapshot;
	if (!v->Size.set)
		v->Size = s->Snapshot->VolumeSize;
	if (v->Size.v < s->Snapshot->VolumeSize.v)
		return call_fail(c, &EC2_InvalidParameterValue,
			"The size of the volume (%lldGiB) is smaller than the snapshot's "
			"(%lldGiB).",
			(long long)v->Size.v, (long long)s->Snapshot->VolumeSize.v);
	return CALL_OK;
}

int
ec2_volume_make(struct call *c, const struct ec2_volume_ask *ask, struct ec2_volume_row **ret)
{
	struct ec2_volume_row *row = arena_new(c->arena, struct ec2_volume_row);
	struct ec2_volume *v = row->Volume = arena_new(c->arena, struct ec2_volume);
	if (ask->encrypted)
		return call_fail(c, &EC2_UnsupportedOperation,
			"Volumes are not encrypted here: they are plain files of the data "
			"directory. "
			"Put it on an encrypted file system, or leave Encrypted out.");
	if (ask->multi_attach)
		return call_fail(c, &EC2_UnsupportedOperation,
			"Multi-Attach is not available here: a volume has one instance at a time.");
	v->VolumeType = ask->type.len ? ask->type : STR("gp2");
	v->Size = ask->size;
	if (snapshot_into(c, ask, v) != CALL_OK ||
		ec2_volume_fit(c, v, ask->iops, ask->throughput) != CALL_OK)
		return CALL_FAILED;
	v->VolumeId = ec2_new_id(c, &ec2_volume_kind);
	v->AvailabilityZone = ec2_zone_name(c->arena, c->region, ask->zone);
	v->AvailabilityZoneId = ec2_zone_id(c->arena, c->region, ask->zone);
	v->State = STR("creating");
	v->CreateTime = OPT_TIME(c->now_ms);
	v->Encrypted = v->MultiAttachEnabled = OPT_BOOL(false);
	v->Attachments.set = true;
	row->Zone = OPT_I64(ask->zone);
	row->Root = OPT_BOOL(ask->root);
	row->Metered = arena_printf(c->arena, "EBS:VolumeUsage.%.*s", STR_FMT(v->VolumeType));
	ec2_bytes_metered(c, row->Metered, v->Size.v * (int64_t)EC2_GIB, 1);
	ec2_put(c, &ec2_volume_kind, v->VolumeId, row);
	if (!ask->root)
		ec2_mark(c, "ec2.volume", v->VolumeId);
	*ret = row;
	return CALL_OK;
}

static void
told(const struct ec2_volume *v, struct ec2_create_volume_out *out)
{
	out->VolumeId = v->VolumeId;
	out->AvailabilityZone = v->AvailabilityZone;
	out->AvailabilityZoneId = v->AvailabilityZoneId;
	out->Size = v->Size;
	out->SnapshotId = v->SnapshotId;
	out->State = v->State;
	out->CreateTime = v->CreateTime;
	out->VolumeType = v->VolumeType;
	out->Iops = v->Iops;
	out->Throughput = v->Throughput;
	out->Encrypted = v->Encrypted;
	out->MultiAttachEnabled = v->MultiAttachEnabled;
	out->Attachments.set = true;
}

int
ec2_create_volume(
	struct call *c, const struct ec2_create_volume_in *in, struct ec2_create_volume_out *out)
{
	struct ec2_volume_row *row;
	struct str id;
	int zone;
	if (ec2_token_find(c, in->ClientToken, in, &id) != CALL_OK)
		return CALL_FAILED;
	if (!id.p) {
		if (ec2_plane_need(c, 'v') != CALL_OK ||
			ec2_zone_asked(c, in->AvailabilityZone, in->AvailabilityZoneId, &zone) !=
				CALL_OK)
			return CALL_FAILED;
		if (zone < 0)
			return ec2_missing(c, "availabilityZone");
		struct ec2_volume_ask ask = { .zone = (uint32_t)zone,
			.type = in->VolumeType,
			.size = in->Size,
			.iops = in->Iops,
			.throughput = in->Throughput,
			.snapshot = in->SnapshotId,
			.encrypted = in->Encrypted.v || in->KmsKeyId.len,
			.multi_attach = in->MultiAttachEnabled.v };
		if (ec2_volume_make(c, &ask, &row) != CALL_OK ||
			ec2_tags_create(c, &ec2_volume_kind, row->Volume->VolumeId,
				&in->TagSpecifications) != CALL_OK)
			return CALL_FAILED;
		id = row->Volume->VolumeId;
		ec2_token_keep(c, in->ClientToken, in, id);
	}
	if (!(row = ec2_need(c, &ec2_volume_kind, id)))
		return CALL_FAILED;
	told(row->Volume, out);
	ec2_tags_get(c, id, &out->Tags);
	return CALL_OK;
}

int
ec2_delete_volume(struct call *c, const struct ec2_delete_volume_in *in,
	struct ec2_delete_volume_out *out __attribute__((unused)))
{
	struct ec2_volume_row *row = ec2_need(c, &ec2_volume_kind, in->VolumeId);
	if (!row)
		return CALL_FAILED;
	if (row->Volume->Attachments.n)
		return call_fail(c, &EC2_VolumeInUse, "Volume %.*s is currently attached to %.*s",
			STR_FMT(in->VolumeId), STR_FMT(row->Volume->Attachments.v[0].InstanceId));
	row->Volume->State = STR("deleting");
	ec2_put(c, &ec2_volume_kind, in->VolumeId, row);
	ec2_mark(c, "ec2.volume", in->VolumeId);
	return CALL_OK;
}

int
ec2_describe_volumes(struct call *c, const struct ec2_describe_volumes_in *in,
	struct ec2_describe_volumes_out *out)
{
	struct ec2_query q = { .kind = &ec2_volume_kind,
		.ids = &in->VolumeIds,
		.filters = &in->Filters,
		.max = in->VolumeIds.n ? NULL : &in->MaxResults,
		.token = in->NextToken };
	return ec2_describe(c, &q, &out->Volumes, &out->NextToken);
}

uint32_t
ec2_volumes_of(struct call *c, const struct ec2_instance *i, struct ec2_volume_row ***ret)
{
	uint32_t n = 0;
	*ret = arena_array(c->arena, struct ec2_volume_row *, i->BlockDeviceMappings.n);
	for (uint32_t k = 0; k < i->BlockDeviceMappings.n; k++) {
		const struct ec2_ebs_instance_block_device *e = i->BlockDeviceMappings.v[k].Ebs;
		if (e && ((*ret)[n] = ec2_get_kept(c, &ec2_volume_kind, e->VolumeId)))
			n++;
	}
	return n;
}
