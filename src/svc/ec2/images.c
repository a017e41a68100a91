/* Images of accounts: found, listed, their attributes and whom they are shared with. */
#include "svc/ec2/images.h"

static const struct ec2_filter_rule filters[] = {
	{ "architecture", "Architecture", NULL },
	{ "block-device-mapping.delete-on-termination",
		"BlockDeviceMappings.Ebs.DeleteOnTermination", NULL },
	{ "block-device-mapping.device-name", "BlockDeviceMappings.DeviceName", NULL },
	{ "block-device-mapping.encrypted", "BlockDeviceMappings.Ebs.Encrypted", NULL },
	{ "block-device-mapping.snapshot-id", "BlockDeviceMappings.Ebs.SnapshotId", NULL },
	{ "block-device-mapping.volume-size", "BlockDeviceMappings.Ebs.VolumeSize", NULL },
	{ "block-device-mapping.volume-type", "BlockDeviceMappings.Ebs.VolumeType", NULL },
	{ "boot-mode", "BootMode", NULL },
	{ "creation-date", "CreationDate", NULL },
	{ "description", "Description", NULL },
	{ "ena-support", "EnaSupport", NULL },
	{ "free-tier-eligible", "FreeTierEligible", NULL },
	{ "hypervisor", "Hypervisor", NULL },
	{ "image-id", "ImageId", NULL },
	{ "image-type", "ImageType", NULL },
	{ "imds-support", "ImdsSupport", NULL },
	{ "is-public", "Public", NULL },
	{ "kernel-id", "KernelId", NULL },
	{ "manifest-location", "ImageLocation", NULL },
	{ "name", "Name", NULL },
	{ "owner-alias", "ImageOwnerAlias", NULL },
	{ "owner-id", "OwnerId", NULL },
	{ "platform", "Platform", NULL },
	{ "platform-details", "PlatformDetails", NULL },
	{ "product-code", "ProductCodes.ProductCodeId", NULL },
	{ "ramdisk-id", "RamdiskId", NULL },
	{ "root-device-name", "RootDeviceName", NULL },
	{ "root-device-type", "RootDeviceType", NULL },
	{ "source-image-id", "SourceImageId", NULL },
	{ "source-instance-id", "SourceInstanceId", NULL },
	{ "sriov-net-support", "SriovNetSupport", NULL },
	{ "state", "State", NULL },
	{ "state-reason-code", "StateReason.Code", NULL },
	{ "tpm-support", "TpmSupport", NULL },
	{ "usage-operation", "UsageOperation", NULL },
	{ "virtualization-type", "VirtualizationType", NULL },
	{ 0 },
};
const struct ec2_kind ec2_image_kind = {
	.type = "image",
	.prefix = "ami-",
	.row = &ec2_image_row_shape,
	.unknown = &EC2_InvalidAMIID_NotFound,
	.unknown_text = "The image id '[%.*s]' does not exist",
	.malformed = &EC2_InvalidAMIID_Malformed,
	.filters = filters,
};
EC2_KIND(ec2_image_kind);

static bool
is_permitted(const struct ec2_image_row *row, struct str account)
{
	for (uint32_t i = 0; i < row->Permissions.n; i++)
		if (str_is(row->Permissions.v[i].Group, "all") ||
			str_eq(row->Permissions.v[i].UserId, account))
			return true;
	return false;
}

struct ec2_image_row *
ec2_image_own(struct call *c, struct str id)
{
	struct ec2_image_row *row = ec2_need(c, &ec2_image_kind, id);
	if (row && row->Gone.v) {
		call_fail(c, &EC2_InvalidAMIID_NotFound, "The image id '[%.*s]' does not exist",
			STR_FMT(id));
		return NULL;
	}
	return row;
}

struct ec2_image_row *
ec2_image_need(struct call *c, struct str id)
{
	struct str owner;
	struct ec2_image_row *row = ec2_get(c, &ec2_image_kind, id);
	if (row && !row->Gone.v)
		return row;
	if (!row && (row = ec2_catalogue_find(c, id)))
		return row;
	if (!row && ec2_shared_owner(c, &ec2_image_kind, id, &owner)) {
		struct call other = ec2_as(c, owner);
		row = ec2_get(&other, &ec2_image_kind, id);
		if (row && !row->Gone.v && is_permitted(row, c->account))
			return row;
	}
	return ec2_image_own(c, id);
}

struct listing {
	const struct ec2_describe_images_in *in;
	struct call *c;
	struct ec2_candidates found;
};

static bool
owner_wanted(const struct listing *l, const struct ec2_image *i)
{
	const struct list_str *o = &l->in->Owners;
	for (uint32_t k = 0; k < o->n; k++)
		if (str_eq(o->v[k], i->OwnerId) ||
			(i->ImageOwnerAlias.len && str_eq(o->v[k], i->ImageOwnerAlias)) ||
			(str_is(o->v[k], "self") && str_eq(i->OwnerId, l->c->account)))
			return true;
	return !o->n;
}

static bool
executable(const struct listing *l, const struct ec2_image_row *row)
{
	const struct list_str *u = &l->in->ExecutableUsers;
	for (uint32_t k = 0; k < u->n; k++) {
		struct str who = str_is(u->v[k], "self") ? l->c->account : u->v[k];
		if (str_is(who, "all") ? row->Image->Public.v : is_permitted(row, who))
			return true;
	}
	return !u->n;
}

static void
consider(struct listing *l, struct str id, struct ec2_image_row *row)
{
	if (!row->Gone.v && owner_wanted(l, row->Image) && executable(l, row))
		ec2_candidate_add(l->c, &l->found, id, row);
}

static void
consider_public(struct call *c, struct str id, struct ec2_image_row *row, void *arg)
{
	(void)c;
	consider(arg, id, row);
}

static void
consider_shared(struct call *owner, struct str id, void *arg)
{
	struct listing *l = arg;
	struct ec2_image_row *row = ec2_get(owner, &ec2_image_kind, id);
	if (row && is_permitted(row, l->c->account))
		consider(l, id, row);
}

int
ec2_describe_images(struct call *c, const struct ec2_describe_images_in *in,
	struct ec2_describe_images_out *out)
{
	struct listing l = { .in = in, .c = c };
	struct ec2_image_row *row;
	struct ec2_query q = { .kind = &ec2_image_kind,
		.filters = &in->Filters,
		.max = &in->MaxResults,
		.token = in->NextToken };
	int ready = ec2_catalogue_wait(c);
	if (ready != CALL_OK)
		return ready;
	for (uint32_t i = 0; i < in->ImageIds.n; i++) {
		if (!(row = ec2_image_need(c, in->ImageIds.v[i])))
			return CALL_FAILED;
		consider(&l, in->ImageIds.v[i], row);
	}
	if (!in->ImageIds.n) {
		struct ec2_walk w;
		ec2_walk_begin(&w, c, &ec2_image_kind);
		while ((row = ec2_walk_next(&w)))
			consider(&l, w.id, row);
		ec2_catalogue_each(c, consider_public, &l);
		ec2_shared_each(c, &ec2_image_kind, consider_shared, &l);
	}
	return ec2_describe_rows(c, &q, &l.found, &out->Images, &out->NextToken);
}

/* ---- attributes */

static struct ec2_attribute_value *
value(struct call *c, struct str s)
{
	struct ec2_attribute_value *v = arena_new(c->arena, struct ec2_attribute_value);
	v->Value = s;
	return v;
}

int
ec2_describe_image_attribute(struct call *c, const struct ec2_describe_image_attribute_in *in,
	struct ec2_describe_image_attribute_out *out)
{
	struct ec2_image_row *row = ec2_image_need(c, in->ImageId);
	struct str a = in->Attribute;
	if (!row)
		return CALL_FAILED;
	out->ImageId = in->ImageId;
	if (str_is(a, "description"))
		out->Description = value(c, row->Image->Description);
	else if (str_is(a, "kernel"))
		out->KernelId = value(c, STR_NULL);
	else if (str_is(a, "ramdisk"))
		out->RamdiskId = value(c, STR_NULL);
	else if (str_is(a, "sriovNetSupport"))
		out->SriovNetSupport = value(c, row->Image->SriovNetSupport);
	else if (str_is(a, "bootMode"))
		out->BootMode = value(c, row->Image->BootMode);
	else if (str_is(a, "imdsSupport"))
		out->ImdsSupport = value(c, row->Image->ImdsSupport);
	else if (str_is(a, "tpmSupport"))
		out->TpmSupport = value(c, row->Image->TpmSupport);
	else if (str_is(a, "uefiData"))
		out->UefiData = value(c, STR_NULL);
	else if (str_is(a, "lastLaunchedTime"))
		out->LastLaunchedTime = value(c, row->Image->LastLaunchedTime);
	else if (str_is(a, "deregistrationProtection"))
		out->DeregistrationProtection = value(c, STR("disabled"));
	else if (str_is(a, "productCodes"))
		out->ProductCodes.set = true;
	else if (str_is(a, "blockDeviceMapping"))
		out->BlockDeviceMappings = row->Image->BlockDeviceMappings;
	else if (str_eq(row->Image->OwnerId, c->account)) {
		out->LaunchPermissions = row->Permissions;
		out->LaunchPermissions.set = true;
	} else
		return call_fail(
			c, &EC2_AuthFailure, "Not authorized for image:%.*s", STR_FMT(in->ImageId));
	return CALL_OK;
}

static int
permission_check(struct call *c, const struct ec2_launch_permission *p)
{
	size_t digits = 0;
	while (digits < p->UserId.len && p->UserId.p[digits] >= '0' && p->UserId.p[digits] <= '9')
		digits++;
	if (p->OrganizationArn.len || p->OrganizationalUnitArn.len)
		return call_fail(c, &EC2_UnsupportedOperation,
			"There are no organizations in this cloud to share an image with.");
	if (p->Group.len ? !str_is(p->Group, "all") : digits != 12 || p->UserId.len != 12)
		return call_fail(c, &EC2_InvalidAMIAttributeItemValue,
			"Invalid attribute item value \"%.*s\" for %s item type.",
			STR_FMT(p->Group.len ? p->Group : p->UserId),
			p->Group.len ? "group" : "userId");
	return CALL_OK;
}

static int
permit(struct call *c, struct ec2_image_row *row, const struct ec2_launch_permission *p, bool add)
{
	struct ec2_launch_permission_list *l = &row->Permissions;
	uint32_t at = 0;
	if (permission_check(c, p) != CALL_OK)
		return CALL_FAILED;
	while (at < l->n &&
		!(str_eq(l->v[at].UserId, p->UserId) && str_eq(l->v[at].Group, p->Group)))
		at++;
	if (add && at == l->n) {
		struct ec2_launch_permission *v =
			arena_array(c->arena, struct ec2_launch_permission, l->n + 1);
		memcpy(v, l->n ? l->v : v, l->n * sizeof(*v));
		v[l->n++] = *p;
		l->v = v;
		l->set = true;
	} else if (!add && at < l->n) {
		l->v[at] = l->v[--l->n];
	}
	return CALL_OK;
}

static int
permissions(
	struct call *c, const struct ec2_modify_image_attribute_in *in, struct ec2_image_row *row)
{
	bool add = !str_is(in->OperationType, "remove");
	const struct ec2_launch_permission_modifications *m = in->LaunchPermission;
	for (uint32_t i = 0; i < in->UserIds.n; i++)
		if (permit(c, row, &(struct ec2_launch_permission){ .UserId = in->UserIds.v[i] },
			    add))
			return CALL_FAILED;
	for (uint32_t i = 0; i < in->UserGroups.n; i++)
		if (permit(c, row, &(struct ec2_launch_permission){ .Group = in->UserGroups.v[i] },
			    add))
			return CALL_FAILED;
	for (uint32_t i = 0; m && i < m->Add.n; i++)
		if (permit(c, row, &m->Add.v[i], true))
			return CALL_FAILED;
	for (uint32_t i = 0; m && i < m->Remove.n; i++)
		if (permit(c, row, &m->Remove.v[i], false))
			return CALL_FAILED;
	row->Image->Public = OPT_BOOL(is_permitted(row, STR("all")));
	return CALL_OK;
}

int
ec2_modify_image_attribute(struct call *c, const struct ec2_modify_image_attribute_in *in,
	struct ec2_modify_image_attribute_out *out __attribute__((unused)))
{
	struct ec2_image_row *row = ec2_image_own(c, in->ImageId);
	struct str description = in->Description ? in->Description->Value : STR_NULL;
	struct str imds = in->ImdsSupport ? in->ImdsSupport->Value : STR_NULL;
	if (!row)
		return CALL_FAILED;
	if (str_is(in->Attribute, "description"))
		description = in->Value;
	if (in->OrganizationArns.n || in->OrganizationalUnitArns.n)
		return call_fail(c, &EC2_UnsupportedOperation,
			"There are no organizations in this cloud to share an image with.");
	if (in->ProductCodes.n)
		return call_fail(c, &EC2_UnsupportedOperation,
			"There is no marketplace whose product codes an image could have.");
	if (imds.p && !str_is(imds, "v2.0"))
		return ec2_bad_value(c, "imdsSupport", imds, "Only v2.0 is known.");
	if (permissions(c, in, row) != CALL_OK)
		return CALL_FAILED;
	if (description.p)
		row->Image->Description = description;
	if (imds.p)
		row->Image->ImdsSupport = imds;
	ec2_share(c, &ec2_image_kind, in->ImageId, row->Permissions.n > 0);
	ec2_put(c, &ec2_image_kind, in->ImageId, row);
	return CALL_OK;
}

/* ---- for snapshots */

struct str
ec2_image_with_snapshot(struct call *c, struct str snapshot)
{
	struct ec2_image_row *row;
	struct ec2_walk w;
	ec2_walk_begin(&w, c, &ec2_image_kind);
	while ((row = ec2_walk_next(&w)))
		for (uint32_t i = 0; !row->Gone.v && i < row->Image->BlockDeviceMappings.n; i++) {
			const struct ec2_ebs_block_device *e =
				row->Image->BlockDeviceMappings.v[i].Ebs;
			if (!e || !str_eq(e->SnapshotId, snapshot))
				continue;
			ec2_walk_end(&w);
			return w.id;
		}
	return STR_NULL;
}
