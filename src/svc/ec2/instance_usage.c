/* Instance seconds for the bill: an amount of one while the machine runs, a minute at least. */
#include "aws/due.h"
#include "aws/metering.h"
#include "svc/ec2/instances.h"

#define LEAST_MS 60000

static void
gauge(struct call *c, struct str kind, int64_t by, int64_t at_ms)
{
	struct metering_key k = { c->account, STR("ec2"), c->region, kind };
	metering_gauge(c->tx, c->store, &k, by, by, at_ms);
}

/* "BoxUsage:t3.micro:default:on-demand": type, tenancy, purchase model. */
void
ec2_usage_begin(struct call *c, struct ec2_instance_row *i)
{
	struct str life = i->Instance->InstanceLifecycle;
	const struct ec2_placement *p = i->Instance->Placement;
	if (i->Metered.len)
		return;
	i->Metered = arena_printf(c->arena, "BoxUsage:%.*s:%.*s:%.*s",
		STR_FMT(i->Instance->InstanceType),
		STR_FMT(p && p->Tenancy.len ? p->Tenancy : STR("default")),
		STR_FMT(life.len ? life : STR("on-demand")));
	i->StartedAt = OPT_TIME(c->now_ms);
	gauge(c, i->Metered, 1, c->now_ms);
}

/* One that ran for less than a minute goes on counting until it is over. */
void
ec2_usage_end(struct call *c, struct ec2_instance_row *i)
{
	int64_t least = i->StartedAt.ms + LEAST_MS;
	if (!i->Metered.len)
		return;
	if (c->now_ms >= least) {
		gauge(c, i->Metered, -1, c->now_ms);
	} else {
		struct str id = arena_printf(c->arena, "%.*s/%.*s/%.*s/%lld", STR_FMT(c->region),
			STR_FMT(c->account), STR_FMT(i->Instance->InstanceId), (long long)least);
		due_add(c->tx, STR("ec2.usage"), id, least, i->Metered);
	}
	i->Metered = STR_NULL;
}

static int
minute_over(struct tx *t, struct str id, int64_t due_ms, struct str payload, void *arg)
{
	struct call c;
	struct arena a;
	struct str rest = id, region = str_cut(&rest, '/'), account = str_cut(&rest, '/');
	(void)arg;
	arena_init(&a);
	ec2_inner_call(&c, t, &a, region, account);
	gauge(&c, payload, -1, due_ms);
	arena_done(&a);
	return 0;
}

static void
start(struct store *s)
{
	(void)s;
	due_handle("ec2.usage", minute_over, NULL);
}
EC2_START(start);
