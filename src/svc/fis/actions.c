/* What can be done to targets: one table, told to clients and looked up by the engine. */
#include "aws/arn.h"
#include "base/text.h"
#include "svc/fis/fis.h"

static const struct fis_parameter wait_parameters[] = {
	{ "duration", "The length of time to wait, as an ISO 8601 duration.", true },
	{ NULL, NULL, false }
};
static const struct fis_action_kind waits[] = { { .id = "aws:fis:wait",
							.description = "Waits for the given time.",
							.parameters = wait_parameters },
	{ .id = NULL } };

static const struct fis_action_kind *const tables[] = { fis_ec2_actions, waits };
#define TABLES (sizeof(tables) / sizeof(tables[0]))

static const struct {
	const char *type, *description;
} resource_types[] = { { "aws:ec2:instance", "Instances of EC2" },
	{ "aws:ec2:subnet", "Subnets of a VPC" } };
#define TYPES (sizeof(resource_types) / sizeof(resource_types[0]))

const struct fis_action_kind *
fis_action_find(struct str id)
{
	for (size_t t = 0; t < TABLES; t++)
		for (const struct fis_action_kind *k = tables[t]; k->id; k++)
			if (str_eq(str_c(k->id), id))
				return k;
	return NULL;
}

struct str
fis_parameter_of(const struct fis_experiment_action *a, const char *name)
{
	for (uint32_t i = 0; i < a->parameters.n; i++)
		if (str_eq(a->parameters.v[i].key, str_c(name)))
			return a->parameters.v[i].value;
	return STR_NULL;
}

bool
fis_duration(struct str iso, int64_t *ret_ms)
{
	static const struct {
		char unit;
		bool time;
		int64_t ms;
	} units[] = { { 'D', false, 86400000 }, { 'H', true, 3600000 }, { 'M', true, 60000 },
		{ 'S', true, 1000 } };
	int64_t sum = 0, n = -1;
	bool time = false;
	size_t next = 0;
	if (iso.len < 3 || iso.len > 16 || iso.p[0] != 'P')
		return false;
	for (size_t i = 1; i < iso.len; i++) {
		char ch = iso.p[i];
		if (ch >= '0' && ch <= '9') {
			n = (n < 0 ? 0 : n) * 10 + (ch - '0');
			continue;
		}
		if (ch == 'T' && !time && n < 0) {
			time = true;
			continue;
		}
		while (next < 4 && (units[next].unit != ch || units[next].time != time))
			next++;
		if (next == 4 || n < 0)
			return false;
		sum += n * units[next++].ms;
		n = -1;
	}
	*ret_ms = sum;
	return n < 0 && sum > 0 && sum <= INT64_C(12) * 3600000;
}

static void
targets_tell(struct call *c, const struct fis_action_kind *k, struct fis_action_target_map *ret)
{
	if (!k->target)
		return;
	ret->v = arena_new(c->arena, struct fis_action_target_map_entry);
	ret->v->key = str_c(k->target);
	ret->v->value.resourceType = str_c(k->resource_type);
	ret->n = 1;
	ret->set = true;
}

static struct str
action_arn(struct call *c, const struct fis_action_kind *k)
{
	return arn_format(
		c->arena, "fis", c->region, STR(""), arena_printf(c->arena, "action/%s", k->id));
}

int
fis_get_action(struct call *c, const struct fis_get_action_in *in, struct fis_get_action_out *out)
{
	const struct fis_action_kind *k = fis_action_find(in->id);
	if (!k)
		return fis_unknown(c, "Action", in->id);
	struct fis_action *a = out->action = arena_new(c->arena, struct fis_action);
	a->id = str_c(k->id);
	a->arn = action_arn(c, k);
	a->description = str_c(k->description);
	targets_tell(c, k, &a->targets);
	for (const struct fis_parameter *p = k->parameters; p && p->name; p++)
		a->parameters.n++;
	a->parameters.v =
		arena_array(c->arena, struct fis_action_parameter_map_entry, a->parameters.n);
	a->parameters.set = a->parameters.n > 0;
	for (uint32_t i = 0; i < a->parameters.n; i++) {
		a->parameters.v[i].key = str_c(k->parameters[i].name);
		a->parameters.v[i].value.description = str_c(k->parameters[i].description);
		a->parameters.v[i].value.required = OPT_BOOL(k->parameters[i].required);
	}
	return CALL_OK;
}

/* A page of a constant list: the token is the index to go on at. */
static int
page_from(struct call *c, struct str token, uint32_t n, uint32_t *ret_from)
{
	uint64_t from = 0;
	*ret_from = 0;
	if (token.len && (!str_to_u64(token, &from) || from > n))
		return call_fail(c, &FIS_ValidationException, "The nextToken is not valid.");
	*ret_from = (uint32_t)from;
	return CALL_OK;
}

int
fis_list_actions(
	struct call *c, const struct fis_list_actions_in *in, struct fis_list_actions_out *out)
{
	uint32_t from, at = 0, limit = in->maxResults.set ? (uint32_t)in->maxResults.v : 100;
	if (page_from(c, in->nextToken, UINT32_MAX, &from) != CALL_OK)
		return CALL_FAILED;
	out->actions.v = arena_array(c->arena, struct fis_action_summary, limit);
	out->actions.set = true;
	for (size_t t = 0; t < TABLES; t++)
		for (const struct fis_action_kind *k = tables[t]; k->id; k++, at++) {
			if (at < from)
				continue;
			if (out->actions.n == limit) {
				out->nextToken = arena_printf(c->arena, "%u", at);
				return CALL_OK;
			}
			struct fis_action_summary *s = &out->actions.v[out->actions.n++];
			s->id = str_c(k->id);
			s->arn = action_arn(c, k);
			s->description = str_c(k->description);
			targets_tell(c, k, &s->targets);
		}
	return CALL_OK;
}

int
fis_get_target_resource_type(struct call *c, const struct fis_get_target_resource_type_in *in,
	struct fis_get_target_resource_type_out *out)
{
	for (size_t i = 0; i < TYPES; i++) {
		if (!str_eq(str_c(resource_types[i].type), in->resourceType))
			continue;
		out->targetResourceType = arena_new(c->arena, struct fis_target_resource_type);
		out->targetResourceType->resourceType = str_c(resource_types[i].type);
		out->targetResourceType->description = str_c(resource_types[i].description);
		return CALL_OK;
	}
	return fis_unknown(c, "Target resource type", in->resourceType);
}

int
fis_list_target_resource_types(struct call *c, const struct fis_list_target_resource_types_in *in,
	struct fis_list_target_resource_types_out *out)
{
	uint32_t from, limit = in->maxResults.set ? (uint32_t)in->maxResults.v : 100;
	if (page_from(c, in->nextToken, TYPES, &from) != CALL_OK)
		return CALL_FAILED;
	out->targetResourceTypes.v =
		arena_array(c->arena, struct fis_target_resource_type_summary, TYPES);
	out->targetResourceTypes.set = true;
	for (uint32_t i = from; i < TYPES; i++) {
		if (out->targetResourceTypes.n == limit) {
			out->nextToken = arena_printf(c->arena, "%u", i);
			break;
		}
		struct fis_target_resource_type_summary *s =
			&out->targetResourceTypes.v[out->targetResourceTypes.n++];
		s->resourceType = str_c(resource_types[i].type);
		s->description = str_c(resource_types[i].description);
	}
	return CALL_OK;
}
