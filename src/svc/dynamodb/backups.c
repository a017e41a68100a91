/* CreateBackup, DescribeBackup, ListBackups, DeleteBackup. */
#include "aws/due.h"
#include "svc/dynamodb/copies.h"

static void
list_key(struct key *k, struct str account, struct str region)
{
	key_begin(k);
	key_add_raw(k, STR("K"));
	key_add(k, account);
	key_add(k, region);
}

static void
backup_key(struct key *k, struct str account, struct str region, struct str table, struct str id)
{
	list_key(k, account, region);
	key_add(k, table);
	key_add_raw(k, id);
}

static struct rows *
rows_of(const struct call *c)
{
	return ddb_backup_rows(c->store);
}

static void
save(struct call *c, struct str table, struct str id, const struct dynamodb_backup_row *row)
{
	struct key k;
	struct buf b = { 0 };
	backup_key(&k, c->account, c->region, table, id);
	row_encode(&dynamodb_backup_row_shape, row, &b);
	tx_put(c->tx, rows_of(c), key_str(&k), buf_str(&b));
	buf_done(&b);
}

static bool
find(struct call *c, struct str table, struct str id, struct dynamodb_backup_row *ret)
{
	struct key k;
	struct str value;
	backup_key(&k, c->account, c->region, table, id);
	memset(ret, 0, sizeof(*ret));
	return tx_get(c->tx, rows_of(c), key_str(&k), &value) &&
	       row_decode(&dynamodb_backup_row_shape, value, c->arena, ret);
}

static bool
split_arn(struct call *c, struct str arn, struct str *ret_table, struct str *ret_id)
{
	return ddb_arn_split(c, arn, STR("/backup/"), ret_table, ret_id);
}

bool
ddb_backup_find(struct call *c, struct str arn, struct dynamodb_backup_row *ret)
{
	struct str table, id;
	return split_arn(c, arn, &table, &id) && find(c, table, id, ret);
}

static int
not_found(struct call *c, struct str arn)
{
	return call_fail(
		c, &DYNAMODB_BackupNotFoundException, "Backup not found: %.*s", STR_FMT(arn));
}

/* ---- what a backup says of its table */

static struct dynamodb_source_table_details *
source_of(struct call *c, struct ddb_table *t)
{
	struct dynamodb_source_table_details *s =
		arena_new(c->arena, struct dynamodb_source_table_details);
	struct ddb_count n = ddb_count_get(c->tx, ddb_rows(c), t->id, 0);
	s->TableName = t->row.Name;
	s->TableId = t->row.Uuid;
	s->TableArn = ddb_table_arn(c, t->row.Name);
	s->TableSizeBytes = OPT_I64((int64_t)n.bytes);
	s->ItemCount = OPT_I64((int64_t)n.items);
	s->KeySchema = t->row.KeySchema;
	s->TableCreationDateTime = t->row.Created;
	s->ProvisionedThroughput = arena_new(c->arena, struct dynamodb_provisioned_throughput);
	s->ProvisionedThroughput->ReadCapacityUnits = OPT_I64(t->row.Read.v);
	s->ProvisionedThroughput->WriteCapacityUnits = OPT_I64(t->row.Write.v);
	s->OnDemandThroughput = t->row.OnDemand;
	s->BillingMode = t->row.OnDemandMode.v ? STR("PAY_PER_REQUEST") : STR("PROVISIONED");
	return s;
}

static struct dynamodb_source_table_feature_details *
features_of(struct call *c, struct ddb_table *t)
{
	struct dynamodb_source_table_feature_details *f =
		arena_new(c->arena, struct dynamodb_source_table_feature_details);
	struct dynamodb_table_description *d = ddb_table_describe(c, t);
	f->LocalSecondaryIndexes.v =
		arena_array(c->arena, struct dynamodb_local_secondary_index_info, t->indexes_n);
	f->GlobalSecondaryIndexes.v =
		arena_array(c->arena, struct dynamodb_global_secondary_index_info, t->indexes_n);
	for (uint32_t i = 0; i < t->indexes_n; i++) {
		const struct dynamodb_index_row *r = t->indexes[i].row;
		if (!t->indexes[i].global) {
			f->LocalSecondaryIndexes.v[f->LocalSecondaryIndexes.n++] =
				(struct dynamodb_local_secondary_index_info){
					.IndexName = r->Name,
					.KeySchema = r->KeySchema,
					.Projection = r->Projection };
			continue;
		}
		struct dynamodb_global_secondary_index_info *g =
			&f->GlobalSecondaryIndexes.v[f->GlobalSecondaryIndexes.n++];
		g->IndexName = r->Name;
		g->KeySchema = r->KeySchema;
		g->Projection = r->Projection;
		g->OnDemandThroughput = r->OnDemand;
		g->ProvisionedThroughput =
			arena_new(c->arena, struct dynamodb_provisioned_throughput);
		g->ProvisionedThroughput->ReadCapacityUnits = OPT_I64(r->Read.v);
		g->ProvisionedThroughput->WriteCapacityUnits = OPT_I64(r->Write.v);
	}
	f->LocalSecondaryIndexes.set = f->LocalSecondaryIndexes.n > 0;
	f->GlobalSecondaryIndexes.set = f->GlobalSecondaryIndexes.n > 0;
	f->StreamDescription = d->StreamSpecification;
	f->SSEDescription = d->SSEDescription;
	f->TimeToLiveDescription = arena_new(c->arena, struct dynamodb_time_to_live_description);
	f->TimeToLiveDescription->TimeToLiveStatus =
		t->row.TtlAttribute.len ? STR("ENABLED") : STR("DISABLED");
	if (t->row.TtlAttribute.len)
		f->TimeToLiveDescription->AttributeName = t->row.TtlAttribute;
	return f;
}

static struct dynamodb_backup_details *
make(struct call *c, struct ddb_table *t, struct str name, struct str type, int64_t expiry_ms)
{
	struct dynamodb_copy_row copy = { 0 };
	struct dynamodb_backup_row row = { .Source = source_of(c, t),
		.Features = features_of(c, t) };
	struct dynamodb_backup_details *d = arena_new(c->arena, struct dynamodb_backup_details);
	uint32_t random;
	call_random(c, &random, sizeof(random));
	copy.Backup = arena_printf(c->arena, "%014lld-%08x", (long long)c->now_ms, random);
	d->BackupArn = arena_printf(c->arena, "%.*s/backup/%.*s",
		STR_FMT(ddb_table_arn(c, t->row.Name)), STR_FMT(copy.Backup));
	d->BackupName = name;
	d->BackupSizeBytes = row.Source->TableSizeBytes;
	d->BackupStatus = STR("CREATING");
	d->BackupType = type;
	d->BackupCreationDateTime = OPT_TIME(c->now_ms);
	if (expiry_ms)
		d->BackupExpiryDateTime = OPT_TIME(expiry_ms);
	row.Details = d;
	row.Table = arena_new(c->arena, struct dynamodb_table_row);
	*row.Table = t->row;
	ddb_copy_begin(c, t, 0, &copy);
	row.Copy = copy.Id;
	save(c, t->row.Name, copy.Backup, &row);
	return d;
}

void
ddb_backup_done(struct call *c, const struct dynamodb_copy_row *copy)
{
	struct dynamodb_backup_row row;
	if (!find(c, copy->Name, copy->Backup, &row))
		return;
	row.Details->BackupStatus = STR("AVAILABLE");
	save(c, copy->Name, copy->Backup, &row);
}

static int
open_table(struct call *c, struct str name, struct ddb_table *t)
{
	if (!ddb_table_find(c, name, t))
		return call_fail(c, &DYNAMODB_TableNotFoundException, "Table not found: %.*s",
			STR_FMT(name));
	if (!t->row.Status.len)
		return 0;
	return call_fail(c, &DYNAMODB_TableInUseException, "Table is being created: %.*s",
		STR_FMT(name));
}

int
dynamodb_create_backup(struct call *c, const struct dynamodb_create_backup_in *in,
	struct dynamodb_create_backup_out *out)
{
	struct ddb_table t;
	if (open_table(c, in->TableName, &t))
		return CALL_FAILED;
	/* AWS allows so many at once; here each costs every write of the table a look. */
	if (t.row.Copies.n >= 50)
		return call_fail(c, &DYNAMODB_LimitExceededException,
			"Too many backups of this table are being created");
	out->BackupDetails = make(c, &t, in->BackupName, STR("USER"), 0);
	return CALL_OK;
}

/* ---- what follows a deleted table */

static int
expire_due(struct tx *tx, struct str id, int64_t due_ms, struct str payload, void *arg)
{
	char text[3][300];
	struct arena a;
	struct str account, region, table;
	struct dynamodb_backup_row row;
	struct dynamodb_copy_row copy;
	struct key k;
	(void)id;
	if (!key_take(&payload, text[0], 300, &account) ||
		!key_take(&payload, text[1], 300, &region) ||
		!key_take(&payload, text[2], 300, &table))
		return 0;
	arena_init(&a);
	struct call c = { .arena = &a,
		.tx = tx,
		.store = arg,
		.account = account,
		.region = region,
		.now_ms = due_ms };
	if (find(&c, table, payload, &row)) {
		if (ddb_copy_find(&c, (uint64_t)row.Copy.v, &copy))
			ddb_copy_drop(&c, &copy);
		backup_key(&k, account, region, table, payload);
		tx_delete(tx, rows_of(&c), key_str(&k));
	}
	arena_done(&a);
	return 0;
}

void
ddb_backup_deleted_table(struct call *c, struct ddb_table *t)
{
	struct str name, id, table;
	struct key k;
	int64_t expiry_ms = c->now_ms + DDB_RECOVERY_DAYS * DDB_DAY_MS;
	name = arena_printf(c->arena, "%.*s$DeletedTableBackup", STR_FMT(t->row.Name));
	struct dynamodb_backup_details *d = make(c, t, name, STR("SYSTEM"), expiry_ms);
	if (!split_arn(c, d->BackupArn, &table, &id))
		return;
	key_begin(&k);
	key_add(&k, c->account);
	key_add(&k, c->region);
	key_add(&k, table);
	key_add_raw(&k, id);
	due_add(c->tx, STR("dynamodb.backup-expire"), id, expiry_ms, key_str(&k));
}

void
ddb_backups_register(struct store *s)
{
	due_handle("dynamodb.backup-expire", expire_due, s);
}

/* ---- describe, delete, list */

static struct dynamodb_backup_description *
describe(struct call *c, const struct dynamodb_backup_row *row)
{
	struct dynamodb_backup_description *d =
		arena_new(c->arena, struct dynamodb_backup_description);
	d->BackupDetails = row->Details;
	d->SourceTableDetails = row->Source;
	d->SourceTableFeatureDetails = row->Features;
	return d;
}

int
dynamodb_describe_backup(struct call *c, const struct dynamodb_describe_backup_in *in,
	struct dynamodb_describe_backup_out *out)
{
	struct dynamodb_backup_row row;
	if (!ddb_backup_find(c, in->BackupArn, &row))
		return not_found(c, in->BackupArn);
	out->BackupDescription = describe(c, &row);
	return CALL_OK;
}

int
dynamodb_delete_backup(struct call *c, const struct dynamodb_delete_backup_in *in,
	struct dynamodb_delete_backup_out *out)
{
	struct dynamodb_backup_row row;
	struct dynamodb_copy_row copy;
	struct str table, id;
	struct key k;
	if (!split_arn(c, in->BackupArn, &table, &id) || !find(c, table, id, &row))
		return not_found(c, in->BackupArn);
	bool has = ddb_copy_find(c, (uint64_t)row.Copy.v, &copy);
	if (!str_is(row.Details->BackupStatus, "AVAILABLE") || (has && copy.Uses.v))
		return call_fail(c, &DYNAMODB_BackupInUseException, "Backup is in use: %.*s",
			STR_FMT(in->BackupArn));
	if (has)
		ddb_copy_drop(c, &copy);
	backup_key(&k, c->account, c->region, table, id);
	tx_delete(c->tx, rows_of(c), key_str(&k));
	row.Details->BackupStatus = STR("DELETED");
	out->BackupDescription = describe(c, &row);
	return CALL_OK;
}

static void
summarise(struct dynamodb_backup_summary *s, const struct dynamodb_backup_row *row)
{
	s->TableName = row->Source->TableName;
	s->TableId = row->Source->TableId;
	s->TableArn = row->Source->TableArn;
	s->BackupArn = row->Details->BackupArn;
	s->BackupName = row->Details->BackupName;
	s->BackupCreationDateTime = row->Details->BackupCreationDateTime;
	s->BackupExpiryDateTime = row->Details->BackupExpiryDateTime;
	s->BackupStatus = row->Details->BackupStatus;
	s->BackupType = row->Details->BackupType;
	s->BackupSizeBytes = row->Details->BackupSizeBytes;
}

static bool
wanted(const struct dynamodb_list_backups_in *in, const struct dynamodb_backup_row *row)
{
	int64_t at_ms = row->Details->BackupCreationDateTime.ms;
	struct str type = row->Details->BackupType;
	if (in->TimeRangeLowerBound.set && at_ms < in->TimeRangeLowerBound.ms)
		return false;
	if (in->TimeRangeUpperBound.set && at_ms >= in->TimeRangeUpperBound.ms)
		return false;
	/* Only those that users made, unless it is said. */
	return in->BackupType.p ? str_is(in->BackupType, "ALL") || str_eq(in->BackupType, type)
				: str_is(type, "USER");
}

int
dynamodb_list_backups(struct call *c, const struct dynamodb_list_backups_in *in,
	struct dynamodb_list_backups_out *out)
{
	struct key lo, hi;
	struct scan s;
	struct str table, id, name = in->TableName;
	uint32_t limit = in->Limit.set ? (uint32_t)in->Limit.v : 100;
	list_key(&lo, c->account, c->region);
	if (name.p)
		key_add(&lo, name);
	struct str end = key_after_prefix(&hi, key_str(&lo));
	if (in->ExclusiveStartBackupArn.p) {
		if (!split_arn(c, in->ExclusiveStartBackupArn, &table, &id))
			return ddb_fail(c, "Invalid ExclusiveStartBackupArn");
		backup_key(&lo, c->account, c->region, table, id);
		key_add_raw(&lo, str_of("\0", 1));
	}
	out->BackupSummaries.v = arena_array(c->arena, struct dynamodb_backup_summary, limit);
	out->BackupSummaries.set = true;
	scan_open(&s, c->tx, rows_of(c), key_str(&lo), end, false);
	while (scan_next(&s)) {
		struct dynamodb_backup_row row = { 0 };
		if (!row_decode(&dynamodb_backup_row_shape, s.value, c->arena, &row) ||
			!wanted(in, &row))
			continue;
		if (out->BackupSummaries.n == limit) {
			out->LastEvaluatedBackupArn =
				out->BackupSummaries.v[limit - 1].BackupArn;
			break;
		}
		summarise(&out->BackupSummaries.v[out->BackupSummaries.n++], &row);
	}
	scan_done(&s);
	return CALL_OK;
}
