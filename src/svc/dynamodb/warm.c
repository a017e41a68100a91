/* Warm throughput: what a table or index takes at once. It only grows: with what is provisioned, by
 * the start of on-demand mode, and on request. */
#include "svc/dynamodb/tasks.h"

#define ON_DEMAND_READ 12000
#define ON_DEMAND_WRITE 4000

static int64_t
greater(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static struct dynamodb_warm_throughput
units(int64_t read, int64_t write)
{
	return (struct dynamodb_warm_throughput){ .ReadUnitsPerSecond = OPT_I64(read),
		.WriteUnitsPerSecond = OPT_I64(write) };
}

static struct dynamodb_warm_throughput
warm_of(bool on_demand, int64_t read, int64_t write, const struct dynamodb_warm_throughput *asked)
{
	read = on_demand ? ON_DEMAND_READ : read;
	write = on_demand ? ON_DEMAND_WRITE : write;
	return units(asked ? greater(read, asked->ReadUnitsPerSecond.v) : read,
		asked ? greater(write, asked->WriteUnitsPerSecond.v) : write);
}

struct dynamodb_warm_throughput *
ddb_warm_raise(struct call *c, const struct dynamodb_warm_throughput *before,
	const struct dynamodb_warm_throughput *asked)
{
	struct dynamodb_warm_throughput *w = arena_new(c->arena, struct dynamodb_warm_throughput);
	*w = warm_of(false, before ? before->ReadUnitsPerSecond.v : 0,
		before ? before->WriteUnitsPerSecond.v : 0, asked);
	return w;
}

struct dynamodb_warm_throughput
ddb_warm_table(const struct dynamodb_table_row *r)
{
	return warm_of(r->OnDemandMode.v, r->Read.v, r->Write.v, r->Warm);
}

struct dynamodb_warm_throughput
ddb_warm_index(const struct dynamodb_table_row *r, const struct dynamodb_index_row *x)
{
	return warm_of(r->OnDemandMode.v, x->Read.v, x->Write.v, x->Warm);
}

void
ddb_warm_keep(struct call *c, struct ddb_table *t)
{
	struct dynamodb_warm_throughput now = ddb_warm_table(&t->row);
	t->row.Warm = ddb_warm_raise(c, NULL, &now);
	for (uint32_t i = 0; i < t->indexes_n; i++) {
		if (!t->indexes[i].global)
			continue;
		now = ddb_warm_index(&t->row, t->indexes[i].row);
		t->indexes[i].row->Warm = ddb_warm_raise(c, NULL, &now);
	}
}

int
ddb_warm_check(struct call *c, struct dynamodb_warm_throughput now,
	const struct dynamodb_warm_throughput *asked, const char *what)
{
	bool read = asked && asked->ReadUnitsPerSecond.set &&
		    asked->ReadUnitsPerSecond.v < now.ReadUnitsPerSecond.v;
	bool write = asked && asked->WriteUnitsPerSecond.set &&
		     asked->WriteUnitsPerSecond.v < now.WriteUnitsPerSecond.v;
	if (!read && !write)
		return CALL_OK;
	return ddb_fail(c,
		"One or more parameter values were invalid: Requested %sUnitsPerSecond for "
		"WarmThroughput for %s is lower than current WarmThroughput, decreasing "
		"WarmThroughput is not supported",
		read ? "Read" : "Write", what);
}
