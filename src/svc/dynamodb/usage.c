/*
 * Metering, by region and table class, under AWS's names: what tables hold and what is provisioned
 * as amounts, request units of on-demand tables as counts (reads in halves: an eventually
 * consistent one is half a unit).
 */
#include "aws/metering.h"
#include "svc/dynamodb/capacity.h"

static struct metering_key
key_of(struct call *c, const struct dynamodb_table_row *r, const char *kind)
{
	bool rare = str_is(r->Class, "STANDARD_INFREQUENT_ACCESS");
	return (struct metering_key){ c->account, STR("dynamodb"), c->region,
		arena_printf(c->arena, "%s%s", rare ? "IA-" : "", kind) };
}

static void
amount(struct call *c, const struct dynamodb_table_row *r, const char *kind, int64_t bytes,
	int64_t things)
{
	struct metering_key k = key_of(c, r, kind);
	if (bytes || things)
		metering_gauge(c->tx, c->store, &k, bytes, things, c->now_ms);
}

void
ddb_usage_stored(struct call *c, const struct ddb_table *t, int64_t items, int64_t bytes)
{
	amount(c, &t->row, "TimedStorage-ByteHrs", bytes, items);
}

struct provisioned {
	int64_t read, write;
};

static struct provisioned
provisioned_of(const struct dynamodb_table_row *r)
{
	struct provisioned p = { 0 };
	if (!r || r->OnDemandMode.v)
		return p;
	p = (struct provisioned){ r->Read.v, r->Write.v };
	for (uint32_t i = 0; i < r->Indexes.n; i++) {
		p.read += r->Indexes.v[i].Read.v;
		p.write += r->Indexes.v[i].Write.v;
	}
	return p;
}

/* What the table holds, with the indexes of this row of it. */
static struct ddb_count
stored_of(struct call *c, const struct dynamodb_table_row *r)
{
	uint64_t id = (uint64_t)r->Id.v;
	struct ddb_count n = ddb_count_get(c->tx, ddb_rows(c), id, 0);
	for (uint32_t i = 0; i < r->Indexes.n; i++)
		n.bytes +=
			ddb_count_get(c->tx, ddb_rows(c), id, (uint32_t)r->Indexes.v[i].Id.v).bytes;
	return n;
}

static void
settings_add(struct call *c, const struct dynamodb_table_row *r, int sign)
{
	struct provisioned p = provisioned_of(r);
	struct ddb_count n = stored_of(c, r);
	amount(c, r, "ReadCapacityUnit-Hrs", sign * p.read, 0);
	amount(c, r, "WriteCapacityUnit-Hrs", sign * p.write, 0);
	amount(c, r, "TimedStorage-ByteHrs", sign * (int64_t)n.bytes, sign * (int64_t)n.items);
}

void
ddb_usage_settings(struct call *c, const struct dynamodb_table_row *before,
	const struct dynamodb_table_row *after)
{
	if (before)
		settings_add(c, before, -1);
	if (after)
		settings_add(c, after, 1);
}

void
ddb_usage_spent(struct call *c, const struct ddb_table *t, double units, bool write)
{
	struct metering_key k =
		key_of(c, &t->row, write ? "WriteRequestUnits" : "ReadRequestHalfUnits");
	uint64_t n = (uint64_t)(write ? units : units * 2);
	if (n)
		metering_count(c->store, &k, n, c->now_ms);
}
