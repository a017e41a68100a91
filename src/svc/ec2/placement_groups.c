/* Placement groups. */
#include "svc/ec2/placement_groups.h"

#define NAME_MAX 255
#define PARTITIONS_MAX 7

static const struct ec2_filter_rule filters[] = { { "group-arn", "GroupArn", NULL },
	{ "group-name", "GroupName", NULL }, { "spread-level", "SpreadLevel", NULL },
	{ "state", "State", NULL }, { "strategy", "Strategy", NULL }, { NULL, NULL, NULL } };

const struct ec2_kind ec2_placement_group_kind = {
	.type = "placement-group",
	.prefix = "pg-",
	.row = &ec2_placement_group_row_shape,
	.unknown = &EC2_InvalidPlacementGroup_Unknown,
	.unknown_text = "The Placement Group '%.*s' is unknown.",
	.filters = filters,
};
EC2_KIND(ec2_placement_group_kind);

static struct ec2_placement_group *
by_name(struct call *c, struct str name)
{
	struct ec2_walk w;
	struct ec2_placement_group_row *row;
	ec2_walk_begin(&w, c, &ec2_placement_group_kind);
	while ((row = ec2_walk_next(&w)))
		if (str_eq(row->PlacementGroup->GroupName, name)) {
			ec2_walk_end(&w);
			return row->PlacementGroup;
		}
	return NULL;
}

struct ec2_placement_group *
ec2_placement_group_find(struct call *c, struct str name_or_id)
{
	struct ec2_placement_group_row *row = ec2_get(c, &ec2_placement_group_kind, name_or_id);
	struct ec2_placement_group *g = row ? row->PlacementGroup : by_name(c, name_or_id);
	if (!g)
		call_fail(c, &EC2_InvalidPlacementGroup_Unknown,
			"The Placement Group '%.*s' is unknown.", STR_FMT(name_or_id));
	return g;
}

static int
create_check(struct call *c, const struct ec2_create_placement_group_in *in)
{
	bool partition = str_is(in->Strategy, "partition");
	if (!in->GroupName.len)
		return ec2_missing(c, "groupName");
	if (in->GroupName.len > NAME_MAX)
		return ec2_bad_value(
			c, "groupName", in->GroupName, "It may be up to 255 characters long.");
	if (by_name(c, in->GroupName))
		return call_fail(c, &EC2_InvalidPlacementGroup_Duplicate,
			"The Placement Group '%.*s' already exists.", STR_FMT(in->GroupName));
	if (in->PartitionCount.set && !partition)
		return call_fail(c, &EC2_InvalidParameterCombination,
			"Partition count can only be specified for the partition strategy.");
	if (in->PartitionCount.set &&
		(in->PartitionCount.v < 1 || in->PartitionCount.v > PARTITIONS_MAX))
		return call_fail(c, &EC2_InvalidParameterValue,
			"Partition count must be between 1 and %d.", PARTITIONS_MAX);
	if (in->SpreadLevel.len && !str_is(in->Strategy, "spread"))
		return call_fail(c, &EC2_InvalidParameterCombination,
			"Spread level can only be specified for the spread strategy.");
	if (str_is(in->Strategy, "precision-time"))
		return call_fail(c, &EC2_UnsupportedOperation,
			"The strategy precision-time needs clocks that this host does not have.");
	return CALL_OK;
}

int
ec2_create_placement_group(struct call *c, const struct ec2_create_placement_group_in *in,
	struct ec2_create_placement_group_out *out)
{
	struct ec2_placement_group_row row = { 0 };
	if (create_check(c, in) != CALL_OK)
		return CALL_FAILED;
	struct ec2_placement_group *g = row.PlacementGroup =
		arena_new(c->arena, struct ec2_placement_group);
	g->GroupId = ec2_new_id(c, &ec2_placement_group_kind);
	g->GroupName = in->GroupName;
	g->GroupArn = ec2_arn(c, &ec2_placement_group_kind, in->GroupName);
	g->State = STR("available");
	g->Strategy = in->Strategy.len ? in->Strategy : STR("cluster");
	if (str_is(g->Strategy, "partition"))
		g->PartitionCount = OPT_I64(in->PartitionCount.set ? in->PartitionCount.v : 2);
	if (str_is(g->Strategy, "spread"))
		g->SpreadLevel = in->SpreadLevel.len ? in->SpreadLevel : STR("rack");
	ec2_put(c, &ec2_placement_group_kind, g->GroupId, &row);
	if (ec2_tags_create(c, &ec2_placement_group_kind, g->GroupId, &in->TagSpecifications) !=
		CALL_OK)
		return CALL_FAILED;
	ec2_tags_get(c, g->GroupId, &g->Tags);
	out->PlacementGroup = g;
	return CALL_OK;
}

/* Who is in it: any instance that has not ended. */
static int
empty_check(struct call *c, const struct ec2_placement_group *g)
{
	struct str name = g->GroupName;
	static struct str alive[] = { { "pending", 7 }, { "running", 7 }, { "stopping", 8 },
		{ "stopped", 7 } };
	struct ec2_filter f[] = { { .Name = STR("placement-group-name"),
					  .Values = { &name, 1, true } },
		{ .Name = STR("instance-state-name"), .Values = { alive, 4, true } } };
	struct ec2_describe_instances_in in = { .Filters = { f, 2, true } };
	struct ec2_describe_instances_out out = { 0 };
	if (ec2_describe_instances(c, &in, &out) != CALL_OK)
		return CALL_FAILED;
	if (out.Reservations.n)
		return call_fail(c, &EC2_InvalidPlacementGroup_InUse,
			"The placement group %.*s is in use and may not be deleted.",
			STR_FMT(name));
	return CALL_OK;
}

int
ec2_delete_placement_group(struct call *c, const struct ec2_delete_placement_group_in *in,
	struct ec2_delete_placement_group_out *out)
{
	struct ec2_placement_group *g = ec2_placement_group_find(c, in->GroupName);
	(void)out;
	if (!g || empty_check(c, g) != CALL_OK)
		return CALL_FAILED;
	ec2_delete(c, &ec2_placement_group_kind, g->GroupId);
	return CALL_OK;
}

int
ec2_describe_placement_groups(struct call *c, const struct ec2_describe_placement_groups_in *in,
	struct ec2_describe_placement_groups_out *out)
{
	struct list_str ids = { .v = arena_array(
					c->arena, struct str, in->GroupIds.n + in->GroupNames.n),
		.set = true };
	for (uint32_t i = 0; i < in->GroupIds.n; i++)
		ids.v[ids.n++] = in->GroupIds.v[i];
	for (uint32_t i = 0; i < in->GroupNames.n; i++) {
		struct ec2_placement_group *g = ec2_placement_group_find(c, in->GroupNames.v[i]);
		if (!g)
			return CALL_FAILED;
		ids.v[ids.n++] = g->GroupId;
	}
	struct ec2_query q = {
		.kind = &ec2_placement_group_kind, .ids = &ids, .filters = &in->Filters
	};
	return ec2_describe(c, &q, &out->PlacementGroups, NULL);
}
