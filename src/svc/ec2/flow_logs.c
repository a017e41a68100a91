/* Flow logs: of a network, a subnet or an interface, to a bucket. */
#include "svc/ec2/flow_logs.h"

#include "svc/ec2/interfaces.h"
#include "svc/s3/s3.h"

static const struct ec2_filter_rule filters[] = { { .name = "deliver-log-status",
							  .path = "DeliverLogsStatus" },
	{ .name = "log-destination-type", .path = "LogDestinationType" },
	{ .name = "flow-log-id", .path = "FlowLogId" },
	{ .name = "log-group-name", .path = "LogGroupName" },
	{ .name = "resource-id", .path = "ResourceId" },
	{ .name = "traffic-type", .path = "TrafficType" }, { NULL } };

const struct ec2_kind ec2_flow_log_kind = { .type = "vpc-flow-log",
	.prefix = "fl-",
	.row = &ec2_flow_log_row_shape,
	.unknown = &EC2_InvalidFlowLogId_NotFound,
	.unknown_text = "The flow log ID '%.*s' does not exist",
	.malformed = &EC2_InvalidFlowLogId_Malformed,
	.filters = filters };
EC2_KIND(ec2_flow_log_kind);

static int
destination_check(struct call *c, const struct ec2_create_flow_logs_in *in)
{
	struct s3_bucket_row b;
	struct str bucket = in->LogDestination;
	if (!str_is(in->LogDestinationType, "s3"))
		return call_fail(c, &EC2_UnsupportedOperation,
			"Flow logs are delivered to S3 here (LogDestinationType s3): CloudWatch Logs "
			"and Firehose are not there yet.");
	if (!str_starts(bucket, STR("arn:aws:s3:::")))
		return call_fail(c, &EC2_InvalidParameter,
			"LogDestination must be the ARN of an S3 bucket.");
	bucket = str_slice(bucket, 13, bucket.len);
	if (!s3_bucket_find(c, str_cut(&bucket, '/'), &b))
		return call_fail(c, &EC2_InvalidParameter,
			"LogDestination %.*s is a bucket that does not exist.",
			STR_FMT(in->LogDestination));
	/* AWS lets the owner of the bucket pass, and asks its policy for others. */
	if (!str_eq(b.Owner, c->account))
		return call_fail(c, &EC2_UnsupportedOperation,
			"Logs are delivered to buckets of the same account only.");
	return CALL_OK;
}

static int
ask_check(struct call *c, const struct ec2_create_flow_logs_in *in)
{
	struct str field;
	bool interface = str_is(in->ResourceType, "NetworkInterface");
	if (!interface && !str_is(in->ResourceType, "VPC") && !str_is(in->ResourceType, "Subnet"))
		return call_fail(c, &EC2_UnsupportedOperation,
			"Flow logs of the type %.*s are not there: VPC, Subnet and NetworkInterface "
			"are.",
			STR_FMT(in->ResourceType));
	if (!in->TrafficType.len)
		return ec2_missing(c, "TrafficType");
	if (in->MaxAggregationInterval.set && in->MaxAggregationInterval.v != 60 &&
		in->MaxAggregationInterval.v != 600)
		return call_fail(c, &EC2_InvalidParameter,
			"MaxAggregationInterval is 60 or 600.");
	if (in->DestinationOptions && (str_is(in->DestinationOptions->FileFormat, "parquet") ||
					      in->DestinationOptions->HiveCompatiblePartitions.v ||
					      in->DestinationOptions->PerHourPartition.v))
		return call_fail(c, &EC2_UnsupportedOperation,
			"Records are written as plain text, one folder for a day.");
	if (in->TagFieldSpecifications.n)
		return call_fail(
			c, &EC2_UnsupportedOperation, "Records have no fields of tags.");
	if (in->LogFormat.len && !ec2_flow_format_ok(in->LogFormat, &field))
		return call_fail(c, &EC2_InvalidParameter,
			"Unknown or unavailable field in LogFormat: %.*s", STR_FMT(field));
	return destination_check(c, in);
}

static bool
same_log(const void *row, struct str resource_and_destination)
{
	const struct ec2_flow_log *l = ((const struct ec2_flow_log_row *)row)->FlowLog;
	struct str rest = resource_and_destination, resource = str_cut(&rest, '|');
	return str_eq(l->ResourceId, resource) && str_eq(l->LogDestination, rest);
}

static int
log_make(struct call *c, const struct ec2_create_flow_logs_in *in, struct str resource,
	struct ec2_create_flow_logs_out *out)
{
	const struct ec2_kind *k = str_is(in->ResourceType, "VPC")	? &ec2_vpc_kind
				   : str_is(in->ResourceType, "Subnet") ? &ec2_subnet_kind
									: &ec2_interface_kind;
	struct ec2_flow_log *l = arena_new(c->arena, struct ec2_flow_log);
	struct ec2_flow_log_row row = { .FlowLog = l };
	if (!ec2_need(c, k, resource))
		return CALL_FAILED;
	if (ec2_find(c, &ec2_flow_log_kind, same_log,
		    arena_printf(c->arena, "%.*s|%.*s", STR_FMT(resource),
			    STR_FMT(in->LogDestination)),
		    NULL))
		return call_fail(c, &EC2_FlowLogAlreadyExists,
			"Error. There is an existing Flow Log with the same configuration and log "
			"destination.");
	*l = (struct ec2_flow_log){ .CreationTime = OPT_TIME(c->now_ms),
		.DeliverLogsStatus = STR("SUCCESS"),
		.FlowLogId = ec2_new_id(c, &ec2_flow_log_kind),
		.FlowLogStatus = STR("ACTIVE"),
		.ResourceId = resource,
		.TrafficType = in->TrafficType,
		.LogDestinationType = STR("s3"),
		.LogDestination = in->LogDestination,
		.LogFormat = in->LogFormat.len ? in->LogFormat : STR(EC2_FLOW_FORMAT),
		.MaxAggregationInterval = OPT_I64(
			in->MaxAggregationInterval.set ? in->MaxAggregationInterval.v : 600) };
	ec2_put(c, &ec2_flow_log_kind, l->FlowLogId, &row);
	if (ec2_tags_create(c, &ec2_flow_log_kind, l->FlowLogId, &in->TagSpecifications) != CALL_OK)
		return CALL_FAILED;
	ec2_flow_log_schedule(c, l);
	*(struct str *)ec2_list_add(c->arena, &out->FlowLogIds) = l->FlowLogId;
	return CALL_OK;
}

static void
mark_networks(struct call *c)
{
	struct ec2_walk w;
	ec2_walk_begin(&w, c, &ec2_vpc_kind);
	while (ec2_walk_next(&w))
		ec2_network_mark(c->tx, c->region, c->account, w.id);
}

int
ec2_create_flow_logs(struct call *c, const struct ec2_create_flow_logs_in *in,
	struct ec2_create_flow_logs_out *out)
{
	struct str made;
	if (ask_check(c, in) != CALL_OK || ec2_token_find(c, in->ClientToken, in, &made) != CALL_OK)
		return CALL_FAILED;
	out->ClientToken = in->ClientToken;
	out->FlowLogIds.set = out->Unsuccessful.set = true;
	if (made.len) {
		for (struct str rest = made; rest.p;)
			*(struct str *)ec2_list_add(c->arena, &out->FlowLogIds) =
				str_cut(&rest, ',');
		return CALL_OK;
	}
	for (uint32_t i = 0; i < in->ResourceIds.n; i++)
		if (log_make(c, in, in->ResourceIds.v[i], out) != CALL_OK)
			return CALL_FAILED;
	made = STR("");
	for (uint32_t i = 0; i < out->FlowLogIds.n; i++)
		made = arena_printf(c->arena, "%.*s%s%.*s", STR_FMT(made), i ? "," : "",
			STR_FMT(out->FlowLogIds.v[i]));
	ec2_token_keep(c, in->ClientToken, in, made);
	mark_networks(c);
	return CALL_OK;
}

int
ec2_delete_flow_logs(struct call *c, const struct ec2_delete_flow_logs_in *in,
	struct ec2_delete_flow_logs_out *out)
{
	out->Unsuccessful.set = true;
	for (uint32_t i = 0; i < in->FlowLogIds.n; i++)
		if (!ec2_need(c, &ec2_flow_log_kind, in->FlowLogIds.v[i]))
			return CALL_FAILED;
	for (uint32_t i = 0; i < in->FlowLogIds.n; i++)
		ec2_delete(c, &ec2_flow_log_kind, in->FlowLogIds.v[i]);
	mark_networks(c);
	return CALL_OK;
}

int
ec2_describe_flow_logs(struct call *c, const struct ec2_describe_flow_logs_in *in,
	struct ec2_describe_flow_logs_out *out)
{
	struct ec2_query q = { .kind = &ec2_flow_log_kind,
		.ids = &in->FlowLogIds,
		.filters = &in->Filter,
		.max = &in->MaxResults,
		.token = in->NextToken,
		.page = 1000 };
	return ec2_describe(c, &q, &out->FlowLogs, &out->NextToken);
}
