/* Small control operations: streams' switch (their records are of stream_log.c), endpoints, limits.
 */
#include "svc/dynamodb/stream_log.h"
#include "svc/dynamodb/tasks.h"

int
ddb_stream_set(struct call *c, struct ddb_table *t, struct dynamodb_stream_specification *s)
{
	if (!s)
		return 0;
	if (!s->StreamEnabled.v) {
		if (s->StreamViewType.p)
			return ddb_fail(c, "One or more parameter values were invalid: "
					   "StreamViewType cannot be specified when "
					   "StreamEnabled is false");
		ddb_stream_close(c, t);
		t->row.Stream = NULL;
		return 0;
	}
	if (!s->StreamViewType.p)
		return ddb_fail(c, "One or more parameter values were invalid: StreamViewType must "
				   "be specified when "
				   "StreamEnabled is true");
	t->row.Stream = s;
	t->row.StreamId = OPT_I64((int64_t)ddb_next_id(c));
	ddb_stream_open(c, t);
	return 0;
}

int
dynamodb_describe_endpoints(struct call *c, const struct dynamodb_describe_endpoints_in *in,
	struct dynamodb_describe_endpoints_out *out)
{
	(void)in;
	out->Endpoints.v = arena_new(c->arena, struct dynamodb_endpoint);
	out->Endpoints.n = 1;
	out->Endpoints.set = true;
	out->Endpoints.v[0].Address =
		c->host.len
			? c->host
			: arena_printf(c->arena, "dynamodb.%.*s.amazonaws.com", STR_FMT(c->region));
	out->Endpoints.v[0].CachePeriodInMinutes = OPT_I64(1440);
	return CALL_OK;
}

int
dynamodb_describe_limits(struct call *c, const struct dynamodb_describe_limits_in *in,
	struct dynamodb_describe_limits_out *out)
{
	(void)c;
	(void)in;
	out->AccountMaxReadCapacityUnits = OPT_I64(80000);
	out->AccountMaxWriteCapacityUnits = OPT_I64(80000);
	out->TableMaxReadCapacityUnits = OPT_I64(40000);
	out->TableMaxWriteCapacityUnits = OPT_I64(40000);
	return CALL_OK;
}
