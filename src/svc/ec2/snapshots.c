/* Snapshots: taken, copied, listed, shared, deleted. */
#include "svc/ec2/images.h"
#include "svc/ec2/instances.h"
#include "svc/ec2/volumes.h"
#include "svc/ec2/work.h"

static const struct ec2_filter_rule filters[] = {
	{ "description", "Description", NULL },
	{ "encrypted", "Encrypted", NULL },
	{ "owner-alias", "OwnerAlias", NULL },
	{ "owner-id", "OwnerId", NULL },
	{ "progress", "Progress", NULL },
	{ "snapshot-id", "SnapshotId", NULL },
	{ "start-time", "StartTime", NULL },
	{ "status", "State", NULL },
	{ "storage-tier", "StorageTier", NULL },
	{ "volume-id", "VolumeId", NULL },
	{ "volume-size", "VolumeSize", NULL },
	{ 0 },
};

static bool
visible(struct call *c, const void *row)
{
	(void)c;
	return !((const struct ec2_snapshot_row *)row)->Gone.v;
}

const struct ec2_kind ec2_snapshot_kind = {
	.type = "snapshot",
	.prefix = "snap-",
	.row = &ec2_snapshot_row_shape,
	.unknown = &EC2_InvalidSnapshot_NotFound,
	.unknown_text = "The snapshot '%.*s' does not exist.",
	.malformed = &EC2_InvalidSnapshotID_Malformed,
	.filters = filters,
	.visible = visible,
};
EC2_KIND(ec2_snapshot_kind);

static bool
is_permitted(const struct ec2_snapshot_row *row, struct str account)
{
	for (uint32_t i = 0; i < row->Permissions.n; i++)
		if (str_is(row->Permissions.v[i].Group, "all") ||
			str_eq(row->Permissions.v[i].UserId, account))
			return true;
	return false;
}

/* Own, or shared with the caller; NULL with NotFound. */
static struct ec2_snapshot_row *
readable(struct call *c, struct str id)
{
	struct str owner;
	struct ec2_snapshot_row *row = ec2_get(c, &ec2_snapshot_kind, id);
	if (row && !row->Gone.v)
		return row;
	if (!row && ec2_shared_owner(c, &ec2_snapshot_kind, id, &owner)) {
		struct call other = ec2_as(c, owner);
		row = ec2_get(&other, &ec2_snapshot_kind, id);
		if (row && !row->Gone.v && is_permitted(row, c->account))
			return row;
	}
	call_fail(c, &EC2_InvalidSnapshot_NotFound, "The snapshot '%.*s' does not exist.",
		STR_FMT(id));
	return NULL;
}

static struct ec2_snapshot_row *
own(struct call *c, struct str id)
{
	struct ec2_snapshot_row *row = ec2_need(c, &ec2_snapshot_kind, id);
	if (!row || !row->Gone.v)
		return row;
	call_fail(c, &EC2_InvalidSnapshot_NotFound, "The snapshot '%.*s' does not exist.",
		STR_FMT(id));
	return NULL;
}

struct ec2_snapshot_row *
ec2_snapshot_usable(struct call *c, struct str id)
{
	struct ec2_snapshot_row *row = readable(c, id);
	if (row && !str_is(row->Snapshot->State, "completed")) {
		call_fail(c, &EC2_IncorrectState, "Snapshot is in invalid state - %.*s",
			STR_FMT(row->Snapshot->State));
		return NULL;
	}
	return row;
}

struct ec2_snapshot_row *
ec2_snapshot_make(struct call *c, struct ec2_volume_row *v, struct str description,
	const struct ec2_tag_list *tags)
{
	struct ec2_snapshot_row *row = arena_new(c->arena, struct ec2_snapshot_row);
	struct ec2_snapshot *s = row->Snapshot = arena_new(c->arena, struct ec2_snapshot);
	*s = (struct ec2_snapshot){ .SnapshotId = ec2_new_id(c, &ec2_snapshot_kind),
		.VolumeId = v->Volume->VolumeId,
		.State = STR("pending"),
		.StartTime = OPT_TIME(c->now_ms),
		.Progress = STR("0%"),
		.OwnerId = c->account,
		.Description = description.p ? description : STR(""),
		.VolumeSize = v->Volume->Size,
		.Encrypted = OPT_BOOL(false),
		.StorageTier = STR("standard") };
	row->Root = OPT_BOOL(v->Root.v);
	if (tags && tags->n && ec2_tags_add(c, s->SnapshotId, tags) != CALL_OK)
		return NULL;
	ec2_put(c, &ec2_snapshot_kind, s->SnapshotId, row);
	ec2_mark(c, "ec2.snapshot", s->SnapshotId);
	return row;
}

static int
volume_check(struct call *c, const struct ec2_volume_row *v)
{
	if (!str_is(v->Volume->State, "available") && !str_is(v->Volume->State, "in-use"))
		return call_fail(c, &EC2_IncorrectState, "Volume '%.*s' is in the '%.*s' state.",
			STR_FMT(v->Volume->VolumeId), STR_FMT(v->Volume->State));
	return CALL_OK;
}

static const char *const snapshot_only[] = { "snapshot", NULL };

int
ec2_create_snapshot(struct call *c, const struct ec2_create_snapshot_in *in,
	struct ec2_create_snapshot_out *out)
{
	struct ec2_tag_list tags;
	struct ec2_volume_row *v = ec2_need(c, &ec2_volume_kind, in->VolumeId);
	struct ec2_snapshot_row *row;
	if (!v || ec2_plane_need(c, 'v') != CALL_OK || volume_check(c, v) != CALL_OK ||
		ec2_authorize(c, NULL, "volume", in->VolumeId) != CALL_OK ||
		ec2_tags_asked(c, &in->TagSpecifications, snapshot_only, "snapshot", &tags) !=
			CALL_OK ||
		!(row = ec2_snapshot_make(c, v, in->Description, &tags)))
		return CALL_FAILED;
	const struct ec2_snapshot *s = row->Snapshot;
	out->SnapshotId = s->SnapshotId;
	out->VolumeId = s->VolumeId;
	out->State = s->State;
	out->StartTime = s->StartTime;
	out->Progress = STR("");
	out->OwnerId = s->OwnerId;
	out->Description = s->Description;
	out->VolumeSize = s->VolumeSize;
	out->Encrypted = s->Encrypted;
	ec2_tags_get(c, s->SnapshotId, &out->Tags);
	return CALL_OK;
}

static bool
is_left_out(const struct ec2_instance_specification *s, const struct ec2_volume_row *v)
{
	for (uint32_t i = 0; i < s->ExcludeDataVolumeIds.n; i++)
		if (str_eq(s->ExcludeDataVolumeIds.v[i], v->Volume->VolumeId))
			return true;
	return v->Root.v && s->ExcludeBootVolume.v;
}

static struct ec2_snapshot_info
info_of(struct call *c, const struct ec2_snapshot *s)
{
	struct ec2_snapshot_info i = { .Description = s->Description,
		.Encrypted = s->Encrypted,
		.VolumeId = s->VolumeId,
		.State = s->State,
		.VolumeSize = s->VolumeSize,
		.StartTime = s->StartTime,
		.Progress = s->Progress,
		.OwnerId = s->OwnerId,
		.SnapshotId = s->SnapshotId };
	ec2_tags_get(c, s->SnapshotId, &i.Tags);
	return i;
}

int
ec2_create_snapshots(struct call *c, const struct ec2_create_snapshots_in *in,
	struct ec2_create_snapshots_out *out)
{
	const struct ec2_instance_specification *spec = in->InstanceSpecification;
	struct ec2_instance_row *i = ec2_need(c, &ec2_instance_kind, spec->InstanceId);
	struct ec2_volume_row **volumes;
	struct ec2_tag_list asked;
	if (!i || ec2_plane_need(c, 'v') != CALL_OK ||
		ec2_authorize(c, NULL, "instance", spec->InstanceId) != CALL_OK ||
		ec2_tags_asked(c, &in->TagSpecifications, snapshot_only, "snapshot", &asked) !=
			CALL_OK)
		return CALL_FAILED;
	uint32_t n = ec2_volumes_of(c, i->Instance, &volumes);
	out->Snapshots.v = arena_array(c->arena, struct ec2_snapshot_info, n);
	out->Snapshots.set = true;
	for (uint32_t k = 0; k < n; k++) {
		struct ec2_tag_list copied;
		struct ec2_snapshot_row *row;
		if (is_left_out(spec, volumes[k]))
			continue;
		if (volume_check(c, volumes[k]) != CALL_OK ||
			!(row = ec2_snapshot_make(c, volumes[k], in->Description, &asked)))
			return CALL_FAILED;
		ec2_tags_get(c, volumes[k]->Volume->VolumeId, &copied);
		if (str_is(in->CopyTagsFromSource, "volume") && copied.n &&
			ec2_tags_add(c, row->Snapshot->SnapshotId, &copied) != CALL_OK)
			return CALL_FAILED;
		out->Snapshots.v[out->Snapshots.n++] = info_of(c, row->Snapshot);
	}
	return CALL_OK;
}

int
ec2_copy_snapshot(
	struct call *c, const struct ec2_copy_snapshot_in *in, struct ec2_copy_snapshot_out *out)
{
	struct call source = *c;
	struct ec2_snapshot_row *from, *row = arena_new(c->arena, struct ec2_snapshot_row);
	source.region = in->SourceRegion;
	if (ec2_plane_need(c, 'v') != CALL_OK)
		return CALL_FAILED;
	if (in->Encrypted.v || in->KmsKeyId.len)
		return call_fail(c, &EC2_UnsupportedOperation,
			"Snapshots are not encrypted here: they are plain files of the data "
			"directory.");
	if (!(from = ec2_snapshot_usable(&source, in->SourceSnapshotId)))
		return call_fail(c, source.error, "%.*s", STR_FMT(source.error_message));
	row->Snapshot = arena_new(c->arena, struct ec2_snapshot);
	*row->Snapshot = *from->Snapshot;
	struct ec2_snapshot *s = row->Snapshot;
	s->SnapshotId = ec2_new_id(c, &ec2_snapshot_kind);
	s->State = STR("pending");
	s->Progress = STR("0%");
	s->StartTime = OPT_TIME(c->now_ms);
	s->CompletionTime = (struct opt_time){ 0 };
	s->OwnerId = c->account;
	s->VolumeId = STR("vol-ffffffff");
	s->Description = in->Description.p ? in->Description
					   : arena_printf(c->arena, "[Copied %.*s from %.*s]",
						     STR_FMT(in->SourceSnapshotId),
						     STR_FMT(in->SourceRegion));
	row->Root = from->Root;
	row->Held = in->SourceSnapshotId;
	if (ec2_tags_create(c, &ec2_snapshot_kind, s->SnapshotId, &in->TagSpecifications) !=
		CALL_OK)
		return CALL_FAILED;
	ec2_put(c, &ec2_snapshot_kind, s->SnapshotId, row);
	ec2_mark(c, "ec2.snapshot", s->SnapshotId);
	out->SnapshotId = s->SnapshotId;
	ec2_tags_get(c, s->SnapshotId, &out->Tags);
	return CALL_OK;
}

int
ec2_delete_snapshot(struct call *c, const struct ec2_delete_snapshot_in *in,
	struct ec2_delete_snapshot_out *out __attribute__((unused)))
{
	struct ec2_snapshot_row *row = own(c, in->SnapshotId);
	struct str image = row ? ec2_image_with_snapshot(c, in->SnapshotId) : STR_NULL;
	if (!row)
		return CALL_FAILED;
	if (image.p)
		return call_fail(c, &EC2_InvalidSnapshot_InUse,
			"The snapshot %.*s is currently in use by %.*s", STR_FMT(in->SnapshotId),
			STR_FMT(image));
	ec2_snapshot_remove(c, row);
	return CALL_OK;
}

void
ec2_snapshot_remove(struct call *c, struct ec2_snapshot_row *row)
{
	struct str id = row->Snapshot->SnapshotId;
	row->Gone = OPT_BOOL(true);
	ec2_put(c, &ec2_snapshot_kind, id, row);
	ec2_share(c, &ec2_snapshot_kind, id, false);
	ec2_tags_remove_all(c, id);
	ec2_mark(c, "ec2.snapshot", id);
}

/* ---- listed */

struct listing {
	struct call *c;
	const struct ec2_describe_snapshots_in *in;
	struct ec2_candidates found;
};

static bool
owner_wanted(const struct listing *l, struct str owner)
{
	const struct list_str *o = &l->in->OwnerIds;
	for (uint32_t i = 0; i < o->n; i++)
		if (str_eq(o->v[i], owner) ||
			(str_is(o->v[i], "self") && str_eq(owner, l->c->account)))
			return true;
	return !o->n;
}

static bool
restorable_wanted(const struct listing *l, const struct ec2_snapshot_row *row)
{
	const struct list_str *o = &l->in->RestorableByUserIds;
	for (uint32_t i = 0; i < o->n; i++) {
		bool self = str_is(o->v[i], "self") || str_eq(o->v[i], l->c->account);
		for (uint32_t k = 0; k < row->Permissions.n; k++)
			if (str_eq(row->Permissions.v[k].UserId, o->v[i]) ||
				(str_is(o->v[i], "all") &&
					str_is(row->Permissions.v[k].Group, "all")))
				return true;
		if (self && (str_eq(row->Snapshot->OwnerId, l->c->account) ||
				    is_permitted(row, l->c->account)))
			return true;
	}
	return !o->n;
}

static void
consider(struct listing *l, struct str id, struct ec2_snapshot_row *row)
{
	if (owner_wanted(l, row->Snapshot->OwnerId) && restorable_wanted(l, row))
		ec2_candidate_add(l->c, &l->found, id, row);
}

static void
consider_shared(struct call *owner, struct str id, void *arg)
{
	struct listing *l = arg;
	struct ec2_snapshot_row *row = ec2_get(owner, &ec2_snapshot_kind, id);
	if (row && !row->Gone.v && is_permitted(row, l->c->account))
		consider(l, id, row);
}

int
ec2_describe_snapshots(struct call *c, const struct ec2_describe_snapshots_in *in,
	struct ec2_describe_snapshots_out *out)
{
	struct listing l = { .c = c, .in = in };
	struct ec2_query q = { .kind = &ec2_snapshot_kind,
		.filters = &in->Filters,
		.max = in->SnapshotIds.n ? NULL : &in->MaxResults,
		.token = in->NextToken };
	struct ec2_snapshot_row *row;
	for (uint32_t i = 0; i < in->SnapshotIds.n; i++) {
		if (!(row = readable(c, in->SnapshotIds.v[i])))
			return CALL_FAILED;
		consider(&l, in->SnapshotIds.v[i], row);
	}
	if (!in->SnapshotIds.n) {
		struct ec2_walk w;
		ec2_walk_begin(&w, c, &ec2_snapshot_kind);
		while ((row = ec2_walk_next(&w)))
			if (!row->Gone.v)
				consider(&l, w.id, row);
		ec2_shared_each(c, &ec2_snapshot_kind, consider_shared, &l);
	}
	return ec2_describe_rows(c, &q, &l.found, &out->Snapshots, &out->NextToken);
}

/* ---- shared */

int
ec2_describe_snapshot_attribute(struct call *c, const struct ec2_describe_snapshot_attribute_in *in,
	struct ec2_describe_snapshot_attribute_out *out)
{
	struct ec2_snapshot_row *row = own(c, in->SnapshotId);
	if (!row)
		return CALL_FAILED;
	out->SnapshotId = in->SnapshotId;
	if (str_is(in->Attribute, "productCodes")) {
		out->ProductCodes.set = true;
		return CALL_OK;
	}
	out->CreateVolumePermissions = row->Permissions;
	out->CreateVolumePermissions.set = true;
	return CALL_OK;
}

static int
permit(struct call *c, struct ec2_snapshot_row *row, struct str user, struct str group, bool add)
{
	struct ec2_create_volume_permission_list *l = &row->Permissions;
	uint32_t at = 0;
	if (user.len && (user.len != 12 || strspn(arena_cstr(c->arena, user), "0123456789") != 12))
		return call_fail(c, &EC2_InvalidParameterValue,
			"Invalid value '%.*s' for userId: twelve digits are expected.",
			STR_FMT(user));
	if (group.len && !str_is(group, "all"))
		return ec2_bad_value(c, "userGroup", group, "Only all is known.");
	while (at < l->n && !(user.len ? str_eq(l->v[at].UserId, user) : l->v[at].Group.len > 0))
		at++;
	if (!add) {
		for (; at + 1 < l->n; at++)
			l->v[at] = l->v[at + 1];
		l->n = at < l->n ? l->n - 1 : l->n;
		return CALL_OK;
	}
	if (at < l->n)
		return CALL_OK;
	struct ec2_create_volume_permission *v =
		arena_array(c->arena, struct ec2_create_volume_permission, l->n + 1);
	memcpy(v, l->n ? l->v : v, l->n * sizeof(*v));
	v[l->n] = (struct ec2_create_volume_permission){ .UserId = user, .Group = group };
	l->v = v;
	l->n++;
	l->set = true;
	return CALL_OK;
}

static int
permit_list(struct call *c, struct ec2_snapshot_row *row,
	const struct ec2_create_volume_permission_list *l, bool add)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (permit(c, row, l->v[i].UserId, l->v[i].Group, add) != CALL_OK)
			return CALL_FAILED;
	return CALL_OK;
}

int
ec2_modify_snapshot_attribute(struct call *c, const struct ec2_modify_snapshot_attribute_in *in,
	struct ec2_modify_snapshot_attribute_out *out __attribute__((unused)))
{
	struct ec2_snapshot_row *row = own(c, in->SnapshotId);
	const struct ec2_create_volume_permission_modifications *m = in->CreateVolumePermission;
	bool add = !str_is(in->OperationType, "remove");
	if (!row)
		return CALL_FAILED;
	if (!m && !in->UserIds.n && !in->GroupNames.n)
		return ec2_missing(c, "createVolumePermission");
	for (uint32_t i = 0; i < in->UserIds.n; i++)
		if (permit(c, row, in->UserIds.v[i], STR_NULL, add) != CALL_OK)
			return CALL_FAILED;
	for (uint32_t i = 0; i < in->GroupNames.n; i++)
		if (permit(c, row, STR_NULL, in->GroupNames.v[i], add) != CALL_OK)
			return CALL_FAILED;
	if (m && (permit_list(c, row, &m->Add, true) != CALL_OK ||
			 permit_list(c, row, &m->Remove, false) != CALL_OK))
		return CALL_FAILED;
	ec2_share(c, &ec2_snapshot_kind, in->SnapshotId, row->Permissions.n > 0);
	ec2_put(c, &ec2_snapshot_kind, in->SnapshotId, row);
	return CALL_OK;
}
