/* Volumes and instances: attached, detached, released at the end of an instance. */
#include "svc/ec2/instances.h"
#include "svc/ec2/instance_types.h"
#include "svc/ec2/volumes.h"
#include "svc/ec2/work.h"

void
ec2_volume_attach_to(struct call *c, struct ec2_volume_row *v, struct ec2_instance *i,
	const struct ec2_attach_ask *ask)
{
	struct ec2_instance_block_device_mapping_list *l = &i->BlockDeviceMappings;
	struct ec2_instance_block_device_mapping *all =
		arena_array(c->arena, struct ec2_instance_block_device_mapping, l->n + 1);
	struct ec2_volume_attachment *a = arena_new(c->arena, struct ec2_volume_attachment);
	struct ec2_ebs_instance_block_device *e =
		arena_new(c->arena, struct ec2_ebs_instance_block_device);
	*a = (struct ec2_volume_attachment){ .VolumeId = v->Volume->VolumeId,
		.InstanceId = i->InstanceId,
		.Device = ask->device,
		.State = str_c(ask->state),
		.AttachTime = OPT_TIME(c->now_ms),
		.DeleteOnTermination = OPT_BOOL(ask->delete_on_termination) };
	v->Volume->Attachments.v = a;
	v->Volume->Attachments.n = 1;
	v->Volume->State = STR("in-use");
	ec2_put(c, &ec2_volume_kind, v->Volume->VolumeId, v);
	*e = (struct ec2_ebs_instance_block_device){ .VolumeId = v->Volume->VolumeId,
		.Status = str_c(ask->state),
		.AttachTime = OPT_TIME(c->now_ms),
		.DeleteOnTermination = OPT_BOOL(ask->delete_on_termination) };
	memcpy(all, l->n ? l->v : all, l->n * sizeof(*all));
	all[l->n] =
		(struct ec2_instance_block_device_mapping){ .DeviceName = ask->device, .Ebs = e };
	l->v = all;
	l->n++;
	l->set = true;
}

void
ec2_volume_mapping_state(struct ec2_instance *i, struct str volume, const char *state)
{
	struct ec2_instance_block_device_mapping_list *l = &i->BlockDeviceMappings;
	uint32_t n = 0;
	for (uint32_t k = 0; k < l->n; k++) {
		bool it = l->v[k].Ebs && str_eq(l->v[k].Ebs->VolumeId, volume);
		if (it && state)
			l->v[k].Ebs->Status = str_c(state);
		if (!it || state)
			l->v[n++] = l->v[k];
	}
	l->n = n;
}

void
ec2_volumes_released(struct call *c, struct ec2_instance *i)
{
	for (uint32_t k = 0; k < i->BlockDeviceMappings.n; k++) {
		const struct ec2_ebs_instance_block_device *e = i->BlockDeviceMappings.v[k].Ebs;
		struct ec2_volume_row *v = e ? ec2_get(c, &ec2_volume_kind, e->VolumeId) : NULL;
		if (!v)
			continue;
		bool goes = v->Volume->Attachments.n &&
			    v->Volume->Attachments.v[0].DeleteOnTermination.v;
		v->Volume->Attachments.n = 0;
		v->Volume->State = goes ? STR("deleting") : STR("available");
		ec2_put(c, &ec2_volume_kind, v->Volume->VolumeId, v);
		ec2_mark(c, "ec2.volume", v->Volume->VolumeId);
	}
	i->BlockDeviceMappings.n = 0;
}

static int
device_check(struct call *c, const struct ec2_instance *i, struct str device)
{
	if (!str_starts(device, STR("/dev/")) && !str_starts(device, STR("xvd")) &&
		!str_starts(device, STR("sd")))
		return call_fail(c, &EC2_InvalidParameterValue,
			"Value (%.*s) for parameter device is invalid. %.*s is not a valid EBS "
			"device "
			"name.",
			STR_FMT(device), STR_FMT(device));
	for (size_t k = 0; k < device.len; k++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789/", device.p[k]) ||
			device.len > 32)
			return ec2_bad_value(
				c, "device", device, "It is not a valid EBS device name.");
	for (uint32_t k = 0; k < i->BlockDeviceMappings.n; k++)
		if (str_eq(i->BlockDeviceMappings.v[k].DeviceName, device))
			return call_fail(c, &EC2_InvalidParameterValue,
				"Invalid value '%.*s' for unixDevice. Attachment point %.*s is "
				"already "
				"in use",
				STR_FMT(device), STR_FMT(device));
	return CALL_OK;
}

static int
attach_check(struct call *c, const struct ec2_volume_row *v, const struct ec2_instance_row *row)
{
	const struct ec2_instance *i = row->Instance;
	const struct ec2_instance_type *t = ec2_instance_type_find(i->InstanceType);
	bool fit = str_is(i->State->Name, "running") || str_is(i->State->Name, "stopped");
	if (v->Zone.v != row->Zone.v)
		return call_fail(c, &EC2_InvalidVolume_ZoneMismatch,
			"The volume '%.*s' is not in the same availability zone as instance '%.*s'",
			STR_FMT(v->Volume->VolumeId), STR_FMT(i->InstanceId));
	if (v->Volume->Attachments.n)
		return call_fail(c, &EC2_VolumeInUse, "%.*s is already attached to an instance",
			STR_FMT(v->Volume->VolumeId));
	if (!str_is(v->Volume->State, "available"))
		return call_fail(c, &EC2_IncorrectState, "Volume '%.*s' is in the '%.*s' state.",
			STR_FMT(v->Volume->VolumeId), STR_FMT(v->Volume->State));
	if (!fit)
		return call_fail(c, &EC2_IncorrectState, "Instance '%.*s' is not 'running'.",
			STR_FMT(i->InstanceId));
	if (v->Root.v)
		return call_fail(c, &EC2_OperationNotPermitted,
			"The volume '%.*s' was the root of an instance: here a root is no block "
			"device "
			"of its own, so it cannot be attached as one. Make a snapshot and an image "
			"of it.",
			STR_FMT(v->Volume->VolumeId));
	if (t && i->BlockDeviceMappings.n >= t->family->volumes_max)
		return call_fail(c, &EC2_AttachmentLimitExceeded,
			"The instance type %s has room for %u volumes.", t->name,
			t->family->volumes_max);
	return CALL_OK;
}

int
ec2_attach_volume(
	struct call *c, const struct ec2_attach_volume_in *in, struct ec2_attach_volume_out *out)
{
	struct ec2_volume_row *v = ec2_need(c, &ec2_volume_kind, in->VolumeId);
	struct ec2_instance_row *i = v ? ec2_need(c, &ec2_instance_kind, in->InstanceId) : NULL;
	if (!i || ec2_authorize(c, in, "instance", in->InstanceId) != CALL_OK ||
		attach_check(c, v, i) != CALL_OK ||
		device_check(c, i->Instance, in->Device) != CALL_OK)
		return CALL_FAILED;
	ec2_volume_attach_to(c, v, i->Instance,
		&(struct ec2_attach_ask){ .device = in->Device, .state = "attaching" });
	ec2_put(c, &ec2_instance_kind, in->InstanceId, i);
	ec2_mark(c, "ec2.volume", in->VolumeId);
	const struct ec2_volume_attachment *a = v->Volume->Attachments.v;
	out->VolumeId = a->VolumeId;
	out->InstanceId = a->InstanceId;
	out->Device = a->Device;
	out->State = a->State;
	out->AttachTime = a->AttachTime;
	out->DeleteOnTermination = OPT_BOOL(false);
	return CALL_OK;
}

static int
detach_check(struct call *c, const struct ec2_detach_volume_in *in, const struct ec2_volume_row *v)
{
	const struct ec2_volume_attachment *a = v->Volume->Attachments.v;
	if (!v->Volume->Attachments.n)
		return call_fail(c, &EC2_IncorrectState,
			"Volume '%.*s' is in the 'available' state.", STR_FMT(in->VolumeId));
	if ((in->InstanceId.len && !str_eq(in->InstanceId, a->InstanceId)) ||
		(in->Device.len && !str_eq(in->Device, a->Device)))
		return call_fail(c, &EC2_InvalidAttachment_NotFound,
			"The volume '%.*s' is not attached to instance '%.*s' as device '%.*s'.",
			STR_FMT(in->VolumeId), STR_FMT(in->InstanceId), STR_FMT(in->Device));
	if (v->Root.v)
		return call_fail(c, &EC2_OperationNotPermitted,
			"Unable to detach root volume '%.*s' from instance '%.*s'",
			STR_FMT(in->VolumeId), STR_FMT(a->InstanceId));
	return CALL_OK;
}

int
ec2_detach_volume(
	struct call *c, const struct ec2_detach_volume_in *in, struct ec2_detach_volume_out *out)
{
	struct ec2_volume_row *v = ec2_need(c, &ec2_volume_kind, in->VolumeId);
	if (!v || detach_check(c, in, v) != CALL_OK)
		return CALL_FAILED;
	struct ec2_volume_attachment *a = v->Volume->Attachments.v;
	struct ec2_instance_row *i = ec2_get(c, &ec2_instance_kind, a->InstanceId);
	if (ec2_authorize(c, in, "instance", a->InstanceId) != CALL_OK)
		return CALL_FAILED;
	a->State = STR("detaching");
	ec2_put(c, &ec2_volume_kind, in->VolumeId, v);
	if (i) {
		ec2_volume_mapping_state(i->Instance, in->VolumeId, "detaching");
		ec2_put(c, &ec2_instance_kind, a->InstanceId, i);
	}
	ec2_mark(c, "ec2.volume", in->VolumeId);
	out->VolumeId = a->VolumeId;
	out->InstanceId = a->InstanceId;
	out->Device = a->Device;
	out->State = a->State;
	out->AttachTime = a->AttachTime;
	out->DeleteOnTermination = a->DeleteOnTermination;
	return CALL_OK;
}
