/* EC2's place in the common path: start, dry runs, condition keys about tags. */
#include "aws/authorize.h"
#include "svc/ec2/metadata.h"
#include "svc/ec2/network_rows.h"
#include "svc/ec2/work.h"

extern ec2_start *const __start_ec2_starts[] __attribute__((weak)), *const __stop_ec2_starts[]
	__attribute__((weak));

static int
start(struct store *s, struct blobs *b)
{
	(void)b;
	store_rows(s, "ec2");
	for (ec2_start *const *f = __start_ec2_starts; f < __stop_ec2_starts; f++)
		(*f)(s);
	return 0;
}

extern ec2_stop *const __start_ec2_stops[] __attribute__((weak)), *const __stop_ec2_stops[]
	__attribute__((weak));

static void
stop(void)
{
	for (ec2_stop *const *f = __start_ec2_stops; f < __stop_ec2_stops; f++)
		(*f)();
}

static const struct field *
member(const struct shape *s, const char *name)
{
	for (unsigned i = 0; s && i < s->fields_n; i++)
		if (strcmp(s->fields[i].name, name) == 0)
			return &s->fields[i];
	return NULL;
}

/* A dry run ends where everything but the doing is known to be allowed. */
static int
authorized(struct call *c, const void *in)
{
	const struct field *f = member(c->op->in, "DryRun");
	const struct opt_bool *dry =
		f ? (const struct opt_bool *)((const char *)in + f->offset) : NULL;
	return dry && dry->set && dry->v ? call_fail(c, &EC2_DryRunOperation, NULL) : CALL_OK;
}

/* What a condition asks about: the tags that the call brings, or those that the resource has. */
struct asked {
	struct call *c;
	const void *in; /* NULL: it says nothing about this resource */
	const struct ec2_tag_specification_list *specs;
	struct str id;
};

static bool
value_found(struct asked *a, struct str value, struct policy_key *ret)
{
	struct str *v = arena_new(a->c->arena, struct str);
	*v = value;
	ret->values = v;
	ret->values_n = 1;
	return true;
}

static bool
tag_of(struct asked *a, const struct ec2_tag_list *tags, struct str key, struct policy_key *ret)
{
	for (uint32_t i = 0; i < tags->n; i++)
		if (str_eq_nocase(tags->v[i].Key, key))
			return value_found(a, tags->v[i].Value.p ? tags->v[i].Value : STR(""), ret);
	return false;
}

static bool
tag_keys(struct asked *a, struct policy_key *ret)
{
	uint32_t n = 0, at = 0;
	for (uint32_t i = 0; a->specs && i < a->specs->n; i++)
		n += a->specs->v[i].Tags.n;
	struct str *keys = arena_array(a->c->arena, struct str, n);
	for (uint32_t i = 0; a->specs && i < a->specs->n; i++)
		for (uint32_t j = 0; j < a->specs->v[i].Tags.n; j++)
			keys[at++] = a->specs->v[i].Tags.v[j].Key;
	ret->values = keys;
	ret->values_n = n;
	return n > 0;
}

static struct str
after(struct str name, struct str prefix)
{
	bool it = name.len > prefix.len && str_eq_nocase(str_slice(name, 0, prefix.len), prefix);
	return it ? str_slice(name, prefix.len, name.len) : STR_NULL;
}

/* What a call says of the thing that it makes. */
static const struct {
	const char *key, *member, *inner;
} said[] = {
	{ "ec2:InstanceType", "InstanceType", NULL },
	{ "ec2:InstanceProfile", "IamInstanceProfile", "Arn" },
	{ "ec2:MetadataHttpTokens", "MetadataOptions", "HttpTokens" },
	{ "ec2:MetadataHttpEndpoint", "MetadataOptions", "HttpEndpoint" },
	{ "ec2:Tenancy", "Placement", "Tenancy" },
	{ "ec2:AvailabilityZone", "AvailabilityZone", NULL },
	{ "ec2:AvailabilityZone", "Placement", "AvailabilityZone" },
	{ "ec2:VolumeType", "VolumeType", NULL },
	{ "ec2:VolumeSize", "Size", NULL },
	{ "ec2:VolumeIops", "Iops", NULL },
	{ "ec2:VolumeThroughput", "Throughput", NULL },
	{ "ec2:ParentSnapshot", "SnapshotId", NULL },
};

static bool
plain_value(struct asked *a, const struct field *f, const char *at, struct policy_key *ret)
{
	const struct opt_i64 *n = (const struct opt_i64 *)(at + f->offset);
	if (f->shape->kind == SHAPE_STR) {
		struct str text = *(const struct str *)(at + f->offset);
		return text.len && value_found(a, text, ret);
	}
	if (f->shape->kind != SHAPE_INT && f->shape->kind != SHAPE_LONG)
		return false;
	return n->set && value_found(a, arena_printf(a->c->arena, "%lld", (long long)n->v), ret);
}

static bool
said_value(struct asked *a, struct str name, struct policy_key *ret)
{
	for (size_t i = 0; a->in && i < sizeof(said) / sizeof(said[0]); i++) {
		const struct field *f = str_eq_nocase(name, str_c(said[i].key))
						? member(a->c->op->in, said[i].member)
						: NULL;
		const char *at = a->in;
		if (f && said[i].inner) {
			if (f->shape->kind != SHAPE_STRUCT)
				continue;
			at = *(const char *const *)(at + f->offset);
			f = at ? member(f->shape, said[i].inner) : NULL;
		}
		if (f && plain_value(a, f, at, ret))
			return true;
	}
	return false;
}

static bool
lookup(void *arg, struct str name, struct policy_key *ret)
{
	struct asked *a = arg;
	struct ec2_tag_list tags;
	struct str key = after(name, STR("aws:RequestTag/"));
	for (uint32_t i = 0; key.p && a->specs && i < a->specs->n; i++)
		if (tag_of(a, &a->specs->v[i].Tags, key, ret))
			return true;
	if (key.p)
		return false;
	if (str_eq_nocase(name, STR("aws:TagKeys")))
		return tag_keys(a, ret);
	if (str_eq_nocase(name, STR("ec2:Region")))
		return value_found(a, a->c->region, ret);
	if (said_value(a, name, ret))
		return true;
	key = after(name, STR("aws:ResourceTag/"));
	if (!key.p)
		key = after(name, STR("ec2:ResourceTag/"));
	if (!key.p || !a->id.len)
		return false;
	ec2_tags_get(a->c, a->id, &tags);
	return tag_of(a, &tags, key, ret);
}

/* CreateTags brings its tags without a specification. */
static const struct ec2_tag_specification_list *
tags_brought(struct call *c, const void *in)
{
	const struct field *f = in ? member(c->op->in, "TagSpecifications") : NULL;
	if (f)
		return (const struct ec2_tag_specification_list *)((const char *)in + f->offset);
	if (!in || !(f = member(c->op->in, "Tags")))
		return NULL;
	struct ec2_tag_specification_list *l =
		arena_new(c->arena, struct ec2_tag_specification_list);
	l->v = arena_new(c->arena, struct ec2_tag_specification);
	l->v->Tags = *(const struct ec2_tag_list *)((const char *)in + f->offset);
	l->n = 1;
	return l;
}

int
ec2_authorize(struct call *c, const void *in, const char *type, struct str id)
{
	struct policy_result r;
	struct asked *a = arena_new(c->arena, struct asked);
	*a = (struct asked){ c, in, tags_brought(c, in), id };
	bool public = str_is(str_c(type), "image") || str_is(str_c(type), "snapshot");
	struct authorize_question q = { .action = c->op->action,
		/* Images and snapshots have no account in their ARNs. */
		.resource =
			arena_printf(c->arena, "arn:aws:ec2:%.*s:%.*s:%s/%.*s", STR_FMT(c->region),
				STR_FMT(public ? STR("") : c->account), type, STR_FMT(id)),
		.resource_account = c->account,
		.lookup = lookup,
		.lookup_arg = a };
	authorize_evaluate(c, &q, &r);
	return r.decision == POLICY_ALLOWED ? CALL_OK : authorize_denied(c, &q, &r);
}

/* Operations on several instances: each is asked about, the first one as the operation's own. */
static int
each_instance(struct call *c, const void *in, struct authorize_question *q)
{
	const struct field *f = member(c->op->in, "InstanceIds");
	if (!f || c->op->kind == OP_READS)
		return CALL_OK;
	const struct list_str *ids = (const struct list_str *)((const char *)in + f->offset);
	for (uint32_t i = 1; i < ids->n; i++)
		if (ec2_authorize(c, in, "instance", ids->v[i]) != CALL_OK)
			return CALL_FAILED;
	if (ids->n)
		q->resource = arena_printf(c->arena, "arn:aws:ec2:%.*s:%.*s:instance/%.*s",
			STR_FMT(c->region), STR_FMT(c->account), STR_FMT(ids->v[0]));
	return CALL_OK;
}

/* RunInstances asks about everything that it uses (instance_run.c). */
int ec2_run_permission(struct call *c, const void *in, struct authorize_question *q)
	__attribute__((weak));

static int
permission(struct call *c, const void *in, struct authorize_question *q)
{
	struct asked *a = arena_new(c->arena, struct asked);
	if (each_instance(c, in, q) != CALL_OK ||
		(str_is(str_c(c->op->name), "RunInstances") && ec2_run_permission &&
			ec2_run_permission(c, in, q) != CALL_OK))
		return CALL_FAILED;
	long slash = str_rfind(q->resource, '/');
	*a = (struct asked){ c, in, tags_brought(c, in),
		slash < 0 ? STR_NULL : str_slice(q->resource, (size_t)slash + 1, q->resource.len) };
	q->lookup = lookup;
	q->lookup_arg = a;
	return CALL_OK;
}

const struct service_hooks ec2_hooks = {
	.start = start,
	.stop = stop,
	.keep = ec2_world_reset,
	.run = ec2_inside_run,
	.pages = ec2_pages,
	.permission = permission,
	.authorized = authorized,
	.place_new = ec2_place_new,
	.place_make = ec2_place_make,
};
