/* CreateTable, DescribeTable, ListTables, DeleteTable. */
#include "svc/dynamodb/copies.h"
#include "svc/dynamodb/replicas.h"
#include "svc/dynamodb/stream_log.h"
#include "svc/dynamodb/tasks.h"

static const char invalid[] = "One or more parameter values were invalid: ";
#define UNITS_MAX INT64_C(1000000000000)
#define LOCAL_MAX 5
#define GLOBAL_MAX 20

/* ---- what is wrong with a new table */

int
ddb_throughput_check(struct call *c, const struct dynamodb_provisioned_throughput *p)
{
	if (p && p->ReadCapacityUnits.v > UNITS_MAX)
		return ddb_fail(c, "Given value %lld for ReadCapacityUnits is out of bounds",
			(long long)p->ReadCapacityUnits.v);
	if (p && p->WriteCapacityUnits.v > UNITS_MAX)
		return ddb_fail(c, "Given value %lld for WriteCapacityUnits is out of bounds",
			(long long)p->WriteCapacityUnits.v);
	return 0;
}

static int
check_billing(struct call *c, const struct dynamodb_create_table_in *in)
{
	const struct dynamodb_provisioned_throughput *p = in->ProvisionedThroughput;
	if (str_is(in->BillingMode, "PAY_PER_REQUEST"))
		return !p ? 0
			  : ddb_fail(c,
				    "%sNeither ReadCapacityUnits nor WriteCapacityUnits can be "
				    "specified "
				    "when BillingMode is PAY_PER_REQUEST",
				    invalid);
	if (!p)
		return ddb_fail(c,
			"%sReadCapacityUnits and WriteCapacityUnits must both be specified when "
			"BillingMode is PROVISIONED",
			invalid);
	return ddb_throughput_check(c, p);
}

static bool
is_defined(const struct dynamodb_attribute_definition_list *defs, struct str name)
{
	for (uint32_t i = 0; i < defs->n; i++)
		if (str_eq(defs->v[i].AttributeName, name))
			return true;
	return false;
}

static struct str
schema_names(struct call *c, const struct dynamodb_key_schema_element_list *keys)
{
	struct str s = STR("");
	for (uint32_t i = 0; i < keys->n; i++)
		s = arena_printf(c->arena, "%.*s%s%.*s", STR_FMT(s), i ? ", " : "",
			STR_FMT(keys->v[i].AttributeName));
	return s;
}

static int
check_defined(struct call *c, const struct dynamodb_key_schema_element_list *keys,
	const struct dynamodb_attribute_definition_list *defs)
{
	bool all = true;
	struct str names = STR("");
	for (uint32_t i = 0; i < keys->n; i++)
		all = all && is_defined(defs, keys->v[i].AttributeName);
	if (all)
		return 0;
	for (uint32_t i = 0; i < defs->n; i++)
		names = arena_printf(c->arena, "%.*s%s%.*s", STR_FMT(names), i ? ", " : "",
			STR_FMT(defs->v[i].AttributeName));
	return ddb_fail(c,
		"%sSome index key attributes are not defined in AttributeDefinitions. Keys: "
		"[%.*s], "
		"AttributeDefinitions: [%.*s]",
		invalid, STR_FMT(schema_names(c, keys)), STR_FMT(names));
}

static int
check_schema(struct call *c, const struct dynamodb_key_schema_element_list *k)
{
	if (k->n > 1 && str_eq(k->v[0].AttributeName, k->v[1].AttributeName))
		return ddb_fail(c, "Both the Hash Key and the Range Key element in the KeySchema "
				   "have the same name");
	if (!str_is(k->v[0].KeyType, "HASH"))
		return ddb_fail(
			c, "Invalid KeySchema: The first KeySchemaElement is not a HASH key type");
	if (k->n > 1 && !str_is(k->v[1].KeyType, "RANGE"))
		return ddb_fail(c,
			"Invalid KeySchema: The second KeySchemaElement is not a RANGE key type");
	return 0;
}

static int
check_projection(struct call *c, const struct dynamodb_projection *p)
{
	if (!p->ProjectionType.p)
		return ddb_fail(c, "%sUnknown ProjectionType: null", invalid);
	if (p->NonKeyAttributes.set && !str_is(p->ProjectionType, "INCLUDE"))
		return ddb_fail(c, "%sProjectionType is %.*s, but NonKeyAttributes is specified",
			invalid, STR_FMT(p->ProjectionType));
	if (!p->NonKeyAttributes.set && str_is(p->ProjectionType, "INCLUDE"))
		return ddb_fail(c,
			"%sProjectionType is INCLUDE, but NonKeyAttributes is not specified",
			invalid);
	return 0;
}

int
ddb_index_check(struct call *c, const struct dynamodb_key_schema_element_list *keys,
	const struct dynamodb_attribute_definition_list *defs, const struct dynamodb_projection *p)
{
	if (check_defined(c, keys, defs) || check_schema(c, keys))
		return CALL_FAILED;
	return p ? check_projection(c, p) : 0;
}

static int
check_unique(struct call *c, const struct dynamodb_create_table_in *in, struct str name,
	uint32_t before_local, uint32_t before_global)
{
	bool twice = false;
	for (uint32_t i = 0; i < before_local; i++)
		twice = twice || str_eq(in->LocalSecondaryIndexes.v[i].IndexName, name);
	for (uint32_t i = 0; i < before_global; i++)
		twice = twice || str_eq(in->GlobalSecondaryIndexes.v[i].IndexName, name);
	return twice ? ddb_fail(c, "%sDuplicate index name: %.*s", invalid, STR_FMT(name)) : 0;
}

static int
check_local(struct call *c, const struct dynamodb_create_table_in *in)
{
	struct str hash = in->KeySchema.v[0].AttributeName;
	if (!in->LocalSecondaryIndexes.n)
		return ddb_fail(c, "%sList of LocalSecondaryIndexes is empty", invalid);
	if (in->KeySchema.n != 2)
		return ddb_fail(c,
			"%sTable KeySchema does not have a range key, which is required when "
			"specifying a "
			"LocalSecondaryIndex",
			invalid);
	for (uint32_t i = 0; i < in->LocalSecondaryIndexes.n; i++) {
		const struct dynamodb_local_secondary_index *x = &in->LocalSecondaryIndexes.v[i];
		if (ddb_index_check(c, &x->KeySchema, &in->AttributeDefinitions, NULL))
			return CALL_FAILED;
		if (x->KeySchema.n != 2)
			return ddb_fail(c,
				"%sIndex KeySchema does not have a range key for index: %.*s",
				invalid, STR_FMT(x->IndexName));
		if (!str_eq(x->KeySchema.v[0].AttributeName, hash))
			return ddb_fail(c,
				"%sIndex KeySchema does not have the same leading hash key as "
				"table "
				"KeySchema for index: %.*s. index hash key: %.*s, table hash key: "
				"%.*s",
				invalid, STR_FMT(x->IndexName),
				STR_FMT(x->KeySchema.v[0].AttributeName), STR_FMT(hash));
		if (check_projection(c, x->Projection) || check_unique(c, in, x->IndexName, i, 0))
			return CALL_FAILED;
	}
	if (in->LocalSecondaryIndexes.n > LOCAL_MAX)
		return ddb_fail(c, "%sNumber of LocalSecondaryIndexes exceeds per-table limit of 5",
			invalid);
	return 0;
}

static int
check_global(struct call *c, const struct dynamodb_create_table_in *in)
{
	if (!in->GlobalSecondaryIndexes.n)
		return ddb_fail(c, "%sList of GlobalSecondaryIndexes is empty", invalid);
	for (uint32_t i = 0; i < in->GlobalSecondaryIndexes.n; i++) {
		const struct dynamodb_global_secondary_index *x = &in->GlobalSecondaryIndexes.v[i];
		if (ddb_index_check(c, &x->KeySchema, &in->AttributeDefinitions, x->Projection))
			return CALL_FAILED;
		if (str_is(in->BillingMode, "PAY_PER_REQUEST") && x->ProvisionedThroughput)
			return ddb_fail(c,
				"%sProvisionedThroughput should not be specified for index: %.*s "
				"when "
				"BillingMode is PAY_PER_REQUEST",
				invalid, STR_FMT(x->IndexName));
		if (check_unique(c, in, x->IndexName, in->LocalSecondaryIndexes.n, i))
			return CALL_FAILED;
	}
	if (in->GlobalSecondaryIndexes.n > GLOBAL_MAX)
		return ddb_fail(c, "%sGlobalSecondaryIndex count exceeds the per-table limit of 20",
			invalid);
	for (uint32_t i = 0; i < in->GlobalSecondaryIndexes.n; i++) {
		const struct dynamodb_global_secondary_index *x = &in->GlobalSecondaryIndexes.v[i];
		if (!str_is(in->BillingMode, "PAY_PER_REQUEST") && !x->ProvisionedThroughput)
			return ddb_fail(c,
				"%sProvisionedThroughput must be specified for index: %.*s",
				invalid, STR_FMT(x->IndexName));
	}
	return 0;
}

/* Every attribute that is defined must be a key of something. */
static bool
is_used(const struct dynamodb_create_table_in *in, struct str name)
{
	for (uint32_t i = 0; i < in->KeySchema.n; i++)
		if (str_eq(in->KeySchema.v[i].AttributeName, name))
			return true;
	for (uint32_t i = 0; i < in->LocalSecondaryIndexes.n; i++)
		for (uint32_t k = 0; k < in->LocalSecondaryIndexes.v[i].KeySchema.n; k++)
			if (str_eq(in->LocalSecondaryIndexes.v[i].KeySchema.v[k].AttributeName,
				    name))
				return true;
	for (uint32_t i = 0; i < in->GlobalSecondaryIndexes.n; i++)
		for (uint32_t k = 0; k < in->GlobalSecondaryIndexes.v[i].KeySchema.n; k++)
			if (str_eq(in->GlobalSecondaryIndexes.v[i].KeySchema.v[k].AttributeName,
				    name))
				return true;
	return false;
}

static int
check_all_used(struct call *c, const struct dynamodb_create_table_in *in)
{
	for (uint32_t i = 0; i < in->AttributeDefinitions.n; i++)
		if (!is_used(in, in->AttributeDefinitions.v[i].AttributeName))
			return ddb_fail(c,
				"%sSome AttributeDefinitions are not used. AttributeDefinitions: "
				"attribute %.*s",
				invalid, STR_FMT(in->AttributeDefinitions.v[i].AttributeName));
	return 0;
}

static int
check_table(struct call *c, const struct dynamodb_create_table_in *in)
{
	if (check_billing(c, in))
		return CALL_FAILED;
	if (in->KeySchema.n > in->AttributeDefinitions.n)
		return ddb_fail(
			c, "Invalid KeySchema: Some index key attribute have no definition");
	if (check_defined(c, &in->KeySchema, &in->AttributeDefinitions) ||
		check_schema(c, &in->KeySchema))
		return CALL_FAILED;
	if (!in->LocalSecondaryIndexes.set && !in->GlobalSecondaryIndexes.set &&
		in->KeySchema.n != in->AttributeDefinitions.n)
		return ddb_fail(c,
			"%sNumber of attributes in KeySchema does not exactly match number of "
			"attributes "
			"defined in AttributeDefinitions",
			invalid);
	if (in->LocalSecondaryIndexes.set && check_local(c, in))
		return CALL_FAILED;
	if (in->GlobalSecondaryIndexes.set && check_global(c, in))
		return CALL_FAILED;
	if (in->VectorIndexes.n || in->GlobalTableSourceArn.p)
		return ddb_fail(c, "Vector indexes and global table sources are not offered here");
	return check_all_used(c, in);
}

/* ---- making it */

uint64_t
ddb_next_id(struct call *c)
{
	struct str v;
	uint64_t id = 0;
	if (tx_get(c->tx, ddb_rows(c), STR("N"), &v) && v.len == sizeof(id))
		memcpy(&id, v.p, sizeof(id));
	id++;
	tx_put(c->tx, ddb_rows(c), STR("N"), str_of(&id, sizeof(id)));
	return id;
}

static void
add_indexes(struct call *c, const struct dynamodb_create_table_in *in, struct dynamodb_table_row *r)
{
	uint32_t n = in->LocalSecondaryIndexes.n + in->GlobalSecondaryIndexes.n;
	r->Indexes.v = arena_array(c->arena, struct dynamodb_index_row, n);
	r->Indexes.set = true;
	for (uint32_t i = 0; i < in->LocalSecondaryIndexes.n; i++) {
		const struct dynamodb_local_secondary_index *x = &in->LocalSecondaryIndexes.v[i];
		r->Indexes.v[r->Indexes.n++] = (struct dynamodb_index_row){ .Name = x->IndexName,
			.KeySchema = x->KeySchema,
			.Projection = x->Projection,
			.Status = STR("ACTIVE") };
	}
	for (uint32_t i = 0; i < in->GlobalSecondaryIndexes.n; i++) {
		const struct dynamodb_global_secondary_index *x = &in->GlobalSecondaryIndexes.v[i];
		const struct dynamodb_provisioned_throughput *p = x->ProvisionedThroughput;
		r->Indexes.v[r->Indexes.n++] = (struct dynamodb_index_row){ .Name = x->IndexName,
			.KeySchema = x->KeySchema,
			.Projection = x->Projection,
			.Status = STR("ACTIVE"),
			.Global = OPT_BOOL(true),
			.Read = OPT_I64(p ? p->ReadCapacityUnits.v : 0),
			.Write = OPT_I64(p ? p->WriteCapacityUnits.v : 0),
			.OnDemand = x->OnDemandThroughput,
			.Warm = x->WarmThroughput };
	}
	for (uint32_t i = 0; i < n; i++)
		r->Indexes.v[i].Id = OPT_I64(i + 1);
	r->NextIndex = OPT_I64(n + 1);
}

static void
fill_row(struct call *c, const struct dynamodb_create_table_in *in, struct dynamodb_table_row *r)
{
	const struct dynamodb_provisioned_throughput *p = in->ProvisionedThroughput;
	r->Id = OPT_I64((int64_t)ddb_next_id(c));
	r->Name = in->TableName;
	r->Uuid = call_uuid(c);
	r->Created = OPT_TIME(c->now_ms);
	r->KeySchema = in->KeySchema;
	r->Attributes = in->AttributeDefinitions;
	r->OnDemandMode = OPT_BOOL(str_is(in->BillingMode, "PAY_PER_REQUEST"));
	if (r->OnDemandMode.v)
		r->OnDemandSince = OPT_TIME(c->now_ms);
	r->Read = OPT_I64(p ? p->ReadCapacityUnits.v : 0);
	r->Write = OPT_I64(p ? p->WriteCapacityUnits.v : 0);
	r->Protected = in->DeletionProtectionEnabled;
	r->Class = in->TableClass;
	r->Tags = in->Tags;
	r->Sse = in->SSESpecification;
	r->OnDemand = in->OnDemandThroughput;
	r->Warm = in->WarmThroughput;
	if (in->ResourcePolicy.p) {
		r->Policy = in->ResourcePolicy;
		r->PolicyRevision = arena_printf(c->arena, "%lld", (long long)c->now_ms);
	}
	add_indexes(c, in, r);
}

/* Not lower than what the capacity mode gives. */
static int
check_warm(struct call *c, const struct ddb_table *t)
{
	struct dynamodb_table_row plain = t->row;
	plain.Warm = NULL;
	if (ddb_warm_check(c, ddb_warm_table(&plain), t->row.Warm, "table"))
		return CALL_FAILED;
	for (uint32_t i = 0; i < t->indexes_n; i++) {
		struct dynamodb_index_row x = *t->indexes[i].row;
		x.Warm = NULL;
		if (ddb_warm_check(c, ddb_warm_index(&t->row, &x), t->indexes[i].row->Warm,
			    arena_cstr(c->arena, x.Name)))
			return CALL_FAILED;
	}
	return CALL_OK;
}

int
dynamodb_create_table(struct call *c, const struct dynamodb_create_table_in *in,
	struct dynamodb_create_table_out *out)
{
	struct ddb_table t;
	if (check_table(c, in))
		return CALL_FAILED;
	if (ddb_table_find(c, in->TableName, &t))
		return call_fail(c, &DYNAMODB_ResourceInUseException, "Table already exists: %.*s",
			STR_FMT(in->TableName));
	memset(&t, 0, sizeof(t));
	fill_row(c, in, &t.row);
	ddb_table_resolve(c, &t);
	if (check_warm(c, &t))
		return CALL_FAILED;
	if (ddb_stream_set(c, &t, in->StreamSpecification))
		return CALL_FAILED;
	ddb_table_save(c, &t);
	out->TableDescription = ddb_table_describe(c, &t);
	out->TableDescription->TableStatus = STR("CREATING");
	for (uint32_t i = 0; i < out->TableDescription->GlobalSecondaryIndexes.n; i++)
		out->TableDescription->GlobalSecondaryIndexes.v[i].IndexStatus = STR("CREATING");
	if (out->TableDescription->BillingModeSummary)
		out->TableDescription->BillingModeSummary->LastUpdateToPayPerRequestDateTime.set =
			false;
	return CALL_OK;
}

int
dynamodb_describe_table(struct call *c, const struct dynamodb_describe_table_in *in,
	struct dynamodb_describe_table_out *out)
{
	struct ddb_table t;
	if (ddb_table_open(c, in->TableName, true, &t))
		return CALL_FAILED;
	out->Table = ddb_table_describe(c, &t);
	return CALL_OK;
}

int
dynamodb_delete_table(struct call *c, const struct dynamodb_delete_table_in *in,
	struct dynamodb_delete_table_out *out)
{
	struct ddb_table t;
	if (ddb_table_change(c, in->TableName, &t))
		return CALL_FAILED;
	if (t.row.Protected.v)
		return ddb_fail(c,
			"Resource cannot be deleted as it is currently protected against deletion. "
			"Disable deletion protection first.");
	out->TableDescription = ddb_table_describe(c, &t);
	out->TableDescription->TableStatus = STR("DELETING");
	out->TableDescription->GlobalSecondaryIndexes.set = false;
	ddb_replicas_leave(c, &t);
	if (t.row.Pitr.v) {
		ddb_backup_deleted_table(c, &t);
		ddb_log_close(c, t.id);
	}
	ddb_table_remove(c, &t);
	ddb_stream_close(c, &t);
	/* Else the last copy's end does that. */
	if (!ddb_is_copied(c->tx, c->store, t.id))
		ddb_purge_later(c->tx, t.id, -1, c->now_ms);
	return CALL_OK;
}

int
dynamodb_list_tables(struct call *c, const struct dynamodb_list_tables_in *in,
	struct dynamodb_list_tables_out *out)
{
	struct key lo, hi;
	struct scan s;
	uint32_t limit = in->Limit.set ? (uint32_t)in->Limit.v : 100;
	ddb_table_key(&lo, c->account, c->region, STR(""));
	struct str end = key_after_prefix(&hi, key_str(&lo));
	size_t prefix = lo.len;
	out->TableNames.v = arena_array(c->arena, struct str, limit);
	out->TableNames.set = true;
	if (in->ExclusiveStartTableName.p) {
		key_add_raw(&lo, in->ExclusiveStartTableName);
		key_add_raw(&lo, str_of("\0", 1));
	}
	scan_open(&s, c->tx, ddb_rows(c), key_str(&lo), end, false);
	while (scan_next(&s)) {
		if (out->TableNames.n == limit) {
			out->LastEvaluatedTableName = out->TableNames.v[limit - 1];
			break;
		}
		out->TableNames.v[out->TableNames.n++] =
			arena_dup(c->arena, str_slice(s.key, prefix, s.key.len));
	}
	scan_done(&s);
	return CALL_OK;
}
