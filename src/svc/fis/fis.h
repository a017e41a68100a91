/*
 * fis: fault injection. Templates say what to break; an experiment resolves their targets once,
 * when it starts, and then takes its actions in their order on the clock, each as the template's
 * role, which must be allowed what it does. What an action undoes at its end it undoes also when
 * the experiment is stopped or the safety lever engaged.
 *
 * Keys of the environment "fis": T region account id: a template; E region account id: an
 * experiment; K region account token: what a client token started; L region account: the safety
 * lever. An experiment moves by due rows of kind "fis.step", whose id is its key; each step is one
 * transaction.
 */
#ifndef HANEUL_SVC_FIS_FIS_H
#define HANEUL_SVC_FIS_FIS_H

#include "aws/call.h"
#include "svc/fis/fis_api.h"

#define FIS_STEP "fis.step"

/* ---- rows (fis_rows.c) */
void fis_key(struct key *k, struct call *c, char space, struct str id);
/* false: there is none. */
bool fis_get(struct call *c, char space, struct str id, const struct shape *s, void *ret_row);
void fis_put(struct call *c, char space, struct str id, const struct shape *s, const void *row);
void fis_delete(struct call *c, char space, struct str id);
struct str fis_arn(struct call *c, const char *type, struct str id);
int fis_unknown(struct call *c, const char *what, struct str id); /* ResourceNotFoundException */
/* One struct's bytes read as another of the same numbers. */
void fis_convert(struct call *c, const struct shape *from, const void *in, const struct shape *to,
	void *ret);
struct str fis_new_id(struct call *c, const char *prefix); /* templates.c */
struct fis_template_row *fis_template_need(struct call *c, struct str id);
struct fis_experiment_row *fis_experiment_need(struct call *c, struct str id);
/* Rows of a space in order of their ids, from behind `token` on; *ret_token when more follow. each
 * may skip (false). */
struct fis_list {
	struct call *c;
	char space;
	const struct shape *row;
	uint32_t limit;
	bool (*each)(struct fis_list *l, const void *row); /* true: it was shown */
	void *out;
};
int fis_list(
	struct fis_list *l, const struct opt_i64 *max, struct str token, struct str *ret_token);

/* ---- actions (actions.c) */
struct fis_parameter {
	const char *name, *description; /* name NULL ends the list */
	bool required;
};
struct fis_undo;
struct fis_running {
	struct call *c; /* as the experiment's role */
	struct fis_experiment_row *row;
	struct str name; /* of the action */
	struct fis_experiment_action *action;
	struct list_str arns; /* of its target */
};
struct fis_action_kind {
	const char *id, *description;
	const char *target, *resource_type; /* "Instances", "aws:ec2:instance"; NULL: no target */
	const struct fis_parameter *parameters;
	/* CALL_OK, or CALL_FAILED with an error set. Adds to row->Undos what its end changes back.
	 * NULL: only waits. */
	int (*start)(struct fis_running *r);
	int (*undo)(struct call *c, const struct fis_undo *u);
};
const struct fis_action_kind *fis_action_find(struct str id);
bool fis_duration(struct str iso, int64_t *ret_ms); /* "PT5M", "PT1H30M", "P1D" */
struct str fis_parameter_of(const struct fis_experiment_action *a, const char *name);

extern const struct fis_action_kind fis_ec2_actions[]; /* actions_ec2.c; ended by a NULL id */

/* ---- targets (targets.c): ARNs of what a template names. CALL_FAILED: what it names cannot be
 * told. */
int fis_resolve(struct call *c, const struct fis_experiment_target *t, struct list_str *ret_arns);
bool fis_mode_valid(struct str mode); /* ALL, COUNT(n), PERCENT(n) */

/* ---- running (engine.c) */
void fis_engine_start(void);
void fis_engine_wake(struct call *c, struct str experiment);
/* The call `ret` acts as the role, in the same transaction. CALL_FAILED: it may not be assumed. */
int fis_act_as(struct call *c, struct str role_arn, struct str session, struct call *ret);
bool fis_lever_engaged(struct call *c, struct str *ret_reason);

#endif
