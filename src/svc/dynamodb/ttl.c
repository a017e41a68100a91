/* Time to live: its settings. */
#include "svc/dynamodb/tasks.h"

int
dynamodb_describe_time_to_live(
	struct call *c, const struct dynamodb_describe_time_to_live_in *in, struct dynamodb_describe_time_to_live_out *out)
{
	struct ddb_table t;
	if (ddb_table_open(c, in->TableName, true, &t))
		return CALL_FAILED;
	out->TimeToLiveDescription = arena_new(c->arena, struct dynamodb_time_to_live_description);
	out->TimeToLiveDescription->TimeToLiveStatus = t.row.TtlAttribute.len ? STR("ENABLED") : STR("DISABLED");
	if (t.row.TtlAttribute.len)
		out->TimeToLiveDescription->AttributeName = t.row.TtlAttribute;
	return CALL_OK;
}

int
dynamodb_update_time_to_live(
	struct call *c, const struct dynamodb_update_time_to_live_in *in, struct dynamodb_update_time_to_live_out *out)
{
	struct ddb_table t;
	const struct dynamodb_time_to_live_specification *s = in->TimeToLiveSpecification;
	if (ddb_table_open(c, in->TableName, true, &t))
		return CALL_FAILED;
	bool on = t.row.TtlAttribute.len > 0;
	if (on && !str_eq(t.row.TtlAttribute, s->AttributeName))
		return ddb_fail(c, "TimeToLive is active on a different AttributeName: current AttributeName is %.*s",
			STR_FMT(t.row.TtlAttribute));
	if (on == s->Enabled.v)
		return ddb_fail(c, "TimeToLive is already %s", on ? "enabled" : "disabled");
	t.row.TtlAttribute = s->Enabled.v ? s->AttributeName : STR("");
	t.row.TtlSince = OPT_TIME(c->now_ms);
	ddb_table_save(c, &t);
	out->TimeToLiveSpecification = in->TimeToLiveSpecification;
	return CALL_OK;
}
