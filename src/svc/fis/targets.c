/* From what a template says of a target to the resources themselves. */
#include "base/ids.h"
#include "svc/ec2/ec2.h"
#include "svc/fis/fis.h"

#define CHOSEN_MAX 1000

/* "COUNT(3)": the number; 0: not of that form. */
static uint32_t
mode_number(struct str mode, struct str name, uint32_t max)
{
	uint64_t n;
	if (mode.len < name.len + 3 || !str_starts(mode, name) || mode.p[name.len] != '(' ||
		mode.p[mode.len - 1] != ')' ||
		!str_to_u64(str_slice(mode, name.len + 1, mode.len - 1), &n) || n < 1 || n > max)
		return 0;
	return (uint32_t)n;
}

bool
fis_mode_valid(struct str mode)
{
	return str_is(mode, "ALL") || mode_number(mode, STR("COUNT"), CHOSEN_MAX) ||
	       mode_number(mode, STR("PERCENT"), 100);
}

/* Filters name members of what Describe* shows, by path; EC2's own filters say the same in other
 * words. */
static const struct {
	const char *type, *path, *filter;
} paths[] = {
	{ "aws:ec2:instance", "State.Name", "instance-state-name" },
	{ "aws:ec2:instance", "Placement.AvailabilityZone", "availability-zone" },
	{ "aws:ec2:instance", "VpcId", "vpc-id" },
	{ "aws:ec2:instance", "SubnetId", "subnet-id" },
	{ "aws:ec2:instance", "InstanceType", "instance-type" },
	{ "aws:ec2:instance", "ImageId", "image-id" },
	{ "aws:ec2:instance", "SecurityGroups.GroupId", "instance.group-id" },
	{ "aws:ec2:subnet", "VpcId", "vpc-id" },
	{ "aws:ec2:subnet", "AvailabilityZone", "availability-zone" },
	{ "aws:ec2:subnet", "SubnetId", "subnet-id" },
	{ "aws:ec2:subnet", "CidrBlock", "cidr-block" },
};

static int
filters_make(struct call *c, const struct fis_experiment_target *t, struct ec2_filter_list *ret)
{
	ret->v = arena_array(c->arena, struct ec2_filter, t->filters.n + t->resourceTags.n);
	ret->set = true;
	for (uint32_t i = 0; i < t->filters.n; i++) {
		size_t k = 0;
		while (k < sizeof(paths) / sizeof(paths[0]) &&
			!(str_eq(str_c(paths[k].type), t->resourceType) &&
				str_eq(str_c(paths[k].path), t->filters.v[i].path)))
			k++;
		if (k == sizeof(paths) / sizeof(paths[0]))
			return call_fail(c, &FIS_ValidationException,
				"The filter path %.*s is not known for %.*s.",
				STR_FMT(t->filters.v[i].path), STR_FMT(t->resourceType));
		ret->v[ret->n++] = (struct ec2_filter){ .Name = str_c(paths[k].filter),
			.Values = t->filters.v[i].values };
	}
	for (uint32_t i = 0; i < t->resourceTags.n; i++) {
		struct ec2_filter *f = &ret->v[ret->n++];
		f->Name = arena_concat(c->arena, STR("tag:"), t->resourceTags.v[i].key);
		f->Values.v = arena_new(c->arena, struct str);
		*f->Values.v = t->resourceTags.v[i].value;
		f->Values.n = 1;
	}
	return CALL_OK;
}

static void
arn_add(struct call *c, struct list_str *l, const char *type, struct str id)
{
	if (l->n < CHOSEN_MAX)
		l->v[l->n++] = arena_printf(c->arena, "arn:aws:ec2:%.*s:%.*s:%s/%.*s",
			STR_FMT(c->region), STR_FMT(c->account), type, STR_FMT(id));
}

/* Ended instances can no longer be harmed. */
static bool
alive(const struct ec2_instance *i)
{
	return !i->State ||
	       (!str_is(i->State->Name, "terminated") && !str_is(i->State->Name, "shutting-down"));
}

static int
found(struct call *c, const struct fis_experiment_target *t, struct list_str *ret)
{
	struct ec2_filter_list filters = { 0 };
	if (filters_make(c, t, &filters) != CALL_OK)
		return CALL_FAILED;
	if (str_is(t->resourceType, "aws:ec2:subnet")) {
		struct ec2_describe_subnets_in in = { .Filters = filters };
		struct ec2_describe_subnets_out out = { 0 };
		if (ec2_describe_subnets(c, &in, &out) != CALL_OK)
			return CALL_FAILED;
		for (uint32_t i = 0; i < out.Subnets.n; i++)
			arn_add(c, ret, "subnet", out.Subnets.v[i].SubnetId);
		return CALL_OK;
	}
	struct ec2_describe_instances_in in = { .Filters = filters };
	struct ec2_describe_instances_out out = { 0 };
	if (ec2_describe_instances(c, &in, &out) != CALL_OK)
		return CALL_FAILED;
	for (uint32_t i = 0; i < out.Reservations.n; i++)
		for (uint32_t j = 0; j < out.Reservations.v[i].Instances.n; j++)
			if (alive(&out.Reservations.v[i].Instances.v[j]))
				arn_add(c, ret, "instance",
					out.Reservations.v[i].Instances.v[j].InstanceId);
	return CALL_OK;
}

int
fis_resolve(struct call *c, const struct fis_experiment_target *t, struct list_str *ret_arns)
{
	*ret_arns = (struct list_str){ .v = arena_array(c->arena, struct str, CHOSEN_MAX),
		.set = true };
	if (t->resourceArns.n) {
		for (uint32_t i = 0; i < t->resourceArns.n && i < CHOSEN_MAX; i++)
			ret_arns->v[ret_arns->n++] = t->resourceArns.v[i];
	} else if (found(c, t, ret_arns) != CALL_OK) {
		return CALL_FAILED;
	}
	uint32_t count = mode_number(t->selectionMode, STR("COUNT"), CHOSEN_MAX),
		 percent = mode_number(t->selectionMode, STR("PERCENT"), 100);
	uint32_t keep = count ? count : percent ? ret_arns->n * percent / 100 : ret_arns->n;
	/* At random, as chaos should be. */
	for (uint32_t i = 0; i < keep && i < ret_arns->n; i++) {
		uint32_t j = i + (uint32_t)random_below(ret_arns->n - i);
		struct str swap = ret_arns->v[i];
		ret_arns->v[i] = ret_arns->v[j];
		ret_arns->v[j] = swap;
	}
	if (keep < ret_arns->n)
		ret_arns->n = keep;
	return CALL_OK;
}
