/* Experiments as clients see them: started, stopped, looked at. */
#include "svc/fis/fis.h"

int
fis_start_experiment(struct call *c, const struct fis_start_experiment_in *in,
	struct fis_start_experiment_out *out)
{
	struct fis_token_row token;
	struct fis_experiment_row row = { .Experiment =
						  arena_new(c->arena, struct fis_experiment) };
	struct fis_experiment *e = row.Experiment;
	struct str key = arena_concat(c->arena, STR("experiment/"), in->clientToken), why;
	struct fis_template_row *t = fis_template_need(c, in->experimentTemplateId);
	if (!t)
		return CALL_FAILED;
	if (fis_get(c, 'K', key, &fis_token_row_shape, &token)) {
		struct fis_experiment_row *before = fis_experiment_need(c, token.Id);
		out->experiment = before ? before->Experiment : NULL;
		return before ? CALL_OK : CALL_FAILED;
	}
	if (fis_lever_engaged(c, &why))
		return call_fail(c, &FIS_ConflictException, "The safety lever is engaged: %.*s",
			STR_FMT(why));
	struct fis_copied_row copied = { .targets = t->Template->targets,
		.actions = t->Template->actions,
		.stopConditions = t->Template->stopConditions,
		.experimentOptions = t->Template->experimentOptions };
	fis_convert(c, &fis_copied_row_shape, &copied, &fis_experiment_shape, e);
	e->id = fis_new_id(c, "EXP");
	e->arn = fis_arn(c, "experiment", e->id);
	e->experimentTemplateId = t->Template->id;
	e->roleArn = t->Template->roleArn;
	e->tags = in->tags;
	e->creationTime = e->startTime = OPT_TIME(c->now_ms);
	e->state = arena_new(c->arena, struct fis_experiment_state);
	e->state->status = STR("initiating");
	e->state->reason = STR("Experiment is initiating.");
	e->targetAccountConfigurationsCount = OPT_I64(t->Accounts.n);
	row.Accounts = t->Accounts;
	e->experimentOptions->actionsMode =
		in->experimentOptions && in->experimentOptions->actionsMode.len
			? in->experimentOptions->actionsMode
			: STR("run-all");
	for (uint32_t i = 0; i < e->actions.n; i++) {
		e->actions.v[i].value.state =
			arena_new(c->arena, struct fis_experiment_action_state);
		e->actions.v[i].value.state->status = STR("pending");
		e->actions.v[i].value.state->reason = STR("Initial state");
	}
	fis_put(c, 'E', e->id, &fis_experiment_row_shape, &row);
	token = (struct fis_token_row){ .Id = e->id };
	fis_put(c, 'K', key, &fis_token_row_shape, &token);
	fis_engine_wake(c, e->id);
	out->experiment = e;
	return CALL_OK;
}

int
fis_stop_experiment(struct call *c, const struct fis_stop_experiment_in *in,
	struct fis_stop_experiment_out *out)
{
	struct fis_experiment_row *row = fis_experiment_need(c, in->id);
	if (!row)
		return CALL_FAILED;
	struct fis_experiment_state *s = row->Experiment->state;
	if (!str_is(s->status, "initiating") && !str_is(s->status, "running") &&
		!str_is(s->status, "pending"))
		return call_fail(c, &FIS_ValidationException,
			"Experiment %.*s is %.*s and cannot be stopped.", STR_FMT(in->id),
			STR_FMT(s->status));
	s->status = STR("stopping");
	s->reason = STR("Experiment is stopping.");
	fis_put(c, 'E', in->id, &fis_experiment_row_shape, row);
	fis_engine_wake(c, in->id);
	out->experiment = row->Experiment;
	return CALL_OK;
}

int
fis_get_experiment(
	struct call *c, const struct fis_get_experiment_in *in, struct fis_get_experiment_out *out)
{
	struct fis_experiment_row *row = fis_experiment_need(c, in->id);
	if (!row)
		return CALL_FAILED;
	out->experiment = row->Experiment;
	return CALL_OK;
}

struct listing {
	struct fis_experiment_summary_list *list;
	struct str template;
};

static bool
experiment_show(struct fis_list *l, const void *row)
{
	const struct fis_experiment *e = ((const struct fis_experiment_row *)row)->Experiment;
	struct listing *out = l->out;
	if (out->template.len && !str_eq(out->template, e->experimentTemplateId))
		return false;
	if (!out->list->v)
		out->list->v = arena_array(l->c->arena, struct fis_experiment_summary, l->limit);
	out->list->v[out->list->n++] = (struct fis_experiment_summary){ .id = e->id,
		.arn = e->arn,
		.experimentTemplateId = e->experimentTemplateId,
		.state = e->state,
		.creationTime = e->creationTime,
		.tags = e->tags,
		.experimentOptions = e->experimentOptions };
	return true;
}

int
fis_list_experiments(struct call *c, const struct fis_list_experiments_in *in,
	struct fis_list_experiments_out *out)
{
	struct listing what = { &out->experiments, in->experimentTemplateId };
	struct fis_list l = { .c = c,
		.space = 'E',
		.row = &fis_experiment_row_shape,
		.each = experiment_show,
		.out = &what };
	out->experiments.set = true;
	return fis_list(&l, &in->maxResults, in->nextToken, &out->nextToken);
}

static void
resolved_add(struct call *c, struct fis_resolved_target_list *l, const struct fis_experiment *e,
	struct str target, struct str arn)
{
	struct fis_resolved_target *r = &l->v[l->n++];
	r->targetName = target;
	for (uint32_t i = 0; i < e->targets.n; i++)
		if (str_eq(e->targets.v[i].key, target))
			r->resourceType = e->targets.v[i].value.resourceType;
	r->targetInformation.v = arena_new(c->arena, struct map_str_entry);
	*r->targetInformation.v = (struct map_str_entry){ STR("arn"), arn };
	r->targetInformation.n = 1;
	r->targetInformation.set = true;
}

int
fis_list_experiment_resolved_targets(struct call *c,
	const struct fis_list_experiment_resolved_targets_in *in,
	struct fis_list_experiment_resolved_targets_out *out)
{
	struct fis_experiment_row *row = fis_experiment_need(c, in->experimentId);
	uint32_t limit = in->maxResults.set ? (uint32_t)in->maxResults.v : 100, at = 0;
	uint64_t from = 0;
	if (!row)
		return CALL_FAILED;
	if (in->nextToken.len && !str_to_u64(in->nextToken, &from))
		return call_fail(c, &FIS_ValidationException, "The nextToken is not valid.");
	out->resolvedTargets.v = arena_array(c->arena, struct fis_resolved_target, limit);
	out->resolvedTargets.set = true;
	for (uint32_t i = 0; i < row->Chosen.n; i++)
		for (uint32_t j = 0; j < row->Chosen.v[i].Arns.n; j++) {
			if (in->targetName.len && !str_eq(in->targetName, row->Chosen.v[i].Target))
				continue;
			if (at++ < from)
				continue;
			if (out->resolvedTargets.n == limit) {
				out->nextToken = arena_printf(c->arena, "%u", at - 1);
				return CALL_OK;
			}
			resolved_add(c, &out->resolvedTargets, row->Experiment,
				row->Chosen.v[i].Target, row->Chosen.v[i].Arns.v[j]);
		}
	return CALL_OK;
}
