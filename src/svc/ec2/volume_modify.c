/* Volumes become larger or of another type, in use too; their attributes and status. */
#include "svc/ec2/volumes.h"
#include "svc/ec2/work.h"

#define PAUSE_MS INT64_C(21600000)
#define FINISHED(m)                                                                                \
	(str_is((m)->ModificationState, "completed") || str_is((m)->ModificationState, "failed"))

static int
modify_check(
	struct call *c, const struct ec2_modify_volume_in *in, const struct ec2_volume_row *row)
{
	const struct ec2_volume_modification *m = row->Modification;
	if (!in->Size.set && !in->VolumeType.len && !in->Iops.set && !in->Throughput.set &&
		!in->MultiAttachEnabled.set)
		return call_fail(c, &EC2_InvalidParameterCombination,
			"At least one of size, volumeType, iops, throughput must be given.");
	if (in->MultiAttachEnabled.v)
		return call_fail(c, &EC2_UnsupportedOperation,
			"Multi-Attach is not available here: a volume has one instance at a time.");
	if (!str_is(row->Volume->State, "available") && !str_is(row->Volume->State, "in-use"))
		return call_fail(c, &EC2_IncorrectState, "Volume '%.*s' is in the '%.*s' state.",
			STR_FMT(in->VolumeId), STR_FMT(row->Volume->State));
	if (in->Size.set && in->Size.v < row->Volume->Size.v)
		return call_fail(c, &EC2_InvalidParameterValue,
			"New size cannot be smaller than existing size");
	if (m && !FINISHED(m))
		return call_fail(c, &EC2_IncorrectModificationState,
			"Cannot modify volume %.*s: it is currently in '%.*s' state of "
			"modification.",
			STR_FMT(in->VolumeId), STR_FMT(m->ModificationState));
	if (m && m->StartTime.ms + PAUSE_MS > c->now_ms)
		return call_fail(c, &EC2_VolumeModificationRateExceeded,
			"You've reached the maximum modification rate per volume limit. Wait at "
			"least 6 "
			"hours between modifications per EBS volume.");
	return CALL_OK;
}

static struct ec2_volume_modification *
modification(struct call *c, const struct ec2_volume *was, const struct ec2_volume *is)
{
	struct ec2_volume_modification *m = arena_new(c->arena, struct ec2_volume_modification);
	*m = (struct ec2_volume_modification){ .VolumeId = is->VolumeId,
		.ModificationState = STR("modifying"),
		.TargetSize = is->Size,
		.TargetIops = is->Iops,
		.TargetVolumeType = is->VolumeType,
		.TargetThroughput = is->Throughput,
		.TargetMultiAttachEnabled = OPT_BOOL(false),
		.OriginalSize = was->Size,
		.OriginalIops = was->Iops,
		.OriginalVolumeType = was->VolumeType,
		.OriginalThroughput = was->Throughput,
		.OriginalMultiAttachEnabled = OPT_BOOL(false),
		.Progress = OPT_I64(0),
		.StartTime = OPT_TIME(c->now_ms) };
	return m;
}

int
ec2_modify_volume(
	struct call *c, const struct ec2_modify_volume_in *in, struct ec2_modify_volume_out *out)
{
	struct ec2_volume_row *row = ec2_need(c, &ec2_volume_kind, in->VolumeId);
	if (!row || ec2_plane_need(c, 'v') != CALL_OK || modify_check(c, in, row) != CALL_OK)
		return CALL_FAILED;
	struct ec2_volume to = *row->Volume;
	bool same = !in->VolumeType.len || str_eq(in->VolumeType, to.VolumeType);
	to.VolumeType = in->VolumeType.len ? in->VolumeType : to.VolumeType;
	to.Size = in->Size.set ? in->Size : to.Size;
	/* What is not said stays where the type stays. */
	bool keeps = same && !str_is(to.VolumeType, "gp2");
	struct opt_i64 iops = in->Iops.set || !keeps ? in->Iops : to.Iops;
	struct opt_i64 mib = in->Throughput.set || !keeps ? in->Throughput : to.Throughput;
	if (ec2_volume_fit(c, &to, iops, mib) != CALL_OK)
		return CALL_FAILED;
	row->Modification = modification(c, row->Volume, &to);
	ec2_put(c, &ec2_volume_kind, in->VolumeId, row);
	ec2_mark(c, "ec2.volume", in->VolumeId);
	out->VolumeModification = row->Modification;
	return CALL_OK;
}

/* Filters look at the modification: a row whose first member it is. */
static const struct ec2_filter_rule filters[] = {
	{ "modification-state", "ModificationState", NULL },
	{ "original-iops", "OriginalIops", NULL },
	{ "original-size", "OriginalSize", NULL },
	{ "original-volume-type", "OriginalVolumeType", NULL },
	{ "start-time", "StartTime", NULL },
	{ "target-iops", "TargetIops", NULL },
	{ "target-size", "TargetSize", NULL },
	{ "target-volume-type", "TargetVolumeType", NULL },
	{ "volume-id", "VolumeId", NULL },
	{ 0 },
};
static const struct ec2_kind modification_kind = { .row = &ec2_volume_modification_row_shape,
	.filters = filters };

static bool
wanted(const struct list_str *ids, struct str id)
{
	for (uint32_t i = 0; i < ids->n; i++)
		if (str_eq(ids->v[i], id))
			return true;
	return !ids->n;
}

int
ec2_describe_volumes_modifications(struct call *c,
	const struct ec2_describe_volumes_modifications_in *in,
	struct ec2_describe_volumes_modifications_out *out)
{
	uint32_t limit =
		in->MaxResults.set && in->MaxResults.v > 0 ? (uint32_t)in->MaxResults.v : 500;
	struct ec2_volume_row *row;
	struct ec2_walk w;
	struct str after, last = STR_NULL;
	for (uint32_t i = 0; i < in->VolumeIds.n; i++) {
		if (!(row = ec2_need(c, &ec2_volume_kind, in->VolumeIds.v[i])))
			return CALL_FAILED;
		if (!row->Modification)
			return call_fail(c, &EC2_InvalidVolumeModification_NotFound,
				"Modification for volume '%.*s' does not exist.",
				STR_FMT(in->VolumeIds.v[i]));
	}
	if (ec2_filters_check(c, &modification_kind, &in->Filters) != CALL_OK ||
		ec2_page_begin(c, in->NextToken, &after) != CALL_OK)
		return CALL_FAILED;
	limit = limit > 1000 ? 1000 : limit;
	out->VolumesModifications.v = arena_array(c->arena, struct ec2_volume_modification, limit);
	out->VolumesModifications.set = true;
	ec2_walk_begin(&w, c, &ec2_volume_kind);
	while ((row = ec2_walk_next(&w))) {
		if ((after.p && str_cmp(w.id, after) <= 0) || !row->Modification ||
			!wanted(&in->VolumeIds, w.id) ||
			!ec2_filters_pass(
				c, &modification_kind, &in->Filters, w.id, row, row->Modification))
			continue;
		if (out->VolumesModifications.n == limit) {
			out->NextToken = ec2_page_token(c, last);
			ec2_walk_end(&w);
			break;
		}
		out->VolumesModifications.v[out->VolumesModifications.n++] = *row->Modification;
		last = w.id;
	}
	return CALL_OK;
}

int
ec2_describe_volume_attribute(struct call *c, const struct ec2_describe_volume_attribute_in *in,
	struct ec2_describe_volume_attribute_out *out)
{
	struct ec2_volume_row *row = ec2_need(c, &ec2_volume_kind, in->VolumeId);
	if (!row)
		return CALL_FAILED;
	out->VolumeId = in->VolumeId;
	if (str_is(in->Attribute, "productCodes")) {
		out->ProductCodes.set = true;
		return CALL_OK;
	}
	out->AutoEnableIO = arena_new(c->arena, struct ec2_attribute_boolean_value);
	out->AutoEnableIO->Value = OPT_BOOL(row->AutoEnableIO.v);
	return CALL_OK;
}

static const struct ec2_filter_rule status_filters[] = {
	{ "availability-zone", "AvailabilityZone", NULL },
	{ "volume-status.details-name", "VolumeStatus.Details.Name", NULL },
	{ "volume-status.details-status", "VolumeStatus.Details.Status", NULL },
	{ "volume-status.status", "VolumeStatus.Status", NULL },
	{ 0 },
};
static const struct ec2_kind status_kind = { .row = &ec2_volume_status_row_shape,
	.filters = status_filters };

/* As good as the plane's last answer about it. */
static void
status_tell(struct call *c, const struct ec2_volume_row *row, struct ec2_volume_status_item *to)
{
	const struct ec2_volume *v = row->Volume;
	bool broken = row->Trouble.len || str_is(v->State, "error");
	*to = (struct ec2_volume_status_item){ .VolumeId = v->VolumeId,
		.AvailabilityZone = v->AvailabilityZone,
		.AvailabilityZoneId = v->AvailabilityZoneId,
		.VolumeStatus = arena_new(c->arena, struct ec2_volume_status_info) };
	to->Actions.set = to->Events.set = true;
	struct ec2_volume_status_info *s = to->VolumeStatus;
	s->Status = broken ? STR("impaired") : row->Made.v ? STR("ok") : STR("insufficient-data");
	s->Details.v = arena_array(c->arena, struct ec2_volume_status_details, 2);
	s->Details.n = 2;
	s->Details.v[0] = (struct ec2_volume_status_details){ .Name = STR("io-enabled"),
		.Status = broken ? STR("failed") : STR("passed") };
	s->Details.v[1] = (struct ec2_volume_status_details){ .Name = STR("io-performance"),
		.Status = STR("not-applicable") };
}

int
ec2_describe_volume_status(struct call *c, const struct ec2_describe_volume_status_in *in,
	struct ec2_describe_volume_status_out *out)
{
	struct ec2_volume_list all = { 0 };
	struct ec2_query q = { .kind = &ec2_volume_kind,
		.ids = &in->VolumeIds,
		.max = &in->MaxResults,
		.token = in->NextToken };
	if (ec2_filters_check(c, &status_kind, &in->Filters) != CALL_OK ||
		ec2_describe(c, &q, &all, &out->NextToken) != CALL_OK)
		return CALL_FAILED;
	out->VolumeStatuses.v = arena_array(c->arena, struct ec2_volume_status_item, all.n);
	out->VolumeStatuses.set = true;
	for (uint32_t i = 0; i < all.n; i++) {
		struct ec2_volume_row *row = ec2_get(c, &ec2_volume_kind, all.v[i].VolumeId);
		struct ec2_volume_status_item *to = &out->VolumeStatuses.v[out->VolumeStatuses.n];
		status_tell(c, row, to);
		if (ec2_filters_pass(c, &status_kind, &in->Filters, to->VolumeId, row, to))
			out->VolumeStatuses.n++;
	}
	return CALL_OK;
}

/* Encryption of volumes is not there, so it cannot be the default either. */
int
ec2_enable_ebs_encryption_by_default(struct call *c,
	const struct ec2_enable_ebs_encryption_by_default_in *in __attribute__((unused)),
	struct ec2_enable_ebs_encryption_by_default_out *out __attribute__((unused)))
{
	return call_fail(c, &EC2_UnsupportedOperation,
		"Volumes are not encrypted here: they are plain files of the data directory. Put "
		"it on "
		"an encrypted file system.");
}

int
ec2_disable_ebs_encryption_by_default(struct call *c __attribute__((unused)),
	const struct ec2_disable_ebs_encryption_by_default_in *in __attribute__((unused)),
	struct ec2_disable_ebs_encryption_by_default_out *out)
{
	out->EbsEncryptionByDefault = OPT_BOOL(false);
	return CALL_OK;
}

int
ec2_get_ebs_encryption_by_default(struct call *c __attribute__((unused)),
	const struct ec2_get_ebs_encryption_by_default_in *in __attribute__((unused)),
	struct ec2_get_ebs_encryption_by_default_out *out)
{
	out->EbsEncryptionByDefault = OPT_BOOL(false);
	out->SseType = STR("none");
	return CALL_OK;
}
