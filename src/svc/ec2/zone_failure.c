#include "svc/ec2/zone_failure.h"

#include "svc/ec2/instances.h"
#include "svc/ec2/work.h"
#include "svc/ec2/zones.h"

struct failing {
	struct call *c;
	struct str region;
	uint32_t zone, n;
};

static void
mark_place(void *arg, struct str region, struct str account)
{
	struct failing *f = arg;
	struct call c;
	struct ec2_instance_row *i;
	struct ec2_walk w;
	if (!str_eq(region, f->region))
		return;
	ec2_inner_call(&c, f->c->tx, f->c->arena, region, account);
	ec2_walk_begin(&w, &c, &ec2_instance_kind);
	while ((i = ec2_walk_next(&w)))
		if (i->Zone.v == (int64_t)f->zone &&
			(ec2_state_is(i, EC2_RUNNING) || ec2_state_is(i, EC2_PENDING))) {
			ec2_mark(&c, "ec2.instance", w.id);
			f->n++;
		}
}

uint32_t
ec2_zone_failure(struct call *c, struct str region, uint32_t zone, bool fail)
{
	struct failing f = { c, region, zone, 0 };
	ec2_zone_fail(c->tx, region, zone, fail);
	ec2_each_place(c->tx, c->arena, &ec2_instance_kind, mark_place, &f);
	return f.n;
}
