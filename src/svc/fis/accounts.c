/* Target accounts of a template. They are kept and told; experiments act in the template's own
 * account only, so accountTargeting multi-account is refused when a template is made. */
#include "svc/fis/fis.h"

static struct fis_target_account_configuration *
account_find(const struct fis_target_account_configuration_list *l, struct str account)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (str_eq(l->v[i].accountId, account))
			return &l->v[i];
	return NULL;
}

static int
unknown(struct call *c, struct str account)
{
	return fis_unknown(c, "Target account configuration", account);
}

static void
save(struct call *c, struct fis_template_row *row)
{
	row->Template->targetAccountConfigurationsCount = OPT_I64(row->Accounts.n);
	fis_put(c, 'T', row->Template->id, &fis_template_row_shape, row);
}

static struct fis_target_account_configuration *
copy(struct call *c, const struct fis_target_account_configuration *a)
{
	struct fis_target_account_configuration *to =
		arena_new(c->arena, struct fis_target_account_configuration);
	*to = *a;
	return to;
}

int
fis_create_target_account_configuration(struct call *c,
	const struct fis_create_target_account_configuration_in *in,
	struct fis_create_target_account_configuration_out *out)
{
	struct fis_template_row *row = fis_template_need(c, in->experimentTemplateId);
	if (!row)
		return CALL_FAILED;
	if (account_find(&row->Accounts, in->accountId))
		return call_fail(c, &FIS_ConflictException,
			"The account %.*s is configured already.", STR_FMT(in->accountId));
	if (row->Accounts.n >= 40)
		return call_fail(c, &FIS_ServiceQuotaExceededException,
			"A template has at most 40 target accounts.");
	struct fis_target_account_configuration *v =
		arena_array(c->arena, struct fis_target_account_configuration, row->Accounts.n + 1);
	if (row->Accounts.n)
		memcpy(v, row->Accounts.v, row->Accounts.n * sizeof(*v));
	v[row->Accounts.n] = (struct fis_target_account_configuration){
		.roleArn = in->roleArn, .accountId = in->accountId, .description = in->description
	};
	row->Accounts =
		(struct fis_target_account_configuration_list){ v, row->Accounts.n + 1, true };
	save(c, row);
	out->targetAccountConfiguration = copy(c, &v[row->Accounts.n - 1]);
	return CALL_OK;
}

int
fis_update_target_account_configuration(struct call *c,
	const struct fis_update_target_account_configuration_in *in,
	struct fis_update_target_account_configuration_out *out)
{
	struct fis_template_row *row = fis_template_need(c, in->experimentTemplateId);
	struct fis_target_account_configuration *a =
		row ? account_find(&row->Accounts, in->accountId) : NULL;
	if (!a)
		return row ? unknown(c, in->accountId) : CALL_FAILED;
	if (in->roleArn.p)
		a->roleArn = in->roleArn;
	if (in->description.p)
		a->description = in->description;
	save(c, row);
	out->targetAccountConfiguration = copy(c, a);
	return CALL_OK;
}

int
fis_delete_target_account_configuration(struct call *c,
	const struct fis_delete_target_account_configuration_in *in,
	struct fis_delete_target_account_configuration_out *out)
{
	struct fis_template_row *row = fis_template_need(c, in->experimentTemplateId);
	struct fis_target_account_configuration *a =
		row ? account_find(&row->Accounts, in->accountId) : NULL;
	if (!a)
		return row ? unknown(c, in->accountId) : CALL_FAILED;
	out->targetAccountConfiguration = copy(c, a);
	*a = row->Accounts.v[--row->Accounts.n];
	save(c, row);
	return CALL_OK;
}

int
fis_get_target_account_configuration(struct call *c,
	const struct fis_get_target_account_configuration_in *in,
	struct fis_get_target_account_configuration_out *out)
{
	struct fis_template_row *row = fis_template_need(c, in->experimentTemplateId);
	struct fis_target_account_configuration *a =
		row ? account_find(&row->Accounts, in->accountId) : NULL;
	if (!a)
		return row ? unknown(c, in->accountId) : CALL_FAILED;
	out->targetAccountConfiguration = a;
	return CALL_OK;
}

int
fis_get_experiment_target_account_configuration(struct call *c,
	const struct fis_get_experiment_target_account_configuration_in *in,
	struct fis_get_experiment_target_account_configuration_out *out)
{
	struct fis_experiment_row *row = fis_experiment_need(c, in->experimentId);
	struct fis_target_account_configuration *a =
		row ? account_find(&row->Accounts, in->accountId) : NULL;
	if (!a)
		return row ? unknown(c, in->accountId) : CALL_FAILED;
	out->targetAccountConfiguration =
		arena_new(c->arena, struct fis_experiment_target_account_configuration);
	*out->targetAccountConfiguration = (struct fis_experiment_target_account_configuration){
		.roleArn = a->roleArn, .accountId = a->accountId, .description = a->description
	};
	return CALL_OK;
}

/* A page of a list that lies in one row: the token is the index to go on at. */
static int
page(struct call *c, struct str token, uint32_t n, const struct opt_i64 *max, uint32_t *ret_from,
	uint32_t *ret_to, struct str *ret_token)
{
	uint64_t from = 0;
	uint32_t limit = max && max->set ? (uint32_t)max->v : 100;
	if (token.len && (!str_to_u64(token, &from) || from > n))
		return call_fail(c, &FIS_ValidationException, "The nextToken is not valid.");
	*ret_from = (uint32_t)from;
	*ret_to = n - *ret_from > limit ? *ret_from + limit : n;
	if (*ret_to < n)
		*ret_token = arena_printf(c->arena, "%u", *ret_to);
	return CALL_OK;
}

int
fis_list_target_account_configurations(struct call *c,
	const struct fis_list_target_account_configurations_in *in,
	struct fis_list_target_account_configurations_out *out)
{
	struct fis_template_row *row = fis_template_need(c, in->experimentTemplateId);
	uint32_t from, to;
	if (!row || page(c, in->nextToken, row->Accounts.n, &in->maxResults, &from, &to,
			    &out->nextToken) != CALL_OK)
		return CALL_FAILED;
	out->targetAccountConfigurations.v =
		arena_array(c->arena, struct fis_target_account_configuration_summary, to - from);
	out->targetAccountConfigurations.set = true;
	for (uint32_t i = from; i < to; i++)
		out->targetAccountConfigurations.v[out->targetAccountConfigurations.n++] =
			(struct fis_target_account_configuration_summary){
				.roleArn = row->Accounts.v[i].roleArn,
				.accountId = row->Accounts.v[i].accountId,
				.description = row->Accounts.v[i].description
			};
	return CALL_OK;
}

int
fis_list_experiment_target_account_configurations(struct call *c,
	const struct fis_list_experiment_target_account_configurations_in *in,
	struct fis_list_experiment_target_account_configurations_out *out)
{
	struct fis_experiment_row *row = fis_experiment_need(c, in->experimentId);
	uint32_t from, to;
	if (!row || page(c, in->nextToken, row->Accounts.n, NULL, &from, &to, &out->nextToken) !=
			    CALL_OK)
		return CALL_FAILED;
	out->targetAccountConfigurations.v = arena_array(
		c->arena, struct fis_experiment_target_account_configuration_summary, to - from);
	out->targetAccountConfigurations.set = true;
	for (uint32_t i = from; i < to; i++)
		out->targetAccountConfigurations.v[out->targetAccountConfigurations.n++] =
			(struct fis_experiment_target_account_configuration_summary){
				.roleArn = row->Accounts.v[i].roleArn,
				.accountId = row->Accounts.v[i].accountId,
				.description = row->Accounts.v[i].description
			};
	return CALL_OK;
}
