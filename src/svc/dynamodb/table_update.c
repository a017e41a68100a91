/* UpdateTable: throughput, billing, indexes, streams, protection, class. */
#include "svc/dynamodb/replicas.h"
#include "svc/dynamodb/tasks.h"

#define UNITS_MAX INT64_C(1000000000000)
static const char invalid[] = "One or more parameter values were invalid: ";

/* ---- before the table is looked at */

static struct str
update_name(const struct dynamodb_global_secondary_index_update *u)
{
	return u->Update   ? u->Update->IndexName
	       : u->Create ? u->Create->IndexName
			   : u->Delete->IndexName;
}

static int
check_index_updates(struct call *c, const struct dynamodb_global_secondary_index_update_list *l)
{
	for (uint32_t i = 0; i < l->n; i++) {
		const struct dynamodb_global_secondary_index_update *u = &l->v[i];
		if (!u->Update && !u->Create && !u->Delete)
			return ddb_fail(c,
				"%sOne of GlobalSecondaryIndexUpdate.Update, "
				"GlobalSecondaryIndexUpdate.Create, "
				"GlobalSecondaryIndexUpdate.Delete must not be null",
				invalid);
		for (uint32_t k = 0; k < i; k++)
			if (str_eq(update_name(&l->v[k]), update_name(u)))
				return ddb_fail(c,
					"%sOnly one global secondary index update per index is "
					"allowed simultaneously. "
					"Index: %.*s",
					invalid, STR_FMT(update_name(u)));
	}
	return 0;
}

static int
check_request(struct call *c, const struct dynamodb_update_table_in *in)
{
	bool any = in->ProvisionedThroughput || in->BillingMode.p || in->StreamSpecification ||
		   in->GlobalSecondaryIndexUpdates.n || in->SSESpecification ||
		   in->ReplicaUpdates.n || in->TableClass.p || in->DeletionProtectionEnabled.set ||
		   in->OnDemandThroughput || in->WarmThroughput;
	if (!any)
		return ddb_fail(c,
			"At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, "
			"GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is "
			"required");
	if (str_is(in->BillingMode, "PROVISIONED") && !in->ProvisionedThroughput)
		return ddb_fail(c,
			"%sProvisionedThroughput must be specified when BillingMode is PROVISIONED",
			invalid);
	if (ddb_throughput_check(c, in->ProvisionedThroughput))
		return CALL_FAILED;
	if (str_is(in->MultiRegionConsistency, "STRONG") || in->GlobalTableWitnessUpdates.n)
		return ddb_fail(c, "Global tables with strong consistency are not offered by this "
				   "Haneul: replicas are eventually consistent");
	if (in->ReplicaUpdates.n && (in->ProvisionedThroughput || in->BillingMode.p ||
					    in->GlobalSecondaryIndexUpdates.n ||
					    in->StreamSpecification))
		return ddb_fail(c,
			"%sReplicaUpdates cannot be made together with other changes", invalid);
	if (in->VectorIndexUpdates.n)
		return ddb_fail(c, "Vector indexes are not offered by this Haneul");
	return check_index_updates(c, &in->GlobalSecondaryIndexUpdates);
}

/* ---- throughput */

struct capacity {
	struct opt_i64 *read, *write, *decreases, *day;
	struct opt_time *up, *down;
};

static struct capacity
table_capacity(struct dynamodb_table_row *r)
{
	return (struct capacity){ &r->Read, &r->Write, &r->Decreases, &r->DecreasesDay,
		&r->LastIncrease, &r->LastDecrease };
}

static struct capacity
index_capacity(struct dynamodb_index_row *r)
{
	return (struct capacity){ &r->Read, &r->Write, &r->Decreases, &r->DecreasesDay,
		&r->LastIncrease, &r->LastDecrease };
}

static int
check_changes(
	struct call *c, const struct capacity *k, const struct dynamodb_provisioned_throughput *p)
{
	long long read = p->ReadCapacityUnits.v, write = p->WriteCapacityUnits.v;
	if (k->read->v != read || k->write->v != write)
		return 0;
	return ddb_fail(c,
		"The provisioned throughput for the table will not change. The requested value "
		"equals the current value. "
		"Current ReadCapacityUnits provisioned for the table: %lld. Requested "
		"ReadCapacityUnits: %lld. "
		"Current WriteCapacityUnits provisioned for the table: %lld. Requested "
		"WriteCapacityUnits: %lld. "
		"Refer to the Amazon DynamoDB Developer Guide for current limits and how to "
		"request higher limits.",
		(long long)k->read->v, read, (long long)k->write->v, write);
}

static void
change_capacity(struct call *c, const struct capacity *k, int64_t read, int64_t write)
{
	int64_t today = c->now_ms / 86400000;
	if (read > k->read->v || write > k->write->v)
		*k->up = OPT_TIME(c->now_ms);
	if (read < k->read->v || write < k->write->v) {
		*k->down = OPT_TIME(c->now_ms);
		*k->decreases = OPT_I64(k->day->v == today ? k->decreases->v + 1 : 1);
		*k->day = OPT_I64(today);
	}
	*k->read = OPT_I64(read);
	*k->write = OPT_I64(write);
}

static const struct dynamodb_provisioned_throughput *
wanted_for(const struct dynamodb_update_table_in *in, struct str index)
{
	for (uint32_t i = 0; i < in->GlobalSecondaryIndexUpdates.n; i++) {
		const struct dynamodb_global_secondary_index_update *u =
			&in->GlobalSecondaryIndexUpdates.v[i];
		if (u->Update && str_eq(u->Update->IndexName, index))
			return u->Update->ProvisionedThroughput;
	}
	return NULL;
}

static int
check_figures(struct call *c, const struct dynamodb_update_table_in *in)
{
	for (uint32_t i = 0; i < in->GlobalSecondaryIndexUpdates.n; i++) {
		const struct dynamodb_update_global_secondary_index_action *u =
			in->GlobalSecondaryIndexUpdates.v[i].Update;
		const struct dynamodb_provisioned_throughput *p =
			u ? u->ProvisionedThroughput : NULL;
		if (p &&
			(p->ReadCapacityUnits.v > UNITS_MAX || p->WriteCapacityUnits.v > UNITS_MAX))
			return ddb_fail(c,
				"This operation cannot be performed with given input values. "
				"Please contact DynamoDB "
				"service team for more info: Action Blocked: IndexUpdate");
	}
	return 0;
}

static int
check_throughput(struct call *c, const struct dynamodb_update_table_in *in, struct ddb_table *t)
{
	bool on_demand = in->BillingMode.p ? str_is(in->BillingMode, "PAY_PER_REQUEST")
					   : t->row.OnDemandMode.v;
	struct str missing = STR("");
	struct capacity k = table_capacity(&t->row);
	if (in->ProvisionedThroughput && on_demand)
		return ddb_fail(c,
			"%sNeither ReadCapacityUnits nor WriteCapacityUnits can be specified when "
			"BillingMode is "
			"PAY_PER_REQUEST",
			invalid);
	for (uint32_t i = 0; t->row.OnDemandMode.v && !on_demand && i < t->indexes_n; i++)
		if (t->indexes[i].global && !wanted_for(in, t->indexes[i].row->Name))
			missing = arena_printf(c->arena, "%.*s%s%.*s", STR_FMT(missing),
				missing.len ? "," : "", STR_FMT(t->indexes[i].row->Name));
	if (missing.len)
		return ddb_fail(c, "%sProvisionedThroughput must be specified for index: %.*s",
			invalid, STR_FMT(missing));
	if ((in->ProvisionedThroughput && check_changes(c, &k, in->ProvisionedThroughput)) ||
		check_figures(c, in))
		return CALL_FAILED;
	for (uint32_t i = 0; i < t->indexes_n; i++) {
		const struct dynamodb_provisioned_throughput *p =
			wanted_for(in, t->indexes[i].row->Name);
		struct capacity ki = index_capacity(t->indexes[i].row);
		if (p && check_changes(c, &ki, p))
			return CALL_FAILED;
	}
	return 0;
}

static void
set_on_demand(struct call *c, struct ddb_table *t)
{
	struct capacity k = table_capacity(&t->row);
	t->row.OnDemandMode = OPT_BOOL(true);
	t->row.OnDemandSince = OPT_TIME(c->now_ms);
	t->row.BillingSet = OPT_BOOL(true);
	k.read[0] = k.write[0] = OPT_I64(0);
	for (uint32_t i = 0; i < t->indexes_n; i++)
		t->indexes[i].row->Read = t->indexes[i].row->Write = OPT_I64(0);
}

/* A replica that follows keeps its own read capacity when it was given one. */
static int64_t
read_units(const struct capacity *k, int64_t wanted, bool kept)
{
	return kept && k->read->v > 0 ? k->read->v : wanted;
}

static int
check_warm(struct call *c, const struct dynamodb_update_table_in *in, struct ddb_table *t)
{
	if (ddb_warm_check(c, ddb_warm_table(&t->row), in->WarmThroughput, "table"))
		return CALL_FAILED;
	for (uint32_t i = 0; i < in->GlobalSecondaryIndexUpdates.n; i++) {
		const struct dynamodb_update_global_secondary_index_action *u =
			in->GlobalSecondaryIndexUpdates.v[i].Update;
		struct ddb_index *x = u ? ddb_index_find(t, u->IndexName) : NULL;
		if (x && ddb_warm_check(c, ddb_warm_index(&t->row, x->row), u->WarmThroughput,
				 arena_cstr(c->arena, u->IndexName)))
			return CALL_FAILED;
	}
	return CALL_OK;
}

/* What is asked for together with throughput of indexes. */
static void
apply_index_limits(struct call *c, const struct dynamodb_update_table_in *in, struct ddb_table *t)
{
	for (uint32_t i = 0; i < in->GlobalSecondaryIndexUpdates.n; i++) {
		const struct dynamodb_update_global_secondary_index_action *u =
			in->GlobalSecondaryIndexUpdates.v[i].Update;
		struct ddb_index *x = u ? ddb_index_find(t, u->IndexName) : NULL;
		if (x && u->OnDemandThroughput)
			x->row->OnDemand = u->OnDemandThroughput;
		if (x && u->WarmThroughput)
			x->row->Warm = ddb_warm_raise(c, x->row->Warm, u->WarmThroughput);
	}
}

static void
apply_throughput(struct call *c, const struct dynamodb_update_table_in *in, struct ddb_table *t,
	bool follows)
{
	const struct dynamodb_provisioned_throughput *p = in->ProvisionedThroughput;
	struct capacity k = table_capacity(&t->row);
	ddb_warm_keep(c, t);
	apply_index_limits(c, in, t);
	if (str_is(in->BillingMode, "PAY_PER_REQUEST") && !t->row.OnDemandMode.v)
		set_on_demand(c, t);
	if (str_is(in->BillingMode, "PROVISIONED")) {
		t->row.OnDemandMode = OPT_BOOL(false);
		t->row.BillingSet = OPT_BOOL(true);
	}
	if (p)
		change_capacity(c, &k,
			read_units(&k, p->ReadCapacityUnits.v, follows && t->row.ReadOverride.v),
			p->WriteCapacityUnits.v);
	for (uint32_t i = 0; i < t->indexes_n; i++) {
		struct capacity ki = index_capacity(t->indexes[i].row);
		bool kept = follows && t->indexes[i].row->ReadOverride.v;
		p = wanted_for(in, t->indexes[i].row->Name);
		if (p)
			change_capacity(c, &ki, read_units(&ki, p->ReadCapacityUnits.v, kept),
				p->WriteCapacityUnits.v);
	}
}

/* ---- indexes */

static void
define(struct call *c, struct dynamodb_table_row *r,
	const struct dynamodb_attribute_definition_list *more)
{
	struct dynamodb_attribute_definition_list all = {
		arena_array(
			c->arena, struct dynamodb_attribute_definition, r->Attributes.n + more->n),
		r->Attributes.n, true
	};
	memcpy(all.v, r->Attributes.v, sizeof(*all.v) * r->Attributes.n);
	for (uint32_t i = 0; i < more->n; i++) {
		uint32_t k = 0;
		while (k < all.n && !str_eq(all.v[k].AttributeName, more->v[i].AttributeName))
			k++;
		if (k == all.n)
			all.v[all.n++] = more->v[i];
	}
	r->Attributes = all;
}

static bool
schema_has(const struct dynamodb_key_schema_element_list *l, struct str name)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (str_eq(l->v[i].AttributeName, name))
			return true;
	return false;
}

void
ddb_definitions_trim(struct dynamodb_table_row *r)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < r->Attributes.n; i++) {
		bool used = schema_has(&r->KeySchema, r->Attributes.v[i].AttributeName);
		for (uint32_t k = 0; k < r->Indexes.n; k++)
			used = used || schema_has(&r->Indexes.v[k].KeySchema,
					       r->Attributes.v[i].AttributeName);
		if (used)
			r->Attributes.v[n++] = r->Attributes.v[i];
	}
	r->Attributes.n = n;
}

static int
create_index(struct call *c, const struct dynamodb_create_global_secondary_index_action *a,
	struct ddb_table *t)
{
	struct dynamodb_table_row *r = &t->row;
	const struct dynamodb_provisioned_throughput *p = a->ProvisionedThroughput;
	uint32_t global = 0;
	if (ddb_index_find(t, a->IndexName))
		return ddb_fail(c, "Attempting to create an index which already exists");
	if (ddb_index_check(c, &a->KeySchema, &r->Attributes, a->Projection))
		return CALL_FAILED;
	if (!p && !r->OnDemandMode.v)
		return ddb_fail(c, "%sProvisionedThroughput must be specified for index: %.*s",
			invalid, STR_FMT(a->IndexName));
	if (p && r->OnDemandMode.v)
		return ddb_fail(c,
			"%sProvisionedThroughput should not be specified for index: %.*s when "
			"BillingMode is "
			"PAY_PER_REQUEST",
			invalid, STR_FMT(a->IndexName));
	for (uint32_t i = 0; i < t->indexes_n; i++) {
		global += t->indexes[i].global;
		if (str_is(t->indexes[i].row->Status, "CREATING"))
			return call_fail(c, &DYNAMODB_LimitExceededException,
				"Subscriber limit exceeded: Only 1 online index can be created or "
				"deleted simultaneously per table");
	}
	if (global >= 20)
		return ddb_fail(c, "%sGlobalSecondaryIndex count exceeds the per-table limit of 20",
			invalid);
	struct dynamodb_index_row *v =
		arena_array(c->arena, struct dynamodb_index_row, r->Indexes.n + 1);
	if (r->Indexes.n)
		memcpy(v, r->Indexes.v, sizeof(*v) * r->Indexes.n);
	v[r->Indexes.n++] = (struct dynamodb_index_row){ .Id = r->NextIndex,
		.Name = a->IndexName,
		.Global = OPT_BOOL(true),
		.KeySchema = a->KeySchema,
		.Projection = a->Projection,
		.Status = STR("CREATING"),
		.Read = OPT_I64(p ? p->ReadCapacityUnits.v : 0),
		.Write = OPT_I64(p ? p->WriteCapacityUnits.v : 0),
		.OnDemand = a->OnDemandThroughput,
		.Warm = a->WarmThroughput };
	r->Indexes.v = v;
	r->Indexes.set = true;
	ddb_backfill_later(c, t, (uint32_t)r->NextIndex.v);
	r->NextIndex = OPT_I64(r->NextIndex.v + 1);
	return 0;
}

static int
delete_index(struct call *c, struct str name, struct ddb_table *t)
{
	struct ddb_index *x = ddb_index_find(t, name);
	struct dynamodb_table_row *r = &t->row;
	if (!x || !x->global)
		return call_fail(
			c, &DYNAMODB_ResourceNotFoundException, "Requested resource not found");
	ddb_purge_later(c->tx, t->id, (int)x->id, c->now_ms);
	uint32_t at = (uint32_t)(x->row - r->Indexes.v);
	memmove(&r->Indexes.v[at], &r->Indexes.v[at + 1],
		sizeof(*r->Indexes.v) * (r->Indexes.n - at - 1));
	r->Indexes.n--;
	ddb_definitions_trim(r);
	return 0;
}

static int
change_indexes(struct call *c, const struct dynamodb_update_table_in *in, struct ddb_table *t)
{
	const struct dynamodb_global_secondary_index_update_list *l =
		&in->GlobalSecondaryIndexUpdates;
	uint32_t online = 0;
	for (uint32_t i = 0; i < l->n; i++)
		online += l->v[i].Create != NULL || l->v[i].Delete != NULL;
	if (online > 1 || l->n > 5)
		return call_fail(c, &DYNAMODB_LimitExceededException,
			"Subscriber limit exceeded: Only 1 online index can be created or deleted "
			"simultaneously per table");
	define(c, &t->row, &in->AttributeDefinitions);
	for (uint32_t i = 0; i < l->n; i++) {
		if (l->v[i].Update && !ddb_index_find(t, l->v[i].Update->IndexName))
			return call_fail(c, &DYNAMODB_ResourceNotFoundException,
				"Requested resource not found");
		if (l->v[i].Create && create_index(c, l->v[i].Create, t))
			return CALL_FAILED;
		if (l->v[i].Delete && delete_index(c, l->v[i].Delete->IndexName, t))
			return CALL_FAILED;
	}
	ddb_definitions_trim(&t->row);
	return 0;
}

static int
change_options(struct call *c, const struct dynamodb_update_table_in *in, struct ddb_table *t)
{
	if (in->DeletionProtectionEnabled.set)
		t->row.Protected = in->DeletionProtectionEnabled;
	if (in->TableClass.p) {
		t->row.Class = in->TableClass;
		t->row.ClassSince = OPT_TIME(c->now_ms);
	}
	if (in->SSESpecification)
		t->row.Sse = in->SSESpecification;
	if (in->OnDemandThroughput)
		t->row.OnDemand = in->OnDemandThroughput;
	if (in->WarmThroughput)
		t->row.Warm = ddb_warm_raise(c, t->row.Warm, in->WarmThroughput);
	if (in->StreamSpecification && in->StreamSpecification->StreamEnabled.v && t->row.Stream)
		return ddb_fail(c, "Table already has an enabled stream: TableName: %.*s",
			STR_FMT(t->row.Name));
	if (in->StreamSpecification && !in->StreamSpecification->StreamEnabled.v && !t->row.Stream)
		return ddb_fail(
			c, "Table has no stream to disable: TableName: %.*s", STR_FMT(t->row.Name));
	return ddb_stream_set(c, t, in->StreamSpecification);
}

int
ddb_update_follow(struct call *c, const struct dynamodb_update_table_in *in, struct ddb_table *t)
{
	struct opt_i64 max_read = { 0 };
	if (t->row.OnDemand)
		max_read = t->row.OnDemand->MaxReadRequestUnits;
	apply_throughput(c, in, t, true);
	if (change_indexes(c, in, t))
		return CALL_FAILED;
	if (in->TableClass.p && !t->row.ClassOverride.v) {
		t->row.Class = in->TableClass;
		t->row.ClassSince = OPT_TIME(c->now_ms);
	}
	if (in->SSESpecification)
		t->row.Sse = in->SSESpecification;
	if (in->WarmThroughput)
		t->row.Warm = ddb_warm_raise(c, t->row.Warm, in->WarmThroughput);
	if (in->OnDemandThroughput) {
		struct dynamodb_on_demand_throughput *o =
			arena_new(c->arena, struct dynamodb_on_demand_throughput);
		*o = *in->OnDemandThroughput;
		if (t->row.MaxReadOverride.v)
			o->MaxReadRequestUnits = max_read;
		t->row.OnDemand = o;
	}
	ddb_table_resolve(c, t);
	ddb_table_save(c, t);
	return CALL_OK;
}

/* The reply still tells of the old figures, and that they are changing. */
static void
mark_updating(struct call *c, const struct dynamodb_update_table_in *in, struct ddb_table *t,
	struct dynamodb_table_description *d)
{
	bool figures = in->ProvisionedThroughput || in->BillingMode.p;
	if (figures || in->GlobalSecondaryIndexUpdates.n || in->TableClass.p ||
		in->StreamSpecification)
		d->TableStatus = STR("UPDATING");
	if (in->ProvisionedThroughput) {
		d->ProvisionedThroughput->LastIncreaseDateTime = t->row.LastIncrease;
		d->ProvisionedThroughput->LastDecreaseDateTime = t->row.LastDecrease;
	}
	for (uint32_t i = 0; i < d->GlobalSecondaryIndexes.n; i++) {
		struct dynamodb_global_secondary_index_description *x =
			&d->GlobalSecondaryIndexes.v[i];
		if (wanted_for(in, x->IndexName) ||
			(in->BillingMode.p && str_is(x->IndexStatus, "ACTIVE")))
			x->IndexStatus = STR("UPDATING");
	}
	(void)c;
}

int
dynamodb_update_table(struct call *c, const struct dynamodb_update_table_in *in,
	struct dynamodb_update_table_out *out)
{
	struct ddb_table t;
	if (check_request(c, in) || ddb_table_change(c, in->TableName, &t) ||
		check_throughput(c, in, &t) || check_warm(c, in, &t))
		return CALL_FAILED;
	if (in->ReplicaUpdates.n) {
		if (ddb_replicas_update(c, &t, &in->ReplicaUpdates))
			return CALL_FAILED;
		out->TableDescription = ddb_table_describe(c, &t);
		out->TableDescription->TableStatus = STR("UPDATING");
		return CALL_OK;
	}
	if (t.row.Replicas.n && in->StreamSpecification &&
		!in->StreamSpecification->StreamEnabled.v)
		return ddb_fail(
			c, "%sThe stream of a table with replicas cannot be disabled", invalid);
	struct dynamodb_provisioned_throughput_description *before =
		ddb_table_describe(c, &t)->ProvisionedThroughput;
	bool was_on_demand = t.row.OnDemandMode.v;
	apply_throughput(c, in, &t, false);
	if (change_indexes(c, in, &t) || change_options(c, in, &t) ||
		ddb_replicas_follow(c, &t, in))
		return CALL_FAILED;
	ddb_table_resolve(c, &t);
	ddb_table_save(c, &t);
	out->TableDescription = ddb_table_describe(c, &t);
	if (in->ProvisionedThroughput && !was_on_demand)
		out->TableDescription->ProvisionedThroughput = before;
	mark_updating(c, in, &t, out->TableDescription);
	return CALL_OK;
}
