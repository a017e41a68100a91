/*
 * Settings of global tables. Replicas share the capacity mode, write capacity, indexes, time to
 * live, encryption, warm and on-demand throughput; read capacity and the table class too, unless a
 * replica was given its own. Tags, policies, protection and recovery stay each region's.
 */
#include "svc/dynamodb/replicas.h"
#include "svc/dynamodb/tasks.h"

static const char invalid[] = "One or more parameter values were invalid: ";

static bool
is_shared(const struct dynamodb_update_table_in *in)
{
	return in->ProvisionedThroughput || in->BillingMode.p ||
	       in->GlobalSecondaryIndexUpdates.n || in->SSESpecification || in->TableClass.p ||
	       in->OnDemandThroughput || in->WarmThroughput;
}

int
ddb_replicas_follow(
	struct call *c, const struct ddb_table *t, const struct dynamodb_update_table_in *in)
{
	for (uint32_t i = 0; is_shared(in) && i < t->row.Replicas.n; i++) {
		struct ddb_table other;
		struct call there = ddb_elsewhere(c, t->row.Replicas.v[i].Region);
		if (!ddb_table_find(&there, t->row.Name, &other))
			continue;
		if (other.row.Status.len)
			return call_fail(c, &DYNAMODB_ResourceInUseException,
				"Attempt to change a resource which is still in use: the replica in "
				"%.*s is being created",
				STR_FMT(there.region));
		if (ddb_update_follow(&there, in, &other)) {
			c->error = there.error;
			c->error_message = there.error_message;
			return CALL_FAILED;
		}
	}
	return CALL_OK;
}

void
ddb_replicas_follow_ttl(struct call *c, const struct ddb_table *t)
{
	for (uint32_t i = 0; i < t->row.Replicas.n; i++) {
		struct ddb_table other;
		struct call there = ddb_elsewhere(c, t->row.Replicas.v[i].Region);
		if (!ddb_table_find(&there, t->row.Name, &other))
			continue;
		other.row.TtlAttribute = t->row.TtlAttribute;
		other.row.TtlSince = t->row.TtlSince;
		ddb_table_save(&there, &other);
		if (t->row.TtlAttribute.len)
			ddb_backfill_later(&there, &other, 0);
	}
}

static int
override_index(struct call *c, struct ddb_table *t,
	const struct dynamodb_replica_global_secondary_index *g)
{
	struct ddb_index *x = ddb_index_find(t, g->IndexName);
	if (!x || !x->global)
		return ddb_fail(c, "%sThe table does not have the specified index: %.*s", invalid,
			STR_FMT(g->IndexName));
	if (g->ProvisionedThroughputOverride) {
		x->row->Read = g->ProvisionedThroughputOverride->ReadCapacityUnits;
		x->row->ReadOverride = OPT_BOOL(true);
	}
	return 0;
}

int
ddb_replica_override(struct call *c, struct ddb_table *replica,
	const struct dynamodb_update_replication_group_member_action *a)
{
	struct dynamodb_table_row *r = &replica->row;
	bool provisioned = a->ProvisionedThroughputOverride != NULL;
	for (uint32_t i = 0; i < a->GlobalSecondaryIndexes.n; i++)
		provisioned |= a->GlobalSecondaryIndexes.v[i].ProvisionedThroughputOverride != NULL;
	if (a->KMSMasterKeyId.p)
		return ddb_fail(
			c, "%sKMS keys of replicas are not offered by this Haneul", invalid);
	if (provisioned && r->OnDemandMode.v)
		return ddb_fail(c,
			"%sProvisionedThroughputOverride cannot be specified when BillingMode is "
			"PAY_PER_REQUEST",
			invalid);
	if (a->ProvisionedThroughputOverride) {
		r->Read = a->ProvisionedThroughputOverride->ReadCapacityUnits;
		r->ReadOverride = OPT_BOOL(true);
	}
	if (a->OnDemandThroughputOverride) {
		struct dynamodb_on_demand_throughput *o =
			arena_new(c->arena, struct dynamodb_on_demand_throughput);
		if (r->OnDemand)
			*o = *r->OnDemand;
		o->MaxReadRequestUnits = a->OnDemandThroughputOverride->MaxReadRequestUnits;
		r->OnDemand = o;
		r->MaxReadOverride = OPT_BOOL(true);
	}
	if (a->TableClassOverride.p) {
		r->Class = a->TableClassOverride;
		r->ClassSince = OPT_TIME(c->now_ms);
		r->ClassOverride = OPT_BOOL(true);
	}
	for (uint32_t i = 0; i < a->GlobalSecondaryIndexes.n; i++)
		if (override_index(c, replica, &a->GlobalSecondaryIndexes.v[i]))
			return CALL_FAILED;
	return CALL_OK;
}
