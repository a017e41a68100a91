/* Images made of instances and snapshots, copied, given up. */
#include "base/clock.h"
#include "svc/ec2/images.h"
#include "svc/ec2/instances.h"
#include "svc/ec2/volumes.h"
#include "svc/ec2/work.h"

static const char *const both[] = { "image", "snapshot", NULL };

static int
name_check(struct call *c, struct str name)
{
	struct ec2_image_row *row;
	struct ec2_walk w;
	for (size_t i = 0; i < name.len; i++)
		if (!strchr("()[] "
			    "./-'@_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
			    name.p[i]) ||
			!name.p[i])
			return call_fail(c, &EC2_InvalidAMIName_Malformed,
				"AMI names must be between 3 and 128 characters long, and may "
				"contain "
				"letters, numbers, and only these characters: ( ) . - / _");
	ec2_walk_begin(&w, c, &ec2_image_kind);
	while ((row = ec2_walk_next(&w)))
		if (!row->Gone.v && str_eq(row->Image->Name, name)) {
			ec2_walk_end(&w);
			return call_fail(c, &EC2_InvalidAMIName_Duplicate,
				"AMI name %.*s is already in use by AMI %.*s", STR_FMT(name),
				STR_FMT(w.id));
		}
	return CALL_OK;
}

static struct ec2_image_row *
new_row(struct call *c, struct str name, struct str description)
{
	struct ec2_image_row *row = arena_new(c->arena, struct ec2_image_row);
	row->Image = arena_new(c->arena, struct ec2_image);
	*row->Image = (struct ec2_image){ .ImageId = ec2_new_id(c, &ec2_image_kind),
		.Name = name,
		.Description = description,
		.ImageLocation =
			arena_printf(c->arena, "%.*s/%.*s", STR_FMT(c->account), STR_FMT(name)),
		.OwnerId = c->account,
		.State = STR("pending"),
		.Public = OPT_BOOL(false),
		.CreationDate = time_text(c->arena, c->now_ms, TIME_ISO8601_MS),
		.ImageType = STR("machine"),
		.PlatformDetails = STR("Linux/UNIX"),
		.UsageOperation = STR("RunInstances"),
		.Hypervisor = STR("xen"),
		.VirtualizationType = STR("hvm"),
		.EnaSupport = OPT_BOOL(true),
		.SriovNetSupport = STR("simple"),
		.RootDeviceType = STR("ebs") };
	return row;
}

static int
keep(struct call *c, struct ec2_image_row *row, const struct ec2_tag_specification_list *specs)
{
	struct ec2_tag_list tags;
	struct str id = row->Image->ImageId;
	if (ec2_tags_asked(c, specs, both, "image", &tags) != CALL_OK ||
		(tags.n && ec2_tags_add(c, id, &tags) != CALL_OK))
		return CALL_FAILED;
	ec2_put(c, &ec2_image_kind, id, row);
	ec2_mark(c, "ec2.image", id);
	return CALL_OK;
}

static const struct ec2_block_device_mapping *
mapping_of(const struct ec2_block_device_mapping_list *l, struct str device)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (str_eq(l->v[i].DeviceName, device))
			return &l->v[i];
	return NULL;
}

/* One volume of the instance as a snapshot in the image's mapping. */
static int
mapping_add(struct call *c, struct ec2_image *i, struct ec2_volume_row *v,
	const struct ec2_tag_list *tags)
{
	const struct ec2_volume_attachment *a = v->Volume->Attachments.v;
	struct ec2_block_device_mapping *m = &i->BlockDeviceMappings.v[i->BlockDeviceMappings.n++];
	struct ec2_snapshot_row *s = ec2_snapshot_make(c, v,
		arena_printf(c->arena, "Created by CreateImage for %.*s from %.*s",
			STR_FMT(i->ImageId), STR_FMT(v->Volume->VolumeId)),
		tags);
	if (!s)
		return CALL_FAILED;
	m->DeviceName = a->Device;
	m->Ebs = arena_new(c->arena, struct ec2_ebs_block_device);
	*m->Ebs = (struct ec2_ebs_block_device){ .SnapshotId = s->Snapshot->SnapshotId,
		.VolumeSize = v->Volume->Size,
		.VolumeType = v->Volume->VolumeType,
		.Iops = str_starts(v->Volume->VolumeType, STR("io")) ? v->Volume->Iops
								     : (struct opt_i64){ 0 },
		.DeleteOnTermination = a->DeleteOnTermination,
		.Encrypted = OPT_BOOL(false) };
	return CALL_OK;
}

int
ec2_create_image(
	struct call *c, const struct ec2_create_image_in *in, struct ec2_create_image_out *out)
{
	struct ec2_instance_row *i = ec2_need(c, &ec2_instance_kind, in->InstanceId);
	struct ec2_volume_row **volumes;
	struct ec2_tag_list tags;
	if (!i || ec2_plane_need(c, 'm') != CALL_OK ||
		ec2_authorize(c, NULL, "instance", in->InstanceId) != CALL_OK ||
		name_check(c, in->Name) != CALL_OK ||
		ec2_tags_asked(c, &in->TagSpecifications, both, "snapshot", &tags) != CALL_OK)
		return CALL_FAILED;
	bool runs = str_is(i->Instance->State->Name, "running");
	if (!runs && !str_is(i->Instance->State->Name, "stopped"))
		return call_fail(c, &EC2_IncorrectState,
			"The instance '%.*s' must be in a 'running', or 'stopped' state to create "
			"an "
			"image.",
			STR_FMT(in->InstanceId));
	struct ec2_image_row *row = new_row(c, in->Name, in->Description);
	uint32_t n = ec2_volumes_of(c, i->Instance, &volumes);
	row->Image->BlockDeviceMappings.set = true;
	row->Image->BlockDeviceMappings.v =
		arena_array(c->arena, struct ec2_block_device_mapping, n);
	for (uint32_t k = 0; k < n; k++) {
		const struct ec2_block_device_mapping *m = mapping_of(
			&in->BlockDeviceMappings, volumes[k]->Volume->Attachments.v->Device);
		if (m && m->NoDevice.p && !volumes[k]->Root.v)
			continue;
		if (mapping_add(c, row->Image, volumes[k], &tags) != CALL_OK)
			return CALL_FAILED;
		if (volumes[k]->Root.v)
			row->Source = row->Image->BlockDeviceMappings
					      .v[row->Image->BlockDeviceMappings.n - 1]
					      .Ebs->SnapshotId;
	}
	row->Image->Architecture = i->Instance->Architecture;
	row->Image->RootDeviceName = i->Instance->RootDeviceName;
	row->Image->SourceInstanceId = in->InstanceId;
	row->Image->SourceImageId = i->Instance->ImageId;
	row->PlaneImage = i->PlaneImage;
	row->User = i->User;
	if (runs && !in->NoReboot.v) {
		i->Reboots = OPT_I64(i->Reboots.v + 1);
		ec2_put(c, &ec2_instance_kind, in->InstanceId, i);
		ec2_mark(c, "ec2.instance", in->InstanceId);
	}
	out->ImageId = row->Image->ImageId;
	return keep(c, row, &in->TagSpecifications);
}

int
ec2_register_image(
	struct call *c, const struct ec2_register_image_in *in, struct ec2_register_image_out *out)
{
	const struct ec2_block_device_mapping *root;
	struct ec2_snapshot_row *s;
	if (ec2_plane_need(c, 'm') != CALL_OK || name_check(c, in->Name) != CALL_OK)
		return CALL_FAILED;
	if (in->ImageLocation.len)
		return call_fail(c, &EC2_UnsupportedOperation,
			"Images are registered of snapshots here; an image file comes in by "
			"`haneul "
			"image import`.");
	struct str device = in->RootDeviceName.len ? in->RootDeviceName : STR("/dev/xvda");
	root = mapping_of(&in->BlockDeviceMappings, device);
	if (!root || !root->Ebs || !root->Ebs->SnapshotId.len)
		return call_fail(c, &EC2_InvalidBlockDeviceMapping,
			"The root device %.*s needs a mapping with a snapshot.", STR_FMT(device));
	for (uint32_t k = 0; k < in->BlockDeviceMappings.n; k++) {
		const struct ec2_ebs_block_device *e = in->BlockDeviceMappings.v[k].Ebs;
		if (e && e->SnapshotId.len && !ec2_snapshot_usable(c, e->SnapshotId))
			return CALL_FAILED;
	}
	if (!(s = ec2_snapshot_usable(c, root->Ebs->SnapshotId)))
		return CALL_FAILED;
	if (!s->Root.v)
		return call_fail(c, &EC2_InvalidBlockDeviceMapping,
			"The snapshot %.*s is not of the root of an instance, so nothing boots of "
			"it.",
			STR_FMT(root->Ebs->SnapshotId));
	struct ec2_image_row *row = new_row(c, in->Name, in->Description);
	row->Image->Architecture = in->Architecture.len ? in->Architecture : STR("x86_64");
	row->Image->RootDeviceName = device;
	row->Image->BlockDeviceMappings = in->BlockDeviceMappings;
	row->Image->BootMode = in->BootMode;
	row->Image->TpmSupport = in->TpmSupport;
	row->Image->ImdsSupport = in->ImdsSupport;
	row->Source = root->Ebs->SnapshotId;
	for (uint32_t k = 0; k < row->Image->BlockDeviceMappings.n; k++) {
		struct ec2_ebs_block_device *e = row->Image->BlockDeviceMappings.v[k].Ebs;
		if (e && !e->DeleteOnTermination.set)
			e->DeleteOnTermination = OPT_BOOL(true);
		if (e && !e->VolumeType.len)
			e->VolumeType = STR("gp2");
		if (e && !e->VolumeSize.set && e->SnapshotId.len)
			e->VolumeSize = ec2_snapshot_usable(c, e->SnapshotId)->Snapshot->VolumeSize;
	}
	out->ImageId = row->Image->ImageId;
	return keep(c, row, &in->TagSpecifications);
}

/* The same content under a new id: a copy costs no room. */
int
ec2_copy_image(struct call *c, const struct ec2_copy_image_in *in, struct ec2_copy_image_out *out)
{
	struct call source = *c;
	struct ec2_image_row *from;
	struct str id;
	source.region = in->SourceRegion;
	if (ec2_token_find(c, in->ClientToken, in, &id) != CALL_OK)
		return CALL_FAILED;
	out->ImageId = id;
	if (id.p)
		return CALL_OK;
	if (in->Encrypted.v || in->KmsKeyId.len)
		return call_fail(c, &EC2_UnsupportedOperation,
			"Images are not encrypted here: they are plain files of the data "
			"directory.");
	if (!(from = ec2_image_need(&source, in->SourceImageId)))
		return call_fail(c, source.error, "%.*s", STR_FMT(source.error_message));
	if (!str_is(from->Image->State, "available"))
		return call_fail(c, &EC2_InvalidAMIID_Unavailable,
			"The image ID '%.*s' is not 'available'.", STR_FMT(in->SourceImageId));
	if (name_check(c, in->Name) != CALL_OK)
		return CALL_FAILED;
	struct ec2_image_row *row = new_row(c, in->Name,
		in->Description.p ? in->Description
				  : arena_printf(c->arena, "[Copied %.*s from %.*s] %.*s",
					    STR_FMT(in->SourceImageId), STR_FMT(in->SourceRegion),
					    STR_FMT(from->Image->Name)));
	row->Image->Architecture = from->Image->Architecture;
	row->Image->RootDeviceName = from->Image->RootDeviceName;
	row->Image->BlockDeviceMappings = from->Image->BlockDeviceMappings;
	row->Image->BootMode = from->Image->BootMode;
	row->Image->ImdsSupport = from->Image->ImdsSupport;
	row->Image->SourceImageId = in->SourceImageId;
	row->Image->SourceImageRegion = in->SourceRegion;
	row->PlaneImage = from->PlaneImage;
	row->User = from->User;
	if (in->CopyImageTags.v && str_eq(from->Image->OwnerId, c->account)) {
		struct ec2_tag_list tags;
		ec2_tags_get(&source, in->SourceImageId, &tags);
		if (tags.n && ec2_tags_add(c, row->Image->ImageId, &tags) != CALL_OK)
			return CALL_FAILED;
	}
	out->ImageId = row->Image->ImageId;
	ec2_token_keep(c, in->ClientToken, in, row->Image->ImageId);
	return keep(c, row, &in->TagSpecifications);
}

int
ec2_deregister_image(struct call *c, const struct ec2_deregister_image_in *in,
	struct ec2_deregister_image_out *out)
{
	struct ec2_image_row *row = ec2_image_own(c, in->ImageId);
	if (!row)
		return CALL_FAILED;
	const struct ec2_block_device_mapping_list *l = &row->Image->BlockDeviceMappings;
	row->Gone = OPT_BOOL(true);
	ec2_put(c, &ec2_image_kind, in->ImageId, row);
	ec2_share(c, &ec2_image_kind, in->ImageId, false);
	ec2_tags_remove_all(c, in->ImageId);
	ec2_mark(c, "ec2.image", in->ImageId);
	out->Return = OPT_BOOL(true);
	out->DeleteSnapshotResults.set = true;
	if (!in->DeleteAssociatedSnapshots.v)
		return CALL_OK;
	out->DeleteSnapshotResults.v =
		arena_array(c->arena, struct ec2_delete_snapshot_return_code, l->n);
	for (uint32_t i = 0; i < l->n; i++) {
		struct str id = l->v[i].Ebs ? l->v[i].Ebs->SnapshotId : STR_NULL;
		struct ec2_snapshot_row *s = ec2_get(c, &ec2_snapshot_kind, id);
		if (!s || s->Gone.v)
			continue;
		bool used = ec2_image_with_snapshot(c, id).p != NULL;
		if (!used)
			ec2_snapshot_remove(c, s);
		out->DeleteSnapshotResults.v[out->DeleteSnapshotResults.n++] =
			(struct ec2_delete_snapshot_return_code){ id,
				used ? STR("skipped") : STR("success") };
	}
	return CALL_OK;
}
