/* Experiment templates: made, changed, checked so that what can start can also be carried out. */
#include "svc/fis/fis.h"

static const struct shape *
template_shape(void)
{
	return fis_template_row_shape.fields[0].shape;
}

static bool
has_target(const struct fis_experiment_template *t, struct str name, struct str type)
{
	for (uint32_t i = 0; i < t->targets.n; i++)
		if (str_eq(t->targets.v[i].key, name))
			return str_eq(t->targets.v[i].value.resourceType, type);
	return false;
}

static int
targets_check(struct call *c, const struct fis_experiment_template *t)
{
	for (uint32_t i = 0; i < t->targets.n; i++) {
		const struct fis_experiment_template_target *x = &t->targets.v[i].value;
		if (!str_is(x->resourceType, "aws:ec2:instance") &&
			!str_is(x->resourceType, "aws:ec2:subnet"))
			return call_fail(c, &FIS_ValidationException,
				"The resource type %.*s cannot be a target here; aws:ec2:instance "
				"and aws:ec2:subnet can.",
				STR_FMT(x->resourceType));
		if (!fis_mode_valid(x->selectionMode))
			return call_fail(c, &FIS_ValidationException,
				"Invalid selection mode: %.*s", STR_FMT(x->selectionMode));
		if (x->resourceArns.n && (x->resourceTags.n || x->filters.n))
			return call_fail(c, &FIS_ValidationException,
				"A target has resource ARNs, or tags and filters, but not both.");
		if (!x->resourceArns.n && !x->resourceTags.n && !x->filters.n)
			return call_fail(c, &FIS_ValidationException,
				"A target must have resource ARNs, tags or filters.");
	}
	return CALL_OK;
}

static int
parameters_check(struct call *c, const struct fis_action_kind *k,
	const struct fis_experiment_template_action *a)
{
	for (uint32_t i = 0; i < a->parameters.n; i++) {
		const struct fis_parameter *p = k->parameters;
		int64_t ms;
		struct str name = a->parameters.v[i].key, value = a->parameters.v[i].value;
		while (p && p->name && !str_eq(str_c(p->name), name))
			p++;
		if (!p || !p->name)
			return call_fail(c, &FIS_ValidationException, "%s has no parameter %.*s.",
				k->id, STR_FMT(name));
		if ((str_is(name, "duration") || str_is(name, "startInstancesAfterDuration")) &&
			!fis_duration(value, &ms))
			return call_fail(c, &FIS_ValidationException,
				"%.*s is not a duration between a second and twelve hours: %.*s",
				STR_FMT(name), STR_FMT(value));
	}
	for (const struct fis_parameter *p = k->parameters; p && p->name; p++) {
		bool given = !p->required;
		for (uint32_t i = 0; i < a->parameters.n; i++)
			given |= str_eq(a->parameters.v[i].key, str_c(p->name));
		if (!given)
			return call_fail(c, &FIS_ValidationException, "%s needs the parameter %s.",
				k->id, p->name);
	}
	return CALL_OK;
}

static int
action_check(struct call *c, const struct fis_experiment_template *t,
	const struct fis_experiment_template_action *a)
{
	const struct fis_action_kind *k = fis_action_find(a->actionId);
	if (!k)
		return call_fail(c, &FIS_ValidationException,
			"The action %.*s is not there; ListActions tells which are.",
			STR_FMT(a->actionId));
	if ((k->target ? 1u : 0u) != a->targets.n)
		return call_fail(c, &FIS_ValidationException, "%s needs %s.", k->id,
			k->target ? "one target" : "no target");
	if (k->target && (!str_eq(a->targets.v[0].key, str_c(k->target)) ||
				 !has_target(t, a->targets.v[0].value, str_c(k->resource_type))))
		return call_fail(c, &FIS_ValidationException, "%s needs a target %s of type %s.",
			k->id, k->target, k->resource_type);
	return parameters_check(c, k, a);
}

/* Actions wait for each other by name; in no circle, or none would ever start. */
static bool
order_exists(struct call *c, const struct fis_experiment_template *t)
{
	bool *done = arena_array(c->arena, bool, t->actions.n);
	for (uint32_t round = 0; round < t->actions.n; round++)
		for (uint32_t i = 0; i < t->actions.n; i++) {
			const struct list_str *after = &t->actions.v[i].value.startAfter;
			uint32_t ready = 0;
			for (uint32_t j = 0; j < after->n; j++)
				for (uint32_t k = 0; k < t->actions.n; k++)
					ready +=
						done[k] && str_eq(t->actions.v[k].key, after->v[j]);
			done[i] |= ready == after->n;
		}
	for (uint32_t i = 0; i < t->actions.n; i++)
		if (!done[i])
			return false;
	return true;
}

static int
template_check(struct call *c, const struct fis_experiment_template *t)
{
	if (!t->actions.n)
		return call_fail(
			c, &FIS_ValidationException, "A template must have at least one action.");
	if (t->actions.n > 20 || t->targets.n > 20)
		return call_fail(c, &FIS_ServiceQuotaExceededException,
			"A template has at most 20 actions and 20 targets.");
	for (uint32_t i = 0; i < t->stopConditions.n; i++)
		if (!str_is(t->stopConditions.v[i].source, "none"))
			return call_fail(c, &FIS_ValidationException,
				"Stop conditions need alarms, which are not there yet; use the "
				"source none.");
	if (t->experimentOptions && str_is(t->experimentOptions->accountTargeting, "multi-account"))
		return call_fail(c, &FIS_ValidationException,
			"Experiments act in their own account; accountTargeting can only be "
			"single-account.");
	if (targets_check(c, t) != CALL_OK)
		return CALL_FAILED;
	for (uint32_t i = 0; i < t->actions.n; i++)
		if (action_check(c, t, &t->actions.v[i].value) != CALL_OK)
			return CALL_FAILED;
	if (!order_exists(c, t))
		return call_fail(c, &FIS_ValidationException,
			"startAfter names an action that is not there, or they wait for each "
			"other.");
	return CALL_OK;
}

static int
refuse_reports(struct call *c, const void *log, const void *report)
{
	if (log || report)
		return call_fail(c, &FIS_ValidationException,
			"Logs and reports of experiments are not written yet; leave out %s.",
			log ? "logConfiguration" : "experimentReportConfiguration");
	return CALL_OK;
}

static void
options_default(struct call *c, struct fis_experiment_template *t)
{
	if (!t->experimentOptions)
		t->experimentOptions =
			arena_new(c->arena, struct fis_experiment_template_experiment_options);
	if (!t->experimentOptions->accountTargeting.len)
		t->experimentOptions->accountTargeting = STR("single-account");
	if (!t->experimentOptions->emptyTargetResolutionMode.len)
		t->experimentOptions->emptyTargetResolutionMode = STR("fail");
}

struct str
fis_new_id(struct call *c, const char *prefix)
{
	return call_id_hex(c, prefix, 16);
}

int
fis_create_experiment_template(struct call *c, const struct fis_create_experiment_template_in *in,
	struct fis_create_experiment_template_out *out)
{
	struct fis_token_row token;
	struct fis_template_row row = { .Template = arena_new(
						c->arena, struct fis_experiment_template) };
	struct fis_experiment_template *t = row.Template;
	struct str key = arena_concat(c->arena, STR("template/"), in->clientToken);
	if (refuse_reports(c, in->logConfiguration, in->experimentReportConfiguration) != CALL_OK)
		return CALL_FAILED;
	if (fis_get(c, 'K', key, &fis_token_row_shape, &token)) {
		struct fis_template_row *before = fis_template_need(c, token.Id);
		out->experimentTemplate = before ? before->Template : NULL;
		return before ? CALL_OK : CALL_FAILED;
	}
	struct fis_asked_row asked = { .description = in->description,
		.targets = in->targets,
		.actions = in->actions,
		.stopConditions = in->stopConditions,
		.roleArn = in->roleArn,
		.tags = in->tags,
		.experimentOptions = in->experimentOptions };
	fis_convert(c, &fis_asked_row_shape, &asked, template_shape(), t);
	options_default(c, t);
	if (template_check(c, t) != CALL_OK)
		return CALL_FAILED;
	t->id = fis_new_id(c, "EXT");
	t->arn = fis_arn(c, "experiment-template", t->id);
	t->creationTime = t->lastUpdateTime = OPT_TIME(c->now_ms);
	t->targetAccountConfigurationsCount = OPT_I64(0);
	fis_put(c, 'T', t->id, &fis_template_row_shape, &row);
	token = (struct fis_token_row){ .Id = t->id };
	fis_put(c, 'K', key, &fis_token_row_shape, &token);
	out->experimentTemplate = t;
	return CALL_OK;
}

int
fis_update_experiment_template(struct call *c, const struct fis_update_experiment_template_in *in,
	struct fis_update_experiment_template_out *out)
{
	struct fis_template_row *row = fis_template_need(c, in->id);
	struct fis_experiment_template changed = { 0 }, *t;
	if (!row || refuse_reports(c, in->logConfiguration, in->experimentReportConfiguration) !=
			    CALL_OK)
		return CALL_FAILED;
	struct fis_changed_row asked = { .description = in->description,
		.targets = in->targets,
		.actions = in->actions,
		.stopConditions = in->stopConditions,
		.roleArn = in->roleArn,
		.experimentOptions = in->experimentOptions };
	fis_convert(c, &fis_changed_row_shape, &asked, template_shape(), &changed);
	t = row->Template;
	if (in->description.p)
		t->description = changed.description;
	if (in->targets.set)
		t->targets = changed.targets;
	if (in->actions.set)
		t->actions = changed.actions;
	if (in->stopConditions.set)
		t->stopConditions = changed.stopConditions;
	if (in->roleArn.p)
		t->roleArn = changed.roleArn;
	if (changed.experimentOptions && changed.experimentOptions->emptyTargetResolutionMode.len)
		t->experimentOptions->emptyTargetResolutionMode =
			changed.experimentOptions->emptyTargetResolutionMode;
	if (template_check(c, t) != CALL_OK)
		return CALL_FAILED;
	t->lastUpdateTime = OPT_TIME(c->now_ms);
	fis_put(c, 'T', t->id, &fis_template_row_shape, row);
	out->experimentTemplate = t;
	return CALL_OK;
}

int
fis_get_experiment_template(struct call *c, const struct fis_get_experiment_template_in *in,
	struct fis_get_experiment_template_out *out)
{
	struct fis_template_row *row = fis_template_need(c, in->id);
	if (!row)
		return CALL_FAILED;
	out->experimentTemplate = row->Template;
	return CALL_OK;
}

int
fis_delete_experiment_template(struct call *c, const struct fis_delete_experiment_template_in *in,
	struct fis_delete_experiment_template_out *out)
{
	struct fis_template_row *row = fis_template_need(c, in->id);
	if (!row)
		return CALL_FAILED;
	fis_delete(c, 'T', in->id);
	out->experimentTemplate = row->Template;
	return CALL_OK;
}

static bool
template_show(struct fis_list *l, const void *row)
{
	const struct fis_experiment_template *t = ((const struct fis_template_row *)row)->Template;
	struct fis_experiment_template_summary_list *out = l->out;
	if (!out->v)
		out->v = arena_array(l->c->arena, struct fis_experiment_template_summary, l->limit);
	out->v[out->n++] = (struct fis_experiment_template_summary){ .id = t->id,
		.arn = t->arn,
		.description = t->description,
		.creationTime = t->creationTime,
		.lastUpdateTime = t->lastUpdateTime,
		.tags = t->tags };
	return true;
}

int
fis_list_experiment_templates(struct call *c, const struct fis_list_experiment_templates_in *in,
	struct fis_list_experiment_templates_out *out)
{
	struct fis_list l = { .c = c,
		.space = 'T',
		.row = &fis_template_row_shape,
		.each = template_show,
		.out = &out->experimentTemplates };
	out->experimentTemplates.set = true;
	return fis_list(&l, &in->maxResults, in->nextToken, &out->nextToken);
}
