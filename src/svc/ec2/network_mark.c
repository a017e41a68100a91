/* Which networks are to be made anew. */
#include "svc/ec2/interfaces.h"
#include "svc/ec2/network_rows.h"

#include "aws/reconcile.h"

void
ec2_network_mark(struct tx *t, struct str region, struct str account, struct str vpc)
{
	char text[256];
	int n = snprintf(text, sizeof(text), "%.*s/%.*s/%.*s", STR_FMT(region), STR_FMT(account),
		STR_FMT(vpc));
	if (n > 0 && n < (int)sizeof(text))
		reconcile_mark(t, STR("ec2.network"), str_of(text, (size_t)n));
}

struct marked {
	struct tx *t;
	struct arena *arena;
	struct str region;
};

static void
mark_place(void *arg, struct str region, struct str account)
{
	struct marked *m = arg;
	struct call c;
	struct ec2_walk w;
	if (!str_eq(region, m->region))
		return;
	ec2_inner_call(&c, m->t, m->arena, region, account);
	ec2_walk_begin(&w, &c, &ec2_vpc_kind);
	while (ec2_walk_next(&w))
		ec2_network_mark(m->t, region, account, w.id);
}

void
ec2_network_mark_region(struct tx *t, struct str region)
{
	struct arena a;
	arena_init(&a);
	struct marked m = { t, &a, region };
	ec2_each_place(t, &a, &ec2_vpc_kind, mark_place, &m);
	arena_done(&a);
}

/* A group of one side may be named by rules of the other. */
void
ec2_vpc_changed(struct call *c, struct str vpc)
{
	struct ec2_walk w;
	ec2_network_mark(c->tx, c->region, c->account, vpc);
	ec2_walk_begin(&w, c, &ec2_peering_kind);
	for (struct ec2_peering_row *row; (row = ec2_walk_next(&w));) {
		const struct ec2_vpc_peering_connection *p = row->VpcPeeringConnection;
		const struct ec2_vpc_peering_connection_vpc_info *a = p->RequesterVpcInfo,
								 *b = p->AccepterVpcInfo;
		if (str_eq(a->VpcId, vpc))
			ec2_network_mark(c->tx, b->Region, b->OwnerId, b->VpcId);
		else if (str_eq(b->VpcId, vpc))
			ec2_network_mark(c->tx, a->Region, a->OwnerId, a->VpcId);
	}
}
