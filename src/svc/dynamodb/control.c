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

/* ---- what needs services that are not here: refused, with what is missing */

int
dynamodb_describe_kinesis_streaming_destination(struct call *c,
	const struct dynamodb_describe_kinesis_streaming_destination_in *in,
	struct dynamodb_describe_kinesis_streaming_destination_out *out)
{
	struct ddb_table t;
	if (ddb_table_open(c, in->TableName, true, &t))
		return CALL_FAILED;
	out->TableName = t.row.Name;
	out->KinesisDataStreamDestinations.set = true; /* none can be made */
	return CALL_OK;
}

static int
no_kinesis(struct call *c, struct str table, struct str stream)
{
	struct ddb_table t;
	if (ddb_table_open(c, table, true, &t))
		return CALL_FAILED;
	return call_fail(c, &DYNAMODB_ResourceNotFoundException,
		"Requested resource not found: %.*s: this Haneul has no Kinesis Data Streams. "
		"DynamoDB Streams bring the same changes (UpdateTable with StreamSpecification).",
		STR_FMT(stream));
}

int
dynamodb_enable_kinesis_streaming_destination(struct call *c,
	const struct dynamodb_enable_kinesis_streaming_destination_in *in,
	struct dynamodb_enable_kinesis_streaming_destination_out *out)
{
	(void)out;
	return no_kinesis(c, in->TableName, in->StreamArn);
}

int
dynamodb_disable_kinesis_streaming_destination(struct call *c,
	const struct dynamodb_disable_kinesis_streaming_destination_in *in,
	struct dynamodb_disable_kinesis_streaming_destination_out *out)
{
	(void)out;
	return no_kinesis(c, in->TableName, in->StreamArn);
}

int
dynamodb_update_kinesis_streaming_destination(struct call *c,
	const struct dynamodb_update_kinesis_streaming_destination_in *in,
	struct dynamodb_update_kinesis_streaming_destination_out *out)
{
	(void)out;
	return no_kinesis(c, in->TableName, in->StreamArn);
}

static int
open_index(struct call *c, struct str table, struct str index, struct ddb_table *t)
{
	if (ddb_table_open(c, table, true, t))
		return CALL_FAILED;
	if (!index.p || ddb_index_find(t, index))
		return 0;
	return call_fail(c, &DYNAMODB_ResourceNotFoundException,
		"Requested resource not found: Index: %.*s not found", STR_FMT(index));
}

int
dynamodb_describe_contributor_insights(struct call *c,
	const struct dynamodb_describe_contributor_insights_in *in,
	struct dynamodb_describe_contributor_insights_out *out)
{
	struct ddb_table t;
	if (open_index(c, in->TableName, in->IndexName, &t))
		return CALL_FAILED;
	out->TableName = t.row.Name;
	out->IndexName = in->IndexName;
	out->ContributorInsightsStatus = STR("DISABLED");
	return CALL_OK;
}

int
dynamodb_list_contributor_insights(struct call *c,
	const struct dynamodb_list_contributor_insights_in *in,
	struct dynamodb_list_contributor_insights_out *out)
{
	struct ddb_table t;
	if (in->TableName.p && ddb_table_open(c, in->TableName, true, &t))
		return CALL_FAILED;
	out->ContributorInsightsSummaries.set = true;
	return CALL_OK;
}

int
dynamodb_update_contributor_insights(struct call *c,
	const struct dynamodb_update_contributor_insights_in *in,
	struct dynamodb_update_contributor_insights_out *out)
{
	struct ddb_table t;
	if (open_index(c, in->TableName, in->IndexName, &t))
		return CALL_FAILED;
	if (str_is(in->ContributorInsightsAction, "ENABLE"))
		return ddb_fail(c, "Contributor insights cannot be enabled: their graphs are read "
				   "through CloudWatch, which this Haneul does not have yet");
	out->TableName = t.row.Name;
	out->IndexName = in->IndexName;
	out->ContributorInsightsStatus = STR("DISABLED");
	return CALL_OK;
}
