/* Tables as rows, their counts, and how they are described. */
#include "svc/dynamodb/capacity.h"
#include "svc/dynamodb/replicas.h"
#include "svc/dynamodb/tasks.h"

struct rows *
ddb_rows(const struct call *c)
{
	return store_rows(c->store, "dynamodb");
}

void
ddb_table_key(struct key *k, struct str account, struct str region, struct str name)
{
	key_begin(k);
	key_add_raw(k, STR("T"));
	key_add(k, account);
	key_add(k, region);
	key_add_raw(k, name);
}

static uint8_t
attribute_type(const struct dynamodb_table_row *row, struct str name)
{
	for (uint32_t i = 0; i < row->Attributes.n; i++)
		if (str_eq(row->Attributes.v[i].AttributeName, name))
			return (uint8_t)ddb_type_of(row->Attributes.v[i].AttributeType);
	return DDB_S;
}

static struct ddb_key
resolve_key(
	const struct dynamodb_table_row *row, const struct dynamodb_key_schema_element_list *schema)
{
	struct ddb_key k = { 0 };
	k.hash = schema->n ? schema->v[0].AttributeName : STR("");
	k.hash_type = attribute_type(row, k.hash);
	if (schema->n > 1) {
		k.range = schema->v[1].AttributeName;
		k.range_type = attribute_type(row, k.range);
	}
	return k;
}

void
ddb_table_resolve(struct call *c, struct ddb_table *t)
{
	struct dynamodb_table_row *row = &t->row;
	t->id = (uint64_t)row->Id.v;
	t->key = resolve_key(row, &row->KeySchema);
	t->indexes_n = row->Indexes.n;
	t->indexes = arena_array(c->arena, struct ddb_index, row->Indexes.n);
	for (uint32_t i = 0; i < row->Indexes.n; i++) {
		struct dynamodb_index_row *r = &row->Indexes.v[i];
		t->indexes[i] = (struct ddb_index){ .row = r,
			.key = resolve_key(row, &r->KeySchema),
			.id = (uint32_t)r->Id.v,
			.global = r->Global.v,
			.all = r->Projection && str_is(r->Projection->ProjectionType, "ALL") };
	}
}

bool
ddb_table_find(struct call *c, struct str name, struct ddb_table *ret)
{
	struct key k;
	struct str value;
	ddb_table_key(&k, c->account, c->region, name);
	if (!tx_get(c->tx, ddb_rows(c), key_str(&k), &value))
		return false;
	memset(ret, 0, sizeof(*ret));
	if (!row_decode(&dynamodb_table_row_shape, value, c->arena, &ret->row))
		return false;
	ddb_table_resolve(c, ret);
	return true;
}

int
ddb_table_open(struct call *c, struct str name, bool named, struct ddb_table *ret)
{
	if (ddb_table_find(c, name, ret))
		return 0;
	if (named)
		return call_fail(c, &DYNAMODB_ResourceNotFoundException,
			"Requested resource not found: Table: %.*s not found", STR_FMT(name));
	return call_fail(c, &DYNAMODB_ResourceNotFoundException, "Requested resource not found");
}

int
ddb_table_change(struct call *c, struct str name, struct ddb_table *ret)
{
	if (ddb_table_open(c, name, true, ret))
		return CALL_FAILED;
	if (!ret->row.Status.len)
		return 0;
	return call_fail(c, &DYNAMODB_ResourceInUseException,
		"Attempt to change a resource which is still in use: Table is being created: %.*s",
		STR_FMT(name));
}

void
ddb_table_save(struct call *c, struct ddb_table *t)
{
	struct key k;
	struct buf b = { 0 };
	struct str value;
	struct dynamodb_table_row before = { 0 };
	ddb_table_key(&k, c->account, c->region, t->row.Name);
	bool was = tx_get(c->tx, ddb_rows(c), key_str(&k), &value) &&
		   row_decode(&dynamodb_table_row_shape, value, c->arena, &before);
	row_encode(&dynamodb_table_row_shape, &t->row, &b);
	tx_put(c->tx, ddb_rows(c), key_str(&k), buf_str(&b));
	buf_done(&b);
	ddb_usage_settings(c, was ? &before : NULL, &t->row);
}

void
ddb_table_remove(struct call *c, const struct ddb_table *t)
{
	struct key k;
	ddb_table_key(&k, c->account, c->region, t->row.Name);
	tx_delete(c->tx, ddb_rows(c), key_str(&k));
	ddb_usage_settings(c, &t->row, NULL);
}

struct ddb_index *
ddb_index_find(struct ddb_table *t, struct str name)
{
	for (uint32_t i = 0; i < t->indexes_n; i++)
		if (str_eq(t->indexes[i].row->Name, name))
			return &t->indexes[i];
	return NULL;
}

struct str
ddb_table_arn(struct call *c, struct str name)
{
	return arena_printf(c->arena, "arn:aws:dynamodb:%.*s:%.*s:table/%.*s", STR_FMT(c->region),
		STR_FMT(c->account), STR_FMT(name));
}

bool
ddb_arn_split(struct call *c, struct str arn, struct str middle, struct str *ret_table,
	struct str *ret_id)
{
	struct str prefix = ddb_table_arn(c, STR(""));
	if (!str_starts(arn, prefix))
		return false;
	struct str rest = str_slice(arn, prefix.len, arn.len);
	ssize_t at = str_find_str(rest, middle);
	if (at <= 0)
		return false;
	*ret_table = str_slice(rest, 0, (size_t)at);
	*ret_id = str_slice(rest, (size_t)at + middle.len, rest.len);
	return ret_id->len > 0;
}

/* ---- counts */

static void
count_key(struct key *k, uint64_t table, uint32_t index)
{
	key_begin(k);
	key_add_raw(k, STR("C"));
	key_add_u64(k, table << 16 | (index & 0xffff));
}

struct ddb_count
ddb_count_get(struct tx *tx, struct rows *r, uint64_t table, uint32_t index)
{
	struct key k;
	struct str v;
	struct ddb_count n = { 0 };
	count_key(&k, table, index);
	if (tx_get(tx, r, key_str(&k), &v) && v.len == sizeof(n))
		memcpy(&n, v.p, sizeof(n));
	return n;
}

void
ddb_count_add(
	struct call *c, const struct ddb_table *t, uint32_t index, int64_t items, int64_t bytes)
{
	struct rows *r = ddb_rows(c);
	struct key k;
	if (!items && !bytes)
		return;
	struct ddb_count n = ddb_count_get(c->tx, r, t->id, index);
	n.items += (uint64_t)items;
	n.bytes += (uint64_t)bytes;
	count_key(&k, t->id, index);
	tx_put(c->tx, r, key_str(&k), str_of(&n, sizeof(n)));
	ddb_usage_stored(c, t, index ? 0 : items, bytes);
}

/* ---- descriptions */

static struct dynamodb_provisioned_throughput_description *
throughput(struct call *c, struct opt_i64 read, struct opt_i64 write, struct opt_time up,
	struct opt_time down, struct opt_i64 decreases, struct opt_i64 day)
{
	struct dynamodb_provisioned_throughput_description *p =
		arena_new(c->arena, struct dynamodb_provisioned_throughput_description);
	p->ReadCapacityUnits = OPT_I64(read.v);
	p->WriteCapacityUnits = OPT_I64(write.v);
	p->LastIncreaseDateTime = up;
	p->LastDecreaseDateTime = down;
	p->NumberOfDecreasesToday = OPT_I64(day.v == c->now_ms / 86400000 ? decreases.v : 0);
	return p;
}

static struct str
index_arn(struct call *c, struct ddb_table *t, struct str name)
{
	return arena_printf(
		c->arena, "%.*s/index/%.*s", STR_FMT(ddb_table_arn(c, t->row.Name)), STR_FMT(name));
}

static void
describe_local(struct call *c, struct ddb_table *t, const struct ddb_index *x,
	struct dynamodb_local_secondary_index_description *d)
{
	struct ddb_count n = ddb_count_get(c->tx, ddb_rows(c), t->id, x->id);
	d->IndexName = x->row->Name;
	d->KeySchema = x->row->KeySchema;
	d->Projection = x->row->Projection;
	d->IndexSizeBytes = OPT_I64((int64_t)n.bytes);
	d->ItemCount = OPT_I64((int64_t)n.items);
	d->IndexArn = index_arn(c, t, x->row->Name);
}

static void
describe_global(struct call *c, struct ddb_table *t, const struct ddb_index *x,
	struct dynamodb_global_secondary_index_description *d)
{
	struct ddb_count n = ddb_count_get(c->tx, ddb_rows(c), t->id, x->id);
	const struct dynamodb_index_row *r = x->row;
	d->IndexName = r->Name;
	d->KeySchema = r->KeySchema;
	d->Projection = r->Projection;
	d->IndexStatus = t->row.Status.len ? t->row.Status : r->Status;
	if (str_is(r->Status, "CREATING"))
		d->Backfilling = OPT_BOOL(true);
	d->ProvisionedThroughput = throughput(c, r->Read, r->Write, r->LastIncrease,
		r->LastDecrease, r->Decreases, r->DecreasesDay);
	d->IndexSizeBytes = OPT_I64((int64_t)n.bytes);
	d->ItemCount = OPT_I64((int64_t)n.items);
	d->IndexArn = index_arn(c, t, r->Name);
	d->OnDemandThroughput = r->OnDemand;
	struct dynamodb_warm_throughput warm = ddb_warm_index(&t->row, r);
	d->WarmThroughput = arena_new(
		c->arena, struct dynamodb_global_secondary_index_warm_throughput_description);
	*d->WarmThroughput = (struct dynamodb_global_secondary_index_warm_throughput_description){
		warm.ReadUnitsPerSecond, warm.WriteUnitsPerSecond, d->IndexStatus
	};
}

static void
describe_indexes(struct call *c, struct ddb_table *t, struct dynamodb_table_description *d)
{
	uint32_t local = 0;
	for (uint32_t i = 0; i < t->indexes_n; i++)
		local += !t->indexes[i].global;
	uint32_t global = t->indexes_n - local;
	d->LocalSecondaryIndexes.v =
		arena_array(c->arena, struct dynamodb_local_secondary_index_description, local);
	d->GlobalSecondaryIndexes.v =
		arena_array(c->arena, struct dynamodb_global_secondary_index_description, global);
	for (uint32_t i = 0; i < t->indexes_n; i++) {
		const struct ddb_index *x = &t->indexes[i];
		if (x->global)
			describe_global(c, t, x,
				&d->GlobalSecondaryIndexes.v[d->GlobalSecondaryIndexes.n++]);
		else
			describe_local(
				c, t, x, &d->LocalSecondaryIndexes.v[d->LocalSecondaryIndexes.n++]);
	}
	d->LocalSecondaryIndexes.set = local > 0;
	d->GlobalSecondaryIndexes.set = global > 0;
}

static void
describe_options(struct call *c, struct ddb_table *t, struct dynamodb_table_description *d)
{
	struct dynamodb_table_row *r = &t->row;
	if (r->OnDemandMode.v || r->BillingSet.v) {
		d->BillingModeSummary = arena_new(c->arena, struct dynamodb_billing_mode_summary);
		d->BillingModeSummary->BillingMode =
			r->OnDemandMode.v ? STR("PAY_PER_REQUEST") : STR("PROVISIONED");
		d->BillingModeSummary->LastUpdateToPayPerRequestDateTime = r->OnDemandSince;
	}
	if (r->Stream && r->Stream->StreamEnabled.v)
		d->StreamSpecification = r->Stream;
	if (r->StreamLabel.len) {
		d->LatestStreamLabel = r->StreamLabel;
		d->LatestStreamArn = arena_printf(c->arena, "%.*s/stream/%.*s",
			STR_FMT(ddb_table_arn(c, r->Name)), STR_FMT(r->StreamLabel));
	}
	if (r->Class.p) {
		d->TableClassSummary = arena_new(c->arena, struct dynamodb_table_class_summary);
		d->TableClassSummary->TableClass = r->Class;
		d->TableClassSummary->LastUpdateDateTime = r->ClassSince;
	}
	if (r->Sse && r->Sse->Enabled.v) {
		d->SSEDescription = arena_new(c->arena, struct dynamodb_sse_description);
		d->SSEDescription->Status = STR("ENABLED");
		d->SSEDescription->SSEType = r->Sse->SSEType.p ? r->Sse->SSEType : STR("KMS");
		d->SSEDescription->KMSMasterKeyArn = r->Sse->KMSMasterKeyId;
	}
	d->OnDemandThroughput = r->OnDemand;
	d->RestoreSummary = r->Restored;
	struct dynamodb_warm_throughput warm = ddb_warm_table(r);
	d->WarmThroughput = arena_new(c->arena, struct dynamodb_table_warm_throughput_description);
	*d->WarmThroughput =
		(struct dynamodb_table_warm_throughput_description){ warm.ReadUnitsPerSecond,
			warm.WriteUnitsPerSecond, STR("ACTIVE") };
}

struct dynamodb_table_description *
ddb_table_describe(struct call *c, struct ddb_table *t)
{
	struct dynamodb_table_description *d =
		arena_new(c->arena, struct dynamodb_table_description);
	struct dynamodb_table_row *r = &t->row;
	struct ddb_count n = ddb_count_get(c->tx, ddb_rows(c), t->id, 0);
	d->AttributeDefinitions = r->Attributes;
	d->TableName = r->Name;
	d->KeySchema = r->KeySchema;
	d->TableStatus = r->Status.len ? r->Status : STR("ACTIVE");
	d->CreationDateTime = r->Created;
	d->ProvisionedThroughput = throughput(c, r->Read, r->Write, r->LastIncrease,
		r->LastDecrease, r->Decreases, r->DecreasesDay);
	d->TableSizeBytes = OPT_I64((int64_t)n.bytes);
	d->ItemCount = OPT_I64((int64_t)n.items);
	d->TableArn = ddb_table_arn(c, r->Name);
	d->TableId = r->Uuid;
	d->DeletionProtectionEnabled = OPT_BOOL(r->Protected.v);
	describe_indexes(c, t, d);
	describe_options(c, t, d);
	ddb_replicas_describe(c, t, d);
	for (uint32_t i = 0; i < t->indexes_n; i++)
		if (!r->Status.len && t->indexes[i].global &&
			!str_is(t->indexes[i].row->Status, "ACTIVE"))
			d->TableStatus = STR("UPDATING");
	return d;
}
