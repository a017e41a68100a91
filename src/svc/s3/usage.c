#include "svc/s3/tiering.h"
#include "svc/s3/usage.h"

#include "aws/metering.h"

void
s3_usage_change(
	struct call *c, const struct s3_bucket_row *b, const struct s3_object_row *o, int sign)
{
	if (o->Marker.v)
		return;
	struct metering_key k = { b->Owner, STR("s3"), b->Name,
		o->StorageClass.p ? o->StorageClass : STR("STANDARD") };
	if (sign > 0 && str_is(o->StorageClass, "INTELLIGENT_TIERING"))
		s3_tiering_schedule(c, b);
	metering_gauge(c->tx, c->store, &k, sign * o->Size.v, sign, c->now_ms);
}

void
s3_finished(struct call *c, const struct call_outcome *o)
{
	if (!c->op || !c->billed_account.len)
		return;
	struct metering_key k = { c->billed_account, STR("s3"), c->billed_resource,
		str_c(c->op->name) };
	metering_count(c->store, &k, 1, c->now_ms);
	if (c->log_wanted)
		s3_access_log_add(c, o);
}
