/* The safety lever: engaged, nothing starts and what runs is stopped. One for each account and
 * region. */
#include "svc/fis/fis.h"

static bool
lever_read(struct call *c, struct fis_lever_row *ret)
{
	return fis_get(c, 'L', STR_NULL, &fis_lever_row_shape, ret) && ret->State;
}

bool
fis_lever_engaged(struct call *c, struct str *ret_reason)
{
	struct fis_lever_row row = { 0 };
	if (!lever_read(c, &row) || !str_is(row.State->status, "engaged"))
		return false;
	*ret_reason = row.State->reason;
	return true;
}

static struct fis_safety_lever *
lever_tell(struct call *c)
{
	struct fis_lever_row row = { 0 };
	struct fis_safety_lever *l = arena_new(c->arena, struct fis_safety_lever);
	l->id = c->account;
	l->arn = fis_arn(c, "safety-lever", c->account);
	if (lever_read(c, &row)) {
		l->state = row.State;
		return l;
	}
	l->state = arena_new(c->arena, struct fis_safety_lever_state);
	l->state->status = STR("disengaged");
	return l;
}

static int
own(struct call *c, struct str id)
{
	/* The console's name for it is "default". */
	return str_eq(id, c->account) || str_is(id, "default") ? CALL_OK
							       : fis_unknown(c, "Safety lever", id);
}

int
fis_get_safety_lever(struct call *c, const struct fis_get_safety_lever_in *in,
	struct fis_get_safety_lever_out *out)
{
	if (own(c, in->id) != CALL_OK)
		return CALL_FAILED;
	out->safetyLever = lever_tell(c);
	return CALL_OK;
}

static bool
wake(struct fis_list *l, const void *row)
{
	const struct fis_experiment *e = ((const struct fis_experiment_row *)row)->Experiment;
	if (str_is(e->state->status, "running") || str_is(e->state->status, "initiating"))
		fis_engine_wake(l->c, e->id);
	return true;
}

int
fis_update_safety_lever_state(struct call *c, const struct fis_update_safety_lever_state_in *in,
	struct fis_update_safety_lever_state_out *out)
{
	struct fis_safety_lever_state s = { .status = in->state->status,
		.reason = in->state->reason };
	struct fis_lever_row row = { .State = &s };
	struct opt_i64 all = OPT_I64(INT32_MAX);
	struct str token = STR_NULL;
	if (own(c, in->id) != CALL_OK)
		return CALL_FAILED;
	fis_put(c, 'L', STR_NULL, &fis_lever_row_shape, &row);
	struct fis_list l = {
		.c = c, .space = 'E', .row = &fis_experiment_row_shape, .each = wake
	};
	if (str_is(s.status, "engaged") && fis_list(&l, &all, STR_NULL, &token) != CALL_OK)
		return CALL_FAILED;
	out->safetyLever = lever_tell(c);
	return CALL_OK;
}
