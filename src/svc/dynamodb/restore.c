/* RestoreTableFromBackup, RestoreTableToPointInTime: a new table, filled from a copy in steps. */
#include "aws/tasks.h"
#include "svc/dynamodb/copies.h"
#include "svc/dynamodb/replicas.h"
#include "svc/dynamodb/tasks.h"

static struct store *the_store; /* set once at start */

/* What both operations may set of the new table. */
struct overrides {
	struct str target, billing;
	const struct dynamodb_global_secondary_index_list *global;
	const struct dynamodb_local_secondary_index_list *local;
	const struct dynamodb_provisioned_throughput *throughput;
	struct dynamodb_on_demand_throughput *on_demand;
	struct dynamodb_sse_specification *sse;
	bool vectors;
};

/* ---- the new table */

static struct dynamodb_index_row *
index_named(const struct dynamodb_table_row *r, struct str name, bool global)
{
	for (uint32_t i = 0; i < r->Indexes.n; i++)
		if (r->Indexes.v[i].Global.v == global && str_eq(r->Indexes.v[i].Name, name))
			return &r->Indexes.v[i];
	return NULL;
}

static int
check_names(struct call *c, const struct overrides *o, const struct dynamodb_table_row *r)
{
	bool known = true;
	for (uint32_t i = 0; i < o->global->n; i++)
		known = known && index_named(r, o->global->v[i].IndexName, true);
	for (uint32_t i = 0; i < o->local->n; i++)
		known = known && index_named(r, o->local->v[i].IndexName, false);
	return known ? 0
		     : ddb_fail(c, "One or more parameter values were invalid: indexes of the "
				   "override must be among those of the source; they can only be "
				   "left out");
}

static bool
is_kept(const struct overrides *o, const struct dynamodb_index_row *x)
{
	bool set = x->Global.v ? o->global->set : o->local->set;
	for (uint32_t i = 0; x->Global.v && i < o->global->n; i++)
		if (str_eq(o->global->v[i].IndexName, x->Name))
			return true;
	for (uint32_t i = 0; !x->Global.v && i < o->local->n; i++)
		if (str_eq(o->local->v[i].IndexName, x->Name))
			return true;
	return !set;
}

static void
keep_indexes(struct call *c, const struct overrides *o, struct dynamodb_table_row *r)
{
	struct dynamodb_index_row *v =
		arena_array(c->arena, struct dynamodb_index_row, r->Indexes.n);
	uint32_t n = 0;
	for (uint32_t i = 0; i < r->Indexes.n; i++) {
		if (!is_kept(o, &r->Indexes.v[i]))
			continue;
		struct dynamodb_index_row *x = &v[n++];
		*x = r->Indexes.v[i];
		x->Status = STR("ACTIVE");
		x->Decreases = x->DecreasesDay = (struct opt_i64){ 0 };
		x->LastIncrease = x->LastDecrease = (struct opt_time){ 0 };
		if (r->OnDemandMode.v)
			x->Read = x->Write = OPT_I64(0);
		for (uint32_t k = 0; x->Global.v && k < o->global->n; k++) {
			const struct dynamodb_global_secondary_index *g = &o->global->v[k];
			if (!str_eq(g->IndexName, x->Name) || !g->ProvisionedThroughput)
				continue;
			x->Read = OPT_I64(g->ProvisionedThroughput->ReadCapacityUnits.v);
			x->Write = OPT_I64(g->ProvisionedThroughput->WriteCapacityUnits.v);
		}
	}
	r->Indexes.v = v;
	r->Indexes.n = n;
}

static int
set_billing(struct call *c, const struct overrides *o, struct dynamodb_table_row *r)
{
	if (ddb_throughput_check(c, o->throughput))
		return CALL_FAILED;
	if (str_is(o->billing, "PAY_PER_REQUEST") && o->throughput)
		return ddb_fail(c, "One or more parameter values were invalid: Neither "
				   "ReadCapacityUnits nor WriteCapacityUnits can be specified when "
				   "BillingMode is PAY_PER_REQUEST");
	if (str_is(o->billing, "PROVISIONED") && r->OnDemandMode.v && !o->throughput)
		return ddb_fail(c,
			"One or more parameter values were invalid: ReadCapacityUnits and "
			"WriteCapacityUnits must both be specified when BillingMode is "
			"PROVISIONED");
	if (o->billing.p)
		r->OnDemandMode = OPT_BOOL(str_is(o->billing, "PAY_PER_REQUEST"));
	if (r->OnDemandMode.v) {
		r->OnDemandSince = OPT_TIME(c->now_ms);
		r->Read = r->Write = OPT_I64(0);
	} else if (o->throughput) {
		r->Read = OPT_I64(o->throughput->ReadCapacityUnits.v);
		r->Write = OPT_I64(o->throughput->WriteCapacityUnits.v);
	}
	if (o->on_demand)
		r->OnDemand = o->on_demand;
	return 0;
}

/* Streams, times to live, tags, policies and recovery are not restored, as at AWS. */
static int
new_table(struct call *c, const struct dynamodb_table_row *from, const struct overrides *o,
	struct dynamodb_restore_summary *summary, struct ddb_table *t)
{
	if (ddb_table_find(c, o->target, t))
		return call_fail(c, &DYNAMODB_TableAlreadyExistsException,
			"Table already exists: %.*s", STR_FMT(o->target));
	if (o->vectors)
		return ddb_fail(c, "Vector indexes are not offered by this Haneul");
	if (check_names(c, o, from))
		return CALL_FAILED;
	memset(t, 0, sizeof(*t));
	t->row = (struct dynamodb_table_row){ .Id = OPT_I64((int64_t)ddb_next_id(c)),
		.Name = o->target,
		.Uuid = call_uuid(c),
		.Created = OPT_TIME(c->now_ms),
		.KeySchema = from->KeySchema,
		.Attributes = from->Attributes,
		.Indexes = from->Indexes,
		.NextIndex = from->NextIndex,
		.OnDemandMode = from->OnDemandMode,
		.OnDemandSince = from->OnDemandSince,
		.Read = from->Read,
		.Write = from->Write,
		.Class = from->Class,
		.Sse = o->sse ? o->sse : from->Sse,
		.OnDemand = from->OnDemand,
		.Restored = summary,
		.Status = STR("CREATING") };
	if (set_billing(c, o, &t->row))
		return CALL_FAILED;
	keep_indexes(c, o, &t->row);
	ddb_definitions_trim(&t->row);
	ddb_table_resolve(c, t);
	ddb_table_save(c, t);
	return 0;
}

/* ---- filling it: payload: account, region, table name, table id, copy id, the last item done */

static void
fill_later(struct tx *tx, const struct dynamodb_copy_row *copy, const struct ddb_table *t,
	struct str after, int64_t due_ms)
{
	struct key k;
	key_begin(&k);
	key_add(&k, copy->Account);
	key_add(&k, copy->TargetRegion.len ? copy->TargetRegion : copy->Region);
	key_add(&k, t->row.Name);
	key_add_u64(&k, t->id);
	key_add_u64(&k, (uint64_t)copy->Id.v);
	key_add_raw(&k, after);
	task_add(tx, "dynamodb.restore", key_str(&k), due_ms);
}

void
ddb_restore_begin(struct call *c, const struct dynamodb_copy_row *copy)
{
	struct ddb_table t;
	struct call there = *c;
	if (copy->TargetRegion.len)
		there.region = copy->TargetRegion;
	if (ddb_table_find(&there, copy->Target, &t) && t.id == (uint64_t)copy->TargetId.v)
		fill_later(c->tx, copy, &t, STR(""), c->now_ms);
}

void
ddb_table_fill(struct call *c, const struct ddb_table *t, struct str item, struct str row)
{
	struct key k;
	struct ddb_val decoded;
	if (!ddb_row_read(c->arena, row, &decoded) || ddb_replicas_wrote(c, t, item))
		return;
	ddb_key_space(&k, t->id, 0);
	key_add_raw(&k, item);
	tx_put(c->tx, ddb_rows(c), key_str(&k), row);
	ddb_count_add(c, t, 0, 1, ddb_row_size(row));
	int64_t bytes = ddb_row_size(row);
	for (uint32_t i = 0; i < t->indexes_n; i++) {
		int64_t more = ddb_index_put(c, t, &t->indexes[i], &decoded);
		bytes += t->indexes[i].global ? 0 : more;
	}
	ddb_collection_add(c, t, &decoded, bytes);
}

static void
finish(struct call *c, struct ddb_table *t, struct dynamodb_copy_row *copy)
{
	t->row.Status = STR_NULL;
	if (t->row.Restored)
		t->row.Restored->RestoreInProgress = OPT_BOOL(false);
	ddb_table_save(c, t);
	copy->Uses = OPT_I64(copy->Uses.v - 1);
	if (copy->Backup.len)
		ddb_copy_save(c, copy);
	else
		ddb_copy_drop(c, copy);
}

static void
fill(struct call *c, struct ddb_table *t, struct dynamodb_copy_row *copy, struct str after)
{
	struct key lo, hi;
	struct scan s;
	size_t bytes = 0, prefix;
	unsigned n = 0;
	bool end = true;
	struct str row, last = after;
	ddb_copy_item_key(&lo, (uint64_t)copy->Id.v, after);
	ddb_copy_item_key(&hi, (uint64_t)copy->Id.v + 1, STR(""));
	prefix = lo.len - after.len;
	if (after.len)
		key_add_raw(&lo, str_of("\0", 1));
	scan_open(&s, c->tx, ddb_backup_rows(c->store), key_str(&lo), key_str(&hi), false);
	while (scan_next(&s)) {
		if (n++ == DDB_STEP_ROWS || bytes >= DDB_STEP_BYTES) {
			end = false;
			break;
		}
		struct str item = str_slice(s.key, prefix, s.key.len);
		bytes += s.value.len;
		last = arena_dup(c->arena, item);
		if (ddb_copy_item(s.value, &row))
			ddb_table_fill(c, t, item, row);
	}
	scan_done(&s);
	if (end)
		finish(c, t, copy);
	else
		fill_later(c->tx, copy, t, last, c->now_ms);
}

static int
fill_run(struct tx *tx, const struct task *task, void *arg)
{
	char text[3][300];
	struct str rest = task->payload, account, region, name;
	struct arena a;
	struct ddb_table t;
	struct dynamodb_copy_row copy;
	uint64_t table, id;
	(void)arg;
	if (!key_take(&rest, text[0], 300, &account) || !key_take(&rest, text[1], 300, &region) ||
		!key_take(&rest, text[2], 300, &name) || !key_take_u64(&rest, &table) ||
		!key_take_u64(&rest, &id))
		return 0;
	arena_init(&a);
	struct call c = { .arena = &a,
		.tx = tx,
		.store = the_store,
		.account = account,
		.region = region,
		.now_ms = task->due_ms };
	if (ddb_table_find(&c, name, &t) && t.id == table && ddb_copy_find(&c, id, &copy))
		fill(&c, &t, &copy, rest);
	arena_done(&a);
	return 0;
}

static const struct task_kind kinds[] = {
	{ .name = "dynamodb.restore", .concurrency = 1, .run = fill_run },
};

void
ddb_restore_register(struct store *s)
{
	the_store = s;
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		tasks_register(&kinds[i]);
}

/* ---- the operations */

static struct dynamodb_restore_summary *
summary_of(struct call *c, struct str backup, struct str table, int64_t at_ms)
{
	struct dynamodb_restore_summary *s = arena_new(c->arena, struct dynamodb_restore_summary);
	s->SourceBackupArn = backup;
	s->SourceTableArn = table;
	s->RestoreDateTime = OPT_TIME(at_ms);
	s->RestoreInProgress = OPT_BOOL(true);
	return s;
}

int
dynamodb_restore_table_from_backup(struct call *c,
	const struct dynamodb_restore_table_from_backup_in *in,
	struct dynamodb_restore_table_from_backup_out *out)
{
	struct dynamodb_backup_row backup;
	struct dynamodb_copy_row copy;
	struct ddb_table t;
	const struct overrides o = { in->TargetTableName, in->BillingModeOverride,
		&in->GlobalSecondaryIndexOverride, &in->LocalSecondaryIndexOverride,
		in->ProvisionedThroughputOverride, in->OnDemandThroughputOverride,
		in->SSESpecificationOverride, in->VectorIndexOverride.n > 0 };
	if (!ddb_backup_find(c, in->BackupArn, &backup) ||
		!ddb_copy_find(c, (uint64_t)backup.Copy.v, &copy))
		return call_fail(c, &DYNAMODB_BackupNotFoundException, "Backup not found: %.*s",
			STR_FMT(in->BackupArn));
	if (!copy.Done.v)
		return call_fail(c, &DYNAMODB_BackupInUseException, "Backup is being created: %.*s",
			STR_FMT(in->BackupArn));
	struct dynamodb_restore_summary *s = summary_of(c, in->BackupArn, backup.Source->TableArn,
		backup.Details->BackupCreationDateTime.ms);
	if (call_authorize(c, "dynamodb:RestoreTableFromBackup",
		    ddb_table_arn(c, in->TargetTableName), STR_NULL) ||
		new_table(c, backup.Table, &o, s, &t))
		return CALL_FAILED;
	copy.Uses = OPT_I64(copy.Uses.v + 1);
	ddb_copy_save(c, &copy);
	fill_later(c->tx, &copy, &t, STR(""), c->now_ms);
	out->TableDescription = ddb_table_describe(c, &t);
	return CALL_OK;
}

static int
open_source(struct call *c, const struct dynamodb_restore_table_to_point_in_time_in *in,
	struct ddb_table *t)
{
	struct str name = in->SourceTableName.p ? in->SourceTableName : in->SourceTableArn;
	if (!name.p)
		return ddb_fail(c, "One of SourceTableArn and SourceTableName must be specified");
	ddb_plain_name(c, &name);
	if (!ddb_table_find(c, name, t))
		return call_fail(c, &DYNAMODB_TableNotFoundException, "Table not found: %.*s",
			STR_FMT(name));
	if (!t->row.Pitr.v)
		return call_fail(c, &DYNAMODB_PointInTimeRecoveryUnavailableException,
			"Point in time recovery is not enabled for table '%.*s'", STR_FMT(name));
	return 0;
}

static int
moment_of(struct call *c, const struct dynamodb_restore_table_to_point_in_time_in *in,
	const struct ddb_table *t, int64_t *ret_ms)
{
	bool latest = in->UseLatestRestorableTime.v;
	if (latest == in->RestoreDateTime.set)
		return ddb_fail(c, "%s",
			latest ? "RestoreDateTime cannot be specified when UseLatestRestorableTime "
				 "is true"
			       : "Either RestoreDateTime or UseLatestRestorableTime must be "
				 "specified");
	*ret_ms = latest ? ddb_log_latest_ms(c, t) : in->RestoreDateTime.ms;
	if (*ret_ms >= ddb_log_earliest_ms(c, t) && *ret_ms <= ddb_log_latest_ms(c, t))
		return 0;
	return call_fail(c, &DYNAMODB_InvalidRestoreTimeException,
		"The restore time is not between EarliestRestorableDateTime and "
		"LatestRestorableDateTime");
}

int
dynamodb_restore_table_to_point_in_time(struct call *c,
	const struct dynamodb_restore_table_to_point_in_time_in *in,
	struct dynamodb_restore_table_to_point_in_time_out *out)
{
	struct ddb_table from, t;
	struct dynamodb_copy_row copy = { 0 };
	int64_t at_ms = 0;
	const struct overrides o = { in->TargetTableName, in->BillingModeOverride,
		&in->GlobalSecondaryIndexOverride, &in->LocalSecondaryIndexOverride,
		in->ProvisionedThroughputOverride, in->OnDemandThroughputOverride,
		in->SSESpecificationOverride, in->VectorIndexOverride.n > 0 };
	if (open_source(c, in, &from) || moment_of(c, in, &from, &at_ms) ||
		call_authorize(c, "dynamodb:RestoreTableToPointInTime",
			ddb_table_arn(c, in->TargetTableName), STR_NULL))
		return CALL_FAILED;
	struct dynamodb_restore_summary *s =
		summary_of(c, STR_NULL, ddb_table_arn(c, from.row.Name), at_ms);
	if (new_table(c, &from.row, &o, s, &t))
		return CALL_FAILED;
	copy.Target = t.row.Name;
	copy.TargetId = OPT_I64((int64_t)t.id);
	ddb_copy_begin(c, &from, at_ms, &copy);
	out->TableDescription = ddb_table_describe(c, &t);
	return CALL_OK;
}
