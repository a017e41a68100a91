#include "svc/dynamodb/capacity.h"
#include "base/map.h"

#include <pthread.h>
#include <stdlib.h>

double
ddb_write_units(uint32_t size_bytes)
{
	uint32_t units = (size_bytes + 1023) / 1024;
	return units ? units : 1;
}

double
ddb_read_units(uint64_t size_bytes, bool consistent)
{
	uint64_t units = (size_bytes + 4095) / 4096;
	return (double)units * (consistent ? 1 : 0.5);
}

static struct dynamodb_capacity
capacity(const struct ddb_spent *s, double units)
{
	struct dynamodb_capacity k = { .CapacityUnits = { units, true } };
	if (s->reads)
		k.ReadCapacityUnits = (struct opt_f64){ units, true };
	if (s->writes)
		k.WriteCapacityUnits = (struct opt_f64){ units, true };
	return k;
}

static void
add_index(struct call *c, struct dynamodb_capacity_map *m, const struct ddb_table *t, uint32_t i,
	const struct ddb_spent *s)
{
	if (!m->set)
		m->v = arena_array(c->arena, struct dynamodb_capacity_map_entry, t->indexes_n);
	m->set = true;
	m->v[m->n].key = t->indexes[i].row->Name;
	m->v[m->n++].value = capacity(s, s->indexes[i]);
}

struct dynamodb_consumed_capacity *
ddb_consumed(struct call *c, struct str mode, const struct ddb_table *t, const struct ddb_spent *s)
{
	double all = s->table;
	if (!mode.p || str_is(mode, "NONE"))
		return NULL;
	struct dynamodb_consumed_capacity *k =
		arena_new(c->arena, struct dynamodb_consumed_capacity);
	for (uint32_t i = 0; i < t->indexes_n && i < 32; i++)
		all += s->indexes[i];
	struct dynamodb_capacity total = capacity(s, all);
	k->TableName = t->row.Name;
	k->CapacityUnits = total.CapacityUnits;
	k->ReadCapacityUnits = total.ReadCapacityUnits;
	k->WriteCapacityUnits = total.WriteCapacityUnits;
	if (!str_is(mode, "INDEXES"))
		return k;
	k->Table = arena_new(c->arena, struct dynamodb_capacity);
	*k->Table = capacity(s, s->table);
	for (uint32_t i = 0; i < t->indexes_n && i < 32; i++)
		if (s->indexes[i] > 0)
			add_index(c,
				t->indexes[i].global ? &k->GlobalSecondaryIndexes
						     : &k->LocalSecondaryIndexes,
				t, i, s);
	return k;
}

/* ---- buckets */

struct bucket {
	double tokens;
	int64_t rate;
	int64_t at_ms;
};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct map_u64 buckets;

static struct bucket *
bucket_of(uint64_t key, int64_t rate, int64_t now_ms)
{
	struct bucket *b = map_u64_get(&buckets, key);
	if (!b) {
		b = calloc(1, sizeof(*b));
		if (!b)
			abort();
		*b = (struct bucket){ (double)rate * DDB_BURST_SECONDS, rate, now_ms };
		map_u64_put(&buckets, key, b);
	}
	if (now_ms > b->at_ms) {
		b->tokens += (double)(now_ms - b->at_ms) / 1000 * (double)rate;
		b->at_ms = now_ms;
	}
	b->rate = rate;
	if (b->tokens > (double)rate * DDB_BURST_SECONDS)
		b->tokens = (double)rate * DDB_BURST_SECONDS;
	return b;
}

static bool
take(uint64_t table, uint32_t index, bool write, int64_t rate, double units, int64_t now_ms)
{
	uint64_t key = (table << 16 | index) << 1 | write;
	pthread_mutex_lock(&lock);
	struct bucket *b = bucket_of(key, rate, now_ms);
	bool ok = b->tokens > 0;
	if (ok)
		b->tokens -= units;
	pthread_mutex_unlock(&lock);
	return ok;
}

int
ddb_capacity_exceeded(struct call *c, const struct ddb_table *t, bool index)
{
	if (t->row.OnDemandMode.v)
		return call_fail(c, &DYNAMODB_ThrottlingException,
			"Throughput exceeds the maximum OnDemandThroughput configured on table or "
			"index");
	return call_fail(c, &DYNAMODB_ProvisionedThroughputExceededException,
		"The level of configured provisioned throughput for %s was exceeded. Consider "
		"increasing your "
		"provisioning level with the UpdateTable API.",
		index ? "one or more global secondary indexes of the table" : "the table");
}

/* Units a second of a table (x NULL) or a global index; -1: no limit. */
static int64_t
rate_of(const struct ddb_table *t, const struct ddb_index *x, bool write)
{
	const struct dynamodb_on_demand_throughput *most = x ? x->row->OnDemand : t->row.OnDemand;
	if (!t->row.OnDemandMode.v && x)
		return write ? x->row->Write.v : x->row->Read.v;
	if (!t->row.OnDemandMode.v)
		return write ? t->row.Write.v : t->row.Read.v;
	int64_t rate = !most   ? 0
		       : write ? most->MaxWriteRequestUnits.v
			       : most->MaxReadRequestUnits.v;
	return rate > 0 ? rate : -1;
}

int
ddb_charge(struct call *c, const struct ddb_table *t, const struct ddb_spent *s, bool write)
{
	double own = s->table, global = 0;
	for (uint32_t i = 0; i < t->indexes_n && i < 32; i++)
		*(t->indexes[i].global ? &global : &own) += s->indexes[i];
	if (t->row.OnDemandMode.v)
		ddb_usage_spent(c, t, own + global, write);
	int64_t rate = rate_of(t, NULL, write);
	if (rate >= 0 && own > 0 && !take(t->id, 0, write, rate, own, c->now_ms))
		return ddb_capacity_exceeded(c, t, false);
	for (uint32_t i = 0; global > 0 && i < t->indexes_n && i < 32; i++) {
		const struct ddb_index *x = &t->indexes[i];
		rate = x->global && s->indexes[i] > 0 ? rate_of(t, x, write) : -1;
		if (rate >= 0 && !take(t->id, x->id, write, rate, s->indexes[i], c->now_ms))
			return ddb_capacity_exceeded(c, t, true);
	}
	return 0;
}

bool
ddb_has_capacity(struct call *c, const struct ddb_table *t, bool write)
{
	int64_t rate = rate_of(t, NULL, write);
	return rate < 0 || take(t->id, 0, write, rate, 0, c->now_ms);
}
