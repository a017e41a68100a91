#include "svc/dynamodb/replicas.h"
#include "aws/tasks.h"
#include "svc/dynamodb/copies.h"
#include "svc/dynamodb/stream_log.h"
#include "svc/dynamodb/tasks.h"

#define PREFIX 9 /* of an item's row key: space and table */
#define PRINCIPAL "replication.dynamodb.amazonaws.com"
#define no_replica                                                                                 \
	"One or more parameter values were invalid: the table has no replica in region %.*s"

static struct store *the_store; /* set once at start */

/* ---- when an item was written last */

struct written {
	int64_t at_ms;
	struct str region;
};

static void
written_key(struct key *k, uint64_t table, struct str item)
{
	key_begin(k);
	key_add_raw(k, STR("W"));
	key_add_u64(k, table << 16);
	key_add_raw(k, item);
}

static bool
written_get(struct call *c, uint64_t table, struct str item, struct written *ret)
{
	struct key k;
	struct str v;
	written_key(&k, table, item);
	if (!tx_get(c->tx, ddb_rows(c), key_str(&k), &v) || v.len < sizeof(ret->at_ms))
		return false;
	memcpy(&ret->at_ms, v.p, sizeof(ret->at_ms));
	ret->region = str_slice(v, sizeof(ret->at_ms), v.len);
	return true;
}

static void
written_put(struct call *c, uint64_t table, struct str item, const struct written *w)
{
	struct key k;
	struct buf b = { 0 };
	written_key(&k, table, item);
	buf_add(&b, &w->at_ms, sizeof(w->at_ms));
	buf_add_str(&b, w->region);
	tx_put(c->tx, ddb_rows(c), key_str(&k), buf_str(&b));
	buf_done(&b);
}

bool
ddb_replicas_wrote(struct call *c, const struct ddb_table *t, struct str item)
{
	struct written w;
	return t->row.Replicas.n && written_get(c, t->id, item, &w);
}

/* ---- changes on their way */

void
ddb_replicas_note(
	struct call *c, const struct ddb_table *t, const struct ddb_val *item, struct str row_key)
{
	struct written before, now = { c->now_ms, c->region };
	struct buf image = { 0 }, b = { 0 };
	struct str tail = str_slice(row_key, PREFIX, row_key.len);
	if (!t->row.Replicas.n || str_is(c->who.user_id, PRINCIPAL))
		return;
	if (written_get(c, t->id, tail, &before) && before.at_ms >= now.at_ms)
		now.at_ms = before.at_ms + 1;
	written_put(c, t->id, tail, &now);
	if (item)
		ddb_row_write(
			&image, item, ddb_size(item), ddb_page_size(item, t->key.range));
	struct dynamodb_change_row row = { .Account = c->account,
		.Name = t->row.Name,
		.At = OPT_TIME(now.at_ms),
		.Origin = c->region,
		.Item = tail,
		.Image = image.len ? buf_str(&image) : STR_NULL };
	for (uint32_t i = 0; i < t->row.Replicas.n; i++) {
		row.Region = t->row.Replicas.v[i].Region;
		buf_clear(&b);
		row_encode(&dynamodb_change_row_shape, &row, &b);
		task_add(c->tx, "dynamodb.replicate", buf_str(&b), c->now_ms);
	}
	buf_done(&image);
	buf_done(&b);
}

static void
apply(struct call *c, const struct dynamodb_change_row *row)
{
	struct ddb_table t;
	struct written before, now = { row->At.ms, row->Origin };
	struct ddb_val old, item;
	struct str value;
	struct key k;
	if (!ddb_table_find(c, row->Name, &t) || !t.row.Replicas.n)
		return;
	if (written_get(c, t.id, row->Item, &before) &&
		(before.at_ms > now.at_ms ||
			(before.at_ms == now.at_ms && str_cmp(before.region, now.region) >= 0)))
		return;
	ddb_key_space(&k, t.id, 0);
	key_add_raw(&k, row->Item);
	bool had = tx_get(c->tx, ddb_rows(c), key_str(&k), &value) &&
		   ddb_row_read(c->arena, value, &old);
	bool has = row->Image.len && ddb_row_read(c->arena, row->Image, &item);
	if (had || has)
		ddb_item_store(c, &t, had ? &old : NULL, has ? &item : NULL, NULL);
	written_put(c, t.id, row->Item, &now);
}

static int
replicate_run(struct tx *tx, const struct task *task, void *arg)
{
	struct arena a;
	struct dynamodb_change_row row = { 0 };
	(void)arg;
	arena_init(&a);
	if (row_decode(&dynamodb_change_row_shape, task->payload, &a, &row)) {
		struct call c = { .arena = &a,
			.tx = tx,
			.store = the_store,
			.who = { .user_id = STR(PRINCIPAL) },
			.account = row.Account,
			.region = row.Region,
			.now_ms = task->due_ms };
		apply(&c, &row);
	}
	arena_done(&a);
	return 0;
}

void
ddb_replicas_register(struct store *s)
{
	static const struct task_kind kind = {
		.name = "dynamodb.replicate", .concurrency = 1, .run = replicate_run
	};
	the_store = s;
	tasks_register(&kind);
}

/* ---- the group */

static bool
has_replica(const struct ddb_table *t, struct str region)
{
	for (uint32_t i = 0; i < t->row.Replicas.n; i++)
		if (str_eq(t->row.Replicas.v[i].Region, region))
			return true;
	return false;
}

static void
add_replica(struct call *c, struct ddb_table *t, struct str region)
{
	uint32_t n = t->row.Replicas.n;
	struct dynamodb_replica_row *v = arena_array(c->arena, struct dynamodb_replica_row, n + 1);
	if (n)
		memcpy(v, t->row.Replicas.v, sizeof(*v) * n);
	v[n].Region = region;
	v[n].Since = OPT_TIME(c->now_ms);
	t->row.Replicas.v = v;
	t->row.Replicas.n = n + 1;
	t->row.Replicas.set = true;
}

static void
drop_replica(struct ddb_table *t, struct str region)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < t->row.Replicas.n; i++)
		if (!str_eq(t->row.Replicas.v[i].Region, region))
			t->row.Replicas.v[n++] = t->row.Replicas.v[i];
	t->row.Replicas.n = n;
}

struct call
ddb_elsewhere(const struct call *c, struct str region)
{
	struct call there = *c;
	there.region = region;
	return there;
}

/* Tells every other member about the region. */
static void
tell(struct call *c, const struct ddb_table *t, struct str region, bool joins)
{
	for (uint32_t i = 0; i < t->row.Replicas.n; i++) {
		struct ddb_table other;
		struct call there = ddb_elsewhere(c, t->row.Replicas.v[i].Region);
		if (str_eq(there.region, region) || !ddb_table_find(&there, t->row.Name, &other))
			continue;
		if (joins)
			add_replica(c, &other, region);
		else
			drop_replica(&other, region);
		ddb_table_save(&there, &other);
	}
}

void
ddb_replicas_leave(struct call *c, const struct ddb_table *t)
{
	tell(c, t, c->region, false);
}

static bool
is_region(struct str s)
{
	unsigned dashes = 0;
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '-')
			dashes++;
		else if (!(s.p[i] >= 'a' && s.p[i] <= 'z') && !(s.p[i] >= '0' && s.p[i] <= '9'))
			return false;
	}
	return dashes >= 2 && s.len < 32 && s.p[s.len - 1] >= '0' && s.p[s.len - 1] <= '9';
}

static int
check_join(struct call *c, const struct ddb_table *t,
	const struct dynamodb_create_replication_group_member_action *a)
{
	static const char invalid[] = "One or more parameter values were invalid: ";
	if (!is_region(a->RegionName))
		return ddb_fail(
			c, "%sThe region %.*s is not known", invalid, STR_FMT(a->RegionName));
	if (str_eq(a->RegionName, c->region) || has_replica(t, a->RegionName))
		return ddb_fail(c,
			"Failed to create a the new replica of table with name: '%.*s' because one or "
			"more replicas already existed as tables.",
			STR_FMT(t->row.Name));
	if (a->KMSMasterKeyId.p)
		return ddb_fail(
			c, "%sKMS keys of replicas are not offered by this Haneul", invalid);
	if (!t->row.Stream || !str_is(t->row.Stream->StreamViewType, "NEW_AND_OLD_IMAGES"))
		return ddb_fail(c,
			"%sA replica needs a stream with StreamViewType NEW_AND_OLD_IMAGES on the "
			"table",
			invalid);
	return 0;
}

/* A new replica is not told what another one had for itself. Filling it fills its indexes. */
static void
own_settings(struct call *c, struct ddb_table *replica)
{
	struct dynamodb_table_row *r = &replica->row;
	struct dynamodb_index_row *v =
		arena_array(c->arena, struct dynamodb_index_row, r->Indexes.n);
	r->ReadOverride = r->ClassOverride = r->MaxReadOverride = OPT_BOOL(false);
	for (uint32_t i = 0; i < r->Indexes.n; i++) {
		v[i] = r->Indexes.v[i];
		v[i].ReadOverride = OPT_BOOL(false);
		v[i].Status = STR("ACTIVE");
	}
	r->Indexes.v = v;
	ddb_table_resolve(c, replica);
}

static int
join(struct call *c, struct ddb_table *t,
	const struct dynamodb_create_replication_group_member_action *a)
{
	struct ddb_table replica;
	struct dynamodb_copy_row copy = { 0 };
	struct call there = ddb_elsewhere(c, a->RegionName);
	if (check_join(c, t, a) || call_authorize(&there, "dynamodb:CreateTableReplica",
					   ddb_table_arn(&there, t->row.Name), STR_NULL)) {
		c->error = c->error ? c->error : there.error;
		c->error_message = c->error_message.p ? c->error_message : there.error_message;
		return CALL_FAILED;
	}
	if (ddb_table_find(&there, t->row.Name, &replica))
		return ddb_fail(c,
			"Failed to create a the new replica of table with name: '%.*s' because one or "
			"more replicas already existed as tables.",
			STR_FMT(t->row.Name));
	replica = *t;
	replica.row.Id = OPT_I64((int64_t)ddb_next_id(c));
	replica.row.Uuid = call_uuid(c);
	replica.row.Created = OPT_TIME(c->now_ms);
	replica.row.Status = STR("CREATING");
	replica.row.Pitr = OPT_BOOL(false);
	replica.row.Copies.n = replica.row.Tags.n = 0;
	replica.row.Policy = replica.row.PolicyRevision = STR_NULL;
	replica.row.Replicas.n = 0;
	replica.row.Protected = OPT_BOOL(false);
	own_settings(c, &replica);
	const struct dynamodb_update_replication_group_member_action own = {
		.ProvisionedThroughputOverride = a->ProvisionedThroughputOverride,
		.OnDemandThroughputOverride = a->OnDemandThroughputOverride,
		.GlobalSecondaryIndexes = a->GlobalSecondaryIndexes,
		.TableClassOverride = a->TableClassOverride
	};
	if (ddb_replica_override(c, &replica, &own))
		return CALL_FAILED;
	add_replica(c, &replica, c->region);
	for (uint32_t i = 0; i < t->row.Replicas.n; i++)
		add_replica(c, &replica, t->row.Replicas.v[i].Region);
	ddb_table_resolve(c, &replica);
	replica.row.StreamId = OPT_I64((int64_t)ddb_next_id(c));
	ddb_stream_open(&there, &replica);
	ddb_table_save(&there, &replica);
	tell(c, t, a->RegionName, true);
	add_replica(c, t, a->RegionName);
	copy.Target = t->row.Name;
	copy.TargetId = replica.row.Id;
	copy.TargetRegion = a->RegionName;
	ddb_copy_begin(c, t, 0, &copy);
	return 0;
}

static int
leave(struct call *c, struct ddb_table *t, struct str region)
{
	struct ddb_table replica;
	struct call there = ddb_elsewhere(c, region);
	if (!has_replica(t, region))
		return ddb_fail(c, no_replica, STR_FMT(region));
	if (ddb_table_find(&there, t->row.Name, &replica)) {
		if (replica.row.Status.len)
			return call_fail(c, &DYNAMODB_ResourceInUseException,
				"Attempt to change a resource which is still in use: the replica is "
				"being created");
		ddb_table_remove(&there, &replica);
		ddb_stream_close(&there, &replica);
		if (replica.row.Pitr.v)
			ddb_log_close(c, replica.id);
		if (!ddb_is_copied(c->tx, c->store, replica.id))
			ddb_purge_later(c->tx, replica.id, -1, c->now_ms);
	}
	tell(c, t, region, false);
	drop_replica(t, region);
	ddb_table_save(c, t);
	return 0;
}

static int
change(struct call *c, struct ddb_table *t,
	const struct dynamodb_update_replication_group_member_action *a)
{
	struct ddb_table other;
	struct call there = ddb_elsewhere(c, a->RegionName);
	if (str_eq(a->RegionName, c->region)) {
		if (ddb_replica_override(c, t, a))
			return CALL_FAILED;
		ddb_table_save(c, t);
		return CALL_OK;
	}
	if (!has_replica(t, a->RegionName) || !ddb_table_find(&there, t->row.Name, &other))
		return ddb_fail(c, no_replica, STR_FMT(a->RegionName));
	if (ddb_replica_override(c, &other, a))
		return CALL_FAILED;
	ddb_table_save(&there, &other);
	return CALL_OK;
}

int
ddb_replicas_update(struct call *c, struct ddb_table *t,
	const struct dynamodb_replication_group_update_list *updates)
{
	for (uint32_t i = 0; i < updates->n; i++) {
		const struct dynamodb_replication_group_update *u = &updates->v[i];
		if ((u->Create != NULL) + (u->Delete != NULL) + (u->Update != NULL) != 1)
			return ddb_fail(c,
				"One or more parameter values were invalid: One of "
				"ReplicationGroupUpdate.Create, Update and Delete must be "
				"given");
		if (u->Create       ? join(c, t, u->Create)
			: u->Update ? change(c, t, u->Update)
				    : leave(c, t, u->Delete->RegionName))
			return CALL_FAILED;
	}
	return 0;
}

static void
describe_overrides(
	struct call *c, const struct ddb_table *t, struct dynamodb_replica_description *r)
{
	if (t->row.ReadOverride.v) {
		r->ProvisionedThroughputOverride =
			arena_new(c->arena, struct dynamodb_provisioned_throughput_override);
		r->ProvisionedThroughputOverride->ReadCapacityUnits = t->row.Read;
	}
	if (t->row.MaxReadOverride.v) {
		r->OnDemandThroughputOverride =
			arena_new(c->arena, struct dynamodb_on_demand_throughput_override);
		r->OnDemandThroughputOverride->MaxReadRequestUnits =
			t->row.OnDemand->MaxReadRequestUnits;
	}
	if (t->row.Class.p) {
		r->ReplicaTableClassSummary =
			arena_new(c->arena, struct dynamodb_table_class_summary);
		r->ReplicaTableClassSummary->TableClass = t->row.Class;
		r->ReplicaTableClassSummary->LastUpdateDateTime = t->row.ClassSince;
	}
	r->GlobalSecondaryIndexes.v = arena_array(
		c->arena, struct dynamodb_replica_global_secondary_index_description, t->indexes_n);
	for (uint32_t i = 0; i < t->indexes_n; i++) {
		const struct dynamodb_index_row *x = t->indexes[i].row;
		if (!t->indexes[i].global)
			continue;
		struct dynamodb_replica_global_secondary_index_description *d =
			&r->GlobalSecondaryIndexes.v[r->GlobalSecondaryIndexes.n++];
		*d = (struct dynamodb_replica_global_secondary_index_description){
			.IndexName = x->Name
		};
		if (!x->ReadOverride.v)
			continue;
		d->ProvisionedThroughputOverride =
			arena_new(c->arena, struct dynamodb_provisioned_throughput_override);
		d->ProvisionedThroughputOverride->ReadCapacityUnits = x->Read;
	}
	r->GlobalSecondaryIndexes.set = r->GlobalSecondaryIndexes.n > 0;
}

void
ddb_replicas_describe(
	struct call *c, const struct ddb_table *t, struct dynamodb_table_description *d)
{
	uint32_t n = t->row.Replicas.n;
	if (!n)
		return;
	d->GlobalTableVersion = STR("2019.11.21");
	d->Replicas.v = arena_array(c->arena, struct dynamodb_replica_description, n);
	d->Replicas.n = n;
	d->Replicas.set = true;
	for (uint32_t i = 0; i < n; i++) {
		struct ddb_table other;
		struct dynamodb_replica_description *r = &d->Replicas.v[i];
		struct call there = ddb_elsewhere(c, t->row.Replicas.v[i].Region);
		r->RegionName = there.region;
		r->ReplicaStatus = STR("ACTIVE");
		if (!ddb_table_find(&there, t->row.Name, &other))
			continue;
		r->ReplicaArn = ddb_table_arn(&there, t->row.Name);
		if (other.row.Status.len)
			r->ReplicaStatus = other.row.Status;
		describe_overrides(c, &other, r);
	}
}
